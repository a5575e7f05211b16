"""parzen: against sums of exponentials in extended precision, and known densities."""

import math
import tracemalloc

import numpy as np
import pytest

from minigan import xp
from minigan.evaluation.parzen import SIGMAS, kmeans, parzen, parzen_log_likelihood, pixelwise_gaussian, select_sigma

pytestmark = pytest.mark.usefixtures("each_backend")


def by_definition(centers, x, sigma):
    """log p(x) term by term, with differences instead of products, in Python's own numbers."""
    found = []
    for row in x.astype("float64"):
        exponents = [-math.fsum((row - c) ** 2) / (2 * sigma**2) for c in centers.astype("float64")]
        top = max(exponents)
        total = math.fsum(math.exp(e - top) for e in exponents)
        found.append(top + math.log(total / len(centers)) - len(row) * math.log(sigma * math.sqrt(2 * math.pi)))
    return np.array(found)


@pytest.mark.parametrize(("sigma", "chunk"), [(0.1, 7), (1.0, 100)])
def test_log_likelihoods_agree_with_the_definition_whatever_the_chunk(rng, sigma, chunk):
    """Sparse rows of MNIST's width, whose distances float32 would get wrong in the sixth digit."""
    centers, x = (rng.random((n, 784), dtype="float32") * (rng.random((n, 784)) < 0.2) for n in (20, 10))
    found = parzen_log_likelihood(centers, x, sigma, chunk)
    assert found.dtype == "float64" and isinstance(found, np.ndarray)
    np.testing.assert_allclose(found, by_definition(centers, x, sigma), rtol=1e-12)


def test_rows_far_from_every_center_and_from_the_origin_keep_their_digits(rng):
    """exp(-d^2 / 2 sigma^2) alone would be 0 for all of them."""
    centers, x = 100 + rng.random((5, 784)), 101 + rng.random((3, 784))
    found = parzen_log_likelihood(xp.asarray(centers), xp.asarray(x), 0.1)  # arrays on the device will do
    np.testing.assert_allclose(found, by_definition(centers, x, 0.1), rtol=1e-10)


def test_the_sigma_of_the_data_is_selected(rng):
    """Of points drawn at sigma around the centers, sigma makes the likelihood highest."""
    centers = rng.random((50, 20))
    for sigma in SIGMAS[2], SIGMAS[5]:
        validation = np.repeat(centers, 20, axis=0) + sigma * rng.standard_normal((1000, 20))
        assert select_sigma(centers, validation) == sigma
        assert select_sigma(centers, validation, [0.9 * sigma, sigma, 1.1 * sigma]) == sigma
    assert np.allclose(SIGMAS, np.logspace(-1, 0, 10), rtol=1e-15)


def test_the_estimate_follows_the_protocol(rng):
    """sigma from the first 1,000 validation rows alone, then the mean and its error over the test rows."""
    samples, test = rng.random((30, 12)), rng.random((200, 12))
    near = np.clip(np.resize(samples[:15], (1000, 12)) + 0.05 * rng.standard_normal((1000, 12)), 0, 1)
    validation = np.concatenate([near, rng.random((5000, 12))])
    assert select_sigma(samples, validation) != select_sigma(samples, near)
    found = parzen(samples, validation, test)
    scores = by_definition(samples, test, found.sigma)
    assert found.sigma == select_sigma(samples, near) != select_sigma(near, samples)
    assert found.mean == pytest.approx(scores.mean(), rel=1e-12)
    assert found.standard_error == pytest.approx(scores.std() / math.sqrt(200), rel=1e-9)
    assert all(type(number) is float for number in found)


def test_memory_holds_one_chunk_of_distances(rng, each_backend):
    centers, x = rng.random((2000, 8)), rng.random((2000, 8))
    tracemalloc.start()
    parzen_log_likelihood(centers, x, 0.2, chunk=100)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5 * 100 * 2000 * 8 < 2000 * 2000 * 8


