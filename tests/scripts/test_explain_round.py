"""One round on paper: three of its numbers are worked out here by hand, with the floats of plain Python."""

import itertools
import math
import re

import numpy as np
import pytest
from loading import script as program
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.image import imread
from matplotlib.text import Text

script = program("explain_round")
SEED = 59  # the default


def told(objective="non-saturating", number=1, seed=SEED, precision=3, images=False):
    page = script.Page(precision)
    script.explain(script.begin(seed, objective, number, images), script.data(seed, number, images), page)
    return page


@pytest.fixture(scope="module")
def page():
    return told()


def leaky(x):
    return x if x > 0 else 0.2 * x


def slope(x):
    return 1 if x > 0 else 0.2


def dense(x, W, b):
    return [sum(x[i] * W[i][o] for i in range(len(x))) + b[o] for o in range(len(b))]


def logit(x, W):
    """(s, a): D's hidden sums and its logit for one sample, with the weights W of that step."""
    s = dense(x, W["W3"], W["b3"])
    return s, dense([leaky(v) for v in s], W["W4"], W["b4"])[0]


def belief(a):
    return 1 / (1 + math.exp(-a))


def rows(page, heading):
    """The text below a heading, up to the next one."""
    text = "\n".join(page.lines)
    return text.split(f"\n{heading}\n", 1)[1].split("\n---", 1)[0]


def test_three_steps_through_time_and_back_again():
    """dU[0][1] by hand: h_{t-1}[0] times ds_t[1], over the three steps; and the derivative as a slope of L."""
    page = script.Page(8)
    script.explain_time(page, SEED)
    dU = page.values["D"]["dU"]
    rng = script.host_generator(SEED, 3)
    theta, x, dy = (rng.integers(-9, 10, shape) / 10 for shape in (8, (3, 1), (3, 2)))

    def loss(theta):
        h, L = [0.0, 0.0], 0.0
        for t in range(3):
            W, U, b = theta[:2], (theta[2:4], theta[4:6]), theta[6:]
            h = [math.tanh(x[t][0] * W[k] + h[0] * U[0][k] + h[1] * U[1][k] + b[k]) for k in range(2)]
            L += sum(dy[t][k] * h[k] for k in range(2))
        return L

    up, down = ([*theta[:3], theta[3] + step, *theta[4:]] for step in (1e-6, -1e-6))
    assert dU[0][1] == pytest.approx((loss(up) - loss(down)) / 2e-6, abs=1e-8)
    assert f"{dU[0][1]:.8f}" in "\n".join(page.lines) and "Step 1, backward" in "\n".join(page.lines)
    assert script.main(["--time"]) == 0


def test_the_derivatives_of_two_tokens_are_slopes_of_their_weighed_likelihood():
    """dA[0][1] of both titles, from A, the tokens and the weights as they stand on the page."""
    page = script.Page(8)
    script.explain_text(page, SEED)

    def numbers(lines):
        return [[float(v) for v in re.findall(r"-?\d+\.\d+", line)] for line in lines]

    A = np.array([row for row in numbers(page.lines) if len(row) == 3][:3])
    for step, title in ("D", "MAXIMUM LIKELIHOOD"), ("G", "REINFORCE"):
        text = "\n".join(page.lines).split(title)[1].split("\n==")[1]
        x, w = [], []
        for token in text.split("\nToken ")[1:]:
            rows = [
                [float(v) for v in re.findall(r"-?\d+\.\d+", line)] for line in token.split("---\n")[1].splitlines()
            ]
            x.append([row[6:9].index(1.0) for row in rows if len(row) == 12])
            w.append([row[3] for row in rows if len(row) == 7])

        def loss(A, x=x, w=w):
            total = 0.0
            for n in range(2):
                for t, row in enumerate((A[0], A[x[0][n]])):
                    total -= w[t][n] * (row[x[t][n]] - math.log(sum(map(math.exp, row)))) / 4
            return total

        nudge = np.zeros((3, 3))
        nudge[0, 1] = 1e-6
        dA = page.values[step]["dA"]
        assert dA[0, 1] == pytest.approx((loss(A + nudge) - loss(A - nudge)) / 2e-6, abs=1e-7) and abs(dA[0, 1]) > 1e-3
        assert page.values[step]["loss"] == pytest.approx(loss(A), abs=1e-7) and f"{dA[0, 1]:.8f}" in text
    assert script.main(["--text"]) == 0


