"""Does either player learn from the loss that the paper states? The gradient check of a whole GAN.

What is checked is what the GAN's own two steps hand to its optimizers, so that a step that loses its gradient on the
way is found: the generator of a popular implementation never moves, while every derivative that its tests look at is
right. The numeric side is the paper's V, written out anew: a wrong objective with a right derivative is found, too.
"""

import copy

import numpy

from minigan.backend import generator, host_generator, to_numpy, xp
from minigan.backend.generators import PENALTY, TRAINING
from minigan.gan import halves, twice
from minigan.gradcheck.check import check_loss, float64_copy, gradcheck, judge, options
from minigan.gradcheck.compare import GradcheckReport
from minigan.gradcheck.diagnose import blame
from minigan.gradcheck.measure import Variable
from minigan.gradcheck.observe import Evidence
from minigan.gradcheck.state import State
from minigan.layers import Layer
from minigan.objectives import Minimax, NonSaturating

STATED = {  # what each player minimizes, term by term: the paper's equation 1, and the end of its section 3
    ("D", "minimax"): {"da_real": "-log D", "da_fake": "-log(1 - D)"},
    ("D", "nonsaturating"): {"da_real": "-log D", "da_fake": "-log(1 - D)"},
    ("G", "minimax"): {"da_fake": "log(1 - D)"},
    ("G", "nonsaturating"): {"da_fake": "-log D"},
}
FILL = 0.73142857  # what dtheta holds before a step, and no gradient will be
STEP = {"D": "discriminator_step", "G": "generator_step"}


def check_game(gan, x, z, y=None, *, eps=1e-5, tol=1e-6, entries=None, seed=0, stated=None):
    """Check one round of a GAN on real samples x (N, ...) and latents z (N, latent). Returns a GradcheckReport.

    y (N,) are the labels of a conditional game. All is done on float64 copies, moved a little so that no unit behind
    dead ones sits on its kink (as biases of 0 would have it), and with optimizers that record dtheta. The rows are, for
    D's step and then for G's, the derivative of the loss with respect to what the objective sees of D (`D da_real`,
    ...) and to each parameter of the player (`D 0.W`, ...). D minimizes -V, G log(1 - D(G(z))) or -log D(G(z)):
    `stated` is "minimax" or "nonsaturating", by default what the objective is a subclass of; any other objective is
    compared with its own loss, and a penalty with its own value. Between its step and G's, D moves a little. Where the
    game fails, a note says which layers fail on their own.

    Raises ValueError where x and z differ in length, and for options as `gradcheck` does.
    """
    options(eps, tol, entries=entries)
    if len(x) != len(z):
        raise ValueError(f"check_game: x holds {len(x)} samples and z holds {len(z)}: both steps need N of each")
    if stated is None and isinstance(gan.objective, Minimax):
        stated = "nonsaturating" if isinstance(gan.objective, NonSaturating) else "minimax"
    with numpy.errstate(all="ignore"):
        x, z = (xp.array(a, dtype="float64") for a in (x, z))
        copied = _in_float64(gan, z, seed)
        rng, rows, before = host_generator(seed, 2), [], None
        for player in "D", "G":
            before = step = _Step(player, copied, x, z, y, stated, seed, before)
            rows += [judge(variable, step, fine, tol, entries, rng) for variable, fine in step.variables(eps)]
        title = f"{type(gan).__name__}, {gan.objective!r}{f', {gan.penalty!r}' if gan.penalty else ''}"
        report = GradcheckReport(f"{title}: float64, central eps={eps:g}, seed {seed}", rows)
        if not report.ok:
            report.note = blame(_alone(gan, x, z, y, eps=eps, tol=tol, entries=entries, seed=seed))
    return report


def assert_gradients(subject, *inputs, **settings):
    """For tests: AssertionError, whose message is the table, unless subject(*inputs) has the derivative it claims.

    `subject` is a layer or network (`gradcheck`), a GAN (`check_game`) or a loss (`check_loss`).
    """
    if hasattr(subject, "discriminator_step"):
        check = check_game
    else:
        check = gradcheck if isinstance(subject, Layer) else check_loss
    report = check(subject, *inputs, **settings)
    if not report.ok:
        raise AssertionError(f"\n{report}")


