"""The guard: stops training at the round in which a number is no longer finite, and says where that began."""

from minigan import backend
from minigan.backend import batch, to_numpy, xp

ROUNDS_ON_A_GPU = 64  # between two looks: each look waits for the device

HELP = (
    "What usually helps: a lower learning rate; data and weights without NaN; D ending in a logit, "
    "not a Sigmoid; fewer layers"
)


class NotFiniteError(ArithmeticError):
    """A weight, an output or a gradient became NaN or infinite; the message says which and where."""


class Guard:
    """Hangs between gradient and step of both players' optimizers, and looks while theta is what the gradient saw.

    By the chain rule a NaN or infinity in an output spreads to every derivative below it, and so to the first row of
    dW; one in an x to what the layers above make of it, and so to the first row of their dW or to the last output. To
    look there is enough, and costs microseconds. What does not spread, an overflow within the product x.T dy of one
    layer, reaches theta and is seen in the next round. On a GPU only every 64th round is looked at, and theta may by
    then have been reached.

    A copy of the GAN has a guard of its own; a second guard of the same GAN takes the place of the first.
    """

    def __init__(self, gan):
        self.gan, self.rounds = gan, 0
        self.real = None  # the real samples of the present round
        self.every = 1 if backend.name() == "numpy" else ROUNDS_ON_A_GPU
        self.rows = [_first_rows(network) for _, network, _ in gan.players()]
        for _, _, optimizer in gan.players():
            before = [hung for hung in optimizer.between if not isinstance(getattr(hung, "__self__", None), Guard)]
            optimizer.between[:] = [*before, self.look]

    def begin_round(self, real):
        """Remember the round's real samples (N, ...), to look there too."""
        self.real = real
        self.rounds += 1

    def look(self, network):
        """Raises NotFiniteError, saying where it began, unless this player's gradient is finite, where it is looked at.

        Called in each of its optimizer's steps.
        """
        if self.rounds % self.every:
            return
        (player, rows), *_ = (
            (name, rows) for (name, its, _), rows in zip(self.gan.players(), self.rows, strict=True) if its is network
        )
        finite = all(xp.isfinite(a).all() for a in (network.dtheta[rows], *network.outputs[-1:]))
        if batch.found(None if finite else player):
            where = batch.found(self.find_before_backward()) or batch.found(self.find_in_gradient(player))
            raise NotFiniteError(f"{where}, found before the {player}'s step. {HELP}")

    def look_at_losses(self, loss_d, loss_g):
        """The same for a round's two losses: an infinite logit can make one infinite while its derivative is finite.

        Raises NotFiniteError.
        """
        if self.rounds % self.every == 0:
            for player, loss in (("discriminator", loss_d), ("generator", loss_g)):
                if not xp.isfinite(loss):
                    where = self.find(player) or f"the {player}'s loss is {float(loss)} while all else is finite"
                    raise NotFiniteError(f"{where}, found after the round. {HELP}")

    def look_at_state(self):
        """The same for everything that a checkpoint holds: theta, the layers' state, and what the optimizers carry.

        Raises NotFiniteError.
        """
        where = self.find_in_state()
        for player, _, optimizer in self.gan.players():
            for name in optimizer.vectors:
                a = getattr(optimizer, name)
                if not where and not xp.isfinite(a).all():
                    where = f"{player}, {type(optimizer).__name__}'s {_entries(name, a)}"
        if where:
            raise NotFiniteError(f"{where}, found before a checkpoint was written, so none was. {HELP}")

    def find_in_state(self):
        """The first parameter, or array of a layer's state, that is not finite, in words, or None."""
        networks = [(player, network) for player, network, _ in self.gan.players()]
        if self.gan.average:
            networks.append(("average of the generator", self.gan.sampler))
        for player, network in networks:
            parameters = {tensor: a for tensor, a, _ in network.parameters()}
            for tensor, a in {**parameters, **network.states()}.items():
                if not isinstance(a, int) and not xp.isfinite(a).all():
                    return f"{player}, {_layer(network, tensor)}: {_entries(tensor.rpartition('.')[2], a)}"
        return None

    def find(self, player):
        """Where the present round first met a number that is not finite, in words, or None; in `player`'s step."""
        return self.find_before_backward() or self.find_in_gradient(player)

    def find_before_backward(self):
        """The same, but for what backward made. What the layers gave lies where it was: nothing is computed anew."""
        in_state = self.find_in_state()
        if in_state:
            return in_state
        if self.real is not None and not xp.isfinite(self.real).all():
            return f"the batch of real samples: {_entries('x', self.real)}"
        for name, network, _ in self.gan.players():
            for i, y in enumerate(network.outputs):
                if not xp.isfinite(y).all():
                    words = f"{_entries('its output', y)}, while its weights are finite"
                    return f"{name}, {_layer(network, str(i))}: {words}"
        return None

    def find_in_gradient(self, player):
        """Where backward first met a number that is not finite, in words, or None; in the player's gradient."""
        network = getattr(self.gan, player)
        bad = [(tensor, g) for tensor, _, g in network.parameters() if not xp.isfinite(g).all()]
        if not bad:
            return None
        tensor, g = bad[-1]  # backward comes from the end: there it began
        return f"{player}, {_layer(network, tensor)}: {_entries('d' + tensor.rpartition('.')[2], g)}"

    def __getstate__(self):
        return {**self.__dict__, "real": None}  # a copy plays rounds of its own


def _first_rows(network):
    """Where the first row of each parameter's gradient lies in dtheta."""
    sizes, start = [], 0
    for _, a, _ in network.parameters():
        sizes.append(xp.arange(start, start + a.shape[-1]))
        start += a.size
    return xp.concatenate(sizes)


def _layer(network, tensor):
    i = int(tensor.split(".")[0])
    return f"layer {i}, {network.layers[i]!r}"


def _entries(what, a):
    bad = ~to_numpy(xp.isfinite(a))
    index = tuple(map(int, next(zip(*bad.nonzero(), strict=True))))
    return f"{what} holds {to_numpy(a)[index]} at {list(index)} ({bad.sum():,} of {bad.size:,} entries are not finite)"
