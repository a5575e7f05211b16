#!/usr/bin/env python3
"""Check every derivative in minigan against the slope of its own forward pass, or those of a layer of yours:

    python scripts/check_gradients.py --layer path/to/file.py:ClassName

prints one row for each tensor, and under a row that fails what kind of mistake it is. The layer is made without
arguments where it can be, else as ClassName(5, 4), its widths; --args 5,0.2 gives others. Once something of minigan
fails, only the checks that fail are printed, and --all prints the others as well.
Exit code: 0 all right, 1 a derivative is wrong, 2 the check could not be run.
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

from minigan import (
    GAN,
    R1,
    R2,
    BatchNorm,
    Dense,
    Dropout,
    FeatureMatching,
    Flatten,
    Hinge,
    InstanceNoise,
    Layer,
    LayerNorm,
    LeakyReLU,
    LeastSquares,
    Maxout,
    Minimax,
    Network,
    NonSaturating,
    RelativisticAverage,
    ReLU,
    Reshape,
    Sigmoid,
    SlopeBound,
    SpectralNorm,
    Tanh,
    UnitSlope,
    Wasserstein,
)  # fmt: skip
from minigan.backend import host_generator
from minigan.cli import Parser, whole
from minigan.cross_entropy import softmax_cross_entropy
from minigan.gradcheck import check_game, check_loss, gradcheck
from minigan.losses import bce, bce_with_logits
from minigan.objectives import value
from minigan.second_order_check import check_penalty, check_second_order

N, WIDTHS = 7, (5, 4)  # all different, so that a transpose or a wrong axis does not fit


def main(argv=None):
    parser = arguments()
    args = parser.parse_args(argv)
    if args.layer is None:
        checks = project(args.seed)
    else:
        with parser.mistakes():
            layer = load(args.layer, args.args)
        x = host_generator(args.seed, 3).standard_normal((args.batch, layer.n_in or WIDTHS[0]))
        try:
            report = gradcheck(layer, x, method=args.method, eps=args.eps, seed=args.seed, training=args.training)
        except Exception as error:
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
    parser.add_argument("--args", default="", metavar="A,B", help="what the layer is made with, as Python literals")
    parser.add_argument("--training", action="store_true", help="check forward(x, training=True)")
    parser.add_argument("--batch", type=whole(1), default=N, help="samples in x (default: %(default)s)")
    parser.add_argument("--method", choices=("central", "complex"), default="central", help="(default: %(default)s)")
    parser.add_argument("--eps", type=float, default=1e-5, help="half the width of a difference (default: %(default)s)")
    parser.add_argument("--seed", type=whole(0), default=0, help="of x, dy and weights (default: %(default)s)")
    parser.add_argument("--all", action="store_true", help="print the checks that pass even where others fail")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    return parser


def project(seed):
    """[(what it is made of, report)] of every layer, loss and objective on its own, of two networks, and of games."""
    rng = host_generator(seed, 3)
    x = rng.standard_normal((N, WIDTHS[0]))
    layers = [Dense(*WIDTHS), Tanh(), Sigmoid(), LeakyReLU(), ReLU()]
    smooth = Network(Dense(5, 6), Tanh(), Dense(6, 4), Sigmoid(), seed=seed)
    kinked = Network(Dense(5, 6), LeakyReLU(), Dense(6, 4), ReLU(), Dense(4, 1), seed=seed)
    a, other, p = rng.standard_normal((N, 1)), rng.standard_normal((N, 1)), rng.uniform(0.05, 0.95, (N, 1))
    losses = [(bce_with_logits, a, p), (bce, p, rng.random((N, 1))), (value, a, other)]
    for objective in Minimax(), NonSaturating(), NonSaturating(real=0.9):
        losses += [(objective.discriminator, a, other), (objective.generator, other)]
    for objective in Minimax("probability"), NonSaturating("probability"):
        losses += [(objective.discriminator, p, 1 - p[::-1]), (objective.generator, p)]
    methods = "central", "complex"
    checks = [([layer], gradcheck(layer, x, method=method, seed=seed)) for layer in layers for method in methods]
    checks += [
        ([getattr(loss, "__self__", loss)], check_loss(loss, *inputs, method=method, seed=seed))
        for loss, *inputs in losses
        for method in methods
    ]
    labels = rng.integers(0, 3, N)
    classes = functools.wraps(softmax_cross_entropy)(lambda a: softmax_cross_entropy(a, labels))
    checks += [([classes], check_loss(classes, rng.standard_normal((N, 3)), seed=seed))]
    for network in smooth, kinked:
        checks += [(network.layers, gradcheck(network, x, method=method, seed=seed)) for method in methods]
    for layer, training, shape in recipe_layers():
        x = rng.standard_normal((N, *shape))
        options = {"training": training, "seed": seed}
        checks += [([layer], gradcheck(layer, x, method=method, **options)) for method in methods]
    checks += other_games(rng, seed)
    z, x = rng.standard_normal((N, 3)), rng.standard_normal((N, 4))
    for objective in Minimax(), NonSaturating(), Minimax("probability"), NonSaturating("probability"):
        G = Network(Dense(3, 6), ReLU(), Dense(6, 4), Tanh(), seed=seed)
        last = [Sigmoid()] if objective.output == "probability" else []
        D = Network(Dense(4, 5), LeakyReLU(), Dense(5, 1), *last, seed=seed + 1)
        game = check_game(GAN(G, D, objective, seed), x, z, seed=seed)
        checks.append(([*G.layers, *D.layers, objective], game))
    return checks


def recipe_layers():
    """(layer, training, shape of a sample) for the layers that the recipes need, as they are in training and out."""
    yield from ((LayerNorm(5), True, (5,)), (BatchNorm(5), True, (5,)), (BatchNorm(5), False, (5,)))
    yield from ((Dropout(0.4), True, (5,)), (InstanceNoise(0.4), True, (5,)), (Maxout(6, 2), True, (6,)))
    yield from ((Flatten(2, 3), True, (2, 3)), (Reshape(2, 3), True, (6,)))


def other_games(rng, seed):
    """The objectives beyond that of 2014, the second derivatives of all layers, and the penalties made of them."""
    a, other, h = (rng.standard_normal((N, width)) for width in (1, 1, 3))
    checks = []
    for objective in LeastSquares(), Wasserstein(), Hinge(), RelativisticAverage():
        for loss in objective.discriminator, objective.generator:
            inputs = (a,) if loss == objective.generator and not objective.sees_real else (a, other)
            checks.append(([objective], check_loss(loss, *inputs, seed=seed)))
    matching = FeatureMatching(0)
    checks.append(([matching], check_loss(matching.generator, h, rng.standard_normal((N, 3)), seed=seed)))
    x = rng.standard_normal((N, WIDTHS[0]))
    checks += [([SpectralNorm(*WIDTHS)], gradcheck(SpectralNorm(*WIDTHS), x, seed=seed))]
    plain = Dense(*WIDTHS), SpectralNorm(*WIDTHS), Tanh(), Sigmoid(), LeakyReLU(), ReLU()
    for layer, training, shape in (*((layer, False, (5,)) for layer in plain), *recipe_layers()):
        report = check_second_order(layer, rng.standard_normal((N, *shape)), training=training, seed=seed)
        checks.append(([layer], report))
    D = Network(Dense(5, 6), Tanh(), Dense(6, 4), LeakyReLU(), Dense(4, 1), seed=seed)
    for penalty in R1(1.0), R2(1.0), UnitSlope(10.0), SlopeBound(10.0):
        checks.append(([*D.layers, penalty], check_penalty(penalty, D, x, seed=seed)))
    return checks


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
    except Exception as error:
        raise ValueError(f"{path} does not import: {type(error).__name__}: {error}") from error
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
        except Exception as error:
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
    return "\n  ".join([f"{type(error).__name__}: {error}", where, *getattr(error, "__notes__", [])])


if __name__ == "__main__":
    sys.exit(main())
