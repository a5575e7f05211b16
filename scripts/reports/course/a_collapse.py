"""A collapse from within: D still pushes, G's saturated tanh no longer hands it on, and all z give one image"""

import numpy
from course._games import digits_training

from minigan import NonSaturating, xp
from minigan.data import load
from minigan.plots.style import BLUE, GRAY, GREEN, ORANGE

SIZE = 9.0, 3.7
ROUNDS = 240


def draw(figure):
    lengths, outputs = figure.subplots(1, 2, width_ratios=(1.4, 1))
    found, first, last = collapse()
    for column, color, name in (
        (0, GRAY, "sum of |da|, what D's verdict asks for"),
        (1, BLUE, "length of dx, what arrives at G's output"),
        (2, GREEN, "mean of 1 - y², what tanh lets through"),
        (3, ORANGE, "length of dtheta of G"),
    ):
        lengths.semilogy(found[:, column], color=color, linewidth=1, label=name)
    lengths.set(title="from D's logit back to G's weights", xlabel="round", ylim=(1e-6, 1e6))
    lengths.legend(loc="upper center", ncols=1)
    bins = numpy.linspace(-1, 1, 41)
    for y, color, name in (first, BLUE, "before the first round"), (last, ORANGE, f"after {ROUNDS} rounds"):
        outputs.hist(y.ravel(), bins, color=color, alpha=0.6, density=True, label=name)
    outputs.set(title="G's outputs y, all pixels", xlabel="y = tanh(x)", yscale="log")
    outputs.legend(loc="upper center")


def collapse():
    """What G's steps saw, (ROUNDS, 4) as drawn, and G's output before the first round and after the last."""
    gan = digits_training(NonSaturating(), 2e-3, 2e-3, 0.9).gan
    G, D, images = gan.generator, gan.discriminator, load("digits").rows()
    z, found = gan.fixed_noise(64), []

    def look(network):
        y, a = G.outputs[-1], D.outputs[-1]
        _, da = gan.objective.generator(a)
        dx = D.backward(da, wrt="input")
        found.append([float(value) for value in (abs(da).sum(), norm(dx), (1 - y * y).mean(), norm(network.dtheta))])

    gan.generator_optimizer.between.append(look)
    first = G(z)
    for t in range(ROUNDS):
        gan.step(images[numpy.arange(t * 56, (t + 1) * 56) % len(images)])
    return numpy.array(found), first, G(z)


def norm(a):
    return xp.sqrt((a * a).sum())
