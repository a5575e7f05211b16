"""data.toys: points whose distribution is known."""

import math

import numpy as np
import pytest

from minigan.backend import host_generator, to_numpy
from minigan.backend.generators import DATA, FIXED, PENALTY, SAMPLING, TRAINING
from minigan.data.toys import TOYS, Mixture, ToyBatches, grid, moons, ring, spiral, toy

MIXTURES = [name for name, each in TOYS.items() if isinstance(each, Mixture)]
THREE = Mixture("three", [[-2.0, 0.5], [0.0, 1.0], [1.5, -1.0]], [0.3, 0.5, 0.2], [0.5, 0.3, 0.2])


@pytest.mark.parametrize("name", TOYS)
def test_samples_are_float32_rows_and_a_function_of_their_key(name, each_backend):
    data = toy(name)
    x = data.sample(200, 3, 1)
    assert x.shape == (200, data.width) and x.dtype == "float32"
    x = to_numpy(x)
    assert np.array_equal(x, to_numpy(data.sample(200, 3, 1)))
    assert not np.array_equal(x, to_numpy(data.sample(200, 3, 2)))
    assert not np.array_equal(x, to_numpy(data.sample(200, 3)))


def test_the_ring_and_the_grid_are_those_of_pacgan():
    angle = 2 * np.pi * np.arange(8) / 8
    np.testing.assert_allclose(toy("ring").centers, np.stack((np.cos(angle), np.sin(angle)), 1), atol=1e-15)
    assert toy("ring").sigma == 0.01 and toy("grid").sigma == 0.05
    assert {tuple(c) for c in toy("grid").centers} == {(a, b) for a in (-4, -2, 0, 2, 4) for b in (-4, -2, 0, 2, 4)}
    assert len(toy("grid").centers) == 25
    np.testing.assert_allclose(ring(4, 2.0).centers, [[2, 0], [0, 2], [-2, 0], [0, -2]], atol=1e-15)
    assert grid(2, 1.0, 0.1).centers.tolist() == [[-0.5, -0.5], [-0.5, 0.5], [0.5, -0.5], [0.5, 0.5]]


@pytest.mark.parametrize("data", [toy("ring"), toy("grid"), THREE], ids=lambda data: data.name)
def test_samples_fall_on_each_center_by_its_weight_and_deviate_by_its_sigma(data):
    n = 40_000
    x = to_numpy(data.sample(n, 0)).astype("float64")
    if data is THREE:  # its parts overlap: hold the moments of the whole against the formulas instead
        np.testing.assert_allclose(x.mean(axis=0), data.mean, atol=4 * data.std.max() / n**0.5)
        np.testing.assert_allclose(x.std(axis=0), data.std, rtol=0.02)
        return
    distance = np.linalg.norm(x[:, None] - data.centers, axis=2)
    k = distance.argmin(axis=1)
    expected = n / len(data.centers)
    assert abs(np.bincount(k, minlength=len(data.centers)) - expected).max() < 5 * expected**0.5
    np.testing.assert_allclose((x - data.centers[k]).std(axis=0), data.sigma, rtol=0.02)
    np.testing.assert_allclose((x - data.centers[k]).mean(axis=0), 0, atol=5 * data.sigma / n**0.5)


@pytest.mark.parametrize("name", [name for name in MIXTURES if TOYS[name].width == 1])
def test_a_density_on_the_line_integrates_to_one_and_is_what_the_samples_follow(name):
    data = toy(name)
    x = np.linspace(-8, 8, 8001)[:, None]
    p = data.density(x)
    assert p.dtype == "float64"
    np.testing.assert_allclose(np.trapezoid(p, x[:, 0]), 1, rtol=1e-9)
    np.testing.assert_allclose(np.trapezoid(p * x[:, 0], x[:, 0]), data.mean[0], atol=1e-9)
    np.testing.assert_allclose(np.trapezoid(p * x[:, 0] ** 2, x[:, 0]), data.std[0] ** 2 + data.mean[0] ** 2, rtol=1e-9)
    n = 20_000
    drawn = np.sort(to_numpy(data.sample(n, 7))[:, 0])
    below = np.cumsum(p) * (x[1, 0] - x[0, 0])  # the distribution function, for Kolmogorov and Smirnov
    gap = np.interp(drawn, x[:, 0], below) - (np.arange(n) + 0.5) / n
    assert 0 < abs(gap).max() < 1.95 / n**0.5


def test_a_density_in_the_plane_integrates_to_one():
    line = np.linspace(-6, 6, 401)
    x = np.stack(np.meshgrid(line, line), -1).reshape(-1, 2)
    np.testing.assert_allclose(THREE.density(x).sum() * (line[1] - line[0]) ** 2, 1, rtol=1e-9)


