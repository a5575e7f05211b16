"""Shapes through a network: what is inferred, what fits, and what is refused in which words."""

import numpy as np
import pytest

from minigan import Dense, Flatten, Layer, Network, Pack, Reshape, Tanh
from minigan.layers import Maxout


@pytest.mark.parametrize("make, n_in, n_out", [
    (lambda: Network(Reshape(5), Dense(5, 1)), 5, 1),
    (lambda: Network(Reshape((28, 28))), 784, (28, 28)),
    (lambda: Network(Reshape([7, -1]), shape=28), 28, (7, 4)),
    (lambda: Network(Dense(2, 12), Reshape(-1, 4), Flatten(), Dense(12, 3)), 2, 3),
    (lambda: Network(Tanh(), Flatten((2, 3)), Dense(np.int64(6), 1)), (2, 3), 1),
    (lambda: Network(Reshape(2, 3), Dense(3, 4)), 6, (2, 4)),
    (lambda: Network(Dense(3, 4), shape=[None, 3]), (None, 3), (None, 4)),
    (lambda: Network(Reshape(-1, 3), shape=(None, 6)), (None, 6), (None, 3)),
    (lambda: Network(Flatten(), shape=(None, 6)), (None, 6), None),
    (lambda: Network(Pack(3), Flatten(), shape=(2, 2, 5)), (2, 2, 5), 60),
    (lambda: Network(Pack(3), shape=(None, 5)), (None, 5), (None, 15)),
    (lambda: Network(Tanh()), None, None),
])  # fmt: skip
def test_shapes_are_carried_through_and_inferred(make, n_in, n_out):
    network = make()
    assert (network.n_in, network.n_out) == (n_in, n_out)
    sizes = (4,) if n_in is None else n_in if isinstance(n_in, tuple) else (n_in,)
    y = network(np.ones((6, *(size or 3 for size in sizes))))
    if n_out is not None:
        out = n_out if isinstance(n_out, tuple) else (n_out,)
        assert y.shape[0] == 6 // network.rows and all(b in (None, a) for a, b in zip(y.shape[1:], out, strict=True))


class Upright(Layer):
    """Takes pictures higher than wide, of any size."""

    def output_shape(self, shape):
        if shape[0] <= shape[1]:
            raise ValueError(f"takes pictures higher than wide, but gets {shape}")
        return shape


@pytest.mark.parametrize("make, words", [
    (lambda: Network(Dense(3, 4), Tanh(), Dense(5, 1)), r"layer 2, Dense\(5, 1\), takes width 5, but gets width 4"),
    (lambda: Network(Dense(3, 4), Network(Dense(5, 2))), r"layer 1, Network\(.*\), takes width 5, but gets width 4"),
    (lambda: Network(Dense(4, 1), shape=(28, 28)), r"layer 0, Dense\(4, 1\), takes width 4, but gets shape \(28, 28\)"),
    (lambda: Network(Dense(3, 4), Maxout(6, 2)), r"layer 1, Maxout\(6, 2\), takes width 6, but gets width 4"),
    (lambda: Network(Dense(2, 4), Flatten(5)), r"layer 1, Flatten\(5\), takes width 5, but gets width 4"),
    (lambda: Network(Dense(2, 4), Reshape(2, 3)), r"Reshape\(2, 3\), takes samples of 6 numbers, but gets width 4"),
    (lambda: Network(Dense(2, 4), Reshape(-1, 3)), "takes samples of a multiple of 3 numbers, but gets width 4"),
    (lambda: Network(Reshape(4, 4), shape=(None, 4)), r"takes samples of 16 numbers, but gets shape \(None, 4\)"),
    (lambda: Network(Reshape(-1, 4)), r"layer 0, Reshape\(-1, 4\), cannot tell what -1 stands for: say Network\("),
    (lambda: Network(Flatten(), Dense(6, 1)), r"layer 0, Flatten\(\), cannot tell the shape of its samples"),
    (lambda: Network(Flatten(), Dense(6, 1), shape=(None, 3)), "takes width 6, but gets width None"),
    (lambda: Network(Pack(2)), r"layer 0, Pack\(2\), cannot tell the shape of its samples"),
    (lambda: Network(Dense(2, 4), Pack(2, 5)), r"layer 1, Pack\(2, 5\), takes width 5, but gets width 4"),
    (lambda: Network(Pack(2), shape=(3, None)), r"takes samples whose last size is known, but gets shape \(3, None\)"),
    (lambda: Network(Upright(), shape=(3, 4)), r"layer 0, Upright\(\), takes pictures higher than wide, but gets"),
    (lambda: Network(Tanh(), shape="abc"), r"Network: shape=\('abc',\): expected whole numbers of at least 1 or None"),
    (lambda: Network(Tanh(), shape=(3, 0)), r"Network: shape=\(3, 0\): expected whole numbers of at least 1 or None"),
    (lambda: Network(Tanh(), shape=[]), r"Network: shape=\(\): expected whole numbers"),
    (lambda: Reshape(), r"Reshape\(\): expected whole numbers of at least 1 or -1"),
    (lambda: Reshape(-1, -1), r"Reshape\(-1, -1\): expected whole numbers of at least 1, but for one -1"),
    (lambda: Reshape(2.5), r"Reshape\(2.5,\): expected whole numbers of at least 1 or -1"),
    (lambda: Flatten(2, -1), r"Flatten\(2, -1\): expected whole numbers of at least 1"),
    (lambda: Pack(0, 4), "Pack.0.: the number of samples must be a whole number of at least 1"),
])  # fmt: skip
def test_a_shape_that_does_not_fit_is_refused_when_the_network_is_built(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_a_failed_network_leaves_its_layers_as_they_were():
    inner, flatten = Network(Dense(3, 4)), Flatten()
    for shape in (5,), (2, 2):
        with pytest.raises(ValueError, match="takes width 3"):
            Network(flatten, inner, shape=shape)
    assert inner(np.ones((2, 3))).shape == (2, 4) and not inner.packed
    assert Network(flatten, inner, shape=(3, 1)).n_out == 4


def test_a_batch_that_pack_does_not_divide_is_refused():
    network = Network(Pack(2, 4), Dense(8, 1))
    for call in network, network.forward:
        with pytest.raises(ValueError, match="a batch of 5 cannot be judged 2 at a time: take a multiple of 2"):
            call(np.ones((5, 4), "float32"))
