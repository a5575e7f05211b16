"""laboratory: what the page holds, read back from its HTML. No browser is needed."""

import base64
from pathlib import Path

import numpy as np
import pytest
from loading import load

from minigan import GAN, Dense, Hinge, Minimax, Network, NonSaturating, RelativisticAverage, Tanh, Wasserstein
from minigan.data.toys import toy
from minigan.objectives import LeastSquares
from minigan.plots.figures import limits
from minigan.plots.laboratory import FORMULAS, comparable, save_page
from minigan.plots.toys import ARROWS, SAMPLES, SIDE, Arrows, Film, Lattice, densities, look

pages = load(Path(__file__).with_name("pages.py"))
ROUNDS = 3
EVERY = Minimax(), NonSaturating(), LeastSquares(), Wasserstein(), Hinge(), RelativisticAverage()


def unpacked(series, k=0):
    """As the page's script does it."""
    codes = np.frombuffer(base64.b64decode(series["codes"][k]), "<u2").astype("float64")
    shares = np.where(codes == 65535, np.nan, codes / 65534)
    return series["low"] + shares * (series["high"] - series["low"])


def step(series):
    """The largest error that packing may make."""
    return 0.51 * (series["high"] - series["low"]) / 65534 + 1e-6


def played(name, objectives):
    """(data, lattice, films) of short games on the toy of that name."""
    data, films = toy(name), []
    lattice = Lattice(data.sample(200, 0))
    for objective in objectives:
        G = Network(Dense(2, 8), Tanh(), Dense(8, data.width), seed=1)
        D = Network(Dense(data.width, 8), Tanh(), Dense(8, 1), seed=2)
        gan, V = GAN(G, D, objective), []
        scenes = [look(gan, lattice, 0)]
        for t in range(1, ROUNDS + 1):
            V.append(gan.step(data.sample(32, 1, t)).V)
            scenes.append(look(gan, lattice, t))
        films.append(Film(type(objective).__name__.lower(), objective, np.array(V), scenes))
    return data, lattice, films


def written(path, data, lattice, films, setting="as it was played"):
    words = [[f"{film.name} in scene {k}" for k in range(len(film.scenes))] for film in films]
    save_page(path, data, lattice, films, words, setting)
    return pages.Page(path)


@pytest.fixture(scope="module")
def plane(tmp_path_factory):
    """(page, data, lattice, films) of all objectives on the ring."""
    game = played("ring", EVERY)
    return written(tmp_path_factory.mktemp("page") / "ring.html", *game), *game


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    """The same for two games on the line."""
    game = played("two-gaussians", (NonSaturating(), Wasserstein()))
    return written(tmp_path_factory.mktemp("page") / "line.html", *game), *game


@pytest.fixture(params=["plane", "line"])
def each(request):
    return request.getfixturevalue(request.param)


def test_the_page_stands_alone_with_a_column_for_each_game_and_one_slider_for_all(each):
    page, _, _, films = each
    pages.assert_stands_alone(page)
    assert len(page.find("section", **{"class": "game"})) == len(films)
    assert page.inside["formula"] and len(set(page.inside["formula"])) == len(films)
    (slider,) = page.find("input")
    assert slider["type"] == "range" and slider["id"] == "scene"
    assert (slider["min"], slider["max"], slider["step"]) == ("0", str(ROUNDS), "1")


