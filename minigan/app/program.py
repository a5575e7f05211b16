"""A script that trains in a run directory: how it starts, goes on and ends, by one process or by those of mpiexec."""

from typing import NamedTuple

from minigan.app.cli import positive, whoever_listens, whole
from minigan.app.machines import together
from minigan.app.run_directory import RunDirectory
from minigan.app.saved import parse
from minigan.app.train import command, introduce, play
from minigan.training.course import Course

OF_THIS_START = "out", "resume", "no_compile", "distributed"  # arguments that are not settings of the run
OF_THIS_MACHINE = "data", "data_dir", "game", "device", "threads"  # which may have another name on another


class Start(NamedTuple):
    """What a script plays, as its options want it."""

    training: Course
    epochs: int
    why: str = ""  # so many, or what else is to be said of it
    draw: object = None  # (path, samples): the picture of an epoch, if the data are not images
    close: object = None  # (directory, exit code): what else is to be done in the end


def run(script, parser, set_up, argv=None, own=()):
    """Play what set_up(args) makes of a script's options, a Start, in a run directory. Returns the exit code.

    What is in args when it returns is written down, for --resume from any folder, but for the names in `own` and in
    OF_THIS_START. Of several ranks, each sets up for itself; then the first does all that one process would do, and the
    others only play.
    """
    own = {*own, *OF_THIS_START}

    def train(argv, ranks):
        with ranks.alike() as alike, parser.mistakes():
            args = parse(parser, argv, own)
            device = ranks.device(args.device, args.threads, not args.no_compile)
            training, epochs, why, draw, close = set_up(args)
            config = {name: value for name, value in vars(args).items() if name not in own}
            same = {name: value for name, value in config.items() if name not in OF_THIS_MACHINE}
            alike |= ranks.facts(training, same)
        with ranks.alike(), parser.mistakes():
            if not ranks.rank:
                here = RunDirectory(args.out, training, config, args.resume, args.checkpoint_every, args.keep, draw)
        ranks.share(training)
        if ranks.rank:
            return ranks.follow(training, epochs)
        with here, whoever_listens():
            introduce(training, device, why)
            go_on = command(script, "--resume", here.path)
            code = play(here, epochs, go_on, f"{go_on} --epochs {training.epoch + 10}", ranks.agreed)
            if close:
                close(here.path, code)
            return code

    return together(train, argv, offered=parser.get_default("distributed") is not None)


def add_options(parser):
    """Those that every such script has."""
    add = parser.add_argument
    add("--out", help="a new directory to write into (default: the first unused one of out/run-1, out/run-2, ...)")
    add("--device", choices=("cpu", "gpu", "auto"), default="auto",
        help="auto: a GPU where one works (default: %(default)s)")  # fmt: skip
    add("--threads", type=whole(1),
        help="that share a round's work on the CPU (default: one for each core, at most four; 1, with BLAS left to "
        "itself, where OPENBLAS_NUM_THREADS or OMP_NUM_THREADS is set)")  # fmt: skip
    add("--no-compile", action="store_true", help="do without Numba where it is installed: the same numbers, slower")
    add("--checkpoint-every", type=positive, default=300.0, metavar="SECONDS",
        help="write a checkpoint within an epoch too, so often (default: %(default)s)")  # fmt: skip
    add("--keep", type=whole(1), metavar="EPOCHS", help="keep the checkpoint of every so many epochs, to measure them")
    add("--resume", metavar="RUN",
        help="go on with the run in this directory, or from one checkpoint in it, with the settings it was started "
        "with; --epochs, --lr, --device, --threads, --checkpoint-every and --keep may be changed")  # fmt: skip


def add_options_of_ranks(parser):
    """Those of a script whose game is a GAN, which many machines can play."""
    add = parser.add_argument
    add("--distributed", action="store_true",
        help="share each batch among the processes of mpiexec -n 4 python -m mpi4py SCRIPT")  # fmt: skip
    add("--scale-lr", action="store_true",
        help="learning rates in proportion to the batch: times --batch-size / the usual one")  # fmt: skip
