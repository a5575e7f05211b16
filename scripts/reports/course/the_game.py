"""The two steps of a round: what goes forward, how far the derivative goes back, and who moves"""

from course._boxes import BLUE, GRAY, ORANGE, arrow, box, diagram

SIZE = 9.0, 4.7
MOVES, STAYS = "#ffe0c2", "#f1f3f5"


def draw(figure):
    axes = diagram(figure, 9, 4.7)
    axes.text(0.1, 4.65, "discriminator_step", fontsize=12, weight="bold", va="top", family="monospace")
    box(axes, 2.3, 3.0, "G", 1.0, 0.7, STAYS, fontsize=13)
    box(axes, 4.55, 3.4, "real x\n- - - - -\nfake G(z)", 1.15, 1.3, fontsize=10)
    box(axes, 6.4, 3.4, "D", 1.0, 0.9, MOVES, fontsize=13)
    box(axes, 8.3, 3.4, "loss\n$-V$", 0.9, 0.9)
    axes.text(0.35, 3.1, "z", ha="center", va="center", fontsize=12)
    axes.text(0.35, 3.85, "x", ha="center", va="center", fontsize=12)
    arrow(axes, (0.55, 3.1), (1.8, 3.1), BLUE)
    arrow(axes, (0.55, 3.85), (3.97, 3.85), BLUE)
    arrow(axes, (2.8, 3.1), (3.97, 3.1), BLUE, "G(z)")
    arrow(axes, (5.13, 3.6), (5.9, 3.6), BLUE)
    arrow(axes, (6.9, 3.6), (7.85, 3.6), BLUE, "a")
    arrow(axes, (7.85, 3.2), (6.9, 3.2), ORANGE, "da", above=False)
    axes.text(
        6.4, 2.85, 'wrt="params": dtheta of D\nis written; D moves', ha="center", va="top", fontsize=10, color=ORANGE
    )
    axes.text(2.3, 2.6, "no derivative comes here", ha="center", va="top", fontsize=10, color=GRAY)

    axes.plot([0, 9], [2.25, 2.25], color="0.85", linewidth=1)
    axes.text(0.1, 2.1, "generator_step", fontsize=12, weight="bold", va="top", family="monospace")
    box(axes, 2.3, 1.0, "G", 1.0, 0.9, MOVES, fontsize=13)
    box(axes, 6.4, 1.0, "D", 1.0, 0.9, STAYS, fontsize=13)
    box(axes, 8.3, 1.0, "loss\n$-\\log D$", 0.9, 0.9)
    axes.text(0.35, 1.2, "new z", ha="center", va="center", fontsize=12)
    arrow(axes, (0.75, 1.2), (1.8, 1.2), BLUE)
    arrow(axes, (2.8, 1.2), (5.9, 1.2), BLUE, "x = G(z)")
    arrow(axes, (6.9, 1.2), (7.85, 1.2), BLUE, "a")
    arrow(axes, (7.85, 0.8), (6.9, 0.8), ORANGE, "da", above=False)
    arrow(axes, (5.9, 0.8), (2.8, 0.8), ORANGE, "dx: how the loss moves with each fake", above=False)
    axes.text(6.4, 0.45, 'wrt="input": dtheta of D\nstays as it was', ha="center", va="top", fontsize=10, color=GRAY)
    axes.text(
        2.3, 0.45, 'wrt="params": dtheta of G\nis written; G moves', ha="center", va="top", fontsize=10, color=ORANGE
    )
