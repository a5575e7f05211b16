"""A fake that D takes for real with more and more certainty: by way of p, float32 loses the loss and then its slope"""

import numpy

from minigan import Sigmoid, bce, bce_with_logits
from minigan.plots.style import BLUE, GRAY, ORANGE


def draw(figure):
    losses, slopes = figure.subplots(1, 2)
    a = numpy.linspace(0, 30, 601, dtype="float32")
    by_logit, by_probability = numpy.array([both(one) for one in a[:, None, None]]).transpose(1, 2, 0)
    for axes, k, title in (losses, 0, "the loss -log(1 - D)"), (slopes, 1, "its slope by the logit a"):
        axes.plot(a, by_logit[k], color=BLUE, linewidth=4, alpha=0.4, label="bce_with_logits(a, t)")
        axes.plot(a, by_probability[k], color=ORANGE, linewidth=1.2, label="Sigmoid, then bce(p, t)")
        axes.axvline(17.4, color=GRAY, linestyle=":", linewidth=1)
        axes.set(title=title, xlabel="logit a of a fake (target t = 0), float32")
    losses.legend(fontsize="small", loc="upper left")
    slopes.set_ylim(-0.05, 1.15)
    slopes.text(18.1, 0.45, "from here on p is\nexactly 1, and its\nslope p (1 - p) is 0", fontsize="small")


def both(a):
    """((loss, da) from the logit, (loss, da) through p) for a logit a (1, 1) and the target 0."""
    t, layer = numpy.zeros_like(a), Sigmoid()
    loss, da = bce_with_logits(a, t)
    by_p, dp = bce(layer.forward(a), t)
    return (loss, da[0, 0]), (by_p, layer.backward(dp)[0, 0])
