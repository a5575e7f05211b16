import itertools
import sys
from types import ModuleType

import numpy as np
import pytest

from minigan.backend import generator, host_generator, to_numpy, use, xp


def stub_cupy(monkeypatch, usable):
    """A module that passes for CuPy, with one function of its own."""
    cupy = ModuleType("cupy")
    cupy.__version__, cupy.is_available, cupy.exp = "14.0.0", lambda: usable, lambda a: "exp on the device"
    cupy.ones = np.ones
    monkeypatch.setitem(sys.modules, "cupy", cupy)


def test_xp_is_numpy_from_the_start():
    assert xp.exp is np.exp
    assert xp.float32 is np.float32
    assert repr(xp) == "<xp: numpy>"


def test_xp_remembers_what_it_has_looked_up():
    use("numpy")
    assert "cosh" not in vars(xp)
    assert xp.cosh is np.cosh
    assert vars(xp)["cosh"] is np.cosh


def test_xp_raises_attribute_error_for_a_name_that_the_module_lacks():
    with pytest.raises(AttributeError, match="no_such_function"):
        _ = xp.no_such_function


def test_use_switches_for_good_and_forgets_what_was_remembered(monkeypatch):
    stub_cupy(monkeypatch, usable=True)
    assert xp.exp is np.exp
    use("cupy")
    assert xp.exp(0) == "exp on the device"
    use("numpy")
    assert xp.exp is np.exp


def test_use_as_a_context_manager_restores_what_was_there(monkeypatch):
    stub_cupy(monkeypatch, usable=True)
    with use("cupy") as inner:
        assert inner is xp and xp.exp(0) == "exp on the device"
        with use("numpy"):
            assert xp.exp is np.exp
        assert xp.exp(0) == "exp on the device"
    assert xp.exp is np.exp


def test_use_restores_after_an_exception_and_lets_it_through(monkeypatch):
    stub_cupy(monkeypatch, usable=True)
    with pytest.raises(ZeroDivisionError), use("cupy"):
        _ = 1 / 0
    assert xp.exp is np.exp


def test_use_refuses_an_unknown_backend_by_name():
    with pytest.raises(ValueError, match="unknown backend 'torch': expected one of 'numpy', 'cupy'"):
        use("torch")
    assert repr(xp) == "<xp: numpy>"


def test_use_cupy_where_it_is_not_installed_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(RuntimeError, match=r"does not import here .*install minigan\[cuda12\] or minigan\[cuda13\]"):
        use("cupy")
    assert xp.exp is np.exp


def test_use_cupy_without_a_usable_gpu_says_what_to_check(monkeypatch):
    stub_cupy(monkeypatch, usable=False)
    with pytest.raises(RuntimeError, match=r"CuPy 14.0.0 is installed but finds no usable GPU.*nvidia-smi.*\[cuda13\]"):
        use("cupy")
    assert xp.exp is np.exp


def test_use_cupy_without_the_libraries_of_cuda_says_what_to_install(monkeypatch):
    """Without them CuPy finds the GPU and makes arrays, and stops at the first matrix product."""

    class Array:
        def __matmul__(self, other):
            raise ImportError('Failure finding "libcublasLt.so.13"')

    stub_cupy(monkeypatch, usable=True)
    sys.modules["cupy"].ones = lambda shape, dtype: Array()
    with pytest.raises(RuntimeError, match=r"finds a GPU but cannot compute on it \(.*libcublasLt.*\[cuda13\]"):
        use("cupy")
    assert xp.exp is np.exp


def test_to_numpy_returns_a_host_array_as_it_is():
    a = np.ones(3)
    assert to_numpy(a) is a
    assert isinstance(to_numpy(np.float32(2)), np.ndarray)


def test_to_numpy_fetches_a_device_array():
    class OnDevice:
        def get(self):
            return np.arange(3)

    assert to_numpy(OnDevice()).tolist() == [0, 1, 2]


@pytest.mark.usefixtures("each_backend")
@pytest.mark.parametrize("make", [host_generator, generator])
def test_the_same_key_gives_the_same_stream(make):
    assert make(5, 0, 2).random(8).tobytes() == make(5, 0, 2).random(8).tobytes()


def test_the_device_generator_is_seeded_by_the_key(monkeypatch):
    stub_cupy(monkeypatch, usable=True)
    sys.modules["cupy"].random = ModuleType("cupy.random")
    sys.modules["cupy"].random.Philox4x3210 = sys.modules["cupy"].random.Generator = lambda seed: seed
    with use("cupy"):
        seeds = [generator(5, 0, 0), generator(5, 0, 1), generator(5, 0, 0)]
    assert seeds[0] == seeds[2] != seeds[1]
    assert all(type(seed) is int for seed in seeds)


def test_a_key_does_not_depend_on_what_was_drawn_before():
    first = host_generator(5, 1).random(8)
    host_generator(5, 0).random(1000)
    assert (host_generator(5, 1).random(8) == first).all()


KEYS = [(0,), (1,), (5,), (0, 0), (0, 1), (1, 0), (5, 0), (0, 0, 0), (0, 0, 1), (0, 1, 0), (5, 0, 0)]


def test_different_keys_give_different_streams():
    """Also keys that differ only by zeros at the end: weights of seed 0 must not be the first noise of seed 0."""
    first = {key: host_generator(*key).random(8) for key in KEYS}
    clashes = [pair for pair in itertools.combinations(KEYS, 2) if (first[pair[0]] == first[pair[1]]).any()]
    assert clashes == []


@pytest.mark.usefixtures("each_backend")
def test_streams_of_neighboring_keys_are_uncorrelated():
    n, keys = 100_000, [(0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 0)]
    streams = np.stack([to_numpy(generator(*key).standard_normal(n)) for key in keys])
    off_diagonal = np.corrcoef(streams)[~np.eye(4, dtype=bool)]
    assert np.abs(off_diagonal).max() < 5 / n**0.5
