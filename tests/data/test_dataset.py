"""Dataset and Batches: the scaling, the order, the refusals."""

import tracemalloc

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigan import Dense, Flatten, Network, Reshape, Sigmoid, Tanh
from minigan.backend import host_generator
from minigan.data import Batches, DataError, Dataset

RNG = numpy.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (10, 2, 3), dtype="uint8")


def collect(batches, e, start=0):
    return [x.copy() for x in batches.epoch(e, start)]


@pytest.mark.parametrize(
    ("stored", "low_high"), [((0, 255), (-1.0, 1.0)), ((0, 16), (0.0, 1.0)), ((-1.0, 1.0), (0.0, 1.0))]
)
def test_black_and_white_land_exactly_on_the_range(stored, low_high):
    dtype = "uint8" if stored[1] > 1 else "float64"
    data = Dataset("mine", numpy.array(stored, dtype).reshape(2, 1, 1), stored=stored, range=low_high)
    rows = data.rows()
    assert rows.dtype == numpy.float32 and rows.shape == (2, 1)
    assert rows.ravel().tolist() == list(low_high)


def test_rows_are_affine_in_the_images():
    data = Dataset("mine", IMAGES)
    expected = IMAGES.reshape(10, 6) / 127.5 - 1
    assert numpy.abs(data.rows() - expected).max() < 1e-6
    assert (data.rows([7, 2]) == data.rows()[[7, 2]]).all()
    assert (data.rows(slice(3, 5)) == data.rows()[3:5]).all()
    assert len(data) == 10 and data.shape == (2, 3) and data.size == 6 and data.sample_shape == (6,)


def test_sha256_tells_images_apart():
    prints = {
        Dataset("a", IMAGES).sha256,
        Dataset("a", IMAGES.reshape(10, 3, 2)).sha256,
        Dataset("a", IMAGES.astype("float32")).sha256,
        Dataset("a", IMAGES[::-1]).sha256,
    }
    assert len(prints) == 4 and all(len(each) == 64 for each in prints)
    assert Dataset("b", IMAGES.copy()).sha256 == Dataset("a", IMAGES).sha256
    assert Dataset("b", numpy.asfortranarray(IMAGES)).sha256 == Dataset("a", IMAGES).sha256


def with_value(value):
    images = numpy.zeros((2, 2, 2), "float32")
    images[1, 0, 1] = value
    return images


TWO = "expected two finite numbers"


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"images": IMAGES[0]}, r"images of shape \(2, 3\), expected \(N, H, W\)"),
        ({"images": IMAGES[:0]}, r"images of shape \(0, 2, 3\), expected .* at least one pixel"),
        ({"images": IMAGES.astype("int64")}, "images of dtype int64, expected uint8 or float32"),
        ({"images": with_value(numpy.nan)}, "hold NaN or infinite values"),
        ({"images": with_value(1.5), "stored": (0, 1)}, "run from 0 to 1.5, expected 0 to 1: divide them by their"),
        ({"images": IMAGES, "range": (1, -1)}, rf"range=\(1, -1\), {TWO}, low < high"),
        ({"images": IMAGES, "stored": (0, 0)}, rf"stored=\(0, 0\), {TWO}"),
        ({"images": IMAGES, "range": ("a", "b")}, rf"range=\('a', 'b'\), {TWO}"),
        ({"images": IMAGES, "range": (0, 1, 2)}, rf"range=\(0, 1, 2\), {TWO}"),
        ({"images": IMAGES.tolist()}, r"images are a list, expected a NumPy array on the host: numpy.asarray\(images"),
        ({"images": IMAGES, "labels": IMAGES[:9, 0, 0]}, r"labels of shape \(9,\) for 10 images, expected \(10,\)"),
    ],
)
def test_refused(kwargs, words):
    with pytest.raises(DataError, match="^mine: .*" + words):
        Dataset("mine", **kwargs)


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ([Dense(2, 6), Sigmoid()], r"in Sigmoid, .* in \(0, 1\), but .* mine .* in \(-1, 1\): .*range=\(0, 1\)"),
        ([Tanh(), Dense(2, 6)], r"in Dense, whose outputs are not bounded, but .* \(-1, 1\): end it in Tanh"),
        ([Dense(2, 7), Tanh()], "output has width 7, but an image of mine is 2x3 = 6: give its last Dense layer 6"),
        ([Dense(2, 6), Tanh(), Reshape(2, 3)], r"output has shape \(2, 3\), but an image of mine is 2x3 = 6"),
    ],
)
def test_a_generator_of_other_images_is_refused(layers, words):
    with pytest.raises(ValueError, match=words):
        Dataset("mine", IMAGES).check_generator(Network(*layers))


