"""One row by hand: forward copies patches and multiplies; backward multiplies and adds the patches up again"""

from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle

from minigan.plots.style import BLUE, GRAY, GREEN, ORANGE

SIZE = 9.0, 6.0
X, W, DY = (1, 2, 0, 3, 1), (2, 1, -1), (1, 2, 3)
STRIDE, PADDING = 2, 1
PLACES = BLUE, ORANGE, GREEN
CELL, SMALL, LEFT = 0.42, 0.36, 0.3


def draw(figure):
    axes = figure.subplots()
    axes.set(xlim=(0, 9), ylim=(0, 6.0), aspect="equal")
    axes.axis("off")
    border = (0,) * PADDING
    x = *border, *X, *border
    patches = [x[STRIDE * a :][: len(W)] for a in range(len(DY))]
    y = [sum(map(int.__mul__, patch, W)) for patch in patches]
    columns = [[w * d for w in W] for d in DY]
    dx = [0] * len(x)
    for a, column in enumerate(columns):
        for i, number in enumerate(column):
            dx[STRIDE * a + i] += number

    say(axes, 5.75, "forward: y = im2col(x) M", "each patch of x, copied as a row, times the kernel")
    row(axes, 4.7, x, "x, with a border of padding")
    arrow(axes, 4.7, 3.55, 4.2, "im2col")
    product(axes, 4.7, ("", "im2col(x)", patches), ("@", "M", [[w] for w in W]), ("=", "y", [[n] for n in y]))

    say(axes, 3.55, "backward: dx = col2im(dy M.T)", "each patch added back to where it came from")
    row(axes, 2.5, dx, "dx: a sum, where patches overlap")
    arrow(axes, 2.5, 4.2, 3.55, "col2im")
    product(axes, 2.5, ("", "dy M.T", columns), ("=", "dy", [[d] for d in DY]), ("@", "M.T", [list(W)]))

    say(axes, 1.35, "checkerboards", "how many patches lie on each number of a larger image, stride 2")
    for left, kernel in (0.3, 3), (4.78, 4):
        counts = [sum(0 <= i - 2 * a < kernel for a in range(4)) for i in range(2 * 3 + kernel)]
        for i, n in enumerate(counts):
            cell(axes, left + i * SMALL, 0.55, n, BLUE, 0.2 * n, SMALL)
        axes.text(left, 0.48, f"kernel {kernel}", va="top", fontsize=10)


def say(axes, y, formula, words):
    axes.text(LEFT, y, formula, fontsize=12, weight="bold", va="center")
    axes.text(3.75, y, words, fontsize=10.5, va="center")


def arrow(axes, y, start, end, name):
    axes.annotate("", (end, y), (start, y), arrowprops={"arrowstyle": "-|>", "color": "0.3", "lw": 1.6})
    axes.text((start + end) / 2, y + 0.1, name, ha="center", va="bottom", fontsize=9.5, family="monospace")


def row(axes, y, numbers, name):
    """A row of an image, and below it what the kernel covers at each of its places."""
    for i, number in enumerate(numbers):
        inside = PADDING <= i < len(numbers) - PADDING
        cell(
            axes,
            LEFT + i * CELL,
            y - CELL / 2,
            number,
            edge="0.3" if inside else "0.75",
            ink="0.1" if inside else "0.6",
        )
    axes.text(LEFT + len(numbers) * CELL / 2, y + CELL / 2 + 0.08, name, ha="center", va="bottom", fontsize=10)
    for a, color in enumerate(PLACES):
        start, bar = LEFT + STRIDE * a * CELL, y - CELL / 2 - 0.14 - 0.13 * (a % 2)
        axes.plot([start + 0.04, start + len(W) * CELL - 0.04], [bar, bar], color=color, lw=4, solid_capstyle="butt")


def product(axes, y, *parts):
    """Matrices side by side; one that has a row for each place has their colors."""
    left = 4.4
    for sign, name, rows in parts:
        if sign:
            axes.text(left + 0.22, y, sign, ha="center", va="center", fontsize=13)
            left += 0.44
        for r, numbers in enumerate(rows):
            for c, number in enumerate(numbers):
                face = "white" if name in ("M", "M.T") else PLACES[r]
                cell(axes, left + c * CELL, y + (len(rows) / 2 - r - 1) * CELL, number, face)
        middle, top = left + len(rows[0]) * CELL / 2, y + len(rows) * CELL / 2
        axes.text(middle, top + 0.06, name, ha="center", va="bottom", family="monospace", fontsize=10)
        left += len(rows[0]) * CELL


def cell(axes, x, y, number, face="white", alpha=0.45, size=CELL, edge=GRAY, ink="0.1"):
    axes.add_patch(Rectangle((x, y), size, size, fc=to_rgba(face, alpha), ec=edge))
    axes.text(x + size / 2, y + size / 2, str(number), ha="center", va="center", fontsize=11, color=ink)
