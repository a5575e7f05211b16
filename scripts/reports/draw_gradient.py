"""Draw docs/gradient.png: the six lines of G's step, and the way of the gradient through D into G, on a fake digit."""

import sys
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from minigan.app.cli import Parser
from minigan.data import load
from minigan.data.files import replacing
from minigan.plots.style import BELIEF, DATA, INK, SAMPLE
from minigan.training.recipes import RECIPES
from minigan.training.training import Training

ROOT = Path(__file__).resolve().parents[2]
TOP, BOTTOM = 2.75, 1.0  # heights of the way forward and of the way back
BOXES = {"G": (2.1, 1.5), "D": (6.1, 1.5), "loss": (9.3, 1.2)}  # left end and width


def main(argv=None):
    parser = Parser(__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "gradient.png", help="(default: docs/gradient.png)")
    parser.add_argument("--epochs", type=int, default=30, help="of the game `plain` on the digits (default: 30)")
    args = parser.parse_args(argv)
    figure = draw(*fake_and_gradient(args.epochs))
    with parser.mistakes(), replacing(args.out) as file:
        figure.savefig(file, format="png", dpi=100)
    return 0


def fake_and_gradient(epochs):
    """(x, dx): the fake that D rejects most surely of 64, and the derivative of G's loss with respect to its pixels."""
    data = load("digits")
    training = Training(RECIPES["plain"].make(data, 0), data, 56)
    for _ in training.rounds(epochs):
        pass
    gan = training.gan
    x = gan.generator.forward(gan.fixed_noise(64), training=True)
    a = gan.discriminator.forward(x, training=True)
    _, da = gan.objective.generator(a)
    dx = gan.discriminator.backward(da, wrt="input")
    i = int(a.argmin())
    return x[i].reshape(data.shape), dx[i].reshape(data.shape)


def draw(x, dx):
    """The figure, for one fake x (H, W) in [-1, 1] and dL/dx (H, W)."""
    figure = Figure(figsize=(11, 3.9), facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, 11), ylim=(0, 3.9))
    axes.set_axis_off()
    for name, (left, width) in BOXES.items():
        box = {"boxstyle": "round,pad=0,rounding_size=0.12", "facecolor": "#f1f3f5", "edgecolor": INK, "linewidth": 1.2}
        axes.add_patch(FancyBboxPatch((left, BOTTOM - 0.45), width, TOP - BOTTOM + 0.9, **box))
        axes.text(
            left + width / 2, (TOP + BOTTOM) / 2, name, size=22 if len(name) == 1 else 15, ha="center", va="center"
        )
    for picture, middle, style in (
        (x, TOP, {"cmap": "gray", "vmin": -1, "vmax": 1}),
        (-dx, BOTTOM, {"cmap": BELIEF, "vmin": -abs(dx).max(), "vmax": abs(dx).max()}),
    ):
        axes.imshow(picture, extent=(4.4, 5.3, middle - 0.45, middle + 0.45), aspect="auto", zorder=2, **style)
    axes.set(xlim=(0, 11), ylim=(0, 3.9))
    forward, back = (DATA, TOP), (SAMPLE, BOTTOM)
    for (color, height), start, end, words in (
        (forward, 1.0, 2.1, "z, noise"), (forward, 3.6, 4.4, ""), (forward, 5.3, 6.1, ""),
        (forward, 7.6, 9.3, "a, a logit"),
        (back, 9.3, 7.6, "da"), (back, 6.1, 5.3, ""), (back, 4.4, 3.6, ""), (back, 2.1, 1.0, "dθ of G"),
    ):  # fmt: skip
        arrow = {
            "arrowstyle": "-|>,head_width=0.3,head_length=0.5",
            "color": color,
            "linewidth": 2,
            "shrinkA": 3,
            "shrinkB": 3,
        }
        axes.annotate("", (end, height), (start, height), arrowprops=arrow)
        axes.text((start + end) / 2, height + 0.14, words, color=color, size=12, ha="center")
    for left, height, words, color in (
        (2.85, TOP, "1", DATA), (6.85, TOP, "2", DATA), (9.9, TOP, "3", DATA),
        (6.85, BOTTOM, "4", SAMPLE), (2.85, BOTTOM, "5", SAMPLE), (0.75, BOTTOM, "6", SAMPLE),
    ):  # fmt: skip
        circle = {"boxstyle": "circle,pad=0.25", "facecolor": color, "edgecolor": "none"}
        axes.text(left, height, words, color="white", size=12, weight="bold", ha="center", va="center", bbox=circle)
    axes.text(4.85, TOP + 0.56, "x = G(z), a fake", color=DATA, size=12, ha="center")
    axes.text(4.85, BOTTOM - 0.68, "-dx: blue brighter, red darker", color=SAMPLE, size=12, ha="center")
    axes.text(6.85, BOTTOM + 0.3, "weights stay", color=SAMPLE, size=12, ha="center")
    axes.text(0.75, BOTTOM - 0.4, "Adam", color=SAMPLE, size=12, ha="center")
    axes.text(0.25, 3.62, "forward", color=DATA, size=12, weight="bold", va="center")
    axes.text(0.25, 0.25, "back", color=SAMPLE, size=12, weight="bold", va="center")
    return figure


if __name__ == "__main__":
    sys.exit(main())
