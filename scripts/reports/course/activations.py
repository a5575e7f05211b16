"""Four activations and their derivatives: what backward multiplies dy by"""

import numpy

from minigan import LeakyReLU, ReLU, Sigmoid, Tanh
from minigan.plots.style import BLUE, GREEN, ORANGE


def draw(figure):
    values, slopes = figure.subplots(1, 2)
    x = numpy.linspace(-4, 4, 402)[:, None]  # an even number: none of them is 0, where two have no slope
    for layer, color, style in (
        (Tanh(), BLUE, "-"), (Sigmoid(), GREEN, "-"), (LeakyReLU(0.2), ORANGE, "-"), (ReLU(), "black", "--")
    ):  # fmt: skip
        name = repr(layer).removesuffix("()")
        values.plot(x, layer.forward(x).copy(), style, color=color, label=name)
        slopes.plot(x, layer.backward(numpy.ones_like(x)).copy(), style, color=color, label=name)
    values.set(title="y = f(x)", xlabel="x", ylim=(-1.4, 2.5))
    slopes.set(title="f'(x): what dy is multiplied by", xlabel="x", ylim=(-0.08, 1.2))
    for axes in values, slopes:
        axes.axvline(0, color="0.85", linewidth=1, zorder=0)
        axes.legend(fontsize="small", loc="upper left")
