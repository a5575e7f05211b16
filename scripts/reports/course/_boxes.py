"""Boxes and arrows for the figures that are diagrams. What goes forward is BLUE, what goes backward ORANGE."""

from matplotlib.patches import FancyBboxPatch

from minigan.plots.style import BLUE, GRAY, GREEN, ORANGE

__all__ = ["BLUE", "GRAY", "GREEN", "ORANGE", "arrow", "box", "diagram"]


def diagram(figure, width, height):
    """Axes without ticks, from (0, 0) to (width, height), one unit as long in x as in y."""
    axes = figure.subplots()
    axes.set(xlim=(0, width), ylim=(0, height), aspect="equal")
    axes.axis("off")
    return axes


def box(axes, x, y, text, width=1.2, height=0.6, face="white", edge="0.35", **options):
    """A box with text in it, centered at (x, y)."""
    corner = x - width / 2, y - height / 2
    style = "round,pad=0,rounding_size=0.08"
    axes.add_patch(FancyBboxPatch(corner, width, height, boxstyle=style, fc=face, ec=edge))
    axes.text(x, y, text, ha="center", va="center", **({"fontsize": 10} | options))


def arrow(axes, start, end, color, label="", above=True, bend=0.0):
    """An arrow between two points, with a label at its middle."""
    arrows = {"arrowstyle": "-|>", "color": color, "lw": 1.6, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", end, start, arrowprops=arrows | {"connectionstyle": f"arc3,rad={bend}"})
    x, y = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
    axes.text(x, y + (0.07 if above else -0.07), label, color=color, ha="center", va="bottom" if above else "top")
