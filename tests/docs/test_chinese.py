"""README.zh-CN.md and docs/zh-CN: the Chinese pages say what the English ones say, block by block.

A page is cut at blank lines and around its code blocks. Block i of both pages is of one kind (a heading of one level, a
table of one shape, a list of one length), and what no translation changes is equal in both: code blocks letter by
letter, commands and names in backticks, formulas, numbers, and where links lead. So the python blocks of the Chinese
pages are those of the English ones, which test_documents runs, and need not be run again.
"""

import re
import shutil
import tomllib
from pathlib import Path

import numpy as np
import pytest
from loading import script
from PIL import Image

from minigan.plots.pictures import save_grid

pytestmark = pytest.mark.docs
ROOT = Path(__file__).resolve().parents[2]
COURSE, CHINESE = ROOT / "docs" / "course", ROOT / "docs" / "zh-CN"
WORDS = tomllib.loads((ROOT / "scripts" / "reports" / "readme.zh-CN.toml").read_text(encoding="utf-8"))
README, TERMS = ROOT / "README.zh-CN.md", CHINESE / "terms.md"
TWINS = {README: ROOT / "README.md"} | {
    page: next(folder / page.name for folder in (COURSE, ROOT / "docs") if (folder / page.name).exists())
    for page in sorted(CHINESE.glob("*.md"))
    if page != TERMS
}
USING, FILES = CHINESE / "using.md", CHINESE / "files.md"
LITERALS = {  # each is looked for in what those above it left: a number in a formula is no number of the text
    "marker": re.compile(r"<!--.*?-->"),
    "code": re.compile(r"`([^`]+)`"),
    "formula": re.compile(r"\$+([^$]+)\$+"),
    "link": re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)"),
    "number": re.compile(r"\d+(?:[.,:]\d+)*"),
}

each_page = pytest.mark.parametrize("page", TWINS, ids=lambda page: page.stem)


def read(page):
    return page.read_text(encoding="utf-8")


def blocks(text):
    """The code blocks, paragraphs, headings, lists and tables of a page, in order."""
    parts = re.split(r"(^```.*?^```$)|\n\n+", text, flags=re.MULTILINE | re.DOTALL)
    return [part.strip() for part in parts if part and part.strip()]


def kind(block):
    """What a block is and how large, as far as this does not depend on the language."""
    if block.startswith("```"):
        return "code"
    if block.startswith("#"):
        return f"heading of level {len(block.split()[0])}"
    if block.startswith("|") or "\n|" in block:
        return f"table with {[len(row) for row in rows(block)]} cells in its rows"
    return f"text with {len(re.findall(r'^(?:-|[0-9]+[.]) ', block, re.MULTILINE))} items"


def rows(block):
    return [line.strip("|").split("|") if line.startswith("|") else [line] for line in block.splitlines()]


def literals(text, page):
    """What no translation of `text` changes, by kind; repetitions count for numbers alone."""
    found = {}
    for name, pattern in LITERALS.items():
        values = [" ".join(value.split()) for value in pattern.findall(text)]
        if name == "formula":
            values = [re.sub(r"\\text\{[^}]*\}", "", value) for value in values]
        if name == "link":
            values = [in_english(page, value) for value in values if (page.parent / value).resolve() != TERMS]
        found[name] = sorted(values if name == "number" else set(values))
        text = pattern.sub("", text)
    return found


def in_english(page, target):
    """Where a link on this page leads, seen from the root: to the English page where it leads to its translation."""
    if "://" in target:
        return target
    path = (page.parent / target).resolve()
    return str(TWINS.get(path, path).relative_to(ROOT))


def differences(page, translation, original):
    """In words: where the text of the Chinese page `page` is not that of its English twin."""
    ours, theirs = blocks(translation), blocks(original)
    if len(ours) != len(theirs):
        yield f"{len(ours)} blocks, expected {len(theirs)}"
    for mine, its in zip(ours, theirs, strict=False):
        where = f"{mine[:40]!r} for {its[:40]!r}"
        if kind(mine) != kind(its):
            yield f"{where}: {kind(mine)}, expected {kind(its)}"
        elif kind(mine) == "code":
            yield from [f"{where}: the code differs"] if mine != its else []
        elif kind(mine).startswith("table"):
            for my_row, its_row in zip(rows(mine), rows(its), strict=True):
                for my_cell, its_cell in zip(my_row, its_row, strict=True):
                    yield from unequal(f"{where}, {my_cell.strip()!r}", my_cell, its_cell, page)
        else:
            yield from unequal(where, mine, its, page)


def unequal(where, mine, its, page):
    got, expected = literals(mine, page), literals(its, TWINS[page])
    return [f"{where}: {name} {got[name]}, expected {expected[name]}" for name in got if got[name] != expected[name]]


@each_page
def test_a_chinese_page_is_its_english_twin(page):
    found = list(differences(page, read(page), read(TWINS[page])))
    assert found == [], "after a change to an English page, change the Chinese one, too"


