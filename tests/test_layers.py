"""The contract that every layer keeps, and Dense."""

import numpy as np
import pytest

from minigan import (
    BatchNorm,
    Dense,
    Dropout,
    Flatten,
    InstanceNoise,
    Layer,
    LayerNorm,
    LeakyReLU,
    Maxout,
    Network,
    ReLU,
    Reshape,
    Sigmoid,
    Tanh,
    xp,
)  # fmt: skip
from minigan.layers import glorot, he, uniform
from minigan.schedules import Exponential

pytestmark = pytest.mark.usefixtures("each_backend")

LAYERS = {
    "Dense(3, 2)": lambda: Dense(3, 2),
    "Dense(1, 1)": lambda: Dense(1, 1),
    "Dense(1, 4)": lambda: Dense(1, 4),
    "ReLU": ReLU,
    "LeakyReLU": LeakyReLU,
    "LeakyReLU(0)": lambda: LeakyReLU(0),
    "LeakyReLU(1)": lambda: LeakyReLU(1),
    "Tanh": Tanh,
    "Sigmoid": Sigmoid,
    "Maxout(6, 2)": lambda: Maxout(6, 2),
    "LayerNorm(3)": lambda: LayerNorm(3),
    "BatchNorm(3)": lambda: BatchNorm(3),
    "Dropout(0.5)": lambda: Dropout(0.5),
    "InstanceNoise(0.5)": lambda: InstanceNoise(0.5),
    "Flatten(2, 3)": lambda: Flatten(2, 3),
    "Reshape(2, 3)": lambda: Reshape(2, 3),
}
each_layer = pytest.mark.parametrize("layer", [pytest.param(make, id=name) for name, make in LAYERS.items()])
each_batch = pytest.mark.parametrize("n", [1, 5])


def packed(make, n, rng, dtype="float64", width=3):
    """(network of this one layer, x, dy), both read-only on NumPy; no x is near the kink at 0."""
    network = Network(make(), dtype=dtype)
    network.theta[:] = xp.asarray(rng.standard_normal(network.theta.shape))
    x = rng.standard_normal(shape(n, network.n_in or width))
    x += 0.1 * np.sign(x)
    dy = rng.standard_normal(shape(n, network.n_out or width))
    x, dy = x.astype(dtype), dy.astype(dtype)
    x.flags.writeable = dy.flags.writeable = False
    return network, xp.asarray(x), xp.asarray(dy)


def shape(n, width):
    return (n, *width) if isinstance(width, tuple) else (n, width)


@each_batch
@each_layer
def test_each_derivative_agrees_with_central_differences(layer, n, rng, numeric, relative_error):
    network, x, dy = packed(layer, n, rng)
    network.forward(x)
    dx = network.backward(dy).copy()
    movable = x.copy()

    def loss():
        return (network.forward(movable) * dy).sum()

    expected = numeric(loss, movable)
    if expected.any():  # a single negative x gives a ReLU no derivative at all
        assert relative_error(dx, expected) <= 1e-6
    else:
        assert not dx.any()
    for name, parameter, gradient in network.parameters():
        assert relative_error(gradient, numeric(loss, parameter)) <= 1e-6, name


@each_layer
def test_width_one_and_batch_one_agree_with_central_differences(layer, rng, numeric, relative_error):
    network, _, _ = packed(layer, 1, rng)
    ns = shape(1, network.n_in or 1)
    x = xp.asarray(0.7 + 0.2 * np.arange(np.prod(ns)).reshape(ns))
    dy = xp.asarray(rng.standard_normal(shape(1, network.n_out or 1)))
    network.forward(x)
    dx = network.backward(dy).copy()
    assert relative_error(dx, numeric(lambda: (network.forward(x) * dy).sum(), x)) <= 1e-6


@each_layer
def test_wrt_chooses_what_is_computed_and_not_its_value(layer, rng):
    network, x, dy = packed(layer, 4, rng)
    network.forward(x)
    dx = network.backward(dy, wrt="both").copy()
    dtheta = network.dtheta.copy()
    network.dtheta[:] = 7.0
    assert network.backward(dy, wrt="input").tobytes() == dx.tobytes()
    assert (network.dtheta == 7.0).all()
    assert network.backward(dy, wrt="params") is None
    assert network.dtheta.tobytes() == dtheta.tobytes()


@each_layer
def test_backward_overwrites_so_that_twice_is_as_once(layer, rng):
    network, x, dy = packed(layer, 4, rng)
    network.forward(x)
    network.dtheta[:] = np.nan
    once = network.backward(dy).copy(), network.dtheta.copy()
    twice = network.backward(dy), network.dtheta
    assert [a.tobytes() for a in once] == [a.tobytes() for a in twice]
    assert xp.isfinite(network.dtheta).all()


