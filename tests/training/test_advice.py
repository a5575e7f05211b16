"""advice: each sentence appears for the history that deserves it, and only then."""

import math

import pytest

from minigan.training.advice import EPOCHS, WARNINGS, read_history

ROW = {"V": -1.2, "accuracy": 0.66, "norm_g": 1.0, "diversity": 0.9, "d_fake": 0.4}


def history(n=EPOCHS, **columns):
    """n rows like ROW, with these columns: a value for all rows, or a list of n."""
    return [ROW | {k: v[i] if isinstance(v, list) else v for k, v in columns.items()} for i in range(n)]


@pytest.mark.parametrize(
    ("rows", "kind", "words"),
    [
        (history(), "normal", "Both play: V is -1.20 (equilibrium -1.39), D judges 66% right"),
        (history(1), "early", "It is too early to say how the game goes"),
        (history(1, V=-5e6), "wrecked", "V is -5e+06, far below -1.39, its value at equilibrium: D is certain"),
        (history(V=float("nan")), "wrecked", "V is nan"),
        (
            history(accuracy=0.99, norm_g=[1.0, 0.5, 0.2, 0.1, 0.01]),
            "d wins",
            "and G's gradient norm fell from 1 to 0.01. Give D",
        ),
        (history(accuracy=0.99, norm_g=[1.0, 0.5, 0.2, 0.1, 0.2]), "d wins", "right for 5 epochs. Give D"),
        (history(accuracy=[0.99, 0.99, 0.97, 0.99, 0.99]), "normal", "Both play"),
        (history(4, accuracy=0.99), "early", "too early"),
        (history(diversity=[0.9, 0.9, 0.9, 0.9, 0.05]), "collapse", "their mean distance is 5% of that between images"),
        (history(diversity=0.05), "collapse", "of the data. G has found a few images that D believes: start again"),
        (history(diversity=0.05, d_fake=0.01), "collapse", "of the data, and D rejects them all: start again"),
        (history(diversity=math.nan), "normal", "D judges 66% right. More epochs may still improve the pictures."),
        (history(equilibrium=0.0), "normal", "V -1.200 (equilibrium +0.000), and the samples are 90% as far apart as"),
        (history(equilibrium=None, diversity=math.nan), "normal", "V -1.200: look at the pictures."),
        (history(equilibrium=0.0, diversity=0.05), "collapse", "their mean distance is 5% of that between images"),
        (history(10, V=[-1.0, -1.5] * 5), "unstable", "V moves by 0.50 (the median over the last 10 epochs)"),
        (history(10, V=[-1.0, -1.5, -0.9, -1.4, -1.3, -1.2, -1.2, -1.3, -1.2, -1.2]), "normal", "Both play"),
        (history(V=[-1.0, -1.5, -0.9, -1.4, -0.8]), "normal", "Both play"),
        (history(V=-1.40), "equilibrium", "V sits at -1.40, within 0.05 of -1.39, the value at equilibrium"),
        (history(V=-1.44, equilibrium=-1.396), "equilibrium", "V sits at -1.44, within 0.05 of -1.40, the value at"),
        (history(equilibrium=-1.396), "normal", "Both play: V is -1.20 (equilibrium -1.40), D judges 66% right"),
        (history(V=-5.0, equilibrium=-1.396), "wrecked", "V is -5, far below -1.40, its value at equilibrium: D is"),
        (history(accuracy=0.99, equilibrium=-2.0), "normal", "V -1.200 (equilibrium -2.000), and the samples are"),
        (history(V=[-1.40, -1.40, -1.40, -1.40, -1.44]), "normal", "Both play"),
    ],
)
def test_the_sentence_fits_the_history(rows, kind, words):
    said = read_history(rows)
    assert list(said) == [kind]
    assert words in said[kind]
    assert (kind in WARNINGS) == (kind in ("wrecked", "d wins", "collapse", "unstable"))
