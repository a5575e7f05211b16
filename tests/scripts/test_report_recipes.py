"""report_recipes: what the page says is what the runs were."""

import json
from dataclasses import replace

import numpy as np
import pytest
from loading import script
from matplotlib.image import imread

from minigan import GAN, Dense, Network, Tanh
from minigan.data import load
from minigan.evaluation import report as shown
from minigan.evaluation.protocol import divided
from minigan.training.training import Training


@pytest.fixture
def report():
    return script("report_recipes")


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
    groups = {("default", 40): [entry("default", seed, 230.0 + seed) for seed in (0, 1, 2)]}
    groups["textbook-a", 20] = [entry("textbook-a", 0, -12.34)]
    rows = report.table(groups).splitlines()
    assert rows[2] == "| `default` | 40 | 14 to 34 | 3 | 231.0 ± 1.0 | 4.00 ± 1.00 | 0.75 ± 0.00 | 0.80 ± 0.00 | 6.0% |"
    assert rows[3] == "| `textbook-a` | 20 | 14 | 1 | -12.3 ± 2.1 | 3.00 | 0.75 | 0.80 | 6.0% |"
    assert "2.35 | 0.85 | 0.84" in rows[4] and rows[-1] == "*Measured on a machine; classifier abc.*"


def test_what_was_drawn_for_each_label_is_a_mean_over_seeds(report):
    told = {
        "agreement": [0.99, 0.97],
        "judge": [0.98, 0.99],
        "frechet_distance": [3.0, 4.0],
        "floor": [1.0, 2.0],
        "diversity": [0.9, 1.0],
    }
    other = told | {"agreement": [0.98, 0.99]}
    group = [entry("default, conditional", seed, 230.0) | {"by_class": b} for seed, b in enumerate((told, other))]
    rows = report.labels([group]).splitlines()
    assert rows[0] == "| | 0 | 1 |" and len(rows) == 7
    assert rows[2] == "| `default, conditional`, 40 epochs: taken for it, % | 98.5 | 98.0 |"
    assert rows[5] == "| `default, conditional`, 40 epochs: that of training images | 1.00 | 2.00 |"


@pytest.mark.slow
def test_the_page_and_the_course_are_made_from_all_results(report, tmp_path, monkeypatch):
    page = tmp_path / "recipes.md"
    blocks = (f"<!-- {name}: made -->\nold\n<!-- end of {name} -->\n" for name in ("table", "default"))
    page.write_text("".join(blocks))
    monkeypatch.setattr(report, "PAGE", page)
    monkeypatch.setattr(report, "FOLDER", tmp_path)
    course = [{"epoch": e, "parzen": {"mean": 200.0 + e}, "frechet_distance": 9.0 / e} for e in (1, 2)]
    report.write_page([entry("default", 0, 230.0, course=course), entry("default", 0, 240.0, epochs=80)])
    text = page.read_text()
    assert "old" not in text and text.count("| `default` |") == 2
    assert "![default, 40 epochs](recipes/default-40.png)\n![default, 80 epochs](recipes/default-80.png)" in text
    assert imread(tmp_path / "course.png").shape[1] == 990


def test_a_run_is_measured_at_its_end_and_where_it_was_kept(report, tmp_path, monkeypatch):
    """What is measured are G's samples against the test images; what it cost is the sum over the history."""
    data, asked = divided("digits"), []

    def in_features(samples, given):
        assert given is data and 0 <= samples.min() < samples.max() <= 1
        asked.append(samples)
        features = {"samples": {"frechet_distance": float(len(asked))}, "training images": {"frechet_distance": 0.5}}
        return {"features": features, "classes": {"samples": [1.0]}, "classifier": {"sha256": "0123456789abcdef"}}

    monkeypatch.setattr(report, "in_features", in_features)
    monkeypatch.setattr(report, "SAMPLES", 50)
    some = replace(load("digits"), images=load("digits").images[:64], labels=None)
    training = Training(GAN(Network(Dense(5, 64), Tanh()), Network(Dense(64, 1), seed=1), seed=4), some, 32)
    (tmp_path / "kept").mkdir()
    for _ in training.rounds(3):
        if training.round == 0 and training.epoch == 2:
            training.save(tmp_path / "kept" / "epoch-0002.npz", recipe="plain", seed=4)
    training.save(tmp_path / "checkpoint.npz", recipe="plain", seed=4)
    entry = report.measured(tmp_path, data)
    assert (entry["recipe"], entry["seed"], entry["epochs"], entry["rounds"]) == ("plain", 4, 3, 6)
    assert entry["minutes"] == pytest.approx(sum(row["seconds"] for row in training.history) / 60)
    assert entry["last"]["V"] == training.history[-1]["V"] and entry["classifier"] == "0123456789ab"
    assert entry["frechet_distance"] == 1.0 and entry["floor"] == {"frechet_distance": 0.5}
    (kept,) = entry["course"]
    assert kept["epoch"] == 2 and kept["frechet_distance"] == 2.0 and kept["parzen"] != entry["parzen"]
    assert len(asked[0]) == 50 and not np.array_equal(*asked)


def test_what_evaluate_prints_beside_the_samples_is_the_mean_of_the_published_runs(report):
    runs = [run for run in json.loads(report.RESULTS.read_text()).values() if run["recipe"] == "default"]
    runs = [run | {"parzen": run["parzen"]["mean"]} for run in runs if run["epochs"] == 40]
    assert len(runs) == 3
    for name, figure in shown.RECIPE.items():
        assert figure == pytest.approx(np.mean([run[name] for run in runs]), rel=0.007)
