"""The embedded digits."""

import subprocess
import sys
from pathlib import Path

import numpy
import pytest

from minigan.data.digits import PATH, digits

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "make_digits.py"


def test_what_they_are():
    data = digits()
    assert data.images.shape == (1797, 8, 8) and data.images.dtype == numpy.uint8
    assert (data.images.min(), data.images.max()) == data.stored == (0, 16)
    assert data.labels.dtype == numpy.uint8
    assert numpy.bincount(data.labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert data.sha256 == "5bc7f24e2d037bcb2a7115e0717894f69e75510dae324a18ed27b05ac11e849d"


def test_small_enough_for_the_package():
    assert PATH.stat().st_size < 80_000


def test_attribution():
    for text in digits.__doc__, SCRIPT.read_text():
        for word in "Alpaydin", "Kaynak", "1998", "10.24432/C50P49", "CC BY 4.0":
            assert word in text


def test_script_explains_itself():
    done = subprocess.run([sys.executable, SCRIPT, "--help"], capture_output=True, text=True, check=True)
    assert "load_digits" in done.stdout and "CC BY 4.0" in done.stdout and "--out" in done.stdout


def test_script_makes_the_file(tmp_path):
    pytest.importorskip("sklearn", reason="make_digits.py needs scikit-learn")
    subprocess.run([sys.executable, SCRIPT, "--out", tmp_path / "made.npz"], check=True)
    with numpy.load(tmp_path / "made.npz") as made:
        assert (made["images"] == digits().images).all() and (made["labels"] == digits().labels).all()
