"""No right layer, objective or penalty of minigan is convicted, nor called a kink where it has none: all of them."""

import itertools
import math

import numpy as np
import pytest

import minigan as m
from minigan.gradcheck import check_game, check_penalty, check_second_order, gradcheck

N = 4
Y = np.array([0, 2, 1, 1])
WITHOUT_SECOND = "RNN", "GRU", "LSTM"  # no derivative of their derivative: a penalty of D's slope refuses them in words
LAYERS = {  # how it is made, the shape of a sample
    "Dense": (lambda: m.Dense(5, 4), (5,)),
    "Dense on sequences": (lambda: m.Dense(5, 4), (2, 5)),
    "Tanh": (m.Tanh, (5,)),
    "Sigmoid": (m.Sigmoid, (5,)),
    "ReLU": (m.ReLU, (5,)),
    "LeakyReLU": (m.LeakyReLU, (2, 3)),
    "LayerNorm": (lambda: m.LayerNorm(5), (5,)),
    "BatchNorm": (lambda: m.BatchNorm(5), (5,)),
    "Dropout": (lambda: m.Dropout(0.4), (5,)),
    "InstanceNoise": (lambda: m.InstanceNoise(0.3), (2, 3)),
    "Maxout": (lambda: m.Maxout(6, 2), (6,)),
    "Reshape": (lambda: m.Reshape(3, -1), (6,)),
    "Flatten": (lambda: m.Flatten(2, 3), (2, 3)),
    "Pack": (lambda: m.Pack(2, 3), (3,)),
    "Pack of pictures": (lambda: m.Pack(2, 2, 2, 1), (2, 2, 1)),
    "SpectralNorm": (lambda: m.SpectralNorm(5, 4), (5,)),
    "SpectralNorm on sequences": (lambda: m.SpectralNorm(5, 4), (2, 5)),
    "SpectralConv2D": (lambda: m.SpectralConv2D(2, kernel=2, stride=1), (2, 2, 1)),
    "Conv2D": (lambda: m.Conv2D(2, kernel=(3, 2), stride=(2, 1)), (3, 2, 2)),
    "ConvTranspose2D": (lambda: m.ConvTranspose2D(2, kernel=3), (2, 2, 1)),
    "BatchNorm of pictures": (lambda: m.BatchNorm(2), (2, 2, 2)),
    "LayerNorm of pictures": (lambda: m.LayerNorm(3), (2, 2, 3)),
    "AveragePool": (m.AveragePool, (2, 4, 1)),
    "Upsample": (m.Upsample, (1, 2, 2)),
    "RNN": (lambda: m.RNN(3), (3, 2)),
    "GRU": (lambda: m.GRU(3), (3, 2)),
    "LSTM": (lambda: m.LSTM(3), (3, 2)),
    "Condition": (lambda: m.Condition(3), (5,)),
    "Condition of pictures": (lambda: m.Condition(3), (2, 2, 1)),
    "Projection": (lambda: m.Projection(3), (5,)),
    "LastStep": (m.LastStep, (3, 2)),
    "MeanOverTime": (m.MeanOverTime, (3, 2)),
    "Network": (
        lambda: m.Network(m.Dense(5, 6), m.BatchNorm(6), m.Network(m.Tanh(), m.Dropout(0.2)), m.SpectralNorm(6, 4)),
        (5,),
    ),
}
OBJECTIVES = [
    m.Minimax(), m.NonSaturating(), m.Minimax("probability"), m.NonSaturating("probability"), m.NonSaturating(real=0.9),
    m.Minimax("probability", real=0.8), m.LeastSquares(), m.Wasserstein(), m.Wasserstein(0.05), m.Hinge(),
    m.RelativisticAverage(), m.FeatureMatching(1), m.FeatureMatching(-1),
]  # fmt: skip
PENALTIES = [None, m.R1(2.0), m.R2(1.0), m.GradientPenalty(10.0), m.OneSidedGradientPenalty(10.0)]


def draw(*shape, seed=0):
    return np.random.default_rng((seed, *shape)).standard_normal(shape)


