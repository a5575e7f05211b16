"""What kind of mistake is it? The evidence behind the sentence under a failing row of `gradcheck`.

An `Observation` runs a network's forward and backward several times and notes what a correct layer never does: change
its input, answer differently to the same call, add to a gradient instead of overwriting it. `judge` then takes one
tensor whose analytic slopes differ from the measured ones, and tries out what would turn one into the other.
"""

import ast
import copy
import inspect
import re
import textwrap
from types import MappingProxyType

import numpy

from minigan.backend import host_generator, to_numpy, xp

FIT = 1e-5  # a hypothesis fits where it brings the error below this, or below tol
ENOUGH = 0.9  # ... on this share of the entries: a few may sit on a kink
DROPS_IMAGINARY = "abs", "absolute", "fabs", "clip", "std", "var", "real", "float", "sign", "norm", "astype", "hypot"
ATOMS = int, float, str, bytes, bool, tuple, type, type(None), type(lambda: 0)


class State:
    """Everything but the arrays that the layers hold, put back before a call so that a call is a pure function.

    A layer that draws from a generator of its own then draws the same numbers again.
    """

    def __init__(self, *networks):
        self.saved = []
        for layer in (layer for network in networks for layer in network.layers):
            held = {name: a for name, a in vars(layer).items() if not hasattr(a, "dtype") and name != "_scratch"}
            atoms = {name: a for name, a in held.items() if isinstance(a, ATOMS)}
            others = {name: copy.deepcopy(a) for name, a in held.items() if name not in atoms}
            self.saved.append((layer, atoms, others))

    def restore(self):
        """Put everything back."""
        for layer, atoms, others in self.saved:
            vars(layer).update(atoms)
            if others:
                vars(layer).update(copy.deepcopy(others))


class Evidence:
    """What was seen of a subject beyond its numbers: `faults`, a sentence by tensor, and `fault`, one for them all."""

    fault = unsafe = ""  # unsafe: why its forward cannot take complex numbers
    faults = MappingProxyType({})
    misfit = "the derivative does not fit the loss"  # what to say where no hypothesis fits
    zero = ""  # what to say of a gradient that is zero where the slope is not
    fill = 0.0  # what dtheta held before the gradient was written
    alternatives = MappingProxyType({})  # by tensor: (sentence, terms) of other functions whose gradient it may be

    def transposed(self):
        """(name, dx) for each parameter that backward may have transposed."""
        return ()

    def element_wise(self, tensor, eps):
        """dy, where the tensor is the x of one layer and each y_ij depends on x_ij alone; else None."""
        return None

    def near(self, tensor, u, eps, tol):
        """Whether the derivative is right along u at a point nearby."""
        return False


