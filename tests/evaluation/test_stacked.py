"""stacked: the batches are stacks of digits, the judge reads them, and modes and KL are those of known samples."""

from dataclasses import replace

import numpy as np
import pytest

from minigan import to_numpy
from minigan.data import load
from minigan.data.stacked import Stacked
from minigan.evaluation import judge as judges
from minigan.evaluation import stacked

DIGITS = load("digits")


def test_each_channel_is_a_digit_of_its_own_and_the_triples_are_the_same_for_every_seed():
    def dealt(seed, e=0, start=0):
        source = Stacked(DIGITS, 16, seed, count=50)
        return [to_numpy(x).copy() for x in source.epoch(e, start)], source

    batches, source = dealt(3)
    assert (source.sample_shape, source.rounds, len(batches)) == ((8, 8, 3), 3, 3)
    digits = {row.tobytes() for row in DIGITS.rows()}
    seen = np.concatenate(batches)
    assert all(np.ascontiguousarray(x[..., c]).tobytes() in digits for x in seen for c in range(3))
    assert not (seen[..., 0] == seen[..., 1]).all()
    assert [x.tobytes() for x in dealt(3, 0, 1)[0]] == [x.tobytes() for x in batches[1:]]
    other, again = dealt(4), dealt(3, 1)
    assert other[0][0].tobytes() != batches[0].tobytes() != again[0][0].tobytes()
    assert (other[1].triples == source.triples).all() and other[1].identity == source.identity


@pytest.mark.parametrize(
    ("modes", "found", "kl"),
    [(np.arange(1000), 1000, 0), (np.arange(5000) % 250, 250, np.log(4)), ([7, 7, 7, 8], 2, 6.3454)],
)
def test_modes_and_kl_of_known_samples(modes, found, kl):
    count, divergence = stacked.score(np.asarray(modes))
    assert count == found and abs(divergence - kl) < 1e-4


def test_perfect_data_score_what_is_expected_of_them(rng):
    shares = np.array([0.2, 0.05, 0.15, 0.1, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05])
    few, one = np.repeat([0.25, 0], [4, 6]), np.eye(10)[3]
    for n, p in (2000, None), (2000, shares), (2000, few):
        drawn = [stacked.score(rng.choice(10, (n, 3), p=p) @ [100, 10, 1])[1] for _ in range(200)]
        assert abs(stacked.expected(n, p) - np.mean(drawn)) < 4 * np.std(drawn) / 200**0.5
    assert abs(stacked.expected(stacked.SAMPLES) - 999 / (2 * stacked.SAMPLES)) < 2e-4  # to first order in 1 / n
    assert stacked.expected(5, one) == pytest.approx(np.log(1000), rel=1e-12)
    for n, p, words in (0, None, "n=0"), (5, [0.1] * 9, "shape"), (5, 2 * one, "must add up to 1"):
        with pytest.raises(ValueError, match=f"^expected: .*{words}"):
            stacked.expected(n, p)


@pytest.mark.slow
def test_the_judge_learns_is_kept_and_reads_red_green_and_blue(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(judges, "ROUNDS", 280)
    said = []
    judge = judges.judge_for(DIGITS, said.append)
    assert len(said) == 1 and 0.97 < judges.accuracy(judge, DIGITS) <= 1
    again = judges.judge_for(DIGITS, said.append)
    images = replace(DIGITS, range=(0.0, 1.0)).rows().reshape(-1, 8, 8)
    stack = np.stack([images[:500], images[500:1000], images[1000:1500]], -1)
    truth = DIGITS.labels[:1500].reshape(3, 500).T.astype(int) @ [100, 10, 1]
    assert len(said) == 1 and 0.9 < (stacked.modes_of(stack, again) == truth).mean() <= 1
    assert (stacked.modes_of(stack, judge) == stacked.modes_of(stack, again)).all()
