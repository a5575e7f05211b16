"""A tape of seven entries: forward writes it from the top, backward reads it from the bottom"""

import numpy
from course._boxes import BLUE, GRAY, ORANGE, arrow, diagram

SIZE = 9.0, 4.4


def draw(figure):
    axes = diagram(figure, 9, 4.4)
    for x, words, color in (
        (0.75, "entry", GRAY), (2.5, "what was computed", BLUE), (5.0, "its value", BLUE),
        (6.1, "its derivative", ORANGE), (7.0, "what it adds to its inputs", ORANGE),
    ):  # fmt: skip
        axes.text(x, 4.2, words, color=color, fontsize=10, ha="left" if x in (2.5, 7.0) else "center", va="center")
    for i, (name, formula, value, gradient, handed) in enumerate(entries()):
        y = 3.75 - 0.53 * i
        axes.plot([0.45, 8.95], [y + 0.26, y + 0.26], color="0.88", linewidth=1)
        axes.text(0.75, y, str(i + 1), color=GRAY, ha="center", va="center")
        axes.text(1.4, y, name, ha="left", va="center", fontsize=11)
        axes.text(2.5, y, formula, ha="left", va="center", fontsize=11)
        axes.text(5.0, y, f"{value:.3f}", color=BLUE, ha="center", va="center")
        axes.text(6.1, y, f"{gradient:.3f}", color=ORANGE, ha="center", va="center")
        axes.text(7.0, y, handed, color=ORANGE, ha="left", va="center", fontsize=9)
    arrow(axes, (0.2, 4.0), (0.2, 0.35), BLUE)
    arrow(axes, (8.95, 0.35), (8.95, 4.0), ORANGE)


def entries():
    """(name, formula, value, dL/d(value), what is handed on) of one unit of G and one of D, and the loss for t = 1."""
    z, w, v, t = 0.5, 1.2, 0.8, 1.0
    u = w * z
    x = numpy.tanh(u)
    a = v * x
    s, p = numpy.log1p(numpy.exp(a)), 1 / (1 + numpy.exp(-a))
    da = p - t
    du = da * v * (1 - x * x)
    yield "$u$", f"$w z$,  w = {w}, z = {z}", u, du, f"w: {du * z:.3f}   z: {du * w:.3f}"
    yield "$x$", "$\\tanh u$", x, da * v, f"u: {du:.3f}"
    yield "$a$", f"$v x$,  v = {v}", a, da, f"v: {da * x:.3f}   x: {da * v:.3f}"
    yield "$s$", "softplus$(a)$", s, 1.0, f"a: {p:.3f}   (this is p)"
    yield "$r$", f"$t a$,  t = {t:g}", t * a, -1.0, f"a: {-t:.3f}   (this is -t)"
    yield "$d$", "$s - r$", s - t * a, 1.0, "s: 1   r: -1"
    yield "$L$", "mean$(d)$, of one sample", s - t * a, 1.0, "d: 1"
