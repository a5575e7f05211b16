"""What a layer is, and the layer with weights.

A layer is a function y = f(x; params) and its derivative. It obeys four rules, and the rest of the library leans on
them:

1. `forward(x, training=False)` returns y and remembers, under a name, the least that backward needs.
   `training` is an argument, not a mode that someone forgets to switch (it is for layers that behave otherwise in
   training, as `Dropout` and `BatchNorm` do; none of those below).
2. `backward(dy, wrt="both")` receives dy = dL/dy and *overwrites* the gradient of each parameter (`dW` for `W`),
   unless wrt="input"; it returns dx = dL/dx, unless wrt="params". It never adds to what was there before.
3. It writes only into arrays that it owns (`scratch`), never into x or dy. Its y stays valid until its next
   `forward`, its dx until its next `backward`.
4. Its parameters are views into the one vector `theta` of the `Network` that packs it, their gradients views into
   `dtheta`. Until then a layer has no arrays. Write *into* them (`self.dW[...] = x.T @ dy`, or out=self.dW): a new
   array under the old name (`self.dW = x.T @ dy`) would be cut off from theta, and gradcheck would say so. What
   training moves besides (running statistics, the number of draws) it names in `state`, and a checkpoint keeps it.

A layer of your own is a subclass with these two methods, `params` and `initialize` if it has parameters, and `n_in`
and `n_out` if it changes the width. `minigan.gradcheck` tells you whether its backward is right.
"""

from minigan.backend import xp


class Layer:
    """The base of all layers: names of the parameters, widths, and owned arrays."""

    params = ()  # names of the parameters; the gradient of "W" is "dW"
    state = ()  # names of the arrays and whole numbers that forward(training=True) moves
    n_in = n_out = None  # width of x and of y, or a shape such as (28, 28); None: any, and y has that of x
    range = None  # the interval (low, high) that the outputs lie in, where it is bounded

    def initialize(self, rng):
        """{name: initial value} for each name in `params`, then in `state`; random ones are drawn on the host."""
        return {}

    def forward(self, x, training=False):
        """y = f(x), shape (N, n_out), for x of shape (N, n_in)."""
        raise NotImplementedError(f"{type(self).__name__} needs a forward(x, training=False)")

    def backward(self, dy, wrt="both"):
        """dL/dx from dy = dL/dy (unless wrt="params"); writes dL/dparams (unless wrt="input")."""
        raise NotImplementedError(f'{type(self).__name__} needs a backward(dy, wrt="both")')

    def scratch(self, name, shape, dtype):
        """An owned array of this shape, uninitialized, the same memory at each call with this name.

        A smaller batch gets the first rows of the larger array, so that batches that alternate in size (D sees 2N
        rows in its own step and N in the generator's) allocate nothing.
        """
        owned = self.__dict__.setdefault("_scratch", {})
        a = owned.get(name)
        if a is None or a.shape[1:] != shape[1:] or len(a) < shape[0] or a.dtype != dtype:
            a = owned[name] = xp.empty(shape, dtype=dtype)
        return a[: shape[0]]

    def __getattr__(self, name):
        if name in (*self.params, *self.state) or name.removeprefix("d") in self.params:
            raise AttributeError(
                f"{self!r} has no {name} yet: a layer gets its arrays from a Network, Network({self!r})"
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __repr__(self):
        return f"{type(self).__name__}({'' if self.n_in is None else f'{self.n_in}, {self.n_out}'})"


def he(rng, n_in, n_out):
    """W ~ N(0, 2 / n_in): keeps the variance of the signal through ReLU layers (He et al. 2015, eq. 10)."""
    return rng.standard_normal((n_in, n_out)) * (2 / n_in) ** 0.5


def glorot(rng, n_in, n_out):
    """W ~ U(-r, r), r = sqrt(6 / (n_in + n_out)): the same for tanh (Glorot and Bengio 2010, eq. 16)."""
    r = (6 / (n_in + n_out)) ** 0.5
    return rng.uniform(-r, r, (n_in, n_out))


def uniform(r):
    """The initializer W ~ U(-r, r), whatever the widths (what the networks of Goodfellow et al. 2014 start from)."""
    return lambda rng, n_in, n_out: rng.uniform(-r, r, (n_in, n_out))


class Dense(Layer):
    """y = x W + b            x (N, I)   W (I, O)   b (O,)   y (N, O)

    dW = x.T dy      db = sum of dy over N      dx = dy W.T          dy means dL/dy

    For one entry, y_no = sum over i of x_ni W_io + b_o. So W_io touches y_no, through x_ni, for every sample n, and
    dL/dW_io = sum over n of x_ni dy_no; x_ni touches every y_no through W_io, and dL/dx_ni = sum over o of dy_no W_io.

    `init(rng, n_in, n_out)` draws W; b starts at `bias`, a number or (O,). `y = x @ self.W + self.b` would be as right
    as what stands below; owned arrays only save the allocation. Raises ValueError for a width that is not a whole
    number of at least 1, and for an `init` that draws another shape or a `bias` that has one.
    """

    params = "W", "b"

    def __init__(self, n_in, n_out, init=he, bias=0.0):
        if not all(isinstance(n, int) and n >= 1 for n in (n_in, n_out)):
            raise ValueError(f"Dense({n_in!r}, {n_out!r}): both widths must be whole numbers of at least 1")
        self.n_in, self.n_out, self.init, self.bias = n_in, n_out, init, bias

    def initialize(self, rng):
        W, bias = self.init(rng, self.n_in, self.n_out), xp.asarray(self.bias)
        if W.shape != (self.n_in, self.n_out):
            raise ValueError(f"{self!r}: init drew shape {W.shape}, expected {(self.n_in, self.n_out)}")
        if bias.shape not in ((), (self.n_out,)):
            raise ValueError(f"{self!r}: bias has shape {bias.shape}, expected a number or {(self.n_out,)}")
        return {"W": W, "b": xp.zeros(self.n_out) + bias}

    def forward(self, x, training=False):
        self.x = x
        y = self.scratch("y", (len(x), self.n_out), x.dtype)
        xp.matmul(x, self.W, out=y)
        y += self.b
        return y

    def backward(self, dy, wrt="both"):
        if wrt != "input":
            xp.matmul(self.x.T, dy, out=self.dW)
            xp.sum(dy, axis=0, out=self.db)
        if wrt != "params":
            dx = self.scratch("dx", self.x.shape, dy.dtype)
            return xp.matmul(dy, self.W.T, out=dx)
