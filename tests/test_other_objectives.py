"""The games after 2014: each loss against its formula, each derivative against differences, each game played."""

import numpy as np
import pytest

from minigan import (
    GAN,
    SGD,
    Dense,
    FeatureMatching,
    Hinge,
    LeakyReLU,
    LeastSquares,
    Network,
    Objective,
    RelativisticAverage,
    SpectralNorm,
    Tanh,
    Wasserstein,
    xp,
)  # fmt: skip
from minigan.backend import to_numpy
from minigan.gradcheck import assert_gradients, gradcheck
from minigan.losses import sigmoid

pytestmark = pytest.mark.usefixtures("each_backend")

OBJECTIVES = [LeastSquares(), Wasserstein(), Hinge(), RelativisticAverage()]
each_objective = pytest.mark.parametrize("objective", OBJECTIVES, ids=repr)


@pytest.fixture
def outputs(rng):
    """(a_real, a_fake), unequal in number."""
    return xp.asarray(rng.standard_normal((6, 1))), xp.asarray(rng.standard_normal((4, 1)))


@each_objective
def test_each_derivative_agrees_with_central_differences(objective, outputs):
    a_real, a_fake = outputs
    assert_gradients(objective.discriminator, a_real, a_fake)
    assert_gradients(objective.generator, a_fake, *([a_real] if objective.sees_real else []))


def test_each_loss_is_that_of_its_paper(outputs):
    a, b = (to_numpy(x) for x in outputs)

    def log_sigmoid(x):
        return -np.log1p(np.exp(-x))

    u, w = a - b.mean(), b - a.mean()
    expected = {
        "LeastSquares": (((a - 1) ** 2).mean() / 2 + (b**2).mean() / 2, ((b - 1) ** 2).mean() / 2),
        "Wasserstein": (b.mean() - a.mean(), -b.mean()),
        "Hinge": (np.maximum(0, 1 - a).mean() + np.maximum(0, 1 + b).mean(), -b.mean()),
        "RelativisticAverage": (
            -log_sigmoid(u).mean() - log_sigmoid(-w).mean(), -log_sigmoid(w).mean() - log_sigmoid(-u).mean(),
        ),
    }  # fmt: skip
    for objective in OBJECTIVES:
        loss_d, loss_g = expected[type(objective).__name__]
        given = outputs[::-1] if objective.sees_real else outputs[1:]
        assert float(objective.discriminator(*outputs)[0]) == pytest.approx(loss_d, rel=1e-12)
        assert float(objective.generator(*given)[0]) == pytest.approx(loss_g, rel=1e-12)


@each_objective
def test_at_equilibrium_the_value_is_the_one_that_it_names(objective):
    """Where D gives both kinds the answer that it must give when it cannot tell them apart."""
    answer = 0.5 if isinstance(objective, LeastSquares) else 0.0
    same = xp.full((5, 1), answer)
    loss, da_real, da_fake = objective.discriminator(same, same)
    assert float(objective.value(loss, same, same)) == pytest.approx(objective.equilibrium, rel=1e-12)
    assert to_numpy(da_real + da_fake) == pytest.approx(0, abs=1e-12)  # and D has no reason to move


def players(dtype="float64", width=4):
    G = Network(Dense(3, 5), Tanh(), Dense(5, 4), Tanh(), seed=1, dtype=dtype)
    D = Network(Dense(width, 6), Tanh(), Dense(6, 5), LeakyReLU(), Dense(5, 1), seed=2, dtype=dtype)
    return G, D


@pytest.mark.parametrize("objective", [*OBJECTIVES, FeatureMatching(1), FeatureMatching(-2)], ids=repr)
def test_theta_g_agrees_with_differences_of_gs_loss_through_d(objective, rng, numeric, relative_error):
    G, D = players()
    gan = GAN(G, D, objective, generator_optimizer=SGD(G, 1e-30), discriminator_optimizer=SGD(D, 1e-30))
    x = xp.asarray(rng.standard_normal((7, 4)))
    gan.discriminator_step(x)
    z = gan.latent_points(7, 0, 2)
    D.dtheta[...] = 7
    found, d_fake = gan.generator_step(7)

    def features(x):
        for layer in D.layers[: len(D.layers) + objective.layer + 1 if objective.layer < 0 else objective.layer + 1]:
            x = layer.forward(x)
        return x.copy()

    def loss():
        fake = features(G.forward(z))
        return objective.generator(fake, features(x))[0] if objective.sees_real else objective.generator(fake)[0]

    assert float(found) == pytest.approx(float(loss()), rel=1e-12) and d_fake.shape == (7, 1)
    gradients = [gradient.copy() for _, _, gradient in G.parameters()]
    for gradient, (name, parameter, _) in zip(gradients, G.parameters(), strict=True):
        assert relative_error(gradient, numeric(loss, parameter)) <= 1e-6, name
    assert (D.dtheta == 7).all()


