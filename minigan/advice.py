"""A reading aid: what the history of a GAN says, in words.

None of these sentences is a verdict on the pictures; each names the figures that it rests on.
"""

import itertools
import math

LOG4 = math.log(4)
EPOCHS = 5  # what has lasted so long is not chance
WARNINGS = "d wins", "collapse", "unstable"


def read_history(history):
    """{kind: sentence} for what the last epochs show; some kinds are WARNINGS.

    Rows as `Training.history` has them. `diversity` is the mean distance between samples over that between images.
    """
    last = history[-EPOCHS:]
    now, said = last[-1], {}
    if len(last) == EPOCHS and min(row["accuracy"] for row in last) > 0.98:
        largest = max(row["norm_g"] for row in history)
        fell = now["norm_g"] < largest / 10
        said["d wins"] = (
            f"D wins: it has judged more than 98 % of the images right for {EPOCHS} epochs"
            + (f", and G's gradient norm fell from {largest:.2g} to {now['norm_g']:.2g}" if fell else "")
            + ". So sure a judge teaches little: give D a lower learning rate or fewer units, and G the "
            "non-saturating objective where it does not have it."
        )
    if now["diversity"] < 0.5:
        said["collapse"] = (
            f"The samples have become alike: their mean distance is {now['diversity']:.0%} of that between images of "
            "the data. G has found a few images that D believes: lower the learning rate, keep Adam's beta1 at 0.5, or "
            "start again with another seed."
        )
    if len(last) == EPOCHS:
        jump = min(abs(b["V"] - a["V"]) for a, b in itertools.pairwise(last))
        if jump > 0.15:
            said["unstable"] = (
                f"The game does not settle: V moved by {jump:.2f} or more in each of the last {EPOCHS - 1} epochs. "
                "Lower the learning rate of both players, and keep Adam's beta1 at 0.5."
            )
    if not said and len(last) == EPOCHS and max(abs(row["V"] + LOG4) for row in last) < 0.05:
        said["equilibrium"] = (
            f"V sits at {now['V']:.2f}, within 0.05 of -log 4 = {-LOG4:.2f}, the value at equilibrium: D cannot tell "
            "samples from data. If the pictures are good, the game is over; if not, D is too weak or too slow."
        )
    if not said:
        said["normal"] = (
            f"Both play: V is {now['V']:.2f} (equilibrium {-LOG4:.2f}), D judges {now['accuracy']:.0%} right, and the "
            f"samples are {now['diversity']:.0%} as far apart as the data. More epochs may still improve the pictures."
        )
    return said
