"""Left, both likelihoods of G, cooled, and trained on from 0.7; right, a D that learns its sequences by heart"""

import json
from pathlib import Path

from minigan.plots.style import BLUE, GRAY, GREEN, ORANGE

DATA = Path(__file__).resolve().parents[3] / "docs" / "course" / "text.json"
PUBLISHED = (9.40, 7.61), (8.726, 7.780), (6.705, 8.720)  # Caccia et al. (2020): temperature 1, 1/1.27 and 1/1.93
COT = 8.690, 7.700  # Lu et al. (2019)


def draw(figure):
    found = json.loads(DATA.read_text(encoding="utf-8"))
    curve, judge = figure.subplots(1, 2)
    _, oracle, test = zip(*found["temperatures"], strict=True)
    curve.plot(test, oracle, "-o", color=GREEN, markersize=4, label="maximum likelihood, cooled")
    for t, y, x in found["temperatures"]:
        curve.annotate(f"{t:g}", (x, y), (-4, -12), textcoords="offset points", fontsize="small", color=GREEN)
    curve.plot(*zip(*((x, y) for y, x in PUBLISHED[:2]), strict=True), ":", color=GRAY, label="the same, published")
    curve.plot(COT[1], COT[0], "x", color=GRAY, label="CoT, published")
    for game, color in zip(found["games"], (ORANGE, BLUE), strict=True):
        _, y, x = zip(*game["points"], strict=True)
        curve.plot(x, y, "-s", color=color, markersize=4, label=game["name"])
    curve.plot(found["mixed"][1], found["mixed"][0], "D", color=GREEN, label="mean of 1 and 0.5")
    curve.set(xlabel="test: what G holds of the oracle's", ylabel="oracle: what it holds of G's")
    curve.legend()
    rounds = [row["round"] for row in found["judge"]]
    judge.plot(rounds, [row["unseen"] for row in found["judge"]], color=ORANGE, label="sequences that D never saw")
    judge.plot(rounds, [row["learned"] for row in found["judge"]], color=BLUE, label="those that it learns from")
    judge.axhline(1.386, color=GRAY, linestyle=":", label="log 4: a coin")
    judge.set(xlabel="rounds of D alone", ylabel="D's loss")
    judge.legend()
