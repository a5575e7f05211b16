"""Stage two, compare: is the claimed derivative the measured one? If not, does L have a kink there?

error = |analytic - numeric| / max(|analytic|, |numeric|, floor)

The floor lets true zeros pass: it is 1 % of the largest derivative in the array, or, where that is more, what rounding
alone can do, divided by the tolerance.

At a kink L has two derivatives, from the left and from the right, and what backward gives must lie between them. A kink
is measured, not assumed. As the step shrinks tenfold, the difference of the two sides also shrinks tenfold where L is
smooth, stays as it is at a kink, and vanishes at once when the step no longer reaches a kink nearby.
"""

import math
from dataclasses import asdict, dataclass

FLOOR = 1e-2
SLACK = 2e-6  # how far, relatively, a derivative may lie outside the two sides of a kink, which are measured roughly


@dataclass
class Row:
    """One array: the worst relative error, where it is, both values there, and what to make of it."""

    name: str
    shape: tuple
    checked: int  # entries (and directions) that were compared
    error: float
    index: tuple | str
    analytic: float
    numeric: float
    verdict: str = "ok"  # or "kink", which is no failure, or "FAIL"
    hint: str = ""


@dataclass
class GradcheckReport:
    """What was checked and how, and one Row for each array. `report.ok`: no row failed; `str(report)`: the table."""

    title: str
    rows: list
    note: str = ""

    @property
    def ok(self):
        return all(row.verdict != "FAIL" for row in self.rows)

    def to_dict(self):
        return {"title": self.title, "ok": self.ok, "rows": [asdict(row) for row in self.rows], "note": self.note}

    def __str__(self):
        width = max(8, *(len(row.name) + 2 for row in self.rows))
        head = f"  {'tensor':<{width}}{'shape':<12}{'checked':>8}   {'error':<9}{'at':<12}{'analytic':>12}"
        lines = [self.title, f"{head}  {'numeric':>12}"]
        for row in self.rows:
            shape, at = (str(a).replace(" ", "") for a in (row.shape, row.index))
            lines.append(
                f"  {row.name:<{width}}{shape:<12}{row.checked:>8}   {row.error:<9.1e}{at:<12}"
                f"{row.analytic:>+12.4e}  {row.numeric:>+12.4e}  {row.verdict}"
            )
            if row.hint:
                lines.append(f"    -> {row.hint}")
        return "\n".join([*lines, *([f"  {self.note}"] if self.note else [])])


def compare(name, shape, found, tol):
    """(the Row of the worst of the Derivatives `found`, which of them are wrong, the worst first)."""
    errors = [error(d.analytic, d, found, tol) for d in found]
    order = sorted(range(len(found)), key=lambda i: -errors[i])
    wrong, worst = [i for i in order if not errors[i] <= tol], found[order[0]]
    row = Row(name, shape, len(found), errors[order[0]], worst.index, worst.analytic, worst.numeric)
    row.verdict = "FAIL" if wrong else "ok"
    return row, wrong


def error(claimed, d, found, tol):
    """The relative error of a claim for the Derivative d, one of those `found` of the same array."""
    if not math.isfinite(claimed) or not math.isfinite(d.numeric):
        return math.inf
    return abs(claimed - d.numeric) / max(abs(claimed), scale(d, found, tol))


def scale(d, found, tol):
    """What the error at d, one of those `found`, is relative to, unless the claim is larger."""
    floor = max(FLOOR * max(abs(other.numeric) for other in found), d.noise / tol)
    return max(abs(d.numeric), floor) or 1


def kink(analytic, coarse, middle, fine):
    """Is there a kink, and is `analytic` right at it? From the Sides at three steps, each a tenth of the one before.

    None where L is smooth; else whether the analytic value lies between the two sides, as a subgradient does.
    """
    here = middle.bend / 3 < fine.bend < 3 * middle.bend and fine.bend > 4 * fine.noise
    near = _vanishes(coarse, middle) or _vanishes(middle, fine)
    if not here and not near:
        return None
    slack = fine.noise + SLACK * max(abs(fine.left), abs(fine.right))
    return min(fine.left, fine.right) - slack <= analytic <= max(fine.left, fine.right) + slack


def _vanishes(coarse, fine):
    """Whether the two sides come together at once, and not as a tenth of the step brings a smooth L's together."""
    return coarse.bend > 30 * fine.bend and coarse.bend > 30 * fine.noise
