"""Images in memory, and the batches that training draws from them."""

import hashlib
import math
from dataclasses import dataclass
from functools import cached_property
from numbers import Real

import numpy

from minigan.backend import host_generator, xp
from minigan.backend.checks import kind, whole
from minigan.data.files import IMAGES, DataError, is_images
from minigan.layers import Flatten, Reshape
from minigan.layers.layer import as_shape, in_words

LOAD = "minigan.data.load gives one"
NUMBERED = "numpy.unique(labels, return_inverse=True)[1] numbers the classes"


@dataclass(frozen=True, eq=False)
class Dataset:
    """N images on the host, gray or in color, as they were stored, and how they are handed to the networks: as rows.

    `stored` tells what black and white are in `images`, `range` what they become in the batches:

        x = low + (images - black) (high - low) / (white - black)     black, white = stored; low, high = range

    `notice` is a sentence for the user (why these data and not others), or None.

    Raises DataError for images that are not a NumPy array (N, H, W) or (N, H, W, 3), uint8 or float, finite and inside
    `stored`, for a range that is not increasing, and for labels that are not an array of one for each image.
    """

    name: str
    images: numpy.ndarray  # (N, H, W), or (N, H, W, 3): red, green and blue
    stored: tuple[float, float] = (0, 255)
    range: tuple[float, float] = (-1.0, 1.0)
    labels: numpy.ndarray | None = None  # (N,)
    notice: str | None = None

    def __post_init__(self):
        images = self.images
        for what, text in ("name", self.name), ("notice", "" if self.notice is None else self.notice):
            if not isinstance(text, str):
                raise DataError(f"the {what} of a Dataset must be a text, not {text!r:.60}")
        for what, array in ("images", images), ("labels", self.labels):
            if not isinstance(array, numpy.ndarray) and (what == "images" or array is not None):
                raise DataError(
                    f"{self.name}: {what} are a {type(array).__name__}, expected a NumPy array on the host: "
                    f"numpy.asarray({what})"
                )
        if not is_images(images.shape) or images.size == 0:
            raise DataError(f"{self.name}: images of shape {images.shape}, expected {IMAGES} with at least one pixel")
        if images.dtype != numpy.uint8 and images.dtype.kind != "f":
            raise DataError(f"{self.name}: images of dtype {images.dtype}, expected uint8 or float32")
        for what in "stored", "range":
            if not is_interval(getattr(self, what)):
                raise DataError(f"{self.name}: {what}={getattr(self, what)!r}, expected two finite numbers, low < high")
        low, high = float(images.min()), float(images.max())  # min and max of an array with a NaN are NaN
        if not math.isfinite(high - low):
            raise DataError(f"{self.name}: the images hold NaN or infinite values: clean them before training")
        black, white = self.stored
        if low < black or high > white:
            raise DataError(
                f"{self.name}: the images' values run from {low:g} to {high:g}, expected {black:g} to {white:g}: "
                "divide them by their largest value (255, say), or in code say what they are: stored=(black, white)"
            )
        if self.labels is not None and self.labels.shape != (len(images),):
            raise DataError(
                f"{self.name}: labels of shape {self.labels.shape} for {len(images)} images, expected ({len(images)},)"
            )

    def __len__(self):
        return len(self.images)

    @property
    def shape(self):
        """(H, W) of one image, (H, W, 3) of one in color."""
        return self.images.shape[1:]

    @property
    def size(self):
        """H * W, in color H * W * 3: the width of a row."""
        return math.prod(self.shape)

    @property
    def picture(self):
        """(H, W, C) of one image, as layers take it that convolve; C is 1 for gray ones."""
        return (*self.shape, 1)[:3]

    @property
    def sample_shape(self):
        """The shape of a sample as the networks see it: an image is a row."""
        return (self.size,)

    @cached_property
    def sha256(self):
        """A fingerprint of the images. A checkpoint remembers it."""
        return fingerprint(self.images)

    @cached_property
    def class_labels(self):
        """The labels as int64, 0 ... K - 1. DataError for others, where there are none, and for a K above N."""
        labels = self.labels
        if labels is None:
            raise DataError(f"{self.name} has no labels, and a conditional game and a classifier learn from labels: "
                            "take mnist or digits, or put an array 'labels' (N,) beside the images of an .npz, or in "
                            "code give them, Dataset(..., labels=labels)")  # fmt: skip
        if labels.dtype.kind not in "iu":
            raise DataError(f"{self.name}: labels are {labels.dtype}, expected integers 0 ... K - 1: {NUMBERED}")
        if labels.min() < 0 or labels.max() >= len(labels):
            raise DataError(
                f"{self.name}: labels from {labels.min()} to {labels.max()}, expected integers 0 ... K - 1, and no "
                f"more classes than the {len(labels)} images: {NUMBERED}"
            )
        return labels.astype("int64")

    @property
    def classes(self):
        """How many classes there are, K. Raises DataError as `class_labels` does."""
        return int(self.class_labels.max()) + 1

    @property
    def affine(self):
        """(scale, shift) of x = scale * images + shift, which takes `stored` to `range`."""
        (black, white), (low, high) = self.stored, self.range
        scale = (high - low) / (white - black)
        return scale, low - scale * black

    def rows(self, index=slice(None)):
        """Images [index] as float32 rows (n, size) in `range`, on the host, a new array. DataError for no index."""
        scale, shift = self.affine
        try:
            images = self.images[index].reshape(-1, self.size)
        except (IndexError, TypeError, ValueError) as error:
            raise DataError(f"{self.name}: {index!r:.60} is no index of {len(self)} images ({error})") from None
        rows = numpy.multiply(images, scale, dtype="float32")
        rows += shift
        return rows

    def check_generator(self, network):
        """Raises ValueError unless the network's outputs have the shape of a sample and the range of these images."""
        if as_shape(network.n_out) != self.sample_shape:
            raise ValueError(
                f"the generator's output has {in_words(as_shape(network.n_out))}, but an image of {self.name} is "
                f"{'x'.join(map(str, self.shape))} = {self.size}: give its last Dense layer {self.size} outputs"
            )
        low, high = self.range
        last = [layer for layer in network.leaves() if not isinstance(layer, Flatten | Reshape)][-1]
        if last.range is None or tuple(last.range) != (low, high):
            bounds = f"({last.range[0]:g}, {last.range[1]:g})" if last.range else None
            raise ValueError(
                f"the generator ends in {type(last).__name__}, whose outputs "
                f"{f'lie in {bounds}' if bounds else 'are not bounded'}, but the images of {self.name} are handed over "
                f"in ({low:g}, {high:g}): {f'load them with range={bounds}, or ' if bounds else ''}"
                "end it in Tanh, for range=(-1, 1), or in Sigmoid, for range=(0, 1)"
            )


