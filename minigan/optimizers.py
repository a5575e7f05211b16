"""Update rules. Each knows a vector theta and its gradient dtheta, and nothing of layers."""

import math

from minigan.backend import xp
from minigan.schedules import at
from minigan.threads import in_parts


class Optimizer:
    """A rule that moves theta in place, given its gradient.

    `vectors` names the arrays that a rule carries from step to step, `constants` the numbers that it was made with.
    The learning rate `lr` is a number or a Schedule; `rate` is its value in the present step.
    Raises ValueError unless it is positive and finite at the start.
    """

    vectors = constants = ()

    def __init__(self, network, lr):
        if not 0 < at(lr, 0) < math.inf:
            raise ValueError(f"{type(self).__name__}: the learning rate must be positive and finite, not {at(lr, 0)}")
        self.network, self.lr, self.steps = network, lr, 0
        self.watch = None  # training's guard against NaN: called before each step, theta still as the gradient saw it
        for name in (*self.vectors, "_scratch"):
            setattr(self, name, xp.zeros_like(network.theta))

    def step(self):
        """One update with the network's present dtheta. What its layers remember is out of date afterwards."""
        if self.watch is not None:
            self.watch()
        self.rate = at(self.lr, self.steps)
        self.steps += 1
        vectors = [getattr(self, name) for name in self.vectors]
        in_parts(self.update, self.network.theta, self.network.dtheta, *vectors, self._scratch)
        self.network.forget()

    def update(self, theta, g, *vectors_and_scratch):
        """Change theta in place, given its gradient g, the rule's `vectors` and one to use as scratch paper.

        Each entry moves by itself: where threads share the work, these are parts of the vectors.
        """
        raise NotImplementedError(f"{type(self).__name__} needs an update(theta, g, its vectors, s)")

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)}' for name in self.constants)})"


class SGD(Optimizer):
    """v <- momentum v - lr g      theta <- theta + v      (Polyak 1964; Sutskever et al. 2013, eq. 1-2)

    The momentum may be a Schedule, too. Raises ValueError unless lr > 0 and 0 <= momentum < 1.
    """

    vectors = ("v",)
    constants = ("momentum",)

    def __init__(self, network, lr, momentum=0.0):
        super().__init__(network, lr)
        self.momentum = _below_one("SGD", "momentum", momentum)

    def update(self, theta, g, v, s):
        v *= at(self.momentum, self.steps - 1)
        v -= xp.multiply(g, self.rate, out=s)
        theta += v


class Adam(Optimizer):
    """Steps of about lr in each coordinate, whatever the gradient's scale (Kingma and Ba 2015, Algorithm 1)

    m <- beta1 m + (1 - beta1) g         m^ = m / (1 - beta1^t)
    v <- beta2 v + (1 - beta2) g^2       v^ = v / (1 - beta2^t)       theta <- theta - lr m^ / (sqrt(v^) + eps)

    Both corrections are scalars, so m^ and v^ are never formed (section 2 of the paper): with root = sqrt(1 - beta2^t),

        lr m^ / (sqrt(v^) + eps) = lr root / (1 - beta1^t) * m / (sqrt(v) + eps root)

    Raises ValueError unless lr > 0, eps > 0 and both betas lie in [0, 1).
    """

    vectors = "m", "v"
    constants = "beta1", "beta2", "eps"

    def __init__(self, network, lr=2e-4, beta1=0.5, beta2=0.999, eps=1e-8):
        super().__init__(network, lr)
        if not eps > 0:
            raise ValueError(f"Adam: eps must be positive, not {eps}")
        self.beta1, self.beta2, self.eps = _below_one("Adam", "beta1", beta1), _below_one("Adam", "beta2", beta2), eps

    def update(self, theta, g, m, v, s):
        root = (1 - self.beta2**self.steps) ** 0.5
        m *= self.beta1
        m += xp.multiply(g, 1 - self.beta1, out=s)
        v *= self.beta2
        xp.multiply(g, g, out=s)
        s *= 1 - self.beta2
        v += s
        xp.sqrt(v, out=s)
        s += self.eps * root
        xp.divide(m, s, out=s)
        s *= self.rate * root / (1 - self.beta1**self.steps)
        theta -= s


def _below_one(rule, name, value):
    if not 0 <= at(value, 0) < 1:
        raise ValueError(f"{rule}: {name} must lie in [0, 1), not {value}")
    return value
