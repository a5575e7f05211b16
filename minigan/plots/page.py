"""Pages for the browser: the HTML, CSS and JavaScript of page/ as one file, which needs no network and no other file.

A page shows a film scene by scene: `film` is what its script draws, under one slider, which page/player.js moves.
"""

import html
import json
from importlib.resources import files
from string import Template

from minigan.data.files import replacing
from minigan.plots import style

COLORS = {"data": style.DATA, "sample": style.SAMPLE, "curve": style.CURVE, "best": style.BEST, "ink": style.INK,
          "faint": style.FAINT}  # fmt: skip


def read(name):
    """The text of a file of page/."""
    return files("minigan.plots").joinpath("page", name).read_text(encoding="utf-8")


def fill(name, /, **parts):
    """The HTML of a file of page/ with the parts in the places of their $names."""
    return Template(read(name)).substitute(parts).rstrip("\n")


def controls(last, start=0):
    """The HTML of the slider over the scenes 0 to `last`, with the one that is shown first."""
    return fill("controls.html", last=last, start=start)


def write(path, name, title, film, /, **parts):
    """Write the page `name`, of page/name.html, .css and .js: its HTML with the `parts`, and the film as JSON."""
    colors = "; ".join(f"--{key}: {color}" for key, color in COLORS.items())
    text = fill(
        "page.html",
        title=html.escape(title),
        style=f":root {{ {colors} }}\n{read('page.css')}{read(f'{name}.css')}",
        body=fill(f"{name}.html", **parts),
        film=json.dumps(film, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c"),
        script="\n".join(read(file) for file in ("canvas.js", f"{name}.js", "player.js")),
    )
    with replacing(path, "w", encoding="utf-8") as file:
        file.write(text + "\n")
