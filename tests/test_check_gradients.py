"""The script that a reader runs: the project's own table, and a layer of theirs with each kind of mistake."""

import contextlib
import io
import json
import time
from pathlib import Path

import pytest
from loading import load

from minigan import GAN, Dense, LeakyReLU, Minimax, Sigmoid, Tanh, losses

ROOT = Path(__file__).resolve().parents[1]
planted = load(ROOT / "tests" / "planted.py")
script = load(ROOT / "scripts" / "check_gradients.py")

MINE = """
from minigan import Dense, Layer, Tanh

class Needs(Dense):
    def __init__(self, width, other, third):
        super().__init__(width, other)

class Raises(Dense):
    def __init__(self):
        super().__init__(0, 1)

class NoBackward(Layer):
    def forward(self, x, training=False):
        return 2 * x

class Scale(Layer):
    def __init__(self, n):
        self.n = n

    def forward(self, x, training=False):
        return self.n * x

    def backward(self, dy, wrt="both"):
        return self.n * dy

class NoLayer:
    pass
"""


def call(*arguments):
    """(exit code, stdout, stderr)"""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = script.main(list(arguments))
        except SystemExit as stop:
            code = stop.code
    return code, out.getvalue(), err.getvalue()


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(MINE)
    return path


@pytest.mark.parametrize("mistake", planted.PLANTED)
def test_a_planted_mistake_is_called_by_its_name(mistake, tmp_path):
    source, arguments, sentence = planted.PLANTED[mistake]
    code, text = planted.run(source, arguments, tmp_path)
    assert sentence in text, text
    assert code == (0 if mistake in ("none", "a kink (no mistake)") else 1)


def test_the_project_passes_to_1e_7_by_differences_and_to_1e_11_by_the_complex_step():
    start = time.perf_counter()
    code, out, _ = call("--json")
    assert code == 0 and time.perf_counter() - start < 15
    reports = json.loads(out)["reports"]
    rows = [(report["title"], row) for report in reports for row in report["rows"]]
    assert len(rows) > 100
    for title, row in rows:
        assert row["verdict"] == "ok" and row["error"] <= (1e-11 if "complex" in title else 1e-7), (title, row)
    text = " ".join(report["title"] for report in reports)
    for name in "Dense Tanh Sigmoid LeakyReLU ReLU bce bce_with_logits value Minimax NonSaturating GAN".split():
        assert name in text


@pytest.mark.parametrize("seed", ["1", "2", "3"])
def test_the_project_passes_for_other_seeds(seed):
    code, out, _ = call("--seed", seed)
    assert code == 0 and "all ok" in out and "FAIL" not in out


@pytest.mark.parametrize(
    "place, further, words",
    [
        ("nowhere.py:Mine", [], "there is no file 'nowhere.py'"),
        ("Mine", [], "expected path/to/file.py:ClassName"),
        ("{mine.parent}", [], "--layer {mine.parent}: expected path/to/file.py:ClassName\n"),
        ("{mine}:Other", [], "no class 'Other': mine.py has Needs, Raises, NoBackward, Scale: --layer {mine}:Needs"),
        ("{mine}", [], "which class? mine.py has Needs, Raises, NoBackward, Scale: --layer {mine}:Needs"),
        ("{mine}:", [], "which class? mine.py has Needs"),
        ("{mine}:Scale(5)", [], "arguments go into --args: --layer {mine}:Scale --args 5\n"),
        ("{mine}:Needs('a.py:b', 2)", [], "arguments go into --args: --layer {mine}:Needs --args "),
        ("{mine}:Raises()", [], "no brackets: --layer {mine}:Raises\n"),
        ("{mine}:Scale", [], "Scale(n) needs arguments: --args 5, say"),
        ("{mine}:Needs", [], "Needs(width, other, third) needs arguments: --args 5,4,3, say"),
        ("{mine}:Scale", ["--args", "5,4"], "Scale(n) does not take --args 5,4: --args 5, say"),
        ("{mine}:Needs", ["--args", "os.x"], "expected Python literals"),
        ("{mine}:Raises", [], "both widths must be whole numbers of at least 1"),
        ("{mine}:NoLayer", [], "NoLayer is no layer"),
        ("{mine}:NoBackward", ["--batch", "0"], "expected a whole number of at least 1"),
    ],
)
def test_what_cannot_be_checked_is_said_in_one_line_with_exit_code_2(place, further, words, mine):
    code, out, err = call("--layer", place.format(mine=mine), *further)
    assert (code, out) == (2, "") and words.format(mine=mine) in err and err.count("\n") == 1


