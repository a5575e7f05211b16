import copy
import pickle

import numpy as np
import pytest

from minigan import SGD, Adam, Dense, LeakyReLU, Network, ReLU, Sigmoid, Tanh, to_numpy, xp

pytestmark = pytest.mark.usefixtures("each_backend")


def deep(dtype="float64", seed=3):
    """Every kind of layer, a width of 1 in the middle, and an activation in front."""
    layers = Tanh(), Dense(3, 5), LeakyReLU(), Dense(5, 4), ReLU(), Dense(4, 1), Sigmoid(), Dense(1, 2)
    return Network(*layers, seed=seed, dtype=dtype)


def ones(*shape, dtype="float32"):
    return xp.ones(shape, dtype=dtype)


def inputs(network, n, rng):
    x = xp.asarray(rng.standard_normal((n, network.n_in)), dtype=network.dtype)
    return x, xp.asarray(rng.standard_normal((n, network.n_out)), dtype=network.dtype)


@pytest.mark.parametrize("n", [1, 6])
def test_every_derivative_of_a_deep_network_agrees_with_central_differences(n, rng, numeric, relative_error):
    network = deep()
    x, dy = inputs(network, n, rng)
    network.forward(x)
    dx = network.backward(dy).copy()

    def loss():
        return (network.forward(x) * dy).sum()

    assert relative_error(dx, numeric(loss, x)) <= 1e-6
    names = [name for name, _, _ in network.parameters()]
    assert names == ["1.W", "1.b", "3.W", "3.b", "5.W", "5.b", "7.W", "7.b"]
    for name, parameter, gradient in network.parameters():
        assert relative_error(gradient, numeric(loss, parameter)) <= 1e-6, name


def test_wrt_chooses_what_is_computed_and_not_its_value(rng):
    network = deep()
    x, dy = inputs(network, 4, rng)
    network.forward(x)
    dx = network.backward(dy, wrt="both").copy()
    dtheta = network.dtheta.copy()
    network.dtheta[:] = 7.0
    assert network.backward(dy, wrt="input").tobytes() == dx.tobytes()
    assert (network.dtheta == 7.0).all()
    assert network.backward(dy, wrt="params") is None
    assert network.dtheta.tobytes() == dtheta.tobytes()


def test_each_layer_is_asked_only_for_what_is_needed(monkeypatch, rng):
    """For wrt="params" the first layer computes no dx; for wrt="input" no layer touches its parameters."""
    network, asked = deep(), []
    x, dy = inputs(network, 4, rng)
    network.forward(x)
    for layer in network.layers:
        monkeypatch.setattr(layer, "backward", lambda dy, wrt, f=layer.backward: asked.append(wrt) or f(dy, wrt))
    network.backward(dy, wrt="params")
    assert asked == ["both"] * 7 + ["params"]
    asked.clear()
    network.backward(dy, wrt="input")
    assert asked == ["input"] * 8


def test_theta_and_dtheta_are_the_layers_parameters_and_gradients(rng):
    network = Network(Dense(2, 3), ReLU(), Dense(3, 1))
    first, _, last = network.layers
    network.theta[:] = xp.arange(13)
    assert first.W.tolist() == [[0, 1, 2], [3, 4, 5]] and first.b.tolist() == [6, 7, 8]
    assert last.W.ravel().tolist() == [9, 10, 11] and last.b.tolist() == [12]
    first.W[0, 0] = 99
    assert network.theta[0] == 99
    network.dtheta[:] = xp.arange(13)
    assert first.dW.tolist() == [[0, 1, 2], [3, 4, 5]] and last.db.tolist() == [12]
    network.forward(xp.asarray(rng.standard_normal((2, 2), dtype="float32")))
    network.backward(ones(2, 1))
    assert network.dtheta[12] == 2


@pytest.mark.parametrize("name", ["theta", "dtheta"])
def test_theta_cannot_be_replaced_only_written_into(name):
    """A new array under this name would leave the layers with views into the old one."""
    network = Network(Dense(2, 1))
    with pytest.raises(AttributeError, match=f"property '{name}'"):
        setattr(network, name, xp.zeros(3, dtype="float32"))
    assert "write into it" in Network.theta.__doc__


def test_one_seed_is_one_network_and_another_seed_another():
    assert deep(seed=3).theta.tobytes() == deep(seed=3).theta.tobytes() != deep(seed=4).theta.tobytes()


def test_the_precision_does_not_change_the_weights_that_are_drawn():
    assert (deep("float32").theta == deep("float64").theta.astype("float32")).all()


def test_float32_is_the_default():
    network = Network(Dense(2, 1))
    assert network.dtype == network.theta.dtype == network.dtheta.dtype == "float32"


