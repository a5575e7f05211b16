#!/usr/bin/env python3
"""A recurrent round, GRU against GRU on sequences of TimeGAN's size, in minigan and in PyTorch, side by side.

As bench_peers.py does it: each in a process of its own, in turns, after a proof that all compute the same gradients
and the same round.
"""

import json
import sys

import numpy as np
from bench_peers import compare, inputs, numbered, options, rounds_table, skipped, versions
from peers import RECURRENT
from peers.gru_minigan import STEPS, WIDTH, weights
from reference import machine


def main(argv=None):
    parser = options(__doc__, RECURRENT)
    parser.add_argument("--hidden", type=int, nargs="+", default=[32, 128], help="units of G and of D")
    parser.add_argument("--latent", type=int, default=16)
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
