"""parallel: a round that is split over threads is the same round."""

import tracemalloc

import numpy as np
import pytest

from minigan import GAN, SGD, Dense, LeakyReLU, Minimax, Network, NonSaturating, Tanh, use
from minigan import parallel as module
from minigan.parallel import ParallelGAN, one_blas_thread

pytestmark = pytest.mark.skipif(not one_blas_thread(), reason="NumPy's BLAS is not the OpenBLAS of its wheels")


@pytest.fixture(autouse=True)
def on_numpy():
    with use("numpy"):
        yield


def game(make, objective=None, sgd=False, **options):
    G = Network(Dense(5, 40), LeakyReLU(), Dense(40, 7), Tanh(), seed=0, dtype="float64")
    D = Network(Dense(7, 50), LeakyReLU(), Dense(50, 1), seed=1, dtype="float64")
    if sgd:
        options |= {"generator_optimizer": SGD(G, 0.1, 0.5), "discriminator_optimizer": SGD(D, 0.1)}
    return make(G, D, objective or NonSaturating(), 3, **options)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("n", [1, 2, 9, 64])
@pytest.mark.parametrize("objective", [Minimax(), NonSaturating()], ids=repr)
def test_rounds_are_those_of_the_plain_game_to_rounding(threads, n, objective, monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 100)  # so that each thread has several
    plain, split = game(GAN, objective), game(ParallelGAN, objective, threads=threads)
    x = np.random.default_rng(0).uniform(-1, 1, (n, 7))
    for _ in range(3):
        np.testing.assert_allclose(split.step(x), plain.step(x), rtol=1e-9)
        for (_, a, _), (_, b, _) in zip(split.players(), plain.players(), strict=True):
            np.testing.assert_allclose(a.theta, b.theta, rtol=1e-7, atol=1e-9)
            np.testing.assert_allclose(a.dtheta, b.dtheta, rtol=1e-7, atol=1e-11)


def test_it_takes_any_optimizer():
    plain, split = game(GAN, sgd=True), game(ParallelGAN, sgd=True, threads=2)
    x = np.random.default_rng(0).uniform(-1, 1, (8, 7))
    for _ in range(3):
        plain.step(x), split.step(x)
    np.testing.assert_allclose(split.generator.theta, plain.generator.theta, rtol=1e-9, atol=1e-12)


def test_the_same_seed_gives_the_same_bits_twice():
    x = np.random.default_rng(0).uniform(-1, 1, (9, 7))
    thetas = []
    for _ in range(2):
        gan = game(ParallelGAN, threads=2)
        gan.step(x), gan.step(x)
        thetas.append(gan.generator.theta)
    assert np.array_equal(*thetas)


def test_an_error_in_a_thread_reaches_the_caller():
    gan = game(ParallelGAN, threads=2)
    gan.twins("generator")[1].layers[0].__class__ = Tanh
    with pytest.raises(ValueError):
        gan.step(np.zeros((4, 7)))


def test_it_leaves_threads_alone_that_the_user_asked_for(monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "4")
    assert not one_blas_thread()
    with pytest.raises(RuntimeError, match="ParallelGAN needs NumPy on the CPU, with its own OpenBLAS: use GAN"):
        game(ParallelGAN)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    assert one_blas_thread()


def test_threads_are_used_where_they_pay(monkeypatch):
    monkeypatch.setattr(module.os, "sched_getaffinity", lambda process: range(4), raising=False)
    assert module.best_threads(128, 1_000_000) == 4
    assert module.best_threads(64, 1_000_000) == 2
    assert module.best_threads(63, 1_000_000) == 1
    assert module.best_threads(128, 100_000) == 1
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "4")
    assert module.best_threads(128, 1_000_000) == 1


def test_a_round_allocates_nothing_large_in_steady_state():
    G, D = (
        Network(Dense(20, 400), LeakyReLU(), Dense(400, 300), Tanh()),
        Network(Dense(300, 400), Dense(400, 1), seed=1),
    )
    gan, x = ParallelGAN(G, D, threads=2), np.zeros((128, 300), "float32")
    for _ in range(3):
        gan.step(x)
    tracemalloc.start()
    try:
        gan.step(x)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 100_000  # the batch alone has 154 KB; the noise 10 KB
