"""Pictures and films of a game on points in one or two dimensions: the data, the samples, and what D makes of them."""

import math
from typing import NamedTuple

import numpy
from matplotlib.figure import Figure

from minigan.backend import to_numpy, xp
from minigan.backend.checks import kind
from minigan.data.dataset import numbers
from minigan.data.toys import Mixture, Toy
from minigan.gan import GAN
from minigan.objectives import Hinge, LeastSquares, Minimax, Objective
from minigan.plots.figures import draw_rest, limits, save_figure, save_film
from minigan.plots.style import BELIEF, BEST, CRITIC, CURVE, DATA, SAMPLE

SIDE, SAMPLES, ARROWS = 60, 2000, 150  # points of D's surface along a side; samples drawn; arrows among them
FPS, POINTS_OF_V = 6, 250
SIZE, DPI = (9.6, 5.4), 80
ARROW = {"angles": "xy", "scale_units": "xy", "scale": 1, "width": 0.003, "color": "black", "alpha": 0.7}


class Scene(NamedTuple):
    """The game at one moment, on the host."""

    round: int
    samples: numpy.ndarray  # (SAMPLES, d), of the same noise in each scene
    pull: numpy.ndarray  # (SAMPLES, d): -dL_G/dx of each sample, times the number of samples
    D: numpy.ndarray  # at the points of the lattice: a probability, or the output of a critic


class Film(NamedTuple):
    """What was seen of one game."""

    name: str
    objective: Objective
    V: numpy.ndarray  # (rounds,), the value of the game
    scenes: list

    @property
    def reach(self):
        """The largest |a| on the color scale of a critic, one for all scenes: of the median scene 2 % lie beyond it."""
        return max(numpy.median([numpy.quantile(abs(scene.D), 0.98) for scene in self.scenes]), 1e-12)

    @property
    def largest(self):
        """The largest |a| of all scenes, for the curve of a critic."""
        return max(*(abs(scene.D).max() for scene in self.scenes), 1e-12)


class Lattice:
    """Where D is looked at: evenly spaced points x (M, d) over the place where the data `points` (N, d) lie.

    low, high (d,) are the corners, a fifth of the data's extent outside of it; in two dimensions a square. Raises
    ValueError unless the points are finite numbers of one or two dimensions.
    """

    def __init__(self, points):
        points = numbers("Lattice: points", points).astype("float32")
        if points.ndim != 2 or not 0 < points.size <= 2 * len(points):
            raise ValueError(f"Lattice: points of shape {points.shape}, expected (N, 1) or (N, 2)")
        low, high = points.min(axis=0), points.max(axis=0)
        half = 0.7 * (high - low).max()
        self.points = points
        self.low, self.high = (low + high) / 2 - half, (low + high) / 2 + half
        self.extent = (self.high - self.low).max()
        self.axes = [
            numpy.linspace(a, b, SIDE if len(low) == 2 else SIDE * 5) for a, b in zip(self.low, self.high, strict=True)
        ]
        self.x = numpy.stack(numpy.meshgrid(*self.axes), axis=-1).reshape(-1, len(low)).astype("float32")


class Arrows:
    """Pulls as arrows (ARROWS, d) of the picture: on one scale for all scenes, so that they can be compared.

    The strongest twentieth of all pulls is longer than 0.07 of the lattice's extent; `longest`, 0.1, is where an arrow
    is cut off.
    """

    def __init__(self, scenes, lattice):
        lengths = numpy.concatenate([numpy.linalg.norm(scene.pull, axis=1) for scene in scenes])
        self.scale = 0.07 * lattice.extent / max(numpy.quantile(lengths, 0.95), 1e-12)
        self.longest = 0.1 * lattice.extent

    def __call__(self, scene):
        arrows = scene.pull[:ARROWS] * self.scale
        length = numpy.linalg.norm(arrows, axis=1, keepdims=True)
        return arrows * numpy.minimum(1, self.longest / numpy.maximum(length, 1e-12))


def is_belief(objective):
    """Whether D of this game says how probable it is that x is real, and its best answer is p / (p + q).

    Elsewhere D's output a(x) is that of a critic: the larger, the more real.
    """
    return isinstance(objective, Minimax | LeastSquares)


