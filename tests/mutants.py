"""Do the checks notice? Every small change to the mathematics of minigan is made in memory and must be caught.

`python tests/mutants.py` makes a mutant for each operator, operand, comparison, number, keyword (`axis=`, `out=`, ...),
`.T`, order of arguments, call of a kindred function, condition and statement in the mathematics (not the validation)
of the modules in MUTATED, and runs `battery.py` on it until something fails. It prints the score and the survivors:
those that `EQUIVALENT` does not list with the reason why nobody could tell them apart. The arguments of `maximum`,
`minimum`, `equal`, `multiply` and `add` are not swapped: they commute.
"""

import ast
import copy
import importlib
import importlib.util
import itertools
import re
import signal
import sys
import time
import types
import warnings
from collections import Counter, namedtuple
from pathlib import Path

import minigan.backend.arrays
import minigan.gan  # the rooms that it and its imports fill
import minigan.gradcheck.second_order
import minigan.objectives.tokens  # noqa: F401

ROOT = Path(__file__).resolve().parents[1]
MUTATED = (  # the mathematics, which battery.py checks
    "backend/plain", "backend/moments", "backend/pairs", "backend/kernels", "backend/generators", "backend/batch",
    "layers/layer", "layers/initializers", "layers/dense", "layers/activations", "layers/normalization", "layers/noise",
    "layers/maxout", "layers/spectral", "layers/reshaping", "layers/winograd", "layers/convolution",
    "layers/resampling", "layers/recurrent", "layers/sequences", "layers/bidirectional", "layers/embedding",
    "layers/condition", "losses", "network", "optimizers/rules", "optimizers/schedules", "optimizers/averaging",
    "optimizers/clipping", "objectives/minimax", "objectives/others", "objectives/auxiliary", "objectives/jvp",
    "objectives/penalties", "objectives/tokens", "gan",
)  # fmt: skip
ROOMS = "backend", "layers", "losses", "network", "optimizers", "objectives", "gan", "gradcheck"
VALIDATION = {"_check", "check", "_check_dtype", "_below_one", "_own", "_check_players", "_sizes", "_real", "_chain"}
NOT_MATHEMATICS = VALIDATION | {"__repr__", "summary", "players", "_labels"}
SECONDS = 10  # of the processor's time, for one mutant: one that hangs is caught, one that has to wait is not

FILES = (  # battery.py looks into these
    "backend/kernels", "backend/generators", "backend/batch", "objectives/jvp", "objectives/penalties",
    "objectives/tokens",
)  # fmt: skip

Mutant = namedtuple("Mutant", "key module tree")  # key: "layers/dense.py Dense.backward: before -> after"

OPERATORS = {
    ast.Add: [ast.Sub], ast.Sub: [ast.Add], ast.Mult: [ast.Div], ast.Div: [ast.Mult], ast.Pow: [ast.Mult],
    ast.Gt: [ast.GtE, ast.Lt], ast.Lt: [ast.LtE, ast.Gt], ast.GtE: [ast.Gt, ast.LtE], ast.LtE: [ast.Lt, ast.GtE],
    ast.Eq: [ast.NotEq], ast.NotEq: [ast.Eq], ast.Is: [ast.IsNot], ast.IsNot: [ast.Is],
    ast.In: [ast.NotIn], ast.NotIn: [ast.In], ast.And: [ast.Or], ast.Or: [ast.And],
}  # fmt: skip
COMMUTE = {"maximum", "minimum", "multiply", "add", "equal", "max", "min"}
KINDRED = {
    "multiply": "divide", "divide": "multiply", "subtract": "add", "add": "subtract", "maximum": "minimum",
    "minimum": "maximum", "greater": "greater_equal", "mean": "sum", "sum": "mean", "log": "log1p", "log1p": "log",
    "exp": "expm1", "sqrt": "square", "tanh": "sin", "zeros": "empty", "zeros_like": "ones_like",
    "sigmoid": "softplus", "softplus": "sigmoid", "log_d": "log_not_d", "log_not_d": "log_d", "reversed": "list",
}  # fmt: skip
STRINGS = {"both": ["input", "params"], "input": ["both", "params"], "params": ["both", "input"], "y": ["dx"],
           "dx": ["y"], "positive": ["dx"], "logit": ["probability"]}  # fmt: skip


def sources():
    """{module: its source}"""
    return {name: (ROOT / "minigan" / f"{name}.py").read_text(encoding="utf-8") for name in MUTATED}


