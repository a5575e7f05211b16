"""guard: where the first number that is not finite began, before it reaches theta."""

import numpy as np
import pytest

from minigan import GAN, R1, Network, xp
from minigan.data import Dataset
from minigan.layers import BatchNorm, Dense, Layer, LeakyReLU, Pack, Tanh
from minigan.objectives import Hinge, NonSaturating, Wasserstein
from minigan.optimizers import ExponentialMovingAverage
from minigan.training.guard import Guard, NotFiniteError
from minigan.training.training import Training

pytestmark = pytest.mark.usefixtures("each_backend")

IMAGES = np.random.default_rng(0).integers(0, 256, (1000, 4, 4), dtype="uint8")


class Overflow(Layer):
    """Infinite in forward, from its third batch on."""

    calls = 0

    def forward(self, x, training=False):
        self.calls += 1
        return x / (0 if self.calls > 2 else 1)

    def backward(self, dy, wrt="both"):
        return dy


def training(*last, first=(), width=16, norm=(), **settings):
    G = Network(Dense(5, 12), LeakyReLU(), Dense(12, 12), LeakyReLU(), Dense(12, 16), Tanh(), seed=0)
    D = Network(*first, Dense(width, 12), *norm, LeakyReLU(), Dense(12, 1), *last, seed=1)
    training = Training(GAN(G, D, average=ExponentialMovingAverage(G, 0.9), **settings), Dataset("noise", IMAGES), 6)
    training.guard.every = 1  # on a device, too
    return training


def play_until_it_stops(training, plant, at):
    with pytest.raises(NotFiniteError) as stop, np.errstate(all="ignore"):
        for played, _ in enumerate(training.rounds(2), 1):
            if played == at - 1:
                plant(training.gan)
    return str(stop.value)


def test_a_nan_in_one_weight_is_named_in_the_very_round():
    def plant(gan):
        gan.generator.layers[2].W[3, 4] = np.nan

    t = training()
    message = play_until_it_stops(t, plant, at=37)
    assert message.startswith(
        "epoch 1, round 37: generator, layer 2, Dense(12, 12): W holds nan at [3, 4] "
        "(1 of 144 entries are not finite), found before the discriminator's step. What usually helps: "
    )
    assert xp.isfinite(t.gan.discriminator.theta).all()
    assert xp.isnan(t.gan.generator.theta).sum() == 1
    assert t.round == 36


@pytest.mark.parametrize(
    ("owner", "array", "where"),
    [
        ("discriminator_optimizer", "m", "round 10: discriminator, layer 0, Dense(16, 12): W holds nan"),
        ("generator_optimizer", "v", "round 11: generator, layer 0, Dense(5, 12): W holds nan"),
    ],
)
def test_what_only_reaches_theta_is_found_in_the_next_step(owner, array, where):
    def plant(gan):
        getattr(getattr(gan, owner), array)[0] = np.nan

    assert where in play_until_it_stops(training(), plant, at=10)


def test_a_layer_that_makes_it_is_told_from_one_that_passes_it_on():
    message = play_until_it_stops(training(Overflow()), lambda gan: None, at=2)
    assert "round 2: discriminator, layer 3, Overflow(): its output holds" in message
    assert "while its weights are finite" in message


def test_a_gradient_that_overflows_is_named():
    t = training()
    t.gan.generator.layers[3].backward = lambda dy, wrt: xp.full_like(dy, np.inf)
    message = play_until_it_stops(t, lambda gan: None, at=2)
    assert "round 1: generator, layer 2, Dense(12, 12): db holds inf" in message


@pytest.mark.parametrize(("objective", "k"), [(NonSaturating(), 1), (Hinge(), 2), (Wasserstein(), 1)])
def test_data_that_are_not_finite_are_blamed_before_theta_is_ruined(objective, k):
    """The derivative of some losses does not depend on a NaN in D's output: it comes into dW with x, in one row."""
    t = training(objective=objective, k=k)
    images = t.batches.images = t.batches.images.astype("float32")
    images[:, 7] = np.nan
    message = play_until_it_stops(t, lambda gan: None, at=9)
    assert "round 1: the batch of real samples: x holds nan" in message and "before the discriminator's step" in message
    assert all(xp.isfinite(network.theta).all() for _, network, _ in t.gan.players())


