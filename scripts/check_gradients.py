"""Compare every derivative in minigan, or those of a layer of yours, with finite differences of its forward pass:

    python scripts/check_gradients.py --layer path/to/file.py:ClassName

prints one row for each tensor, and under a row that fails, what kind of mistake it is. The layer is made without
arguments if possible, else as ClassName(5, 4), its widths; --args 5,0.2 gives others. If the layer does not know the
shape of its samples, --shape 8,8,3 says it. If a check of minigan fails, only failing checks are printed; --all prints
the others as well. Exit code: 0 if all are right, 1 if a derivative is wrong, 2 if the check cannot be run.
"""

import ast
import functools
import importlib.util
import inspect
import json
import re
import shlex
import sys
import traceback
from pathlib import Path

import minigan as m
from minigan import Layer, Network
from minigan.app.cli import Parser, whole
from minigan.backend import host_generator
from minigan.gradcheck import check_game, check_loss, check_penalty, check_second_order, gradcheck
from minigan.gradcheck.check import options
from minigan.layers.layer import as_shape
from minigan.losses import bce, bce_with_logits, softmax_cross_entropy
from minigan.objectives import value

N, WIDTHS = 7, (5, 4)  # all different, so that a transpose or a wrong axis does not fit


def main(argv=None):
    parser = arguments()
    args = parser.parse_args(argv)
    if args.layer is None:
        checks = project(args.seed)
    else:
        with parser.mistakes():
            options(args.eps, method=args.method)
            layer = load(args.layer, args.args)
            x = samples(layer, args.batch, args.shape, args.seed)
        try:
            report = gradcheck(layer, x, method=args.method, eps=args.eps, seed=args.seed, training=args.training)
        except (Exception, SystemExit) as error:  # the layer may call exit()
            print(in_words(error), file=sys.stderr)
            return 1
        checks = [([layer], report)]
    reports = [report for _, report in checks]
    ok = all(report.ok for report in reports)
    if args.json:
        print(json.dumps({"ok": ok, "reports": [report.to_dict() for report in reports]}, indent=2))
        return 0 if ok else 1
    shown = reports if ok or args.all else [report for report in reports if not report.ok]
    print("\n\n".join(map(str, shown)))
    rows = [row for report in reports for row in report.rows]
    failed = sum(row.verdict == "FAIL" for row in rows)
    print(f"\n{len(rows)} tensors in {len(reports)} checks: {f'{failed} FAILED' if failed else 'all ok'}")
    if not ok and len(checks) > 1:
        print(culprits(checks))
    return 0 if ok else 1


def arguments():
    parser = Parser(__doc__)
    parser.add_argument("--layer", metavar="FILE:CLASS", help="check this layer instead of minigan's own")
    parser.add_argument("--args", default="", metavar="A,B", help="the arguments of the layer, as Python literals")
    parser.add_argument("--shape", type=sizes, metavar="A,B", help="shape of a sample of x (default: the layer's)")
    parser.add_argument("--training", action="store_true", help="check forward(x, training=True)")
    parser.add_argument("--batch", type=whole(1, 100_000), help=f"samples in x (default: {N}, or {N} packs)")
    parser.add_argument("--method", choices=("central", "complex"), default="central", help="(default: %(default)s)")
    parser.add_argument("--eps", type=float, default=1e-5, help="the step of a difference (default: %(default)s)")
    parser.add_argument("--seed", type=whole(0), default=0, help="seed of x, dy and weights (default: %(default)s)")
    parser.add_argument("--all", action="store_true", help="print the checks that pass even where others fail")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    return parser


def sizes(text):
    """The shape of "8,8,3"."""
    return tuple(whole(1)(size) for size in text.split(","))


def samples(layer, n, shape, seed):
    """An x (n, ...) for the layer."""
    shape = shape or as_shape(layer.n_in) or WIDTHS[:1]
    shape = tuple(size or WIDTHS[0] for size in shape)  # None: of any size
    return host_generator(seed, 3).standard_normal((n or N * layer.rows, *shape))


