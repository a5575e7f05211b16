#!/usr/bin/env python3
"""Train a generative adversarial network on handwritten digits, and draw what it learns.

Without --data it takes MNIST where that is found or can be downloaded, else the small digits that come with minigan.
Ctrl-C stops after the round, with everything saved; --resume goes on from there.
"""

import dataclasses
import itertools
import os
import shlex
import sys
from pathlib import Path

# Before NumPy is imported: minigan's own threads share out its work, unless the user has given BLAS a number of them.
BLAS_WAS_TOLD = "OPENBLAS_NUM_THREADS" in os.environ or "OMP_NUM_THREADS" in os.environ
os.environ.setdefault("OPENBLAS_NUM_THREADS", os.environ.get("OMP_NUM_THREADS", "1"))

from tqdm import tqdm

from minigan import threads
from minigan.advice import read_history
from minigan.cli import OBJECTIVES, PENALTIES, Parser, StopSignal, choose_device, penalty, whole
from minigan.data import load
from minigan.guard import NotFiniteError
from minigan.recipes import RECIPES
from minigan.run_directory import RunDirectory, read_config
from minigan.training import Training, report

OF_THIS_START = "out", "resume", "threads"  # arguments that are not settings of the run


def main(argv=None):
    parser = arguments()
    with parser.mistakes():
        args = parse(parser, argv)
        device = choose_device(args.device, args.threads)
        recipe = RECIPES[args.recipe]
        data = recipe.data(load(args.data, args.data_dir))
        batch_size = args.batch_size or min(recipe.batch_size, max(2, len(data) // 32))
        if args.dry_run:
            data = dataclasses.replace(data, images=data.images[: 3 * batch_size], labels=None)
        rounds = max(1, len(data) // batch_size)
        enough = recipe.rounds if data.size > 256 else recipe.rounds // 5  # small images need less
        epochs = args.epochs or (2 if args.dry_run else -(-enough // rounds))
        settings = {"latent": args.latent, "lr": args.lr, "lr_d": args.lr_d}
        settings["objective"] = args.objective and OBJECTIVES[args.objective]()
        settings["penalty"] = args.penalty and penalty(args.penalty)
        gan = recipe.make(data, epochs * rounds, args.seed, **recipe.settings(settings))
        training = Training(gan, data, batch_size)
        config = config_of(args, data, batch_size)
        run = RunDirectory(args.out, training, config, args.resume, args.checkpoint_every, args.keep)
    if data.notice:
        print(data.notice, file=sys.stderr)
    rounds = f"{training.batches.rounds} rounds of {batch_size} an epoch"
    print(f"{data.name}: {len(data):,} images of {data.shape[0]}x{data.shape[1]}, {rounds}; {device}")
    print(f"generator\n{gan.generator.summary()}\ndiscriminator\n{gan.discriminator.summary()}")
    return play(training, run, epochs)


def play(training, run, epochs):
    """Train until the end, a signal, or a number that is not finite. Returns the exit code."""
    resume = shlex.join([sys.executable, sys.argv[0], "--resume", str(run.path)])
    total = training.batches.rounds
    done = training.epoch * total + training.round
    if training.epoch >= epochs:
        print(f"all {training.epoch} epochs are done; for 10 more: {resume} --epochs {training.epoch + 10}")
        return 0
    if done:
        print(f"going on after {training.epoch} epochs and {training.round} rounds")
    elif run.resumed:
        print(f"there is no checkpoint in {run.path} yet: starting from the beginning")
    drawn = False
    try:
        with StopSignal() as stop, tqdm(total=epochs * total, initial=done, unit="round", disable=None) as bar:
            for row in training.rounds(epochs):
                bar.update()
                run.after_round(row)
                if row:
                    bar.write("\n".join([report(row, epochs), *run.warnings()]))
                if stop.number:
                    break
            run.finish(stop.nothing_to_lose)
            drawn = True
    except KeyboardInterrupt:
        if run.saved:
            print("the drawing was skipped")
    except NotFiniteError as error:
        print(f"training stopped: {error}.\n{run.last_good()}; to go on: {resume}, with a lower --lr", file=sys.stderr)
        return 1
    if training.history:
        print(*read_history(training.history).values(), sep="\n")
    if not run.saved:
        print(f"the end of training could not be saved; {run.last_good()}", file=sys.stderr)
        return 128 + stop.number if stop.number else 1
    if training.epoch < epochs:
        print(f"stopped in epoch {training.epoch + 1}; to go on: {resume}")
        return 128 + stop.number
    how = f"; how it came about is in {run.path / 'training.html'} and curves.png" if drawn else ""
    print(f"now open {run.last_picture}{how}")
    return 0


def arguments():
    parser = Parser(__doc__)
    add = parser.add_argument
    add("--recipe", choices=RECIPES, default="default",
        help="networks, objective and optimizers: see docs/recipes.md (default: %(default)s)")  # fmt: skip
    add("--epochs", type=whole(1),
        help="passes over the data, those already done included (default: as many as the recipe wants)")  # fmt: skip
    add("--batch-size", type=whole(1), help="images in a round (default: the recipe's, or a 32nd of a small data set)")
    add("--lr", type=float, help="learning rate of both players' Adam, at the start (default: the recipe's)")
    add("--lr-d", type=float, help="D's, where it shall be another (default: that of --lr)")
    add("--latent", type=whole(1), help="width of the noise z (default: the recipe's)")
    add("--objective", choices=OBJECTIVES, help="what the players minimize (default: the recipe's)")
    add(
        "--penalty", metavar="NAME:WEIGHT", help=f"on the slope of D: {', '.join(PENALTIES)}; r1:10 say (default: none)"
    )
    add("--seed", type=whole(0), default=0, help="the same seed gives the same pictures (default: %(default)s)")
    add("--data", default="auto", metavar="{auto,mnist,digits,idx,PATH}",
        help="what to learn; PATH: an .npz of your own with images (N, H, W) (default: %(default)s)")  # fmt: skip
    add("--data-dir", help="where MNIST's files are or shall go; for idx, the file of images or its folder")
    add("--out", help="directory to write into (default: the first unused one of out/run-1, out/run-2, ...)")
    add("--device", choices=("cpu", "gpu", "auto"), default="auto", help="auto: a GPU where one works (default)")
    add("--threads", type=whole(1), default=1 if BLAS_WAS_TOLD else threads.default(),
        help="that share a round's work on the CPU (default: one for each core, at most four; 1, with BLAS left to "
        "itself, where OPENBLAS_NUM_THREADS or OMP_NUM_THREADS is set or NumPy has MKL or Accelerate)")  # fmt: skip
    add("--checkpoint-every", type=float, default=300.0, metavar="SECONDS",
        help="write a checkpoint within an epoch too, so often (default: %(default)s)")  # fmt: skip
    add("--keep", type=whole(1), metavar="EPOCHS", help="keep the checkpoint of every so many epochs, to measure them")
    add("--dry-run", action="store_true", help="two short epochs, to see everything written within seconds")
    add("--resume", metavar="DIR",
        help="go on with the run in DIR, or from one checkpoint in it, with the settings it was started with; "
        "--epochs, --lr, --lr-d, --device, --threads, --checkpoint-every and --keep may be changed")  # fmt: skip
    return parser


def parse(parser, argv):
    """The arguments; with --resume, those that are not given are as the run was started."""
    args = parser.parse_args(argv)
    if args.resume:
        defaults = vars(parser.parse_args([]))
        directory, config = read_config(args.resume, {k: v for k, v in defaults.items() if k not in OF_THIS_START})
        parser.set_defaults(**config)
        args = parser.parse_args(argv)
        args.out = directory
        if args.lr != config["lr"]:
            print(f"the learning rate was {config['lr'] or 'that of the recipe'} and is {args.lr} from here on")
    elif args.out is None:
        args.out = next(path for i in itertools.count(1) if not (path := Path("out", f"run-{i}")).exists())
    return args


def config_of(args, data, batch_size):
    """The settings to write down, for --resume from wherever: nothing is left to chance or to the present folder."""
    config = {name: value for name, value in vars(args).items() if name not in OF_THIS_START}
    config |= {"batch_size": batch_size, "data_dir": args.data_dir and str(Path(args.data_dir).resolve())}
    if args.data == "auto":
        config["data"] = data.name
    elif Path(args.data).is_file():
        config["data"] = str(Path(args.data).resolve())
    return config


if __name__ == "__main__":
    sys.exit(main())
