"""What is measured of samples, and what it is compared with: the protocol of scripts/evaluate.py and of the recipes.

Parzen log-likelihood as in Goodfellow et al. (2014), beside baselines that show what it is worth; and in the features
of the fixed classifier a Frechet distance, a kernel distance, precision and recall, and the share of each class, beside
what training images score against test images. Images are rows in [0, 1].
"""

import contextlib
import hashlib
import json
import sys
from collections import namedtuple
from dataclasses import replace

from minigan.backend import host_generator, to_numpy, xp
from minigan.backend.checks import kind, whole
from minigan.data import DataError, Dataset, load
from minigan.data.dataset import LOAD
from minigan.data.files import replacing
from minigan.data.mnist import cache_dir, mnist
from minigan.data.toys import TOYS
from minigan.evaluation.classifier import classifier_for
from minigan.evaluation.conditional import as_often, by_class
from minigan.evaluation.metrics import class_histogram, frechet_distance, kernel_distance, precision_recall
from minigan.evaluation.parzen import kmeans, parzen, pixelwise_gaussian
from minigan.gan import NOISE
from minigan.network import Network

CENTERS = 10_000  # of each baseline's Parzen windows, as many as the protocol has samples
PROTOCOL = 2  # raised whenever what is remembered changes its meaning

Data = namedtuple("Data", "name learn train validation test")  # learn: train and validation


def divided(name, data_dir=None):
    """The data set of that name, for `load`, as Data: in parts, with pixels in [0, 1].

    MNIST: 50,000, 10,000 and the 10,000 test images, as in the 2014 paper. Other data have no test images of their own.
    Their last sixth is taken, which the generator may have been trained on, and the sixth before it for validation.
    """
    return _divide(load(name, data_dir, range=(0.0, 1.0)), data_dir)


def trained_on(meta, data_dir=None):
    """The data that the checkpoint with this `meta` was trained on, as Data, with pixels in [0, 1].

    `data_dir` is the folder of the data, if it has changed. Raises DataError as `data_of_run` does.
    """
    return _divide(data_of_run(meta, (0.0, 1.0), data_dir)[0], data_dir or meta.get("config", {}).get("data_dir"))


def data_of_run(meta, values, data_dir=None):
    """(all, own): the data set that the settings of a checkpoint's run name, and of it the images it was trained on.

    The pixels are in the range `values`. Raises DataError where the images cannot be had, or are no longer the same.
    """
    saved, config = meta.get("dataset", {}), meta.get("config", {})
    name = config.get("data") or saved.get("name")
    if name is None or name in TOYS:
        trained = f"on {name}, points and no images" if name else "on data that it does not name"
        raise DataError(f"the checkpoint was trained {trained}: name what to measure against with --data")
    data = load(name, data_dir or config.get("data_dir"), range=tuple(values))
    own = replace(data, images=data.images[: saved.get("images")], labels=None)  # a dry run takes the first ones
    if saved.get("sha256", own.sha256) != own.sha256:
        raise DataError(
            f"the run was trained on {saved['name']} with SHA-256 {saved['sha256']}, but {name} is now {data.name} "
            f"with SHA-256 {own.sha256}: put those images back, or name what to measure against with --data"
        )
    return data, own


def _divide(data, data_dir):
    if data.name == "mnist":
        learn, test, n = data, replace(mnist("test", data_dir), range=(0.0, 1.0)), 10_000
    else:
        n = len(data) // 6
        if n < 4:
            raise ValueError(f"{data.name}: {len(data)} images are too few to be divided: at least 24")
        learn, test = part(data, slice(len(data) - n)), part(data, slice(len(data) - n, None))
    end = len(learn) - n
    return Data(data.name, learn, part(learn, slice(end)), part(learn, slice(end, None)), test)


def part(data, index):
    """The Dataset of the images [index]."""
    return replace(data, images=data.images[index], labels=None if data.labels is None else data.labels[index])


