"""read_idx: every whole file comes back bit by bit, every other one is refused in words."""

import gzip
import os
import struct
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
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def write(tmp_path):
    def write(data, name="file"):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


def refused(path, *words, **kwargs):
    with pytest.raises(DataError) as caught:
        read_idx(path, **kwargs)
    for word in (str(path), *words):
        assert word in str(caught.value)


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


@pytest.mark.parametrize("name", ["images", "images.gz"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_gzip_is_known_by_its_bytes_not_by_the_name(write, name, pack):
    assert (read_idx(write(pack(RAW), name)) == ARRAY).all()


def test_larger_than_a_chunk(write):
    array = numpy.random.default_rng(0).integers(0, 256, (3, 1000, 1000), dtype="uint8")
    assert (read_idx(write(gzip.compress(idx_header(array.shape) + array.tobytes(), 1))) == array).all()


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


@quick
@given(st.binary(max_size=60), st.booleans())
def test_noise_is_refused_or_read(write, noise, pack):
    try:
        read_idx(write(gzip.compress(noise) if pack else noise))
    except DataError:
        pass


def test_not_idx(write):
    refused(write(b"\x89PNG\r\n"), "is not an idx file", "'89 50 4e 47'", "expected 00 00 08")
    refused(write(b""), "is not an idx file")


@pytest.mark.parametrize("code", [0x00, 0x09, 0x0B, 0x0D])
def test_type_code(write, code):
    refused(write(bytes([0, 0, code, 1, 0, 0, 0, 1, 7])), f"0x{code:02x}", "expected 0x08 (unsigned byte)")


@pytest.mark.parametrize("ndim", [0, 65, 255])
def test_number_of_dimensions(write, ndim):
    refused(write(bytes([0, 0, 8, ndim]) + b"\0\0\0\1" * ndim + b"x"), f"{ndim} dimensions, expected 1 to 64")


def test_header_cut_short(write):
    refused(write(RAW[:10]), "ends inside the header of its 3 dimensions")


def test_empty_array(write):
    refused(write(idx_header((0, 28, 28))), "shape (0, 28, 28), which is empty")


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_expected_shape(write, pack):
    path = write(pack(RAW))
    assert read_idx(path, (None, 3, 4)).shape == (2, 3, 4)
    refused(path, "promises shape (2, 3, 4), expected (any, 3, 5)", shape=(None, 3, 5))
    refused(path, "promises shape (2, 3, 4), expected (2)", shape=(2,))


def test_truncated(write):
    refused(write(RAW[:-1]), "24 bytes", "only 23 follow")
    refused(write(gzip.compress(RAW[:-1])), "promises 24 bytes of data, but only 23 follow", "truncated")
    refused(write(gzip.compress(RAW)[:-9]), "the gzip data are truncated or corrupt")


def test_trailing_bytes(write):
    refused(write(RAW + b"x"), "more bytes follow the 24 bytes")
    refused(write(gzip.compress(RAW + b"x")), "more bytes follow the 24 bytes")
    refused(write(gzip.compress(RAW) + b"x"), "the gzip data are truncated or corrupt")


def test_gzip_checksum(write):
    packed = bytearray(gzip.compress(RAW))
    packed[-8] ^= 1  # the first byte of the CRC
    refused(write(bytes(packed)), "the gzip data are truncated or corrupt", "CRC")


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_absurd_header_spends_no_memory(write, pack):
    path = write(pack(struct.pack(">HBB3I", 0, 8, 3, 10**6, 1000, 1000) + b"x" * 1000))
    tracemalloc.start()
    refused(path, "(1000000, 1000, 1000), 1000000000000 bytes", "more than a file of this size can hold")
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()


def test_lie_that_the_ratio_allows_spends_only_what_is_there(write):
    noise = numpy.random.default_rng(0).bytes(500_000)
    path = write(gzip.compress(idx_header((400_000_000,)) + noise))
    tracemalloc.start()
    refused(path, "only 500000 follow")
    assert tracemalloc.get_traced_memory()[1] < 4_000_000
    tracemalloc.stop()


def test_bomb_stops_at_the_promised_size(write):
    path = write(gzip.compress(idx_header((10,)) + bytes(50_000_000), 1))
    tracemalloc.start()
    refused(path, "more bytes follow the 10 bytes")
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()


def test_no_such_file(tmp_path):
    refused(tmp_path / "nothing", "no such file")
    refused(tmp_path, "is a folder or a device, expected a file")


def test_a_pipe_does_not_block(tmp_path):
    if not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes on this system")
    os.mkfifo(tmp_path / "pipe")
    refused(tmp_path / "pipe", "expected a file")


def test_unreadable(write, monkeypatch):
    path = write(RAW)

    def denied(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "open", denied)
    refused(path, "cannot be read (Permission denied)")
