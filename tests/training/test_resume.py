"""What a resume puts back: a game of every kind, cut within an epoch, goes on as if it had never been."""

import copy
import pickle
from pathlib import Path

import numpy as np
import pytest

from minigan import GAN, BatchNorm, Dense, Dropout, InstanceNoise, LayerNorm, LeakyReLU, Maxout, Network, Pack
from minigan.backend import to_numpy
from minigan.data import Dataset
from minigan.data.dataset import parts
from minigan.layers import Condition, SpectralNorm, Tanh
from minigan.objectives import (
    R1,
    R2,
    FeatureMatching,
    GradientPenalty,
    Hinge,
    LeastSquares,
    Minimax,
    NonSaturating,
    RelativisticAverage,
    Wasserstein,
)
from minigan.objectives import OneSidedGradientPenalty as OneSided
from minigan.optimizers import SGD, Adam, Cosine, Exponential, ExponentialMovingAverage, Linear
from minigan.training.checkpoint import load_generator
from minigan.training.guard import NotFiniteError
from minigan.training.training import Training

OLD = Path(__file__).parent / "data"
PIXELS = (np.arange(70 * 16) * 37 % 256).astype("uint8").reshape(70, 4, 4)


def game(*first, objective=None, middle=(), rules=None, decay=None, dense=Dense, width=16, dtype="float32", **settings):
    G = Network(Dense(5, 12), LeakyReLU(), Dense(12, 16), Tanh(), seed=3, dtype=dtype)
    D = Network(*first, dense(width, 12), *middle, LeakyReLU(), dense(12, 1), seed=4, dtype=dtype)
    average = ExponentialMovingAverage(G, decay) if decay else None
    return GAN(G, D, objective or NonSaturating(), 7, *(rules(G, D) if rules else ()), average=average, **settings)


def momentum(G, D):
    return SGD(G, Exponential(0.1, 0.9, least=0.01), Linear(0.5, 0.9, 6)), SGD(D, Cosine(0.1, 0.01, 6), 0.5)


def falling(G, D):
    return Adam(G, Linear(3e-3, 1e-4, 7)), Adam(D, Exponential(1e-3, 0.8), beta1=0.9)


def normalized():
    G = Network(Dense(5, 12), BatchNorm(12), LeakyReLU(), Dense(12, 16), Tanh(), seed=3)
    D = Network(Network(Dense(16, 12), LayerNorm(12)), Maxout(12, 6), Dense(6, 1), seed=4)
    return GAN(G, D, seed=2**40, average=ExponentialMovingAverage(G, 0.8))


def conditional():
    G = Network(Condition(3), Dense(8, 12), BatchNorm(12), LeakyReLU(), Dense(12, 16), Tanh(), seed=3, shape=(5,))
    D = Network(Condition(3), Pack(2), Dense(38, 12), LeakyReLU(), Dense(12, 1), seed=4, shape=(16,))
    return GAN(G, D, seed=7, k=2, average=ExponentialMovingAverage(G, 0.8), penalty=R2(1.0))


GAMES = {
    "minimax": lambda: game(objective=Minimax()),
    "smoothed, both rates fall": lambda: game(objective=NonSaturating(real=0.9), rules=falling),
    "least squares, momentum": lambda: game(objective=LeastSquares(), rules=momentum, noise="uniform"),
    "clipped, k = 2": lambda: game(objective=Wasserstein(0.1), k=2),
    "gradient penalty": lambda: game(objective=Wasserstein(), penalty=GradientPenalty(10)),
    "one-sided, k = 3, average": lambda: game(objective=Wasserstein(), penalty=OneSided(1), k=3, decay=0.9),
    "hinge, spectral norm": lambda: game(objective=Hinge(), dense=SpectralNorm),
    "relativistic, R1": lambda: game(objective=RelativisticAverage(), penalty=R1(1)),
    "feature matching": lambda: game(objective=FeatureMatching(0), decay=0.5),
    "packing, R2": lambda: game(Pack(2, 16), width=32, penalty=R2(1), rules=momentum),
    "dropout": lambda: game(Dropout(0.2), middle=[Dropout(0.3)], rules=falling),
    "fading noise": lambda: game(InstanceNoise(Linear(1.0, 0.0, 9))),
    "batch and layer norm, maxout, average": normalized,
    "float64": lambda: game(dtype="float64", decay=0.9, objective=Hinge()),
    "conditional": conditional,
}


class Points:
    """A source of batches of one's own: points drawn anew in each round."""

    name, rounds, batch_size, sample_shape, identity = "points", 5, 6, (16,), {"kind": "normal"}

    def epoch(self, e, start=0):
        for t in range(start, self.rounds):
            yield np.random.default_rng((e, t)).standard_normal((6, 16))


def training(gan, batch_size=8):
    if gan.generator.dtype == "float64":
        return Training(gan, Points())
    return Training(gan, Dataset("grid", PIXELS, labels=np.arange(70) % 3), batch_size)


def play(training, rounds):
    for played, _ in enumerate(training.rounds(10), 1):
        if played == rounds:
            return training


