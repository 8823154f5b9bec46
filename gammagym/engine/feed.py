"""Market data: what changes in a book, order by order, and its touch after every message.

Written only into tables that somebody has provided (`OrderBook(feed=True)`, `recorder`), as far as
they have room; else it costs a look at two numbers that are 0. What waits for a trigger is
nobody's business.
"""

from __future__ import annotations

from gammagym._kernel import kernel
from gammagym.engine.protocol import REMOVED
from gammagym.engine.tables import levels_of, touches_of, updates_of
from gammagym.world.codes import BUY, NO_LEVEL, SELL


@kernel(inline=True)
def publish(book, order, action):
    """Tell what has just happened to an order, if anybody listens. Writes: updates."""
    if book.updates_written < book.updates_count:
        _write_update(book, order, action)


@kernel
def _write_update(book, order, action):
    if order.side > SELL:
        return
    update = updates_of(book)[book.updates_written]
    book.updates_written += 1
    update.action = action
    update.side = order.side
    update.sequence = book.sequence
    update.order_id = order.order_id
    update.price = order.price_ticks
    update.quantity = 0 if action == REMOVED else order.quantity_lots
    update.level_quantity = levels_of(book)[order.level].quantity_lots
    update.traded = book.volume_lots


@kernel
def write_touch(run, book):
    """Tell the best prices after the message that has been carried out. Writes: touches, run."""
    touch = touches_of(run)[run.position - 1]
    run.touches_written = run.position
    touch.sequence = book.sequence
    touch.bid, touch.bid_quantity = _best(book, BUY)
    touch.ask, touch.ask_quantity = _best(book, SELL)


@kernel
def _best(book, side):
    """Return the best price of a side (ticks) and its quantity (lots), both 0 if it is empty."""
    row = book.best[side]
    if row == NO_LEVEL:
        return 0, 0
    level = levels_of(book)[row]
    return level.price_ticks, level.quantity_lots
