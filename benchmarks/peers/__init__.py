"""The round of the reference game in other libraries, each written as its own users would at its best.

A peer is a class with the signature and the methods of `with_minigan.Peer`. Its module imports its own library and
none of the others; `worker` runs one in a process of its own.
"""

import importlib.util
import os
import shutil
from typing import NamedTuple


class Entry(NamedTuple):
    """Where a peer is, what it is called in a table, and which distributions it needs."""

    title: str
    module: str
    cls: str
    needs: tuple[str, ...]


PEERS = {
    "minigan": Entry("minigan", "with_minigan", "Peer", ("minigan",)),
    "minigan-fast": Entry("minigan[fast]", "with_minigan", "FastPeer", ("minigan", "numba")),
    "minigan-blas": Entry("minigan, BLAS's threads", "with_minigan", "BlasPeer", ("minigan",)),
    "minigan-fast-blas": Entry("minigan[fast], BLAS's threads", "with_minigan", "FastBlasPeer", ("minigan", "numba")),
    "torch": Entry("PyTorch, default Adam", "with_torch", "Plain", ("torch", "numpy")),
    "torch-fused": Entry("PyTorch, fused Adam", "with_torch", "Fused", ("torch", "numpy")),
    "torch-compile": Entry("PyTorch, compiled, fused Adam", "with_torch", "Compiled", ("torch", "numpy")),
    "jax": Entry("JAX, jit", "with_jax", "Peer", ("jax", "optax")),
    "autograd": Entry("HIPS autograd", "with_autograd", "Peer", ("autograd",)),
    "floor": Entry("matrix products alone", "with_minigan", "FloorPeer", ("minigan",)),
}
CONVOLUTIONAL = {
    "dcgan": Entry("minigan", "dcgan_minigan", "Peer", ("minigan",)),
    "dcgan-fast": Entry("minigan[fast]", "dcgan_minigan", "FastPeer", ("minigan", "numba")),
    "dcgan-torch": Entry("PyTorch, fused Adam", "dcgan_torch", "ChannelsFirst", ("torch", "numpy")),
    "dcgan-torch-last": Entry("PyTorch, fused Adam, channels last", "dcgan_torch", "ChannelsLast", ("torch", "numpy")),
}
RECURRENT = {
    "gru": Entry("minigan", "gru_minigan", "Peer", ("minigan",)),
    "gru-fast": Entry("minigan[fast]", "gru_minigan", "FastPeer", ("minigan", "numba")),
    "gru-torch": Entry("PyTorch, fused Adam", "gru_torch", "Peer", ("torch", "numpy")),
}
ALL = PEERS | CONVOLUTIONAL | RECURRENT


def make(name, *args):
    """The peer of that name; its library is imported here and not before."""
    entry = ALL[name]
    return getattr(importlib.import_module(f"peers.{entry.module}"), entry.cls)(*args)


def missing(name):
    """What the peer lacks on this machine, in words, or None."""
    for package in ALL[name].needs:
        if importlib.util.find_spec(package) is None:
            return f"{package} is not installed (pip install '.[{'fast' if package == 'numba' else 'bench'}]')"
    if name == "torch-compile" and not any(map(shutil.which, (os.environ.get("CXX", "g++"), "clang++"))):
        return "torch.compile needs a C++ compiler"
    return None


def environment(name, threads):
    """The variables that give the peer so many threads; they are read when its library is imported."""
    own = ALL[name].title in ("minigan", "minigan[fast]") if name in ALL else False
    blas = 1 if own else threads  # minigan's own threads are the peer's business
    names = "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NPROC"
    return {
        **os.environ,
        **dict.fromkeys(names, str(blas)),
        "XLA_FLAGS": f"--xla_cpu_multi_thread_eigen={str(threads > 1).lower()}",
        "TORCHINDUCTOR_COMPILE_THREADS": "1",  # no pool of compilers beside the worker
    }


def pin(threads):
    """Keep this process on as many cores as it has threads, where the system lets one: the same cores for all."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
