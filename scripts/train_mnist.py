"""Train a generative adversarial network on handwritten digits, and draw what it learns.

Without --data it takes MNIST where that is found or can be downloaded, else the small digits that come with minigan.
Ctrl-C stops after the round, with everything saved; --resume goes on from there.
"""

import sys
from pathlib import Path

from minigan.app.cli import OBJECTIVES, PENALTIES, Parser, penalty, positive, whole
from minigan.app.program import Start, add_options, add_options_of_ranks, run
from minigan.app.saved import in_range_of, recipe_of
from minigan.data import load
from minigan.evaluation.protocol import part
from minigan.objectives import AuxiliaryClassifier
from minigan.training.recipes import RECIPES
from minigan.training.training import Training

AUXILIARY = "auxiliary-classifier"  # which other scripts have no labels for


def main(argv=None):
    return run("train_mnist.py", arguments(), set_up, argv)


def set_up(args):
    """The game of the recipe, or of the user, on the data; and for how many epochs."""
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
    write_down(args, data, batch_size)
    asked = args.epochs or args.dry_run
    why = f"{epochs} epochs: {enough:,} rounds are enough for this recipe at this image size"
    return Start(training, epochs, "" if asked else why)


def chosen(args, data):
    """The settings of the game that the user chose, None for the others."""
    classes = args.conditional and data.classes
    if args.objective == AUXILIARY and not classes:
        raise ValueError(f"--objective {AUXILIARY}: D says the class of each image, and learns it from the labels: "
                         "give --conditional, too, or take another --objective")  # fmt: skip
    choices = {**OBJECTIVES, AUXILIARY: lambda: AuxiliaryClassifier(classes)}
    objective = args.objective and choices[args.objective]()
    rates = {"latent": args.latent, "lr": args.lr, "lr_d": args.lr_d, "classes": classes}
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
    add("--latent", type=whole(1, 100_000), help="width of the noise z (default: the recipe's)")
    add("--objective", choices=(*OBJECTIVES, AUXILIARY), help="what the players minimize (default: the recipe's)")
    add(
        "--penalty", metavar="NAME:WEIGHT", help=f"on the slope of D: {', '.join(PENALTIES)}; r1:10 say (default: none)"
    )
    add("--seed", type=whole(0), default=0,
        help="the same seed gives the same pictures (default: %(default)s)")  # fmt: skip
    add("--data", default="auto", metavar="{auto,mnist,digits,idx,PATH}",
        help="what to learn; PATH: an .npz with images (N, H, W) or (N, H, W, 3) (default: %(default)s)")  # fmt: skip
    add("--data-dir", help="where MNIST's files are or shall go; for idx, the file of images or its folder")
    add("--dry-run", action="store_true", help="two short epochs, to see everything written within seconds")
    add_options(parser)
    add_options_of_ranks(parser)
    return parser


def write_down(args, data, batch_size):
    """The settings for --resume from wherever: nothing is left to chance or to the present folder."""
    args.batch_size = batch_size
    if args.data == "auto":
        args.data = data.name
    elif args.data not in ("mnist", "digits", "idx"):
        args.data = str(Path(args.data).resolve())
    args.data_dir, args.game = (path and str(Path(path).resolve()) for path in (args.data_dir, args.game))


if __name__ == "__main__":
    sys.exit(main())
