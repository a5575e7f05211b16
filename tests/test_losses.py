import math

import numpy as np
import pytest

from minigan import Network, Sigmoid, bce, bce_with_logits, to_numpy, xp
from minigan.losses import inside, sigmoid, softplus

pytestmark = pytest.mark.usefixtures("each_backend")

LOGITS = [-1e4, -800.0, -40.0, -3.0, -1e-9, 0.0, 1e-9, 0.5, 17.0, 40.0, 800.0, 1e4]


def exact_softplus(a):
    """log(1 + e^a) by two series-free forms of `math`, each where it is exact to rounding."""
    return a + math.log1p(math.exp(-a)) if a > 0 else math.log1p(math.exp(a))


def exact_sigmoid(a):
    return 1 / (1 + math.exp(-a)) if a > 0 else math.exp(a) / (1 + math.exp(a))


def column(values, dtype="float64"):
    return xp.array(values, dtype=dtype).reshape(-1, 1)


def units(each_backend):
    """How far an elementary function may be off, in units of the last digit: CUDA's promise less than NumPy's."""
    return 4 if each_backend == "cupy" else 1


def test_softplus_is_exact_from_one_end_to_the_other(each_backend):
    found, rtol = to_numpy(softplus(xp.array(LOGITS))), 1e-15 * units(each_backend)
    np.testing.assert_allclose(found, [exact_softplus(a) for a in LOGITS], rtol=rtol)


def test_sigmoid_is_exact_to_the_rounding_of_one(each_backend):
    found, atol = to_numpy(sigmoid(xp.array(LOGITS))), 1.2e-16 * units(each_backend)
    np.testing.assert_allclose(found, [exact_sigmoid(a) for a in LOGITS], rtol=0, atol=atol)


@pytest.mark.parametrize("f", [softplus, sigmoid, inside])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_precision_and_shape_are_kept(f, dtype):
    y = f(xp.full((3, 1), 0.25, dtype=dtype))
    assert (y.dtype, y.shape) == (dtype, (3, 1))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_inside_keeps_probabilities_where_logarithms_exist(dtype):
    p = np.array([0, 1e-3, 0.5, 1], dtype)
    q = to_numpy(inside(xp.asarray(p)))
    assert (q[1:3] == p[1:3]).all()
    assert 0 < q[0] < 1e-6 and 1 - 1e-6 < q[3] < 1
    assert np.isfinite(np.log(q)).all() and np.isfinite(np.log1p(-q)).all()


@pytest.mark.parametrize("t", [0.0, 1.0, 0.9])
def test_bce_with_logits_and_its_derivative_against_the_definition(t):
    a = column(LOGITS)
    loss, da = bce_with_logits(a, xp.full_like(a, t))
    terms = [t * exact_softplus(-x) + (1 - t) * exact_softplus(x) for x in LOGITS]
    assert float(loss) == pytest.approx(math.fsum(terms) / len(terms), rel=1e-12)
    np.testing.assert_allclose(
        to_numpy(da)[:, 0], [(exact_sigmoid(x) - t) / len(LOGITS) for x in LOGITS], rtol=0, atol=1e-16
    )


@pytest.mark.parametrize("t", [0.0, 1.0, 0.9])
def test_bce_and_its_derivative_against_the_definition(t):
    values = [1e-9, 0.01, 0.3, 0.5, 0.9, 1 - 1e-9]
    p = column(values)
    loss, dp = bce(p, xp.full_like(p, t))
    terms = [-(t * math.log(x) + (1 - t) * math.log1p(-x)) for x in values]
    assert float(loss) == pytest.approx(math.fsum(terms) / len(terms), rel=1e-12)
    np.testing.assert_allclose(
        to_numpy(dp)[:, 0], [((1 - t) / (1 - x) - t / x) / len(values) for x in values], rtol=1e-7
    )


@pytest.mark.parametrize(
    "loss, low, high", [(bce_with_logits, -2.0, 2.0), (bce, 0.1, 0.9)], ids=["bce_with_logits", "bce"]
)
@pytest.mark.parametrize("shape", [(1, 1), (5, 1), (4,), (2, 3)])
def test_the_derivative_agrees_with_central_differences(loss, low, high, shape, rng, numeric, relative_error):
    a, t = xp.asarray(rng.uniform(low, high, shape)), xp.asarray(rng.uniform(0, 1, shape))
    assert relative_error(loss(a, t)[1], numeric(lambda: loss(a, t)[0], a)) <= 1e-6


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("t", [0, 1])
def test_extreme_logits_give_finite_losses_and_derivatives(t, dtype):
    """Warnings are errors here: an overflow inside would fail the test."""
    a = column([-1e4, 1e4], dtype)
    loss, da = bce_with_logits(a, xp.full_like(a, t))
    assert loss == 5e3
    assert da[:, 0].tolist() == ([0, 0.5] if t == 0 else [-0.5, 0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_probabilities_of_exactly_0_and_1_give_finite_losses_and_derivatives(dtype):
    p = column([0, 1, 0, 1], dtype)
    loss, dp = bce(p, column([0, 1, 1, 0], dtype))
    assert 5 < loss < 40 and xp.isfinite(dp).all()
    assert dp[2] < 0 < dp[3]


@pytest.mark.parametrize("loss", [bce, bce_with_logits])
def test_float32_stays_float32(loss):
    value, derivative = loss(column([0.2, 0.7], "float32"), column([0, 1], "float32"))
    assert value.dtype == derivative.dtype == "float32" and derivative.shape == (2, 1)


@pytest.mark.parametrize(
    "loss, words",
    [(bce, "bce: probabilities have shape"), (bce_with_logits, "bce_with_logits: logits have shape")],
    ids=["bce", "bce_with_logits"],
)
@pytest.mark.parametrize("shape", [(4,), (1, 4), (1, 1), (3, 1), ()])
def test_unequal_shapes_are_refused_and_never_broadcast(loss, words, shape):
    with pytest.raises(ValueError) as error:
        loss(xp.full((4, 1), 0.5), xp.ones(shape))
    assert str(error.value).startswith(f"{words} (4, 1) but targets have shape {shape}; they must be equal")


@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-12), ("float32", 2e-4)])
def test_sigmoid_then_bce_gives_the_gradient_of_bce_with_logits(dtype, tolerance, rng):
    """Where both are finite: in float32, p (1 - p) is lost beyond |a| of about 15."""
    a = xp.asarray(rng.uniform(-6, 6, (50, 1)), dtype=dtype)
    t = xp.asarray(rng.integers(0, 2, a.shape), dtype=dtype)
    output = Network(Sigmoid(), dtype=dtype)
    loss, dp = bce(output.forward(a), t)
    expected, da = bce_with_logits(a, t)
    assert float(loss) == pytest.approx(float(expected), rel=tolerance)
    np.testing.assert_allclose(to_numpy(output.backward(dp)), to_numpy(da), rtol=tolerance)


@pytest.mark.parametrize("loss", [bce, bce_with_logits])
def test_targets_of_another_dtype_are_refused(loss):
    with pytest.raises(TypeError, match=r"are float32 but targets are int64: use targets.astype\('float32'\)"):
        loss(column([0.5], "float32"), column([1], "int64"))


@pytest.mark.parametrize("a", [-16.0, -17.0, -18.0, -20.0, -30.0, -80.0])
def test_sigmoid_keeps_its_digits_in_the_tail_where_the_saturating_generator_lives(a):
    assert float(sigmoid(column([a], "float32"))[0, 0]) == pytest.approx(math.exp(a) / (1 + math.exp(a)), rel=1e-5)
