"""All that minigan has of layers, objectives and penalties, for what must hold of each; and what a report says."""

import math

import numpy as np

import minigan as m

N = 4
Y = np.array([0, 2, 1, 1])
# These have no jvp: a penalty of D's slope refuses them in words.
WITHOUT_SECOND = "RNN", "GRU", "LSTM", "Bidirectional", "Embedding of rows"
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
    "LastStep": (m.LastStep, (3, 2)),
    "MeanOverTime": (m.MeanOverTime, (3, 2)),
    "Repeat": (lambda: m.Repeat(3), (2,)),
    "Shared": (m.Shared, (3, 2)),
    "Standardize": (lambda: m.Standardize((0.8, -0.1), (0.7, 3.0)), (3, 2)),
    "Bidirectional": (lambda: m.Bidirectional(m.GRU(2)), (3, 2)),
    "Embedding of rows": (lambda: m.Embedding(3, 4), (2, 3)),
    "Condition": (lambda: m.Condition(3), (5,)),
    "Condition of pictures": (lambda: m.Condition(3), (2, 2, 1)),
    "Projection": (lambda: m.Projection(3), (5,)),
    "Network": (
        lambda: m.Network(m.Dense(5, 6), m.BatchNorm(6), m.Network(m.Tanh(), m.Dropout(0.2)), m.SpectralNorm(6, 4)),
        (5,),
    ),
}
OBJECTIVES = [
    m.Minimax(), m.NonSaturating(), m.Minimax("probability"), m.NonSaturating("probability"), m.NonSaturating(real=0.9),
    m.Minimax("probability", real=0.8), m.LeastSquares(), m.Wasserstein(), m.Wasserstein(0.05), m.Hinge(),
    m.RelativisticAverage(), m.FeatureMatching(1), m.FeatureMatching(-1), m.AuxiliaryClassifier(3, 0.7, real=0.9),
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


def labels(name, objective=None):
    """The labels y for a layer or an objective that is given some, nothing for the rest."""
    given = getattr(LAYERS[name][0](), "classes", None) or getattr(objective, "classes", None)
    return {"y": Y} if given else {}


def players(name, objective, penalty=None):
    """(G, D) for a game with this layer in the middle of both, where they can have it."""
    plain = (penalty and name in WITHOUT_SECOND) or (objective.classes and ("Pack" in name or labels(name)))
    last = [m.Sigmoid()] if objective.output == "probability" else []
    D = around("Tanh" if plain else name, 4, 1 + (objective.classes or 0), *last, seed=2)
    if objective.classes and not labels(name):
        return around("Condition", 3, 4), D
    return around("Tanh" if "Pack" in name else name, 3, 4), D  # a G that packs would make fewer samples


def hints(report):
    """{name: what is said of it} of the rows of which something is said."""
    return {row.name: row.hint for row in report.rows if row.hint}


def failed(report):
    """The names of the rows that fail."""
    return [row.name for row in report.rows if row.verdict == "FAIL"]
