"""The scores of sequences: what they are of the data themselves, and of samples that are wrong in a known way."""

import numpy as np
import pytest

from minigan.data.sequences import Sequences, sines
from minigan.evaluation import sequences as module
from minigan.evaluation.sequences import blocks, discriminative, mmd, predictive, scores, shares

DATA = sines(300, 6, 2)


def test_it_tells_sines_from_their_mirror_image_and_not_from_other_sines():
    lower, other = 1 - DATA.x, sines(300, 6, 2, seed=1).x
    assert discriminative((DATA.x, lower), (DATA.x, lower), 8, 150) > 0.4
    assert discriminative((DATA.x, other), (sines(999, 6, 2, 2).x, sines(999, 6, 2, 3).x), 4, 60) < 0.1


def test_the_accuracy_counts_both_halves_right(monkeypatch):
    """A judge that takes all for real is right on the real ones alone."""
    monkeypatch.setattr(module.Network, "__call__", lambda network, x: np.ones((len(x), 1)))
    assert discriminative((DATA.x, DATA.x), (DATA.x[:30], DATA.x[:10]), 2, 1) == pytest.approx(0.25)
    monkeypatch.setattr(module.Network, "__call__", lambda network, x: -np.ones((len(x), 1)))
    assert discriminative((DATA.x, DATA.x), (DATA.x[:30], DATA.x[:10]), 2, 1) == pytest.approx(0.25)


def test_the_error_of_prediction_is_that_of_the_last_column_one_step_on(monkeypatch):
    monkeypatch.setattr(module.Network, "__call__", lambda network, x: np.full((*x.shape[:2], 1), 0.25))
    found = predictive(DATA.x, DATA.x, 2, 1)
    assert found == pytest.approx(abs(DATA.x[:, 1:, 1] - 0.25).mean())


def test_it_learns_from_samples_alone_what_it_predicts():
    """The last column is the first one of a step before: learned from such samples, and not from others."""
    x = np.random.default_rng(2).random((400, 7, 1), dtype="float32")
    echo = np.concatenate((x[:, 1:], x[:, :-1]), axis=2)
    wrong = echo[:, :, ::-1].copy()
    assert predictive(echo, echo[:50], 6, 200) < 0.22 < 0.23 < predictive(wrong, echo[:50], 6, 200)


def test_a_single_column_predicts_itself():
    assert predictive(sines(100, 5, 1).x, sines(100, 5, 1, 1).x, 3, 200) < 0.2


@pytest.mark.parametrize("apart", [1, 5])
def test_what_the_harder_judge_is_tested_on_shares_no_row_with_what_it_learns(apart):
    rows = [set(range(i, i + apart)) for i in range(50)]
    tested = []
    for r in range(5):
        learn, test = blocks(50, r, apart)
        seen = set().union(*(rows[i] for i in learn))
        assert not any(rows[i] & seen for i in test) and len(learn) >= 50 - 10 - 2 * (apart - 1)
        tested += list(test)
    assert sorted(tested) == list(range(50))
    learn, test = shares(np.random.default_rng(0), 50)
    assert len(learn) == 40 and sorted([*learn, *test]) == list(range(50))


@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize("samples", [None, DATA.x[:60]])
def test_scores_are_pairs_and_the_same_for_the_same_seed(hard, samples):
    found = scores(DATA, samples, 2, seed=1, hard=hard, steps=3)
    assert np.shape(found) == (2, 2) and found == scores(DATA, samples, 2, seed=1, hard=hard, steps=3)
    assert found[0] != found[1] and all(0 <= score <= 0.5 for score, _ in found)


def test_the_judge_has_half_as_many_units_as_columns_or_64(monkeypatch):
    seen = []
    monkeypatch.setattr(module, "discriminative", lambda learn, test, *rest: seen.append(rest[:2]) or 0.0)
    monkeypatch.setattr(module, "predictive", lambda fake, real, *rest: seen.append(rest[:2]) or 0.0)
    x = np.random.default_rng(0).random((20, 3, 7), dtype="float32")
    wide = Sequences("wide", x, tuple("abcdefg"), (0,) * 7, (1,) * 7)
    scores(wide, None, 1)
    scores(wide, None, 1, hard=True)
    assert seen == [(3, 2000), (3, 5000), (64, 2000), (64, 5000)]


def test_samples_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"expected at least ten of \(6, 2\)"):
        scores(DATA, np.zeros((20, 5, 2), "float32"), 1)


def test_mmd_is_the_mean_over_pairs_of_two():
    """By hand: one number in each, 0 and 1 against 3 and 7. The distances are 1, 3, 7, 2, 6, 4, their median 3.5."""
    x, y = np.array([[0.0], [1.0]])[:, None], np.array([[3.0], [7.0]])[:, None]
    for sigma, s in (None, 3.5), (2.0, 2.0):
        k1, k2, k3, k4, k6, k7 = np.exp(-(np.array([1, 2, 3, 4, 6, 7]) ** 2) / (2 * s**2))
        assert mmd(x, y, sigma) == pytest.approx(k1 + k4 - (k3 + k7 + k2 + k6) / 2, rel=1e-12)


@pytest.mark.slow
def test_mmd_of_normal_numbers_is_what_the_integral_says():
    """Of N(0, 1) and N(d, 1) in one dimension: 2 s (1 - exp(-d^2 / 2 (s^2 + 2))) / sqrt(s^2 + 2)."""
    rng, s = np.random.default_rng(3), 1.5
    far, near = (mmd(rng.standard_normal((1500, 1, 1)), d + rng.standard_normal((1500, 1, 1)), s) for d in (1.0, 0.0))
    v = s**2 + 2
    assert far == pytest.approx(2 * s / v**0.5 * (1 - np.exp(-1 / (2 * v))), rel=0.1) and abs(near) < 0.002


@pytest.mark.parametrize(
    ("samples", "sigma", "message"),
    [
        (DATA.x[:, :, :1], None, "expected"),
        (DATA.x[:1], None, "samples"),
        (DATA.x, 0, "sigma"),
        (np.repeat(DATA.x[:1], 1000, axis=0), None, "sigma=0.0"),
    ],
)
def test_mmd_refuses_what_it_cannot_compare(samples, sigma, message):
    with pytest.raises(ValueError, match=f"mmd.*{message}"):
        mmd(DATA.x[:20], samples, sigma)
