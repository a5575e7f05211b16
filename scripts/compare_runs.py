"""Draw the courses of several runs into one picture, each in its color: V, D's judgments, both losses."""

import sys
from pathlib import Path

from minigan.app.cli import Parser
from minigan.app.saved import read_history
from minigan.plots.pictures import compare_runs


def main(argv=None):
    parser = Parser(__doc__)
    parser.add_argument("runs", nargs="+", metavar="RUN_DIR", type=Path, help="directories of runs, finished or not")
    parser.add_argument("--out", type=Path, default=Path("comparison.png"), help="(default: %(default)s)")
    args = parser.parse_args(argv)
    with parser.mistakes():
        if args.out.suffix != ".png":
            raise ValueError(f"--out {args.out}: expected a name that ends in .png")
        runs = [(str(run), read_history(run)) for run in args.runs]
        compare_runs(args.out, runs)
    for name, history in runs:
        last = history[-1]
        print(f"{name}: {last['epoch']:.0f} epochs, V {last['V']:+.3f}, diversity {last['diversity']:.2f}")
    print(f"now open {args.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
