"""Named functions as loops that Numba compiles, the twins of `use("numpy", compiled=True)`.

NumPy passes over whole arrays, once for each operation. Adam takes it twelve passes over theta. Theta does not fit into
the processor's cache, so most of the time is spent on moving numbers from and to memory. A loop fetches each number
once and does all of the arithmetic with it. Plain Python would take seconds for a step; Numba translates the loop into
machine code, several numbers at a time. `error_model="numpy"` allows that: 1 / 0 is inf, and no division has to be
checked. `nogil` lets the threads of minigan share a loop as they share a plain function.

Every loop does the operations of its plain function in the same order, each rounded as NumPy rounds it. So the two
differ by rounding at most, and where the processor does as IEEE 754 says, not at all: zeros, denormal numbers,
infinities and NaN included. No loop warns of an overflow, whatever numpy.errstate says.

A loop is compiled at its first call with float32 or float64, which takes a second or two, and kept on disk, in
NUMBA_CACHE_DIR, beside this file or in the user's cache folder; where none can be written, it is compiled each time.
"""

import functools
import inspect
import math

import numba
import numpy

from minigan.backend import plain

SHORT = 2**12  # numbers in an array: with fewer, NumPy is done before a call of Numba's has begun
RUN = 2  # channels: of one, NumPy's copies of one number of the kernel at a time are as fast, and its sums faster
OPTIONS = {"nogil": True, "error_model": "numpy"}
TWINS = {}


def twin(loop, taken=None):
    """Enter a loop into TWINS as the twin of the plain function of its name, with the same arguments.

    `taken(*args)` gives the loop's arguments, or None if the loop cannot take these: then the plain function is called.
    """
    compiled, returns = jit(loop), "out" in inspect.signature(loop).parameters
    taken = taken or _vectors

    @functools.wraps(loop)
    def either(*args, out=None):
        args = args if out is None else (*args, out)
        given = taken(*args)
        if given is None:
            return getattr(plain, loop.__name__)(*args)
        compiled(*given)
        return args[-1] if returns else None

    TWINS[loop.__name__] = either
    return either


def jit(loop):
    """The loop as Numba compiles it, at its first call, and kept on disk if possible."""
    try:
        compiled = numba.njit(cache=True, **OPTIONS)(loop)
    except RuntimeError:  # no folder can be written
        return numba.njit(**OPTIONS)(loop)

    @functools.wraps(loop)
    def run(*args):
        nonlocal compiled
        try:
            compiled(*args)
        except OSError:  # the disk is full, say
            compiled = numba.njit(**OPTIONS)(loop)
            compiled(*args)

    return run


def _vectors(*args):
    """Arrays of any one shape as vectors: no complex numbers, views with gaps, arrays that broadcast, what is short."""
    arrays = [a for a in args if isinstance(a, numpy.ndarray)]
    if alike(*arrays) and all(a.shape == arrays[0].shape for a in arrays):
        return [a.reshape(-1) if isinstance(a, numpy.ndarray) else float(a) for a in args]


def _rows(a, *others):
    """A matrix and others like it, and vectors as wide as it is, or two of them; of one column NumPy is faster."""
    if a.ndim == 2 and a.shape[1] >= RUN and alike(a, *others):
        if all(b.shape in (a.shape, a.shape[1:], (2, *a.shape[1:])) for b in others):
            return a, *others


def alike(first, *others):
    """Whether a loop can take arrays like these."""
    dtypes = first.dtype, bool
    return (
        first.size >= SHORT
        and first.dtype in (numpy.float32, numpy.float64)
        and all(type(a) is numpy.ndarray and a.dtype in dtypes and a.flags.carray for a in (first, *others))
    )


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
        step = momentum * v[i] - rate * g[i]
        v[i] = step
        theta[i] += step


@twin
def adam(theta, g, m, v, s, rate, beta1, beta2, eps):
    """m <- beta1 m + (1 - beta1) g   v <- beta2 v + (1 - beta2) g^2   theta <- theta - rate m / (sqrt(v) + eps)

    s: not needed here.
    """
    real = theta.dtype.type
    rest1, rest2 = real(1 - beta1), real(1 - beta2)  # in double precision first: 1 - 0.999f is off by 1e-5 of it
    rate, beta1, beta2, eps = real(rate), real(beta1), real(beta2), real(eps)
    for i in range(theta.size):  # each array is read once: theta might be m, as far as the compiler knows
        slope = g[i]
        mean = beta1 * m[i] + rest1 * slope
        square = beta2 * v[i] + rest2 * (slope * slope)
        m[i], v[i] = mean, square
        theta[i] -= rate * (mean / (math.sqrt(square) + eps))


of_rows = functools.partial(twin, taken=_rows)


@of_rows
def column_sum(a, out):
    """out <- the sum over the rows, from the first to the last"""
    for o in range(len(out)):
        out[o] = a[0, o]
    for n in range(1, len(a)):
        for o in range(len(out)):
            out[o] += a[n, o]


@of_rows
def column_sums(a, b, product, out):
    """out <- the sums over the rows of a b, and of a      product: not needed here"""
    for o in range(a.shape[1]):
        out[0, o] = a[0, o] * b[0, o]
        out[1, o] = a[0, o]
    for n in range(1, len(a)):
        for o in range(a.shape[1]):
            out[0, o] += a[n, o] * b[n, o]
            out[1, o] += a[n, o]


@of_rows
def column_squares(x, mean, squares, out):
    """out <- the sum over the rows of (x - mean)^2      squares: not needed here"""
    for o in range(len(out)):
        y = x[0, o] - mean[o]
        out[o] = y * y
    for n in range(1, len(x)):
        for o in range(len(out)):
            y = x[n, o] - mean[o]
            out[o] += y * y


@of_rows
def normalize(x, mean, deviation, gamma, beta, x_hat, out):
    """x_hat <- (x - mean) / deviation      out <- x_hat gamma + beta"""
    for n in range(len(x)):
        for o in range(len(mean)):
            y = (x[n, o] - mean[o]) / deviation[o]
            x_hat[n, o] = y
            out[n, o] = y * gamma[o] + beta[o]


@of_rows
def normalize_backward(dy, x_hat, mean, along, factor, product, out):
    """out <- (dy - mean - x_hat along) factor      product: not needed here"""
    for n in range(len(dy)):
        for o in range(len(mean)):
            out[n, o] = (dy[n, o] - mean[o] - x_hat[n, o] * along[o]) * factor[o]


@jit
def look(words, place, seen, turns, rest):
    """Look at words[place], so many times at most, until it is no longer `seen`, and rest for so many turns then.

    Another thread changes it. What is written in each turn might be words[place], as far as the compiler knows, which
    otherwise would have it read once for all. Whoever comes back while that other thread still holds Python's lock
    would have to sleep: hence the rest.
    """
    for turn in range(turns):
        if words[place] != seen:
            break
        words[8 + turn % 8] = turn
    for turn in range(rest):
        words[8 + turn % 8] = turn + words[place]
