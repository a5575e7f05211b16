"""Random widths, depths, batches, activations and precisions: no right network is convicted."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigan import Dense, LeakyReLU, Network, ReLU, Sigmoid, Tanh
from minigan.backend import host_generator
from minigan.gradcheck import gradcheck

ACTIVATIONS = ReLU, LeakyReLU, Tanh, Sigmoid
WIDEST, LARGEST = 9, 8

architectures = st.tuples(
    st.lists(st.integers(1, WIDEST), min_size=2, max_size=6),  # the widths: 0 to 4 hidden layers
    st.lists(st.sampled_from(ACTIVATIONS), min_size=5, max_size=5),
    st.booleans(),  # whether the last layer has an activation
    st.integers(1, LARGEST),  # N
    st.integers(0, 2**32 - 1),
)
precisions = st.sampled_from(["float32", "float64"])


def build(architecture, dtype="float64"):
    """(network, x): biases away from zero, as after a step of training."""
    widths, activations, last, n, seed = architecture
    layers = []
    for i, (n_in, n_out) in enumerate(itertools.pairwise(widths)):
        layers.append(Dense(n_in, n_out))
        if last or i < len(widths) - 2:
            layers.append(activations[i]())
    network, rng = Network(*layers, seed=seed, dtype=dtype), host_generator(seed, 1)
    for name, a, _ in network.parameters():
        if name.endswith("b"):
            a[...] = 0.3 * rng.standard_normal(a.shape)
    return network, rng.standard_normal((n, widths[0])).astype(dtype)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(architectures, precisions)
def test_gradients_pass(architecture, dtype):
    network, x = build(architecture, dtype)
    report = gradcheck(network, x)
    assert report.ok, report


@pytest.mark.slow
def test_no_false_alarm_in_1000_random_networks():
    """As they are made: biases of 0, so that a unit behind dead ones sits on its kink exactly."""
    verdicts = {"ok": 0, "kink": 0, "FAIL": 0}
    for seed in range(1000):
        rng = host_generator(seed, 9)
        depth = int(rng.integers(0, 5))
        widths = [int(w) for w in rng.integers(1, WIDEST + 1, depth + 2)]
        choice = [ACTIVATIONS[i] for i in rng.integers(0, 4, 5)]
        network, x = build((widths, choice, bool(rng.integers(2)), int(rng.integers(1, LARGEST + 1)), seed))
        if seed % 2:
            for name, a, _ in network.parameters():
                a[...] = 0 if name.endswith("b") else a
        report = gradcheck(network, x, seed=seed)
        assert report.ok, report
        for row in report.rows:
            verdicts[row.verdict] += 1
    assert verdicts["kink"] > 0
