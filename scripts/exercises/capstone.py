"""The capstone: a GAN from an empty file, in six steps. What each step asks for, and whether a reader's file has it.

A check gets the reader's module and yields sentences; the first that is not "" counts. Derivatives go to the gradient
check, or are compared with finite differences of the reader's own forward.
"""

from typing import NamedTuple

import numpy
from exercises.checks import FAR, N, differs, draw, report, tuples

from minigan.data.toys import ring
from minigan.evaluation.metrics import mode_coverage
from minigan.gradcheck import check_loss, gradcheck
from minigan.layers import Layer
from minigan.losses import bce_with_logits

RING = ring(modes=8, radius=0.8, sigma=0.08)
ROUNDS = 1500
ENOUGH = 0.5, 6  # of the samples, and of the clouds; untrained networks have 0.26 of the samples there


class Step(NamedTuple):
    """One step: the names that the file must have by then, what to write, and the check."""

    names: tuple
    task: str
    check: object


class Worn(Layer):
    """A reader's layer, or network, under minigan's contract, so that the gradient check can look at it."""

    def __init__(self, make, params=(), n_in=None, n_out=None):
        self.make, self.params, self.n_in, self.n_out = make, params, n_in, n_out

    def initialize(self, rng):
        return {name: getattr(self.make(), name) for name in self.params}

    def forward(self, x, training=False):
        self.inner = self.make()  # anew: the gradient check copies layers, and a copied view is no view any more
        for name in self.params:
            getattr(self.inner, name)[...] = getattr(self, name)
        return self.inner.forward(x)

    def backward(self, dy, wrt="both"):
        dx = self.inner.backward(dy)
        for name in () if wrt == "input" else self.params:
            setattr(self, f"d{name}", getattr(self.inner, f"d{name}"))
        return dx


def gradients(name, make, x, *options):
    """What the gradient check says of a reader's layer, under its own name."""
    return report(gradcheck(type(name, (Worn,), {})(make, *options), x))


def named(what, found, right, guesses):
    """How `found` differs from `right`, or which of the well-known slips (sentence, its result) it comes from."""
    wrong = differs(what, found, right)
    for sentence, other in guesses if wrong else ():
        if not differs(what, found, other, rtol=1e-5):
            return f"{what}: this is what you get when {sentence}"
    return wrong


def slopes(theta, L):
    """dL/dtheta by central differences."""
    found = numpy.empty_like(theta)
    for i in range(theta.size):
        here, sides = theta[i], []
        for eps in 1e-5, -1e-5:
            theta[i] = here + eps
            sides.append(L())
        theta[i] = here
        found[i] = (sides[0] - sides[1]) / 2e-5
    return found


def rng(seed=0):
    return numpy.random.default_rng(seed)


# The six checks


def dense(mine):
    layer, x = mine.Dense(5, 4, rng()), draw(N, 5)
    for name, shape in ("W", (5, 4)), ("b", (4,)):
        found = getattr(layer, name, None)
        yield "" if getattr(found, "shape", 0) == shape else f"Dense(5, 4, rng).{name}: expected an array {shape}"
    spread = mine.Dense(200, 100, rng()).W.std() * 10  # sqrt(2 / 200) is 1/10
    words = f"the entries of Dense(200, 100, rng).W have the standard deviation {spread / 10:.3g}"
    yield "" if 0.9 < spread < 1.1 else f"{words}, expected sqrt(2 / n_in) = 0.1: page 12"
    layer.b[...] = draw(4, key=1)
    yield differs("y = forward(x)", layer.forward(x), x @ layer.W + layer.b)
    yield gradients("Dense", lambda: mine.Dense(5, 4, rng()), x, ("W", "b"), 5, 4)


def activations(mine):
    x = draw(N, 5)
    yield differs("the y of LeakyReLU", mine.LeakyReLU().forward(x.copy()), numpy.where(x > 0, x, 0.2 * x))
    yield differs("the y of Tanh", mine.Tanh().forward(x.copy()), numpy.tanh(x))
    for name in "LeakyReLU", "Tanh":
        yield gradients(name, getattr(mine, name), x)


def loss(mine):
    a, t = draw(N, 1), (draw(N, 1, key=1) > 0).astype("float64")
    result, right = mine.bce_with_logits(a, t), bce_with_logits(a, t)
    yield tuples("bce_with_logits", result, right)
    yield differs("the loss", numpy.asarray(result[0]), right[0])
    yield report(check_loss(mine.bce_with_logits, a, t))
    a = numpy.array(FAR)[:, None]
    results = mine.bce_with_logits(a, 0 * a), bce_with_logits(a, 0 * a)
    for what, found, right in zip(("loss", "da"), *results, strict=True):
        yield differs(f"for a from -1000 to 1000, the {what}", numpy.asarray(found), right)


