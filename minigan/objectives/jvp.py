"""Tangents: how y moves when x moves along a given direction, and the second derivative that this leads to.

A tangent tx is a direction for x. It runs *forward* beside x, and each layer turns it into ty = (dy/dx) tx. What comes
out of a network with one output is the directional derivative of each sample: an ordinary function of x and theta. So
one can go *backward* through it. Each layer then receives dty = dL/dty and dy = dL/dy, for an L that may depend on
both, and gives dtx = dL/dtx and dx = dL/dx and writes dL/dparams: because ty contains a first derivative, these contain
a second one.

Below are each layer's two pieces, side by side. The second derivative of a piecewise linear layer is 0 wherever it
exists: for a network of such layers dy is None all the way down, and half of the work is saved.
docs/second-derivative.md has the derivation, minigan/objectives/penalties.py the use. A subclass has the pieces of its
base. Register a layer of your own like this:

    @jvp.register(Swish)                        @jvp_backward.register(Swish)
    def swish_forward(layer, tx): ...           def swish_backward(layer, dty, dy=None, wrt="both"): ...

and `minigan.gradcheck.second_order` says whether the two are right.
"""

import functools

from minigan.backend import kernels, xp
from minigan.layers import (
    AveragePool,
    Condition,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    InstanceNoise,
    LastStep,
    LayerNorm,
    LeakyReLU,
    Maxout,
    MeanOverTime,
    Pack,
    Projection,
    ReLU,
    Repeat,
    Reshape,
    Shared,
    Sigmoid,
    SpectralNorm,
    Standardize,
    Tanh,
    Upsample,
)  # fmt: skip
from minigan.network import Network

LINEAR = Conv2D | AveragePool | Upsample | LastStep | MeanOverTime | Repeat | Shared | Standardize | Projection
MISSING = (
    "{!r} has no jvp and jvp_backward: gradient penalties need both, see minigan/objectives/jvp.py; an element-wise "
    "layer of your own that is linear in pieces, as LeakyReLU is, inherits both from it: class Mine(LeakyReLU)"
)


@functools.singledispatch
def jvp(layer, tx):
    """ty = (dy/dx) tx at the x of the last forward, for a tx of the shape of x; `layer` may be a whole Network.

    Raises NotImplementedError for a layer that has not registered its own.
    """
    raise NotImplementedError(MISSING.format(layer))


@functools.singledispatch
def jvp_backward(layer, dty, dy=None, wrt="both"):
    """(dtx, dx) from dty = dL/dty and dy = dL/dy, after jvp; dy None: L depends on ty alone.

    Overwrites dL/dparams, unless wrt="input"; wrt="params" may leave out both results. dx None stands for 0. Raises
    NotImplementedError for a layer that has not registered its own.
    """
    raise NotImplementedError(MISSING.format(layer))


@jvp.register(Network)
def network_forward(network, tx):
    """The tangent through one layer after the other."""
    for layer in network.layers:
        tx = jvp(layer, tx)
    return tx


@jvp_backward.register(Network)
def network_backward(network, dty, dy=None, wrt="both"):
    """Both derivatives from the last layer to the first. For L = sum of ty, dx is the Hessian times tx."""
    first, *rest = network.layers
    for layer in reversed(rest):
        dty, dy = jvp_backward(layer, dty, dy, "input" if wrt == "input" else "both")
    return jvp_backward(first, dty, dy, wrt)


@jvp.register(Dense)
def dense_forward(layer, tx):
    """ty = tx W"""
    layer.tx = tx.reshape(-1, layer.n_in)
    ty = kernels.matmul(layer.tx, layer.W, out=layer.scratch("ty", (len(layer.tx), layer.n_out), tx.dtype))
    return ty.reshape(*tx.shape[:-1], layer.n_out)


@jvp_backward.register(Dense)
def dense_backward(layer, dty, dy=None, wrt="both"):
    """dW = tx.T dty + x.T dy      db = sum of dy over N      dtx = dty W.T      dx = dy W.T"""
    dx = None
    if dy is not None:
        dx = layer.backward(dy, wrt)
    elif wrt != "input":
        layer.dW[...] = 0
        layer.db[...] = 0
    if wrt != "input":
        layer.dW += layer.tx.T @ dty.reshape(-1, layer.n_out)
    if wrt == "params":
        return None, None
    dtx = kernels.matmul(dty.reshape(-1, layer.n_out), layer.W.T, out=layer.like("dtx", layer.tx, dty.dtype))
    return dtx.reshape(*dty.shape[:-1], layer.n_in), dx


@jvp.register(ReLU | LeakyReLU | Tanh | Sigmoid | Dropout)
def element_wise_forward(layer, tx):
    """ty = f'(x) tx: element by element, what backward does with dy"""
    layer.tx = tx
    return layer.backward(tx, "input").copy()


@jvp_backward.register(ReLU | LeakyReLU | Dropout)
def piecewise_linear_backward(layer, dty, dy=None, wrt="both"):
    """dtx = f'(x) dty      dx = f'(x) dy"""
    dx = None if dy is None else layer.backward(dy, "input").copy()
    return layer.backward(dty, "input"), dx


def curved_backward(layer, curvature, dty, dy):
    """dtx = f'(x) dty      dx = f'(x) dy + f''(x) tx dty, where `curvature` is a new array of f''(x)"""
    curvature *= layer.tx * dty
    dtx, dx = piecewise_linear_backward(layer, dty, dy)
    return dtx, curvature if dx is None else dx + curvature


@jvp_backward.register(Tanh)
def tanh_backward(layer, dty, dy=None, wrt="both"):
    """f'' = -2 y (1 - y^2)"""
    return curved_backward(layer, -2 * layer.y * (1 - layer.y * layer.y), dty, dy)


