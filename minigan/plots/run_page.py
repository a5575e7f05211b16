"""The page of a run, training.html: the samples epoch by epoch beside the curves, under one slider."""

import base64
import io
import math
from pathlib import Path

import numpy
from matplotlib.image import imread
from PIL import Image

from minigan.backend.checks import kind
from minigan.data.files import as_path
from minigan.plots import page
from minigan.plots.figures import limits
from minigan.plots.words import charts, check_history

FRAMES, PIXELS = 50, 11_000_000  # of a film at most: an HTML file of 5 MB or less
FPS, MINUS = 5, "\u2212"
NUMBERS = {  # what is said of an epoch, where its row has it
    "V": ("V, mean of the epoch", "{:+.3f}"),
    "d_real": ("D(x), real", "{:.3f}"),
    "d_fake": ("D(G(z)), fake", "{:.3f}"),
    "accuracy": ("D judged right", "{:.0%}"),
    "loss_d": ("D's loss", "{:.3f}"),
    "loss_g": ("G's loss", "{:.3f}"),
    "norm_d": ("length of D's gradient", "{:.3g}"),
    "norm_g": ("length of G's gradient", "{:.3g}"),
    "train": ("nats per token, training", "{:.3f}"),
    "test": ("of the test", "{:.3f}"),
    "oracle": ("the oracle's, of samples", "{:.3f}"),
    "diversity": ("distance of samples, data = 1", "{:.2f}"),
    "images_per_second": ("real samples a second", "{:,.0f}"),
}


def write_page(directory, history, live=False):
    """Write training.html into the directory of a run; returns its path, or None where there is no picture yet.

    The page contains at most 50 of the pictures and needs no other file. With live=True it is cheap to write while
    training runs: it refers to the pictures in samples/, and reloads itself every few seconds. Raises OSError as the
    disk does, and for a damaged picture, which is named.
    """
    directory = as_path(directory)
    check_history("training.html", history)
    kind("write_page: live", live, bool)
    found = frames_of(directory / "samples", history, None if live else FRAMES)
    if not found:
        return None
    rows, curves = [history[i] for i, _ in found], charts(history)
    names = [name for name in NUMBERS if all(name in row for row in rows)]
    film = {
        "fps": FPS,
        "live": live,
        "epochs": [row["epoch"] for row in history],
        "charts": [chart(history, *each) for each in curves],
        "shown": [row["epoch"] for row in rows],
        "pictures": [f"samples/{path.name}" if live else embedded(path) for _, path in found],
        "numbers": [[said(name, row) for name in names] for row in rows],
    }
    page.write(
        path := directory / "training.html",
        "training",
        f"{directory.resolve().name}: what G draws from the same noise, epoch by epoch",
        film,
        controls=page.controls(len(found) - 1, start=len(found) - 1),
        charts="\n".join(page.fill("chart.html", title=title, legend=legend(*rest)) for title, *rest in curves),
        value=page.fill("value.html") if "V" in history[-1] else "",
        numbers="\n".join(
            f"<div><dt>{NUMBERS[name][0]}</dt><dd>{text}</dd></div>"
            for name, text in zip(names, film["numbers"][-1], strict=True)
        ),
        pictures="each epoch" if len(found) == len(history) else f"{len(found)} of the {len(history)} epochs",
        live=page.fill("live.html") if live else "",
    )
    return path


def said(name, row):
    """A number of the row, as text."""
    return NUMBERS[name][1].format(row[name]).replace("-", MINUS)


def chart(history, title, lines, bounds, dashed):
    """One of `words.charts` as the page draws it; NaN and infinities are null."""
    drawn = [{"color": color, "values": [_finite(row[name]) for row in history]} for name, (color, _) in lines.items()]
    if bounds is None:
        known = [value for line in drawn for value in line["values"] if value is not None]
        bounds = limits(known or [0], dashed)
    return {"lines": drawn, "dashed": dashed, "low": float(bounds[0]), "high": float(bounds[1])}


def legend(lines, bounds, dashed):
    """The HTML that says what the lines are."""
    words = " &ensp; ".join(f'<i class="line {color}"></i> {name}' for color, name in lines.values())
    return words if dashed is None else f"{words}; dashed: {dashed:.4g}, D cannot tell".replace("-", MINUS)


def _finite(value):
    return float(f"{value:.6g}") if math.isfinite(value) else None


def frames_of(folder, history, most=FRAMES):
    """[(index into the history, path)] of the pictures epoch-0001.png, ... that training wrote into `folder`.

    At most so many, fewer where they are large, evenly chosen; all of them for most=None.
    """
    found = [(i, Path(folder, f"epoch-{row['epoch']:04d}.png")) for i, row in enumerate(history)]
    found = [(i, path) for i, path in found if path.exists()]
    if not found or most is None:
        return found
    most = min(most, PIXELS // read_picture(found[0][1]).size)
    return [found[k] for k in evenly(len(found), most)]


def evenly(n, most):
    """At most `most` of the indices 0 .. n-1, evenly spaced; always the first and the last."""
    return numpy.linspace(0, n - 1, min(n, max(most, 2))).round().astype(int).tolist()


def read_picture(path):
    """A picture in [0, 1], (height, width) or in color (height, width, 3). OSError if damaged.

    It has 32 values in place of 256, which look the same and take half the space.
    """
    try:
        picture = numpy.round(imread(path)[..., :3] * 31) / 31
        return picture if numpy.ptp(picture, axis=2).any() else picture[..., 0]
    except (OSError, SyntaxError) as error:  # the latter is what Pillow says of some broken files
        raise OSError(f"{path}: cannot read this picture ({error})") from error


def embedded(path):
    """The picture as the address of an <img>, which holds it."""
    file = io.BytesIO()
    Image.fromarray(numpy.round(read_picture(path) * 255).astype("uint8")).save(file, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
