"""Compare the theorems of Goodfellow et al. (2014) with what minigan's players do, and draw it.

Fills docs/theory.md and docs/theory/ in about half a minute. tests/docs/test_theory.py asserts the theorems.
"""

import math
import sys
from pathlib import Path
from typing import NamedTuple

import numpy
from matplotlib.figure import Figure

from minigan import GAN, SGD, Adam, Dense, Minimax, Network, NonSaturating, Tanh
from minigan.app.cli import Parser
from minigan.app.reports import replace_block
from minigan.data.files import replacing
from minigan.data.toys import Mixture, toy
from minigan.objectives import EQUILIBRIUM, value
from minigan.optimizers import Linear
from minigan.plots.style import BLUE, GRAY, GREEN, ORANGE

ROOT = Path(__file__).resolve().parents[2]
P = Mixture("p", [[-1.0], [1.5]], [0.4, 0.6], [0.4, 0.6])
Q = Mixture("q", [[0.2]], 1.1)
X = numpy.linspace(-10, 10, 20_001)[:, None]  # where integrals are taken: beyond, every density here is 0


# Theorem 1 and Proposition 1: the best discriminator, and what the game is worth against it


def best_discriminator(p, q):
    """D* = p / (p + q) for densities p, q, arrays (N,) (Proposition 1); 1/2 where both are 0."""
    return numpy.divide(p, p + q, out=numpy.full_like(p, 0.5), where=p + q > 0)


def integral(f):
    """The integral of f over x by the trapezoidal rule, f (N,) being its values on X."""
    return numpy.trapezoid(f, X[:, 0])


def value_of(p, q, D):
    """V(D) = integral of p log D + q log(1 - D), for densities and D on X, arrays (N,)."""
    return integral(_times_log(p, D) + _times_log(q, 1 - D))


def jensen_shannon(p, q):
    """JSD = (KL(p, m) + KL(q, m)) / 2 with m = (p + q) / 2, in nats, for densities on X, arrays (N,)."""
    m = (p + q) / 2
    return (integral(_times_log(p, _ratio(p, m))) + integral(_times_log(q, _ratio(q, m)))) / 2


def kullback_leibler(p, q):
    """KL(p, q) = integral of p log(p / q), in nats, for densities on X, arrays (N,)."""
    return integral(_times_log(p, _ratio(p, q)))


def kullback_leibler_from_below(p, q, T):
    """E_p[T] - E_q[exp(T - 1)] <= KL(p, q), for T (N,) on X: exp(t - 1) is the conjugate of u log u."""
    return integral(p * T) - integral(q * numpy.exp(T - 1))


def wasserstein(p, q):
    """The Wasserstein distance of densities on X, arrays (N,): the integral of |F_p - F_q|, F the distributions."""
    return integral(abs(_distribution(p) - _distribution(q)))


def best_critic(p, q):
    """The a (N,) on X of slope 1 or -1 for which E_p[a] - E_q[a] is largest: a' = sign(F_q - F_p)."""
    return _distribution(numpy.sign(_distribution(q) - _distribution(p)))


def _distribution(density):
    steps = numpy.diff(X[:, 0]) * (density[1:] + density[:-1]) / 2
    return numpy.concatenate(([0.0], steps.cumsum()))


def _ratio(a, b):
    return numpy.divide(a, b, out=numpy.ones_like(a), where=b > 0)


def _times_log(weight, a):
    """weight log a, and 0 where the weight is: below 1e-16 it no longer counts, and a may have become 0."""
    return weight * numpy.log(a, out=numpy.zeros_like(a), where=weight > 1e-16)


def fit_discriminator(p, q, rounds=2000, n=1000, seed=0):
    """A discriminator trained to tell samples of p from samples of q, both 1-D; n fresh ones of each in each round."""
    D = Network(Dense(1, 32), Tanh(), Dense(32, 32), Tanh(), Dense(32, 1), seed=seed)
    optimizer, objective = Adam(D, lr=Linear(1e-2, 0.0, rounds), beta1=0.9), Minimax()
    for t in range(rounds):
        a = D.forward(numpy.concatenate((p.sample(n, seed, 1, t), q.sample(n, seed, 2, t))), training=True)
        _, da_real, da_fake = objective.discriminator(a[:n], a[n:])
        D.backward(numpy.concatenate((da_real, da_fake)), wrt="params")
        optimizer.step()
    return D


