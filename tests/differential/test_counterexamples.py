"""Streams in which the two books once differed, or both were wrong: one test each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gammagym.api.order_book import OrderBook
from gammagym.engine.inspection import SOUND
from gammagym.engine.protocol import (
    ACKNOWLEDGED,
    CANCELED,
    INSTRUCTION,
    MODIFIED,
    MODIFY_REJECTED,
    REDUCED,
    REFILLED,
    REJECTED,
    TRADE,
    TRIGGERED,
)
from gammagym.engine.rules import BookRules
from gammagym.reference.book import ReferenceBook
from gammagym.world.codes import (
    BUY,
    CANCEL,
    GTT,
    IOC,
    MARKET,
    MODIFY,
    NEW,
    ON_MARK,
    POST_ONLY,
    REJECT_EXPIRED,
    REJECT_NOTHING_TO_REDUCE,
    REJECT_OVERFLOW,
    REJECT_PARTS,
    REJECT_SEQUENCE,
    REJECT_WOULD_CROSS,
    SELL,
    STOP,
    TELL_POSITION,
    TELL_PRICE,
)

LOWEST, HIGHEST = -(2**63), 2**63 - 1
MANY = 2**62 - 1
OWNER = 7


class Both:
    """Both books under the same rules; what one says, the other must say."""

    def __init__(self, **rules: Any) -> None:
        self.fast = OrderBook(BookRules(**rules))
        self.plain = ReferenceBook(BookRules(**rules))

    def tell(self, kind: int, order_id: int = 0, price: int = 0, quantity: int = 0, **more: int):
        """Send an instruction; return (kind, order or maker id, price, quantity[, reason])."""
        row = np.zeros(1, INSTRUCTION)
        fields = {"kind": kind, "order_id": order_id, "price": price, "quantity": quantity}
        for name, value in (fields | more).items():
            row[name] = value
        reports = self.fast.process(row)
        assert reports.tolist() == self.plain.process(row).tolist()
        for side in (BUY, SELL):
            assert self.fast.depth(99)[side].tolist() == self.plain.depth(side)
        assert self.fast.check() == SOUND
        return [short(report) for report in reports]

    def buy(self, order_id: int, price: int, quantity: int, **more: int):
        return self.tell(NEW, order_id, price, quantity, side=BUY, **more)

    def sell(self, order_id: int, price: int, quantity: int, **more: int):
        return self.tell(NEW, order_id, price, quantity, side=SELL, **more)

    def modify(self, order_id: int, price: int, quantity: int):
        return self.tell(MODIFY, order_id, price, quantity)

    def position(self, quantity: int):
        return self.tell(TELL_POSITION, owner=OWNER, quantity=quantity)


def short(report: Any) -> tuple[int, ...]:
    name = report["maker_id"] if report["kind"] == TRADE else report["order_id"]
    row = (report["kind"], name, report["price"], report["quantity"])
    reason = (report["reason"],) if report["reason"] else ()
    return tuple(int(value) for value in row + reason)


def trades(reports: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """(maker id, price, quantity) of each trade."""
    return [report[1:] for report in reports if report[0] == TRADE]


# --- Very large, very far --------------------------------------------------------------------


def test_a_huge_triggered_market_order_trades_and_does_not_overflow() -> None:
    books = Both()
    books.buy(1, 2, 5)
    books.sell(2, 3, 4)
    books.buy(3, 0, MANY, type=STOP, trigger=ON_MARK, trigger_price=10)
    assert books.tell(TELL_PRICE, price=10, trigger=ON_MARK) == [
        (TRIGGERED, 3, 0, MANY),
        (TRADE, 2, 3, 4),
        (CANCELED, 3, 0, MANY - 4),
    ]


def test_a_huge_triggered_market_order_that_meets_nobody_is_canceled_without_a_reason() -> None:
    books = Both()
    books.buy(1, 0, 5)
    books.buy(3, 0, MANY, type=STOP, trigger=ON_MARK, trigger_price=10)
    assert books.tell(TELL_PRICE, price=10, trigger=ON_MARK) == [
        (TRIGGERED, 3, 0, MANY),
        (CANCELED, 3, 0, MANY),
    ]


@pytest.mark.parametrize(("side", "price"), [(BUY, LOWEST), (SELL, HIGHEST)])
def test_a_market_order_reaches_the_last_price_there_is(side: int, price: int) -> None:
    books = Both()
    books.tell(NEW, 1, price, 5, side=side)
    assert trades(books.tell(NEW, 2, 0, 3, side=1 - side, type=MARKET)) == [(1, price, 3)]


@pytest.mark.parametrize(("side", "best"), [(SELL, HIGHEST - 1), (BUY, LOWEST)])
def test_a_post_only_order_does_not_slide_off_the_grid_at_the_end_of_all_prices(
    side: int, best: int
) -> None:
    books = Both(tick=2, post_only="slide")
    books.tell(NEW, 1, best, 5, side=1 - side)
    order = books.tell(NEW, 2, 0, 3, side=side, tif=POST_ONLY)
    assert order == [(REJECTED, 2, 0, 3, REJECT_WOULD_CROSS)]


def test_time_may_begin_before_zero() -> None:
    books = Both()
    assert books.buy(1, 5, 1, time=-8) == [(ACKNOWLEDGED, 1, 5, 1)]
    assert books.buy(2, 5, 1, time=-9) == [(REJECTED, 2, 5, 1, REJECT_SEQUENCE)]
    assert books.buy(3, 5, 1, time=-7) == [(ACKNOWLEDGED, 3, 5, 1)]


# --- Pro-rata while reduce-only orders are cut -----------------------------------------------


def test_a_maker_that_is_cut_before_its_turn_trades_the_share_from_before_the_cut() -> None:
    books = Both(matching="pro_rata")
    books.position(20)
    books.sell(1, 99, 5, owner=OWNER)
    books.sell(2, 100, 20, owner=OWNER, reduce_only=1)
    books.sell(3, 100, 20)
    # Five at 99 leave a position of 15. Then 7 over 20 + 20 is 3 each; the one left over goes to 2.
    assert books.buy(9, 100, 12)[1:] == [
        (TRADE, 1, 99, 5),
        (REDUCED, 2, 100, 15, REJECT_NOTHING_TO_REDUCE),
        (TRADE, 2, 100, 3),
        (TRADE, 3, 100, 3),
        (TRADE, 2, 100, 1),
    ]


def test_a_share_is_no_more_than_what_is_displayed_after_the_cut() -> None:
    books = Both(matching="pro_rata")
    books.position(20)
    books.sell(1, 99, 18, owner=OWNER)
    books.sell(2, 100, 20, owner=OWNER, reduce_only=1)
    books.sell(3, 100, 20)
    # 8 over 40 is 4 each, but order 2 has only 2 left; order 3 gets its 4, and then the rest.
    assert books.buy(9, 100, 26)[1:] == [
        (TRADE, 1, 99, 18),
        (REDUCED, 2, 100, 2, REJECT_NOTHING_TO_REDUCE),
        (TRADE, 2, 100, 2),
        (TRADE, 3, 100, 4),
        (TRADE, 3, 100, 2),
    ]


def test_the_share_behind_a_maker_that_was_canceled_at_its_turn_is_still_right() -> None:
    books = Both(matching="pro_rata")
    books.position(10)
    books.sell(1, 99, 10, owner=OWNER)
    books.sell(2, 100, 10, owner=OWNER, reduce_only=1)
    books.sell(3, 100, 20)
    books.sell(4, 100, 10)
    # After 99 the position is gone, and order 2 with it. 8 over 10 + 20 + 10: 4, 2, then by time.
    reports = books.buy(9, 100, 18)
    assert reports[1:3] == [
        (TRADE, 1, 99, 10),
        (CANCELED, 2, 100, 10, REJECT_NOTHING_TO_REDUCE),
    ]
    assert trades(reports)[1:] == [(3, 100, 4), (4, 100, 2), (3, 100, 2)]


def test_a_maker_whose_neighbour_is_canceled_with_it_loses_nothing_of_the_others() -> None:
    books = Both(matching="pro_rata")
    books.position(12)
    books.sell(1, 99, 10, owner=OWNER)
    for order_id in (2, 3):
        books.sell(order_id, 100, 6, owner=OWNER, reduce_only=1)
    books.sell(4, 100, 12)
    # After 99 the position is 2: order 2 keeps 2, order 3 behind it goes. 8 over 24: 2, 4.
    reports = books.buy(9, 100, 18)
    assert [report for report in reports if report[0] in (REDUCED, CANCELED)] == [
        (REDUCED, 2, 100, 2, REJECT_NOTHING_TO_REDUCE),
        (CANCELED, 3, 100, 6, REJECT_NOTHING_TO_REDUCE),
    ]
    assert trades(reports) == [(1, 99, 10), (2, 100, 2), (4, 100, 4), (4, 100, 2)]


# --- Icebergs --------------------------------------------------------------------------------


def test_an_iceberg_of_too_many_parts_is_refused() -> None:
    books = Both(iceberg_parts=100)
    refused = books.sell(1, 100, 2**61, display=1)
    assert refused == [(REJECTED, 1, 100, 2**61, REJECT_PARTS)]
    assert books.sell(2, 100, 101, display=1) == [(REJECTED, 2, 100, 101, REJECT_PARTS)]
    assert books.sell(3, 100, 100, display=1) == [(ACKNOWLEDGED, 3, 100, 100)]


def test_a_modify_to_too_many_parts_is_refused_and_leaves_the_iceberg_where_it_was() -> None:
    books = Both(iceberg_parts=5)
    books.sell(1, 100, 10, display=2)
    books.sell(2, 100, 1)
    refused = books.modify(1, 100, 11)
    assert refused == [(MODIFY_REJECTED, 1, 100, 10, REJECT_PARTS)]
    assert books.fast.queue_ahead(2) == 2


@pytest.mark.parametrize("keeps", [False, True])
def test_an_iceberg_displays_as_much_after_a_modify_as_before(keeps: bool) -> None:
    books = Both(amend_keeps_priority=keeps)
    books.sell(1, 100, 10, display=4)
    assert books.modify(1, 100, 9) == [(MODIFIED, 1, 100, 9)]
    assert books.fast.quantity_at(SELL, 100) == 4
    assert books.buy(9, 100, 8, tif=IOC)[1:] == [
        (TRADE, 1, 100, 4),
        (REFILLED, 1, 100, 4),
        (TRADE, 1, 100, 4),
        (REFILLED, 1, 100, 1),
    ]


def test_an_order_that_displayed_everything_shows_it_again_after_a_modify() -> None:
    books = Both()
    books.sell(1, 100, 3, display=4)
    books.modify(1, 100, 10)
    assert books.fast.quantity_at(SELL, 100) == 4


def test_the_top_order_is_still_top_when_it_has_refilled() -> None:
    books = Both(matching="pro_rata", top_share=1.0, top_maximum=3)
    books.sell(1, 100, 9, display=3)
    books.sell(2, 100, 6)
    assert books.buy(8, 100, 3)[1:] == [(TRADE, 1, 100, 3), (REFILLED, 1, 100, 3)]
    assert books.fast.queue_ahead(1) == 6
    assert trades(books.buy(9, 100, 3)) == [(1, 100, 3)]


def test_an_order_in_the_place_of_a_canceled_top_order_is_not_top() -> None:
    books = Both(matching="pro_rata", top_share=1.0)
    books.sell(1, 100, 10)
    books.sell(2, 100, 10)
    books.tell(CANCEL, 1)
    books.sell(3, 100, 10)
    assert trades(books.buy(9, 100, 4)) == [(2, 100, 2), (3, 100, 2)]


# --- Time ------------------------------------------------------------------------------------


def test_an_order_ends_before_a_message_that_is_refused_later_is_looked_at() -> None:
    books = Both()
    books.sell(1, 100, 5, tif=GTT, expiry=10)
    reports = books.buy(1, 100, 0, time=10)
    assert [report[:2] for report in reports] == [(CANCELED, 1), (REJECTED, 1)]
    assert reports[0][4] == REJECT_EXPIRED


def test_two_orders_of_one_price_may_sum_to_the_most_there_is_and_no_more() -> None:
    books = Both()
    books.buy(1, 100, MANY - 5)
    assert books.buy(2, 100, 6) == [(REJECTED, 2, 100, 6, REJECT_OVERFLOW)]
    assert books.buy(3, 100, 5) == [(ACKNOWLEDGED, 3, 100, 5)]
