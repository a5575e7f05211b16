#!/usr/bin/env python3
"""Write the parts of README.md that are counted or measured, so that nothing in it is typed from memory."""

import argparse
import ast
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy

from minigan.checkpoint import read
from minigan.training import report

ROOT = Path(__file__).resolve().parents[1]
CORE = "backend layers activations losses network optimizers objectives gan gradcheck".split()
MORE = (  # of the same ranks; what the recipes and other games need beyond the core
    "normalization dropout maxout reshaping spectral schedules averaging penalties other_objectives".split()
)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit with 1 where README.md is out of date"
    )
    parser.add_argument("--run", metavar="DIR", help="show the last picture and an epoch's line of this run")
    parser.add_argument("--mutants", action="store_true", help="run the mutation check and give its score")
    parser.add_argument("--speed", action="store_true", help="draw benchmarks/results into benchmarks/README.md")
    args = parser.parse_args(argv)
    readme = ROOT / "README.md"
    old = readme.read_text(encoding="utf-8")
    new = replace_block(old, "lines", line_table())
    if args.run:
        caption, line = describe(Path(args.run))
        new = replace_block(replace_block(new, "picture", caption), "line", line)
    if args.mutants:
        new = replace_block(new, "mutants", mutation_score())
    if args.speed:
        page = ROOT / "benchmarks" / "README.md"
        page.write_text(replace_block(page.read_text(encoding="utf-8"), "speed", speed_table()), encoding="utf-8")
    if args.check:
        return int(new != old)
    readme.write_text(new, encoding="utf-8")
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


def describe(run):
    """(caption of the run's last picture, which becomes docs/mnist.png; the line that training printed midway)."""
    _, meta = read(run / "checkpoint.npz")
    history = meta["history"]
    shutil.copyfile(run / "samples" / f"epoch-{len(history):04d}.png", ROOT / "docs" / "mnist.png")
    seconds = sum(row["seconds"] for row in history)
    caption = (
        f"*64 digits that nobody wrote: the generator after {len(history)} epochs on MNIST, {seconds:.0f} seconds of "
        f"training with {os.cpu_count()} cores of {processor()}, Python {platform.python_version()}, "
        f"NumPy {numpy.__version__}.*"
    )
    return f"![Digits drawn by the generator](docs/mnist.png)\n\n{caption}", (
        f"```\n{report(history[len(history) // 2], len(history))}\n```"
    )


def mutation_score():
    """The mutation check's score, as a sentence."""
    done = subprocess.run([sys.executable, ROOT / "tests" / "mutants.py"], capture_output=True, text=True, check=True)
    found = re.search(r"(\d+) mutants: (\d+) caught, (\d+) equivalent \(listed\), 0 survivors", done.stdout)
    total, caught, equivalent = found.groups()
    return (
        f"And the checks are checked: of {total} small changes to the mathematics (`python tests/mutants.py`) they "
        f"catch {caught}; the other {equivalent} are listed there, with the reason why nothing could tell them apart."
    )


def speed_table():
    """The table of benchmarks/results/peers.json; draws docs/speed.png on the way."""
    command = [sys.executable, ROOT / "benchmarks" / "draw_results.py"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def processor():
    """The processor's name, as far as the system tells it."""
    info = Path("/proc/cpuinfo")
    names = re.findall(r"^model name\s*: (.*)$", info.read_text(), re.MULTILINE) if info.exists() else []
    return f"an {names[0]}" if names else platform.processor() or platform.machine()


def replace_block(text, name, content):
    """`text` with what stands between the markers `<!-- name: ... -->` and `<!-- end of name -->` replaced."""
    pattern = re.compile(rf"(<!-- {name}: [^\n]* -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"the page has no block {name!r}: expected <!-- {name}: ... --> and <!-- end of {name} -->")
    return pattern.sub(lambda match: f"{match[1]}{content}\n{match[2]}", text)


if __name__ == "__main__":
    sys.exit(main())
