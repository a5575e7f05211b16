"""What a history holds, the same on every page, picture and line of text: its curves, and V in words."""

import math
from numbers import Real

from minigan.objectives import EQUILIBRIUM

CHARTS = (  # title, {name in a row: (its color on a page, its words)}, the ends of the axis where they are fixed
    ("value of the game", {"V": ("curve", "V(D, G)")}, None),
    ("what D believes, on average", {"d_real": ("data", "D(x), real"), "d_fake": ("sample", "D(G(z)), fake")}, (0, 1)),
    ("what each player minimizes", {"loss_d": ("data", "D's loss"), "loss_g": ("sample", "G's loss")}, None),
    ("nats per token", {"train": ("data", "training"), "test": ("curve", "test"),
                        "oracle": ("sample", "the oracle's, of samples")}, None),
)  # fmt: skip
SAID = {
    "V": "", "d_real": "D(x) {:.2f}", "d_fake": "D(G(z)) {:.2f}", "accuracy": "D right {:.0%}",
    "train": "train {:.3f}", "test": "test {:.3f}", "oracle": "oracle {:.3f}",
}  # fmt: skip


def charts(history):
    """[(title, lines, bounds, dashed)]: CHARTS of what all rows of the history have, and where D cannot tell."""
    found = []
    for title, lines, bounds in CHARTS:
        lines = {name: line for name, line in lines.items() if all(name in row for row in history)}
        lines = {name: line for name, line in lines.items() if any(math.isfinite(row[name]) for row in history)}
        found.append((title, lines, bounds, equilibrium(history[-1]) if "V" in lines else 0.5 if bounds else None))
    return [chart for chart in found if chart[1]]


def check_history(what, history, names=("epoch",), least=1):
    """Raises ValueError unless these are the rows of a history, a dict for each epoch with a number for each name."""
    rows = history if isinstance(history, list | tuple) else [history]
    for row in rows:
        known = row if isinstance(row, dict) else {}
        curves = [name for _, lines, _ in CHARTS for name in lines if name in known] or ["V"]
        wrong = [name for name in dict.fromkeys([*names, *curves]) if not isinstance(known.get(name), Real)]
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


def in_words(row, names=SAID):
    """Those of the figures that the row has."""
    said = SAID | {"V": value_in_words(row) if "V" in row else ""}
    return "  ".join(said[name].format(row[name]) for name in names if name in row)
