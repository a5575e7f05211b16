#!/usr/bin/env python3
"""Measure samples against the data: those of a checkpoint's generator, or your own.

Parzen log-likelihood by the protocol of Goodfellow et al. (2014), beside baselines that show what it is worth; and in
the features of a fixed classifier a Frechet distance, a kernel distance, precision and recall, and the share of each
class, beside what training images score against test images. Baselines and classifier are made on first use, in a few
minutes for MNIST, and kept in the cache.
"""

import contextlib
import hashlib
import json
import sys
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

from minigan import __version__
from minigan.backend import host_generator, to_numpy
from minigan.checkpoint import load_generator
from minigan.classifier import classifier_for
from minigan.cli import Parser, choose_device, whole
from minigan.data import load
from minigan.data.mnist import cache_dir, mnist
from minigan.files import replacing
from minigan.gan import NOISE
from minigan.metrics import class_histogram, frechet_distance, kernel_distance, precision_recall
from minigan.parzen import CAVEAT, SIGMAS, kmeans, parzen, pixelwise_gaussian
from minigan.run_directory import CHECKPOINT

CENTERS = 10_000  # of each baseline's Parzen windows, as many as the protocol has samples
PUBLISHED = (
    "published (Goodfellow et al. 2014): adversarial nets 225 ± 2, deep GSN 214 ± 1.1, DBN 138 ± 2, CAE 121 ± 1.6"
)

Data = namedtuple("Data", "name learn train validation test")  # learn: train and validation


def main(argv=None):
    parser = arguments()
    args = parser.parse_args(argv)
    with parser.mistakes():
        choose_device(args.device)
        if args.json and not args.json.parent.is_dir():
            raise ValueError(f"--json {args.json}: there is no folder {args.json.parent}")
        if args.checkpoint:
            path = args.checkpoint / CHECKPOINT if args.checkpoint.is_dir() else args.checkpoint
            G, meta = load_generator(path)
            data = divided(args.data or meta["dataset"]["name"], args.data_dir)
            z = NOISE[meta["noise"]](host_generator(args.seed), (args.samples, G.n_in), G.dtype)
            samples = generated(G, z, data.learn)
        else:
            path = args.samples_file
            data = divided(args.data or "mnist", args.data_dir)
            samples = own(path, data.learn)
        result = {"minigan": __version__, "samples": str(path), "count": len(samples), "data": data.name}
        result |= {"test_images": len(data.test), "parzen": {"samples": parzen_of(samples, data), **baselines(data)}}
        if data.learn.labels is not None:
            result |= in_features(samples, data)
        if args.json:
            with replacing(args.json, "w") as file:
                json.dump(result, file, indent=2)
    print(table(result))
    return 0


def divided(name, data_dir):
    """The data set in parts, with pixels in [0, 1].

    MNIST: 50,000, 10,000 and the 10,000 test images, as in the 2014 paper. Others have no test images of their own, and
    give their last sixth for it, which the generator may have been trained on, and the sixth before for validation.
    """
    data = load(name, data_dir, range=(0.0, 1.0))
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


def generated(G, z, data):
    """G(z) with its values in [0, 1], after checking that they are images like those of the data."""
    low, high = G.layers[-1].range or (0.0, 1.0)
    replace(data, range=(low, high)).check_generator(G)
    return (to_numpy(G(z)) - low) / (high - low)


def own(path, data):
    """The user's samples as rows in [0, 1], after checking that they are images like those of the data."""
    samples = load(str(path), range=(0.0, 1.0))
    if samples.shape != data.shape:
        a, b = ("x".join(map(str, shape)) for shape in (samples.shape, data.shape))
        raise ValueError(f"{path} holds images of {a}, but those of {data.name} are {b}: name other --data")
    return samples.rows()


def parzen_of(samples, data):
    return parzen(samples, data.validation.rows(), data.test.rows())._asdict()


def baselines(data):
    """The same estimate for centers that are no model's samples, or only a poor one's."""

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
    """compute(), or what it gave before for the same key, from the cache."""
    digest = hashlib.sha256(json.dumps([__version__, what, CENTERS, *key]).encode()).hexdigest()
    path = cache_dir() / f"evaluation-{digest[:16]}.json"
    with contextlib.suppress(OSError, ValueError):  # not there, or damaged
        return json.loads(path.read_text())
    say(f"computing the {what}, once for these data")
    result = compute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path, "w") as file:
            json.dump(result, file)
    except OSError as error:
        say(f"the {what} cannot be saved, and will be computed again next time ({error})")
    return result


def table(result):
    """What was found, for people."""
    lines = [
        f"{result['count']:,} samples of {result['samples']} against {result['test_images']:,} test images of "
        f"{result['data']}",
        "",
        f"{'Parzen log-likelihood of the test images, nats':<48}{'mean':>9}{'SE':>7}{'sigma':>8}",
    ]
    for name, row in result["parzen"].items():
        edge = "  (the smallest tried)" if row["sigma"] == SIGMAS[0] else ""
        lines.append(f"  {name:<46}{row['mean']:9.1f}{row['standard_error']:7.1f}{row['sigma']:8.3f}{edge}")
    lines += [f"  {PUBLISHED}"] if result["data"] == "mnist" else []
    lines += [CAVEAT, ""]
    if "features" not in result:
        return "\n".join([*lines, f"{result['data']} has no labels: no classifier, and no measures in its features"])
    samples, floor = result["features"].values()
    classifier = result["classifier"]
    lines.append(f"{'In the features of the classifier':<48}{'samples':>9}  training images (the floor)")
    for name, value in samples.items():
        lines.append(f"  {name.replace('_', ' ').replace('frechet', 'Frechet'):<46}{value:9.4f}{floor[name]:11.4f}")
    lines += [
        f"Compare with figures of the same classifier only: {classifier['sha256'][:12]}, which is right for "
        f"{classifier['accuracy']:.2%} of the test images.",
        "",
        f"{'Share of each class, %':<24}" + "".join(f"{k:>6}" for k in range(len(result["classes"]["samples"]))),
    ]
    for name, shares in result["classes"].items():
        lines.append(f"  {name:<22}" + "".join(f"{100 * share:6.1f}" for share in shares))
    return "\n".join(lines)


def say(line):
    print(line, file=sys.stderr)


def arguments():
    parser = Parser(__doc__)
    add = parser.add_argument
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--checkpoint", type=Path, help="a checkpoint.npz of scripts/train_mnist.py, or its directory")
    which.add_argument("--samples-file", type=Path, help="your samples: an .npz with an array 'images' (N, H, W)")
    add("--data", help="mnist, digits or a file of images (default: what the checkpoint was trained on, or mnist)")
    add("--data-dir", help="the folder of MNIST's files")
    add("--samples", type=whole(4), default=10_000, help="number of samples to draw (default: 10,000, the protocol's)")
    add("--seed", type=whole(0), default=0, help="another seed draws other samples (default: %(default)s)")
    add("--json", type=Path, help="write all the figures to this file too")
    add("--device", choices=("cpu", "gpu", "auto"), default="auto", help="auto: a GPU where one works (default)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
