"""Train a language model on text, by maximum likelihood and then in a game against a discriminator.

The text is a file, of which every character is a token, or with --oracle the published oracle of SeqGAN, which draws
its data and judges what G draws. A drawn token has no derivative; --adversarial reinforce and --adversarial gumbel are
the two ways round that. Ctrl-C stops after the round, with everything saved; --resume goes on from there.
"""

import json
import sys
from pathlib import Path

from tqdm import tqdm

from minigan.app.cli import Parser, StopSignal, choose_device, positive, whoever_listens, whole, within
from minigan.app.run_directory import CHECKPOINT, CONFIG, LOCK, hold, release, unused
from minigan.app.saved import parse
from minigan.app.train import command
from minigan.backend import generator
from minigan.backend.generators import FIXED
from minigan.data.files import replacing
from minigan.data.text import characters, load_oracle, spoken
from minigan.evaluation.text import TEMPERATURES, behind, curve
from minigan.objectives.tokens import drawn
from minigan.plots.text import save_text
from minigan.training.guard import NotFiniteError
from minigan.training.text import WAYS, TextTraining, judge, language_model
from minigan.training.training import save_history

OF_THIS_START = "out", "resume"  # arguments that are not settings of the run
HERE = Path(__file__).resolve().parents[1]
SAMPLES, MEASURED = 5, 2000  # printed; drawn for a figure


def main(argv=None):
    parser = arguments()
    args = parse(parser, argv, OF_THIS_START)
    with parser.mistakes():
        device = choose_device("cpu")
        text = data(args)
        training = game(text, args)
        run, lock = directory(args, training)
    print(f"{text.name}: {len(text.x):,} sequences of {text.x.shape[1]} tokens, {text.vocabulary:,} of them; {device}")
    with whoever_listens(), StopSignal() as stop:
        try:
            train(training, run, args, stop)
        except (NotFiniteError, OSError) as error:
            print(f"{error}; what was saved is in {run}", file=sys.stderr)
            return 1
        finally:
            release(lock)
        return closing(training, run, stop.number)


def data(args):
    """The Text of --oracle, or of the file."""
    if args.oracle:
        args.oracle = str(Path(args.oracle).resolve())
        return spoken(load_oracle(args.oracle), args.oracle, args.sequences, args.steps or 20, args.seed)
    args.data = str(Path(args.data).resolve())
    return characters(args.data, args.steps or 64)


def game(text, args):
    """G, D and how they learn."""
    way = args.adversarial or WAYS[0]
    G = language_model(text.vocabulary, args.hidden, args.hidden, args.dropout, args.seed)
    D = judge(text.vocabulary, way, args.hidden, 2 * args.hidden, args.dropout, args.seed + 1)
    size, rates = min(args.batch_size, len(text.x)), (args.lr, args.lr_game)
    weights = {"pull": args.pull, "discount": args.discount, "tau": args.tau}
    return TextTraining(text, G, D, way, args.epochs, size, args.seed, *rates, args.warm, **weights)


def directory(args, training):
    """(the directory of the run, held; its lock): a new one, or that of --resume, where training goes on."""
    run = Path(args.out) if args.out else unused()
    run.mkdir(parents=True, exist_ok=True)
    lock = hold(run)
    try:
        if args.resume and (run / CHECKPOINT).exists():
            training.restore(run / CHECKPOINT)
        elif not args.resume and any(path.name != LOCK for path in run.iterdir()):
            raise ValueError(f"{run} is not empty: go on with --resume {run}, or name another directory")
        with replacing(run / CONFIG, "w") as file:
            json.dump({name: value for name, value in vars(args).items() if name not in OF_THIS_START}, file, indent=2)
    except BaseException:
        release(lock)
        raise
    return run, lock


def train(training, run, args, stop):
    """Both kinds of rounds, until all are done or a signal came; every row of the history is written and printed."""
    rounds = args.rounds if args.adversarial else 0
    total = training.learned + rounds
    with tqdm(total=total, initial=training.round, unit="round", disable=None) as bar:
        for row in training.rounds(rounds):
            bar.update()
            if row:
                bar.write(in_words(row))
                save_history(run / "history.csv", training.history)
                if training.round >= training.learned:
                    picture(training, run)
                training.save(run / CHECKPOINT)
            if stop.number:
                break
    training.save(run / CHECKPOINT)
    stop.nothing_to_lose()


