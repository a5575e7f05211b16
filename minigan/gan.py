"""The game of two networks: one round is one step of the discriminator and one of the generator."""

from typing import NamedTuple

from minigan import backend
from minigan.activations import Sigmoid
from minigan.averaging import Average
from minigan.backend import xp
from minigan.objectives import NonSaturating
from minigan.optimizers import Adam

TRAINING, SAMPLING, FIXED = 0, 1, 2  # streams of noise: drawing a sample leaves training as it would have been
NOISE = {  # both of mean 0 and variance 1
    "normal": lambda rng, shape, dtype: rng.standard_normal(shape, dtype=dtype),
    "uniform": lambda rng, shape, dtype: (2 * rng.random(shape, dtype=dtype) - 1) * 3**0.5,  # U(-sqrt 3, sqrt 3)
}


class Round(NamedTuple):
    """What one round saw: means over its batch, as scalars on the device (to read one is to wait for the device)."""

    V: object  # the value of the game before D's step
    loss_d: object
    loss_g: object
    d_real: object  # D(x)
    d_fake: object  # D(G(z)), before D's step
    d_fake_after: object  # D(G(z)), after D's step, on the fresh samples that G learns from
    accuracy: object  # the share of both that D judged right


class GAN:
    """A generator G (z -> x) and a discriminator D (x -> real or fake?) that play against each other.

    Each player has an optimizer of its own, `Adam(lr=2e-4, beta1=0.5)` unless given. z ~ N(0, 1), or with
    noise="uniform" U(-sqrt 3, sqrt 3), of G's input width; every draw is a function of (seed, number of the draw)
    alone, so that training can be taken up again anywhere. D takes k steps for each of G's (Goodfellow et al. 2014,
    algorithm 1). With `averaging`, 0.999 say, `sampler` is the moving average of G over its steps, else G itself.
    Raises ValueError where players, objective and optimizers do not fit together.
    """

    def __init__(self, generator, discriminator, objective=NonSaturating(), seed=0, generator_optimizer=None,
                 discriminator_optimizer=None, k=1, noise="normal", averaging=None):  # fmt: skip
        self.generator, self.discriminator, self.objective, self.seed = generator, discriminator, objective, seed
        self.k, self.noise_kind = k, noise
        self._check()
        self.generator_optimizer = _optimizer(generator_optimizer, generator, "generator")
        self.discriminator_optimizer = _optimizer(discriminator_optimizer, discriminator, "discriminator")
        self.average = Average(generator, averaging) if averaging else None
        self.sampler = self.average.network if averaging else generator
        self.latent = generator.n_in
        self.draws = [0, 0]  # how many were taken for TRAINING and for SAMPLING
        self.batch = None  # the last one that D learned from: N real samples, then N fakes

    def discriminator_step(self, x):
        """D's step on N real samples x (N, width) and N fakes, as one stacked batch: (loss, V, D(x), D(G(z)))."""
        G, D, n = self.generator, self.discriminator, len(x)
        D.check(x)
        if self.batch is None or len(self.batch) != 2 * n:
            self.batch = xp.empty((2 * n, *x.shape[1:]), dtype=D.dtype)
        self.batch[:n] = x
        self.batch[n:] = G.forward(self.noise(n), training=True)
        a = D.forward(self.batch, training=True)
        loss, da_real, da_fake = self.objective.discriminator(a[:n], a[n:])
        D.backward(xp.concatenate((da_real, da_fake)), wrt="params")
        V = self.objective.value(loss, a[:n], a[n:])
        d_real, d_fake = self.objective.probability(a[:n]), self.objective.probability(a[n:])
        self.discriminator_optimizer.step()
        return loss, V, d_real, d_fake

    def generator_step(self, n):
        """G's step on n fresh fakes, through D: dL/da, back through D to dL/dx, back through G to dL/dtheta_g.

        D judges with its present theta_d, which does not move, nor does its gradient. Returns (loss, D(G(z))).
        """
        G, D = self.generator, self.discriminator
        a = D.forward(G.forward(self.noise(n), training=True), training=True)
        loss, da = self.objective.generator(a)
        dx = D.backward(da, wrt="input")
        G.backward(dx, wrt="params")
        self.generator_optimizer.step()
        if self.average:
            self.average.step()
        return loss, self.objective.probability(a)

    def step(self, x):
        """One round on the real samples x (k N, width): D learns from N of them and N fakes, k times, then G from N.

        What is returned of D's steps is that of the last.
        """
        n = len(x) // self.k
        for part in range(self.k):
            loss_d, V, d_real, d_fake = self.discriminator_step(x[part * n : (part + 1) * n])
        loss_g, d_fake_after = self.generator_step(n)
        accuracy = 0.5 * ((d_real > 0.5).mean(dtype=xp.float32) + (d_fake < 0.5).mean(dtype=xp.float32))
        return Round(V, loss_d, loss_g, d_real.mean(), d_fake.mean(), d_fake_after.mean(), accuracy)

    def noise(self, n, stream=TRAINING):
        """The stream's next n latent points z, shape (n, latent)."""
        self.draws[stream] += 1
        return self.latent_points(n, stream, self.draws[stream])

    def fixed_noise(self, n):
        """The same n latent points whenever they are asked for, so that pictures over time show the same samples."""
        return self.latent_points(n, FIXED, 0)

    def latent_points(self, n, stream, number):
        """n latent points z, shape (n, latent): a function of the seed and these numbers alone."""
        rng = backend.generator(self.seed, stream, number)
        return NOISE[self.noise_kind](rng, (n, self.latent), self.generator.dtype)

    def sample(self, n):
        """n new samples G(z), shape (n, width), a fresh array."""
        return self.sampler(self.noise(n, SAMPLING))

    def players(self):
        """(name, network, optimizer) of each player."""
        yield "generator", self.generator, self.generator_optimizer
        yield "discriminator", self.discriminator, self.discriminator_optimizer

    def _check(self):
        G, D, objective = self.generator, self.discriminator, self.objective
        if not isinstance(self.k, int) or self.k < 1:
            raise ValueError(f"k={self.k!r}: D takes a whole number of steps for each of G's, at least 1")
        if self.noise_kind not in NOISE:
            raise ValueError(f"noise={self.noise_kind!r}: expected one of {', '.join(map(repr, NOISE))}")
        if G is D or any(layer in D.layers for layer in G.layers):
            raise ValueError("generator and discriminator share layers: each player needs a theta of its own")
        for player, network in ("generator", G), ("discriminator", D):
            if network.n_in is None:
                raise ValueError(f"the {player}, {network!r}, has no parameters to learn: it needs a Dense layer")
        if G.n_out != D.n_in:
            raise ValueError(f"the generator gives {G.n_out} values, but the discriminator takes {D.n_in}")
        if G.dtype != D.dtype:
            raise ValueError(f"the generator is {G.dtype}, but the discriminator is {D.dtype}: both need one dtype")
        if D.n_out != 1:
            raise ValueError(f"the discriminator gives {D.n_out} values for each sample: it must give one")
        ends_in_sigmoid = isinstance(D.layers[-1], Sigmoid)
        if ends_in_sigmoid != (objective.output == "probability"):
            name = type(objective).__name__
            raise ValueError(
                f"the discriminator ends in a Sigmoid, but {objective!r} expects a logit and would apply a second one: "
                f'drop the last layer, or use {name}(output="probability")'
                if ends_in_sigmoid
                else f"{objective!r} expects a probability, but the discriminator does not end in a Sigmoid: "
                f"add Sigmoid() as its last layer, or use {name}()"
            )


def _optimizer(given, network, player):
    if given is not None and given.network is not network:
        raise ValueError(f"{player}_optimizer was made for another network than the {player}")
    return given or Adam(network)
