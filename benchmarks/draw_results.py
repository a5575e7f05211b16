#!/usr/bin/env python3
"""The README's tables of speed, and docs/speed.png, from benchmarks/results."""

import argparse
import itertools
import json
import sys
from pathlib import Path

from matplotlib.figure import Figure
from peers import CONVOLUTIONAL, PEERS, RECURRENT

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
OWN = {"minigan-fast": "", "minigan-fast-blas": ", BLAS's"}  # of minigan[fast]: whose threads
FASTEST = "torch", "torch-fused", "torch-compile"
COLORS = {
    "minigan-blas": "C1", "minigan": "C3", "minigan-fast": "C6", "minigan-fast-blas": "C7", "torch": "C0",
    "torch-fused": "C9", "torch-compile": "C4", "jax": "C2", "autograd": "C5", "floor": "black",
}  # fmt: skip


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIR")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "speed.png", metavar="FILE")
    args = parser.parse_args(argv)
    runs = [json.loads((args.results / name).read_text()) for name in ("peers.json", "peers-before.json")]
    convolution, recurrent = (
        json.loads((args.results / f"{name}.json").read_text()) for name in ("convolution", "recurrent")
    )
    results = runs[0]
    draw(results, args.out)
    tables = speed_table(results), caption(results), ratio_table(runs), update_table(results), peak_table(convolution)
    print(*tables, recurrent_table(recurrent), sep="\n\n")
    return 0


def ratio_table(runs):
    """minigan[fast] over its peers, batch by batch, in each of the runs, as Markdown."""
    found = [{(r["threads"], r["batch"]): r["peers"] for r in run["rounds"]} for run in runs]
    rows = [
        "| time of minigan[fast] over that of, in this run (in the one before) | the fastest PyTorch | JAX, jit | "
        "the products alone | plain minigan |",
        "|---|---:|---:|---:|---:|",
    ]
    for (threads, batch), (mine, whose) in itertools.product(sorted(found[0]), OWN.items()):
        here = [run[threads, batch] for run in found if mine in run.get((threads, batch), ())]
        if (whose and threads == 1) or not here:
            continue  # one thread is the same one
        cells = [
            here_and_before([over(peers, names, mine) for peers in here])
            for names in (FASTEST, ["jax"], ["floor"], ["minigan"])
        ]
        rows.append(f"| batch {batch}, {threads} thread{'s' * (threads > 1)}{whose} | {' | '.join(cells)} |")
    return "\n".join(rows)


def over(peers, names, mine="minigan-fast"):
    """Median of minigan[fast] over the least median of these peers."""
    return peers[mine]["ms"][1] / min(peers[name]["ms"][1] for name in names if name in peers)


def here_and_before(ratios):
    """The first, and the others in parentheses."""
    here, *before = (f"{ratio:.2f}" for ratio in ratios)
    return f"{here} ({', '.join(before)})" if before else here


def update_table(results):
    """Adam alone, over both players, as Markdown."""
    measured = sorted(results["updates"], key=lambda r: -r["threads"])
    rows = [f"| ms for both players' Adam, {' / '.join(str(r['threads']) for r in measured)} threads | |", "|---|---:|"]
    for name in measured[0]["peers"]:
        rows.append(f"| {PEERS[name].title} | {' / '.join(two_digits(r['peers'][name]) for r in measured)} |")
    return "\n".join(rows)


def two_digits(figures):
    """The median, where it is small."""
    return f"{figures['ms'][1]:.2f}"


def peak_table(results):
    """The convolutional round, as Markdown."""
    measured = sorted(results["rounds"], key=lambda r: -r["threads"])
    threads = " / ".join(str(r["threads"]) for r in measured)
    rows = [f"| a DCGAN round of {measured[0]['batch']}, {threads} threads | ms | over the faster layout's | memory |",
            "|---|---:|---:|---:|"]  # fmt: skip
    for name in measured[0]["peers"]:
        ms = [r["peers"][name]["ms"][1] for r in measured]
        least = [min(f["ms"][1] for other, f in r["peers"].items() if "torch" in other) for r in measured]
        over = " / ".join(f"{mine / fastest:.2f}" for mine, fastest in zip(ms, least, strict=True))
        peak = f"{measured[0]['peers'][name]['peak_mb']:.0f} MB"
        rows.append(f"| {CONVOLUTIONAL[name].title} | {' / '.join(f'{m:.0f}' for m in ms)} | {over} | {peak} |")
    return "\n".join(rows)


