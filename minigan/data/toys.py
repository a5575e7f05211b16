"""Distributions in one and two dimensions, known exactly: what a GAN learned of them can be seen and measured."""

import difflib
import math

import numpy

from minigan.backend import host_generator, xp
from minigan.backend.checks import kind, number, whole
from minigan.backend.generators import DATA
from minigan.data.dataset import check_epoch, numbers
from minigan.data.files import DataError

FINITE, NOISE = "[-1e9, 1e9]", "[0, 1e9]"  # the intervals of a size and of a deviation


class Toy:
    """A distribution of points (width,), drawn by `draw(rng, n)`, which gives n of them as an array (n, width).

    `name` is what it is called, `width` the number of coordinates.
    """

    def __init__(self, name, width, draw):
        self.name, self.width, self._draw = name, width, draw

    def sample(self, n, *key):
        """n points x (n, width), float32: a function of n and the integers in `key` alone, on every backend.

        Raises ValueError for an n below 1, a missing key or a negative number in it.
        """
        n = whole(f"{self.name}.sample: n={n!r}", n)
        if not key:
            raise ValueError(f"{self.name}.sample({n}) needs a key, one or more integers: sample({n}, seed)")
        whole(f"{self.name}.sample: key={key!r}", *key, least=0)
        return xp.asarray(self._draw(host_generator(*key), n), dtype="float32")

    def __repr__(self):
        return f"<{self.name}: points in {self.width} dimension{'s' if self.width > 1 else ''}>"


class ToyBatches:
    """Fresh points of a Toy for each round, `rounds` of which make an epoch: a source of batches, as `Batches` is.

    x (batch_size, width) of round k of epoch e is a function of (seed, e * rounds + k) alone, and its stream is not
    that of a GAN's noise of the same seed. Raises ValueError for sizes that are not whole numbers of at least 1.
    """

    def __init__(self, toy, batch_size, seed=0, rounds=1000):
        kind("ToyBatches", toy, Toy, "minigan.data.toys.toy('ring'), say")
        self.toy, self.name, self.sample_shape = toy, toy.name, (toy.width,)
        self.batch_size = whole(f"batch_size={batch_size!r}", batch_size)
        self.rounds, self.seed = whole(f"rounds={rounds!r}", rounds), whole(f"seed={seed!r}", seed, least=0)
        self.identity = {"seed": self.seed, "rounds": self.rounds}

    def epoch(self, e, start=0):
        """Yields x for each round of epoch e from round `start` on, each a new array."""
        check_epoch(e, start, self.rounds)
        for k in range(start, self.rounds):
            yield self.toy.sample(self.batch_size, self.seed, DATA, e * self.rounds + k)


class Mixture(Toy):
    """A mixture of K isotropic Gaussians in d dimensions, x ~ sum over k of w_k N(c_k, s_k^2 I).

    centers (K, d)      sigma: one number for all, or (K,)      weights (K,), which sum to 1; None: equal ones

    Raises ValueError for shapes that do not fit, a sigma that is not positive, or weights that are not shares.
    """

    def __init__(self, name, centers, sigma, weights=None):
        centers = numbers(f"{name}: centers", centers)
        if centers.ndim != 2 or centers.size == 0:
            raise ValueError(f"{name}: centers of shape {centers.shape}, expected (K, d), a row for each Gaussian")
        count, width = centers.shape
        sigmas = numbers(f"{name}: sigma", sigma)
        if sigmas.shape not in ((), (count,)) or not (sigmas > 0).all():
            raise ValueError(f"{name}: sigma={sigma}, expected one positive number, or one for each of the {count}")
        shares = numpy.full(count, 1 / count) if weights is None else numbers(f"{name}: weights", weights)
        if shares.shape != (count,) or not (shares >= 0).all() or abs(shares.sum() - 1) > 1e-9:
            raise ValueError(f"{name}: weights={weights}, expected {count} numbers of at least 0 that sum to 1")
        super().__init__(name, width, self._mix)
        self.centers, self.sigma, self.weights = centers, sigma, shares
        self.sigmas = numpy.broadcast_to(sigmas, (count,))

    def density(self, x):
        """p(x), shape (N,), float64, on the host, for points x (N, d):

            p(x) = sum over k of w_k (2 pi s_k^2)^(-d/2) exp(-|x - c_k|^2 / (2 s_k^2))

        Raises ValueError for points of another width.
        """
        x = numbers(f"{self.name}.density: x", x)
        if x.ndim != 2 or x.shape[1] != self.width:
            raise ValueError(f"{self.name}.density: x has shape {x.shape}, expected (N, {self.width})")
        p = numpy.zeros(len(x))
        for center, s, w in zip(self.centers, self.sigmas, self.weights, strict=True):
            squared = ((x - center) ** 2).sum(axis=1)
            p += w * (2 * math.pi * s * s) ** (-self.width / 2) * numpy.exp(squared / (-2 * s * s))
        return p

    @property
    def mean(self):
        """E[x], shape (d,)."""
        return self.weights @ self.centers

    @property
    def std(self):
        """The standard deviation of each coordinate, shape (d,): its square is E[s_k^2 + c_k^2] - E[c_k]^2."""
        return numpy.sqrt(self.weights @ (self.sigmas[:, None] ** 2 + (self.centers - self.mean) ** 2))

    def _mix(self, rng, n):
        k = rng.choice(len(self.centers), n, p=self.weights)
        return self.centers[k] + self.sigmas[k, None] * rng.standard_normal((n, self.width))


