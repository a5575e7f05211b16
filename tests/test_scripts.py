"""scripts: what a person runs, as a person runs it."""

import csv
import itertools
import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from loading import script
from matplotlib.image import imread

from minigan import GAN, Dense, Network, Tanh, checkpoint
from minigan.gradcheck import check_game

ROOT = Path(__file__).resolve().parents[1]


def train(*args):
    return script("train_mnist").main([*map(str, args)])


def run(*args):
    """A script in a process of its own."""
    return subprocess.run([sys.executable, *map(str, args)], cwd=ROOT, capture_output=True, text=True, timeout=60)


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """The directory of a short run on the digits."""
    out = tmp_path_factory.mktemp("run") / "r"
    assert train("--data", "digits", "--epochs", 2, "--out", out) == 0
    return out


@pytest.mark.parametrize("path", sorted((ROOT / "scripts").glob("*.py")), ids=lambda path: path.stem)
def test_every_script_has_help(path):
    result = run(path, "--help")
    assert result.returncode == 0 and result.stderr == ""
    assert result.stdout.startswith(f"usage: {path.name}")


def test_training_writes_everything_and_names_the_picture(tmp_path):
    out = tmp_path / "r"
    result = run("scripts/train_mnist.py", "--data", "digits", "--epochs", 2, "--out", out)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines()[-1] == (
        f"now open {out}/samples/epoch-0002.png; how it came about is in {out}/training.html and curves.png"
    )
    lines = re.findall(r"^epoch \d/2  V [-+]\d\.\d{3} \(equilibrium -1.386\)  D\(x\) \d", result.stdout, re.MULTILINE)
    assert len(lines) == 2
    assert "\r" not in result.stdout  # no progress bar where nobody watches
    assert sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()) == [
        "checkpoint-previous.npz", "checkpoint.npz", "config.json", "curves.png", "history.csv", "neighbors.png",
        "samples/epoch-0001.png", "samples/epoch-0002.png", "training.gif", "training.html",
    ]  # fmt: skip
    with open(out / "history.csv", newline="") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1", "2"]
    assert json.loads((out / "config.json").read_text())["epochs"] == 2
    assert imread(out / "samples" / "epoch-0002.png").shape[:2] == (8 * 50, 8 * 50)


def test_a_dry_run_writes_everything_in_two_short_epochs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert train("--data", "digits", "--dry-run") == 0
    assert train("--data", "digits", "--dry-run") == 0  # into the next unused directory
    for name in "run-1", "run-2":
        assert {"curves.png", "history.csv", "checkpoint.npz"} <= {p.name for p in (tmp_path / "out" / name).iterdir()}


