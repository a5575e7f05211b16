"""Scores of sequences: can a small network tell samples from data, and does it learn from samples to predict data?

Both by the protocol of Yoon, Jarrett and van der Schaar (2019, TimeGAN, section 5), and by a harder judge. And without
a network, the distance of Esteban, Hyland and Rätsch (2017, RCGAN).
"""

import numpy

from minigan.backend import host_generator, to_numpy, xp
from minigan.backend.checks import kind, number, whole
from minigan.data.dataset import numbers
from minigan.data.sequences import Sequences
from minigan.evaluation.metrics import check_pair, squared_distances
from minigan.layers import GRU, Dense, LastStep, glorot
from minigan.layers.activations import Sigmoid
from minigan.losses import bce_with_logits
from minigan.network import Network
from minigan.optimizers import Adam

BATCH, DISCRIMINATIVE, PREDICTIVE, HARD = 128, 2000, 5000, 64  # samples of either kind; steps of training; units
BLOCKS = 5  # the harder judge is tested on a fifth of the time


def discriminative(learn, test, hidden, steps=DISCRIMINATIVE, seed=0):
    """|1/2 - accuracy| of a GRU whose last state becomes one logit: 0 where it cannot tell samples from data.

    `learn` and `test` are pairs (real, samples) of arrays (N, T, width). Each of the `steps` is one of Adam (1e-3) on
    128 of either. 1/2 where it can tell them all.
    """
    real, fake = learn
    judge = Network(_gru(hidden), LastStep(), Dense(hidden, 1, glorot), shape=real.shape[1:], seed=seed)
    rule, rng = _begin(judge), host_generator(seed, 1)
    for _ in range(steps):
        x = [each[rng.permutation(len(each))[:BATCH]] for each in (real, fake)]
        a = judge.forward(xp.asarray(numpy.concatenate(x)))
        n = len(x[0])
        da = [bce_with_logits(part, xp.full_like(part, t))[1] for part, t in ((a[:n], 1), (a[n:], 0))]
        judge.backward(xp.concatenate(da), wrt="params")
        rule.step()
    real, fake = (to_numpy(judge(each)) > 0 for each in test)
    right = real.sum() + len(fake) - fake.sum()
    return abs(0.5 - float(right) / (len(real) + len(fake)))


def predictive(samples, real, hidden, steps=PREDICTIVE, seed=0):
    """The mean absolute error on `real` (N, T, width) of a GRU that learned from `samples` alone to predict.

    From the columns but the last, up to t, it tells the last one at t + 1, through a sigmoid. Each of the `steps` is
    one of Adam (1e-3) on the mean absolute error of 128. Of a single column it is told that one.
    """
    told = max(1, real.shape[2] - 1)
    network = Network(_gru(hidden), Dense(hidden, 1, glorot), Sigmoid(), shape=(None, told), seed=seed)
    rule, rng = _begin(network), host_generator(seed, 2)
    for _ in range(steps):
        x = xp.asarray(samples[rng.permutation(len(samples))[:BATCH]])
        y = network.forward(xp.ascontiguousarray(x[:, :-1, :told]))
        network.backward(xp.sign(y - x[:, 1:, -1:]) / y.size, wrt="params")
        rule.step()
    y = to_numpy(network(numpy.ascontiguousarray(real[:, :-1, :told])))
    return float(abs(y - real[:, 1:, -1:]).mean())


