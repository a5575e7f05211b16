"""scripts/reports/measure_modes.py, as a person runs it."""

import json

import numpy as np
import pytest
from loading import script

from minigan import BatchNorm, Maxout, Network, gradcheck
from minigan.evaluation import modes as protocol


@pytest.fixture
def modes(monkeypatch):
    """The script with a few points instead of 100,000."""
    monkeypatch.setattr(protocol, "POINTS", 500)
    return script("measure_modes")


@pytest.mark.parametrize("game", ["best", "plain"])
def test_seeds_are_measured_once_go_on_from_the_file_and_come_into_the_page(modes, game, tmp_path, capsys):
    page = tmp_path / "modes.md"
    page.write_text("before\n<!-- modes: made by -->\n<!-- end of modes -->\nafter\n")
    file = tmp_path / "m.jsonl"
    args = [game, "--toys", "ring", "--rounds", "3", "--json", str(file)]
    assert modes.main([*args, "--seeds", "1"]) == 0
    first = file.read_text()
    assert modes.main([*args, "--seeds", "2", "--page", str(page)]) == 0
    assert file.read_text().startswith(first)
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(row["seed"], row["rounds"], row["game"], row["toy"]) for row in rows] == [
        (0, 3, game, "ring"), (1, 3, game, "ring"),
    ]  # fmt: skip
    assert rows[0].keys() == modes.COLUMNS and rows[0] != rows[1] | {"seed": 0}
    said = capsys.readouterr().out
    assert said.count(f"{game} ring seed 0:") == said.count(f"{game} ring seed 1:") == 1
    assert f"| ring: minigan, {game} |" in said and "of 8 |" in said and "| 2 seeds, " in said
    assert "| ring: GAN, published | 6.3 ± 0.5 | 98.2% | 0.45 | 10 runs |" in said and "grid" not in said
    assert page.read_text() == f"before\n<!-- modes: made by -->\n{modes.table(rows)}\n<!-- end of modes -->\nafter\n"


def test_the_table_gives_mean_and_standard_error(modes):
    row = {"game": "best", "toy": "grid", "rounds": 9, "seed": 0, "modes": 25, "high_quality": 0.9, "reverse_kl": 0.1}
    rows = [row | {"modes": m, "seconds": s} for m, s in ((25, 10), (24, 20), (23, 30), (24, 40))]
    error = np.std([25, 24, 23, 24], ddof=1) / 2
    line = modes.table(rows).splitlines()[2]
    assert f"{error:.1f}" == "0.4"
    assert line == (
        "| grid: minigan, best | 24.0 ± 0.4 of 25 | 90.0% | 0.10 | 4 seeds, 1 with every mode; 9 rounds, 25 s |"
    )
    assert modes.table(rows).count("published") == 2 and modes.table([]).count("\n") == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "m.jsonl, line 1 is not JSON"),
        ('{"seed": 1}', "m.jsonl, line 1 is no result of this script: expected ['game', 'high_quality', 'modes',"),
    ],
)
def test_a_file_that_holds_something_else_is_refused(modes, text, message, tmp_path, capsys):
    (tmp_path / "m.jsonl").write_text(text + "\n")
    for name, said in ("m.jsonl", message), (".", "expected the name of a file"), ("no/m.jsonl", "in a folder that"):
        with pytest.raises(SystemExit) as stop:
            modes.main(["best", "--json", str(tmp_path / name)])
        err = capsys.readouterr().err
        assert stop.value.code == 2 and err.count("\n") == 1 and said in err


def test_the_papers_players_have_the_papers_sizes(modes):
    gan, batch_size = modes.pacgan(0, 1)
    assert (batch_size, gan.generator_optimizer.lr, gan.discriminator_optimizer.beta1) == (100, 1e-4, 0.8)
    G, D = gan.generator.layers, gan.discriminator.layers
    assert [(a.n_in, a.n_out) for a in G[::3]] == [(2, 400), (400, 400), (400, 400), (400, 400), (400, 2)]
    assert sum(isinstance(layer, BatchNorm) for layer in G) == 4
    assert [(a.n_in, a.n_out) for a in D if isinstance(a, Maxout)] == [(1000, 200)] * 3
    assert (D[0].n_in, D[-1].n_in, D[-1].n_out) == (2, 200, 1)


def test_the_derivatives_of_the_waves_are_right(modes, rng):
    report = gradcheck(Network(modes.Waves(3, 5, 2.0)), rng.standard_normal((4, 3)))
    assert report.ok, str(report)
    b = Network(modes.Waves(2, 4000, 2.0)).layers[0]
    assert abs(b.W.std() / 2 - 1) < 0.05 and abs(b.b).max() <= np.pi and b.b.std() > 1.7


@pytest.mark.slow
def test_the_best_game_finds_every_mode_of_the_ring(modes):
    protocol.POINTS = 100_000  # the fixture puts it back
    found = modes.play(*modes.best(0, 3000), modes.toy("ring"), 3000)
    assert found["modes"] == 8 and found["high_quality"] > 0.5 and found["reverse_kl"] < 0.1
