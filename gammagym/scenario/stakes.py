"""What an episode is about, in money, before it begins: the stakes of a template's competitors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gammagym.world import copied


def expected_stakes(template: NDArray[Any], tape: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the stake of each competitor in an episode that starts at the first price.

    Args:
        template: array of one world, which is left as it is.
        tape: recorded prices, shape (m,).

    Returns:
        Stakes (currency), shape (rows of agents,); 0 for rows that are not in use.
    """
    # Kernels are compiled when they are first asked for: no scenario should wait for these.
    from gammagym.exchange.opening import fix_strikes, hand_over
    from gammagym.market.price import start_price
    from gammagym.market.surface import open_surface

    world = copied(template)
    world["price"]["tape_choices"] = 0
    start_price(world[0], tape)
    fix_strikes(world[0])
    open_surface(world[0])
    hand_over(world[0])
    return world["agents"]["stake"][0].copy()


def tell_aversion(template: NDArray[Any], tape: NDArray[np.float64]) -> None:
    """Write the risk aversion that agents are told, which the action scheme `band` goes by."""
    count = int(template["agent_count"][0])
    agents = template["agents"][0, :count]
    agents["told_aversion"] = agents["relative_aversion"] / expected_stakes(template, tape)[:count]
