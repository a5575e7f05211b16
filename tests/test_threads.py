import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from minigan import GAN, R1, Adam, BatchNorm, Dense, Dropout, LeakyReLU, Network, SpectralNorm, Tanh, threads, use
from minigan.backend import xp

TRAIN = Path(__file__).resolve().parents[1] / "scripts" / "train_mnist.py"


@pytest.fixture(params=[2, 3, 4])
def share(request, monkeypatch):
    """So many threads, to which no product and no vector is too small."""
    monkeypatch.setattr(threads, "LARGE", 0)
    monkeypatch.setattr(threads, "LONG", 0)
    with use("numpy", threads=request.param):
        yield request.param


def drawn(*shape):
    return np.random.default_rng(5).standard_normal(shape)


@pytest.mark.parametrize(
    "a, b",
    [
        (drawn(6, 5), drawn(5, 7)),
        (drawn(6, 5).T, drawn(6, 4)),
        (drawn(6, 7), drawn(5, 7).T),
        (drawn(6, 5), drawn(5, 1)),
    ],
    ids=["x W", "x.T dy", "dy W.T", "fewer columns than threads"],
)
def test_a_shared_product_is_the_product(share, a, b):
    out = np.full((len(a), b.shape[1]), np.nan)
    assert xp.matmul(a, b, out=out) is out
    np.testing.assert_allclose(out, a @ b, rtol=1e-13, atol=1e-13)


def test_vectors_and_products_without_out_are_numpys_own(share):
    a, b = drawn(3, 4), drawn(4)
    np.testing.assert_array_equal(xp.matmul(a, b), a @ b)
    np.testing.assert_array_equal(xp.matmul(drawn(2, 3, 4), b, out=np.empty((2, 3))), drawn(2, 3, 4) @ b)


def test_each_entry_is_worked_on_once_and_by_several_threads(share):
    total, all_at_work = np.zeros(10), threading.Barrier(share, timeout=10)

    def work(part, numbers):
        all_at_work.wait()
        part += numbers

    threads.in_parts(work, total, np.arange(10.0))
    np.testing.assert_array_equal(total, np.arange(10.0))


def test_what_is_small_is_not_shared(monkeypatch):
    with use("numpy", threads=2):
        monkeypatch.setattr(threads, "_share", lambda work, arrays: pytest.fail("shared"))
        threads.in_parts(lambda vector: None, np.zeros(threads.LONG - 1))
        a, b = np.zeros((2**8, 2**8)), np.zeros((2**8, 2**8 - 1))
        xp.matmul(a, b, out=np.zeros((2**8, 2**8 - 1)))
        with pytest.raises(pytest.fail.Exception):
            threads.in_parts(lambda vector: None, np.zeros(threads.LONG))
        with pytest.raises(pytest.fail.Exception):
            xp.matmul(a, np.zeros((2**8, 2**8)), out=a.copy())


@pytest.mark.parametrize("failing", [0, 9], ids=["in the caller's part", "in another's"])
def test_an_error_in_any_part_is_raised(share, failing):
    def work(numbers):
        if failing in numbers:
            raise ZeroDivisionError("in this part")

    with pytest.raises(ZeroDivisionError, match="in this part"):
        threads.in_parts(work, np.arange(10))


def test_after_an_error_nobody_goes_on_writing(share):
    begun, done = threading.Event(), []

    def work(numbers):
        if 0 in numbers:
            begun.wait(10)
            raise ZeroDivisionError
        begun.set()
        time.sleep(0.05)
        done.append(len(numbers))

    with pytest.raises(ZeroDivisionError):
        threads.in_parts(work, np.arange(12))
    finished = list(done)
    time.sleep(0.1)
    assert done == finished != []


def test_the_callers_errstate_holds_in_every_part(share):
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        threads.in_parts(lambda v: np.multiply(v, 1e200, out=v), np.array([1.0] * 11 + [1e300]))
    with np.errstate(over="ignore"):
        threads.in_parts(lambda v: np.multiply(v, 1e200, out=v), np.array([1.0] * 11 + [1e300]))


def test_an_out_that_does_not_fit_is_refused_and_one_that_overlaps_is_numpys_own(share):
    with pytest.raises(ValueError, match=r"matmul: out has shape \(6, 9\), expected \(6, 7\)"):
        xp.matmul(drawn(6, 5), drawn(5, 7), out=np.zeros((6, 9)))
    a = drawn(200, 200)
    expected = a @ a
    np.testing.assert_allclose(xp.matmul(a, a, out=a), expected, rtol=1e-10, atol=1e-10)


