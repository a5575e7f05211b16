"""Learn minigan by writing it: one body is taken out of its source, you write it anew, and the check answers in words.

    python scripts/exercise.py list                      what there is, and what you have done
    python scripts/exercise.py start Tanh.derivative     writes tanh_derivative.py, with one body missing
    python scripts/exercise.py check tanh_derivative.py  is it right? if not, what kind of mistake is it?
    python scripts/exercise.py hint Tanh.derivative      a hint; the next call gives one more
    python scripts/exercise.py answer Tanh.derivative    an answer
    python scripts/exercise.py solution Tanh.derivative  minigan's own body, which saves memory
    python scripts/exercise.py capstone my_gan.py        a GAN from an empty file, in six steps: how far is it right?

What you have done, and how many hints you took, is kept in minigan's cache ($XDG_CACHE_HOME or ~/.cache). Exit code of
check and capstone: 0 right, 1 wrong, 2 the file cannot be used. The exercises are in exercises/exercises.toml, with
their hints and well-known slips; exercises/checks.py checks them.
"""

import ast
import difflib
import functools
import importlib
import inspect
import json
import re
import sys
import textwrap
import tomllib
import traceback
import types
from pathlib import Path
from typing import NamedTuple

import numpy
from exercises.capstone import STEPS
from exercises.checks import CHECKS

from minigan.app.cli import Parser
from minigan.app.reports import replace_block
from minigan.backend import plain
from minigan.data.files import replacing
from minigan.data.mnist import cache_dir

CALL = ".venv/bin/python scripts/exercise.py"  # as the README calls it
LIST = Path(__file__).with_name("exercises") / "exercises.toml"
EXERCISES = tomllib.loads(LIST.read_text(encoding="utf-8"))
FOLD = "<details><summary><code>{name}</code></summary>\n\n```py\n{body}\n```\n\n</details>"
CAPSTONE = Path(__file__).parents[1] / "docs" / "course" / "answers" / "capstone.py"


def main(argv=None):
    parser = arguments()
    args = parser.parse_args(argv)
    with parser.mistakes():
        return args.run(args, Progress())


def arguments():
    parser = Parser(__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=Command)
    for name, run, words, operand in (
        ("list", show, "what there is, and what you have done", None),
        ("start", start, "write a file with one body missing", "NAME"),
        ("check", check, "is what you wrote right?", "FILE"),
        ("hint", hint, "a hint, one more at each call", "NAME"),
        ("answer", show_answer, "an answer, short and right", "NAME"),
        ("solution", solution, "minigan's own body, which saves memory", "NAME"),
        ("capstone", capstone, "a GAN from an empty file, in six steps: how far is it right?", "FILE"),
    ):
        command = commands.add_parser(name, description=words, help=words)
        command.set_defaults(run=run)
        if operand:
            command.add_argument(operand.lower(), metavar=operand)
        if run is start:
            command.add_argument("--out", type=Path, help="the file to write (default: tanh_derivative.py, say)")
        if run is capstone:
            command.add_argument("--step", type=int, choices=range(1, len(STEPS) + 1), help="check this step alone")
        if run is show:
            command.add_argument("--page", type=Path, help="write the list into this page, between its markers")
    return parser


class Command(Parser):
    """The parser of one command: `exercise.py check`, say."""

    def __init__(self, prog, description):
        super().__init__(description)
        self.prog = prog


class Progress:
    """What the reader has done, and how many hints they took: a small JSON file in the cache.

    Raises ValueError where the file is no longer what was written.
    """

    def __init__(self):
        self.path = cache_dir() / "exercises.json"
        self.done, self.hints = [], {}
        if self.path.exists():
            try:
                kept = json.loads(self.path.read_text(encoding="utf-8"))
                self.done, self.hints = [name for name in EXERCISES if name in kept["done"]], dict(kept["hints"])
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(f"{self.path}: not what exercise.py wrote ({error!r}): delete it") from error

    def save(self):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(self.path, "w", encoding="utf-8") as file:
            json.dump({"done": self.done, "hints": self.hints}, file)


