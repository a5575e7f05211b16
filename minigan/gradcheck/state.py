"""What a forward moves, put back: only then is L a function that can be measured."""

import copy

ATOMS = int, float, str, bytes, bool, tuple, type, type(None), type(lambda: 0)
FORWARDS = 2000  # in which the state of a layer may settle
SETTLED = 1e-14


class State:
    """What a forward may move, to be put back before the next: what `state` names, and everything but arrays.

    A layer that draws from a generator of its own then draws the same numbers again.
    """

    def __init__(self, *networks):
        self.saved = []
        for layer in (layer for network in networks for layer in network.leaves()):
            held = {name: a for name, a in vars(layer).items() if not hasattr(a, "dtype") and name != "_scratch"}
            atoms = {name: a for name, a in held.items() if isinstance(a, ATOMS)}
            others = {name: copy.deepcopy(a) for name, a in held.items() if name not in atoms}
            arrays = [getattr(layer, name) for name in layer.state if name not in held]
            self.saved.append((layer, atoms, others, [(a, a.copy()) for a in arrays]))

    def restore(self, arrays=True):
        """Put everything back; the arrays of `state` may be left as they have become."""
        for layer, atoms, others, kept in self.saved:
            vars(layer).update(atoms)
            if others:
                vars(layer).update(copy.deepcopy(others))
            for a, before in kept if arrays else ():
                a[...] = before

    @classmethod
    def settled(cls, forward, *networks):
        """The State in which forward() -> y leaves those arrays as they are on which y depends, if it comes to that.

        Some derivatives hold only there: SpectralNorm's, where u and v are the singular vectors of the present W.
        """
        start = cls(*networks)
        arrays = [a for *_, kept in start.saved for a, _ in kept if start._matters(a, forward)]
        for _ in range(FORWARDS if arrays else 0):
            before = [a.copy() for a in arrays]
            start.restore(arrays=False)
            forward()
            if all(abs(a - b).max() <= SETTLED * abs(b).max() for a, b in zip(arrays, before, strict=True)):
                start.restore(arrays=False)
                return cls(*networks)
        start.restore()  # a count, say, never comes to rest
        return start

    def _matters(self, a, forward):
        self.restore()
        y = forward().copy()
        self.restore()
        a += 0.01
        changed = bool((forward() != y).any())
        self.restore()
        return changed
