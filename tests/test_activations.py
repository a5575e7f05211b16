"""Each activation's own formula; what all layers share is in test_layers."""

import math

import numpy as np
import pytest

from minigan import LeakyReLU, Network, ReLU, Sigmoid, Tanh, to_numpy, xp

pytestmark = pytest.mark.usefixtures("each_backend")

X = [-3.0, -0.5, -1e-3, 0.0, 1e-3, 0.5, 3.0]
FORMULAS = {
    "ReLU": (ReLU, lambda x: max(x, 0), lambda x: float(x > 0)),
    "LeakyReLU": (LeakyReLU, lambda x: x if x > 0 else 0.2 * x, lambda x: 1 if x > 0 else 0.2),
    "LeakyReLU(0)": (lambda: LeakyReLU(0), lambda x: max(x, 0), lambda x: float(x > 0)),
    "LeakyReLU(1)": (lambda: LeakyReLU(1), lambda x: x, lambda x: 1.0),
    "Tanh": (Tanh, math.tanh, lambda x: 1 / math.cosh(x) ** 2),
    "Sigmoid": (Sigmoid, lambda x: 1 / (1 + math.exp(-x)), lambda x: math.exp(-x) / (1 + math.exp(-x)) ** 2),
}


def run(layer, x, dtype="float64"):
    """(f(x), f'(x)) of a list of numbers, on the host."""
    network = Network(layer(), dtype=dtype)
    y = network.forward(xp.asarray([x], dtype=dtype))
    return to_numpy(y[0]), to_numpy(network.backward(xp.ones_like(y))[0])


@pytest.mark.parametrize("name", FORMULAS)
def test_value_and_derivative_are_those_of_the_formula(name):
    layer, f, slope = FORMULAS[name]
    y, dx = run(layer, X)
    np.testing.assert_allclose(y, [f(x) for x in X], rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(dx, [slope(x) for x in X], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "layer, expected, slopes",
    [
        (ReLU, [0, 1e4], [0, 1]),
        (lambda: LeakyReLU(0.5), [-5e3, 1e4], [0.5, 1]),
        (Tanh, [-1, 1], [0, 0]),
        (Sigmoid, [0, 1], [0, 0]),
    ],
)
def test_far_out_nothing_overflows(layer, expected, slopes, dtype):
    y, dx = run(layer, [-1e4, 1e4], dtype)
    assert (y.tolist(), dx.tolist()) == (expected, slopes)


@pytest.mark.parametrize("layer, at_zero", [(ReLU, 0), (lambda: LeakyReLU(0.25), 0.25)])
def test_at_the_kink_the_left_slope_is_taken(layer, at_zero):
    assert run(layer, [0.0, -0.0])[1].tolist() == [at_zero, at_zero]


@pytest.mark.parametrize("layer, low, high", [(Tanh, -1, 1), (Sigmoid, 0, 1)])
def test_the_declared_range_is_the_range(layer, low, high):
    y, _ = run(layer, [-50.0, 0.0, 50.0], "float32")
    assert layer().range == (low, high) == (y.min(), y.max())


@pytest.mark.parametrize("layer", [ReLU, LeakyReLU])
def test_an_unbounded_activation_declares_no_range(layer):
    assert layer().range is None


@pytest.mark.parametrize("slope", [-0.1, 1.1, math.nan])
def test_leaky_relu_refuses_a_slope_outside_0_to_1(slope):
    with pytest.raises(ValueError, match=rf"LeakyReLU\(slope={slope}\): the slope must lie in \[0, 1\]"):
        LeakyReLU(slope)


@pytest.mark.parametrize("layer", [ReLU, LeakyReLU, Tanh, Sigmoid])
def test_the_input_is_not_remembered(layer):
    """y suffices, so that x need not be kept in memory."""
    layer, x = layer(), xp.ones((2, 3))
    layer.forward(x)
    assert not any(value is x for value in vars(layer).values())
