"""Processes of one script as one program on MPI: they start alike, one of them speaks and writes, and all end together.

    mpiexec -n 4 python -m mpi4py scripts/train_mnist.py --distributed

What they compute together is in minigan/training/distributed.py. Here is what else can go wrong among n processes.
"""

import argparse
import contextlib
import hashlib
import io
import json
import os
import sys
import time
import traceback
from pathlib import Path

import numpy

from minigan import backend
from minigan.app.cli import StopSignal, choose_device
from minigan.app.watched import Watched
from minigan.backend import xp
from minigan.backend.share import Share, Wire
from minigan.backend.threads import VARIABLES
from minigan.training.distributed import DistributedGAN
from minigan.training.guard import NotFiniteError

FAREWELL = 5.0  # seconds that rank 0 waits for the others when it is done
HEARD = 0.5  # seconds until mpiexec has read what a rank says: once one aborts, it reads no more


def together(train, argv=None, offered=True):
    """train(argv, ranks) in this process, or with --distributed in each that mpiexec started. Returns its exit code.

    `offered`: whether the script has that option.
    A number that is not finite ends all of them in the same round, with exit code 1.
    """
    distributed = argparse.ArgumentParser(add_help=False)  # before the options are read: one rank says what is wrong
    distributed.add_argument("--distributed", action="store_true")
    with joined(offered and distributed.parse_known_args(argv)[0].distributed) as ranks:
        try:
            return train(argv, ranks)
        except NotFiniteError as error:
            print(f"training stopped: {error}", file=sys.stderr)
            return 1


@contextlib.contextmanager
def joined(distributed):
    """The `Ranks` that run this script, as a context for the whole of it, or `Alone` where it is not `distributed`.

    An error on one rank ends all of them at once, with its message and rank. Exits in words where there is no MPI.
    """
    if not distributed:
        yield Alone()
        return
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:  # without an MPI of the system mpi4py raises the latter
        sys.exit(
            f"--distributed needs mpi4py and an MPI ({error}): install minigan[mpi], and mpich where there is none"
        )
    ranks = Ranks(MPI)
    try:
        with contextlib.ExitStack() as stack:
            if ranks.rank:
                nowhere = open(os.devnull, "w")  # to the end of the program: what is said then must go somewhere, too
                stack.enter_context(contextlib.redirect_stdout(nowhere))
                stack.enter_context(contextlib.redirect_stderr(nowhere))
            yield ranks
        ranks.leave()
    except _AllEnd:
        ranks.leave()
        raise
    except BaseException as error:
        ranks.end(error)


class _AllEnd(SystemExit):
    """Every rank ends the script, and knows of the others that they do."""


class Alone:
    """One process that is the whole program."""

    rank, size = 0, 1

    @contextlib.contextmanager
    def alike(self):
        """Around the set-up. What is written into the dict that it gives must be the same on all ranks."""
        yield {}

    def device(self, name, threads, compiled):
        """`choose_device`, for a process that may have neighbors on its machine."""
        return choose_device(name, threads, compiled)

    def facts(self, training, settings):
        """What must be the same on all ranks, by its name; raises ValueError for a batch that is too small for them."""
        return {}

    def share(self, training):
        """From here on, all ranks play the `training` that rank 0 has, as one."""

    def agreed(self, number):
        """The signal to stop for, if any rank was sent one, from that which came here. Asked after each round."""
        return number


