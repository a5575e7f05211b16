"""Draw the figures of the course, all of them or those named: docs/course/dense.png belongs to docs/course/02-dense.md.

    .venv/bin/python scripts/reports/draw_course.py                 every figure
    .venv/bin/python scripts/reports/draw_course.py dense losses-and-logits

Each figure is a module of scripts/reports/course/, with underscores in its name. The first line of its docstring is the
picture's caption, `draw(figure)` fills a matplotlib Figure, and SIZE, where it is given, is the width and height in
inches, at 100 dots each.
"""

import importlib
import sys
from pathlib import Path

import matplotlib.style
from matplotlib.figure import Figure

from minigan.app.cli import Parser
from minigan.data.files import replacing
from minigan.plots.style import PAPER

ROOT = Path(__file__).resolve().parents[2]
FIGURES = sorted(path.stem.replace("_", "-") for path in (Path(__file__).parent / "course").glob("[a-z]*.py"))
SIZE = 9.0, 3.6


def main(argv=None):
    parser = Parser(__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="which figures (default: all)")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "course", help="(default: docs/course)")
    args = parser.parse_args(argv)
    with parser.mistakes():
        if not args.out.is_dir():
            raise ValueError(f"--out {args.out}: there is no such folder: make it first")
        modules = {name: load(name) for name in args.names or FIGURES}
        for name, module in modules.items():
            print(save(module, args.out / f"{name}.png"))
    return 0


def load(name):
    """The module that draws this figure; ValueError where there is none."""
    if name not in FIGURES:
        raise ValueError(f"there is no figure {name!r}: expected {', '.join(FIGURES)}")
    return importlib.import_module(f"course.{name.replace('-', '_')}")


def save(module, path):
    """Draw the module's figure into the PNG at `path`, the same bytes each time; returns `path`."""
    with matplotlib.style.context(["default", PAPER]):  # not the reader's own
        figure = Figure(figsize=getattr(module, "SIZE", SIZE), layout="constrained")
        module.draw(figure)
        with replacing(path) as file:
            figure.savefig(file, format="png", dpi=100, metadata={"Software": None})
    return path


if __name__ == "__main__":
    sys.exit(main())
