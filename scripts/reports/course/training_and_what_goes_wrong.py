"""Three games on the embedded digits, one that goes well and two that do not, as history.csv shows them"""

from minigan import GAN, Adam, Dense, LeakyReLU, Minimax, Network, NonSaturating, Tanh
from minigan.data import load
from minigan.objectives import EQUILIBRIUM
from minigan.plots.style import BLUE, GREEN, ORANGE
from minigan.training.training import Training

SIZE = 9.0, 3.8
EPOCHS = 15
GAMES = (  # objective, G's rate, D's rate, beta1 of both
    ("goes well: Adam 2e-4, beta1 0.5", BLUE, NonSaturating(), 2e-4, 2e-4, 0.5),
    ("D wins: minimax, D's rate 100 times G's", ORANGE, Minimax(), 2e-5, 2e-3, 0.5),
    ("collapses: Adam 2e-3, beta1 0.9", GREEN, NonSaturating(), 2e-3, 2e-3, 0.9),
)


def draw(figure):
    values, norms, diversities = panels = figure.subplots(1, 3)
    for name, color, *settings in GAMES:
        history = play(*settings)
        for axes, column in zip(panels, ("V", "norm_g", "diversity"), strict=True):
            axes.plot([row["epoch"] for row in history], [row[column] for row in history], color=color, label=name)
    values.set_title("V")
    norms.set(title="length of G's gradient", yscale="log")
    diversities.set(title="diversity of the samples", ylim=(-0.05, 1.25))
    for axes, level, words, y in (values, EQUILIBRIUM, "-log 4", -1.62), (diversities, 1, "the data's", 1.02):
        axes.axhline(level, color="black", linestyle="--", linewidth=1)
        axes.text(EPOCHS, y, words, ha="right", va="bottom", fontsize="small")
    for axes in panels:
        axes.set(xlabel="epoch", xticks=range(0, EPOCHS + 1, 5))
    figure.legend(*values.get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize="small")


def play(objective, lr, lr_d, beta1):
    """The history of a game of two small networks on the embedded digits."""
    data = load("digits")
    G = Network(Dense(32, 128), LeakyReLU(), Dense(128, 256), LeakyReLU(), Dense(256, data.size), Tanh(), seed=0)
    D = Network(Dense(data.size, 128), LeakyReLU(), Dense(128, 128), LeakyReLU(), Dense(128, 1), seed=1)
    training = Training(GAN(G, D, objective, 0, Adam(G, lr, beta1), Adam(D, lr_d, beta1)), data, 56)
    for _ in training.rounds(EPOCHS):
        pass
    return training.history
