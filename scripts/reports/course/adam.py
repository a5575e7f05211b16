"""Down a narrow valley with three rules, and the length of Adam's steps for a constant and for a falling gradient"""

import numpy

from minigan import SGD, Adam
from minigan.plots.style import BLUE, GRAY, GREEN, ORANGE

STEEP = 40.0
SIZE = 9.0, 3.8


def draw(figure):
    valley, steps, falling = figure.subplots(1, 3, width_ratios=(1.5, 1, 1))
    paths(valley)
    first_steps(steps)
    steps_behind(falling)


class Player:
    """All that an optimizer asks of a network: theta, dtheta and forget."""

    def __init__(self, *theta):
        self.theta, self.dtheta = numpy.array(theta), numpy.zeros(len(theta))

    def forget(self):
        """There is no forward to forget."""


def paths(axes):
    """L = (x^2 + 40 y^2)/2 from (-4, 1), 40 steps of each rule."""
    x, y = numpy.meshgrid(numpy.linspace(-4.6, 1.2, 200), numpy.linspace(-1.3, 1.3, 100))
    axes.contour(x, y, (x * x + STEEP * y * y) / 2, levels=[0.3, 1.5, 4, 8, 16, 26], colors="0.8", linewidths=0.8)
    for rule, color, name in (
        (lambda player: SGD(player, 0.046), ORANGE, "SGD, lr 0.046"),
        (lambda player: SGD(player, 0.046, 0.5), GREEN, "SGD, lr 0.046, momentum 0.5"),
        (lambda player: Adam(player, 0.15), BLUE, "Adam, lr 0.15"),
    ):
        player, path = Player(-4.0, 1.0), [(-4.0, 1.0)]
        optimizer = rule(player)
        for _ in range(40):
            player.dtheta[:] = player.theta * (1, STEEP)
            optimizer.step()
            path.append(tuple(player.theta))
        axes.plot(*numpy.array(path).T, ".-", color=color, linewidth=1, markersize=4, label=name)
    axes.plot(0, 0, "+", color="black", markersize=12)
    axes.set(
        title="40 steps towards +",
        xlabel="$\\theta_1$, with derivative $\\theta_1$",
        ylabel="$\\theta_2$, with derivative $40\\,\\theta_2$",
    )
    axes.set_ylim(-1.3, 2.3)
    axes.legend(loc="upper right")


def lengths(gradients):
    """The lengths of Adam's steps over lr for these gradients of a single number."""
    player, found = Player(0.0), []
    optimizer = Adam(player, 1.0)
    for g in gradients:
        player.dtheta[:] = g
        before = player.theta[0]
        optimizer.step()
        found.append(before - player.theta[0])
    return found


def first_steps(axes):
    """The steps' lengths over lr where the gradient stays as it is."""
    t = numpy.arange(1, 31)
    axes.semilogy(t, lengths(0.003 for _ in t), ".-", color=BLUE, label="Adam")
    uncorrected = (1 - 0.5**t) / numpy.sqrt(1 - 0.999**t)
    axes.semilogy(t, uncorrected, ".--", color=GRAY, label="without the\ntwo corrections")
    axes.set(title="a gradient that stays 0.003", xlabel="step t", ylabel="length of the step / lr", ylim=(0.5, 40))
    axes.set_yticks([1, 10], ["1", "10"])
    axes.legend()


def steps_behind(axes):
    """The same where it falls, the faster the shorter: v remembers about 1000 steps."""
    t = numpy.arange(200)
    for halved, color in (100, GREEN), (20, BLUE), (5, ORANGE):
        axes.semilogy(t + 1, lengths(0.5 ** (t / halved)), color=color, label=f"halved every {halved} steps")
    axes.set(title="a gradient that falls", xlabel="step t", ylim=(1e-5, 2))
    axes.legend(loc="lower left")
