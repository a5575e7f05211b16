"""scripts/train_toy.py, and scripts/measure_modes.py, as a person runs them."""

import json
import re
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
from loading import script
from matplotlib.image import imread
from PIL import Image

from minigan import BatchNorm, Maxout, Network, gradcheck

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def modes(monkeypatch):
    """scripts/measure_modes.py with a few points instead of 100,000."""
    monkeypatch.syspath_prepend(ROOT / "scripts")
    module = script("measure_modes")
    module.POINTS = 500
    return module


def train(*args):
    return script("train_toy").main([*map(str, args)])


SHORT = "--rounds", 20, "--batch-size", 16, "--hidden", 8, "--frames", 2


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("grid", "of 25 modes, "),
        ("moons", "the samples' mean is ("),
    ],
)
def test_a_picture_and_a_film_of_each_kind(name, said, tmp_path, capsys):
    assert train(name, *SHORT, "--out", tmp_path / "new") == 0
    assert imread(tmp_path / "new" / f"{name}.png").shape[:2] == (648, 1152)
    with Image.open(tmp_path / "new" / f"{name}.gif") as film:
        assert film.n_frames == 2
    line, last = capsys.readouterr().out.splitlines()
    assert line.startswith("V -1.") and "(equilibrium -1.386)" in line and said in line
    assert last == f"now open {tmp_path}/new/{name}.png; how it came about is in {tmp_path}/new/{name}.gif"


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path, capsys, monkeypatch):
    module = script("train_toy")
    monkeypatch.setattr(module.Stage, "save_film", lambda stage, path: None)
    for out, seed in ("a", 1), ("b", 1), ("c", 2):
        module.main(["spiral", *map(str, SHORT), "--seed", str(seed), "--out", str(tmp_path / out)])
    a, b, c = ((tmp_path / out / "spiral.png").read_bytes() for out in "abc")
    assert a == b != c


def test_ctrl_c_stops_after_the_round_and_draws(tmp_path, capsys, monkeypatch):
    module = script("train_toy")

    def look(gan, lattice, number):
        if number:
            signal.raise_signal(signal.SIGINT)
        return original(gan, lattice, number)

    original = module.look
    monkeypatch.setattr(module, "look", look)
    args = "ring", "--rounds", 1000, "--hidden", 8, "--frames", 30, "--out", tmp_path
    assert module.main([*map(str, args)]) == 128 + signal.SIGINT
    with Image.open(tmp_path / "ring.gif") as film:
        assert film.n_frames == 2
    assert imread(tmp_path / "ring.png").shape[:2] == (648, 1152)


def test_ctrl_c_twice_ends_without_a_drawing_and_without_a_traceback(tmp_path, capsys, monkeypatch):
    module = script("train_toy")

    def step(gan, x):
        for _ in range(2):
            signal.raise_signal(signal.SIGINT)
        return original(gan, x)

    original = module.GAN.step
    monkeypatch.setattr(module.GAN, "step", step)
    with pytest.raises(SystemExit) as stop:
        module.main(["ring", "--rounds", "1000", "--hidden", "8", "--frames", "30", "--out", str(tmp_path)])
    assert (stop.value.code, list(tmp_path.iterdir())) == (130, [])
    assert capsys.readouterr().err.endswith("nothing was drawn\n")


def content_of(page):
    """What the page's script draws."""
    return json.loads(re.search(r'<script type="application/json" id="film">(.*?)</script>', page.read_text())[1])


def test_a_page_of_three_games_is_written_in_place_of_picture_and_film(tmp_path, capsys):
    assert train("grid", "--html", *SHORT, "--out", tmp_path / "new") == 0
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["grid.html"]
    content = content_of(tmp_path / "new" / "grid.html")
    assert content["rounds"] == [0, 20] and content["played"] == 20 and len(content["games"]) == 3
    page = (tmp_path / "new" / "grid.html").read_text()
    names = ["minimax", "non-saturating", "wasserstein + slope-bound:10"]
    assert re.findall("<h4>(.*)</h4>", page) == names
    assert "two hidden layers of 8 tanh units, z has width 2. 20 rounds of 16, by Adam" in page and "Seed 0." in page
    *lines, last = capsys.readouterr().out.splitlines()
    assert last == f"now open {tmp_path}/new/grid.html"
    assert [line.split(": V ")[0] for line in lines] == names and all("of 25 modes, " in line for line in lines)
    assert "(equilibrium +0.000)" in lines[2]
    assert all("of 25 modes" in words for game in content["games"] for words in game["words"])


