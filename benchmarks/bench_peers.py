#!/usr/bin/env python3
"""The same round of the same game in minigan, PyTorch, JAX and HIPS autograd, side by side.

Each is in a process of its own, on as many cores as it has threads, and they take turns: A B C A B C ... Ratios are
taken turn by turn. Before it is timed, each proves from the same weights and inputs that it computes the same
gradients and the same round.
"""

import argparse
import contextlib
import importlib.metadata
import json
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from bench_step import quartiles
from packaging.requirements import Requirement
from peers import ALL, PEERS, environment, missing
from peers.with_minigan import weights
from reference import D_WIDTHS, G_WIDTHS, batch, machine

HERE = Path(__file__).resolve().parent
# Adam's first step is nearly the sign of the gradient, so where a derivative is all but 0 rounding decides.
TOLERANCE = {"G's gradient": 1e-4, "D's gradient": 1e-4, "one round": 2e-2}
PAUSE = 0.1  # seconds: threads of the last turn have stopped spinning


def main(argv=None):
    args = arguments().parse_args(argv)
    names = [name for name in args.peers if not skipped(name)]
    if args.base not in names:
        names.insert(0, args.base)
    results = {"machine": machine(), "versions": versions(names), "rounds": [], "updates": [], "pair": [], "start": {}}
    for threads in args.threads:
        if args.updates:
            results["updates"].append(updates(names, threads, args.turns, args.seconds, args.base))
            print(rounds_table(results["updates"][-1], "both players' updates"), flush=True)
        for n in [] if args.no_rounds else args.batch:
            results["rounds"].append(compare(names, n, threads, args.turns, args.seconds, args.base, args.busy))
            print(rounds_table(results["rounds"][-1]), flush=True)
        if args.pair:
            results["pair"].append(pair(args.base, args.pair_batch, threads, args.turns, args.seconds))
            print(pair_line(results["pair"][-1]), flush=True)
    if args.start:
        results["start"] = start([name for name in names if name != "floor"], args.start)
        print(start_table(results["start"]), flush=True)
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        if args.json.exists():
            results = merged(json.loads(args.json.read_text()), results)
        args.json.write_text(json.dumps(results, indent=2) + "\n")
    return 0


def merged(old, new):
    """The results of two calls as one; what both measured is the old one's, whose turns were among more peers."""
    rounds = {(r["batch"], r["threads"]): r for r in new["rounds"]}
    for there in old["rounds"]:
        same = rounds.setdefault((there["batch"], there["threads"]), there)
        same["peers"] = {name: same["peers"].get(name, {}) | figures for name, figures in there["peers"].items()}
    updates = {r["threads"]: r for r in (*new["updates"], *old["updates"])}
    return old | {
        "versions": new["versions"] | old["versions"],
        "rounds": list(rounds.values()),
        "updates": list(updates.values()),
        "pair": old["pair"] + new["pair"],
        "start": new["start"] | old["start"],
    }


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--peers", nargs="+", choices=PEERS, default=list(PEERS), help="(default: all that are installed)")
    add("--base", choices=PEERS, default="minigan", help="what the others are compared with (default: %(default)s)")
    add("--batch", type=int, nargs="+", default=[64, 128, 512])
    add("--threads", type=int, nargs="+", default=[2, 1])
    add("--turns", type=int, default=15)
    add("--seconds", type=float, default=0.5, help="length of a turn")
    add("--busy", action="store_true", help="take each turn also beside a process with products on every core")
    add("--updates", action="store_true", help="also time Adam alone, over both players")
    add("--pair", action="store_true", help="also time the base beside a second training of its own")
    add("--pair-batch", type=int, default=128)
    add("--start", type=int, default=0, metavar="TIMES", help="measure start-up, memory and installed size so often")
    add("--no-rounds", action="store_true", help="only what --pair and --start ask for")
    add("--json", type=Path, metavar="FILE", help="write the figures; what stands there of other measurements stays")
    return parser


