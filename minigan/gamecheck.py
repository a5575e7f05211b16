"""Does either player learn from the loss that the paper states? The gradient check of a whole GAN.

What is checked is what the GAN's own two steps hand to its optimizers, so that a step that loses its gradient on the
way is found: the generator of a popular implementation never moves, while every derivative that its tests look at is
right. The numeric side is the paper's V, written out anew, so that a wrong objective with a right derivative is too.
"""

import copy

import numpy

from minigan.backend import host_generator, to_numpy, xp
from minigan.diagnosis import Evidence, State
from minigan.objectives import Minimax, NonSaturating
from minigan.slopes import GradcheckReport, Tensor

STATED = {  # what each player minimizes, term by term: the paper's equation 1, and the end of its section 3
    ("D", "minimax"): {"da_real": "-log D", "da_fake": "-log(1 - D)"},
    ("D", "nonsaturating"): {"da_real": "-log D", "da_fake": "-log(1 - D)"},
    ("G", "minimax"): {"da_fake": "log(1 - D)"},
    ("G", "nonsaturating"): {"da_fake": "-log D"},
}
FILL = 1.0  # what dtheta holds before a step


def _log(term, a, output):
    """A term such as "-log(1 - D)" for each of D's outputs a."""
    if output == "logit":
        log = -numpy.logaddexp(0, -a if term.endswith("log D") else a)
    else:
        log = numpy.log(a if term.endswith("log D") else 1 - a)
    return -log if term.startswith("-") else log


