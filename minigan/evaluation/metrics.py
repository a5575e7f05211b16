"""Measures of samples: how far they are from the data, and from one another.

Rows are images as the networks see them, (N, H*W). Distances are Euclidean, |a - b| = sqrt(sum (a - b)^2).
"""

import math
from collections import namedtuple

import numpy

from minigan.backend import to_numpy, xp
from minigan.backend.checks import array, number, whole
from minigan.data import Dataset

LARGEST = 1e15  # whose square float32 still holds, and whose products a kernel's cube in float64

PrecisionRecall = namedtuple("PrecisionRecall", "precision recall")
Coverage = namedtuple("Coverage", "modes high_quality reverse_kl")


def nearest(rows, data, chunk=1024):
    """The nearest data row of each of the rows (N, W): (index, distance), both (N,), on the host.

    `data` is a Dataset or an array (M, W). In |a - b|^2 = |a|^2 - 2 a.b + |b|^2 the first term is the same for every b:
    nearest is the b with the least |b|^2 - 2 a.b, one matrix product for each `chunk` of data rows, never with more
    than (N + W) * chunk numbers in memory. That sum loses digits where |b| is large beside the distances: the origin is
    put among the rows, float64 is kept where rows or data have it, and the distance is computed from a - b.

    Raises TypeError and ValueError for rows and data that are not arrays of numbers, finite, of one width.
    """
    if not isinstance(data, Dataset):
        rows, data = check_pair("nearest", "rows", rows, "data", data)
    elif (rows := as_rows("nearest", "rows", rows)).shape[1] != data.size:
        raise ValueError(f"nearest: rows of shape {rows.shape}, but a row of {data.name} is {data.size} wide")
    dtype = xp.result_type(rows.dtype, getattr(data, "dtype", "float32"), "float32")
    rows = xp.asarray(rows, dtype=dtype)
    origin = rows.mean(axis=0)
    a = rows - origin
    index = xp.zeros(len(a), dtype="int64")
    least = xp.full(len(a), xp.inf, dtype=dtype)
    for start in range(0, len(data), whole("nearest: chunk", chunk)):
        b = xp.asarray(_rows(data, slice(start, start + chunk)), dtype=dtype) - origin
        score = (b * b).sum(axis=1) - 2 * (a @ b.T)  # (N, chunk)
        best = score.min(axis=1)
        index = xp.where(best < least, start + score.argmin(axis=1), index)
        least = xp.minimum(best, least)
    index = to_numpy(index)
    chosen = _rows(data, index if isinstance(data, Dataset) else xp.asarray(index))
    difference = rows - xp.asarray(chosen, dtype=dtype)
    return index, to_numpy(xp.sqrt((difference * difference).sum(axis=1)))


def pairwise_distance(rows, chunk=1024):
    """The mean distance over all pairs of the rows (N, W), N >= 2: the diversity of samples. Rows all alike give 0.

    2 / (N (N - 1)) * sum over i < j of |row_i - row_j|, in float64, from the first row as the origin: rows that are
    nearly alike then keep their digits in |a|^2 - 2 a.b + |b|^2.

    Rows that are not finite give NaN. Raises TypeError and ValueError for what is not an array of numbers (N, W), and
    for fewer than two rows.
    """
    rows = as_rows("pairwise_distance", "rows", rows, least=2, finite=False)
    if not xp.isfinite(rows).all():
        return math.nan
    rows = xp.asarray(rows, dtype="float64")
    rows = rows - rows[0]
    squares = (rows * rows).sum(axis=1)
    total = 0.0
    for start in range(0, len(rows), whole("pairwise_distance: chunk", chunk)):
        part = slice(start, start + chunk)
        squared = squares[part, None] - 2 * (rows[part] @ rows.T) + squares  # (chunk, N)
        total += float(xp.sqrt(xp.maximum(squared, 0)).sum())
    return total / (len(rows) * (len(rows) - 1))


