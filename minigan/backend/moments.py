"""The passes of batch normalization, named functions beside those of minigan/backend/plain.py.

`kernels.NAME` finds them there, and their twins: minigan/layers/normalization.py has the formulas.
"""

from minigan.backend import plain
from minigan.backend.arrays import xp


def named(function):
    """Enter a function among the plain ones."""
    setattr(plain, function.__name__, function)
    return function


@named
def column_sums(a, b, product, out):
    """out <- the sums over the rows of a b, and of a      a, b (N, O)   product: to work in   out (2, O)"""
    xp.sum(xp.multiply(a, b, out=product), axis=0, out=out[0])
    xp.sum(a, axis=0, out=out[1])
    return out


@named
def column_squares(x, mean, squares, out):
    """out <- the sum over the rows of (x - mean)^2      x (N, O)   squares: to work in   mean, out (O,)"""
    xp.subtract(x, mean, out=squares)
    squares *= squares
    return xp.sum(squares, axis=0, out=out)


@named
def normalize(x, mean, deviation, gamma, beta, x_hat, out):
    """x_hat <- (x - mean) / deviation      out <- x_hat gamma + beta      mean, deviation (O,) or (N, 1)"""
    xp.subtract(x, mean, out=x_hat)
    x_hat /= deviation
    xp.multiply(x_hat, gamma, out=out)
    out += beta
    return out


@named
def normalize_backward(dy, x_hat, mean, along, factor, product, out):
    """out <- (dy - mean - x_hat along) factor      mean, along, factor (O,)   product: to work in"""
    xp.subtract(dy, mean, out=out)
    out -= xp.multiply(x_hat, along, out=product)
    out *= factor
    return out
