import math

import numpy as np
import pytest

from minigan import SGD, Adam, Dense, Network, to_numpy, xp
from minigan.optimizers import Optimizer

pytestmark = pytest.mark.usefixtures("each_backend")


def textbook_sgd(theta, gradients, lr, momentum):
    v = 0
    for g in gradients:
        v = momentum * v - lr * g
        theta = theta + v
    return theta


def textbook_adam(theta, gradients, lr, beta1, beta2, eps):
    """Algorithm 1 of Kingma and Ba, line by line."""
    m = v = 0
    for t, g in enumerate(gradients, start=1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        theta = theta - lr * m_hat / (np.sqrt(v_hat) + eps)
    return theta


RULES = {
    "SGD": (SGD, textbook_sgd, {"lr": 0.1, "momentum": 0.0}),
    "SGD with momentum": (SGD, textbook_sgd, {"lr": 0.03, "momentum": 0.9}),
    "Adam of the GAN": (Adam, textbook_adam, {"lr": 2e-4, "beta1": 0.5, "beta2": 0.999, "eps": 1e-8}),
    "Adam of its paper": (Adam, textbook_adam, {"lr": 1e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}),
    "Adam, eps not small": (Adam, textbook_adam, {"lr": 1e-2, "beta1": 0.0, "beta2": 0.9, "eps": 0.1}),
}


def network_of(dtype="float64"):
    return Network(Dense(6, 5), dtype=dtype)


@pytest.mark.parametrize("name", RULES)
def test_many_steps_agree_with_the_textbook(name, rng):
    rule, textbook, constants = RULES[name]
    network = network_of()
    start = to_numpy(network.theta).copy()
    gradients = rng.standard_normal((200, start.size)) * 10.0 ** rng.uniform(-6, 2, start.size)
    optimizer = rule(network, **constants)
    for g in gradients:
        network.dtheta[:] = xp.asarray(g)
        optimizer.step()
    expected = textbook(start, gradients, **constants)
    np.testing.assert_allclose(to_numpy(network.theta) - start, expected - start, rtol=1e-12, atol=1e-12)
    assert optimizer.steps == 200


@pytest.mark.parametrize("name", RULES)
def test_float32_stays_float32_and_the_gradient_as_it_was(name, rng):
    rule, textbook, constants = RULES[name]
    network = network_of("float32")
    optimizer = rule(network, **constants)
    g = rng.standard_normal(network.theta.shape).astype("float32")
    start, theta = to_numpy(network.theta).astype("float64"), network.theta
    network.dtheta[:] = xp.asarray(g)
    optimizer.step()
    assert network.theta is theta and theta.dtype == "float32"
    assert {a.dtype.name for a in vars(optimizer).values() if isinstance(a, xp.ndarray)} == {"float32"}
    assert (to_numpy(network.dtheta) == g).all()
    np.testing.assert_allclose(
        to_numpy(theta), textbook(start, [g.astype("float64")], **constants), rtol=1e-6, atol=1e-7
    )


def test_the_defaults_are_those_of_the_gan():
    network = network_of()
    adam, sgd = Adam(network), SGD(network, 0.1)
    assert (adam.lr, adam.beta1, adam.beta2, adam.eps, sgd.momentum) == (2e-4, 0.5, 0.999, 1e-8, 0)


def test_the_first_step_of_adam_is_lr_whatever_the_scale_of_the_gradient():
    network = network_of()
    g = np.tile([1e-3, -1e-3, 1e3, -1e3, 1.0], 7)
    network.dtheta[:] = xp.asarray(g)
    start = network.theta.copy()
    Adam(network, lr=0.01).step()
    np.testing.assert_allclose(to_numpy(network.theta - start), -0.01 * np.sign(g), rtol=1.1e-5)


def test_momentum_carries_on_where_the_gradient_is_gone():
    network = network_of()
    optimizer = SGD(network, lr=1.0, momentum=0.5)
    start = network.theta.copy()
    for g in (1.0, 0.0, 0.0):
        network.dtheta[:] = g
        optimizer.step()
    np.testing.assert_allclose(to_numpy(network.theta - start), -(1 + 0.5 + 0.25), rtol=1e-12)


@pytest.mark.parametrize("rule", [SGD, Adam])
def test_a_quadratic_is_minimized(rule):
    network = network_of()
    optimizer = rule(network, lr=0.05)
    for _ in range(400):
        network.dtheta[:] = 2 * (network.theta - 3.0)
        optimizer.step()
    assert abs(network.theta - 3.0).max() < 1e-2


@pytest.mark.parametrize("rule", [SGD, Adam])
def test_the_learning_rate_may_change_between_steps(rule):
    network = network_of()
    network.dtheta[:] = 1.0
    optimizer = rule(network, lr=0.1)
    optimizer.lr = 0.001
    start = network.theta.copy()
    optimizer.step()
    np.testing.assert_allclose(to_numpy(network.theta - start), -0.001, rtol=1e-6)


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda n: SGD(n, 0), "SGD: the learning rate must be positive and finite, not 0"),
        (lambda n: SGD(n, -0.1), "SGD: the learning rate must be positive and finite, not -0.1"),
        (lambda n: Adam(n, lr=-1), "Adam: the learning rate must be positive and finite, not -1"),
        (lambda n: Adam(n, lr=math.nan), "Adam: the learning rate must be positive and finite, not nan"),
        (lambda n: SGD(n, 0.1, momentum=1), r"SGD: momentum must lie in \[0, 1\), not 1"),
        (lambda n: SGD(n, 0.1, momentum=-0.5), r"SGD: momentum must lie in \[0, 1\), not -0.5"),
        (lambda n: Adam(n, beta1=1.0), r"Adam: beta1 must lie in \[0, 1\), not 1.0"),
        (lambda n: Adam(n, beta2=-0.1), r"Adam: beta2 must lie in \[0, 1\), not -0.1"),
        (lambda n: Adam(n, eps=0), "Adam: eps must be positive, not 0"),
    ],
)
def test_a_constant_out_of_range_is_refused_in_words(make, words):
    with pytest.raises(ValueError, match=words):
        make(network_of())


def test_a_rule_without_update_says_so():
    with pytest.raises(NotImplementedError, match="Optimizer needs an update"):
        Optimizer(network_of(), 0.1).step()
