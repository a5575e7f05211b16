"""The check of a whole game: a right one passes, a wrong one is called by its mistake, and nothing is left behind."""

import copy
from types import SimpleNamespace

import pytest
from subjects import failed, hints

import minigan as m
from minigan.backend import host_generator
from minigan.gradcheck import check_game, check_loss
from minigan.objectives import Objective


class Unsquared(m.Tanh):
    """y = tanh x, but dx = dy (1 - y)."""

    def backward(self, dy, wrt="both"):
        return dy * (1 - self.y)


def game(objective=None, cls=m.GAN, dtype="float32"):
    objective = objective or m.NonSaturating()
    G = m.Network(m.Dense(3, 6), m.ReLU(), m.Dense(6, 4), m.Tanh(), seed=1, dtype=dtype)
    last = [m.Sigmoid()] if objective.output == "probability" else []
    D = m.Network(m.Dense(4, 5), m.LeakyReLU(), m.Dense(5, 1), *last, seed=2, dtype=dtype)
    return cls(G, D, objective)


@pytest.fixture
def batch(rng):
    return rng.standard_normal((7, 4)), rng.standard_normal((7, 3))


def test_a_game_names_the_layer_that_fails_on_its_own(batch):
    gan = game()
    gan.generator = m.Network(m.Dense(3, 6), Unsquared(), m.Dense(6, 4), m.Tanh(), seed=1)
    report = check_game(gan, *batch)
    assert failed(report) == ["G 0.W", "G 0.b"]
    note, because = report.note.split("\n    -> ")
    assert note == "on its own, layer 1 of G, Unsquared(), fails and the other layers pass: look there first"
    assert because.startswith("dx of layer 1 of G, Unsquared(): at x = ")
    gan.discriminator = m.Network(m.Dense(4, 5), Unsquared(), m.Dense(5, 1), seed=2)
    note = check_game(gan, *batch).note
    assert note.startswith("on their own, layer 1 of G, Unsquared(), and layer 1 of D, Unsquared(), fail: look at the")
    assert check_game(game(cls=Climbs), *batch).note == ""


def test_the_callers_game_is_as_it_was(batch):
    gan = game(m.FeatureMatching(1))
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


def test_what_cannot_be_checked_is_refused(batch):
    x, z = batch
    with pytest.raises(ValueError, match="7 samples and z holds 6"):
        check_game(game(), x, z[:6])
    with pytest.raises(ValueError, match="cannot be judged 2 at a time"):
        check_game(m.GAN(game().generator, m.Network(m.Pack(2, 4), m.Dense(8, 1))), x, z)
    for option in {"entries": 0}, {"eps": 1e-300}, {"tol": 2}:
        with pytest.raises(ValueError, match="expected"):
            check_game(game(), x, z, **option)


def test_a_discriminator_that_is_dead_gives_g_no_gradient_and_no_alarm(batch):
    gan = game()
    gan.discriminator = m.Network(m.Dense(4, 5), m.ReLU(), m.Dense(5, 1), seed=2)
    gan.discriminator.layers[0].b[...] = -100
    report = check_game(gan, *batch)
    assert report.ok and [row.numeric for row in report.rows if row.name == "G 0.W"] == [0]


class Flipped(m.Minimax):
    """autograd's example: E[log D(G(z))] ... - log(1 - D(x)) stands where log D(x) belongs, with a right derivative."""

    def discriminator(self, a_real, a_fake):
        loss_real, slope = m.losses.softplus(a_real), m.losses.sigmoid(a_real)
        loss_fake, slope_fake = m.losses.softplus(a_fake), m.losses.sigmoid(a_fake)
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
        generator = m.NonSaturating.generator

        def discriminator(self, a_real, a_fake):
            return Flipped().discriminator(a_real, a_fake)

    assert check_game(game(Separate()), *batch).ok
    assert failed(check_game(game(Separate()), *batch, stated="nonsaturating"))[0] == "D da_real"
    found = hints(check_game(game(m.NonSaturating()), *batch, stated="minimax"))
    assert found["G da_fake"].startswith("G minimizes -log D(G(z)) where log(1 - D(G(z))) belongs")


