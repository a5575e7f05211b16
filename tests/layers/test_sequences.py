"""Layers over time: gradients for T of 1 to 7 and through two players, and what an unrolled network of layers gives."""

import numpy as np
import pytest
from subjects import draw, failed

import minigan as m

KINDS = [m.RNN, m.GRU, m.LSTM]
PARTS = {m.RNN: 1, m.GRU: 1, m.LSTM: 2}


def moved(network, seed=9):
    """The network with its biases away from 0."""
    network.theta += 0.2 * draw(network.theta.size, seed=seed)
    return network


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize(("width", "n_in"), [(1, 3), (3, 1), (4, 2)])
@pytest.mark.parametrize("T", [2, *(pytest.param(T, marks=pytest.mark.slow) for T in (1, 7))])
@pytest.mark.parametrize("kind", KINDS)
def test_gradients_over_any_time_and_width_at_every_step_or_the_last(kind, T, width, n_in, last):
    layers = [kind(width), m.LastStep()] if last else [kind(width)]
    network = moved(m.Network(*layers, shape=(None, n_in), dtype="float64"))
    report = m.gradcheck(network, draw(3, T, n_in), seed=T)
    assert report.ok, report


@pytest.mark.slow
@pytest.mark.parametrize("T", range(1, 8))
@pytest.mark.parametrize("kind", KINDS)
def test_gradients_over_every_time_from_a_given_state(kind, T):
    for width in 1, 2, 5:
        layer = kind(width)
        moved(m.Network(layer, shape=(None, 3), dtype="float64"))
        x, dy, state = draw(4, T, 3), draw(4, T, width, seed=1), draw(4, PARTS[kind] * width, seed=2)
        layer.forward(x, state=state)
        dx, dstate = layer.backward(dy).copy(), layer.dstate.copy()
        for a, d in (x, dx), (state, dstate):
            u, eps = draw(*a.shape, seed=3), 1e-6
            ends = []
            for sign in 1, -1:
                a += sign * eps * u
                ends.append((layer.forward(x, state=state) * dy).sum())
                a -= sign * eps * u
            assert (ends[0] - ends[1]) / (2 * eps) == pytest.approx((d * u).sum(), rel=1e-6, abs=1e-8)


def test_an_rnn_is_the_unrolled_network_of_dense_layers():
    """Each step a Dense on (x_t, h) with W above U, and a Tanh; the gradients of the copies of W add up."""
    T, n_in, H = 4, 3, 2
    rnn = m.RNN(H)
    network = moved(m.Network(rnn, shape=(None, n_in), dtype="float64"))
    steps = [m.Network(m.Dense(n_in + H, H), m.Tanh(), dtype="float64") for _ in range(T)]
    for step in steps:
        step.layers[0].W, step.layers[0].b = np.vstack((rnn.W, rnn.U)), rnn.b
    x, dy = draw(5, T, n_in), draw(5, T, H, seed=1)
    h, y = np.zeros((5, H)), []
    for t, step in enumerate(steps):
        h = step.forward(np.hstack((x[:, t], h)))
        y.append(h)
    assert network.forward(x) == pytest.approx(np.stack(y, 1), abs=1e-14)
    dx = network.backward(dy)
    dh, found = np.zeros((5, H)), np.empty_like(x)
    for t in reversed(range(T)):
        both = steps[t].backward(dy[:, t] + dh)
        found[:, t], dh = both[:, :n_in], both[:, n_in:]
    dW = sum(step.layers[0].dW for step in steps)
    assert dx == pytest.approx(found, abs=1e-14) and rnn.dstate == pytest.approx(dh, abs=1e-14)
    assert np.vstack((rnn.dW, rnn.dU)) == pytest.approx(dW, abs=1e-13)
    assert rnn.db == pytest.approx(sum(step.layers[0].db for step in steps), abs=1e-13)


