"""Losses and their derivatives, against their definitions."""

import math

import numpy as np
import pytest

from minigan import bce, bce_with_logits, softmax_cross_entropy
from minigan.losses import sigmoid

both = pytest.mark.parametrize("loss", [bce, bce_with_logits])


def column(values, dtype="float64"):
    return np.array(values, dtype=dtype).reshape(-1, 1)


@pytest.mark.parametrize("a", [-16.0, -80.0])
def test_sigmoid_keeps_its_digits_in_the_tail_where_the_saturating_generator_lives(a):
    assert float(sigmoid(column([a], "float32"))[0, 0]) == pytest.approx(math.exp(a), rel=1e-5)


@both
@pytest.mark.parametrize("shape", [(4,), (1, 4), (1, 1), ()])
def test_unequal_shapes_are_refused_and_never_broadcast(loss, shape):
    with pytest.raises(ValueError, match=r"have shape \(4, 1\) but targets have shape .*; they must be equal"):
        loss(np.full((4, 1), 0.5), np.ones(shape))


@both
def test_what_is_no_array_of_floats_is_refused_in_words(loss):
    p = column([0.5], "float32")
    for a, t, error, words in (
        ([0.5], p, TypeError, "expected an array of floating-point numbers, not a list: use xp.asarray"),
        (p, [1.0], TypeError, "targets: expected an array of floating-point numbers, not a list"),
        (p, None, TypeError, "targets: expected an array of floating-point numbers, not a NoneType"),
        (p, column([1], "float64"), TypeError, r"are float32 but targets are float64: use targets.astype\('float32'\)"),
        (*2 * [column([1], "int64")], TypeError, "expected an array of floating-point numbers, not of int64"),
        (np.zeros((0, 1)), np.zeros((0, 1)), ValueError, r"at least one number, but the array has shape \(0, 1\)"),
    ):
        with pytest.raises(error, match=f"^{loss.__name__}: .*{words}"):
            loss(a, t)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_softmax_cross_entropy_of_extreme_logits_is_right(dtype):
    """Minus infinity is a class that cannot be; warnings are errors here."""
    a = np.array([[1e4, -1e4, 0], [1e4, -1e4, 0]], dtype=dtype)
    loss, da = softmax_cross_entropy(a, np.array([0, 1]))
    assert float(loss) == 1e4 and da.tolist() == [[0, 0, 0], [0.5, -0.5, 0]]
    loss, da = softmax_cross_entropy(np.array([[0, 0, -math.inf]], dtype=dtype), np.array([0]))
    assert float(loss) == pytest.approx(math.log(2)) and da.tolist() == [[-0.5, 0.5, 0]]


@pytest.mark.parametrize(
    "a, labels, error, words",
    [
        (np.zeros((2, 3)), np.array([0, 3]), ValueError, r"a label lies outside 0 \.\.\. 2"),
        (np.zeros((2, 3)), np.array([0, -1]), ValueError, r"a label lies outside 0 \.\.\. 2"),
        (np.array([[0, np.inf]]), np.array([0]), ValueError, "the largest logit of a row is not finite"),
        (np.array([[0, np.nan]]), np.array([0]), ValueError, "the largest logit of a row is not finite"),
        (np.zeros((5, 4)), np.zeros(4, "int64"), ValueError, r"logits have shape \(5, 4\) and .* shape \(4,\);"),
        (np.zeros((5, 4)), np.zeros((5, 4), "int64"), ValueError, r".* labels have shape \(5, 4\); expected"),
        (np.zeros(5), np.zeros(5, "int64"), ValueError, r"logits have shape \(5,\)"),
        (np.zeros((0, 3)), np.zeros(0, "int64"), ValueError, r"logits: expected at least one number, but .* \(0, 3\)"),
        (np.zeros((5, 4)), np.zeros(5, bool), TypeError, "labels are bool, expected an array of integers: use"),
        (np.zeros((5, 4), "int64"), np.zeros(5, "int64"), TypeError, "logits: expected an array .*, not of int64"),
        ([[0.0, 1.0]], np.zeros(1, "int64"), TypeError, "logits: expected an array .*, not a list: use xp.asarray"),
        (np.zeros((1, 2)), [0], TypeError, "labels are a list, expected an array of integers"),
    ],
)  # fmt: skip
def test_softmax_cross_entropy_refuses_in_words_and_never_gives_nan(a, labels, error, words):
    with pytest.raises(error, match=f"^softmax_cross_entropy: {words}"):
        softmax_cross_entropy(a, labels)
