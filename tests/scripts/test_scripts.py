"""scripts: what a person runs, as a person runs it."""

import contextlib
import csv
import io
import itertools
import json
import re
import shutil
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
from loading import script
from matplotlib.image import imread

from minigan import GAN
from minigan.training import checkpoint

ROOT = Path(__file__).resolve().parents[2]
DIGITS = "--data", "digits", "--device", "cpu"
SHORT = *DIGITS, "--dry-run"
SCRIPTS = sorted(path.stem for path in (ROOT / "scripts").glob("*.py"))


def train(*args):
    return script("train_mnist").main([*map(str, args)])


def refused(name, *args):
    """The exit code of a script that refuses these arguments."""
    with pytest.raises(SystemExit) as stop:
        script(name).main([*map(str, args)])
    return stop.value.code


def meta(run):
    return checkpoint.read(run / "checkpoint.npz")[1]


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """The directory of a short run on the digits, and what was printed. Copy it to change it."""
    out = tmp_path_factory.mktemp("run") / "r"
    with contextlib.redirect_stdout(io.StringIO()) as said:
        assert train(*SHORT, "--keep", 1, "--out", out) == 0
    return out, said.getvalue()


@pytest.fixture
def run(trained, tmp_path):
    """A copy of that directory."""
    return shutil.copytree(trained[0], tmp_path / "r")


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_script_has_help(name, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", [f"{name}.py"])
    assert refused(name, "--help") == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"usage: {name}.py") and err == ""


def test_training_writes_everything_and_names_the_picture(trained):
    out, stdout = trained
    assert stdout.splitlines()[-1] == (
        f"now open {out}/samples/epoch-0002.png; how it came about is in {out}/training.html and curves.png"
    )
    assert len(re.findall(r"^epoch \d/2  V [-+]\d\.\d{3} \(equilibrium -1.396\)  D\(x\) \d", stdout, re.MULTILINE)) == 2
    assert sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()) == [
        "checkpoint-previous.npz", "checkpoint.npz", "config.json", "curves.png", "history.csv", "kept/epoch-0001.npz",
        "kept/epoch-0002.npz", "latest.png", "neighbors.png", "samples/epoch-0001.png", "samples/epoch-0002.png",
        "training.gif", "training.html",
    ]  # fmt: skip
    with open(out / "history.csv", newline="") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1", "2"]
    assert imread(out / "samples" / "epoch-0002.png").shape[:2] == (8 * 50, 8 * 50)


@pytest.mark.usefixtures("undrawn")
def test_a_dry_run_is_short_and_what_is_chosen_for_auto_is_written_down(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("minigan.data.mnist.mnist.__defaults__", ("train", None, True, (), 1.0))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("MINIGAN_DATA", raising=False)
    assert train("--dry-run") == 0
    assert "MNIST cannot be had, so these are the embedded 8x8 digits." in capsys.readouterr().err
    saved = meta(tmp_path / "out" / "run-1")
    assert (saved["epoch"], saved["dataset"]["images"], saved["config"]["data"]) == (2, 168, "digits")


def test_it_says_how_long_it_trains_and_why_and_each_player_can_have_a_rate_of_its_own(tmp_path, capsys, monkeypatch):
    seen = []
    monkeypatch.setattr("minigan.app.program.play", lambda run, *args: seen.append(run.training.gan))
    for rates in ["--lr", "1e-3", "--lr-d", "1e-4"], ["--lr", "1e-3"]:
        train(*DIGITS, *rates, "--out", tmp_path / str(len(seen)))
    found = [tuple(player.lr.args[0] for _, _, player in gan.players()) for gan in seen]
    assert found == [(1e-3, 1e-4), (1e-3, 1e-3)]
    out = capsys.readouterr().out
    assert out.startswith("digits: 1,797 images of 8x8, 32 rounds of 56 an epoch; CPU (NumPy")
    assert "117 epochs: 3,744 rounds are enough for this recipe at this image size" in out


@pytest.mark.usefixtures("undrawn")
def test_resuming_takes_every_setting_from_the_run_and_goes_on_to_the_same_bits(tmp_path, monkeypatch, capsys):
    """With `plain`, whose learning rate does not depend on how many epochs are planned."""
    monkeypatch.chdir(tmp_path)
    np.savez(tmp_path / "mine.npz", images=np.random.default_rng(0).random((40, 6, 6), dtype="float32"))
    options = ["--data", "mine.npz", "--data-dir", "here", "--batch-size", 10, "--latent", 7, "--seed", 3]
    options += ["--recipe", "plain", "--objective", "hinge", "--penalty", "r2:2", "--device", "cpu"]
    assert train(*options, "--epochs", 2, "--out", "whole") == train(*options, "--epochs", 1, "--out", "half") == 0
    assert "(equilibrium -2.000)" in capsys.readouterr().out
    whole, half = tmp_path / "whole", tmp_path / "half"
    before = json.loads(Path("half/config.json").read_text())
    assert (before["data"], before["data_dir"]) == (str(tmp_path / "mine.npz"), str(tmp_path / "here"))
    monkeypatch.chdir("/")
    assert train("--resume", half, "--epochs", 2) == 0
    assert json.loads((half / "config.json").read_text()) == before | {"epochs": 2}
    one, other = (checkpoint.read(path / "checkpoint.npz")[0] for path in (whole, half))
    assert one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)
    assert (whole / "latest.png").read_bytes() == (half / "latest.png").read_bytes()
    saved = meta(half)
    assert (saved["batch_size"], saved["seed"], saved["dataset"]["images"]) == (10, 3, 40)
    assert saved["objective"]["objective"] == "Hinge" and saved["penalty"]["weight"] == 2
    assert train("--resume", half) == 0
    said = capsys.readouterr().out.strip()
    assert re.search(r"all 2 epochs are done; for more: .* --resume \S+/half --epochs 12$", said)


