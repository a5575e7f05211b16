"""The contract that every layer keeps, and what is particular to some."""

import numpy as np
import pytest
from subjects import LAYERS

from minigan import (
    BatchNorm,
    Dense,
    Dropout,
    InstanceNoise,
    Layer,
    LeakyReLU,
    Maxout,
    Network,
    SpectralNorm,
    assert_gradients,
    xp,
)  # fmt: skip
from minigan.backend import kernels, plain
from minigan.optimizers import Exponential

each_layer = pytest.mark.parametrize("name", LAYERS)


def packed(name, n, rng):
    """(network of this one layer, x, dy), both read-only."""
    make, shape = LAYERS[name]
    network = Network(make(), dtype="float64", shape=shape)
    network.theta[:] += 0.1 * rng.standard_normal(network.theta.shape)
    x = rng.standard_normal((n, *shape))
    dy = rng.standard_normal(network(x).shape)
    x.flags.writeable = dy.flags.writeable = False
    return network, x, dy


@each_layer
def test_wrt_chooses_what_is_computed_and_backward_overwrites(name, rng):
    """Twice is as once, and the output stays as it is: also with dy the layer's own output."""
    network, x, dy = packed(name, 4, rng)
    y = network.forward(x)
    kept = y.copy(), x.copy(), dy.copy()
    network.dtheta[:] = np.nan
    dx, dtheta = network.backward(dy, wrt="both").copy(), network.dtheta.copy()
    network.dtheta[:] = 7.0
    assert network.backward(dy, wrt="input").tobytes() == dx.tobytes()
    assert (network.dtheta == 7.0).all()
    assert network.backward(dy, wrt="params") is None
    assert network.dtheta.tobytes() == dtheta.tobytes() and np.isfinite(dtheta).all()
    network.backward(y)
    assert [a.tobytes() for a in (y, x, dy)] == [a.tobytes() for a in kept]


@each_layer
def test_alternating_batch_sizes_allocate_nothing_and_give_what_a_new_layer_gives(name, rng, monkeypatch):
    network, x, dy = packed(name, 8, rng)
    network.forward(x)
    network.backward(dy)
    monkeypatch.setattr(xp, "empty", lambda *args, **kwargs: pytest.fail(f"allocates {args}"))
    found = []
    for n in (4, 8, 2, 8):
        y = network.forward(x[:n]).copy()
        found += [y, network.backward(dy[: len(y)]).copy(), network.dtheta.copy()]
    monkeypatch.undo()
    for n, (y, dx, dtheta) in zip((4, 8, 2, 8), zip(*[iter(found)] * 3, strict=True), strict=True):
        fresh = network.astype("float64")
        assert (fresh.forward(x[:n]) == y).all()
        assert (fresh.backward(dy[: len(y)]) == dx).all()
        assert (fresh.dtheta == dtheta).all()


def test_a_layer_outside_a_network_says_where_its_arrays_come_from():
    words = r"Dense\(2, 3\) has no {} yet: .* from a Network, Network\(Dense\(2, 3\)\)"
    for name in "W", "db":
        with pytest.raises(AttributeError, match=words.format(name)):
            getattr(Dense(2, 3), name)
    with pytest.raises(AttributeError, match="'Dense' object has no attribute 'weights'"):
        _ = Dense(2, 3).weights


class Shift(Layer):
    """y = x + delta; the parameter's name begins with a d, and backward sets its gradient in one assignment."""

    params = ("delta",)
    n_in = n_out = 3

    def initialize(self, rng):
        return {"delta": rng.standard_normal(3)}

    def forward(self, x, training=False):
        return x + self.delta

    def backward(self, dy, wrt="both"):
        if wrt != "input":
            self.ddelta = dy.sum(axis=0)
        return dy


def test_assigning_to_a_parameter_or_its_gradient_writes_into_theta_and_dtheta(rng):
    network = Network(Shift(), Dense(3, 2))
    shift, dense = network.layers
    dense.W = np.arange(6.0).reshape(3, 2)
    shift.delta = [7, 8, 9]
    shift.delta += 1
    assert network.theta.tolist()[:9] == [8, 9, 10, 0, 1, 2, 3, 4, 5]
    network.forward(xp.ones((4, 3), dtype="float32"))
    network.backward(xp.ones((4, 2), dtype="float32"))
    assert network.dtheta[:3].tolist() == [4, 20, 36] and xp.shares_memory(shift.ddelta, network.dtheta)
    assert_gradients(Shift(), rng.standard_normal((4, 3)))


@pytest.mark.parametrize("name, value, words", [
    ("W", np.ones((2, 3)), r"W has shape \(3, 2\), and cannot be set to one of \(2, 3\)"),
    ("db", 0.0, r"db has shape \(2,\), and cannot be set to one of \(\)"),
    ("W", "text", r"W must be numbers, as an array or as lists of equal length, not 'text'"),
    ("W", [[1, 2], [3]], "W must be numbers"),
])  # fmt: skip
def test_another_shape_is_refused_and_never_broadcast(name, value, words):
    dense = Network(Dense(3, 2)).layers[0]
    with pytest.raises(ValueError, match=rf"^Dense\(3, 2\): {words}"):
        setattr(dense, name, value)


@pytest.mark.parametrize("make, words", [
    (lambda: Dense(0, 3), r"Dense\(0, 3\): both widths must be whole numbers of at least 1"),
    (lambda: Dense(3, 2.0), r"Dense\(3, 2.0\): both widths must be whole numbers"),
    (lambda: Dense(2, 3, init=5), r"Dense\(2, 3\): init must be a function"),
    (lambda: Network(Dense(2, 3, init=lambda rng, shape, i, o: rng.random((o, i)))), r"drew shape \(3, 2\), expected"),
    (lambda: Dense(2, 3, bias=[1.0, 2.0]), r"Dense\(2, 3\): bias has shape \(2,\), expected a number or \(3,\)"),
    (lambda: Maxout(5, 2), r"Maxout\(5, 2\): the width in must be a multiple of the width out"),
    (lambda: BatchNorm("3"), r"BatchNorm\('3'\): the width must be a whole number of at least 1"),
    (lambda: BatchNorm(3, 1.0), r"BatchNorm: the momentum must lie in \[0, 1\), not 1.0"),
    (lambda: Dropout(1), r"Dropout: the rate must lie in \[0, 1\), not 1"),
    (lambda: InstanceNoise(float("inf")), "InstanceNoise: the strength must be at least 0 and finite, not inf"),
    (lambda: InstanceNoise(Exponential(-1.0, 0.5, -2.0)), "InstanceNoise: the strength must be at least 0 and finite"),
])  # fmt: skip
def test_settings_that_make_no_layer_are_refused_in_words(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_layers_compute_by_the_backends_twins_where_it_has_some(rng, monkeypatch):
    called = []

    def twin(name):
        return lambda *args, **kwargs: called.append(name) or getattr(plain, name)(*args, **kwargs)

    names = "matmul", "leaky_relu", "leaky_relu_backward"
    kernels.switch({name: twin(name) for name in names})
    network = Network(Dense(3, 2), LeakyReLU(), SpectralNorm(2, 2))
    network.forward(xp.ones((4, 3), dtype="float32"))
    network.backward(xp.ones((4, 2), dtype="float32"))
    kernels.switch({})
    forward = ["matmul", "leaky_relu", "matmul"]
    assert called == [*forward, "matmul", "matmul", "leaky_relu_backward", "matmul", "matmul"]