class Observation(Evidence):
    """How a network in float64 behaves; `analytic` holds its gradients by name."""

    misfit = "backward does not fit forward"

    def __init__(self, network, x, rng, training):
        self.network, self.x, self.training, self.state = network, x, training, State(network)
        self.parameters = [(name, a) for name, a, _ in network.parameters()]
        self.gradients = {name: d for name, _, d in network.parameters()}
        self.fault, self.faults = self._trace(rng), {}
        self.terms = lambda: to_numpy(self.dy * self._forward())
        (y, first), (again, second), (_, third) = self._run("both", fill=0), self._run("both"), self._run("both")
        self.analytic = first
        if not _same(y, again):
            self.fault = (
                "two identical calls of forward gave different y: unseeded randomness; draw from a generator that the "
                "layer holds"
            )
        for name, claimed in first.items():
            grown = claimed is not None and not self.fault and _repetition(name, claimed, second[name], third[name])
            self.faults[name] = self._rebound(name) or grown or ""
        for name, d in self.gradients.items():
            if not first[name].any() and not self.faults[name]:
                self._run("both", fill=1)
                self.faults[name] = _NEVER.format(grad=_grad(name), param=name.split(".")[1]) if (d == 1).all() else ""
            if _lost_precision(self.dy, d):
                self.faults[name] = f"{_grad(name)} holds numbers of float32 precision in a check in float64"
        if not self.fault:
            self._wrt()

    def near(self, tensor, u, eps, tol):
        """Whether several layers sit on their kinks at once, where the chain rule need not give any one-sided slope.

        With slopes 1 and 0.2 on either side, two LeakyReLUs in a row at 0, and a negative weight between them, rise by
        0.2 either way, while backward gives 0.04. Evidence: each layer is right on its own, and so is the derivative
        along u at a point nearby.
        """
        if len(self.network.layers) == 1 or not all(report.ok for report in self.alone()):
            return False
        self.state.restore()
        rng, there = host_generator(7), self.network.astype("float64")
        there.theta[...] += xp.asarray(1e-3 * rng.standard_normal(there.theta.shape))
        x, state = self.x + xp.asarray(1e-3 * rng.standard_normal(self.x.shape)), State(there)

        def terms():
            state.restore()
            return to_numpy(self.dy * there.forward(x, self.training))

        terms()
        dx = there.backward(self.dy.copy())
        arrays = {name: (a, d) for name, a, d in there.parameters()} | {"x": (x, dx)}
        a, d = arrays[tensor.name]
        claimed = (to_numpy(d) * u).sum()
        slope, noise = type(tensor)(tensor.name, terms, a, None, len(x)).slope(u, eps)
        return abs(claimed - slope) <= 10 * tol * max(abs(claimed), abs(slope)) + noise

    def element_wise(self, tensor, eps):
        """dy, where the tensor is the x of one layer and each y_ij depends on x_ij alone; else None."""
        if len(self.network.layers) > 1 or tensor.name != "x" or self.dy.shape != tensor.a.shape:
            return None
        moved = (tensor.change(u, eps)[0][u == 0] for index, u in tensor.points if isinstance(index, tuple))
        return None if any(others.any() for others in moved) else to_numpy(self.dy)

    def transposed(self):
        """(name, dx) for each square parameter: what dx would be if backward took that parameter's transpose."""
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
        """One forward and backward, layer by layer, each call watched. Sets dy and the layers' inputs."""
        layers, faults = self.network.layers, []
        x = self.x * (1 + 1e-9 * xp.asarray(rng.standard_normal(self.x.shape)))  # no float32 value any more
        self.state.restore()
        inputs, outputs = [], []
        for i, layer in enumerate(layers):
            who, before = f"layer {i}, {layer!r}: ", x.copy()
            inputs.append(before)
            y = _call(who, layer, "forward", x, self.training)
            faults += [who + fault for fault in _watch("forward", "input x", x, before, y)]
            outputs.append((who, y, y.copy()))
            x = y
        self.inputs = inputs
        dy = self.dy = xp.asarray(rng.standard_normal(x.shape))
        for i, layer in reversed(list(enumerate(layers))):
            who, before = f"layer {i}, {layer!r}: ", dy.copy()
            dx = _call(who, layer, "backward", dy, "both")
            if dx is None or dx.shape != inputs[i].shape:
                got = "None" if dx is None else f"an array of shape {dx.shape}"
                faults.append(f"{who}backward returned {got}, where x has shape {inputs[i].shape}")
                break
            faults += [who + fault for fault in _watch("backward", "input dy", dy, before, dx)]
            if before.any() and not dx.any():
                faults.append(f"{who}{_ZERO_DX}")
            dy = dx
        changed = [who for who, y, before in outputs if not _same(y, before)]
        faults += [
            f"{who}backward changed y, which the next layer still reads: write into dx instead" for who in changed
        ]
        zero = [fault for fault in faults if fault.endswith(_ZERO_DX)]
        self.zero = zero[0] if zero else ""  # no fault by itself: every unit may be dead
        return next((fault for fault in faults if fault not in zero), "")

    def _rebound(self, name):
        if name == "x":
            return ""
        i, param = name.split(".")
        if getattr(self.network.layers[int(i)], "d" + param) is self.gradients[name]:
            return ""
        return (
            f"backward binds self.d{param} to a new array, so the network's dtheta never sees it: write into the one "
            f"that is there, self.d{param}[...] = ... or out=self.d{param}"
        )

    def _wrt(self):
        """Whether wrt="params" and wrt="input" give the values of "both", and leave the other side alone."""
        _, only = self._run("params", fill=0)
        for name in self.gradients:
            if not _same(only[name], self.analytic[name]) and not self.faults[name]:
                self.faults[name] = f'wrt="params" gives another {_grad(name)} than wrt="both"'
        _, only = self._run("input", fill=1)
        for name in self.gradients:
            if not self.faults[name] and not (only[name] == 1).all():
                self.faults[name] = (
                    f'wrt="input" touched {_grad(name)}, which belongs to another player\'s loss: '
                    'write parameters\' gradients only under `if wrt != "input"`'
                )
        if only["x"] is None or not _same(only["x"], self.analytic["x"]):
            self.faults["x"] = self.faults["x"] or 'wrt="input" gives another dx than wrt="both"'


