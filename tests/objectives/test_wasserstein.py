"""What a critic estimates, against the exact distance of two distributions on a line."""

import numpy as np
import pytest

from minigan import Adam, Dense, GradientPenalty, Network, OneSidedGradientPenalty, Tanh, Wasserstein
from minigan.optimizers import Linear

PAIRS = [(1.0, 1.0), (0.0, 2.0), (2.0, 0.5)]  # N(0, 1) against N(shift, spread^2)


def distances(shift, spread, clip=None, penalty=OneSidedGradientPenalty(100.0), rounds=3000):
    """(the critic's estimate, the exact distance), on 100,000 samples of each: sorted, they are matched best."""
    rng = np.random.default_rng(0)
    D = Network(Dense(1, 64), Tanh(), Dense(64, 64), Tanh(), Dense(64, 1), seed=1)
    critic = Wasserstein(clip)
    optimizer = Adam(D, Linear(2e-3, 0.0, rounds), beta1=0.5, beta2=0.9)

    def pair(n):
        p, q = rng.standard_normal((n, 1)), shift + spread * rng.standard_normal((n, 1))
        return p.astype("float32"), q.astype("float32")

    for _ in range(rounds):
        p, q = pair(256)
        a = D.forward(np.concatenate((p, q)), training=True)
        _, dp, dq = critic.discriminator(a[:256], a[256:])
        D.backward(np.concatenate((dp, dq)), wrt="params")
        if clip is None:
            of_the_loss = D.dtheta.copy()
            penalty.gradient(D, penalty.points(p, q, rng))
            D.dtheta[...] += of_the_loss
        optimizer.step()
        critic.project(D.theta)
    p, q = pair(100_000)
    estimate = float(D(p).astype("float64").mean() - D(q).astype("float64").mean())
    return estimate, float(np.abs(np.sort(p, axis=0) - np.sort(q, axis=0)).mean())


@pytest.mark.slow
@pytest.mark.parametrize("shift, spread", PAIRS)
def test_with_the_penalty_the_estimate_is_the_distance(shift, spread):
    estimate, exact = distances(shift, spread)
    assert estimate == pytest.approx(exact, rel=0.03), (estimate, exact)


@pytest.mark.slow
def test_a_critic_that_must_have_slope_1_everywhere_cannot_turn_around():
    """N(0, 1) against N(0, 4): the best critic is |x|, and GradientPenalty forbids the slope 0 on its way."""
    estimate, exact = distances(0.0, 2.0, penalty=GradientPenalty(100.0))
    assert abs(estimate) < 0.1 < 0.7 < exact


@pytest.mark.slow
def test_with_clipping_the_estimate_has_an_unknown_factor():
    """Of three layers with weights up to c the slope is bounded by some multiple of c^3, and not by 1."""
    for clip, low, high in (0.01, 0.0, 0.02), (0.1, 1.5, 6.0):
        estimate, exact = distances(1.0, 1.0, clip=clip)
        assert low < estimate / exact < high
