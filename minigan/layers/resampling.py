"""Images smaller and larger, without weights: average pooling and nearest-neighbor upsampling, x (N, H, W, C).

Both go by squares of size x size numbers. The mean over a square and the spreading of one number over it are each
other's adjoint, but for the factor size^2: so either layer's backward is the other's forward.
"""

from minigan.backend import checks, xp
from minigan.layers.layer import Layer, in_words


class AveragePool(Layer):
    """y = mean of each square of x      x (N, H, W, C)   y (N, H / size, W / size, C)

    dx = dy / size^2 on each number of the square (LeCun et al. 1998, "sub-sampling"). Raises ValueError for a size that
    is not a whole number of at least 1, and in a Network for samples that are not images or not made of whole squares.
    """

    remembered = None  # backward needs nothing of x

    def __init__(self, size=2):
        self.size = checks.whole(f"{type(self).__name__}({size!r}): the size", size)

    def output_shape(self, shape):
        if shape is None:
            return None
        if len(shape) != 3:
            raise ValueError(f"takes images, shape (height, width, channels), but gets {in_words(shape)}")
        return *(None if n is None else self.resized(n) for n in shape[:2]), shape[-1]

    def resized(self, n):
        """The height of y from that of x, or its width."""
        if n % self.size:
            raise ValueError(f"takes whole squares: {n} / {self.size} = {n / self.size:.4g}")
        return n // self.size

    def linear(self, x, t=""):
        """(y, what backward needs of x); `t` sets the owned arrays of a tangent apart."""
        return self.pooled(f"{t}y", x, xp.mean), None

    def forward(self, x, training=False):
        return self.linear(x)[0]

    def backward(self, dy, wrt="both"):
        dx = self.spread("dx", dy)
        dx /= self.size**2
        return dx

    def pooled(self, name, x, by):
        """The mean or the sum of each square."""
        N, H, W, C = x.shape
        y = self.scratch(name, (N, H // self.size, W // self.size, C), x.dtype)
        return by(self.squares(x), axis=(2, 4), out=y)

    def spread(self, name, x):
        """Each number on the whole of its square."""
        N, H, W, C = x.shape
        y = self.scratch(name, (N, H * self.size, W * self.size, C), x.dtype)
        self.squares(y)[...] = x[:, :, None, :, None]
        return y

    def squares(self, a):
        """(N, h size, w size, C) as (N, h, size, w, size, C)."""
        N, H, W, C = a.shape
        return a.reshape(N, H // self.size, self.size, W // self.size, self.size, C)

    def __repr__(self):
        return f"{type(self).__name__}({self.size})"


class Upsample(AveragePool):
    """y = each number of x on a square of its own      x (N, h, w, C)   y (N, size h, size w, C)

    dx = sum of dy over the square. Before a convolution with stride 1 it draws no checkerboard (Odena, Dumoulin and
    Olah 2016). Raises ValueError for such sizes and samples as AveragePool does.
    """

    def resized(self, n):
        return n * self.size

    def linear(self, x, t=""):
        return self.spread(f"{t}y", x), None

    def backward(self, dy, wrt="both"):
        return self.pooled("dx", dy, xp.sum)
