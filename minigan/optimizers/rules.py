"""Update rules. Each knows a vector theta and its gradient dtheta, and nothing of layers."""

from minigan.backend import checks, kernels, xp


class Optimizer:
    """A rule that moves theta in place, given its gradient.

    `vectors` names the arrays that a rule carries from step to step, `constants` the numbers that it was made with. The
    learning rate `lr` is a number, or a function of the number of updates done before (a Schedule); `rate` is its value
    in the present step. The functions of the network in the list `between` are called in each step, after the gradient
    is computed and before theta moves: a guard, clipping, a mean over machines, a print of your own. Raises ValueError
    unless the learning rate is positive and finite at the start, TypeError for anything but a network.
    """

    vectors = constants = ()

    def __init__(self, network, lr):
        rule = type(self).__name__
        if not hasattr(network, "theta"):
            raise TypeError(f"{rule}: expected the Network whose theta it moves, not {network!r}")
        checks.number(f"{rule}: the learning rate", at(lr, 0), "(0, inf)")
        self.network, self.lr, self.steps, self.between = network, lr, 0, []
        self._scratch = xp.empty_like(network.theta)
        for name in self.vectors:
            setattr(self, name, xp.zeros_like(network.theta))

    def step(self):
        """One update with the network's present dtheta. What its layers remember is out of date afterwards."""
        for hung in self.between:
            hung(self.network)
        self.rate = at(self.lr, self.steps)
        self.steps += 1
        vectors = [getattr(self, name) for name in self.vectors]
        self.update(self.network.theta, self.network.dtheta, *vectors, self._scratch)
        self.network.forget()

    def update(self, theta, g, *vectors_and_scratch):
        """Change theta in place, given its gradient g, the rule's `vectors` and one to use as scratch paper."""
        raise NotImplementedError(f"{type(self).__name__} needs an update(theta, g, its vectors, s)")

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)}' for name in self.constants)})"


class SGD(Optimizer):
    """v <- momentum v - lr g      theta <- theta + v      (Polyak 1964; Sutskever et al. 2013, eq. 1-2)

    The momentum may be a function of the number of updates, too. Raises ValueError unless lr > 0 and 0 <= momentum < 1.
    """

    vectors = ("v",)
    constants = ("momentum",)

    def __init__(self, network, lr, momentum=0.0):
        super().__init__(network, lr)
        checks.number("SGD: momentum", at(momentum, 0), "[0, 1)")
        self.momentum = momentum

    def update(self, theta, g, v, s):
        kernels.sgd(theta, g, v, s, self.rate, at(self.momentum, self.steps - 1))


class Adam(Optimizer):
    """Steps of about lr in each coordinate, whatever the gradient's scale (Kingma and Ba 2015, Algorithm 1)

    m <- beta1 m + (1 - beta1) g         m^ = m / (1 - beta1^t)
    v <- beta2 v + (1 - beta2) g^2       v^ = v / (1 - beta2^t)       theta <- theta - lr m^ / (sqrt(v^) + eps)

    Both corrections are scalars, so m^ and v^ are never formed (section 2 of the paper): with root = sqrt(1 - beta2^t),

        lr m^ / (sqrt(v^) + eps) = lr root / (1 - beta1^t) * m / (sqrt(v) + eps root)

    Raises ValueError unless lr > 0, eps > 0 and both betas are numbers in [0, 1): the corrections are for constants.
    """

    vectors = "m", "v"
    constants = "beta1", "beta2", "eps"

    def __init__(self, network, lr=2e-4, beta1=0.5, beta2=0.999, eps=1e-8):
        super().__init__(network, lr)
        self.beta1 = checks.number("Adam: beta1", beta1, "[0, 1)")
        self.beta2 = checks.number("Adam: beta2", beta2, "[0, 1)")
        self.eps = checks.number("Adam: eps", eps, "(0, inf)")

    def update(self, theta, g, m, v, s):
        root = (1 - self.beta2**self.steps) ** 0.5
        rate = self.rate * root / (1 - self.beta1**self.steps)
        kernels.adam(theta, g, m, v, s, rate, self.beta1, self.beta2, self.eps * root)


def at(value, t):
    """The value at update t of a number or of a function of t."""
    return value(t) if callable(value) else value
