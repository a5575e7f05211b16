"""The game: whose theta moves when, what G learns through D, and what a round costs in memory."""

import tracemalloc

import numpy as np
import pytest

from minigan import (
    GAN,
    SGD,
    Adam,
    Dense,
    LeakyReLU,
    Minimax,
    Network,
    NonSaturating,
    ReLU,
    Sigmoid,
    Tanh,
    to_numpy,
    xp,
)
from minigan.gan import Round
from minigan.optimizers import Optimizer

pytestmark = pytest.mark.usefixtures("each_backend")

N = 6
OBJECTIVES = pytest.mark.parametrize("objective", [Minimax, NonSaturating])
OUTPUTS = pytest.mark.parametrize("output", ["logit", "probability"])


class Still(Optimizer):
    """Leaves theta where it is, so that the derivative of a step can be looked at."""

    def __init__(self, network):
        super().__init__(network, lr=1.0)

    def update(self, theta, g, s):
        pass


def players(output="logit", dtype="float32"):
    G = Network(Dense(3, 7), ReLU(), Dense(7, 4), Tanh(), seed=1, dtype=dtype)
    end = [Sigmoid()] if output == "probability" else []
    D = Network(Dense(4, 8), LeakyReLU(), Dense(8, 1), *end, seed=2, dtype=dtype)
    return G, D


def small(objective=NonSaturating, output="logit", dtype="float32", seed=0, still=False, **optimizers):
    G, D = players(output, dtype)
    if still:
        optimizers = {"generator_optimizer": Still(G), "discriminator_optimizer": Still(D)}
    return GAN(G, D, objective(output), seed=seed, **optimizers)


def real(rng, n=N, dtype="float32", width=4):
    return xp.asarray(np.tanh(rng.standard_normal((n, width)) + 1), dtype=dtype)


def next_noise(gan, n):
    """What the next step will draw, without drawing it."""
    draws = list(gan.draws)
    z = gan.noise(n)
    gan.draws[:] = draws
    return z


def plain_d(gan, x):
    """D(x) as a probability, written out."""
    y = gan.discriminator(x)
    return y if gan.objective.output == "probability" else 1 / (1 + xp.exp(-y))


def bits(*networks):
    return [vector.tobytes() for network in networks for vector in (network.theta, network.dtheta)]


# Derivatives


@OUTPUTS
@pytest.mark.parametrize(
    "objective, formula",
    [(Minimax, lambda D: xp.log(1 - D).mean()), (NonSaturating, lambda D: -xp.log(D).mean())],
    ids=["Minimax", "NonSaturating"],
)
def test_theta_g_through_d_agrees_with_central_differences(objective, formula, output, numeric, relative_error):
    gan = small(objective, output, "float64", still=True)
    z = next_noise(gan, N)
    loss, _ = gan.generator_step(N)

    def expected():
        return formula(plain_d(gan, gan.generator(z)))

    assert float(loss) == pytest.approx(float(expected()), rel=1e-12)
    for name, parameter, gradient in gan.generator.parameters():
        assert relative_error(gradient, numeric(expected, parameter)) <= 1e-6, name


@OUTPUTS
@OBJECTIVES
def test_theta_d_of_minus_v_agrees_with_central_differences(objective, output, rng, numeric, relative_error):
    gan = small(objective, output, "float64", still=True)
    x, fake = real(rng, dtype="float64"), gan.generator(next_noise(gan, N))
    loss, *_ = gan.discriminator_step(x)

    def minus_v():
        return -xp.log(plain_d(gan, x)).mean() - xp.log(1 - plain_d(gan, fake)).mean()

    assert float(loss) == pytest.approx(float(minus_v()), rel=1e-12)
    for name, parameter, gradient in gan.discriminator.parameters():
        assert relative_error(gradient, numeric(minus_v, parameter)) <= 1e-6, name


def test_g_learns_through_d_as_it_is_after_its_update(rng, numeric, relative_error):
    """With a D that jumps in its step, the derivative through the old D would be far off."""
    G, D = players(dtype="float64")
    gan = GAN(G, D, generator_optimizer=Still(G), discriminator_optimizer=SGD(D, lr=1.0))
    x = real(rng, dtype="float64")
    gan.noise(N)
    z = next_noise(gan, N)  # the second draw, on which G will learn
    gan.draws[:] = small().draws
    before = plain_d(gan, G(z)).mean()
    seen = gan.step(x)
    after = plain_d(gan, G(z)).mean()
    assert abs(before - after) > 0.05
    assert float(seen.d_fake_after) == pytest.approx(float(after), rel=1e-12)

    def loss():
        return -xp.log(plain_d(gan, G(z))).mean()

    for name, parameter, gradient in G.parameters():
        assert relative_error(gradient, numeric(loss, parameter)) <= 1e-6, name


