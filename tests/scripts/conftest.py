"""What the tests of the scripts share."""

import signal

import pytest


@pytest.fixture(autouse=True)
def ctrl_c():
    """SIGINT as in a terminal, also where the tests run in the background of a shell, which has it ignored."""
    old = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, old)
