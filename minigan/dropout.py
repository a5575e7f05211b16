"""Dropout: in training, each number is left out by chance."""

from minigan import backend
from minigan.backend import xp
from minigan.layers import Layer


class Dropout(Layer):
    """y = x m in training, with m = 1 / keep with probability keep = 1 - rate, else 0; y = x outside it

    dx = dy m, with the same m. Divided by keep, y has the mean of x, and nothing is to be scaled when the network is
    used (Srivastava et al. 2014, section 10, "inverted" dropout).

    Each mask is a function of the layer's seed and the number of the draw, both in its `state`: training that is taken
    up again draws what it would have drawn. Raises ValueError unless 0 <= rate < 1.
    """

    state = "seed", "draws"

    def __init__(self, rate):
        if not 0 <= rate < 1:
            raise ValueError(f"Dropout({rate}): the rate must lie in [0, 1)")
        self.rate = rate

    def initialize(self, rng):
        return {"seed": int(rng.integers(2**63)), "draws": 0}

    def forward(self, x, training=False):
        self.mask = None
        if not training:
            return x
        self.draws += 1
        mask = self.mask = self.scratch("mask", x.shape, x.real.dtype)
        backend.generator(self.seed, self.draws).random(x.shape, dtype=mask.dtype, out=mask)
        xp.less(mask, 1 - self.rate, out=mask)
        mask *= 1 / (1 - self.rate)
        return xp.multiply(x, mask, out=self.scratch("y", x.shape, x.dtype))

    def backward(self, dy, wrt="both"):
        if wrt != "params":
            return dy if self.mask is None else xp.multiply(dy, self.mask, out=self.scratch("dx", dy.shape, dy.dtype))

    def __repr__(self):
        return f"Dropout({self.rate})"
