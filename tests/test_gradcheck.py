"""The check itself: that what is right passes, that what is wrong does not, and that nothing is left behind."""

import copy
import json
import re

import numpy as np
import pytest

from minigan import GAN, Dense, Layer, LeakyReLU, Minimax, Network, NonSaturating, ReLU, Sigmoid, Tanh, losses
from minigan.backend import host_generator
from minigan.gradcheck import assert_gradients, check_game, check_loss, gradcheck
from minigan.objectives import Objective, value


def networks():
    """A smooth one, and one with kinks."""
    yield Network(Dense(5, 6), Tanh(), Dense(6, 3), Sigmoid(), Dense(3, 2), seed=3)
    yield Network(Dense(5, 6), LeakyReLU(0.3), Dense(6, 3), ReLU(), Dense(3, 2), seed=4, dtype="float64")


def game(objective=None, cls=GAN, dtype="float32"):
    objective = objective or NonSaturating()
    G = Network(Dense(3, 6), ReLU(), Dense(6, 4), Tanh(), seed=1, dtype=dtype)
    last = [Sigmoid()] if objective.output == "probability" else []
    D = Network(Dense(4, 5), LeakyReLU(), Dense(5, 1), *last, seed=2, dtype=dtype)
    return cls(G, D, objective)


def hints(report):
    return {row.name: row.hint for row in report.rows if row.hint}


def failed(report):
    return [row.name for row in report.rows if row.verdict == "FAIL"]


@pytest.fixture
def x(rng):
    return rng.standard_normal((7, 5))


@pytest.fixture
def batch(rng):
    return rng.standard_normal((7, 4)), rng.standard_normal((7, 3))


@pytest.mark.parametrize("method", ["central", "complex"])
@pytest.mark.parametrize("layer", [Dense(5, 4), Tanh(), Sigmoid(), ReLU(), LeakyReLU(), *networks()], ids=repr)
def test_minigans_own_layers_pass(layer, method, x):
    report = gradcheck(layer, x, method=method)
    assert report.ok, report
    assert max(row.error for row in report.rows) <= (1e-11 if method == "complex" else 1e-7), report
    assert report.rows[-1].name == "x" and report.rows[-1].checked == 35


def test_there_is_a_row_for_each_tensor_and_a_line_for_each_row(x):
    (network, _) = networks()
    report = gradcheck(network, x)
    assert [row.name for row in report.rows] == ["0.W", "0.b", "2.W", "2.b", "4.W", "4.b", "x"]
    assert [row.checked for row in report.rows] == [30, 6, 18, 3, 6, 2, 35]
    lines = str(report).splitlines()
    assert len(lines) == 2 + len(report.rows) and "(5,6)" in lines[2] and lines[2].endswith("ok")
    assert json.loads(json.dumps(report.to_dict()))["rows"][0]["shape"] == [5, 6]


@pytest.mark.parametrize("x", [np.ones((1, 1)), np.zeros((1, 1)), np.full((2, 1), 30.0)], ids=["one", "zero", "large"])
@pytest.mark.parametrize("layer", [Dense(1, 1), Tanh(), Sigmoid()], ids=repr)
def test_the_smallest_shapes_and_saturated_units_pass(layer, x):
    assert_gradients(layer, x)


def test_a_gradient_that_is_truly_zero_passes(x):
    network = Network(Dense(5, 4), ReLU(), Dense(4, 2))
    network.layers[0].b[...] = -100
    report = gradcheck(network, x)
    assert report.ok and report.rows[0].analytic == report.rows[0].numeric == 0


class Noisy(Layer):
    """Draws from a generator of its own while it trains."""

    def __init__(self):
        self.rng, self.calls = host_generator(5), 0

    def forward(self, x, training=False):
        self.mask = (self.rng.random(x.shape) < 0.5) if training else 1.0
        return x * self.mask

    def backward(self, dy, wrt="both"):
        return dy * self.mask


class Standardized(Layer):
    """(x - mean) / std over the batch: what a bias before it adds is taken away again."""

    def forward(self, x, training=False):
        centered = x - x.mean(0)
        self.scale = ((centered * centered).mean(0) + 1e-5) ** -0.5
        self.y = centered * self.scale
        return self.y

    def backward(self, dy, wrt="both"):
        return self.scale * (dy - dy.mean(0) - self.y * (dy * self.y).mean(0))


