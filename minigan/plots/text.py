"""Text in a picture: how training went, and both likelihoods beside the curve of the temperatures."""

from matplotlib.figure import Figure

from minigan.plots.figures import save_figure
from minigan.plots.style import CURVE, DATA, INK, SAMPLE

SIZE, DPI = (9.6, 5.0), 90


def save_text(path, history, curve, began, said=()):
    """Write a PNG. Left, the negative log-likelihood of a token: in training, and of the test sequences.

    Right, where there is an oracle: the `curve` of `minigan.evaluation.text.curve`, of G as maximum likelihood left it
    after epoch `began`, and both figures of each later row of the `history`. Below and left of the curve is better.
    Below all, a few texts that G `said`.
    """
    figure = Figure(figsize=SIZE, dpi=DPI, layout="constrained")
    oracle = bool(curve) and curve[0][1] is not None
    left, *right = figure.subplots(1, 1 + oracle, squeeze=False)[0]
    epochs = [row["epoch"] for row in history]
    for name, color in ("train", DATA), ("test", CURVE):
        left.plot(epochs, [row[name] for row in history], color=color, label=name)
    played = [row for row in history if row["epoch"] > began]
    if played:
        left.axvline(began, color=INK, linewidth=1, linestyle="--", label="the game begins")
    left.set(xlabel="epoch", ylabel="nats per token", title="negative log-likelihood")
    left.legend()
    for axes in right:
        temperatures, oracles, tests = zip(*curve, strict=True)
        axes.plot(tests, oracles, color=CURVE, marker="o", markersize=3, label="maximum likelihood, cooled")
        for t, o, x in zip(temperatures, oracles, tests, strict=True):
            axes.annotate(f"{t:g}", (x, o), (3, 3), textcoords="offset points", fontsize="x-small")
        axes.plot(
            [r["test"] for r in played], [r["oracle"] for r in played], color=SAMPLE, marker=".", label="the game"
        )
        axes.set(
            xlabel="test: G's own, of the oracle's", ylabel="oracle: the oracle's, of G's", title="both, per token"
        )
        axes.legend()
    figure.supxlabel("\n".join(map(ascii, said)), x=0.02, ha="left", family="monospace", size=8, parse_math=False)
    save_figure(path, figure, DPI)
