"""The game of two networks: one round is one step of the discriminator and one of the generator."""

from typing import NamedTuple

from minigan import backend
from minigan.averaging import Average
from minigan.backend import xp
from minigan.fitting import check_players
from minigan.objectives import NonSaturating
from minigan.optimizers import Adam

TRAINING, SAMPLING, FIXED, PENALTY = 0, 1, 2, 3  # streams: drawing a sample leaves training as it would have been
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
    `penalty` is added to D's loss (minigan/penalties.py). A D that is m times as wide as a sample judges m at a time
    ("packing", Lin et al. 2018).
    Raises ValueError where players, objective and optimizers do not fit together.
    """

    def __init__(self, generator, discriminator, objective=NonSaturating(), seed=0, generator_optimizer=None,
                 discriminator_optimizer=None, k=1, noise="normal", averaging=None, penalty=None):  # fmt: skip
        self.generator, self.discriminator, self.objective, self.seed = generator, discriminator, objective, seed
        self.k, self.noise_kind, self.penalty = k, noise, penalty
        if not isinstance(k, int) or k < 1:
            raise ValueError(f"k={k!r}: D takes a whole number of steps for each of G's, at least 1")
        if noise not in NOISE:
            raise ValueError(f"noise={noise!r}: expected one of {', '.join(map(repr, NOISE))}")
        self.pack = check_players(generator, discriminator, objective)  # how many samples D judges at a time
        self.generator_optimizer = _optimizer(generator_optimizer, generator, "generator")
        self.discriminator_optimizer = _optimizer(discriminator_optimizer, discriminator, "discriminator")
        self.average = Average(generator, averaging) if averaging else None
        self.sampler = self.average.network if averaging else generator
        self.latent = generator.n_in
        self.draws = [0, 0]  # how many were taken for TRAINING and for SAMPLING
        self.batch = None  # the last one that D learned from: N real samples, then N fakes

    def discriminator_step(self, x):
        """D's step on N real samples x (N, width) and N fakes, as one stacked batch: (loss, V, D(x), D(G(z)))."""
        G, D, x = self.generator, self.discriminator, self.packed(x)
        D.check(x)
        n = len(x)
        if self.batch is None or len(self.batch) != 2 * n:
            self.batch = xp.empty((2 * n, *x.shape[1:]), dtype=D.dtype)
        self.batch[:n] = x
        self.batch[n:] = self.packed(G.forward(self.noise(n * self.pack), training=True))
        a = D.forward(self.batch, training=True)
        loss, da_real, da_fake = self.objective.discriminator(a[:n], a[n:])
        D.backward(xp.concatenate((da_real, da_fake)), wrt="params")
        V = self.objective.value(loss, a[:n], a[n:])
        d_real, d_fake = self.objective.probability(a[:n]), self.objective.probability(a[n:])
        if self.penalty:
            rng = backend.generator(self.seed, PENALTY, self.draws[TRAINING])
            loss = loss + self.penalty.add(D, self.batch[:n], self.batch[n:], rng)
        self.discriminator_optimizer.step()
        self.objective.project(D.theta)
        return loss, V, d_real, d_fake

    def packed(self, x):
        """Samples (N, width) as D takes them, `pack` at a time: (N / pack, pack width). Usually x itself."""
        return x if self.pack == 1 else x.reshape(len(x) // self.pack, self.discriminator.n_in)

    def generator_step(self, n):
        """G's step on n fresh fakes, through D: dL/da, back through D to dL/dx, back through G to dL/dtheta_g.

        D judges with its present theta_d, which does not move, nor does its gradient. Returns (loss, D(G(z))).
        """
        G, D = self.generator, self.discriminator
        x = G.forward(self.noise(n), training=True)
        if self.objective.sees_real:
            loss, a, dx = self._beside_real(self.packed(x))
        else:
            a = D.forward(self.packed(x), training=True)
            loss, da = self.objective.generator(a)
            dx = D.backward(da, wrt="input")
        G.backward(dx.reshape(x.shape), wrt="params")
        self.generator_optimizer.step()
        if self.average:
            self.average.step()
        return loss, self.objective.probability(a)

    def _beside_real(self, x):
        """(loss, a, dL/dx) for fakes x and an objective that compares them with the real samples of D's last step."""
        D, n = self.discriminator, len(x)
        a = D.forward(xp.concatenate((x, self.batch[:n])), training=True)
        seen = D.outputs[self.objective.layer]
        loss, d_fake, d_real = self.objective.generator(seen[:n], seen[n:])
        dx = D.backward(xp.concatenate((d_fake, d_real)), wrt="input", layer=self.objective.layer)
        return loss, a[:n], dx[:n]

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


def _optimizer(given, network, player):
    if given is not None and given.network is not network:
        raise ValueError(f"{player}_optimizer was made for another network than the {player}")
    return given or Adam(network)
