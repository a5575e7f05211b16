"""Write the parts of README.md and docs/ that are counted, cut out of the source or measured: none is typed by hand.

The same pages in Chinese get the same parts: the figures of the English page, in the words of readme.zh-CN.toml.
"""

import contextlib
import io
import os
import platform
import re
import runpy
import shutil
import subprocess
import sys
import tempfile
import textwrap
import tomllib
from pathlib import Path

import numpy
from PIL import Image, ImageDraw, ImageFont

from minigan import house
from minigan.app.cli import Parser
from minigan.app.reports import block, processor, replace_block
from minigan.data.files import replacing
from minigan.training.checkpoint import read
from minigan.training.course import report

ROOT = Path(__file__).resolve().parents[2]
PAGES = {  # and their translations
    "README.md": "README.zh-CN.md",
    "docs/using.md": "docs/zh-CN/using.md",
    "docs/files.md": "docs/zh-CN/files.md",
    "docs/tests.md": "docs/zh-CN/tests.md",
    "benchmarks/README.md": None,
}
SENTENCES = {
    "count": "**Learn backpropagation by reading, breaking and mending a generative adversarial network, in a core of "
    "{lines} lines of NumPy.**",
    "film": "![Digits emerging from noise, epoch by epoch](docs/digits.gif)\n\n"
    "*What G draws from the same noise during {epochs} epochs on the 1,797 small digits that come with minigan. "
    "This command, in the folder of the clone, trains for less than a minute:*",
    "picture": "![Digits drawn by the generator](docs/mnist.png)\n\n"
    "*64 digits that nobody wrote: the dense generator after {epochs} epochs on MNIST, {seconds} seconds of training "
    "with {cores} cores of {processor}, Python {python}, NumPy {numpy}.*",
    "mutants": "Of {total} small changes to the mathematics (`.venv/bin/python tests/mutants.py`) the checks catch "
    "{caught}. The other {equivalent} are listed there, each with the reason why no check could tell it from the "
    "original.",
}
LINK = "](../minigan/"  # of docs/files.md


