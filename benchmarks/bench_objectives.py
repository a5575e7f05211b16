#!/usr/bin/env python3
"""What each other game costs: its round beside a round of the plain one, on the reference networks, in turns.

python benchmarks/bench_objectives.py --batch 128 --json objectives.json
"""

import argparse
import itertools
import json
import sys

from bench_step import quartiles, time_of
from reference import D_WIDTHS, G_WIDTHS, batch, machine, players

from minigan import GAN, Dense, InstanceNoise, LeakyReLU, Network, NonSaturating, Pack, SpectralNorm
from minigan.objectives import FeatureMatching, Hinge, LeastSquares, Minimax, RelativisticAverage, Wasserstein
from minigan.objectives.penalties import R1, GradientPenalty, OneSidedGradientPenalty

GAMES = {
    "minimax": {"objective": Minimax()},
    "least squares": {"objective": LeastSquares()},
    "hinge": {"objective": Hinge()},
    "relativistic average": {"objective": RelativisticAverage()},
    "feature matching": {"objective": FeatureMatching(-2)},
    "Wasserstein, clipped": {"objective": Wasserstein(0.01)},
    "Wasserstein, unit slope": {"objective": Wasserstein(), "penalty": GradientPenalty(10.0)},
    "Wasserstein, slope bound": {"objective": Wasserstein(), "penalty": OneSidedGradientPenalty(10.0)},
    "Wasserstein, slope bound, k = 5": {"objective": Wasserstein(), "penalty": OneSidedGradientPenalty(10.0), "k": 5},
    "non-saturating, R1": {"penalty": R1(1.0)},
    "hinge, spectral norm": {"objective": Hinge(), "dense": SpectralNorm},
    "packing 2": {"pack": 2},
    "instance noise": {"noise": 0.1},
}


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=128, help="(default: %(default)s)")
    parser.add_argument("--blocks", type=int, default=15, help="pairs of blocks in turns (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds in a block (default: %(default)s)")
    parser.add_argument("--widths", choices=("reference", "tiny"), default="reference", help="tiny: to try it out")
    parser.add_argument("--json", help="write the figures to this file too")
    args = parser.parse_args(argv)
    widths = (G_WIDTHS, D_WIDTHS) if args.widths == "reference" else ((5, 8, 6), (6, 7, 5, 1))
    plain, found = make(widths), {}
    for name, options in GAMES.items():
        found[name] = compare(plain, make(widths, **options), args)
        low, ratio, high = found[name]
        print(f"{name:<38}{ratio:6.2f} x   ({low:.2f} to {high:.2f})", flush=True)
    if args.json:
        with open(args.json, "w") as file:
            json.dump({"batch": args.batch, "ratios": found, "machine": machine()}, file, indent=1)
    return 0


def make(widths, dense=Dense, pack=1, noise=0.0, **options):
    """The reference game with another objective or penalty, other layers in D, or a D of `pack` samples at a time."""
    G, _ = players(*widths)
    size, *hidden = widths[1]
    first = [*([Pack(pack, size)] if pack > 1 else []), *([InstanceNoise(noise)] if noise else [])]
    pairs = itertools.pairwise((pack * size, *hidden))
    layers = [layer for n_in, n_out in pairs for layer in (dense(n_in, n_out), LeakyReLU())]
    return GAN(G, Network(*first, *layers[:-1], seed=1), options.pop("objective", NonSaturating()), **options)


def compare(plain, other, args):
    """Quartiles of the ratio of their times, over blocks in turns."""
    ratios, games = [], [(gan, batch(args.batch * gan.k, gan.generator.n_out)) for gan in (plain, other)]
    for gan, x in games:
        time_of(lambda gan=gan, x=x: gan.step(x), 3)
    for _ in range(args.blocks):
        one, two = (time_of(lambda gan=gan, x=x: gan.step(x), args.rounds) for gan, x in games)
        ratios.append(two / one)
    return quartiles(ratios)


if __name__ == "__main__":
    sys.exit(main())
