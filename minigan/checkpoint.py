"""Checkpoints: one `.npz` with everything that training needs to go on as if it had never stopped.

The file is an ordinary NumPy archive of the arrays, plus `meta`, a JSON text with all that is not an array. Its zip
comment is the SHA-256 of every byte before it, so a truncated or altered file is refused, never half read. Nothing in
it is pickled.
"""

import ast
import hashlib
import io
import json
import zipfile
from pathlib import Path

import numpy

from minigan import activations, dropout, instance_noise, layers, maxout, normalization, reshaping, schedules, spectral
from minigan.backend import to_numpy, xp
from minigan.data.npz import read_arrays
from minigan.files import DataError, reading, replacing
from minigan.network import Network

FORMAT = 2  # raised whenever the meaning of what is in a file changes
DIGEST = 64  # bytes of a SHA-256 in hexadecimal, the end of the file
LAYERS = {
    name: thing
    for module in (layers, activations, normalization, dropout, instance_noise, maxout, reshaping, spectral)
    for name, thing in vars(module).items()
    if isinstance(thing, type) and issubclass(thing, layers.Layer)
}
SCHEDULES = {thing.__name__: thing for thing in (schedules.Linear, schedules.Cosine, schedules.Exponential)}


class CheckpointError(DataError):
    """A checkpoint is missing, damaged, or was made for something else; the message says which and what to do."""


def previous(path):
    """Where `write` keeps the checkpoint before the one at `path`."""
    path = Path(path)
    return path.with_name(f"{path.stem}-previous{path.suffix}")


def write(path, arrays, meta):
    """Write {name: array} and the JSON-able `meta` to `path`; the old file becomes `previous(path)`.

    Raises OSError where the disk does not take it; `path` is then as it was.
    """
    buffer = io.BytesIO()
    text = json.dumps({"format": FORMAT, **meta})
    numpy.savez(buffer, meta=numpy.frombuffer(text.encode(), "uint8"), **arrays)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.comment = b"0" * DIGEST
    data = buffer.getbuffer()
    data[-DIGEST:] = hashlib.sha256(data[:-DIGEST]).hexdigest().encode()
    with replacing(path, keep=previous(path)) as file:
        file.write(data)


def read(path):
    """(arrays, meta) of the checkpoint at `path`. Raises CheckpointError, in words, for anything else."""
    path = Path(path)
    try:
        with reading(path) as file:
            _check_seal(file, path)
            arrays = read_arrays(file, path, remedy="it is not a checkpoint that minigan wrote")
        meta = json.loads(arrays.pop("meta").tobytes())
    except (DataError, KeyError) as error:
        raise CheckpointError(f"{error}{_offer(path)}") from error
    if meta["format"] != FORMAT:
        remedy = "update minigan" if meta["format"] > FORMAT else "use the minigan that wrote it, or train anew"
        raise CheckpointError(
            f"{path}: written in format {meta['format']}, but this minigan reads format {FORMAT}: {remedy}"
        )
    return arrays, meta


def _check_seal(file, path):
    data = file.read()
    if hashlib.sha256(data[:-DIGEST]).hexdigest().encode() != data[-DIGEST:]:
        raise CheckpointError(
            f"{path}: not a checkpoint of minigan, or truncated or altered since it was written "
            "(its checksum does not agree)"
        )


def _offer(path):
    old = previous(path)
    return f"; the one before it is {old}: name that one" if old.exists() else ""


def state(gan):
    """Everything in which one moment of a game differs from another, as (arrays, meta)."""
    arrays = {}
    for player, network, optimizer in gan.players():
        arrays |= _arrays(player, network)
        arrays |= {f"{player}.{name}": to_numpy(getattr(optimizer, name)) for name in optimizer.vectors}
    if gan.average:
        arrays |= _arrays("sampler", gan.sampler)
    return arrays, _meta(gan)


def _arrays(player, network):
    values = {"theta": network.theta, **network.state()}
    return {f"{player}.{name}": to_numpy(value) for name, value in values.items()}


def _meta(gan):
    meta = {"objective": repr(gan.objective), "seed": gan.seed, "draws": gan.draws, "noise": gan.noise_kind}
    meta |= {"k": gan.k, "penalty": repr(gan.penalty), "averaging": gan.average is not None}
    for player, network, optimizer in gan.players():
        meta[player] = {"network": repr(network), "dtype": str(network.dtype)}
        meta[player] |= {"optimizer": repr(optimizer), "steps": optimizer.steps}
    return meta


def restore(gan, arrays, meta):
    """Put a `gan` of the same networks, objective and optimizers into the state that was saved.

    Learning rates and the decay of an average are not part of it: the present ones stay. Raises CheckpointError,
    naming both values, where the checkpoint was made for something else; `gan` is then as it was.
    """
    expected = _meta(gan)
    for what in "objective", "seed", "noise", "k", "penalty", "averaging":
        agree(what, meta[what], expected[what])
    for player, *_ in gan.players():
        for what in "network", "dtype", "optimizer":
            agree(f"{player}'s {what}", meta[player][what], expected[player][what])
    for player, network, optimizer in gan.players():
        _fill(network, player, arrays)
        for name in optimizer.vectors:
            getattr(optimizer, name)[:] = xp.asarray(arrays[f"{player}.{name}"])
        optimizer.steps = meta[player]["steps"]
    if gan.average:
        _fill(gan.sampler, "sampler", arrays)
        gan.average.steps = gan.generator_optimizer.steps
    gan.draws[:] = meta["draws"]


def _fill(network, player, arrays):
    network.theta[:] = xp.asarray(arrays[f"{player}.theta"])
    network.set_state({name: arrays[f"{player}.{name}"] for name in network.state()})
    network.forget()


def agree(what, saved, present):
    """Raises CheckpointError with both values unless they are equal."""
    if saved != present:
        raise CheckpointError(
            f"the checkpoint does not fit: its {what} is {saved}, but here it is {present}; "
            "go on with the settings it was made with, or start a new run in another directory"
        )


def load_generator(path):
    """(generator, meta) from a checkpoint: a Network to call with z (N, latent), the average where there is one.

    Raises CheckpointError, in words, for a damaged file or one that holds layers unknown to minigan.
    """
    arrays, meta = read(path)
    saved = meta["generator"]
    network = parse_network(saved["network"], saved["dtype"])
    _fill(network, "sampler" if "sampler.theta" in arrays else "generator", arrays)
    return network, meta


def parse_network(text, dtype="float32"):
    """The Network that prints as `text`, with layers of minigan only: `parse_network(repr(network))`.

    The text is parsed, not evaluated: it can only name layers, schedules and numbers.
    """
    chain = ast.parse(text, mode="eval").body
    return Network(*(_made(call, LAYERS, "layer") for call in chain.args), dtype=dtype)


def _made(call, known, kind):
    if call.func.id not in known:
        raise CheckpointError(
            f"{call.func.id} is not a {kind} of minigan ({', '.join(sorted(known))}): build the network "
            "in your own code and fill it with minigan.checkpoint.restore"
        )
    arguments = (_made(a, SCHEDULES, "schedule") if isinstance(a, ast.Call) else ast.literal_eval(a) for a in call.args)
    return known[call.func.id](*arguments)
