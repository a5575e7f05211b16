"""The script that a reader runs: the project's own table, and a layer of theirs with each kind of mistake."""

import contextlib
import io
import json
import re
from pathlib import Path

import pytest
from loading import load

import minigan
from minigan import Tanh

ROOT = Path(__file__).resolve().parents[2]
planted = load(ROOT / "tests" / "planted.py")
script = load(ROOT / "scripts" / "check_gradients.py")

MINE = """
from minigan import Dense, Layer, Tanh

class Needs(Dense):
    def __init__(self, width, other, third):
        super().__init__(width, other)

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

class Leaves(Dense):
    def __init__(self):
        exit()

class LeavesLater(Tanh):
    def forward(self, x, training=False):
        exit()

class Pooled(Layer):
    def output_shape(self, shape):
        return shape[1:]

    def forward(self, x, training=False):
        self.n = x.shape[1]
        return x.sum(axis=1)

    def backward(self, dy, wrt="both"):
        return dy[:, None].repeat(self.n, axis=1)
"""

ALL = ", ".join(re.findall(r"class (\w+)\((?:Dense|Tanh|Layer)\)", MINE))


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
    source, sentence, *arguments = planted.PLANTED[mistake]
    code, text = planted.run(source, " ".join(arguments).split(), tmp_path)
    assert sentence in text, text
    assert code == (0 if "no mistake" in mistake else 1)


@pytest.mark.slow
def test_the_project_passes_to_1e_7_by_differences_and_to_1e_11_by_the_complex_step():
    code, out, _ = call("--json")
    reports = json.loads(out)["reports"]
    rows = [(report["title"], row) for report in reports for row in report["rows"]]
    assert code == 0 and len(rows) > 200
    for title, row in rows:
        assert row["verdict"] == "ok" and row["error"] <= (1e-11 if "complex" in title else 1e-7), (title, row)
    text = " ".join(report["title"] for report in reports)
    bases = minigan.Layer, minigan.Objective, minigan.Penalty
    derived = [a for a in vars(minigan).values() if isinstance(a, type) and issubclass(a, bases) and a not in bases]
    assert len(derived) > 20
    for name in (*(a.__name__ for a in derived), "bce", "bce_with_logits", "softmax_cross_entropy", "value", "GAN"):
        assert name in text


@pytest.mark.slow
@pytest.mark.parametrize("seed", ["1", "2", "3"])
def test_the_project_passes_for_other_seeds(seed):
    code, out, _ = call("--seed", seed)
    assert code == 0 and "all ok" in out and "FAIL" not in out


@pytest.mark.parametrize(
    "place, further, words",
    [
        ("Mine", [], "expected path/to/file.py:ClassName"),
        ("{mine}", [], "which class? mine.py has {ALL}: --layer {mine}:Needs"),
        ("{mine}:Scale(5)", [], "arguments go into --args: --layer {mine}:Scale --args 5\n"),
        ("{mine}:Scale", [], "Scale(n) needs arguments: --args 5, say"),
        ("{mine}:NoLayer", [], "NoLayer is no layer"),
        ("{mine}:Leaves", [], "Leaves() raised SystemExit"),
        ("{mine}:Pooled", ["--eps", "1e-300"], "eps=1e-300: expected a step from 1e-09"),
    ],
)
def test_what_cannot_be_checked_is_said_in_one_line_with_exit_code_2(place, further, words, mine):
    code, out, err = call("--layer", place.format(mine=mine), *further)
    assert (code, out) == (2, "") and words.format(mine=mine, ALL=ALL) in err and err.count("\n") == 1


@pytest.mark.slow
def test_one_broken_activation_is_the_one_to_look_at(monkeypatch):
    monkeypatch.setattr(Tanh, "backward", lambda self, dy, wrt="both": dy * (1 - self.y))
    monkeypatch.setattr(script, "other_games", lambda rng, seed: [])
    monkeypatch.setattr(script, "conditional_games", lambda rng, y, seed: [])
    monkeypatch.setattr(script, "layers", lambda: [(Tanh(), False, (5,))])
    code, out, _ = call()
    assert code == 1 and out.startswith("Tanh(): float64, central")
    tables = out.split("\n\n")[:-1]
    assert all("FAIL" in table for table in tables) and "bce" not in out
    assert tables[1].startswith("Tanh(): float64, complex") and tables[2].startswith("Network(")
    assert ", Tanh(), fails and the other layers pass: look there first" in tables[2]
    assert "on its own, layer 3 of G, Tanh(), fails" in tables[-1]
    assert out.splitlines()[-1].startswith("Look first at Tanh(): it fails on its own; ")


@pytest.mark.parametrize(
    "source, words", [("import nothing_of_this", "nothing_of_this"), ("exit()", "it calls exit()")]
)
def test_a_file_that_does_not_import_is_said_so(source, words, tmp_path):
    path = tmp_path / "broken.py"
    path.write_text(source)
    code, _, err = call("--layer", f"{path}:Mine")
    assert code == 2 and "does not import: " in err and words in err


@pytest.mark.parametrize(
    "further, x",
    [
        (["{ROOT}/minigan/layers/reshaping.py:Flatten", "--args", "3,4"], "(7,3,4)"),
        (["{ROOT}/minigan/layers/dense.py:Dense", "--shape", "2,5", "--batch", "3"], "(3,2,5)"),
        (["{mine}:Pooled", "--shape", "2,5"], "(7,2,5)"),
    ],
)
def test_a_layer_of_shaped_samples_is_given_such_samples(further, x, mine):
    code, out, err = call("--layer", *(text.format(ROOT=ROOT, mine=mine) for text in further))
    assert code == 0 and re.search(rf"^  x +{re.escape(x)} .* ok$", out, re.M), out + err


@pytest.mark.parametrize(
    "name, further, words",
    [
        ("NoBackward", [], 'NoBackward needs a backward(dy, wrt="both")'),
        ("LeavesLater", [], "exit() was called\n"),
        ("Needs", ["--args", "3,2,1", "--shape", "4"], "layer 0, Needs(3, 2), takes width 3, but gets width 4"),
    ],
)
def test_a_layer_that_raises_fails_with_its_line_and_without_a_traceback(name, further, words, mine):
    code, _, err = call("--layer", f"{mine}:{name}", *further)
    assert code == 1 and words in err and "Traceback" not in err
