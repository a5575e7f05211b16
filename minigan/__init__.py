"""minigan: Goodfellow's generative adversarial network from scratch, every derivative by hand.

Read the modules in the order of these imports; each imports only from those above it.
"""

from minigan.backend import to_numpy, use, xp
from minigan.layers import Dense, Layer
from minigan.activations import LeakyReLU, ReLU, Sigmoid, Tanh
from minigan.losses import bce, bce_with_logits
from minigan.network import Network
from minigan.optimizers import SGD, Adam
from minigan.objectives import Minimax, NonSaturating, Objective, value
from minigan.gan import GAN

__version__ = "0.1.0"
__all__ = [
    "xp", "use", "to_numpy", "Layer", "Dense", "LeakyReLU", "ReLU", "Sigmoid", "Tanh", "bce", "bce_with_logits",
    "Network", "SGD", "Adam", "value", "Objective", "Minimax", "NonSaturating", "GAN",
]  # fmt: skip
