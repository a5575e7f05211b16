"""Twins for the GPU of what a backend may do faster (minigan/backend/plain.py): one kernel for several launches.

minigan does not use them. `bench_gpu.py` measures a round with and without, and only a measured gain would bring one
into the library; a test of the benchmarks compares each with its plain function. Between launches nothing is kept in
registers, and at small batches a launch costs more than the work in it: fewer launches are what there is to gain.
"""

import contextlib

from minigan.backend import kernels, xp

KERNELS = {  # name: what goes in, what comes out (or is changed), and the operation on one element
    "leaky_relu": ("T x, T slope", "T y", "y = x > 0 ? x : slope * x"),
    "leaky_relu_backward": ("T dy, T y, T slope", "T dx", "dx = y > 0 ? dy : slope * dy"),
    "normalize": (
        "T x, T mean, T deviation, T gamma, T beta",
        "T x_hat, T y",
        "x_hat = (x - mean) / deviation; y = x_hat * gamma + beta",
    ),
    "normalize_backward": (
        "T dy, T x_hat, T mean, T along, T factor",
        "T dx",
        "dx = (dy - mean - x_hat * along) * factor",
    ),
    "sgd": ("T g, T rate, T momentum", "T theta, T v", "v = momentum * v - rate * g; theta += v"),
    "adam": (
        "T g, T rate, T beta1, T rest1, T beta2, T rest2, T eps",  # rest = 1 - beta in double precision
        "T theta, T m, T v",
        """m = beta1 * m + rest1 * g;
           v = beta2 * v + rest2 * (g * g);
           theta -= rate * (m / (sqrt(v) + eps))""",
    ),
}


def twins():
    """{name: function} of compiled kernels, each with the arguments of its plain function. `xp` is CuPy."""
    launch = {name: xp.ElementwiseKernel(*parts, f"minigan_{name}") for name, parts in KERNELS.items()}

    def adam(theta, g, m, v, s, rate, beta1, beta2, eps):
        launch["adam"](g, rate, beta1, 1 - beta1, beta2, 1 - beta2, eps, theta, m, v)

    return {
        "leaky_relu": lambda x, slope, out: launch["leaky_relu"](x, slope, out),
        "leaky_relu_backward": lambda dy, y, slope, positive, out: launch["leaky_relu_backward"](dy, y, slope, out),
        "normalize": lambda x, mean, deviation, gamma, beta, x_hat, out: launch["normalize"](
            x, mean, deviation, gamma, beta, x_hat, out
        ),
        "normalize_backward": lambda dy, x_hat, mean, along, factor, product, out: launch["normalize_backward"](
            dy, x_hat, mean, along, factor, out
        ),
        "sgd": lambda theta, g, v, s, rate, momentum: launch["sgd"](g, rate, momentum, theta, v),
        "adam": adam,
    }


@contextlib.contextmanager
def installed(table=None):
    """While the block runs, `kernels` has these twins, or those of another table."""
    before = kernels.twins
    kernels.switch(twins() if table is None else table)
    try:
        yield
    finally:
        kernels.switch(before)
