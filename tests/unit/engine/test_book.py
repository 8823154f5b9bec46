"""The order book, one rule a test."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gammagym.api.order_book import MESSAGE, OrderBook
from gammagym.engine import book as engine
from gammagym.engine.inspection import CROSSED, SOUND, check_book, free_levels, free_orders
from gammagym.engine.matching import match
from gammagym.engine.process import (
    ACKNOWLEDGED,
    CANCEL_REJECTED,
    CANCELED,
    MODIFIED,
    MODIFY_REJECTED,
    REJECTED,
    TRADE,
)
from gammagym.errors import OrderError
from gammagym.world import (
    BOOK_HEAD,
    BUY,
    CANCEL,
    FILL,
    FOK,
    GTC,
    IOC,
    LEVEL,
    MODIFY,
    NEW,
    NO_ORDER,
    ORDER,
    POST_ONLY,
    REJECT_DUPLICATE_ID,
    REJECT_MESSAGE,
    REJECT_OVERFLOW,
    REJECT_QUANTITY,
    REJECT_SEQUENCE,
    REJECT_UNKNOWN_ORDER,
    REJECT_WOULD_CROSS,
    SELL,
    viewed,
)

LOWEST, HIGHEST = -(2**63), 2**63 - 1


def new(order_id: int, side: int, price: int, quantity: int, tif: int = GTC) -> tuple[int, ...]:
    return (NEW, side, tif, 0, order_id, price, quantity, 0)


def cancel(order_id: int) -> tuple[int, ...]:
    return (CANCEL, 0, 0, 0, order_id, 0, 0, 0)


def modify(order_id: int, price: int, quantity: int) -> tuple[int, ...]:
    return (MODIFY, 0, 0, 0, order_id, price, quantity, 0)


def run(book: OrderBook, *messages: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Process messages; return the main fields of each report."""
    reports = book.process(np.array(list(messages), MESSAGE))
    assert book.check() == SOUND
    names = ["kind", "reason", "order_id", "price", "quantity", "maker_id"]
    return reports[names].tolist()


def book_of(bids: dict[int, list[int]], asks: dict[int, list[int]]) -> OrderBook:
    """Build a book from {price: [quantity, ...]}; ids count from 1, bids first."""
    book = OrderBook()
    messages = []
    for side, levels in ((BUY, bids), (SELL, asks)):
        for price, quantities in levels.items():
            for quantity in quantities:
                messages.append(new(len(messages) + 1, side, price, quantity))
    run(book, *messages)
    return book


def pool(orders: int, levels: int, books: int = 1) -> tuple[Any, Any, Any]:
    """Return orders, levels and heads of several books that share the rows in equal parts."""
    tables = (
        viewed(np.zeros(orders * books, ORDER)),
        viewed(np.zeros(levels * books, LEVEL)),
        viewed(np.zeros(books, BOOK_HEAD)),
    )
    for i in range(books):
        engine.open_book(tables[0], tables[1], tables[2][i], i * orders, orders, i * levels, levels)
    return tables


class TestMatching:
    def test_better_price_trades_first_at_the_makers_price(self) -> None:
        book = book_of({}, {102: [5], 100: [5], 101: [5]})
        assert run(book, new(9, BUY, 102, 7)) == [
            (ACKNOWLEDGED, 0, 9, 102, 7, 0),
            (TRADE, 0, 9, 100, 5, 2),
            (TRADE, 0, 9, 101, 2, 3),
        ]
        assert book.best_ask == 101
        assert book.quantity_at(SELL, 101) == 3

    def test_at_one_price_the_first_order_trades_first(self) -> None:
        book = book_of({100: [1, 2, 3]}, {})
        trades = [row for row in run(book, new(9, SELL, 100, 4)) if row[0] == TRADE]
        assert [row[-1] for row in trades] == [1, 2, 3]
        assert book.quantity_at(BUY, 100) == 2

    def test_rest_of_a_limit_order_waits_in_the_book(self) -> None:
        book = book_of({}, {100: [2]})
        run(book, new(9, BUY, 100, 5))
        assert (book.best_bid, book.best_ask, book.quantity_at(BUY, 100)) == (100, None, 3)

    def test_sweep_of_more_orders_than_one_batch_of_fills(self) -> None:
        book = book_of({}, {price: [1, 1] for price in range(500)})
        reports = run(book, new(-1, BUY, 499, 1000))
        assert [row[-1] for row in reports[1:]] == list(range(1, 1001))
        assert book.best_ask is None
        assert book.trades == 1000

    def test_sell_at_minus_one_does_not_trade_with_an_empty_book(self) -> None:
        book = OrderBook()
        assert [row[0] for row in run(book, new(1, SELL, -51, 5))] == [ACKNOWLEDGED]
        assert book.best_ask == -51

    @pytest.mark.parametrize("price", [LOWEST, LOWEST + 1, -1, 0, 1, HIGHEST - 1, HIGHEST])
    @pytest.mark.parametrize("side", [BUY, SELL])
    def test_any_price_rests_and_trades(self, side: int, price: int) -> None:
        book = OrderBook()
        run(book, new(1, side, price, 5))
        assert book.quantity_at(side, price) == 5
        assert run(book, new(2, 1 - side, price, 5))[-1] == (TRADE, 0, 2, price, 5, 1)

    def test_levels_sort_over_the_whole_range_of_prices(self) -> None:
        prices = [0, HIGHEST, -1, LOWEST, 1, 2**62, -(2**62), 64, 128]
        book = book_of({price: [1] for price in prices}, {})
        assert book.depth(99)[0]["price"].tolist() == sorted(prices, reverse=True)


