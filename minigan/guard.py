"""The guard: stops training at the round in which a number is no longer finite, and says where that began."""

from minigan import backend
from minigan.backend import to_numpy, xp
from minigan.gan import TRAINING

ROUNDS_ON_A_GPU = 64  # between two looks: each look waits for the device

HELP = (
    "What usually helps: a lower learning rate; data and weights without NaN; D ending in a logit, "
    "not a Sigmoid; fewer layers"
)


class NotFiniteError(ArithmeticError):
    """A weight, an output or a gradient became NaN or infinite; the message says which and where."""


class Guard:
    """Looks at both players' gradients before each step of an optimizer, while theta is still what the gradient saw.

    By the chain rule a NaN or infinity in an output spreads to every derivative below it, and so to the first row of
    the first dW: to look at that row is enough, and costs microseconds. What does not spread, an overflow within the
    product x.T dy of one layer, reaches theta and is seen in the next round. On a GPU only every 64th round is looked
    at, and theta may by then have been reached.
    """

    def __init__(self, gan):
        self.gan, self.rounds = gan, 0
        self.real = None  # the real samples of the present round
        self.every = 1 if backend.name() == "numpy" else ROUNDS_ON_A_GPU
        for player, network, optimizer in gan.players():
            _, _, gradient = next(network.parameters())
            row = gradient.reshape(-1)[: gradient.shape[-1]]
            optimizer.watch = lambda player=player, row=row: self.look(player, row)

    def begin_round(self, real):
        """Remember the round's real samples (N, width), to look there too."""
        self.real = real
        self.rounds += 1

    def look(self, player, row):
        """Raises NotFiniteError, saying where it began, unless this row of `player`'s gradient is finite."""
        if self.rounds % self.every == 0 and not xp.isfinite(row).all():
            raise NotFiniteError(f"{self.find(player)}, found before the {player}'s step. {HELP}")

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
        for player, network, _ in self.gan.players():
            parameters = {tensor: a for tensor, a, _ in network.parameters()}
            for tensor, a in {**parameters, **network.state()}.items():
                if not isinstance(a, int) and not xp.isfinite(a).all():
                    return f"{player}, {_layer(network, tensor)}: {_entries(tensor.split('.')[1], a)}"
        return None

    def find(self, player):
        """Where the present round, in `player`'s step, first meets a number that is not finite, in words, or None."""
        in_state = self.find_in_state()
        if in_state:
            return in_state
        if self.real is None:
            return f"{player}: a gradient that is not finite"
        if not xp.isfinite(self.real).all():
            return f"the batch of real samples: {_entries('x', self.real)}"
        z = self.gan.latent_points(len(self.real), TRAINING, self.gan.draws[TRAINING])
        fakes, where = _first_output(self.gan.generator, z)
        if where:
            return f"generator, {where}"
        for x in (fakes, self.real):
            _, where = _first_output(self.gan.discriminator, x)
            if where:
                return f"discriminator, {where}"
        network = getattr(self.gan, player)
        bad = [(tensor, g) for tensor, _, g in network.parameters() if not xp.isfinite(g).all()]
        if not bad:
            return None
        tensor, g = bad[-1]  # backward comes from the end: there it began
        return f"{player}, {_layer(network, tensor)}: {_entries('d' + tensor.split('.')[1], g)}"


def _first_output(network, x):
    """(y, None), or (None, words) for the first layer with an output that is not finite."""
    for i, layer in enumerate(network.layers):
        x = layer.forward(x, training=True)
        if not xp.isfinite(x).all():
            return None, f"layer {i}, {layer!r}: {_entries('its output', x)}, while its weights are finite"
    return x, None


def _layer(network, tensor):
    i = int(tensor.split(".")[0])
    return f"layer {i}, {network.layers[i]!r}"


def _entries(what, a):
    bad = ~to_numpy(xp.isfinite(a))
    index = tuple(map(int, next(zip(*bad.nonzero(), strict=True))))
    return f"{what} holds {to_numpy(a)[index]} at {list(index)} ({bad.sum():,} of {bad.size:,} entries are not finite)"
