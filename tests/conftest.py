"""What the tests of several modules share."""

import importlib.util
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from minigan import use
from minigan.backend import kernels, xp


def helper(name):
    """A module of this folder that holds no tests: from here on `import name` finds it."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


NAMED = os.environ.get("MINIGAN_DATA")  # before a test hides it
helper("loading")
helper("subjects")
standin = helper("standin")


@pytest.fixture(autouse=True)
def on_numpy():
    """Each test starts and ends on the CPU, whatever it switches to."""
    use("numpy")
    yield
    use("numpy")


DEVICES = ["standin", *([pytest.param("cupy", marks=pytest.mark.gpu)] if importlib.util.find_spec("cupy") else [])]


def switch_to(name):
    """Compute on NumPy, on the stand-in for a device, or on a GPU; the test is skipped where there is none."""
    if name == "standin":
        xp._switch(standin)
        kernels.switch({})  # as use("cupy") does: the twins in threads are NumPy's
    elif name == "cupy":
        try:
            use("cupy")
        except RuntimeError as error:
            pytest.skip(str(error))


@pytest.fixture(params=["numpy", *DEVICES])
def each_backend(request):
    """Run a test on NumPy and on each device."""
    switch_to(request.param)
    return request.param


@pytest.fixture(params=DEVICES)
def to_device(request):
    """to_device() goes on on each device."""
    return lambda: switch_to(request.param)


@pytest.fixture
def on_standin():
    switch_to("standin")


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
