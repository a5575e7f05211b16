"""classifier: it learns, repeats itself, and no stale or damaged file is ever taken for it."""

from dataclasses import replace

import numpy as np
import pytest

from minigan import Adam, to_numpy, xp
from minigan.classifier import Classifier, Recipe, classifier_for, moved, train_classifier
from minigan.data import Dataset, load
from minigan.files import DataError

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


def test_features_labels_and_accuracy_belong_together(each_backend):
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


def test_many_images_are_taken_in_chunks(monkeypatch):
    classifier = train_classifier(data(), QUICK)
    rows = replace(data(50, seed=2), range=(0.0, 1.0)).rows()
    whole, labels = classifier.features(rows), classifier.labels(rows)
    monkeypatch.setattr("minigan.classifier.CHUNK", 7)
    np.testing.assert_allclose(classifier.features(rows), whole, rtol=1e-5, atol=1e-6)
    assert (classifier.labels(rows) == labels).all()


def test_images_of_another_width_are_refused():
    with pytest.raises(ValueError, match=r"x has shape \(2, 9\), but this network takes \(N, 64\)"):
        train_classifier(data(), QUICK).features(np.zeros((2, 9)))


def test_one_seed_is_one_classifier():
    one, again = train_classifier(data(), QUICK), train_classifier(data(), QUICK)
    assert one.sha256 == again.sha256 and len(one.sha256) == 64
    assert one.sha256 != train_classifier(data(), replace(QUICK, seed=1)).sha256
    still = replace(QUICK, lr=1e-60)  # 0 in float32: what it started from: the weights are drawn from the seed, too
    assert train_classifier(data(), still).sha256 != train_classifier(data(), replace(still, seed=1)).sha256
    again.network.theta[0] += 1e-3
    assert one.sha256 != again.sha256


def test_the_learning_rate_falls_to_0_and_small_data_take_more_epochs(monkeypatch):
    seen = []

    class Watched(Adam):
        def step(self):
            seen.append(self.lr)
            super().step()

    monkeypatch.setattr("minigan.classifier.Adam", Watched)
    train_classifier(data(100), replace(QUICK, batch_size=32, least_steps=10))
    assert len(seen) == 12  # epochs of 3 rounds, until there are 10
    np.testing.assert_allclose(seen, QUICK.lr * (1 - np.arange(12) / 12), rtol=1e-12)
    seen.clear()
    train_classifier(data(20), replace(QUICK, epochs=5, least_steps=1))
    assert len(seen) == 5  # fewer images than a batch


def test_images_are_moved_by_a_pixel_of_28(monkeypatch):
    moves = []
    monkeypatch.setattr("minigan.classifier.moved", lambda images, *by: moves.append(by) or moved(images, *by))
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


def test_the_cache_spares_the_training(tmp_path):
    said = []
    one = classifier_for(data(), QUICK, tmp_path / "new", said.append)
    again = classifier_for(data(), QUICK, tmp_path / "new", said.append)
    (path,) = (tmp_path / "new").iterdir()
    assert one.sha256 == again.sha256 == train_classifier(data(), QUICK).sha256
    assert said == [f"training the classifier, less than a minute for MNIST (there is no {path} yet)"]


@pytest.mark.parametrize("other", ["images", "labels", "recipe"])
def test_other_data_or_another_recipe_make_another_classifier(tmp_path, other):
    said, images, recipe = [], data(), QUICK
    one = classifier_for(images, recipe, tmp_path, said.append)
    if other == "images":
        images = replace(images, images=images.images[::-1])
    elif other == "labels":
        images = replace(images, labels=images.labels[::-1])
    else:
        recipe = replace(recipe, lr=1e-3)
    assert classifier_for(images, recipe, tmp_path, said.append).sha256 != one.sha256
    assert len(said) == 2 and len(list(tmp_path.iterdir())) == 2


def test_a_damaged_file_is_trained_anew(tmp_path):
    said = []
    one = classifier_for(data(), QUICK, tmp_path, said.append)
    (path,) = tmp_path.iterdir()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert classifier_for(data(), QUICK, tmp_path, said.append).sha256 == one.sha256
    assert len(said) == 2 and "its checksum does not agree" in said[1]
    assert classifier_for(data(), QUICK, tmp_path, said.append).sha256 == one.sha256
    assert len(said) == 2


def test_a_sound_file_of_other_data_under_this_name_is_trained_anew(tmp_path):
    said = []
    one = classifier_for(data(), QUICK, tmp_path, said.append)
    (path,) = tmp_path.iterdir()
    other = classifier_for(data(seed=9), QUICK, tmp_path, said.append)
    (wrong,) = set(tmp_path.glob("classifier-????????????????.npz")) - {path}
    path.write_bytes(wrong.read_bytes())
    again = classifier_for(data(), QUICK, tmp_path, said.append)
    assert again.sha256 == one.sha256 != other.sha256 and said[2].endswith(f"({path} was made of other data)")


def test_a_folder_that_cannot_be_written_is_said_and_no_more(tmp_path):
    (tmp_path / "file").write_text("in the way")
    said = []
    classifier = classifier_for(data(), QUICK, tmp_path / "file", said.append)
    assert isinstance(classifier, Classifier) and len(said) == 2
    assert said[1].startswith("the classifier cannot be saved, and will be trained again next time (")


def test_the_default_cache_is_minigans(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    classifier_for(data(), QUICK)
    assert len(list((tmp_path / "minigan").glob("classifier-*.npz"))) == 1
    assert capsys.readouterr().out.startswith("training the classifier")


@pytest.mark.parametrize(
    "labels, words",
    [
        (None, "digits has no labels, and a classifier learns from labels: take mnist or digits"),
        (np.full(300, -1), "digits: labels from -1 to -1, int64: expected integers 0 ... K - 1"),
        (np.full(300, 0.5), "digits: labels from 0.5 to 0.5, float64: expected integers 0 ... K - 1"),
    ],
)
@pytest.mark.parametrize("make", [train_classifier, classifier_for])
def test_data_without_labels_are_refused(make, labels, words):
    with pytest.raises(DataError) as error:
        make(replace(data(), labels=labels), QUICK)
    assert str(error.value) == words