def test_a_call_takes_lists_and_returns_a_fresh_array():
    network = Network(Dense(2, 1))
    y = network([[1, 2], [3, 4]])
    kept = y.copy()
    network([[5, 6], [7, 8]])
    assert (y == kept).all() and y.dtype == "float32" and y.shape == (2, 1)


def test_forward_returns_the_same_array_again():
    network = Network(Dense(2, 1))
    x = ones(2, 2)
    assert xp.shares_memory(network.forward(x), network.forward(x))


def test_alternating_batch_sizes_give_what_a_fresh_network_gives(rng):
    """D sees 2N rows in its own step and N in the generator's."""
    network = deep()
    for n in (8, 4, 8, 3):
        x, dy = inputs(network, n, rng)
        fresh = network.astype("float64")
        assert (network.forward(x) == fresh.forward(x)).all()
        assert (network.backward(dy) == fresh.backward(dy)).all()
        assert (network.dtheta == fresh.dtheta).all()


def test_astype_is_an_independent_copy(rng):
    network = deep("float32")
    x, dy = inputs(network, 4, rng)
    y, dx = network.forward(x), network.backward(dy)
    kept = [a.copy() for a in (network.theta, network.dtheta, y, dx)]
    twin = network.astype("float64")
    assert twin.theta.dtype == twin.dtheta.dtype == twin.dtype == "float64"
    assert (twin.theta == network.theta).all()
    twin.theta[:] += 1.0
    twin.forward(x.astype("float64"))
    twin.backward(dy.astype("float64"))
    assert [a.tobytes() for a in (network.theta, network.dtheta, y, dx)] == [a.tobytes() for a in kept]
    assert xp.shares_memory(twin.layers[1].W, twin.theta)


def test_a_deep_copy_has_a_theta_of_its_own_and_layers_that_use_it(rng):
    """copy.deepcopy takes views apart; the copy's layers must not be left with weights that no optimizer moves."""
    network = deep()
    twin = copy.deepcopy(network)
    assert (twin.theta == network.theta).all() and not xp.shares_memory(twin.theta, network.theta)
    assert all(xp.shares_memory(parameter, twin.theta) for _, parameter, _ in twin.parameters())
    assert all(xp.shares_memory(gradient, twin.dtheta) for _, _, gradient in twin.parameters())


def test_float64_and_float32_agree_to_the_precision_of_float32(rng):
    network = deep("float32")
    x, _ = inputs(network, 5, rng)
    np.testing.assert_allclose(to_numpy(network(x)), to_numpy(network.astype("float64")(x)), rtol=1e-5, atol=1e-6)


def test_summary_shows_each_width_and_count():
    lines = Network(Dense(100, 256), ReLU(), Dense(256, 784), Tanh()).summary().splitlines()
    assert [line.split() for line in lines] == [
        ["0", "Dense(100,", "256)", "(N,", "256)", "25,856"],
        ["1", "ReLU()", "(N,", "256)", "0"],
        ["2", "Dense(256,", "784)", "(N,", "784)", "201,488"],
        ["3", "Tanh()", "(N,", "784)", "0"],
        ["theta:", "227,344", "x", "float32,", "0.9", "MiB"],
    ]
    assert len({len(line) for line in lines[:-1]}) == 1  # a table


def test_repr_is_what_one_would_type():
    assert repr(Network(Dense(2, 3), LeakyReLU(0.1))) == "Network(Dense(2, 3), LeakyReLU(0.1))"


def test_a_network_without_parameters_takes_any_width():
    network = Network(ReLU())
    assert (network.n_in, network.n_out, network.theta.size) == (None, None, 0)
    assert network([[-1, 2, 3]]).tolist() == [[0, 2, 3]]


def twice():
    dense = Dense(3, 3)
    return Network(dense, ReLU(), dense)


def taken():
    dense = Dense(3, 2)
    Network(dense)
    return Network(dense)


@pytest.mark.parametrize(
    "build, words",
    [
        (lambda: Network(), "a Network needs at least one layer"),
        (lambda: Network(Dense(3, 4), ReLU(), Dense(5, 1)), r"2, Dense\(5, 1\), expects width 5 but gets width 4"),
        (twice, r"layer 2, Dense\(3, 3\), is already in the chain: .* make a new one"),
        (taken, r"layer 0, Dense\(3, 2\), already belongs to a Network"),
    ],
    ids=["no layers", "widths do not fit", "same layer twice", "layer of another network"],
)
def test_a_chain_that_cannot_work_is_refused_when_it_is_built(build, words):
    with pytest.raises(ValueError, match=words):
        build()


