"""One order book on its own: messages in, reports out, in integer ticks and lots."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gammagym.engine import book as engine
from gammagym.engine.inspection import check_book
from gammagym.engine.process import (
    CURSOR,
    DONE,
    MESSAGE,
    NEED_LEVELS,
    NEED_ORDERS,
    NEED_REPORTS,
    REPORT,
    build_id_table,
    find_row,
    run_messages,
)
from gammagym.errors import OrderError
from gammagym.world import BOOK_HEAD, BUY, FILL, LEVEL, NO_LEVEL, NO_ORDER, ORDER, SELL, viewed

DEPTH = np.dtype([("price", "i8"), ("quantity", "i8")])

_FIRST_ROWS = 1024
_FILLS_AT_ONCE = 64
_FIRST_REPORTS = 256
_FIRST_SEQUENCE = np.iinfo(np.int64).min


class OrderBook:
    """A limit order book with price-time priority, for integer prices (ticks) and sizes (lots).

    Any 64-bit price is allowed, negative ones too. The book grows as it needs to.

    Example:
        >>> import numpy as np
        >>> from gammagym.api.order_book import MESSAGE, OrderBook
        >>> book = OrderBook()
        >>> messages = np.zeros(2, MESSAGE)
        >>> messages["order_id"] = [1, 2]
        >>> messages["side"] = [0, 1]  # a buyer, then a seller
        >>> messages["price"] = [100, 99]  # who accepts less
        >>> messages["quantity"] = [5, 2]
        >>> reports = book.process(messages)
        >>> reports[["kind", "price", "quantity"]].tolist()  # two acknowledged, then a trade
        [(0, 100, 5), (0, 99, 2), (1, 100, 2)]
        >>> book.best_bid, book.quantity_at(0, 100), book.best_ask
        (100, 3, None)
    """

    def __init__(self) -> None:
        """Start with an empty book."""
        self._orders = viewed(np.zeros(_FIRST_ROWS, ORDER))
        self._levels = viewed(np.zeros(_FIRST_ROWS, LEVEL))
        self._heads = viewed(np.zeros(1, BOOK_HEAD))
        self._fills = viewed(np.zeros(_FILLS_AT_ONCE, FILL))
        self._cursors = viewed(np.zeros(1, CURSOR))
        self._cursors["last_sequence"] = _FIRST_SEQUENCE
        self._buckets = np.full(2 * _FIRST_ROWS, NO_ORDER, np.int32)
        self._head = self._heads[0]
        engine.open_book(self._orders, self._levels, self._head, 0, _FIRST_ROWS, 0, _FIRST_ROWS)

    def process(self, messages: NDArray[Any]) -> NDArray[Any]:
        """Carry out messages one after the other and report what happened.

        Args:
            messages: shape (n,), with the fields of `MESSAGE`, in any order and width.

        Returns:
            The reports, dtype `REPORT`, in order of happening.

        Raises:
            OrderError: `messages` is not a one-dimensional structured array, a field is missing,
                or a value does not fit.
        """
        messages = viewed(_canonical(messages))
        reports = viewed(np.empty(2 * len(messages) + _FIRST_REPORTS, REPORT))
        self._cursors["position"] = self._cursors["reports"] = 0
        need = NEED_REPORTS
        while need != DONE:
            need = run_messages(
                messages,
                reports,
                self._orders,
                self._levels,
                self._heads,
                self._buckets,
                self._fills,
                self._cursors,
            )
            if need == NEED_REPORTS:
                reports = _doubled(reports)
            elif need == NEED_ORDERS:
                self._grow_orders()
            elif need == NEED_LEVELS:
                self._grow_levels()
        return reports[: self._cursors["reports"][0]].view(np.ndarray)

    @property
    def best_bid(self) -> int | None:
        """Highest price of a buyer (ticks), None if there is none."""
        return self._best(BUY)

    @property
    def best_ask(self) -> int | None:
        """Lowest price of a seller (ticks), None if there is none."""
        return self._best(SELL)

    @property
    def trades(self) -> int:
        """Number of trades so far."""
        return int(self._heads["trades"][0])

    def depth(self, levels: int = 10) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the best price levels of both sides.

        Args:
            levels: how many of each side at most.

        Returns:
            Bids and asks, best first, as arrays with the fields `price` (ticks) and `quantity`
            (lots, the total at that price).
        """
        return self._side_depth(BUY, levels), self._side_depth(SELL, levels)

    def quantity_at(self, side: int, price: int) -> int:
        """Return the total quantity at a price (lots).

        Args:
            side: 0 buy, 1 sell.
            price: ticks.
        """
        _check_side(side)
        return int(engine.quantity_at(self._levels, self._head, side, _integer("price", price)))

    def queue_ahead(self, order_id: int) -> int:
        """Return the quantity that trades before an order at its price (lots).

        Args:
            order_id: an order that rests.

        Raises:
            OrderError: no such order rests.
        """
        row = find_row(self._orders, self._buckets, _integer("order_id", order_id))
        if row == NO_ORDER:
            raise OrderError(f"queue_ahead: no order with id {order_id} rests in this book")
        return int(engine.queue_ahead(self._orders, self._levels, row))

    def check(self) -> int:
        """Return 0 if the book is sound, else a code of `gammagym.engine.inspection`."""
        return int(check_book(self._orders, self._levels, self._head))

    def _best(self, side: int) -> int | None:
        row = self._heads["best"][0, side]
        return None if row == NO_LEVEL else int(self._levels["price_ticks"][row])

    def _side_depth(self, side: int, levels: int) -> NDArray[Any]:
        rows = []
        row = self._heads["best"][0, side]
        while row != NO_LEVEL and len(rows) < levels:
            rows.append(row)
            row = self._levels["worse"][row]
        result = np.empty(len(rows), DEPTH)
        result["price"] = self._levels["price_ticks"][rows]
        result["quantity"] = self._levels["quantity_lots"][rows]
        return result

    def _grow_orders(self) -> None:
        first = len(self._orders)
        self._orders = _doubled(self._orders)
        engine.add_rows(self._orders, self._levels, self._head, first, first, 0, 0)
        self._buckets = np.empty(2 * len(self._orders), np.int32)
        build_id_table(self._orders, self._buckets)

    def _grow_levels(self) -> None:
        first = len(self._levels)
        self._levels = _doubled(self._levels)
        engine.add_rows(self._orders, self._levels, self._head, 0, 0, first, first)


