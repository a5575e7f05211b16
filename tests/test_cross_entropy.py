"""The loss of a classifier, against its definition."""

import math

import numpy as np
import pytest

from minigan import softmax_cross_entropy, to_numpy, xp
from minigan.gradcheck import check_loss

pytestmark = pytest.mark.usefixtures("each_backend")

LABELS = [2, 0, 3, 3, 1]


def exact_softmax(row):
    """p_k = 1 / sum over j of e^(a_j - a_k), whose terms overflow only where p_k is 0 anyway."""
    return [1 / math.fsum(math.exp(min(other - a, 700)) for other in row) for a in row]


@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-13), ("float32", 1e-5)])
def test_softmax_cross_entropy_and_its_derivative_against_the_definition(dtype, tolerance, rng):
    rows = (3 * rng.standard_normal((5, 4))).astype(dtype)
    loss, da = softmax_cross_entropy(xp.asarray(rows), xp.array(LABELS))
    p = np.array([exact_softmax(row) for row in rows.tolist()])
    expected = -math.fsum(math.log(row[label]) for row, label in zip(p, LABELS, strict=True)) / 5
    assert float(loss) == pytest.approx(expected, rel=tolerance)
    np.testing.assert_allclose(to_numpy(da), (p - np.eye(4)[LABELS]) / 5, rtol=0, atol=tolerance / 5)
    assert loss.dtype == da.dtype == dtype


@pytest.mark.parametrize("method, tol", [("central", 1e-7), ("complex", 1e-12)])
def test_the_derivative_of_softmax_cross_entropy_passes_the_gradient_check(method, tol, rng):
    def loss(a):
        return softmax_cross_entropy(a, xp.array(LABELS))

    report = check_loss(loss, rng.standard_normal((5, 4)), method=method, tol=tol)
    assert report.ok, report


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_softmax_cross_entropy_of_extreme_logits_is_finite(dtype):
    """Warnings are errors here: an overflow inside would fail the test."""
    a = xp.array([[1e4, -1e4, 0], [1e4, -1e4, 0]], dtype=dtype)
    loss, da = softmax_cross_entropy(a, xp.array([0, 1]))
    assert float(loss) == 1e4
    assert da.tolist() == [[0, 0, 0], [0.5, -0.5, 0]]


@pytest.mark.parametrize("labels", [[0, 3], [0, -1]])
def test_a_label_that_is_no_class_gives_nan_and_never_a_number(labels):
    loss, da = softmax_cross_entropy(xp.zeros((2, 3)), xp.array(labels))
    assert math.isnan(loss) and to_numpy(xp.isnan(da)).all(axis=1).tolist() == [False, True]


@pytest.mark.parametrize("shape, labels", [((5, 4), (4,)), ((5, 4), (5, 1)), ((5, 4), (5, 4)), ((5,), (5,))])
def test_softmax_cross_entropy_refuses_other_shapes(shape, labels):
    with pytest.raises(ValueError) as error:
        softmax_cross_entropy(xp.zeros(shape), xp.zeros(labels, dtype="int64"))
    assert str(error.value) == (
        f"softmax_cross_entropy: logits have shape {shape} and labels have shape {labels}; "
        "expected (N, K) and (N,): one row of logits and one label for each example"
    )


@pytest.mark.parametrize("dtype", ["float32", "bool"])
def test_softmax_cross_entropy_refuses_labels_that_are_no_integers(dtype):
    with pytest.raises(TypeError, match=rf"labels are {dtype}, expected integers: use labels.astype\('int64'\)"):
        softmax_cross_entropy(xp.zeros((5, 4)), xp.zeros(5, dtype=dtype))


def test_softmax_cross_entropy_does_not_wait_for_the_device(each_backend):
    if each_backend != "standin":
        pytest.skip("only the stand-in counts")
    a, labels = xp.zeros((5, 4)), xp.array(LABELS)
    with xp._module.counted() as seen:
        softmax_cross_entropy(a, labels)
    assert seen.syncs == seen.uploads == []
