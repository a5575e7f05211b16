"""A game as a film: the samples' q walks into the data's p; D follows the best D (dashed) where there are samples"""

import numpy
from draw_theory import X, belief, best_discriminator, jensen_shannon

from minigan import GAN, Adam, Dense, Network, NonSaturating, Tanh
from minigan.data.toys import Mixture, toy
from minigan.plots.style import BLUE, GRAY, GREEN, ORANGE

SIZE = 9.0, 2.9
SHOWN = 0, 100, 300, 800, 3000


def draw(figure):
    p, panels = toy("gaussian"), figure.subplots(1, len(SHOWN), sharey=True)
    for axes, (t, q, D) in zip(panels, frames(p), strict=True):
        axes.fill_between(X[:, 0], p.density(X), color=BLUE, alpha=0.35, linewidth=0, label="p, data")
        axes.fill_between(X[:, 0], q.density(X), color=ORANGE, alpha=0.35, linewidth=0, label="q, samples")
        axes.plot(X, belief(D), color=GREEN, label="D")
        best = best_discriminator(p.density(X), q.density(X))
        axes.plot(
            X,
            numpy.where(p.density(X) + q.density(X) > 1e-4, best, numpy.nan),
            "--",
            color="black",
            linewidth=1,
            label="D*",
        )
        axes.axhline(0.5, color=GRAY, linestyle=":", linewidth=1)
        divergence = jensen_shannon(p.density(X), q.density(X))
        axes.set(xlim=(-3, 4), ylim=(0, 1.05), xlabel="x", title=f"round {t}\nJSD = {divergence:.3f}")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)


def frames(p):
    """(round, q, D) at each of SHOWN, in a game against a G of one Dense(1, 1): G(z) is Gaussian."""
    G = Network(Dense(1, 1), seed=0)
    G.theta[:] = 0.9, -1.0
    D = Network(Dense(1, 16), Tanh(), Dense(16, 16), Tanh(), Dense(16, 1), seed=1)
    gan = GAN(G, D, NonSaturating(), 0, Adam(G, lr=2e-3), Adam(D, lr=5e-3))
    for t in range(SHOWN[-1] + 1):
        if t in SHOWN:
            yield t, Mixture("q", [[G.theta[1]]], abs(G.theta[0])), D
        gan.step(p.sample(256, 0, 3, t))
