"""One unit of a BatchNorm: its dx, real and fakes normalized together and apart, and its running statistics"""

import numpy

from minigan import BatchNorm, Network
from minigan.backend import host_generator
from minigan.plots.style import BLUE, GRAY, GREEN, ORANGE

SIZE = 9.0, 3.6
N = 4000


def draw(figure):
    slopes, batches, running = figure.subplots(1, 3, width_ratios=(1.1, 1.2, 1))
    eight(slopes)
    together_and_apart(batches)
    remembered(running)


def eight(axes):
    """dy of one sample alone, and the dx of all eight that comes of it."""
    layer = unit()
    rng = host_generator(5)
    x = rng.standard_normal((8, 1)) + 1
    layer.forward(x, training=True)
    dy = numpy.zeros((8, 1))
    dy[2] = 1
    dx = layer.backward(dy)[:, 0]
    order = numpy.argsort(x[:, 0])
    axes.plot(x[order, 0], dx[order], "o-", color=ORANGE, label="dx of each sample")
    axes.plot(x[2], dy[2], "v", color=GRAY, label="dy: 1 for this one,\n0 for the others")
    axes.axhline(0, color=GRAY, linewidth=0.8)
    axes.set(title=f"eight samples: dx sums to {abs(dx.sum()):.0f}", xlabel="x", ylim=(-0.5, 1.5))
    axes.legend(loc="upper left")


def together_and_apart(axes):
    """What one unit makes of real N(1, 1) and fakes N(-1, 1) in one batch, and of each in a batch of its own."""
    real, fakes = (host_generator(k).standard_normal((N, 1)) + mean for k, mean in ((1, 1.0), (2, -1.0)))
    both = unit().forward(numpy.concatenate((real, fakes)), training=True)
    bins = numpy.linspace(-3, 3, 49)
    for y, color, name in ((both[:N], BLUE, "real"), (both[N:], ORANGE, "fake")):
        axes.hist(y, bins, color=color, alpha=0.6, label=f"{name}, in one batch")
    for x, color, name in ((real, BLUE, "real"), (fakes, ORANGE, "fake")):
        axes.hist(
            unit().forward(x, training=True), bins, histtype="step", color=color, linewidth=1.5, label=f"{name}, apart"
        )
    axes.set(title="what D's next layer sees", xlabel="y", yticks=(), ylim=(0, 500))
    axes.legend(ncols=2, fontsize="x-small", loc="upper center")


def remembered(axes):
    """The running mean and variance of a unit whose batches have mean 2 and variance 9."""
    layer, course = unit(), []
    for t in range(40):
        layer.forward(host_generator(t).standard_normal((64, 1)) * 3 + 2, training=True)
        course.append((layer.mean[0], layer.var[0]))
    t = numpy.arange(1, 41)
    for k, color, start, end, name in (0, BLUE, 0, 2, "mean"), (1, GREEN, 1, 9, "var"):
        axes.plot(t, [both[k] for both in course], ".", color=color, markersize=4, label=f"running {name}")
        axes.plot(t, end + (start - end) * 0.9**t, color=color, linewidth=1)
    axes.set(title="momentum 0.9: after t batches", xlabel="t", ylim=(-0.5, 13))
    axes.legend(loc="upper left")


def unit():
    """A BatchNorm of one unit, in float64, with its arrays made."""
    return Network(BatchNorm(1), dtype="float64").layers[0]
