"""Loops that Numba compiles, as in minigan/backend/compiled.py: those of convolutions, over images (N, H, W, C)."""

import functools

import numpy

from minigan.backend import compiled
from minigan.backend.compiled import TWINS

WIDE = 64  # channels: with fewer, the sums around fewer products take longer than those products save


def _images(x, *args):
    """Images of several channels, and columns or sums of them."""
    arrays = [a for a in args if isinstance(a, numpy.ndarray)]
    if compiled.alike(x, *arrays) and x.shape[-1] >= compiled.RUN:
        return x, *args


of_images = functools.partial(compiled.twin, taken=_images)


@of_images
def im2col(x, stride, padding, out):
    """out_nabij <- x_n,sa+i-p,tb+j-q for stride (s, t) and padding (p, q), 0 beyond the edge"""
    (s, t), (p, q) = stride, padding
    N, h, w, k, l, C = out.shape  # noqa: E741
    for n in range(N):
        for a in range(h):
            for b in range(w):
                for i in range(k):
                    for j in range(l):
                        row, column = s * a + i - p, t * b + j - q
                        if 0 <= row < x.shape[1] and 0 <= column < x.shape[2]:
                            for c in range(C):
                                out[n, a, b, i, j, c] = x[n, row, column, c]
                        else:
                            for c in range(C):
                                out[n, a, b, i, j, c] = 0


@of_images
def col2im(columns, stride, padding, out):
    """out_n,sa+i-p,tb+j-q <- the sum of columns_nabij: from the last (a, b) to the first, so that i and j go up"""
    (s, t), (p, q) = stride, padding
    N, h, w, k, l, C = columns.shape  # noqa: E741
    for n in range(N):
        out[n] = 0
        for a in range(h - 1, -1, -1):
            for b in range(w - 1, -1, -1):
                for i in range(k):
                    for j in range(l):
                        row, column = s * a + i - p, t * b + j - q
                        if 0 <= row < out.shape[1] and 0 <= column < out.shape[2]:
                            for c in range(C):
                                out[n, row, column, c] += columns[n, a, b, i, j, c]


@of_images
def pair_sums(x, pairs, *sums):
    """sums <- for each of the pairs, two rows and two columns of x added up, sample by sample"""
    for n in range(len(x)):
        for kind in range(len(pairs)):
            (step, first, second, sign), (stride, begin, beside, factor) = pairs[kind]
            out = sums[kind][n]
            h, w, k, l, C = out.shape  # noqa: E741
            for a in range(h):
                for b in range(w):
                    for i in range(k):
                        for j in range(l):
                            for c in range(C):
                                out[a, b, i, j, c] = 0
                            for r, p in ((first, 1), (second, sign)):
                                for s, q in ((begin, 1), (beside, factor)):
                                    row, column = step * a + i + r, stride * b + j + s
                                    if p * q and 0 <= row < x.shape[1] and 0 <= column < x.shape[2]:
                                        weight = x.dtype.type(p * q)
                                        for c in range(C):
                                            out[a, b, i, j, c] += weight * x[n, row, column, c]


@of_images
def pair_sums_adjoint(x, pairs, *sums):
    """x <- at each place the sum, with their signs, of the sums that it enters, sample by sample"""
    for n in range(len(x)):
        x[n] = 0
        for kind in range(len(pairs)):
            (step, first, second, sign), (stride, begin, beside, factor) = pairs[kind]
            out = sums[kind][n]
            h, w, k, l, C = out.shape  # noqa: E741
            for a in range(h):
                for b in range(w):
                    for i in range(k):
                        for j in range(l):
                            for r, p in ((first, 1), (second, sign)):
                                for s, q in ((begin, 1), (beside, factor)):
                                    row, column = step * a + i + r, stride * b + j + s
                                    if p * q and 0 <= row < x.shape[1] and 0 <= column < x.shape[2]:
                                        weight = x.dtype.type(p * q)
                                        for c in range(C):
                                            x[n, row, column, c] += weight * out[a, b, i, j, c]


def fewer_products(kernel, stride, channels):
    """Whether a convolution with fewer products is faster: with these sums it is, if there are many channels."""
    return kernel == (2 * stride[0], 2 * stride[1]) and min(channels) >= WIDE


TWINS["fewer_products"] = fewer_products
