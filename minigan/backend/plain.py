"""What a backend may do faster, each as NumPy would write it: plain functions of arrays.

A backend may have a twin of any of them, in threads (minigan/backend/threads.py) or compiled; `kernels.NAME` is the
twin in use, or else the plain one (backend/kernels.py). The two agree to rounding. backend/moments.py adds its own.
"""

import itertools

from minigan.backend.arrays import xp


def matmul(a, b, out):
    """out <- a b      a (N, I)   b (I, O)   out (N, O), which overlaps neither"""
    return xp.matmul(a, b, out=out)


def leaky_relu(x, slope, out):
    """out <- max(x, slope x), for a slope in [0, 1]"""
    xp.multiply(x, slope, out=out)
    return xp.maximum(x, out, out=out)


def leaky_relu_backward(dy, y, slope, positive, out):
    """out <- dy where y > 0, slope dy elsewhere      positive: an array of bool to work in"""
    xp.greater(y, 0, out=positive)
    xp.maximum(positive, slope, out=out, dtype=dy.dtype)  # the derivative: 1 or slope
    out *= dy
    return out


def column_sum(a, out):
    """out <- the sum over the rows      a (N, O)   out (O,)"""
    return xp.sum(a, axis=0, out=out)


def sgd(theta, g, v, s, rate, momentum):
    """v <- momentum v - rate g      theta <- theta + v      s: an array to work in"""
    v *= momentum
    v -= xp.multiply(g, rate, out=s)
    theta += v


def adam(theta, g, m, v, s, rate, beta1, beta2, eps):
    """m <- beta1 m + (1 - beta1) g   v <- beta2 v + (1 - beta2) g^2   theta <- theta - rate m / (sqrt(v) + eps)

    s: an array to work in.
    """
    m *= beta1
    m += xp.multiply(g, 1 - beta1, out=s)
    v *= beta2
    xp.multiply(g, g, out=s)
    s *= 1 - beta2
    v += s
    xp.sqrt(v, out=s)
    s += eps
    xp.divide(m, s, out=s)
    s *= rate
    theta -= s


def im2col(x, stride, padding, out):
    """out <- the numbers under the kernel (k, l) at each place (a, b)      x (N, H, W, C)   out (N, h, w, k, l, C)

    out_nabij = x_n,sa+i-p,tb+j-q for stride (s, t) and padding (p, q), 0 beyond the edge
    """
    if any(padding):
        out[...] = 0
    for copies, numbers in meetings(out, x, stride, padding):
        copies[...] = numbers
    return out


def col2im(columns, stride, padding, out):
    """The adjoint of im2col: out <- at each place the sum of what im2col would have copied from there."""
    out[...] = 0
    for copies, numbers in meetings(columns, out, stride, padding):
        numbers += copies
    return out


def meetings(columns, x, stride, padding):
    """For each number (i, j) of the kernel: (its index in columns, what lies under it in x)."""
    places, kernel = columns.shape[1:3], columns.shape[3:5]
    for i, j in itertools.product(*map(range, kernel)):
        (a, row), (b, column) = map(_within, (i, j), places, x.shape[1:3], stride, padding)
        yield columns[:, a, b, i, j], x[:, row, column]


def _within(i, places, size, s, p):
    """(the places a where 0 <= s a + i - p < size, those s a + i - p), as slices."""
    first = max(0, -((i - p) // s))
    end = max(first, min(places, (size - 1 + p - i) // s + 1))
    return slice(first, end), slice(s * first + i - p, s * end + i - p, s)