class TestTimeInForce:
    def test_rest_of_an_ioc_is_canceled(self) -> None:
        book = book_of({}, {100: [2]})
        assert run(book, new(9, BUY, 100, 5, IOC)) == [
            (ACKNOWLEDGED, 0, 9, 100, 5, 0),
            (TRADE, 0, 9, 100, 2, 1),
            (CANCELED, 0, 9, 100, 3, 0),
        ]

    def test_fok_that_cannot_fill_is_canceled_whole(self) -> None:
        book = book_of({}, {100: [2], 101: [2], 102: [9]})
        assert run(book, new(9, BUY, 101, 5, FOK)) == [
            (ACKNOWLEDGED, 0, 9, 101, 5, 0),
            (CANCELED, 0, 9, 101, 5, 0),
        ]
        assert book.quantity_at(SELL, 100) == 2

    def test_fok_that_can_fill_trades(self) -> None:
        book = book_of({}, {100: [2], 101: [2]})
        assert [row[0] for row in run(book, new(9, BUY, 101, 4, FOK))] == [0, TRADE, TRADE]

    def test_post_only_rests_but_never_takes(self) -> None:
        book = book_of({}, {100: [2]})
        assert run(book, new(9, BUY, 100, 5, POST_ONLY)) == [
            (REJECTED, REJECT_WOULD_CROSS, 9, 100, 5, 0)
        ]
        assert run(book, new(9, BUY, 99, 5, POST_ONLY)) == [(ACKNOWLEDGED, 0, 9, 99, 5, 0)]


class TestCancelAndModify:
    def test_cancel_reports_the_orders_own_side_price_and_rest(self) -> None:
        book = book_of({}, {100: [5]})
        run(book, new(9, BUY, 100, 2))
        reports = book.process(np.array([cancel(1)], MESSAGE))
        assert reports[["kind", "side", "price", "quantity"]].tolist() == [(CANCELED, SELL, 100, 3)]

    def test_cancel_in_the_middle_of_a_queue_keeps_the_others_in_order(self) -> None:
        book = book_of({100: [1, 2, 3]}, {})
        run(book, cancel(2))
        assert (book.queue_ahead(1), book.queue_ahead(3)) == (0, 1)

    def test_modify_loses_priority_even_when_smaller(self) -> None:
        book = book_of({100: [5, 5]}, {})
        assert run(book, modify(1, 100, 3)) == [(MODIFIED, 0, 1, 100, 3, 0)]
        assert (book.queue_ahead(1), book.queue_ahead(2)) == (5, 0)

    def test_modify_may_trade_and_keeps_its_own_side(self) -> None:
        book = book_of({100: [5]}, {101: [2]})
        assert run(book, modify(1, 101, 4)) == [
            (MODIFIED, 0, 1, 101, 4, 0),
            (TRADE, 0, 1, 101, 2, 2),
        ]
        assert (book.best_bid, book.quantity_at(BUY, 101)) == (101, 2)

    def test_modify_of_a_post_only_order_that_would_cross_changes_nothing(self) -> None:
        book = book_of({}, {101: [2]})
        run(book, new(9, BUY, 100, 5, POST_ONLY), new(10, BUY, 100, 1))
        assert run(book, modify(9, 101, 4)) == [(MODIFY_REJECTED, REJECT_WOULD_CROSS, 9, 100, 5, 0)]
        assert book.queue_ahead(10) == 5

    def test_cancel_and_modify_of_an_unknown_order_are_rejected(self) -> None:
        assert run(OrderBook(), cancel(1), modify(1, 5, 5)) == [
            (CANCEL_REJECTED, REJECT_UNKNOWN_ORDER, 1, 0, 0, 0),
            (MODIFY_REJECTED, REJECT_UNKNOWN_ORDER, 1, 5, 5, 0),
        ]


