"""Training: epochs of the game on any source of batches, with its history, in a state that can be saved anywhere."""

import copy
import csv
import math
import time

import numpy

from minigan.backend import to_numpy, xp
from minigan.backend.checks import kind, whole
from minigan.data import Batches, Dataset
from minigan.data.dataset import parts
from minigan.data.files import replacing
from minigan.evaluation.metrics import pairwise_distance
from minigan.gan import GAN, Round
from minigan.layers.layer import as_shape, in_words
from minigan.plots.words import check_history, value_in_words
from minigan.training import checkpoint
from minigan.training.guard import Guard, NotFiniteError

SOURCE = "name", "identity", "sample_shape", "batch_size", "rounds", "epoch"
TILES = 64  # samples that are drawn from the same noise after every epoch
TABLE = 8  # of each class, in a conditional game


class Training:
    """A GAN, a source of batches, and how far the one has played on the other.

    `data` is a Dataset, of which `batch_size` images go to each of D's steps, or any source of batches: an object with
    `name`, `batch_size`, `sample_shape`, the number of `rounds` in an epoch, `epoch(e, start=0)`, which yields the
    arrays x (batch_size, ...) of epoch e from round `start` on, or of a conditional game pairs (x, y) with the labels
    y (batch_size,), a function of these two numbers alone, and `identity`, a dict that says in a checkpoint which data
    these were. It may say `what` it deals, "images" unless it does.

    `rounds(epochs)` plays. `history` is one dict per finished epoch, of means over its rounds; only the norms of the
    gradients, `norm_g` and `norm_d`, are of its last round. `save(path)` and `restore(path)` write and read the whole
    state: all that is random is a function of the GAN's seed and of `epoch` and `round`, so N + M epochs are bit for
    bit N epochs, saved, restored, and M more.

    `samples` are G's of the same noise at the end of the epoch that was last played, on the host; of a conditional game
    a table of `columns`, a row for each class, the same noise down a column. `last` is what the last round saw, a
    `Round`.

    Raises ValueError where the generator does not fit the data, where the batch is larger than the data or cannot be
    dealt to D, TypeError for data that are no source of batches, and whatever a layer refuses in a first round, which a
    copy of the GAN plays.
    """

    def __init__(self, gan, data, batch_size=None):
        kind("Training", gan, GAN)
        if isinstance(data, Dataset):
            n = whole(f"batch_size={batch_size!r}", batch_size) * gan.k
            data = Batches(data, n, gan.seed, labeled=bool(gan.generator.classes))
        elif missing := [name for name in SOURCE if not hasattr(data, name)]:
            raise TypeError(
                f"cannot train on a {type(data).__name__}: expected a Dataset or a source of batches, "
                f"an object with {', '.join(SOURCE)}, and it has no {', '.join(missing)}"
            )
        elif batch_size is not None:
            raise ValueError(f"batch_size={batch_size}: {data.name} deals batches of {data.batch_size} by itself")
        self.gan, self.batches, self.name = gan, data, data.name
        self.what = getattr(data, "what", "images")
        self.dataset = data.dataset if isinstance(data, Batches) else None
        self._check()
        self.epoch = self.round = 0  # epochs finished, and rounds of the present one
        self.seconds = 0.0  # spent in the rounds of the present epoch
        self.log = xp.zeros((self.batches.rounds, len(Round._fields)), dtype="float32")
        self.history, self.last = [], None
        self.samples, self.columns = None, TABLE if gan.generator.classes else None
        self.fixed_noise, self.fixed_labels = fixed(gan)
        some = self._some_data()
        self._data_distance = pairwise_distance(some) if len(some) > 1 else 0.0
        self.guard = Guard(gan)

    def _check(self):
        """Raises ValueError unless the GAN can play rounds on these batches; a copy of it plays one."""
        gan, batches = self.gan, self.batches
        G, D = gan.generator, gan.discriminator
        if self.dataset:
            self.dataset.check_generator(G)
        elif as_shape(G.n_out) != (takes := tuple(batches.sample_shape)):
            gives = in_words(as_shape(G.n_out))
            raise ValueError(f"the generator gives {gives}, but {self.name} has {in_words(takes)}")
        n, left = divmod(batches.batch_size, gan.k)
        if left or n % D.rows:
            raise ValueError(
                f"a batch of {batches.batch_size} samples of {self.name} cannot be dealt: D takes k={gan.k} steps in a "
                f"round, and judges {D.rows} samples at a time: take a multiple of {gan.k * D.rows}"
            )
        checkpoint.made_of(gan)  # what a checkpoint cannot say is refused now, and not when the first one is due
        first = parts(next(iter(batches.epoch(0))))
        if gan.generator.classes:
            self._check_labels(first, gan.generator.classes)
        twin = copy.deepcopy(gan)
        for _, _, optimizer in twin.players():
            optimizer.between.clear()
        twin.step(*first)

    def _check_labels(self, batch, classes):
        """Raises ValueError unless the batches have labels, of no more classes than the players are given."""
        if len(batch) == 1:
            raise ValueError(f"the players are given labels of {classes} classes, and {self.name} deals none: Batches("
                             "..., labeled=True), or a source whose epoch yields (x, y)")  # fmt: skip
        if self.dataset and self.dataset.classes > classes:
            raise ValueError(f"{self.name} has {self.dataset.classes} classes, but the players are given {classes}: "
                             f"make them with Condition({self.dataset.classes})")  # fmt: skip

    def _some_data(self):
        """Up to 1,000 samples of the data, as rows on the host, for the distance between them."""
        if self.dataset:
            return self.dataset.rows(slice(None, None, -(-len(self.dataset) // 1000)))
        some = []
        for x, *_ in map(parts, self.batches.epoch(0)):
            some.append(to_numpy(x).reshape(len(x), -1).copy())
            if sum(map(len, some)) >= 1000:
                break
        return numpy.concatenate(some)[:1000]

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
        row = dict(zip(Round._fields, map(float, means), strict=True))
        row = {"epoch": self.epoch + 1, **row}
        row |= {f"norm_{player[0]}": _norm(network.dtheta) for player, network, _ in self.gan.players()}
        self.samples = self.draw()
        row["equilibrium"] = self.gan.objective.equilibrium
        distance = pairwise_distance(self.samples.reshape(len(self.samples), -1))
        row["diversity"] = (
            distance / self._data_distance if self._data_distance else math.nan
        )  # data all alike have none
        images = self.batches.rounds * self.batches.batch_size
        row |= {"images_per_second": images / self.seconds, "seconds": self.seconds}
        self.history.append(row)
        self.epoch, self.round, self.seconds = self.epoch + 1, 0, 0.0
        return row

    def draw(self):
        """G's samples of the fixed noise, on the host."""
        return to_numpy(self.gan.sampler(self.fixed_noise, self.fixed_labels))

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
        lines = [f"Training on {self.name}, {played} of {self.batches.batch_size} played"]
        if self.history:
            lines.append(_figures(self.history[-1]))
        return "\n".join([*lines, repr(self.gan)])


def fixed(gan):
    """(noise, labels) that the pictures of a game are drawn from: TILES points, or TABLE points for every class."""
    classes = gan.generator.classes
    if not classes:
        return gan.fixed_noise(TILES), None
    return xp.concatenate([gan.fixed_noise(TABLE)] * classes), xp.repeat(xp.arange(classes), TABLE)


def _norm(vector):
    return float(xp.sqrt(vector @ vector))


def save_history(path, history):
    """Write the history as CSV, one row per epoch."""
    with replacing(path, "w", newline="") as file:
        writer = csv.DictWriter(file, history[0])
        writer.writeheader()
        writer.writerows(history)


def report(row, epochs, what="images"):
    """One line about an epoch, for people; `what` the data are."""
    check_history("report", row, ("epoch", "seconds", "images_per_second", "V", "d_real", "d_fake", "accuracy"))
    left = round((whole("epochs", epochs) - row["epoch"]) * row["seconds"])
    return (
        f"epoch {row['epoch']:>{len(str(epochs))}}/{epochs}  {_figures(row)}  "
        f"{row['images_per_second']:,.0f} {what}/s  {left // 60}:{left % 60:02} left"
    )


def _figures(row):
    return (
        f"{value_in_words(row)}  D(x) {row['d_real']:.2f}  D(G(z)) {row['d_fake']:.2f}  D right {row['accuracy']:.0%}"
    )