def show(args, progress):
    if args.page:
        tasks = {name: exercise["task"].replace("|", r"\|") for name, exercise in EXERCISES.items()}
        rows = [f"| `{name}` | {at(name)} | {task} |" for name, task in tasks.items()]
        table = "\n".join(["| exercise | in | what to write |", "|---|---|---|", *rows])
        folds = [FOLD.format(name=name, body=answer(name)) for name in EXERCISES]
        page = args.page.read_text(encoding="utf-8")
        for block, content in ("exercises", table), ("answers", "\n\n".join(folds)):
            page = replace_block(page, block, content)
        args.page.write_text(page, encoding="utf-8")
        return 0
    for name, exercise in EXERCISES.items():
        print(f" {'✓' if name in progress.done else ' '} {name:<30} {exercise['task']}")
    print(f"{len(progress.done)} of {len(EXERCISES)} done; begin one with: {CALL} start {next_one(progress)}")
    return 0


def start(args, progress):
    known(args.name)
    path = args.out or Path(f"{args.name.replace('.', '_').lower()}.py")
    if path.exists():
        raise ValueError(f"{path} exists already: go on with it, remove it, or name another with --out")
    path.write_text(unwritten(args.name, path), encoding="utf-8")
    line = next(i for i, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if todo(args.name) in text)
    print(f"{path}:{line}: write {EXERCISES[args.name]['task']}; then: {CALL} check {path}")
    return 0


def check(args, progress):
    name, module = load(Path(args.file))
    wrong = trouble(name, module)
    if wrong:
        why = slip(name, wrong)
        print(wrong + (f"\nThis is what you get when {why}." if why else "") + f"\n{name}: not yet.")
        return 1
    progress.done = [other for other in EXERCISES if other in (*progress.done, name)]
    progress.save()
    left = len(EXERCISES) - len(progress.done)
    print(f"{name} is right: it agrees with minigan's own wherever the check looked.")
    print(f"{len(progress.done)} of {len(EXERCISES)} done" + (f"; next: {next_one(progress)}" if left else ": all!"))
    return 0


def hint(args, progress):
    hints = known(args.name)["hints"]
    count = progress.hints[args.name] = min(progress.hints.get(args.name, 0) + 1, len(hints))
    progress.save()
    print("\n".join(f"{i}. {text}" for i, text in enumerate(hints[:count], 1)))
    print(f"({len(hints) - count} more)" if count < len(hints) else f"(that was all: answer {args.name})")
    return 0


def show_answer(args, progress):
    print(CAPSTONE.read_text(encoding="utf-8").rstrip() if args.name == "capstone" else answer(args.name))
    return 0


def answer(name):
    """A body that is right: that of exercises.toml, or minigan's own."""
    given = known(name).get("answer")
    return given.strip("\n") if given else textwrap.dedent("\n".join(cut(name).body))


def solution(args, progress):
    known(args.name)
    print(textwrap.dedent("\n".join(cut(args.name).body)))
    return 0


def capstone(args, progress):
    path = Path(args.file)
    module = imported(read(path, "make an empty one to begin with"), path)
    for number, step in enumerate(STEPS, 1):
        if args.step in (None, number):
            lacking = [name for name in step.names if not hasattr(module, name)]
            wrong = f"{' and '.join(lacking)} is still to be written: {step.task}." if lacking else ""
            wrong = wrong or first(step.check(module), module)
            print(wrong + f"\nstep {number}: not yet." if wrong else f"step {number} is right: {', '.join(step.names)}")
            if wrong:
                return 1
    return 0


