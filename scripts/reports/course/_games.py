"""The small games on the embedded digits that the figures play."""

from minigan import GAN, Adam, Dense, LeakyReLU, Network, NonSaturating, Tanh
from minigan.data import load
from minigan.training.training import Training


def digits_game(objective=NonSaturating(), lr=2e-4, lr_d=2e-4, beta1=0.5, epochs=0):
    """A game of two small networks, after some epochs of it."""
    training = digits_training(objective, lr, lr_d, beta1)
    for _ in training.rounds(epochs):
        pass
    return training.gan


def digits_training(objective, lr, lr_d, beta1):
    """The training of such a game, with batches of 56: 32 rounds are an epoch."""
    data = load("digits")
    G = Network(Dense(32, 128), LeakyReLU(), Dense(128, 256), LeakyReLU(), Dense(256, data.size), Tanh(), seed=0)
    D = Network(Dense(data.size, 128), LeakyReLU(), Dense(128, 128), LeakyReLU(), Dense(128, 1), seed=1)
    return Training(GAN(G, D, objective, 0, Adam(G, lr, beta1), Adam(D, lr_d, beta1)), data, 56)
