"""scripts/reports/stack_modes.py on stacks of the small digits: every game is played, counted, and goes on."""

import json
import re

import pytest
from loading import script

from minigan import GAN
from minigan.data import load
from minigan.data.stacked import Stacked
from minigan.evaluation.judge import untrained_judge
from minigan.gradcheck import check_game

run = script("reports/stack_modes")


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path):
    digits = load("digits")
    monkeypatch.setattr(run, "every_digit", lambda data_dir: digits)
    monkeypatch.setattr(run, "mnist", lambda split, data_dir: digits)
    monkeypatch.setattr(run, "judge_for", lambda data: untrained_judge((8, 8, 1), width=4))
    monkeypatch.setattr(run, "Stacked", lambda digits, n, seed: Stacked(digits, n, seed, count=3 * n))
    monkeypatch.setattr(run, "SAMPLES", 60)
    monkeypatch.setattr(run, "MANY", 90)
    monkeypatch.chdir(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("game", run.GAMES)
def test_each_game_is_played_and_counted_and_goes_on(game, capsys, tmp_path):
    for epochs in 1, 2:
        assert run.main([game, "--epochs", str(epochs), "--batch-size", "8", "--out", "s", "--device", "cpu"]) == 0
    first, second = map(json.loads, (tmp_path / "stacked.jsonl").read_text().splitlines())
    assert (first["epochs"], second["epochs"]) == (1, 2)
    assert [row["epoch"] for row in second["course"]] == [1, 2]
    assert [row["modes"] for row in second["course"]][:1] == [row["modes"] for row in first["course"]]
    assert second["many"].keys() == {"modes", "kl"}
    assert 1 <= second["course"][0]["modes"] <= 60 and (tmp_path / "stacked.png").exists()
    said = capsys.readouterr().out
    assert f"| `{game}` | 1 | 2 |" in said and "| perfect data |" in said


def test_without_a_game_it_says_how_good_the_judge_is_and_makes_the_table(capsys, tmp_path):
    course = [{"epoch": 1, "minutes": 2.0, "modes": 7, "kl": 3.0}, {"epoch": 2, "minutes": 4.0, "modes": 9, "kl": 2.5}]
    rows = [{"game": "best", "seed": seed, "epochs": 2, "course": course, "many": {"modes": 9, "kl": 2.5 + seed}}
            for seed in (0, 1)]  # fmt: skip
    short = rows[1] | {"epochs": 1, "course": course[:1]}
    (tmp_path / "stacked.jsonl").write_text("\n".join(map(json.dumps, [*rows, short])))
    page = tmp_path / "page.md"
    page.write_text("Before\n<!-- stacked: made -->\n<!-- end of stacked -->\nbehind\n")
    assert run.main(["--device", "cpu", "--page", str(page)]) == 0
    said = capsys.readouterr().out
    assert re.match(r"the judge is right about \d+\.\d\d% of the test images\n", said)
    line = "| `best` | 2 | 2 | 4 | 9 ± 0 | 2.500 ± 0.000 | 3.000 ± 0.707 | 1,000 / 0.029 |"
    assert line in said and line in page.read_text() and page.read_text().endswith("-->\nbehind\n")
    assert (tmp_path / "stacked.png").exists()


def test_the_loss_of_pairs_and_both_penalties_have_the_derivatives_of_what_is_stated(rng):
    shape = 8, 8, 3
    G, D = run.generator(0, shape, run.he, width=2), run.discriminator(0, shape, run.he, width=2, hidden=3)
    x, z = rng.standard_normal((4, 8, 8, 3)), rng.standard_normal((4, 100))
    report = check_game(GAN(G, D, run.Pairing(), penalty=run.R1R2(2.0)), x, z, entries=4)
    assert report.ok, str(report)
