#!/usr/bin/env python3
"""What ranks of MPI win, measured on this machine, and a model of 1 to 64 machines: see docs/many-machines.md.

    .venv/bin/python benchmarks/bench_machines.py --measure   # minutes on an idle machine, with mpi4py and mpich
    .venv/bin/python benchmarks/bench_machines.py             # the tables of the page from what was measured

A round is measured by one rank of one thread on whole batches and on parts of them, which gives the model what a round
costs and how much of that does not shrink with the batch; by one rank of two threads; and by two ranks, of which every
call of MPI is timed. Numba compiles what it can, as in training (install minigan[fast] and minigan[mpi]); the gain
without it is measured, too. Images are noise: a round of them takes as long.
"""

import argparse
import collections
import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np

from minigan.app.machines import joined
from minigan.app.reports import processor, replace_block
from minigan.backend import use
from minigan.data import Dataset
from minigan.training.distributed import DistributedGAN
from minigan.training.guard import Guard
from minigan.training.recipes import RECIPES

ROOT = Path(__file__).parents[1]
RESULTS, PAGE = ROOT / "benchmarks" / "results" / "machines.json", ROOT / "docs" / "many-machines.md"
GAMES = {
    "dense": ("default", 512, 1),
    "convolutional": ("convolutional", 64, 1),
    "20 M parameters": ("default", 128, 3.33),
}
NETWORKS = {"10 Gbit/s": (30e-6, 10e9 / 8), "100 Gbit/s": (3e-6, 100e9 / 8)}  # seconds a message, bytes a second
MACHINES = 1, 2, 4, 8, 16, 32, 64
PARTS = 1, 2, 4, 8
SHORT = 2**16  # bytes, from which on an Allreduce goes by halves


class Timed:
    """A communicator that counts its calls, bytes and seconds."""

    def __init__(self, comm):
        self.comm, self.calls, self.seconds = comm, collections.Counter(), 0.0
        self.Get_rank, self.Get_size, self.allgather = comm.Get_rank, comm.Get_size, comm.allgather

    def Allreduce(self, in_place, a):
        self._time(a.nbytes, lambda: self.comm.Allreduce(in_place, a))

    def Allgatherv(self, a, into):
        self._time(into[0].nbytes, lambda: self.comm.Allgatherv(a, into))

    def _time(self, size, call):
        start = time.perf_counter()
        call()
        self.seconds += time.perf_counter() - start
        self.calls[size] += 1


def game(name, N):
    """(the GAN, a batch of N images)."""
    recipe, _, wider = GAMES[name]
    data = Dataset("noise", np.random.default_rng(0).integers(0, 256, (N, 28, 28), dtype="uint8"))
    if wider != 1:  # widths are the recipe's, times this
        from minigan.training import recipes

        recipes.widths = lambda data, *full: [int(wider * width) for width in full]
    return RECIPES[recipe].make(data, 1000), data.rows() * 2 - 1


def rounds(name, N, threads, compiled, seconds):
    """In one rank: {"ms": the median of its rounds, ...}, and of several ranks what was spent in MPI."""
    use("numpy", threads, compiled)
    with joined("PMI_RANK" in os.environ or "OMPI_COMM_WORLD_RANK" in os.environ) as ranks:
        gan, x = game(name, N)
        Guard(gan)
        timed = Timed(ranks.comm) if ranks.size > 1 else None
        gan = DistributedGAN(gan, timed) if timed else gan
        times, spent, end = [], [], 0
        for played in range(100_000):
            if played == 3:
                end = time.perf_counter() + seconds
                calls = collections.Counter(timed.calls) if timed else None
            before, start = timed.seconds if timed else 0, time.perf_counter()
            gan.step(x)
            times.append(time.perf_counter() - start)
            spent.append((timed.seconds if timed else 0) - before)
            over = played > 3 and time.perf_counter() > end
            if max(ranks.comm.allgather(over)) if timed else over:
                break
        found = {"ms": 1e3 * median(times[3:]), "rounds": len(times) - 3}
        found["theta"] = gan.generator.theta.size + gan.discriminator.theta.size
        if timed:
            calls = {size: (n - calls[size]) / found["rounds"] for size, n in timed.calls.items()}
            found |= {"in MPI, ms": 1e3 * median(spent[3:]), "calls": calls}
        if not ranks.rank:
            print("RESULT", json.dumps(found), flush=True)


