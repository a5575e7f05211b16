"""The check itself: that what is right passes, that what is wrong does not, and that nothing is left behind."""

import re

import numpy as np
import pytest
from subjects import failed, hints

import minigan as m
from minigan.backend import host_generator
from minigan.gradcheck import assert_gradients, check_loss, check_penalty, check_second_order, gradcheck


@pytest.fixture
def x(rng):
    return rng.standard_normal((7, 5))


def test_there_is_a_row_for_each_tensor(x):
    rows = gradcheck(m.Network(m.Dense(5, 6), m.Tanh(), m.Dense(6, 3)), x).rows
    assert [(row.name, row.checked) for row in rows] == [("0.W", 30), ("0.b", 6), ("2.W", 18), ("2.b", 3), ("x", 35)]


@pytest.mark.parametrize("x", [np.ones((1, 1)), np.zeros((1, 1)), np.full((2, 1), 30.0)], ids=["one", "zero", "large"])
@pytest.mark.parametrize("layer", [m.Dense(1, 1), m.Tanh(), m.Sigmoid()], ids=repr)
def test_the_smallest_shapes_and_saturated_units_pass(layer, x):
    assert_gradients(layer, x)


class Noisy(m.Layer):
    """Draws from a generator of its own while it trains."""

    def __init__(self):
        self.rng, self.calls = host_generator(5), 0

    def forward(self, x, training=False):
        self.mask = (self.rng.random(x.shape) < 0.5) if training else 1.0
        return x * self.mask

    def backward(self, dy, wrt="both"):
        return dy * self.mask


@pytest.mark.parametrize("method", ["central", "complex"])
def test_a_gradient_that_is_zero_but_for_rounding_passes(method, x):
    network = m.Network(m.Dense(5, 6), m.BatchNorm(6), m.Tanh(), m.Dense(6, 2))
    report = gradcheck(network, x, method=method, training=True)
    assert [row.verdict for row in report.rows] == ["ok"] * 7 and abs(report.rows[1].analytic) < 1e-14, report


def test_a_layer_that_draws_from_its_own_generator_is_checked_in_training(x):
    layer = Noisy()
    before = layer.rng.bit_generator.state
    assert_gradients(layer, x, training=True)
    assert_gradients(m.Network(m.Dense(5, 8), Noisy(), m.Dense(8, 3)), x, training=True)
    assert layer.rng.bit_generator.state == before


def test_the_callers_network_input_and_random_state_are_as_they_were(x):
    network = m.Network(m.Dense(5, 6), m.LeakyReLU(0.3), m.Dense(6, 2), dtype="float64")
    network.dtheta[...] = 3
    y = network.forward(x.astype(network.dtype))
    theta, given, seen, state = network.theta.copy(), x.copy(), y.copy(), np.random.get_state()[1].tobytes()
    gradcheck(network, x)
    gradcheck(network.layers[0], x)
    assert (network.theta == theta).all() and (network.dtheta == 3).all() and (x == given).all()
    assert (y == seen).all() and network.outputs[-1] is y and np.random.get_state()[1].tobytes() == state


def test_the_directions_find_what_the_sampled_entries_miss(x):
    class Wrong(m.Dense):
        def backward(self, dy, wrt="both"):
            dx = super().backward(dy, wrt)
            if wrt != "input":
                self.dW[2, 17] += 1
            return dx

    report = gradcheck(Wrong(5, 60), x, entries=2)
    assert failed(report) == ["0.W"] and report.rows[0].index.startswith("direction")


def test_a_branch_where_right_and_wrong_agree_does_not_choose_the_sentence():
    class Leaky(m.LeakyReLU):
        def backward(self, dy, wrt="both"):
            return np.where(self.y > 0, dy, 0.7 * dy)

    x = np.full((21, 2), 1.5)
    x[0] = -1.5
    (row,) = gradcheck(Leaky(0.2), x).rows
    assert row.hint.startswith("only where x < 0 is it wrong; at x = -1.5, where y = -0.3, your backward multiplies dy")


def test_a_forward_that_cannot_take_complex_numbers_is_named(x):
    class Softplus(m.Layer):
        def forward(self, x, training=False):
            self.x = x
            return np.logaddexp(0, x)

        def backward(self, dy, wrt="both"):
            return dy / (1 + np.exp(-self.x))

    assert_gradients(Softplus(), x)
    with pytest.raises(TypeError, match=r"layer 1, Softplus\(\), is not complex-safe"):
        gradcheck(m.Network(m.Dense(5, 4), Softplus()), x, method="complex")


class Slope(m.ReLU):
    """A ReLU that claims another derivative at 0."""

    def __init__(self, at_zero):
        self.at_zero = at_zero

    def backward(self, dy, wrt="both"):
        return dy * ((self.y > 0) + self.at_zero * (self.y == 0) * (self.x == 0))

    def forward(self, x, training=False):
        self.x = x.copy()
        return super().forward(x, training)


@pytest.mark.parametrize("at_zero, verdict", [(0, "kink"), (0.3, "kink"), (1, "kink"), (7, "FAIL"), (-0.1, "FAIL")])
def test_at_a_kink_every_subgradient_is_right_and_nothing_else(at_zero, verdict):
    report = gradcheck(Slope(at_zero), np.array([[0.0, 1.0, -2.0]]))
    (row,) = report.rows
    assert (row.verdict, row.index) == (verdict, (0, 0))
    assert report.ok == (verdict == "kink")
    assert verdict == "FAIL" or row.hint.startswith("a kink at (0, 0): the slope is 0 on the left and ")


def test_a_kink_within_eps_of_the_point_is_no_failure():
    assert_gradients(m.ReLU(), np.array([[9e-6, -3e-7, 1e-9]]))