@pytest.mark.parametrize("objective", [*OBJECTIVES, FeatureMatching(1), Wasserstein(0.01)], ids=repr)
def test_a_game_is_played_in_float32_and_moves_both(objective, rng):
    gan = GAN(*players("float32"), objective)
    before = [network.theta.copy() for _, network, _ in gan.players()]
    for _ in range(3):
        seen = gan.step(xp.asarray(rng.standard_normal((8, 4)), dtype="float32"))
    assert {a.dtype for a in seen} == {np.dtype("float32")} and all(np.isfinite(float(a)) for a in seen)
    assert all((old != network.theta).any() for old, (_, network, _) in zip(before, gan.players(), strict=True))
    assert 0 <= float(seen.d_real) <= 1 and 0 <= float(seen.accuracy) <= 1


def test_weight_clipping_puts_theta_back_after_each_step(rng):
    G, D = players("float32")
    assert abs(D.theta).max() > 0.02
    gan = GAN(G, D, Wasserstein(clip=0.02))
    for _ in range(3):
        gan.step(xp.asarray(rng.standard_normal((8, 4)), dtype="float32"))
        assert float(abs(D.theta).max()) == pytest.approx(0.02)
    assert float(abs(G.theta).max()) > 0.02


def test_packing_judges_several_samples_at_once(rng, numeric, relative_error):
    G, D = players(width=8)
    gan = GAN(G, D, generator_optimizer=SGD(G, 1e-30), discriminator_optimizer=SGD(D, 1e-30))
    assert gan.pack == 2 and GAN(*players()).pack == 1
    x = xp.asarray(rng.standard_normal((6, 4)))
    _, _, d_real, d_fake = gan.discriminator_step(x)
    assert d_real.shape == d_fake.shape == (3, 1)
    assert to_numpy(d_real) == pytest.approx(to_numpy(sigmoid(D(x.reshape(3, 8)))), rel=1e-12)
    z = gan.latent_points(6, 0, 2)
    gan.generator_step(6)
    for name, parameter, gradient in G.parameters():
        kept = gradient.copy()
        wanted = numeric(lambda: gan.objective.generator(D.forward(G.forward(z).reshape(3, 8)))[0], parameter)
        assert relative_error(kept, wanted) <= 1e-6, name


def test_a_wasserstein_clip_that_is_no_positive_number_is_refused():
    with pytest.raises(ValueError, match=r"Wasserstein\(clip=0\): expected a positive number, or None"):
        Wasserstein(0)


def test_an_objective_of_ones_own_is_one_class_and_no_other_change(rng):
    class Boundary(Objective):
        """G wants D undecided: E[a(G(z))^2] / 2      (Hjelm et al. 2018, in spirit)"""

        def discriminator(self, a_real, a_fake):
            return Wasserstein().discriminator(a_real, a_fake)

        def generator(self, a_fake):
            return (a_fake * a_fake).mean() / 2, a_fake / a_fake.size

    gan = GAN(*players("float32"), Boundary())
    seen = gan.step(xp.asarray(rng.standard_normal((8, 4)), dtype="float32"))
    assert float(seen.V) == -float(seen.loss_d)


def test_the_derivative_through_sigma_is_exact_at_the_singular_vectors(rng, numeric, relative_error):
    """dW against differences of a loss whose sigma is the largest singular value itself."""
    network = Network(SpectralNorm(5, 4), dtype="float64")
    layer = network.layers[0]
    x, dy = xp.asarray(rng.standard_normal((7, 5))), xp.asarray(rng.standard_normal((7, 4)))
    for _ in range(500):
        network.forward(x, training=True)
    network.forward(x)
    network.backward(dy)
    assert float(layer.sigma) == pytest.approx(np.linalg.svd(to_numpy(layer.W), compute_uv=False)[0], rel=1e-9)

    def loss():
        sigma = np.linalg.svd(to_numpy(layer.W), compute_uv=False)[0]
        return ((x @ layer.W / sigma + layer.b) * dy).sum()

    assert relative_error(layer.dW.copy(), numeric(loss, layer.W)) <= 1e-6


@pytest.mark.parametrize("method", ["central", "complex"])
def test_spectral_norm_passes_the_gradient_check_with_any_vectors(method, rng):
    report = gradcheck(SpectralNorm(5, 4), rng.standard_normal((7, 5)), method=method)
    assert report.ok and max(row.error for row in report.rows) <= (1e-7 if method == "central" else 1e-11)


def test_spectral_norm_bounds_the_stretch_after_a_few_rounds(rng):
    network = Network(SpectralNorm(30, 20), dtype="float64")
    x = xp.asarray(rng.standard_normal((9, 30)))
    for _ in range(100):
        network.forward(x, training=True)
    layer = network.layers[0]
    stretched = np.linalg.svd(to_numpy(layer.W) / float(layer.sigma), compute_uv=False)[0]
    assert stretched == pytest.approx(1, abs=1e-3)
    assert list(network.state()) == ["0.u", "0.v"] and repr(layer) == "SpectralNorm(30, 20)"
