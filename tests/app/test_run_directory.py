"""run_directory: what training leaves on disk, what it does when the disk does not take it, and who may write there."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from minigan import GAN, Dense, Network, Tanh
from minigan.app import run_directory
from minigan.app.run_directory import RunDirectory, directory_of
from minigan.data import Dataset
from minigan.plots.pictures import grid
from minigan.training import checkpoint
from minigan.training.course import save_history
from minigan.training.training import Training


def training():
    G, D = Network(Dense(2, 9), Tanh(), seed=0), Network(Dense(9, 1), seed=1)
    images = np.random.default_rng(0).integers(0, 256, (20, 3, 3), dtype="uint8")
    return Training(GAN(G, D), Dataset("noise", images), 5)


@pytest.fixture
def open_run(tmp_path):
    """open_run(...): a RunDirectory in tmp_path / "r" with a Training of its own, after letting the last one go."""
    runs = []

    def open_run(config=None, **options):
        if runs:
            runs.pop().close()
        runs.append(RunDirectory(tmp_path / "r", training(), config or {}, **options))
        return runs[0]

    yield open_run
    for run in runs:
        run.close()


def play(run, epochs):
    for row in run.training.rounds(epochs):
        run.after_round(row)


def epoch(path):
    return checkpoint.read(path)[1]["epoch"]


def test_each_epoch_leaves_pictures_a_page_a_history_and_two_checkpoints(open_run, monkeypatch):
    run = open_run({"seed": 0})
    assert json.loads((run.path / "config.json").read_text()) == {"seed": 0}
    assert run.last_picture is None
    for number in 1, 2, 3:
        play(run, number)
        picture = run.path / "samples" / f"epoch-{number:04d}.png"
        assert run.last_picture == picture and (run.path / "latest.png").read_bytes() == picture.read_bytes()
        expected = grid(run.training.samples, (3, 3), (-1, 1))
        np.testing.assert_allclose(imread(picture)[..., 0], expected, atol=2 / 255)
        assert (run.path / "history.csv").read_text().count("\n") == number + 1
        assert (run.path / "training.html").exists()
        assert run.saved and epoch(run.checkpoint) == number
        assert checkpoint.read(run.checkpoint)[1]["config"] == {"seed": 0}
        assert number == 1 or epoch(checkpoint.previous(run.checkpoint)) == number - 1
    assert run.last_good() == f"the last good checkpoint is {run.checkpoint}"
    assert not (run.path / "kept").exists()
    run.checkpoint.unlink()
    seen = []
    monkeypatch.setattr(run_directory.plots, "draw_run", lambda *args: seen.append("drawn"))
    assert run.finish(lambda: seen.append("saved")) and not run.checkpoint.exists()  # what is saved stays so
    assert seen == ["saved", "drawn"]


@pytest.mark.usefixtures("undrawn")
def test_checkpoints_are_written_within_an_epoch_as_often_as_asked(open_run, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(run_directory.time, "monotonic", lambda: now[0])
    run = open_run(checkpoint_every=10)
    saved = []
    for row in run.training.rounds(2):
        now[0] += 4
        run.after_round(row)
        saved.append(run.saved)
    #        4      8      12    16: an epoch ends
    assert saved == [False, False, True, True, False, False, True, True]
    meta = checkpoint.read(checkpoint.previous(run.checkpoint))[1]
    assert (meta["epoch"], meta["round"]) == (1, 3)
    run.training.round = 1
    assert not run.saved
    run.finish()
    assert run.saved and checkpoint.read(run.checkpoint)[1]["round"] == 1


def test_the_page_is_not_drawn_more_often_than_it_is_cheap(open_run, monkeypatch):
    now, pages = [0.0], []

    def write_page(path, history, live):
        assert live
        pages.append(len(history))
        now[0] += 1

    monkeypatch.setattr(run_directory.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(run_directory, "write_page", write_page)
    run = open_run()
    for row in run.training.rounds(6):
        now[0] += 2
        run.after_round(row)
    assert pages == [1, 4]


def test_a_directory_that_holds_a_run_or_other_files_is_refused_and_an_unused_one_taken(
    open_run, tmp_path, monkeypatch
):
    open_run()
    with pytest.raises(
        ValueError, match=r"r already holds a run: go on with --resume .*/r \(in code, resume=True\), or"
    ):
        open_run()
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "history.csv").write_text("mine")
    with pytest.raises(ValueError, match=r"mine holds other files \(history\.csv\): a run needs a new directory"):
        RunDirectory(mine, training(), {})
    assert [path.name for path in mine.iterdir()] == ["history.csv"]
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "config.json.part").write_text("{")  # of a process that was killed at the start
    RunDirectory(tmp_path / "empty", training(), {}).close()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out" / "run-1").mkdir(parents=True)
    with RunDirectory(None, training(), {}) as run:
        assert run.path == Path("out", "run-2")


def test_one_process_holds_it_and_the_second_is_told_who(open_run, tmp_path, monkeypatch):
    run = open_run()
    mine = f"r is in use by process {os.getpid()} on .* since 20..-..-.. ..:..:..: wait until that ends, or stop it"
    for resume in None, run.path:
        with pytest.raises(ValueError, match=mine):
            RunDirectory(run.path, training(), {}, resume=resume)
    run.close()
    run.close()
    assert not (run.path / "run.lock").exists()
    RunDirectory(run.path, training(), {}, resume=run.path)  # nobody keeps it
    (tmp_path / "run.lock").write_text("process 1")  # as a process leaves it that was killed: it says nothing
    run_directory.hold(tmp_path).close()
    assert (tmp_path / "run.lock").read_text().startswith(f"process {os.getpid()} on ")

    def none(*args):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(run_directory.fcntl, "flock", none)
    run_directory.hold(tmp_path).close()


def test_a_run_is_resumed_from_its_checkpoint_the_one_before_or_one_that_is_named(open_run):
    run = open_run(keep=2)
    play(run, 5)
    previous, kept = checkpoint.previous(run.checkpoint), run.path / "kept" / "epoch-0002.npz"
    assert [epoch(path) for path in sorted(kept.parent.iterdir())] == [2, 4]
    assert {directory_of(path) for path in (run.path, run.checkpoint, previous, kept)} == {run.path}
    assert open_run(resume=run.path).training.epoch == 5
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file() and path.name != "run.lock"}
    for path, number in (previous, 4), (kept, 2):
        resumed = open_run({"lr": 1}, resume=path)
        assert resumed.training.epoch == number and resumed.last_picture.name == f"epoch-000{number}.png"
    assert {path: path.read_bytes() for path in before} == before  # until training goes on
    play(resumed, 3)
    assert json.loads((run.path / "config.json").read_text()) == {"lr": 1}
    set_aside = run.path / "checkpoint-set-aside.npz"
    assert set_aside.read_bytes() == before[run.checkpoint]  # it did not become the previous one
    assert (epoch(run.checkpoint), epoch(previous)) == (3, 4)
    assert resumed.last_picture.name == "epoch-0003.png"
    play(resumed, 4)
    assert (epoch(run.checkpoint), epoch(previous)) == (4, 3)
    play(open_run(resume=run.checkpoint), 5)  # named or not: it becomes the previous one
    assert (epoch(run.checkpoint), epoch(previous)) == (5, 4)
    assert set_aside.read_bytes() == before[run.checkpoint]
    run.checkpoint.write_bytes(b"damaged")
    with pytest.raises(ValueError, match=r"the one before it is .*checkpoint-previous\.npz"):
        open_run(resume=run.path)
    assert not (run.path / "run.lock").exists()  # it was let go
    run.checkpoint.unlink()
    assert open_run(resume=run.path).training.epoch == 4
    previous.unlink()
    assert open_run(resume=run.path).training.epoch == 0


def test_a_warning_is_given_once(open_run):
    run = open_run()
    play(run, 1)
    run.training.history[-1]["diversity"] = 0.01
    assert [warning.split(":")[0] for warning in run.warnings()] == ["The samples have become alike"]
    assert run.warnings() == []
    run.training.history[-1]["V"] = -9.0
    assert [warning.split(",")[0] for warning in run.warnings()] == ["V is -9"]
    run.training.history[-1] |= {"V": -1.4, "diversity": 1.0}  # what is no warning is not said
    assert run.warnings() == []


def test_a_full_disk_is_reported_training_goes_on_and_the_last_checkpoint_stays(open_run, capsys, monkeypatch):
    run = open_run(keep=1)
    assert run.last_good() == "there is no checkpoint yet"
    play(run, 1)

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run_directory.plots, "draw_run", lambda path, rows, *_: save_history(path / "h.csv", rows))
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        play(run, 3)
        assert run.finish() is False
    assert run.training.epoch == 3 and not run.saved
    err = capsys.readouterr().err
    assert err.count("No space left on device") == 4  # samples, history, checkpoint, closing pictures
    assert f"could not write the checkpoint into {run.path} (No space left on device): what was learned stays" in err
    assert f"the last good checkpoint is {run.checkpoint}" in err and epoch(run.checkpoint) == 1
    assert [path.name for path in (run.path / "kept").iterdir()] == ["epoch-0001.npz"]
    assert run.last_picture.name == "epoch-0001.png"
    assert run.finish() is True
    assert run.saved and epoch(run.checkpoint) == 3
    again = [f"the {what} could be written again" for what in ("checkpoint", "closing pictures")]
    run.save()
    assert capsys.readouterr().err.splitlines() == again  # once
    run.checkpoint.unlink()
    assert run.last_good() == f"the last good checkpoint is {checkpoint.previous(run.checkpoint)}"