class LossObservation(Evidence):
    """How a function loss(a, b, ...) -> (L, dL/da, ...) behaves; `derivatives` are those that it gave."""

    def __init__(self, loss, inputs):
        before = [a.copy() for a in inputs]
        value, *derivatives = loss(*inputs)
        self.derivatives = [to_numpy(d).copy() for d in derivatives]
        self.terms = lambda: to_numpy(loss(*inputs)[0]).reshape(1).copy()
        self.faults = {}
        for name, a, b in zip(inspect.signature(loss).parameters, inputs, before, strict=False):
            if not _same(a, b):
                self.fault = f"the loss changed its input {name} in place"
        again = loss(*inputs)
        if not all(_same(a, b) for a, b in zip((value, *derivatives), again, strict=True)):
            self.fault = self.fault or "two identical calls gave different results: unseeded randomness"
        if any(a.dtype != "float64" or _single(a) for a in (value, *derivatives)):
            self.fault = self.fault or "the loss computed in float32 in a check in float64"
        if not all(_finite(a) for a in (value, *derivatives)):
            self.fault = self.fault or "the loss gave numbers that are not finite"


def judge(tensor, error, eps, tol, seen):
    """(verdict, sentence) of one tensor: "ok", "kink" or "FAIL"."""
    wrong = [int(i) for i in numpy.argsort(-numpy.nan_to_num(error, nan=numpy.inf)) if not error[i] <= tol]
    fault = seen.faults.get(tensor.name)
    if fault or (seen.fault and (wrong or tensor.name == "x")):
        return "FAIL", fault or seen.fault
    if not wrong:
        return "ok", ""
    if seen.unsafe:
        return "FAIL", seen.unsafe
    kinks = []
    for i in wrong:
        kink = _kink(tensor, i, eps, tol, seen)
        if not kink:
            return "FAIL", explain(tensor, i, wrong, eps, tol, seen)
        kinks.append(kink)
    more = f" (and {len(kinks) - 1} more entries like it)" if len(kinks) > 1 else ""
    return "kink", kinks[0] + more


def explain(tensor, worst, wrong, eps, tol, seen):
    """The sentence for the first hypothesis that fits."""
    if not numpy.isfinite(tensor.claimed).all() or not numpy.isfinite(tensor.numeric).all():
        side = "analytic" if numpy.isfinite(tensor.numeric).all() else "numeric"
        return f"the {side} side is not finite: look for a division by zero, a logarithm of 0 or an overflow"
    if not tensor.claimed.any():
        return seen.zero or (
            "all zero, but the slope is not: the gradient never arrives; was what forward remembered cleared or "
            "overwritten before backward, or a layer skipped?"
        )
    by_eps = _by_eps(tensor, worst, eps)
    if by_eps:
        return by_eps
    dy = seen.element_wise(tensor, eps)
    for sentence, claimed in _hypotheses(tensor, eps, dy, seen):
        fits = tensor.error(claimed) <= max(tol, FIT)
        if min(fits.mean(), fits[wrong].mean()) >= ENOUGH:
            return sentence
    there = "" if dy is None else _slope_at(tensor, wrong, dy)
    return f"{_where(tensor, wrong, dy)}{there}{seen.misfit} ({_measurement(tensor, worst, eps)})"


