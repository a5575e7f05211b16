"""The rules of the house, held against the source: who imports from whom, and what nobody does."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from minigan import house

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted([*(ROOT / "minigan").rglob("*.py"), *(ROOT / "scripts").rglob("*.py")])
MATHEMATICS = house.ORDER[house.ORDER.index("layers/layer") : house.ORDER.index("gan") + 1]
SEEDED = "Generator|PCG64|Philox4x3210|SeedSequence|default_rng"
DRAWS = re.compile(
    rf"^\s*(?:import random|from random import|from numpy\.random import)|default_rng\(\)|\.random\.(?!(?:{SEEDED})\b)",
    re.MULTILINE,
)  # without a seed


def roots(tree):
    """The packages that are imported anywhere in a syntax tree: numpy, minigan, ..."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module.partition(".")[0]


def waits(tree):
    """Calls that bring a number to the host, and so wait for the device."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            source = ast.unparse(node)
            if name in ("float", "item", "tolist", "to_numpy", "asnumpy") and "finfo(" not in source:  # a constant
                yield source


def found_in(names, find):
    """{file: what `find` finds in its syntax tree}, of the files where it finds anything."""
    found = {name: list(find(house.parsed(name))) for name in names}
    return {name: what for name, what in found.items() if what}


def test_every_file_has_its_place_and_imports_only_from_those_above_it_and_the_core_is_whole():
    assert list(house.complaints()) == []


@pytest.mark.parametrize(
    ("source", "files"),
    [
        ("from minigan.network import Network", {"network"}),
        ("def f():\n    import minigan.gan", {"gan"}),
        ("from minigan.layers import Dense as D, LeakyReLU", {"layers/dense", "layers/activations"}),
        (
            "from minigan import objectives",
            {f"objectives/{name}" for name in ("minimax", "others", "auxiliary", "jvp", "penalties")},
        ),
        ("from minigan import GAN", {"__init__"}),
        ("from minigan.data import load", {"data/load"}),
        ("import numpy, layers\nfrom matplotlib.gan import GAN", set()),
    ],
)
def test_a_name_is_imported_from_the_file_that_defines_it(source, files):
    assert house.imports("app/doctor", ast.parse(source)) == files


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """A house of three files, as it should be: planted(name, source) changes one of them."""
    monkeypatch.setattr(house, "PACKAGE", tmp_path)
    monkeypatch.setattr(house, "ORDER", ["room/first", "room/second", "third"])
    monkeypatch.setattr(house, "ROOMS", {"room": ["room/first", "room/second"], "third": ["third"]})
    monkeypatch.setattr(house, "CORE", ["room/first", "third"])

    def write(name, source):
        (tmp_path / f"{name}.py").parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.py").write_text(source)

    write("room/__init__", '"""A room."""\nfrom minigan.room.second import b\n__all__ = ["b"]\n')
    write("room/first", '"""The first\nof two. And more."""\na = 1\n')
    write("room/second", '"""The second."""\nfrom minigan.room.first import a\nb = a\n')
    write("third", '"""Is it the last?"""\nfrom minigan.room.first import a\n')
    assert list(house.complaints()) == []
    return write


@pytest.mark.parametrize(
    ("name", "source", "complaint"),
    [
        ("fourth", "", "fourth.py has no place in the table"),
        ("room/__init__", "def f():\n    pass", "room/__init__.py has no place in the table"),
        ("room/first", "import minigan.third", "room/first.py imports from third.py, which does not stand above it"),
        ("third", "from minigan.room import b", "the core imports room/second.py, which is not of the core"),
    ],
)
def test_what_is_not_as_it_should_be_is_named(planted, name, source, complaint, capsys):
    planted(name, source)
    assert house.main() == 1
    assert capsys.readouterr().out.startswith(complaint)


def test_the_package_imports_in_reading_order():
    imported = [node.module for node in house.parsed("__init__").body if isinstance(node, ast.ImportFrom)]
    rooms = [list(house.ROOMS).index(module.split(".")[1]) for module in imported]
    assert len(rooms) > 5 and rooms == sorted(rooms)


def test_no_file_is_long():
    assert [name for name in house.ORDER if house.lines(name) >= 300] == []


def test_the_mathematics_reaches_arrays_through_the_backend_only():
    assert found_in(MATHEMATICS, lambda tree: {"numpy", "cupy"} & set(roots(tree))) == {}


def test_nothing_in_a_round_waits_for_the_device():
    assert found_in(MATHEMATICS, waits) == {}


def test_nobody_imports_cupy_by_name_or_draws_without_a_seed():
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        assert not DRAWS.findall(text) and "cupy" not in roots(ast.parse(text)), path


def test_what_nobody_does_is_found_where_it_is_planted():
    for source in "import random", "np.random.seed(1)", "numpy.random.default_rng()", "xp.random.rand(3)":
        assert DRAWS.findall(source), source
    assert not DRAWS.findall("rng = np.random.default_rng(3)\nxp.random.Generator(xp.random.Philox4x3210(key))")
    assert len(list(waits(ast.parse("float(a.mean().item())\nto_numpy(a)")))) == 3


def test_import_minigan_is_silent_and_brings_nothing_that_is_slow_to_import():
    slow = {"cupy", "matplotlib", "tqdm", "numba"}
    code = f"import minigan, sys; assert not {slow} & set(sys.modules), {slow} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
