"""Train a game on stacked MNIST, and count which of its 1,000 modes G has found, by the protocol of PacGAN:

    python scripts/reports/stack_modes.py best --seed 0 --epochs 20 --out out/stacked

The same command goes on where it was stopped, or trains longer if --epochs is larger. The modes of every epoch are
counted when all are played, and a finished run becomes a line of --json. The result is that of the last epoch; no epoch
is chosen. Without a game, the script says how accurate the classifier is that counts, and trains it if there is none.
"""

import itertools
import json
import math
import sys
from pathlib import Path

import numpy
from matplotlib.figure import Figure

from minigan import GAN, Network, Wasserstein, to_numpy, xp
from minigan.app import fit
from minigan.app.cli import Parser, choose_device, whole
from minigan.app.reports import replace_block
from minigan.backend import host_generator
from minigan.data.files import read_rows, replacing
from minigan.data.mnist import mnist
from minigan.data.stacked import Stacked, every_digit
from minigan.evaluation.judge import accuracy, judge_for
from minigan.evaluation.stacked import MANY, SAMPLES, expected, modes_of, score
from minigan.gan import NOISE
from minigan.layers import BatchNorm, Conv2D, ConvTranspose2D, Dense, Flatten, Normal, Pack, Reshape, he
from minigan.layers.activations import LeakyReLU, ReLU, Tanh
from minigan.losses import sigmoid, softplus
from minigan.objectives import GradientPenalty, Objective, Penalty
from minigan.optimizers import Adam, ExponentialMovingAverage, Linear
from minigan.plots.figures import save_figure
from minigan.training import register
from minigan.training.checkpoint import load_generator

CHUNK = 2000  # samples that are drawn and judged at a time


@register
class Pairing(Objective):
    """D: E[softplus(a(G(z)) - a(x))]      G: E[softplus(a(x) - a(G(z)))]      (RpGAN, Jolicoeur-Martineau 2018)

    Each real sample is compared with one fake. With u = a(x) - a(G(z)), d/du softplus(-u) = -sigmoid(-u).
    """

    equilibrium = -0.6931471805599453
    sees_real = True

    def discriminator(self, a_real, a_fake):
        u = a_real - a_fake
        du = -sigmoid(-u) / u.size
        return softplus(-u).mean(), du, -du

    def generator(self, a_fake, a_real):
        return self.discriminator(a_fake, a_real)


