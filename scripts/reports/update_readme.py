"""Write the parts of README.md that are counted or measured, so that nothing in it is typed from memory.

README.zh-CN.md, the same page in Chinese, gets the same parts: the figures that stand in README.md, in the words of
scripts/reports/readme.zh-CN.toml.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy

from minigan import house
from minigan.app.cli import Parser
from minigan.app.reports import block, processor, replace_block
from minigan.data.files import replacing
from minigan.training.checkpoint import read
from minigan.training.training import report

ROOT = Path(__file__).resolve().parents[2]
PICTURE = (
    "![Digits drawn by the generator](docs/mnist.png)\n\n"
    "*64 digits that nobody wrote: the generator after {epochs} epochs on MNIST, {seconds} seconds of training with "
    "{cores} cores of {processor}, Python {python}, NumPy {numpy}.*"
)
MUTANTS = (
    "And the checks are checked: of {total} small changes to the mathematics (`.venv/bin/python tests/mutants.py`) "
    "they catch {caught}; the other {equivalent} are listed there, with the reason why nothing could tell them apart."
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
                print(f"{page.relative_to(ROOT)} is out of date: run scripts/reports/update_readme.py")
            return int(bool(stale))
        for page in stale:
            with replacing(page, "w", encoding="utf-8") as file:
                file.write(new[page])
    return 0


def line_table():
    """The core file by file, then what else is in its rooms, then the other rooms: what each is for, and its lines."""
    files = [name for here in list(house.ROOMS)[: list(house.ROOMS).index("data")] for name in house.ROOMS[here]]
    rows = [row(f"{name}.py", name, [name]) for name in house.CORE]
    rows += [f"| | together | {house.total(house.CORE)} |", "| *later:* | | |"]
    rows += [row(f"{name}.py", name, [name]) for name in files if name not in house.CORE]
    rows += [
        row(f"{here}/", f"{here}/__init__", names)
        for here, names in house.ROOMS.items()
        if names[0] not in [here, *files]
    ]
    return "\n".join(
        ["| file | what it is | lines |", "|---|---|---:|", *rows, f"| | with these | {house.total(house.ORDER)} |"]
    )


def row(path, named, names):
    """The table's row of a file or folder of minigan: its purpose stands in `named`, its lines in `names`."""
    return f"| [`minigan/{path}`](minigan/{path}) | {house.purpose(named)} | {house.total(names)} |"


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
    """The tables of benchmarks/results; draws docs/speed.png on the way."""
    command = [sys.executable, ROOT / "benchmarks" / "draw_results.py"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def in_chinese(english, chinese):
    """The page `chinese` with the blocks of the page `english`: the same figures in the words of readme.zh-CN.toml."""
    words = tomllib.loads((Path(__file__).with_name("readme.zh-CN.toml")).read_text(encoding="utf-8"))
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


if __name__ == "__main__":
    sys.exit(main())
