"""Recurrence, for sequences: one small layer, used at each step, that hands a state on to itself. x (N, T, I).

    s_t = f(x_t, s_{t-1})      y_t = h_t, the first H numbers of s_t      s_0 = 0, or what `forward` is given

Unrolled in time this is a chain of T layers that share their parameters, and backward is the chain rule on it, from the
last step to the first: backpropagation through time (Werbos 1990). s_t acts on L in two ways, through y_t and through
s_{t+1}, so dL/ds_t is the sum of what comes down from above and of what step t + 1 hands back. Each step has its part
in dW, too, and dW is the sum of these parts: W is one array with T uses.

W meets x_t, which is known before the loop: x W + b is one product for all steps. U meets h_{t-1}, which is not: that
is one product in each step, for all gates. In backward only what goes through U must wait for its turn. The derivatives
da_t with respect to x_t W + b are kept, and after the loop dW = sum over t of x_t.T da_t is again one product.

Inside, time comes first, (T, N, ...), so that each step is one block of memory.
"""

from minigan.backend import checks, kernels, xp
from minigan.layers.initializers import glorot
from minigan.layers.layer import Layer, in_words


def orthogonal(rng, shape, fan_in, fan_out):
    """W with orthonormal columns, W.T W = 1, or rows if those are fewer: x W is never longer than x (Saxe et al. 2014).

    Normal numbers, column by column made 1 long and taken out of the columns after it (Gram and Schmidt).
    """
    a = rng.standard_normal((max(shape), min(shape)))
    for j in range(min(shape)):
        a[:, j] /= (a[:, j] @ a[:, j]) ** 0.5
        a[:, j + 1 :] -= a[:, j : j + 1] * (a[:, j] @ a[:, j + 1 :])
    return a if shape[0] >= shape[1] else a.T


