"""Arrays on the CPU or the GPU, random numbers, threads, and what may be computed faster."""

from minigan.backend.arrays import to_numpy, xp
from minigan.backend.batch import batch
from minigan.backend.generators import generator, host_generator
from minigan.backend.kernels import kernels
from minigan.backend.switch import name, use

__all__ = ["batch", "generator", "host_generator", "kernels", "name", "to_numpy", "use", "xp"]
