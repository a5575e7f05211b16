"""What each operation computes on a device: NumPy's numbers, in float32 as they are, and nothing of it on the host."""

import numpy as np
import pytest
from subjects import LAYERS, OBJECTIVES, PENALTIES, WITHOUT_SECOND, N, Y, draw, players

import minigan as m
import minigan.gan
from minigan import to_numpy, xp
from minigan.backend import host_generator
from minigan.layers import noise


class HostDraws:
    """The host's stream, brought to the device: a device's own stream is another by design."""

    def __init__(self, *key):
        self.host = host_generator(*key)

    def __getattr__(self, name):
        def draw(*args, out=None, **kwargs):
            a = xp.asarray(getattr(self.host, name)(*args, **kwargs))
            if out is None:
                return a
            out[...] = a

        return draw


@pytest.fixture
def agree(to_device, monkeypatch):
    """agree(compute): compute() gives the same arrays on NumPy and on each device."""
    monkeypatch.setattr(noise, "generator", HostDraws)
    monkeypatch.setattr(minigan.gan, "random_generator", HostDraws)

    def agree(compute):
        expected = [a.copy() for a in compute()]
        to_device()
        for found, a in zip(compute(), expected, strict=True):
            assert isinstance(found, xp.ndarray) and found.dtype == a.dtype == "float32"
            np.testing.assert_allclose(to_numpy(found), a, rtol=1e-4, atol=1e-5)

    return agree


def single(*shape, seed=0):
    return xp.asarray(draw(*shape, seed=seed), dtype="float32")


@pytest.mark.parametrize("training", [False, True], ids=["outside", "training"])
@pytest.mark.parametrize("name", LAYERS)
def test_each_layer_forward_backward_and_with_tangents(name, training, agree):
    make, shape = LAYERS[name]

    def compute():
        network = m.Network(make(), shape=shape, seed=3)
        if network.classes:
            network.give(Y, hold=True)
        y = network.forward(single(N, *shape), training)
        yield y
        yield network.backward(single(*y.shape, seed=1))
        yield network.dtheta
        if name not in WITHOUT_SECOND:
            yield m.jvp(network, single(N, *shape, seed=2))
            dty, dy = (single(*y.shape, seed=i) for i in (3, 4))
            yield from (d for d in m.jvp_backward(network, dty, dy) if d is not None)
            yield network.dtheta
        yield from (a for a in network.states().values() if hasattr(a, "dtype"))

    agree(compute)


GAMES = [(objective, PENALTIES[i % len(PENALTIES)]) for i, objective in enumerate(OBJECTIVES)]


@pytest.mark.parametrize("objective, penalty", GAMES, ids=repr)
def test_each_objective_and_penalty_in_a_game_with_each_rule(objective, penalty, agree):
    def compute():
        G, D = players("LeakyReLU", objective)
        labels = [Y[:N]] if objective.classes else []
        rule = m.SGD(G, 0.1, 0.5) if penalty else m.Adam(G, m.optimizers.Linear(0.1, 0.2, 3))
        average = m.ExponentialMovingAverage(G, 0.9)
        gan = m.GAN(G, D, objective, generator_optimizer=rule, penalty=penalty, average=average)
        for seed in 1, 2:
            yield from gan.step(single(N, 4, seed=seed), *labels)
        yield from (gan.sample(N, *labels), G.theta, D.theta, gan.sampler.theta)

    agree(compute)


@pytest.mark.parametrize("loss", [m.bce, m.bce_with_logits, m.softmax_cross_entropy])
def test_each_loss(loss, agree):
    def compute():
        if loss is m.softmax_cross_entropy:
            return loss(single(N, 3), xp.asarray([0, 2, 1, 1]))
        return loss(*(0.5 + 0.4 * xp.tanh(single(N, 1, seed=seed)) for seed in (0, 1)))

    agree(compute)
