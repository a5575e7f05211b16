"""protocol and report: which images are measured against which, and what the table says of it."""

import functools
import re
from dataclasses import replace

import numpy as np
import pytest

from minigan import Dense, Network, Reshape, Sigmoid, Tanh
from minigan.backend import host_generator
from minigan.data import DataError, Dataset, load
from minigan.evaluation import protocol
from minigan.evaluation.classifier import Recipe, classifier_for
from minigan.evaluation.metrics import frechet_distance, kernel_distance, precision_recall
from minigan.evaluation.parzen import kmeans, parzen, pixelwise_gaussian
from minigan.evaluation.report import table
from minigan.gan import NOISE

QUICK = Recipe(hidden=(64, 32), epochs=1, least_steps=300, lr=3e-3)
TRAIN, VALIDATION, TEST = slice(1199), slice(1199, 1498), slice(1498, None)  # of the 1,797 digits


@pytest.fixture(scope="module")
def cache_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def cache(cache_folder, monkeypatch):
    """A cache that the tests of this file share, and nobody else, and a classifier that is trained at once."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache_folder))
    monkeypatch.delenv("MINIGAN_DATA", raising=False)
    monkeypatch.setattr(protocol, "classifier_for", functools.partial(classifier_for, recipe=QUICK))
    monkeypatch.setattr(protocol, "CENTERS", 400)
    return cache_folder / "minigan"


def rows_of(*slices):
    digits = load("digits", range=(0.0, 1.0))
    return [digits.rows(part) for part in slices]


def test_every_figure_is_that_of_the_samples_or_the_training_images_against_the_test_images(rng):
    train, validation, test = rows_of(TRAIN, VALIDATION, TEST)
    samples = np.clip(train[:250] + 0.1 * rng.standard_normal((250, 64)), 0, 1).astype("float32")
    result = protocol.measured(samples, protocol.divided("digits"))
    assert (result["data"], result["count"], result["test_images"]) == ("digits", 250, 299)
    for name, centers in (
        ("samples", samples),
        ("training images", train[:400]),
        ("k-means centroids", kmeans(train, 1199 // 5)),
        ("pixel-wise Gaussian", pixelwise_gaussian(train, 400)),
    ):
        assert result["parzen"][name] == pytest.approx(parzen(centers, validation, test)._asdict(), rel=1e-9)
    digits = load("digits")
    learn = replace(digits, images=digits.images[:1498], labels=digits.labels[:1498])
    classifier = classifier_for(learn, QUICK)
    for name, rows in ("samples", samples), ("training images", train[:299]):
        a, b = classifier.features(rows), classifier.features(test)
        expected = {"frechet_distance": frechet_distance(a, b), "kernel_distance": kernel_distance(a, b)}
        expected |= precision_recall(b, a)._asdict()
        assert result["features"][name] == pytest.approx(expected, rel=1e-6)
    shares = np.bincount(classifier.labels(samples), minlength=10) / 250
    assert result["classes"]["samples"] == pytest.approx(shares.tolist())
    assert result["classes"]["test images"] == pytest.approx((np.bincount(digits.labels[TEST]) / 299).tolist())
    assert result["classifier"]["sha256"] == classifier.sha256 and 0.85 < result["classifier"]["accuracy"] < 1


@pytest.mark.parametrize(
    ("noise", "last"), [("normal", [Tanh]), ("uniform", [Sigmoid]), ("normal", [Tanh, lambda: Reshape(64)])]
)
def test_samples_are_drawn_as_the_generator_was_trained_and_brought_to_0_and_1(noise, last):
    G = Network(Dense(5, 8), Sigmoid(), Dense(8, 64), *(layer() for layer in last))
    samples = protocol.generated(G, {"noise": noise}, 50, 3, load("digits"))
    y = G(NOISE[noise](host_generator(3), (50, 5), "float32"))
    np.testing.assert_array_equal(samples, y if last == [Sigmoid] else (y + 1) / 2)
    assert samples.min() >= 0 and samples.max() <= 1 and samples.std() > 0.02


def test_samples_of_ones_own_are_rows_in_0_to_1_of_the_datas_width(tmp_path):
    images = load("digits").images[:9]
    np.save(tmp_path / "mine.npy", images * np.float32(1 / 8) - 1)
    np.testing.assert_allclose(protocol.own(tmp_path / "mine.npy", load("digits")), images.reshape(9, 64) / 16)
    np.save(tmp_path / "other.npy", images[:, 1:])
    with pytest.raises(DataError, match=r"other\.npy holds images of 7x8, but those of digits are 8x8: name other"):
        protocol.own(tmp_path / "other.npy", load("digits"))


def test_a_generator_of_other_things_is_refused():
    for size, words in (64, "ends in Dense, whose outputs are not bounded"), (63, "an image of digits is 8x8 = 64"):
        for first in [Dense(5, 4), Tanh()], [Dense(5, 4)]:
            with pytest.raises(ValueError, match=words):
                G = Network(*first, Dense(4, size))
                protocol.generated(G, {"noise": "normal"}, 5, 0, load("digits"))


def test_mnist_is_divided_as_in_the_paper(monkeypatch):
    def images(n):
        return Dataset("mnist", np.arange(n, dtype="uint8").reshape(n, 1, 1), labels=np.zeros(n, "uint8"))

    monkeypatch.setattr(protocol, "load", lambda name, data_dir, range: replace(images(60_000), range=range))
    monkeypatch.setattr(protocol, "mnist", lambda split, data_dir: images(10_000))
    data = protocol.divided("mnist", None)
    assert [len(part) for part in data[1:]] == [60_000, 50_000, 10_000, 10_000]
    assert (data.validation.images == data.learn.images[50_000:]).all() and len(data.validation.labels) == 10_000
    assert {part.range for part in data[1:]} == {(0.0, 1.0)}


def test_a_run_is_measured_against_its_own_data_wherever_the_user_stands(tmp_path, monkeypatch, rng):
    path = tmp_path / "far" / "mine.npz"
    path.parent.mkdir()
    np.savez(path, images=rng.random((60, 4, 5), dtype="float32"))

    def meta(n=60):
        """That of a checkpoint trained on the first n."""
        data = load(path)
        saved = {"name": data.name, "images": n, "sha256": replace(data, images=data.images[:n]).sha256}
        return {"dataset": saved, "config": {"data": str(path), "data_dir": None}}

    monkeypatch.chdir(tmp_path)
    np.savez("mine.npz", images=rng.random((90, 4, 5)))  # another file of that name
    some = replace(load("digits"), images=load("digits").images[:500], labels=None)  # of data with labels
    meta_of_some = {"dataset": {"name": "digits", "images": 500, "sha256": some.sha256}}
    assert protocol.trained_on(meta_of_some).learn.labels is not None
    for n in 60, 30:  # all, or a dry run's
        data = protocol.trained_on(meta(n))
        assert (len(data.learn), len(data.test)) == (50, 10)
        assert (data.learn.images == load(path).images[:50]).all()
    before = meta()
    np.savez(path, images=rng.random((60, 4, 5), dtype="float32"))
    with pytest.raises(DataError, match=r"was trained on mine.npz with SHA-256 \w+, but .*/mine.npz is now .* --data"):
        protocol.trained_on(before)


def test_the_folder_of_the_run_is_used_unless_another_is_named(tmp_path, monkeypatch):
    asked = []
    digits = load("digits")
    monkeypatch.setattr(protocol, "load", lambda name, data_dir, range: asked.append((name, data_dir)) or digits)
    meta = {"dataset": {"name": "digits"}, "config": {"data": "idx", "data_dir": "/of/the/run"}}
    protocol.trained_on(meta)
    protocol.trained_on(meta, "/moved")
    protocol.trained_on({"dataset": {"name": "digits", "shape": [8, 8]}})  # a cell of compare_objectives.py
    assert asked == [("idx", "/of/the/run"), ("idx", "/moved"), ("digits", None)]


def test_a_checkpoint_of_no_images_is_refused():
    with pytest.raises(DataError, match="was trained on ring, points and no images: name what to measure against"):
        protocol.trained_on({"dataset": {"name": "ring"}})
    with pytest.raises(DataError, match=r"was trained on data that it does not name: name what .* with --data"):
        protocol.trained_on({})


def test_what_is_slow_is_computed_once_for_the_same_data(monkeypatch, capsys):
    (samples,) = rows_of(slice(50))
    data = protocol.divided("digits")
    once = protocol.measured(samples, data)
    monkeypatch.setattr(protocol, "kmeans", None)
    assert protocol.measured(samples, data) == once
    other = protocol.measured(rows_of(slice(50, 100))[0], data)
    assert other["parzen"].pop("samples") != once["parzen"].pop("samples") and other["parzen"] == once["parzen"]
    assert other["features"]["training images"] == once["features"]["training images"]
    assert other["features"]["samples"] != once["features"]["samples"]


def test_a_damaged_or_unwritable_cache_is_said_and_no_more(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert protocol.remembered("answer", lambda: 42, "key") == 42
    (path,) = (tmp_path / "minigan").iterdir()
    assert protocol.remembered("answer", lambda: 43, "key") == 42
    assert protocol.remembered("answer", lambda: 43, "other key") == 43
    path.write_text("not JSON")
    assert protocol.remembered("answer", lambda: 44, "key") == 44
    said = capsys.readouterr().err
    assert said.count("computing the answer, once for these data") == said.count("\n") == 3
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert protocol.remembered("answer", lambda: 45, "key") == 45
    assert "the answer cannot be saved, and will be computed again next time (" in capsys.readouterr().err


def result(data):
    """What `measured` gives, with figures that can be told from one another in the table."""
    parzen = {"mean": 200.0, "standard_error": 2.0, "sigma": 0.1}
    names = "frechet_distance", "kernel_distance", "precision", "recall"
    columns = {"samples": (6.0, 0.25, 0.5, 0.625), "training images": (2.0, 0.125, 0.75, 0.875)}
    return {
        "samples": "x", "count": 9, "data": data, "test_images": 8,
        "parzen": {"samples": parzen, "training images": {**parzen, "mean": 241.0, "sigma": 0.167}},
        "features": {name: dict(zip(names, figures, strict=True)) for name, figures in columns.items()},
        "classes": {"samples": [0.25, 0.75], "test images": [0.5, 0.5]},
        "classifier": {"sha256": "0123456789abcdef", "accuracy": 0.98765},
    }  # fmt: skip


def test_the_table_says_what_is_better_and_gives_real_images_and_the_recipe_beside_the_samples():
    out = table(result("mnist"))
    assert out.startswith("9 samples of x against 8 test images of mnist\n")
    for line in (
        r"Parzen log-likelihood of the test images, nats: more is better +mean +SE +sigma",
        r"  samples +200\.0 +2\.0 +0\.100  \(the smallest tried\)",
        r"  training images +241\.0 +2\.0 +0\.167",
        r"  recipe default, 40 epochs +230\.9",
        r"In the features of the classifier +samples +training images +recipe default",
        r"  Frechet distance, less is better +6\.0000 +2\.0000 +2\.9800",
        r"  kernel distance, less is better +0\.2500 +0\.1250 +0\.0232",
        r"  precision, more is better +0\.5000 +0\.7500 +0\.7500",
        r"  recall, more is better +0\.6250 +0\.8750 +0\.8000",
        r"Frechet distance in units of that of training images: samples 3\.0, .*recipe default 1\.5\.",
        r"Compare with figures of the same classifier only: 0123456789ab, which is right for 98\.77% of .*",
        r"  samples +25\.0  75\.0",
    ):
        assert re.search(f"^{line}$", out, re.M), line
    assert "published (Goodfellow et al. 2014): adversarial nets 225 ± 2" in out
    assert "Theis, van den Oord and Bethge 2016" in out


def test_other_data_have_no_recipe_and_unlabeled_ones_no_classifier():
    out = table(result("digits"))
    assert "recipe" not in out and "Goodfellow" not in out and "samples 3.0, training images 1.0." in out
    unlabeled = {key: value for key, value in result("mine").items() if key not in ("features", "classes")}
    last = table(unlabeled).splitlines()[-1]
    assert last == "mine has no labels: no classifier, and no measures in its features"
