"""Tokens as vectors: a table with a row of numbers for each token, learned like any other W."""

from minigan.backend import checks, kernels, xp
from minigan.layers.initializers import Normal
from minigan.layers.layer import Layer, in_words


class Embedding(Layer):
    """y_nt = the row x_nt of W      x (N, T) tokens 0 ... V - 1   W (V, O)   y (N, T, O), V = vocabulary, O = width

    dW_v = sum of dy_nt over all places (n, t) where x_nt = v      dx = 0

    (Bengio et al. 2003.) That is y = onehot(x) W without the product, and dW = onehot(x).T dy is a scatter-add: each
    dy_nt is added to the row that y_nt came from. A token is rounded to the nearest whole number, so y does not move
    when x moves a little, and nothing comes down through a token: a G that draws tokens learns nothing from dx.

    A sample (T, V) instead is a row of V numbers at each step, one-hot or softer: y = x W, dW = x.T dy, dx = dy W.T. In
    a Network(Embedding(V, O), ..., shape=(None, V)) it takes such rows, without a shape tokens; T is free.

    `init(rng, shape, fan_in, fan_out)` draws W, N(0, 1) unless given. Raises ValueError for sizes that are not whole
    numbers of at least 1, an `init` that is not a function or draws another shape, and for tokens outside 0 ... V - 1;
    to see these, forward waits for the device.
    """

    params = ("W",)

    def __init__(self, vocabulary, width, init=Normal(1.0)):
        self.vocabulary, self.width = checks.whole(
            f"Embedding({vocabulary!r}, {width!r}): both sizes", vocabulary, width
        )
        self.n_in, self.init = (None,), init  # what a Network takes that is told no shape: tokens
        if not callable(init):
            raise ValueError(f"{self!r}: init must be a function (rng, shape, fan_in, fan_out), not {init!r}")

    def initialize(self, rng):
        shape = self.vocabulary, self.width
        return {"W": checks.array(f"{self!r}: what init draws", self.init(rng, shape, *shape), shape=shape)}

    def output_shape(self, shape):
        steps, *rest = shape or (None,)
        if rest not in ([], [self.vocabulary]):
            takes = f"tokens, shape (steps,), or rows, shape (steps, {self.vocabulary})"
            raise ValueError(f"takes {takes}, but gets {in_words(shape)}")
        return steps, self.width

    def multiplications(self, x, y):
        return 0 if len(x) == 1 else super().multiplications(x, y)

    def forward(self, x, training=False):
        self.x = x
        if x.ndim == 3:
            y = self.scratch("y", (len(x) * x.shape[1], self.width), x.dtype)
            kernels.matmul(x.reshape(-1, self.vocabulary), self.W, out=y)
            return y.reshape(*x.shape[:2], self.width)
        self.tokens = whole(x, self.vocabulary, f"{self!r}: ")
        return xp.take(self.W, self.tokens, axis=0)  # no out=: given one, NumPy makes the same temporary and copies it

    def backward(self, dy, wrt="both"):
        rows, dx = dy.reshape(-1, self.width), self.like("dx", self.x, dy.dtype)
        if self.x.ndim == 3:
            flat = self.x.reshape(-1, self.vocabulary)
            if wrt != "input":
                kernels.matmul(flat.T, rows, out=self.dW)
            return (
                dx if wrt == "params" else kernels.matmul(rows, self.W.T, out=dx.reshape(flat.shape)).reshape(dx.shape)
            )
        if wrt != "input":
            self.dW[...] = 0
            xp.add.at(self.dW, self.tokens.reshape(-1), rows)
        dx[...] = 0
        return dx

    def __repr__(self):
        return f"Embedding({self.vocabulary}, {self.width})"


def whole(x, vocabulary, where=""):
    """The tokens x as whole numbers, int64. Raises ValueError for any that is not in 0 ... vocabulary - 1."""
    low, high = x.real.min(), x.real.max()  # of a complex step the real part
    if not (low >= -0.5 and high < vocabulary - 0.5):  # false for NaN
        raise ValueError(f"{where}tokens must lie in 0 ... {vocabulary - 1}, but these run from {low} to {high}")
    return xp.rint(x.real).astype("int64")
