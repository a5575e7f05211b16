"""Tokens to rows of W: the layer against the product with one-hot rows, and what it refuses."""

import numpy as np
import pytest

from minigan import GRU, Dense, Embedding, LastStep, Network, gradcheck

TOKENS = np.array([[0.0, 2, 2], [4, 2, 0]])


def onehot(tokens, vocabulary):
    return (tokens[..., None] == np.arange(vocabulary)).astype("float64")


def test_tokens_are_one_hot_rows_without_the_product():
    embedding = Network(Embedding(5, 3), dtype="float64", seed=3)
    rows = Network(Embedding(5, 3), dtype="float64", seed=3, shape=(None, 5))
    dy = np.random.default_rng(0).standard_normal((2, 3, 3))
    assert np.array_equal(embedding.forward(TOKENS), rows.forward(onehot(TOKENS, 5)))
    embedding.dtheta[...] = 7.0
    assert np.array_equal(embedding.backward(dy), np.zeros((2, 3)))
    rows.backward(dy)
    assert np.allclose(embedding.dtheta, rows.dtheta, rtol=1e-12, atol=1e-14)


def test_backward_overwrites_only_what_is_asked_for():
    network = Network(Embedding(5, 3), dtype="float64")
    network.dtheta[...] = 7.0
    network.forward(TOKENS)
    network.backward(np.ones((2, 3, 3)), wrt="input")
    assert (network.dtheta == 7.0).all()


@pytest.mark.parametrize("shape", [None, (None, 5)])
def test_its_derivatives_are_right(shape):
    network = Network(Embedding(5, 3), GRU(4), LastStep(), Dense(4, 1), shape=shape, seed=1)
    report = gradcheck(network, TOKENS if shape is None else np.random.default_rng(1).random((2, 3, 5)))
    assert report.ok, report


def test_the_number_of_steps_is_free():
    network = Network(Embedding(5, 3), GRU(4))
    assert network([[0, 1, 2, 3, 4, 0, 1]]).shape == (1, 7, 4) and network([[3]]).shape == (1, 1, 4)


@pytest.mark.parametrize("wrong", [-1.0, 5.0, np.nan])
def test_tokens_outside_the_vocabulary_are_refused(wrong):
    with pytest.raises(ValueError, match=r"Embedding\(5, 3\): tokens must lie in 0 \.\.\. 4"):
        Network(Embedding(5, 3))([[0, wrong]])


def test_samples_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"rows, shape \(steps, 5\), but gets shape \(2, 4\)"):
        Network(Embedding(5, 3), shape=(2, 4))
