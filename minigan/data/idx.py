"""The idx format of MNIST and similar data: a short header, then the bytes of one array.

    00 00 | type, 1 byte: 08 = unsigned byte | ndim, 1 byte | ndim lengths, each 4 bytes, big-endian | data

Source: http://yann.lecun.com/exdb/mnist/ (by now at https://web.archive.org), "The IDX file format".
"""

import gzip
import math
import os
import struct
import zlib

import numpy

from minigan.data.files import DEFLATE_AT_MOST, DataError, as_path, read_promised, reading

GZIP = b"\x1f\x8b"
UNSIGNED_BYTE = 0x08
MAX_DIMENSIONS = 64  # NumPy's own limit


def idx_header(shape):
    """The header of an idx file of unsigned bytes: header + array.tobytes() is the file."""
    return struct.pack(f">HBB{len(shape)}I", 0, UNSIGNED_BYTE, len(shape), *shape)


def read_idx(path, shape=None):
    """The uint8 array in an idx file, raw or gzipped (told apart by the first two bytes, not by the name).

    `shape`, where given, is the expected one; a None in it stands for any length. The header is compared with
    the size of the file before any data are read, and reading stops at the promised size.

    Raises DataError, naming the file, for anything but a whole and valid idx file of unsigned bytes of that
    shape.
    """
    path = as_path(path)
    if not (shape is None or isinstance(shape, tuple | list)):
        raise DataError(f"{path}: shape={shape!r:.60}: expected a tuple, (None, 28, 28) say, or None")
    with reading(path) as file:
        size = os.fstat(file.fileno()).st_size
        if file.peek(2)[:2] != GZIP:
            return _parse(file, path, size, shape)
        try:
            with gzip.GzipFile(fileobj=file) as stream:
                return _parse(stream, path, size * DEFLATE_AT_MOST, shape)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise DataError(f"{path}: the gzip data are truncated or corrupt ({error}): fetch the file anew") from error


def _parse(stream, path, at_most, shape):
    """The array in `stream`, which cannot hold more than `at_most` bytes."""
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0":
        raise DataError(
            f"{path} is not an idx file: it starts with the bytes '{magic.hex(' ')}', "
            "expected 00 00 08 and the number of dimensions: check the path"
        )
    code, ndim = magic[2:]
    if code != UNSIGNED_BYTE:
        raise DataError(
            f"{path}: idx type code 0x{code:02x}, expected 0x08 (unsigned byte): convert the data to unsigned bytes"
        )
    if not 1 <= ndim <= MAX_DIMENSIONS:
        raise DataError(f"{path}: the idx header has {ndim} dimensions, expected 1 to {MAX_DIMENSIONS}: check it")
    packed = stream.read(4 * ndim)
    if len(packed) < 4 * ndim:
        raise DataError(f"{path}: the file ends inside the header of its {ndim} dimensions: fetch the file anew")
    found = struct.unpack(f">{ndim}I", packed)
    if 0 in found:
        raise DataError(f"{path}: the header promises shape {found}, which is empty: expected at least one element")
    if shape and (len(found) != len(shape) or any(n not in (None, k) for k, n in zip(found, shape, strict=True))):
        expected = ", ".join("any" if n is None else str(n) for n in shape)
        raise DataError(f"{path}: the header promises shape {found}, expected ({expected}): is it the right file?")
    count = math.prod(found)
    if count > at_most:
        raise DataError(
            f"{path}: the header promises shape {found}, {count} bytes, "
            "more than a file of this size can hold: it is truncated or corrupt, fetch it anew"
        )
    return numpy.frombuffer(read_promised(stream, count, path), dtype=numpy.uint8).reshape(found)
