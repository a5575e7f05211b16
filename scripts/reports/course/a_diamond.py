"""A diamond: x feeds two nodes; values go forward in blue, the derivatives of L come back in orange"""

from course._boxes import BLUE, GRAY, ORANGE, diagram
from matplotlib.patches import Circle

SIZE = 9.0, 3.5
NODES = {"x": (1.2, 1.65), "u": (4.0, 2.6), "v": (4.0, 0.7), "L": (6.8, 1.65)}
EDGES = (("x", "u", "2"), ("x", "v", "1"), ("u", "L", "v = 4"), ("v", "L", "u = 6"))


def draw(figure):
    axes = diagram(figure, 9, 3.5)
    values, slopes = run(3.0)
    for start, end, local in EDGES:
        (x0, y0), (x1, y1) = NODES[start], NODES[end]
        bend = 0.42 / ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
        near, far = (x0 + bend * (x1 - x0), y0 + bend * (y1 - y0)), (x1 - bend * (x1 - x0), y1 - bend * (y1 - y0))
        axes.annotate("", far, near, arrowprops={"arrowstyle": "-|>", "color": BLUE, "lw": 1.6})
        up = 0.16 if y1 + y0 > 3.3 else -0.16
        axes.text((x0 + x1) / 2, (y0 + y1) / 2 + up * 2.1, f"back: times {local}", color=GRAY, ha="center", va="center")
    for name, (x, y) in NODES.items():
        axes.add_patch(Circle((x, y), 0.36, fc="white", ec="0.35"))
        axes.text(x, y, name, ha="center", va="center", fontsize=13, style="italic")
        beside = {"ha": "center", "va": "bottom" if y > 1 else "top"}
        shift = 0.44 if y > 1 else -0.44
        axes.text(x, y + shift + (0.22 if y > 1 else 0), f"{values[name]:g}", color=BLUE, **beside)
        axes.text(x, y + shift - (0 if y > 1 else 0.22), f"d{name} = {slopes[name]:g}", color=ORANGE, **beside)
    rules = "u = 2x, v = x + 1: x acts in two ways,\nand what comes back adds up:\ndx = 2 · 4 + 1 · 6 = 14"
    axes.text(0.2, 0.75, rules, va="top", fontsize=9)
    axes.text(7.3, 1.65, "L = u · v: a product\nexchanges, du = v · dL\nand dv = u · dL", va="center", fontsize=9)


def run(x):
    """The values of u = 2 x, v = x + 1, L = u v and the derivatives of L with respect to them."""
    u, v = 2 * x, x + 1
    du, dv = v, u
    return {"x": x, "u": u, "v": v, "L": u * v}, {"x": 2 * du + dv, "u": du, "v": dv, "L": 1.0}
