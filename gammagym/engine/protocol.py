"""What goes into a book and what comes out: messages, instructions, reports."""

from __future__ import annotations

import numpy as np

MESSAGE = np.dtype(
    [
        ("kind", "u1"),  # NEW, CANCEL, MODIFY
        ("side", "u1"),  # BUY, SELL
        ("tif", "u1"),  # GTC, IOC, FOK, POST_ONLY
        ("owner", "i4"),  # account that sends it, 0 for nobody
        ("order_id", "i8"),  # any number; no two orders in the book have the same
        ("price", "i8"),  # limit (ticks)
        ("quantity", "i8"),  # lots; of a modify: the new open quantity
        ("sequence", "i8"),  # copied into the reports; must not decrease
    ]
)
# What an order may say beyond a message; all zero means nothing.
DETAIL = np.dtype(
    [
        ("type", "u1"),  # LIMIT ... TRAILING_STOP
        ("trigger", "u1"),  # ON_LAST, ON_MARK, ON_INDEX; of TELL_PRICE: which price
        ("self_trade", "u1"),  # UNSET, EXPIRE_TAKER, EXPIRE_MAKER, EXPIRE_BOTH, DECREMENT
        ("reduce_only", "u1"),  # 1: only towards a position of zero
        ("display", "i8"),  # iceberg: displayed at a time (lots); 0: everything
        ("trigger_price", "i8"),  # stop, take-profit (ticks)
        ("trail", "i8"),  # trailing stop: distance (ticks)
        ("expiry", "i8"),  # good-till-time: when it ends (ns)
        ("time", "i8"),  # when the message arrives (ns); must not decrease
    ]
)
# A message with details; also of the kinds CANCEL_ALL, DISCONNECT, TELL_PRICE (`price`),
# TELL_POSITION (`quantity`, signed) and CLOCK (`time` alone), and of the time in force GTT.
INSTRUCTION = np.dtype(MESSAGE.descr + DETAIL.descr)

REPORT = np.dtype(
    [
        ("kind", "u1"),  # ACKNOWLEDGED ... REFILLED
        ("side", "u1"),  # of the order; of a trade: the taker's
        ("reason", "u1"),  # ACCEPTED, or one of the REJECT reasons
        ("sequence", "i8"),  # of the message that caused it
        ("order_id", "i8"),  # the order; of a trade: the taker
        ("price", "i8"),  # of the order; of a trade: the maker's (ticks)
        ("quantity", "i8"),  # open, canceled or traded (lots)
        ("maker_id", "i8"),  # of a trade, else 0
        ("taker_id", "i8"),  # of a trade, else 0
    ]
)
(
    ACKNOWLEDGED,
    TRADE,
    CANCELED,  # with what was left
    MODIFIED,
    CANCEL_REJECTED,
    MODIFY_REJECTED,
    REJECTED,
    TRIGGERED,  # with its limit price and its quantity
    REDUCED,  # with what is left
    REFILLED,  # with what an iceberg displays now
) = range(10)

# Market data, order by order (L3): what happened to a resting order, and what its price holds then.
UPDATE = np.dtype(
    [
        ("action", "u1"),  # ADDED, CHANGED, REMOVED
        ("side", "u1"),
        ("sequence", "i8"),  # of the message that caused it
        ("order_id", "i8"),
        ("price", "i8"),  # ticks
        ("quantity", "i8"),  # displayed now (lots), 0 when removed
        ("level_quantity", "i8"),  # displayed at its price now (lots)
        ("traded", "i8"),  # traded in the book so far (lots); it rises where this is a fill
    ]
)
# ADDED: at the back of its queue. What an iceberg shows next is removed and added again.
ADDED, CHANGED, REMOVED = range(3)

# The best prices (L1); a side is empty where its quantity is 0.
TOUCH = np.dtype(
    [
        ("sequence", "i8"),  # of the message that it holds after
        ("bid", "i8"),  # ticks
        ("bid_quantity", "i8"),  # lots
        ("ask", "i8"),
        ("ask_quantity", "i8"),
    ]
)
