"""The embedded digits."""

import numpy

from minigan.data.digits import digits


def test_what_they_are_and_whose():
    data = digits()
    assert data.images.shape == (1797, 8, 8) and data.images.dtype == numpy.uint8
    assert (data.images.min(), data.images.max()) == data.stored == (0, 16)
    assert data.labels.dtype == numpy.uint8
    assert numpy.bincount(data.labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert data.sha256 == "5bc7f24e2d037bcb2a7115e0717894f69e75510dae324a18ed27b05ac11e849d"
    assert all(word in digits.__doc__ for word in ("Alpaydin", "Kaynak", "1998", "10.24432/C50P49", "CC BY 4.0"))