def moment(training):
    """All that a game is at one moment, read from the GAN itself."""
    gan, seen = training.gan, {}
    for name, network, rule in gan.players():
        seen |= {f"{name} theta": network.theta, f"{name} steps": rule.steps, f"{name} dtype": network.dtype}
        seen |= {f"{name} {vector}": getattr(rule, vector) for vector in rule.vectors}
        seen |= {f"{name} {state}": value for state, value in network.states().items()}
    if gan.average:
        average = gan.average
        seen |= {"average theta": average.network.theta, "average steps": average.steps, **average.network.states()}
    timed = "seconds", "images_per_second"
    history = [{k: v for k, v in row.items() if k not in timed} for row in training.history]
    seen |= {"draws": gan.draws, "history": history, "log": training.log[: training.round]}
    seen |= {"epoch": training.epoch, "round": training.round}
    return {name: to_numpy(a).tolist() if hasattr(a, "shape") else a for name, a in copy.deepcopy(seen).items()}


@pytest.mark.parametrize("make", GAMES.values(), ids=GAMES)
def test_a_game_that_is_saved_within_an_epoch_goes_on_bit_for_bit(make, tmp_path):
    """In another process it would begin with other weights, draws and rates: so it does here."""
    straight = training(make())
    length = straight.batches.rounds
    y = np.array([0, 2, 1, 1, 0]) if straight.gan.generator.classes else None
    play(straight, length + 1).gan.sample(5, y)
    straight.save(tmp_path / "c.npz")
    resumed = training(make())
    for _, network, _ in resumed.gan.players():
        network.theta[:] = 7
    resumed.restore(tmp_path / "c.npz")
    assert moment(resumed) == moment(straight) and resumed.seconds == straight.seconds
    assert resumed.epoch == resumed.round == 1
    for each in straight, resumed:
        play(each, length)
    assert moment(resumed) == moment(straight)
    assert (resumed.gan.sample(5, y) == straight.gan.sample(5, y)).all()
    straight.save(tmp_path / "end.npz")
    z = straight.gan.fixed_noise(5)
    assert (load_generator(tmp_path / "end.npz")[0](z, y) == straight.gan.sampler(z, y)).all()


@pytest.mark.parametrize("make", GAMES.values(), ids=GAMES)
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda gan: pickle.loads(pickle.dumps(gan))], ids=["copy", "pickle"])
def test_a_copy_in_mid_training_goes_on_to_the_same_bits_and_moves_nothing_of_the_original(make, copied):
    first = play(training(make()), 3)
    before, twin = moment(first), copied(first.gan)
    guard = twin.generator_optimizer.between[0].__self__
    assert guard.gan is twin and guard.real is None and guard is twin.discriminator_optimizer.between[0].__self__
    batch = copy.deepcopy(parts(next(first.batches.epoch(1))))
    for _ in range(3):
        twin.step(*batch)
    assert moment(first) == before
    other, first.gan = first.gan, twin
    after = moment(first)
    for _ in range(3):
        other.step(*batch)
    first.gan = other
    assert moment(first) == after != before


def test_a_nan_in_a_copy_stops_the_copy_and_not_the_original():
    one = play(training(game()), 2)
    twin = copy.deepcopy(one)
    twin.gan.generator.theta[3] = np.nan
    with pytest.raises(NotFiniteError, match=r"generator, layer 0, Dense\(5, 12\): W holds nan"):
        play(twin, 1)
    play(one, 1)
    assert np.isfinite(one.gan.generator.theta).all()


def former(name):
    """The game whose checkpoint minigan wrote in format 2: packing was no layer then, and UnitSlope a penalty."""
    if name == "penalized":
        G = Network(Dense(3, 6), LeakyReLU(0.1), Dense(6, 16), Tanh(), seed=5)
        D = Network(Dense(16, 6), LeakyReLU(), Dense(6, 1), seed=6)
        return training(GAN(G, D, NonSaturating(real=0.9), 7, penalty=GradientPenalty(10)))
    G = Network(Dense(3, 6), BatchNorm(6), LeakyReLU(), Dense(6, 16), Tanh(), seed=5)
    noise, pack = InstanceNoise(Linear(0.5, 0.1, 40)), Pack(2, 16)
    D = Network(pack, noise, Dense(32, 6), LeakyReLU(), Dropout(0.3), Dense(6, 1), seed=6)
    rules = SGD(G, Exponential(0.05, 0.99, least=0.01), Linear(0.5, 0.7, 30)), Adam(D, 1e-3)
    average = ExponentialMovingAverage(G, 0.9)
    return training(GAN(G, D, Wasserstein(0.5), 7, *rules, k=2, noise="uniform", average=average))


@pytest.mark.parametrize("name", ["packed", "penalized"])
def test_a_checkpoint_of_format_2_goes_on_as_it_did_then(name):
    """Its `end`, five digits of each theta, was computed by the minigan of then."""
    resumed, path = former(name), OLD / f"format-2-{name}.npz"
    resumed.restore(path)
    assert (resumed.epoch, resumed.round) == (1, 2)
    G, meta = load_generator(path)
    z = resumed.gan.fixed_noise(4)
    assert (G(z) == resumed.gan.sampler(z)).all()
    for _ in resumed.rounds(3):
        pass
    gan = resumed.gan
    for player, network in ("generator", gan.generator), ("discriminator", gan.discriminator), ("sampler", gan.sampler):
        assert np.allclose(network.theta, meta["config"]["end"][player], rtol=0, atol=1e-4), player
    if gan.average:
        assert gan.average.steps == gan.generator_optimizer.steps == 12


def test_a_checkpoint_of_format_2_of_another_game_is_refused():
    other = training(game(Pack(2, 16), width=32), 16)
    with pytest.raises(ValueError, match=r"packed.npz: the checkpoint does not fit: its objective is Wasserstein"):
        other.restore(OLD / "format-2-packed.npz")
