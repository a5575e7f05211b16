"""Compare the games: the same players on the same data for as many rounds, under one objective after another.

On the ring and the grid, the modes that G finds, by the protocol of PacGAN (Lin et al. 2018, table 1); on MNIST, the
Frechet distance and the share of each class by minigan's own classifier. A game on a ground with a seed is a cell. Each
finished cell becomes a line of --json and a checkpoint in --out. Started again with the same files, the script computes
only what is missing. With --page it writes the tables into that page and draws the pictures beside it.
"""

import io
import itertools
import json
import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter
from PIL import Image
from tqdm import tqdm

from minigan import GAN, Network, objectives
from minigan.app.cli import Parser, positive, whole
from minigan.app.reports import replace_block
from minigan.backend import host_generator, to_numpy, xp
from minigan.data.files import read_rows, replacing
from minigan.data.toys import toy
from minigan.evaluation.classifier import classifier_for
from minigan.evaluation.metrics import class_histogram, frechet_distance
from minigan.evaluation.modes import PUBLISHED, FixedPoints, found_by
from minigan.evaluation.protocol import divided
from minigan.layers import BatchNorm, Dense, InstanceNoise, LeakyReLU, Pack, SpectralNorm, Tanh
from minigan.objectives import NonSaturating, Objective, Penalty
from minigan.optimizers import Adam, Exponential, Linear
from minigan.plots.pictures import grid
from minigan.training import NotFiniteError, Training
from minigan.training.checkpoint import load_generator

IMAGES = 10_000  # samples that the Frechet distance is taken of
TIMES = Path(__file__).resolve().parents[2] / "benchmarks" / "results" / "objectives.json"  # of bench_objectives.py
COURSES = {  # games on MNIST whose value is compared with the Frechet distance, and what that value is
    "Wasserstein, slope bound, k = 5": "the estimate of the Wasserstein distance",
    "non-saturating": "V(D, G)",
}
KEY = "ground", "game", "seed", "rounds", "lr", "weight"
COLUMNS = {*KEY, "course", "seconds"}


@dataclass(frozen=True)
class Game:
    """What differs from game to game; the players' sizes, the data and the rounds are the ground's."""

    objective: Objective = field(default_factory=NonSaturating)
    penalty: type[Penalty] | None = None
    dense: Callable = Dense  # the layers of D
    pack: int = 1  # samples that D judges at a time
    k: int = 1  # steps of D for each of G's
    noisy: bool = False  # instance noise before D, which falls exponentially from 1 to 0.01
    d_rate: float = 1.0  # D's learning rate in units of G's


GAMES = {
    "minimax": Game(objectives.Minimax()),
    "non-saturating": Game(),
    "least squares": Game(objectives.LeastSquares()),
    "hinge": Game(objectives.Hinge()),
    "relativistic average": Game(objectives.RelativisticAverage()),
    "feature matching": Game(objectives.FeatureMatching(-2)),
    "Wasserstein, clipped": Game(objectives.Wasserstein(0.01)),
    "Wasserstein, unit slope": Game(objectives.Wasserstein(), objectives.GradientPenalty),
    "Wasserstein, slope bound": Game(objectives.Wasserstein(), objectives.OneSidedGradientPenalty),
    "Wasserstein, slope bound, k = 5": Game(objectives.Wasserstein(), objectives.OneSidedGradientPenalty, k=5),
    "non-saturating, R1": Game(penalty=objectives.R1),
    "hinge, spectral norm": Game(objectives.Hinge(), dense=SpectralNorm),
    "packing 2": Game(pack=2),
    "instance noise": Game(noisy=True),
    "two time scales": Game(d_rate=4.0),
}
USUAL = {"ring": (3e-3, 0.1), "grid": (3e-3, 0.1), "mnist": (5e-4, 10.0)}  # learning rate, and weight of a penalty
SETTINGS = {ground: dict.fromkeys(GAMES, usual) for ground, usual in USUAL.items()}
SETTINGS["ring"] |= {"minimax": (1e-3, None), "non-saturating, R1": (3e-3, 10.0)}
SETTINGS["grid"] |= {"minimax": (1e-3, None), "non-saturating, R1": (3e-3, 1.0)}
SETTINGS["mnist"] |= {"non-saturating, R1": (5e-4, 0.1)}


