"""Learning rates and momenta that change during training: functions of the number of updates t done before."""

import math

from minigan.backend import checks

FINITE = "(-inf, inf)"


class Schedule:
    """A value for each update: `schedule(t)`. A plain number is the constant one."""

    def __init__(self, *args):
        self.args = args

    def __call__(self, t):
        raise NotImplementedError(f"{type(self).__name__} needs a __call__(t)")

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(map(repr, self.args))})"


class Linear(Schedule):
    """From `start` to `end` in equal steps over `updates`, and `end` from then on, up or down.

    Raises ValueError unless both ends are finite and `updates` is positive.
    """

    def __init__(self, start, end, updates):
        given = ("start", start, FINITE), ("end", end, FINITE), ("updates", updates, "(0, inf)")
        super().__init__(*(checks.number(f"{type(self).__name__}: {name}", *rest) for name, *rest in given))

    def __call__(self, t):
        start, end, updates = self.args
        return start + (end - start) * min(t / updates, 1)


class Cosine(Linear):
    """From `start` to `end` along half a cosine over `updates`, flat at both ends      (Loshchilov and Hutter 2017)"""

    def __call__(self, t):
        start, end, updates = self.args
        return end + (start - end) * (1 + math.cos(math.pi * min(t / updates, 1))) / 2


class Exponential(Schedule):
    """start factor^t, but never less than `least`. Raises ValueError unless both are finite and 0 <= factor <= 1."""

    def __init__(self, start, factor, least=0.0):
        given = ("start", start, FINITE), ("factor", factor, "[0, 1]"), ("least", least, FINITE)
        super().__init__(*(checks.number(f"Exponential: {name}", *rest) for name, *rest in given))

    def __call__(self, t):
        start, factor, least = self.args
        return max(start * factor**t, least)
