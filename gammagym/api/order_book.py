"""One order book on its own: messages in, reports out, in integer ticks and lots."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gammagym.engine import book as engine
from gammagym.engine.ids import build_id_table, find_row
from gammagym.engine.inspection import BROKEN, check_book
from gammagym.engine.members import enlarge_members
from gammagym.engine.process import run_messages
from gammagym.engine.protocol import DETAIL, MESSAGE, REPORT, TOUCH, UPDATE
from gammagym.engine.rules import BookRules
from gammagym.engine.run import (
    DONE,
    NEED_LEVELS,
    NEED_ORDERS,
    NEED_REPORTS,
    NEED_TERMS,
    NEED_UPDATES,
    READING,
    RUN,
    STEP_REPORTS,
)
from gammagym.engine.tables import place
from gammagym.engine.terms import add_terms
from gammagym.errors import InvariantError, OrderError
from gammagym.world import BOOK, LEVEL, MEMBER, NODE, ORDER, TERMS, viewed
from gammagym.world.codes import BUY, NO_LEVEL, NO_ORDER, SELL

DEPTH = np.dtype([("price", "i8"), ("quantity", "i8")])
QUEUE = np.dtype([("order_id", "i8"), ("owner", "i4"), ("price", "i8"), ("quantity", "i8")])

_FIRST_ROWS = 1024
_FIRST_TERMS = 64
_FIRST_MEMBERS = 16
_FIRST_REPORTS = 4 * STEP_REPORTS
_FIRST_SEQUENCE = np.iinfo(np.int64).min
_NO_UPDATES = np.zeros(0, UPDATE)
_NO_DETAILS = np.zeros(0, DETAIL)


class OrderBook:
    """A limit order book for integer prices (ticks) and sizes (lots), with a venue's full rules.

    Any 64-bit price is allowed, negative ones too. The book grows as it needs to. The rules are in
    docs/rules/matching; without any, it is price-time priority and nothing else.

    Args:
        rules: the venue's rules for this book.
        feed: whether to keep market data of each `process` in `updates` and `touches`.

    Attributes:
        updates: what the last `process` changed, order by order (L3, dtype `UPDATE`).
        touches: the best prices after each of its messages (L1, dtype `TOUCH`).

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

    def __init__(self, rules: BookRules | None = None, *, feed: bool = False) -> None:
        """Start with an empty book."""
        self.rules = rules or BookRules()
        self.updates: NDArray[Any] = np.zeros(0, UPDATE)
        self.touches: NDArray[Any] = np.zeros(0, TOUCH)
        self._feed = feed
        self._orders = viewed(np.zeros(_FIRST_ROWS, ORDER))
        self._levels = viewed(np.zeros(_FIRST_ROWS, LEVEL))
        self._nodes = viewed(np.zeros(_FIRST_ROWS, NODE))
        self._terms = viewed(np.zeros(_FIRST_TERMS, TERMS))
        self._members = viewed(np.zeros(_FIRST_MEMBERS, MEMBER))
        self._buckets = np.full(2 * _FIRST_ROWS, NO_ORDER, np.int32)
        self._books = viewed(np.zeros(1, BOOK))
        self._runs = viewed(np.zeros(1, RUN))
        self._runs["last_sequence"] = _FIRST_SEQUENCE
        self._runs["phase"] = READING
        self._place()
        self.rules.write(self._books["rules"][0])
        engine.open_book(self._books[0], 0, _FIRST_ROWS, 0, _FIRST_ROWS, 0, _FIRST_TERMS)

    def process(self, messages: NDArray[Any]) -> NDArray[Any]:
        """Carry out messages one after the other and report what happened.

        Args:
            messages: shape (n,), with the fields of `MESSAGE`, or of `INSTRUCTION` for everything
                an order can say, in any order and width.

        Returns:
            The reports, dtype `REPORT`, in order of happening.

        Raises:
            OrderError: `messages` is not a one-dimensional structured array, a field is missing,
                or a value does not fit.
        """
        messages, details = _canonical(messages)
        reports = np.empty(2 * len(messages) + _FIRST_REPORTS, REPORT)
        touches = np.empty(len(messages) if self._feed else 0, TOUCH)
        updates = np.empty(len(reports) if self._feed else 0, UPDATE)
        for name in ("position", "written", "touches_written"):
            self._runs[name] = 0
        self._books["updates_written"] = 0
        while True:
            self._place(messages=messages, details=details, reports=reports, touches=touches)
            place(self._books, updates=updates)
            need = run_messages(self._runs, self._books)
            if need == DONE:
                break
            if need == NEED_REPORTS:
                reports = _doubled(reports)
            elif need == NEED_UPDATES:
                updates = _doubled(updates)
            elif need in BROKEN:
                raise InvariantError(
                    f"the book broke at message {self._runs['position'][0] - 1}: code {need}, see "
                    "gammagym.engine.inspection. This is a bug in gammagym: please report it."
                )
            else:
                self._grow(need)
        self.updates, self.touches = updates[: self._books["updates_written"][0]], touches
        place(self._books, updates=_NO_UPDATES)
        return reports[: self._runs["written"][0]]

    def _place(self, **tables: NDArray[Any]) -> None:
        """Tell the compiled code where everything is."""
        place(
            self._books,
            orders=self._orders,
            levels=self._levels,
            nodes=self._nodes,
            terms=self._terms,
            members=self._members,
        )
        place(self._runs, buckets=self._buckets, **tables)

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
        return int(self._books["trades"][0])

    def depth(self, levels: int = 10) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the best price levels of both sides.

        Args:
            levels: how many of each side at most.

        Returns:
            Bids and asks, best first, as arrays with the fields `price` (ticks) and `quantity`
            (lots, the total at that price).
        """
        return self._side_depth(BUY, levels), self._side_depth(SELL, levels)

    def orders(self, side: int) -> NDArray[Any]:
        """Return the orders that rest on a side, who trades first comes first (L3).

        Args:
            side: 0 buy, 1 sell.

        Returns:
            An array with the fields `order_id`, `owner`, `price` (ticks) and `quantity` (lots,
            what is displayed).
        """
        _check_side(side)
        rows, book = [], self._book()
        row = engine.first_order(book, side)
        while row != NO_ORDER:
            rows.append(row)
            row = engine.next_order(book, row)
        result = np.empty(len(rows), QUEUE)
        result["quantity"] = self._orders["quantity_lots"][rows]
        result["price"] = self._orders["price_ticks"][rows]
        for name in ("order_id", "owner"):
            result[name] = self._orders[name][rows]
        return result

    def quantity_at(self, side: int, price: int) -> int:
        """Return the total quantity at a price (lots).

        Args:
            side: 0 buy, 1 sell.
            price: ticks.
        """
        _check_side(side)
        return int(engine.quantity_at(self._book(), side, _integer("price", price)))

    def queue_ahead(self, order_id: int) -> int:
        """Return the quantity that trades before an order at its price (lots).

        Args:
            order_id: an order that rests.

        Raises:
            OrderError: no such order rests.
        """
        self._place()
        row = find_row(self._runs, self._books, _integer("order_id", order_id))
        if row == NO_ORDER:
            raise OrderError(f"queue_ahead: no order with id {order_id} rests in this book")
        return int(engine.queue_ahead(self._books[0], row))

    def check(self) -> int:
        """Return 0 if the book is sound, else a code of `gammagym.engine.inspection`."""
        return int(check_book(self._book()))

    def _best(self, side: int) -> int | None:
        row = self._books["best"][0, side]
        return None if row == NO_LEVEL else int(self._levels["price_ticks"][row])

    def _side_depth(self, side: int, levels: int) -> NDArray[Any]:
        rows = []
        row = self._books["best"][0, side]
        while row != NO_LEVEL and len(rows) < levels:
            rows.append(row)
            row = self._levels["worse"][row]
        result = np.empty(len(rows), DEPTH)
        result["price"] = self._levels["price_ticks"][rows]
        result["quantity"] = self._levels["quantity_lots"][rows]
        return result

    def _book(self) -> Any:
        """Return the book's record, for kernels."""
        self._place()
        return self._books[0]

    def _grow(self, need: int) -> None:
        """Double a table that is full."""
        if need == NEED_ORDERS:
            first = len(self._orders)
            self._orders = _doubled(self._orders)
            self._buckets = np.empty(2 * len(self._orders), np.int32)
            engine.add_orders(self._book(), first, first)
            build_id_table(self._runs, self._books)
        elif need == NEED_LEVELS:
            first = len(self._levels)
            self._levels, self._nodes = _doubled(self._levels), _doubled(self._nodes)
            engine.add_levels(self._book(), first, first)
        elif need == NEED_TERMS:
            first = len(self._terms)
            self._terms = _doubled(self._terms)
            add_terms(self._book(), first, first)
        else:
            members = self._members
            self._members = viewed(np.zeros(2 * len(members), MEMBER))
            enlarge_members(self._book(), members)


