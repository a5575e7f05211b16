"""What the tests of several modules share."""

import importlib.util
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from minigan import use
from minigan.backend import kernels, to_numpy, xp


def helper(name):
    """A module of this folder that holds no tests: from here on `import name` finds it."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


NAMED = os.environ.get("MINIGAN_DATA")  # before a test hides it
helper("loading")
standin = helper("standin")


@pytest.fixture(autouse=True)
def on_numpy():
    """Each test starts and ends on the CPU, whatever it switches to."""
    use("numpy")
    yield
    use("numpy")


@pytest.fixture(params=["numpy", "standin", pytest.param("cupy", marks=pytest.mark.gpu)])
def each_backend(request):
    """Run a test on NumPy, on the stand-in for a device, and on a GPU where there is one."""
    if request.param == "standin":
        xp._switch(standin)
        kernels.switch({})  # as use("cupy") does: the twins in threads are NumPy's
    elif request.param == "cupy":
        try:
            use("cupy")
        except RuntimeError as error:
            pytest.skip(str(error))
    return request.param


@pytest.fixture
def on_standin():
    xp._switch(standin)


@pytest.fixture
def undrawn(monkeypatch):
    """The closing pictures are what takes long in a short run."""
    monkeypatch.setattr("minigan.app.run_directory.plots.draw_run", lambda *args: [])


@pytest.fixture
def rng():
    return np.random.default_rng(2014)


@pytest.fixture(scope="session")
def real_mnist():
    """The folder of MNIST's real files."""
    folder = Path(NAMED) if NAMED else Path(__file__).resolve().parents[2] / "shared" / "mnist"
    if not any((folder / f"train-images-idx3-ubyte{suffix}").exists() for suffix in ("", ".gz")):
        pytest.skip(f"no MNIST in {folder}: set MINIGAN_DATA to the folder that holds its four files")
    return folder


@pytest.fixture
def numeric():
    """numeric(loss, a): d loss() / da by central differences, one element at a time, on the host."""

    def numeric(loss, a, eps=1e-5):
        d = np.empty(a.shape)
        for i in np.ndindex(a.shape):
            kept = float(a[i])
            a[i] = kept + eps
            up = float(loss())
            a[i] = kept - eps
            d[i] = (up - float(loss())) / (2 * eps)
            a[i] = kept
        return d

    return numeric


@pytest.fixture
def relative_error():
    """The worst element's error; elements below a thousandth of the largest are held against that thousandth."""

    def relative_error(found, expected):
        found, expected = to_numpy(found), to_numpy(expected)
        assert found.shape == expected.shape
        scale = np.maximum(np.abs(expected), 1e-3 * np.abs(expected).max())
        return np.max(np.abs(found - expected) / scale)

    return relative_error
