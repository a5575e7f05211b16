"""The core is a network library before it is a GAN: it learns XOR, and to tell 3 from 5."""

import numpy as np
import pytest

from minigan import Adam, Dense, LeakyReLU, Network, ReLU, Sigmoid, Tanh, bce, bce_with_logits
from minigan.data import load
from minigan.losses import sigmoid

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32")
XOR = np.array([[0], [1], [1], [0]], "float32")


def step(network, loss, x, t, optimizer):
    """The loss before one step of the optimizer."""
    L, dy = loss(network.forward(x, training=True), t)
    network.backward(dy, wrt="params")
    optimizer.step()
    return L


@pytest.mark.parametrize(
    ("activation", "end", "loss"), [(LeakyReLU, [], bce_with_logits), (Tanh, [Sigmoid], bce)], ids=["logit", "sigmoid"]
)
def test_one_hidden_layer_learns_xor(activation, end, loss):
    network = Network(Dense(2, 16), activation(), Dense(16, 1), *(layer() for layer in end))
    optimizer = Adam(network, lr=0.05)
    before, *_, after = [step(network, loss, X, XOR, optimizer) for _ in range(300)]
    assert before > 0.3 and after < 0.05
    p = network(X) if end else sigmoid(network(X))
    assert ((p > 0.5) == XOR).all()


def test_without_a_hidden_layer_xor_cannot_be_learned():
    network = Network(Dense(2, 1))
    optimizer = Adam(network, lr=0.05)
    losses = [step(network, bce_with_logits, X, XOR, optimizer) for _ in range(300)]
    assert np.log(2) - 1e-6 < losses[-1] < np.log(2) + 0.01


def test_two_layers_tell_3_from_5():
    digits = load("digits", range=(0, 1))
    chosen = np.flatnonzero((digits.labels == 3) | (digits.labels == 5))
    x, t = digits.rows(chosen), (digits.labels[chosen] == 5).astype("float32").reshape(-1, 1)
    network = Network(Dense(64, 32), ReLU(), Dense(32, 1))
    optimizer = Adam(network, lr=0.01)
    for _ in range(100):
        step(network, bce_with_logits, x[:300], t[:300], optimizer)
    assert ((network(x[300:]) > 0) == t[300:]).mean() >= 0.95 and len(x) > 350
