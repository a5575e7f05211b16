"""Tangents and second derivatives by hand, and the penalties that are made of them."""

import numpy as np
import pytest

from minigan import (
    GAN,
    R1,
    R2,
    SGD,
    BatchNorm,
    Dense,
    Dropout,
    Flatten,
    InstanceNoise,
    LayerNorm,
    LeakyReLU,
    Maxout,
    Network,
    Penalty,
    ReLU,
    Reshape,
    Sigmoid,
    SlopeBound,
    SpectralNorm,
    Tanh,
    UnitSlope,
    backward_tangent,
    forward_tangent,
    xp,
)  # fmt: skip
from minigan.backend import generator, to_numpy
from minigan.gan import PENALTY
from minigan.gradcheck import check_game
from minigan.layers import Layer
from minigan.second_order_check import check_penalty, check_second_order
from minigan.tangents import curved_backward, dense_backward, element_wise_forward, piecewise_linear_backward

pytestmark = pytest.mark.usefixtures("each_backend")

LAYERS = {
    "Dense": (lambda: Dense(5, 4), (5,)),
    "SpectralNorm": (lambda: SpectralNorm(5, 4), (5,)),
    "LeakyReLU": (LeakyReLU, (5,)),
    "ReLU": (ReLU, (5,)),
    "Tanh": (Tanh, (5,)),
    "Sigmoid": (Sigmoid, (5,)),
    "Maxout": (lambda: Maxout(6, 2), (6,)),
    "Dropout": (lambda: Dropout(0.4), (5,)),
    "InstanceNoise": (lambda: InstanceNoise(0.3), (5,)),
    "LayerNorm": (lambda: LayerNorm(5), (5,)),
    "BatchNorm": (lambda: BatchNorm(5), (5,)),
    "Flatten": (lambda: Flatten(2, 3), (2, 3)),
    "Reshape": (lambda: Reshape(2, 3), (6,)),
}
CRITICS = {
    "smooth": lambda: Network(Dense(4, 6), Tanh(), Dense(6, 5), Sigmoid(), Dense(5, 1), seed=1, dtype="float64"),
    "kinked": lambda: Network(Dense(4, 6), LeakyReLU(), Dense(6, 6), ReLU(), Dense(6, 1), seed=1, dtype="float64"),
    "normalized": lambda: Network(Dense(4, 6), LayerNorm(6), Tanh(), Dense(6, 1), seed=1, dtype="float64"),
    "masked": lambda: Network(
        InstanceNoise(0.1), Dense(4, 6), Tanh(), Dropout(0.3), Dense(6, 6), Maxout(6, 3), SpectralNorm(3, 1),
        seed=1, dtype="float64",
    ),
}  # fmt: skip
each_critic = pytest.mark.parametrize("critic", [pytest.param(make, id=name) for name, make in CRITICS.items()])


def critic_and_points(make, rng, n=7):
    network = make()
    network.theta[...] += xp.asarray(0.3 * rng.standard_normal(network.theta.shape))
    return network, xp.asarray(rng.standard_normal((n, 4)))


def worst(report):
    assert report.ok, report
    return max(row.error for row in report.rows)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", LAYERS)
def test_each_layers_second_order_agrees_with_differences_of_its_first(name, training, rng):
    make, shape = LAYERS[name]
    if name == "SpectralNorm" and training:
        pytest.skip("its vectors move with each training forward")
    assert worst(check_second_order(make(), rng.standard_normal((7, *shape)), training=training)) <= 1e-6


@each_critic
@pytest.mark.parametrize("penalty", [R1(2.0), R2(0.5), UnitSlope(10.0), SlopeBound(10.0)], ids=repr)
def test_the_derivative_of_a_penalty_agrees_with_differences_of_its_value(critic, penalty, rng):
    network, x = critic_and_points(critic, rng)
    for layer in network.layers:
        if isinstance(layer, SpectralNorm):  # to its singular vectors, where its derivative is exact in training too
            for _ in range(200):
                layer.forward(xp.ones((2, layer.n_in)), training=True)
    assert worst(check_penalty(penalty, network, x)) <= 1e-6


