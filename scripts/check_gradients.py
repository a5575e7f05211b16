#!/usr/bin/env python3
"""Check every derivative in minigan against the slope of its own forward pass, or those of a layer of yours:

    python scripts/check_gradients.py --layer path/to/file.py:ClassName

prints one row for each tensor, and under a row that fails what kind of mistake it is. The layer is made without
arguments where it can be, else as ClassName(5, 4), its widths; --args 5,0.2 gives others.
Exit code: 0 all right, 1 a derivative is wrong, 2 the check could not be run.
"""

import ast
import importlib.util
import inspect
import json
import sys
import traceback
from pathlib import Path

from minigan import GAN, Dense, Layer, LeakyReLU, Minimax, Network, NonSaturating, ReLU, Sigmoid, Tanh
from minigan.backend import host_generator
from minigan.cli import Parser, whole
from minigan.gradcheck import check_game, check_loss, gradcheck
from minigan.losses import bce, bce_with_logits
from minigan.objectives import value

N, WIDTHS = 7, (5, 4)  # all different, so that a transpose or a wrong axis does not fit


def main(argv=None):
    parser = arguments()
    args = parser.parse_args(argv)
    if args.layer is None:
        reports = project(args.seed)
    else:
        with parser.mistakes():
            layer = load(args.layer, args.args)
        x = host_generator(args.seed, 3).standard_normal((args.batch, layer.n_in or WIDTHS[0]))
        try:
            reports = [gradcheck(layer, x, method=args.method, eps=args.eps, seed=args.seed, training=args.training)]
        except Exception as error:
            print(in_words(error), file=sys.stderr)
            return 1
    ok = all(report.ok for report in reports)
    if args.json:
        print(json.dumps({"ok": ok, "reports": [report.to_dict() for report in reports]}, indent=2))
    else:
        print("\n\n".join(map(str, reports)))
        rows = [row for report in reports for row in report.rows]
        failed = sum(row.verdict == "FAIL" for row in rows)
        print(f"\n{len(rows)} tensors in {len(reports)} checks: {f'{failed} FAILED' if failed else 'all ok'}")
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
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    return parser


def project(seed):
    """The reports for every layer, activation, loss and objective, for two networks, and for the whole game."""
    rng = host_generator(seed, 3)
    x = rng.standard_normal((N, WIDTHS[0]))
    smooth = [Dense(*WIDTHS), Tanh(), Sigmoid(), Network(Dense(5, 6), Tanh(), Dense(6, 4), Sigmoid(), seed=seed)]
    kinked = [LeakyReLU(), ReLU(), Network(Dense(5, 6), LeakyReLU(), Dense(6, 4), ReLU(), Dense(4, 1), seed=seed)]
    a, other, p = rng.standard_normal((N, 1)), rng.standard_normal((N, 1)), rng.uniform(0.05, 0.95, (N, 1))
    losses = [(bce_with_logits, a, p), (bce, p, rng.random((N, 1))), (value, a, other)]
    for objective in Minimax(), NonSaturating():
        losses += [(objective.discriminator, a, other), (objective.generator, other)]
    for objective in Minimax("probability"), NonSaturating("probability"):
        losses += [(objective.discriminator, p, 1 - p[::-1]), (objective.generator, p)]
    methods = "central", "complex"
    reports = [gradcheck(layer, x, method=method, seed=seed) for layer in smooth + kinked for method in methods]
    reports += [check_loss(loss, *inputs, method=method, seed=seed) for loss, *inputs in losses for method in methods]
    z, x = rng.standard_normal((N, 3)), rng.standard_normal((N, 4))
    for objective in Minimax(), NonSaturating(), Minimax("probability"), NonSaturating("probability"):
        G = Network(Dense(3, 6), ReLU(), Dense(6, 4), Tanh(), seed=seed)
        last = [Sigmoid()] if objective.output == "probability" else []
        D = Network(Dense(4, 5), LeakyReLU(), Dense(5, 1), *last, seed=seed + 1)
        reports.append(check_game(GAN(G, D, objective, seed), x, z, seed=seed))
    return reports


def load(place, text):
    """An instance of the class at "path/to/file.py:ClassName"; ValueError where there is none, saying why."""
    path, _, name = place.rpartition(":")
    if not path or not Path(path).is_file():
        raise ValueError(f"--layer {place}: expected path/to/file.py:ClassName, and there is no file {path or place!r}")
    spec = importlib.util.spec_from_file_location(Path(path).stem, path)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ValueError(f"{path} does not import: {type(error).__name__}: {error}") from error
    cls = getattr(module, name, None)
    own = [n for n, a in vars(module).items() if inspect.isclass(a) and a.__module__ == spec.name]
    if not inspect.isclass(cls):
        raise ValueError(f"{path} has no class {name!r}; it has {', '.join(own) or 'none'}")
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
    raise ValueError(f"{cls.__name__}{inspect.signature(cls)} cannot be called so: say with what, as in --args 5,4")


def in_words(error):
    """An exception from the layer's own code: what, where in which file, and what gradcheck noted."""
    frame = next(f for f in reversed(traceback.extract_tb(error.__traceback__)) if f.line)
    where = f"{frame.filename}:{frame.lineno}: {frame.line}"
    return "\n  ".join([f"{type(error).__name__}: {error}", where, *getattr(error, "__notes__", [])])


if __name__ == "__main__":
    sys.exit(main())
