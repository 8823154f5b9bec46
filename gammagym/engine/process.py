"""Messages in, reports out: one book run by a stream of instructions.

A new or modified order is acknowledged before its trades. The rest of an IOC is canceled, an FOK
that cannot be filled whole is canceled without a trade, a post-only order that would trade is
rejected. A modify is a cancel and a reinsertion: it loses its place and may trade.

Nothing is allocated here. When rows run out, the kernel returns between two steps what it needs;
the caller makes that array larger and calls again, and the run goes on where it stopped.
"""

from __future__ import annotations

import numpy as np

from gammagym._kernel import kernel
from gammagym.engine import book
from gammagym.engine.book import LARGEST_LOTS
from gammagym.engine.matching import match
from gammagym.world import (
    ACCEPTED,
    CANCEL,
    FOK,
    GTC,
    IOC,
    MODIFY,
    NEW,
    NO_LEVEL,
    NO_ORDER,
    POST_ONLY,
    REJECT_DUPLICATE_ID,
    REJECT_MESSAGE,
    REJECT_OVERFLOW,
    REJECT_QUANTITY,
    REJECT_SEQUENCE,
    REJECT_UNKNOWN_ORDER,
    REJECT_WOULD_CROSS,
    SELL,
)

MESSAGE = np.dtype(
    [
        ("kind", "u1"),  # NEW, CANCEL, MODIFY
        ("side", "u1"),  # BUY, SELL
        ("tif", "u1"),  # GTC, IOC, FOK, POST_ONLY
        ("owner", "i4"),  # account that sends it, 0 for nobody
        ("order_id", "i8"),  # any number; no two resting orders have the same
        ("price", "i8"),  # limit (ticks)
        ("quantity", "i8"),  # lots; of a modify: the new open quantity
        ("sequence", "i8"),  # copied into the reports; must not decrease
    ]
)
REPORT = np.dtype(
    [
        ("kind", "u1"),  # ACKNOWLEDGED ... REJECTED
        ("side", "u1"),  # of the order; of a trade: the taker's
        ("reason", "u1"),  # ACCEPTED, or one of the REJECT reasons
        ("sequence", "i8"),  # of the message that caused it
        ("order_id", "i8"),  # the order; of a trade: the taker
        ("price", "i8"),  # of the order; of a trade: the maker's (ticks)
        ("quantity", "i8"),  # of the order, canceled: what was left; of a trade: traded (lots)
        ("maker_id", "i8"),  # of a trade, else 0
        ("taker_id", "i8"),  # of a trade, else 0
    ]
)
(ACKNOWLEDGED, TRADE, CANCELED, MODIFIED, CANCEL_REJECTED, MODIFY_REJECTED, REJECTED) = range(7)

# Where a run stands, and the order that is being matched.
CURSOR = np.dtype(
    [
        ("position", "i8"),  # messages read
        ("reports", "i8"),  # reports written
        ("last_sequence", "i8"),
        ("matching", "i8"),  # 1 while the order below still trades
        ("order_id", "i8"),
        ("owner", "i8"),
        ("side", "i8"),
        ("tif", "i8"),
        ("price_ticks", "i8"),
        ("left_lots", "i8"),
        ("sequence", "i8"),
    ]
)

# What a run needs to go on.
DONE, NEED_REPORTS, NEED_ORDERS, NEED_LEVELS = 200, 201, 202, 203

# A step writes at most an acknowledgment, the fills of one call of `match`, and a cancelation.
SPARE_REPORTS = 2

# Odd, near 2^31 / golden ratio: multiples of it spread evenly, whatever the stride of the ids.
_SPREAD = 0x4F1BBCDD


# --- The run ---------------------------------------------------------------------------------


@kernel(counted=False)
def run_messages(messages, reports, orders, levels, heads, buckets, fills, cursors):
    """Run messages from the cursor on; return DONE, or which array has to grow first.

    Every array grows on its own, so each is an argument.
    Reads: messages. Writes: everything else; `buckets` is the id table, `fills` is work space.
    """
    head, cursor = heads[0], cursors[0]
    last_start = len(reports) - len(fills) - SPARE_REPORTS
    while cursor.matching == 1 or cursor.position < len(messages):
        if cursor.reports > last_start:
            return NEED_REPORTS
        if cursor.matching == 1:
            _trade(reports, orders, levels, head, buckets, fills, cursor)
            continue
        if head.free_order == NO_ORDER:
            return NEED_ORDERS
        if head.free_level == NO_LEVEL:
            return NEED_LEVELS
        message = messages[cursor.position]
        cursor.position += 1
        _read(reports, orders, levels, head, buckets, message, cursor)
    return DONE


