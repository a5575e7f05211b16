"""A sealed file: arrays and a JSON text in one .npz, with a checksum, the file before it kept.

A sealed file is written whole or not at all, and one that was truncated or altered since is refused, not read in part.
"""

import hashlib
import io
import json
import zipfile

import numpy

from minigan.data.files import DataError, as_path, reading, replacing
from minigan.data.npz import read_arrays

FORMAT = 3  # raised whenever the meaning of what is in a file changes
READ = 2, FORMAT  # those that can be read
DIGEST = 64  # bytes of a SHA-256 in hexadecimal, the end of the file


class CheckpointError(DataError):
    """A checkpoint is missing, damaged, or was made for something else; the message says which and what to do."""


def previous(path):
    """Where `write` keeps the checkpoint before the one at `path`."""
    path = as_path(path)
    return path.parent / f"{path.stem}-previous{path.suffix}"


def write(path, arrays, meta):
    """Write {name: array} and the JSON-able `meta` to `path`; the old file becomes `previous(path)`.

    Raises OSError where the disk does not take it; `path` is then as it was.
    """
    buffer = io.BytesIO()
    text = json.dumps({"format": FORMAT, **meta})
    numpy.savez(buffer, meta=numpy.frombuffer(text.encode(), "uint8"), **arrays)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.comment = b"0" * DIGEST
    data = buffer.getbuffer()
    data[-DIGEST:] = hashlib.sha256(data[:-DIGEST]).hexdigest().encode()
    with replacing(path, keep=previous(path)) as file:
        file.write(data)


def read(path):
    """(arrays, meta) of the checkpoint at `path`. Raises CheckpointError, in words, for anything else."""
    path = as_path(path)
    try:
        with reading(path) as file:
            _check_seal(file, path)
            arrays = read_arrays(file, path, remedy="it is not a checkpoint that minigan wrote")
        meta = json.loads(arrays.pop("meta").tobytes())
    except (DataError, KeyError) as error:
        raise CheckpointError(f"{error}{_offer(path)}") from error
    if meta["format"] not in READ:
        remedy = "update minigan" if meta["format"] > FORMAT else "use the minigan that wrote it, or train anew"
        raise CheckpointError(
            f"{path}: written in format {meta['format']}, but this minigan reads format {FORMAT}: {remedy}"
        )
    return arrays, meta


def _check_seal(file, path):
    data = file.read()
    if hashlib.sha256(data[:-DIGEST]).hexdigest().encode() != data[-DIGEST:]:
        raise CheckpointError(
            f"{path}: not a checkpoint of minigan, or truncated or altered since it was written "
            "(its checksum does not agree)"
        )


def _offer(path):
    old = previous(path)
    return f"; the one before it is {old}: name that one" if old.exists() else ""
