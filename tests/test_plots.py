"""plots: what is where in a grid, and that the curves show what they should."""

import numpy as np
import pytest
from matplotlib.image import imread

from minigan import plots


def test_a_grid_holds_each_image_in_reading_order_inside_a_frame():
    rows = np.linspace(-1, 1, 3 * 4, dtype="float32").reshape(3, 4)
    picture = plots.grid(rows, (2, 2), (-1, 1), columns=2)
    zoom = 24
    tile = 2 * zoom + 2
    assert picture.shape == (2 * tile, 2 * tile)
    for k, (top, left) in enumerate([(0, 0), (0, tile), (tile, 0)]):
        inside = picture[top + 1 : top + tile - 1, left + 1 : left + tile - 1]
        np.testing.assert_allclose(inside[::zoom, ::zoom].ravel(), (rows[k] + 1) / 2, atol=1e-6)
    assert np.all(picture[tile:, tile:] == np.float32(0.35))  # no fourth image


def test_values_outside_the_range_are_clipped():
    picture = plots.grid(np.array([[-3.0, 3.0]], dtype="float32"), (1, 2), (0, 1))
    assert picture.min() == 0 and picture.max() == 1


def test_a_saved_grid_reads_back(tmp_path):
    rows = np.random.default_rng(0).random((4, 784), dtype="float32")
    plots.save_grid(tmp_path / "g.png", rows, (28, 28), (0, 1))
    picture = imread(tmp_path / "g.png")[..., 0]
    np.testing.assert_allclose(picture, plots.grid(rows, (28, 28), (0, 1)), atol=2 / 255)  # the color map has 256 steps


@pytest.mark.parametrize("epochs", [1, 3])
def test_curves_are_drawn_for_any_number_of_epochs(tmp_path, epochs):
    row = {"V": -1.2, "d_real": 0.6, "d_fake": 0.4, "loss_d": 1.2, "loss_g": 0.8}
    plots.save_curves(tmp_path / "c.png", [{"epoch": e + 1, **row} for e in range(epochs)])
    assert imread(tmp_path / "c.png").shape[:2] == (340, 1000)
