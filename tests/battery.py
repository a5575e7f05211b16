"""Fast checks of the whole core, against formulas written down a second time: what `mutants.py` runs on each mutant.

Each function of `m` alone takes a package (minigan, or a mutant of it) and raises where something is wrong.
"""

import copy
import inspect
import itertools
import math
import tracemalloc
from types import SimpleNamespace

import numpy as np

N, SEED = 6, 11


def draw(*shape, seed=0, dtype="float64"):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def same(found, expected, tolerance=1e-11):
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape, (found.shape, expected.shape)
    assert np.allclose(found, expected, rtol=tolerance, atol=tolerance), abs(found - expected).max()


def refuses(error, words, call, *arguments):
    try:
        call(*arguments)
    except error as caught:
        assert words in str(caught), caught
        return
    raise AssertionError(f"{call} accepted {arguments}")


def passes(report, worst=1e-7):
    assert report.ok and max(row.error for row in report.rows) <= worst, report


def taken(compute):
    """The bytes that compute() takes at most beyond what is there."""
    tracemalloc.start()
    try:
        compute()
        return tracemalloc.get_traced_memory()[1]
    finally:  # also where it raises: it would be measured on, and slow down and spoil what comes after
        tracemalloc.stop()


def peak(network, x, dy=None, training=False):
    """The same of forward, and of backward if it is handed a dy."""

    def compute():
        network.forward(x, training)
        if dy is not None:
            network.backward(dy)

    return taken(compute)


def sigma(a):
    return 1 / (1 + np.exp(-a))


def layers_give_their_formulas(m):
    for dtype, tolerance in ("float64", 1e-12), ("float32", 1e-5):
        layer = m.layers.Dense(5, 4)
        m.network.Network(layer, seed=1, dtype=dtype)
        layer.b[...] = draw(4, seed=2)
        x, dy = draw(N, 5, dtype=dtype), draw(N, 4, seed=1, dtype=dtype)
        same(layer.forward(x), np.einsum("ni,io->no", x, layer.W) + layer.b, tolerance)
        dx = layer.backward(dy)
        same(dx, np.einsum("no,io->ni", dy, layer.W), tolerance)
        same(layer.dW, np.einsum("ni,no->io", x, dy), tolerance)
        same(layer.db, np.einsum("no->o", dy), tolerance)
        assert dx.dtype == layer.forward(x).dtype == dtype


def layers_draw_their_weights_as_stated(m):
    def rng():
        return np.random.default_rng(3)

    same(m.layers.he(rng(), (3, 5, 4), 7, 4), rng().standard_normal((3, 5, 4)) * math.sqrt(2 / 7))
    r = math.sqrt(6 / 9)
    same(m.layers.glorot(rng(), (2, 3), 5, 4), rng().uniform(-r, r, (2, 3)))
    values = m.layers.Dense(5, 4, init=m.layers.glorot).initialize(rng())
    same(values["W"], rng().uniform(-r, r, (5, 4)))
    same(values["b"], np.zeros(4), 0)
    same(m.layers.Dense(5, 4).initialize(rng())["W"], m.layers.he(rng(), (5, 4), 5, 4))
    assert m.layers.Layer().initialize(rng()) == {}
    same(m.layers.Uniform(0.3)(rng(), (5, 4), 5, 4), rng().uniform(-0.3, 0.3, (5, 4)))
    same(m.layers.Normal(0.3)(rng(), (5, 4), 5, 4), 0.3 * rng().standard_normal((5, 4)))
    same(m.layers.Dense(5, 4, bias=2.5).initialize(rng())["b"], np.full(4, 2.5), 0)
    same(m.layers.Dense(5, 2, m.layers.he, [1.0, -2.0]).initialize(rng())["b"], [1, -2], 0)
    values = m.layers.Dense(1, 3, init=lambda rng, shape, fan_in, fan_out: np.zeros(shape)).initialize(rng())
    same(values["b"], np.zeros(3), 0)


def kernels_forward_to_the_twin_in_use(m):
    kernels, plain = m.backend.kernels, m.kernels.plain
    assert type(kernels)().matmul is plain.matmul
    kernels.switch({})  # in which the twins of threads stand, unless BLAS was told how many it takes
    assert kernels.adam is plain.adam and kernels.matmul is plain.matmul
    kernels.switch({"matmul": len})
    assert kernels.matmul is len and kernels.adam is plain.adam and vars(kernels)["matmul"] is len
    kernels.switch({})
    assert kernels.matmul is plain.matmul


def generators_are_functions_of_their_key(m):
    def expected(*key):
        return np.random.Generator(np.random.PCG64((len(key), *key))).random(3)

    for key in (5,), (5, 0), (3, 1, 2):
        same(m.backend.host_generator(*key).random(3), expected(*key), 0)
        same(m.backend.generator(*key).random(3), expected(*key), 0)
    module = m.generators
    streams = module.TRAINING, module.SAMPLING, module.FIXED, module.PENALTY, module.DATA
    assert streams == (0, 1, 2, 3, 4)
    kept, random = module.xp, SimpleNamespace(Generator=lambda bits: ("device", bits), Philox4x3210=lambda key: key)
    module.xp = SimpleNamespace(_module=None, random=random)
    key = int(m.backend.host_generator(3, 1, 2).integers(2**63))
    found = m.backend.generator(3, 1, 2)
    module.xp = kept
    assert found == ("device", key)


def layers_write_an_array_of_another_name_through(m):
    layer = m.layers.Dense(3, 2)
    network = m.network.Network(layer, dtype="float64")
    layer.W, layer.b, layer.dW = W, b, dW = draw(3, 2), draw(2, seed=1), draw(3, 2, seed=2)
    same(network.theta, np.concatenate([W.ravel(), b]), 0)
    same(network.dtheta[:6], dW.ravel(), 0)
    layer.W *= 2
    same(network.theta[:6], 2 * W.ravel(), 0)
    refuses(ValueError, "W must have shape (3, 2), not (2, 3)", setattr, layer, "W", W.T)
    layer.W = W.tolist()
    same(network.theta[:6], W.ravel(), 0)
    layer.note = layer.note = draw(2)
    same(layer.note, draw(2), 0)
    copied = m.network.copy.deepcopy(m.network.copy.copy(layer))
    same(m.network.Network(copied, dtype="float64").theta, network.theta, 0)
    fresh = m.layers.Dense(3, 2)
    fresh.W = W
    fresh.W = W.T  # no view into theta yet
    assert fresh.W.shape == (2, 3)


def dense_works_on_the_last_axis(m):
    for kind in m.layers.Dense, m.layers.SpectralNorm:
        layer = kind(5, 4)
        network = m.network.Network(layer, shape=(3, 5), dtype="float64")
        network.theta[...] += 0.1 * draw(24)
        assert network.n_in == (3, 5) and network.n_out == (3, 4) and layer.output_shape((2, 3, 5)) == (2, 3, 4)
        x, tx, dty = draw(N, 3, 5), draw(N, 3, 5, seed=1), draw(N, 3, 4, seed=2)
        rows, dy = network.astype("float64").layers[0], draw(N, 3, 4, seed=3)
        same(network.forward(x), rows.forward(x.reshape(-1, 5)).reshape(N, 3, 4))
        same(network.backward(dy), rows.backward(dy.reshape(-1, 4)).reshape(x.shape))
        same(layer.dW, rows.dW)
        same(layer.db, rows.db)
        flat = [a.reshape(-1, a.shape[-1]) for a in (tx, dty, dy)]
        same(m.objectives.jvp(layer, tx), m.objectives.jvp(rows, flat[0]).reshape(N, 3, 4))
        found, expected = m.objectives.jvp_backward(layer, dty, dy), m.objectives.jvp_backward(rows, *flat[1:])
        for one, other in zip(found, expected, strict=True):
            same(one, other.reshape(x.shape))
        same(layer.dW, rows.dW)
        same(layer.db, rows.db)
    wide = m.network.Network(m.layers.SpectralNorm(3, 9), dtype="float64")
    same(np.linalg.svd(wide(np.eye(3)))[1][0], 1)
    assert wide.layers[0].u.shape == (3,) and wide.layers[0].v.shape == (9,)


def a_network_stands_in_a_network(m):
    def make():
        dense = m.layers.Dense
        return dense(4, 5), m.layers.Tanh(), dense(5, 3), m.layers.BatchNorm(3), m.layers.Dropout(0.5), dense(3, 1)

    flat = m.network.Network(*make(), seed=3, dtype="float64")
    first, tanh, second, norm, dropout, last = make()
    inner = m.network.Network(tanh, second, norm, dropout, seed=9, dtype="float64")
    weights = inner.theta.copy()
    nested = m.network.Network(first, inner, last, seed=3, dtype="float64")
    same(inner.theta, weights, 0)
    assert np.shares_memory(inner.theta, nested.theta) and np.shares_memory(inner.dtheta, nested.dtheta)
    names = [name for name, _, _ in nested.parameters()]
    assert names == ["0.W", "0.b", "1.1.W", "1.1.b", "1.2.gamma", "1.2.beta", "2.W", "2.b"]
    assert list(nested.states()) == ["1.2.mean", "1.2.var", "1.3.seed", "1.3.draws"]
    nested.theta[...] = flat.theta
    states = {name: a for name, a in zip(nested.states(), flat.states().values(), strict=True)}
    mean = inner.layers[2].mean
    nested.set_states({name: np.asarray(a) for name, a in states.items()})
    assert inner.layers[2].mean is mean and type(inner.layers[3].draws) is int
    x, dy = draw(N, 4), draw(N, 1, seed=1)
    for network in nested, nested.astype("float64"), m.network.copy.deepcopy(nested):
        flat.set_states({name: a.copy() if np.ndim(a) else a for name, a in flat.states().items()} | {"4.draws": 0})
        twin = m.network.copy.deepcopy(flat)
        same(network.forward(x, True), twin.forward(x, True), 0)
        for wrt in "both", "input", "params":
            found, expected = network.backward(dy, wrt), twin.backward(dy, wrt)
            assert (found is None) == (expected is None) == (wrt == "params")
            same(network.dtheta, twin.dtheta)
        assert np.shares_memory(network.layers[1].theta, network.theta)
        assert np.shares_memory(network.layers[1].layers[1].dW, network.dtheta)
        same(network.theta, np.concatenate([p.ravel() for _, p, _ in network.parameters()]), 0)
    nested.forward(x)
    nested.forget()
    refuses(RuntimeError, "forward(x) first", inner.backward, draw(N, 3))
    assert nested.rows == 1 and nested.n_in == 4 and nested.n_out == 1
    passes(m.gradcheck.gradcheck(nested, x))


def layers_own_their_arrays(m):
    layer = m.layers.Layer()
    large, small = layer.scratch("y", (8, 3), "float64"), layer.scratch("y", (5, 3), "float64")
    assert large.shape == (8, 3) and small.shape == (5, 3)
    assert np.shares_memory(large[:5], small) and small.ctypes.data == large.ctypes.data
    assert np.shares_memory(layer.scratch("y", (8, 3), "float64"), large)
    assert not np.shares_memory(layer.scratch("dx", (8, 3), "float64"), large)
    assert layer.scratch("y", (9, 3), "float64").shape == (9, 3)
    assert layer.scratch("y", (9, 2), "float64").shape == (9, 2)
    single = layer.scratch("y", (9, 2), "float32")
    assert single.dtype == "float32" and not np.shares_memory(m.layers.Layer().scratch("y", (9, 2), "float32"), single)


def reshaping_gives_another_shape_to_the_same_numbers(m):
    n = 5
    x = draw(n, 6)
    for layer, flat in (m.layers.Reshape(2, 3), True), (m.layers.Flatten(2, 3), False):
        rows, arrays = (6, (2, 3)) if flat else ((2, 3), 6)
        assert (layer.n_in, layer.n_out) == (rows, arrays)
        given, dy = (x, x.reshape(n, 2, 3)) if flat else (x.reshape(n, 2, 3), x)
        same(layer.forward(given), given.reshape(dy.shape), 0)
        same(layer.backward(2 * dy), 2 * given, 0)
        same(layer.backward(2 * dy, "input"), 2 * given, 0)
    network = m.network.Network(m.layers.Flatten(2, 3), m.layers.Dense(6, 4), m.layers.Reshape(2, 2), dtype="float64")
    passes(m.gradcheck.gradcheck(network, x.reshape(n, 2, 3)))
    r, dense = m.layers.Reshape, m.layers.Dense
    made = m.network.Network(dense(3, 12), r((2, -1)), m.layers.Flatten(), dense(12, 2), r(-1, 1), dtype="float64")
    made.forward(draw(n, 3))
    assert made.n_out == (2, 1) and [a.shape[1:] for a in made.outputs] == [(12,), (2, 6), (12,), (2,), (2, 1)]
    passes(m.gradcheck.gradcheck(made, draw(n, 3)))
    assert r(2, 3).output_shape(None) == (2, 3) and r(-1, 2).n_in is None and r(1, 6).n_in == r(6).n_in == 6
    assert m.network.Network(r(-1, 3), shape=(None, 6)).n_out == (None, 3)
    assert m.layers.Flatten().output_shape((None, 6)) == (None,)
    assert m.network.Network(dense(3, 4), shape=(None, 3)).n_out == (None, 4)
    told = m.network.Network(m.layers.Flatten(), dense(6, 1), shape=(2, 3), dtype="float64")
    assert told.n_in == (2, 3) and told(x.reshape(n, 2, 3)).shape == (n, 1)


def packing_lays_samples_side_by_side(m):
    x, pictures = draw(6, 4), draw(6, 2, 2, 3)
    layer = m.layers.Pack(3, 4)
    assert (layer.rows, layer.n_in, layer.n_out) == (3, (4,), (12,))
    same(layer.forward(x), np.stack([np.concatenate(x[i : i + 3]) for i in (0, 3)]), 0)
    same(layer.backward(2 * layer.forward(x)), 2 * x, 0)
    stacked = m.network.Network(m.layers.Pack(2), shape=(2, 2, 3), dtype="float64")
    assert (stacked.rows, stacked.n_out) == (2, (2, 2, 6))
    same(stacked.forward(pictures), np.concatenate([pictures[0::2], pictures[1::2]], axis=3), 0)
    same(stacked.backward(2 * stacked.forward(pictures)), 2 * pictures, 0)
    judge = m.network.Network(m.layers.Pack(3, 4), m.layers.Dense(12, 1), dtype="float64")
    many = draw(3 * 1024 + 3, 4)
    same(judge(many), many.reshape(-1, 12) @ judge.layers[1].W)
    passes(m.gradcheck.gradcheck(judge, x))
    passes(m.gradcheck.check_penalty(m.objectives.R1(1.0), judge, x), 1e-6)


def _each_layer(m):
    a = m.layers
    yield from (m.layers.Dense(128, 128), a.Tanh(), a.Sigmoid(), a.ReLU(), a.LeakyReLU(0.3), m.layers.Maxout(128, 128))
    yield from (m.layers.LayerNorm(128), m.layers.BatchNorm(128))


