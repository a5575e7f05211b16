"""Do generated images help a classifier? Measured as it should be: on real test images, pair by pair, seed by seed.

With --checkpoint RUN, of a conditional run on all images: the classifier is trained on real images, on as many
generated ones, and on both, and tested on the real test images ("train on synthetic, test on real").

Without, for each number of --labels per class: so many real images are taken, a conditional GAN is fitted to those
only, and the classifier is trained on them with nothing added, with shifts, with generated images, and with both.

All classifiers of a cell are of the same size and take the same number of steps. Each finished cell is a line of
--json; started again with the same file, the script computes only what is missing there.
"""

import itertools
import json
import math
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy
from tqdm import tqdm

from minigan.app.cli import Parser, choose_device, whole
from minigan.app.saved import open_checkpoint
from minigan.backend import host_generator, to_numpy, xp
from minigan.data import DataError, Dataset
from minigan.data.files import read_rows
from minigan.evaluation.classifier import Recipe, train_classifier
from minigan.evaluation.conditional import as_often
from minigan.evaluation.judge import accuracy as judged_right
from minigan.evaluation.judge import train_judge, untrained_judge
from minigan.evaluation.protocol import divided, generated, part, trained_on
from minigan.training import NotFiniteError, Training
from minigan.training.recipes import RECIPES

KEY = "source", "labels", "seed", "rounds", "steps"
COLUMNS = {*KEY, "accuracy", "seconds"}
EPOCH = 3200  # images in an epoch, at least, of a GAN on few: its pictures and measures are not needed more often
RATIO = 5  # generated images for each real one, where these are few
PAIRS = {  # what is compared with what, of the many and of the few
    True: (("generated", "real"), ("both", "real")),
    False: (("shifts", "none"), ("generated", "none"), ("both", "shifts")),
}


def main(argv=None):
    parser = arguments()
    args = parser.parse_args(argv)
    with parser.mistakes():
        choose_device(args.device)
        rows = read_rows(args.json, COLUMNS)
        if args.checkpoint:
            G, meta = open_checkpoint(args.checkpoint)
            if not G.classes:
                raise ValueError(f"{args.checkpoint} was trained without labels: train with --conditional")
            data, numbers, source = trained_on(meta, args.data_dir), [None], str(args.checkpoint.resolve())
        else:
            data, numbers, source = divided(args.data, args.data_dir), args.labels, args.data
            for n in numbers:
                few_of(data.learn, n, 0)  # refuses, before anything is computed, more than there are
        rounds = meta["generator"]["steps"] if args.checkpoint else args.rounds  # a run that went on is another one
        asked = [dict(zip(KEY, (source, n, seed, rounds, args.steps), strict=True))
                 for n, seed in itertools.product(numbers, range(args.seeds))]  # fmt: skip
        done = [tuple(row[name] for name in KEY) for row in rows]
        missing = [cell for cell in asked if tuple(cell.values()) not in done]
    try:
        for cell in tqdm(missing, unit="cell", disable=None):
            started = time.process_time()
            if args.checkpoint:
                accuracy = of_many(cell, data, G, meta)
            else:
                accuracy = of_few(cell, data)
            rows.append(cell | {"accuracy": accuracy, "seconds": round(time.process_time() - started, 1)})
            with parser.mistakes(), args.json.open("a", encoding="utf-8") as file:
                file.write(json.dumps(rows[-1]) + "\n")
    except KeyboardInterrupt:
        parser.exit(130, f"interrupted; the finished cells are in {args.json}: start again to go on\n")
    except NotFiniteError as error:
        parser.error(f"the GAN cannot be fitted: {error}")
    wanted = [tuple(cell.values()) for cell in asked]
    print(table([row for row in rows if tuple(row[name] for name in KEY) in wanted]))
    print("\nPercent of the real test images that are right, means over the seeds; differences of the same seeds, with "
          "95 % intervals.")  # fmt: skip
    return 0


def of_many(cell, data, G, meta):
    """{images: accuracy} of the classifier, trained on as many real and generated images, and on both."""
    real, seed = data.learn, cell["seed"]
    made = as_dataset(generated(G, meta, len(real), seed, real), as_often(real, len(real)), real.shape)
    sets = {"real": real, "generated": made, "both": joined(real, made)}
    return {name: judged_by_convolution(images, data.test, cell) for name, images in sets.items()}


def of_few(cell, data):
    """{what is added: accuracy} of the classifier, trained on few real images."""
    few, seed = few_of(data.learn, cell["labels"], cell["seed"]), cell["seed"]
    G = fitted(few, cell["rounds"], seed)
    y = as_often(few, RATIO * len(few))
    z = host_generator(seed, 1).standard_normal((len(y), G.n_in), dtype="float32")
    images = (to_numpy(G(xp.asarray(z), xp.asarray(y))) + 1) / 2
    more, shift = joined(few, as_dataset(images, y, few.shape)), (2 if few.shape[0] > 8 else 1) / few.shape[0]
    sets = {"none": (few, 0.0), "shifts": (few, shift), "generated": (more, 0.0), "both": (more, shift)}
    return {name: judged(images, data.test, cell, move) for name, (images, move) in sets.items()}


