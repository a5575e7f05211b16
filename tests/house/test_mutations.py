"""The library tests its tests: every small change to its mathematics is noticed by `battery.py`."""

import ast
import importlib.util
import sys
from pathlib import Path

import pytest

import minigan.layers


def load(name):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parents[1] / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


mutants = load("mutants")
CHECKS, UNTOUCHED = mutants.battery(), mutants.Workshop().make()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_minigan_itself_passes(check):
    check(UNTOUCHED)


def made(source, name="layers/dense"):
    return [mutant.key.partition(" -> ")[2] for mutant in mutants.mutants(name, source)]


def test_each_kind_of_mutation_is_made():
    source = """
class Dense:
    def backward(self, dy, wrt="both"):
        if wrt != "input":
            xp.matmul(self.x.T, dy, out=self.dW)
            xp.sum(dy, axis=0, out=self.db)
        return -dy @ self.W.T * 0.5
"""
    found = made(source)
    for expected in (
        "if wrt == 'input':",
        "if wrt != 'both':",
        "if True:",
        "if False:",
        "xp.matmul(self.x, dy, out=self.dW)",
        "xp.matmul(dy, self.x.T, out=self.dW)",
        "xp.matmul(self.x.T, dy)",
        "xp.matmul(self.x.T, dy, out=dy)",
        "xp.sum(dy, axis=1, out=self.db)",
        "xp.sum(dy, out=self.db)",
        "xp.mean(dy, axis=0, out=self.db)",
        "deleted",
        "return dy @ self.W.T * 0.5",
        "return -dy @ self.W * 0.5",
        "return self.W.T @ -dy * 0.5",
        "return -dy @ self.W.T / 0.5",
        "return -dy @ self.W.T * 1.5",
        "return -dy @ self.W.T",
    ):
        assert expected in found, (expected, found)
    assert found.count("deleted") == 3 and len(found) == len(set(found)) + 2


def test_validation_and_error_messages_are_left_alone():
    assert made("def _check(x):\n    return x + 1\n\ndef f(x):\n    if x > 0:\n        raise ValueError(1 + 1)\n") == []


def test_making_mutants_leaves_the_real_package_as_it_is():
    before = {name: module for name, module in sys.modules.items() if name.startswith("minigan")}
    package = mutants.Workshop().make()
    assert package.layers.Dense is not minigan.layers.Dense and issubclass(package.layers.Dense, package.layers.Layer)
    assert {name: module for name, module in sys.modules.items() if name.startswith("minigan")} == before


def test_a_mutant_that_hangs_is_caught(monkeypatch):
    monkeypatch.setattr(mutants, "SECONDS", 0.05)
    tree = ast.parse(mutants.sources()["losses"] + "\nwhile True:\n    pass\n")
    assert mutants.caught(mutants.Workshop(), mutants.Mutant("", "losses", tree), CHECKS) == "hangs"


def test_a_small_sample_of_mutants_is_caught():
    total, by_check, _, survivors, _ = mutants.run(["layers/dense", "losses"], every=100)
    assert total >= 2 and by_check and survivors == []


@pytest.mark.slow
def test_one_mutant_in_twenty_is_caught_or_listed_as_equivalent_with_the_reason():
    """All of them, twenty minutes' work, are looked at by `python tests/mutants.py`."""
    total, by_check, equivalent, survivors, _ = mutants.run(every=20)
    assert total > 200 and survivors == []
    assert sum(by_check.values()) + sum(equivalent.values()) == total and all(mutants.EQUIVALENT.values())
