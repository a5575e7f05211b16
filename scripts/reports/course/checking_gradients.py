"""The error of a measured derivative, for each step and method, and what is measured at a kink"""

import numpy

from minigan import ReLU, Tanh
from minigan.gradcheck.check import TOL
from minigan.plots.style import BLUE, GRAY, GREEN, ORANGE

X = numpy.linspace(0.2, 1.5, 200)[:, None]
METHODS = (  # color, width of the curve, the smallest power of ten
    ("complex step", GREEN, 4, -14),
    ("central, float64", ORANGE, 1.5, -14),
    ("central, float32", BLUE, 1.5, -7),
)


def draw(figure):
    errors, kink = figure.subplots(1, 2, width_ratios=(5, 4))
    for name, color, width, least in METHODS:
        steps = 10.0 ** numpy.arange(least, 0.05, 0.1)
        errors.loglog(steps, [error(name, step) for step in steps], color=color, linewidth=width, label=name)
    for method, tol in TOL.items():
        errors.axhline(tol, color=GRAY, linestyle=":", linewidth=1)
        errors.text(8e-15, tol * 1.7, f"tol, {method}", fontsize="small", color=GRAY)
    errors.axvline(1e-5, color="black", linestyle="--", linewidth=1)
    errors.text(1.5e-5, 6e-17, "eps", fontsize="small")
    errors.set(
        title="error of a measured derivative of tanh", xlabel="step", ylabel="relative error", ylim=(2e-17, 1e5)
    )
    errors.legend(fontsize="small", loc="upper left", ncols=2)
    at_a_kink(kink)


def error(name, step):
    """The median over X of the relative error of a slope of Tanh.forward, measured with this step."""
    exact = 1 - numpy.tanh(X) ** 2
    if name == "complex step":
        slope = Tanh().forward(X + 1j * step).imag / step
    else:
        dtype = numpy.dtype(name.split()[1])
        x, step = X.astype(dtype), dtype.type(step)
        slope = (Tanh().forward(x + step) - Tanh().forward(x - step)) / (2 * step)
    return numpy.median(abs(slope - exact) / exact)


def at_a_kink(axes):
    """y = max(x, 0) around 0: the quotients from the left, from the right, and over both sides."""
    x = numpy.array([[-1.6], [0.0], [1.6]])
    axes.plot(x, ReLU().forward(x), color="black", linewidth=4, alpha=0.25, label="y = max(x, 0)")
    for ends, color, name in (
        ([-1.0, 0.0], BLUE, "left"),
        ([0.0, 1.0], GREEN, "right"),
        ([-1.0, 1.0], ORANGE, "central"),
    ):
        y = ReLU().forward(numpy.array(ends)[:, None])[:, 0]
        slope = (y[1] - y[0]) / (ends[1] - ends[0])
        axes.plot(ends, y, "o-", color=color, label=f"{name}: slope {slope:g}")
    axes.set(title="ReLU at 0: which slope?", ylabel="y")
    axes.set_yticks([0, 1], ["0", "eps"])
    axes.set_xticks([-1, 0, 1], ["-eps", "x = 0", "eps"])
    axes.legend(fontsize="small")
