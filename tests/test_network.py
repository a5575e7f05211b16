import copy
import pickle

import numpy as np
import pytest

from minigan import (
    SGD,
    Adam,
    BatchNorm,
    Dense,
    Dropout,
    Network,
    ReLU,
    Reshape,
    Tanh,
    xp,
)

pytestmark = pytest.mark.usefixtures("each_backend")


def ones(*shape, dtype="float32"):
    return xp.ones(shape, dtype=dtype)


def inputs(network, n, rng):
    x = xp.asarray(rng.standard_normal((n, network.n_in)), dtype=network.dtype)
    return x, xp.asarray(rng.standard_normal((n, network.n_out)), dtype=network.dtype)


def test_theta_and_dtheta_are_the_layers_parameters_and_gradients(rng):
    network = Network(Dense(2, 3), ReLU(), Dense(3, 1))
    first, _, last = network.layers
    network.theta[:] = xp.arange(13)
    assert first.W.tolist() == [[0, 1, 2], [3, 4, 5]] and first.b.tolist() == [6, 7, 8]
    assert last.W.ravel().tolist() == [9, 10, 11] and last.b.tolist() == [12]
    first.W[0, 0] = 99
    assert network.theta[0] == 99
    network.theta += 1
    assert first.W[0, 0] == 100
    network.theta = -np.arange(13)
    assert first.W[1, 2] == -5 and xp.shares_memory(first.W, network.theta)
    with pytest.raises(ValueError, match=r"theta must have shape \(13,\), not \(3,\)"):
        network.theta = xp.zeros(3)
    network.dtheta[:] = xp.arange(13)
    assert first.dW.tolist() == [[0, 1, 2], [3, 4, 5]] and last.db.tolist() == [12]
    network.forward(xp.asarray(rng.standard_normal((2, 2), dtype="float32")))
    network.backward(ones(2, 1))
    assert network.dtheta[12] == 2


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


@pytest.mark.parametrize("shape", [(4,), (1, 1), (4, 2), (1, 4)])
def test_a_dy_of_another_shape_is_refused_and_never_broadcast(shape):
    network = Network(Dense(2, 1))
    network.forward(ones(4, 2))
    with pytest.raises(ValueError) as error:
        network.backward(ones(*shape))
    assert str(error.value) == f"backward: dy has shape {shape}, but the last forward gave (4, 1)"


@pytest.mark.parametrize("twin", [
    copy.deepcopy, copy.copy, lambda a: pickle.loads(pickle.dumps(a)), lambda a: a.astype("float64")
], ids=["deepcopy", "copy", "pickle", "astype"])  # fmt: skip
def test_a_copy_has_a_theta_of_its_own_that_its_layers_use(twin, rng):
    """Also the networks within, from which no optimizer must be cut off."""
    deep = Network(Tanh(), Network(Dense(3, 4), Network(BatchNorm(4), Dropout(0.5))), Dense(4, 1), seed=2)
    deep.forward(inputs(deep, 5, rng)[0], training=True)
    other = twin(deep)
    assert (other.theta == deep.theta).all() and not xp.shares_memory(other.theta, deep.theta)
    assert {name: str(value) for name, value in other.states().items()}.keys() == deep.states().keys()
    assert other.layers[1].layers[1].layers[1].draws == 1
    for network in other, other.layers[1], other.layers[1].layers[1]:
        for _, parameter, gradient in network.parameters():
            assert xp.shares_memory(parameter, network.theta) and xp.shares_memory(gradient, network.dtheta)
            assert xp.shares_memory(parameter, other.theta) and xp.shares_memory(gradient, other.dtheta)
    other.theta[:] = 0
    other.set_states({"1.1.0.mean": np.ones(4), "1.1.1.draws": 7})
    assert not other.layers[1].theta.any() and deep.theta.any() and not (deep.states()["1.1.0.mean"] == 1).all()
    with pytest.raises(RuntimeError, match="needs a forward"):
        other.backward(ones(5, 1))


def test_an_inner_network_used_by_itself_in_the_meantime_is_noticed(rng):
    inner = Network(Dense(3, 4), Tanh(), seed=9)
    outer = Network(Dense(2, 3), inner, Dense(4, 1))
    x, dy = inputs(outer, 5, rng)
    for use in inner, inner.forward, lambda x: Adam(inner).step():
        outer.forward(x)
        use(xp.asarray(rng.standard_normal((5, 3)), dtype="float32"))
        with pytest.raises(RuntimeError, match="backward needs a forward"):
            outer.backward(dy)
    outer.forward(x)
    Adam(outer).step()
    with pytest.raises(RuntimeError, match="a new one after each optimizer step"):
        inner.backward(ones(5, 4))


