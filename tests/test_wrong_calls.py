"""Random wrong types, shapes and values for what a user calls: a failure is in minigan's words, no success is NaN.

CALLS is a table: a name, the callable, and a strategy for each of its arguments. A room joins by a line of its own. A
call may succeed, and what it makes is then used. If it fails, then with an error that a `raise` of minigan's own source
gave its words: the traceback ends there, and not inside NumPy or in an operator; or as the disk does, naming the file.
OPTIONS is the same for the daily scripts, which answer with exit code 2. Nothing is written by what is refused.

`pytest -m slow tests/test_wrong_calls.py` tries many more examples of each.
"""

import functools
import linecache
import math
import shutil
from dataclasses import replace
from pathlib import Path

import loading
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import minigan
from minigan import (
    GAN,
    R1,
    SGD,
    Adam,
    AuxiliaryClassifier,
    BatchNorm,
    Dense,
    Dropout,
    ExponentialMovingAverage,
    FeatureMatching,
    Flatten,
    Hinge,
    InstanceNoise,
    LayerNorm,
    LeakyReLU,
    LeastSquares,
    Maxout,
    Minimax,
    Network,
    NonSaturating,
    Objective,
    Pack,
    RelativisticAverage,
    Reshape,
    Sigmoid,
    SpectralNorm,
    Tanh,
    Wasserstein,
    bce,
    bce_with_logits,
    value,
)  # fmt: skip
from minigan.app import cli, fit, program, saved
from minigan.app.run_directory import RunDirectory
from minigan.data import Batches, Dataset, idx, load, mnist, npz, sequences, text, toys
from minigan.data.files import replacing
from minigan.evaluation import classifier, conditional, metrics, modes, parzen, protocol
from minigan.evaluation import sequences as judge
from minigan.evaluation import text as likely
from minigan.layers import Layer, Normal, Uniform
from minigan.objectives import R2, GradientPenalty, OneSidedGradientPenalty, tokens
from minigan.optimizers import Cosine, Exponential, Linear, Optimizer
from minigan.plots import laboratory, pictures
from minigan.plots import sequences as drawing
from minigan.plots import toys as scenes
from minigan.training import NotFiniteError, Training, advice, checkpoint, register, report
from minigan.training.recipes import RECIPES
from minigan.training.text import WAYS, TextGame, TextTraining

OURS = Path(minigan.__file__).parent

numbers = st.one_of(
    st.integers(-3, 12),
    st.floats(-2, 12, allow_nan=False),
    st.sampled_from([math.nan, math.inf, -math.inf, 1e300, np.float32(0.5), np.int64(3), np.float64("nan"), True]),
)
shapes = st.one_of(st.lists(st.integers(-1, 5), max_size=3).map(tuple), st.tuples(st.none(), st.integers(1, 4)))
arrays = st.builds(
    lambda shape, dtype, fill: np.full([abs(n) for n in shape if n is not None], fill).astype(dtype),
    shapes,
    st.sampled_from(["float32", "float64", "int64", "bool", "U3", "object"]),
    st.sampled_from([0, 1]),
)
oddities = st.one_of(
    st.none(), st.text(max_size=3), st.just(2j), st.just([[1], [2, 3]]), st.just({}), st.just(object), st.just(Tanh),
    st.just(len), arrays, shapes,
)  # fmt: skip
anything = numbers | oddities


def usually(right, wrong):
    """Three times in four what is right: what is wrong with one argument shows where the others are right."""
    return st.integers(0, 3).flatmap(lambda n: right if n else wrong)


def mostly(*right):
    """One of these, or else a number or an oddity."""
    return usually(st.sampled_from(right), anything)


def made(*makes):
    """What one of these functions makes, anew for each example, or else an oddity."""
    return usually(st.sampled_from(makes).map(lambda make: make()), oddities)


