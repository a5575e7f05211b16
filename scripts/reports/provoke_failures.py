"""Provoke what goes wrong with GANs, on the embedded digits, and write each picture and what minigan said of it.

Fills docs/what-goes-wrong.md and docs/failures/ in about half a minute.
"""

import argparse
import sys
from pathlib import Path

import numpy

from minigan import GAN, SGD, Adam, Dense, LeakyReLU, Minimax, Network, NonSaturating
from minigan.app.reports import replace_block
from minigan.data import load
from minigan.plots.pictures import save_grid
from minigan.training.advice import read_history
from minigan.training.guard import NotFiniteError
from minigan.training.recipes import reference_players
from minigan.training.training import Training, report

ROOT = Path(__file__).resolve().parents[2]
EPOCHS = 40


def normal(G, D):
    """The recipe `plain`."""
    return GAN(G, D)


def saturated(G, D):
    """The minimax objective against a large D at ten times the rate."""
    strong = Network(Dense(64, 512), LeakyReLU(), Dense(512, 512), LeakyReLU(), Dense(512, 1), seed=1)
    return GAN(G, strong, Minimax(), 0, Adam(G, lr=2e-5), Adam(strong, lr=2e-3))


def diverged(G, D):
    """Plain gradient steps at a rate of 1."""
    return GAN(G, D, NonSaturating(), 0, SGD(G, lr=1.0), SGD(D, lr=1.0))


def collapsed(G, D):
    """Adam with its usual beta1 = 0.9 and lr = 0.001."""
    return GAN(G, D, NonSaturating(), 0, Adam(G, lr=1e-3, beta1=0.9), Adam(D, lr=1e-3, beta1=0.9))


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs", help="directory of what-goes-wrong.md")
    args = parser.parse_args(argv)
    page = args.out / "what-goes-wrong.md"
    (args.out / "failures").mkdir(exist_ok=True)
    data = load("digits")
    text = page.read_text(encoding="utf-8")
    for provoke in normal, saturated, diverged, collapsed:
        name = provoke.__name__
        training = Training(provoke(*reference_players(data, 100, 0)), data, 56)
        said, lines = play(training), [f"![{name}](failures/{name}.png)"]
        picture(args.out / "failures" / f"{name}.png", training)
        if training.history:
            lines = [f"```\n{report(training.history[-1], EPOCHS)}\n```", *lines]
        lines.append("\n".join(f"> {sentence}" for sentence in said))
        text = replace_block(text, name, "\n\n".join(lines))
        print(f"{name}: {' '.join(said)}")
    page.write_text(text, encoding="utf-8")
    return 0


def play(training):
    """Train; what was said about it in the end, as sentences."""
    try:
        with numpy.errstate(all="ignore"):
            for _ in training.rounds(EPOCHS):
                pass
    except NotFiniteError as error:
        return [f"training stopped: {error}."]
    return list(read_history(training.history).values())


def picture(path, training):
    """32 samples of the same noise; after an early stop, of the players as they were then."""
    data = training.dataset
    samples = training.samples
    if samples is None:
        with numpy.errstate(all="ignore"):
            samples = training.gan.generator(training.fixed_noise)
    save_grid(path, samples[:32], data.shape, data.range, columns=8)


if __name__ == "__main__":
    sys.exit(main())