def project(seed):
    """[(what it is made of, report)] of every layer, loss and objective on its own, of two networks, and of games."""
    rng, methods = host_generator(seed, 3), ("central", "complex")
    checks = []
    for layer, training, shape in layers():
        x = rng.standard_normal((N * layer.rows, *shape))
        checks += [([layer], gradcheck(layer, x, method=method, training=training, seed=seed)) for method in methods]
    labels, rows, sequences = rng.integers(0, 3, N), rng.standard_normal((N, 5)), rng.standard_normal((N, 3, 2))
    for layer, *given in (
        *((layer, rows, labels) for layer in (m.Condition(3), m.Projection(3))),
        *((layer, sequences, None) for layer in (m.RNN(3), m.GRU(3), m.LSTM(3), m.Bidirectional(m.GRU(2)))),
        *((layer, sequences, None) for layer in (m.LastStep(), m.MeanOverTime(), m.Shared())),
        (m.Standardize((0.8, 0.1), (0.2, 3.0)), sequences, None),
        (m.Repeat(3), rows, None),
        (m.Embedding(3, 4), rng.integers(0, 3, (N, 5)).astype("float64"), None),
        (m.Embedding(3, 4), rng.standard_normal((N, 2, 3)), None),
    ):
        x, y = given
        checks += [([layer], gradcheck(layer, x, y=y, method=method, seed=seed)) for method in methods]
    a, other, p = rng.standard_normal((N, 1)), rng.standard_normal((N, 1)), rng.uniform(0.1, 0.9, (N, 1))
    losses = [(bce_with_logits, a, p), (bce, p, rng.random((N, 1))), (value, a, other)]
    for objective in m.Minimax(), m.NonSaturating(), m.NonSaturating(real=0.9):
        losses += [(objective.discriminator, a, other), (objective.generator, other)]
    for objective in m.Minimax("probability"), m.NonSaturating("probability"):
        losses += [(objective.discriminator, p, 1 - p[::-1]), (objective.generator, p)]
    checks += [
        ([getattr(loss, "__self__", loss)], check_loss(loss, *inputs, method=method, seed=seed))
        for loss, *inputs in losses
        for method in methods
    ]
    classes = functools.wraps(softmax_cross_entropy)(lambda a: softmax_cross_entropy(a, labels))
    checks += [([classes], check_loss(classes, rng.standard_normal((N, 3)), seed=seed))]
    x = rng.standard_normal((N, 5))
    for network in (
        Network(m.Dense(5, 6), m.Tanh(), m.Dense(6, 4), m.Sigmoid(), seed=seed),
        Network(m.Dense(5, 6), m.LeakyReLU(), m.Dense(6, 4), m.ReLU(), m.Dense(4, 1), seed=seed),
    ):
        checks += [(network.layers, gradcheck(network, x, method=method, seed=seed)) for method in methods]
    checks += other_games(rng, seed)
    plain = m.Minimax(), m.NonSaturating(), m.Minimax("probability"), m.NonSaturating("probability")
    games = [(objective, None, 1) for objective in plain]
    games += [(m.RelativisticAverage(), m.GradientPenalty(10.0), 1), (m.FeatureMatching(2), m.R1(1.0), 2)]
    z, x = rng.standard_normal((2 * N, 3)), rng.standard_normal((2 * N, 4))
    G = Network(m.Dense(3, 8), m.Reshape(2, 2, 2), m.ReLU(), m.ConvTranspose2D(1), m.Tanh(), seed=seed)
    D = Network(m.Conv2D(2), m.LeakyReLU(), m.Flatten(), m.Dense(8, 1), seed=seed + 1, shape=(4, 4, 1))
    images = check_game(m.GAN(G, D, seed=seed, penalty=m.R1(1.0)), rng.standard_normal((N, 4, 4, 1)), z[:N], seed=seed)
    checks += [([*G.layers, *D.layers, m.R1(1.0)], images), *conditional_games(rng, labels, seed)]
    for objective, penalty, k in games:
        G = Network(m.Dense(3, 6), m.ReLU(), m.Dense(6, 4), m.Tanh(), seed=seed)
        first = [m.Pack(k, 4)] if k > 1 else []
        last = [m.Sigmoid()] if objective.output == "probability" else []
        D = Network(*first, m.Dense(k * 4, 5), m.LeakyReLU(), m.Dense(5, 1), *last, seed=seed + 1)
        game = check_game(m.GAN(G, D, objective, seed, penalty=penalty), x[: k * N], z[: k * N], seed=seed)
        checks.append(([*G.layers, *D.layers, objective, *([penalty] if penalty else [])], game))
    return checks


