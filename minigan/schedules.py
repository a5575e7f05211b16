"""Learning rates and momenta that change during training: functions of the number of updates t done before."""

import math


class Schedule:
    """A value for each update: `schedule(t)`. A plain number is the constant one."""

    def __init__(self, *args):
        self.args = args

    def __call__(self, t):
        raise NotImplementedError(f"{type(self).__name__} needs a __call__(t)")

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(map(repr, self.args))})"


def at(value, t):
    """The value at update t of a number or a Schedule."""
    return value(t) if callable(value) else value


class Linear(Schedule):
    """From `start` to `end` in equal steps over `updates`, and `end` from then on, up or down."""

    def __init__(self, start, end, updates):
        super().__init__(start, end, updates)

    def __call__(self, t):
        start, end, updates = self.args
        return start + (end - start) * min(t / updates, 1)


class Cosine(Schedule):
    """From `start` to `end` along half a cosine over `updates`, flat at both ends      (Loshchilov and Hutter 2017)"""

    def __init__(self, start, end, updates):
        super().__init__(start, end, updates)

    def __call__(self, t):
        start, end, updates = self.args
        return end + (start - end) * (1 + math.cos(math.pi * min(t / updates, 1))) / 2


class Exponential(Schedule):
    """start factor^t, but never less than `least`."""

    def __init__(self, start, factor, least=0.0):
        super().__init__(start, factor, least)

    def __call__(self, t):
        start, factor, least = self.args
        return max(start * factor**t, least)
