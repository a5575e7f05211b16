#!/usr/bin/env python3
"""How the time and memory of a round grow with batch, width and depth, beside the floor of its matrix products.

Growth is the exponent p of time ~ size^p, fitted from the reference size (batch 128, width x1, depth 1) upward, with
its standard error; the straight line through the same points tells what is fixed and what grows. Depth is the number
of times that the widest hidden layer of each player stands in the chain.
With --epoch and --guard: what training with everything switched on costs over the bare rounds.
"""

import argparse
import itertools
import json
import os
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

import numpy as np
from bench_step import beside_floor, calls_in, quartiles, time_of
from reference import D_WIDTHS, G_WIDTHS, Floor, batch, game, machine, with_threads
from tqdm import tqdm

from minigan.app.run_directory import RunDirectory
from minigan.data import Batches, load
from minigan.training.course import report
from minigan.training.guard import Guard
from minigan.training.training import Training

BATCH = 128
BATCHES = 16, 32, 64, 128, 256, 512, 1024, 2048, 4096
FACTORS = 0.5, 1, 2, 4
DEPTHS = 1, 2, 4, 8


def main(argv=None):
    args = arguments().parse_args(argv)
    with_threads(args.threads, [sys.executable, *sys.argv])
    results = {"machine": machine(), "threads": args.threads}
    if not args.no_growth:
        for name, sizes, start, point in scales(args):
            rows = [measure(*point(size), args.blocks, args.seconds) for size in sizes]
            results[name] = summary(sizes, rows, start)
            print(scale_table(name, results[name]), flush=True)
    if args.epoch:
        results["epoch"] = epochs(args.data, args.data_dir, args.epoch)
        print(epoch_lines(results["epoch"]), flush=True)
    if args.guard:
        results["guard"] = guard(args.guard)
        print(guard_line(results["guard"]), flush=True)
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(results, indent=2) + "\n")
    return 0


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--threads", type=int, default=2, help="BLAS threads")
    add("--batches", type=int, nargs="*", default=BATCHES)
    add("--factors", type=float, nargs="*", default=FACTORS, help="of all hidden widths")
    add("--depths", type=int, nargs="*", default=DEPTHS)
    add("--blocks", type=int, default=7)
    add("--seconds", type=float, default=0.3, help="length of a block")
    add("--no-growth", action="store_true", help="only what --epoch and --guard ask for")
    add("--epoch", type=int, default=0, metavar="EPOCHS", help="so many epochs with everything on, and bare")
    add("--data", default="mnist", help="for --epoch (default: %(default)s)")
    add("--data-dir", default=os.environ.get("MINIGAN_DATA"))
    add("--guard", type=int, default=0, metavar="BLOCKS", help="so many pairs of blocks with the guard and without")
    add("--json", type=Path, metavar="FILE")
    return parser


def scales(args):
    """(name, sizes, size to fit from, size -> (batch, G's widths, D's widths)) of each way to grow."""
    yield "batch", args.batches, BATCH, lambda n: (n, G_WIDTHS, D_WIDTHS)
    yield "width", args.factors, 1, lambda factor: (BATCH, wider(G_WIDTHS, factor), wider(D_WIDTHS, factor))
    yield "depth", args.depths, 1, lambda depth: (BATCH, deeper(G_WIDTHS, depth), deeper(D_WIDTHS, depth))


def wider(widths, factor):
    """The chain with every hidden layer wider by this factor."""
    return (widths[0], *(round(factor * width) for width in widths[1:-1]), widths[-1])


def deeper(widths, depth):
    """The chain with its widest hidden layer so many times."""
    i = max(range(1, len(widths) - 1), key=lambda i: widths[i])
    return (*widths[:i], *depth * (widths[i],), *widths[i + 1 :])


def measure(n, g_widths, d_widths, blocks, seconds):
    """One point: round and floor in alternated blocks, the parameters of both players, and the peak of memory."""
    parameters, memory = footprint(n, g_widths, d_widths)
    gan, x, floor = game(g_widths, d_widths), batch(n, d_widths[0]), Floor(n, g_widths, d_widths)
    _, found = beside_floor(gan, x, floor, blocks, seconds)
    per_second = round(1e3 * n / found["round_ms"][1])
    return {"batch": n, "parameters": parameters, **found, "images_per_second": per_second, "memory_mb": memory}


def footprint(n, g_widths, d_widths):
    """(parameters, MB): the most that two rounds hold at a time, arrays and objects, the batch of images aside."""
    x = batch(n, d_widths[0])
    tracemalloc.start()
    gan = game(g_widths, d_widths)
    for _ in range(2):
        gan.step(x)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return sum(network.theta.size for _, network, _ in gan.players()), round(peak / 1e6, 2)


def summary(sizes, rows, start):
    """The points of one way to grow, and the exponents of time, floor and memory from the size `start` upward.

    Time is fitted against the batch, or, where networks grow, against the number of parameters.
    """
    points = [{"size": size, **row} for size, row in zip(sizes, rows, strict=True)]
    beyond = [point for point in points if point["size"] >= start]
    against = "batch" if len({row["batch"] for row in rows}) > 1 else "parameters"
    x = [point[against] for point in beyond]
    medians = {what: [point[what][1] for point in beyond] for what in ("round_ms", "floor_ms")}
    medians["memory_mb"] = [point["memory_mb"] for point in beyond]
    growth = {what: {"exponent": exponent(x, y), "line": line(x, y)} for what, y in medians.items() if len(y) > 2}
    return {"points": points, "against": against, "from": start, "growth": growth}