def layers():
    """(layer, training, shape of a sample) for every layer; those that differ in training, both ways."""
    for layer in m.Dense(*WIDTHS), m.Tanh(), m.Sigmoid(), m.LeakyReLU(), m.ReLU(), m.BatchNorm(5):
        yield layer, False, (5,)
    for layer in m.LayerNorm(5), m.BatchNorm(5), m.Dropout(0.4), m.InstanceNoise(0.4):
        yield layer, True, (5,)
    yield from ((m.SpectralNorm(*WIDTHS), training, (5,)) for training in (False, True))
    yield from ((m.Dense(*WIDTHS), True, (2, 5)), (m.Maxout(6, 2), True, (6,)), (m.Flatten(2, 3), True, (2, 3)))
    yield from ((m.Reshape(2, 3), True, (6,)), (m.Pack(2, 2, 2, 1), True, (2, 2, 1)))
    for layer in m.Conv2D(2, 3), m.ConvTranspose2D(2, 3), m.AveragePool(), m.Upsample(), m.BatchNorm(2):
        yield layer, True, (4, 2, 2)
    for layer in m.Conv2D, m.ConvTranspose2D:
        yield layer(3, (3, 2), (1, 2), (1, 0), use_bias=False), True, (3, 4, 2)
    yield from ((m.SpectralConv2D(2), training, (4, 2, 2)) for training in (False, True))
    yield m.LayerNorm(5), True, (2, 1, 5)


def other_games(rng, seed):
    """The objectives beyond that of 2014, the second derivatives of all layers, and the penalties made of them."""
    a, other, h, matched = (rng.standard_normal((N, width)) for width in (1, 1, 3, 3))
    checks = []
    for objective in m.LeastSquares(), m.Wasserstein(), m.Hinge(), m.RelativisticAverage():
        for loss in objective.discriminator, objective.generator:
            inputs = (a,) if loss == objective.generator and not objective.sees_real else (a, other)
            checks.append(([objective], check_loss(loss, *inputs, seed=seed)))
    matching = m.FeatureMatching(0)
    checks.append(([matching], check_loss(matching.generator, h, matched, seed=seed)))
    for layer, training, shape in layers():
        x = rng.standard_normal((N * layer.rows, *shape))
        checks.append(([layer], check_second_order(layer, x, training=training, seed=seed)))
    D = Network(m.Dense(5, 6), m.Tanh(), m.Dense(6, 4), m.LeakyReLU(), m.Dense(4, 1), seed=seed)
    x = rng.standard_normal((N, 5))
    for penalty in m.R1(1.0), m.R2(1.0), m.GradientPenalty(10.0), m.OneSidedGradientPenalty(10.0):
        checks.append(([*D.layers, penalty], check_penalty(penalty, D, x, seed=seed)))
    return checks


def conditional_games(rng, y, seed):
    """Games with labels y: joined to x, projected, and told by D, with penalties at which y is held."""
    x, z = rng.standard_normal((N, 4)), rng.standard_normal((N, 2))
    for D, objective, penalty in (
        ([m.Condition(3), m.Dense(7, 5), m.Tanh(), m.Dense(5, 1)], m.NonSaturating(), m.R1(1.0)),
        ([m.Dense(4, 5), m.LeakyReLU(), m.Projection(3)], m.Hinge(), m.GradientPenalty(10.0)),
        ([m.Dense(4, 5), m.Tanh(), m.Dense(5, 4)], m.AuxiliaryClassifier(3), m.R1(1.0)),
    ):
        G = Network(m.Condition(3), m.Dense(5, 6), m.ReLU(), m.Dense(6, 4), m.Tanh(), seed=seed, shape=2)
        gan = m.GAN(G, Network(*D, seed=seed + 1, shape=4), objective, seed, penalty=penalty)
        yield [*G.layers, *D, objective, penalty], check_game(gan, x, z, y, seed=seed)


