"""Crossing the spread: how participants who act at price ticks trade at once."""

from __future__ import annotations

from gammagym._kernel import kernel
from gammagym.engine.book import best_price, has_side
from gammagym.exchange.marks import tell_book
from gammagym.exchange.own_orders import limit_order
from gammagym.world.codes import BUY, IOC


@kernel
def cross(world, account, instrument, side, lots):
    """Trade at once, as far through the touch as the venue lets market orders go.

    Returns 1 if an order was sent, 0 if there is nobody to trade with or it is too small. What the
    book does not take is not ordered again. Writes: incoming (the work space), and what trades
    write.
    """
    book = world.books[instrument]
    if not has_side(book, 1 - side):
        return 0
    tell_book(world, instrument)
    rules = book.rules
    limit = best_price(book, 1 - side)
    if side == BUY:
        limit = min(limit + max(rules.protection_ticks, 0), rules.highest_ticks)
    else:
        limit = max(limit - max(rules.protection_ticks, 0), rules.lowest_ticks, 1)
    lots = min(lots, rules.maximum_lots)
    if lots < rules.minimum_lots or lots * limit < rules.minimum_notional:
        return 0
    limit_order(world, account, instrument, side, limit, lots, IOC)
    return 1
