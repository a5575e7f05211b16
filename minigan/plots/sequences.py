"""Sequences in pictures: samples beside data, and three curves that tell whether they are alike."""

import numpy
from matplotlib.figure import Figure

from minigan.backend.checks import kind, whole
from minigan.data.dataset import numbers
from minigan.data.sequences import Sequences
from minigan.plots.figures import save_figure
from minigan.plots.style import DATA, SAMPLE

SHOWN, BINS, SIZE, DPI = 4, 40, (9.6, 6.0), 72  # sequences of either; bars of a histogram


def autocorrelation(x, lags=None):
    """r_k, k = 0 ... lags - 1 (T of them unless given), of sequences x (N, T, width), one (lags, width) for all

        r_k = sum of c_t c_{t+k} over n and t / sum of c_t^2      c_t = x_t - the mean over time of its own sequence

    A column that never moves within any of the sequences has 0. Raises ValueError for other arrays, and for lags that
    are not whole numbers from 1 to T.
    """
    x = numbers("autocorrelation: x", x)
    if x.ndim != 3 or not x.size:
        raise ValueError(f"autocorrelation: x has shape {x.shape}, expected (N, T, width)")
    T = x.shape[1]
    lags = T if lags is None else whole(f"autocorrelation: lags={lags!r}", lags, most=T)
    c = x - x.mean(axis=1, keepdims=True)
    sums = numpy.stack([(c[:, : T - k] * c[:, k:]).sum(axis=(0, 1)) for k in range(lags)])
    return sums / numpy.maximum(sums[0], 1e-30)


def save_sequences(path, samples, data):
    """Write a PNG: some of the data and some of the samples (N, T, width), and what both have in common.

    Below them the autocorrelation, the distribution of the values, and that of the steps x_{t+1} - x_t, of all columns,
    each scaled to [0, 1]. Raises ValueError for samples of another shape than the Sequences.
    """
    save_figure(path, draw_sequences(samples, data), DPI)


def draw_sequences(samples, data):
    """The figure of `save_sequences`. Raises ValueError as that does."""
    kind("a picture of sequences", data, Sequences)
    samples = numbers("samples", samples)
    if samples.shape[1:] != data.sample_shape or not len(samples):
        raise ValueError(f"samples of shape {samples.shape}, expected (N, *{data.sample_shape})")
    real = data.x[:: max(1, len(data) // 1000)]
    figure = Figure(figsize=SIZE, dpi=DPI)
    above = figure.add_gridspec(2, SHOWN, left=0.07, right=0.99, bottom=0.47, top=0.93, hspace=0.08, wspace=0.06)
    below = figure.add_gridspec(1, 3, left=0.07, right=0.99, bottom=0.09, top=0.35, wspace=0.15)
    pictures = above.subplots(sharex=True, sharey=True)
    for row, name, color, x in (0, "data", DATA, real), (1, "samples", SAMPLE, samples):
        for axes, sequence in zip(pictures[row], x[:: max(1, len(x) // SHOWN)], strict=False):
            axes.plot(sequence, linewidth=1.2)
            axes.set_prop_cycle(None)
        pictures[row, 0].set_ylabel(name, color=color, fontsize="large")
    if len(data.columns) <= 6:
        lines = pictures[0, 0].lines
        figure.legend(lines, data.columns, loc="upper center", ncols=len(lines), fontsize="small", frameon=False)
    low, high = real.min(), real.max()
    room = 0.05 * (high - low) + 1e-6
    pictures[0, 0].set(ylim=(low - room, high + room))
    together, values, steps = below.subplots()
    for name, color, x in ("data", DATA, real), ("samples", SAMPLE, samples):
        together.plot(autocorrelation(x).mean(axis=1), color=color, label=name)
        style = {"bins": BINS, "density": True, "histtype": "step", "color": color, "label": name}
        values.hist(x.ravel(), range=(0, 1), **style)
        steps.hist(numpy.diff(x, axis=1).ravel(), range=_reach(real), **style)
    together.set(title="autocorrelation", xlabel="steps apart")
    values.set(title="values", yticks=[])
    steps.set(title="steps", yticks=[])
    together.legend(fontsize="small")
    return figure


def _reach(x):
    """(low, high) within which all but a hundredth of the steps lie, and some room."""
    low, high = numpy.quantile(numpy.diff(x, axis=1), (0.005, 0.995))
    room = 0.3 * (high - low) + 1e-6
    return low - room, high + room
