"""Convolution and its adjoint, for images: x (N, H, W, C), the channels last.

A convolution is one product with a matrix (Chellapilla, Puri and Simard 2006). im2col writes each patch of x that the
kernel (k, l) meets as a row; with W (k, l, C, O) read as the matrix M (k l C, O), stride (s, t) and padding (p, q),

    y = im2col(x) M     im2col(x) (N h w, k l C)   y (N, h, w, O)     y_nab = sum over i, j of x_n,sa+i-p,tb+j-q W_ij

im2col only copies, so it is linear, and its adjoint adds each number back to where it was copied from: col2im, with
<im2col(x), a> = <x, col2im(a)> for all x and a. That is all that the derivatives need:

    dM = im2col(x).T dy        dx = col2im(dy M.T)

This dx is itself a layer, from a small image to a large one, the transposed convolution. Its derivatives are those of
a product and of col2im, whose adjoint is im2col: the same two functions in exchanged roles, and the same M.

    y = col2im(x M.T)          dM = im2col(dy).T x          dx = im2col(dy) M

Both are in minigan/backend/plain.py. Padding is a border of zeros around the larger image, which im2col reads and
col2im leaves out. Some convolutions can do with fewer products: minigan/layers/winograd.py.
"""

import math

from minigan.backend import checks, kernels, xp
from minigan.layers.initializers import he
from minigan.layers.layer import Layer, in_words
from minigan.layers.winograd import Winograd


class Conv2D(Layer):
    """y = im2col(x) M + b      x (N, H, W, C)   W (k, l, C, channels)   b (channels,)   y (N, h, w, channels)

    h = (H + 2 padding - k) / stride + 1, rounded down: rows that no whole step reaches are left out. db = sum of dy
    over N, h, w; for dx and dW see the module. C comes from the Network. Kernel, stride and padding are numbers
    or (height, width); the defaults halve an even size. `init(rng, shape, fan_in, fan_out)` draws W: k l C numbers of x
    make one of y, and one of x enters into k l channels / stride^2 of y, on average. b starts at 0.

    Raises ValueError for settings that are not whole numbers, an `init` that is not a function or draws another shape,
    and in a Network for samples that are not images, are too small, or have other channels than W.
    """

    params = "W", "b"

    def __init__(self, channels, kernel=4, stride=2, padding=1, init=he, use_bias=True):
        called = f"{type(self).__name__}({channels!r}, kernel={kernel!r}, stride={stride!r}, padding={padding!r})"
        self.channels = checks.whole(f"{called}: the channels", channels)
        self.kernel, self.stride = _pair(f"{called}: the kernel", kernel), _pair(f"{called}: the stride", stride)
        self.padding = _pair(f"{called}: the padding", padding, least=0)
        self.init, self.use_bias, self.params = init, use_bias, ("W", "b") if use_bias else ("W",)
        if not callable(init):
            raise ValueError(f"{self!r}: init must be a function (rng, shape, fan_in, fan_out), not {init!r}")

    def initialize(self, rng):
        shape, *fans = self.shape_and_fans(self.x_shape[-1], math.prod(self.kernel), math.prod(self.stride))
        W = checks.array(f"{self!r}: what init draws", self.init(rng, shape, *fans), shape=shape)
        return {"W": W, "b": xp.zeros(self.channels)} if self.use_bias else {"W": W}

    def shape_and_fans(self, C, area, step):
        """(shape of W, fan_in, fan_out) for C channels of x, a kernel of this area and a stride that covers `step`."""
        return (*self.kernel, C, self.channels), area * C, area * self.channels / step

    def output_shape(self, shape):
        if shape is None:
            raise ValueError("cannot tell the shape of its samples: say Network(..., shape=(28, 28, 1))")
        if len(shape) != 3 or shape[-1] is None:
            raise ValueError(f"takes images, shape (height, width, channels), but gets {in_words(shape)}")
        if (self.packed or self.filled) and shape[-1] != self.x_shape[-1]:
            raise ValueError(f"takes images of {self.x_shape[-1]} channels, but gets {in_words(shape)}")
        return *map(self.size, shape[:2], self.kernel, self.stride, self.padding), self.channels

    def size(self, n, k, s, p):
        """The height of y, the places that the kernel has along that of x, or the width; None: any."""
        if n is None:
            return None
        if n + 2 * p < k:
            raise ValueError(f"has no place for its kernel: {n} + 2 * {p} = {n + 2 * p} numbers in a row, padding "
                             f"included, and the kernel takes {k}; take a smaller kernel or more padding")  # fmt: skip
        return (n + 2 * p - k) // s + 1

    def linear(self, x, t=""):
        """(y without b, what the derivatives need of x); `t` sets the owned arrays of a tangent apart."""
        self.came, (*places, _) = x.shape, self.output_shape(x.shape[1:])
        columns = self.by.gathered(f"{t}columns", x, places)
        return self.by.product(f"{t}y", columns), columns

    def forward(self, x, training=False):
        y, self.remembered = self.linear(x)
        if self.use_bias:
            y += self.b
        return y

    def backward(self, dy, wrt="both"):
        a = self.by.spread("dy", dy)
        if wrt != "input":
            self.write(self.remembered, a, dy)
        if wrt != "params":
            return self.by.scattered("dx", a, self.came)

    @property
    def by(self):
        """What has the products, in the five functions below: this layer, or minigan/layers/winograd.py."""
        return Winograd(self) if kernels.fewer_products(self.kernel, self.stride, self.W.shape[2:]) else self

    @property
    def M(self):
        """W as a matrix: (k l C, channels)."""
        return self.W.reshape(-1, self.W.shape[-1])

    def spread(self, name, a):
        """What the products take of dy: dy itself."""
        return a

    def gathered(self, name, x, places):
        """im2col(x), (N, h, w, k, l, C), for the places (h, w)."""
        columns = self.scratch(name, (len(x), *places, *self.kernel, x.shape[-1]), x.dtype)
        return kernels.im2col(x, self.stride, self.padding, out=columns)

    def product(self, name, columns):
        """columns M, (N, h, w, channels)."""
        y = self.scratch(name, (*columns.shape[:3], self.W.shape[-1]), columns.dtype)
        kernels.matmul(_rows(columns, 3), self.M, out=_rows(y))
        return y

    def scattered(self, name, a, shape):
        """col2im(a M.T), of this shape."""
        columns = self.scratch("columns of a", (*a.shape[:3], *self.W.shape[:3]), a.dtype)
        kernels.matmul(_rows(a), self.M.T, out=_rows(columns, 3))
        return kernels.col2im(columns, self.stride, self.padding, out=self.scratch(name, shape, a.dtype))

    def gradient(self, columns, a):
        """dW <- columns.T a"""
        kernels.matmul(_rows(columns, 3).T, _rows(a), out=_rows(self.dW))

    def write(self, columns, a, dy):
        """dW, and db <- sum of dy"""
        self.by.gradient(columns, a)
        if self.use_bias:
            kernels.column_sum(_rows(dy), out=self.db)

    def __repr__(self):
        kernel, stride, padding = (a if a == b else (a, b) for a, b in (self.kernel, self.stride, self.padding))
        bias = "" if self.use_bias else ", use_bias=False"
        return f"{type(self).__name__}({self.channels}, kernel={kernel}, stride={stride}, padding={padding}{bias})"