def test_moons_and_spiral_lie_on_their_curves_but_for_the_noise():
    x = to_numpy(moons(sigma=1e-6).sample(5000, 0)).astype("float64")
    upper = abs(np.hypot(*x.T) - 1) < 1e-4
    lower = abs(np.hypot(x[:, 0] - 1, x[:, 1] - 0.5) - 1) < 1e-4
    assert (upper | lower).all() and (x[upper & ~lower, 1] > -1e-4).all() and (x[lower & ~upper, 1] < 0.5 + 1e-4).all()
    assert 0.46 < upper.mean() < 0.54
    np.testing.assert_allclose([*x.min(axis=0), *x.max(axis=0)], [-1, -0.5, 2, 1], atol=1e-3)  # each is a half circle
    x = to_numpy(spiral(1.5, sigma=1e-6).sample(5000, 0)).astype("float64")
    r = np.hypot(*x.T)
    np.testing.assert_allclose(x, r[:, None] * np.stack((np.cos(3 * np.pi * r), np.sin(3 * np.pi * r)), 1), atol=1e-4)
    assert 0.48 < (r**2).mean() < 0.52  # r^2 ~ U(0, 1)
    for make in moons, spiral:
        a, b = (to_numpy(make(sigma=s).sample(5000, 0)) for s in (1e-6, 0.1))
        np.testing.assert_allclose(np.cov((b - a).T), 0.01 * np.eye(2), atol=0.001)


def rounds_of(batches, e, start=0):
    return [to_numpy(x).tobytes() for x in batches.epoch(e, start)]


def test_a_round_of_fresh_points_is_a_function_of_seed_and_round_alone(each_backend):
    batches = ToyBatches(toy("moons"), 16, seed=3, rounds=4)
    assert (batches.name, batches.sample_shape, batches.batch_size, batches.rounds) == ("moons", (2,), 16, 4)
    first, second = rounds_of(batches, 0), rounds_of(batches, 1)
    assert len({*first, *second}) == 8 and rounds_of(batches, 1) == second and rounds_of(batches, 1, 3) == second[3:]
    assert first + second == rounds_of(ToyBatches(toy("moons"), 16, seed=3, rounds=8), 0)
    assert not {*first} & {*rounds_of(ToyBatches(toy("moons"), 16, seed=4, rounds=4), 0)}
    assert ToyBatches(toy("moons"), 16, seed=4, rounds=4).identity != batches.identity


def test_the_points_come_from_a_stream_of_their_own(monkeypatch):
    """The noise of a GAN of the same seed is drawn with the same numbers of rounds."""
    keys = []
    monkeypatch.setattr("minigan.data.toys.host_generator", lambda *key: keys.append(key) or host_generator(*key))
    list(ToyBatches(toy("ring"), 2, seed=5, rounds=2).epoch(1))
    assert keys == [(5, DATA, 2), (5, DATA, 3)] and DATA not in (TRAINING, SAMPLING, FIXED, PENALTY)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: toy("ring").sample(0, 1), "ring.sample: n=0 must be .* at least 1"),
        (lambda: toy("ring").sample(5, -1), r"ring.sample: key=\(-1,\) must"),
        (lambda: next(ToyBatches(toy("ring"), 5, rounds=3).epoch(0, 4)), "epoch 0: start=4"),
        (lambda: toy("ring").sample(5), r"ring.sample\(5\) needs a key, one or more integers: sample\(5, seed\)"),
        (lambda: toy("ring").density(np.zeros((3, 1))), r"ring.density: x has shape \(3, 1\), expected \(N, 2\)"),
        (lambda: Mixture("m", [[1.0], [2.0, 3.0]], 0.1), "m: centers=.*: expected finite numbers in an array"),
        (lambda: Mixture("m", [[1.0], [2.0]], math.inf), "m: sigma=inf: expected finite numbers in an array"),
        (lambda: toy("rings"), r"is called 'rings': did you mean 'ring'\? expected one of ring, grid, moons,"),
        (lambda: Mixture("m", [1.0, 2.0], 0.1), r"m: centers of shape \(2,\), expected \(K, d\)"),
        (lambda: Mixture("m", [[1.0], [2.0]], 0.0), "m: sigma=0.0, expected one positive number, or one for each of"),
        (lambda: Mixture("m", [[1.0], [2.0]], [1, 2, 3]), r"m: sigma=\[1, 2, 3\], expected one positive number"),
        (lambda: Mixture("m", [[1.0], [2.0]], 1, [0.5, 0.6]), r"m: weights=\[0.5, 0.6\], expected 2 numbers of at"),
        (lambda: Mixture("m", [[1.0], [2.0]], 1, [1.5, -0.5]), r"m: weights=\[1.5, -0.5\], expected 2 numbers of at"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(make, message):
    with pytest.raises(ValueError, match=message):
        make()
