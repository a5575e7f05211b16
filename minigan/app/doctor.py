"""What this machine offers to minigan, and what is missing: `python -m minigan.app.doctor`.

It needs only NumPy and never fails: whatever does not work becomes a line of the report.
"""

import importlib
import importlib.metadata
import os
import platform
import sys

import numpy

from minigan import backend
from minigan.backend import threads
from minigan.backend.switch import INSTALL

SETTINGS = "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_THREAD_TIMEOUT"


def report():
    """(what, how it stands) for each thing that minigan can use, the last two for the device."""
    yield "Python", f"{platform.python_version()} on {platform.platform()}"
    yield "NumPy", numpy.__version__
    yield "BLAS", blas()
    yield "cores", str(os.cpu_count())
    for package, purpose in (("matplotlib", "pictures"), ("tqdm", "progress bars"), ("numba", "faster training")):
        yield package, installed(package) or f"not installed, for {purpose}: pip install {package}"
    yield "CuPy", cupy()
    works, words = device()
    yield "backend", "cupy with --device gpu or auto, numpy with cpu" if works else "numpy, on the CPU"
    yield "GPU", words


def installed(package):
    """The version of an installed package, or None. Does not import it."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def blas():
    """The library of NumPy's matrix products, its threads, and the settings in the environment that bear on them."""
    try:
        built = numpy.show_config(mode="dicts")["Build Dependencies"]["blas"]
        name = f"{built['name']} {built['version']}"
    except KeyError:
        return "none that NumPy knows of: matrix products will be slow"
    each = max(threads.blas(), default="an unknown number of")
    given = ", ".join(f"{name}={os.environ[name]}" for name in SETTINGS if name in os.environ) or "no settings"
    return f"{name}, {each} threads ({given} in the environment)"


def cupy():
    """CuPy's version and those of CUDA, or what to install."""
    try:
        module = importlib.import_module("cupy")
        runtime = module.cuda.runtime
        made_for, driver = runtime.runtimeGetVersion(), runtime.driverGetVersion()
    except ImportError as error:
        return f"does not import ({error}); only a GPU needs it: {INSTALL}"
    except RuntimeError as error:
        return f"{module.__version__}, but CUDA does not answer ({error})"
    driver = f"the driver is for CUDA {_dotted(driver)}" if driver else "there is no NVIDIA driver"
    return f"{module.__version__} with CUDA {_dotted(made_for)}; {driver}"


def device():
    """(whether the GPU works, its name or what is missing)."""
    try:
        with backend.use("cupy") as xp:
            properties = xp.cuda.runtime.getDeviceProperties(xp.cuda.runtime.getDevice())
    except RuntimeError as error:
        return False, f"none: {error}"
    return True, f"{properties['name'].decode()}, {properties['totalGlobalMem'] / 2**30:.0f} GiB"


def _dotted(version):
    return f"{version // 1000}.{version % 1000 // 10}"


def main():
    """Print the report, one line for each thing."""
    for what, words in report():
        print(f"{what:<11}{' '.join(words.split())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
