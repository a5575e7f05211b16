"""Four sets of samples of a ring of eight Gaussians, and what each measure says of them"""

import numpy

from minigan.backend import host_generator
from minigan.data.toys import Mixture, ring
from minigan.evaluation.metrics import frechet_distance, mode_coverage, precision_recall
from minigan.evaluation.parzen import parzen_log_likelihood, select_sigma
from minigan.plots.style import BLUE, ORANGE

SIZE = 9.0, 4.0
N = 500
RING = ring(sigma=0.05)
SIGMAS = tuple(10 ** (i / 9 - 2) for i in range(19))  # the plane is smaller than the space of images


def draw(figure):
    data, validation = RING.sample(N, 0), RING.sample(N, 1)
    sets = {
        "the data anew": RING.sample(N, 3),
        "three modes of eight": Mixture("collapsed", RING.centers[:3], 0.05).sample(N, 4),
        "all modes, blurred": Mixture("blurred", RING.centers, 0.2).sample(N, 5),
        "one Gaussian": gaussian_like(data),
    }
    points, figures = figure.subplots(2, len(sets), height_ratios=(3, 2))
    for axes, below, (name, samples) in zip(points, figures, sets.items(), strict=True):
        axes.plot(*data.T, ".", color=BLUE, markersize=2, alpha=0.5)
        axes.plot(*samples.T, ".", color=ORANGE, markersize=2)
        axes.set(title=name, xlim=(-2, 2), ylim=(-2, 2), aspect="equal", xticks=(), yticks=())
        below.axis("off")
        for row, (measure, found) in enumerate(measures(samples, data, validation).items()):
            below.text(0, 1 - row / 6, measure, va="top", fontsize=9)
            below.text(1, 1 - row / 6, found, va="top", ha="right", fontsize=9)


def gaussian_like(data):
    """Samples (N, 2) of one Gaussian with the mean and the covariance of the data (N, 2)."""
    root = numpy.linalg.cholesky(numpy.cov(data.T))
    return data.mean(axis=0) + host_generator(2).standard_normal((N, 2)) @ root.T


def measures(samples, data, validation):
    """{measure: what it finds, in words} of samples (N, 2) against data (N, 2)."""
    modes, quality, _ = mode_coverage(samples, RING.centers, RING.sigma)
    precision, recall = precision_recall(data, samples)
    sigma = select_sigma(samples, validation, sigmas=SIGMAS)
    return {
        "modes found": f"{modes} of 8",
        "of high quality": f"{quality:.0%}",
        "Fréchet distance": f"{frechet_distance(samples, data):.3f}",
        "precision": f"{precision:.2f}",
        "recall": f"{recall:.2f}",
        "Parzen, nats": f"{parzen_log_likelihood(samples, data, sigma).mean():.2f}",
    }