# Who moves


@OUTPUTS
@OBJECTIVES
def test_a_step_of_d_leaves_g_bit_identical_and_moves_every_parameter_of_d(objective, output, rng):
    gan = small(objective, output)
    gan.step(real(rng))  # so that the derivatives are not all zero
    kept, theta = bits(gan.generator), gan.discriminator.theta.copy()
    gan.discriminator_step(real(rng))
    assert bits(gan.generator) == kept
    assert (gan.discriminator.theta != theta).mean() > 0.9


@OUTPUTS
@OBJECTIVES
def test_a_step_of_g_leaves_d_bit_identical_and_moves_every_parameter_of_g(objective, output, rng):
    gan = small(objective, output)
    gan.step(real(rng))
    kept, theta = bits(gan.discriminator), gan.generator.theta.copy()
    gan.generator_step(N)
    assert bits(gan.discriminator) == kept
    assert (gan.generator.theta != theta).mean() > 0.9


@OUTPUTS
@OBJECTIVES
def test_over_a_round_each_parameter_of_both_moves(objective, output, rng):
    gan = small(objective, output)
    parameters = [*gan.generator.parameters(), *gan.discriminator.parameters()]
    before = [parameter.copy() for _, parameter, _ in parameters]
    gan.step(real(rng))
    assert [(parameter != kept).any() for (_, parameter, _), kept in zip(parameters, before, strict=True)] == [True] * 8


def test_the_real_batch_is_not_written(rng):
    x = real(rng)
    kept = x.copy()
    gan = small()
    gan.step(x)
    assert (x == kept).all()


def test_each_player_has_its_own_adam_unless_given():
    gan = small()
    assert [type(o) for o in (gan.generator_optimizer, gan.discriminator_optimizer)] == [Adam, Adam]
    assert (gan.generator_optimizer.lr, gan.generator_optimizer.beta1) == (2e-4, 0.5)
    assert gan.generator_optimizer.network is gan.generator
    assert gan.discriminator_optimizer.network is gan.discriminator


# Noise and repetition


def test_every_step_draws_fresh_noise(monkeypatch, rng):
    gan, seen = small(), []
    forward = gan.generator.forward
    monkeypatch.setattr(gan.generator, "forward", lambda z, training: seen.append(z.copy()) or forward(z, training))
    for _ in range(3):
        gan.step(real(rng))
    assert len(seen) == 6 and len({float(z[0, 0]) for z in seen}) == 6


def test_noise_is_standard_normal_in_the_precision_of_g():
    gan = small()
    z = to_numpy(gan.noise(20_000))
    assert z.shape == (20_000, 3) and z.dtype == "float32"
    assert abs(z.mean()) < 0.02 and abs(z.std() - 1) < 0.02
    assert gan.latent == 3


def test_the_noise_of_a_draw_depends_on_seed_and_number_alone():
    one, other = small(seed=5), small(seed=5)
    one.noise(100)
    other.noise(1)
    assert (one.noise(4) == other.noise(4)).all()
    assert not (small(seed=5).noise(4) == small(seed=6).noise(4)).any()


def test_the_noise_is_not_what_the_weights_were_drawn_from():
    """The same seed for network and game must not make the first noise the first weights."""
    G, D = players()
    gan = GAN(G, D, seed=1)  # G has seed 1 too
    weights = to_numpy(G.layers[0].W).ravel() / (2 / 3) ** 0.5
    assert not any(np.isclose(to_numpy(gan.noise(7)), weights.reshape(7, 3)).any() for _ in range(3))
    assert not np.isclose(to_numpy(gan.fixed_noise(7)), weights.reshape(7, 3)).any()


def run(seed, sampling=False, rounds=5):
    gan, data = small(seed=seed), np.random.default_rng(0)
    seen = []
    for _ in range(rounds):
        seen.append(xp.stack(gan.step(real(data))).tobytes())
        if sampling:
            gan.sample(N)
            gan.fixed_noise(N)
    return [*seen, *bits(gan.generator, gan.discriminator)]


def test_the_same_seed_gives_the_same_bits_twice():
    assert run(seed=3) == run(seed=3)


def test_another_seed_gives_another_game():
    assert run(seed=3)[-1] != run(seed=4)[-1]


def test_drawing_samples_does_not_disturb_training():
    assert run(seed=3, sampling=True) == run(seed=3)


def test_no_global_generator_is_touched(rng):
    before = np.random.get_state()[1].tobytes()
    run(seed=3)
    assert np.random.get_state()[1].tobytes() == before


# What a round reports, and sampling