def test_the_games_in_the_page_are_those_that_were_played(each):
    page, data, lattice, films = each
    content = page.content
    assert content["rounds"] == list(range(ROUNDS + 1)) and content["played"] == ROUNDS and content["side"] == SIDE
    np.testing.assert_allclose([content["low"], content["high"]], [lattice.low, lattice.high], rtol=1e-6)

    def in_data(u):
        return lattice.low + u.reshape(-1, data.width) * (lattice.high - lattice.low)

    points = content["points"]
    np.testing.assert_allclose(in_data(unpacked(points)), lattice.points, atol=lattice.extent * step(points))
    for game, film, peers in zip(content["games"], films, comparable(films), strict=True):
        assert game["equilibrium"] == film.objective.equilibrium and game["block"] == 1
        V = game["V"]
        assert (V["low"], V["high"]) == pytest.approx(limits(np.concatenate([p.V for p in peers]), game["equilibrium"]))
        np.testing.assert_allclose(unpacked(V), film.V, atol=step(V))
        arrows = Arrows([scene for peer in peers for scene in peer.scenes], lattice)
        for k, scene in enumerate(film.scenes):
            D, x, dx = (unpacked(game[name], k) for name in ("D", "samples", "arrows"))
            assert len(D) == len(lattice.x)
            expected = np.clip(scene.D, game["D"]["low"], game["D"]["high"])
            np.testing.assert_allclose(D, expected, atol=step(game["D"]))
            shown = 1000 if data.width == 2 else SAMPLES
            np.testing.assert_allclose(
                in_data(x), scene.samples[:shown], atol=lattice.extent * step(game["samples"]) + 1e-6
            )
            assert len(dx) == ARROWS * data.width
            np.testing.assert_allclose(
                dx.reshape(ARROWS, -1) * lattice.extent, arrows(scene), atol=lattice.extent * step(game["arrows"])
            )


def test_a_belief_has_the_scale_from_0_to_1_and_a_critic_its_own(plane):
    page, _, _, films = plane
    for game, film, title in zip(page.content["games"], films, page.inside["title"][::2], strict=True):
        belief = type(film.objective) in (Minimax, NonSaturating, LeastSquares)
        high = 1 if belief else film.reach
        assert (game["D"]["low"], game["D"]["high"]) == pytest.approx((0 if belief else -high, high))
        assert ("D(x)" in title) == belief and ("critic" in title) == (not belief)
        assert ("probability" in title) == isinstance(film.objective, Minimax)


def test_on_the_line_stand_the_densities_and_where_d_is_a_probability_its_best_answer(line):
    page, data, lattice, films = line
    belief, critic = page.content["games"]
    p = data.density(lattice.x)
    np.testing.assert_allclose(unpacked(belief["p"]), p, atol=step(belief["p"]))
    for k, scene in enumerate(films[0].scenes):
        np.testing.assert_allclose(
            unpacked(belief["best"], k), densities(data, lattice, scene)[2], atol=step(belief["best"])
        )
    assert critic["best"] is None and critic["D"]["high"] == pytest.approx(films[1].largest)


def test_a_long_game_is_drawn_as_means_of_blocks(tmp_path, rng):
    data, lattice, (film,) = played("gaussian", [NonSaturating()])
    V = rng.uniform(-1.5, -1.2, 2501)
    page = written(tmp_path / "p.html", data, lattice, [film._replace(V=V)])
    (game,) = page.content["games"]
    assert game["block"] == 3 and "means of 3 rounds" in page.text
    expected = [V[i : i + 3].mean() for i in range(0, 2501, 3)]
    np.testing.assert_allclose(unpacked(game["V"]), expected, atol=step(game["V"]))
    assert len(expected) == 834 and "means of" not in written(tmp_path / "q.html", data, lattice, [film]).text


def test_names_and_sentences_are_text_and_not_tags(tmp_path):
    data, lattice, (film,) = played("gaussian", [NonSaturating()])
    page = written(tmp_path / "p.html", data, lattice, [film._replace(name="</script><s>")], "1 < 2 & 3")
    assert page.inside["title"][0] and not page.find("s") and len(page.find("script")) == 2
    assert "<h4>&lt;/script&gt;&lt;s&gt;</h4>" in page.text and "1 &lt; 2 &amp; 3" in page.text
    assert page.content["games"][0]["words"][0] == "before the first round; </script><s> in scene 0"


def test_an_objective_of_ones_own_has_no_formula_and_no_dashed_line_and_every_other_has_one(tmp_path):
    class Mine(NonSaturating):
        equilibrium = None

    assert list(FORMULAS) == [type(objective) for objective in EVERY]
    data, lattice, (film,) = played("gaussian", [Mine()])
    page = written(tmp_path / "p.html", data, lattice, [film])
    assert page.inside["formula"] == ["Mine()"] and page.inside["title"][1] == "V"
    assert page.content["games"][0]["equilibrium"] is None
