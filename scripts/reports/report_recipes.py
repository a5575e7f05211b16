"""Measure runs of scripts/train_mnist.py and put them beside one another in docs/recipes.md:

    python scripts/train_mnist.py --recipe textbook-a --out out/textbook-a
    python scripts/reports/report_recipes.py out/textbook-a

Each run adds its figures to docs/recipes/results.json, its last picture, and, where checkpoints were kept (--keep), the
course of its figures; the page's tables and figures are made anew from all that is there.
"""

import json
import os
import platform
import re
import shutil
import sys
from pathlib import Path

import numpy
from matplotlib.figure import Figure

from minigan.app.cli import Parser
from minigan.app.reports import processor, replace_block
from minigan.app.run_directory import CHECKPOINT
from minigan.data.files import replacing
from minigan.evaluation.classifier import classifier_for
from minigan.evaluation.conditional import as_often, by_class
from minigan.evaluation.protocol import baselines, divided, generated, in_features, parzen_of
from minigan.training.checkpoint import load_generator

ROOT = Path(__file__).resolve().parents[2]
PAGE, FOLDER = ROOT / "docs" / "recipes.md", ROOT / "docs" / "recipes"
RESULTS, BASELINES = FOLDER / "results.json", FOLDER / "baselines.json"
SAMPLES, SEED = 10_000, 0
PAPER = 225  # Goodfellow et al. 2014, table 1


def main(argv=None):
    parser = Parser(__doc__)
    parser.add_argument("runs", nargs="*", type=Path, metavar="RUN_DIR", help="directories that train_mnist.py wrote")
    parser.add_argument("--data-dir", help="the folder of MNIST's files")
    args = parser.parse_args(argv)
    with parser.mistakes():
        results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        FOLDER.mkdir(exist_ok=True)
        data = divided("mnist", args.data_dir) if args.runs else None
        if args.runs:
            BASELINES.write_text(json.dumps(baselines(data), indent=1) + "\n")
        for run in args.runs:
            entry = measured(run, data)
            print(f"{run}: {sentence(entry)}")
            results[f"{entry['recipe']}, {entry['epochs']} epochs, seed {entry['seed']}"] = entry
            with replacing(RESULTS, "w") as file:
                json.dump(results, file, indent=1)
            if entry["seed"] == 0:
                shutil.copyfile(max((run / "samples").glob("epoch-*.png")), FOLDER / picture(entry))
    write_page(sorted(results.values(), key=lambda entry: (entry["recipe"], entry["epochs"], entry["seed"])))
    return 0


def measured(run, data):
    """The figures of a run: its settings, what training cost, its quality at the end, and that of what was kept."""
    figures, meta = quality(run / CHECKPOINT, data)
    history, config = meta["history"], meta["config"]
    name = config["recipe"] + ", conditional" * bool(config.get("conditional"))
    entry = {"recipe": name, "seed": config["seed"], "epochs": len(history)}
    entry |= {"rounds": meta["generator"]["steps"], "minutes": sum(row["seconds"] for row in history) / 60}
    last = {name: history[-1][name] for name in ("V", "d_real", "d_fake", "accuracy", "diversity")}
    kept = sorted((run / "kept").glob("epoch-*.npz"))
    course = [{"epoch": int(re.search(r"\d+", path.name)[0]), **quality(path, data)[0]} for path in kept]
    machine = f"{os.cpu_count()} cores of {processor()}, Python {platform.python_version()}, NumPy {numpy.__version__}"
    return {**entry, **figures, "last": last, "course": course, "machine": machine}


def quality(path, data):
    """(figures, meta) of a checkpoint, by the protocol of scripts/evaluate.py."""
    G, meta = load_generator(path)
    samples = generated(G, meta, SAMPLES, SEED, data.learn)
    found = in_features(samples, data)
    figures = {"parzen": parzen_of(samples, data), **found["features"]["samples"]}
    figures |= {"classes": found["classes"]["samples"], "floor": found["features"]["training images"]}
    if G.classes:
        figures |= {"by_class": by_class(samples, as_often(data.learn, SAMPLES), data, classifier_for(data.learn))}
    return {**figures, "classifier": found["classifier"]["sha256"][:12]}, meta


def sentence(entry):
    """One line about a run, for people."""
    parzen = entry["parzen"]
    return (
        f"{entry['recipe']}, seed {entry['seed']}, {entry['epochs']} epochs: Parzen {parzen['mean']:.1f} ± "
        f"{parzen['standard_error']:.1f}, Frechet distance {entry['frechet_distance']:.2f} "
        f"(floor {entry['floor']['frechet_distance']:.2f}), rarest class {min(entry['classes']):.1%}"
    )


def picture(entry):
    return f"{entry['recipe'].replace(', ', '-')}-{entry['epochs']}.png"


