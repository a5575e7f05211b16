"""A rank that hangs: the others say which one they wait for."""

import sys
import threading
import time

import numpy

PATIENCE = 60.0  # seconds that the others wait in one step before it is said for whom


class Watched:
    """The communicator of the `Ranks`; it says, where one wait lasts longer than PATIENCE, which ranks are waited for.

    It is a thread beside each rank's own that does so. It sends nothing before that long.
    """

    def __init__(self, ranks):
        self.ranks, self.calls, self.since = ranks, 0, None
        self.comm, self.beside = ranks.comm, ranks.comm.Dup()
        if ranks.MPI.Query_thread() == ranks.MPI.THREAD_MULTIPLE:
            threading.Thread(target=self._watch, daemon=True).start()

    def __getattr__(self, name):
        call = getattr(self.comm, name)

        def waiting(*args):
            self.calls += 1
            self.since = time.monotonic()
            try:
                return call(*args)
            finally:
                self.since = None

        setattr(self, name, waiting)
        return waiting

    def _watch(self):
        said = None
        while True:
            time.sleep(PATIENCE / 10)
            since, call = self.since, self.calls
            if since is None or call == said or time.monotonic() - since < PATIENCE:
                continue
            said, MPI = call, self.ranks.MPI
            others = [rank for rank in range(self.ranks.size) if rank != self.ranks.rank]
            here = numpy.array([call])
            self.sent = here, [self.beside.Isend(here, rank) for rank in others]  # kept: MPI may still read it
            time.sleep(PATIENCE / 4)  # who waits, too, began to about as long ago
            wait, told = {self.ranks.rank}, numpy.empty_like(here)
            while self.beside.Iprobe(MPI.ANY_SOURCE):
                status = MPI.Status()
                self.beside.Recv(told, MPI.ANY_SOURCE, status=status)
                wait |= {status.source} if told[0] == call else set()
            slow = [self.ranks.called(rank) for rank in others if rank not in wait]
            if slow and self.ranks.rank == min(wait) and self.calls == call and self.since:
                print(
                    f"{' and '.join(slow)} kept the others waiting for {PATIENCE:.0f} seconds in one step: it "
                    "hangs, or its machine is busy or asleep; they go on waiting",
                    file=sys.__stderr__,
                    flush=True,
                )
