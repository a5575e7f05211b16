"""Convolution against a sum that anyone can read, its adjoint, sizes, and a small game of images."""

import copy
import itertools
import json
import pickle

import numpy as np
import pytest

from minigan import (
    GAN,
    R1,
    AveragePool,
    BatchNorm,
    Conv2D,
    ConvTranspose2D,
    Dense,
    Dropout,
    Flatten,
    GradientPenalty,
    LeakyReLU,
    Network,
    OneSidedGradientPenalty,
    Pack,
    ReLU,
    Reshape,
    SpectralConv2D,
    Tanh,
    Upsample,
    assert_gradients,
    xp,
)  # fmt: skip
from minigan.backend import to_numpy
from minigan.gradcheck.second_order import check_penalty, check_second_order
from minigan.layers import Normal
from minigan.training.description import described, made

KINDS = Conv2D, ConvTranspose2D
SIZES = (5, 6), (6, 5), (3, 7)
OBLONG = ((1, 3), (2, 1), (0, 1), (5, 4)), ((4, 2), (1, 3), (2, 1), (3, 7))


def settings(every, kinds=(Conv2D,), bias=(True,)):
    """Kernels 1 to 5, strides 1 to 3, paddings 0 to 2, where there is a place; all but some of them are slow."""
    cases = itertools.product(range(1, 6), range(1, 4), range(3), SIZES, bias, kinds)
    cases = [case for case in cases if possible(*case)]
    slow = (() if i % every == 0 else pytest.mark.slow for i in range(len(cases)))
    cases = [pytest.param(*case, marks=marks) for case, marks in zip(cases, slow, strict=True)]
    return cases + [(*case, bias[0], kind) for case in OBLONG for kind in kinds]


def possible(kernel, stride, padding, size, use_bias, kind):
    n, k, s, p = min(size), kernel, stride, padding
    return n + 2 * p >= k if kind is Conv2D else (n - 1) * s + k > 2 * p


def pair(n):
    return n if isinstance(n, tuple) else (n, n)


def products(x, y, W, stride, padding):
    """(where in x, where in y, where in W) of each product in y_nabo = sum of x_n,sa+i-p,tb+j-q,c W_ijco: 7 loops."""
    (s, t), (p, q) = pair(stride), pair(padding)
    for n, a, b, o in np.ndindex(y):
        for i, j, c in np.ndindex(W[:3]):
            row, column = s * a + i - p, t * b + j - q
            if 0 <= row < x[1] and 0 <= column < x[2]:
                yield (n, row, column, c), (n, a, b, o), (i, j, c, o)


def alone(layer, shape, rng):
    """(the network of this layer, with a b that is not 0, x)"""
    network = Network(layer, dtype="float64", shape=shape)
    network.theta[...] += xp.asarray(rng.standard_normal(network.theta.shape))
    return network, xp.asarray(rng.standard_normal((2, *shape)))


