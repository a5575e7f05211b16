"""minigan: Goodfellow's generative adversarial network from scratch, every derivative by hand.

Read the modules in the order of these imports; each imports only from those above it.
"""

from minigan.backend import to_numpy, use, xp
from minigan.layers import Dense, Layer
from minigan.activations import LeakyReLU, ReLU, Sigmoid, Tanh
from minigan.normalization import BatchNorm, LayerNorm
from minigan.dropout import Dropout
from minigan.instance_noise import InstanceNoise
from minigan.maxout import Maxout
from minigan.reshaping import Flatten, Reshape
from minigan.spectral import SpectralNorm
from minigan.losses import bce, bce_with_logits
from minigan.cross_entropy import softmax_cross_entropy
from minigan.network import Network
from minigan.optimizers import SGD, Adam
from minigan.averaging import Average
from minigan.objectives import Minimax, NonSaturating, Objective, value
from minigan.tangents import backward_tangent, forward_tangent
from minigan.penalties import R1, R2, Penalty, SlopeBound, UnitSlope
from minigan.other_objectives import FeatureMatching, Hinge, LeastSquares, RelativisticAverage, Wasserstein
from minigan.gan import GAN

__version__ = "0.1.0"
__all__ = [
    "xp", "use", "to_numpy", "Layer", "Dense", "Reshape", "Flatten", "LeakyReLU", "ReLU", "Sigmoid", "Tanh", "Maxout",
    "BatchNorm", "LayerNorm", "Dropout", "InstanceNoise", "SpectralNorm", "bce", "bce_with_logits",
    "softmax_cross_entropy", "Network", "SGD", "Adam", "Average", "value", "Objective", "Minimax", "NonSaturating",
    "forward_tangent", "backward_tangent", "Penalty", "R1", "R2", "UnitSlope", "SlopeBound", "LeastSquares",
    "Wasserstein", "Hinge", "RelativisticAverage", "FeatureMatching", "GAN",
]  # fmt: skip