def recurrent_table(results):
    """The recurrent round, as Markdown: milliseconds, and their median ratio to PyTorch's turn by turn."""
    measured = {(r["hidden"], r["threads"]): r["peers"] for r in results["rounds"]}
    threads = sorted({threads for _, threads in measured}, reverse=True)
    sizes = sorted({hidden for hidden, _ in measured})
    head = [f"{hidden} units | over PyTorch's" for hidden in sizes]
    said = (
        f"{results['steps']} steps, a batch of {results['rounds'][0]['batch']}, {' / '.join(map(str, threads))} threads"
    )
    rows = [f"| a round of GRUs, {said} | {' | '.join(head)} |", f"|---|{'---:|' * 2 * len(head)}"]
    for name, peer in RECURRENT.items():
        cells = [
            " / ".join(shape.format(measured[hidden, t][name][what][1]) for t in threads)
            for hidden in sizes
            for what, shape in (("ms", "{:.1f} ms"), ("ratio", "{:.2f}"))
        ]
        rows.append(f"| {peer.title} | {' | '.join(cells)} |")
    return "\n".join(rows)


def speed_table(results):
    """Milliseconds per round of every peer, on each number of threads, and what else was measured, as Markdown."""
    batches = sorted({result["batch"] for result in results["rounds"]})
    threads = sorted({result["threads"] for result in results["rounds"]}, reverse=True)
    found = {(result["batch"], result["threads"]): result["peers"] for result in results["rounds"]}
    busy = [key for key in found if any("slowdown" in figures for figures in found[key].values())]
    shown = min(busy, key=lambda key: (-key[1], abs(key[0] - 128))) if busy else None
    head = [f"batch {n}" for n in batches]
    if shown:
        head.append(f"busy neighbor, batch {shown[0]}")
    if results["start"]:
        head += ["first round after", "memory", "installed"]
    names = [name for name in PEERS if any(name in peers for peers in found.values())]
    rows = [
        f"| ms per round, {' / '.join(map(str, threads))} threads | {' | '.join(head)} |",
        "|---|" + "---:|" * len(head),
    ]
    for name in names:
        cells = [" / ".join(milliseconds(found.get((n, t), {}).get(name)) for t in threads) for n in batches]
        if shown:
            cells.append(beside(found[shown].get(name)))
        if results["start"]:
            cells += start_cells(results["start"].get(name))
        rows.append(f"| {PEERS[name].title} | {' | '.join(cells)} |")
    return "\n".join(rows)


def milliseconds(figures):
    """The median, or a dash."""
    return f"{figures['ms'][1]:.1f}" if figures else "-"


def beside(figures):
    """The median with a busy neighbor, and how many times that is the median without."""
    return (
        f"{figures['busy_ms'][1]:.1f} ({figures['slowdown'][1]:.1f} times)" if figures and "busy_ms" in figures else ""
    )


def start_cells(figures):
    """Start-up, memory and size; empty for the floor."""
    if figures is None:
        return ["", "", ""]
    return [f"{figures['seconds'][1]:.1f} s", f"{figures['peak_mb'][1]:.0f} MB", f"{figures['installed_mb']:.0f} MB"]


def caption(results):
    """On what it was measured, as a sentence."""
    machine, versions = results["machine"], results["versions"]
    libraries = ", ".join(f"{name} {version}" for name, version in versions.items() if name != "minigan")
    return (
        f"*Medians over turns; {machine['cores']} cores of {machine['processor']}, Python {machine['python']}, "
        f"NumPy {machine['numpy']} with {machine['blas']}; {libraries}.*"
    )


def draw(results, path):
    """Time per round over the batch, with the floor as a dashed line: a panel for each number of threads.

    Several threads have one more beside it, where that was measured: with a busy neighbor.
    """
    measured = {(r["threads"], ms) for r in results["rounds"] for peer in r["peers"].values() for ms in peer}
    threads = sorted({count for count, _ in measured}, reverse=True)
    wanted = [(count, ms) for count in threads for ms in (("ms", "busy_ms") if count > 1 else ("ms",))]
    shown = [kind for kind in wanted if kind in measured]
    figure = Figure(figsize=(4.5 * len(shown), 4.2), layout="constrained")
    panels = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
    for axes, (count, ms) in zip(panels, shown, strict=True):
        here = sorted((r for r in results["rounds"] if r["threads"] == count), key=lambda r: r["batch"])
        for name in PEERS:
            curve = [(r["batch"], r["peers"][name][ms][1]) for r in here if ms in r["peers"].get(name, {})]
            if curve:
                style = {"linestyle": "--"} if name == "floor" else {"marker": "o"}
                style["linewidth"] = 2.5 if name.startswith("minigan") else 1.2
                axes.plot(*zip(*curve, strict=True), label=PEERS[name].title, color=COLORS[name], **style)
        batches = [r["batch"] for r in here]
        title = f"{count} thread{'s' * (count > 1)}{', beside a busy neighbor' * (ms == 'busy_ms')}"
        axes.set(xscale="log", yscale="log", xlabel="batch", title=title)
        axes.set_xticks(batches, map(str, batches))
        axes.minorticks_off()
        ticks = [ms for ms in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500) if in_view(ms, axes.get_ylim())]
        axes.set_yticks(ticks, map("{:g}".format, ticks))
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("ms per round")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right center", fontsize="small")
    figure.savefig(path, dpi=100)


def in_view(value, limits):
    """Whether the value lies between the limits."""
    return limits[0] <= value <= limits[1]


if __name__ == "__main__":
    sys.exit(main())
