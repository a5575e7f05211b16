"""The README, CONTRIBUTING and docs: what they run runs, what they name is there, what they count is today's."""

import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from loading import script
from matplotlib.image import imread

from minigan import GAN, Dense, Network, Tanh, check_game
from minigan.app import fit, reports
from minigan.data import load

pytestmark = pytest.mark.docs
ROOT = Path(__file__).resolve().parents[2]
FENCED = re.MULTILINE | re.DOTALL
DOCS = sorted((ROOT / "docs").rglob("*.md"))


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(name):
    """The python blocks of a page."""
    return re.findall(r"^```python\n(.*?)^```$", read(name), FENCED)


def test_the_readme_is_up_to_date():
    assert script("update_readme").main(["--check"]) == 0, "run scripts/reports/update_readme.py"


def test_every_python_block_of_the_page_on_using_minigan_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert script("train_mnist").main(["--data", "digits", "--epochs", "1", "--out", "out/run-1"]) == 0
    capsys.readouterr()
    sample, xor, game, ring, own = blocks("docs/using.md")
    seen = {}
    exec(sample, seen)
    assert seen["images"].shape == (16, 8, 8)
    exec(xor, seen)
    assert capsys.readouterr().out.split() == ["[[False]", "[", "True]", "[", "True]", "[False]]"]
    exec(game, seen)
    assert seen["gan"].sample(10).shape == (10, 784)
    exec(ring, seen)
    assert 0.9 < float(capsys.readouterr().out.split()[-1]) < 1.1
    (tmp_path / "my_game.py").write_text(own)
    command = ["--game", "my_game.py", "--data", "digits", "--out", "out/mine", "--epochs", "1"]
    assert script("train_mnist").main(command) == 0
    exec(own, seen)
    (call,) = re.findall(r"`(fit\(gan, .*?\))`", read("docs/using.md"))
    seen |= {"gan": seen["make"](load("digits"), 32, 0), "fit": fit}
    assert eval(call.replace("epochs=50", "epochs=1").replace("out/mine", "out/in-code"), seen).epoch == 1


def test_the_broken_layer_of_the_readme_is_found_as_it_says_and_mended_as_it_says(tmp_path, capsys):
    (broken,) = blocks("README.md")
    check = script("check_gradients").main
    (tmp_path / "my_layers.py").write_text(broken)
    assert check(["--layer", f"{tmp_path}/my_layers.py:Swish"]) == 1
    told = " ".join(reports.block(read("README.md"), "verdict").split())
    assert " ".join(capsys.readouterr().out.split()) in told and "a term of the product rule is lost" in told
    mended = broken.replace("return dy * self.s", "return dy * (self.s + self.x * self.s * (1 - self.s))")
    (tmp_path / "mended.py").write_text(mended)
    assert check(["--layer", f"{tmp_path}/mended.py:Swish"]) == 0


def test_the_readme_is_short_and_its_film_is_small():
    assert len(read("README.md").splitlines()) < 125
    assert (ROOT / "docs" / "digits.gif").stat().st_size < 300_000


RUN_ABOVE = {ROOT / "docs" / "using.md"}


@pytest.mark.parametrize("page", sorted({*(ROOT / "docs").glob("*.md")} - RUN_ABOVE), ids=lambda page: page.stem)
def test_the_python_of_each_page_runs(page):
    """Those of the course run in test_course; in Chinese they are the same."""
    for block in blocks(page):
        exec(block, {"__name__": page.stem})


