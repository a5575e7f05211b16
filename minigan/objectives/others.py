"""Other games than that of 2014. As everywhere here, each loss is minimized by its player.

In these games D's output a is not a logit. `probability` is a substitute for the history: above 1/2 where D takes a
sample for real.
"""

from minigan.backend import checks, xp
from minigan.losses import sigmoid, softplus
from minigan.objectives.minimax import EQUILIBRIUM, NonSaturating, Objective


class LeastSquares(Objective):
    """D: E[(a(x) - 1)^2] / 2 + E[a(G(z))^2] / 2      G: E[(a(G(z)) - 1)^2] / 2      (Mao et al. 2017, eq. 9)

    D's best answer is p / (p + q), as in the game of 2014, but far on the right side, too, a sample has a derivative.
    """

    equilibrium = -0.25

    def discriminator(self, a_real, a_fake):
        loss = ((a_real - 1) ** 2).mean() / 2 + (a_fake * a_fake).mean() / 2
        return loss, (a_real - 1) / a_real.size, a_fake / a_fake.size

    def generator(self, a_fake):
        return ((a_fake - 1) ** 2).mean() / 2, (a_fake - 1) / a_fake.size

    def probability(self, a):
        return xp.minimum(xp.maximum(a, 0), 1)


class Wasserstein(Objective):
    """D, a critic: E[a(G(z))] - E[a(x)]      G: -E[a(G(z))]      (Arjovsky, Chintala and Bottou 2017, algorithm 1)

    With a critic of slope at most 1 everywhere, the largest E[a(x)] - E[a(G(z))] is the Wasserstein distance of data
    and samples. `clip` keeps the slope bounded by putting theta back into [-clip, clip] after each step (0.01 in the
    paper), which bounds it by no known number; a GradientPenalty does it better. The value of the game is the
    estimate of the distance (with clip: times an unknown factor).
    Raises ValueError unless clip is positive and finite, or None.
    """

    equilibrium = 0.0

    def __init__(self, clip=None):
        what = f"Wasserstein(clip={clip!r}), which may be None for a penalty instead,"
        self.clip = None if clip is None else checks.number(what, clip, "(0, inf)")

    def discriminator(self, a_real, a_fake):
        ones = xp.ones_like
        return a_fake.mean() - a_real.mean(), -ones(a_real) / a_real.size, ones(a_fake) / a_fake.size

    def generator(self, a_fake):
        return -a_fake.mean(), -xp.ones_like(a_fake) / a_fake.size

    def project(self, theta):
        if self.clip is not None:
            xp.maximum(theta, -self.clip, out=theta)
            xp.minimum(theta, self.clip, out=theta)

    def __repr__(self):
        return f"Wasserstein({'' if self.clip is None else self.clip})"


class Hinge(Objective):
    """D: E[max(0, 1 - a(x))] + E[max(0, 1 + a(G(z)))]      G: -E[a(G(z))]      (Lim and Ye 2017, eq. 4-5)

    A sample beyond the margin, on the right side by more than 1, teaches D nothing any more.
    """

    equilibrium = -2.0

    def discriminator(self, a_real, a_fake):
        loss = xp.maximum(1 - a_real, 0).mean() + xp.maximum(1 + a_fake, 0).mean()
        da_real, da_fake = (a_real < 1).astype(a_real.dtype), (a_fake > -1).astype(a_fake.dtype)
        return loss, -da_real / a_real.size, da_fake / a_fake.size

    def generator(self, a_fake):
        return -a_fake.mean(), -xp.ones_like(a_fake) / a_fake.size


class RelativisticAverage(Objective):
    """With r = a(x) - E[a(G(z))] and f = a(G(z)) - E[a(x)]:      (Jolicoeur-Martineau 2018, section 4.1)

    D: -E[log sigmoid(r)] - E[log(1 - sigmoid(f))]      G: -E[log sigmoid(f)] - E[log(1 - sigmoid(r))]

    Is a real sample more real than the average fake? G gains by making the real ones less so, too. Each a enters
    through its own term and, through the mean, through every term of the other kind: with dr = dL/dr and df = dL/df,

    da_real = dr - sum(df) / N_real      da_fake = df - sum(dr) / N_fake
    """

    equilibrium = EQUILIBRIUM
    sees_real = True

    def discriminator(self, a_real, a_fake):
        return self._sure_of(a_real, a_fake)

    def generator(self, a_fake, a_real):
        return self._sure_of(a_fake, a_real)

    def _sure_of(self, a, b):
        """-E[log sigmoid(a - E[b])] - E[log(1 - sigmoid(b - E[a]))], as (loss, da, db)."""
        u, w = a - b.mean(), b - a.mean()
        du, dw = -sigmoid(-u) / a.size, sigmoid(w) / b.size
        return softplus(-u).mean() + softplus(w).mean(), du - dw.sum() / a.size, dw - du.sum() / b.size


class FeatureMatching(NonSaturating):
    """G: |E[h(x)] - E[h(G(z))]|^2, h the outputs of one layer of D; D as usual      (Salimans et al. 2016, section 3.1)

    The derivative enters D in the middle, at `layer`: with m the difference of the means,
    dh_real = 2 m / N_real and dh_fake = -2 m / N_fake for each sample. Layers are counted from 0, or back from -1.
    """

    outputs = ("logit",)
    sees_real = True

    def __init__(self, layer):
        super().__init__()
        self.layer = checks.whole(f"FeatureMatching({layer!r}): the layer", layer, least=None)

    def generator(self, h_fake, h_real):
        m = h_real.mean(axis=0) - h_fake.mean(axis=0)
        loss = (m * m).sum()
        return loss, xp.zeros_like(h_fake) - 2 * m / len(h_fake), xp.zeros_like(h_real) + 2 * m / len(h_real)

    def __repr__(self):
        return f"FeatureMatching({self.layer})"