def test_the_terms_are_in_order_and_the_chinese_ones_in_use():
    terms = [[cell.strip() for cell in row] for row in rows(read(TERMS)) if len(row) == 2][2:]
    assert terms == sorted(terms) and len(terms) > 40
    assert len({term for term, _ in terms}) == len({chinese for _, chinese in terms}) == len(terms)
    pages = "".join(map(read, TWINS))
    assert [chinese for _, chinese in terms if chinese not in pages] == []


@pytest.fixture
def update(tmp_path, monkeypatch):
    """scripts/reports/update_readme.py as a module, on up-to-date copies of the pages that it writes."""
    module = script("update_readme")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module.house, "PACKAGE", tmp_path / "minigan")
    for name in filter(None, (name for pair in module.PAGES.items() for name in pair)):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        shutil.copyfile(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "minigan", tmp_path / "minigan", ignore=shutil.ignore_patterns("*.npz", "__pycache__"))
    assert module.main([]) == 0
    return module


def edit(path, pattern, instead):
    text = re.sub(pattern, instead, read(path), count=1, flags=re.DOTALL)
    assert text != read(path)
    path.write_text(text, encoding="utf-8")


def test_every_purpose_in_the_table_is_there_in_chinese_and_no_translation_is_left_over(update):
    written = {cell.strip() for cells in rows(update.line_table()) for cell in cells}
    assert {cell for cell in written if re.search("[a-z]{3}", cell) and "/minigan/" not in cell} == set(WORDS["cells"])


def test_one_call_writes_both_pages(update, tmp_path, capsys):
    (tmp_path / "minigan" / "layers" / "maxout.py").write_text('"""A new purpose."""\n')
    assert update.main(["--check"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "docs/files.md is out of date: run scripts/reports/update_readme.py",
        "docs/zh-CN/files.md is out of date: run scripts/reports/update_readme.py",
    ]
    assert update.main([]) == 0
    english, chinese = read(tmp_path / "docs/files.md"), read(tmp_path / "docs/zh-CN/files.md")
    assert "| [`minigan/layers/maxout.py`](../minigan/layers/maxout.py) | A new purpose. | 1 |\n" in english
    assert "| [`minigan/layers/maxout.py`](../../minigan/layers/maxout.py) | A new purpose. | 1 |\n" in chinese
    cells = WORDS["cells"]
    assert f"| {cells['The same numbers in another shape.']} | " in chinese
    assert f"| {cells['file']} | {cells['what it is']} | {cells['lines']} |\n" in chinese
    assert update.main(["--check"]) == 0


def test_a_run_is_described_on_both_pages(update, tmp_path, monkeypatch):
    row = {"d_real": 0.5, "d_fake": 0.25, "accuracy": 0.75, "V": -1.25, "images_per_second": 1234.0, "seconds": 2.0}
    history = [row | {"epoch": epoch} for epoch in (1, 2, 3)]
    monkeypatch.setattr(update, "read", lambda path: (None, {"history": history}))
    monkeypatch.setattr(update, "processor", lambda: "an Abacus 7")
    folder = tmp_path / "run" / "samples"
    folder.mkdir(parents=True)
    for epoch in 1, 2, 3:
        save_grid(folder / f"epoch-000{epoch}.png", np.eye(64), (8, 8), (0, 1))
    assert update.main(["--check", "--run", str(tmp_path / "run"), "--film", str(tmp_path / "run")]) == 1
    assert not (tmp_path / "docs" / "mnist.png").exists() and not (tmp_path / "docs" / "digits.gif").exists()
    assert update.main(["--run", str(tmp_path / "run"), "--film", str(tmp_path / "run")]) == 0
    assert (tmp_path / "docs" / "mnist.png").read_bytes() == (folder / "epoch-0003.png").read_bytes()
    with Image.open(tmp_path / "docs" / "digits.gif") as film:
        assert (film.n_frames, film.size) == (3, (16 * 42, 4 * 42 + 22))
        tiles = np.asarray(film.convert("L"))[22:, :].reshape(4, 42, 16, 42).swapaxes(1, 2).reshape(64, 42, 42)
    lit = (tiles[:, 3:-1:5, 3:-1:5] > 200).reshape(64, 64)
    assert (lit == np.eye(64, dtype=bool)).all()  # each sample, pixel by pixel, where it belongs
    english, chinese = read(tmp_path / "README.md"), read(tmp_path / "README.zh-CN.md")
    assert "after 3 epochs on MNIST, 6 seconds of training with" in english
    assert "during 3 epochs" in english and "cores of an Abacus 7, Python" in english
    caption = update.block(chinese, "picture")
    assert re.findall(r"\d+", caption)[:3] == ["64", "3", "6"] and " Abacus 7 " in caption and " an " not in caption
    assert "训练 3 轮" in update.block(chinese, "film")
    using = read(tmp_path / "docs/using.md")
    assert update.block(using, "line") == update.block(read(tmp_path / "docs/zh-CN/using.md"), "line")
    assert "\nepoch 2/3  V -1.250" in update.block(using, "line")
