"""Pictures, drawn by matplotlib without a display."""

import html
import math
import re
import tempfile
from pathlib import Path

import numpy
from matplotlib.animation import HTMLWriter, PillowWriter
from matplotlib.figure import Figure
from matplotlib.image import imread, imsave

from minigan.advice import equilibrium, value_in_words
from minigan.files import replacing
from minigan.objectives import EQUILIBRIUM

FRAMES, PIXELS = 50, 11_000_000  # of a film at most: an HTML file of 5 MB or less
FPS = 5


def grid(rows, shape, range, columns=None):
    """Images rows (N, H*W), black and white as in `range`, side by side as one array (height, width) in [0, 1].

    Images are framed in gray; small ones are enlarged, pixel by pixel, until they are about 48 wide.
    """
    (height, width), (low, high) = shape, range
    columns = columns or math.ceil(len(rows) ** 0.5)
    lines = math.ceil(len(rows) / columns)
    zoom, frame = max(1, round(48 / max(shape))), 0.35
    pixels = numpy.clip((rows.reshape(-1, height, width) - low) / (high - low), 0, 1)
    pixels = numpy.pad(pixels.repeat(zoom, 1).repeat(zoom, 2), ((0, 0), (1, 1), (1, 1)), constant_values=frame)
    tiles = numpy.full((lines * columns, *pixels.shape[1:]), frame, dtype="float32")
    tiles[: len(rows)] = pixels
    tiles = tiles.reshape(lines, columns, *pixels.shape[1:]).transpose(0, 2, 1, 3)
    return tiles.reshape(lines * pixels.shape[1], columns * pixels.shape[2])


def save_grid(path, rows, shape, range, columns=None):
    """Write `grid(...)` as a PNG."""
    with replacing(path) as file:
        imsave(file, grid(rows, shape, range, columns), cmap="gray", vmin=0, vmax=1, format="png")


def save_curves(path, history):
    """Write the course of the game as a PNG: V with the value at equilibrium, D's judgments, both losses."""
    epochs = [row["epoch"] for row in history]
    figure = Figure(figsize=(10, 3.4), layout="constrained")
    value, judgments, losses = figure.subplots(1, 3)
    style = "o-" if len(history) == 1 else "-"  # a line through one point is invisible

    def curve(axes, key, label):
        axes.plot(epochs, [row[key] for row in history], style, label=label)

    curve(value, "V", "V(D, G)")
    if equilibrium(history[-1]) is not None:
        name = "$-\\log 4$, equilibrium" if equilibrium(history[-1]) == EQUILIBRIUM else "equilibrium"
        value.axhline(equilibrium(history[-1]), color="gray", linestyle="--", label=name)
    value.set_title("value of the game")
    curve(judgments, "d_real", "D(x), real")
    curve(judgments, "d_fake", "D(G(z)), fake")
    judgments.axhline(0.5, color="gray", linestyle="--", label="1/2, cannot tell")
    judgments.set(title="what D believes, on average", ylim=(0, 1))
    curve(losses, "loss_d", "D's loss")
    curve(losses, "loss_g", "G's loss")
    losses.set_title("what each player minimizes")
    for axes in value, judgments, losses:
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend(fontsize="small")
    with replacing(path) as file:
        figure.savefig(file, format="png", dpi=100)


def draw_run(directory, history, rows, neighbors, shape, range):
    """Draw what closes a run into its directory: curves.png, neighbors.png, training.gif and training.html.

    rows (N, H*W) are samples of the generator as it is now, neighbors (N, H*W) their nearest training images. Before
    the first epoch is finished there are neighbors only. Returns the paths written; raises OSError as the disk does.
    """
    directory = Path(directory)
    curves, pairs, gif, slider = (
        directory / name for name in ("curves.png", "neighbors.png", "training.gif", "training.html")
    )
    save_neighbors(pairs, rows, neighbors, shape, range)
    if not history:
        return [pairs]
    save_curves(curves, history)
    frames, labels = read_frames(directory / "samples", history)
    if not frames:
        return [pairs, curves]
    save_gif(gif, frames, labels)
    title = f"{directory.resolve().name}: what G draws from the same noise, epoch by epoch"
    save_slider(slider, frames, labels, title)
    return [pairs, curves, gif, slider]


