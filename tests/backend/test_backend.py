import itertools
import sys
from types import ModuleType

import numpy as np
import pytest

from minigan.backend import generator, host_generator, to_numpy, use, xp


@pytest.fixture
def cupy(monkeypatch):
    """A module that passes for CuPy, with one function of its own."""
    cupy = ModuleType("cupy")
    cupy.__version__, cupy.is_available, cupy.exp = "14.0.0", lambda: True, lambda a: "exp on the device"
    cupy.ones = np.ones
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    return cupy


def test_xp_remembers_what_it_has_looked_up():
    assert xp.exp is np.exp and xp.float32 is np.float32
    use("numpy")
    assert "cosh" not in vars(xp)
    assert xp.cosh is np.cosh is vars(xp)["cosh"]
    with pytest.raises(AttributeError, match="no_such_function"):
        _ = xp.no_such_function


def test_use_switches_for_good_or_for_a_block_and_forgets_what_was_remembered(cupy):
    assert xp.exp is np.exp
    with use("cupy") as inner:
        assert inner is xp and xp.exp(0) == "exp on the device"
        with pytest.raises(ZeroDivisionError), use("numpy"):
            assert xp.exp is np.exp
            _ = 1 / 0
        assert xp.exp(0) == "exp on the device"
    assert xp.exp is np.exp
    use("cupy")
    assert xp.exp(0) == "exp on the device"


class Broken:
    """Without CUDA's libraries CuPy finds the GPU and makes arrays, and stops at the first matrix product."""

    def __matmul__(self, other):
        raise ImportError('Failure finding "libcublasLt.so.13"')


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (None, r"does not import here .*install minigan\[cuda12\] or minigan\[cuda13\]"),
        ({"is_available": lambda: False}, r"CuPy 14.0.0 is installed but finds no usable GPU.*nvidia-smi.*\[cuda13\]"),
        ({"ones": lambda *_, dtype: Broken()}, r"finds a GPU but cannot compute on it \(.*libcublasLt.*\[cuda13\]"),
    ],
)
def test_use_cupy_where_it_does_not_work_says_what_to_do(cupy, monkeypatch, changes, words):
    vars(cupy).update(changes or {})
    if changes is None:
        monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(RuntimeError, match=words):
        use("cupy")
    assert xp.exp is np.exp
    with pytest.raises(ValueError, match="unknown backend 'torch': expected one of 'numpy', 'cupy'"):
        use("torch")


KEYS = [(0,), (1,), (5,), (0, 0), (0, 1), (1, 0), (5, 0), (0, 0, 0), (0, 0, 1), (0, 1, 0), (5, 0, 0)]


@pytest.mark.usefixtures("each_backend")
@pytest.mark.parametrize("make", [host_generator, generator])
def test_a_key_is_a_stream_and_another_key_is_another(make):
    """Also keys that differ only by zeros at the end: weights of seed 0 must not be the first noise of seed 0."""
    first = {key: to_numpy(make(*key).random(8)) for key in KEYS}
    assert all((to_numpy(make(*key).random(8)) == first[key]).all() for key in reversed(KEYS))
    clashes = [pair for pair in itertools.combinations(KEYS, 2) if (first[pair[0]] == first[pair[1]]).any()]
    assert clashes == []
