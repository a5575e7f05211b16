"""Many machines: n ranks play one game, each on its share of every batch, and compute what one machine would.

Each loss is a mean over the N samples of a batch. So its gradient is a sum over samples, and the sum of what each rank
makes of its own: with the rows of rank r, and g_r the mean of dl_i/dtheta over its n_r samples,

    dL/dtheta = 1/N sum over i of dl_i/dtheta = sum over r of (sum over the i of r of dl_i/dtheta / N)
              = sum over r of (n_r / N) g_r,      the mean of the g_r, weighted by their counts

One Allreduce of dtheta, between the gradient and the step, and all ranks take the step that one machine would take.
What is no function of single samples asks `batch` (minigan/backend/batch.py), which is a `Share` here:

- a draw for each sample is drawn for the whole batch on every rank, which keeps its rows;
- D's outputs, two numbers a sample, come together on every rank (`OfTheWhole`): so each computes the losses of the
  whole batch, V and what a `Round` says, and goes backward from its rows of dL/da, in which the 1/N stands already;
- a mean over the batch (batch normalization, and its backward) is a sum over ranks of sums over rows.

docs/many-machines.md has the derivation and what it costs.
"""

import importlib
import math
from contextlib import contextmanager

import numpy

from minigan import backend
from minigan.backend import to_numpy, xp
from minigan.backend.batch import Batch, sharing
from minigan.gan import GAN
from minigan.training.guard import Guard


class DistributedGAN(GAN):
    """The game of a `gan`, each batch of which the ranks of an MPI communicator share; `gan` is used no more.

    Every rank hands `step` the whole batch, and has the same theta before and after it. Raises ValueError for a batch
    of fewer samples, or packs of samples, than there are ranks.
    """

    def __init__(self, gan, comm):
        vars(self).update(vars(gan))
        self.wire = Wire(comm)
        for _, _, optimizer in self.players():  # a guard looks at what is here: it can say where it came from
            guards = [hung for hung in optimizer.between if isinstance(getattr(hung, "__self__", None), Guard)]
            others = [hung for hung in optimizer.between if hung not in guards]
            optimizer.between[:] = [*guards, self.add_up, *others]

    def add_up(self, network):
        """dtheta <- the sum over the ranks."""
        self.wire.add(network.dtheta)

    def step(self, x, y=None):
        n, left = divmod(len(x), self.k)
        if left or n % self.discriminator.rows:
            return super().step(x, y)  # which says what is wrong
        share = Share(self.wire, n, self.discriminator.rows)
        with sharing(share):
            with share.stacked(self.k):
                x, *labels = (share.here(a) for a in (x, y) if a is not None)
            objective, self.objective = self.objective, OfTheWhole(self.objective, share)
            try:
                return super().step(x, *labels)
            finally:
                self.objective = objective


class OfTheWhole:
    """The `objective` of a round, for which D's outputs of all ranks come together; derivatives are of rows here."""

    def __init__(self, objective, share):
        self.objective, self.share, self.known = objective, share, []

    def __getattr__(self, name):
        return getattr(self.objective, name)

    def told(self, y):
        """As the objective's own, which is told the labels of all samples; D is given those that are here."""
        if y is None:
            return self, None
        objective, given = self.objective.told(self.share.whole(y))
        return OfTheWhole(objective, self.share), None if given is None else y

    def discriminator(self, *outputs):
        return self._played(self.objective.discriminator, outputs)

    def generator(self, *outputs):
        return self._played(self.objective.generator, outputs)

    def value(self, loss, *outputs):
        return self.objective.value(loss, *map(self._whole, outputs))

    def probability(self, a):
        return self.objective.probability(self._whole(a))

    def _played(self, play, outputs):
        self.known = []  # what came before was of another step
        loss, *derivatives = play(*map(self._whole, outputs))
        return loss, *map(self.share.here, derivatives)

    def _whole(self, a):
        for mine, whole in self.known:
            if mine is a:
                return whole
        self.known.append((a, self.share.whole(a)))
        return self.known[-1][1]


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
        told = self.wire.tell(words)
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
        info = comm.Get_info() if backend.name() == "cupy" else {}
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
            empty = importlib.import_module("cupyx").empty_pinned if backend.name() == "cupy" else numpy.empty
            self.pinned[key] = empty(a.shape, a.dtype)
        return self.pinned[key]

    def join(self, a, sizes):
        """The ranks' arrays, each as one row; `sizes` says how many numbers each has."""
        held = numpy.ascontiguousarray(to_numpy(a))
        joined = numpy.empty(sum(sizes), held.dtype)
        self.comm.Allgatherv(held, (joined, sizes))
        return [xp.asarray(piece) for piece in numpy.split(joined, numpy.cumsum(sizes)[:-1])]

    def tell(self, thing):
        """What each rank tells the others, rank after rank."""
        return self.comm.allgather(thing)
