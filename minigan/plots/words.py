"""V in words, the same on every page, picture and line of text."""

from minigan.objectives import EQUILIBRIUM


def equilibrium(row):
    """The value of the row's game where samples cannot be told from data, or None where it is not known."""
    return row.get("equilibrium", EQUILIBRIUM)


def value_in_words(row):
    """V of a row of the history, and where it would come to rest."""
    rest = equilibrium(row)
    return f"V {row['V']:+.3f}" + ("" if rest is None else f" (equilibrium {rest:+.3f})")
