"""Do the tests notice? Small changes to every file that decides a result or a promise must turn its room's tests red.

`python tests/result_mutants.py [--every 10] [FILE ...]` makes the mutants of `mutants.py` in the files of RESULTS, as
`minigan/training/guard` or `scripts/evaluate`, and runs on each the tests that answer for it, in a process of its own,
until one fails. It prints the score of each file and what survived. All of them take hours; one in ten, some minutes.
"""

import argparse
import importlib.machinery
import os
import signal
import sys
import time
from pathlib import Path

import hypothesis  # noqa: F401  # imported here once, and not by each process
import matplotlib.figure  # noqa: F401
import numpy  # noqa: F401
import pytest

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 120  # for the tests of one mutant: one that hangs is caught
WRONG = "tests/test_wrong_calls.py"
RESULTS = {  # a file: the tests that answer for it, the likeliest first
    "minigan/gradcheck/measure": ["tests/gradcheck"],
    "minigan/gradcheck/compare": ["tests/gradcheck"],
    "minigan/gradcheck/game": ["tests/gradcheck"],
    "minigan/gradcheck/second_order": ["tests/gradcheck"],
    "minigan/data/dataset": ["tests/data/test_dataset.py", "tests/data", WRONG],
    "minigan/data/sealed": ["tests/training/test_checkpoint.py", "tests/data"],
    "minigan/data/toys": ["tests/data/test_toys.py", WRONG],
    "minigan/evaluation/parzen": ["tests/evaluation/test_parzen.py", WRONG],
    "minigan/evaluation/metrics": ["tests/evaluation/test_metrics.py", WRONG],
    "minigan/evaluation/classifier": ["tests/evaluation/test_classifier.py", WRONG],
    "minigan/evaluation/conditional": ["tests/evaluation/test_conditional.py", WRONG],
    "minigan/evaluation/report": ["tests/evaluation/test_protocol.py", "tests/scripts/test_evaluate.py"],
    "minigan/training/training": [
        "tests/training/test_training.py",
        "tests/training/test_conditional.py",
        "tests/training",
        WRONG,
    ],
    "minigan/backend/share": ["tests/training/test_distributed.py"],
    "minigan/training/distributed": ["tests/training/test_distributed.py"],
    "minigan/training/guard": ["tests/training/test_guard.py", "tests/training"],
    "minigan/training/checkpoint": ["tests/training/test_checkpoint.py", "tests/training"],
    "minigan/training/recipes": ["tests/training/test_recipes.py", "tests/scripts/test_conditional.py"],
    "minigan/training/advice": ["tests/training/test_advice.py", "tests/training"],
    "minigan/app/run_directory": ["tests/app/test_run_directory.py", "tests/app"],
    "minigan/plots/pictures": ["tests/plots/test_pictures.py", "tests/plots"],
    "scripts/evaluate": ["tests/scripts/test_evaluate.py"],
    "scripts/reports/measure_modes": ["tests/scripts"],
    "scripts/reports/compare_objectives": ["tests/scripts/test_compare_objectives.py"],
    "scripts/reports/report_recipes": ["tests/scripts/test_report_recipes.py"],
}
EQUIVALENT = {  # key: why no test can tell the mutant from the original
    "minigan/training/course.py save_history: with replacing(path, 'w', newline='') as file: -> "
    "with replacing(path, 'w') as file:": "the two differ on Windows only",
}


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", metavar="FILE", help="(default: all of them)")
    parser.add_argument("--every", type=int, default=1, help="one mutant in so many (default: %(default)s)")
    args = parser.parse_args(argv)
    survivors = []
    for file in args.files or RESULTS:
        start, found = time.perf_counter(), run(file, args.every)
        left = [key for key, exit_code in found if exit_code == 0]
        survivors += left
        print(f"{file}: {len(found)} mutants, {len(left)} survivors, {time.perf_counter() - start:.0f} s", flush=True)
        for key in left:
            print(f"survivor: {key}", flush=True)
    return bool(survivors)


def run(file, every=1):
    """[(key, exit code of the tests)] for the mutants of one file, two at a time."""
    sys.path.insert(0, str(Path(__file__).parent))
    import mutants

    path = ROOT / f"{file}.py"
    waiting = list(mutants.mutants(file, path.read_text(encoding="utf-8"), every))
    untouched = finished(start(path, None, RESULTS[file]))
    if untouched != 0:
        raise SystemExit(f"{' '.join(RESULTS[file])}: red without a mutant, exit code {untouched}")
    done, running = [], []
    while waiting or running:
        while waiting and len(running) < 2:
            mutant = waiting.pop(0)
            running.append((mutant.key, start(path, mutant.tree, RESULTS[file])))
        key, process = running.pop(0)
        done.append((key, finished(process)))
    return done


def start(path, tree, tests):
    """A process that runs the tests with the module at `path` compiled from another tree."""
    process = os.fork()
    if process:
        return process, time.monotonic() + SECONDS
    os.setsid()
    os.chdir(ROOT)
    null = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(null, stream)
    original = importlib.machinery.SourceFileLoader.get_code

    def get_code(loader, name):
        if tree is not None and Path(loader.path) == path:
            return compile(tree, str(path), "exec")
        return original(loader, name)

    importlib.machinery.SourceFileLoader.get_code = get_code
    for name in [name for name in sys.modules if name.partition(".")[0] == "minigan"]:
        del sys.modules[name]  # mutants.py has imported the mathematics, untouched
    ignored = "ignore::pytest.PytestAssertRewriteWarning"  # of what is imported already
    os._exit(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-W", ignored, *tests]))


def finished(process):
    """The exit code, or -1 for one that had to be stopped."""
    number, deadline = process
    while time.monotonic() < deadline:
        done, status = os.waitpid(number, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.killpg(number, signal.SIGKILL)
    os.waitpid(number, 0)
    return -1


if __name__ == "__main__":
    sys.exit(main())
