"""Checkpoints: one `.npz` with everything that training needs to go on as if it had never stopped.

The file is an ordinary NumPy archive of the arrays, plus `meta`, a JSON text with all that is not an array, sealed
with a checksum (minigan/data/sealed.py). What networks and rules are made of is said there by names and settings
(minigan/training/description.py). Nothing in it is pickled, and nothing of it is run.
"""

from minigan.backend import to_numpy, xp
from minigan.data import sealed
from minigan.data.sealed import CheckpointError, previous, write
from minigan.training.description import as_data, described, in_words, made
from minigan.training.former import FORMER, renewed

__all__ = ["CheckpointError", "generator_of", "load_generator", "previous", "read", "restore", "state", "write"]


def read(path):
    """(arrays, meta) of the game's checkpoint at `path`, whichever version of minigan wrote it.

    Raises CheckpointError, in words, for anything else.
    """
    arrays, meta = sealed.read(path)
    if "generator" not in meta:
        raise CheckpointError(f"{path}: a file of minigan's, but not the checkpoint of a game: it holds no generator")
    return renewed(arrays, meta) if meta["format"] == FORMER else (arrays, meta)


def state(gan):
    """Everything in which one moment of a game differs from another, as (arrays, meta)."""
    arrays = {}
    for player, network, optimizer in gan.players():
        arrays |= _arrays(player, network)
        arrays |= {f"{player}.{name}": to_numpy(getattr(optimizer, name)) for name in optimizer.vectors}
    if gan.average:
        arrays |= _arrays("sampler", gan.sampler)
    return arrays, made_of(gan)


def _arrays(player, network):
    values = {"theta": network.theta, **network.states()}
    return {f"{player}.{name}": to_numpy(value) for name, value in values.items()}


def made_of(gan):
    """What the game is made of, and how far it is: all of a moment that is no array. Raises as `described` does."""
    meta = {name: as_data(value) for name, value in gan.settings.items()}
    meta |= {"draws": gan.draws, "average": gan.average and {"steps": gan.average.steps}}
    for player, network, optimizer in gan.players():
        meta[player] = {"network": described(network), "dtype": str(network.dtype)}
        meta[player] |= {"optimizer": described(optimizer), "steps": optimizer.steps}
    return meta


def restore(gan, arrays, meta):
    """Put a `gan` of the same networks, objective and optimizers into the state that was saved.

    Learning rates and the decay of an average are not part of it: the present ones stay. Raises CheckpointError,
    naming both values, where the checkpoint was made for something else; `gan` is then as it was.
    """
    present = made_of(gan)
    for what in gan.settings:
        agree(what, meta.get(what), present[what])
    agree("average", *("kept" if of["average"] else None for of in (meta, present)))
    for player, *_ in gan.players():
        saved, here = (of[player] for of in (meta, present))
        chains = [of["network"]["layers"] for of in (saved, here)]
        agree(f"{player}'s number of layers", *map(len, chains))
        for i, (old, new) in enumerate(zip(*chains, strict=True)):
            agree(f"{player}'s layer {i}", old, new)
        for what in "dtype", "optimizer":
            agree(f"{player}'s {what}", saved[what], here[what])
    held = state(gan)[0]
    for name in held:
        agree(f"array {name}", *(of[name].shape if name in of else None for of in (arrays, held)))
    for player, network, optimizer in gan.players():
        _fill(network, player, arrays)
        for name in optimizer.vectors:
            getattr(optimizer, name)[:] = xp.asarray(arrays[f"{player}.{name}"])
        optimizer.steps = meta[player]["steps"]
    if gan.average:
        _fill(gan.sampler, "sampler", arrays)
        gan.average.steps = meta["average"]["steps"]
    gan.draws[:] = meta["draws"]


def _fill(network, player, arrays):
    network.theta[:] = xp.asarray(arrays[f"{player}.theta"])
    network.set_states({name: arrays[f"{player}.{name}"] for name in network.states()})
    network.forget()


def agree(what, saved, present):
    """Raises CheckpointError with both values unless they are equal."""
    if saved != present:
        raise CheckpointError(
            f"the checkpoint does not fit: its {what} is {in_words(saved)}, but here it is {in_words(present)}; "
            "go on with the settings it was made with, or start a new run in another directory"
        )


def load_generator(path):
    """(generator, meta) from a checkpoint: a Network to call with z (N, latent), the average where there is one.

    Raises CheckpointError, in words, for a damaged file or one that holds layers which are not known here.
    """
    arrays, meta = read(path)
    return generator_of(path, arrays, meta), meta


def generator_of(path, arrays, meta):
    """The generator, or its average, of what `read` gave for `path`. Raises CheckpointError for an unknown layer."""
    saved = meta["generator"]
    try:
        network = made(saved["network"], saved["dtype"])
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from None
    _fill(network, "sampler" if meta["average"] else "generator", arrays)
    return network
