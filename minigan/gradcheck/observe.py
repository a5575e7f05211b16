"""Beside the numbers: what do forward and backward do that no right layer does?

An Observation runs a network several times and notes, in sentences, where a call changes its input, answers differently
to the same call, gives another shape than it says, adds to a gradient instead of overwriting it, or ignores `wrt`.
"""

import functools
import inspect
import re
from types import MappingProxyType

import numpy

from minigan.backend import to_numpy, xp
from minigan.gradcheck.state import State
from minigan.layers.layer import in_words
from minigan.layers.recurrent import Recurrent

_MISSING = "what step t + 1 hands back through {} is missing: add it to dL/ds_t"


class Evidence:
    """What was seen of a subject beyond its numbers."""

    fault = ""  # a sentence about the whole of it
    faults = MappingProxyType({})  # sentences by array: why its derivative is wrong
    manners = MappingProxyType({})  # sentences by array: what is wrong although its derivative is right
    unsafe = ""  # why its forward cannot take complex numbers
    misfit = "the derivative does not fit the loss"  # what to say where no hypothesis fits
    zero = ""  # what to say of a gradient that is zero where the derivative is not
    fill = 0.0  # what dtheta held before the gradient was written
    alternatives = MappingProxyType({})  # by array: (sentence, terms) of other functions whose gradient it may be

    def alone(self):
        """The reports of the layers of a network, each checked on its own."""
        return []

    def beside(self):
        """The rows of a check at a point nearby, by name: no kink is likely to be there, too."""
        return {}

    def transposed(self):
        """(name, dx) for each parameter that backward may have transposed."""
        return ()

    def element_wise(self, name):
        """(x, y, dy) on the host, where the array `name` is the x of one layer and each y_ij depends on x_ij alone."""
        return None


