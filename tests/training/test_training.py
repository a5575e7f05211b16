"""training: what the history says of an epoch, and on which data an epoch is played."""

import copy
import csv
import itertools
import math
import time

import numpy as np
import pytest

from minigan import GAN, BatchNorm, Dense, ExponentialMovingAverage, LeakyReLU, Network, NonSaturating, Pack, Tanh, xp
from minigan.backend import to_numpy
from minigan.data import Batches, Dataset
from minigan.objectives import Wasserstein
from minigan.training.course import report, save_history
from minigan.training.training import TILES, Training

pytestmark = pytest.mark.usefixtures("each_backend")

PIXELS = np.random.default_rng(3).integers(0, 256, (70, 4, 4), dtype="uint8")


def game(seed=0, hidden=12, decay=None, **settings):
    G = Network(Dense(5, hidden), LeakyReLU(), Dense(hidden, 16), Tanh(), seed=seed)
    D = Network(Dense(16, hidden), LeakyReLU(), Dense(hidden, 1), seed=seed + 1)
    average = ExponentialMovingAverage(G, decay) if decay else None
    return GAN(G, D, NonSaturating(real=0.9), seed, average=average, **settings)


def training(batch_size=16, images=PIXELS, **settings):
    return Training(game(**settings), Dataset("noise", images), batch_size)


def play(training, epochs):
    for _ in training.rounds(epochs):
        pass
    return training


def test_the_history_is_what_the_formulas_of_the_game_give():
    """Every figure of an epoch, from the players as they stood: in float64, by the paper's formulas, on the host."""

    def log_d(a):
        return -np.log1p(np.exp(-a))

    def x_of(t):
        return next(played.batches.epoch(0, start=t))

    def logits(network, x):
        return to_numpy(network.astype("float64")(x))

    played, seen = training(seed=5), []
    gan = played.gan
    before = copy.deepcopy(gan)
    for t, _ in enumerate(played.rounds(1)):
        z, fresh = (gan.latent_points(16, 0, number) for number in (2 * t + 1, 2 * t + 2))
        real, fake = (logits(before.discriminator, x) for x in (x_of(t), before.generator(z)))
        after = logits(gan.discriminator, before.generator(fresh))
        V = log_d(real).mean() + log_d(-fake).mean()
        loss_d = -(0.9 * log_d(real) + 0.1 * log_d(-real)).mean() - log_d(-fake).mean()
        right = ((real > 0).mean() + (fake < 0).mean()) / 2
        beliefs = (np.exp(log_d(a)).mean() for a in (real, fake, after))
        seen.append((V, loss_d, -log_d(after).mean(), *beliefs, right))
        before = copy.deepcopy(gan)
    (row,) = played.history
    names = "V", "loss_d", "loss_g", "d_real", "d_fake", "d_fake_after", "accuracy"
    for name, value in zip(names, np.mean(seen, axis=0), strict=True):
        assert row[name] == pytest.approx(value, rel=1e-4), name
    for name, network in ("norm_g", gan.generator), ("norm_d", gan.discriminator):
        assert row[name] == pytest.approx(np.linalg.norm(to_numpy(network.dtheta)), rel=1e-5)
    samples = to_numpy(gan.generator(gan.fixed_noise(TILES)))
    assert (played.samples == samples).all()
    near, far = (
        np.mean([np.linalg.norm(a - b) for i, a in enumerate(rows) for b in rows[:i]])
        for rows in (samples, played.dataset.rows())
    )
    assert row["diversity"] == pytest.approx(near / far, rel=1e-4)
    assert row["equilibrium"] == gan.objective.equilibrium
    assert row["images_per_second"] == pytest.approx(4 * 16 / row["seconds"])


