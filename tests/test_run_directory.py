"""run_directory: what training leaves on disk, and what it does when the disk does not take it."""

import json

import numpy as np
import pytest

from minigan import GAN, Dense, Network, Tanh, checkpoint
from minigan.data import Dataset
from minigan.run_directory import RunDirectory
from minigan.training import Training


def training():
    G, D = Network(Dense(2, 9), Tanh(), seed=0), Network(Dense(9, 1), seed=1)
    images = np.random.default_rng(0).integers(0, 256, (20, 3, 3), dtype="uint8")
    return Training(GAN(G, D), Dataset("noise", images), 5)


def play(run, epochs):
    for row in run.training.rounds(epochs):
        run.after_round(row)


def test_each_epoch_leaves_a_picture_a_history_and_a_checkpoint(tmp_path):
    run = RunDirectory(tmp_path / "r", training(), {"seed": 0})
    play(run, 2)
    assert run.last_picture == tmp_path / "r" / "samples" / "epoch-0002.png" and run.last_picture.exists()
    assert (tmp_path / "r" / "history.csv").read_text().count("\n") == 3
    _, meta = checkpoint.read(run.checkpoint)
    assert (meta["epoch"], meta["round"], meta["config"]) == (2, 0, {"seed": 0})
    assert json.loads((tmp_path / "r" / "config.json").read_text()) == {"seed": 0}


def test_checkpoints_are_written_within_an_epoch_too(tmp_path):
    run = RunDirectory(tmp_path / "r", training(), {}, checkpoint_every=0.0)
    run.after_round(next(run.training.rounds(1)))
    assert checkpoint.read(run.checkpoint)[1]["round"] == 1


def test_a_directory_that_holds_a_run_is_refused_unless_resumed(tmp_path):
    play(RunDirectory(tmp_path, training(), {}), 1)
    with pytest.raises(ValueError, match="already holds a run: go on with --resume"):
        RunDirectory(tmp_path, training(), {})
    resumed = RunDirectory(tmp_path, training(), {}, resume=tmp_path)
    assert resumed.training.epoch == 1


def test_a_run_is_resumed_from_the_checkpoint_before_where_a_save_was_cut_or_where_it_is_named(tmp_path):
    run = RunDirectory(tmp_path, training(), {})
    play(run, 3)
    previous = checkpoint.previous(run.checkpoint)
    assert RunDirectory(tmp_path, training(), {}, resume=previous).training.epoch == 2
    assert not run.checkpoint.exists()  # set aside: it must not become the previous one
    assert RunDirectory(tmp_path, training(), {}, resume=tmp_path).training.epoch == 2
    previous.unlink()
    assert RunDirectory(tmp_path, training(), {}, resume=tmp_path).training.epoch == 0


def test_a_damaged_checkpoint_is_refused_and_the_one_before_offered(tmp_path):
    run = RunDirectory(tmp_path, training(), {})
    play(run, 2)
    run.checkpoint.write_bytes(run.checkpoint.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"the one before it is .*checkpoint-previous\.npz"):
        RunDirectory(tmp_path, training(), {}, resume=tmp_path)


def test_a_warning_is_given_once(tmp_path):
    run = RunDirectory(tmp_path, training(), {})
    play(run, 1)
    run.training.history[-1]["diversity"] = 0.01
    assert [warning.split(":")[0] for warning in run.warnings()] == ["The samples have become alike"]
    assert run.warnings() == []


def test_a_full_disk_is_reported_training_goes_on_and_the_last_checkpoint_stays(tmp_path, capsys, monkeypatch):
    run = RunDirectory(tmp_path / "r", training(), {})
    play(run, 1)

    def full(*args):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        play(run, 3)
    assert run.training.epoch == 3 and not run.saved
    err = capsys.readouterr().err
    assert err.count("No space left on device") == 3  # samples, history, checkpoint
    said = (
        f"could not write the checkpoint into {tmp_path}/r (No space left on device): what was learned stays in memory"
    )
    assert said in err
    assert f"the last good checkpoint is {run.checkpoint}" in err
    assert checkpoint.read(run.checkpoint)[1]["epoch"] == 1
    assert run.last_picture.name == "epoch-0001.png"
    run.finish()
    assert run.saved and checkpoint.read(run.checkpoint)[1]["epoch"] == 3
    assert capsys.readouterr().err == "the checkpoint could be written again\n"


def test_every_so_many_epochs_a_checkpoint_is_kept(tmp_path):
    run = RunDirectory(tmp_path, training(), {}, keep=2)
    play(run, 5)
    kept = sorted((tmp_path / "kept").iterdir())
    assert [path.name for path in kept] == ["epoch-0002.npz", "epoch-0004.npz"]
    assert [checkpoint.read(path)[1]["epoch"] for path in kept] == [2, 4]