@pytest.mark.parametrize("method", ["central", "complex"])
@pytest.mark.parametrize("seed", range(20))
def test_a_gradient_that_is_zero_but_for_rounding_passes(seed, method):
    network = Network(Dense(5, 6), Standardized(), Tanh(), Dense(6, 2), seed=seed)
    report = gradcheck(network, host_generator(seed).standard_normal((7, 5)), method=method, seed=seed)
    assert [row.verdict for row in report.rows] == ["ok"] * 5 and abs(report.rows[1].analytic) < 1e-14, report


@pytest.mark.parametrize("seed", range(20))
def test_a_game_whose_generator_standardizes_passes(seed, batch):
    G = Network(Dense(3, 6), Standardized(), Tanh(), Dense(6, 4), seed=seed)
    D = Network(Dense(4, 5), Tanh(), Dense(5, 1), seed=seed + 1)
    report = check_game(GAN(G, D), *batch, seed=seed)
    assert {row.verdict for row in report.rows} == {"ok"}, report


def test_a_layer_that_draws_from_its_own_generator_is_checked_in_training(x):
    layer = Noisy()
    before = layer.rng.bit_generator.state
    assert_gradients(layer, x, training=True)
    assert_gradients(Network(Dense(5, 8), Noisy(), Dense(8, 3)), x, training=True)
    assert layer.rng.bit_generator.state == before


@pytest.mark.parametrize("network", list(networks()), ids=repr)
def test_the_callers_network_input_and_random_state_are_as_they_were(network, x):
    network.dtheta[...] = 3
    y = network.forward(x.astype(network.dtype))
    theta, given, seen, state = network.theta.copy(), x.copy(), y.copy(), np.random.get_state()[1].tobytes()
    gradcheck(network, x)
    gradcheck(network.layers[0], x)
    assert (network.theta == theta).all() and (network.dtheta == 3).all() and (x == given).all()
    assert (y == seen).all() and network.outputs[-1] is y and np.random.get_state()[1].tobytes() == state


def test_a_layer_without_arrays_still_has_none(x):
    layer = Dense(5, 4)
    before = set(vars(layer))
    gradcheck(layer, x)
    assert set(vars(layer)) == before
    Network(layer)


def test_a_packed_layer_is_checked_with_its_own_values(x):
    network = Network(Dense(5, 4), seed=9, dtype="float64")
    alone, packed = gradcheck(network, x), gradcheck(network.layers[0], x)
    assert [row.numeric for row in alone.rows] == [row.numeric for row in packed.rows]


def test_the_same_seed_gives_the_same_report(x):
    assert str(gradcheck(Tanh(), x, seed=1)) == str(gradcheck(Tanh(), x, seed=1)) != str(gradcheck(Tanh(), x, seed=2))


class Wrong(Dense):
    """A Dense whose gradient is changed by a function (dW, db, dx) -> None."""

    def __init__(self, n_in, n_out, spoil):
        super().__init__(n_in, n_out)
        self.spoil = spoil

    def backward(self, dy, wrt="both"):
        dx = super().backward(dy, wrt)
        if wrt == "both":
            self.spoil(self.dW, self.db, dx)
        elif wrt == "input":
            self.spoil(0 * self.dW, 0 * self.db, dx)
        else:
            self.spoil(self.dW, self.db, 0 * self.x)
        return dx


@pytest.mark.parametrize("size", [1e-4, 1e-5])
def test_the_floor_hides_no_mistake_in_an_entry_that_is_a_thousandth_of_the_largest(size):
    x = np.array([[1.0, 1e-3], [0.5, 1e-3]])
    assert gradcheck(Dense(2, 1), x).ok

    def spoil(dW, db, dx):
        dW[1] *= 1 + 100 * size

    report = gradcheck(Wrong(2, 1, spoil), x)
    assert failed(report) == ["0.W"] and report.rows[0].index == (1, 0), report


def test_sampling_takes_entries_of_every_tensor_and_three_directions(x):
    report = gradcheck(Network(Dense(5, 60), Tanh(), Dense(60, 2)), x, entries=4)
    assert report.ok and [row.checked for row in report.rows] == [7, 7, 7, 2, 7]


