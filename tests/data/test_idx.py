"""read_idx: every whole file comes back bit by bit, every other one is refused in words."""

import gzip
import os
import tracemalloc

import numpy
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minigan.data import DataError, read_idx
from minigan.data.idx import idx_header

ARRAY = numpy.arange(24, dtype="uint8").reshape(2, 3, 4)
RAW = idx_header(ARRAY.shape) + ARRAY.tobytes()
quick = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def write(tmp_path):
    def write(data, name="file"):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


def refused(path, words="", **kwargs):
    with pytest.raises(DataError) as caught:
        read_idx(path, **kwargs)
    assert str(path) in str(caught.value) and words in str(caught.value)


def test_header_is_that_of_mnist():
    assert idx_header((60000, 28, 28)) == bytes.fromhex("00000803 0000ea60 0000001c 0000001c")
    assert idx_header((60000,)) == bytes.fromhex("00000801 0000ea60")


@quick
@given(array=hnp.arrays("uint8", hnp.array_shapes(max_dims=5, max_side=6)), pack=st.booleans())
def test_round_trip(write, array, pack):
    raw = idx_header(array.shape) + array.tobytes()
    found = read_idx(write(gzip.compress(raw) if pack else raw), array.shape)
    assert found.dtype == numpy.uint8 and found.shape == array.shape
    assert (found == array).all()


@quick
@given(data=st.data(), pack=st.booleans())
def test_every_truncation_is_refused(write, data, pack):
    whole = gzip.compress(RAW) if pack else RAW
    refused(write(whole[: data.draw(st.integers(0, len(whole) - 1))]))


@quick
@given(where=st.integers(0, 10**6), flip=st.integers(1, 255), pack=st.booleans())
def test_a_flipped_byte_is_refused_or_harmless(write, where, flip, pack):
    """Data in a raw file carry no checksum; in a gzip file they do, only trivia of its header may change."""
    broken = bytearray(gzip.compress(RAW, mtime=0) if pack else RAW)
    broken[where % len(broken)] ^= flip
    try:
        found = read_idx(write(bytes(broken)))
    except DataError:
        return
    assert found.size == ARRAY.size
    assert not pack or (found == ARRAY).all()


def dimensions(ndim):
    return bytes([0, 0, 8, ndim]) + b"\0\0\0\1" * ndim + b"x"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x89PNG\r\n", "is not an idx file: it starts with the bytes '89 50 4e 47', expected 00 00 08"),
        (b"", "is not an idx file"),
        (bytes([0, 0, 9, 1, 0, 0, 0, 1, 7]), "0x09, expected 0x08 (unsigned byte)"),
        (dimensions(0), "0 dimensions, expected 1 to 64"),
        (dimensions(65), "65 dimensions, expected 1 to 64"),
        (idx_header((0, 28, 28)), "shape (0, 28, 28), which is empty"),
        (RAW[:-1], "24 bytes of data, but only 23 follow"),
        (gzip.compress(RAW[:-1]), "promises 24 bytes of data, but only 23 follow: the file is truncated"),
        (gzip.compress(RAW)[:-9], "the gzip data are truncated or corrupt"),
        (RAW + b"x", "more bytes follow the 24 bytes"),
        (gzip.compress(RAW + b"x"), "more bytes follow the 24 bytes"),
        (gzip.compress(RAW) + b"x", "the gzip data are truncated or corrupt"),
    ],
)
def test_what_is_no_whole_idx_file_is_refused(write, data, words):
    refused(write(data), words)


def test_expected_shape(write):
    path = write(RAW)
    assert read_idx(path, (None, 3, 4)).shape == (2, 3, 4)
    refused(path, "promises shape (2, 3, 4), expected (any, 3, 5)", shape=(None, 3, 5))
    refused(path, "promises shape (2, 3, 4), expected (2)", shape=(2,))


ABSURD = idx_header((10**6, 1000, 1000)) + b"x" * 1000
LIE = gzip.compress(idx_header((400_000_000,)) + numpy.random.default_rng(0).bytes(500_000))  # the ratio allows it
BOMB = gzip.compress(idx_header((10,)) + bytes(10_000_000), 1)


@pytest.mark.parametrize(
    ("data", "words", "most"),
    [
        (ABSURD, "(1000000, 1000, 1000), 1000000000000 bytes, more than a file of this size can hold", 2_000_000),
        (gzip.compress(ABSURD), "more than a file of this size can hold", 2_000_000),
        (LIE, "only 500000 follow", 4_000_000),
        (BOMB, "more bytes follow the 10 bytes", 2_000_000),
    ],
    ids=["absurd", "absurd and packed", "lie", "bomb"],
)
def test_a_header_that_lies_spends_no_memory(write, data, words, most):
    path = write(data)
    tracemalloc.start()
    refused(path, words)
    assert tracemalloc.get_traced_memory()[1] < most
    tracemalloc.stop()


def test_no_such_file(tmp_path):
    refused(tmp_path / "nothing", "no such file")
    refused(tmp_path, "is a folder or a device, expected a file")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")  # to read it would block
        refused(tmp_path / "pipe", "expected a file")


def test_unreadable(write, monkeypatch):
    path = write(RAW)

    def denied(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "open", denied)
    refused(path, "cannot be read (Permission denied)")
