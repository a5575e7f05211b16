"""The array module under one name: `xp` is NumPy, or CuPy after `use("cupy")`.

Every other file of the core writes `xp.exp`, `xp.matmul`, ... and so runs unchanged on the CPU or the GPU.
CuPy is imported when it is asked for and not before.
"""

import importlib

import numpy

from minigan import threads as sharing

BACKENDS = "numpy", "cupy"
INSTALL = "install minigan[cuda12] or minigan[cuda13], whichever your driver supports (nvidia-smi shows it)"


class _ArrayModule:
    """Forwards every name to the module in use and remembers it: the second `xp.exp` is a plain attribute."""

    def __init__(self):
        self._module = numpy

    def __getattr__(self, name):
        value = getattr(self._module, name)
        setattr(self, name, value)
        return value

    def __repr__(self):
        return f"<xp: {self._module.__name__}>"

    def _switch(self, module, threads=1):
        sharing.use(threads)
        self.__dict__.clear()
        self._module = module
        if threads > 1:
            self.matmul = sharing.matmul


xp = _ArrayModule()


class use:
    """Switch `xp` to "numpy" or "cupy": for good, `use("cupy")`, or for a block, `with use("cupy"): ...`.

    Networks hold arrays of the backend that they were built on: switch first, then build. With threads=2, two threads
    share NumPy's large products and an optimizer's long vectors (minigan/threads.py says when that pays).

    Raises ValueError for an unknown name, for a number of threads that is not whole and at least 1, or not 1 with
    "cupy"; RuntimeError where CuPy is not installed or finds no usable GPU.
    """

    def __init__(self, name, threads=1):
        if name == "cupy" and threads != 1:
            raise ValueError(f'use("cupy", threads={threads!r}): only NumPy\'s work is shared among threads')
        self._previous = xp._module, sharing.count()
        xp._switch(_import(name), threads)

    def __enter__(self):
        return xp

    def __exit__(self, *exc_info):
        xp._switch(*self._previous)


def name():
    """The backend in use: "numpy" or "cupy"."""
    return xp._module.__name__


def _import(name):
    if name not in BACKENDS:
        raise ValueError(f"unknown backend {name!r}: expected one of {', '.join(map(repr, BACKENDS))}")
    if name == "numpy":
        return numpy
    try:
        cupy = importlib.import_module("cupy")
    except ImportError as error:
        raise RuntimeError(f"a GPU needs CuPy, which does not import here ({error}): {INSTALL}") from error
    if not cupy.is_available():
        raise RuntimeError(
            f"CuPy {cupy.__version__} is installed but finds no usable GPU (no NVIDIA driver, or one too old for this "
            f"CuPy): check nvidia-smi, then {INSTALL}"
        )
    try:
        one = cupy.ones((1, 1), dtype="float32")
        float((one @ one)[0, 0])
    except Exception as error:  # CuPy alone, without CUDA's libraries, stops only here, with errors of many types
        raise RuntimeError(
            f"CuPy {cupy.__version__} finds a GPU but cannot compute on it ({error}): {INSTALL}"
        ) from error
    return cupy


def to_numpy(a):
    """Any array, brought to the host as a NumPy array; a NumPy array comes back as it is."""
    return a.get() if hasattr(a, "get") else numpy.asarray(a)


def host_generator(*key):
    """A NumPy random generator whose stream is a function of the integers in `key` alone, for draws on the host.

    Keys that differ give independent streams. Raises ValueError for a negative number.
    """
    return numpy.random.Generator(numpy.random.PCG64((len(key), *key)))  # NumPy takes (5,) and (5, 0) for the same


def generator(*key):
    """The same on the device in use. CuPy's streams differ from NumPy's; either repeats itself for the same key.

    Philox counts its way through the stream: unlike CuPy's default, it starts anywhere without computing what lies
    before.
    """
    if xp._module is numpy:
        return host_generator(*key)
    return xp.random.Generator(xp.random.Philox4x3210(int(host_generator(*key).integers(2**63))))