def _doubled(table: NDArray[Any]) -> Any:
    """Return a table of twice the length that starts with the same rows."""
    larger = np.empty(2 * len(table), table.dtype)
    larger[: len(table)] = table
    return viewed(larger)


def _canonical(messages: object) -> NDArray[Any]:
    """Return messages in the layout of `MESSAGE`, or say which field is missing or does not fit."""
    if not isinstance(messages, np.ndarray) or messages.dtype.names is None or messages.ndim != 1:
        raise OrderError("process: messages must be a one-dimensional array of dtype MESSAGE")
    if messages.dtype == MESSAGE:
        return np.ascontiguousarray(messages).view(MESSAGE)
    result = np.empty(len(messages), MESSAGE)
    for name in MESSAGE.names or ():
        if name not in messages.dtype.names:
            raise OrderError(f"process: messages have no field {name!r}; needed: {MESSAGE.names}")
        column = messages[name]
        with np.errstate(invalid="ignore"):
            result[name] = column
        if not np.array_equal(result[name], column):
            raise OrderError(f"process: a value of {name!r} does not fit into {MESSAGE[name]}")
    return result


def _check_side(side: int) -> None:
    if side not in (BUY, SELL):
        raise OrderError(f"side must be 0 (buy) or 1 (sell), was {side!r}")


def _integer(name: str, value: int) -> int:
    """Return a whole number of 64 bits, or say why it is none."""
    if int(value) != value or not -(2**63) <= value < 2**63:
        raise OrderError(f"{name} must be a whole number of 64 bits, was {value!r}")
    return int(value)
