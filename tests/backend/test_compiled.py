"""The loops of minigan/backend/compiled.py, held to their plain functions; without Numba, what is said instead."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from loading import script

from minigan import GAN, R1, SGD, Adam, Dense, Dropout, LeakyReLU, Network, Tanh, gradcheck, use
from minigan.app.cli import choose_device
from minigan.backend import kernels, plain, threads
from minigan.gradcheck import check_game

ROOT = Path(__file__).resolve().parents[2]
EXTREME = [0.0, -0.0, 1e-45, -1e-45, 1e-40, 1e-38, -1e-38, 3e38, -3e38, 1.0, -1.0, np.inf, -np.inf, np.nan]
HOW = ((4, 4), (2, 2), (1, 1)), ((3, 2), (1, 2), (0, 1)), ((1, 5), (3, 1), (0, 2)), ((2, 2), (2, 2), (3, 3))


def images(a, kernel, stride, padding, back=False, channels=4):
    """What im2col takes, or col2im, for images or columns of the numbers of a."""
    sizes = ((n + 2 * p - k) // s + 1 for n, k, s, p in zip((6, 5), kernel, stride, padding, strict=True))
    shapes = (2, 6, 5, channels), (2, *sizes, *kernel, channels)
    given, out = (np.resize(a, shape) for shape in (shapes[::-1] if back else shapes))
    return given, stride, padding, out


def rows(a):
    """The numbers of an array as rows of seven."""
    return a.ravel()[: a.size // 7 * 7].reshape(-1, 7)


def firsts(*arrays):
    """The first seven numbers of each."""
    return [a.ravel()[:7].copy() for a in arrays]


def pairs(a):
    """What pair_sums takes, or its adjoint, for images and sums of the numbers of a."""
    of = ((4, -1, 1, -1), (4, 3, 1, -1)), ((4, 1, 1, 0), (4, -1, 1, -1)), ((2, 0, 1, 1), (2, 1, 1, 0))
    shapes = (6, 5), (2, 2, 2, 2), (2, 2, 2, 2), (3, 2, 1, 1)
    x, *sums = (np.resize(a.ravel()[i:], (2, *shape, 4)) for i, shape in enumerate(shapes))
    return x, of, *sums


CALLS = {  # from five arrays, the arguments
    "leaky_relu": [lambda a, g, m, v, s, slope=slope: (a, slope, s) for slope in (0, 0.2, 1)],
    "leaky_relu_backward": [lambda a, g, m, v, s, slope=slope: (g, a, slope, v > 0, s) for slope in (0, 0.2, 1)],
    "sgd": [lambda a, g, m, v, s, momentum=momentum: (a, g, m, s, 0.1, momentum) for momentum in (0, 0.9)],
    "adam": [lambda *a: (*a, 1e-3, 0.5, 0.999, 1e-8), lambda *a: (*a, 1.0, 0.0, 0.9, 0.0)],
    "column_sum": [lambda a, *_: (rows(a), np.ones(7, a.dtype))],
    "column_sums": [lambda a, g, m, v, s: (rows(a), rows(g), rows(m), np.ones((2, 7), a.dtype))],
    "column_squares": [lambda a, g, m, v, s: (rows(a), g.ravel()[:7], rows(v), np.ones(7, a.dtype))],
    "normalize": [lambda a, g, m, v, s: (rows(a), *firsts(m, v, g, m), rows(v), rows(s))],
    "normalize_backward": [lambda a, g, m, v, s: (rows(a), rows(g), *firsts(m, v, g), rows(v), rows(s))],
    "im2col": [lambda *a, how=how: images(a[0], *how) for how in HOW],
    "col2im": [lambda *a, how=how: images(a[0], *how, back=True) for how in HOW],
    "pair_sums": [lambda a, *_: pairs(a)],
    "pair_sums_adjoint": [lambda a, *_: pairs(a)],
}
CHANGED = {"leaky_relu": [2], "leaky_relu_backward": [4], "sgd": [0, 2], "adam": [0, 2, 3]}
CHANGED |= {
    "column_sum": [1],
    "column_sums": [3],
    "column_squares": [3],
    "normalize": [5, 6],
    "normalize_backward": [6],
}
CHANGED |= {"im2col": [3], "col2im": [3], "pair_sums": [2, 3, 4], "pair_sums_adjoint": [0]}
WITHOUT = "sgd", "adam", "pair_sums", "pair_sums_adjoint"  # return nothing
EACH = [(name, number) for name, calls in CALLS.items() for number in range(len(calls))]


@pytest.fixture
def compiled(monkeypatch):
    """The module, its loops in use by one thread, and for short arrays too."""
    pytest.importorskip("numba", reason="Numba is not installed: pip install minigan[fast]")
    from minigan.backend import compiled

    monkeypatch.setattr(compiled, "SHORT", 0)
    monkeypatch.setattr(threads, "LONG", 64)
    use("numpy", threads=1, compiled=True)
    return compiled


def drawn(dtype):
    """Five arrays of random numbers over all orders of magnitude."""
    rng = np.random.default_rng(5)
    return list((rng.standard_normal((5, 7, 43)) * 10 ** rng.uniform(-42, 37, (5, 7, 43))).astype(dtype))


def extreme(dtype):
    """Five arrays: every value beside every other, three at a time, and a fourth that is not negative."""
    values = np.array(EXTREME, dtype)
    a, g, m = (part.ravel().copy() for part in np.meshgrid(values, values, values))
    return [a, g, m, np.abs(np.roll(a, 5)), np.full_like(a, 7)]


def carried_out(function, arguments, name):
    """What the function returns, and the bits of what it changes; one NaN stands for all."""
    with np.errstate(all="ignore"):
        returned = function(*arguments)
    changed = [arguments[i] for i in CHANGED[name]]
    assert returned is (None if name in WITHOUT else changed[-1])
    return [np.where(np.isnan(a), np.nan, a).view(f"u{a.itemsize}").ravel() for a in changed]


@pytest.mark.parametrize("given", [drawn, extreme])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "number"), EACH)
def test_every_loop_is_its_plain_function_to_the_last_bit(compiled, monkeypatch, name, number, dtype, given):
    assert CALLS.keys() | {"fewer_products"} == compiled.TWINS.keys()
    call = CALLS[name][number]
    with np.errstate(all="ignore"), use("numpy", threads=1):  # whose sums have the same parts
        expected = carried_out(getattr(kernels, name), call(*given(dtype)), name)
        arguments = call(*given(dtype))
    monkeypatch.delattr(plain, name)
    found = carried_out(getattr(kernels, name), arguments, name)
    np.testing.assert_array_equal(np.concatenate(found), np.concatenate(expected))


OTHERS = {
    "complex numbers": lambda arrays: [a + 1e-20j for a in arrays],
    "half precision": lambda arrays: [a.astype("float16") for a in arrays],
    "two precisions": lambda arrays: [a.astype("float32") if i else a for i, a in enumerate(arrays)],
    "the other byte order": lambda arrays: [a.astype(">f8") for a in arrays],
    "gaps": lambda arrays: [a[:, ::2] for a in arrays],
    "columns first": lambda arrays: [a.T for a in arrays],
    "a row for all": lambda arrays: [a if i in (0, 2, 3, 4) else a[:1] for i, a in enumerate(arrays)],
    "masked": lambda arrays: [np.ma.array(a, mask=a > 1) for a in arrays],
    "nothing": lambda arrays: [a[:0] for a in arrays],
}


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("name", ["leaky_relu", "leaky_relu_backward", "sgd", "adam"])
def test_what_a_loop_cannot_take_is_left_to_the_plain_function(compiled, name, other):
    results = []
    for function in getattr(plain, name), getattr(kernels, name):
        arrays = OTHERS[other]([np.abs(a) for a in np.random.default_rng(2).standard_normal((5, 6, 8))])
        arguments = CALLS[name][0](*arrays)
        try:
            with np.errstate(all="ignore"):
                function(*arguments)
            results.append([np.array(arguments[i]) for i in CHANGED[name]])
        except TypeError as error:  # the plain function does not take it either
            results.append(str(error))
    np.testing.assert_equal(*results)


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("other", ["complex numbers", "two precisions", "gaps", "few channels"])
@pytest.mark.parametrize("name", ["im2col", "col2im"])
def test_other_images_are_left_to_the_plain_function(compiled, monkeypatch, name, other, channels):
    results = []
    for function in getattr(plain, name), getattr(kernels, name):
        a = np.random.default_rng(2).standard_normal((6, 50)) + (1j if other == "complex numbers" else 0)
        a, stride, padding, out = images(a, *HOW[0], name == "col2im", channels)
        a = a[:, ::-1] if other == "gaps" else a.astype("float32") if other == "two precisions" else a
        monkeypatch.setattr(compiled, "RUN", 5 if other == "few channels" else 1)
        results.append(function(a, stride, padding, out=out))
    np.testing.assert_array_equal(*results)


def game(dtype="float32"):
    G = Network(Dense(4, 16), LeakyReLU(), Dense(16, 6), Tanh(), dtype=dtype)
    D = Network(Dense(6, 48), LeakyReLU(), Dropout(0.3), Dense(48, 1), seed=1, dtype=dtype)
    return GAN(G, D, penalty=R1(0.1), generator_optimizer=Adam(G, 1e-2), discriminator_optimizer=SGD(D, 1e-2, 0.5))


def played():
    gan, x = game(), np.random.default_rng(5).uniform(-1, 1, (32, 6)).astype("float32")
    for _ in range(5):
        gan.step(x)
    return np.concatenate([gan.generator.theta, gan.discriminator.theta])


@pytest.mark.parametrize("number", [1, 2, 4])
def test_a_game_is_the_plain_one_to_the_bit_whatever_the_number_of_threads(compiled, monkeypatch, number):
    with use("numpy", threads=number):
        expected = played()
    for name in "adam", "sgd":
        monkeypatch.delattr(plain, name)
    with use("numpy", threads=number, compiled=True):
        np.testing.assert_array_equal(played(), expected)


def test_gradients_are_right_with_the_loops(compiled, rng):
    assert gradcheck(Network(Dense(3, 5), LeakyReLU(), Dense(5, 2)), rng.standard_normal((4, 3))).ok
    assert check_game(game(), rng.standard_normal((3, 6)), rng.standard_normal((3, 4))).ok


def test_what_is_short_is_left_to_numpy_which_is_sooner_done(compiled, monkeypatch):
    monkeypatch.setattr(compiled, "SHORT", 9)
    monkeypatch.setattr(plain, "leaky_relu", lambda x, slope, out: "plain")
    assert kernels.leaky_relu(np.ones(8), 0.2, out=np.empty(8)) == "plain"
    assert kernels.leaky_relu(np.ones(9), 0.2, out=np.empty(9)).tolist() == [1.0] * 9


def looped(name):
    """Whether the function in use is a loop's twin, or shares it among threads."""
    function = getattr(kernels, name)
    plain_one, loop = getattr(plain, name), sys.modules["minigan.backend.compiled"].TWINS[name]
    (found,) = {plain_one, loop} & {function, getattr(function, "__wrapped__", None)}
    return found is loop