@pytest.mark.usefixtures("undrawn")
def test_resuming_with_another_rate_says_so_and_with_another_batch_size_is_refused(run, capsys):
    config = json.loads((run / "config.json").read_text())
    del config["game"], config["threads"]  # a run from before these settings were there
    (run / "config.json").write_text(json.dumps(config))
    assert train("--resume", run, "--epochs", 3, "--lr", 1e-4) == 0
    assert "the learning rate was that of the recipe and is 0.0001 from here on" in capsys.readouterr().out
    assert json.loads((run / "config.json").read_text())["lr"] == 1e-4
    assert refused("train_mnist", "--resume", run, "--epochs", 4, "--batch-size", 32) == 2
    assert "images is 168, but here it is 96; go on with the settings" in capsys.readouterr().err


@pytest.mark.usefixtures("undrawn")
def test_a_run_is_resumed_where_it_is_from_any_of_its_checkpoints(run, tmp_path, capsys):
    assert refused("train_mnist", "--resume", run, "--out", tmp_path / "b") == 2
    assert f"--resume {run} goes on in the run's own directory: leave out --out" in capsys.readouterr().err
    assert not (tmp_path / "b").exists()
    files = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    assert train("--resume", run / "checkpoint-previous.npz", "--epochs", 1) == 0
    assert "all 1 epochs are done" in capsys.readouterr().out
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == files
    assert train("--resume", run / "kept" / "epoch-0001.npz") == 0
    assert "going on after 1 epochs" in capsys.readouterr().out and meta(run)["epoch"] == 2
    assert (run / "checkpoint-set-aside.npz").read_bytes() == files[run / "checkpoint.npz"]


def test_closing_pictures_that_fail_are_told_and_how_to_draw_them(tmp_path, monkeypatch, capsys):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("minigan.app.run_directory.plots.draw_run", full)
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("sys.argv", ["scripts/train_mnist.py"])
    assert train(*SHORT, "--out", tmp_path / "r") == 1
    out, err = capsys.readouterr()
    assert "training.html" not in out and "epoch-0002.png" in out.splitlines()[-1]
    assert err.endswith(f"to draw them: {sys.executable} scripts/draw_run.py {tmp_path}/r\n")
    assert meta(tmp_path / "r")["epoch"] == 2


@pytest.mark.usefixtures("undrawn")
def test_an_end_that_cannot_be_saved_is_told(tmp_path, monkeypatch, capsys):
    def full(*args, **config):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("minigan.training.training.Training.save", full)
    assert train(*SHORT, "--out", tmp_path / "r") == 1
    out, err = capsys.readouterr()
    assert err.endswith("the end of training could not be saved; there is no checkpoint yet\n")
    assert "now open" not in out


