"""What the last step's derivative has become t steps before: its length, for three sizes of U, and in an LSTM"""

import numpy

from minigan import LSTM, RNN, Network
from minigan.backend import host_generator
from minigan.plots.style import BLUE, GRAY, GREEN, ORANGE

STEPS, WIDTH = 60, 64
SCALES = (0.8, GRAY, ":"), (1.0, BLUE, "-"), (1.2, ORANGE, "--")


def draw(figure):
    axes, times = figure.subplots(), range(STEPS)
    for scale, color, style in SCALES:
        axes.plot(times, lengths(RNN(WIDTH), scale), style, color=color, label=f"RNN, U = {scale:g} times orthogonal")
    axes.plot(
        times, lengths(LSTM(WIDTH), 0.2, 3.0), "-.", color=GREEN, label="LSTM, U = 0.2 times orthogonal, b of f = 3"
    )
    axes.set(yscale="log", xlabel="steps before the last one", ylabel="length, 1 at the last step", ylim=(1e-6, 1e6))
    axes.legend()


def lengths(layer, scale, forget=1.0):
    """The length of the derivative with respect to the state, t steps before the only one that the loss looks at.

    b is 0, but for that of an LSTM's f, and the inputs are so small that tanh is nearly a straight line.
    """
    network, rng = Network(layer, shape=(None, 1), dtype="float64"), host_generator(1)
    layer.U *= scale
    H = WIDTH
    if layer.parts == 2:
        layer.b[H : 2 * H] = forget
    x, found = 1e-3 * rng.standard_normal((1, STEPS, 1)), []
    last = rng.standard_normal((1, H))
    for t in range(1, STEPS + 1):
        network.forward(x[:, :t])
        dy = numpy.zeros((1, t, H))
        dy[:, -1] = last
        layer.backward(dy)
        found.append(numpy.linalg.norm(layer.dstate[:, H:] if layer.parts == 2 else layer.dstate))
    return numpy.divide(found, found[0])
