"""Training on text: maximum likelihood first, then a game against D, by one of the two ways round the draw."""

import math
from typing import NamedTuple

from minigan.backend import generator as random_generator
from minigan.backend import to_numpy, xp
from minigan.backend.checks import kind, number, whole
from minigan.backend.generators import FIXED, TRAINING
from minigan.data.sequences import SequenceBatches
from minigan.data.text import Text
from minigan.evaluation.text import both
from minigan.gan import halves
from minigan.layers import GRU, LSTM, Dense, Dropout, Embedding, Normal
from minigan.layers.layer import as_shape
from minigan.network import Network
from minigan.objectives import NonSaturating
from minigan.objectives.tokens import (
    advantages,
    before,
    by_chance,
    draw,
    drawn,
    gumbel,
    likelihood,
    relaxed,
    relaxed_backward,
)
from minigan.optimizers import Adam, ClipNorm, Cosine
from minigan.training.course import Course

WAYS = "reinforce", "gumbel"
LONGEST = 1.0  # gradient
SAMPLES = 5


def language_model(vocabulary, width=32, hidden=32, dropout=0.3, seed=0):
    """G: tokens (N, T) -> logits (N, T, V) of the next ones."""
    layers = Embedding(vocabulary, width, Normal(0.1)), Dropout(dropout), LSTM(hidden), Dropout(dropout)
    return Network(*layers, Dense(hidden, vocabulary), seed=seed)


def judge(vocabulary, way, width=32, hidden=64, dropout=0.3, seed=1):
    """D: tokens (N, T), or for "gumbel" rows (N, T, V), -> a logit (N, T, 1) of each beginning of a sequence."""
    layers = Embedding(vocabulary, width, Normal(0.1)), Dropout(dropout), GRU(hidden), Dropout(dropout)
    return Network(*layers, Dense(hidden, 1), seed=seed, shape=(None, vocabulary) if way == "gumbel" else None)


class Losses(NamedTuple):
    """What one round saw, as scalars on the device."""

    loss_d: object  # 0 while G learns alone
    train: object  # G's negative log-likelihood of the batch, per token
    loss_g = property(lambda self: self.train)  # as a Round calls it


