"""A convolution whose kernel is twice its stride, with nine products for sixteen (Winograd 1980, Lavin and Gray 2016).

Along one dimension, let e_a be the s numbers of x from s a - p on, for stride s and padding p, and w, w' the halves of
the kernel. Then y_a = e_a w + e_a+1 w', and two neighbors y_2t, y_2t+1 take four products. Three are enough, because
they share e_2t+1:

    m_0 = (e_2t - e_2t+1) w      m_1 = e_2t+1 (w + w')      m_2 = (e_2t+2 - e_2t+1) w'
    y_2t = m_0 + m_1             y_2t+1 = m_1 + m_2

If the number of places is odd, the last one has no neighbor and needs no m_2. Along both dimensions there are nine
kinds of m, each a product of two matrices. What stands around the products only adds and subtracts, so it is linear:
B makes the left factors, G the right ones, and A.T makes y of the products. For each kind,

    V = B x          U = G W          m = V U          y = A.T m
    dx = B.T dV      dW = G.T dU      dV = dm U.T      dU = V.T dm      dm = A dy

Each of B, G and A adds up pairs of rows and of columns: `kernels.pair_sums` (minigan/backend/pairs.py), whose adjoint
is what the .T stands for. y, dx and dW are those of im2col to rounding. There is more of it, because sums are rounded
before they are multiplied.
"""

import itertools

from minigan.backend import kernels, xp

KINDS = list(itertools.product(range(3), repeat=2))
SAMPLES = 16  # in a part, one of those that threads share


class Winograd:
    """The products of a Conv2D `layer`, by the functions that it has for them itself, in arrays that it owns.

    Its im2col(x) is V here, and its dy is A dy: lists of an array (N, t, u, ...) for each kind.
    """

    def __init__(self, layer):
        self.layer = layer

    def gathered(self, name, x, places):
        """V = B x, for the places (h, w) of y: arrays (N, t, u, s, s', C)."""
        return self.apart(name, x, places, self.layer.stride, self.of_x)

    def spread(self, name, a):
        """A a, for a (N, h, w, O): arrays (N, t, u, 1, 1, O)."""
        return self.apart(name, a, a.shape[1:3], (1, 1), self.of_y)

    def product(self, name, V):
        """A.T (V U), (N, h, w, O)."""
        N, places, O = len(V[0]), _places(V), self.layer.W.shape[-1]  # noqa: E741
        m = self.nine("m", N, places, (1, 1, O), V[0].dtype)
        _multiply([(_matrix(v, U), U, _matrix(a, U.T)) for v, U, a in zip(V, self.U(), m, strict=True)])
        return self.together(m, self.of_y, self.layer.scratch(name, (N, *places, O), m[0].dtype))

    def scattered(self, name, a, shape):
        """B.T (a U.T), of this shape."""
        V = self.nine("dV", len(a[0]), _places(a), (*self.layer.stride, shape[-1]), a[0].dtype)
        _multiply([(_matrix(m, U.T), U.T, _matrix(v, U)) for m, U, v in zip(a, self.U(), V, strict=True)])
        return self.together(V, self.of_x, self.layer.scratch(name, shape, V[0].dtype))

    def gradient(self, V, a):
        """dW <- G.T (V.T a)"""
        dW, O = _image(self.layer.dW), a[0].shape[-1]  # noqa: E741
        dU = self.nine("dU", 1, (2, 2), (*self.layer.stride, dW.shape[-1]), dW.dtype)
        matrices = [each.reshape(-1, O) for each in dU]
        _multiply([(_matrix(v, du).T, _matrix(m, du.T), du) for v, m, du in zip(V, a, matrices, strict=True)])
        self.together(dU, self.of_W, dW)

    def U(self):
        """G W, for each kind a matrix (s s' C, O)."""
        W = self.layer.W
        given = self.apart("U", _image(W), (2, 2), self.layer.stride, self.of_W)
        return [each.reshape(-1, W.shape[-1]) for each in given]

    def of_x(self, i, d):
        """The rows of x (d = 0) or columns (1) that make V of kind i: e_2t - e_2t+1, e_2t+1 or e_2t+2 - e_2t+1.

        As pair_sums takes them: (step, first, second, sign).
        """
        s, p = self.layer.stride[d], self.layer.padding[d]
        return 2 * s, i * s - p, s - p, i % 2 - 1

    def of_y(self, i, d):
        """Those of y that make A y: y_2t, y_2t + y_2t+1 or y_2t+1."""
        return 2, i // 2, 1, i % 2

    def of_W(self, i, d):
        """Those of W that make U: w, w + w' or w'."""
        s = self.layer.stride[d]
        return 1, i // 2 * s, s, i % 2

    def apart(self, name, x, places, width, of):
        """The sums of pairs of x, an array for each kind."""
        sums = self.nine(name, len(x), places, (*width, x.shape[-1]), x.dtype)
        kernels.each(kernels.pair_sums, _parts(of, x, sums))
        return sums

    def together(self, sums, of, out):
        """The adjoint: out <- at each place the sum of all sums that it enters."""
        kernels.each(kernels.pair_sums_adjoint, _parts(of, out, sums))
        return out

    def nine(self, name, N, places, width, dtype):
        """An owned array for each kind: of the last there are as many as second neighbors, of the others as first."""
        h, w = ((-(-n // 2), -(-n // 2), n // 2) for n in places)
        return [self.layer.scratch(f"{name} {i}{j}", (N, h[i], w[j], *width), dtype) for i, j in KINDS]


def _multiply(factors):
    """For each kind a product (a, b, where it is to be)."""
    kernels.each(xp.matmul, factors)


def _parts(of, x, sums):
    """What pair_sums and its adjoint take, for some samples at a time."""
    pairs = tuple((of(i, 0), of(j, 1)) for i, j in KINDS)
    starts = range(0, len(x), SAMPLES)
    return [(x[n : n + SAMPLES], pairs, *(a[n : n + SAMPLES] for a in sums)) for n in starts]


def _places(arrays):
    """(h, w) of y, from an array for each kind."""
    (_, t, u, *_), (_, second, beside, *_) = arrays[0].shape, arrays[-1].shape
    return t + second, u + beside


def _matrix(a, other):
    """An array as the matrix that is multiplied by another, or is such a product."""
    return a.reshape(-1, len(other))


def _image(W):
    """W (k, l, C, O) as one image (1, k, l, C O)."""
    return W.reshape(1, *W.shape[:2], -1)
