"""What callers hand over, checked in one place: a number in its range, whole numbers, a shape, an array of numbers.

Each returns its argument in a plain type, or raises ValueError in words; `what` names it: "Dropout: the rate".
"""

from math import inf
from numbers import Integral, Real

from minigan.backend.arrays import xp

WORDS = {"(0, inf)": "be positive and finite", "[0, inf)": "be at least 0 and finite", "(-inf, inf)": "be finite"}


def number(what, value, interval):
    """A real number in an interval, "[0, 1)" for 0 <= value < 1, in double precision where it is not whole."""
    low, high = map(float, interval[1:-1].split(", "))
    inside = isinstance(value, Real) and low <= value <= high
    if not inside or (value == low and interval[0] == "(") or (value == high and interval[-1] == ")"):
        raise ValueError(f"{what} must {WORDS.get(interval, f'lie in {interval}')}, not {value!r}")
    return value if isinstance(value, int) else float(value)


def whole(what, *values, least=1, most=inf):
    """One whole number from `least`, where that is not None, to `most`, or a tuple of them."""
    if not all(isinstance(n, Integral) and (least is None or least <= n <= most) for n in values):
        kind = "a whole number" if len(values) == 1 else "whole numbers"
        bounds = f" of at least {least}" if most == inf else f" from {least} to {most}"
        raise ValueError(f"{what} must be {kind}{'' if least is None else bounds}")
    return tuple(map(int, values)) if len(values) != 1 else int(values[0])


def kind(what, thing, cls, remedy=""):
    """The value, if it is an instance of the class; else raises TypeError."""
    if not isinstance(thing, cls):
        raise TypeError(f"{what}: expected a {cls.__name__}, not {thing!r:.60}{remedy and f': {remedy}'}")
    return thing


def sizes(what, shape, free=1):
    """A shape as a tuple, from a width, a tuple or a list; an unknown size may be written as `free`."""
    shape = tuple(shape) if isinstance(shape, tuple | list) else (shape,)
    if not shape or not all(n is free or (isinstance(n, Integral) and (n >= 1 or n == free)) for n in shape):
        or_free = "" if free == 1 else f" or {free}"
        raise ValueError(f"{what}{shape!r}: expected whole numbers of at least 1{or_free}")
    return tuple(n if n is None else int(n) for n in shape)


def array(what, a, dtype=None, shape=None):
    """An array of numbers from anything array-like, on the device in use, in this dtype and of this shape."""
    try:
        found = xp.asarray(a)
    except (TypeError, ValueError):  # rows of unequal length
        found = None
    if found is None or found.dtype.kind not in ("buifc" if dtype == "complex128" else "buif"):
        raise ValueError(f"{what} must be numbers, as an array or as lists of equal length, not {a!r:.100}")
    if shape not in (None, found.shape):
        raise ValueError(f"{what} must have shape {shape}, not {found.shape}")
    return found if dtype is None else found.astype(dtype, copy=False)


def floats(what, a):
    """An array of floating-point numbers as it is; raises TypeError for anything else, ValueError for an empty one."""
    if not isinstance(a, xp.ndarray) or a.dtype.kind not in "fc":
        found = f"of {a.dtype}" if isinstance(a, xp.ndarray) else f"a {type(a).__name__}"
        raise TypeError(f"{what}: expected an array of floating-point numbers, not {found}: use xp.asarray")
    if not a.size:
        raise ValueError(f"{what}: expected at least one number, but the array has shape {a.shape}")
    return a
