"""scripts/train_sequences.py, as a person runs it."""

import csv
import json
import signal

import numpy as np
import pytest
from loading import script

from minigan.data.sequences import sines
from minigan.training import checkpoint

SMALL = "--hidden", 4, "--epochs", 2, "--batch-size", 8
NAMES = "Open", "Volume"


@pytest.fixture
def module():
    return script("train_sequences")


@pytest.fixture
def train(module):
    return lambda *args: module.main([*map(str, args)])


@pytest.fixture
def series(tmp_path):
    path, t = tmp_path / "prices.csv", np.arange(40)
    rows = zip(100 + 10 * np.sin(t / 5), 1e6 * (2 + np.cos(t)), strict=True)
    path.write_text("Open,Volume\n" + "".join(f"{a:.3f},{b:.0f}\n" for a, b in rows))
    return path


def arrays(run):
    held, meta = checkpoint.read(run / "checkpoint.npz")
    return {name: a.tobytes() for name, a in held.items()}, meta


@pytest.mark.slow
def test_a_series_becomes_a_run_with_samples_in_its_units(train, series, tmp_path, capsys):
    out = tmp_path / "run"
    assert train("--data", series, "--window", 6, *SMALL, "--out", out) == 0
    for name in "latest.png", "curves.png", "training.gif", "training.html", "history.csv", "samples/epoch-0002.png":
        assert (out / name).stat().st_size > 100
    with open(out / "samples.csv", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["sequence", "step", *NAMES] and len(rows) == 64 * 6
    prices, volumes = np.array(rows, dtype="float64")[:, 2:].T
    assert 89.9 < prices.min() < prices.max() < 110.1 and 0.99e6 < volumes.min() < volumes.max() < 3.01e6
    identity = arrays(out)[1]["dataset"]
    assert identity["columns"] == [*NAMES] and identity["high"][1] == 3e6 and identity["shape"] == [6, 2]
    told = capsys.readouterr().out
    assert "prices.csv: 4 rounds of 8 an epoch" in told and " sequences/s " in told


@pytest.fixture
def without_pictures(module, monkeypatch):
    monkeypatch.setattr("minigan.app.run_directory.plots.draw_course", lambda *args: [])
    monkeypatch.setattr(module, "picture", lambda data, args: None)


@pytest.mark.usefixtures("without_pictures")
@pytest.mark.parametrize("cell", ["gru", *(pytest.param(cell, marks=pytest.mark.slow) for cell in ("rnn", "lstm"))])
def test_a_run_stopped_within_an_epoch_ends_with_the_same_bits(module, train, series, tmp_path, monkeypatch, cell):
    options = "--data", series, "--window", 6, "--cell", cell, *SMALL
    assert train(*options, "--out", tmp_path / "whole") == 0

    def step(gan, x):
        if gan.draws[0] == 10 and gan.generator_optimizer.steps == 5:
            signal.raise_signal(signal.SIGINT)
        return original(gan, x)

    original = module.GAN.step
    monkeypatch.setattr(module.GAN, "step", step)
    assert train(*options, "--out", tmp_path / "cut") == 128 + signal.SIGINT
    monkeypatch.setattr(module.GAN, "step", original)
    assert arrays(tmp_path / "cut")[1]["round"] == 2
    assert train("--resume", tmp_path / "cut") == 0
    (held, meta), (expected, other) = arrays(tmp_path / "cut"), arrays(tmp_path / "whole")
    assert held == expected and meta["draws"] == other["draws"] and meta["epoch"] == 2
    assert (tmp_path / "cut" / "samples.csv").read_bytes() == (tmp_path / "whole" / "samples.csv").read_bytes()


@pytest.mark.usefixtures("without_pictures")
def test_a_run_does_not_go_on_with_other_data(train, series, tmp_path, capsys):
    out = tmp_path / "run"
    train("--data", series, "--window", 6, "--hidden", 2, "--epochs", 1, "--out", out)
    series.write_text(series.read_text().replace("Open", "Close"))
    with pytest.raises(SystemExit) as stop:
        train("--resume", out, "--epochs", 2)
    assert stop.value.code == 2 and "data set's columns is ['Open', 'Volume'], but here" in capsys.readouterr().err


def test_the_rate_can_be_in_proportion_to_the_batch(module, series):
    options = ["--data", str(series), "--window", "6", "--hidden", "2", "--batch-size", "8", "--lr", "0.01"]
    for more, rate in ([], 0.01), (["--scale-lr"], 0.01 * 8 / 64):
        gan = module.set_up(module.arguments().parse_args([*options, *more])).training.gan
        rates = [optimizer.lr(0) for _, _, optimizer in gan.players()]
        assert min(rates) == pytest.approx(rate) and max(rates) == pytest.approx(module.FASTER * rate)


@pytest.mark.slow
def test_digits_row_by_row_and_sines(module, train, tmp_path, monkeypatch, capsys):
    assert train("--data", "digits", "--hidden", 2, "--epochs", 1, "--batch-size", 900, "--out", tmp_path / "d") == 0
    monkeypatch.setattr(module, "picture", lambda data, args: None)
    monkeypatch.setattr(module, "sines", lambda seed: sines(40, 5, 2, seed))
    monkeypatch.setattr(module, "scores", lambda data, x, n, seed, hard: [(0.1 + 0.2 * (x is None), 0.25)] * n)
    assert train("--hidden", 3, "--epochs", 1, "--scores", 2, "--out", tmp_path / "s") == 0
    out = capsys.readouterr().out
    assert "protocol of TimeGAN, 2 repetitions" in out and "digits by rows: " in out
    assert "samples: discriminative 0.100 +- 0.000, predictive 0.250 +- 0.000, MMD" in out
    found = json.loads((tmp_path / "s" / "scores.json").read_text())
    assert found["samples"]["discriminative"] == [0.1, 0.1] and found["rounds"] == 8 and found["minutes"] > 0
    assert abs(found["data against themselves"]["mmd"]) < 0.1 < found["samples"]["mmd"]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--data", "none.csv"], "none.csv: no such file: check the path"),
        (["--data", "{series}", "--window", 50], "prices.csv: 40 rows, fewer than a window of 50"),
        (["--data", "{series}", "--batch-size", 99], "prices.csv: batch_size=99 must be a whole number from 1 to 17"),
        (["--window", 1], "argument --window: expected a whole number of at least 2"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(train, series, args, message, capsys):
    with pytest.raises(SystemExit) as stop:
        train(*[str(each).format(series=series) for each in args])
    err = capsys.readouterr().err
    assert stop.value.code == 2 and message in err and err.count("\n") == 1