@kernel(counted=False)
def _read(reports, orders, levels, head, buckets, message, cursor):
    """Carry out one message, up to the point where its order starts to trade. Writes: all."""
    if message.kind > MODIFY:
        _refuse(reports, message, cursor, REJECTED, REJECT_MESSAGE)
    elif message.sequence < cursor.last_sequence:
        kind = REJECTED if message.kind == NEW else CANCEL_REJECTED
        kind = MODIFY_REJECTED if message.kind == MODIFY else kind
        _refuse(reports, message, cursor, kind, REJECT_SEQUENCE)
    else:
        cursor.last_sequence = message.sequence
        if message.kind == NEW:
            _enter(reports, orders, levels, head, buckets, message, cursor)
        elif message.kind == CANCEL:
            _cancel(reports, orders, levels, head, buckets, message, cursor)
        else:
            _modify(reports, orders, levels, head, buckets, message, cursor)


@kernel(counted=False)
def _enter(reports, orders, levels, head, buckets, message, cursor):
    """Take in a new order: reject it, let it rest, or put it into the cursor to trade."""
    side, tif = np.int64(message.side), np.int64(message.tif)
    order_id, price, quantity = message.order_id, message.price, message.quantity
    reason = _check_new(orders, levels, head, buckets, message)
    if reason != ACCEPTED:
        _refuse(reports, message, cursor, REJECTED, reason)
        return
    if tif in (IOC, FOK) or book.crosses(levels, head, side, price):
        _report(reports, message, cursor, ACKNOWLEDGED, side, order_id, price, quantity)
        if tif == FOK and book.available(levels, head, side, price, quantity) < quantity:
            _report(reports, message, cursor, CANCELED, side, order_id, price, quantity)
        else:
            _work(cursor, message, np.int64(message.owner), side, tif)
        return
    owner = np.int64(message.owner)
    row = book.rest(orders, levels, head, order_id, owner, side, price, quantity, tif)
    if row == NO_ORDER:  # rows were free, so it is the level's total
        _refuse(reports, message, cursor, REJECTED, REJECT_OVERFLOW)
        return
    _remember(orders, buckets, row)
    _report(reports, message, cursor, ACKNOWLEDGED, side, order_id, price, quantity)


@kernel(counted=False)
def _cancel(reports, orders, levels, head, buckets, message, cursor):
    """Take a resting order out of the book."""
    row = _find(orders, buckets, message.order_id)
    if row == NO_ORDER:
        _refuse(reports, message, cursor, CANCEL_REJECTED, REJECT_UNKNOWN_ORDER)
        return
    order = orders[row]
    side, price, quantity = np.int64(order.side), order.price_ticks, order.quantity_lots
    _report(reports, message, cursor, CANCELED, side, message.order_id, price, quantity)
    _forget(orders, buckets, message.order_id)
    book.remove(orders, levels, head, row)


@kernel(counted=False)
def _modify(reports, orders, levels, head, buckets, message, cursor):
    """Take a resting order out and put it, with its new price and quantity, into the cursor."""
    row = _find(orders, buckets, message.order_id)
    if row == NO_ORDER:
        _refuse(reports, message, cursor, MODIFY_REJECTED, REJECT_UNKNOWN_ORDER)
        return
    order = orders[row]
    side, price, quantity = np.int64(order.side), order.price_ticks, order.quantity_lots
    reason = _check_modify(levels, head, order, message.price, message.quantity)
    if reason != ACCEPTED:
        _report(reports, message, cursor, MODIFY_REJECTED, side, order.order_id, price, quantity)
        reports[cursor.reports - 1].reason = reason
        return
    price, quantity = message.price, message.quantity
    _report(reports, message, cursor, MODIFIED, side, order.order_id, price, quantity)
    _work(cursor, message, np.int64(order.owner), side, np.int64(order.tif))
    _forget(orders, buckets, order.order_id)
    book.remove(orders, levels, head, row)


@kernel(counted=False)
def _trade(reports, orders, levels, head, buckets, fills, cursor):
    """Match the order in the cursor once; when it has traded out, let it rest or cancel it."""
    side, price = cursor.side, cursor.price_ticks
    count = match(orders, levels, head, side, price, cursor.left_lots, fills)
    for number in range(count):
        _report_trade(reports, fills[number], cursor)
        cursor.left_lots -= fills[number].quantity_lots
        if fills[number].maker_left == 0:
            _forget(orders, buckets, fills[number].maker_id)
    if count == len(fills):
        return  # there may be more
    cursor.matching = 0
    order_id, left, tif = cursor.order_id, cursor.left_lots, cursor.tif
    if left > 0 and tif in (GTC, POST_ONLY):
        row = book.rest(orders, levels, head, order_id, cursor.owner, side, price, left, tif)
        _remember(orders, buckets, row)
    elif left > 0:
        _report(reports, cursor, cursor, CANCELED, side, order_id, price, left)


@kernel(counted=False)
def _work(cursor, message, owner, side, tif):
    """Let the order of a message trade in the next steps of the run. Writes: cursor."""
    cursor.matching = 1
    cursor.order_id = message.order_id
    cursor.owner = owner
    cursor.side = side
    cursor.tif = tif
    cursor.price_ticks = message.price
    cursor.left_lots = message.quantity
    cursor.sequence = message.sequence


# --- What is refused -------------------------------------------------------------------------


