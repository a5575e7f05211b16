import contextlib
import gc
import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from minigan import GAN, R1, Adam, BatchNorm, Dense, Dropout, LeakyReLU, Network, SpectralNorm, Tanh, use
from minigan.app.cli import choose_device
from minigan.backend import kernels, plain, threads


@pytest.fixture(params=[1, 3])
def share(request, monkeypatch):
    """So many threads, for which products and vectors are soon large."""
    monkeypatch.setattr(threads, "LARGE", 2**12)
    monkeypatch.setattr(threads, "LONG", 64)
    with use("numpy", threads=request.param):
        yield request.param


def drawn(*shape, dtype="float64"):
    return np.random.default_rng(5).standard_normal(shape).astype(dtype)


def vectors(n, dtype, count):
    return [np.abs(a) for a in drawn(count, n, dtype=dtype)]


def doubled(a):
    a *= 2


def factors(shape, turned, dtype):
    """a, b and an array for their product; each of the factors may be the transpose of an array."""
    n, i, o = shape
    a = drawn(i, n, dtype=dtype).T if turned == "a" else drawn(n, i, dtype=dtype)
    b = drawn(o, i, dtype=dtype).T if turned == "b" else drawn(i, o, dtype=dtype)
    return a, b, np.full((n, o), np.nan, dtype)


CASES = {  # what is small, on the threshold, just large, and large
    "matmul": [
        lambda dtype, shape=shape, turned=turned: factors(shape, turned, dtype)
        for shape in [(3, 4, 5), (16, 15, 17), (16, 16, 16), (32, 24, 131), (0, 4, 5), (64, 80, 1), (131, 24, 32)]
        for turned in ("", "a", "b")
    ],
    "sgd": [lambda dtype, n=n: (*vectors(n, dtype, 4), 0.1, 0.9) for n in (0, 63, 64, 131)],
    "adam": [lambda dtype, n=n: (*vectors(n, dtype, 5), 0.1, 0.5, 0.999, 1e-8) for n in (0, 63, 64, 131)],
    "leaky_relu": [lambda dtype, n=n: (drawn(n, 8, dtype=dtype), 0.2, np.ones((n, 8), dtype)) for n in (0, 2, 8, 31)],
    "leaky_relu_backward": [
        lambda dtype, n=n: (*drawn(2, n, 8, dtype=dtype), 0.2, np.ones((n, 8), bool), np.ones((n, 8), dtype))
        for n in (0, 2, 8, 31)
    ],
    "normalize": [
        lambda dtype, n=n, mean=mean: (
            drawn(n, 8, dtype=dtype),
            *np.abs(drawn(2, *(mean or (n, 1)), dtype=dtype)),
            *vectors(8, dtype, 2),
            *drawn(2, n, 8, dtype=dtype),
        )
        for n in (0, 2, 8, 31)
        for mean in ((8,), None)
    ],
    "normalize_backward": [
        lambda dtype, n=n: (*drawn(2, n, 8, dtype=dtype), *vectors(8, dtype, 3), *drawn(2, n, 8, dtype=dtype))
        for n in (0, 2, 8, 31)
    ],
    "column_sum": [lambda dtype, n=n: (drawn(n, 8, dtype=dtype), np.ones(8, dtype)) for n in (0, 2, 8, 31)],
    "column_sums": [lambda dtype, n=n: (*drawn(3, n, 8, dtype=dtype), np.ones((2, 8), dtype)) for n in (0, 2, 8, 31)],
    "column_squares": [
        lambda dtype, n=n: (
            drawn(n, 8, dtype=dtype),
            *vectors(8, dtype, 1),
            drawn(n, 8, dtype=dtype),
            np.ones(8, dtype),
        )
        for n in (0, 2, 8, 31)
    ],
    "each": [lambda dtype, n=n: (doubled, [(a,) for a in drawn(3, n, dtype=dtype)]) for n in (0, 21, 31)],
    "im2col": [lambda dtype, n=n: images(n, dtype) for n in (0, 1, 5)],
    "col2im": [lambda dtype, n=n: images(n, dtype, back=True) for n in (0, 1, 5)],
}


def images(n, dtype, back=False):
    """Images, stride, padding and columns, or the other way around."""
    x, columns = drawn(n, 5, 4, 3, dtype=dtype), drawn(n, 3, 3, 2, 2, 3, dtype=dtype)
    return (columns, (2, 1), (1, 0), x) if back else (x, (2, 1), (1, 0), columns)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", threads.TWINS)