class Plane:
    """Points in the plane: batches of 128 out of 100,000, both players with two hidden layers of 128 tanh units."""

    batch_size, rounds, looks, width = 128, 5000, 1, 2

    def __init__(self, name, data_dir=None):
        self.data = toy(name)

    def players(self, game, seed):
        """G, and the layers of D."""
        G = Network(Dense(8, 128), Tanh(), Dense(128, 128), Tanh(), Dense(128, 2), seed=seed)
        dense = game.dense
        return G, [dense(2 * game.pack, 128), Tanh(), dense(128, 128), Tanh(), dense(128, 1)]

    def training(self, gan, rounds):
        """The Training of a GAN for so many rounds."""
        return Training(gan, FixedPoints(self.data, gan.k * self.batch_size, gan.seed, rounds))

    def measure(self, gan):
        """What is found in the samples of G, as a dict."""
        found = found_by(gan, self.data)
        return {"modes": found.modes, "high_quality": found.high_quality, "reverse_kl": round(found.reverse_kl, 4)}

    def draw(self, axes, G):
        """1,000 samples of G on the axes, among the centers."""
        extent = 1.3 * numpy.abs(self.data.centers).max()
        axes.plot(*self.data.centers.T, "+", color="0.6", markersize=5)
        axes.plot(*drawn(G, 1000).T, ".", color="#d9480f", markersize=3, markeredgewidth=0)
        axes.set(xlim=(-extent, extent), ylim=(-extent, extent), aspect="equal")


class Digits:
    """MNIST: batches of 64; G of two hidden layers with batch normalization, D of two without."""

    batch_size, rounds, looks = 64, 3000, 10

    def __init__(self, name, data_dir=None):
        data = divided(name, data_dir)
        self.train, self.classifier = replace(data.learn, range=(-1.0, 1.0)), classifier_for(data.learn)
        self.real = self.classifier.features(data.test.rows())
        self.width = self.train.size

    def players(self, game, seed):
        """G, and the layers of D."""
        size, dense = self.train.size, game.dense
        G = Network(
            Dense(64, 256), BatchNorm(256), LeakyReLU(), Dense(256, 512), BatchNorm(512), LeakyReLU(),
            Dense(512, size), Tanh(), seed=seed,
        )  # fmt: skip
        return G, [dense(size * game.pack, 256), LeakyReLU(), dense(256, 128), LeakyReLU(), dense(128, 1)]

    def training(self, gan, rounds):
        """The Training of a GAN."""
        return Training(gan, self.train, self.batch_size)

    def measure(self, gan):
        """What is found in the samples of G, as a dict."""
        samples = (to_numpy(gan.sample(IMAGES)) + 1) / 2
        shares = class_histogram(self.classifier.labels(samples))
        frechet = frechet_distance(self.classifier.features(samples), self.real)
        return {"frechet": round(frechet, 3), "classes": shares.round(4).tolist()}

    def draw(self, axes, G):
        """16 samples of G on the axes."""
        tiles = grid(drawn(G, 16), self.train.shape, self.train.range)
        axes.imshow(tiles, cmap="gray", vmin=0, vmax=1)


def drawn(G, n):
    """n samples of G, the same whenever they are asked for, on the host."""
    z = host_generator(0).standard_normal((n, G.n_in), dtype="float32")
    return to_numpy(G(xp.asarray(z)))


GROUNDS = {"ring": Plane, "grid": Plane, "mnist": Digits}


def main(argv=None):
    parser = arguments()
    with parser.mistakes():
        args = parser.parse_args(argv)
        rows = read_rows(args.json, COLUMNS)
        grounds = {name: GROUNDS[name](name, args.data_dir) for name in args.grounds}
        args.out.mkdir(parents=True, exist_ok=True)
    try:
        with tqdm(list(missing(args, grounds, rows)), unit="cell", disable=None) as cells:
            for cell in cells:
                ground = grounds[cell["ground"]]
                gan = make(GAMES[cell["game"]], ground, cell)
                training = ground.training(gan, cell["rounds"])
                rows.append(cell | play(training, ground, cell["rounds"]))
                with parser.mistakes():
                    if "stopped" not in rows[-1]:
                        training.save(args.out / file_of(cell), **cell)
                    with args.json.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(rows[-1]) + "\n")
                cells.write(sentence(rows[-1]))
    except KeyboardInterrupt:
        parser.exit(130, f"interrupted; the finished cells are in {args.json}: start again to go on\n")
    print(table(rows))
    if args.page:
        with parser.mistakes():
            text = replace_block(args.page.read_text(encoding="utf-8"), "objectives", table(rows))
            with replacing(args.page, "w", encoding="utf-8") as file:
                file.write(replace_block(text, "correlations", correlations(rows)))
            folder = args.page.with_suffix("")
            folder.mkdir(exist_ok=True)
            draw_samples(folder / "samples.png", grounds, args.out)
            draw_courses(folder / "courses.png", rows)
    return 0