def test_the_directions_find_what_the_sampled_entries_miss(x):
    def spoil(dW, db, dx):
        dW[2, 17] += 1

    report = gradcheck(Wrong(5, 60, spoil), x, entries=2)
    assert failed(report) == ["0.W"] and report.rows[0].index.startswith("direction")


def test_the_message_of_assert_gradients_is_the_table(x):
    def spoil(dW, db, dx):
        db *= -1

    with pytest.raises(AssertionError) as caught:
        assert_gradients(Wrong(5, 4, spoil), x)
    assert str(caught.value).strip() == str(gradcheck(Wrong(5, 4, spoil), x))
    assert "the sign is wrong" in str(caught.value)


def test_a_network_names_the_layer_that_fails_on_its_own(x):
    def spoil(dW, db, dx):
        dx[:, 0] *= 2

    report = gradcheck(Network(Dense(5, 6), Tanh(), Wrong(6, 3, spoil)), x)
    assert failed(report) == ["0.W", "0.b", "x"]
    assert report.note == (
        "on its own, layer 2, Wrong(6, 3), fails and the other layers pass: look there first\n"
        "    -> dx of layer 2, Wrong(6, 3): only column 0 is wrong; backward does not fit forward (a smaller step eps "
        "measures the same slope, so the measurement is right)"
    )


class Unsquared(Tanh):
    """y = tanh x, but dx = dy (1 - y)."""

    def backward(self, dy, wrt="both"):
        return dy * (1 - self.y)


def test_a_game_names_the_layer_that_fails_on_its_own(batch):
    gan = game()
    gan.generator = Network(Dense(3, 6), Unsquared(), Dense(6, 4), Tanh(), seed=1)
    report = check_game(gan, *batch)
    assert failed(report) == ["G 0.W", "G 0.b"]
    note, because = report.note.split("\n    -> ")
    assert note == "on its own, layer 1 of G, Unsquared(), fails and the other layers pass: look there first"
    assert because.startswith("dx of layer 1 of G, Unsquared(): at x = ")
    gan.discriminator = Network(Dense(4, 5), Unsquared(), Dense(5, 1), seed=2)
    note = check_game(gan, *batch).note
    assert note.startswith("on their own, layer 1 of G, Unsquared(), and layer 1 of D, Unsquared(), fail: look at the")
    assert check_game(game(cls=Climbs), *batch).note == ""


def test_the_layers_of_a_game_are_sampled_as_the_game_is(batch, monkeypatch):
    checked = []

    def count(layer, x, *, entries, **options):
        checked.append(entries)
        return gradcheck(layer, x, entries=entries, **options)

    monkeypatch.setattr("minigan.gradcheck.gradcheck", count)
    gan = game()
    gan.generator = Network(Dense(3, 6), Unsquared(), Dense(6, 4), Tanh(), seed=1)
    assert "layer 1 of G, Unsquared(), fails" in check_game(gan, *batch, entries=3).note
    assert checked == [3] * 7


def test_where_no_sentence_fits_the_slopes_at_the_worst_entry_are_told():
    points = np.array([[-1.5, 0.25], [1.0, 2.0]])
    (row,) = gradcheck(Unsquared(), points).rows
    x = points[row.index]
    y = np.tanh(x)
    assert row.hint == (
        f"at x = {x:.3g}, where y = {y:.3g}, your backward multiplies dy by {1 - y:.3g}, but the slope of forward "
        f"there is {1 - y * y:.3g}: backward does not fit forward (a smaller step eps measures the same slope, so the "
        "measurement is right)"
    )
    (row,) = gradcheck(Unsquared(), points, method="complex").rows
    assert row.hint.endswith("(the complex step has no error of its own, so the measurement is right)")


def test_slopes_are_told_of_element_wise_layers_alone(x):
    class Mixed(Standardized):
        def backward(self, dy, wrt="both"):
            return super().backward(dy) + 0.1 * self.y

    for layer in Mixed(), Network(Tanh(), Unsquared()):
        (row,) = gradcheck(layer, x).rows
        assert row.hint.startswith("backward does not fit forward"), row.hint


