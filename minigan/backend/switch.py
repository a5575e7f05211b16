"""Which backend computes: `use("cupy")`, `use("numpy", threads=2, compiled=True)`.

CuPy and Numba are imported when they are asked for and not before.
"""

import importlib

import numpy

from minigan.backend import threads as sharing
from minigan.backend.arrays import xp
from minigan.backend.kernels import kernels

BACKENDS = "numpy", "cupy"
INSTALL = "install minigan[cuda12] or minigan[cuda13], whichever your driver supports (nvidia-smi shows it)"


class use:
    """Switch `xp` to "numpy" or "cupy": for good, `use("cupy")`, or for a block, `with use("cupy"): ...`.

    Networks hold arrays of the backend that they were built on: switch first, then build. With threads=2, two threads
    share NumPy's large products and long vectors; without a number, minigan/backend/threads.py decides. Either way
    NumPy's BLAS uses one thread, unless the user chose another number, and gets its former number back at the end of
    the block. With compiled=True, Numba compiles the updates, LeakyReLU, sums over rows, batch normalization's passes
    and a convolution's copies: the same numbers in less time (minigan/backend/compiled.py). Some convolutions take
    fewer products then, which rounds otherwise (minigan/layers/winograd.py).

    Raises ValueError for an unknown name, for a number of threads that is not whole and at least 1, or not 1 with
    "cupy", and for compiled=True with "cupy"; RuntimeError where CuPy is not installed or finds no usable GPU, or Numba
    is not installed.
    """

    def __init__(self, name, threads=None, compiled=None):
        if not isinstance(name, str) or name not in BACKENDS:
            raise ValueError(f"unknown backend {name!r:.60}: expected one of {', '.join(map(repr, BACKENDS))}")
        if name == "cupy" and threads not in (None, 1):
            raise ValueError(f'use("cupy", threads={threads!r}): only NumPy\'s work is shared among threads')
        if name == "cupy" and compiled:
            raise ValueError(f'use("cupy", compiled={compiled!r}): only NumPy\'s work is compiled by Numba')
        module = _import(name)
        loops, look = _compiled() if compiled else ({}, None)
        self._previous = xp._module, *sharing.current(), _loops
        _switch(module, *(sharing.wanted(threads, look) if module is numpy else sharing.LEFT_ALONE), loops)

    def __enter__(self):
        return xp

    def __exit__(self, *exc_info):
        _switch(*self._previous)


def _switch(module, team, blas, loops):
    global _loops
    twins = sharing.change(team, blas, loops)
    _loops = loops
    xp._switch(module)
    kernels.switch(twins)


def name():
    """The backend in use: "numpy" or "cupy"."""
    return xp._module.__name__


def _import(name):
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


def _compiled():
    try:
        from minigan.backend import compiled, compiled_images
    except ImportError as error:
        raise RuntimeError(
            f"compiled=True needs Numba, which does not import here ({error}): install minigan[fast]"
        ) from error
    return compiled_images.TWINS, compiled.look


_switch(numpy, *sharing.wanted(), loops={})
