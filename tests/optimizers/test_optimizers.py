import copy
import math
import pickle

import numpy as np
import pytest

from minigan import SGD, Adam, Dense, ExponentialMovingAverage, Network, to_numpy, xp
from minigan.optimizers import Cosine, Exponential, Linear

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


class Doubled:
    """Something of one's own between gradient and step."""

    def __init__(self):
        self.seen = []

    def __call__(self, network):
        self.seen.append((network, float(network.theta[0]), float(network.dtheta[0])))
        network.dtheta *= 2


def test_what_hangs_between_gradient_and_step_is_called_in_order_before_theta_moves():
    network = network_of()
    network.dtheta[:], start = 1.0, float(network.theta[0])
    optimizer, hung = SGD(network, lr=0.5), (Doubled(), Doubled())
    optimizer.between += hung
    optimizer.step()
    assert [one.seen for one in hung] == [[(network, start, 1.0)], [(network, start, 2.0)]]
    assert float(network.theta[0]) == start - 0.5 * 4


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda a: pickle.loads(pickle.dumps(a))], ids=["deepcopy", "pickle"])
def test_a_copy_goes_on_to_the_same_bits_and_watches_itself(twin):
    optimizer = Adam(network_of("float32"))
    optimizer.between.append(Doubled())
    optimizer.network.dtheta[:] = 1.0
    optimizer.step()
    other = twin(optimizer)
    for one in optimizer, other:
        one.network.dtheta[:] = 3.0
        one.step()
    assert (other.network.theta == optimizer.network.theta).all() and other.network is not optimizer.network
    for one in optimizer, other:
        (hung,) = one.between
        assert len(hung.seen) == 2 and hung.seen[-1][0] is one.network


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda n: SGD(n, 0), "SGD: the learning rate must be positive and finite, not 0"),
        (lambda n: Adam(n, lr=math.nan), "Adam: the learning rate must be positive and finite, not nan"),
        (lambda n: Adam(n, lr="fast"), "Adam: the learning rate must be positive and finite, not 'fast'"),
        (lambda n: Adam(n, lr=Linear(0.0, 1.0, 5)), "Adam: the learning rate must be positive and finite, not 0.0"),
        (lambda n: SGD(n, 0.1, momentum=1), r"SGD: momentum must lie in \[0, 1\), not 1"),
        (lambda n: SGD(n, 0.1, momentum=-0.5), r"SGD: momentum must lie in \[0, 1\), not -0.5"),
        (lambda n: Adam(n, beta1=1.0), r"Adam: beta1 must lie in \[0, 1\), not 1.0"),
        (
            lambda n: Adam(n, beta1=Linear(0.5, 0.9, 10)),
            r"Adam: beta1 must lie in \[0, 1\), not Linear\(0.5, 0.9, 10\)",
        ),
        (lambda n: Adam(n, beta2=-0.1), r"Adam: beta2 must lie in \[0, 1\), not -0.1"),
        (lambda n: Adam(n, eps=0), "Adam: eps must be positive and finite, not 0"),
        (lambda n: ExponentialMovingAverage(n, 0.0), r"ExponentialMovingAverage: decay must lie in \(0, 1\), not 0.0"),
        (lambda n: ExponentialMovingAverage(n, 1), r"ExponentialMovingAverage: decay must lie in \(0, 1\), not 1"),
        (lambda n: Linear(0.1, 0.2, 0), "Linear: updates must be positive and finite, not 0"),
        (lambda n: Cosine("a", 0.2, 5), "Cosine: start must be finite, not 'a'"),
        (lambda n: Exponential(1.0, 1.5), r"Exponential: factor must lie in \[0, 1\], not 1.5"),
    ],
)
def test_a_constant_out_of_range_is_refused_in_words(make, words):
    with pytest.raises(ValueError, match=f"^{words}$"):
        make(network_of())


@pytest.mark.parametrize("make", [lambda n: SGD(n, 0.1), Adam, lambda n: ExponentialMovingAverage(n, 0.9)])
@pytest.mark.parametrize("network", [None, Network, [1.0]])
def test_what_is_no_network_is_refused(make, network):
    with pytest.raises(TypeError, match=r"^(SGD|Adam|ExponentialMovingAverage): expected (the|a) Network .*, not"):
        make(network)
