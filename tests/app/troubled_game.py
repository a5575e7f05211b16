"""A game in which one rank of MPI gets into trouble: TROUBLE=kill:1:40 kills rank 1 in D's 40th training forward."""

import os
import signal
import sys
import time

import numpy as np

from minigan import GAN, SGD, BatchNorm, Dense, Dropout, Layer, LeakyReLU, Network, Tanh
from minigan.app import run_directory

SIGNALS = {"kill": signal.SIGKILL, "interrupt": signal.SIGINT, "crash": signal.SIGSEGV}


class Trouble(Layer):
    forwards = 0

    def forward(self, x, training=False):
        self.forwards += training
        what, rank, when = os.environ.get("TROUBLE", "none:0:0").split(":")
        if training:
            time.sleep(float(os.environ.get("SLOWLY", 0)))
        if what == "none" or not training or self.forwards != int(when) or not is_rank(int(rank)):
            return x
        print(f"trouble at {time.time()}", file=sys.__stderr__, flush=True)
        if what in SIGNALS:
            os.kill(os.getpid(), SIGNALS[what])
        if what == "raise":
            raise OSError("the disk burns")
        return x * x.dtype.type(np.nan) if what == "nan" else x

    def backward(self, dy, wrt="both"):
        return dy


run_directory.plots.draw_run = lambda *args: []  # what takes long in a short run


def is_rank(rank):
    from mpi4py import MPI

    return MPI.COMM_WORLD.rank == rank


def make(data, rounds, seed):
    G = Network(
        Dense(20, 32), BatchNorm(32), LeakyReLU(), Dense(32, data.size), Tanh(), seed=seed
    )  # fmt: skip
    D = Network(
        Trouble(), Dense(data.size, 32), LeakyReLU(), Dropout(0.3), Dense(32, 1), seed=seed + 1, shape=(data.size,)
    )  # fmt: skip
    return GAN(G, D, seed=seed, generator_optimizer=SGD(G, 0.02), discriminator_optimizer=SGD(D, 0.02))
