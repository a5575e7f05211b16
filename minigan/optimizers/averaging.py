"""The moving average of a network: samples from the average of G are better than from any one G."""

from minigan.backend import checks, xp


class ExponentialMovingAverage:
    """The exponential moving average of a network, in a network of its own: `network`

    a <- a + w (theta - a), with w = (1 - decay) / (1 - decay^t) at update t

    This is a <- decay a + (1 - decay) theta, divided by 1 - decay^t as Adam does: the start leaves no trace. What the
    layers hold in arrays besides theta, the running statistics of a BatchNorm, is averaged with it. Raises ValueError
    unless 0 < decay < 1, TypeError for anything but a network.
    """

    def __init__(self, source, decay):
        if not hasattr(source, "theta"):
            raise TypeError(f"ExponentialMovingAverage: expected a Network to average, not {source!r}")
        self.source, self.steps = source, 0
        self.decay = checks.number("ExponentialMovingAverage: decay", decay, "(0, 1)")
        self.network = source.astype(source.dtype)
        self._scratch = xp.empty_like(source.theta)

    def step(self):
        """Add the source, as it is now, to the average."""
        self.steps += 1
        w = (1 - self.decay) / (1 - self.decay**self.steps)
        a, s = self.network.theta, self._scratch
        xp.subtract(self.source.theta, a, out=s)
        s *= w
        a += s
        for mine, new in zip(self.network.states().values(), self.source.states().values(), strict=True):
            if not isinstance(mine, int):
                mine += w * (new - mine)
