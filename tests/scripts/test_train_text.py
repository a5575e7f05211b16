"""scripts/train_text.py, as a person runs it."""

import csv
import json
import signal

import numpy as np
import pytest
from loading import script

from minigan.data import sealed

SMALL = "--hidden", 4, "--epochs", 2, "--batch-size", 8, "--warm", 2


@pytest.fixture
def module():
    return script("train_text")


@pytest.fixture
def train(module):
    return lambda *args: module.main([*map(str, args)])


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "rhyme.txt"
    path.write_text("round and round the garden, " * 40)
    return path


@pytest.fixture
def oracle(tmp_path):
    rng, V, H = np.random.default_rng(0), 9, 3
    given = {"embedding": rng.standard_normal((V, H)), "V": rng.standard_normal((H, V)), "c": np.zeros(V)}
    for k in "ifoc":
        given |= {f"W{k}": np.eye(H), f"U{k}": np.eye(H), f"b{k}": np.zeros(H)}
    np.savez(tmp_path / "oracle.npz", **given)
    return tmp_path / "oracle.npz"


def arrays(run):
    held, meta = sealed.read(run / "checkpoint.npz")
    return {name: a.tobytes() for name, a in held.items()}, meta


@pytest.mark.slow
def test_the_oracles_two_figures_stand_beside_the_curve(module, train, oracle, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(module, "MEASURED", 40)
    out = tmp_path / "run"
    options = "--sequences", 64, "--steps", 5, "--adversarial", "gumbel", "--rounds", 100
    assert train("--oracle", oracle, *options, *SMALL, "--out", out) == 0
    with open(out / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["round"] for row in rows] == ["8", "16", "116"] and all(float(row["oracle"]) > 0 for row in rows)
    curve = json.loads((out / "temperatures.json").read_text())
    assert [t for t, *_ in curve] == list(module.TEMPERATURES) and curve[-1][1] < curve[0][1]
    said = capsys.readouterr().out
    assert "oracle.npz: 64 sequences of 5 tokens, 9 of them" in said and "round 116: train " in said
    assert (out / "text.png").stat().st_size > 5000


def test_a_text_stopped_within_the_game_ends_with_the_same_bits(module, train, text, tmp_path, monkeypatch):
    options = "--data", text, "--steps", 8, "--adversarial", "reinforce", "--rounds", 9, *SMALL
    assert train(*options, "--out", tmp_path / "whole") == 0

    def play(training):
        if training.round == 34:
            signal.raise_signal(signal.SIGINT)
        return original(training)

    original = module.TextTraining.play
    monkeypatch.setattr(module.TextTraining, "play", play)
    assert train(*options, "--out", tmp_path / "cut") == 128 + signal.SIGINT
    monkeypatch.setattr(module.TextTraining, "play", original)
    assert arrays(tmp_path / "cut")[1]["round"] == 35
    assert train("--resume", tmp_path / "cut") == 0
    (held, meta), (expected, other) = arrays(tmp_path / "cut"), arrays(tmp_path / "whole")
    assert held == expected and meta["round"] == other["round"] == 39


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--data", "none.txt"], "none.txt: no such file: check the path"),
        (["--data", "{text}", "--steps", 90], "1120 characters, 12 different ones: expected 1800"),
        (["--oracle", "{text}"], "rhyme.txt is not a sound .npz file"),
        (["--dropout", 2], "argument --dropout: expected a number in [0, 1)"),
        (["--pull", -1], "argument --pull: expected a number in [0, inf)"),
        (["--adversarial", "guess"], "argument --adversarial: invalid choice: 'guess'"),
        (["--resume", "{tmp_path}"], "there is no run in"),
        (["--out", "{tmp_path}"], "is not empty: go on with --resume"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(train, text, tmp_path, args, message, capsys):
    with pytest.raises(SystemExit) as stop:
        train(*[str(each).format(text=text, tmp_path=tmp_path) for each in args])
    err = capsys.readouterr().err
    assert stop.value.code == 2 and message in err and err.count("\n") == 1
