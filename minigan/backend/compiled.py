"""Named functions as loops that Numba compiles, the twins of `use("numpy", compiled=True)`.

NumPy goes over whole arrays, once for each operation. Adam takes it twelve passes over theta, which does not fit into
the processor's cache, so that the time goes into bringing numbers in and out of memory. A loop brings each number once
and does all of the arithmetic while it is there. Plain Python would take seconds for a step; Numba translates the loop
into machine code, several numbers at a time. `error_model="numpy"` is what allows that: 1 / 0 is inf, and nothing is to
be checked in between. `nogil` lets the threads of minigan share a loop as they share a plain function.

Every loop does the operations of its plain function in the same order, each rounded as NumPy rounds it, and no sum runs
over its elements. So the two differ by rounding at most, and where the processor does as IEEE 754 says, not at all:
zeros, denormal numbers, infinities and NaN included. No loop warns of an overflow, whatever numpy.errstate says.

A loop is compiled at its first call with float32 or float64, which takes a second or two, and kept on disk, in
NUMBA_CACHE_DIR, beside this file or in the user's cache folder; where none can be written, it is compiled each time.
"""

import functools
import inspect
import math

import numba
import numpy

from minigan.backend import plain

SHORT = 2**12  # numbers in an array, below which NumPy is done before a call of Numba's has begun
OPTIONS = {"nogil": True, "error_model": "numpy"}
TWINS = {}


def twin(loop):
    """Enter a loop over vectors into TWINS as the twin of the plain function of its name, with the same arguments.

    Arrays of any one shape are taken as vectors. What the loop cannot take is left to the plain function: complex
    numbers, views with gaps, arrays that broadcast; and what is short.
    """
    compiled, returns = _compile(loop), "out" in inspect.signature(loop).parameters

    @functools.wraps(loop)
    def either(*args, out=None):
        nonlocal compiled
        args = args if out is None else (*args, out)
        if not _takes(*args):
            return getattr(plain, loop.__name__)(*args)
        given = [a.reshape(-1) if isinstance(a, numpy.ndarray) else float(a) for a in args]
        try:
            compiled(*given)
        except OSError:  # it compiles at its first call, and the disk is full, say
            compiled = numba.njit(**OPTIONS)(loop)
            compiled(*given)
        return args[-1] if returns else None

    TWINS[loop.__name__] = either
    return either


def _compile(loop):
    try:
        return numba.njit(cache=True, **OPTIONS)(loop)
    except RuntimeError:  # no folder can be written
        return numba.njit(**OPTIONS)(loop)


def _takes(first, *others):
    if type(first) is not numpy.ndarray or first.size < SHORT or first.dtype not in (numpy.float32, numpy.float64):
        return False
    shape, dtypes = first.shape, (first.dtype, bool)
    arrays = [first, *(a for a in others if isinstance(a, numpy.ndarray))]
    return all(a.shape == shape and a.dtype in dtypes and a.flags.carray for a in arrays)


@twin
def leaky_relu(x, slope, out):
    """out <- max(x, slope x)"""
    slope = x.dtype.type(slope)
    for i in range(x.size):
        low = slope * x[i]
        out[i] = x[i] if x[i] > low else low


@twin
def leaky_relu_backward(dy, y, slope, positive, out):
    """out <- dy where y > 0, slope dy elsewhere      positive: not needed here"""
    slope = dy.dtype.type(slope)
    for i in range(dy.size):
        out[i] = dy[i] if y[i] > 0 else slope * dy[i]


@twin
def sgd(theta, g, v, s, rate, momentum):
    """v <- momentum v - rate g      theta <- theta + v      s: not needed here"""
    real = theta.dtype.type
    rate, momentum = real(rate), real(momentum)
    for i in range(theta.size):
        v[i] = momentum * v[i] - rate * g[i]
        theta[i] += v[i]


@twin
def adam(theta, g, m, v, s, rate, beta1, beta2, eps):
    """m <- beta1 m + (1 - beta1) g   v <- beta2 v + (1 - beta2) g^2   theta <- theta - rate m / (sqrt(v) + eps)

    s: not needed here.
    """
    real = theta.dtype.type
    rest1, rest2 = real(1 - beta1), real(1 - beta2)  # in double precision first: 1 - 0.999f is off by 1e-5 of it
    rate, beta1, beta2, eps = real(rate), real(beta1), real(beta2), real(eps)
    for i in range(theta.size):
        m[i] = beta1 * m[i] + rest1 * g[i]
        v[i] = beta2 * v[i] + rest2 * (g[i] * g[i])
        theta[i] -= rate * (m[i] / (math.sqrt(v[i]) + eps))
