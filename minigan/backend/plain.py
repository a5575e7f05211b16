"""What a backend may do faster, each as NumPy would write it: plain functions of arrays.

A backend may hold a twin of any of them, in threads (minigan/backend/threads.py) or compiled; `kernels.NAME` is the
twin in use, or what stands here (minigan/backend/kernels.py). Every twin agrees with its plain function to rounding.
"""

from minigan.backend.arrays import xp


def matmul(a, b, out):
    """out <- a b      a (N, I)   b (I, O)   out (N, O), an array apart from both"""
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