def test_every_game_begins_with_the_same_players_and_sees_the_same_data_and_noise(monkeypatch, tmp_path):
    module, seen = script("train_toy"), []
    step = module.GAN.step

    def watched(gan, x):
        if not any(gan is other for other, *_ in seen):
            theta = [network.theta.copy() for network in (gan.generator, gan.discriminator)]
            seen.append((gan, x.copy(), *theta, gan.fixed_noise(5), gan.latent_points(5, 0, 1)))
        return step(gan, x)

    monkeypatch.setattr(module.GAN, "step", watched)
    module.main(["moons", "--html", *map(str, SHORT), "--objective", *module.OBJECTIVES, "--out", str(tmp_path)])
    assert [type(gan.objective) for gan, *_ in seen] == list(module.OBJECTIVES.values())
    assert [repr(gan.penalty) for gan, *_ in seen] == [*["None"] * 3, "SlopeBound(10.0)", *["None"] * 2]
    first = seen[0][1:]
    assert all(np.array_equal(a, b) for _, *rest in seen[1:] for a, b in zip(first, rest, strict=True))


def test_a_game_goes_the_same_way_alone_and_beside_others(tmp_path):
    train("gaussian", "--html", *SHORT, "--objective", "hinge", "--out", tmp_path / "a")
    train("gaussian", "--html", *SHORT, "--objective", "relativistic", "hinge", "--out", tmp_path / "b")
    (alone,), (_, beside) = (content_of(tmp_path / name / "gaussian.html")["games"] for name in "ab")
    assert alone == beside


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (["--penalty", "r1:2"], ["minimax + r1:2", "non-saturating + r1:2", "wasserstein + r1:2"]),
        (["--objective", "wasserstein", "--penalty", "none"], ["wasserstein"]),
        (["--objective", "hinge", "hinge", "--penalty", "none", "r2:1"], ["hinge", "hinge + r2:1"]),
    ],
)
def test_penalties_are_for_all_games_or_one_for_each(options, names):
    module = script("train_toy")
    games = module.set_up(module.toy("ring"), module.arguments().parse_args(["ring", "--html", *options]))
    assert [game.name for game in games] == names
    assert ["+" in game.name for game in games] == [game.gan.penalty is not None for game in games]


def test_another_game_is_drawn_without_a_page_as_well(tmp_path, capsys):
    assert train("ring", *SHORT, "--objective", "wasserstein", "--out", tmp_path) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ring.gif", "ring.png"]
    line, _ = capsys.readouterr().out.splitlines()
    assert line.startswith("V ") and "(equilibrium +0.000)" in line


def test_ctrl_c_stops_all_games_after_the_same_round_and_writes_the_page(tmp_path, capsys, monkeypatch):
    module = script("train_toy")

    def step(gan, x):
        if gan.draws[0] == 4 and isinstance(gan.objective, module.OBJECTIVES["non-saturating"]):
            signal.raise_signal(signal.SIGINT)
        return original(gan, x)

    original = module.GAN.step
    monkeypatch.setattr(module.GAN, "step", step)
    args = "ring", "--html", "--rounds", 1000, "--hidden", 8, "--out", tmp_path
    assert module.main([*map(str, args)]) == 128 + signal.SIGINT
    content = content_of(tmp_path / "ring.html")
    assert content["rounds"][-1] == content["played"] == 3
    assert all(len(game["D"]["codes"]) == len(content["rounds"]) for game in content["games"])
    assert "1,000 rounds of 128, stopped after 3, by Adam" in (tmp_path / "ring.html").read_text()


def test_what_is_not_finite_stops_training_in_words(tmp_path, capsys):
    with np.errstate(all="ignore"), pytest.raises(SystemExit) as stop:
        train("ring", *SHORT, "--lr", 3e38, "--out", tmp_path)
    err = capsys.readouterr().err
    assert stop.value.code == 1 and err.startswith("training stopped: ") and "lower learning rate" in err


