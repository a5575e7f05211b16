"""The game: what each player minimizes, and the derivative with respect to D's output.

    V(D, G) = E[log D(x)] + E[log(1 - D(G(z)))]            D maximizes V, G minimizes it

(Goodfellow et al. 2014, eq. 1). Every loss here is *minimized* by its player, and is the mean over its batch. D's
output is the logit a, D = sigmoid(a), or, with output="probability", D itself, for a D that ends in a Sigmoid.
"""

import math

from minigan.backend import checks, xp
from minigan.layers.layer import as_shape, in_words
from minigan.losses import inside, sigmoid, softplus

EQUILIBRIUM = -math.log(4)  # V where D cannot tell samples from data (Theorem 1), without smoothing


def log_d(a, output="logit"):
    """log D and its derivative with respect to D's output: (-softplus(-a), 1 - D), or (log p, 1 / p).

    1 - D is written sigmoid(-a), which keeps its digits where D is nearly 1.
    """
    if _on_logits(output):
        return -softplus(-a), sigmoid(-a)
    p = inside(a)
    return xp.log(p), 1 / p


def log_not_d(a, output="logit"):
    """log(1 - D) and its derivative with respect to D's output: (-softplus(a), -D), or (log(1 - p), -1 / (1 - p))."""
    if _on_logits(output):
        return -softplus(a), -sigmoid(a)
    p = inside(a)
    return xp.log1p(-p), -1 / (1 - p)


def log_odds(a, output="logit"):
    """log D - log(1 - D) and its derivative with respect to D's output: (a, 1), or (log p/(1 - p), 1/p + 1/(1 - p))."""
    if _on_logits(output):
        return a, 1
    p = inside(a)
    return xp.log(p) - xp.log1p(-p), 1 / p + 1 / (1 - p)


def _on_logits(output):
    if not isinstance(output, str) or output not in ("logit", "probability"):
        raise ValueError(f'output={output!r}: expected "logit" or "probability"')
    return output == "logit"


def value(a_real, a_fake, output="logit"):
    """V = mean log D(x) + mean log(1 - D(G(z))), as (V, dV/da_real, dV/da_fake).

    a_real (N, 1), a_fake (M, 1): D's outputs for N real and M generated samples. Where D cannot tell them apart,
    D = 1/2 (a = 0) and V = EQUILIBRIUM. Raises TypeError unless both are arrays of floating-point numbers.
    """
    real, slope_real = log_d(checks.floats("value", a_real), output)
    fake, slope_fake = log_not_d(checks.floats("value", a_fake), output)
    return real.mean() + fake.mean(), slope_real / a_real.size, slope_fake / a_fake.size


class Objective:
    """What each player minimizes. One of your own is a subclass with `discriminator` and `generator`.

    `output` says what D's output is. Raises ValueError for one that is not in `outputs`.
    """

    equilibrium = None  # the value of the game where samples cannot be told from data, if it is known
    outputs = ("logit",)  # what it can play on
    output = "logit"
    sees_real = False  # whether G's loss depends on real samples, too: generator(fake, real) -> (loss, dfake, dreal)
    layer = -1  # then: the layer of D whose outputs it compares
    classes = None  # of which D, not given labels, gives a logit each behind its first output

    def __init__(self, output="logit"):
        if not isinstance(output, str) or output not in self.outputs:
            expected = " or ".join(f'"{known}"' for known in self.outputs)
            raise ValueError(f"{type(self).__name__}(output={output!r}): expected {expected}")
        self.output = output

    def check(self, D):
        """Raises ValueError where D's output is not what this objective plays on."""
        *steps, logits = as_shape(D.n_out)
        if logits != 1 + (self.classes or 0) or len(steps) > (self.classes is None):
            one = "one logit, or one at each step of a sequence, shape (steps, 1)"
            if self.classes:
                one = f"1 + {self.classes} logits, of real or fake and of each class"
            given = in_words(as_shape(D.n_out))
            raise ValueError(f"the discriminator gives {given} for each sample: it must give {one}")
        sure = D.range == (0.0, 1.0)  # a Sigmoid
        if sure and self.output == "logit":
            other = f', or use {type(self).__name__}(output="probability")' if "probability" in self.outputs else ""
            raise ValueError(f"the discriminator ends in {D.layers[-1]!r}, a probability, but {self!r} expects a "
                             f"number without bounds: drop the last layer{other}")  # fmt: skip
        if self.output == "probability" and not sure:
            raise ValueError(f"{self!r} expects a probability, but the discriminator does not end in a Sigmoid: add "
                             f"Sigmoid() as its last layer, or use {type(self).__name__}()")  # fmt: skip
        if not -len(D.layers) <= self.layer < len(D.layers):
            raise ValueError(f"{self!r} compares outputs of layer {self.layer}, but D has {len(D.layers)} layers")

    def told(self, y):
        """(the objective for samples of labels y, the labels that D is given): y goes to D, which joins it to x."""
        return self, y

    def discriminator(self, a_real, a_fake):
        """D's loss, as (loss, dloss/da_real, dloss/da_fake), from D's outputs for N real samples and M fakes."""
        raise NotImplementedError(f"{type(self).__name__} needs a discriminator(a_real, a_fake)")

    def generator(self, a_fake):
        """G's loss, as (loss, dloss/da_fake), from D's outputs for M fakes, shape (M, 1)."""
        raise NotImplementedError(f"{type(self).__name__} needs a generator(a_fake)")

    def value(self, loss_d, a_real, a_fake):
        """The value of the game, for the history: what D maximizes."""
        return -loss_d

    def project(self, theta):
        """Called after each step of D: may move its theta back into the set where it must lie."""

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

    outputs = "logit", "probability"

    def __init__(self, output="logit", real=1.0):
        super().__init__(output)
        self.real = checks.number(f"{type(self).__name__}(real={real!r}): the target for real samples", real, "(0, 1]")

    @property
    def equilibrium(self):
        """V at p = q, where the best D is real / 2: log(real / 2) + log(1 - real / 2), -log 4 unless smoothed."""
        return math.log(self.real / 2) + math.log1p(-self.real / 2)

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
