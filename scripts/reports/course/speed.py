"""A round over the floor of its matrix products: what is left to gain, by batch, threads and library"""

import json
from pathlib import Path

SIZE = 9.0, 4.0
RESULTS = Path(__file__).resolve().parents[3] / "benchmarks" / "results" / "peers.json"
PEERS = (  # with the colors of docs/speed.png
    ("minigan", "minigan", "tab:red"),
    ("minigan-fast", "minigan[fast]", "tab:pink"),
    ("torch-fused", "PyTorch, fused Adam", "tab:cyan"),
    ("jax", "JAX, jit", "tab:green"),
    ("autograd", "HIPS autograd", "tab:brown"),
)


def draw(figure):
    rounds = json.loads(RESULTS.read_text(encoding="utf-8"))["rounds"]
    threads = sorted({measured["threads"] for measured in rounds})
    panels = figure.subplots(1, len(threads), sharey=True, squeeze=False)[0]
    for axes, count in zip(panels, threads, strict=True):
        here = sorted((r for r in rounds if r["threads"] == count), key=lambda r: r["batch"])
        for i, (peer, name, color) in enumerate(PEERS):
            places = [j + (i - 2) * 0.16 for j in range(len(here))]
            axes.bar(places, [over_floor(r["peers"], peer) for r in here], 0.15, color=color, label=name)
        axes.axhline(1, color="black", linestyle="--", linewidth=1, label="the products alone: the floor")
        axes.set(title=f"{count} thread{'s' * (count > 1)}", xlabel="batch")
        axes.set_xticks(range(len(here)), [r["batch"] for r in here])
    panels[0].set_ylabel("round / its matrix products alone")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize="small")


def over_floor(peers, name):
    """The median round of a peer over the median of the floor, measured side by side."""
    return peers[name]["ms"][1] / peers["floor"]["ms"][1]
