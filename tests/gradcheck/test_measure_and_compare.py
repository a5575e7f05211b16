"""The two stages on plain numbers: how near a measurement is, what passes and what does not, and what a kink is."""

import json
import math

import numpy as np
import pytest

from minigan.gradcheck.compare import GradcheckReport, compare, kink
from minigan.gradcheck.measure import Derivative, Variable, derivative, measure, points, sides

EPS = 1e-5


def of(f, v, gradient=None):
    """The Variable v of L = sum f(v)."""
    v = np.atleast_1d(np.array(v, dtype="float64"))
    return Variable("v", v, None if gradient is None else np.array(gradient), lambda: f(v).copy())


def slope(variable, eps=EPS):
    return derivative(variable, np.ones(1), eps)[0]


def test_a_central_difference_is_wrong_by_the_square_of_eps():
    for eps in 1e-2, 1e-3:  # ((v + eps)^3 - (v - eps)^3) / (2 eps) = 3 v^2 + eps^2
        assert slope(of(lambda v: v**3, 2.0), eps) - 12 == pytest.approx(eps**2, rel=1e-4)


def test_the_complex_step_is_exact_to_rounding():
    for f, right in (np.exp, math.exp(0.7)), (lambda v: np.sin(1e5 * v), 1e5 * math.cos(0.7e5)):
        a = np.array([0.7 + 0j])
        twin = of(f, 0.7)._replace(a=a, terms=lambda f=f, a=a: f(a))
        value, noise = derivative(of(f, 0.7)._replace(twin=twin), np.ones(1), EPS)
        assert abs(value / right - 1) < 1e-10 and 1e-16 < noise / abs(right) < 1e-14


@pytest.mark.parametrize("offset", [1.0, 1e3, 1e6])
@pytest.mark.parametrize("step", [1e-5, 1e-7])
def test_the_noise_bounds_what_rounding_does_by_two_digits(offset, step):
    variables = [of(lambda v: offset + v, v) for v in np.linspace(0.1, 0.9, 50)]
    found = [derivative(variable, np.ones(1), step) for variable in variables]
    worst = max(abs(value - 1) for value, _ in found)
    assert all(worst <= noise <= 300 * worst for _, noise in found)
    cancelled = variables[0]._replace(terms=lambda: variables[0].terms() - offset, size=offset)
    assert derivative(cancelled, np.ones(1), step)[1] == pytest.approx(found[0][1], rel=0.6)


def test_what_backward_claims_is_taken_along_each_point_and_another_shape_is_no_claim():
    v = np.array([1.0, 2.0, 3.0])
    variable = Variable("v", v, 2 * v, lambda: v * v)
    found = measure(variable, points((3,), None, None), EPS)
    assert [d.analytic for d in found] == [2, 4, 6] == [round(d.numeric, 8) for d in found]
    for gradient in None, np.ones((3, 1)):
        assert np.isnan(
            [d.analytic for d in measure(variable._replace(gradient=gradient), points((3,), None, None), EPS)]
        ).all()


def test_points_are_every_entry_or_a_sample_and_three_directions_of_length_one(rng):
    every = points((2, 3), None, rng)
    assert [index for index, _ in every] == [(i, j) for i in range(2) for j in range(3)]
    assert all(u.sum() == u[index] == 1 and u.shape == (2, 3) for index, u in every)
    assert len(points((2, 3), 6, rng)) == 6 and len(points((2, 3), 5, rng)) == 8
    sampled = points((20, 30), 200, rng)
    assert len({index for index, _ in sampled}) == 203
    assert [index for index, _ in sampled[200:]] == ["direction 0", "direction 1", "direction 2"]
    assert all((u * u).sum() == pytest.approx(1) and (u != 0).all() for _, u in sampled[200:])


def found(*pairs, noise=0.0):
    return [Derivative((i,), None, analytic, numeric, noise) for i, (analytic, numeric) in enumerate(pairs)]


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    "numeric, others, noise, allowed",
    [
        (2.0, [], 0.0, 2e-6),  # relatively to the value itself
        (1e-3, [1.0], 0.0, 1e-8),  # to 1 % of the largest
        (0.0, [1.0], 0.0, 1e-8),
        (0.0, [-1.0], 0.0, 1e-8),
        (0.0, [], 1e-9, 1e-9),  # what rounding can do
        (0.0, [1.0], 1e-9, 1e-8),
        (2.0, [], 1e-5, 1e-5),
    ],
)
def test_an_error_passes_up_to_the_tolerance_and_no_farther(numeric, others, noise, allowed, sign):
    for part, verdict in (0.99, "ok"), (1.02, "FAIL"):
        pairs = [(numeric + sign * part * allowed, numeric), *((a, a) for a in others)]
        row, wrong = compare("v", (9,), found(*pairs, noise=noise), 1e-6)
        assert row.verdict == verdict and wrong == ([0] if verdict == "FAIL" else []), row
        assert row.error == pytest.approx(part * 1e-6, rel=0.02) and row.index == (0,)


