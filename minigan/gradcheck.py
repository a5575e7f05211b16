"""Is a derivative right? Every backward pass is compared with the slope of its own forward pass.

A network is checked through one number, L = sum(dy * y), with a random dy: then dL/dy is dy, and backward(dy) must
return dL/dx and write dL/dtheta. `minigan.slopes` measures the same from outside: it moves one entry v of x or theta
a little, runs forward alone, and sees what L does,

    dL/dv = (L(v + eps) - L(v - eps)) / (2 eps)      "central": right to about eps^2, with eps = 1e-5
    dL/dv = Im L(v + ih) / h                         "complex": L(v + ih) = L(v) + ih dL/dv - ..., with h = 1e-20

and so for every entry in turn, in float64 and on a copy: what the caller passed is left as it was. Where the two
differ, `minigan.diagnosis` tries out what kind of mistake would explain the difference.
"""

import copy
import functools
import inspect

import numpy

from minigan import diagnosis, gamecheck
from minigan.backend import host_generator, to_numpy, xp
from minigan.layers import Layer
from minigan.network import Network
from minigan.slopes import GradcheckReport, Tensor

__all__ = ["assert_gradients", "check_game", "check_loss", "float64_copy", "gradcheck"]

TOL = {"central": 1e-6, "complex": 1e-11}


def gradcheck(layer_or_network, x, *, eps=1e-5, tol=None, method="central", entries=None, seed=0, training=False):
    """Check backward against forward, for x (N, width) and every parameter. Returns a GradcheckReport.

    The error of an entry is |analytic - numeric| / max(|analytic|, |numeric|, floor), and passes up to `tol` (1e-6,
    or 1e-11 for the complex step). The floor lets true zeros pass: it is 1 % of the largest slope in that tensor, or,
    where that is more, what rounding alone can do to either side, divided by tol.

    `entries=k` samples k entries of every tensor, and three random directions through all of its entries at once.
    `method="complex"` is for forward passes that are analytic in x and theta. A layer's own random state is put back
    before each call, so that one mask of a dropout layer is checked with `training=True`.

    Raises ValueError for another `method`, TypeError where a forward cannot be run on complex numbers, and whatever
    the layer's own code raises, with a note that says where.
    """
    tol = tol or _tolerance(method)
    network = float64_copy(layer_or_network, seed)
    with numpy.errstate(all="ignore"):
        x = xp.array(x, dtype="float64")
        seen = diagnosis.Observation(network, x, host_generator(seed, 1), training)
        arrays = [*seen.parameters, ("x", seen.x)]
        tensors = [Tensor(name, seen.terms, a, seen.analytic[name], len(x)) for name, a in arrays]
        if method == "complex":
            _complex_slopes(tensors, network, seen, training)
        options = {"eps": eps, "tol": tol, "method": method, "entries": entries, "seed": seed, "training": training}
        inputs = zip(network.layers, seen.inputs, strict=True)
        seen.alone = functools.cache(lambda: [gradcheck(layer, a, **options) for layer, a in inputs])
        rng = host_generator(seed, 2)
        rows = [tensor.row(eps, tol, entries, rng, seen) for tensor in tensors]
        title = f"{layer_or_network!r}: float64, {method}{f' eps={eps:g}' if method == 'central' else ''}, seed {seed}"
        report = GradcheckReport(title, rows)
        if not report.ok and len(network.layers) > 1:
            names = [f"layer {i}, {layer!r}" for i, layer in enumerate(network.layers)]
            alone = zip(names, seen.alone(), strict=True)
            report.note = diagnosis.blame(alone) or "each layer passes on its own: look at how they are chained"
    return report


