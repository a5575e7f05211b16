"""Common mistakes: for each, what the right derivative would be if this mistake had been made.

A hypothesis is (sentence, claimed): the analytic derivative with the supposed mistake undone. It holds if that agrees
with the measurement.
"""

import numpy

from minigan.gradcheck.measure import derivative, moved


def hypotheses(variable, found, eps, seen):
    """Every hypothesis that may hold for this Variable, the most specific ones first."""
    claimed, numeric = (numpy.array([getattr(d, side) for d in found]) for side in ("analytic", "numeric"))
    a, n = variable.gradient, variable.batch

    def project(gradient):
        return numpy.array([(gradient * d.u).sum() for d in found])

    for sentence, terms in seen.alternatives.get(variable.name, ()):
        other = variable._replace(terms=terms)
        yield sentence, numeric + claimed - numpy.array([derivative(other, d.u, eps)[0] for d in found])
    if seen.fill:
        added = project(numpy.full(variable.a.shape, seen.fill))
        yield "added to what dtheta held before the step, where backward must overwrite it", claimed - added
    yield "the sign is wrong: every entry is -1 times the numeric one", -claimed
    width = variable.terms().size // n or 1
    for c, reason in (
        (2, "something is counted twice, or the 1/2 of a square is missing"),
        (0.5, "a factor 2 is missing, as from the derivative of a square, or half of the terms"),
        (n, f"{n} is the batch size N: the 1/N of a mean is missing"),
        (1 / n, f"1/{n} is 1/N, N the batch size: the mean was taken, but dy already carries the loss's 1/N: sum"),
        (width, f"{width} is the width of the output: a sum where forward takes a mean over it"),
        (1 / width, f"1/{width} is one over the width of the output: a mean where backward must sum"),
        (n * width, f"{n * width} is the number of elements of the output: a sum where forward takes a mean"),
        (1 / (n * width), f"1/{n * width} is one over the number of elements of the output: a mean instead of a sum"),
    ):
        yield f"a constant factor: every entry is {c:g} times the numeric one; {reason}", claimed / c
        yield f"a constant factor: every entry is {-c:g} times the numeric one: the sign, and {reason}", -claimed / c
    if a.ndim == 2 and a.shape[0] == a.shape[1]:
        yield "equal after a transpose: swap the two factors of the product, or add the missing .T", project(a.T)
        yield "equal to minus the transpose: the sign, and a missing .T", project(-a.T)
    if variable.name == "x":
        for name, dx in seen.transposed():
            yield f"equal with {name} transposed: a .T is missing, or one too many, in dx", project(dx)
        if element_wise := seen.element_wise("x"):
            yield from _slopes(claimed, numeric, [d.index for d in found], *element_wise)
    else:
        yield from _sums(variable, found, eps)
    if claimed.size > 2:
        c = float(claimed @ numeric / max(numeric @ numeric, 1e-300))
        yield f"a constant factor: every entry is {c:.6g} times the numeric one", claimed / (c or 1)


def _slopes(claimed, numeric, indices, x, y, dy):
    """Hypotheses about the slope f' of an element-wise y = f(x), where dx = dy f'."""
    entries = [i for i, index in enumerate(indices) if isinstance(index, tuple)]
    x, y, dy = (numpy.array([a[indices[i]] for i in entries]) for a in (x, y, dy))
    used, slope = claimed[entries] / dy, numeric[entries] / dy

    def instead(right):
        """The claims, were `right` the slope that backward uses."""
        corrected = numeric.copy()
        corrected[entries] = dy * right
        return corrected

    yield _NO_DY, instead(used * dy)
    yield _NO_SLOPE, instead(slope + used - 1)
    yield _COMPLEMENT, instead(1 - used)
    yield _INVERTED, instead(1 / used)
    yield _SQUARED, instead(used**0.5)
    for factor, h in [(f"x^{k}" if k > 1 else "x", k * y / x) for k in (1, 2, 3)] + [("e^x", y)]:
        rule = f"a term of the product rule is lost: with y = {factor} h(x), y' has a term for either factor, "
        yield f"{rule}and here there is only the derivative of {factor}, times h", instead(slope + used - h)
        yield f"{rule}and here there is only {factor} h'(x)", instead(used + h)
    terms = {"1": x**0, "x": x, "y": y, "x^2": x * x, "x y": x * y, "y^2": y * y}
    for kept, first in _multiples((slope + used) / 2, terms):  # f' = first - second, used = first + second
        for flipped, second in _multiples((used - slope) / 2, terms):
            yield _SIGN_WITHIN.format(*_both_ways(kept, flipped)), instead(first - second)


