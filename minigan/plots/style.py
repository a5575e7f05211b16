"""The colors of everything that minigan draws: on pictures, pages and the figures of the documents."""

DATA, SAMPLE = "#14366b", "#d9480f"  # what is real and what G made; the forward pass and the way back
CURVE, BEST = "#2b8a3e", "#a6a6a6"  # D or V, and the best D that there is
INK, FAINT = "#222222", "#d0d0d0"
BELIEF, CRITIC = "RdBu", "PRGn"  # color maps of D; either is bright where D takes x for real as much as for fake
BLUE, ORANGE, GREEN, GRAY = "#1f6fb4", "#d9480f", "#2b8a3e", "0.4"  # of the figures in docs/
PAPER = {  # their style: an opaque light sheet, so that one picture serves a dark page as well as a light one
    "figure.facecolor": "#fdfdfb",
    "axes.facecolor": "#fdfdfb",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.edgecolor": "0.5",
    "grid.color": "0.92",
    "axes.titlesize": "medium",
    "legend.fontsize": "small",
    "legend.framealpha": 0.9,
    "text.color": INK,
}
