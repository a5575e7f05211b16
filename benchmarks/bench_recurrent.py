#!/usr/bin/env python3
"""A recurrent round, GRU against GRU on sequences of TimeGAN's size, in minigan and in PyTorch, side by side.

As bench_peers.py does it: each in a process of its own, in turns, after a proof that all compute the same gradients
and the same round.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from bench_peers import compare, inputs, numbered, rounds_table, skipped, versions
from peers import RECURRENT
from peers.gru_minigan import STEPS, WIDTH, weights
from reference import machine


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", nargs="+", choices=RECURRENT, default=list(RECURRENT))
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--hidden", type=int, nargs="+", default=[32, 128], help="units of G and of D")
    parser.add_argument("--latent", type=int, default=16)
    parser.add_argument("--threads", type=int, nargs="+", default=[2, 1])
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0, help="length of a turn")
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args(argv)
    names = [name for name in args.peers if not skipped(name)]
    results = {"machine": machine(), "versions": versions(names), "steps": STEPS, "width": WIDTH, "rounds": []}
    for hidden in args.hidden:
        widths = (args.latent, hidden), (STEPS * WIDTH, hidden)
        given = inputs(args.batch, *widths) | numbered(weights(np.random.default_rng(0), widths))
        given["x"] = given["x"].reshape(args.batch, STEPS, WIDTH)
        for threads in args.threads:
            found = compare(names, args.batch, threads, args.turns, args.seconds, names[-1], widths=widths, given=given)
            results["rounds"].append(found | {"hidden": hidden})
            print(f"{hidden} units", rounds_table(found), sep="\n", flush=True)
    if args.json:
        args.json.write_text(json.dumps(results, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
