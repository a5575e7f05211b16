"""What a layer holds and how it is set, and settings that make none; what layers compute is in battery.py."""

import numpy as np
import pytest

import minigan as m


def test_a_layer_outside_a_network_says_where_its_arrays_come_from():
    with pytest.raises(AttributeError, match=r"Dense\(2, 3\) has no db yet: .* from a Network, Network\(Dense"):
        _ = m.Dense(2, 3).db
    with pytest.raises(AttributeError, match="'Dense' object has no attribute 'weights'"):
        _ = m.Dense(2, 3).weights


class Shift(m.Layer):
    """y = x + delta; the parameter's name begins with a d, and backward sets its gradient in one assignment."""

    params = ("delta",)
    n_in = n_out = 3

    def initialize(self, rng):
        return {"delta": rng.standard_normal(3)}

    def forward(self, x, training=False):
        return x + self.delta

    def backward(self, dy, wrt="both"):
        if wrt != "input":
            self.ddelta = dy.sum(axis=0)
        return dy


def test_assigning_to_a_parameter_or_its_gradient_writes_into_theta_and_dtheta(rng):
    network = m.Network(Shift(), m.Dense(3, 2))
    shift, dense = network.layers
    dense.W = np.arange(6.0).reshape(3, 2)
    shift.delta = [7, 8, 9]
    shift.delta += 1
    assert network.theta.tolist()[:9] == [8, 9, 10, 0, 1, 2, 3, 4, 5]
    network.forward(m.xp.ones((4, 3), dtype="float32"))
    network.backward(m.xp.ones((4, 2), dtype="float32"))
    assert network.dtheta[:3].tolist() == [4, 20, 36] and m.xp.shares_memory(shift.ddelta, network.dtheta)
    m.assert_gradients(Shift(), rng.standard_normal((4, 3)))


@pytest.mark.parametrize("name, value, words", [
    ("W", np.ones((2, 3)), r"W must have shape \(3, 2\), not \(2, 3\)"),
    ("db", 0.0, r"db must have shape \(2,\), not \(\)"),
    ("W", "text", r"W must be numbers, as an array or as lists of equal length, not 'text'"),
    ("W", [[1, 2], [3]], "W must be numbers"),
])  # fmt: skip
def test_another_shape_is_refused_and_never_broadcast(name, value, words):
    dense = m.Network(m.Dense(3, 2)).layers[0]
    with pytest.raises(ValueError, match=rf"^Dense\(3, 2\): {words}"):
        setattr(dense, name, value)


@pytest.mark.parametrize("make, words", [
    (lambda: m.Dense(0, 3), r"Dense\(0, 3\): both widths must be whole numbers of at least 1"),
    (lambda: m.Network(m.Dense(2, 3, init=lambda rng, shape, *fans: rng.random(6))), r"must have shape \(2, 3\), not"),
    (lambda: m.Dense(2, 3, bias=[1.0, 2.0]), r"Dense\(2, 3\): bias has shape \(2,\), expected a number or \(3,\)"),
    (lambda: m.Maxout(5, 2), r"Maxout\(5, 2\): the width in must be a multiple of the width out"),
    (lambda: m.BatchNorm(3, 1.0), r"BatchNorm: the momentum must lie in \[0, 1\), not 1.0"),
])  # fmt: skip
def test_settings_that_make_no_layer_are_refused_in_words(make, words):
    with pytest.raises(ValueError, match=words):
        make()
