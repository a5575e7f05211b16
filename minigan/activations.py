"""Nonlinearities, y = f(x) for x of shape (N, width): element-wise and of any width, but for Maxout.

Each remembers its output y and, but for Maxout, not its input: f'(x) is shortest in terms of y, tanh' = 1 - y^2.
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


class Maxout(Layer):
    """y_j = max over k of x_kj      x (N, K O), read as (N, K, O)   y (N, O)      (Goodfellow et al. 2013, section 3)

    dx_kj = dy_j for the first k with x_kj = y_j, 0 for the others.
    With a Dense layer before it each unit is the largest of K linear functions of the layer's input:
    `Dense(784, 1200), Maxout(1200, 240)` has 240 units of 5 pieces. Raises ValueError unless O divides K O.
    """

    def __init__(self, n_in, n_out):
        if not 1 <= n_out <= n_in or n_in % n_out:
            raise ValueError(f"Maxout({n_in}, {n_out}): the width in must be a multiple of the width out")
        self.n_in, self.n_out = n_in, n_out

    def forward(self, x, training=False):
        self.x = x.reshape(len(x), -1, self.n_out)
        y = self.y = self.scratch("y", (len(x), self.n_out), x.dtype)
        y[...] = self.x[:, 0]
        for k in range(1, self.x.shape[1]):
            xp.maximum(y, self.x[:, k], out=y)
        return y

    def backward(self, dy, wrt="both"):
        if wrt != "params":
            dx = self.scratch("dx", self.x.shape, dy.dtype)
            won, open = (self.scratch(name, dy.shape, bool) for name in ("won", "open"))
            open[...] = True  # no piece has won yet
            for k in range(self.x.shape[1]):
                xp.equal(self.x[:, k], self.y, out=won)
                won &= open
                open ^= won
                xp.multiply(dy, won, out=dx[:, k])
            return dx.reshape(len(dx), self.n_in)
