"""Is a derivative right? Every backward pass is compared with the slope of its own forward pass.

A network is checked through one number, L = sum(dy * y), with a random dy: then dL/dy is dy, and backward(dy) must
return dL/dx and write dL/dtheta. The slope of L along one entry v of a tensor is measured from outside,

    central     (L(v + eps) - L(v - eps)) / (2 eps)        wrong by about eps^2, and by rounding / eps
    complex     Im L(v + ih) / h,  h = 1e-20               exact to rounding: nothing is subtracted

(Squire and Trapp 1998 for the second), in float64, on a copy: what the caller passed is left as it was.
"""

import copy
from dataclasses import asdict, dataclass

import numpy

from minigan.backend import host_generator, to_numpy, xp
from minigan.network import Network

FLOOR = 1e-2  # entries below this share of their tensor's largest are judged on that absolute scale
DIRECTIONS = 3  # random ones beside the sampled entries of a large tensor
H = 1e-20  # the complex step


@dataclass
class Row:
    """One tensor: the worst relative error, where it is, and both values there."""

    name: str
    shape: tuple
    checked: int  # entries that were compared
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

    @property
    def ok(self):
        return all(row.verdict != "FAIL" for row in self.rows)

    def to_dict(self):
        return {"title": self.title, "ok": self.ok, "rows": [asdict(row) for row in self.rows]}

    def __str__(self):
        width = max(len(row.name) for row in self.rows) + 2
        lines = [self.title, f"  {'tensor':<{width}}shape      checked   error    at          analytic       numeric"]
        for row in self.rows:
            shape, at = (str(a).replace(" ", "") for a in (row.shape, row.index))
            lines.append(
                f"  {row.name:<{width}}{shape:<10}{row.checked:>8}   {row.error:.1e}  {at:<10}"
                f"{row.analytic:>+12.4e}  {row.numeric:>+12.4e}  {row.verdict}"
            )
            if row.hint:
                lines.append(f"    -> {row.hint}")
        return "\n".join(lines)


def gradcheck(layer_or_network, x, *, eps=1e-5, tol=1e-6, method="central", entries=None, seed=0, training=False):
    """Check backward against forward, for x (N, width) and each parameter. Returns a GradcheckReport.

    The error of an entry is |analytic - numeric| / max(|analytic|, |numeric|, floor). The floor lets true zeros pass:
    it is 1 % of the tensor's largest numeric entry, or, where that is more, what rounding alone can do / tol.
    `entries=k` samples k entries of every tensor, and three random directions through all of its entries.
    """
    network = _twin(layer_or_network, seed)
    x = xp.array(x, dtype="float64")
    y = network.forward(x, training)
    dy = xp.asarray(host_generator(seed, 1).standard_normal(y.shape))
    dx = network.backward(dy)
    analytic = {name: to_numpy(d).copy() for name, _, d in network.parameters()} | {"x": to_numpy(dx).copy()}
    tensors = {name: a for name, a, _ in network.parameters()} | {"x": x}

    def terms():
        return to_numpy(dy * network.forward(x, training))

    rng = host_generator(seed, 2)
    rows = [_row(name, terms, a, analytic[name], eps, tol, entries, rng) for name, a in tensors.items()]
    return GradcheckReport(f"{layer_or_network!r}  float64, central differences, eps={eps:g}, seed {seed}", rows)


def assert_gradients(*args, **keywords):
    """gradcheck for tests: raises AssertionError, whose message is the table, where a row fails."""
    report = gradcheck(*args, **keywords)
    assert report.ok, f"\n{report}"


def _twin(layer_or_network, seed):
    """A float64 copy as a network; a layer that has no values yet draws them, and none stays at zero."""
    if isinstance(layer_or_network, Network):
        return layer_or_network.astype("float64")
    layer, given = copy.deepcopy(layer_or_network), {}
    for name in layer.params:
        if name in vars(layer):
            given[name] = vars(layer).pop(name)
    network = Network(layer, seed=seed, dtype="float64")
    if given:
        for name, a in given.items():
            getattr(layer, name)[...] = a
    else:
        network.theta[...] += xp.asarray(0.1 * host_generator(seed, 0).standard_normal(network.theta.shape))
    return network


def _row(name, terms, a, analytic, eps, tol, entries, rng):
    points = _points(a.shape, entries, rng)
    measured = [_central(terms, a, u, eps) for _, u in points]
    numeric, noise = numpy.array(measured).T.reshape(2, -1)
    claimed = numpy.array([(analytic * u).sum() for _, u in points])
    floor = numpy.maximum(FLOOR * abs(numeric).max(initial=0), noise / tol)
    error = abs(claimed - numeric) / numpy.maximum(numpy.maximum(abs(claimed), abs(numeric)), floor)
    i = int(error.argmax())
    verdict = "ok" if error[i] <= tol else "FAIL"
    return Row(name, a.shape, len(points), float(error[i]), points[i][0], float(claimed[i]), float(numeric[i]), verdict)


def _points(shape, entries, rng):
    """[(index, unit vector)]: every entry, or a sample of them and random directions."""
    size = int(numpy.prod(shape))
    chosen = range(size) if entries is None or entries >= size else rng.choice(size, entries, replace=False)
    points = []
    for i in chosen:
        u = numpy.zeros(size)
        u[i] = 1
        points.append((tuple(int(k) for k in numpy.unravel_index(i, shape)), u.reshape(shape)))
    if len(points) < size:
        for k in range(DIRECTIONS):
            u = rng.standard_normal(shape)
            points.append((f"direction {k}", u / (u * u).sum() ** 0.5))
    return points


def _central(terms, a, u, eps):
    """The slope of sum(terms()) where `a` moves along u, and how far rounding alone can have moved that number."""
    base, step = a.copy(), xp.asarray(eps * u)
    a[...] = base + step
    plus = terms()
    a[...] = base - step
    minus = terms()
    a[...] = base
    moved = plus != minus
    noise = numpy.finfo(float).eps * (abs(plus) + abs(minus))[moved].sum() / eps
    return (plus - minus).sum() / (2 * eps), noise
