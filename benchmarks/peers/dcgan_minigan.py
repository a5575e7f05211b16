"""The convolutional round in minigan: DCGAN (Radford et al. 2016) at MNIST's size.

G 100 -> 7 x 7 x 128 -> 14 x 14 x 64 -> 28 x 28 x 1 (batch normalization, ReLU; tanh) against its mirror D (LeakyReLU
0.2, batch normalization but for its first layer; logit): kernels 4 x 4, stride 2. Non-saturating, Adam 2e-4.
"""

from reference import batch

from minigan import GAN, BatchNorm, Conv2D, ConvTranspose2D, Dense, Flatten, LeakyReLU, Network, ReLU, Reshape, Tanh
from peers import with_minigan

LATENT, IMAGE = 100, (28, 28, 1)


def game():
    """A GAN of the two."""
    G = Network(
        Dense(LATENT, 7 * 7 * 128), Reshape(7, 7, 128), BatchNorm(128), ReLU(),
        ConvTranspose2D(64, use_bias=False), BatchNorm(64), ReLU(), ConvTranspose2D(1), Tanh(), seed=0,
    )  # fmt: skip
    D = Network(
        Conv2D(64), LeakyReLU(0.2), Conv2D(128, use_bias=False), BatchNorm(128), LeakyReLU(0.2),
        Flatten(), Dense(7 * 7 * 128, 1), shape=IMAGE, seed=1,
    )  # fmt: skip
    return GAN(G, D)


class Peer(with_minigan.Peer):
    """One round, on so many threads of minigan's own; the widths say nothing here."""

    def game(self):
        return game()

    def images(self, n, width):
        return batch(n).reshape(n, *IMAGE)


class FastPeer(Peer):
    """The same with the loops that Numba compiles."""

    compiled = True


def weights(rng):
    """Weights for a proof: those of a new game, and biases that are not 0."""
    for _, network, _ in game().players():
        yield [
            a + 0.1 * rng.standard_normal(a.shape, dtype="float32") * (a.ndim == 1) for _, a, _ in network.parameters()
        ]
