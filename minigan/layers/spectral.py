"""Layers whose matrix stretches nothing by more than 1: W / sigma, sigma the largest singular value of W.

sigma = u.T W v, with u (I,) and v (O,) of length 1. They start as W's first singular vectors, and one power iteration
in each training forward lets them follow W: v <- W.T u / |W.T u|, u <- W v / |W v| (Miyato et al. 2018, algorithm 1).
As sigma is a maximum, u.T W v never exceeds it: while W moves, the stretch is above 1 by as much as one iteration is
behind, in training by less than a hundredth. W enters y twice. For fixed u, v, with dV = dL/d(W / sigma),

    dW = (dV - (sum of dV W) / sigma u v.T) / sigma

(eq. 12). It is the derivative through sigma(W) itself where u and v are the singular vectors: sigma is stationary
there, and their own movement drops out.
"""

from minigan.backend import kernels, xp
from minigan.layers.convolution import Conv2D
from minigan.layers.dense import Dense
from minigan.layers.layer import Layer


class Spectral(Layer):
    """What the layers below share: W (..., O) is read as the matrix M (I, O). Formulas: see the module.

    Raises ValueError for an init that draws zeros only.
    """

    state = "u", "v"

    def initialize(self, rng):
        given = super().initialize(rng)
        u, _, vT = xp.linalg.svd(self.matrix(xp.asarray(given["W"])), full_matrices=False)
        if not given["W"].any():
            raise ValueError(f"{self!r}: init draws zeros only, whose largest stretch cannot be made 1")
        return {name: given[name] for name in self.params} | {"u": u[:, 0], "v": vT[0]}

    def matrix(self, W):
        """W (..., O) as a matrix (I, O)."""
        return W.reshape(-1, W.shape[-1])

    def follow(self, training):
        """sigma of the present W; in training after one power iteration."""
        M = self.matrix(self.W)
        if training:
            self._iterate(M.T @ self.u, self.v)
            self._iterate(M @ self.v, self.u)
        self.sigma = self.u @ M @ self.v

    def backward(self, dy, wrt="both"):
        dx = super().backward(dy, wrt)
        if wrt != "input":
            self.through_sigma()
        if wrt != "params":
            dx /= self.sigma
        return dx

    def _iterate(self, a, kept):
        xp.divide(a, xp.sqrt(a @ a), out=kept)

    def through_sigma(self):
        """From dV in dW to dW itself."""
        dM = self.matrix(self.dW)
        along = (self.dW * self.W).sum() / self.sigma
        dM -= along * self.u[:, None] * self.v
        dM /= self.sigma


class SpectralNorm(Spectral, Dense):
    """y = x W / sigma + b      dx = dy W.T / sigma      db = sum of dy over N      dV = x.T dy

    No x is stretched by more than 1. sigma and dW: see the module. Raises ValueError for an init that draws zeros only.
    """

    def forward(self, x, training=False):
        self.follow(training)
        self.x = x.reshape(-1, self.n_in)
        y = kernels.matmul(self.x, self.W, out=self.scratch("y", (len(self.x), self.n_out), x.dtype))
        y /= self.sigma
        y += self.b
        return y.reshape(*x.shape[:-1], self.n_out)


class SpectralConv2D(Spectral, Conv2D):
    """y = im2col(x) M / sigma + b, sigma the largest singular value of the matrix M (k l C, channels) that W is read as

    It is that matrix which Miyato et al. 2018 normalize, not the map from x to y. A number of x stands in up to r =
    ceil(k / s) ceil(l / t) patches, and so this map stretches by up to sqrt(r). sigma and dW: see the module. Raises
    ValueError as Conv2D does, and for an init that draws zeros only.
    """

    def forward(self, x, training=False):
        self.follow(training)
        return super().forward(x, training)

    def linear(self, x, t=""):
        y, remembered = super().linear(x, t)
        y /= self.sigma
        return y, remembered
