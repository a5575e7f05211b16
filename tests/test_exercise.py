"""The exercises: an untouched start fails with a sentence, minigan's own body passes, wrong answers are named."""

import contextlib
import importlib.util
import io
import json
import re
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
spec = importlib.util.spec_from_file_location("wrong_answers", ROOT / "tests" / "wrong_answers.py")
answers = importlib.util.module_from_spec(spec)
spec.loader.exec_module(answers)
script = answers.load()
checks = sys.modules["exercises.checks"]
each = pytest.mark.parametrize("name", script.EXERCISES)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Work in an empty folder, with an empty cache."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def call(*arguments):
    """(exit code, stdout, stderr)"""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = script.main(list(map(str, arguments)))
        except SystemExit as stop:
            code = stop.code
    return code, out.getvalue(), err.getvalue()


def test_there_are_enough_exercises_each_with_hints_a_check_and_three_wrong_answers():
    assert list(script.EXERCISES) == list(dict.fromkeys(script.EXERCISES)) and len(script.EXERCISES) >= 16
    assert set(script.EXERCISES) == set(script.CHECKS) == set(answers.WRONG)
    for name, exercise in script.EXERCISES.items():
        assert len(exercise["hints"]) == 3 and len(exercise["task"]) < 110, name
        assert len(answers.WRONG[name]) >= 3, name


@each
def test_an_untouched_start_fails_with_a_sentence_and_the_solution_passes(name):
    code, out, _ = call("start", name, "--out", "mine.py")
    assert code == 0 and re.match(r"mine\.py:\d+: write ", out)
    code, out, _ = call("check", "mine.py")
    assert code == 1 and out.startswith(f"{name} is still to be written: ")
    body = call("solution", name)[1]
    Path("mine.py").write_text(answers.filled(script, name, body))
    code, out, _ = call("check", "mine.py")
    assert code == 0 and out.startswith(f"{name} is right"), out


@each
def test_the_file_is_the_source_with_one_body_less(name):
    source = (ROOT / "minigan" / f"{script.EXERCISES[name]['module']}.py").read_text()
    text = script.unwritten(name, "mine.py")
    (line,) = (line for line in text.splitlines() if script.todo(name) in line)
    before, after = text.split(line)
    body = textwrap.indent(call("solution", name)[1].rstrip(), line[: -len(line.lstrip())])
    start = re.search(rf"^(def|class) {name.split('.')[0]}\b", before, re.MULTILINE).start()
    whole = "\n".join(row.rstrip() for row in (before[start:] + body + after).strip().splitlines())
    assert whole in source
    assert '"""' in before[start:]  # its docstring, with the formula


@pytest.mark.parametrize(
    "name, mistake", [(name, mistake) for name, mistakes in answers.WRONG.items() for mistake in mistakes]
)
def test_a_wrong_answer_is_diagnosed(name, mistake, folder):
    body, words = answers.WRONG[name][mistake]
    code, text = answers.run(script, folder / "mine.py", name, body)
    assert code == 1 and words and words in text.replace(f"{folder}/", ""), text
    assert "Traceback" not in text and text.endswith(f"{name}: not yet.\n")


@each
def test_a_right_answer_in_other_words_passes(name, folder):
    code, text = answers.run(script, folder / "mine.py", name, answers.RIGHT[name])
    assert code == 0, text


@each
def test_every_slip_is_one_and_none_is_taken_for_another(name):
    body = "\n".join(script.cut(name).body)
    for old, _, _ in script.EXERCISES[name].get("slips", ()):
        assert old in body, f"{name}: {old!r} stands in the source no more: mend exercises.toml"
    assert all(wrong and script.slip(name, wrong) == sentence for wrong, sentence in script.slips(name))


def test_progress_and_hints_are_remembered(folder):
    code, out, _ = call("list")
    assert code == 0 and "✓" not in out and out.endswith("start ReLU.backward\n")
    assert f"0 of {len(script.EXERCISES)} done" in out
    Path("mine.py").write_text(answers.filled(script, "ReLU.backward", call("solution", "ReLU.backward")[1]))
    assert call("check", "mine.py")[1].endswith(f"1 of {len(script.EXERCISES)} done; next: LeakyReLU.backward\n")
    assert next(line for line in call("list")[1].splitlines() if "✓" in line).startswith(" ✓ ReLU.backward ")
    hints = script.EXERCISES["Tanh.backward"]["hints"]
    for count, end in (1, "(2 more)"), (2, "(1 more)"), (3, "(that was all: solution Tanh.backward)"), (3, "(that was"):
        out = call("hint", "Tanh.backward")[1]
        assert out.count("\n") == count + 1 and f"{count}. {hints[count - 1]}\n{end}" in out
    kept = json.loads((folder / "cache" / "minigan" / "exercises.json").read_text())
    assert kept == {"done": ["ReLU.backward"], "hints": {"Tanh.backward": 3}}


def test_an_exercise_that_is_no_more_is_forgotten(folder):
    (folder / "cache" / "minigan").mkdir(parents=True)
    (folder / "cache" / "minigan" / "exercises.json").write_text('{"done": ["Gone.step", "softplus"], "hints": {}}')
    assert f"1 of {len(script.EXERCISES)} done" in call("list")[1]