@OUTPUTS
def test_a_round_reports_means_of_this_batch(output, rng):
    gan = small(Minimax, output)
    x, z = real(rng), next_noise(gan, N)
    d_real, d_fake = (to_numpy(plain_d(gan, a)) for a in (x, gan.generator(z)))
    seen = Round(*map(float, gan.step(x)))
    assert seen.d_real == pytest.approx(d_real.mean(), rel=1e-5)
    assert seen.d_fake == pytest.approx(d_fake.mean(), rel=1e-5)
    assert seen.V == -seen.loss_d == pytest.approx(np.log(d_real).mean() + np.log(1 - d_fake).mean(), rel=1e-5)
    assert seen.loss_d == pytest.approx(-np.log(d_real).mean() - np.log(1 - d_fake).mean(), rel=1e-5)
    assert seen.accuracy == pytest.approx(((d_real > 0.5).mean() + (d_fake < 0.5).mean()) / 2)
    assert seen.loss_g < 0 and 0 < seen.d_fake_after < 1


def test_the_fields_of_a_round_are_scalars_in_float32(rng):
    assert [(a.shape, a.dtype) for a in small().step(real(rng))] == [((), "float32")] * 7


def test_samples_are_a_fresh_array_and_new_at_each_call():
    gan = small()
    first = gan.sample(5)
    kept = first.copy()
    assert not (gan.sample(5) == first).any()
    assert (first == kept).all()


def test_fixed_noise_is_the_same_whenever_asked_for(rng):
    gan = small()
    first = gan.fixed_noise(5)
    gan.step(real(rng))
    assert (gan.fixed_noise(5) == first).all()


# Precision and memory


def arrays(thing, path, seen):
    """(path, array) for every array that can be reached from a thing."""
    if id(thing) in seen:
        return
    seen[id(thing)] = thing
    if isinstance(thing, xp.ndarray):
        yield path, thing
    elif isinstance(thing, dict):
        for key, value in thing.items():
            yield from arrays(value, f"{path}.{key}", seen)
    elif isinstance(thing, list | tuple):
        for i, value in enumerate(thing):
            yield from arrays(value, f"{path}[{i}]", seen)
    elif type(thing).__module__.startswith(("minigan", "test_")):
        yield from arrays(vars(thing), path, seen)


@OUTPUTS
@OBJECTIVES
def test_after_rounds_in_float32_every_array_is_float32_or_a_mask(objective, output, rng):
    gan = small(objective, output)
    seen = [gan.step(real(rng)) for _ in range(2)]
    found = dict(arrays([gan, seen], "gan", {}))
    names = " ".join(found)
    for expected in ("dtheta", "gan[0].batch", "_optimizer.m", "_scratch.dx", "_scratch.positive", "layers[0].dW"):
        assert expected in names, f"the walk does not reach {expected}"
    assert [path for path, a in found.items() if a.dtype != "float32" and not path.endswith("positive")] == []
    assert [path for path, a in found.items() if path.endswith("positive") and a.dtype != bool] == []


def reference(output="logit"):
    """The networks of design.md, section 5."""
    G = Network(Dense(100, 256), LeakyReLU(), Dense(256, 512), LeakyReLU(), Dense(512, 1024), LeakyReLU(),
                Dense(1024, 784), Tanh(), seed=1)  # fmt: skip
    end = [Sigmoid()] if output == "probability" else []
    D = Network(Dense(784, 512), LeakyReLU(), Dense(512, 256), LeakyReLU(), Dense(256, 1), *end, seed=2)
    return GAN(G, D, NonSaturating(output))


@OUTPUTS
def test_in_steady_state_a_round_allocates_no_large_array(output, rng):
    """What remains at batch 128 is the noise, 128 x 100 float32 = 51 KB, and columns of D's outputs.

    The smallest hidden layer's output, 128 x 256 float32, is 131 KB: not one such array fits under the bound.
    """
    gan, x = reference(output), real(rng, 128, width=784)
    for _ in range(3):
        gan.step(x)
    tracemalloc.start()
    try:
        gan.step(x)
        gan.step(x)  # what the first one kept belongs to the steady state, too
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        gan.step(x)
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    print(f"\npeak over a round: {(peak - before) / 1e3:.0f} KB, kept {(after - before) / 1e3:.1f} KB ({output})")
    assert peak - before < 100e3
    assert after - before < 2e3


# Players that do not fit


def shared():
    relu = ReLU()
    G, D = Network(Dense(3, 4), relu), Network(relu, Dense(4, 1))
    return GAN(G, D)


def game(G=None, D=None, objective=NonSaturating(), **kwargs):
    default_g, default_d = players()
    return GAN(G or default_g, D or default_d, objective, **kwargs)


