"""A layer whose largest stretch is 1."""

from minigan.backend import xp
from minigan.layers import Dense


class SpectralNorm(Dense):
    """y = x W / sigma + b, sigma the largest singular value of W: no x is stretched by more than 1

    sigma = u.T W v, with u (I,) and v (O,) of length 1, which one power iteration in each training forward brings to
    the first singular vectors: v <- W.T u / |W.T u|, u <- W v / |W v|      (Miyato et al. 2018, algorithm 1).
    W enters y twice. For fixed u, v, with dV = dL/d(W / sigma) = x.T dy,

    dW = (dV - (sum of dV W) / sigma u v.T) / sigma      dx = dy W.T / sigma      db = sum of dy over N

    (eq. 12). It is the derivative through sigma(W) itself where u and v are the singular vectors: sigma is stationary
    there, and their own movement drops out.
    """

    state = "u", "v"

    def initialize(self, rng):
        u, v = rng.standard_normal(self.n_in), rng.standard_normal(self.n_out)
        return super().initialize(rng) | {"u": u / (u @ u) ** 0.5, "v": v / (v @ v) ** 0.5}

    def forward(self, x, training=False):
        if training:
            self._iterate(self.W.T @ self.u, self.v)
            self._iterate(self.W @ self.v, self.u)
        self.x, self.sigma = x, self.u @ self.W @ self.v
        y = xp.matmul(x, self.W, out=self.scratch("y", (len(x), self.n_out), x.dtype))
        y /= self.sigma
        y += self.b
        return y

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
