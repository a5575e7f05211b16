"""Write the scores of runs of scripts/train_sequences.py, made with --scores, into a page, beside published ones.

What the runs have in scores.json and scores-hard.json is kept in --json; without a run, the page is made from that.
"""

import json
import sys
from pathlib import Path

import numpy

from minigan.app.cli import Parser
from minigan.app.reports import replace_block
from minigan.data.files import replacing

ROOT = Path(__file__).resolve().parents[2]
FILES = "scores.json", "scores-hard.json"
PUBLISHED = {  # discriminative, its deviation, predictive: tables of Yoon et al. 2019 and Yuan and Qiao 2024
    "sines": {"TimeGAN": (0.011, 0.008, 0.093), "Diffusion-TS": (0.006, None, 0.093)},
    "stock_data.csv": {"TimeGAN": (0.102, 0.021, 0.038), "Diffusion-TS": (0.067, None, 0.036)},
}


def main(argv=None):
    parser = Parser(__doc__)
    parser.add_argument("runs", nargs="*", type=Path, metavar="RUN", help="directories of runs with scores")
    parser.add_argument("--json", type=Path, default=ROOT / "docs" / "recipes" / "sequences.json")
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "evaluation.md")
    args = parser.parse_args(argv)
    with parser.mistakes():
        held = json.loads(args.json.read_text()) if args.json.exists() else {}
        for run in args.runs:
            held |= read(run)
        with replacing(args.json, "w", encoding="utf-8") as file:
            file.write(json.dumps(held, indent=1, sort_keys=True) + "\n")
        page = replace_block(args.page.read_text(encoding="utf-8"), "sequences", table(held))
        with replacing(args.page, "w", encoding="utf-8") as file:
            file.write(page)
    return 0


def read(run):
    """{"sines, seed 0": what its files of scores say}"""
    config = json.loads((run / "config.json").read_text())
    found = [json.loads((run / name).read_text()) if (run / name).exists() else None for name in FILES]
    name = Path(config["data"]).name
    return {f"{name}, seed {config['seed']}": {"data": name, "protocol": found[0], "hard": found[1]}}


def table(held):
    """All runs, the data themselves and published figures, by data."""
    lines = ["| | rounds | discriminative | predictive | harder: discriminative | predictive | MMD |"]
    lines.append("|---|---:|---:|---:|---:|---:|---:|")
    for name in sorted({run["data"] for run in held.values()}):
        runs = {title: run for title, run in sorted(held.items()) if run["data"] == name}
        for title, run in runs.items():
            lines.append(row(title, f"{run['protocol']['rounds']:,}", run, "samples"))
        with_both = next((run for run in runs.values() if run["hard"]), run)
        lines.append(row(f"{name}, data themselves", "", with_both, "data against themselves"))
        for whose, (told, deviation, predicted) in PUBLISHED.get(name, {}).items():
            spread = f" ± {deviation:.3f}" if deviation else ""
            lines.append(f"| {name}, {whose} (published) | | {told:.3f}{spread} | {predicted:.3f} | | | |")
    return "\n".join(lines)


def row(title, rounds, run, whose):
    figures = [run[judge] and run[judge][whose] for judge in ("protocol", "hard")]
    cells = [said(of and of[what]) for of in figures for what in ("discriminative", "predictive")]
    return f"| {title} | {rounds} | {' | '.join(cells)} | {figures[0]['mmd']:.1e} |"


def said(values):
    """Mean and deviation of the repetitions."""
    return f"{numpy.mean(values):.3f} ± {numpy.std(values):.3f}" if values else ""


if __name__ == "__main__":
    sys.exit(main())
