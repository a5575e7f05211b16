"""Initial weights: functions (rng, shape, fan_in, fan_out) -> array.

fan_in is how many numbers of x make one of y, fan_out how many of y one of x enters into: I and O for W (I, O).
"""

from minigan.backend import checks


def he(rng, shape, fan_in, fan_out):
    """W ~ N(0, 2 / fan_in): keeps the variance of the signal through ReLU layers (He et al. 2015, eq. 10)."""
    return rng.standard_normal(shape) * (2 / fan_in) ** 0.5


def glorot(rng, shape, fan_in, fan_out):
    """W ~ U(-r, r), r = sqrt(6 / (fan_in + fan_out)): the same for tanh (Glorot and Bengio 2010, eq. 16)."""
    r = (6 / (fan_in + fan_out)) ** 0.5
    return rng.uniform(-r, r, shape)


def orthogonal(rng, shape, fan_in, fan_out):
    """W with orthonormal columns, or rows where those are fewer: W.T W = 1 stretches nothing (Saxe et al. 2014).

    Normal numbers, column by column made 1 long and taken out of the columns after it (Gram and Schmidt).
    """
    a = rng.standard_normal((max(shape), min(shape)))
    for j in range(min(shape)):
        a[:, j] /= (a[:, j] @ a[:, j]) ** 0.5
        a[:, j + 1 :] -= a[:, j : j + 1] * (a[:, j] @ a[:, j + 1 :])
    return a if shape[0] >= shape[1] else a.T


class Uniform:
    """W ~ U(-r, r), whatever the fans (what the networks of Goodfellow et al. 2014 start from)."""

    def __init__(self, r):
        self.r = checks.number("Uniform: r", r, "[0, inf)")

    def __call__(self, rng, shape, fan_in, fan_out):
        return rng.uniform(-self.r, self.r, shape)


class Normal:
    """W ~ N(0, deviation^2), whatever the fans (0.02 in Radford et al. 2016)."""

    def __init__(self, deviation):
        self.deviation = checks.number("Normal: the deviation", deviation, "[0, inf)")

    def __call__(self, rng, shape, fan_in, fan_out):
        return self.deviation * rng.standard_normal(shape)
