"""The theorems of Goodfellow et al. (2014), compared with what the players do; draw_theory.py draws the same."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loading import script
from matplotlib.image import imread

from minigan import Dense, Network
from minigan.data.toys import Mixture, toy
from minigan.objectives import EQUILIBRIUM

pytestmark = pytest.mark.docs
ROOT = Path(__file__).resolve().parents[2]
QUICK = settings(deadline=None, max_examples=25)


@pytest.fixture(scope="module")
def theory():
    """scripts/reports/draw_theory.py as a module."""
    return script("draw_theory")


@pytest.fixture(scope="module")
def trained(theory):
    """A discriminator that saw samples of p and q only."""
    return theory.fit_discriminator(theory.P, theory.Q, rounds=800, n=500)


def densities(theory):
    return theory.P.density(theory.X), theory.Q.density(theory.X)


def test_the_best_value_is_the_divergence(theory):
    for p, q in densities(theory), (toy("gaussian").density(theory.X), toy("two-gaussians").density(theory.X)):
        best = theory.value_of(p, q, theory.best_discriminator(p, q))
        np.testing.assert_allclose(best, EQUILIBRIUM + 2 * theory.jensen_shannon(p, q), rtol=1e-12)


def test_the_divergence_is_zero_for_equals_symmetric_and_at_most_log_2(theory):
    p, q = densities(theory)
    assert abs(theory.jensen_shannon(p, p)) < 1e-15
    np.testing.assert_allclose(theory.jensen_shannon(p, q), theory.jensen_shannon(q, p), rtol=1e-13)
    apart = (Mixture("a", [[c]], 0.1).density(theory.X) for c in (-5.0, 5.0))
    np.testing.assert_allclose(theory.jensen_shannon(*apart), math.log(2), rtol=1e-9)


@QUICK
@given(st.floats(-3, 3), st.floats(-3, 3), st.floats(0.1, 5))
def test_no_other_discriminator_does_better(theory, shift, slope, wave):
    p, q = densities(theory)
    x = theory.X[:, 0]
    a = np.log((p + 1e-300) / (q + 1e-300)).clip(-30, 30)
    other = theory.value_of(p, q, 1 / (1 + np.exp(-(a + shift + slope * np.sin(wave * x)))))
    best = theory.value_of(p, q, theory.best_discriminator(p, q))
    assert other <= best + 1e-12
    if abs(shift) > 0.1:
        assert other < best - 1e-6


@QUICK
@given(st.floats(-2, 2), st.floats(0.1, 5))
def test_no_other_function_gives_more_of_the_kullback_leibler_divergence(theory, shift, wave):
    p, q = densities(theory)
    best = 1 + np.log((p + 1e-300) / (q + 1e-300)).clip(-30, 30)
    exact = theory.kullback_leibler(p, q)
    np.testing.assert_allclose(theory.kullback_leibler_from_below(p, q, best), exact, rtol=1e-6)
    other = theory.kullback_leibler_from_below(p, q, best + shift * np.cos(wave * theory.X[:, 0]))
    assert other <= exact + 1e-9 and (abs(shift) < 0.1 or other < exact - 1e-5)


@QUICK
@given(st.floats(-2, 2), st.floats(0.3, 2))
def test_the_best_critic_of_slope_one_gives_the_wasserstein_distance_and_no_other_gives_more(theory, mean, width):
    p, q = theory.P.density(theory.X), Mixture("q", [[mean]], width).density(theory.X)
    distance, a = theory.wasserstein(p, q), theory.best_critic(p, q)
    np.testing.assert_allclose(theory.integral((p - q) * a), distance, rtol=1e-4)
    assert theory.integral((p - q) * np.sin(theory.X[:, 0])) < distance
    shifted = Mixture("r", [[-1.0 + 0.7], [1.5 + 0.7]], [0.4, 0.6], [0.4, 0.6]).density(theory.X)
    np.testing.assert_allclose(theory.wasserstein(p, shifted), 0.7, rtol=1e-6)


def test_the_trained_discriminator_approaches_the_best(theory, trained):
    p, q = densities(theory)
    assert 1e-4 < theory.distance_from_best(trained, p, q) <= 0.02


def test_its_value_on_samples_is_the_integral(theory, trained):
    p, q = densities(theory)
    exact = theory.value_of(p, q, theory.best_discriminator(p, q))
    assert -1.25 < exact < -1.1  # far from -log 4, so that one percent says something
    found = theory.value_on_samples(trained, theory.P.sample(200_000, 9, 1), theory.Q.sample(200_000, 9, 2))
    np.testing.assert_allclose(found, exact, rtol=0.01)


def check_gaussian_game(theory, game, mean, std, within=0.03):
    """Mean and deviation within 3 %, V within 2 % of -log 4, D within 0.02 of 1/2 where samples are."""
    p = toy("gaussian")
    np.testing.assert_allclose(mean, p.mean[0], rtol=within)
    np.testing.assert_allclose(std, p.std[0], rtol=within)
    np.testing.assert_allclose(game.V[-len(game.V) // 10 :].mean(), EQUILIBRIUM, rtol=0.02)
    density = p.density(theory.X)
    assert theory.integral(abs(theory.belief(game.gan.discriminator) - 0.5) * density) < 0.02


def test_an_affine_generator_learns_mean_and_deviation_of_a_gaussian(theory):
    game = theory.play_gaussian(Network(Dense(1, 1), seed=0), rounds=1500)
    W, b = game.gan.generator.theta
    check_gaussian_game(theory, game, b, abs(W))
    assert abs(game.mean[0] - 1) > 0.5 and game.V.max() > -1.2  # it had to learn, and D did see the difference
    p, q = toy("gaussian").density(theory.X), Mixture("q", [[b]], abs(W)).density(theory.X)
    assert 0 <= 2 * theory.jensen_shannon(p, q) < 0.002


def test_both_losses_of_the_generator_pull_each_logit_the_same_way(theory):
    a = np.linspace(-20, 20, 401)
    saturating, heuristic = theory.slopes(a)
    D, not_d = 1 / (1 + np.exp(-a)), 1 / (1 + np.exp(a))
    np.testing.assert_allclose(saturating, -D, rtol=1e-8)
    np.testing.assert_allclose(heuristic, -not_d, rtol=1e-8)
    middle = abs(a) < 10
    np.testing.assert_allclose((saturating / heuristic)[middle], (D / not_d)[middle], rtol=1e-11)


STARTS = st.tuples(st.floats(-2, 2), st.floats(-2, 2)).filter(lambda w: math.hypot(*w) > 0.1)


@QUICK
@given(STARTS, st.floats(0.05, 1.0))
def test_simultaneous_steps_spiral_out_alternating_ones_stay_and_their_average_arrives(theory, start, lr):
    steps = 200
    course = theory.play_bilinear(steps, lr, alternate=False, start=start)
    expected = (course[0] ** 2).sum() * (1 + lr * lr) ** np.arange(steps + 1)
    np.testing.assert_allclose((course**2).sum(axis=1), expected, rtol=1e-11)
    course = theory.play_bilinear(steps, lr, alternate=True, start=start)
    form = theory.conserved(course, lr)
    np.testing.assert_allclose(form, form[0], rtol=1e-11)
    largest = np.linalg.norm(course, axis=1).max()
    assert largest**2 <= form[0] / (1 - lr / 2) * (1 + 1e-11)
    assert np.linalg.norm(course[1:] - course[:-1], axis=1).max() > 0.01 * lr  # it does move
    average = course[1:, 0].mean(), course[:-1, 1].mean()
    assert math.hypot(*average) <= 2 * largest / (lr * steps) * (1 + 1e-9)


def test_the_page_is_drawn_and_its_figures_are_those_of_the_repository(theory, tmp_path, capsys):
    page = (ROOT / "docs" / "theory.md").read_text()
    (tmp_path / "theory.md").write_text(page)
    assert theory.main(["--out", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    for name in "best", "equilibrium", "gradients", "divergences", "bilinear":
        assert f"{name}\n| | measured | theory |" in said
        assert imread(tmp_path / "theory" / f"{name}.png").shape[0] == 360
    drawn = (tmp_path / "theory.md").read_text()
    assert drawn.count("![") == 5
    assert drawn.splitlines()[:10] == page.splitlines()[:10]