@pytest.mark.parametrize(
    "analytic, numeric", [(math.nan, 1.0), (1.0, math.nan), (math.inf, math.inf), (0.0, -math.inf)]
)
def test_what_is_not_finite_never_passes(analytic, numeric):
    row, wrong = compare("v", (2,), found((1.0, 1.0), (analytic, numeric)), 1e-6)
    assert row.verdict == "FAIL" and row.error == math.inf and wrong[0] == 1 and row.index == (1,)


def test_zeros_pass_and_the_wrong_ones_come_worst_first():
    assert compare("v", (1,), found((0.0, 0.0)), 1e-6)[0].error == 0
    row, wrong = compare("v", (4,), found((1.0, 1.0), (1.1, 1.0), (1.5, 1.0), (1.3, 1.0)), 1e-6)
    assert wrong == [2, 3, 1] and (row.index, row.analytic, row.checked, row.shape) == ((2,), 1.5, 4, (4,))
    assert row.error == pytest.approx(1 / 3)
    assert compare("v", (1,), found((0.5, 1.0)), 1e-6)[0].error == pytest.approx(1 / 2)


def relu(v):
    return np.maximum(v, 0)


def at_kink(f, v, claim):
    variable = of(f, v)
    return kink(claim, *(sides(variable, np.ones(1), step) for step in (EPS, EPS / 10, EPS / 100)))


@pytest.mark.parametrize(
    "f, left, right",
    [
        (relu, 0, 1),
        (abs, -1, 1),
        (lambda v: -abs(v), 1, -1),
        (lambda v: 3 * v + 1e-3 * relu(v), 3, 3.001),
        (lambda v: 1 + 1e-6 * relu(v), 0, 1e-6),  # just above what rounding does
        (lambda v: relu(v) + 500 * v * v, 0, 1),  # a kink in something curved
        (lambda v: np.append(relu(v), np.tanh(v + 1)), 1 - math.tanh(1) ** 2, 2 - math.tanh(1) ** 2),
        (lambda v: np.append(relu(v), relu(-v)), -1, 1),
        (lambda v: np.append(relu(v), -relu(v)), 0, 0),  # whose sum has none
    ],
)
def test_at_a_kink_what_lies_between_the_two_sides_is_right_and_nothing_else(f, left, right):
    low, high = sorted((left, right))
    slack = 1e-4 * max(1, abs(low), abs(high))
    for claim in low, high, 0.7 * low + 0.3 * high:
        assert at_kink(f, 0.0, claim) is True
    for claim in low - slack, high + slack, high + 1, low - 1:
        assert at_kink(f, 0.0, claim) is False


def test_rounding_neither_makes_a_kink_nor_convicts_at_one():
    for point in np.linspace(-1, 1, 300):
        assert at_kink(lambda v: 1e3 + np.tanh(v), point, 1 - math.tanh(point) ** 2) is None
    for offset in 1e4, 1.1e4, 1.7e4, 3.3e4:
        assert at_kink(lambda v, offset=offset: offset + relu(v), 0.0, 1.0) is True
        assert at_kink(lambda v, offset=offset: offset + math.pi * relu(v), 0.0, math.pi) is True


@pytest.mark.parametrize("distance", [9e-6, 1.01e-6, 9.9e-7, 1.01e-7, 9.9e-8, 1e-8])
def test_beside_a_kink_only_the_side_that_the_point_is_on_is_right(distance):
    for point, right in (distance, 1), (-distance, 0):
        assert at_kink(relu, point, right) is True
        assert at_kink(relu, point, 1 + 1e-4) is at_kink(relu, point, -1e-4) is False
        if distance >= 1e-7:
            assert at_kink(relu, point, 0.5) is at_kink(relu, point, 1 - right) is False


@pytest.mark.parametrize(
    "f",
    [
        np.tanh, np.exp, np.sin, lambda v: v * v, lambda v: v**3, lambda v: 0 * v, lambda v: np.sin(2000 * v),
        lambda v: 1e4 * v * v, lambda v: np.sin(1e5 * v) + v, lambda v: 1e6 + 1e-5 * relu(v), lambda v: 1e6 * np.exp(v),
        lambda v: (v > 0) + v,  # a jump of L itself
    ],
)  # fmt: skip
@pytest.mark.parametrize("point", [0.0, 0.3])
def test_what_is_smooth_has_no_kink_whatever_is_claimed(f, point):
    slope = derivative(of(f, point), np.ones(1), 1e-7)[0]
    for claim in slope, slope + 2e-3, slope + 1e-5, slope + 1e-8, 0.0:
        assert at_kink(f, point, claim) is None


def test_a_report_is_a_table_and_plain_data():
    row = compare("0.W", (5, 6), found((1.0, 1.0)), 1e-6)[0]
    bad = compare("a_long_name", (1,), found((2.0, 1.0)), 1e-6)[0]
    bad.hint = "why"
    report = GradcheckReport("title", [row, bad], "note")
    _, _, first, second, hint, _ = str(report).splitlines()
    assert "(5,6)" in first and second.endswith("FAIL") and len(first) + 2 == len(second) and "why" in hint
    assert json.loads(json.dumps(report.to_dict()))["rows"][0]["shape"] == [5, 6]
    assert not report.ok
    for row.verdict in "ok", "kink":
        assert GradcheckReport("", [row]).ok
