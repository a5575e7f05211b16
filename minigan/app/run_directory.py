"""The directory of a training run: configuration, checkpoint, history and pictures."""

import contextlib
import itertools
import json
import os
import platform
import sys
import time
import weakref
from pathlib import Path

try:
    import fcntl
except ImportError:  # not on Windows: there the directory is not locked
    fcntl = None

from minigan.backend.checks import kind, number, whole
from minigan.data.files import as_path, replacing
from minigan.data.sealed import previous
from minigan.evaluation.metrics import nearest
from minigan.plots import pictures as plots
from minigan.plots.run_page import write_page
from minigan.training.advice import WARNINGS
from minigan.training.course import Course, save_history

CONFIG, CHECKPOINT, SET_ASIDE = "config.json", "checkpoint.npz", "checkpoint-set-aside.npz"
KEPT, LOCK = "kept", "run.lock"
PAGE_SHARE = 20  # writing the live page takes at most a twentieth of the time


def directory_of(path):
    """The directory of the run that is named by itself, or by one of its checkpoints."""
    path = as_path(path)
    directory = path.parent if path.is_file() else path
    kept = directory.name == KEPT and not (directory / CONFIG).exists()
    return directory.parent if kept else directory


def read_config(resume, known):
    """(directory, config) of the run to resume, named by its directory or by one of its checkpoints.

    `known` are the names of the settings that there may be. Raises ValueError where there is no run, or its
    configuration is not as it was written.
    """
    directory = directory_of(resume)
    file = directory / CONFIG
    if not file.is_file():
        raise ValueError(f"--resume {resume}: there is no run in {directory} ({file} is missing)")
    try:
        config = json.loads(file.read_text())
    except ValueError as error:
        raise ValueError(f"{file} is not JSON any more ({error}): put it back as it was") from error
    if not isinstance(config, dict) or not config or config.keys() - known:
        found = sorted(config) if isinstance(config, dict) else config
        raise ValueError(f"{file} holds {found}, expected the settings {sorted(known)}: put it back as it was")
    for name in "data", "data_dir", "game":
        if not isinstance(config.get(name) or "", str):
            raise ValueError(f"{file}: {name} is {config[name]!r}, expected a name or a path: put it back as it was")
    return directory, config


