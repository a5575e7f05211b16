"""The game: what each player minimizes, and the derivative with respect to D's output.

    V(D, G) = E[log D(x)] + E[log(1 - D(G(z)))]            D maximizes V, G minimizes it

(Goodfellow et al. 2014, eq. 1). Every loss here is *minimized* by its player, and is the mean over its batch. D's
output is the logit a, D = sigmoid(a), or, with output="probability", D itself, for a D that ends in a Sigmoid.
"""

import math

from minigan.backend import xp
from minigan.losses import inside, sigmoid, softplus

EQUILIBRIUM = -math.log(4)  # V where D cannot tell samples from data (Theorem 1)


def log_d(a, output="logit"):
    """log D and its derivative with respect to D's output: (-softplus(-a), 1 - D), or (log p, 1 / p).

    1 - D is written sigmoid(-a), which keeps its digits where D is nearly 1.
    """
    if output == "logit":
        return -softplus(-a), sigmoid(-a)
    p = inside(a)
    return xp.log(p), 1 / p


def log_not_d(a, output="logit"):
    """log(1 - D) and its derivative with respect to D's output: (-softplus(a), -D), or (log(1 - p), -1 / (1 - p))."""
    if output == "logit":
        return -softplus(a), -sigmoid(a)
    p = inside(a)
    return xp.log1p(-p), -1 / (1 - p)


def log_odds(a, output="logit"):
    """log D - log(1 - D) and its derivative with respect to D's output: (a, 1), or (log p/(1 - p), 1/p + 1/(1 - p))."""
    if output == "logit":
        return a, 1
    p = inside(a)
    return xp.log(p) - xp.log1p(-p), 1 / p + 1 / (1 - p)


def value(a_real, a_fake, output="logit"):
    """V = mean log D(x) + mean log(1 - D(G(z))), as (V, dV/da_real, dV/da_fake).

    a_real (N, 1), a_fake (M, 1): D's outputs for N real and M generated samples. Where D cannot tell them apart,
    D = 1/2 (a = 0) and V = EQUILIBRIUM.
    """
    real, slope_real = log_d(a_real, output)
    fake, slope_fake = log_not_d(a_fake, output)
    return real.mean() + fake.mean(), slope_real / a_real.size, slope_fake / a_fake.size


class Objective:
    """What each player minimizes. One of your own is a subclass with `discriminator` and `generator`.

    `output` says what D hands over. Raises ValueError for another than "logit" or "probability".
    """

    equilibrium = None  # the value of the game where samples cannot be told from data, if it is known
    sees_real = False  # whether G's loss compares with real samples: generator(fake, real) -> (loss, dfake, dreal)
    layer = -1  # then: which layer of D it compares the outputs of

    def __init__(self, output="logit"):
        if output not in ("logit", "probability"):
            raise ValueError(f'{type(self).__name__}(output={output!r}): expected "logit" or "probability"')
        self.output = output

    def discriminator(self, a_real, a_fake):
        """D's loss, as (loss, dloss/da_real, dloss/da_fake), from D's outputs for N real samples and M fakes."""
        raise NotImplementedError(f"{type(self).__name__} needs a discriminator(a_real, a_fake)")

    def generator(self, a_fake):
        """G's loss, as (loss, dloss/da_fake), from D's outputs for M fakes, shape (M, 1)."""
        raise NotImplementedError(f"{type(self).__name__} needs a generator(a_fake)")

    def value(self, loss_d, a_real, a_fake):
        """The value of the game, for the record: what D maximizes."""
        return -loss_d

    def project(self, theta):
        """Called after each step of D: may move its theta back to where it must lie."""

    def probability(self, a):
        """D, the probability that a sample is real, from D's output; a fresh array."""
        return sigmoid(a) if self.output == "logit" else a.copy()

    def __repr__(self):
        return f"{type(self).__name__}({'' if self.output == 'logit' else repr(self.output)})"


class Minimax(Objective):
    """Both players on V itself: D minimizes -V, G minimizes E[log(1 - D(G(z)))], the term of V that it can move.

    Where D is confident that a sample is fake, D(G(z)) -> 0, the derivative with respect to the logit is -D/N: it
    vanishes ("saturates") just where G most needs it.

    `real` is the target of D for real samples. Below 1 (0.9, say: one-sided label smoothing, Salimans et al. 2016,
    section 3.4) D minimizes -real E[log D(x)] - (1 - real) E[log(1 - D(x))] - E[log(1 - D(G(z)))], which is
    -V + (1 - real) E[log D(x) - log(1 - D(x))]. Its best answer is real p / (p + q) in place of p / (p + q): it is
    never certain. Raises ValueError unless 0 < real <= 1.
    """

    equilibrium = EQUILIBRIUM

    def __init__(self, output="logit", real=1.0):
        super().__init__(output)
        if not 0 < real <= 1:
            raise ValueError(f"{type(self).__name__}(real={real}): the target for real samples must lie in (0, 1]")
        self.real = real

    def discriminator(self, a_real, a_fake):
        """D's loss, -V unless smoothed, as (loss, dloss/da_real, dloss/da_fake)."""
        V, da_real, da_fake = value(a_real, a_fake, self.output)
        odds, slope = log_odds(a_real, self.output)
        smoothing = 1 - self.real
        return smoothing * odds.mean() - V, smoothing * slope / a_real.size - da_real, -da_fake

    def value(self, loss_d, a_real, a_fake):
        """V, which is -loss_d unless smoothed."""
        return -loss_d if self.real == 1 else value(a_real, a_fake, self.output)[0]

    def __repr__(self):
        arguments = [repr(self.output)] if self.output != "logit" else []
        return f"{type(self).__name__}({', '.join(arguments + ([f'real={self.real}'] if self.real != 1 else []))})"

    def generator(self, a_fake):
        """G's loss E[log(1 - D(G(z)))], as (loss, dloss/da_fake)."""
        loss, slope = log_not_d(a_fake, self.output)
        return loss.mean(), slope / a_fake.size


class NonSaturating(Minimax):
    """D as in the minimax game; G minimizes -E[log D(G(z))] (Goodfellow et al. 2014, end of section 3).

    Same fixed point, and per sample the same direction, but the derivative is -(1 - D)/N: largest where D is
    confident that the sample is fake.
    """

    def generator(self, a_fake):
        """G's loss -E[log D(G(z))], as (loss, dloss/da_fake)."""
        loss, slope = log_d(a_fake, self.output)
        return -loss.mean(), -slope / a_fake.size
