"""A sequence read both ways, for a D that judges each step by what comes after it as well."""

import copy

from minigan.backend import checks
from minigan.layers.layer import Layer
from minigan.layers.recurrent import Recurrent


class Bidirectional(Layer):
    """y_t = (h_t, k_t): h from a recurrent layer, and k from a second one that reads x from its last step to its first

    x (N, T, I)   y (N, T, 2 H)      dx = dx of the one + dx of the other      (Schuster and Paliwal 1997)

    Bidirectional(GRU(8)) makes both. The second one's parameters are called W_back, U_back, .... At the last step k has
    seen no more than x_T: a mean over time has all of both. Raises TypeError for what is no recurrent layer, ValueError
    for one that a Network has already, and in a Network for samples that are no sequences.
    """

    def __init__(self, first):
        checks.kind("Bidirectional", first, Recurrent, "GRU(8), say")
        if first.packed:
            raise ValueError(f"Bidirectional({first!r}): this layer belongs to a Network already: make a new one")
        self.first, self.second = first, copy.deepcopy(first)
        self.params = *first.params, *(f"{name}_back" for name in first.params)

    def initialize(self, rng):
        self.first.x_shape = self.second.x_shape = self.x_shape
        first, second = self.first.initialize(rng), self.second.initialize(rng)
        return first | {f"{name}_back": a for name, a in second.items()}

    def output_shape(self, shape):
        steps, width = self.first.output_shape(shape)
        return steps, 2 * width

    def multiplications(self, x, y):
        return super().multiplications(x, y) * (self.W.size + self.U.size) // self.W.size * 2

    def forward(self, x, training=False):
        self.lend()
        y, H = self.scratch("y", (*x.shape[:2], 2 * self.first.width), x.dtype), self.first.width
        y[..., :H] = self.first.forward(x)
        y[..., H:] = self.second.forward(x[:, ::-1])[:, ::-1]
        return y

    def backward(self, dy, wrt="both"):
        H = self.first.width
        dx, other = self.first.backward(dy[..., :H], wrt), self.second.backward(dy[:, ::-1, H:], wrt)
        if wrt != "params":
            dx += other[:, ::-1]
            return dx

    def lend(self):
        """Give both layers their parts of theta and dtheta, which the Network gave to this one."""
        for layer, ending in (self.first, ""), (self.second, "_back"):
            for name in layer.params:
                vars(layer)[name] = getattr(self, f"{name}{ending}")
                vars(layer)[f"d{name}"] = getattr(self, f"d{name}{ending}")

    def __repr__(self):
        return f"Bidirectional({self.first!r})"
