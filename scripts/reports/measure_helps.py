"""Play the default recipe on the embedded digits, and again without each of its helps; measure the samples.

Writes docs/course/helps.json, of which page 14 of the course and its picture are made, in about four minutes. Fréchet
distance, precision and recall are taken of pixels, of as many samples as there are images.
"""

import copy
import json
import sys
from pathlib import Path

import numpy

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


def main(argv=None):
    parser = Parser(__doc__)
    parser.add_argument(
        "--out", type=Path, default=ROOT / "docs" / "course" / "helps.json", help="(default: %(default)s)"
    )
    args = parser.parse_args(argv)
    data = load("digits")
    results = {}
    for without in ("nothing", *HELPS):
        results[without] = [measure(data, without, seed) for seed in SEEDS]
        print(
            without,
            {name: numpy.mean([run[name] for run in results[without]]).round(3) for name in results[without][0]},
        )
    with replacing(args.out, "w", encoding="utf-8") as file:
        file.write(json.dumps({"epochs": EPOCHS, "without": results}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