def test_learning_brings_the_samples_nearer_to_the_data(tmp_path, capsys):
    train("gaussian", "--rounds", 600, "--hidden", 16, "--frames", 2, "--lr", 0.005, "--out", tmp_path)
    said = capsys.readouterr().out
    assert "(data 1.000 and 0.500)" in said
    words = said.split()
    mean, std = (float(words[words.index(word) + 1].rstrip(",")) for word in ("mean", "deviation"))
    assert 0.9 < mean < 1.1 and 0.3 < std < 0.65


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["rings"], "train_toy.py: no toy distribution is called 'rings': did you mean 'ring'? expected one of ring,"),
        (["ring", "--lr", "-1"], "the learning rate must be positive and finite, not -1.0"),
        (["ring", "--rounds", "0"], "argument --rounds: expected a whole number of at least 1, not '0'"),
        (["ring", "--frames", "1"], "argument --frames: expected a whole number of at least 2, not '1'"),
        (["ring", "--objective", "wgan"], "argument --objective: invalid choice: 'wgan'"),
        (
            ["ring", "--objective", "hinge", "minimax"],
            "--objective hinge minimax: several games are drawn side by side",
        ),
        (["ring", "--penalty", "r3:1"], "--penalty r3:1: expected r1, r2, unit-slope, slope-bound with a weight"),
        (
            ["ring", "--html", "--penalty", "r1:1", "none"],
            "--penalty r1:1 none: expected one, or one for each of the 3",
        ),
        (["ring", "--html", "--out", "/dev/null/r"], "Not a directory"),
        (["ring", "--out", "/dev/null/r"], "Not a directory"),
        ([], "the following arguments are required: name"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(args, message, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["train_toy.py"])
    with pytest.raises(SystemExit) as stop:
        train(*args)
    out, err = capsys.readouterr()
    assert (stop.value.code, out) == (2, "")
    assert err.count("\n") == 1 and message in err


@pytest.mark.parametrize("game", ["best", "plain"])
def test_seeds_are_measured_once_and_go_on_from_the_file(modes, game, tmp_path, capsys):
    file = tmp_path / "m.jsonl"
    args = [game, "--toys", "ring", "--rounds", "3", "--json", str(file)]
    assert modes.main([*args, "--seeds", "1"]) == 0
    first = file.read_text()
    assert modes.main([*args, "--seeds", "2"]) == 0
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


def test_a_seed_repeats_itself_to_the_digit(modes):
    found = [modes.play(*modes.best(3, 10), modes.toy("grid"), 10) for _ in range(2)]
    for row in found:
        del row["seconds"]
    assert found[0] == found[1]


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


def test_the_table_goes_into_a_page(modes, tmp_path, capsys):
    page = tmp_path / "modes.md"
    page.write_text("before\n<!-- modes: made by -->\n<!-- end of modes -->\nafter\n")
    args = ["best", "--toys", "grid", "--rounds", "2", "--seeds", "1", "--json", str(tmp_path / "m")]
    assert modes.main([*args, "--page", str(page)]) == 0
    text = page.read_text()
    assert text.startswith("before\n<!-- modes: made by -->\n| | modes |") and text.endswith("-->\nafter\n")
    assert "| grid: minigan, best |" in text
    page.write_text("no block")
    with pytest.raises(SystemExit) as stop:
        modes.main([*args, "--page", str(page)])
    assert stop.value.code == 2 and "the page has no block 'modes'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "m.jsonl, line 1 is not JSON"),
        ('{"seed": 1}', "m.jsonl, line 1 is no result of this script: expected ['game', 'high_quality', 'modes',"),
        ("[1]", "m.jsonl, line 1 is no result of this script: expected"),
    ],
)
def test_a_file_that_holds_something_else_is_refused(modes, text, message, tmp_path, capsys):
    (tmp_path / "m.jsonl").write_text(text + "\n")
    with pytest.raises(SystemExit) as stop:
        modes.main(["best", "--json", str(tmp_path / "m.jsonl")])
    err = capsys.readouterr().err
    assert stop.value.code == 2 and err.count("\n") == 1 and message in err


def test_ctrl_c_keeps_the_finished_seeds(modes, tmp_path, capsys, monkeypatch):
    original, calls = modes.play, []

    def play(*args):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return original(*args)

    monkeypatch.setattr(modes, "play", play)
    with pytest.raises(SystemExit) as stop:
        modes.main(["best", "--toys", "ring", "--rounds", "1", "--json", str(tmp_path / "m.jsonl")])
    assert stop.value.code == 130 and "start again to go on" in capsys.readouterr().err
    assert len((tmp_path / "m.jsonl").read_text().splitlines()) == 1


def test_the_papers_players_have_the_papers_sizes(modes):
    gan, batch_size = modes.pacgan(0, 1)
    assert (batch_size, gan.generator_optimizer.lr, gan.discriminator_optimizer.beta1) == (100, 1e-4, 0.8)
    G, D = gan.generator.layers, gan.discriminator.layers
    assert [(a.n_in, a.n_out) for a in G[::3]] == [(2, 400), (400, 400), (400, 400), (400, 400), (400, 2)]
    assert sum(isinstance(layer, BatchNorm) for layer in G) == 4
    assert [(a.n_in, a.n_out) for a in D if isinstance(a, Maxout)] == [(1000, 200)] * 3
    assert (D[0].n_in, D[-1].n_in, D[-1].n_out) == (2, 200, 1)


def test_the_derivatives_of_the_waves_are_right(modes, rng):
    report = gradcheck.gradcheck(Network(modes.Waves(3, 5, 2.0)), rng.standard_normal((4, 3)))
    assert report.ok, str(report)
    b = Network(modes.Waves(2, 4000, 2.0)).layers[0]
    assert abs(b.W.std() / 2 - 1) < 0.05 and abs(b.b).max() <= np.pi and b.b.std() > 1.7


@pytest.mark.slow
def test_the_best_game_finds_every_mode_of_the_ring(modes):
    modes.POINTS = 100_000
    found = modes.play(*modes.best(0, 3000), modes.toy("ring"), 3000)
    assert found["modes"] == 8 and found["high_quality"] > 0.5 and found["reverse_kl"] < 0.1
