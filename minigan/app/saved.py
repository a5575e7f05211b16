"""Games of your own, and runs and checkpoints read again: what the scripts need besides a checkpoint's numbers."""

import csv
import importlib.util
import sys
from dataclasses import replace

from minigan.app.run_directory import CHECKPOINT, directory_of, read_config
from minigan.data.files import as_path
from minigan.layers import Layer
from minigan.training import checkpoint
from minigan.training.description import KEPT_AS, register
from minigan.training.recipes import Recipe


def load_game(path):
    """The module in the Python file at `path`; its layers are known to checkpoints from here on.

    Raises ValueError for a file that is not there or cannot be run.
    """
    path = as_path(path).resolve()
    if not path.is_file():
        raise ValueError(f"--game {path}: there is no such file")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None:
        raise ValueError(f"--game {path}: expected a Python file, my_game.py say")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # where pickle, and a dataclass in it, look for it
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ValueError(f"--game {path} cannot be run: {type(error).__name__}: {error}") from error
    own = (thing for thing in vars(module).values() if isinstance(thing, type) and issubclass(thing, Layer))
    for layer in own:
        if layer.__module__ == module.__name__ and layer not in KEPT_AS:
            register(layer)
    return module


def recipe_of(path):
    """The Recipe whose game is `make(data, rounds, seed) -> GAN` in the Python file at `path`.

    Raises ValueError where there is no such function.
    """
    module = load_game(path)
    make = getattr(module, "make", None)
    if not callable(make):
        raise ValueError(f"--game {path}: it has no function make(data, rounds, seed) that returns a GAN")
    return Recipe(make=make, range=(-1.0, 1.0), batch_size=128, rounds=6_000, images=None)


def parse(parser, argv, of_this_start):
    """The arguments of a script that trains; with --resume, those that are not given are as the run was started.

    `of_this_start` are the names of those that are no settings of the run.
    """
    args = parser.parse_args(argv)
    if not args.resume:
        return args
    if args.out:
        parser.error(f"--resume {args.resume} goes on in the run's own directory: leave out --out {args.out}")
    known = vars(args).keys() - set(of_this_start)
    with parser.mistakes():
        directory, config = read_config(args.resume, known)
    recorded = [
        f"--{name.replace('_', '-')}" + ("" if value is True else f"={value}")
        for name, value in config.items()
        if value is not None and value is not False
    ]
    parser.where = f"{directory / 'config.json'}: "
    before = parser.parse_args(recorded)  # as strict with the file as with the command line
    parser.where = ""
    args = parser.parse_args([*recorded, *(sys.argv[1:] if argv is None else argv)])
    args.out = directory
    if args.lr != before.lr:
        print(f"the learning rate was {before.lr or 'that of the recipe'} and is {args.lr} from here on")
    return args


def in_range_of(data, gan):
    """The data set with pixels in the range of the generator's outputs."""
    return replace(data, range=tuple(gan.generator.range or data.range))


def open_checkpoint(path, game=None):
    """(generator, meta) of the checkpoint at `path`, or in the directory `path` of a run.

    `game` is the file with layers of your own: a checkpoint never runs code by itself. Raises ValueError where
    they are missing, or this is another kind of checkpoint, and CheckpointError for a damaged one.
    """
    path = as_path(path)
    if game is not None:
        load_game(game)
    path = path / CHECKPOINT if path.is_dir() else path
    arrays, meta = checkpoint.read(path)
    if "range" not in meta.get("dataset", {}):
        raise ValueError(f"{path} is a checkpoint, but of no game on images")
    try:
        return checkpoint.generator_of(path, arrays, meta), meta
    except checkpoint.CheckpointError as error:
        if game:
            raise
        own = meta.get("config", {}).get("game")
        file = f"it was trained with --game {own}: give that here, too" if own else "--game FILE does that, too"
        raise ValueError(f"{error}\n{file}") from error


def read_history(run):
    """The rows of a run's history.csv, one dict of numbers for each epoch.

    Raises ValueError where there is none, or it is not as training wrote it.
    """
    path = directory_of(run) / "history.csv"
    if not path.is_file():
        raise ValueError(f"{run}: there is no run, or it has not finished an epoch yet ({path} is missing)")
    try:
        with open(path, newline="") as file:
            rows = [{name: float(text) if text else None for name, text in row.items()} for row in csv.DictReader(file)]
        rows[0]["epoch"], rows[0]["V"]
    except (ValueError, TypeError, AttributeError, LookupError) as error:
        raise ValueError(f"{path} is not a history that training wrote ({type(error).__name__}: {error})") from error
    return rows