@each_layer
def test_the_output_stays_as_it_is_until_the_next_forward(layer, rng):
    """Also through a backward, and with dy the layer's own output."""
    network, x, _ = packed(layer, 4, rng)
    y = network.forward(x)
    kept = y.copy()
    network.backward(y)
    assert y.tobytes() == kept.tobytes()


@each_layer
def test_neither_x_nor_dy_is_written(layer, rng):
    """On NumPy they are read-only, so that a write raises; a copy would show a write past that flag."""
    network, x, dy = packed(layer, 4, rng)
    kept = x.copy(), dy.copy()
    network.forward(x)
    network.backward(dy)
    assert (x == kept[0]).all() and (dy == kept[1]).all()


@each_layer
def test_alternating_batch_sizes_allocate_nothing_and_give_what_a_new_layer_gives(layer, rng, monkeypatch):
    network, x, dy = packed(layer, 8, rng)
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


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@each_layer
def test_the_precision_of_x_is_kept(layer, dtype, rng):
    network, x, dy = packed(layer, 4, rng, dtype)
    assert network.forward(x).dtype == network.backward(dy).dtype == network.dtheta.dtype == dtype


def test_scratch_gives_the_same_memory_again_and_its_first_rows_to_a_smaller_batch():
    layer = Layer()
    a = layer.scratch("a", (8, 3), "float32")
    assert xp.shares_memory(layer.scratch("a", (8, 3), "float32"), a)
    small = layer.scratch("a", (5, 3), "float32")
    small[:] = a[:5] = 0
    small[0, 1] = 7
    assert small.shape == (5, 3) and a[0, 1] == 7
    assert not xp.shares_memory(layer.scratch("b", (8, 3), "float32"), a)


@pytest.mark.parametrize("shape, dtype", [((9, 3), "float32"), ((8, 2), "float32"), ((8, 3), "float64")])
def test_scratch_makes_a_new_array_where_the_old_one_does_not_do(shape, dtype):
    layer = Layer()
    a = layer.scratch("a", (8, 3), "float32")
    b = layer.scratch("a", shape, dtype)
    assert (b.shape, b.dtype) == (shape, dtype) and not xp.shares_memory(a, b)


def test_a_layer_without_its_methods_says_which_one_it_needs():
    class Mine(Layer):
        pass

    with pytest.raises(NotImplementedError, match="Mine needs a forward"):
        Mine().forward(np.ones((1, 1)))
    with pytest.raises(NotImplementedError, match="Mine needs a backward"):
        Mine().backward(np.ones((1, 1)))


def test_dense_by_hand():
    network = Network(Dense(2, 3), dtype="float64")
    dense = network.layers[0]
    dense.W[:] = xp.array([[1, 2, 3], [4, 5, 6]])
    dense.b[:] = xp.array([10, 20, 30])
    x = xp.array([[1.0, 0.0], [1.0, -1.0]])
    assert network.forward(x).tolist() == [[11, 22, 33], [7, 17, 27]]
    assert network.backward(xp.array([[1.0, 0, 0], [0, 1, 2]])).tolist() == [[1, 4], [8, 17]]
    assert dense.dW.tolist() == [[1, 1, 2], [0, -1, -2]]
    assert dense.db.tolist() == [1, 1, 2]


@pytest.mark.parametrize("n_in, n_out", [(0, 3), (3, 0), (-1, 3)])
def test_dense_refuses_a_width_below_one(n_in, n_out):
    with pytest.raises(ValueError, match=rf"Dense\({n_in}, {n_out}\): both widths must be whole numbers of at least 1"):
        Dense(n_in, n_out)


@pytest.mark.parametrize("init, variance", [(he, 2 / 300), (glorot, 2 / (300 + 200))])
def test_initial_weights_have_the_variance_of_their_paper(init, variance, rng):
    W = init(rng, 300, 200)
    assert W.shape == (300, 200)
    assert abs(W.mean()) < 5 * (variance / W.size) ** 0.5
    assert 0.97 < W.var() / variance < 1.03


def test_glorot_is_uniform_and_bounded(rng):
    r = (6 / 500) ** 0.5
    W = glorot(rng, 300, 200)
    assert 0.99 * r < W.max() < r and -r < W.min() < -0.99 * r


def test_dense_starts_with_its_init_and_b_at_zero():
    network = Network(Dense(30, 20, init=lambda rng, n_in, n_out: np.full((n_in, n_out), 0.25)))
    assert (network.layers[0].W == 0.25).all() and not network.layers[0].b.any()
    assert network.layers[0].W.shape == (30, 20)