@pytest.mark.parametrize("wrong", ["r1", "r1:", "r3:1", "r1:x", "r1:0"])
def test_a_penalty_that_is_not_understood_is_refused(wrong, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        train("--data", "digits", "--dry-run", "--penalty", wrong, "--out", tmp_path / "r")
    err = capsys.readouterr().err
    assert (stop.value.code, err.count("\n")) == (2, 1)
    assert f"--penalty {wrong}: expected r1, r2, unit-slope, slope-bound with a weight, r1:10 say" in err


@pytest.mark.parametrize(
    "objective, rest", [("wasserstein", "+0.000"), ("hinge", "-2.000"), ("relativistic", "-1.386")]
)
def test_another_game_trains_with_a_penalty_and_reports_its_own_value(objective, rest, tmp_path, capsys):
    run = tmp_path / "r"
    options = ["--objective", objective, "--penalty", "r1:1.5", "--recipe", "plain"]
    assert train("--data", "digits", "--dry-run", *options, "--out", run) == 0
    assert f"(equilibrium {rest})" in capsys.readouterr().out
    _, meta = checkpoint.read(run / "checkpoint.npz")
    assert meta["penalty"] == "R1(1.5)"
    assert meta["history"][0]["equilibrium"] == pytest.approx(float(rest), abs=5e-4)


@pytest.mark.parametrize("objective", ["minimax", "non-saturating", "least-squares"])
def test_the_objectives_train(tmp_path, objective):
    assert train("--data", "digits", "--dry-run", "--objective", objective, "--out", tmp_path / "r") == 0
    assert json.loads((tmp_path / "r" / "config.json").read_text())["objective"] == objective


def test_resuming_goes_on_to_the_same_pictures_and_history(tmp_path):
    """With `plain`, whose learning rate does not depend on how many epochs are planned."""
    whole, half = tmp_path / "whole", tmp_path / "half"
    assert train("--data", "digits", "--recipe", "plain", "--epochs", 2, "--out", whole) == 0
    assert train("--data", "digits", "--recipe", "plain", "--epochs", 1, "--out", half) == 0
    assert train("--resume", half, "--epochs", 2) == 0
    one, other = checkpoint.read(whole / "checkpoint.npz")[0], checkpoint.read(half / "checkpoint.npz")[0]
    assert one.keys() == other.keys()
    for name in one:
        assert np.array_equal(one[name], other[name]), name
    for picture in "epoch-0001.png", "epoch-0002.png":
        assert (whole / "samples" / picture).read_bytes() == (half / "samples" / picture).read_bytes()


def test_a_run_remembers_which_data_it_took_and_where_they_are(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    np.savez(tmp_path / "mine.npz", images=np.random.default_rng(0).random((40, 6, 6), dtype="float32"))
    assert train("--data", "mine.npz", "--epochs", 1, "--batch-size", 10, "--out", "r") == 0
    config = json.loads((tmp_path / "r" / "config.json").read_text())
    assert (config["data"], config["batch_size"]) == (str(tmp_path / "mine.npz"), 10)
    monkeypatch.chdir("/")
    assert train("--resume", tmp_path / "r", "--epochs", 2) == 0
    assert train("--resume", tmp_path / "r") == 0
    assert "all 2 epochs are done; for 10 more: " in capsys.readouterr().out.splitlines()[-1]


def test_what_is_chosen_for_auto_is_written_down(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("minigan.data.mnist.mnist.__defaults__", ("train", None, True, (), 1.0))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("MINIGAN_DATA", raising=False)
    assert train("--dry-run", "--out", tmp_path / "r") == 0
    assert "MNIST cannot be had, so these are the embedded 8x8 digits." in capsys.readouterr().err
    assert json.loads((tmp_path / "r" / "config.json").read_text())["data"] == "digits"


def test_the_drawing_can_be_skipped(tmp_path, monkeypatch, capsys):
    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("minigan.run_directory.plots.draw_run", interrupted)
    assert train("--data", "digits", "--dry-run", "--out", tmp_path / "r") == 0
    out = capsys.readouterr().out
    assert "the drawing was skipped" in out and "training.html" not in out
    assert checkpoint.read(tmp_path / "r" / "checkpoint.npz")[1]["epoch"] == 2


def test_one_ctrl_c_while_it_draws_does_not_skip_the_drawing(tmp_path, monkeypatch, capsys):
    def draw(*args):
        signal.raise_signal(signal.SIGTERM)
        drawn.append(args)

    drawn = []
    monkeypatch.setattr("minigan.run_directory.plots.draw_run", draw)
    assert train("--data", "digits", "--dry-run", "--out", tmp_path / "r") == 0
    assert len(drawn) == 1 and "training.html" in capsys.readouterr().out


def test_ctrl_c_twice_in_a_round_loses_nothing_but_the_drawing(tmp_path, monkeypatch, capsys):
    real_step, numbers = GAN.step, itertools.count(1)

    def step(gan, x):
        seen = real_step(gan, x)
        if next(numbers) == 3:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
        return seen

    monkeypatch.setattr(GAN, "step", step)
    monkeypatch.setattr("minigan.run_directory.plots.draw_run", lambda *args: pytest.fail("drawn"))
    assert train("--data", "digits", "--epochs", 3, "--out", tmp_path / "r") == 130
    out = capsys.readouterr().out
    assert "the drawing was skipped" in out and "stopped in epoch 1; to go on: " in out
    assert checkpoint.read(tmp_path / "r" / "checkpoint.npz")[1]["round"] == 3


def test_a_setting_that_a_recipe_does_not_leave_open_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        train("--data", "digits", "--dry-run", "--recipe", "textbook-a", "--lr", 1e-3, "--out", tmp_path / "r")
    err = capsys.readouterr().err
    assert (stop.value.code, err.count("\n")) == (2, 1) and not (tmp_path / "r").exists()
    assert "the recipe textbook-a sets its own lr: leave it out, or take another --recipe" in err


def test_each_player_can_have_a_rate_of_its_own(tmp_path):
    run = tmp_path / "r"
    assert train("--data", "digits", "--dry-run", "--lr", 1e-3, "--lr-d", 1e-4, "--out", run) == 0
    same = tmp_path / "s"
    assert train("--data", "digits", "--dry-run", "--lr", 1e-3, "--out", same) == 0
    one, other = (checkpoint.read(path / "checkpoint.npz")[0] for path in (run, same))
    assert not np.array_equal(one["discriminator.theta"], other["discriminator.theta"])
    with pytest.raises(SystemExit):
        train("--data", "digits", "--dry-run", "--lr-d", -1, "--out", tmp_path / "t")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["-n", "1", "--interpolate", "5"], "-n must be at least 2"),
        (["--out", "x.txt"], "--out x.txt: expected a name that ends in .png or .npz"),
        (["--out", "/no/such/x.png"], "there is no folder /no/such"),
    ],
)
def test_what_cannot_be_sampled_is_refused_in_one_line(trained, args, message, capsys):
    with pytest.raises(SystemExit) as stop:
        script("sample").main([str(trained), *args])
    err = capsys.readouterr().err
    assert stop.value.code == 2 and err.count("\n") == 1 and message in err


