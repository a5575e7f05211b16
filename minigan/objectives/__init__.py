"""What the players minimize: the game of 2014, other games, and penalties on D's gradient."""

from minigan.objectives.auxiliary import AuxiliaryClassifier
from minigan.objectives.jvp import jvp, jvp_backward
from minigan.objectives.minimax import (
    EQUILIBRIUM,
    Minimax,
    NonSaturating,
    Objective,
    log_d,
    log_not_d,
    log_odds,
    value,
)
from minigan.objectives.others import FeatureMatching, Hinge, LeastSquares, RelativisticAverage, Wasserstein
from minigan.objectives.penalties import R1, R2, GradientPenalty, OneSidedGradientPenalty, Penalty

__all__ = [
    "EQUILIBRIUM", "R1", "R2", "AuxiliaryClassifier", "FeatureMatching", "GradientPenalty", "Hinge", "LeastSquares",
    "Minimax", "NonSaturating", "Objective", "OneSidedGradientPenalty", "Penalty", "RelativisticAverage", "Wasserstein",
    "jvp", "jvp_backward", "log_d", "log_not_d", "log_odds", "value",
]  # fmt: skip