layers = made(
    lambda: Dense(3, 4), lambda: Dense(4, 1), lambda: BatchNorm(4), lambda: Dropout(0.5), lambda: Reshape(2, -1),
    lambda: Maxout(4, 2), lambda: Network(Dense(4, 4)), lambda: SpectralNorm(3, 1), Flatten, LeakyReLU, Tanh, Sigmoid,
    lambda: Pack(2), lambda: Pack(1, 4),
)  # fmt: skip
networks = made(
    lambda: Network(Dense(3, 4), Tanh()), lambda: Network(Dense(4, 1)), lambda: Network(Dense(4, 5), Sigmoid()),
    lambda: Network(Dense(4, 1), Sigmoid()), lambda: Network(Pack(2, 4), Dense(8, 1)), lambda: Network(Tanh()),
    lambda: Network(Dense(4, 1), dtype="float64"), lambda: Network(Dense(3, 4), shape=(None, 3)),
)  # fmt: skip
schedules = st.sampled_from([Linear(0.1, 0.2, 5), Exponential(0.5, 0.9), Cosine(0.3, 0.0, 4)])
objectives = made(Minimax, NonSaturating, lambda: NonSaturating("probability"), Hinge, RelativisticAverage,
                  lambda: FeatureMatching(0), lambda: FeatureMatching(3))  # fmt: skip
rates = anything.filter(lambda a: not callable(a)) | schedules  # what a function of one's own raises is its own
output = mostly("logit", "probability")

IMAGES = np.random.default_rng(0).integers(0, 256, (30, 3, 3), dtype="uint8")
FILES = [
    "run", "run/checkpoint.npz", "images.npz", "images.npy", "images.idx", "broken.npz", "game.py", "broken.py", "new",
    "series.csv", "new.png", "no/folder", "", ".", "a\0b", None,
]  # fmt: skip
SHORT = classifier.Recipe((3, 3), 1, 1)


def images():
    return Dataset("noise", IMAGES, labels=np.arange(30) % 3)


def rhyme():
    """Three sequences of two tokens out of four."""
    return text.Text("rhyme", np.ones((3, 2), "float32"), np.ones((1, 2), "float32"), 4)


def spoken_by(width):
    """A network that reads tokens out of four, with so many numbers at each step."""
    return Network(minigan.Embedding(4, 2), Dense(2, width))


def few():
    return sequences.sines(12, 3, 2)


def ring():
    return toys.ring(3)


def lattice():
    return scenes.Lattice(np.eye(3, 2))


def small(width=9, k=1):
    """A game on the images, or on points."""
    return GAN(Network(Dense(2, width), Tanh()), Network(Dense(width, 1), seed=1), k=k)


def film():
    gan = small(2)
    return scenes.Film("one", gan.objective, np.zeros(1), [scenes.look(gan, lattice(), n) for n in (0, 1)])


@functools.cache
def history():
    training = Training(small(), images(), 30)
    return [row for row in training.rounds(2) if row]


@functools.cache
def trained():
    return classifier.train_classifier(images(), SHORT)


def three():
    """The images as Data, with all parts the same."""
    return protocol.Data("noise", *[images()] * 4)


def rows_of(training):
    """What it plays, as numbers."""
    return [np.asarray([a for a in row.values() if a is not None]) for row in training.rounds(1) if row]


def held(network):
    """The only layer of a network."""
    return network.layers[0]


datasets = made(images, lambda: replace(images(), labels=None))
paths = mostly(*FILES)
rows = mostly(np.eye(5, 3), np.ones((6, 3), "float32"), np.zeros((4, 3), "float16"), [[0.1, 0.2, 0.3]] * 5)
chunk = mostly(2, 1024)
courses = made(history, lambda: history()[:1])
drawn = mostly(np.zeros((5, 9), "float32"), np.ones((1, 9))), mostly((3, 3), [3, 3]), mostly((-1, 1), [0.0, 1.0])

