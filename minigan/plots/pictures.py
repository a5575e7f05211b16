"""Pictures of a run: grids of samples, curves, neighbors, and the film, drawn by matplotlib without a display."""

import math

import numpy
from matplotlib.figure import Figure
from matplotlib.image import imsave

from minigan.backend.checks import sizes, whole
from minigan.data.dataset import is_interval, numbers
from minigan.data.files import as_path, is_images, replacing
from minigan.plots.figures import draw_rest, save_figure, save_film
from minigan.plots.page import COLORS
from minigan.plots.run_page import FPS, evenly, frames_of, read_picture, write_page
from minigan.plots.words import charts, check_history, equilibrium, in_words

__all__ = [
    "compare_runs", "draw_course", "draw_run", "evenly", "grid", "read_frames", "save_curves", "save_gif", "save_grid",
    "save_neighbors", "write_page",
]  # fmt: skip


def grid(rows, shape, range, columns=None):
    """Images, as rows (N, size) or as pictures, black and white as in `range`, side by side as one picture in [0, 1].

    It is an array (height, width), or (height, width, 3) of images of shape (H, W, 3). They are framed in gray; small
    ones are enlarged, pixel by pixel, until they are about 48 wide.

    Raises ValueError for rows that are not finite numbers of that shape, for no rows, and for a wrong shape or range.
    """
    shape = sizes("a picture's shape ", shape)
    if not is_images((1, *shape)) or not is_interval(range):
        raise ValueError(f"a picture {shape} in the range {range!r:.60}: expected (H, W) or (H, W, 3), and two numbers")
    low, high = range
    rows = numbers("pixels", rows)
    if rows.shape[1:] in (shape, (*shape, 1)):
        rows = rows.reshape(len(rows), -1)
    if rows.ndim != 2 or not len(rows) or rows.shape[1] != math.prod(shape):
        raise ValueError(f"pixels of shape {rows.shape}, expected (N, {math.prod(shape)}) for pictures {shape}")
    columns = whole("columns", columns or math.ceil(len(rows) ** 0.5))
    lines = math.ceil(len(rows) / columns)
    zoom, frame = max(1, round(48 / max(shape[:2]))), 0.35
    pixels = numpy.clip((rows.reshape(-1, *shape) - low) / (high - low), 0, 1).repeat(zoom, 1).repeat(zoom, 2)
    sides = (0, 0), (1, 1), (1, 1), (0, 0)
    pixels = numpy.pad(pixels, sides[: pixels.ndim], constant_values=frame)
    tiles = numpy.full((lines * columns, *pixels.shape[1:]), frame, dtype="float32")
    tiles[: len(rows)] = pixels
    height, width, *color = pixels.shape[1:]
    tiles = tiles.reshape(lines, columns, height, width, *color).swapaxes(1, 2)
    return tiles.reshape(lines * height, columns * width, *color)


def save_grid(path, rows, shape, range, columns=None):
    """Write `grid(...)` as a PNG."""
    with replacing(path) as file:
        imsave(file, grid(rows, shape, range, columns), cmap="gray", vmin=0, vmax=1, format="png")


def save_curves(path, history):
    """Write the course of the game as a PNG: V with the value at equilibrium, D's judgments, losses; likelihoods."""
    save_figure(path, draw_curves(history))


def draw_curves(history):
    """The figure of `save_curves`. Raises ValueError unless it is a history."""
    check_history("curves", history)
    drawn = charts(history)
    figure, panels = _panels(len(drawn))
    epochs = [row["epoch"] for row in history]
    style = {"marker": "o" if len(history) == 1 else None}  # a line through one point is invisible
    for axes, (title, lines, bounds, dashed) in zip(panels, drawn, strict=True):
        for name, (color, label) in lines.items():
            axes.plot(epochs, [row[name] for row in history], color=COLORS[color], label=label, **style)
        if bounds:
            axes.axhline(dashed, color="gray", linestyle="--", linewidth=1, label="1/2, cannot tell")
            axes.set_ylim(bounds)
        else:
            draw_rest(axes, dashed)
        axes.set_title(title)
        axes.legend(fontsize="small")
    return figure


def compare_runs(path, runs):
    """Write V, what D believes and how varied the samples are, of several runs in one plot, as a PNG.

    runs are pairs (name, history), at least one, each history with at least one row. Each run has its own color.
    """
    save_figure(path, draw_comparison(runs))


def draw_comparison(runs):
    """The figure of `compare_runs`. Raises ValueError for no runs, and for one without a finished epoch."""
    if not isinstance(runs, list | tuple) or not runs:
        raise ValueError("there are no runs to compare: expected [(name, history), ...]")
    for run in runs:
        if not isinstance(run, list | tuple) or len(run) != 2 or not isinstance(run[0], str):
            raise ValueError(f"compare_runs: {run!r:.60} is no pair of a name and a history")
        check_history(*run, ("epoch", "V", "d_real", "d_fake", "diversity"))
    figure, (value, judgments, diversity) = _panels(3)
    rests = {}
    for k, (name, history) in enumerate(runs):
        epochs, style = [row["epoch"] for row in history], {"color": f"C{k % 10}"}
        style |= {"marker": "o"} if len(history) == 1 else {}
        value.plot(epochs, [row["V"] for row in history], label=name, **style)
        judgments.plot(epochs, [row["d_real"] for row in history], **style)
        judgments.plot(epochs, [row["d_fake"] for row in history], linestyle=":", **style)
        diversity.plot(epochs, [row["diversity"] for row in history], **style)
        rests.setdefault(equilibrium(history[-1]), style["color"])
    for rest, color in rests.items():
        if rest is not None:
            shared = "black" if len(rests) == 1 else color
            value.axhline(rest, color=shared, linestyle="--", linewidth=1, label=f"{rest:.3f}: D cannot tell")
    for style, label in ("-", "D(x), real"), (":", "D(G(z)), fake"):
        judgments.plot([], [], color="black", linestyle=style, label=label)
    value.set_title("V(D, G)")
    judgments.set(title="what D believes, on average", ylim=(0, 1))
    highest = max(row["diversity"] for _, history in runs for row in history)
    diversity.set(title="distance of samples, data = 1", ylim=(0, 1.05 * max(highest, 1)))
    for axes in value, judgments:
        axes.legend(fontsize="small")
    return figure


