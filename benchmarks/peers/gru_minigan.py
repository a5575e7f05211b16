"""The recurrent round in minigan: sequences of 24 steps and 5 numbers, TimeGAN's size.

G z -> dense, LeakyReLU 0.2, the same at each step -> GRU -> dense, sigmoid, at each step; D GRU -> mean over time ->
logit. Non-saturating, Adam 2e-4.
"""

from reference import batch

from minigan import GAN, GRU, Dense, LeakyReLU, MeanOverTime, Network, Repeat, Sigmoid
from peers import with_minigan

STEPS, WIDTH = 24, 5


def game(g_widths, d_widths):
    """A GAN of the two: (latent, units of G), and (numbers of a sequence, units of D)."""
    (latent, H), (_, units) = g_widths, d_widths
    G = Network(
        Dense(latent, H), LeakyReLU(0.2), Repeat(STEPS), GRU(H), Dense(H, WIDTH), Sigmoid(), shape=(latent,), seed=0
    )
    D = Network(GRU(units), MeanOverTime(), Dense(units, 1), shape=(STEPS, WIDTH), seed=1)
    return GAN(G, D)


class Peer(with_minigan.Peer):
    """One round, on so many threads of minigan's own."""

    def game(self):
        return game(*self.widths)

    def images(self, n, width):
        return batch(n, width).reshape(n, STEPS, WIDTH)


class FastPeer(Peer):
    """The same with the loops that Numba compiles."""

    compiled = True


def weights(rng, widths):
    """Weights for a proof: those of a new game, and biases that are not 0."""
    for _, network, _ in game(*widths).players():
        yield [
            a + 0.1 * rng.standard_normal(a.shape, dtype="float32") * (a.ndim == 1) for _, a, _ in network.parameters()
        ]
