"""scripts/evaluate.py and scripts/reports/train_classifier.py, as a person runs them, on the digits."""

import functools
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from loading import script
from matplotlib.image import imread

from minigan import GAN, Condition, Dense, Network, Projection, Tanh
from minigan.backend import host_generator
from minigan.data import load
from minigan.evaluation import classifier, protocol
from minigan.plots.run_page import read_picture
from minigan.training.checkpoint import load_generator
from minigan.training.training import Training

QUICK = classifier.Recipe(hidden=(64, 32), epochs=1, least_steps=300, lr=3e-3)


@pytest.fixture(scope="module")
def cache_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def cache(cache_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache_folder))
    monkeypatch.delenv("MINIGAN_DATA", raising=False)
    monkeypatch.setattr(protocol, "classifier_for", functools.partial(classifier.classifier_for, recipe=QUICK))
    monkeypatch.setattr(protocol, "CENTERS", 400)
    monkeypatch.chdir(tmp_path)


def trained(folder, images, **config):
    """A run in the folder: the checkpoint of a generator that has learned nothing."""
    folder.mkdir()
    gan = GAN(Network(Dense(5, images.size), Tanh()), Network(Dense(images.size, 1), seed=1))
    Training(gan, images, 16).save(folder / "checkpoint.npz", **config)
    return folder


def test_a_run_is_measured_and_the_figures_are_written(tmp_path, capsys):
    run = trained(tmp_path / "run", load("digits"), data="digits", data_dir=None)
    assert script("evaluate").main(["--checkpoint", "run", "--samples", "250", "--seed", "3", "--json", "f.json"]) == 0
    result, out = json.loads(Path("f.json").read_text()), capsys.readouterr().out
    G, meta = load_generator(run / "checkpoint.npz")
    data = protocol.divided("digits")
    assert result | protocol.measured(protocol.generated(G, meta, 250, 3, data.learn), data) == result
    assert (result["samples"], result["count"]) == ("run", 250)
    assert out.startswith("250 samples of run against 299 test images of digits\n")
    mean = result["parzen"]["samples"]["mean"]
    assert f"{mean:.1f}" in out and result["classifier"]["sha256"][:12] in out


def test_a_conditional_run_is_asked_for_the_labels_of_the_data_and_measured_class_by_class(tmp_path, capsys):
    images = load("digits")
    (tmp_path / "run").mkdir()
    G = Network(Condition(10), Dense(15, 64), Tanh(), shape=(5,))
    training = Training(GAN(G, Network(Dense(64, 5), Projection(10), seed=1)), images, 16)
    training.save(tmp_path / "run" / "checkpoint.npz", data="digits")
    assert script("evaluate").main(["--checkpoint", "run", "--samples", "250", "--json", "f.json"]) == 0
    result, out = json.loads(Path("f.json").read_text()), capsys.readouterr().out.splitlines()
    data = protocol.divided("digits")
    z, asked = host_generator(0).standard_normal((250, 5), dtype="float32"), images.labels[:250]
    samples = (G(z, asked) + 1) / 2
    np.testing.assert_allclose(protocol.generated(G, {"noise": "normal"}, 250, 0, data.learn), samples, atol=1e-6)
    found = result["by_class"]
    assert found["agreement"][3] == (protocol.classifier_for(data.learn).labels(samples)[asked == 3] == 3).mean()
    assert out[-6].split()[-10:] == [str(k) for k in range(10)]
    for line, name in enumerate(("agreement", "judge", "frechet_distance", "floor", "diversity"), -5):
        scale, digits = (100, 1) if name in ("agreement", "judge") else (1, 2)
        assert out[line].split()[-10:] == [f"{scale * value:.{digits}f}" for value in found[name]]


def test_a_run_on_data_of_ones_own_is_found_by_its_settings(tmp_path, capsys, rng):
    (tmp_path / "far").mkdir()
    np.savez("far/mine.npz", images=rng.random((60, 4, 5), dtype="float32"))
    trained(tmp_path / "run", load("far/mine.npz"), data=str(tmp_path / "far" / "mine.npz"), data_dir=None)
    assert script("evaluate").main(["--checkpoint", "run", "--samples", "50"]) == 0
    out = capsys.readouterr().out
    assert "50 samples of run against 10 test images of mine.npz" in out and "has no labels" in out


