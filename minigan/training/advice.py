"""A reading aid: what the history of a GAN says, in words.

None of these sentences is a verdict on the pictures; each names the figures that it rests on.
"""

import itertools
import math
import statistics

from minigan.objectives import EQUILIBRIUM, Minimax
from minigan.plots.words import check_history, equilibrium, value_in_words

EPOCHS = 5  # what has lasted so long is not chance
WRECKED = -3.0  # V of a D that is not merely unsure but certain and wrong
NEEDED = "V", "d_fake", "accuracy", "norm_g", "diversity"
SMOOTHED = Minimax(real=0.5).equilibrium  # a game that rests lower has another value than that of 2014
WARNINGS = "wrecked", "d wins", "collapse", "unstable"


def read_history(history):
    """{kind: sentence} for what the last epochs show; some kinds are WARNINGS.

    Rows as `Training.history` has them. `diversity` is the mean distance between samples over that between images, NaN
    for images that are all alike. Of games with another value than that of 2014, smoothed or not, only the diversity is
    judged.
    """
    check_history("read_history", history, NEEDED)
    last, said = history[-EPOCHS:], {}
    now, enough = last[-1], len(last) == EPOCHS
    rest = equilibrium(now)
    alike = math.isnan(now["diversity"])
    apart = "" if alike else f", and the samples are {now['diversity']:.0%} as far apart as the data"
    if rest is None or not SMOOTHED <= rest <= EQUILIBRIUM:
        return _collapse(now) or {"normal": f"{value_in_words(now)}{apart}: look at the pictures."}
    if not now["V"] > WRECKED:
        said["wrecked"] = (
            f"V is {now['V']:.3g}, far below {rest:.2f}, its value at equilibrium: D is certain, and wrong. The steps "
            "are too large: go back to an earlier checkpoint, or start again, with a lower learning rate."
        )
    if enough and min(row["accuracy"] for row in last) > 0.98:
        largest = max(row["norm_g"] for row in history)
        fell = now["norm_g"] < largest / 10
        said["d wins"] = (
            f"D wins: it has judged more than 98 % of the images right for {EPOCHS} epochs"
            + (f", and G's gradient norm fell from {largest:.2g} to {now['norm_g']:.2g}" if fell else "")
            + ". Give D a lower learning rate or fewer units. Where G plays minimax, its loss is flat for so sure a D: "
            "give it the non-saturating objective."
        )
    said |= _collapse(now)
    if len(history) >= 2 * EPOCHS and not said:  # the first epochs of a good game jump as well
        jump = statistics.median(abs(b["V"] - a["V"]) for a, b in itertools.pairwise(history[-2 * EPOCHS :]))
        if jump > 0.15:
            said["unstable"] = (
                f"The game does not settle: from epoch to epoch V moves by {jump:.2f} (the median over the last "
                f"{2 * EPOCHS} epochs). Lower the learning rate of both players, and keep Adam's beta1 at 0.5."
            )
    if enough and not said and max(abs(row["V"] - rest) for row in last) < 0.05:
        said["equilibrium"] = (
            f"V sits at {now['V']:.2f}, within 0.05 of {rest:.2f}, the value at equilibrium: D cannot tell samples "
            "from data. If the pictures are good, the game is over; if not, D is too weak or too slow."
        )
    if not said and not enough:
        said["early"] = (
            f"It is too early to say how the game goes: after {EPOCHS} epochs there will be a sentence here."
        )
    if not said:
        said["normal"] = (
            f"Both play: V is {now['V']:.2f} (equilibrium {rest:.2f}), D judges {now['accuracy']:.0%} right"
            f"{apart}. More epochs may still improve the pictures."
        )
    return said


def _collapse(now):
    if not now["diversity"] < 0.5:
        return {}
    believed = now["d_fake"] > 0.1
    return {
        "collapse": (
            f"The samples have become alike: their mean distance is {now['diversity']:.0%} of that between images of "
            + ("the data. G has found a few images that D believes" if believed else "the data, and D rejects them all")
            + ": start again with a lower learning rate or another seed, and keep Adam's beta1 at 0.5."
        )
    }