def _in_float64(gan, z, seed):
    """A copy whose players compute in float64, stand a little beside, and always draw z."""
    gan = copy.deepcopy(gan)
    gan.generator, gan.discriminator = gan.generator.astype("float64"), gan.discriminator.astype("float64")
    for network in gan.generator, gan.discriminator:
        network.theta[...] += xp.asarray(0.01 * host_generator(seed, 3).standard_normal(network.theta.shape))
    gan.noise, gan.average = (lambda n, *stream: z), None
    for name, a in vars(gan).items():
        if getattr(a, "dtype", None) == "float32" and hasattr(a, "astype") and hasattr(a, "ndim"):
            setattr(gan, name, a.astype("float64"))  # what a GAN of your own holds
    return gan


def _alone(gan, x, z, y, **settings):
    """(which layer, its report) of every layer of both players."""
    for player, network, a in ("G", gan.generator, z), ("D", gan.discriminator, x):
        twin, a = float64_copy(network, 0, y=y if network.classes else None), a.copy()
        for i, layer in enumerate(twin.layers):
            labels = y if layer in twin.conditional else None
            yield f"layer {i} of {player}, {layer!r}", gradcheck(layer, a, y=labels, training=True, **settings)
            a = layer.forward(a, True).copy()


def _log(term, a, output):
    """A term such as "-log(1 - D)" for each of D's outputs a."""
    if output == "logit":
        log = -numpy.logaddexp(0, -a if term.endswith("log D") else a)
    else:
        log = numpy.log(a if term.endswith("log D") else 1 - a)
    return -log if term.startswith("-") else log


class _Recorder:
    """In an optimizer's place: keeps the gradient that it is handed, and moves theta a little, whatever that is."""

    def __init__(self, network, seed):
        self.network, self.seen = network, None
        self.move = xp.asarray(0.01 * host_generator(seed, 1).standard_normal(network.theta.shape))

    def step(self):
        self.seen = self.network.dtheta.copy()
        self.network.theta[...] += self.move
        self.network.forget()