def _every_layer(m):
    """(layer, shape of a sample)"""
    a = m.layers
    for layer in (
        a.Dense(5, 4), a.SpectralNorm(5, 4), a.LeakyReLU(0.3), a.ReLU(), a.Tanh(), a.Sigmoid(), a.LayerNorm(5),
        a.BatchNorm(5), a.Dropout(0.4), a.InstanceNoise(0.4), a.SpectralNorm(5, 5),
    ):  # fmt: skip
        yield layer, (5,)
    for layer in a.Conv2D(3), a.Conv2D(2, 3, 1, use_bias=False), a.SpectralConv2D(2), a.BatchNorm(2), a.AveragePool():
        yield layer, (4, 2, 2)
    yield from ((a.ConvTranspose2D(2, 3), (2, 3, 3)), (a.Upsample(), (2, 3, 2)), (a.Dense(3, 3), (4, 3)))
    yield from ((a.Maxout(6, 2), (6,)), (a.Flatten(2, 3), (2, 3)), (a.Reshape(2, 3), (6,)))
    yield from ((a.LastStep(), (4, 2)), (a.MeanOverTime(), (4, 2)))


def layers_compute_what_is_asked_and_keep_what_they_are_given(m):
    recurrent = ((kind(3), (4, 2)) for kind in (m.layers.RNN, m.layers.GRU, m.layers.LSTM))  # without tangents
    for layer, shape in (*_every_layer(m), *recurrent):
        network, x = m.network.Network(layer, dtype="float64", shape=shape), draw(N, *shape)
        network.theta[...] += 0.1 * draw(network.theta.size)
        y = network.forward(x)
        dy = draw(*y.shape, seed=1)
        kept = y.copy(), x.copy(), dy.copy()
        network.dtheta[...] = np.nan
        dx = network.backward(dy)
        assert not np.shares_memory(y, dx)
        dx, dtheta = dx.copy(), network.dtheta.copy()
        assert np.isfinite(dtheta).all()
        network.dtheta[...] = 7
        same(network.backward(dy, "input"), dx, 0)
        assert (network.dtheta == 7).all() and network.backward(dy, "params") is None
        same(network.dtheta, dtheta, 0)
        assert not layer.params or layer.backward(dy, "params") is None
        network.backward(y)
        for array, old in zip((y, x, dy), kept, strict=True):
            same(array, old, 0)
        for n in 2, N:
            fresh = network.astype("float64")
            found, expected = network.forward(x[:n]), fresh.forward(x[:n])
            assert np.shares_memory(found, y)
            same(found, expected, 0)
            same(network.backward(dy[:n]), fresh.backward(dy[:n]), 0)
            same(network.dtheta, fresh.dtheta, 0)


def layers_allocate_nothing_and_overwrite_nothing(m):
    for layer in _each_layer(m):
        network = m.network.Network(layer)
        x, dy = draw(512, 128, dtype="float32"), draw(512, 128, seed=1, dtype="float32")
        y, dx = network.forward(x), network.backward(dy)
        kept = y.copy(), dx.copy(), network.dtheta.copy()
        assert np.shares_memory(y, network.forward(x)) and np.shares_memory(dx, network.backward(dy))
        assert peak(network, x, dy) < x.nbytes / 2
        same(y, kept[0], 0)
        same(dx, kept[1], 0)
        same(network.dtheta, kept[2], 0)
        assert not np.shares_memory(y, dx) and not np.shares_memory(y, x) and not np.shares_memory(dx, dy)
        small = network.forward(x[:100]).copy()
        same(small, kept[0][:100], 1e-5)
        same(network.backward(dy[:100]), kept[1][:100], 1e-5)


def activations_give_their_formulas(m):
    a = m.layers
    x = np.array([[-30, -2.5, -1, -0.1, 0, 1e-9], [30, 2.5, 1, 0.1, 0.7, -1e-9]])
    for dtype, tolerance in ("float64", 1e-12), ("float32", 1e-6):
        x, dy = x.astype(dtype), draw(2, 6, dtype=dtype)
        positive = x > 0
        for layer, y, slope in (
            (a.Tanh(), np.tanh(x), 1 - np.tanh(x) ** 2),
            (a.Sigmoid(), sigma(x), sigma(x) * sigma(-x)),
            (a.ReLU(), np.where(positive, x, 0), np.where(positive, 1, 0)),
            (a.LeakyReLU(), np.where(positive, x, 0.2 * x), np.where(positive, 1, 0.2)),
            (a.LeakyReLU(0.01), np.where(positive, x, 0.01 * x), np.where(positive, 1, 0.01)),
            (a.LeakyReLU(0), np.where(positive, x, 0), np.where(positive, 1, 0)),
            (a.LeakyReLU(1), x, np.ones_like(x)),
        ):
            found = layer.forward(x)
            same(found, y, tolerance)
            dx = layer.backward(dy)
            same(dx, dy * slope, tolerance)
            assert found.dtype == dx.dtype == dtype
            same(layer.backward(dy, "input"), dx, 0)
            same(layer.forward(x), y, tolerance)
    with np.errstate(all="raise"):
        same(a.Sigmoid().forward(np.array([[-1000.0, 1000.0]])), [[0, 1]])


def maxout_takes_the_largest_piece(m):
    layer, x, dy = m.layers.Maxout(6, 2), draw(N, 6), draw(N, 2, seed=1)
    x[0] = [3, 1, 3, -1, 2, 1]  # ties: the first one wins
    x[1, 4:] = 9
    pieces = x.reshape(N, 3, 2)
    same(layer.forward(x), pieces.max(1), 0)
    expected = (np.arange(3)[:, None] == pieces.argmax(1)[:, None]) * dy[:, None]
    same(layer.backward(dy), expected.reshape(N, 6), 0)
    same(layer.backward(dy, "input"), expected.reshape(N, 6), 0)
    assert (layer.n_in, layer.n_out) == (6, 2) and m.layers.Maxout(5, 1).forward(x[:, :5]).shape == (N, 1)
    same(m.layers.Maxout(2, 2).forward(dy), dy, 0)


def normalization_gives_its_formulas(m):
    x, dy = 3 * draw(N, 5) + 2, draw(N, 5, seed=1)
    for axis, kind in (0, m.layers.BatchNorm), (1, m.layers.LayerNorm):
        layer = kind(5)
        network = m.network.Network(layer, dtype="float64")
        assert layer.n_in == layer.n_out == 5 and (layer.gamma == 1).all() and (layer.beta == 0).all()
        network.theta[...] = draw(10, seed=2)
        hat = (x - x.mean(axis, keepdims=True)) / np.sqrt(x.var(axis, keepdims=True) + 1e-5)
        same(network.forward(x, training=True), layer.gamma * hat + layer.beta)
        network.backward(dy)
        same(layer.dgamma, (dy * hat).sum(0))
        same(layer.dbeta, dy.sum(0))
        for training in True, False:
            passes(m.gradcheck.gradcheck(network, x, training=training))
    same(network.forward(x), layer.gamma * hat + layer.beta)


def standardize_knows_nothing_but_what_it_is_given(m):
    x, dy, deviation = draw(300, 4, 2), draw(300, 4, 2, seed=1), np.array([2, 0.25])
    network = m.network.Network(m.layers.Standardize([0.5, -1], (2, 0.25)), dtype="float64", shape=(4, 2))
    same(network.forward(x), (x - [0.5, -1]) / deviation)
    same(m.objectives.jvp(network, dy), dy / deviation)
    y = network.forward(x)
    same(network.backward(dy), dy / deviation)
    same(y, (x - [0.5, -1]) / deviation)
    t = m.objectives.jvp(network, dy)
    same(y, (x - [0.5, -1]) / deviation)
    dx = network.backward(dy)
    same(t, dy / deviation)
    network.forward(x)
    same(dx, dy / deviation)
    single = m.network.Network(m.layers.Standardize([0.1], [0.3]), dtype="float32", shape=(1,))
    x, dy = draw(300, 1).astype("float32"), draw(300, 1, seed=1).astype("float32")
    assert (single.forward(x) == (x - np.float32(0.1)) / np.float32(0.3)).all()
    assert (single.backward(dy) == dy / np.float32(0.3)).all()
    rows = draw(3000, 4, 2)
    network.backward(network.forward(rows))
    assert peak(network, rows, rows) < 100_000  # y has 192,000 bytes
    layer = network.layers[0]
    assert layer.output_shape(None) is None and layer.output_shape((2,)) == (2,)
    assert repr(layer) == "Standardize(2 columns)"
    refuses(ValueError, "takes 2 columns", layer.output_shape, (2, 3))
    for words, *given in (
        ("2 means and 1", (0, 1), (1,)),
        ("deviation must be positive", (0,), (0,)),
        ("mean must be finite", (math.nan,), (1,)),
        ("mean=0: expected a tuple", 0, 1),
    ):
        refuses(ValueError, words, m.layers.Standardize, *given)


def normalization_keeps_running_statistics(m):
    x, dy = 3 * draw(N, 5) + 2, draw(N, 5, seed=1)
    for layer, kept in (m.layers.BatchNorm(5), 0.9), (m.layers.BatchNorm(5, 0.5), 0.5):
        network = m.network.Network(layer, dtype="float64")
        same(layer.mean, np.zeros(5), 0)
        same(layer.var, np.ones(5), 0)
        network.forward(x, training=True)
        same(layer.mean, (1 - kept) * x.mean(0))
        same(layer.var, kept + (1 - kept) * x.var(0, ddof=1))
        before = layer.mean.copy()
        network.theta[...] = draw(10, seed=2)
        hat = (x - layer.mean) / np.sqrt(layer.var + 1e-5)
        same(network.forward(x), layer.gamma * hat + layer.beta)
        same(network.backward(dy), dy * layer.gamma / np.sqrt(layer.var + 1e-5))
        same(layer.dgamma, (dy * hat).sum(0))
        same(layer.mean, before, 0)
        network.forward(x, training=True)
        same(layer.mean, (1 - kept * kept) * x.mean(0))
        same(network.forward(x[:1]), network.forward(x)[:1])
        refuses(ValueError, "a training batch of one sample has no variance", network.forward, x[:1], True)
        twin = network.astype("float32")
        assert twin.layers[0].mean.dtype == "float32" and not np.shares_memory(twin.layers[0].mean, layer.mean)


def dropout_gives_its_formulas(m):
    x, dy = draw(400, 50, dtype="float32"), draw(400, 50, seed=1, dtype="float32")
    layer = m.layers.Dropout(0.3)
    network = m.network.Network(m.layers.Dense(50, 50), layer, seed=4)
    rng = m.backend.host_generator(4)
    rng.standard_normal((50, 50))
    assert network.states() == {"1.seed": int(rng.integers(2**63)), "1.draws": 0}
    y = layer.forward(x, training=True)
    u = m.backend.host_generator(layer.seed, 1).random(x.shape, dtype="float32")
    factor = (u < np.float32(0.7)) * np.float32(1 / 0.7)
    same(y, x * factor, 1e-6)
    assert abs((y != 0).mean() - 0.7) < 0.02 and y.dtype == "float32"
    same(layer.backward(dy), dy * factor, 1e-6)
    same(layer.backward(dy, "input"), dy * factor, 1e-6)
    assert layer.draws == 1 and layer.forward(x) is x and layer.draws == 1 and layer.backward(dy) is dy
    kept = y.copy()
    again = layer.forward(x, training=True)
    assert np.shares_memory(again, y) and layer.draws == 2 and not np.allclose(again, kept)
    layer.draws = 0
    same(layer.forward(x, training=True), kept, 0)
    same(m.layers.Dropout(0).forward(x), x, 0)
    for method in "central", "complex":
        passes(m.gradcheck.gradcheck(m.layers.Dropout(0.4), draw(N, 5), training=True, method=method))
    layer.forward(x, training=True)
    assert peak(layer, x, dy, training=True) < x.nbytes


def instance_noise_gives_its_formulas(m):
    x, dy = draw(400, 50, dtype="float32"), draw(400, 50, seed=1, dtype="float32")
    fading = m.optimizers.Exponential(8.0, 0.5)
    for strength, steps in (0.3, (0.3, 0.3)), (fading, (4.0, 2.0)):
        layer = m.layers.InstanceNoise(strength)
        network = m.network.Network(m.layers.Dense(50, 50), layer, seed=4)
        rng = m.backend.host_generator(4)
        rng.standard_normal((50, 50))
        assert network.states() == {"1.seed": int(rng.integers(2**63)), "1.draws": 0}
        for draws, step in enumerate(steps, 1):
            noise = m.backend.host_generator(layer.seed, draws).standard_normal(x.shape, dtype="float32")
            y = layer.forward(x, training=True)
            same(y, x + np.float32(step) * noise, 1e-5)
            assert y.dtype == "float32" and layer.draws == draws and np.shares_memory(y, layer._scratch["y"])
        assert layer.forward(x) is x and layer.draws == 2
        assert layer.backward(dy) is layer.backward(dy, "input") is dy
    assert peak(layer, x, dy, training=True) < x.nbytes / 2
    assert m.layers.InstanceNoise(0).strength == 0
    for strength in -0.1, math.inf, m.optimizers.Linear(1.0, -1.0, 1), math.nan, lambda draw: draw - 1.5:
        refuses(ValueError, "the strength must be at least 0 and finite", m.layers.InstanceNoise, strength)
    m.layers.InstanceNoise(m.optimizers.Linear(-1.0, 1.0, 1))
    for method in "central", "complex":
        layer = m.layers.InstanceNoise(0.4)
        passes(m.gradcheck.gradcheck(layer, draw(N, 5), training=True, method=method))


def schedules_go_where_they_are_said_to(m):
    s = m.optimizers
    linear, cosine, falling = s.Linear(2.0, 1.0, 10), s.Cosine(5.0, 1.0, 10), s.Exponential(8.0, 0.5, least=0.7)
    same([linear(t) for t in (0, 1, 5, 10, 11)], [2, 1.9, 1.5, 1, 1])
    same([cosine(t) for t in (0, 2.5, 5, 10, 12)], [5, 3 + math.sqrt(2), 3, 1, 1])
    same([falling(t) for t in (0, 1, 3, 4)], [8, 4, 1, 0.7])
    same(s.Exponential(8.0, 0.5)(100), 8 * 0.5**100, 1e-40)
    for name, *wrong in ("start", math.inf, math.inf, 0), ("end", 0, math.inf, 0), ("updates", 0, 0, 0):
        refuses(ValueError, f"Linear: {name}", s.Linear, *wrong)
    for name, *wrong in ("start", math.inf, 2, math.inf), ("factor", 0, 2, math.inf), ("least", 0, 1, math.inf):
        refuses(ValueError, f"Exponential: {name}", s.Exponential, *wrong)
    assert s.rules.at(0.3, 7) == 0.3 and s.rules.at(linear, 5) == 1.5


