"""Say how good the classifier is in whose features scripts/evaluate.py measures, and which it is; or make it anew:

    python scripts/reports/train_classifier.py --out minigan/evaluation/classifier-mnist.npz

That file is part of minigan, so that figures can be compared from machine to machine: a new one differs from processor
to processor, and makes all published Frechet and kernel distances, precisions and recalls void.
"""

import sys
from pathlib import Path

from minigan.app.cli import Parser, choose_device
from minigan.evaluation import classifier
from minigan.evaluation.protocol import divided


def main(argv=None):
    parser = arguments()
    args = parser.parse_args(argv)
    with parser.mistakes():
        choose_device(args.device)
        data = divided(args.data, args.data_dir)
        if args.out:
            found = classifier.train_classifier(data.learn)
            classifier.save(args.out, found, data.learn)
        else:
            found = classifier.classifier_for(data.learn)
        shares = [f"{found.accuracy(part):.2%} of {len(part):,} {name}" for name, part in (
            ("test images", data.test), ("training images", data.learn)
        )]  # fmt: skip
    print(f"{data.name}: {' and '.join(shares)} right; sha256 {found.sha256}")
    return 0


def arguments():
    parser = Parser(__doc__)
    add = parser.add_argument
    add("--data", default="mnist", help="mnist, or digits (default: %(default)s)")
    add("--data-dir", help="the folder of MNIST's files")
    add("--device", choices=("cpu", "gpu", "auto"), default="auto", help="auto: a GPU where one works (default)")
    add("--out", type=Path, help="train it now, and write it to this file")
    return parser


if __name__ == "__main__":
    sys.exit(main())
