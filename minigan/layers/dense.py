"""The layer with weights."""

from minigan.backend import checks, kernels, xp
from minigan.layers.initializers import he
from minigan.layers.layer import Layer, fits, in_words


class Dense(Layer):
    """y = x W + b            x (N, I)   W (I, O)   b (O,)   y (N, O)

    dW = x.T dy      db = sum of dy over N      dx = dy W.T          dy means dL/dy

    For one entry, y_no = sum over i of x_ni W_io + b_o. So W_io touches y_no, through x_ni, for every sample n, and
    dL/dW_io = sum over n of x_ni dy_no; x_ni touches every y_no through W_io, and dL/dx_ni = sum over o of dy_no W_io.
    An x (N, T, I) is N T rows, and y is (N, T, O).

    `init(rng, shape, fan_in, fan_out)` draws W; b starts at `bias`, a number or (O,). `y = x @ self.W + self.b` would
    be as right as what stands below; owned arrays only save the allocation. Raises ValueError for a width that is not a
    whole number of at least 1, an `init` that is not a function or draws another shape, and a `bias` of another shape
    or that is not finite.
    """

    params = "W", "b"

    def __init__(self, n_in, n_out, init=he, bias=0.0):
        self.n_in, self.n_out = checks.whole(f"Dense({n_in!r}, {n_out!r}): both widths", n_in, n_out)
        if not callable(init):
            raise ValueError(f"{self!r}: init must be a function (rng, shape, fan_in, fan_out), not {init!r}")
        self.init, self.bias, given = init, bias, checks.array(f"{self!r}: bias", bias)
        if given.shape not in ((), (self.n_out,)):
            raise ValueError(f"{self!r}: bias has shape {given.shape}, expected a number or {(self.n_out,)}")
        if not xp.isfinite(given).all():
            raise ValueError(f"{self!r}: the bias must be finite")

    def initialize(self, rng):
        shape = self.n_in, self.n_out
        W = checks.array(f"{self!r}: what init draws", self.init(rng, shape, *shape), shape=shape)
        return {"W": W, "b": xp.zeros(self.n_out) + xp.asarray(self.bias)}

    def output_shape(self, shape):
        shape = shape or (self.n_in,)
        if not fits(shape[-1:], (self.n_in,)):
            raise ValueError(f"takes width {self.n_in}, but gets {in_words(shape)}")
        return *shape[:-1], self.n_out

    def forward(self, x, training=False):
        self.x = x.reshape(-1, self.n_in)
        y = self.scratch("y", (len(self.x), self.n_out), x.dtype)
        kernels.matmul(self.x, self.W, out=y)
        y += self.b
        return y.reshape(*x.shape[:-1], self.n_out)

    def backward(self, dy, wrt="both"):
        rows = dy.reshape(-1, self.n_out)
        if wrt != "input":
            kernels.matmul(self.x.T, rows, out=self.dW)
            kernels.column_sum(rows, out=self.db)
        if wrt != "params":
            dx = kernels.matmul(rows, self.W.T, out=self.like("dx", self.x, dy.dtype))
            return dx.reshape(*dy.shape[:-1], self.n_in)
