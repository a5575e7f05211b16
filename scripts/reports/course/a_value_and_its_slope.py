"""The slope between two points, and its error for each distance between them"""

import numpy

from minigan.plots.style import BLUE, GRAY, GREEN, ORANGE

V = 0.9


def L(v):
    """v^3, by products alone: every processor rounds them alike, which is not so of exp."""
    return v * v * v


def draw(figure):
    curve, errors = figure.subplots(1, 2)
    slopes(curve)
    wrong(errors)


def slopes(axes):
    """The tangent at v, and the line through the points at v - eps and v + eps, for a large eps."""
    eps, exact = 0.8, 3 * V * V
    x = numpy.linspace(-0.7, 2.0, 200)
    ends = numpy.array([V - eps, V + eps])
    slope = (L(V + eps) - L(V - eps)) / (2 * eps)
    axes.plot(x, L(x), color=BLUE, label="$L(v) = v^3$")
    axes.plot(x, L(V) + exact * (x - V), color="black", linewidth=1, label=f"the slope at v: {exact:.2f}")
    axes.plot(ends, L(ends), "o--", color=ORANGE, label=f"between two points: {slope:.2f}")
    axes.plot(V, L(V), "o", color="black", markersize=5)
    axes.set(title="a slope between two points", xlabel="v", ylabel="L", ylim=(-2.2, 6.6))
    axes.set_xticks([*ends, V], ["v - eps", "v + eps", "v"])
    axes.legend(fontsize="small", loc="upper left")


def wrong(axes):
    """The relative error of both quotients in float64."""
    eps = numpy.multiply.accumulate([0.3, *[0.91] * 300])
    one_sided = (L(V + eps) - L(V)) / eps
    central = (L(V + eps) - L(V - eps)) / (2 * eps)
    for quotient, color, name in (one_sided, GRAY, "one-sided"), (central, ORANGE, "central"):
        axes.loglog(eps, abs(quotient / (3 * V * V) - 1) + 1e-17, color=color, linewidth=1, label=name)
    axes.axvline(1e-5, color=GREEN, linestyle="--", linewidth=1, label="what gradcheck takes, $10^{-5}$")
    axes.set(title="how wrong it is", xlabel="eps", ylabel="relative error", ylim=(1e-13, 1))
    axes.text(1.5e-12, 1e-9, "rounding", ha="center", fontsize="small")
    axes.text(1.2e-2, 1e-10, "the curve bends", ha="center", fontsize="small")
    axes.legend(fontsize="small", loc="upper center", framealpha=1)
