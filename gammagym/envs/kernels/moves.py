"""The moves of the action scheme `discrete`: the one table of them."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from gammagym._kernel import kernel
from gammagym.envs.kernels.placing import wish


class Move(NamedTuple):
    """One row of the table: what is wished for the one working order.

    Attributes:
        name: in words.
        size: signed size, share of the largest order; 0 cancels; NaN: what makes the net delta
            zero.
        urgency: how it is placed, as in the scheme `hedge`.
    """

    name: str
    size: float
    urgency: float


MOVES = (
    Move("nothing: leave the working order as it is", 0.0, 0.0),
    Move("cancel the working order", 0.0, 0.0),
    Move("buy a tenth of the largest order at market", 0.1, 1.0),
    Move("buy a third of it at market", 1 / 3, 1.0),
    Move("buy all of it at market", 1.0, 1.0),
    Move("sell a tenth of the largest order at market", -0.1, 1.0),
    Move("sell a third of it at market", -1 / 3, 1.0),
    Move("sell all of it at market", -1.0, 1.0),
    Move("join the best bid with a third of the largest order", 1 / 3, 0.0),
    Move("join the best ask with a third of the largest order", -1 / 3, 0.0),
    Move("trade the net delta away at market", math.nan, 1.0),
    Move("trade the net delta away by resting at the best price", math.nan, 0.0),
)
# What the numbers of an option of the book stand for: signed share of its initial quantity.
LEG_SHARES = (0.0, 0.25, -0.25)

_NOTHING = 0
_SIZES = np.array([move.size for move in MOVES])
_URGENCIES = np.array([move.urgency for move in MOVES])
_SHARES = np.array(LEG_SHARES)
# Row of the observed net delta.
_NET_DELTA = 0


@kernel
def make_move(world, row, number):
    """Wish for what a row of the table says. Rows that do not exist are clipped."""
    agent = world.agents[row]
    number = min(max(number, 0), len(_SIZES) - 1)
    if number == _NOTHING:
        return
    size = _SIZES[number]
    if math.isnan(size):
        net_units = float(agent.observed[_NET_DELTA]) * agent.gross_units
        size = min(max(-net_units / agent.largest_order_units, -1.0), 1.0)
    wish(world, row, 0, size, _URGENCIES[number])


@kernel
def leg_share(number):
    """Return the share of an option of the book that a number of the scheme trades."""
    return _SHARES[min(max(number, 0), len(_SHARES) - 1)]
