"""parzen: against sums of exponentials in extended precision, SciPy where it is installed, and known densities."""

import math
import tracemalloc

import numpy as np
import pytest

from minigan import xp
from minigan.parzen import SIGMAS, kmeans, parzen, parzen_log_likelihood, pixelwise_gaussian, select_sigma

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


@pytest.mark.parametrize("sigma", [0.1, 0.2, 1.0])
@pytest.mark.parametrize("chunk", [1, 7, 100])
def test_log_likelihoods_agree_with_the_definition_whatever_the_chunk(rng, sigma, chunk):
    centers, x = rng.random((40, 30), dtype="float32"), rng.random((20, 30), dtype="float32")
    found = parzen_log_likelihood(centers, x, sigma, chunk)
    assert found.dtype == "float64" and isinstance(found, np.ndarray)
    np.testing.assert_allclose(found, by_definition(centers, x, sigma), rtol=1e-12)


def test_log_likelihoods_agree_with_scipy(rng):
    """Sparse rows of MNIST's width, whose distances float32 would get wrong in the sixth digit."""
    distance, special = pytest.importorskip("scipy.spatial.distance"), pytest.importorskip("scipy.special")
    centers, x = (rng.random((300, 784), dtype="float32") * (rng.random((300, 784)) < 0.2) for _ in range(2))
    squared = distance.cdist(x.astype("float64"), centers.astype("float64"), "sqeuclidean")
    for sigma in SIGMAS:
        expected = special.logsumexp(-squared / (2 * sigma**2), axis=1) - math.log(300)
        expected -= 784 * math.log(sigma * math.sqrt(2 * math.pi))
        found = parzen_log_likelihood(centers, x, sigma)
        assert found.mean() == pytest.approx(expected.mean(), rel=1e-12)
        np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_rows_far_from_every_center_and_from_the_origin_keep_their_digits(rng):
    """exp(-d^2 / 2 sigma^2) alone would be 0 for all of them."""
    centers, x = 100 + rng.random((5, 784)), 101 + rng.random((3, 784))
    np.testing.assert_allclose(parzen_log_likelihood(centers, x, 0.1), by_definition(centers, x, 0.1), rtol=1e-10)


def test_a_single_center_is_a_gaussian(rng):
    x = rng.standard_normal((10, 3))
    expected = -(x**2).sum(axis=1) / 2 - 1.5 * math.log(2 * math.pi)
    np.testing.assert_allclose(parzen_log_likelihood(np.zeros((1, 3)), x, 1.0), expected, rtol=1e-13)


def test_arrays_on_the_device_will_do(rng):
    centers, x = rng.random((6, 5)), rng.random((4, 5))
    found = parzen_log_likelihood(xp.asarray(centers), xp.asarray(x), 0.3)
    np.testing.assert_allclose(found, by_definition(centers, x, 0.3), rtol=1e-12)


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
    near = np.clip(np.resize(samples, (1000, 12)) + 0.05 * rng.standard_normal((1000, 12)), 0, 1)
    validation = np.concatenate([near, rng.random((5000, 12))])
    assert select_sigma(samples, validation) != select_sigma(samples, near)
    found = parzen(samples, validation, test)
    scores = by_definition(samples, test, found.sigma)
    assert found.sigma == select_sigma(samples, near)
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


@pytest.mark.parametrize("which", ["samples", "validation", "test"])
@pytest.mark.parametrize("low, high", [(-1, 1), (0, 255)])
def test_pixels_outside_0_to_1_are_refused(which, low, high):
    arrays = {name: np.full((4, 3), 0.5) for name in ("samples", "validation", "test")}
    arrays[which][0, 0], arrays[which][1, 1] = low, high
    with pytest.raises(ValueError) as error:
        parzen(**arrays)
    assert str(error.value) == (
        f"parzen: the pixels of {which} run from {low} to {high}, but the protocol has them in [0, 1]: "
        "(rows + 1) / 2 for a generator that ends in Tanh, rows / 255 for bytes"
    )


@pytest.mark.parametrize("sigma", [0.0, -1.0, math.nan, math.inf])
def test_a_sigma_that_is_none_is_refused(sigma):
    with pytest.raises(ValueError, match=rf"parzen_log_likelihood: sigma={sigma}, expected the standard deviation"):
        parzen_log_likelihood(np.zeros((2, 3)), np.zeros((2, 3)), sigma)


@pytest.mark.parametrize(
    "centers, x, words",
    [
        (np.zeros((2, 3)), np.zeros((2, 4)), r"centers of shape \(2, 3\) and rows of x of shape \(2, 4\), expected"),
        (np.zeros((2, 3, 3)), np.zeros((2, 9)), r"centers of shape \(2, 3, 3\) and rows of x of shape \(2, 9\)"),
        (np.zeros((0, 3)), np.zeros((2, 3)), "0 centers, expected at least 1"),
        (np.zeros((2, 3)), np.full((2, 3), np.nan), "rows of x hold NaN or infinite values: leave those rows out"),
        (np.full((2, 3), np.inf), np.zeros((2, 3)), "centers hold NaN or infinite values"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(centers, x, words):
    with pytest.raises(ValueError, match=f"parzen_log_likelihood: {words}"):
        parzen_log_likelihood(centers, x, 0.5)


def test_kmeans_is_lloyds_algorithm(rng):
    """Against the same algorithm written as it is told; empty clusters included (two rows are equal)."""
    rows = rng.random((40, 3)).astype("float32")
    rows[1] = rows[0]
    for k in 1, 7, 40:
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


def test_kmeans_starts_from_different_rows_drawn_from_the_seed(rng):
    rows = rng.random((30, 2)).astype("float32")
    one, again, other = (kmeans(rows, 10, iterations=0, seed=seed) for seed in (1, 1, 2))
    assert len(np.unique(one, axis=0)) == 10 and (one == again).all() and (one != other).any()


@pytest.mark.parametrize("k", [0, 31])
def test_kmeans_needs_as_many_rows_as_centroids(rng, k):
    with pytest.raises(ValueError, match=f"kmeans: k={k}, expected 1 to 30, the number of rows"):
        kmeans(rng.random((30, 2)), k)


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
