import numpy as np
import pytest

from minigan import Minimax, NonSaturating, value

OBJECTIVES = pytest.mark.parametrize("objective", [Minimax, NonSaturating])
A = np.zeros((2, 1))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("output, extremes", [("logit", [-1e4, 1e4]), ("probability", [0, 1])])
@OBJECTIVES
def test_a_d_that_is_certain_gives_finite_losses_and_derivatives(objective, output, extremes, dtype):
    """Warnings are errors here."""
    a = np.array(extremes, dtype=dtype).reshape(-1, 1)
    results = [*objective(output).discriminator(a, a), *objective(output).generator(a)]
    assert all(np.isfinite(result).all() and result.dtype == dtype for result in results)


@pytest.mark.parametrize("make, error, words", [
    (lambda: Minimax("sigmoid"), ValueError, r'Minimax\(output=\'sigmoid\'\): expected "logit" or "probability"'),
    (lambda: NonSaturating(real=0), ValueError, r"NonSaturating\(real=0\): the target .* must lie in \(0, 1\], not 0"),
    (lambda: value(A, A, "sigmoid"), ValueError, "output='sigmoid': expected \"logit\" or \"probability\""),
    (lambda: value([0.0], [0.0]), TypeError, "value: expected an array of floating-point numbers, not a list"),
    (lambda: value(A.astype(int), A), TypeError, "value: expected an array of floating-point numbers, not of int64"),
])  # fmt: skip
def test_what_makes_no_game_is_refused_in_words(make, error, words):
    with pytest.raises(error, match=words):
        make()