def _hypotheses(tensor, eps, dy, seen):
    """(sentence, the numeric slopes' counterpart if it is true): the claim, with the supposed mistake undone."""
    claimed, numeric, n = tensor.claimed, tensor.numeric, tensor.batch
    for sentence, terms in seen.alternatives.get(tensor.name, ()):
        other = type(tensor)(tensor.name, terms, tensor.a, None, n)
        slopes = numpy.array([other.slope(u, eps)[0] for _, u in tensor.points])
        yield sentence, numeric + (claimed - slopes)
    if seen.fill:
        added = tensor.project(numpy.full(tensor.a.shape, seen.fill))
        yield "added to what dtheta held before the step, where backward must overwrite it", claimed - added
    yield "the sign is wrong: every entry is -1 times the numeric one", -claimed
    width = tensor.terms().size // n or 1
    for c, reason in (
        (2, "something is counted twice, or the 1/2 of a square is missing"),
        (0.5, "a factor 2 is missing, as from the derivative of a square, or half of the terms"),
        (n, f"{n} is the batch size N: the 1/N of a mean is missing"),
        (1 / n, f"1/{n} is 1/N, N the batch size: the mean was taken, but dy already carries the loss's 1/N: sum"),
        (width, f"{width} is the width of the output: a sum where forward takes a mean over it"),
        (1 / width, f"1/{width} is one over the width of the output: a mean where backward must sum"),
        (n * width, f"{n * width} is the number of elements of the output: a sum where forward takes a mean"),
        (1 / (n * width), f"1/{n * width} is one over the number of elements of the output: a mean instead of a sum"),
    ):
        yield f"a constant factor: every entry is {c:g} times the numeric one; {reason}", claimed / c
        yield f"a constant factor: every entry is {-c:g} times the numeric one: the sign, and {reason}", -claimed / c
    a = tensor.analytic
    if a.ndim == 2 and a.shape[0] == a.shape[1]:
        yield "equal after a transpose: swap the two factors of the product, or add the missing .T", tensor.project(a.T)
        yield "equal to minus the transpose: the sign, and a missing .T", tensor.project(-a.T)
    if tensor.name == "x":
        for name, dx in seen.transposed():
            yield f"equal with {name} transposed: a .T is missing, or one too many, in dx", tensor.project(dx)
        if dy is not None:
            yield from _slopes(tensor, dy)
    else:
        yield from _sums(tensor, eps)
    if claimed.size > 2:
        c = float(claimed @ numeric / max(numeric @ numeric, 1e-300))
        yield f"a constant factor: every entry is {c:.6g} times the numeric one", claimed / (c or 1)


def _slopes(tensor, dy):
    """Hypotheses about the slope f' of an element-wise y = f(x), where dx = dy f'."""
    dx = tensor.analytic
    yield _NO_DY, tensor.project(dx * dy)
    yield _NO_SLOPE, tensor.numeric + tensor.claimed - tensor.project(dy)
    yield _COMPLEMENT, tensor.project(dy - dx)
    yield _INVERTED, tensor.project(dy * dy / dx)
    yield _SQUARED, tensor.project(dy * (dx / dy) ** 0.5)


def _slope_at(tensor, wrong, dy):
    """The slope that an element-wise backward uses beside the one that forward has, at the worst entry."""
    i = next((i for i in wrong if isinstance(tensor.points[i][0], tuple)), None)
    if i is None:
        return ""
    index = tensor.points[i][0]
    x, y = (float(to_numpy(a)[index]) for a in (tensor.a, tensor.terms() / dy))
    used, slope = tensor.claimed[i] / dy[index], tensor.numeric[i] / dy[index]
    digits = next((d for d in (3, 6) if f"{used:.{d}g}" != f"{slope:.{d}g}"), 12)
    return (
        f"at x = {x:.3g}, where y = {y:.3g}, your backward multiplies dy by {used:.{digits}g}, but the slope of "
        f"forward there is {slope:.{digits}g}: "
    )


