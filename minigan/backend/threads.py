"""Large products and long vectors in parts, shared among threads: NumPy lets go of Python's lock while it computes.

BLAS shares out its products by itself, but its threads spin while they wait for the next one: up to a tenth faster on
two idle cores, several times slower beside other work (benchmarks/README.md), thirty times where products are small. So
from `import minigan` on NumPy's BLAS keeps to one thread, and threads that sleep share what is large. This is the one
place that decides about it. What the user says himself counts more:

    OPENBLAS_NUM_THREADS=2, or another of VARIABLES   BLAS is left alone and shares the work as it is told
    use("numpy", threads=3)                           three threads share it here, and BLAS keeps to one
    threadpoolctl.threadpool_limits(2)                after the import: BLAS takes two, and is left the large products

A large product is computed in the same PARTS whatever the number of threads, because BLAS rounds a part of a product in
another way than the whole: the same seed gives the same bits on one thread or four.
"""

import itertools
import os
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context

import numpy
from threadpoolctl import ThreadpoolController

from minigan.backend import plain

LARGE = 2**24  # multiplications in a product, below which handing over a part costs more than it wins
LONG = 2**18  # the same for the length of a vector
PARTS = 4  # handing over a part takes some 20 microseconds: more parts would be too small for it
EDGE = 16  # a part of a product begins at a multiple: BLAS takes so many rows or columns at a time, or fewer
VARIABLES = "OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"

_libraries = ThreadpoolController().select(user_api="blas").lib_controllers  # NumPy's, which is loaded by now
_team = None


class Team:
    """So many threads, the caller's included. Raises ValueError unless it is a whole number of at least 1."""

    def __init__(self, threads):
        if not isinstance(threads, int) or threads < 1:
            raise ValueError(f"threads={threads!r}: expected a whole number of at least 1")
        self.threads = threads
        self.pool = ThreadPoolExecutor(threads - 1) if threads > 1 else None

    def share(self, work, parts):
        """work(*part) for each of the parts; an error in any of them is raised here."""
        left = iter(parts)

        def take():
            for part in left:  # whoever is free takes the next one: no core needs to be
                work(*part)

        helpers = [self.pool.submit(copy_context().run, take) for _ in range(self.threads - 1)]  # with numpy.errstate
        try:
            take()
        finally:  # nobody writes into the arrays any more when the caller goes on
            begun = [helper for helper in helpers if not helper.cancel()]
            wait(begun)
        for helper in begun:
            helper.result()


def count():
    """How many threads of minigan's share the work."""
    return _team.threads if _team else 1


def blas():
    """How many threads each BLAS in this process takes now, as far as threadpoolctl knows it."""
    return [library.num_threads for library in _libraries]


_found = _set = blas()
LEFT_ALONE = None, _found  # no team, and BLAS as it was found


def wanted(threads=None):
    """(team, threads of each BLAS) for use("numpy", threads); the team is None where BLAS was told how many it takes.

    Without a number, the team has a thread for each that BLAS took when it was found, at most PARTS.
    """
    if threads is None:
        if not _libraries or any(name in os.environ for name in VARIABLES):
            return LEFT_ALONE
        if blas() != _set:
            return None, blas()
        threads = min(PARTS, max(_found))
    return Team(threads), [1] * len(_libraries)


def current():
    """(team, threads of each BLAS) as it is now."""
    return _team, blas()


def change(team, numbers, loops):
    """Let this team share the work, and each BLAS take so many threads. Returns the twins of the named functions.

    `loops` are those that one thread has by itself, minigan/backend/compiled.py's or {}.
    """
    global _team, _set
    _team, _set = team, numbers
    for library, number in zip(_libraries, numbers, strict=True):
        library.set_num_threads(number)
    return loops | shared(loops) if team else loops


def in_parts(update):
    """The twin of an update of vectors, entry by entry."""

    def shared(theta, *rest):
        team = _team
        if len(theta) < LONG or team is None:
            return update(theta, *rest)
        vectors = [theta, *(a for a in rest if isinstance(a, numpy.ndarray))]
        numbers = rest[len(vectors) - 1 :]
        return team.share(lambda *part: update(*part, *numbers), _split(vectors, 1))

    return shared


def matmul(a, b, out):
    """The twin of a product, in parts of its rows or columns, of which it has more: each reads the other factor whole.

    Raises ValueError for an out of another shape.
    """
    team = _team
    if a.ndim != 2 or b.ndim != 2 or len(a) * b.size < LARGE or team is None or max(blas(), default=1) > 1:
        return plain.matmul(a, b, out)
    if numpy.may_share_memory(a, out) or numpy.may_share_memory(b, out):
        return plain.matmul(a, b, out)
    if out.shape != (len(a), b.shape[1]):
        raise ValueError(f"matmul: out has shape {out.shape}, expected {(len(a), b.shape[1])}")
    if len(out) > len(out.T):
        team.share(lambda a, out: numpy.matmul(a, b, out=out), _split((a, out), EDGE))
    else:
        team.share(lambda bT, outT: numpy.matmul(a, bT.T, out=outT.T), _split((b.T, out.T), EDGE))
    return out


def _split(arrays, edge):
    """PARTS parts of each array, which begin at multiples of `edge`; fewer of an array that is too short."""
    n = len(arrays[0])
    edges = sorted({n * i // PARTS // edge * edge for i in range(PARTS)} | {n})
    return [[a[start:stop] for a in arrays] for start, stop in itertools.pairwise(edges)]


def shared(loops):
    """The twins of a team: it shares products, and the updates as these loops do them, or plain."""
    return {"matmul": matmul} | {name: in_parts(loops.get(name) or getattr(plain, name)) for name in ("sgd", "adam")}


TWINS = shared({})
