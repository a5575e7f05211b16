"""Convolution against a sum that anyone can read, its adjoint, and sizes."""

import copy
import itertools

import numpy as np
import pytest

import minigan as m
from minigan.layers import Normal

SETTINGS = [  # kernel, stride, padding, height, width: each kernel with each stride, paddings and odd sizes in turn
    (kernel, stride, (kernel + stride) % 3 if kernel > 2 else 0, 5 + kernel % 2, 6 + stride % 2)
    for kernel, stride in itertools.product(range(1, 6), range(1, 4))
] + [((1, 3), (2, 1), (0, 1), 5, 4), ((4, 2), (1, 3), (2, 1), 3, 7)]  # fmt: skip


def pair(n):
    return n if isinstance(n, tuple) else (n, n)


def direct(x, W, stride, padding):
    """y_nabo = sum over i, j, c of x_n,sa+i-p,tb+j-q,c W_ijco, zeros beyond the edge: seven loops."""
    (N, height, width, C), (k, l_, _, O) = x.shape, W.shape  # noqa: E741
    (s, t), (p, q) = pair(stride), pair(padding)
    y = np.zeros((N, (height + 2 * p - k) // s + 1, (width + 2 * q - l_) // t + 1, O))
    for n, a, b, o in np.ndindex(y.shape):
        for i, j, c in np.ndindex(k, l_, C):
            row, column = s * a + i - p, t * b + j - q
            if 0 <= row < height and 0 <= column < width:
                y[n, a, b, o] += x[n, row, column, c] * W[i, j, c, o]
    return y


def alone(layer, shape, rng):
    """(the network of this layer, with a b that is not 0, x)"""
    network = m.Network(layer, dtype="float64", shape=shape)
    network.theta[...] += rng.standard_normal(network.theta.shape)
    return network, rng.standard_normal((2, *shape))


@pytest.mark.parametrize("kernel, stride, padding, height, width", SETTINGS)
def test_both_are_the_direct_sum_and_its_adjoint(kernel, stride, padding, height, width, rng):
    network, x = alone(m.Conv2D(3, kernel, stride, padding), (height, width, 2), rng)
    conv, y = network.layers[0], network.forward(x)
    np.testing.assert_allclose(y, direct(x, conv.W, stride, padding) + conv.b, rtol=1e-12, atol=1e-12)
    assert network.n_out == y.shape[1:]

    back, a = alone(m.ConvTranspose2D(2, kernel, stride, padding), y.shape[1:], rng)
    back.layers[0].W = conv.W
    z = back.forward(a) - back.layers[0].b
    met = x[:, : z.shape[1], : z.shape[2]]  # without the rows that no whole step reaches
    assert back.n_out == z.shape[1:] == met.shape[1:]
    assert float(((conv.forward(met.copy()) - conv.b) * a).sum()) == pytest.approx(float((met * z).sum()), rel=1e-10)


def test_a_layer_learns_its_channels_from_the_network_and_keeps_them():
    network = m.Network(m.Conv2D(4), m.Tanh(), m.ConvTranspose2D(2, kernel=(4, 2), padding=(1, 0)), shape=(6, 8, 3))
    first, _, last = network.layers
    assert first.W.shape == (4, 4, 3, 4) and last.W.shape == (4, 2, 2, 4) and network.n_out == (6, 8, 2)
    with pytest.raises(ValueError, match=r"takes images of 3 channels, but gets shape \(6, 8, 1\)"):
        m.Network(copy.deepcopy(first), shape=(6, 8, 1))
    assert m.Network(copy.deepcopy(first), shape=(10, 6, 3)).n_out == (5, 3, 4)


@pytest.mark.parametrize("make, words", [
    (lambda: m.Conv2D(0), r"Conv2D\(0, kernel=4, stride=2, padding=1\): the channels must be a whole number"),
    (lambda: m.Conv2D(2, kernel=(3,)), r"kernel=\(3,\), .*: the kernel must be whole numbers of at least 1"),
    (lambda: m.Conv2D(2, stride=0), "the stride must be whole numbers of at least 1"),
    (lambda: m.ConvTranspose2D(2, padding=-1), r"ConvTranspose2D\(2, .*: the padding must be whole numbers"),
    (lambda: m.Conv2D(2, init=3), "init must be a function"),
    (lambda: m.Network(m.Conv2D(2, init=lambda *given: [1.0]), shape=(4, 4, 1)), r"drew shape \(1,\), expected \(4, 4"),
    (lambda: m.Network(m.Conv2D(2)), r"layer 0, Conv2D\(2, .*, cannot tell the shape of its samples: say Network\("),
    (lambda: m.Network(m.Conv2D(2), shape=784), "takes images, shape .height, width, channels., but gets width 784"),
    (lambda: m.Network(m.Conv2D(2, 5, 1, (1, 0)), shape=(2, 9, 1)), r"has no place for its kernel: 2 \+ 2 \* 1 = 4"),
    (lambda: m.Network(m.ConvTranspose2D(2, 2), shape=(1, 1, 1)), r"its padding: \(1 - 1\) \* 2 \+ 2 - 2 \* 1 = 0"),
    (lambda: m.Network(m.SpectralConv2D(2, init=Normal(0.0)), shape=(4, 4, 1)), "init draws zeros only"),
    (lambda: m.Network(m.AveragePool(3), shape=(28, 27, 1)), r"AveragePool\(3\), takes whole squares: 28 / 3 = 9.3"),
    (lambda: m.Network(m.Upsample(), shape=28), "takes images, shape .height, width, channels., but gets width 28"),
    (lambda: m.AveragePool(0), r"AveragePool\(0\): the size must be a whole number"),
    (lambda: m.Network(m.BatchNorm(3), shape=(4, 4, 2)), r"takes width 3, but gets shape \(4, 4, 2\)"),
])  # fmt: skip
def test_what_cannot_be_is_refused_with_the_sizes_computed(make, words):
    with pytest.raises(ValueError, match=words):
        make()
