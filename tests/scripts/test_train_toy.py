"""scripts/train_toy.py, as a person runs it."""

import json
import re
import signal
import sys

import numpy as np
import pytest
from loading import script
from matplotlib.image import imread

from minigan.backend.generators import DATA, FIXED, PENALTY, SAMPLING, TRAINING

SHORT = "--rounds", 20, "--batch-size", 16, "--hidden", 8, "--frames", 2


@pytest.fixture
def module():
    return script("train_toy")


@pytest.fixture
def train(module):
    return lambda *args: module.main([*map(str, args)])


@pytest.mark.slow
def test_a_picture_and_a_film_the_same_for_the_same_seed_and_others_for_another(
    module, train, tmp_path, capsys, monkeypatch
):
    films = []
    monkeypatch.setattr(module.Stage, "save_film", lambda stage, path: films.append(path.name))
    for out, seed in ("a", 1), ("b", 1), ("c", 2):
        if out == "c":
            monkeypatch.setattr(module.Stage, "save_picture", lambda stage, path, scene: None)
        assert train("moons", *SHORT, "--objective", "hinge", "--seed", seed, "--out", tmp_path / out) == 0
    assert (tmp_path / "a" / "moons.png").read_bytes() == (tmp_path / "b" / "moons.png").read_bytes()
    assert imread(tmp_path / "a" / "moons.png").shape[:2] == (648, 1152) and films == ["moons.gif"] * 3
    line, last, again, _, other, _ = capsys.readouterr().out.splitlines()
    assert line == again != other
    assert line.startswith("V -") and "(equilibrium -2.000)" in line and "the samples' mean is (" in line
    assert last == f"now open {tmp_path}/a/moons.png; how it came about is in {tmp_path}/a/moons.gif"


def test_ctrl_c_twice_ends_without_a_drawing_and_without_a_traceback(module, train, tmp_path, capsys, monkeypatch):
    def step(gan, x):
        for _ in range(2 * bool(gan.generator_optimizer.between)):  # not in the trial of a first round, by a copy
            signal.raise_signal(signal.SIGINT)
        return original(gan, x)

    original = module.GAN.step
    monkeypatch.setattr(module.GAN, "step", step)
    with pytest.raises(SystemExit) as stop:
        train("ring", *SHORT, "--out", tmp_path)
    assert (stop.value.code, list(tmp_path.iterdir())) == (130, [])
    assert capsys.readouterr().err.endswith("nothing was drawn\n")


def content_of(page):
    """What the page's script draws."""
    return json.loads(re.search(r'<script type="application/json" id="film">(.*?)</script>', page)[1])


def test_a_page_of_three_games_is_written_in_place_of_picture_and_film(train, tmp_path, capsys):
    assert train("grid", "--html", *SHORT, "--out", tmp_path / "new") == 0
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["grid.html"]
    page = (tmp_path / "new" / "grid.html").read_text()
    content = content_of(page)
    assert content["rounds"] == [0, 20] and content["played"] == 20 and len(content["games"]) == 3
    names = ["minimax", "non-saturating", "wasserstein + slope-bound:10"]
    assert re.findall("<h4>(.*)</h4>", page) == names
    assert "two hidden layers of 8 tanh units, z has width 2. 20 rounds of 16, by Adam" in page and "Seed 0." in page
    *lines, last = capsys.readouterr().out.splitlines()
    assert last == f"now open {tmp_path}/new/grid.html"
    assert [line.split(": V ")[0] for line in lines] == names and all("of 25 modes, " in line for line in lines)
    assert "(equilibrium +0.000)" in lines[2]
    assert all("of 25 modes" in words for game in content["games"] for words in game["words"])


def test_every_game_begins_with_the_same_players_and_sees_the_same_data_and_noise(module, train, monkeypatch, tmp_path):
    seen = []
    step = module.GAN.step

    def watched(gan, x):
        if gan.generator_optimizer.between and not any(gan is other for other, *_ in seen):
            theta = [network.theta.copy() for network in (gan.generator, gan.discriminator)]
            seen.append((gan, x.copy(), *theta, gan.fixed_noise(5), gan.latent_points(5, 0, 1)))
        return step(gan, x)

    monkeypatch.setattr(module.GAN, "step", watched)
    train("moons", "--html", *SHORT, "--objective", *module.OBJECTIVES, "--seed", 5, "--out", tmp_path)
    assert [type(gan.objective) for gan, *_ in seen] == list(module.OBJECTIVES.values())
    assert [repr(gan.penalty) for gan, *_ in seen] == [*["None"] * 3, "OneSidedGradientPenalty(10.0)", *["None"] * 2]
    first = seen[0][1:]
    assert (first[0] == module.toy("moons").sample(16, 5, DATA, 0)).all()
    assert DATA not in (TRAINING, SAMPLING, FIXED, PENALTY)  # z has streams of its own
    assert all(np.array_equal(a, b) for _, *rest in seen[1:] for a, b in zip(first, rest, strict=True))


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (["--penalty", "r1:2"], ["minimax + r1:2", "non-saturating + r1:2", "wasserstein + r1:2"]),
        (["--objective", "wasserstein", "--penalty", "none"], ["wasserstein"]),
        (["--objective", "hinge", "hinge", "--penalty", "none", "r2:1"], ["hinge", "hinge + r2:1"]),
    ],
)
def test_penalties_are_for_all_games_or_one_for_each(module, options, names):
    games = module.set_up(module.toy("ring"), module.arguments().parse_args(["ring", "--html", *options]))
    assert [game.name for game in games] == names
    assert ["+" in game.name for game in games] == [game.gan.penalty is not None for game in games]


def test_ctrl_c_stops_all_games_after_the_same_round_and_writes_the_page(module, train, tmp_path, monkeypatch):

    def step(gan, x):
        if gan.draws[0] == 4 and isinstance(gan.objective, module.OBJECTIVES["non-saturating"]):
            signal.raise_signal(signal.SIGINT)
        return original(gan, x)

    original = module.GAN.step
    monkeypatch.setattr(module.GAN, "step", step)
    assert train("ring", "--html", "--rounds", 1000, "--hidden", 8, "--out", tmp_path) == 128 + signal.SIGINT
    page = (tmp_path / "ring.html").read_text()
    content = content_of(page)
    assert content["rounds"][-1] == content["played"] == 3
    assert all(len(game["D"]["codes"]) == len(content["rounds"]) for game in content["games"])
    assert "1,000 rounds of 128, stopped after 3, by Adam" in page


def test_what_is_not_finite_stops_training_in_words(train, tmp_path, capsys):
    with np.errstate(all="ignore"):
        assert train("ring", *SHORT, "--lr", 3e38, "--out", tmp_path) == 1
    err = capsys.readouterr().err
    assert err.startswith("training stopped: ") and "lower learning rate" in err


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["rings"], "train_toy.py: no toy distribution is called 'rings': did you mean 'ring'? expected one of ring,"),
        (["ring", "--penalty", "r1:0"], "--penalty r1:0: expected r1, r2, unit-slope, slope-bound with a weight"),
        (["ring", "--objective", "hinge", "minimax"], "--objective hinge minimax: several games are drawn side by"),
        (["ring", "--html", "--penalty", "r1:1", "none"], "--penalty r1:1 none: expected one, or one for each of the"),
        (["ring", "--out", "/dev/null/r"], "Not a directory"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(train, args, message, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["train_toy.py"])
    with pytest.raises(SystemExit) as stop:
        train(*args)
    out, err = capsys.readouterr()
    assert (stop.value.code, out) == (2, "")
    assert err.count("\n") == 1 and message in err
