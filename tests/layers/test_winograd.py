"""A convolution with fewer products: the gradients, the penalties and a game of its own, and when it is taken."""

import copy

import numpy as np
import pytest

from minigan import (
    GAN,
    R1,
    Conv2D,
    ConvTranspose2D,
    Dense,
    Flatten,
    LeakyReLU,
    Network,
    Reshape,
    SpectralConv2D,
    Tanh,
    assert_gradients,
    use,
)
from minigan.backend import kernels, threads
from minigan.gradcheck import check_game
from minigan.gradcheck.second_order import check_second_order
from minigan.layers import winograd

SETTINGS = [((4, 2), (2, 1), (2, 0), (3, 4)), (4, 2, 1, (4, 6)), (2, 1, 0, (3, 4)), ((6, 2), (3, 1), (2, 1), (5, 2))]
KINDS = Conv2D, ConvTranspose2D, SpectralConv2D


@pytest.fixture
def fewer(monkeypatch):
    """Every convolution that can take fewer products does so."""

    def fits(kernel, stride, channels):
        return kernel == tuple(2 * s for s in stride)

    monkeypatch.setitem(vars(kernels), "fewer_products", fits)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "size"),
    [*SETTINGS[:1], *(pytest.param(*s, marks=pytest.mark.slow) for s in SETTINGS[1:])],
)
def test_gradients_of_first_and_second_order(fewer, kind, kernel, stride, padding, size, rng):
    layer, x = kind(3, kernel, stride, padding), rng.standard_normal((2, *size, 2))
    assert isinstance(Network(copy.copy(layer), shape=x.shape[1:]).layers[0].by, winograd.Winograd)
    for method in "central", "complex":
        assert_gradients(layer, x, entries=3, method=method)
    assert (report := check_second_order(layer, x)).ok, report


def game(channels=2, dtype="float64"):
    G = Network(Dense(3, 4 * channels), Reshape(2, 2, channels), ConvTranspose2D(channels), Tanh(), dtype=dtype)
    D = Network(Conv2D(channels), LeakyReLU(), Flatten(), Dense(4 * channels, 1), seed=1,
                shape=(4, 4, channels), dtype=dtype)  # fmt: skip
    return GAN(G, D, penalty=R1(0.5))


@pytest.mark.slow
def test_a_game_with_a_penalty_has_the_right_gradients(fewer, rng):
    assert (report := check_game(game(), rng.standard_normal((2, 4, 4, 2)), rng.standard_normal((2, 3)))).ok, report


@pytest.mark.parametrize(("kernel", "stride", "channels", "taken"), [
    (4, 2, 64, True), (2, 1, 64, True), (4, 2, 63, False), (3, 2, 64, False), ((4, 3), 2, 64, False),
])  # fmt: skip
@pytest.mark.parametrize("kind", KINDS)
def test_it_is_taken_with_compiled_loops_where_a_kernel_is_twice_its_stride_and_channels_are_many(
    kind, kernel, stride, channels, taken
):
    layer = kind(channels, kernel, stride)
    Network(layer, shape=(8, 8, 64))
    assert layer.by is layer
    pytest.importorskip("numba", reason="Numba is not installed: pip install minigan[fast]")
    with use("numpy", compiled=True):
        assert isinstance(layer.by, winograd.Winograd) is taken
    assert layer.by is layer


def played(channels):
    gan, x = game(channels, "float32"), np.random.default_rng(5).uniform(-1, 1, (40, 4, 4, channels)).astype("float32")
    for _ in range(3):
        gan.step(x)
    return np.concatenate([gan.generator.theta, gan.discriminator.theta])


def test_the_number_of_threads_does_not_change_the_bits(monkeypatch):
    pytest.importorskip("numba", reason="Numba is not installed: pip install minigan[fast]")
    monkeypatch.setattr(threads, "LONG", 64)
    plain, results = played(64), []
    for number in 1, 2, 3:
        with use("numpy", threads=number, compiled=True):
            results.append(played(64))
    for found in results[1:]:
        np.testing.assert_array_equal(found, results[0])
    assert not np.array_equal(results[0], plain)  # it was taken
    assert np.median(abs(results[0] - plain)) < 1e-6


@pytest.mark.parametrize("kind", KINDS[:2])
def test_in_single_precision_it_is_off_by_a_few_roundings(fewer, monkeypatch, kind, rng):
    found, exact = (Network(kind(32), shape=(12, 12, 32), dtype=dtype) for dtype in ("float32", "float64"))
    exact.theta[...] = found.theta
    x = rng.standard_normal((8, 12, 12, 32)).astype("float32")
    y = found.forward(x)
    dy = rng.standard_normal(y.shape).astype("float32")
    results = y, found.backward(dy), found.dtheta
    monkeypatch.setitem(vars(kernels), "fewer_products", lambda *given: False)
    expected = exact.forward(x.astype("float64")), exact.backward(dy.astype("float64")), exact.dtheta
    for a, b in zip(results, expected, strict=True):
        assert 0 < np.sqrt(np.mean((a - b) ** 2) / np.mean(b**2)) < 8 * np.finfo("float32").eps