def test_every_seed_and_every_epoch_sees_the_data_in_another_order():
    seen = {}
    for seed in 0, 1:
        one, xs = training(seed=seed), []
        step = one.gan.step
        one.gan.step = lambda x, xs=xs, step=step: (xs.append(to_numpy(x).tolist()), step(x))[1]
        play(one, 2)
        seen |= {(seed, epoch): xs[4 * epoch : 4 * epoch + 4] for epoch in (0, 1)}
        assert xs[:4] == [to_numpy(x).tolist() for x in one.batches.epoch(0)]
    orders = list(seen.values())
    assert all(a != b and sorted(a[0]) != sorted(b[0]) for i, a in enumerate(orders) for b in orders[:i])


def test_with_k_steps_of_d_a_round_takes_k_batches_and_samples_are_the_averages():
    one = training(k=2, decay=0.9)
    assert one.batches.batch_size == 32 and len(list(one.rounds(1))) == 2
    assert [rule.steps for _, _, rule in one.gan.players()] == [2, 4]
    (row,) = one.history
    assert row["images_per_second"] == pytest.approx(2 * 32 / row["seconds"])
    assert (one.samples == to_numpy(one.gan.sampler(one.fixed_noise))).all()


def test_the_clock_runs_in_the_rounds_of_each_epoch_and_not_between_them(monkeypatch):
    """A clock that ticks once whenever it is looked at: once in each of 4 rounds, once at the end of the epoch."""
    clock = itertools.count()
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    one, yielded = training(), []
    for row in one.rounds(2):
        next(clock)
        yielded.append(row)
    assert [row["seconds"] for row in one.history] == [5, 5]
    assert [row and row["epoch"] for row in yielded] == [None, None, None, 1, None, None, None, 2]


class Points:
    """A source of batches of one's own, of rows or of another shape."""

    name, rounds, batch_size, identity = "points", 3, 8, {"kind": "uniform"}

    def __init__(self, *shape):
        self.sample_shape = shape

    def epoch(self, e, start=0):
        for t in range(start, self.rounds):
            yield xp.asarray(np.random.default_rng((e, t)).uniform(-1, 1, (8, *self.sample_shape)), dtype="float32")


def rows_game(width=6, **settings):
    return GAN(Network(Dense(4, width)), Network(Dense(width, 5), LeakyReLU(), Dense(5, 1)), **settings)


def test_any_source_of_batches_is_trained_on_with_history_and_checkpoints(tmp_path):
    one = play(Training(rows_game(objective=Wasserstein(0.1)), Points(6)), 2)
    one.save(tmp_path / "c.npz")
    twin = Training(rows_game(objective=Wasserstein(0.1)), Points(6))
    twin.restore(tmp_path / "c.npz")
    for each in one, twin:
        play(each, 3)
    assert xp.array_equal(one.gan.generator.theta, twin.gan.generator.theta)
    assert twin.dataset is None and [row["equilibrium"] for row in twin.history] == [0, 0, 0]
    assert 0.1 < twin.history[-1]["diversity"] < 10
    source = Points(6)
    source.identity = {"kind": "normal"}
    with pytest.raises(ValueError, match="its data set's kind is 'uniform', but here it is 'normal'"):
        Training(rows_game(), source).restore(tmp_path / "c.npz")
    with pytest.raises(TypeError, match=r"cannot train on a ndarray: expected a Dataset or .* it has no name, id"):
        Training(game(), np.zeros((70, 16)))
    with pytest.raises(TypeError, match=r"Training: expected a GAN, not Network\("):
        Training(game().generator, Points(6))


def test_batches_of_a_dataset_are_a_source_like_any_other(tmp_path):
    one, other = training(seed=4), Training(game(seed=4), Batches(Dataset("noise", PIXELS), 16, seed=4))
    assert other.dataset.shape == (4, 4)
    play(one, 1).save(tmp_path / "c.npz")
    other.restore(tmp_path / "c.npz")
    assert play(one, 2).history[1]["V"] == play(other, 2).history[1]["V"]


@pytest.mark.parametrize("images", [np.full_like(PIXELS, 7), PIXELS[:1]])
def test_data_that_are_all_alike_have_no_distance_to_compare_with(images):
    (row,) = play(training(len(images), images), 1).history
    assert math.isnan(row["diversity"])


