"""Count the modes that a GAN finds of the ring and the grid, by the protocol of PacGAN (Lin et al. 2018, table 1).

What is counted, and how: minigan/evaluation/modes.py. Each finished seed becomes a line of --json. Started again with
the same file, the script computes only what is missing.
"""

import itertools
import json
import math
import sys
import time
from pathlib import Path

import numpy

from minigan import GAN, Adam, BatchNorm, Dense, InstanceNoise, Maxout, Network, NonSaturating, ReLU, Tanh, xp
from minigan.app.cli import Parser, whole
from minigan.app.reports import replace_block
from minigan.data.files import read_rows, replacing
from minigan.data.toys import toy
from minigan.evaluation.modes import PUBLISHED, FixedPoints, found_by
from minigan.layers import Normal
from minigan.optimizers import Exponential, Linear
from minigan.training import Training


class Waves(Dense):
    """y = sin(x W + b), W ~ N(0, frequency^2), b ~ U(-pi, pi): random Fourier features, which then are trained

    dx and dW are those of Dense for dy cos(x W + b). Such features let a network see detail that layers of tanh or
    ReLU learn late (Rahimi and Recht 2007; Tancik et al. 2020).
    """

    def __init__(self, n_in, n_out, frequency):
        super().__init__(n_in, n_out, Normal(frequency))

    def initialize(self, rng):
        return super().initialize(rng) | {"b": rng.uniform(-math.pi, math.pi, self.n_out)}

    def forward(self, x, training=False):
        a = super().forward(x)
        self.slope = xp.cos(a, out=self.scratch("slope", a.shape, a.dtype))
        return xp.sin(a, out=a)

    def backward(self, dy, wrt="both"):
        return super().backward(xp.multiply(dy, self.slope, out=self.scratch("da", dy.shape, dy.dtype)), wrt)


def pacgan(seed, rounds, width=400, lr=1e-4):
    """The plain GAN of PacGAN's table: G with four hidden layers, D with three of maxout units of five pieces."""
    sizes = (2, width, width, width, width)
    hidden = [layer for n, m in itertools.pairwise(sizes) for layer in (Dense(n, m), BatchNorm(m), ReLU())]
    G = Network(*hidden, Dense(width, 2), seed=2 * seed)
    units = width // 2
    pieces = [layer for n in (2, units, units) for layer in (Dense(n, 5 * units), Maxout(5 * units, units))]
    D = Network(*pieces, Dense(units, 1), seed=2 * seed + 1)
    return GAN(G, D, NonSaturating(), seed, Adam(G, lr, beta1=0.8), Adam(D, lr, beta1=0.8)), 100


def plain(seed, rounds):
    """The same at a quarter of the widths and ten times the rate: what a CPU can play in a minute."""
    return pacgan(seed, rounds, width=100, lr=1e-3)


def best(seed, rounds):
    """What finds every mode: waves and falling noise in D, eight latent dimensions, rates that fall to 0."""
    G = Network(Dense(8, 128), Tanh(), Dense(128, 128), Tanh(), Dense(128, 2), seed=2 * seed)
    forwards = 2 * rounds  # of D, in its own step and in G's
    D = Network(
        InstanceNoise(Exponential(1.0, 0.03 ** (1 / (0.7 * forwards)))),
        Waves(2, 128, frequency=2.0),
        Dense(128, 128), Tanh(), Dense(128, 128), Tanh(), Dense(128, 1), seed=2 * seed + 1,
    )  # fmt: skip
    rates = Linear(3e-3, 0.0, rounds)
    return GAN(G, D, NonSaturating(), seed, Adam(G, rates), Adam(D, rates)), 128


GAMES = {"paper": (pacgan, 400_000), "plain": (plain, 6000), "best": (best, 8000)}


