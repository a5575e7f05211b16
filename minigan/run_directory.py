"""The directory of a training run: configuration, checkpoint, history and pictures."""

import json
import sys
import time
from pathlib import Path

from minigan import plots
from minigan.advice import WARNINGS, read_history
from minigan.backend import to_numpy
from minigan.checkpoint import previous
from minigan.files import replacing
from minigan.metrics import nearest
from minigan.training import save_history

CONFIG, CHECKPOINT = "config.json", "checkpoint.npz"


def read_config(resume):
    """(directory, config) of the run to resume, named by its directory or by one of its checkpoints.

    Raises ValueError where there is none.
    """
    path = Path(resume)
    directory = path.parent if path.is_file() else path
    config = directory / CONFIG
    if not config.is_file():
        raise ValueError(f"--resume {resume}: there is no run in {directory} ({config} is missing)")
    return directory, json.loads(config.read_text())


class RunDirectory:
    """Where a `Training` writes what it did.

        config.json  checkpoint.npz  history.csv  samples/epoch-0001.png  samples/epoch-0002.png ...
        and, in the end, curves.png  neighbors.png  training.gif  training.html

    With `resume`, training goes on from its checkpoint: that of the directory, or one that is named, the previous one
    say. Raises OSError where the directory cannot be made, ValueError where it already holds another run, and
    CheckpointError where the checkpoint is damaged or does not fit.
    """

    def __init__(self, path, training, config, resume=None, checkpoint_every=300.0):
        self.path, self.training, self.config = Path(path), training, config
        self.checkpoint = self.path / CHECKPOINT
        if resume is not None:
            self._resume(Path(resume))
        elif (self.path / CONFIG).exists():
            raise ValueError(f"{self.path} already holds a run: go on with --resume {self.path}, or name another --out")
        self.checkpoint_every = checkpoint_every  # seconds
        self._warned, self._failing = set(), set()  # what was said already
        self.saved = False  # whether the last attempt to write a checkpoint succeeded
        self._last_attempt = time.monotonic()
        (self.path / "samples").mkdir(parents=True, exist_ok=True)
        with replacing(self.path / CONFIG, "w") as file:
            json.dump(config, file, indent=2)

    def _resume(self, path):
        old = previous(self.checkpoint)
        if path.is_file():
            self.training.restore(path)
        elif self.checkpoint.exists():
            self.training.restore(self.checkpoint)
        elif old.exists():  # stopped between the two renames of a save
            self.training.restore(old)

    @property
    def last_picture(self):
        """The newest grid of samples on disk, or None."""
        return max((self.path / "samples").glob("epoch-*.png"), default=None)

    def after_round(self, row):
        """Call it with what `Training.rounds` yields: writes all at the end of an epoch, checkpoints in between."""
        if row:
            self._write("the samples", self._draw)
            self._write("the history", lambda: save_history(self.path / "history.csv", self.training.history))
        if row or time.monotonic() - self._last_attempt > self.checkpoint_every:
            self.save()

    def save(self):
        """Write a checkpoint. A disk that does not take it is reported, and training goes on in memory."""
        self._last_attempt = time.monotonic()
        self.saved = self._write("the checkpoint", lambda: self.training.save(self.checkpoint, **self.config))

    def warnings(self):
        """What the history warns of for the first time, as sentences."""
        new = {k: v for k, v in read_history(self.training.history).items() if k in WARNINGS and k not in self._warned}
        self._warned |= new.keys()
        return list(new.values())

    def last_good(self):
        """Which checkpoint to go on from, in words."""
        if not self.checkpoint.exists():
            return "there is no checkpoint yet"
        return (
            f"the last good checkpoint is {self.checkpoint}: go on from it with --resume {self.path} and a lower --lr"
        )

    def finish(self):
        """Write the checkpoint of this moment, and the closing pictures."""
        self.save()
        self._write("the closing pictures", self._draw_closing)

    def _draw(self):
        data, training = self.training.dataset, self.training
        path = self.path / "samples" / f"epoch-{training.epoch:04d}.png"
        plots.save_grid(path, training.samples, data.shape, data.range)

    def _draw_closing(self):
        data, training = self.training.dataset, self.training
        rows = to_numpy(training.gan.generator(training.fixed_noise))
        index, _ = nearest(rows, data)
        plots.draw_run(self.path, training.history, rows, data.rows(index), data.shape, data.range)

    def _write(self, what, action):
        """Whether the action could write; where it cannot, that is said once, until it can again."""
        try:
            action()
        except OSError as error:
            if what not in self._failing:
                self._failing.add(what)
                kept = f"the last good one is {self.checkpoint}" if self.checkpoint.exists() else "none is on disk yet"
                print(
                    f"could not write {what} into {self.path} ({error.strerror or error}): training goes on in memory "
                    f"and tries again; free some space or make the directory writable. Of checkpoints, {kept}.",
                    file=sys.stderr,
                )
            return False
        if what in self._failing:
            self._failing.remove(what)
            print(f"{what} could be written again", file=sys.stderr)
        return True