def test_the_loops_are_in_use_where_they_are_asked_for_and_nowhere_else(compiled):
    with use("numpy"):
        assert not looped("leaky_relu")
        with use("numpy", compiled=True):
            assert looped("leaky_relu")
        assert not looped("leaky_relu")
    assert looped("leaky_relu")


def test_who_waits_awake_sees_what_another_thread_writes(compiled):
    words = np.zeros(16, "int64")
    compiled.look(words, 0, 0, 1, 0)
    other = threading.Timer(0.05, words.__setitem__, (0, 1))
    other.start()
    compiled.look(words, 0, 0, 2**60, 10)
    assert words[0] == 1
    compiled.look(words, 0, 0, 2**60, 10)
    compiled.look(words, 0, 1, 1000, 10)
    other.join()


PROGRAM = """
import inspect, sys, numpy, minigan
assert "numba" not in sys.modules
minigan.use("numpy", threads=1, compiled=True)
from minigan.backend import compiled
compiled.look(numpy.zeros(16, "int64"), 0, 0, 1, 0)
loop = inspect.getclosurevars(compiled.look).nonlocals["compiled"]
print(sum(loop.stats.cache_misses.values()), sum(loop.stats.cache_hits.values()))
"""


def test_a_second_process_finds_what_the_first_compiled(compiled, tmp_path):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    run = {"env": environment, "capture_output": True, "text": True, "check": True}
    seen = [subprocess.run([sys.executable, "-c", PROGRAM], **run).stdout.split() for _ in range(2)]
    assert seen == [["1", "0"], ["0", "1"]]