def _sums(tensor, eps):
    """Hypotheses about the sum over the batch, from what each sample contributes to each entry."""
    changes = numpy.array([tensor.change(u, eps)[0] for _, u in tensor.points]) / (2 * eps)
    if changes.ndim < 2 or changes.shape[1] != tensor.batch:
        return
    parts = changes.reshape(*changes.shape[:2], -1).sum(2)  # (entries, samples)
    claimed, numeric = tensor.claimed, tensor.numeric
    for s in range(tensor.batch):
        yield (
            f"not summed over the batch: this is the contribution of sample {s} alone",
            numeric + claimed - parts[:, s],
        )
        yield f"sample {s} is missing from the sum over the batch", claimed + parts[:, s]
    if claimed.size > 1:
        yield "summed over every axis, where only the batch's belongs", numeric + claimed - numeric.sum()
    if tensor.a.shape == (tensor.batch,):
        yield (
            "summed over the wrong axis: the width, where the sum runs over the batch, axis=0",
            numeric + claimed - parts.sum(0),
        )


def _kink(tensor, i, eps, tol, seen):
    """The sentence of an entry whose left and right slopes differ for good, or ""; evidence from smaller eps."""
    (index, u), claimed = tensor.points[i], tensor.claimed[i]
    wrong = abs(claimed - tensor.numeric[i])
    if not numpy.isfinite(wrong):
        return ""
    errors, jumps = [], []
    for step in (eps / 10, eps / 100):
        left, right, noise = tensor.sides(u, step)
        slack = noise + 10 * tol * max(abs(left), abs(right), tensor.floor[i])
        errors.append(abs(claimed - (left + right) / 2))
        jumps.append(abs(right - left))
        if min(abs(claimed - left), abs(claimed - right)) <= slack < jumps[-1] / 4:  # curvature misses both sides alike
            return _SUBGRADIENT.format(index=index, left=left, right=right)
    if errors[1] <= slack and not wrong / 300 <= errors[0] <= wrong / 30:  # curvature leaves a hundredth
        return f"a kink within eps of {index}: closer to the point the slopes agree with the analytic value"
    between = min(left, right) - slack <= claimed <= max(left, right) + slack
    if between and jumps[1] > max(4 * slack, jumps[0] / 2):  # a jump that does not shrink is no curvature
        return _SUBGRADIENT.format(index=index, left=left, right=right)
    if seen.near(tensor, u, eps, tol):
        return (
            f"several units sit exactly on their kinks at {index}: each layer is right on its own, and so is the "
            "derivative a little beside this point"
        )
    return ""


def _by_eps(tensor, worst, eps):
    """The sentence for an error that shrinks with eps, as a difference quotient's own does, or ""."""
    (_, u), claimed = tensor.points[worst], tensor.claimed[worst]
    errors = [abs(claimed - tensor.slope(u, step)[0]) for step in (eps, eps / 100)]
    if errors[1] < errors[0] / 100:
        return (
            f"the error shrinks from {errors[0]:.1e} to {errors[1]:.1e} with eps from {eps:g} to {eps / 100:g}: the "
            f"numeric side is at fault (strong curvature), not the derivative; repeat with eps={eps / 100:g}"
        )
    return ""


def _measurement(tensor, i, eps):
    """What can be said for the numeric side at an entry, in brackets."""
    if tensor.complex is not None:
        return "the complex step has no error of its own, so the measurement is right"
    claimed, numeric = tensor.claimed[i], tensor.numeric[i]
    slope, noise = tensor.slope(tensor.points[i][1], eps / 100)
    if abs(slope - numeric) <= abs(claimed - numeric) / 10 + noise:
        return "a smaller step eps measures the same slope, so the measurement is right"
    return f"but eps={eps:g} measures {numeric:.8g}, and eps={eps / 100:g} {slope:.8g}: repeat with the smaller one"


def _where(tensor, wrong, dy):
    """Which entries are wrong, if not all."""
    points = [tensor.points[i][0] for i in wrong]
    if len(wrong) == len(tensor.points) or any(isinstance(p, str) for p in points):
        return ""
    if dy is not None:
        x = to_numpy(tensor.a)
        for sign, places in ("< 0", x < 0), ("> 0", x > 0):
            if {tuple(map(int, p)) for p in numpy.argwhere(places)} == set(points):
                return f"only where x {sign} is it wrong; "
    for axis, size in enumerate(tensor.a.shape):
        places = {p[axis] for p in points}
        if len(places) == 1 and size > 1 and len(points) > 1:
            kind = ("sample" if tensor.name == "x" else "row") if axis == 0 else "column"
            return f"only {kind} {places.pop()} is wrong; "
    return f"{len(wrong)} of {len(tensor.points)} entries are wrong; "


