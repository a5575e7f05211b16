"""The round in HIPS autograd: derivatives traced over NumPy, and an Adam that allocates nothing.

Single precision wants care here: the derivatives of `np.maximum` and `np.where` come back in float64.
"""

import itertools

import numpy
from autograd import grad
from autograd import numpy as np


class Peer:
    """Losses as functions of a list of weights, differentiated by `grad`; BLAS has its threads from the environment."""

    def __init__(self, g_widths, d_widths, n, threads):
        self.rng = numpy.random.default_rng(0)
        self.x = self.rng.uniform(-1, 1, (n, d_widths[0])).astype("float32")
        self.g, self.d = he(self.rng, g_widths), he(self.rng, d_widths)
        self.adam_g, self.adam_d = Adam(self.g), Adam(self.d)

    def play(self, x, z, z_next):
        """One round on x, D's step with the noise z and G's with z_next."""
        self.adam_d.step(grad_d(self.d, self.g, x, z))
        self.adam_g.step(grad_g(self.g, self.d, z_next))

    def rounds(self, count):
        """So many rounds on the fixed batch with fresh noise."""
        shape = len(self.x), len(self.g[0])
        for _ in range(count):
            self.play(self.x, *(self.rng.standard_normal(shape, dtype="float32") for _ in range(2)))

    def load(self, g, d):
        """Take these weights, with fresh optimizers."""
        self.g, self.d = ([a.copy() for a in given] for given in (g, d))
        self.adam_g, self.adam_d = Adam(self.g), Adam(self.d)

    def weights(self):
        """(G's, D's), as NumPy arrays."""
        return tuple([a.copy() for a in given] for given in (self.g, self.d))

    def gradients(self, x, z):
        """(G's, D's): the gradient of each player's loss at the present weights, with the fakes G(z)."""
        return grad_g(self.g, self.d, z), grad_d(self.d, self.g, x, z)


class Adam:
    """Kingma and Ba 2015, in place, tensor by tensor."""

    def __init__(self, weights, lr=2e-4, beta1=0.5, beta2=0.999, eps=1e-8):
        self.weights, self.lr, self.beta1, self.beta2, self.eps, self.t = weights, lr, beta1, beta2, eps, 0
        self.m, self.v, self.s = ([numpy.zeros_like(a) for a in weights] for _ in range(3))

    def step(self, gradients):
        """One update of the weights."""
        self.t += 1
        root = (1 - self.beta2**self.t) ** 0.5
        rate = self.lr * root / (1 - self.beta1**self.t)
        for a, g, m, v, s in zip(self.weights, gradients, self.m, self.v, self.s, strict=True):
            m *= self.beta1
            m += numpy.multiply(g, 1 - self.beta1, out=s)
            v *= self.beta2
            numpy.multiply(g, g, out=s)
            v += numpy.multiply(s, 1 - self.beta2, out=s)
            numpy.sqrt(v, out=s)
            s += self.eps * root
            numpy.divide(m, s, out=s)
            a -= numpy.multiply(s, rate, out=s)


def he(rng, widths):
    """[W, b, W, b, ...]"""
    return [
        a.astype("float32")
        for i, o in itertools.pairwise(widths)
        for a in (rng.standard_normal((i, o)) * (2 / i) ** 0.5, numpy.zeros(o))
    ]


def forward(weights, x):
    """The dense chain with LeakyReLU between its layers."""
    *hidden, last = zip(weights[::2], weights[1::2], strict=True)
    for W, b in hidden:
        x = np.dot(x, W) + b
        x = x * np.maximum((x > 0).astype("float32"), np.float32(0.2))  # a comparison is not traced
    W, b = last
    return np.dot(x, W) + b


def loss_d(d, g, x, z):
    """-mean log D(x) - mean log(1 - D(G(z))), on one stacked batch; G is not traced."""
    a = forward(d, numpy.concatenate((x, numpy.tanh(forward(g, z)))))
    return np.mean(softplus(-a[: len(x)])) + np.mean(softplus(a[len(x) :]))


def loss_g(g, d, z):
    """-mean log D(G(z))"""
    return np.mean(softplus(-forward(d, np.tanh(forward(g, z)))))


def softplus(a):
    """log(1 + e^a)"""
    return np.logaddexp(np.float32(0), a)


grad_d, grad_g = grad(loss_d), grad(loss_g)
