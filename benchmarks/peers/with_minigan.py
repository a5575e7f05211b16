"""The round in minigan, and the floor: its matrix products alone."""

import itertools

import numpy as np
from reference import Floor, batch, game

import minigan


class BlasPeer:
    """One round of the game between dense networks of these widths, on a batch of n, with so many threads of BLAS.

    A network's weights and gradients pass as a list of arrays: W (I, O) and b (O,) of each layer in turn.
    """

    def __init__(self, g_widths, d_widths, n, threads):
        self.widths, self.x = (g_widths, d_widths), self.images(n, d_widths[0])
        self.gan = self.game()  # BLAS has its number of threads from the environment

    def game(self):
        """A new game."""
        return game(*self.widths)

    def images(self, n, width):
        """A fixed batch."""
        return batch(n, width)

    def load(self, g, d):
        """Take these weights, with fresh optimizers."""
        self.gan = self.game()
        for (_, network, _), given in zip(self.gan.players(), (g, d), strict=True):
            for (_, a, _), value in zip(network.parameters(), given, strict=True):
                a[...] = value

    def weights(self):
        """(G's, D's), as NumPy arrays."""
        return tuple([a.copy() for _, a, _ in network.parameters()] for _, network, _ in self.gan.players())

    def gradients(self, x, z):
        """(G's, D's): the gradient of each player's loss at the present weights, with the fakes G(z)."""
        g, d = self.weights()
        self.gan.noise = lambda n: z
        self.gan.generator_step(len(x))
        dg = [a.copy() for _, _, a in self.gan.generator.parameters()]
        self.load(g, d)
        self.gan.noise = lambda n: z
        self.gan.discriminator_step(x)
        return dg, [a.copy() for _, _, a in self.gan.discriminator.parameters()]

    def play(self, x, z, z_next):
        """One round on x, D's step with the noise z and G's with z_next."""
        self.gan.noise = lambda n, given=iter((z, z_next)): next(given)
        self.gan.step(x)
        del self.gan.noise

    def rounds(self, count):
        """So many rounds on the fixed batch with fresh noise; returns when the last is done."""
        for _ in range(count):
            self.gan.step(self.x)

    def updates(self, count):
        """So many times both players' updates, with the gradients that are there."""
        for _ in range(count):
            for _, _, optimizer in self.gan.players():
                optimizer.step()


class Peer(BlasPeer):
    """The same with so many threads of minigan's own, each with a BLAS that keeps to one."""

    compiled = False

    def __init__(self, g_widths, d_widths, n, threads):
        minigan.use("numpy", threads=threads, compiled=self.compiled)
        super().__init__(g_widths, d_widths, n, threads)


class FastPeer(Peer):
    """The same with the loops that Numba compiles."""

    compiled = True


class FastBlasPeer(BlasPeer):
    """Those loops, and BLAS's threads."""

    def __init__(self, g_widths, d_widths, n, threads):
        minigan.use("numpy", compiled=True)
        super().__init__(g_widths, d_widths, n, threads)


class FloorPeer:
    """The matrix products of the round, shared by BLAS: it has no gradients to show."""

    def __init__(self, g_widths, d_widths, n, threads):
        self.floor = Floor(n, g_widths, d_widths)

    def rounds(self, count):
        """So many times the products of one round."""
        for _ in itertools.repeat(None, count):
            self.floor.run()


def weights(rng, g_widths, d_widths):
    """Weights for a proof: He's for W, and biases that are not 0."""

    def network(widths):
        for n_in, n_out in itertools.pairwise(widths):
            yield rng.standard_normal((n_in, n_out), dtype="float32") * np.float32((2 / n_in) ** 0.5)
            yield rng.standard_normal(n_out, dtype="float32") * np.float32(0.1)

    return list(network(g_widths)), list(network(d_widths))
