"""Images in memory, and the batches that training draws from them."""

import hashlib
import math
from dataclasses import dataclass
from functools import cached_property

import numpy

from minigan.backend import host_generator, xp
from minigan.files import DataError


@dataclass(frozen=True, eq=False)
class Dataset:
    """N gray images on the host, as they were stored, and how they are handed to the networks.

    `stored` tells what black and white are in `images`, `range` what they become in the batches:

        x = low + (images - black) (high - low) / (white - black)     black, white = stored; low, high = range

    `notice` is a sentence for the user (why these data and not others), or None.

    Raises DataError for images that are not (N, H, W), uint8 or float, finite and inside `stored`, for a
    range that is not increasing, and for labels that are not one for each image.
    """

    name: str
    images: numpy.ndarray  # (N, H, W)
    stored: tuple[float, float] = (0, 255)
    range: tuple[float, float] = (-1.0, 1.0)
    labels: numpy.ndarray | None = None  # (N,)
    notice: str | None = None

    def __post_init__(self):
        images = self.images
        if images.ndim != 3 or images.size == 0:
            raise DataError(f"{self.name}: images of shape {images.shape}, expected (N, H, W) with at least one pixel")
        if images.dtype != numpy.uint8 and images.dtype.kind != "f":
            raise DataError(f"{self.name}: images of dtype {images.dtype}, expected uint8 or float32")
        for what in "stored", "range":
            low, high = getattr(self, what)
            if not -math.inf < low < high < math.inf:
                raise DataError(f"{self.name}: {what}=({low}, {high}), expected two finite numbers, low < high")
        low, high = float(images.min()), float(images.max())  # min and max of an array with a NaN are NaN
        if not math.isfinite(high - low):
            raise DataError(f"{self.name}: the images hold NaN or infinite values: clean them before training")
        black, white = self.stored
        if low < black or high > white:
            raise DataError(
                f"{self.name}: the images' values run from {low:g} to {high:g}, "
                f"expected {black:g} to {white:g}: "
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
        """(H, W) of one image."""
        return self.images.shape[1:]

    @property
    def size(self):
        """H * W, the width of a row."""
        return math.prod(self.shape)

    @cached_property
    def sha256(self):
        """A fingerprint of the images: dtype, shape and bytes. A checkpoint remembers it."""
        digest = hashlib.sha256(f"{self.images.dtype.str}{self.images.shape}".encode())
        digest.update(numpy.ascontiguousarray(self.images))
        return digest.hexdigest()

    @property
    def affine(self):
        """(scale, shift) of x = scale * images + shift, which takes `stored` to `range`."""
        (black, white), (low, high) = self.stored, self.range
        scale = (high - low) / (white - black)
        return scale, low - scale * black

    def rows(self, index=slice(None)):
        """Images [index] as float32 rows (n, H*W) in `range`, on the host: a new array."""
        scale, shift = self.affine
        rows = numpy.multiply(self.images[index].reshape(-1, self.size), scale, dtype="float32")
        rows += shift
        return rows

    def check_generator(self, network):
        """Raises ValueError unless the network's outputs have the width and the range of these images."""
        if network.n_out != self.size:
            raise ValueError(
                f"the generator's output is {network.n_out} wide, but an image of {self.name} is "
                f"{self.shape[0]}x{self.shape[1]} = {self.size}: "
                f"give its last Dense layer {self.size} outputs"
            )
        last, low, high = network.layers[-1], *self.range
        if last.range is None:
            raise ValueError(
                f"the generator ends in {type(last).__name__}, whose outputs are not bounded, "
                f"but the images of {self.name} are handed over in [{low:g}, {high:g}]: "
                "end it in Tanh, for range=(-1, 1), or in Sigmoid, for range=(0, 1)"
            )
        if tuple(last.range) != tuple(self.range):
            raise ValueError(
                f"the generator ends in {type(last).__name__}, whose outputs lie in "
                f"[{last.range[0]:g}, {last.range[1]:g}], but the images of {self.name} are handed over in "
                f"[{low:g}, {high:g}]: load them with range=({last.range[0]:g}, {last.range[1]:g}), "
                "or end the generator in Tanh, for (-1, 1), or Sigmoid, for (0, 1)"
            )


class Batches:
    """The rounds of each epoch: every image once, in batches of `batch_size`, the remainder dropped.

    The order is a function of (seed, epoch) alone: training that starts again at round k of an epoch sees what it
    would have seen.

    The images lie on the device as they were stored (MNIST: 47 MB as uint8, 188 as float32).

    Raises ValueError for a batch size that is not 1 to N.
    """

    def __init__(self, dataset, batch_size, seed=0):
        if not 1 <= batch_size <= len(dataset):
            raise ValueError(
                f"batch_size={batch_size}: expected 1 to {len(dataset)}, the number of images in {dataset.name}"
            )
        self.batch_size = batch_size
        self.seed = seed
        self.n = len(dataset)
        self.rounds = self.n // batch_size  # in an epoch
        self.scale, self.shift = dataset.affine
        self.images = xp.asarray(dataset.images.reshape(self.n, dataset.size))  # (N, H*W)
        self.x = xp.empty((batch_size, dataset.size), dtype="float32")

    def epoch(self, e, start=0):
        """Yields x (batch_size, H*W), float32, for each round of epoch e from round `start` on.

        It is one and the same array, refilled each round: valid until the next one, copy it to keep it.
        """
        if not 0 <= start <= self.rounds:
            raise ValueError(f"epoch {e}: start={start}, expected 0 to {self.rounds}, the rounds of an epoch")
        order = xp.asarray(host_generator(self.seed, e).permutation(self.n))
        for k in range(start, self.rounds):
            index = order[k * self.batch_size : (k + 1) * self.batch_size]
            # no out=: given one, NumPy's take makes the same temporary and copies it
            xp.multiply(xp.take(self.images, index, axis=0), self.scale, out=self.x, dtype="float32")
            self.x += self.shift
            yield self.x
