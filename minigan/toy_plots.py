"""Pictures and films of a game on points in one or two dimensions: the data, the samples, and what D makes of them."""

import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy
from matplotlib.animation import PillowWriter
from matplotlib.figure import Figure

from minigan.backend import to_numpy
from minigan.data.toys import Mixture
from minigan.files import replacing
from minigan.objectives import EQUILIBRIUM

SIDE, SAMPLES, ARROWS = 60, 2000, 150  # points of D's surface along a side; samples drawn; arrows among them
FPS = 6
SIZE, DPI = (9.6, 5.4), 80
ARROW = {"angles": "xy", "scale_units": "xy", "scale": 1, "width": 0.003, "color": "black", "alpha": 0.7}
DATA, SAMPLE, CURVE, BEST = "#14366b", "#d9480f", "#2b8a3e", "0.35"


class Scene(NamedTuple):
    """The game at one moment, on the host."""

    round: int
    samples: numpy.ndarray  # (SAMPLES, d), of the same noise in each scene
    pull: numpy.ndarray  # (SAMPLES, d): -dL_G/dx of each sample, times the number of samples
    belief: numpy.ndarray  # D at the points of the lattice


class Lattice:
    """Where D is looked at: evenly spaced points x (M, d) over the place where the data `points` (N, d) lie.

    low, high (d,) are the corners, a fifth of the data's extent outside of it; in two dimensions a square.
    """

    def __init__(self, points):
        low, high = points.min(axis=0), points.max(axis=0)
        half = 0.7 * (high - low).max()
        self.low, self.high = (low + high) / 2 - half, (low + high) / 2 + half
        self.axes = [
            numpy.linspace(a, b, SIDE if len(low) == 2 else SIDE * 5) for a, b in zip(self.low, self.high, strict=True)
        ]
        self.x = numpy.stack(numpy.meshgrid(*self.axes), axis=-1).reshape(-1, len(low)).astype("float32")


def look(gan, lattice, number):
    """The Scene of `gan` after round `number`. Nothing of the game changes by it."""
    D = gan.discriminator
    x = gan.generator(gan.fixed_noise(SAMPLES))
    _, da = gan.objective.generator(D.forward(x))
    pull = D.backward(da, wrt="input") * -len(x)
    belief = gan.objective.probability(D(lattice.x))[:, 0]
    D.forget()
    return Scene(number, *map(to_numpy, (x, pull, belief)))