CALLS = {
    "Dense": (Dense, mostly(2, 3), mostly(2, 3), made(lambda: minigan.layers.he, lambda: Normal(0.1)), anything),
    "SpectralNorm": (SpectralNorm, mostly(2, 3), mostly(2, 3)),
    "Maxout": (Maxout, mostly(4, 6), mostly(2)),
    "BatchNorm": (BatchNorm, mostly(3), anything),
    "LayerNorm": (LayerNorm, mostly(3)),
    "LeakyReLU": (LeakyReLU, anything),
    "Dropout": (Dropout, anything),
    "InstanceNoise": (InstanceNoise, numbers | schedules | arrays | st.none() | st.text(max_size=3)),
    "Reshape": (Reshape, anything, mostly(2, -1)),
    "Reshape of one": (Reshape, anything),
    "Flatten": (Flatten, anything),
    "Pack": (Pack, mostly(2), anything),
    "Uniform": (Uniform, anything),
    "Normal": (Normal, anything),
    "Network": (lambda a, b, seed, dtype, shape: Network(a, b, seed=seed, dtype=dtype, shape=shape),
                layers, layers, mostly(0), mostly("float32", "float64"), shapes | mostly(3, 4, None)),
    "network(x)": (lambda n, x: n(x) if isinstance(n, Network) else None, networks, anything),
    "network.forward": (lambda n, x: n.forward(x) if isinstance(n, Network) else None, networks, anything),
    "network.backward": (lambda x, dy, wrt, layer: backward(x, dy, wrt, layer),
                         st.just(np.ones((2, 3), "float32")), mostly(np.ones((2, 4), "float32")),
                         st.sampled_from(["params", "input", "both", "all", None, 3]), st.integers(-4, 4) | st.none()),
    "layer.W =": (lambda W: setattr(Network(Dense(2, 2)).layers[0], "W", W), mostly(np.eye(2), [[1, 2], [3, 4]])),
    "network.astype": (lambda dtype: Network(Dense(2, 1)).astype(dtype), mostly("float32", "float64")),
    "network.set_states": (lambda mean: Network(BatchNorm(2)).set_states({"0.mean": mean}), mostly([1.0, 2.0])),
    "SGD": (lambda n, lr, momentum: stepped(SGD(n, lr, momentum)), networks, rates, rates),
    "Adam": (lambda n, *rest: stepped(Adam(n, *rest)), networks, rates, rates, anything, mostly(1e-8)),
    "ExponentialMovingAverage": (ExponentialMovingAverage, networks, mostly(0.9)),
    "Linear": (Linear, anything, anything, mostly(5)),
    "Cosine": (Cosine, anything, anything, mostly(5)),
    "Exponential": (Exponential, anything, mostly(0.5), anything),
    "Minimax": (Minimax, output, mostly(0.9)),
    "NonSaturating": (NonSaturating, output, mostly(0.9)),
    "LeastSquares": (LeastSquares, output),
    "Hinge": (Hinge, output),
    "RelativisticAverage": (RelativisticAverage, output),
    "Wasserstein": (Wasserstein, anything),
    "FeatureMatching": (FeatureMatching, anything),
    "AuxiliaryClassifier": (AuxiliaryClassifier, mostly(3), mostly(1.0), mostly(0.9)),
    "value": (value, mostly(np.zeros((2, 1))), mostly(np.zeros((3, 1), "float32")), output),
    **{kind.__name__: (kind, anything) for kind in (R1, R2, GradientPenalty, OneSidedGradientPenalty)},
    "GAN": (lambda G, D, objective, seed, k, noise, penalty, average: played(
                GAN(G, D, objective, seed, k=k, noise=noise, penalty=penalty, average=average)),
            networks, networks, objectives, mostly(0), mostly(1, 2), mostly("normal", "uniform"),
            st.none() | made(lambda: R1(1.0)), st.none() | oddities),
    "gan.step": (lambda x, k: game(k).step(x), mostly(np.ones((4, 4), "float32"), np.ones((5, 4), "float32")),
                 st.sampled_from([1, 2, 3])),
    "gan.generator_step": (lambda n, real: game(1, RelativisticAverage()).generator_step(n, real), mostly(2, 3),
                           mostly(np.ones((2, 4), "float32"))),
    "gan.sample": (lambda n: game(1).sample(n), anything),
    **{kind.__name__: (kind, mostly(2)) for kind in (minigan.RNN, minigan.GRU, minigan.LSTM)},
    "a state": (lambda state: held(Network(minigan.GRU(2), shape=(2, 3))).step(np.ones((4, 3), "float32"), state),
                mostly(None, np.zeros((4, 2), "float32"))),
    "Repeat": (minigan.Repeat, mostly(2)),
    "Embedding": (minigan.Embedding, mostly(5), mostly(2), mostly(Normal(0.1))),
    "likelihood": (tokens.likelihood, mostly(np.zeros((2, 3, 4))), mostly(np.zeros((2, 3))), mostly(None)),
    "characters": (text.characters, paths, mostly(2)),
    "load_oracle": (text.load_oracle, paths),
    "nll": (lambda G, x, T: likely.nll(G, x, T), made(lambda: spoken_by(4)), mostly(np.zeros((2, 3), "float32")),
            mostly(1.0)),
    "TextGame": (lambda D, way, *sizes: TextGame(spoken_by(4), D, way, *sizes),
                 made(lambda: spoken_by(1)), mostly(*WAYS), mostly(2), mostly(0), mostly(0.1), mostly(0.1), mostly(1),
                 mostly(1.0), mostly(0.0), mostly(1.0)),
    "TextTraining": (TextTraining, made(lambda: TextGame(spoken_by(4), spoken_by(1))), made(rhyme), mostly(3)),
    "Bidirectional": (minigan.Bidirectional, made(lambda: minigan.GRU(2))),
    "ClipNorm": (minigan.ClipNorm, mostly(1.0)),
    "Condition": (minigan.Condition, mostly(3)),
    "Projection": (minigan.Projection, mostly(3)),
    "network(x, y)": (lambda x, y: Network(minigan.Condition(3), Dense(5, 1), shape=2)(x, y),
                      mostly(np.ones((2, 2)), np.ones((4, 2))), mostly([0, 2], np.array([0, 1, 2, 0]))),
    "bce": (bce, mostly(np.array([[0.0], [1.0]])), mostly(np.array([[0.0], [1.0]]))),
    "bce_with_logits": (bce_with_logits, mostly(np.array([[-np.inf], [np.inf]])), mostly(np.array([[0.0], [1.0]]))),
    "use": (lambda *args: minigan.use(*args), mostly("numpy"), mostly(None, 1)),
    # data
    "Dataset": (lambda *args: Dataset(*args).rows(), mostly("mine"), mostly(IMAGES, IMAGES / 255),
                mostly((0, 255), (0, 1)), mostly((-1.0, 1.0), [0, 1]), mostly(None, np.arange(30)), mostly(None, "!")),
    "dataset.rows": (lambda index: images().rows(index), mostly(slice(3), [0, 2], np.arange(3))),
    "Batches": (lambda data, size, seed, labeled, *epoch: list(Batches(data, size, seed, labeled).epoch(*epoch)),
                datasets, mostly(4), mostly(0), mostly(False, True), mostly(1), mostly(0, 1)),
    "load": (lambda *args: load(*args).rows(), mostly("auto", "mnist", "digits", "idx", *FILES), paths,
             mostly((-1, 1), (0, 1))),
    "read_idx": (idx.read_idx, paths, mostly(None, (None, None, None))),
    "read_npz": (npz.read_npz, paths),
    "read_labels": (npz.read_labels, paths),
    "read_npy": (npz.read_npy, paths),
    "mnist": (lambda *args: mnist.mnist(*args, download=False), mostly("train", "test"), paths),
    "toy": (toys.toy, mostly(*toys.TOYS)),
    "toy.sample": (lambda name, *args: toys.TOYS[name].sample(*args),
                   st.sampled_from(sorted(toys.TOYS)), mostly(3), mostly(0), mostly(1)),
    "ToyBatches": (lambda data, *args: list(toys.ToyBatches(data, *args[:3]).epoch(*args[3:])),
                   made(ring), mostly(4), mostly(0), mostly(2), mostly(0), mostly(0)),
    "Mixture": (lambda *args: toys.Mixture(*args).sample(3, 0),
                mostly("m"), mostly([[0.0], [1.0]]), mostly(0.1, [1, 2]), mostly(None, [0.5, 0.5])),
    "mixture.density": (lambda x: ring().density(x), mostly(np.zeros((3, 2)))),
    **{make.__name__: (lambda *args, make=make: make(*args).sample(2, 0), mostly(3), mostly(1.0), mostly(0.1))
       for make in (toys.ring, toys.grid)},
    "moons": (lambda sigma: toys.moons(sigma).sample(2, 0), mostly(0.1)),
    "spiral": (lambda *args: toys.spiral(*args).sample(2, 0), mostly(1.5), mostly(0.1)),
    "sines": (lambda *args: sequences.sines(*args).x, mostly(12), mostly(3), mostly(2), mostly(0)),
    "load_series": (lambda *args: sequences.load_series(*args).x, paths, mostly(2), mostly(False)),
    "by_rows": (lambda data: sequences.by_rows(data).x, datasets),
    "SequenceBatches": (lambda data, *args: list(sequences.SequenceBatches(data, *args[:2]).epoch(*args[2:])),
                        made(few), mostly(4), mostly(0), mostly(0), mostly(0)),
    "Sequences": (lambda *args: sequences.Sequences(*args).identity, mostly("mine"), mostly(few().x),
                  mostly(("a", "b")), mostly((0, 0)), mostly((1, 1)), mostly(1)),
    "sequences.units": (lambda x: few().units(x), mostly(few().x)),
    "sequences.save": (lambda path, x: few().save(path, x), paths, mostly(few().x)),
    # evaluation
    "nearest": (metrics.nearest, rows, rows | datasets, chunk),
    "pairwise_distance": (metrics.pairwise_distance, rows, chunk),
    "mode_coverage": (lambda *args: metrics.mode_coverage(*args)[:2], rows, rows, mostly(0.1)),
    "frechet_distance": (metrics.frechet_distance, rows, rows),
    "kernel_distance": (metrics.kernel_distance, rows, rows, chunk),
    "precision_recall": (metrics.precision_recall, rows, rows, mostly(3), chunk),
    "class_histogram": (metrics.class_histogram, mostly(np.arange(3)), mostly(10)),
    "parzen_log_likelihood": (parzen.parzen_log_likelihood, rows, rows, mostly(0.1), chunk),
    "select_sigma": (parzen.select_sigma, rows, rows, mostly([0.1, 1.0]), chunk),
    "parzen": (parzen.parzen, rows, rows, rows, chunk),
    "pixelwise_gaussian": (parzen.pixelwise_gaussian, rows, mostly(4), mostly(0)),
    "kmeans": (parzen.kmeans, rows, mostly(2), mostly(2), mostly(0), chunk),
    "train_classifier": (lambda data, labels, *recipe: labeled(replace(data, labels=labels), *recipe),
                         st.just(images()), mostly(np.arange(30) % 3), mostly((3, 3), [4, 4]), mostly(1), mostly(2),
                         mostly(10), mostly(1e-3), mostly(0.9), mostly(0.1), mostly(0)),
    "classifier.features": (lambda a: trained().features(a), mostly(images().rows())),
    "classifier.labels": (lambda a: trained().labels(a), mostly(images().rows())),
    "classifier_for": (lambda data, folder: classifier.classifier_for(data, SHORT, folder, str), datasets, paths),
    "FixedPoints": (lambda data, *args: next(modes.FixedPoints(data, *args).epoch(0)),
                    made(ring), mostly(4), mostly(0), mostly(2)),
    "found_by": (lambda *args: modes.found_by(*args)[:2], made(lambda: small(2)), made(ring)),
    "as_often": (conditional.as_often, datasets, mostly(4)),
    "by_class": (lambda rows, y: list(conditional.by_class(rows, y, three(), trained()).values()),
                 mostly(images().rows()), mostly(np.arange(30) % 3)),
    "divided": (protocol.divided, mostly("digits", *FILES), paths),
    "own": (protocol.own, paths, datasets),
    "generated": (protocol.generated, made(lambda: small().generator), st.just({"noise": "normal"}), mostly(3),
                  mostly(0), datasets),
    "scores": (lambda *args: judge.scores(*args[:4], steps=1), made(few), mostly(few().x, None), mostly(1), mostly(0)),
    "mmd": (judge.mmd, mostly(few().x), mostly(few().x), mostly(None, 0.5)),
    # plots
    "autocorrelation": (drawing.autocorrelation, mostly(few().x), mostly(None, 2)),
    "save_sequences": (drawing.save_sequences, paths, mostly(few().x), made(few)),
    "pictures.grid": (pictures.grid, *drawn, mostly(None, 2)),
    "save_grid": (pictures.save_grid, paths, *drawn, mostly(None, 2)),
    "save_curves": (pictures.save_curves, paths, courses),
    "compare_runs": (pictures.compare_runs, paths, made(lambda: [("a", history()), ("b", history()[:1])])),
    "save_neighbors": (pictures.save_neighbors, paths, drawn[0], *drawn),
    "draw_run": (pictures.draw_run, mostly("run"), courses, drawn[0], *drawn),
    "save_gif": (pictures.save_gif, paths, mostly([np.zeros((5, 5))]), mostly(["one"])),
    "write_page": (pictures.write_page, mostly("run"), courses, mostly(False, True)),
    "Lattice": (lambda points: scenes.Lattice(points).x, mostly(np.eye(3, 2), np.ones((3, 1)), np.ones((3, 2)))),
    "look": (scenes.look, made(lambda: small(2)), made(lattice), st.just(0)),
    "Stage": (scenes.Stage, made(ring), made(lattice), made(film)),
    "save_page": (laboratory.save_page, paths, made(ring), made(lattice), made(lambda: [film()]), mostly([["a", "b"]]),
                  mostly("played")),
    "advice.read_history": (advice.read_history, courses),
    # training
    "Training": (lambda *args: rows_of(Training(*args)), made(small, lambda: small(2), lambda: small(k=2)),
                 datasets | made(lambda: toys.ToyBatches(ring(), 4, rounds=2)), mostly(4, None)),
    "training.rounds": (lambda epochs: next(Training(small(), images(), 30).rounds(epochs), None), anything),
    "training.save": (lambda path: Training(small(), images(), 30).save(path), paths),
    "training.restore": (lambda path: Training(small(), images(), 30).restore(path), paths),
    "register": (register, anything),
    "report": (report, made(lambda: history()[-1]), mostly(3)),
    "load_generator": (lambda path: checkpoint.load_generator(path)[0], paths),
    "recipe": (lambda name, *args: RECIPES[name].make(images(), *args).generator,
               st.sampled_from(["plain", "default"]), mostly(5), mostly(0), mostly(4), rates, rates),
    "conditional recipe": (lambda latent, classes: RECIPES["default"].make(images(), 5, 0, latent, classes=classes),
                           mostly(4), mostly(3, None)),
    "recipe.data": (lambda data: RECIPES["plain"].data(data), datasets),
    # app
    "fit": (lambda *args: fit(*args) and None, made(small), datasets | paths, mostly(1), mostly("new", "run", None),
            mostly(15, None), mostly(False), mostly(300.0), mostly(None, 1)),
    "RunDirectory": (lambda path, *args: RunDirectory(path, Training(small(), images(), 30), *args).close(),
                     mostly("new", "run", None), mostly({"seed": 0}), mostly(None, "run"), mostly(300.0), mostly(None)),
    "open_checkpoint": (lambda *args: saved.open_checkpoint(*args)[0], paths, paths),
    "saved.read_history": (saved.read_history, paths),
    "recipe_of": (saved.recipe_of, paths),
    "choose_device": (cli.choose_device, mostly("cpu", "auto"), mostly(None, 1)),
    "penalty": (cli.penalty, mostly("r1:1")),
}  # fmt: skip