@pytest.mark.parametrize(("number", "times", "code"), [(signal.SIGTERM, 1, 143), (signal.SIGINT, 2, 130)])
def test_a_signal_saves_and_draws_and_says_how_to_go_on_and_two_skip_the_drawing(
    number, times, code, tmp_path, monkeypatch, capsys
):
    real_step, numbers, drawn = GAN.step, itertools.count(), []  # number 0 is the rehearsal

    def step(gan, x):
        seen = real_step(gan, x)
        for _ in range(times * (next(numbers) == 3)):
            signal.raise_signal(number)
        return seen

    monkeypatch.setattr(GAN, "step", step)
    monkeypatch.setattr("minigan.app.run_directory.plots.draw_run", lambda *args: drawn.append(1))
    assert train(*DIGITS, "--epochs", 3, "--out", tmp_path / "r") == code
    out = capsys.readouterr().out
    assert len(drawn) == 2 - times == 1 - ("the drawing was skipped" in out)
    assert re.search(rf"stopped in epoch 1; to go on: .* --resume {tmp_path}/r$", out.strip())
    assert meta(tmp_path / "r")["round"] == 3


def test_a_number_that_is_not_finite_ends_it_with_the_way_back(tmp_path, monkeypatch, capsys):
    def step(gan, x):
        gan.discriminator.theta[0] = np.nan
        return real_step(gan, x)

    real_step = GAN.step
    monkeypatch.setattr(GAN, "step", step)
    assert train(*SHORT, "--out", tmp_path / "r") == 1
    err = capsys.readouterr().err
    assert "training stopped: epoch 1, round 1: discriminator, layer 0" in err
    assert "there is no checkpoint yet; to go on, with a lower learning rate: " in err
    assert err.endswith(f"--resume {tmp_path}/r\n")


@pytest.mark.usefixtures("undrawn")
def test_a_full_disk_under_the_output_does_not_end_training(tmp_path, monkeypatch, capsys):
    class Full(io.StringIO):
        def write(self, text):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("sys.stdout", Full())
    assert train(*SHORT, "--out", tmp_path / "r") == 0
    assert capsys.readouterr().err.startswith("the output cannot be written any more (No space left on device): going")
    assert meta(tmp_path / "r")["epoch"] == 2


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([*DIGITS, "--batch-size", "1"], "BatchNorm(128): a training batch of one sample has no variance"),
        ([*DIGITS, "--lr-d", "0"], "argument --lr-d: expected a finite number above 0, not '0'"),
        ([*DIGITS, "--penalty", "r1"], "--penalty r1: expected r1, r2, unit-slope, slope-bound with a weight, r1:10"),
        ([*DIGITS, "--penalty", "r1:-1"], "(R1: the weight must be positive and finite, not -1.0)"),
        (["--resume", "/no/such/run"], "there is no run in /no/such/run (/no/such/run/config.json is missing)"),
        ([*DIGITS, "--out", "/dev/null/r"], "Not a directory"),
    ],
)
def test_a_mistake_is_one_line_exit_code_2_and_leaves_no_trace(args, message, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert refused("train_mnist", *args) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1) and message in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("{", "config.json is not JSON any more"),
        ({"objective": "foo"}, "config.json: argument --objective: invalid choice: 'foo'"),
        ({"lr": [1]}, "config.json: argument --lr: expected a finite number above 0, not '[1]'"),
        ({"data_dir": 5}, "config.json: data_dir is 5, expected a name or a path"),
        ({"penalty": 3}, "--penalty 3: expected r1, r2"),
    ],
)
def test_a_configuration_that_was_edited_into_nonsense_is_refused_in_words(run, change, message, capsys):
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(change if isinstance(change, str) else json.dumps(config | change))
    assert refused("train_mnist", "--resume", run, "--epochs", 3) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and message in err


