"""docs/course and scripts/reports/draw_course.py: what a page shows is what the source says, prints and draws.

A `text` block right after a `python` block is exactly what that block prints, where the blocks of a page run one after
the other; a `py` block is cut out of the file that the page linked to last.
"""

import contextlib
import io
import json
import re
import textwrap
import tomllib
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from loading import script
from matplotlib.image import imread

from minigan import NonSaturating

pytestmark = pytest.mark.docs
ROOT = Path(__file__).resolve().parents[2]
COURSE = ROOT / "docs" / "course"
PAGES = sorted([*COURSE.glob("[0-9][0-9]-*.md"), *COURSE.glob("[a-z]-*.md")])  # and the appendices
UNLIKE = {  # how far a figure may be from the committed one, where processors and BLAS round differently
    "losses-and-logits": 0.005,  # it shows rounding errors
    "checking-gradients": 0.005,
    "training-and-what-goes-wrong": 0.02,  # these play games
    "a-collapse": 0.02,
    "where-d-wants-ink": 0.02,
    "what-you-will-build": 0.02,
    "capstone": 0.02,
}
DRAWN_WITH = "3.11.2"  # the matplotlib that drew the committed figures
FIGURES = sorted(
    {name for page in PAGES for name in re.findall(r"^!\[.+\]\((.+)\.png\)$", page.read_text("utf-8"), re.M)}
)
EXERCISES = tomllib.loads((ROOT / "scripts" / "exercises" / "exercises.toml").read_text(encoding="utf-8"))

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def slug(page):
    """02-dense.md -> dense, a-the-gpu.md -> the-gpu"""
    return page.stem.partition("-")[2]


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
    assert any(expected for _, expected in found) or not "01" <= page.stem < "09"
    seen = {"__name__": page.stem}
    for block, expected in found:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(block, seen)
        assert out.getvalue() == expected or not expected


def test_the_gradients_of_the_tape_are_those_of_the_networks_in_the_players_steps_and_for_weights_used_twice(rng):
    seen = {}
    (page,) = COURSE.glob("*-a-tape.md")
    for block, _ in printed(page.read_text(encoding="utf-8")):
        with contextlib.redirect_stdout(io.StringIO()):
            exec(block, seen)
    Tensor, D, a = seen["Tensor"], seen["D"], seen["a"]
    D.backward(seen["da"], wrt="params")
    pairs = [(tensor.grad, g) for tensor, (_, _, g) in zip(seen["weights"][4:], D.parameters(), strict=True)]
    pairs += [(a.grad, seen["da"])]
    w, u = rng.standard_normal((2, 3, 3))
    twice = Tensor(w)
    (twice @ Tensor(u) @ twice + twice.detach() * Tensor(u)).mean().backward()
    pairs += [(twice.grad, (np.ones((3, 3)) @ (u @ w).T + (w @ u).T @ np.ones((3, 3))) / 9)]
    for found, right in pairs:
        np.testing.assert_allclose(found, right, rtol=1e-12, atol=1e-15)


@each_page
def test_excerpts_are_those_of_the_source(page):
    assert list(foreign_excerpts(page, page.read_text(encoding="utf-8"))) == []


@each_page
def test_a_page_is_short_links_on_and_names_exercises_that_exist(page):
    text = page.read_text(encoding="utf-8")
    assert text.count("\n") <= 220
    number = page.stem.partition("-")[0]
    assert text.startswith(f"# {int(number) if number.isdigit() else number.upper()}. ")
    following = [other for other in PAGES if other > page][:1]
    for other in following:
        title = other.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
        assert text.endswith(f"\nNext: [{title}]({other.name})\n")
    named = re.findall(r"exercise\.py start ([\w.]+)", text)
    assert set(named) <= set(EXERCISES)
    assert named or not "02" <= page.stem < "09"