@pytest.mark.slow
def test_images_in_color_are_learned_drawn_sampled_and_measured_in_color(rng):
    np.savez("tints.npz", images=rng.integers(0, 256, (40, 1, 1, 3), dtype="uint8").repeat(4, 1).repeat(4, 2))
    assert script("train_mnist").main(["--data", "tints.npz", "--out", "run", "--epochs", "2"]) == 0
    for shown in "latest", "neighbors":
        assert np.ptp(imread(f"run/{shown}.png")[..., :3], axis=2).max() > 0.1
    assert read_picture("run/latest.png").shape[2] == 3
    assert script("sample").main(["run", "--out", "tried.npz", "-n", "30"]) == 0
    assert np.load("tried.npz")["images"].shape == (30, 4, 4, 3)
    assert script("evaluate").main(["--samples-file", "tried.npz", "--data", "tints.npz"]) == 0


def test_own_samples_are_measured(capsys):
    """Training images, as if they were samples: hardly worse than others, and of every class."""
    np.savez("mine.npz", images=(load("digits").images[:500] / 16 * 255).astype("uint8"))
    script("evaluate").main(["--samples-file", "mine.npz", "--data", "digits", "--json", "f.json"])
    result = json.loads(Path("f.json").read_text())
    assert result["count"] == 500 and min(result["classes"]["samples"]) > 0.05
    expected = protocol.parzen_of(load("digits", range=(0.0, 1.0)).rows(slice(500)), protocol.divided("digits"))
    assert result["parzen"]["samples"]["mean"] == pytest.approx(expected["mean"], abs=0.2)


@pytest.mark.parametrize(
    "arguments, words",
    [
        ([], "one of the arguments --checkpoint --samples-file is required"),
        (["--checkpoint", "missing.npz"], "missing.npz: no such file: check the path"),
        (["--checkpoint", "c", "--json", "/no/folder/x.json"], "--json /no/folder/x.json: there is no folder"),
        (["--checkpoint", "c", "--json", "."], "--json .: a folder: name a file in it"),
        (["--checkpoint", "run", "--data", "small.npz"], "small.npz: 23 images are too few to be divided"),
        (["--checkpoint", "run", "--data", "other.npz"], "output has width 64, but an image of other.npz is 4x5 = 20"),
        (["--checkpoint", "small.npz"], "small.npz: not a checkpoint of minigan"),
    ],
)
def test_mistakes_are_said_in_one_line_before_anything_is_computed(
    tmp_path, monkeypatch, capsys, rng, arguments, words
):
    np.savez("small.npz", images=rng.random((23, 8, 8)))
    np.savez("other.npz", images=rng.random((50, 4, 5)))
    trained(tmp_path / "run", load("digits"), data="digits", data_dir=None)
    monkeypatch.setattr(protocol, "parzen", None)
    with pytest.raises(SystemExit) as exit:
        script("evaluate").main(arguments)
    error = capsys.readouterr().err
    assert exit.value.code == 2 and words in error and "Traceback" not in error
    assert len(error.splitlines()) == 1 or error.startswith("usage")


def test_the_classifier_is_found_or_made_anew_and_named(monkeypatch, capsys):
    module = script("train_classifier")
    train = classifier.train_classifier
    monkeypatch.setattr(classifier, "train_classifier", lambda data, recipe=None: train(data, replace(QUICK, seed=7)))
    assert module.main(["--data", "digits"]) == module.main(["--data", "digits", "--out", "new.npz"]) == 0
    announced, line, again = capsys.readouterr().out.splitlines()
    assert announced.startswith("training the classifier, once") and line == again
    shares = r"(\d\d\.\d\d)% of 299 test images and \d\d\.\d\d% of 1,498 training images right"
    found = re.fullmatch(rf"digits: {shares}; sha256 (\w{{64}})", line)
    assert float(found[1]) > 85
    with np.load("new.npz") as file:
        assert classifier.Classifier(dict(file)).sha256 == found[2]
