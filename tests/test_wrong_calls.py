"""Random wrong types, shapes and values for what a user calls: a failure is in minigan's words, no success is NaN.

CALLS is a table: a name, the callable, and a strategy for each of its arguments. A room joins by a line of its own. A
call may succeed, and what it makes is then used. If it fails, then with a ValueError or TypeError that a `raise` of
minigan's own source gave its words: the traceback ends there, and not inside NumPy or in an operator.
"""

import linecache
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import minigan
from minigan import (
    GAN,
    R1,
    SGD,
    Adam,
    BatchNorm,
    Dense,
    Dropout,
    ExponentialMovingAverage,
    FeatureMatching,
    Flatten,
    Hinge,
    InstanceNoise,
    LayerNorm,
    LeakyReLU,
    LeastSquares,
    Maxout,
    Minimax,
    Network,
    NonSaturating,
    Objective,
    Pack,
    RelativisticAverage,
    Reshape,
    Sigmoid,
    SpectralNorm,
    Tanh,
    Wasserstein,
    value,
)  # fmt: skip
from minigan.layers import Layer, Normal, Uniform
from minigan.objectives import R2, GradientPenalty, OneSidedGradientPenalty
from minigan.optimizers import Cosine, Exponential, Linear, Optimizer

OURS = Path(minigan.__file__).parent

numbers = st.one_of(
    st.integers(-3, 12),
    st.floats(-2, 12, allow_nan=False),
    st.sampled_from([math.nan, math.inf, -math.inf, 1e300, np.float32(0.5), np.int64(3), np.float64("nan"), True]),
)
shapes = st.one_of(st.lists(st.integers(-1, 5), max_size=3).map(tuple), st.tuples(st.none(), st.integers(1, 4)))
arrays = st.builds(
    lambda shape, dtype, fill: np.full([abs(n) for n in shape if n is not None], fill).astype(dtype),
    shapes,
    st.sampled_from(["float32", "float64", "int64", "bool", "U3", "object"]),
    st.sampled_from([0, 1]),
)
oddities = st.one_of(
    st.none(), st.text(max_size=3), st.just(2j), st.just([[1], [2, 3]]), st.just({}), st.just(object), st.just(Tanh),
    st.just(len), arrays, shapes,
)  # fmt: skip
anything = numbers | oddities


def mostly(*right):
    """One of these, or else a number or an oddity: what is wrong with one argument shows where the others are right."""
    return st.sampled_from(right) | anything


def made(*makes):
    """What one of these functions makes, anew for each example, or else an oddity."""
    return st.sampled_from(makes).map(lambda make: make()) | oddities


layers = made(
    lambda: Dense(3, 4), lambda: Dense(4, 1), lambda: BatchNorm(4), lambda: Dropout(0.5), lambda: Reshape(2, -1),
    lambda: Maxout(4, 2), lambda: Network(Dense(4, 4)), lambda: SpectralNorm(3, 1), Flatten, LeakyReLU, Tanh, Sigmoid,
    lambda: Pack(2), lambda: Pack(1, 4),
)  # fmt: skip
networks = made(
    lambda: Network(Dense(3, 4), Tanh()), lambda: Network(Dense(4, 1)), lambda: Network(Dense(4, 5), Sigmoid()),
    lambda: Network(Dense(4, 1), Sigmoid()), lambda: Network(Pack(2, 4), Dense(8, 1)), lambda: Network(Tanh()),
    lambda: Network(Dense(4, 1), dtype="float64"), lambda: Network(Dense(3, 4), shape=(None, 3)),
)  # fmt: skip
schedules = st.sampled_from([Linear(0.1, 0.2, 5), Exponential(0.5, 0.9), Cosine(0.3, 0.0, 4)])
objectives = made(Minimax, NonSaturating, lambda: NonSaturating("probability"), Hinge, RelativisticAverage,
                  lambda: FeatureMatching(0), lambda: FeatureMatching(3))  # fmt: skip
