"""A fixed classifier of the images: the features in which samples are compared, and the digit that each one shows.

Distances between pixels say little about what an image shows. The field measures in the features of a network that was
trained to tell classes apart (Heusel et al. 2017, with Inception); this is minigan's own, small, dense and seeded.
Figures made with one classifier cannot be compared with those of another: `sha256` says which it was. Another BLAS
rounds differently and trains another classifier. So the one for MNIST comes with minigan and is the same everywhere;
one for other data is trained on first use.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy
from tqdm import tqdm

from minigan.backend import host_generator, to_numpy, xp
from minigan.backend.checks import kind, number, sizes, whole
from minigan.data.dataset import LOAD, Dataset
from minigan.data.files import DataError, as_path, reading, replacing
from minigan.data.mnist import cache_dir
from minigan.data.npz import read_arrays
from minigan.evaluation.metrics import as_rows
from minigan.layers import Dense
from minigan.layers.activations import LeakyReLU
from minigan.losses import softmax_cross_entropy
from minigan.network import Network
from minigan.optimizers import Adam

SHIPPED = Path(__file__).with_name("classifier-mnist.npz")  # made by scripts/reports/train_classifier.py --out
CHUNK = 1024
STEPS = 127  # of the scale of a weight, to either side


@dataclass(frozen=True)
class Recipe:
    """How a classifier is made. Its learning rate falls linearly, from `lr` to 0 with the last step.

    Each batch is shifted, as a whole, by up to 1/28 of its height in both directions: by a pixel, in MNIST. So the
    network does not learn its training images by heart: 98.8 % of the test images are right instead of 98.2 %, and the
    Frechet distance between the features of both falls from 2.8 to 2.3.
    """

    hidden: tuple[int, int] = (512, 256)
    epochs: int = 10
    least_steps: int = 2000  # small data take more epochs
    batch_size: int = 128
    lr: float = 1e-3
    beta1: float = 0.9
    move: float = 1 / 28
    seed: int = 0

    def __post_init__(self):
        if len(sizes("a classifier's hidden layers ", self.hidden)) != 2:
            raise ValueError(f"hidden={self.hidden!r:.60}: a classifier has two hidden layers")
        whole("a classifier's epochs, least_steps and batch_size", self.epochs, self.least_steps, self.batch_size)
        number("a classifier's lr", self.lr, "(0, inf)")
        number("a classifier's move", self.move, "[0, 1]")


RECIPE = Recipe()


class Classifier:
    """logits = network(images): rows (N, W) in [0, 1] to (N, K).

    The features are what the last hidden layer puts out, the label is the class of the largest logit. `arrays` are the
    `rounded` weights.
    """

    def __init__(self, arrays):
        self.arrays = arrays
        self.network = _network(len(arrays["0.W"]), *(len(arrays[f"{i}.b"]) for i in range(3)))
        for i, layer in enumerate(self.network.layers[::2]):
            layer.W = xp.asarray(arrays[f"{i}.W"] * arrays[f"{i}.scale"])
            layer.b = xp.asarray(arrays[f"{i}.b"])

    def features(self, images):
        """(N, F), float32 on the host, of the rows (N, W) in [0, 1]. ValueError for another width."""
        return self._run(self.network.layers[:-1], images)

    def labels(self, images):
        """(N,), integers on the host, of the rows (N, W) in [0, 1]. ValueError for another width."""
        return self._run(self.network.layers, images).argmax(axis=1)

    def accuracy(self, dataset):
        """The share of the images of a Dataset whose label is right."""
        return float((self.labels(replace(dataset, range=(0.0, 1.0)).rows()) == dataset.labels).mean())

    @property
    def sha256(self):
        """A fingerprint of the weights."""
        return hashlib.sha256(to_numpy(self.network.theta).tobytes()).hexdigest()

    def _run(self, layers, images):
        parts, images = [], as_rows("Classifier", "rows", images, least=0)
        for start in range(0, max(len(images), 1), CHUNK):
            x = xp.asarray(images[start : start + CHUNK], dtype="float32")
            self.network.check(x)
            for layer in layers:
                x = layer.forward(x)
            parts.append(to_numpy(x).copy())
        return numpy.concatenate(parts)


def train_classifier(dataset, recipe=RECIPE):
    """A Classifier for the K classes of a Dataset with labels 0 ... K - 1: Adam on the softmax cross-entropy.

    In the end each weight is rounded to one of 255 values, whole multiples of a scale of its column: MNIST's then fits
    into half a megabyte, with the same 98.8 % right, and Frechet distances 0.1 % from what they were.

    Raises DataError for a data set without labels, or with labels that are not such integers.
    """
    labels = kind("a classifier", dataset, Dataset, LOAD).class_labels
    network = _network(dataset.size, *recipe.hidden, dataset.classes, seed=recipe.seed)
    optimizer = Adam(network, lr=recipe.lr, beta1=recipe.beta1)
    dataset = replace(dataset, range=(0.0, 1.0))
    reach = int(recipe.move * dataset.shape[0])
    batch = min(recipe.batch_size, len(dataset))
    rounds = len(dataset) // batch
    epochs = max(recipe.epochs, -(-recipe.least_steps // rounds))
    for epoch in tqdm(range(epochs), "training the classifier", unit="epoch", disable=None, leave=False):
        rng = host_generator(recipe.seed, epoch)
        order, moves = rng.permutation(len(dataset)), rng.integers(-reach, reach + 1, (rounds, 2))
        for k in range(rounds):
            index = order[k * batch : (k + 1) * batch]
            x = moved(dataset.rows(index).reshape(batch, *dataset.shape), *moves[k])
            a = network.forward(xp.asarray(x.reshape(batch, -1)), training=True)
            _, da = softmax_cross_entropy(a, xp.asarray(labels[index]))
            network.backward(da, wrt="params")
            optimizer.lr = recipe.lr * (1 - optimizer.steps / (epochs * rounds))
            optimizer.step()
    return Classifier(rounded(network))


def moved(images, down, right):
    """The images (N, H, W), or in color, shifted by so many pixels and filled up with 0: a new array."""
    height, width = images.shape[1:3]
    new = numpy.zeros_like(images)
    new[:, max(down, 0) : height + down, max(right, 0) : width + right] = images[
        :, max(-down, 0) : height - down, max(-right, 0) : width - right
    ]
    return new


def classifier_for(dataset, recipe=RECIPE, folder=None, announce=print):
    """The classifier of this data set and recipe: the one in minigan, the one in the cache, or one trained now.

    A file says which data and recipe it was made of; one in `folder` (None: minigan's cache) that does not agree, or is
    damaged, is trained anew. `announce` is called with one line before training, and with another where the result
    cannot be saved.

    Raises DataError for a data set without labels 0 ... K - 1.
    """
    made_of = _made_of(dataset, recipe)
    path = (cache_dir() if folder is None else as_path(folder)) / f"classifier-{made_of[:16]}.npz"
    reasons = []
    for file in SHIPPED, path:
        try:
            if found := _load(file, made_of):
                return found
            reasons += [f"{file} was made of other data"] if file is path else []
        except DataError as error:
            reasons.append(str(error) if file.exists() else f"there is no {file} yet")
    reason = "; ".join(reasons)
    announce(f"training the classifier, once for these data: seconds, or a minute or more for many images ({reason})")
    classifier = train_classifier(dataset, recipe)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save(path, classifier, dataset, recipe)
    except OSError as error:
        announce(f"the classifier cannot be saved, and will be trained again next time ({error})")
    return classifier


def save(path, classifier, dataset, recipe=RECIPE):
    """Write the classifier, which was made of these data by this recipe, to `path`. Raises OSError as the disk does."""
    made_of = numpy.frombuffer(_made_of(dataset, recipe).encode(), "uint8")
    with replacing(path) as file:
        numpy.savez_compressed(file, made_of=made_of, **classifier.arrays)


def _load(path, made_of):
    """The Classifier in the file, or None where it was made of something else."""
    with reading(path) as file:
        arrays = read_arrays(file, path)
    right = "made_of" in arrays and arrays.pop("made_of").tobytes() == made_of.encode()
    return Classifier(arrays) if right else None


def _made_of(dataset, recipe):
    """A fingerprint of everything that determines a classifier, apart from rounding."""
    labels = hashlib.sha256(kind("a classifier", dataset, Dataset, LOAD).class_labels.tobytes()).hexdigest()
    made_of = {"recipe": asdict(recipe), "images": dataset.sha256, "labels": labels, "steps": STEPS}
    return hashlib.sha256(json.dumps(made_of, sort_keys=True, default=float).encode()).hexdigest()


def rounded(network):
    """{"0.W": whole numbers of 8 bits, "0.scale": of each column, "0.b": as it is, "1.W": ...}, on the host."""
    arrays = {}
    for i, layer in enumerate(network.layers[::2]):
        W = to_numpy(layer.W)
        scale = numpy.maximum(abs(W).max(axis=0) / STEPS, numpy.finfo("float32").tiny)
        arrays |= {f"{i}.W": numpy.rint(W / scale).astype("int8"), f"{i}.scale": scale, f"{i}.b": to_numpy(layer.b)}
    return arrays


def _network(size, a, b, classes, seed=0):
    return Network(Dense(size, a), LeakyReLU(), Dense(a, b), LeakyReLU(), Dense(b, classes), seed=seed)
