"""The order book: queues of orders at price levels. Nothing else writes a queue.

A level is a price of one side with a first-in-first-out list of orders. The levels of a side hang
together from the best to the worst, so the touch is at hand and a sweep just walks on. A level is
found by its price through a small cache, and through `price_index` where that misses.

A book has eight sides. On BUY and SELL orders rest; on the other six they wait until a price has
fallen or risen to theirs (`waiting`). What is said here holds for all: on an even side the highest
price is the best, on an odd side the lowest.

No price is special: whether a side is empty is asked with `has_side`, never read from a price.
"""

from __future__ import annotations

import numpy as np

from gammagym._kernel import kernel
from gammagym.engine.feed import publish
from gammagym.engine.members import clear_members, count_order
from gammagym.engine.price_index import (
    EMPTY,
    add_leaf,
    add_nodes,
    drop_leaf,
    find_leaf,
    find_place,
    find_place_beyond,
    leaf_at,
    next_to,
)
from gammagym.engine.protocol import ADDED, CHANGED, REMOVED
from gammagym.engine.tables import levels_of, orders_of, terms_of
from gammagym.engine.terms import add_terms, drop_terms
from gammagym.world.codes import NO_LEVEL, NO_NODE, NO_ORDER, NO_SIDE, NO_TERMS, PRICES, SIDES
from gammagym.world.sizes import PRICE_CACHE

# No level may hold this many lots or more, so that sums of two totals fit into 64 bits.
LARGEST_LOTS = 2**62
NO_ARRIVAL = -1
# No time lies before this, or after its opposite, so that sums of times fit into 64 bits (ns).
EARLIEST = -(2**62)

_CACHE_MASK = PRICE_CACHE - 1


# --- Open, rest, remove, reduce --------------------------------------------------------------


@kernel
def open_book(book, first_order, order_rows, first_level, level_rows, first_terms, terms_rows):
    """Empty a book and give it a range of rows of its tables.

    Writes: all of book but its rules and where its tables are; members; the free lists.
    """
    for side in range(SIDES):
        book.best[side] = NO_LEVEL
        book.root[side] = EMPTY
        book.level_count[side] = 0
        book.order_count[side] = 0
    for slot in range(PRICE_CACHE):
        book.cache[0, slot] = book.cache[1, slot] = NO_LEVEL
    for price in range(PRICES):
        book.price_known[price] = book.price_moved[price] = 0
        book.price_ticks[price] = book.lowest_ticks[price] = book.highest_ticks[price] = 0
    book.top_arrival[0] = book.top_arrival[1] = NO_ARRIVAL
    book.top_order[0] = book.top_order[1] = NO_ORDER
    book.free_order, book.free_level, book.free_node = NO_ORDER, NO_LEVEL, NO_NODE
    book.free_terms = NO_TERMS
    book.first_expiry = book.last_expiry = NO_TERMS
    book.trailing = 0
    book.time_ns = EARLIEST
    book.next_arrival = 0
    book.trades = book.volume_lots = book.bought_lots = 0
    book.updates_written = book.sequence = 0
    clear_members(book)
    add_orders(book, first_order, order_rows)
    add_levels(book, first_level, level_rows)
    add_terms(book, first_terms, terms_rows)


@kernel
def add_orders(book, first, count):
    """Put rows at the front of the free list, lowest row first. Writes: free_order, orders."""
    orders = orders_of(book)
    for row in range(first + count - 1, first - 1, -1):
        orders[row].live = 0
        orders[row].next = book.free_order
        book.free_order = row


@kernel
def add_levels(book, first, count):
    """Put rows, and as many nodes, at the front of the free lists, lowest row first.

    Writes: free_level, free_node, levels, nodes.
    """
    add_nodes(book, first, count)
    levels = levels_of(book)
    for row in range(first + count - 1, first - 1, -1):
        levels[row].side = NO_SIDE
        levels[row].worse = book.free_level
        book.free_level = row


@kernel
def rest(book, side, price_ticks, quantity_lots):
    """Append an order to its price's queue; return its row, or NO_ORDER if there is no room for it.

    No room: no free row, or the level's total would reach LARGEST_LOTS; then nothing changes. The
    price must not cross the other side. The caller writes whose order it is.
    Writes: book, one order, one or two levels. Cost: O(1), for a new level that of `add_leaf`.
    """
    levels = levels_of(book)
    row, slot = np.int64(book.free_order), price_ticks & _CACHE_MASK
    level_row = np.int64(book.cache[side & 1, slot])
    parent, code = np.int64(NO_NODE), EMPTY
    if is_best(book, side, price_ticks):
        level_row = np.int64(NO_LEVEL)
        if has_side(book, side):
            parent, code = find_place_beyond(book, np.int64(book.best[side]), price_ticks)
    elif not _is_level(levels, level_row, side, price_ticks):
        parent, code = find_place(book, side, price_ticks)
        level_row = leaf_at(book, code, price_ticks)
    known = level_row != NO_LEVEL
    if row == NO_ORDER or (not known and book.free_level == NO_LEVEL):
        return NO_ORDER
    if known and levels[level_row].quantity_lots >= LARGEST_LOTS - quantity_lots:
        return NO_ORDER
    if not known:
        level_row = _open_level(book, side, price_ticks, parent, code)
    book.cache[side & 1, slot] = level_row
    order = orders_of(book)[row]
    book.free_order = order.next
    order.side = side
    order.price_ticks = price_ticks
    order.quantity_lots = quantity_lots
    order.live = 1
    order.id_next = NO_ORDER
    order.terms = NO_TERMS
    order.counted = 0
    order.level = level_row
    book.order_count[side] += 1
    _append(book, row, levels[level_row])
    return row


