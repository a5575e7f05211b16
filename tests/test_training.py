"""training: an epoch's row, and that it can be cut anywhere and taken up again bit for bit."""

import csv
import math

import numpy as np
import pytest

from minigan import GAN, Dense, LeakyReLU, Network, Tanh, xp
from minigan.data import Dataset
from minigan.training import Training, report, save_history

pytestmark = pytest.mark.usefixtures("each_backend")

PIXELS = np.random.default_rng(3).integers(0, 256, (70, 4, 4), dtype="uint8")


def training(seed=0, batch_size=16, images=PIXELS, hidden=12):
    G = Network(Dense(5, hidden), LeakyReLU(), Dense(hidden, 16), Tanh(), seed=seed)
    D = Network(Dense(16, hidden), LeakyReLU(), Dense(hidden, 1), seed=seed + 1)
    return Training(GAN(G, D, seed=seed), Dataset("noise", images), batch_size)


def play(training, epochs, stop_after=None):
    for played, _ in enumerate(training.rounds(epochs), 1):
        if played == stop_after:
            break
    return training


def untimed(history):
    return [{k: v for k, v in row.items() if k not in ("seconds", "images_per_second")} for row in history]


def assert_same_moment(a, b):
    for (_, network, optimizer), (_, other, other_optimizer) in zip(a.gan.players(), b.gan.players(), strict=True):
        assert xp.array_equal(network.theta, other.theta)
        assert optimizer.steps == other_optimizer.steps
        for name in optimizer.vectors:
            assert xp.array_equal(getattr(optimizer, name), getattr(other_optimizer, name))
    assert (a.epoch, a.round, a.gan.draws) == (b.epoch, b.round, b.gan.draws)
    assert untimed(a.history) == untimed(b.history)


def test_rounds_yields_once_a_round_and_a_row_at_the_end_of_each_epoch():
    yielded = list(training().rounds(2))
    assert [row is not None for row in yielded] == [False, False, False, True] * 2
    assert [row["epoch"] for row in yielded if row] == [1, 2]


def test_a_row_is_the_mean_over_the_epochs_rounds():
    one, other = training(), training()
    rounds = [other.gan.step(x.copy()) for x in other.batches.epoch(0)]
    (row,) = play(one, 1).history
    for name in rounds[0]._fields:
        assert row[name] == pytest.approx(np.mean([float(getattr(r, name)) for r in rounds]), rel=1e-6)
    assert row["V"] == -row["loss_d"]
    assert row["images_per_second"] == pytest.approx(4 * 16 / row["seconds"])


@pytest.mark.parametrize("stop_after", [1, 3, 4, 5, 8, 11])
def test_saved_anywhere_and_restored_it_goes_on_bit_for_bit(tmp_path, stop_after):
    undisturbed = play(training(), 3)
    play(training(), 3, stop_after).save(tmp_path / "c.npz")
    resumed = training()
    resumed.restore(tmp_path / "c.npz")
    assert resumed.epoch * 4 + resumed.round == stop_after
    assert_same_moment(play(resumed, 3), undisturbed)


def test_samples_drawn_on_the_way_do_not_change_training(tmp_path):
    undisturbed, other = play(training(), 1), training()
    for _ in other.rounds(1):
        other.gan.sample(3)
        other.gan.fixed_noise(9)
    assert xp.array_equal(other.gan.generator.theta, undisturbed.gan.generator.theta)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 1}, "its seed is 0, but here it is 1"),
        ({"batch_size": 8}, "its batch size is 16, but here it is 8"),
        ({"images": 255 - PIXELS}, "its data set's sha256 is"),
        (
            {"hidden": 13},
            r"its generator's network is Network\(Dense\(5, 12\).* but here it is Network\(Dense\(5, 13\)",
        ),
    ],
)
def test_a_checkpoint_of_another_run_is_refused_with_both_values(tmp_path, change, message):
    play(training(), 1).save(tmp_path / "c.npz")
    other = training(**change)
    before = other.gan.generator.theta.copy()
    with pytest.raises(ValueError, match=message):
        other.restore(tmp_path / "c.npz")
    assert xp.array_equal(other.gan.generator.theta, before) and other.epoch == 0


def test_data_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="batch_size=71"):
        training(batch_size=71)
    G, D = Network(Dense(5, 16)), Network(Dense(16, 1))
    with pytest.raises(ValueError, match=r"Tanh, for range=\(-1, 1\)"):
        Training(GAN(G, D), Dataset("noise", PIXELS), 16)


def test_the_history_is_written_as_csv(tmp_path):
    history = play(training(), 2).history
    save_history(tmp_path / "h.csv", history)
    with open(tmp_path / "h.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [{k: float(v) for k, v in row.items()} for row in rows] == history


def test_the_report_reads_as_in_the_readme():
    row = {"epoch": 7, "V": -1.2101, "d_real": 0.578, "d_fake": 0.441, "accuracy": 0.683}
    row |= {"images_per_second": 13001.2, "seconds": 4.5}
    assert report(row, 13) == (
        "epoch  7/13  V -1.210 (equilibrium -1.386)  D(x) 0.58  D(G(z)) 0.44  D right 68%  13,001 images/s  0:27 left"
    )
    assert math.isclose(-math.log(4), -1.386, abs_tol=5e-4)
