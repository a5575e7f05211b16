"""The scripts on a conditional game: trained, drawn by label, and measured, on the digits."""

import json

import numpy as np
import pytest
from loading import script
from matplotlib.image import imread

from minigan.data import load
from minigan.training import Training, checkpoint
from minigan.training.recipes import RECIPES

TRAIN = "--data", "digits", "--device", "cpu", "--dry-run"


def called(name, *args):
    return script(name).main([*map(str, args)])


def refused(capsys, name, *args):
    """The one line with which a script refuses these arguments."""
    with pytest.raises(SystemExit) as stop:
        called(name, *args)
    err = capsys.readouterr().err
    assert stop.value.code == 2 and err.count("\n") == 1
    return err


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with the run of a conditional game, and of one without labels, that have learned nothing."""
    folder, data = tmp_path_factory.mktemp("runs"), load("digits")
    for name, recipe, classes in ("r", "default", 10), ("images", "convolutional", 10), ("plain", "default", None):
        (folder / name).mkdir()
        gan = RECIPES[recipe].make(data, 10, classes=classes)
        Training(gan, data, 64).save(folder / name / "checkpoint.npz", data="digits")
    return folder


@pytest.fixture(params=["r", "images"])
def run(trained, request):
    return trained / request.param


def arrays(run, tmp_path, *args):
    """What sample.py writes, as {name: array}."""
    assert called("sample", run, "--out", tmp_path / "s.npz", *args) == 0
    with np.load(tmp_path / "s.npz") as archive:
        return dict(archive)


@pytest.mark.usefixtures("undrawn")
def test_that_a_game_is_conditional_is_recorded_and_kept_by_a_resume(tmp_path):
    run = tmp_path / "r"
    assert called("train_mnist", *TRAIN, "--conditional", "--out", run) == 0
    G, meta = checkpoint.load_generator(run / "checkpoint.npz")
    assert G.classes == 10 and meta["config"]["conditional"] is True and "labels" in meta["dataset"]
    assert json.loads((run / "config.json").read_text())["conditional"] is True
    assert imread(run / "latest.png").shape[:2] == (500, 400)
    assert called("train_mnist", "--resume", run, "--epochs", 3) == 0
    assert checkpoint.read(run / "checkpoint.npz")[1]["epoch"] == 3


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("recipe", ["default", "convolutional"])
def test_an_auxiliary_classifier_is_played_without_telling_d_the_labels(recipe, tmp_path):
    settings = "--conditional", "--objective", "auxiliary-classifier", "--penalty", "r1:1", "--recipe", recipe
    assert called("train_mnist", *TRAIN, *settings, "--out", tmp_path / "r") == 0
    _, meta = checkpoint.read(tmp_path / "r" / "checkpoint.npz")
    D = meta["discriminator"]["network"]["layers"]
    assert meta["objective"]["objective"] == "AuxiliaryClassifier" and D[-1]["n_out"] == 11
    assert not {"Condition", "Projection"} & {layer["layer"] for layer in D}
    assert called("train_mnist", "--resume", tmp_path / "r", "--epochs", 3) == 0


def test_a_table_has_a_row_for_each_label_and_the_same_noise_down_a_column(run, tmp_path):
    G, _ = checkpoint.load_generator(run / "checkpoint.npz")
    z = script("sample").host_generator(0).standard_normal((8, 100), dtype="float32")
    for args, labels in ((), range(10)), (("--labels", "7,3"), (7, 3)), (("--labels", "73"), (7, 3)):
        found = arrays(run, tmp_path, *args)
        assert found["labels"].tolist() == np.repeat(labels, 8).tolist()
        for i, label in enumerate(labels):
            expected = G(z, np.full(8, label)).reshape(8, 8, 8)
            np.testing.assert_allclose(found["images"][8 * i : 8 * i + 8], expected, atol=1e-5)
    found = arrays(run, tmp_path, "--label", 7)
    assert set(found["labels"]) == {7} and len(found["images"]) == 64


def test_a_walk_between_labels_begins_and_ends_at_what_they_draw(run, tmp_path):
    walk = arrays(run, tmp_path, "--labels", "172", "--interpolate", 5, "-n", 3)
    images = walk["images"].reshape(3, 2, 5, 8, 8)  # noise, pair of labels, step
    drawn = arrays(run, tmp_path, "--labels", "172", "-n", 3)["images"].reshape(3, 3, 8, 8)
    for noise in range(3):
        ends = images[noise, 0, 0], images[noise, 0, -1], images[noise, 1, 0], images[noise, 1, -1]
        for end, label in zip(ends, (0, 1, 1, 2), strict=True):
            np.testing.assert_allclose(end, drawn[label, noise], atol=1e-5)
    G, _ = checkpoint.load_generator(run / "checkpoint.npz")
    x = np.zeros((1, 110), "float32")
    x[0, :100], x[0, [101, 107]] = script("sample").host_generator(0).standard_normal((3, 100), dtype="float32")[0], 0.5
    for layer in G.layers[1:]:
        x = layer.forward(x)
    np.testing.assert_allclose(images[0, 0, 2].ravel(), x[0], atol=1e-5)
    assert "labels" not in walk and arrays(run, tmp_path, "--label", 4, "--interpolate", 3)["images"].shape[0] == 192


def test_labels_that_there_are_not_are_refused_in_one_line(trained, run, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for folder, args, message in (
        (run, ["--label", "10"], "there is no label '10': the labels are 0 ... 9"),
        (run, ["--labels", "1a"], "there is no label 'a'"),
        (run, ["--label", ""], "there is no label ''"),
        (run, ["--labels", "1", "--interpolate", "3"], "name two, --labels 17"),
        (run, ["--label", "1", "--labels", "12"], "not allowed with argument"),
        (trained / "plain", ["--label", "1"], "was trained without labels: leave out --label"),
    ):
        assert message in refused(capsys, "sample", folder, *args).replace("\n  ", " ")
    np.savez("mine.npz", images=np.zeros((40, 8, 8), "uint8") + np.arange(8, dtype="uint8"))
    said = "auxiliary-classifier: D says the class of each image, and learns it from the labels: give --conditional"
    assert said in refused(capsys, "train_mnist", *TRAIN, "--objective", "auxiliary-classifier")
    for args, message in (
        (["--data", "mine.npz"], "mine.npz has no labels, and a conditional game"),
        (
            ["--data", "digits", "--recipe", "dcgan"],
            "the recipe dcgan takes no labels, its make has no",
        ),
    ):
        assert message in refused(capsys, "train_mnist", "--conditional", *args)
