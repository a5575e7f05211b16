"""A judge of digits: a convolutional classifier, right about 99.4 % of MNIST's test images.

The fixed classifier is small, dense, and measures. This one counts: the modes of stacked digits, where each mistake is
a mode, and what a classifier learns from made-up images (scripts/augment.py).
"""

import numpy

from minigan.backend import host_generator, to_numpy, xp
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

ROUNDS, BATCH = 7020, 128  # 15 epochs of MNIST
REACH = 14  # images are shifted by up to a 14th of their height: 2 pixels of MNIST's


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
    train_judge(judge, digits, ROUNDS)
    path.parent.mkdir(parents=True, exist_ok=True)
    states = {name: to_numpy(xp.asarray(value)) for name, value in judge.states().items() if hasattr(value, "shape")}
    with replacing(path) as file:
        numpy.savez(file, theta=to_numpy(judge.theta), **states)
    return judge


def untrained_judge(shape, width=32, seed=0):
    """Images (N, H, W, 1) in [0, 1] to logits (N, 10): two convolutions and two dense layers."""
    return Network(
        Conv2D(width), BatchNorm(width), LeakyReLU(),
        Conv2D(2 * width), BatchNorm(2 * width), LeakyReLU(), Dropout(0.3), Flatten(),
        Dense(2 * width * (shape[0] // 4) * (shape[1] // 4), 128), BatchNorm(128), LeakyReLU(), Dropout(0.3),
        Dense(128, 10), shape=shape, seed=seed,
    )  # fmt: skip


def train_judge(judge, digits, rounds, seed=0):
    """Adam on the softmax cross-entropy, at a rate that falls to 0; each image is shifted at random."""
    (height, width), (black, white) = digits.shape, digits.stored
    reach, batch = height // REACH, min(BATCH, len(digits))
    adam = Adam(judge, Linear(2e-3, 0.0, rounds), beta1=0.9)
    images = numpy.pad(digits.images, ((0, 0), (reach, reach), (reach, reach)), constant_values=black)
    in_epoch = len(digits) // batch
    for done in range(rounds):
        epoch, k = divmod(done, in_epoch)
        if k == 0:
            rng = host_generator(seed, epoch)
            order = rng.permutation(len(digits))
        index = order[k * batch : (k + 1) * batch]
        down, right = rng.integers(0, 2 * reach + 1, (2, batch, 1))
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
