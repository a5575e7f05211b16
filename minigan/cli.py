"""What the scripts share: one-line errors, games by name, the device, and stopping at the end of a round."""

import argparse
import contextlib
import os
import signal

from minigan.backend import use
from minigan.objectives import Minimax, NonSaturating
from minigan.other_objectives import Hinge, LeastSquares, RelativisticAverage, Wasserstein
from minigan.penalties import R1, R2, SlopeBound, UnitSlope

OBJECTIVES = {
    "minimax": Minimax, "non-saturating": NonSaturating, "least-squares": LeastSquares, "wasserstein": Wasserstein,
    "hinge": Hinge, "relativistic": RelativisticAverage,
}  # fmt: skip
PENALTIES = {"r1": R1, "r2": R2, "unit-slope": UnitSlope, "slope-bound": SlopeBound}


class Parser(argparse.ArgumentParser):
    """Says what is wrong with the user's input in one line on stderr, with exit code 2, never a traceback."""

    def __init__(self, description):
        super().__init__(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)

    def error(self, message):
        self.exit(2, f"{self.prog}: {' '.join(message.split())}\n")

    @contextlib.contextmanager
    def mistakes(self):
        """Around the set-up: a ValueError, OSError or RuntimeError in the block is a mistake of the user's."""
        try:
            yield
        except KeyboardInterrupt:
            self.exit(130, "interrupted\n")
        except (ValueError, OSError, RuntimeError) as error:
            self.error(str(error))


def whole(minimum):
    """A `type=` for integers of at least `minimum`. What it gives raises ArgumentTypeError for anything else."""

    def parse(text):
        try:
            number = int(text)
        except ValueError:
            number = minimum - 1
        if number < minimum:
            raise argparse.ArgumentTypeError(f"expected a whole number of at least {minimum}, not {text!r}")
        return number

    return parse


def penalty(text):
    """The Penalty of "r1:10", say. Raises ValueError for a text that names none."""
    name, _, weight = text.partition(":")
    try:
        return PENALTIES[name](float(weight))
    except (KeyError, ValueError) as error:
        wrong = f" ({error})" if name in PENALTIES and weight else ""
        raise ValueError(f"--penalty {text}: expected {', '.join(PENALTIES)} with a weight, r1:10 say{wrong}") from None


def choose_device(name, threads=1):
    """Switch the backend for `--device` "cpu", "gpu" or "auto" (the GPU where one works); returns which, in words.

    On the CPU, so many threads share the work. Raises RuntimeError for "gpu" where none works, saying what is missing.
    """
    if name != "cpu":
        try:
            use("cupy")
            return "GPU (CuPy)"
        except RuntimeError as error:
            if name == "gpu":
                raise RuntimeError(f"--device gpu: {error}") from error
    use("numpy", threads)
    return "CPU (NumPy)" if threads == 1 else f"CPU (NumPy, {threads} threads)"


class StopSignal:
    """While the block runs, SIGINT (Ctrl-C) and SIGTERM only set `number`, for the loop to stop where it is safe.

    A second signal acts as it would outside, Ctrl-C raises KeyboardInterrupt, but not before `nothing_to_lose()` or the
    end of the block; a third does not wait.
    """

    number, again, safe = None, False, False

    def __enter__(self):
        self._old = {n: signal.signal(n, self._note) for n in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *exc_info):
        self._let_go()
        if exc_info[0] is None:
            self.nothing_to_lose()

    def nothing_to_lose(self):
        """What the block was to protect is saved: from here on a second signal acts at once, one that is there now."""
        self.safe = True
        if self.again:
            self._act()

    def _act(self):
        self._let_go()
        self.again = False
        signal.raise_signal(self.number)

    def _let_go(self):
        for number, handler in self._old.items():
            signal.signal(number, handler)

    def _note(self, number, frame):
        self.number, self.again = number, self.number is not None
        # not print: the signal may have come in the middle of one
        if not self.again:
            os.write(2, b"stopping after this round: saving, then drawing; once more to skip the drawing\n")
        elif self.safe:
            self._act()
        else:
            os.write(2, b"nothing will be drawn; once more to stop within this round\n")
            self._let_go()
