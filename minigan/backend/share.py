"""A batch that ranks of MPI share: who has which samples, what they draw, and their sums.

An MPI communicator is all that this needs (mpi4py's, or what has its methods). The game that is played on a Share is
minigan/training/distributed.py.
"""

import importlib
import math
from contextlib import contextmanager

import numpy

from minigan.backend.arrays import to_numpy, xp
from minigan.backend.batch import Batch
from minigan.backend.switch import name


class Share(Batch):
    """This rank's samples of each batch of N: n of them, from number `start` on, in whole packs of m.

    Raises ValueError where there are fewer packs than ranks.
    """

    parts = 1

    def __init__(self, wire, N, m=1):
        packs, more = divmod(N // m, wire.size)
        self.wire, self.N = wire, N
        self.counts = [m * (packs + (rank < more)) for rank in range(wire.size)]
        self.n, self.start = self.counts[wire.rank], sum(self.counts[: wire.rank])
        if not packs:
            what = "samples" if m == 1 else f"packs of {m} samples"
            raise ValueError(f"a batch of {N // m} {what} cannot be shared by {wire.size} ranks: take a larger one")

    def rng(self, rng):
        return Rows(rng, self)

    def count(self, n):
        return n * self.N // self.n

    def total(self, a):
        return self.wire.add(xp.asarray(a))

    def whole(self, a):
        """The rows of all ranks, from those that are here."""
        sizes = [a.size * n // self.n for n in self.counts]  # a row may stand for a pack of samples
        pieces = [piece.reshape(self.parts, -1, *a.shape[1:]) for piece in self.wire.join(a, sizes)]
        return xp.concatenate(pieces, axis=1).reshape(-1, *a.shape[1:])

    def here(self, a):
        """The rows that are here, from those of all ranks."""
        a = a.reshape(self.parts, -1, *a.shape[1:])
        start, stop = (row * a.shape[1] // self.N for row in (self.start, self.start + self.n))
        return a[:, start:stop].reshape(-1, *a.shape[2:])

    def found(self, words):
        if not self.wire.add(numpy.asarray(float(words is not None))):
            return None
        told = self.wire.comm.allgather(words)
        rank = next(rank for rank, words in enumerate(told) if words)
        return told[rank] if len(set(told)) == 1 else f"on rank {rank}, {told[rank]}"

    @contextmanager
    def stacked(self, parts):
        before, self.parts = self.parts, parts
        try:
            yield
        finally:
            self.parts = before


class Rows:
    """A random generator of whose draws (N, ...), made for the whole batch, a share keeps its rows."""

    def __init__(self, rng, share):
        self.drawn, self.share = rng, share

    def random(self, size, dtype="float64", out=None):
        """U(0, 1). A number takes a word of NumPy's stream, one of float32 half of it: others' words are leapt over."""
        bits, share = getattr(self.drawn, "bit_generator", None), self.share
        if not hasattr(bits, "advance") or bits.state.get("has_uint32"):
            return self._here(self.drawn.random, size, out, dtype=dtype)
        out = xp.empty(size, dtype=dtype) if out is None else out
        whole, row = share.count(size[0]) // share.parts, math.prod(size[1:])
        there, each = 0, 2 if numpy.dtype(dtype) == "float32" else 1
        first = whole * share.start // share.N
        for part, numbers in enumerate((*out.reshape(share.parts, -1), xp.empty(0, dtype=dtype))):
            start = (part * whole + first * (part < share.parts)) * row
            bits.advance(start // each - there)
            self.drawn.random(start % each, dtype=dtype)
            self.drawn.random(dtype=dtype, out=numbers)
            there = -(-(start + numbers.size) // each)
        return out

    def standard_normal(self, size, dtype="float64", out=None):
        return self._here(self.drawn.standard_normal, size, out, dtype=dtype)

    def uniform(self, low, high, size):
        return self._here(lambda size: self.drawn.uniform(low, high, size), size)

    def integers(self, low, high, size):
        return self._here(lambda size: self.drawn.integers(low, high, size), size)

    def _here(self, draw, size, out=None, **dtype):
        a = self.share.here(draw((self.share.count(size[0]), *size[1:]), **dtype))
        if out is None:
            return a
        out[...] = a
        return out


class Wire:
    """An MPI communicator, for arrays of the backend in use. Those of a GPU go through pinned memory of the host.

    Only where MPI says that it takes arrays on the GPU (the kind "cuda" among MPI 4.1's mpi_memory_alloc_kinds), a
    player's dtheta is handed over as it lies there: `direct`.
    """

    def __init__(self, comm):
        self.comm, self.rank, self.size = comm, comm.Get_rank(), comm.Get_size()
        info = comm.Get_info() if name() == "cupy" else {}
        self.direct, self.pinned = "cuda" in (info.get("mpi_memory_alloc_kinds") or ""), {}

    def add(self, a):
        """a <- the sum of all ranks' a"""
        if isinstance(a, numpy.ndarray):
            self.comm.Allreduce(None, a)
        elif self.direct:
            xp.cuda.get_current_stream().synchronize()  # MPI reads at once
            self.comm.Allreduce(None, a)
        else:
            held = a.get(out=self._pinned(a))
            self.comm.Allreduce(None, held)
            a.set(held)
        return a

    def _pinned(self, a):
        """An owned array of this shape, which a GPU reads and writes by itself."""
        key = a.shape, str(a.dtype)
        if key not in self.pinned:
            empty = importlib.import_module("cupyx").empty_pinned if name() == "cupy" else numpy.empty
            self.pinned[key] = empty(a.shape, a.dtype)
        return self.pinned[key]

    def join(self, a, sizes):
        """The ranks' arrays, each as one row; `sizes` says how many numbers each has."""
        held = numpy.ascontiguousarray(to_numpy(a))
        joined = numpy.empty(sum(sizes), held.dtype)
        self.comm.Allgatherv(held, (joined, sizes))
        return [xp.asarray(piece) for piece in numpy.split(joined, numpy.cumsum(sizes)[:-1])]
