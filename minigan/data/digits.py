"""1797 handwritten digits of 8x8 pixels, in the package: something to train on where MNIST cannot be had."""

from pathlib import Path

import numpy

from minigan.data.dataset import Dataset

PATH = Path(__file__).with_name("digits.npz")


def digits():
    """1797 gray images of handwritten digits, (1797, 8, 8), values 0 to 16, with their labels.

    Source: the test part of "Optical Recognition of Handwritten Digits", E. Alpaydin and C. Kaynak, 1998, UCI
    Machine Learning Repository, https://doi.org/10.24432/C50P49, licensed CC BY 4.0; here as scikit-learn's
    `load_digits` carries it, stored as uint8, else unchanged:

        data = sklearn.datasets.load_digits()
        numpy.savez_compressed(path, images=data.images.astype("uint8"), labels=data.target.astype("uint8"))
    """
    with numpy.load(PATH, allow_pickle=False) as file:
        return Dataset("digits", file["images"], stored=(0, 16), labels=file["labels"])
