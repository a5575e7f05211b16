"""How theta moves: update rules, schedules of their rates, and the average over updates."""

from minigan.optimizers.averaging import ExponentialMovingAverage
from minigan.optimizers.clipping import ClipNorm
from minigan.optimizers.rules import SGD, Adam, Optimizer
from minigan.optimizers.schedules import Cosine, Exponential, Linear, Schedule

__all__ = [
    "SGD",
    "Adam",
    "ClipNorm",
    "Cosine",
    "Exponential",
    "ExponentialMovingAverage",
    "Linear",
    "Optimizer",
    "Schedule",
]
