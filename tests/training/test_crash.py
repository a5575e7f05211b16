"""A real training process, stopped again and again, ends as if it had never been (see crash.py for more of it)."""

import pytest
from loading import ROOT, load


@pytest.mark.slow
@pytest.mark.parametrize("game", [[], ["--conditional"]], ids=["plain", "conditional"])
def test_a_training_that_is_killed_again_and_again_ends_bit_for_bit_the_same(game, capsys):
    crash = load(ROOT / "tests" / "crash.py")
    assert crash.main(["--kills", "6", "--interrupts", "4", "--epochs", "40", *game]) == 0, capsys.readouterr().out
