"""Two classes, a G that ignores the label, and what the best D makes of it: without the label, and with it"""

import numpy
from draw_theory import X

from minigan.data.toys import Mixture
from minigan.plots.style import BLUE, GRAY, GREEN, ORANGE

SIZE = 9.0, 3.4


def draw(figure):
    blind, seeing = figure.subplots(1, 2, sharey=True)
    p = [Mixture("", [[mean]], 0.6).density(X) for mean in (-1.5, 1.5)]
    q = (p[0] + p[1]) / 2  # whatever the label
    for axes in blind, seeing:
        axes.fill_between(X[:, 0], q, color=ORANGE, alpha=0.25, linewidth=0, label="q(x | y), for either y")
        for y, density in enumerate(p):
            axes.plot(X, density, color=BLUE, linewidth=1.2, linestyle="-" if y else ":", label=f"p(x | {y})")
        axes.set(xlim=(-4, 4), ylim=(0, 1), xlabel="x")
    blind.axhline(0.5, color=GRAY, label="best D(x)")
    blind.set_title("D does not see y: nothing to learn")
    best = numpy.where(p[1] + q > 1e-9, p[1] / numpy.maximum(p[1] + q, 1e-9), numpy.nan)
    seeing.plot(X, best, color=GREEN, label="best D(x, 1)")
    seeing.set_title("D sees y: for y = 1, go to the right")
    for axes in blind, seeing:
        axes.legend(loc="upper left", fontsize="x-small")