def blame(alone):
    """Which layers fail on their own, as a sentence or ""; `alone` holds (which layer, its own report)."""
    guilty = [(who, report) for who, report in alone if not report.ok]
    if not guilty:
        return ""
    last, report = guilty[-1]
    row = next(row for row in report.rows if row.verdict == "FAIL")
    because = f"\n    -> {_grad(row.name)} of {last}: {row.hint}"
    if len(guilty) == 1:
        return f"on its own, {last}, fails and the other layers pass: look there first{because}"
    names = " and ".join(f"{who}," for who, _ in guilty)
    return f"on their own, {names} fail: look at the last of them first{because}"


def complex_unsafe(network, twin, x, training):
    """Which layer's forward does not carry an imaginary part through, as a sentence, or "".

    Raises TypeError, naming the layer, for one that does not take complex numbers at all.
    """
    rng, state = host_generator(11), State(network, twin)
    for i, (layer, complex_layer) in enumerate(zip(network.layers, twin.layers, strict=True)):
        u = xp.asarray(rng.standard_normal(x.shape))
        who = f"layer {i}, {layer!r}, is not complex-safe"
        try:
            state.restore()
            y = complex_layer.forward(x.real + 1e-20j * u, training)
        except TypeError as error:
            raise TypeError(f'{who}: {error}; use method="central"') from error
        step = 1e-6
        plus = layer.forward(x.real + step * u, training).copy()
        state.restore()
        minus = layer.forward(x.real - step * u, training).copy()
        slope = (plus - minus) / (2 * step)
        if y.dtype.kind != "c" or float(abs(y.imag / 1e-20 - slope).max()) > 1e-3 * float(abs(slope).max()):
            return f'{who}: its forward drops the imaginary part{_suspects(layer)}; use method="central"'
        x = y
    return ""


def _suspects(layer):
    """The calls in a forward that are known to drop the imaginary part."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(type(layer).forward)))
    except (OSError, TypeError):
        return ""
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    names = [getattr(f, "attr", getattr(f, "id", "")) for f in calls]
    found = sorted({name for name in names if name in DROPS_IMAGINARY})
    return f" (it calls {', '.join(found)})" if found else ""


_SUBGRADIENT = (
    "a kink at {index}: the slope is {left:.4g} on the left and {right:.4g} on the right, and the analytic value lies "
    "between: a subgradient"
)
_NEVER = 'backward never writes {grad}: dL/d{param} has to be put there unless wrt="input"'
_NO_DY = (
    "the incoming dy is missing: by the chain rule dx is dy times the slope of forward, and this is the slope alone"
)
_NO_SLOPE = "dy is handed on unchanged: by the chain rule dx is dy times the slope of forward"
_COMPLEMENT = (
    "your backward uses 1 - s where s is the slope of forward: is a sign flipped, as in e^x for e^-x, or the wrong one "
    "of s and 1 - s taken?"
)
_INVERTED = "the slope of forward is inverted: dx is dy times that slope, and here dy is divided by it"
_SQUARED = "the slope of forward is squared: dx is dy times that slope, once"
_ZERO_DX = (
    "its dx is zero everywhere although dy is not: the gradient never arrives at what comes before; was what forward "
    "remembered cleared or overwritten before backward, or a layer skipped?"
)


def _grad(name):
    return "dx" if name == "x" else "d" + name.split(".")[-1]


def _call(who, layer, method, a, argument):
    """layer.method(a, argument), with a note on whatever it raises."""
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
            f"grows on a second, identical call ({times:.3g} times the first): {_grad(name)} is added to what was "
            "there, where backward must overwrite it"
        )
    return f"two identical calls of backward gave different {_grad(name)}: unseeded randomness"