def same():
    network = Network(Dense(1, 1))
    return GAN(network, network)


@pytest.mark.parametrize(
    "build, words",
    [
        (lambda: game(D=Network(Dense(5, 1))), "the generator gives 4 values, but the discriminator takes 5"),
        (
            lambda: game(D=players(dtype="float64")[1]),
            "the generator is float32, but the discriminator is float64: both need one dtype",
        ),
        (lambda: game(G=Network(Tanh())), "the generator, .*, has no parameters to learn: it needs a Dense layer"),
        (lambda: game(D=Network(Dense(4, 2))), "the discriminator gives 2 values for each sample: it must give one"),
        (
            lambda: game(D=players("probability")[1]),
            r"ends in a Sigmoid, but NonSaturating\(\) expects a logit .*: drop the last layer, "
            r'or use NonSaturating\(output="probability"\)',
        ),
        (
            lambda: game(objective=Minimax("probability")),
            r"Minimax\('probability'\) expects a probability, but the discriminator does not end in a Sigmoid: "
            r"add Sigmoid\(\) as its last layer, or use Minimax\(\)",
        ),
        (
            lambda: game(generator_optimizer=Adam(players()[0])),
            "generator_optimizer was made for another network than the generator",
        ),
        (
            lambda: game(discriminator_optimizer=Adam(players()[1])),
            "discriminator_optimizer was made for another network than the discriminator",
        ),
        (shared, "generator and discriminator share layers"),
        (same, "generator and discriminator share layers"),
    ],
)
def test_players_that_do_not_fit_are_refused_in_words(build, words):
    with pytest.raises(ValueError, match=words):
        build()


@pytest.mark.parametrize(
    "x, error",
    [
        (np.ones((N, 1), "float32"), ValueError),
        (np.ones(4, "float32"), ValueError),
        (np.ones((N, 2, 2), "float32"), ValueError),
        (np.ones((N, 5), "float32"), ValueError),
        (np.ones((0, 4), "float32"), ValueError),
        (np.ones((N, 4), "float64"), TypeError),
        (np.ones((N, 4), "uint8"), TypeError),
    ],
    ids=lambda value: f"{value.dtype}{value.shape}" if isinstance(value, np.ndarray) else "",
)
def test_a_real_batch_that_does_not_fit_is_refused_and_never_broadcast(x, error):
    with pytest.raises(error, match=f"x (has shape|is {x.dtype})"):
        small().step(xp.asarray(x))


# The networks of the textbooks


TEXTBOOKS = {
    "784-128-1 on a logit": lambda: (
        Network(Dense(100, 256), ReLU(), Dense(256, 128), ReLU(), Dense(128, 784), Tanh(), seed=1),
        Network(Dense(784, 128), ReLU(), Dense(128, 1), seed=2),
        NonSaturating(),
    ),
    "image-128-128-1 with a Sigmoid": lambda: (
        Network(Dense(100, 128), ReLU(), Dense(128, 128), ReLU(), Dense(128, 784), Sigmoid(), seed=1),
        Network(Dense(784, 128), ReLU(), Dense(128, 128), ReLU(), Dense(128, 1), Sigmoid(), seed=2),
        NonSaturating("probability"),
    ),
}


def textbook(name, rng):
    """The game, one image in the range of G, and a function that draws noisy copies of it, the real samples."""
    G, D, objective = TEXTBOOKS[name]()
    low, high = G.layers[-1].range
    image = rng.uniform(low, high, 784)
    return (
        GAN(G, D, objective),
        image,
        lambda: xp.asarray(np.clip(image + rng.normal(0, 0.1, (32, 784)), low, high), dtype="float32"),
    )


@pytest.mark.parametrize("name", TEXTBOOKS)
def test_in_the_textbook_networks_each_player_learns_against_one_that_stands_still(name, rng):
    gan, _, x = textbook(name, rng)
    d_losses = [gan.discriminator_step(x())[0] for _ in range(40)]
    assert d_losses[-1] < 0.5 * d_losses[0]
    g_losses = [gan.generator_step(32)[0] for _ in range(40)]
    assert g_losses[-1] < 0.5 * g_losses[0]


@pytest.mark.parametrize("name", TEXTBOOKS)
def test_the_textbook_networks_train_toward_the_data(name, rng):
    gan, image, x = textbook(name, rng)

    def distance():
        return np.abs(to_numpy(gan.sample(100)).mean(axis=0) - image).mean()

    before = distance()
    rounds = [gan.step(x()) for _ in range(300)]
    assert all(xp.isfinite(number) for seen in rounds for number in seen)
    assert distance() < 0.8 * before
