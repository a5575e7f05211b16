"""Which networks, which objective, which optimizers: whole games by name, the best one that we know and the classics.

A recipe is a function (data, rounds, seed) -> GAN for a data set and the number of rounds that will be played.
"""

import inspect
import math
from dataclasses import replace
from typing import NamedTuple

from minigan.backend.checks import kind, number, whole
from minigan.data.dataset import LOAD, Dataset
from minigan.gan import GAN
from minigan.layers import Condition, Conv2D, ConvTranspose2D, Dense, Flatten, Normal, Projection, Reshape, Uniform
from minigan.layers.activations import LeakyReLU, ReLU, Sigmoid, Tanh
from minigan.layers.initializers import glorot, he
from minigan.layers.maxout import Maxout
from minigan.layers.noise import Dropout
from minigan.layers.normalization import BatchNorm
from minigan.network import Network
from minigan.objectives import Minimax, NonSaturating
from minigan.optimizers import SGD, Adam, ExponentialMovingAverage
from minigan.optimizers.schedules import Exponential, Linear

RECIPES = {}


class Recipe(NamedTuple):
    """A game by its function `make`, and what it wants to be played with."""

    make: object  # (data, rounds, seed, **settings) -> GAN
    range: tuple  # of the pixels
    batch_size: int
    rounds: int  # that are enough to judge it, on images of the size of MNIST's
    images: int | None  # use only the first ones of MNIST

    def data(self, data):
        """The data set as this recipe wants it."""
        kind(f"the recipe {self.name}", data, Dataset, LOAD)
        images = data.images[: self.images] if data.name == "mnist" else data.images
        labels = None if data.labels is None else data.labels[: len(images)]
        return replace(data, range=self.range, images=images, labels=labels)

    def settings(self, given):
        """Those of `given` that are not None. Raises ValueError for one that this recipe does not leave open."""
        given = {name: value for name, value in given.items() if value is not None}
        for name in given.keys() - inspect.signature(self.make).parameters.keys():
            wrong = f"sets its own {name}: leave it out"
            if name == "classes":
                wrong = "takes no labels, its make has no argument classes: leave out --conditional"
            raise ValueError(f"the recipe {self.name} {wrong}, or take another --recipe")
        return given

    def scaled(self, settings, batch_size):
        """{"lr": rate, ...} in proportion to the batch size, from the settings' rates, else the recipe's.

        This is the "linear scaling rule" (Goyal et al. 2017, section 2.1). Raises ValueError for a recipe that sets its
        own rates.
        """
        usual = inspect.signature(self.make).parameters
        if "lr" not in usual:
            raise ValueError(f"the recipe {self.name} sets its own lr: leave out --scale-lr, or take another --recipe")
        rates = {"lr": usual["lr"].default} | {name: settings[name] for name in ("lr", "lr_d") if name in settings}
        return {name: rate * batch_size / self.batch_size for name, rate in rates.items()}

    @property
    def name(self):
        """As it is asked for."""
        return self.make.__name__.replace("_", "-")


def recipe(range=(-1.0, 1.0), batch_size=100, rounds=12_000, images=None):
    """Enter a function into RECIPES, under its name."""

    def enter(make):
        made = Recipe(make, range, batch_size, rounds, images)
        RECIPES[made.name] = made
        return make

    return enter


