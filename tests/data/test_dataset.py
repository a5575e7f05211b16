"""Dataset and Batches: the scaling, the order, the refusals."""

import tracemalloc
from types import SimpleNamespace

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigan.backend import host_generator
from minigan.data import Batches, DataError, Dataset

RNG = numpy.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (10, 2, 3), dtype="uint8")


class Tanh:
    range = -1.0, 1.0


class Sigmoid:
    range = 0.0, 1.0


class Dense:
    range = None


def network(last, n_out):
    return SimpleNamespace(layers=(Dense(), last()), n_out=n_out)


def collect(batches, e, start=0):
    return [x.copy() for x in batches.epoch(e, start)]


def test_shape_and_size():
    data = Dataset("mine", IMAGES)
    assert len(data) == 10 and data.shape == (2, 3) and data.size == 6


@pytest.mark.parametrize("stored", [(0, 255), (0, 16), (0.0, 1.0), (-1.0, 1.0)])
@pytest.mark.parametrize("low_high", [(-1.0, 1.0), (0.0, 1.0)])
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


def test_rows_are_a_new_array():
    data = Dataset("mine", IMAGES.astype("float32"))
    before = IMAGES.astype("float32")
    data.rows()[:] = 9
    assert (data.images == before).all()


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


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"images": IMAGES[0]}, r"images of shape \(2, 3\), expected \(N, H, W\)"),
        ({"images": IMAGES[:0]}, r"images of shape \(0, 2, 3\), expected .* at least one pixel"),
        ({"images": IMAGES.astype("int64")}, "images of dtype int64, expected uint8 or float32"),
        ({"images": IMAGES > 7}, "images of dtype bool, expected uint8 or float32"),
        ({"images": with_value(numpy.nan)}, "hold NaN or infinite values"),
        ({"images": with_value(numpy.inf)}, "hold NaN or infinite values"),
        ({"images": with_value(-numpy.inf)}, "hold NaN or infinite values"),
        (
            {"images": with_value(1.5), "stored": (0, 1)},
            "run from 0 to 1.5, expected 0 to 1: divide them by their largest value",
        ),
        ({"images": with_value(-0.5), "stored": (0, 1)}, "run from -0.5 to 0, expected 0 to 1"),
        ({"images": IMAGES, "range": (1, -1)}, r"range=\(1, -1\), expected two finite numbers, low < high"),
        ({"images": IMAGES, "range": (0, numpy.inf)}, r"range=\(0, inf\), expected two finite numbers"),
        ({"images": IMAGES, "stored": (0, 0)}, r"stored=\(0, 0\), expected two finite numbers"),
        (
            {"images": IMAGES, "labels": IMAGES[:9, 0, 0]},
            r"labels of shape \(9,\) for 10 images, expected \(10,\)",
        ),
    ],
)
def test_refused(kwargs, words):
    with pytest.raises(DataError, match="^mine: .*" + words):
        Dataset("mine", **kwargs)


@pytest.mark.parametrize(
    ("last", "n_out", "words"),
    [
        (
            Sigmoid,
            6,
            r"ends in Sigmoid, .* in \[0, 1\], but .* mine .* in \[-1, 1\]: load them with range=\(0, 1\)",
        ),
        (Dense, 6, r"ends in Dense, whose outputs are not bounded, but .* \[-1, 1\]: end it in Tanh"),
        (Tanh, 7, r"output is 7 wide, but an image of mine is 2x3 = 6: give its last Dense layer 6 outputs"),
    ],
)
def test_check_generator_refuses(last, n_out, words):
    with pytest.raises(ValueError, match=words):
        Dataset("mine", IMAGES).check_generator(network(last, n_out))


def test_check_generator_against_zero_one():
    data = Dataset("mine", IMAGES, range=(0, 1))
    data.check_generator(network(Sigmoid, 6))
    with pytest.raises(ValueError, match=r"ends in Tanh, .* in \[-1, 1\], but .* in \[0, 1\]: .*range=\(-1, 1\)"):
        data.check_generator(network(Tanh, 6))


def test_check_generator_accepts():
    Dataset("mine", IMAGES).check_generator(network(Tanh, 6))


@given(n=st.integers(1, 40), batch=st.integers(1, 40), seed=st.integers(0, 2**63), e=st.integers(0, 1000))
@settings(max_examples=50, deadline=None)
def test_an_epoch_is_the_permutation_of_seed_and_epoch(n, batch, seed, e):
    data = Dataset("mine", numpy.arange(n, dtype="uint8").reshape(n, 1, 1), stored=(0, 255), range=(0, 255))
    if batch > n:
        with pytest.raises(ValueError, match="batch_size"):
            Batches(data, batch, seed)
        return
    batches = Batches(data, batch, seed)
    seen = collect(batches, e)
    assert len(seen) == batches.rounds == n // batch
    order = host_generator(seed, e).permutation(n)[: batches.rounds * batch]
    assert (numpy.concatenate(seen).ravel() == order).all()


def test_batches_are_the_rows():
    data = Dataset("mine", IMAGES, range=(-1, 1))
    order = host_generator(5, 2).permutation(10)
    for k, x in enumerate(Batches(data, 4, seed=5).epoch(2)):
        assert x.dtype == numpy.float32
        assert (x == data.rows(order[4 * k : 4 * k + 4])).all()


@pytest.mark.parametrize("start", [0, 1, 2, 3])
def test_start_goes_on_where_it_stopped(start):
    data = Dataset("mine", IMAGES)
    whole, rest = collect(Batches(data, 3, 1), 4), collect(Batches(data, 3, 1), 4, start)
    assert len(rest) == 3 - start
    assert all((a == b).all() for a, b in zip(whole[start:], rest, strict=True))


def test_epochs_and_seeds_differ():
    data = Dataset("mine", RNG.integers(0, 256, (50, 2, 3), dtype="uint8"))
    firsts = [collect(Batches(data, 50, seed), e)[0] for seed in (0, 1) for e in (0, 1)]
    assert len({each.tobytes() for each in firsts}) == 4
    assert len({numpy.sort(each.ravel()).tobytes() for each in firsts}) == 1


def test_the_yielded_array_is_one_and_the_same():
    batches = Batches(Dataset("mine", IMAGES), 2)
    assert len({id(x) for x in batches.epoch(0)}) == 1


def test_images_lie_on_the_device_as_stored_and_are_not_copied_on_the_host():
    batches = Batches(Dataset("mine", IMAGES), 2)
    assert batches.images.dtype == numpy.uint8
    assert numpy.shares_memory(batches.images, IMAGES)


def test_a_round_spends_no_more_than_a_batch_as_stored():
    rounds = Batches(Dataset("mine", RNG.integers(0, 256, (512, 28, 28), dtype="uint8")), 128).epoch(0)
    next(rounds)
    tracemalloc.start()
    next(rounds), next(rounds)
    assert tracemalloc.get_traced_memory()[1] < 128 * 784 * 2  # as float32 it would be 4 times
    tracemalloc.stop()


@pytest.mark.parametrize("size", [0, -1, 11])
def test_batch_size_refused(size):
    with pytest.raises(ValueError, match=f"batch_size={size}: expected 1 to 10, the number of images in mine"):
        Batches(Dataset("mine", IMAGES), size)


@pytest.mark.parametrize("start", [-1, 4])
def test_start_refused(start):
    with pytest.raises(ValueError, match=f"epoch 7: start={start}, expected 0 to 3, the rounds of an epoch"):
        next(Batches(Dataset("mine", IMAGES), 3).epoch(7, start))