class _Step(Evidence):
    """One player's step of a copied game, taken when this is made, and what there is to compare afterwards."""

    fill = FILL

    def __init__(self, player, gan, x, z, y, stated, seed, before):
        self.player, self.gan, self.x, self.z, self.y = player, gan, x, z, y
        self.stated = None if player == "G" and gan.objective.sees_real else stated
        self.objective, self.shown = gan.objective.told(y)
        self.faults, self.alternatives = {}, {}
        self.zero = (
            f"all zero, but the slope is not: the gradient never arrives at {player}; was what its layers remember "
            "cleared before its backward, or D's dx not handed on to it?"
        )
        self.G, self.D, self.old_d = gan.generator, gan.discriminator, None
        if before:
            self.old_d = self.D.theta.copy()
            self.D.theta[...] += before.optimizers["D"].move
        self.network = self.D if player == "D" else self.G
        self.optimizers = {"G": _Recorder(self.G, seed), "D": _Recorder(self.D, seed)}
        gan.generator_optimizer, gan.discriminator_optimizer = self.optimizers["G"], self.optimizers["D"]
        self.state = State.settled(lambda: self._forward()[1], self.G, self.D)
        thetas = self.G.theta.copy(), self.D.theta.copy()
        self.G.dtheta[...] = self.D.dtheta[...] = FILL
        labels = () if y is None else (y,)
        if player == "D":
            gan.discriminator_step(x, *labels)
        else:
            gan.generator_step(len(x), x, *labels)
        self.G.theta[...], self.D.theta[...] = thetas

    def variables(self, eps):
        """(Variable, eps for it): what the objective sees of D, then the player's parameters."""
        own, outputs = self._own(), self._outputs()
        derivatives = own(*outputs.values())[1:]
        size = sum(float(abs(d * a).sum()) for d, a in zip(derivatives, outputs.values(), strict=True))
        for (name, a), d in zip(outputs.items(), derivatives, strict=True):
            row = f"{self.player} {name}"
            self.alternatives[row] = self._other_terms(name, outputs)
            fine = eps if self.objective.output == "logit" else eps / 100  # log p bends sharply where p is near 0
            yield Variable(row, a, to_numpy(d).copy(), lambda: self._loss(outputs), len(a), size), max(fine, 1e-9)
        recorded, fault = self.optimizers[self.player].seen, self._delivery()
        if recorded is not None:
            self.network.dtheta[...] = recorded
        gradients = [(name, a, to_numpy(d).copy()) for name, a, d in self.network.parameters()]  # a penalty overwrites
        for name, a, d in gradients:
            row = f"{self.player} {name}"
            arrives = f"the gradient never arrives: {STEP[self.player]} writes nothing into {self.player}'s dtheta"
            untouched = f"{arrives} before the optimizer" if (d == FILL).all() else ""
            self.faults[row] = fault or untouched
            self.alternatives[row] = self._other_ways(derivatives)
            yield Variable(row, a, d, self._terms, len(self.x), size), eps

    def _own(self):
        return self.objective.discriminator if self.player == "D" else self.objective.generator

    def _forward(self):
        """What the step runs: (fakes, what D makes of them), in D's step and for a G that sees real samples with x."""
        fake = self.G.forward(self.z, True, self.y)
        if self.player == "D":
            return fake, self.D.forward(xp.concatenate((self.x, fake)), True, twice(self.shown))
        if self.objective.sees_real:
            return fake, self.D.forward(xp.concatenate((fake, self.x)), True, twice(self.shown))
        return fake, self.D.forward(fake, True, self.shown)

    def _outputs(self):
        """What the objective sees of D, by the name of its derivative, in the order in which the objective takes it."""
        self.state.restore()
        self.fake, a = self._forward()
        if self.player == "G" and not self.objective.sees_real:
            return {"da_fake": a.copy()}
        names = ("da_real", "da_fake") if self.player == "D" else ("da_fake", "da_real")
        a = a if self.player == "D" else self.D.outputs[self.objective.layer]
        return {name: half.copy() for name, half in zip(names, halves(a), strict=True)}

    def _terms(self):
        """The player's loss of theta, with its penalty, term by term."""
        loss = self._loss(self._outputs())
        if self.player == "G" or not self.gan.penalty:
            return loss
        rng, penalty = generator(self.gan.seed, PENALTY, self.gan.draws[TRAINING]), self.gan.penalty
        value = penalty.gradient(self.D, penalty.points(self.x, self.fake, rng), self.shown)
        return numpy.append(loss, to_numpy(value))

    def _loss(self, outputs, **other):
        """The player's loss as the terms of a mean; `other` names another logarithm for an output."""
        if self.stated is None:
            return to_numpy(self._own()(*outputs.values())[0]).reshape(1)
        terms = STATED[self.player, self.stated] | other
        logs = {name: _log(terms[name], to_numpy(a), self.objective.output) / a.size for name, a in outputs.items()}
        smoothing = 1 - getattr(self.objective, "real", 1)
        if self.player == "D" and smoothing:
            a = to_numpy(outputs["da_real"])
            unbelief = _log("-log(1 - D)", a, self.objective.output) / a.size
            logs["da_real"] = (1 - smoothing) * logs["da_real"] + smoothing * unbelief
        return numpy.concatenate(list(logs.values())).ravel()

    def _delivery(self):
        """What went wrong on the way from the loss to the optimizer, as a sentence, or ""."""
        step, other = STEP[self.player], "G" if self.player == "D" else "D"
        if self.optimizers[other].seen is not None:
            return f"{step} moves {other}, too: it calls {other}'s optimizer, whose step belongs to {STEP[other]}"
        if self.optimizers[self.player].seen is None:
            return f"{step} never called {self.player}'s optimizer"
        if self.player == "G" and not bool((self.D.dtheta == FILL).all()):
            return "generator_step overwrote D's dtheta, which belongs to D's loss: play through D with wrt=\"input\""
        return ""

    def _other_terms(self, name, outputs):
        """(sentence, terms) for each other logarithm that the objective might have used for this output."""
        if self.stated is None:
            return []
        right, sample = STATED[self.player, self.stated][name], "(x)" if name == "da_real" else "(G(z))"
        spelled = {term: term.replace("D", f"D{sample}") for term in ("log D", "-log D", "log(1 - D)", "-log(1 - D)")}
        return [
            (
                f"{self.player} minimizes {spelled[term]} where {spelled[right]} belongs: a flipped label or sign, or "
                "another objective",
                lambda term=term: self._loss(outputs, **{name: term}),
            )
            for term in spelled
            if term != right
        ]

    def _other_ways(self, derivatives):
        """(sentence, terms) for wrong losses whose gradient may have arrived in theta instead."""

        def followed():
            pairs = zip(derivatives, self._outputs().values(), strict=True)
            return numpy.concatenate([to_numpy(d * a).ravel() for d, a in pairs])

        def judged_by_old_d():
            now = self.D.theta.copy()
            self.D.theta[...] = self.old_d
            try:
                return self._terms()
            finally:
                self.D.theta[...] = now

        if self.player == "D" and self.gan.penalty:
            yield (
                "the penalty's derivative is missing: this is that of the loss alone",
                lambda: self._loss(self._outputs()),
            )
        yield "follows from the objective's derivative above; the two backward passes are right", followed
        if self.old_d is not None:
            yield (
                "D judged the samples as it was before its own step: run D forward anew before G plays",
                judged_by_old_d,
            )
