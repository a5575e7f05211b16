"""Training on text: maximum likelihood first, then a game against D, by one of the two ways round the draw."""

import time

from minigan.backend import generator as random_generator
from minigan.backend import host_generator, to_numpy, xp
from minigan.backend.checks import kind, number, whole
from minigan.backend.generators import TRAINING
from minigan.data import sealed
from minigan.data.sealed import CheckpointError
from minigan.data.text import Text
from minigan.evaluation.text import both
from minigan.layers import GRU, LSTM, Dense, Dropout, Embedding, Normal
from minigan.network import Network
from minigan.objectives import NonSaturating
from minigan.objectives.tokens import (
    advantages,
    before,
    by_chance,
    draw,
    gumbel,
    likelihood,
    relaxed,
    relaxed_backward,
)
from minigan.optimizers import Adam, ClipNorm, Cosine
from minigan.training.checkpoint import agree
from minigan.training.description import described
from minigan.training.guard import HELP, NotFiniteError

WAYS = "reinforce", "gumbel"
LONGEST = 1.0  # gradient
SAID = "epoch", "round", "loss_d", "train", "test", "oracle", "seconds"  # a row of the history


def language_model(vocabulary, width=32, hidden=32, dropout=0.3, seed=0):
    """G: tokens (N, T) -> logits (N, T, V) of the next ones."""
    layers = Embedding(vocabulary, width, Normal(0.1)), Dropout(dropout), LSTM(hidden), Dropout(dropout)
    return Network(*layers, Dense(hidden, vocabulary), seed=seed)


def judge(vocabulary, way, width=32, hidden=64, dropout=0.3, seed=1):
    """D: tokens (N, T), or for "gumbel" rows (N, T, V), -> a logit (N, T, 1) of each beginning of a sequence."""
    layers = Embedding(vocabulary, width, Normal(0.1)), Dropout(dropout), GRU(hidden), Dropout(dropout)
    return Network(*layers, Dense(hidden, 1), seed=seed, shape=(None, vocabulary) if way == "gumbel" else None)