def test_a_file_without_a_layer_is_said_so(tmp_path):
    path = tmp_path / "empty.py"
    path.write_text("from minigan import Layer\n")
    code, _, err = call("--layer", str(path))
    assert code == 2 and f"{path} has no layer: derive a class from minigan.Layer" in err


def unsquared(self, dy, wrt="both"):
    return dy * (1 - self.y) if wrt != "params" else None


def test_one_broken_activation_is_the_one_to_look_at(monkeypatch):
    monkeypatch.setattr(Tanh, "backward", unsquared)
    code, out, _ = call()
    assert code == 1 and out.startswith("Tanh(): float64, central")
    tables = out.split("\n\n")[:-1]
    assert len(tables) == 13 and all("FAIL" in table for table in tables) and "bce" not in out
    assert tables[1].startswith("Tanh(): float64, complex") and tables[2].startswith("Network(")
    chained = [table for table in tables[2:] if "second order" not in table and " on Network" not in table]
    assert len(chained) == 6
    assert all(", Tanh(), fails and the other layers pass: look there first" in table for table in chained)
    assert "on its own, layer 3 of G, Tanh(), fails" in tables[-1]
    last = out.splitlines()[-1]
    assert last == "Look first at Tanh(): it fails on its own; 10 other checks that use it fail as well."
    code, everything, _ = call("--all")
    assert code == 1 and len(everything.split("\n\n")) > 40 and everything.splitlines()[-1] == last


def test_two_broken_layers_are_both_named(monkeypatch):
    monkeypatch.setattr(Tanh, "backward", unsquared)
    monkeypatch.setattr(LeakyReLU, "backward", unsquared)
    last = call()[1].splitlines()[-1]
    assert last == (
        "Look first at Tanh() and LeakyReLU(0.2): they fail on their own; 12 other checks that use one of them fail as "
        "well."
    )


def test_one_width_stands_for_every_dense_layer(monkeypatch):
    right = Dense.backward
    monkeypatch.setattr(Dense, "backward", lambda self, dy, wrt="both": right(self, -dy, wrt))
    last = call()[1].splitlines()[-1]
    assert last == "Look first at Dense(5, 4): it fails on its own; 12 other checks that use it fail as well."


def test_what_fails_without_the_culprit_is_counted_too(monkeypatch):
    monkeypatch.setattr(Sigmoid, "backward", unsquared)
    monkeypatch.setattr(GAN, "generator_step", lambda self, n: None)
    last = call()[1].splitlines()[-1]
    assert last == (
        "Look first at Sigmoid(): it fails on its own; 4 other checks that use it fail as well. Then look at 2 that do "
        "not."
    )


def test_a_broken_loss_is_the_one_to_look_at_and_an_objective_goes_with_its_games(monkeypatch):
    monkeypatch.setattr(script, "bce", lambda p, t: (losses.bce(p, t)[0], 2 * losses.bce(p, t)[1]))
    assert call()[1].splitlines()[-1] == "Look first at <lambda>: it fails on its own."
    right = Minimax.generator
    monkeypatch.undo()
    monkeypatch.setattr(Minimax, "generator", lambda self, a: (right(self, a)[0], -right(self, a)[1]))
    assert call()[1].splitlines()[-1] == (
        "Look first at Minimax() and Minimax('probability'): they fail on their own; 2 other checks that use one of "
        "them fail as well."
    )


def test_a_step_that_fails_although_all_it_is_made_of_passes_is_said_to_be_the_chain(monkeypatch):
    monkeypatch.setattr(GAN, "generator_step", lambda self, n: None)
    last = call()[1].splitlines()[-1]
    assert last == "Every layer, loss and objective passes on its own: look at how the failing checks chain them."


def test_a_file_that_does_not_import_is_said_so(tmp_path):
    path = tmp_path / "broken.py"
    path.write_text("import nothing_of_this_name\n")
    code, _, err = call("--layer", f"{path}:Mine")
    assert code == 2 and "does not import" in err and "nothing_of_this_name" in err


def test_arguments_reach_the_constructor(mine):
    code, out, _ = call("--layer", f"{mine}:Needs", "--args", "3,2,'x'")
    assert code == 0 and "(3,2)" in out


def test_a_layer_that_raises_fails_with_its_line_and_without_a_traceback(mine):
    code, _, err = call("--layer", f"{mine}:NoBackward")
    assert code == 1 and 'NoBackward needs a backward(dy, wrt="both")' in err and "Traceback" not in err
