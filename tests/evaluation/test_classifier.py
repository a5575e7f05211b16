"""classifier: it learns, repeats itself, and no stale or damaged file is ever taken for it."""

from dataclasses import replace

import numpy as np
import pytest

from minigan import Adam, Dense, LeakyReLU, Network, to_numpy, xp
from minigan.data import Dataset, load
from minigan.data.files import DataError
from minigan.data.mnist import mnist
from minigan.evaluation.classifier import (
    SHIPPED,
    Classifier,
    Recipe,
    classifier_for,
    moved,
    rounded,
    save,
    train_classifier,
)

MNIST = "4a9125327866781c53098991d70ba98280ef69b0fd66dc2b1615b013944409a2"  # docs/recipes.md names it

QUICK = Recipe(hidden=(32, 16), epochs=1, least_steps=60, batch_size=32, lr=3e-3)


def data(n=300, seed=0):
    digits = load("digits")
    index = np.random.default_rng(seed).permutation(len(digits))[:n]
    return replace(digits, images=digits.images[index], labels=digits.labels[index])


def test_the_digits_are_learned():
    digits = load("digits")
    learn = replace(digits, images=digits.images[:1500], labels=digits.labels[:1500])
    unseen = replace(digits, images=digits.images[1500:], labels=digits.labels[1500:])
    classifier = train_classifier(learn, replace(QUICK, hidden=(64, 32), least_steps=300))
    assert classifier.accuracy(learn) > 0.95
    assert 0.85 < classifier.accuracy(unseen) < 1


def test_features_labels_and_accuracy_belong_together(each_backend, monkeypatch):
    classifier, images = train_classifier(data(), QUICK), data(40, seed=1)
    rows = replace(images, range=(0.0, 1.0)).rows()
    h, labels = classifier.features(rows), classifier.labels(rows)
    assert h.shape == (40, 16) and h.dtype == "float32" and isinstance(h, np.ndarray)
    last = classifier.network.layers[-1]
    logits = h @ to_numpy(last.W) + to_numpy(last.b)
    assert (labels == logits.argmax(axis=1)).all() and labels.dtype.kind == "i"
    assert classifier.accuracy(images) == (labels == images.labels).mean()
    assert classifier.accuracy(replace(images, range=(-1.0, 1.0))) == classifier.accuracy(images)
    np.testing.assert_allclose(classifier.features(xp.asarray(rows)), h, rtol=1e-6)
    monkeypatch.setattr("minigan.evaluation.classifier.CHUNK", 7)
    np.testing.assert_allclose(classifier.features(rows), h, rtol=1e-5, atol=1e-6)
    assert (classifier.labels(rows) == labels).all()
    with pytest.raises(ValueError, match=r"x has shape \(2, 9\), but this network takes \(N, 64\)"):
        classifier.features(np.zeros((2, 9)))


def test_one_seed_is_one_classifier():
    one, again = train_classifier(data(), QUICK), train_classifier(data(), QUICK)
    assert one.sha256 == again.sha256 and len(one.sha256) == 64
    assert one.sha256 != train_classifier(data(), replace(QUICK, seed=1)).sha256
    still = replace(QUICK, lr=1e-60)  # 0 in float32: what it started from: the weights are drawn from the seed, too
    assert train_classifier(data(), still).sha256 != train_classifier(data(), replace(still, seed=1)).sha256
    again.network.theta[0] += 1e-3
    assert one.sha256 != again.sha256


def test_weights_are_whole_multiples_of_their_columns_scale_and_hardly_moved():
    network = Network(Dense(30, 8), LeakyReLU(), Dense(8, 6), LeakyReLU(), Dense(6, 4), seed=3)
    network.layers[0].W[:, 2] = 0  # a column of zeros has no scale
    for i, layer in enumerate(Classifier(rounded(network)).network.layers[::2]):
        W = network.layers[2 * i].W
        step = abs(W).max(axis=0) / 127
        assert (abs(layer.W - W) <= 0.501 * step).all() and (layer.b == network.layers[2 * i].b).all()
        assert np.rint(layer.W / np.maximum(step, 1e-9)) == pytest.approx(layer.W / np.maximum(step, 1e-9), abs=1e-4)


@pytest.mark.slow
def test_the_classifier_of_mnist_comes_with_minigan(real_mnist, tmp_path):
    """Twice half a million numbers that nobody can see: its accuracy and its fingerprint are what the docs say."""
    classifier = classifier_for(mnist("train", real_mnist), folder=tmp_path, announce=pytest.fail)
    assert classifier.sha256 == MNIST and list(tmp_path.iterdir()) == []
    assert classifier.accuracy(mnist("test", real_mnist)) == pytest.approx(0.9876, abs=0.0003)
    assert SHIPPED.stat().st_size < 600_000


