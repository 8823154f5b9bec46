"""The order book: queues of orders at price levels. Nothing else writes a queue.

A level is a price of one side with a first-in-first-out list of orders. The levels of a side hang
together from the best to the worst, so the touch is at hand and a sweep just walks on. A level is
found by its price through a small cache, and through `price_index` where that misses.

Every kernel takes `(orders, levels, head, ...)`: several books may share one pool of rows, since
each head keeps free lists of its own rows. No price is special: whether a side is empty is asked
with `has_side`, never read from a price.
"""

from __future__ import annotations

import numpy as np

from gammagym._kernel import kernel
from gammagym.engine.price_index import add_leaf, closest_leaf, drop_leaf, find_leaf
from gammagym.world import BUY, NO_LEVEL, NO_ORDER, PRICE_CACHE, SELL

# No level may hold this many lots or more, so that sums of two totals fit into 64 bits.
LARGEST_LOTS = 2**62

_CACHE_MASK = PRICE_CACHE - 1


# --- Open, rest, remove, reduce --------------------------------------------------------------


@kernel(counted=False)
def open_book(orders, levels, head, first_order, order_rows, first_level, level_rows):
    """Empty a book and give it a range of rows of orders and one of levels.

    Writes: all of head; orders.{live, next}, levels.{live, worse} of the book's rows.
    """
    for side in (BUY, SELL):
        head.best[side] = NO_LEVEL
        head.root[side] = NO_LEVEL
        head.level_count[side] = 0
        head.order_count[side] = 0
        for slot in range(PRICE_CACHE):
            head.cache[side, slot] = NO_LEVEL
    head.free_order = NO_ORDER
    head.free_level = NO_LEVEL
    head.next_arrival = 0
    head.last_price_ticks = 0
    head.trades = 0
    head.volume_lots = 0
    head.bought_lots = 0
    add_rows(orders, levels, head, first_order, order_rows, first_level, level_rows)


@kernel(counted=False)
def add_rows(orders, levels, head, first_order, order_rows, first_level, level_rows):
    """Put more rows at the front of a book's free lists, lowest row first.

    Writes: head.{free_order, free_level}, orders.{live, next}, levels.{live, worse}.
    """
    for row in range(first_order + order_rows - 1, first_order - 1, -1):
        orders[row].live = 0
        orders[row].next = head.free_order
        head.free_order = row
    for row in range(first_level + level_rows - 1, first_level - 1, -1):
        levels[row].live = 0
        levels[row].worse = head.free_level
        head.free_level = row


@kernel(counted=False)
def rest(orders, levels, head, order_id, owner, side, price_ticks, quantity_lots, tif):
    """Append an order to its price's queue; return its row, or NO_ORDER if there is no room for it.

    No room: no free row, or the level's total would reach LARGEST_LOTS; then nothing changes. The
    price must not cross the other side.
    Writes: head, one order, one or two levels. Cost: O(1), for a new level that of `add_leaf`.
    """
    row, slot = np.int64(head.free_order), price_ticks & _CACHE_MASK
    level_row = np.int64(head.cache[side, slot])
    if level_row == NO_LEVEL or levels[level_row].price_ticks != price_ticks:
        level_row = closest_leaf(levels, head, side, price_ticks)
    known = level_row != NO_LEVEL and levels[level_row].price_ticks == price_ticks
    if row == NO_ORDER or (not known and head.free_level == NO_LEVEL):
        return NO_ORDER
    if known and levels[level_row].quantity_lots >= LARGEST_LOTS - quantity_lots:
        return NO_ORDER
    if not known:
        level_row = _open_level(levels, head, side, price_ticks, level_row)
    head.cache[side, slot] = level_row
    order = orders[row]
    head.free_order = order.next
    order.order_id = order_id
    order.owner = owner
    order.side = side
    order.price_ticks = price_ticks
    order.quantity_lots = quantity_lots
    order.tif = tif
    order.live = 1
    order.id_next = NO_ORDER
    _append(orders, levels, head, row, level_row)
    return row


@kernel(inline=True, counted=False)
def _append(orders, levels, head, row, level_row):
    """Put an order at the tail of a queue. Writes: head.{order_count, next_arrival}, the queue."""
    order, level = orders[row], levels[level_row]
    order.arrival = head.next_arrival
    head.next_arrival += 1
    head.order_count[order.side] += 1
    order.level = level_row
    order.next = NO_ORDER
    order.previous = level.last
    if level.last == NO_ORDER:
        level.first = row
    else:
        orders[level.last].next = row
    level.last = row
    level.quantity_lots += order.quantity_lots


@kernel(counted=False)
def remove(orders, levels, head, row):
    """Take a resting order out of the book; the free row keeps its content until it is reused.

    Writes: head, the order, its neighbours, its level. Cost: O(1), or that of `drop_leaf`.
    """
    order = orders[row]
    level_row = np.int64(order.level)
    level = levels[level_row]
    before, behind = order.previous, order.next
    level.quantity_lots -= order.quantity_lots
    if before == NO_ORDER:
        level.first = behind
    else:
        orders[before].next = behind
    if behind == NO_ORDER:
        level.last = before
    else:
        orders[behind].previous = before
    order.live = 0
    order.next = head.free_order
    head.free_order = row
    head.order_count[order.side] -= 1
    if level.first == NO_ORDER:
        _close_level(levels, head, np.int64(order.side), level_row)


