"""Playing a game on data: epochs, guard, checkpoints, recipes."""

from minigan.training.course import report
from minigan.training.description import register
from minigan.training.guard import NotFiniteError
from minigan.training.training import Training

__all__ = ["NotFiniteError", "Training", "register", "report"]
