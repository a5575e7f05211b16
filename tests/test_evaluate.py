"""scripts/evaluate.py and scripts/train_classifier.py, on the digits."""

import functools
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from loading import script

from minigan import GAN, Dense, Network, Sigmoid, Tanh
from minigan.checkpoint import load_generator
from minigan.classifier import Recipe, classifier_for
from minigan.data import Dataset, load
from minigan.gan import NOISE
from minigan.metrics import frechet_distance, kernel_distance, precision_recall
from minigan.parzen import kmeans, parzen, pixelwise_gaussian
from minigan.training import Training

ROOT = Path(__file__).resolve().parents[1]
QUICK = Recipe(hidden=(64, 32), epochs=1, least_steps=300, lr=3e-3)


@pytest.fixture(scope="module")
def cache_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def cache(cache_folder, monkeypatch):
    """A cache that the tests of this file share, and nobody else."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache_folder))
    monkeypatch.delenv("MINIGAN_DATA", raising=False)
    return cache_folder / "minigan"


@pytest.fixture
def module(cache, monkeypatch):
    module = script("evaluate")
    monkeypatch.setattr(module, "classifier_for", functools.partial(classifier_for, recipe=QUICK))
    monkeypatch.setattr(module, "CENTERS", 400)
    return module


@pytest.fixture
def evaluate(module, tmp_path, capsys):
    """evaluate(*arguments): (what was written as JSON, what was printed)."""

    def evaluate(*arguments):
        assert module.main([*map(str, arguments), "--json", str(tmp_path / "figures.json")]) == 0
        return json.loads((tmp_path / "figures.json").read_text()), capsys.readouterr().out

    return evaluate


def checkpoint_of(path, data, last, noise="normal"):
    """A checkpoint of a generator that has learned nothing."""
    G = Network(Dense(5, 32), Tanh(), Dense(32, data.size), *last)
    gan = GAN(G, Network(Dense(data.size, 1), seed=1), noise=noise)
    Training(gan, replace(data, range=last[0].range), 32).save(path)
    return path


@pytest.fixture
def trained(tmp_path):
    return checkpoint_of(tmp_path / "checkpoint.npz", load("digits"), [Tanh()])


def rows_of(*slices):
    digits = load("digits", range=(0.0, 1.0))
    return [digits.rows(part) for part in slices]


def test_a_checkpoint_is_measured_in_every_way(evaluate, trained):
    result, out = evaluate("--checkpoint", trained.parent, "--samples", 250, "--seed", 3)
    assert (result["data"], result["count"], result["test_images"]) == ("digits", 250, 299)
    G, _ = load_generator(trained)
    samples = (G(np.random.Generator(np.random.PCG64((1, 3))).standard_normal((250, 5), dtype="float32")) + 1) / 2
    train, validation, test = rows_of(slice(1199), slice(1199, 1498), slice(1498, None))
    assert result["parzen"]["samples"] == pytest.approx(parzen(samples, validation, test)._asdict(), rel=1e-9)
    for name, centers in (
        ("training images", train[:400]),
        ("k-means centroids", kmeans(train, 1199 // 5)),
        ("pixel-wise Gaussian", pixelwise_gaussian(train, 400)),
    ):
        assert result["parzen"][name] == pytest.approx(parzen(centers, validation, test)._asdict(), rel=1e-9)
    assert list(result["parzen"]) == ["samples", "training images", "k-means centroids", "pixel-wise Gaussian"]
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
    assert result["classes"]["test images"] == pytest.approx((np.bincount(digits.labels[1498:]) / 299).tolist())
    assert result["classifier"]["sha256"] == classifier.sha256 and 0.85 < result["classifier"]["accuracy"] < 1
    assert out.startswith(f"250 samples of {trained} against 299 test images of digits\n")
    for name, row in result["parzen"].items():
        assert re.search(rf"^  {name} +{row['mean']:.1f} +{row['standard_error']:.1f} +{row['sigma']:.3f}", out, re.M)
    samples, floor = result["features"].values()
    for name in samples:
        shown = name.replace("_", " ").replace("frechet", "Frechet")
        assert re.search(rf"^  {shown} +{samples[name]:.4f} +{floor[name]:.4f}$", out, re.M)
    assert "Theis, van den Oord and Bethge 2016" in out and classifier.sha256[:12] in out
    assert "Goodfellow" not in out  # whose figures are those of MNIST


@pytest.mark.parametrize("noise", ["normal", "uniform"])
@pytest.mark.parametrize("last", [Tanh, Sigmoid])
def test_samples_are_drawn_as_the_generator_was_trained(evaluate, tmp_path, last, noise, monkeypatch, module):
    seen = {}
    monkeypatch.setattr(module, "in_features", lambda samples, data: seen.update(samples=samples) or {})
    path = checkpoint_of(tmp_path / "c.npz", load("digits"), [last()], noise)
    evaluate("--checkpoint", path, "--samples", 50)
    z = NOISE[noise](np.random.Generator(np.random.PCG64((1, 0))), (50, 5), "float32")
    y = load_generator(path)[0](z)
    np.testing.assert_array_equal(seen["samples"], (y + 1) / 2 if last is Tanh else y)


def test_what_is_slow_is_computed_once_for_the_same_data(evaluate, module, trained, capsys, monkeypatch):
    once, _ = evaluate("--checkpoint", trained, "--samples", 50)
    monkeypatch.setattr(module, "kmeans", None)
    again, _ = evaluate("--checkpoint", trained, "--samples", 50)
    assert once == again
    other, _ = evaluate("--checkpoint", trained, "--samples", 50, "--seed", 1)
    assert other["parzen"]["samples"] != once["parzen"]["samples"] and other["classes"] != once["classes"]
    assert {k: v for k, v in other["parzen"].items() if k != "samples"} == {
        k: v for k, v in once["parzen"].items() if k != "samples"
    }
    assert other["features"]["training images"] == once["features"]["training images"]


def test_a_damaged_or_unwritable_cache_is_said_and_no_more(module, cache_folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert module.remembered("answer", lambda: 42, "key") == 42
    (path,) = (tmp_path / "minigan").iterdir()
    assert module.remembered("answer", lambda: 43, "key") == 42
    assert module.remembered("answer", lambda: 43, "other key") == 43
    path.write_text("not JSON")
    assert module.remembered("answer", lambda: 44, "key") == 44
    assert capsys.readouterr().err == 3 * "computing the answer, once for these data\n"
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert module.remembered("answer", lambda: 45, "key") == 45
    assert "the answer cannot be saved, and will be computed again next time (" in capsys.readouterr().err


@pytest.mark.parametrize("scale, dtype", [(255, "uint8"), (1, "float32")])
def test_own_samples_are_measured(evaluate, tmp_path, scale, dtype):
    """Training images, as if they were samples: hardly worse than others, and of every class."""
    digits = load("digits")
    np.savez(tmp_path / "mine.npz", images=(digits.images[:500] / 16 * scale).astype(dtype))
    result, _ = evaluate("--samples-file", tmp_path / "mine.npz", "--data", "digits")
    assert result["count"] == 500 and min(result["classes"]["samples"]) > 0.05
    (samples,) = rows_of(slice(500))
    _, validation, test = rows_of(slice(1199), slice(1199, 1498), slice(1498, None))
    assert result["parzen"]["samples"]["mean"] == pytest.approx(parzen(samples, validation, test).mean, abs=0.2)
    assert (
        result["features"]["samples"]["frechet_distance"]
        < 3 * result["features"]["training images"]["frechet_distance"]
    )


def test_data_without_labels_have_no_measures_in_features(evaluate, tmp_path, rng):
    np.savez(tmp_path / "data.npz", images=rng.random((60, 4, 5), dtype="float32"))
    np.savez(tmp_path / "mine.npz", images=rng.random((30, 4, 5), dtype="float32"))
    result, out = evaluate("--samples-file", tmp_path / "mine.npz", "--data", tmp_path / "data.npz")
    assert "features" not in result and result["parzen"].keys() > {"samples", "training images"}
    assert out.splitlines()[-1] == "data.npz has no labels: no classifier, and no measures in its features"


def test_mnist_is_divided_as_in_the_paper(module, monkeypatch):
    def images(n):
        return Dataset("mnist", np.arange(n, dtype="uint8").reshape(n, 1, 1), labels=np.zeros(n, "uint8"))

    monkeypatch.setattr(module, "load", lambda name, data_dir, range: replace(images(60_000), range=range))
    monkeypatch.setattr(module, "mnist", lambda split, data_dir: images(10_000))
    data = module.divided("mnist", None)
    assert [len(part) for part in data[1:]] == [60_000, 50_000, 10_000, 10_000]
    assert (data.validation.images == data.learn.images[50_000:]).all() and len(data.validation.labels) == 10_000
    assert {part.range for part in data[1:]} == {(0.0, 1.0)}


def test_published_figures_stand_beside_those_of_mnist(module):
    row = {"mean": 200.0, "standard_error": 2.0, "sigma": 0.1}
    result = {"count": 9, "samples": "x", "test_images": 8, "data": "mnist", "parzen": {"samples": row}}
    out = module.table(result)
    assert "published (Goodfellow et al. 2014): adversarial nets 225 ± 2" in out
    assert re.search(r"samples +200\.0 +2\.0 +0\.100  \(the smallest tried\)$", out, re.M)


@pytest.mark.parametrize(
    "arguments, words",
    [
        ([], "one of the arguments --checkpoint --samples-file is required"),
        (["--checkpoint", "c", "--samples-file", "s"], "not allowed with argument"),
        (["--checkpoint", "missing.npz"], "missing.npz: no such file: check the path"),
        (["--samples-file", "missing.npz", "--data", "digits"], "missing.npz: no such file: check the path"),
        (["--checkpoint", "c", "--samples", "3"], "expected a whole number of at least 4, not '3'"),
        (["--checkpoint", "c", "--json", "/no/folder/x.json"], "--json /no/folder/x.json: there is no folder"),
        (["--checkpoint", "{trained}", "--data", "mnist", "--data-dir", "/no"], "data_dir: there is no folder /no"),
        (["--checkpoint", "{trained}", "--data", "{small}"], "small.npz: 23 images are too few to be divided"),
        (
            ["--checkpoint", "{trained}", "--data", "{other}"],
            "the generator's output is 64 wide, but an image of other",
        ),
        (["--checkpoint", "{open}"], "the generator ends in Dense, whose outputs are not bounded"),
        (["--samples-file", "{other}", "--data", "digits"], "holds images of 4x5, but those of digits are 8x8: name"),
    ],
)
def test_mistakes_are_said_in_one_line(module, trained, tmp_path, monkeypatch, capsys, rng, arguments, words):
    monkeypatch.chdir(tmp_path)
    np.savez("small.npz", images=rng.random((23, 8, 8)))
    np.savez("other.npz", images=rng.random((50, 4, 5)))
    if "{open}" in arguments:
        G = Network(Dense(5, 64))
        gan = GAN(G, Network(Dense(64, 1), seed=1))
        monkeypatch.setattr(Dataset, "check_generator", lambda *_: None)
        training = Training(gan, load("digits"), 32)
        training.save("open.npz")
        monkeypatch.undo()
        monkeypatch.chdir(tmp_path)
    places = {"trained": trained, "small": "small.npz", "other": "other.npz", "open": "open.npz"}
    with pytest.raises(SystemExit) as exit:
        module.main([argument.format(**places) for argument in arguments])
    error = capsys.readouterr().err
    assert exit.value.code == 2 and words in error and "Traceback" not in error
    assert len(error.splitlines()) == 1 or error.startswith("usage")


def test_the_classifier_is_trained_once(cache, monkeypatch, capsys):
    monkeypatch.syspath_prepend(ROOT / "scripts")
    module = script("train_classifier")
    monkeypatch.setattr(module, "classifier_for", functools.partial(classifier_for, recipe=replace(QUICK, seed=7)))
    assert module.main(["--data", "digits"]) == module.main(["--data", "digits"]) == 0
    first, line, again = capsys.readouterr().out.splitlines()
    assert first.startswith("training the classifier, less than a minute for MNIST (there is no")
    pattern = (
        r"digits: (\d\d\.\d\d)% of 299 test images and \d\d\.\d\d% of 1,498 training images right; sha256 \w{64}; "
    )
    assert float(re.match(pattern, line)[1]) > 85
    assert line.split(";")[:2] == again.split(";")[:2]
    with pytest.raises(SystemExit) as exit:
        module.main(["--data", "nothing"])
    assert exit.value.code == 2
