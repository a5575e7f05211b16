"""MNIST: found, verified, and downloaded where it is missing.

The handwritten digits of Y. LeCun, C. Cortes and C. Burges, licensed CC BY-SA 3.0: 60000 training and 10000
test images of 28x28 pixels. Every file is checked by the sha256 of its decompressed bytes, whoever packed it.
"""

import hashlib
import os
import secrets
import shlex
import time
import urllib.request
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError, URLError

from tqdm import tqdm

from minigan.data.dataset import Dataset
from minigan.data.files import DataError, as_path
from minigan.data.idx import idx_header, read_idx

MIRRORS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://raw.githubusercontent.com/fgnt/mnist/master/",
)
# file: (shape, sha256 of the decompressed bytes, header included)
FILES = {
    "train-images-idx3-ubyte": ((60000, 28, 28), "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
    "train-labels-idx1-ubyte": ((60000,), "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
    "t10k-images-idx3-ubyte": ((10000, 28, 28), "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
    "t10k-labels-idx1-ubyte": ((10000,), "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
}
SPLITS = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
LARGEST = 16 << 20  # bytes; the largest of the four has 9.9 million
PATIENCE = 60  # a file may take this many timeouts in all: at 10 s each, 17 kB/s will do for the largest


class DownloadError(DataError):
    """MNIST is not there and cannot be fetched; the message says why, mirror by mirror, and what to do."""


def mnist(split="train", data_dir=None, download=True, mirrors=MIRRORS, timeout=10.0):
    """The training or test images of MNIST with their labels, as a Dataset.

    With a `data_dir` the two files, NAME.gz or NAME, are looked for there and nowhere else. Without one they
    are looked for in $MINIGAN_DATA and then in the cache, $XDG_CACHE_HOME/minigan or ~/.cache/minigan. What
    is missing is downloaded into `data_dir` or the cache, from the first of the `mirrors` that has it;
    `timeout`, in seconds, is for each answer of a server. A corrupt file in the cache is fetched anew, and
    the data set's `notice` says so.

    Raises DataError for an unknown split, a folder named by the user that does not exist, and a corrupt file
    in it; DownloadError (a DataError) where files are missing and cannot be downloaded, or shall not be
    (download=False).
    """
    if not isinstance(split, str) or split not in SPLITS:
        raise DataError(f"mnist(split={split!r}): expected one of {', '.join(map(repr, SPLITS))}")
    folders, target = search_path(data_dir)
    corrupt, unreachable, arrays = [], {}, []
    for name in SPLITS[split]:
        path = find(name, folders)
        if path is not None:
            try:
                arrays.append(read_verified(path, name))
                continue
            except DataError as error:
                if path.parent != cache_dir():
                    raise
                corrupt.append(str(error))
        try:
            if not download:
                where = " or ".join(map(str, folders))
                raise DownloadError(f"MNIST: no sound {name} in {where}, and download=False")
            arrays.append(fetch(name, target, mirrors, timeout, unreachable))
        except DownloadError as error:
            raise DownloadError("\n".join([*corrupt, str(error), by_hand(split, target)])) from error
    images, labels = arrays
    notice = "\n".join(f"A corrupt file in the cache was fetched anew. {error}" for error in corrupt)
    return Dataset("mnist", images, labels=labels, notice=notice or None)


def cache_dir():
    """$XDG_CACHE_HOME/minigan, or ~/.cache/minigan."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "minigan"


def search_path(data_dir):
    """(folders to look in, folder to download into). DataError where the user named one that is none."""
    if data_dir is not None:
        folder = as_path(data_dir).expanduser()
        _require_folder(folder, "data_dir")
        return [folder], folder
    folders = [cache_dir()]
    if os.environ.get("MINIGAN_DATA"):
        folders.insert(0, Path(os.environ["MINIGAN_DATA"]).expanduser())
        _require_folder(folders[0], "$MINIGAN_DATA")
    return folders, cache_dir()


def _require_folder(folder, what):
    if not folder.is_dir():
        raise DataError(
            f"{what}: there is no folder {folder}: make it (mkdir -p {shlex.quote(str(folder))}) or name another"
        )


def find(name, folders):
    """The first of NAME.gz, NAME in the folders, or None."""
    paths = (folder / each for folder in folders for each in (f"{name}.gz", name))
    return next((path for path in paths if path.exists()), None)


def read_verified(path, name):
    """The array in `path`, verified to be MNIST's file `name`. Raises DataError otherwise."""
    shape, sha256 = FILES[name]
    array = read_idx(path, shape)
    digest = hashlib.sha256(idx_header(shape))
    digest.update(array)
    if digest.hexdigest() != sha256:
        raise DataError(
            f"{path} is not MNIST's {name}: sha256 of the decompressed bytes {digest.hexdigest()}, "
            f"expected {sha256}: delete it, it is corrupt or another data set"
        )
    return array


def fetch(name, folder, mirrors, timeout, unreachable):
    """Download `name` into the folder and return its array.

    It is written as NAME.gz.*.part, under a unique name, and renamed after it was verified: neither Ctrl-C nor another
    download at the same time can leave half a file. `unreachable` maps mirrors that could not be connected to at all to
    the reason; they are not tried again, and those found now are added.

    Raises DownloadError with each mirror's reason, or for a folder that cannot be written.
    """
    part = folder / f"{name}.gz.{secrets.token_hex(4)}.part"
    reasons = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part.touch()
        for mirror in mirrors:
            if mirror in unreachable:
                reasons.append(f"{mirror}: {unreachable[mirror]}")
                continue
            try:
                receive(f"{mirror}{name}.gz", part, timeout)
                array = read_verified(part, name)
            except (OSError, HTTPException, DataError) as error:
                reason = str(error).removeprefix(str(part)).removeprefix(": ") or type(error).__name__
                if isinstance(error, URLError) and not isinstance(error, HTTPError):
                    reason = unreachable[mirror] = str(error.reason)
                reasons.append(f"{mirror}: {reason}")
            else:
                os.replace(part, folder / f"{name}.gz")
                return array
    except OSError as error:
        raise DownloadError(f"MNIST: {folder} cannot be written: {error}") from error
    finally:
        if part.parent.is_dir():
            part.unlink(missing_ok=True)
    raise DownloadError("\n  ".join([f"MNIST: no mirror gave {name}.gz:", *reasons]))


def receive(url, part, timeout):
    """Write the body at `url` into the file `part`, with a progress bar where stderr is a terminal.

    Raises OSError (TimeoutError for too slow a server) or HTTPException for whatever fails, too large a body included.
    """
    end = time.monotonic() + PATIENCE * timeout
    with urllib.request.urlopen(url, timeout=timeout) as response, part.open("wb") as file:
        total = response.length  # None where the server does not say
        with tqdm(total=total, unit="B", unit_scale=True, desc=Path(url).name, disable=None) as bar:
            # read1 returns with what has come; read would wait for all of it, byte by byte, for ever
            while chunk := response.read1(1 << 16):
                file.write(chunk)
                bar.update(len(chunk))
                if file.tell() > LARGEST:
                    raise OSError(f"the body is larger than {LARGEST} bytes")
                if time.monotonic() > end:
                    raise TimeoutError(f"too slow: {file.tell()} bytes in {PATIENCE * timeout:g} s")
            if total is not None and file.tell() < total:
                raise OSError(f"the connection ended after {file.tell()} of {total} bytes")


def by_hand(split, folder):
    """How to get the files of the split without minigan."""
    lines = [f"To get it by hand, put {' and '.join(SPLITS[split])}, gzipped or not, into {folder}:"]
    for name in SPLITS[split]:
        path = shlex.quote(str(folder / f"{name}.gz"))
        lines.append(f"  curl -fL --create-dirs -o {path} {MIRRORS[0]}{name}.gz")
    lines.append("or name the folder that holds them: --data-dir (data_dir in code), or $MINIGAN_DATA.")
    return "\n".join(lines)
