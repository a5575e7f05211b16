"""What holds for every network: random widths, depths, batches, activations and precisions."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigan import Dense, LeakyReLU, Network, ReLU, Sigmoid, Tanh
from minigan.backend import host_generator
from minigan.gradcheck import gradcheck

ACTIVATIONS = ReLU, LeakyReLU, Tanh, Sigmoid
EXAMPLES = settings(max_examples=60, deadline=None, derandomize=True)
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
    """(network, x, dy): biases away from zero, as after a step of training."""
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
    x, dy = rng.standard_normal((n, widths[0])), rng.standard_normal((n, widths[-1]))
    return network, x.astype(dtype), dy.astype(dtype)


def gradients(network, x, dy, wrt="both"):
    network.forward(x)
    dx = network.backward(dy.astype(network.dtype), wrt)
    return network.dtheta.copy(), None if dx is None else dx.copy()


def close(a, b, dtype="float64"):
    tolerance = {"float32": 2e-4, "float64": 1e-11}[str(dtype)]
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * max(1, abs(b).max(initial=0)))


def off_kinks(network, x, margin=1e-4):
    """Whether no unit's input is so near to 0 that rounding decides its slope."""
    for layer in network.layers:
        if isinstance(layer, ReLU | LeakyReLU) and abs(x).min() < margin:
            return False
        x = layer.forward(x)
    return True


@EXAMPLES
@given(architectures, precisions)
def test_gradients_pass(architecture, dtype):
    network, x, _ = build(architecture, dtype)
    report = gradcheck(network, x)
    assert report.ok, report


@EXAMPLES
@given(architectures, st.floats(-3, 3), st.floats(-3, 3))
def test_backward_is_linear_in_dy(architecture, c, k):
    network, x, dy = build(architecture)
    other = host_generator(1).standard_normal(dy.shape)
    (both, dx), (one, dx1), (two, dx2) = (gradients(network, x, d) for d in (c * dy + k * other, dy, other))
    close(both, c * one + k * two)
    close(dx, c * dx1 + k * dx2)


@EXAMPLES
@given(architectures, precisions)
def test_permuting_the_batch_permutes_dx_and_leaves_dtheta(architecture, dtype):
    network, x, dy = build(architecture, dtype)
    order = host_generator(2).permutation(len(x))
    (dtheta, dx), (permuted, dx_permuted) = gradients(network, x, dy), gradients(network, x[order], dy[order])
    close(dx_permuted, dx[order], dtype)
    close(permuted, dtheta, dtype)


@EXAMPLES
@given(architectures)
def test_float32_agrees_with_float64(architecture):
    double, x, dy = build(architecture)
    if not off_kinks(double, x):
        return
    single = double.astype("float32")
    (dtheta, dx), (dtheta32, dx32) = gradients(double, x, dy), gradients(single, x.astype("float32"), dy)
    assert dtheta32.dtype == dx32.dtype == single.forward(x.astype("float32")).dtype == "float32"
    close(dtheta32, dtheta, "float32")
    close(dx32, dx, "float32")


@EXAMPLES
@given(architectures, precisions)
def test_params_and_input_together_are_both(architecture, dtype):
    network, x, dy = build(architecture, dtype)
    dtheta, dx = gradients(network, x, dy)
    network.dtheta[...] = 7
    untouched, only_dx = gradients(network, x, dy, "input")
    only_dtheta, nothing = gradients(network, x, dy, "params")
    assert (only_dx == dx).all() and (only_dtheta == dtheta).all() and (untouched == 7).all() and nothing is None


@EXAMPLES
@given(architectures)
def test_the_gradient_of_a_mean_over_2n_is_the_mean_of_its_halves(architecture):
    network, x, dy = build(architecture)
    rng = host_generator(3)
    x2, dy2 = rng.standard_normal(x.shape), rng.standard_normal(dy.shape)
    n = len(x)
    whole, dx = gradients(network, np.concatenate((x, x2)), np.concatenate((dy, dy2)) / (2 * n))
    (first, dx1), (second, dx2) = gradients(network, x, dy / n), gradients(network, x2, dy2 / n)
    close(whole, (first + second) / 2)
    close(dx, np.concatenate((dx1, dx2)) / 2)


@pytest.mark.slow
def test_no_false_alarm_in_2000_random_networks():
    """As they are made: biases of 0, so that a unit behind dead ones sits on its kink exactly."""
    verdicts = {"ok": 0, "kink": 0, "FAIL": 0}
    for seed in range(2000):
        rng = host_generator(seed, 9)
        depth = int(rng.integers(0, 5))
        widths = [int(w) for w in rng.integers(1, WIDEST + 1, depth + 2)]
        choice = [ACTIVATIONS[i] for i in rng.integers(0, 4, 5)]
        network, x, _ = build((widths, choice, bool(rng.integers(2)), int(rng.integers(1, LARGEST + 1)), seed))
        if seed % 2:
            for name, a, _ in network.parameters():
                a[...] = 0 if name.endswith("b") else a
        report = gradcheck(network, x, seed=seed)
        assert report.ok, report
        for row in report.rows:
            verdicts[row.verdict] += 1
    print(verdicts)
    assert verdicts["kink"] > 0
