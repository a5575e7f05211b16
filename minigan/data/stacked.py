"""Stacked MNIST: three random digits as the red, green and blue of one image, which makes 1,000 modes to be found.

The data of Metz et al. 2017 (section 3.3.1) in the protocol of PacGAN (Lin et al. 2018, section 4.2): 128,000 triples,
drawn once from all 70,000 digits, the training images and the test images.
"""

from dataclasses import replace

import numpy

from minigan.backend import host_generator, xp
from minigan.backend.checks import whole
from minigan.data.dataset import check_epoch
from minigan.data.mnist import mnist

TRIPLES = 128_000


def every_digit(data_dir=None):
    """All 70,000 digits of MNIST as one Dataset. Raises DataError as `mnist` does."""
    train, test = mnist("train", data_dir), mnist("test", data_dir)
    images, labels = (numpy.concatenate((getattr(train, name), getattr(test, name))) for name in ("images", "labels"))
    return replace(train, images=images, labels=labels)


class Stacked:
    """Batches x (batch_size, H, W, 3) of `count` triples of the Dataset `digits`: a source of batches for Training.

    The triples are the same for every `seed`, which is that of the order: each epoch deals every triple once, the
    remainder dropped. Only the digits are held, and a batch at a time is put together of them. Raises ValueError for a
    batch size that is not a whole number from 1 to `count`, and a seed that is none from 0 on.
    """

    def __init__(self, digits, batch_size, seed=0, count=TRIPLES):
        self.name, self.sample_shape = "stacked MNIST", (*digits.shape, 3)
        self.batch_size = whole(f"batch_size={batch_size!r}", batch_size, most=count)
        self.seed, self.rounds = whole(f"seed={seed!r}", seed, least=0), count // self.batch_size
        self.identity = {"triples": count, "sha256": digits.sha256, "range": list(digits.range)}
        self.triples = host_generator(0).integers(0, len(digits), (count, 3))
        self.scale, self.shift = digits.affine
        self.digits = xp.asarray(digits.images)
        self.x = xp.empty((self.batch_size, *self.sample_shape), dtype="float32")

    def epoch(self, e, start=0):
        """Yields x for each round of epoch e from round `start` on: one array, refilled, as `Batches.epoch` does."""
        check_epoch(e, start, self.rounds)
        order = host_generator(self.seed, e).permutation(len(self.triples))
        for k in range(start, self.rounds):
            chosen = xp.asarray(self.triples[order[k * self.batch_size : (k + 1) * self.batch_size]])
            for channel in range(3):
                gray = xp.take(self.digits, chosen[:, channel], axis=0)
                xp.multiply(gray, self.scale, out=self.x[..., channel], dtype="float32")
            self.x += self.shift
            yield self.x