class TestRejections:
    @pytest.mark.parametrize(
        ("message", "kind", "reason"),
        [
            (new(1, BUY, 100, 1), REJECTED, REJECT_DUPLICATE_ID),
            (new(2, BUY, 100, 0), REJECTED, REJECT_QUANTITY),
            (new(2, BUY, 100, -1), REJECTED, REJECT_QUANTITY),
            (new(2, BUY, 100, 2**62), REJECTED, REJECT_OVERFLOW),
            (new(2, BUY, 100, 2**62 - 5), REJECTED, REJECT_OVERFLOW),
            (new(2, 2, 100, 1), REJECTED, REJECT_MESSAGE),
            (new(2, BUY, 100, 1, 4), REJECTED, REJECT_MESSAGE),
            ((3, BUY, GTC, 0, 2, 100, 1, 0), REJECTED, REJECT_MESSAGE),
            ((NEW, BUY, GTC, 0, 2, 100, 1, -1), REJECTED, REJECT_SEQUENCE),
            ((CANCEL, BUY, GTC, 0, 1, 100, 1, -1), CANCEL_REJECTED, REJECT_SEQUENCE),
            ((MODIFY, BUY, GTC, 0, 1, 100, 1, -1), MODIFY_REJECTED, REJECT_SEQUENCE),
            (modify(1, 100, 0), MODIFY_REJECTED, REJECT_QUANTITY),
            (modify(1, 100, 2**62), MODIFY_REJECTED, REJECT_OVERFLOW),
        ],
    )
    def test_a_bad_message_is_rejected_with_its_reason(
        self, message: tuple[int, ...], kind: int, reason: int
    ) -> None:
        book = book_of({100: [5]}, {})
        assert [row[:2] for row in run(book, message)] == [(kind, reason)]
        assert book.quantity_at(BUY, 100) == 5

    def test_an_id_may_be_used_again_when_its_order_is_gone(self) -> None:
        book = book_of({100: [5]}, {})
        assert [row[0] for row in run(book, cancel(1), new(1, SELL, 7, 2))] == [CANCELED, 0]

    def test_missing_field_and_value_that_does_not_fit_are_named(self) -> None:
        with pytest.raises(OrderError, match="no field 'owner'"):
            OrderBook().process(np.zeros(1, [("kind", "u1"), ("side", "u1"), ("tif", "u1")]))
        wide = np.zeros(1, [(name, "i8") for name in MESSAGE.names or ()])
        wide["side"] = 256
        with pytest.raises(OrderError, match="'side'"):
            OrderBook().process(wide)

    def test_fields_in_another_order_and_width_are_copied(self) -> None:
        names = reversed(MESSAGE.names or ())
        wide = np.zeros(1, [(name, "i8") for name in names])
        wide["quantity"] = 3
        wide["price"] = -8
        book = OrderBook()
        book.process(wide)
        assert book.quantity_at(BUY, -8) == 3


class TestGrowth:
    def test_a_stream_in_pieces_gives_the_same_reports(self) -> None:
        messages = np.array([new(i, i % 2, 7 * i % 5000, 3) for i in range(6000)], MESSAGE)
        whole = OrderBook().process(messages)
        book = OrderBook()
        pieces = [book.process(part) for part in np.array_split(messages, 997)]
        assert np.array_equal(np.concatenate(pieces), whole)

    def test_orders_and_levels_grow(self) -> None:
        book = OrderBook()
        run(book, *(new(i, BUY, -i * 1_000_003, 1) for i in range(5000)))
        assert len(book.depth(9999)[0]) == 5000
        run(book, *(cancel(i) for i in range(5000)))
        assert book.best_bid is None


