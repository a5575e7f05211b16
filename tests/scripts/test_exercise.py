"""The exercises: an untouched start fails with a sentence, minigan's own body passes, wrong answers are named."""

import contextlib
import io
import json
import re
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from loading import ROOT, load
from loading import script as program

script = program("exercise")
answers = load(ROOT / "tests" / "wrong_answers.py")
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


def check(name, body):
    """(exit code, stdout) of `check` on a file with this body."""
    Path("mine.py").write_text(answers.filled(script, name, body))
    return call("check", "mine.py")[:2]


@pytest.mark.docs
def test_each_exercise_has_hints_and_a_check():
    assert set(script.EXERCISES) == set(script.CHECKS) > set(answers.MISTAKES)
    for name, exercise in script.EXERCISES.items():
        assert len(exercise["hints"]) == 3 and len(exercise["task"]) < 110, name


@pytest.mark.docs
@each
def test_an_untouched_start_fails_with_a_sentence_and_the_solution_passes(name):
    code, out, _ = call("start", name, "--out", "mine.py")
    assert code == 0 and re.match(r"mine\.py:\d+: write ", out)
    code, out, _ = call("check", "mine.py")
    assert code == 1 and out.startswith(f"{name} is still to be written: ")
    code, out = check(name, call("solution", name)[1].rstrip())
    assert code == 0 and out.startswith(f"{name} is right"), out


def test_a_wrong_answer_is_refused_with_exit_code_1_and_a_right_one_with_0():
    code, text = check("softplus", "y = 1")
    assert code == 1 and text == "in float64, softplus is None: is a `return` missing?\nsoftplus: not yet.\n"
    assert check("softplus", call("solution", "softplus")[1].rstrip())[0] == 0


@pytest.mark.docs
@each
def test_the_file_is_the_source_with_one_body_less(name):
    source = Path(script.source(name).__file__).read_text()
    text = script.unwritten(name, "mine.py")
    (line,) = (line for line in text.splitlines() if script.todo(name) in line)
    before, after = text.split(line)
    before = before[re.search(rf"^(def|class) {name.split('.')[0]}\b", before, re.MULTILINE).start() :]
    assert '"""' in before  # its docstring, with the formula
    body = textwrap.indent(call("solution", name)[1].rstrip(), line[: -len(line.lstrip())])
    parts = [before, after.rstrip()] if script.cut(name).kernel else [before + body + after.rstrip()]
    source, parts = ("\n".join(row.rstrip() for row in text.splitlines()) for text in (source, "\0".join(parts)))
    assert all(part.strip("\n") in source for part in parts.split("\0"))


@pytest.mark.docs
@each
def test_the_answer_is_right(name):
    code, shown, _ = call("answer", name)
    assert code == 0 and shown == script.answer(name) + "\n"
    code, out = check(name, shown.rstrip())
    assert code == 0, out


@pytest.mark.docs
@pytest.mark.parametrize("name", answers.MISTAKES)
def test_a_wrong_answer_is_diagnosed(name):
    body, words = answers.wrong(script, name)
    code, text = check(name, body)
    assert code == 1 and words in text, text
    assert "Traceback" not in text and text.endswith(f"{name}: not yet.\n")


@pytest.mark.docs
@each
def test_every_slip_stands_in_the_source_and_none_is_taken_for_another(name):
    body = "\n".join(script.cut(name).body)
    for old, _, _ in script.EXERCISES[name].get("slips", ()):
        assert old in body, f"{name}: {old!r} stands in the source no more: mend exercises.toml"
    assert all(wrong and script.slip(name, wrong) == sentence for wrong, sentence in script.slips(name))