class Observation(Evidence):
    """How a network in float64 behaves at x; `analytic` holds its gradients by name."""

    misfit = "backward does not fit forward"

    def __init__(self, network, x, rng, training):
        self.network, self.x, self.training = network, x, training
        settle = training and (lambda: network.forward(x.copy(), True))
        self.state = State.settled(settle, network) if training else State(network)
        self.parameters = [(name, a) for name, a, _ in network.parameters()]
        self.gradients = {name: d for name, _, d in network.parameters()}
        self.fault, self.faults, self.manners = self._trace(rng), {}, {}
        (y, first), (again, second), (_, third) = self._run("both", fill=0), self._run("both"), self._run("both")
        self.analytic = first
        if not _same(y, again):
            self.fault = self.fault or (
                "two identical calls of forward gave different y: unseeded randomness; draw from a generator that the "
                "layer holds"
            )
        for name, claimed in first.items():
            if claimed is not None and not self.fault:
                self.faults[name] = _repetition(name, claimed, second[name], third[name])
        for name, d in self.gradients.items():
            if not first[name].any() and not self.faults.get(name):
                self._run("both", fill=1)
                param = name.rpartition(".")[2]
                if (d == 1).all():
                    self.faults[name] = f"backward never writes d{param}: dL/d{param} has to be put there unless " + (
                        'wrt="input"'
                    )
            if _lost_precision(self.dy, d):
                self.faults[name] = f"{grad(name)} holds numbers of float32 precision in a check in float64"
        if not self.fault:
            self._wrt()

    def terms(self):
        """The numbers whose sum is L."""
        return to_numpy(self.dy * self._forward())

    @functools.cached_property
    def alternatives(self):
        """Of a recurrent layer: L where parts of the state are held, so that no derivative passes through them."""
        layer, *more = self.network.layers
        if more or not isinstance(layer, Recurrent):
            return {}
        self._forward()
        held, H = layer.s.copy(), layer.width
        parts = {"the state": slice(None)} | ({"c": slice(H, None), "h": slice(H)} if layer.parts == 2 else {})
        ways = [(_MISSING.format(c), functools.partial(self._terms_where, held, part)) for c, part in parts.items()]
        return {name: ways for name in ("x", *self.gradients)}

    def _terms_where(self, held, part):
        """The terms of L where each step begins with this part of the state as it is in `held` (T + 1, N, ...)."""
        (layer,), state, y = self.network.layers, held[0].copy(), []
        for t in range(len(held) - 1):
            state[:, part] = held[t][:, part]
            y.append(layer.forward(self.x[:, t : t + 1], state=state).copy())
            state = layer.s[1].copy()
        return to_numpy(self.dy * xp.concatenate(y, axis=1))

    def element_wise(self, name):
        if name != "x" or len(self.network.layers) > 1 or self.dy.shape != self.x.shape:
            return None
        y, kept = to_numpy(self._forward()).copy(), self.x.copy()
        for index in numpy.ndindex(self.x.shape):
            self.x[index] += 1e-5
            others = y != to_numpy(self._forward())
            self.x[...] = kept
            others[index] = False
            if others.any():
                return None
        return to_numpy(self.x), y, to_numpy(self.dy)

    def transposed(self):
        for name, a in self.parameters:
            if a.ndim == 2 and a.shape[0] == a.shape[1]:
                self._forward()
                before = a.copy()
                a[...] = before.T
                dx = self.network.backward(self.dy.copy())
                a[...] = before
                yield name, to_numpy(dx).copy()

    def _forward(self):
        self.state.restore()
        return self.network.forward(self.x.copy(), self.training)

    def _run(self, wrt, fill=None):
        """(y, every gradient by name) of one forward and backward; `fill` is what dtheta holds before."""
        if fill is not None:
            self.network.dtheta[...] = fill
        y = to_numpy(self._forward()).copy()
        dx = self.network.backward(self.dy.copy(), wrt)
        gradients = {name: to_numpy(d).copy() for name, d in self.gradients.items()}
        return y, gradients | {"x": None if dx is None else to_numpy(dx).copy()}

    def _trace(self, rng):
        """The first fault in one forward and backward, layer by layer. Sets dy, `zero`, and the layers' inputs."""
        layers, theta, faults, zero = self.network.layers, self.network.theta.copy(), [], ""
        x = self.x * (1 + 1e-9 * xp.asarray(rng.standard_normal(self.x.shape)))
        self.network.theta[...] *= 1 + 1e-9 * xp.asarray(rng.standard_normal(theta.shape))
        self.state.restore()  # x and theta hold no value of float32 any more: what is one then, was computed so
        self.inputs, outputs = [], []
        for i, layer in enumerate(layers):
            who, before = f"layer {i}, {layer!r}: ", x.copy()
            self.inputs.append(before)
            y = _call(who, layer, "forward", x, self.training)
            faults += [who + fault for fault in (*_watch("forward", "input x", x, before, y), *_shape(layer, x, y))]
            outputs.append((who, y, y.copy()))
            x = y
        dy = self.dy = xp.asarray(rng.standard_normal(x.shape))
        for i, layer in reversed(list(enumerate(layers))):
            who, before = f"layer {i}, {layer!r}: ", dy.copy()
            dx = _call(who, layer, "backward", dy, "both")
            if dx is None or dx.shape != self.inputs[i].shape:
                got = "None" if dx is None else f"an array of shape {dx.shape}"
                faults.append(f"{who}backward returned {got}, where x has shape {self.inputs[i].shape}")
                break
            faults += [who + fault for fault in _watch("backward", "input dy", dy, before, dx)]
            if before.any() and not dx.any() and not zero:
                zero = f"{who}its dx is zero everywhere although dy is not: {_NEVER}"
            dy = dx
        for who, y, before in outputs:
            if not _same(y, before):
                faults.append(f"{who}backward changed y, which the next layer still reads: write into dx instead")
        self.network.theta[...] = theta
        self.zero = zero  # not a fault by itself: every unit may be dead
        return faults[0] if faults else ""

    def _wrt(self):
        """Whether wrt="params" and wrt="input" give the values of "both", and leave the other side alone."""
        _, only = self._run("params", fill=0)
        for name in self.gradients:
            if not _same(only[name], self.analytic[name]):
                self.manners[name] = f'wrt="params" gives another {grad(name)} than wrt="both"'
        _, only = self._run("input", fill=1)
        for name in self.gradients:
            if not (only[name] == 1).all():
                self.manners[name] = (
                    f'wrt="input" touched {grad(name)}, and must leave it as it was: '
                    'write parameters\' gradients only under `if wrt != "input"`'
                )
        if only["x"] is None or not _same(only["x"], self.analytic["x"]):
            self.manners["x"] = 'wrt="input" gives another dx than wrt="both"'