class TestKernels:
    def test_a_full_book_refuses_and_stays_as_it_was(self) -> None:
        orders, levels, heads = pool(3, 2)
        for price in (10, 11):
            engine.rest(orders, levels, heads[0], price, 0, BUY, price, 1, GTC)
        before = orders.tobytes(), levels.tobytes(), heads.tobytes()
        assert engine.rest(orders, levels, heads[0], 3, 0, BUY, 12, 1, GTC) == NO_ORDER
        assert (orders.tobytes(), levels.tobytes(), heads.tobytes()) == before
        assert engine.rest(orders, levels, heads[0], 3, 0, BUY, 11, 1, GTC) != NO_ORDER
        assert engine.rest(orders, levels, heads[0], 4, 0, BUY, 11, 1, GTC) == NO_ORDER

    def test_books_of_one_pool_keep_to_their_own_rows(self) -> None:
        orders, levels, heads = pool(8, 4, books=3)
        for i in range(3):
            rows = [engine.rest(orders, levels, heads[i], 1, 0, BUY, 5, 1, GTC) for _ in range(8)]
            assert rows == list(range(8 * i, 8 * i + 8))
            assert check_book(orders, levels, heads[i]) == SOUND

    def test_reduce_keeps_the_place_and_removes_at_zero(self) -> None:
        orders, levels, heads = pool(4, 4)
        first = engine.rest(orders, levels, heads[0], 1, 0, BUY, 5, 9, GTC)
        second = engine.rest(orders, levels, heads[0], 2, 0, BUY, 5, 9, GTC)
        engine.reduce(orders, levels, heads[0], first, 4)
        assert engine.queue_ahead(orders, levels, second) == 4
        engine.reduce(orders, levels, heads[0], first, 0)
        assert engine.queue_ahead(orders, levels, second) == 0
        assert engine.best_quantity(levels, heads[0], BUY) == 9
        assert check_book(orders, levels, heads[0]) == SOUND

    def test_match_stops_when_fills_are_full_and_goes_on_when_asked(self) -> None:
        orders, levels, heads = pool(8, 4)
        fills = viewed(np.zeros(2, FILL))
        for order_id in range(3):
            engine.rest(orders, levels, heads[0], order_id, order_id, SELL, 5, 10, GTC)
        assert match(orders, levels, heads[0], BUY, 5, 25, fills) == 2
        assert match(orders, levels, heads[0], BUY, 5, 5, fills) == 1
        assert (fills[0]["maker_id"], fills[0]["maker_left"]) == (2, 1)
        assert heads[0]["volume_lots"] == 25

    def test_available_stops_counting_at_what_is_wanted(self) -> None:
        orders, levels, heads = pool(8, 4)
        for price in (1, 2, 3):
            engine.rest(orders, levels, heads[0], price, 0, SELL, price, 10, GTC)
        assert engine.available(levels, heads[0], BUY, 2, 10**9) == 20
        assert engine.available(levels, heads[0], BUY, 3, 5) == 10
        assert engine.available(levels, heads[0], SELL, 3, 5) == 0

    def test_the_checker_sees_a_crossed_book(self) -> None:
        orders, levels, heads = pool(8, 4)
        engine.rest(orders, levels, heads[0], 1, 0, BUY, 5, 1, GTC)
        engine.rest(orders, levels, heads[0], 2, 0, SELL, 5, 1, GTC)
        assert check_book(orders, levels, heads[0]) == CROSSED

    def test_random_opening_and_closing_of_levels_keeps_the_index_whole(self) -> None:
        random = np.random.default_rng(4)
        orders, levels, heads = pool(300, 300)
        rows: list[int] = []
        for turn in range(6000):
            if rows and random.random() < 0.35 + 0.3 * (turn // 1000 % 2):
                row = rows.pop(random.integers(len(rows)))
                engine.remove(orders, levels, heads[0], row)
            else:
                price = int(random.integers(-(2**63), 2**63 - 1)) >> int(random.integers(64))
                row = engine.rest(orders, levels, heads[0], turn, 0, BUY, price, 1, GTC)
                rows += [row] if row != NO_ORDER else []
            if turn % 10 == 0:
                assert check_book(orders, levels, heads[0]) == SOUND
            assert free_orders(orders, heads[0]) == 300 - len(rows)
        assert free_levels(levels, heads[0]) == 300 - heads[0]["level_count"][BUY]