def missing(args, grounds, rows):
    """The cells that are asked for and not among the rows, as dicts with the names of KEY."""
    done = {tuple(row[name] for name in KEY) for row in rows}
    seeds = range(args.first_seed, args.first_seed + args.seeds)
    for ground, seed, name in itertools.product(grounds, seeds, args.games):
        lr, weight = SETTINGS[ground][name]
        weight = (args.weight or weight) if GAMES[name].penalty else None
        key = ground, name, seed, args.rounds or GROUNDS[ground].rounds, args.lr or lr, weight
        if key not in done:
            yield dict(zip(KEY, key, strict=True))


def make(game, ground, cell):
    """The GAN of a game on a ground, with learning rates that fall linearly to 0."""
    rounds, seed, lr = cell["rounds"], cell["seed"], cell["lr"]
    G, layers = ground.players(game, 2 * seed)
    if game.noisy:
        forwards = 2 * rounds  # of D, in its own step and in G's
        layers = [InstanceNoise(Exponential(1.0, 0.01 ** (1 / forwards))), *layers]
    if game.pack > 1:
        layers = [Pack(game.pack, ground.width), *layers]
    D = Network(*layers, seed=2 * seed + 1)
    g_rule = Adam(G, Linear(lr, 0.0, rounds))
    d_rule = Adam(D, Linear(lr * game.d_rate, 0.0, game.k * rounds))
    penalty = game.penalty and game.penalty(cell["weight"])
    return GAN(G, D, game.objective, seed, g_rule, d_rule, game.k, penalty=penalty)


def play(training, ground, rounds):
    """Train: what was measured in the end, the course up to there, and the processor's seconds in the rounds.

    In a course, `value` is the mean value of the game since the look before. Where a number is no longer finite, the
    game ends with the sentence that says so under `stopped`.
    """
    seconds, course, values = 0.0, [], []
    n = ground.looks
    measured, looks = {}, {math.ceil(rounds * i**2 / n**2) for i in range(1, n + 1)}  # the early ones closer together
    started = time.process_time()
    try:
        for t, _ in zip(range(1, rounds + 1), training.rounds(rounds), strict=False):
            values.append(float(training.last.V))
            if t in looks:
                seconds += time.process_time() - started
                measured = ground.measure(training.gan)
                if n > 1:
                    value = float(f"{numpy.mean(values):.5g}")
                    course.append({"round": t, "value": value, "frechet": measured["frechet"]})
                values, started = [], time.process_time()
    except NotFiniteError as error:
        measured = {"stopped": str(error)}
    return {**measured, "course": course, "seconds": round(seconds, 1)}


def file_of(cell):
    """The name of a cell's checkpoint."""
    return "-".join(f"{cell['ground']} {cell['game']} {cell['seed']}".replace(",", "").split()) + ".npz"


def sentence(row):
    """A finished cell in a line."""
    where = f"{row['ground']}, {row['game']}, seed {row['seed']}"
    if "stopped" in row:
        return f"{where}: stopped, {row['stopped']}"
    if "modes" in row:
        return f"{where}: {row['modes']} modes, {row['high_quality']:.1%} of high quality, {row['seconds']:.0f} s"
    return f"{where}: Frechet distance {row['frechet']:.1f}, {row['seconds']:.0f} s"


