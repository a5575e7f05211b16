"""Element-wise nonlinearities, y = f(x) for x of any shape.

Each remembers its output y and not its input, because f'(x) is shortest in terms of y: tanh' = 1 - y^2.
"""

from minigan.backend import checks, kernels, xp
from minigan.layers.layer import Layer


class ElementWise(Layer):
    """y = f(x), number by number      dx = dy f'(x)

    A subclass defines `f` and, in terms of y, `derivative`.
    """

    def forward(self, x, training=False):
        self.y = self.like("y", x)
        self.f(x, self.y)
        return self.y

    def backward(self, dy, wrt="both"):
        dx = self.like("dx", dy)
        self.derivative(self.y, dx)
        dx *= dy
        return dx

    def f(self, x, out):
        """out <- f(x)"""
        raise NotImplementedError(f"{type(self).__name__} needs an f(x, out)")

    def derivative(self, y, out):
        """out <- f'(x), from y = f(x)"""
        raise NotImplementedError(f"{type(self).__name__} needs a derivative(y, out)")


class LeakyReLU(ElementWise):
    """y = x where x > 0, slope x elsewhere      (Maas, Hannun and Ng 2013)

    dx = dy where y > 0, slope dy elsewhere; at the kink x = 0 the left-hand derivative is taken.
    The slope is 0.01 in that paper, 0.2 in Radford et al. 2016 and in most GANs since. Raises ValueError unless it lies
    in [0, 1], so that y = max(x, slope x), and y > 0 exactly where x > 0.
    """

    def __init__(self, slope=0.2):
        self.slope = checks.number("LeakyReLU: the slope", slope, "[0, 1]")

    def f(self, x, out):
        kernels.leaky_relu(x, self.slope, out=out)

    def backward(self, dy, wrt="both"):
        positive, dx = self.like("positive", dy, bool), self.like("dx", dy)
        return kernels.leaky_relu_backward(dy, self.y, self.slope, positive, out=dx)

    def __repr__(self):
        return f"LeakyReLU({self.slope})"


class ReLU(ElementWise):
    """y = max(x, 0)      dx = dy where y > 0, 0 elsewhere      (Glorot, Bordes and Bengio 2011)"""

    def f(self, x, out):
        xp.maximum(x, 0, out=out)

    def derivative(self, y, out):
        xp.greater(y, 0, out=out)


class Tanh(ElementWise):
    """y = tanh x in (-1, 1)      dx = dy (1 - y^2)"""

    range = -1.0, 1.0

    def f(self, x, out):
        xp.tanh(x, out=out)

    def derivative(self, y, out):
        xp.multiply(y, y, out=out)
        xp.subtract(1, out, out=out)


class Sigmoid(ElementWise):
    """y = 1 / (1 + e^-x) = (tanh(x / 2) + 1) / 2 in (0, 1)      dx = dy y (1 - y)

    The form with tanh cannot overflow; of values near 0 it keeps few digits (see losses.sigmoid). Where you can, let a
    network end in a logit and leave the sigmoid to the loss.
    """

    range = 0.0, 1.0

    def f(self, x, out):
        xp.multiply(x, 0.5, out=out)
        xp.tanh(out, out=out)
        out *= 0.5
        out += 0.5

    def derivative(self, y, out):
        xp.subtract(1, y, out=out)
        out *= y