@pytest.mark.parametrize("kernel, stride, padding, size, use_bias, kind", settings(19, KINDS))
def test_y_is_the_direct_sum(kernel, stride, padding, size, use_bias, kind, rng, each_backend):
    network, x = alone(kind(3, kernel, stride, padding), (*size, 2), rng)
    layer, y = network.layers[0], network.forward(x)
    expected, x, W = np.zeros(y.shape) + to_numpy(layer.b), to_numpy(x), to_numpy(layer.W)
    if kind is Conv2D:
        for at, to, i in products(x.shape, y.shape, W.shape, stride, padding):
            expected[to] += x[at] * W[i]
    else:
        for to, at, i in products(y.shape, x.shape, W.shape, stride, padding):
            expected[to] += x[at] * W[i]
    assert network.n_out == y.shape[1:]
    np.testing.assert_allclose(to_numpy(y), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kernel, stride, padding, size, use_bias, kind", settings(7, KINDS[1:]))
def test_each_is_the_adjoint_of_the_other(kernel, stride, padding, size, use_bias, kind, rng):
    back, a = alone(ConvTranspose2D(3, kernel, stride, padding, use_bias=False), (*size, 2), rng)
    conv, x = alone(Conv2D(2, kernel, stride, padding, use_bias=False), back.n_out, rng)
    conv.layers[0].W = back.layers[0].W
    assert conv.n_out == back.shape
    assert float((conv.forward(x) * a).sum()) == pytest.approx(float((x * back.forward(a)).sum()), rel=1e-10)


@pytest.mark.parametrize("kernel, stride, padding, size, use_bias, kind", settings(101, KINDS, (True, False)))
def test_gradients_of_first_and_second_order(kernel, stride, padding, size, use_bias, kind, rng):
    layer = kind(3, kernel, stride, padding, use_bias=use_bias)
    x = rng.standard_normal((2, *size, 2))
    assert len(Network(layer, shape=x.shape[1:]).layers[0].params) == 1 + use_bias
    for method in "central", "complex":
        assert_gradients(layer, x, entries=5, method=method)
    assert (report := check_second_order(layer, x)).ok, report


def test_a_layer_learns_its_channels_from_the_network_and_keeps_them():
    network = Network(Conv2D(4), LeakyReLU(), ConvTranspose2D(2, kernel=(4, 2), padding=(1, 0)), shape=(6, 8, 3))
    first, _, last = network.layers
    assert first.W.shape == (4, 4, 3, 4) and last.W.shape == (4, 2, 2, 4) and network.n_out == (6, 8, 2)
    with pytest.raises(ValueError, match=r"takes images of 3 channels, but gets shape \(6, 8, 1\)"):
        Network(copy.deepcopy(first), shape=(6, 8, 1))
    assert Network(copy.deepcopy(first), shape=(10, 6, 3)).n_out == (5, 3, 4)


def test_initial_weights_are_drawn_by_the_number_of_connections():
    seen = []

    def init(rng, shape, fan_in, fan_out):
        seen.append((shape, fan_in, fan_out))
        return np.ones(shape)

    Network(Conv2D(8, (4, 2), (2, 1), init=init), ConvTranspose2D(5, 4, 2, init=init), shape=(8, 8, 3))
    assert seen == [((4, 2, 3, 8), 24, 32), ((4, 4, 5, 8), 32, 80)]
    assert 0.018 < Network(Conv2D(64, init=Normal(0.02)), shape=(8, 8, 8)).layers[0].W.std() < 0.022


@pytest.mark.parametrize("shape, n_out", [((None, 7, 1), (None, 3, 2)), ((None, None, 1), (None, None, 2))])
def test_the_size_of_the_images_may_be_left_open(shape, n_out):
    network = Network(Conv2D(2), shape=shape)
    assert network.n_out == n_out
    assert network(np.ones((1, 9, 7, 1))).shape == (1, 4, 3, 2) and network(np.ones((1, 4, 7, 1))).shape[1] == 2
    with pytest.raises(
        ValueError, match=r"^layer 0, Conv2D\(2, .*, has no place for its kernel: 1 \+ 2 \* 1 = 3 numbers"
    ):
        network(np.ones((1, 1, 7, 1)))
    assert network.summary().splitlines()[-1].split()[-2:] == ["34", "any"]


@pytest.mark.parametrize("make, words", [
    (lambda: Conv2D(0), r"Conv2D\(0, kernel=4, stride=2, padding=1\): the channels must be a whole number"),
    (lambda: Conv2D(2, kernel=(3,)), r"kernel=\(3,\), .*: the kernel must be whole numbers of at least 1"),
    (lambda: Conv2D(2, stride=0), "the stride must be whole numbers of at least 1"),
    (lambda: ConvTranspose2D(2, padding=-1), r"ConvTranspose2D\(2, .*: the padding must be whole numbers"),
    (lambda: Conv2D(2, init=3), "init must be a function"),
    (lambda: Network(Conv2D(2, init=lambda *given: [1.0]), shape=(4, 4, 1)), r"init draws must have .* not \(1,\)"),
    (lambda: Network(Conv2D(2)), r"layer 0, Conv2D\(2, .*, cannot tell the shape of its samples: say Network\("),
    (lambda: Network(Conv2D(2), shape=784), "takes images, shape .height, width, channels., but gets width 784"),
    (lambda: Network(Conv2D(2, 5, 1, (1, 0)), shape=(2, 9, 1)), r"has no place for its kernel: 2 \+ 2 \* 1 = 4"),
    (lambda: Network(ConvTranspose2D(2, 2), shape=(1, 1, 1)), r"its padding: \(1 - 1\) \* 2 \+ 2 - 2 \* 1 = 0; take"),
    (lambda: Network(SpectralConv2D(2, init=Normal(0.0)), shape=(4, 4, 1)), "init draws zeros only"),
    (lambda: Network(AveragePool(3), shape=(28, 27, 1)), r"AveragePool\(3\), takes whole squares: 28 / 3 = 9.3"),
    (lambda: Network(Upsample(), shape=28), "takes images, shape .height, width, channels., but gets width 28"),
    (lambda: AveragePool(0), r"AveragePool\(0\): the size must be a whole number"),
    (lambda: Network(BatchNorm(3), shape=(4, 4, 2)), r"takes width 3, but gets shape \(4, 4, 2\)"),
])  # fmt: skip
def test_what_cannot_be_is_refused_with_the_sizes_computed(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_pooling_and_upsampling_by_hand():
    x = xp.asarray(np.arange(16.0).reshape(1, 4, 4, 1))
    network = Network(AveragePool(), dtype="float64")
    assert network.forward(x)[0, :, :, 0].tolist() == [[2.5, 4.5], [10.5, 12.5]]
    larger = Network(Upsample(2), dtype="float64").forward(x[:, :2, :1].copy())
    assert larger[0, :, :, 0].tolist() == [[0, 0], [0, 0], [4, 4], [4, 4]]


def test_batchnorm_of_images_is_that_of_their_pixels(rng):
    images, rows = (Network(BatchNorm(3), dtype="float64", shape=shape) for shape in ((4, 5, 3), 3))
    x, dy = (xp.asarray(rng.standard_normal((2, 4, 5, 3))) for _ in range(2))
    assert (images.forward(x, True).reshape(-1, 3) == rows.forward(x.reshape(-1, 3), True)).all()
    assert (images.backward(dy).reshape(-1, 3) == rows.backward(dy.reshape(-1, 3))).all()
    assert (images.dtheta == rows.dtheta).all() and images.states().keys() == {"0.mean", "0.var"}
    assert all((rows.states()[name] == a).all() for name, a in images.states().items())
    images.forward(x[:1], True)  # one image has a variance


def test_spectral_convolution_divides_by_the_largest_singular_value_of_its_matrix(rng):
    network, x = alone(SpectralConv2D(3), (4, 6, 2), rng)
    layer = network.layers[0]
    for _ in range(300):
        network.forward(x, training=True)
    sigma = np.linalg.svd(layer.W.reshape(-1, 3))[1][0]
    plain, _ = alone(Conv2D(3), (4, 6, 2), rng)
    plain.layers[0].W, plain.layers[0].b = layer.W / sigma, layer.b
    np.testing.assert_allclose(network.forward(x), plain.forward(x), rtol=1e-8, atol=1e-8)


def players(dtype="float64", *first, last=Conv2D):
    G = Network(
        Dense(3, 2 * 2 * 2), Reshape(2, 2, 2), BatchNorm(2), ReLU(), ConvTranspose2D(2, use_bias=False), BatchNorm(2),
        LeakyReLU(), Upsample(), ConvTranspose2D(1, 3, 1, 1), Tanh(), AveragePool(), seed=1, dtype=dtype,
    )  # fmt: skip
    D = Network(
        *first, Conv2D(2, 3, 1), LeakyReLU(), Dropout(0.2), AveragePool(), last(3, (2, 1), 1, 0), Tanh(), Flatten(),
        Dense(6, 1), shape=(4, 4, 1), seed=2, dtype=dtype,
    )  # fmt: skip
    return G, D


@pytest.mark.parametrize("penalty", [None, R1(2.0), GradientPenalty(10.0)], ids=repr)
def test_a_game_of_images_passes_its_check(penalty, rng):
    gan = GAN(*players(), penalty=penalty)
    assert_gradients(gan, rng.standard_normal((4, 4, 4, 1)), rng.standard_normal((4, 3)), entries=3)


@pytest.mark.parametrize(
    "penalty",
    [R1(1.0), *(pytest.param(a(10.0), marks=pytest.mark.slow) for a in (GradientPenalty, OneSidedGradientPenalty))],
    ids=repr,
)
@pytest.mark.parametrize("last, first", [(Conv2D, Pack(2)), (SpectralConv2D, LeakyReLU(0.5))], ids=repr)
def test_a_penalty_of_a_convolutional_critic_is_right(last, first, penalty, rng):
    _, D = players("float64", copy.deepcopy(first), last=last)
    D.layers[-1].W *= 9  # slopes above 1, which the one-sided penalty looks at
    x = rng.standard_normal((4, 4, 4, 1))
    assert (report := check_penalty(penalty, D, x)).ok, report
    assert penalty.gradient(D, x) > 0.1 and all(abs(d).max() > 0.01 for name, _, d in D.parameters() if "W" in name)


def test_the_summary_counts_the_multiplications_of_dcgan_as_one_does_by_hand():
    G = Network(Dense(100, 7 * 7 * 128), Reshape(7, 7, 128), BatchNorm(128), ReLU(), ConvTranspose2D(64), LeakyReLU(),
                Upsample(), SpectralConv2D(1, 3, 1), Tanh())  # fmt: skip
    *layers, total = [line.rsplit(None, 1)[-1] for line in G.summary().splitlines()[1:]]
    dense, back, conv = 100 * 7 * 7 * 128, (7 * 7) * (4 * 4 * 128 * 64), (28 * 28) * (3 * 3 * 64 * 1)
    assert [int(n.replace(",", "")) for n in layers] == [dense, 0, 0, 0, back, 0, 0, conv, 0]
    assert int(total.replace(",", "")) == dense + back + conv
    assert "(N, 14, 14, 64)  " in G.summary().splitlines()[5]


def test_a_game_of_images_goes_on_from_a_copy_and_from_its_description(rng):
    x = rng.standard_normal((4, 4, 4, 1)).astype("float32")
    games = [GAN(*players("float32"), seed=3, penalty=R1(1.0))]
    games[0].step(x)
    games += [copy.deepcopy(games[0]), pickle.loads(pickle.dumps(games[0]))]
    for game in games:
        game.step(x)
    assert all((game.generator.theta == games[0].generator.theta).all() for game in games)
    for network in players():
        said = json.loads(json.dumps(described(network)))
        twin = made(said, "float64")
        assert described(twin) == said and twin.theta.shape == network.theta.shape
        twin.theta[...] = network.theta
        z = rng.standard_normal((4, *network.shape))
        assert (twin(z) == network(z)).all()
