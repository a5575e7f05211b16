"""A chain of layers, and its parameters as one vector theta."""

import copy
import math

from minigan.backend import checks, host_generator, xp
from minigan.layers.layer import Layer, as_shape, fits

WRT = "params", "input", "both"
CHUNK = 1024
NO_FORWARD = (
    "backward needs a forward(x) first, and a new one after each optimizer step and after network(x): "
    "what the layers remember is no longer what backward needs"
)


class Network(Layer):
    """y = f_k(... f_2(f_1(x))); backward is the chain rule, from the last layer to the first.

    `theta` holds every parameter, `dtheta` every derivative dL/dtheta, each as one flat array; the layers' W, b, dW, db
    are views into them. Weights are drawn on the host from `seed`, so one seed is one network on every backend. `shape`
    is that of one sample of x, such as (28, 28, 1), if the first layer does not know it; None stands for any size.

    A network is itself a layer, and may be part of another one: it keeps its weights, in the other's precision, and its
    theta becomes a part of the other's. Raises ValueError for layers that do not fit each other or are used already,
    and for a dtype other than float32 and float64; TypeError for anything that is not a layer.
    """

    def __init__(self, *layers, seed=0, dtype="float32", shape=None):
        _look_at(layers)
        self.layers, self.rows, self.range = layers, math.prod(layer.rows for layer in layers), layers[-1].range
        self.conditional = [layer for layer in layers if layer.give and layer.classes]
        self.classes, *others = {layer.classes for layer in self.conditional} or {None}
        if others:
            raise ValueError(f"labels of {self.classes} classes for some layers, and of {others[0]} for others")
        shape = None if isinstance(shape, tuple) and not shape else shape
        self.shape = None if shape is None else checks.sizes("Network: shape=", shape, free=None)
        *before, end = self.shape, *self._shapes(self.shape)
        if self.shape is None:
            self.shape = next((as_shape(layer.n_in) for layer in layers if layer.n_in is not None), None)
        self.n_in, self.n_out = _width(self.shape), _width(end)
        rng = host_generator(checks.whole(f"Network: seed={seed!r}", seed, least=0))
        self._make([a for pair in zip(layers, before, strict=True) for a in _initial(*pair, rng)], _real(dtype))

    def forward(self, x, training=False, y=None):
        """The output (N, n_out) from x (N, n_in): the last layer's own array, valid until the next forward.

        Labels y (N,) are handed on to the layers that are given some (minigan/layers/condition.py). Raises ValueError
        for an x of another shape and labels that no layer takes, TypeError for another dtype.
        """
        self.check(x)
        self.outputs, outputs = [], []  # of each layer, and none where one of them raises
        self.give(y)
        for layer in self.layers:
            x = layer.forward(x, training)
            outputs.append(x)
        self.outputs = outputs
        return x

    def backward(self, dy, wrt="both", layer=-1):
        """dx = dL/dx from dy = dL/dy of the last forward; overwrites dtheta = dL/dtheta.

        wrt="params" leaves dx out (and returns None), wrt="input" leaves dtheta as it is. A loss of the outputs
        of a layer in the middle, outputs[layer], enters there; the layers after it keep the dtheta that they had.
        Raises RuntimeError without a forward since the optimizer's last step, ValueError for another `wrt`, `layer` or
        shape, TypeError for another dtype.
        """
        if wrt not in WRT:
            raise ValueError(f"backward(wrt={wrt!r}): expected one of {', '.join(map(repr, WRT))}")
        if not self.outputs:
            raise RuntimeError(NO_FORWARD)
        if layer not in range(-len(self.layers), len(self.layers)):
            raise ValueError(f"backward(layer={layer!r}): the network has {len(self.layers)} layers")
        self._check_type("dy", dy)
        if dy.shape != (given := self.outputs[layer].shape):
            raise ValueError(f"backward: dy has shape {dy.shape}, but the last forward gave {given}")
        lowest, last = 0, layer % len(self.layers)
        if wrt == "params":  # below the lowest layer with parameters nobody asks for a derivative
            lowest = next((i for i, inner in enumerate(self.layers) if inner.params), last)
        for i in range(last, lowest - 1, -1):
            inner = self.layers[i]
            if isinstance(inner, Network) and not (inner.outputs and inner.outputs[-1] is self.outputs[i]):
                raise RuntimeError(NO_FORWARD)  # it was used by itself in the meantime
            dy = inner.backward(dy, "both" if wrt == "params" and i > lowest else wrt)
        return None if wrt == "params" else dy

    def give(self, y, hold=False):
        """Hand labels y (N,) to the layers that take some, for the next forward, or `hold` them for all without any."""
        if y is not None and not self.classes:
            raise ValueError(f"{self!r} takes no labels y: begin it with a Condition(classes), say")
        for layer in self.conditional:
            layer.give(y, hold)

    def stack(self, a, b):
        """The samples a and b as one batch, in an owned array: how D sees real and generated ones."""
        both = self.scratch("stacked", (len(a) + len(b), *a.shape[1:]), self.dtype)
        both[: len(a)], both[len(a) :] = a, b
        return both

    def forget(self):
        """Forget the last forward, so that backward without a new one is an error. Optimizers call this."""
        self.outputs = []
        for layer in self.layers:
            if isinstance(layer, Network):
                layer.forget()

    def check(self, x):
        """Raises ValueError for an x of another shape than (N, *shape), TypeError for another type or dtype."""
        self._check_type("x", x)
        if x.ndim < 2 or not x.size or not fits(x.shape[1:], self.shape):
            expected = _listed(self.shape, "width")
            raise ValueError(f"x has shape {x.shape}, but this network takes (N, {expected}) with N at least 1")
        if None in (self.shape or ()):  # raises where a layer does not take the size of these samples
            list(self._shapes(x.shape[1:]))
        if (n := len(x)) % (m := self.rows):
            raise ValueError(f"a batch of {n} cannot be judged {m} at a time: take a multiple of {m}")

    def __call__(self, x, y=None):
        """The output for any array-like x, as a new array: for people, as `forward` is for training.

        Many rows are computed CHUNK at a time, which bounds the memory. No backward can follow.
        """
        x = checks.array("x", x, self.dtype)
        self.check(x)
        y = y if y is None else checks.array("labels y, one for each sample,", y, shape=(len(x),))
        chunk = len(x) if y is None and self.classes else CHUNK * self.rows  # labels that are held are those of all
        parts = [slice(i, i + chunk) for i in range(0, len(x), chunk)]
        out = xp.concatenate([self.forward(x[i], y=None if y is None else y[i]).copy() for i in parts])
        self.forget()
        return out

    def output_shape(self, shape):
        """The shape of the last layer's output for samples x of this shape."""
        super().output_shape(shape)
        return list(self._shapes(shape or self.shape))[-1]

    def multiplications(self, x, y):
        """The multiplications of all layers."""
        ys = list(self._shapes(x))
        return sum(layer.multiplications(x, y) for layer, x, y in zip(self.layers, [x, *ys[:-1]], ys, strict=True))

    def leaves(self):
        """The layers that are not networks themselves, in order."""
        return self._places().values()

    def _places(self):
        """{"0": layer, "1.0": layer, ...}: the leaves by their place."""
        inner = [layer._places() if isinstance(layer, Network) else {"": layer} for layer in self.layers]
        return {f"{i}.{place}".rstrip("."): leaf for i, found in enumerate(inner) for place, leaf in found.items()}

    def parameters(self):
        """(name, parameter, gradient) for each one, as views: ("0.W", W, dW), ("0.b", b, db), ("2.W", ...)."""
        for place, leaf in self._places().items():
            yield from ((f"{place}.{name}", getattr(leaf, name), getattr(leaf, f"d{name}")) for name in leaf.params)

    def states(self):
        """{"1.mean": array, "3.draws": 17, ...}: what forward(training=True) changes, apart from theta."""
        return {f"{place}.{name}": getattr(leaf, name) for place, leaf in self._places().items() for name in leaf.state}

    def set_states(self, states):
        """Put the values of such a dictionary in place of the present ones; arrays are written into.

        Raises ValueError for a name that is not one of them, and for an array of another shape.
        """
        leaves, here = self._places(), self.states()
        for name, value in states.items():
            value = checks.array(f"set_states: {name}", value)
            if name not in here or getattr(here[name], "shape", ()) != value.shape:
                raise ValueError(f"set_states: this network has no {name} of shape {value.shape}")
            if isinstance(here[name], int):
                place, _, name = name.rpartition(".")
                setattr(leaves[place], name, int(value))
            else:
                here[name][...] = value

    def astype(self, dtype):
        """A copy in another precision, with memory of its own; "float64" for gradient checks."""
        twin = copy.deepcopy(self)
        twin._make(twin._values(), _real(dtype, "complex128"))  # that is for the complex step of a gradient check
        return twin

    def __copy__(self):
        return copy.deepcopy(self)

    def __getstate__(self):
        """For copy and pickle: the layers keep the values, and theta is made of them again."""
        return {name: a for name, a in super().__getstate__().items() if name not in ("theta", "dtheta", "outputs")}

    def __setstate__(self, state):
        vars(self).update(state)
        self._make(self._values(), self.dtype)

    def summary(self):
        """A table of the layers: the shape of y, the parameters, and the multiplications that one sample takes."""
        shapes, mib = [self.shape, *self._shapes(self.shape)], self.theta.nbytes / 2**20
        names = *(f"{i:>3}  {layer!r}" for i, layer in enumerate(self.layers)), f"theta: {self.dtype}, {mib:.1f} MiB"
        sizes = zip((*self.layers, self), (*shapes[:-1], self.shape), (*shapes[1:], shapes[-1]), strict=True)
        rows = [("     layer", "y", "parameters", "multiplications")]
        for name, (layer, x, y) in zip(names, sizes, strict=True):
            counts = sum(getattr(layer, known).size for known in layer.params), layer.multiplications(x, y)
            rows.append((name, f"(N, {_listed(y, 'any')})", *(f"{n:,}".replace("nan", "any") for n in counts)))
        a, b, c, d = (max(map(len, column)) for column in zip(*rows, strict=True))
        return "\n".join(f"{name:<{a}}  {y:<{b}}  {m:>{c}}  {n:>{d}}" for name, y, m, n in rows)

    def __repr__(self):
        return f"Network({', '.join(map(repr, self.layers))})"

    def _shapes(self, shape):
        """The shape of a sample after each layer, from that before the first."""
        for i, layer in enumerate(self.layers):
            try:
                shape = layer.output_shape(shape)
            except ValueError as error:
                raise ValueError(f"layer {i}, {layer!r}, {error}") from None
            yield shape

    def _values(self):
        return [{name: getattr(leaf, name) for name in (*leaf.params, *leaf.state)} for leaf in self.leaves()]

    def _make(self, values, dtype):
        """Make theta from one {name: value} for each leaf, and give the layers their views into theta and dtheta."""
        size = 0
        for leaf, given in zip(self.leaves(), values, strict=True):
            if tuple(given) != (expected := (*leaf.params, *leaf.state)):
                raise ValueError(f"{leaf!r}: initialize gives {tuple(given)}, but params and state say {expected}")
            for name, a in given.items():
                counts = name in leaf.state and isinstance(a, int)
                vars(leaf)[name] = a if counts else xp.array(a, dtype=dtype)
            size += sum(vars(leaf)[name].size for name in leaf.params)
        self._bind(xp.empty(size, dtype=dtype), xp.zeros(size, dtype=dtype))

    def _bind(self, theta, dtheta):
        """Move the parameters into this stretch of memory; a network within gets its part of it."""
        vars(self).update(theta=theta, dtheta=dtheta, dtype=theta.dtype, outputs=[], views=("theta", "dtheta"))
        self.params, start = ("theta",) if theta.size else (), 0
        for layer in self.layers:
            layer.packed = True
            if isinstance(layer, Network):
                stop = start + layer.theta.size
                layer._bind(theta[start:stop], dtheta[start:stop])
                start = stop
                continue
            for name in layer.params:
                a = vars(layer)[name]
                here = slice(start, start := start + a.size)
                theta[here] = a.ravel()
                vars(layer)[name], vars(layer)[f"d{name}"] = (v[here].reshape(a.shape) for v in (theta, dtheta))
            vars(layer)["views"] = (*layer.params, *(f"d{name}" for name in layer.params))

    def _check_type(self, name, a):
        if not isinstance(a, xp.ndarray):
            kind = type(a).__name__
            raise TypeError(f"{name} is a {kind}, but this network takes an array: use xp.asarray, or network(x)")
        if a.dtype != self.dtype:
            raise TypeError(f"{name} is {a.dtype}, but this network computes in {self.dtype}: convert it with {name}."
                            f'astype("{self.dtype}"), or take a copy in another precision, network.astype')  # fmt: skip


