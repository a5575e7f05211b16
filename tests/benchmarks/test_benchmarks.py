"""benchmarks: what they count and fit is right, and they run; how fast anything is, is not tested."""

import importlib
import itertools
import json
import re
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import standin
from loading import script

from minigan import GAN, Dense, LeakyReLU, Network, Tanh, to_numpy, use, xp
from minigan.backend import kernels, plain

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
TINY = (5, 8, 6), (6, 7, 1)


@pytest.fixture
def bench(monkeypatch):
    """bench("bench_peers"): the module, found as it finds its neighbors."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module


@pytest.mark.parametrize("name", sorted(path.stem for path in BENCHMARKS.glob("*_*.py")))
def test_every_benchmark_has_help(bench, name, capsys):
    with pytest.raises(SystemExit) as stop:
        bench(name).main(["--help"])
    assert stop.value.code == 0 and capsys.readouterr().out.startswith("usage: ")


def test_the_floor_has_the_products_of_a_round(bench):
    reference = bench("reference")
    seen = []

    def counted(a, b, out):
        seen.append((a.shape, b.shape))
        return plain.matmul(a, b, out)

    gan, x = reference.game(*TINY), reference.batch(4, TINY[1][0])
    kernels.switch({"matmul": counted})
    gan.step(x)
    floor = reference.Floor(4, *TINY)
    assert sorted(seen) == sorted((a.shape, b.shape) for a, b, _ in floor.products)
    assert floor.flop == sum(2 * n * i * o for (n, i), (_, o) in seen)


@pytest.mark.slow
def test_workers_prove_take_turns_and_stop(bench):
    names = ["minigan", "minigan-blas", "floor"]
    result = bench("bench_peers").compare(names, 4, 1, 1, 0.001, busy=True, widths=TINY)
    assert (result["batch"], result["threads"], list(result["peers"])) == (4, 1, names)
    for name, figures in result["peers"].items():
        assert all(ms > 0 for ms in figures["ms"] + figures["busy_ms"])
        assert ("differs_by" in figures) == (name != "floor")
    assert result["peers"]["minigan"]["ratio"] == [1, 1, 1]
    assert max(result["peers"]["minigan-blas"]["differs_by"].values()) < 1e-4


def test_a_peer_that_computes_something_else_ends_the_comparison(bench, monkeypatch):
    """The workers' answers, without their processes."""
    peers = bench("bench_peers")

    class Answering:
        def __init__(self, name, factor=1.0):
            self.name, self.factor = name, factor

        def ask(self, order, given, answer):
            with open(answer, "wb") as file:
                np.savez(file, **{what: self.factor * np.arange(1.0, 5.0) for what in peers.TOLERANCE})

    for factor in 1.0, 1.00005:
        found = peers.prove(
            [Answering("minigan"), Answering("minigan-blas", factor)], "minigan", peers.inputs(4, *TINY)
        )
        assert found["minigan-blas"]["D's gradient"] == pytest.approx(factor - 1, rel=0.1)
    with pytest.raises(SystemExit, match=r"minigan, BLAS's threads does not compute what minigan does: .*gradient"):
        peers.prove([Answering("minigan"), Answering("minigan-blas", 1.01)], "minigan", peers.inputs(4, *TINY))


@pytest.mark.slow
def test_a_worker_that_dies_says_why(bench):
    peers = bench("bench_peers")
    with pytest.raises(RuntimeError, match=r"(?s)the worker of minigan ended.*ValueError.*the discriminator takes 9"):
        peers.Worker("minigan", 4, 1, (5, 8, 6), (9, 7, 1)).ask("turn", 0.001)


@pytest.mark.slow
def test_the_convolutional_round_is_proven_and_timed(bench, tmp_path, capsys):
    path = tmp_path / "conv.json"
    args = "--peers dcgan --batch 2 --threads 1 --turns 1 --seconds 0.001 --json"
    assert bench("bench_convolution").main([*args.split(), str(path)]) == 0
    (result,) = json.loads(path.read_text())["rounds"]
    assert result["peers"]["dcgan"]["ms"][1] > 0 and result["peers"]["dcgan"]["peak_mb"] > 10
    assert "MB at most" in capsys.readouterr().out