class Ranks(Alone):
    """The processes that mpiexec started; `rank` is the number of this one. Only rank 0 is heard."""

    def __init__(self, MPI):
        self.MPI, self.comm, self.rank, self.size = MPI, MPI.COMM_WORLD, MPI.COMM_WORLD.rank, MPI.COMM_WORLD.size
        self.hosts = self.comm.allgather(MPI.Get_processor_name())
        self.watched = Watched(self)

    def called(self, rank):
        """A rank, for messages."""
        return f"rank {rank} of {self.size} (on {self.hosts[rank]})"

    @contextlib.contextmanager
    def alike(self):
        """Around the set-up, which each rank does for itself. Raises _AllEnd where one cannot, or is unlike rank 0."""
        said, code, facts = io.StringIO(), None, {}
        try:
            with contextlib.redirect_stderr(said) if self.rank else contextlib.nullcontext():
                yield facts
        except SystemExit as exit:
            code = exit.code if isinstance(exit.code, int) else int(bool(exit.code))
        told = self.comm.allgather((code, said.getvalue(), facts))
        (first, _, mine), codes = told[0], [code for code, *_ in told if code is not None]
        for rank, (code, words, theirs) in enumerate(told):
            if not codes:
                unlike = (name for name, fact in mine.items() if theirs.get(name, "") != fact)
                words = "; ".join(_unlike(name, theirs.get(name, ""), mine[name]) for name in unlike)
            if words and (not codes or code not in (None, first)):
                print(f"{self.called(rank)}: {words}".rstrip(), file=sys.stderr)
        codes += [2] * any(theirs != mine for *_, theirs in told)
        if codes:
            raise _AllEnd(max(codes))

    def device(self, name, threads, compiled):
        """A machine's cores are shared out among its ranks; each has a GPU of its own where there are enough."""
        near = self.comm.Split_type(self.MPI.COMM_TYPE_SHARED)
        if threads is None and not any(variable in os.environ for variable in VARIABLES):
            threads = max(1, _cores() // near.size)
        words = choose_device(name, threads, compiled)
        if backend.name() == "cupy":
            xp.cuda.Device(near.rank % xp.cuda.runtime.getDeviceCount()).use()
        return f"{words}; {self.size} ranks"

    def facts(self, training, settings):
        Share(Wire(self.comm), training.batches.batch_size // training.gan.k, training.gan.discriminator.rows)
        made = training.state()[1]
        here = {"minigan (a digest of its source)": _digest(), "NumPy": numpy.__version__}
        here |= {"Python": ".".join(map(str, sys.version_info[:2])), "backend": backend.name()}
        here |= {f"data's {name}": value for name, value in made.pop("dataset").items()}
        return {name: json.dumps(value, default=str).strip('"') for name, value in {**here, **made, **settings}.items()}

    def share(self, training):
        state = self.comm.bcast(training.state() if not self.rank else None)
        if self.rank:
            training.set_state(*state)
        training.gan = DistributedGAN(training.gan, self.watched)

    def agreed(self, number):
        return max(self.watched.allgather(number or 0)) or None

    def follow(self, training, epochs):
        """What all ranks but the first do: they play, and write nothing. Returns the exit code."""
        with StopSignal() as stop:
            for _ in training.rounds(epochs):
                if number := self.agreed(stop.number):
                    return 128 + number
        return 0

    def leave(self):
        """Wait for the others at the end: rank 0 not for long, as they have nothing left to do, and they for rank 0."""
        here, start = self.comm.Ibarrier(), time.monotonic()
        while not here.Test():
            if not self.rank and time.monotonic() - start > FAREWELL:
                self._abort(1)
            time.sleep(0.01)

    def end(self, error):
        """End all ranks, as this one failed."""
        code = error.code if isinstance(error, SystemExit) else 130 if isinstance(error, KeyboardInterrupt) else 1
        words = "".join(traceback.format_exception(error)) if not isinstance(error, SystemExit) else f"{error}\n"
        sys.__stdout__.flush()
        print(f"{self.called(self.rank)} ends all: {words}", end="", file=sys.__stderr__, flush=True)
        self._abort(code if isinstance(code, int) else 1)

    def _abort(self, code):
        time.sleep(HEARD)
        self.comm.Abort(code)


def _digest():
    """Of minigan's source: the number of a version does not tell what somebody changed."""
    source = hashlib.sha256()
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        source.update(path.read_bytes())
    return source.hexdigest()[:12]


def _unlike(name, theirs, mine):
    """Where two texts differ, in words."""
    start = next((i for i, (a, b) in enumerate(zip(theirs, mine, strict=False)) if a != b), 0)
    here = slice(max(0, start - 20), start + 30)
    return f"its {name} is {theirs[here]}, but rank 0's is {mine[here]}"


def _cores():
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
