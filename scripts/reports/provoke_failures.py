"""Provoke what goes wrong with GANs, on the embedded digits, and write each picture and what minigan said of it.

Fills docs/what-goes-wrong.md and docs/failures/ in about a minute.
"""

import argparse
import sys
from pathlib import Path

import numpy
from matplotlib.figure import Figure
from matplotlib.image import imsave

from minigan import GAN, SGD, Adam, Dense, LeakyReLU, Minimax, Network, NonSaturating
from minigan.app.reports import replace_block
from minigan.data import load
from minigan.plots.figures import save_figure
from minigan.plots.pictures import grid
from minigan.plots.style import DATA, SAMPLE
from minigan.training.advice import read_history
from minigan.training.course import report
from minigan.training.guard import NotFiniteError
from minigan.training.recipes import reference_players
from minigan.training.training import Training

ROOT = Path(__file__).resolve().parents[2]
EPOCHS = 40


def normal(G, D):
    """The recipe `plain`."""
    return GAN(G, D)


def saturated(G, D, objective=Minimax, lr=2e-5):
    """The minimax objective against a large D at a hundred times G's rate."""
    strong = Network(Dense(64, 512), LeakyReLU(), Dense(512, 512), LeakyReLU(), Dense(512, 1), seed=1)
    return GAN(G, strong, objective(), 0, Adam(G, lr=lr), Adam(strong, lr=2e-3))


def diverged(G, D):
    """Plain gradient steps at a rate of 1."""
    return GAN(G, D, NonSaturating(), 0, SGD(G, lr=1.0), SGD(D, lr=1.0))


def collapsed(G, D):
    """Adam with its usual beta1 = 0.9 and lr = 0.001."""
    return GAN(G, D, NonSaturating(), 0, Adam(G, lr=1e-3, beta1=0.9), Adam(D, lr=1e-3, beta1=0.9))


REMEDIES = {  # what is changed in `saturated`
    "as above: minimax, G's rate 2e-5": {},
    "G's rate 2e-4": {"lr": 2e-4},
    "non-saturating": {"objective": NonSaturating},
    "both": {"objective": NonSaturating, "lr": 2e-4},
}


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs", help="directory of what-goes-wrong.md")
    args = parser.parse_args(argv)
    page = args.out / "what-goes-wrong.md"
    (args.out / "failures").mkdir(exist_ok=True)
    text = page.read_text(encoding="utf-8")
    signals, outputs = [], {}
    for provoke in normal, saturated, diverged, collapsed:
        name = provoke.__name__
        training = begin(provoke)
        before = signal(training.gan)
        said, lines = play(training), [f"![{name}](failures/{name}.png)"]
        picture(args.out / "failures" / f"{name}.png", training)
        if training.history:
            line, _, _ = report(training.history[-1], EPOCHS).rpartition("%")  # what follows is the machine's
            lines = [f"```\n{line}%\n```", *lines]
            outputs[name] = training.gan.generator(training.fixed_noise)
            signals += [f"| {name}, before | {before} |", f"| {name}, after | {signal(training.gan)} |"]
        lines.append("\n".join(f"> {sentence}" for sentence in said))
        text = replace_block(text, name, "\n\n".join(lines))
        print(f"{name}: {' '.join(said)}")
    save_figure(args.out / "failures" / "tanh.png", draw_tanh(("normal", "collapsed"), outputs))
    text = replace_block(text, "signal", "\n".join([SIGNAL, *signals]))
    text = replace_block(text, "remedies", remedies())
    page.write_text(text, encoding="utf-8")
    return 0


def begin(provoke, **settings):
    """The game on the embedded digits, not yet played."""
    data = load("digits")
    return Training(provoke(*reference_players(data, 100, 0), **settings), data, 56)


def play(training):
    """Train; what was said about it in the end, as sentences."""
    try:
        with numpy.errstate(all="ignore"):
            for _ in training.rounds(EPOCHS):
                pass
    except NotFiniteError as error:
        return [f"training stopped: {error}."]
    return list(read_history(training.history).values())


SIGNAL = "| game | sum of \\|da\\| | length of dx | mean of 1 - y² | length of dθ of G |\n|---|---:|---:|---:|---:|"


def signal(gan):
    """How much of G's gradient is left at each station of its way, on the same 64 samples: the cells of SIGNAL.

    y are the outputs of G's last layer, Tanh, whose derivative is 1 - y^2.
    """
    G, D = gan.generator, gan.discriminator
    y = G.forward(gan.fixed_noise(64), training=True)
    _, da = gan.objective.generator(D.forward(y, training=True))
    dx = D.backward(da, wrt="input")
    G.backward(dx, wrt="params")
    stations = abs(da).sum(), numpy.linalg.norm(dx), (1 - y * y).mean(), numpy.linalg.norm(G.dtheta)
    return " | ".join(f"{station:.2g}" for station in stations)


def draw_tanh(names, outputs):
    """The figure of G's outputs y (N, W) in these games, over the derivative of tanh at y."""
    figure, y = Figure(figsize=(8.4, 3), layout="constrained"), numpy.linspace(-1, 1, 201)
    for axes, name in zip(figure.subplots(1, 2, sharey=True), names, strict=True):
        shares, edges = numpy.histogram(outputs[name], 40, (-1, 1))
        axes.stairs(shares / shares.sum(), edges, fill=True, color=DATA, alpha=0.6, label="share of G's outputs y")
        axes.plot(y, 1 - y * y, color=SAMPLE, label="1 - y², the derivative of tanh")
        axes.set(title=f"{name}: mean of 1 - y² is {(1 - outputs[name] ** 2).mean():.1g}", xlabel="y")
        axes.legend(fontsize="small", loc="center")
    return figure


def remedies():
    """What becomes of the game that D wins when one thing is changed: a table of its last epoch."""
    lines = ["| | D(G(z)) | D right | length of dθ of G |", "|---|---:|---:|---:|"]
    for name, settings in REMEDIES.items():
        training = begin(saturated, **settings)
        play(training)
        row = training.history[-1]
        lines.append(f"| {name} | {row['d_fake']:.2f} | {row['accuracy']:.0%} | {row['norm_g']:.2g} |")
    return "\n".join(lines)


def picture(path, training):
    """32 samples of the same noise, beside 16 images of the data; after an early stop, of the players as they were."""
    data = training.dataset
    samples = training.samples
    if samples is None:
        with numpy.errstate(all="ignore"):
            samples = training.gan.generator(training.fixed_noise)
    ours, theirs = grid(samples[:32], data.shape, data.range, 8), grid(data.rows(slice(16)), data.shape, data.range, 4)
    between = numpy.ones((len(ours), 24))
    imsave(path, numpy.concatenate((ours, between, theirs), axis=1), cmap="gray", vmin=0, vmax=1)


if __name__ == "__main__":
    sys.exit(main())
