"""What the tests of several modules share."""

import numpy as np
import pytest

from minigan import use


@pytest.fixture(autouse=True)
def on_numpy():
    """Each test starts and ends on the CPU, whatever it switches to."""
    use("numpy")
    yield
    use("numpy")


@pytest.fixture
def rng():
    return np.random.default_rng(2014)


@pytest.fixture
def numeric():
    """numeric(loss, a): d loss() / da by central differences, one element at a time. Knows nothing of minigan."""

    def numeric(loss, a, eps=1e-5):
        d = np.empty_like(a)
        for i in np.ndindex(a.shape):
            kept = a[i]
            a[i] = kept + eps
            up = loss()
            a[i] = kept - eps
            d[i] = (up - loss()) / (2 * eps)
            a[i] = kept
        return d

    return numeric


@pytest.fixture
def relative_error():
    """The worst element's error; elements below a thousandth of the largest are held against that thousandth."""

    def relative_error(found, expected):
        assert found.shape == expected.shape
        scale = np.maximum(np.abs(expected), 1e-3 * np.abs(expected).max())
        return np.max(np.abs(found - expected) / scale)

    return relative_error
