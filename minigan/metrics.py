"""Measures of samples: how far they are from the data, and from one another.

Rows are images as the networks see them, (N, H*W). Distances are Euclidean, |a - b| = sqrt(sum (a - b)^2).
"""

from minigan.backend import to_numpy, xp
from minigan.data import Dataset


def nearest(rows, data, chunk=1024):
    """The nearest data row of each of the rows (N, W): (index, distance), both (N,), on the host.

    `data` is a Dataset or an array (M, W). In |a - b|^2 = |a|^2 - 2 a.b + |b|^2 the first term is the same for every b:
    nearest is the b with the least |b|^2 - 2 a.b, one matrix product for each `chunk` of data rows, in float32, with
    never more than (N + W) * chunk numbers in memory. That sum loses digits; the distance is computed from a - b.

    Raises ValueError where rows and data differ in width.
    """
    rows = xp.asarray(rows, dtype="float32")
    width = data.size if isinstance(data, Dataset) else data.shape[1]
    if rows.ndim != 2 or rows.shape[1] != width:
        raise ValueError(f"nearest: rows of shape {tuple(rows.shape)}, but a row of the data is {width} wide")
    index = xp.zeros(len(rows), dtype="int64")
    least = xp.full(len(rows), xp.inf, dtype="float32")
    for start in range(0, len(data), chunk):
        b = xp.asarray(_rows(data, slice(start, start + chunk)))
        score = (b * b).sum(axis=1) - 2 * (rows @ b.T)  # (N, chunk)
        best = score.min(axis=1)
        index = xp.where(best < least, start + score.argmin(axis=1), index)
        least = xp.minimum(best, least)
    index = to_numpy(index)
    difference = rows - xp.asarray(_rows(data, index))
    return index, to_numpy(xp.sqrt((difference * difference).sum(axis=1)))


def pairwise_distance(rows, chunk=1024):
    """The mean distance over all pairs of the rows (N, W), N >= 2: the diversity of samples. Rows all alike give 0.

    2 / (N (N - 1)) * sum over i < j of |row_i - row_j|, in float64, from the first row as the origin: rows that are
    nearly alike then keep their digits in |a|^2 - 2 a.b + |b|^2.

    Raises ValueError for fewer than two rows.
    """
    if len(rows) < 2:
        raise ValueError(f"pairwise_distance: {len(rows)} rows make no pair")
    rows = xp.asarray(rows, dtype="float64")
    rows = rows - rows[0]
    squares = (rows * rows).sum(axis=1)
    total = 0.0
    for start in range(0, len(rows), chunk):
        part = slice(start, start + chunk)
        squared = squares[part, None] - 2 * (rows[part] @ rows.T) + squares  # (chunk, N)
        total += float(xp.sqrt(xp.maximum(squared, 0)).sum())
    return total / (len(rows) * (len(rows) - 1))


def _rows(data, index):
    return data.rows(index) if isinstance(data, Dataset) else xp.asarray(data[index], dtype="float32")
