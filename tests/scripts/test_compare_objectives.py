"""scripts/reports/compare_objectives.py, as a person runs it."""

import json
from pathlib import Path

import numpy as np
import pytest
from loading import script
from matplotlib.image import imread

from minigan.backend import host_generator
from minigan.data import Batches
from minigan.evaluation import modes
from minigan.training.checkpoint import load_generator

PAGE = "".join(f"<!-- {name}: made -->\n<!-- end of {name} -->\n" for name in ("objectives", "correlations"))


class Features:
    """Stands in for the classifier: two random features, and a label by the first."""

    def features(self, images):
        return images @ host_generator(3).standard_normal((images.shape[1], 2))

    def labels(self, images):
        return (self.features(images)[:, 0] > 0).astype(int)


@pytest.fixture
def compare(tmp_path, monkeypatch):
    """The script with little data: 500 points, the embedded digits for MNIST, and its files in an empty directory."""
    monkeypatch.chdir(tmp_path)
    module = script("compare_objectives")
    digits = module.divided("digits", None)
    for name, value in {"POINTS": 500, "SAMPLES": 100}.items():
        monkeypatch.setattr(modes, name, value)
    for name, value in {
        "IMAGES": 60, "divided": lambda name, data_dir: digits, "classifier_for": lambda data: Features(),
    }.items():  # fmt: skip
        monkeypatch.setattr(module, name, value)
    return module


def rows():
    return [json.loads(line) for line in Path("objectives.jsonl").read_text().splitlines()]


SOME = "non-saturating", "Wasserstein, slope bound, k = 5"


@pytest.mark.slow
@pytest.mark.parametrize("games", [SOME, ()], ids=["some", "all"])
def test_games_are_played_on_every_ground_measured_and_kept(games, compare, capsys, monkeypatch):
    Path("page.md").write_text(PAGE)
    if games:
        monkeypatch.setattr(compare, "GAMES", {name: compare.GAMES[name] for name in games})
    assert compare.main(["--seeds", "1", "--rounds", "10", "--page", "page.md"]) == 0
    played = [(ground, game) for ground in compare.GROUNDS for game in compare.GAMES]
    assert [(row["ground"], row["game"]) for row in rows()] == played
    for row in rows():
        looks = [1, 2, 3, 4, 5, 7, 9, 10] if row["ground"] == "mnist" else []
        assert [look["round"] for look in row["course"]] == looks
        G, meta = load_generator(Path("out", "objectives", compare.file_of(row)))
        name = "digits" if row["ground"] == "mnist" else row["ground"]
        assert meta["dataset"]["name"].startswith(name) and meta["config"]["game"] == row["game"]
        assert np.isfinite(G.theta).all()
        lr, weight = compare.SETTINGS[row["ground"]][row["game"]]
        assert (row["lr"], row["weight"]) == (lr, weight if compare.GAMES[row["game"]].penalty else None)
    written = Path("page.md").read_text()
    assert compare.table(rows()) in written and compare.correlations(rows()) in written
    assert compare.table(rows()) in capsys.readouterr().out
    assert imread("page/samples.png").shape[0] > 150 and imread("page/courses.png").shape[0] > 300


def test_a_second_call_computes_only_what_is_missing_and_a_game_that_stops_is_recorded(compare, capsys, monkeypatch):
    chosen = ["--grounds", "ring", "--games", "least squares", "minimax", "--rounds", "10"]
    with np.errstate(all="ignore"):
        assert compare.main([*chosen, "--seeds", "1", "--lr", "1e38"]) == 0
        first = rows()
        assert compare.main([*chosen, "--seeds", "2", "--lr", "1e38"]) == 0
    assert rows()[:2] == first and [row["seed"] for row in rows()] == [0, 0, 1, 1]
    assert all("finite" in row["stopped"] for row in rows())
    assert "ring, least squares, seed 0: stopped, " in capsys.readouterr().out
    assert "| least squares | stopped |" in compare.table(rows())
    monkeypatch.setattr(compare, "play", None)  # would fail if called
    assert compare.main([*chosen, "--seeds", "2", "--lr", "1e38"]) == 0