class Stage:
    """Draws scenes of a game on `data`, a Toy, beside the value V of each round so far, an array (rounds,).

    Raises ValueError for data of more than two dimensions.
    """

    def __init__(self, data, points, lattice, V, scenes):
        if data.width > 2:
            raise ValueError(f"{data!r}: only points in one or two dimensions can be drawn")
        self.data, self.points, self.lattice, self.V = data, points, lattice, V
        extent = (lattice.high - lattice.low).max()
        lengths = numpy.concatenate([numpy.linalg.norm(scene.pull, axis=1) for scene in scenes])
        self.scale = 0.07 * extent / max(numpy.quantile(lengths, 0.95), 1e-12)  # one for the film: arrows compare
        self.longest = 0.1 * extent
        self.figure = Figure(figsize=SIZE, dpi=DPI)

    def save_picture(self, path, scene):
        """Write a scene as a PNG."""
        self._draw(scene)
        with replacing(path) as file:
            self.figure.savefig(file, format="png", dpi=1.5 * DPI)

    def save_film(self, path, scenes):
        """Write the scenes as an animated GIF."""
        writer = PillowWriter(FPS)
        with tempfile.TemporaryDirectory() as folder:
            film = Path(folder, "film.gif")  # the writer tells the format by the name, and writes to no open file
            with writer.saving(self.figure, film, DPI):
                for scene in scenes:
                    self._draw(scene)
                    writer.grab_frame()
            with replacing(path) as file:
                file.write(film.read_bytes())

    def _draw(self, scene):
        self.figure.clear()
        place, value = (self.figure.add_axes(box) for box in ((0.06, 0.1, 0.5, 0.82), (0.67, 0.1, 0.31, 0.82)))
        draw = self._plane if self.data.width == 2 else self._line
        draw(place, scene)
        place.set_title(f"{self.data.name}, round {scene.round:,}")
        done = numpy.arange(1, scene.round + 1)
        value.plot(done, self.V[: scene.round], color=CURVE, linewidth=0.7)
        value.axhline(EQUILIBRIUM, color="black", linestyle="--", linewidth=1, label="$-\\log 4$: D cannot tell")
        low, high = numpy.quantile([*self.V, EQUILIBRIUM], (0.005, 0.995))  # a few outliers would set the scale
        margin = 0.05 + 0.05 * (high - low)
        value.set(title="V(D, G)", xlabel="round", xlim=(0, len(self.V)))
        value.set_ylim(min(low, EQUILIBRIUM) - margin, max(high, EQUILIBRIUM) + margin)
        value.legend(loc="upper right", fontsize="small")

    def _arrows(self, scene):
        """(places, arrows), each (ARROWS, d): minus the gradient, to one scale, none longer than `longest`."""
        arrows = scene.pull[:ARROWS] * self.scale
        length = numpy.linalg.norm(arrows, axis=1, keepdims=True)
        return scene.samples[:ARROWS], arrows * numpy.minimum(1, self.longest / numpy.maximum(length, 1e-12))

    def _plane(self, axes, scene):
        levels = numpy.linspace(0, 1, 21)
        surface = axes.contourf(
            *self.lattice.axes, scene.belief.reshape(SIDE, SIDE), levels, cmap="RdBu", alpha=0.55, vmin=-0.1, vmax=1.1
        )
        bar = self.figure.colorbar(surface, cax=self.figure.add_axes((0.575, 0.1, 0.013, 0.82)), ticks=(0, 0.5, 1))
        bar.ax.set_yticklabels(("fake", "D = ½", "real"), rotation=90, va="center", fontsize="small")
        dots = {"marker": ".", "linestyle": "", "markeredgewidth": 0, "alpha": 0.8}
        axes.plot(*scene.samples[:1000].T, color=SAMPLE, markersize=5, label="samples", **dots)
        axes.plot(*self.points.T, color=DATA, markersize=3, label="data", **dots)
        places, arrows = self._arrows(scene)
        axes.quiver(*places.T, *arrows.T, **ARROW)
        axes.set(xlim=(self.lattice.low[0], self.lattice.high[0]), ylim=(self.lattice.low[1], self.lattice.high[1]))
        axes.set_aspect("equal")
        axes.legend(loc="upper right", fontsize="small", markerscale=3)

    def _line(self, axes, scene):
        x = self.lattice.axes[0]
        low, high = self.lattice.low[0], self.lattice.high[0]
        p = self.data.density(self.lattice.x)
        q = Mixture("q", scene.samples, self.data.sigmas.min() / 3).density(self.lattice.x)
        top = 1.5 * max(p.max(), 0.67)
        axes.fill_between(x, p, color=DATA, alpha=0.3, linewidth=0, label="p, the data")
        axes.hist(
            scene.samples[:, 0], 60, range=(low, high), density=True, color=SAMPLE, alpha=0.45, label="q, the samples"
        )
        best = numpy.divide(p, p + q, out=numpy.full_like(p, numpy.nan), where=p + q > 1e-3)
        axes.plot(x, best, color=BEST, linewidth=4, alpha=0.5, label="p / (p + q), the best D")
        axes.plot(x, scene.belief, color=CURVE, linewidth=1.8, label="D")
        axes.axhline(0.5, color="0.5", linestyle=":", linewidth=1)
        places, arrows = self._arrows(scene)
        level = numpy.linspace(-0.15, -0.025, len(places)) * top  # side by side below the axis, to be told apart
        axes.quiver(places[:, 0], level, arrows[:, 0], 0 * level, **ARROW)
        axes.plot(places[:, 0], level, ".", color=SAMPLE, markersize=4, markeredgewidth=0)
        axes.set(xlim=(low, high), ylim=(-0.17 * top, top), xlabel="x")
        axes.legend(loc="upper right", fontsize="small")