class ConvTranspose2D(Conv2D):
    """y = col2im(x M.T) + b      x (N, h, w, C)   W (k, l, channels, C)   b (channels,)   y (N, H, W, channels)

    H = (h - 1) stride + k - 2 padding: the least H of which a Conv2D with the same settings makes h, and that one's dx
    is this y. The defaults double a size. A kernel that its stride does not divide lays unequal numbers of products
    on neighboring places, which shows as a checkerboard (Odena, Dumoulin and Olah 2016). Raises ValueError as Conv2D
    does, and where the padding leaves nothing.
    """

    def shape_and_fans(self, C, area, step):
        """(shape of W, fan_in, fan_out): each number of y has area / step places of the kernel above it, on average."""
        return (*self.kernel, self.channels, C), area * C / step, area * self.channels

    def size(self, n, k, s, p):
        size = None if n is None else (n - 1) * s + k - 2 * p
        if n is not None and size < 1:
            raise ValueError(f"would have nothing left within its padding: ({n} - 1) * {s} + {k} - 2 * {p} = {size}; "
                             "take a larger kernel or less padding")  # fmt: skip
        return size

    def multiplications(self, x, y):
        return super().multiplications(y, x)

    def linear(self, x, t=""):
        self.came, a = x.shape, self.by.spread(f"{t}x", x)
        return self.by.scattered(f"{t}y", a, (len(x), *self.output_shape(x.shape[1:]))), a

    def backward(self, dy, wrt="both"):
        columns = self.by.gathered("columns", dy, self.came[1:3])
        if wrt != "input":
            self.write(columns, self.remembered, dy)
        if wrt != "params":
            return self.by.product("dx", columns)


def _rows(a, last=1):
    """An array as a matrix, whose width is that of the last axes."""
    return a.reshape(-1, math.prod(a.shape[-last:]))


def _pair(what, given, least=1):
    """(height, width) from one number or two."""
    pair = given if isinstance(given, tuple | list) else (given, given)
    return checks.whole(what, *(pair if len(pair) == 2 else (None, None)), least=least)