def test_a_measurement_that_changes_with_eps_is_not_called_right(x):
    class Wavy(Layer):
        def forward(self, x, training=False):
            self.x = x
            return np.sin(2000 * x)

        def backward(self, dy, wrt="both"):
            return dy * (2000 * np.cos(2000 * self.x) * (1 + 1e-4 * np.sign(self.x)))

    (row,) = gradcheck(Wavy(), x).rows
    assert row.verdict == "FAIL" and "(but eps=1e-05 measures " in row.hint, row.hint
    assert row.hint.endswith(": repeat with the smaller one)")


def test_two_slopes_that_differ_in_a_late_digit_are_printed_as_different_numbers(x):
    class Nearly(Tanh):
        def backward(self, dy, wrt="both"):
            return super().backward(dy) * (1 + 1e-4 * self.y)

    (row,) = gradcheck(Nearly(), x).rows
    used, slope = re.search(r"multiplies dy by (\S+), but the slope of forward there is (\S+):", row.hint).groups()
    assert used != slope and abs(float(used) / float(slope) - 1) < 2e-4


@pytest.mark.parametrize("share", [1, 20, 200])
def test_a_branch_where_right_and_wrong_agree_does_not_choose_the_sentence(share):
    class Leaky(LeakyReLU):
        def backward(self, dy, wrt="both"):
            return np.where(self.y > 0, dy, 0.7 * dy)

    x = np.full((share + 1, 2), 1.5)
    x[0] = -1.5
    (row,) = gradcheck(Leaky(), x).rows
    assert row.hint.startswith("only where x < 0 is it wrong; at x = -1.5, where y = -0.3, your backward multiplies dy")


def test_an_exception_says_which_call_raised_it(x):
    class Raises(Dense):
        def backward(self, dy, wrt="both"):
            self.dW[...] = dy.T @ self.x

    with pytest.raises(ValueError) as caught:
        gradcheck(Network(Dense(5, 4), Raises(4, 3)), x)
    (note,) = caught.value.__notes__
    assert note.startswith("layer 1, Raises(4, 3): backward") and "transpose" in note


def test_another_method_is_refused(x):
    for check, arguments in (gradcheck, (Tanh(), x)), (check_loss, (losses.bce_with_logits, x, x)):
        with pytest.raises(ValueError, match="expected 'central' or 'complex'"):
            check(*arguments, method="forward")


def test_a_forward_that_cannot_take_complex_numbers_is_named(x):
    class Softplus(Layer):
        def forward(self, x, training=False):
            self.x = x
            return np.logaddexp(0, x)

        def backward(self, dy, wrt="both"):
            return dy / (1 + np.exp(-self.x))

    assert_gradients(Softplus(), x)
    with pytest.raises(TypeError, match=r"layer 1, Softplus\(\), is not complex-safe"):
        gradcheck(Network(Dense(5, 4), Softplus()), x, method="complex")


class Slope(ReLU):
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
    assert verdict == "FAIL" or "a subgradient" in row.hint


@pytest.mark.parametrize("distance", [9e-6, 3e-6, 9e-7, 3e-7, 9.9e-8, 1e-8, -9e-6, -3e-6, -9e-7, -3e-7, -1e-8])
def test_a_kink_within_eps_of_the_point_is_no_failure(distance):
    report = gradcheck(ReLU(), np.array([[distance, 1.0, -2.0]]))
    assert report.ok and report.rows[0].verdict == "kink", report


def test_a_wrong_slope_beside_a_kink_is_a_failure():
    report = gradcheck(Slope(0), np.array([[0.0, 1.0, -2.0]]))
    assert report.ok

    class Twice(ReLU):
        def backward(self, dy, wrt="both"):
            return super().backward(2 * dy, wrt)

    report = gradcheck(Twice(), np.array([[0.0, 1.0, -2.0]]))
    assert failed(report) == ["x"]


def test_several_units_on_their_kinks_at_once_are_no_failure():
    network = Network(Dense(2, 1), ReLU(), Dense(1, 8), LeakyReLU(), Dense(8, 8), LeakyReLU(), Dense(8, 2), seed=1)
    network.layers[0].b[...] = -10
    report = gradcheck(network, np.ones((3, 2)))
    assert report.ok and any(row.verdict == "kink" for row in report.rows), report


