"""docs/course and scripts/reports/draw_course.py: what a page shows is what the source says, prints and draws.

A `text` block right after a `python` block is exactly what that block prints; a `py` block is cut out of the file that
the page linked to last.
"""

import contextlib
import io
import re
import textwrap
import tomllib
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from loading import script
from matplotlib.image import imread

pytestmark = pytest.mark.docs
ROOT = Path(__file__).resolve().parents[2]
COURSE = ROOT / "docs" / "course"
PAGES = sorted(COURSE.glob("[0-9][0-9]-*.md"))
UNLIKE = {  # how far a figure may be from the committed one, where processors and BLAS round differently
    "losses-and-logits": 0.005,  # it shows rounding errors
    "checking-gradients": 0.005,
    "training-and-what-goes-wrong": 0.02,  # it plays games
}
DRAWN_WITH = "3.11.2"  # the matplotlib that drew the committed figures
EXERCISES = tomllib.loads((ROOT / "scripts" / "exercises" / "exercises.toml").read_text(encoding="utf-8"))

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def slug(page):
    """02-dense.md -> dense"""
    return page.stem[3:]


@pytest.fixture(scope="module")
def drawing():
    """scripts/reports/draw_course.py as a module, with its folder where the figures' modules are found."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "scripts" / "reports")
        yield script("draw_course")


def printed(text):
    """(block, what the page says that it prints) for each python block; "" without a text block right after it."""
    return re.findall(r"^```python\n(.*?)^```$(?:\n\n?```text\n(.*?)^```$)?", text, re.MULTILINE | re.DOTALL)


def foreign_excerpts(page, text):
    """The py blocks that do not stand, line by line and apart from indentation, in the file linked to before them."""
    for block in re.finditer(r"^```py\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        *_, path = re.findall(r"\]\((\S+\.py)\)", text[: block.start()])
        source, excerpt = (page.parent / path).read_text(encoding="utf-8").splitlines(), block[1].splitlines()
        windows = ("\n".join(source[i : i + len(excerpt)]) for i in range(len(source)))
        if "\n".join(excerpt) not in map(textwrap.dedent, windows):
            yield block[1]


@each_page
def test_what_a_page_says_is_printed_is_printed(page):
    found = printed(page.read_text(encoding="utf-8"))
    assert any(expected for _, expected in found) or page.stem > "08"
    for block, expected in found:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(block, {"__name__": page.stem})
        assert out.getvalue() == expected or not expected


@each_page
def test_excerpts_are_those_of_the_source(page):
    assert list(foreign_excerpts(page, page.read_text(encoding="utf-8"))) == []


@each_page
def test_a_page_is_short_links_on_and_names_exercises_that_exist(page):
    text = page.read_text(encoding="utf-8")
    assert text.count("\n") <= 130
    assert text.startswith(f"# {int(page.name[:2])}. ")
    following = [other for other in PAGES if other > page][:1]
    for other in following:
        title = other.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
        assert text.endswith(f"\nNext: [{title}]({other.name})\n")
    named = re.findall(r"exercise\.py start ([\w.]+)", text)
    assert set(named) <= set(EXERCISES)
    assert named or page.stem > "08"


@each_page
def test_each_page_has_one_figure_with_the_caption_of_its_module(page, drawing):
    ((caption, name),) = re.findall(r"^!\[(.+)\]\((.+)\)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert name == f"{slug(page)}.png"
    assert caption == drawing.load(slug(page)).__doc__.splitlines()[0]
    drawn = (COURSE / name).read_bytes()
    assert len(drawn) < 120_000 and b"Software" not in drawn and b"tEXt" not in drawn


@pytest.mark.parametrize("name", [slug(page) for page in PAGES])
def test_the_figure_is_what_is_drawn_today(name, drawing, tmp_path):
    """Pixel by pixel, for compression may differ; with another matplotlib text does, too, and a stale line passes."""
    assert drawing.main([name, "--out", str(tmp_path)]) == 0
    old, new = (imread(folder / f"{name}.png")[..., :3] for folder in (COURSE, tmp_path))
    assert old.shape == new.shape and 800 <= old.shape[1] <= 1000
    allowed = UNLIKE.get(name, 5e-5) if matplotlib.__version__ == DRAWN_WITH else 0.02
    difference = float(np.abs(old - new).mean())
    assert difference < allowed