class TextTraining:
    """G learns from a Text, `learn` by maximum likelihood, then `play` rounds of a game, a step of D and one of G.

    `way` is how G learns from D: "reinforce" weighs the tokens that G drew by D's verdict on them, "gumbel" hands D's
    derivative straight through the draw. In either, `pull` times the likelihood of data is added, without which G
    forgets what D does not ask for. In the first `warm` rounds of a game only D learns.

    `rounds` does both. `history` has a row for each epoch of learning, and for every `every` rounds of the game. All
    that is random is a function of the seed and of the round, so training that is restored goes on to the same bits.
    Raises ValueError for another way, a batch larger than the text, and numbers out of their range, TypeError for what
    is no Text or Network.
    """

    def __init__(self, text, G, D, way="reinforce", epochs=20, batch_size=64, seed=0, lr=5e-3, lr_game=1e-3, warm=300,
                 every=100, pull=1.0, discount=0.0, tau=1.0):  # fmt: skip
        if not isinstance(way, str) or way not in WAYS:
            raise ValueError(f"way={way!r:.60}: expected one of {', '.join(WAYS)}")
        self.text, self.way = kind("TextTraining", text, Text), way
        self.players = {"G": kind("TextTraining: G", G, Network), "D": kind("TextTraining: D", D, Network)}
        self.G, self.D = G, D
        self.batch_size = whole(f"{text.name}: batch_size={batch_size!r}", batch_size, most=len(text.x))
        self.epochs, self.every = whole(f"epochs={epochs!r} and every={every!r}", epochs, every)
        self.seed, self.warm = whole(f"seed={seed!r} and warm={warm!r}", seed, warm, least=0)
        self.pull, self.tau = number("pull", pull, "[0, inf)"), number("tau", tau, "(0, inf)")
        self.discount = number("discount", discount, "[0, 1]")
        self.in_epoch = len(text.x) // self.batch_size  # rounds
        self.round, self.history, self.sums, self.seconds = 0, [], [0.0, 0.0, 0], 0.0
        rates = {"learn": (G, Cosine(lr, lr / 20, epochs * self.in_epoch)), "play": (G, lr_game), "judge": (D, lr_game)}
        self.rules = {name: Adam(network, rate, beta1=0.9) for name, (network, rate) in rates.items()}
        for rule in self.rules.values():
            rule.between.append(ClipNorm(LONGEST))

    @property
    def learned(self):
        """The rounds after which the game begins."""
        return self.epochs * self.in_epoch

    def rounds(self, game=0):
        """Train until so many rounds of the `game` are played. Yields after every round: a row of the history, or None.

        Raises NotFiniteError in the round in which a loss stops being finite.
        """
        while self.round < self.learned + game:
            start = time.perf_counter()
            losses = (0.0, self.learn()) if self.round < self.learned else self.play()
            self.round += 1
            if not all(xp.isfinite(loss) for loss in losses):
                raise NotFiniteError(f"round {self.round}: a loss is not finite. {HELP}")
            self.sums = [a + b for a, b in zip(self.sums, (*map(float, losses), 1), strict=True)]
            self.seconds += time.perf_counter() - start
            every = self.in_epoch if self.round <= self.learned else self.every
            yield self._row() if (self.round - self.learned) % every == 0 else None

    def _row(self):
        loss_d, train, n = self.sums
        oracle, test = both(self.G, self.text, seed=self.seed)
        row = (self.round // self.in_epoch, self.round, loss_d / n, train / n, test, oracle, self.seconds)
        self.history.append(dict(zip(SAID, row, strict=True)))
        self.sums = [0.0, 0.0, 0]
        return self.history[-1]

    def batch(self):
        """The sequences of the present round: each epoch deals all of them, in an order of its own."""
        e, k = divmod(self.round, self.in_epoch)
        order = host_generator(self.seed, e).permutation(len(self.text.x))
        return xp.asarray(self.text.x[order[k * self.batch_size : (k + 1) * self.batch_size]])

    def learn(self):
        """A step of maximum likelihood; returns G's negative log-likelihood of its batch, per token."""
        x = self.batch()
        a = self.G.forward(before(x), training=True)
        loss, da = likelihood(a, x, out=a)
        self.G.backward(da, wrt="params")
        self.rules["learn"].step()
        return loss

    def play(self):
        """A step of D and one of G; returns their losses, G's as in `learn`."""
        x, (n, steps) = self.batch(), (self.batch_size, self.text.x.shape[1])
        rng = random_generator(self.seed, TRAINING, self.round)
        g = gumbel(rng, (n, steps, self.text.vocabulary), self.G.dtype) if self.way == "gumbel" else None
        fake = draw(self.G, n, steps, by_chance(rng) if g is None else lambda a, t: (a + g[:, t]).argmax(axis=1))
        loss_d = self.judge(x, fake)
        if self.round < self.learned + self.warm:
            return loss_d, likelihood(self.G.forward(before(x)), x)[0]
        said = xp.concatenate([fake, x])
        a = self.G.forward(before(said), training=True)
        weights = xp.full(said.shape, self.pull, dtype=a.dtype)
        verdict = self.D.forward(self.shown(fake))
        y = None if g is None else relaxed(a[:n] + g, self.tau)
        weights[:n] = advantages(verdict[..., 0], self.discount) if g is None else 0
        loss = likelihood(a[n:], x)[0]
        _, da = likelihood(a, said, weights, out=a)
        if g is not None:
            _, d_verdict = NonSaturating().generator(verdict)
            da[:n] = relaxed_backward(self.D.backward(d_verdict, wrt="input"), y, self.tau)
        self.G.backward(da, wrt="params")
        self.rules["play"].step()
        return loss_d, loss

    def judge(self, x, fake):
        """D's step on data x and on what G drew; returns its loss."""
        n = len(x)
        a = self.D.forward(self.shown(xp.concatenate([x, fake])), training=True)
        loss, da_real, da_fake = NonSaturating().discriminator(a[:n], a[n:])
        self.D.backward(xp.concatenate([da_real, da_fake]), wrt="params")
        self.rules["judge"].step()
        return loss

    def shown(self, x):
        """What D is shown of the tokens x (N, T): themselves, or their one-hot rows (N, T, V)."""
        return x if self.way == "reinforce" else (x[..., None] == xp.arange(self.text.vocabulary)).astype(self.D.dtype)

    def save(self, path):
        """Write a checkpoint of the present moment. Raises OSError as the disk does."""
        meta = {"text": self._made_of(), "round": self.round, "history": self.history, "sums": self.sums}
        meta |= {"seconds": self.seconds, "steps": {name: rule.steps for name, rule in self.rules.items()}}
        states = {f"{name}.{s}": a for name, network in self.players.items() for s, a in network.states().items()}
        sealed.write(path, {name: to_numpy(a) for name, a in (self._arrays() | states).items()}, meta)

    def restore(self, path):
        """Go on from the checkpoint at `path`. Raises CheckpointError if it is damaged, or made for something else."""
        arrays, meta = sealed.read(path)
        if "text" not in meta:
            raise CheckpointError(f"{path}: a file of minigan's, but not a checkpoint of training on text")
        try:
            for what, here in self._made_of().items():
                agree(what, meta["text"][what], here)
        except CheckpointError as error:
            raise CheckpointError(f"{path}: {error}") from None
        for name, a in self._arrays().items():
            a[...] = xp.asarray(arrays[name])
        for rule, steps in meta["steps"].items():
            self.rules[rule].steps = steps
        for name, network in self.players.items():
            network.set_states({state: arrays[f"{name}.{state}"] for state in network.states()})
        self.round, self.history, self.sums, self.seconds = (meta[k] for k in ("round", "history", "sums", "seconds"))

    def _made_of(self):
        networks = {name: described(network) for name, network in self.players.items()}
        return {
            "text": self.text.identity,
            "epochs": self.epochs,
            "batch size": self.batch_size,
            "seed": self.seed,
            "way": self.way,
        } | networks

    def _arrays(self):
        """{name: array} of all that training changes."""
        arrays = {f"{name}.theta": network.theta for name, network in self.players.items()}
        return arrays | {f"{name}.{v}": getattr(rule, v) for name, rule in self.rules.items() for v in rule.vectors}
