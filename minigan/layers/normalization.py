"""Layers that give their input mean 0 and variance 1, over the batch or over each sample.

    y = gamma x^ + beta      x^ = (x - mean) / sqrt(var + eps)      x, y (N, O)   gamma, beta (O,)

Mean and variance are taken over one axis of x. A change of one x_i changes x^_i and, through the mean and the variance,
every other x^ on that axis. With dx^ = dy gamma and means over the same axis (Ioffe and Szegedy 2015, section 3),

    dx = (dx^ - mean(dx^) - x^ mean(dx^ x^)) / sqrt(var + eps)      dgamma = sum of dy x^ over N   dbeta = sum of dy

The layer before them needs no bias: the mean takes it out again, and beta replaces it. An x (N, H, W, O) is N H W
rows: BatchNorm then has one mean and one variance for each channel of the images (section 3.2).

Standardize does it with a mean and a deviation that are given and stay what they are.
"""

from minigan.backend import batch, checks, kernels, xp
from minigan.layers.layer import Layer, fits, in_words

EPS = 1e-5


class LayerNorm(Layer):
    """Mean and variance over the O values of each sample, in training and out of it      (Ba, Kiros and Hinton 2016)

    Formulas: see the module. `means` is what sets it apart from BatchNorm. Raises ValueError for a width that is not a
    whole number of at least 1, and in a Network for samples of another.
    """

    params = "gamma", "beta"
    through = True  # whether mean and variance move with x

    def __init__(self, width):
        self.n_in = self.n_out = checks.whole(f"{type(self).__name__}({width!r}): the width", width)

    def output_shape(self, shape):
        if not fits(shape and shape[-1:], (self.n_in,)):
            raise ValueError(f"takes width {self.n_in}, but gets {in_words(shape)}")
        return shape or (self.n_in,)

    def initialize(self, rng):
        return {"gamma": xp.ones(self.n_in), "beta": xp.zeros(self.n_in)}

    def means(self, *arrays):
        """The mean of each."""
        return [a.mean(axis=1, keepdims=True) for a in arrays]

    def moments(self, x, squares, training):
        """(the mean of x, the mean of (x - mean)^2), with `squares` to work in."""
        mean = self.means(x)[0]
        xp.subtract(x, mean, out=squares)
        squares *= squares
        return mean, self.means(squares)[0]

    def forward(self, x, training=False):
        sizes, x = x.shape, x.reshape(-1, self.n_in)
        y = self.like("y", x)
        self.x_hat = self.like("x_hat", x)
        mean, var = self.moments(x, y, training)
        self.deviation = xp.sqrt(var + EPS)
        return kernels.normalize(x, mean, self.deviation, self.gamma, self.beta, self.x_hat, out=y).reshape(sizes)

    def backward(self, dy, wrt="both"):
        sizes, dy = dy.shape, dy.reshape(-1, self.n_in)
        product = self.like("product", dy)
        if wrt != "input":
            xp.multiply(dy, self.x_hat, out=product)
            kernels.column_sum(product, out=self.dgamma)
            kernels.column_sum(dy, out=self.dbeta)
        if wrt != "params":
            dx = self.like("dx", dy)
            xp.multiply(dy, self.gamma, out=dx)  # dx^
            self.through_the_moments(dx, product)
            dx /= self.deviation
            return dx.reshape(sizes)

    def through_the_moments(self, dx, product):
        """dx^ <- dx^ - mean(dx^) - x^ mean(dx^ x^), with `product` to work in."""
        if not self.through:
            return
        xp.multiply(dx, self.x_hat, out=product)
        mean, along = self.means(dx, product)
        dx -= mean
        dx -= xp.multiply(self.x_hat, along, out=product)

    def __repr__(self):
        return f"{type(self).__name__}({self.n_in})"


