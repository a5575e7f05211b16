"""Do the checks notice? Every small change to the mathematics of minigan is made in memory and must be caught.

`python tests/mutants.py` makes a mutant for each operator, operand, comparison, number, keyword (`axis=`, `out=`, ...),
`.T`, order of arguments, call of a kindred function, condition and statement in the mathematics (not the validation)
of the modules in MUTATED, and runs `battery.py` on it until something fails. It prints the score and the survivors:
those that `EQUIVALENT` does not list with the reason why nobody could tell them apart. The arguments of `maximum`,
`minimum`, `equal`, `multiply` and `add` are not swapped: they commute.

The first run let 63 of 809 live. What they had in common, and the checks that they led to:
- training=True left out of a GAN's step, or wrt="params" (8): nobody had looked at what a step asks of its layers.
  -> gan_asks_for_what_is_needed
- Adam's m or v kept in the scratch array (6): it trains as it should, but a checkpoint would save the wrong vectors.
  -> optimizers_follow_their_papers compares m and v with the paper's, too
- dtheta from xp.empty (1): memory that happened to be zero. -> network_is_made_and_copied_as_stated leaves NaN behind
- the keys of the noise in another order (5): repeatable, but another stream. -> gan_draws_as_stated knows the numbers
- checks of shapes and players left out (8): -> `refuses` with the words of each error
"""

import ast
import copy
import importlib.util
import itertools
import signal
import sys
import time
import types
import warnings
from collections import Counter, namedtuple
from pathlib import Path

import minigan.backend

ROOT = Path(__file__).resolve().parents[1]
MUTATED = (
    "schedules", "layers", "activations", "normalization", "dropout", "instance_noise", "maxout", "reshaping",
    "spectral", "losses", "cross_entropy", "fitting", "network", "optimizers", "averaging", "objectives",
    "tangents", "penalties", "other_objectives", "gan",
)  # fmt: skip
LOADED = (*MUTATED, "diagnosis", "slopes", "gamecheck", "gradcheck", "second_order_check")
VALIDATION = {"_check", "check", "_check_dtype", "_below_one", "_optimizer", "check_chain"}
NOT_MATHEMATICS = VALIDATION | {"__repr__", "summary", "players"}
SECONDS = 5  # of the processor's time, for one mutant: one that hangs is caught, one that has to wait is not

Mutant = namedtuple("Mutant", "key module tree")  # key: "layers.Dense.backward: before -> after"

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
    return {name: (ROOT / "minigan" / f"{name}.py").read_text(encoding="utf-8") for name in LOADED}


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
            if before != after:
                yield Mutant(f"{name}.{path}: {before} -> {after}", name, ast.fix_missing_locations(twin))


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
    """Makes packages that are minigan but for one module, without touching the real one."""

    def __init__(self):
        self.code = {name: compile(source, f"<{name}>", "exec") for name, source in sources().items()}

    def make(self, module=None, tree=None):
        """A namespace of modules, one of them compiled from `tree`."""
        kept = {name: m for name, m in sys.modules.items() if name.partition(".")[0] == "minigan"}
        package = types.ModuleType("minigan")
        package.backend, package.__path__ = minigan.backend, []
        for name in kept:
            del sys.modules[name]
        sys.modules |= {"minigan": package, "minigan.backend": minigan.backend}
        try:
            for name in LOADED:
                fresh = types.ModuleType(f"minigan.{name}")
                sys.modules[fresh.__name__] = fresh
                setattr(package, name, fresh)
                exec(compile(tree, f"<mutant of {name}>", "exec") if name == module else self.code[name], vars(fresh))
        finally:
            for name in [name for name in sys.modules if name.partition(".")[0] == "minigan"]:
                del sys.modules[name]
            sys.modules.update(kept)
        return package


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
    return sorted(checks, key=lambda check: not check.__name__.startswith(module))


