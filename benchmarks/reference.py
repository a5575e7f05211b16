"""The reference work of all benchmarks: one round of the game between two dense networks, and its floor.

G 100-256-512-1024-784 (LeakyReLU 0.2, tanh) against D 784-512-256-1 (LeakyReLU 0.2, logit), non-saturating, Adam 2e-4
with beta 0.5 and 0.999, float32, fresh noise for each of the two steps. The floor is the round's matrix products alone,
of the same shapes and transposes, into warm arrays.
"""

import itertools
import os
import platform
import re
from pathlib import Path

import numpy as np

from minigan import GAN, Dense, LeakyReLU, Network, Tanh

G_WIDTHS = 100, 256, 512, 1024, 784
D_WIDTHS = 784, 512, 256, 1


def players(g_widths=G_WIDTHS, d_widths=D_WIDTHS):
    """The two networks, with He's initial weights."""
    return Network(*_chain(g_widths), Tanh(), seed=0), Network(*_chain(d_widths), seed=1)


def _chain(widths):
    layers = []
    for n_in, n_out in itertools.pairwise(widths):
        layers += [Dense(n_in, n_out), LeakyReLU(0.2)]
    return layers[:-1]


def game(g_widths=G_WIDTHS, d_widths=D_WIDTHS):
    """A GAN of the two, with the optimizers and the objective that are its defaults."""
    return GAN(*players(g_widths, d_widths))


def batch(n, width=784):
    """A fixed batch in [-1, 1], shape (n, width)."""
    return np.random.default_rng(7).uniform(-1, 1, (n, width)).astype("float32")


class Floor:
    """The matrix products of one round at batch n, as calls without anything between them; `flop` counts them."""

    def __init__(self, n, g_widths=G_WIDTHS, d_widths=D_WIDTHS):
        self.rng, self.products, self.flop = np.random.default_rng(0), [], 0
        self._forward(n, g_widths)  # D's step
        self._forward(2 * n, d_widths)
        self._backward(2 * n, d_widths, params=True, first_dx=False)
        self._forward(n, g_widths)  # G's step
        self._forward(n, d_widths)
        self._backward(n, d_widths, params=False, first_dx=True)
        self._backward(n, g_widths, params=True, first_dx=False)

    def run(self):
        for a, b, out in self.products:
            np.matmul(a, b, out=out)

    def _forward(self, n, widths):
        for n_in, n_out in itertools.pairwise(widths):
            self._add(self._array(n, n_in), self._array(n_in, n_out))

    def _backward(self, n, widths, params, first_dx):
        for i in reversed(range(len(widths) - 1)):
            n_in, n_out = widths[i : i + 2]
            dy = self._array(n, n_out)
            if params:
                self._add(self._array(n, n_in).T, dy)
            if i > 0 or first_dx:
                self._add(dy, self._array(n_in, n_out).T)

    def _array(self, *shape):
        return self.rng.standard_normal(shape, dtype="float32")

    def _add(self, a, b):
        self.products.append((a, b, np.zeros((a.shape[0], b.shape[1]), dtype="float32")))
        self.flop += 2 * a.shape[0] * a.shape[1] * b.shape[1]


def machine():
    """What a figure depends on: processor, cores, system, Python, NumPy and its BLAS."""
    info = Path("/proc/cpuinfo")
    names = re.findall(r"^model name\s*: (.*)$", info.read_text(), re.MULTILINE) if info.exists() else []
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {
        "processor": names[0] if names else platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": f"{blas['name']} {blas['version']}",
    }


def with_threads(threads, argv, environ=os.environ):
    """Start this process anew with so many BLAS threads, unless it has them: they are fixed when NumPy is imported."""
    names = "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"
    if any(environ.get(name) != str(threads) for name in names):
        os.execvpe(argv[0], argv, {**environ, **dict.fromkeys(names, str(threads))})
