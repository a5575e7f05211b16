import math

import numpy as np
import pytest

from minigan import Minimax, Network, NonSaturating, Sigmoid, bce_with_logits, to_numpy, value, xp

pytestmark = pytest.mark.usefixtures("each_backend")

OBJECTIVES = pytest.mark.parametrize("objective", [Minimax, NonSaturating])
OUTPUTS = pytest.mark.parametrize("output", ["logit", "probability"])


def d_outputs(output, rng, n=6, m=4):
    """D's outputs for n real and m generated samples."""
    if output == "logit":
        real, fake = 2 * rng.standard_normal((n, 1)), 2 * rng.standard_normal((m, 1))
    else:
        real, fake = rng.uniform(0.05, 0.95, (n, 1)), rng.uniform(0.05, 0.95, (m, 1))
    return xp.asarray(real), xp.asarray(fake)


def plain_terms(a_real, a_fake, output):
    """mean log D(x), mean log(1 - D(G(z))), mean log D(G(z)) as the paper writes them."""
    real, fake = (1 / (1 + np.exp(-a)) if output == "logit" else a for a in map(to_numpy, (a_real, a_fake)))
    return np.log(real).mean(), np.log(1 - fake).mean(), np.log(fake).mean()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("output, undecided", [("logit", 0.0), ("probability", 0.5)])
def test_where_d_cannot_tell_v_is_minus_log_4_to_rounding(output, undecided, dtype):
    a = xp.full((8, 1), undecided, dtype=dtype)
    V, _, _ = value(a, a, output)
    assert V.dtype == dtype
    assert V == -np.log(np.array(4, dtype))


@OUTPUTS
def test_value_is_equation_1(output, rng):
    a_real, a_fake = d_outputs(output, rng)
    real, fake, _ = plain_terms(a_real, a_fake, output)
    assert float(value(a_real, a_fake, output)[0]) == pytest.approx(real + fake, rel=1e-12)


@OUTPUTS
def test_the_derivatives_of_v_agree_with_central_differences(output, rng, numeric, relative_error):
    a_real, a_fake = d_outputs(output, rng)
    _, da_real, da_fake = value(a_real, a_fake, output)
    assert relative_error(da_real, numeric(lambda: value(a_real, a_fake, output)[0], a_real)) <= 1e-6
    assert relative_error(da_fake, numeric(lambda: value(a_real, a_fake, output)[0], a_fake)) <= 1e-6


@OUTPUTS
@OBJECTIVES
def test_d_minimizes_minus_v_in_both_games(objective, output, rng):
    a_real, a_fake = d_outputs(output, rng)
    V, dV_real, dV_fake = value(a_real, a_fake, output)
    loss, da_real, da_fake = objective(output).discriminator(a_real, a_fake)
    assert loss == -V and (da_real == -dV_real).all() and (da_fake == -dV_fake).all()


@OUTPUTS
@pytest.mark.parametrize("objective, term, sign", [(Minimax, 1, 1), (NonSaturating, 2, -1)])
def test_the_loss_of_g_is_its_formula(objective, term, sign, output, rng):
    a_real, a_fake = d_outputs(output, rng)
    loss, _ = objective(output).generator(a_fake)
    assert float(loss) == pytest.approx(sign * plain_terms(a_real, a_fake, output)[term], rel=1e-12)


@OUTPUTS
@OBJECTIVES
def test_the_derivative_of_the_loss_of_g_agrees_with_central_differences(
    objective, output, rng, numeric, relative_error
):
    _, a_fake = d_outputs(output, rng)
    _, da = objective(output).generator(a_fake)
    assert relative_error(da, numeric(lambda: objective(output).generator(a_fake)[0], a_fake)) <= 1e-6


@OUTPUTS
def test_in_the_minimax_game_g_descends_v_itself(output, rng):
    a_real, a_fake = d_outputs(output, rng)
    _, da = Minimax(output).generator(a_fake)
    assert da.tobytes() == value(a_real, a_fake, output)[2].tobytes()


