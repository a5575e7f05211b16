"""Large products and long vectors in parts, shared among threads: NumPy releases Python's lock to compute.

BLAS shares out its products by itself, but its threads spin while they wait for the next one: up to a tenth faster on
two idle cores, several times slower beside other work (benchmarks/README.md), thirty times where products are small. So
from `import minigan` on NumPy's BLAS uses one thread, and threads that sleep share large work. Only this file decides
about threads. The user's own settings take precedence:

    OPENBLAS_NUM_THREADS=2, or another of VARIABLES   BLAS is left alone and uses so many threads itself
    use("numpy", threads=3)                           three threads share it here, and BLAS uses one
    threadpoolctl.threadpool_limits(2)                after the import: BLAS takes two, and has the large products

The same seed gives the same bits on one thread or four. BLAS may round a part of a product differently from the whole.
Then a large product has the same PARTS for any number of threads. Where BLAS is seen to round both alike, there is one
part for each thread, and a single thread computes the whole.
"""

import functools
import inspect
import itertools
import os
import weakref
from contextvars import copy_context
from queue import SimpleQueue
from threading import Thread

import numpy
from threadpoolctl import ThreadpoolController

from minigan.backend import moments, pairs, plain

LARGE = 2**24  # multiplications in a product: with fewer, handing over a part costs more than it gains
LONG = 2**18  # the same for the length of a vector
PARTS = 4  # handing over a part takes some 20 microseconds: more parts would be too small for it
LOOKS = 300_000  # of a waiting thread, before it sleeps: some 200 microseconds
REST = 15_000  # further looks once it has seen something: some 10 microseconds
EDGE = 16  # a part of a product begins at a multiple: BLAS takes so many rows or columns at a time, or fewer
SAMPLEWISE = (
    plain.leaky_relu, plain.leaky_relu_backward, plain.sgd, plain.adam, plain.im2col, plain.col2im,
    moments.normalize, moments.normalize_backward,
)  # fmt: skip
SUMS = plain.column_sum, moments.column_sums, moments.column_squares
VARIABLES = "OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"

_libraries = ThreadpoolController().select(user_api="blas").lib_controllers  # NumPy's, which is loaded by now
_team = None


class Team:
    """A number of threads, the caller's included. Raises ValueError unless it is a whole number of at least 1.

    A thread that waits for another sleeps, and waking it takes longer than a small product. So it first looks for a
    while whether the other is done, if there is a compiled `look` (minigan/backend/compiled.py).
    """

    def __init__(self, threads, look=None):
        if not isinstance(threads, int) or threads < 1:
            raise ValueError(f"threads={threads!r}: expected a whole number of at least 1")
        self.threads, self.look = threads, look

    @functools.cached_property
    def jobs(self):
        """The queue of work for the helpers, which start at its first use and end with the team."""
        jobs = Waiting(self.look)
        for _ in range(self.threads - 1):
            Thread(target=_help, args=(jobs,), daemon=True).start()
            weakref.finalize(self, jobs.put, None)
        return jobs

    def share(self, work, parts):
        """work(*part) for each of the parts, a list; an error in any of them is raised here."""
        left, done, mine = iter(parts), Waiting(self.look), 0
        for _ in range(self.threads - 1):
            self.jobs.put((copy_context(), work, left, done))  # with numpy.errstate
        try:
            for part in left:  # any free thread takes the next one; no core has to be free
                mine += 1
                work(*part)
        finally:  # no thread writes into the arrays any more when the caller goes on
            theirs = len(parts) - mine - len(list(left))
            errors = [done.get() for _ in range(theirs)]
        for error in filter(None, errors):
            raise error


class Waiting:
    """A queue whose reader looks for the next item for a while, and then sleeps."""

    def __init__(self, look):
        self.queue, self.look, self.words = SimpleQueue(), look, numpy.zeros(16, "int64")

    def put(self, thing):
        self.queue.put(thing)
        self.words[0] += 1

    def get(self):
        seen = int(self.words[0])
        if self.look and self.queue.empty():
            self.look(self.words, 0, seen, LOOKS, REST)
        return self.queue.get()


def _help(jobs):
    for context, work, left, done in iter(jobs.get, None):
        for part in left:
            try:
                context.run(work, *part)
                done.put(None)
            except BaseException as error:
                done.put(error)
        del context, work, left, done


def count():
    """How many of minigan's threads share the work."""
    return _team.threads if _team else 1


def blas():
    """How many threads each BLAS in this process takes now, as far as threadpoolctl knows it."""
    return [library.num_threads for library in _libraries]


_found = _set = blas()
LEFT_ALONE = None, _found  # no team, and BLAS as it was found