def test_two_kinks_in_a_row_that_hide_each_other_are_no_failure_but_a_wrong_slope_among_them_is():
    def network(second):
        network = m.Network(m.Dense(1, 1), m.LeakyReLU(), m.Dense(1, 1), second, seed=1, dtype="float64")
        network.theta[...] = [1, 0, -1, 0]
        return network

    right, wrong = (gradcheck(network(second), np.zeros((1, 1))) for second in (m.LeakyReLU(), Slope(7)))
    assert right.ok and "several units sit exactly on their kinks" in hints(right)["0.b"]
    assert not wrong.ok and "layer 3, Slope()" in wrong.note


def wrong_losses():
    right = m.losses.bce_with_logits

    def summed(a, t):
        return right(a, t)[0], len(a) * right(a, t)[1]

    def changes(a, t):
        result = right(a, t)
        a += 1
        return result

    def clipped(a, t):  # no derivative where D is sure, as in a popular implementation
        return right(a, t)[0], right(a, t)[1] * (abs(a) < 1)

    def single(a, t):
        return right(a.astype("float32"), t.astype("float32"))

    yield summed, "6 is the batch size N"
    yield changes, "the loss changed its input a in place"
    yield clipped, "entries are wrong"
    yield single, "float32"


@pytest.mark.parametrize("loss, sentence", list(wrong_losses()))
def test_a_wrong_loss_is_called_by_its_mistake(loss, sentence):
    a, t = host_generator(3).standard_normal((6, 1)) * 1.5, host_generator(4).random((6, 1))
    (row,) = check_loss(loss, a, t).rows
    assert (row.name, row.verdict) == ("a", "FAIL") and sentence in row.hint, row
    with pytest.raises(AssertionError, match="FAIL"):
        assert_gradients(loss, a, t)


def test_a_wrong_derivative_does_not_hide_behind_a_kink():
    """Behind a dead unit the next one sits on its kink for every sample, where more than one db is a subgradient."""

    class Doubled(m.LeakyReLU):
        def backward(self, dy, wrt="both"):
            return 2 * super().backward(dy, wrt)

    for last, verdict in (m.LeakyReLU(), "kink"), (Doubled(), "FAIL"):
        network = m.Network(m.Dense(2, 1), m.ReLU(), m.Dense(1, 3), last, seed=1)
        network.layers[0].b[...] = -10
        row = gradcheck(network, np.ones((3, 2))).rows[3]
        assert (row.name, row.verdict) == ("2.b", verdict), row
        assert verdict == "kink" or row.hint.startswith("a kink hides it here, but at a point beside: "), row.hint


class Counting(m.Layer):
    """A layer whose state never comes to rest, and whose y depends on it; `named`: whether `state` names it."""

    def __init__(self, named):
        self.count, self.state = np.zeros(1), ("count",) if named else ()

    def initialize(self, rng):
        return {"count": np.zeros(1)} if self.state else {}

    def forward(self, x, training=False):
        if training:
            self.count += 1
        self.slope = 1 + 0.1 * self.count.copy()
        return self.slope * x

    def backward(self, dy, wrt="both"):
        return self.slope * dy


def test_what_state_names_is_put_back_between_two_forwards_and_what_it_does_not_name_is_noticed(x):
    assert_gradients(Counting(True), x, training=True)
    (row,) = gradcheck(Counting(False), x, training=True).rows
    assert row.verdict == "FAIL" and "two identical calls of forward gave different y" in row.hint
    assert_gradients(Counting(False), x)


@pytest.mark.parametrize(
    "options, words",
    [
        ({"entries": 0}, "entries=0: expected a whole number of at least 1"),
        ({"eps": 1e-300}, "eps=1e-300: expected a step from 1e-09 "),
        ({"eps": 0.1}, "to 0.01"),
        ({"eps": float("nan")}, "eps=nan"),
        ({"tol": 0}, "tol=0: expected a relative error between 0 and 1"),
        ({"method": "forward"}, "expected 'central' or 'complex'"),
    ],
)
def test_a_check_that_would_say_nothing_is_refused(options, words, x):
    with pytest.raises(ValueError, match=re.escape(words)):
        gradcheck(m.Tanh(), x, **options)
    if "entries" not in options:
        with pytest.raises(ValueError, match=re.escape(words)):
            check_loss(m.losses.bce_with_logits, x, x, **options)
    if options.keys() & {"eps", "tol"}:
        with pytest.raises(ValueError, match=re.escape(words)):
            check_second_order(m.Tanh(), x, **options)


@pytest.mark.parametrize(
    "layer, shape, words",
    [
        (m.Dense(5, 4), (7, 3), "layer 0, Dense(5, 4), takes width 5, but gets width 3"),
        (m.Network(m.Dense(5, 4)), (7, 3), "x has shape (7, 3), but this network takes (N, 5)"),
        (m.Tanh(), (5,), "x has shape (5,)"),
        (m.Tanh(), (0, 5), "x has shape (0, 5)"),
    ],
)
def test_an_x_that_does_not_fit_is_refused(layer, shape, words):
    for check in gradcheck, check_second_order:
        with pytest.raises(ValueError, match=re.escape(words)):
            check(layer, np.ones(shape))


def test_a_penalty_on_a_layer_without_a_second_derivative_says_what_to_do(x):
    class Inherits(m.LeakyReLU):
        pass

    assert check_penalty(m.R1(1.0), m.Network(m.Dense(5, 4), Inherits(), m.Dense(4, 1)), x).ok
    with pytest.raises(NotImplementedError, match=r"Noisy\(\) has no jvp and jvp_backward: .* class Mine\(LeakyReLU\)"):
        check_penalty(m.R1(1.0), m.Network(m.Dense(5, 4), Noisy(), m.Dense(4, 1)), x)