def test_the_examples_of_contributing_work(tmp_path, rng):
    layer, objective, data = blocks("CONTRIBUTING.md")
    (tmp_path / "my_layers.py").write_text(layer)
    command = [sys.executable, "scripts/check_gradients.py", "--layer", f"{tmp_path}/my_layers.py:Swish"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr
    seen = {}
    exec(objective, seen)
    exec(data, seen)
    assert seen["x"].shape == (50, 144) and seen["x"].min() == -1
    G, D = Network(Dense(3, 6), Tanh(), Dense(6, 4), Tanh()), Network(Dense(4, 5), Tanh(), Dense(5, 1))
    gan = GAN(G, D, seen["LeastSquares"]())
    assert check_game(gan, rng.standard_normal((6, 4)), rng.standard_normal((6, 3))).ok
    gan.step(rng.standard_normal((6, 4)).astype("float32"))


@pytest.mark.parametrize("page", [*sorted(ROOT.glob("*.md")), *DOCS], ids=lambda page: page.stem)
def test_what_a_page_links_to_and_names_is_there(page):
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", text)
    assert [target for target in targets if "://" not in target and not (page.parent / target).exists()] == []
    named = re.findall(r"\b((?:minigan|scripts|tests|benchmarks|docs)/[\w/.-]+\.(?:py|md|npz|json))\b", text)
    assert [path for path in named if not (ROOT / path).exists()] == []
    modules = re.findall(r"\b(minigan(?:\.[a-z_]+)+)\b(?!\()", re.sub(r"^```.*?^```$", "", text, flags=FENCED))
    assert [name for name in modules if not any(map(Path.exists, candidates(name)))] == []


# first author, year
CITED = r"(?<![-\w])([A-Z]\w+)(?: et al\.?|(?:, [\w ]{1,40})? and [\w ]{1,40}?)? \(?((?:19|20)\d\d)\b"


def cited(text):
    text = unicodedata.normalize("NFKD", " ".join(text.split()))
    return set(re.findall(CITED, "".join(letter for letter in text if not unicodedata.combining(letter))))


def test_each_work_that_is_cited_is_among_the_sources():
    sources = cited(read("docs/sources.md"))
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "course").glob("*.md")]
    pages += [path for folder in ("minigan", "scripts") for path in (ROOT / folder).rglob("*.py")]
    found = {path.name: cited(path.read_text(encoding="utf-8")) - sources for path in pages}
    assert {name: works for name, works in found.items() if works} == {}


def candidates(module):
    """Where minigan.layers.dense, or the name minigan.layers.Dense, may be defined."""
    path = ROOT.joinpath(*module.split("."))
    return path, path.with_suffix(".py"), path.parent / "__init__.py", path.parent.with_suffix(".py")


def test_ci_runs_the_readmes_test_command():
    assert len([line for line in read("README.md").splitlines() if line.endswith("-m pytest")]) == 1
    assert "grep -m 1 -e '-m pytest$' README.md" in read(".ci/run")


def test_each_provoked_failure_is_called_by_its_name(tmp_path, capsys):
    (tmp_path / "what-goes-wrong.md").write_text(read("docs/what-goes-wrong.md"))
    assert script("provoke_failures").main(["--out", str(tmp_path)]) == 0
    normal, saturated, diverged, collapsed = capsys.readouterr().out.splitlines()
    assert normal.startswith("normal: Both play")
    assert saturated.startswith("saturated: D wins") and "gradient norm fell" in saturated
    assert diverged.startswith("diverged: training stopped: epoch 1, round") and "not finite" in diverged
    assert "The samples have become alike" in collapsed
    for name in "normal", "saturated", "diverged", "collapsed":
        assert imread(tmp_path / "failures" / f"{name}.png").shape[:2] == (4 * 50, 8 * 50 + 24 + 4 * 50)
    assert imread(tmp_path / "failures" / "tanh.png").shape[:2] == (300, 840)
    page = (tmp_path / "what-goes-wrong.md").read_text()
    lost = {row[0]: list(map(float, row[1:])) for row in cells(reports.block(page, "signal"))[2:]}
    da, dx, slope, dtheta = lost["collapsed, after"]  # it is lost in G's own tanh, behind D
    assert da > 0.9 and dx > lost["collapsed, before"][1] and slope < 1e-3 and dtheta < 0.1
    assert lost["saturated, after"][0] < 0.1 and lost["saturated, after"][2] > 0.2  # and here in the loss
    right = [row[2] for row in cells(reports.block(page, "remedies"))[2:]]
    assert right[0] == "100%" and all(float(share[:-1]) < 98 for share in right[1:])


def cells(table):
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table.splitlines()]


def test_the_way_of_the_gradient_is_drawn(tmp_path):
    drawing = script("draw_gradient")
    assert drawing.main(["--out", str(tmp_path / "gradient.png"), "--epochs", "1"]) == 0
    assert imread(tmp_path / "gradient.png").shape[:2] == (390, 1100)


def test_every_picture_has_a_command_that_draws_it():
    rows = re.findall(r"^\| \[.*?\]\((.*?)\) \| `(?:\S+python )?(\S+?)[ `]", read("docs/README.md"), re.MULTILINE)
    assert len(rows) > 5 and [command for _, command in rows if not (ROOT / command).exists()] == []
    drawn = {target.rstrip("/") for target, _ in rows}
    pictures = [
        path.relative_to(ROOT / "docs") for kind in ("png", "gif") for path in (ROOT / "docs").rglob(f"*.{kind}")
    ]
    assert [path for path in pictures if not {str(path), str(path.parent)} & drawn] == []
    assert [target for target in drawn if not (ROOT / "docs" / target).exists()] == []
