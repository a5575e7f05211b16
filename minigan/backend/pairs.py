"""Named functions of a convolution with fewer products (minigan/layers/winograd.py), as NumPy would write them."""

import itertools

from minigan.backend import plain
from minigan.backend.moments import named


@named
def fewer_products(kernel, stride, channels):
    """Whether such a convolution is faster than one by im2col; with the sums of pairs below it is not.

    channels: those of the larger image and those of the smaller
    """
    return False


@named
def pair_sums(x, pairs, *sums):
    """sums <- for each of the pairs, two rows and two columns of x added up

    x (N, H, W, C)   each of the sums (N, t, u, k, l, C)   pairs: for each of them (rows, columns), where rows =
    (step, first, second, sign): number (n, a, b, i, j) has the row step a + i + first, and sign times, -1, 0 or 1, the
    row step a + i + second; columns are the same for b and j; 0 beyond the edge
    """
    for pair, out in zip(pairs, sums, strict=True):
        out[...] = 0
        for sign, copies, numbers in _terms(out, x, *pair):
            copies += sign * numbers


@named
def pair_sums_adjoint(x, pairs, *sums):
    """The adjoint of pair_sums: x <- at each place the sum, with their signs, of the sums that it enters."""
    x[...] = 0
    for pair, out in zip(pairs, sums, strict=True):
        for sign, copies, numbers in _terms(out, x, *pair):
            numbers += sign * copies


@named
def each(function, parts):
    """function(*part) for each of the parts, a list; no part depends on another"""
    for part in parts:
        function(*part)


def _terms(sums, x, rows, columns):
    """For each of up to four terms, and each (i, j): (its sign, its index in sums, what lies there in x)."""
    (step, *pair), (stride, *beside) = ((n, (first, 1), (second, sign)) for n, first, second, sign in (rows, columns))
    for (r, sign), (s, factor) in itertools.product(pair, beside):
        if sign * factor:
            for copies, numbers in plain.meetings(sums, x, (step, stride), (-r, -s)):
                yield sign * factor, copies, numbers
