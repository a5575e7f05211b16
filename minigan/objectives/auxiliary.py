"""The auxiliary classifier: D is not told the class of a sample, it has to say it (Odena, Olah and Shlens 2017)."""

import copy

from minigan.backend import checks, xp
from minigan.losses import sigmoid, softmax_cross_entropy
from minigan.objectives.minimax import NonSaturating, Objective, value


class AuxiliaryClassifier(Objective):
    """D gives 1 + K numbers for each sample, the logit a of being real, and c_1 ... c_K, p = softmax(c):

    D: -E[log D(x)] - E[log(1 - D(G(z, y)))] - weight (E[log p_y(x)] + E[log p_y(G(z, y))])
    G: -E[log D(G(z, y))] - weight E[log p_y(G(z, y))]

    y are the labels of the x, and G draws with the same. da and dc stand side by side, as a and c do: the derivative of
    the game of 2014, and weight (p - onehot(y)) / N. (Odena et al. 2017, eq. 2 and 3; G's first term is the
    non-saturating one, the weight is 1.) G gains by samples that are easy to tell apart: classes move away from each
    other, and what lies between them may be lost.

    `real` is the target of D for real samples, as NonSaturating has it. Raises ValueError for a number of classes that
    is not whole, a weight that is not positive and finite, and for a D with another number of outputs, that is given
    labels itself, or that judges several samples at a time.
    """

    y = None  # the labels of the samples, of a copy that was `told`

    def __init__(self, classes, weight=1.0, real=1.0):
        self.classes = checks.whole(f"AuxiliaryClassifier({classes!r}): the number of classes", classes)
        self.weight = checks.number(f"AuxiliaryClassifier: weight={weight!r}", weight, "(0, inf)")
        self.source = NonSaturating(real=real)
        self.real = self.source.real

    @property
    def equilibrium(self):
        """V where D cannot tell samples from data, as in the game of 2014."""
        return self.source.equilibrium

    def check(self, D):
        super().check(D)
        if D.rows != 1 or D.classes:
            does = "is given labels itself" if D.classes else f"judges {D.rows} samples at a time"
            raise ValueError(f"the discriminator {does}, but {self!r} asks it for the class of each sample: leave out "
                             "its Condition, Projection or Pack")  # fmt: skip

    def told(self, y):
        """(an objective that knows y, nothing for D): a copy, which its two losses are asked of."""
        told = copy.copy(self)
        told.y = xp.asarray(y)
        return told, None

    def discriminator(self, a_real, a_fake):
        loss, *sides = self.source.discriminator(a_real[:, :1], a_fake[:, :1])
        for i, a in enumerate((a_real, a_fake)):
            loss, sides[i] = self._and_class(a, loss, sides[i])
        return loss, *sides

    def generator(self, a_fake):
        return self._and_class(a_fake, *self.source.generator(a_fake[:, :1]))

    def _and_class(self, a, loss, da):
        """The loss and its derivative with respect to all of D's outputs, from those of the game about a alone."""
        unlike, dc = softmax_cross_entropy(a[:, 1:], self.y)
        return loss + self.weight * unlike, xp.concatenate((da, self.weight * dc), axis=1)

    def value(self, loss_d, a_real, a_fake):
        """V of the game of 2014 within this one."""
        return value(a_real[:, :1], a_fake[:, :1])[0]

    def probability(self, a):
        return sigmoid(a[:, :1])

    def __repr__(self):
        settings = {"weight": self.weight, "real": self.real}
        shown = "".join(f", {name}={value}" for name, value in settings.items() if value != 1)
        return f"AuxiliaryClassifier({self.classes}{shown})"
