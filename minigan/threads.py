"""Large products and long vectors in parts, one for each thread: NumPy lets go of Python's lock while it computes.

BLAS shares out its products by itself unless it is told otherwise, but its threads spin while they wait for the next
one: up to a tenth faster on two idle cores, up to three times slower beside other work (benchmarks/README.md). So let
BLAS keep to one thread, OPENBLAS_NUM_THREADS=1 before NumPy is imported, and `backend.use("numpy", threads=2)`.
"""

import itertools
import os
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context

import numpy

LARGE = 2**24  # multiplications in a product, below which handing over a part costs more than it wins
LONG = 2**18  # the same for the length of a vector
MOST = 4  # handing over a part takes some 20 microseconds: more parts would be too small for it

_count, _pool = 1, None


def count():
    """How many threads share the work."""
    return _count


def default():
    """One for each core that this process may use, at most MOST; 1 where NumPy's BLAS takes no OPENBLAS_NUM_THREADS."""
    blas = numpy.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {}).get("name", "")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return 1 if "mkl" in blas or "accelerate" in blas else min(cores, MOST)


def use(threads):
    """Share the work among so many threads, the caller's included. Raises ValueError unless at least 1."""
    global _count, _pool
    if not isinstance(threads, int) or threads < 1:
        raise ValueError(f"threads={threads!r}: expected a whole number of at least 1")
    _count, _pool = threads, ThreadPoolExecutor(threads - 1) if threads > 1 else None


def in_parts(work, *vectors):
    """work(*vectors), for work that treats each entry by itself; each thread takes a part of long vectors."""
    if _count == 1 or len(vectors[0]) < LONG:
        work(*vectors)
    else:
        _share(work, vectors)


def matmul(a, b, out=None):
    """numpy.matmul; each thread computes some of the columns of a large product of arrays a, b into an out apart.

    Raises ValueError for an out of another shape.
    """
    if out is None or a.ndim != 2 or b.ndim != 2 or len(a) * b.size < LARGE or numpy.may_share_memory(a, out):
        return numpy.matmul(a, b, out=out)
    if out.shape != (len(a), b.shape[1]):
        raise ValueError(f"matmul: out has shape {out.shape}, expected {(len(a), b.shape[1])}")
    _share(lambda bT, outT: numpy.matmul(a, bT.T, out=outT.T), (b.T, out.T))
    return out


def _share(work, arrays):
    """work(*part) for a part of the arrays in each thread; an error in any of them is raised here."""
    n = len(arrays[0])
    edges = [n * i // _count for i in range(_count + 1)]
    mine, *others = [[a[start:stop] for a in arrays] for start, stop in itertools.pairwise(edges)]
    waiting = [(_pool.submit(copy_context().run, work, *part), part) for part in others]  # numpy.errstate is in there
    try:
        work(*mine)
        for future, part in waiting:
            if future.cancel():  # no core was free to begin it
                work(*part)
            else:
                future.result()
    except BaseException:  # nobody writes into the arrays any more when the caller hears of it
        wait([future for future, _ in waiting if not future.cancel()])
        raise
