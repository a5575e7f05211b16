"""Figures in prose: each is computed here from what a script wrote, or from a formula; none with a unit is only typed.

Tables stand between markers, and scripts write them. figures.toml says what the sentences around them rest on.
"""

import json
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
from loading import load, script

from minigan.app.reports import block
from minigan.data.toys import ring, toy
from minigan.evaluation.metrics import mode_coverage
from minigan.evaluation.text import behind

pytestmark = pytest.mark.docs
ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "benchmarks" / "README.md"]
PAGES += [*sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs" / "course").glob("*.md"))]
CLAIMS = tomllib.loads(Path(__file__).with_name("figures.toml").read_text(encoding="utf-8"))
WITHOUT_DATA = CLAIMS.pop("no data")
WORDS = {"four": "4", "ten": "10", "eighty": "80"}
NUMBER = r"\d[\d.,]*(?:(?:, | and | to )\d[\d.,]*)*"
UNIT = rf"{NUMBER} (?:%|(?:ms|s|seconds|minutes|hours|microseconds|nats|times|MB|GB)\b)"
TORCH = "torch", "torch-fused", "torch-compile"
PLANE = 5000  # rounds on the ring and the grid


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def prose(name):
    """A page in one line, without what scripts write, code, formulas and the addresses of links."""
    text = re.sub(r"^<!-- (\w+): made by.*?^<!-- end of \1 -->", "", read(name), flags=re.M | re.S)
    text = re.sub(r"^```.*?^```$|\$\$.*?\$\$", "", text, flags=re.M | re.S)
    return " ".join(re.sub(r"\$[^$]*\$|`[^`]*`|(?<=\])\([^)]*\)", "", text).split())


def results(name):
    """benchmarks/results/NAME, .json or .jsonl."""
    text = read(f"benchmarks/results/{name}")
    return [json.loads(line) for line in text.splitlines()] if name.endswith("l") else json.loads(text)


NOW, BEFORE, CONVOLUTION, SCALE = map(results, ("peers.json", "peers-before.json", "convolution.json", "scale.json"))
CELLS, TUNED, MODES = map(results, ("objectives.jsonl", "objectives-tuning.jsonl", "modes.jsonl"))
STACKED = results("stacked.jsonl")
GRUS = {(r["hidden"], r["threads"]): r["peers"] for r in results("recurrent.json")["rounds"]}
PRICES = results("objectives.json")["ratios"]
RUNS, BASELINES = (json.loads(read(f"docs/recipes/{name}.json")) for name in ("results", "baselines"))
TEXT = json.loads(read("docs/course/text.json"))
SERIES = json.loads(read("docs/recipes/sequences.json")).values()
HARD = {run["data"]: run["hard"]["samples"] for run in SERIES}
HEART, GUMBEL = TEXT["without dropout, at 0.01"], TEXT["gumbel"]
HELPS = json.loads(read("docs/course/helps.json"))["without"]
LABELS = [json.loads(line) for line in read("docs/course/labels.jsonl").splitlines()]
AUGMENT = script("augment")


def ends(values):
    return min(values), max(values)


def peers(rounds, threads, batch=None):
    """{peer: what was measured} on so many threads."""
    return next(r["peers"] for r in rounds if (r["threads"], r.get("batch")) == (threads, batch))


def ms(run, threads, batch, *names):
    """The least median of these peers."""
    return min(peers(run["rounds"], threads, batch)[name]["ms"][1] for name in names)


def gru_saves(hidden, name="gru"):
    """By how many percent this peer's recurrent round is shorter than PyTorch's, on either number of threads."""
    return ends([100 * (1 - GRUS[hidden, threads][name]["ratio"][1]) for threads in (1, 2)])


def both(threads, *names, mine="minigan-fast"):
    """By how many percent `mine` takes longer than the fastest of these peers, batch by batch, in both runs."""
    runs = [(run, n) for run in (NOW, BEFORE) for n in (64, 128, 512)]
    return [100 * (ms(run, threads, n, mine) / ms(run, threads, n, *names) - 1) for run, n in runs]


def around(percents):
    """By how many percent the least is less, and the greatest more."""
    return -min(percents), max(percents)


def convolution(threads):
    """By how many percent minigan[fast] takes longer for a DCGAN round than PyTorch's faster layout."""
    found = {name: figures["ms"][1] for name, figures in peers(CONVOLUTION["rounds"], threads, 64).items()}
    whose = min(time for name, time in found.items() if "torch" in name)
    return 100 * (found["dcgan-fast"] / whose - 1)


JAX = [x for x in both(1, "jax") if x > 0]
BUSY, ADAM = peers(NOW["rounds"], 2, 128), peers(NOW["updates"], 1)


def start(name, what):
    return NOW["start"][name][what][1]


def rows(ground, game):
    return [row for row in CELLS if (row["ground"], row["game"]) == (ground, game)]


def mean(ground, game, what):
    return float(np.mean([row[what] for row in rows(ground, game)]))


def tried(ground, game, setting="weight"):
    """{weight of the penalty, or another setting: (modes, share of high quality)} on seed 100."""
    found = [row for row in TUNED if (row["ground"], row["game"]) == (ground, game)]
    return {row[setting]: (row["modes"], row["high_quality"]) for row in found}


def best_weights():
    """The weight of each penalty, ground by ground, with the most modes, and of these with the most high quality."""
    games = "Wasserstein, unit slope", "Wasserstein, slope bound", "non-saturating, R1"
    found = [tried(ground, game) for ground in ("ring", "grid") for game in games]
    return [max(weights, key=weights.get) for weights in found]


def seconds(*grounds, k5=False):
    return [row["seconds"] for row in CELLS if row["ground"] in grounds and row["game"].endswith("k = 5") == k5]


def complete():
    """The games that found every mode of the ring and of the grid in each seed."""
    wanted = {"ring": 8, "grid": 25}
    games = {row["game"] for row in CELLS if row["ground"] == "ring"}
    return {
        game for game in games if all(row["modes"] == n for ground, n in wanted.items() for row in rows(ground, game))
    }


def stacked(game):
    """The runs of this game on stacked MNIST, one for each seed."""
    return [run for run in STACKED if run["game"] == game]


def after_six(game, what):
    """What was counted after six epochs, the mean of the seeds."""
    return float(np.mean([run["course"][5][what] for run in stacked(game)]))


def early():
    """Modes of the grid that 20 rounds of `best` find with seeds 0 and 1, and the mean share of high quality."""
    game = script("measure_modes")
    found = [game.play(*game.best(seed, 20), toy("grid"), 20) for seed in (0, 1)]
    return [*(one["modes"] for one in found), 50 * sum(one["high_quality"] for one in found)]


def played(recipe, epochs):
    return [run for run in RUNS.values() if (run["recipe"], run["epochs"]) == (recipe, epochs)]


def course():
    """{epoch: Parzen estimate} of the game of 2014."""
    return {look["epoch"]: look["parzen"]["mean"] for look in played("goodfellow2014", 250)[0]["course"]}


def asked(look):
    """What was measured at this checkpoint of the longest conditional run."""
    return played("convolutional, conditional", 90)[0]["course"][look]


def worse(left):
    """Whether each seed without this help is worse than every seed with all of them."""
    return min(run["frechet"] for run in HELPS[left]) > max(run["frechet"] for run in HELPS["nothing"])


def added(source, name, other):
    """The 95 % intervals (low, high) of these paired differences on a data set, for each number of labels."""
    rows = [row for row in LABELS if row["source"] == source]
    cells = [[row for row in rows if row["labels"] == n] for n in sorted({row["labels"] for row in rows})]
    found = [AUGMENT.difference(each, name, other) for each in cells]
    return [(float(mean - half), float(mean + half)) for mean, half in found]


def made(name, other):
    """This difference of the cells of each generator of all images."""
    return [float(AUGMENT.difference([row], name, other)[0]) for row in LABELS if row["labels"] is None]


def cooled(temperature):
    """(oracle, test) of the maximum likelihood model at this temperature."""
    return next(both for t, *both in TEXT["temperatures"] if t == temperature)


def below():
    """How far the mean of two temperatures lies below the curve, by the draws that it was measured with."""
    return -behind(TEXT["mixed"], TEXT["again"])


def untrained():
    """The share of the samples at a cloud of the capstone's ring, of 30 G that have learned nothing, in percent."""
    answer, centers = load(ROOT / "docs" / "course" / "answers" / "capstone.py"), ring(8, 0.8, 0.08).centers
    z = np.random.default_rng(7).standard_normal((1000, 8))
    games = [answer.train(lambda n, _: np.zeros((n, 2)), 2, rounds=0, seed=seed) for seed in range(30)]
    return [100 * np.mean([mode_coverage(G.forward(z), centers, 0.08).high_quality for G, _ in games])]


def film_seconds():
    """The rounds of the film, from the line of the page on using minigan."""
    epochs, rate = re.search(r"/(\d+) .* ([\d,]+) images/s", block(read("docs/using.md"), "line")).groups()
    return int(epochs) * 1797 / int(rate.replace(",", ""))


def picture_seconds():
    return int(re.search(r"(\d+) seconds of training", block(read("README.md"), "picture"))[1])


@pytest.mark.parametrize(("page", "says", "what"), [(p, s, w) for p, all_ in CLAIMS.items() for s, w in all_.items()])
def test_a_sentence_says_what_was_measured(page, says, what):
    found = re.search(says, prose(page))
    assert found, f"{page} no longer says {says!r}: see tests/docs/figures.toml"
    figures = eval(what)
    if not found.groups():
        assert figures is True
        return
    said = [WORDS.get(group, group).replace(",", "") for group in found.groups()]
    digits = [len(text.partition(".")[2]) for text in said]
    assert said == [f"{round(figure, n) + 0:.{n}f}" for figure, n in zip(figures, digits, strict=True)]


def test_no_other_figure_has_a_unit():
    known = [says for group in (*CLAIMS.values(), *WITHOUT_DATA.values()) for says in group]
    typed, used = {}, set()
    for page in PAGES:
        text = prose(page)
        spans = [(says, found.span()) for says in known for found in re.finditer(says, text)]
        used |= {says for says, _ in spans}
        for found in re.finditer(UNIT, text):
            if not any(start <= found.start() < end for _, (start, end) in spans):
                typed.setdefault(page.name, []).append(text[max(0, found.start() - 40) : found.end() + 20])
    assert typed == {}, "say in tests/docs/figures.toml what these rest on"
    assert set(known) == used
