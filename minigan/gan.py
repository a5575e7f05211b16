"""The game of two networks: one round is one step of the discriminator and one of the generator."""

from typing import NamedTuple

from minigan.backend import batch, checks, xp
from minigan.backend import generator as random_generator
from minigan.backend.generators import FIXED, PENALTY, SAMPLING, TRAINING
from minigan.network import Network
from minigan.objectives.minimax import NonSaturating, Objective
from minigan.optimizers.rules import Adam, Optimizer

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
    alone, so that training can be resumed anywhere. D takes k steps for each of G's (Goodfellow et al. 2014,
    algorithm 1). With an `average` of G over its steps, `sampler` is that, else G itself. `penalty` is added to D's
    loss. A D that begins with Pack(m) judges m samples at a time.
    Raises ValueError where players, objective and optimizers do not fit together, TypeError for what is none.
    """

    def __init__(self, generator, discriminator, objective=NonSaturating(), seed=0, generator_optimizer=None,
                 discriminator_optimizer=None, k=1, noise="normal", average=None, penalty=None):  # fmt: skip
        _check("objective", objective, isinstance(objective, Objective), "an Objective, NonSaturating() say")
        _check_players(generator, discriminator, objective)
        _check("penalty", penalty, penalty is None or hasattr(penalty, "weight"), "a Penalty, R1(1.0) say, or None")
        objective.check(discriminator)
        self.generator, self.discriminator, self.objective, self.penalty = generator, discriminator, objective, penalty
        self.seed = checks.whole(f"seed={seed!r}", seed, least=0)
        self.k = checks.whole(f"k={k!r}: D takes a whole number of steps for each of G's: k", k)
        if not isinstance(noise, str) or noise not in NOISE:
            raise ValueError(f"noise={noise!r}: expected one of {', '.join(map(repr, NOISE))}")
        self.noise_kind, self.latent = noise, generator.n_in
        self.generator_optimizer = _own("generator_optimizer", generator_optimizer, generator)
        self.discriminator_optimizer = _own("discriminator_optimizer", discriminator_optimizer, discriminator)
        if average is not None and getattr(average, "source", None) is not generator:
            raise ValueError(f"average={average!r}: expected an ExponentialMovingAverage of the GAN's own generator")
        self.average, self.sampler = average, average.network if average else generator
        self.draws = [0, 0]  # how many were taken for TRAINING and for SAMPLING

    def discriminator_step(self, x, y=None):
        """D's step on N real samples x (N, ...) and N fakes, as one stacked batch: (loss, V, D(x), D(G(z))).

        Of a conditional game, y (N,) are the labels of x; the fakes are drawn with the same.
        """
        G, D = self.generator, self.discriminator
        D.check(x)
        n = len(x)
        fake = G.forward(self.noise(n), training=True, y=y)
        both = D.stack(x, fake)
        objective, y = self.objective.told(y)
        with batch.stacked(2):
            a_real, a_fake = halves(D.forward(both, training=True, y=twice(y)))
        loss, da_real, da_fake = objective.discriminator(a_real, a_fake)
        D.backward(xp.concatenate((da_real, da_fake)), wrt="params")
        V = objective.value(loss, a_real, a_fake)
        d_real, d_fake = objective.probability(a_real), objective.probability(a_fake)
        if self.penalty:
            rng = batch.rng(random_generator(self.seed, PENALTY, self.draws[TRAINING]))
            loss = loss + self.penalty.add(D, both[:n], both[n:], rng, *(() if y is None else (y,)))
        self.discriminator_optimizer.step()
        objective.project(D.theta)
        return loss, V, d_real, d_fake

    def generator_step(self, n, real=None, y=None):
        """G's step on n fresh fakes, through D: dL/da, back through D to dL/dx, back through G to dL/dtheta_g.

        D judges with its present theta_d, which does not move, nor does its gradient. Returns (loss, D(G(z))).
        An objective that compares with `real` samples (n, ...) needs them; ValueError where they are not given. Of a
        conditional game, y (n,) are the labels to draw with, and those of `real`.
        """
        G, D, objective = self.generator, self.discriminator, self.objective
        if objective.sees_real:
            self._check_real(n, real)
        x = G.forward(self.noise(n), training=True, y=y)
        objective, y = objective.told(y)
        if objective.sees_real:  # in the outputs of one of D's layers, the last or another
            with batch.stacked(2):
                a, _ = halves(D.forward(D.stack(x, real), training=True, y=twice(y)))
            loss, d_fake, d_real = objective.generator(*halves(D.outputs[objective.layer]))
            dx = D.backward(xp.concatenate((d_fake, d_real)), wrt="input", layer=objective.layer)[:n]
        else:
            a = D.forward(x, training=True, y=y)
            loss, da = objective.generator(a)
            dx = D.backward(da, wrt="input")
        G.backward(dx, wrt="params")
        self.generator_optimizer.step()
        if self.average:
            self.average.step()
        return loss, objective.probability(a)

    def _check_real(self, n, real):
        if real is not None:
            self.discriminator.check(real)
        if real is None or len(real) != checks.whole(f"n={n!r}: the number of samples", n):
            given = "none were given" if real is None else f"{len(real)} were given"
            raise ValueError(f"{self.objective!r} compares {n} fakes with {n} real samples, and {given}: "
                             f"generator_step({n}, real=x)")  # fmt: skip

    def step(self, x, y=None):
        """One round on the real samples x (k N, ...): D learns from N of them and N fakes, k times, then G from N.

        y (k N,) are their labels, of a conditional game. What is returned of D's steps is that of the last. Raises
        ValueError where k does not divide the batch, and for labels that do not fit.
        """
        self.discriminator.check(x)
        y = y if y is None else checks.array("labels y, one for each sample,", y, shape=(len(x),))
        n, left = divmod(len(x), self.k)
        if left or not n:
            raise ValueError(f"a batch of {len(x)} samples cannot be split among k={self.k} steps: take a multiple")
        for part in range(self.k):
            here = slice(part * n, (part + 1) * n)
            real, labels = x[here], () if y is None else (y[here],)
            loss_d, V, d_real, d_fake = self.discriminator_step(real, *labels)
        loss_g, d_fake_after = self.generator_step(n, real, *labels)
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
        shape = checks.whole(f"n={n!r}: the number of samples", n), *self.generator.shape
        rng = batch.rng(random_generator(self.seed, stream, number))
        return NOISE[self.noise_kind](rng, shape, self.generator.dtype)

    def sample(self, n, y=None):
        """n new samples G(z), shape (n, ...), a fresh array; of a conditional game G(z, y), with labels y (n,)."""
        return self.sampler(self.noise(n, SAMPLING), y)

    def players(self):
        """(name, network, optimizer) of each player."""
        yield "generator", self.generator, self.generator_optimizer
        yield "discriminator", self.discriminator, self.discriminator_optimizer

    @property
    def settings(self):
        """What was chosen, beside the players and their optimizers. A checkpoint fits a game of the same settings."""
        settings = {"objective": self.objective, "k": self.k, "noise": self.noise_kind}
        return settings | {"penalty": self.penalty, "seed": self.seed}

    def __repr__(self):
        usual = {"objective": self.objective, "k": 1, "noise": "normal", "penalty": None}
        shown = ", ".join(f"{name}={value!r}" for name, value in self.settings.items() if usual.get(name, "") != value)
        return f"GAN({self.objective!r}, {shown})\n  G {self.generator!r}\n  D {self.discriminator!r}"


def halves(a):
    """The first and the second half of a stacked batch."""
    return a[: len(a) // 2], a[len(a) // 2 :]


def twice(y):
    """The labels of a stacked batch: both halves have the same, if they have any."""
    return None if y is None else xp.concatenate((xp.asarray(y),) * 2)


def _check(name, given, right, expected):
    if not right:
        raise TypeError(f"{name}={given!r}: expected {expected}")


def _own(name, optimizer, network):
    optimizer = Adam(network) if optimizer is None else optimizer
    _check(name, optimizer, isinstance(optimizer, Optimizer), "an Optimizer, Adam(network) say")
    if optimizer.network is not network:
        raise ValueError(f"{name} was made for another network than the GAN's")
    return optimizer


def _check_players(G, D, objective):
    """Raises ValueError where G and D cannot play against each other, TypeError for what is no Network."""
    for player, network in ("generator", G), ("discriminator", D):
        _check(player, network, isinstance(network, Network), "a Network")
        if not network.params or None in (network.shape or (None,)):
            raise ValueError(f"the {player}, {network!r}, has no parameters to learn, or takes samples of any size: "
                             "it needs a Dense layer, say, and a shape= without None")  # fmt: skip
    if any(layer is other for layer in (G, *G.leaves()) for other in (D, *D.leaves())):
        raise ValueError("generator and discriminator share layers: each player needs a theta of its own")
    if G.rows != 1:
        raise ValueError(f"the generator makes one sample of {G.rows} points: a Pack belongs into the discriminator")
    if D.n_in != G.n_out:
        pack = f" (to judge several at a time, begin D with Pack(m, {G.n_out}))" if D.rows == 1 else ""
        raise ValueError(f"the generator gives {G.n_out} values, but the discriminator takes {D.n_in}{pack}")
    if G.classes != (seen := objective.classes or D.classes):
        given = f"Condition({G.classes}), or end it with a Projection" if G.classes else f"Condition({seen})"
        raise ValueError(f"the generator is given {_labels(G.classes)}, but the discriminator {_labels(seen)}: D must "
                         f"see the same labels as G, or G learns nothing of them; begin {'D' if G.classes else 'G'} "
                         f"with {given}")  # fmt: skip
    if G.dtype != D.dtype:
        raise ValueError(f"the generator is {G.dtype}, but the discriminator is {D.dtype}: both need one dtype")


def _labels(classes):
    return f"labels of {classes} classes" if classes else "no labels"
