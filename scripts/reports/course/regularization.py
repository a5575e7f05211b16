"""The best D under smoothing, the weights of two averages, and what the samples lose without each of the five helps"""

import json
from pathlib import Path

import numpy
from draw_theory import P, Q, X

from minigan.plots.style import BLUE, GRAY, GREEN, ORANGE

SIZE = 9.0, 3.6
HELPS = Path(__file__).resolve().parents[3] / "docs" / "course" / "helps.json"


def draw(figure):
    best, weights, helps = figure.subplots(1, 3, width_ratios=(1.1, 1, 1.2))
    p, q = P.density(X), Q.density(X)
    for target, color in (1.0, GRAY), (0.9, GREEN):
        shown = numpy.where(p + q > 1e-6, target * p / numpy.maximum(p + q, 1e-6), numpy.nan)
        best.plot(X, shown, color=color, label=f"D*, target {target}")
    for density, color, name in (p, BLUE, "p, data"), (q, ORANGE, "q, samples"):
        best.fill_between(X[:, 0], density, color=color, alpha=0.3, linewidth=0, label=name)
    best.axhline(0.9, color=GREEN, linestyle=":", linewidth=1)
    best.set(title="one-sided smoothing", xlabel="x", xlim=(-3, 4), ylim=(0, 1.5))
    best.legend(ncols=2, fontsize="x-small", loc="upper center")
    s = numpy.arange(1, 101)
    weights.plot(s, 0.9 ** (100 - s) * 0.1 / (1 - 0.9**100), color=ORANGE, label="exponential, decay 0.9")
    weights.plot(s, numpy.full(100, 0.01), color=BLUE, label="uniform")
    weights.set(title="weight of step s in the average\nafter 100 steps", xlabel="s")
    weights.legend(loc="upper left")
    measured(helps)


def measured(axes):
    """The Fréchet distance of each game, one dot for each seed."""
    without = json.loads(HELPS.read_text(encoding="utf-8"))["without"]
    for row, (name, runs) in enumerate(without.items()):
        found = [run["frechet"] for run in runs]
        axes.plot(found, [row] * len(found), "o", color=GREEN if name == "nothing" else ORANGE, markersize=5)
        axes.plot(numpy.mean(found), row, "|", color="black", markersize=16)
    axes.set_yticks(range(len(without)), [f"without {name}" if name != "nothing" else "all five" for name in without])
    axes.invert_yaxis()
    axes.set(title="Fréchet distance, digits", xscale="log")
