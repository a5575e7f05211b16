"""The project's programs as modules, for calling what is in them."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def load(path):
    """The program in this file."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def script(name):
    """scripts/NAME.py."""
    return load(ROOT / "scripts" / f"{name}.py")
