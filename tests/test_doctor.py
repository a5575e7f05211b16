"""doctor: what is there and what is missing, on any machine, in words."""

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from minigan import doctor
from minigan.backend import xp

ROOT = Path(__file__).resolve().parents[1]


def lines():
    return dict(doctor.report())


def stub_cupy(monkeypatch, driver, works):
    """A module that passes for CuPy on a machine with this driver."""
    cupy = ModuleType("cupy")
    cupy.__version__, cupy.is_available, cupy.ones = "14.2.0", lambda: works, np.ones
    cupy.cuda = SimpleNamespace(
        runtime=SimpleNamespace(
            runtimeGetVersion=lambda: 13020,
            driverGetVersion=lambda: driver,
            getDevice=lambda: 0,
            getDeviceProperties=lambda i: {"name": b"NVIDIA H200", "totalGlobalMem": 139 * 2**30},
        )
    )
    monkeypatch.setitem(sys.modules, "cupy", cupy)


def test_without_cupy_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    found = lines()
    assert found["CuPy"].startswith("does not import") and "minigan[cuda13]" in found["CuPy"]
    assert found["backend"] == "numpy, on the CPU" and found["GPU"].startswith("none: a GPU needs CuPy")


def test_without_a_driver_it_says_so(monkeypatch):
    stub_cupy(monkeypatch, driver=0, works=False)
    found = lines()
    assert found["CuPy"] == "14.2.0 with CUDA 13.2; there is no NVIDIA driver"
    assert found["GPU"].startswith("none: CuPy 14.2.0 is installed but finds no usable GPU")


def test_a_gpu_that_works_is_named_and_the_backend_left_as_it_was(monkeypatch):
    stub_cupy(monkeypatch, driver=12080, works=True)
    found = lines()
    assert found["CuPy"] == "14.2.0 with CUDA 13.2; the driver is for CUDA 12.8"
    assert found["GPU"] == "NVIDIA H200, 139 GiB" and found["backend"].startswith("cupy")
    assert repr(xp) == "<xp: numpy>"


def test_cuda_that_does_not_answer_is_a_line_and_no_traceback(monkeypatch):
    def fail():
        raise RuntimeError("cudaErrorUnknown")

    stub_cupy(monkeypatch, driver=0, works=False)
    sys.modules["cupy"].cuda.runtime.driverGetVersion = fail
    assert lines()["CuPy"] == "14.2.0, but CUDA does not answer (cudaErrorUnknown)"


def test_a_package_that_is_missing_is_named_with_its_purpose(monkeypatch):
    assert doctor.installed("no-such-package") is None
    monkeypatch.setattr(doctor, "installed", lambda package: None)
    assert lines()["matplotlib"] == "not installed, for pictures: pip install matplotlib"


def test_versions_and_threads_are_those_of_this_process(monkeypatch):
    found = lines()
    assert found["NumPy"] == np.__version__ and found["Python"].startswith(sys.version.split()[0])
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert "OMP_NUM_THREADS=7" in lines()["BLAS"]


@pytest.mark.skipif(doctor.blas_threads() is None, reason="NumPy has another BLAS here than its wheels carry")
def test_the_threads_of_blas_are_what_the_environment_asks_for():
    code = "from minigan.doctor import blas_threads; print(blas_threads())"
    for threads in "1", "2":
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": threads}
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
        assert int(done.stdout) == min(int(threads), os.cpu_count()), done.stderr


def test_it_runs_with_nothing_but_numpy():
    code = """
import sys
for name in "matplotlib", "tqdm", "cupy", "hypothesis", "pytest":
    sys.modules[name] = None
sys.argv = ["doctor"]
import runpy
runpy.run_module("minigan.doctor", run_name="__main__")
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[0] for line in done.stdout.splitlines()] == list(lines())


def test_import_minigan_does_not_import_cupy_even_where_it_could(tmp_path):
    """A cupy.py that tells on whoever imports it."""
    (tmp_path / "cupy.py").write_text('raise SystemExit("cupy was imported")')
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    code = "import minigan, minigan.training, minigan.cli, minigan.doctor; print('ok')"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "ok\n"), done.stderr
    code = "import minigan; minigan.use('cupy')"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.stderr == "cupy was imported\n"
