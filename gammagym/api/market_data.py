"""Market data from what a book tells: trade prints, price levels, and conflated feeds.

`OrderBook(feed=True)` keeps every change of every order (`updates`, L3) and the touch after every
message (`touches`, L1). The functions here make the coarser feeds from them that venues also sell.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gammagym.engine.protocol import REPORT, TOUCH, TRADE, UPDATE
from gammagym.errors import OrderError

PRINT = np.dtype([("sequence", "i8"), ("side", "u1"), ("price", "i8"), ("quantity", "i8")])
LEVEL_UPDATE = np.dtype([("sequence", "i8"), ("side", "u1"), ("price", "i8"), ("quantity", "i8")])

Feed = NDArray[Any]


def trade_prints(reports: Feed) -> Feed:
    """Return the trades among reports as the public sees them.

    Args:
        reports: shape (n,), dtype `REPORT`.

    Returns:
        Shape (trades,), dtype `PRINT`: sequence, the taker's side, price (ticks), quantity (lots).
    """
    trades = _of_dtype("reports", reports, REPORT)
    trades = trades[trades["kind"] == TRADE]
    prints = np.empty(len(trades), PRINT)
    for name in PRINT.names or ():
        prints[name] = trades[name]
    return prints


def level_updates(updates: Feed) -> Feed:
    """Return the changes of price levels (L2) that changes of orders (L3) amount to.

    Args:
        updates: shape (n,), dtype `UPDATE`.

    Returns:
        Shape (m,), dtype `LEVEL_UPDATE`: for each message the levels that it changed, with the
        quantity that they hold afterwards (lots), 0 when the level is gone.
    """
    changes = _of_dtype("updates", updates, UPDATE)
    levels = np.empty(len(changes), LEVEL_UPDATE)
    for name in ("sequence", "side", "price"):
        levels[name] = changes[name]
    levels["quantity"] = changes["level_quantity"]
    return _last_of_each(levels, [levels["sequence"], levels["side"], levels["price"]])


def conflated(feed: Feed, stamps: NDArray[np.int64], interval: int) -> Feed:
    """Return what is left of a feed when the venue sends it only once an interval.

    Of each price level, or of the touch, the last state in an interval is sent; a subscriber who
    applies it holds the same book at the end of each interval as one with the full feed. Order by
    order (L3) there is nothing to conflate: every change of a queue counts.

    Args:
        feed: shape (n,), dtype `LEVEL_UPDATE` or `TOUCH`.
        stamps: shape (n,), when each row happened, in any unit, not decreasing.
        interval: length of an interval in that unit, > 0.

    Raises:
        OrderError: the feed is none of the two, or stamps or interval do not fit.
    """
    if feed.dtype not in (LEVEL_UPDATE, TOUCH):
        raise OrderError("conflated: feed must be of dtype LEVEL_UPDATE or TOUCH")
    if len(stamps) != len(feed) or interval <= 0:
        raise OrderError("conflated: a stamp for each row and an interval > 0 are needed")
    bins = np.asarray(stamps) // interval
    keys = [] if feed.dtype == TOUCH else [feed["side"], feed["price"]]
    return _last_of_each(feed, [bins, *keys])


def _last_of_each(rows: Feed, keys: list[NDArray[Any]]) -> Feed:
    """Return the last row of each combination of keys, in the order of the rows."""
    if len(rows) == 0:
        return rows
    order = np.lexsort(keys[::-1])  # stable: rows of equal keys stay in order
    is_last = np.ones(len(rows), bool)
    is_last[:-1] = np.logical_or.reduce([key[order][1:] != key[order][:-1] for key in keys])
    return rows[np.sort(order[is_last])]


def _of_dtype(name: str, rows: Feed, dtype: np.dtype[Any]) -> Feed:
    if rows.dtype != dtype:
        raise OrderError(f"{name} must be an array as `OrderBook` returns it, was {rows.dtype}")
    return rows
