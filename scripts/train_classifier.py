#!/usr/bin/env python3
"""Train the classifier in whose features scripts/evaluate.py measures, or find it in the cache, and say how good it is.

It takes less than a minute for MNIST. The file is kept in the cache, and is only as good as the hash it carries: for
other data, or another recipe, a new one is trained.
"""

import sys
import time

from evaluate import divided

from minigan.classifier import classifier_for
from minigan.cli import Parser, choose_device


def main(argv=None):
    parser = arguments()
    args = parser.parse_args(argv)
    with parser.mistakes():
        device = choose_device(args.device)
        data = divided(args.data, args.data_dir)
        start = time.monotonic()
        classifier = classifier_for(data.learn)
        seconds = time.monotonic() - start
        shares = [f"{classifier.accuracy(part):.2%} of {len(part):,} {name}" for name, part in (
            ("test images", data.test), ("training images", data.learn)
        )]  # fmt: skip
    print(f"{data.name}: {' and '.join(shares)} right; sha256 {classifier.sha256}; {seconds:.1f} s on the {device}")
    return 0


def arguments():
    parser = Parser(__doc__)
    add = parser.add_argument
    add("--data", default="mnist", help="mnist, or digits (default: %(default)s)")
    add("--data-dir", help="the folder of MNIST's files")
    add("--device", choices=("cpu", "gpu", "auto"), default="auto", help="auto: a GPU where one works (default)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
