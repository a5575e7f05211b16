"""The stand-in refuses what CuPy refuses, and counts what costs."""

import numpy as np
import pytest
import standin

HOST = np.arange(6, dtype="float32").reshape(2, 3)


def device():
    return standin.asarray(HOST)


def assign(a, key, value):
    a[key] = value


REFUSED = {
    "a NumPy reduction": (lambda a: np.sum(a), TypeError),
    "device + host": (lambda a: a + HOST, TypeError),
    "host + device": (lambda a: HOST + a, TypeError),
    "host += device": (lambda a: HOST.copy().__iadd__(a), TypeError),
    "a host argument": (lambda a: standin.maximum(a, HOST), TypeError),
    "a host out": (lambda a: standin.exp(a, out=np.empty_like(HOST)), TypeError),
    "a host condition": (lambda a: standin.where(HOST > 0, a, a), TypeError),
    "a number as the end of a slice": (lambda a: a[: standin.argmax(a)], TypeError),
    "flags": (lambda a: a.setflags(write=False), AttributeError),
    "@=": (lambda a: a.__imatmul__(a.T), AttributeError),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_refuses(name):
    act, error = REFUSED[name]
    with pytest.raises(error):
        act(device())


COSTS = {  # launches, syncs, uploads, allocations
    "exp": (lambda a: standin.exp(a), (1, 0, 0, 1)),
    "exp, out=": (lambda a: standin.exp(a, out=a), (1, 0, 0, 0)),
    "matmul": (lambda a: a @ a.T, (1, 0, 0, 1)),
    "an element": (lambda a: a[0, 0], (0, 0, 0, 0)),
    "a view": (lambda a: a[:1].T.reshape(3), (0, 0, 0, 0)),
    "a reshape that copies": (lambda a: a.T.reshape(6), (1, 0, 0, 1)),
    "assignment": (lambda a: assign(a, slice(None), 0.0), (1, 0, 0, 0)),
    "a device index": (lambda a: a[standin.arange(2)], (2, 0, 0, 2)),
    "a host index": (lambda a: a[np.arange(2)], (1, 0, 1, 1)),
    "a mask": (lambda a: a[a > 2], (2, 1, 0, 2)),
    "asarray of the host's": (lambda a: standin.asarray(HOST), (1, 0, 1, 1)),
    "float": (lambda a: float(a[0, 0]), (0, 1, 0, 0)),
    "if": (lambda a: a[0, 0] < 1 and None, (1, 1, 0, 1)),
    "get": (lambda a: a.get(), (0, 1, 0, 0)),
}


@pytest.mark.parametrize("name", COSTS)
def test_it_counts(name):
    act, expected = COSTS[name]
    a = device()
    with standin.counted() as seen:
        act(a)
    assert tuple(map(len, (seen.launches, seen.syncs, seen.uploads, seen.allocations))) == expected


def test_an_element_is_a_view_and_the_bytes_of_an_allocation_are_counted():
    with standin.counted() as seen:
        a = device() * 2
    kept, value = a[1, 2], float(a[1, 2])
    a[1, 2] = 7
    assert kept.shape == () and (float(kept), value) == (7, 10) and seen.allocations == [24, 24]


def test_its_names_are_those_of_cupy_where_cupy_is_installed():
    cupy = pytest.importorskip("cupy", reason="CuPy is not installed")
    public = {name for name in dir(np) if not name.startswith("_")}
    lost = sorted(name for name in public & set(dir(cupy)) if name in standin.MISSING)
    assert lost == [], "CuPy has these"
    passed = sorted(name for name in public - set(dir(cupy)) if callable(getattr(np, name)) and hasattr(standin, name))
    assert passed == [], "CuPy lacks these"
    own = {name for name in vars(standin.ndarray) if not name.startswith("_")}
    assert own - set(dir(cupy.ndarray)) == set()
    special = {name for name in vars(standin.ndarray) if name.startswith("__")} - set(vars(object))
    assert special - set(dir(cupy.ndarray)) <= {"__slots__", "__reduce__", "__hash__", "__array_ufunc__"}
    drawn = {name for name in vars(standin.Generator) if not name.startswith("_")}
    assert drawn - set(dir(cupy.random.Generator)) == set()
    assert set(vars(standin.random)) - set(dir(cupy.random)) == set()