class LossObservation(Evidence):
    """How a function loss(a, b, ...) -> (L, dL/da, ...) behaves; `derivatives` are those that it gave."""

    def __init__(self, loss, inputs):
        before = [a.copy() for a in inputs]
        value, *derivatives = loss(*inputs)
        self.derivatives = [to_numpy(d).copy() for d in derivatives]
        self.terms = lambda: to_numpy(loss(*inputs)[0]).reshape(1).copy()
        names = inspect.signature(loss).parameters
        changed = [name for name, a, b in zip(names, inputs, before, strict=False) if not _same(a, b)]
        again = loss(*inputs)
        if changed:
            self.fault = f"the loss changed its input {changed[0]} in place"
        elif not all(_same(a, b) for a, b in zip((value, *derivatives), again, strict=True)):
            self.fault = "two identical calls gave different results: unseeded randomness"
        elif any(a.dtype != "float64" or _single(a) for a in (value, *derivatives)):
            self.fault = "the loss computed in float32 in a check in float64"
        elif not all(_finite(a) for a in (value, *derivatives)):
            self.fault = "the loss gave numbers that are not finite"


_NEVER = (
    "the gradient never arrives at what comes before; was what forward remembered cleared or overwritten before "
    "backward, or a layer skipped?"
)


def grad(name):
    """What a gradient is called: "dW" for "0.W"."""
    return "dx" if name == "x" else "d" + name.rpartition(".")[2]


def _call(who, layer, method, a, argument):
    """layer.method(a, argument), with a note on any exception that it raises."""
    try:
        return getattr(layer, method)(a, argument)
    except Exception as error:
        shapes = re.findall(r"\((\d+),(\d+)\)", str(error))
        mirrored = len(shapes) > 1 and shapes[0] == shapes[1][::-1]
        transposed = ": the two shapes are each other's transpose, a .T is missing or too much" if mirrored else ""
        error.add_note(f"{who}{method} raised it, for an array of shape {a.shape}{transposed}")
        if "positional argument" in str(error):
            error.add_note("layers are called as forward(x, training) and backward(dy, wrt)")
        raise


def _watch(method, what, a, before, result):
    """Sentences on what a call did to its argument `a`, and on what it returned."""
    if not _same(a, before):
        yield f"{method} changed its {what} in place, which belongs to its caller: write into self.scratch(...)"
    if result is None:
        return
    if result.dtype != "float64" or _lost_precision(before, result):
        yield f"{method} computed in {result.dtype if result.dtype != 'float64' else 'float32'} in a check in float64"
    if _finite(before) and not _finite(result):
        yield f"{method} is the first call whose result is not finite, for a finite argument"


def _shape(layer, x, y):
    """A sentence where y is not what the layer says that it makes of x."""
    said = layer.output_shape(x.shape[1:])
    if said is not None and (len(y) * layer.rows, y.shape[1:]) != (len(x), said):
        yield (
            f"forward made an array of shape {y.shape} of one of shape {x.shape}, but by its n_out (or output_shape) a "
            f"sample of y has {in_words(said)}"
        )


def _finite(a):
    return bool(xp.isfinite(a).all())


def _single(a):
    """Whether an array in float64 holds numbers of float32 precision only, and not just a few round ones."""
    single = a.astype("float32")
    return bool((single == a).all() and (single.astype("float16") != single).any())


def _lost_precision(a, result):
    """Whether float64 became float32 between a and result; what rounding leaves of a true zero looks alike."""
    return _single(result) and not _single(a) and bool(abs(result).max() > 1e-9 * abs(a).max())


def _same(a, b):
    """Whether two arrays differ by rounding at most, on the scale of their largest entry."""
    a, b = to_numpy(a), to_numpy(b)
    scale = numpy.nanmax(abs(b), initial=0)
    return a.shape == b.shape and bool(numpy.allclose(a, b, rtol=1e-9, atol=1e-12 * scale, equal_nan=True))


def _repetition(name, first, second, third):
    """The sentence for a gradient that is another one at the second or third identical call, or ""."""
    if _same(first, second) and _same(second, third):
        return ""
    if _same(second - first, third - second):
        times = float((first * second).sum() / max((first * first).sum(), 1e-300))
        return (
            f"grows on a second, identical call ({times:.3g} times the first): {grad(name)} is added to what was "
            "there, where backward must overwrite it"
        )
    return f"two identical calls of backward gave different {grad(name)}: unseeded randomness"