def test_a_generator_of_these_images_is_accepted_however_it_ends():
    for end in (
        [Tanh()],
        [Sigmoid(), Dense(6, 6), Tanh(), Reshape(2, 3), Flatten()],
        [Reshape(3, 2), Network(Tanh(), Flatten(3, 2))],
    ):
        Dataset("mine", IMAGES).check_generator(Network(Dense(2, 6), *end))
    Dataset("mine", IMAGES, range=[0, 1]).check_generator(Network(Dense(2, 6), Sigmoid()))


@given(n=st.integers(1, 40), rounds=st.integers(1, 40), seed=st.integers(0, 2**63), e=st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_an_epoch_is_the_rows_in_the_order_of_seed_and_epoch(n, rounds, seed, e):
    data = Dataset("mine", RNG.integers(0, 256, (n, 2, 1), dtype="uint8"))
    batches = Batches(data, batch := -(-n // rounds), seed)
    seen = collect(batches, e)
    assert len(seen) == batches.rounds == n // batch and seen[0].dtype == numpy.float32
    order = host_generator(seed, e).permutation(n)[: batches.rounds * batch]
    assert (numpy.concatenate(seen) == data.rows(order)).all()


def test_start_goes_on_where_it_stopped():
    data = Dataset("mine", IMAGES)
    for start in range(4):
        whole, rest = collect(Batches(data, 3, 1), 4), collect(Batches(data, 3, 1), 4, start)
        assert len(rest) == 3 - start
        assert all((a == b).all() for a, b in zip(whole[start:], rest, strict=True))


def test_images_lie_there_as_stored_and_a_round_spends_no_more_than_a_batch_of_them():
    images = RNG.integers(0, 256, (512, 28, 28), dtype="uint8")
    batches = Batches(Dataset("mine", images), 128)
    assert batches.images.dtype == numpy.uint8 and numpy.shares_memory(batches.images, images)
    rounds = batches.epoch(0)
    next(rounds)
    tracemalloc.start()
    next(rounds), next(rounds)
    assert tracemalloc.get_traced_memory()[1] < 128 * 784 * 2  # as float32 it would be 4 times
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("size", "seed", "e", "start", "words"),
    [
        (0, 0, 0, 0, "mine: batch_size=0 must be a whole number from 1 to 10"),
        (11, 0, 0, 0, "batch_size=11 must be .* 1 to 10"),
        (2.5, 0, 0, 0, "batch_size=2.5 must be a whole number"),
        (2, -1, 0, 0, "seed=-1 must be .* at least 0"),
        (3, 0, 7, -1, "epoch 7: start=-1, of its rounds, must be .* 0 to 3"),
        (3, 0, 7, 4, "epoch 7: start=4"),
        (3, 0, -1, 0, "epoch=-1 must be .* at least 0"),
    ],
)
def test_numbers_that_are_none_are_refused(size, seed, e, start, words):
    with pytest.raises(ValueError, match=words):
        next(Batches(Dataset("mine", IMAGES), size, seed).epoch(e, start))


def test_a_source_says_what_it_deals():
    data = Dataset("mine", IMAGES, range=(0, 1))
    batches = Batches(data, numpy.int64(4), 3)
    assert (batches.name, batches.sample_shape, batches.batch_size, batches.rounds) == ("mine", (6,), 4, 2)
    assert batches.identity == {"images": 10, "sha256": data.sha256, "shape": [2, 3], "range": [0, 1]}
