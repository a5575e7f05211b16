"""Files: those of others are read without trust, our own are written whole or not at all."""

import contextlib
import errno
import json
import os
from pathlib import Path

# A byte of deflate holds at most this many bytes, so a file of n bytes holds at most 1032 n:
# https://zlib.net/zlib_tech.html, "Maximum Compression Factor".
DEFLATE_AT_MOST = 1032
CHUNK = 1 << 20
IMAGES = "(N, H, W), or (N, H, W, 3) in color,"


class DataError(ValueError):
    """A file or folder of the user's is wrong; the message names it and says what to do."""


def as_path(path):
    """The Path of a text or a path. Raises DataError for anything else, and for a name that no file can have."""
    if not isinstance(path, str | os.PathLike) or "\0" in os.fspath(path):
        raise DataError(f"{path!r:.60}: expected a path, as a text or a pathlib.Path")
    return Path(path)


@contextlib.contextmanager
def reading(path):
    """The regular file at `path` (a Path), open for reading; every OSError becomes a DataError in words."""
    try:
        if not path.exists():
            raise DataError(f"{path}: no such file: check the path")
        if not path.is_file():  # a pipe would block, a device never end
            raise DataError(f"{path} is a folder or a device, expected a file")
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}): check its permissions") from error


def read_text(path, most, what):
    """The text of at most so many bytes in the file at `path` (a Path), with or without a byte order mark.

    Raises DataError where there are more, or they are no `what` in UTF-8.
    """
    with reading(path) as file:
        raw = file.read(most + 1)
    if len(raw) > most:
        raise DataError(f"{path}: more than {most:,} bytes: cut it")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is no {what} in UTF-8 ({error}): save it as one") from None


def read_promised(stream, count, path):
    """The next `count` bytes of `stream`, which must then end; memory grows only with what is really there.

    Raises DataError where fewer or more bytes follow.
    """
    data = bytearray()
    while len(data) < count:
        chunk = stream.read(min(CHUNK, count - len(data)))
        if not chunk:
            raise DataError(
                f"{path}: the header promises {count} bytes of data, but only {len(data)} follow: "
                "the file is truncated, fetch or write it anew"
            )
        data += chunk
    if stream.read(1):  # in a compressed file this is also what makes Python compare the checksum
        raise DataError(
            f"{path}: more bytes follow the {count} bytes of data that the header promises: "
            "the file is corrupt, fetch or write it anew"
        )
    return data


def read_rows(path, columns):
    """The rows in the file at `path` (a Path), one JSON object in a line; none where there is no file.

    Raises DataError for a line that is not such an object, or lacks one of the `columns`, and where no such file could
    be written.
    """
    if path.is_dir() or not path.parent.is_dir():
        raise DataError(f"{path}: expected the name of a file, in a folder that there is")
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines() if path.exists() else [], 1):
        try:
            row = json.loads(line)
        except ValueError as error:
            raise DataError(f"{path}, line {number} is not JSON ({error}): delete that line") from error
        if not isinstance(row, dict) or not columns <= row.keys():
            raise DataError(f"{path}, line {number} is no result of this script: expected {sorted(columns)}")
        rows.append(row)
    return rows


@contextlib.contextmanager
def replacing(path, mode="wb", keep=None, **options):
    """A file to write in place of `path`: a temporary one beside it, synced and renamed once it is whole.

    If the block raises, `path` is as it was. `keep` is a path under which the old file is kept; at every moment one of
    the two exists. Raises DataError unless it is a path, OSError as the disk does, and IsADirectoryError for a folder.
    """
    path = as_path(path)
    if path.is_dir():  # before `keep` takes it for the old file
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    part = path.with_name(f"{path.name}.part")
    try:
        with open(part, mode, **options) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if keep is not None and path.exists():
            _link(path, keep)
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise


def _link(path, keep):
    """Let `keep` name the file at `path` too, in one step; where links are not to be had, move it."""
    second = keep.with_name(f"{keep.name}.part")
    second.unlink(missing_ok=True)
    try:
        os.link(path, second)
    except OSError:
        os.replace(path, keep)
    else:
        os.replace(second, keep)


def is_images(shape):
    """Whether an array of this shape holds images: IMAGES."""
    return len(shape) == 3 or (len(shape) == 4 and shape[3] == 3)
