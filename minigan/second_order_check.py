"""Is a second derivative right? What minigan/tangents.py and penalties.py compute, against differences of first ones.

As in `minigan.gradcheck`, in float64 and on a copy; the tables are the same.
"""

import numpy

from minigan import diagnosis
from minigan.backend import host_generator, to_numpy, xp
from minigan.gradcheck import float64_copy
from minigan.slopes import GradcheckReport, Tensor
from minigan.tangents import backward_tangent, forward_tangent


def check_second_order(layer_or_network, x, *, eps=1e-5, tol=1e-6, seed=0, training=False):
    """Check forward_tangent and backward_tangent: the derivatives of L = sum(dty * ty), ty = (dy/dx) tx.

    The rows are dL/dtheta; dL/dx, a second derivative (for a network with one output and dty = 1 the Hessian times
    tx); and dL/dtx, which is what backward gives for dty. Options as for `gradcheck`.
    """
    network, x = float64_copy(layer_or_network, seed), xp.array(x, dtype="float64")
    rng, state = host_generator(seed, 1), diagnosis.State(network)
    tx = xp.asarray(rng.standard_normal(x.shape))
    dty = xp.asarray(rng.standard_normal(network.forward(x, training).shape))

    def terms():
        state.restore()
        network.forward(x, training)
        return to_numpy(dty * forward_tangent(network, tx))

    with numpy.errstate(all="ignore"):
        terms()
        dtx, dx = backward_tangent(network, dty)
        dx = xp.zeros_like(x) if dx is None else dx
        rows = _rows(terms, [*network.parameters(), ("x", x, dx), ("tx", tx, dtx)], len(x), eps, tol, seed)
    return GradcheckReport(f"{layer_or_network!r}, second order: float64, central eps={eps:g}, seed {seed}", rows)


def check_penalty(penalty, network, x, *, eps=1e-5, tol=1e-6, seed=0):
    """Check the derivative that a `minigan.penalties.Penalty` writes into dtheta, at the points x (N, width)."""
    network, x = network.astype("float64"), xp.array(x, dtype="float64")
    state = diagnosis.State(network)

    def terms():
        state.restore()
        return to_numpy(penalty.gradient(network, x)).reshape(1)

    with numpy.errstate(all="ignore"):
        terms()
        rows = _rows(terms, network.parameters(), len(x), eps, tol, seed)
    return GradcheckReport(f"{penalty!r} on {network!r}: float64, central eps={eps:g}, seed {seed}", rows)


def _rows(terms, arrays, n, eps, tol, seed):
    """The table's rows for (name, array, derivative) ; the derivatives are copied before anything moves."""
    tensors = [Tensor(name, terms, a, to_numpy(d).copy(), n) for name, a, d in arrays]
    rng = host_generator(seed, 2)
    return [tensor.row(eps, tol, None, rng, diagnosis.Evidence()) for tensor in tensors]
