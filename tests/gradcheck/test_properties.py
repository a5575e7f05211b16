"""Random widths, depths, batches, activations and precisions: no right network is convicted."""

import itertools

import pytest

from minigan import Dense, LeakyReLU, Network, ReLU, Sigmoid, Tanh
from minigan.backend import host_generator
from minigan.gradcheck import gradcheck

ACTIVATIONS = ReLU, LeakyReLU, Tanh, Sigmoid


def drawn(seed):
    """(network of up to 5 dense layers, x): in one of two each unit behind dead ones sits on its kink exactly."""
    rng = host_generator(seed, 9)
    widths = [int(width) for width in rng.integers(1, 10, int(rng.integers(2, 7)))]
    layers = []
    for n_in, n_out in itertools.pairwise(widths):
        layers += [Dense(n_in, n_out), ACTIVATIONS[int(rng.integers(4))]()]
    network = Network(
        *layers[: len(layers) - int(rng.integers(2))], seed=seed, dtype=f"float{32 + 32 * (seed % 3 > 0)}"
    )
    for name, a, _ in network.parameters():
        if name.endswith("b") and seed % 2:
            a[...] = 0.3 * rng.standard_normal(a.shape)  # as after a step of training
    return network, rng.standard_normal((int(rng.integers(1, 9)), widths[0]))


@pytest.mark.parametrize("seeds", [range(20), pytest.param(range(20, 1020), marks=pytest.mark.slow)], ids=str)
def test_no_random_network_is_convicted(seeds):
    verdicts = set()
    for seed in seeds:
        report = gradcheck(*drawn(seed), seed=seed)
        assert report.ok, report
        verdicts |= {row.verdict for row in report.rows}
    assert verdicts == {"ok", "kink"}