def battery():
    """The checks in battery.py."""
    spec = importlib.util.spec_from_file_location("battery", Path(__file__).with_name("battery.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.CHECKS


def run(modules=MUTATED, every=1):
    """(mutants, caught by check, listed as equivalent, survivors, listed but caught or gone), of one in `every`."""
    workshop, checks = Workshop(), battery()
    for check in checks:
        check(workshop.make())
    by_check, survivors, equivalent, total = Counter(), [], Counter(), 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for module in modules:
            for mutant in mutants(module, sources()[module], every):
                total += 1
                found = caught(workshop, mutant, concerning(module, checks))
                if found:
                    by_check[found] += 1
                elif mutant.key in EQUIVALENT:
                    equivalent[mutant.key] += 1
                else:
                    survivors.append(mutant.key)
    expected = [key for key in EQUIVALENT if key.partition(".")[0] in modules] if every == 1 else []
    stale = [key for key in expected if key not in equivalent]
    return total, by_check, equivalent, survivors, stale


EQUIVALENT = {  # key: why no check can tell the mutant from the original
    "spectral.SpectralNorm.forward: self.x, self.sigma = (x, self.u @ self.W @ self.v) -> self.x, self.sigma = (x, "
    "self.v @ (self.u @ self.W))": "the product of two vectors commutes",
    "maxout.Maxout.forward: for k in range(1, self.x.shape[1]): -> for k in range(0, self.x.shape[1]):": "y "
    "starts as piece 0, and max(y, y) is y",
    "maxout.Maxout.backward: won, open = (self.scratch(name, dy.shape, bool) for name in ('won', 'open')) -> "
    "open, won = (self.scratch(name, dy.shape, bool) for name in ('won', 'open'))": "either name for either array",
    "maxout.Maxout.backward: won, open = (self.scratch(name, dy.shape, bool) for name in ('won', 'open')) -> "
    "won, open = (self.scratch(name, dy.shape, bool) for name in ('open', 'won'))": "either name for either array",
    "network.Network.__call__: y = xp.concatenate([self.forward(x[i:i + CHUNK]).copy() for i in range(0, "
    "max(len(x), 1), CHUNK)]) -> y = xp.concatenate([self.forward(x[i:i + CHUNK]).copy() for i in range(0, "
    "max(len(x), 2), CHUNK)])": "one chunk either way: CHUNK is larger than 2",
    "network.Network._pack: for layer, given in zip(self.layers, values, strict=True): -> for layer, given in "
    "zip(self.layers, values):": "there is one entry in values for each layer: strict only says so",
    "network.Network._pack: for layer, given in zip(self.layers, values, strict=True): -> for layer, given in "
    "zip(self.layers, values, strict=False):": "there is one entry in values for each layer: strict only says so",
    "averaging.Average.step: for mine, new in zip(self.network.state().values(), self.source.state().values(), "
    "strict=True): -> for mine, new in zip(self.network.state().values(), self.source.state().values()):": "the twin "
    "has the same layers: strict only says so",
    "averaging.Average.step: for mine, new in zip(self.network.state().values(), self.source.state().values(), "
    "strict=True): -> for mine, new in zip(self.network.state().values(), self.source.state().values(), "
    "strict=False):": "the twin has the same layers: strict only says so",
    "averaging.Average.step: if not isinstance(mine, int): -> if True:": "+= on a number changes the loop's own name "
    "only",
    "network.Network._pack: getattr(layer, name)[...] = xp.asarray(a, dtype=dtype) -> getattr(layer, name)[...] = "
    "xp.asarray(a)": "the assignment casts to theta's dtype as well; on a GPU the cast only saves half of the transfer",
    "optimizers.Optimizer.__init__: for name in (*self.vectors, '_scratch'): -> for name in ('_scratch', "
    "*self.vectors):": "each name gets a vector of zeros, in whatever order",
}


def main(arguments):
    start = time.perf_counter()
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
