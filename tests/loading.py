"""The project's programs as modules, for calling what is in them."""

import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def load(path):
    """The program in this file, which finds its neighbors as it does when a person runs it."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
    return module


def script(name):
    """scripts/NAME.py, or scripts/reports/NAME.py."""
    path = ROOT / "scripts" / f"{name}.py"
    return load(path if path.exists() else ROOT / "scripts" / "reports" / f"{name}.py")
