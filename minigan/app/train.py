"""Training with everything around it: pictures, film, history, checkpoints, Ctrl-C, and how to resume."""

import shlex
import sys
from pathlib import Path

from tqdm import tqdm

from minigan.app.cli import StopSignal, whoever_listens
from minigan.app.run_directory import CONFIG, RunDirectory
from minigan.app.saved import in_range_of
from minigan.backend.checks import kind, whole
from minigan.data import Dataset, load
from minigan.data.files import as_path
from minigan.gan import GAN
from minigan.training.course import report
from minigan.training.guard import NotFiniteError
from minigan.training.training import Training


def fit(gan, data, epochs, out=None, batch_size=None, resume=False, checkpoint_every=300.0, keep=None):
    """Train a game of your own, with everything that scripts/train_mnist.py gives. Returns the Training.

        from minigan.app import fit
        fit(gan, "digits", epochs=50, out="out/mine", batch_size=64)

    `gan` has any layers, objective and optimizers; `data` is a Dataset, what `minigan.data.load` takes, or a source of
    batches, as Training has it (which deals batches of a size of its own, and has no pictures but curves.png). All is
    written into the directory `out` (None: the first unused one of out/run-1, ...), as RunDirectory says: its
    latest.png and training.html can be looked at meanwhile. Ctrl-C stops after the round, with everything saved, and
    ends the program. With `resume`, a run that is in `out` already goes on, to the bits as if it had never stopped.

    Raises ValueError for what cannot be played, NotFiniteError, with the way back, where training diverges, and
    SystemExit after a signal.
    """
    config = {"seed": kind("fit", gan, GAN).seed}
    whole(f"epochs={epochs!r}", epochs)
    kind("resume", resume, bool)
    if isinstance(data, (str, Path)):
        config["data"] = str(Path(data).resolve() if Path(data).is_file() else data)
        data = load(str(data))
    if isinstance(data, Dataset):
        usual = min(128, max(2, len(data) // 32))
        training = Training(gan, in_range_of(data, gan), usual if batch_size is None else batch_size)
    else:
        training = Training(gan, data)
    there = resume and out is not None and (as_path(out) / CONFIG).exists()
    again = "call fit again with resume=True"
    with RunDirectory(out, training, config, out if there else None, checkpoint_every, keep) as run:
        introduce(training)
        code = play(run, epochs, again, f"{again} and more epochs")
    if code > 128:
        sys.exit(code)
    return training


def introduce(training, device="", why=""):
    """Say who plays, on which data, and why so long."""
    data, gan = training.dataset, training.gan
    if data and data.notice:
        print(data.notice, file=sys.stderr)
    images = f"{len(data):,} images of {data.shape[0]}x{data.shape[1]}, " if data else ""
    rounds = f"{training.batches.rounds} rounds of {training.batches.batch_size} an epoch"
    print(f"{training.name}: {images}{rounds}{device and f'; {device}'}")
    print(f"generator\n{gan.generator.summary()}\ndiscriminator\n{gan.discriminator.summary()}")
    if why:
        print(why)


def play(run, epochs, go_on, more=None, agreed=lambda number: number):
    """Train until `epochs` are finished, a signal, or a number that is not finite, and say how it went.

    `go_on` tells people how to go on, and `more` how to train longer; `agreed` gives the number of a signal to stop
    for, from that of the one that came, if one did. Returns the exit code of a program. Raises NotFiniteError, saying
    which checkpoint is the last good one.
    """
    training = run.training
    total = training.batches.rounds
    done = training.epoch * total + training.round
    with whoever_listens():
        if training.epoch >= epochs:
            print(f"all {training.epoch} epochs are done; for more: {more or go_on}")
            return 0
        if done:
            print(f"going on after {training.epoch} epochs and {training.round} rounds")
        elif run.resumed:
            print(f"there is no checkpoint in {run.path} yet: starting from the beginning")
        drawn = None
        try:
            with StopSignal() as stop, tqdm(total=epochs * total, initial=done, unit="round", disable=None) as bar:
                for row in training.rounds(epochs):
                    bar.update()
                    run.after_round(row)
                    if row:
                        bar.write("\n".join([report(row, epochs, training.what), *run.warnings()]))
                    if number := agreed(stop.number):
                        stop.number = number
                        break
                drawn = run.finish(stop.nothing_to_lose)
        except KeyboardInterrupt:
            if run.saved:
                print("the drawing was skipped")
        except NotFiniteError as error:
            raise NotFiniteError(
                f"{error}.\n{run.last_good()}; to go on, with a lower learning rate: {go_on}"
            ) from None
        return closing_words(run, epochs, stop.number, drawn, go_on)


def closing_words(run, epochs, signal, drawn, go_on):
    """Say how training ended; `drawn` tells whether the closing pictures were drawn. Returns the exit code."""
    training = run.training
    for sentence in training.advice().values():
        print(sentence)
    if not run.saved:
        print(f"the end of training could not be saved; {run.last_good()}", file=sys.stderr)
        return 128 + signal if signal else 1
    if drawn is False:
        print(f"the closing pictures are missing; to draw them: {command('draw_run.py', run.path)}", file=sys.stderr)
    if training.epoch < epochs:
        print(f"stopped in epoch {training.epoch + 1}; to go on: {go_on}")
        return 128 + signal
    how = f"; how it came about is in {run.path / 'training.html'} and curves.png" if drawn else ""
    print(f"now open {run.last_picture or run.path}{how}")
    return 1 if drawn is False else 0


def command(script, *args):
    """A command line to paste, for one of the scripts."""
    path = Path(sys.argv[0]).with_name(script)  # beside the running one, named as that was
    if not path.exists():
        path = Path(__file__).parents[2] / "scripts" / script
    return shlex.join([sys.executable, str(path), *map(str, args)])