@each_critic
def test_the_hessian_is_symmetric_and_its_product_is_the_gradients_difference(critic, rng):
    network, x = critic_and_points(critic, rng)
    u, v = (xp.asarray(rng.standard_normal(x.shape)) for _ in range(2))
    ones = xp.ones((len(x), 1))

    def hessian_times(v):
        network.forward(x)
        forward_tangent(network, v)
        _, product = backward_tangent(network, ones, wrt="input")
        return xp.zeros_like(x) if product is None else product.copy()

    def gradient(x):
        network.forward(x)
        return network.backward(ones, wrt="input").copy()

    Hv, Hu, eps = hessian_times(v), hessian_times(u), 1e-5
    assert abs(float((u * Hv).sum() - (v * Hu).sum())) <= 1e-9
    assert to_numpy(Hv) == pytest.approx(to_numpy(gradient(x + eps * v) - gradient(x - eps * v)) / (2 * eps), abs=1e-7)
    assert bool(Hv.any()) == any(isinstance(layer, Tanh | Sigmoid | LayerNorm) for layer in network.layers)


def test_a_tangent_is_the_directional_derivative_of_each_sample(rng):
    network, x = critic_and_points(CRITICS["smooth"], rng)
    v = xp.asarray(rng.standard_normal(x.shape))
    a = network.forward(x)
    g = network.backward(xp.ones_like(a), wrt="input").copy()
    assert to_numpy(forward_tangent(network, v)[:, 0]) == pytest.approx(to_numpy((g * v).sum(axis=1)), rel=1e-12)


def test_the_penalty_of_a_linear_critic_has_a_closed_form(rng):
    """D(x) = x W_1 W_2 has the gradient w = W_1 W_2 everywhere: R1 is weight/2 |w|^2, with dW_1 = weight w W_2.T."""
    network, x = critic_and_points(lambda: Network(Dense(4, 3), Dense(3, 1), dtype="float64"), rng)
    first, second = network.layers
    w = first.W @ second.W
    length = float(xp.sqrt((w * w).sum()))
    assert float(R1(3.0).gradient(network, x)) == pytest.approx(1.5 * length**2, rel=1e-12)
    assert to_numpy(first.dW) == pytest.approx(to_numpy(3 * w @ second.W.T), rel=1e-12)
    assert to_numpy(second.dW) == pytest.approx(to_numpy(3 * first.W.T @ w), rel=1e-12)
    assert not first.db.any() and not second.db.any()
    assert float(UnitSlope(5.0).gradient(network, x)) == pytest.approx(5 * (length - 1) ** 2, rel=1e-9)
    factor = 10 * (length - 1) / length
    assert to_numpy(first.dW) == pytest.approx(factor * to_numpy(w @ second.W.T), rel=1e-9)


def test_a_slope_of_zero_has_a_finite_penalty():
    network = Network(Dense(4, 1), dtype="float64")
    network.theta[...] = 0
    value = UnitSlope(10.0).gradient(network, xp.ones((3, 4)))
    assert float(value) == pytest.approx(10, rel=1e-5) and bool(xp.isfinite(network.dtheta).all())


def test_where_each_penalty_looks(rng):
    real, fake = xp.ones((500, 3)), xp.zeros((500, 3))
    generator = np.random.default_rng(0)
    assert R1(1.0).points(real, fake, generator) is real and R2(1.0).points(real, fake, generator) is fake
    if isinstance(real, np.ndarray):
        between = UnitSlope(1.0).points(real, fake, generator)
        assert (between[:, 0] == between[:, 2]).all() and 0.4 < between.mean() < 0.6
        assert 0 <= between.min() < 0.02 and 0.98 < between.max() <= 1


class Clumsy(Tanh):
    """Forgets that tanh bends."""


backward_tangent.register(Clumsy, piecewise_linear_backward)


class Transposed(Dense):
    """Leaves the tangent out of dW."""


@backward_tangent.register(Transposed)
def transposed_backward(layer, dty, dy=None, wrt="both"):
    dtx, dx = dense_backward(layer, dty, dy, wrt)
    layer.dW -= layer.tx.T @ dty
    return dtx, dx


class Halved(Dense):
    """Gives half of dtx."""


@backward_tangent.register(Halved)
def halved_backward(layer, dty, dy=None, wrt="both"):
    dtx, dx = dense_backward(layer, dty, dy, wrt)
    return dtx / 2, dx


WRONG = [(Clumsy(), ["x"]), (Transposed(5, 4), ["0.W"]), (Halved(5, 4), ["tx"])]


