"""Random numbers: every draw is a function of integers, its key, and of nothing else.

Training that is taken up again draws what it would have drawn, because no generator is ever carried along. Keys that
differ give independent streams. These are the keys, and nothing draws from a stream that is not listed:

    (seed,)                  a network's initial weights
    (seed, stream, number)   a GAN's draws number 1, 2, ... of the streams TRAINING, SAMPLING, FIXED and PENALTY
    (seed, number)           a layer's masks or noise; its seed, up to 2^63, is drawn with the network's weights
    (seed, epoch)            the order of a data set's images
    (seed, DATA, round)      a round's points of a distribution that is drawn from, not dealt
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
    """The same on the device in use. CuPy's streams differ from NumPy's; either repeats itself for the same key.

    Philox counts its way through the stream: unlike CuPy's default, it starts anywhere without computing what lies
    before.
    """
    if xp._module is numpy:
        return host_generator(*key)
    return xp.random.Generator(xp.random.Philox4x3210(int(host_generator(*key).integers(2**63))))