@register
class R1R2(Penalty):
    """weight / 2 (E|g(x)|^2 + E|g(G(z))|^2): on both kinds of samples      (Huang et al. 2024, section 2)

    The means are taken over half of a batch each, which says the same on average and takes half the time.
    """

    def phi(self, squares):
        return squares * self.weight, xp.full_like(squares, self.weight)

    def points(self, real, fake, rng):
        half = -(-len(real) // 2)
        return xp.concatenate((real[:half], fake[:half]))


def generator(seed, shape, init, width=16):
    """z (100,) to an image of this shape: a dense layer and two transposed convolutions, with batch normalization."""
    small = shape[0] // 4, shape[1] // 4, 2 * width
    return Network(
        Dense(100, math.prod(small), init), Reshape(*small), BatchNorm(2 * width), ReLU(),
        ConvTranspose2D(width, init=init), BatchNorm(width), ReLU(),
        ConvTranspose2D(shape[2], init=init), Tanh(), seed=2 * seed,
    )  # fmt: skip


def deep_generator(seed, shape, width=16):
    """The same behind two more dense layers, in which the classes of three digits can be chosen together."""
    small = shape[0] // 4, shape[1] // 4, 2 * width
    widths = 100, 256, 512, math.prod(small)
    dense = [(Dense(n, m), BatchNorm(m), LeakyReLU()) for n, m in itertools.pairwise(widths)]
    return Network(
        *itertools.chain(*dense), Reshape(*small), ConvTranspose2D(width), BatchNorm(width), LeakyReLU(),
        ConvTranspose2D(shape[2]), Tanh(), seed=2 * seed,
    )  # fmt: skip


def discriminator(seed, shape, init, *before, width=16, hidden=256):
    """Images, or what the layers `before` make of them, to a logit: two convolutions and two dense layers.

    It has no batch normalization, because minigan gives D real and generated samples as one batch, and in G's step
    generated ones alone.
    """
    n = shape[0] // 4 * (shape[1] // 4) * 2 * width
    return Network(
        *before, Conv2D(width, init=init), LeakyReLU(), Conv2D(2 * width, init=init), LeakyReLU(), Flatten(),
        Dense(n, hidden, init), LeakyReLU(), Dense(hidden, 1, init), seed=2 * seed + 1, shape=shape,
    )  # fmt: skip


def dcgan(seed, rounds, shape, *before):
    """Plain: N(0, 0.02), Adam at 2e-4 and beta1 0.5 (Radford et al. 2016)."""
    init = Normal(0.02)
    return GAN(generator(seed, shape, init), discriminator(seed, shape, init, *before), seed=seed)


def packed(seed, rounds, shape):
    """The same, but D judges two samples at a time (PacGAN)."""
    return dcgan(seed, rounds, shape, Pack(2))


def sloped(seed, rounds, shape):
    """A critic of the Wasserstein distance whose gradient is kept at length 1 (WGAN-GP)."""
    G, D = generator(seed, shape, he), discriminator(seed, shape, he)
    rules = Adam(G, 2e-4, beta1=0.0, beta2=0.9), Adam(D, 4e-4, beta1=0.0, beta2=0.9)
    return GAN(G, D, Wasserstein(), seed, *rules, penalty=GradientPenalty(10.0))


def paired(seed, rounds, shape):
    """Relativistic pairs with R1 and R2 (R3GAN)."""
    return GAN(generator(seed, shape, he), discriminator(seed, shape, he), Pairing(), seed, penalty=R1R2(1.0))


def best(seed, rounds, shape):
    """Relativistic pairs with R1 and R2, and besides: a deeper G, high rates that fall, and the average of G."""
    G, D = deep_generator(seed, shape), discriminator(seed, shape, he)
    rules = Adam(G, Linear(2e-3, 2e-4, rounds)), Adam(D, Linear(1e-3, 1e-4, rounds))
    average = ExponentialMovingAverage(G, max(0.9, 1 - 8 / rounds))
    return GAN(G, D, Pairing(), seed, *rules, average=average, penalty=R1R2(1.0))


GAMES = {"dcgan": dcgan, "packed": packed, "sloped": sloped, "paired": paired, "best": best}
PUBLISHED = {"dcgan": (99, 3.40), "packed": (1000, 0.06), "sloped": (959, 0.73), "paired": (1000, 0.078)}
COLUMNS = {"game", "seed", "epochs", "course", "many"}


def main(argv=None):
    parser = arguments()
    args = parser.parse_args(argv)
    with parser.mistakes():
        choose_device(args.device, args.threads, compiled=True)
        rows = read_rows(args.json, COLUMNS)
        digits = every_digit(args.data_dir)
        judge = judge_for(mnist("train", args.data_dir))
        if args.game:
            key = {"game": args.game, "seed": args.seed, "epochs": args.epochs}
            run = args.out / f"{args.game}-{args.seed}"
            source = Stacked(digits, args.batch_size, args.seed)
            gan = GAMES[args.game](args.seed, args.epochs * source.rounds, source.sample_shape)
            fit(gan, source, args.epochs, run, resume=True, keep=1)
            if not any(key.items() <= row.items() for row in rows):
                rows.append(key | counted(run, judge))
                with args.json.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(rows[-1]) + "\n")
        else:
            print(f"the judge is right about {accuracy(judge, mnist('test', args.data_dir)):.2%} of the test images")
        print(said := table(rows, digits))
        if args.page:
            with replacing(args.page, "w", encoding="utf-8") as file:
                file.write(replace_block(args.page.read_text(encoding="utf-8"), "stacked", said))
        draw((args.page or args.json).with_name("stacked.png"), rows)
    return 0


def counted(run, judge):
    """What is counted of a finished run: {"course": [of each epoch], "many": of the last, from MANY samples}."""
    kept, course = sorted((run / "kept").glob("epoch-*.npz")), []
    for path in kept:
        G, meta = load_generator(path)
        modes, kl = score(shown(G, meta, judge, SAMPLES))
        course.append({"epoch": len(meta["history"]), "modes": modes, "kl": kl})
        print(f"{run.name}, epoch {course[-1]['epoch']}: {modes} modes, KL {kl:.3f}", flush=True)
    minutes = numpy.median([row["seconds"] for row in meta["history"]]) / 60  # another process may have had the cores
    course = [row | {"minutes": round(row["epoch"] * minutes, 2)} for row in course]
    return {"course": course, "many": dict(zip(("modes", "kl"), score(shown(G, meta, judge, MANY)), strict=True))}


