"""Penalties on D's gradient with respect to x: the second derivative, by hand.

A gradient penalty is the mean over samples of phi(|g|^2), g the gradient of D's output with respect to x. To minimize
it, we need its derivative with respect to theta, the derivative of a derivative. It needs no new theory: with v = dP/dg

    dP/dtheta = d/dtheta <v, g>      v held fixed

and <v, g> is a directional derivative: how D's output changes when x moves along v. So

1. backward gives g,
2. v = 2 phi'(|g|^2) g / N runs *forward* through the layers beside x (`jvp`): out comes <v, g>,
3. and one runs backward through that (`jvp_backward`): out comes dP/dtheta.

Each layer's pieces for 2 and 3 are in minigan/objectives/jvp.py, their derivation is in docs/second-derivative.md.
"""

from minigan.backend import batch, checks, xp
from minigan.objectives.jvp import jvp, jvp_backward


class Penalty:
    """A penalty added to D's loss. One of your own is a subclass with `phi`, and with `points` if it is not for real x.

    Raises ValueError unless the weight is positive and finite.
    """

    def __init__(self, weight):
        self.weight = checks.number(f"{type(self).__name__}: the weight", weight, "(0, inf)")

    def phi(self, squares):
        """(phi, phi') for |g|^2 of each sample, (N,)."""
        raise NotImplementedError(f"{type(self).__name__} needs a phi(squares)")

    def points(self, real, fake, rng):
        """The points at which D's gradient is penalized, (N, width), from N real samples and N fakes."""
        return real

    def gradient(self, D, x, y=None):
        """The penalty at x, a scalar, with labels y if D is given some; overwrites D's dtheta with its derivative."""
        a = D.forward(x, training=True, y=y)
        first = xp.zeros_like(a)
        first[..., :1] = 1  # D's judgment; the logits of an auxiliary classifier stand behind it
        g = D.backward(first, wrt="input")
        each = g.reshape(len(a), -1)  # the gradient of each of D's outputs: of one sample, or of those judged together
        phi, slope = self.phi((each * each).sum(axis=1))
        v = (each * (2 / batch.count(len(each)) * slope)[:, None]).reshape(g.shape)
        jvp(D, v)
        jvp_backward(D, first, wrt="params")
        return batch.means(phi)[0]

    def add(self, D, real, fake, rng, y=None):
        """The penalty at its points; its derivative is added to what stands in D's dtheta."""
        of_the_loss = D.dtheta.copy()
        value = self.gradient(D, self.points(real, fake, rng), *(() if y is None else (y,)))
        D.dtheta[...] += of_the_loss
        return value

    def __repr__(self):
        return f"{type(self).__name__}({self.weight})"


class R1(Penalty):
    """weight / 2 E|g(x)|^2 on real samples      (Mescheder, Geiger and Nowozin 2018, eq. 9)

    Where G has reached the data, D's gradient is small, and does not keep G from settling. weight is the paper's gamma.
    """

    def phi(self, squares):
        return squares * (self.weight / 2), xp.full_like(squares, self.weight / 2)


class R2(R1):
    """weight / 2 E|g(G(z))|^2 on generated samples      (Mescheder, Geiger and Nowozin 2018, eq. 10)"""

    def points(self, real, fake, rng):
        return fake


class GradientPenalty(Penalty):
    """weight E(|g(x^)| - 1)^2, x^ = e x + (1 - e) G(z), e ~ U(0, 1)      (WGAN-GP, Gulrajani et al. 2017, eq. 3)

    The best critic of the Wasserstein distance has slope 1 between data and samples. The weight is finite, and so the
    critic is a little steeper than 1: of a distance W it says W (1 + W / 2 weight). At g = 0 the norm has no
    derivative: |g| is sqrt(|g|^2 + 1e-12).
    """

    def phi(self, squares):
        norm = xp.sqrt(squares + 1e-12)
        return self.weight * (norm - 1) ** 2, self.weight * (norm - 1) / norm

    def points(self, real, fake, rng):
        e = rng.random((len(real), *[1] * (real.ndim - 1)), dtype=real.dtype)
        return fake + e * (real - fake)


class OneSidedGradientPenalty(GradientPenalty):
    """weight E max(0, |g(x^)| - 1)^2, at the same points      (WGAN-LP, Petzka, Fischer and Lukovnicov 2018, eq. 8)

    Slopes below 1 cost nothing. That lets a critic turn around: on a line, to go from slope -1 to 1 it must pass 0.
    """

    def phi(self, squares):
        norm = xp.sqrt(squares + 1e-12)
        above = xp.maximum(norm - 1, 0)
        return self.weight * above**2, self.weight * above / norm