def look(gan, lattice, number):
    """The Scene of `gan` after round `number`. The game itself does not change.

    A critic of differences, such as that of Wasserstein, is known up to a constant. It is shifted so that the means of
    a(x) over the data and over the samples are opposite numbers. That of hinge is not: its border is a = 0.
    """
    kind("look", gan, GAN)
    D, objective, n = gan.discriminator, gan.objective, SAMPLES
    kind("look", lattice, Lattice)
    x = gan.generator(gan.fixed_noise(n))
    a = D.forward(xp.concatenate((x, xp.asarray(lattice.points))))
    middle = 0 if isinstance(objective, Hinge) else (a[:n].mean() + a[n:].mean()) / 2
    seen = D.outputs[objective.layer]
    if objective.sees_real:
        _, d_fake, d_real = objective.generator(seen[:n], seen[n:])
    else:
        (_, d_fake), d_real = objective.generator(seen[:n]), xp.zeros_like(seen[n:])
    pull = D.backward(xp.concatenate((d_fake, d_real)), wrt="input", layer=objective.layer)[:n] * -n
    a = D(lattice.x)
    shown = objective.probability(a) if is_belief(objective) else a - middle
    return Scene(number, *map(to_numpy, (x, pull, shown[:, 0])))


def densities(data, lattice, scene):
    """(p, q, p / (p + q)) at the points of a lattice in one dimension, each (M,): q is estimated from the samples.

    The last, the best D of Proposition 1, is NaN where neither density has mass.
    """
    p = data.density(lattice.x)
    q = Mixture("q", scene.samples, data.sigmas.min() / 3).density(lattice.x)
    return p, q, numpy.divide(p, p + q, out=numpy.full_like(p, numpy.nan), where=p + q > 1e-3)


def smoothed(V, points):
    """(block, means): the mean V of each `block` of rounds, the last maybe shorter, so that there are few `points`."""
    block = math.ceil(len(V) / points)
    starts = numpy.arange(0, len(V), block)
    return block, numpy.add.reduceat(V, starts) / numpy.diff([*starts, len(V)])


def key(scale):
    """[slope, length] of the arrow that explains the others: a round slope, at most 0.08 pictures long."""
    scale = float(scale)
    power = 10.0 ** math.floor(math.log10(0.08 / scale))
    slope = max(step * power for step in (1, 2, 5) if step * power * scale <= 0.08 * (1 + 1e-9))
    return [float(f"{slope:.1g}"), slope * scale]


