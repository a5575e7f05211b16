"""Sequences: the protocols' sines and windows, what a wrong file is answered with, and the batches."""

import numpy as np
import pytest

from minigan.data import DataError, Dataset
from minigan.data.sequences import SequenceBatches, Sequences, by_rows, load_series, sines

ROWS = np.random.default_rng(0).normal(50, 9, (30, 3)).round(3)


def written(tmp_path, text, name="series.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def table(rows=ROWS, head="a,b,c\n", separator=","):
    return head + "".join(separator.join(map(str, row)) + "\n" for row in rows)


def test_sines_are_those_of_the_protocol():
    data = sines(200, seed=3)
    assert data.x.shape == (200, 24, 5) and data.x.dtype == np.float32 and data.apart == 1
    phase = np.arcsin(2 * data.x.astype("float64") - 1)[:, :2]  # below pi / 2, where arcsin is one-to-one
    p, f = phase[:, 0], phase[:, 1] - phase[:, 0]
    t = np.arange(24)[:, None]
    assert data.x == pytest.approx((np.sin(f[:, None] * t + p[:, None]) + 1) / 2, abs=2e-5)
    for drawn in p, f:
        assert 0 <= drawn.min() < 0.003 and 0.097 < drawn.max() <= 0.1001 and abs(drawn.mean() - 0.05) < 0.003
    assert (sines(200, seed=3).x == data.x).all() and (sines(200, seed=4).x != data.x).any()


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("head", ["a,b,c\n", ""])
def test_a_series_is_cut_into_every_window_and_comes_out_in_its_units(tmp_path, mark, head):
    path = written(tmp_path, mark + table(head=head).encode())
    data = load_series(path, window=7)
    assert data.x.shape == (24, 7, 3) and data.apart == 7 and data.name == "series.csv"
    assert data.columns == (("a", "b", "c") if head else ("column 1", "column 2", "column 3"))
    assert data.x.min(axis=(0, 1)) == pytest.approx(0) and data.x.max(axis=(0, 1)) == pytest.approx(1)
    for i in 0, 11, 23:
        assert data.units(data.x[i]) == pytest.approx(ROWS[i : i + 7], abs=1e-4)
    turned = load_series(path, window=7, newest_first=True)
    assert (turned.x == data.x[::-1, ::-1]).all()
    data.save(tmp_path / "out.csv", data.x[:2])
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert lines[0] == f"sequence,step,{','.join(data.columns)}" and len(lines) == 15
    assert [float(text) for text in lines[8].split(",")] == pytest.approx([2, 1, *ROWS[1]], rel=1e-5)


ONE = {
    "one more column": (table().replace("\n", "\n7,", 3), "line 2: 4 fields, but the"),
    "a date": (table([["2004-08-19", 1, 2], ["2004-08-20", 2, 1]]), "line 2, column 'a': '2004-08-19', text, expected"),
    "NaN": (table([[1, 2, 3], [1, "NaN", 4]]), "line 3, column 'b': 'NaN', expected a finite number: fill it, or cut"),
    "infinity": (table([[1, 2, "-inf"], [1, 2, 4]]), "line 2, column 'c': '-inf', expected a finite number"),
    "a hole": (table([[1, "", 3], [1, 2, 4]]), "line 2, column 'b': '', expected a finite number"),
    "one row": (table(ROWS[:1]), ": 1 row, fewer than a window of 7"),
    "no rows": (table(ROWS[:0]), ": 0 row, fewer than a window of 7"),
    "a longer window": (table(ROWS[:6]), ": 6 rows, fewer than a window of 7: take a smaller window, or a longer file"),
    "a constant column": (
        table([[k, 5, -k] for k in range(9)]),
        "the column 'b' is 5 in every row, so there",
    ),
    "semicolons": (
        table(separator=";", head="a;b;c\n"),
        "its columns seem to be separated by semicolons: save",
    ),
    "decimal commas": (table(head="").replace(",", ";").replace(".", ","), "separated by semicolons"),
    "tabs": (table(separator="\t", head=""), "separated by tabs"),
    "another encoding": (table().encode("utf-16"), "is no CSV file in UTF-8"),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0", "is no CSV file in UTF-8"),
    "nothing": ("\n\n", "is empty: expected a row for each moment"),
    "too far": (
        table([[k * 1e300, k, -k] for k in range(9)]),
        "the column 'a' runs from 0 to 8e+300, which is too",
    ),
    "a quote": ('a,b\n1,"2\n', "is no CSV file in UTF-8"),
}


@pytest.mark.parametrize("name", ONE)
def test_a_wrong_file_is_answered_in_one_line(tmp_path, name):
    text, words = ONE[name]
    with pytest.raises(DataError) as error:
        load_series(written(tmp_path, text), window=7)
    message = str(error.value)
    assert words in message and str(tmp_path) in message and "\n" not in message


def test_what_is_no_file_or_no_window_is_refused(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        load_series(tmp_path / "none.csv")
    with pytest.raises(ValueError, match="the rows of a window must be a whole number of at least 2"):
        load_series(written(tmp_path, table()), window=1)


def test_images_row_by_row():
    images = np.arange(4 * 6).reshape(2, 4, 3).astype("uint8")
    data = by_rows(Dataset("tiny", images))
    assert data.x.shape == (2, 4, 3) and data.units(data.x) == pytest.approx(images, abs=1e-4)
    with pytest.raises(DataError, match="only gray ones are read row by row"):
        by_rows(Dataset("colored", np.zeros((2, 4, 3, 3), "uint8")))


def test_an_epoch_deals_every_sequence_once_from_any_round_on():
    data = sines(23, 5, 2)
    batches = SequenceBatches(data, 4, seed=1)
    first = list(batches.epoch(2))
    assert batches.rounds == len(first) == 5 and batches.sample_shape == (5, 2)
    dealt = {x.tobytes() for batch in first for x in batch}
    assert len(dealt) == 20 and dealt <= {x.tobytes() for x in data.x}
    assert all((a == b).all() for a, b in zip(batches.epoch(2, 3), first[3:], strict=True))
    assert (next(batches.epoch(3)) != first[0]).any()
    assert batches.identity["columns"] == ["sine 1", "sine 2"] and batches.identity["sequences"] == 23
    assert batches.identity["sha256"] != sines(23, 5, 2, seed=1).identity["sha256"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"x": np.zeros((3, 2, 2))}, "expected a float32 array"),
        ({"x": np.full((3, 2, 2), 2, "float32")}, "the numbers in x must lie in [0, 1]"),
        ({"x": np.full((3, 2, 2), np.nan, "float32")}, "the numbers in x must lie in [0, 1]"),
        ({"low": (0.0,)}, "low must be a tuple of 2"),
    ],
)
def test_what_does_not_fit_together_is_refused(changed, words):
    right = {"name": "mine", "x": np.zeros((3, 2, 2), "float32"), "columns": ("a", "b"), "low": (0, 0), "high": (1, 1)}
    with pytest.raises(DataError) as error:
        Sequences(**right | changed)
    assert words in str(error.value)
