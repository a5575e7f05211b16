"""Training: epochs of the game on a data set, with its history, in a state that can be saved at any round."""

import csv
import math
import time

from minigan import checkpoint
from minigan.advice import value_in_words
from minigan.backend import to_numpy, xp
from minigan.data import Batches
from minigan.files import replacing
from minigan.gan import Round
from minigan.guard import Guard, NotFiniteError
from minigan.metrics import pairwise_distance

TILES = 64  # samples that are drawn from the same noise after every epoch


class Training:
    """A GAN, a data set, and how far the one has played on the other.

    `rounds(epochs)` plays. `history` is one dict per finished epoch, of means over its rounds; only the norms of the
    gradients, `norm_g` and `norm_d`, are of its last round. `save(path)` and `restore(path)` write and read the whole
    state: all that is random is a function of the GAN's seed and of `epoch` and `round`, so N + M epochs are bit for
    bit N epochs, saved, restored, and M more.

    `samples` are G's images of the same noise at the end of the epoch that was last played, rows on the host.

    Raises ValueError where the generator does not fit the data, or the batch is larger than the data.
    """

    def __init__(self, gan, dataset, batch_size):
        dataset.check_generator(gan.generator)
        self.gan, self.dataset = gan, dataset
        self.batches = Batches(dataset, batch_size * gan.k, gan.seed)
        self.epoch = self.round = 0  # epochs finished, and rounds of the present one
        self.seconds = 0.0  # spent in the rounds of the present epoch
        self.log = xp.zeros((self.batches.rounds, len(Round._fields)), dtype="float32")
        self.history = []
        self.fixed_noise, self.samples = gan.fixed_noise(TILES), None
        some = dataset.rows(slice(None, None, -(-len(dataset) // 1000)))
        self._data_distance = (pairwise_distance(some) if len(some) > 1 else 0.0) or math.inf
        self.guard = Guard(gan)

    def rounds(self, epochs):
        """Play until `epochs` are finished. Yields after every round: the epoch's row where it ended one, else None.

        Raises NotFiniteError in the round in which a number stops being finite (on a GPU, up to 64 rounds later).
        """
        while self.epoch < epochs:
            start = time.perf_counter()
            for x in self.batches.epoch(self.epoch, start=self.round):
                self.guard.begin_round(x)
                try:
                    seen = self.gan.step(x)
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
        self.samples = to_numpy(self.gan.sampler(self.fixed_noise))
        row["equilibrium"] = self.gan.objective.equilibrium
        row["diversity"] = pairwise_distance(self.samples) / self._data_distance
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
        arrays, meta = checkpoint.state(self.gan)
        arrays["log"] = to_numpy(self.log)
        meta |= {"dataset": self._dataset(), "batch_size": self.batches.batch_size, "history": self.history}
        meta |= {"epoch": self.epoch, "round": self.round, "seconds": self.seconds, "config": config}
        checkpoint.write(path, arrays, meta)

    def restore(self, path):
        """Go on from the checkpoint at `path`.

        Raises CheckpointError where it is damaged, or was made for other networks, data or settings.
        """
        arrays, meta = checkpoint.read(path)
        try:
            for what, present in self._dataset().items():
                checkpoint.agree(f"data set's {what}", meta["dataset"][what], present)
            checkpoint.agree("batch size", meta["batch_size"], self.batches.batch_size)
            checkpoint.restore(self.gan, arrays, meta)
        except checkpoint.CheckpointError as error:
            raise checkpoint.CheckpointError(f"{path}: {error}") from None
        self.log[:] = xp.asarray(arrays["log"])
        self.history = meta["history"]
        self.epoch, self.round, self.seconds = meta["epoch"], meta["round"], meta["seconds"]

    def _dataset(self):
        data = self.dataset
        identity = {"name": data.name, "images": len(data), "sha256": data.sha256}
        return {**identity, "shape": list(data.shape), "range": list(data.range)}


def _norm(vector):
    return float(xp.sqrt(vector @ vector))


def save_history(path, history):
    """Write the history as CSV, one row per epoch."""
    with replacing(path, "w", newline="") as file:
        writer = csv.DictWriter(file, history[0])
        writer.writeheader()
        writer.writerows(history)


def report(row, epochs):
    """One line about an epoch, for people."""
    left = (epochs - row["epoch"]) * row["seconds"]
    return (
        f"epoch {row['epoch']:>{len(str(epochs))}}/{epochs}  {value_in_words(row)}  "
        f"D(x) {row['d_real']:.2f}  D(G(z)) {row['d_fake']:.2f}  D right {row['accuracy']:.0%}  "
        f"{row['images_per_second']:,.0f} images/s  {left // 60:.0f}:{left % 60:02.0f} left"
    )
