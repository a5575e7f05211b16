"""The recipes, and what is wrong with the textbook forms of some of them."""

from dataclasses import replace

import numpy as np
import pytest

from minigan import GAN, Network
from minigan.data import Dataset, load
from minigan.layers import BatchNorm, Dense, Dropout, LeakyReLU, ReLU, Sigmoid, Tanh
from minigan.losses import bce_with_logits, sigmoid
from minigan.objectives import R1, Minimax, NonSaturating
from minigan.optimizers import SGD, Adam
from minigan.training.recipes import RECIPES
from minigan.training.training import Training

DIGITS = load("digits")


def small(name, rounds=20, **settings):
    """(recipe, data, GAN) on 200 of the small digits."""
    recipe = RECIPES[name]
    data = recipe.data(replace(DIGITS, images=DIGITS.images[:200], labels=None))
    return recipe, data, recipe.make(data, rounds, seed=3, **settings)


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] * (n == "goodfellow2014")) for n in RECIPES])
def test_a_recipe_plays_on_data_in_its_range_and_another_seed_is_another_game(name):
    recipe, data, gan = small(name)
    other = recipe.make(data, 20, seed=4)
    assert (gan.seed, other.seed) == (3, 4)
    for a, b in zip(gan.players(), other.players(), strict=True):
        assert (a[1].theta != b[1].theta).any()
    first = [network.theta[:600] for _, network, _ in gan.players()]  # of the same numbers, these would be multiples
    assert abs(np.corrcoef(first)[0, 1]) < 0.5
    training = Training(gan, data, 20)
    before = [network.theta.copy() for _, network, _ in gan.players()]
    rows = [row for row in training.rounds(1) if row]
    assert len(rows) == 1 and all(np.isfinite(value) for row in rows for value in row.values())
    assert all((old != network.theta).any() for old, (_, network, _) in zip(before, gan.players(), strict=True))
    assert data.range == recipe.range == [layer.range for layer in gan.generator.layers if layer.range][-1]
    assert recipe.name == name