def test_summary_is_a_table_of_shapes_and_counts():
    network = Network(Dense(100, 256), Network(ReLU(), Dense(256, 784)), Tanh(), Reshape(28, 28))
    lines = network.summary().splitlines()
    assert [line.split() for line in lines] == [
        ["layer", "y", "parameters", "multiplications"],
        ["0", "Dense(100,", "256)", "(N,", "256)", "25,856", "25,600"],
        ["1", "Network(ReLU(),", "Dense(256,", "784))", "(N,", "784)", "201,488", "200,704"],
        ["2", "Tanh()", "(N,", "784)", "0", "0"],
        ["3", "Reshape(28,", "28)", "(N,", "28,", "28)", "0", "0"],
        ["theta:", "float32,", "0.9", "MiB", "(N,", "28,", "28)", "227,344", "226,304"],
    ]
    assert len({len(line) for line in lines}) == 1
    assert Network(Tanh()).summary().splitlines()[1].split() == ["0", "Tanh()", "(N,", "any)", "0", "0"]
    assert Network(Dense(5, 4), shape=(3, 5)).multiplications((3, 5), (3, 4)) == 3 * 5 * 4


class Half(Dense):
    params = ("W",)


def shared(make):
    """The same layer in two networks, or twice in one."""
    layer = make()
    Network(layer)
    return Network(Dense(3, 3), layer)


def twice():
    layer = Tanh()
    return Network(layer, Network(Dense(3, 3)), layer)


@pytest.mark.parametrize("build, error, words", [
    (lambda: Network(), ValueError, "a Network needs at least one layer"),
    (twice, ValueError, r"layer 2, Tanh\(\), is already in the chain: .* make a new layer for each place"),
    (lambda: shared(lambda: Dense(3, 2)), ValueError, r"layer 1, Dense\(3, 2\), already belongs to a Network"),
    (lambda: shared(Tanh), ValueError, r"layer 1, Tanh\(\), already belongs to a Network: .* make a new layer"),
    (lambda: Network([Dense(2, 1)]), TypeError, r"layer 0 is a list, not a layer: write Network\(Dense"),
    (lambda: Network(Dense(2, 1), Tanh), TypeError, "layer 1 is the class Tanh, not a layer"),
    (lambda: Network(None), TypeError, "layer 0 is a NoneType, not a layer"),
    (lambda: Network(Half(3, 4)), ValueError, r"initialize gives \('W', 'b'\), but params and state say \('W',\)"),
    (lambda: Network(Dense(3, 4), seed=-1), ValueError, "Network: seed=-1 must be a whole number of at least 0"),
    *[
        (lambda dtype=dtype: Network(Dense(3, 4), dtype=dtype), ValueError, "a network computes in float32 or float64")
        for dtype in ("float16", bool, np.float16, None, 5)
    ],
    (lambda: Network(Dense(3, 4)).astype("float16"), ValueError, "'float16': a network computes in float32 or float64"),
])  # fmt: skip
def test_a_chain_that_cannot_work_is_refused_when_it_is_built(build, error, words):
    with pytest.raises(error, match=words):
        build()


@pytest.mark.parametrize("dtype", ["float32", "float64", np.float32, np.dtype("float64")], ids=str)
def test_the_types_that_work(dtype):
    network = Network(Dense(2, 1), dtype=dtype)
    assert network.dtype == network.theta.dtype == network.dtheta.dtype == dtype and Network(ReLU()).dtype == "float32"
    assert network.astype("complex128").layers[0].W.dtype == "complex128"  # for the complex step of a check


@pytest.mark.parametrize("x, error, words", [
    (np.ones((2, 4), "float32"), ValueError, r"x has shape \(2, 4\), but this network takes \(N, 3\)"),
    (np.ones(3, "float32"), ValueError, r"x has shape \(3,\), but this network takes \(N, 3\)"),
    (np.ones((2, 1, 3), "float32"), ValueError, r"x has shape \(2, 1, 3\)"),
    (np.ones((0, 3), "float32"), ValueError, r"x has shape \(0, 3\), but .* with N at least 1"),
    (np.ones((2, 3)), TypeError, r"x is float64, but this network computes in float32: convert it with x\.astype"),
    ([[1.0, 2.0, 3.0]], TypeError, r"x is a list, but this network takes an array: use xp.asarray, or network\(x\)"),
])  # fmt: skip
def test_an_input_that_does_not_fit_is_refused_in_words(x, error, words):
    with pytest.raises(error, match=words):
        Network(Dense(3, 2)).forward(xp.asarray(x) if isinstance(x, np.ndarray) else x)


@pytest.mark.parametrize("x", [5, "text", [[1, 2], [3]], None, [[1j, 0, 0]]])
def test_a_call_refuses_what_is_no_batch(x):
    with pytest.raises(ValueError, match=r"^x (must be numbers, as an array|has shape \(\), but this network takes)"):
        Network(Dense(3, 2))(x)


def test_a_loss_in_the_middle_enters_at_a_layer_that_is_there():
    network = Network(Dense(3, 2))
    network.forward(ones(4, 3))
    with pytest.raises(ValueError, match=r"backward\(layer=1\): the network has 1 layers"):
        network.backward(ones(4, 2), layer=1)
    with pytest.raises(TypeError, match="dy is a list"):
        network.backward([[1.0, 2.0]] * 4)


@pytest.mark.parametrize("states", [{"0.mean": 1.0}, {"0.var": [1.0]}, {"0.draws": 3}, {"5.mean": [1.0, 2.0]}])
def test_states_that_do_not_fit_are_refused(states):
    with pytest.raises(ValueError, match=r"^set_states: this network has no .* of shape"):
        Network(BatchNorm(2)).set_states(states)
