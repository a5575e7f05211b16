"""modes: of known samples the known number is found, and it is the samples that are counted."""

import numpy as np

from minigan import GAN, Dense, Network, to_numpy
from minigan.data.toys import toy
from minigan.evaluation import modes
from minigan.evaluation.modes import SAMPLES, found_by


def test_what_is_counted_are_the_samples(rng):
    """Of the grid's 25 modes this G knows 7; one sample in five lies between them."""
    asked = []

    def sample(n):
        asked.append(n)
        centers = toy("grid").centers[np.arange(n) % 7]
        return centers + 0.01 * rng.standard_normal((n, 2)) + (np.arange(n) % 5 == 0)[:, None]

    gan = GAN(Network(Dense(2, 2)), Network(Dense(2, 1)))
    gan.sample = sample
    found = found_by(gan, toy("grid"))
    assert found.modes == 7 and found.high_quality == 0.8 and asked == [SAMPLES] == [2500]
    assert abs(found.reverse_kl - np.log(25 / 7)) < 1e-3


def test_the_batches_are_of_a_fixed_set_of_points_in_an_order_of_the_seeds(monkeypatch):
    monkeypatch.setattr(modes, "POINTS", 50)

    def deal(seed, e=0, start=0, rounds=20):
        return [to_numpy(x).tobytes() for x in modes.FixedPoints(toy("ring"), 16, seed, rounds).epoch(e, start)]

    source = modes.FixedPoints(toy("ring"), 16, 3, 20)
    assert (source.name, source.sample_shape, source.batch_size, source.rounds) == ("ring", (2,), 16, 20)
    assert source.identity != modes.FixedPoints(toy("ring"), 16, 4, 20).identity
    first = deal(3)
    assert first == deal(3) and len(set(first)) == 20 and not set(first) & set(deal(4))
    assert deal(3, 1, rounds=10) == first[10:] and deal(3, 1, 4, rounds=10) == first[14:]
    seen = np.concatenate([np.frombuffer(x, "float32").reshape(16, 2) for x in first])
    points = to_numpy(toy("ring").sample(50, 3, 0))
    assert {tuple(x) for x in seen} == {tuple(x) for x in points}