def rates(rule, rounds):
    """The rates of the first step, of the one in the middle and of the last."""
    return [rule.lr if isinstance(rule.lr, float) else rule.lr(t) for t in (0, rounds // 2, rounds)]


def usual(name):
    """(data, GAN) of a recipe on images of MNIST's size, for 1,000 rounds."""
    pixels = np.random.default_rng(0).integers(0, 256, (60, 28, 28), dtype="uint8")
    recipe = RECIPES[name]
    data = recipe.data(Dataset("mnist", pixels))
    return data, recipe.make(data, 1000, seed=3)


SIGMOID, TANH = (0, 1), (-1, 1)
TABLE = {  # range, batch, rounds; the objective; Adam's three rates and beta1; the widths of G and of D
    "default": (
        TANH, 128, 18_720, NonSaturating(real=0.9), (5e-4, 3e-4, 1e-4), 0.5, (100, 256, 512, 1024), (1024, 512, 256),
    ),
    "plain": (TANH, 128, 6_000, NonSaturating(), [2e-4] * 3, 0.5, (100, 256, 512, 1024), (512, 256)),
    "textbook-a": (SIGMOID, 100, 12_000, NonSaturating(), [1e-3] * 3, 0.9, (100, 128, 128), (128, 128)),
    "textbook-b": (TANH, 100, 12_000, NonSaturating(), [1e-3] * 3, 0.9, (100, 256, 128), (128,)),
    "textbook-b-linear": (TANH, 100, 12_000, NonSaturating(), [1e-3] * 3, 0.9, (100, 256, 128), (128,)),
    "textbook-c": (SIGMOID, 128, 10_000, NonSaturating(), [1e-3] * 3, 0.9, (100, 128), (128,)),
    "textbook-d": (TANH, 128, 6_000, Minimax(), [2e-4] * 3, 0.5, (100, 256, 512, 1024), (512, 256)),
    "textbook-e": (TANH, 128, 6_000, NonSaturating(), [1e-4] * 3, 0.9, (100, 256, 512, 1024), (512, 256)),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_a_recipe_is_what_it_is(name):
    recipe, (data, gan) = RECIPES[name], usual(name)
    values, batch, rounds, objective, three, beta1, *widths = TABLE[name]
    assert (recipe.range, recipe.batch_size, recipe.rounds, recipe.images) == (values, batch, rounds, None)
    assert data.range == values and len(data) == 60
    assert repr(gan.objective) == repr(objective) and gan.penalty is None
    assert (gan.seed, gan.k, gan.noise_kind) == (3, 1, "normal")
    assert (gan.average and gan.average.decay) == (0.992 if name == "default" else None)
    for (_, network, rule), sizes in zip(gan.players(), widths, strict=True):
        assert type(rule) is Adam and (rule.beta1, rule.beta2, rule.eps) == (beta1, 0.999, 1e-8)
        assert rates(rule, 1000) == pytest.approx(three)
        dense = [layer for layer in network.layers if isinstance(layer, Dense)]
        ends = (784,) if network is gan.generator else (1,)
        starts = () if network is gan.generator else (784,)
        assert [dense[0].n_in, *(layer.n_out for layer in dense)] == [*starts, *sizes, *ends]
    between = {type(layer) for _, network, _ in gan.players() for layer in network.layers[:-1]} - {Dense}
    bent = set() if name.endswith("linear") else {ReLU} if name == "textbook-c" else {LeakyReLU}
    assert between == bent | ({BatchNorm, Dropout} if name == "default" else set())
    if name == "default":
        assert [layer.rate for layer in gan.discriminator.layers if isinstance(layer, Dropout)] == [0.3] * 3


@pytest.mark.parametrize(("rounds", "decay"), [(10, 0.9), (80, 0.9), (100, 0.92), (18_720, 1 - 8 / 18_720)])
def test_the_average_spans_the_last_eighth_but_ten_steps_at_least(rounds, decay):
    _, _, gan = small("default", rounds)
    assert gan.average.decay == pytest.approx(decay)
    assert gan.generator_optimizer.lr(rounds) == pytest.approx(1e-4)


def test_settings_that_are_given_arrive():
    _, _, gan = small("default", latent=7, lr=1e-3, lr_d=1e-4, objective=Minimax(), penalty=R1(2))
    assert gan.latent == 7 and type(gan.objective) is Minimax and gan.penalty.weight == 2
    assert gan.generator_optimizer.lr(0) == 1e-3 and gan.discriminator_optimizer.lr(0) == 1e-4
    _, _, gan = small("plain", lr=1e-3)
    assert gan.generator_optimizer.lr == gan.discriminator_optimizer.lr == 1e-3
    _, _, gan = small("plain", lr_d=1e-3)
    assert (gan.generator_optimizer.lr, gan.discriminator_optimizer.lr) == (2e-4, 1e-3)

    for name, rate in ("default", "lr"), ("default", "lr_d"), ("plain", "lr"), ("plain", "lr_d"):
        with pytest.raises(ValueError, match="the learning rate must be positive and finite, not 0"):
            small(name, **{rate: 0.0})  # it does not mean the usual one


SMOOTHED = "NonSaturating(real=0.9)"
LAID_OUT = {  # of the convolutional games: G's layers before the first convolution
    "convolutional": [
        "Dense(100, 128)", "BatchNorm(128)", "LeakyReLU(0.2)", "Dense(128, 256)", "BatchNorm(256)", "LeakyReLU(0.2)",
        "Dense(256, 96)", "BatchNorm(96)", "LeakyReLU(0.2)", "Reshape(3, 1, 32)",
    ],
    "dcgan": ["Dense(100, 96)", "Reshape(3, 1, 32)", "BatchNorm(32)", "ReLU()"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "rounds", "bend", "dropout", "objective", "three", "decay"),
    [
        ("convolutional", 23_425, "LeakyReLU(0.2)", ["Dropout(0.3)"], SMOOTHED, (2e-3, 1.1e-3, 2e-4), 0.992),
        ("dcgan", 18_740, "ReLU()", [], "NonSaturating()", (2e-4,) * 3, None),
    ],
)
@pytest.mark.parametrize("color", [(), (3,)])
def test_the_convolutional_games_are_what_they_are(name, rounds, bend, dropout, objective, three, decay, color):
    data = Dataset("mine", np.zeros((60, 12, 4, *color), "uint8"))
    recipe, c = RECIPES[name], 3 if color else 1
    gan = recipe.make(data, 1000, seed=3)
    assert (recipe.range, recipe.batch_size, recipe.rounds, repr(gan.objective)) == (TANH, 64, rounds, objective)
    assert (gan.average and gan.average.decay) == decay and gan.penalty is None
    by_two = "kernel=4, stride=2, padding=1)"
    assert [repr(layer) for layer in gan.generator.layers] == [
        *LAID_OUT[name], f"ConvTranspose2D(16, {by_two}", "BatchNorm(16)", bend, f"ConvTranspose2D({c}, {by_two}",
        "Tanh()", "Flatten()",
    ]  # fmt: skip
    bent = ["LeakyReLU(0.2)", *dropout]
    assert [repr(layer) for layer in gan.discriminator.layers] == [
        f"Reshape(12, 4, {c})", f"Conv2D(16, {by_two}", *bent, f"Conv2D(32, {by_two}", *bent, "Flatten()",
        "Dense(96, 256)", *bent, "Dense(256, 1)",
    ]  # fmt: skip
    for _, network, rule in gan.players():
        shares = 2 if name == "convolutional" and network is gan.discriminator else 1
        assert type(rule) is Adam and rule.beta1 == 0.5
        assert np.multiply(rates(rule, 1000), shares) == pytest.approx(three)
        weights = np.concatenate([W.ravel() for title, W, _ in network.parameters() if title.endswith("W")])
        assert (abs(weights.std() - 0.02) < 1e-3) == (name == "dcgan")


@pytest.mark.parametrize("rate", [{"lr": "a"}, {"lr_d": "a"}, {"lr": 0.0}, {"lr_d": 0.0}])
@pytest.mark.parametrize("name", ["convolutional", "dcgan"])
def test_a_rate_that_is_none_is_refused_by_the_convolutional_games(name, rate):
    with pytest.raises(ValueError, match=r"the learning rate must be positive and finite, not (0|'a')"):
        small(name, **rate)


def test_images_that_cannot_be_halved_twice_are_refused_by_the_convolutional_games():
    data = Dataset("mine", np.zeros((60, 12, 10), "uint8"))
    with pytest.raises(ValueError, match=r"mine: images of 12x10: .* heights and widths that 4 divides"):
        RECIPES["dcgan"].make(data, 10)


def test_small_images_get_half_the_width_and_what_a_recipe_sets_itself_is_refused():
    recipe, _, gan = small("default")
    assert [layer.n_out for layer in gan.generator.layers if isinstance(layer, Dense)] == [128, 256, 512, 64]
    assert recipe.settings({"lr": 1.0, "latent": None}) == {"lr": 1.0}
    with pytest.raises(ValueError, match="the recipe textbook-a sets its own lr: leave it out, or take another"):
        RECIPES["textbook-a"].settings({"lr": 1.0})


def test_the_game_of_2014_starts_as_it_was_published():
    data = Dataset("mnist", np.zeros((50_100, 4, 4), "uint8"), labels=np.arange(50_100) // 50_000)
    data.images[:50_000, 1] = 255
    data.images[50_000:] = 255
    recipe = RECIPES["goodfellow2014"]
    data = recipe.data(data)
    assert (
        len(data) == len(data.labels) == 50_000
        and not data.labels.any()
        and data.range == (0, 1)
        and recipe.batch_size == 100
    )
    gan = recipe.make(data, 1)
    G, D = gan.generator, gan.discriminator
    assert [repr(layer) for layer in D.layers] == [
        "Dropout(0.2)", "Dense(16, 1200)", "Maxout(1200, 240)", "Dropout(0.5)", "Dense(240, 1200)",
        "Maxout(1200, 240)", "Dropout(0.5)", "Dense(240, 1)",
    ]  # fmt: skip
    for network, r in (G, 0.05), (D, 0.005):
        weights = np.concatenate([W.ravel() for name, W, _ in network.parameters() if name.endswith("W")])
        assert 0.999 * r < abs(weights).max() <= r
    white = sigmoid(G.layers[4].b).reshape(4, 4)
    assert np.allclose(white[1], 0.999) and np.allclose(white[2:], 0.001)
    rule = gan.generator_optimizer
    assert type(rule) is SGD and type(gan.objective) is NonSaturating and gan.noise_kind == "uniform"
    for rule in gan.generator_optimizer, gan.discriminator_optimizer:
        assert rule.lr(0) == 0.1 and rule.lr(1000) == pytest.approx(0.1 / 1.000004**1000) and rule.lr(1e9) == 1e-6
        assert rule.momentum(0) == 0.5 and rule.momentum(62_500) == pytest.approx(0.6)
        assert rule.momentum(125_000) == rule.momentum(1e9) == 0.7
    assert recipe.rounds == 125_000 and gan.average is None and gan.objective.real == 1
    assert [repr(layer) for layer in G.layers] == [
        "Dense(100, 1200)", "ReLU()", "Dense(1200, 1200)", "ReLU()", "Dense(1200, 16)", "Sigmoid()",
    ]  # fmt: skip


def test_erratum_a_sigmoid_before_a_loss_on_logits_is_a_second_sigmoid():
    """Then "D" never leaves (1/2, 0.73): the loss cannot come near 0, and its derivative is not that of -log D."""
    a, ones = np.linspace(-20, 20, 41)[:, None], np.ones((41, 1))
    twice = sigmoid(sigmoid(a))
    assert twice.min() >= 0.5 and twice.max() < 0.7311
    least = min(bce_with_logits(sigmoid(a[i : i + 1]), ones[:1])[0] for i in range(41))
    assert least == pytest.approx(-np.log(0.7311), abs=1e-4) and bce_with_logits(a[-1:], ones[:1])[0] < 1e-8
    G, D = Network(Dense(2, 3), Tanh()), Network(Dense(3, 1), Sigmoid())
    with pytest.raises(ValueError, match=r"ends in Sigmoid\(\), a probability, but NonSaturating\(\) expects a number"):
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
        for _ in range(400):
            x = (rng.standard_normal((64, 2)) * 0.3 + (2, -1)).astype("float32")
            if not frozen:
                gan.discriminator_step(x)
            gan.generator_step(64)
        return np.linalg.norm(gan.sample(1000).mean(0) - (2, -1))

    assert distance(frozen=True) > 3 and distance(frozen=False) < 1


def test_erratum_one_loss_for_both_is_not_a_game_and_log_d_has_the_wrong_sign():
    """With L_G = L_D, or L_G = log D(G(z)), G would lower D(G(z)): every objective's G raises it."""
    a_real, a_fake = np.linspace(-1, 1, 5)[:, None], np.linspace(-2, 1, 5)[:, None]
    _, _, da_fake = Minimax().discriminator(a_real, a_fake)
    for objective in Minimax(), NonSaturating():
        assert (np.sign(da_fake) == -np.sign(objective.generator(a_fake)[1])).all()
    assert np.log(sigmoid(a_fake + 1e-3)).mean() > np.log(sigmoid(a_fake)).mean()