def one_vector(mine):
    def make():
        r = rng(1)
        return mine.Network(mine.Dense(5, 4, r), mine.LeakyReLU(), mine.Dense(4, 3, r), mine.Tanh())

    network, x = make(), draw(N, 5)
    y = x
    for layer in network.layers:
        y = layer.forward(y)
    yield differs("y = forward(x)", network.forward(x), y)
    yield differs("the number of entries of theta", numpy.array(network.theta.size), numpy.array(39))
    network.theta += 1
    cut = "theta moved, and forward(x) did not: each W and b must be a view into theta, theta[i:j].reshape(shape)"
    yield cut if numpy.array_equal(network.forward(x), y) else ""
    yield gradients("Network", make, x, ("theta",), 5, 3)
    yield from adam(mine, make)


def adam(mine, make):
    """Four steps beside minigan's own rule, on the same gradients."""
    network = make()
    network.backward(network.forward(draw(N, 5)))  # from here on there is a dtheta to write into
    optimizer, old = mine.Adam(network, 0.1), network.theta.copy()
    g = [draw(39, key=k) for k in range(4)]
    for t in range(1, 5):
        network.dtheta[...] = g[t - 1]
        optimizer.step()
        change, old = network.theta - old, network.theta.copy()
        guesses = [(words, -0.1 * rule(g[:t])) for words, rule in SLIPS_OF_ADAM.items()]
        yield named(f"Adam, step {t}: the change of theta", change, -0.1 * adams(g[:t]), guesses)


def mean(values, beta):
    """The running mean of a list from 0 on."""
    return sum((1 - beta) * beta ** (len(values) - 1 - s) * g for s, g in enumerate(values))


def adams(g, m_hat=True, v_hat=True, square=True, beta1=0.5, outside=True):
    """m^ / (sqrt(v^) + eps), or without this and that."""
    m = mean(g, beta1) / (1 - beta1 ** len(g) if m_hat else 1)
    v = mean([x * x if square else abs(x) for x in g], 0.999) / (1 - 0.999 ** len(g) if v_hat else 1)
    return m / ((numpy.sqrt(v) if outside else v) + 1e-8)


SLIPS_OF_ADAM = {
    "the two corrections, 1 - beta^t, are left out (page 6)": lambda g: adams(g, m_hat=False, v_hat=False),
    "m is not divided by 1 - beta1^t": lambda g: adams(g, m_hat=False),
    "v is not divided by 1 - beta2^t": lambda g: adams(g, v_hat=False),
    "v is the mean of |g|: it must be that of g^2": lambda g: adams(g, square=False),
    "the root of v^ is left out": lambda g: adams(g, outside=False),
    "beta1 is 0.9: the default here is 0.5": lambda g: adams(g, beta1=0.9),
    "theta moves up, along g: Adam goes down": lambda g: -adams(g),
}


class Recorder:
    """An optimizer that keeps the gradient at each step, and moves nothing."""

    def __init__(self, network):
        self.network, self.seen = network, []

    def step(self):
        self.seen.append(self.network.dtheta.copy())


def players(mine):
    r = rng(2)
    G = mine.Network(mine.Dense(3, 6, r), mine.LeakyReLU(), mine.Dense(6, 4, r), mine.Tanh())
    return G, mine.Network(mine.Dense(4, 5, r), mine.LeakyReLU(), mine.Dense(5, 1, r))


def two_steps(mine):
    x, z, one = draw(N, 4), draw(N, 3, key=1), numpy.ones((N, 1))

    def bce(a, t):
        return float(bce_with_logits(a, t)[0])

    def of_d(real, fake):
        both, t = numpy.concatenate((x, G.forward(z))), numpy.concatenate((real * one, fake * one))
        return lambda: bce(D.forward(both), t)

    def of_g(t):
        return lambda: bce(D.forward(G.forward(z)), t * one)

    def alone(samples, t):
        return lambda: bce(D.forward(samples), t * one)

    G, D = players(mine)
    yield from step_of(
        "discriminator_step", D, lambda o: mine.discriminator_step(G, D, o, x, z), of_d(1, 0),
        [("two means are added: here the loss is one mean over x and G(z), half of -V", lambda: 2 * of_d(1, 0)()),
         ("the targets are exchanged: 1 is for x, 0 for G(z)", of_d(0, 1)),
         ("only the fakes count: backward overwrites, so x and G(z) go through D as one batch", alone(G.forward(z), 0)),
         ("only the real samples count: G(z) is not in the batch", alone(x, 1))],
    )  # fmt: skip
    G, D = players(mine)
    yield from step_of(
        "generator_step", G, lambda o: mine.generator_step(G, D, o, z), of_g(1),
        [("the target is 0: G learns what makes D say fake, and it wants D to say 1", of_g(0))],
    )  # fmt: skip
    for name, given, learns in ("discriminator_step", (x, z), 1), ("generator_step", (z,), 0):
        both = players(mine)
        before = [network.theta.copy() for network in both]
        getattr(mine, name)(*both, mine.Adam(both[learns], 0.1), *given)
        for i, letter in enumerate("GD"):
            moved = (both[i].theta != before[i]).any()
            words = "did not move theta of" if i == learns else "moved theta of the other player,"
            yield f"{name} {words} {letter}" if moved != (i == learns) else ""


