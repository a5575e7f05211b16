"""Data to train on: `load` finds, checks and returns it; `Batches` deals it out."""

from minigan.data.dataset import Batches, Dataset
from minigan.data.files import DataError
from minigan.data.idx import read_idx
from minigan.data.load import load
from minigan.data.mnist import DownloadError
from minigan.data.npz import read_npy, read_npz

__all__ = ["Batches", "DataError", "Dataset", "DownloadError", "load", "read_idx", "read_npy", "read_npz"]
