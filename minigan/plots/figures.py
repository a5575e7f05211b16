"""Files of figures: a picture, a film; and how V's equilibrium is drawn everywhere."""

import numpy
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from minigan.data.files import replacing
from minigan.objectives import EQUILIBRIUM
from minigan.plots.style import INK

LINGER = 2000  # milliseconds that a film stays on its last frame before it starts again


def save_figure(path, figure, dpi=100):
    """Write the figure as a PNG."""
    with replacing(path) as file:
        figure.savefig(file, format="png", dpi=dpi)


def save_film(path, figure, drawn, fps):
    """Write an animated GIF: the figure as it stands after each item of the iterable `drawn`."""
    canvas, frames = FigureCanvasAgg(figure), []
    for _ in drawn:
        canvas.draw()
        frames.append(Image.fromarray(numpy.asarray(canvas.buffer_rgba())[..., :3].copy()))
    durations = [1000 // fps] * (len(frames) - 1) + [LINGER]
    with replacing(path) as file:
        frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0)


def draw_rest(axes, equilibrium):
    """V's equilibrium, where it has one, as a dashed line."""
    if equilibrium is not None:
        name = "$-\\log 4$" if equilibrium == EQUILIBRIUM else f"{equilibrium:.2f}"
        axes.axhline(equilibrium, color=INK, linestyle="--", linewidth=1, label=f"{name}: D cannot tell")


def limits(V, equilibrium):
    """(low, high) of an axis for V (rounds,) and its equilibrium, where it has one: outliers do not set the scale."""
    known = [] if equilibrium is None else [equilibrium]
    low, high = numpy.quantile([*V, *known], (0.005, 0.995))
    margin = 0.05 + 0.05 * (high - low)
    return min([low, *known]) - margin, max([high, *known]) + margin
