"""README.zh-CN.md and docs/zh-CN: the Chinese pages say what the English ones say, block by block.

A page is cut at blank lines and around its code blocks. Block i of both pages is of one kind (a heading of one level, a
table of one shape, a list of one length), and what no translation changes is equal in both: code blocks letter by
letter, commands and names in backticks, formulas, numbers, and where links lead. So the python blocks of
README.zh-CN.md are those of README.md, which test_scripts runs, and need not be run again.
"""

import re
import shutil
import tomllib
from pathlib import Path

import pytest
from loading import script

ROOT = Path(__file__).resolve().parents[1]
COURSE, CHINESE = ROOT / "docs" / "course", ROOT / "docs" / "zh-CN"
README, TERMS = ROOT / "README.zh-CN.md", CHINESE / "terms.md"
TWINS = {README: ROOT / "README.md"} | {
    page: COURSE / page.name for page in sorted(CHINESE.glob("*.md")) if page != TERMS
}
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


@pytest.mark.parametrize(
    ("pattern", "instead", "message"),
    [
        (r"-m pytest\n", "-m pytest -x\n", "the code differs"),
        (r"import numpy as np\n", "import numpy\n", "the code differs"),
        (r"`--device gpu`", "`--device cuda`", "code ['--device cuda', "),
        (r"-m minigan.doctor`", "-m minigan.docter`", "'.venv/bin/python -m minigan.docter', "),
        (r"1,797", "1,798", "number ['1,798', '11', '40'], expected ['1,797', '11', '40']"),
        (r"\\log 4", r"\\log 2", r"formula ['-\\log 2 = -1.386'"),
        (r"\(docs/theory.md\)", "(docs/modes.md)", "link ['docs/modes.md', 'docs/objectives.md'"),
        (r"\(https://arxiv.org/abs/1406.2661\)", "(https://arxiv.org/abs/1406.2662)", "link ['https://"),
        (r"\n## ", "\n### ", "heading of level 3, expected heading of level 2"),
        (r"\n## [^\n]*\n", "\n", "blocks, expected"),
        (r"\n\| `curves.png`[^\n]*", "", "cells in its rows, expected table with"),
        (r"\n\| `curves.png` \|", "\n| `curve.png` |", "code ['curve.png'], expected ['curves.png']"),
        (r"(gan.py\) \|[^\n]*\| )", r"\g<1>9", "number ['9"),
        (r"\n\*64 ", "\n*65 ", "number ["),
        (r"train_mnist.py --help`", "train_mnist.py`", "code ['--data digits'"),
        (r"<!-- end of line -->", "<!-- end of lines -->", "marker ['<!-- end of lines -->']"),
        (r"\[English\]\(README.md\)", "English", "link [], expected ['README.md']"),
    ],
)
def test_a_difference_is_found(pattern, instead, message):
    broken = re.sub(pattern, instead, read(README), count=1)
    assert broken != read(README)
    assert message in "\n".join(differences(README, broken, read(TWINS[README])))


def test_a_difference_on_a_page_of_the_course_is_found():
    page = CHINESE / "02-dense.md"
    for old, new, message in [
        ("\n0.b: ok\n", "\n0.b: FAIL\n", "the code differs"),
        ("$$dW = x^T dy", "$$dW = x dy", "formula"),
        ("\n- ", "\n\n", "text with 2 items, expected text with 3 items"),
        ("(../course/dense.png)", "(../course/adam.png)", "link ['docs/course/adam.png']"),
        ("(03-activations.md)", "(04-losses-and-logits.md)", "link ['docs/course/04-losses-and-logits.md']"),
    ]:
        broken = read(page).replace(old, new, 1)
        assert broken != read(page)
        assert message in "\n".join(differences(page, broken, read(TWINS[page])))


@each_page
def test_a_formula_stands_apart_where_github_would_not_see_it(page):
    """GitHub takes $ for the start of a formula after a blank or (, and for its end where no letter follows."""
    text = re.sub(r"^```.*?^```$|`[^`]+`", "", read(page), flags=re.MULTILINE | re.DOTALL)
    formulas = list(re.finditer(r"(?<!\$)\$(?!\$)([^$]+)\$(?!\$)", text))
    assert all(formula[1] == formula[1].strip() for formula in formulas)
    assert [text[f.start() - 1 : f.end()] for f in formulas if text[f.start() - 1] not in " \n("] == []
    assert [text[f.start() : f.end() + 1] for f in formulas if text[f.end()].isalnum()] == []