def read_frames(folder, history):
    """(frames, labels): the grids that training wrote into `folder` as epoch-0001.png, ..., for save_gif, save_slider.

    Those of the epochs in `history`, at most 50, fewer where they are large, evenly chosen. Raises OSError for a
    damaged one.
    """
    found = [(row, Path(folder, f"epoch-{row['epoch']:04d}.png")) for row in history]
    found = [(row, path) for row, path in found if path.exists()]
    if not found:
        return [], []
    most = min(FRAMES, PIXELS // _read(found[0][1]).size)
    found = [found[i] for i in evenly(len(found), most)]
    labels = [f"epoch {row['epoch']}     {value_in_words(row)}" for row, _ in found]
    return [_read(path) for _, path in found], labels


def evenly(n, most):
    """At most `most` of the indices 0 .. n-1, evenly spaced; always the first and the last."""
    return numpy.linspace(0, n - 1, min(n, max(most, 2))).round().astype(int).tolist()


def save_neighbors(path, rows, neighbors, shape, range):
    """Write pairs as a PNG: each of the rows (N, H*W) and, right of it, its neighbor (N, H*W). Is G copying?

    The pairs stand where `grid` would put the rows, with white between them.
    """
    columns = math.ceil(len(rows) ** 0.5)
    tiles = grid(numpy.stack([rows, neighbors], 1).reshape(2 * len(rows), -1), shape, range, 2 * columns)
    lines, gap = math.ceil(len(rows) / columns), 4
    pairs = tiles.reshape(lines, len(tiles) // lines, columns, -1)
    pairs = numpy.pad(pairs, ((0, 0), (gap, gap), (0, 0), (gap, gap)), constant_values=1)
    pairs = pairs.reshape(len(tiles) + 2 * gap * lines, -1)
    figure, _, caption = _captioned(pairs)
    caption.set_text("left: a sample; right: the training image nearest to it")
    with replacing(path) as file:
        figure.savefig(file, format="png")


def save_gif(path, frames, labels):
    """Write an animated GIF of the frames, each a gray picture (height, width) in [0, 1] under its label."""
    with replacing(path) as file:
        file.write(_film(PillowWriter(FPS), "film.gif", frames, labels))


def save_slider(path, frames, labels, title):
    """Write one HTML file, which needs no network and no other file: the frames with their labels, and a slider."""
    # Left alone, matplotlib drops what exceeds 20 MB, and resizes the frames as its default codec would need it.
    writer = HTMLWriter(FPS, codec="png", embed_frames=True, embed_limit=math.inf)
    film = _film(writer, "film.html", frames, labels).decode()
    film = re.sub(r"<link\b[^>]*>", "", film)  # to the font with the buttons' icons, on the network
    film = film.replace(re.search(r'id="_anim_img(\w+)"', film)[1], "film")  # drawn at random for each file
    with replacing(path, "w", encoding="utf-8") as file:
        file.write(PAGE.format(title=html.escape(title), icons=ICONS, film=film))


PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title>{icons}</head>
<body style="font-family: sans-serif; text-align: center">
<h3>{title}</h3>
{film}
</body>
</html>
"""
ICONS = r"""<style>
  .fa { font-style: normal }
  .fa-minus::before { content: "-" }
  .fa-fast-backward::before { content: "\AB" }
  .fa-step-backward::before { content: "\2039" }
  .fa-play::before { content: "\25BA" }
  .fa-flip-horizontal { display: inline-block; transform: scaleX(-1) }
  .fa-pause::before { content: "||" }
  .fa-step-forward::before { content: "\203A" }
  .fa-fast-forward::before { content: "\BB" }
  .fa-plus::before { content: "+" }
</style>"""


def _read(path):
    """A gray picture (height, width) in [0, 1]."""
    try:
        return imread(path)[..., 0]
    except (OSError, SyntaxError) as error:  # the latter is what Pillow says of some broken files
        raise OSError(f"{path}: cannot read this picture ({error})") from error


def _film(writer, name, frames, labels):
    """The bytes of the file that matplotlib's writer makes of the frames."""
    figure, image, caption = _captioned(frames[0])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)  # the writers tell formats by the name, and write to no open file
        with writer.saving(figure, path, figure.dpi):
            for frame, label in zip(frames, labels, strict=True):
                image.set_data(numpy.round(frame * 31) / 31)  # 32 grays look the same and take half the space
                caption.set_text(label)
                writer.grab_frame()
        return path.read_bytes()


def _captioned(picture):
    """(figure, image, caption): the gray picture (height, width), pixel for pixel, under an empty line of text."""
    height, width = picture.shape
    line, whole, dpi = 28, max(width, 400), 100
    figure = Figure(figsize=(whole / dpi, (height + line) / dpi), dpi=dpi)
    axes = figure.add_axes(((whole - width) // 2 / whole, 0, width / whole, height / (height + line)))
    axes.set_axis_off()
    image = axes.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="none", aspect="auto")
    return figure, image, figure.text(0.5, 1 - line / 2 / (height + line), "", ha="center", va="center")
