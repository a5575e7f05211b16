"""Modes found of the ring and the grid, by the protocol of PacGAN (Lin et al. 2018, table 1).

100,000 training points, 2,500 samples of each trained G; a sample is of high quality within 3 sigma of the nearest
center, a mode is found where it has one such sample.
"""

from minigan.backend import host_generator, xp
from minigan.backend.checks import kind, whole
from minigan.data.toys import Mixture
from minigan.evaluation.metrics import mode_coverage
from minigan.gan import GAN

POINTS, SAMPLES = 100_000, 2500
PUBLISHED = {  # mean and standard error over 10 runs: modes, share of high quality, reverse KL (PacGAN, table 1)
    "ring": {"GAN": (6.3, 0.5, 0.982, 0.45), "PacGAN2": (7.9, 0.1, 0.956, 0.07)},
    "grid": {"GAN": (17.3, 0.8, 0.948, 0.70), "PacGAN2": (23.8, 0.7, 0.913, 0.13)},
}


class FixedPoints:
    """Batches x (batch_size, 2) of POINTS points of the Mixture `data`, drawn once: a source of batches for Training.

    What is dealt is one endless sequence, a function of the seed alone, and each epoch is the next `rounds` of it.
    """

    def __init__(self, data, batch_size, seed, rounds):
        kind("FixedPoints", data, Mixture)
        self.data, self.name, self.sample_shape = data, data.name, (data.width,)
        self.batch_size, self.rounds = whole("FixedPoints: batch_size and rounds", batch_size, rounds)
        self.seed = whole("FixedPoints: the seed", seed, least=0)
        self.identity = {"points": POINTS, "seed": seed}

    def epoch(self, e, start=0):
        """Yields x for each round of epoch e from round `start` on, each a new array."""
        points, rng = self.data.sample(POINTS, self.seed, 0), host_generator(self.seed, 1)
        for k in range((e + 1) * self.rounds):
            index = rng.integers(0, POINTS, self.batch_size)
            if k >= e * self.rounds + start:
                yield points[xp.asarray(index)]


def found_by(gan, data):
    """The Coverage of the Mixture `data` by SAMPLES samples of the GAN."""
    kind("found_by", gan, GAN)
    kind("found_by", data, Mixture)
    return mode_coverage(gan.sample(SAMPLES), data.centers, data.sigma)
