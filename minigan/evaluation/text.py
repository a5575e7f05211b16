"""Text, measured by likelihood: what a judge holds of G's sequences, and what G holds of the data's.

The oracle's negative log-likelihood of what G draws tells whether it is good, G's of fresh data whether it is various.
Either alone is easily pleased: a G that draws coldly, softmax(a / temperature) with a low temperature, says only what
is likely. So both are measured at one temperature, and what a GAN has reached is compared with the curve of the
temperatures of the maximum likelihood model (Caccia et al. 2020).
"""

import numpy

from minigan.backend import generator, xp
from minigan.backend.checks import array, kind, number, whole
from minigan.backend.generators import SAMPLING
from minigan.network import Network
from minigan.objectives.tokens import CHUNK, before, drawn, likelihood

TEMPERATURES = 1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55, 0.5


def nll(G, x, temperature=1.0):
    """G's mean negative log-likelihood of a token of the sequences x (N, T), in nats, at this temperature.

    Raises TypeError for what is no Network, ValueError for a temperature below 1e-6, for what are no
    sequences, and for tokens that G does not know.
    """
    kind("nll", G, Network)
    number("nll: the temperature", temperature, "[1e-6, inf)")
    x = array("nll: sequences", x)
    if x.ndim != 2 or not x.size:
        raise ValueError(f"nll: sequences of shape {x.shape}, expected (N, T), of at least one token")
    total = 0.0
    for i in range(0, len(x), CHUNK):
        part = xp.asarray(x[i : i + CHUNK], dtype=G.dtype)
        a = G.forward(before(part))
        a /= temperature
        total += float(likelihood(a, part, out=a)[0]) * len(part)
    G.forget()
    return total / len(x)


def both(G, text, temperature=1.0, n=2000, seed=0):
    """(oracle NLL, test NLL) of G at one temperature: of n sequences that it draws, and of the text's test sequences.

    The first is None where there is no oracle. Raises ValueError as `nll` does, and for n below 1.
    """
    n = whole(f"both: n={n!r}", n)
    test = nll(G, text.test[:n], temperature)
    if text.oracle is None:
        return None, test
    return nll(text.oracle, drawn(G, n, text.x.shape[1], generator(seed, SAMPLING), temperature)), test


def curve(G, text, temperatures=TEMPERATURES, n=2000, seed=0):
    """[(temperature, oracle NLL, test NLL)] of each temperature. Raises ValueError as `both` does."""
    return [(temperature, *both(G, text, temperature, n, seed)) for temperature in temperatures]


def behind(point, curve):
    """How far the oracle NLL of a point (oracle, test) lies above the curve at its test NLL: below 0, it is better.

    Between two temperatures the curve is a straight line. None where the curve does not reach so far.
    """
    oracle, test = point
    known = sorted((t, o) for _, o, t in curve)
    tests, oracles = numpy.array(known).T
    return float(oracle - numpy.interp(test, tests, oracles)) if tests[0] <= test <= tests[-1] else None