def mutants(name, source, every=1):
    """Every Mutant of one module, or one in `every`."""
    tree, candidates = ast.parse(source), itertools.count()
    for index, (path, statement, node) in enumerate(_places(tree)):
        for description, change in _changes(node):
            if next(candidates) % every:
                continue
            twin = copy.deepcopy(tree)
            place = list(_places(twin))[index]
            before = _line(statement)
            changed = change(place[2])
            if changed is not place[2]:
                _Replace(place[2], changed).visit(twin)
            after = "deleted" if description == "delete" else _line(changed if node is statement else place[1])
            said = (
                before.replace(", strict=True", ""),
                before.replace("strict=True", "strict=False"),
            )  # no more than that
            if "reshape(" in after:  # NumPy takes any negative size for -1
                after = re.sub(r"(?<=[( ])-2(?=[,)])", "-1", after)
            if after not in (before, *said):
                yield Mutant(f"{name}.py {path}: {before} -> {after}", name, ast.fix_missing_locations(twin))


def _places(tree):
    """(qualified name of the function, statement, node) for every node that may be changed, in a fixed order."""

    def functions(body, prefix):
        for node in body:
            if isinstance(node, ast.ClassDef):
                yield from functions(node.body, f"{prefix}{node.name}.")
            elif isinstance(node, ast.FunctionDef) and node.name not in NOT_MATHEMATICS:
                yield f"{prefix}{node.name}", node

    def inside(body):
        for statement in body:
            docstring = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
            refusal = isinstance(statement, ast.If) and isinstance(statement.body[-1], ast.Raise)
            if docstring or refusal or isinstance(statement, ast.Raise):
                continue
            yield statement, statement
            for field, value in ast.iter_fields(statement):
                if field in ("body", "orelse"):
                    yield from inside(value)
                else:
                    for child in value if isinstance(value, list) else [value]:
                        if isinstance(child, ast.AST):
                            yield from ((statement, node) for node in ast.walk(child))

    for path, function in functions(tree.body, ""):
        for statement, node in inside(function.body):
            yield path, statement, node


def _changes(node):
    """(description, function that changes the node in place or gives another) for each mutation of one node."""
    match node:
        case ast.BinOp(op=ast.MatMult()):
            yield "swap", lambda n: ast.BinOp(n.right, n.op, n.left)
        case ast.BinOp() | ast.AugAssign():
            for other in OPERATORS.get(type(node.op), ()):
                yield "operator", lambda n, other=other: _set(n, op=other())
            if isinstance(node, ast.BinOp):
                yield "operand", lambda n: n.left
                yield "operand", lambda n: n.right
            else:
                yield "assign", lambda n: ast.Assign([n.target], n.value)
                yield "delete", lambda n: ast.Pass()
        case ast.BoolOp():
            for other in OPERATORS[type(node.op)]:
                yield "operator", lambda n, other=other: _set(n, op=other())
        case ast.Compare():
            for other in OPERATORS.get(type(node.ops[0]), ()):
                yield "comparison", lambda n, other=other: _set(n, ops=[other(), *n.ops[1:]])
        case ast.UnaryOp(op=ast.USub() | ast.Not()):
            yield "sign", lambda n: n.operand
        case ast.Constant(value=bool()):
            yield "flip", lambda n: ast.Constant(not n.value)
        case ast.Constant(value=int() | float()):
            yield "constant", lambda n: ast.Constant(n.value + 1)
            if node.value not in (0, 1):
                yield "constant", lambda n: ast.Constant(type(n.value)(1))
            if node.value == 1:
                yield "constant", lambda n: ast.Constant(0)
        case ast.Constant(value=str()):
            for other in STRINGS.get(node.value, ()):
                yield "string", lambda n, other=other: ast.Constant(other)
        case ast.Attribute(attr="T"):
            yield "transpose", lambda n: n.value
        case ast.Slice():
            yield "slice", lambda n: ast.Slice(n.upper, n.lower)
            yield "slice", lambda n: ast.Slice()
        case ast.IfExp():
            yield "branch", lambda n: n.body
            yield "branch", lambda n: n.orelse
        case ast.Tuple(ctx=ast.Load()) if len(node.elts) > 1:
            for i in range(len(node.elts) - 1):
                yield "order", lambda n, i=i: _swap(n, "elts", i)
        case ast.Tuple(ctx=ast.Store()):
            for i in range(len(node.elts) - 1):
                yield "order", lambda n, i=i: _swap(n, "elts", i)
        case ast.For():
            yield "delete", lambda n: ast.Pass()
        case ast.If():
            yield "condition", lambda n: _set(n, test=ast.Constant(True))
            yield "condition", lambda n: _set(n, test=ast.Constant(False))
        case ast.Return() | ast.Expr() | ast.Assign():
            yield "delete", lambda n: ast.Pass()
        case ast.Call():
            yield from _call_changes(node)


