"""cli: mistakes in words, output that nobody reads, the device in words, stopping where it is safe."""

import errno
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from minigan.app.cli import Output, Parser, StopSignal, choose_device, whoever_listens
from minigan.backend import xp

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (ValueError("a mistake"), 2, "script: a mistake\n"),
        (OSError("the first line\n\n  and the second"), 2, "script: the first line\n  and the second\n"),
        (MemoryError("9 TiB"), 2, "script: this needs more memory than there is (9 TiB): ask for less\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
    ],
)
def test_a_mistake_is_told_on_stderr_line_by_line_and_a_fault_of_the_program_keeps_its_traceback(
    error, code, message, capsys
):
    parser = Parser("what it does")
    parser.prog = "script"
    with pytest.raises(SystemExit) as stop, parser.mistakes():
        raise error
    assert stop.value.code == code and capsys.readouterr() == ("", message)
    with pytest.raises(KeyError), parser.mistakes():
        raise KeyError("a fault in the program")


def test_without_a_gpu_auto_falls_back_and_says_so_and_gpu_fails(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    assert choose_device("cpu", 1) == "CPU (NumPy)"
    assert choose_device("auto", 3) == "CPU (NumPy, 3 threads)"
    with pytest.raises(RuntimeError, match=r"--device gpu: a GPU needs CuPy.*minigan\[cuda12\]"):
        choose_device("gpu")
    assert repr(xp) == "<xp: numpy>"


class Broken:
    """A stream that takes so many writes, and then none, and has no file."""

    def __init__(self, number, takes=0):
        self.number, self.takes, self.taken = number, takes, []

    def write(self, text):
        if len(self.taken) == self.takes:
            raise OSError(self.number, os.strerror(self.number))
        self.taken.append(text)

    def flush(self):
        pass

    def fileno(self):
        raise OSError("no file")


@pytest.mark.parametrize(
    ("number", "code"), [(errno.EPIPE, 141), (errno.ENOSPC, "the output cannot be written (No space left on device)")]
)
def test_a_program_ends_when_its_output_cannot_be_written(number, code):
    stream = Broken(number, takes=1)
    output = Output(stream, ends=True)
    with pytest.raises(SystemExit) as stop, Parser("").mistakes():
        output.write("one")
        output.write("two")
    assert (stop.value.code, stream.taken) == (code, ["one"])


def test_training_does_not_end_when_its_output_cannot_be_written(monkeypatch, capsys):
    stdout = Output(Broken(errno.EPIPE), ends=True)
    monkeypatch.setattr("sys.stdout", stdout)
    with whoever_listens():
        print("one")
        assert sys.stdout is not stdout
    assert sys.stdout is stdout
    assert capsys.readouterr().err.startswith("the output cannot be written any more (Broken pipe): going")
    monkeypatch.setattr("sys.stdout", None)
    with whoever_listens():
        print("nobody listens", flush=True)


def test_head_ends_a_script_quietly():
    """The first line is taken, and the reader goes away before the script writes more."""
    code = "from minigan.app.cli import Parser; Parser('').parse_args(); print(1, flush=True); input(); "
    code += "[print(2, flush=True) for _ in range(9)]; open('/dev/null/never')"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:  # fmt: skip
        assert process.stdout.readline() == b"1\n"
        process.stdout.close()
        process.stdin.write(b"\n")
        process.stdin.close()
        assert (process.stderr.read(), process.wait(30)) == (b"", 141)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_noted_a_second_one_acts_at_the_end_and_a_third_at_once(number, capfd):
    def send(times):
        for _ in range(times):
            os.kill(os.getpid(), number)
        return len(received)

    received = []
    old = signal.signal(number, lambda n, frame: received.append(n))
    try:
        with StopSignal() as stop:
            assert stop.number is None and send(1) == 0 and stop.number == number
            assert capfd.readouterr().err.endswith("saving, then drawing; once more to skip the drawing\n")
        assert len(received) == 0
        with StopSignal():
            assert send(2) == 0
            assert capfd.readouterr().err.endswith("nothing will be drawn; once more to stop within this round\n")
        assert len(received) == 1
        with StopSignal():
            assert send(3) == 2
        received.clear()
        with StopSignal() as stop:  # all is saved after one: a second one acts at once
            send(1)
            stop.nothing_to_lose()
            assert send(1) == 1
        with StopSignal() as stop:  # after two: the second one acts now
            assert send(2) == 1
            stop.nothing_to_lose()
            assert len(received) == 2
        assert len(received) == 2
    finally:
        signal.signal(number, old)


def test_where_sigint_is_ignored_as_in_the_background_of_a_shell_it_stops_training_all_the_same():
    old = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with pytest.raises(KeyboardInterrupt), StopSignal() as stop:
            signal.raise_signal(signal.SIGINT)
            assert stop.number == signal.SIGINT
            stop.nothing_to_lose()
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        thread = threading.Thread(target=StopSignal().__enter__)  # in another thread there are none to wait for
        thread.start()
        thread.join()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, old)
