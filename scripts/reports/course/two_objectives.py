"""G's two losses over the logit, and the gradient that each gives G while D alone is trained"""

import numpy

from minigan import GAN, Adam, Dense, LeakyReLU, Minimax, Network, NonSaturating, Tanh
from minigan.data import load
from minigan.plots.style import BLUE, GRAY, ORANGE

SIZE = 9.0, 3.8
STEPS, BATCH = 200, 128
OBJECTIVES = (
    (Minimax(), ORANGE, "minimax, log(1 - D)"),
    (NonSaturating(), BLUE, "non-saturating, -log D"),
)


def draw(figure):
    losses, norms = figure.subplots(1, 2)
    a = numpy.linspace(-8, 8, 201)[:, None]
    sure = numpy.array([[-5.0]])
    beliefs, slopes, course = forces()
    for (objective, color, name), norm in zip(OBJECTIVES, course.T, strict=True):
        losses.plot(a, [objective.generator(one[None])[0] for one in a], color=color, label=name)
        loss, slope = objective.generator(sure)
        losses.plot(sure[0], loss, "o", color=color)
        losses.annotate(
            f"derivative {slope[0, 0]:.3f}",
            (-5, loss),
            (2, 9 if color == BLUE else -16),
            textcoords="offset points",
            color=color,
        )
        norms.semilogy(norm, color=color, label=f"length of dtheta_g, {name}")
    losses.axhline(0, color=GRAY, linewidth=0.8)
    losses.set(title="G's loss for one sample", xlabel="logit a:  below 0, D says fake;  above 0, real")
    norms.semilogy(slopes, "--", color=GRAY, label="mean length of da/dx")
    norms.semilogy(beliefs, ":", color="black", label="mean of D(G(z))")
    norms.set(title="G stands still, D learns (digits)", xlabel="steps of D", ylim=(1e-4, 30))
    for axes in losses, norms:
        axes.legend(fontsize="small")


def forces():
    """Before each step of D: mean D(G(z)), mean |da/dx|, both (STEPS,), and |dtheta_G| by OBJECTIVES, (STEPS, 2)."""
    data = load("digits")
    G = Network(Dense(32, 64), LeakyReLU(), Dense(64, data.size), Tanh(), seed=0)
    D = Network(Dense(data.size, 64), LeakyReLU(), Dense(64, 1), seed=1)
    gan = GAN(G, D, discriminator_optimizer=Adam(D, lr=2e-3))
    images, z = data.rows(), gan.fixed_noise(BATCH)
    beliefs, slopes, lengths = numpy.empty(STEPS), numpy.empty(STEPS), numpy.empty((STEPS, len(OBJECTIVES)))
    for t in range(STEPS):
        a = D.forward(G.forward(z))
        beliefs[t] = gan.objective.probability(a).mean()
        slopes[t] = numpy.linalg.norm(D.backward(numpy.ones_like(a), wrt="input"), axis=1).mean()
        for i, (objective, _, _) in enumerate(OBJECTIVES):
            dx = D.backward(objective.generator(a)[1], wrt="input")
            G.backward(dx, wrt="params")
            lengths[t, i] = numpy.linalg.norm(G.dtheta)
        gan.discriminator_step(images[numpy.arange(t * BATCH, (t + 1) * BATCH) % len(images)])
    return beliefs, slopes, lengths