def table(rows):
    """Mean and standard error over the seeds, game by game, in Markdown, with the published rows of PacGAN below."""
    times = json.loads(TIMES.read_text()) if TIMES.exists() else {"ratios": {}}
    lines = [
        "| game | ring: modes of 8 | high quality | grid: modes of 25 | high quality "
        "| MNIST: Fréchet | rarest class | round |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name in GAMES:
        cells = [cell for ground in GROUNDS for cell in columns(ground, rows_of(rows, ground, name))]
        _, ratio, _ = times["ratios"].get(name, (0, 0, 0))
        lines.append(f"| {name} | {' | '.join(cells)} | {f'{ratio:.2f}' if ratio else ''} |")
    for method in PUBLISHED["ring"]:
        cells = [
            cell
            for mean, error, share, _ in (PUBLISHED[ground][method] for ground in PUBLISHED)
            for cell in (f"{mean} ± {error}", f"{share:.0%}")
        ]
        lines.append(f"| *{method}, published* | {' | '.join(cells)} | | | |")
    return "\n".join(lines)


def columns(ground, rows):
    """The table's two cells for one game on one ground."""
    ended = [row for row in rows if "stopped" not in row]
    if not ended:
        return ("stopped" if rows else "", "")
    if ground == "mnist":
        shares = numpy.mean([row["classes"] for row in ended], axis=0)
        return mean_and_error([row["frechet"] for row in ended]), f"{shares.min():.1%}"
    count = len(toy(ground).centers)
    every = sum(row["modes"] == count for row in ended)
    mark = "**" if every == len(rows) else ""
    return (
        f"{mark}{mean_and_error([row['modes'] for row in ended])}{mark}",
        f"{numpy.mean([row['high_quality'] for row in ended]):.0%}",
    )


def mean_and_error(values):
    """Mean and standard error, as text."""
    error = f" ± {numpy.std(values, ddof=1) / len(values) ** 0.5:.1f}" if len(values) > 1 else ""
    return f"{numpy.mean(values):.1f}{error}"


def rows_of(rows, ground, game):
    return [row for row in rows if (row["ground"], row["game"]) == (ground, game)]


def rank_correlation(a, b):
    """Spearman's: the correlation of the ranks of a and b, each (N,) without equal entries."""
    ranks = [numpy.argsort(numpy.argsort(values)) for values in (a, b)]
    return float(numpy.corrcoef(ranks)[0, 1])


def course_of(row):
    """(values of the game, Frechet distances) over a course."""
    return numpy.array([(look["value"], look["frechet"]) for look in row["course"]]).T


def correlations(rows):
    """How far the value of each game in COURSES ranks the looks at the samples as the Frechet distance does."""
    lines = ["| game | rank correlation of its value and the Fréchet distance, seed by seed |", "|---|---|"]
    for name in COURSES:
        found = [f"{rank_correlation(*course_of(row)):+.2f}" for row in courses(rows, name)]
        lines.append(f"| {name} | {', '.join(found)} |")
    return "\n".join(lines)


def courses(rows, game):
    """The rows of a game on MNIST that went through to the end."""
    return [row for row in rows_of(rows, "mnist", game) if "stopped" not in row]


def draw_samples(path, grounds, folder):
    """What each game's G drew in the end, of the first seed for which there is a checkpoint."""
    half = -(-len(GAMES) // 2)
    figure = Figure(figsize=(9.6, 1.75 * half), dpi=90)
    boxes = figure.subplots(half, 2 * len(grounds), squeeze=False)
    for axes in boxes.flat:
        axes.set_axis_off()
    for i, game in enumerate(GAMES):
        for j, (name, ground) in enumerate(grounds.items()):
            axes = boxes[i % half, i // half * len(grounds) + j]
            if j == 0:
                axes.set_title(game, loc="left", fontsize=10, y=1.0, pad=2)
            found = sorted(folder.glob(file_of({"ground": name, "game": game, "seed": "[0-9]"})))
            if found:
                axes.set(xticks=[], yticks=[])
                axes.set_axis_on()
                ground.draw(axes, load_generator(found[0])[0])
    figure.subplots_adjust(0.005, 0.003, 0.995, 0.98, 0.06, 0.16)
    save(figure, path)


def draw_courses(path, rows):
    """Value of the game against Frechet distance in the course of training, where the value means something and not."""
    figure = Figure(figsize=(9.6, 4.2), dpi=100, layout="constrained")
    for axes, (game, label) in zip(figure.subplots(1, 2), COURSES.items(), strict=True):
        for row in courses(rows, game):
            value, frechet = course_of(row)
            rho = rank_correlation(value, frechet)
            axes.plot(frechet, value, "o-", markersize=4, label=f"seed {row['seed']}: rank correlation {rho:+.2f}")
        axes.set(title=game, xlabel="Fréchet distance of the samples (less is better)", ylabel=label, xscale="log")
        if game.startswith("Wasserstein"):
            axes.set_yscale("log")
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(StrMethodFormatter("{x:g}"))
            axis.set_minor_formatter(NullFormatter())
        axes.legend(fontsize="small")
    save(figure, path)


def save(figure, path):
    """Write a PNG of 64 colors, a third of the size of one of all colors."""
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png")
    with replacing(path) as file:
        Image.open(drawn).convert("RGB").quantize(64).save(file, format="png", optimize=True)


def arguments():
    parser = Parser(__doc__)
    add = parser.add_argument
    add("--grounds", nargs="+", choices=GROUNDS, default=list(GROUNDS), help="where to play (default: all three)")
    add("--games", nargs="+", choices=GAMES, default=list(GAMES), metavar="GAME",
        help=f"which (default: all): {'; '.join(GAMES)}")  # fmt: skip
    add("--seeds", type=whole(1), default=3, help="how many (default: %(default)s)")
    add("--first-seed", type=whole(0), default=0, help="the first of them (default: %(default)s)")
    add("--rounds", type=whole(10), help="steps of each player (default: the ground's)")
    add("--lr", type=positive, help="learning rate (default: the game's on that ground)")
    add("--weight", type=positive, help="of the penalty (default: the game's on that ground)")
    add("--json", type=Path, default=Path("objectives.jsonl"), help="the finished cells (default: %(default)s)")
    add("--out", type=Path, default=Path("out", "objectives"), help="the checkpoints (default: %(default)s)")
    add("--page", type=Path, help="a page to write the tables into, between its markers, and to draw beside")
    add("--data-dir", help="the folder of MNIST's files")
    return parser


if __name__ == "__main__":
    sys.exit(main())