def test_db4_of_the_discriminator_is_the_sum_of_what_each_sample_says(page):
    W = {name: a.tolist() for name, a in page.values["D"].items() if a.ndim}
    beliefs = [belief(logit(x, W)[1]) for x in W["x"]]
    db4 = -(1 - beliefs[0]) / 2 - (1 - beliefs[1]) / 2 + beliefs[2] / 2 + beliefs[3] / 2
    loss = -sum(map(math.log, beliefs[:2])) / 2 - sum(math.log(1 - p) for p in beliefs[2:]) / 2
    np.testing.assert_allclose(page.values["D"]["db4"], [db4], rtol=1e-12)
    assert f", [ {db4:.3f} ]" in rows(page, "Backward through D: the chain rule, from the last layer to the first")
    assert f"\n  L_D = {loss:.3f}\n" in "\n".join(page.lines)


def test_dW1_of_the_generator_follows_by_the_chain_rule_through_all_of_the_discriminator(page):
    W = {name: a.tolist() for name, a in page.values["G"].items() if a.ndim}
    dW = 0.0
    for z in W["z"]:
        u = dense(z, W["W1"], W["b1"])
        x = [math.tanh(r) for r in dense([leaky(v) for v in u], W["W2"], W["b2"])]
        s, a = logit(x, W)
        da = -(1 - belief(a)) / 2
        dx = [sum(da * W["W4"][k][0] * slope(s[k]) * W["W3"][i][k] for k in range(3)) for i in range(2)]
        dv = sum(dx[i] * (1 - x[i] ** 2) * W["W2"][0][i] for i in range(2))
        dW += z[0] * dv * slope(u[0])
    np.testing.assert_allclose(page.values["G"]["dW1"][0, 0], dW, rtol=1e-12)
    assert abs(dW) > 0.01  # or three decimals would say little
    backward = rows(page, "Backward through G, to the weights of its first layer")
    assert re.search(rf"\] = \[ +{dW:.3f} .*\n", backward.split("dW1 = z.T du")[1])


@pytest.mark.parametrize("seed", [SEED, 3])
def test_the_derivatives_of_both_kernels_follow_by_hand_in_a_game_of_images(seed):
    page = told(seed=seed, images=True)
    W = {name: a.tolist() for name, a in page.values["G"].items() if a.ndim}
    ((k,), (l_,)), ((c,), (d,)), (b2,), (b3,) = W["W2"], W["W3"], W["b2"], W["b3"]
    dW2, seen = np.zeros(2), []
    for z in W["z"]:
        p, q = (leaky(value) for value in dense(z, W["W1"], W["b1"]))
        x = [math.tanh(r) for r in (p * k + b2, p * l_ + q * k + b2, q * l_ + b2)]
        s = x[0] * c + x[1] * d + b3, x[1] * c + x[2] * d + b3
        da = -(1 - belief(dense([leaky(value) for value in s], W["W4"], W["b4"])[0])) / 2
        e, f = (da * W["W4"][i][0] * slope(s[i]) for i in (0, 1))
        dr = [dx * (1 - value**2) for dx, value in zip((e * c, e * d + f * c, f * d), x, strict=True)]
        dW2 += p * dr[0] + q * dr[1], p * dr[1] + q * dr[2]
        seen.append(dr)
    np.testing.assert_allclose(page.values["G"]["dr"], seen, rtol=1e-12)
    np.testing.assert_allclose(page.values["G"]["dW2"][:, 0], dW2, rtol=1e-12)
    D = page.values["D"]
    dW3 = [(D["x"][:, i : i + 2] * D["ds"]).sum() for i in (0, 1)]
    np.testing.assert_allclose(D["dW3"][:, 0], dW3, rtol=1e-12)
    shown = rows(page, "Backward through G, to the weights of its first layer").split("dW2 = im2col(dr).T each v")[1]
    assert re.search(rf"= +\[ +{dW2[0]:.3f} \]", shown) and abs(dW2).min() > 0.001


