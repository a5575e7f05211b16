"""The recipes, and what is wrong with the textbook forms of some of them."""

from dataclasses import replace

import numpy as np
import pytest

from minigan import (
    GAN,
    SGD,
    Adam,
    BatchNorm,
    Dense,
    Dropout,
    LayerNorm,
    LeakyReLU,
    Maxout,
    Minimax,
    Network,
    NonSaturating,
    ReLU,
    Sigmoid,
    Tanh,
    checkpoint,
)  # fmt: skip
from minigan.data import Dataset, load
from minigan.gradcheck import check_game
from minigan.losses import bce_with_logits, sigmoid
from minigan.recipes import RECIPES
from minigan.training import Training

DIGITS = load("digits")


def small(name, rounds=20, **settings):
    """(recipe, data, GAN) on 200 of the small digits."""
    recipe = RECIPES[name]
    data = recipe.data(replace(DIGITS, images=DIGITS.images[:200], labels=None))
    return recipe, data, recipe.make(data, rounds, seed=3, **settings)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_plays_on_data_in_its_range_and_is_described(name):
    recipe, data, gan = small(name)
    training = Training(gan, data, 20)
    before = [network.theta.copy() for _, network, _ in gan.players()]
    rows = [row for row in training.rounds(2) if row]
    assert len(rows) == 2 and all(np.isfinite(value) for row in rows for value in row.values())
    assert all((old != network.theta).any() for old, (_, network, _) in zip(before, gan.players(), strict=True))
    assert data.range == recipe.range == gan.generator.layers[-1].range
    assert recipe.name == name and len(recipe.make.__doc__) > 40


@pytest.mark.parametrize("name", ["default", "goodfellow2014"])
def test_a_stopped_game_goes_on_bit_for_bit(name, tmp_path):
    """Masks of dropout, running statistics, schedules and the average of G included; stopped within an epoch."""
    _, data, whole = small(name)
    straight = Training(whole, data, 20)
    for _ in straight.rounds(2):
        pass
    _, _, first = small(name)
    stopped = Training(first, data, 20)
    for played, _ in enumerate(stopped.rounds(2), 1):
        if played == 7:
            break
    stopped.save(tmp_path / "c.npz")
    _, _, again = small(name)
    resumed = Training(again, data, 20)
    resumed.restore(tmp_path / "c.npz")
    for _ in resumed.rounds(2):
        pass
    one, other = (checkpoint.state(gan)[0] for gan in (whole, again))
    assert one.keys() == other.keys() and any("draws" in key for key in one)
    assert [key for key in one if not np.array_equal(one[key], other[key])] == []
    assert np.array_equal(straight.samples, resumed.samples)


def test_a_checkpoint_gives_the_averaged_generator_back(tmp_path):
    _, data, gan = small("default")
    training = Training(gan, data, 20)
    for _ in training.rounds(1):
        pass
    training.save(tmp_path / "c.npz")
    network, meta = checkpoint.load_generator(tmp_path / "c.npz")
    z = gan.fixed_noise(5)
    assert np.array_equal(network(z), gan.sampler(z)) and not np.allclose(network(z), gan.generator(z))
    assert (meta["averaging"], meta["noise"], meta["k"]) == (True, "normal", 1)


@pytest.mark.parametrize("change", [{"averaging": None}, {"noise": "uniform"}, {"k": 2}])
def test_a_checkpoint_of_other_settings_is_refused(change, tmp_path):
    def game(averaging=0.99, noise="normal", k=1):
        G, D = Network(Dense(2, 4), Tanh()), Network(Dense(4, 1))
        return GAN(G, D, averaging=averaging, noise=noise, k=k)

    arrays, meta = checkpoint.state(game())
    other = game(**{"averaging": 0.99} | change)
    (name,) = change
    with pytest.raises(checkpoint.CheckpointError, match=f"its {name} is .*, but here it is {change[name] or False}"):
        checkpoint.restore(other, arrays, meta)


