"""Modes of stacked MNIST, by the protocol of PacGAN (Lin et al. 2018, section 4.2).

A classifier says which digit each channel of a sample shows: one mode of 1,000, found where one of 26,000 samples shows
it. Beside the number of modes stands the Kullback-Leibler divergence of the samples' distribution over the modes from
the uniform one, in nats. Finite samples of perfect data do not score 0: `expected` says what they score.
"""

import math

import numpy

from minigan.backend import checks, to_numpy

MODES, SAMPLES, MANY = 1000, 26_000, 240_000


def modes_of(images, judge):
    """The mode of each image (N, H, W, 3) in [0, 1]: 100 r + 10 g + b, from the digits that the judge sees in them."""
    digits = [judge(numpy.ascontiguousarray(images[..., [channel]])).argmax(axis=1) for channel in range(3)]
    return to_numpy(100 * digits[0] + 10 * digits[1] + digits[2])


def score(modes):
    """(number of modes found, KL from uniform in nats) of the modes (N,) that samples show."""
    p = numpy.bincount(modes, minlength=MODES) / len(modes)
    found = p[p > 0]
    return len(found), float((found * numpy.log(found * MODES)).sum())


def expected(n, shares=None):
    """The KL that n samples of perfect data score on average, whose digits have these shares (None: all the same).

    E[KL] = sum over modes of E[c / n log(1000 c / n)], c binomial with the mode's probability p: for c = 0 the term is
    0, and far from n p its chance is nothing. Raises ValueError unless the shares are ten numbers that add up to 1.
    """
    checks.whole(f"expected: n={n!r}, the number of samples,", n)
    shares = to_numpy(checks.array("expected: the shares", [0.1] * 10 if shares is None else shares, "float64", (10,)))
    if not (shares >= 0).all() or abs(shares.sum() - 1) > 1e-6:
        raise ValueError(f"expected: the shares of the ten digits must add up to 1 with none below 0, not {shares}")
    probabilities, times = numpy.unique(numpy.multiply.outer(numpy.outer(shares, shares), shares), return_counts=True)
    c = numpy.arange(1, n + 1)
    log_factorial = numpy.concatenate(([0.0], numpy.log(c).cumsum()))
    ways = log_factorial[n] - log_factorial[c] - log_factorial[n - c]
    term = c / n * numpy.log(MODES * c / n)

    def divergence(p):
        chances = numpy.exp(ways + c * math.log(p) + (n - c) * math.log1p(-p))
        return (chances * term).sum()

    each = [divergence(p) if 0 < p < 1 else p * math.log(MODES) for p in probabilities]
    return float(times @ each)