def test_where_no_thread_is_free_the_caller_does_it_all(share):
    busy, mine = threading.Event(), []
    for _ in range(share - 1):
        threads._pool.submit(busy.wait)
    try:
        threads.in_parts(lambda numbers: mine.extend([threading.current_thread()] * len(numbers)), np.arange(10))
    finally:
        busy.set()
    assert mine == [threading.current_thread()] * 10


def players():
    G = Network(Dense(4, 16), BatchNorm(16), LeakyReLU(), Dense(16, 6), Tanh(), dtype="float64")
    D = Network(SpectralNorm(6, 8), LeakyReLU(), Dropout(0.3), Dense(8, 1), seed=1, dtype="float64")
    return G, D


def played():
    G, D = players()
    adams = [Adam(network, 1e-2, eps=1e-3) for network in (G, D)]  # with 1e-8, a derivative of 1e-17 is a step of lr
    gan = GAN(G, D, penalty=R1(0.1), averaging=0.9, generator_optimizer=adams[0], discriminator_optimizer=adams[1])
    for _ in range(5):
        gan.step(np.tanh(drawn(12, 6)))
    return np.concatenate([G.theta, D.theta, *[a.ravel() for a in G.state().values() if not isinstance(a, int)]])


def test_several_threads_play_the_same_game_batch_statistics_included(share):
    shared, again = played(), played()
    with use("numpy"):
        alone = played()
    np.testing.assert_array_equal(shared, again)
    np.testing.assert_allclose(shared, alone, rtol=1e-9, atol=1e-12)


def test_use_gives_back_what_was_there():
    with use("numpy", threads=2):
        assert (threads.count(), xp.matmul) == (2, threads.matmul)
        with use("numpy"):
            assert (threads.count(), xp.matmul) == (1, np.matmul)
        assert (threads.count(), xp.matmul) == (2, threads.matmul)
    assert (threads.count(), xp.matmul) == (1, np.matmul)


@pytest.mark.parametrize("number", [0, -1, 1.5, "2"])
def test_a_wrong_number_of_threads_is_refused_and_changes_nothing(number):
    with pytest.raises(ValueError, match=rf"threads={number!r}: expected a whole number of at least 1"):
        use("numpy", threads=number)
    assert (threads.count(), xp.matmul) == (1, np.matmul)


def test_a_gpu_takes_no_threads():
    with pytest.raises(ValueError, match=r'use\("cupy", threads=2\): only NumPy\'s work is shared'):
        use("cupy", threads=2)


@pytest.mark.parametrize(
    "blas, cores, expected", [("scipy-openblas", 2, 2), ("blas", 16, 4), ("mkl-sdl", 8, 1), ("accelerate", 8, 1)]
)
def test_the_default_is_one_for_each_core_where_blas_can_be_told_to_keep_to_one(monkeypatch, blas, cores, expected):
    monkeypatch.setattr(np, "show_config", lambda mode: {"Build Dependencies": {"blas": {"name": blas}}})
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(cores)), raising=False)
    assert threads.default() == expected


def trained(tmp_path, *args, **settings):
    """What train_mnist.py says of the device, and what it learned."""
    environment = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")}
    command = [sys.executable, TRAIN, "--dry-run", "--data", "digits", "--device", "cpu", *args]
    done = subprocess.run(
        command, cwd=tmp_path, env={**environment, **settings}, capture_output=True, text=True, check=True
    )
    return re.search(r"an epoch; (.*)", done.stdout)[1], done.stdout


def test_training_shares_its_work_unless_blas_was_told_to(tmp_path):
    n = threads.default()
    assert trained(tmp_path)[0] == ("CPU (NumPy)" if n == 1 else f"CPU (NumPy, {n} threads)")
    assert trained(tmp_path, OMP_NUM_THREADS="2")[0] == "CPU (NumPy)"
    assert trained(tmp_path, "--threads", "3", OPENBLAS_NUM_THREADS="1")[0] == "CPU (NumPy, 3 threads)"
    device, said = trained(tmp_path, "--resume", "out/run-1", "--epochs", "3", "--threads", "1")
    assert device == "CPU (NumPy)" and "going on after 2 epochs" in said