@kernel(inline=True)
def _append(book, row, level):
    """Put an order at the tail of a queue. Writes: next_arrival, the order, the level."""
    orders = orders_of(book)
    order = orders[row]
    order.arrival = book.next_arrival
    book.next_arrival += 1
    order.next = NO_ORDER
    order.previous = level.last
    if level.last == NO_ORDER:
        level.first = row
    else:
        orders[level.last].next = row
    level.last = row
    level.quantity_lots += order.quantity_lots


@kernel(inline=True)
def _unlink(book, order, level):
    """Take an order out of its queue. Writes: its neighbours, the level."""
    orders = orders_of(book)
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


@kernel
def remove(book, row):
    """Take an order out of the book; the free row keeps its content until it is reused.

    Writes: book, the order, its neighbours, its level. Cost: O(1), or that of `drop_leaf`.
    """
    order = orders_of(book)[row]
    level_row = np.int64(order.level)
    level = levels_of(book)[level_row]
    _unlink(book, order, level)
    publish(book, order, REMOVED)
    if order.terms != NO_TERMS:
        drop_terms(book, order)
    if order.counted:
        count_order(book, order, -1)
    order.live = 0
    order.next = book.free_order
    book.free_order = row
    book.order_count[order.side] -= 1
    if level.first == NO_ORDER:
        _close_level(book, np.int64(order.side), level_row)


@kernel
def reduce(book, row, quantity_lots):
    """Display a smaller quantity; the order keeps its place, and goes when nothing is left.

    Writes: orders.quantity_lots, levels.quantity_lots; all that `remove` does for quantity 0.
    """
    order = orders_of(book)[row]
    if quantity_lots <= 0:
        remove(book, row)
    else:
        levels_of(book)[order.level].quantity_lots -= order.quantity_lots - quantity_lots
        order.quantity_lots = quantity_lots
        publish(book, order, CHANGED)


# --- Icebergs --------------------------------------------------------------------------------


@kernel(inline=True)
def open_lots(book, order):
    """Return the open quantity of an order, hidden quantity included. Reads: terms."""
    if order.terms == NO_TERMS:
        return order.quantity_lots
    return order.quantity_lots + terms_of(book)[order.terms].hidden_lots


@kernel
def shrink(book, row, quantity_lots):
    """Set a smaller open quantity: hidden quantity goes first, and the order keeps its place.

    Writes: terms.hidden_lots; all that `reduce` does.
    """
    order = orders_of(book)[row]
    if order.terms != NO_TERMS:
        terms = terms_of(book)[order.terms]
        terms.hidden_lots = max(quantity_lots - order.quantity_lots, 0)
    if quantity_lots < order.quantity_lots:
        reduce(book, row, quantity_lots)


@kernel
def refill(book, row):
    """Let an iceberg whose displayed quantity has traded show its next part; return how much.

    Writes: terms.hidden_lots, the order, which goes to the back of the queue, and its level.
    """
    order = orders_of(book)[row]
    terms = terms_of(book)[order.terms]
    level = levels_of(book)[order.level]
    if order.arrival == book.top_arrival[order.side]:
        book.top_arrival[order.side] = book.next_arrival
    _unlink(book, order, level)
    publish(book, order, REMOVED)
    order.quantity_lots = min(terms.display_lots, terms.hidden_lots)
    terms.hidden_lots -= order.quantity_lots
    _append(book, row, level)
    publish(book, order, ADDED)
    return order.quantity_lots


# --- Levels ----------------------------------------------------------------------------------


@kernel(inline=True)
def _is_level(levels, row, side, price_ticks):
    """Return whether a row is the level of this side and price. Reads: levels."""
    return row != NO_LEVEL and levels[row].price_ticks == price_ticks and levels[row].side == side


@kernel(inline=True)
def is_best(book, side, price_ticks):
    """Return whether a price is better than all of a side. Reads: best, levels."""
    return not has_side(book, side) or is_better(side, price_ticks, best_price(book, side))


@kernel(inline=True)
def find_level(book, side, price_ticks):
    """Return the level at a price, or NO_LEVEL. Reads: cache, levels. Cost: O(1) mostly."""
    row = np.int64(book.cache[side & 1, price_ticks & _CACHE_MASK])
    if _is_level(levels_of(book), row, side, price_ticks):
        return row
    return find_leaf(book, side, price_ticks)