def test_one_of_adams_updates_is_the_formula_of_the_paper():
    first, second = told(number=1), told(number=2)
    g1, g2 = (float(page.values["D"]["db4"][0]) for page in (first, second))
    m = 0.5 * (0.5 * g1) + 0.5 * g2
    v = 0.999 * (0.001 * g1**2) + 0.001 * g2**2
    m_hat, v_hat = m / (1 - 0.5**2), v / (1 - 0.999**2)
    step = -0.1 * m_hat / (math.sqrt(v_hat) + 1e-8)
    theta = float(second.values["D"]["b4"][0])
    np.testing.assert_allclose(second.values["D"]["new b4"], [theta + step], rtol=1e-12)
    (line,) = (line for line in rows(second, "Adam moves theta_d: update 2").splitlines() if "b4[0]" in line)
    assert line.split() == [
        "b4[0]", f"{theta:.3f}", f"{g2:.3f}", f"{m:.3f}", f"{v:.1e}", f"{m_hat:.3f}", f"{v_hat:.1e}", f"{step:.3f}",
        f"{theta + step:.3f}",
    ]  # fmt: skip
    assert 0.01 < abs(step) < 0.099  # no longer the lr of the first update


@pytest.mark.parametrize(("objective", "number"), [("non-saturating", 1), ("minimax", 3)])
def test_the_page_ends_with_the_weights_of_a_step_of_the_game(objective, number):
    for seed, images in (SEED, False), (0, False), (SEED, True), (0, True):
        page = told(objective, number, seed, images=images)
        judge = script.begin(seed, objective, number, images)
        judge.step(script.data(seed, number, images))
        script.agree(page, judge)
        for name, network, _ in judge.players():
            assert np.array_equal(page.theta[name], network.theta)


@pytest.mark.parametrize("player", ["generator", "discriminator"])
def test_another_weight_than_that_of_the_game_is_an_error(player):
    page, judge = told(), script.begin(SEED, "non-saturating", 1)
    judge.step(script.data(SEED, 1))
    page.theta[player][-1] = np.nextafter(page.theta[player][-1], 9)  # one bit
    with pytest.raises(RuntimeError, match=f"GAN.step moved the {player} elsewhere than this page"):
        script.agree(page, judge)


def test_the_numbers_to_start_from_fit_on_paper():
    for seed, images in itertools.product(range(20), (False, True)):
        gan, x = script.begin(seed, "minimax", 1, images), script.data(seed, 1, images)
        for a in gan.generator.theta, gan.discriminator.theta, x, gan.noise(2):
            np.testing.assert_allclose(10 * a, np.round(10 * a), rtol=0, atol=1e-9)
        assert abs(gan.generator.theta).min() > 0.09 and abs(x).max() < 1  # no weight of 0; data that Tanh can reach


@pytest.mark.docs
@pytest.mark.parametrize("options", [[], ["--images"]])
def test_the_script_prints_a_legible_page_and_draws_it(options, tmp_path, capsys):
    path = tmp_path / "round.png"
    assert script.main([*options, "--figure", str(path)]) == 0
    out = capsys.readouterr().out
    assert out.endswith(f"arrives at the same theta_d and theta_g, bit for bit.\nnow open {path}\n")
    assert max(map(len, out.splitlines())) <= 120 and "nan" not in out and "-0.000" not in out
    assert imread(path).shape[1] == 2100


@pytest.mark.docs
@pytest.mark.parametrize(
    ("seed", "number", "precision", "images"), [(SEED, 1, 3, False), (2, 2, 5, False), (0, 1, 3, True)]
)
def test_the_figure_shows_every_array_large_enough_and_none_on_another(seed, number, precision, images):
    page = told(number=number, seed=seed, precision=precision, images=images)
    figure = script.picture(page)
    canvas = FigureCanvasAgg(figure)
    for axes, step in zip(figure.axes, "DG", strict=True):
        texts = [text for text in axes.findobj(Text) if text.get_text()]
        arrays = {text.get_text().split(" (")[0]: text for text in texts if text.get_family() == ["monospace"]}
        assert arrays.keys() == page.values[step].keys() - {"loss"}
        for name, text in arrays.items():
            lines = text.get_text().splitlines()
            shown = np.array([[float(value) for value in line.split()] for line in lines[1:]])
            np.testing.assert_allclose(shown, np.atleast_2d(page.values[step][name]), atol=0.51 * 0.1**precision)
            assert text.get_fontsize() >= 12
        boxes = [text.get_window_extent(canvas.get_renderer()) for text in texts]
        for (a, one), (b, other) in itertools.combinations(zip(boxes, texts, strict=True), 2):
            assert not a.overlaps(b), (one.get_text(), other.get_text())
        whole = axes.get_window_extent()
        assert all(whole.x0 <= a.x0 and a.x1 <= whole.x1 and whole.y0 <= a.y0 and a.y1 <= whole.y1 for a in boxes)
