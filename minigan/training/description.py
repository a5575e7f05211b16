"""What a game is made of, as data that JSON can hold: {"layer": "Dense", "n_in": 100, "n_out": 128}.

A thing is described by the name of its class and by the arguments that it was made with, which it keeps as attributes.
A checkpoint holds such descriptions. They are compared when training goes on, and a network is made again from its own;
nothing in them is ever run. So a class of one's own must be known by name where its network is made again:

    from minigan.training import register

    @register
    class Swish(Layer): ...                 # or register(Swish)

    @register(width="n_in")                 # __init__(self, width) keeps it as self.n_in
    class Scale(Layer): ...
"""

import inspect

from minigan import layers, objectives, optimizers
from minigan.data.sealed import CheckpointError
from minigan.network import Network

KINDS = {
    "layer": layers.Layer, "schedule": optimizers.Schedule, "objective": objectives.Objective,
    "penalty": objectives.Penalty, "optimizer": optimizers.Optimizer,
}  # fmt: skip
START = "init", "bias", "init_u"  # arguments that only theta's first value depends on
KNOWN = {}  # the classes that can be made again, by name
KEPT_AS = {}  # the attributes in which they keep their arguments, where those have other names


def register(cls=None, **kept_as):
    """Make a class of layers, schedules, objectives or penalties known by its name. A decorator or a function.

    Each argument of its `__init__` is to be kept as an attribute of the same name, or of the one given in `kept_as`;
    `init`, `init_u` and `bias`, from which weights start, need not be. Raises TypeError for what is no such class,
    ValueError for the name of one of minigan's own.
    """
    if cls is None:
        return lambda cls: register(cls, **kept_as)
    if not (isinstance(cls, type) and issubclass(cls, tuple(KINDS.values()))):
        raise TypeError(f"register({cls!r}): expected a class of layers, schedules, objectives, penalties or rules")
    there = KNOWN.get(cls.__name__, cls)
    if there is not cls and there.__module__.startswith("minigan."):
        raise ValueError(f"register: minigan has a {cls.__name__} of its own, give yours another name")
    KNOWN[cls.__name__] = cls
    KEPT_AS[cls] = kept_as
    return cls


def described(thing):
    """The description of a network, layer, schedule, objective, penalty or optimizer; None for None.

    Raises ValueError for a registered class that does not keep an argument.
    """
    if thing is None:
        return None
    if isinstance(thing, Network):
        return {"layer": "Network", "layers": as_data(thing.layers), "shape": as_data(thing.shape)}
    kind = next(name for name, base in KINDS.items() if isinstance(thing, base))
    name = {kind: type(thing).__name__}  # stands first, and no setting takes its place
    return name | {name: as_data(value) for name, value in _settings(thing).items()} | name


def made(description, dtype=None):
    """The network, layer, schedule, objective or penalty of this description; a network begins with new weights.

    Raises CheckpointError for a class that is not known or cannot be made from what is said.
    """
    kind = next(iter(description))
    name = description[kind]
    if name == "Network":
        inner = [made(layer) for layer in description["layers"]]
        return Network(*inner, shape=_tuple(description["shape"]), **({"dtype": dtype} if dtype else {}))
    settings = {name: _value(name, value) for name, value in description.items() if name != kind}
    cls = known(name, kind)
    try:
        signature = inspect.signature(cls)
        if unknown := settings.keys() - signature.parameters.keys():
            raise TypeError(f"it takes no {', '.join(sorted(unknown))}")
        arguments = inspect.BoundArguments(signature, settings)
        return cls(*arguments.args, **arguments.kwargs)
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{in_words(description)} cannot be made: {error}") from error


def known(name, kind="layer"):
    """The class of this name. Raises CheckpointError, which says how to make one known, where there is none."""
    found = KNOWN.get(name)
    if found is None or not issubclass(found, KINDS[kind]):
        mine = ", ".join(sorted(name for name, cls in KNOWN.items() if issubclass(cls, KINDS[kind])))
        raise CheckpointError(
            f"{name} is not a {kind} that is known here ({mine}): if it is your own, import the file that it stands "
            f"in and write @register over its class, from minigan.training import register"
        )
    return found


def in_words(description):
    """A description as one would write it: Dense(n_in=100, n_out=128)."""
    if not isinstance(description, dict):
        return repr(description)
    kind, name = next(iter(description.items()))
    return f"{name}({', '.join(f'{k}={in_words(v)}' for k, v in description.items() if k != kind)})"


def _settings(thing):
    """{argument: value} of what the thing was made with."""
    cls = type(thing)
    if isinstance(thing, optimizers.Optimizer):
        return {name: getattr(thing, name) for name in thing.constants}
    if isinstance(thing, optimizers.Schedule):
        return inspect.signature(cls).bind(*thing.args).arguments
    renamed = {name: attribute for base in reversed(cls.__mro__) for name, attribute in KEPT_AS.get(base, {}).items()}
    kept = {name: renamed.get(name, name) for name in inspect.signature(cls).parameters if name not in START}
    missing = [name for name, attribute in kept.items() if not hasattr(thing, attribute)]
    if missing and KNOWN.get(cls.__name__) is cls:
        raise ValueError(
            f"{cls.__name__} does not keep its argument {missing[0]}, so that a checkpoint cannot say it: set "
            f'self.{missing[0]} in __init__, or say under which name it is kept, register({missing[0]}="...")'
        )
    return {name: getattr(thing, attribute) for name, attribute in kept.items() if name not in missing}


def as_data(value):
    """A setting as JSON can hold it; of a function or an object nothing but the name of its type."""
    if isinstance(value, tuple | list):
        return [as_data(each) for each in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple(KINDS.values())):
        return described(value)
    return value.item() if getattr(value, "size", 0) == 1 else {"code": type(value).__name__}


def _value(name, data):
    if isinstance(data, dict) and "code" in data:
        raise CheckpointError(
            f"{name} is a {data['code']}, which a checkpoint cannot hold: build the network in your own code and fill "
            "it with minigan.training.checkpoint.restore"
        )
    return made(data) if isinstance(data, dict) else _tuple(data)


def _tuple(data):
    return tuple(map(_tuple, data)) if isinstance(data, list) else data


for _thing in [*vars(layers).values(), *vars(optimizers).values(), *vars(objectives).values()]:
    if isinstance(_thing, type) and issubclass(_thing, tuple(KINDS.values())):
        register(_thing)
register(layers.LayerNorm, width="n_in")
register(layers.BatchNorm, width="n_in")
register(layers.Pack, m="rows")
