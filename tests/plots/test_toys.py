"""toys: the game on points, as it is drawn."""

import math

import numpy as np
import pytest
from matplotlib.image import imread
from matplotlib.text import Text
from PIL import Image, ImageSequence

from minigan import (
    GAN,
    Dense,
    FeatureMatching,
    Hinge,
    Minimax,
    Network,
    NonSaturating,
    RelativisticAverage,
    Tanh,
    Wasserstein,
    to_numpy,
    xp,
)  # fmt: skip
from minigan.data.toys import toy
from minigan.objectives import EQUILIBRIUM
from minigan.plots.figures import LINGER, limits
from minigan.plots.toys import (
    SAMPLES,
    SIDE,
    Arrows,
    Film,
    Lattice,
    Scene,
    Stage,
    densities,
    key,
    look,
)  # fmt: skip


def game(width, objective=NonSaturating()):
    """G with a hidden layer against a D that is affine, so that its gradient is known."""
    G = Network(Dense(2, 8), Tanh(), Dense(8, width), seed=1)
    D = Network(Dense(width, 1), seed=2)
    return GAN(G, D, objective)


def filmed(name, objective=NonSaturating(), rounds=1):
    """(data, lattice, film) of a short game."""
    data = toy(name)
    gan, lattice, V = game(data.width, objective), Lattice(data.sample(200, 0)), []
    scenes = [look(gan, lattice, 0)]
    for t in range(1, rounds + 1):
        V.append(gan.step(data.sample(32, 1, t)).V)
        scenes.append(look(gan, lattice, t))
    return data, lattice, Film("a game", objective, np.array(V), scenes)


@pytest.mark.parametrize("width", [1, 2])
def test_the_lattice_covers_the_data_with_a_margin(width, rng):
    points = rng.uniform(-1, 3, (500, width)).astype("float32")
    lattice = Lattice(points)
    assert lattice.x.shape == ((SIDE * 5, 1) if width == 1 else (SIDE * SIDE, 2)) and lattice.x.dtype == "float32"
    np.testing.assert_allclose(lattice.low, -1.8, atol=0.1)
    np.testing.assert_allclose(lattice.high, 3.8, atol=0.1)
    assert lattice.extent == pytest.approx(5.6, abs=0.1)
    np.testing.assert_allclose(lattice.x.min(axis=0), lattice.low, rtol=1e-6)
    np.testing.assert_allclose(lattice.x.max(axis=0), lattice.high, rtol=1e-6)