def main(argv=None):
    parser = Parser(__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where a page is out of date")
    parser.add_argument("--run", metavar="DIR", help="show the last picture of this run on MNIST")
    parser.add_argument("--film", metavar="DIR", help="show the film, and an epoch's line, of this run on the digits")
    parser.add_argument("--mutants", action="store_true", help="run the mutation check and give its score")
    parser.add_argument("--speed", action="store_true", help="draw benchmarks/results into benchmarks/README.md")
    args = parser.parse_args(argv)
    with parser.mistakes():
        names = [name for pair in PAGES.items() for name in pair if name]
        old = {name: (ROOT / name).read_text(encoding="utf-8") for name in names}
        new = dict(old)

        def put(page, name, content):
            new[page] = replace_block(new[page], name, content)

        put("README.md", "count", SENTENCES["count"].format(lines=house.total(house.CORE)))
        put("README.md", "step", f"```py\n{generator_step()}\n```")
        put("README.md", "verdict", f"```text\n{verdict(new['README.md'])}\n```")
        put("docs/files.md", "lines", line_table())
        if args.run:
            _, meta = read(Path(args.run) / "checkpoint.npz")
            put("README.md", "picture", caption("picture", meta["history"]))
            if not args.check:
                last = f"epoch-{len(meta['history']):04d}.png"
                shutil.copyfile(Path(args.run) / "samples" / last, ROOT / "docs" / "mnist.png")
        if args.film:
            _, meta = read(Path(args.film) / "checkpoint.npz")
            history = meta["history"]
            put("README.md", "film", caption("film", history))
            put("docs/using.md", "line", f"```\n{report(history[len(history) // 2], len(history))}\n```")
            if not args.check:
                film(Path(args.film) / "samples", len(history), ROOT / "docs" / "digits.gif")
        if args.mutants:
            put("docs/tests.md", "mutants", mutation_score())
        if args.speed:
            put("benchmarks/README.md", "speed", speed_table())
        for english, chinese in PAGES.items():
            if chinese:
                new[chinese] = in_chinese(new[english], new[chinese], english)
        stale = [name for name in names if new[name] != old[name]]
        if args.check:
            for name in stale:
                print(f"{name} is out of date: run scripts/reports/update_readme.py")
            return int(bool(stale))
        for name in stale:
            with replacing(ROOT / name, "w", encoding="utf-8") as file:
                file.write(new[name])
    return 0


def generator_step():
    """The lines of GAN.generator_step by which the gradient goes, as they stand in the source."""
    wanted = (
        r" *(x = G\.|a = D\.forward\(x|loss, da =|dx = D\.backward\(da|G\.backward|self\.generator_optimizer\.step).*"
    )
    source = (ROOT / "minigan" / "gan.py").read_text(encoding="utf-8").partition("def generator_step")[2]
    lines = [line.strip() for line in source.partition("\n    def ")[0].splitlines() if re.fullmatch(wanted, line)]
    if len(lines) != 6:
        raise ValueError(f"minigan/gan.py: expected six lines on the gradient's way in generator_step, found {lines}")
    return "\n".join(f"{line}  # {number}" for number, line in enumerate(lines, 1))


def verdict(text):
    """What check_gradients prints of the layer in the page's first python block."""
    code = re.search(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[1]
    check_gradients = runpy.run_path(str(Path(__file__).resolve().parents[1] / "check_gradients.py"))["main"]
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()) as said:
        path = Path(folder) / "my_layers.py"
        path.write_text(code, encoding="utf-8")
        check_gradients(["--layer", f"{path}:Swish"])
    lines = said.getvalue().rstrip().splitlines()
    return "\n".join("\n".join(textwrap.wrap(line, 118, subsequent_indent=" " * 7)) for line in lines)


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
    return f"| [`minigan/{path}`{LINK}{path}) | {house.purpose(named)} | {house.total(names)} |"


def caption(name, history):
    """The sentence below the picture of a run that has just been played on this machine."""
    return SENTENCES[name].format(
        epochs=len(history),
        seconds=f"{sum(row['seconds'] for row in history):.0f}",
        cores=os.cpu_count(),
        processor=processor(),
        python=platform.python_version(),
        numpy=numpy.__version__,
    )


def film(folder, epochs, path, frames=34, lines=4, columns=16, zoom=5, grays=8):
    """Write a GIF of the samples in a run's pictures, which stand 8 by 8 there; the first epochs closer together."""
    drawn, font = [], ImageFont.load_default(13)
    for epoch in sorted({round(epochs ** (i / (frames - 1))) for i in range(frames)}):
        with Image.open(folder / f"epoch-{epoch:04d}.png") as picture:
            tiles = numpy.asarray(picture.convert("L"))
        tiles = tiles.reshape(8, 50, 8, 50)[:, 4::6, :, 4::6].swapaxes(1, 2)[:, :, :8, :8].reshape(64, 8, 8)
        tiles = tiles[: lines * columns].repeat(zoom, 1).repeat(zoom, 2)
        tiles = numpy.pad(tiles, ((0, 0), (1, 1), (1, 1)), constant_values=90).reshape(lines, columns, 8 * zoom + 2, -1)
        tiles = tiles.swapaxes(1, 2).reshape(lines * (8 * zoom + 2), -1)
        frame = Image.fromarray(numpy.pad(tiles, ((22, 0), (0, 0)), constant_values=255))
        ImageDraw.Draw(frame).text((6, 3), f"epoch {epoch} of {epochs}", fill=0, font=font)
        drawn.append(Image.fromarray((numpy.asarray(frame) / 255 * (grays - 1)).round().astype("uint8")))
        drawn[-1].putpalette([round(255 * k / (grays - 1)) for k in range(grays) for _ in "rgb"])
    durations = [250] * (len(drawn) - 1) + [3000]
    with replacing(path) as file:
        drawn[0].save(file, "GIF", save_all=True, append_images=drawn[1:], duration=durations, loop=0)


def mutation_score():
    """The mutation check's score, as a sentence."""
    done = subprocess.run([sys.executable, ROOT / "tests" / "mutants.py"], capture_output=True, text=True)
    found = re.search(r"(\d+) mutants: (\d+) caught, (\d+) equivalent \(listed\), 0 survivors", done.stdout)
    if not found:
        last = (done.stdout + done.stderr).strip().splitlines()[-1:]
        raise ValueError(f"tests/mutants.py: expected a score without survivors, got {last}: run it and read on")
    return SENTENCES["mutants"].format(**dict(zip(("total", "caught", "equivalent"), found.groups(), strict=True)))


def speed_table():
    """The tables of benchmarks/results; draws docs/speed.png on the way."""
    command = [sys.executable, ROOT / "benchmarks" / "draw_results.py"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def in_chinese(english, chinese, page):
    """The page `chinese` with the blocks of its twin `english`: the same figures in the words of readme.zh-CN.toml."""
    words = tomllib.loads((Path(__file__).with_name("readme.zh-CN.toml")).read_text(encoding="utf-8"))
    for name in re.findall(r"^<!-- (\w+): made by", english, re.MULTILINE):
        content = block(english, name)
        if name in SENTENCES:
            found = figures(SENTENCES[name], content)
            if found is None:
                raise ValueError(f"{page}, block {name!r}: expected what update_readme.py writes, {SENTENCES[name]!r}")
            content = words[name].format(**found)
        elif name == "lines":
            content = re.sub(
                r"(?<=\| )[^|\n]+(?= \|)", lambda cell, to=words["cells"]: to.get(cell[0], cell[0]), content
            )
            content = content.replace(LINK, LINK.replace("../", "../../"))
        chinese = replace_block(chinese, name, content)
    return chinese


def figures(sentence, text):
    """What stands in `text` for each {name} of `sentence`, as strings: the inverse of str.format; None where none fits.

    An article before a name ("an AMD EPYC") is English, and no part of the figure.
    """
    pattern = re.sub(r"\\\{(\w+)\\\}", r"(?:an )?(?P<\1>.+)", re.escape(sentence))
    found = re.fullmatch(pattern, text)
    return found and found.groupdict()


if __name__ == "__main__":
    sys.exit(main())
