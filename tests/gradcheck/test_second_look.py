"""A right function that bends too sharply for eps is measured anew, not convicted; a wrong derivative stays wrong."""

import numpy as np
import pytest

from minigan import GAN, Dense, Flatten, Layer, LayerNorm, Network, Reshape, Tanh
from minigan.gradcheck import check_game, gradcheck


class Wave(Layer):
    """y = sin kx, whose third derivative is k^2 times the first; backward gives `times` what is right."""

    def __init__(self, k, times=1.0):
        self.k, self.times = k, times

    def forward(self, x, training=False):
        self.x = x
        return np.sin(self.k * x)

    def backward(self, dy, wrt="both"):
        return self.times * self.k * np.cos(self.k * self.x) * dy


class Norm(LayerNorm):
    """A LayerNorm whose dx is `times` what is right."""

    def __init__(self, times=1.0):
        super().__init__(3)
        self.times = times

    def backward(self, dy, wrt="both"):
        dx = super().backward(dy, wrt)
        return dx if dx is None else self.times * dx


def game(times=1.0):
    G = Network(Dense(3, 12), Tanh(), Reshape(2, 2, 3), Norm(times), Flatten(), Dense(12, 4), seed=1)
    D = Network(Dense(4, 12), Tanh(), Reshape(2, 2, 3), Norm(), Flatten(), Dense(12, 1), seed=2)
    rng = np.random.default_rng(5)
    rng.standard_normal((4, 2, 2, 3))
    return check_game(GAN(G, D), rng.standard_normal((4, 4)), rng.standard_normal((4, 3)), seed=5)


SHARP = {  # how the report is made of what is `times` right
    "LayerNorm of three channels that hardly differ": lambda times: gradcheck(
        Norm(times), 1e-3 * np.random.default_rng(0).standard_normal((4, 2, 2, 3))
    ),
    "such a LayerNorm in a game": game,
    "a wave": lambda times: gradcheck(Wave(2e3, times), np.linspace(-1, 1, 12).reshape(3, 4)),
    "a wave as short as eps": lambda times: gradcheck(Wave(1e5, times), np.linspace(-1, 1, 12).reshape(3, 4)),
    "a wave shorter than eps": lambda times: gradcheck(Wave(1e6, times), np.linspace(-1, 1, 12).reshape(3, 4)),
    "a wave for a large eps": lambda times: gradcheck(Wave(3e2, times), np.ones((1, 1)), eps=1e-2),
}


@pytest.mark.parametrize("subject", SHARP)
def test_what_bends_sharply_passes_and_the_smallest_mistake_in_it_is_found(subject):
    report = SHARP[subject](1.0)
    assert {row.verdict for row in report.rows} == {"ok"}, report
    for mistake in 1e-5, -1e-4:
        wrong = [row for row in SHARP[subject](1 + mistake).rows if row.verdict == "FAIL"]
        assert wrong and all(abs(mistake) / 2 < row.error < 2 * abs(mistake) for row in wrong), wrong
