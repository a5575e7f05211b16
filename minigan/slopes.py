"""Measuring the slope of L along one entry of an array from outside, and the table of what came out.

    central     (L(v + eps) - L(v - eps)) / (2 eps)        wrong by about eps^2, and by rounding / eps
    complex     Im L(v + ih) / h,  h = 1e-20               exact to rounding, as nothing is subtracted

(Squire and Trapp 1998 for the second.) L is kept as the terms that it is the sum of: subtracting term by term leaves
out all that an entry does not move, and most of the rounding with it.
"""

from dataclasses import asdict, dataclass, replace

import numpy

from minigan import diagnosis
from minigan.backend import xp

FLOOR = 1e-2  # entries below this share of their tensor's largest are judged on that absolute scale
DIRECTIONS = 3  # random ones, beside the sampled entries of a large tensor
H = 1e-20  # the complex step
UNIT = float(numpy.finfo(float).eps)


@dataclass
class Row:
    """One tensor: the worst relative error, where it is, both values there, and what to make of it."""

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
    """What was checked and how, and one Row for each tensor. `report.ok`: no row failed; `str(report)`: the table."""

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


class Tensor:
    """One array that L depends on, what backward claims for it, and the means to measure its slopes.

    `terms()` returns the numbers whose sum is L, freshly computed; `a` may be moved between two calls.
    """

    def __init__(self, name, terms, a, analytic, batch):
        self.name, self.terms, self.a, self.analytic, self.batch = name, terms, a, analytic, batch
        self.complex = None

    def use_complex(self, a, terms):
        """Measure by the complex step, on the complex twin `a` of this array."""
        self.complex = Tensor(self.name, terms, a, self.analytic, self.batch)

    def at(self, step):
        """The terms of L where the array is moved by `step`."""
        base = self.a.copy()
        self.a[...] = base + xp.asarray(step)
        try:
            return self.terms()
        finally:
            self.a[...] = base

    def change(self, u, eps):
        """What each term gains from -eps u to +eps u, and how far rounding alone can have moved the slope."""
        plus, minus = self.at(eps * u), self.at(-eps * u)
        size = abs(plus) + abs(minus)
        rounding = 4 * UNIT * (size[plus != minus].sum() + size.max())  # 4: forward rounds on the way to the terms
        return plus - minus, rounding / eps

    def slope(self, u, eps):
        """(slope of L along u, what rounding can have done to it)."""
        if self.complex is None:
            change, noise = self.change(u, eps)
            return change.sum() / (2 * eps), noise
        slopes = self.complex.at(1j * H * u).imag / H
        return slopes.sum(), 8 * UNIT * abs(slopes).sum()

    def sides(self, u, eps):
        """(slope from the left, from the right, what rounding can have done to them)."""
        here, plus, minus = self.terms(), self.at(eps * u), self.at(-eps * u)
        noise = 2 * UNIT * (abs(here) + abs(plus) + abs(minus)).sum() / eps
        return (here - minus).sum() / eps, (plus - here).sum() / eps, noise

    def row(self, eps, tol, entries, rng, seen):
        """Measure, compare, and let `diagnosis` judge what does not agree."""
        shape = self.a.shape
        self.points = _points(shape, entries, rng)
        self.claimed = self.project(self.analytic)
        self.numeric, noise = numpy.array([self.slope(u, eps) for _, u in self.points]).T
        noise += 8 * UNIT * abs(self.terms()).sum()  # backward rounds as well
        self.floor = numpy.maximum(FLOOR * abs(self.numeric).max(), noise / tol)
        error = self.error(self.claimed)
        worst = int(error.argmax())
        (index, _), claimed, numeric = self.points[worst], float(self.claimed[worst]), float(self.numeric[worst])
        row = Row(self.name, shape, len(self.points), float(error[worst]), index, claimed, numeric)
        verdict, hint = diagnosis.judge(self, error, eps, tol, seen)
        return replace(row, verdict=verdict, hint=hint)

    def project(self, gradient):
        """A gradient's slope along each point of the check; not a number where it has another shape."""
        if gradient is None or gradient.shape != self.a.shape:
            return numpy.full(len(self.points), numpy.nan)
        return numpy.array([(gradient * u).sum() for _, u in self.points])

    def error(self, claimed):
        """The relative error of each claimed slope."""
        scale = numpy.maximum(numpy.maximum(abs(claimed), abs(self.numeric)), self.floor)
        return abs(claimed - self.numeric) / numpy.where(scale > 0, scale, 1)


def _points(shape, entries, rng):
    """[(index, unit vector)]: every entry, or a sample of them and random directions."""
    size = int(numpy.prod(shape))
    every = entries is None or entries >= size
    points = []
    for i in range(size) if every else rng.choice(size, entries, replace=False):
        u = numpy.zeros(shape)
        u.flat[i] = 1
        points.append((tuple(int(k) for k in numpy.unravel_index(i, shape)), u))
    for k in range(0 if every else DIRECTIONS):
        u = rng.standard_normal(shape)
        points.append((f"direction {k}", u / (u * u).sum() ** 0.5))
    return points
