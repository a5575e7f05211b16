"""Training: the course of a GAN on images, or on any source of batches."""

import copy
import math

import numpy

from minigan.backend import to_numpy, xp
from minigan.backend.checks import kind, whole
from minigan.data import Batches, Dataset
from minigan.data.dataset import parts
from minigan.evaluation.metrics import pairwise_distance
from minigan.gan import GAN
from minigan.layers.layer import as_shape, in_words
from minigan.training import checkpoint
from minigan.training.advice import read_history
from minigan.training.course import Course

SOURCE = "name", "identity", "sample_shape", "batch_size", "rounds", "epoch"
TILES = 64  # samples that are drawn from the same noise after every epoch
TABLE = 8  # of each class, in a conditional game


class Training(Course):
    """A GAN, a source of batches, and how far the one has played on the other.

    `data` is a Dataset, of which `batch_size` images go to each of D's steps, or any source of batches: an object with
    `name`, `batch_size`, `sample_shape`, the number of `rounds` in an epoch, `epoch(e, start=0)`, which yields the
    arrays x (batch_size, ...) of epoch e from round `start` on, or of a conditional game pairs (x, y) with the labels
    y (batch_size,), a function of these two numbers alone, and `identity`, a dict that says in a checkpoint which data
    these were. It may say `what` it deals, "images" unless it does.

    What it does is said in `Course`. The `history` has means over an epoch's rounds; only the norms of the gradients,
    `norm_g` and `norm_d`, are of its last round. `samples` are G's of the same noise at the end of the epoch that was
    last played, on the host; of a conditional game a table of `columns`, a row for each class, the same noise down a
    column. `last` is what the last round saw, a `Round`.

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
        self.dataset = data.dataset if isinstance(data, Batches) else None
        self._check()
        super().__init__(gan, data)
        self.columns = TABLE if gan.generator.classes else None
        self.fixed_noise, self.fixed_labels = fixed(gan)
        some = self._some_data()
        self._data_distance = pairwise_distance(some) if len(some) > 1 else 0.0

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

    def advice(self):
        return read_history(self.history) if self.history else {}

    def measure(self):
        norms = {f"norm_{player[0]}": _norm(network.dtheta) for player, network, _ in self.gan.players()}
        self.samples = self.draw()
        apart = pairwise_distance(self.samples.reshape(len(self.samples), -1))
        diversity = apart / self._data_distance if self._data_distance else math.nan  # data all alike have none
        return norms | {"equilibrium": self.gan.objective.equilibrium, "diversity": diversity}

    def draw(self):
        """G's samples of the fixed noise, on the host."""
        return to_numpy(self.gan.sampler(self.fixed_noise, self.fixed_labels))


def fixed(gan):
    """(noise, labels) that the pictures of a game are drawn from: TILES points, or TABLE points for every class."""
    classes = gan.generator.classes
    if not classes:
        return gan.fixed_noise(TILES), None
    return xp.concatenate([gan.fixed_noise(TABLE)] * classes), xp.repeat(xp.arange(classes), TABLE)


def _norm(vector):
    return float(xp.sqrt(vector @ vector))
