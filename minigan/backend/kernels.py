"""The functions of minigan/backend/plain.py by name, each as the backend in use computes it."""

from minigan.backend import plain


class _Kernels:
    """Forwards each name to its twin in `twins`, else to the plain function, and remembers which.

    `switch` replaces the table of twins, {name: function}; another thread may call it at any time.
    """

    def __init__(self):
        self.switch({})

    def __getattr__(self, name):
        known = self.__dict__
        function = known["twins"].get(name) or getattr(plain, name)
        known[name] = function
        return function

    def switch(self, twins):
        self.__dict__ = {"twins": twins}


kernels = _Kernels()