def belief(D, x=X):
    """D's probability at points x (N, 1), shape (N,)."""
    return NonSaturating().probability(D(x))[:, 0]


def value_on_samples(D, real, fake):
    """V(D) on samples (N, 1) of either kind, in float64."""
    return value(D(real).astype("float64"), D(fake).astype("float64"))[0]


def distance_from_best(D, p, q):
    """The mean of |D - D*| under (p + q) / 2, for D trained and densities p, q on X."""
    return integral(abs(belief(D) - best_discriminator(p, q)) * (p + q) / 2)


# The whole game, where its solution is known


class Played(NamedTuple):
    """The course of a 1-D game: arrays over the rounds, and the players at its end."""

    mean: numpy.ndarray  # of G's samples in each round
    std: numpy.ndarray
    V: numpy.ndarray  # before D's step, on the round's batch
    gan: GAN


def play_gaussian(generator, rounds=4000, n=256, seed=0, lr=5e-3, final_lr=0.0, p=toy("gaussian")):
    """The game between `generator` and a small D on samples of the Gaussian p, both rates falling in a line."""
    D = Network(Dense(1, 16), Tanh(), Dense(16, 16), Tanh(), Dense(16, 1), seed=seed + 1)
    rates = Linear(lr, final_lr, rounds)
    gan = GAN(generator, D, NonSaturating(), seed, Adam(generator, lr=rates), Adam(D, lr=rates))
    fakes, V = [], []  # of D's steps: G has not been asked for others when D's gradient stands
    gan.discriminator_optimizer.between.append(lambda D: fakes.append(generator.outputs[-1].copy()))
    for t in range(rounds):
        V.append(-gan.step(p.sample(n, seed, 3, t)).loss_d)
    means, stds = numpy.mean(fakes, axis=(1, 2)), numpy.std(fakes, axis=(1, 2))
    return Played(means, stds, numpy.array(V), gan)


def swing(course):
    """The least and the largest mean over 50 rounds within the last thousand, in words."""
    means = course[-1000:].reshape(20, 50).mean(axis=1)
    return f"{means.min():.3f} to {means.max():.3f}"


# The two losses of the generator


def slopes(a):
    """The derivatives of G's loss with respect to each sample's logit a (N,): (saturating, non-saturating), times N."""
    column = a[:, None]
    return tuple(objective().generator(column)[1][:, 0] * len(a) for objective in (Minimax, NonSaturating))


# Why it can cycle: the smallest game


class Point:
    """A player whose theta is a single number: all that an optimizer asks of a network."""

    def __init__(self, number):
        self.theta, self.dtheta = numpy.array([number]), numpy.zeros(1)

    def forget(self):
        """There is no forward to forget."""


def play_bilinear(steps, lr, alternate, start=(1.0, 0.0)):
    """The course (steps + 1, 2) of min over x, max over y of V = x y under gradient steps, from minigan's own SGD.

    dV/dx = y and dV/dy = x. Simultaneous steps take both derivatives at the same point; alternating ones, as a round
    of GAN does, take the second where the first player has already gone.
    """
    x, y = map(Point, start)
    down, up = SGD(x, lr), SGD(y, lr)
    course = [start]
    for _ in range(steps):
        x.dtheta[:], y.dtheta[:] = y.theta, -x.theta
        down.step()
        if alternate:
            y.dtheta[:] = -x.theta
        up.step()
        course.append((x.theta[0], y.theta[0]))
    return numpy.array(course)


