"""Likelihood, draws, and the two ways round a draw: against sums over all sequences of a tiny vocabulary."""

import itertools

import numpy as np
import pytest

from minigan import GRU, Dense, Embedding, Network, check_loss, softmax_cross_entropy
from minigan.objectives import tokens

V, T = 3, 2
ALL = np.array(list(itertools.product(range(V), repeat=T)), dtype="float64")
R = np.array([2.0, -1, 0, 4, 1, 0.5, -2, 0, 3])  # a reward for each of them


def model(seed=0):
    return Network(Embedding(V, 4), GRU(5), Dense(5, V), seed=seed, dtype="float64")


def probabilities(G):
    """p(x) of each sequence, step by step, from a softmax of its own."""
    p = np.exp(G.forward(tokens.before(ALL)))
    p /= p.sum(axis=2, keepdims=True)
    n, t = np.indices(ALL.shape)
    return p[n, t, ALL.astype(int)].prod(axis=1)


def test_likelihood_is_the_cross_entropy_of_every_step():
    a = np.random.default_rng(0).standard_normal((50, T, V))
    x = np.random.default_rng(1).integers(0, V, (50, T)).astype("float64")
    L, da = tokens.likelihood(a.copy(), x)
    expected, d = softmax_cross_entropy(a.reshape(-1, V), x.reshape(-1).astype(int))
    assert np.isclose(L, expected, rtol=1e-12) and np.allclose(da.reshape(-1, V), d, rtol=1e-12, atol=1e-15)
    again = a.copy()
    assert tokens.likelihood(again, x, out=again)[1] is again and np.array_equal(again, da)


def test_its_derivative_is_right_with_weights_and_far_from_zero():
    rng = np.random.default_rng(2)
    x, w = rng.integers(0, V, (4, T)).astype("float64"), rng.standard_normal((4, T))
    report = check_loss(lambda a: tokens.likelihood(a, x, w), rng.standard_normal((4, T, V)))
    assert report.ok, report
    L, da = tokens.likelihood(np.array([[[1e4, 0.0]]]), np.array([[1.0]]))
    assert L == 1e4 and np.array_equal(da, [[[1, -1]]])


@pytest.mark.parametrize(("x", "w"), [(np.zeros((4, 3)), None), (np.zeros((4, T)), np.zeros((T, 4)))])
def test_other_shapes_are_refused(x, w):
    with pytest.raises(ValueError, match=r"likelihood: shapes \(4, 2, 3\), .* expected logits \(N, T, V\)"):
        tokens.likelihood(np.zeros((4, T, V)), x, w)


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_every_sequence_is_drawn_as_often_as_it_is_likely(temperature):
    G, n = model(), 20_000
    G.layers[-1].W[...] /= temperature
    x = tokens.drawn(model(), n, T, np.random.default_rng(0), temperature)
    counts = (x[:, None] == ALL).all(axis=2).sum(axis=0)
    p = probabilities(G)
    assert counts.sum() == n and (abs(counts - n * p) < 4 * np.sqrt(n * p * (1 - p))).all()


def test_the_largest_logit_with_gumbel_noise_is_a_draw_by_chance():
    a, n = np.array([0.0, 1, -1]), 20_000
    p = np.exp(a) / np.exp(a).sum()
    chosen = (a + tokens.gumbel(np.random.default_rng(0), (n, V), "float64")).argmax(axis=1)
    assert (abs(np.bincount(chosen) - n * p) < 4 * np.sqrt(n * p * (1 - p))).all()


def exact(G, reward):
    """d E[R] / d theta, as the sum over all sequences of p R d log p / d theta."""
    total = 0
    for p, x, r in zip(probabilities(G), ALL, reward, strict=True):
        G.backward(tokens.likelihood(G.forward(tokens.before(x[None])), x[None])[1], wrt="params")
        total = total - p * r * T * G.dtheta
    return total


def test_the_sum_over_all_sequences_is_the_slope_of_the_expected_reward():
    G = model()
    slope, step = exact(G, R), 1e-6
    for i in range(0, G.theta.size, 11):
        ends = []
        for sign in 1, -1:
            G.theta[i] += sign * step
            ends.append(probabilities(G) @ R)
            G.theta[i] -= sign * step
        assert np.isclose(slope[i], (ends[0] - ends[1]) / (2 * step), rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("baseline", [False, True])
def test_reinforce_has_the_exact_gradient_in_expectation(baseline):
    """64 batches: their mean lies about the exact gradient as their spread says, and a baseline makes that smaller."""
    G, rng, n = model(), np.random.default_rng(0), 500
    beginnings = np.array([1.0, 5, -3])  # what D says of the first token alone
    found = []
    for _ in range(64):
        x = tokens.drawn(G, n, T, rng).astype("float64")
        a = np.stack([beginnings[x[:, 0].astype(int)], R[(x @ [V, 1]).astype(int)]], axis=1)
        weights = tokens.advantages(a) * n / (n - 1) if baseline else np.repeat(a[:, 1:], T, axis=1)
        G.backward(tokens.likelihood(G.forward(tokens.before(x)), x, weights)[1], wrt="params")
        found.append(-T * G.dtheta)
    expected, mean, error = exact(G, R), np.mean(found, axis=0), np.std(found, axis=0) / 8
    off = abs(mean - expected) / np.maximum(error, 1e-12)
    assert off.max() < 4.5 and 0.5 < np.sqrt(np.mean(off**2)) < 1.5
    scale = abs(expected).max()
    assert scale > 0.1 and error.max() < 0.1 * scale


def test_advantages_are_what_later_tokens_bring():
    a = np.array([[1.0, 3, 2], [0, 0, 0]])
    centered = [[0.5, 1, -0.5], [-0.5, -1, 0.5]]
    assert np.allclose(tokens.advantages(a, 0.0), centered)
    assert np.allclose(tokens.advantages(a, 1.0), [[1, 0.5, -0.5], [-1, -0.5, 0.5]])
    assert np.allclose(tokens.advantages(a, 0.5), [[0.875, 0.75, -0.5], [-0.875, -0.75, 0.5]])


@pytest.mark.parametrize("tau", [1.0, 0.3])
def test_the_soft_draw_has_the_derivative_that_its_backward_hands_down(tau):
    rng = np.random.default_rng(3)
    a, c = rng.standard_normal((2, T, V)), rng.standard_normal((2, T, V))

    def loss(a):
        y = tokens.relaxed(a, tau)
        return (c * y**2).sum(), tokens.relaxed_backward(2 * c * y, y, tau)

    report = check_loss(loss, a)
    assert report.ok, report
    assert np.allclose(tokens.relaxed(a, tau), np.exp(a / tau) / np.exp(a / tau).sum(axis=2, keepdims=True))
    cold = tokens.relaxed(a, 1e-3)
    assert np.array_equal(cold.argmax(axis=2), a.argmax(axis=2)) and cold.max(axis=2).min() > 0.99
