"""metrics: against brute force in float64, and what must hold for any rows."""

import math

import numpy as np
import pytest

from minigan import xp
from minigan.data import Dataset
from minigan.evaluation.metrics import (
    class_histogram,
    frechet_distance,
    kernel_distance,
    mode_coverage,
    nearest,
    pairwise_distance,
    precision_recall,
)

pytestmark = pytest.mark.usefixtures("each_backend")


def distances(a, b):
    """Every |a_i - b_j|, in float64, without any trick."""
    return np.sqrt(((a[:, None].astype("float64") - b[None].astype("float64")) ** 2).sum(axis=2))


@pytest.mark.parametrize("chunk", [7, 50, 1000])
def test_nearest_agrees_with_brute_force_whatever_the_chunk(rng, chunk):
    rows, data = rng.uniform(-1, 1, (9, 30)), rng.uniform(-1, 1, (50, 30))
    index, distance = nearest(rows, data, chunk=chunk)
    expected = distances(rows, data)
    np.testing.assert_array_equal(index, expected.argmin(axis=1))
    np.testing.assert_allclose(distance, expected.min(axis=1), rtol=1e-6)


def test_nearest_of_a_dataset_is_measured_in_the_range_of_its_rows(rng):
    data = Dataset("random", rng.integers(0, 256, (300, 4, 5), dtype="uint8"), range=(-1.0, 1.0))
    rows = rng.uniform(-1, 1, (8, 20)).astype("float32")
    index, distance = nearest(rows, data, chunk=64)
    expected = distances(rows, data.images.reshape(300, 20) / 127.5 - 1)
    np.testing.assert_array_equal(index, expected.argmin(axis=1))
    np.testing.assert_allclose(distance, expected.min(axis=1), rtol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nearest_is_right_far_from_the_origin_and_far_from_the_rows(rng, dtype):
    """Around 1e4, where |b|^2 is 1e8 and float32 has no digit left for a distance of 1."""
    data = (1e4 + rng.standard_normal((200, 2))).astype(dtype)
    rows = (data[::7] + 0.01 * rng.standard_normal((29, 2))).astype(dtype)
    np.testing.assert_array_equal(nearest(rows, data, chunk=64)[0], distances(rows, data).argmin(axis=1))
    assert nearest(data[[17, 199]], data, chunk=64)[1].tolist() == [0, 0]
    wide = np.concatenate([data, -data]).astype("float64")
    np.testing.assert_array_equal(nearest(rows, wide)[0], distances(rows, wide).argmin(axis=1))


def test_nearest_holds_no_more_than_a_chunk_of_the_data(rng):
    class Watched(Dataset):
        def rows(self, index):
            asked.append(len(self.images[index]))
            return super().rows(index)

    asked = []
    nearest(np.zeros((3, 4)), Watched("random", rng.random((1000, 2, 2)), stored=(0, 1)), chunk=300)
    assert asked == [300, 300, 300, 100, 3]
    with pytest.raises(ValueError, match=r"rows of shape \(3, 5\), but a row of random is 4 wide"):
        nearest(np.zeros((3, 5)), Dataset("random", np.zeros((2, 2, 2)), stored=(0, 1)))


@pytest.mark.parametrize(("n", "chunk"), [(2, 1), (40, 7), (40, 1024)])
def test_pairwise_distance_agrees_with_brute_force(rng, n, chunk):
    rows = rng.uniform(-1, 1, (n, 30)).astype("float32")
    expected = distances(rows, rows)[np.triu_indices(n, 1)].mean()
    np.testing.assert_allclose(pairwise_distance(rows, chunk=chunk), expected, rtol=1e-7)


def test_rows_alike_have_no_distance_and_nearly_alike_ones_keep_theirs(rng):
    """A collapsed generator: 1e-4 apart, where |a|^2 is 300."""
    row = rng.uniform(-1, 1, 784)
    for n in 2, 64:
        assert pairwise_distance(np.tile(row.astype("float32"), (n, 1))) == 0
    rows = row + 1e-4 * rng.standard_normal((64, 784))
    expected = distances(rows, rows)[np.triu_indices(64, 1)].mean()
    np.testing.assert_allclose(pairwise_distance(rows), expected, rtol=1e-6)


RING = np.stack([np.cos(np.arange(8) * np.pi / 4), np.sin(np.arange(8) * np.pi / 4)], axis=1)


def test_coverage_of_a_mixture_is_counted_by_hand():
    """3 samples at one mode, 1 at another, 1 at 2.99 sigma of a third, 1 at 3.01 sigma of a fourth, 2 far away."""
    samples = np.concatenate([RING[[0, 0, 0, 5]], RING[[2]] * 1.0299, RING[[3]] * 0.9699, [[0, 0], [9, 9]]])
    modes, high_quality, reverse_kl = mode_coverage(samples, RING, 0.01)
    assert (modes, high_quality) == (3, 5 / 8)
    assert reverse_kl == pytest.approx(math.log(8) + 0.6 * math.log(0.6) + 2 * 0.2 * math.log(0.2), rel=1e-12)


def test_coverage_at_both_ends_and_far_from_the_origin(rng):
    assert mode_coverage(np.repeat(RING, 5, axis=0), RING, 0.01) == (8, 1.0, pytest.approx(0, abs=1e-15))
    assert mode_coverage(np.repeat(RING[:1], 5, axis=0), RING, 0.01) == (1, 1.0, pytest.approx(math.log(8)))
    modes, high_quality, reverse_kl = mode_coverage(np.full((5, 2), 9.0), RING, 0.01)
    assert (modes, high_quality) == (0, 0.0) and math.isnan(reverse_kl)
    centers = np.array([[1e4 + i, side * 1e4] for i in range(4) for side in (-1, 1)])  # whose mean is no help
    samples = np.repeat(centers[:6], 50, axis=0) + 0.003 * rng.standard_normal((300, 2))
    assert mode_coverage(samples, centers, 0.01)[:2] == (6, 1.0)
    for sigma in 0, -1, math.nan, math.inf, "a":
        with pytest.raises(ValueError, match=rf"mode_coverage: sigma, .* must be positive and finite, not {sigma!r}"):
            mode_coverage(RING, RING, sigma)


def frechet_by_definition(a, b):
    """tr (S_a S_b)^(1/2) is the sum of the roots of the eigenvalues of S_a S_b, which is not symmetric."""
    S_a, S_b = np.cov(a.T), np.cov(b.T)
    roots = np.sqrt(np.maximum(np.linalg.eigvals(S_a @ S_b).real, 0)).sum()
    return ((a.mean(axis=0) - b.mean(axis=0)) ** 2).sum() + np.trace(S_a) + np.trace(S_b) - 2 * roots


def features(rng, n, f, shift=0.0, scale=1.0):
    return (rng.standard_normal((n, f)) @ rng.standard_normal((f, f)) * scale + shift).astype("float32")


def test_the_frechet_distance_agrees_with_the_eigenvalues_of_the_product(rng):
    a, b = features(rng, 300, 20), features(rng, 200, 20, shift=0.5, scale=1.5)
    assert frechet_distance(xp.asarray(a), b) == pytest.approx(frechet_by_definition(a, b), rel=1e-6)


def test_the_frechet_distance_of_known_gaussians(rng):
    """For diagonal S it is |m_a - m_b|^2 + sum (s_a - s_b)^2; for a shift by m alone, |m|^2, to the last digits."""
    a = rng.standard_normal((100, 3))
    assert frechet_distance(a, a + np.array([3, 0, 4])) == pytest.approx(25, rel=1e-9)
    assert frechet_distance(a, 3 * a - 2 * a.mean(axis=0)) == pytest.approx(4 * np.trace(np.cov(a.T)), rel=1e-9)
    one, other = np.array([[-1.0, 0], [1, 0], [0, 0]]), np.array([[0, -2.0], [0, 2], [0, 0]])
    assert frechet_distance(one, other) == pytest.approx(1 + 4, rel=1e-12)  # variances 1 and 4, across


def test_the_frechet_distance_to_itself_is_0_though_features_are_dead_or_rows_few(rng):
    a = features(rng, 50, 10)
    a[:, 3] = 0
    assert frechet_distance(a, rng.permutation(a)) == pytest.approx(0, abs=1e-9 * np.trace(np.cov(a.T)))
    assert frechet_distance(a[:4], a[:4]) == pytest.approx(0, abs=1e-9 * np.trace(np.cov(a.T)))


def kernel_by_definition(a, b):
    def mean(pairs):
        values = [(math.fsum(x * y) / len(x) + 1) ** 3 for x, y in pairs]
        return math.fsum(values) / len(values)

    a, b = a.astype("float64"), b.astype("float64")
    within = [mean((x, y) for i, x in enumerate(c) for j, y in enumerate(c) if i != j) for c in (a, b)]
    return within[0] + within[1] - 2 * mean((x, y) for x in a for y in b)


@pytest.mark.parametrize("chunk", [7, 100])
def test_the_kernel_distance_agrees_with_the_definition_whatever_the_chunk(rng, chunk):
    a, b = features(rng, 30, 6), features(rng, 20, 6, shift=0.3)
    assert kernel_distance(xp.asarray(a), b, chunk) == pytest.approx(kernel_by_definition(a, b), rel=1e-9)


def test_the_kernel_distance_has_no_bias(rng):
    """Its mean over draws of the same distribution is 0, where the biased one would be about 2 E k(x, x) / n = 1."""
    found = [kernel_distance(*rng.standard_normal((2, 10, 4))) for _ in range(200)]
    error = np.std(found) / math.sqrt(200)
    assert abs(np.mean(found)) < 4 * error < 0.2 and min(found) < 0


def precision_by_definition(real, fake, k):
    reach = np.sort(distances(real, real) + np.diag(np.full(len(real), np.inf)), axis=1)[:, k - 1]
    return (distances(fake, real) <= reach).any(axis=1).mean()


@pytest.mark.parametrize(("k", "chunk"), [(1, 1000), (3, 7), (5, 1)])
def test_precision_and_recall_agree_with_the_definition_whatever_the_chunk(rng, k, chunk):
    real, fake = rng.standard_normal((60, 3)), 1.3 * rng.standard_normal((50, 3)) + 0.5
    precision, recall = precision_recall(xp.asarray(real), fake, k, chunk)
    assert precision == precision_by_definition(real, fake, k)
    assert recall == precision_by_definition(fake, real, k)
    assert 0.2 < precision < 0.99 and 0.2 < recall < 0.99


def test_precision_and_recall_at_the_ends(rng):
    real = rng.standard_normal((100, 4)) + 1000
    assert precision_recall(real, real.copy()) == (1, 1)
    assert precision_recall(real, real + 50) == (0, 0)
    four = np.repeat([[1.0, 0], [-1, 0], [0, 2], [0, -2]], 4, axis=0)  # balls without extent still hold their center
    assert precision_recall(four, four) == (1, 1)
    collapsed = real[:1] + 1e-6 * rng.standard_normal((100, 4))  # good samples, all alike
    precision, recall = precision_recall(real, collapsed)
    assert precision == 1 and recall <= 0.01


def test_a_class_histogram_counts():
    found = class_histogram(xp.array([2, 0, 2, 2], dtype="uint8"), classes=4)
    assert isinstance(found, np.ndarray) and found.tolist() == [0.25, 0, 0.75, 0]
    assert len(class_histogram(np.array([3]))) == 10


@pytest.mark.parametrize(
    "labels, words",
    [
        (np.array([0.5, 1]), r"labels of shape \(2,\), float64, expected \(N,\), integers: probabilities.argmax"),
        (np.zeros(0, "int64"), r"labels of shape \(0,\)"),
        (np.array([0, 10]), "labels from 0 to 10, expected 0 to 9: say how many there are, classes=..."),
        (np.array([-1, 3]), "labels from -1 to 3, expected 0 to 9"),
    ],
)
def test_a_class_histogram_refuses_what_are_no_labels(labels, words):
    with pytest.raises(ValueError, match=f"class_histogram: {words}"):
        class_histogram(labels)


MEASURES = [frechet_distance, kernel_distance, precision_recall, lambda a, b: mode_coverage(a, b, 0.1), nearest]
NAMES = ["frechet_distance", "kernel_distance", "precision_recall", "mode_coverage", "nearest"]


@pytest.mark.parametrize("measure, name", list(zip(MEASURES, NAMES, strict=True)), ids=NAMES)
def test_each_measure_refuses_what_does_not_fit(measure, name):
    rows, broken = np.zeros((5, 3)), np.zeros((5, 3))
    broken[2, 1] = np.nan
    for bad, words in (
        (np.zeros((5, 4)), r"shape \(5, 4\).*, expected \(N, W\) and \(M, W\): all rows of one width"),
        (np.zeros(3), r"shape \(3,\).*, expected"),
        (broken, "hold NaN or infinite values, or such beyond 1e15: leave"),
        (np.zeros((0, 3)), r"0 .*, expected at least \d"),
    ):
        for a, b in (rows, bad), (bad, rows):
            with pytest.raises(ValueError, match=f"^{name}: .*{words}"):
                measure(a, b)
    for bad in (["a", "b"], [["a"]], [[0.0], [1.0, 2.0]], None):
        with pytest.raises(TypeError, match=f"^{name}: .*expected numbers"):
            measure(rows, bad)


def test_too_few_rows_are_refused():
    for measure, least in (frechet_distance, 2), (kernel_distance, 2), (precision_recall, 4):
        measure(np.eye(least), np.eye(least))
        with pytest.raises(ValueError, match=rf": {least - 1} .*rows.*, expected at least {least}"):
            measure(np.eye(least), np.eye(least)[: least - 1])
    with pytest.raises(ValueError, match=r"precision_recall: k=0 .*must be .*at least 1"):
        precision_recall(np.eye(4), np.eye(4), k=0)
    with pytest.raises(ValueError, match="pairwise_distance: 1 rows, expected at least 2"):
        pairwise_distance(np.zeros((1, 4)))
