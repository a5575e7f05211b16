"""Chance in training: dropout leaves numbers out, instance noise blurs what D sees."""

from minigan.backend import batch, checks, generator, xp
from minigan.layers.layer import Layer


class Random(Layer):
    """The base of layers that draw: each draw is a function of the layer's seed and the number of the draw.

    Both are in its `state`: resumed training draws the same numbers as training that was never stopped.
    """

    state = "seed", "draws"

    def initialize(self, rng):
        return {"seed": int(rng.integers(2**63)), "draws": 0}

    def next_generator(self):
        """The random generator of the next draw, which has a row for each sample."""
        self.draws += 1
        return batch.rng(generator(self.seed, self.draws))


class Dropout(Random):
    """y = x m in training, with m = 1 / keep with probability keep = 1 - rate, else 0; y = x outside it

    dx = dy m, with the same m. Divided by keep, y has the mean of x, and nothing has to be scaled when the network is
    used (Srivastava et al. 2014, section 10, "inverted" dropout). Raises ValueError unless 0 <= rate < 1.
    """

    def __init__(self, rate):
        self.rate = checks.number("Dropout: the rate", rate, "[0, 1)")

    def forward(self, x, training=False):
        self.mask = None
        if not training:
            return x
        mask = self.mask = self.like("mask", x, x.real.dtype)
        self.next_generator().random(x.shape, dtype=mask.dtype, out=mask)
        xp.less(mask, 1 - self.rate, out=mask)
        mask *= 1 / (1 - self.rate)
        return xp.multiply(x, mask, out=self.like("y", x))

    def backward(self, dy, wrt="both"):
        return dy if self.mask is None else xp.multiply(dy, self.mask, out=self.like("dx", dy))

    def __repr__(self):
        return f"Dropout({self.rate})"


class InstanceNoise(Random):
    """y = x + s e in training, with e ~ N(0, 1) drawn anew for each number; y = x outside it      dx = dy

    As D's first layer it blurs data and samples alike: their distributions then overlap, and D's gradient says where
    to go even where they lie apart (Sønderby et al. 2017; Arjovsky and Bottou 2017, section 3).

    s = `strength`, a number or a function of the number of training forwards, this one counted (a Schedule). Raises
    ValueError unless the strength is at least 0 and finite.
    """

    def __init__(self, strength):
        self.strength = strength
        checks.number("InstanceNoise: the strength", self.at(1), "[0, inf)")

    def at(self, draw):
        """The strength at this draw."""
        return self.strength(draw) if callable(self.strength) else self.strength

    def forward(self, x, training=False):
        if not training:
            return x
        noise = self.like("noise", x, x.real.dtype)
        self.next_generator().standard_normal(x.shape, dtype=noise.dtype, out=noise)
        noise *= self.at(self.draws)
        return xp.add(x, noise, out=self.like("y", x))

    def backward(self, dy, wrt="both"):
        return dy

    def __repr__(self):
        return f"InstanceNoise({self.strength})"