def labeled(data, *recipe):
    return classifier.train_classifier(data, classifier.Recipe(*recipe)).labels(data.rows())


def backward(x, dy, wrt, layer):
    network = Network(Dense(3, 4), Tanh())
    network.forward(x)
    return network.backward(dy, wrt, layer=layer)


def game(k, objective=NonSaturating()):
    return GAN(Network(Dense(3, 4)), Network(Pack(2, 4), Dense(8, 1)), objective, k=k)


def played(gan):
    """After a round of two samples for each step."""
    return gan.step(np.ones((2 * gan.k, *gan.discriminator.shape), gan.discriminator.dtype))


def stepped(optimizer):
    optimizer.network.dtheta[:] = 1
    optimizer.step()
    return optimizer.network.theta


def results(thing):
    """Every number that a call gave; what it made is used first."""
    if isinstance(thing, Layer) and not isinstance(thing, Network):
        try:
            thing = Network(thing, shape=thing.n_in or (2, 3))
        except ValueError:  # it fits no such samples, and says so
            return []
    if isinstance(thing, Network) and thing.shape is not None:
        thing = thing(np.ones((2 * thing.rows, *(size or 2 for size in thing.shape))))
    if isinstance(thing, Uniform | Normal):
        thing = thing(np.random.default_rng(0), (3, 2), 3, 2)
    if isinstance(thing, Linear | Exponential):
        thing = [thing(t) for t in (0, 1, 10**6)]
    if isinstance(thing, Objective):
        a = np.full((3, 1), 0.5)
        both = (a, a) if thing.sees_real else (a,)
        thing = [*thing.discriminator(a, a), *thing.generator(*both)]
    things = thing if isinstance(thing, list | tuple) else [thing]
    return [np.asarray(a) for a in things if hasattr(a, "dtype") or isinstance(a, float)]


