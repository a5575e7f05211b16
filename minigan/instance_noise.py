"""Instance noise: in training, what D sees is blurred."""

import math

from minigan import backend
from minigan.backend import xp
from minigan.layers import Layer
from minigan.schedules import at


class InstanceNoise(Layer):
    """y = x + s e in training, with e ~ N(0, 1) drawn anew for each number; y = x outside it      dx = dy

    As D's first layer it blurs data and samples alike: their distributions then overlap, and D's slope says where to
    go even where they lie apart (Sonderby et al. 2017; Arjovsky and Bottou 2017, section 3).

    s = `strength`, a number or a Schedule of the number of training forwards, this one counted. As in Dropout, the
    noise is a function of the layer's seed and the number of the draw. Raises ValueError unless the strength is at
    least 0 and finite.
    """

    state = "seed", "draws"

    def __init__(self, strength):
        if not 0 <= at(strength, 1) < math.inf:
            raise ValueError(f"InstanceNoise({strength}): the strength must be at least 0 and finite")
        self.strength = strength

    def initialize(self, rng):
        return {"seed": int(rng.integers(2**63)), "draws": 0}

    def forward(self, x, training=False):
        if not training:
            return x
        self.draws += 1
        noise = self.scratch("noise", x.shape, x.real.dtype)
        backend.generator(self.seed, self.draws).standard_normal(x.shape, dtype=noise.dtype, out=noise)
        noise *= at(self.strength, self.draws)
        return xp.add(x, noise, out=self.scratch("y", x.shape, x.dtype))

    def backward(self, dy, wrt="both"):
        if wrt != "params":
            return dy

    def __repr__(self):
        return f"InstanceNoise({self.strength})"