@kernel(counted=False)
def reduce(orders, levels, head, row, quantity_lots):
    """Set a smaller open quantity; the order keeps its place, and goes when nothing is left.

    Writes: orders.quantity_lots, levels.quantity_lots; all that `remove` does for quantity 0.
    """
    order = orders[row]
    if quantity_lots <= 0:
        remove(orders, levels, head, row)
    else:
        levels[order.level].quantity_lots -= order.quantity_lots - quantity_lots
        order.quantity_lots = quantity_lots


# --- Levels ----------------------------------------------------------------------------------


@kernel(inline=True, counted=False)
def find_level(levels, head, side, price_ticks):
    """Return the level at a price, or NO_LEVEL. Reads: head, levels. Cost: O(1) mostly."""
    row = np.int64(head.cache[side, price_ticks & _CACHE_MASK])
    # A closed level leaves the cache, so only the price has to be looked at.
    if row != NO_LEVEL and levels[row].price_ticks == price_ticks:
        return row
    return find_leaf(levels, head, side, price_ticks)


@kernel(counted=False)
def _open_level(levels, head, side, price_ticks, closest):
    """Start an empty level at a price that has none, and return its row.

    `closest` is `closest_leaf` of the price.
    Writes: head.{free_level, level_count, best, root}, the level and its neighbours.
    """
    row = np.int64(head.free_level)
    level = levels[row]
    head.free_level = level.worse
    head.level_count[side] += 1
    level.price_ticks = price_ticks
    level.quantity_lots = 0
    level.first = level.last = NO_ORDER
    level.live = 1
    neighbour = add_leaf(levels, head, side, row, closest)
    better, worse = NO_LEVEL, NO_LEVEL
    if neighbour != NO_LEVEL:
        # Towards the touch is up for bids, down for asks.
        if (levels[neighbour].price_ticks < price_ticks) == (side == BUY):
            better, worse = np.int64(levels[neighbour].better), neighbour
        else:
            better, worse = neighbour, np.int64(levels[neighbour].worse)
    level.better, level.worse = better, worse
    _join(levels, head, side, better, row)
    if worse != NO_LEVEL:
        levels[worse].better = row
    return row


@kernel(counted=False)
def _close_level(levels, head, side, row):
    """Give back the row of a level whose queue is empty.

    Writes: head.{free_level, level_count, best, root, cache}, the level and its neighbours.
    """
    level = levels[row]
    _join(levels, head, side, level.better, level.worse)
    if level.worse != NO_LEVEL:
        levels[level.worse].better = level.better
    slot = level.price_ticks & _CACHE_MASK
    if head.cache[side, slot] == row:
        head.cache[side, slot] = NO_LEVEL
    drop_leaf(levels, head, side, row)
    level.live = 0
    level.worse = head.free_level
    head.free_level = row
    head.level_count[side] -= 1


@kernel(inline=True, counted=False)
def _join(levels, head, side, better, row):
    """Let `row` follow `better`, or be the best. Writes: head.best, levels.worse."""
    if better == NO_LEVEL:
        head.best[side] = row
    else:
        levels[better].worse = row


# --- Look ------------------------------------------------------------------------------------


@kernel(inline=True, counted=False)
def has_side(head, side):
    """Return whether any order rests on a side. Reads: head.best."""
    return head.best[side] != NO_LEVEL


@kernel(inline=True, counted=False)
def best_price(levels, head, side):
    """Return the best price of a side that is not empty (ticks). Reads: head.best, levels."""
    return levels[head.best[side]].price_ticks


@kernel(inline=True, counted=False)
def best_quantity(levels, head, side):
    """Return the quantity at the best price (lots), 0 if none. Reads: head.best, levels."""
    return levels[head.best[side]].quantity_lots if has_side(head, side) else 0


@kernel(inline=True, counted=False)
def crosses(levels, head, side, price_ticks):
    """Return whether an order of this side and price would trade. Reads: head.best, levels."""
    best = head.best[1 - side]
    return best != NO_LEVEL and _reaches(side, price_ticks, levels[best].price_ticks)


@kernel(inline=True, counted=False)
def _reaches(side, limit_ticks, price_ticks):
    """Return whether an order with this limit accepts a price of the other side."""
    return price_ticks <= limit_ticks if side == BUY else price_ticks >= limit_ticks


@kernel(counted=False)
def available(levels, head, side, price_ticks, wanted_lots):
    """Return how much an order with this limit could take (lots), counting no further than wanted.

    Reads: head.best, levels. Cost: O(levels counted).
    """
    total = 0
    row = np.int64(head.best[1 - side])
    while row != NO_LEVEL and total < wanted_lots:
        if not _reaches(side, price_ticks, levels[row].price_ticks):
            break
        total += levels[row].quantity_lots
        row = np.int64(levels[row].worse)
    return total


@kernel(counted=False)
def quantity_at(levels, head, side, price_ticks):
    """Return the quantity that rests at a price (lots). Reads: head, levels."""
    row = find_level(levels, head, side, price_ticks)
    return levels[row].quantity_lots if row != NO_LEVEL else 0


@kernel(counted=False)
def queue_ahead(orders, levels, row):
    """Return the quantity queued before an order at its price (lots). Cost: O(orders before it)."""
    total = 0
    other = np.int64(levels[orders[row].level].first)
    while other != row:
        total += orders[other].quantity_lots
        other = np.int64(orders[other].next)
    return total
