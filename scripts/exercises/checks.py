"""Whether a reader's version of an exercise is right: each check yields sentences, the first that is not "" counts.

A check gets the reader's function or class, and minigan's own. Derivatives go to the gradient check; everything else is
compared with minigan's own result, and `differs` says how the two differ.
"""

import functools
from dataclasses import replace

import numpy

from minigan import GAN, GRU, LSTM, RNN, BatchNorm, Dense, LeakyReLU, Minimax, Network, NonSaturating, Sigmoid, Tanh
from minigan.backend import host_generator, to_numpy
from minigan.gradcheck import check_game, check_loss, gradcheck
from minigan.gradcheck.second_order import check_penalty
from minigan.objectives import R1
from minigan.optimizers import ExponentialMovingAverage, Linear

N, WIDTH = 7, 5  # different, so that a transpose or a wrong axis does not fit
FAR = -1000.0, -40.0, -17.0, -1.0, -1e-3, 0.0, 0.3, 2.0, 17.0, 40.0, 1000.0


def draw(*shape, key=0):
    return host_generator(2014, key).standard_normal(shape)


def differs(what, found, right, points=None, rtol=1e-6):
    """How an array differs from the right one, as a sentence, or ""; `points` are what its entries were computed at."""
    if found is None:
        return f"{what} is None: is a `return` missing?"
    found, right = to_numpy(found), to_numpy(right)
    if found.shape != right.shape:
        return f"{what} has shape {found.shape}, expected {right.shape}"
    if found.dtype != right.dtype:
        return f"{what} is {found.dtype}, expected {right.dtype}: it must keep the dtype that it was given"
    atol = 0 if points is not None else rtol * abs(right).max(initial=0)
    close = numpy.isclose(found, right, rtol, atol, equal_nan=True)
    if close.all():
        return ""
    i = numpy.unravel_index(numpy.argmin(close), found.shape)
    where = f"({points[i]:g})" if points is not None else f"[{', '.join(map(str, i))}]" if i else ""
    text = f"{what}{where} is {found[i]:.6g}, expected {right[i]:.6g}"
    if not numpy.isfinite(found[i]) and numpy.isfinite(right[i]):
        return f"{text}: an overflow, a division by zero, or a logarithm or root of what has none"
    if found.size == 1:
        return f"{text}, {found[i] / right[i]:.4g} times that" if right[i] else text
    if not found.any():
        return f"{what} is 0 everywhere, and should not be: was the result put into the array that is handed in?"
    c, shift = float((found * right).sum() / (right * right).sum()), (found - right).mean()
    if c and abs(c - 1) > 1e-3 and numpy.allclose(found, c * right, 1e-4, atol):
        return f"{what} is {c:.4g} times what it should be, in every entry{': the sign' if round(c, 4) == -1 else ''}"
    if numpy.allclose(found - shift, right, 1e-4, atol):
        return f"{what} is off by {shift:.4g} in every entry"
    return f"{text} ({close.sum()} of {close.size} entries are right)"


def report(result):
    """A gradient check's table, without the rows that are right or that say the same once more; "" if all are right."""
    failed = {row.hint: row for row in reversed(result.rows) if row.verdict == "FAIL"}
    return str(replace(result, rows=[row for row in result.rows if row in failed.values()])) if failed else ""


def refuses(error, f, *args):
    """Whether f(*args) raises this error, as a sentence where it does not."""
    try:
        f(*args)
    except error:
        return ""
    given = ", ".join(f"{a.dtype} {a.shape}" if hasattr(a, "shape") else repr(a) for a in args)
    return f"for ({given}) the docstring promises a {error.__name__}, and none came"


def layer(*args, shape=(WIDTH,), modes=(False,), labels=None):
    """A check of a layer: y and state against minigan's, then the gradient check, then dx and what `wrt` asks for."""

    def check(cls, real):
        mine, right = (Network(c(*args), dtype="float64", shape=shape) for c in (cls, real))
        hold(mine, right)
        mine.theta[...] = right.theta[...] = draw(right.theta.size)
        for call, training in enumerate([*modes, *modes]):
            x, how = draw(N, *shape, key=call), f"call {call + 1} of forward, training={training}"
            yield differs(f"{how}: y", mine.forward(x, training), right.forward(x, training))
            for name, state in right.states().items():
                yield differs(f"{how}: {name.split('.')[1]}", mine.states()[name], state)
        for training in modes:
            yield report(gradcheck(cls(*args), draw(N, *shape), y=labels, training=training))
        mine, right = (Network(c(*args), seed=3, shape=shape) for c in (cls, real))
        hold(mine, right)
        x = (draw(N, *shape, key=9).round(0) / 2).astype("float32")  # ties, and zeros at the kinks
        dy = draw(*right.forward(x, modes[0]).shape, key=10).astype("float32")
        mine.forward(x, modes[0])
        how = "in float32, for x in halves, where some are equal and some 0:"
        yield differs(f"{how} dx", mine.backward(dy), right.backward(dy), rtol=1e-4)
        yield differs(f"{how} the parameters' gradient", mine.dtheta, right.dtheta, rtol=1e-4)

    def hold(*networks):
        for network in networks if labels is not None else ():
            network.give(labels, hold=True)

    return check


