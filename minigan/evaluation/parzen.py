"""The Parzen-window log-likelihood of Goodfellow et al. (2014, section 5, table 1), and what to compare it with.

Each sample becomes the center of a Gaussian in the space of pixels, and the test images are scored under the mixture:

    log p(x) = log (1/M sum over j of exp(-|x - c_j|^2 / (2 sigma^2))) - W log (sigma sqrt(2 pi))

With thousands of samples in hundreds of dimensions this says little of how good the samples look: centroids of k-means,
which are blurred, score above the training images themselves (Theis, van den Oord and Bethge 2016, table 1). It is
here because the table of 2014 was made with it: read it beside its baselines, never alone.

Rows are images, (N, W), with pixels in [0, 1]. The arithmetic is float64: in float32 the mean of 10,000 MNIST images
under 10,000 others is 2e-6 off at sigma 0.1, and takes half the time.
"""

import math
from collections import namedtuple

import numpy
from tqdm import tqdm

from minigan.backend import host_generator, to_numpy, xp
from minigan.backend.checks import array, number, whole
from minigan.evaluation.metrics import as_rows, check_pair, nearest

SIGMAS = tuple(10 ** (i / 9 - 1) for i in range(10))  # logspace(-1, 0, 10), as in the code of the 2014 paper
VALIDATION = 1000  # the rows that choose sigma: the first of the validation images
CAVEAT = """\
A high Parzen estimate is no proof of good images: k-means centroids, which are blurred, score above the training images
themselves (Theis, van den Oord and Bethge 2016). Read it beside its baselines, and compare the same protocol only."""

QUIET = {"disable": None, "delay": 2, "leave": False}  # a progress bar on a terminal, for what takes long

Parzen = namedtuple("Parzen", "mean standard_error sigma")


def parzen_log_likelihood(centers, x, sigma, chunk=256):
    """log p(x), in nats, for each row of x (N, W) under Gaussians of deviation sigma at the centers (M, W): (N,).

    Of the matrix of distances, `chunk` rows of x at a time are in memory, chunk * M numbers of 8 bytes, besides a
    float64 copy of the centers. The result is a NumPy array on the host, float64.

    Raises ValueError where centers and x are not (M, W) and (N, W), finite, or sigma is not above 1e-100, so that its
    square is not 0.
    """
    return _log_likelihoods("parzen_log_likelihood", centers, x, [sigma], chunk)[0]


def select_sigma(centers, validation, sigmas=SIGMAS, chunk=256):
    """The one of the sigmas that gives the validation rows (N, W) the highest mean log-likelihood.

    The distances are computed once for all of them. Raises ValueError without sigmas, and what
    `parzen_log_likelihood` raises.
    """
    if array("select_sigma: sigmas", sigmas).ndim != 1 or not len(sigmas):
        raise ValueError(f"select_sigma: sigmas={sigmas!r}, expected a list of at least one")
    means = _log_likelihoods("select_sigma", centers, validation, sigmas, chunk).mean(axis=1)
    return float(sigmas[int(means.argmax())])


def parzen(samples, validation, test, chunk=256):
    """The estimate by the protocol of the 2014 paper, as a Parzen(mean, standard_error, sigma), in nats.

    sigma is the best of SIGMAS for the first 1,000 validation rows; the mean is that over all rows of `test`, and the
    standard error that of such a mean, std / sqrt(N). For the paper's figures on MNIST: 10,000 samples; validation, the
    training images from 50,000 on; test, the 10,000 test images.

    The paper does not say so, but this is the error from the choice of test images alone. Other samples of the same
    generator change the mean as well, and so does another training run.

    Raises TypeError and ValueError where one is not an array of numbers (N, W), finite, with pixels in [0, 1].
    """
    samples, validation, test = (
        _pixels(name, rows) for name, rows in (("samples", samples), ("validation", validation), ("test", test))
    )
    sigma = select_sigma(samples, validation[:VALIDATION], chunk=chunk)
    scores = parzen_log_likelihood(samples, test, sigma, chunk)
    return Parzen(float(scores.mean()), float(scores.std() / math.sqrt(len(scores))), sigma)


