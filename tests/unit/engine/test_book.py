"""The order book, one rule a test."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gammagym.api.order_book import MESSAGE, OrderBook
from gammagym.engine import book as engine
from gammagym.engine.entry import get_ready, load_order
from gammagym.engine.inspection import (
    SOUND,
    check_book,
    free_levels,
    free_orders,
    free_terms,
    open_quantity,
)
from gammagym.engine.matching import available, match
from gammagym.engine.protocol import (
    ACKNOWLEDGED,
    CANCEL_REJECTED,
    CANCELED,
    MODIFIED,
    MODIFY_REJECTED,
    REJECTED,
    TRADE,
)
from gammagym.engine.terms import next_expired
from gammagym.errors import OrderError
from gammagym.world.codes import (
    BUY,
    CANCEL,
    FOK,
    GTC,
    GTT,
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
    SIDES,
)
from gammagym.world.sizes import FILLS_AT_ONCE

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


class TestQueues:
    def test_a_full_book_refuses_and_stays_as_it_was(self, make_book) -> None:
        tables = make_book(orders=3, levels=2)
        book = tables.book
        for price in (10, 11):
            engine.rest(book, BUY, price, 1)
        before = tables.content()
        assert engine.rest(book, BUY, 12, 1) == NO_ORDER
        assert tables.content() == before
        assert engine.rest(book, BUY, 11, 1) != NO_ORDER
        assert engine.rest(book, BUY, 11, 1) == NO_ORDER

    def test_a_level_refuses_what_would_sum_to_too_much(self, make_book) -> None:
        tables = make_book()
        engine.rest(tables.book, BUY, 10, 2**62 - 3)
        before = tables.content()
        assert engine.rest(tables.book, BUY, 10, 3) == NO_ORDER
        assert tables.content() == before
        assert engine.rest(tables.book, BUY, 10, 2) != NO_ORDER
        assert engine.rest(tables.book, BUY, 11, 2**62 - 1) != NO_ORDER

    def test_books_of_one_pool_keep_to_their_own_rows(self, make_book) -> None:
        tables = make_book(orders=8, levels=4, books=3)
        for number in range(3):
            book = tables.books[number]
            rows = [engine.rest(book, BUY, 5, 1) for _ in range(8)]
            assert rows == list(range(8 * number, 8 * number + 8))
            assert check_book(book) == SOUND

    def test_rows_that_get_free_are_used_again(self, make_book) -> None:
        book = make_book(orders=2, levels=1).book
        for turn in range(5):
            row = engine.rest(book, turn % 2, turn, 1)
            assert (free_orders(book), free_levels(book)) == (1, 0)
            engine.remove(book, row)
        assert (free_orders(book), free_levels(book)) == (2, 1)

    def test_remove_takes_an_order_from_the_front_the_middle_and_the_back(self, make_book) -> None:
        book = make_book().book
        rows = [engine.rest(book, SELL, 5, 2**number) for number in range(5)]
        for gone, ahead in ((2, [0, 1, 3, 11]), (0, [0, 2, 10]), (4, [0, 2])):
            engine.remove(book, rows[gone])
            rows[gone] = NO_ORDER
            left = [row for row in rows if row != NO_ORDER]
            assert [engine.queue_ahead(book, row) for row in left] == ahead
            assert check_book(book) == SOUND

    def test_the_last_order_of_a_price_takes_the_level_with_it(self, make_book) -> None:
        book = make_book().book
        rows = {price: engine.rest(book, SELL, price, 1) for price in (7, 5, 6)}
        engine.remove(book, rows[5])
        assert engine.best_price(book, SELL) == 6
        assert engine.find_level(book, SELL, 5) == NO_LEVEL
        assert book["level_count"][SELL] == 2

    def test_reduce_keeps_the_place_and_removes_at_zero(self, make_book) -> None:
        book = make_book().book
        first, second = (engine.rest(book, BUY, 5, 9) for _ in range(2))
        engine.reduce(book, first, 4)
        assert engine.queue_ahead(book, second) == 4
        assert engine.best_quantity(book, BUY) == 13
        engine.reduce(book, first, 0)
        assert engine.queue_ahead(book, second) == 0
        assert engine.best_quantity(book, BUY) == 9
        assert check_book(book) == SOUND

    def test_orders_follow_each_other_by_price_and_then_by_time(self, make_book) -> None:
        book = make_book().book
        prices = (5, 7, 5, 6, 7)
        rows = [engine.rest(book, BUY, price, 1) for price in prices]
        order, seen = engine.first_order(book, BUY), []
        while order != NO_ORDER:
            seen.append(rows.index(order))
            order = engine.next_order(book, order)
        assert seen == [1, 4, 3, 0, 2]
        assert engine.first_order(book, SELL) == NO_ORDER

    @pytest.mark.parametrize("side", range(SIDES))
    def test_the_highest_price_is_best_on_even_sides_and_the_lowest_on_odd(
        self, make_book, side: int
    ) -> None:
        book = make_book().book
        for price in (3, -1, HIGHEST, 7, LOWEST):
            engine.rest(book, side, price, 1)
        assert engine.best_price(book, side) == (LOWEST if side % 2 else HIGHEST)

    def test_opening_a_book_empties_it(self, make_book) -> None:
        tables = make_book(orders=4, levels=4, terms=4)
        engine.rest(tables.book, BUY, 5, 1)
        tables.open()
        assert not engine.has_side(tables.book, BUY)
        assert (free_orders(tables.book), free_levels(tables.book)) == (4, 4)
        assert check_book(tables.book) == SOUND


def iceberg(tables: Any, lots: int, display: int, **more: int) -> int:
    return tables.enter(side=SELL, price_ticks=5, left_lots=lots, display_lots=display, **more)


class TestIcebergs:
    def test_it_displays_a_part_and_hides_the_rest(self, make_book) -> None:
        tables = make_book()
        iceberg(tables, 10, 4)
        assert engine.quantity_at(tables.book, SELL, 5) == 4
        assert open_quantity(tables.book, SELL) == 10
        assert check_book(tables.book) == SOUND

    def test_a_refill_goes_to_the_back_and_the_last_one_shows_what_is_left(self, make_book) -> None:
        tables = make_book()
        row, book = iceberg(tables, 10, 4), tables.book
        other = engine.rest(book, SELL, 5, 1)
        assert [engine.refill(book, row), engine.queue_ahead(book, row)] == [4, 1]
        assert engine.queue_ahead(book, other) == 0
        assert engine.refill(book, row) == 2
        assert open_quantity(book, SELL) == 3
        assert check_book(book) == SOUND

    def test_shrinking_takes_hidden_quantity_first(self, make_book) -> None:
        tables = make_book()
        row, book = iceberg(tables, 10, 4), tables.book
        for left, shown in ((6, 4), (3, 3), (0, 0)):
            engine.shrink(book, row, left)
            assert (engine.quantity_at(book, SELL, 5), open_quantity(book, SELL)) == (shown, left)
            assert check_book(book) == SOUND
        assert free_orders(book) == 8

    def test_an_order_gives_its_terms_back_when_it_goes(self, make_book) -> None:
        tables = make_book(terms=2)
        row = iceberg(tables, 10, 4)
        iceberg(tables, 3, 0, tif=GTT, expiry_ns=7)
        assert free_terms(tables.book) == 0
        engine.remove(tables.book, row)
        assert free_terms(tables.book) == 1
        assert check_book(tables.book) == SOUND

    def test_loading_an_order_sums_what_it_shows_and_hides(self, make_book, working) -> None:
        tables, work = make_book(), working()
        load_order(tables.book, work, iceberg(tables, 10, 4, owner=3, order_id=8))
        names = ["order_id", "owner", "side", "price_ticks", "left_lots", "display_lots"]
        assert [int(work[name]) for name in names] == [8, 3, SELL, 5, 10, 4]


class TestTimeLine:
    def test_orders_end_in_order_of_time_and_then_of_arrival(self, make_book) -> None:
        tables = make_book()
        times = (30, 10, 20, 10)
        rows = [iceberg(tables, 1, 0, tif=GTT, expiry_ns=time) for time in times]
        assert next_expired(tables.book, 9) == NO_ORDER
        ended = []
        while (row := next_expired(tables.book, 29)) != NO_ORDER:
            ended.append(rows.index(row))
            engine.remove(tables.book, row)
        assert ended == [1, 3, 2]
        assert check_book(tables.book) == SOUND


class TestMatchKernel:
    def test_match_stops_when_fills_are_full_and_goes_on_when_asked(
        self, make_book, working
    ) -> None:
        tables = make_book(orders=FILLS_AT_ONCE + 3)
        for number in range(FILLS_AT_ONCE + 3):
            tables.enter(side=SELL, price_ticks=5, left_lots=10, order_id=number)
        work = working(side=BUY, price_ticks=5, left_lots=10 * FILLS_AT_ONCE + 15)
        get_ready(tables.book, work)
        assert match(tables.book, work) == FILLS_AT_ONCE
        assert (work["unfinished"], work["left_lots"]) == (1, 15)
        assert match(tables.book, work) == 2
        fills = work["fills"][:2][["maker_id", "quantity_lots", "gone"]].tolist()
        assert fills == [(FILLS_AT_ONCE, 10, 1), (FILLS_AT_ONCE + 1, 5, 0)]
        assert (work["unfinished"], work["left_lots"]) == (0, 0)
        assert tables.book["volume_lots"] == 10 * FILLS_AT_ONCE + 15
        assert check_book(tables.book) == SOUND

    @pytest.mark.parametrize(
        ("side", "price", "lots", "expected"),
        [(BUY, 2, 10**9, 20), (BUY, 3, 5, 5), (SELL, 3, 5, 0)],
    )
    def test_available_stops_counting_at_what_is_wanted(
        self, make_book, working, side: int, price: int, lots: int, expected: int
    ) -> None:
        book = make_book().book
        for ask in (1, 2, 3):
            engine.rest(book, SELL, ask, 10)
        work = working(side=side, price_ticks=price, left_lots=lots)
        get_ready(book, work)
        assert available(book, work) == expected
