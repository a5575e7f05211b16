"""toy_plots: the game on points, as it is drawn."""

import numpy as np
import pytest
from matplotlib.image import imread
from PIL import Image

from minigan import GAN, Dense, Minimax, Network, NonSaturating, Tanh, to_numpy
from minigan.data.toys import Mixture, toy
from minigan.toy_plots import SAMPLES, SIDE, Lattice, Stage, look


def game(width, objective=NonSaturating()):
    """G with a hidden layer against a D that is affine, so that its gradient is known."""
    G = Network(Dense(2, 8), Tanh(), Dense(8, width), seed=1)
    D = Network(Dense(width, 1), seed=2)
    return GAN(G, D, objective)


@pytest.mark.parametrize("width", [1, 2])
def test_the_lattice_covers_the_data_with_a_margin(width, rng):
    points = rng.uniform(-1, 3, (500, width)).astype("float32")
    lattice = Lattice(points)
    assert lattice.x.shape == ((SIDE * 5, 1) if width == 1 else (SIDE * SIDE, 2)) and lattice.x.dtype == "float32"
    np.testing.assert_allclose(lattice.low, -1.8, atol=0.1)
    np.testing.assert_allclose(lattice.high, 3.8, atol=0.1)
    np.testing.assert_allclose(lattice.x.min(axis=0), lattice.low, rtol=1e-6)
    np.testing.assert_allclose(lattice.x.max(axis=0), lattice.high, rtol=1e-6)


@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("objective", [NonSaturating(), Minimax()])
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
    np.testing.assert_allclose(scene.belief, probability(lattice.x)[:, 0], rtol=1e-4)
    again = look(gan, lattice, 7)
    assert np.array_equal(scene.samples, again.samples)
    after = [network.theta.copy() for network in (gan.generator, gan.discriminator)], list(gan.draws)
    assert after[1] == before[1] and all((a == b).all() for a, b in zip(before[0], after[0], strict=True))


@pytest.mark.parametrize("name", ["ring", "three-gaussians"])
def test_pictures_and_films_are_written(name, tmp_path):
    data = toy(name)
    gan, points = game(data.width), data.sample(200, 0)
    lattice, V = Lattice(points), []
    scenes = [look(gan, lattice, 0)]
    for t in range(1, 2):
        V.append(gan.step(data.sample(32, 1, t)).V)
        scenes.append(look(gan, lattice, t))
    stage = Stage(data, points, lattice, np.array(V), scenes)
    stage.save_picture(tmp_path / "a.png", scenes[-1])
    picture = imread(tmp_path / "a.png")[..., :3]
    assert picture.shape == (648, 1152, 3) and picture.std() > 0.05
    stage.save_film(tmp_path / "a.gif", scenes)
    with Image.open(tmp_path / "a.gif") as film:
        assert (film.n_frames, film.size) == (2, (768, 432))


def test_arrows_compare_over_the_film_and_none_is_too_long():
    gan, data = game(2), toy("ring")
    lattice = Lattice(data.sample(100, 0))
    weak = look(gan, lattice, 0)
    weak = weak._replace(pull=np.ones_like(weak.pull))
    strong = weak._replace(pull=4 * weak.pull)
    stage = Stage(data, data.sample(10, 0), lattice, np.zeros(1), [weak, weak, strong])
    extent = (lattice.high - lattice.low).max()
    short, long = (np.linalg.norm(stage._arrows(scene)[1], axis=1) for scene in (weak, strong))
    np.testing.assert_allclose(long, 0.07 * extent, rtol=1e-6)
    np.testing.assert_allclose(short, long / 4, rtol=1e-6)
    wild = weak._replace(pull=1e6 * weak.pull)
    np.testing.assert_allclose(np.linalg.norm(stage._arrows(wild)[1], axis=1), 0.1 * extent, rtol=1e-6)


def test_three_dimensions_are_refused_in_words():
    data = Mixture("ball", [[0.0, 0.0, 0.0]], 1.0)
    with pytest.raises(ValueError, match="<ball: points in 3 dimensions>: only points in one or two dimensions can be"):
        Stage(data, None, None, None, [])
