"""The contract that every layer keeps, and what is particular to some."""

import copy

import numpy as np
import pytest

from minigan import (
    AveragePool,
    BatchNorm,
    Conv2D,
    ConvTranspose2D,
    Dense,
    Dropout,
    Flatten,
    InstanceNoise,
    Layer,
    LayerNorm,
    LeakyReLU,
    Maxout,
    Network,
    Pack,
    ReLU,
    Reshape,
    Sigmoid,
    SpectralConv2D,
    SpectralNorm,
    Tanh,
    Upsample,
    assert_gradients,
    xp,
)  # fmt: skip
from minigan.backend import kernels, plain
from minigan.gradcheck import check_second_order
from minigan.optimizers import Exponential

pytestmark = pytest.mark.usefixtures("each_backend")

LAYERS = {  # how each is made, and the shape of a sample
    "Dense(3, 2)": (lambda: Dense(3, 2), (3,)),
    "Dense(1, 4)": (lambda: Dense(1, 4), (1,)),
    "Dense in time": (lambda: Dense(3, 2), (4, 3)),
    "ReLU()": (ReLU, (3,)),
    "LeakyReLU(0.2)": (lambda: LeakyReLU(0.2), (2, 3)),
    "Tanh()": (Tanh, (3,)),
    "Sigmoid()": (Sigmoid, (2, 2, 3)),
    "Maxout(6, 2)": (lambda: Maxout(6, 2), (6,)),
    "LayerNorm(3)": (lambda: LayerNorm(3), (3,)),
    "BatchNorm(3)": (lambda: BatchNorm(3), (3,)),
    "Dropout(0.5)": (lambda: Dropout(0.5), (3,)),
    "InstanceNoise(0.5)": (lambda: InstanceNoise(0.5), (3,)),
    "Flatten(2, 3)": (lambda: Flatten(2, 3), (2, 3)),
    "Reshape(2, -1)": (lambda: Reshape(2, -1), (6,)),
    "Pack(1, 3)": (lambda: Pack(1, 3), (3,)),
    "SpectralNorm(3, 2)": (lambda: SpectralNorm(3, 2), (3,)),
    "Conv2D": (lambda: Conv2D(2, kernel=3), (4, 3, 2)),
    "ConvTranspose2D": (lambda: ConvTranspose2D(2, kernel=3), (2, 3, 3)),
    "SpectralConv2D": (lambda: SpectralConv2D(2), (2, 4, 1)),
    "BatchNorm of pictures": (lambda: BatchNorm(3), (2, 2, 3)),
    "AveragePool(2)": (AveragePool, (4, 2, 3)),
    "Upsample(2)": (Upsample, (2, 3, 2)),
    "a network": (lambda: Network(Dense(3, 4), Network(Tanh(), Dense(4, 2))), (3,)),
}
each_layer = pytest.mark.parametrize("name", LAYERS)


def packed(name, n, rng, dtype="float64"):
    """(network of this one layer, x, dy), both read-only on NumPy; no x is near the kink at 0."""
    make, shape = LAYERS[name]
    network = Network(make(), dtype=dtype, shape=shape)
    network.theta[:] += 0.1 * xp.asarray(rng.standard_normal(network.theta.shape), dtype=dtype)
    x = rng.standard_normal((n, *shape))
    dy = rng.standard_normal(network(x).shape).astype(dtype)
    x = (x + 0.1 * np.sign(x)).astype(dtype)
    x.flags.writeable = dy.flags.writeable = False
    return network, xp.asarray(x), xp.asarray(dy)


@each_layer
@pytest.mark.parametrize("n", [1, 5])
def test_each_derivative_agrees_with_central_differences(name, n, rng, numeric, relative_error):
    network, x, dy = packed(name, n, rng)
    network.forward(x)
    dx, movable = network.backward(dy).copy(), x.copy()

    def loss():
        return (network.forward(movable) * dy).sum()

    expected = numeric(loss, movable)
    assert relative_error(dx, expected) <= 1e-6 if expected.any() else not dx.any()  # a ReLU of negative x alone
    for name, parameter, gradient in network.parameters():
        assert relative_error(gradient, numeric(loss, parameter)) <= 1e-6, name


