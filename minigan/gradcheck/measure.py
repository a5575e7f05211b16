"""Stage one, measure: the derivative of a number L with respect to an entry v, measured from outside by moving v.

    central     (L(v + eps) - L(v - eps)) / (2 eps)        wrong by about eps^2, and by rounding / eps
    complex     Im L(v + ih) / h,  h = 1e-20               exact to rounding, as nothing is subtracted

(Squire and Trapp 1998 for the second.) L is kept as the terms whose sum it is. Subtracting term by term leaves out all
terms that an entry does not move, and with them most of the rounding.
"""

import itertools
from typing import NamedTuple

from minigan.backend import to_numpy, xp

DIRECTIONS = 3  # random ones, beside the sampled entries of a large array
H = 1e-20  # the complex step
UNIT = 2.0**-52  # what float64 rounds 1 by


class Variable(NamedTuple):
    """An array `a` that L depends on, and the `gradient` dL/da that backward claims (on the host)."""

    name: str
    a: object
    gradient: object
    terms: object  # terms() computes anew the numbers whose sum is L, on the host; `a` may move between two calls
    batch: int = 1  # N
    size: float = 0.0  # of the numbers that were added up to a term, where that is smaller than they are
    twin: object = None  # the same Variable in complex numbers: measure by the complex step


class Derivative(NamedTuple):
    """The derivative of L along the unit array u: as claimed, as measured, and what rounding can do to either."""

    index: object  # which entry u moves, or "direction 0"
    u: object
    analytic: float
    numeric: float
    noise: float


class Sides(NamedTuple):
    """How L leaves a point along u: its derivative from the left and from the right, measured over one step eps."""

    left: float
    right: float
    bend: float  # by how much the two differ, summed over the terms of L without regard to sign
    noise: float


def measure(variable, points, eps):
    """The Derivative of L along each of the `points`."""
    a, gradient, found = variable.a, variable.gradient, []
    backward_rounds = 8 * UNIT * max(float(abs(variable.terms()).sum()), variable.size)
    for index, u in points:
        fits = gradient is not None and gradient.shape == a.shape
        claimed = float((gradient * u).sum()) if fits else float("nan")
        numeric, noise = derivative(variable, u, eps)
        found.append(Derivative(index, u, claimed, numeric, noise + backward_rounds))
    return found


def derivative(variable, u, eps):
    """(derivative of L along u, what rounding alone can have done to it)."""
    if variable.twin:
        each = moved(variable.twin, 1j * H * u).imag / H
        return float(each.sum()), 8 * UNIT * float(abs(each).sum())
    plus, minus = moved(variable, eps * u), moved(variable, -eps * u)
    size = abs(plus) + abs(minus)
    noise = 4 * UNIT * (size[plus != minus].sum() + max(size.max(), 2 * variable.size)) / eps  # 4: forward rounds
    return float((plus - minus).sum() / (2 * eps)), float(noise)


def sides(variable, u, eps):
    """The Sides of L along u."""
    plus, here, minus = moved(variable, eps * u), variable.terms(), moved(variable, -eps * u)
    left, right, bend = (here - minus).sum(), (plus - here).sum(), abs(plus - 2 * here + minus).sum()
    noise = 2 * UNIT * (abs(plus) + abs(here) + abs(minus)).sum()
    return Sides(*(float(a / eps) for a in (left, right, bend, noise)))


def moved(variable, step):
    """The terms of L where the array is moved by `step`."""
    base = variable.a.copy()
    variable.a[...] = base + xp.asarray(step)
    try:
        return variable.terms()
    finally:
        variable.a[...] = base


def points(shape, entries, rng):
    """[(index, u)]: each entry of an array of this shape, or so many of them and random directions through all."""
    indices = list(itertools.product(*map(range, shape)))
    every = entries is None or entries >= len(indices)
    chosen = indices if every else [indices[i] for i in rng.choice(len(indices), entries, replace=False)]
    found = [(index, to_numpy(xp.zeros(shape))) for index in chosen]
    for index, u in found:
        u[index] = 1
    for k in range(0 if every else DIRECTIONS):
        u = rng.standard_normal(shape)
        found.append((f"direction {k}", u / (u * u).sum() ** 0.5))
    return found