def _look_at(layers):
    """Raises TypeError for anything that is not a layer, ValueError for one that is in use, or for none at all."""
    if not layers:
        raise ValueError("a Network needs at least one layer")
    for i, layer in enumerate(layers):
        if not isinstance(layer, Layer):
            name = f"the class {layer.__name__}" if isinstance(layer, type) else f"a {type(layer).__name__}"
            raise TypeError(f"layer {i} is {name}, not a layer: write Network(Dense(2, 1), Tanh())")
        if layer.packed or any(layer is other for other in layers[:i]):
            where = "already belongs to a Network" if layer.packed else "is already in the chain"
            raise ValueError(f"layer {i}, {layer!r}, {where}: it remembers one forward pass, and its parameters are "
                             "parts of one theta, so make a new layer for each place, or copy.deepcopy it")  # fmt: skip
        if layer.give and layer.classes and any(before.rows > 1 for before in layers[:i]):
            raise ValueError(f"layer {i}, {layer!r}, is behind a Pack, whose rows are several samples: put it before")


def _initial(layer, shape, rng):
    """One {name: initial value} for each leaf; a network, or a copy of a layer that was in one, keeps what it has."""
    if isinstance(layer, Network):
        return layer._values()
    if layer.filled:
        return [{name: getattr(layer, name) for name in (*layer.params, *layer.state)}]
    layer.x_shape = shape
    return [layer.initialize(rng)]


def _real(dtype, *others):
    name = getattr(dtype, "__name__", str(dtype))  # "float32", xp.float32 or xp.dtype("float32")
    if name not in ("float32", "float64", *others):
        raise ValueError(f"dtype {name!r}: a network computes in float32 or float64")
    return name


def _width(shape):
    """A width for a row of numbers, a shape for anything else."""
    return shape[0] if shape is not None and len(shape) == 1 else shape


def _listed(shape, unknown):
    """The sizes of a sample's shape, for messages: "28, 28"."""
    return ", ".join(str("any" if size is None else size) for size in shape or (unknown,))
