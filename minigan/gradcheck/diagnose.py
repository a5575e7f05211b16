"""Stage three, diagnose: what kind of mistake is it? One sentence for a row that fails, from numbers and evidence."""

import ast
import inspect
import textwrap

import numpy

from minigan.backend import host_generator, xp
from minigan.gradcheck.compare import error
from minigan.gradcheck.hypotheses import hypotheses
from minigan.gradcheck.measure import derivative
from minigan.gradcheck.observe import grad
from minigan.gradcheck.state import State

FIT = 1e-5  # a hypothesis fits where it brings the error below this, or below tol
ENOUGH = 0.9  # ... on this share of the entries: a few may sit on a kink
DROPS_IMAGINARY = "abs", "absolute", "fabs", "clip", "std", "var", "real", "float", "sign", "norm", "astype", "hypot"


def diagnose(variable, found, wrong, eps, tol, seen):
    """The sentence for the first hypothesis that fits, where the Derivatives `found` at `wrong` are.

    `seen` is the Evidence: of an Observation, say.
    """
    claimed, numeric = (numpy.array([getattr(d, side) for d in found]) for side in ("analytic", "numeric"))
    if not numpy.isfinite(claimed).all() or not numpy.isfinite(numeric).all():
        side = "analytic" if numpy.isfinite(numeric).all() else "numeric"
        return f"the {side} side is not finite: look for a division by zero, a logarithm of 0 or an overflow"
    if not claimed.any():
        return seen.zero or (
            "all zero, but the slope is not: the gradient never arrives; was what forward remembered cleared or "
            "overwritten before backward, or a layer skipped?"
        )
    for sentence, corrected in hypotheses(variable, found, eps, seen):
        fits = numpy.array([error(c, d, found, tol) <= max(tol, FIT) for c, d in zip(corrected, found, strict=True)])
        if min(fits.mean(), fits[wrong].mean()) >= ENOUGH:
            return sentence
    element_wise = seen.element_wise(variable.name)
    there = _slope_at([found[i] for i in wrong], *element_wise) if element_wise else ""
    where = _where(variable, [found[i].index for i in wrong], len(found), element_wise)
    return f"{where}{there}{seen.misfit} ({_measurement(variable, found[wrong[0]], eps)})"


def blame(alone):
    """Which layers fail on their own, as a sentence or ""; `alone` holds (which layer, its own report)."""
    guilty = [(who, report) for who, report in alone if not report.ok]
    if not guilty:
        return ""
    last, report = guilty[-1]
    row = next(row for row in report.rows if row.verdict == "FAIL")
    because = f"\n    -> {grad(row.name)} of {last}: {row.hint}"
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


def _measurement(variable, d, eps):
    """What supports the numeric side of a Derivative, in brackets."""
    if variable.twin:
        return "the complex step has no error of its own, so the measurement is right"
    finer, noise = derivative(variable, d.u, eps / 100)
    if abs(finer - d.numeric) <= abs(d.analytic - d.numeric) / 10 + noise:
        return "a smaller step eps measures the same slope, so the measurement is right"
    return f"but eps={eps:g} measures {d.numeric:.8g}, and eps={eps / 100:g} {finer:.8g}: repeat with the smaller one"


def _slope_at(wrong, x, y, dy):
    """The slope that an element-wise backward uses beside the one that forward has, at the worst entry."""
    d = next((d for d in wrong if isinstance(d.index, tuple)), None)
    if d is None:
        return ""
    used, slope = d.analytic / dy[d.index], d.numeric / dy[d.index]
    digits = next((k for k in (3, 6) if f"{used:.{k}g}" != f"{slope:.{k}g}"), 12)
    return (
        f"at x = {x[d.index]:.3g}, where y = {y[d.index]:.3g}, your backward multiplies dy by {used:.{digits}g}, but "
        f"the slope of forward there is {slope:.{digits}g}: "
    )


def _where(variable, wrong, checked, element_wise):
    """Which entries are wrong, if not all."""
    if len(wrong) == checked or any(isinstance(index, str) for index in wrong):
        return ""
    if element_wise:
        x = element_wise[0]
        for sign, places in ("< 0", x < 0), ("> 0", x > 0):
            if {tuple(map(int, place)) for place in numpy.argwhere(places)} == set(wrong):
                return f"only where x {sign} is it wrong; "
    for axis, size in enumerate(variable.a.shape):
        places = {index[axis] for index in wrong}
        if len(places) == 1 and size > 1 and len(wrong) > 1:
            kind = ("sample" if variable.name == "x" else "row") if axis == 0 else "column"
            return f"only {kind} {places.pop()} is wrong; "
    return f"{len(wrong)} of {checked} entries are wrong; "


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