def check_game(gan, x, z, *, eps=1e-5, tol=1e-6, entries=None, seed=0, stated=None):
    """`minigan.gamecheck.check_game`, with a note on the layers that fail on their own where the game fails."""
    options = {"eps": eps, "tol": tol, "entries": entries, "seed": seed}
    report = gamecheck.check_game(gan, x, z, stated=stated, **options)
    if report.ok:
        return report
    alone = []
    with numpy.errstate(all="ignore"):
        for player, network, a in ("G", gan.generator, z), ("D", gan.discriminator, x):
            twin, a = network.astype("float64"), xp.array(a, dtype="float64")
            for i, layer in enumerate(twin.layers):
                alone.append((f"layer {i} of {player}, {layer!r}", gradcheck(layer, a, training=True, **options)))
                a = layer.forward(a.copy(), True)
    report.note = diagnosis.blame(alone)
    return report


def check_loss(loss, *inputs, eps=1e-5, tol=None, method="central", seed=0):
    """Check a function loss(a, b, ...) -> (L, dL/da, ...): as many of its inputs as it gives derivatives for.

    For losses (the targets come last and have no derivative), and for an objective's `discriminator` and `generator`.
    `eps`, `tol`, `method` and `seed` are those of `gradcheck`.
    """
    tol = tol or _tolerance(method)
    inputs = [xp.array(a, dtype="float64") for a in inputs]
    with numpy.errstate(all="ignore"):
        seen = diagnosis.LossObservation(loss, inputs)
        names = list(inspect.signature(loss).parameters)
        columns = zip(names, inputs, seen.derivatives, strict=False)
        tensors = [Tensor(name, seen.terms, a, d, a.size) for name, a, d in columns]
        if method == "complex":
            for i, tensor in enumerate(tensors):
                twins = [a.astype("complex128") for a in inputs]
                tensor.use_complex(twins[i], lambda twins=twins: to_numpy(loss(*twins)[0]).reshape(1))
        rng = host_generator(seed, 2)
        rows = [tensor.row(eps, tol, None, rng, seen) for tensor in tensors]
    return GradcheckReport(f"{getattr(loss, '__qualname__', loss)}: float64, {method}", rows)


def assert_gradients(subject, *inputs, **options):
    """For tests: AssertionError, whose message is the table, unless subject(*inputs) has the derivative it claims.

    `subject` is a layer or network (`gradcheck`), a GAN (`check_game`) or a loss (`check_loss`).
    """
    if hasattr(subject, "discriminator_step"):
        check = check_game
    else:
        check = gradcheck if isinstance(subject, Layer | Network) else check_loss
    report = check(subject, *inputs, **options)
    if not report.ok:
        raise AssertionError(f"\n{report}")


def _tolerance(method):
    if method not in TOL:
        raise ValueError(f"method={method!r}: expected 'central' or 'complex'")
    return TOL[method]


def float64_copy(layer_or_network, seed):
    """A float64 copy as a network of its own; a layer without values draws them, and none stays at zero."""
    if isinstance(layer_or_network, Network):
        return layer_or_network.astype("float64")
    layer = copy.deepcopy(layer_or_network)
    vars(layer).pop("_scratch", None)
    given = {name: vars(layer).pop(name) for name in (*layer.params, *layer.state) if name in vars(layer)}
    network = Network(layer, seed=seed, dtype="float64")
    if given:
        network._pack([given], "float64")
    else:
        network.theta[...] += xp.asarray(0.1 * host_generator(seed, 0).standard_normal(network.theta.shape))
    return network


def _complex_slopes(tensors, network, seen, training):
    """Let the tensors measure on a complex twin of the network."""
    seen.state.restore()
    twin = network.astype("complex128")
    x = seen.x.astype("complex128")
    arrays = {name: a for name, a, _ in twin.parameters()} | {"x": x}
    state = diagnosis.State(twin)
    seen.unsafe = diagnosis.complex_unsafe(network, twin, x, training)

    def terms():
        state.restore()
        return to_numpy(seen.dy * twin.forward(x.copy(), training))

    for tensor in tensors:
        tensor.use_complex(arrays[tensor.name], terms)