def ring(modes=8, radius=1.0, sigma=0.01):
    """Gaussians on a circle, c_k = radius (cos, sin)(2 pi k / modes); the defaults are PacGAN's (Lin et al. 2018)."""
    whole(f"ring: modes={modes!r}", modes)
    number("ring: the radius", radius, FINITE)
    angle = 2 * math.pi * numpy.arange(modes) / modes
    return Mixture("ring", radius * numpy.stack((numpy.cos(angle), numpy.sin(angle)), axis=1), sigma)


def grid(side=5, spacing=2.0, sigma=0.05):
    """Gaussians on a square grid around the origin; the defaults, {-4, -2, 0, 2, 4}^2, are PacGAN's."""
    whole(f"grid: side={side!r}", side)
    number("grid: the spacing", spacing, FINITE)
    line = spacing * (numpy.arange(side) - (side - 1) / 2)
    return Mixture("grid", numpy.stack(numpy.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2), sigma)


def moons(sigma=0.05):
    """Two half circles of radius 1, (cos t, sin t) and (1 - cos t, 1/2 - sin t), t ~ U(0, pi), and noise sigma."""
    number("moons: sigma", sigma, NOISE)

    def draw(rng, n):
        t, lower = math.pi * rng.random(n), rng.integers(0, 2, n)
        sign = 1 - 2 * lower
        x = numpy.stack((lower + sign * numpy.cos(t), lower / 2 + sign * numpy.sin(t)), axis=1)
        return x + sigma * rng.standard_normal((n, 2))

    return Toy("moons", 2, draw)


def spiral(turns=1.5, sigma=0.02):
    """An Archimedean spiral r (cos, sin)(2 pi turns r), the radius r = sqrt(u), u ~ U(0, 1), and noise sigma.

    The root makes the points about equally dense along the arm: far from the center, its length grows as r^2.
    """
    number("spiral: turns", turns, FINITE)
    number("spiral: sigma", sigma, NOISE)

    def draw(rng, n):
        r = numpy.sqrt(rng.random(n))
        angle = 2 * math.pi * turns * r
        x = r[:, None] * numpy.stack((numpy.cos(angle), numpy.sin(angle)), axis=1)
        return x + sigma * rng.standard_normal((n, 2))

    return Toy("spiral", 2, draw)


TOYS = {
    each.name: each
    for each in (
        ring(),
        grid(),
        moons(),
        spiral(),
        Mixture("gaussian", [[1.0]], 0.5),
        Mixture("two-gaussians", [[-1.0], [1.0]], 0.3),
        Mixture("three-gaussians", [[-2.0], [0.0], [1.5]], [0.3, 0.5, 0.2], [0.3, 0.5, 0.2]),
    )
}


def toy(name):
    """The distribution of that name: one of TOYS. Raises DataError, with the names, where there is none."""
    if isinstance(name, str) and name in TOYS:
        return TOYS[name]
    close = difflib.get_close_matches(str(name).lower(), TOYS, 1)
    meant = f"did you mean {close[0]!r}? " if close else ""
    raise DataError(f"no toy distribution is called {name!r}: {meant}expected one of {', '.join(TOYS)}")
