"""The same round on several cores: the batch is split over threads.

Each thread plays its share of the batch with networks of its own, `Network.twin`, over the one theta; their gradients
are added up. The threads meet six times in a round. NumPy lets go of Python's lock while it computes, so they do run
side by side, each with one BLAS thread.

BLAS can use the cores by itself, product by product. Its threads then meet forty times in a round and spin while they
wait: that is as fast on an idle machine, and many times slower as soon as anything else wants a core.
benchmarks/README.md has the figures.
"""

import ctypes
import itertools
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy

from minigan import backend
from minigan.backend import xp
from minigan.gan import GAN

BLAS_SETTINGS = "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"
CHUNK = 65536  # numbers that an optimizer takes at a time: they stay in the cache


class ParallelGAN(GAN):
    """A GAN whose rounds are split over `threads`: the same losses, gradients and updates, to rounding.

    Every layer must treat each row of a batch by itself. Raises RuntimeError where `one_blas_thread()` is False.
    """

    def __init__(self, *args, threads=2, **options):
        super().__init__(*args, **options)
        if not one_blas_thread():
            raise RuntimeError("ParallelGAN needs NumPy on the CPU, with its own OpenBLAS: use GAN")
        self.threads = threads
        self._pool = ThreadPoolExecutor(max(1, threads - 1))
        self._twins = {
            player: [network, *(network.twin() for _ in range(threads - 1))] for player, network, _ in self.players()
        }

    def discriminator_step(self, x):
        n, D = len(x), self.discriminator
        D.check(x)
        z, shares = self.noise(n), self.shares(n)
        a_real, a_fake = xp.empty((n, 1), dtype=D.dtype), xp.empty((n, 1), dtype=D.dtype)
        if self.batch is None or len(self.batch) != 2 * n:
            self.batch = xp.empty((2 * n, D.n_in), dtype=D.dtype)

        def forward(G, D, rows):
            share = self.batch[2 * rows.start : 2 * rows.stop]
            k = len(share) // 2
            share[:k] = x[rows]
            share[k:] = G.forward(z[rows], training=True)
            a = D.forward(share, training=True)
            a_real[rows], a_fake[rows] = a[:k], a[k:]

        def backward(G, D, rows):
            D.backward(xp.concatenate((da_real[rows], da_fake[rows])), wrt="params")

        self.together(forward, shares)
        loss, da_real, da_fake = self.objective.discriminator(a_real, a_fake)
        self.together(backward, shares)
        self.update("discriminator", self.discriminator_optimizer)
        return loss, self.objective.probability(a_real), self.objective.probability(a_fake)

    def generator_step(self, n):
        z, shares = self.noise(n), self.shares(n)
        a = xp.empty((n, 1), dtype=self.generator.dtype)

        def forward(G, D, rows):
            a[rows] = D.forward(G.forward(z[rows], training=True), training=True)

        def backward(G, D, rows):
            G.backward(D.backward(da[rows], wrt="input"), wrt="params")

        self.together(forward, shares)
        loss, da = self.objective.generator(a)
        self.together(backward, shares)
        self.update("generator", self.generator_optimizer)
        return loss, self.objective.probability(a)

    def twins(self, player):
        return self._twins[player]

    def shares(self, n):
        """The rows of a batch of n that each thread plays, as slices."""
        edges = [n * i // self.threads for i in range(self.threads + 1)]
        return [slice(start, stop) for start, stop in itertools.pairwise(edges) if start < stop]

    def together(self, act, shares):
        """act(G, D, share) in each thread, with networks of its own; back when all are done."""
        jobs = list(zip(self.twins("generator"), self.twins("discriminator"), shares, strict=False))
        waiting = [self._pool.submit(act, *job) for job in jobs[1:]]
        act(*jobs[0])
        for job in waiting:
            job.result()

    def update(self, player, optimizer):
        """The optimizer's step, on the sum of the threads' gradients; each thread takes a part of the vectors."""
        first, *others = self.twins(player)
        optimizer.begin()

        def act(G, D, share):
            for start in range(share.start, share.stop, CHUNK):
                part = slice(start, min(start + CHUNK, share.stop))
                for other in others:
                    first.dtheta[part] += other.dtheta[part]
                optimizer.update(part)

        self.together(act, self.shares(first.theta.size))
        for network in (first, *others):
            network.forget()


def best_threads(batch_size, size):
    """How many threads pay for batches of `batch_size` and a generator of `size` parameters, on this machine.

    One for every 32 rows, but no more than there are cores; one alone where the networks are so small that the threads
    would spend their time meeting, or where `one_blas_thread()` is False.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    threads = min(cores, batch_size // 32) if size > 500_000 else 1
    return threads if threads > 1 and one_blas_thread() else 1


def one_blas_thread():
    """Whether NumPy's matrix products now use one thread each.

    Not on a GPU, with another BLAS than the OpenBLAS that NumPy's wheels carry, or where the environment asks for a
    number of threads: then that is what the user wants.
    """
    if backend.name() != "numpy":
        return False
    if any(os.environ.get(name, "") not in ("", "1") for name in BLAS_SETTINGS):
        return False
    for path in Path(numpy.__file__).parents[1].glob("numpy.libs/*openblas*"):
        library = ctypes.CDLL(str(path))
        for name in "scipy_openblas_set_num_threads64_", "scipy_openblas_set_num_threads":
            if hasattr(library, name):
                getattr(library, name)(1)
                return True
    return False