def shown(G, meta, judge, count):
    """The modes that `count` samples show of a generator that ends in Tanh."""
    rng, modes = host_generator(1), []
    for start in range(0, count, CHUNK):
        z = NOISE[meta["noise"]](rng, (min(CHUNK, count - start), G.n_in), G.dtype)
        modes.append(modes_of((to_numpy(G(z)) + 1) / 2, judge))
    return numpy.concatenate(modes)


def longest(rows):
    """{(game, seed): its row of the most epochs}, game by game."""
    found = {(row["game"], row["seed"]): row for row in sorted(rows, key=lambda row: row["epochs"])}
    return {key: found[key] for key in sorted(found, key=lambda key: (list(GAMES).index(key[0]), key[1]))}


def table(rows, digits):
    """A row for each game: mean and standard deviation of its seeds at their last epochs, beside what is published."""
    shares = numpy.bincount(digits.labels) / len(digits)
    lines = [
        f"| game | seeds | epochs | minutes | modes | KL, {SAMPLES:,} samples | {MANY:,} samples | published |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for game, group in itertools.groupby(longest(rows).values(), lambda row: row["game"]):
        group = list(group)
        last = [row["course"][-1] for row in group]
        cells = [over([row[name] for row in last], places) for name, places in (("modes", 0), ("kl", 3))]
        cells.append(over([row["many"]["kl"] for row in group], 3))
        epochs = "/".join(str(n) for n in sorted({row["epoch"] for row in last}))
        minutes = f"{numpy.mean([row['minutes'] for row in last]):.0f}"
        modes, kl = PUBLISHED.get(game, (1000, 0.029))
        lines.append(f"| `{game}` | {len(last)} | {epochs} | {minutes} | {' | '.join(cells)} | {modes:,} / {kl:g} |")
    perfect = " | ".join(f"{expected(n, shares):.4f}" for n in (SAMPLES, MANY))
    return "\n".join([*lines, f"| perfect data | | | | 1000 | {perfect} | |"])


def over(values, digits):
    """Mean and, of several, standard deviation."""
    spread = f" ± {numpy.std(values, ddof=1):.{digits}f}" if len(values) > 1 else ""
    return f"{numpy.mean(values):.{digits}f}{spread}"


def draw(path, rows):
    """The modes found and the KL of every run over the minutes of training."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    (left, right), named = figure.subplots(1, 2), set()
    for (game, _), row in longest(rows).items():
        style = {"color": f"C{list(GAMES).index(game)}", "label": game if game not in named else None}
        named.add(game)
        for axes, name in (left, "modes"), (right, "kl"):
            axes.plot(*([each[what] for each in row["course"]] for what in ("minutes", name)), ".-", **style)
    left.set(title="modes found, of 1,000", xlabel="minutes of training", ylim=(0, 1050))
    right.set(title="KL from the uniform distribution, nats", xlabel="minutes of training", yscale="log")
    if rows:
        right.legend(fontsize="small")
    save_figure(path, figure, dpi=110)


def arguments():
    parser = Parser(__doc__)
    add = parser.add_argument
    add("game", nargs="?", choices=GAMES, help="what to train (default: nothing, make the table)")
    add("--seed", type=whole(0), default=0, help="of the game (default: %(default)s)")
    add("--epochs", type=whole(1), default=20, help="of 128,000 images each (default: %(default)s)")
    add("--batch-size", type=whole(1), default=64, help="images in a round (default: %(default)s)")
    add("--out", type=Path, default=Path("out/stacked"), help="the folder of the runs (default: %(default)s)")
    add("--json", type=Path, default=Path("stacked.jsonl"), help="the finished runs (default: %(default)s)")
    add("--page", type=Path, help="a page to write the table into, between its markers <!-- stacked: ... -->")
    add("--data-dir", help="the folder of MNIST's files")
    add("--device", choices=("cpu", "gpu", "auto"), default="auto", help="auto: a GPU where one works (default)")
    add("--threads", type=whole(1), help="that share a round's work on the CPU")
    return parser


if __name__ == "__main__":
    sys.exit(main())
