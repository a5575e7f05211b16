"""plots: what is where in a picture, and what a film of a run holds; scripts/draw_run.py, which draws them all."""

import base64
import dataclasses
import io
import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from loading import script
from matplotlib.image import imread, imsave
from PIL import Image

from minigan import GAN, Dense, Network, Tanh, plots
from minigan.data import load
from minigan.run_directory import RunDirectory
from minigan.training import Training


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


def noise(n, size=4, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (n, size)).astype("float32")


def frames_of(gif):
    with Image.open(gif) as image:
        for i in range(image.n_frames):
            image.seek(i)
            yield np.asarray(image.convert("L")) / 255


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
    for picture, frame in zip(found, [*frames, frames[2]], strict=True):
        np.testing.assert_allclose(picture[28:], frame, atol=0.5 / 31 + 3 / 255)  # 32 grays, then a palette
    captions = [picture[:28] for picture in found]
    assert all(caption.min() < 0.2 for caption in captions)
    assert not np.array_equal(captions[2], captions[3])


def test_the_page_holds_every_frame_pixel_for_pixel_and_needs_nothing_else(tmp_path):
    """451 pixels wide: matplotlib's writer would resize a picture of odd width."""
    frames = [np.pad(plots.grid(noise(9, 64, seed=k), (8, 8), (-1, 1), columns=9), ((0, 0), (0, 1))) for k in range(3)]
    plots.save_slider(tmp_path / "p.html", frames, ["epoch 1", "epoch 2", "epoch 3"], "<b> & a title")
    page = (tmp_path / "p.html").read_text(encoding="utf-8")
    embedded = re.findall(r'frames\[\d+\] = "data:image/png;base64,([^"]*)"', page)
    assert len(embedded) == 3
    for data, frame in zip(embedded, frames, strict=True):
        picture = imread(io.BytesIO(base64.b64decode(data.replace("\\\n", ""))))
        np.testing.assert_allclose(picture[28:, :, 0], frame, atol=0.5 / 31 + 2 / 255)
    assert "<title>&lt;b&gt; &amp; a title</title>" in page
    rest = re.sub(r'"data:image/png;base64,[^"]*"', "", page)
    assert not re.search(r"://|<link|@import|url\(|<script[^>]*src|<img[^>]*src", rest)
    icons = set(re.findall(r'class="fa (fa-[a-z-]+)', rest))
    assert len(icons) == 8 and all(f".{icon}::before" in rest for icon in icons)  # else the buttons are empty


def test_the_same_frames_make_the_same_files(tmp_path):
    for name in "a", "b":
        plots.save_slider(tmp_path / f"{name}.html", [np.eye(20)], ["one"], "title")
        plots.save_gif(tmp_path / f"{name}.gif", [np.eye(20)], ["one"])
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()


@given(st.integers(1, 5000), st.integers(0, 100))
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
    history = [{"epoch": epoch, "V": -epoch / 1000} for epoch in (8000, 9000, 10000, 11000)]
    frames, labels = plots.read_frames(tmp_path, history)
    assert [label.split()[:4] for label in labels] == [
        ["epoch", "9000", "V", "-9.000"], ["epoch", "10000", "V", "-10.000"], ["epoch", "11000", "V", "-11.000"]
    ]  # fmt: skip
    np.testing.assert_allclose([frame[0, 0] for frame in frames], [0.45, 0.5, 0.55], atol=1 / 255)
    assert plots.read_frames(tmp_path, history[:1]) == ([], [])


@pytest.mark.parametrize(("pixels", "number"), [(plots.PIXELS, plots.FRAMES), (1100, 11), (99, 2)])
def test_a_long_run_or_large_pictures_do_not_make_a_large_film(tmp_path, monkeypatch, pixels, number):
    monkeypatch.setattr(plots, "PIXELS", pixels)
    run_of(tmp_path, range(1, 71))
    frames, labels = plots.read_frames(tmp_path, [{"epoch": epoch, "V": 0} for epoch in range(1, 71)])
    assert len(frames) == len(labels) == number
    assert labels[0].startswith("epoch 1 ") and labels[-1].startswith("epoch 70 ")


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-30], lambda data: data[:20] + b"?" + data[21:], lambda data: b""]
)
def test_a_damaged_frame_is_an_error_that_names_it(tmp_path, damage):
    run_of(tmp_path, [1, 2])
    path = tmp_path / "epoch-0002.png"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(OSError, match=r"epoch-0002\.png: cannot read this picture \("):
        plots.read_frames(tmp_path, [{"epoch": 1, "V": 0}, {"epoch": 2, "V": 0}])


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


def test_a_run_without_a_finished_epoch_has_neighbors_only(tmp_path):
    rows = noise(2, 64)
    assert plots.draw_run(tmp_path, [], rows, rows, (8, 8), (-1, 1)) == [tmp_path / "neighbors.png"]
    assert [path.name for path in tmp_path.iterdir()] == ["neighbors.png"]


def test_mistakes_are_one_line_and_exit_code_2(run, draw_run, capsys):
    def message(path):
        with pytest.raises(SystemExit) as stop:
            draw_run.main([str(path)])
        out, err = capsys.readouterr()
        assert (stop.value.code, out, err.count("\n")) == (2, "", 1)
        return err

    assert "/no/such/run/checkpoint.npz: no such file" in message("/no/such/run")
    run.training.dataset = dataclasses.replace(run.training.dataset, images=run.training.dataset.images[::-1])
    run.save()
    assert "put those images back" in message(run.path)
    assert not (run.path / "neighbors.png").exists()


def test_neither_pyplot_nor_a_window_is_needed():
    code = "import minigan.plots, sys; assert 'matplotlib.pyplot' not in sys.modules"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=60)