def _doubled(table: NDArray[Any]) -> Any:
    """Return a table of twice the length that starts with the same rows."""
    larger = np.empty(2 * len(table), table.dtype)
    larger[: len(table)] = table
    return viewed(larger)


def _canonical(messages: object) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return messages and details, or say which field is missing or does not fit."""
    if not isinstance(messages, np.ndarray) or messages.dtype.names is None or messages.ndim != 1:
        raise OrderError(
            "process: messages must be a one-dimensional array of dtype MESSAGE or INSTRUCTION"
        )
    given: NDArray[Any] = messages
    if given.dtype == MESSAGE:
        return np.ascontiguousarray(given).view(MESSAGE), _NO_DETAILS
    plain = _columns(given, MESSAGE)
    if not set(DETAIL.names or ()) & set(given.dtype.names or ()):
        return plain, _NO_DETAILS
    return plain, _columns(given, DETAIL)


def _columns(messages: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return the columns that a dtype names, if they are all there and fit."""
    result = np.empty(len(messages), dtype)
    for name in dtype.names or ():
        if name not in (messages.dtype.names or ()):
            raise OrderError(
                f"process: messages have no field {name!r}; needed: {MESSAGE.names}, "
                f"with details also {DETAIL.names}"
            )
        column = messages[name]
        with np.errstate(invalid="ignore"):
            result[name] = column
        if not np.array_equal(result[name], column):
            raise OrderError(f"process: a value of {name!r} does not fit into {dtype[name]}")
    return result


def _check_side(side: int) -> None:
    if side not in (BUY, SELL):
        raise OrderError(f"side must be 0 (buy) or 1 (sell), was {side!r}")


def _integer(name: str, value: int) -> int:
    """Return a whole number of 64 bits, or say why it is none."""
    if int(value) != value or not -(2**63) <= value < 2**63:
        raise OrderError(f"{name} must be a whole number of 64 bits, was {value!r}")
    return int(value)