def losses_give_their_formulas(m):
    a = np.array([[-800.0, -20, -1.5, 0, 0.3, 1.5, 20, 800]]).T
    soft = np.array([[max(v, 0) + math.log1p(math.exp(-abs(v))) for v in a[:, 0]]]).T
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        same(m.losses.softplus(a), soft)
        same(m.losses.sigmoid(a), [[1 / (1 + math.exp(-v)) if v > -700 else 0] for v in a[:, 0]])
        t = np.linspace(0, 1, 8)[:, None]
        loss, da = m.losses.bce_with_logits(a, t)
        same(loss, np.mean(soft - t * a))
        same(da, (m.losses.sigmoid(a) - t) / 8)
        wide, dwide = m.losses.bce_with_logits(a.reshape(4, 2), t.reshape(4, 2))
        same(wide, loss)
        same(dwide, da.reshape(4, 2))
    for dtype, tolerance in ("float64", 1e-11), ("float32", 1e-5):
        p, t = np.linspace(0.05, 0.95, 6, dtype=dtype)[:, None], np.linspace(1, 0.2, 6, dtype=dtype)[:, None]
        loss, dp = m.losses.bce(p, t)
        same(loss, -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p)), tolerance)
        same(dp, (-t / p + (1 - t) / (1 - p)) / 6, tolerance)
        loss_a, da = m.losses.bce_with_logits(a.astype(dtype)[2:], t)
        assert loss.dtype == dp.dtype == loss_a.dtype == da.dtype == m.losses.inside(p).dtype == dtype
        eps = np.finfo(dtype).eps
        same(m.losses.inside(np.array([0, eps, 0.5, 1 - eps, 1], dtype=dtype)), [eps, eps, 0.5, 1 - eps, 1 - eps], 0)
    loss, dp = m.losses.bce(np.array([[0.0], [1.0]]), np.array([[1.0], [0.0]]))
    assert 30 < loss < 40 and np.isfinite(dp).all() and dp[0, 0] < -1e15 and dp[1, 0] > 1e15
    loss, da = m.losses.bce_with_logits(np.array([[np.inf], [-np.inf]]), np.array([[1.0], [0.0]]))
    assert loss == 0 and not da.any()
    passes(m.gradcheck.check_loss(m.losses.bce_with_logits, draw(N, 1), np.full((N, 1), 0.3)))


def cross_entropy_of_classes_gives_its_formulas(m):
    a, labels = 2 * draw(N, 3), np.array([0, 2, 1, 1, 0, 2])
    p = np.exp(a) / np.exp(a).sum(1, keepdims=True)
    loss, da = m.losses.softmax_cross_entropy(a, labels)
    same(loss, -np.log(p[np.arange(N), labels]).mean())
    same(da, (p - np.eye(3)[labels]) / N)
    far = np.array([[1000.0, 0, -1000], [-1000, 0, 999]])
    loss, da = m.losses.softmax_cross_entropy(far, np.array([0, 0]))
    same(loss, 1999 / 2)
    same(da, [[0, 0, 0], [-0.5, 0, 0.5]])
    low = m.losses.softmax_cross_entropy(np.full((2, 3), -1000.0) + np.array([[0], [2000]]), np.array([0, 1]))[0]
    same(low, math.log(3))
    single = m.losses.softmax_cross_entropy(a.astype("float32"), labels)
    assert {part.dtype for part in single} == {np.dtype("float32")}


def objectives_give_the_papers_formulas(m):
    o = m.objectives
    a, b = draw(N, 1), draw(4, 1, seed=1)
    for output, real, fake in ("logit", a, b), ("probability", sigma(a), sigma(b)):
        jacobian, jacobian_fake = (1, 1) if output == "logit" else (real * (1 - real), fake * (1 - fake))
        V, da, db = o.value(real, fake, output)
        same(V, np.log(sigma(a)).mean() + np.log(1 - sigma(b)).mean())
        same(da * jacobian, sigma(-a) / N)
        same(db * jacobian_fake, -sigma(b) / 4)
        for objective in o.Minimax(output), o.NonSaturating(output):
            assert objective.output == output
            loss, da, db = objective.discriminator(real, fake)
            same(loss, -V)
            same(da * jacobian, -sigma(-a) / N)
            same(db * jacobian_fake, sigma(b) / 4)
            same(objective.probability(real), sigma(a))
            assert objective.probability(real) is not real
        loss, db = o.Minimax(output).generator(fake)
        same(loss, np.log(1 - sigma(b)).mean())
        same(db * jacobian_fake, -sigma(b) / 4)
        loss, db = o.NonSaturating(output).generator(fake)
        same(loss, -np.log(sigma(b)).mean())
        same(db * jacobian_fake, -sigma(-b) / 4)
        for objective in o.Minimax(output, real=0.9), o.NonSaturating(output, 0.9):
            loss, da, db = objective.discriminator(real, fake)
            same(loss, -(0.9 * np.log(sigma(a)) + 0.1 * np.log(sigma(-a))).mean() - np.log(sigma(-b)).mean())
            same(da * jacobian, (sigma(a) - 0.9) / N)
            same(db * jacobian_fake, sigma(b) / 4)
            same(objective.value(loss, real, fake), V)
        assert o.Minimax(output).value(1.25, real, fake) == -1.25
    assert o.Objective().value(1.25, real, fake) == -1.25
    assert o.Minimax().output == o.NonSaturating().output == "logit" and o.Minimax().real == 1
    same(o.value(np.zeros((3, 1)), np.zeros((2, 1)))[0], -math.log(4))
    sure = np.array([[-500.0], [500.0]])
    same(o.value(sure, sure)[0], -500)
    same(o.value(a, b)[0], o.value(a, b, "logit")[0])
    same(o.log_d(a)[0], o.log_d(a, "logit")[0])
    same(o.log_not_d(a)[0], o.log_not_d(a, "logit")[0])
    single = o.NonSaturating().discriminator(a.astype("float32"), b.astype("float32"))
    assert {part.dtype for part in single} == {np.dtype("float32")}
    edge = np.array([[0.0], [1.0]])
    for part in (*o.log_d(edge, "probability"), *o.log_not_d(edge, "probability")):
        assert np.isfinite(part).all()


class Vector:
    """What an optimizer knows of a network."""

    def __init__(self, dtype, size=50):
        self.theta, self.dtheta, self.forgotten = draw(size, dtype=dtype), draw(size, seed=1, dtype=dtype), 0
        self.dtype = np.dtype(dtype)

    def forget(self):
        self.forgotten += 1


def optimizers_follow_their_papers(m):
    o = m.optimizers
    usual = {"lr": 2e-4, "beta1": 0.5, "beta2": 0.999, "eps": 1e-8}
    momenta = {"lr": 0.1, "momentum": 0.0}, {"lr": 0.1, "momentum": 0.9}
    betas = {}, {"lr": 0.05, "beta1": 0.9, "beta2": 0.99, "eps": 0.1}, {"lr": 0.1, "beta1": 0, "beta2": 0}
    for rule, given, (dtype, tolerance) in itertools.product(
        (o.SGD, o.Adam), (*momenta, *betas), (("float64", 1e-12), ("float32", 1e-5))
    ):
        if (rule is o.SGD) != ("momentum" in given):
            continue
        network = Vector(dtype)
        optimizer, theta, mean, square = rule(network, **given), network.theta.astype("float64"), 0, 0
        for t in range(1, 5):
            network.dtheta[...] = g = (draw(50, seed=t) * 10.0**-t).astype(dtype)
            optimizer.step()
            if rule is o.SGD:
                mean = given["momentum"] * mean - given["lr"] * g
                theta = theta + mean
                same(optimizer.v, mean, tolerance)
            else:
                lr, b1, b2, eps = (usual | given).values()
                mean, square = b1 * mean + (1 - b1) * g, b2 * square + (1 - b2) * g.astype("float64") ** 2
                theta = theta - lr * (mean / (1 - b1**t)) / (np.sqrt(square / (1 - b2**t)) + eps)
                same(optimizer.m, mean, tolerance)
                same(optimizer.v, square, tolerance)
            same(network.theta, theta, tolerance)
            assert network.forgotten == optimizer.steps == t and network.theta.dtype == dtype
            same(network.dtheta, g, 0)
    assert o.SGD(Vector("float64"), 0.1).momentum == 0
    small = Vector("float64")
    small.dtheta[...] = 1e-9
    before = small.theta.copy()
    o.Adam(small, lr=1.0).step()
    same(before - small.theta, np.full(50, 1e-9 / (1e-9 + 1e-8)))
    for words, rule, *given in (
        ("SGD: momentum must lie in [0, 1)", o.SGD, 0.1, 1.0),
        ("SGD: momentum must lie in [0, 1)", o.SGD, 0.1, o.Linear(1.0, 0.5, 1)),
        ("SGD: the learning rate must be positive", o.SGD, o.Linear(0.0, 1.0, 1)),
        ("Adam: beta1 must lie in [0, 1)", o.Adam, 0.1, 1.0),
        ("Adam: beta1 must lie in [0, 1), not Linear", o.Adam, 0.1, o.Linear(0.5, 0.9, 3)),
        ("Adam: beta2 must lie in [0, 1)", o.Adam, 0.1, 0.5, 1.0),
    ):
        refuses(ValueError, words, rule, small, *given)
    refuses(NotImplementedError, "Optimizer", o.Optimizer(Vector("float64"), 0.1).step)
    seen = []
    watched = o.SGD(small, 1.0)
    watched.between.append(lambda network: seen.append((1, network.theta.copy())))
    watched.between.append(lambda network: seen.append((2, network.dtheta.copy())))
    before = small.theta.copy(), small.dtheta.copy()
    watched.step()
    assert [number for number, _ in seen] == [1, 2]
    same([a for _, a in seen], before, 0)


def optimizers_allocate_nothing(m):
    for make in (lambda n: m.optimizers.SGD(n, 0.1, 0.5)), (lambda n: m.optimizers.Adam(n)):
        network = Vector("float32", 200_000)
        optimizer = make(network)
        theta = network.theta
        optimizer.step()
        assert taken(optimizer.step) < 20_000 and network.theta is theta


def network_is_the_chain_rule(m):
    a = m.layers
    first, second = m.layers.Dense(5, 4), m.layers.Dense(4, 3)
    network = m.network.Network(first, a.Tanh(), second, seed=1, dtype="float64")
    network.theta[...] += 0.1 * draw(network.theta.size)
    W, b, U, c = first.W, first.b, second.W, second.b
    x, dy = draw(N, 5), draw(N, 3, seed=1)
    h = np.tanh(x @ W + b)
    same(network.forward(x), h @ U + c)
    dh = (dy @ U.T) * (1 - h * h)
    expected = np.concatenate([g.ravel() for g in (x.T @ dh, dh.sum(0), h.T @ dy, dy.sum(0))])
    same(network.backward(dy), dh @ W.T)
    same(network.dtheta, expected)
    network.dtheta[...] = 7
    same(network.backward(dy, "input"), dh @ W.T)
    assert (network.dtheta == 7).all()
    assert network.backward(dy, "params") is None
    same(network.dtheta, expected)
    names = [
        (name, p is getattr(layer, name[-1]), d is getattr(layer, "d" + name[-1]))
        for (name, p, d), layer in zip(network.parameters(), (first, first, second, second), strict=True)
    ]
    assert names == [(name, True, True) for name in ("0.W", "0.b", "2.W", "2.b")]
    same(network.theta, np.concatenate([p.ravel() for _, p, _ in network.parameters()]), 0)
    same(network.dtheta, np.concatenate([d.ravel() for _, _, d in network.parameters()]), 0)
    assert all(
        np.shares_memory(network.theta, p) and np.shares_memory(network.dtheta, d) for _, p, d in network.parameters()
    )
    passes(m.gradcheck.gradcheck(network, x))


