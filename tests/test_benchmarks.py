"""benchmarks: what they count and fit is right, and they run; how fast anything is, is not tested."""

import importlib
import itertools
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from minigan.gan import GAN

ROOT = Path(__file__).resolve().parents[1]
BENCHMARKS = ROOT / "benchmarks"
OURS = ["minigan", "minigan-blas", "floor"]
TINY = (5, 8, 6), (6, 7, 1)


@pytest.fixture
def bench(monkeypatch):
    """bench("bench_peers"): the module, found as it finds its neighbors."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module


@pytest.fixture
def results(bench):
    """What bench_peers measures, from a tiny game."""
    peers = bench("bench_peers")
    rounds = [peers.compare(OURS, n, 1, 1, 0.001, busy=n == 4, widths=TINY) for n in (4, 8)]
    start = {"minigan": {"seconds": [1, 2, 3], "peak_mb": [4, 5, 6], "installed_mb": 7.0}}
    versions = {"minigan": "1", "torch": "2"}
    return {"machine": bench("reference").machine(), "versions": versions, "rounds": rounds, "pair": [], "start": start}


@pytest.mark.parametrize("path", sorted(BENCHMARKS.glob("*_*.py")), ids=lambda path: path.stem)
def test_every_benchmark_has_help(path):
    result = subprocess.run([sys.executable, path, "--help"], capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith(f"usage: {path.name}")


def test_the_floor_has_the_products_of_a_round(bench, monkeypatch):
    reference = bench("reference")
    seen, matmul = [], np.matmul

    def counted(a, b, out):
        seen.append((a.shape, b.shape))
        return matmul(a, b, out=out)

    gan, x = reference.game(*TINY), reference.batch(4, TINY[1][0])
    assert type(gan) is GAN
    monkeypatch.setattr(gan.generator.layers[0].__class__.forward.__globals__["xp"], "matmul", counted)
    gan.step(x)
    floor = reference.Floor(4, *TINY)
    assert sorted(seen) == sorted((a.shape, b.shape) for a, b, _ in floor.products)
    assert floor.flop == sum(2 * n * i * o for (n, i), (_, o) in seen)


def test_workers_prove_take_turns_and_stop(results):
    for result, n in zip(results["rounds"], (4, 8), strict=True):
        assert (result["batch"], result["threads"], list(result["peers"])) == (n, 1, OURS)
        for name, figures in result["peers"].items():
            assert all(ms > 0 for ms in figures["ms"]) and ("busy_ms" in figures) == (n == 4)
            assert ("differs_by" in figures) == (name != "floor")
        assert result["peers"]["minigan"]["ratio"] == [1, 1, 1]
        assert max(result["peers"]["minigan-blas"]["differs_by"].values()) < 1e-4


def test_a_peer_that_computes_something_else_ends_the_comparison(bench):
    peers = bench("bench_peers")

    class Planted(peers.Worker):
        def ask(self, order, given, answer):
            with np.load(given) as file:
                arrays = dict(file)
            np.savez(given, **arrays | {"d1": 1.01 * arrays["d1"]})
            return super().ask(order, given, answer)

    with peers.Worker("minigan", 4, 1, *TINY) as right, Planted("minigan-blas", 4, 1, *TINY) as wrong:
        with pytest.raises(SystemExit, match=r"minigan, BLAS's threads does not compute what minigan does: .*gradient"):
            peers.prove([right, wrong], "minigan", 4, *TINY)


def test_a_worker_that_dies_says_why(bench):
    peers = bench("bench_peers")
    with pytest.raises(RuntimeError, match=r"(?s)the worker of minigan ended.*ValueError.*the discriminator takes 9"):
        peers.Worker("minigan", 4, 1, (5, 8, 6), (9, 7, 1)).ask("turn", 0.001)


def test_a_peer_whose_library_is_not_there_is_left_out(bench, monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert bench("bench_peers").skipped("jax")
    assert capsys.readouterr().err == "JAX, jit is left out: jax is not installed (pip install '.[bench]')\n"


def test_start_memory_and_size(bench):
    found = bench("bench_peers").start(["minigan"], times=1, n=4, threads=1)["minigan"]
    assert found["seconds"][1] > 0 and found["peak_mb"][1] > 10
    assert {"minigan", "numpy", "matplotlib", "tqdm", "pillow"} <= found["distributions_mb"].keys()
    assert "pytest" not in found["distributions_mb"]
    assert found["distributions_mb"]["numpy"] > 10 > found["distributions_mb"]["minigan"] > 0.1
    assert found["installed_mb"] == pytest.approx(sum(found["distributions_mb"].values()), abs=0.1)


def test_the_command_writes_its_figures(bench, tmp_path, capsys):
    path = tmp_path / "results" / "peers.json"
    args = "--peers minigan --batch 2 --threads 1 --turns 1 --seconds 0.001 --pair --pair-batch 2 --json".split()
    assert bench("bench_peers").main([*args, str(path)]) == 0
    results = json.loads(path.read_text())
    assert results["machine"]["cores"] == os.cpu_count()
    assert results["pair"][0]["slowdown"][1] > 0
    assert re.match(r"batch 2, 1 threads: .*\n    minigan .* ms    1.000 \(", capsys.readouterr().out)


def test_the_table_and_the_plot_are_made_from_the_figures(bench, results, tmp_path):
    draw = bench("draw_results")
    head, _, *rows = draw.speed_table(results).splitlines()
    assert head.startswith("| ms per round, 1 threads | batch 4 | batch 8 | busy neighbor, batch 4 | first round after")
    assert [row.split("|")[1].strip() for row in rows] == [
        "minigan",
        "minigan, BLAS's threads",
        "matrix products alone",
    ]
    assert rows[0].endswith("times) | 2.0 s | 5 MB | 7 MB |")
    assert all(row.count("|") == head.count("|") for row in rows)
    assert "torch 2" in draw.caption(results)
    draw.draw(results, tmp_path / "speed.png")
    assert imread(tmp_path / "speed.png").shape[:2] == (420, 450)
    for result in results["rounds"]:
        result["threads"] = 2
    draw.draw(results, tmp_path / "speed.png")  # and a panel beside the neighbor
    assert imread(tmp_path / "speed.png").shape[:2] == (420, 900)
    assert draw.COLORS.keys() == bench("peers").PEERS.keys()


def test_exponents_and_lines_are_those_that_were_put_in(bench):
    scale, x = bench("bench_scale"), np.array([128, 256, 512, 1024])
    assert scale.exponent(x, 3 * x**1.5) == [1.5, 0]
    p, error = scale.exponent(x, 3 * x**1.5 * [1, 1.1, 1, 1.1])
    np.testing.assert_allclose(p, 1.5, atol=3 * error)
    assert 0.01 < error < 0.1
    assert scale.line(x, 5 + 0.25 * x) == [5, 0.25, 0]


def test_chains_grow_in_width_and_depth(bench):
    scale = bench("bench_scale")
    assert scale.wider((100, 256, 512, 1024, 784), 0.5) == (100, 128, 256, 512, 784)
    assert scale.deeper((100, 256, 512, 1024, 784), 3) == (100, 256, 512, 1024, 1024, 1024, 784)
    assert scale.deeper((784, 512, 256, 1), 2) == (784, 512, 512, 256, 1)
    assert scale.deeper((784, 512, 256, 1), 1) == (784, 512, 256, 1)


def test_scale_measures_time_memory_and_growth(bench, capsys):
    scale = bench("bench_scale")
    rows = [scale.measure(n, *TINY, blocks=1, seconds=0.001) for n in (4, 8, 16)]
    result = scale.summary((4, 8, 16), rows, start=4)
    weights = sum(i * o + o for widths in TINY for i, o in itertools.pairwise(widths))
    assert [point["parameters"] for point in result["points"]] == 3 * [weights]
    assert result["against"] == "batch" and result["growth"].keys() == {"round_ms", "floor_ms", "memory_mb"}
    assert "memory_mb ~ batch^(" in scale.scale_table("batch", result)
    _, small = scale.footprint(64, *TINY)
    _, large = scale.footprint(6400, *TINY)
    assert 5 < large / small < 100


def test_an_epoch_with_everything_on_plays_what_the_bare_rounds_play(bench, monkeypatch):
    scale = bench("bench_scale")
    made = []

    def game():
        made.append(bench("reference").game((5, 8, 64), (64, 7, 1)))
        return made[-1]

    monkeypatch.setattr(scale, "game", game)
    result = scale.epochs("digits", None, 2, shares=3)
    assert result["rounds"] == 1797 // 128 and len(result["ratio"]) == 2
    assert re.match(r"an epoch of .*, 14 rounds: .* s with everything on", scale.epoch_lines(result))
    bare, full = made
    assert bare.draws[0] == full.draws[0] == 2 * 2 * 14
    assert np.array_equal(bare.generator.theta, full.generator.theta)


def test_the_guards_cost_is_taken_from_the_same_game(bench):
    scale = bench("bench_scale")
    result = scale.guard(1, n=2, rounds=1)
    assert "a round with the guard" in scale.guard_line(result)


def test_each_other_game_is_timed_beside_the_plain_one(bench, tmp_path, capsys, monkeypatch):
    module, path = bench("bench_objectives"), tmp_path / "o.json"
    monkeypatch.syspath_prepend(ROOT / "scripts")
    assert set(importlib.import_module("compare_objectives").GAMES) - set(module.GAMES) == {
        "non-saturating", "two time scales"  # which are the plain round
    }  # fmt: skip
    options = ["--widths", "tiny", "--batch", "8", "--blocks", "2", "--rounds", "1", "--json", str(path)]
    assert module.main(options) == 0
    found = json.loads(path.read_text())
    assert found["ratios"].keys() == module.GAMES.keys() and capsys.readouterr().out.count(" x ") == len(module.GAMES)
    assert all(0 < low <= ratio <= high for low, ratio, high in found["ratios"].values())