@pytest.mark.parametrize(
    "layer, shown",
    [
        (Dense(3, 2), "Dense(3, 2)"),
        (ReLU(), "ReLU()"),
        (Tanh(), "Tanh()"),
        (Sigmoid(), "Sigmoid()"),
        (LeakyReLU(0.1), "LeakyReLU(0.1)"),
        (Maxout(6, 2), "Maxout(6, 2)"),
        (LayerNorm(3), "LayerNorm(3)"),
        (BatchNorm(3), "BatchNorm(3)"),
        (BatchNorm(3, 0.99), "BatchNorm(3, 0.99)"),
        (Dropout(0.5), "Dropout(0.5)"),
        (InstanceNoise(0.1), "InstanceNoise(0.1)"),
        (InstanceNoise(Exponential(1.0, 0.5)), "InstanceNoise(Exponential(1.0, 0.5, 0.0))"),
        (Flatten(2, 3), "Flatten(2, 3)"),
        (Reshape(28, 28), "Reshape(28, 28)"),
    ],
)
def test_repr_is_what_one_would_type(layer, shown):
    assert repr(layer) == shown


def test_a_layer_outside_a_network_says_where_its_arrays_come_from():
    with pytest.raises(
        AttributeError, match=r"Dense\(2, 3\) has no W yet: .* from a Network, Network\(Dense\(2, 3\)\)"
    ):
        Dense(2, 3).forward(xp.ones((1, 2), dtype="float32"))
    with pytest.raises(AttributeError, match="'Dense' object has no attribute 'weights'"):
        _ = Dense(2, 3).weights


def test_an_initializer_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"init drew shape \(3, 2\), expected \(2, 3\)"):
        Network(Dense(2, 3, init=lambda rng, n_in, n_out: rng.standard_normal((n_out, n_in))))


def test_a_bias_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"Dense\(2, 3\): bias has shape \(2,\), expected a number or \(3,\)"):
        Network(Dense(2, 3, bias=[1.0, 2.0]))


def test_uniform_weights_stay_within_r(rng):
    W = uniform(0.05)(rng, 300, 200)
    assert W.shape == (300, 200) and 0.0499 < W.max() <= 0.05 and -0.05 <= W.min() < -0.0499


@pytest.mark.parametrize("kind", [BatchNorm, LayerNorm])
def test_a_normalized_batch_has_mean_0_and_variance_1_over_its_axis(kind, rng):
    network = Network(kind(40), dtype="float64")
    y = network.forward(xp.asarray(5 * rng.standard_normal((30, 40)) + 3), training=True)
    axis = network.layers[0].axis
    assert abs(y.mean(axis=axis)).max() < 1e-12 and abs(y.var(axis=axis) - 1).max() < 1e-4


def test_batchnorm_of_one_sample_is_refused_in_training_only():
    network = Network(BatchNorm(3))
    x = xp.ones((1, 3), dtype="float32")
    network.forward(x)
    with pytest.raises(ValueError, match=r"BatchNorm\(3\): a training batch of one sample has no variance; take at"):
        network.forward(x, training=True)


def test_dropout_draws_anew_in_training_repeatably_and_leaves_the_mean(rng):
    one, two = Network(Dropout(0.25), seed=4), Network(Dropout(0.25), seed=4)
    x = xp.ones((200, 50), dtype="float32")
    first = one.forward(x, training=True).copy()
    second = one.forward(x, training=True).copy()
    assert (two.forward(x, training=True) == first).all() and not (first == second).all()
    assert {float(value) for value in first.ravel()} == {0.0, float(np.float32(1 / 0.75))}
    assert 0.97 < float(first.mean()) < 1.03 and (one.forward(x) == x).all()


@pytest.mark.parametrize("strength, steps", [(Exponential(1.0, 0.5), (0.5, 0.25)), (0.3, (0.3, 0.3))], ids=repr)
def test_instance_noise_is_drawn_anew_in_training_as_strong_as_stated(strength, steps):
    network = Network(InstanceNoise(strength), seed=3)
    x = xp.ones((4000, 2), dtype="float32")
    first, second = ((network.forward(x, training=True) - x).ravel() for _ in range(2))
    for noise, step in zip((first, second), steps, strict=True):
        assert abs(float(noise.std()) / step - 1) < 0.05 and abs(float(noise.mean())) < 0.05 * step
    assert abs(float((first * second).mean())) < 0.05 * steps[0] * steps[1]
    assert (network.forward(x) == x).all() and network.layers[0].draws == 2
    twin = Network(InstanceNoise(strength), seed=3)
    assert (twin.forward(x, training=True) - x).ravel().tolist() == first.tolist()


@pytest.mark.parametrize("strength", [-0.1, float("inf"), float("nan"), Exponential(-1.0, 0.5, -2.0)], ids=repr)
def test_instance_noise_refuses_a_strength_that_is_none(strength):
    with pytest.raises(ValueError, match=r"^InstanceNoise\(.*\): the strength must be at least 0 and finite"):
        InstanceNoise(strength)


def test_an_array_of_another_shape_is_refused_with_both_shapes():
    network = Network(Flatten(2, 3), Dense(6, 4))
    with pytest.raises(ValueError, match=r"x has shape \(5, 6\), but this network takes \(N, 2, 3\)"):
        network.forward(xp.ones((5, 6), dtype="float32"))
    assert network(np.ones((5, 2, 3))).shape == (5, 4)