def test_every_twin_is_its_plain_function(share, name, dtype):
    for case in CASES[name]:
        found, expected = case(dtype), case(dtype)
        returned = getattr(kernels, name)(*found)
        assert returned is (None if getattr(plain, name)(*expected) is None else found[-1])
        for a, b in zip(found[:-1], expected, strict=False):
            np.testing.assert_array_equal(a, b)
        tolerance = (
            (1e-5 if dtype == "float32" else 1e-13)
            if name in ("matmul", "column_sum", "column_sums", "column_squares")
            else 0
        )
        np.testing.assert_allclose(found[-1], expected[-1], rtol=tolerance, atol=10 * tolerance)


def test_each_part_is_worked_on_once_by_a_thread_of_its_own_under_the_callers_errstate():
    team, all_at_work = threads.Team(3), threading.Barrier(3, timeout=10)

    def work(a):
        all_at_work.wait()
        np.multiply(a, 1e200, out=a)

    for overflows in range(3):
        parts = [(np.array([1e300 if i == overflows else 1.0 + i]),) for i in range(3)]
        with np.errstate(over="raise"), pytest.raises(FloatingPointError):
            team.share(work, parts)
        with np.errstate(over="ignore"):
            team.share(work, parts := [(np.array([1e300 if i == overflows else 1.0 + i]),) for i in range(3)])
        assert [float(a[0]) for (a,) in parts] == [np.inf if i == overflows else (1.0 + i) * 1e200 for i in range(3)]