def test_a_nan_is_seen_where_the_last_output_or_no_first_row_shows_it():
    """A D of one layer under a loss of constant slope: only row 7 of dW is ruined. A NaN in the fakes, where a penalty
    looks at real samples last: only row 4 of the first dW."""
    gan = GAN(Network(Dense(5, 16), Tanh()), Network(Dense(16, 1)), Wasserstein())
    t = Training(gan, Dataset("noise", IMAGES), 6)
    t.guard.every = 1
    images = t.batches.images = t.batches.images.astype("float32")
    images[:, 7] = np.nan
    assert "round 1: the batch of real samples: x holds nan" in play_until_it_stops(t, lambda gan: None, at=2)

    def plant(gan):
        gan.generator.layers[4].W[3, 4] = np.nan

    t = training(objective=Hinge(), penalty=R1(1))
    message = play_until_it_stops(t, plant, at=4)
    assert "round 4: generator, layer 4, Dense(12, 16): W holds nan at [3, 4]" in message
    assert "found before the discriminator's step" in message
    assert all(xp.isfinite(each.discriminator.theta).all() for each in (gan, t.gan))


def test_a_packed_game_that_diverges_is_stopped_in_words():
    def plant(gan):
        gan.discriminator.theta[...] *= 1e25

    message = play_until_it_stops(training(first=[Pack(2, 16)], width=32, objective=Wasserstein()), plant, at=4)
    assert "epoch 1, round 4: discriminator, " in message and " holds " in message


class Infinite(NonSaturating):
    """The loss of D is infinite, its derivative is not."""

    def discriminator(self, a_real, a_fake):
        loss, *derivatives = super().discriminator(a_real, a_fake)
        return loss + np.inf, *derivatives


class InfiniteG(NonSaturating):
    """The same for G."""

    def generator(self, a_fake):
        loss, da = super().generator(a_fake)
        return loss + np.inf, da


@pytest.mark.parametrize(("player", "objective"), [("discriminator", Infinite()), ("generator", InfiniteG())])
def test_a_loss_that_is_infinite_while_all_else_is_finite_is_named(player, objective):
    message = play_until_it_stops(training(objective=objective), lambda gan: None, at=2)
    assert f"round 1: the {player}'s loss is inf while all else is finite, found after the round" in message


def test_on_a_device_every_64th_round_is_looked_at():
    t = training()
    t.guard.every = 64

    def plant(gan):
        gan.generator.theta[0] = np.nan

    assert "round 64: generator, layer 0" in play_until_it_stops(t, plant, at=3)


def test_a_second_guard_takes_the_place_of_the_first_and_other_hooks_stay():
    t, seen = training(), []
    t.gan.generator_optimizer.between.append(seen.append)
    second = Guard(t.gan)
    assert t.gan.discriminator_optimizer.between == [second.look]
    assert t.gan.generator_optimizer.between == [seen.append, second.look]
    t.gan.step(next(t.batches.epoch(0)))
    assert seen == [t.gan.generator]


def test_a_step_on_a_gradient_of_ones_own_is_looked_at_as_well():
    t = training()
    t.gan.generator.dtheta[...] = 0
    t.gan.generator_optimizer.step()
    t.gan.generator.dtheta[0] = np.nan
    with pytest.raises(NotFiniteError, match=r"generator, layer 0, Dense\(5, 12\): dW holds nan at \[0, 0\]"):
        t.gan.generator_optimizer.step()


@pytest.mark.parametrize(
    ("plant", "words"),
    [
        (lambda gan: gan.generator.theta, r"generator, layer 0, Dense\(5, 12\): W holds nan"),
        (lambda gan: gan.discriminator.layers[1].mean, r"discriminator, layer 1, BatchNorm\(12\): mean holds nan"),
        (lambda gan: gan.generator_optimizer.v, "generator, Adam's v holds nan"),
        (lambda gan: gan.discriminator_optimizer.m, "discriminator, Adam's m holds nan"),
        (lambda gan: gan.sampler.theta, r"average of the generator, layer 0, Dense\(5, 12\): W holds nan"),
    ],
)
def test_no_checkpoint_is_written_of_what_is_not_finite(plant, words, tmp_path):
    t = training(norm=[BatchNorm(12)])
    plant(t.gan)[0] = np.nan
    with pytest.raises(NotFiniteError, match=f"{words} .* found before a checkpoint was written, so none was"):
        t.save(tmp_path / "c.npz")
    assert not (tmp_path / "c.npz").exists()
