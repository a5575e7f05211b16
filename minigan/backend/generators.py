"""Random numbers: every draw is a function of integers, its key, and of nothing else.

Resumed training draws the same numbers as training that was never stopped, because no generator has a state to keep.
Different keys give independent streams. These are the keys, and nothing draws from a stream that is not listed:

    (seed,)                  a network's initial weights
    (seed, stream, number)   a GAN's draws number 1, 2, ... of the streams TRAINING, SAMPLING, FIXED and PENALTY
    (seed, number)           a layer's masks or noise; its seed, up to 2^63, is drawn with the network's weights
    (seed, epoch)            the order of a data set's images
    (seed, DATA, round)      the points of a round, if the data are a distribution to draw from
"""

import numpy

from minigan.backend.arrays import xp

TRAINING, SAMPLING, FIXED, PENALTY, DATA = range(5)  # the streams of one seed


def host_generator(*key):
    """A NumPy random generator whose stream is a function of the integers in `key` alone, for draws on the host.

    Raises ValueError for a negative number.
    """
    return numpy.random.Generator(numpy.random.PCG64((len(key), *key)))  # NumPy takes (5,) and (5, 0) for the same


def generator(*key):
    """The same on the device in use. CuPy's streams differ from NumPy's; both are the same again for the same key.

    Philox is a function of a counter: unlike CuPy's default, it can start anywhere in the stream without computing what
    comes before.
    """
    if xp._module is numpy:
        return host_generator(*key)
    return xp.random.Generator(xp.random.Philox4x3210(int(host_generator(*key).integers(2**63))))
