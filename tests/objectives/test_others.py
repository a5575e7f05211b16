"""The games after 2014: each loss against its formula, each derivative against differences, each game played."""

import numpy as np
import pytest

from minigan import (
    GAN,
    Dense,
    FeatureMatching,
    Hinge,
    LeakyReLU,
    LeastSquares,
    Network,
    Objective,
    RelativisticAverage,
    Tanh,
    Wasserstein,
    to_numpy,
    xp,
)

pytestmark = pytest.mark.usefixtures("each_backend")

OBJECTIVES = [LeastSquares(), Wasserstein(), Hinge(), RelativisticAverage()]


@pytest.mark.parametrize("objective", OBJECTIVES, ids=repr)
def test_at_equilibrium_the_value_is_the_one_that_it_names(objective):
    """Where D gives both kinds the answer that it must give when it cannot tell them apart."""
    same = xp.full((5, 1), 0.5 if isinstance(objective, LeastSquares) else 0.0)
    loss, da_real, da_fake = objective.discriminator(same, same)
    assert float(objective.value(loss, same, same)) == pytest.approx(objective.equilibrium, rel=1e-12)
    assert to_numpy(da_real + da_fake) == pytest.approx(0, abs=1e-12)  # and D has no reason to move


@pytest.mark.parametrize("make, words", [
    (lambda: Wasserstein(0), r"Wasserstein\(clip=0\), which may be None for a penalty instead, must be positive"),
    (lambda: FeatureMatching("last"), r"FeatureMatching\('last'\): the layer must be a whole number"),
    (lambda: Hinge("probability"), r"Hinge\(output='probability'\): expected \"logit\""),
    (lambda: RelativisticAverage("probability"), r"RelativisticAverage\(output='probability'\): expected \"logit\""),
])  # fmt: skip
def test_settings_that_make_no_game_are_refused_in_words(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def players(dtype="float64"):
    G = Network(Dense(3, 5), Tanh(), Dense(5, 4), Tanh(), seed=1, dtype=dtype)
    D = Network(Dense(4, 6), Tanh(), Dense(6, 5), LeakyReLU(), Dense(5, 1), seed=2, dtype=dtype)
    return G, D


@pytest.mark.parametrize("objective", [*OBJECTIVES, FeatureMatching(1), Wasserstein(0.01)], ids=repr)
def test_a_game_is_played_in_float32_and_moves_both(objective, rng):
    gan = GAN(*players("float32"), objective)
    before = [network.theta.copy() for _, network, _ in gan.players()]
    for _ in range(3):
        seen = gan.step(xp.asarray(rng.standard_normal((8, 4)), dtype="float32"))
    assert {a.dtype for a in seen} == {np.dtype("float32")} and all(np.isfinite(float(a)) for a in seen)
    assert all((old != network.theta).any() for old, (_, network, _) in zip(before, gan.players(), strict=True))
    assert 0 <= float(seen.d_real) <= 1 and 0 <= float(seen.accuracy) <= 1


def test_an_objective_of_ones_own_is_one_class_and_no_other_change(rng):
    class Boundary(Objective):
        """G wants D undecided: E[a(G(z))^2] / 2      (Hjelm et al. 2018, in spirit)"""

        def discriminator(self, a_real, a_fake):
            return Wasserstein().discriminator(a_real, a_fake)

        def generator(self, a_fake):
            return (a_fake * a_fake).mean() / 2, a_fake / a_fake.size

    gan = GAN(*players("float32"), Boundary())
    seen = gan.step(xp.asarray(rng.standard_normal((8, 4)), dtype="float32"))
    assert float(seen.V) == -float(seen.loss_d)