def test_resuming_with_another_rate_says_so_and_with_another_batch_size_is_refused(tmp_path, capsys):
    run = tmp_path / "r"
    assert train("--data", "digits", "--epochs", 1, "--out", run) == 0
    assert train("--resume", run, "--epochs", 2, "--lr", 1e-4) == 0
    assert "the learning rate was that of the recipe and is 0.0001 from here on" in capsys.readouterr().out
    assert json.loads((run / "config.json").read_text())["lr"] == 1e-4
    with pytest.raises(SystemExit):
        train("--resume", run, "--epochs", 3, "--batch-size", 32)
    assert (
        "its batch size is 56, but here it is 32; go on with the settings it was made with" in capsys.readouterr().err
    )


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_saves_draws_and_says_how_to_go_on(tmp_path, number, code):
    out = tmp_path / "r"
    command = [sys.executable, "scripts/train_mnist.py", "--data", "digits", "--epochs", "10000", "--out", str(out)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not (out / "samples" / "epoch-0002.png").exists() and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stderr.count("\n")) == (code, 1) and "stopping after this round: saving" in stderr
    assert f"to go on: {sys.executable} scripts/train_mnist.py --resume {out}" in stdout.splitlines()[-1]
    assert (out / "curves.png").exists()
    assert checkpoint.read(out / "checkpoint.npz")[1]["epoch"] >= 2


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--data", "mnist", "--data-dir", "/no/such/folder"], "data_dir: there is no folder /no/such/folder"),
        (["--data", "digits", "--batch-size", "1798"], "batch_size=1798: expected 1 to 1797"),
        (["--data", "digits", "--lr", "-0.001"], "Adam: the learning rate must be positive and finite, not -0.001"),
        (["--data", "digits", "--lr", "nan"], "Adam: the learning rate must be positive and finite, not nan"),
        (["--data", "digits", "--epochs", "0"], "argument --epochs: expected a whole number of at least 1, not '0'"),
        (["--data", "digits", "--seed", "-1"], "argument --seed: expected a whole number of at least 0, not '-1'"),
        (["--data", "digits", "--objective", "wgan"], "argument --objective: invalid choice: 'wgan'"),
        (["--data", "nonsense"], "data 'nonsense': no such data set"),
        (["--data", "no.npz"], "no.npz: no such file"),
        (["--resume", "/no/such/run"], "there is no run in /no/such/run (/no/such/run/config.json is missing)"),
        (["--data", "digits", "--out", "/dev/null/r"], "Not a directory"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(args, message, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        train(*args)
    out, err = capsys.readouterr()
    assert (stop.value.code, out) == (2, "")
    assert err.count("\n") == 1 and message in err


def test_mistakes_about_checkpoints_are_one_line_too(trained, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        train("--data", "digits", "--out", trained)
    assert stop.value.code == 2 and f"already holds a run: go on with --resume {trained}" in capsys.readouterr().err
    (tmp_path / "checkpoint.npz").write_bytes((trained / "checkpoint.npz").read_bytes()[:-1000])
    with pytest.raises(SystemExit) as stop:
        script("sample").main([str(tmp_path / "checkpoint.npz")])
    err = capsys.readouterr().err
    assert stop.value.code == 2 and err.count("\n") == 1 and "truncated or altered" in err


def test_a_grid_a_walk_and_numbers_from_a_checkpoint(trained, tmp_path, capsys):
    sample, path = script("sample").main, str(trained / "checkpoint.npz")
    assert sample([path, "--out", str(tmp_path / "g.png"), "-n", "9"]) == 0
    assert imread(tmp_path / "g.png").shape[:2] == (150, 150)
    assert sample([path, "--out", str(tmp_path / "w.png"), "-n", "3", "--interpolate", "5"]) == 0
    assert imread(tmp_path / "w.png").shape[:2] == (150, 250)
    assert sample([path, "--out", str(tmp_path / "n.npz"), "-n", "1500", "--seed", "7"]) == 0
    with np.load(tmp_path / "n.npz") as archive:
        assert archive["images"].shape == (1500, 8, 8) and archive["range"].tolist() == [-1, 1]
        generator, _ = checkpoint.load_generator(path)
        z = script("sample").host_generator(7).standard_normal((1500, 100), dtype="float32")
        np.testing.assert_allclose(archive["images"].reshape(1500, 64), generator(z), atol=1e-5)
    assert capsys.readouterr().out.splitlines()[-1] == f"{tmp_path}/n.npz: 1,500 images of 8x8"


def test_a_run_is_drawn_again_from_its_directory(trained, capsys):
    before = {path.name: path.read_bytes() for path in trained.iterdir() if path.is_file()}
    for name in "neighbors.png", "training.gif", "training.html", "curves.png":
        (trained / name).unlink()
    assert script("draw_run").main([str(trained)]) == 0
    assert {path.name: path.read_bytes() for path in trained.iterdir() if path.is_file()} == before
    assert capsys.readouterr().out.endswith("training.html\n")


def test_a_walk_passes_through_the_latent_points_and_keeps_their_length():
    z = np.random.default_rng(0).standard_normal((4, 50))
    z *= 7 / np.linalg.norm(z, axis=1, keepdims=True)
    points = script("sample").walk(z, 6)
    np.testing.assert_allclose(points[::6], z, atol=1e-12)
    np.testing.assert_allclose(points[5::6], np.roll(z, -1, 0), atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 7, rtol=1e-12)


@pytest.mark.parametrize(("n", "latent"), [(1, 50), (3, 1)])
def test_a_walk_between_points_without_one_great_circle_is_straight(n, latent):
    z = np.random.default_rng(0).standard_normal((n, latent)).astype("float32")
    points = script("sample").walk(z, 5)
    assert points.dtype == "float32" and np.isfinite(points).all()
    np.testing.assert_allclose(points[::5], z, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "config.json is not JSON any more"),
        ("[1]", "config.json holds [1], expected the settings"),
        ("{}", "config.json holds [], expected the settings ['batch_size',"),
        (None, "config.json: seed is 'fast', expected a value like 0"),
    ],
)
def test_a_configuration_that_was_edited_into_nonsense_is_refused_in_words(trained, tmp_path, text, message, capsys):
    config = json.loads((trained / "config.json").read_text()) | {"seed": "fast"}
    (tmp_path / "config.json").write_text(json.dumps(config) if text is None else text)
    with pytest.raises(SystemExit) as stop:
        train("--resume", tmp_path)
    err = capsys.readouterr().err
    assert stop.value.code == 2 and err.count("\n") == 1 and message in err


def test_the_readme_is_up_to_date():
    assert script("update_readme").main(["--check"]) == 0, "run scripts/update_readme.py"


def test_every_python_block_of_the_readme_runs(trained, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "run-1").symlink_to(trained)
    blocks = re.findall(r"^```python\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    sample, xor, game, ring = blocks
    seen = {}
    exec(sample, seen)
    assert seen["images"].shape == (16, 8, 8)
    exec(xor, seen)
    assert capsys.readouterr().out.split() == ["[[False]", "[", "True]", "[", "True]", "[False]]"]
    exec(game, seen)
    assert seen["gan"].sample(10).shape == (10, 784)
    exec(ring, seen)
    assert 0.9 < float(capsys.readouterr().out.split()[-1]) < 1.1


def test_the_example_of_what_goes_wrong_works():
    (block,) = re.findall(
        r"^```python\n(.*?)^```$", (ROOT / "docs" / "what-goes-wrong.md").read_text(), re.MULTILINE | re.DOTALL
    )
    seen = {}
    exec(block, seen)
    assert seen["gan"].discriminator_optimizer.lr == 5e-5
    seen["gan"].step(np.zeros((4, 64), "float32"))


PAGES = sorted((ROOT / "docs").rglob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_python_of_each_page_runs(page):
    for block in re.findall(r"^```python\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        exec(block, {"__name__": page.stem})


@pytest.mark.parametrize("page", sorted(ROOT.glob("*.md")) + PAGES, ids=lambda page: page.stem)
def test_what_a_page_links_to_is_there(page):
    targets = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if "://" not in target and not (page.parent / target).exists()] == []


def test_the_examples_of_contributing_work(tmp_path, rng):
    text = (ROOT / "CONTRIBUTING.md").read_text()
    layer, objective, data = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    (tmp_path / "my_layers.py").write_text(layer)
    result = run("scripts/check_gradients.py", "--layer", f"{tmp_path}/my_layers.py:Swish")
    assert result.returncode == 0, result.stdout
    seen = {}
    exec(objective, seen)
    exec(data, seen)
    assert seen["x"].shape == (50, 144) and seen["x"].min() == -1
    G, D = Network(Dense(3, 6), Tanh(), Dense(6, 4), Tanh()), Network(Dense(4, 5), Tanh(), Dense(5, 1))
    gan = GAN(G, D, seen["LeastSquares"]())
    assert check_game(gan, rng.standard_normal((6, 4)), rng.standard_normal((6, 3))).ok
    gan.step(rng.standard_normal((6, 4)).astype("float32"))


def test_ci_runs_the_readmes_test_command():
    commands = [line for line in (ROOT / "README.md").read_text().splitlines() if line.endswith("-m pytest")]
    assert len(commands) == 1
    assert "grep -m 1 -e '-m pytest$' README.md" in (ROOT / ".ci" / "run").read_text()


@pytest.mark.slow
def test_each_provoked_failure_is_called_by_its_name(tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(ROOT / "scripts")
    page = (ROOT / "docs" / "what-goes-wrong.md").read_text()
    (tmp_path / "what-goes-wrong.md").write_text(page)
    assert script("provoke_failures").main(["--out", str(tmp_path)]) == 0
    normal, saturated, diverged, collapsed = capsys.readouterr().out.splitlines()
    assert normal.startswith("normal: Both play")
    assert saturated.startswith("saturated: D wins") and "gradient norm fell" in saturated
    assert diverged.startswith("diverged: training stopped: epoch 1, round") and "not finite" in diverged
    assert "The samples have become alike" in collapsed
    for name in "normal", "saturated", "diverged", "collapsed":
        assert imread(tmp_path / "failures" / f"{name}.png").shape[:2] == (4 * 50, 8 * 50)


def test_every_picture_has_a_command_that_draws_it():
    rows = re.findall(r"^\| \[.*?\]\((.*?)\) \| `([^` ]+)", (ROOT / "docs" / "README.md").read_text(), re.MULTILINE)
    assert [command for _, command in rows if not (ROOT / command).exists()] == []
    drawn = {target.rstrip("/") for target, _ in rows}
    pictures = [path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.png")]
    assert [path for path in pictures if not {str(path), str(path.parent)} & drawn] == []
    assert [target for target in drawn if not (ROOT / "docs" / target).exists()] == []
