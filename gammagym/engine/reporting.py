"""Reports: what a run tells about what has happened."""

from __future__ import annotations

import numpy as np

from gammagym._kernel import kernel
from gammagym.engine.book import open_lots
from gammagym.engine.ids import forget
from gammagym.engine.protocol import (
    CANCEL_REJECTED,
    CANCELED,
    MODIFY_REJECTED,
    REDUCED,
    REFILLED,
    REJECTED,
    TRADE,
)
from gammagym.engine.reducing import count_trade
from gammagym.engine.tables import orders_of, reports_of, terms_of
from gammagym.world.codes import ACCEPTED, CANCEL, MODIFY, SELL


@kernel(inline=True)
def report(run, kind, side, reason, order_id):
    """Begin a report; `_fill_in` completes it. Writes: reports."""
    report = reports_of(run)[run.written]
    report.kind, report.side, report.reason = kind, side, reason
    report.sequence = run.sequence
    report.order_id = order_id
    report.maker_id, report.taker_id = 0, 0


@kernel(inline=True)
def fill_in(run, price, quantity):
    """Complete a report. Writes: reports, run.written."""
    report = reports_of(run)[run.written]
    report.price, report.quantity = price, quantity
    run.written += 1


@kernel(inline=True)
def report_work(run, work, kind, reason):
    """Report something about the order in `work`. Writes: reports, run.written."""
    report(run, kind, work.side, reason, work.order_id)
    fill_in(run, work.stated_ticks, work.left_lots)


@kernel(inline=True)
def report_order(run, book, row, kind, reason):
    """Report something about an order in the book. Writes: reports, run.written."""
    order = orders_of(book)[row]
    side = np.int64(order.side)
    if side > SELL:
        side = np.int64(terms_of(book)[order.terms].side)
    report(run, kind, side, reason, order.order_id)
    fill_in(run, order.price_ticks, open_lots(book, order))


@kernel(inline=True)
def report_fill(run, book, work, fill, left):
    """Report what happened in one fill; return what the taker had left after it.

    Writes: reports, the id table; positions, if any is known.
    """
    if fill.gone:
        forget(run, book, fill.maker_id)
    if fill.kind == TRADE:
        report(run, TRADE, work.side, ACCEPTED, work.order_id)
        reports_of(run)[run.written].maker_id = fill.maker_id
        reports_of(run)[run.written].taker_id = work.order_id
        fill_in(run, fill.price_ticks, fill.quantity_lots)
        if fill.refill_lots > 0:
            report(run, REFILLED, fill.side, ACCEPTED, fill.maker_id)
            fill_in(run, fill.price_ticks, fill.refill_lots)
        if book.known_members > 0:
            count_trade(book, work, fill)
        return left - fill.quantity_lots
    report(run, fill.kind, fill.side, fill.reason, fill.maker_id)
    fill_in(run, fill.price_ticks, fill.quantity_lots)
    lost = fill.taker_lost_lots
    if lost > 0:
        left -= lost
        report(run, REDUCED if left > 0 else CANCELED, work.side, fill.reason, work.order_id)
        fill_in(run, work.stated_ticks, left if left > 0 else lost)
    return left


@kernel(inline=True)
def _rejection(kind):
    """Return the kind of the report that refuses a message of some kind."""
    if kind == CANCEL:
        return CANCEL_REJECTED
    return MODIFY_REJECTED if kind == MODIFY else REJECTED


@kernel(inline=True)
def refuse(run, message, kind, reason):
    """Reject a message; the report repeats what it said. Writes: reports, run.written."""
    report(run, kind, message.side, reason, message.order_id)
    fill_in(run, message.price, message.quantity)
