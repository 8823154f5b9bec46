"""A limit order book in plain Python. Read this first.

A book holds two crowds. Buyers each say "I pay at most this much", sellers "I want at least this
much". Whoever can be served at once trades at once; whoever cannot has to wait, and *rests* in the
book. Two rules decide who trades first:

1. **Price**: the highest buyer and the lowest seller come first.
2. **Time**: of those who ask the same price, the one who came first.

A trade is always at the price of the order that waited (the *maker*), not of the one that just
arrived (the *taker*).

An order says with its *time in force* what becomes of what cannot trade at once: `GTC` rests, `IOC`
(immediate or cancel) is canceled, `FOK` (fill or kill) wants all or nothing, and post-only is
rejected if it would trade at all.

Prices are whole ticks and quantities whole lots, so nothing is ever rounded. The fast engine in
`gammagym.engine` follows the same rules, and tests compare the two report by report.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sortedcontainers import SortedDict

from gammagym.engine.process import (
    ACKNOWLEDGED,
    CANCEL_REJECTED,
    CANCELED,
    MODIFIED,
    MODIFY_REJECTED,
    REJECTED,
    REPORT,
    TRADE,
)
from gammagym.world import (
    ACCEPTED,
    BUY,
    CANCEL,
    FOK,
    GTC,
    IOC,
    MODIFY,
    NEW,
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

# No price level may hold this many lots or more.
TOO_MANY_LOTS = 2**62

REJECTION_OF = {NEW: REJECTED, CANCEL: CANCEL_REJECTED, MODIFY: MODIFY_REJECTED}


@dataclass(eq=False)
class Order:
    """One order and what is still open of it."""

    order_id: int
    owner: int
    side: int
    price: int
    quantity: int
    tif: int


@dataclass
class Message:
    """One instruction: enter a new order, or cancel or modify one that rests."""

    kind: int
    side: int
    tif: int
    owner: int
    order_id: int
    price: int
    quantity: int
    sequence: int


class ReferenceBook:
    """A limit order book with price-time priority.

    Example:
        >>> book = ReferenceBook()
        >>> book.run(Message(NEW, BUY, GTC, 0, order_id=1, price=100, quantity=5, sequence=0))
        >>> book.run(Message(NEW, SELL, GTC, 0, order_id=2, price=99, quantity=2, sequence=1))
        >>> book.best_bid, book.quantity_at(BUY, 100), book.best_ask
        (100, 3, None)
    """

    def __init__(self) -> None:
        """Start with an empty book."""
        # For each side: price -> the orders that wait there, first come first.
        self.queues: dict[int, SortedDict] = {BUY: SortedDict(), SELL: SortedDict()}
        self.resting: dict[int, Order] = {}
        self.last_sequence: int | None = None
        self.reports: list[tuple[int, ...]] = []

    # --- Messages in, reports out ------------------------------------------------------------

    def process(self, messages: NDArray[Any]) -> NDArray[Any]:
        """Carry out messages one after the other and report what happened.

        Args:
            messages: shape (n,), dtype `MESSAGE`.

        Returns:
            The reports, dtype `REPORT`, in order of happening.
        """
        self.reports = []
        for row in messages.tolist():
            self.run(Message(*row))
        return np.array(self.reports, REPORT)

    def run(self, message: Message) -> None:
        """Carry out one message."""
        if message.kind not in REJECTION_OF:
            self.reject(message, REJECTED, REJECT_MESSAGE)
        elif self.last_sequence is not None and message.sequence < self.last_sequence:
            self.reject(message, REJECTION_OF[message.kind], REJECT_SEQUENCE)
        else:
            self.last_sequence = message.sequence
            action = {NEW: self.enter, CANCEL: self.cancel, MODIFY: self.modify}
            action[message.kind](message)

    def enter(self, message: Message) -> None:
        """Take in a new order."""
        reason = self.reason_against_new(message)
        if reason != ACCEPTED:
            self.reject(message, REJECTED, reason)
            return
        order = Order(
            message.order_id,
            message.owner,
            message.side,
            message.price,
            message.quantity,
            message.tif,
        )
        self.report(ACKNOWLEDGED, order, message)
        if order.tif == FOK and self.available(order) < order.quantity:
            self.report(CANCELED, order, message)
        else:
            self.trade_and_rest(order, message)

    def cancel(self, message: Message) -> None:
        """Take a resting order out of the book."""
        order = self.resting.get(message.order_id)
        if order is None:
            self.reject(message, CANCEL_REJECTED, REJECT_UNKNOWN_ORDER)
            return
        self.take_out(order)
        self.report(CANCELED, order, message)

    def modify(self, message: Message) -> None:
        """Give a resting order a new price and open quantity; it goes to the back of the queue."""
        order = self.resting.get(message.order_id)
        if order is None:
            self.reject(message, MODIFY_REJECTED, REJECT_UNKNOWN_ORDER)
            return
        reason = self.reason_against_change(order, message)
        if reason != ACCEPTED:
            self.report(MODIFY_REJECTED, order, message, reason)
            return
        self.take_out(order)
        order.price, order.quantity = message.price, message.quantity
        self.report(MODIFIED, order, message)
        self.trade_and_rest(order, message)

    # --- Matching ----------------------------------------------------------------------------

    def trade_and_rest(self, taker: Order, message: Message) -> None:
        """Trade what can be traded, in price-time order; the rest waits or is canceled."""
        while taker.quantity > 0 and self.would_trade(taker.side, taker.price):
            maker = self.first_maker(1 - taker.side)
            quantity = min(taker.quantity, maker.quantity)
            taker.quantity -= quantity
            maker.quantity -= quantity
            self.report_trade(taker, maker, quantity, message)
            if maker.quantity == 0:
                self.take_out(maker)
        if taker.quantity == 0:
            return
        if taker.tif == IOC:
            self.report(CANCELED, taker, message)
        else:
            self.put_in(taker)

    def put_in(self, order: Order) -> None:
        """Let an order wait, behind all others of its price."""
        self.resting[order.order_id] = order
        self.queues[order.side].setdefault(order.price, deque()).append(order)

    def take_out(self, order: Order) -> None:
        """Remove an order that waits."""
        del self.resting[order.order_id]
        queue = self.queues[order.side][order.price]
        if queue[0] is order:
            queue.popleft()
        else:
            queue.remove(order)
        if not queue:
            del self.queues[order.side][order.price]

    # --- Questions about the book ------------------------------------------------------------

    @property
    def best_bid(self) -> int | None:
        """Highest price that a buyer pays, None if there is no buyer."""
        return self.best(BUY)

    @property
    def best_ask(self) -> int | None:
        """Lowest price that a seller accepts, None if there is no seller."""
        return self.best(SELL)

    def best(self, side: int) -> int | None:
        """Return the price that comes first on a side."""
        prices = self.queues[side].keys()
        if not prices:
            return None
        return prices[-1] if side == BUY else prices[0]

    def first_maker(self, side: int) -> Order:
        """Return the order that trades first on a side that is not empty."""
        return self.queues[side][self.best(side)][0]

    def would_trade(self, side: int, price: int) -> bool:
        """Return whether an order of this side and price finds somebody to trade with."""
        best = self.best(1 - side)
        if best is None:
            return False
        return best <= price if side == BUY else best >= price

    def available(self, order: Order) -> int:
        """Return how much this order could trade right now (lots)."""
        total = 0
        others = self.queues[1 - order.side]
        for price in others if order.side == BUY else reversed(others):
            beyond = price > order.price if order.side == BUY else price < order.price
            if beyond or total >= order.quantity:
                break
            total += self.quantity_at(1 - order.side, price)
        return total

    def quantity_at(self, side: int, price: int) -> int:
        """Return how much waits at a price (lots)."""
        return sum(order.quantity for order in self.queues[side].get(price, ()))

    def depth(self, side: int) -> list[tuple[int, int]]:
        """Return (price, quantity) of every level of a side, best first."""
        prices = reversed(self.queues[side]) if side == BUY else iter(self.queues[side])
        return [(price, self.quantity_at(side, price)) for price in prices]

    def queue_ahead(self, order_id: int) -> int:
        """Return how much waits before an order at its price (lots)."""
        order = self.resting[order_id]
        queue = self.queues[order.side][order.price]
        return sum(other.quantity for other in list(queue)[: queue.index(order)])

    # --- What is refused ---------------------------------------------------------------------

    def reason_against_new(self, message: Message) -> int:
        """Return ACCEPTED, or the first reason against a new order."""
        if message.side not in (BUY, SELL) or message.tif not in (GTC, IOC, FOK, POST_ONLY):
            return REJECT_MESSAGE
        if message.quantity <= 0:
            return REJECT_QUANTITY
        if message.quantity >= TOO_MANY_LOTS:
            return REJECT_OVERFLOW
        if message.order_id in self.resting:
            return REJECT_DUPLICATE_ID
        if message.tif == POST_ONLY and self.would_trade(message.side, message.price):
            return REJECT_WOULD_CROSS
        if message.tif in (GTC, POST_ONLY):
            total = self.quantity_at(message.side, message.price) + message.quantity
            if total >= TOO_MANY_LOTS:
                return REJECT_OVERFLOW
        return ACCEPTED

    def reason_against_change(self, order: Order, message: Message) -> int:
        """Return ACCEPTED, or the first reason against a change of a resting order."""
        if message.quantity <= 0:
            return REJECT_QUANTITY
        if message.quantity >= TOO_MANY_LOTS:
            return REJECT_OVERFLOW
        if order.tif == POST_ONLY and self.would_trade(order.side, message.price):
            return REJECT_WOULD_CROSS
        own = order.quantity if message.price == order.price else 0
        total = self.quantity_at(order.side, message.price) - own + message.quantity
        return REJECT_OVERFLOW if total >= TOO_MANY_LOTS else ACCEPTED

    # --- Reports, field by field as in REPORT ------------------------------------------------

    def report(self, kind: int, order: Order, message: Message, reason: int = ACCEPTED) -> None:
        """Report something that happened to one order: its side, price and open quantity."""
        self.reports.append(
            (
                kind,
                order.side,
                reason,
                message.sequence,
                order.order_id,
                order.price,
                order.quantity,
                0,
                0,
            )
        )

    def report_trade(self, taker: Order, maker: Order, quantity: int, message: Message) -> None:
        """Report a trade, at the maker's price."""
        self.reports.append(
            (
                TRADE,
                taker.side,
                ACCEPTED,
                message.sequence,
                taker.order_id,
                maker.price,
                quantity,
                maker.order_id,
                taker.order_id,
            )
        )

    def reject(self, message: Message, kind: int, reason: int) -> None:
        """Report that a message changed nothing, repeating what it said."""
        self.reports.append(
            (
                kind,
                message.side,
                reason,
                message.sequence,
                message.order_id,
                message.price,
                message.quantity,
                0,
                0,
            )
        )