def generated(G, meta, n, seed, data):
    """n samples of a checkpoint's generator, (n, W) in [0, 1], after checking that they are images like the data's.

    A conditional one is asked for the labels `as_often` of these data.
    """
    kind("generated", G, Network)
    kind("generated", data, Dataset, LOAD)
    n, seed = whole(f"generated: n={n!r}", n), whole(f"generated: seed={seed!r}", seed, least=0)
    low, high = next((layer.range for layer in reversed(list(G.leaves())) if layer.range), (0.0, 1.0))
    replace(data, range=(low, high)).check_generator(G)
    z = NOISE[meta["noise"]](host_generator(seed), (n, G.n_in), G.dtype)
    y = xp.asarray(as_often(data, n)) if G.classes else None
    return (to_numpy(G(z, y)) - low) / (high - low)


def own(path, data):
    """The user's samples as rows in [0, 1]. Raises DataError unless they are images like those of the data."""
    kind("own", data, Dataset, LOAD)
    samples = load(path, range=(0.0, 1.0))
    if samples.shape != data.shape:
        a, b = ("x".join(map(str, shape)) for shape in (samples.shape, data.shape))
        raise DataError(f"{path} holds images of {a}, but those of {data.name} are {b}: name other --data")
    return samples.rows()


def measured(samples, data, asked=None):
    """All figures of the samples (N, W) in [0, 1] beside those of the Data, as a dict that JSON takes.

    Where labels were `asked` for, (N,), also what was drawn for each.
    """
    result = {"count": len(samples), "data": data.name, "test_images": len(data.test)}
    result["parzen"] = {"samples": parzen_of(samples, data), **baselines(data)}
    if data.learn.labels is None:
        return result
    if asked is not None:
        result["by_class"] = by_class(samples, asked, data, classifier_for(data.learn, announce=say))
    return result | in_features(samples, data)


def parzen_of(samples, data):
    """The Parzen estimate of the test images under the samples, as a dict."""
    return parzen(samples, data.validation.rows(), data.test.rows())._asdict()


def baselines(data):
    """The same estimate for centers that are not samples of a model, or only of a poor one."""

    def compute():
        train = data.train.rows()
        k = min(CENTERS, len(train) // 5)  # of MNIST's 50,000 training images 10,000
        return {
            "training images": parzen_of(train[:CENTERS], data),
            "k-means centroids": parzen_of(kmeans(train, k), data),
            "pixel-wise Gaussian": parzen_of(pixelwise_gaussian(train, CENTERS), data),
        }

    return remembered("baselines of the Parzen estimate", compute, data.learn.sha256, data.test.sha256)


def in_features(samples, data):
    """What the classifier makes of the samples beside the test images, and of as many training images (the floor)."""
    classifier = classifier_for(data.learn, announce=say)
    real, train = data.test.rows(), data.train.rows(slice(len(data.test)))

    def against_test(rows):
        a, b = classifier.features(rows), classifier.features(real)
        measured = {"frechet_distance": frechet_distance(a, b), "kernel_distance": kernel_distance(a, b)}
        return measured | precision_recall(b, a)._asdict()

    key = data.learn.sha256, data.test.sha256, classifier.sha256
    classes = int(data.learn.labels.max()) + 1
    return {
        "features": {
            "samples": against_test(samples),
            "training images": remembered("floor of the distances", lambda: against_test(train), *key),
        },
        "classes": {
            "samples": class_histogram(classifier.labels(samples), classes).tolist(),
            "test images": class_histogram(data.test.labels, classes).tolist(),
        },
        "classifier": {"sha256": classifier.sha256, "accuracy": classifier.accuracy(data.test)},
    }


def remembered(what, compute, *key):
    """compute(), or from the cache its earlier result for the same key."""
    digest = hashlib.sha256(json.dumps([what, PROTOCOL, CENTERS, *key]).encode()).hexdigest()
    path = cache_dir() / f"evaluation-{digest[:16]}.json"
    with contextlib.suppress(OSError, ValueError):  # not there, or damaged
        return json.loads(path.read_text())
    say(f"computing the {what}, once for these data: a few minutes for MNIST")
    result = compute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path, "w") as file:
            json.dump(result, file)
    except OSError as error:
        say(f"the {what} cannot be saved, and will be computed again next time ({error})")
    return result


def say(line):
    """A line for the user, who is waiting."""
    print(line, file=sys.stderr)
