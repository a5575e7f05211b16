"""Modes of stacked MNIST, by the protocol of PacGAN (Lin et al. 2018, section 4.2).

A classifier says which digit each channel of a sample shows: one mode of 1,000, found where one of 26,000 samples shows
it. Beside the number of modes stands the Kullback-Leibler divergence of the samples' distribution over the modes from
the uniform one, in nats. Finite samples of perfect data do not score 0: `expected` says what they score.
"""

import math

import numpy

from minigan.backend import checks, host_generator, to_numpy, xp
from minigan.data.files import reading, replacing
from minigan.data.mnist import cache_dir
from minigan.data.npz import read_arrays
from minigan.layers import Dense
from minigan.layers.activations import LeakyReLU
from minigan.layers.convolution import Conv2D
from minigan.layers.noise import Dropout
from minigan.layers.normalization import BatchNorm
from minigan.layers.reshaping import Flatten
from minigan.losses import softmax_cross_entropy
from minigan.network import Network
from minigan.optimizers import Adam, Linear

MODES, SAMPLES, MANY = 1000, 26_000, 240_000
EPOCHS, BATCH, MOVE = 15, 128, 2  # of the judge's training; its images are moved by up to so many pixels


def modes_of(images, judge):
    """The mode of each image (N, H, W, 3) in [0, 1]: 100 r + 10 g + b, from the digits that the judge sees in them."""
    digits = [judge(numpy.ascontiguousarray(images[..., [channel]])).argmax(axis=1) for channel in range(3)]
    return to_numpy(100 * digits[0] + 10 * digits[1] + digits[2])


def score(modes):
    """(number of modes found, KL from uniform in nats) of the modes (N,) that samples show."""
    p = numpy.bincount(modes, minlength=MODES) / len(modes)
    found = p[p > 0]
    return len(found), float((found * numpy.log(found * MODES)).sum())


def expected(n, shares=None):
    """The KL that n samples of perfect data score on average, whose digits have these shares (None: all the same).

    E[KL] = sum over modes of E[c / n log(1000 c / n)], c binomial with the mode's probability p: for c = 0 the term is
    0, and far from n p its chance is nothing. Raises ValueError unless the shares are ten numbers that add up to 1.
    """
    checks.whole(f"expected: n={n!r}, the number of samples,", n)
    shares = to_numpy(checks.array("expected: the shares", [0.1] * 10 if shares is None else shares, "float64", (10,)))
    if not (shares >= 0).all() or abs(shares.sum() - 1) > 1e-6:
        raise ValueError(f"expected: the shares of the ten digits must add up to 1 with none below 0, not {shares}")
    probabilities, times = numpy.unique(numpy.multiply.outer(numpy.outer(shares, shares), shares), return_counts=True)
    c = numpy.arange(1, n + 1)
    log_factorial = numpy.concatenate(([0.0], numpy.log(c).cumsum()))
    ways = log_factorial[n] - log_factorial[c] - log_factorial[n - c]
    term = c / n * numpy.log(MODES * c / n)

    def divergence(p):
        chances = numpy.exp(ways + c * math.log(p) + (n - c) * math.log1p(-p))
        return (chances * term).sum()

    each = [divergence(p) if 0 < p < 1 else p * math.log(MODES) for p in probabilities]
    return float(times @ each)


def judge_for(digits, announce=print):
    """The judge of these digits, a Network: from the cache, or trained now, on a Dataset with labels."""
    path = cache_dir() / f"judge-{digits.sha256[:16]}.npz"
    judge = untrained_judge((*digits.shape, 1))
    if path.exists():
        with reading(path) as file:
            arrays = read_arrays(file, path)
        judge.theta[...] = xp.asarray(arrays.pop("theta"))
        judge.set_states({name: xp.asarray(value) for name, value in arrays.items()})
        return judge
    announce(f"training the judge of digits, once for these data: some minutes (there is no {path} yet)")
    train_judge(judge, digits)
    path.parent.mkdir(parents=True, exist_ok=True)
    states = {name: to_numpy(xp.asarray(value)) for name, value in judge.states().items() if hasattr(value, "shape")}
    with replacing(path) as file:
        numpy.savez(file, theta=to_numpy(judge.theta), **states)
    return judge


def untrained_judge(shape, width=32):
    """Images (N, H, W, 1) in [0, 1] to logits (N, 10): two convolutions and two dense layers."""
    return Network(
        Conv2D(width), BatchNorm(width), LeakyReLU(),
        Conv2D(2 * width), BatchNorm(2 * width), LeakyReLU(), Dropout(0.3), Flatten(),
        Dense(2 * width * (shape[0] // 4) * (shape[1] // 4), 128), BatchNorm(128), LeakyReLU(), Dropout(0.3),
        Dense(128, 10), shape=shape,
    )  # fmt: skip


def train_judge(judge, digits):
    """Adam on the softmax cross-entropy, at a rate that falls to 0; images are shifted at random, by MOVE at most."""
    height, width = digits.shape
    rounds = len(digits) // BATCH
    adam = Adam(judge, Linear(2e-3, 0.0, EPOCHS * rounds), beta1=0.9)
    black, white = digits.stored
    images = numpy.pad(digits.images, ((0, 0), (MOVE, MOVE), (MOVE, MOVE)), constant_values=black)
    for epoch in range(EPOCHS):
        rng = host_generator(0, epoch)
        order = rng.permutation(len(digits))
        for k in range(rounds):
            index = order[k * BATCH : (k + 1) * BATCH]
            down, right = rng.integers(0, 2 * MOVE + 1, (2, BATCH, 1))
            rows, columns = down + numpy.arange(height), right + numpy.arange(width)
            x = images[index[:, None, None], rows[:, :, None], columns[:, None, :], None]
            x = xp.asarray(((x - float(black)) / (white - black)).astype("float32"))
            _, da = softmax_cross_entropy(judge.forward(x, training=True), xp.asarray(digits.labels[index].astype(int)))
            judge.backward(da, wrt="params")
            adam.step()


def accuracy(judge, digits):
    """The share of a Dataset's images that the judge is right about."""
    black, white = digits.stored
    images = ((digits.images[..., None] - float(black)) / (white - black)).astype("float32")
    return float((to_numpy(judge(images)).argmax(axis=1) == digits.labels).mean())