def test_progress_and_hints_are_remembered(folder):
    first, second, *_ = script.EXERCISES
    code, out, _ = call("list")
    assert code == 0 and "✓" not in out and out.endswith(f"start {first}\n")
    assert f"0 of {len(script.EXERCISES)} done" in out
    assert check(first, call("solution", first)[1].rstrip())[1].endswith(
        f"1 of {len(script.EXERCISES)} done; next: {second}\n"
    )
    assert next(line for line in call("list")[1].splitlines() if "✓" in line).startswith(f" ✓ {first} ")
    hints = script.EXERCISES["Tanh.derivative"]["hints"]
    for count, end in (1, "(2 more)"), (2, "(1 more)"), (3, "(that was all: answer Tanh.derivative)"), (3, "(that w"):
        out = call("hint", "Tanh.derivative")[1]
        assert out.count("\n") == count + 1 and f"{count}. {hints[count - 1]}\n{end}" in out
    kept = json.loads((folder / "cache" / "minigan" / "exercises.json").read_text())
    assert kept == {"done": [first], "hints": {"Tanh.derivative": 3}}


@pytest.mark.parametrize("text", ["{", '{"done": 3, "hints": {}}'])
def test_a_progress_file_of_another_make_is_refused(text, folder):
    kept = folder / "cache" / "minigan" / "exercises.json"
    kept.parent.mkdir(parents=True)
    kept.write_text(text)
    code, _, err = call("list")
    assert code == 2 and f"{kept}: not what exercise.py wrote" in err and "delete it" in err and err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "text", "words"),
    [
        (["check", "mine.py"], None, "mine.py: no such file: `exercise.py start NAME` writes one"),
        (["check", "mine.py"], "x = 1\n", "mine.py names no exercise: its first line must read `# exercise: NAME`"),
        (["check", "mine.py"], "# exercise: Tanh\n", "there is no exercise 'Tanh': did you mean Tanh.derivative?"),
        (["check", "mine.py"], "# exercise: softplus\nx = (\n", "mine.py does not import: SyntaxError: '(' was never"),
        (["check", "mine.py"], "# exercise: Tanh.derivative\nfrom minigan import Tanh as T\nclass Tanh(T): pass\n",
         "there is no Tanh.derivative in it any more"),
        (["start", "tanh.derivate"], None, "there is no exercise 'tanh.derivate': did you mean Tanh.derivative? `exer"),
        (["start", "softplus", "--out", "mine.py"], "x", "mine.py exists already: go on with it, remove it, or"),
        (["list", "--page", "mine.py"], "x", "the page has no block 'exercises'"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_said_in_one_line_with_exit_code_2(arguments, text, words):
    if text:
        Path("mine.py").write_text(text)
    code, out, err = call(*arguments)
    assert (code, out) == (2, "") and words in err and err.count("\n") == 1


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (None, "y is None: is a `return` missing?"),
        (np.zeros(2), "y has shape (2,), expected (3,)"),
        (np.array([-1.0, -2, -4]), "y is -1 times what it should be, in every entry: the sign"),
        (np.array([1.0, 2, 5]), "y[2] is 5, expected 4 (2 of 3 entries are right)"),
        (np.array([1.0, np.inf, 4]), "y[1] is inf, expected 2: an overflow"),
        (np.array([1.0, 2, 4 + 1e-7]), ""),
    ],
)
def test_how_two_arrays_differ_is_said_in_words(found, words):
    said = checks.differs("y", found, np.array([1.0, 2, 4]))
    assert said.startswith(words) and bool(said) == bool(words)


@pytest.mark.docs
def test_the_page_lists_the_exercises_as_they_are():
    page = ROOT / "docs" / "exercises.md"
    Path("page.md").write_text(page.read_text())
    assert call("list", "--page", "page.md")[0] == 0
    assert Path("page.md").read_text() == page.read_text(), "run scripts/exercise.py list --page docs/exercises.md"
    rows = [line for line in page.read_text().splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {4}  # a | in a cell must be escaped
    assert page.read_text().count("\n| `") == page.read_text().count("</details>") == len(script.EXERCISES)


@pytest.mark.docs
def test_the_answer_that_the_page_shows_is_the_one_that_is_given():
    page = (ROOT / "docs" / "exercises.md").read_text()
    (shown,) = re.findall(r"^```text\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    _, text = check("Tanh.derivative", "out[...] = 1 - y")
    assert len(shown.splitlines()) == 5
    for line, said in zip(shown.splitlines(), text.splitlines(), strict=False):
        assert said.startswith(line.removesuffix(" ..."))
