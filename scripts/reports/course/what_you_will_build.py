"""Eight random numbers become a digit; D judges it, as it judges real ones, and the derivative goes back to G"""

import importlib.util
from pathlib import Path

import numpy
from course._boxes import BLUE, GRAY, ORANGE, arrow, box, diagram

from minigan.data import load

SIZE = 9.0, 3.9
ANSWER = Path(__file__).resolve().parents[3] / "docs" / "course" / "answers" / "capstone.py"


def draw(figure):
    axes = diagram(figure, 9, 3.9)
    rows = load("digits").rows()
    G, D, z = trained(rows)
    fakes = G.forward(z)
    p = 1 / (1 + numpy.exp(-D.forward(numpy.concatenate((fakes, rows[:2])))[:, 0]))
    for i in range(2):
        y = 3.15 - 0.95 * i
        noise(axes, 0.75, y, z[i])
        picture(axes, 4.15, y, fakes[i])
        picture(axes, 3.25 + 0.9 * i, 0.55, rows[i])
    arrow(axes, (1.45, 2.75), (1.95, 2.75), BLUE)
    box(axes, 2.45, 2.68, "G", 0.95, 1.6, "#ffe0c2", fontsize=15)
    arrow(axes, (2.95, 2.75), (3.65, 2.75), BLUE, "draws")
    box(axes, 6.25, 1.85, "D", 0.95, 2.6, "#d6e6f5", fontsize=15)
    arrow(axes, (4.65, 2.75), (5.75, 2.75), BLUE, "fakes")
    arrow(axes, (4.65, 0.75), (5.75, 0.75), BLUE, "real ones")
    for y, words in (3.15, f"{p[0]:.2f}"), (2.2, f"{p[1]:.2f}"), (0.75, f"{p[2]:.2f} and {p[3]:.2f}"):
        arrow(axes, (6.75, y), (7.35, y), BLUE)
        axes.text(7.45, y, f"real, with\nprobability {words}", ha="left", va="center", fontsize=9)
    arrow(axes, (5.7, 1.75), (3.0, 1.75), ORANGE, "how each pixel should change", above=False)
    axes.text(0.75, 3.78, "z: random numbers", ha="center", va="center", fontsize=10)
    axes.text(4.15, 3.78, "G(z)", ha="center", va="center", fontsize=10)
    axes.text(2.7, 0.55, "x, from the data", ha="right", va="center", fontsize=10, color=GRAY)


def trained(rows):
    """G and D of the capstone's answer after its game on the digits, and two z of its own."""
    spec = importlib.util.spec_from_file_location("capstone_answer", ANSWER)
    answer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(answer)
    G, D = answer.train(lambda n, rng: rows[rng.integers(0, len(rows), n)], 64, 4000, lr=5e-4)
    return G, D, numpy.random.default_rng(1).standard_normal((12, 8))[[10, 4]]


def noise(axes, x, y, z):
    """Eight numbers as bars, up or down from a line."""
    axes.plot([x - 0.6, x + 0.6], [y, y], color=GRAY, linewidth=0.8)
    axes.bar(x - 0.525 + 0.15 * numpy.arange(8), 0.17 * z, 0.11, bottom=y, color=BLUE)


def picture(axes, x, y, row):
    extent = x - 0.4, x + 0.4, y - 0.4, y + 0.4
    axes.imshow(row.reshape(8, 8), cmap="gray", vmin=-1, vmax=1, extent=extent, interpolation="nearest", zorder=2)