@pytest.mark.parametrize(("which", "low", "high"), [("samples", -1, 1), ("validation", 0, 255), ("test", -1, 1)])
def test_pixels_outside_0_to_1_are_refused(which, low, high):
    arrays = {name: np.full((4, 3), 0.5) for name in ("samples", "validation", "test")}
    arrays[which][0, 0], arrays[which][1, 1] = low, high
    with pytest.raises(ValueError) as error:
        parzen(**arrays)
    assert str(error.value) == (
        f"parzen: the pixels of {which} run from {low} to {high}, but the protocol has them in [0, 1]: "
        "(rows + 1) / 2 for a generator that ends in Tanh, rows / 255 for bytes"
    )


@pytest.mark.parametrize(
    "centers, x, sigma, words",
    [
        (np.zeros((2, 3)), np.zeros((2, 4)), 0.5, r"centers of shape \(2, 3\) and rows of x of shape \(2, 4\)"),
        (np.zeros((0, 3)), np.zeros((2, 3)), 0.5, "0 centers, expected at least 1"),
        (np.zeros((2, 3)), np.full((2, 3), np.nan), 0.5, "rows of x hold NaN or infinite values, or such beyond 1e15"),
        (np.zeros((2, 3)), np.zeros((2, 3)), 0.0, r"sigma, .*, must lie in \(1e-100, inf\), not 0.0"),
    ],
)
def test_what_does_not_fit_is_refused(centers, x, sigma, words):
    with pytest.raises(ValueError, match=f"parzen_log_likelihood: {words}"):
        parzen_log_likelihood(centers, x, sigma)


def test_kmeans_is_lloyds_algorithm(rng):
    """Against the same algorithm written as it is told; empty clusters included (two rows are equal)."""
    rows = rng.random((40, 3)).astype("float32")
    rows[1] = rows[0]
    for k in 7, 40:
        expected = kmeans(rows, k, iterations=0, seed=5).astype("float64")
        assert sorted(map(tuple, expected)) == sorted(tuple(row) for row in expected if (rows == row).all(1).any())
        for iterations in 1, 2, 3:
            distance = ((rows[:, None] - expected[None]) ** 2).sum(axis=2)
            index = distance.argmin(axis=1)
            expected = np.stack(
                [rows[index == j].mean(axis=0) if (index == j).any() else expected[j] for j in range(k)]
            )
            found = kmeans(rows, k, iterations, seed=5, chunk=9)
            np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert found.dtype == "float32" and isinstance(found, np.ndarray)

    one, again, other = (kmeans(rows, 10, iterations=0, seed=seed) for seed in (1, 1, 2))
    assert len(np.unique(one, axis=0)) == 10 and (one == again).all() and (one != other).any()


def test_the_estimate_takes_lists_and_refuses_what_are_no_numbers():
    assert parzen([[0.5]], [[0.5], [0.6]], [[0.4]]) == parzen(*map(np.array, ([[0.5]], [[0.5], [0.6]], [[0.4]])))
    with pytest.raises(TypeError, match=r"parzen: samples .*expected numbers"):
        parzen([["a"]], [[0.5]], [[0.5]])
    for k in 0, 31:
        with pytest.raises(ValueError, match=f"kmeans: k={k}, of 30 rows, must be .*1 to 30"):
            kmeans(np.zeros((30, 2)), k)


def test_the_pixelwise_gaussian_has_the_moments_of_each_pixel_and_no_shape(rng):
    base = rng.standard_normal((5000, 1))
    rows = np.clip(0.5 + base * [0.05, 0.1, -0.1, 0.0], 0, 1)  # three pixels that vary together, one that does not
    samples = pixelwise_gaussian(rows, 20_000, seed=3)
    assert samples.shape == (20_000, 4) and samples.dtype == "float32"
    np.testing.assert_allclose(samples.mean(axis=0), rows.mean(axis=0), atol=0.004)
    np.testing.assert_allclose(samples.std(axis=0), rows.std(axis=0), rtol=0.03, atol=1e-7)
    assert np.abs(np.corrcoef(samples[:, :3].T) - np.eye(3)).max() < 0.03
    assert (samples == pixelwise_gaussian(rows, 20_000, seed=3)).all()
    assert (samples != pixelwise_gaussian(rows, 20_000, seed=4)).any()
    dark = pixelwise_gaussian(np.array([[0.0], [1.0]]), 1000)
    assert dark.min() == 0 and dark.max() == 1
