"""The waiting room: stops, take-profits and trailing stops, until a price has reached theirs.

They wait on sides of the book of their own: two for each price that triggers may look at, one for a
fall, where the highest trigger comes first, and one for a rise, where the lowest does. So the next
to be triggered is the best order of its side.
"""

from __future__ import annotations

import numpy as np

from gammagym._kernel import kernel
from gammagym.engine.book import (
    LARGEST_LOTS,
    first_order,
    next_order,
    quantity_at,
    remove,
    rest,
)
from gammagym.engine.members import count_order, find_member
from gammagym.engine.tables import orders_of, terms_of
from gammagym.engine.terms import write_terms
from gammagym.world.codes import (
    BUY,
    NO_ORDER,
    NO_TERMS,
    ON_INDEX,
    ON_LAST,
    PRICES,
    SELL,
    SIDES,
    STOP,
    STOP_LIMIT,
    TRAILING_STOP,
)

_LOWEST, _HIGHEST = np.int64(-(2**63)), np.int64(2**63 - 1)


# --- Prices ----------------------------------------------------------------------------------


@kernel(inline=True)
def note_price(book, source, price_ticks):
    """Note a new last, mark or index price. Writes: book.price_*, lowest_ticks, highest_ticks."""
    book.price_ticks[source] = price_ticks
    book.price_known[source] = 1
    side = waiting_side(source, 0)
    if book.order_count[side] + book.order_count[side + 1] > 0:
        _widen(book, source, price_ticks)


@kernel
def _widen(book, source, price_ticks):
    """Note that triggers have to be looked at. Writes: book.{price_moved, lowest, highest}."""
    if not book.price_moved[source]:
        book.price_moved[source] = 1
        book.lowest_ticks[source] = book.highest_ticks[source] = price_ticks
    book.lowest_ticks[source] = min(book.lowest_ticks[source], price_ticks)
    book.highest_ticks[source] = max(book.highest_ticks[source], price_ticks)


@kernel(inline=True)
def any_price_moved(book):
    """Return whether triggers have to be looked at. Reads: book.price_moved."""
    moved = book.price_moved
    return moved[ON_LAST] + moved[1] + moved[ON_INDEX] > 0


@kernel(inline=True)
def anybody_waits(book):
    """Return whether any order waits for a trigger. Reads: book.order_count."""
    waiting = 0
    for side in range(2, SIDES):
        waiting += book.order_count[side]
    return waiting > 0


@kernel(inline=True)
def waiting_side(source, rises):
    """Return the side on which orders wait for a rise (1) or a fall (0) of a price."""
    return 2 + 2 * source + rises


@kernel(inline=True)
def beyond(price_ticks, distance_ticks, direction):
    """Return a price that far up (1) or down (-1), stopping at the ends of 64 bits."""
    if direction > 0:
        return _HIGHEST if price_ticks > _HIGHEST - distance_ticks else price_ticks + distance_ticks
    return _LOWEST if price_ticks < _LOWEST + distance_ticks else price_ticks - distance_ticks


# --- Come and wait ---------------------------------------------------------------------------


@kernel(inline=True)
def waits_for_rise(kind, side):
    """Return 1 if an order of this kind is triggered by a rise, 0 if by a fall."""
    stops = kind in (STOP, STOP_LIMIT, TRAILING_STOP)
    return 1 if stops == (side == BUY) else 0


@kernel
def set_trail(book, work):
    """Set where a trailing stop is triggered now. Writes: work.trigger_ticks."""
    direction = 1 if work.side == BUY else -1
    work.trigger_ticks = beyond(book.price_ticks[work.trigger], work.trail_ticks, direction)


@kernel
def would_trigger(book, work):
    """Return whether the price has already reached the trigger price. Reads: book.price_*."""
    if not book.price_known[work.trigger]:
        return False
    price = book.price_ticks[work.trigger]
    rises = waits_for_rise(work.kind, work.side)
    return price >= work.trigger_ticks if rises else price <= work.trigger_ticks


