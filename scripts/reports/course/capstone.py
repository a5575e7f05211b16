"""What the answer's 134 lines learn: a ring of eight clouds after 0, 300 and 1,500 rounds, and digits after 4,000"""

import importlib.util
from pathlib import Path

import numpy
from course._boxes import BLUE, ORANGE

from minigan.data import load
from minigan.data.toys import ring
from minigan.plots.pictures import grid

SIZE = 9.0, 2.9
ANSWER = Path(__file__).resolve().parents[3] / "docs" / "course" / "answers" / "capstone.py"
RING = ring(modes=8, radius=0.8, sigma=0.08)


def draw(figure):
    spec = importlib.util.spec_from_file_location("capstone_answer", ANSWER)
    answer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(answer)
    panels = figure.subplots(1, 4, width_ratios=[1, 1, 1, 1.2])
    z = numpy.random.default_rng(1).standard_normal((500, 8))
    for axes, rounds in zip(panels, (0, 300, 1500), strict=False):
        G, _ = answer.train(points, 2, rounds)
        axes.plot(*points(500, numpy.random.default_rng(2)).T, ".", color=BLUE, markersize=2, alpha=0.5)
        axes.plot(*G.forward(z).T, ".", color=ORANGE, markersize=2)
        axes.set(title=f"{rounds:,} rounds", xlim=(-1.1, 1.1), ylim=(-1.1, 1.1), aspect="equal", xticks=[], yticks=[])
    rows = load("digits").rows()
    G, _ = answer.train(lambda n, rng: rows[rng.integers(0, len(rows), n)], 64, 4000, lr=5e-4)
    panels[3].imshow(grid(G.forward(z[:30]), (8, 8), (-1, 1), columns=6), cmap="gray", interpolation="nearest")
    panels[3].set(title="4,000 rounds of digits", xticks=[], yticks=[])


def points(n, rng):
    return RING.sample(n, int(rng.integers(2**31))).astype("float64")