def own_words(error):
    """Whether the traceback ends at a `raise` of minigan's own source."""
    last = error.__traceback__
    while last.tb_next:
        last = last.tb_next
    line = linecache.getline(last.tb_frame.f_code.co_filename, last.tb_lineno)
    start = last.tb_lineno
    while not line.lstrip().startswith("raise") and start > max(1, last.tb_lineno - 4):  # a call over several lines
        start -= 1
        line = linecache.getline(last.tb_frame.f_code.co_filename, start)
    return OURS in Path(last.tb_frame.f_code.co_filename).parents and line.lstrip().startswith("raise")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with FILES to work in; nothing outside of it is read, and no round that takes long is played."""
    with pytest.MonkeyPatch.context() as patch:
        base = tmp_path_factory.mktemp("base")
        patch.setenv("XDG_CACHE_HOME", str(base / "cache"))
        patch.delenv("MINIGAN_DATA", raising=False)
        patch.setattr(mnist, "receive", no_network)
        patch.setattr(modes, "POINTS", 50)
        patch.setattr("minigan.app.run_directory.plots.draw_run", lambda *args: [])
        work = base / "work"
        (work / "run").mkdir(parents=True)
        patch.chdir(work)
        np.savez("images.npz", images=IMAGES)
        np.save("images.npy", IMAGES)
        Path("images.idx").write_bytes(idx.idx_header(IMAGES.shape) + IMAGES.tobytes())
        Path("broken.npz").write_bytes(b"PK123")
        Path("game.py").write_text(GAME)
        Path("broken.py").write_text("1 / 0")
        Path("series.csv").write_text("a,b\n" + "".join(f"{t},{t * t}\n" for t in range(9)))
        fit(small(), "images.npz", 2, "run", 30)
        patch.setattr("minigan.app.train.play", lambda *args: 0)
        patch.setattr(pictures, "save_figure", write_nothing)
        shutil.copytree(work, base / "kept")
        yield work


GAME = """
from minigan import GAN, Dense, Network, Tanh

