"""minigan: Goodfellow's generative adversarial network from scratch, every derivative by hand.

The rooms in reading order, and the files in them: minigan/house.py.
"""

from minigan.backend import to_numpy, use, xp
from minigan.layers import (
    GRU, LSTM, RNN, AveragePool, BatchNorm, Bidirectional, Condition, Conv2D, ConvTranspose2D, Dense, Dropout,
    Embedding, Flatten, InstanceNoise, LastStep, Layer, LayerNorm, LeakyReLU, Maxout, MeanOverTime, Pack, Projection,
    ReLU, Repeat, Reshape, Shared, Sigmoid, SpectralConv2D, SpectralNorm, Standardize, Tanh, Upsample,
)  # fmt: skip
from minigan.losses import bce, bce_with_logits, softmax_cross_entropy
from minigan.network import Network
from minigan.optimizers import SGD, Adam, ClipNorm, ExponentialMovingAverage
from minigan.objectives import (
    R1, R2, AuxiliaryClassifier, FeatureMatching, GradientPenalty, Hinge, LeastSquares, Minimax, NonSaturating,
    Objective, OneSidedGradientPenalty, Penalty, RelativisticAverage, Wasserstein, jvp, jvp_backward, value,
)  # fmt: skip
from minigan.gan import GAN
from minigan.gradcheck import assert_gradients, check_game, check_loss, gradcheck

__version__ = "0.1.0"
__all__ = [
    "xp", "use", "to_numpy", "Layer", "Dense", "Reshape", "Flatten", "Pack", "LeakyReLU", "ReLU", "Sigmoid", "Tanh",
    "Maxout", "BatchNorm", "LayerNorm", "Dropout", "InstanceNoise", "SpectralNorm", "bce", "bce_with_logits",
    "softmax_cross_entropy", "Network", "SGD", "Adam", "ExponentialMovingAverage", "value", "Objective", "Minimax",
    "NonSaturating", "jvp", "jvp_backward", "Penalty", "R1", "R2", "GradientPenalty", "OneSidedGradientPenalty",
    "LeastSquares", "Wasserstein", "Hinge", "RelativisticAverage", "FeatureMatching", "GAN", "gradcheck", "check_loss",
    "check_game", "assert_gradients", "Conv2D", "ConvTranspose2D", "AveragePool", "Upsample", "SpectralConv2D",
    "RNN", "GRU", "LSTM", "LastStep", "MeanOverTime", "Repeat", "Shared", "Bidirectional", "ClipNorm",
    "Standardize", "Embedding", "Condition", "Projection", "AuxiliaryClassifier",
]  # fmt: skip
