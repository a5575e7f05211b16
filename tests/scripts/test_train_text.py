"""scripts/train_text.py, as a person runs it."""

import csv
import json
import signal

import numpy as np
import pytest
from loading import script

from minigan.data import sealed

SMALL = "--hidden", 4, "--likelihood", 2, "--batch-size", 8, "--warm", 2


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
    options = "--sequences", 64, "--steps", 5, "--adversarial", "gumbel", "--epochs", 4
    assert train("--oracle", oracle, *options, *SMALL, "--out", out) == 0
    with open(out / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"] and all(float(row["oracle"]) > 0 for row in rows)
    curve = json.loads((out / "temperatures.json").read_text())
    assert [t for t, *_ in curve] == list(module.TEMPERATURES) and curve[-1][1] < curve[0][1]
    said = capsys.readouterr().out
    assert "oracle.npz: 8 rounds of 8 an epoch" in said and "64 sequences of 5 tokens, 9 of them" in said
    assert "epoch 4/4  train " in said and f"oracle {float(rows[-1]['oracle']):.3f} at test " in said.splitlines()[-1]
    for name in "text.png", "latest.png", "curves.png", "training.gif", "training.html", "samples/epoch-0004.png":
        assert (out / name).stat().st_size > 5000


@pytest.fixture
def without_pictures(module, monkeypatch):
    monkeypatch.setattr("minigan.app.run_directory.plots.draw_course", lambda *args: [])
    monkeypatch.setattr(module, "save_text", lambda path, *args: path.write_bytes(b""))
    monkeypatch.setattr(module, "TEMPERATURES", (1.0,))


@pytest.mark.usefixtures("without_pictures")
def test_a_text_stopped_within_the_game_ends_with_the_same_bits(module, train, text, tmp_path, monkeypatch, capsys):
    options = "--data", text, "--steps", 8, "--adversarial", "reinforce", "--epochs", 3, *SMALL
    assert train(*options, "--out", tmp_path / "whole", "--keep", 2) == 0
    kept = tmp_path / "whole" / "kept" / "epoch-0002.npz"
    assert sealed.read(kept)[1]["epoch"] == 2  # where the game begins
    last = capsys.readouterr().out.splitlines()[-5:]

    def play(game, *args, **options):
        if game.draws[0] == 34:
            signal.raise_signal(signal.SIGINT)
        return original(game, *args, **options)

    original = module.TextGame.play
    monkeypatch.setattr(module.TextGame, "play", play)
    assert train(*options, "--out", tmp_path / "cut") == 128 + signal.SIGINT
    monkeypatch.setattr(module.TextGame, "play", original)
    assert (arrays(tmp_path / "cut")[1]["epoch"], arrays(tmp_path / "cut")[1]["round"]) == (2, 5)
    assert train("--resume", tmp_path / "cut") == 0
    assert capsys.readouterr().out.splitlines()[-5:] == last  # what G says
    (held, meta), (expected, other) = arrays(tmp_path / "cut"), arrays(tmp_path / "whole")
    assert held == expected and meta["draws"] == other["draws"] == [45]
    (tmp_path / "whole" / "temperatures.json").unlink()
    assert train("--resume", kept) == 0 and arrays(tmp_path / "whole")[0] == expected


@pytest.mark.usefixtures("without_pictures")
def test_a_loss_that_is_not_finite_ends_with_the_way_back(train, text, tmp_path, capsys):
    with np.errstate(all="ignore"):
        assert train("--data", text, "--steps", 8, *SMALL, "--lr", 1e39, "--out", tmp_path / "r") == 1
    err = capsys.readouterr().err
    assert "training stopped: epoch 1, round 2: " in err and "--resume" in err


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
        (["--out", "{tmp_path}"], "holds other files (rhyme.txt): a run needs a new directory"),
        (["--distributed"], "unrecognized arguments: --distributed"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(train, text, tmp_path, args, message, capsys):
    with pytest.raises(SystemExit) as stop:
        train(*[str(each).format(text=text, tmp_path=tmp_path) for each in args])
    err = capsys.readouterr().err
    assert stop.value.code == 2 and message in err and err.count("\n") == 1