def test_two_kinks_in_a_row_that_hide_each_other_are_no_failure_but_a_wrong_slope_among_them_is():
    def network(second):
        network = Network(Dense(1, 1), LeakyReLU(), Dense(1, 1), second, seed=1, dtype="float64")
        network.theta[...] = [1, 0, -1, 0]
        return network

    right, wrong = (gradcheck(network(second), np.zeros((1, 1))) for second in (LeakyReLU(), Slope(7)))
    assert right.ok and "several units sit exactly on their kinks" in hints(right)["0.b"]
    assert not wrong.ok and "layer 3, Slope()" in wrong.note


def losses_and_inputs():
    rng = host_generator(0)
    a, b, p = rng.standard_normal((6, 1)), rng.standard_normal((4, 1)), rng.uniform(0.1, 0.9, (6, 1))
    yield losses.bce_with_logits, a, p
    yield losses.bce, p, p[::-1].copy()
    yield value, a, b
    for objective in Minimax(), NonSaturating():
        yield objective.discriminator, a, b
        yield objective.generator, a
    for objective in Minimax("probability"), NonSaturating("probability"):
        yield objective.discriminator, p, 1 - p[:3]
        yield objective.generator, p


@pytest.mark.parametrize("loss, inputs", [(loss, inputs) for loss, *inputs in losses_and_inputs()])
def test_every_loss_passes_by_both_methods(loss, inputs):
    for method, most in ("central", 1e-7), ("complex", 1e-11):
        report = check_loss(loss, *inputs, method=method)
        assert report.ok and max(row.error for row in report.rows) <= most, report


def test_rows_of_a_loss_bear_the_names_of_its_arguments(rng):
    a, b = rng.standard_normal((6, 1)), rng.standard_normal((4, 1))
    assert [row.name for row in check_loss(Minimax().discriminator, a, b).rows] == ["a_real", "a_fake"]
    assert [row.name for row in check_loss(losses.bce_with_logits, a, a).rows] == ["a"]


def wrong_losses():
    right = losses.bce_with_logits

    def sign(a, t):
        return right(a, t)[0], -right(a, t)[1]

    def summed(a, t):
        return right(a, t)[0], len(a) * right(a, t)[1]

    def half(a, t):  # the diagonal of a softmax alone, as in a popular implementation
        return right(a, t)[0], 0.5 * right(a, t)[1]

    def changes(a, t):
        result = right(a, t)
        a += 1
        return result

    def clipped(a, t):  # no derivative where D is sure, as in a popular implementation
        return right(a, t)[0], right(a, t)[1] * (abs(a) < 1)

    def single(a, t):
        loss, da = right(a.astype("float32"), t.astype("float32"))
        return loss, da

    yield sign, "the sign is wrong"
    yield summed, "6 is the batch size N"
    yield half, "every entry is 0.5 times"
    yield changes, "the loss changed its input a in place"
    yield clipped, "entries are wrong"
    yield single, "float32"


@pytest.mark.parametrize("loss, sentence", list(wrong_losses()))
def test_a_wrong_loss_is_called_by_its_mistake(loss, sentence):
    a, t = host_generator(3).standard_normal((6, 1)) * 1.5, host_generator(4).random((6, 1))
    report = check_loss(loss, a, t)
    assert not report.ok and sentence in report.rows[0].hint, report
    with pytest.raises(AssertionError, match="FAIL"):
        assert_gradients(loss, a, t)


OBJECTIVES = [Minimax(), NonSaturating(), Minimax("probability"), NonSaturating("probability")]


@pytest.mark.parametrize("objective", OBJECTIVES, ids=repr)
def test_both_players_of_every_game_pass(objective, batch):
    report = check_game(game(objective), *batch)
    assert report.ok and max(row.error for row in report.rows) < 1e-7, report
    players = [row.name for row in report.rows]
    assert players[:3] == ["D da_real", "D da_fake", "D 0.W"] and players[-1] == "G 2.b" and len(players) == 11
    assert_gradients(game(objective), *batch)


def test_the_callers_game_is_as_it_was(batch):
    gan = game()
    before = copy.deepcopy(gan)
    check_game(gan, *batch)
    for now, then in (gan.generator, before.generator), (gan.discriminator, before.discriminator):
        assert (now.theta == then.theta).all() and (now.dtheta == then.dtheta).all()
    assert gan.draws == before.draws and gan.generator_optimizer.steps == 0
    assert vars(gan).keys() == vars(before).keys()


