"""Maxout: an activation that is learned, the largest of several linear functions."""

from minigan.backend import checks, xp
from minigan.layers.layer import Layer


class Maxout(Layer):
    """y_j = max over k of x_kj      x (N, K O), read as (N, K, O)   y (N, O)      (Goodfellow et al. 2013, section 3)

    dx_kj = dy_j for the first k with x_kj = y_j, 0 for the others.
    With a Dense layer before it each unit is the largest of K linear functions of the layer's input:
    `Dense(784, 1200), Maxout(1200, 240)` has 240 units of 5 pieces. Raises ValueError unless O divides K O.
    """

    def __init__(self, n_in, n_out):
        self.n_in, self.n_out = checks.whole(f"Maxout({n_in!r}, {n_out!r}): both widths", n_in, n_out)
        if self.n_in % self.n_out:
            raise ValueError(f"{self!r}: the width in must be a multiple of the width out")

    def forward(self, x, training=False):
        self.x = x.reshape(len(x), self.n_in // self.n_out, self.n_out)
        y = self.y = self.scratch("y", (len(x), self.n_out), x.dtype)
        y[...] = self.x[:, 0]
        for k in range(1, self.x.shape[1]):
            xp.maximum(y, self.x[:, k], out=y)
        return y

    def backward(self, dy, wrt="both"):
        dx = self.scratch("dx", self.x.shape, dy.dtype)
        won = self.like("won", dy, bool)
        open = self.like("open", dy, bool)
        open[...] = True  # no piece has won yet
        for k in range(self.x.shape[1]):
            xp.equal(self.x[:, k], self.y, out=won)
            won &= open
            open ^= won
            xp.multiply(dy, won, out=dx[:, k])
        return dx.reshape(len(dx), self.n_in)