@pytest.mark.parametrize(("width", "objective"), [(1, Minimax()), (2, NonSaturating())])
def test_a_scene_is_what_the_players_say_and_leaves_them_alone(width, objective, each_backend):
    gan, data = game(width, objective), toy("gaussian" if width == 1 else "ring")
    gan.step(data.sample(16, 0))
    before = [network.theta.copy() for network in (gan.generator, gan.discriminator)], list(gan.draws)
    lattice = Lattice(to_numpy(data.sample(100, 1)))
    scene = look(gan, lattice, 7)
    assert scene.round == 7 and scene.samples.shape == scene.pull.shape == (SAMPLES, width)
    W, b = (to_numpy(a) for a in (gan.discriminator.layers[0].W, gan.discriminator.layers[0].b))

    def probability(x):
        return 1 / (1 + np.exp(-(x @ W + b)))

    strength = (1 - probability(scene.samples)) if type(objective) is NonSaturating else probability(scene.samples)
    np.testing.assert_allclose(scene.pull, strength * W.T, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(scene.D, probability(lattice.x)[:, 0], rtol=1e-4)
    again = look(gan, lattice, 7)
    assert np.array_equal(scene.samples, again.samples)
    after = [network.theta.copy() for network in (gan.generator, gan.discriminator)], list(gan.draws)
    assert after[1] == before[1] and all((a == b).all() for a, b in zip(before[0], after[0], strict=True))
    assert gan.discriminator.outputs == []


@pytest.mark.parametrize("objective", [Wasserstein(), RelativisticAverage(), FeatureMatching(0)], ids=repr)
def test_the_pull_of_every_objective_is_the_slope_of_its_loss(objective):
    """With the data of the lattice as the real samples, for the games whose G looks at them."""
    G = Network(Dense(2, 8), Tanh(), Dense(8, 2), dtype="float64", seed=1)
    D = Network(Dense(2, 6), Tanh(), Dense(6, 1), dtype="float64", seed=2)
    gan, lattice = GAN(G, D, objective), Lattice(toy("moons").sample(50, 0).astype("float64"))
    scene = look(gan, lattice, 0)

    def loss(x):
        D.forward(xp.concatenate((x, lattice.points)))
        a = D.outputs[objective.layer]
        return objective.generator(*((a[:SAMPLES], a[SAMPLES:]) if objective.sees_real else (a[:SAMPLES],)))[0]

    for i, axis in (0, 0), (3, 1), (SAMPLES - 1, 0):
        step = np.zeros((SAMPLES, 2))
        step[i, axis] = 1e-4
        slope = (loss(scene.samples + step) - loss(scene.samples - step)) / 2e-4
        np.testing.assert_allclose(scene.pull[i, axis], -SAMPLES * slope, rtol=1e-5)


def test_a_critic_of_differences_has_0_midway_between_data_and_samples_and_hinge_keeps_its_border():
    for objective in Wasserstein(), Hinge():
        gan, lattice = game(2, objective), Lattice(toy("ring").sample(300, 0))
        gan.discriminator.layers[0].b += 100
        scene = look(gan, lattice, 0)
        a, real, fake = (gan.discriminator(x) for x in (lattice.x, lattice.points, scene.samples))
        middle = 0 if type(objective) is Hinge else (real.mean() + fake.mean()) / 2
        np.testing.assert_allclose(scene.D, (a - middle)[:, 0], atol=1e-3)


@pytest.mark.slow
def test_pictures_and_films_are_written(tmp_path):
    data, lattice, film = filmed("three-gaussians", Wasserstein())
    stage = Stage(data, lattice, film)
    stage.save_picture(tmp_path / "a.png", film.scenes[-1])
    picture = imread(tmp_path / "a.png")[..., :3]
    assert picture.shape == (648, 1152, 3) and picture.std() > 0.05
    stage.save_film(tmp_path / "a.gif")
    with Image.open(tmp_path / "a.gif") as gif:
        assert (gif.n_frames, gif.size) == (2, (768, 432))
        assert [frame.info["duration"] for frame in ImageSequence.Iterator(gif)] == [160, LINGER]  # in hundredths


def texts(stage):
    """Everything that is written on the figure of the last drawing."""
    return [text.get_text() for text in stage.figure.findobj(Text)]


@pytest.mark.slow
def test_a_picture_says_how_d_is_to_be_read_and_where_v_would_rest():
    class Own(NonSaturating):
        equilibrium = None

    for name, objective, words, others in (
        ("ring", NonSaturating(), ["$-\\log 4$: D cannot tell"], ["critic"]),
        ("gaussian", Hinge(), ["-2.00: D cannot tell", "critic a(x)"], ["D = ½", "the best D"]),
        ("gaussian", Own(), [], ["cannot tell"]),
    ):
        data, lattice, film = filmed(name, objective)
        stage = Stage(data, lattice, film)
        stage.draw(film.scenes[-1])
        said = "\n".join(texts(stage))
        assert all(word in said for word in words) and not any(word in said for word in others), said


def test_arrows_compare_over_the_film_and_none_is_too_long():
    lattice = Lattice(toy("ring").sample(100, 0))
    weak = look(game(2), lattice, 0)
    weak = weak._replace(pull=np.ones_like(weak.pull))
    strong = weak._replace(pull=4 * weak.pull)
    arrows = Arrows([weak, weak, strong], lattice)
    short, long = (np.linalg.norm(arrows(scene), axis=1) for scene in (weak, strong))
    np.testing.assert_allclose(long, 0.07 * lattice.extent, rtol=1e-6)
    np.testing.assert_allclose(short, long / 4, rtol=1e-6)
    wild = weak._replace(pull=1e6 * weak.pull)
    np.testing.assert_allclose(np.linalg.norm(arrows(wild), axis=1), 0.1 * lattice.extent, rtol=1e-6)


def test_the_scale_of_a_critic_holds_for_all_scenes_and_one_wild_scene_does_not_set_it():
    scenes = [Scene(t, None, None, size * np.linspace(-1, 1, 101)) for t, size in enumerate((1, 2, -50))]
    film = Film("", Wasserstein(), np.zeros(2), scenes)
    assert film.reach == pytest.approx(2 * 0.98, abs=0.02) and film.largest == 50
    still = film._replace(scenes=[scenes[0]._replace(D=np.zeros(9))])
    assert 0 < still.reach < 1e-9 and 0 < still.largest < 1e-9


def test_densities_are_those_of_data_and_samples_and_their_best_d():
    data, lattice, film = filmed("gaussian")
    drawn = film.scenes[0]._replace(samples=to_numpy(data.sample(SAMPLES, 5)))
    p, q, best = densities(data, lattice, drawn)
    np.testing.assert_array_equal(p, data.density(lattice.x))
    assert abs(q - p).max() < 0.1 * p.max()
    seen = p > 0.1
    np.testing.assert_allclose(best[seen], 0.5, atol=0.08)
    far = drawn._replace(samples=drawn.samples - 100)
    best = densities(data, lattice, far)[2]
    assert np.array_equal(np.isnan(best), p <= 1e-3) and np.isnan(best).any() and (best[seen] == 1).all()


@pytest.mark.parametrize("shown", [7, 10])
def test_v_is_drawn_as_means_of_blocks_up_to_the_round_that_is_shown(shown, rng, monkeypatch):
    data, lattice, film = filmed("gaussian")
    V = rng.uniform(-1.5, -1.2, 10)
    monkeypatch.setattr("minigan.plots.toys.POINTS_OF_V", 4)
    stage = Stage(data, lattice, film._replace(V=V))
    stage.draw(film.scenes[0]._replace(round=shown))
    (value,) = (axes for axes in stage.figure.axes if axes.get_title().startswith("V(D, G)"))
    ends = [end for end in (3, 6, 9, 10) if end <= shown]
    assert value.get_title() == "V(D, G), means of 3 rounds" and value.get_xlim() == (0, 10)
    assert value.lines[0].get_xdata().tolist() == ends
    means = [V[0:3].mean(), V[3:6].mean(), V[6:9].mean(), V[9]]
    np.testing.assert_allclose(value.lines[0].get_ydata(), means[: len(ends)])
    assert set(value.lines[1].get_ydata()) == {EQUILIBRIUM}


@pytest.mark.parametrize("equilibrium", [None, 3.0, -3.0])
def test_the_axis_of_v_holds_the_equilibrium_but_not_every_outlier(equilibrium):
    V = np.append(np.linspace(-1.4, -1.2, 5000), [-900.0, 900.0])
    low, high = limits(V, equilibrium)
    assert -3.4 < low < -3 if equilibrium == -3 else -1.7 < low < -1.4
    assert 3 < high < 3.4 if equilibrium == 3 else -1.2 < high < -1


@pytest.mark.parametrize("scale", [0.08, 0.031, 3e-4, 1e6, np.float32(0.07)])
def test_the_arrow_that_explains_the_others_has_a_round_slope(scale):
    slope, length = key(scale)
    assert 0.03 < length <= 0.08 * (1 + 1e-6) and length == pytest.approx(slope * scale)
    digit = slope / 10 ** math.floor(math.log10(slope) + 1e-9)
    assert min(abs(digit - round_one) for round_one in (1, 2, 5)) < 1e-9