@kernel
def _open_level(book, side, price_ticks, parent, code):
    """Start an empty level at a price that has none, and return its row.

    `find_place` has found where it belongs.
    Whoever opens the best price of BUY or SELL becomes the top order of that side.
    Writes: free_level, level_count, best, root, top_arrival, the level and its neighbours.
    """
    levels = levels_of(book)
    row = np.int64(book.free_level)
    level = levels[row]
    book.free_level = level.worse
    book.level_count[side] += 1
    level.price_ticks = price_ticks
    level.quantity_lots = 0
    level.first = level.last = NO_ORDER
    level.side = side
    best = np.int64(book.best[side])
    leads = is_best(book, side, price_ticks)
    node = add_leaf(book, side, row, parent, code)
    better, worse = np.int64(NO_LEVEL), best
    if not leads:
        neighbour = next_to(book, node, price_ticks)
        if is_better(side, price_ticks, levels[neighbour].price_ticks):
            better, worse = np.int64(levels[neighbour].better), neighbour
        else:
            better, worse = neighbour, np.int64(levels[neighbour].worse)
    level.better, level.worse = better, worse
    _join(book, side, better, row)
    if worse != NO_LEVEL:
        levels[worse].better = row
    if leads and side < 2:
        book.top_arrival[side] = book.next_arrival
        book.top_order[side] = book.free_order
    return row


@kernel
def _close_level(book, side, row):
    """Give back the row of a level whose queue is empty.

    Writes: free_level, level_count, best, root, cache, the level and its neighbours.
    """
    levels = levels_of(book)
    level = levels[row]
    _join(book, side, level.better, level.worse)
    if level.worse != NO_LEVEL:
        levels[level.worse].better = level.better
    slot = level.price_ticks & _CACHE_MASK
    if book.cache[side & 1, slot] == row:
        book.cache[side & 1, slot] = NO_LEVEL
    drop_leaf(book, side, row)
    level.side = NO_SIDE
    level.worse = book.free_level
    book.free_level = row
    book.level_count[side] -= 1


@kernel(inline=True)
def _join(book, side, better, row):
    """Let `row` follow `better`, or be the best. Writes: best, levels.worse."""
    if better == NO_LEVEL:
        book.best[side] = row
    else:
        levels_of(book)[better].worse = row


# --- Look ------------------------------------------------------------------------------------


@kernel(inline=True)
def has_side(book, side):
    """Return whether any order is on a side. Reads: best."""
    return book.best[side] != NO_LEVEL


@kernel(inline=True)
def best_price(book, side):
    """Return the best price of a side that is not empty (ticks). Reads: best, levels."""
    return levels_of(book)[book.best[side]].price_ticks


@kernel(inline=True)
def best_quantity(book, side):
    """Return the quantity at the best price (lots), 0 if none. Reads: best, levels."""
    return levels_of(book)[book.best[side]].quantity_lots if has_side(book, side) else 0


@kernel(inline=True)
def crosses(book, side, price_ticks):
    """Return whether an order of this side and price would trade. Reads: best, levels."""
    best = book.best[1 - side]
    return best != NO_LEVEL and reaches(side, price_ticks, levels_of(book)[best].price_ticks)


@kernel(inline=True)
def reaches(side, limit_ticks, price_ticks):
    """Return whether an order with this limit accepts a price of the other side."""
    return not is_better(side, price_ticks, limit_ticks)


@kernel(inline=True)
def is_better(side, price_ticks, other_ticks):
    """Return whether a price of a side comes before another one: higher on even sides, else lower.

    Sides are drawn by lot, so that a processor that guesses which one comes is wrong half the time.
    """
    flip = -(side & 1)  # all bits or none: turns the order of prices round
    return price_ticks ^ flip > other_ticks ^ flip


@kernel
def quantity_at(book, side, price_ticks):
    """Return the quantity displayed at a price (lots). Reads: book, levels."""
    row = find_level(book, side, price_ticks)
    return levels_of(book)[row].quantity_lots if row != NO_LEVEL else 0


@kernel
def queue_ahead(book, row):
    """Return the quantity displayed before an order at its price (lots). O(orders before it)."""
    orders = orders_of(book)
    total = 0
    other = np.int64(levels_of(book)[orders[row].level].first)
    while other != row:
        total += orders[other].quantity_lots
        other = np.int64(orders[other].next)
    return total


@kernel
def next_order(book, row):
    """Return the order behind one in time and price: of its queue, or the first of the next level.

    Returns NO_ORDER after the last one of the side. Reads: orders, levels.
    """
    order = orders_of(book)[row]
    if order.next != NO_ORDER:
        return np.int64(order.next)
    worse = levels_of(book)[order.level].worse
    return np.int64(levels_of(book)[worse].first) if worse != NO_LEVEL else np.int64(NO_ORDER)


@kernel
def first_order(book, side):
    """Return the order that comes first on a side, or NO_ORDER. Reads: best, levels."""
    best = book.best[side]
    return np.int64(levels_of(book)[best].first) if best != NO_LEVEL else np.int64(NO_ORDER)
