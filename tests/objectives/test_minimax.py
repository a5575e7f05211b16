import numpy as np
import pytest

from minigan import Minimax, NonSaturating, value, xp

pytestmark = pytest.mark.usefixtures("each_backend")

OBJECTIVES = pytest.mark.parametrize("objective", [Minimax, NonSaturating])
A = np.zeros((2, 1))
OUTPUTS = pytest.mark.parametrize("output", ["logit", "probability"])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("output, extremes", [("logit", [-1e4, 1e4]), ("probability", [0, 1])])
@OBJECTIVES
def test_a_d_that_is_certain_gives_finite_losses_and_derivatives(objective, output, extremes, dtype):
    """Warnings are errors here."""
    a = xp.array(extremes, dtype=dtype).reshape(-1, 1)
    results = [*objective(output).discriminator(a, a), *objective(output).generator(a)]
    assert all(xp.isfinite(result).all() and result.dtype == dtype for result in results)


@pytest.mark.parametrize("make, error, words", [
    (lambda: Minimax("sigmoid"), ValueError, r'Minimax\(output=\'sigmoid\'\): expected "logit" or "probability"'),
    (lambda: NonSaturating(real=0), ValueError, r"NonSaturating\(real=0\): the target .* must lie in \(0, 1\], not 0"),
    (lambda: value(A, A, "sigmoid"), ValueError, "output='sigmoid': expected \"logit\" or \"probability\""),
    (lambda: value([0.0], [0.0]), TypeError, "value: expected an array of floating-point numbers, not a list"),
    (lambda: value(A.astype(int), A), TypeError, "value: expected an array of floating-point numbers, not of int64"),
])  # fmt: skip
def test_what_makes_no_game_is_refused_in_words(make, error, words, each_backend):
    if each_backend == "numpy":
        with pytest.raises(error, match=words):
            make()


@pytest.mark.parametrize("real", [1.0, 0.9, 0.6])
@OUTPUTS
@OBJECTIVES
def test_at_equilibrium_the_smoothed_d_rests_and_the_value_is_the_one_that_it_names(objective, output, real):
    """At p = q D's loss is least at D = real / 2, and nowhere near it."""
    game = objective(output, real)

    def play(D):
        a = xp.full((5, 1), D if output == "probability" else np.log(D / (1 - D)), dtype="float64")
        loss, da_real, da_fake = game.discriminator(a, a)
        return float(loss), float((da_real + da_fake).sum()), float(game.value(loss, a, a))

    loss, slope, V = play(real / 2)
    assert slope == pytest.approx(0, abs=1e-12) and loss < min(play(real / 2 - 0.01)[0], play(real / 2 + 0.01)[0])
    assert game.equilibrium == pytest.approx(V, rel=1e-12)
    assert real < 1 or game.equilibrium == objective().equilibrium == -np.log(4)
