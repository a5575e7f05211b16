"""Tangents and second derivatives by hand, and the penalties that are made of them."""

import numpy as np
import pytest

import minigan as m
from minigan.gradcheck.second_order import check_penalty, check_second_order
from minigan.layers import Layer
from minigan.objectives.jvp import curved_backward, element_wise_forward

CRITICS = {
    "smooth": lambda: m.Network(m.Dense(4, 6), m.Tanh(), m.Dense(6, 5), m.Sigmoid(), m.Dense(5, 1), dtype="float64"),
    "kinked": lambda: m.Network(m.Dense(4, 6), m.LeakyReLU(), m.Dense(6, 6), m.ReLU(), m.Dense(6, 1), dtype="float64"),
    "normalized": lambda: m.Network(m.Dense(4, 6), m.LayerNorm(6), m.Tanh(), m.Dense(6, 1), seed=1, dtype="float64"),
    "masked": lambda: m.Network(
        m.InstanceNoise(0.1), m.Dense(4, 6), m.Tanh(), m.Dropout(0.3), m.Dense(6, 6), m.Maxout(6, 3),
        m.SpectralNorm(3, 1), seed=1, dtype="float64",
    ),
}  # fmt: skip
each_critic = pytest.mark.parametrize("critic", [pytest.param(make, id=name) for name, make in CRITICS.items()])


def critic_and_points(make, rng, n=7):
    network = make()
    network.theta[...] += 0.3 * rng.standard_normal(network.theta.shape)
    return network, rng.standard_normal((n, 4))


@each_critic
def test_the_hessian_is_symmetric_and_its_product_is_the_gradients_difference(critic, rng):
    network, x = critic_and_points(critic, rng)
    u, v = (rng.standard_normal(x.shape) for _ in range(2))
    ones = np.ones((len(x), 1))

    def hessian_times(v):
        network.forward(x)
        m.jvp(network, v)
        _, product = m.jvp_backward(network, ones, wrt="input")
        return np.zeros_like(x) if product is None else product.copy()

    def gradient(x):
        network.forward(x)
        return network.backward(ones, wrt="input").copy()

    Hv, Hu, eps = hessian_times(v), hessian_times(u), 1e-5
    assert abs(float((u * Hv).sum() - (v * Hu).sum())) <= 1e-9
    assert Hv == pytest.approx((gradient(x + eps * v) - gradient(x - eps * v)) / (2 * eps), abs=1e-7)
    assert bool(Hv.any()) == any(isinstance(layer, m.Tanh | m.Sigmoid | m.LayerNorm) for layer in network.layers)


class Parabola(Layer):
    """y = x^2"""

    def forward(self, x, training=False):
        self.x = x
        return x * x

    def backward(self, dy, wrt="both"):
        return 2 * self.x * dy


m.jvp.register(Parabola, element_wise_forward)


@m.jvp_backward.register(Parabola)
def parabola_backward(layer, dty, dy=None, wrt="both"):
    return curved_backward(layer, np.full_like(layer.x, 2), dty, dy)


def test_a_layer_of_ones_own_joins_by_registering_its_two_pieces(rng):
    x, network = rng.standard_normal((7, 4)), m.Network(m.Dense(4, 3), Parabola(), m.Dense(3, 1), dtype="float64")
    for report in check_second_order(Parabola(), x), check_penalty(m.R1(1.0), network, x):
        assert report.ok, report