def _multiples(a, terms):
    """(in words, value) of the terms that `a` is a multiple of."""
    for name, term in terms.items():
        c = float(a @ term / (term @ term))
        if abs(a - c * term).max() <= 1e-5 * abs(a).max():
            size = "" if abs(abs(c) - 1) < 1e-4 else f"{abs(c):.4g}"
            words = size or "1" if name == "1" else f"{size} {name}".lstrip()
            yield ("-" if c < 0 else "+", words), c * term


def _both_ways(kept, flipped):
    """f' and what is written in its place, such as 1 - y^2 and 1 + y^2."""
    (sign, first), (plus, second) = kept, flipped
    first = first if sign == "+" else f"-{first}"
    minus = {"+": "-", "-": "+"}[plus]
    return f"{first} {minus} {second}", f"{first} {plus} {second}"


def _sums(variable, found, eps):
    """Hypotheses about the sum over the batch, from what each sample contributes to each entry."""
    plus, minus = ([moved(variable, sign * eps * d.u) for d in found] for sign in (1, -1))
    changes = (numpy.array(plus) - numpy.array(minus)) / (2 * eps)
    if changes.ndim < 2 or changes.shape[1] != variable.batch:
        return
    parts = changes.reshape(*changes.shape[:2], -1).sum(2)  # (entries, samples)
    claimed, numeric = (numpy.array([getattr(d, side) for d in found]) for side in ("analytic", "numeric"))
    for s in range(variable.batch):
        yield (
            f"not summed over the batch: this is the contribution of sample {s} alone",
            numeric + claimed - parts[:, s],
        )
        yield f"sample {s} is missing from the sum over the batch", claimed + parts[:, s]
    last = numpy.array([row[row.nonzero()[0][-1:]].sum() for row in changes.reshape(len(changes), -1)])
    entry = numpy.array([isinstance(d.index, tuple) for d in found])
    yield _LAST, numpy.where(entry, numeric + claimed - last, numeric)
    if claimed.size > 1:
        yield "summed over every axis, where only the batch's belongs", numeric + claimed - numeric.sum()
    if variable.a.shape == (variable.batch,):
        yield (
            "summed over the wrong axis: the width, where the sum runs over the batch, axis=0",
            numeric + claimed - parts.sum(0),
        )


_LAST = (
    "only the last of several contributions is kept: where an index names one row twice, dW[index] = dy and "
    "dW[index] += dy write it once; add them up, xp.add.at(dW, index, dy)"
)
_NO_DY = (
    "the incoming dy is missing: by the chain rule dx is dy times the slope of forward, and this is the slope alone"
)
_NO_SLOPE = "dy is handed on unchanged: by the chain rule dx is dy times the slope of forward"
_COMPLEMENT = (
    "your backward uses 1 - s where s is the slope of forward: is a sign flipped, as in e^x for e^-x, or the wrong one "
    "of s and 1 - s taken?"
)
_INVERTED = "the slope of forward is inverted: dx is dy times that slope, and here dy is divided by it"
_SQUARED = "the slope of forward is squared: dx is dy times that slope, once"
_SIGN_WITHIN = "a sign is flipped within the slope: that of forward is {}, and your backward uses {}"