def derivative(cls, real):
    """A check of the derivative of an element-wise layer: is it written into `out`? Then as a layer."""
    y, out = numpy.tanh(draw(N, WIDTH)), numpy.full((N, WIDTH), numpy.nan)
    cls().derivative(y, out)
    lost = "derivative left out as it was: write into it, `out[...] = ...`; a new array is lost, returned or not"
    yield lost if numpy.isnan(out).all() else ""
    yield from layer()(cls, real)


def chain_rule(cls, real):
    """A check of the backward that all element-wise layers share, in a tanh."""
    yield from layer()(*(type("Tanh", (c,), {"f": Tanh.f, "derivative": Tanh.derivative}) for c in (cls, real)))


def through_time(cls, real):
    """A check of the backward that all recurrent layers share, in each of them."""
    for cell in RNN, LSTM:
        own = {name: getattr(cell, name) for name in ("gates", "parts", "advance", "go_back")}
        yield from layer(3, shape=(4, 2))(*(type(cell.__name__, (c,), own) for c in (cls, real)))


def embedding(cls, real):
    """A check of an Embedding, on tokens of which some come twice, and on rows."""
    x, dy = numpy.array([[0.0, 2, 2], [4, 2, 0]]), draw(2, 3, 4)
    mine, right = (Network(c(5, 4), dtype="float64") for c in (cls, real))
    for network in mine, right:
        network.dtheta[...] = 7
        network.forward(x)
    dx = mine.backward(dy)
    yield differs("dx", dx, right.backward(dy))
    yield differs("dW", mine.layers[0].dW, right.layers[0].dW)
    yield report(gradcheck(cls(5, 4), x))
    yield from layer(5, 4, shape=(3, 5))(cls, real)


def function(f, real):
    """A check of a function of one array, at the far ends too."""
    for dtype in "float64", "float32":
        a = numpy.array(FAR, dtype=dtype)
        yield differs(f"in {dtype}, {real.__name__}", f(a), real(a), a, 1e-12 if dtype == "float64" else 1e-5)


def tuples(name, result, right):
    """Whether a function returned as many values as it should, as a sentence where not."""
    if isinstance(result, tuple) and len(result) == len(right):
        return ""
    got = f"{len(result)} values" if isinstance(result, tuple) else f"a {type(result).__name__}"
    return f"{name} returned {got}, expected {len(right)} values: the loss comes first; is a `return` missing?"


def against(name, f, real, *inputs):
    """A check of a function that returns (loss, derivative, ...): by minigan's, and by its own finite differences."""
    result, right = f(*inputs), real(*inputs)
    yield tuples(name, result, right)
    yield differs("the loss", result[0], right[0])
    smooth = [a for a in inputs if a.dtype.kind == "f"]  # labels have no derivative
    yield report(check_loss(functools.wraps(real)(lambda *a: f(*a, *inputs[len(smooth) :])), *smooth))
    single = [a.astype("float32") if a.dtype.kind == "f" else a for a in inputs]
    yield from same("in float32,", f(*single), real(*single), rtol=1e-4)


def same(how, results, right, rtol=1e-6):
    for what, a, b in zip(("loss", "derivative", "derivative"), results, right, strict=False):
        yield differs(f"{how} the {what}", a, b, rtol=rtol)


def loss(*inputs, far=(), refused=()):
    """A check of a loss: at these inputs, at the far ones, and what it has to refuse."""

    def check(f, real):
        yield from against(real.__name__, f, real, *inputs)
        for a in far:
            yield from same("far out,", f(*a), real(*a))
        for error, *args in refused:
            yield refuses(error, f, *args)

    return check


def objective(method, stated):
    """A check of an objective's method: in a game against the paper's loss, then on its own."""

    def check(cls, real):
        for options in {}, {"real": 0.9}, {"output": "probability"}:
            mine, right = cls(**options), real(**options)
            a = [
                draw(N, 1, key=k) if right.output == "logit" else 1 / (1 + numpy.exp(draw(N, 1, key=k))) for k in (0, 1)
            ]
            a = a if method == "discriminator" else a[:1]
            yield tuples(method, getattr(mine, method)(*a), getattr(right, method)(*a))
            yield report(check_game(game(GAN, mine), draw(N, 4), draw(N, 3), stated=stated))
            yield from against(method, getattr(mine, method), getattr(right, method), *a)

    return check