def test_the_learning_rate_falls_to_0_and_small_data_take_more_epochs(monkeypatch):
    seen = []

    class Watched(Adam):
        def step(self):
            seen.append(self.lr)
            super().step()

    monkeypatch.setattr("minigan.evaluation.classifier.Adam", Watched)
    train_classifier(data(100), replace(QUICK, batch_size=32, least_steps=10))
    assert len(seen) == 12  # epochs of 3 rounds, until there are 10
    np.testing.assert_allclose(seen, QUICK.lr * (1 - np.arange(12) / 12), rtol=1e-12)
    seen.clear()
    train_classifier(data(20), replace(QUICK, epochs=5, least_steps=1))
    assert len(seen) == 5  # fewer images than a batch


def test_images_are_moved_by_a_pixel_of_28(monkeypatch):
    moves = []
    monkeypatch.setattr(
        "minigan.evaluation.classifier.moved", lambda images, *by: moves.append(by) or moved(images, *by)
    )
    train_classifier(data(), QUICK)
    assert set(moves) == {(0, 0)}  # 8x8
    moves.clear()
    large = Dataset("large", np.kron(data(64).images, np.ones((1, 4, 4), "uint8")), labels=data(64).labels)
    train_classifier(large, QUICK)
    assert set(moves) == {(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)}


def test_a_moved_image_keeps_what_stays_inside():
    image = np.arange(1, 10).reshape(1, 3, 3)
    assert moved(image, 0, 0).tolist() == image.tolist()
    assert moved(image, 1, 0)[0].tolist() == [[0, 0, 0], [1, 2, 3], [4, 5, 6]]
    assert moved(image, -1, 2)[0].tolist() == [[0, 0, 4], [0, 0, 7], [0, 0, 0]]
    assert moved(image, 0, -1)[0].tolist() == [[2, 3, 0], [5, 6, 0], [8, 9, 0]]


def test_the_cache_spares_the_training(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    one, again = classifier_for(data(), QUICK), classifier_for(data(), QUICK)
    (path,) = (tmp_path / "minigan").iterdir()
    assert one.sha256 == again.sha256 == train_classifier(data(), QUICK).sha256
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("training the classifier, once for these data: ") and line.endswith(f"no {path} yet)")


def test_other_data_or_another_recipe_make_another_classifier(tmp_path):
    images = data()
    turned = replace(images, images=images.images[::-1]), replace(images, labels=images.labels[::-1])
    every = [(images, QUICK), (images, replace(QUICK, lr=1e-3)), *((other, QUICK) for other in turned)]
    found = {classifier_for(*given, tmp_path, len).sha256 for given in every}
    assert len(found) == len(list(tmp_path.iterdir())) == 4


def test_a_damaged_file_or_one_of_other_data_under_this_name_is_trained_anew(tmp_path):
    said = []
    one = classifier_for(data(), QUICK, tmp_path, said.append)
    (path,) = tmp_path.iterdir()
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2] + b"x" + content[len(content) // 2 + 1 :])
    assert classifier_for(data(), QUICK, tmp_path, said.append).sha256 == one.sha256
    assert len(said) == 2 and f"{path} is not a sound .npz file" in said[1]
    assert classifier_for(data(), QUICK, tmp_path, said.append).sha256 == one.sha256
    assert len(said) == 2
    save(path, train_classifier(other := data(seed=9), QUICK), other, QUICK)
    assert classifier_for(data(), QUICK, tmp_path, said.append).sha256 == one.sha256
    assert said[2].endswith(f"({path} was made of other data)")


def test_what_cannot_be_read_or_written_is_said_and_no_more(tmp_path, monkeypatch):
    (tmp_path / "own.npz").write_bytes(b"version https://git-lfs.github.com/spec/v1")
    monkeypatch.setattr("minigan.evaluation.classifier.SHIPPED", tmp_path / "own.npz")
    said = []
    assert isinstance(classifier_for(data(), QUICK, tmp_path / "own.npz", said.append), Classifier)
    assert f"{tmp_path / 'own.npz'} is not a sound .npz file" in said[0] and len(said) == 2
    assert said[1].startswith("the classifier cannot be saved, and will be trained again next time (")


@pytest.mark.parametrize(
    "labels, words",
    [
        (None, "digits has no labels, and a .* classifier learn from labels: take mnist or digits, or"),
        (np.full(300, -1), "digits: labels from -1 to -1, expected integers 0 ... K - 1, and no more classes than"),
        (np.full(300, 10**9), "digits: labels from 1000000000 to 1000000000, expected integers 0 ... K - 1, and"),
        (np.full(300, 0.5), "digits: labels are float64, expected integers 0 ... K - 1: numpy.unique"),
    ],
)
def test_data_without_labels_are_refused(labels, words):
    for make in train_classifier, classifier_for:
        with pytest.raises(DataError, match=words):
            make(replace(data(), labels=labels), QUICK)


@pytest.mark.parametrize("wrong", [{"hidden": (3,)}, {"epochs": 0}, {"lr": 0.0}, {"move": 1.5}])
def test_a_recipe_that_cannot_be_followed_is_refused(wrong):
    with pytest.raises(ValueError, match="a classifier"):
        replace(QUICK, **wrong)
