"""train: a game of one's own gets all that train_mnist.py gives, in code and on the command line."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from loading import script
from matplotlib.image import imread

from minigan import GAN, Dense, Network, Sigmoid, Tanh
from minigan.app import fit
from minigan.app.saved import open_checkpoint
from minigan.data import Dataset
from minigan.evaluation.protocol import data_of_run
from minigan.training import checkpoint, description

GAME = Path(__file__).with_name("my_game.py")
ROOT = Path(__file__).resolve().parents[2]


def game(last=Tanh):
    return GAN(Network(Dense(2, 9), last()), Network(Dense(9, 1), seed=1))


def noise():
    return Dataset("noise", np.random.default_rng(0).integers(0, 256, (20, 3, 3), dtype="uint8"))


def same(one, other):
    """Whether two checkpoints hold the same state."""
    (a, meta_a), (b, meta_b) = checkpoint.read(one), checkpoint.read(other)
    assert a.keys() == b.keys() and (meta_a["epoch"], meta_a["draws"]) == (meta_b["epoch"], meta_b["draws"])
    return all(np.array_equal(a[name], b[name]) for name in a)


@pytest.mark.usefixtures("undrawn")
def test_one_call_trains_and_after_ctrl_c_goes_on_to_the_same_bits(tmp_path, monkeypatch, capsys):
    whole, half, step = tmp_path / "whole", tmp_path / "half", GAN.step

    def interrupted(self, x):
        if self is stopped and self.draws[0] == 4:  # two in each round
            signal.raise_signal(signal.SIGINT)
        return step(self, x)

    training = fit(game(), noise(), epochs=3, out=whole, batch_size=5)
    assert (training.epoch, len(training.history)) == (3, 3)
    assert "noise: 20 images of 3x3, 4 rounds of 5 an epoch" in capsys.readouterr().out
    stopped = game()
    with monkeypatch.context() as patch, pytest.raises(SystemExit) as stop:
        patch.setattr(GAN, "step", interrupted)
        fit(stopped, noise(), epochs=3, out=half, batch_size=5, resume=True)  # there is nothing to resume yet
    out = capsys.readouterr().out
    assert stop.value.code == 130 and checkpoint.read(half / "checkpoint.npz")[1]["round"] == 3
    assert "starting from the beginning" not in out
    assert "stopped in epoch 1; to go on: call fit again with resume=True" in out
    with pytest.raises(ValueError, match="already holds a run"):
        fit(game(), noise(), epochs=3, out=half, batch_size=5)
    fit(game(), noise(), epochs=3, out=half, batch_size=5, resume=True)
    assert "going on after 0 epochs and 3 rounds" in capsys.readouterr().out
    assert same(whole / "checkpoint.npz", half / "checkpoint.npz")
    fit(game(), noise(), epochs=3, out=half, batch_size=5, resume=True)
    assert "all 3 epochs are done; for more: call fit again" in capsys.readouterr().out


@pytest.mark.usefixtures("undrawn")
def test_data_come_by_name_in_the_range_of_the_generator_and_are_found_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez("mine.npz", images=np.random.default_rng(0).random((40, 3, 3), dtype="float32"))
    training = fit(game(Sigmoid), "mine.npz", epochs=1)
    assert training.dataset.range == (0, 1) and training.batches.batch_size == 2  # a 32nd, but not less
    monkeypatch.chdir("/")
    _, found = data_of_run(open_checkpoint(tmp_path / "out" / "run-1")[1], (0, 1))
    assert (found.images == training.dataset.images).all() and found.range == (0, 1)


def test_a_game_on_other_data_than_images_has_curves_and_checkpoints(tmp_path):
    class Ramp:
        name, batch_size, sample_shape, rounds, identity = "ramp", 4, (9,), 1, {"slope": 1}

        def epoch(self, e, start=0):
            yield np.linspace(-1, 1, 36, dtype="float32").reshape(4, 9)

    fit(game(), Ramp(), epochs=2, out=tmp_path / "r")
    written = ["checkpoint-previous.npz", "checkpoint.npz", "config.json", "curves.png", "history.csv"]
    assert sorted(path.name for path in (tmp_path / "r").iterdir()) == written


def test_what_cannot_be_played_leaves_no_trace_and_what_is_not_finite_is_told_with_the_way_back(tmp_path):
    with pytest.raises(ValueError, match="width 9, but an image of digits"):
        fit(game(), "digits", epochs=1, out=tmp_path / "r")
    assert list(tmp_path.iterdir()) == []
    gan = game()
    gan.generator.theta[0] = np.nan
    with pytest.raises(ArithmeticError, match=r"epoch 1, round 1: .*\n.*no checkpoint yet; to go on, .*resume=True"):
        fit(gan, noise(), epochs=1, out=tmp_path / "r", batch_size=5)


@pytest.mark.usefixtures("undrawn")
def test_a_newcomers_file_is_trained_resumed_sampled_and_drawn(tmp_path, monkeypatch, capsys):
    """On the command line, with a layer and an objective of its own."""
    run, copy = tmp_path / "r", tmp_path / "my_own.py"
    shutil.copy(GAME, copy)
    train = script("train_mnist").main
    assert train(["--game", str(copy), "--data", "digits", "--dry-run", "--out", str(run), "--device", "cpu"]) == 0
    assert train(["--resume", str(run), "--epochs", "3"]) == 0
    G, meta = open_checkpoint(run)
    assert (meta["epoch"], meta["config"]["game"]) == (3, str(copy)) and repr(G.layers[1]) == "Swish()"
    assert G.layers[1].slope == 1.5
    out = ["--out", str(tmp_path / "s.png")]
    monkeypatch.delitem(description.KNOWN, "Swish")  # as in a process that has not seen the layer
    with pytest.raises(SystemExit) as stop:
        script("sample").main([str(run), *out])
    err = capsys.readouterr().err
    assert stop.value.code == 2 and "Swish is not a layer" in err  # a checkpoint runs nothing by itself
    assert err.endswith(f"it was trained with --game {copy}: give that here, too\n")
    assert script("sample").main([str(run), "--game", str(copy), *out]) == 0
    assert imread(tmp_path / "s.png").shape[:2] == (400, 400)
    assert script("draw_run").main([str(run), "--game", str(copy)]) == 0


@pytest.mark.slow
def test_a_newcomers_file_runs_by_itself_and_again(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for said in "now open", "all 2 epochs are done":
        result = subprocess.run([sys.executable, GAME], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert result.returncode == 0 and said in result.stdout, result.stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "there is no such file"),
        ("make = 3", "it has no function make(data, rounds, seed) that returns a GAN"),
        ("1 / 0", "cannot be run: ZeroDivisionError: division by zero"),
    ],
)
def test_a_game_that_is_none_is_refused_in_one_line(text, message, tmp_path, capsys):
    path = tmp_path / "wrong.py"
    if text:
        path.write_text(text)
    with pytest.raises(SystemExit) as stop:
        script("train_mnist").main(["--game", str(path), "--data", "digits", "--out", str(tmp_path / "r")])
    err = capsys.readouterr().err
    assert stop.value.code == 2 and f"--game {path}" in err and message in err and err.count("\n") == 1
    assert not (tmp_path / "r").exists()
