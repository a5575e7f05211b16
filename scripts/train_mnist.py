"""Train a generative adversarial network on handwritten digits, and draw what it learns.

Without --data it takes MNIST where that is found or can be downloaded, else the small digits that come with minigan.
Ctrl-C stops after the round, with everything saved; --resume goes on from there.
"""

import sys
from pathlib import Path

from minigan.app.cli import OBJECTIVES, PENALTIES, Parser, penalty, positive, whoever_listens, whole
from minigan.app.machines import joined
from minigan.app.run_directory import RunDirectory
from minigan.app.saved import in_range_of, parse, recipe_of
from minigan.app.train import command, introduce, play
from minigan.data import load
from minigan.evaluation.protocol import part
from minigan.training.guard import NotFiniteError
from minigan.training.recipes import RECIPES
from minigan.training.training import Training

OF_THIS_START = "out", "resume", "no_compile", "distributed"  # arguments that are not settings of the run


def main(argv=None):
    with joined("--distributed" in (sys.argv if argv is None else argv)) as ranks:
        return train(argv, ranks)


def train(argv, ranks):
    """Of several ranks, the first does all that one machine would do, and the others only play."""
    parser = arguments()
    with ranks.alike() as alike:
        args = parse(parser, argv, OF_THIS_START)
        with parser.mistakes():
            device = ranks.device(args.device, args.threads, not args.no_compile)
            recipe = recipe_of(args.game) if args.game else RECIPES[args.recipe]
            data = recipe.data(load(args.data, args.data_dir))
            batch_size = args.batch_size or min(recipe.batch_size, max(2, len(data) // 32))
            if args.dry_run:
                data = part(data, slice(3 * batch_size))
            rounds = max(1, len(data) // batch_size)
            enough = recipe.rounds if data.size > 256 else recipe.rounds // 5  # small images need less
            epochs = args.epochs or (2 if args.dry_run else -(-enough // rounds))
            settings = recipe.settings(chosen(args, data))
            if args.scale_lr:
                settings |= recipe.scaled(settings, batch_size)
            gan = recipe.make(data, epochs * rounds, args.seed, **settings)
            training = Training(gan, in_range_of(data, gan), batch_size)
            config = config_of(args, data, batch_size)
            alike |= ranks.facts(training, {name: config[name] for name in ("epochs", "lr", "lr_d", "scale_lr")})
    with ranks.alike(), parser.mistakes():
        if not ranks.rank:
            run = RunDirectory(args.out, training, config, args.resume, args.checkpoint_every, args.keep)
    ranks.share(training)
    if ranks.rank:
        return ranks.follow(training, epochs)
    with run, whoever_listens():
        introduce(training, device)
        if not (args.epochs or args.dry_run):
            print(f"{epochs} epochs: {enough:,} rounds are enough for this recipe at this image size")
        go_on = command("train_mnist.py", "--resume", run.path)
        try:
            return play(run, epochs, go_on, f"{go_on} --epochs {training.epoch + 10}", ranks.agreed)
        except NotFiniteError as error:
            print(error, file=sys.stderr)
            return 1


def chosen(args, data):
    """The settings of the game that the user chose, None for the others."""
    objective = args.objective and OBJECTIVES[args.objective]()
    rates = {"latent": args.latent, "lr": args.lr, "lr_d": args.lr_d, "classes": args.conditional and data.classes}
    return {**rates, "objective": objective, "penalty": None if args.penalty is None else penalty(args.penalty)}


def arguments():
    parser = Parser(__doc__)
    add = parser.add_argument
    add("--recipe", choices=RECIPES, default="default",
        help="networks, objective and optimizers: see docs/recipes.md (default: %(default)s)")  # fmt: skip
    add("--game", metavar="FILE",
        help="a Python file of yours with its function make(data, rounds, seed) gives the GAN to play")  # fmt: skip
    add("--conditional", action="store_true", default=None,
        help="show both players the labels, to choose the digit later: recipes default and convolutional")  # fmt: skip
    add("--epochs", type=whole(1, 10**9),
        help="passes over the data, those already done included (default: as many as the recipe wants)")  # fmt: skip
    add("--batch-size", type=whole(1), help="images in a round (default: the recipe's, or a 32nd of a small data set)")
    add("--lr", type=positive, help="learning rate of both players' Adam, at the start (default: the recipe's)")
    add("--lr-d", type=positive, help="D's, where it shall be another (default: that of --lr)")
    add("--scale-lr", action="store_true",
        help="learning rates in proportion to the batch: times --batch-size / the recipe's")  # fmt: skip
    add("--latent", type=whole(1, 100_000), help="width of the noise z (default: the recipe's)")
    add("--objective", choices=OBJECTIVES, help="what the players minimize (default: the recipe's)")
    add(
        "--penalty", metavar="NAME:WEIGHT", help=f"on the slope of D: {', '.join(PENALTIES)}; r1:10 say (default: none)"
    )
    add("--seed", type=whole(0), default=0,
        help="the same seed gives the same pictures (default: %(default)s)")  # fmt: skip
    add("--data", default="auto", metavar="{auto,mnist,digits,idx,PATH}",
        help="what to learn; PATH: an .npz with images (N, H, W) or (N, H, W, 3) (default: %(default)s)")  # fmt: skip
    add("--data-dir", help="where MNIST's files are or shall go; for idx, the file of images or its folder")
    add("--out", help="a new directory to write into (default: the first unused one of out/run-1, out/run-2, ...)")
    add("--device", choices=("cpu", "gpu", "auto"), default="auto", help="auto: a GPU where one works (default)")
    add("--threads", type=whole(1),
        help="that share a round's work on the CPU (default: one for each core, at most four; 1, with BLAS left to "
        "itself, where OPENBLAS_NUM_THREADS or OMP_NUM_THREADS is set)")  # fmt: skip
    add("--no-compile", action="store_true", help="do without Numba where it is installed: the same numbers, slower")
    add("--checkpoint-every", type=positive, default=300.0, metavar="SECONDS",
        help="write a checkpoint within an epoch too, so often (default: %(default)s)")  # fmt: skip
    add("--keep", type=whole(1), metavar="EPOCHS", help="keep the checkpoint of every so many epochs, to measure them")
    add("--distributed", action="store_true",
        help="share each batch among the processes of mpiexec -n 4 python -m mpi4py train_mnist.py")  # fmt: skip
    add("--dry-run", action="store_true", help="two short epochs, to see everything written within seconds")
    add("--resume", metavar="RUN",
        help="go on with the run in this directory, or from one checkpoint in it, with the settings it was started "
        "with; --epochs, --lr, --lr-d, --device, --threads, --checkpoint-every and --keep may be changed")  # fmt: skip
    return parser


def config_of(args, data, batch_size):
    """The settings to write down, for --resume from wherever: nothing is left to chance or to the present folder."""
    config = {name: value for name, value in vars(args).items() if name not in OF_THIS_START}
    config["batch_size"] = batch_size
    if args.data == "auto":
        config["data"] = data.name
    elif args.data not in ("mnist", "digits", "idx"):
        config["data"] = str(Path(args.data).resolve())
    for name in "data_dir", "game":
        config[name] = config[name] and str(Path(config[name]).resolve())
    return config


if __name__ == "__main__":
    sys.exit(main())
