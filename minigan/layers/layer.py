"""What a layer is: a function y = f(x; params) and its derivative.

It obeys five rules, on which the rest of the library relies:

1. `forward(x, training=False)` returns y and remembers, under a name, the least that backward needs.
   `training` is an argument, not a mode that someone forgets to switch (it is for layers that behave otherwise in
   training, as `Dropout` and `BatchNorm` do).
2. `backward(dy, wrt="both")` receives dy = dL/dy and *overwrites* the gradient of each parameter (`dW` for `W`),
   unless wrt="input"; it returns dx = dL/dx, unless wrt="params". It never adds to what was there before. A layer
   without parameters is only ever asked for dx, and need not look at `wrt`.
3. It writes only into arrays that it owns (`scratch`, `like`), never into x or dy. Its y stays valid until its next
   `forward`, its dx until its next `backward`.
4. Its parameters are views into the one vector `theta` of the `Network` that packs it, their gradients views into
   `dtheta`. Until then a layer has no arrays. `self.dW = x.T @ dy` writes into that view, as `self.dW[...] =` does.
   What else training changes (running statistics, the number of draws) is named in `state`; a checkpoint keeps it.
5. A sample of x has a shape: (width,), (height, width, channels), (time, width). `output_shape` says which shapes a
   layer takes and what it makes of them; a Network asks each layer in turn when it is built.

A layer of your own is a subclass with forward and backward, `params` and `initialize` if it has parameters, and `n_in`
and `n_out` if it changes the width. `minigan.gradcheck` tells you whether its backward is right.
"""

import math

from minigan.backend import checks, xp

OF_A_NETWORK = "_scratch", "packed", "views"  # what a copy of a layer leaves behind


class Layer:
    """The base of all layers: names of the parameters, shapes, and owned arrays."""

    params = ()  # names of the parameters; the gradient of "W" is "dW"
    state = ()  # names of the arrays and whole numbers that forward(training=True) moves
    n_in = n_out = None  # width of x and of y, or a shape such as (28, 28); None: any, and y has that of x
    x_shape = None  # the shape of a sample of x, as a Network knows it: set before it calls initialize
    rows = 1  # how many rows of x make one of y
    give = None  # give(y, hold), of a layer that is given labels of its `classes` (minigan/layers/condition.py)
    range = None  # the interval (low, high) that the outputs lie in, where it is bounded
    packed = False  # whether a Network has it already
    filled = False  # whether it is a copy of such a layer, and has its values
    views = ()  # once packed: names of its arrays that are views into the network's theta and dtheta

    def initialize(self, rng):
        """{name: initial value} for each name in `params`, then in `state`; random ones are drawn on the host."""
        return {}

    def output_shape(self, shape):
        """The shape of one sample of y, where one of x has this `shape`; None where that is not known (yet).

        Raises ValueError, "takes ..., but gets ...", for a shape that the layer does not take.
        """
        if self.n_in is None:
            return shape
        if not fits(shape, as_shape(self.n_in)):
            raise ValueError(f"takes {in_words(as_shape(self.n_in))}, but gets {in_words(shape)}")
        return as_shape(self.n_out)

    def multiplications(self, x, y):
        """How many the products with W take, in forward, for samples of these shapes; NaN where a size is open."""
        return self.W.size * math.prod(size or math.nan for size in y[:-1]) if "W" in self.params else 0

    def forward(self, x, training=False):
        """y = f(x), shape (N, n_out), for x of shape (N, n_in)."""
        raise NotImplementedError(f"{type(self).__name__} needs a forward(x, training=False)")

    def backward(self, dy, wrt="both"):
        """dL/dx from dy = dL/dy (unless wrt="params"); writes dL/dparams (unless wrt="input")."""
        raise NotImplementedError(f'{type(self).__name__} needs a backward(dy, wrt="both")')

    def scratch(self, name, shape, dtype, start=None):
        """An owned array of this shape, the same memory at each call with this name; a new one is filled with `start`.

        A smaller batch gets the first rows of the larger array, so that batches that alternate in size (D sees 2N
        rows in its own step and N in the generator's) allocate nothing.
        """
        owned = self.__dict__.setdefault("_scratch", {})
        a = owned.get(name)
        if a is None or a.shape[1:] != shape[1:] or len(a) < shape[0] or a.dtype != dtype:
            a = owned[name] = xp.empty(shape, dtype=dtype) if start is None else xp.asarray(start, dtype=dtype)
        return a[: shape[0]]

    def like(self, name, a, dtype=None):
        """An owned array of the shape of `a`, and of its dtype unless another is given."""
        return self.scratch(name, a.shape, dtype or a.dtype)

    def __setattr__(self, name, value):
        if name not in self.views:
            object.__setattr__(self, name, value)
        elif value is not (held := self.__dict__[name]):  # another array under this name would be cut off from theta
            held[...] = checks.array(f"{self!r}: {name}", value, held.dtype, held.shape)

    def __getattr__(self, name):
        if name in (*self.params, *self.state, *(f"d{known}" for known in self.params)):
            raise AttributeError(f"{self!r} has no {name} yet: its arrays come from a Network, Network({self!r})")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __getstate__(self):
        """For copy and pickle: a copy keeps its values, and belongs to no network."""
        kept = {name: value for name, value in vars(self).items() if name not in OF_A_NETWORK}
        return kept | {"filled": self.packed or self.filled}

    def __repr__(self):
        return f"{type(self).__name__}({'' if self.n_in is None else f'{self.n_in}, {self.n_out}'})"


def as_shape(n):
    """(n,) for a width n; a shape as it is."""
    return n if isinstance(n, tuple) else (n,)


def fits(shape, taken):
    """Whether a layer for shape `taken` takes this shape; None: not known, and as a size in `taken`, any size."""
    if shape is None or taken is None:
        return True
    return len(shape) == len(taken) and all(b is None or a == b for a, b in zip(shape, taken, strict=True))


def in_words(shape):
    """A sample's shape for messages: width 784, or shape (28, 28)."""
    return f"width {shape[0]}" if len(shape) == 1 else f"shape {shape}"
