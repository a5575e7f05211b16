#!/usr/bin/env python3
"""Write the parts of README.md that are counted or measured, so that nothing in it is typed from memory.

README.zh-CN.md, the same page in Chinese, gets the same parts: the figures that stand in README.md, in the words of
scripts/readme.zh-CN.toml.
"""

import ast
import os
import platform
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy

from minigan.checkpoint import read
from minigan.cli import Parser
from minigan.files import replacing
from minigan.training import report

ROOT = Path(__file__).resolve().parents[1]
CORE = "backend layers activations losses network optimizers objectives gan gradcheck".split()
MORE = (  # what the recipes, other games and the measures need beyond the core
    "schedules normalization dropout instance_noise maxout reshaping spectral cross_entropy fitting averaging threads "
    "tangents penalties other_objectives second_order_check"
).split()
PICTURE = (
    "![Digits drawn by the generator](docs/mnist.png)\n\n"
    "*64 digits that nobody wrote: the generator after {epochs} epochs on MNIST, {seconds} seconds of training with "
    "{cores} cores of {processor}, Python {python}, NumPy {numpy}.*"
)
MUTANTS = (
    "And the checks are checked: of {total} small changes to the mathematics (`python tests/mutants.py`) they catch "
    "{caught}; the other {equivalent} are listed there, with the reason why nothing could tell them apart."
)


def main(argv=None):
    parser = Parser(__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where a page is out of date")
    parser.add_argument("--run", metavar="DIR", help="show the last picture and an epoch's line of this run")
    parser.add_argument("--mutants", action="store_true", help="run the mutation check and give its score")
    parser.add_argument("--speed", action="store_true", help="draw benchmarks/results into benchmarks/README.md")
    args = parser.parse_args(argv)
    with parser.mistakes():
        english, chinese, speed = (ROOT / name for name in ("README.md", "README.zh-CN.md", "benchmarks/README.md"))
        old = {page: page.read_text(encoding="utf-8") for page in (english, chinese, speed)}
        new = dict(old)
        new[english] = replace_block(new[english], "lines", line_table())
        if args.run:
            caption, line = describe(Path(args.run), picture=None if args.check else ROOT / "docs" / "mnist.png")
            new[english] = replace_block(replace_block(new[english], "picture", caption), "line", line)
        if args.mutants:
            new[english] = replace_block(new[english], "mutants", mutation_score())
        if args.speed:
            new[speed] = replace_block(new[speed], "speed", speed_table())
        new[chinese] = in_chinese(new[english], new[chinese])
        stale = [page for page in old if new[page] != old[page]]
        if args.check:
            for page in stale:
                print(f"{page.relative_to(ROOT)} is out of date: run scripts/update_readme.py")
            return int(bool(stale))
        for page in stale:
            with replacing(page, "w", encoding="utf-8") as file:
                file.write(new[page])
    return 0


def line_table():
    """The core, file by file: its first docstring line and its number of lines; and what may be read later."""
    rows, total = [], 0
    for name in CORE + MORE:
        if name == MORE[0]:
            rows += [f"| | together | {total:,} |", "| *later, for the recipes:* | | |"]
        text = (ROOT / "minigan" / f"{name}.py").read_text(encoding="utf-8")
        purpose = ast.get_docstring(ast.parse(text)).splitlines()[0]
        lines = text.count("\n")
        total += lines
        rows.append(f"| [`minigan/{name}.py`](minigan/{name}.py) | {purpose} | {lines} |")
    return "\n".join(["| file | what it is | lines |", "|---|---|---:|", *rows, f"| | with these | {total:,} |"])


def describe(run, picture):
    """(caption of the run's last picture, the line that training printed midway); copies that picture to `picture`."""
    _, meta = read(run / "checkpoint.npz")
    history = meta["history"]
    if picture is not None:
        shutil.copyfile(run / "samples" / f"epoch-{len(history):04d}.png", picture)
    caption = PICTURE.format(
        epochs=len(history),
        seconds=f"{sum(row['seconds'] for row in history):.0f}",
        cores=os.cpu_count(),
        processor=processor(),
        python=platform.python_version(),
        numpy=numpy.__version__,
    )
    return caption, f"```\n{report(history[len(history) // 2], len(history))}\n```"


def mutation_score():
    """The mutation check's score, as a sentence."""
    done = subprocess.run([sys.executable, ROOT / "tests" / "mutants.py"], capture_output=True, text=True)
    found = re.search(r"(\d+) mutants: (\d+) caught, (\d+) equivalent \(listed\), 0 survivors", done.stdout)
    if not found:
        last = (done.stdout + done.stderr).strip().splitlines()[-1:]
        raise ValueError(f"tests/mutants.py: expected a score without survivors, got {last}: run it and read on")
    return MUTANTS.format(**dict(zip(("total", "caught", "equivalent"), found.groups(), strict=True)))


def speed_table():
    """The table of benchmarks/results/peers.json; draws docs/speed.png on the way."""
    command = [sys.executable, ROOT / "benchmarks" / "draw_results.py"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def processor():
    """The processor's name, as far as the system tells it."""
    info = Path("/proc/cpuinfo")
    names = re.findall(r"^model name\s*: (.*)$", info.read_text(), re.MULTILINE) if info.exists() else []
    return f"an {names[0]}" if names else platform.processor() or platform.machine()


def in_chinese(english, chinese):
    """The page `chinese` with the blocks of the page `english`: the same figures in the words of readme.zh-CN.toml."""
    words = tomllib.loads((ROOT / "scripts" / "readme.zh-CN.toml").read_text(encoding="utf-8"))
    for name, sentence in ("picture", PICTURE), ("mutants", MUTANTS):
        found = figures(sentence, block(english, name))
        if found is None:
            raise ValueError(f"README.md, block {name!r}: expected what update_readme.py writes, {sentence!r}")
        chinese = replace_block(chinese, name, words[name].format(**found))
    cells, lines = words["cells"], block(english, "lines")
    lines = re.sub(r"(?<=\| )[^|\n]+(?= \|)", lambda cell: cells.get(cell[0], cell[0]), lines)
    chinese = replace_block(chinese, "lines", lines)
    return replace_block(chinese, "line", block(english, "line"))


def figures(sentence, text):
    """What stands in `text` for each {name} of `sentence`, as strings: the inverse of str.format; None where none fits.

    An article before a name ("an AMD EPYC") is English, and no part of the figure.
    """
    pattern = re.sub(r"\\\{(\w+)\\\}", r"(?:an )?(?P<\1>.+)", re.escape(sentence))
    found = re.fullmatch(pattern, text)
    return found and found.groupdict()


def block(text, name):
    """What stands in `text` between the markers `<!-- name: ... -->` and `<!-- end of name -->`."""
    return _find(text, name)[1].removesuffix("\n")


def replace_block(text, name, content):
    """`text` with what stands between the markers `<!-- name: ... -->` and `<!-- end of name -->` replaced."""
    found = _find(text, name)
    return f"{text[: found.start(1)]}{content}\n{text[found.end(1) :]}"


def _find(text, name):
    found = re.search(rf"<!-- {name}: [^\n]* -->\n(.*?)<!-- end of {name} -->", text, re.DOTALL)
    if not found:
        raise ValueError(f"the page has no block {name!r}: expected <!-- {name}: ... --> and <!-- end of {name} -->")
    return found


if __name__ == "__main__":
    sys.exit(main())
