"""A busy neighbor: matrix products on every core, until it is stopped."""

import os
import threading

import numpy as np


def work():
    """Multiply for ever; NumPy lets go of the interpreter meanwhile."""
    a = np.ones((512, 512), dtype="float32")
    out = np.empty_like(a)
    while True:
        np.matmul(a, a, out=out)


if __name__ == "__main__":
    for _ in range(os.cpu_count()):
        threading.Thread(target=work).start()
