"""Train a generative adversarial network on sequences: sines, a series of your own, or images row by row.

G is recurrent; D looks along time with convolutions, or is recurrent, too. A series is a CSV file, a row for each
moment and a column for each thing measured, and every window of --window rows is a sequence. Pictures of each epoch
show samples beside data, samples.csv has samples in the units of the file. Ctrl-C stops after the round, with
everything saved; --resume goes on from there.
"""

import json
import sys
from pathlib import Path

import numpy

from minigan import (
    GAN,
    GRU,
    LSTM,
    R1,
    RNN,
    Adam,
    Bidirectional,
    ClipNorm,
    Conv2D,
    Dense,
    ExponentialMovingAverage,
    Flatten,
    LeakyReLU,
    MeanOverTime,
    Network,
    NonSaturating,
    Reshape,
    Shared,
    Sigmoid,
    Standardize,
    to_numpy,
)  # fmt: skip
from minigan.app.cli import Parser, positive, whole
from minigan.app.program import Start, add_options, add_options_of_ranks, run
from minigan.backend import host_generator
from minigan.backend.generators import DATA
from minigan.data import load
from minigan.data.files import replacing
from minigan.data.sequences import SequenceBatches, by_rows, load_series, sines
from minigan.evaluation.sequences import mmd, scores
from minigan.layers import glorot
from minigan.optimizers import Linear
from minigan.plots.pictures import save_grid
from minigan.plots.sequences import save_sequences
from minigan.training.training import Training

CELLS = {"rnn": RNN, "gru": GRU, "lstm": LSTM}
IMAGES = "digits", "mnist"
ENOUGH, USUAL = 4000, 64  # rounds, and sequences in each
FASTER = 3  # times G's rate is that of D, which else falls behind (two time-scales, Heusel et al. 2017)
EACH = 16  # numbers that the one noise becomes at each step
SOME = 1000  # sequences of either kind that are compared without a network


def main(argv=None):
    return run("train_sequences.py", arguments(), set_up, argv, own=("scores", "hard"))