def _panels(count):
    """A figure with so many axes over the epochs."""
    figure = Figure(figsize=(10, 3.4), layout="constrained")
    panels = figure.subplots(1, count, squeeze=False)[0]
    for axes in panels:
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
    return figure, panels


def draw_run(directory, history, rows, neighbors, shape, range):
    """Draw what closes a run into its directory: curves.png, neighbors.png, training.gif and training.html.

    rows (N, size) are samples of the generator as it is now, neighbors (N, size) their nearest training images. Before
    the first epoch is finished there are neighbors only. Returns the paths written; raises OSError as the disk does.
    """
    directory = as_path(directory)
    check_history("draw_run", history, least=0)
    pairs = directory / "neighbors.png"
    save_neighbors(pairs, rows, neighbors, shape, range)
    return [pairs, *draw_course(directory, history)]


def draw_course(directory, history):
    """Of these, what shows how it came about: curves.png, training.gif and training.html."""
    directory = as_path(directory)
    check_history("draw_course", history, least=0)
    curves, gif = (directory / name for name in ("curves.png", "training.gif"))
    if not history:
        return []
    save_curves(curves, history)
    frames, labels = read_frames(directory / "samples", history)
    if not frames:
        return [curves]
    save_gif(gif, frames, labels)
    return [curves, gif, write_page(directory, history)]


def read_frames(folder, history):
    """(frames, labels) of the film of a run, for save_gif: the grids that training wrote into `folder`, at most 50.

    Raises OSError for a damaged one.
    """
    found = frames_of(folder, history)
    names = "V", "train", "test", "oracle"
    labels = [f"epoch {history[i]['epoch']}     {in_words(history[i], names)}" for i, _ in found]
    return [read_picture(path) for _, path in found], labels


def save_neighbors(path, rows, neighbors, shape, range):
    """Write pairs as a PNG: each of the rows (N, size) and, right of it, its neighbor (N, size). Is G copying?

    The pairs stand as `grid` would put the rows, with white between them. Raises ValueError as `grid` does, and for
    rows and neighbors of two shapes.
    """
    rows, neighbors = numbers("rows", rows), numbers("neighbors", neighbors)
    if rows.ndim != 2 or rows.shape != neighbors.shape:
        raise ValueError(f"rows of shape {rows.shape} and neighbors of shape {neighbors.shape}: both (N, H*W)")
    columns = math.ceil(len(rows) ** 0.5)
    tiles = grid(numpy.stack([rows, neighbors], 1).reshape(-1, rows.shape[1]), shape, range, 2 * columns)
    lines, gap, color = math.ceil(len(rows) / columns), 4, tiles.shape[2:]
    pairs = tiles.reshape(lines, len(tiles) // lines, columns, tiles.shape[1] // columns, *color)
    sides = (0, 0), (gap, gap), (0, 0), (gap, gap), (0, 0)
    pairs = numpy.pad(pairs, sides[: pairs.ndim], constant_values=1)
    pairs = pairs.reshape(len(tiles) + 2 * gap * lines, -1, *color)
    figure, _, caption = _captioned(pairs)
    caption.set_text("left: a sample; right: the training image nearest to it")
    save_figure(path, figure)


def save_gif(path, frames, labels):
    """Write an animated GIF of the frames, each a picture in [0, 1], gray or in color, under its label.

    Raises ValueError for frames of several shapes, or none, and for another number of labels.
    """
    frames = numbers("frames", frames)
    pictures = is_images(frames.shape) and frames.size
    if not (pictures and isinstance(labels, list | tuple) and len(labels) == len(frames)):
        raise ValueError(f"a film of frames {frames.shape}: at least one (height, width), and a label each")
    figure, image, caption = _captioned(frames[0])

    def drawn():
        for frame, label in zip(frames, labels, strict=True):
            image.set_data(frame)
            yield caption.set_text(label)

    save_film(path, figure, drawn(), FPS)


def _captioned(picture):
    """(figure, image, caption): the picture, pixel for pixel, under an empty line of text."""
    height, width = picture.shape[:2]
    line, whole, dpi = 28, max(width, 400), 100
    figure = Figure(figsize=(whole / dpi, (height + line) / dpi), dpi=dpi)
    axes = figure.add_axes(((whole - width) // 2 / whole, 0, width / whole, height / (height + line)))
    axes.set_axis_off()
    image = axes.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="none", aspect="auto")
    return figure, image, figure.text(0.5, 1 - line / 2 / (height + line), "", ha="center", va="center")
