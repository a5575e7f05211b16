"""Where each game rests, and what makes none."""

import numpy as np
import pytest

import minigan as m

A = np.zeros((2, 1))
OBJECTIVES = [m.LeastSquares(), m.Wasserstein(), m.Hinge(), m.RelativisticAverage()]


@pytest.mark.parametrize("objective", OBJECTIVES, ids=repr)
def test_at_equilibrium_the_value_is_the_one_that_it_names(objective):
    """Where D gives both kinds the answer that it must give when it cannot tell them apart."""
    same = np.full((5, 1), 0.5 if isinstance(objective, m.LeastSquares) else 0.0)
    loss, da_real, da_fake = objective.discriminator(same, same)
    assert float(objective.value(loss, same, same)) == pytest.approx(objective.equilibrium, rel=1e-12)
    assert da_real + da_fake == pytest.approx(0, abs=1e-12)  # and D has no reason to move


@pytest.mark.parametrize("real", [1.0, 0.9, 0.6])
@pytest.mark.parametrize("output", ["logit", "probability"])
@pytest.mark.parametrize("objective", [m.Minimax, m.NonSaturating])
def test_the_smoothed_d_rests_at_half_its_target_and_nowhere_near_it(objective, output, real):
    game = objective(output, real)

    def play(D):
        a = np.full((5, 1), D if output == "probability" else np.log(D / (1 - D)))
        loss, da_real, da_fake = game.discriminator(a, a)
        return float(loss), float((da_real + da_fake).sum()), float(game.value(loss, a, a))

    loss, slope, V = play(real / 2)
    assert slope == pytest.approx(0, abs=1e-12) and loss < min(play(real / 2 - 0.01)[0], play(real / 2 + 0.01)[0])
    assert game.equilibrium == pytest.approx(V, rel=1e-12)
    assert real < 1 or game.equilibrium == objective().equilibrium == -np.log(4)


@pytest.mark.parametrize("make, words", [
    (lambda: m.Minimax("sigmoid"), r'Minimax\(output=\'sigmoid\'\): expected "logit" or "probability"'),
    (lambda: m.NonSaturating(real=0), r"NonSaturating\(real=0\): the target .* must lie in \(0, 1\], not 0"),
    (lambda: m.value(A, A, "sigmoid"), "output='sigmoid': expected \"logit\" or \"probability\""),
    (lambda: m.value([0.0], [0.0]), "value: expected an array of floating-point numbers, not a list"),
    (lambda: m.value(A.astype(int), A), "value: expected an array of floating-point numbers, not of int64"),
    (lambda: m.Wasserstein(0), r"Wasserstein\(clip=0\), which may be None for a penalty instead, must be positive"),
    (lambda: m.FeatureMatching("last"), r"FeatureMatching\('last'\): the layer must be a whole number"),
    (lambda: m.Hinge("probability"), r"Hinge\(output='probability'\): expected \"logit\""),
    (lambda: m.RelativisticAverage("probability"), r"RelativisticAverage\(output='probability'\): expected \"logit\""),
])  # fmt: skip
def test_settings_that_make_no_game_are_refused_in_words(make, words):
    with pytest.raises((TypeError, ValueError), match=words):
        make()
