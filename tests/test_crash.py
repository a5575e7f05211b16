"""A real training process, stopped again and again, ends as if it had never been (see crash.py for more of it)."""

import importlib.util
from pathlib import Path

import pytest


@pytest.mark.slow
def test_a_training_that_is_killed_again_and_again_ends_bit_for_bit_the_same(capsys):
    spec = importlib.util.spec_from_file_location("crash", Path(__file__).with_name("crash.py"))
    crash = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(crash)
    assert crash.main(["--kills", "6", "--interrupts", "4", "--epochs", "40"]) == 0, capsys.readouterr().out