def test_the_index_has_every_page_under_its_title():
    text = (COURSE / "README.md").read_text(encoding="utf-8")
    index = re.findall(r"^(?:- )?(\w+\. )\[(.+)\]\((.+)\): .*\S", text, re.MULTILINE)
    titles = [page.read_text(encoding="utf-8").splitlines()[0] for page in PAGES]
    assert [(f"# {number}{title}", name) for number, title, name in index] == [
        (title, page.name) for title, page in zip(titles, PAGES, strict=True)
    ]


@each_page
def test_each_figure_of_a_page_has_the_caption_of_its_module(page, drawing):
    figures = re.findall(r"^!\[(.+)\]\((.+)\)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert f"{slug(page)}.png" in [name for _, name in figures]
    for caption, name in figures:
        assert caption == drawing.load(name.removesuffix(".png")).__doc__.splitlines()[0]
        drawn = (COURSE / name).read_bytes()
        assert len(drawn) < 300_000 and b"Software" not in drawn and b"tEXt" not in drawn


def test_every_figure_is_on_a_page(drawing):
    assert set(FIGURES) == set(drawing.FIGURES)


@pytest.mark.parametrize("name", FIGURES)
def test_the_figure_is_what_is_drawn_today(name, drawing, tmp_path):
    """Pixel by pixel, for compression may differ; with another matplotlib text does, too, and a stale line passes."""
    assert drawing.main([name, "--out", str(tmp_path)]) == 0
    old, new = (imread(folder / f"{name}.png")[..., :3] for folder in (COURSE, tmp_path))
    assert old.shape == new.shape and 800 <= old.shape[1] <= 1000
    allowed = UNLIKE.get(name, 5e-5) if matplotlib.__version__ == DRAWN_WITH else 0.02
    difference = float(np.abs(old - new).mean())
    assert difference < allowed


def test_what_page_8_says_of_the_gradients_while_d_learns(drawing):
    beliefs, slopes, lengths = drawing.load("two-objectives").forces()
    assert 0.005 < lengths[-1, 0] / lengths[0, 0] < 0.02 and lengths[-1, 1] > 5 * lengths[0, 1]
    assert 2 < slopes[-1] / slopes[0] < 3 and beliefs[-1] < 0.01


def test_what_page_10_says_of_the_collapse(drawing):
    found, first, _ = drawing.load("a-collapse").collapse()
    push, arrives, through, left = np.median(found[205:235], axis=0)
    assert 0.98 < push <= 1.001 and 0.5 < arrives < 1.5 and arrives > 5 * found[:5, 1].mean()
    assert 3e-6 < through < 1e-4 and (1 - first**2).mean() > 0.1
    assert 5 < np.median(found[:100, 3]) < 20 and left < 0.01


def test_what_page_10_says_of_rates_and_losses(drawing):
    games = drawing.load("training-and-what-goes-wrong")
    well, wins, fast, _ = (settings for _, _, *settings in games.GAMES)
    moved, last = [], []
    for objective, *rates in (well, wins, fast, (NonSaturating(), *wins[1:])):
        training = games.digits_training(objective, *rates)
        before = training.gan.generator.theta.copy()
        for _ in training.rounds(games.EPOCHS):
            pass
        moved.append(np.linalg.norm(training.gan.generator.theta - before))
        last.append(training.history[-1])
    assert last[1]["accuracy"] > 0.999 and last[2]["accuracy"] < 0.9
    assert 500 < last[0]["norm_g"] / last[1]["norm_g"] < 3000
    assert 15 < moved[3] / moved[1] < 30


def test_page_14_has_the_table_of_what_was_measured():
    (page,) = COURSE.glob("*-regularization.md")
    measured = json.loads((COURSE / "helps.json").read_text(encoding="utf-8"))["without"]
    assert "\n".join(script("measure_helps").table(measured)) in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["dence"], "there is no figure 'dence': expected a-collapse, "),
        (["--out", "nowhere"], "--out nowhere: there is no such folder: make it first"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_one_line(args, message, drawing, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        drawing.main(["--out", str(tmp_path), *args])
    out, err = capsys.readouterr()
    assert (stop.value.code, out, err.count("\n")) == (2, "", 1) and message in err
    assert list(tmp_path.iterdir()) == []
