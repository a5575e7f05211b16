"""Measure samples against the data: those of a checkpoint's generator, or your own.

Parzen log-likelihood by the protocol of Goodfellow et al. (2014), beside baselines that show what it is worth; and in
the features of a fixed classifier a Frechet distance, a kernel distance, precision and recall, and the share of each
class, beside what training images score against test images; of a conditional generator, what it drew for each class
that it was asked for. The baselines are computed on first use, in a few minutes
for MNIST, and kept in the cache. The classifier of MNIST comes with minigan.
"""

import json
import sys
from pathlib import Path

from minigan import __version__
from minigan.app.cli import Parser, choose_device, whole
from minigan.app.saved import open_checkpoint
from minigan.data.files import replacing
from minigan.evaluation.conditional import as_often
from minigan.evaluation.protocol import divided, generated, measured, own, trained_on
from minigan.evaluation.report import table


def main(argv=None):
    parser = arguments()
    args = parser.parse_args(argv)
    with parser.mistakes():
        choose_device(args.device)
        check_target(args.json)
        if args.checkpoint:
            path = args.checkpoint
            G, meta = open_checkpoint(path, args.game)
            data = divided(args.data, args.data_dir) if args.data else trained_on(meta, args.data_dir)
            samples = generated(G, meta, args.samples, args.seed, data.learn)
            asked = as_often(data.learn, args.samples) if G.classes else None
        else:
            path = args.samples_file
            data = divided(args.data or "mnist", args.data_dir)
            samples, asked = own(path, data.learn), None
        result = {"minigan": __version__, "samples": str(path), **measured(samples, data, asked)}
        if args.json:
            with replacing(args.json, "w") as file:
                json.dump(result, file, indent=2)
    print(table(result))
    return 0


def check_target(path):
    """Raises ValueError for a file to write that cannot be there, before anything is computed."""
    if path and path.is_dir():
        raise ValueError(f"--json {path}: a folder: name a file in it")
    if path and not path.parent.is_dir():
        raise ValueError(f"--json {path}: there is no folder {path.parent}")


def arguments():
    parser = Parser(__doc__)
    add = parser.add_argument
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--checkpoint", type=Path, help="a checkpoint.npz of scripts/train_mnist.py, or its directory")
    which.add_argument("--samples-file", type=Path, help="your samples: an .npz with images (N, H, W) or (N, H, W, 3)")
    add("--data", help="mnist, digits or a file of images (default: what the checkpoint was trained on, or mnist)")
    add("--data-dir", help="the folder of MNIST's files (default: that of the checkpoint's run)")
    add("--samples", type=whole(4), default=10_000, help="number of samples to draw (default: 10,000, the protocol's)")
    add("--seed", type=whole(0), default=0, help="another seed draws other samples (default: %(default)s)")
    add("--game", metavar="FILE", help="the Python file with the checkpoint's layers, where they are your own")
    add("--json", type=Path, help="write all the figures to this file too")
    add("--device", choices=("cpu", "gpu", "auto"), default="auto", help="auto: a GPU where one works (default)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
