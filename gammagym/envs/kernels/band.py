"""The action scheme `band`: residuals on Whalley-Wilmott (`gammagym.hedging` has the formula).

It reads what the agent has observed, and no more: the action of zeros is what the rule-based agent
does that looks at the same observation.
"""

from __future__ import annotations

import math

import numpy as np

from gammagym._kernel import kernel
from gammagym.envs.kernels.placing import clipped, wish

# The furthest shift of the centre (share of the gross quantity), and the largest factor of width.
FURTHEST_CENTRE = 0.1
WIDEST = 4.0
# Rows of the observed fields it looks at.
_NET_DELTA, _GAMMA, _PRICE, _SPREAD, _TAKER_FEE = 0, 3, 13, 14, 26
_BASIS_POINT = 1e-4


@kernel
def trade_band(world, row, action):
    """Wish for the trade to the nearest edge of a band about the delta.

    Args:
        world: one world.
        row: row of agents.
        action: shift of the centre, factor of the width and urgency, each from -1 to 1.
    """
    agent = world.agents[row]
    seen = agent.observed
    price = float(seen[_PRICE]) * agent.reference_scale
    gamma = float(seen[_GAMMA]) * agent.gross_units / max(0.01 * price, 1e-12)
    spread = float(seen[_SPREAD]) * _BASIS_POINT * price
    cost = float(seen[_TAKER_FEE]) * _BASIS_POINT + 0.5 * spread / max(price, 1e-12)
    width = math.exp(math.log(WIDEST) * clipped(action[1]))
    half = width * half_width(price, gamma, cost, agent.told_aversion)
    centre = FURTHEST_CENTRE * clipped(action[0]) * agent.gross_units
    off_centre = float(seen[_NET_DELTA]) * agent.gross_units - centre
    units = min(max(off_centre, -half), half) - off_centre
    # Actions are float32, so what a rule-based agent wishes for has been rounded to that.
    size = np.float32(min(max(units / agent.largest_order_units, -1.0), 1.0))
    wish(world, row, 0, float(size), min(1.0 + 2.0 * clipped(action[2]), 1.0))


@kernel
def half_width(price, gamma, cost, risk_aversion):
    """Return the half-width of the band, as `hedging.whalley_wilmott_half_width` (units)."""
    return (1.5 * max(cost, 0.0) * price * (gamma * gamma) / risk_aversion) ** (1.0 / 3.0)
