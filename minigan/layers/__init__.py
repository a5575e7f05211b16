"""Layers: what one is, and all that minigan has."""

from minigan.layers.activations import LeakyReLU, ReLU, Sigmoid, Tanh
from minigan.layers.bidirectional import Bidirectional
from minigan.layers.condition import Condition, Projection
from minigan.layers.convolution import Conv2D, ConvTranspose2D
from minigan.layers.dense import Dense
from minigan.layers.embedding import Embedding
from minigan.layers.initializers import Normal, Uniform, glorot, he
from minigan.layers.layer import Layer
from minigan.layers.maxout import Maxout
from minigan.layers.noise import Dropout, InstanceNoise
from minigan.layers.normalization import BatchNorm, LayerNorm, Standardize
from minigan.layers.recurrent import GRU, LSTM, RNN, orthogonal
from minigan.layers.resampling import AveragePool, Upsample
from minigan.layers.reshaping import Flatten, Pack, Reshape
from minigan.layers.sequences import LastStep, MeanOverTime, Repeat, Shared
from minigan.layers.spectral import SpectralConv2D, SpectralNorm

__all__ = [
    "GRU", "LSTM", "RNN", "AveragePool", "BatchNorm", "Bidirectional", "Condition", "Conv2D", "ConvTranspose2D",
    "Dense", "Dropout", "Embedding", "Flatten", "InstanceNoise", "LastStep", "Layer", "LayerNorm", "LeakyReLU",
    "Maxout", "MeanOverTime", "Normal", "Pack", "Projection", "ReLU", "Repeat", "Reshape", "Shared", "Sigmoid",
    "SpectralConv2D", "SpectralNorm", "Standardize", "Tanh", "Uniform", "Upsample", "glorot", "he", "orthogonal",
]  # fmt: skip
