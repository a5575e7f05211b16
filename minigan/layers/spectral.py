"""A layer whose largest stretch is 1."""

from minigan.backend import kernels, xp
from minigan.layers.dense import Dense


class SpectralNorm(Dense):
    """y = x W / sigma + b, sigma the largest singular value of W: no x is stretched by more than 1

    sigma = u.T W v, with u (I,) and v (O,) of length 1. They start as W's first singular vectors, and one power
    iteration in each training forward lets them follow W: v <- W.T u / |W.T u|, u <- W v / |W v| (Miyato et al. 2018,
    algorithm 1). As sigma is a maximum, u.T W v never exceeds it: while W moves, the stretch is above 1 by as much as
    one iteration is behind, in training by less than a hundredth.
    W enters y twice. For fixed u, v, with dV = dL/d(W / sigma) = x.T dy,

    dW = (dV - (sum of dV W) / sigma u v.T) / sigma      dx = dy W.T / sigma      db = sum of dy over N

    (eq. 12). It is the derivative through sigma(W) itself where u and v are the singular vectors: sigma is stationary
    there, and their own movement drops out. Raises ValueError for an init that draws zeros only.
    """

    state = "u", "v"

    def initialize(self, rng):
        given = super().initialize(rng)
        u, _, vT = xp.linalg.svd(xp.asarray(given["W"]), full_matrices=False)
        if not given["W"].any():
            raise ValueError(f"{self!r}: init draws zeros only, whose largest stretch cannot be made 1")
        return given | {"u": u[:, 0], "v": vT[0]}

    def forward(self, x, training=False):
        if training:
            self._iterate(self.W.T @ self.u, self.v)
            self._iterate(self.W @ self.v, self.u)
        self.x, self.sigma = x.reshape(-1, self.n_in), self.u @ self.W @ self.v
        y = kernels.matmul(self.x, self.W, out=self.scratch("y", (len(self.x), self.n_out), x.dtype))
        y /= self.sigma
        y += self.b
        return y.reshape(*x.shape[:-1], self.n_out)

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
        along = (self.dW * self.W).sum() / self.sigma
        self.dW -= along * self.u[:, None] * self.v
        self.dW /= self.sigma
