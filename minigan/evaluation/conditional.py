"""Does a conditional generator do what it is told? Its samples class by class, as the fixed classifier sees them."""

import numpy

from minigan.backend.checks import array, kind, whole
from minigan.data import DataError, Dataset
from minigan.data.dataset import LOAD
from minigan.evaluation.metrics import as_rows, frechet_distance, pairwise_distance

LEAST = 2  # samples, training images and test images of a class, for a distance and a covariance


def as_often(data, n):
    """Labels (n,) to ask a generator for, each class as often as in the Dataset: those of its images in turn."""
    labels = kind("as_often", data, Dataset, LOAD).class_labels
    return labels[numpy.arange(whole(f"as_often: n={n!r}", n)) % len(labels)]


def by_class(samples, asked, data, classifier):
    """What G drew for each class 0 ... K - 1, as lists of K figures in a dict; samples (N, W) in [0, 1], asked (N,).

        agreement          the share of the samples that the classifier takes for the class that was asked for
        judge              the share of the test images of this class that the classifier takes for it
        frechet_distance   of their features from those of the test images of this class
        floor              the same of as many training images of the class, or of all that there are
        diversity          the mean distance of two samples of the class, pixel by pixel, in units of test images'

    `data` has its parts `train` and `test` (minigan/evaluation/protocol.py), with pixels in [0, 1]. A G that draws one
    seven again and again agrees always: hence the other columns.

    Raises ValueError where samples and labels differ in number, and DataError where a class that there is in the data
    has fewer than two samples or images.
    """
    samples = as_rows("by_class", "samples", samples, LEAST)
    asked = array("by_class: asked", asked, shape=(len(samples),))
    seen, found = classifier.labels(samples), []
    for label in range(data.test.classes):
        own, train = samples[asked == label], data.train.rows(data.train.class_labels == label)
        test = data.test.rows(data.test.class_labels == label)
        for what, rows in ("samples", own), ("training images", train), ("test images", test):
            if len(rows) < LEAST:
                raise DataError(f"{data.name}: {len(rows)} {what} of class {label}, and at least {LEAST} are measured: "
                                "take more of each class")  # fmt: skip
        features = [classifier.features(rows) for rows in (own, train[: len(own)], test)]
        found.append({
            "agreement": float((seen[asked == label] == label).mean()),
            "judge": float((classifier.labels(test) == label).mean()),
            "frechet_distance": frechet_distance(features[0], features[2]),
            "floor": frechet_distance(features[1], features[2]),
            "diversity": pairwise_distance(own) / pairwise_distance(test),
        })  # fmt: skip
    return {name: [row[name] for row in found] for name in found[0]}