class Recurrent(Layer):
    """The loop over time. A subclass says what one step does, `advance`, and its derivative, `go_back`.

    W (I, gates H)   U (H, gates H)   b (gates H,)      y (N, T, H), H = width

    T may differ from call to call: Network(GRU(8), shape=(None, 3)). `init` and `init_u` draw W and U gate by gate,
    as functions (rng, shape, fan_in, fan_out); an orthogonal U neither stretches nor shrinks what runs through it
    (Saxe, McClelland and Ganguli 2014). Raises ValueError for a width that is not a whole number of at least 1, for
    initializers that are no functions or draw another shape, and in a Network for samples that are no sequences. There
    are no tangents of it (minigan/objectives/jvp.py): a gradient penalty refuses a D that has one.
    """

    params = "W", "U", "b"
    gates = 1  # how many products of width H a step makes of x_t, and of h_{t-1}
    parts = 1  # a state is that many times H numbers: h, with a cell h and c

    def __init__(self, width, init=glorot, init_u=orthogonal):
        self.width = checks.whole(f"{type(self).__name__}({width!r}): the width", width)
        self.init, self.init_u = init, init_u
        if not (callable(init) and callable(init_u)):
            raise ValueError(f"{self!r}: init and init_u must be functions (rng, shape, fan_in, fan_out)")

    def initialize(self, rng):
        H, drawn = self.width, {}
        for name, draw, rows in ("W", self.init, self.x_shape[-1]), ("U", self.init_u, H):
            what, shape = f"{self!r}: {name}, as drawn for one gate,", (rows, H)
            gates = [checks.array(what, draw(rng, shape, *shape), shape=shape) for _ in range(self.gates)]
            drawn[name] = xp.concatenate(gates, axis=1)
        return drawn | {"b": xp.zeros(self.gates * H)}

    def output_shape(self, shape):
        if shape is None:
            raise ValueError("cannot tell the shape of its samples: say Network(..., shape=(steps, width)), or "
                             "shape=(None, width) for any number of steps")  # fmt: skip
        if len(shape) != 2 or shape[-1] is None:
            raise ValueError(f"takes sequences, shape (steps, width), but gets {in_words(shape)}")
        if (self.packed or self.filled) and shape[-1] != len(self.W):
            raise ValueError(f"takes {len(self.W)} numbers at each step, but gets {in_words(shape)}")
        return shape[0], self.width

    def multiplications(self, x, y):
        return super().multiplications(x, y) * (self.W.size + self.U.size) // self.W.size

    def forward(self, x, training=False, state=None):
        """y (N, T, H) from x (N, T, I) and the state (N, parts H) before the first step, 0 where none is given."""
        (N, T, n_in), H = x.shape, self.width
        self.x = self.over_time("x", T, (N, n_in), x)
        self.x[...] = x.transpose(1, 0, 2)
        self.s = self.over_time("s", T + 1, (N, self.parts * H), x)
        self.s[0] = 0 if state is None else self.checked(state)
        self.a, self.u = self.over_time("a", T, (N, len(self.b)), x), self.scratch("u", (N, len(self.b)), x.dtype)
        kernels.matmul(self.x.reshape(-1, n_in), self.W, out=self.a.reshape(-1, len(self.b)))
        self.a += self.b
        for t in range(T):
            kernels.matmul(self.s[t, :, :H], self.U, out=self.u)
            self.advance(t, self.a[t], self.s[t], self.s[t + 1])
        y = self.scratch("y", (N, T, H), x.dtype)
        y[...] = self.s[1:, :, :H].transpose(1, 0, 2)
        return y

    def backward(self, dy, wrt="both"):
        """dx from dy; writes dW, dU, db, and `dstate`, the derivative with respect to the state before the first.

        Raises RuntimeError for a dy of another shape than the last forward gave.
        """
        (T, N, n_in), H, wide = self.x.shape, self.width, len(self.b)
        if dy.shape != (N, T, H):
            raise RuntimeError(f"{self!r}: dy is {dy.shape}, but the last forward, or step, gave {(N, T, H)}")
        da, du = self.over_time("da", T, (N, wide), dy), self.place_of_du(dy)
        ds = self.scratch("ds", self.s.shape[1:], dy.dtype)
        ds[...] = 0
        for t in reversed(range(T)):
            ds[:, :H] += dy[:, t]
            self.go_back(t, self.s[t], ds, da[t], du[t])
            ds[:, :H] += kernels.matmul(du[t], self.U.T, out=self.scratch("through U", (N, H), dy.dtype))
        self.dstate, rows = ds, da.reshape(-1, wide)
        if wrt != "input":
            kernels.matmul(self.x.reshape(-1, n_in).T, rows, out=self.dW)
            kernels.matmul(self.s[:-1].reshape(T * N, -1)[:, :H].T, du.reshape(-1, wide), out=self.dU)
            xp.sum(rows, axis=0, out=self.db)
        if wrt != "params":
            dx = self.scratch("dx", (N, T, n_in), dy.dtype)
            product = kernels.matmul(rows, self.W.T, out=self.scratch("dx in time", (T * N, n_in), dy.dtype))
            dx[...] = product.reshape(T, N, n_in).transpose(1, 0, 2)
            return dx

    def advance(self, t, a, before, after):
        """Step t: after <- f(x_t, before), from a = x_t W + b and self.u = h_{t-1} U; leaves the gates in self.a[t]."""
        raise NotImplementedError(f"{type(self).__name__} needs an advance(t, a, before, after)")

    def go_back(self, t, before, ds, da, du):
        """Through step t: da <- dL/d(x_t W + b), du <- dL/d(h_{t-1} U), and ds, which comes as dL/ds_t, becomes
        dL/ds_{t-1} but for what went through U."""
        raise NotImplementedError(f"{type(self).__name__} needs a go_back(t, before, ds, da, du)")

    def place_of_du(self, dy):
        """The array that du goes into: that of da, where a step only adds x_t W + b and h_{t-1} U."""
        return self.over_time("da", len(self.x), self.a.shape[1:], dy)

    def step(self, x, state=None):
        """(y, state after it) of one step on x (N, I), both fresh: for drawing a sequence one step after another.

        It is a forward: a backward that follows belongs to it.
        """
        y = self.forward(x[:, None], state=state)
        return y[:, 0].copy(), self.s[1].copy()

    def over_time(self, name, T, shape, like):
        """An owned array (T, *shape), which serves any T and N."""
        N, width = shape
        return self.scratch(name, (T * N, width), like.dtype).reshape(T, N, width)

    def checked(self, state):
        return checks.array(f"{self!r}: the state", state, self.s.dtype, self.s.shape[1:])

    def __repr__(self):
        return f"{type(self).__name__}({self.width})"


class RNN(Recurrent):
    """h_t = tanh(a_t + u_t)      a_t = x_t W + b   u_t = h_{t-1} U      (Elman 1990)

    da_t = du_t = dh_t (1 - h_t^2)      dh_{t-1} = du_t U.T
    """

    def advance(self, t, a, before, after):
        a += self.u
        xp.tanh(a, out=after)

    def go_back(self, t, before, ds, da, du):
        h = self.s[t + 1]
        xp.multiply(h, h, out=da)
        xp.subtract(1, da, out=da)
        da *= ds
        ds[...] = 0