rates = anything.filter(lambda a: not callable(a)) | schedules  # what a function of one's own raises is its own
output = mostly("logit", "probability")

CALLS = {
    "Dense": (Dense, mostly(2, 3), mostly(2, 3), made(lambda: minigan.layers.he, lambda: Normal(0.1)), anything),
    "SpectralNorm": (SpectralNorm, mostly(2, 3), mostly(2, 3)),
    "Maxout": (Maxout, mostly(4, 6), mostly(2)),
    "BatchNorm": (BatchNorm, mostly(3), anything),
    "LayerNorm": (LayerNorm, mostly(3)),
    "LeakyReLU": (LeakyReLU, anything),
    "Dropout": (Dropout, anything),
    "InstanceNoise": (InstanceNoise, numbers | schedules | arrays | st.none() | st.text(max_size=3)),
    "Reshape": (Reshape, anything, mostly(2, -1)),
    "Reshape of one": (Reshape, anything),
    "Flatten": (Flatten, anything),
    "Pack": (Pack, mostly(2), anything),
    "Uniform": (Uniform, anything),
    "Normal": (Normal, anything),
    "Network": (lambda a, b, seed, dtype, shape: Network(a, b, seed=seed, dtype=dtype, shape=shape),
                layers, layers, mostly(0), mostly("float32", "float64"), shapes | mostly(3, 4, None)),
    "network(x)": (lambda n, x: n(x) if isinstance(n, Network) else None, networks, anything),
    "network.forward": (lambda n, x: n.forward(x) if isinstance(n, Network) else None, networks, anything),
    "network.backward": (lambda x, dy, wrt, layer: backward(x, dy, wrt, layer),
                         st.just(np.ones((2, 3), "float32")), mostly(np.ones((2, 4), "float32")),
                         st.sampled_from(["params", "input", "both", "all", None, 3]), st.integers(-4, 4) | st.none()),
    "layer.W =": (lambda W: setattr(Network(Dense(2, 2)).layers[0], "W", W), mostly(np.eye(2), [[1, 2], [3, 4]])),
    "network.astype": (lambda dtype: Network(Dense(2, 1)).astype(dtype), mostly("float32", "float64")),
    "network.set_states": (lambda mean: Network(BatchNorm(2)).set_states({"0.mean": mean}), mostly([1.0, 2.0])),
    "SGD": (lambda n, lr, momentum: stepped(SGD(n, lr, momentum)), networks, rates, rates),
    "Adam": (lambda n, *rest: stepped(Adam(n, *rest)), networks, rates, rates, anything, mostly(1e-8)),
    "ExponentialMovingAverage": (ExponentialMovingAverage, networks, mostly(0.9)),
    "Linear": (Linear, anything, anything, mostly(5)),
    "Cosine": (Cosine, anything, anything, mostly(5)),
    "Exponential": (Exponential, anything, mostly(0.5), anything),
    "Minimax": (Minimax, output, mostly(0.9)),
    "NonSaturating": (NonSaturating, output, mostly(0.9)),
    "LeastSquares": (LeastSquares, output),
    "Hinge": (Hinge, output),
    "RelativisticAverage": (RelativisticAverage, output),
    "Wasserstein": (Wasserstein, anything),
    "FeatureMatching": (FeatureMatching, anything),
    "value": (value, mostly(np.zeros((2, 1))), mostly(np.zeros((3, 1), "float32")), output),
    **{kind.__name__: (kind, anything) for kind in (R1, R2, GradientPenalty, OneSidedGradientPenalty)},
    "GAN": (lambda G, D, objective, seed, k, noise, penalty, average: played(
                GAN(G, D, objective, seed, k=k, noise=noise, penalty=penalty, average=average)),
            networks, networks, objectives, mostly(0), mostly(1, 2), mostly("normal", "uniform"),
            st.none() | made(lambda: R1(1.0)), st.none() | oddities),
    "gan.step": (lambda x, k: game(k).step(x), mostly(np.ones((4, 4), "float32"), np.ones((5, 4), "float32")),
                 st.sampled_from([1, 2, 3])),
    "gan.generator_step": (lambda n, real: game(1, RelativisticAverage()).generator_step(n, real), mostly(2, 3),
                           mostly(np.ones((2, 4), "float32"))),
    "gan.sample": (lambda n: game(1).sample(n), anything),
}  # fmt: skip


