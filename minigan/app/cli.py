"""What the scripts share: errors in words, output that nobody reads, the device, and stopping at the end of a round."""

import argparse
import atexit
import contextlib
import math
import os
import signal
import sys
import threading

from minigan.backend import checks, use
from minigan.backend import threads as sharing
from minigan.objectives import Minimax, NonSaturating
from minigan.objectives.others import Hinge, LeastSquares, RelativisticAverage, Wasserstein
from minigan.objectives.penalties import R1, R2, GradientPenalty, OneSidedGradientPenalty

OBJECTIVES = {
    "minimax": Minimax, "non-saturating": NonSaturating, "least-squares": LeastSquares, "wasserstein": Wasserstein,
    "hinge": Hinge, "relativistic": RelativisticAverage,
}  # fmt: skip
PENALTIES = {"r1": R1, "r2": R2, "unit-slope": GradientPenalty, "slope-bound": OneSidedGradientPenalty}


class Parser(argparse.ArgumentParser):
    """Reports mistakes in the user's input in words on stderr, with exit code 2 and without a traceback.

    As a program (`parse_args()` of the command line itself), it also sees to it that `| head` ends the script quietly.
    """

    where = ""  # what comes before a message: the file that it is about

    def __init__(self, description):
        super().__init__(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)

    def parse_args(self, args=None, namespace=None):
        if args is None and not isinstance(sys.stdout, Output):
            sys.stdout, sys.stderr = Output(sys.stdout, ends=True), Output(sys.stderr)
            atexit.register(sys.stdout.last_flush)
        for text in sys.argv[1:] if args is None else args:
            if "\0" in text or text != text.encode(errors="replace").decode():
                self.error(f"the argument {text!r} holds bytes that are no text: rename the file")
        return super().parse_args(args, namespace)

    def error(self, message):
        lines = [line.strip() for line in f"{self.where}{message}".splitlines()]
        self.exit(2, f"{self.prog}: " + "\n  ".join(line for line in lines if line) + "\n")

    @contextlib.contextmanager
    def mistakes(self):
        """Around the set-up: a ValueError, OSError or RuntimeError in the block counts as a mistake of the user."""
        try:
            yield
        except KeyboardInterrupt:
            self.exit(130, "interrupted\n")
        except MemoryError as error:
            self.error(f"this needs more memory than there is ({error}): ask for less")
        except (ValueError, OSError, RuntimeError) as error:
            self.error(str(error))


class Output:
    """A stream, such as stdout, that may fail: its reader goes away (`| head -1`), or the disk is full.

    What cannot be written is dropped. With `ends`, the program then ends as other tools do: with exit code 141 and
    without a word where the reader went away, else with a sentence.
    """

    PIPE = 128 + 13  # what a shell calls the end by SIGPIPE

    def __init__(self, stream, ends=False):
        self.stream, self.ends = stream, ends

    def write(self, text):
        self._try("write", text)
        return len(text)

    def flush(self):
        self._try("flush")

    def last_flush(self):
        """At the end of the program: no message if the reader went away before the last line."""
        try:
            if self.stream:
                self.stream.flush()
        except BrokenPipeError:
            drop(self.stream)

    def __getattr__(self, name):
        return getattr(self.stream, name)

    def _try(self, name, *args):
        if self.stream is None:  # the program was started without it
            return
        try:
            getattr(self.stream, name)(*args)
        except OSError as error:
            drop(self.stream)
            if self.ends and isinstance(error, BrokenPipeError):
                sys.exit(self.PIPE)
            if self.ends:
                sys.exit(f"the output cannot be written ({error.strerror})")
            if self.stream is not sys.__stderr__:
                print(f"the output cannot be written any more ({error.strerror}): going on", file=sys.stderr)


def drop(stream):
    """Discard what the stream still holds, and all later output: else Python's last flush fails again."""
    with contextlib.suppress(OSError):  # a stream without a file
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


@contextlib.contextmanager
def whoever_listens():
    """Around training: output that cannot be written does not stop it."""
    old = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (Output(each.stream if isinstance(each, Output) else each) for each in old)
    try:
        yield
        sys.stdout.flush()
    finally:
        sys.stdout, sys.stderr = old


