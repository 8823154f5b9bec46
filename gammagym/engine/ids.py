"""The id table: from an order id to the row of the order that rests or waits.

A power of two of buckets; the rows of a bucket hang together by `Order.id_next`.
"""

from __future__ import annotations

import numpy as np

from gammagym._kernel import kernel
from gammagym.engine.tables import buckets_of, levels_of, messages_of, orders_of, prefetch
from gammagym.world.codes import NO_ORDER

# Odd, near 2^31 / golden ratio: multiples of it spread evenly, whatever the stride of the ids.
_SPREAD = 0x4F1BBCDD
_FAR = 9
_MANY_BUCKETS = 16_384


@kernel(inline=True)
def _bucket(buckets, order_id):
    """Return the bucket of an id: folded to 32 bits, so that the product fits into 63."""
    folded = (order_id ^ (order_id >> 29)) & 0xFFFFFFFF
    return ((folded * _SPREAD) >> 31) & (len(buckets) - 1)


@kernel(inline=True)
def find(run, book, order_id):
    """Return the row of an order, or NO_ORDER. Reads: buckets, orders.{order_id, id_next}."""
    buckets, orders = buckets_of(run), orders_of(book)
    row = np.int64(buckets[_bucket(buckets, order_id)])
    while row != NO_ORDER and orders[row].order_id != order_id:
        row = np.int64(orders[row].id_next)
    return row


@kernel(inline=True)
def remember(run, book, row):
    """Enter an order into the table. Writes: buckets, orders.id_next."""
    buckets, order = buckets_of(run), orders_of(book)[row]
    bucket = _bucket(buckets, order.order_id)
    order.id_next = buckets[bucket]
    buckets[bucket] = row


@kernel(inline=True)
def forget(run, book, order_id):
    """Strike an id that is in the table; its row may be free already, but not used again.

    Writes: buckets, orders.id_next.
    """
    buckets, orders = buckets_of(run), orders_of(book)
    bucket = _bucket(buckets, order_id)
    row, before = np.int64(buckets[bucket]), np.int64(NO_ORDER)
    while orders[row].order_id != order_id:
        before, row = row, np.int64(orders[row].id_next)
    if before == NO_ORDER:
        buckets[bucket] = orders[row].id_next
    else:
        orders[before].id_next = orders[row].id_next


@kernel(inline=True)
def look_ahead(run, book):
    """Have the rows at hand that later messages will need; nothing depends on it but speed.

    Small tables are at hand anyway. Reads: messages, buckets, orders.
    """
    if run.buckets_count >= _MANY_BUCKETS and run.position + _FAR < run.messages_count:
        _fetch(run, book, run.position + _FAR)


@kernel
def _fetch(run, book, far):
    """Ask for one more row of each message on the way: bucket, order, level."""
    messages, buckets, orders = messages_of(run), buckets_of(run), orders_of(book)
    prefetch(buckets, _bucket(buckets, messages[far].order_id))
    prefetch(orders, np.int64(buckets[_bucket(buckets, messages[far - 4].order_id)]))
    row = np.int64(buckets[_bucket(buckets, messages[far - 7].order_id)])
    if row != NO_ORDER:
        prefetch(levels_of(book), np.int64(orders[row].level))


@kernel
def find_row(runs, books, order_id):
    """Return the row of an order, or NO_ORDER. Reads: orders, buckets."""
    return find(runs[0], books[0], order_id)


@kernel
def build_id_table(runs, books):
    """Enter all orders into a table of a new size. Writes: buckets, orders.id_next."""
    buckets_of(runs[0])[:] = NO_ORDER
    orders = orders_of(books[0])
    for row in range(len(orders)):
        if orders[row].live == 1:
            remember(runs[0], books[0], row)