def known(name):
    """The exercise of this name; ValueError where there is none."""
    if name not in EXERCISES:
        known = {other.lower(): other for other in EXERCISES}
        beside = [other for other in known if other.partition(".")[0] == name.lower().partition(".")[0]]
        near = difflib.get_close_matches(name.lower(), beside or known, 1, cutoff=0 if beside else 0.6)
        near = near or [other for other in known if name.lower() in other][:1]
        guess = "".join(f"did you mean {known[other]}? " for other in near)
        raise ValueError(f"there is no exercise {name!r}: {guess}`exercise.py list` shows them all")
    return EXERCISES[name]


def next_one(progress):
    return next((name for name in EXERCISES if name not in progress.done), next(iter(EXERCISES)))


def at(name):
    return f"`{EXERCISES[name]['module'].replace('.', '/').replace('exercises/', 'scripts/exercises/')}.py`" + (
        ", `backend/plain.py`" if cut(name).kernel else ""
    )


def source(name):
    """The module that an exercise is taken from: one of minigan, or of the folder exercises."""
    module = EXERCISES[name]["module"]
    return importlib.import_module(module if module.startswith("exercises.") else f"minigan.{module}")


# The file to write into


class Cut(NamedTuple):
    """A function or class of the source, in lines: what it needs, what comes before the body, the body, the rest."""

    docstring: str  # of the module: some formulas stand there
    imports: list
    before: list
    body: list
    after: list
    kernel: str  # the name of the plain function that the body ends in a call of, and has in its place; or ""