@pytest.mark.parametrize(
    ("where", "error"),
    [
        ("CacheImpl.__init__", RuntimeError("cannot cache: no locator available")),
        ("Cache.load_overload", PermissionError("the folder cannot be read")),
        ("Cache.save_overload", OSError("no space left on the device")),
    ],
)
def test_without_a_folder_for_the_cache_a_loop_is_compiled_all_the_same(compiled, monkeypatch, where, error):
    asked = []

    def fails(*args):
        asked.append(where)
        raise error

    def leaky_relu(x, slope, out):
        for i in range(x.size):
            out[i] = slope * x[i]

    monkeypatch.setattr(f"numba.core.caching.{where}", fails)
    monkeypatch.setattr(compiled, "TWINS", {})
    twin = compiled.twin(leaky_relu)
    for factor in 2, 3:
        assert twin(np.ones(3), factor, out=np.empty(3)).tolist() == [factor] * 3
    assert asked == [where]


@pytest.fixture
def no_numba(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.delitem(sys.modules, "minigan.backend.compiled", raising=False)
    monkeypatch.delattr("minigan.backend.compiled", raising=False)


def test_without_numba_it_is_said_in_words_and_the_scripts_go_on(no_numba):
    before = kernels.twins
    with pytest.raises(RuntimeError, match=r"compiled=True needs Numba, which does not import.*minigan\[fast\]"):
        use("numpy", compiled=True)
    assert kernels.twins is before
    assert choose_device("cpu", 1, compiled=True) == "CPU (NumPy)"


def test_the_scripts_say_what_they_took(compiled):
    words = "compiled by Numba: a few seconds the first time)"
    assert choose_device("cpu", 1, compiled=True) == f"CPU (NumPy, {words}"
    assert choose_device("cpu", 2, compiled=True) == f"CPU (NumPy, 2 threads, {words}"
    assert kernels.twins is not compiled.TWINS and looped("leaky_relu")
    assert choose_device("cpu", 1) == "CPU (NumPy)" and not looped("leaky_relu")


@pytest.mark.parametrize("options", [[], ["--no-compile"]])
def test_the_script_asks_for_the_loops_unless_it_is_told_not_to(monkeypatch, options):
    train_mnist, asked = script("train_mnist"), []
    monkeypatch.setattr("minigan.app.machines.choose_device", lambda *args: asked.append(args) or sys.exit(7))
    with pytest.raises(SystemExit, match="7"):
        train_mnist.main(["--device", "cpu", *options])
    assert asked == [("cpu", None, not options)]


def test_a_gpu_takes_no_loops():
    with pytest.raises(ValueError, match=r'use\("cupy", compiled=True\): only NumPy\'s work is compiled'):
        use("cupy", compiled=True)