class Astray(m.GAN):
    """G's gradient is `times` what D hands down where it is handed `sign` times the loss's derivative."""

    times, sign, wrt = 1, 1, "input"

    def generator_step(self, n, real=None):
        G, D = self.generator, self.discriminator
        a = D.forward(G.forward(self.noise(n), training=True), training=True)
        loss, da = self.objective.generator(a)
        G.backward(self.times * D.backward(self.sign * da, wrt=self.wrt), wrt="params")
        self.generator_optimizer.step()
        return loss, a


class Flushing(Astray):
    """As numpy-ml's WGAN-GP, where what G remembered is dropped just before its backward: G never moves."""

    times = 0


class TouchesD(Astray):
    wrt = "both"


class Climbs(Astray):
    sign = -1


class ThroughOldD(m.GAN):
    """G plays against what D said before its own step."""

    def discriminator_step(self, x):
        self.kept = copy.deepcopy(self.discriminator)
        return super().discriminator_step(x)

    def generator_step(self, n, real=None):
        now, self.discriminator = self.discriminator, self.kept
        try:
            return super().generator_step(n, real)
        finally:
            self.discriminator = now


class StepsD(m.GAN):
    def generator_step(self, n, real=None):
        result = super().generator_step(n, real)
        self.discriminator_optimizer.step()
        return result


class NoPenalty(m.GAN):
    def discriminator_step(self, x):
        kept, self.penalty = self.penalty, None
        try:
            return super().discriminator_step(x)
        finally:
            self.penalty = kept


class NeverSteps(m.GAN):
    def generator_step(self, n, real=None):
        pass


class StepsTooEarly(m.GAN):
    def generator_step(self, n, real=None):
        self.generator_optimizer.step()


class Adds(m.GAN):
    def discriminator_step(self, x):
        kept, optimizer = self.discriminator.dtheta.copy(), self.discriminator_optimizer
        self.discriminator_optimizer = SimpleNamespace(step=lambda: None)
        super().discriminator_step(x)
        self.discriminator_optimizer = optimizer
        self.discriminator.dtheta[...] += kept
        optimizer.step()


@pytest.mark.parametrize(
    "cls, row, sentence",
    [
        (Flushing, "G 0.W", "all zero, but the slope is not: the gradient never arrives at G; was what its layers"),
        (ThroughOldD, "G 0.W", "D judged the samples as it was before its own step"),
        (TouchesD, "G 0.W", "generator_step overwrote D's dtheta"),
        (StepsD, "G 0.W", "generator_step moves D, too: it calls D's optimizer, whose step belongs to"),
        (NoPenalty, "D 0.W", "the penalty's derivative is missing: this is that of the loss alone"),
        (NeverSteps, "G 0.W", "generator_step never called G's optimizer"),
        (StepsTooEarly, "G 0.W", "the gradient never arrives: generator_step writes nothing into G's dtheta"),
        (Adds, "D 0.W", "added to what dtheta held before the step"),
        (Climbs, "G 0.W", "the sign is wrong"),
    ],
)
def test_a_step_that_goes_wrong_is_called_by_its_mistake(cls, row, sentence, batch):
    gan = game(cls=cls)
    gan.penalty = m.R1(1.0) if cls is NoPenalty else None
    report = check_game(gan, *batch)
    assert not report.ok and hints(report)[row].startswith(sentence), report
    other = "D" if row.startswith("G") else "G"
    assert not [name for name in failed(report) if name.startswith(other)], report


def test_a_wrong_derivative_for_the_real_samples_that_g_sees_is_found(batch):
    class Wrong(m.RelativisticAverage):
        def generator(self, a_fake, a_real):
            loss, d_fake, d_real = super().generator(a_fake, a_real)
            return loss, d_fake, 2 * d_real

    report = check_game(game(Wrong()), *batch)
    assert failed(report) == ["G da_real"]
    assert hints(report)["G da_real"].startswith("a constant factor: every entry is 2 times")


def test_a_penalty_of_another_weight_than_its_derivative_is_found(batch):
    class Wrong(m.R1):
        def phi(self, squares):
            phi, slope = super().phi(squares)
            return phi, 1.5 * slope

    for penalty, wrong in (m.R1(2.0), []), (Wrong(2.0), ["D 0.W", "D 2.W"]):
        gan = game()
        gan.penalty = penalty
        assert failed(check_game(gan, *batch)) == wrong