def test_the_course_of_a_game_holds_its_value_and_each_round_other_points(compare):
    """By formulas of its own: the mean V since the look before, of rounds that are played by hand."""
    ground, cell = compare.Digits("digits"), {"rounds": 10, "seed": 3, "lr": 1e-3, "weight": 1.0}
    game = compare.GAMES["non-saturating"]
    row = compare.play(ground.training(compare.make(game, ground, cell), 10), ground, 10)
    gan = compare.make(game, ground, cell)
    values = [float(gan.step(x).V) for x in Batches(ground.train, 64, 3).epoch(0)][:10]
    assert [look["round"] for look in row["course"]] == [1, 2, 3, 4, 5, 7, 9, 10]
    spans = ((0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 7), (7, 9), (9, 10))
    assert [look["value"] for look in row["course"]] == pytest.approx(
        [np.mean(values[a:b]) for a, b in spans], rel=1e-4
    )
    plane = compare.Plane("ring")
    drawn = [x.tolist() for x in plane.training(compare.make(game, plane, cell), 5).batches.epoch(0)]
    assert len(drawn) == 5 and all(a != b for i, a in enumerate(drawn) for b in drawn[:i])


def test_only_the_objective_differs_between_games(compare):
    ground, cell = compare.Plane("ring"), dict(zip(compare.KEY, ("ring", "", 3, 20, 1e-3, 2.0), strict=True))
    plain = compare.make(compare.GAMES["non-saturating"], ground, cell)
    assert all(settings.keys() == compare.GAMES.keys() for settings in compare.SETTINGS.values())
    for name, game in compare.GAMES.items():
        gan = compare.make(game, ground, cell)
        assert np.array_equal(gan.generator.theta, plain.generator.theta), name
        assert gan.generator_optimizer.lr(0) == 1e-3 and gan.generator_optimizer.lr(20) == 0
        assert gan.discriminator_optimizer.lr(0) == 1e-3 * (4 if name == "two time scales" else 1)
        assert gan.discriminator.rows == (2 if name == "packing 2" else 1)
        assert gan.k == (5 if name.endswith("k = 5") else 1)
        assert (gan.penalty is None) == (game.penalty is None)


def test_ctrl_c_keeps_the_finished_cells(compare, capsys, monkeypatch):
    def step(gan, x):
        if isinstance(gan.objective, compare.objectives.Minimax):
            raise KeyboardInterrupt
        return original(gan, x)

    original = compare.GAN.step
    monkeypatch.setattr(compare.GAN, "step", step)
    with pytest.raises(SystemExit) as stop:
        compare.main(["--grounds", "ring", "--games", "hinge", "minimax", "--seeds", "1", "--rounds", "10"])
    assert stop.value.code == 130 and len(rows()) == 1
    assert "interrupted; the finished cells are in objectives.jsonl: start again to go on" in capsys.readouterr().err


def row(ground, game, seed, **measured):
    return {"ground": ground, "game": game, "seed": seed, "course": [], **measured}


def test_the_table_gives_mean_and_standard_error_and_marks_who_found_every_mode(compare, monkeypatch):
    found = [row("ring", "hinge", seed, modes=8, high_quality=0.5) for seed in (0, 1)]
    found += [row("grid", "hinge", seed, modes=m, high_quality=0.25) for seed, m in enumerate((20, 24))]
    found += [row("mnist", "hinge", seed, frechet=f, classes=[0.2, 0.8]) for seed, f in enumerate((10.0, 14.0))]
    Path("times.json").write_text('{"ratios": {"hinge": [1.0, 1.25, 1.5]}}')
    monkeypatch.setattr(compare, "TIMES", Path("times.json"))
    lines = compare.table(found).splitlines()
    assert "| hinge | **8.0 ± 0.0** | 50% | 22.0 ± 2.0 | 25% | 12.0 ± 2.0 | 20.0% | 1.25 |" in lines
    assert "| minimax |  |  |  |  |  |  |  |" in lines
    assert lines[-1] == "| *PacGAN2, published* | 7.9 ± 0.1 | 96% | 23.8 ± 0.7 | 91% | | | |"


def test_the_rank_correlation_is_spearmans(compare):
    """1 - 6 sum of d^2 / (n (n^2 - 1)), d the differences of the ranks."""
    assert compare.rank_correlation(np.array([3.0, 1.0, 2.0]), np.array([27.0, 1.0, 8.0])) == pytest.approx(1)
    a, b = np.array([0.1, 0.2, 0.3, 0.4]), np.array([5.0, 90.0, 7.0, -1.0])  # ranks 1 2 3 4 and 2 4 3 1
    assert compare.rank_correlation(a, b) == pytest.approx(1 - 6 * (1 + 4 + 0 + 9) / (4 * 15))
