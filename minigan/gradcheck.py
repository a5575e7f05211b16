"""Is a derivative right? Every backward pass is compared with the slope of its own forward pass.

A network is checked through one number, L = sum(dy * y), with a random dy: then dL/dy is dy, and backward(dy) must
return dL/dx and write dL/dtheta. `minigan.slopes` measures the same from outside, by moving one entry at a time, in
float64 and on a copy: what the caller passed is left as it was. Where the two differ, `minigan.diagnosis` tries out
what kind of mistake would explain the difference.
"""

import copy
import inspect

import numpy

from minigan import diagnosis
from minigan.backend import host_generator, to_numpy, xp
from minigan.layers import Layer
from minigan.network import Network
from minigan.objectives import Minimax, NonSaturating
from minigan.slopes import GradcheckReport, Tensor

TOL = {"central": 1e-6, "complex": 1e-11}


def gradcheck(layer_or_network, x, *, eps=1e-5, tol=None, method="central", entries=None, seed=0, training=False):
    """Check backward against forward, for x (N, width) and every parameter. Returns a GradcheckReport.

    The error of an entry is |analytic - numeric| / max(|analytic|, |numeric|, floor), and passes up to `tol` (1e-6,
    or 1e-11 for the complex step). The floor lets true zeros pass: it is 1 % of the largest slope in that tensor, or,
    where that is more, what rounding alone can do to the difference quotient, divided by tol.

    `entries=k` samples k entries of every tensor, and three random directions through all of its entries at once.
    `method="complex"` is for forward passes that are analytic in x and theta. A layer's own random state is put back
    before each call, so that one mask of a dropout layer is checked with `training=True`.

    Raises ValueError for another `method`, TypeError where a forward cannot be run on complex numbers, and whatever
    the layer's own code raises, with a note that says where.
    """
    if method not in TOL:
        raise ValueError(f"gradcheck(method={method!r}): expected 'central' or 'complex'")
    tol = tol or TOL[method]
    network = _twin(layer_or_network, seed)
    with numpy.errstate(all="ignore"):
        x = xp.array(x, dtype="float64")
        seen = diagnosis.Observation(network, x, host_generator(seed, 1), training)
        tensors = [
            Tensor(name, seen.terms, a, seen.analytic[name], len(x)) for name, a in [*seen.parameters, ("x", seen.x)]
        ]
        if method == "complex":
            _complex_slopes(tensors, network, seen, training)
        rng = host_generator(seed, 2)
        rows = [tensor.row(eps, tol, entries, rng, seen) for tensor in tensors]
        title = f"{layer_or_network!r}: float64, {method}{f' eps={eps:g}' if method == 'central' else ''}, seed {seed}"
        report = GradcheckReport(title, rows)
        if not report.ok and len(network.layers) > 1:
            inputs = zip(network.layers, seen.inputs, strict=True)
            options = {"eps": eps, "tol": tol, "method": method, "entries": entries, "seed": seed, "training": training}
            report.note = diagnosis.blame([gradcheck(layer, a, **options) for layer, a in inputs], network.layers)
    return report


def check_loss(loss, *inputs, eps=1e-5, tol=None, method="central", seed=0):
    """Check a function loss(a, b, ...) -> (L, dL/da, ...): as many of its inputs as it gives derivatives for.

    For losses (the targets come last and have no derivative), and for an objective's `discriminator` and `generator`.
    """
    tol = tol or TOL[method]
    inputs = [xp.array(a, dtype="float64") for a in inputs]
    with numpy.errstate(all="ignore"):
        seen = diagnosis.LossObservation(loss, inputs)
        names = list(inspect.signature(loss).parameters)
        columns = zip(names, inputs, seen.derivatives, strict=False)
        tensors = [Tensor(name, seen.terms, a, d, a.size) for name, a, d in columns]
        if method == "complex":
            for i, tensor in enumerate(tensors):
                twins = [a.astype("complex128") for a in inputs]
                tensor.use_complex(twins[i], lambda twins=twins: to_numpy(loss(*twins)[0]).reshape(1))
        rng = host_generator(seed, 2)
        rows = [tensor.row(eps, tol, None, rng, seen) for tensor in tensors]
    return GradcheckReport(f"{getattr(loss, '__qualname__', loss)}: float64, {method}", rows)


def check_game(gan, x, z, *, eps=1e-5, tol=1e-6, entries=None, seed=0, stated=None):
    """Check what a GAN's own two steps hand to its optimizers, for real samples x (N, width) and latents z (N, latent).

    On float64 copies, with optimizers that record dtheta. The rows are, for D's step and then for G's: the derivative
    of the loss with respect to D's output (`D da_real`, ...), and with respect to each parameter of the player. The
    numeric side differentiates the value that the paper states, written out anew: -V for D, and for G log(1 - D(G(z)))
    or -log D(G(z)). `stated` is "minimax" or "nonsaturating"; by default what the objective is a subclass of, and for
    another objective its own loss. Between the steps D moves a little, as it does in training.

    Raises ValueError where x and z differ in length.
    """
    if len(x) != len(z):
        raise ValueError(f"check_game: x holds {len(x)} samples and z holds {len(z)}: both steps need N of each")
    with numpy.errstate(all="ignore"):
        play = _Play(copy.deepcopy(gan), xp.array(x, dtype="float64"), xp.array(z, dtype="float64"), seed)
        objective = play.gan.objective
        if stated is None and isinstance(objective, Minimax):
            stated = "nonsaturating" if isinstance(objective, NonSaturating) else "minimax"
        rng = host_generator(seed, 2)
        rows = []
        for player in "D", "G":
            for tensor in play.tensors(player, stated):
                rows.append(tensor.row(eps, tol, entries, rng, play))
    return GradcheckReport(f"{type(gan).__name__} with {objective!r}: float64, central eps={eps:g}, seed {seed}", rows)