def test_what_cannot_be_sampled_is_refused_in_one_line(run, monkeypatch, capsys):
    monkeypatch.chdir(run)
    Path("torn.npz").write_bytes(Path("checkpoint.npz").read_bytes()[:-100])
    checkpoint.write("other.npz", {"theta": np.zeros(3)}, {"classifier": True})
    arrays, saved = checkpoint.read("checkpoint.npz")
    checkpoint.write("points.npz", arrays, saved | {"dataset": {"name": "ring", "shape": [2]}})
    files = {path: path.read_bytes() for path in run.iterdir() if path.is_file()}
    for path, args, message in (
        (".", ["-n", "1", "--interpolate", "5"], "-n must be at least 2"),
        (".", ["--out", "x.txt"], "--out x.txt: expected a name that ends in .png or .npz"),
        (".", ["--out", "/no/such/x.png"], "there is no folder /no/such"),
        (".", ["--out", "checkpoint.npz"], "--out checkpoint.npz: there is such a file, and it holds no samples"),
        (".", ["--out", "torn.npz"], "--out torn.npz: there is such a file, and it holds no samples"),
        ("torn.npz", [], "truncated or altered"),
        ("other.npz", [], "no generator"),
        ("points.npz", [], "no game on images"),
    ):
        assert refused("sample", path, *args) == 2
        err = capsys.readouterr().err
        assert err.count("\n") == 1 and message in err
    assert {path: path.read_bytes() for path in run.iterdir() if path.is_file()} == files


def test_a_grid_a_walk_and_numbers_from_a_checkpoint(run, tmp_path, capsys):
    sample, path = script("sample").main, str(run / "checkpoint.npz")
    assert sample([path, "--out", str(tmp_path / "g.png"), "-n", "9"]) == 0
    assert imread(tmp_path / "g.png").shape[:2] == (150, 150)
    assert sample([path, "--out", str(tmp_path / "w.png"), "-n", "3", "--interpolate", "5"]) == 0
    assert imread(tmp_path / "w.png").shape[:2] == (150, 250)
    for seed in "6", "7":  # the second time over the first
        assert sample([path, "--out", str(tmp_path / "n.npz"), "-n", "300", "--seed", seed]) == 0
    with np.load(tmp_path / "n.npz") as archive:
        assert archive["images"].shape == (300, 8, 8) and archive["range"].tolist() == [-1, 1]
        generator, _ = checkpoint.load_generator(path)
        z = script("sample").host_generator(7).standard_normal((300, 100), dtype="float32")
        np.testing.assert_allclose(archive["images"].reshape(300, 64), generator(z), atol=1e-5)
    assert capsys.readouterr().out.splitlines()[-1] == f"{tmp_path}/n.npz: 300 images of 8x8"


@pytest.mark.slow
def test_runs_are_compared_in_one_picture(run, tmp_path, capsys):
    out = tmp_path / "c.png"
    compare = script("compare_runs").main
    assert compare([str(run), str(run / "checkpoint.npz"), "--out", str(out)]) == 0
    assert imread(out).shape[:2] == (340, 1000)
    lines = capsys.readouterr().out.splitlines()
    assert re.match(rf"{run}: 2 epochs, V [-+]\d\.\d\d\d, diversity \d\.\d\d$", lines[0]) and len(lines) == 3
    (tmp_path / "history.csv").write_text("a,b\n1,2\n")
    for args, message in (
        ([run, "--out", "x.pdf"], "expected a name that ends in .png"),
        ([tmp_path / "no"], "has not finished an epoch yet"),
        ([tmp_path], "history.csv is not a history that training wrote"),
    ):
        assert refused("compare_runs", *args) == 2
        assert message in capsys.readouterr().err


@pytest.mark.parametrize(("n", "latent"), [(4, 50), (1, 50), (3, 1)])
def test_a_walk_passes_through_the_latent_points_and_keeps_their_length_where_there_is_one_great_circle(n, latent):
    z = np.random.default_rng(0).standard_normal((n, latent)).astype("float32")
    z *= 7 / np.linalg.norm(z, axis=1, keepdims=True)
    points = script("sample").walk(z, 6)
    assert points.dtype == "float32" and np.isfinite(points).all()
    np.testing.assert_allclose(points[::6], z, atol=1e-5)
    if n == 4:
        np.testing.assert_allclose(points[5::6], np.roll(z, -1, 0), atol=1e-5)
        np.testing.assert_allclose(np.linalg.norm(points, axis=1), 7, rtol=1e-5)