def make(data, rounds, seed):
    return GAN(Network(Dense(2, data.size), Tanh(), seed=seed), Network(Dense(data.size, 1), seed=seed + 1), seed=seed)

class Mine(Tanh):
    pass
"""


def no_network(*args):
    raise OSError("there is no network")


def write_nothing(path, figure):
    with replacing(path):
        pass


def listing(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()} | {
        path: None for path in folder.rglob("*") if path.is_dir()
    }


def put_back(folder, before):
    """Whether something was written, which is then undone."""
    if listing(folder) == before:
        return False
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.copytree(folder.with_name("kept"), folder, dirs_exist_ok=True)
    return True


def check(call, arguments):
    """Whether the call went well. AssertionError for a failure in other words, and for a success that is NaN."""
    try:
        found = results(call(*arguments))
    except OSError as error:
        assert error.filename, f"not in minigan's words: {error!r}"
        return False
    except (ValueError, TypeError, NotFiniteError) as error:
        assert own_words(error) and len(str(error).split()) > 2, f"not in minigan's words: {error!r}"
        return False
    for a in found:
        assert not (a.dtype.kind == "f" and np.isnan(a).any()), f"NaN from {arguments}"
    return True


examples = pytest.mark.parametrize("examples", [1, pytest.param(300, marks=pytest.mark.slow)])


def tried(count, strategy, attempt):
    """Call attempt(example) for so many examples of the strategy."""
    how = settings(max_examples=count, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
                   suppress_health_check=list(HealthCheck))  # fmt: skip
    how(given(strategy)(lambda example: attempt(example)))()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # numbers as large as 1e300 may overflow, to an infinity
@examples
@pytest.mark.parametrize("name", CALLS)
def test_a_wrong_call_is_refused_in_words_and_no_right_one_gives_nan(name, examples, folder):
    call, *strategies = CALLS[name]

    def attempt(arguments):
        before = listing(folder)
        went = check(call, arguments)
        assert not put_back(folder, before) or went, f"refused, and yet written by {arguments}"

    tried(examples, st.tuples(*strategies), attempt)


@pytest.mark.parametrize("call", [lambda: np.ones(3) @ np.ones(2), lambda: "a" + 1, lambda: Optimizer.update(1)])
def test_other_peoples_words_are_noticed(call):
    with pytest.raises(AssertionError, match="not in minigan's words"):
        check(call, ())
    with pytest.raises(AssertionError, match="NaN from"):
        check(lambda: np.array([np.nan]), ())


class Played(Exception):
    """What would take long begins: the options were taken."""


def begin(*args, **options):
    raise Played


TEXTS = st.sampled_from(
    ["0", "-1", "1", "3", "2.5", "nan", "-inf", "1e400", "9" * 30, "\u0663", "\ud800", "--", "-x", "r1:1", "r1:nan",
     "r1:", "cpu", "gpu", "hinge", "ring", "5,4", "2,", "game.py:Mine", "broken.py:A", *filter(None, FILES)]
) | st.text(max_size=3).filter(lambda text: "/" not in text)  # fmt: skip
PROGRAM = f"{program.__name__}.play"
OPTIONS = {  # a script: what is right before and after, what is replaced where it would take long, the options
    "train_mnist": (
        ["--data", "images.npz", "--device", "cpu", "--threads", "1", "--out", "new"], PROGRAM,
        "--recipe --game --epochs --batch-size --lr --lr-d --latent --objective --penalty --seed --data --data-dir "
        "--out --device --threads --checkpoint-every --keep --resume"),
    "train_toy": (["ring", "--out", "new"], "play",
                  "--rounds --batch-size --lr --hidden --latent --objective --penalty --seed --frames --out"),
    "train_text": (
        ["--data", "game.py", "--steps", "2", "--out", "new"], PROGRAM,
        "--data --oracle --sequences --steps --adversarial --likelihood --epochs --batch-size --hidden --dropout --lr "
        "--lr-game --warm --pull --discount --tau --seed --out --device --threads --checkpoint-every --keep --resume"),
    "train_sequences": (
        ["--data", "series.csv", "--window", "3", "--out", "new"], PROGRAM,
        "--data --window --cell --judge --noise --hidden --latent --epochs --batch-size --lr --clip --r1 --seed --out "
        "--device --threads --checkpoint-every --keep --scores --resume"),
    "sample": (["run", "--out", "new.png", "--device", "cpu"], "save_grid",
               "--out -n --interpolate --label --labels --seed --game --device"),
    "evaluate": (["--checkpoint", "run", "--device", "cpu"], "measured",
                 "--checkpoint --data --data-dir --samples --seed --game --json --device --samples-file"),
    "draw_run": (["run"], "draw_run", "--game RUN"),
    "compare_runs": (["run"], "compare_runs", "--out RUN"),
    "check_gradients": (["--layer", "game.py:Mine"], "gradcheck",
                        "--layer --args --shape --batch --method --eps --seed"),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # a rate as large as 1e30 overflows, and the guard says so
@examples
@pytest.mark.parametrize("name", OPTIONS)
def test_a_wrong_option_is_refused_by_name_and_leaves_no_trace(name, examples, folder, monkeypatch, capsys):
    right, slow, options = OPTIONS[name]
    script = loading.script(name)
    monkeypatch.setattr(*[slow] if "." in slow else [script, slow], begin)
    before = listing(folder)

    def attempt(example):
        option, text = example
        given = [text] if option.isupper() else [option, text]
        refused = False
        try:
            code = script.main([*right, *given])
        except Played:
            code = 0
        except SystemExit as stop:
            code, refused = stop.code, True
        _out, err = capsys.readouterr()
        if refused and code:
            said = "".join(err.split())
            named = [word for word in (option.strip("-"), text, repr(text)) if "".join(word.split()) in said]
            assert code == 2 and named, (example, err)
            assert not put_back(folder, before), f"refused, and yet written by {example}"
        put_back(folder, before)
        assert code in (0, 1, 2), (example, code, err)

    tried(examples, st.tuples(st.sampled_from(options.split()), TEXTS), attempt)
