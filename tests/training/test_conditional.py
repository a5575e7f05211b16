"""Conditional training: each image keeps its label, from the data to both players, in pictures, and over a resume."""

from dataclasses import replace

import numpy as np
import pytest

from minigan import GAN, Condition, Dense, LeakyReLU, Network, Projection, Tanh
from minigan.backend import to_numpy, xp
from minigan.data import Batches, Dataset
from minigan.data.dataset import parts
from minigan.training.checkpoint import CheckpointError
from minigan.training.guard import NotFiniteError
from minigan.training.training import TABLE, Training

pytestmark = pytest.mark.usefixtures("each_backend")

RNG = np.random.default_rng(5)
DATA = Dataset("noise", RNG.integers(0, 256, (70, 4, 4), dtype="uint8"), labels=RNG.integers(0, 3, 70, dtype="uint8"))


def game(classes=3, seed=0, **settings):
    """A conditional game, or with 0 classes one without labels."""
    condition = [Condition(classes)] if classes else []
    G = Network(*condition, Dense(5 + classes, 12), LeakyReLU(), Dense(12, 16), Tanh(), seed=seed, shape=(5,))
    D = Network(Dense(16, 12), LeakyReLU(), Projection(classes) if classes else Dense(12, 1), seed=seed + 1)
    return GAN(G, D, seed=seed, **settings)


def label_of(row):
    """The label of the image that this row shows."""
    distance = abs(DATA.rows() - to_numpy(row)).max(axis=1)
    assert distance.min() < 1e-6
    return DATA.labels[distance.argmin()]


def seen_by(gan, played):
    """[(the labels that G drew with last, the rows that D saw, with which labels)] of each forward of D."""
    seen, given = [], []
    for network in gan.generator, gan.discriminator:

        def forward(x, training=False, y=None, network=network, forward=network.forward):
            if network is gan.generator:
                given.append(to_numpy(y).tolist())
            else:
                seen.append((given[-1], to_numpy(x).copy(), to_numpy(y).tolist()))
            return forward(x, training, y)

        vars(network)["forward"] = forward
    played()
    return seen


@pytest.mark.parametrize("k", [1, 2])
def test_every_image_meets_both_players_with_its_own_label_in_every_round(k):
    training = Training(game(k=k), DATA, 8)
    list(training.rounds(1))
    seen = seen_by(training.gan, lambda: next(training.rounds(2)))
    assert [len(x) for _, x, _ in seen] == [16] * k + [8]
    for drawn, x, y in seen[:k]:  # D's steps: real samples, then fakes of the same labels
        assert [label_of(row) for row in x[:8]] == y[:8] == y[8:] == drawn
    drawn, _, judged = seen[k]
    assert drawn == judged == seen[k - 1][0]


def test_labeled_batches_are_those_without_labels_and_their_labels():
    plain, labeled = Batches(DATA, 9, 4), Batches(DATA, 9, 4, labeled=True)
    for start in 0, 3:
        for x, (same, y) in zip(plain.epoch(1, start), labeled.epoch(1, start), strict=True):
            assert (x == same).all() and [label_of(row) for row in x] == to_numpy(y).tolist()
    assert labeled.identity.items() > plain.identity.items()
    other = replace(DATA, labels=DATA.labels[::-1].copy())
    assert labeled.identity != Batches(other, 9, 4, labeled=True).identity
    assert parts(plain) == (plain,) and parts((1, 2)) == (1, 2)


def test_the_pictures_are_a_table_with_a_class_in_each_row_and_the_same_noise_down_each_column():
    training = Training(game(), DATA, 8)
    list(training.rounds(1))
    z, labels = training.gan.fixed_noise(TABLE), xp.repeat(xp.arange(3), TABLE)
    expected = to_numpy(training.gan.generator(xp.concatenate((z, z, z)), labels))
    assert training.columns == TABLE and (training.samples == expected).all()
    assert (training.draw() == training.samples).all() and Training(game(0), DATA, 8).columns is None


def test_a_run_goes_on_with_the_same_labels_only(tmp_path):
    path = tmp_path / "c.npz"
    training = Training(game(), DATA, 8)
    list(training.rounds(1))
    training.save(path)
    wrong = replace(DATA, labels=(DATA.labels + 1) % 3)
    with pytest.raises(CheckpointError, match="its data set's labels is"):
        Training(game(), wrong, 8).restore(path)
    with pytest.raises(CheckpointError, match="number of layers is 5, but here it is 4"):
        Training(game(0), DATA, 8).restore(path)
    Training(game(0), DATA, 8).save(path)
    with pytest.raises(CheckpointError, match="its data set's labels is None"):
        Training(game(), DATA, 8).restore(path)


def test_the_guard_says_where_a_conditional_game_broke():
    training = Training(game(), DATA, 8)
    training.gan.discriminator.layers[-1].V[:, 0] = np.nan
    training.guard.every = 1
    with pytest.raises(NotFiniteError, match=r"epoch 1, round 1: discriminator, layer 2, Projection\(3\): V holds nan"):
        next(training.rounds(1))


class Source:
    """Batches of one's own, with labels or without."""

    name, rounds, batch_size, sample_shape, identity = "own", 2, 6, (16,), {}
    gray = 0.0

    def __init__(self, *labels):
        self.labels = labels

    def epoch(self, e, start=0):
        for _ in range(start, self.rounds):
            x = xp.full((6, 16), self.gray, "float32")
            yield (x, xp.array(self.labels)) if self.labels else x


def test_a_source_of_ones_own_may_yield_labels():
    training = Training(game(), Source(0, 1, 2, 0, 1, 2))
    list(training.rounds(1))
    assert training.epoch == 1


def test_the_guard_looks_at_the_images_and_the_losses_of_a_conditional_game():
    training, seen = Training(game(), Source(0, 1, 2, 0, 1, 2)), []
    training.guard.every, training.guard.look_at_losses = 1, lambda *losses: seen.append(losses)
    list(training.rounds(1))
    assert len(seen) == 2
    training.batches.gray = np.nan
    with pytest.raises(NotFiniteError, match="the batch of real samples: x holds nan"):
        next(training.rounds(2))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Training(game(), replace(DATA, labels=None), 8), "noise has no labels, and a conditional game"),
        (
            lambda: GAN(game().generator, game(0).discriminator),
            "the discriminator no labels: .* D with Condition.3",
        ),
        (lambda: GAN(game(0).generator, game().discriminator), "given no labels, .*; begin G with Condition.3.$"),
        (lambda: game().sample(2, [0.5, 1]), r"of float64, expected whole numbers, .*: y.astype\('int64'\), say, or"),
        (lambda: Training(game(), replace(DATA, labels=DATA.labels / 2), 8), "noise: labels are float64, expected int"),
        (lambda: Training(game(2), DATA, 8), "noise has 3 classes, but the players are given 2: .* Condition.3"),
        (lambda: Training(game(), Batches(DATA, 8)), "players are given labels of 3 classes, and noise deals none"),
        (lambda: Training(game(0), Batches(DATA, 8, labeled=True)), "takes no labels y: begin it with a Condition"),
        (lambda: Training(game(), Source()), "own deals none: Batches"),
        (lambda: Training(game(), Source(0, 1, 2, 3, 0, 1)), "labels must lie in 0 ... 2, but there is a 3"),
        (lambda: Training(game(), Source(0, 1, 2)), "labels y, one for each sample, must have shape .6,., not .3,."),
    ],
)
def test_what_does_not_fit_is_refused_before_the_first_round(make, message):
    with pytest.raises(ValueError, match=message):
        make()
