"""metrics: against brute force in float64, and what must hold for any rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigan.data import Dataset
from minigan.metrics import nearest, pairwise_distance

pytestmark = pytest.mark.usefixtures("each_backend")


def distances(a, b):
    """Every |a_i - b_j|, in float64, without any trick."""
    return np.sqrt(((a[:, None].astype("float64") - b[None].astype("float64")) ** 2).sum(axis=2))


@pytest.mark.parametrize("chunk", [1, 7, 50, 51, 1000])
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


def test_a_copy_of_a_data_row_is_found_at_distance_0(rng):
    """Rows of MNIST's width far from the origin, where |a|^2 - 2 a.b + |b|^2 would be off by 0.1 or more."""
    data = rng.uniform(9, 10, (200, 784)).astype("float32")
    index, distance = nearest(data[[17, 199, 3]], data, chunk=64)
    assert index.tolist() == [17, 199, 3] and distance.tolist() == [0, 0, 0]


def test_nearest_holds_no_more_than_a_chunk_of_the_data(rng):
    class Watched(Dataset):
        def rows(self, index):
            asked.append(len(self.images[index]))
            return super().rows(index)

    asked = []
    nearest(np.zeros((3, 4)), Watched("random", rng.random((1000, 2, 2)), stored=(0, 1)), chunk=300)
    assert asked == [300, 300, 300, 100, 3]


def test_rows_of_another_width_are_refused():
    with pytest.raises(ValueError, match=r"rows of shape \(3, 5\), but a row of the data is 4 wide"):
        nearest(np.zeros((3, 5)), np.zeros((2, 4)))


@pytest.mark.parametrize(("n", "chunk"), [(2, 1), (3, 2), (40, 7), (40, 1024)])
def test_pairwise_distance_agrees_with_brute_force(rng, n, chunk):
    rows = rng.uniform(-1, 1, (n, 30)).astype("float32")
    expected = distances(rows, rows)[np.triu_indices(n, 1)].mean()
    np.testing.assert_allclose(pairwise_distance(rows, chunk=chunk), expected, rtol=1e-7)


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 20), st.integers(1, 50), st.integers(0, 2**32), st.floats(-100, 100))
def test_pairwise_distance_knows_no_order_and_no_origin_and_grows_with_scale(n, width, seed, shift):
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((n, width))
    distance = pairwise_distance(rows)
    np.testing.assert_allclose(pairwise_distance(rng.permutation(rows)), distance, rtol=1e-6)
    np.testing.assert_allclose(pairwise_distance(rows + shift), distance, rtol=1e-6)
    np.testing.assert_allclose(pairwise_distance(3 * rows), 3 * distance, rtol=1e-6)


@given(st.integers(2, 70), st.integers(0, 2**32))
@settings(max_examples=20, deadline=None)
def test_rows_all_alike_have_no_distance(n, seed):
    row = np.random.default_rng(seed).uniform(-1, 1, 784).astype("float32")
    assert pairwise_distance(np.tile(row, (n, 1))) == 0


def test_rows_nearly_alike_keep_their_distance(rng):
    """A collapsed generator: 1e-4 apart, where |a|^2 is 300."""
    rows = rng.uniform(-1, 1, 784) + 1e-4 * rng.standard_normal((64, 784))
    expected = distances(rows, rows)[np.triu_indices(64, 1)].mean()
    np.testing.assert_allclose(pairwise_distance(rows), expected, rtol=1e-6)


@pytest.mark.parametrize("n", [0, 1])
def test_a_single_row_makes_no_pair(n):
    with pytest.raises(ValueError, match=f"{n} rows make no pair"):
        pairwise_distance(np.zeros((n, 4)))
