"""run_page: the page of a run holds its film, its curves and its numbers, each at its epoch."""

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from loading import load
from matplotlib.image import imread, imsave

from minigan.objectives import EQUILIBRIUM
from minigan.plots import run_page
from minigan.plots.figures import limits
from minigan.plots.run_page import write_page

pages = load(Path(__file__).with_name("pages.py"))


def run_of(directory, epochs, missing=()):
    """(directory, history) of a run in which every number and every picture is told apart from every other."""
    (directory / "samples").mkdir()
    history = []
    for e in range(1, epochs + 1):
        row = {
            "V": -1,
            "d_real": 0.6,
            "d_fake": 0.1,
            "accuracy": 0.2,
            "loss_d": 2,
            "loss_g": 3,
            "norm_d": 4,
            "norm_g": 5,
        }
        row = {"epoch": e, **{key: value + e / 1000 for key, value in row.items()}, "equilibrium": EQUILIBRIUM}
        history.append(row)
        if e not in missing:
            imsave(directory / "samples" / f"epoch-{e:04d}.png", np.full((9, 7), e / 31), cmap="gray", vmin=0, vmax=1)
    return directory, history


def picture(address):
    """The picture in the address of an <img>."""
    return imread(io.BytesIO(base64.b64decode(address.removeprefix("data:image/png;base64,"))))


@pytest.fixture
def run(tmp_path):
    return run_of(tmp_path, 5, missing=[2])


def test_what_belongs_to_an_epoch_stands_at_its_place(run):
    directory, history = run
    assert write_page(*run) == directory / "training.html"
    found = pages.Page(directory / "training.html")
    film = found.content
    assert film["epochs"] == [1, 2, 3, 4, 5] and film["shown"] == [1, 3, 4, 5] and not film["live"]
    for epoch, address, numbers in zip(film["shown"], film["pictures"], film["numbers"], strict=True):
        assert picture(address).shape[:2] == (9, 7)
        np.testing.assert_allclose(picture(address), epoch / 31, atol=1 / 255)
        row = history[epoch - 1]
        assert numbers == [
            f"\u2212{-row['V']:.3f}", f"{row['d_real']:.3f}", f"{row['d_fake']:.3f}", f"{row['accuracy']:.0%}",
            f"{row['loss_d']:.3f}", f"{row['loss_g']:.3f}", f"{row['norm_d']:.3g}", f"{row['norm_g']:.3g}",
        ]  # fmt: skip
    assert "of 4 of the 5 epochs," in found.text


def test_each_curve_is_of_its_own_numbers(run):
    directory, history = run
    write_page(*run)
    value, beliefs, losses = pages.Page(directory / "training.html").content["charts"]
    for chart, keys in (value, {"V": "curve"}), (beliefs, {"d_real": "data", "d_fake": "sample"}), (
        losses, {"loss_d": "data", "loss_g": "sample"},
    ):  # fmt: skip
        assert [line["color"] for line in chart["lines"]] == list(keys.values())
        for line, key in zip(chart["lines"], keys, strict=True):
            np.testing.assert_allclose(line["values"], [row[key] for row in history], rtol=1e-5)
    assert (value["dashed"], beliefs["dashed"], losses["dashed"]) == (EQUILIBRIUM, 0.5, None)
    assert (value["low"], value["high"]) == pytest.approx(limits([row["V"] for row in history], EQUILIBRIUM))
    assert (beliefs["low"], beliefs["high"]) == (0, 1) and losses["low"] < 2 and losses["high"] > 3.005


def test_the_page_opens_at_the_last_epoch_and_needs_nothing_else(run):
    write_page(*run)
    found = pages.Page(run[0] / "training.html")
    pages.assert_stands_alone(found)
    (slider,) = found.find("input", id="scene")
    assert (slider["max"], slider["value"]) == ("3", "3")
    assert len(found.find("canvas")) == len(found.content["charts"]) and "loads itself anew" not in found.text


def test_while_training_runs_the_page_refers_to_every_picture_and_is_small(run, monkeypatch):
    directory, history = run
    monkeypatch.setattr(run_page, "read_picture", lambda path: pytest.fail("a picture was read"))
    write_page(directory, history, live=True)
    found = pages.Page(directory / "training.html")
    assert found.content["live"] and "loads itself anew" in found.text
    assert found.content["pictures"] == [f"samples/epoch-000{e}.png" for e in (1, 3, 4, 5)]
    assert all((directory / name).exists() for name in found.content["pictures"])
    assert len(found.text) < 20_000


def test_a_number_that_is_not_finite_is_a_gap_and_one_that_is_missing_is_not_shown(run):
    directory, history = run
    history[3] |= {"loss_g": float("nan"), "V": float("-inf")}
    del history[2]["norm_d"]
    write_page(directory, history)
    film = pages.Page(directory / "training.html").content
    assert film["charts"][0]["lines"][0]["values"][3] is None and film["charts"][2]["lines"][1]["values"][3] is None
    assert np.isfinite([film["charts"][0][end] for end in ("low", "high")]).all()
    assert {len(numbers) for numbers in film["numbers"]} == {7}


def test_a_history_of_text_has_curves_of_its_own(tmp_path):
    directory, history = run_of(tmp_path, 2)
    rows = [{"epoch": row["epoch"], "loss_d": 1.0, "train": 2.5, "test": 2.0 + row["epoch"]} for row in history]
    write_page(directory, rows)
    found = pages.Page(directory / "training.html")
    values = [[line["values"] for line in chart["lines"]] for chart in found.content["charts"]]
    assert values == [[[1, 1]], [[2.5, 2.5], [3, 4]]] and len(found.find("canvas")) == 2
    assert found.content["numbers"] == [["1.000", "2.500", "3.000"], ["1.000", "2.500", "4.000"]]
    assert "V is the value" not in found.text and "D cannot tell" not in found.text
