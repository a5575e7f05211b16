"""A slope between two points, and how wrong it is for each distance between them"""

import numpy
from draw_theory import BLUE, GRAY, GREEN, ORANGE


def draw(figure):
    curve, errors = figure.subplots(1, 2)
    slopes(curve)
    wrong(errors)


def slopes(axes):
    """L(v) = e^v: the tangent at v, and the line through the points at v - eps and v + eps, for a large eps."""
    v, eps = 0.5, 0.8
    x = numpy.linspace(-1.0, 2.0, 200)
    ends = numpy.array([v - eps, v + eps])
    slope = (numpy.exp(v + eps) - numpy.exp(v - eps)) / (2 * eps)
    axes.plot(x, numpy.exp(x), color=BLUE, label="$L(v) = e^v$")
    axes.plot(x, numpy.exp(v) * (1 + x - v), color="black", linewidth=1, label=f"the slope at v: {numpy.exp(v):.2f}")
    axes.plot(ends, numpy.exp(ends), "o--", color=ORANGE, label=f"between two points: {slope:.2f}")
    axes.plot(v, numpy.exp(v), "o", color="black", markersize=5)
    axes.set(title="a slope between two points", xlabel="v", ylabel="L", ylim=(-0.8, 6.6))
    axes.set_xticks([*ends, v], ["v - eps", "v + eps", "v"])
    axes.legend(fontsize="small", loc="upper left")


def wrong(axes):
    """The relative error of both quotients in float64."""
    v, eps = 0.5, numpy.logspace(-13, -0.5, 300)
    one_sided = (numpy.exp(v + eps) - numpy.exp(v)) / eps
    central = (numpy.exp(v + eps) - numpy.exp(v - eps)) / (2 * eps)
    for quotient, color, name in (one_sided, GRAY, "one-sided"), (central, ORANGE, "central"):
        axes.loglog(eps, abs(quotient / numpy.exp(v) - 1) + 1e-17, color=color, linewidth=1, label=name)
    axes.axvline(1e-5, color=GREEN, linestyle="--", linewidth=1, label="what gradcheck takes, $10^{-5}$")
    axes.set(title="how wrong it is", xlabel="eps", ylabel="relative error", ylim=(1e-13, 1))
    axes.text(1.5e-12, 1e-9, "rounding", ha="center", fontsize="small")
    axes.text(1.2e-2, 1e-10, "the curve bends", ha="center", fontsize="small")
    axes.legend(fontsize="small", loc="upper center", framealpha=1)
