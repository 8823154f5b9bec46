"""A dealer alone with takers, to compare quoting rules with published figures.

Avellaneda and Stoikov, "High-frequency trading in a limit order book", Quantitative Finance 8
(2008), section 3.3. Time runs in steps dt. In each, a quote at the distance d from the mid fills
with the probability A exp(-k d) dt, for one unit; then the mid moves by sigma sqrt(dt) times a
normal draw. There is no book: the distance to the mid is all that matters.

The rule is given as two tables, one value for each step: what a unit of inventory takes off the
centre of the quotes, and half of the distance between them. So the formulas stay in
`gammagym/quoting.py`. `gammagym validate theory` compares the results with the published table.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gammagym._kernel import kernel
from gammagym.market.streams import bits, mix, normal, uniform

# Streams of one path, by purpose.
_MID, _BID, _ASK, _PURPOSES = 0, 1, 2, 3


def play_dealer(
    skews: NDArray[np.float64],
    half_spreads: NDArray[np.float64],
    *,
    mid: float,
    volatility: float,
    step: float,
    fill_rate: float,
    fill_decay: float,
    paths: int,
    seed: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Let a dealer quote along independent paths.

    Args:
        skews: how far below the mid the centre of its quotes is for each unit that it holds, at
            each step (currency); shape (steps,).
        half_spreads: distance of its quotes from that centre (currency); shape (steps,).
        mid: mid at the start (currency).
        volatility: sigma (currency per root of the unit of time).
        step: dt (units of time).
        fill_rate: A (fills per unit of time of a quote at the mid).
        fill_decay: k (1 / currency).
        paths: number of paths.
        seed: seed of the random numbers.

    Returns:
        Profit with the inventory valued at the mid (currency), and the inventory at the end
        (units); each of shape (paths,).
    """
    profits, inventories = np.empty(paths), np.empty(paths)
    parameters = np.array([mid, volatility * math.sqrt(step), fill_rate * step, fill_decay])
    play_paths(skews, half_spreads, parameters, seed, profits, inventories)
    return profits, inventories


@kernel
def play_paths(skews, half_spreads, parameters, seed, profits, inventories):
    """Play one path after the other. Writes: profits, inventories. Cost: O(paths x steps)."""
    start, deviation, chance, decay = parameters
    key = mix(np.uint64(seed))
    for path in range(len(profits)):
        mids = bits(key, _PURPOSES * path + _MID)
        bids = bits(key, _PURPOSES * path + _BID)
        asks = bits(key, _PURPOSES * path + _ASK)
        mid, cash, inventory = start, 0.0, 0.0
        for step in range(len(skews)):
            centre = mid - inventory * skews[step]
            bid, ask = centre - half_spreads[step], centre + half_spreads[step]
            bought = uniform(bids, step) < chance * math.exp(-decay * (mid - bid))
            sold = uniform(asks, step) < chance * math.exp(-decay * (ask - mid))
            if bought:
                cash -= bid
                inventory += 1.0
            if sold:
                cash += ask
                inventory -= 1.0
            mid += deviation * normal(mids, step)
        profits[path] = cash + inventory * mid
        inventories[path] = inventory