@each_layer
@pytest.mark.parametrize("training", [False, True])
def test_each_second_derivative_agrees_with_differences_of_the_first(name, training, rng):
    make, shape = LAYERS[name]
    x = rng.standard_normal((5, *shape))
    report = check_second_order(Network(make(), dtype="float64", shape=shape), x, training=training)
    assert report.ok and max(row.error for row in report.rows) <= 1e-6, report


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
    assert network.dtheta.tobytes() == dtheta.tobytes() and xp.isfinite(dtheta).all()
    network.backward(y)
    assert [a.tobytes() for a in (y, x, dy)] == [a.tobytes() for a in kept]


@each_layer
def test_alternating_batch_sizes_allocate_nothing_and_give_what_a_new_layer_gives(name, rng, monkeypatch):
    network, x, dy = packed(name, 8, rng)
    network.forward(x)
    network.backward(dy)
    monkeypatch.setattr(xp, "empty", lambda *args, **kwargs: pytest.fail(f"allocates {args}"))
    found = []
    for n in (4, 8, 3, 8):
        found += [network.forward(x[:n]).copy(), network.backward(dy[:n]).copy(), network.dtheta.copy()]
    monkeypatch.undo()
    for n, (y, dx, dtheta) in zip((4, 8, 3, 8), zip(*[iter(found)] * 3, strict=True), strict=True):
        fresh = network.astype("float64")
        assert (fresh.forward(x[:n]) == y).all()
        assert (fresh.backward(dy[:n]) == dx).all()
        assert (fresh.dtheta == dtheta).all()


@each_layer
def test_the_precision_of_x_is_kept_in_training_and_out_of_it(name, rng):
    for training in False, True:
        network, x, dy = packed(name, 4, rng, "float32")
        assert network.forward(x, training).dtype == network.backward(dy).dtype == network.dtheta.dtype == "float32"


@each_layer
def test_repr_is_what_one_would_type(name):
    if "(" in name:
        assert repr(LAYERS[name][0]()) == name


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
    ("W", np.ones((2, 3)), r"W must have shape \(3, 2\), not \(2, 3\)"),
    ("db", 0.0, r"db must have shape \(2,\), not \(\)"),
    ("W", "text", r"W must be numbers, as an array or as lists of equal length, not 'text'"),
    ("W", [[1, 2], [3]], "W must be numbers"),
])  # fmt: skip
def test_another_shape_is_refused_and_never_broadcast(name, value, words):
    dense = Network(Dense(3, 2)).layers[0]
    with pytest.raises(ValueError, match=rf"^Dense\(3, 2\): {words}"):
        setattr(dense, name, value)


def test_a_copy_of_a_layer_keeps_its_values_and_belongs_to_no_network():
    network = Network(Dense(3, 2), Dropout(0.5), seed=4)
    twin = copy.deepcopy(network.layers[0])
    other = Network(twin, copy.copy(network.layers[1]), seed=5)
    assert other.layers[1].seed == network.layers[1].seed
    assert (other.theta == network.theta).all() and not xp.shares_memory(other.theta, network.theta)
    twin.W = 2 * twin.W
    assert (other.theta[:6] == 2 * network.theta[:6]).all()


@pytest.mark.parametrize("make, words", [
    (lambda: Dense(0, 3), r"Dense\(0, 3\): both widths must be whole numbers of at least 1"),
    (lambda: Dense(3, 2.0), r"Dense\(3, 2.0\): both widths must be whole numbers"),
    (lambda: Dense(2, 3, init=5), r"Dense\(2, 3\): init must be a function"),
    (lambda: Network(Dense(2, 3, init=lambda rng, shape, i, o: rng.random((o, i)))), r"must have shape \(2, 3\), not"),
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
