"""Thirty layers of 256 units, ReLU between them: how large the numbers are at each depth, forward and backward"""

import numpy
from course._boxes import BLUE, GRAY, GREEN, ORANGE

from minigan import Dense, Network, ReLU
from minigan.backend import host_generator
from minigan.layers import Normal, glorot, he

DEPTH, WIDTH = 30, 256
STARTS = (
    ("N(0, 1)", Normal(1.0), ORANGE, (0, (4, 2))), ("He: N(0, 2/256)", he, BLUE, "-"), ("Glorot", glorot, GREEN, "-"),
    ("N(0, 0.02$^2$)", Normal(0.02), GRAY, "-."), ("N(0, 0.01$^2$)", Normal(0.01), "black", ":"),
)  # fmt: skip


def draw(figure):
    forward, backward = figure.subplots(1, 2, sharey=True)
    for name, init, color, style in STARTS:
        y, dy = deviations(init)
        forward.plot(range(1, DEPTH + 1), y, linestyle=style, color=color, label=name)
        backward.plot(range(1, DEPTH + 1), dy, linestyle=style, color=color, label=name)
    forward.set(
        title="deviation of a layer's output $y = xW$", xlabel="layer", ylabel="standard deviation", yscale="log"
    )
    backward.set(title="deviation of $dy$, where the last layer's is 1", xlabel="layer")
    figure.legend(*forward.get_legend_handles_labels(), loc="outside lower center", ncols=5, fontsize="small")
    for axes in forward, backward:
        axes.axhline(1, color="0.85", linewidth=1, zorder=0)


def deviations(init):
    """The standard deviation of y and of dy at each Dense layer of a stack that starts from `init`."""
    layers = [layer for _ in range(DEPTH) for layer in (Dense(WIDTH, WIDTH, init=init), ReLU())][:-1]
    network, rng = Network(*layers, dtype="float64"), host_generator(1)
    network.forward(rng.standard_normal((WIDTH, WIDTH)))
    y = [output.std() for output in network.outputs[::2]]
    dy, back = rng.standard_normal((WIDTH, WIDTH)), []
    for layer in reversed(layers):
        if isinstance(layer, Dense):
            back.append(numpy.std(dy))
        dy = layer.backward(dy, "input")
    return y, back[::-1]