def conserved(course, lr):
    """x^2 + y^2 - lr x y, shape (steps + 1,): what alternating steps never change.

    With x' = x - lr y and y' = y + lr x', (x, y) goes to (x - lr y, lr x + (1 - lr^2) y); put that in, and every term
    with lr falls out. For lr < 2 the form is positive definite, so the course stays on one ellipse.
    """
    x, y = course.T
    return x * x + y * y - lr * x * y


# Pictures and the page


def main(argv=None):
    parser = Parser(__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs", help="directory of theory.md (default: docs)")
    with parser.mistakes():
        args = parser.parse_args(argv)
        page = args.out / "theory.md"
        text = page.read_text(encoding="utf-8")
        (args.out / "theory").mkdir(exist_ok=True)
    for draw in best, equilibrium, gradients, divergences, bilinear:
        figure, measured = draw()
        with replacing(args.out / "theory" / f"{draw.__name__}.png") as file:
            figure.savefig(file, format="png", dpi=100)
        print(f"{draw.__name__}\n{measured}")
        text = replace_block(text, draw.__name__, f"![{draw.__doc__}](theory/{draw.__name__}.png)\n\n{measured}")
    with replacing(page, "w", encoding="utf-8") as file:
        file.write(text)
    return 0


def best():
    """The trained discriminator beside p / (p + q)"""
    p, q = P.density(X), Q.density(X)
    D = fit_discriminator(P, Q)
    exact, n = value_of(p, q, best_discriminator(p, q)), 1_000_000
    from_divergence = EQUILIBRIUM + 2 * jensen_shannon(p, q)
    sampled = value_on_samples(D, P.sample(n, 0, 4), Q.sample(n, 0, 5))
    figure, (densities, beliefs) = _figure(2)
    for density, color, name in (p, BLUE, "p, the data"), (q, ORANGE, "q, the generator"):
        densities.fill_between(X[:, 0], density, color=color, alpha=0.35, label=name, linewidth=0)
    beliefs.plot(X, best_discriminator(p, q), color="black", linewidth=5, alpha=0.25, label="D* = p / (p + q)")
    beliefs.plot(X, belief(D), color=GREEN, label="D, trained on samples")
    beliefs.axhline(0.5, color=GRAY, linestyle=":", linewidth=1)
    for axes, title in (densities, "two fixed densities"), (beliefs, "the probability that x is real"):
        axes.set(title=title, xlabel="x", xlim=(-3.5, 4))
        axes.legend(fontsize="small")
    return figure, _table(
        ("mean of \\|D - D\\*\\| under (p + q)/2", f"{distance_from_best(D, p, q):.4f}", "0"),
        ("V(D\\*), the integral, and -log 4 + 2 JSD(p, q)", f"{exact:.5f}", f"{from_divergence:.5f}"),
        ("V of the trained D on a million samples of each", f"{sampled:.5f}", f"{exact:.5f}"),
    )  # fmt: skip


def equilibrium():
    """The course of a game on a Gaussian"""
    p = toy("gaussian")
    mean, std = p.mean[0], p.std[0]
    game = play_gaussian(Network(Dense(1, 1), seed=0))
    restless = play_gaussian(Network(Dense(1, 1), seed=0), final_lr=5e-3)
    last = slice(-len(game.V) // 10, None)
    figure, (moments, values, end) = _figure(3)
    rounds = numpy.arange(1, len(game.V) + 1)
    for course, truth, color, name in (game.mean, mean, BLUE, "mean"), (game.std, std, ORANGE, "standard deviation"):
        moments.plot(rounds, course, color=color, linewidth=0.7, label=f"{name} of a batch of G")
        moments.axhline(truth, color="black", linestyle="--", linewidth=1)
    values.plot(rounds, game.V, color=GREEN, linewidth=0.7, label="V(D, G) on the batch")
    values.axhline(EQUILIBRIUM, color="black", linestyle="--", linewidth=1, label="$-\\log 4$")
    W, b = game.gan.generator.theta
    learned = Mixture("q", [[b]], abs(W))
    end.fill_between(X[:, 0], p.density(X), color=BLUE, alpha=0.35, linewidth=0, label="p, the data")
    end.plot(X, learned.density(X), color=ORANGE, label="q, the generator")
    end.plot(X, belief(game.gan.discriminator), color=GREEN, label="D")
    end.axhline(0.5, color=GRAY, linestyle=":", linewidth=1)
    for axes, title in (moments, "G finds mean and deviation"), (values, "the value of the game"), (end, "at the end"):
        axes.set(title=title, xlabel="x" if axes is end else "round")
        axes.legend(fontsize="small")
    end.set_xlim(-1, 3)
    density, other = p.density(X), learned.density(X)
    from_half = integral(abs(belief(game.gan.discriminator) - 0.5) * (density + other) / 2)
    return figure, _table(
        ("mean of G's distribution, after the last round", f"{b:.4f}", f"{mean:g}"),
        ("its standard deviation", f"{abs(W):.4f}", f"{std:g}"),
        (
            "deviation of G's batches, mean of 50 rounds: least and largest in the last 1,000",
            swing(game.std),
            f"{std:g}",
        ),
        ("the same with rates that stay at 0.005", swing(restless.std), f"{std:g}"),
        ("V, mean over the last tenth of the rounds", f"{game.V[last].mean():.4f}", f"{EQUILIBRIUM:.4f}"),
        ("2 JSD(p, q), what is left to see for the best D", f"{2 * jensen_shannon(density, other):.6f}", "0"),
        ("mean of \\|D - ½\\| under (p + q)/2", f"{from_half:.4f}", "0"),
    )


def gradients():
    """The derivatives of both losses of the generator, and their ratio"""
    a = numpy.linspace(-8, 8, 401)
    D = NonSaturating().probability(a)
    saturating, heuristic = slopes(a)
    figure, (both, ratio) = _figure(2)
    both.plot(D, -saturating, color=ORANGE, label="saturating, log(1 - D): D")
    both.plot(D, -heuristic, color=BLUE, label="non-saturating, -log D: 1 - D")
    both.set(title="how hard G is pulled", xlabel="D(G(z)): 0 = surely fake, 1 = surely real", ylabel="-dL/da")
    ratio.semilogy(D, saturating / heuristic, color=GREEN, linewidth=5, alpha=0.4, label="measured")
    ratio.semilogy(D, D / (1 - D), color="black", linewidth=1, label="D / (1 - D)")
    ratio.set(title="saturating over non-saturating", xlabel="D(G(z))")
    for axes in both, ratio:
        axes.legend(fontsize="small")
    off = abs(saturating / heuristic * (1 - D) / D - 1).max()
    return figure, _table(
        ("largest relative error of (saturating / non-saturating) = D/(1 - D), float64", _rounding(off), "rounding")
    )


def divergences():
    """Two Gaussians at a distance, and what the divergence and the Wasserstein distance say of it"""
    width, shifts = 0.2, numpy.linspace(0, 3, 61)
    fixed = Mixture("p", [[0.0]], width).density(X)
    moved = [Mixture("q", [[shift]], width).density(X) for shift in shifts]
    jensen, transport = [numpy.array([f(fixed, q) for q in moved]) for f in (jensen_shannon, wasserstein)]
    figure, (densities, distances) = _figure(2)
    for density, color, name in (fixed, BLUE, "p"), (moved[30], ORANGE, "q, at distance 1.5"):
        densities.fill_between(X[:, 0], density, color=color, alpha=0.35, label=name, linewidth=0)
    densities.set(title="two Gaussians of deviation 0.2", xlabel="x", xlim=(-1, 4.5))
    distances.plot(shifts, 2 * jensen, color=GREEN, label="2 JSD(p, q)")
    distances.plot(shifts, transport, color=ORANGE, label="Wasserstein distance")
    distances.axhline(math.log(4), color=GRAY, linestyle=":", linewidth=1, label="$\\log 4$")
    distances.set(title="which of them has a slope?", xlabel="distance of the means")
    for axes in densities, distances:
        axes.legend(fontsize="small")
    p, q = P.density(X), Q.density(X)
    T, a = 1 + numpy.log(_ratio(p, q), out=numpy.zeros_like(p), where=p > 1e-16), best_critic(p, q)
    pairs = (numpy.sort(toy.sample(1_000_000, 0, stream)[:, 0]) for toy, stream in ((P, 6), (Q, 7)))
    coupled = abs(numpy.subtract(*pairs)).mean()
    return figure, _table(
        ("E_p[T] - E_q[exp(T - 1)] at T = 1 + log(p/q), and KL(p, q)",
         f"{kullback_leibler_from_below(p, q, T):.5f}", f"{kullback_leibler(p, q):.5f}"),
        ("E_p[a] - E_q[a] for the best a of slope 1, and the integral of \\|F_p - F_q\\|",
         f"{integral((p - q) * a):.5f}", f"{wasserstein(p, q):.5f}"),
        ("mean distance of a million pairs, both sorted", f"{coupled:.4f}", f"{wasserstein(p, q):.4f}"),
        ("2 JSD at distance 3", f"{2 * jensen[-1]:.5f}", f"{math.log(4):.5f}"),
        ("Wasserstein distance there", f"{transport[-1]:.5f}", "3"),
    )  # fmt: skip


def bilinear():
    """Simultaneous, alternating and averaged gradient steps on V = x y"""
    lr, steps = 0.2, 150
    together, in_turn = (play_bilinear(steps, lr, alternate) for alternate in (False, True))
    length = (together**2).sum(axis=1)
    drift = abs(conserved(in_turn, lr) - 1).max()
    fallen = math.hypot(*play_bilinear(5000, Linear(lr, 0.0, 5000), alternate=True)[-1])
    averages = in_turn.cumsum(axis=0) / numpy.arange(1, steps + 2)[:, None]
    figure, (plane, lengths) = _figure(2)
    shown = together[: numpy.searchsorted(length, 12.0)]
    for course, color, name in (
        (shown, ORANGE, "simultaneous"), (in_turn, BLUE, "alternating"), (averages, GREEN, "alternating, averaged"),
    ):  # fmt: skip
        plane.plot(*course.T, ".-", color=color, linewidth=0.8, markersize=3, label=name)
    plane.plot(0, 0, "+", color="black", markersize=12)
    plane.set(title="V = x y: x goes down, y goes up", xlabel="x", ylabel="y", aspect="equal")
    for course, color in (together, ORANGE), (in_turn, BLUE), (averages, GREEN):
        lengths.semilogy((course**2).sum(axis=1), color=color)
    lengths.semilogy((1 + lr * lr) ** numpy.arange(steps + 1), "--", color="black", label="$(1 + lr^2)^t$")
    lengths.set(title="$x^2 + y^2$", xlabel="step t")
    plane.legend(fontsize="small", loc="lower right")
    lengths.legend(fontsize="small")
    return figure, _table(
        (f"simultaneous: x² + y² after {steps} steps at lr {lr}", f"{length[-1]:.4f}", f"{(1 + lr * lr) ** steps:.4f}"),
        ("alternating: largest change of x² + y² - lr x y", _rounding(drift), "rounding"),
        (f"alternating, 5,000 steps at a rate that falls from {lr} to 0: √(x² + y²)", f"{fallen:.4f}", "not 0"),
        (f"average of {steps} alternating steps: √(x² + y²)", f"{math.hypot(*averages[-1]):.4f}", "0"),
    )


def _figure(count):
    figure = Figure(figsize=(4.2 * count, 3.6), layout="constrained")
    return figure, figure.subplots(1, count)


def _rounding(error):
    """An error of which only the size says something: its digits are another processor's."""
    return "below 1e-12" if error < 1e-12 else f"{error:.1e}"


def _table(*rows):
    return "\n".join(["| | measured | theory |", "|---|---:|---:|", *(f"| {' | '.join(row)} |" for row in rows)])


if __name__ == "__main__":
    sys.exit(main())
