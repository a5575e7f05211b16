"""bench_gpu: what it computes around the measurements is right, and without a GPU it says so."""

import importlib
from pathlib import Path

import pytest
import standin

from minigan import LeakyReLU, xp

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("bench_gpu")


def test_without_a_gpu_it_ends_with_a_line(bench, monkeypatch, capsys):
    monkeypatch.setitem(bench.sys.modules, "cupy", None)
    with pytest.raises(SystemExit) as stop:
        bench.main([])
    assert stop.value.code == 2 and "install minigan[cuda12]" in capsys.readouterr().err


@pytest.mark.parametrize("dtype, error", [("float64", 1e-12), ("float32", 1e-4)])
def test_gradients_of_the_device_are_held_against_numpy(bench, dtype, error):
    xp._switch(standin)
    found = bench.gradient_error(dtype)
    assert found["passed"] and max(found["G"], found["D"]) < error
    assert xp._module is standin


def test_a_gradient_that_is_wrong_on_the_device_only_is_seen(bench, monkeypatch):
    right = LeakyReLU.backward

    def backward(self, dy, wrt="both"):
        dx = right(self, dy, wrt)
        return dx if xp._module is not standin or dx is None else dx * 1.00001

    monkeypatch.setattr(LeakyReLU, "backward", backward)
    xp._switch(standin)
    assert not bench.gradient_error("float64")["passed"]


def test_the_work_of_a_round_grows_with_the_batch_as_its_products_do(bench):
    floor = bench.Floor(5)
    size = sum(a.nbytes + b.nbytes + out.nbytes for a, b, out in floor.products)
    adam = 28 * sum(network.theta.size for network in bench.players())
    assert bench.work(5) == (floor.flop, size + adam)


def test_a_round_is_timed_between_events_and_the_median_taken(bench):
    now = 0.0

    class Event:
        def record(self):
            self.at = now

        def synchronize(self):
            pass

        def elapsed_time(self, end):
            return end.at - self.at

    def rounds(k):
        nonlocal now
        now += 2.5 * k + (100 if now > 150 else 0)

    assert bench.milliseconds(Event, lambda k: rounds(k), blocks=9, block_ms=20) == 2.5
    assert now > 250  # outliers were among them
