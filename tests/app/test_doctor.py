"""doctor: what is there and what is missing, on any machine, in words."""

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np

from minigan.app import doctor
from minigan.backend import xp

ROOT = Path(__file__).resolve().parents[2]


def lines():
    return dict(doctor.report())


def test_without_cupy_it_says_what_to_install_and_why_a_package_is_wanted(monkeypatch):
    assert doctor.installed("no-such-package") is None
    monkeypatch.setattr(doctor, "installed", lambda package: None)
    monkeypatch.setitem(sys.modules, "cupy", None)
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    found = lines()
    assert found["CuPy"].startswith("does not import") and "minigan[cuda13]" in found["CuPy"]
    assert found["backend"] == "numpy, on the CPU" and found["GPU"].startswith("none: a GPU needs CuPy")
    assert found["matplotlib"] == "not installed, for pictures: pip install matplotlib"
    assert found["NumPy"] == np.__version__ and "OMP_NUM_THREADS=7" in found["BLAS"]


def test_a_gpu_that_works_is_named_and_the_backend_left_as_it_was(monkeypatch):
    cupy = ModuleType("cupy")
    cupy.__version__, cupy.is_available, cupy.ones = "14.2.0", lambda: True, np.ones
    runtime = cupy.runtime = SimpleNamespace(runtimeGetVersion=lambda: 13020, driverGetVersion=lambda: 12080)
    runtime.getDevice, runtime.getDeviceProperties = int, lambda i: {"name": b"NVIDIA", "totalGlobalMem": 139 * 2**30}
    cupy.cuda = SimpleNamespace(runtime=runtime)
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    found = lines()
    assert found["CuPy"] == "14.2.0 with CUDA 13.2; the driver is for CUDA 12.8"
    assert found["GPU"] == "NVIDIA, 139 GiB" and found["backend"].startswith("cupy") and repr(xp) == "<xp: numpy>"
    cupy.is_available, runtime.driverGetVersion = lambda: False, lambda: 0
    found = lines()
    assert found["CuPy"] == "14.2.0 with CUDA 13.2; there is no NVIDIA driver"
    assert found["GPU"].startswith("none: CuPy 14.2.0 is installed but finds no usable GPU")


def test_it_runs_with_nothing_but_numpy_and_with_the_threads_that_the_environment_asks_for(tmp_path):
    """Where a cupy.py tells on whoever imports it, which `import minigan` does not."""
    (tmp_path / "cupy.py").write_text('raise ImportError("cupy was imported")')
    code = """
import sys
for name in "matplotlib", "tqdm", "hypothesis", "pytest":
    sys.modules[name] = None
sys.argv = ["doctor"]
import minigan, minigan.app.cli, runpy
assert "cupy" not in sys.modules
runpy.run_module("minigan.app.doctor", run_name="__main__")
"""
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "") and "(cupy was imported)" in done.stdout
    assert [line.split()[0] for line in done.stdout.splitlines()] == list(lines())
    assert " 1 threads (" in done.stdout or "unknown number" in done.stdout
