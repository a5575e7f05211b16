"""The colors of everything that minigan draws: on pictures, pages and the figures of the documents."""

DATA, SAMPLE = "#14366b", "#d9480f"  # what is real and what G made; the forward pass and the way back
CURVE, BEST = "#2b8a3e", "#a6a6a6"  # D or V, and the best D that there is
INK, FAINT = "#222222", "#d0d0d0"
BELIEF, CRITIC = "RdBu", "PRGn"  # color maps of D; either is bright where D takes x for real as much as for fake
BLUE, ORANGE, GREEN, GRAY = "tab:blue", "tab:orange", "tab:green", "0.45"  # of the figures in docs/