def write_page(entries):
    """Fill the blocks of docs/recipes.md."""
    page = PAGE.read_text(encoding="utf-8")
    groups = {}
    for entry in entries:
        groups.setdefault((entry["recipe"], entry["epochs"]), []).append(entry)
    page = replace_block(page, "table", table(groups))
    if told := [group for group in groups.values() if "by_class" in group[0]]:
        page = replace_block(page, "labels", labels(told))
    for recipe in {recipe for recipe, _ in groups}:
        shown = [f"![{recipe}, {epochs} epochs](recipes/{picture(group[0])})"
                 for (name, epochs), group in groups.items() if name == recipe]  # fmt: skip
        if f"<!-- {recipe}: " in page:
            page = replace_block(page, recipe, "\n".join(shown))
    if any(entry["course"] for entry in entries):
        draw_course(FOLDER / "course.png", entries)
    with replacing(PAGE, "w", encoding="utf-8") as file:
        file.write(page)


def table(groups):
    """A row for each recipe and length of training: mean and spread over seeds."""
    lines = [
        "| recipe | epochs | minutes | seeds | Parzen, nats | Fréchet distance | precision | recall | rarest class |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for (recipe, epochs), group in groups.items():
        cells = [
            over([entry["parzen"]["mean"] for entry in group], 1, group[0]["parzen"]["standard_error"]),
            *(over([entry[name] for entry in group], 2) for name in ("frechet_distance", "precision", "recall")),
        ]
        minutes = sorted(entry["minutes"] for entry in group)
        spent = f"{minutes[0]:.0f}" + (f" to {minutes[-1]:.0f}" if len(group) > 1 else "")
        rarest = min(min(entry["classes"]) for entry in group)
        lines.append(f"| `{recipe}` | {epochs} | {spent} | {len(group)} | {' | '.join(cells)} | {rarest:.1%} |")
    some = next(iter(groups.values()))[0]
    floor = [f"{some['floor'][name]:.2f}" for name in ("frechet_distance", "precision", "recall")]
    images = json.loads(BASELINES.read_text())["training images"]
    cells = [over([images["mean"]], 1, images["standard_error"]), *floor]
    lines.append(f"| training images | | | | {' | '.join(cells)} | |")
    machines, classifiers = (
        sorted({entry[what] for group in groups.values() for entry in group}) for what in ("machine", "classifier")
    )
    return "\n".join([*lines, "", f"*Measured on {'; '.join(machines)}; classifier {', '.join(classifiers)}.*"])


def labels(groups):
    """Rows for each conditional recipe, of each class the mean over its runs: does G draw what it is asked for?"""
    classes = range(len(groups[0][0]["by_class"]["agreement"]))
    lines = [f"| | {' | '.join(map(str, classes))} |", "|---|" + "---:|" * len(classes)]
    for group in groups:
        for what, name, unit in (
            ("taken for it, %", "agreement", 100), ("test images taken for it, %", "judge", 100),
            ("Fréchet distance", "frechet_distance", 1),
            ("that of training images", "floor", 1), ("diversity", "diversity", 1),
        ):  # fmt: skip
            means = unit * numpy.mean([entry["by_class"][name] for entry in group], axis=0)
            cells = " | ".join(f"{mean:.{1 if unit == 100 else 2}f}" for mean in means)
            lines.append(f"| `{group[0]['recipe']}`, {group[0]['epochs']} epochs: {what} | {cells} |")
    return "\n".join(lines)


def over(values, digits, error=None):
    """Mean and, of several, standard deviation; of one, its standard error where there is one."""
    spread = numpy.std(values, ddof=1) if len(values) > 1 else error
    return f"{numpy.mean(values):.{digits}f}" + (f" ± {spread:.{digits}f}" if spread is not None else "")


def draw_course(path, entries):
    """Parzen estimate and Fréchet distance over the epochs, of the runs that kept their checkpoints."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for entry in entries:
        course = entry["course"]
        if course:
            epochs = [row["epoch"] for row in course]
            label = f"{entry['recipe']}, {entry['epochs']} epochs, seed {entry['seed']}"
            left.plot(epochs, [row["parzen"]["mean"] for row in course], ".-", label=label)
            right.plot(epochs, [row["frechet_distance"] for row in course], ".-", label=label)
            floor = entry["floor"]["frechet_distance"]
    left.axhline(PAPER, color="gray", linewidth=0.8, linestyle="--", label="published, 225 ± 2")
    right.axhline(floor, color="gray", linewidth=0.8, linestyle="--", label="training images")
    left.set(title="Parzen log-likelihood, nats", xlabel="epoch")
    right.set(title="Fréchet distance in the classifier's features", xlabel="epoch", yscale="log")
    left.legend(fontsize="x-small")
    right.legend(fontsize="x-small")
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    sys.exit(main())