def around(name, n_in, n_out, *last, seed=1):
    """A network with the layer in the middle."""
    make, shape = LAYERS[name]
    layer = make()
    out = layer.output_shape(shape)
    before = [m.Dense(n_in, math.prod(shape)), m.Tanh(), *([m.Reshape(*shape)] if len(shape) > 1 else [])]
    after = [*([m.Flatten()] if len(out) > 1 else []), m.Dense(math.prod(out), n_out)]
    return m.Network(*before, layer, *after, *last, seed=seed)


def labels(name):
    """y for what is given labels, nothing for the rest."""
    return {"y": Y} if LAYERS[name][0]().classes else {}


def game(name, objective, penalty):
    judge = "Tanh" if penalty and name in WITHOUT_SECOND else name
    D = around(judge, 4, 1, *([m.Sigmoid()] if objective.output == "probability" else []), seed=2)
    G = around("Tanh" if "Pack" in name else name, 3, 4)  # a G that packs would make fewer samples than it is given
    return m.GAN(G, D, objective, penalty=penalty)


def passes(report, kinks=False):
    assert report.ok and report.rows, f"\n{report}"
    assert kinks or {row.verdict for row in report.rows} == {"ok"}, f"\n{report}"


def test_the_tables_name_all_that_minigan_has():
    def own(module, base):
        found = [vars(module)[name] for name in module.__all__]
        return {a for a in found if isinstance(a, type) and issubclass(a, base) and a is not base}

    assert {type(make()) for make, _ in LAYERS.values()} == own(m.layers, m.Layer) | {m.Network}
    assert {type(objective) for objective in OBJECTIVES} == own(m.objectives, m.Objective)
    assert {type(penalty) for penalty in PENALTIES[1:]} == own(m.objectives, m.Penalty)


@pytest.mark.parametrize("training", [False, True], ids=["outside", "training"])
@pytest.mark.parametrize("name", LAYERS)
def test_each_layer_passes_alone_in_training_and_out_of_it(name, training):
    make, shape = LAYERS[name]
    x, given = draw(N, *shape), {"training": training, **labels(name)}
    for method in "central", "complex":
        passes(gradcheck(make(), x, method=method, **given))
    passes(gradcheck(around(name, 3, 2), draw(N, 3), **given))
    if name in WITHOUT_SECOND:
        with pytest.raises(NotImplementedError, match="gradient penalties need both"):
            check_second_order(make(), x)
        return
    passes(check_second_order(make(), x, **given))
    passes(check_second_order(around(name, 3, 2, m.Sigmoid()), draw(N, 3), **given))


GAMES = list(itertools.product(OBJECTIVES, PENALTIES))


@pytest.mark.parametrize("name", LAYERS)
def test_each_objective_passes_with_each_penalty_in_a_game_with_some_layer(name):
    for objective, penalty in GAMES[list(LAYERS).index(name) :: len(LAYERS)]:
        passes(check_game(game(name, objective, penalty), draw(N, 4), draw(N, 3), entries=2, **labels(name)))


@pytest.mark.slow
@pytest.mark.parametrize("name", LAYERS)
def test_each_layer_passes_in_a_game_with_every_objective_and_penalty(name):
    for seed, (objective, penalty) in enumerate(GAMES):
        x, z = draw(N, 4, seed=seed), draw(N, 3, seed=seed)
        passes(check_game(game(name, objective, penalty), x, z, seed=seed, entries=4, **labels(name)), kinks=True)


@pytest.mark.parametrize("penalty", PENALTIES[1:], ids=repr)
def test_each_penalty_passes_on_a_network_of_many_layers(penalty):
    inner = m.Network(m.LayerNorm(6), m.Dropout(0.2))
    D = m.Network(
        m.Pack(2, 4), m.InstanceNoise(0.2), m.SpectralNorm(8, 6), m.LeakyReLU(), inner, m.Maxout(6, 3), m.Dense(3, 1)
    )
    passes(check_penalty(penalty, D, draw(6, 4)))