@pytest.mark.parametrize("page", [page for page in TWINS if page != README], ids=lambda page: page.stem)
def test_a_chinese_page_links_to_chinese_pages_by_their_titles(page):
    for title, target in re.findall(r"\[([^]]+)\]\(([^)]+\.md)\)", read(page)):
        path = (page.parent / target).resolve()
        assert path not in TWINS.values(), f"{path.name} is there in Chinese, too"
        if path.parent == CHINESE and path.name[0].isdigit():
            assert read(path).splitlines()[0].endswith(f". {title.split('. ')[-1]}")


def test_the_terms_are_in_order_and_the_chinese_ones_in_use():
    terms = [[cell.strip() for cell in row] for row in rows(read(TERMS)) if len(row) == 2][2:]
    assert terms == sorted(terms) and len(terms) > 40
    assert len({term for term, _ in terms}) == len({chinese for _, chinese in terms}) == len(terms)
    pages = "".join(map(read, TWINS))
    assert [chinese for _, chinese in terms if chinese not in pages] == []


@pytest.fixture
def update(tmp_path, monkeypatch):
    """scripts/update_readme.py as a module, at work on copies of the pages that it writes, each of them up to date."""
    module = script("update_readme")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    for name in ("README.md", "README.zh-CN.md", "benchmarks/README.md", "scripts/readme.zh-CN.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "minigan", tmp_path / "minigan", ignore=shutil.ignore_patterns("data", "__pycache__"))
    (tmp_path / "docs").mkdir()
    assert module.main([]) == 0
    return module


def edit(path, pattern, instead):
    text = re.sub(pattern, instead, read(path), count=1, flags=re.DOTALL)
    assert text != read(path)
    path.write_text(text, encoding="utf-8")


def test_one_call_writes_both_pages(update, tmp_path, capsys):
    (tmp_path / "minigan" / "maxout.py").write_text('"""A new purpose."""\n')
    assert update.main(["--check"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "README.md is out of date: run scripts/update_readme.py",
        "README.zh-CN.md is out of date: run scripts/update_readme.py",
    ]
    assert update.main([]) == 0
    row = "| [`minigan/maxout.py`](minigan/maxout.py) | A new purpose. | 1 |\n"
    assert row in read(tmp_path / "README.md") and row in read(tmp_path / "README.zh-CN.md")
    cells = tomllib.loads(read(tmp_path / "scripts" / "readme.zh-CN.toml"))["cells"]
    assert f"| {cells['The same numbers in another shape.']} | " in read(tmp_path / "README.zh-CN.md")
    assert f"| {cells['file']} | {cells['what it is']} | {cells['lines']} |\n" in read(tmp_path / "README.zh-CN.md")
    assert update.main(["--check"]) == 0


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
@pytest.mark.parametrize(
    ("pattern", "instead"), [(r"\n\| \[`minigan/gan.py[^\n]*", ""), (r"(gan.py\) \|[^\n]*\| )", r"\g<1>9")]
)
def test_check_finds_either_page_out_of_date(update, tmp_path, name, pattern, instead, capsys):
    edit(tmp_path / name, pattern, instead)
    assert update.main(["--check"]) == 1
    assert capsys.readouterr().out == f"{name} is out of date: run scripts/update_readme.py\n"


@pytest.mark.parametrize("block", ["picture", "line", "mutants"])
def test_check_holds_the_chinese_page_against_the_measured_blocks_of_the_english_one(update, tmp_path, block, capsys):
    edit(tmp_path / "README.zh-CN.md", rf"(<!-- {block}: .*?-->\n.*?)\d+", r"\g<1>0")
    assert update.main(["--check"]) == 1
    assert update.main([]) == 0 and update.main(["--check"]) == 0


def test_a_run_is_described_on_both_pages(update, tmp_path, monkeypatch):
    row = {"d_real": 0.5, "d_fake": 0.25, "accuracy": 0.75, "V": -1.25, "images_per_second": 1234.0, "seconds": 2.0}
    history = [row | {"epoch": epoch} for epoch in (1, 2, 3)]
    monkeypatch.setattr(update, "read", lambda path: (None, {"history": history}))
    monkeypatch.setattr(update, "processor", lambda: "an Abacus 7")
    (tmp_path / "run" / "samples").mkdir(parents=True)
    (tmp_path / "run" / "samples" / "epoch-0003.png").write_bytes(b"picture")
    assert update.main(["--check", "--run", str(tmp_path / "run")]) == 1
    assert not (tmp_path / "docs" / "mnist.png").exists()
    assert update.main(["--run", str(tmp_path / "run")]) == 0
    assert (tmp_path / "docs" / "mnist.png").read_bytes() == b"picture"
    english, chinese = read(tmp_path / "README.md"), read(tmp_path / "README.zh-CN.md")
    assert (
        "after 3 epochs on MNIST, 6 seconds of training with" in english and "cores of an Abacus 7, Python" in english
    )
    caption = update.block(chinese, "picture")
    assert re.findall(r"\d+", caption)[:3] == ["64", "3", "6"] and " Abacus 7 " in caption and " an " not in caption
    assert update.block(english, "line") == update.block(chinese, "line")
    assert "\nepoch 2/3  V -1.250" in update.block(english, "line")


def test_the_score_of_the_mutants_is_on_both_pages_and_survivors_are_refused(update, tmp_path, monkeypatch, capsys):
    done = update.subprocess.CompletedProcess
    said = "20 mutants: 17 caught, 3 equivalent (listed), 0 survivors, in 1 s: score 100.0%\n"
    monkeypatch.setattr(update.subprocess, "run", lambda *args, **options: done(args, 0, said, ""))
    assert update.main(["--mutants"]) == 0
    assert "of 20 small changes" in update.block(read(tmp_path / "README.md"), "mutants")
    assert re.findall(r"\d+", update.block(read(tmp_path / "README.zh-CN.md"), "mutants")) == ["20", "17", "3"]
    monkeypatch.setattr(update.subprocess, "run", lambda *args, **options: done(args, 1, "...\nsurvivor: a -> b\n", ""))
    with pytest.raises(SystemExit) as stop:
        update.main(["--mutants"])
    assert stop.value.code == 2
    assert "expected a score without survivors, got ['survivor: a -> b']: run it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "pattern", "instead", "message"),
    [
        (
            "README.md",
            "64 digits that",
            "Digits that",
            "README.md, block 'picture': expected what update_readme.py writes",
        ),
        (
            "README.zh-CN.md",
            "<!-- lines: ",
            "<!-- line: ",
            "the page has no block 'lines': expected <!-- lines: ... -->",
        ),
        ("README.zh-CN.md", "<!-- end of mutants -->", "", "the page has no block 'mutants': expected"),
    ],
)
def test_a_page_that_cannot_be_updated_is_refused_and_left_as_it_is(
    update, tmp_path, name, pattern, instead, message, capsys
):
    edit(tmp_path / name, pattern, instead)
    before = [read(tmp_path / page) for page in ("README.md", "README.zh-CN.md")]
    with pytest.raises(SystemExit) as stop:
        update.main([])
    err = capsys.readouterr().err
    assert stop.value.code == 2 and err.count("\n") == 1 and message in err
    assert [read(tmp_path / page) for page in ("README.md", "README.zh-CN.md")] == before


def test_figures_are_the_inverse_of_format(update):
    values = {"epochs": "40", "seconds": "892", "cores": "2", "python": "3.11.7", "numpy": "2.4.6", "processor": "x86"}
    assert update.figures(update.PICTURE, update.PICTURE.format(**values)) == values
    assert update.figures(update.PICTURE, update.PICTURE.format(**values | {"processor": "an x86"})) == values
    assert update.figures(update.MUTANTS, update.PICTURE.format(**values)) is None


def test_the_chinese_sentences_take_every_figure_of_the_english_ones(update):
    words = tomllib.loads(read(ROOT / "scripts" / "readme.zh-CN.toml"))
    for name, sentence in ("picture", update.PICTURE), ("mutants", update.MUTANTS):
        assert sorted(re.findall(r"\{\w+\}", words[name])) == sorted(re.findall(r"\{\w+\}", sentence))