@functools.cache
def cut(name):
    """The Cut that takes out the body of this exercise."""
    module = source(name)
    text = Path(module.__file__).read_text(encoding="utf-8")
    tree, lines = ast.parse(text), text.splitlines()
    top, _, method = name.partition(".")
    top = next(node for node in tree.body if getattr(node, "name", "") == top)
    function = next(node for node in top.body if getattr(node, "name", "") == method) if method else top
    first = function.body[bool(ast.get_docstring(function))]
    begin, end = first.lineno - 1, function.end_lineno
    used = {node.id for node in ast.walk(top) if isinstance(node, ast.Name)}
    imports = [ast.unparse(node) for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    others = [node for node in tree.body if node is not top and not isinstance(node, ast.Import | ast.ImportFrom)]
    names = [name for node in others for name in defined(node, used)]
    imports += [f"from {module.__name__} import {', '.join(names)}"] if names else []
    kernel, formula = written_out(function.body[-1])
    body = [*lines[begin : function.body[-1].lineno - 1], *formula] if kernel else lines[begin:end]
    before, after = lines[top.lineno - 1 : begin], lines[end : top.end_lineno]
    return Cut(ast.get_docstring(tree), imports, before, body, after, kernel)


def written_out(statement):
    """(name, lines) of a call kernels.NAME(...) with the plain function's formula in its place, else ("", [])."""
    call = getattr(statement, "value", None)
    if not isinstance(call, ast.Call) or not ast.unparse(call.func).startswith("kernels."):
        return "", []
    name, indent = call.func.attr, " " * statement.col_offset
    text = inspect.getsource(getattr(plain, name))
    (function,) = ast.parse(text).body
    given = dict(zip((a.arg for a in function.args.args), map(ast.unparse, call.args), strict=False))
    given |= {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
    first = function.body[bool(ast.get_docstring(function))]
    formula = textwrap.dedent("\n".join(text.splitlines()[first.lineno - 1 :]))
    formula = re.sub(rf"\b({'|'.join(given)})\b(?!=)", lambda found: given[found[0]], formula)
    return name, [indent + line for line in (f"# kernels.{name}, written out:", *formula.splitlines())]


def defined(node, used):
    """The names that a top-level statement of the source defines, if they are used or are functions."""
    stored = [n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    names = [node.name] if isinstance(node, ast.FunctionDef | ast.ClassDef) else stored
    return [name for name in names if name in used or (isinstance(node, ast.FunctionDef) and name[0] != "_")]


def todo(name):
    return f'raise NotImplementedError("write {name}")'


def unwritten(name, path):
    """The text of the file to write into: runs as it is, and raises where the body is missing."""
    piece = cut(name)
    indent = re.match(" *", piece.body[0])[0]
    return whole(name, piece, [indent + todo(name)], path)


def whole(name, piece, body, path="FILE"):
    head = [
        f"# exercise: {name}",
        f"# Write {EXERCISES[name]['task']}.",
        "# New arrays are as good as the reused ones of the rest. Then:",
        f"#     {CALL} check {path}",
    ]
    quoted = piece.docstring + ("\n" if "\n" in piece.docstring else "")
    parts = [*head, f'"""{quoted}"""', "", *piece.imports, "", "", *piece.before, *body, *piece.after]
    return "\n".join(parts) + "\n"


def load(path):
    """(name of the exercise, the module) of a reader's file; raises ValueError, saying why, if it cannot be used."""
    text = read(path, "`exercise.py start NAME` writes one")
    found = re.match(r"# exercise: (\S+)", text)
    if not found:
        raise ValueError(f"{path} names no exercise: its first line must read `# exercise: NAME`, as start wrote it")
    name = found[1]
    known(name)
    module = imported(text, path)
    top, _, method = name.partition(".")
    if not hasattr(module, top) or (method and method not in vars(getattr(module, top))):
        raise ValueError(f"{path} is the exercise {name}, but there is no {name} in it any more")
    return name, module


def read(path, advice):
    if not path.is_file():
        raise ValueError(f"{path}: no such file: {advice}")
    return path.read_text(encoding="utf-8")


def imported(text, path):
    """The module with this source; raises ValueError if it cannot be run."""
    try:
        return build(text, path)
    except Exception as error:
        raise ValueError(f"{path} does not import: {type(error).__name__}: {error}") from error


def build(text, path="slip.py"):
    """The module with this source."""
    module = types.ModuleType(Path(path).stem)
    module.__file__ = str(path)
    exec(compile(text, str(path), "exec"), vars(module))
    return module


# Is it right?


def trouble(name, module):
    """What is wrong with a module's version of this exercise, in words, or ""."""
    top = name.partition(".")[0]
    wrong = first(CHECKS[name](getattr(module, top), getattr(source(name), top)), module)
    unwritten = wrong.startswith(f"NotImplementedError: write {name}")
    return f"{name} is still to be written: {EXERCISES[name]['task']}" if unwritten else wrong


def first(sentences, module):
    """The first sentence that a check of this module yields, or what was raised on the way; "" where all is right."""
    try:
        with numpy.errstate(all="ignore"):
            return next(filter(None, sentences), "")
    except Exception as error:
        return raised(error, module.__file__)


def raised(error, path):
    """An exception on the way through the reader's code: what, in which of their lines, and where they may look."""
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    lines = [f"{type(error).__name__}: {error}", *(f"{f.filename}:{f.lineno}: {f.line}" for f in own[-1:])]
    widths = re.search(r"core dimension.*\(size (\d+) is different from (\d+)\)", str(error))
    if widths:
        lines.append(f"a @ b needs as many columns in a as rows in b, and here they are {widths[2]} and {widths[1]}: "
                     "a .T is missing or too much, or the factors are exchanged")  # fmt: skip
    if "'NoneType' object" in str(error):
        lines.append('None was handed on: what returned it? A backward with wrt="params" may leave dx out')
    return "\n  ".join([*lines, *getattr(error, "__notes__", [])])


def slip(name, wrong):
    """The well-known slip that is found wrong in the same words and figures, or ""."""
    return dict(reversed(slips(name))).get(wrong, "")


@functools.cache
def slips(name):
    """[(what the check says of it, what it is)] for each well-known slip of this exercise."""
    piece = cut(name)
    body = "\n".join(piece.body)
    return [
        (trouble(name, build(whole(name, piece, body.replace(old, new).splitlines()))), sentence)
        for old, new, sentence in EXERCISES[name].get("slips", ())
    ]


if __name__ == "__main__":
    sys.exit(main())
