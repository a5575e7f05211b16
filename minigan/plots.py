"""Pictures, drawn by matplotlib without a display."""

import math

import numpy
from matplotlib.figure import Figure
from matplotlib.image import imsave

from minigan.files import replacing

LOG4 = math.log(4)


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
    value.axhline(-LOG4, color="gray", linestyle="--", label="$-\\log 4$, equilibrium")
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