@OUTPUTS
def test_the_two_losses_of_g_differ_by_the_factor_d_over_1_minus_d(output, rng):
    """Same sign: both push D(G(z)) up. Where D(G(z)) is near 0 the minimax derivative vanishes, the other does not."""
    _, a_fake = d_outputs(output, rng)
    D = to_numpy(Minimax(output).probability(a_fake))
    ratio = Minimax(output).generator(a_fake)[1] / NonSaturating(output).generator(a_fake)[1]
    np.testing.assert_allclose(to_numpy(ratio), D / (1 - D), rtol=1e-12)
    assert (NonSaturating(output).generator(a_fake)[1] < 0).all()


def test_saturation_in_numbers():
    a = xp.array([[-20.0]])
    assert -3e-9 < Minimax().generator(a)[1].item() < -2e-9
    assert NonSaturating().generator(a)[1].item() == pytest.approx(-1, rel=1e-8)


@OBJECTIVES
def test_a_sigmoid_and_the_losses_on_probabilities_give_what_the_losses_on_logits_give(objective, rng):
    a_real, a_fake = d_outputs("logit", rng)
    on_logits, on_probabilities = objective(), objective("probability")
    a, sigmoid = xp.concatenate((a_real, a_fake)), Network(Sigmoid(), dtype="float64")
    p = sigmoid.forward(a)

    loss, da_real, da_fake = on_logits.discriminator(a_real, a_fake)
    p_loss, dp_real, dp_fake = on_probabilities.discriminator(p[:6], p[6:])
    assert float(p_loss) == pytest.approx(float(loss), rel=1e-12)
    through = sigmoid.backward(xp.concatenate((dp_real, dp_fake)))
    np.testing.assert_allclose(to_numpy(through), to_numpy(xp.concatenate((da_real, da_fake))), rtol=1e-12)

    loss, da = on_logits.generator(a)
    p_loss, dp = on_probabilities.generator(p)
    assert float(p_loss) == pytest.approx(float(loss), rel=1e-12)
    np.testing.assert_allclose(to_numpy(sigmoid.backward(dp)), to_numpy(da), rtol=1e-12)


def test_the_loss_of_d_is_the_cross_entropy_of_both_halves(rng):
    a_real, a_fake = d_outputs("logit", rng)
    loss, da_real, da_fake = Minimax().discriminator(a_real, a_fake)
    real, d_real = bce_with_logits(a_real, xp.ones_like(a_real))
    fake, d_fake = bce_with_logits(a_fake, xp.zeros_like(a_fake))
    assert float(loss) == pytest.approx(float(real + fake), rel=1e-12)
    np.testing.assert_allclose(to_numpy(da_real), to_numpy(d_real), rtol=1e-12)
    np.testing.assert_allclose(to_numpy(da_fake), to_numpy(d_fake), rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("output, extremes", [("logit", [-1e4, 1e4]), ("probability", [0, 1])])
@OBJECTIVES
def test_a_d_that_is_certain_gives_finite_losses_and_derivatives(objective, output, extremes, dtype):
    """Warnings are errors here."""
    a = xp.array(extremes, dtype=dtype).reshape(-1, 1)
    results = [*objective(output).discriminator(a, a), *objective(output).generator(a)]
    assert all(xp.isfinite(result).all() and result.dtype == dtype for result in results)


@OUTPUTS
def test_probability_is_d_and_a_fresh_array(output):
    a = xp.array([[0.5], [0.25]], dtype="float32")
    p = Minimax(output).probability(a)
    expected = [1 / (1 + math.exp(-0.5)), 1 / (1 + math.exp(-0.25))] if output == "logit" else [0.5, 0.25]
    np.testing.assert_allclose(to_numpy(p)[:, 0], expected, rtol=1e-6)
    assert p.dtype == "float32" and not xp.shares_memory(p, a)


@OBJECTIVES
def test_an_unknown_output_is_refused_and_the_choices_named(objective):
    words = rf"{objective.__name__}\(output='sigmoid'\): expected \"logit\" or \"probability\""
    with pytest.raises(ValueError, match=words):
        objective("sigmoid")


def test_repr_is_what_one_would_type():
    assert [repr(Minimax()), repr(NonSaturating("probability"))] == ["Minimax()", "NonSaturating('probability')"]
