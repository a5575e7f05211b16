"""Is a derivative right? Every backward pass is compared with the derivative of its own forward pass, taken outside.

A network is checked through one number, L = sum(dy * y), with a random dy: then dL/dy is dy, and backward(dy) must
return dL/dx and write dL/dtheta. Three stages, each works on the result of the one before:

    measure     moves one entry v of x or theta at a time, runs forward alone, and sees what L does
    compare     the measured derivative with that of backward: ok, a kink, or FAIL
    diagnose    tries out which kind of mistake would explain a failure

all in float64 and on a copy: what the caller passed is left as it was.
"""

import copy
import functools
import inspect

import numpy

from minigan.backend import host_generator, to_numpy, xp
from minigan.gradcheck.compare import GradcheckReport, compare, kink, scale
from minigan.gradcheck.diagnose import blame, complex_unsafe, diagnose
from minigan.gradcheck.measure import Variable, measure, points, sides
from minigan.gradcheck.observe import LossObservation, Observation
from minigan.gradcheck.second_look import extrapolated
from minigan.gradcheck.state import State
from minigan.layers import Layer
from minigan.network import Network

TOL = {"central": 1e-6, "complex": 1e-11}
SMALLEST, LARGEST = 1e-9, 1e-2  # steps eps, below which rounding and above which curvature hides a mistake
BESIDE = 1e-3  # how far "beside" a kink is


def gradcheck(
    layer_or_network, x, *, y=None, eps=1e-5, tol=None, method="central", entries=None, seed=0, training=False
):
    """Check backward against forward, for x (N, width) and every parameter. Returns a GradcheckReport.

    An entry passes up to the error `tol` (1e-6, or 1e-11 for the complex step); minigan/gradcheck/compare.py says how
    that is reckoned, and one that fails is measured anew from several steps, in case the function bends too sharply for
    `eps`. `entries=k` samples k entries of every array, and three random directions through all of its
    entries at once. `method="complex"` is for forward passes that are analytic in x and theta.

    What a layer's forward moves is put back before each call, so that one mask of a dropout layer is checked with
    `training=True`; running statistics and the like are let settle before. A kink passes where the derivative lies
    between those of its two sides, and is right at a point beside it.

    What is given labels is checked with `y` (N,) held fixed.

    Raises ValueError for an x that does not fit and for options that would check nothing, TypeError for what is no
    layer and where a forward cannot be run on complex numbers, and whatever the layer's own code raises, with a note
    that says where.
    """
    tol = options(eps, tol, method, entries)
    if not isinstance(layer_or_network, Layer):
        raise TypeError(f"gradcheck takes a layer or a network, not {layer_or_network!r}; check_loss takes a loss")
    x = xp.array(x, dtype="float64")
    if x.ndim < 2 or not len(x):
        raise ValueError(f"x has shape {x.shape}: expected (N, width), or N arrays, with N at least 1")
    network = float64_copy(layer_or_network, seed, x.shape[1:], y)
    network.check(x)
    same = {"eps": eps, "tol": tol, "method": method, "entries": entries, "seed": seed, "training": training}
    with numpy.errstate(all="ignore"):
        seen = Observation(network, x, host_generator(seed, 1), training)
        inputs = zip(network.layers, seen.inputs, strict=True)
        if len(network.layers) > 1:
            seen.alone = functools.cache(lambda: [gradcheck(layer, a, **same) for layer, a in inputs])
        seen.beside = functools.cache(lambda: _beside(seen, eps, tol, entries, seed))
        rows = _rows(seen, _twins(seen, training) if method == "complex" else {}, eps, tol, entries, seed)
        title = f"{layer_or_network!r}: float64, {method}{f' eps={eps:g}' if method == 'central' else ''}, seed {seed}"
        report = GradcheckReport(title, rows)
        if not report.ok and len(network.layers) > 1:
            names = [f"layer {i}, {layer!r}" for i, layer in enumerate(network.layers)]
            alone = zip(names, seen.alone(), strict=True)
            report.note = blame(alone) or "each layer passes on its own: look at how they are chained"
    return report


def check_loss(loss, *inputs, eps=1e-5, tol=None, method="central", seed=0):
    """Check a function loss(a, b, ...) -> (L, dL/da, ...): as many of its inputs as it gives derivatives for.

    For losses (the targets come last and have no derivative), and for an objective's `discriminator` and `generator`.
    `eps`, `tol`, `method` and `seed` are those of `gradcheck`.
    """
    tol = options(eps, tol, method)
    inputs = [xp.array(a, dtype="float64") for a in inputs]
    with numpy.errstate(all="ignore"):
        seen = LossObservation(loss, inputs)
        rng, rows = host_generator(seed, 2), []
        names = list(inspect.signature(loss).parameters)
        size = sum(float(abs(d * to_numpy(a)).sum()) for d, a in zip(seen.derivatives, inputs, strict=False))
        for i, (name, a, d) in enumerate(zip(names, inputs, seen.derivatives, strict=False)):
            variable = Variable(name, a, d, seen.terms, a.size, size)
            if method == "complex":
                twins = [b.astype("complex128") for b in inputs]
                terms = functools.partial(lambda twins: to_numpy(loss(*twins)[0]).reshape(1), twins)
                variable = variable._replace(twin=Variable(name, twins[i], None, terms))
            rows.append(judge(variable, seen, eps, tol, None, rng))
    return GradcheckReport(f"{getattr(loss, '__qualname__', loss)}: float64, {method}", rows)


