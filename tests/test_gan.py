"""The game: whose theta moves when, what G learns through D, and what a round costs in memory."""

import copy
import pickle
import tracemalloc

import numpy as np
import pytest

import minigan as m
from minigan.data import load
from minigan.optimizers import Linear
from minigan.training.recipes import RECIPES

N = 6


def players(dtype="float32"):
    G = m.Network(m.Dense(3, 7), m.ReLU(), m.Dense(7, 4), m.Tanh(), seed=1, dtype=dtype)
    return G, m.Network(m.Dense(4, 8), m.LeakyReLU(), m.Dense(8, 1), seed=2, dtype=dtype)


def real(rng, n=N, width=4):
    return m.xp.asarray(np.tanh(rng.standard_normal((n, width)) + 1), dtype="float32")


def bits(*networks):
    return [vector.tobytes() for network in networks for vector in (network.theta, network.dtheta)]


def held(thing):
    """The arrays that a thing holds, its scratch arrays among them."""
    values = vars(thing).values()
    inner = (a for value in values if isinstance(value, dict) for a in value.values())
    return [a for a in (*values, *inner) if isinstance(a, m.xp.ndarray)]


@pytest.mark.usefixtures("each_backend")
def test_after_rounds_in_float32_every_array_is_float32_or_a_mask(rng):
    gan = game()
    for _ in range(2):
        gan.step(real(rng))
    things = [a for _, network, optimizer in gan.players() for a in (network, optimizer, *network.leaves())]
    found = [a.dtype.name for thing in things for a in held(thing)]
    assert set(found) == {"float32", "bool"} and len(found) > 30


def reference():
    G = m.Network(m.Dense(100, 256), m.LeakyReLU(), m.Dense(256, 512), m.LeakyReLU(), m.Dense(512, 1024), m.LeakyReLU(),
                m.Dense(1024, 784), m.Tanh(), seed=1)  # fmt: skip
    D = m.Network(m.Dense(784, 512), m.LeakyReLU(), m.Dense(512, 256), m.LeakyReLU(), m.Dense(256, 1), seed=2)
    return m.GAN(G, D)


def test_in_steady_state_a_round_allocates_no_large_array(rng):
    """What remains at batch 128 is the noise, 128 x 100 float32 = 51 KB, and columns of D's outputs.

    The smallest hidden layer's output, 128 x 256 float32, is 131 KB: not one such array fits under the bound.
    """
    gan, x = reference(), real(rng, 128, width=784)
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
    assert peak - before < 100e3
    assert after - before < 2e3


@pytest.mark.parametrize("objective", [m.RelativisticAverage(), m.FeatureMatching(1)], ids=repr)
def test_real_samples_of_this_step_are_an_argument_where_g_compares_with_them(objective, rng):
    """With none, other ones than fakes or of another kind, nothing has moved when the error is raised."""
    gan, x = m.GAN(*players(), objective), real(rng, 4)
    gan.discriminator_step(x)
    kept = [*bits(gan.generator, gan.discriminator), list(gan.draws)]
    for n, given, error, words in [
        (8, x, ValueError, r"8 fakes with 8 real samples, and 4 were given: generator_step\(8, real=x\)"),
        (8, None, ValueError, r"8 fakes with 8 real samples, and none were given: generator_step\(8, real=x\)"),
        (4, real(rng, 4, width=1), ValueError, r"x has shape \(4, 1\)"),
        (4, [[0.0] * 4] * 4, TypeError, "x is a list"),
    ]:
        with pytest.raises(error, match=words):
            gan.generator_step(n, given)
    assert [*bits(gan.generator, gan.discriminator), list(gan.draws)] == kept
    gan.generator_step(4, real=x)
    assert bits(gan.generator) != kept[:2] and bits(gan.discriminator) == kept[2:4]


@pytest.mark.usefixtures("each_backend")
@pytest.mark.parametrize("twin", [copy.deepcopy, lambda a: pickle.loads(pickle.dumps(a))], ids=["deepcopy", "pickle"])
def test_a_copy_in_mid_training_goes_on_to_the_same_bits(twin, rng):
    G = m.Network(m.Dense(3, 6), m.BatchNorm(6), m.Network(m.ReLU(), m.Dense(6, 4)), m.Tanh(), seed=1)
    D = m.Network(m.InstanceNoise(0.1), m.Pack(2, 4), m.SpectralNorm(8, 5), m.Dropout(0.3), m.Dense(5, 1), seed=2)
    gan = m.GAN(G, D, m.RelativisticAverage(), 3, m.Adam(G, Linear(1e-3, 1e-4, 5)), k=2, penalty=m.R1(1.0),
              average=m.ExponentialMovingAverage(G, 0.9))  # fmt: skip
    gan.step(real(rng, 12))
    kept = bits(G, D)
    other = twin(twin(gan))
    for _ in range(2):
        gan_saw, other_saw = (game.step(x) for x in [real(rng, 12)] for game in (gan, other))
        assert [float(a) for a in gan_saw] == [float(a) for a in other_saw]
    assert bits(G, D, gan.sampler) == bits(other.generator, other.discriminator, other.sampler) != [*kept, ...]
    assert other.generator_optimizer.network is other.generator is other.average.source is not G
    assert (gan.sample(3) == other.sample(3)).all()