class Batches:
    """The rounds of each epoch: every image once, in batches of `batch_size`, the remainder dropped.

    The order is a function of (seed, epoch) alone: training that starts again at round k of an epoch sees what it
    would have seen. The images lie on the device as they were stored (MNIST: 47 MB as uint8, 188 as float32).
    With `labeled`, for conditional games, a batch is a pair: the images and their labels.

    A source of batches is anything with the same `name`, `sample_shape`, `batch_size`, `rounds` in an epoch, `identity`
    (a dict that tells the data from others) and `epoch(e, start)`.

    Raises ValueError for a batch size that is not a whole number from 1 to N, and a seed that is none from 0 on, and
    DataError for labels that the Dataset does not have.
    """

    def __init__(self, dataset, batch_size, seed=0, labeled=False):
        self.n = len(kind("Batches", dataset, Dataset, LOAD))
        self.batch_size = whole(f"{dataset.name}: batch_size={batch_size!r}", batch_size, most=self.n)
        self.seed = whole(f"seed={seed!r}", seed, least=0)
        self.dataset, self.name, self.sample_shape = dataset, dataset.name, dataset.sample_shape
        self.rounds = self.n // self.batch_size  # in an epoch
        self.scale, self.shift = dataset.affine
        self.images = xp.asarray(dataset.images.reshape(self.n, dataset.size))  # (N, size)
        self.x = xp.empty((self.batch_size, dataset.size), dtype="float32")
        self.labels = xp.asarray(dataset.class_labels) if kind("labeled", labeled, bool) else None

    @property
    def identity(self):
        """What tells these images, and their labels, from others."""
        data = self.dataset
        said = {"images": len(data), "sha256": data.sha256, "shape": list(data.shape), "range": list(data.range)}
        return said if self.labels is None else said | {"labels": fingerprint(data.class_labels)}

    def epoch(self, e, start=0):
        """Yields x (batch_size, size), float32, or (x, y), y (batch_size,), for each round of epoch e from `start` on.

        x is one and the same array, refilled each round: valid until the next one, copy it to keep it.
        """
        check_epoch(e, start, self.rounds)
        order = xp.asarray(host_generator(self.seed, e).permutation(self.n))
        for k in range(start, self.rounds):
            index = order[k * self.batch_size : (k + 1) * self.batch_size]
            # no out=: given one, NumPy's take makes the same temporary and copies it
            xp.multiply(xp.take(self.images, index, axis=0), self.scale, out=self.x, dtype="float32")
            self.x += self.shift
            yield self.x if self.labels is None else (self.x, xp.take(self.labels, index))


def fingerprint(array):
    """SHA-256 of an array's dtype, shape and bytes."""
    digest = hashlib.sha256(f"{array.dtype.str}{array.shape}".encode())
    digest.update(numpy.ascontiguousarray(array))
    return digest.hexdigest()


def parts(batch):
    """(x,) or (x, y) of what a source of batches yields: x, or with labels a pair."""
    return batch if isinstance(batch, tuple) else (batch,)


def numbers(what, values):
    """The values as a new float64 array on the host. Raises ValueError for what is not an array of finite numbers."""
    try:
        array = numpy.asarray(values)
    except (TypeError, ValueError):  # rows of several lengths
        array = numpy.empty(0, object)
    array = array.astype("float64") if array.dtype.kind in "fiub" else numpy.full(1, numpy.nan)
    if not (abs(array) < 1e100).all():
        raise ValueError(f"{what}={values!r:.60}: expected finite numbers in an array")
    return array


def check_epoch(e, start, rounds):
    """Raises ValueError unless there is a round `start` of epoch e, or start == rounds, its end."""
    whole(f"epoch={e!r}", e, least=0)
    whole(f"epoch {e}: start={start!r}, of its rounds,", start, least=0, most=rounds)


def is_interval(pair):
    """Whether this is a pair of finite numbers, low < high."""
    pair = pair if isinstance(pair, tuple | list) else ()
    return len(pair) == 2 and all(isinstance(x, Real) for x in pair) and -math.inf < pair[0] < pair[1] < math.inf
