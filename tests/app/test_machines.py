"""machines: what is run with mpiexec starts alike, ends together, and leaves what one process would have left."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from loading import ROOT

from minigan.app.machines import Alone, joined, together
from minigan.training import checkpoint

GAME = Path(__file__).with_name("troubled_game.py")
BESIDE = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
MPIEXEC = shutil.which("mpiexec", path=BESIDE) if importlib.util.find_spec("mpi4py") else None
needs_mpi = pytest.mark.skipif(not MPIEXEC, reason="there is no mpi4py or no mpiexec: install minigan[mpi] and mpich")


def mpiexec(*commands, **environment):
    """Run each of the commands (n, arguments of python ...) as ranks of one world: (exit code, stderr, its end)."""
    line = [MPIEXEC]
    for n, *arguments in commands:
        line += [":"] * (len(line) > 1) + ["-n", n, sys.executable, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1", **environment}
    done = subprocess.run(list(map(str, line)), env=environment, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stderr, time.time()


DIGITS, ROWS = ("train_mnist.py", "--game", GAME), ("train_sequences.py", "--hidden", 4)


def train(out, *options, game=DIGITS):
    """Arguments of python that train the game, and go on where something is in `out`."""
    script, *new = game
    there = out.suffix or (out / "config.json").exists()
    where = ["--resume", out] if there else ["--out", out, "--data", "digits", *new]
    return "-m", "mpi4py", ROOT / "scripts" / script, "--distributed", *where, "--device", "cpu", *options


def distance(one, other):
    """Of the arrays of two checkpoints, the largest; and whether what they say besides is the same, but for times."""
    (a, meta_a), (b, meta_b) = (checkpoint.read(run / "checkpoint.npz") for run in (one, other))
    assert [meta_a[name] == meta_b[name] for name in ("epoch", "round", "draws")] == [True] * 3
    assert a.keys() == b.keys()
    return max(abs(a[name].astype("float64") - b[name]).max(initial=0) for name in a)


def test_one_process_is_alone_and_asks_nobody():
    with joined(False) as ranks:
        assert (ranks.rank, ranks.agreed(2), ranks.agreed(None), ranks.facts(None, {})) == (0, 2, None, {})
        with ranks.alike() as alike:
            alike |= {"anything": 1}
    assert type(ranks) is Alone


def test_without_mpi_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    with pytest.raises(
        SystemExit, match=r"^--distributed needs mpi4py and an MPI .*: install minigan\[mpi\], and mpich"
    ):
        together(None, ["--seed", "3", "--distrib"])  # argparse takes it for --distributed, too


@needs_mpi
@pytest.mark.slow
@pytest.mark.parametrize("game", [DIGITS, ROWS])
def test_ranks_come_and_go_and_end_as_one_machine_does(game, tmp_path):
    one, several = tmp_path / "one", tmp_path / "several"
    alone = [argument for argument in train(one, "--epochs", 2, game=game) if argument != "--distributed"]
    stopped = train(several / "kept" / "epoch-0001.npz", game=game)
    for n, arguments in (1, alone), (2, train(several, "--epochs", 2, "--keep", 1, game=game)), (3, stopped):
        code, err, _ = mpiexec((n, *arguments))
        assert code == 0, err
    assert 0 < distance(one, several) < 1e-5
    written, others = ({path.name for path in run.iterdir()} for run in (one, several))
    assert others - written == {"kept", "checkpoint-set-aside.npz"} and written < others and "history.csv" in written


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory):
    """What two ranks make of two epochs."""
    run = tmp_path_factory.mktemp("undisturbed") / "run"
    code, err, _ = mpiexec((2, *train(run, "--epochs", 2)))
    assert code == 0, err
    return run


@needs_mpi
@pytest.mark.slow
@pytest.mark.parametrize(
    "what, rank, code, words",
    [
        ("raise", 1, 1, r"rank 1 of 2 \(on .*\) ends all: Traceback (?s:.*)OSError: the disk burns\n"),
        ("kill", 0, 9, ""),
        ("interrupt", 1, 130, ""),
        (
            "nan",
            1,
            1,
            r"training stopped: epoch 2, round \d+: on rank 1, discriminator, layer 0, Trouble\(\): its output",
        ),
    ],
)
def test_trouble_on_one_rank_ends_all_and_a_resume_leads_to_the_same_bits(
    what, rank, code, words, undisturbed, tmp_path
):
    run = tmp_path / "run"
    done, err, ended = mpiexec(
        (2, *train(run, "--epochs", 2, "--checkpoint-every", 0.05)), TROUBLE=f"{what}:{rank}:100"
    )
    assert done == code and re.search(words, err), err
    assert ended - float(re.search(r"trouble at (.*)", err)[1]) < 5
    checkpoint.read(run / "checkpoint.npz")
    done, err, _ = mpiexec((2, *train(run)))
    assert done == 0, err
    assert distance(run, undisturbed) == 0


@needs_mpi
@pytest.mark.slow
def test_who_is_unlike_rank_0_is_named_before_anything_is_written(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (200, 8, 8), dtype="uint8")
    for name in "a", "b":
        images[0, 0, 0] += 1
        (tmp_path / name).mkdir()
        np.savez(tmp_path / name / "mine.npz", images=images)
    first = train(tmp_path / "run", "--epochs", 2, "--data", tmp_path / "a" / "mine.npz")
    for other, words in (
        (("--data", tmp_path / "b" / "mine.npz"), r"its data's sha256 is \w+, but rank 0's is \w+"),
        (("--data", tmp_path / "none"), "none': no such"),
        (("--epochs", 3, "--seed", 3), "its seed is 3, but rank 0's is 0; its epochs is 3, but rank 0's is 2"),
    ):
        code, err, _ = mpiexec((2, *first), (1, *first, *other))
        assert code == 2 and re.search(rf"^rank 2 of 3 \(on .*\): .*{words}", err), err
        assert not (tmp_path / "run").exists()
    code, err, _ = mpiexec((3, *first, "--batch-size", 2))
    assert code == 2 and "a batch of 2 samples cannot be shared by 3 ranks: take a larger one" in err
    assert err.count("train_mnist.py: ") == 1


HANGS = """
import time
from minigan.app import machines, watched
watched.PATIENCE = 1
with machines.joined(True) as ranks:
    ranks.agreed(None)
    time.sleep(3 * (ranks.rank == 1))
    ranks.agreed(None)
"""


@needs_mpi
@pytest.mark.slow
def test_a_rank_that_keeps_the_others_waiting_is_named():
    code, err, _ = mpiexec((3, "-c", HANGS))
    assert code == 0 and re.fullmatch(
        r"rank 1 of 3 \(on .*\) kept the others waiting for 1 seconds in one step: .*\n", err
    )


@needs_mpi
@pytest.mark.slow
def test_toys_are_drawn_by_one_rank(tmp_path):
    toy = "-m", "mpi4py", ROOT / "scripts" / "train_toy.py", "gaussian", "--distributed", "--rounds", 20, "--frames", 2
    code, err, _ = mpiexec((2, *toy, "--html", "--out", tmp_path))
    assert code == 0 and [path.name for path in tmp_path.iterdir()] == ["gaussian.html"], err