def start(ranks, threads, name, N, seconds, compiled=True):
    """The same in processes of their own."""
    mine = [sys.executable, __file__, "--one", name, str(N), str(threads), str(int(compiled)), str(seconds)]
    line = ["mpiexec", "-n", str(ranks), *mine] if ranks > 1 else mine
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    out = subprocess.run(line, env=environment, capture_output=True, text=True, check=True).stdout
    return json.loads(out.partition("RESULT ")[2])


def wire(seconds):
    """Of two ranks here: {bytes: seconds of an Allreduce}."""
    mine = [sys.executable, __file__, "--wire", str(seconds)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    out = subprocess.run(["mpiexec", "-n", "2", *mine], env=environment, capture_output=True, text=True, check=True)
    return json.loads(out.stdout.partition("RESULT ")[2])


def time_wire(seconds):
    with joined(True) as ranks:
        found = {}
        for size in 2 ** np.arange(3, 24, 2):
            a, times = np.zeros(size // 4, "float32"), []
            for _ in range(max(20, min(2000, int(seconds / (5e-6 + size / 2e9))))):
                ranks.comm.Barrier()
                start = time.perf_counter()
                ranks.comm.Allreduce(None, a)
                times.append(time.perf_counter() - start)
            found[int(size)] = median(times)
        if not ranks.rank:
            print("RESULT", json.dumps(found), flush=True)


def measure(seconds, repeats):
    """All that the page is made of; the ways of one game take turns, as the machine is faster now and slower then."""
    results = {"processor": processor(), "games": {}, "wire": wire(1)}
    for name, (_, N, _) in GAMES.items():
        ways = {"1 rank of 1 thread": (1, 1, N), "1 rank of 2 threads": (1, 2, N), "2 ranks of 1 thread": (2, 1, N)}
        ways |= {f"1/{part}": (1, 1, N // part) for part in PARTS[1:]}
        ways |= {f"{ranks} without Numba": (ranks, 1, N, False) for ranks in (1, 2)}
        found = collections.defaultdict(list)
        for _ in range(repeats):
            for way, (ranks, threads, n, *plain) in ways.items():
                found[way].append(start(ranks, threads, name, n, seconds, *plain))
                print(name, way, {key: value for key, value in found[way][-1].items() if key != "calls"}, flush=True)
        results["games"][name] = {way: min(several, key=lambda one: one["ms"]) for way, several in found.items()}
    return results


class Model:
    """A round of n machines: fixed + shared / n, and its messages."""

    def __init__(self, found, N):
        self.N, self.messages = N, {int(size): n for size, n in found["2 ranks of 1 thread"]["calls"].items()}
        parts = {N: "1 rank of 1 thread"} | {N // part: f"1/{part}" for part in PARTS[1:]}
        self.each, self.fixed = np.polyfit(list(parts), [found[way]["ms"] / 1e3 for way in parts.values()], 1)
        self.fixed = max(self.fixed, 0.0)

    def messages_in(self, n, latency, bandwidth):
        """Seconds: short ones by recursive doubling, long ones by halves (Thakur, Rabenseifner and Gropp 2005)."""
        steps, total = math.ceil(math.log2(n)), 0.0
        for size, number in self.messages.items():
            short = steps * (latency + size / bandwidth)
            long = 2 * steps * latency + 2 * (n - 1) / n * size / bandwidth
            total += number * (short if size < SHORT else long)
        return total

    def seconds(self, n, latency, bandwidth):
        """Of one round."""
        return self.fixed + self.each * self.N / n + self.messages_in(n, latency, bandwidth)


def here(wire):
    """(latency, bandwidth) of two ranks on this machine, where size / bandwidth + latency fits best, relatively."""
    sizes, times = np.array(list(map(int, wire))), np.array(list(wire.values()))
    slope, latency = np.polyfit(sizes, times, 1, w=1 / times)
    return max(latency, 1e-7), 1 / slope


def measured_table(results):
    columns = (
        "game, batch",
        "one thread",
        "two threads",
        "two ranks",
        "gain",
        "without Numba",
        "predicted",
        "of it in MPI",
        "sent a round",
    )
    lines = [f"| {' | '.join(columns)} |", f"|---|{'---:|' * (len(columns) - 1)}"]
    for name, found in results["games"].items():
        N = GAMES[name][1]
        one, threads, two = (found[way] for way in ("1 rank of 1 thread", "1 rank of 2 threads", "2 ranks of 1 thread"))
        sent = sum(int(size) * n for size, n in two["calls"].items()) / 1e6
        predicted = 1e3 * Model(found, N).seconds(2, *here(results["wire"]))
        gains = [one["ms"] / two["ms"], found["1 without Numba"]["ms"] / found["2 without Numba"]["ms"]]
        gains = " | ".join(f"{gain:.2f}" for gain in gains)
        calls = f"{sent:.1f} MB in {sum(two['calls'].values()):.0f} calls"
        times = (one["ms"], threads["ms"], two["ms"]), (predicted, two["in MPI, ms"])
        times = [" | ".join(f"{ms:.1f} ms" for ms in several) for several in times]
        lines.append(f"| {name}, {N} | {times[0]} | {gains} | {times[1]} | {calls} |")
    return "\n".join(lines)


def model_table(results):
    lines = [f"| game, network | {' | '.join(f'{n}' for n in MACHINES)} |", f"|---|{'---:|' * len(MACHINES)}"]
    for name, found in results["games"].items():
        model = Model(found, GAMES[name][1])
        for network, wire in NETWORKS.items():
            gains = (model.seconds(1, *wire) / model.seconds(n, *wire) for n in MACHINES)
            lines.append(f"| {name}, {network} | {' | '.join(f'{gain:.1f}' for gain in gains)} |")
    return "\n".join(lines)


def parts_table(results):
    lines = ["| game | parameters | fixed | a sample | messages a round |", "|---|---:|---:|---:|---|"]
    for name, found in results["games"].items():
        model, theta = Model(found, GAMES[name][1]), found["1 rank of 1 thread"]["theta"]
        long = sum(n for size, n in model.messages.items() if size >= SHORT)
        short = sum(n for size, n in model.messages.items() if size < SHORT)
        lines.append(
            f"| {name} | {theta / 1e6:.1f} M | {1e3 * model.fixed:.1f} ms | {1e6 * model.each:.0f} µs | "
            f"{long:.0f} long, {4e-6 * theta:.1f} MB together; {short:.0f} short |"
        )
    return "\n".join(lines)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--seconds", type=float, default=6.0, help="for each measurement (default: %(default)s)")
    parser.add_argument("--repeats", type=int, default=3, help="of which the fastest counts (default: %(default)s)")
    parser.add_argument("--one", nargs=5, help=argparse.SUPPRESS)
    parser.add_argument("--wire", type=float, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.one:
        name, N, threads, compiled, seconds = args.one
        return rounds(name, int(N), int(threads), compiled == "1", float(seconds))
    if args.wire:
        return time_wire(args.wire)
    if args.measure:
        RESULTS.write_text(json.dumps(measure(args.seconds, args.repeats), indent=1) + "\n")
    results, page = json.loads(RESULTS.read_text()), PAGE.read_text(encoding="utf-8")
    for block, table in ("measured", measured_table), ("parts", parts_table), ("model", model_table):
        print(table(results), end="\n\n")
        page = replace_block(page, block, table(results))
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
