"""cli: one line per mistake, the device in words, stopping where it is safe."""

import os
import signal
import sys

import pytest

from minigan.backend import xp
from minigan.cli import Parser, StopSignal, choose_device, whole


def test_a_mistake_is_one_line_on_stderr_and_exit_code_2(capsys):
    parser = Parser("what it does")
    parser.prog = "script"
    with pytest.raises(SystemExit) as stop, parser.mistakes():
        raise ValueError("the first line\n  and the second")
    assert stop.value.code == 2
    assert capsys.readouterr() == ("", "script: the first line and the second\n")


def test_ctrl_c_during_the_set_up_ends_without_a_traceback(capsys):
    with pytest.raises(SystemExit) as stop, Parser("").mistakes():
        raise KeyboardInterrupt
    assert (stop.value.code, capsys.readouterr().err) == (130, "interrupted\n")


def test_other_errors_are_not_the_users_and_keep_their_traceback():
    with pytest.raises(KeyError), Parser("").mistakes():
        raise KeyError("a fault in the program")


@pytest.mark.parametrize("text", ["0", "-3", "2.5", "many", ""])
def test_whole_numbers_below_the_minimum_are_refused_in_words(text, capsys):
    parser = Parser("")
    parser.add_argument("--n", type=whole(1))
    with pytest.raises(SystemExit):
        parser.parse_args([f"--n={text}"])
    assert f"expected a whole number of at least 1, not '{text}'" in capsys.readouterr().err


def test_whole_numbers_are_taken():
    assert whole(0)("0") == 0 and whole(1)("12") == 12


def test_without_a_gpu_auto_falls_back_and_says_so_and_gpu_fails(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    assert choose_device("cpu") == "CPU (NumPy)"
    assert choose_device("auto") == "CPU (NumPy)"
    with pytest.raises(RuntimeError, match=r"--device gpu: a GPU needs CuPy.*minigan\[cuda12\]"):
        choose_device("gpu")
    assert repr(xp) == "<xp: numpy>"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_noted_a_second_one_acts_at_the_end_and_a_third_at_once(number, capfd):
    received = []
    old = signal.signal(number, lambda n, frame: received.append(n))
    try:
        with StopSignal() as stop:
            assert stop.number is None
            os.kill(os.getpid(), number)
            assert stop.number == number
            assert capfd.readouterr().err.endswith("saving, then drawing; once more to skip the drawing\n")
        assert received == []
        with StopSignal() as stop:
            os.kill(os.getpid(), number)
            os.kill(os.getpid(), number)
            assert stop.number == number and received == []
            assert capfd.readouterr().err.endswith("nothing will be drawn; once more to stop within this round\n")
        assert received == [number]
        with StopSignal():
            for _ in range(3):
                os.kill(os.getpid(), number)
            assert received == [number] * 2
        received.clear()
        with StopSignal() as stop:  # one before all is saved
            os.kill(os.getpid(), number)
            stop.nothing_to_lose()
            assert received == []
            os.kill(os.getpid(), number)
            assert received == [number]
        assert received == [number]
        with StopSignal() as stop:  # two before
            os.kill(os.getpid(), number)
            os.kill(os.getpid(), number)
            stop.nothing_to_lose()
            assert received == [number] * 2
        assert received == [number] * 2
    finally:
        signal.signal(number, old)