def test_a_sample_does_not_depend_on_its_neighbors():
    _, data, gan = small("default")
    for _ in Training(gan, data, 20).rounds(1):
        pass
    z = gan.fixed_noise(8)
    together = gan.sampler(z)
    alone = np.concatenate([gan.sampler(z[i : i + 1]) for i in range(8)])
    assert np.allclose(together, alone, atol=1e-5)
    in_training = gan.generator.forward(z, training=True).copy()
    assert np.abs(in_training - gan.generator.forward(z)).max() > 0.01


def test_settings_that_are_given_arrive():
    _, _, gan = small("default", latent=7, lr=1e-3, lr_d=1e-4, objective=Minimax())
    assert gan.latent == 7 and type(gan.objective) is Minimax
    assert gan.generator_optimizer.lr(0) == 1e-3 and gan.discriminator_optimizer.lr(0) == 1e-4
    _, _, gan = small("plain", lr=1e-3)
    assert gan.generator_optimizer.lr == gan.discriminator_optimizer.lr == 1e-3


def test_the_game_of_2014_starts_as_it_was_published():
    data = Dataset("mnist", np.zeros((60_000, 28, 28), "uint8"), labels=np.zeros(60_000, "uint8"))
    data.images[:50_000, 10] = 255
    data.images[50_000:] = 255
    recipe = RECIPES["goodfellow2014"]
    data = recipe.data(data)
    assert len(data) == len(data.labels) == 50_000 and data.range == (0, 1) and recipe.batch_size == 100
    gan = recipe.make(data, 1)
    G, D = gan.generator, gan.discriminator
    assert [repr(layer) for layer in D.layers] == [
        "Dropout(0.2)", "Dense(784, 1200)", "Maxout(1200, 240)", "Dropout(0.5)", "Dense(240, 1200)",
        "Maxout(1200, 240)", "Dropout(0.5)", "Dense(240, 1)",
    ]  # fmt: skip
    for network, r in (G, 0.05), (D, 0.005):
        weights = np.concatenate([W.ravel() for name, W, _ in network.parameters() if name.endswith("W")])
        assert 0.999 * r < abs(weights).max() <= r
    white = sigmoid(G.layers[4].b).reshape(28, 28)
    assert np.allclose(white[10], 0.999) and np.allclose(white[:10], 0.001)
    rule = gan.generator_optimizer
    assert type(rule) is SGD and type(gan.objective) is NonSaturating and gan.noise_kind == "uniform"
    assert rule.lr(0) == 0.1 and rule.lr(1000) == pytest.approx(0.1 / 1.000004**1000)
    assert gan.discriminator_optimizer.lr(0) == 0.1
    assert rule.momentum(0) == 0.5 and rule.momentum(125_000) == rule.momentum(1e9) == 0.7


@pytest.mark.parametrize("output", ["logit", "probability"])
def test_the_whole_game_of_a_recipe_passes_the_gradient_check(output, rng):
    """Through batch normalization, the masks of dropout and maxout, with D's targets smoothed."""
    G = Network(Dense(3, 6), BatchNorm(6), LeakyReLU(), Dense(6, 4), Tanh(), seed=1)
    last = [Sigmoid()] if output == "probability" else []
    D = Network(
        Dropout(0.2), Dense(4, 10), Maxout(10, 5), Dropout(0.3), Dense(5, 6), LayerNorm(6), ReLU(), Dense(6, 1),
        *last, seed=2,
    )  # fmt: skip
    gan = GAN(G, D, NonSaturating(output, real=0.9), seed=3, averaging=0.9)
    report = check_game(gan, rng.standard_normal((7, 4)), rng.standard_normal((7, 3)))
    assert report.ok and len(report.rows) > 15, report


def test_the_check_of_the_game_knows_the_smoothed_loss(rng):
    """And would notice one that is smoothed for the samples instead of the data."""

    class TwoSided(NonSaturating):
        def discriminator(self, a_real, a_fake):
            loss, da_real, da_fake = super().discriminator(a_real, a_fake)
            return loss - 0.1 * a_fake.mean(), da_real, da_fake - 0.1 / a_fake.size

    def game(objective):
        return GAN(Network(Dense(3, 4), Tanh(), seed=1), Network(Dense(4, 5), Tanh(), Dense(5, 1), seed=2), objective)

    x, z = rng.standard_normal((7, 4)), rng.standard_normal((7, 3))
    assert check_game(game(NonSaturating(real=0.9)), x, z).ok
    report = check_game(game(TwoSided(real=0.9)), x, z)
    assert next(row.name for row in report.rows if row.verdict == "FAIL") == "D da_fake"