def options(description, peers):
    """The command line of a benchmark of another round, with these peers."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--peers", nargs="+", choices=peers, default=list(peers))
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, nargs="+", default=[2, 1])
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0, help="length of a turn")
    parser.add_argument("--json", type=Path, metavar="FILE")
    return parser


def skipped(name):
    """Whether the peer cannot run here; says why."""
    reason = missing(name)
    if reason:
        print(f"{ALL[name].title} is left out: {reason}", file=sys.stderr)
    return reason


class Worker:
    """One peer in a process of its own, and the orders that it takes."""

    def __init__(self, name, n, threads, g_widths=G_WIDTHS, d_widths=D_WIDTHS, pinned=True):
        settings = {"name": name, "batch": n, "threads": threads, "g": g_widths, "d": d_widths, "pinned": pinned}
        self.name, self.errors = name, tempfile.TemporaryFile("w+")
        started = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "peers.worker", json.dumps(settings)],
            cwd=HERE, env=environment(name, threads), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
        )  # fmt: skip
        try:
            self.answer()
        except BaseException:
            self.__exit__()
            raise
        self.seconds = time.perf_counter() - started  # to the end of the first round

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.process.kill()
        self.process.communicate()
        self.errors.close()

    def order(self, order, *args):
        """Give an order, without waiting for its end."""
        self.process.stdin.write(json.dumps([order, args]) + "\n")
        self.process.stdin.flush()

    def ask(self, order, *args):
        """Give an order and wait for the answer."""
        self.order(order, *args)
        return self.answer()

    def answer(self):
        """Wait for the answer to an order, the first of them without one: that a round is done."""
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self.errors.seek(0)
            raise RuntimeError(f"the worker of {self.name} ended:\n{self.errors.read()}")
        return json.loads(line)


class Neighbor:
    """A process that keeps every core in matrix products while the block `with neighbor.busy():` runs."""

    def __enter__(self):
        command = [sys.executable, "-m", "peers.neighbor"]
        self.process = subprocess.Popen(command, cwd=HERE, env=environment("neighbor", 1))
        time.sleep(1)
        self.process.send_signal(signal.SIGSTOP)
        return self

    def __exit__(self, *exc_info):
        self.process.kill()
        self.process.wait()

    @contextlib.contextmanager
    def busy(self):
        """Let it run."""
        self.process.send_signal(signal.SIGCONT)
        yield
        self.process.send_signal(signal.SIGSTOP)


def compare(names, n, threads, turns, seconds, base="minigan", busy=False, widths=(G_WIDTHS, D_WIDTHS), given=None):
    """All peers at one batch size: milliseconds per round, ratio to `base`, and the slow-down beside a neighbor."""
    with contextlib.ExitStack() as stack:
        workers = {name: stack.enter_context(Worker(name, n, threads, *widths)) for name in names}
        proofs = prove([workers[name] for name in names if name != "floor"], base, given or inputs(n, *widths))
        neighbor = stack.enter_context(Neighbor()) if busy else None
        quiet, beside = {name: [] for name in names}, {name: [] for name in names}
        for _ in range(turns):
            take_turns(workers, seconds, quiet)
            if busy:
                with neighbor.busy():
                    take_turns(workers, seconds, beside)
    peers = {}
    for name in names:
        peers[name] = {"ms": quartiles(quiet[name]), "ratio": quartiles(np.divide(quiet[name], quiet[base]))}
        if name in proofs:
            peers[name]["differs_by"] = proofs[name]
        if busy:
            peers[name]["busy_ms"] = quartiles(beside[name])
            peers[name]["slowdown"] = quartiles(np.divide(beside[name], quiet[name]))
    return {"batch": n, "threads": threads, "turns": turns, "base": base, "peers": peers}


def updates(names, threads, turns, seconds, base):
    """Milliseconds for both players' updates, of all peers that have these apart from the round."""
    names = [name for name in names if name.startswith(("minigan", "torch"))]
    times = {name: [] for name in names}
    with contextlib.ExitStack() as stack:
        workers = {name: stack.enter_context(Worker(name, 128, threads)) for name in names}
        for _ in range(turns):
            take_turns(workers, seconds, times, "updates")
    peers = {name: {"ms": quartiles(ms), "ratio": quartiles(np.divide(ms, times[base]))} for name, ms in times.items()}
    return {"threads": threads, "turns": turns, "base": base, "peers": peers}


def take_turns(workers, seconds, times, *what):
    """One turn of each worker; its milliseconds per round are added to `times`."""
    for name, worker in workers.items():
        time.sleep(PAUSE)
        times[name].append(worker.ask("turn", seconds, *what))


def inputs(n, g_widths=G_WIDTHS, d_widths=D_WIDTHS):
    """What a proof starts from: images, noise for both steps, and the weights of both players."""
    rng = np.random.default_rng(2014)
    arrays = {"x": batch(n, d_widths[0])}
    arrays |= {name: rng.standard_normal((n, g_widths[0]), dtype="float32") for name in ("z", "z_next")}
    return arrays | numbered(weights(rng, g_widths, d_widths))


def numbered(weights):
    """{name: array} of both players' weights."""
    arrays = {}
    for player, given in zip("gd", weights, strict=True):
        arrays |= {f"{player}{i}": a for i, a in enumerate(given)} | {f"len_{player}": len(given)}
    return arrays


def prove(workers, base, arrays):
    """{name: {what: |difference to base| / |base's|}}; ends the program where one is too large."""
    found = {}
    with tempfile.TemporaryDirectory() as directory:
        given = Path(directory, "given.npz")
        np.savez(given, **arrays)
        for worker in workers:
            path = Path(directory, f"{worker.name}.npz")
            worker.ask("prove", str(given), str(path))
            with np.load(path) as file:
                found[worker.name] = {what: file[what].astype("float64") for what in TOLERANCE}
    proofs = {}
    for name, vectors in found.items():
        proofs[name] = {what: float(f"{difference(v, found[base][what]):.1e}") for what, v in vectors.items()}
        wrong = [what for what in TOLERANCE if not proofs[name][what] <= TOLERANCE[what]]
        if wrong:
            sys.exit(f"{ALL[name].title} does not compute what {base} does: {proofs[name]}")
    return proofs