def judge(variable, seen, eps, tol, entries, rng):
    """The Row of one Variable: measured, compared, and if it fails, explained."""
    found = measure(variable, points(variable.a.shape, entries, rng), eps)
    row, wrong = compare(variable.name, variable.a.shape, found, tol)
    if wrong:  # or is it the measurement?
        for i in wrong:
            found[i] = extrapolated(variable, found[i], eps, tol * scale(found[i], found, tol))
        row, wrong = compare(variable.name, variable.a.shape, found, tol)
    row.hint = seen.faults.get(row.name) or (seen.fault if wrong or row.name == "x" else "")
    if not wrong:
        row.hint = row.hint or seen.manners.get(row.name, "")
    elif not row.hint:
        row.hint = seen.unsafe or _at_kinks(row, variable, [found[i] for i in wrong], seen, eps)
        row.hint = row.hint or diagnose(variable, found, wrong, eps, tol, seen)
    if row.hint and row.verdict != "kink":
        row.verdict = "FAIL"
    return row


def _at_kinks(row, variable, wrong, seen, eps):
    """The sentence for Derivatives `wrong` that are all at a kink, else "". Sets the row's verdict.

    Where several layers sit on their kinks at once, the chain rule need not give any one-sided derivative: with slopes
    1 and 0.2 on either side, two LeakyReLUs in a row at 0, and a negative weight between them, rise by 0.2 either way,
    while backward gives 0.04, and L shows no kink at all. Then each layer alone must show its kink and be right.
    """
    several = False
    for d in wrong:
        three = [sides(variable, d.u, step) for step in (eps, eps / 10, eps / 100)]
        between = kink(d.analytic, *three)
        if not between and not _right_with_kinks(seen.alone()):
            return ""
        several = several or not between
        if d is wrong[0]:
            left, right = (f"{side:.4g}" for side in three[-1][:2])
    there = seen.beside().get(row.name)
    if there and there.verdict == "FAIL":
        return f"a kink hides it here, but at a point beside: {there.hint}"
    row.verdict = "kink"
    more = f" (and {len(wrong) - 1} more entries like it)" if len(wrong) > 1 else ""
    if several:
        return f"several units sit exactly on their kinks at {row.index}: each layer is right on its own{more}"
    return (
        f"a kink at {row.index}: the slope is {left} on the left and {right} on the right, and the analytic value lies "
        f"between: a subgradient{more}"
    )


def _right_with_kinks(reports):
    kinks = any(row.verdict == "kink" for report in reports for row in report.rows)
    return kinks and all(report.ok for report in reports)


def options(eps=1e-5, tol=None, method="central", entries=None):
    """The tolerance. Raises ValueError for options with which a check would prove nothing."""
    if method not in TOL:
        raise ValueError(f"method={method!r}: expected 'central' or 'complex'")
    if not SMALLEST <= eps <= LARGEST:
        raise ValueError(
            f"eps={eps!r}: expected a step from {SMALLEST:g} (below, rounding hides mistakes) to {LARGEST:g} (above, "
            "curvature does)"
        )
    if tol is not None and not 0 < tol < 1:
        raise ValueError(f"tol={tol!r}: expected a relative error between 0 and 1")
    if entries is not None and not (isinstance(entries, int) and entries >= 1):
        raise ValueError(f"entries={entries!r}: expected a whole number of at least 1, or None for all of them")
    return tol or TOL[method]


def float64_copy(layer_or_network, seed, shape=None, y=None):
    """A float64 copy as a network of its own; a layer without values draws them, and none stays at zero.

    `shape` is that of a sample of x; labels y are held in it. Raises ValueError where the layer does not take them.
    """
    if isinstance(layer_or_network, Network):
        network = layer_or_network.astype("float64")
    else:
        layer = copy.deepcopy(layer_or_network)
        network = Network(layer, seed=seed, dtype="float64", shape=shape)
        if not layer.filled:
            network.theta[...] += xp.asarray(0.1 * host_generator(seed, 0).standard_normal(network.theta.shape))
    if y is not None:
        network.give(y, hold=True)
    return network


def _rows(seen, twins, eps, tol, entries, seed):
    rng, arrays = host_generator(seed, 2), [*seen.parameters, ("x", seen.x)]
    variables = [
        Variable(name, a, seen.analytic[name], seen.terms, len(seen.x), twin=twins.get(name)) for name, a in arrays
    ]
    return [judge(variable, seen, eps, tol, entries, rng) for variable in variables]


def _beside(seen, eps, tol, entries, seed):
    """{name: Row} of a check at theta and x moved a little."""
    seen.state.restore()
    network, rng = seen.network.astype("float64"), host_generator(seed, 7)
    network.theta[...] += xp.asarray(BESIDE * rng.standard_normal(network.theta.shape))
    x = seen.x + xp.asarray(BESIDE * rng.standard_normal(seen.x.shape))
    there = Observation(network, x, rng, seen.training)
    return {row.name: row for row in _rows(there, {}, eps, max(tol, TOL["central"]), entries, seed)}


def _twins(seen, training):
    """{name: Variable} of the same network in complex numbers."""
    seen.state.restore()
    twin, x = seen.network.astype("complex128"), seen.x.astype("complex128")
    state = State(twin)
    seen.unsafe = complex_unsafe(seen.network, twin, x, training)

    def terms():
        state.restore()
        return to_numpy(seen.dy * twin.forward(x.copy(), training))

    arrays = [*((name, a) for name, a, _ in twin.parameters()), ("x", x)]
    return {name: Variable(name, a, None, terms) for name, a in arrays}
