"""Training on text: maximum likelihood first, then a game against D, by one of the two ways round the draw."""

import numpy

from minigan.backend import generator as random_generator
from minigan.backend import host_generator, to_numpy, xp
from minigan.backend.checks import kind, number, whole
from minigan.backend.generators import TRAINING
from minigan.data.sealed import CheckpointError, read, write
from minigan.data.text import Text
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
from minigan.optimizers import Adam, ClipNorm
from minigan.training.checkpoint import agree
from minigan.training.description import described

WAYS = "reinforce", "gumbel"


def language_model(vocabulary, width=32, hidden=32, dropout=0.3, seed=0):
    """G: tokens (N, T) -> logits (N, T, V) of the next ones."""
    layers = Embedding(vocabulary, width, Normal(0.1)), Dropout(dropout), LSTM(hidden), Dropout(dropout)
    return Network(*layers, Dense(hidden, vocabulary), seed=seed)


def judge(vocabulary, way, width=32, hidden=64, dropout=0.3, seed=1):
    """D: tokens (N, T), or for "gumbel" rows (N, T, V), -> a logit (N, T, 1) of each beginning of a sequence."""
    layers = Embedding(vocabulary, width, Normal(0.1)), Dropout(dropout), GRU(hidden), Dropout(dropout)
    shape = (None, vocabulary) if way == "gumbel" else None
    return Network(*layers, Dense(hidden, 1), seed=seed, shape=shape)


class TextTraining:
    """G learns from a Text by rounds of `learn`, maximum likelihood, and then of `play`, a step of D and one of G.

    `way` is how G learns from D: "reinforce" weighs the tokens that G drew by D's verdict on them, "gumbel" hands D's
    derivative straight through the draw. In both, `pull` times the likelihood of data is added, without which G
    forgets what D does not ask for. All that is random is a function of the seed and of the round, so training that is
    restored goes on to the same bits. Raises ValueError for another way, a batch larger than the text, and numbers out
    of their range, TypeError for what is no Text or Network.
    """

    def __init__(self, text, G, D=None, way="reinforce", batch_size=64, seed=0, lr=5e-3, lr_game=1e-3, pull=1.0,
                 discount=1.0, tau=1.0):  # fmt: skip
        kind("TextTraining", text, Text)
        kind("TextTraining", G, Network)
        if way not in WAYS:
            raise ValueError(f"way={way!r}: expected one of {', '.join(WAYS)}")
        self.text, self.G, self.D, self.way = text, G, D, way
        self.batch_size = whole(f"batch_size={batch_size!r}", batch_size, most=len(text.x))
        self.seed = whole(f"seed={seed!r}", seed, least=0)
        self.pull, self.tau = number("pull", pull, "[0, inf)"), number("tau", tau, "(0, inf)")
        self.discount, self.lr, self.lr_game = number("discount", discount, "[0, 1]"), lr, lr_game
        self.round, self.played, self.history = 0, 0, []
        self.rules = [Adam(network, rate, beta1=0.9) for network, rate in ((G, lr), (D, lr_game)) if network]
        for rule in self.rules:
            rule.between.append(ClipNorm(1.0))

    @property
    def rounds(self):
        """How many rounds an epoch has."""
        return len(self.text.x) // self.batch_size

    def batch(self):
        """The sequences of the present round: each epoch deals all of them, in an order of its own."""
        e, k = divmod(self.round, self.rounds)
        order = host_generator(self.seed, e).permutation(len(self.text.x))
        return xp.asarray(self.text.x[order[k * self.batch_size : (k + 1) * self.batch_size]])

    def learn(self):
        """One round of maximum likelihood; returns G's negative log-likelihood of its batch, per token."""
        x = self.batch()
        a = self.G.forward(before(x), training=True)
        loss, da = likelihood(a, x, out=a)
        self.G.backward(da, wrt="params")
        self.rules[0].step()
        self.round += 1
        return loss

    def play(self):
        """One round of the game; returns (D's loss, the likelihood's loss), for the history."""
        if self.played == 0:
            self.rules[0].lr = self.lr_game
        x, (n, steps) = self.batch(), (self.batch_size, self.text.x.shape[1])
        rng = random_generator(self.seed, TRAINING, self.round)
        g = gumbel(rng, (n, steps, self.text.vocabulary), self.G.dtype) if self.way == "gumbel" else None
        fake = draw(self.G, n, steps, by_chance(rng) if g is None else lambda a, t: (a + g[:, t]).argmax(axis=1))
        loss_d = self.judge(x, fake)
        both = xp.concatenate([fake, x])
        a = self.G.forward(before(both), training=True)
        verdict = self.D.forward(self.shown(fake))
        weights = xp.full(both.shape, self.pull, dtype=a.dtype)
        if g is None:
            weights[:n] = advantages(verdict[..., 0], self.discount)
            loss, da = likelihood(a, both, weights, out=a)
        else:
            weights[:n] = 0
            y = relaxed(a[:n] + g, self.tau)
            loss, da = likelihood(a, both, weights, out=a)
            _, da_fake = NonSaturating().generator(verdict)
            da[:n] = relaxed_backward(self.D.backward(da_fake, wrt="input"), y, self.tau)
        self.G.backward(da, wrt="params")
        self.rules[0].step()
        self.round, self.played = self.round + 1, self.played + 1
        return loss_d, loss

    def judge(self, x, fake):
        """D's step on data x and on what G drew; returns its loss."""
        n = len(x)
        a = self.D.forward(self.shown(xp.concatenate([x, fake])), training=True)
        loss, da_real, da_fake = NonSaturating().discriminator(a[:n], a[n:])
        self.D.backward(xp.concatenate([da_real, da_fake]), wrt="params")
        self.rules[1].step()
        return loss

    def shown(self, x):
        """What D is shown of the tokens x (N, T): themselves, or their one-hot rows (N, T, V)."""
        if self.way == "reinforce":
            return x
        return (x[..., None] == xp.arange(self.text.vocabulary)).astype(self.D.dtype)