def set_up(args):
    """The game on these sequences, for how many epochs, and what is drawn, written and judged beside it."""
    data = sequences(args)
    args.batch_size = args.batch_size or min(USUAL, max(2, len(data) // 8))
    batches = SequenceBatches(data, args.batch_size, args.seed)
    epochs = args.epochs or -(-ENOUGH // batches.rounds)
    training = Training(game(data, epochs * batches.rounds, args), batches)

    def close(directory, code):
        data.save(directory / "samples.csv", to_numpy(training.gan.sampler(training.fixed_noise)))
        if args.scores and not code:
            print(judged(data, training, args, directory))

    return Start(training, epochs, draw=picture(data, args), close=close)


def sequences(args):
    """The data of this name, or in this file."""
    args.noise = args.noise or ("once" if args.data in ("sines", *IMAGES) else "both")
    if args.data == "sines":
        return sines(seed=args.seed)
    if args.data in IMAGES:
        return by_rows(load(args.data))
    args.data = str(Path(args.data).resolve())
    return load_series(args.data, args.window, args.newest_first)


def game(data, rounds, args):
    """G: noise -> numbers in [0, 1] at each step, and D: sequence -> logit.

    G reads one noise for the whole sequence, --noise once, or fresh noise in each step and beside it what these have in
    common, --noise both: sines are smooth, prices are not. The one noise is spread over the steps: where each step gets
    the same, the state of a GRU settles, and sines that should fall after their maximum stay there.
    D sees each column at each step with mean 0 and deviation 1: else what differs little, as all sines do at first,
    would count for little.
    By default D looks along time with convolutions, and R1 bounds its slope. A recurrent D (--judge recurrent) reads
    step by step, and does without: a penalty needs second derivatives, which recurrent layers do not have here.
    """
    (steps, width), cell, H = data.sample_shape, CELLS[args.cell], args.hidden
    if args.noise == "once":
        spread = Dense(args.latent, H), LeakyReLU(), Dense(H, steps * EACH), Reshape(steps, EACH)
        first, shape = spread, (args.latent,)
    else:
        first, shape = (Shared(), Dense(2 * args.latent, H), LeakyReLU()), (steps, args.latent)
    G = Network(
        *first, cell(H), Dense(H, H), LeakyReLU(), Dense(H, width, glorot), Sigmoid(), shape=shape, seed=args.seed
    )
    judge = convolutional(steps, width, H) if args.judge == "convolutional" else recurrent(cell, steps, width, H)
    D = Network(*standard(data), *judge, Dense(H, 1), shape=data.sample_shape, seed=args.seed + 1)
    rate = args.lr * (args.batch_size / USUAL if args.scale_lr else 1)
    rules = [Adam(network, Linear(lr, lr / 10, rounds)) for network, lr in ((G, rate), (D, FASTER * rate))]
    for rule in rules:
        rule.between.append(ClipNorm(args.clip))
    average = ExponentialMovingAverage(G, max(0.9, 1 - 8 / rounds))
    penalty = R1(args.r1) if args.judge == "convolutional" else None
    return GAN(G, D, NonSaturating(real=0.9), args.seed, *rules, average=average, penalty=penalty)


def standard(data):
    """Layers (N, steps, width) -> (N, steps width): each number less its mean, over its deviation, or 0.01 if less."""
    rows = data.x.reshape(len(data), -1)
    mean, deviation = (a.round(4) for a in (rows.mean(0, "float64"), rows.std(0, "float64")))  # alike on any machine
    return Flatten(), Standardize(mean.tolist(), numpy.maximum(deviation, 0.01).tolist())


def convolutional(steps, width, H):
    """Layers (N, steps width) -> (N, H): two convolutions along time, each of which halves it."""
    kernel = {"kernel": (1, 4), "stride": (1, 2), "padding": (0, 2)}
    left = (steps // 2 + 1) // 2 + 1
    return (
        Reshape(1, steps, width), Conv2D(H, **kernel), LeakyReLU(), Conv2D(2 * H, **kernel), LeakyReLU(),
        Flatten(), Dense(2 * H * left, H), LeakyReLU(),
    )  # fmt: skip


def recurrent(cell, steps, width, H):
    """Layers (N, steps width) -> (N, H), which read both ways."""
    return Reshape(steps, width), Bidirectional(cell(H)), Dense(2 * H, H), LeakyReLU(), MeanOverTime()


def picture(data, args):
    """A function (path, samples) that draws the samples of an epoch: images as images, the rest as curves."""
    if args.data in IMAGES:
        return lambda path, samples: save_grid(path, samples.reshape(len(samples), -1), data.sample_shape, (0, 1))
    return lambda path, samples: save_sequences(path, samples, data)


def judged(data, training, args, directory):
    """The scores of as many samples as there are sequences, and those of the data beside them; also as a file."""
    gan, name = training.gan, "harder judge" if args.hard else "protocol of TimeGAN"
    samples = numpy.concatenate([to_numpy(gan.sample(min(1000, len(data) - i))) for i in range(0, len(data), 1000)])
    half = min(SOME, len(data) // 2)
    some = data.x[host_generator(args.seed, DATA).permutation(len(data))[: 2 * half]]
    found = {"judge": name, "rounds": training.epoch * training.batches.rounds}
    found["minutes"] = sum(row["seconds"] for row in training.history) / 60
    lines = [f"{name}, {args.scores} repetitions, mean +- deviation"]
    for whose, x, other in ("samples", samples, samples[:half]), ("data against themselves", None, some[half:]):
        figures = numpy.array(scores(data, x, args.scores, args.seed, args.hard)).T
        told, predicted = (f"{a.mean():.3f} +- {a.std():.3f}" for a in figures)
        distance = mmd(some[:half], other)
        lines.append(f"{whose}: discriminative {told}, predictive {predicted}, MMD {distance:.1e}")
        found[whose] = dict(zip(("discriminative", "predictive"), figures.tolist(), strict=True)) | {"mmd": distance}
    with replacing(directory / f"scores{'-hard' * args.hard}.json", "w") as file:
        json.dump(found, file, indent=2)
    return "\n".join(lines)


def arguments():
    parser = Parser(__doc__)
    add = parser.add_argument
    add("--data", default="sines", metavar="{sines,digits,mnist,FILE.csv}", help="what to learn (default: %(default)s)")
    add("--window", type=whole(2, 10_000), default=24, help="rows of the file in a sequence (default: %(default)s)")
    add("--newest-first", action="store_true", help="the file's last row is its oldest")
    add("--cell", choices=CELLS, default="gru", help="what a recurrent player is made of (default: %(default)s)")
    add("--judge", choices=("convolutional", "recurrent"), default="convolutional", help="D (default: %(default)s)")
    add("--r1", type=positive, default=0.001, help="weight of the penalty of a convolutional D (default: %(default)s)")
    add("--hidden", type=whole(1, 10_000), default=32, help="width of both players (default: %(default)s)")
    add("--noise", choices=("once", "both"),
        help="one for the sequence, or in each step, too (default: both for a file, else once)")  # fmt: skip
    add("--latent", type=whole(1, 10_000), default=16, help="width of the noise (default: %(default)s)")
    add("--epochs", type=whole(1, 10**9), help=f"passes over the data (default: as many as make {ENOUGH:,} rounds)")
    add("--batch-size", type=whole(1, 10**9), help=f"sequences in a round (default: {USUAL})")
    add("--lr", type=positive, default=1e-3,
        help="G's rate, of which D's is 3 times; both fall to a tenth (default: %(default)s)")  # fmt: skip
    add("--clip", type=positive, default=1.0, help="the longest gradient of a player (default: %(default)s)")
    add("--seed", type=whole(0), default=0, help="the same seed gives the same samples (default: %(default)s)")
    add("--scores", type=whole(1), metavar="REPETITIONS",
        help="in the end, the discriminative and the predictive score, a minute or more for each")  # fmt: skip
    add("--hard", action="store_true", help="these by a judge of 64 units, on a stretch of time that it never saw")
    add_options(parser)
    add_options_of_ranks(parser)
    parser.set_defaults(device="cpu")  # many small products, one after the other
    return parser


if __name__ == "__main__":
    sys.exit(main())
