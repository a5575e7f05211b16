"""A right function that bends too sharply for eps is measured anew, not convicted; a wrong derivative stays wrong."""

import numpy as np
import pytest

from minigan import GAN, Dense, Flatten, Layer, LayerNorm, Network, Reshape, Tanh
from minigan.gradcheck import check_game, gradcheck


class Wave(Layer):
    """y = sin kx, whose third derivative is k^2 times the first."""

    def __init__(self, k):
        self.k = k

    def forward(self, x, training=False):
        self.x = x
        return np.sin(self.k * x)

    def backward(self, dy, wrt="both"):
        return self.k * np.cos(self.k * self.x) * dy


def times(factor, layer):
    """The layer, whose dx is so many times what is right."""

    class Wrong(type(layer)):
        def backward(self, dy, wrt="both"):
            dx = super().backward(dy, wrt)
            return dx if dx is None else factor * dx

    layer.__class__ = Wrong
    return layer


def game(factor):
    G = Network(Dense(3, 12), Tanh(), Reshape(2, 2, 3), times(factor, LayerNorm(3)), Flatten(), Dense(12, 4), seed=1)
    D = Network(Dense(4, 12), Tanh(), Reshape(2, 2, 3), LayerNorm(3), Flatten(), Dense(12, 1), seed=2)
    rng = np.random.default_rng(5)
    rng.standard_normal((4, 2, 2, 3))
    return check_game(GAN(G, D), rng.standard_normal((4, 4)), rng.standard_normal((4, 3)), seed=5)


def wave(k, x, eps=1e-5):
    return lambda factor: gradcheck(times(factor, Wave(k)), x, eps=eps)


X = np.linspace(-1, 1, 12).reshape(3, 4)
SHARP = {  # the report on what is `factor` times right
    "LayerNorm of three channels that hardly differ": lambda factor: gradcheck(
        times(factor, LayerNorm(3)), 1e-3 * np.random.default_rng(0).standard_normal((4, 2, 2, 3))
    ),
    "such a LayerNorm in a game": game,
    "a wave": wave(2e3, X),
    "a wave as short as eps": wave(1e5, X),
    "a wave shorter than eps": wave(1e6, X),
    "a wave for a large eps": wave(3e2, X[:1], 1e-2),
}


@pytest.mark.parametrize("subject", SHARP)
def test_what_bends_sharply_passes_and_the_smallest_mistake_in_it_is_found(subject):
    report = SHARP[subject](1.0)
    assert {row.verdict for row in report.rows} == {"ok"}, report
    for mistake in 1e-5, -1e-4:
        wrong = [row for row in SHARP[subject](1 + mistake).rows if row.verdict == "FAIL"]
        assert wrong and all(abs(mistake) / 2 < row.error < 2 * abs(mistake) for row in wrong), wrong