def discriminator(cls, real):
    """A check of the discriminator's loss in an objective of its own, on both sides of each margin."""
    a = 2 * draw(N, 1), 2 * draw(N - 2, 1, key=1)
    yield from against("discriminator", cls().discriminator, real().discriminator, *a)


def phi(cls, real):
    """A check of a penalty's phi and phi' as functions of |g|^2, at 0 too."""
    squares = numpy.array([0.0, 1e-4, 0.25, 0.9, 2.0, 9.0])
    yield tuples("phi", cls(3.0).phi(squares), (0, 0))
    for name, mine, right in zip(("phi", "phi'"), cls(3.0).phi(squares), real(3.0).phi(squares), strict=True):
        yield differs(f"with weight 3, {name}", mine, right, squares)


def penalty(cls, real):
    """A check of Penalty.gradient with the phi of R1, and of what it returns."""
    D = Network(Dense(3, 4), Tanh(), Dense(4, 1), dtype="float64")
    mine, right = (type("R1", (c,), {"phi": R1.phi})(3.0) for c in (cls, real))
    D.dtheta[...] = 1
    yield differs("the penalty that is returned", mine.gradient(D, draw(N, 3)), right.gradient(D, draw(N, 3)))
    yield report(check_penalty(mine, D, draw(N, 3)))


def game(cls, objective=NonSaturating()):
    last = [Sigmoid()] if objective.output == "probability" else []
    G = Network(Dense(3, 4), LeakyReLU(), Dense(4, 4), Tanh(), seed=1, dtype="float64")
    D = Network(Dense(4, 5), LeakyReLU(), Dense(5, 1), *last, seed=2, dtype="float64")
    return cls(G, D, objective, 3, average=ExponentialMovingAverage(G, 0.9))


def gan_step(method, returned):
    """A check of one player's step: the gradient check of the game, then a step beside minigan's own."""

    def check(cls, real):
        for kind in NonSaturating, Minimax:
            yield report(check_game(game(cls, kind()), draw(N, 4), draw(N, 3)))
        mine, right = (game(c) for c in (cls, real))
        given = draw(N, 4) if method == "discriminator_step" else N
        for step in 1, 2:
            results = [getattr(gan, method)(given) for gan in (mine, right)]
            yield tuples(method, *results)
            for name, a, b in zip(returned, *results, strict=True):
                yield differs(f"step {step}: the {name} that is returned", a, b)
            for (player, network, _), (_, other, _) in zip(mine.players(), right.players(), strict=True):
                yield differs(f"after step {step}: theta of the {player}", network.theta, other.theta)
            yield differs(f"after step {step}: theta of the average", mine.sampler.theta, right.sampler.theta)

    return check


def chain(cls, real):
    """A check of Network.backward on the chain Tanh, Dense, Tanh, Dense, and of what its docstring promises."""
    mine = type("Network", (Network,), {"backward": cls.backward})
    # equal widths, so that a wrong order is no error of shapes
    networks = [c(Tanh(), Dense(5, 5), Tanh(), Dense(5, 5), dtype="float64") for c in (mine, real)]
    x, dy = draw(N, 5), draw(N, 5, key=1)
    networks[0].forward(x)
    try:
        networks[0].backward(dy, "params")
    except Exception as error:
        error.add_note(
            'backward(dy, wrt="params") raised it: was a layer above the lowest with parameters asked for "params", '
            "and gave None?"
        )
        raise
    yield "" if networks[0].backward(dy) is not None else "backward(dy) returned None: is a `return` missing?"
    yield report(gradcheck(networks[0], x))
    for wrt in "both", "params", "input":
        for network in networks:
            network.forward(x)
            network.dtheta[...] = 1
        dx, right = (network.backward(dy, wrt) for network in networks)
        if right is None and dx is not None:
            yield f'wrt="{wrt}" returned an array, expected None: nobody asked for dx'
        yield differs(f'wrt="{wrt}": dtheta', networks[0].dtheta, networks[1].dtheta)
        yield "" if right is None else differs(f'wrt="{wrt}": dx', dx, right)
    yield refuses(ValueError, networks[0].backward, dy, "weights")
    yield refuses(ValueError, networks[0].backward, dy[:3])
    yield refuses(TypeError, networks[0].backward, dy.astype("float32"))
    networks[0].forget()
    yield refuses(RuntimeError, networks[0].backward, dy)


def optimizer(*cases):
    """A check of an update rule: four steps beside minigan's own, on the same gradients."""

    def check(cls, real):
        for case in cases:
            networks = [Network(Dense(2, 3), dtype="float64") for _ in range(2)]
            mine, right = (c(network, **case) for c, network in zip((cls, real), networks, strict=True))
            for step in 1, 2, 3, 4:
                before = networks[1].theta.copy()
                for rule in mine, right:
                    rule.network.dtheta[...] = draw(before.size, key=step)
                    rule.step()
                for name in right.vectors:
                    yield differs(f"{mine}, after step {step}: {name}", getattr(mine, name), getattr(right, name))
                change, expected = (network.theta - before for network in networks)
                yield differs(f"{mine}, step {step}: the change of theta", change, expected)

    return check


