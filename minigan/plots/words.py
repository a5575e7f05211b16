"""V in words, the same on every page, picture and line of text."""

from numbers import Real

from minigan.objectives import EQUILIBRIUM

COURSE = "epoch", "V", "loss_d", "loss_g", "d_real", "d_fake"


def check_history(what, history, names=COURSE, least=1):
    """Raises ValueError unless these are the rows of a history, a dict for each epoch with a number for each name."""
    rows = history if isinstance(history, list | tuple) else [history]
    for row in rows:
        wrong = [name for name in names if not isinstance(row, dict) or not isinstance(row.get(name), Real)]
        if wrong:
            raise ValueError(f"{what}: {row!r:.60} is no row of Training.history: it lacks {', '.join(wrong)}")
    if len(rows) < least:
        raise ValueError(f"{what}: no epoch is finished, there is nothing to say yet")


def equilibrium(row):
    """The value of the row's game where samples cannot be told from data, or None where it is not known."""
    return row.get("equilibrium", EQUILIBRIUM)


def value_in_words(row):
    """V of a row of the history, and its equilibrium."""
    rest = equilibrium(row)
    return f"V {row['V']:+.3f}" + ("" if rest is None else f" (equilibrium {rest:+.3f})")
