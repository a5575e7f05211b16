"""Train a language model on text, by maximum likelihood and then in a game against a discriminator.

The text is a file, of which every character is a token, or with --oracle the published oracle of SeqGAN, which draws
its data and judges what G draws. A drawn token has no derivative; --adversarial reinforce and --adversarial gumbel are
the two ways round that. Ctrl-C stops after the round, with everything saved; --resume goes on from there.
"""

import json
import sys
from pathlib import Path

from minigan.app.cli import Parser, positive, whole, within
from minigan.app.program import Start, add_options, run
from minigan.data.files import replacing
from minigan.data.text import characters, load_oracle, spoken
from minigan.evaluation.text import TEMPERATURES, behind, curve
from minigan.plots.text import save_text
from minigan.training.text import WAYS, TextGame, TextTraining, judge, language_model

HERE = Path(__file__).resolve().parents[1]
PLAYED = 10  # epochs of a game
MEASURED = 2000  # sequences drawn for a figure


def main(argv=None):
    return run("train_text.py", arguments(), set_up, argv)


def set_up(args):
    """The game on this text, for how many epochs, and what is drawn and said beside it."""
    text = data(args)
    epochs = args.epochs or args.likelihood + (PLAYED if args.adversarial else 0)
    began = args.likelihood if args.adversarial else epochs
    args.batch_size = min(args.batch_size, len(text))
    training = TextTraining(game(text, began * (len(text) // args.batch_size), args), text, args.batch_size)

    def draw(path, samples):
        directory, file = path.parents[1], path.parents[1] / "temperatures.json"
        if training.epoch == began:
            with replacing(file, "w") as written:
                json.dump(curve(training.gan.generator, text, TEMPERATURES, MEASURED, args.seed), written)
        save_text(path, training.history, measured(directory), began, text.say(samples))
        with replacing(directory / "text.png") as copy:
            copy.write(path.read_bytes())

    def close(directory, code):
        print(*map(repr, text.say(training.draw())), sep="\n")
        cooled = measured(directory)
        if cooled and text.oracle and training.epoch > began:
            oracle, test = (training.history[-1][name] for name in ("oracle", "test"))
            by = behind((oracle, test), cooled)
            where = "" if by is None else f": {abs(by):.3f} {'below' if by < 0 else 'above'} the curve of temperatures"
            print(f"oracle {oracle:.3f} at test {test:.3f}{where}")

    sizes = f"{len(text):,} sequences of {text.x.shape[1]} tokens, {text.vocabulary:,} of them"
    return Start(training, epochs, sizes, draw, close)


def measured(directory):
    """The curve of the temperatures in the directory of a run, or nothing before the game begins."""
    path = directory / "temperatures.json"
    return json.loads(path.read_text()) if path.exists() else []


def data(args):
    """The Text of --oracle, or of the file."""
    if args.oracle:
        args.oracle = str(Path(args.oracle).resolve())
        return spoken(load_oracle(args.oracle), args.oracle, args.sequences, args.steps or 20, args.seed)
    args.data = str(Path(args.data).resolve())
    return characters(args.data, args.steps or 64)


def game(text, learned, args):
    """G, D and how they learn."""
    way, H = args.adversarial or WAYS[0], args.hidden
    G = language_model(text.vocabulary, H, H, args.dropout, args.seed)
    D = judge(text.vocabulary, way, H, 2 * H, args.dropout, args.seed + 1)
    weights = {"pull": args.pull, "discount": args.discount, "tau": args.tau}
    return TextGame(G, D, way, learned, args.seed, args.lr, args.lr_game, args.warm, **weights)


def arguments():
    parser = Parser(__doc__)
    add = parser.add_argument
    add("--data", default=str(HERE / "docs" / "course"), metavar="FILE",
        help="a text, or a folder of them (default: the course of minigan, docs/course)")  # fmt: skip
    add("--oracle", metavar="FILE.npz", help="in its place, the weights of SeqGAN's oracle")
    add("--sequences", type=whole(64, 10**6), default=10_000, help="that the oracle draws (default: %(default)s)")
    add("--steps", type=whole(2, 1000), help="tokens in a sequence (default: 64 characters, 20 of the oracle)")
    add("--adversarial", choices=WAYS, help="after maximum likelihood, a game, and how G learns in it")
    add("--likelihood", type=whole(1, 10**6), default=20, metavar="EPOCHS",
        help="of maximum likelihood before that game (default: %(default)s)")  # fmt: skip
    add("--epochs", type=whole(1, 10**6),
        help=f"passes over the text in all (default: those of --likelihood, and {PLAYED} of a game)")  # fmt: skip
    add("--batch-size", type=whole(1, 10**6), default=64, help="sequences in a round (default: %(default)s)")
    add("--hidden", type=whole(1, 10_000), default=32, help="width of G, D has twice that (default: %(default)s)")
    add("--dropout", type=within("[0, 1)"), default=0.3, help="of both players (default: %(default)s)")
    add("--lr", type=positive, default=5e-3, help="falls to a twentieth (default: %(default)s)")
    add("--lr-game", type=positive, default=1e-3, help="both players' rate in the game (default: %(default)s)")
    add("--warm", type=whole(0), default=300, help="first rounds in which only D learns (default: %(default)s)")
    add("--pull", type=within("[0, inf)"), default=1.0,
        help="weight of the likelihood in the game (default: %(default)s)")  # fmt: skip
    add("--discount", type=within("[0, 1]"), default=0.0, help="of later tokens' rewards (default: %(default)s)")
    add("--tau", type=positive, default=1.0, help="temperature of the Gumbel softmax (default: %(default)s)")
    add("--seed", type=whole(0), default=0, help="the same seed gives the same samples (default: %(default)s)")
    add_options(parser)
    parser.set_defaults(device="cpu")  # many small products, one after the other
    return parser


if __name__ == "__main__":
    sys.exit(main())