def check_game(gan, x, z, *, eps=1e-5, tol=1e-6, entries=None, seed=0, stated=None):
    """Check one round of a GAN on real samples x (N, width) and latents z (N, latent). Returns a GradcheckReport.

    On float64 copies, moved a little so that no unit behind dead ones sits on its kink (as biases of 0 would have it),
    and with optimizers that record dtheta. The rows are, for D's step and then for G's, the derivative
    of the loss with respect to D's outputs (`D da_real`, ...) and to each parameter of the player (`D 0.W`, ...). D
    minimizes -V, G log(1 - D(G(z))) or -log D(G(z)): `stated` is "minimax" or "nonsaturating", by default what the
    objective is a subclass of; any other objective is held to its own loss. Between its step and G's, D moves a little.

    Raises ValueError where x and z differ in length.
    """
    if len(x) != len(z):
        raise ValueError(f"check_game: x holds {len(x)} samples and z holds {len(z)}: both steps need N of each")
    objective = gan.objective
    if objective.sees_real or gan.penalty or gan.pack > 1:
        raise ValueError(
            f"check_game knows games in which G's loss is of D's outputs for fakes alone, without a penalty and one "
            f"sample at a time, not {objective!r}, penalty {gan.penalty!r}, pack {gan.pack}: check the parts with "
            "check_loss, gradcheck and check_penalty"
        )
    if stated is None and isinstance(objective, Minimax):
        stated = "nonsaturating" if isinstance(objective, NonSaturating) else "minimax"
    with numpy.errstate(all="ignore"):
        x, z = (xp.array(a, dtype="float64") for a in (x, z))
        copied = copy.deepcopy(gan)
        rng, rows, steps = host_generator(seed, 2), [], []
        for player in "D", "G":
            steps.append(_Step(player, copied, x, z, stated, seed, *steps))
            rows += [tensor.row(step, tol, entries, rng, steps[-1]) for tensor, step in steps[-1].tensors(eps)]
    return GradcheckReport(f"{type(gan).__name__}, {objective!r}: float64, central eps={eps:g}, seed {seed}", rows)


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

    def __init__(self, player, gan, x, z, stated, seed, before=None):
        self.player, self.x, self.z, self.stated, self.objective = player, x, z, stated, gan.objective
        self.faults, self.alternatives = {}, {}
        self.zero = (
            f"all zero, but the slope is not: the gradient never arrives at {player}; was what its layers remember "
            "cleared before its backward, or D's dx not handed on to it?"
        )
        if before is None:  # the first of the two steps
            gan.generator, gan.discriminator = gan.generator.astype("float64"), gan.discriminator.astype("float64")
            for network in gan.generator, gan.discriminator:
                network.theta[...] += xp.asarray(0.01 * host_generator(seed, 3).standard_normal(network.theta.shape))
            gan.noise = lambda n, *stream: z
            vars(gan).update({name: a.astype("float64") for name, a in vars(gan).items() if hasattr(a, "ndim")})
        else:
            before.network.theta[...] += before.optimizer.move
        self.G, self.D = gan.generator, gan.discriminator
        gan.generator_optimizer, gan.discriminator_optimizer = _Recorder(self.G, seed), _Recorder(self.D, seed)
        self.network, self.optimizer = (
            (self.D, gan.discriminator_optimizer) if player == "D" else (self.G, gan.generator_optimizer)
        )
        self.old_d = before.theta if before else None
        self.theta, self.state = self.network.theta.copy(), State(self.G, self.D)
        self.G.dtheta[...] = self.D.dtheta[...] = FILL
        if player == "D":
            gan.discriminator_step(x)
        else:
            gan.generator_step(len(x))
        self.network.theta[...] = self.theta

    def tensors(self, eps):
        """(tensor, eps for it): the objective's derivatives by D's outputs, then those by the player's parameters."""
        own = self.objective.discriminator if self.player == "D" else self.objective.generator
        outputs = self.outputs()
        derivatives = own(*outputs.values())[1:]
        for (name, a), d in zip(outputs.items(), derivatives, strict=True):
            self.alternatives[f"{self.player} {name}"] = self._other_terms(name, a, outputs)
            fine = eps if self.objective.output == "logit" else eps / 100  # log p bends sharply where p is near 0
            yield Tensor(f"{self.player} {name}", lambda: self.loss(outputs), a, to_numpy(d).copy(), len(a)), fine
        if self.optimizer.seen is not None:
            self.network.dtheta[...] = self.optimizer.seen
        for name, a, d in self.network.parameters():
            row = f"{self.player} {name}"
            self.faults[row] = self._delivery(d)
            self.alternatives[row] = self._other_ways(derivatives)
            yield Tensor(row, lambda: self.loss(self.outputs()), a, to_numpy(d).copy(), len(self.x)), eps

    def outputs(self):
        """What D says, by the name of the derivative: of real and generated samples in its own step, as one batch."""
        self.state.restore()
        fake, n = self.G.forward(self.z, True), len(self.x)
        if self.player == "G":
            return {"da_fake": self.D.forward(fake, True).copy()}
        a = self.D.forward(xp.concatenate((self.x, fake)), True)
        return {"da_real": a[:n].copy(), "da_fake": a[n:].copy()}

    def loss(self, outputs, **other):
        """The player's loss as the terms of a mean; `other` names another logarithm for an output."""
        if self.stated is None:
            own = self.objective.discriminator if self.player == "D" else self.objective.generator
            return to_numpy(own(*outputs.values())[0]).reshape(1)
        terms = STATED[self.player, self.stated] | other
        logs = {name: _log(terms[name], to_numpy(a), self.objective.output) / a.size for name, a in outputs.items()}
        smoothing = 1 - getattr(self.objective, "real", 1)
        if self.player == "D" and smoothing:
            unbelief = _log("-log(1 - D)", to_numpy(outputs["da_real"]), self.objective.output) / len(self.x)
            logs["da_real"] = (1 - smoothing) * logs["da_real"] + smoothing * unbelief
        return numpy.concatenate(list(logs.values())).ravel()

    def _delivery(self, d):
        """What went wrong on the way from the loss to the optimizer, as a sentence, or ""."""
        step = "discriminator_step" if self.player == "D" else "generator_step"
        if self.optimizer.seen is None:
            return f"{step} never called {self.player}'s optimizer"
        if bool((d == FILL).all()):
            return f"the gradient never arrives: {step} writes nothing into {self.player}'s dtheta before the optimizer"
        if self.player == "G" and not bool((self.D.dtheta == FILL).all()):
            return "generator_step overwrote D's dtheta, which belongs to D's loss: play through D with wrt=\"input\""
        return ""

    def _other_terms(self, name, a, outputs):
        """(sentence, terms) for each other logarithm that the objective might have used for this output."""
        if self.stated is None:
            return []
        right, sample = STATED[self.player, self.stated][name], "(x)" if name == "da_real" else "(G(z))"
        spelled = {term: term.replace("D", f"D{sample}") for term in ("log D", "-log D", "log(1 - D)", "-log(1 - D)")}
        return [
            (
                f"{self.player} minimizes {spelled[term]} where {spelled[right]} belongs: a flipped label or sign, or "
                "another objective",
                lambda term=term: self.loss(outputs, **{name: term}),
            )
            for term in spelled
            if term != right
        ]

    def _other_ways(self, derivatives):
        """(sentence, terms) for wrong losses whose gradient may have arrived in theta instead."""

        def followed():
            pairs = zip(derivatives, self.outputs().values(), strict=True)
            return numpy.concatenate([to_numpy(d * a).ravel() for d, a in pairs])

        def judged_by_old_d():
            now = self.D.theta.copy()
            self.D.theta[...] = self.old_d
            try:
                return self.loss(self.outputs())
            finally:
                self.D.theta[...] = now

        yield "follows from the objective's derivative above; the two backward passes are right", followed
        if self.old_d is not None:
            yield (
                "D judged the samples as it was before its own step: run D forward anew before G plays",
                judged_by_old_d,
            )