class Stage:
    """Draws the scenes of a Film of a game on `data`, a Toy.

    Raises ValueError for data of more than two dimensions.
    """

    def __init__(self, data, lattice, film):
        check(data)
        kind("Stage", lattice, Lattice)
        kind("Stage", film, Film)
        self.data, self.lattice, self.film = data, lattice, film
        self.arrows = Arrows(film.scenes, lattice)
        self.belief = is_belief(film.objective)
        self.figure = Figure(figsize=SIZE, dpi=DPI)

    def save_picture(self, path, scene):
        """Write a scene as a PNG."""
        self.draw(scene)
        save_figure(path, self.figure, 1.5 * DPI)

    def save_film(self, path):
        """Write the scenes as an animated GIF."""
        save_film(path, self.figure, map(self.draw, self.film.scenes), FPS)

    def draw(self, scene):
        """Draw the scene on the figure, in place of what was there."""
        self.figure.clear()
        place, value = (self.figure.add_axes(box) for box in ((0.06, 0.13, 0.5, 0.81), (0.67, 0.13, 0.31, 0.81)))
        (self._plane if self.data.width == 2 else self._line)(place, scene)
        place.set_title(f"{self.data.name}, round {scene.round:,}")
        slope, length = key(self.arrows.scale / self.lattice.extent)
        explained = f"slope {slope:g}; an arrow is minus the gradient of G's loss at a sample"
        place.quiverkey(
            self.quiver, 0.07, 0.025, length * self.lattice.extent, explained, labelpos="E", coordinates="figure",
            fontproperties={"size": 9},
        )  # fmt: skip
        V, equilibrium = self.film.V, self.film.objective.equilibrium
        block, means = smoothed(V, POINTS_OF_V)
        ends = numpy.minimum(block * numpy.arange(1, len(means) + 1), len(V))
        past = ends <= scene.round
        value.plot(ends[past], means[past], color=CURVE, linewidth=1)
        draw_rest(value, equilibrium)
        if equilibrium is not None:
            value.legend(loc="upper right", fontsize="small")
        title = "V(D, G)" + (f", means of {block} rounds" if block > 1 else "")
        value.set(title=title, xlabel="round", xlim=(0, len(V)), ylim=limits(V, equilibrium))

    def _plane(self, axes, scene):
        low, high = (0, 1) if self.belief else (-self.film.reach, self.film.reach)
        pale = 0.1 * (high - low)  # the ends of the color map are too dark for dots
        surface = axes.contourf(
            *self.lattice.axes, scene.D.reshape(SIDE, SIDE), numpy.linspace(low, high, 21), alpha=0.55,
            cmap=BELIEF if self.belief else CRITIC, vmin=low - pale, vmax=high + pale,
            extend="neither" if self.belief else "both",
        )  # fmt: skip
        bar = self.figure.colorbar(surface, cax=self.figure.add_axes((0.575, 0.13, 0.013, 0.81)))
        bar.set_ticks((low, (low + high) / 2, high))
        names = ("fake", "D = ½", "real") if self.belief else (f"{low:.2g}", "critic a(x)", f"{high:.2g}")
        bar.ax.set_yticklabels(names, rotation=90, va="center", fontsize="small")
        dots = {"marker": ".", "linestyle": "", "markeredgewidth": 0, "alpha": 0.8}
        axes.plot(*scene.samples[:1000].T, color=SAMPLE, markersize=5, label="samples", **dots)
        axes.plot(*self.lattice.points.T, color=DATA, markersize=3, label="data", **dots)
        self.quiver = axes.quiver(*scene.samples[:ARROWS].T, *self.arrows(scene).T, **ARROW)
        axes.set(xlim=(self.lattice.low[0], self.lattice.high[0]), ylim=(self.lattice.low[1], self.lattice.high[1]))
        axes.set_aspect("equal")
        axes.legend(loc="upper right", fontsize="small", markerscale=3)

    def _line(self, axes, scene):
        x = self.lattice.axes[0]
        low, high = self.lattice.low[0], self.lattice.high[0]
        p, _, best = densities(self.data, self.lattice, scene)
        top = 1.5 * max(p.max(), 0.67)
        axes.fill_between(x, p, color=DATA, alpha=0.3, linewidth=0, label="p, the data")
        axes.hist(
            scene.samples[:, 0], 60, range=(low, high), density=True, color=SAMPLE, alpha=0.45, label="q, the samples"
        )
        if self.belief:
            axes.plot(x, best, color=BEST, linewidth=4, label="p / (p + q), the best D")
            axes.plot(x, scene.D, color=CURVE, linewidth=1.8, label="D")
            axes.axhline(0.5, color="0.5", linestyle=":", linewidth=1)
        else:
            critic = axes.twinx()
            critic.plot(x, scene.D, color=CURVE, linewidth=1.8)
            critic.axhline(0, color="0.5", linestyle=":", linewidth=1)
            critic.set_ylim(numpy.multiply(self.film.largest, (-1 - 2 * 0.17, 1)))  # 0 at half the height
            axes.plot([], [], color=CURVE, linewidth=1.8, label="critic a(x), right axis")
        arrows, places = self.arrows(scene)[:, 0], scene.samples[:ARROWS, 0]
        level = numpy.linspace(-0.15, -0.025, len(places)) * top  # side by side below the axis, to be told apart
        self.quiver = axes.quiver(places, level, arrows, 0 * level, **ARROW)
        axes.plot(places, level, ".", color=SAMPLE, markersize=4, markeredgewidth=0)
        axes.set(xlim=(low, high), ylim=(-0.17 * top, top), xlabel="x")
        axes.legend(loc="upper right", fontsize="small")


def check(data):
    """Raises ValueError for a Toy of more than two dimensions."""
    if kind("a picture of points", data, Toy).width > 2:
        raise ValueError(f"{data!r}: only points in one or two dimensions can be drawn")
