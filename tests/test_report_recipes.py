"""report_recipes: what the page says is what the runs were."""

import importlib
import json
from pathlib import Path

import pytest
from matplotlib.image import imread

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"


@pytest.fixture
def report(monkeypatch):
    monkeypatch.syspath_prepend(SCRIPTS)
    return importlib.import_module("report_recipes")


def entry(recipe, seed, parzen, epochs=40, course=()):
    found = {"frechet_distance": 3.0 + seed, "precision": 0.75, "recall": 0.8, "kernel_distance": 0.02}
    floor = {"frechet_distance": 2.35, "precision": 0.85, "recall": 0.84, "kernel_distance": 0.02}
    return {
        "recipe": recipe, "seed": seed, "epochs": epochs, "rounds": 10, "minutes": 14.0 + 10 * seed,
        "parzen": {"mean": parzen, "standard_error": 2.1, "sigma": 0.167}, **found,
        "classes": [0.06 + 0.01 * seed, 0.94], "floor": floor, "classifier": "abc",
        "course": list(course), "machine": "a machine",
    }  # fmt: skip


def test_the_table_has_mean_and_spread_over_seeds_and_one_runs_own_error(report):
    groups = {
        ("default", 40): [entry("default", seed, 230.0 + seed) for seed in (0, 1, 2)],
        ("textbook-a", 20): [entry("textbook-a", 0, -12.34)],
    }
    rows = report.table(groups).splitlines()
    assert rows[2] == "| `default` | 40 | 14 to 34 | 3 | 231.0 ± 1.0 | 4.00 ± 1.00 | 0.75 ± 0.00 | 0.80 ± 0.00 | 6.0% |"
    assert rows[3] == "| `textbook-a` | 20 | 14 | 1 | -12.3 ± 2.1 | 3.00 | 0.75 | 0.80 | 6.0% |"
    assert "2.35 | 0.85 | 0.84" in rows[4] and rows[-1] == "*Measured on a machine; classifier abc.*"


def test_the_page_and_the_course_are_made_from_all_results(report, tmp_path, monkeypatch):
    page = tmp_path / "recipes.md"
    page.write_text(
        "<!-- table: made -->\nold\n<!-- end of table -->\n<!-- default: made -->\nold\n<!-- end of default -->\n"
    )
    monkeypatch.setattr(report, "PAGE", page)
    monkeypatch.setattr(report, "FOLDER", tmp_path)
    course = [{"epoch": e, "parzen": {"mean": 200.0 + e}, "frechet_distance": 9.0 / e} for e in (1, 2)]
    report.write_page([entry("default", 0, 230.0, course=course), entry("default", 0, 240.0, epochs=80)])
    text = page.read_text()
    assert "old" not in text and text.count("| `default` |") == 2
    assert "![default, 40 epochs](recipes/default-40.png)\n![default, 80 epochs](recipes/default-80.png)" in text
    assert imread(tmp_path / "course.png").shape[1] == 990


def test_a_directory_that_is_no_run_is_one_line(report, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(report, "divided", lambda *_: None)
    with pytest.raises(SystemExit) as stop:
        report.main([str(tmp_path)])
    err = capsys.readouterr().err
    assert (stop.value.code, err.count("\n")) == (2, 1) and "checkpoint.npz" in err


def test_the_page_in_the_repository_has_every_result(report):
    results = json.loads(report.RESULTS.read_text()).values()
    text = report.PAGE.read_text(encoding="utf-8")
    for result in results:
        assert f"| `{result['recipe']}` | {result['epochs']} |" in text
