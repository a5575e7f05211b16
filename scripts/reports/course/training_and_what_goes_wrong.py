"""Four games on the embedded digits, their curves from history.csv, and samples of each at the end beside the data"""

import numpy
from course._games import digits_training

from minigan import Minimax, NonSaturating
from minigan.data import load
from minigan.objectives import EQUILIBRIUM
from minigan.plots.style import BLUE, GRAY, GREEN, ORANGE

SIZE = 9.0, 6.2
EPOCHS = 15
GAMES = (  # objective, G's rate, D's rate, beta1 of both
    ("goes well: both at 2e-4", BLUE, NonSaturating(), 2e-4, 2e-4, 0.5),
    ("D wins: minimax, G at 2e-5, D at 2e-3", ORANGE, Minimax(), 2e-5, 2e-3, 0.5),
    ("minimax, G at 2e-4, D at 2e-3", GRAY, Minimax(), 2e-4, 2e-3, 0.5),
    ("collapses: both at 2e-3, beta1 0.9", GREEN, NonSaturating(), 2e-3, 2e-3, 0.9),
)


def draw(figure):
    curves, pictures = figure.subfigures(2, 1, height_ratios=(3.4, 2.6))
    values, norms, diversities = panels = curves.subplots(1, 3)
    shown = [("the data", "black", load("digits").rows()[:24])]
    for name, color, *settings in GAMES:
        history, samples = play(*settings)
        shown.append((name, color, samples))
        for axes, column in zip(panels, ("V", "norm_g", "diversity"), strict=True):
            axes.plot([row["epoch"] for row in history], [row[column] for row in history], color=color)
    values.set_title("V")
    norms.set(title="length of G's gradient", yscale="log")
    diversities.set(title="diversity of the samples", ylim=(-0.05, 1.25))
    for axes, level, words, y in (values, EQUILIBRIUM, "-log 4", -1.62), (diversities, 1, "the data's", 1.12):
        axes.axhline(level, color="black", linestyle="--", linewidth=1)
        axes.text(EPOCHS, y, words, ha="right", va="bottom", fontsize="small")
    for axes in panels:
        axes.set(xlabel="epoch", xticks=range(0, EPOCHS + 1, 5))
    for axes, (name, color, samples) in zip(pictures.subplots(len(shown), 1), shown, strict=True):
        strip = samples.reshape(24, 8, 8).transpose(1, 0, 2)
        axes.imshow(numpy.pad(strip, ((0, 0), (0, 0), (0, 1)), constant_values=-1).reshape(8, -1), cmap="gray_r")
        axes.set(xticks=(), yticks=())
        axes.grid(False)
        axes.set_ylabel(name, color=color, rotation=0, ha="right", va="center", fontsize="small")


def play(objective, lr, lr_d, beta1):
    """The history of a game, and 24 samples at its end."""
    training = digits_training(objective, lr, lr_d, beta1)
    for _ in training.rounds(EPOCHS):
        pass
    return training.history, training.gan.generator(training.gan.fixed_noise(24))
