"""Candidates for the GPU: one kernel in place of the several launches of a plain function.

minigan does not use them. `bench_gpu.py` measures a round with and without, and only a measured gain would bring one
into the library; tests/test_fused.py holds each against its plain twin. Between launches nothing is kept in registers,
and at small batches a launch costs more than the work in it: fewer launches are what there is to gain.
"""

import contextlib

from minigan import losses, objectives
from minigan.activations import LeakyReLU
from minigan.backend import xp
from minigan.optimizers import Adam

KERNELS = {  # name: what goes in, what comes out (or is changed), and the operation on one element
    "softplus": ("T a", "T y", "y = (a > 0 ? a : T(0)) + log1p(exp(a > 0 ? -a : a))"),
    "sigmoid": ("T a", "T y", "T e = exp(a > 0 ? -a : a); y = (a > 0 ? T(1) : e) / (1 + e)"),
    "leaky_relu": ("T x, T slope", "T y", "y = x > 0 ? x : slope * x"),
    "leaky_relu_backward": ("T dy, T y, T slope", "T dx", "dx = y > 0 ? dy : slope * dy"),
    "adam": (
        "T g, T lr, T beta1, T beta2, T eps",
        "T theta, T m, T v",
        """m = beta1 * m + (1 - beta1) * g;
           v = beta2 * v + (1 - beta2) * g * g;
           theta -= lr * m / (sqrt(v) + eps)""",
    ),
}


@contextlib.contextmanager
def installed():
    """While the block runs, the kernels stand in for their twins, in the whole of minigan. `xp` is CuPy."""
    kernels = {name: xp.ElementwiseKernel(*parts, f"minigan_{name}") for name, parts in KERNELS.items()}

    def forward(self, x, training=False):
        self.y = self.scratch("y", x.shape, x.dtype)
        return kernels["leaky_relu"](x, self.slope, self.y)

    def backward(self, dy, wrt="both"):
        if wrt != "params":
            return kernels["leaky_relu_backward"](dy, self.y, self.slope, self.scratch("dx", dy.shape, dy.dtype))

    def update(self, theta, g, m, v, s):
        root = (1 - self.beta2**self.steps) ** 0.5
        lr = self.lr * root / (1 - self.beta1**self.steps)
        kernels["adam"](g, lr, self.beta1, self.beta2, self.eps * root, theta, m, v)

    fused = {"softplus": kernels["softplus"], "sigmoid": kernels["sigmoid"]}
    fused |= {"forward": forward, "backward": backward, "update": update}
    with contextlib.ExitStack() as stack:
        for owner, name in TWINS:
            stack.callback(setattr, owner, name, getattr(owner, name))
            setattr(owner, name, fused[name])
        yield


TWINS = [(module, name) for module in (losses, objectives) for name in ("softplus", "sigmoid")]
TWINS += [(LeakyReLU, "forward"), (LeakyReLU, "backward"), (Adam, "update")]