def step_of(name, learns, step, L, slips):
    """A player's step: the gradient that its optimizer sees, and the loss."""
    optimizer = Recorder(learns)
    value, right, guesses = L(), slopes(learns.theta, L), [(words, slopes(learns.theta, slip)) for words, slip in slips]
    result = step(optimizer)
    calls = len(optimizer.seen)
    yield "" if calls == 1 else f"{name} called optimizer.step() {calls} times, expected once, after backward"
    yield named(f"{name}: dtheta when optimizer.step() is called", optimizer.seen[0], right, guesses)
    yield f"{name} returned None, expected the loss: is a `return` missing?" if result is None else ""
    yield differs(f"{name}: the loss that is returned", numpy.asarray(result), numpy.array(value))


def training(mine):
    """Does train play the game? Three rounds are watched, then it is told to learn a ring."""

    def data(n, rng):
        return RING.sample(n, int(rng.integers(2**31))).astype("float64")

    calls, names = [], ("discriminator_step", "generator_step")
    real = {name: getattr(mine, name) for name in names}

    def watched(name):
        def step(G, D, optimizer, *given):
            calls.append((name, [a.copy() for a in given]))
            return real[name](G, D, optimizer, *given)

        return step

    vars(mine).update({name: watched(name) for name in names})
    try:
        mine.train(data, 2, 3)
    finally:
        vars(mine).update(real)
    order = [name for name, _ in calls]
    expected = "a round is a discriminator_step, then a generator_step"
    yield "" if order == [*names] * 3 else f"three rounds of train called {', '.join(order) or 'no step'}: {expected}"
    z, x = [given[-1] for _, given in calls], [given[0] for name, given in calls if name == names[0]]
    for what, arrays, how in ("z", z, "for each step"), ("real samples", x, "for each round"):
        fresh = len({a.tobytes() for a in arrays}) == len(arrays)
        yield "" if fresh else f"train plays with the same {what} again: draw new ones {how}"
    spread = [abs(float(a.mean())) < 0.5 and 0.5 < a.std() < 2 for a in z]
    yield "" if all(spread) else f"z has mean {z[0].mean():.2g} and deviation {z[0].std():.2g}, expected N(0, 1)"
    yield from drawn(mine.train(data, 2, ROUNDS), z[0].shape[1])


def drawn(result, latent):
    """Whether G draws the ring."""
    yield tuples("train", result, ("G", "D")).replace(": the loss comes first", ", G and D")
    samples = result[0].forward(rng(7).standard_normal((1000, latent)))
    wrong = samples.shape != (1000, 2)
    yield f"train(data, 2, rounds): G gives samples of shape {samples.shape[1:]}, expected (2,)" if wrong else ""
    yield "" if numpy.isfinite(samples).all() else "G's samples are not finite: a lower learning rate?"
    seen = mode_coverage(samples, RING.centers, 0.08)
    if seen.high_quality <= ENOUGH[0] or seen.modes < ENOUGH[1]:
        yield (
            f"after {ROUNDS} rounds {seen.high_quality:.0%} of G's samples lie at one of the eight clouds, at "
            f"{seen.modes} of them; expected more than half, at 6 or more (before training it is 26 %). Adam with "
            "beta1 = 0.5 and rates of 0.002 for G and 0.004 for D, 64 samples, two hidden layers of 64 units will do"
        )


STEPS = (
    Step(
        ("Dense",),
        "Dense(n_in, n_out, rng): W of N(0, 2 / n_in), b of zeros; forward(x); backward(dy) sets dW and db, returns dx",
        dense,
    ),
    Step(
        ("LeakyReLU", "Tanh"),
        "LeakyReLU(), of slope 0.2 below 0, and Tanh(): forward(x), and backward(dy), which returns dx",
        activations,
    ),
    Step(("bce_with_logits",), "bce_with_logits(a, t), which returns (loss, da): the loss is a mean", loss),
    Step(
        ("Network", "Adam"),
        "Network(*layers) with layers, theta, forward(x) and backward(dy), which sets dtheta and returns dx; and "
        "Adam(network, lr) with step()",
        one_vector,
    ),
    Step(
        ("discriminator_step", "generator_step"),
        "discriminator_step(G, D, optimizer, x, z) and generator_step(G, D, optimizer, z): each moves its player once "
        "and returns the loss",
        two_steps,
    ),
    Step(
        ("train",),
        "train(data, width, rounds, seed=0), which returns (G, D); data(n, rng) gives n samples (n, width) in [-1, 1]",
        training,
    ),
)
