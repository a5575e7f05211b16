"""description: what a game is made of, as JSON, and made again from it; nothing else can be made."""

import json

import numpy as np
import pytest

from minigan import layers, objectives, optimizers
from minigan.data import Dataset
from minigan.gan import GAN
from minigan.layers import Dense, Layer, Tanh
from minigan.network import Network
from minigan.training import Training
from minigan.training.checkpoint import CheckpointError
from minigan.training.description import KNOWN, described, in_words, made, register

SCHEDULES = optimizers.Linear(1.0, 0.0, 10), optimizers.Exponential(1.0, 0.9, least=0.1), optimizers.Cosine(1.0, 0.0, 9)
LAYERS = [
    Dense(3, 4, layers.Uniform(0.1), bias=[1.0, 2, 3, 4]), layers.SpectralNorm(3, 4), layers.LeakyReLU(0.1),
    layers.ReLU(), layers.Tanh(), layers.Sigmoid(), layers.Maxout(6, 2), layers.BatchNorm(3, 0.8), layers.LayerNorm(3),
    layers.Dropout(0.25), layers.InstanceNoise(0.5), *map(layers.InstanceNoise, SCHEDULES), layers.Reshape(2, 3),
    layers.Reshape(-1, 2), layers.Flatten(2, 3), layers.Flatten(), layers.Pack(2, 3), layers.Pack(2),
    layers.Conv2D(3, 5, (2, 1), 0, use_bias=False), layers.ConvTranspose2D(3), layers.SpectralConv2D(2, stride=1),
    layers.AveragePool(3), layers.Upsample(), layers.RNN(3), layers.GRU(2), layers.LSTM(4), layers.LastStep(),
    layers.MeanOverTime(), layers.Repeat(5), layers.Shared(), layers.Bidirectional(layers.LSTM(2)), layers.Condition(3),
    layers.Embedding(5, 2), layers.Standardize((0.5, 2.0), (1.0, 3.0)), layers.Projection(4),
    Network(layers.Flatten(), Dense(6, 4), Network(layers.Tanh(), shape=(4,)), shape=(2, 3)),
]  # fmt: skip
OTHERS = [
    objectives.Minimax("probability", 0.8), objectives.NonSaturating(real=0.9), objectives.LeastSquares(),
    objectives.Wasserstein(0.01), objectives.Hinge(), objectives.RelativisticAverage(), objectives.FeatureMatching(-2),
    objectives.AuxiliaryClassifier(3, 0.5, 0.9), objectives.R1(2), objectives.R2(3), objectives.GradientPenalty(10),
    objectives.OneSidedGradientPenalty(0.5),
]  # fmt: skip


@pytest.mark.parametrize("thing", [*LAYERS, *OTHERS], ids=repr)
def test_what_is_described_is_made_again_with_the_same_settings(thing):
    said = json.loads(json.dumps(described(thing)))
    twin = made(said)
    assert type(twin) is type(thing) and described(twin) == said == described(thing)
    ignored = {"second", "init", "bias", "_scratch", "layers", "_theta", "_dtheta", "dtype"}
    kept, again = ({k: str(v) for k, v in vars(each).items() if k not in ignored} for each in (thing, twin))
    assert kept == again


def test_every_layer_objective_and_penalty_of_minigan_stands_in_these_lists():
    for room, base in (layers, Layer), (objectives, objectives.Objective), (objectives, objectives.Penalty):
        theirs = {thing for thing in vars(room).values() if isinstance(thing, type) and issubclass(thing, base)}
        assert theirs - {type(thing) for thing in (*LAYERS, *OTHERS)} <= {base}


def test_a_rule_is_described_by_its_constants_and_not_by_its_rate():
    network = Network(Dense(2, 1))
    rule = optimizers.SGD(network, 0.1, optimizers.Linear(0.5, 0.7, 9))
    momentum = {"schedule": "Linear", "start": 0.5, "end": 0.7, "updates": 9}
    assert described(rule) == {"optimizer": "SGD", "momentum": momentum}
    adam = {"optimizer": "Adam", "beta1": 0.5, "beta2": 0.999, "eps": 1e-8}
    assert described(optimizers.Adam(network, lr=7)) == adam
    assert in_words(described(rule)) == "SGD(momentum=Linear(start=0.5, end=0.7, updates=9))"


@pytest.fixture
def forgotten():
    before = dict(KNOWN)
    yield
    KNOWN.clear()
    KNOWN.update(before)


class Scale(Layer):
    def __init__(self, width, by=2.0):
        self.n_in = self.n_out = width
        self.by = by


class Other(Scale):
    pass


@pytest.mark.usefixtures("forgotten")
def test_ones_own_is_registered_by_decorator_or_function():
    assert described(Scale(3)) == {"layer": "Scale", "by": 2.0}  # to be compared, but not to be made
    register(Scale)
    gan = GAN(Network(Dense(2, 4), Scale(4), Tanh()), Network(Dense(4, 1)))
    with pytest.raises(ValueError, match=r'Scale does not keep its argument width.*register\(width="..."\)'):
        Training(
            gan, Dataset("noise", np.arange(80, dtype="uint8").reshape(20, 2, 2)), 5
        )  # not at the first checkpoint
    assert register(width="n_in")(Scale) is Scale
    twin = made(described(Scale(3, by=5.0)))
    assert (twin.n_in, twin.by) == (3, 5.0)
    register(Other)
    assert described(Other(3)) == {"layer": "Other", "width": 3, "by": 2.0}  # as its base keeps it
    register(Other, width="by")
    assert described(Other(3)) == {"layer": "Other", "width": 2.0, "by": 2.0}


@pytest.mark.usefixtures("forgotten")
def test_a_setting_that_is_code_is_compared_by_its_type_and_cannot_be_made():
    register(Scale, width="n_in")
    said = described(Scale(3, by=len))
    assert said == {"layer": "Scale", "width": 3, "by": {"code": "builtin_function_or_method"}}
    with pytest.raises(CheckpointError, match=r"by is a builtin_function.* build the network in your own code"):
        made(said)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: register(type("Dense", (Layer,), {})), ValueError, "minigan has a Dense of its own"),
        (lambda: register(Dense(2, 1)), TypeError, r"register\(Dense\(2, 1\)\): expected a class"),
        (lambda: made({"layer": "print"}), CheckpointError, r"print is not a layer that is known here \(AveragePool, "),
        (lambda: made({"layer": "Dense", "n_in": 2}), CheckpointError, r"Dense\(n_in=2\) cannot be made: .*n_out"),
        (lambda: made({"layer": "Tanh", "slope": 2}), CheckpointError, "cannot be made: it takes no slope"),
        (lambda: made({"layer": "Dropout", "rate": 2}), CheckpointError, "cannot be made: .*rate must lie in"),
        (
            lambda: made({"schedule": "eval", "x": "1"}),
            CheckpointError,
            r"eval is not a schedule that is known .*Cosine, ",
        ),
    ],
)
def test_what_cannot_be_made_is_refused_in_words(call, error, message):
    with pytest.raises(error, match=message):
        call()
