"""Draw new images from a checkpoint: a grid of samples, or walks between latent points.

With --out samples.npz they are saved as arrays instead: images (N, H, W), float32, those in color (N, H, W, 3), and
range, what black and white are.
"""

import sys
import zipfile
from pathlib import Path

import numpy

from minigan.app.cli import Parser, choose_device, whole
from minigan.app.saved import open_checkpoint
from minigan.backend import host_generator, to_numpy
from minigan.data.files import replacing
from minigan.gan import NOISE
from minigan.plots.pictures import save_grid


def main(argv=None):
    parser = arguments()
    args = parser.parse_args(argv)
    with parser.mistakes():
        choose_device(args.device)
        if args.interpolate and args.n < 2:
            raise ValueError("--interpolate walks between latent points: -n must be at least 2")
        check_out(args.out)
        G, meta = open_checkpoint(args.checkpoint, args.game)
        z = NOISE[meta["noise"]](host_generator(args.seed), (args.n, G.n_in), G.dtype)
        if args.interpolate:
            z = walk(z, args.interpolate)
        rows = to_numpy(G(z))
        shape, values = meta["dataset"]["shape"], meta["dataset"]["range"]
        if args.out.suffix == ".npz":
            with replacing(args.out) as file:
                numpy.savez_compressed(file, images=rows.reshape(-1, *shape), range=values)
        else:
            save_grid(args.out, rows, shape, values, columns=args.interpolate)
    print(f"{args.out}: {len(rows):,} images of {shape[0]}x{shape[1]}")
    return 0


def check_out(path):
    """Raises ValueError for a name that cannot be written, or holds what this script did not write: a checkpoint."""
    if path.suffix not in (".png", ".npz"):
        raise ValueError(f"--out {path}: expected a name that ends in .png or .npz")
    if not path.parent.is_dir():
        raise ValueError(f"--out {path}: there is no folder {path.parent}")
    if path.suffix == ".npz" and path.exists():
        if not zipfile.is_zipfile(path) or set(zipfile.ZipFile(path).namelist()) != {"images.npy", "range.npy"}:
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
    add("-n", type=whole(1), default=64, help="number of samples, or of latent points to walk between (default: 64)")
    add("--interpolate", type=whole(2), metavar="STEPS", help="walk from each point to the next, and back")
    add("--seed", type=whole(0), default=0, help="another seed gives other samples (default: %(default)s)")
    add("--game", metavar="FILE", help="the Python file with the layers, where they are your own")
    add("--device", choices=("cpu", "gpu", "auto"), default="auto", help="auto: a GPU where one works (default)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
