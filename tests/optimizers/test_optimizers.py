import copy
import math
import pickle

import pytest

from minigan import SGD, Adam, Dense, ExponentialMovingAverage, Network
from minigan.optimizers import Cosine


def network_of(dtype="float64"):
    return Network(Dense(6, 5), dtype=dtype)


class Doubled:
    """Something of one's own between gradient and step."""

    def __init__(self):
        self.seen = []

    def __call__(self, network):
        self.seen.append((network, float(network.theta[0]), float(network.dtheta[0])))
        network.dtheta *= 2


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
        (lambda n: SGD(n, 0.1, momentum=-0.5), r"SGD: momentum must lie in \[0, 1\), not -0.5"),
        (lambda n: Adam(n, beta2=-0.1), r"Adam: beta2 must lie in \[0, 1\), not -0.1"),
        (lambda n: Adam(n, eps=0), "Adam: eps must be positive and finite, not 0"),
        (lambda n: ExponentialMovingAverage(n, 0.0), r"ExponentialMovingAverage: decay must lie in \(0, 1\), not 0.0"),
        (lambda n: ExponentialMovingAverage(n, 1), r"ExponentialMovingAverage: decay must lie in \(0, 1\), not 1"),
        (lambda n: Cosine("a", 0.2, 5), "Cosine: start must be finite, not 'a'"),
    ],
)
def test_a_constant_out_of_range_is_refused_in_words(make, words):
    with pytest.raises(ValueError, match=f"^{words}$"):
        make(network_of())
