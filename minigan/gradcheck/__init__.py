"""Is a derivative right, and if not, what kind of mistake is it?"""

from minigan.gradcheck.check import check_loss, gradcheck
from minigan.gradcheck.game import assert_gradients, check_game
from minigan.gradcheck.second_order import check_penalty, check_second_order

__all__ = ["assert_gradients", "check_game", "check_loss", "check_penalty", "check_second_order", "gradcheck"]
