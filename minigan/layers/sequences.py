"""Rows and sequences: the last step, or the mean over time, as one row; one row as every step, or beside it."""

from minigan.backend import checks, xp
from minigan.layers.layer import Layer, in_words


class OverTime(Layer):
    """What both share: sequences come, rows go. Raises ValueError in a Network for samples that are no sequences."""

    remembered = None  # backward needs nothing of x but its shape; `linear` is what minigan/objectives/jvp.py asks for

    def output_shape(self, shape):
        if shape is not None and len(shape) != 2:
            raise ValueError(f"takes sequences, shape (steps, width), but gets {in_words(shape)}")
        return shape and shape[1:]

    def linear(self, x, t=""):
        """(y, what backward needs of x); `t` sets the owned arrays of a tangent apart."""
        self.came, y = x.shape, self.scratch(f"{t}y", (len(x), x.shape[-1]), x.dtype)
        self.row(x, y)
        return y, None

    def row(self, x, out):
        """out <- y"""
        raise NotImplementedError(f"{type(self).__name__} needs a row(x, out)")

    def forward(self, x, training=False):
        return self.linear(x)[0]


class LastStep(OverTime):
    """y = x_T      dx_T = dy, and 0 at the steps before it"""

    def row(self, x, out):
        out[...] = x[:, -1]

    def backward(self, dy, wrt="both"):
        dx = self.scratch("dx", self.came, dy.dtype)
        dx[...] = 0
        dx[:, -1] = dy
        return dx


class MeanOverTime(OverTime):
    """y = mean of x_t over t      dx_t = dy / T"""

    def row(self, x, out):
        xp.mean(x, axis=1, out=out)

    def backward(self, dy, wrt="both"):
        dx = self.scratch("dx", self.came, dy.dtype)
        dx[...] = dy[:, None]
        dx /= self.came[1]
        return dx


class Repeat(Layer):
    """y_t = x at each of T = `steps` steps: x (N, I), y (N, T, I)      dx = sum of dy_t over t

    A G of z (N, I) that begins with it reads one noise for the whole sequence; a G of z (N, T, I) fresh noise in each
    step. Raises ValueError for steps that are not a whole number of at least 1, and in a Network for samples that are
    no rows.
    """

    remembered = None

    def __init__(self, steps):
        self.steps = checks.whole(f"Repeat({steps!r}): the number of steps", steps)

    def output_shape(self, shape):
        if shape is not None and len(shape) != 1:
            raise ValueError(f"takes rows, shape (width,), but gets {in_words(shape)}")
        return shape and (self.steps, *shape)

    def linear(self, x, t=""):
        """(y, what backward needs of x), as above."""
        y = self.scratch(f"{t}y", (len(x), self.steps, x.shape[-1]), x.dtype)
        y[...] = x[:, None]
        return y, None

    def forward(self, x, training=False):
        return self.linear(x)[0]

    def backward(self, dy, wrt="both"):
        return xp.sum(dy, axis=1, out=self.scratch("dx", (len(dy), dy.shape[-1]), dy.dtype))

    def __repr__(self):
        return f"Repeat({self.steps})"


class Shared(Layer):
    """y_t = (x_t, m), m = sqrt(T) mean of x_t over t: x (N, T, I), y (N, T, 2 I)

    dx_t = the first half of dy_t + sum over s of the second half of dy_s / sqrt(T)

    Of fresh noise in each step, x_t ~ N(0, 1), it makes such noise and beside it m ~ N(0, 1), one and the same in every
    step: what a sequence keeps, and what changes. Raises ValueError in a Network for samples that are no sequences.
    """

    remembered = None

    def output_shape(self, shape):
        if shape is None or len(shape) != 2 or shape[-1] is None:
            raise ValueError(f"takes sequences, shape (steps, width), but gets {in_words(shape or (None,))}")
        return shape[0], 2 * shape[1]

    def linear(self, x, t=""):
        """(y, what backward needs of x), as above."""
        (N, T, width), m = x.shape, self.scratch(f"{t}m", (len(x), x.shape[-1]), x.dtype)
        y = self.scratch(f"{t}y", (N, T, 2 * width), x.dtype)
        xp.sum(x, axis=1, out=m)
        m /= T**0.5
        y[..., :width], y[..., width:] = x, m[:, None]
        return y, None

    def forward(self, x, training=False):
        return self.linear(x)[0]

    def backward(self, dy, wrt="both"):
        (N, T, wide), dm = dy.shape, self.scratch("dm", (len(dy), dy.shape[-1] // 2), dy.dtype)
        dx = self.scratch("dx", (N, T, wide // 2), dy.dtype)
        xp.sum(dy[..., wide // 2 :], axis=1, out=dm)
        dm /= T**0.5
        dx[...] = dy[..., : wide // 2]
        dx += dm[:, None]
        return dx
