"""Many machines: n ranks play one game, each on its share of every batch, and compute what one machine would.

Each loss is a mean over the N samples of a batch. So its gradient is a sum over samples, and the sum of what each rank
makes of its own: with the rows of rank r, and g_r the mean of dl_i/dtheta over its n_r samples,

    dL/dtheta = 1/N sum over i of dl_i/dtheta = sum over r of (sum over the i of r of dl_i/dtheta / N)
              = sum over r of (n_r / N) g_r,      the mean of the g_r, weighted by their counts

One Allreduce of dtheta, between the gradient and the step, and all ranks take the step that one machine would take.
What is no function of single samples asks `batch`, which is a `Share` here (minigan/backend/share.py):

- a draw for each sample is drawn for the whole batch on every rank, which keeps its rows;
- D's outputs, two numbers a sample, come together on every rank (`OfTheWhole`): so each computes the losses of the
  whole batch, V and what a `Round` says, and goes backward from its rows of dL/da, in which the 1/N stands already;
- a mean over the batch (batch normalization, and its backward) is a sum over ranks of sums over rows.

docs/many-machines.md has the derivation and what it costs.
"""

from minigan.backend.batch import sharing
from minigan.backend.share import Share, Wire
from minigan.gan import GAN
from minigan.training.guard import Guard


class DistributedGAN(GAN):
    """The game of a `gan`, each batch of which the ranks of an MPI communicator share; `gan` is used no more.

    Every rank hands `step` the whole batch, and has the same theta before and after it. Raises ValueError for a batch
    of fewer samples, or packs of samples, than there are ranks.
    """

    def __init__(self, gan, comm):
        vars(self).update(vars(gan))
        self.wire = Wire(comm)
        for _, _, optimizer in self.players():  # a guard looks at what is here: it can say where it came from
            guards = [hung for hung in optimizer.between if isinstance(getattr(hung, "__self__", None), Guard)]
            others = [hung for hung in optimizer.between if hung not in guards]
            optimizer.between[:] = [*guards, self.add_up, *others]

    def add_up(self, network):
        """dtheta <- the sum over the ranks."""
        self.wire.add(network.dtheta)

    def step(self, x, y=None):
        n, left = divmod(len(x), self.k)
        if left or n % self.discriminator.rows:
            return super().step(x, y)  # which says what is wrong
        share = Share(self.wire, n, self.discriminator.rows)
        with sharing(share):
            with share.stacked(self.k):
                x, *labels = (share.here(a) for a in (x, y) if a is not None)
            objective, self.objective = self.objective, OfTheWhole(self.objective, share)
            try:
                return super().step(x, *labels)
            finally:
                self.objective = objective


class OfTheWhole:
    """The `objective` of one round, for which D's outputs of all ranks come together; derivatives are of rows here."""

    def __init__(self, objective, share):
        self.objective, self.share, self.known = objective, share, []  # outputs, each with those of all ranks

    def __getattr__(self, name):
        return getattr(self.objective, name)

    def told(self, y):
        """As the objective's own, which is told the labels of all samples; D is given those that are here."""
        if y is None:
            return self, None
        objective, given = self.objective.told(self.share.whole(y))
        return OfTheWhole(objective, self.share), None if given is None else y

    def discriminator(self, *outputs):
        return self._played(self.objective.discriminator, outputs)

    def generator(self, *outputs):
        return self._played(self.objective.generator, outputs)

    def value(self, loss, *outputs):
        return self.objective.value(loss, *map(self._whole, outputs))

    def probability(self, a):
        return self.objective.probability(self._whole(a))

    def _played(self, play, outputs):
        loss, *derivatives = play(*map(self._whole, outputs))
        return loss, *map(self.share.here, derivatives)

    def _whole(self, a):
        if not any(mine is a for mine, _ in self.known):
            self.known.append((a, self.share.whole(a)))
        return next(whole for mine, whole in self.known if mine is a)