class RunDirectory:
    """Where a `Course` of training writes what it did. Leave it by `close()`, or as a context: until then it is locked.

        config.json  checkpoint.npz  history.csv  latest.png  samples/epoch-0001.png  samples/epoch-0002.png ...
        training.html  and, in the end, curves.png  neighbors.png  training.gif

    A new run makes its directory (`path` None: the first unused one of out/run-1, out/run-2, ...), or takes an empty
    one. `keep` keeps the checkpoint of every so many epochs as well, in kept/epoch-0010.npz ..., to measure the course.
    With `resume`, training goes on from its checkpoint: that of the directory, or one that is named, the previous one
    say. If the data are not images, curves.png is the only picture, unless `draw(path, samples)` writes one.

    Raises OSError where the directory cannot be made, ValueError where it already holds another run or other files, or
    another process trains in it, and CheckpointError where the checkpoint is damaged or does not fit.
    """

    def __init__(self, path, training, config, resume=None, checkpoint_every=300.0, keep=None, draw=None):
        kind("RunDirectory", training, Course, "Training(gan, data), say")
        number("checkpoint_every", checkpoint_every, "(0, inf)")
        path, resume = (None if each is None else as_path(each) for each in (path, resume))
        if keep is not None:
            whole(f"keep={keep!r}", keep)
        try:
            json.dumps(kind("config", config, dict))
        except (TypeError, ValueError) as error:
            raise ValueError(f"config={config!r:.60}: expected a dict that JSON can hold ({error})") from None
        self.training, self.config, self.resumed = training, config, resume is not None
        self.checkpoint_every, self.keep, self.draw = checkpoint_every, keep, draw  # seconds, epochs, a function
        self._warned, self._failing = set(), set()  # what was said already
        self._saved = None  # the moment of the last checkpoint, as (epoch, round)
        self._changed = self._abandoned = False  # by a resume: the settings; the checkpoint that there is
        self._page_due = 0.0
        self.path = unused() if path is None else path
        self.path.mkdir(parents=True, exist_ok=True)
        self.checkpoint = self.path / CHECKPOINT
        self._let_go = weakref.finalize(self, release, hold(self.path))  # at the latest when nobody has it any more
        try:
            if resume is None:
                self._check_empty()
                self._write_config()
            else:
                self._resume(resume)
        except BaseException:
            self.close()
            raise
        self._last_attempt = time.monotonic()

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.close()

    def close(self):
        """Release the directory for others."""
        self._let_go()

    def _check_empty(self):
        if (self.path / CONFIG).exists():
            raise ValueError(
                f"{self.path} already holds a run: go on with --resume {self.path} (in code, resume=True), or name "
                "another directory"
            )
        left = LOCK, f"{CONFIG}.part"  # by a process that was killed before it had saved anything
        found = sorted(path.name for path in self.path.iterdir() if path.name not in left)
        if found:
            shown = ", ".join(found[:3]) + (", ..." if len(found) > 3 else "")
            raise ValueError(f"{self.path} holds other files ({shown}): a run needs a new directory, or an empty one")

    def _resume(self, path):
        old, self._changed = previous(self.checkpoint), True
        if path.is_file():
            self.training.restore(path)
            self._abandoned = path != self.checkpoint
        elif self.checkpoint.exists():
            self.training.restore(self.checkpoint)
        elif old.exists():
            self.training.restore(old)

    def _write_config(self):
        with replacing(self.path / CONFIG, "w") as file:
            json.dump(self.config, file, indent=2)

    @property
    def last_picture(self):
        """The newest grid of samples on disk up to the present epoch, or None."""
        found = {int(path.stem.partition("-")[2]): path for path in (self.path / "samples").glob("epoch-*.png")}
        return max(((n, path) for n, path in found.items() if n <= self.training.epoch), default=(0, None))[1]

    def after_round(self, row):
        """Call it with what `Course.rounds` yields: writes all at the end of an epoch, checkpoints in between."""
        if row:
            self._write("the history", lambda: save_history(self.path / "history.csv", self.training.history))
            self._write("the samples", self._draw)
        if row or time.monotonic() - self._last_attempt > self.checkpoint_every:
            self.save()
        if row and self.keep and row["epoch"] % self.keep == 0 and self.saved:
            self._write("a copy of the checkpoint", self._keep)

    def save(self):
        """Write a checkpoint. A disk that does not take it is reported, and training goes on in memory."""
        self._last_attempt = time.monotonic()
        if self._write("the checkpoint", self._save):
            self._saved = self.training.epoch, self.training.round

    @property
    def saved(self):
        """Whether the checkpoint on disk is of the present moment."""
        return self._saved == (self.training.epoch, self.training.round)

    def warnings(self):
        """What the history warns of for the first time, as sentences."""
        new = {k: v for k, v in self.training.advice().items() if k in WARNINGS and k not in self._warned}
        self._warned |= new.keys()
        return list(new.values())

    def last_good(self):
        """The checkpoint to go on from, in words."""
        for path in self.checkpoint, previous(self.checkpoint):
            if path.exists():
                return f"the last good checkpoint is {path}"
        return "there is no checkpoint yet"

    def finish(self, when_saved=lambda: None):
        """Write the checkpoint of this moment, call `when_saved`, and write the closing pictures: whether that went."""
        if not self.saved:
            self.save()
        when_saved()
        return self._write("the closing pictures", self._draw_closing)

    def _save(self):
        if self._changed:
            self._write_config()
        if self._abandoned and self.checkpoint.exists():  # it must not become the previous one
            self.checkpoint.replace(self.path / SET_ASIDE)
        self._changed = self._abandoned = False
        self.training.save(self.checkpoint, **self.config)

    def _keep(self):
        (self.path / KEPT).mkdir(exist_ok=True)
        with replacing(self.path / KEPT / f"epoch-{self.training.epoch:04d}.npz") as file:
            file.write(self.checkpoint.read_bytes())

    def _draw(self):
        data, training = self.training.dataset, self.training
        if not (data or self.draw):
            return
        path = self.path / "samples" / f"epoch-{training.epoch:04d}.png"
        path.parent.mkdir(exist_ok=True)
        if self.draw:
            self.draw(path, training.samples)
        else:
            plots.save_grid(path, training.samples, data.shape, data.range, training.columns)
        with replacing(self.path / "latest.png") as file:
            file.write(path.read_bytes())
        start = time.monotonic()
        if start >= self._page_due:
            write_page(self.path, training.history, live=True)
            self._page_due = start + PAGE_SHARE * (time.monotonic() - start)

    def _draw_closing(self):
        data, training = self.training.dataset, self.training
        if data:
            rows = training.draw()
            index, _ = nearest(rows, data)
            plots.draw_run(self.path, training.history, rows, data.rows(index), data.shape, data.range)
        else:
            plots.draw_course(self.path, training.history)

    def _write(self, what, action):
        """Whether the action could write. If it cannot, a message says so once, until it can again."""
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


def unused():
    """The first unused one of out/run-1, out/run-2, ...: it is made at once, so that no other process takes it."""
    Path("out").mkdir(exist_ok=True)
    for i in itertools.count(1):
        with contextlib.suppress(FileExistsError):
            (path := Path("out", f"run-{i}")).mkdir()
            return path


def hold(directory):
    """Take the directory for this process, by a lock that ends with it. Returns the open file that holds it.

    Raises ValueError, saying who has it, where another one does.
    """
    path = directory.resolve() / LOCK
    while True:
        file = open(path, "a+")
        try:
            if fcntl:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            who = file.read().strip() or "another process"
            file.close()
            raise ValueError(f"{directory} is in use by {who}: wait until that ends, or stop it") from None
        except OSError:  # a file system without locks
            pass
        with contextlib.suppress(OSError):
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):  # else its last holder has just removed it
                break
        file.close()
    file.truncate(0)
    file.write(f"process {os.getpid()} on {platform.node()} since {time.strftime('%Y-%m-%d %H:%M:%S')}\n")
    file.flush()
    return file


def release(file):
    """Let go of what `hold` took."""
    with contextlib.suppress(OSError):
        os.unlink(file.name)
    file.close()