@pytest.mark.parametrize("name", RECIPES)
def test_the_game_of_every_recipe_can_be_copied_and_pickled(name):
    data = RECIPES[name].data(load("digits"))
    gan = RECIPES[name].make(data, 100, 3)
    others = pickle.loads(pickle.dumps(gan)), pickle.loads(pickle.dumps(copy.deepcopy(gan)))
    z = gan.fixed_noise(2)
    assert all((other.generator(z) == gan.generator(z)).all() and repr(other) == repr(gan) for other in others)


def game(G=None, D=None, objective=m.NonSaturating(), **kwargs):
    default_g, default_d = players()
    return m.GAN(G or default_g, D or default_d, objective, **kwargs)


def itself():
    network = m.Network(m.Dense(1, 1))
    return m.GAN(network, network)


def part_of_it():
    inner = m.Network(m.Dense(1, 1))
    return m.GAN(m.Network(inner, m.Tanh()), inner)


@pytest.mark.parametrize("build, words", [
    (lambda: game("text"), "generator='text': expected a Network"),
    (lambda: game(D=m.Dense(4, 1)), r"discriminator=Dense\(4, 1\): expected a Network"),
    (lambda: game(objective=m.Minimax), "objective=<class .*>: expected an Objective, NonSaturating"),
    (lambda: game(generator_optimizer=m.Adam), "generator_optimizer=<class .*>: expected an Optimizer"),
    (lambda: game(D=m.Network(m.Dense(5, 1))), "the generator gives 4 values, but the discriminator takes 5"),
    (lambda: game(D=players(dtype="float64")[1]), "the generator is float32, but the discriminator is float64: both"),
    (lambda: game(G=m.Network(m.Tanh())), "the generator, .*, has no parameters to learn, or takes samples of any"),
    (lambda: game(G=m.Network(m.Dense(3, 4), shape=(None, 3))), "the generator, .*, or takes samples of any size"),
    (lambda: game(G=m.Network(m.Pack(2, 3), m.Dense(6, 4))), "the generator makes one sample of 2 points: a Pack"),
    (lambda: game(D=m.Network(m.Dense(4, 2))), "the discriminator gives width 2 for each sample: it must give one"),
    (lambda: game(D=m.Network(m.Pack(2, 4), m.Dense(8, 2))), "the discriminator gives width 2"),
    (lambda: game(generator_optimizer=m.Adam(players()[0])), "generator_optimizer was made for another network than"),
    (lambda: game(discriminator_optimizer=m.Adam(players()[1])), "discriminator_optimizer was made for another"),
    (lambda: game(average=m.ExponentialMovingAverage(players()[0], 0.9)), "average=.*: expected an Expo.* own gen"),
    (lambda: game(average=0.0), "average=0.0: expected an ExponentialMovingAverage of the GAN's own generator"),
    (lambda: game(k=0), "k=0: D takes a whole number of steps for each of G's: k must be a whole number of at least 1"),
    (lambda: game(noise="cauchy"), "noise='cauchy': expected one of 'normal', 'uniform'"),
    (lambda: game(seed=-1), "seed=-1 must be a whole number of at least 0"),
    (lambda: game().sample(0), "n=0: the number of samples must be a whole number of at least 1"),
    (lambda: game().generator_step("6"), "n='6': the number of samples must be a whole number of at least 1"),
    (lambda: game(objective=m.Minimax("probability")), r"Minimax\('probability'\) expects a probability, .* add Sig"),
    (itself, "generator and discriminator share layers"),
    (part_of_it, "generator and discriminator share layers"),
])  # fmt: skip
def test_players_that_do_not_fit_are_refused_in_words(build, words):
    with pytest.raises((TypeError, ValueError), match=words):
        build()


BOUNDED = [m.LeastSquares(), m.Wasserstein(), m.Hinge(), m.RelativisticAverage(), m.FeatureMatching(0)]


@pytest.mark.parametrize("objective", [m.Minimax(), m.NonSaturating(real=0.9), *BOUNDED], ids=repr)
@pytest.mark.parametrize("end", [lambda: (m.Sigmoid(),), lambda: (m.Network(m.Tanh(), m.Dense(1, 1), m.Sigmoid()),)])
def test_the_advice_for_a_d_that_ends_in_a_sigmoid_works(objective, end):
    """Also where the Sigmoid ends a network within D."""
    D, name = m.Network(m.Dense(4, 1), *end()), type(objective).__name__
    with pytest.raises(ValueError, match=r"ends in .*, a probability, but .* expects a number without bounds") as error:
        game(D=D, objective=objective)
    or_else = "" if objective in BOUNDED else f', or use {name}(output="probability")'
    assert str(error.value).endswith(f": drop the last layer{or_else}")
    assert or_else == "" or game(D=D, objective=type(objective)(output="probability"))


@pytest.mark.parametrize("x, error, words", [
    (np.ones((N, 1), "float32"), ValueError, "x has shape"),
    (np.ones((0, 4), "float32"), ValueError, "x has shape"),
    (np.array(1, "float32"), ValueError, "x has shape"),
    (np.ones((N, 4), "float64"), TypeError, "x is float64"),
    ([[1.0] * 4], TypeError, "x is a list, but this network takes an array"),
], ids=str)  # fmt: skip
def test_a_real_batch_that_does_not_fit_is_refused_and_never_broadcast(x, error, words):
    for call in game().step, game().discriminator_step:
        with pytest.raises(error, match=words):
            call(x)
