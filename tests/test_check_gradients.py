"""The script that a reader runs: the project's own table, and a layer of theirs with each kind of mistake."""

import contextlib
import importlib.util
import io
import json
import time
from pathlib import Path

import pytest


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
        ("{mine}:Other", [], "has no class 'Other'; it has Needs, Raises, NoBackward, NoLayer"),
        ("{mine}:Needs", [], "say with what, as in --args 5,4"),
        ("{mine}:Needs", ["--args", "5"], "say with what, as in --args 5,4"),
        ("{mine}:Needs", ["--args", "os.x"], "expected Python literals"),
        ("{mine}:Raises", [], "both widths must be whole numbers of at least 1"),
        ("{mine}:NoLayer", [], "NoLayer is no layer"),
        ("{mine}:NoBackward", ["--batch", "0"], "expected a whole number of at least 1"),
    ],
)
def test_what_cannot_be_checked_is_said_in_one_line_with_exit_code_2(place, further, words, mine):
    code, out, err = call("--layer", place.format(mine=mine), *further)
    assert (code, out) == (2, "") and words in err and err.count("\n") == 1


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
