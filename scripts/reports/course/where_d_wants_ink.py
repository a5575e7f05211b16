"""-dL/dx as an image: six fakes, where D wants more ink (blue) and less (red), and the fakes after a step along -dx"""

import numpy
from course._games import digits_game

SIZE = 9.0, 4.9
STEP = 1.0  # the largest change of a pixel; a pixel lies in [-1, 1]


def draw(figure):
    gan = digits_game(lr=2e-4, lr_d=2e-3, epochs=15)
    fakes, dx, moved, before, after = pulled(gan)
    panels = figure.subplots(3, 6)
    for k in range(6):
        show(panels[0, k], fakes[k], "gray_r", f"D(x) = {before[k]:.2f}")
        panels[1, k].imshow(-dx[k].reshape(8, 8), cmap="RdBu", vmin=-abs(dx[k]).max(), vmax=abs(dx[k]).max())
        show(panels[2, k], moved[k], "gray_r", f"D(x) = {after[k]:.2f}")
    for axes, name in zip(panels[:, 0], ("fake x = G(z)", "-dx", "after a step"), strict=True):
        axes.set_ylabel(name)
    for axes in panels.flat:
        axes.set(xticks=(), yticks=())
        axes.grid(False)


def show(axes, pixels, cmap, title):
    axes.imshow(pixels.reshape(8, 8), cmap=cmap, vmin=-1, vmax=1)
    axes.set_title(title, fontsize="small")


def pulled(gan):
    """Six fakes (6, 64), dL/dx for each, the fakes moved against it, and D of the first and of the last."""
    D, objective = gan.discriminator, gan.objective
    x = gan.generator(gan.fixed_noise(6))
    a = D.forward(x)
    before = objective.probability(a)[:, 0]
    dx = D.backward(objective.generator(a)[1], wrt="input").copy()
    moved = numpy.clip(x - STEP * dx / abs(dx).max(axis=1, keepdims=True), -1, 1)
    return x, dx, moved, before, objective.probability(D(moved))[:, 0]