def other(*first, g=(), d=16, batch_size=16, **settings):
    """A training of other players on the same data."""
    gan = GAN(Network(Dense(5, 16), *g), Network(*first, Dense(d, 1)), **settings)
    return Training(gan, Dataset("n", PIXELS), batch_size)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: training(batch_size=71), "batch_size=71 must be .* 1 to 70"),
        (lambda: training(batch_size=None), "batch_size=None must be a whole number"),
        (lambda: other(), "Tanh, for range"),
        (lambda: other(g=[BatchNorm(16), Tanh()], batch_size=1), "a training batch of one sample has no variance"),
        (lambda: other(Pack(2, 16), g=[Tanh()], d=32, batch_size=5, k=3),
         "a batch of 15 samples of n cannot be dealt: D takes k=3 .* judges 2 samples .* a multiple of 6"),
        (lambda: Training(rows_game(k=3), Points(6)), "a batch of 8 .* cannot be dealt: .* multiple of 3"),
        (lambda: Training(rows_game(), Points(6), 16), "batch_size=16: points deals batches of 8 by itself"),
        (lambda: Training(rows_game(width=7), Points(6)), "the generator gives width 7, but points has width 6"),
        (lambda: Training(rows_game(), Points(2, 3)), r"the generator gives width 6, but points has shape \(2, 3\)"),
    ],
)  # fmt: skip
def test_what_cannot_be_played_is_refused_before_the_first_round(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_the_trial_of_a_first_round_leaves_no_trace():
    gan, seen = game(), []
    gan.generator_optimizer.between.append(seen.append)
    theta = gan.generator.theta.copy()
    Training(gan, Dataset("noise", PIXELS), 16)
    assert xp.array_equal(gan.generator.theta, theta) and gan.draws == [0, 0] and not seen
    assert gan.generator_optimizer.steps == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": 8}, "its batch size is 16, but here it is 8"),
        ({"images": 255 - PIXELS}, "its data set's sha256 is"),
        ({"hidden": 13}, r"c.npz: the checkpoint does not fit: its generator's layer 0 is Dense\(n_in=5, n_out=12\)"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused_with_both_values(tmp_path, change, message):
    play(training(), 1).save(tmp_path / "c.npz")
    other = training(**change)
    before = other.gan.generator.theta.copy()
    with pytest.raises(ValueError, match=message):
        other.restore(tmp_path / "c.npz")
    assert xp.array_equal(other.gan.generator.theta, before) and other.epoch == 0 and other.history == []


def test_the_history_is_written_as_csv(tmp_path):
    history = play(training(), 2).history
    save_history(tmp_path / "h.csv", history)
    with open(tmp_path / "h.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [{k: float(v) for k, v in row.items()} for row in rows] == history


ROW = {"epoch": 7, "V": -1.2101, "d_real": 0.578, "d_fake": 0.441, "accuracy": 0.683, "images_per_second": 13001.2}


@pytest.mark.parametrize(("seconds", "left"), [(4.5, "0:27"), (9.99, "1:00"), (612, "61:12")])
def test_the_report_reads_as_in_the_readme(seconds, left):
    figures = "V -1.210 (equilibrium -1.386)  D(x) 0.58  D(G(z)) 0.44  D right 68%  13,001"
    assert report(ROW | {"seconds": seconds}, 13) == f"epoch  7/13  {figures} images/s  {left} left"
    assert report(ROW | {"seconds": seconds}, 13, "notes") == f"epoch  7/13  {figures} notes/s  {left} left"


def test_in_a_notebook_a_training_says_how_far_it_is():
    one = play(training(), 2)
    next(one.rounds(3))
    first, second, *_ = repr(one).splitlines()
    assert first == "Training on noise, 2 epochs and 1 of 4 rounds of 16 played"
    assert second.startswith("V -") and "  D right " in second
