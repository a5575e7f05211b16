"""pictures: what is where in a picture, and what a film of a run holds; scripts/draw_run.py, which draws them all."""

import dataclasses
import math

import numpy as np
import pytest
from loading import script
from matplotlib.image import imread, imsave
from PIL import Image, ImageSequence

from minigan import GAN, Dense, Network, Tanh
from minigan.app.run_directory import RunDirectory
from minigan.data import load
from minigan.objectives import EQUILIBRIUM
from minigan.plots import pictures as plots
from minigan.plots import run_page
from minigan.plots.figures import LINGER
from minigan.training.training import Training


@pytest.mark.parametrize("color", [(), (3,)])
def test_a_grid_holds_each_image_in_reading_order_inside_a_frame(color):
    size = 4 * math.prod(color)
    rows = np.linspace(-1, 1, 3 * size, dtype="float32").reshape(3, size)
    picture = plots.grid(rows, (2, 2, *color), (-1, 1), columns=2)
    zoom = 24
    tile = 2 * zoom + 2
    assert picture.shape == (2 * tile, 2 * tile, *color)
    for k, (top, left) in enumerate([(0, 0), (0, tile), (tile, 0)]):
        inside = picture[top + 1 : top + tile - 1, left + 1 : left + tile - 1]
        np.testing.assert_allclose(inside[::zoom, ::zoom].ravel(), (rows[k] + 1) / 2, atol=1e-6)
    assert np.all(picture[tile:, tile:] == np.float32(0.35))  # no fourth image
    pictures = rows.reshape(3, 2, 2, *(color or (1,)))  # as a player that convolves makes them
    np.testing.assert_array_equal(plots.grid(pictures, (2, 2, *color), (-1, 1), columns=2), picture)
    with pytest.raises(ValueError, match="pixels of shape"):
        plots.grid(pictures.swapaxes(1, 3), (2, 2, *color), (-1, 1))


def history(epochs, equilibrium=EQUILIBRIUM):
    """Rows whose every number is told apart from every other."""
    return [
        {"epoch": e, "V": -1 - e / 100, "d_real": 0.6 + e / 1000, "d_fake": 0.4 - e / 1000, "loss_d": 1.2 + e / 100,
         "loss_g": 0.8 - e / 100, "accuracy": 0.7, "diversity": 0.9 + e / 1000, "equilibrium": equilibrium}
        for e in range(1, epochs + 1)
    ]  # fmt: skip


def drawn(axes):
    """{label: (x, y)} of the lines in axes."""
    return {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines}


@pytest.mark.parametrize(("epochs", "rest", "at"), [(1, EQUILIBRIUM, "$-\\log 4$"), (3, -0.25, "-0.25"), (2, None, "")])
def test_each_curve_is_of_its_own_numbers(epochs, rest, at):
    rows = history(epochs, rest)
    lines = [drawn(axes) for axes in plots.draw_curves(rows).axes]
    panels = ["V"], ["d_real", "d_fake"], ["loss_d", "loss_g"]
    labels = ["V(D, G)"], ["D(x), real", "D(G(z)), fake"], ["D's loss", "G's loss"]
    for line, keys, names in zip(lines, panels, labels, strict=True):
        for key, name in zip(keys, names, strict=True):
            assert line.pop(name) == ([row["epoch"] for row in rows], [row[key] for row in rows])
    rests = {label: y for panel in lines for label, (_, y) in panel.items()}
    assert rests == ({f"{at}: D cannot tell": [rest, rest]} if rest else {}) | {"1/2, cannot tell": [0.5, 0.5]}


def test_runs_are_compared_each_in_its_color():
    first, second = history(3), [{**row, "V": -row["V"], "diversity": 0.1} for row in history(5, None)]
    figure = plots.draw_comparison([("run-1", first), ("run-2", second)])
    value, beliefs, diversity = figure.axes
    assert drawn(value) == {
        "run-1": ([1, 2, 3], [row["V"] for row in first]),
        "run-2": ([1, 2, 3, 4, 5], [row["V"] for row in second]),
        "-1.386: D cannot tell": ([0, 1], [EQUILIBRIUM] * 2),
    }
    for axes, keys in (beliefs, ("d_real", "d_fake")), (diversity, ("diversity",)):
        expected = [[row[key] for row in rows] for rows in (first, second) for key in keys]
        assert [list(line.get_ydata()) for line in axes.lines if len(line.get_xdata())] == expected
    colors = [[line.get_color() for line in axes.lines] for axes in figure.axes]
    assert colors[0][:2] == colors[1][:4:2] == colors[1][1:4:2] == colors[2] and len(set(colors[2])) == 2
    assert [line.get_linestyle() for line in beliefs.lines[:4]] == ["-", ":"] * 2


def noise(n, size=4, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (n, size)).astype("float32")


def frames_of(gif):
    with Image.open(gif) as image:
        yield from (np.asarray(frame.convert("L")) / 255 for frame in ImageSequence.Iterator(image))


def test_each_sample_has_its_neighbor_to_its_right_and_white_around_the_pair(tmp_path):
    rows, neighbors = noise(10, 64), noise(10, 64, seed=1)
    plots.save_neighbors(tmp_path / "n.png", rows, neighbors, (8, 8), (-1, 1))
    picture = imread(tmp_path / "n.png")[28:, :, 0]  # below the caption
    tile, gap = 50, 4
    assert picture.shape == (3 * (tile + 2 * gap), 4 * (2 * tile + 2 * gap))
    for k in range(10):
        top, left = k // 4 * (tile + 2 * gap), k % 4 * (2 * tile + 2 * gap)
        pair = picture[top : top + tile + 2 * gap, left : left + 2 * tile + 2 * gap].copy()
        inside = pair[gap:-gap, gap:-gap]
        np.testing.assert_allclose(inside[:, :tile], plots.grid(rows[k : k + 1], (8, 8), (-1, 1)), atol=2 / 255)
        np.testing.assert_allclose(inside[:, tile:], plots.grid(neighbors[k : k + 1], (8, 8), (-1, 1)), atol=2 / 255)
        inside[:] = 1
        assert np.all(pair == 1)