def scores(data, samples=None, repetitions=10, seed=0, hard=False, steps=None):
    """[(discriminative, predictive), ...] of the `samples` (N, T, width) of these Sequences, one pair a repetition.

    By TimeGAN's protocol the networks have int(width / 2) units, a random 80 % of either are learned and the other 20 %
    tested, and the error of prediction is that on all of the data. With `hard` they have 64 units, and what is tested
    is a fifth of the time, another one in each repetition, that shares no row with what is learned. Without samples the
    data are measured against themselves. `steps` are those of both trainings, TimeGAN's 2,000 and 5,000 unless given.

    Raises ValueError for samples of another shape, and for fewer than ten.
    """
    kind("scores", data, Sequences)
    whole(f"repetitions={repetitions!r}", repetitions)
    whole(f"seed={seed!r}", seed, least=0)
    real = numpy.ascontiguousarray(data.x)
    fake = real if samples is None else numbers("samples", samples).astype("float32")
    if fake.shape[1:] != real.shape[1:] or min(len(fake), len(real)) < 10:
        raise ValueError(f"{data.name}: samples of shape {fake.shape}, expected at least ten of {real.shape[1:]}")
    told, predicted = (DISCRIMINATIVE, PREDICTIVE) if steps is None else (steps, steps)
    hidden = HARD if hard else max(1, real.shape[2] // 2)
    found = []
    for r in range(repetitions):
        key = seed * repetitions + r
        if hard:
            mine = blocks(len(real), r, data.apart)
            other = mine if samples is None else blocks(len(fake), r)
        else:
            mine, other = (shares(host_generator(key, stream), len(each)) for stream, each in ((3, real), (4, fake)))
        learn, test = ((real[a], fake[b]) for a, b in zip(mine, other, strict=True))
        whole_real, whole_fake = (test[0], learn[1]) if hard else (real, fake)
        found.append(
            (discriminative(learn, test, hidden, told, key), predictive(whole_fake, whole_real, hidden, predicted, key))
        )
    return found


def mmd(real, samples, sigma=None):
    """The unbiased squared MMD of real sequences (N, T, width) and samples (M, T, width), each taken as one row.

        mean over i != j of k(x_i, x_j) + mean over i != j of k(y_i, y_j) - 2 mean of k(x_i, y_j)

    with k(x, y) = exp(-|x - y|^2 / 2 sigma^2), and sigma the median distance of all pairs unless given (Esteban, Hyland
    and Rätsch 2017, RCGAN, as their code has it; Gretton et al. 2012, eq. 3). Its expectation is 0 for equal
    distributions, and so it may be negative. float64; (N + M)^2 numbers are in memory: take some thousands.

    Raises ValueError for arrays that are no sequences of one shape, two or more, for a sigma outside 1e-100 to 1e100,
    and if the median is 0.
    """
    real, samples = numbers("mmd: real", real), numbers("mmd: samples", samples)
    if real.ndim != 3 or real.shape[1:] != samples.shape[1:] or min(real.size, samples.size) == 0:
        raise ValueError(f"mmd: sequences of shape {real.shape} and {samples.shape}, expected (N, T, width) and (M, T, "
                         "width)")  # fmt: skip
    n, m = len(real), len(samples)
    a, b = check_pair("mmd", "real", real.reshape(n, -1), "samples", samples.reshape(m, -1), least=2)
    rows = xp.concatenate((a, b)).astype("float64")
    rows -= rows[0]
    d = squared_distances(rows, rows)
    if sigma is None:
        sigma = float(xp.median(xp.sqrt(d[xp.triu_indices(n + m, 1)])))
    k = xp.exp(d / (-2 * number(f"mmd: sigma={sigma!r}", sigma, "[1e-100, 1e100]") ** 2))
    within = (float(part.sum() - part.trace()) / (len(part) * (len(part) - 1)) for part in (k[:n, :n], k[n:, n:]))
    return sum(within) - 2 * float(k[:n, n:].mean())


def shares(rng, n):
    """A random 80 % of n indices, and the rest."""
    order = rng.permutation(n)
    return order[: int(0.8 * n)], order[int(0.8 * n) :]


def blocks(n, r, apart=1):
    """(learned, tested) of n windows in the order of time: the r-th fifth is tested, and what shares no row learned."""
    start, stop = (n * (r % BLOCKS + k) // BLOCKS for k in (0, 1))
    order = numpy.arange(n)
    return order[(order <= start - apart) | (order >= stop - 1 + apart)], order[start:stop]


def _gru(hidden):
    return GRU(hidden, init_u=glorot)


def _begin(network):
    """Adam as it comes in TensorFlow; the two gates of the GRU start at sigmoid(1), as there."""
    gru = network.layers[0]
    gru.b[: 2 * gru.width] = 1
    return Adam(network, 1e-3, beta1=0.9)