def test_a_game_that_has_been_played_passes_too(batch):
    gan, (x, z) = game(), batch
    for _ in range(3):
        gan.step(x.astype("float32"))
    report = check_game(gan, x, z)
    assert report.ok and max(row.error for row in report.rows) < 1e-7, report


def test_x_and_z_of_unlike_length_are_refused(batch):
    x, z = batch
    with pytest.raises(ValueError, match="7 samples and z holds 6"):
        check_game(game(), x, z[:6])


def test_a_discriminator_that_is_dead_gives_g_no_gradient_and_no_alarm(batch):
    gan = game()
    gan.discriminator = Network(Dense(4, 5), ReLU(), Dense(5, 1), seed=2)
    gan.discriminator.layers[0].b[...] = -100
    report = check_game(gan, *batch)
    assert report.ok and [row.numeric for row in report.rows if row.name == "G 0.W"] == [0]


def test_no_false_alarm_in_random_games():
    activations = ReLU, LeakyReLU, Tanh, Sigmoid
    for seed in range(60):
        rng = host_generator(seed, 4)
        objective = (Minimax, NonSaturating)[seed % 2]("probability" if seed % 3 == 0 else "logit")
        latent, hidden, width, k, n = (int(size) for size in rng.integers(1, 8, 5))
        one, two, three, four = (activations[i]() for i in rng.integers(0, 4, 4))
        G = Network(Dense(latent, hidden), one, Dense(hidden, hidden), two, Dense(hidden, width), Tanh(), seed=seed)
        last = [Sigmoid()] if objective.output == "probability" else []
        D = Network(Dense(width, k), three, Dense(k, k), four, Dense(k, 1), *last, seed=seed + 1)
        assert_gradients(GAN(G, D, objective), rng.standard_normal((n, width)), rng.standard_normal((n, latent)))


class Remembering(Dense):
    """A Dense that keeps each x in a list, and goes through that list in backward."""

    def __init__(self, n_in, n_out):
        super().__init__(n_in, n_out)
        self.xs = []

    def forward(self, x, training=False):
        self.xs.append(x.copy())
        return super().forward(x, training)

    def backward(self, dy, wrt="both"):
        if wrt != "input":
            self.dW[...] = sum((x.T @ dy for x in self.xs[-1:]), np.zeros_like(self.W))
            self.db[...] = sum((dy.sum(0) for _ in self.xs[-1:]), np.zeros_like(self.b))
        return dy @ self.W.T


class Flushing(GAN):
    """numpy-ml's WGAN-GP: what G remembered is dropped just before its backward, so that G never moves."""

    def generator_step(self, n):
        G, D = self.generator, self.discriminator
        a = D.forward(G.forward(self.noise(n), training=True), training=True)
        loss, da = self.objective.generator(a)
        for layer in G.layers:
            if isinstance(layer, Remembering):
                layer.xs = []
        G.backward(D.backward(da, wrt="input"), wrt="params")
        self.generator_optimizer.step()
        return loss, a


def test_a_generator_whose_cache_is_cleared_never_moves_and_is_found(batch):
    G = Network(Remembering(3, 6), Tanh(), Remembering(6, 4), seed=1)
    D = Network(Dense(4, 5), LeakyReLU(), Dense(5, 1), seed=2)
    assert check_game(GAN(G, D), *batch).ok
    report = check_game(Flushing(G, D), *batch)
    assert failed(report) == ["G 0.W", "G 0.b", "G 2.W", "G 2.b"]
    (sentence,) = set(hints(report).values())
    assert "the gradient never arrives at G; was what its layers remember cleared before its backward" in sentence


class Flipped(Minimax):
    """autograd's example: E[log D(G(z))] ... - log(1 - D(x)) stands where log D(x) belongs, with a right derivative."""

    def discriminator(self, a_real, a_fake):
        loss_real, slope = losses.softplus(a_real), losses.sigmoid(a_real)
        loss_fake, slope_fake = losses.softplus(a_fake), losses.sigmoid(a_fake)
        return -loss_real.mean() + loss_fake.mean(), -slope / a_real.size, slope_fake / a_fake.size


