"""Forward and the three derivatives of a Dense layer: one entry of each result, and what it is a sum over"""

from matplotlib.patches import Rectangle

from minigan.plots.style import BLUE, GRAY, ORANGE

SIZE = 9.0, 6.4
SIZES = {"N": 4, "I": 3, "O": 2, "1": 1}
CELL = 0.34


def draw(figure):
    axes = figure.subplots()
    axes.set(xlim=(0, 9), ylim=(-1.95, 4.4), aspect="equal")
    axes.axis("off")
    # each part: the sign before it, its name, its shape, and the row and the column that are filled
    forward = ("", "x", "NI", 1, None), ("@", "W", "IO", None, 1), ("+", "b", "1O", None, 1), ("=", "y", "NO", 1, 1)
    by_W = ("", "x.T", "IN", 2, None), ("@", "dy", "NO", None, 1), ("=", "dW", "IO", 2, 1)
    by_x = ("", "dy", "NO", 1, None), ("@", "W.T", "OI", None, 2), ("=", "dx", "NI", 1, 2)
    by_b = ("", "ones", "1N", None, None), ("@", "dy", "NO", None, 1), ("=", "db", "1O", None, 1)
    product(axes, 2.0, 3.3, BLUE, forward, "forward: $y_{no} = \\sum_i x_{ni} W_{io} + b_o$, over the inputs i")
    product(axes, 0.2, 1.1, ORANGE, by_W, "backward: $dW_{io} = \\sum_n x_{ni}\\, dy_{no}$, over the samples n")
    product(axes, 4.9, 1.1, ORANGE, by_x, "backward: $dx_{ni} = \\sum_o dy_{no} W_{io}$, over the outputs o")
    product(
        axes, 2.3, -0.85, ORANGE, by_b, "backward: $db_o = \\sum_n dy_{no}$, over the samples n: a row of ones times dy"
    )


def product(axes, x, y, color, parts, sentence):
    """The parts of an equation side by side, about the height y and from x on."""
    axes.text(x, y - 0.93, sentence, va="top", fontsize=10)
    for sign, name, shape, row, column in parts:
        rows, columns = (SIZES[letter] for letter in shape)
        if sign:
            axes.text(x + 0.27, y, sign, ha="center", va="center", fontsize=13)
            x += 0.54
        for r in range(rows):
            for c in range(columns):
                on = row in (None, r) and column in (None, c)
                corner = x + c * CELL, y + (rows / 2 - r - 1) * CELL
                axes.add_patch(Rectangle(corner, CELL, CELL, fc=color if on else "white", ec=GRAY, alpha=0.7))
        middle, half = x + columns * CELL / 2, rows * CELL / 2
        axes.text(middle, y + half + 0.05, name, ha="center", va="bottom", fontsize=11, family="monospace")
        letters = f"({', '.join(shape.removeprefix('1'))}{',' if shape[0] == '1' else ''})"
        axes.text(middle, y - half - 0.05, letters, ha="center", va="top", fontsize=9, color=GRAY)
        x += columns * CELL
