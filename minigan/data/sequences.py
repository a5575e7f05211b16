"""Sequences: sines, a file of measurements cut into windows, and images that are read row by row."""

import csv
import hashlib
import io
import math
from dataclasses import dataclass
from functools import cached_property
from numbers import Real

import numpy

from minigan.backend import host_generator, xp
from minigan.backend.checks import kind, whole
from minigan.backend.generators import DATA
from minigan.data.dataset import LOAD, Dataset, check_epoch, numbers
from minigan.data.files import DataError, as_path, read_text, replacing

AT_MOST = 1 << 30  # bytes of a file that are read


class InSteps:
    """N sequences x (N, T, ...) on the host, with a `name` and an `identity`: what `SequenceBatches` deals."""

    def __len__(self):
        return len(self.x)

    @property
    def sample_shape(self):
        """(T, ...) of one sequence."""
        return self.x.shape[1:]


@dataclass(frozen=True, eq=False)
class Sequences(InSteps):
    """N sequences x (N, T, width), float32 in [0, 1], on the host, and what their numbers are elsewhere:

        value = low + x (high - low)      low, high (width,), of each column

    `columns` are the names of the columns, in their order. `apart` is how far two of the sequences must stand from one
    another to share no row: 1 where each is drawn by itself, T for the windows of one series. Raises DataError for
    arrays that do not fit each other or hold values outside of [0, 1].
    """

    name: str
    x: numpy.ndarray
    columns: tuple[str, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    apart: int = 1

    def __post_init__(self):
        x = self.x
        if not isinstance(self.name, str):
            raise DataError(f"the name of Sequences must be a text, not {self.name!r:.60}")
        if not isinstance(x, numpy.ndarray) or x.ndim != 3 or not x.size or x.dtype != numpy.float32:
            shape = getattr(x, "shape", type(x).__name__)
            raise DataError(f"{self.name}: x is {shape}, expected a float32 array (N, T, width) that is not empty")
        for what in "columns", "low", "high":
            values, like = getattr(self, what), str if what == "columns" else Real
            if not isinstance(values, tuple) or [isinstance(a, like) for a in values] != [True] * x.shape[2]:
                raise DataError(f"{self.name}: {what} must be a tuple of {x.shape[2]}, one for each column of x")
        if not all(-1e100 < a < b < 1e100 for a, b in zip(self.low, self.high, strict=True)):
            raise DataError(f"{self.name}: low={self.low}, high={self.high}: expected low < high in each column")
        if not (x.min() >= 0 and x.max() <= 1):  # false for NaN
            raise DataError(f"{self.name}: the numbers in x must lie in [0, 1]: low and high say what they stand for")
        whole(f"{self.name}: apart={self.apart!r}", self.apart)

    def units(self, x):
        """The numbers x (..., width) in [0, 1] as what they stand for, float64. ValueError for another width."""
        low, high, x = numpy.array(self.low), numpy.array(self.high), numbers(f"{self.name}: x", x)
        if x.shape[-1:] != low.shape:
            raise ValueError(f"{self.name}: x has shape {x.shape}, expected (..., {len(low)})")
        return low + x * (high - low)

    def save(self, path, x):
        """Write sequences x (N, T, width) as CSV, in the units of the data: sequence, step, and its own columns.

        Raises ValueError for another shape, OSError as the disk does.
        """
        x = self.units(x)
        if x.ndim != 3:
            raise ValueError(f"{self.name}: x has shape {x.shape}, expected (N, T, {len(self.low)})")
        with replacing(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(("sequence", "step", *self.columns))
            for n, sequence in enumerate(x.tolist(), 1):
                writer.writerows((n, t, *(f"{value:.6g}" for value in row)) for t, row in enumerate(sequence, 1))

    @cached_property
    def identity(self):
        """What tells these sequences from others, for a checkpoint: the columns, their scale, and a fingerprint."""
        digest = hashlib.sha256(numpy.ascontiguousarray(self.x)).hexdigest()
        said = {"columns": list(self.columns), "low": list(self.low), "high": list(self.high)}
        return said | {"sequences": len(self), "sha256": digest}


class SequenceBatches:
    """The rounds of each epoch: every sequence once, in batches of `batch_size`, the remainder dropped.

    A source of batches, as `Batches` is of images. Raises ValueError for a batch size that is not a whole number from
    1 to N, and a seed that is none from 0 on.
    """

    what = "sequences"

    def __init__(self, sequences, batch_size, seed=0):
        n = len(kind("SequenceBatches", sequences, InSteps, "minigan.data.sequences.sines(), say"))
        self.batch_size = whole(f"{sequences.name}: batch_size={batch_size!r}", batch_size, most=n)
        self.seed = whole(f"seed={seed!r}", seed, least=0)
        self.sequences, self.name, self.sample_shape = sequences, sequences.name, sequences.sample_shape
        self.rounds, self.identity = n // self.batch_size, sequences.identity

    def epoch(self, e, start=0):
        """Yields x (batch_size, T, ...), float32, for each round of epoch e from round `start` on, a new array."""
        check_epoch(e, start, self.rounds)
        order = host_generator(self.seed, e).permutation(len(self.sequences))
        for k in range(start, self.rounds):
            yield xp.asarray(self.sequences.x[order[k * self.batch_size : (k + 1) * self.batch_size]])


def sines(n=10_000, steps=24, width=5, seed=0):
    """x_t = (sin(f t + p) + 1) / 2, t = 0 ... steps - 1, with f, p ~ U(0, 0.1) for each column of each sequence

    (Yoon, Jarrett and van der Schaar 2019, section 5.1, as their code has it.) Raises ValueError for sizes that are not
    whole numbers of at least 1.
    """
    n, steps, width = whole(f"sines: n={n!r}, steps={steps!r} and width={width!r}", n, steps, width)
    rng = host_generator(whole(f"sines: seed={seed!r}", seed, least=0), DATA)
    f, p = rng.uniform(0, 0.1, (2, n, 1, width))
    x = (numpy.sin(f * numpy.arange(steps)[:, None] + p) + 1) / 2
    columns = tuple(f"sine {i + 1}" for i in range(width))
    return Sequences("sines", x.astype("float32"), columns, (0.0,) * width, (1.0,) * width)


def load_series(path, window=24, newest_first=False):
    """Every window of so many consecutive rows of a CSV file: a row is a moment, a column what was measured then.

    Columns keep their order and are scaled to [0, 1] by their least and largest number. The first row may name them.
    `newest_first` turns the rows around, so that time runs on in a window.

    Raises DataError, naming the line and the column, for a file that is not such a table: other separators than commas,
    text or NaN in a column, rows of different lengths, a column that never changes, fewer rows than a window has.
    """
    path = as_path(path)
    window = whole(f"window={window!r}: the rows of a window", window, least=2)
    kind("newest_first", newest_first, bool)
    names, rows = _table(path)
    if len(rows) < window:
        raise DataError(f"{path}: {len(rows)} row{'s' * (len(rows) > 1)}, fewer than a window of {window}: take a "
                        "smaller window, or a longer file")  # fmt: skip
    low, high = rows.min(axis=0), rows.max(axis=0)
    for name, a, b in zip(names, low, high, strict=True):
        if a == b:
            raise DataError(f"{path}: the column {name!r} is {a:g} in every row, so there is nothing to learn and no "
                            "scale: leave it out")  # fmt: skip
        if not b - a < 1e100:
            raise DataError(f"{path}: the column {name!r} runs from {a:g} to {b:g}, which is too far to be scaled")
    scaled = ((rows - low) / (high - low)).astype("float32")[:: -1 if newest_first else 1]
    x = numpy.lib.stride_tricks.sliding_window_view(scaled, window, axis=0).transpose(0, 2, 1)
    return Sequences(path.name, x, tuple(names), tuple(low.tolist()), tuple(high.tolist()), apart=window)


def by_rows(dataset):
    """The gray images of a Dataset as sequences: a row of pixels is a step. DataError for images in color."""
    kind("by_rows", dataset, Dataset, LOAD)
    if len(dataset.shape) != 2:
        raise DataError(f"{dataset.name}: images of shape {dataset.shape}, and only gray ones are read row by row")
    black, white = dataset.stored
    x = numpy.divide(dataset.images - numpy.float32(black), white - black, dtype="float32")
    width = dataset.shape[1]
    columns = tuple(f"pixel {i + 1}" for i in range(width))
    return Sequences(f"{dataset.name} by rows", x, columns, (float(black),) * width, (float(white),) * width)


def _table(path):
    """(names of the columns, rows (R, columns) float64) of the CSV file."""
    lines = csv.reader(io.StringIO(read_text(path, AT_MOST, "CSV file"), newline=""), strict=True)
    try:
        table = [(lines.line_num, row) for row in lines if row]
    except csv.Error as error:
        raise DataError(f"{path} is no CSV file in UTF-8 ({error}): save it as one") from None
    if not table:
        raise DataError(f"{path} is empty: expected a row for each moment")
    (_, first), *rest = table
    for mark, name in (";", "semicolons"), ("\t", "tabs"), ("|", "bars"):
        if any(mark in field for field in first) and (len(first) == 1 or not any(map(str.isalpha, "".join(first)))):
            raise DataError(f"{path}: its columns seem to be separated by {name}: save it with commas, and with points "
                            "in the numbers")  # fmt: skip
    headed = any(_number(field) is None for field in first)
    names = [field.strip() for field in first] if headed else [f"column {i + 1}" for i in range(len(first))]
    rows = numpy.empty((len(table) - headed, len(names)))
    for i, (line, fields) in enumerate(rest if headed else table):
        if len(fields) != len(names):
            raise DataError(f"{path}, line {line}: {len(fields)} fields, but the first line has {len(names)}")
        for j, field in enumerate(fields):
            value = _number(field)
            if value is None or not math.isfinite(value):
                what = "text, expected a number: leave that column out, or turn it into numbers"
                what = what if value is None and field.strip() else "expected a finite number: fill it, or cut that row"
                raise DataError(f"{path}, line {line}, column {names[j]!r}: {field.strip()[:40]!r}, {what}")
            rows[i, j] = value
    return names, rows


def _number(text):
    """The number that stands there, or None."""
    try:
        return float(text)
    except ValueError:
        return None