def test_an_objective_with_the_wrong_logarithm_and_its_right_derivative_is_found(batch):
    rng = host_generator(8)
    assert check_loss(Flipped().discriminator, rng.standard_normal((5, 1)), rng.standard_normal((5, 1))).ok
    report = check_game(game(Flipped()), *batch)
    found = hints(report)
    assert found["D da_real"] == (
        "D minimizes log(1 - D(x)) where -log D(x) belongs: a flipped label or sign, or another objective"
    )
    assert "D da_fake" not in found and "G da_fake" not in found
    assert set(failed(report)) == {"D da_real", "D 0.W", "D 0.b", "D 2.W", "D 2.b"}
    assert found["D 0.W"] == "follows from the objective's derivative above; the two backward passes are right"


def test_another_objective_is_held_to_its_own_loss_or_to_the_stated_one(batch):
    class Separate(Objective):
        generator = NonSaturating.generator

        def discriminator(self, a_real, a_fake):
            return Flipped().discriminator(a_real, a_fake)

    assert check_game(game(Separate()), *batch).ok
    assert failed(check_game(game(Separate()), *batch, stated="nonsaturating"))[0] == "D da_real"
    found = hints(check_game(game(NonSaturating()), *batch, stated="minimax"))
    assert found["G da_fake"].startswith("G minimizes -log D(G(z)) where log(1 - D(G(z))) belongs")


class ThroughOldD(GAN):
    """G plays against what D said before its own step."""

    def discriminator_step(self, x):
        self.kept = copy.deepcopy(self.discriminator)
        return super().discriminator_step(x)

    def generator_step(self, n):
        now, self.discriminator = self.discriminator, self.kept
        try:
            return super().generator_step(n)
        finally:
            self.discriminator = now


class TouchesD(GAN):
    def generator_step(self, n):
        G, D = self.generator, self.discriminator
        a = D.forward(G.forward(self.noise(n), training=True), training=True)
        _, da = self.objective.generator(a)
        G.backward(D.backward(da, wrt="both"), wrt="params")
        self.generator_optimizer.step()


class NeverSteps(GAN):
    def generator_step(self, n):
        pass


class StepsTooEarly(GAN):
    def generator_step(self, n):
        self.generator_optimizer.step()


class Adds(GAN):
    def discriminator_step(self, x):
        kept = self.discriminator.dtheta.copy()
        optimizer, self.discriminator_optimizer = self.discriminator_optimizer, NoOptimizer()
        super().discriminator_step(x)
        self.discriminator_optimizer = optimizer
        self.discriminator.dtheta[...] += kept
        optimizer.step()


class NoOptimizer:
    def step(self):
        pass


class Climbs(GAN):
    def generator_step(self, n):
        G, D = self.generator, self.discriminator
        a = D.forward(G.forward(self.noise(n), training=True), training=True)
        G.backward(D.backward(-self.objective.generator(a)[1], wrt="input"), wrt="params")
        self.generator_optimizer.step()


@pytest.mark.parametrize(
    "cls, row, sentence",
    [
        (ThroughOldD, "G 0.W", "D judged the samples as it was before its own step"),
        (TouchesD, "G 0.W", "generator_step overwrote D's dtheta"),
        (NeverSteps, "G 0.W", "generator_step never called G's optimizer"),
        (StepsTooEarly, "G 0.W", "the gradient never arrives: generator_step writes nothing into G's dtheta"),
        (Adds, "D 0.W", "added to what dtheta held before the step"),
        (Climbs, "G 0.W", "the sign is wrong"),
    ],
)
def test_a_step_that_goes_wrong_is_called_by_its_mistake(cls, row, sentence, batch):
    report = check_game(game(cls=cls), *batch)
    assert not report.ok and hints(report)[row].startswith(sentence), report
    other = "D" if row.startswith("G") else "G"
    assert not [name for name in failed(report) if name.startswith(other)], report


def test_noise_in_training_is_no_false_alarm_on_kinks(x):
    network = Network(Dense(5, 1), ReLU(), Noisy(), Dense(1, 6), LeakyReLU(), Dense(6, 6), LeakyReLU(), Dense(6, 2))
    network.layers[0].b[...] = -10
    assert gradcheck(network, x, training=True).ok
