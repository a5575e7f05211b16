"""A chain of layers, and its parameters as one vector theta."""

import copy

from minigan.backend import host_generator, xp
from minigan.fitting import check_chain

WRT = "params", "input", "both"
CHUNK = 1024


class Network:
    """y = f_k(... f_2(f_1(x))); backward is the chain rule, from the last layer to the first.

    `theta` holds every parameter, `dtheta` every derivative, each as one flat array; the layers' W, b, dW, db are
    views into them. Weights are drawn on the host from `seed`, so one seed is one network on every backend.

    Raises ValueError, when it is built, for layers whose widths do not fit or a layer that is used twice.
    """

    def __init__(self, *layers, seed=0, dtype="float32"):
        self.layers = layers
        self.n_in, self.n_out = check_chain(layers)
        rng = host_generator(seed)
        self._pack([layer.initialize(rng) for layer in layers], dtype)

    theta = property(lambda self: self._theta, doc="All parameters, one vector; write into it: theta[:] = ...")
    dtheta = property(lambda self: self._dtheta, doc="All derivatives dL/dtheta, in the order of theta.")

    def forward(self, x, training=False):
        """y (N, n_out) from x (N, n_in): the last layer's own array, valid until the next forward.

        Raises ValueError for an x of another width, TypeError for another dtype.
        """
        self.check(x)
        self.outputs = []  # of each layer
        for layer in self.layers:
            x = layer.forward(x, training)
            self.outputs.append(x)
        return x

    def backward(self, dy, wrt="both", layer=-1):
        """dx = dL/dx from dy = dL/dy of the last forward; overwrites dtheta = dL/dtheta.

        wrt="params" leaves dx out (and returns None), wrt="input" leaves dtheta as it is. A loss of what stands in the
        middle, outputs[layer], enters there; the layers after it keep the dtheta that they had.
        Raises RuntimeError without a forward since the optimizer's last step, ValueError for another `wrt` or shape,
        TypeError for another dtype.
        """
        if wrt not in WRT:
            raise ValueError(f"backward(wrt={wrt!r}): expected one of {', '.join(map(repr, WRT))}")
        if not self.outputs:
            raise RuntimeError(
                "backward needs a forward(x) first, and a new one after each optimizer step and after network(x): "
                "what the layers remember is no longer what backward needs"
            )
        if dy.shape != self.outputs[layer].shape:
            given = self.outputs[layer].shape
            raise ValueError(f"backward: dy has shape {dy.shape}, but the last forward gave {given}")
        self._check_dtype("dy", dy)
        first, *rest = self.layers[: layer % len(self.layers) + 1]
        for inner in reversed(rest):  # each must hand its dx down; only the first layer's may be left out
            dy = inner.backward(dy, "input" if wrt == "input" else "both")
        return first.backward(dy, wrt)

    def forget(self):
        """Drop the link to the last forward: backward must not follow it any more. Optimizers call this."""
        self.outputs = []

    def check(self, x):
        """Raises ValueError for an x of a shape other than (N, n_in), TypeError for another type or dtype."""
        if not isinstance(x, xp.ndarray):
            raise TypeError(
                f"x is a {type(x).__name__}, but this network takes an array: use xp.asarray, or network(x)"
            )
        width = x.shape[1] if x.ndim == 2 else x.shape[1:]
        if x.ndim < 2 or len(x) == 0 or self.n_in not in (None, width):
            expected = ", ".join(map(str, self.n_in)) if isinstance(self.n_in, tuple) else self.n_in or "width"
            raise ValueError(f"x has shape {x.shape}, but this network takes (N, {expected}) with N at least 1")
        self._check_dtype("x", x)

    def __call__(self, x):
        """y for anything that is like an array, as a fresh array: for people, where `forward` is for training.

        Many rows are computed CHUNK at a time, which bounds the memory. There is no backward from here.
        """
        x = xp.asarray(x, dtype=self.dtype)
        y = xp.concatenate([self.forward(x[i : i + CHUNK]).copy() for i in range(0, max(len(x), 1), CHUNK)])
        self.forget()
        return y

    def parameters(self):
        """(name, parameter, gradient) for each one, as views: ("0.W", W, dW), ("0.b", b, db), ("2.W", ...)."""
        for i, layer in enumerate(self.layers):
            for name in layer.params:
                yield f"{i}.{name}", getattr(layer, name), getattr(layer, "d" + name)

    def state(self):
        """{"1.mean": array, "3.draws": 17, ...}: what forward(training=True) moves, besides which there is theta."""
        return {f"{i}.{name}": getattr(layer, name) for i, layer in enumerate(self.layers) for name in layer.state}

    def set_state(self, state):
        """Put the values of such a dictionary in place of the present ones; arrays are written into."""
        for name, value in state.items():
            i, _, name = name.partition(".")
            here = getattr(self.layers[int(i)], name)
            if isinstance(here, int):
                setattr(self.layers[int(i)], name, int(value))
            else:
                here[...] = xp.asarray(value)

    def astype(self, dtype):
        """A copy in another precision, with memory of its own; "float64" for gradient checks."""
        twin = copy.deepcopy(self)
        twin._pack(self._values(), dtype)
        return twin

    def __copy__(self):
        return copy.deepcopy(self)

    def __setstate__(self, state):
        """After copy.deepcopy and pickle: the layers' arrays were copied one by one, and become views again."""
        self.__dict__.update(state)
        for layer in self.layers:
            layer.__dict__.pop("_scratch", None)
        self._pack(self._values(), self.dtype)

    def summary(self):
        """A table of the layers: width of the output and number of parameters."""
        counts = [sum(getattr(layer, name).size for name in layer.params) for layer in self.layers]
        width, rows = self.n_in, []
        for i, (layer, count) in enumerate(zip(self.layers, counts, strict=True)):
            width = layer.n_out or width
            rows.append(f"{i:>3}  {layer!r:<24} (N, {width or 'any'})".ljust(46) + f"{count:>12,}")
        total = f"theta: {self.theta.size:,} x {self.dtype}, {self.theta.nbytes / 2**20:.1f} MiB"
        return "\n".join([*rows, total])

    def __repr__(self):
        return f"Network({', '.join(map(repr, self.layers))})"

    def _values(self):
        return [{name: getattr(layer, name) for name in (*layer.params, *layer.state)} for layer in self.layers]

    def _pack(self, values, dtype):
        """Make theta from one {name: value} for each layer, and give the layers their views into theta and dtheta."""
        self.dtype, self.outputs = xp.dtype(dtype), []
        if self.dtype.kind not in "fc":
            raise ValueError(f"Network(dtype={str(self.dtype)!r}): expected a floating-point type, float32 or float64")
        arrays = []
        for layer, given in zip(self.layers, values, strict=True):
            if tuple(given) != (expected := (*layer.params, *layer.state)):
                raise ValueError(f"{layer!r}: initialize gives {tuple(given)}, but params and state say {expected}")
            arrays += [(layer, name, given[name]) for name in layer.params]
            for name in layer.state:
                a = given[name]
                setattr(layer, name, a if isinstance(a, int) else xp.array(a, dtype=dtype))
        size = sum(a.size for _, _, a in arrays)
        self._theta, self._dtheta = xp.empty(size, dtype=dtype), xp.zeros(size, dtype=dtype)
        start = 0
        for layer, name, a in arrays:
            here = slice(start, start + a.size)
            setattr(layer, name, self._theta[here].reshape(a.shape))
            setattr(layer, "d" + name, self._dtheta[here].reshape(a.shape))
            getattr(layer, name)[...] = xp.asarray(a, dtype=dtype)
            start += a.size

    def _check_dtype(self, name, a):
        if a.dtype != self.dtype:
            raise TypeError(
                f"{name} is {a.dtype}, but this network computes in {self.dtype}: convert it with "
                f'{name}.astype("{self.dtype}"), or take a copy of the network in another precision with network.astype'
            )
