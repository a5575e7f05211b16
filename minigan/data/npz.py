"""Arrays from .npz and .npy files, as numpy.savez and numpy.save write them, read without trust."""

import math
import os
import zipfile
import zlib

import numpy

from minigan.data.files import DEFLATE_AT_MOST, IMAGES, DataError, as_path, is_images, read_promised, reading

HEADERS = {
    (1, 0): numpy.lib.format.read_array_header_1_0,
    (2, 0): numpy.lib.format.read_array_header_2_0,
}
UNSOUND = zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError, KeyError
# RuntimeError: an encrypted entry, or (NotImplementedError) a method that zipfile does not know


def read_npz(path):
    """The array `images` of a .npz file, (N, H, W) or (N, H, W, 3): uint8, or float16, float32 or float64.

    Raises DataError, naming the file, for anything else.
    """
    path = as_path(path)
    with reading(path) as file:
        remedy = "write it with numpy.savez_compressed(path, images=images)"
        return read_arrays(file, path, ["images"], _images, remedy)["images"]


def read_labels(path):
    """The array `labels` of the same file, (N,) integers, or None if it has none. Raises DataError as that does."""
    path = as_path(path)
    with reading(path) as file:
        remedy = "write them with numpy.savez_compressed(path, images=images, labels=labels)"
        return read_arrays(file, path, ["labels"], _labels, remedy, needed=False).get("labels")


def read_npy(path):
    """The same of a .npy file, which holds but one array. Raises DataError as that does."""
    path = as_path(path)
    with reading(path) as file:
        try:
            return _array(file, os.fstat(file.fileno()).st_size, path, "images", _images, "write it with numpy.save")
        except DataError:
            raise
        except UNSOUND as error:
            raise DataError(f"{path} is not a sound .npy file ({error}): write it with numpy.save") from error


def read_arrays(file, path, names=None, check=None, remedy="write it with numpy.savez", needed=True):
    """{name: array} for the `names`, or for all, of the .npz in the open binary `file`; `path` names it in errors.

    Where they are not `needed`, names that the file lacks are left out.

    numpy.load would trust each header and reserve the memory that it asks for. Here the header is first compared with
    the size of the zip entry and of the file, and, where it is given, checked by check(where, shape, dtype), which
    raises what it likes. Nothing is unpickled. Raises DataError, ending in the `remedy`, for a damaged file.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.namelist()
            present = [entry.removesuffix(".npy") for entry in entries]
            for name in names or ():
                if needed and f"{name}.npy" not in entries:
                    only = ", ".join(map(repr, present)) or "nothing"
                    raise DataError(f"{path} has no array named {name!r}, only {only}: {remedy}")
            wanted = [name for name in names or present if f"{name}.npy" in entries]
            return {name: _entry(archive, name, path, check, remedy) for name in wanted}
    except DataError:
        raise
    except UNSOUND as error:
        what = str(error) or type(error).__name__
        raise DataError(f"{path} is not a sound .npz file ({what}): {remedy}") from error


def _entry(archive, name, path, check, remedy):
    entry = archive.getinfo(f"{name}.npy")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise DataError(f"{path}: {name!r} is packed by another method than stored or deflated: {remedy}")
    at_most = os.fstat(archive.fp.fileno()).st_size * DEFLATE_AT_MOST
    with archive.open(entry) as stream:
        return _array(stream, entry.file_size, path, name, check, remedy, at_most)


def _array(stream, size, path, name, check, remedy, at_most=math.inf):
    """The array in a stream of `size` bytes, as it is claimed; more than `at_most` it cannot hold."""
    where = f"{path}: {name!r}"
    version = numpy.lib.format.read_magic(stream)
    if version not in HEADERS:
        raise DataError(f"{where} has npy version {version}, expected (1, 0) or (2, 0): {remedy}")
    try:
        shape, fortran, dtype = HEADERS[version](stream)
    except Exception as error:  # whatever Python's tokenizer and compiler make of it comes through
        raise DataError(f"{path}: the header of {name!r} cannot be read ({error}): {remedy}") from error
    if dtype.hasobject:
        raise DataError(f"{where} holds Python objects, expected numbers in one array of one shape: {remedy}")
    if check:
        check(where, shape, dtype)
    count = math.prod(shape) * dtype.itemsize
    if count != size - stream.tell() or size > at_most:
        raise DataError(
            f"{path}: the header of {name!r} promises shape {shape}, {count} bytes, which the file does not hold: "
            "it is truncated or corrupt, write it anew"
        )
    array = numpy.frombuffer(read_promised(stream, count, path), dtype=dtype)
    array = array.reshape(shape, order="F" if fortran else "C")
    return numpy.ascontiguousarray(array, dtype=dtype.newbyteorder("=")).reshape(shape)


def _images(where, shape, dtype):
    if dtype != numpy.uint8 and not (dtype.kind == "f" and dtype.itemsize <= 8):
        raise DataError(
            f"{where} has dtype {dtype}, expected uint8 (0 to 255) or float32 (0 to 1, or -1 to 1): "
            "images.astype('uint8'), say"
        )
    if not is_images(shape):
        raise DataError(f"{where} has shape {shape}, expected images {IMAGES} red, green and blue last")
    if min(shape) < 1:
        raise DataError(f"{where} has shape {shape}, which is empty: expected at least one image")


def _labels(where, shape, dtype):
    if dtype.kind not in "iu" or len(shape) != 1:
        raise DataError(
            f"{where} has shape {shape} and dtype {dtype}, expected (N,) integers, the class of each image: "
            "labels.argmax(axis=1) of rows with a single 1, or leave them out"
        )