def widths(data, *full):
    """The widths of hidden layers: small images get half of them."""
    return full if data.size > 256 else tuple(width // 2 for width in full)


def given(value, usual):
    """The value, or the usual one where none is given: 0 is a value."""
    return usual if value is None else value


def joined(width, classes=None):
    """(the layers that join labels to rows of this width, none without classes; the width behind them)."""
    width = whole(f"the width of a player's input, {width!r},", width)
    return ([], width) if classes is None else ([Condition(classes)], width + classes)


def judge(width, classes, objective, init=glorot):
    """D's last layer: a Projection of so many classes, or what this objective wants, a logit or one more for each."""
    asked = getattr(objective, "classes", None)  # an auxiliary classifier is not told the class, but has to say it
    return Projection(classes) if classes and not asked else Dense(width, 1 + (asked or 0), init)


@recipe(batch_size=128, rounds=18_720)
def default(data, rounds, seed=0, latent=100, lr=5e-4, lr_d=None, objective=None, penalty=None, classes=None):
    """The best dense game that we know: every known help that costs a line.

    Batch normalization keeps G's layers alive, dropout and one-sided smoothing keep D from certainty, the falling
    learning rate and the average of G over about the last eighth of its steps take out the noise of the game. With
    `classes`, a conditional game: G begins with a Condition, D does too, and ends with a Projection; with an
    AuxiliaryClassifier as objective, D has a logit for each class instead.
    """
    a, b, c = widths(data, 256, 512, 1024)
    shown = None if getattr(objective, "classes", None) else classes  # to D
    (given_to_g, wide), (given_to_d, high) = joined(latent, classes), joined(data.size, shown)
    G = Network(
        *given_to_g, Dense(wide, a), BatchNorm(a), LeakyReLU(),
        Dense(a, b), BatchNorm(b), LeakyReLU(),
        Dense(b, c), BatchNorm(c), LeakyReLU(),
        Dense(c, data.size), Tanh(), seed=seed, shape=(latent,),
    )  # fmt: skip
    D = Network(
        *given_to_d, Dense(high, c), LeakyReLU(), Dropout(0.3),
        Dense(c, b), LeakyReLU(), Dropout(0.3),
        Dense(b, a), LeakyReLU(), Dropout(0.3),
        judge(a, classes, objective), seed=seed + 1, shape=(data.size,),
    )  # fmt: skip
    lr, lr_d = (number("the learning rate", rate, "(0, inf)") for rate in (lr, given(lr_d, lr)))
    smoothed = given(objective, NonSaturating(real=0.9))
    rules = Adam(G, Linear(lr, lr / 5, rounds)), Adam(D, Linear(lr_d, lr_d / 5, rounds))
    average = ExponentialMovingAverage(G, max(0.9, 1 - 8 / rounds))
    return GAN(G, D, smoothed, seed, *rules, average=average, penalty=penalty)


@recipe(batch_size=128, rounds=6_000)
def plain(data, rounds, seed=0, latent=100, lr=2e-4, lr_d=None, objective=None, penalty=None):
    """Dense layers, LeakyReLU and Adam, and nothing else: the game that the benchmarks time."""
    G, D = reference_players(data, latent, seed)
    rules = Adam(G, lr), Adam(D, given(lr_d, lr))
    return GAN(G, D, given(objective, NonSaturating()), seed, *rules, penalty=penalty)


def reference_players(data, latent, seed):
    """G: z -> image in [-1, 1], and D: image -> logit, of three dense layers and more."""
    a, b, c = widths(data, 256, 512, 1024)
    G = Network(
        Dense(latent, a), LeakyReLU(), Dense(a, b), LeakyReLU(), Dense(b, c), LeakyReLU(),
        Dense(c, data.size), Tanh(), seed=seed,
    )  # fmt: skip
    D = Network(Dense(data.size, b), LeakyReLU(), Dense(b, a), LeakyReLU(), Dense(a, 1), seed=seed + 1)
    return G, D


@recipe(batch_size=64, rounds=23_425)
def convolutional(data, rounds, seed=0, latent=100, lr=2e-3, lr_d=None, objective=None, penalty=None, classes=None):
    """The best convolutional game that we know: dense layers lay the image out small, and convolutions draw it large.

    Where one dense layer lays it out, as in `dcgan`, its strokes make no digits: each place depends on z by itself.
    Before the Reshape, batch normalization is over each number. Over each channel, the differences between the places
    would count as variance, and G would vary little with z. The rest is as in `default`, at higher rates, of which D
    has half: else it runs ahead. With `classes`, G begins with a Condition, and D ends as in `default`.
    """
    (a, b), small = widths(data, 256, 512), quartered(data)
    n, (labels, wide) = math.prod(small), joined(latent, classes)
    laid_out = (
        *labels, Dense(wide, a), BatchNorm(a), LeakyReLU(),
        Dense(a, b), BatchNorm(b), LeakyReLU(),
        Dense(b, n), BatchNorm(n), LeakyReLU(), Reshape(*small),
    )  # fmt: skip
    G, D = convolutional_players(data, latent, laid_out, seed, he, LeakyReLU, 0.3, classes, objective)
    lr = number("the learning rate", lr, "(0, inf)")
    lr_d = number("the learning rate", given(lr_d, lr / 2), "(0, inf)")
    smoothed = given(objective, NonSaturating(real=0.9))
    rules = Adam(G, Linear(lr, lr / 10, rounds)), Adam(D, Linear(lr_d, lr_d / 10, rounds))
    average = ExponentialMovingAverage(G, max(0.9, 1 - 8 / rounds))
    return GAN(G, D, smoothed, seed, *rules, average=average, penalty=penalty)


@recipe(batch_size=64, rounds=18_740)
def dcgan(data, rounds, seed=0, latent=100, lr=2e-4, lr_d=None, objective=None, penalty=None):
    """The convolutional game of Radford et al. 2016, narrow enough for two cores: N(0, 0.02), Adam at 2e-4.

    D has no batch normalization: it takes real and generated samples as one batch, and G's by themselves, which have
    other statistics.
    """
    small, init = quartered(data), Normal(0.02)
    laid_out = Dense(latent, math.prod(small), init), Reshape(*small), BatchNorm(small[-1]), ReLU()
    G, D = convolutional_players(data, latent, laid_out, seed, init, ReLU)
    rules = Adam(G, lr), Adam(D, given(lr_d, lr))
    return GAN(G, D, given(objective, NonSaturating()), seed, *rules, penalty=penalty)


def quartered(data, channels=32):
    """The shape of an image of a quarter of the data's height and width, to be doubled twice.

    Raises ValueError for images whose height or width 4 does not divide.
    """
    height, wide, _ = data.picture
    if height % 4 or wide % 4:
        raise ValueError(f"{data.name}: images of {height}x{wide}: the convolutional recipes halve them twice, and so "
                         "take heights and widths that 4 divides; cut them, or take another --recipe")  # fmt: skip
    return height // 4, wide // 4, channels


def convolutional_players(data, latent, laid_out, seed, init, activation, rate=0.0, classes=None, objective=None):
    """G: z -> image in [-1, 1], by two transposed convolutions, and D: image -> logit, by two convolutions.

    `laid_out` are G's layers from z to a `quartered` image. D's convolutions see squares of 10 pixels: the dense layer
    above them sees whether the whole is a digit.
    """
    width, judged = 16, 256

    def dropout():
        return [Dropout(rate)] if rate else []

    G = Network(
        *laid_out, ConvTranspose2D(width, init=init), BatchNorm(width), activation(),
        ConvTranspose2D(data.picture[-1], init=init), Tanh(), Flatten(), seed=seed, shape=(latent,),
    )  # fmt: skip
    D = Network(
        Reshape(*data.picture), Conv2D(width, init=init), LeakyReLU(), *dropout(),
        Conv2D(2 * width, init=init), LeakyReLU(), *dropout(), Flatten(),
        Dense(math.prod(quartered(data, 2 * width)), judged, init), LeakyReLU(), *dropout(),
        judge(judged, classes, objective, init), seed=seed + 1, shape=(data.size,),
    )  # fmt: skip
    return G, D


@recipe(range=(0.0, 1.0), batch_size=100, rounds=125_000, images=50_000)
def goodfellow2014(data, rounds, seed=0):
    """The MNIST game of Goodfellow et al. 2014, with the settings of the code that they published.

    Dropout on D is at work in G's step too; the momentum rises over 250 epochs of 500 rounds.
    """
    white = data.rows().mean(axis=0).clip(1e-3, 1 - 1e-3)
    logit = [math.log(p / (1 - p)) for p in white.tolist()]
    G = Network(
        Dense(100, 1200, Uniform(0.05)), ReLU(), Dense(1200, 1200, Uniform(0.05)), ReLU(),
        Dense(1200, data.size, Uniform(0.05), bias=logit), Sigmoid(), seed=seed,
    )  # fmt: skip
    D = Network(
        Dropout(0.2), Dense(data.size, 1200, Uniform(0.005)), Maxout(1200, 240),
        Dropout(0.5), Dense(240, 1200, Uniform(0.005)), Maxout(1200, 240),
        Dropout(0.5), Dense(240, 1, Uniform(0.005)), seed=seed + 1,
    )  # fmt: skip
    rate, momentum = Exponential(0.1, 1 / 1.000004, least=1e-6), Linear(0.5, 0.7, 125_000)
    return GAN(G, D, NonSaturating(), seed, SGD(G, rate, momentum), SGD(D, rate, momentum), noise="uniform")


@recipe(range=(0.0, 1.0))
def textbook_a(data, rounds, seed=0):
    """Two hidden layers of 128 on either side, Adam at 1e-3.

    In its textbook form D ends in a sigmoid and the loss applies another one: here D ends in a logit.
    """
    G = Network(Dense(100, 128), LeakyReLU(), Dense(128, 128), LeakyReLU(), Dense(128, data.size), Sigmoid(), seed=seed)
    D = Network(Dense(data.size, 128), LeakyReLU(), Dense(128, 128), LeakyReLU(), Dense(128, 1), seed=seed + 1)
    return GAN(G, D, NonSaturating(), seed, Adam(G, 1e-3, beta1=0.9), Adam(D, 1e-3, beta1=0.9))


@recipe()
def textbook_b_linear(data, rounds, seed=0):
    """100 -> 256 -> 128 -> image and image -> 128 -> 1 with no activation between: as printed, G is one linear map."""
    G = Network(Dense(100, 256), Dense(256, 128), Dense(128, data.size), Tanh(), seed=seed)
    D = Network(Dense(data.size, 128), Dense(128, 1), seed=seed + 1)
    return GAN(G, D, NonSaturating(), seed, Adam(G, 1e-3, beta1=0.9), Adam(D, 1e-3, beta1=0.9))


@recipe()
def textbook_b(data, rounds, seed=0):
    """The same with activations between the layers, and nothing else changed."""
    G = Network(
        Dense(100, 256), LeakyReLU(), Dense(256, 128), LeakyReLU(), Dense(128, data.size), Tanh(), seed=seed
    )  # fmt: skip
    D = Network(Dense(data.size, 128), LeakyReLU(), Dense(128, 1), seed=seed + 1)
    return GAN(G, D, NonSaturating(), seed, Adam(G, 1e-3, beta1=0.9), Adam(D, 1e-3, beta1=0.9))


@recipe(range=(0.0, 1.0), batch_size=128, rounds=10_000)
def textbook_c(data, rounds, seed=0):
    """The bare form, two functions of one hidden layer: generator(z) and discriminator(x), Adam as it comes."""
    G = Network(Dense(100, 128), ReLU(), Dense(128, data.size), Sigmoid(), seed=seed)
    D = Network(Dense(data.size, 128), ReLU(), Dense(128, 1), seed=seed + 1)
    return GAN(G, D, NonSaturating(), seed, Adam(G, 1e-3, beta1=0.9), Adam(D, 1e-3, beta1=0.9))


@recipe(batch_size=128, rounds=6_000)
def textbook_d(data, rounds, seed=0):
    """Both players on V itself, as the minimax game is written down: G's gradient saturates where D is sure."""
    G, D = reference_players(data, 100, seed)
    return GAN(G, D, Minimax(), seed, Adam(G, 2e-4), Adam(D, 2e-4))


@recipe(batch_size=128, rounds=6_000)
def textbook_e(data, rounds, seed=0):
    """Two Adams at 1e-4 as they come, non-saturating."""
    G, D = reference_players(data, 100, seed)
    return GAN(G, D, NonSaturating(), seed, Adam(G, 1e-4, beta1=0.9), Adam(D, 1e-4, beta1=0.9))
