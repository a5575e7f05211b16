"""The same numbers in another shape."""

import math

from minigan.layers import Layer


class Reshape(Layer):
    """Rows to arrays of this shape: x (N, a b ...) to y (N, a, b, ...), Reshape(28, 28) say      dx = dy, reshaped"""

    def __init__(self, *shape):
        self.n_in, self.n_out = math.prod(shape), shape

    def forward(self, x, training=False):
        return x.reshape(len(x), *self.n_out)

    def backward(self, dy, wrt="both"):
        if wrt != "params":
            return dy.reshape(len(dy), self.n_in)

    def __repr__(self):
        return f"Reshape({', '.join(map(str, self.n_out))})"


class Flatten(Layer):
    """Arrays of this shape to rows: x (N, a, b, ...) to y (N, a b ...), Flatten(28, 28) say      dx = dy, reshaped"""

    def __init__(self, *shape):
        self.n_in, self.n_out = shape, math.prod(shape)

    def forward(self, x, training=False):
        return x.reshape(len(x), self.n_out)

    def backward(self, dy, wrt="both"):
        if wrt != "params":
            return dy.reshape(len(dy), *self.n_in)

    def __repr__(self):
        return f"Flatten({', '.join(map(str, self.n_in))})"
