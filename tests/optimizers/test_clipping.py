"""ClipNorm shortens what is too long, and leaves the rest, also what is not finite."""

import numpy as np
import pytest

from minigan import SGD, ClipNorm, Dense, Network


@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1.0, 1e25])
def test_a_longer_gradient_keeps_its_direction_and_a_shorter_one_its_length(scale):
    network = Network(Dense(3, 4))
    g = np.random.default_rng(0).standard_normal(16).astype("float32")
    network.dtheta[...] = scale * g
    ClipNorm(2.0)(network)
    length = min(2.0, scale * np.linalg.norm(g.astype("float64")))
    assert network.dtheta == pytest.approx(length * g / np.linalg.norm(g), rel=1e-5)


def test_it_hangs_between_gradient_and_step():
    network = Network(Dense(1, 1), dtype="float64")
    rule = SGD(network, 0.1)
    rule.between.append(ClipNorm(1.0))
    start = network.theta.copy()
    network.dtheta[...] = 30, 40
    rule.step()
    assert network.theta - start == pytest.approx([-0.06, -0.08])
    network.dtheta[...] = 0
    rule.between[0](network)
    assert (network.dtheta == 0).all()


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_what_is_not_finite_stays_for_the_guard_to_see(wrong):
    network = Network(Dense(1, 1))
    network.dtheta[...] = wrong, 1
    with np.errstate(invalid="ignore"):
        ClipNorm(1.0)(network)
    assert not np.isfinite(network.dtheta).all()
    with pytest.raises(ValueError, match="the longest gradient must be positive and finite, not 0"):
        ClipNorm(0)