class TextGame:
    """G learns sequences by maximum likelihood in the first `learned` rounds, and then plays, a step of D and one of G.

    `way` is how G learns from D: "reinforce" weighs the tokens that G drew by D's verdict on them, "gumbel" hands D's
    derivative straight through the draw. In either, `pull` times the likelihood of data is added, without which G
    forgets what D does not ask for. In the first `warm` rounds of the game only D learns. When it begins, G's Adam
    begins anew, at the rate `lr_game` of both.

    All that is random is a function of the seed and of the number of the round, which is in `draws`. Raises ValueError
    for another way, and numbers out of their range, TypeError for what is no Network.
    """

    average, objective = None, NonSaturating()

    def __init__(self, G, D, way="reinforce", learned=0, seed=0, lr=5e-3, lr_game=1e-3, warm=300, pull=1.0,
                 discount=0.0, tau=1.0):  # fmt: skip
        if not isinstance(way, str) or way not in WAYS:
            raise ValueError(f"way={way!r:.60}: expected one of {', '.join(WAYS)}")
        self.generator, self.discriminator = kind("TextGame: G", G, Network), kind("TextGame: D", D, Network)
        self.learned, self.seed, self.warm = whole(
            f"learned={learned!r}, seed={seed!r} and warm={warm!r}", learned, seed, warm, least=0
        )
        self.pull, self.tau = number("pull", pull, "[0, inf)"), number("tau", tau, "(0, inf)")
        self.discount = number("discount", discount, "[0, 1]")
        number("lr", lr, "(0, inf)"), number("lr_game", lr_game, "(0, inf)")
        self.way, self.draws = way, [0]
        self.rates = Cosine(lr, lr / 20, max(1, learned)), lr_game  # of G, before the game and in it
        self.generator_optimizer, self.discriminator_optimizer = Adam(G, lr, beta1=0.9), Adam(D, lr_game, beta1=0.9)
        for _, _, rule in self.players():
            rule.between.append(ClipNorm(LONGEST))

    def players(self):
        """(name, network, optimizer) of each player."""
        yield "generator", self.generator, self.generator_optimizer
        yield "discriminator", self.discriminator, self.discriminator_optimizer

    @property
    def settings(self):
        """What a checkpoint must have been made with."""
        return {"objective": self.objective, "way": self.way, "seed": self.seed}

    def step(self, x):
        """A round on the sequences x (N, T), of learning or of the game; returns its Losses."""
        played, rule = self.draws[0] - self.learned, self.generator_optimizer
        rule.lr = self.rates[played >= 0]
        if played == 0:
            rule.steps = 0
            for name in rule.vectors:
                getattr(rule, name)[...] = 0
        losses = self.learn(x) if played < 0 else self.play(x, warm=played < self.warm)
        self.draws[0] += 1
        return losses

    def learn(self, x):
        """A step of maximum likelihood."""
        a = self.generator.forward(before(x), training=True)
        loss, da = likelihood(a, x, out=a)
        self.generator.backward(da, wrt="params")
        self.generator_optimizer.step()
        return Losses(xp.zeros_like(loss), loss)

    def play(self, x, warm=False):
        """A step of D and one of G, or in a `warm` round only of D."""
        G, D, (n, steps) = self.generator, self.discriminator, x.shape
        rng = random_generator(self.seed, TRAINING, self.draws[0])
        g = gumbel(rng, (n, steps, as_shape(G.n_out)[-1]), G.dtype) if self.way == "gumbel" else None
        fake = draw(G, n, steps, by_chance(rng) if g is None else lambda a, t: (a + g[:, t]).argmax(axis=1))
        loss_d = self.judge(x, fake)
        if warm:
            return Losses(loss_d, likelihood(G.forward(before(x)), x)[0])
        said = xp.concatenate([fake, x])
        a = G.forward(before(said), training=True)
        weights = xp.full(said.shape, self.pull, dtype=a.dtype)
        verdict = D.forward(self.shown(fake))
        y = None if g is None else relaxed(a[:n] + g, self.tau)
        weights[:n] = advantages(verdict[..., 0], self.discount) if g is None else 0
        loss = likelihood(a[n:], x)[0]
        _, da = likelihood(a, said, weights, out=a)
        if g is not None:
            _, d_verdict = self.objective.generator(verdict)
            da[:n] = relaxed_backward(D.backward(d_verdict, wrt="input"), y, self.tau)
        G.backward(da, wrt="params")
        self.generator_optimizer.step()
        return Losses(loss_d, loss)

    def judge(self, x, fake):
        """D's step on data x and on what G drew; returns its loss."""
        D = self.discriminator
        a = D.forward(self.shown(xp.concatenate([x, fake])), training=True)
        loss, da_real, da_fake = self.objective.discriminator(*halves(a))
        D.backward(xp.concatenate([da_real, da_fake]), wrt="params")
        self.discriminator_optimizer.step()
        return loss

    def shown(self, x):
        """What D is shown of the tokens x (N, T): themselves, or their one-hot rows (N, T, V)."""
        if self.way == "reinforce":
            return x
        return (x[..., None] == xp.arange(as_shape(self.generator.n_out)[-1])).astype(self.discriminator.dtype)

    def __repr__(self):
        return f"TextGame({self.way}, seed={self.seed})\n  G {self.generator!r}\n  D {self.discriminator!r}"


class TextTraining(Course):
    """A TextGame on a Text, of which `batch_size` sequences go into a round.

    A row of the `history` has also `test`, and where there is an oracle `oracle`: what `both` measures. The `samples`
    are a few sequences of tokens, drawn with the same random numbers each time. Raises ValueError for a batch larger
    than the text, TypeError for what is no TextGame or Text.
    """

    seen = Losses

    def __init__(self, game, text, batch_size=64):
        self.text = kind("TextTraining", text, Text)
        super().__init__(kind("TextTraining", game, TextGame), SequenceBatches(text, batch_size, game.seed))

    def measure(self):
        self.samples = self.draw()
        oracle, test = both(self.gan.generator, self.text, seed=self.gan.seed)
        judged = {} if self.gan.draws[0] > self.gan.learned else {"loss_d": math.nan}  # D has not played yet
        return {"test": test} | ({} if oracle is None else {"oracle": oracle}) | judged

    def draw(self):
        """A few sequences (SAMPLES, T) of G's, on the host."""
        rng = random_generator(self.gan.seed, FIXED)
        return to_numpy(drawn(self.gan.generator, SAMPLES, self.text.x.shape[1], rng))
