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

CONFIG, CHECKPOINT, SET_ASIDE = "config.json", "checkpoint.npz", "checkpoint-set-aside.npz"


def read_config(resume, expected):
    """(directory, config) of the run to resume, named by its directory or by one of its checkpoints.

    `expected` are the settings that there must be, {name: a value of the right type, or None for any}. Raises
    ValueError where there is no run, or its configuration is not as it was written.
    """
    path = Path(resume)
    directory = path.parent if path.is_file() else path
    file = directory / CONFIG
    if not file.is_file():
        raise ValueError(f"--resume {resume}: there is no run in {directory} ({file} is missing)")
    try:
        config = json.loads(file.read_text())
    except ValueError as error:
        raise ValueError(f"{file} is not JSON any more ({error}): put it back as it was") from error
    if not isinstance(config, dict) or config.keys() != expected.keys():
        found = sorted(config) if isinstance(config, dict) else config
        raise ValueError(f"{file} holds {found}, expected the settings {sorted(expected)}: put it back as it was")
    for name, value in expected.items():
        if value is not None and not isinstance(config[name], type(value)):
            raise ValueError(f"{file}: {name} is {config[name]!r}, expected a value like {value!r}")
    return directory, config


class RunDirectory:
    """Where a `Training` writes what it did.

        config.json  checkpoint.npz  history.csv  samples/epoch-0001.png  samples/epoch-0002.png ...
        and, in the end, curves.png  neighbors.png  training.gif  training.html

    `keep` keeps the checkpoint of every so many epochs as well, in kept/epoch-0010.npz ..., to measure the course.
    With `resume`, training goes on from its checkpoint: that of the directory, or one that is named, the previous one
    say. Raises OSError where the directory cannot be made, ValueError where it already holds another run, and
    CheckpointError where the checkpoint is damaged or does not fit.
    """

    def __init__(self, path, training, config, resume=None, checkpoint_every=300.0, keep=None):
        self.path, self.training, self.config = Path(path), training, config
        self.resumed = resume is not None
        self.checkpoint = self.path / CHECKPOINT
        if resume is not None:
            self._resume(Path(resume))
        elif (self.path / CONFIG).exists():
            raise ValueError(f"{self.path} already holds a run: go on with --resume {self.path}, or name another --out")
        self.checkpoint_every, self.keep = checkpoint_every, keep  # seconds, epochs
        self._warned, self._failing = set(), set()  # what was said already
        self._saved = None  # the moment of the last checkpoint, as (epoch, round)
        self._last_attempt = time.monotonic()
        (self.path / "samples").mkdir(parents=True, exist_ok=True)
        with replacing(self.path / CONFIG, "w") as file:
            json.dump(config, file, indent=2)

    def _resume(self, path):
        old = previous(self.checkpoint)
        if path.is_file():
            self.training.restore(path)
            if path != self.checkpoint and self.checkpoint.exists():  # it must not become the previous one
                self.checkpoint.replace(self.path / SET_ASIDE)
        elif self.checkpoint.exists():
            self.training.restore(self.checkpoint)
        elif old.exists():
            self.training.restore(old)

    @property
    def last_picture(self):
        """The newest grid of samples on disk, or None."""
        found = (self.path / "samples").glob("epoch-*.png")
        return max(found, default=None, key=lambda path: (len(path.name), path.name))

    def after_round(self, row):
        """Call it with what `Training.rounds` yields: writes all at the end of an epoch, checkpoints in between."""
        if row:
            self._write("the samples", self._draw)
            self._write("the history", lambda: save_history(self.path / "history.csv", self.training.history))
        if row or time.monotonic() - self._last_attempt > self.checkpoint_every:
            self.save()
        if row and self.keep and row["epoch"] % self.keep == 0 and self.saved:
            self._write("a copy of the checkpoint", self._keep)

    def save(self):
        """Write a checkpoint. A disk that does not take it is reported, and training goes on in memory."""
        self._last_attempt = time.monotonic()
        if self._write("the checkpoint", lambda: self.training.save(self.checkpoint, **self.config)):
            self._saved = self.training.epoch, self.training.round

    @property
    def saved(self):
        """Whether the checkpoint on disk is of the present moment."""
        return self._saved == (self.training.epoch, self.training.round)

    def warnings(self):
        """What the history warns of for the first time, as sentences."""
        new = {k: v for k, v in read_history(self.training.history).items() if k in WARNINGS and k not in self._warned}
        self._warned |= new.keys()
        return list(new.values())

    def last_good(self):
        """Which checkpoint to go on from, in words."""
        for path in self.checkpoint, previous(self.checkpoint):
            if path.exists():
                return f"the last good checkpoint is {path}"
        return "there is no checkpoint yet"

    def finish(self, when_saved=lambda: None):
        """Write the checkpoint of this moment, call `when_saved`, and write the closing pictures."""
        if not self.saved:
            self.save()
        when_saved()
        self._write("the closing pictures", self._draw_closing)

    def _keep(self):
        (self.path / "kept").mkdir(exist_ok=True)
        with replacing(self.path / "kept" / f"epoch-{self.training.epoch:04d}.npz") as file:
            file.write(self.checkpoint.read_bytes())

    def _draw(self):
        data, training = self.training.dataset, self.training
        path = self.path / "samples" / f"epoch-{training.epoch:04d}.png"
        plots.save_grid(path, training.samples, data.shape, data.range)

    def _draw_closing(self):
        data, training = self.training.dataset, self.training
        rows = to_numpy(training.gan.sampler(training.fixed_noise))
        index, _ = nearest(rows, data)
        plots.draw_run(self.path, training.history, rows, data.rows(index), data.shape, data.range)

    def _write(self, what, action):
        """Whether the action could write; where it cannot, that is said once, until it can again."""
        try:
            action()
        except OSError as error:
            if what not in self._failing:
                self._failing.add(what)
                print(
                    f"could not write {what} into {self.path} ({error.strerror or error}): what was learned stays in "
                    "memory while training runs, and is written as soon as it can be; free some space or make the "
                    f"directory writable; {self.last_good()}",
                    file=sys.stderr,
                )
            return False
        if what in self._failing:
            self._failing.remove(what)
            print(f"{what} could be written again", file=sys.stderr)
        return True
