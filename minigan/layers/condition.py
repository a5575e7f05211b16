"""Conditions: a class y for each sample, which a network is given beside x (Mirza and Osindero 2014).

G(z, y) draws a sample of class y, and D(x, y) judges whether x is real *and* of class y. Labels y (N,) are whole
numbers from 0 to classes - 1; there is no derivative with respect to them, so backward hands down dx alone.
"""

from minigan.backend import checks, xp
from minigan.layers.initializers import glorot
from minigan.layers.layer import Layer, in_words


class Conditional(Layer):
    """A layer that is given labels: for the next forward, or, with `hold`, for every forward that is given none.

    Its Network hands on what it is given: network.forward(x, training, y). Raises ValueError for labels that are not
    whole numbers from 0 to classes - 1, one for each sample, and for a forward without labels.
    """

    given = held = None

    def __init__(self, classes):
        self.classes = checks.whole(f"{type(self).__name__}({classes!r}): the number of classes", classes)

    def give(self, y, hold=False):
        """Labels for the next forward, with `hold` for each that is given None; None takes back those given before."""
        if y is None:
            self.given = None
            return
        y = checks.array(f"{self!r}: y", y)
        if y.ndim != 1 or y.dtype.kind not in "iu" or not y.size:
            raise ValueError(f"{self!r}: y is {y.shape} of {y.dtype}, expected whole numbers, one for each sample: "
                             "y.astype('int64'), say, or of one-hot rows y.argmax(axis=1)")  # fmt: skip
        low, high = int(y.min()), int(y.max())
        if low < 0 or high >= self.classes:
            wrong = low if low < 0 else high
            raise ValueError(f"{self!r}: labels must lie in 0 ... {self.classes - 1}, but there is a {wrong}")
        self.given = y.copy()
        self.held = self.given if hold else self.held

    def one_hot(self, x):
        """(N, classes), True in column y_n of row n, False elsewhere, for the labels of the samples x."""
        y = self.held if self.given is None else self.given
        if y is None:
            raise ValueError(f"{self!r} needs labels: network.forward(x, training, y), gan.step(x, y), network(x, y)")
        if len(y) != len(x):
            raise ValueError(f"{self!r}: {len(y)} labels for {len(x)} samples: one for each")
        return y[:, None] == xp.arange(self.classes)

    def __repr__(self):
        return f"{type(self).__name__}({self.classes})"


class Condition(Conditional):
    """y_n in one-hot columns beside x_n: x (N, ..., C) to (N, ..., C + classes)      dx = the first C columns of dy

    For rows these are columns, for images planes, for sequences columns at every step (Mirza and Osindero 2014, whose
    players are dense). Raises ValueError for a number
    of classes that is not whole, and in a Network where the last size of x is not known.
    """

    def output_shape(self, shape):
        if shape is None:
            raise ValueError("cannot tell the shape of its samples: say Network(..., shape=(100,))")
        if shape[-1] is None:
            raise ValueError(f"needs to know the last size of its samples, but gets {in_words(shape)}")
        return *shape[:-1], shape[-1] + self.classes

    def forward(self, x, training=False):
        self.width, columns = x.shape[-1], self.one_hot(x)
        joined = self.scratch("y", (*x.shape[:-1], self.width + self.classes), x.dtype)
        joined[..., : self.width] = x
        joined[..., self.width :] = columns.reshape(len(x), *[1] * (x.ndim - 2), self.classes)
        return joined

    def backward(self, dy, wrt="both"):
        dx = self.scratch("dx", (*dy.shape[:-1], self.width), dy.dtype)
        dx[...] = dy[..., : self.width]
        return dx


class Projection(Conditional):
    """a_n = x_n W + x_n . V_y + b, V_y the row of class y_n      x (N, I)   W (I, 1)   V (classes, I)   b (1,)

    dW = x.T da      dV_c = sum of da_n x_n over the n of class c      db = sum of da over n      dx_n = da_n (W + V_y)

    As D's last layer: x W says whether a sample is real, x . V_y whether it is of its class: V_y stands for what is
    typical of y among real samples, less what is among fakes (Miyato and Koyama 2018,
    eq. 3 and 7). Raises ValueError for a number of classes that is not whole, and in a Network for samples other than
    rows.
    """

    params = "W", "V", "b"

    def __init__(self, classes, init=glorot):
        super().__init__(classes)
        self.init = init
        if not callable(init):
            raise ValueError(f"{self!r}: init must be a function (rng, shape, fan_in, fan_out), not {init!r}")

    def initialize(self, rng):
        shapes = {"W": (*self.x_shape, 1), "V": (self.classes, *self.x_shape)}
        drawn = {name: self.init(rng, shape, *self.x_shape, 1) for name, shape in shapes.items()}
        return {name: checks.array(f"{self!r}: {name}", a, shape=shapes[name]) for name, a in drawn.items()} | {
            "b": xp.zeros(1)
        }

    def output_shape(self, shape):
        if shape is None:
            raise ValueError("cannot tell the width of its samples: say Network(..., shape=(100,))")
        if len(shape) != 1 or shape[0] is None or ((self.packed or self.filled) and shape != self.W.shape[:1]):
            taken = f"width {len(self.W)}" if self.packed or self.filled else "rows"
            raise ValueError(f"takes {taken}, but gets {in_words(shape)}")
        return (1,)

    def linear(self, x, t=""):
        """(a without b, what backward needs of x); `t` sets the owned arrays of a tangent apart."""
        rows = self.scratch("rows", x.shape, x.dtype)  # W + V_y for each sample
        xp.matmul(self.columns, self.V, out=rows)
        rows += self.W[:, 0]
        product = xp.multiply(rows, x, out=self.like(f"{t}product", x))
        return xp.sum(product, axis=1, keepdims=True, out=self.scratch(f"{t}y", (len(x), 1), x.dtype)), x

    def forward(self, x, training=False):
        self.columns = self.one_hot(x).astype(x.dtype)
        a, self.remembered = self.linear(x)
        a += self.b
        return a

    def backward(self, da, wrt="both"):
        x = self.remembered
        if wrt != "input":
            xp.matmul(x.T, da, out=self.dW)
            xp.matmul((self.columns * da).T, x, out=self.dV)
            xp.sum(da, axis=0, out=self.db)
        if wrt != "params":
            return xp.multiply(self.scratch("rows", x.shape, x.dtype), da, out=self.like("dx", x))
