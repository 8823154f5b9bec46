"""Price-time priority: the best price trades first, and at one price the order that came first."""

from __future__ import annotations

import numpy as np

from gammagym._kernel import kernel
from gammagym.engine.book import crosses, reduce
from gammagym.world import BUY


@kernel(counted=False)
def match(orders, levels, head, side, price_ticks, quantity_lots, fills):
    """Trade an incoming order against the other side; write and count at most len(fills) fills.

    Every trade is at the price of the order that rested. A count of len(fills) means that there
    may be more to trade: the caller books these and asks again for what is left.
    Reads: orders, levels. Writes: fills, head and all that `reduce` does. Cost: O(fills).
    """
    count, left = 0, quantity_lots
    while left > 0 and count < len(fills) and crosses(levels, head, side, price_ticks):
        level = levels[head.best[1 - side]]
        row = np.int64(level.first)
        maker = orders[row]
        quantity = min(left, maker.quantity_lots)
        left -= quantity
        fill = fills[count]
        fill.price_ticks = level.price_ticks
        fill.quantity_lots = quantity
        fill.maker_id = maker.order_id
        fill.maker_owner = maker.owner
        fill.maker_left = 1 if quantity < maker.quantity_lots else 0
        count += 1
        head.volume_lots += quantity
        head.last_price_ticks = level.price_ticks
        reduce(orders, levels, head, row, maker.quantity_lots - quantity)
    head.trades += count
    if side == BUY:
        head.bought_lots += quantity_lots - left
    return count