def spy(m, n_in=None, n_out=None):
    """A layer that remembers what it was asked, and counts as one with a parameter."""

    class Spy(m.layers.Layer):
        params = ("c",)

        def __init__(self):
            self.n_in, self.n_out = n_in, n_out

        def initialize(self, rng):
            return {"c": np.zeros(1)}

        def forward(self, x, training=False):
            self.training = training
            return x[:, :n_out]

        def backward(self, dy, wrt="both"):
            self.wrt = wrt
            return None if wrt == "params" else np.tile(dy, (1, (n_in or 1) // (n_out or 1)))

    return Spy()


def network_asks_each_layer_for_what_is_needed(m):
    first, second = spy(m), spy(m)
    network, x = m.network.Network(first, second, dtype="float64"), draw(2, 3)
    for wrt, expected in ("both", ("both", "both")), ("params", ("params", "both")), ("input", ("input", "input")):
        network.forward(x)
        network.backward(x, wrt)
        assert (first.wrt, second.wrt) == expected
    network.backward(x)
    assert first.wrt == "both"
    for training in True, False:
        network.forward(x, training)
        assert first.training is second.training is training
    network.forward(x)
    assert first.training is False
    refuses(ValueError, "expected one of", network.backward, x, "x")
    refuses(ValueError, "dy has shape", network.backward, x[:1])
    refuses(TypeError, "dy", network.backward, x.astype("float32"))
    network.forget()
    refuses(RuntimeError, "forward(x) first", network.backward, x)
    refuses(RuntimeError, "forward(x) first", m.network.Network(spy(m), dtype="float64").backward, x)
    free = m.network.Network(m.layers.Tanh(), dtype="float64")
    free.forward(x)
    assert free.backward(x, "params") is None
    lowest = m.network.Network(m.layers.Tanh(), inner := spy(m), last := spy(m), dtype="float64")
    lowest.layers[0].backward = None  # nobody asks for what lies below the lowest parameter
    lowest.forward(x)
    assert lowest.backward(x, "params") is None and (inner.wrt, last.wrt) == ("params", "both")


def network_is_made_and_copied_as_stated(m):
    dense, tanh = m.layers.Dense(2, 2), m.layers.Tanh()
    ends = m.network.Network(dense, tanh, shape=(), dtype="float64")
    assert ends.range == (-1.0, 1.0) and ends.n_in == 2
    assert m.network.Network(m.layers.Tanh(), m.layers.Dense(2, 2)).range is None
    for name in "theta", "dtheta":
        vector = getattr(ends, name)
        setattr(ends, name, np.arange(6.0))
        assert getattr(ends, name) is vector and vector[5] == 5
    assert dense.W[1, 1] == 3

    def make(**options):
        return m.network.Network(m.layers.Dense(5, 4), m.layers.ReLU(), m.layers.Dense(4, 2), **options)

    left_behind = [np.full(34, np.nan, "float32") for _ in range(7)]
    del left_behind  # what xp.empty would find
    network = make()
    rng = m.backend.host_generator(0)
    first, second = rng.standard_normal((5, 4)) * math.sqrt(2 / 5), rng.standard_normal((4, 2)) * math.sqrt(2 / 4)
    expected = np.concatenate([first.ravel(), np.zeros(4), second.ravel(), np.zeros(2)])
    same(network.theta, expected, 1e-6)
    same(make(seed=3, dtype="float64").theta, make(seed=3, dtype="float64").theta, 0)
    assert not np.allclose(make(seed=3).theta, network.theta)
    assert network.theta.dtype == network.dtheta.dtype == network.dtype == "float32" and not network.dtheta.any()
    assert (network.n_in, network.n_out, len(network.layers)) == (5, 2, 3)
    x = draw(3, 5, dtype="float32")
    y = network.forward(x)
    twin = network.astype("float64")
    assert twin.theta.dtype == twin.dtheta.dtype == twin.dtype == "float64" and network.dtype == "float32"
    same(twin.theta, network.theta, 0)
    assert not np.shares_memory(twin.forward(x.astype("float64")), y) and twin.layers[0] is not network.layers[0]
    twin.theta[...] = 0
    assert not np.allclose(network.theta, 0) and not np.shares_memory(twin.layers[0].W, network.layers[0].W)
    same(network.layers[0].W.ravel(), network.theta[:20], 0)
    same(network.layers[0].forward(x), x @ network.layers[0].W, 1e-5)
    refuses(RuntimeError, "forward(x) first", network.astype("float32").backward, y)
    assert "_scratch" not in vars(network.astype("float32").layers[0])
    single = network.astype("float32")
    assert not np.shares_memory(single.forward(x), y)
    deep = m.network.copy.deepcopy(network)
    assert deep.dtype == "float32" and not np.shares_memory(deep.theta, network.theta)
    same(deep.theta, network.theta, 0)
    for again in m.network.copy.copy(network), m.network.copy.deepcopy(network):
        same(again.theta, network.theta, 0)
        again.theta[...] = 7
        assert (again.layers[2].W == 7).all() and not np.shares_memory(again.layers[0].dW, network.dtheta)
    network.forward(x)
    network(x)
    refuses(RuntimeError, "after network(x)", network.backward, y)
    called = network(x.tolist())
    same(called, network.forward(x), 1e-6)
    assert called.dtype == "float32" and not np.shares_memory(called, network.forward(x))
    chunk = getattr(m.network, "CHUNK", 4)
    for n in 1, chunk - 1, chunk, chunk + 1, 2 * chunk + 3:
        many = draw(n, 5, dtype="float32")
        same(network(many), network.forward(many), 1e-5)
    many = draw(40 * chunk, 5, dtype="float32")
    network(many)
    assert taken(lambda: network(many)) < 2 * many.nbytes
    refuses(
        ValueError, "takes width 3, but gets width 4", m.network.Network(m.layers.Tanh(), shape=3).output_shape, (4,)
    )
    steps = m.network.Network(m.layers.Dense(2, 1), shape=(None, 2))
    refuses(ValueError, "takes (N, any, 2)", steps.forward, draw(3, 2, dtype="float32"))
    assert m.network.Network(m.layers.Tanh()).params == () and steps.params == ("theta",)
    first = m.network.Network(m.layers.BatchNorm(2), dtype="float64")
    first.set_states({"0.mean": [1.0, 2.0]})
    again = m.network.Network(copy.deepcopy(first.layers[0]), dtype="float64")
    same(again.states()["0.mean"], np.array([1.0, 2.0]), 0)


def game(m, objective, dtype="float64", seed=SEED, **options):
    D, A = m.layers.Dense, m.layers
    G = m.network.Network(D(3, 6), A.ReLU(), D(6, 4), A.Tanh(), seed=1, dtype=dtype)
    last = [A.Sigmoid()] if objective.output == "probability" else []
    discriminator = m.network.Network(D(4, 5), A.LeakyReLU(), D(5, 1), *last, seed=2, dtype=dtype)
    if "average" in options:
        options["average"] = m.optimizers.ExponentialMovingAverage(G, options["average"])
    return m.gan.GAN(G, discriminator, objective, seed, **options)


class Reference:
    """The same two players and their round, in a straight line and without the library."""

    def __init__(self, gan):
        self.g = [p.copy() for _, p, _ in gan.generator.parameters()]
        self.d = [p.copy() for _, p, _ in gan.discriminator.parameters()]
        self.state = {"g": [(0, 0)] * 4, "d": [(0, 0)] * 4}
        self.t = 0

    def generate(self, z):
        W, b, U, c = self.g
        h = np.maximum(z @ W + b, 0)
        return h, np.tanh(h @ U + c)

    def judge(self, x):
        W, b, u, c = self.d
        h = x @ W + b
        return h, np.where(h > 0, h, 0.2 * h) @ u + c

    def back_d(self, x, da):
        W, _, u, _ = self.d
        h, _ = self.judge(x)
        leaky = np.where(h > 0, h, 0.2 * h)
        dh = (da @ u.T) * np.where(h > 0, 1, 0.2)
        return [x.T @ dh, dh.sum(0), leaky.T @ da, da.sum(0)], dh @ W.T

    def back_g(self, z, dx):
        h, x = self.generate(z)
        du = dx * (1 - x * x)
        dh = (du @ self.g[2].T) * (h > 0)
        return [z.T @ dh, dh.sum(0), h.T @ du, du.sum(0)]

    def adam(self, player, gradients):
        theta, state = getattr(self, player), self.state[player]
        for i, g in enumerate(gradients):
            mean, square = state[i]
            mean, square = 0.5 * mean + 0.5 * g, 0.999 * square + 0.001 * g * g
            theta[i] = theta[i] - 2e-4 * (mean / (1 - 0.5**self.t)) / (np.sqrt(square / (1 - 0.999**self.t)) + 1e-8)
            state[i] = mean, square

    def round(self, x, z_d, z_g, saturating):
        self.t += 1
        n, fake = len(x), self.generate(z_d)[1]
        a, b = self.judge(x)[1], self.judge(fake)[1]
        real, _ = self.back_d(x, -sigma(-a) / n)
        false, _ = self.back_d(fake, sigma(b) / n)
        self.adam("d", [r + f for r, f in zip(real, false, strict=True)])
        after = self.judge(self.generate(z_g)[1])[1]
        da = -sigma(after) / n if saturating else -sigma(-after) / n
        self.adam("g", self.back_g(z_g, self.back_d(self.generate(z_g)[1], da)[1]))
        loss_g = np.log(sigma(-after)).mean() if saturating else -np.log(sigma(after)).mean()
        right = 0.5 * (np.float32((sigma(a) > 0.5).mean()) + np.float32((sigma(b) < 0.5).mean()))
        loss_d = -np.log(sigma(a)).mean() - np.log(sigma(-b)).mean()
        return loss_d, loss_g, sigma(a).mean(), sigma(b).mean(), sigma(after).mean(), right


def gan_plays_the_round_that_is_written_in_the_paper(m):
    for objective in m.objectives.Minimax(), m.objectives.NonSaturating():
        gan = game(m, objective)
        reference, zs, plain = Reference(gan), [], gan.noise

        def noise(n, *stream, zs=zs, plain=plain):
            zs.append(plain(n, *stream).copy())
            return zs[-1]

        gan.noise = noise
        for t, n in enumerate((6, 6, 4, 7), 1):
            x = draw(n, 4, seed=t)
            found = gan.step(x)
            assert len(zs) == 2 * t and zs[-1].shape == zs[-2].shape == (n, 3)
            expected = reference.round(x, *zs[-2:], type(objective).__name__ == "Minimax")
            same([float(part) for part in found], [-expected[0], *expected], 1e-7)
            assert found.accuracy.dtype == "float32" and found._fields[:2] == ("V", "loss_d")
            same(gan.generator.theta, np.concatenate([p.ravel() for p in reference.g]), 1e-10)
            same(gan.discriminator.theta, np.concatenate([p.ravel() for p in reference.d]), 1e-10)
            assert gan.generator_optimizer.steps == gan.discriminator_optimizer.steps == t
        loss, _, d_real, d_fake = gan.discriminator_step(x)
        assert d_real.shape == d_fake.shape == (7, 1) and np.ndim(loss) == 0


def averaging_takes_in_what_it_is_shown(m):
    for decay in 0.9, 0.5:
        network = m.network.Network(m.layers.Dense(5, 4), m.layers.BatchNorm(4), m.layers.Dropout(0.5), seed=1)
        average = m.optimizers.ExponentialMovingAverage(network, decay)
        shown, means = [], []
        for t in range(4):
            network.theta[...] = draw(network.theta.size, seed=t)
            network.layers[1].mean[...] = draw(4, seed=10 + t)
            average.step()
            shown.append(network.theta.copy())
            means.append(network.layers[1].mean.copy())
            weights = np.array([(1 - decay) * decay ** (t - i) for i in range(t + 1)]) / (1 - decay ** (t + 1))
            same(average.network.theta, weights @ np.array(shown), 1e-5)
            same(average.network.layers[1].mean, weights @ np.array(means), 1e-5)
        assert average.steps == 4 and average.network is not network
        same(network.theta, shown[-1], 0)


def optimizers_follow_their_schedules(m):
    linear = m.optimizers.Linear
    for make in (
        lambda network, lr: m.optimizers.SGD(network, lr, linear(0.5, 0.9, 2) if callable(lr) else 0.5),
        lambda network, lr: m.optimizers.Adam(network, lr),
    ):
        one, two = (m.network.Network(m.layers.Dense(3, 2), dtype="float64") for _ in range(2))
        planned, plain = make(one, linear(0.3, 0.1, 2)), make(two, 0.3)
        for t, (rate, momentum) in enumerate([(0.3, 0.5), (0.2, 0.7), (0.1, 0.9), (0.1, 0.9)]):
            one.dtheta[...] = two.dtheta[...] = draw(8, seed=t)
            plain.lr = rate
            if hasattr(plain, "momentum"):
                plain.momentum = momentum
            planned.step()
            plain.step()
            same(one.theta, two.theta)
            assert abs(planned.rate - rate) < 1e-12


def gan_takes_k_steps_and_averages(m):
    for k in 1, 2, 3:
        gan = game(m, m.objectives.NonSaturating(), k=k, average=0.9)
        x, seen = draw(4 * k, 4), []
        step = gan.discriminator_step
        gan.discriminator_step = lambda part, seen=seen, step=step: seen.append((part.copy(), out := step(part))) or out
        theta = []
        for t in range(1, 3):
            found = gan.step(x)
            theta.append(gan.generator.theta.copy())
            assert gan.draws[0] == t * (k + 1) and gan.discriminator_optimizer.steps == t * k
            assert gan.generator_optimizer.steps == gan.average.steps == t
        same(np.concatenate([part for part, _ in seen[:k]]), x, 0)
        assert all(len(part) == 4 for part, _ in seen)
        same(found.loss_d, seen[-1][1][0], 0)
        same(found.d_real, seen[-1][1][2].mean(), 0)
        assert gan.sampler is gan.average.network
        same(gan.sampler.theta, (0.1 * theta[1] + 0.09 * theta[0]) / 0.19)
        same(gan.sample(3), gan.sampler(gan.latent_points(3, 1, 1)), 0)
    plain = game(m, m.objectives.NonSaturating())
    assert plain.sampler is plain.generator and not plain.average and plain.k == 1
    for rows in 1, 5:
        twice = game(m, m.objectives.Minimax(), k=2)
        refuses(ValueError, f"a batch of {rows} samples cannot be split among k=2", twice.step, draw(rows, 4))
    flat = game(m, m.objectives.NonSaturating(), "float32", noise="uniform").noise(2000)
    u = m.backend.host_generator(SEED, 0, 1).random((2000, 3), dtype="float32")
    same(flat, (2 * u - 1) * math.sqrt(3), 1e-6)
    assert flat.dtype == "float32"


def gan_reports_v_of_a_smoothed_game(m):
    gan = game(m, m.objectives.NonSaturating(real=0.9))
    z = gan.latent_points(N, 0, 1)
    x, fake = draw(N, 4), gan.generator(z)
    real, false = sigma(gan.discriminator(x)), sigma(gan.discriminator(fake))
    found = gan.step(x)
    same(found.V, np.log(real).mean() + np.log(1 - false).mean())
    same(found.loss_d, -(0.9 * np.log(real) + 0.1 * np.log(1 - real)).mean() - np.log(1 - false).mean())


def tangents_and_second_derivatives_are_right(m):
    forward, backward = m.objectives.jvp, m.objectives.jvp_backward
    for layer, shape in _every_layer(m):
        for training in False, True:
            passes(m.gradcheck.check_second_order(layer, draw(2, *shape), training=training), 1e-6)
        network = m.network.Network(layer, dtype="float64", shape=shape)
        network.theta[...] += 0.3 * draw(network.theta.size, seed=3)
        x, tx = draw(N, *shape), draw(N, *shape, seed=1)
        y = network.forward(x, True)
        dty, dy = draw(*y.shape, seed=2), draw(*y.shape, seed=4)
        kept = x.copy(), tx.copy(), dty.copy(), dy.copy()
        forward(network, tx)
        network.dtheta[...] = 7
        dtx, dx = (None if d is None else d.copy() for d in backward(layer, dty, dy, "input"))
        assert (network.dtheta == 7).all()
        both = backward(layer, dty, dy)
        same(both[0], dtx)
        same(both[1], dx)
        total = network.dtheta.copy()
        alone = backward(layer, dty, None)
        of_the_tangent = network.dtheta.copy()
        same(alone[0], dtx)
        fresh = network.astype("float64")
        fresh.forward(x)
        if not isinstance(layer, m.layers.Dropout | m.layers.BatchNorm):
            fresh.backward(dy)
            same(total, of_the_tangent + fresh.dtheta)
        from_y = network.backward(dy).copy()
        same(dtx, network.backward(dty))
        same(dx, from_y + (0 if alone[1] is None else alone[1]))
        backward(layer, dty, None, "params")
        same(network.dtheta, of_the_tangent)
        backward(layer, dty, dy, "params")
        same(network.dtheta, total)
        for array, old in zip((x, tx, dty, dy), kept, strict=True):
            same(array, old, 0)
    dense = m.layers.Dense(3, 2)
    network = m.network.Network(dense, dtype="float64")
    network.forward(draw(4, 3))
    forward(network, draw(4, 3))
    assert backward(dense, draw(4, 2), draw(4, 2), "params") == (None, None)
    assert backward(network, draw(4, 2))[1] is None
    tx, dty = draw(4, 3), draw(4, 2)
    dense.forward(tx)
    assert np.shares_memory(forward(dense, tx), forward(dense, tx))
    assert np.shares_memory(backward(dense, dty)[0], backward(dense, dty)[0])
    for layer, shape in _every_layer(m):
        network = m.network.Network(layer, shape=shape)
        y = network.forward(draw(N, *shape, dtype="float32"), True)
        ty = forward(layer, draw(N, *shape, seed=1, dtype="float32"))
        assert {a.dtype for a in (ty, *backward(layer, ty, y))} == {np.dtype("float32")}
    spied = spy(m)
    for backward_of_the_spy in m.jvp.element_wise_forward, m.jvp.piecewise_linear_backward:
        assert backward_of_the_spy(spied, tx) is not None and spied.wrt == "input"
    spied.backward = lambda dy, wrt: asked.append(wrt) or dy
    asked = []
    m.jvp.piecewise_linear_backward(spied, tx, tx)
    assert asked == ["input", "input"]


def _critic(m):
    D = m.network.Network(
        m.layers.Dense(4, 6), m.layers.Tanh(), m.layers.Dense(6, 5), m.layers.LeakyReLU(),
        m.layers.Dense(5, 1), seed=1, dtype="float64",
    )  # fmt: skip
    D.theta[...] += 0.3 * draw(D.theta.size, seed=3)
    return D


def penalties_are_those_of_their_papers(m):
    p, D, x = m.objectives, _critic(m), draw(N, 4)
    D.forward(x)
    g = D.backward(np.ones((N, 1)), "input").copy()
    norm = np.sqrt((g * g).sum(1))
    for penalty, expected in (
        (p.R1(3.0), 1.5 * (norm**2).mean()),
        (p.R2(0.5), 0.25 * (norm**2).mean()),
        (p.GradientPenalty(10.0), 10 * ((norm - 1) ** 2).mean()),
        (p.OneSidedGradientPenalty(10.0), 10 * (np.maximum(norm - 1, 0) ** 2).mean()),
    ):
        same(penalty.gradient(D, x), expected, 1e-9)
        passes(m.gradcheck.check_penalty(penalty, D, x), 1e-6)
    assert (norm > 1).any() and (norm < 1).any()
    flat = m.network.Network(m.layers.Dense(4, 1), dtype="float64")
    flat.theta[...] = 0
    same(p.GradientPenalty(1.0).gradient(flat, x), (1 - 1e-6) ** 2, 1e-12)
    assert np.isfinite(flat.dtheta).all()
    same(p.OneSidedGradientPenalty(1.0).gradient(flat, x), 0)
    assert np.isfinite(flat.dtheta).all()
    module = m.penalties
    asked, backward, jvp_backward = [], D.backward, module.jvp_backward
    D.backward = lambda dy, wrt: asked.append(wrt) or backward(dy, wrt)
    module.jvp_backward = lambda D, dty, wrt: asked.append(wrt) or jvp_backward(D, dty, wrt=wrt)
    p.R1(1.0).gradient(D, x)
    module.jvp_backward = jvp_backward
    assert asked == ["input", "params"]
    layers = m.layers.Flatten(2, 2), m.layers.Dense(4, 3), m.layers.Tanh(), m.layers.Dense(3, 1)
    images = m.network.Network(*layers, dtype="float64")
    passes(m.gradcheck.check_penalty(p.R1(1.0), images, x.reshape(N, 2, 2)), 1e-6)
    real, fake = draw(N, 4), draw(N, 4, seed=1)
    assert p.R1(1.0).points(real, fake, None) is real and p.R2(1.0).points(real, fake, None) is fake
    e = np.random.default_rng(5).random((N, 1))
    same(p.GradientPenalty(1.0).points(real, fake, np.random.default_rng(5)), e * real + (1 - e) * fake)
    single = real.astype("float32"), fake.astype("float32")
    assert p.GradientPenalty(1.0).points(*single, np.random.default_rng(5)).dtype == "float32"
    cubes = p.GradientPenalty(1.0).points(real.reshape(N, 2, 2), fake.reshape(N, 2, 2), np.random.default_rng(5))
    same(cubes.reshape(N, 4), e * real + (1 - e) * fake)
    masked = m.network.Network(m.layers.Dense(4, 6), m.layers.Dropout(0.5), m.layers.Dense(6, 1), dtype="float64")
    p.R1(1.0).gradient(masked, x)
    assert masked.layers[1].draws == 1
    for weight in 0, math.inf:
        refuses(ValueError, "the weight must be positive and finite", p.R1, weight)


def gan_adds_the_penalty_to_ds_loss(m):
    for penalty in m.objectives.R1(2.0), m.objectives.R2(2.0), m.objectives.GradientPenalty(2.0):
        x, found = draw(N, 4), []
        for options in {}, {"penalty": penalty}:
            gan = game(m, m.objectives.NonSaturating(), **options)
            gan.discriminator_optimizer = m.optimizers.SGD(gan.discriminator, 1.0)
            before = gan.discriminator.theta.copy()
            loss, V, *_ = gan.discriminator_step(x)
            found.append((loss, V, before - gan.discriminator.theta))
        gan.discriminator.theta[...] = before
        rng = m.backend.host_generator(SEED, 3, 1)
        value = penalty.gradient(gan.discriminator, penalty.points(x, gan.generator(gan.latent_points(N, 0, 1)), rng))
        same(found[1][0] - found[0][0], value)
        same(found[1][1], found[0][1])
        same(found[1][2] - found[0][2], gan.discriminator.dtheta)


def gan_takes_a_penalty_that_knows_of_no_labels(m):
    class Own(m.objectives.R1):
        def gradient(self, D, x):
            return super().gradient(D, x)

    class Other(Own):
        def add(self, D, real, fake, rng):
            return super().add(D, real, fake, rng)

    for penalty in Own(1.0), Other(1.0):
        game(m, m.objectives.NonSaturating(), penalty=penalty).step(draw(N, 4))


def gan_packs(m):
    D, A = m.layers.Dense, m.layers
    G = m.network.Network(D(3, 6), A.ReLU(), D(6, 4), A.Tanh(), seed=1, dtype="float64")
    judge = m.network.Network(A.Pack(2, 4), D(8, 5), A.Tanh(), D(5, 1), seed=2, dtype="float64")
    flat = m.network.Network(D(8, 5), A.Tanh(), D(5, 1), seed=2, dtype="float64")
    gan = m.gan.GAN(G, judge, seed=SEED)
    x = draw(6, 4)
    z = gan.latent_points(6, 0, 1)
    expected = sigma(flat(x.reshape(3, 8))), sigma(flat(G(z).reshape(3, 8)))
    _, _, d_real, d_fake = gan.discriminator_step(x)
    same(d_real, expected[0])
    same(d_fake, expected[1])
    same(gan.step(x).loss_d.shape, (), 0)
    images = m.network.Network(D(3, 4), m.layers.Reshape(2, 2), dtype="float64")
    flat = m.network.Network(m.layers.Flatten(2, 2), D(4, 1), dtype="float64")
    gan = m.gan.GAN(images, flat)
    assert gan.step(x.reshape(6, 2, 2)).V.shape == () and gan.sample(3).shape == (3, 2, 2)


def gan_compares_with_real_samples(m):
    o = m.objectives
    masked = m.network.Network(m.layers.Dense(4, 6), m.layers.Dropout(0.5), m.layers.Dense(6, 1), dtype="float64")
    gan = m.gan.GAN(game(m, o.Hinge()).generator, masked, o.RelativisticAverage())
    gan.step(draw(N, 4))
    assert masked.layers[1].draws == 2
    clipped = game(m, o.Wasserstein(0.02))
    clipped.step(draw(N, 4))
    same(abs(clipped.discriminator.theta).max(), 0.02)
    for objective in o.RelativisticAverage(), o.FeatureMatching(1), o.FeatureMatching(-2):
        gan = game(m, objective)
        gan.generator_optimizer = m.optimizers.SGD(gan.generator, 1e-30)
        x = draw(N, 4)
        gan.discriminator_step(x)
        G, D, z = gan.generator, gan.discriminator, gan.latent_points(N, 0, 2)
        D.dtheta[...] = 7
        loss, d_fake = gan.generator_step(N, x)
        assert (D.dtheta == 7).all()
        same(d_fake, sigma(D(G(z))))
        features = []
        for samples in G(z), x:
            a = D.forward(samples)
            features.append((a if objective.layer == -1 else D.outputs[objective.layer]).copy())
        same(loss, objective.generator(*features)[0])
        passes(m.gradcheck.check_game(gan, x, z), 1e-6)


def tangents_go_through_a_network(m):
    forward, backward = m.objectives.jvp, m.objectives.jvp_backward
    D, x, tx, dty = _critic(m), draw(N, 4), draw(N, 4, seed=1), draw(N, 1, seed=2)
    D.forward(x)
    ty = forward(D, tx)
    assert ty.shape == (N, 1)
    dtx, dx = (d.copy() for d in backward(D, dty))
    dtheta = D.dtheta.copy()
    D.dtheta[...] = 7
    same(backward(D, dty, wrt="input"), (dtx, dx))
    assert (D.dtheta == 7).all() and backward(D, dty, wrt="params") == (None, None)
    same(D.dtheta, dtheta)
    same(dtx, D.backward(dty, "input"))
    dy = draw(N, 1, seed=3)
    both = [d.copy() for d in backward(D, dty, dy)]
    total = D.dtheta.copy()
    same(both, (dtx, dx + D.backward(dy)))
    same(total, dtheta + D.dtheta)
    passes(m.gradcheck.check_second_order(D, x), 1e-6)


def network_lets_a_loss_enter_in_the_middle(m):
    D = _critic(m)
    x = draw(N, 4)
    D.forward(x)
    assert len(D.outputs) == 5 and D.outputs[-1].shape == (N, 1)
    h, dy = D.outputs[2].copy(), draw(N, 5, seed=1)
    first = m.network.Network(m.layers.Dense(4, 6), m.layers.Tanh(), m.layers.Dense(6, 5), dtype="float64")
    first.theta[...] = D.theta[: first.theta.size]
    same(first.forward(x), h)
    dx = first.backward(dy)
    for layer in 2, -3:
        D.dtheta[...] = 7
        same(D.backward(dy, layer=layer), dx)
        same(D.dtheta[: first.theta.size], first.dtheta)
        assert (D.dtheta[first.theta.size :] == 7).all()
    refuses(ValueError, "dy has shape", D.backward, dy[:1], "both", 2)


def other_objectives_give_their_papers_formulas(m):
    o, a, b = m.objectives, 2 * draw(N, 1), np.array([[-1.7], [-0.5], [0.3], [1.2]])
    u, w = a - b.mean(), b - a.mean()

    def sure(u, w):
        return -np.log(sigma(u)).mean() - np.log(sigma(-w)).mean()

    for objective, loss_d, loss_g in (
        (o.LeastSquares(), ((a - 1) ** 2).mean() / 2 + (b**2).mean() / 2, ((b - 1) ** 2).mean() / 2),
        (o.Wasserstein(), b.mean() - a.mean(), -b.mean()),
        (o.Hinge(), np.maximum(0, 1 - a).mean() + np.maximum(0, 1 + b).mean(), -b.mean()),
        (o.RelativisticAverage(), sure(u, w), sure(w, u)),
    ):
        given = (b, a) if objective.sees_real else (b,)
        same(objective.discriminator(a, b)[0], loss_d)
        same(objective.generator(*given)[0], loss_g)
        passes(m.gradcheck.check_loss(objective.discriminator, a, b))
        passes(m.gradcheck.check_loss(objective.generator, *given))
        parts = (
            *objective.discriminator(*(x.astype("float32") for x in (a, b))),
            *objective.generator(*(x.astype("float32") for x in given)),
        )
        assert {np.asarray(part).dtype for part in parts} == {np.dtype("float32")}
        assert objective.value(loss_d, a, b) == -loss_d
        theta = draw(5)
        objective.project(theta)
        same(theta, draw(5), 0)
    same(o.Hinge().discriminator(np.ones((2, 1)), -np.ones((2, 1)))[1], np.zeros((2, 1)), 0)
    same(o.Hinge().discriminator(np.ones((2, 1)), -np.ones((2, 1)))[2], np.zeros((2, 1)), 0)
    same(o.LeastSquares().probability(np.array([[-1.0], [0.3], [2]])), [[0], [0.3], [1]], 0)
    theta = np.array([-3.0, -0.1, 0.2, 4])
    o.Wasserstein(0.5).project(theta)
    same(theta, [-0.5, -0.1, 0.2, 0.5], 0)
    assert (o.Wasserstein().clip, o.Wasserstein().output, o.FeatureMatching(3).layer) == (None, "logit", 3)
    h, k = draw(4, 3), draw(N, 3, seed=1)
    loss, dh, dk = o.FeatureMatching(0).generator(h, k)
    same(loss, ((k.mean(0) - h.mean(0)) ** 2).sum())
    same(dh, np.tile(2 * (h.mean(0) - k.mean(0)) / 4, (4, 1)))
    same(dk, np.tile(2 * (k.mean(0) - h.mean(0)) / N, (N, 1)))
    assert not o.LeastSquares().sees_real and o.RelativisticAverage().sees_real and o.FeatureMatching(0).sees_real
    equilibria = [type.equilibrium for type in (o.LeastSquares, o.Wasserstein, o.Hinge, o.RelativisticAverage)]
    assert equilibria == [-0.25, 0, -2, -math.log(4)] and o.NonSaturating().equilibrium == -math.log(4)
    same(o.Minimax(real=0.9).equilibrium, math.log(0.45 * 0.55))


def the_auxiliary_classifier_asks_d_for_the_class(m):
    y, hot = np.array([2, 0, 2, 1]), np.eye(3)[[2, 0, 2, 1]]
    a, b = draw(4, 4, seed=7), draw(4, 4, seed=8)

    def unlike(c):
        return -(hot * (c - np.log(np.exp(c).sum(1, keepdims=True)))).sum() / 4

    def log_d(a):
        return np.log(sigma(a)).mean()

    for objective, weight, real in (
        (m.objectives.AuxiliaryClassifier(3), 1, 1),
        (m.objectives.AuxiliaryClassifier(3, 0.5, real=0.9), 0.5, 0.9),
    ):
        of_source = -real * log_d(a[:, 0]) - (1 - real) * log_d(-a[:, 0]) - log_d(-b[:, 0])
        told, to_d = objective.told([2, 0, 2, 1])
        assert to_d is None is objective.y and type(told.y) is np.ndarray
        same(told.discriminator(a, b)[0], of_source + weight * (unlike(a[:, 1:]) + unlike(b[:, 1:])))
        same(told.generator(b)[0], weight * unlike(b[:, 1:]) - log_d(b[:, 0]))
        passes(m.gradcheck.check_loss(told.discriminator, a, b))
        passes(m.gradcheck.check_loss(told.generator, b))
        same(objective.value(7.0, a, b), log_d(a[:, 0]) + log_d(-b[:, 0]))
        same(objective.probability(a), sigma(a[:, :1]))
        same(objective.equilibrium, math.log(real / 2) + math.log(1 - real / 2))
    singles = told.generator(b.astype("float32")), told.discriminator(*2 * [b.astype("float32")])
    assert {np.asarray(part).dtype for parts in singles for part in parts} == {np.dtype("float32")}
    usual = m.objectives.NonSaturating()
    assert usual.told(y)[0] is usual and usual.told(y)[1] is y
    refuses(TypeError, "labels are a NoneType", objective.generator, b)
    Dense, Tanh, Network = m.layers.Dense, m.layers.Tanh, m.network.Network

    def game(D, penalty=None):
        G = Network(m.layers.Condition(3), Dense(5, 4), Tanh(), seed=1, shape=2)
        return m.gan.GAN(G, Network(*D, seed=2, shape=4), objective, penalty=penalty)

    x, z = draw(4, 4), draw(4, 2, seed=5)
    for penalty in None, m.objectives.R1(2.0), m.objectives.GradientPenalty(3.0):
        gan = game((Dense(4, 5), Tanh(), Dense(5, 4)), penalty)
        passes(m.gradcheck.game.check_game(gan, x, z, y))
    D = gan.discriminator
    slope = np.array([[(D(x[i : i + 1] + e) - D(x[i : i + 1] - e))[0, 0] for e in 1e-3 * np.eye(4)] for i in range(4)])
    squares = (slope**2).sum(1) / 4e-6
    same(m.objectives.R1(2.0).gradient(D, x.astype("float32")), squares.mean(), 1e-3)
    given, tell = [], objective.told
    vars(objective)["told"] = lambda y: given.append(list(y)) or tell(y)
    gan.step(x.astype("float32"), y)
    assert given == [list(y), list(y)]
    del vars(objective)["told"]
    for D, words in (
        ((Dense(4, 1),), "gives width 1 for each sample: it must give 1 + 3 logits"),
        ((m.layers.Condition(3), Dense(7, 4)), "is given labels itself"),
        ((m.layers.Pack(2, 2), Dense(4, 4)), "judges 2 samples at a time"),
    ):
        refuses(ValueError, words, lambda D=D: objective.check(Network(*D, shape=2 if D[0].rows > 1 else 4)))
    G = Network(Dense(2, 4))
    refuses(ValueError, "no labels, but the discriminator labels of 3", m.gan.GAN, G, gan.discriminator, objective)
    for wrong in {"classes": 0}, {"classes": 3, "weight": 0}, {"classes": 3, "real": 2}:
        refuses(ValueError, "must", lambda wrong=wrong: m.objectives.AuxiliaryClassifier(**wrong))
    assert repr(objective) == "AuxiliaryClassifier(3, weight=0.5, real=0.9)"


def spectral_norm_divides_by_the_largest_singular_value(m):
    layer = m.layers.SpectralNorm(5, 4)
    network = m.network.Network(layer, seed=1, dtype="float64")
    x = draw(N, 5)
    left, singular, right = np.linalg.svd(layer.W)
    same(abs(layer.u @ left[:, 0]) + abs(layer.v @ right[0]), 2)
    same(network.forward(x) - layer.b, x @ layer.W / singular[0])
    network.theta[...] += 0.1 * draw(24, seed=2)
    W, b = layer.W.copy(), layer.b.copy()
    for training in False, True:
        if training:
            v = W.T @ layer.u
            v /= np.linalg.norm(v)
            u = W @ v
            u /= np.linalg.norm(u)
        else:
            u, v = layer.u.copy(), layer.v.copy()
        same(network.forward(x, training), x @ W / (u @ W @ v) + b)
        same(layer.u, u)
        same(layer.v, v)
    passes(m.gradcheck.gradcheck(network, x))


def meetings(x, y, W, stride, padding):
    """(n, place in y, (i, j), place in x) wherever the kernel of W meets a number of x."""
    (s, t), (p, q) = stride, padding
    for n, a, b, i, j in np.ndindex(*y.shape[:3], *W.shape[:2]):
        row, column = s * a + i - p, t * b + j - q
        if 0 <= row < x.shape[1] and 0 <= column < x.shape[2]:
            yield n, (a, b), (i, j), (row, column)


def convolution_and_its_adjoint_are_sums_over_a_kernel(m):
    for kernel, stride, padding, sizes, small in (
        ((3, 2), (2, 1), (1, 0), (5, 4), (3, 3)),
        ((2, 4), (3, 2), (0, 3), (7, 3), (2, 3)),
        ((1, 1), (1, 2), (0, 0), (2, 4), (2, 2)),
        ((3, 3), (1, 1), (2, 2), (1, 1), (3, 3)),
        ((2, 3), (1, 1), (0, 1), (3, 4), (2, 4)),
    ):
        for kind, shape, channels in (m.layers.Conv2D, (*sizes, 2), 3), (m.layers.ConvTranspose2D, (*small, 3), 2):
            layer = kind(channels, kernel, stride, padding)
            network = m.network.Network(layer, seed=1, dtype="float64", shape=shape)
            layer.b[...] = draw(channels, seed=2)
            x = draw(3, *shape)
            y = network.forward(x)
            dy, forward = draw(*y.shape, seed=1), kind is m.layers.Conv2D
            expected, dx, dW = np.zeros(y.shape) + layer.b, np.zeros(x.shape), np.zeros(layer.W.shape)
            assert layer.W.shape == (*kernel, 2, 3) and network.n_out == y.shape[1:]
            for n, a, i, at in meetings(*((x, y) if forward else (y, x)), layer.W, stride, padding):
                W, here, there = layer.W[i], *((n, *place) for place in ((at, a) if forward else (a, at)))
                expected[there] += x[here] @ (W if forward else W.T)
                dx[here] += dy[there] @ (W.T if forward else W)
                dW[i] += np.outer(x[here], dy[there]) if forward else np.outer(dy[there], x[here])
            same(y, expected)
            same(network.backward(dy), dx)
            same(layer.dW, dW)
            same(layer.db, dy.sum((0, 1, 2)))


def sums_of_pairs_and_their_adjoint_are_as_stated(m):
    (x, y), log = draw(2, 3, 5, 4, 2), []
    pairs = ((2, -1, 1, -1), (3, 1, 0, 0)), ((1, 2, 0, 1), (2, 0, 1, -1))
    sums = [np.full((3, 2, 1, 2, 3, 2), np.nan), np.full((3, 2, 2, 1, 1, 2), np.nan)]
    m.backend.plain.pair_sums(x, pairs, *sums)
    given = [draw(*a.shape, seed=i) for i, a in enumerate(sums)]
    m.backend.plain.pair_sums_adjoint(y, pairs, *given)
    back = np.zeros(x.shape)
    for (rows, columns), out, one in zip(pairs, sums, given, strict=True):
        expected = np.zeros(out.shape)
        for at in np.ndindex(out.shape[:-1]):
            n, a, b, i, j = at
            for r, sign in (rows[1], 1), (rows[2], rows[3]):
                for s, factor in (columns[1], 1), (columns[2], columns[3]):
                    row, column = rows[0] * a + i + r, columns[0] * b + j + s
                    if 0 <= row < 5 and 0 <= column < 4:
                        expected[at] += sign * factor * x[n, row, column]
                        back[n, row, column] += sign * factor * one[at]
        same(out, expected)
    same(y, back)
    m.backend.plain.each(lambda *part: log.append(part), [(1, 2), (3,)])
    assert log == [(1, 2), (3,)]
    assert m.backend.plain.fewer_products((4, 4), (2, 2), (64, 64)) is False


def convolution_with_fewer_products_is_the_same(m):
    kernels, samples = vars(m.backend.kernels), 35
    for stride, padding, sizes in (
        ((2, 2), (1, 1), (4, 6)),
        ((1, 2), (0, 1), (4, 9)),
        ((2, 1), (3, 1), (4, 2)),
        ((3, 1), (1, 0), (5, 3)),
    ):
        kernel = tuple(2 * s for s in stride)
        for kind in m.layers.Conv2D, m.layers.ConvTranspose2D:
            x, tx, found, asked = draw(samples, *sizes, 2), draw(samples, *sizes, 2, seed=3), [], []
            for fewer in False, True:
                layer = kind(3, kernel, stride, padding)
                network = m.network.Network(layer, seed=1, dtype="float64", shape=(*sizes, 2))
                network.dtheta[...] = np.nan
                dy = draw(samples, *network.n_out, seed=4)
                kernels["fewer_products"] = lambda *given, fewer=fewer, asked=asked: asked.append(given) or fewer
                try:
                    results = [network.forward(x), layer.linear(tx, "t")[0], network.backward(dy), network.dtheta]
                    found.append(
                        [np.array(a) for a in (*results, network.backward(dy, "input"), network.forward(x[:2]))]
                    )
                finally:
                    del kernels["fewer_products"]
            for a, b in zip(*found, strict=True):
                same(b, a)
            channels = (2, 3) if kind is m.layers.Conv2D else (3, 2)
            assert set(asked) == {(kernel, stride, channels)}


def convolution_is_made_as_stated(m):
    seen, shape = [], (6, 9, 2)

    def init(rng, shape, *fans):
        seen.append((shape, *fans))
        return rng.standard_normal(shape)

    conv = m.layers.Conv2D(3, (4, 5), (2, 3), init=init)
    back = m.layers.ConvTranspose2D(5, 4, (2, 1), 0, init)
    network = m.network.Network(conv, back, shape=shape)
    assert seen == [((4, 5, 2, 3), 40, 10), ((4, 4, 5, 3), 24, 80)] and network.n_out == (8, 6, 5)
    assert not conv.b.any() and not back.b.any()
    usual = m.network.Network(m.layers.Conv2D(3), m.layers.ConvTranspose2D(2), shape=(28, 28, 1))
    assert usual.layers[0].output_shape((None, 28, 1)) == (None, 14, 3) and usual.n_out == (28, 28, 2)
    assert usual.layers[1].output_shape((14, None, 3)) == (28, None, 2)
    assert usual.layers[0].init is m.layers.he and usual.layers[0].W.shape == (4, 4, 1, 3)
    products = 14 * 14 * 3 * (4 * 4 * 1), 14 * 14 * 3 * (4 * 4 * 2)
    assert usual.layers[0].multiplications((28, 28, 1), (14, 14, 3)) == products[0]
    assert usual.layers[1].multiplications((14, 14, 3), (28, 28, 2)) == products[1]
    longer = m.network.Network(usual, m.layers.Tanh(), m.layers.Conv2D(1, 28, 1, 0), m.layers.Dense(1, 5))
    assert longer.multiplications((28, 28, 1), (1, 1, 5)) == sum(products) + 28 * 28 * 2 + 5
    assert np.isnan(usual.layers[0].multiplications((None, 28, 1), (None, 14, 3)))
    assert m.layers.BatchNorm(3).multiplications((2, 3), (2, 3)) == 0
    free = m.network.Network(m.layers.Conv2D(2), m.layers.Tanh(), shape=(None, 4, 1))
    refuses(ValueError, "layer 0, Conv2D(2, kernel=4", free.forward, draw(1, 1, 4, 1).astype("float32"))
    assert m.layers.Conv2D(2).output_shape((2, 2, 1)) == (1, 1, 2)
    assert m.layers.ConvTranspose2D(2, 3).output_shape((1, 1, 1)) == (1, 1, 2)
    assert m.layers.Conv2D(2, [4, 3], 1).kernel == (4, 3)
    assert m.layers.Conv2D(2, 3, 1, 1).output_shape((5, 6, 1)) == (5, 6, 2)
    wrong = m.layers.Conv2D(2, init=lambda rng, shape, *fans: rng.random(3))
    refuses(ValueError, "not (3,)", lambda: m.network.Network(wrong, shape=shape))


def unrolled(f, layer, x, state):
    """(y, the last state) of a recurrent layer, step by step; f(a, u, h, c) is one step."""
    H, y = layer.width, []
    h, c = state[:, :H], state[:, H:]
    for x_t in x.swapaxes(0, 1):
        h, c = f(x_t @ layer.W + layer.b, h @ layer.U, h, layer.c if layer.gates == 3 else c)
        y.append(h)
    return np.stack(y, 1), np.hstack((h, c)) if layer.parts == 2 else h


def recurrence_gives_its_formulas(m):
    def rnn(a, u, h, c):
        return np.tanh(a + u), None

    def gru(a, u, h, c):
        (r, z), n = (sigma(v) for v in np.split((a + u)[:, :6], 2, 1)), a[:, 6:] + c * 0
        n = np.tanh(n + r * (u[:, 6:] + c))
        return (1 - z) * n + z * h, c

    def lstm(a, u, h, c):
        i, f, o, g = np.split(a + u, 4, 1)
        c = sigma(f) * c + sigma(i) * np.tanh(g)
        return sigma(o) * np.tanh(c), c

    for kind, f, gates, parts in (
        (m.layers.RNN, rnn, 1, 1), (m.layers.GRU, gru, 3, 1), (m.layers.LSTM, lstm, 4, 2),
    ):  # fmt: skip
        layer = kind(3)
        network = m.network.Network(layer, seed=1, dtype="float64", shape=(None, 4))
        fresh = layer.b.copy()
        assert (fresh == ([0] * 3 + [1] * 3 + [0] * 6 if parts == 2 else 0)).all()
        assert layer.W.shape == (4, 3 * gates) and layer.U.shape == (3, 3 * gates)
        for block in np.split(layer.U, gates, 1):
            same(block.T @ block, np.eye(3))
        network.theta[...] += 0.3 * draw(network.theta.size, seed=2)
        for T in 1, 4:
            x, dy, start = draw(5, T, 4), draw(5, T, 3, seed=1), draw(5, 3 * parts, seed=3)

            same(network.forward(x), unrolled(f, layer, x, np.zeros_like(start))[0])
            y, end = unrolled(f, layer, x, start)
            same(layer.forward(x, state=start), y)
            same(layer.s[-1], end)
            layer.backward(dy)
            moved = [start + 1e-6 * (np.arange(start.size) == i).reshape(start.shape) for i in range(start.size)]
            back = [2 * start - to for to in moved]
            ends = ([(unrolled(f, layer, x, a)[0] * dy).sum() for a in side] for side in (moved, back))
            slopes = [(a - b) / 2e-6 for a, b in zip(*ends, strict=True)]
            same(layer.dstate.ravel(), slopes, 1e-8)
            passes(m.gradcheck.gradcheck(network, x))
        first, state = layer.step(x[:, 0])
        kept = first.copy(), state.copy()
        y, _ = layer.step(x[:, 1], state)
        same(first, kept[0], 0)
        same(state, kept[1], 0)
        same(y, unrolled(f, layer, x, np.zeros_like(start))[0][:, 1])
        assert network.output_shape((7, 4)) == (7, 3)
        assert str(network.multiplications((7, 4), (7, 3))) == str(7 * (4 + 3) * 3 * gates)
        wrong = kind(3, init=lambda rng, shape, *fans: rng.random(3))
        for words, call, *given in (
            ("the state must have shape", layer.forward, x, False, draw(5, 7)),
            ("takes 4 numbers at each step", layer.output_shape, (7, 5)),
            ("takes sequences", kind(3).output_shape, (7,)),
            ("takes sequences", kind(3).output_shape, (7, None)),
            ("cannot tell", kind(3).output_shape, None),
            ("the width must be", kind, 0),
            ("must be functions", kind, 2, 3),
            ("must be functions", kind, 2, m.layers.glorot, None),
            (
                "W, as drawn for one gate, must have shape (4, 3), not (3,)",
                m.network.Network,
                m.layers.Reshape(2, 4),
                wrong,
            ),
        ):
            refuses(ValueError, words, call, *given)
    seen = []
    m.network.Network(m.layers.GRU(3, init_u=lambda *given: seen.append(given[1:]) or np.eye(3)), shape=(2, 4))
    assert seen == [((3, 3), 3, 3)] * 3
    for shape in (5, 2), (2, 5), (3, 3):
        W = m.layers.orthogonal(np.random.default_rng(3), shape, *shape)
        Q, R = np.linalg.qr(np.random.default_rng(3).standard_normal((max(shape), min(shape))))
        same(W.T if shape == (2, 5) else W, Q * np.sign(np.diag(R)))
    x, dy = draw(1024, 2, 4, dtype="float32"), draw(1024, 2, 128, dtype="float32")
    for kind in m.layers.RNN, m.layers.GRU, m.layers.LSTM:
        network = m.network.Network(kind(128), shape=(2, 4))
        for n in 1024, 512:
            network.forward(x[:n])
            network.backward(dy[:n])
        assert peak(network, x, dy) < 300_000  # one array of a step has 524,288 bytes
    rest = [np.full(3, 7.0) for _ in range(7)]
    del rest  # what a new array of three numbers finds where nobody writes
    layer = m.layers.GRU(3)
    layer.x_shape = 2, 4
    assert not layer.initialize(np.random.default_rng(0))["c"].any()
    x, dy = draw(3, 4, 2), draw(3, 2, seed=1)
    network = m.network.Network(m.layers.Repeat(4), dtype="float64", shape=2)
    same(network.forward(dy), np.repeat(dy[:, None], 4, 1))
    same(network.backward(x), x.sum(1))
    assert network.n_out == (4, 2) and m.layers.Repeat(4).output_shape(None) is None
    refuses(ValueError, "takes rows", m.layers.Repeat(4).output_shape, (3, 2))
    rows, wide = draw(500, 20, seed=2), m.network.Network(m.layers.Repeat(8), dtype="float64", shape=20)
    wide.backward(wide.forward(rows))
    assert peak(wide, rows, draw(500, 8, 20)) < 40_000  # dx has 80,000 bytes
    x, dy = draw(3, 9, 2), draw(3, 9, 4, seed=1)
    network = m.network.Network(m.layers.Shared(), dtype="float64", shape=(None, 2))
    same(network.forward(x), np.concatenate((x, np.repeat(x.mean(1, keepdims=True) * 3, 9, 1)), 2))
    same(network.backward(dy), dy[..., :2] + dy[..., 2:].sum(1, keepdims=True) / 3)
    same(m.layers.Shared().forward(x[:, :1]), np.concatenate((x[:, :1], x[:, :1]), 2))
    assert network.n_out == (None, 4) and network.output_shape((7, 2)) == (7, 4)
    refuses(ValueError, "takes sequences", m.layers.Shared().output_shape, (3,))
    refuses(ValueError, "takes sequences", m.layers.Shared().output_shape, None)
    rows, wide = draw(600, 9, 20, seed=2), m.network.Network(m.layers.Shared(), dtype="float64", shape=(9, 20))
    wide.backward(wide.forward(rows))
    assert peak(wide, rows, draw(600, 9, 40)) < 80_000  # m has 96,000 bytes
    x, dy = draw(3, 4, 2), draw(3, 2, seed=1)
    for kind, share in (m.layers.LastStep, np.array([0, 0, 0, 1])), (m.layers.MeanOverTime, np.full(4, 0.25)):
        network = m.network.Network(kind(), dtype="float64", shape=(None, 2))
        same(network.forward(x), np.einsum("nti,t->ni", x, share))
        same(network.backward(dy), np.einsum("ni,t->nti", dy, share))
        assert network.n_out == 2 and kind().output_shape(None) is None
        refuses(ValueError, "takes sequences", kind().output_shape, (2,))


def bidirectional_reads_both_ways(m):
    x, dy = draw(3, 5, 2), draw(3, 5, 6, seed=1)
    for kind in m.layers.GRU, m.layers.LSTM:
        layer = m.layers.Bidirectional(kind(3))
        both = m.network.Network(layer, seed=1, dtype="float64", shape=(None, 2))
        for name in kind.params:
            assert not (a := getattr(layer, name)).any() or name == "b" or (a != getattr(layer, f"{name}_back")).any()
        both.theta[...] += 0.3 * draw(both.theta.size, seed=2)
        apart = [m.network.Network(kind(3), dtype="float64", shape=(None, 2)) for _ in range(2)]
        for network, theta in zip(apart, np.split(both.theta, 2), strict=True):
            network.theta[...] = theta
        y = apart[0].forward(x), apart[1].forward(x[:, ::-1])[:, ::-1]
        dx = apart[0].backward(dy[..., :3]) + apart[1].backward(dy[:, ::-1, 3:])[:, ::-1]
        same(both.forward(x), np.concatenate(y, 2), 0)
        same(both.backward(dy), dx)
        same(both.dtheta, np.concatenate([network.dtheta for network in apart]), 0)
        assert both.backward(dy, "params") is None
        assert both.n_out == (None, 6) and layer.output_shape((7, 2)) == (7, 6)
        counts = [str(network.multiplications((7, 2), network.output_shape((7, 2)))) for network in (both, apart[0])]
        assert int(counts[0]) == 2 * int(counts[1])
    refuses(ValueError, "belongs to a Network already", m.layers.Bidirectional, apart[0].layers[0])
    refuses(TypeError, "expected a Recurrent", m.layers.Bidirectional, m.layers.Dense(2, 3))
    x, dy = draw(512, 4, 4, dtype="float32"), draw(512, 4, 128, dtype="float32")
    network = m.network.Network(m.layers.Bidirectional(m.layers.RNN(64)), shape=(4, 4))
    network.forward(x)
    network.backward(dy)
    assert peak(network, x, dy) < 200_000  # y and dy have 1,048,576 bytes each


def embedding_is_the_product_with_one_hot_rows(m):
    V, H, x = 5, 3, np.array([[0.0, 2, 2], [4.2, 2, 0.6]])
    onehot = (np.rint(x)[..., None] == np.arange(V)).astype("float64")
    tokens = m.network.Network(m.layers.Embedding(V, H), dtype="float64", seed=3)
    rows = m.network.Network(m.layers.Embedding(V, H), dtype="float64", seed=3, shape=(None, V))
    W, dy = tokens.layers[0].W, draw(2, 3, H)
    same(W, np.random.Generator(np.random.PCG64((1, 3))).standard_normal((V, H)), 0)
    for network, given in (tokens, x), (rows, onehot):
        network.dtheta[...] = 7
        same(network.forward(given), np.einsum("ntv,vo->nto", onehot, W), 0)
        dx = network.backward(dy, "input")
        same(dx, np.zeros_like(x) if given is x else np.einsum("nto,vo->ntv", dy, W))
        same(network.dtheta, np.full(V * H, 7.0), 0)
        same(network.backward(dy), dx, 0)
        same(network.layers[0].dW, np.einsum("ntv,nto->vo", onehot, dy))
        network.dtheta[...] = 0
        assert network.backward(dy, "params") is None
        same(network.layers[0].dW, np.einsum("ntv,nto->vo", onehot, dy))
        assert network.n_out == (None, H) and network.forward(given[:, :1]).shape == (2, 1, H)
    rows.forward(onehot)
    dx = rows.backward(dy)
    dx[...] = 7
    rows.backward(dy, "params")
    same(dx, np.full(dx.shape, 7.0), 0)
    wrong = m.layers.Embedding(V, H, init=lambda rng, shape, *fans: rng.random(3))
    refuses(ValueError, "what init draws must have shape (5, 3)", m.network.Network, wrong)
    assert tokens.shape == (None,) and tokens.multiplications((3,), (3, H)) == 0
    assert rows.multiplications((3, V), (3, H)) == 3 * V * H
    passes(m.gradcheck.gradcheck(tokens, x))
    passes(m.gradcheck.gradcheck(tokens, x, method="complex"))
    passes(m.gradcheck.gradcheck(rows, draw(2, 3, V)))
    for wrong in [0, -0.6], [0, 4.6], [0, math.nan]:
        refuses(ValueError, "tokens must lie in 0 ... 4", tokens.forward, np.array([wrong]))
    same(tokens.forward(np.array([[-0.4, 4.4]])), W[None, [0, 4]], 0)
    for wrong in (2, 4), (2, 5, 1):
        refuses(ValueError, "or rows, shape (steps, 5), but gets", m.layers.Embedding(V, H).output_shape, wrong)
    for shape, x in (None, np.ones((64, 64), "float32")), ((64, 5), np.ones((64, 64, 5), "float32")):
        network, dy = m.network.Network(m.layers.Embedding(V, 64), shape=shape), draw(64, 64, 64, dtype="float32")
        network.forward(x)
        network.backward(dy)
        assert peak(network, x, dy) < 200_000 + (shape is None) * 1_048_576  # the bytes of y, and of dy


def tokens_have_their_likelihood(m):
    V, a, x = 5, draw(30, 3, 5), np.random.default_rng(1).integers(0, 5, (30, 3)).astype("float64")
    onehot, p = x[..., None] == np.arange(V), np.exp(a) / np.exp(a).sum(axis=2, keepdims=True)
    for w in None, draw(30, 3, seed=2):
        kept, weights = a.copy(), np.ones((30, 3)) if w is None else w
        L, da = m.tokens.likelihood(a, x, w)
        same(L, -(weights * np.log(p[onehot]).reshape(30, 3)).mean())
        same(da, weights[..., None] * (p - onehot) / 90)
        same(a, kept, 0)
        again = m.tokens.likelihood(kept, x, w, out=kept)
        same(again[0], L, 0)
        same(kept, da, 0)
    far = m.tokens.likelihood(np.array([[[1e4, 0.0]], [[0, 0]]], "float32"), [[1.0], [0]], [[1.0], [2]])
    same(far[1], [[[0.5, -0.5]], [[-0.5, 0.5]]], 0)
    same(far[0], (1e4 + 2 * np.log(2)) / 2, 1e-6)
    assert far[0].dtype == far[1].dtype == "float32"
    same(m.tokens.before(np.array([[3.0, 1, 2], [4, 4, 0]])), [[0, 3, 1], [0, 4, 4]], 0)
    refuses(ValueError, "tokens must lie in 0 ... 4", m.tokens.likelihood, a, x + 5)
    refuses(TypeError, "likelihood: logits", m.tokens.likelihood, x[..., None].astype(int), x)
    refuses(ValueError, "expected logits (N, T, V)", m.tokens.likelihood, a, x[:, :2])


def tokens_are_drawn_by_chance(m):
    rng, a = np.random.default_rng, np.array([[0.0, 1, -1, -40], [2, 0, 0, 0]])
    for temperature in 1.0, 0.5:
        p = np.exp(a / temperature) / np.exp(a / temperature).sum(axis=1, keepdims=True)
        rows = np.repeat(np.add(a, [[700], [-700]]), 2000, axis=0)
        found = m.tokens.by_chance(rng(0), temperature)(rows, 0)
        u = rng(0).random((4000, 1)).reshape(2, 2000)
        expected = [np.searchsorted(row.cumsum(), each) for row, each in zip(p, u, strict=True)]
        assert (found == np.concatenate(expected)).mean() > 0.999
    last = m.tokens.by_chance(SimpleNamespace(random=lambda shape, dtype: np.ones(shape)))(a, 0)
    same(last, [3, 3], 0)
    G = m.network.Network(
        m.layers.Embedding(4, 3), m.layers.LSTM(3), m.layers.GRU(2), m.layers.Dense(2, 4), dtype="float64"
    )
    seen = []
    np.full((5, 7), 3.0)  # what memory holds that is not set to 0
    x = m.tokens.draw(G, 5, 6, lambda a, t: seen.append(a.copy()) or (np.arange(5) ** 2 + t**3) % 4)
    same(x, (np.arange(5)[:, None] ** 2 + np.arange(6) ** 3) % 4, 0)
    same(G.forward(m.tokens.before(x)), np.stack(seen, axis=1))
    assert m.tokens.draw(G.astype("float32"), 2, 2, lambda a, t: a[:, 0] * 0).dtype == "float32"
    refuses(RuntimeError, "forward(x) first", m.tokens.draw(G, 2, 2, lambda a, t: a[:, 0] * 0) is None or G.backward, a)
    found = m.tokens.drawn(G, 600, 6, rng(0))
    assert found.shape == (600, 6) and (found[:250] != found[250:500]).any()
    same(found[:250], m.tokens.draw(G, 250, 6, m.tokens.by_chance(rng(0))), 0)


def tokens_are_praised_and_softened(m):
    a = draw(7, 4)
    for discount in 0.0, 0.5, 1.0:
        r = np.diff(a, axis=1, prepend=0)
        A = np.stack([sum(discount ** (s - t) * r[:, s] for s in range(t, 4)) for t in range(4)], axis=1)
        same(m.tokens.advantages(a, discount), A - A.mean(axis=0))
    same(m.tokens.advantages(a), m.tokens.advantages(a, 1.0), 0)
    u = np.random.default_rng(0).random((5, 4))
    same(m.tokens.gumbel(np.random.default_rng(0), (5, 4), "float64"), -np.log(-np.log(u)))
    least = m.tokens.gumbel(SimpleNamespace(random=lambda shape, dtype: np.zeros(shape, dtype)), (1,), "float32")
    same(least, [-np.log(-np.log(np.finfo("float32").tiny))], 1e-5)
    c = draw(2, 3, 4, seed=1)
    for tau in 0.5, 2.0:
        x = draw(2, 3, 4)
        y = m.tokens.relaxed(np.add(x, [[[2000]], [[-2000]]]), tau)
        same(y, np.exp(x / tau) / np.exp(x / tau).sum(axis=2, keepdims=True), 1e-9)

        def loss(x, tau=tau):
            y = m.tokens.relaxed(x, tau)
            return (c * y**2).sum(), m.tokens.relaxed_backward(2 * c * y, y, tau)

        passes(m.gradcheck.check_loss(loss, draw(2, 3, 4)))
    dy, y = np.ones((2, 3)), np.full((2, 3), 1 / 3)
    m.tokens.relaxed_backward(dy, y, 1.0)
    same(dy, np.ones((2, 3)), 0)


def clipping_shortens_what_is_too_long(m):
    network = m.network.Network(m.layers.Dense(2, 1))
    clip = m.optimizers.ClipNorm(2.0)
    for g, factor in ([3, 0, 4], 0.4), ([0.6, 0.8, 1], 1), ([3e25, 0, -4e25], 0.4e-25), ([6e-30, 0, 1e-30], 1):
        network.dtheta[...] = g
        clip(network)
        same(network.dtheta, np.multiply(g, factor), 1e-6)
        assert network.dtheta.any()
    network.dtheta[...] = 0
    clip(network)
    same(network.dtheta, np.zeros(3), 0)


def resampling_goes_by_squares(m):
    x = draw(2, 6, 3, 2)
    for layer, expected in (
        (m.layers.AveragePool(3), x.reshape(2, 2, 3, 1, 3, 2).mean((2, 4))),
        (m.layers.Upsample(3), x.repeat(3, 1).repeat(3, 2)),
    ):
        network = m.network.Network(layer, dtype="float64", shape=(6, 3, 2))
        same(network.forward(x), expected)
        assert network.n_out == expected.shape[1:] and layer.output_shape(None) is None
        passes(m.gradcheck.gradcheck(network, x))
    assert m.layers.AveragePool().output_shape((None, 4, 1)) == (None, 2, 1) and m.layers.Upsample().size == 2


def images_are_normalized_by_channels(m):
    images, dy = draw(3, 2, 4, 5), draw(3, 2, 4, 5, seed=1)
    for kind in m.layers.BatchNorm, m.layers.LayerNorm:
        network = m.network.Network(kind(5), dtype="float64", shape=(2, 4, 5))
        rows = m.network.Network(kind(5), dtype="float64")
        same(network.forward(images, True).reshape(-1, 5), rows.forward(images.reshape(-1, 5), True))
        same(network.backward(dy), rows.backward(dy.reshape(-1, 5)).reshape(dy.shape))
        same(network.dtheta, rows.dtheta)
        assert network.n_out == (2, 4, 5)
    assert kind(5).output_shape(None) == (5,)
    m.network.Network(m.layers.BatchNorm(5), shape=(2, 4, 5)).forward(images[:1].astype("float32"), True)


def spectral_convolution_divides_by_the_largest_singular_value(m):
    layer, plain = m.layers.SpectralConv2D(3, 2), m.layers.Conv2D(3, 2)
    network = m.network.Network(layer, seed=1, dtype="float64", shape=(3, 4, 2))
    bare = m.network.Network(plain, seed=1, dtype="float64", shape=(3, 4, 2))
    x = draw(2, 3, 4, 2)
    bare.theta[...] = network.theta
    plain.W /= np.linalg.svd(layer.W.reshape(8, 3))[1][0]
    same(network.forward(x), bare.forward(x))
    network.theta[...] += 0.1 * draw(network.theta.size)
    u = layer.u.copy()
    network.forward(x, training=True)
    assert not np.allclose(layer.u, u)
    passes(m.gradcheck.gradcheck(network, x))


def conditions_are_joined_and_projected(m):
    y = np.array([2, 0, 2, 1, 0])
    hot = np.eye(3)[y]
    for shape in (4,), (2, 4), (2, 3, 1):
        network = m.network.Network(m.layers.Condition(3), dtype="float64", shape=shape)
        x, dy = draw(5, *shape), draw(5, *shape[:-1], shape[-1] + 3, seed=1)
        columns = np.broadcast_to(hot.reshape(5, *[1] * (len(shape) - 1), 3), (*dy.shape[:-1], 3))
        same(network.forward(x, False, y), np.concatenate((x, columns), -1), 0)
        same(network.backward(dy), dy[..., : shape[-1]], 0)
        assert network.classes == 3 and network.output_shape(shape) == dy.shape[1:]
        refuses(ValueError, "needs labels", network.forward, x)
        same(network(x, list(y))[..., shape[-1] :], columns, 0)
        given = y.copy()
        network.give(given, hold=True)
        given[...] = 0
        kept = network.forward(x), network.backward(dy)
        assert all(
            np.shares_memory(*pair) for pair in zip(kept, (network.forward(x), network.backward(dy)), strict=True)
        )
        same(network.forward(x, False, y[::-1])[..., shape[-1] :], columns[::-1], 0)
        same(network.forward(x)[..., shape[-1] :], columns, 0)
        refuses(ValueError, "5 labels for 4 samples", network.forward, x[:4])
        assert network.layers[0].give and m.layers.Dense(2, 2).give is None
    many = np.arange(3072) % 3
    held = m.network.Network(m.layers.Condition(3), shape=(1,))
    held.give(many[:1024], hold=True)
    refuses(ValueError, "1024 labels for 3072 samples", held, np.zeros((3072, 1)))
    held.give(many, hold=True)
    same(held(np.zeros((3072, 1)))[:, 1:], np.eye(3)[many], 0)
    own = m.layers.Tanh()
    own.classes = 5  # a name that a layer may use as it likes
    assert m.network.Network(own).classes is None
    packed = m.layers.Pack(2, 4), m.layers.Projection(3)
    refuses(ValueError, "is behind a Pack", m.network.Network, *packed)
    rows = []

    class Watched(m.layers.Tanh):
        def forward(self, x, training=False):
            rows.append(len(x))
            return x

    labeled = m.network.Network(m.layers.Condition(3), Watched(), shape=1)
    same(labeled(np.zeros((3072, 1)), many)[:, 1:], np.eye(3)[many], 0)
    m.network.Network(Watched())(np.zeros((3072, 1)))
    assert rows == [1024] * 6
    refuses(ValueError, "each sample, must have shape (3072,)", labeled, np.zeros((3072, 1)), many[1:])
    layer, x, da = m.layers.Projection(3), draw(5, 4), draw(5, 1, seed=1)
    network = m.network.Network(m.layers.Dense(4, 4), layer, seed=1, dtype="float64")
    layer.b[...] = 0.7
    h = x @ network.layers[0].W + network.layers[0].b
    same(network.forward(x, True, y), h @ layer.W + (h * layer.V[y]).sum(1, keepdims=True) + 0.7)
    same(layer.backward(da), da * (layer.W.T + layer.V[y]))
    same(layer.dW, h.T @ da)
    same(layer.dV, sum(np.outer(np.eye(3)[y[n]], da[n] * h[n]) for n in range(5)))
    same(layer.db, da.sum(0))
    network.backward(da)
    kept = network.dtheta.copy()
    network.dtheta[...] = 7
    network.backward(da, "input")
    assert (network.dtheta == 7).all() and layer.backward(da, "params") is None
    network.backward(da, "params")
    same(network.dtheta, kept)
    alone = m.network.Network(m.layers.Projection(3), shape=(256,))
    many, dy, labels = draw(512, 256, dtype="float32"), draw(512, 1, dtype="float32"), np.arange(512) % 3
    alone.give(labels, hold=True)
    first, dx = alone.forward(many), alone.backward(dy)
    assert np.shares_memory(alone.forward(many), first) and peak(alone, many, dy) < many.nbytes / 2
    assert np.shares_memory(alone.backward(dy), dx) and not np.shares_memory(alone.forward(many), dx)
    del first
    for shape in (2,), (2, 3, 1):
        between = m.network.Network(m.layers.Tanh(), m.layers.Condition(3), m.layers.Tanh(), shape=shape)
        passes(m.gradcheck.second_order.check_second_order(between, draw(5, *shape), y=y))
    between.forward(draw(5, 2, 3, 1, dtype="float32"), False, y)
    assert m.objectives.jvp(between, draw(5, 2, 3, 1, dtype="float32")).dtype == "float32"
    for inner in layer, m.layers.Condition(3):
        tangents = m.network.Network(m.layers.Tanh(), inner if inner is not layer else m.layers.Projection(3), shape=4)
        passes(m.gradcheck.second_order.check_second_order(tangents, x, y=y))
    seen = []
    drawn = m.layers.Projection(3, init=lambda rng, shape, *fans: seen.append((shape, *fans)) or np.zeros(shape))
    assert m.network.Network(drawn, shape=(4,)).n_out == 1 and not drawn.b.any()
    rest = [np.full(1, 7.0) for _ in range(7)]
    del rest  # what an array of one number finds where nobody writes
    assert drawn.initialize(None)["b"] == 0
    wrong = m.layers.Projection(3, init=lambda rng, shape, *fans: np.zeros((3, 4)))
    refuses(ValueError, "W must have shape (4, 1), not (3, 4)", m.network.Network, m.layers.Dense(2, 4), wrong)
    del seen[2:]
    assert seen == [((4, 1), 4, 1), ((3, 4), 4, 1)] and m.layers.Projection(3).init is m.layers.glorot
    for shape in (2, 4), (None,):
        refuses(ValueError, "takes rows", m.layers.Projection(3).output_shape, shape)
    refuses(ValueError, "takes width 4", drawn.output_shape, (5,))
    refuses(ValueError, "last size", m.layers.Condition(3).output_shape, (2, None))
    for kind in m.layers.Projection, m.layers.Condition:
        refuses(ValueError, "cannot tell", kind(3).output_shape, None)
        refuses(ValueError, "the number of classes", kind, 0)
        for wrong, words in (
            ([0, 3], "a 3"),
            ([-1, 0], "a -1"),
            ([0.0, 1], "float64"),
            ([[0, 1]], "one for"),
            ([], "of"),
        ):
            refuses(ValueError, words, kind(3).give, wrong)
        kind(3).give([0, 2])
    refuses(ValueError, "takes no labels", m.network.Network(m.layers.Dense(4, 1), dtype="float64").forward, x, True, y)


def gan_hands_each_sample_its_label(m):
    def game(*last, objective=None, **options):
        G = m.network.Network(m.layers.Condition(3), m.layers.Dense(5, 4), m.layers.Tanh(), seed=1, shape=2)
        D = m.network.Network(*last, seed=2, shape=4)
        return m.gan.GAN(G, D, objective or m.objectives.NonSaturating(), **options)

    def joined():
        return m.layers.Condition(3), m.layers.Dense(7, 5), m.layers.Tanh(), m.layers.Dense(5, 1)

    y, x, z = np.array([2, 0, 2, 1, 0, 1]), draw(N, 4), draw(N, 2, seed=5)
    projected = m.layers.Dense(4, 5), m.layers.Tanh(), m.layers.Projection(3)
    packed = m.layers.Condition(3), m.layers.Pack(2), m.layers.Dense(14, 1)
    relativistic, penalty = m.objectives.RelativisticAverage(), m.objectives.R2(2.0)
    for gan in game(*joined(), penalty=penalty), game(*projected, objective=relativistic), game(*packed):
        passes(m.gradcheck.game.check_game(gan, x, z, y), 1e-6)
    gan, given, x = game(*joined()), [], x.astype("float32")
    for condition in gan.generator.layers[0], gan.discriminator.layers[0]:
        vars(condition)["give"] = lambda y, hold, give=condition.give: (
            give(y, hold) if y is None else (given.append(list(y)) or give(y, hold))
        )
    gan.step(x, y)
    assert given == [list(y), [*y, *y], list(y), list(y)], given
    given.clear()
    gan.k = 2
    gan.step(x, y)
    first, second = list(y[:3]), list(y[3:])
    assert given == [first, first * 2, second, second * 2, second, second], given
    labels = [0, 1, 2]
    same(gan.sample(3, labels), gan.generator(gan.latent_points(3, 1, 1), labels), 0)
    for call in (lambda: gan.sample(3)), (lambda: gan.step(x)):
        refuses(ValueError, "needs labels", call)
    refuses(ValueError, "labels y, one for each sample, must have shape (6,), not (3,)", gan.step, x, labels)
    unconditional = m.network.Network(m.layers.Dense(4, 1))
    refuses(ValueError, "the discriminator no labels", m.gan.GAN, game(*joined()).generator, unconditional)


def gan_asks_for_what_is_needed(m):
    G = m.network.Network(m.layers.Dense(2, 2), spy(m, 2, 2), dtype="float64")
    D = m.network.Network(spy(m, 2, 1), m.layers.Dense(1, 1), dtype="float64")
    first = spy(m, 2, 2)
    G.layers = (first, *G.layers)
    gan = m.gan.GAN(G, D)

    def asked():
        return first.training, first.wrt, G.layers[-1].training, D.layers[0].training, D.layers[0].wrt

    first.wrt = None
    gan.discriminator_step(draw(3, 2))
    assert asked() == (True, None, True, True, "params")
    first.training = G.layers[-1].training = D.layers[0].training = None
    gan.generator_step(3)
    assert asked() == (True, "params", True, True, "input")
    D.theta[...] = 0
    assert gan.step(draw(3, 2)).accuracy == 0


def gan_draws_as_stated(m):
    one, two = (game(m, m.objectives.NonSaturating(), dtype="float32") for _ in range(2))
    first, second = one.noise(200), one.noise(200)
    assert first.shape == (200, 3) and first.dtype == "float32" and not np.allclose(first, second)
    assert abs(second.mean()) < 0.2 and abs(second.std() - 1) < 0.1
    sampled = two.sample(5)
    assert sampled.shape == (5, 4) and not np.allclose(two.sample(5), sampled)
    same(two.noise(200), first, 0)
    same(two.noise(200), second, 0)
    same(one.fixed_noise(4), two.fixed_noise(4), 0)
    same(one.fixed_noise(4), one.fixed_noise(4), 0)
    assert not np.allclose(one.fixed_noise(200), first) and one.fixed_noise(4).shape == (4, 3)
    assert not np.allclose(game(m, m.objectives.NonSaturating(), "float32", seed=1).noise(200), first)
    third = game(m, m.objectives.NonSaturating(), dtype="float32")
    same(third.sample(5), sampled, 0)
    z = third.noise(5, 1)
    assert not np.allclose(third.generator(z), sampled) and not np.allclose(third.noise(200)[:5], z)
    same(m.gan.GAN(third.generator, third.discriminator).seed, 0)
    assert third.latent == 3 and third.draws == [1, 2]
    keys = [third.latent_points(3, *key).tobytes() for key in ((0, 0), (0, 1), (1, 0), (1, 1), (2, 0))]
    assert len(set(keys)) == 5
    for key in (0, 3), (1, 2), (2, 0):
        drawn = m.backend.host_generator(SEED, *key).standard_normal((4, 3), dtype="float32")
        same(third.latent_points(4, *key), drawn, 0)
    same(third.fixed_noise(4), third.latent_points(4, 2, 0), 0)
    same(third.noise(4, 1), third.latent_points(4, 1, 3), 0)


def gan_holds_what_it_was_given(m):
    gan = game(m, m.objectives.Minimax())
    assert type(gan.generator_optimizer) is type(gan.discriminator_optimizer) is m.optimizers.Adam
    assert gan.generator_optimizer.network is gan.generator and gan.discriminator_optimizer.network is gan.discriminator
    assert gan.generator.n_in == 3 and gan.seed == SEED and type(gan.objective) is m.objectives.Minimax
    held = {"objective": gan.objective, "k": 1, "noise": "normal", "penalty": None, "seed": SEED}
    assert gan.settings == held and gan.settings["objective"] is gan.objective
    slow, fast = m.optimizers.SGD(gan.generator, 0.1), m.optimizers.SGD(gan.discriminator, 0.2)
    given = m.gan.GAN(gan.generator, gan.discriminator, generator_optimizer=slow, discriminator_optimizer=fast)
    assert given.generator_optimizer is slow and given.discriminator_optimizer is fast
    assert type(given.objective) is m.objectives.NonSaturating
    single = game(m, m.objectives.NonSaturating(), dtype="float32")
    found = single.step(draw(N, 4, dtype="float32"))
    assert {part.dtype for part in found} == {np.dtype("float32")}


def what_does_not_fit_is_refused_before_anything_moves(m):
    x, network = draw(N, 4), m.network.Network(m.layers.Dense(4, 1), dtype="float64")
    gan = game(m, m.objectives.RelativisticAverage())
    G, D, other = gan.generator, gan.discriminator, m.network.Network(m.layers.Dense(3, 1), dtype="float64")
    flat = m.layers.Dense(2, 3, init=lambda rng, shape, *fans: rng.random(6))
    for error, words, call, *given in (
        (TypeError, "layer 0 is", m.network.Network, m.layers.Tanh),
        (ValueError, "the stride must be ", m.layers.Conv2D, 2, 4, (1, 2, 3)),
        (ValueError, "takes shape (2, 3), but gets shape (None, 3)", m.layers.Flatten(2, 3).output_shape, (None, 3)),
        (ValueError, "takes width 4, but gets width 3", m.layers.Flatten(4).output_shape, (3,)),
        (ValueError, "cannot tell what -1 stands for", m.layers.Reshape(-1, 2).output_shape, None),
        (ValueError, "must have shape (2, 3), not (6,)", m.network.Network, flat),
        (ValueError, "x has shape", network.forward, x[:, :1]),
        (ValueError, "with N at least 1", network, x[:0]),
        (ValueError, "takes (N, width)", m.network.Network(m.layers.Tanh(), dtype="float64").forward, x[:0]),
        (ValueError, "bce_with_logits: logits have shape (6, 4)", m.losses.bce_with_logits, x, x[0]),
        (ValueError, "bce: probabilities have shape (6, 4)", m.losses.bce, x, x[0]),
        (TypeError, "softmax_cross_entropy: logits: expected an", m.losses.softmax_cross_entropy, [[1.0]], x),
        (ValueError, "x has shape", gan.discriminator_step, x[:, :1]),
        (ValueError, "x has shape ()", gan.step, np.array(1.0)),
        (ValueError, "none were given", gan.generator_step, N),
        (ValueError, "5 were given", gan.generator_step, N, x[:5]),
        (ValueError, "x has shape (6, 3)", gan.generator_step, N, x[:, :3]),
        (ValueError, "the generator gives 4 values, but the discriminator takes 3", m.gan.GAN, G, other),
        (TypeError, "objective=6: expected an Objective", m.gan.GAN, G, D, 6),
        (TypeError, "penalty=6: expected a Penalty", lambda: m.gan.GAN(G, D, penalty=6)),
        (ValueError, "FeatureMatching(9) compares", m.gan.GAN, G, D, m.objectives.FeatureMatching(9)),
    ):
        refuses(error, words, call, *given)
    assert gan.draws == [0, 0]


def batches_are_all_here_unless_they_are_shared(m):
    class Doubled(m.batch.Batch):
        def count(self, n):
            return 2 * n

    batch = m.batch.batch
    assert batch.found("words") == "words" and batch.found(None) is None
    same(batch.means(np.array([[1.0, 2.0], [3.0, 6.0]])), np.array([[2.0, 4.0]]))
    for failing in False, True:
        try:
            with m.batch.sharing(Doubled()):
                assert batch.count(3) == 6
                assert not failing
        except AssertionError:
            assert failing
        assert batch.count(3) == 3


def gan_says_where_two_batches_are_stacked(m):
    stacked = []

    class Asked(m.batch.Batch):
        def stacked(self, parts):
            stacked.append(parts)
            return super().stacked(parts)

    for objective in m.objectives.NonSaturating(), m.objectives.RelativisticAverage():
        G, D = (m.network.Network(m.layers.Dense(n, o), seed=n) for n, o in ((2, 3), (3, 1)))
        with m.batch.sharing(Asked()):
            m.gan.GAN(G, D, objective).step(draw(4, 3, dtype="float32"))
    assert stacked == [2, 2, 2]


CHECKS = [
    check
    for name, check in vars().items()
    if inspect.isfunction(check) and name[0] != "_" and "(m)" in str(inspect.signature(check))
]
