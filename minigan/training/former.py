"""Checkpoints of format 2, in which networks and rules were said by how they print: they go on as those of today do."""

import ast

from minigan.layers import Pack
from minigan.network import Network
from minigan.training.description import described, known

FORMER = 2
CLASSES = {"UnitSlope": "GradientPenalty", "SlopeBound": "OneSidedGradientPenalty"}  # what they are called today


def renewed(arrays, meta):
    """(arrays, meta) of a checkpoint of format 2, as one of today says the same.

    Raises CheckpointError for a class that is not known.
    """
    G, D = (network(meta[player]["network"]) for player in ("generator", "discriminator"))
    several, meta = D.n_in // G.n_out, dict(meta)
    if several > 1:  # how many samples D judged at a time was a setting of the game, and is a layer now
        D = Network(Pack(several, G.n_out), *(made(call, "layer") for call in chain(meta["discriminator"]["network"])))
        arrays = {_one_layer_on(name): a for name, a in arrays.items()}
    for player, its in ("generator", G), ("discriminator", D):
        rule = ast.parse(meta[player]["optimizer"], mode="eval").body
        constants = {keyword.arg: _constant(keyword.value) for keyword in rule.keywords}
        meta[player] = meta[player] | {"network": described(its), "optimizer": {"optimizer": rule.func.id} | constants}
    for what in "objective", "penalty":
        call = ast.parse(meta[what], mode="eval").body
        meta[what] = described(made(call, what)) if isinstance(call, ast.Call) else None
    meta["average"] = {"steps": meta["generator"]["steps"]} if meta.pop("averaging") else None
    return arrays, meta


def chain(text):
    """The layers of Network(...), as calls."""
    return ast.parse(text, mode="eval").body.args


def network(text):
    """The Network that printed as `text`."""
    return Network(*(made(call, "layer") for call in chain(text)))


def made(call, kind):
    """The thing that printed as this call: it is read, never evaluated, and can only name classes and numbers."""
    arguments = [made(a, "schedule") if isinstance(a, ast.Call) else ast.literal_eval(a) for a in call.args]
    named = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
    return known(CLASSES.get(call.func.id, call.func.id), kind)(*arguments, **named)


def _constant(node):
    return described(made(node, "schedule")) if isinstance(node, ast.Call) else ast.literal_eval(node)


def _one_layer_on(name):
    """discriminator.2.seed is discriminator.3.seed where a layer came before the first."""
    player, _, rest = name.partition(".")
    number, dot, what = rest.partition(".")
    return f"{player}.{int(number) + 1}.{what}" if player == "discriminator" and dot else name