def mode_coverage(samples, centers, sigma):
    """How much of a mixture of Gaussians, of these centers (K, W) and one deviation sigma, the samples (N, W) cover.

    A sample is of high quality where it lies within 3 sigma of the nearest center, and then counts for that mode.

        modes           of the K, those with at least one sample of high quality
        high_quality    the fraction of the samples that are
        reverse_kl      KL(q || uniform) = sum over k of q_k log(K q_k), in nats, q_k mode k's share of the samples of
                        high quality: 0 for equal shares, log K where all lie in one mode, NaN where there are none

    The measures of PacGAN's table 1, for the ring and the grid (Lin et al. 2018; the first two are VEEGAN's, Srivastava
    et al. 2017), as the code of its authors counts: 2,500 samples there, mean and standard error of 10 runs.

    Raises ValueError where samples and centers are not (N, W) and (K, W), N and K at least 1, or sigma is not positive.
    """
    samples, centers = check_pair("mode_coverage", "samples", samples, "centers", centers)
    number("mode_coverage: sigma, the deviation of a Gaussian,", sigma, "(0, inf)")
    index, distance = nearest(samples, xp.asarray(centers, dtype="float64"))
    counts = numpy.bincount(index[distance <= 3 * sigma], minlength=len(centers))
    q = counts[counts > 0] / max(counts.sum(), 1)
    reverse_kl = float((q * numpy.log(len(centers) * q)).sum()) if len(q) else math.nan
    return Coverage(len(q), float(counts.sum() / len(samples)), reverse_kl)


def frechet_distance(a, b):
    """The Frechet distance (its square) of Gaussians fitted to the features a (N, F) and b (M, F): 0 for the same.

        |m_a - m_b|^2 + tr(S_a + S_b - 2 (S_a S_b)^(1/2))      m the means, S the unbiased covariances

    (Dowson and Landau 1982; on features of images, Heusel et al. 2017, eq. 6). With R from the QR decomposition of
    the centered rows over sqrt(N - 1), S = R^T R, and the trace of (S_a S_b)^(1/2) is the sum of the singular values of
    R_a R_b^T: no square root of a matrix is taken, and features that never vary do no harm. float64, on the host.

    It shrinks as N grows, so compare equal N only, and with the floor: the distance of as many real rows from others.

    Raises ValueError where a and b are not (N, F) and (M, F), finite, with two rows or more.
    """
    a, b = check_pair("frechet_distance", "rows of a", a, "rows of b", b, least=2)
    (mean_a, root_a), (mean_b, root_b) = _moments(a), _moments(b)
    both = numpy.linalg.svd(root_a @ root_b.T, compute_uv=False).sum()
    return float(((mean_a - mean_b) ** 2).sum() + (root_a**2).sum() + (root_b**2).sum() - 2 * both)


def kernel_distance(a, b, chunk=1024):
    """The unbiased squared MMD of the features a (N, F) and b (M, F) under k(x, y) = (x.y / F + 1)^3.

        mean over i != j of k(a_i, a_j) + mean over i != j of k(b_i, b_j) - 2 mean of k(a_i, b_j)

    (The kernel Inception distance of Bińkowski et al. 2018, with other features; Gretton et al. 2012, eq. 3.)
    Its expectation is 0 for equal distributions, whatever N, and so it may be negative. All pairs are taken, where the
    paper averages over blocks of 1,000. float64; no more than chunk * max(N, M) kernel values are in memory.

    Raises ValueError where a and b are not (N, F) and (M, F), finite, with two rows or more.
    """
    whole("kernel_distance: chunk", chunk)
    a, b = check_pair("kernel_distance", "rows of a", a, "rows of b", b, least=2)
    a, b = xp.asarray(a, dtype="float64"), xp.asarray(b, dtype="float64")
    n, m = len(a), len(b)
    within_a = (_kernel_sum(a, a, chunk) - float(_kernel((a * a).sum(axis=1), a).sum())) / (n * (n - 1))
    within_b = (_kernel_sum(b, b, chunk) - float(_kernel((b * b).sum(axis=1), b).sum())) / (m * (m - 1))
    return within_a + within_b - 2 * _kernel_sum(a, b, chunk) / (n * m)


def precision_recall(real, fake, k=3, chunk=1024):
    """PrecisionRecall(precision, recall) of the features real (N, F) and fake (M, F), each in [0, 1].

    The manifold of a set is the union of balls around its rows, each reaching to the row's k-th nearest neighbor.
    Precision is the share of the fake rows on the manifold of the real ones: are the samples good? Recall is the share
    of the real rows on the manifold of the fake ones: are all the data covered? (Kynkaanniemi et al. 2019, eq. 1-2,
    k = 3.) float64; no more than chunk * max(N, M) distances are in memory.

    Both depend on N and M: compare equal numbers only.

    Raises ValueError where real and fake are not (N, F) and (M, F), finite, with more than k rows.
    """
    whole(f"precision_recall: k={k!r} and chunk={chunk!r}", k, chunk)
    real, fake = check_pair("precision_recall", "real rows", real, "fake rows", fake, least=k + 1)
    origin = xp.asarray(real, dtype="float64").mean(axis=0)  # near the rows |a|^2 - 2 a.b + |b|^2 keeps its digits
    real, fake = xp.asarray(real, dtype="float64") - origin, xp.asarray(fake, dtype="float64") - origin
    return PrecisionRecall(_share_inside(fake, real, k, chunk), _share_inside(real, fake, k, chunk))


