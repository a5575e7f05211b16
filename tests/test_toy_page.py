"""toy_page: what the page of the laboratory holds, read back from its HTML. No browser is needed."""

import base64
import json
import math
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from minigan import GAN, Dense, Hinge, Minimax, Network, NonSaturating, RelativisticAverage, Tanh, Wasserstein
from minigan.data.toys import Mixture, toy
from minigan.other_objectives import LeastSquares
from minigan.toy_page import FORMULAS, SCRIPT, comparable, key, packed, save_page
from minigan.toy_plots import ARROWS, SAMPLES, SIDE, Arrows, Film, Lattice, densities, limits, look

ROUNDS = 3
EVERY = Minimax(), NonSaturating(), LeastSquares(), Wasserstein(), Hinge(), RelativisticAverage()


class Page(HTMLParser):
    """The tags of a page, [(name, attributes)], and the text inside of each element with an id or a class."""

    def __init__(self, path):
        super().__init__()
        self.text = path.read_text(encoding="utf-8")
        self.tags, self.inside, self.open = [], {}, []
        self.feed(self.text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append((tag, attributes))
        if tag not in ("meta", "input", "br"):
            label = attributes.get("id") or attributes.get("class")
            self.open.append((tag, label))
            if label:
                self.inside.setdefault(label, []).append("")

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        for label in {label for _, label in self.open} - {None}:
            self.inside[label][-1] += data

    def find(self, tag, **wanted):
        return [found for name, found in self.tags if name == tag and wanted.items() <= found.items()]

    @property
    def content(self):
        return json.loads(self.inside["film"][0])


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
    return Page(path)


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


def test_the_page_needs_no_network_and_no_other_file(each):
    page = each[0]
    assert not re.search(r"://|@import|url\(|fetch\(|import\(|XMLHttpRequest", page.text)
    assert not [
        (tag, found) for tag, found in page.tags if tag in ("link", "img", "iframe") or {"src", "href"} & found.keys()
    ]
    assert page.text.startswith("<!DOCTYPE html>") and 'charset="utf-8"' in page.text


def test_there_is_one_column_for_each_game_and_one_slider_for_all(each):
    page, _, _, films = each
    assert len(page.find("section", **{"class": "game"})) == len(films)
    assert page.inside["formula"] and len(set(page.inside["formula"])) == len(films)
    for kind in "place", "value":
        labels = [found["aria-label"] for found in page.find("canvas", **{"class": kind})]
        assert [label.split(":")[0] for label in labels] == [film.name for film in films]
    (slider,) = page.find("input")
    assert slider["type"] == "range" and slider["id"] == "scene"
    assert (slider["min"], slider["max"], slider["step"]) == ("0", str(ROUNDS), "1")
    assert len(page.find("button", id="play")) == 1


def test_the_games_in_the_page_are_those_that_were_played(each):
    page, data, lattice, films = each
    content = page.content
    assert content["rounds"] == list(range(ROUNDS + 1)) and content["played"] == ROUNDS
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
        assert len(game["shades"]) == 20 and all(re.fullmatch("#[0-9a-f]{6}", shade) for shade in game["shades"])
    belief, critic = page.content["games"][0]["shades"], page.content["games"][3]["shades"]
    assert belief != critic and page.text.count(f"to right, {belief[0]} 0% 5%") == 3
    ends = page.inside["ends"]
    assert ends[0] == "0, fake½1, real" and ends[3] == f"≤ −{films[3].reach:.2g}0≥ {films[3].reach:.2g}"  # noqa: RUF001


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
    assert "p / (p + q), the best D" in page.inside["legend"][0] and page.inside.get("shades") is None


def test_games_with_the_same_v_share_their_scales_and_no_others_do(plane):
    page, _, _, films = plane
    keys = [(tuple(game["key"]), game["V"]["low"], game["V"]["high"]) for game in page.content["games"]]
    assert keys[0] == keys[1] and len({k[1:] for k in keys}) == 5
    assert [len(peers) for peers in comparable(films)] == [2, 2, 1, 1, 1, 1]


def test_below_each_scene_stands_its_value_and_what_is_said_of_it(each):
    page, _, _, films = each
    for game, film, last in zip(page.content["games"], films, page.inside["words"], strict=True):
        first, second, *_, final = game["words"]
        assert first == f"before the first round; {film.name} in scene 0"
        rest = f" (equilibrium {film.objective.equilibrium:+.3f})"
        assert second == f"V {film.V[0]:+.3f}{rest}; {film.name} in scene 1"
        assert final == f"V {film.V.mean():+.3f}{rest}; {film.name} in scene {ROUNDS}"
        assert last == final  # what is read without JavaScript


def test_without_javascript_the_page_says_what_is_missing(each):
    (text,) = re.findall(r"<noscript>(.*?)</noscript>", each[0].text, re.DOTALL)
    assert "draws with JavaScript" in text and "how the games ended" in text


def test_the_script_asks_only_for_what_the_page_holds(each):
    page = each[0]
    assert SCRIPT in page.text
    assert set(re.findall(r'getElementById\("(\w+)"\)', SCRIPT)) <= {found.get("id") for _, found in page.tags}
    classes = {found.get("class") for _, found in page.tags}
    assert set(re.findall(r'querySelectorAll\("\.(\w+)"\)', SCRIPT)) <= classes
    content = page.content
    assert set(re.findall(r"\bfilm\.(\w+)", SCRIPT)) == content.keys()
    asked = set(re.findall(r"\bgame\.(\w+)", SCRIPT))
    assert asked - content["games"][0].keys() <= {"p", "best"}
    assert content["games"][0].keys() <= asked
    names = re.search(r"\[(.*)\]\.map\(name => style", SCRIPT)[1]
    assert all(f"--{name}:" in page.text for name in re.findall(r'"(\w+)"', names))


def test_brackets_of_the_script_are_balanced():
    code = re.sub(r'"[^"\n]*"|/\^#[^\n]*?\$/|//[^\n]*', "", SCRIPT)
    for pair in "()", "[]", "{}":
        assert code.count(pair[0]) == code.count(pair[1]), pair


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


def test_an_objective_of_ones_own_has_no_formula_and_no_dashed_line(tmp_path):
    class Mine(NonSaturating):
        equilibrium = None

    data, lattice, (film,) = played("gaussian", [Mine()])
    page = written(tmp_path / "p.html", data, lattice, [film])
    assert page.inside["formula"] == ["Mine()"] and page.inside["title"][1] == "V"
    assert page.content["games"][0]["equilibrium"] is None


def test_every_objective_of_the_scripts_has_a_formula():
    assert list(FORMULAS) == [type(objective) for objective in EVERY]


def test_the_same_games_make_the_same_page(tmp_path):
    for name in "a", "b":
        written(tmp_path / f"{name}.html", *played("ring", [Hinge()]))
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_a_page_of_three_games_and_forty_scenes_is_small(plane, tmp_path):
    _, data, lattice, films = plane
    films = [film._replace(scenes=film.scenes * 10) for film in films[:3]]
    written(tmp_path / "p.html", data, lattice, films)
    assert 1e6 < (tmp_path / "p.html").stat().st_size < 3e6


def test_packing_keeps_numbers_moves_what_is_outside_and_marks_nan():
    a = np.array([[-2.0, -1.0, 0.3], [np.nan, 3.0, 4.0]])
    series = packed([a, a[0]], -1, 3)
    assert (series["low"], series["high"], len(series["codes"])) == (-1, 3, 2)
    np.testing.assert_allclose(unpacked(series), [-1, -1, 0.3, np.nan, 3, 3], atol=step(series))
    assert unpacked(series, 1).shape == (3,)
    assert base64.b64decode(packed([[1.0]], 0, 65534)["codes"][0]) == b"\x01\x00"  # the low byte first


@pytest.mark.parametrize("scale", [0.08, 0.031, 1.0, 3e-4, 80, 1e6, np.float32(0.07)])
def test_the_arrow_that_explains_the_others_has_a_round_slope(scale):
    slope, length = key(scale)
    assert 0.03 < length <= 0.08 * (1 + 1e-6) and length == pytest.approx(slope * scale)
    digit = slope / 10 ** math.floor(math.log10(slope) + 1e-9)
    assert min(abs(digit - round_one) for round_one in (1, 2, 5)) < 1e-9


def test_three_dimensions_are_refused_in_words(tmp_path):
    ball = Mixture("ball", [[0.0, 0.0, 0.0]], 1.0)
    with pytest.raises(ValueError, match="<ball: points in 3 dimensions>: only points in one or two dimensions can be"):
        save_page(tmp_path / "p.html", ball, None, [], [], "")
    assert list(tmp_path.iterdir()) == []


def test_the_surface_of_the_plane_has_the_side_that_the_script_is_told(plane):
    content = plane[0].content
    assert content["side"] == SIDE and len(unpacked(content["games"][0]["D"])) == SIDE**2
