"""Stop a real training process again and again, resume it each time, and compare the end with an undisturbed run.

Half of the stops come at random moments, half as soon as a file is being written (`*.part`). Bit-identical must be both
players' theta, both optimizers, the history (but for its timings), and the last grid of samples.

With `--ranks 2 4` each training is one of 2 ranks of MPI, then 4, and so on; one of them is stopped. Sums
over other ranks round otherwise: then the largest difference in theta is printed. The environment variable SLOWLY=0.01
makes each round of `--game tests/app/troubled_game.py` longer. With `--conditional` the players are given labels; with
`--sequences` it is a training of scripts/train_sequences.py.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from minigan.training import checkpoint

ROOT = Path(__file__).resolve().parents[1]
TIMINGS = "seconds", "images_per_second"
SEQUENCES = "--data", "digits", "--hidden", 4, "--batch-size", 300


def launch(run, epochs, ranks, game):
    """Training of so many epochs in the directory `run`, begun or resumed, in a process or in so many ranks."""
    where = ["--resume", run] if (run / "config.json").exists() else ["--out", run, *game]
    several = ["mpiexec", "-n", ranks, sys.executable, "-m", "mpi4py"] if ranks else [sys.executable]
    command = [
        *several,
        ROOT / "scripts" / ("train_sequences.py" if game == SEQUENCES else "train_mnist.py"),
        *["--distributed"] * bool(ranks),
        *["--device", "cpu"] * (game != SEQUENCES),
        *where,
    ]
    command += ["--epochs", epochs, "--checkpoint-every", 0.1]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [*map(str, command)], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def finish(process):
    _, error = process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"training ended with {process.returncode}: {error}")


def processes(pid):
    """Those that compute: itself, or the last children of mpiexec."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [leaf for child in children for leaf in processes(int(child))] or [pid]


def disturbed(run, epochs, stops, number, rng, ranks, game):
    """Play `epochs` in the directory `run`, stopped so often by the signal; how many stops hit a write."""
    inside_a_write = 0
    for stop in range(stops):
        several = ranks[stop % len(ranks)]
        process = launch(run, epochs, several, game)
        while not (run / "config.json").exists():
            time.sleep(0.01)
        time.sleep(rng.uniform(0.3, 1.2))
        while stop % 2 and process.poll() is None and not next(run.rglob("*.part"), None):
            pass
        inside_a_write += next(run.rglob("*.part"), None) is not None
        os.kill(rng.choice(processes(process.pid)) if several else process.pid, number)
        process.communicate()
        if process.returncode == 0:
            raise RuntimeError(f"training was over before stop {stop + 1}: give it more epochs")
        expected = -number if number == signal.SIGKILL else 128 + number
        if process.returncode not in (
            expected,
            -number,
            several and number,
        ):  # before the handler stands, a signal ends the process
            raise RuntimeError(f"stop {stop + 1}: exit code {process.returncode}, expected {expected}")
    finish(launch(run, epochs, ranks[0], game))
    return inside_a_write


def differences(one, other):
    """What of the two finished runs is not bit-identical, in words."""
    (a, meta_a), (b, meta_b) = (checkpoint.read(run / "checkpoint.npz") for run in (one, other))
    found = [name for name in a.keys() | b.keys() if not np.array_equal(a.get(name), b.get(name))]
    apart = [abs(a[name] - b[name]).max() for name in found if name.endswith("theta")]
    found = [f"theta by {max(apart):.1e}", *found] if apart else found
    for meta in meta_a, meta_b:
        meta.pop("config"), meta.pop("seconds")
        meta["history"] = [{k: v for k, v in row.items() if k not in TIMINGS} for row in meta["history"]]
    found += [key for key in meta_a if meta_a[key] != meta_b[key]]
    grids = [sorted((run / "samples").glob("*.png"))[-1] for run in (one, other)]
    if grids[0].name != grids[1].name or grids[0].read_bytes() != grids[1].read_bytes():
        found.append("the last grid")
    return found


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50, help="SIGKILLs")
    parser.add_argument("--interrupts", type=int, default=20, help="SIGINTs")
    parser.add_argument("--epochs", type=int, default=250)
    parser.add_argument("--ranks", type=int, nargs="+", default=[None])
    parser.add_argument("--game")
    parser.add_argument("--conditional", action="store_true")
    parser.add_argument("--sequences", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    rng = random.Random(args.seed)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what is ignored here would be ignored there
    with tempfile.TemporaryDirectory() as directory:
        undisturbed = Path(directory, "undisturbed")
        own = ["--game", args.game] if args.game else ["--conditional"] * args.conditional
        game = SEQUENCES if args.sequences else ["--data", "digits", *own]
        finish(launch(undisturbed, args.epochs, args.ranks[0], game))
        failed = False
        for number, stops in (signal.SIGKILL, args.kills), (signal.SIGINT, args.interrupts):
            if not stops:
                continue
            run = Path(directory, number.name)
            writes = disturbed(run, args.epochs, stops, number, rng, args.ranks, game)
            found = differences(undisturbed, run)
            failed |= bool(found)
            print(f"{stops} {number.name}, {writes} of them inside a write: {', '.join(found) or 'bit-identical'}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
