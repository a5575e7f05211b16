"""Element-wise nonlinearities, y = f(x) for x of shape (N, width), whatever the width.

Each remembers its output y and not its input, because f'(x) is shortest in terms of y: tanh' = 1 - y^2.
"""

from minigan.backend import xp
from minigan.layers import Layer


class LeakyReLU(Layer):
    """y = x where x > 0, slope x elsewhere      (Maas, Hannun and Ng 2013)

    dx = dy where y > 0, slope dy elsewhere; at the kink x = 0 the left slope is taken.
    The slope is 0.01 in that paper, 0.2 in Radford et al. 2016 and in most GANs since. Raises ValueError unless it lies
    in [0, 1], where y = max(x, slope x) and y > 0 says x > 0.
    """

    def __init__(self, slope=0.2):
        if not 0 <= slope <= 1:
            raise ValueError(f"LeakyReLU(slope={slope}): the slope must lie in [0, 1]")
        self.slope = slope

    def forward(self, x, training=False):
        y = self.y = self.scratch("y", x.shape, x.dtype)
        xp.multiply(x, self.slope, out=y)
        xp.maximum(x, y, out=y)
        return y

    def backward(self, dy, wrt="both"):
        if wrt != "params":
            dx = self.scratch("dx", dy.shape, dy.dtype)
            positive = self.scratch("positive", dy.shape, bool)
            xp.greater(self.y, 0, out=positive)
            xp.maximum(positive, self.slope, out=dx, dtype=dy.dtype)  # dy/dx: 1 or slope
            dx *= dy
            return dx

    def __repr__(self):
        return f"LeakyReLU({self.slope})"


class ReLU(Layer):
    """y = max(x, 0)      dx = dy where y > 0, 0 elsewhere      (Glorot, Bordes and Bengio 2011)"""

    def forward(self, x, training=False):
        y = self.y = self.scratch("y", x.shape, x.dtype)
        return xp.maximum(x, 0, out=y)

    def backward(self, dy, wrt="both"):
        if wrt != "params":
            dx = self.scratch("dx", dy.shape, dy.dtype)
            positive = self.scratch("positive", dy.shape, bool)
            xp.greater(self.y, 0, out=positive)
            return xp.multiply(dy, positive, out=dx)


class Tanh(Layer):
    """y = tanh x in (-1, 1)      dx = dy (1 - y^2)"""

    range = -1.0, 1.0

    def forward(self, x, training=False):
        y = self.y = self.scratch("y", x.shape, x.dtype)
        return xp.tanh(x, out=y)

    def backward(self, dy, wrt="both"):
        if wrt != "params":
            dx = self.scratch("dx", dy.shape, dy.dtype)
            xp.multiply(self.y, self.y, out=dx)
            xp.subtract(1, dx, out=dx)
            dx *= dy
            return dx


class Sigmoid(Layer):
    """y = 1 / (1 + e^-x) = (tanh(x / 2) + 1) / 2 in (0, 1)      dx = dy y (1 - y)

    The form with tanh cannot overflow; of values near 0 it keeps few digits (see losses.sigmoid). Where you can, let a
    network end in a logit and leave the sigmoid to the loss.
    """

    range = 0.0, 1.0

    def forward(self, x, training=False):
        y = self.y = self.scratch("y", x.shape, x.dtype)
        xp.multiply(x, 0.5, out=y)
        xp.tanh(y, out=y)
        y *= 0.5
        y += 0.5
        return y

    def backward(self, dy, wrt="both"):
        if wrt != "params":
            dx = self.scratch("dx", dy.shape, dy.dtype)
            xp.subtract(1, self.y, out=dx)
            dx *= self.y
            dx *= dy
            return dx
