"""The capstone: the answer passes all six steps and trains; a slip in each step is caught there, and named."""

import runpy

import pytest
from loading import script as program
from matplotlib.image import imread

pytestmark = pytest.mark.docs
script = program("exercise")
ANSWER = script.CAPSTONE.read_text(encoding="utf-8")
SLIPS = [  # step, what stands in the answer, what stands there instead, a part of what is said
    (1, "dy @ self.W.T", "dy @ self.W", "a .T is missing or too much"),
    (1, "dy.sum(axis=0)", "dy.mean(axis=0)", "a constant factor: every entry is 0.142857 times"),
    (1, "np.sqrt(2 / n_in)", "(2 / n_in)", "standard deviation 0.00996, expected sqrt(2 / n_in) = 0.1"),
    (2, "(1 - self.y**2)", "(1 - self.y)", "but the slope of forward there is"),
    (2, "return dy * self.slope", "return self.slope", "the incoming dy is missing"),
    (3, " - t) / a.size", " - t)", "the 1/N of a mean is missing"),
    (3, "np.logaddexp(0, a)", "np.log(1 + np.exp(a))", "the loss is inf, expected"),
    (4, ".reshape(a.shape))", ".reshape(a.shape).copy())", "each W and b must be a view into theta"),
    (4, "in reversed(self.layers)", "in self.layers", "ValueError: "),
    (4, "self.m / (1 - self.beta1**self.t)", "self.m", "m is not divided by 1 - beta1^t"),
    (4, "/ (np.sqrt(v) + self.eps)", "/ (v + self.eps)", "the root of v^ is left out"),
    (5, "np.ones_like(a)", "np.zeros_like(a)", "the target is 0: G learns what makes D say fake"),
    (5, "np.ones((len(x), 1)), np.zeros((len(z), 1))", "np.zeros((len(x), 1)), np.ones((len(z), 1))", "are exchanged"),
    (5, "G.backward(D.backward(da))\n    optimizer.step()", "G.backward(D.backward(da))", "step() 0 times, expected"),
    (6, "of_g, rng.standard_normal((n, latent))", "of_g, np.ones((n, latent))", "train plays with the same z again"),
    (6, "generator_step(G, D, of_g, rng.standard_normal((n, latent)))", "pass", "a round is a discriminator_step"),
    (6, "Adam(G, lr)", "Adam(G, 0)", "of G's samples lie at one of the eight clouds"),
]  # fmt: skip


@pytest.fixture
def said(tmp_path, capsys):
    def said(text, *options):
        path = tmp_path / "my_gan.py"
        path.write_text(text, encoding="utf-8")
        code = script.main(["capstone", str(path), *options])
        return code, capsys.readouterr().out

    return said


def test_the_answer_passes_all_six_steps_and_trains(said):
    code, out = said(ANSWER)
    assert (code, out.count(" is right: ")) == (0, len(script.STEPS)), out


def test_the_answer_is_printed_and_draws_digits(tmp_path, monkeypatch, capsys):
    assert script.main(["answer", "capstone"]) == 0 and capsys.readouterr().out == ANSWER
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(script.CAPSTONE), run_name="__main__")
    assert imread("digits.png").shape[:2] == (4 * 50, 10 * 50)
    page = (script.CAPSTONE.parents[1] / "17-capstone.md").read_text(encoding="utf-8")
    assert f"the answer's {ANSWER.count(chr(10))} lines" in page


@pytest.mark.parametrize(("step", "old", "new", "words"), SLIPS, ids=[f"{step}-{new}" for step, _, new, _ in SLIPS])
def test_a_slip_is_caught_in_its_step_and_named(step, old, new, words, said):
    assert ANSWER.count(old) >= 1
    code, out = said(ANSWER.replace(old, new), "--step", str(step))
    assert code == 1 and words in out and out.endswith(f"step {step}: not yet.\n"), out


def test_each_step_asks_for_what_is_not_there_yet(said):
    for number, step in enumerate(script.STEPS, 1):
        begun = ANSWER[: ANSWER.index(f"def {step.names[0]}" if number in (3, 5, 6) else f"class {step.names[0]}")]
        code, out = said(begun, "--step", str(number))
        assert code == 1 and out.startswith(f"{' and '.join(step.names)} is still to be written: ")