def backward(x, dy, wrt, layer):
    network = Network(Dense(3, 4), Tanh())
    network.forward(x)
    return network.backward(dy, wrt, layer=layer)


def game(k, objective=NonSaturating()):
    return GAN(Network(Dense(3, 4)), Network(Pack(2, 4), Dense(8, 1)), objective, k=k)


def played(gan):
    """After a round of two samples for each step."""
    return gan.step(np.ones((2 * gan.k, *gan.discriminator.shape), gan.discriminator.dtype))


def stepped(optimizer):
    optimizer.network.dtheta[:] = 1
    optimizer.step()
    return optimizer.network.theta


def results(thing):
    """Every number that a call gave; what it made is used first."""
    if isinstance(thing, Layer) and not isinstance(thing, Network):
        try:
            thing = Network(thing, shape=thing.n_in or (2, 3))
        except ValueError:  # it fits no such samples, and says so
            return []
    if isinstance(thing, Network) and thing.shape is not None:
        thing = thing(np.ones((2 * thing.rows, *(size or 2 for size in thing.shape))))
    if isinstance(thing, Uniform | Normal):
        thing = thing(np.random.default_rng(0), (3, 2), 3, 2)
    if isinstance(thing, Linear | Exponential):
        thing = [thing(t) for t in (0, 1, 10**6)]
    if isinstance(thing, Objective):
        a = np.full((3, 1), 0.5)
        both = (a, a) if thing.sees_real else (a,)
        thing = [*thing.discriminator(a, a), *thing.generator(*both)]
    return [np.asarray(a) for a in (thing if isinstance(thing, list | tuple) else [thing]) if hasattr(a, "dtype")]


def own_words(error):
    """Whether the traceback ends at a `raise` of minigan's own source."""
    last = error.__traceback__
    while last.tb_next:
        last = last.tb_next
    line = linecache.getline(last.tb_frame.f_code.co_filename, last.tb_lineno)
    start = last.tb_lineno
    while not line.lstrip().startswith("raise") and start > max(1, last.tb_lineno - 4):  # a call over several lines
        start -= 1
        line = linecache.getline(last.tb_frame.f_code.co_filename, start)
    return OURS in Path(last.tb_frame.f_code.co_filename).parents and line.lstrip().startswith("raise")


def check(call, arguments):
    try:
        found = results(call(*arguments))
    except (ValueError, TypeError) as error:
        assert own_words(error) and len(str(error).split()) > 2, f"not in minigan's words: {error!r}"
        return
    for a in found:
        assert not (a.dtype.kind == "f" and np.isnan(a).any()), f"NaN from {arguments}"


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # numbers as large as 1e300 may overflow, to an infinity
@pytest.mark.parametrize("name", CALLS)
def test_a_wrong_call_is_refused_in_words_and_no_right_one_gives_nan(name):
    call, *strategies = CALLS[name]

    @settings(max_examples=12, deadline=None, database=None, derandomize=True,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(st.tuples(*strategies))
    def run(arguments):
        check(call, arguments)

    run()


@pytest.mark.parametrize("call", [lambda: np.ones(3) @ np.ones(2), lambda: "a" + 1, lambda: Optimizer.update(1)])
def test_other_peoples_words_are_noticed(call):
    with pytest.raises(AssertionError, match="not in minigan's words"):
        check(call, ())
    with pytest.raises(AssertionError, match="NaN from"):
        check(lambda: np.array([np.nan]), ())
