"""The core is a network library before it is a GAN: it learns XOR, and to tell 3 from 5."""

import os
import time
from pathlib import Path

import numpy as np
import pytest

from minigan import Adam, Dense, LeakyReLU, Network, ReLU, Sigmoid, Tanh, bce, bce_with_logits
from minigan.data import Dataset, load, read_idx
from minigan.losses import sigmoid

MNIST = Path(os.environ.get("MINIGAN_DATA") or Path(__file__).resolve().parents[2] / "shared" / "mnist")


def step(network, loss, x, t, optimizer):
    """The loss before one step of the optimizer."""
    L, dy = loss(network.forward(x, training=True), t)
    network.backward(dy, wrt="params")
    optimizer.step()
    return L


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(
    "activation, end, loss", [(Tanh, [], bce_with_logits), (LeakyReLU, [], bce_with_logits), (Tanh, [Sigmoid()], bce)]
)
def test_one_hidden_layer_learns_xor(activation, end, loss, seed):
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32")
    t = np.array([[0], [1], [1], [0]], "float32")
    network = Network(Dense(2, 16), activation(), Dense(16, 1), *[type(layer)() for layer in end], seed=seed)
    optimizer = Adam(network, lr=0.05)
    before, *_, after = [step(network, loss, x, t, optimizer) for _ in range(300)]
    print(f"\nXOR, {activation.__name__}, {loss.__name__}, seed {seed}: loss {before:.3f} -> {after:.4f}")
    assert before > 0.3 and after < 0.05
    p = network(x) if end else sigmoid(network(x))
    assert ((p > 0.5) == t).all()


def test_without_a_hidden_layer_xor_cannot_be_learned():
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32")
    t = (x[:, :1] != x[:, 1:]).astype("float32")
    network = Network(Dense(2, 1))
    optimizer = Adam(network, lr=0.05)
    losses = [step(network, bce_with_logits, x, t, optimizer) for _ in range(300)]
    assert np.log(2) - 1e-6 < losses[-1] < np.log(2) + 0.01


def three_or_five(data):
    """x in [0, 1] of the 3s and 5s among the digits, and t = 1 for a 5."""
    chosen = np.flatnonzero((data.labels == 3) | (data.labels == 5))
    return data.rows(chosen), (data.labels[chosen] == 5).astype("float32").reshape(-1, 1)


@pytest.mark.skipif(not [*MNIST.glob("t10k*")], reason=f"no MNIST in {MNIST}: set MINIGAN_DATA to a folder with it")
def test_two_layers_tell_3_from_5_on_mnist():
    x, t = three_or_five(load("mnist", data_dir=MNIST, range=(0, 1)))
    images, labels = (read_idx(next(MNIST.glob(f"t10k-{what}*"))) for what in ("images", "labels"))
    test_x, test_t = three_or_five(Dataset("t10k", images, labels=labels, range=(0, 1)))

    start = time.perf_counter()
    network = Network(Dense(784, 128), ReLU(), Dense(128, 1))
    optimizer, rng = Adam(network, lr=1e-3, beta1=0.9), np.random.default_rng(0)
    for _ in range(5):
        for batch in np.array_split(rng.permutation(len(x)), len(x) // 64):
            step(network, bce_with_logits, x[batch], t[batch], optimizer)
    seconds = time.perf_counter() - start

    accuracy = ((network(test_x) > 0) == test_t).mean()
    print(f"\n3 or 5: {accuracy:.2%} of {len(test_x)} test digits after 5 epochs of {len(x)} in {seconds:.1f} s")
    assert accuracy >= 0.97
