"""Data by name: MNIST, the embedded digits, or a file of the user's."""

import difflib
from dataclasses import replace
from pathlib import Path

from minigan.data import digits, mnist
from minigan.data.dataset import Dataset
from minigan.data.files import DataError, as_path
from minigan.data.idx import read_idx
from minigan.data.mnist import DownloadError
from minigan.data.npz import read_labels, read_npy, read_npz

CHOICES = (
    "expected 'auto' (MNIST, or the embedded digits where it cannot be had), 'mnist', 'digits', 'idx' (any idx file of "
    "images, named with --data-dir), or the path of an .npz with an array 'images' (N, H, W) or "
    "(N, H, W, 3) and, if you have them, 'labels' (N,), of an .npy that is the images, of an idx file, or of a folder "
    "that holds one"
)
ARRAYS = {".npz": read_npz, ".npy": read_npy}


def load(name="auto", data_dir=None, range=(-1.0, 1.0)):
    """The data set `name`, for batches in `range`: (-1, 1) if the generator ends in Tanh, (0, 1) for Sigmoid.

    name: "auto", "mnist", "digits", "idx" or a path: see CHOICES. `data_dir` is the folder of MNIST's files,
    or, for "idx", the file of images or a folder that holds just one; "digits" and paths do without it. Where
    "auto" had to fall back, or a corrupt file was replaced, the data set's `notice` says so: show it.

    Raises DataError for an unknown name and for data that are not as they should be, DownloadError (a
    DataError) where "mnist" cannot be had.
    """
    for value in name, data_dir:
        if value is not None:
            as_path(value)
    return replace(_load("" if name is None else name, data_dir), range=range)


def _load(name, data_dir):
    if name == "auto":
        try:
            return mnist.mnist(data_dir=data_dir)
        except DownloadError as error:
            notice = f"MNIST cannot be had, so these are the embedded 8x8 digits.\n{error}"
            return replace(digits.digits(), notice=notice)
    if name == "mnist":
        return mnist.mnist(data_dir=data_dir)
    if name == "digits":
        return digits.digits()
    if name == "idx":
        return _idx(_idx_file(data_dir))
    path = Path(name).expanduser()
    if name and path.is_dir():
        return _idx(_idx_file(path))
    if path.suffix in ARRAYS:
        images = ARRAYS[path.suffix](path)
        return _stored(path, images, read_labels(path) if path.suffix == ".npz" else None)
    if path.is_file():
        return _idx(path)
    close = difflib.get_close_matches(str(name).lower(), ("auto", "mnist", "digits", "idx"), 1)
    meant = f"did you mean {close[0]!r}? " if close else ""
    raise DataError(f"data {str(name)!r}: no such data set, and no such file; {meant}{CHOICES}")


def _idx(path):
    return Dataset(path.name, read_idx(path))


def _idx_file(data_dir):
    """`data_dir` itself, or the one file of images in it, the training images where there are several."""
    if data_dir is None:
        raise DataError("data 'idx' needs data_dir: an idx file of images, or the folder that holds one")
    folder = Path(data_dir).expanduser()
    if not folder.is_dir():
        return folder
    found = sorted(path for path in folder.glob("*images*idx[34]*") if path.suffix != ".part")
    for path in found:
        if path.name in ("train-images-idx3-ubyte", "train-images-idx3-ubyte.gz"):
            return path
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise DataError(
            f"{folder}: expected one idx file of images (*images*idx3*, in color idx4), found {names}: name the file "
            "itself, or put your pictures into one .npz with an array 'images' (N, H, W)"
        )
    return found[0]


def _stored(path, images, labels):
    if images.dtype != "uint8":
        return Dataset(path.name, images, stored=(0, 1) if images.min() >= 0 else (-1, 1), labels=labels)
    notice = None
    if images.max() <= 1:
        notice = f"{path}: no pixel exceeds 1, and uint8 counts from 0 to 255, so all is black: multiply by 255?"
    return Dataset(path.name, images, labels=labels, notice=notice)