def class_histogram(labels, classes=10):
    """The share of each class 0 ... classes - 1 among the labels (N,), integers: (classes,), on the host; sums to 1.

    Raises ValueError for anything else.
    """
    whole(f"class_histogram: classes={classes!r}", classes)
    labels = to_numpy(array("class_histogram: labels", labels))
    if labels.ndim != 1 or len(labels) == 0 or labels.dtype.kind not in "iu":
        found = f"labels of shape {labels.shape}, {labels.dtype}"
        raise ValueError(f"class_histogram: {found}, expected (N,), integers: probabilities.argmax(axis=1), say")
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(
            f"class_histogram: labels from {labels.min()} to {labels.max()}, expected 0 to {classes - 1}: "
            "say how many there are, classes=..."
        )
    return numpy.bincount(labels, minlength=classes) / len(labels)


def check_pair(measure, name_a, a, name_b, b, least=1):
    """Both `as_rows`. ValueError unless they are of one width."""
    a, b = as_rows(measure, name_a, a, least), as_rows(measure, name_b, b, least)
    if a.shape[1] != b.shape[1]:
        raise ValueError(
            f"{measure}: {name_a} of shape {a.shape} and {name_b} of shape {b.shape}, expected (N, W) and (M, W): "
            "all rows of one width"
        )
    return a, b


def as_rows(measure, name, rows, least=1, finite=True):
    """`rows` (N, W) as an array on the device.

    Raises TypeError for what holds no real numbers, ValueError for another number of dimensions, for fewer than `least`
    rows, and for values that are not finite, unless they need not be.
    """
    try:
        rows = xp.asarray(rows)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{measure}: {name} make no array ({error}): expected numbers, one row for each") from None
    if rows.dtype.kind not in "fiub":
        raise TypeError(f"{measure}: {name} are {rows.dtype}, expected numbers")
    if rows.ndim != 2 or not rows.shape[1]:
        fix = "one row for each (images: reshape(len(images), -1))"
        raise ValueError(f"{measure}: {name} of shape {rows.shape}, expected (N, W): {fix}")
    if len(rows) < least:
        raise ValueError(f"{measure}: {len(rows)} {name}, expected at least {least}")
    if rows.dtype == "float16":
        rows = xp.asarray(rows, dtype="float32")
    if finite and not (abs(rows) < LARGEST).all():
        raise ValueError(f"{measure}: {name} hold NaN or infinite values, or such beyond 1e15: leave those rows out")
    return rows


def _moments(rows):
    """The mean (F,), and R with R^T R the unbiased covariance, on the host in float64."""
    rows = to_numpy(rows).astype("float64")
    mean = rows.mean(axis=0)
    return mean, numpy.linalg.qr((rows - mean) / math.sqrt(len(rows) - 1), mode="r")


def _kernel(products, a):
    return (products / a.shape[1] + 1) ** 3


def _kernel_sum(a, b, chunk):
    parts = (a[start : start + chunk] for start in range(0, len(a), chunk))
    return sum(float(_kernel(part @ b.T, a).sum()) for part in parts)


def _share_inside(rows, others, k, chunk):
    """The share of the rows that lie in one of the balls around the others."""

    def in_chunks(a):
        return (squared_distances(a[start : start + chunk], others) for start in range(0, len(a), chunk))

    # of a row's squared distances in order, the first is that to itself
    reach = xp.concatenate([xp.partition(d, k, axis=1)[:, k] for d in in_chunks(others)])
    return sum(int((d <= reach).any(axis=1).sum()) for d in in_chunks(rows)) / len(rows)


def squared_distances(a, b):
    """|a_i - b_j|^2 of rows a (N, W) and b (M, W), (N, M), as |a|^2 - 2 a.b + |b|^2, which loses digits far from 0."""
    squares = (a * a).sum(axis=1)[:, None] - 2 * (a @ b.T) + (b * b).sum(axis=1)
    return xp.maximum(squares, 0)


def _rows(data, index):
    return data.rows(index) if isinstance(data, Dataset) else data[index]
