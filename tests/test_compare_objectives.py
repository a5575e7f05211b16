"""scripts/compare_objectives.py, as a person runs it."""

import json
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from minigan import checkpoint
from minigan.backend import host_generator

ROOT = Path(__file__).resolve().parents[1]
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
    monkeypatch.syspath_prepend(ROOT / "scripts")
    monkeypatch.chdir(tmp_path)
    import compare_objectives as module

    digits = module.divided("digits", None)
    for name, value in {
        "POINTS": 500, "SAMPLES": 100, "IMAGES": 60,
        "divided": lambda name, data_dir: digits, "classifier_for": lambda data: Features(),
    }.items():  # fmt: skip
        monkeypatch.setattr(module, name, value)
    return module


def rows():
    return [json.loads(line) for line in Path("objectives.jsonl").read_text().splitlines()]


def test_every_game_is_played_on_every_ground_measured_and_kept(compare, capsys):
    Path("page.md").write_text(PAGE)
    assert compare.main(["--seeds", "1", "--rounds", "10", "--page", "page.md"]) == 0
    assert [(row["ground"], row["game"]) for row in rows()] == [(a, b) for a in compare.GROUNDS for b in compare.GAMES]
    for row in rows():
        looks = [1, 2, 3, 4, 5, 7, 9, 10] if row["ground"] == "mnist" else []
        assert [look["round"] for look in row["course"]] == looks
        G, meta = checkpoint.load_generator(Path("out", "objectives", compare.file_of(row)))
        assert meta["dataset"]["name"] == row["ground"] and np.isfinite(G.theta).all()
        lr, weight = compare.SETTINGS[row["ground"]][row["game"]]
        assert (row["lr"], row["weight"]) == (lr, weight if compare.GAMES[row["game"]].penalty else None)
    written = Path("page.md").read_text()
    assert compare.table(rows()) in written and compare.correlations(rows()) in written
    assert compare.table(rows()) in capsys.readouterr().out
    assert imread("page/samples.png").shape[0] > 500 and imread("page/courses.png").shape[0] > 300


def test_a_second_call_computes_only_what_is_missing(compare, capsys, monkeypatch):
    chosen = ["--grounds", "ring", "--games", "hinge", "minimax", "--rounds", "10"]
    assert compare.main([*chosen, "--seeds", "1"]) == 0
    first = rows()
    assert compare.main([*chosen, "--seeds", "2"]) == 0
    assert rows()[:2] == first and [row["seed"] for row in rows()] == [0, 0, 1, 1]
    monkeypatch.setattr(compare, "play", None)  # would fail if called
    assert compare.main([*chosen, "--seeds", "2"]) == 0


def test_a_cell_is_a_function_of_its_names(compare):
    ground, cell = compare.Plane("ring"), dict(zip(compare.KEY, ("ring", "", 3, 20, 1e-3, 2.0), strict=True))
    for game in compare.GAMES.values():
        one, other = (compare.play(compare.make(game, ground, cell), ground, 20) for _ in range(2))
        assert str(one | {"seconds": 0}) == str(other | {"seconds": 0})  # as text: no two NaN are equal


def test_only_the_objective_differs_between_games(compare):
    ground, cell = compare.Plane("ring"), dict(zip(compare.KEY, ("ring", "", 3, 20, 1e-3, 2.0), strict=True))
    plain = compare.make(compare.GAMES["non-saturating"], ground, cell)
    for name, game in compare.GAMES.items():
        gan = compare.make(game, ground, cell)
        assert np.array_equal(gan.generator.theta, plain.generator.theta), name
        assert gan.generator_optimizer.lr(0) == 1e-3 and gan.generator_optimizer.lr(20) == 0
        assert gan.discriminator_optimizer.lr(0) == 1e-3 * (4 if name == "two time scales" else 1)
        assert gan.pack == (2 if name == "packing 2" else 1)
        assert (gan.penalty is None) == (game.penalty is None)


def test_a_game_that_stops_is_recorded_and_the_others_go_on(compare, capsys):
    chosen = "--grounds", "ring", "--games", "least squares", "--seeds", "2", "--rounds", "10"
    with np.errstate(all="ignore"):
        assert compare.main([*chosen, "--lr", "1e38"]) == 0
    assert len(rows()) == 2 and all("finite" in row["stopped"] for row in rows())
    assert "ring, least squares, seed 0: stopped, " in capsys.readouterr().out
    assert "| least squares | stopped |" in compare.table(rows())


def test_ctrl_c_keeps_the_finished_cells(compare, capsys, monkeypatch):
    play, calls = compare.play, []

    def interrupted(*args):
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return play(*args)

    monkeypatch.setattr(compare, "play", interrupted)
    with pytest.raises(SystemExit) as stop:
        compare.main(["--grounds", "ring", "--games", "hinge", "minimax", "--seeds", "1", "--rounds", "10"])
    assert stop.value.code == 130 and len(rows()) == 1
    assert "interrupted; the finished cells are in objectives.jsonl: start again to go on" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--games", "chess"], "invalid choice: 'chess'"),
        (["--rounds", "5"], "expected a whole number of at least 10, not '5'"),
        (["--grounds", "moon"], "invalid choice: 'moon'"),
        (["--grounds", "ring", "--json", "broken.jsonl"], "broken.jsonl, line 1 is not JSON"),
        (["--grounds", "ring", "--json", "other.jsonl"], "other.jsonl, line 1 is no result of this script: expected"),
    ],
)
def test_what_cannot_be_played_is_refused_in_one_line(compare, args, message, capsys):
    Path("broken.jsonl").write_text("{\n")
    Path("other.jsonl").write_text('{"game": 1}\n')
    with pytest.raises(SystemExit) as stop:
        compare.main(args)
    err = capsys.readouterr().err
    assert stop.value.code == 2 and err.count("\n") == 1 and message in err


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
    stats = pytest.importorskip("scipy.stats")
    a, b = host_generator(0).standard_normal((2, 30))
    assert compare.rank_correlation(a, a**3) == pytest.approx(1)
    assert compare.rank_correlation(a, b) == pytest.approx(stats.spearmanr(a, b).statistic)