@pytest.mark.parametrize("layer, failing", WRONG)
def test_a_wrong_second_derivative_is_found(layer, failing, rng):
    report = check_second_order(layer, rng.standard_normal((7, 5)))
    assert [row.name for row in report.rows if row.verdict == "FAIL"] == failing


def test_a_wrong_penalty_is_found(rng):
    class Halved(R1):
        def phi(self, squares):
            value, slope = super().phi(squares)
            return value, slope / 2

    network, x = critic_and_points(CRITICS["smooth"], rng)
    assert not check_penalty(Halved(1.0), network, x).ok


def game(**options):
    G = Network(Dense(3, 5), Tanh(), Dense(5, 4), Tanh(), seed=1, dtype="float64")
    D = Network(Dense(4, 6), Tanh(), Dense(6, 1), seed=2, dtype="float64")
    return GAN(G, D, seed=3, discriminator_optimizer=SGD(D, 1.0), **options)


@pytest.mark.parametrize("penalty", [R1(2.0), R2(2.0), UnitSlope(2.0), SlopeBound(2.0)], ids=repr)
def test_ds_step_descends_its_loss_and_the_penalty_together(penalty, rng):
    x = xp.asarray(rng.standard_normal((6, 4)))
    plain, with_penalty = game(), game(penalty=penalty)
    before = plain.discriminator.theta.copy()
    loss, V, *_ = plain.discriminator_step(x)
    total, same_v, *_ = with_penalty.discriminator_step(x)
    twin = game(penalty=penalty)
    twin.discriminator_step(x)  # only for its batch
    twin.discriminator.theta[...] = before
    rng = generator(3, PENALTY, with_penalty.draws[0])
    value = penalty.gradient(twin.discriminator, penalty.points(twin.batch[:6], twin.batch[6:], rng))
    moved = before - with_penalty.discriminator.theta, before - plain.discriminator.theta
    assert to_numpy(moved[0] - moved[1]) == pytest.approx(to_numpy(twin.discriminator.dtheta), abs=1e-10)
    assert float(total - loss) == pytest.approx(float(value), rel=1e-9) and float(V) == float(same_v)


class Square(Layer):
    """y = x^2"""

    def forward(self, x, training=False):
        self.x = x
        return x * x

    def backward(self, dy, wrt="both"):
        return 2 * self.x * dy


class Parabola(Square):
    """The same, with tangents."""


forward_tangent.register(Parabola, element_wise_forward)


@backward_tangent.register(Parabola)
def parabola_backward(layer, dty, dy=None, wrt="both"):
    return curved_backward(layer, xp.full_like(layer.x, 2), dty, dy)


def test_a_layer_of_ones_own_joins_by_registering_its_two_pieces(rng):
    x = rng.standard_normal((7, 4))
    assert worst(check_second_order(Parabola(), x)) <= 1e-6
    network = Network(Dense(4, 3), Parabola(), Dense(3, 1), dtype="float64")
    assert worst(check_penalty(R1(1.0), network, x)) <= 1e-6


def test_a_layer_without_a_second_derivative_says_so():
    network = Network(Dense(4, 3), Square(), Dense(3, 1), dtype="float64")
    words = r"Square\(\) has no forward_tangent and backward_tangent: gradient penalties need both, see minigan"
    with pytest.raises(NotImplementedError, match=words):
        R1(1.0).gradient(network, xp.ones((2, 4)))
    with pytest.raises(NotImplementedError, match=words):
        backward_tangent(Square(), None)


@pytest.mark.parametrize("weight", [0, -1.0, float("inf"), float("nan")])
def test_a_weight_that_is_not_positive_is_refused(weight):
    with pytest.raises(ValueError, match="R1: the weight must be positive and finite"):
        R1(weight)


def test_a_penalty_of_ones_own_needs_phi():
    with pytest.raises(NotImplementedError, match=r"Penalty needs a phi\(squares\)"):
        Penalty(1.0).phi(xp.ones((2, 1)))


def test_the_check_of_a_game_says_what_it_cannot_check(rng):
    x, z = rng.standard_normal((5, 4)), rng.standard_normal((5, 3))
    with pytest.raises(ValueError, match=r"not NonSaturating\(\), penalty R1\(1.0\), pack 1: check the parts with"):
        check_game(game(penalty=R1(1.0)), x, z)
