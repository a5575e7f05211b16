"""scripts/reports/report_sequences.py: the figures of runs become a table."""

import json
from pathlib import Path

import pytest
from loading import script

from minigan.app.reports import block

ROOT = Path(__file__).resolve().parents[2]
PAGE = "<!-- sequences: made -->\nold\n<!-- end of sequences -->\n"


def test_runs_are_kept_and_stand_beside_data_and_published_figures(tmp_path):
    scores = {"discriminative": [0.1, 0.3], "predictive": [0.25, 0.25], "mmd": 0.01}
    found = {"rounds": 4000, "samples": scores, "data against themselves": scores | {"mmd": -0.0002}}
    args = ["--json", str(tmp_path / "kept.json"), "--page", str(tmp_path / "page.md")]
    for seed, hard in (0, True), (1, False):
        run = tmp_path / f"run-{seed}"
        run.mkdir()
        (run / "config.json").write_text(json.dumps({"data": "sines", "seed": seed}))
        (run / "scores.json").write_text(json.dumps(found))
        if hard:
            (run / "scores-hard.json").write_text(json.dumps(found))
        (tmp_path / "page.md").write_text(PAGE)
        assert script("report_sequences").main([str(run), *args]) == 0
    told = block((tmp_path / "page.md").read_text(), "sequences").splitlines()
    figures = "0.200 ± 0.100 | 0.250 ± 0.000"
    assert told[2:6] == [
        f"| sines, seed 0 | 4,000 | {figures} | {figures} | 1.0e-02 |",
        f"| sines, seed 1 | 4,000 | {figures} |  |  | 1.0e-02 |",
        f"| sines, data themselves |  | {figures} | {figures} | -2.0e-04 |",
        "| sines, TimeGAN (published) | | 0.011 ± 0.008 | 0.093 | | | |",
    ]


@pytest.mark.docs
def test_the_page_has_the_figures_that_are_kept():
    held = json.loads((ROOT / "docs" / "recipes" / "sequences.json").read_text())
    assert block((ROOT / "docs" / "evaluation.md").read_text(encoding="utf-8"), "sequences") == script(
        "report_sequences"
    ).table(held)
