#!/usr/bin/env python3
"""A convolutional round, DCGAN at MNIST's size, in minigan and in both layouts of PyTorch, side by side.

As bench_peers.py does it: each in a process of its own, in turns, after a proof that all compute the same gradients
and the same round. Also the most memory that each process held.
"""

import json
import sys

import numpy as np
from bench_peers import Worker, compare, numbered, options, rounds_table, skipped, versions
from peers import CONVOLUTIONAL
from peers.dcgan_minigan import IMAGE, LATENT, weights
from reference import batch, machine


def main(argv=None):
    args = options(__doc__, CONVOLUTIONAL).parse_args(argv)
    names = [name for name in args.peers if not skipped(name)]
    results = {"machine": machine(), "versions": versions(names), "rounds": []}
    for threads in args.threads:
        found = compare(names, args.batch, threads, args.turns, args.seconds, names[0], given=inputs(args.batch))
        for name, figures in found["peers"].items():
            with Worker(name, args.batch, threads) as worker:
                figures["peak_mb"] = worker.ask("peak", 5)
        results["rounds"].append(found)
        print(rounds_table(found), *map(peak_line, found["peers"].items()), sep="\n", flush=True)
    if args.json:
        args.json.write_text(json.dumps(results, indent=2) + "\n")
    return 0


def inputs(n):
    """What a proof starts from: in float32 it needs numbers that put none of a million units on its kink."""
    rng = np.random.default_rng(0)
    arrays = {name: rng.standard_normal((n, LATENT), dtype="float32") for name in ("z", "z_next")}
    return arrays | {"x": batch(n).reshape(n, *IMAGE)} | numbered(weights(rng))


def peak_line(item):
    """The memory of one peer, as text."""
    name, figures = item
    return f"    {CONVOLUTIONAL[name].title:<34}{figures['peak_mb']:9.0f} MB at most"


if __name__ == "__main__":
    sys.exit(main())