def test_the_last_exercise_is_said_to_be_the_last(folder):
    (folder / "cache" / "minigan").mkdir(parents=True)
    progress = {"done": list(script.EXERCISES), "hints": {}}
    (folder / "cache" / "minigan" / "exercises.json").write_text(json.dumps(progress))
    Path("mine.py").write_text(answers.filled(script, "softplus", call("solution", "softplus")[1]))
    total = len(script.EXERCISES)
    assert call("check", "mine.py")[1].endswith(f"{total} of {total} done: all!\n")


@pytest.mark.parametrize(
    "arguments, text, words",
    [
        (["check", "mine.py"], None, "mine.py: no such file: `exercise.py start NAME` writes one"),
        (["check", "mine.py"], "x = 1\n", "mine.py names no exercise: its first line must read `# exercise: NAME`"),
        (["check", "mine.py"], "# exercise: Tanh\n", "there is no exercise 'Tanh': did you mean Tanh.backward?"),
        (["check", "mine.py"], "# exercise: softplus\nx = (\n", "mine.py does not import: SyntaxError: '(' was never"),
        (
            ["check", "mine.py"],
            "# exercise: softplus\n",
            "is the exercise softplus, but there is no softplus in it any",
        ),
        (
            ["check", "mine.py"],
            "# exercise: ReLU.backward\nfrom minigan import ReLU as R\nclass ReLU(R): pass\n",
            "there is no ReLU.backward in it any more",
        ),
        (["start", "tanh.backwards"], None, "there is no exercise 'tanh.backwards': did you mean Tanh.backward? `exer"),
        (["start", "Tanh.backward", "--out", "mine.py"], "x", "mine.py exists already: go on with it, remove it, or"),
        (["start", "Tanh.backward", "--out", "no/mine.py"], None, "No such file or directory: 'no/mine.py'"),
        (["hint", "qqq"], None, "there is no exercise 'qqq': `exercise.py list` shows them all"),
        (["solution", "qqq"], None, "there is no exercise 'qqq'"),
        ([], None, "the following arguments are required: COMMAND"),
        (["list", "--page", "mine.py"], "x", "the page has no block 'exercises'"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line_with_exit_code_2(arguments, text, words):
    if text:
        Path("mine.py").write_text(text)
    code, out, err = call(*arguments)
    assert (code, out) == (2, "") and words in err and err.count("\n") == 1


@pytest.mark.parametrize("text", ["{", "[]", '{"done": 3, "hints": {}}', '{"done": []}'])
def test_a_progress_file_of_another_make_is_refused(text, folder):
    path = folder / "cache" / "minigan" / "exercises.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    code, _, err = call("list")
    assert code == 2 and f"{path}: not what exercise.py wrote" in err and "delete it" in err and err.count("\n") == 1


def test_start_names_the_file_after_the_exercise_and_the_file_runs():
    assert call("start", "Tanh.backward")[0] == 0
    module = script.build(Path("tanh_backward.py").read_text(), "tanh_backward.py")
    np.testing.assert_allclose(module.Tanh().forward(np.array([[0.5]])), [[0.46211715726]], rtol=1e-9)


@pytest.mark.parametrize(
    "found, words",
    [
        (None, "y is None: is a `return` missing?"),
        (np.zeros(2), "y has shape (2,), expected (3,)"),
        (np.zeros(3, "float32"), "y is float32, expected float64"),
        (np.zeros(3), "y is 0 everywhere, and should not be"),
        (np.array([-1.0, -2, -4]), "y is -1 times what it should be, in every entry: the sign"),
        (np.array([2.0, 4, 8]), "y is 2 times what it should be, in every entry"),
        (np.array([1.5, 2.5, 4.5]), "y is off by 0.5 in every entry"),
        (np.array([1.0, 2, 5]), "y[2] is 5, expected 4 (2 of 3 entries are right)"),
        (np.array([1.0, np.inf, 4]), "y[1] is inf, expected 2: an overflow"),
        (np.array([1.0, 2, 4 + 1e-7]), ""),
    ],
)
def test_how_two_arrays_differ_is_said_in_words(found, words):
    said = checks.differs("y", found, np.array([1.0, 2, 4]))
    assert said.startswith(words) and bool(said) == bool(words)


def test_a_single_number_is_compared_by_its_factor():
    assert checks.differs("L", np.float64(3), np.float64(2)) == "L is 3, expected 2, 1.5 times that"
    assert checks.differs("L", np.float64(3), np.float64(0)) == "L is 3, expected 0"


def test_the_page_lists_the_exercises_as_they_are():
    page = ROOT / "docs" / "exercises.md"
    Path("page.md").write_text(page.read_text())
    assert call("list", "--page", "page.md")[0] == 0
    assert Path("page.md").read_text() == page.read_text(), "run scripts/exercise.py list --page docs/exercises.md"
    assert page.read_text().count("\n| `") == len(script.EXERCISES)


def test_the_answer_that_the_page_shows_is_the_one_that_is_given(folder):
    page = (ROOT / "docs" / "exercises.md").read_text()
    (shown,) = re.findall(r"^```text\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    _, text = answers.run(script, folder / "mine.py", "Tanh.backward", "return dy * (1 - self.y)")
    assert len(shown.splitlines()) == 5
    for line, said in zip(shown.splitlines(), text.splitlines(), strict=False):
        assert said.startswith(line.removesuffix(" ..."))