def test_erratum_a_sigmoid_before_a_loss_on_logits_is_a_second_sigmoid():
    """Then "D" never leaves (1/2, 0.73): the loss cannot come near 0, and its derivative is not that of -log D."""
    a, ones = np.linspace(-20, 20, 41)[:, None], np.ones((41, 1))
    twice = sigmoid(sigmoid(a))
    assert twice.min() >= 0.5 and twice.max() < 0.7311
    least = min(bce_with_logits(sigmoid(a[i : i + 1]), ones[:1])[0] for i in range(41))
    assert least == pytest.approx(-np.log(0.7311), abs=1e-4) and bce_with_logits(a[-1:], ones[:1])[0] < 1e-8
    G, D = Network(Dense(2, 3), Tanh()), Network(Dense(3, 1), Sigmoid())
    with pytest.raises(ValueError, match=r"ends in a Sigmoid, but NonSaturating\(\) expects a logit and would"):
        GAN(G, D)


def test_erratum_linear_layers_in_a_row_are_one_linear_map():
    _, data, linear = small("textbook-b-linear")
    _, _, bent = small("textbook-b")
    z = linear.fixed_noise(300).astype("float64")
    for gan, off in (linear, 1e-4), (bent, None):
        a = np.arctanh(gan.generator.astype("float64")(z))
        best = z @ np.linalg.lstsq(z, a, rcond=None)[0]
        gap = np.abs(a - best).max() / np.abs(a).max()
        assert gap < off if off else gap > 0.1
    maps = [layer for layer in linear.discriminator.layers if isinstance(layer, Dense)]
    one = maps[0].W @ maps[1].W, maps[0].b @ maps[1].W + maps[1].b
    x = data.rows(slice(0, 50))
    assert np.allclose(linear.discriminator(x), x @ one[0] + one[1], atol=1e-5)


def test_erratum_a_discriminator_that_is_never_trained_teaches_nothing():
    """Against a frozen D, G moves to where that D, drawn at random, is wrong; against one that learns, to the data."""
    rng = np.random.default_rng(0)

    def distance(frozen):
        G = Network(Dense(2, 16), LeakyReLU(), Dense(16, 2), seed=1)
        D = Network(Dense(2, 32), LeakyReLU(), Dense(32, 1), seed=2)
        gan = GAN(G, D, seed=5, generator_optimizer=Adam(G, 2e-3), discriminator_optimizer=Adam(D, 2e-3))
        for _ in range(600):
            x = (rng.standard_normal((64, 2)) * 0.3 + (2, -1)).astype("float32")
            if not frozen:
                gan.discriminator_step(x)
            gan.generator_step(64)
        return np.linalg.norm(gan.sample(1000).mean(0) - (2, -1))

    assert distance(frozen=True) > 3 and distance(frozen=False) < 1


def test_erratum_one_loss_for_both_is_not_a_game():
    """With L_G = L_D, G's derivative has the opposite sign of the minimax game's: G helps D to tell them apart."""
    a_real, a_fake = np.linspace(-1, 1, 5)[:, None], np.linspace(-2, 1, 5)[:, None]
    _, _, da_fake = Minimax().discriminator(a_real, a_fake)
    for objective in Minimax(), NonSaturating():
        assert (np.sign(da_fake) == -np.sign(objective.generator(a_fake)[1])).all()


def test_erratum_g_that_minimizes_log_d_learns_to_be_caught():
    """ "G minimizes log D(G(z))" has the wrong sign: it is -log D that falls as D(G(z)) rises."""
    a = np.linspace(-3, 3, 7)[:, None]
    loss, da = NonSaturating().generator(a)
    step = 1e-3
    assert NonSaturating().generator(a - step * np.sign(da))[0] < loss  # what G does: D(G(z)) rises
    assert (da < 0).all()

    def wrong(a):
        return np.log(sigmoid(a)).mean()

    assert wrong(a + step) > wrong(a)  # to minimize it, G would lower D(G(z))
