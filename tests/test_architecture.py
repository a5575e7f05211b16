"""The rules of the house, held against the source: who may import whom, and what nobody may do."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import minigan

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "minigan"
SOURCES = sorted(PACKAGE.rglob("*.py"))
SCRIPTS = sorted((ROOT / "scripts").glob("*.py"))

# Import only from a lower rank. The order is the reading order.
RANKS = (
    ("threads", "backend", "files", "schedules"),
    ("layers", "activations", "normalization", "dropout", "instance_noise", "maxout", "reshaping", "spectral"),
    ("losses", "cross_entropy", "fitting"),
    ("network", "optimizers", "averaging", "objectives"),
    ("tangents",),
    ("penalties", "other_objectives", "gan", "data", "diagnosis", "advice"),
    ("slopes", "checkpoint", "metrics", "plots", "toy_plots", "guard", "recipes", "cli", "doctor"),
    ("gamecheck", "training", "classifier", "parzen", "toy_page"),
    ("gradcheck", "run_directory"),
    ("second_order_check",),
)
RANK = {name: rank for rank, names in enumerate(RANKS) for name in names}
LAYERS = "activations", "normalization", "dropout", "instance_noise", "maxout", "reshaping", "spectral"
EXCEPTIONS = {("backend", "threads")} | {(name, "layers") for name in LAYERS}  # Layer is their base
CORE = (
    "schedules", "layers", *LAYERS, "losses", "cross_entropy", "fitting", "network", "optimizers", "averaging",
    "objectives", "tangents", "penalties", "other_objectives", "gan",
)  # fmt: skip
CONSTRUCTORS = {"Generator", "PCG64", "Philox4x3210", "SeedSequence", "default_rng"}


def named(paths):
    return pytest.mark.parametrize("path", paths, ids=lambda path: str(path.relative_to(ROOT)))


def module(path):
    """minigan/data/idx.py -> data, minigan/gan.py -> gan"""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(source):
    """Every module that is imported anywhere in the source, by its dotted name: minigan.layers, numpy, ..."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "write imports from their root: from minigan.x import y"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names if node.module == "minigan")


def broken_ranks(name, source):
    """Sentences that say who imports from where it should not."""
    for dotted in imported(source):
        _, _, other = dotted.removeprefix("minigan").partition(".")
        other = other.split(".")[0]
        if not dotted.startswith("minigan.") or other == name or (name, other) in EXCEPTIONS:
            continue
        if RANK.get(other, len(RANKS)) >= RANK[name]:
            yield f"{name} (rank {RANK[name]}) imports {dotted} (rank {RANK.get(other, 'unknown')})"


def draws(source):
    """What is used of numpy.random, np.random or xp.random without a seed, and the module `random`."""
    tree = ast.parse(source)
    yield from (name for name in imported(source) if name.split(".")[0] == "random" or name == "numpy.random")
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute) and node.value.attr == "random":
            if node.attr not in CONSTRUCTORS:
                yield ast.unparse(node)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("default_rng") and not node.args:
            yield ast.unparse(node)


def waits(source):
    """Calls that bring a number to the host, and so wait for the device."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in ("float", "item", "tolist", "to_numpy", "asnumpy"):
                yield ast.unparse(node)


@named([path for path in SOURCES if path != PACKAGE / "__init__.py"])
def test_each_module_imports_only_from_a_lower_rank(path):
    assert module(path) in RANK, f"{path.name} has no rank: give it one in RANKS, in design.md and in the README"
    assert list(broken_ranks(module(path), path.read_text())) == []


def test_the_package_imports_in_reading_order():
    ranks = [RANK[name.split(".")[1]] for name in imported((PACKAGE / "__init__.py").read_text()) if "." in name]
    assert len(ranks) > 5 and ranks == sorted(ranks)


@pytest.mark.parametrize(
    "name, source, blamed",
    [
        ("layers", "from minigan.network import Network", "minigan.network"),
        ("layers", "def f():\n    import minigan.gan", "minigan.gan"),
        ("optimizers", "from minigan import objectives", "minigan.objectives"),
        ("layers", "from minigan.activations import ReLU", "minigan.activations"),
        ("gan", "from minigan import GAN", "minigan.GAN"),
    ],
)
def test_a_planted_import_upward_is_named(name, source, blamed):
    (sentence,) = broken_ranks(name, source)
    assert sentence.startswith(f"{name} (rank {RANK[name]}) imports {blamed} ")


@named([PACKAGE / f"{name}.py" for name in CORE if (PACKAGE / f"{name}.py").exists()])
def test_the_core_reaches_arrays_through_the_backend_only(path):
    assert {"numpy", "cupy"}.isdisjoint(name.split(".")[0] for name in imported(path.read_text()))


@named([*SOURCES, *SCRIPTS])
def test_nobody_imports_cupy_by_name(path):
    assert "cupy" not in [name.split(".")[0] for name in imported(path.read_text())]


@named([*SOURCES, *SCRIPTS])
def test_nobody_draws_from_a_global_or_unseeded_generator(path):
    assert list(draws(path.read_text())) == []


@pytest.mark.parametrize(
    "source", ["import random", "from numpy.random import rand", "np.random.seed(1)", "numpy.random.default_rng()"]
)
def test_a_planted_global_draw_is_found(source):
    assert list(draws(source))


@pytest.mark.parametrize("name", [name for name in CORE if name != "losses"])  # its only float() is of a constant
def test_nothing_in_a_round_waits_for_the_device(name):
    assert list(waits((PACKAGE / f"{name}.py").read_text())) == []


@pytest.mark.parametrize("source", ["float(loss)", "a.mean().item()", "to_numpy(a)"])
def test_a_planted_wait_is_found(source):
    assert list(waits(source))


def test_import_minigan_is_silent_and_brings_neither_cupy_nor_matplotlib_nor_tqdm():
    code = "import minigan, sys; assert not {'cupy', 'matplotlib', 'tqdm'} & set(sys.modules), set(sys.modules)"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@named(SOURCES)
def test_every_public_name_has_a_docstring(path):
    tree = ast.parse(path.read_text())
    public = [n for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef) and not n.name.startswith("_")]
    assert [n.name for n in public if not ast.get_docstring(n)] == []
    assert ast.get_docstring(tree) or path.read_text() == "", f"{path} does not say what it is for"


@pytest.mark.parametrize("name", minigan.__all__)
def test_every_public_method_has_a_docstring_of_its_own_or_of_its_base(name):
    cls = getattr(minigan, name)
    public = [method for method, _ in inspect.getmembers(cls, inspect.isfunction) if not method.startswith("_")]
    assert [method for method in public if not inspect.getdoc(getattr(cls, method))] == []