@pytest.mark.slow
def test_the_recurrent_round_is_proven_and_timed(bench, tmp_path, capsys):
    path = tmp_path / "gru.json"
    args = "--peers gru --batch 2 --hidden 3 --threads 1 --turns 1 --seconds 0.001 --json"
    assert bench("bench_recurrent").main([*args.split(), str(path)]) == 0
    (result,) = json.loads(path.read_text())["rounds"]
    assert result["peers"]["gru"]["ms"][1] > 0 and result["hidden"] == 3 and "3 units" in capsys.readouterr().out


@pytest.mark.slow
def test_the_command_writes_its_figures(bench, tmp_path, capsys):
    path = tmp_path / "results" / "peers.json"
    args = "--peers minigan --batch 2 --threads 1 --turns 1 --seconds 0.001 --updates --pair --pair-batch 2 --start 1"
    assert bench("bench_peers").main([*args.split(), "--json", str(path)]) == 0
    results = json.loads(path.read_text())
    start = results["start"]["minigan"]
    assert results["pair"][0]["slowdown"][1] > 0 and start["seconds"][1] > 0 and start["peak_mb"][1] > 10
    updates, rounds = capsys.readouterr().out.split("batch 2, ")[:2]
    for text, what in (updates, "both players' updates"), (rounds, "round"):
        assert re.match(rf"1 threads: ms per {what}.*\n    minigan .* ms    1.000 \(", text)


def test_two_calls_results_become_one_and_the_first_counts(bench):
    def results(batch, ms, **more):
        peers = {"minigan": {"ms": ms} | more}
        return {
            "versions": {"numpy": str(ms)}, "rounds": [{"batch": batch, "threads": 2, "peers": peers}],
            "updates": [{"threads": ms}], "pair": [ms], "start": {"minigan": ms},
        }  # fmt: skip

    merged = bench("bench_peers").merged
    assert merged(results(4, 1), results(4, 2, busy_ms=3)) == {
        "versions": {"numpy": "1"}, "pair": [1, 2], "start": {"minigan": 1},
        "updates": [{"threads": 2}, {"threads": 1}],
        "rounds": [{"batch": 4, "threads": 2, "peers": {"minigan": {"ms": 1, "busy_ms": 3}}}],
    }  # fmt: skip
    assert [r["batch"] for r in merged(results(4, 1), results(8, 2))["rounds"]] == [8, 4]


def test_the_tables_of_ratios_are_made_from_the_figures(bench):
    draw = bench("draw_results")
    run = {"minigan-fast": 2, "minigan": 4, "torch": 5, "torch-fused": 3, "jax": 1, "floor": 1.6}
    later, before = (
        {
            "rounds": [
                {"batch": 64, "threads": 1, "peers": {name: {"ms": [0, ms * factor, 9]} for name, ms in run.items()}}
            ]
        }
        for factor in (1, 2)
    )
    before["rounds"][0]["peers"]["jax"]["ms"][1] = 8
    row = draw.ratio_table([later, before]).splitlines()[-1]
    assert row == "| batch 64, 1 thread | 0.67 (0.67) | 2.00 (0.50) | 1.25 (1.25) | 0.50 (0.50) |"
    peers = {name: {"ms": [0, 6, 9], "ratio": [0, 0.75, 9]} for name in ("gru", "gru-fast", "gru-torch")}
    rounds = [{"hidden": hidden, "threads": t, "batch": 64, "peers": peers} for hidden in (3, 5) for t in (1, 2)]
    told = draw.recurrent_table({"steps": 24, "rounds": rounds}).splitlines()
    assert told[0].startswith(
        "| a round of GRUs, 24 steps, a batch of 64, 2 / 1 threads | 3 units | over PyTorch's | 5"
    )
    assert told[2] == "| minigan | 6.0 ms / 6.0 ms | 0.75 / 0.75 | 6.0 ms / 6.0 ms | 0.75 / 0.75 |"
    updates = {"updates": [{"threads": t, "peers": {"minigan": {"ms": [0, 1.5 / t, 9]}}} for t in (1, 2)]}
    assert draw.update_table(updates).splitlines()[-1] == "| minigan | 0.75 / 1.50 |"
    peers = {
        name: {"ms": [0, ms, 9], "peak_mb": 7}
        for name, ms in (("dcgan", 6), ("dcgan-torch", 5), ("dcgan-torch-last", 4))
    }
    assert draw.peak_table({"rounds": [{"batch": 2, "threads": 1, "peers": peers}]}).splitlines()[2] == (
        "| minigan | 6 | 1.50 | 7 MB |"
    )