def exponent(x, y):
    """[p, its standard error] of y ~ x^p, by least squares on logarithms, for three points or more."""
    x, y = np.log(x), np.log(y)
    x = x - x.mean()
    p = x @ y / (x @ x)
    rest = y - y.mean() - p * x
    return [round(float(p), 3), round(float(np.sqrt(rest @ rest / (len(x) - 2) / (x @ x))), 3)]


def line(x, y):
    """[a, b, worst] of y = a + b x, by least squares on relative errors; `worst` is the largest of those."""
    x, y = np.array(x), np.array(y)
    (a, b), *_ = np.linalg.lstsq(np.stack((1 / y, x / y), axis=1), np.ones(len(x)))
    return [float(f"{a:.4g}"), float(f"{b:.4g}"), round(float(np.abs((a + b * x) / y - 1).max()), 3)]


def epochs(name, data_dir, count, shares=12):
    """`count` epochs with history, guard, pictures, checkpoint and bar, and the bare rounds on the same batches.

    They take turns, a share of an epoch each. `ratio` has one figure for each epoch, in full over bare; what closes a
    run (nearest neighbors, film, curves) comes once, whatever its length, and stands apart.
    """
    data = load(name, data_dir)
    bare = game()
    batches = Batches(data, BATCH, bare.seed)
    training = Training(game(), data, BATCH)
    with (
        tempfile.TemporaryDirectory() as directory,
        RunDirectory(Path(directory, "run"), training, {}) as run,
        open(os.devnull, "w") as nowhere,
    ):
        total = training.batches.rounds
        bar = tqdm(total=count * total, unit="round", file=nowhere)
        played = training.rounds(count)
        full_seconds, bare_seconds = [], []
        for epoch in range(count):
            images = batches.epoch(epoch)
            spent = [0.0, 0.0]
            for share in np.array_split(np.arange(total), shares):
                spent[0] += seconds_of(lambda some=len(share): play(itertools.islice(played, some), run, bar, count))
                some = [x.copy() for x in itertools.islice(images, len(share))]
                spent[1] += seconds_of(lambda some=some: [bare.step(x) for x in some])
            full_seconds.append(spent[0])
            bare_seconds.append(spent[1])
        closing = seconds_of(run.finish)
        if not run.saved:
            raise OSError("the run could not write its checkpoint")
    ratio = [round(a / b, 4) for a, b in zip(full_seconds, bare_seconds, strict=True)]
    seconds = {"full_s": quartiles(full_seconds), "bare_s": quartiles(bare_seconds), "closing_s": round(closing, 3)}
    return {"data": data.name, "rounds": total, **seconds, "ratio": ratio}


def play(rows, run, bar, count):
    """The loop of scripts/train_mnist.py."""
    for row in rows:
        bar.update()
        run.after_round(row)
        if row:
            bar.write("\n".join([report(row, count), *run.warnings()]), file=bar.fp)


def seconds_of(action):
    """Seconds that one call takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def guard(blocks, n=BATCH, rounds=10):
    """One game in pairs of blocks, with the guard's looks at gradients and losses and without them."""
    gan, x = game(), batch(n)
    looking = Guard(gan)
    hung = {optimizer: optimizer.between for _, _, optimizer in gan.players()}

    def guarded():
        seen = gan.step(x)
        looking.look_at_losses(seen.loss_d, seen.loss_g)

    calls_in(0.1, guarded)
    with_it, without = [], []
    for _ in range(blocks):
        with_it.append(1e3 * time_of(guarded, rounds))
        for optimizer in hung:
            optimizer.between = []
        without.append(1e3 * time_of(lambda: gan.step(x), rounds))
        for optimizer, functions in hung.items():
            optimizer.between = functions
    ratios = np.divide(with_it, without)
    return {"with_ms": quartiles(with_it), "without_ms": quartiles(without), "ratio": quartiles(ratios)}


def scale_table(name, result):
    """One way to grow, as text."""
    lines = [f"{name:>7} {'parameters':>12} {'round ms':>10} {'floor ms':>10} {'ratio':>7} {'images/s':>9} {'MB':>8}"]
    for p in result["points"]:
        lines.append(
            f"{p['size']:>7g} {p['parameters']:>12,} {p['round_ms'][1]:>10.2f} {p['floor_ms'][1]:>10.2f} "
            f"{p['ratio'][1]:>7.3f} {p['images_per_second']:>9,} {p['memory_mb']:>8.1f}"
        )
    for what, fits in result["growth"].items():
        (p, error), (a, b, worst) = fits["exponent"], fits["line"]
        lines.append(
            f"    {what} ~ {result['against']}^({p:.3f} +- {error:.3f}) from {name} {result['from']} on; "
            f"as a line, {a:.4g} + {b:.4g} {result['against']}, at most {worst:.1%} off"
        )
    return "\n".join(lines)


def epoch_lines(result):
    """The epoch, as text."""
    return (
        f"an epoch of {result['data']}, {result['rounds']} rounds: {result['full_s'][1]:.2f} s with everything on, "
        f"{result['bare_s'][1]:.2f} s bare; ratio epoch by epoch {', '.join(f'{r:.3f}' for r in result['ratio'])}; "
        f"closing pictures, once in a run, {result['closing_s']:.2f} s"
    )


def guard_line(result):
    """The guard, as text."""
    low, ratio, high = result["ratio"]
    return (
        f"a round with the guard {result['with_ms'][1]:.3f} ms, without {result['without_ms'][1]:.3f} ms, "
        f"ratio {ratio:.4f} ({low:.4f} to {high:.4f})"
    )


if __name__ == "__main__":
    sys.exit(main())