def main(argv=None):
    parser = arguments()
    with parser.mistakes():
        args = parser.parse_args(argv)
        rows = read_rows(args.json, COLUMNS)
    make, rounds = GAMES[args.game][0], args.rounds or GAMES[args.game][1]
    try:
        for name in args.toys:
            for seed in range(args.first_seed, args.first_seed + args.seeds):
                key = {"game": args.game, "toy": name, "rounds": rounds, "seed": seed}
                if not any(key.items() <= row.items() for row in rows):
                    rows.append(key | play(*make(seed, rounds), toy(name), rounds))
                    with parser.mistakes(), args.json.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(rows[-1]) + "\n")
                    print(sentence(rows[-1]), flush=True)
    except KeyboardInterrupt:
        parser.exit(130, f"interrupted; the finished seeds are in {args.json}: start again to go on\n")
    print(table(rows))
    if args.page:
        with parser.mistakes(), replacing(args.page, "w", encoding="utf-8") as file:
            file.write(replace_block(args.page.read_text(encoding="utf-8"), "modes", table(rows)))
    return 0


def play(gan, batch_size, data, rounds):
    """Train on batches from a fixed set of points; what is measured in the end, and the processor's seconds."""
    started = time.process_time()
    for _ in Training(gan, FixedPoints(data, batch_size, gan.seed, rounds)).rounds(1):
        pass
    return found_by(gan, data)._asdict() | {"seconds": round(time.process_time() - started, 1)}


def sentence(row):
    """A finished seed in a line."""
    return (
        f"{row['game']} {row['toy']} seed {row['seed']}: {row['modes']} modes, {row['high_quality']:.1%} of high "
        f"quality, reverse KL {row['reverse_kl']:.3f}, {row['rounds']:,} rounds in {row['seconds']:.0f} s"
    )


def table(rows):
    """Mean and standard error over the seeds, beside the published rows, in Markdown."""
    lines = ["| | modes | high quality | reverse KL | |", "|---|---:|---:|---:|---|"]
    for name, published in PUBLISHED.items():
        groups = {}
        for row in rows:
            if row["toy"] == name:
                groups.setdefault((row["game"], row["rounds"]), []).append(row)
        lines += [line_of(game, name, rounds, group) for (game, rounds), group in groups.items()]
        for method, (mean, error, share, kl) in published.items() if groups else ():
            lines.append(f"| {name}: {method}, published | {mean} ± {error} | {share:.1%} | {kl:.2f} | 10 runs |")
    return "\n".join(lines)


def line_of(game, name, rounds, group):
    """The table's line for one game on one toy, from the rows of its seeds."""
    modes, quality, divergence, seconds = (
        numpy.array([row[key] for row in group]) for key in ("modes", "high_quality", "reverse_kl", "seconds")
    )
    count, every = len(group), len(toy(name).centers)
    error = f" ± {modes.std(ddof=1) / count**0.5:.1f}" if count > 1 else ""
    return (
        f"| {name}: minigan, {game} | {modes.mean():.1f}{error} of {every} | {quality.mean():.1%} "
        f"| {divergence.mean():.2f} | {count} seeds, {(modes == every).sum()} with every mode; "
        f"{rounds:,} rounds, {seconds.mean():.0f} s |"
    )


COLUMNS = {"game", "toy", "rounds", "seed", "modes", "high_quality", "reverse_kl", "seconds"}


def arguments():
    parser = Parser(__doc__)
    add = parser.add_argument
    add("game", choices=GAMES,
        help="best: minigan's; plain: PacGAN's plain GAN, smaller; paper: as published, hours for a seed")  # fmt: skip
    add("--toys", nargs="+", choices=PUBLISHED, default=list(PUBLISHED), help="which to learn (default: both)")
    add("--seeds", type=whole(1), default=10, help="how many (default: %(default)s)")
    add("--first-seed", type=whole(0), default=0, help="the first of them (default: %(default)s)")
    rounds = ", ".join(f"{name} {rounds:,}" for name, (_, rounds) in GAMES.items())
    add("--rounds", type=whole(1), help=f"steps of each player (default: {rounds})")
    add("--json", type=Path, default=Path("modes.jsonl"), help="the finished seeds (default: %(default)s)")
    add("--page", type=Path, help="a page to write the table into, between its markers <!-- modes: ... -->")
    return parser


if __name__ == "__main__":
    sys.exit(main())