def culprits(checks):
    """Where to look first: what fails on its own, and how much fails with it."""
    alone = {}  # by kind: Dense(5, 4) stands for every Dense
    for parts, report in checks:
        if len(parts) == 1 and not report.ok:
            alone.setdefault(_kind(parts[0]), getattr(parts[0], "__name__", repr(parts[0])))
    for kind in [kind for kind in alone if isinstance(kind, type) and any(base in alone for base in kind.__mro__[1:])]:
        del alone[kind]  # it only inherits what fails
    composed = [parts for parts, report in checks if len(parts) > 1 and not report.ok]
    if not alone:
        return "Every layer, loss and objective passes on its own: look at how the failing checks chain them."
    users = sum(any(_kind(part) in alone for part in parts) for parts in composed)
    one = len(alone) == 1
    text = f"Look first at {' and '.join(alone.values())}: {'it fails on its' if one else 'they fail on their'} own"
    if users:
        which = f"{users} other check{' that uses' if users == 1 else 's that use'} {'it' if one else 'one of them'}"
        text += f"; {which} {'fails' if users == 1 else 'fail'} as well"
    return f"{text}." + (f" Then look at {len(composed) - users} that do not." if len(composed) > users else "")


def _kind(part):
    """What a layer shares with every other of its class; functions and objectives are told apart by themselves."""
    return type(part) if isinstance(part, Layer) else repr(part)


def load(place, text):
    """An instance of the class at "path/to/file.py:ClassName"; ValueError where there is none, saying why."""
    match = re.fullmatch(r"(.+?\.py)(?::(.*))?", place)
    path, name = match.groups("") if match else (place, "")
    if not match or not Path(path).is_file():
        missing = "" if Path(path).exists() else f", and there is no file {path!r}"
        raise ValueError(f"--layer {place}: expected path/to/file.py:ClassName{missing}")
    name, bracket, given = name.partition("(")
    if bracket:
        given = given.removesuffix(")")
        if not given:
            raise ValueError(f"--layer {place}: no brackets: --layer {path}:{name}")
        raise ValueError(f"arguments go into --args: --layer {path}:{name} --args {shlex.quote(given)}")
    spec = importlib.util.spec_from_file_location(Path(path).stem, path)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        what = "it calls exit()" if isinstance(error, SystemExit) else f"{type(error).__name__}: {error}"
        raise ValueError(f"--layer: {path} does not import: {what}") from error
    cls = getattr(module, name, None) if name else None
    own = [a for a in vars(module).values() if inspect.isclass(a) and a.__module__ == spec.name]
    layers = [a.__name__ for a in own if issubclass(a, Layer | Network)]
    if not inspect.isclass(cls):
        if not layers:
            raise ValueError(f"{path} has no layer: derive a class from minigan.Layer (or from minigan.Network)")
        wrong = f"there is no class {name!r}:" if name else "which class?"
        raise ValueError(f"{wrong} {Path(path).name} has {', '.join(layers)}: --layer {path}:{layers[0]}")
    layer = _make(cls, text)
    if not isinstance(layer, Layer | Network):
        raise ValueError(f"{name} is no layer: derive it from minigan.Layer (or from minigan.Network)")
    return layer


def _make(cls, text):
    """cls(), or cls(5, 4), or with the arguments in `text`."""
    try:
        given = ast.literal_eval(f"({text},)") if text else None
    except (SyntaxError, ValueError) as error:
        raise ValueError(f"--args {text}: expected Python literals such as 5,4") from error
    for values in [given] if given else [(), WIDTHS]:
        try:
            inspect.signature(cls).bind(*values)
        except TypeError:
            continue
        try:
            return cls(*values)
        except (Exception, SystemExit) as error:
            raise ValueError(f"{cls.__name__}{values} raised {type(error).__name__}: {error}") from error
    signature = inspect.signature(cls)
    needed = [p for p in signature.parameters.values() if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
    example = ",".join(str(max(WIDTHS[0] - i, 1)) for i in range(len(needed)))
    wrong = f"does not take --args {text}" if text else "needs arguments"
    raise ValueError(f"{cls.__name__}{signature} {wrong}: --args {example}, say")


def in_words(error):
    """An exception from the layer's own code: what, where in which file, and what gradcheck noted."""
    frame = next(f for f in reversed(traceback.extract_tb(error.__traceback__)) if f.line)
    where = f"{frame.filename}:{frame.lineno}: {frame.line}"
    what = "exit() was called" if isinstance(error, SystemExit) else f"{type(error).__name__}: {error}"
    return "\n  ".join([what, where, *getattr(error, "__notes__", [])])


if __name__ == "__main__":
    sys.exit(main())
