"""Draw new images from a checkpoint: a grid of samples, or walks between latent points.

Of a conditional game, --label 7 draws sevens, and --labels 0123456789 (the default) a table: a row for each label, the
same noise down a column. With --interpolate STEPS, --label 7 walks from noise to noise, and --labels 17 from the first
label to the second, a row for each noise.

With --out samples.npz they are saved as arrays instead: images (N, H, W), float32, those in color (N, H, W, 3), range,
what black and white are, and the labels that were asked for.
"""

import copy
import itertools
import sys
import zipfile
from pathlib import Path

import numpy

from minigan.app.cli import Parser, choose_device, whole
from minigan.app.saved import open_checkpoint
from minigan.backend import host_generator, to_numpy
from minigan.data.files import replacing
from minigan.gan import NOISE
from minigan.layers import Condition
from minigan.network import Network
from minigan.plots.pictures import save_grid

TABLE = 8  # samples of each label
WRITTEN = {"images.npy", "range.npy"}


def main(argv=None):
    parser = arguments()
    args = parser.parse_args(argv)
    with parser.mistakes():
        choose_device(args.device)
        check_out(args.out)
        G, meta = open_checkpoint(args.checkpoint, args.game)
        rows, labels, columns = drawn(args, G, meta["noise"])
        shape, values = meta["dataset"]["shape"], meta["dataset"]["range"]
        if args.out.suffix == ".npz":
            asked = {} if labels is None else {"labels": labels}
            with replacing(args.out) as file:
                numpy.savez_compressed(file, images=rows.reshape(-1, *shape), range=values, **asked)
        else:
            save_grid(args.out, rows, shape, values, columns)
    print(f"{args.out}: {len(rows):,} images of {shape[0]}x{shape[1]}")
    return 0


def drawn(args, G, noise):
    """(images as rows, the label asked for in each or None, how many stand side by side or None)."""
    labels, steps = chosen(args, G), args.interpolate
    table = labels is not None and not args.label
    n = args.n or (TABLE if table else 64)
    z = NOISE[noise](host_generator(args.seed), (n, G.n_in), G.dtype)
    if steps and args.labels:
        return to_numpy(between(G, z, labels, steps)), None, steps
    if steps and n < 2:
        raise ValueError("--interpolate walks between latent points: -n must be at least 2")
    z = walk(z, steps) if steps else z
    y = None if labels is None else numpy.repeat(labels, len(z))
    rows = G(z) if y is None else G(numpy.tile(z, (len(labels), 1)), y)
    return to_numpy(rows), y, steps or (n if table else None)


def chosen(args, G):
    """The labels to draw, None of a game without. Raises ValueError for labels that there are not."""
    asked = args.labels if args.label is None else args.label
    if not G.classes:
        if asked is not None:
            raise ValueError(f"{args.checkpoint} was trained without labels: leave out --label and --labels, or train "
                             "with --conditional")  # fmt: skip
        return None
    if asked is None:
        return numpy.arange(G.classes)
    texts = asked.split(",") if args.label or "," in asked or not asked else list(asked)
    known = [str(label) for label in range(G.classes)]
    if wrong := [text for text in texts if text not in known]:
        raise ValueError(f"there is no label {wrong[0]!r}: the labels are 0 ... {G.classes - 1}, --labels 17, or with "
                         "commas, --labels 1,7")  # fmt: skip
    if args.interpolate and args.labels and len(texts) < 2:
        raise ValueError("--interpolate walks from label to label: name two, --labels 17, or with --label from noise "
                         "to noise")  # fmt: skip
    return numpy.array([int(text) for text in texts])


def between(G, z, labels, steps):
    """From each label to the next in `steps` steps, for each latent point: (n (L - 1) steps, ...).

    A label that lies between two is none that G was trained with: behind its Condition stand the layers that take a
    row of numbers, of which the last are 1 and 0, and here 1 - t and t. Raises ValueError for a G that does not begin
    with its only Condition.
    """
    first, *rest = G.layers
    if not isinstance(first, Condition) or any(layer.give and layer.classes for layer in rest):
        raise ValueError("--interpolate between labels needs a generator that begins with its only Condition: walk "
                         "between latent points instead, with --label")  # fmt: skip
    behind = Network(*map(copy.deepcopy, rest), dtype=str(G.dtype))
    t, hot = numpy.linspace(0, 1, steps)[:, None], numpy.eye(G.classes)[labels]
    columns = numpy.concatenate([(1 - t) * a + t * b for a, b in itertools.pairwise(hot)])
    return behind(numpy.concatenate((z.repeat(len(columns), 0), numpy.tile(columns, (len(z), 1))), axis=1))


def check_out(path):
    """Raises ValueError for a name that cannot be written, or holds what this script did not write: a checkpoint."""
    if path.suffix not in (".png", ".npz"):
        raise ValueError(f"--out {path}: expected a name that ends in .png or .npz")
    if not path.parent.is_dir():
        raise ValueError(f"--out {path}: there is no folder {path.parent}")
    if path.suffix == ".npz" and path.exists():
        if not zipfile.is_zipfile(path) or set(zipfile.ZipFile(path).namelist()) - {"labels.npy"} != WRITTEN:
            raise ValueError(f"--out {path}: there is such a file, and it holds no samples: take another name")


def walk(z, steps):
    """From each latent point to the next, the last to the first, in `steps` steps: (n, latent) to (n steps, latent).

    Along the great circle, z(t) = sin((1-t) w) / sin w * z0 + sin(t w) / sin w * z1 with w the angle between z0 and z1:
    the points between keep the length that N(0, 1) noise has, where a straight line would pass near 0 (White 2016).
    """
    unit = z / numpy.linalg.norm(z, axis=1, keepdims=True)
    w = numpy.arccos(numpy.clip((unit * numpy.roll(unit, -1, 0)).sum(1), -1, 1))[:, None, None]
    t = numpy.linspace(0, 1, steps, dtype=z.dtype)[:, None]
    z0, z1 = z[:, None], numpy.roll(z, -1, 0)[:, None]
    opposite = numpy.sin(w) < 1e-4  # or the same: there is no one great circle, and the way is straight
    w = numpy.where(opposite, 1, w)
    points = (numpy.sin((1 - t) * w) * z0 + numpy.sin(t * w) * z1) / numpy.sin(w)
    points = numpy.where(opposite, (1 - t) * z0 + t * z1, points).astype(z.dtype)
    return points.reshape(-1, z.shape[1])


def arguments():
    parser = Parser(__doc__)
    add = parser.add_argument
    add("checkpoint", type=Path, help="a checkpoint.npz that scripts/train_mnist.py wrote, or its directory")
    add("--out", type=Path, default=Path("samples.png"),
        help="what to write: a picture (.png), or arrays (.npz) (default: %(default)s)")  # fmt: skip
    add("-n", type=whole(1),
        help="number of samples, or of latent points to walk between (default: 64; 8 for each label)")  # fmt: skip
    add("--interpolate", type=whole(2), metavar="STEPS", help="walk from each point to the next, and back")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--label", help="the label to draw, 7 say, where the game was conditional")
    which.add_argument("--labels", metavar="LABELS", help="a row for each of these labels, 0123456789 say, or 10,11")
    add("--seed", type=whole(0), default=0, help="another seed gives other samples (default: %(default)s)")
    add("--game", metavar="FILE", help="the Python file with the layers, where they are your own")
    add("--device", choices=("cpu", "gpu", "auto"), default="auto", help="auto: a GPU where one works (default)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