def assert_gradients(subject, *inputs, **options):
    """For tests: AssertionError, whose message is the table, unless subject(*inputs) has the derivative it claims.

    `subject` is a layer or network (`gradcheck`), a GAN (`check_game`) or a loss (`check_loss`).
    """
    if hasattr(subject, "discriminator_step"):
        check = check_game
    else:
        check = gradcheck if isinstance(subject, Layer | Network) else check_loss
    report = check(subject, *inputs, **options)
    if not report.ok:
        raise AssertionError(f"\n{report}")


def _twin(layer_or_network, seed):
    """A float64 copy as a network of its own; a layer without values draws them, and none stays at zero."""
    if isinstance(layer_or_network, Network):
        return layer_or_network.astype("float64")
    layer = copy.deepcopy(layer_or_network)
    vars(layer).pop("_scratch", None)
    given = {name: vars(layer).pop(name) for name in layer.params if name in vars(layer)}
    network = Network(layer, seed=seed, dtype="float64")
    if given:
        network._pack([given], "float64")
    else:
        network.theta[...] += xp.asarray(0.1 * host_generator(seed, 0).standard_normal(network.theta.shape))
    return network


def _complex_slopes(tensors, network, seen, training):
    """Let the tensors measure on a complex twin of the network."""
    twin = network.astype("complex128")
    x = seen.x.astype("complex128")
    arrays = {name: a for name, a, _ in twin.parameters()} | {"x": x}
    state = diagnosis.State(twin)
    seen.unsafe = diagnosis.complex_unsafe(network, twin, x, training)

    def terms():
        state.restore()
        return to_numpy(seen.dy * twin.forward(x.copy(), training))

    for tensor in tensors:
        tensor.use_complex(arrays[tensor.name], terms)


class _Recorder:
    """In an optimizer's place: keeps the gradient that it is handed, and moves theta a little, whatever that is."""

    def __init__(self, network, rng):
        self.network, self.seen = network, None
        self.move = xp.asarray(0.01 * rng.standard_normal(network.theta.shape))

    def step(self):
        self.seen = self.network.dtheta.copy()
        self.network.theta[...] += self.move
        self.network.forget()


class _Play:
    """One round of a copied game in float64, and the tensors to compare afterwards."""

    unsafe = zero = fault = ""

    def __init__(self, gan, x, z, seed):
        self.gan, self.x, self.z, self.faults, self.alternatives = gan, x, z, {}, {}
        G, D = gan.generator, gan.discriminator = gan.generator.astype("float64"), gan.discriminator.astype("float64")
        self.G, self.D = G, D
        gan.noise, gan._batch = lambda n, *stream: z, None
        gan.generator_optimizer, gan.discriminator_optimizer = (_Recorder(net, host_generator(seed, 1)) for net in (G, D))
        self.theta_d = D.theta.copy()

    def near(self, tensor, u, eps, tol):
        return False

    def tensors(self, player, stated):
        """Take the player's step, and give its tensors: the objective's derivatives first, then the parameters."""
        gan, n = self.gan, len(self.x)
        network, other = (self.D, self.G) if player == "D" else (self.G, self.D)
        optimizer = gan.discriminator_optimizer if player == "D" else gan.generator_optimizer
        before = network.theta.copy()
        state = diagnosis.State(self.G, self.D)
        network.dtheta[...], other.dtheta[...] = numpy.nan, 1
        if player == "D":
            gan.discriminator_step(self.x)
        else:
            gan.generator_step(n)
        touched = player == "G" and not bool((other.dtheta == 1).all())
        network.theta[...] = before

        def play():
            state.restore()
            fake = self.G.forward(self.z, True)
            return self.D.forward(xp.concatenate((self.x, fake)) if player == "D" else fake, True)

        a = play().copy()
        outputs = {"da_real": a[:n], "da_fake": a[n:]} if player == "D" else {"da_fake": a}
        own = gan.objective.discriminator if player == "D" else gan.objective.generator
        derivatives = own(*outputs.values())[1:]

        def loss(*outputs):
            if stated is None:
                return to_numpy(own(*outputs)[0]).reshape(1)
            return diagnosis.stated_loss(player, stated, gan.objective.output, *map(to_numpy, outputs))

        def of_theta(terms):
            return lambda: terms(*((lambda a: (a[:n], a[n:]))(play()) if player == "D" else (play(),)))

        for name, output, d in zip(outputs, outputs.values(), derivatives, strict=True):
            name = f"{player} {name}"
            self.alternatives[name] = diagnosis.other_objectives(name, stated, gan.objective.output, output, n)
            yield Tensor(name, lambda: loss(*outputs.values()), output, to_numpy(d), n)
        followed = of_theta(lambda *a: sum(to_numpy(d * b).ravel() for d, b in zip(derivatives, a, strict=True)))
        if optimizer.seen is not None:
            network.dtheta[...] = optimizer.seen
        for name, a, d in network.parameters():
            name = f"{player} {name}"
            self.faults[name] = diagnosis.delivered(player, optimizer.seen is not None, to_numpy(d), touched)
            self.alternatives[name] = [(diagnosis.FOLLOWS, followed)]
            if player == "G":
                self.alternatives[name].append((diagnosis.OLD_D, self._with_old_d(of_theta(loss))))
            yield Tensor(name, of_theta(loss), a, to_numpy(d).copy(), n)

    def _with_old_d(self, terms):
        """The same terms, judged by D as it was before its own step."""

        def old():
            now = self.D.theta.copy()
            self.D.theta[...] = self.theta_d
            try:
                return terms()
            finally:
                self.D.theta[...] = now

        return old
