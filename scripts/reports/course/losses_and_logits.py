"""A fake that D takes for real, more and more surely: by way of p, float32 first loses the loss, then its derivative"""

import numpy

from minigan import Sigmoid, bce, bce_with_logits
from minigan.plots.style import BLUE, GRAY, ORANGE


def draw(figure):
    losses, slopes = figure.subplots(1, 2)
    a = numpy.linspace(0, 30, 601, dtype="float32")
    by_logit, by_probability = numpy.array([both(one) for one in a[:, None, None]]).transpose(1, 2, 0)
    for axes, k, title in (losses, 0, "the loss -log(1 - D)"), (slopes, 1, "its derivative with respect to a"):
        axes.plot(a, by_logit[k], color=BLUE, linewidth=4, alpha=0.4, label="bce_with_logits(a, t)")
        axes.plot(a, by_probability[k], color=ORANGE, linewidth=1.2, label="Sigmoid, then bce(p, t)")
        axes.axvline(where_one(), color=GRAY, linestyle=":", linewidth=1)
        axes.set(title=title, xlabel="logit a of a fake (target t = 0), float32")
    plateau = by_probability[0, -1]
    losses.annotate(
        f"bce moves p to at most 1 - eps:\nthe loss stays at -log eps = {plateau:.1f}",
        (25, plateau), (12.5, 4), fontsize="small", arrowprops={"arrowstyle": "->", "color": GRAY},
    )  # fmt: skip
    losses.legend(loc="upper left")
    slopes.set_ylim(-0.05, 1.3)
    slopes.text(
        18.1,
        0.4,
        f"from a = {where_one():.2f} on Sigmoid\ngives exactly 1, and its\nslope p (1 - p) is 0",
        fontsize="small",
    )


def where_one():
    """The least float32 logit, to 0.001, of which the layer Sigmoid makes exactly 1."""
    a = numpy.arange(16, 18, 0.001, dtype="float32")[:, None]
    return float(a[Sigmoid().forward(a) == 1][0])


def both(a):
    """((loss, da) from the logit, (loss, da) through p) for a logit a (1, 1) and the target 0."""
    t, layer = numpy.zeros_like(a), Sigmoid()
    loss, da = bce_with_logits(a, t)
    by_p, dp = bce(layer.forward(a), t)
    return (loss, da[0, 0]), (by_p, layer.backward(dp)[0, 0])