@jvp_backward.register(Sigmoid)
def sigmoid_backward(layer, dty, dy=None, wrt="both"):
    """f'' = y (1 - y) (1 - 2 y)"""
    return curved_backward(layer, layer.y * (1 - layer.y) * (1 - 2 * layer.y), dty, dy)


@jvp.register(Reshape | Flatten | Pack | InstanceNoise)
def same_numbers_forward(layer, tx):
    """ty = tx in the shape of y; added noise does not depend on x"""
    return layer.forward(tx)


@jvp_backward.register(Reshape | Flatten | Pack | InstanceNoise)
def same_numbers_backward(layer, dty, dy=None, wrt="both"):
    """dtx = dty and dx = dy in the shape of x"""
    return layer.backward(dty), None if dy is None else layer.backward(dy)


@jvp.register(Condition)
def condition_forward(layer, tx):
    """ty = tx beside zeros: the labels do not depend on x"""
    ty = xp.zeros((*tx.shape[:-1], layer.width + layer.classes), dtype=tx.dtype)
    ty[..., : layer.width] = tx
    return ty


@jvp_backward.register(Condition)
def condition_backward(layer, dty, dy=None, wrt="both"):
    """dtx and dx are the columns of dty and dy that belong to x"""
    return dty[..., : layer.width], None if dy is None else dy[..., : layer.width]


@jvp.register(Maxout)
def maxout_forward(layer, tx):
    """ty_j = tx_kj of the piece that won: the transpose of backward, which is linear in dy"""
    won = layer.backward(xp.ones_like(layer.y)).reshape(layer.x.shape)
    return (won * tx.reshape(layer.x.shape)).sum(axis=1)


@jvp_backward.register(Maxout)
def maxout_backward(layer, dty, dy=None, wrt="both"):
    """dtx_kj = dty_j and dx_kj = dy_j for the piece that won, 0 for the others"""
    return layer.backward(dty).copy(), None if dy is None else layer.backward(dy)


@jvp.register(LINEAR)
def linear_forward(layer, tx):
    """ty = the layer of tx, without b"""
    ty, layer.tangent = layer.linear(tx, "t")
    return ty


@jvp_backward.register(LINEAR)
def linear_backward(layer, dty, dy=None, wrt="both"):
    """Linear in x and in W: backward of dy, then of dty with tx in the place of x. dW is the sum; b is in y alone."""
    names = () if wrt == "input" else layer.params
    dx = None if dy is None else layer.backward(dy, wrt)
    dx = None if dx is None else dx.copy()
    of_dy = {name: 0 if dy is None else getattr(layer, f"d{name}").copy() for name in names}
    x, layer.remembered = layer.remembered, layer.tangent
    dtx = layer.backward(dty, wrt)
    layer.remembered = x
    for name in names:
        d = getattr(layer, f"d{name}")
        d[...] = of_dy[name] if name == "b" else d + of_dy[name]
    return dtx, dx


@jvp.register(SpectralNorm)
def spectral_forward(layer, tx):
    """ty = tx W / sigma"""
    return dense_forward(layer, tx) / layer.sigma


@jvp_backward.register(SpectralNorm)
def spectral_backward(layer, dty, dy=None, wrt="both"):
    """As in Dense, for W / sigma."""
    dtx, _ = dense_backward(layer, dty, None, wrt)
    if wrt != "input":
        if dy is not None:
            rows = dy.reshape(-1, layer.n_out)
            layer.dW += layer.x.T @ rows
            xp.sum(rows, axis=0, out=layer.db)
        layer.through_sigma()
    if wrt == "params":
        return None, None
    return dtx / layer.sigma, None if dy is None else dy @ layer.W.T / layer.sigma


@jvp.register(LayerNorm)
def normalization_forward(layer, tx):
    """tx^ = (tx - mean(tx) - x^ mean(tx x^)) / deviation: the map of backward, which is its own transpose"""
    layer.tx = tx.reshape(-1, layer.n_in)
    layer.tx_hat = layer.tx.copy()
    layer.through_the_moments(layer.tx_hat, xp.empty_like(layer.tx))
    layer.tx_hat /= layer.deviation
    return (layer.tx_hat * layer.gamma).reshape(tx.shape)


@jvp_backward.register(LayerNorm)
def normalization_backward(layer, dty, dy=None, wrt="both"):
    """tx^ depends on x through x^ and through s, the deviation. With e = dty gamma = dL/dtx^ and P the map above,

    dtx = P(e) / s      dx^ = dy gamma - (e mean(tx x^) + tx mean(e x^)) / s      dx = (P(dx^) - x^ mean(e tx^)) / s
    """

    def mean(a):
        return layer.means(a)[0]

    sizes, dty = dty.shape, dty.reshape(-1, layer.n_in)
    dy = None if dy is None else dy.reshape(dty.shape)
    e = dty * layer.gamma
    dx = xp.zeros_like(dty) if dy is None else dy * layer.gamma
    if wrt != "input":
        layer.dgamma[...] = (dty * layer.tx_hat).sum(axis=0)
        layer.dbeta[...] = 0 if dy is None else dy.sum(axis=0)
        if dy is not None:
            layer.dgamma += (dy * layer.x_hat).sum(axis=0)
    product = xp.empty_like(e)
    if layer.through:
        dx -= (e * mean(layer.tx * layer.x_hat) + layer.tx * mean(e * layer.x_hat)) / layer.deviation
    layer.through_the_moments(dx, product)
    if layer.through:
        dx -= layer.x_hat * mean(e * layer.tx_hat)
    layer.through_the_moments(e, product)
    return (e / layer.deviation).reshape(sizes), (dx / layer.deviation).reshape(sizes)