@kernel
def wait(book, work):
    """Let the order in `work` wait for its trigger; return its row, or NO_ORDER for want of room.

    Writes: the waiting side, terms, members.
    """
    if book.free_terms == NO_TERMS:
        return np.int64(NO_ORDER)
    side = waiting_side(work.trigger, waits_for_rise(work.kind, work.side))
    row = rest(book, side, work.trigger_ticks, work.left_lots)
    if row == NO_ORDER:
        return row
    order = orders_of(book)[row]
    write_names(book, order, work)
    write_terms(book, order, row, work)
    if order.kind == TRAILING_STOP:
        book.trailing += 1
    return row


@kernel(inline=True)
def write_names(book, order, work):
    """Write whose order it is and what it is like. Writes: order, members."""
    order.order_id = work.order_id
    order.owner = work.owner
    order.kind = work.kind
    order.tif = work.tif
    order.self_trade = work.self_trade
    order.reduce_only = work.reduce_only
    order.instrument = work.instrument
    if book.members > 0 and find_member(book, work.owner) >= 0:
        order.counted = 1
        count_order(book, order, 1)


# --- Wake and go -----------------------------------------------------------------------------


@kernel
def next_triggered(book):
    """Return the order that is triggered next, or NO_ORDER once all prices have been looked at.

    Where a price triggers nothing more, the trailing stops on it follow.
    Writes: book.price_moved; trailing stops.
    """
    for source in range(PRICES):
        if book.price_moved[source]:
            row = first_order(book, waiting_side(source, 1))
            if row != NO_ORDER and orders_of(book)[row].price_ticks <= book.highest_ticks[source]:
                return row
            row = first_order(book, waiting_side(source, 0))
            if row != NO_ORDER and orders_of(book)[row].price_ticks >= book.lowest_ticks[source]:
                return row
            book.price_moved[source] = 0
            if book.trailing > 0:
                _trail(book, waiting_side(source, 1), book.price_ticks[source])
                _trail(book, waiting_side(source, 0), book.price_ticks[source])
    return np.int64(NO_ORDER)


@kernel
def _trail(book, side, price_ticks):
    """Move the trailing stops of a side that the price has drawn along. O(orders of the side)."""
    row = first_order(book, side)
    while row != NO_ORDER:
        order = orders_of(book)[row]
        behind = next_order(book, row)
        if order.kind == TRAILING_STOP:
            # Those for a rise buy, and follow a falling price from above.
            direction = 1 if side & 1 == SELL else -1
            target = beyond(price_ticks, terms_of(book)[order.terms].trail_ticks, direction)
            if (target < order.price_ticks) if direction > 0 else (target > order.price_ticks):
                _move(book, row, target)
        row = behind


@kernel
def leave(book, row, work):
    """Take a triggered order out of the waiting room and into `work`. Writes: work, the side."""
    order = orders_of(book)[row]
    terms = terms_of(book)[order.terms]
    work.order_id = order.order_id
    work.owner = order.owner
    work.side = terms.side
    work.kind = order.kind
    work.tif = order.tif
    work.self_trade = order.self_trade
    work.reduce_only = order.reduce_only
    work.instrument = order.instrument
    work.price_ticks = terms.limit_ticks
    work.left_lots = order.quantity_lots
    work.display_lots = terms.display_lots
    work.expiry_ns = terms.expiry_ns
    take_out(book, row)


@kernel
def take_out(book, row):
    """Remove an order that rests or waits. Writes: book.trailing, and all that `remove` does."""
    order = orders_of(book)[row]
    if order.side > SELL and order.kind == TRAILING_STOP:
        book.trailing -= 1
    remove(book, row)


@kernel
def _move(book, row, target_ticks):
    """Let a trailing stop wait at another trigger price, behind those that wait there.

    It stays where it is if the orders there would sum to too much. The row stays the same: the
    one that was freed last is the next to be used.
    """
    order = orders_of(book)[row]
    side, quantity, price = np.int64(order.side), order.quantity_lots, order.price_ticks
    if quantity_at(book, side, target_ticks) >= LARGEST_LOTS - quantity:
        return
    terms, counted, id_next = order.terms, order.counted, order.id_next
    order.terms, order.counted = NO_TERMS, 0
    remove(book, row)
    if rest(book, side, target_ticks, quantity) == NO_ORDER:
        rest(book, side, price, quantity)  # no level was free
    order.terms, order.counted, order.id_next = terms, counted, id_next
