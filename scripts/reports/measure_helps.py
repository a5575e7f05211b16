"""Play the default recipe on the embedded digits, and again without each of its helps; measure the samples.

Writes docs/course/helps.json, of which page 14 of the course and its picture are made, in about four minutes. Fréchet
distance, precision and recall are taken of pixels, of as many samples as there are images.
"""

import copy
import json
import sys
from pathlib import Path

from minigan import GAN, Adam, Dropout, Network, NonSaturating
from minigan.app.cli import Parser
from minigan.data import load
from minigan.data.files import replacing
from minigan.evaluation.metrics import frechet_distance, precision_recall
from minigan.layers import BatchNorm
from minigan.training.recipes import RECIPES
from minigan.training.training import Training

ROOT = Path(__file__).resolve().parents[2]
EPOCHS, SEEDS, BATCH = 60, (0, 1, 2), 128
HELPS = ("batch normalization", "dropout", "smoothing", "falling rates", "averaging")


def game(data, rounds, seed, without):
    """The default recipe's game, less one help."""
    gan = RECIPES["default"].make(data, rounds, seed)
    G, D = gan.generator, gan.discriminator
    if without == "batch normalization":
        G = bare(G, BatchNorm)
    if without == "dropout":
        D = bare(D, Dropout)
    rate, average = gan.generator_optimizer.lr, gan.average
    lr = 0.6 * rate(0) if without == "falling rates" else rate  # 0.6, the mean of a fall from 1 to 1/5
    if without == "averaging":
        average = None
    elif G is not gan.generator:
        average = type(average)(G, average.decay)
    objective = NonSaturating() if without == "smoothing" else gan.objective
    return GAN(G, D, objective, seed, Adam(G, lr), Adam(D, lr), average=average)


def bare(network, kind):
    """A new network of copies of the layers, with their weights, without those of one kind."""
    return Network(*(copy.deepcopy(layer) for layer in network.layers if not isinstance(layer, kind)))


def measure(data, without, seed):
    """{measure: value} of the samples at the end."""
    rounds = EPOCHS * (len(data) // BATCH)
    training = Training(game(data, rounds, seed, without), data, BATCH)
    for _ in training.rounds(EPOCHS):
        pass
    real, samples = data.rows(), training.gan.sample(len(data))
    precision, recall = precision_recall(real, samples)
    found = {"frechet": frechet_distance(samples, real), "precision": precision, "recall": recall}
    return {name: round(float(value), 3) for name, value in found.items()}


def table(without):
    """The rows of page 14's table: the mean over the seeds, and its range."""
    for name, runs in without.items():
        columns = ([run[measure] for run in runs] for measure in ("frechet", "precision", "recall"))
        cells = (f"{sum(found) / len(found):.2f} ({min(found):.2f} to {max(found):.2f})" for found in columns)
        yield f"| {name} | {' | '.join(cells)} |"


def main(argv=None):
    parser = Parser(__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "course", help="(default: docs/course)")
    args = parser.parse_args(argv)
    data = load("digits")
    without = {name: [measure(data, name, seed) for seed in SEEDS] for name in ("nothing", *HELPS)}
    print(*table(without), sep="\n")
    with replacing(args.out / "helps.json", "w", encoding="utf-8") as file:
        file.write(json.dumps({"epochs": EPOCHS, "without": without}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
