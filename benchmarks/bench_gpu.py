#!/usr/bin/env python3
"""Everything there is to measure on a GPU, in one call of less than ten minutes: tests, gradients, rounds, training.

Rounds are timed by CUDA events, as medians over blocks, beside PyTorch on the same GPU (eager, compiled, and compiled
for little overhead) where it is installed, and beside a floor: the round's floating-point operations and bytes over
what this GPU was measured to reach on one large product and one large copy. Needs CuPy and a GPU.
"""

import csv
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from fused import installed
from reference import D_WIDTHS, G_WIDTHS, Floor, batch, game, machine, players

from minigan import GAN, to_numpy, use, xp
from minigan.app import doctor
from minigan.app.cli import Parser

ROOT = Path(__file__).resolve().parents[1]
BATCHES = [64, 128, 512, 1024, 8192, 65536]
TOLERANCE = {"float64": 1e-6, "float32": 1e-3}  # relative, against NumPy in float64
PYTORCH = {  # name: (class in peers/with_torch.py, how torch.compile is asked)
    "torch eager": ("Plain", None),
    "torch eager, fused Adam": ("Fused", None),
    "torch.compile": ("Compiled", "default"),
    "torch.compile, reduce-overhead": ("Compiled", "reduce-overhead"),
}


def main(argv=None):
    parser = arguments()
    args = parser.parse_args(argv)
    with parser.mistakes():
        use("cupy")
    results = {"machine": machine() | dict(doctor.report())}
    end = time.monotonic() + args.seconds
    steps = [
        ("tests", lambda: gpu_tests(left(end))),
        ("gradients", lambda: {dtype: gradient_error(dtype) for dtype in TOLERANCE}),
        ("ceilings", ceilings),
    ]
    steps += [(f"batch {n}", lambda n=n: measure(n, args.blocks, end, results)) for n in args.batch]
    steps += [("training", lambda: train(args.epochs, max(30, left(end))))]
    for name, step in steps:  # one that fails must not cost what was measured before
        try:
            results[name] = step()
        except Exception as error:
            results[name] = f"failed: {type(error).__name__}: {error}"
        print(f"{name}: {json.dumps(results[name])}", flush=True)
        if args.json:
            args.json.write_text(json.dumps(results, indent=2) + "\n")
    return 0


def arguments():
    """The command line."""
    parser = Parser(__doc__)
    add = parser.add_argument
    add("--batch", type=int, nargs="+", default=BATCHES)
    add("--blocks", type=int, default=15, help="the median is taken over so many (default: %(default)s)")
    add("--epochs", type=int, default=3, help="of scripts/train_mnist.py (default: %(default)s)")
    add("--seconds", type=float, default=420, help="start nothing new after so long (default: %(default)s)")
    add("--json", type=Path, metavar="FILE", help="written after every step")
    return parser


def left(end):
    """Seconds until `end`. Raises TimeoutError where there are none."""
    seconds = end - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("left out: --seconds are over")
    return seconds


def gpu_tests(seconds):
    """The last line of pytest on the tests that are marked `gpu`, and whether all ran and passed."""
    command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=min(seconds, 200))
    lines = done.stdout.splitlines() or [done.stderr]
    failed = re.findall(r"^FAILED (\S+)", done.stdout, re.MULTILINE)
    passed = done.returncode == 0 and " passed" in lines[-1] and "skipped" not in lines[-1]
    return {"passed": passed, "summary": lines[-1], "failed": failed}


def gradients(dtype, n=64):
    """dtheta_g and dtheta_d of the reference game's first steps on fixed data and noise, on the host."""
    z = np.random.default_rng(3).standard_normal((n, G_WIDTHS[0]))
    games = [GAN(*(network.astype(dtype) for network in players())) for _ in range(2)]
    for gan in games:
        gan.noise = lambda n: xp.asarray(z, dtype=dtype)
    games[0].generator_step(n)
    games[1].discriminator_step(xp.asarray(batch(n), dtype=dtype))
    return to_numpy(games[0].generator.dtheta), to_numpy(games[1].discriminator.dtheta)


def gradient_error(dtype):
    """The worst difference from NumPy in float64, over the largest derivative of that player; and the verdict."""
    found = gradients(dtype)
    with use("numpy"):
        expected = gradients("float64")
    errors = [float(abs(a - b).max() / abs(b).max()) for a, b in zip(found, expected, strict=True)]
    return {"G": errors[0], "D": errors[1], "passed": max(errors) <= TOLERANCE[dtype]}


