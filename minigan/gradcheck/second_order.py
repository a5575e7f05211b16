"""Is a second derivative right? What jvp and the penalties compute, against differences of first derivatives.

In float64 and on a copy, moved a little: where a unit sits on its kink, as a bias of 0 behind dead units would have it,
there is no second derivative. The tables are those of `gradcheck`.
"""

import numpy

from minigan.backend import host_generator, to_numpy, xp
from minigan.gradcheck.check import float64_copy, judge, options
from minigan.gradcheck.compare import GradcheckReport
from minigan.gradcheck.measure import Variable
from minigan.gradcheck.observe import Evidence
from minigan.gradcheck.state import State
from minigan.objectives.jvp import jvp, jvp_backward

MOVE = 0.01


def check_second_order(layer_or_network, x, *, y=None, eps=1e-5, tol=1e-6, seed=0, training=False):
    """Check jvp and jvp_backward: the derivatives of L = sum(dty * ty), ty = (dy/dx) tx.

    The rows are dL/dtheta; dL/dx, a second derivative (for a network with one output and dty = 1 the Hessian times
    tx); and dL/dtx, which is what backward gives for dty. Options as for `gradcheck`.
    """
    x = xp.array(x, dtype="float64")
    network, x = _moved(float64_copy(layer_or_network, seed, x.shape[1:], y), x, seed)
    network.check(x)
    state = State.settled(lambda: network.forward(x, True), network) if training else State(network)
    rng = host_generator(seed, 1)
    tx = xp.asarray(rng.standard_normal(x.shape))
    state.restore()
    dty = xp.asarray(rng.standard_normal(network.forward(x, training).shape))

    def terms():
        state.restore()
        network.forward(x, training)
        return to_numpy(dty * jvp(network, tx))

    def arrays():
        dtx, dx = jvp_backward(network, dty)
        return [*network.parameters(), ("x", x, xp.zeros_like(x) if dx is None else dx), ("tx", tx, dtx)]

    return _report(f"{layer_or_network!r}, second order", terms, arrays, len(x), eps, tol, seed)


def check_penalty(penalty, network, x, *, y=None, eps=1e-5, tol=1e-6, seed=0):
    """Check the derivative that a Penalty writes into the network's dtheta, at the points x (N, width)."""
    twin, x = _moved(float64_copy(network, seed, y=y), xp.array(x, dtype="float64"), seed)
    state = State.settled(lambda: twin.forward(x, True), twin)

    def terms():
        state.restore()
        return to_numpy(penalty.gradient(twin, x)).reshape(1)

    return _report(f"{penalty!r} on {network!r}", terms, twin.parameters, len(x), eps, tol, seed)


def _moved(network, x, seed):
    rng = host_generator(seed, 3)
    network.theta[...] += xp.asarray(MOVE * rng.standard_normal(network.theta.shape))
    return network, x + xp.asarray(MOVE * rng.standard_normal(x.shape))


def _report(title, terms, arrays, n, eps, tol, seed):
    """The report on arrays() -> (name, array, derivative) ...; the derivatives are copied before anything moves."""
    options(eps, tol)
    with numpy.errstate(all="ignore"):
        terms()
        variables = [Variable(name, a, to_numpy(d).copy(), terms, n) for name, a, d in arrays()]
        rng = host_generator(seed, 2)
        rows = [judge(variable, Evidence(), eps, tol, None, rng) for variable in variables]
    return GradcheckReport(f"{title}: float64, central eps={eps:g}, seed {seed}", rows)