def _call_changes(node):
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", None)
    if name not in COMMUTE and not any(isinstance(arg, ast.Starred) for arg in node.args):
        for i in range(len(node.args) - 1):
            yield "order", lambda n, i=i: _swap(n, "args", i)
    for i, keyword in enumerate(node.keywords):
        yield "keyword", lambda n, i=i: _set(n, keywords=n.keywords[:i] + n.keywords[i + 1 :])
        if keyword.arg == "out" and node.args:
            for k, arg in enumerate(node.args):
                if isinstance(arg, ast.Name | ast.Attribute):
                    yield "out", lambda n, i=i, k=k: _set_out(n, i, n.args[k])
    if name in KINDRED:
        field = "attr" if isinstance(node.func, ast.Attribute) else "id"
        yield "kindred", lambda n: _set(n, func=_set(copy.copy(n.func), **{field: KINDRED[name]}))
    if name in ("copy", "reshape", "mean") and isinstance(node.func, ast.Attribute):
        yield "call", lambda n: n.func.value


def _set(node, **fields):
    for field, value in fields.items():
        setattr(node, field, value)
    return node


def _swap(node, field, i):
    items = list(getattr(node, field))
    items[i], items[i + 1] = items[i + 1], items[i]
    return _set(node, **{field: items})


def _set_out(node, i, target):
    node.keywords[i] = ast.keyword("out", copy.deepcopy(target))
    return node


class _Replace(ast.NodeTransformer):
    def __init__(self, old, new):
        self.old, self.new = old, new

    def visit(self, node):
        return self.new if node is self.old else self.generic_visit(node)


def _line(statement):
    """The first line of a statement: for an `if` or a `for`, its header."""
    return ast.unparse(ast.fix_missing_locations(statement)).splitlines()[0]


class Workshop:
    """Makes packages that are minigan up to the gradient check, but for one file, without touching the real one."""

    def __init__(self):
        """Every module, in the order in which Python loads them, a package before what is in it."""
        self.code = {}
        for name in [name for name in sys.modules if name.partition(".")[0] == "minigan"]:
            if name.count(".") and name.split(".")[1] in ROOMS and name != "minigan.backend.arrays":
                path = Path(sys.modules[name].__file__)
                self.code[name] = compile(path.read_text(encoding="utf-8"), str(path), "exec")

    def make(self, module=None, tree=None):
        """A namespace of rooms, one file of them compiled from `tree`; the array module is the real one."""
        kept = {name: m for name, m in sys.modules.items() if name.partition(".")[0] == "minigan"}
        for name in kept.keys() - {"minigan.backend.arrays"}:
            del sys.modules[name]
        code = dict(self.code)
        if module:
            name = "minigan." + module.replace("/", ".")
            code[name] = compile(tree, f"<mutant of {module}>", "exec")
        package = sys.modules["minigan"] = types.ModuleType("minigan")
        package.__path__ = []
        finder = _Finder(code)
        sys.meta_path.insert(0, finder)
        try:
            files = {name.rpartition("/")[2]: name.replace("/", ".") for name in (*ROOMS, *FILES)}
            return types.SimpleNamespace(**{n: importlib.import_module(f"minigan.{path}") for n, path in files.items()})
        finally:
            sys.meta_path.remove(finder)
            for name in [name for name in sys.modules if name.partition(".")[0] == "minigan"]:
                del sys.modules[name]
            sys.modules.update(kept)


class _Finder:
    """Python's import, from code objects."""

    def __init__(self, code):
        self.code = code

    def find_spec(self, name, path=None, target=None):
        """Where a module of minigan comes from: here."""
        if name in self.code:
            package = any(other.startswith(name + ".") for other in self.code)
            return importlib.util.spec_from_loader(name, self, is_package=package)

    def create_module(self, spec):
        """As usual."""

    def exec_module(self, module):
        """Run the code object."""
        exec(self.code[module.__name__], vars(module))


class _Hangs(BaseException):
    pass


def _alarm(*_):
    raise _Hangs


def caught(workshop, mutant, checks):
    """The name of the check that fails on a mutant, or None."""
    before = signal.signal(signal.SIGPROF, _alarm)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        package = workshop.make(mutant.module, mutant.tree)
        for check in checks:
            name = check.__name__
            check(package)
    except _Hangs:
        return "hangs"
    except Exception as error:
        return locals().get("name", f"import: {type(error).__name__}")
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    return None


def concerning(module, checks):
    """The checks in an order that is likely to catch a mutant of this module soon."""
    return sorted(checks, key=lambda check: not check.__name__.startswith(module.rpartition("/")[2]))