def few_of(data, n, seed):
    """n images of each class, drawn by chance. Raises DataError where a class has fewer."""
    labels, rng, index = data.class_labels, host_generator(seed, 0), []
    for label in range(data.classes):
        own = numpy.flatnonzero(labels == label)
        if len(own) < n:
            raise DataError(f"{data.name} has {len(own)} images of class {label} to learn from, and --labels asks for "
                            f"{n}: ask for fewer")  # fmt: skip
        index.append(rng.permutation(own)[:n])
    return part(data, rng.permutation(numpy.concatenate(index)))


def fitted(few, rounds, seed):
    """The generator of a conditional game on these images alone, again and again. Raises NotFiniteError."""
    gan = RECIPES["default"].make(few, rounds, seed, classes=few.classes)
    again = numpy.tile(numpy.arange(len(few)), -(-EPOCH // len(few)))
    training = Training(gan, replace(part(few, again), range=(-1.0, 1.0)), 64)
    for _ in itertools.islice(training.rounds(rounds), rounds):
        pass
    return gan.sampler


def as_dataset(rows, labels, shape):
    """Generated rows in [0, 1] as a Dataset."""
    return Dataset("generated", rows.clip(0, 1).reshape(-1, *shape), stored=(0, 1), range=(0.0, 1.0), labels=labels)


def joined(a, b):
    """The images of both, as one Dataset of pixels in [0, 1]."""
    rows = [each.rows() for each in (replace(a, range=(0.0, 1.0)), replace(b, range=(0.0, 1.0)))]
    return as_dataset(numpy.concatenate(rows), numpy.concatenate((a.class_labels, b.class_labels)), a.shape)


def judged_by_convolution(images, test, cell):
    """The share of the test images that a convolutional classifier is right about which learned from these images."""
    judge = untrained_judge((*images.shape, 1), seed=cell["seed"])
    train_judge(judge, images, cell["steps"], cell["seed"])
    return round(judged_right(judge, test), 5)


def judged(images, test, cell, move):
    """The same, of a dense one, which few images train in seconds; each batch is shifted by up to `move`."""
    batch = min(100, len(images))
    recipe = Recipe(epochs=1, least_steps=cell["steps"], batch_size=batch, move=move, seed=cell["seed"])
    return round(train_classifier(images, recipe).accuracy(test), 5)


def student(freedom, tail=0.025):
    """The t that Student's distribution exceeds with probability `tail`: by bisection on the area under its density."""

    def above(t):
        u = numpy.linspace(0, t, 20_001)
        scale = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(freedom * math.pi)
        return 0.5 - scale * numpy.trapezoid((1 + u * u / freedom) ** (-(freedom + 1) / 2), u)

    low, high = 0.0, 100.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (middle, high) if above(middle) > tail else (low, middle)
    return low


def difference(rows, name, other):
    """(mean, half of the 95 % interval) of the paired differences of two accuracies over the seeds, in points."""
    values = 100 * numpy.array([row["accuracy"][name] - row["accuracy"][other] for row in rows])
    if len(values) < 2:
        return values.mean(), math.inf
    return values.mean(), student(len(values) - 1) * values.std(ddof=1) / math.sqrt(len(values))


def table(rows):
    """Mean accuracies in percent, and the paired differences with their intervals, in Markdown."""
    many = rows[0]["labels"] is None
    names, groups = list(rows[0]["accuracy"]), {}
    for row in sorted(rows, key=lambda row: row["labels"] or 0):
        name = row["source"].partition(", seed")[0] if many else row["labels"]
        groups.setdefault((name, row["rounds"], row["steps"]), []).append(row)
    heads = "generator" if many else "real images per class", "seeds", *names, *(f"{a} - {b}" for a, b in PAIRS[many])
    lines = [f"| {' | '.join(heads)} |", "|---|" + "---:|" * (len(heads) - 1)]
    for (name, *_), cells in groups.items():
        means = [f"{100 * numpy.mean([row['accuracy'][name] for row in cells]):.2f}" for name in names]
        found = [difference(cells, *pair) for pair in PAIRS[many]]
        shown = [f"{mean:+.2f} ± {half:.2f}" if math.isfinite(half) else f"{mean:+.2f}" for mean, half in found]
        lines.append(f"| {name} | {len(cells)} | {' | '.join(means + shown)} |")
    return "\n".join(lines)


def arguments():
    parser = Parser(__doc__)
    add = parser.add_argument
    add("--checkpoint", type=Path, help="a conditional run of scripts/train_mnist.py: train on what it generates")
    add("--data", default="mnist", help="mnist, or digits, in minutes (default: %(default)s)")
    add("--data-dir", help="the folder of MNIST's files")
    add("--labels", type=whole(2), nargs="+", default=[10, 50, 100], metavar="N",
        help="real images of each class (default: 10 50 100)")  # fmt: skip
    add("--seeds", type=whole(1), default=5, help="how often, each time with other images (default: %(default)s)")
    add("--rounds", type=whole(10), default=2000, help="of the GAN on few images (default: %(default)s)")
    add("--steps", type=whole(10), default=2000, help="of each classifier (default: %(default)s)")
    add("--json", type=Path, default=Path("augment.jsonl"), help="the finished cells (default: %(default)s)")
    add("--device", choices=("cpu", "gpu", "auto"), default="auto", help="auto: a GPU where one works (default)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
