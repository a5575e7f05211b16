"""Docstrings: each public name tells its errors, each piece of mathematics its formula, its shapes and its source."""

import ast
import inspect
import re
from pathlib import Path

import pytest

import minigan
from minigan import losses, objectives
from minigan.evaluation import metrics, parzen
from minigan.layers import Layer
from minigan.objectives import Objective, penalties
from minigan.optimizers import Optimizer, schedules

pytestmark = pytest.mark.docs
PACKAGE = Path(minigan.__file__).parent
WITHOUT_A_SOURCE = {  # older than their literature
    "Dense", "Sigmoid", "Tanh", "Reshape", "Flatten", "LastStep", "MeanOverTime", "Repeat", "Shared", "Standardize",
    "bce", "bce_with_logits", "softmax_cross_entropy", "Network",
}  # fmt: skip


def untold(source):
    """(name, error) for each public name that raises an error which its docstring does not name.

    An error that is raised in `__init__` or in a method that the class calls by itself belongs to the class; what the
    module's docstring tells holds for all in it.
    """

    def visit(body, prefix, of_class):
        for node in body:
            if isinstance(node, ast.ClassDef):
                yield from visit(node.body, f"{prefix}{node.name}.", of_class + (ast.get_docstring(node) or ""))
            elif isinstance(node, ast.FunctionDef) and (node.name == "__init__" or not node.name.startswith("_")):
                told = (ast.get_docstring(node) or "") + of_class
                tried = [part for t in ast.walk(node) if isinstance(t, ast.Try) and t.handlers for part in t.body]
                caught = {raised for part in tried for raised in ast.walk(part)}  # and raised again, as another error
                for statement in set(ast.walk(node)) - caught:
                    if isinstance(statement, ast.Raise) and isinstance(statement.exc, ast.Call):
                        error = ast.unparse(statement.exc.func).rpartition(".")[2]
                        if error not in told and error != "NotImplementedError":
                            yield f"{prefix}{node.name}", error

    tree = ast.parse(source)
    return sorted(set(visit(tree.body, "", ast.get_docstring(tree) or "")))


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_each_error_that_is_raised_is_told(path):
    assert untold(path.read_text()) == []


def test_every_public_name_has_a_docstring():
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        public = [n for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef) and not n.name.startswith("_")]
        assert all(ast.get_docstring(node) for node in (*public, *([tree] if tree.body else []))), path


def public(module):
    """The functions and classes that a module defines, by name."""
    return {
        name: thing
        for name, thing in vars(module).items()
        if not name.startswith("_") and inspect.getmodule(thing) is module and callable(thing)
    }


MATHEMATICS = {name: getattr(minigan, name) for name in minigan.__all__} | {
    name: thing for module in (losses, metrics, objectives, parzen, penalties, schedules)
    for name, thing in public(module).items()
}  # fmt: skip
BASES = Layer, Objective, Optimizer, penalties.Penalty
FORMULA = re.compile(r" (=|<-) |\bE ?[\[(|]|\bE max|\|\^2|sum over|KL\(")
SOURCE = re.compile(r"\b(19|20)\d\d\b")


def documented(kind):
    return [
        pytest.param(thing, id=name)
        for name, thing in MATHEMATICS.items()
        if inspect.isclass(thing) and issubclass(thing, kind) and thing not in BASES
    ]


@pytest.mark.parametrize("thing", documented((Layer, Objective, Optimizer, penalties.Penalty, schedules.Schedule)))
def test_each_piece_of_mathematics_gives_its_formula_and_its_source(thing):
    text = inspect.getdoc(thing)
    if "see the module" in text:
        text += inspect.getmodule(thing).__doc__
    assert FORMULA.search(text) or issubclass(thing, schedules.Schedule), f"{thing.__name__} gives no formula"
    exempt = thing.__name__ in WITHOUT_A_SOURCE or issubclass(thing, schedules.Schedule)
    assert SOURCE.search(text) or exempt, f"{thing.__name__} names no source"


def takes_arrays(function):
    names = set(inspect.signature(function).parameters)
    return bool(names & {"a", "p", "t", "a_real", "a_fake", "rows", "samples", "data", "real", "fake", "labels", "x"})


@pytest.mark.parametrize(
    "function",
    [
        pytest.param(function, id=name)
        for module in (losses, metrics, objectives, parzen)
        for name, function in public(module).items()
        if inspect.isfunction(function) and takes_arrays(function)
    ],
)
def test_each_function_of_arrays_gives_their_shapes(function):
    told = (inspect.getdoc(function) or "") + (inspect.getmodule(function).__doc__ or "")
    assert re.search(r"\((N|M|K|1)\b|element|same shape|shape", told), f"{function.__name__} tells no shapes"