class GRU(Recurrent):
    """r, z = sigmoid(a + u), the first 2 H columns; with a_n and q = u_n + c of the last H,

    n = tanh(a_n + r q)      h_t = (1 - z) n + z h_{t-1}      (Cho et al. 2014; r where it is in cuDNN, after U)

    dn = dh (1 - z)      da_n = dn (1 - n^2)      dq = da_n r      da_r = da_n q r (1 - r)
    dz = dh (h_{t-1} - n)      da_z = dz z (1 - z)      dh_{t-1} = dh z + du U.T, du = (da_r, da_z, dq)

    c (H,) is U's own bias: r multiplies it, so it is not a part of b. dc = sum of dq over N and t.
    """

    params = "W", "U", "b", "c"
    gates = 3

    def initialize(self, rng):
        return super().initialize(rng) | {"c": xp.zeros(self.width)}

    def forward(self, x, training=False, state=None):
        self.q = self.over_time("q", x.shape[1], (len(x), self.width), x)
        return super().forward(x, training, state)

    def backward(self, dy, wrt="both"):
        dx = super().backward(dy, wrt)
        if wrt != "input":
            rows = self.place_of_du(dy).reshape(-1, 3 * self.width)
            xp.sum(rows[:, 2 * self.width :], axis=0, out=self.dc)
        return dx

    def advance(self, t, a, before, after):
        r, z, n, q, H = *_split(a, 3), self.q[t], self.width
        a[:, : 2 * H] += self.u[:, : 2 * H]
        _sigmoid(a[:, : 2 * H])
        xp.add(self.u[:, 2 * H :], self.c, out=q)
        n += xp.multiply(r, q, out=after)
        xp.tanh(n, out=n)
        xp.subtract(before, n, out=after)
        after *= z
        after += n

    def go_back(self, t, before, ds, da, du):
        (r, z, n), (da_r, da_z, da_n), H = _split(self.a[t], 3), _split(da, 3), self.width
        xp.subtract(before, n, out=da_z)
        da_z *= ds
        xp.multiply(ds, z, out=du[:, :H])  # a place to work in, until the end
        xp.subtract(ds, du[:, :H], out=da_n)
        ds[...] = du[:, :H]
        _times_slope_of_tanh(da_n, n, du[:, :H])
        xp.multiply(da_n, self.q[t], out=da_r)
        _times_slope_of_sigmoid(da[:, : 2 * H], self.a[t, :, : 2 * H], du[:, : 2 * H])
        du[:, : 2 * H] = da[:, : 2 * H]
        xp.multiply(da_n, r, out=du[:, 2 * H :])

    def place_of_du(self, dy):
        return self.over_time("du", len(self.x), self.a.shape[1:], dy)


class LSTM(Recurrent):
    """i, f, o = sigmoid(a + u), the first 3 H columns, and g = tanh(a + u), the last H; the state is (h, c)

    c_t = f c_{t-1} + i g      h_t = o tanh(c_t)      (Hochreiter and Schmidhuber 1997; f: Gers et al. 2000)

    do = dh tanh(c)      dc = what step t + 1 hands back + dh o (1 - tanh(c)^2)      di = dc g      dg = dc i
    df = dc c_{t-1}      dc_{t-1} = dc f      dh_{t-1} = du U.T
    da = du = (di i (1 - i), df f (1 - f), do o (1 - o), dg (1 - g^2))

    c is added to, not multiplied by U: that is how a derivative comes back over many steps. f's part of b starts at 1,
    so that c is kept at first (Jozefowicz, Zaremba and Sutskever 2015).
    """

    gates, parts = 4, 2

    def initialize(self, rng):
        drawn = super().initialize(rng)
        drawn["b"][self.width : 2 * self.width] = 1
        return drawn

    def advance(self, t, a, before, after):
        (i, f, o, g), (h, c), H = _split(a, 4), _split(after, 2), self.width
        a += self.u
        _sigmoid(a[:, : 3 * H])
        xp.tanh(g, out=g)
        xp.multiply(f, before[:, H:], out=c)
        c += xp.multiply(i, g, out=h)
        xp.tanh(c, out=h)
        h *= o

    def go_back(self, t, before, ds, da, du):
        (i, f, o, g), (di, df, do, dg), (dh, dc), H = _split(self.a[t], 4), _split(da, 4), _split(ds, 2), self.width
        tanh_c = xp.tanh(self.s[t + 1, :, H:], out=self.like("tanh c", dh))
        xp.multiply(dh, tanh_c, out=do)
        dh *= o
        _times_slope_of_tanh(dh, tanh_c, di)
        dc += dh
        xp.multiply(dc, g, out=di)
        xp.multiply(dc, before[:, H:], out=df)
        xp.multiply(dc, i, out=dg)
        dc *= f
        work = self.like("work", da)
        _times_slope_of_sigmoid(da[:, : 3 * H], self.a[t, :, : 3 * H], work[:, : 3 * H])
        _times_slope_of_tanh(dg, g, work[:, :H])
        dh[...] = 0


def _split(a, parts):
    """The columns of a in equal parts, as views."""
    H = a.shape[1] // parts
    return [a[:, k * H : (k + 1) * H] for k in range(parts)]


def _sigmoid(a):
    """a <- sigmoid(a), in the form with tanh, which cannot overflow"""
    a *= 0.5
    xp.tanh(a, out=a)
    a *= 0.5
    a += 0.5


def _times_slope_of_sigmoid(d, y, work):
    """d <- d y (1 - y)"""
    d *= y
    d *= xp.subtract(1, y, out=work)


def _times_slope_of_tanh(d, y, work):
    """d <- d (1 - y^2)"""
    xp.multiply(y, y, out=work)
    d *= xp.subtract(1, work, out=work)