def difference(a, b):
    """|a - b| / |b|"""
    return np.linalg.norm(a - b) / np.linalg.norm(b)


def pair(name, n, threads, turns, seconds):
    """Two trainings of one peer side by side, free to choose their cores: how much longer each takes than alone."""
    alone, beside = [], []
    with Worker(name, n, threads, pinned=False) as one, Worker(name, n, threads, pinned=False) as other:
        for worker in one, other:
            worker.ask("turn", seconds)  # from now on each knows how many rounds fill a turn
        for _ in range(turns):
            for worker in one, other:
                time.sleep(PAUSE)
                alone.append(worker.ask("turn", seconds))
            for worker in one, other:
                worker.order("turn", seconds)
            beside += [worker.answer() for worker in (one, other)]
    ms = {"alone_ms": quartiles(alone), "beside_ms": quartiles(beside)}
    return {"peer": name, "batch": n, "threads": threads, **ms, "slowdown": quartiles(np.divide(beside, alone))}


def start(names, times, n=128, threads=2):
    """Per peer: seconds from the start of Python to the end of the first round, peak memory, and installed size."""
    found = {name: {"seconds": [], "peak_mb": []} for name in names}
    for _ in range(times):
        for name in names:
            with Worker(name, n, threads) as worker:
                found[name]["seconds"].append(worker.seconds)
                found[name]["peak_mb"].append(worker.ask("peak", 30))
    for name, figures in found.items():
        figures |= {what: quartiles(values) for what, values in figures.items()}
        sizes = installed(PEERS[name].needs)
        figures |= {"installed_mb": round(sum(sizes.values()), 1), "distributions_mb": sizes}
    return found


def installed(names):
    """{distribution: MB on disk} of these and of all that they require."""
    sizes, waiting = {}, list(names)
    while waiting:
        name = waiting.pop().lower().replace("_", "-")
        if name in sizes:
            continue
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:  # a requirement that was not installed takes no room
            continue
        files = {Path(file.locate()) for file in distribution.files or ()}
        if name == "minigan":  # installed in place, it owns a link only
            files = {path for path in (HERE.parent / name).rglob("*") if path.suffix != ".pyc"}
        sizes[name] = round(sum(path.stat().st_size for path in files if path.is_file()) / 1e6, 2)
        required = map(Requirement, distribution.requires or ())
        waiting += [r.name for r in required if r.marker is None or r.marker.evaluate({"extra": ""})]
    return dict(sorted(sizes.items(), key=lambda item: -item[1]))


def versions(names):
    """{distribution: version} of what is compared."""
    return {d: importlib.metadata.version(d) for d in sorted({d for name in names for d in ALL[name].needs})}


def rounds_table(result, what="round"):
    """One batch size, as text."""
    batch = f"batch {result['batch']}, " if "batch" in result else ""
    lines = [f"{batch}{result['threads']} threads: ms per {what}, and time / {result['base']}'s (quartiles)"]
    for name, figures in result["peers"].items():
        low, ratio, high = figures["ratio"]
        line = f"    {ALL[name].title:<34}{figures['ms'][1]:9.3f} ms {ratio:8.3f} ({low:.3f} to {high:.3f})"
        if "slowdown" in figures:
            low, slowdown, high = figures["slowdown"]
            line += f"   busy {figures['busy_ms'][1]:9.2f} ms, {slowdown:.2f} times ({low:.2f} to {high:.2f})"
        if "differs_by" in figures and name != result["base"]:
            line += "   differs by " + ", ".join(f"{value:.0e}" for value in figures["differs_by"].values())
        lines.append(line)
    return "\n".join(lines)


def pair_line(result):
    """Two trainings side by side, as text."""
    low, slowdown, high = result["slowdown"]
    return (
        f"two trainings of {result['peer']} at once, batch {result['batch']}, {result['threads']} threads each: "
        f"{result['alone_ms'][1]:.2f} ms alone, {result['beside_ms'][1]:.2f} ms side by side, "
        f"{slowdown:.2f} times ({low:.2f} to {high:.2f})"
    )


def start_table(found):
    """Start-up, memory and size, as text."""
    lines = ["start of Python to the end of the first round; peak memory at batch 128; installed with dependencies"]
    for name, figures in found.items():
        seconds, memory = figures["seconds"][1], figures["peak_mb"][1]
        lines.append(f"    {PEERS[name].title:<30}{seconds:8.2f} s {memory:8.0f} MB {figures['installed_mb']:8.0f} MB")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