def battery():
    """The checks in battery.py."""
    spec = importlib.util.spec_from_file_location("battery", Path(__file__).with_name("battery.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.CHECKS


def run(modules=MUTATED, every=1):
    """(mutants, caught by check, listed as equivalent, survivors, listed but caught or gone), of one in `every`."""
    workshop, checks = Workshop(), battery()
    by_check, survivors, equivalent, total = Counter(), [], Counter(), 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for module in modules:
            for mutant in mutants(module, sources()[module], every):
                total += 1
                found = caught(workshop, mutant, concerning(module, checks))
                if found:
                    by_check[found] += 1
                elif listed := equivalent_to(mutant.key):
                    equivalent[listed] += 1
                else:
                    survivors.append(mutant.key)
    expected = [listed for listed in EQUIVALENT if listed[0].partition(".py ")[0] in modules] if every == 1 else []
    stale = [listed for listed in expected if listed not in equivalent]
    return total, by_check, equivalent, survivors, stale


SQUARED, COMMUTES = "a square has no sign", "it commutes"
PAIR, FIRST = "a pair says how many are taken", "the first vectors are the same"
ANY_ORDER, STEPS = "names in any order", "a sequence has two sizes, and as many steps before as after"
ZEROS, KIND, NINE = "it adds zeros", "the same for each kind, or for the first two", "layers/winograd.py Winograd."
TWO, ALIKE = "layers/bidirectional.py Bidirectional.", "the two are alike"
EQUIVALENT = {  # (where, what stands there, what the mutant makes of it): why no check can tell the two apart
    ("layers/convolution.py Conv2D.output_shape", "shape[:2]", "shape[:]"): PAIR,
    ("layers/convolution.py Conv2D.output_shape", "shape[:2]", "shape[:3]"): PAIR,
    ("backend/plain.py meetings", "columns.shape[1:3]", "columns.shape[1:4]"): PAIR,
    ("backend/plain.py meetings", "x.shape[1:3]", "x.shape[1:4]"): PAIR,
    ("backend/pairs.py _terms", "if sign * factor:", "if True:"): ZEROS,
    ("backend/pairs.py _terms", "if sign * factor:", "if sign:"): ZEROS,
    ("backend/pairs.py _terms", "if sign * factor:", "if factor:"): ZEROS,
    ("backend/pairs.py _terms", "(sign * factor,", "(sign / factor,"): "of 1 and -1 it is the same",
    ("backend/pairs.py _terms", "(first, 1), (second, sign)", "(second, sign), (first, 1)"): "a sum in any order",
    ("backend/pairs.py pair_sums_adjoint", "sign, copies,", "copies, sign,"): COMMUTES,
    (f"{NINE}product", "len(V[0])", "len(V[1])"): KIND,
    (f"{NINE}product", "V[0].dtype", "V[1].dtype"): KIND,
    (f"{NINE}product", "m[0].dtype", "m[1].dtype"): KIND,
    (f"{NINE}scattered", "len(a[0])", "len(a[1])"): KIND,
    (f"{NINE}scattered", "a[0].dtype", "a[1].dtype"): KIND,
    (f"{NINE}scattered", "V[0].dtype", "V[1].dtype"): KIND,
    (f"{NINE}gradient", "a[0].shape", "a[1].shape"): KIND,
    (f"{NINE}of_W", "(1, i", "(2, i"): "W has one place, and no step",
    ("layers/winograd.py _places", "arrays[0].shape", "arrays[1].shape"): KIND,
    ("layers/winograd.py _places", "arrays[0].shape, arrays[-1].shape", "arrays[-1].shape, arrays[0].shape"): COMMUTES,
    (
        "layers/winograd.py _places",
        "(_, t, u, *_), (_, second, beside, *_)",
        "(_, second, beside, *_), (_, t, u, *_)",
    ): COMMUTES,
    ("backend/moments.py column_squares", "(x, mean,", "(mean, x,"): SQUARED,
    ("backend/plain.py im2col", "if any(padding):", "if True:"): "without padding all of it is written again",
    ("layers/spectral.py Spectral.initialize", ", full_matrices=False)", ")"): FIRST,
    ("layers/spectral.py Spectral.initialize", "full_matrices=False", "full_matrices=True"): FIRST,
    ("layers/spectral.py Spectral.follow", "self.u @ M @ self.v", "self.v @ (self.u @ M)"): COMMUTES,
    ("layers/resampling.py AveragePool.pooled", "axis=(2, 4)", "axis=(4, 2)"): "axes in any order",
    ("layers/recurrent.py Recurrent.initialize", "self.x_shape[-1]", "self.x_shape[1]"): STEPS,
    ("layers/recurrent.py Recurrent.multiplications", "multiplications(x, y)", "multiplications(y, x)"): STEPS,
    (TWO + "multiplications", "multiplications(x, y)", "multiplications(y, x)"): STEPS,
    ("layers/embedding.py Embedding.multiplications", "multiplications(x, y)", "multiplications(y, x)"): STEPS,
    ("layers/normalization.py Standardize.linear", "f'{t}y'", "f'{t}dx'"): "a name that no other array has, either",
    ("layers/normalization.py LayerNorm.moments", "subtract(x, mean", "subtract(mean, x"): SQUARED,
    ("layers/normalization.py BatchNorm.moments", "column_squares(x, mean", "column_squares(mean, x"): SQUARED,
    ("layers/normalization.py BatchNorm.moments", "empty((2,", "empty((3,"): "a row that nobody reads",
    (
        "layers/normalization.py BatchNorm.moments",
        "((self.mean, mean), (self.var, var * (n / (n - 1))))",
        "((self.var, var * (n / (n - 1))), (self.mean, mean))",
    ): ANY_ORDER,
    (
        "objectives/tokens.py likelihood",
        "1 / x.size, dtype=a.dtype)",
        "1 / x.size)",
    ): "the same to rounding, but slower",
    ("objectives/tokens.py draw", "x[:, t, None]", "x[:, None, t]"): "both are (n, 1)",
    (TWO + "__init__", "self.first, self.second =", "self.second, self.first ="): ALIKE,
    (TWO + "__init__", "(first, copy.deepcopy(first))", "(copy.deepcopy(first), first)"): ALIKE,
    (TWO + "initialize", "first, second =", "second, first ="): ALIKE,
    (TWO + "initialize", "first.initialize(rng), self.second", "second.initialize(rng), self.first"): ALIKE,
    (TWO + "lend", "(self.first, ''), (self.second, '_back')", "(self.second, '_back'), (self.first, '')"): ANY_ORDER,
    (TWO + "forward", "self.scratch('y'", "self.scratch('dx'"): "it has no other array of that name",
    ("layers/sequences.py Repeat.linear", "x.shape[-1]", "x.shape[1]"): "a row has one size",
    ("layers/maxout.py Maxout.forward", "range(1, ", "range(0, "): "y starts as piece 0, and max(y, y) is y",
    ("network.py Network.__init__", "self.classes, *others =", "*others, self.classes ="): "there is one, or an error",
    ("network.py Network.forward", "self.outputs, outputs =", "outputs, self.outputs ="): ANY_ORDER,
    ("network.py Network._bind", "('theta', 'dtheta')", "('dtheta', 'theta')"): ANY_ORDER,
    (
        "network.py Network._bind",
        "(*layer.params, *(f'd{name}' for name in layer.params))",
        "(*(f'd{name}' for name in layer.params), *layer.params)",
    ): ANY_ORDER,
    ("network.py Network.__getstate__", "'theta', 'dtheta', 'outputs'", "'dtheta', 'theta', 'outputs'"): ANY_ORDER,
    ("network.py Network.__getstate__", "'theta', 'dtheta', 'outputs'", "'theta', 'outputs', 'dtheta'"): ANY_ORDER,
    ("optimizers/averaging.py ExponentialMovingAverage.step", "if not isinstance(mine, int):", "if True:"): (
        "+= on a number changes the loop's own name only"
    ),
}


def equivalent_to(key):
    """The entry of EQUIVALENT for the mutant of this key, or None."""
    where, _, line = key.partition(": ")
    before, _, after = line.partition(" -> ")
    found = (listed for listed in EQUIVALENT if listed[0] == where and before.replace(*listed[1:]) == after != before)
    return next(found, None)


def main(arguments):
    start, untouched = time.perf_counter(), Workshop().make()
    for check in battery():
        check(untouched)
    total, by_check, equivalent, survivors, stale = run(arguments or MUTATED)
    n_caught, n_equivalent = sum(by_check.values()), sum(equivalent.values())
    print("\n".join(f"{count:>6}  {name}" for name, count in by_check.most_common()))
    print(
        f"{total} mutants: {n_caught} caught, {n_equivalent} equivalent (listed), {len(survivors)} survivors, "
        f"in {time.perf_counter() - start:.0f} s: score {n_caught / max(total - n_equivalent, 1):.1%}"
    )
    for key in survivors:
        print(f"survivor: {key}")
    for key in stale:
        print(f"listed as equivalent, but caught or gone: {key}")
    return bool(survivors or stale)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