def test_exponents_and_lines_are_those_that_were_put_in(bench):
    scale, x = bench("bench_scale"), np.array([128, 256, 512, 1024])
    assert scale.exponent(x, 3 * x**1.5) == [1.5, 0]
    p, error = scale.exponent(x, 3 * x**1.5 * [1, 1.1, 1, 1.1])
    np.testing.assert_allclose(p, 1.5, atol=3 * error)
    assert 0.01 < error < 0.1
    assert scale.line(x, 5 + 0.25 * x) == [5, 0.25, 0]


def test_scale_measures_time_memory_and_growth(bench):
    scale = bench("bench_scale")
    rows = [scale.measure(n, *TINY, blocks=1, seconds=0.001) for n in (4, 8, 16)]
    result = scale.summary((4, 8, 16), rows, start=4)
    weights = sum(i * o + o for widths in TINY for i, o in itertools.pairwise(widths))
    assert [point["parameters"] for point in result["points"]] == 3 * [weights]
    assert result["against"] == "batch" and result["growth"].keys() == {"round_ms", "floor_ms", "memory_mb"}
    assert "memory_mb ~ batch^(" in scale.scale_table("batch", result)
    assert "a round with the guard" in scale.guard_line(scale.guard(1, n=2, rounds=1))


@pytest.mark.slow
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


def test_each_other_game_is_timed_beside_the_plain_one(bench, tmp_path, capsys):
    module, path = bench("bench_objectives"), tmp_path / "o.json"
    assert set(script("compare_objectives").GAMES) - set(module.GAMES) == {
        "non-saturating", "two time scales"  # which are the plain round
    }  # fmt: skip
    options = ["--widths", "tiny", "--batch", "8", "--blocks", "2", "--rounds", "1", "--json", str(path)]
    assert module.main(options) == 0
    found = json.loads(path.read_text())
    assert found["ratios"].keys() == module.GAMES.keys() and capsys.readouterr().out.count(" x ") == len(module.GAMES)
    assert all(0 < low <= ratio <= high for low, ratio, high in found["ratios"].values())


@pytest.fixture
def gpu(bench, monkeypatch):
    """bench_gpu on the stand-in, with small players."""
    gpu = bench("bench_gpu")
    small, batch = gpu.players((5, 8, 6), (6, 7, 1)), gpu.batch
    monkeypatch.setattr(gpu, "players", lambda: small)
    monkeypatch.setattr(gpu, "batch", lambda n: batch(n, 6))
    monkeypatch.setattr(gpu, "G_WIDTHS", (5,))
    monkeypatch.setitem(sys.modules, "cupy", standin)
    use("cupy")
    return gpu


