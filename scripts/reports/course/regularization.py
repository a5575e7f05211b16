"""The best D under smoothing, four ways to end the game V = x y, and what the samples lose without each help"""

import json
from pathlib import Path

import numpy
from draw_theory import X

from minigan.data.toys import Mixture
from minigan.plots.style import BLUE, GRAY, GREEN, ORANGE

SIZE = 9.0, 3.6
HELPS = Path(__file__).resolve().parents[3] / "docs" / "course" / "helps.json"


def draw(figure):
    best, game, helps = figure.subplots(1, 3, width_ratios=(1.1, 1, 1.2))
    p, q = (Mixture("", [[mean]], 0.7).density(X) for mean in (1.0, -1.0))
    for target, color in (1.0, GRAY), (0.9, GREEN):
        shown = numpy.where(p + q > 1e-6, target * p / numpy.maximum(p + q, 1e-6), numpy.nan)
        best.plot(X, shown, color=color, label=f"D*, target {target}")
    for density, color, name in (p, BLUE, "p, data"), (q, ORANGE, "q, samples"):
        best.fill_between(X[:, 0], density, color=color, alpha=0.3, linewidth=0, label=name)
    best.axhline(0.9, color=GREEN, linestyle=":", linewidth=1)
    best.set(title="one-sided smoothing", xlabel="x", xlim=(-3, 4), ylim=(0, 1.5))
    best.legend(ncols=2, fontsize="x-small", loc="upper center")
    circles(game)
    measured(helps)


def circles(axes):
    """The distance from the solution of min over x, max over y of V = x y, steps in turn."""
    path, falling = play(lambda s: 0.1), play(lambda s: 0.1 * (1 - s))
    t = numpy.arange(1, len(path) + 1)
    exponential, average = [], path[0]
    for theta in path:
        average = average + 0.01 * (theta - average)
        exponential.append(average)
    for course, color, name in (
        (path, GRAY, "constant rate"),
        (falling, ORANGE, "rate falling to 0"),
        (numpy.array(exponential), GREEN, "exponential average"),
        (path.cumsum(axis=0) / t[:, None], BLUE, "uniform average"),
    ):
        axes.loglog(t, numpy.hypot(*course.T), color=color, linewidth=1.2, label=name)
    axes.set(title="V = x y: distance from (0, 0)", xlabel="step", ylim=(1e-3, 3))
    axes.legend(loc="lower left", fontsize="x-small")


def play(rate, steps=4000):
    """The course (steps, 2) of x and y from (1, 0), with a rate that depends on the share of the steps done."""
    x, y, path = 1.0, 0.0, []
    for t in range(steps):
        x -= rate(t / steps) * y
        y += rate(t / steps) * x
        path.append((x, y))
    return numpy.array(path)


def measured(axes):
    """The Fréchet distance of each game, one dot for each seed."""
    without = json.loads(HELPS.read_text(encoding="utf-8"))["without"]
    for row, (name, runs) in enumerate(without.items()):
        found = [run["frechet"] for run in runs]
        axes.plot(found, [row] * len(found), "o", color=GREEN if name == "nothing" else ORANGE, markersize=5)
        axes.plot(numpy.mean(found), row, "|", color="black", markersize=16)
    axes.set_yticks(range(len(without)), [f"without {name}" if name != "nothing" else "all five" for name in without])
    axes.invert_yaxis()
    axes.set(title="Fréchet distance, digits", xlim=(0.5, 1.6))
