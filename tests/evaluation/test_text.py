"""Likelihoods of text: against a softmax of its own, and a point beside the curve."""

import numpy as np
import pytest

from minigan import GRU, Dense, Embedding, Network
from minigan.data.text import Text
from minigan.evaluation.text import behind, both, curve, nll
from minigan.objectives.tokens import before

V = 4


def model(seed):
    return Network(Embedding(V, 3), GRU(3), Dense(3, V), seed=seed)


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_the_likelihood_is_that_of_a_softmax_at_the_temperature(temperature):
    G, x = model(0), np.random.default_rng(0).integers(0, V, (501, 5)).astype("float32")
    a = np.float64(G.forward(before(x))) / temperature
    p = np.exp(a) / np.exp(a).sum(axis=2, keepdims=True)
    n, t = np.indices(x.shape)
    assert nll(G, x, temperature) == pytest.approx(-np.log(p[n, t, x.astype(int)]).mean(), rel=1e-5)


def test_the_oracle_judges_what_G_draws_and_G_the_test_sequences():
    oracle = model(1)
    oracle.layers[-1].b[...] = [0, 0, 0, 3]
    text = Text("oracle", np.ones((9, 5), "float32"), np.full((9, 5), 3, "float32"), V, oracle=oracle)
    judged, test = both(oracle, text, n=4000)
    assert test == pytest.approx(nll(oracle, text.test))
    warm, cold = curve(oracle, text, (1.0, 0.2), n=400)
    assert warm[0] == 1.0 and cold[1] < warm[1] == pytest.approx(judged, rel=0.1)
    without = Text("plain", text.x, text.test, V)
    assert both(oracle, without) == (None, test)


def test_a_point_is_compared_with_the_curve_at_its_test_likelihood():
    known = [(1.0, 9.0, 7.5), (0.8, 8.0, 7.7)]
    assert behind((8.4, 7.6), known) == pytest.approx(-0.1) and behind((8.6, 7.6), known) == pytest.approx(0.1)
    assert behind((8.0, 7.4), known) is None is behind((8.0, 7.8), known)


@pytest.mark.parametrize("temperature", [0, -1.0, np.nan])
def test_a_temperature_is_positive(temperature):
    with pytest.raises(ValueError, match="nll: the temperature must lie in"):
        nll(model(0), np.zeros((2, 5)), temperature)