class BatchNorm(LayerNorm):
    """Mean and variance of each of the O values over the N samples of a training batch      (Ioffe and Szegedy 2015)

    In training each sample depends on its neighbors in the batch. Outside it must not: there the running statistics
    take the place of the batch's, constants for backward,

        mean <- momentum mean + (1 - momentum) mean of the batch
        var  <- momentum var  + (1 - momentum) n / (n - 1) var of the batch          (algorithm 2, line 10)

    Raises ValueError for a training batch of one sample, which has no variance.
    """

    state = "mean", "var"

    def __init__(self, width, momentum=0.9):
        super().__init__(width)
        self.momentum = checks.number("BatchNorm: the momentum", momentum, "[0, 1)")

    def initialize(self, rng):
        return super().initialize(rng) | {"mean": xp.zeros(self.n_in), "var": xp.ones(self.n_in)}

    def means(self, *arrays):
        return batch.means(*arrays)

    def moments(self, x, squares, training):
        if not training:
            return self.mean, self.var
        n, sums = batch.count(len(x)), xp.empty((2, self.n_in), x.dtype)
        kernels.column_sum(x, out=sums[0])
        mean = batch.total(sums[0]) / n
        kernels.column_squares(x, mean, squares, out=sums[1])
        var = batch.total(sums[1]) / n
        for running, present in (self.mean, mean), (self.var, var * (n / (n - 1))):
            running += (1 - self.momentum) * (present - running)
        return mean, var

    def forward(self, x, training=False):
        if training and batch.count(x.size // self.n_in) == 1:
            raise ValueError(f"{self!r}: a training batch of one sample has no variance; take at least 2")
        self.through = training
        return super().forward(x, training)

    def backward(self, dy, wrt="both"):
        """gamma is one number for each mean, and so dx = gamma (dy - mean(dy) - x^ mean(dy x^)) / sqrt(var + eps).

        These means are dbeta and dgamma over N: two sums for all.
        """
        sizes, dy = dy.shape, dy.reshape(-1, self.n_in)
        product = self.like("product", dy)
        sums = kernels.column_sums(dy, self.x_hat, product, out=xp.empty((2, self.n_in), dy.dtype))
        if wrt != "input":
            self.dgamma, self.dbeta = sums
        if wrt != "params":
            along, mean = batch.total(sums) * (self.through / batch.count(len(dy)))
            given = dy, self.x_hat, mean, along, self.gamma / self.deviation, product
            return kernels.normalize_backward(*given, out=self.like("dx", dy)).reshape(sizes)

    def __repr__(self):
        return f"BatchNorm({self.n_in}{'' if self.momentum == 0.9 else f', {self.momentum}'})"


class Standardize(Layer):
    """y = (x - mean) / deviation, with one given number of each for every column, x (..., O)      dx = dy / deviation

    Nothing is learned. A D that begins with it, and with mean and deviation of the data, sees each column in the same
    size, whatever its unit: data that all lie near 0.8 differ little else. Raises ValueError unless both are tuples or
    lists of finite numbers, equally many, and the deviations positive, and in a Network for samples of another width.
    """

    remembered = None

    def __init__(self, mean, deviation):
        given = ("mean", mean, "(-inf, inf)"), ("deviation", deviation, "(0, inf)")
        for name, values, interval in given:
            if not isinstance(values, tuple | list):
                raise ValueError(f"Standardize: {name}={values!r:.60}: expected a tuple, one number for each column")
            setattr(self, name, tuple(checks.number(f"Standardize: the {name}", a, interval) for a in values))
        if len(self.mean) != len(self.deviation):
            raise ValueError(f"Standardize: {len(self.mean)} means and {len(self.deviation)} deviations")

    def output_shape(self, shape):
        if shape is not None and shape[-1] != len(self.mean):
            raise ValueError(f"takes {len(self.mean)} columns, but gets {in_words(shape)}")
        return shape

    def linear(self, x, t=""):
        """(y, what backward needs of x) without the mean, as of a tangent."""
        return self.divided(x, f"{t}y"), None

    def forward(self, x, training=False):
        y = self.scratch("y", x.shape, x.dtype)
        return self.divided(xp.subtract(x, self.given("mean", x.dtype), out=y), "y")

    def backward(self, dy, wrt="both"):
        return self.divided(dy, "dx")

    def divided(self, a, name):
        """a / deviation, in an owned array"""
        return xp.divide(a, self.given("deviation", a.dtype), out=self.scratch(name, a.shape, a.dtype))

    def given(self, name, dtype):
        """The numbers of that name, in an owned array that is filled once: on a GPU, a round uploads nothing."""
        return self.scratch(name, (len(self.mean),), dtype, getattr(self, name))

    def __repr__(self):
        return f"Standardize({len(self.mean)} columns)"
