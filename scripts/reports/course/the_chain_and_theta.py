"""A network of three layers: values go forward, derivatives come back, and every parameter lies in one vector"""

from course._boxes import BLUE, GRAY, GREEN, ORANGE, arrow, box, diagram
from matplotlib.patches import Polygon, Rectangle

from minigan import Dense, Network, Tanh

SIZE = 9.0, 4.2
COLORS = {"0.W": BLUE, "0.b": "tab:cyan", "2.W": GREEN, "2.b": "tab:olive"}


def draw(figure):
    axes = diagram(figure, 9, 4.2)
    network = Network(Dense(2, 4), Tanh(), Dense(4, 1))
    centers = dict(zip((0, 1, 2), (2.0, 4.2, 6.4), strict=True))
    for i, layer in enumerate(network.layers):
        box(axes, centers[i], 3.2, repr(layer), 1.3, 0.9)
        axes.text(centers[i], 3.72, f"layer {i}", ha="center", va="bottom", fontsize=9, color=GRAY)
    box(axes, 8.4, 3.2, "loss", 0.8, 0.9)
    edges = [0.3, 1.35, 2.65, 3.55, 4.85, 5.75, 7.05, 8.0]
    for k, (value, slope) in enumerate((("x", "dx"), ("u", "du"), ("v", "dv"), ("a", "da"))):
        arrow(axes, (edges[2 * k], 3.4), (edges[2 * k + 1], 3.4), BLUE, value)
        arrow(axes, (edges[2 * k + 1], 3.0), (edges[2 * k], 3.0), ORANGE, slope, above=False)
    strips(axes, network, centers)


def strips(axes, network, centers):
    """theta and dtheta as rows of cells, colored by parameter, each linked with its layer."""
    cell = 7.6 / network.theta.size
    x = 1.05
    for name, a, _ in network.parameters():
        end = x + a.size * cell
        for y, vector in (1.25, "theta"), (0.55, "dtheta"):
            for k in range(a.size):
                axes.add_patch(Rectangle((x + k * cell, y), cell, 0.4, fc=COLORS[name], ec="white", alpha=0.6))
            label = f"{'d' * (vector == 'dtheta')}{name.partition('.')[2]}"
            axes.text((x + end) / 2, y + 0.2, label, ha="center", va="center", fontsize=10)
        middle = centers[int(name[0])] + (-0.2 if name.endswith("W") else 0.3)
        corners = (x, 1.65), (end, 1.65), (middle + 0.15, 2.74), (middle - 0.15, 2.74)
        axes.add_patch(Polygon(corners, fc=COLORS[name], alpha=0.18, ec="none"))
        x = end
    for y, vector in (1.45, "theta"), (0.75, "dtheta"):
        axes.text(0.95, y, vector, ha="right", va="center", family="monospace", fontsize=11)
    axes.text(4.85, 0.4, "one flat array each; the W and b, dW and db of the layers are views into them",
              ha="center", va="top", fontsize=10)  # fmt: skip