@pytest.mark.parametrize("kind", KINDS)
def test_bidirectional_is_two_layers_one_of_them_on_time_turned_around(kind):
    both = m.Network(m.Bidirectional(kind(3)), seed=4, dtype="float64", shape=(None, 2))
    moved(both)
    apart = [m.Network(kind(3), dtype="float64", shape=(None, 2)) for _ in range(2)]
    half = both.theta.size // 2
    for network, part in zip(apart, (both.theta[:half], both.theta[half:]), strict=True):
        network.theta[...] = part
    for T in 1, 5:
        x, dy = draw(4, T, 2), draw(4, T, 6, seed=1)
        expected = apart[0].forward(x), apart[1].forward(x[:, ::-1])[:, ::-1]
        assert (both.forward(x) == np.concatenate(expected, axis=2)).all()
        dx = both.backward(dy)
        parts = apart[0].backward(dy[..., :3]), apart[1].backward(dy[:, ::-1, 3:])[:, ::-1]
        assert dx == pytest.approx(sum(parts), abs=1e-14)
        assert (both.dtheta == np.concatenate([network.dtheta for network in apart])).all()
    assert not (both.layers[0].U == both.layers[0].U_back).all() and both.n_out == (None, 6)


def player(kind, n_in, *last, seed):
    return moved(m.Network(kind, *last, shape=(4, n_in), dtype="float64", seed=seed), seed)


@pytest.mark.parametrize(
    "objective",
    [m.NonSaturating(), *(pytest.param(a, marks=pytest.mark.slow) for a in (m.Hinge(), m.RelativisticAverage()))],
    ids=repr,
)
@pytest.mark.parametrize("each", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_goes_through_the_time_of_d_into_that_of_g(kind, each, objective):
    """D with one logit at each step, or one in all, and G with noise at each step."""
    G = player(kind(3), 2, m.Dense(3, 2), m.Tanh(), seed=1)
    D = player(kind(3), 2, *([] if each else [m.LastStep()]), m.Dense(3, 1), seed=2)
    gan = m.GAN(G, D, objective, seed=3)
    assert D.n_out == ((4, 1) if each else 1) and gan.noise(5).shape == (5, 4, 2)
    report = m.check_game(gan, draw(3, 4, 2), draw(3, 4, 2, seed=1))
    assert report.ok and not failed(report), report


def test_one_noise_for_a_whole_sequence_or_one_in_each_step():
    G = m.Network(m.Repeat(4), m.GRU(3), m.Dense(3, 2), seed=1, shape=5)
    D = m.Network(m.Bidirectional(m.GRU(3)), m.MeanOverTime(), m.Dense(6, 1), seed=2, shape=(4, 2))
    gan = m.GAN(G, D, seed=3)
    assert gan.noise(6).shape == (6, 5) and gan.sample(6).shape == (6, 4, 2)
    assert m.check_game(gan, draw(3, 4, 2).astype("float32"), draw(3, 5).astype("float32")).ok
    gan.step(draw(6, 4, 2).astype("float32"))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: m.Bidirectional(m.Dense(2, 3)), "expected a Recurrent, not Dense(2, 3): GRU(8), say"),
        (lambda: m.Bidirectional(m.Network(m.GRU(2), shape=(3, 2)).layers[0]), "belongs to a Network already"),
        (lambda: m.Network(m.Dense(2, 3), m.Bidirectional(m.GRU(2))), "takes sequences, shape (steps, width)"),
        (lambda: m.Network(m.Repeat(2), shape=(3, 2)), "takes rows, shape (width,), but gets shape (3, 2)"),
        (lambda: m.Repeat(0), "Repeat(0): the number of steps must be a whole number of at least 1"),
    ],
)
def test_what_does_not_fit_is_refused(call, words):
    with pytest.raises((TypeError, ValueError)) as error:
        call()
    assert words in str(error.value)


def test_a_d_of_two_logits_a_step_is_refused():
    G = m.Network(m.GRU(2), shape=(3, 2))
    with pytest.raises(ValueError, match=r"gives shape \(3, 2\) for each sample: it must give one logit"):
        m.GAN(G, m.Network(m.GRU(2), shape=(3, 2), seed=1))
