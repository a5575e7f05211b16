"""The course of a training: epochs of rounds with their history, in a state that can be saved anywhere."""

import csv
import time

from minigan.backend import to_numpy, xp
from minigan.backend.checks import whole
from minigan.data.dataset import parts
from minigan.data.files import replacing
from minigan.gan import Round
from minigan.plots.words import check_history, in_words
from minigan.training import checkpoint
from minigan.training.guard import Guard, NotFiniteError


class Course:
    """Epochs of rounds that a game plays on a source of batches: all that a run directory needs of what it keeps.

    `gan` is the game: `step(*batch)` plays a round and returns what it saw, a `Round` or another tuple of scalars
    with names, `loss_d` and `loss_g` among them; `players()`, `generator` and `discriminator`, `settings`, `draws`,
    `average` and `sampler` are as a GAN has them, for the guard and for checkpoints. The source of `batches` is as
    `Training` describes it.

    `epoch` epochs are finished, and `round` rounds of the present one. `history` has a dict for each finished epoch:
    its number, the means of what its rounds saw, and what `measure` says. `save` and `restore` keep the whole state:
    all that is random is a function of the game's seed and of how far it is, so N + M epochs are bit for bit N epochs,
    saved, restored, and M more.

    A subclass names the tuple in `seen`. Its `measure()` draws the `samples` of an epoch at its end, and returns what
    else is to be said of it, a dict; its `advice()` says what the history warns of. It has a `dataset` where the
    samples are images.
    """

    seen, dataset = Round, None

    def __init__(self, gan, batches):
        self.gan, self.batches, self.name = gan, batches, batches.name
        self.what = getattr(batches, "what", "images")
        self.epoch = self.round = 0  # epochs finished, and rounds of the present one
        self.seconds = 0.0  # spent in the rounds of the present epoch
        self.log = xp.zeros((batches.rounds, len(self.seen._fields)), dtype="float32")
        self.history, self.last, self.samples = [], None, None
        self.guard = Guard(gan)

    def advice(self):
        """{kind: sentence} of what the history shows, of which some kinds are WARNINGS."""
        return {}

    def rounds(self, epochs):
        """Play until `epochs` are finished. Yields after every round: the epoch's row where it ended one, else None.

        Raises ValueError for epochs that are no whole number, and NotFiniteError in the round in which a number stops
        being finite (on a GPU, up to 64 rounds later).
        """
        whole(f"epochs={epochs!r}", epochs, least=0)
        while self.epoch < epochs:
            start = time.perf_counter()
            for batch in map(parts, self.batches.epoch(self.epoch, start=self.round)):
                self.guard.begin_round(batch[0])
                try:
                    seen = self.last = self.gan.step(*batch)
                    self.guard.look_at_losses(seen.loss_d, seen.loss_g)
                except NotFiniteError as error:
                    raise NotFiniteError(f"epoch {self.epoch + 1}, round {self.round + 1}: {error}") from None
                self.log[self.round] = xp.stack(seen)
                self.round += 1
                self.seconds += time.perf_counter() - start
                yield self._end_epoch() if self.round == self.batches.rounds else None
                start = time.perf_counter()

    def _end_epoch(self):
        start = time.perf_counter()  # the device may still be at work: reading the log waits for it
        means = to_numpy(self.log).mean(axis=0, dtype="float64")
        self.seconds += time.perf_counter() - start
        row = dict(zip(self.seen._fields, map(float, means), strict=True))
        row = {"epoch": self.epoch + 1, **row, **self.measure()}
        images = self.batches.rounds * self.batches.batch_size
        row |= {"images_per_second": images / self.seconds, "seconds": self.seconds}
        self.history.append(row)
        self.epoch, self.round, self.seconds = self.epoch + 1, 0, 0.0
        return row

    def save(self, path, **config):
        """Write a checkpoint of the present moment; `config` is kept with it.

        Raises OSError as the disk does, and NotFiniteError rather than replace a good checkpoint by a useless one.
        """
        self.guard.look_at_state()
        arrays, meta = self.state()
        checkpoint.write(path, arrays, meta | {"config": config})

    def state(self):
        """(arrays, meta): all in which one moment of training differs from another."""
        arrays, meta = checkpoint.state(self.gan)
        arrays["log"] = to_numpy(self.log)
        meta |= {"dataset": self._identity(), "batch_size": self.batches.batch_size, "history": self.history}
        return arrays, meta | {"epoch": self.epoch, "round": self.round, "seconds": self.seconds}

    def restore(self, path):
        """Go on from the checkpoint at `path`.

        Raises CheckpointError where it is damaged, or was made for other networks, data or settings.
        """
        arrays, meta = checkpoint.read(path)
        try:
            self.set_state(arrays, meta)
        except checkpoint.CheckpointError as error:
            raise checkpoint.CheckpointError(f"{path}: {error}") from None

    def set_state(self, arrays, meta):
        """Go on from what `state` gave. Raises CheckpointError as `restore` does."""
        for what, present in self._identity().items():
            checkpoint.agree(f"data set's {what}", meta["dataset"].get(what), present)
        checkpoint.agree("batch size", meta["batch_size"], self.batches.batch_size)
        checkpoint.restore(self.gan, arrays, meta)
        self.log[:] = xp.asarray(arrays["log"])
        self.history = meta["history"]
        self.epoch, self.round, self.seconds = meta["epoch"], meta["round"], meta["seconds"]

    def _identity(self):
        return {"name": self.name, "shape": list(self.batches.sample_shape), **self.batches.identity}

    def __repr__(self):
        played = f"{self.epoch} epochs and {self.round} of {self.batches.rounds} rounds"
        lines = [f"{type(self).__name__} on {self.name}, {played} of {self.batches.batch_size} played"]
        if self.history:
            lines.append(in_words(self.history[-1]))
        return "\n".join([*lines, repr(self.gan)])


def save_history(path, history):
    """Write the history as CSV, one row per epoch."""
    with replacing(path, "w", newline="") as file:
        writer = csv.DictWriter(file, history[0])
        writer.writeheader()
        writer.writerows(history)


def report(row, epochs, what="images"):
    """One line about an epoch, for people; `what` the data are."""
    check_history("report", row, ("epoch", "seconds", "images_per_second"))
    left = round((whole("epochs", epochs) - row["epoch"]) * row["seconds"])
    return (
        f"epoch {row['epoch']:>{len(str(epochs))}}/{epochs}  {in_words(row)}  "
        f"{row['images_per_second']:,.0f} {what}/s  {left // 60}:{left % 60:02} left"
    )