@pytest.mark.parametrize("shapes", [((64, 80), (80, 7), (64, 9)), ((64, 80), (81, 7), (64, 7))])
def test_shapes_that_do_not_fit_are_refused_whatever_the_size_and_an_out_may_overlap(share, shapes):
    for factor in (1, 10):
        a, b, out = ((n, width * factor) if i else (n, width) for i, (n, width) in enumerate(shapes))
        with pytest.raises(ValueError, match="matmul"):
            kernels.matmul(drawn(*a), drawn(*b), out=np.zeros(out))
    for overlap in 0, 1:
        both = drawn(2, 200, 200)
        expected = both[0] @ both[1]
        np.testing.assert_allclose(kernels.matmul(*both, out=both[overlap]), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("failing", [0, 3])
def test_an_error_in_any_part_is_raised_and_nobody_goes_on_writing(failing):
    begun, done = threading.Event(), []

    def work(part):
        if part == failing:
            begun.wait(10)
            raise ZeroDivisionError("in this part")
        begun.set()
        time.sleep(0.01)
        done.append(part)

    with pytest.raises(ZeroDivisionError, match="in this part"):
        threads.Team(2).share(work, [(part,) for part in range(4)])
    finished = list(done)
    time.sleep(0.05)
    assert done == finished != []


@pytest.mark.parametrize("length", [31, 32])
def test_the_parts_of_each_are_shared_if_they_are_large(share, length):
    parts, workers = [(np.zeros(length), i) for i in range(2)], set()
    together = threading.Barrier(2, timeout=10 if share > 1 and length == 32 else 0.01)

    def work(a, i):
        a += i
        workers.add(threading.current_thread())
        with contextlib.suppress(threading.BrokenBarrierError):
            together.wait()

    kernels.each(work, parts)
    assert [a.tolist() for a, _ in parts] == [[0.0] * length, [1.0] * length]
    assert together.broken != (len(workers) == 2) == (share > 1 and length == 32)


def test_where_no_thread_is_free_the_caller_does_it_all():
    team, begun, end, mine = threads.Team(3), threading.Semaphore(0), threading.Event(), []
    other = threading.Thread(target=team.share, args=(lambda: begun.release() or end.wait(), [()] * 3))
    other.start()
    for _ in range(3):
        begun.acquire()
    try:
        team.share(lambda part: mine.append((threading.current_thread(), part)), [(part,) for part in range(4)])
    finally:
        end.set()
        other.join()
    assert mine == [(threading.current_thread(), part) for part in range(4)]


def test_the_threads_of_a_team_end_with_it():
    before = set(threading.enumerate())
    team = threads.Team(3)
    team.share(lambda: None, [()] * 3)
    helpers = set(threading.enumerate()) - before
    assert len(helpers) == 2
    del team
    gc.collect()
    for helper in helpers:
        helper.join(10)
        assert not helper.is_alive()


def test_what_is_small_wakes_nobody_and_what_is_large_has_the_same_parts_for_any_number(monkeypatch):
    parts = []
    monkeypatch.setattr(threads.Team, "share", lambda team, work, given: parts.append(shapes(given)))
    monkeypatch.setattr(threads, "_count", lambda *kinds: threads.PARTS)
    a, b, out = np.zeros((2**8, 2**8)), np.zeros((2**8, 2**8)), np.zeros((2**8, 2**8))
    x = np.zeros((100, 2**13))
    for number in 1, 2, 3, 4:
        with use("numpy", threads=number):
            kernels.sgd(*np.zeros((4, threads.LONG - 1)), 0.1, 0.9)
            kernels.matmul(a, b[:, 1:], out=out[:, 1:])
            assert parts == []
            kernels.matmul(x, np.zeros((2**13, 131)), out=np.zeros((100, 131)))
            kernels.matmul(np.zeros((2**13, 2**7)), b[: 2**7, :100], out=np.zeros((2**13, 100)))
            kernels.matmul(a, b, out=out)
            columns = [(100, width) for width in (32, 32, 32, 35)]
            assert parts == [columns, [(2**11, 100)] * 4, [(256, 64)] * 4]
            parts.clear()
            kernels.sgd(*np.zeros((4, threads.LONG)), 0.1, 0.9)
            kernels.leaky_relu(x, 0.2, out=x)
            assert [len(vectors) for vectors in parts] == ([number, number] if number > 1 else [])  # of any size
            parts.clear()


def shapes(parts):
    """The shape of the last array of each part."""
    return [[a.shape for a in part if isinstance(a, np.ndarray)][-1] for part in parts]


@pytest.mark.parametrize(("rough", "counts"), [([], [1, 2, 3, 4, 5]), ([16], [4] * 5), ([24], [1, 2, 4, 4, 5])])
def test_a_product_has_a_part_for_each_thread_only_where_those_round_as_the_whole_does(monkeypatch, rough, counts):
    monkeypatch.setattr(threads, "LARGE", 2**12)
    multiply, shared = np.matmul, []

    def rounded(a, b, out=None):
        """As a BLAS that rounds in another way where there are so many rows."""
        out = multiply(a, b, out=out)
        out *= 1 + 1e-15 if len(out) in rough else 1
        return out

    monkeypatch.setattr(np, "matmul", rounded)
    monkeypatch.setattr(threads, "EDGE", 8)
    monkeypatch.setattr(threads.Team, "share", lambda team, work, parts: shared.append(len(parts)))
    a, b, out = factors((64, 24, 16), "", "float64")
    threads._count.cache_clear()
    for number, count in enumerate(counts, 1):
        with use("numpy", threads=number):
            kernels.matmul(a, b, out=out)
            assert [1, *shared][-1] == count
            if number == 2:
                kernels.matmul(a[:, ::2], b[:12], out=out)  # gaps: not looked into
                kernels.matmul(a.T, a, out=np.zeros((24, 24)))  # BLAS has another routine for a square
                assert shared[-2:] == [4, 3]  # of 24 rows there are three times 8
    threads._count.cache_clear()


def played():
    G = Network(Dense(4, 16), BatchNorm(16), LeakyReLU(), Dense(16, 6), Tanh(), dtype="float32")
    D = Network(SpectralNorm(6, 48), LeakyReLU(), Dropout(0.3), Dense(48, 1), seed=1, dtype="float32")
    adams = [Adam(network, 1e-2) for network in (G, D)]
    gan = GAN(G, D, penalty=R1(0.1), generator_optimizer=adams[0], discriminator_optimizer=adams[1])
    for _ in range(5):
        gan.step(np.tanh(drawn(32, 6, dtype="float32")))
    return np.concatenate([G.theta, D.theta, *[a.ravel() for a in G.states().values() if not isinstance(a, int)]])


def test_any_number_of_threads_plays_the_same_game_to_the_bit(share):
    with use("numpy", threads=2):
        expected = played()
    np.testing.assert_array_equal(played(), expected)


def test_the_number_of_threads_may_change_while_another_thread_computes(share):
    vectors, failed, end = CASES["sgd"][3]("float64"), [], threading.Event()

    def compute():
        try:
            while not end.is_set():
                kernels.sgd(*vectors)
                played()
        except BaseException as error:
            failed.append(error)

    other = threading.Thread(target=compute)
    other.start()
    for i in range(100):
        use("numpy", threads=1 + i % 3)
        time.sleep(0.0005)
    end.set()
    other.join()
    assert failed == []


class Blas:
    """A library that takes as many threads as it is told."""

    def __init__(self, number):
        self.num_threads = number

    def set_num_threads(self, number):
        self.num_threads = number


@pytest.fixture
def blas(monkeypatch):
    """blas(cores): what minigan finds on a machine with so many, where nobody has said anything."""

    def found(*cores):
        monkeypatch.setattr(threads, "_libraries", [Blas(number) for number in cores])
        monkeypatch.setattr(threads, "_found", list(cores))
        monkeypatch.setattr(threads, "_set", list(cores))
        monkeypatch.setattr(threads, "LEFT_ALONE", (None, list(cores)))
        for name in threads.VARIABLES:
            monkeypatch.delenv(name, raising=False)

    yield found
    monkeypatch.undo()


def now():
    """(threads of minigan's, threads of BLAS, whether a product is shared here)"""
    return threads.count(), threads.blas(), kernels.matmul is threads.matmul


@pytest.mark.parametrize("cores, count", [(1, 1), (2, 2), (16, 4)])
def test_blas_keeps_to_one_thread_and_minigan_takes_its_number(blas, cores, count):
    blas(cores)
    with use("numpy"), use("numpy"):
        assert now() == (count, [1], True)
        with use("numpy", threads=3):
            assert now() == (3, [1], True)
        assert now() == (count, [1], True)
    assert threads.blas() == [cores]


def test_what_the_user_said_counts_more(blas, monkeypatch):
    blas(8)
    use("numpy")
    threads._libraries[0].set_num_threads(3)  # as threadpool_limits(3) does
    with use("numpy"):
        assert now() == (1, [3], False)
    assert threads.blas() == [3]
    with use("numpy", threads=2):
        assert now() == (2, [1], True)
    assert threads.blas() == [3]
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    with use("numpy"):
        assert now() == (1, [8], False)
        with use("numpy", threads=2):
            assert now() == (2, [1], True)
        assert now() == (1, [8], False)
    assert choose_device("cpu") == "CPU (NumPy)" and choose_device("cpu", 3) == "CPU (NumPy, 3 threads)"


def test_a_blas_that_threadpoolctl_does_not_know_is_left_alone(blas, monkeypatch):
    monkeypatch.setattr(threads, "LARGE", 2**12)
    monkeypatch.setattr(threads, "LONG", 64)
    blas()
    with use("numpy"):
        assert now() == (1, [], False)
        for name, twin in threads.TWINS.items():  # by a thread that looked it up before
            twin(*CASES[name][-1]("float64"))
    blas(2)  # and one that was given threads again has the large products
    monkeypatch.setattr(threads.Team, "share", lambda team, work, parts: pytest.fail("shared"))
    with use("numpy", threads=2):
        threads._libraries[0].set_num_threads(2)
        kernels.matmul(*CASES["matmul"][9]("float64"))
        threads._libraries[0].set_num_threads(1)
        with pytest.raises(pytest.fail.Exception):
            kernels.matmul(*CASES["matmul"][9]("float64"))


PROGRAM = """
import numpy
from threadpoolctl import threadpool_info, threadpool_limits
number = lambda: [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]
found = number()
import minigan
print(found == number(), number())
with threadpool_limits(2):
    minigan.Network(minigan.Dense(2, 2))(numpy.ones((3, 2), "float32"))
    print(number())
print(number())
"""


@pytest.mark.parametrize("told", [None, "2"])
def test_in_a_process_that_had_imported_numpy_before(told):
    environment = {name: value for name, value in os.environ.items() if name not in threads.VARIABLES}
    environment |= {"OPENBLAS_NUM_THREADS": told} if told else {}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True)
    imported, inside, after = done.stdout.splitlines()
    assert imported.startswith("True") if told else imported.endswith(" [1]")
    assert after == imported.split(maxsplit=1)[1]
    with threadpool_limits(2):
        assert inside == str(threads.blas()[:1])


def test_a_wrong_number_of_threads_is_refused_and_changes_nothing():
    before = now()
    for number in 0, 1.5, "2":
        with pytest.raises(ValueError, match=rf"threads={number!r}: expected a whole number of at least 1"):
            use("numpy", threads=number)
    assert now() == before
    with pytest.raises(ValueError, match=r'use\("cupy", threads=2\): only NumPy\'s work is shared'):
        use("cupy", threads=2)
