#!/usr/bin/env python3
"""One round of the reference game, by phase, beside the floor of its matrix products, measured in alternation.

Prints milliseconds (medians over blocks) and the ratio round / floor (median and quartiles over pairs of blocks).
"""

import argparse
import json
import sys
import time
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from reference import Floor, batch, game, machine, with_threads

from minigan import use

PHASES = {
    ("generator", "forward"): "G forward (twice)",
    ("discriminator", "forward"): "D forward (2N, then N)",
    ("discriminator", "backward"): "D backward (2N dW, N dx)",
    ("generator", "backward"): "G backward",
    ("discriminator_optimizer", "step"): "Adam D",
    ("generator_optimizer", "step"): "Adam G",
    ("", "noise"): "noise",
}


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, nargs="+", default=[64, 128, 512])
    parser.add_argument("--threads", type=int, default=2, help="BLAS threads")
    parser.add_argument("--compiled", action="store_true", help="with the loops that Numba compiles")
    parser.add_argument("--blocks", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=0.5, help="length of a block")
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args(argv)
    with_threads(args.threads, [sys.executable, *sys.argv])
    if args.compiled:
        use("numpy", compiled=True)
    results = []
    for n in args.batch:
        result = measure(n, args.blocks, args.seconds)
        results.append({"batch": n, "threads": args.threads, **result})
        print(table(results[-1]))
    if args.json:
        args.json.write_text(json.dumps({"machine": machine(), "results": results}, indent=2) + "\n")
    return 0


def measure(n, blocks, seconds):
    """Milliseconds of round and floor in alternated blocks, their ratio in each, and the phases of a round."""
    gan, x, floor = game(), batch(n), Floor(n)
    rounds, found = beside_floor(gan, x, floor, blocks, seconds)
    return {**found, "gflop": floor.flop / 1e9, "phases_ms": phases(gan, x, rounds)}


def beside_floor(gan, x, floor, blocks, seconds):
    """How many rounds fill so many seconds, and milliseconds of round and floor in turns and their ratio."""
    rounds, floors = calls_in(seconds, lambda: gan.step(x)), calls_in(seconds, floor.run)
    ms = [(1e3 * time_of(lambda: gan.step(x), rounds), 1e3 * time_of(floor.run, floors)) for _ in range(blocks)]
    ours, least = zip(*ms, strict=True)
    return rounds, {
        "round_ms": quartiles(ours), "floor_ms": quartiles(least), "ratio": quartiles(np.divide(ours, least))
    }  # fmt: skip


def calls_in(seconds, action):
    """How many calls fill so many seconds, after a warm-up."""
    for _ in range(3):
        action()
    return max(1, round(seconds / time_of(action, 3)))


def time_of(action, calls):
    start = time.perf_counter()
    for _ in range(calls):
        action()
    return (time.perf_counter() - start) / calls


def quartiles(values):
    return [round(float(q), 4) for q in np.percentile(values, (25, 50, 75))]


def phases(gan, x, rounds):
    """{phase: milliseconds}, from rounds of their own: reading the clock in between costs a little."""
    spent = defaultdict(float)
    with timed(gan, spent):
        total = time_of(lambda: gan.step(x), rounds)
    found = {phase: round(1e3 * spent[phase] / rounds, 4) for phase in PHASES.values()}
    return found | {"rest": round(1e3 * total - sum(found.values()), 4)}


@contextmanager
def timed(gan, spent):
    """While the block runs, add the time of each phase's calls to `spent`."""

    def wrap(call, phase):
        def timed_call(*args, **kwargs):
            start = time.perf_counter()
            result = call(*args, **kwargs)
            spent[phase] += time.perf_counter() - start
            return result

        return timed_call

    wrapped = [(getattr(gan, owner) if owner else gan, name, phase) for (owner, name), phase in PHASES.items()]
    for owner, name, phase in wrapped:
        setattr(owner, name, wrap(getattr(owner, name), phase))
    yield
    for owner, name, _ in wrapped:
        delattr(owner, name)


def table(result):
    low, ratio, high = result["ratio"]
    lines = [
        f"batch {result['batch']}, {result['threads']} threads: round {result['round_ms'][1]:.2f} ms, "
        f"floor {result['floor_ms'][1]:.2f} ms ({result['gflop'] / result['floor_ms'][1] * 1e3:.0f} GFLOP/s), "
        f"round / floor {ratio:.3f} ({low:.3f} to {high:.3f})"
    ]
    return "\n".join(lines + [f"    {phase:<26}{ms:8.3f} ms" for phase, ms in result["phases_ms"].items()])


if __name__ == "__main__":
    sys.exit(main())
