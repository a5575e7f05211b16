"""Measures of a conditional generator, on samples whose figures are known."""

from types import SimpleNamespace

import numpy as np
import pytest

from minigan.data import DataError, Dataset
from minigan.evaluation.conditional import as_often, by_class
from minigan.evaluation.metrics import frechet_distance
from minigan.evaluation.protocol import Data

LABELS = np.arange(40) % 2
ROWS = np.random.default_rng(0).random((40, 6), dtype="float32") * 0.2 + 0.5 * LABELS[:, None]


def dataset(rows, labels):
    return Dataset("two", rows.reshape(-1, 2, 3), stored=(0, 1), range=(0.0, 1.0), labels=labels)


def parts(train=slice(20, None), test=slice(20)):
    train, test = (dataset(ROWS[index], LABELS[index]) for index in (train, test))
    return Data("two", train, train, train, test)


SEES = SimpleNamespace(features=lambda rows: 2 * rows, labels=lambda rows: (rows.mean(axis=1) > 0.4).astype(int))


def test_each_class_is_measured_by_itself_against_its_own_test_images():
    """Of class 0, the test images themselves; of class 1 one image again and again, and a quarter of them zeros."""
    data = parts()
    asked = np.repeat([0, 1], [10, 8])
    ones = np.tile(ROWS[1], (8, 1))
    ones[:2] = ROWS[0]
    found = by_class(np.concatenate((ROWS[:20][LABELS[:20] == 0], ones)), asked, data, SEES)
    assert found["agreement"] == [1.0, 0.75] and found["judge"] == [
        (SEES.labels(ROWS[:20])[LABELS[:20] == k] == k).mean() for k in (0, 1)
    ]
    assert found["frechet_distance"][0] == pytest.approx(0, abs=1e-6) and found["frechet_distance"][1] > 1
    assert found["diversity"][0] == pytest.approx(1)
    test = ROWS[:20][LABELS[:20] == 1]
    spread = np.mean([np.linalg.norm(a - b) for i, a in enumerate(test) for b in test[:i]])
    apart = np.linalg.norm(ROWS[0] - ROWS[1])
    assert found["diversity"][1] == pytest.approx(2 * 6 / 28 * apart / spread, rel=1e-4)
    for label, n in (0, 10), (1, 8):  # of as many training images as there are samples
        train, test = (2 * ROWS[index][LABELS[index] == label] for index in (slice(20, 40), slice(20)))
        floor = frechet_distance(train[:n], test)
        assert found["floor"][label] == pytest.approx(floor, abs=1e-6)


def test_labels_are_asked_for_as_often_as_they_are_in_the_data():
    data = dataset(ROWS[:3], np.array([1, 0, 0]))
    assert as_often(data, 7).tolist() == [1, 0, 0, 1, 0, 0, 1]


@pytest.mark.parametrize(
    ("n", "data", "message"),
    [
        (6, parts(test=slice(3)), "two: 1 test images of class 1, and at least 2 are measured"),
        (6, parts(train=slice(37, None)), "two: 1 training images of class 0"),
        (3, parts(), "two: 1 samples of class 1"),
    ],
)
def test_too_few_images_of_a_class_are_refused(n, data, message):
    with pytest.raises(DataError, match=message):
        by_class(ROWS[:n], LABELS[:n], data, SEES)
    with pytest.raises(ValueError, match=r"asked must have shape .3,., not .2,."):
        by_class(ROWS[:3], LABELS[:2], parts(), SEES)