@pytest.mark.parametrize(
    "x, error, words",
    [
        (np.ones((2, 4), "float32"), ValueError, r"x has shape \(2, 4\), but this network takes \(N, 3\)"),
        (np.ones(3, "float32"), ValueError, r"x has shape \(3,\), but this network takes \(N, 3\)"),
        (np.ones((2, 1, 3), "float32"), ValueError, r"x has shape \(2, 1, 3\)"),
        (np.ones((0, 3), "float32"), ValueError, r"x has shape \(0, 3\), but .* with N at least 1"),
        (
            np.ones((2, 3), "float64"),
            TypeError,
            r"is float64, but this network computes in float32: convert it with x\.astype",
        ),
    ],
    ids=["width", "one dimension", "three dimensions", "empty batch", "dtype"],
)
def test_an_input_that_does_not_fit_is_refused_in_words(x, error, words):
    with pytest.raises(error, match=words):
        Network(Dense(3, 2)).forward(xp.asarray(x))


def test_backward_before_forward_is_refused():
    with pytest.raises(RuntimeError, match=r"backward needs a forward\(x\) first"):
        Network(Dense(2, 1)).backward(ones(1, 1))


@pytest.mark.parametrize("optimizer", [lambda network: SGD(network, 0.1), Adam])
def test_backward_after_an_optimizer_step_needs_a_new_forward(optimizer):
    """What the layers remember belongs to the old theta."""
    network = Network(Dense(2, 1))
    x, dy = ones(1, 2), ones(1, 1)
    network.forward(x)
    network.backward(dy)
    optimizer(network).step()
    with pytest.raises(RuntimeError, match="a new one after each optimizer step"):
        network.backward(dy)
    network.forward(x)
    network.backward(dy)


def test_an_unknown_wrt_is_refused_and_the_choices_named():
    network = Network(Dense(2, 1))
    network.forward(ones(1, 2))
    with pytest.raises(ValueError, match=r"backward\(wrt='inputs'\): expected one of 'params', 'input', 'both'"):
        network.backward(ones(1, 1), wrt="inputs")


@pytest.mark.parametrize("shape", [(4,), (1, 1), (4, 2), (1, 4)])
def test_a_dy_of_another_shape_is_refused_and_never_broadcast(shape):
    network = Network(Dense(2, 1))
    network.forward(ones(4, 2))
    with pytest.raises(ValueError) as error:
        network.backward(ones(*shape))
    assert str(error.value) == f"backward: dy has shape {shape}, but the last forward gave (4, 1)"


@pytest.mark.parametrize("dtype", ["float64", "int64"])
def test_a_dy_of_another_precision_is_refused_as_such_an_x_is(dtype):
    """It would make every dx before it float64, and the whole backward pass half as fast."""
    network = Network(Dense(2, 1))
    network.forward(ones(4, 2))
    with pytest.raises(TypeError, match=f"dy is {dtype}, but this network computes in float32"):
        network.backward(ones(4, 1, dtype=dtype))


def test_calling_it_with_many_rows_gives_what_forward_gives(rng):
    network = Network(Dense(3, 4), Tanh(), seed=1)
    x = xp.asarray(rng.standard_normal((2500, 3), dtype="float32"))
    y = network(x)
    assert y.shape == (2500, 4)
    np.testing.assert_allclose(to_numpy(y), to_numpy(network.forward(x)), atol=1e-6)
    assert network.layers[0]._scratch["y"].shape[0] == 2500  # from the forward; the call took 1024 at a time


def test_calling_it_bounds_the_memory(rng):
    network = Network(Dense(3, 4), seed=1)
    network(rng.standard_normal((2500, 3)))
    assert network.layers[0]._scratch["y"].shape[0] == 1024


def test_a_pickled_network_keeps_its_layers_in_its_theta(rng):
    network = Network(Dense(3, 4), Tanh(), seed=1)
    again = pickle.loads(pickle.dumps(network))
    assert (again.theta == network.theta).all()
    again.theta[:] = 0
    assert (again.layers[0].W == 0).all() and (network.layers[0].W != 0).all()


def test_calling_it_leaves_nothing_for_backward(rng):
    network = Network(Dense(3, 4), seed=1)
    network.forward(ones(2, 3))
    network(rng.standard_normal((2, 3)))
    with pytest.raises(RuntimeError, match=r"after network\(x\)"):
        network.backward(ones(2, 4))


def test_a_list_is_refused_by_forward_in_words():
    with pytest.raises(
        TypeError, match=r"x is a list, but this network takes an array: use xp.asarray, or network\(x\)"
    ):
        Network(Dense(3, 4)).forward([[1.0, 2.0, 3.0]])


@pytest.mark.parametrize("dtype", ["int32", "bool"])
def test_a_type_that_cannot_hold_fractions_is_refused(dtype):
    with pytest.raises(ValueError, match="expected a floating-point type"):
        Network(Dense(3, 4), dtype=dtype)


def test_a_layer_whose_initial_values_are_not_its_params_is_refused():
    class Half(Dense):
        params = ("W",)

    with pytest.raises(ValueError, match=r"initialize gives \('W', 'b'\), but params and state say \('W',\)"):
        Network(Half(3, 4))