def ceilings():
    """What this GPU reaches: float32 operations a second in a product of 8192, bytes a second in a copy of 1 GiB."""
    a = xp.ones((8192, 8192), dtype="float32")
    b, c = xp.ones_like(a), xp.empty_like(a)
    product = milliseconds(CupyEvent, lambda k: [xp.matmul(a, b, out=c) for _ in range(k)], 10)
    source, target = (xp.zeros(2**28, dtype="float32") for _ in range(2))
    copy = milliseconds(CupyEvent, lambda k: [xp.copyto(target, source) for _ in range(k)], 10)
    return {"flops": 2 * 8192**3 / product * 1e3, "bytes": 2 * source.nbytes / copy * 1e3}


def measure(n, blocks, end, results):
    """Milliseconds of a round at batch n in minigan, plain and fused, and in PyTorch; ratios to the plain round."""
    rows = {"minigan": minigan_round(n, blocks)}
    with installed():
        rows["minigan, fused"] = minigan_round(n, blocks)
    for name in PYTORCH:
        try:
            left(end)
            rows[name] = torch_round(name, n, blocks)
        except Exception as error:
            rows[name] = f"failed: {type(error).__name__}: {str(error).splitlines()[0]}"
    (flop, size), ceiling = work(n), results["ceilings"]
    rows["floor"] = 1e3 * max(flop / ceiling["flops"], size / ceiling["bytes"])
    ours = rows["minigan"]
    ratios = {name: ms / ours for name, ms in rows.items() if isinstance(ms, float) and name != "minigan"}
    return {"ms": rows, "time of the others / minigan's": ratios}


def work(n):
    """(operations, bytes) of a round at batch n: its products, and Adam, which reads theta, g, m, v and writes three.

    Every product has one side of length n, or 2n: both numbers grow by the same for each row.
    """
    adam = 7 * 4 * sum(network.theta.size for network in players())
    floors = Floor(1), Floor(2)
    sizes = [sum(a.nbytes + b.nbytes + out.nbytes for a, b, out in floor.products) for floor in floors]
    return n * floors[0].flop, adam + sizes[0] + (n - 1) * (sizes[1] - sizes[0])


def minigan_round(n, blocks):
    """Milliseconds of one round, the batch on the device."""
    gan, x = game(), xp.asarray(batch(n))
    return milliseconds(CupyEvent, lambda k: [gan.step(x) for _ in range(k)], blocks)


def torch_round(name, n, blocks):
    """The same in PyTorch, everything on the GPU."""
    import torch
    from peers import with_torch

    cls, mode = PYTORCH[name]
    torch.set_default_device("cuda")
    torch._dynamo.reset()
    plain = torch.compile
    if mode:
        torch.compile = lambda loss: plain(loss, mode=mode)
    try:
        peer = getattr(with_torch, cls)(G_WIDTHS, D_WIDTHS, n, 1)
    finally:
        torch.compile = plain
    return milliseconds(lambda: torch.cuda.Event(enable_timing=True), peer.rounds, blocks)


class CupyEvent:
    """CuPy's event with the methods of PyTorch's."""

    def __init__(self):
        self.event = xp.cuda.Event()
        self.record, self.synchronize = self.event.record, self.event.synchronize

    def elapsed_time(self, end):
        """Milliseconds from this event to the other."""
        return xp.cuda.get_elapsed_time(self.event, end.event)


def milliseconds(event, rounds, blocks, block_ms=20.0):
    """The median over blocks of the time of one round; rounds(k) plays k of them."""
    rounds(5)  # kernels are compiled, memory is taken

    def block(k):
        start, end = event(), event()
        start.record()
        rounds(k)
        end.record()
        end.synchronize()
        return start.elapsed_time(end) / k

    k = max(1, round(block_ms / block(5)))
    return float(np.median([block(k) for _ in range(blocks)]))


def train(epochs, seconds):
    """scripts/train_mnist.py on the GPU from start to end: the data it found, images/s of each epoch, whole seconds."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "run")
        command = [sys.executable, str(ROOT / "scripts" / "train_mnist.py"), "--device", "gpu", "--out", str(out)]
        start = time.monotonic()
        done = subprocess.run([*command, f"--epochs={epochs}"], capture_output=True, text=True, timeout=seconds)
        whole = time.monotonic() - start
        if done.returncode:
            raise RuntimeError(done.stderr.strip().splitlines()[-1])
        with open(out / "history.csv", newline="") as file:
            rates = [float(row["images_per_second"]) for row in csv.DictReader(file)]
    return {"data": done.stdout.splitlines()[0], "images_per_second": rates, "seconds": whole}


if __name__ == "__main__":
    sys.exit(main())