def wanted(threads=None, look=None):
    """(team, threads of each BLAS) for use("numpy", threads); the team is None where BLAS was told how many it takes.

    Without a number, the team has a thread for each that BLAS took when it was found, at most PARTS.
    """
    if threads is None:
        if not _libraries or any(name in os.environ for name in VARIABLES):
            return LEFT_ALONE
        if blas() != _set:
            return None, blas()
        threads = min(PARTS, max(_found))
    return Team(threads, look), [1] * len(_libraries)


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


def each(function, parts):
    """The twin of a loop over parts, which are shared whole, and so rounded as without threads."""
    if _team is None or sum(a.size for part in parts for a in part if isinstance(a, numpy.ndarray)) < LONG:
        return pairs.each(function, parts)
    _team.share(function, parts)


def in_parts(function, sums=False):
    """The twin of a function of arrays which works sample by sample, or number by number, or sums over the samples.

    Every part gets the whole of a vector that stands beside arrays of more axes, as gamma beside x. A sum is rounded
    as its parts are, and so has PARTS for any number of threads.
    """
    returns = "out" in inspect.signature(function).parameters

    @functools.wraps(function)
    def shared(*args, out=None):
        team, args = _team, args if out is None else (*args, out)
        given = args[:-1] if sums else args
        divided = [isinstance(a, numpy.ndarray) and a.ndim >= min(2, args[0].ndim) for a in given]
        arrays = list(itertools.compress(given, divided))
        alike = len({a.shape[:1] for a in arrays}) == 1 and arrays[0].ndim
        count = team and (PARTS if sums else team.threads)
        if count in (None, 1) or not alike or max(a.size for a in arrays) < LONG:
            return function(*args)
        parts = iter(zip(*_split(arrays, 1, count), strict=True))
        given = [next(parts) if apart else itertools.repeat(a) for a, apart in zip(given, divided, strict=True)]
        if sums:
            given.append(found := numpy.zeros((count, *args[-1].shape), args[-1].dtype))
        team.share(function, list(zip(*given, strict=False)))
        if sums:
            numpy.sum(found, axis=0, out=args[-1])
        return args[-1] if returns else None

    return shared


def matmul(a, b, out):
    """The twin of a product, in parts of its rows or of its columns, whichever are more; each reads the other factor.

    Raises ValueError for an out of another shape.
    """
    team = _team
    if a.ndim != 2 or b.ndim != 2 or len(a) * b.size < LARGE or team is None or max(blas(), default=1) > 1:
        return plain.matmul(a, b, out)
    if numpy.may_share_memory(a, out) or numpy.may_share_memory(b, out):
        return plain.matmul(a, b, out)
    if out.shape != (len(a), b.shape[1]):
        raise ValueError(f"matmul: out has shape {out.shape}, expected {(len(a), b.shape[1])}")
    square = numpy.may_share_memory(a, b)  # of which BLAS computes but one half
    count = PARTS if square else _count(team.threads, _kind(a), _kind(b))
    if count == 1:
        return plain.matmul(a, b, out)
    team.share(numpy.matmul, _products(a, b, out, count))
    return out


def _products(a, b, out, count):
    """So many parts of a product, as arguments of numpy.matmul."""
    if len(out) > len(out.T):
        return [(part, b, here) for part, here in _split((a, out), EDGE, count)]
    return [(a, part.T, here.T) for part, here in _split((b.T, out.T), EDGE, count)]


@functools.lru_cache(1024)
def _count(threads, *kinds):
    """The parts of a product of two such arrays: one for each thread if they are rounded as the whole is, else PARTS.

    One product of random numbers shows which. If PARTS parts are not rounded as the whole is, it is always PARTS.
    """
    if not all(packed for *_, packed in kinds):
        return PARTS
    numbers = numpy.random.default_rng(0).random(9973)
    a, b = (numpy.resize(numbers, shape).astype(dtype, order) for shape, dtype, order, _ in kinds)
    parts = numpy.empty_like(whole := numpy.matmul(a, b))
    for count in PARTS, threads:
        for part in _products(a, b, parts, count):
            numpy.matmul(*part)
        if not numpy.array_equal(whole, parts):
            return PARTS
    return threads


def _kind(a):
    """Shape, type and order of an array, and whether it has no gaps."""
    return a.shape, a.dtype, "C" if a.flags.c_contiguous else "F", a.flags.forc


def _split(arrays, edge, count):
    """So many parts of each array, which begin at multiples of `edge`; fewer of an array that is too short."""
    n = len(arrays[0])
    edges = sorted({n * i // count // edge * edge for i in range(count)} | {n})
    return [[a[start:stop] for a in arrays] for start, stop in itertools.pairwise(edges)]


def shared(loops):
    """The twins of a team: products in parts, and the rest in parts, by these loops or by the plain functions."""
    parts = {f.__name__: in_parts(loops.get(f.__name__, f), f in SUMS) for f in SAMPLEWISE + SUMS}
    return {"matmul": matmul, "each": each} | parts


TWINS = shared({})
