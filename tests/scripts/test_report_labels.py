"""scripts/reports/report_labels.py: the cells of scripts/augment.py become the tables of the page on conditions."""

import json
from pathlib import Path

import pytest
from loading import script

from minigan.app.reports import block
from minigan.data import load
from minigan.data.files import read_rows
from minigan.training import Training
from minigan.training.recipes import RECIPES

PAGE = "".join(f"<!-- {name}: made -->\nold\n<!-- end of {name} -->\n" for name in ("digits", "mnist", "many"))


def cell(source, labels, seed, *accuracy):
    names = ("none", "shifts", "generated", "both") if labels else ("real", "generated", "both")
    row = {"source": str(source), "labels": labels, "seed": seed, "rounds": 10, "steps": 10, "seconds": 1.0}
    return row | {"accuracy": dict(zip(names, accuracy, strict=True))}


def test_cells_are_kept_once_and_become_tables(tmp_path, capsys):
    reports, data = script("report_labels"), load("digits")
    kept, page, file = (tmp_path / name for name in ("kept.jsonl", "page.md", "a.jsonl"))
    training = Training(RECIPES["default"].make(data, 10, classes=10), data, 64)
    training.history = [{}] * 3
    training.save(tmp_path / "checkpoint.npz", recipe="default", seed=1)
    page.write_text(PAGE)

    def write(*cells):
        file.write_text("".join(json.dumps(row) + "\n" for row in cells))
        return reports.main([str(file), "--kept", str(kept), "--page", str(page)])

    assert write(cell("digits", 10, 0, 0.5, 0.6, 0.4, 0.1), cell("digits", 10, 1, 0.5, 0.7, 0.4, 0.2)) == 0
    assert (
        write(cell("digits", 10, 1, 0.5, 0.7, 0.4, 0.3), cell(tmp_path, None, 0, 0.99, 0.98, 0.985) | {"rounds": 0})
        == 0
    )
    text = page.read_text()
    assert block(text, "digits").splitlines()[2:] == [
        "| 10 | 2 | 50.00 | 65.00 | 40.00 | 20.00 | +15.00 ± 63.53 | -10.00 ± 0.00 | -45.00 ± 63.53 |"
    ]
    assert block(text, "many").splitlines()[2:] == ["| default, 3 epochs | 1 | 99.00 | 98.00 | 98.50 | -1.00 | -0.50 |"]
    assert block(text, "mnist") == "old" and str(tmp_path) not in kept.read_text()
    before = kept.read_bytes(), page.read_bytes()
    assert reports.main(["--kept", str(kept), "--page", str(page)]) == 0
    assert before == (kept.read_bytes(), page.read_bytes())
    with pytest.raises(SystemExit, match="2"):
        write(cell(tmp_path, None, 0, 0.99, 0.98, 0.985))
    assert "the run has 0 rounds now, and 10 when it was measured" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        reports.main([str(tmp_path / "no.jsonl"), "--kept", str(kept), "--page", str(page)])
    assert "no.jsonl: there is no such file" in capsys.readouterr().err


@pytest.mark.docs
def test_the_page_has_the_figures_that_are_kept():
    reports, course = script("report_labels"), Path(__file__).resolve().parents[2] / "docs" / "course"
    page = (course / "18-conditions.md").read_text(encoding="utf-8")
    tables = reports.tables(read_rows(course / "labels.jsonl", reports.COLUMNS))
    assert len(tables) == 3 and {name: block(page, name) for name in tables} == tables
