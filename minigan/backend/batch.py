"""The batch of a training step: what is drawn for each of its samples, and what is said of all of them together.

All samples are here, unless machines share them (minigan/backend/share.py). Whoever draws numbers for each
sample, or takes a mean over them, asks `batch`, and so computes the same whoever holds which samples.
"""

from contextlib import contextmanager, nullcontext
from contextvars import ContextVar

from minigan.backend.arrays import xp


class Batch:
    """All of the batch is here."""

    def rng(self, rng):
        """A generator of which each draw (N, ...) has a row for each sample that is here."""
        return rng

    def count(self, n):
        """How many rows there are on all machines, where n are here."""
        return n

    def total(self, a):
        """The sum of the machines' arrays a; it may be written into a."""
        return a

    def found(self, words):
        """What was found on any machine, in words, from what was found here; None: nothing."""
        return words

    def stacked(self, parts):
        """Within the block, what is handed over is so many batches, stacked: real samples and fakes, say."""
        return nullcontext()

    def means(self, *arrays):
        """(K, ...), the mean over its rows of each of K arrays of one shape (N, ...)."""
        return self.total(xp.stack([a.sum(axis=0) for a in arrays])) / self.count(len(arrays[0]))


class _Present:
    """Forwards to the Batch of this thread."""

    def __getattr__(self, name):
        return getattr(_shared.get(), name)


@contextmanager
def sharing(shared):
    """Within the block, `batch` is this Batch, in this thread."""
    token = _shared.set(shared)
    try:
        yield
    finally:
        _shared.reset(token)


_alone = Batch()
_shared = ContextVar("batch", default=_alone)
batch = _Present()