def in_words(row):
    """A row of the history in a line."""
    oracle = "" if row["oracle"] is None else f", oracle {row['oracle']:.3f}"
    return f"epoch {row['epoch']}, round {row['round']:,}: train {row['train']:.3f}, test {row['test']:.3f}{oracle}"


def picture(training, run):
    """text.png, and the curve of the temperatures beside it, which is measured where the game begins."""
    path = run / "temperatures.json"
    if training.round == training.learned:
        cooled = curve(training.G, training.text, TEMPERATURES, MEASURED, training.seed)
        with replacing(path, "w") as file:
            json.dump(cooled, file)
    save_text(run / "text.png", training.history, json.loads(path.read_text()), training.learned)


def closing(training, run, signal):
    """Samples, the last figures beside the curve, and how to go on. Returns the exit code."""
    x = drawn(training.G, SAMPLES, training.text.x.shape[1], generator(training.seed, FIXED))
    print(*(repr(said) for said in training.text.say(x)), sep="\n")
    path = run / "temperatures.json"
    if path.exists() and training.round > training.learned and training.text.oracle:
        last = training.history[-1]
        by = behind((last["oracle"], last["test"]), json.loads(path.read_text()))
        if by is not None:
            said = f"{abs(by):.3f} {'below' if by < 0 else 'above'} the curve of temperatures"
            print(f"oracle {last['oracle']:.3f} at test {last['test']:.3f}: {said}")
    go_on = command("train_text.py", "--resume", run)
    print(f"stopped; to go on: {go_on}" if signal else f"now open {run / 'text.png'}; for more: {go_on} --rounds ...")
    return 128 + signal if signal else 0


def arguments():
    parser = Parser(__doc__)
    add = parser.add_argument
    add("--data", default=str(HERE / "docs" / "course"), metavar="FILE",
        help="a text, or a folder of them (default: the course of minigan, docs/course)")  # fmt: skip
    add("--oracle", metavar="FILE.npz", help="in its place, the weights of SeqGAN's oracle")
    add("--sequences", type=whole(64, 10**6), default=10_000, help="that the oracle draws (default: %(default)s)")
    add("--steps", type=whole(2, 1000), help="tokens in a sequence (default: 64 characters, 20 of the oracle)")
    add("--adversarial", choices=WAYS, help="after maximum likelihood, a game, and how G learns in it")
    add("--rounds", type=whole(1, 10**9), default=1000, help="of that game (default: %(default)s)")
    add("--epochs", type=whole(1, 10**6), default=20, help="of maximum likelihood before it (default: %(default)s)")
    add("--batch-size", type=whole(1, 10**6), default=64, help="sequences in a round (default: %(default)s)")
    add("--hidden", type=whole(1, 10_000), default=32, help="width of G, D has twice that (default: %(default)s)")
    add("--dropout", type=within("[0, 1)"), default=0.3, help="of both players (default: %(default)s)")
    add("--lr", type=positive, default=5e-3, help="falls to a twentieth (default: %(default)s)")
    add("--lr-game", type=positive, default=1e-3, help="both players' rate in the game (default: %(default)s)")
    add("--warm", type=whole(0), default=300, help="first rounds in which only D learns (default: %(default)s)")
    add(
        "--pull",
        type=within("[0, inf)"),
        default=1.0,
        help="weight of the likelihood in the game (default: %(default)s)",
    )
    add(
        "--discount", type=within("[0, 1]"), default=0.0, help="of later tokens' rewards, 0 to 1 (default: %(default)s)"
    )
    add("--tau", type=positive, default=1.0, help="temperature of the Gumbel softmax (default: %(default)s)")
    add("--seed", type=whole(0), default=0, help="the same seed gives the same samples (default: %(default)s)")
    add("--out", help="a new directory to write into (default: the first unused one of out/run-1, out/run-2, ...)")
    add("--resume", metavar="RUN", help="go on with the run in this directory")
    return parser


if __name__ == "__main__":
    sys.exit(main())