@kernel(counted=False)
def _check_new(orders, levels, head, buckets, message):
    """Return ACCEPTED, or the first reason against a new order. Reads: the book, the id table."""
    side, tif = np.int64(message.side), np.int64(message.tif)
    if side > SELL or tif > POST_ONLY:
        return REJECT_MESSAGE
    if message.quantity <= 0:
        return REJECT_QUANTITY
    if message.quantity >= LARGEST_LOTS:
        return REJECT_OVERFLOW
    if _find(orders, buckets, message.order_id) != NO_ORDER:
        return REJECT_DUPLICATE_ID
    if tif == POST_ONLY and book.crosses(levels, head, side, message.price):
        return REJECT_WOULD_CROSS
    return ACCEPTED


@kernel(counted=False)
def _check_modify(levels, head, order, price, quantity):
    """Return ACCEPTED, or the first reason against a change of a resting order. Reads: the book."""
    side = np.int64(order.side)
    if quantity <= 0:
        return REJECT_QUANTITY
    if quantity >= LARGEST_LOTS:
        return REJECT_OVERFLOW
    if order.tif == POST_ONLY and book.crosses(levels, head, side, price):
        return REJECT_WOULD_CROSS
    total = book.quantity_at(levels, head, side, price) + quantity
    if price == order.price_ticks:
        total -= order.quantity_lots
    return REJECT_OVERFLOW if total >= LARGEST_LOTS else ACCEPTED


# --- The id table ----------------------------------------------------------------------------
# `buckets` is a power of two of first rows; the rows of a bucket hang together by Order.id_next.


@kernel(inline=True, counted=False)
def _bucket(buckets, order_id):
    """Return the bucket of an id: folded to 32 bits, so that the product fits into 63."""
    folded = (order_id ^ (order_id >> 29)) & 0xFFFFFFFF
    return ((folded * _SPREAD) >> 31) & (len(buckets) - 1)


@kernel(inline=True, counted=False)
def _find(orders, buckets, order_id):
    """Return the row of a resting order, or NO_ORDER. Reads: orders.{order_id, id_next}."""
    row = np.int64(buckets[_bucket(buckets, order_id)])
    while row != NO_ORDER and orders[row].order_id != order_id:
        row = np.int64(orders[row].id_next)
    return row


@kernel(inline=True, counted=False)
def _remember(orders, buckets, row):
    """Enter a resting order into the id table. Writes: buckets, orders.id_next."""
    bucket = _bucket(buckets, orders[row].order_id)
    orders[row].id_next = buckets[bucket]
    buckets[bucket] = row


@kernel(counted=False)
def _forget(orders, buckets, order_id):
    """Strike an id that is in the table; its row may be free already, but not used again.

    Writes: buckets, orders.id_next.
    """
    bucket = _bucket(buckets, order_id)
    row, before = np.int64(buckets[bucket]), np.int64(NO_ORDER)
    while orders[row].order_id != order_id:
        before, row = row, np.int64(orders[row].id_next)
    if before == NO_ORDER:
        buckets[bucket] = orders[row].id_next
    else:
        orders[before].id_next = orders[row].id_next


@kernel(counted=False)
def find_row(orders, buckets, order_id):
    """Return the row of a resting order, or NO_ORDER. Reads: orders, buckets."""
    return _find(orders, buckets, order_id)


@kernel(counted=False)
def build_id_table(orders, buckets):
    """Enter all resting orders into a table of a new size. Writes: buckets, orders.id_next."""
    buckets[:] = NO_ORDER
    for row in range(len(orders)):
        if orders[row].live == 1:
            _remember(orders, buckets, row)


# --- Reports ---------------------------------------------------------------------------------


@kernel(inline=True, counted=False)
def _report(reports, message, cursor, kind, side, order_id, price, quantity):
    """Write a report about one order. Writes: reports, cursor.reports."""
    report = reports[cursor.reports]
    report.kind, report.side, report.reason = kind, side, ACCEPTED
    report.sequence = message.sequence
    report.order_id, report.price, report.quantity = order_id, price, quantity
    report.maker_id, report.taker_id = 0, 0
    cursor.reports += 1


@kernel(inline=True, counted=False)
def _report_trade(reports, fill, cursor):
    """Write a report about one trade of the order in the cursor. Writes: reports, cursor."""
    report = reports[cursor.reports]
    report.kind, report.side, report.reason = TRADE, cursor.side, ACCEPTED
    report.sequence = cursor.sequence
    report.order_id, report.price, report.quantity = (
        cursor.order_id,
        fill.price_ticks,
        fill.quantity_lots,
    )
    report.maker_id, report.taker_id = fill.maker_id, cursor.order_id
    cursor.reports += 1


@kernel(counted=False)
def _refuse(reports, message, cursor, kind, reason):
    """Reject a message; the report repeats what it said. Writes: reports, cursor.reports."""
    order_id, price, quantity = message.order_id, message.price, message.quantity
    _report(reports, message, cursor, kind, message.side, order_id, price, quantity)
    reports[cursor.reports - 1].reason = reason
