"""The directory of a training run: configuration, checkpoint, history and pictures."""

import json
import sys
import time
from pathlib import Path

from minigan import plots
from minigan.backend import to_numpy
from minigan.files import replacing
from minigan.training import save_history


class RunDirectory:
    """Where a `Training` writes what it did.

        config.json  checkpoint.npz  history.csv  curves.png  samples/epoch-0001.png  samples/epoch-0002.png ...

    Raises OSError where the directory cannot be made, ValueError where it already holds another run.
    """

    def __init__(self, path, training, config, resumed=False, checkpoint_every=300.0, tiles=64):
        self.path, self.training, self.config = Path(path), training, config
        self.checkpoint = self.path / "checkpoint.npz"
        if self.checkpoint.exists() and not resumed:
            raise ValueError(f"{self.path} already holds a run: go on with --resume {self.path}, or name another --out")
        self.z = training.gan.fixed_noise(tiles)
        self.checkpoint_every = checkpoint_every  # seconds
        self.saved = False  # whether the last attempt to write a checkpoint succeeded
        self._last_attempt = time.monotonic()
        (self.path / "samples").mkdir(parents=True, exist_ok=True)
        with replacing(self.path / "config.json", "w") as file:
            json.dump(config, file, indent=2)

    @property
    def last_picture(self):
        """The newest grid of samples."""
        return self.path / "samples" / f"epoch-{self.training.epoch:04d}.png"

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

    def finish(self):
        """Write the checkpoint of this moment, and the curves."""
        self.save()
        if self.training.history:
            self._write("the curves", lambda: plots.save_curves(self.path / "curves.png", self.training.history))

    def _draw(self):
        data, gan = self.training.dataset, self.training.gan
        rows = to_numpy(gan.sample(len(self.z), self.z))
        plots.save_grid(self.last_picture, rows, data.shape, data.range)

    def _write(self, what, action):
        """Whether the action could write."""
        try:
            action()
        except OSError as error:
            kept = f"the last good one is {self.checkpoint}" if self.checkpoint.exists() else "none is on disk yet"
            print(
                f"could not write {what} into {self.path} ({error.strerror or error}): training goes on in memory; "
                f"free some space or make the directory writable. Of checkpoints, {kept}.",
                file=sys.stderr,
            )
            return False
        return True