def whole(minimum, maximum=math.inf):
    """A `type=` for integers from `minimum` to `maximum`. What it gives raises ArgumentTypeError for anything else."""

    def parse(text):
        try:
            number = int(text)
        except ValueError:
            number = minimum - 1
        if not minimum <= number <= maximum:
            most = "" if maximum == math.inf else f" and at most {maximum:,}"
            raise argparse.ArgumentTypeError(f"expected a whole number of at least {minimum}{most}, not {text!r}")
        return number

    return parse


def positive(text):
    """A `type=` for finite numbers above 0. Raises ArgumentTypeError for anything else."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"expected a finite number above 0, not {text!r}")
    return number


def within(interval):
    """A `type=` for numbers in an interval, "[0, 1)" say. It raises ArgumentTypeError for anything else."""

    def convert(text):
        try:
            return checks.number("the option", float(text), interval)
        except ValueError:
            raise argparse.ArgumentTypeError(f"expected a number in {interval}, not {text!r}") from None

    return convert


def penalty(text):
    """The Penalty of "r1:10", say. Raises ValueError for a text that names none."""
    name, _, weight = text.partition(":") if isinstance(text, str) else ("", "", "")
    try:
        return PENALTIES[name](float(weight))
    except (KeyError, ValueError) as error:
        wrong = f" ({error})" if name in PENALTIES and weight else ""
        raise ValueError(f"--penalty {text}: expected {', '.join(PENALTIES)} with a weight, r1:10 say{wrong}") from None


def choose_device(name, threads=None, compiled=False):
    """Switch the backend for `--device` "cpu", "gpu" or "auto" (the GPU where one works); returns which, in words.

    On the CPU, so many threads share the work; without a number, the backend decides. With `compiled`, Numba compiles
    what it can where it is installed. Raises ValueError for another name, and RuntimeError for "gpu" where none works,
    saying what is missing.
    """
    if not isinstance(name, str) or name not in ("cpu", "gpu", "auto"):
        raise ValueError(f"--device {name!r:.60}: expected cpu, gpu or auto")
    if name != "cpu":
        try:
            use("cupy")
            return "GPU (CuPy)"
        except RuntimeError as error:
            if name == "gpu":
                raise RuntimeError(f"--device gpu: {error}") from error
    try:
        use("numpy", threads, compiled)
    except RuntimeError:  # Numba is not installed
        use("numpy", threads)
        compiled = False
    shared = "" if sharing.count() == 1 else f", {sharing.count()} threads"
    return f"CPU (NumPy{shared}{', compiled by Numba: a few seconds the first time' if compiled else ''})"


class StopSignal:
    """While the block runs, SIGINT (Ctrl-C) and SIGTERM only set `number`, for the loop to stop where it is safe.

    A second signal acts as it would outside, Ctrl-C raises KeyboardInterrupt (also where the program was started with
    SIGINT ignored, in the background of a shell), but not before `nothing_to_lose()` or the end of the block; a third
    does not wait. In another thread than the main one, which signals never reach, it does nothing.
    """

    number, again, safe = None, False, False

    def __enter__(self):
        self._old = {}
        if threading.current_thread() is threading.main_thread():
            self._old = {n: signal.signal(n, self._note) for n in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *exc_info):
        try:
            if exc_info[0] is None:
                self.nothing_to_lose()
        finally:
            self._let_go(self._old)

    def nothing_to_lose(self):
        """Everything is saved: from here on a second signal acts at once, also one that has come already."""
        self.safe = True
        if self.again:
            self._act()

    def _act(self):
        self._do_not_wait()
        self.again = False
        signal.raise_signal(self.number)

    def _do_not_wait(self):
        act = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
        self._let_go({n: act[n] if old is signal.SIG_IGN else old for n, old in self._old.items()})

    def _let_go(self, handlers):
        for number, handler in handlers.items():
            signal.signal(number, handler)

    def _note(self, number, frame):
        self.number, self.again = number, self.number is not None
        if not self.again:
            self._say(b"stopping after this round: saving, then drawing; once more to skip the drawing\n")
        elif self.safe:
            self._act()
        else:
            self._say(b"nothing will be drawn; once more to stop within this round\n")
            self._do_not_wait()

    def _say(self, line):
        with contextlib.suppress(OSError, AttributeError):
            os.write(sys.stderr.fileno(), line)  # not print: the signal may have come in the middle of one
