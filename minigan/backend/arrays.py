"""The array module under one name: `xp` is NumPy, or CuPy after `use("cupy")`.

Every other file of the core writes `xp.exp`, `xp.sum`, ... and so runs unchanged on the CPU or the GPU.
"""

import numpy


class _ArrayModule:
    """Forwards every name to the module in use and remembers it: the second `xp.exp` is a plain attribute."""

    def __init__(self):
        self._switch(numpy)

    def __getattr__(self, name):
        known = self.__dict__
        value = known[name] = getattr(known["_module"], name)
        return value

    def __repr__(self):
        return f"<xp: {self._module.__name__}>"

    def _switch(self, module):
        self.__dict__ = {"_module": module}  # in one step: another thread may be looking up a name


xp = _ArrayModule()


def to_numpy(a):
    """Any array, brought to the host as a NumPy array; a NumPy array comes back as it is."""
    return a.get() if hasattr(a, "get") else numpy.asarray(a)
