"""scripts/augment.py: the cells, what each classifier learns from, and the intervals."""

import json
from dataclasses import replace

import numpy as np
import pytest
from loading import script

from minigan.data import Dataset, load
from minigan.training import Training
from minigan.training.recipes import RECIPES

SHORT = "--data", "digits", "--device", "cpu", "--rounds", "10", "--steps", "10", "--seeds", "1", "--json", "a.jsonl"
augment = script("augment")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MINIGAN_DATA", raising=False)


def rows():
    with open("a.jsonl") as file:
        return [json.loads(line) for line in file]


@pytest.mark.slow
def test_few_labels_are_measured_cell_by_cell_and_not_twice(capsys, monkeypatch):
    assert augment.main([*SHORT, "--labels", "3", "10"]) == 0
    found, out = rows(), capsys.readouterr().out
    assert [(row["labels"], row["seed"]) for row in found] == [(3, 0), (10, 0)]
    assert all(list(row["accuracy"]) == ["none", "shifts", "generated", "both"] for row in found)
    lines = out.splitlines()
    assert [line.split(" | ")[:2] for line in lines[2:4]] == [["| 3", "1"], ["| 10", "1"]]
    monkeypatch.setattr(augment, "of_few", None)
    assert augment.main([*SHORT, "--labels", "10"]) == 0
    assert rows() == found and capsys.readouterr().out.splitlines()[2] == lines[3]


def test_each_classifier_learns_from_what_its_column_says(monkeypatch):
    """The same real images everywhere, none of them a test image, and each generated one with the label asked for."""
    data, seen = augment.divided("digits"), []
    monkeypatch.setattr(augment, "fitted", lambda few, rounds, seed: fake)
    monkeypatch.setattr(augment, "judged", lambda images, test, cell, move: seen.append((images, test, move)))

    def fake(z, y):
        return np.repeat(np.asarray(y, "float32")[:, None] / 5 - 1, 64, axis=1)  # all of a gray that says the label

    fake.n_in = 100
    accuracy = augment.of_few({"labels": 4, "seed": 3, "rounds": 1, "steps": 1}, data)
    (none, test, at_rest), (shifted, _, move), (more, _, _), (both, _, most) = seen
    few = augment.few_of(data.learn, 4, 3)
    assert list(accuracy) == ["none", "shifts", "generated", "both"] and test is data.test
    assert (none.images == shifted.images).all() and (none.images == few.images).all()
    assert (at_rest, int(8 * move), most) == (0, 1, move) and more is both
    assert np.bincount(few.labels).tolist() == [4] * 10
    taken = [(data.learn.images == image).all(axis=(1, 2)).nonzero()[0][0] for image in few.images]
    assert len(set(taken)) == 40 and (data.learn.labels[taken] == few.labels).all()
    assert len(more) == 40 * (1 + augment.RATIO) and (more.labels[:40] == few.labels).all()
    np.testing.assert_allclose(more.rows()[:40], few.rows(), atol=1e-6)
    np.testing.assert_allclose(more.images[40:, 3, 3] * 10, more.labels[40:], atol=1e-5)
    other = augment.few_of(data.learn, 4, 4)
    assert not (other.images == few.images).all()


def test_each_classifier_of_many_learns_from_as_many_generated_images_with_the_labels_asked_for(monkeypatch):
    data, seen = augment.divided("digits"), []
    monkeypatch.setattr(augment, "judged_by_convolution", lambda images, test, cell: seen.append((images, test)))

    def gray(G, meta, n, seed, real):
        return np.repeat(real.labels[np.arange(n)][:, None] / 10, 64, axis=1)

    monkeypatch.setattr(augment, "generated", gray)
    assert list(augment.of_many({"seed": 3, "steps": 1}, data, None, None)) == ["real", "generated", "both"]
    (real, _), (made, _), (both, test) = seen
    assert real is data.learn and test is data.test and len(made) == len(real) == len(both) / 2
    np.testing.assert_allclose(made.images[:, 3, 3] * 10, made.labels, atol=1e-5)
    assert (both.labels == np.concatenate((real.labels, made.labels))).all()


def test_the_gan_is_fitted_to_the_few_alone(monkeypatch):
    seen = []
    monkeypatch.setattr(
        augment, "Training", lambda gan, data, batch: seen.append((data, batch)) or Training(gan, data, batch)
    )
    few = augment.few_of(load("digits", range=(0.0, 1.0)), 2, 0)
    assert augment.fitted(few, 5, 0).classes == 10
    ((data, batch),) = seen
    assert data.range == (-1, 1) and batch == 64 and len(data) == augment.EPOCH
    assert (data.images == np.tile(few.images, (160, 1, 1))).all() and (data.labels == np.tile(few.labels, 160)).all()


@pytest.mark.slow
def test_a_conditional_run_is_tested_on_real_images(tmp_path, capsys):
    images, runs = load("digits"), {}
    for name, settings in ("r", {"classes": 10}), ("plain", {}):
        (tmp_path / name).mkdir()
        runs[name] = Training(RECIPES["default"].make(images, 10, **settings), images, 64)
        runs[name].save(tmp_path / name / "checkpoint.npz", data="digits")
    assert augment.main(["--checkpoint", "r", "--steps", "60", "--seeds", "1", "--json", "a.jsonl"]) == 0
    (row,) = rows()
    assert (
        row["rounds"] == 0 and list(row["accuracy"]) == ["real", "generated", "both"] and row["accuracy"]["real"] > 0.4
    )
    assert f"| {tmp_path / 'r'} | 1 |" in capsys.readouterr().out
    for args, message in (
        (["--checkpoint", "plain"], "was trained without labels"),
        (["--data", "digits", "--labels", "200"], "of class 0 to learn from, and --labels asks for 200: ask for fewer"),
    ):
        with pytest.raises(SystemExit, match="2"):
            augment.main([*args, "--json", "b.jsonl"])
        assert message in capsys.readouterr().err


def test_real_and_generated_images_are_joined_with_their_labels():
    a = Dataset("a", np.array([[[0, 16]]], "uint8"), stored=(0, 16), labels=np.array([0]))
    b = replace(a, images=np.array([[[8, 0]]] * 2, "uint8"), labels=np.array([1, 0]))
    both = augment.joined(a, b)
    assert both.rows().tolist() == [[0, 1], [0.5, 0], [0.5, 0]] and both.labels.tolist() == [0, 1, 0]


def test_the_interval_is_students_of_the_paired_differences():
    for freedom, t in (1, 12.706), (2, 4.303), (4, 2.776), (9, 2.262), (30, 2.042):  # Student 1908, as tabulated
        assert augment.student(freedom) == pytest.approx(t, abs=6e-4)
    cells = [{"accuracy": {"none": a, "both": b}} for a, b in ((0.5, 0.52), (0.7, 0.71), (0.6, 0.63))]
    mean, half = augment.difference(cells, "both", "none")
    assert mean == pytest.approx(2) and half == pytest.approx(4.303 / 3**0.5, rel=1e-3)
    assert augment.difference(cells[:1], "both", "none")[1] == np.inf
