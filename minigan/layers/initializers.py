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


class Uniform:
    """W ~ U(-r, r), whatever the fans (what the networks of Goodfellow et al. 2014 start from)."""

    def __init__(self, r):
        self.r = abs(checks.number("Uniform: r", r, "[0, inf)"))  # of -0.0, the ends would be exchanged

    def __call__(self, rng, shape, fan_in, fan_out):
        return rng.uniform(-self.r, self.r, shape)


class Normal:
    """W ~ N(0, deviation^2), whatever the fans (0.02 in Radford et al. 2016)."""

    def __init__(self, deviation):
        self.deviation = checks.number("Normal: the deviation", deviation, "[0, inf)")

    def __call__(self, rng, shape, fan_in, fan_out):
        return self.deviation * rng.standard_normal(shape)