def test_without_a_gpu_it_ends_with_a_line(bench, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(SystemExit) as stop:
        bench("bench_gpu").main([])
    assert stop.value.code == 2 and "install minigan[cuda12]" in capsys.readouterr().err


def test_a_gradient_that_is_wrong_on_the_device_only_is_seen(gpu, monkeypatch):
    assert gpu.gradient_error("float32")["passed"]
    found = gpu.gradient_error("float64")
    assert found["passed"] and max(found["G"], found["D"]) < 1e-12 and xp._module is standin
    right = LeakyReLU.backward

    def backward(self, dy, wrt="both"):
        dx = right(self, dy, wrt)
        return dx if xp._module is not standin or dx is None else dx * 1.00001

    monkeypatch.setattr(LeakyReLU, "backward", backward)
    assert not gpu.gradient_error("float64")["passed"]


CALLS = {  # from five matrices: the arguments, and those that are changed
    "leaky_relu": lambda a, g, m, v, s: ((a, 0.2, s), (s,)),
    "leaky_relu_backward": lambda a, g, m, v, s: ((g, a, 0.2, m > 0, s), (s,)),
    "normalize": lambda a, g, m, v, s: ((a, g[1], v[0], g[0], g[2], m, s), (m, s)),
    "normalize_backward": lambda a, g, m, v, s: ((a, g, m[0], v[0], m[1], v, s), (s,)),
    "sgd": lambda a, g, m, v, s: ((a, g, m, s, 0.1, 0.9), (a, m)),
    "adam": lambda a, g, m, v, s: ((a, g, m, v, s, 0.1, 0.5, 0.999, 1e-8), (a, m, v)),
}


class OnTheHost:
    """An ElementwiseKernel whose few words of C are read as Python, on NumPy's arrays: no compiler, no launch."""

    def __init__(self, given, changed, operation, name):
        self.given, self.changed = ([part.split()[1] for part in names.split(",")] for names in (given, changed))
        python = re.sub(r"(\w+) = (.+) \? (.+) : (.+)", r"\1 = where(\2, \3, \4)", operation)
        self.program = "\n".join(statement.strip() for statement in python.split(";"))

    def __call__(self, *args):
        assert len(args) == len(self.given) + len(self.changed)
        out = args[len(self.given) :]
        values = dict(zip(self.given + self.changed, (np.copy(a) for a in args), strict=True))
        exec(self.program, {"where": np.where, "sqrt": np.sqrt}, values)
        for a, name in zip(out, self.changed, strict=True):
            a[...] = values[name]


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("where", ["host", pytest.param("gpu", marks=pytest.mark.gpu)])
def test_each_twin_is_its_plain_function(bench, monkeypatch, where, name):
    fused = bench("fused")
    if where == "host":
        monkeypatch.setattr(fused, "xp", types.SimpleNamespace(ElementwiseKernel=OnTheHost))
    else:
        try:
            use("cupy")
        except RuntimeError as error:
            pytest.skip(str(error))
    assert CALLS.keys() == fused.KERNELS.keys() == fused.twins().keys()
    results = []
    for function in (getattr(plain, name), fused.twins()[name]):
        drawn = np.random.default_rng(3).standard_normal((5, 8, 5))
        drawn[3] **= 2
        arguments, changed = CALLS[name](*map(xp.asarray, drawn))
        function(*arguments)
        results.append([to_numpy(a) for a in changed])
    np.testing.assert_allclose(*results, rtol=1e-12)


def test_how_many_launches_of_a_round_are_left(bench):
    """Counted on the stand-in, with each plain function as one launch: LeakyReLU's two forward (four times), its three
    backward (three times), and Adam's twelve (twice)."""
    fused = bench("fused")
    xp._switch(standin)
    G = Network(Dense(5, 12), LeakyReLU(), Dense(12, 16), Tanh(), seed=0)
    gan = GAN(G, Network(Dense(16, 12), LeakyReLU(), Dense(12, 1), seed=1))
    launches = []
    for table in {}, {name: standin.as_one_launch(getattr(plain, name)) for name in fused.KERNELS}:
        with fused.installed(table):
            gan.step(standin.ones((8, 16), dtype="float32"))
            with standin.counted() as seen:
                gan.step(standin.ones((8, 16), dtype="float32"))
        launches.append(len(seen.launches))
    assert launches[0] - launches[1] == 4 * 1 + 3 * 2 + 2 * 11
