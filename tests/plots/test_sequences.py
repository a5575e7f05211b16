"""Pictures of sequences: the autocorrelation, and what stands on the page."""

import numpy as np
import pytest
from matplotlib.image import imread

from minigan.data.sequences import sines
from minigan.plots.sequences import autocorrelation, draw_sequences, save_sequences

DATA = sines(40, 8, 2)


def test_the_autocorrelation_is_the_sum_of_products_at_each_distance():
    x = np.random.default_rng(0).standard_normal((5, 6, 2))
    c = x - x.mean(axis=1, keepdims=True)
    for k in range(6):
        expected = [sum(c[n, t, w] * c[n, t + k, w] for n in range(5) for t in range(6 - k)) for w in range(2)]
        assert autocorrelation(x)[k] == pytest.approx(expected / (c**2).sum((0, 1)))
    assert autocorrelation(x, 3).shape == (3, 2) and not autocorrelation(np.ones((2, 4, 1))).any()


@pytest.mark.slow
def test_samples_stand_below_data_and_the_curves_below_both(tmp_path):
    samples = 1 - DATA.x[:9]
    figure = draw_sequences(samples, DATA)
    pictures, curves = figure.axes[:8], figure.axes[8:]
    drawn = [np.transpose([line.get_ydata() for line in axes.lines]) for axes in pictures]
    assert (drawn[0] == DATA.x[0]).all() and (drawn[5] == samples[2]).all() and len(drawn) == 8
    assert [axes.get_title() for axes in curves] == ["autocorrelation", "values", "steps"]
    for line, x in zip(curves[0].lines, (DATA.x, samples), strict=True):
        assert line.get_ydata() == pytest.approx(autocorrelation(x).mean(1))
    save_sequences(tmp_path / "a.png", samples, DATA)
    assert imread(tmp_path / "a.png").shape[:2] == (432, 691)


def test_samples_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"samples of shape \(3, 8, 1\)"):
        draw_sequences(np.zeros((3, 8, 1)), DATA)
    with pytest.raises(ValueError, match="expected \\(N, T, width\\)"):
        autocorrelation(np.zeros((3, 8)))