def pixelwise_gaussian(rows, n, seed=0):
    """n samples (n, W), float32 on the host, of independent pixels: N(mean, variance) of each pixel over the rows.

    They are clipped to [0, 1] and meant for `parzen`, as a model that knows no shapes at all. Its own density, in
    closed form, would be no baseline: with deviations of at least s it gives the test images of MNIST 362 nats at
    s = 0.1, 663 at 0.03 and 1,012 at 0.002, ever more, because of the pixels that are always black.
    """
    rows = to_numpy(as_rows("pixelwise_gaussian", "rows", rows))
    n = whole(f"pixelwise_gaussian: n={n!r}", n)
    whole(f"pixelwise_gaussian: seed={seed!r}", seed, least=0)
    mean, deviation = rows.mean(axis=0, dtype="float64"), rows.std(axis=0, dtype="float64")
    noise = host_generator(seed).standard_normal((n, len(mean)))
    return numpy.clip(mean + deviation * noise, 0, 1).astype("float32")


def kmeans(rows, k, iterations=3, seed=0, chunk=4096):
    """k centroids (k, W), float32 on the host, of the rows (N, W): Lloyd's algorithm, `iterations` times over.

    It starts from k different rows, drawn from the seed. Each iteration assigns every row to the nearest centroid,
    `chunk` rows at a time, and moves each centroid to the mean of its rows; one without any stays where it is.
    Three are enough for 10,000 centroids of 50,000 images of MNIST: their Parzen estimate is 335.1 after one iteration,
    335.3 after three and 335.4 after ten.

    Raises ValueError unless 1 <= k <= N, TypeError and ValueError unless the rows are finite numbers (N, W).
    """
    rows = to_numpy(as_rows("kmeans", "rows", rows)).astype("float32")
    k = whole(f"kmeans: k={k!r}, of {len(rows)} rows,", k, most=len(rows))
    whole(f"kmeans: seed={seed!r}", seed, least=0)
    centroids = rows[host_generator(seed).permutation(len(rows))[:k]]
    for i in range(whole("kmeans: iterations", iterations, least=0)):
        starts = tqdm(range(0, len(rows), whole("kmeans: chunk", chunk)), f"k-means, {i + 1} of {iterations}", **QUIET)
        parts = [nearest(rows[start : start + chunk], centroids)[0] for start in starts]
        index = numpy.concatenate(parts)
        counts = numpy.bincount(index)
        members = numpy.split(numpy.argsort(index, kind="stable"), numpy.cumsum(counts)[:-1])
        for j in counts.nonzero()[0]:
            centroids[j] = rows[members[j]].mean(axis=0)
    return centroids


def _log_likelihoods(name, centers, x, sigmas, chunk):
    """log p(x) for each sigma, (len(sigmas), N), with the distances computed once."""
    whole(f"{name}: chunk", chunk)
    centers, x = check_pair(name, "centers", centers, "rows of x", x)
    for sigma in sigmas:
        number(f"{name}: sigma, the deviation of a Gaussian,", sigma, "(1e-100, inf)")  # its square is not 0
    centers = xp.asarray(centers, dtype="float64")
    squares = (centers * centers).sum(axis=1)  # (M,)
    parts = []
    for start in tqdm(range(0, len(x), chunk), "Parzen estimate", **QUIET):
        a = xp.asarray(x[start : start + chunk], dtype="float64")
        d = a @ centers.T  # (chunk, M), becomes |x - c|^2 in place
        d *= -2
        d += squares
        d += (a * a).sum(axis=1)[:, None]
        least = d.min(axis=1)
        d -= least[:, None]  # the largest term of each sum is exp(0): no sum is 0
        e = xp.empty_like(d)
        columns = []
        for sigma in sigmas:
            precision = 1 / (2 * sigma * sigma)
            xp.exp(xp.multiply(d, -precision, out=e), out=e)
            columns.append(xp.log(e.sum(axis=1)) - precision * least)
        parts.append(xp.stack(columns))
    constant = [math.log(len(centers)) + x.shape[1] * math.log(sigma * math.sqrt(2 * math.pi)) for sigma in sigmas]
    return to_numpy(xp.concatenate(parts, axis=1)) - numpy.asarray(constant)[:, None]


def _pixels(what, rows):
    rows = as_rows("parzen", what, rows)
    low, high = float(rows.min()), float(rows.max())
    if not (low >= 0 and high <= 1):
        raise ValueError(
            f"parzen: the pixels of {what} run from {low:g} to {high:g}, but the protocol has them in [0, 1]: "
            "(rows + 1) / 2 for a generator that ends in Tanh, rows / 255 for bytes"
        )
    return rows