def average(cls, real):
    """A check of a moving average: three steps of a network that moves, with a state of its own."""
    source = Network(Dense(2, 3), BatchNorm(3), dtype="float64")
    mine, right = cls(source, 0.9), real(source, 0.9)
    for step in 1, 2, 3:
        source.theta[...] = draw(source.theta.size, key=step)
        source.layers[1].mean[...] = draw(3, key=10 + step)
        before = right.network.theta.copy()
        mine.step()
        right.step()
        change, expected = (average.network.theta - before for average in (mine, right))
        yield differs(f"step {step}: the change of the average of theta", change, expected)
        for name, state in right.network.states().items():
            yield differs(f"after step {step}: the average of the state {name}", mine.network.states()[name], state)


def schedule(cls, real):
    """A check of a schedule at several updates, and past its end."""
    t = numpy.array([0.0, 1, 5, 10, 11, 1000])
    for args in (2.0, 1.0, 10), (0.5, 0.99, 10):
        mine, right = (numpy.array([c(*args)(n) for n in t], dtype="float64") for c in (cls, real))
        yield differs(f"Linear{args}", mine, right, t)


A, B = draw(N, 1), draw(N, 1, key=1)
P, T = 1 / (1 + numpy.exp(A)), host_generator(1).random((N, 1))
LABELS = host_generator(2).integers(0, 3, N)
OUT = numpy.array([[1000.0], [-1000.0]])
SHAPES = (ValueError, A, T[:, 0]), (TypeError, A, T.astype("float32"))
CHECKS = {
    "Square.backward": layer(),
    "ElementWise.backward": chain_rule,
    "LeakyReLU.backward": layer(),
    **dict.fromkeys(["ReLU.derivative", "Tanh.derivative", "Sigmoid.derivative"], derivative),
    **dict.fromkeys(["Dense.forward", "Dense.backward"], layer(5, 4)),
    "Maxout.backward": layer(6, 2, shape=(6,)),
    "Dropout.backward": layer(0.4, modes=(True, False)),
    **dict.fromkeys(["LayerNorm.backward", "LayerNorm.through_the_moments"], layer(5)),
    "BatchNorm.moments": layer(5, modes=(True, False)),
    **{f"{cell.__name__}.go_back": layer(3, shape=(4, 2)) for cell in (RNN, GRU, LSTM)},
    "Recurrent.backward": through_time,
    "Embedding.backward": embedding,
    "Condition.backward": layer(3, shape=(2, 4), labels=LABELS),
    "Projection.backward": layer(3, labels=LABELS),
    **dict.fromkeys(["Conv2D.backward", "ConvTranspose2D.backward"], layer(3, (3, 2), (2, 1), 1, shape=(4, 3, 2))),
    "softplus": function,
    "sigmoid": function,
    "bce_with_logits": loss(A, T, far=[(OUT, 1 - OUT.clip(0, 1))], refused=SHAPES),
    "bce": loss(P, T, far=[(OUT.clip(0, 1), 1 - OUT.clip(0, 1))], refused=SHAPES),
    "softmax_cross_entropy": loss(
        draw(N, 3),
        LABELS,
        far=[(1000 * draw(N, 3), LABELS)],
        refused=(
            (ValueError, draw(N, 3), LABELS[:1]),
            (TypeError, draw(N, 3), A[:, 0]),
            (ValueError, draw(N, 3), LABELS + 2),
        ),
    ),
    "Network.backward": chain,
    "SGD.update": optimizer({"lr": 0.1}, {"lr": 0.1, "momentum": 0.9}, {"lr": 0.1, "momentum": Linear(0.5, 0.9, 3)}),
    "Adam.update": optimizer({"lr": 0.1}, {"lr": 0.1, "eps": 0.3}),
    "ExponentialMovingAverage.step": average,
    "Linear.__call__": schedule,
    "value": loss(A, B[:4], far=[(-OUT, OUT)]),
    "Minimax.discriminator": objective("discriminator", "minimax"),
    "Minimax.generator": objective("generator", "minimax"),
    "NonSaturating.generator": objective("generator", "nonsaturating"),
    "LeastSquares.discriminator": discriminator,
    "Hinge.discriminator": discriminator,
    "GradientPenalty.phi": phi,
    "Penalty.gradient": penalty,
    "GAN.discriminator_step": gan_step("discriminator_step", ("loss", "V", "D(x)", "D(G(z))")),
    "GAN.generator_step": gan_step("generator_step", ("loss", "D(G(z))")),
}
