"""guard: where the first number that is not finite began, before it reaches theta."""

import numpy as np
import pytest

from minigan import GAN, Dense, Layer, LeakyReLU, Network, Tanh, xp
from minigan.data import Dataset
from minigan.guard import NotFiniteError
from minigan.training import Training

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


def training(*last):
    G = Network(Dense(5, 12), LeakyReLU(), Dense(12, 12), LeakyReLU(), Dense(12, 16), Tanh(), seed=0)
    D = Network(Dense(16, 12), LeakyReLU(), Dense(12, 1), *last, seed=1)
    training = Training(GAN(G, D), Dataset("noise", IMAGES), 5)
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
    message = play_until_it_stops(t, plant, at=137)
    assert message.startswith(
        "epoch 1, round 137: generator, layer 2, Dense(12, 12): W holds nan at [3, 4] "
        "(1 of 144 entries are not finite), found before the discriminator's step. What usually helps: "
    )
    assert xp.isfinite(t.gan.discriminator.theta).all()
    assert xp.isnan(t.gan.generator.theta).sum() == 1
    assert t.round == 136


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
    class Steep(Tanh):
        def backward(self, dy, wrt="both"):
            return xp.full_like(dy, np.inf)

    t = training()
    t.gan.generator.layers[3].__class__ = Steep
    message = play_until_it_stops(t, lambda gan: None, at=2)
    assert "round 1: generator, layer 2, Dense(12, 12): db holds inf" in message or "dW holds" in message


def test_data_that_are_not_finite_are_named():
    t = training()
    images = t.batches.images = t.batches.images.astype("float32")
    images[17] = np.nan
    message = play_until_it_stops(t, lambda gan: None, at=2)
    assert "the batch of real samples: x holds nan" in message


def test_no_checkpoint_is_written_of_what_is_not_finite(tmp_path):
    t = training()
    t.gan.generator.theta[5] = np.nan
    with pytest.raises(
        NotFiniteError,
        match=r"generator, layer 0, Dense\(5, 12\): W holds nan .* found before a checkpoint was written, so none was",
    ):
        t.save(tmp_path / "c.npz")
    assert not (tmp_path / "c.npz").exists()
