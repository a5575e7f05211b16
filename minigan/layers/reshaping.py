"""The same numbers in another shape."""

import math

from minigan.backend import checks, xp
from minigan.layers.layer import Layer, fits, in_words


class Reshape(Layer):
    """Samples to arrays of this shape: x (N, a b ...) to y (N, a, b, ...), Reshape(28, 28) say      dx = dy, reshaped

    One size may be -1: what is left. Raises ValueError for sizes that are not whole numbers of at least 1, and in a
    Network for samples of another number of numbers.
    """

    def __init__(self, *shape):
        self.shape = checks.sizes("Reshape", _one_by_one(shape), free=-1)
        if self.shape.count(-1) > 1:
            raise ValueError(f"Reshape{self.shape}: expected whole numbers of at least 1, but for one -1")
        if -1 not in self.shape:
            self.n_in, self.n_out = math.prod(self.shape), self.shape

    def output_shape(self, shape):
        known = math.prod(size for size in self.shape if size != -1)
        if shape is None and -1 in self.shape:
            raise ValueError("cannot tell what -1 stands for: say Network(..., shape=...) or give all the sizes")
        if shape is None:
            return self.shape
        numbers = _numbers(shape)
        left = None if numbers is None else numbers // known
        y = tuple(left if size == -1 else size for size in self.shape)
        if _numbers(y) != numbers:
            multiple = "a multiple of " if -1 in self.shape else ""
            raise ValueError(f"takes samples of {multiple}{known} numbers, but gets {in_words(shape)}")
        return y

    def forward(self, x, training=False):
        self.came = x.shape
        return x.reshape(len(x), *self.shape)

    def backward(self, dy, wrt="both"):
        return dy.reshape(self.came)

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(map(str, self.shape))})"


class Flatten(Reshape):
    """Arrays to rows: x (N, a, b, ...) to y (N, a b ...)      dx = dy, reshaped

    Flatten(28, 28) says the shape, Flatten() takes that of the layer before it. Raises ValueError for sizes that are
    not whole numbers of at least 1.
    """

    def __init__(self, *shape):
        self.shape = checks.sizes("Flatten", _one_by_one(shape)) if shape else ()
        if shape:
            self.n_in, self.n_out = self.shape, math.prod(self.shape)

    def output_shape(self, shape):
        shape = shape or self.shape
        if not shape:
            raise ValueError(
                "cannot tell the shape of its samples: say Flatten(28, 28), or Network(..., shape=(28, 28))"
            )
        Layer.output_shape(self, shape)
        return (_numbers(shape),)

    def forward(self, x, training=False):
        self.came = x.shape
        return x.reshape(len(x), -1)


class Pack(Layer):
    """Samples side by side, m at a time: x (N, w) to y (N / m, m w), pictures by their channels      dx = dy, apart

    As D's first layer, D judges m samples at once, and sees it where they are alike (PacGAN, Lin et al. 2018). `shape`,
    Pack(2, 784) say, is that of a sample; it may be left out where the Network knows it. Rows stay where they are, of
    pictures a new array is made. Raises ValueError for sizes that are not whole numbers of at least 1; its Network
    refuses a batch that m does not divide.
    """

    def __init__(self, m, *shape):
        self.rows = checks.whole(f"Pack({m!r}): the number of samples", m)
        self.shape = checks.sizes("Pack", _one_by_one(shape)) if shape else ()
        if shape:
            self.n_in, self.n_out = self.shape, self.output_shape(None)

    def output_shape(self, shape):
        shape = shape or self.shape
        if not shape:
            raise ValueError("cannot tell the shape of its samples: say Pack(2, 784), or Network(..., shape=(784,))")
        if not fits(shape, self.shape or shape) or shape[-1] is None:
            taken = in_words(self.shape) if self.shape else "samples whose last size is known"
            raise ValueError(f"takes {taken}, but gets {in_words(shape)}")
        return *shape[:-1], self.rows * shape[-1]

    def forward(self, x, training=False):
        self.came = x.shape
        apart = x.reshape(-1, self.rows, *x.shape[1:])
        beside = xp.moveaxis(apart, 1, -2)  # (N / m, ..., m, channels)
        return beside.reshape(*beside.shape[:-2], self.rows * x.shape[-1])

    def backward(self, dy, wrt="both"):
        beside = dy.reshape(*dy.shape[:-1], self.rows, self.came[-1])
        return xp.moveaxis(beside, -2, 1).reshape(self.came)

    def __repr__(self):
        return f"Pack({', '.join(map(str, (self.rows, *self.shape)))})"


def _one_by_one(shape):
    """The sizes, whether they were given one by one or as one tuple."""
    return shape[0] if len(shape) == 1 else shape


def _numbers(shape):
    """How many numbers a sample has; None where one of its sizes may be any."""
    return None if None in shape else math.prod(shape)