def test_a_gif_shows_every_frame_under_its_own_label(tmp_path):
    frames = [plots.grid(noise(9, 64, seed=k), (8, 8), (-1, 1), columns=9) for k in range(3)]
    plots.save_gif(tmp_path / "f.gif", [*frames, frames[2]], ["epoch 1", "epoch 2", "epoch 3", "epoch 4"])
    found = list(frames_of(tmp_path / "f.gif"))
    assert len(found) == 4
    with Image.open(tmp_path / "f.gif") as image:
        assert [frame.info["duration"] for frame in ImageSequence.Iterator(image)] == [200, 200, 200, LINGER]
    for picture, frame in zip(found, [*frames, frames[2]], strict=True):
        np.testing.assert_allclose(picture[28:], frame, atol=0.5 / 31 + 3 / 255)  # 32 grays, then a palette
    captions = [picture[:28] for picture in found]
    assert all(caption.min() < 0.2 for caption in captions)
    assert not np.array_equal(captions[2], captions[3])


@pytest.mark.parametrize(("n", "most"), [(1, 50), (2, 0), (49, 50), (51, 50), (5000, 7)])
def test_chosen_frames_are_evenly_spaced_from_the_first_to_the_last(n, most):
    chosen = plots.evenly(n, most)
    assert chosen[0] == 0 and chosen[-1] == n - 1
    assert len(chosen) == min(n, max(most, 2))
    steps = np.diff(chosen)
    assert n == 1 or (steps.min() >= 1 and steps.max() - steps.min() <= 1)


def run_of(directory, epochs):
    """A folder with a picture of 10x10 for each epoch, all of gray epoch / 20000."""
    for epoch in epochs:
        imsave(directory / f"epoch-{epoch:04d}.png", np.full((10, 10, 4), epoch / 20000))
    return directory


def test_frames_are_those_of_the_history_in_the_order_of_the_epochs(tmp_path):
    run_of(tmp_path, [9000, 10000, 11000, 12000])
    (tmp_path / "epoch-of mine.png").touch()
    rows = [{"epoch": epoch, "V": -epoch / 1000} for epoch in (8000, 9000, 10000, 11000)]
    frames, labels = plots.read_frames(tmp_path, rows)
    assert [label.split()[:4] for label in labels] == [
        ["epoch", "9000", "V", "-9.000"], ["epoch", "10000", "V", "-10.000"], ["epoch", "11000", "V", "-11.000"]
    ]  # fmt: skip
    np.testing.assert_allclose([frame[0, 0] for frame in frames], [0.45, 0.5, 0.55], atol=0.5 / 31 + 1 / 255)
    assert plots.read_frames(tmp_path, rows[:1]) == ([], [])


@pytest.mark.parametrize(("pixels", "number"), [(run_page.PIXELS, run_page.FRAMES), (1100, 11)])
def test_a_long_run_or_large_pictures_do_not_make_a_large_film(tmp_path, monkeypatch, pixels, number):
    monkeypatch.setattr(run_page, "PIXELS", pixels)
    run_of(tmp_path, range(1, 71))
    frames, labels = plots.read_frames(tmp_path, [{"epoch": epoch, "V": 0} for epoch in range(1, 71)])
    assert len(frames) == len(labels) == number
    assert labels[0].startswith("epoch 1 ") and labels[-1].startswith("epoch 70 ")


@pytest.fixture(scope="module")
def draw_run():
    return script("draw_run")


@pytest.fixture
def run(tmp_path):
    """The directory of a run with one layer on nine digits."""
    data = dataclasses.replace(load("digits"), images=load("digits").images[:9], labels=None)
    G, D = Network(Dense(5, 64), Tanh(), seed=1), Network(Dense(64, 1), seed=2)
    training = Training(GAN(G, D, seed=3), data, batch_size=3)
    config = {"data": "digits", "data_dir": None, "dry_run": True}
    directory = RunDirectory(tmp_path / "r", training, config)
    for row in training.rounds(2):
        directory.after_round(row)
    return directory


@pytest.mark.slow
def test_a_run_is_drawn_from_its_directory(run, draw_run, capsys):
    assert draw_run.main([str(run.path)]) == 0
    names = "neighbors.png", "curves.png", "training.gif", "training.html"
    assert capsys.readouterr().out.split() == ["now", "open", *(str(run.path / name) for name in names)]
    assert all((run.path / name).stat().st_size for name in names)
    assert len(list(frames_of(run.path / "training.gif"))) == 2
    # The samples are those of the last grid, and the neighbors are training images.
    pairs = imread(run.path / "neighbors.png")[28:, :, 0].reshape(8, 58, 8, 108)[:, 4:-4, :, 4:-4]
    np.testing.assert_allclose(pairs[..., :50].reshape(400, 400), imread(run.last_picture)[..., 0], atol=2 / 255)
    digits = [plots.grid(row[None], (8, 8), (-1, 1)) for row in run.training.dataset.rows()]
    for neighbor in pairs[..., 50:].transpose(0, 2, 1, 3).reshape(64, 50, 50):
        assert min(abs(neighbor - digit).max() for digit in digits) <= 2 / 255
