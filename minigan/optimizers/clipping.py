"""Clipping: a gradient that is too long is shortened, between gradient and step."""

from minigan.backend import checks, xp


class ClipNorm:
    """g <- g min(1, longest / |g|), with |g| the length of all of dtheta: its direction stays (Pascanu et al. 2013)

        optimizer.between.append(ClipNorm(1.0))

    A derivative through T steps is a product of T factors, and now and then a very large one. What is not finite stays
    so, for the guard to see. Raises ValueError unless 0 < longest < infinity.
    """

    def __init__(self, longest):
        self.longest = checks.number("ClipNorm: the longest gradient", longest, "(0, inf)")

    def __call__(self, network):
        g = network.dtheta
        largest = abs(g).max()  # divided by it, no square overflows or vanishes
        unit = g / xp.maximum(largest, xp.finfo(g.dtype).tiny)
        norm = largest * xp.sqrt(unit @ unit)
        g *= self.longest / xp.maximum(norm, self.longest)

    def __repr__(self):
        return f"ClipNorm({self.longest})"
