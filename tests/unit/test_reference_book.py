"""The rules of docs/rules/matching by example, worked out by hand, on the plain-Python book."""

from typing import Any

import numpy as np

from gammagym.engine import protocol as p
from gammagym.engine.rules import BookRules
from gammagym.reference.book import Message, ReferenceBook
from gammagym.world import codes as w
from gammagym.world.codes import BUY, SELL

BIG = 2**62


class Desk:
    """A book, and one line for each thing to tell it; the reports of that line come back.

    A report is (kind, order id, price, quantity) and where there is one the reason; a trade
    (TRADE, maker id, price, quantity).
    """

    def __init__(self, **rules: Any) -> None:
        self.book = ReferenceBook(BookRules(**rules))

    def tell(self, kind: int, order_id: int = 0, price: int = 0, quantity: int = 0, **more: Any):
        fields = {"side": 0, "tif": w.GTC, "owner": 0, "sequence": 0, "time": 0} | more
        self.book.reports.clear()
        self.book.run(Message(kind, order_id=order_id, price=price, quantity=quantity, **fields))
        return [short(report) for report in self.book.reports]

    def buy(self, order_id: int, price: int, quantity: int, **more: Any):
        return self.tell(w.NEW, order_id, price, quantity, side=BUY, **more)

    def sell(self, order_id: int, price: int, quantity: int, **more: Any):
        return self.tell(w.NEW, order_id, price, quantity, side=SELL, **more)

    def cancel(self, order_id: int, **more: Any):
        return self.tell(w.CANCEL, order_id, **more)

    def modify(self, order_id: int, price: int, quantity: int, **more: Any):
        return self.tell(w.MODIFY, order_id, price, quantity, **more)

    def mark(self, price: int):
        return self.tell(w.TELL_PRICE, price=price, trigger=w.ON_MARK)

    def position(self, owner: int, quantity: int):
        return self.tell(w.TELL_POSITION, quantity=quantity, owner=owner)

    def last(self, price: int) -> list[Any]:
        """Let one lot trade at a price; without the reports of the two orders."""
        self.sell(98, price, 1)
        return [r for r in self.buy(99, price, 1) if r[1] not in (98, 99)]


def short(report: tuple[int, ...]) -> tuple[int, ...]:
    kind, _, reason, _, order_id, price, quantity, maker_id, _ = report
    name = maker_id if kind == p.TRADE else order_id
    return (kind, name, price, quantity) + ((reason,) if reason else ())


def trades(reports: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """(maker id, price, quantity) of each trade."""
    return [report[1:] for report in reports if report[0] == p.TRADE]


def reason(reports: list[tuple[int, ...]]) -> int:
    """The reason of the only report, 0 if the message was accepted."""
    return reports[0][4] if len(reports[0]) == 5 else 0


# --- Who trades first ------------------------------------------------------------------------


def test_the_best_price_then_the_first_to_come_trades_at_the_makers_price() -> None:  # 1 to 4
    desk = Desk()
    for order_id, price, quantity in ((1, 102, 5), (2, 101, 4), (3, 101, 2)):
        desk.sell(order_id, price, quantity)
    assert trades(desk.buy(4, 102, 7)) == [(2, 101, 4), (3, 101, 2), (1, 102, 1)]
    assert desk.book.depth(SELL) == [(102, 4)]


def test_a_maker_filled_in_part_keeps_its_place() -> None:  # 4
    desk = Desk()
    desk.sell(1, 101, 4)
    desk.sell(2, 101, 4)
    desk.buy(3, 101, 1)
    assert desk.book.queue(SELL, 101) == [(1, 3), (2, 4)]
    assert desk.book.queue_ahead(2) == 3


def pro_rata(*quantities: int, **rules: Any) -> Desk:
    desk = Desk(matching="pro_rata", **rules)
    for order_id, quantity in enumerate(quantities, 1):
        desk.sell(order_id, 100, quantity)
    return desk


def test_pro_rata_shares_round_down_and_the_remainder_goes_by_time() -> None:  # 6, 7
    # 10 lots over 7 + 5 + 3 = 15: 4, 3, 2; the lot left over goes to the first.
    desk = pro_rata(7, 5, 3)
    expected = [(1, 100, 4), (2, 100, 3), (3, 100, 2), (1, 100, 1)]
    assert trades(desk.buy(9, 100, 10)) == expected


def test_the_top_order_gets_its_share_first() -> None:  # 5
    # 40 % of 10 is 4 for order 1; 6 lots over 6 + 5 + 5 = 16: 2, 1, 1, and 2 more to order 1.
    desk = pro_rata(10, 5, 5, top_share=0.4)
    expected = [(1, 100, 4), (1, 100, 2), (2, 100, 1), (3, 100, 1), (1, 100, 2)]
    assert trades(desk.buy(9, 100, 10)) == expected


def test_the_top_order_gets_no_more_than_the_maximum() -> None:  # 5
    desk = pro_rata(10, 10, top_share=1.0, top_maximum=2)
    # 8 lots over 8 + 10 = 18: 3, 4; one left.
    expected = [(1, 100, 2), (1, 100, 3), (2, 100, 4), (1, 100, 1)]
    assert trades(desk.buy(9, 100, 10)) == expected


def test_nobody_is_top_once_the_top_order_is_gone() -> None:  # 5
    desk = pro_rata(10, 10, 10, top_share=1.0)
    desk.cancel(1)
    assert trades(desk.buy(9, 100, 4)) == [(2, 100, 2), (3, 100, 2)]


def test_a_modified_top_order_is_no_longer_top() -> None:  # 5, 27
    desk = pro_rata(10, 10, top_share=1.0)
    desk.modify(1, 100, 10)
    assert trades(desk.buy(9, 100, 4)) == [(2, 100, 2), (1, 100, 2)]


def test_a_share_below_the_minimum_is_nothing() -> None:  # 6
    desk = pro_rata(8, 1, 1, pro_rata_minimum=2)
    # 5 lots over 10: 4, 0.5, 0.5; the one left over goes to the first.
    assert trades(desk.buy(9, 100, 5)) == [(1, 100, 4), (1, 100, 1)]


def test_a_taker_that_wants_all_trades_by_time_and_refills_make_a_round() -> None:  # 8, 41
    desk = Desk(matching="pro_rata")
    desk.sell(1, 100, 6, display=2)
    desk.sell(2, 100, 2)
    # Round 1: 5 >= 4 displayed. Order 1 refills 2, of which the next round needs 1.
    assert desk.buy(9, 100, 5)[1:] == [
        (p.TRADE, 1, 100, 2),
        (p.REFILLED, 1, 100, 2),
        (p.TRADE, 2, 100, 2),
        (p.TRADE, 1, 100, 1),
    ]


# --- Entry -----------------------------------------------------------------------------------


def test_messages_without_sense_are_refused() -> None:  # 9
    desk = Desk()
    for more in (
        {"side": 2},
        {"tif": 5},
        {"type": 7},
        {"trigger": 3},
        {"self_trade": 5},
        {"reduce_only": 2},
        {"type": w.MARKET, "tif": w.POST_ONLY},
        {"type": w.STOP, "tif": w.GTT},
        {"tif": w.IOC, "display": 1},
        {"type": w.TAKE_PROFIT, "display": 1},
        {"tif": w.GTT, "plain": True, "expiry": 9},
    ):
        assert desk.tell(w.NEW, 1, 100, 5, **more) == [(p.REJECTED, 1, 100, 5, w.REJECT_MESSAGE)]
    assert reason(desk.tell(8)) == w.REJECT_MESSAGE
    assert reason(desk.tell(w.CLOCK, plain=True)) == w.REJECT_MESSAGE
    assert reason(desk.tell(w.TELL_PRICE, price=5, trigger=w.ON_LAST)) == w.REJECT_MESSAGE


def test_messages_may_not_go_back_in_sequence_or_time() -> None:  # 10
    desk = Desk()
    desk.buy(1, 100, 5, sequence=5, time=50)
    assert desk.buy(2, 100, 5, sequence=4, time=50)[0][4] == w.REJECT_SEQUENCE
    assert desk.cancel(1, sequence=6, time=49) == [(p.CANCEL_REJECTED, 1, 0, 0, w.REJECT_SEQUENCE)]
    assert reason(desk.buy(3, 100, 5, sequence=5, time=0, plain=True)) == 0


def test_an_owner_may_send_a_burst_and_then_one_an_interval() -> None:  # 11
    desk = Desk(rate_burst=2, rate_interval=10)
    times = (0, 0, 0, 9, 10, 11, 40, 40, 40)
    refused = [reason(desk.buy(i, 1, 1, owner=7, time=t)) > 0 for i, t in enumerate(times)]
    assert refused == [False, False, True, True, False, True, False, False, True]
    assert reason(desk.buy(50, 1, 1, time=40)) == 0
    assert desk.tell(w.CLOCK, owner=7, time=41) == []


def test_quantities_are_checked_one_rule_after_the_other() -> None:  # 12
    desk = Desk(lot=10, minimum_quantity=20, maximum_quantity=100)
    quantities = (0, -10, BIG, 25, 15, 10, 110, 20)
    assert [reason(desk.buy(i, 1, quantity)) for i, quantity in enumerate(quantities)] == [
        w.REJECT_QUANTITY,
        w.REJECT_QUANTITY,
        w.REJECT_OVERFLOW,
        w.REJECT_LOT,
        w.REJECT_LOT,
        w.REJECT_MINIMUM_QUANTITY,
        w.REJECT_MAXIMUM_QUANTITY,
        0,
    ]
    assert reason(desk.buy(20, 1, 50, display=-1)) == w.REJECT_QUANTITY


def test_two_orders_may_not_have_one_id() -> None:  # 13
    desk = Desk()
    desk.buy(1, 100, 5)
    desk.buy(2, 0, 5, type=w.STOP, trigger_price=110)
    assert reason(desk.buy(1, 100, 5)) == w.REJECT_DUPLICATE_ID
    assert reason(desk.sell(2, 100, 5)) == w.REJECT_DUPLICATE_ID


def test_limit_prices_are_checked() -> None:  # 14
    desk = Desk(tick=5, lowest_price=50, highest_price=150, minimum_notional=1000)
    assert reason(desk.buy(1, 101, 50)) == w.REJECT_TICK
    assert reason(desk.buy(1, 155, 50)) == w.REJECT_BAND
    assert reason(desk.sell(1, 45, 50)) == w.REJECT_BAND
    assert reason(desk.buy(1, 45, 50)) == 0
    assert reason(desk.sell(2, 155, 6)) == w.REJECT_MINIMUM_NOTIONAL
    assert reason(desk.buy(3, -100, 10)) == 0
    assert reason(desk.buy(4, 101, 1, type=w.MARKET)) == 0


def test_a_good_till_time_order_must_end_later_than_now() -> None:  # 15
    desk = Desk()
    assert reason(desk.buy(1, 100, 5, tif=w.GTT, expiry=10, time=10)) == w.REJECT_EXPIRED
    assert reason(desk.buy(1, 100, 5, tif=w.GTT, expiry=11, time=10)) == 0


def test_an_owner_may_have_so_many_orders() -> None:  # 16
    desk = Desk(maximum_orders=1, maximum_waiting=1)
    desk.buy(1, 100, 5, owner=7)
    assert reason(desk.buy(2, 100, 5, owner=7)) == w.REJECT_ORDERS
    assert reason(desk.buy(2, 100, 5, owner=7, tif=w.IOC)) == 0
    assert reason(desk.buy(2, 100, 5)) == 0
    stop = {"type": w.STOP, "trigger_price": 120, "owner": 7}
    assert reason(desk.buy(3, 0, 5, **stop)) == 0
    assert reason(desk.buy(4, 0, 5, **stop)) == w.REJECT_ORDERS


def test_a_post_only_order_is_refused_or_slides() -> None:  # 19
    for rule, expected in (
        ("reject", [(p.REJECTED, 2, 105, 3, w.REJECT_WOULD_CROSS)]),
        ("slide", [(p.ACKNOWLEDGED, 2, 98, 3)]),
    ):
        desk = Desk(post_only=rule, tick=1)
        desk.sell(1, 99, 5)
        assert desk.buy(2, 105, 3, tif=w.POST_ONLY) == expected


def test_there_may_be_no_price_to_slide_to() -> None:  # 19
    desk = Desk(post_only="slide")
    desk.sell(1, -(2**63), 5)
    assert reason(desk.buy(2, 0, 3, tif=w.POST_ONLY)) == w.REJECT_WOULD_CROSS


def test_the_orders_of_a_price_may_not_sum_to_too_much() -> None:  # 20
    desk = Desk()
    desk.buy(1, 100, BIG - 5)
    assert reason(desk.buy(2, 100, 5)) == w.REJECT_OVERFLOW
    assert reason(desk.buy(2, 100, 5, display=4)) == 0
    assert desk.modify(2, 100, 6)[0] == (p.MODIFIED, 2, 100, 6)
    assert desk.modify(1, 100, BIG - 4) == [(p.MODIFY_REJECTED, 1, 100, BIG - 5, w.REJECT_OVERFLOW)]


def test_a_market_order_takes_any_price_within_the_protection() -> None:  # 21
    for protection, left in ((None, 0), (3, 2)):
        desk = Desk(protection=protection)
        desk.sell(1, 100, 2)
        desk.sell(2, 103, 2)
        desk.sell(3, 104, 2)
        reports = desk.buy(4, 77, 6, type=w.MARKET)
        assert reports[0] == (p.ACKNOWLEDGED, 4, 77, 6)
        assert sum(trade[2] for trade in trades(reports)) == 6 - left
        assert not left or reports[-1] == (p.CANCELED, 4, 77, left)
    assert Desk().buy(1, 77, 6, type=w.MARKET)[1] == (p.CANCELED, 1, 77, 6)


def test_fill_or_kill_counts_hidden_quantity() -> None:  # 22
    desk = Desk()
    desk.sell(1, 100, 6, display=2)
    assert desk.buy(2, 100, 7, tif=w.FOK)[1] == (p.CANCELED, 2, 100, 7)
    assert sum(trade[2] for trade in trades(desk.buy(2, 100, 6, tif=w.FOK))) == 6


def test_fill_or_kill_counts_neither_reduce_only_orders_nor_its_own() -> None:  # 22
    desk = Desk()
    desk.position(7, 5)
    desk.sell(1, 100, 5, owner=7, reduce_only=1)
    desk.sell(2, 100, 5, owner=8)
    fill = {"tif": w.FOK, "owner": 8}
    assert not trades(desk.buy(3, 100, 1, **fill, self_trade=w.EXPIRE_MAKER))
    assert trades(desk.buy(3, 100, 5, **fill)) == [(1, 100, 5)]  # it needs not trust order 1


def test_fill_or_kill_counts_only_what_is_displayed_before_its_first_own_order() -> None:  # 22
    for matching, certain in (("price_time", 5), ("pro_rata", 3)):
        desk = Desk(matching=matching)
        desk.sell(1, 99, 3)
        desk.sell(2, 100, 6, display=2)
        desk.sell(3, 100, 6, owner=8)
        more = {"tif": w.FOK, "owner": 8, "self_trade": w.EXPIRE_TAKER}
        assert not trades(desk.buy(4, 100, certain + 1, **more))
        assert trades(desk.buy(4, 100, certain, **more))


def test_what_is_left_rests_or_is_canceled() -> None:  # 24
    for tif, rests in ((w.GTC, True), (w.GTT, True), (w.IOC, False)):
        desk = Desk()
        desk.sell(1, 100, 2)
        reports = desk.buy(2, 101, 5, tif=tif, expiry=9)
        assert desk.book.depth(BUY) == ([(101, 3)] if rests else [])
        assert rests or reports[-1] == (p.CANCELED, 2, 101, 3)


# --- Cancel and modify -----------------------------------------------------------------------


def test_a_cancel_takes_out_what_rests_or_waits() -> None:  # 25
    desk = Desk()
    desk.buy(1, 100, 5, display=2)
    desk.buy(2, 100, 5, type=w.STOP, trigger_price=110)
    assert desk.cancel(1) == [(p.CANCELED, 1, 100, 5)]
    assert desk.cancel(2) == [(p.CANCELED, 2, 110, 5)]
    assert desk.cancel(2) == [(p.CANCEL_REJECTED, 2, 0, 0, w.REJECT_UNKNOWN_ORDER)]
    assert not desk.book.orders


def test_a_refused_modify_leaves_the_order_where_it_was() -> None:  # 26
    desk = Desk(lot=2)
    desk.buy(1, 100, 4)
    desk.buy(2, 90, 4, type=w.STOP, trigger_price=110)
    assert desk.modify(1, 101, 3) == [(p.MODIFY_REJECTED, 1, 100, 4, w.REJECT_LOT)]
    assert desk.modify(2, 101, 3) == [(p.MODIFY_REJECTED, 2, 110, 4, w.REJECT_WAITING)]
    assert desk.modify(3, 101, 3) == [(p.MODIFY_REJECTED, 3, 101, 3, w.REJECT_UNKNOWN_ORDER)]


def test_a_modified_order_loses_its_place_and_may_trade() -> None:  # 27
    desk = Desk()
    desk.buy(1, 100, 5)
    desk.buy(2, 100, 5)
    desk.sell(3, 105, 5)
    desk.modify(1, 100, 4)
    assert desk.book.queue(BUY, 100) == [(2, 5), (1, 4)]
    assert desk.modify(1, 105, 6) == [(p.MODIFIED, 1, 105, 6), (p.TRADE, 3, 105, 5)]


def test_a_smaller_order_may_keep_its_place_and_loses_what_is_hidden_first() -> None:  # 27
    desk = Desk(amend_keeps_priority=True)
    desk.buy(1, 100, 9, display=4)
    desk.buy(2, 100, 5)
    assert desk.modify(1, 100, 5) == [(p.MODIFIED, 1, 100, 5)]
    assert desk.book.queue(BUY, 100) == [(1, 4), (2, 5)]
    desk.modify(1, 100, 3)
    assert desk.book.queue(BUY, 100) == [(1, 3), (2, 5)]
    desk.modify(1, 100, 6)
    assert desk.book.queue(BUY, 100) == [(2, 5), (1, 4)]


def many_orders(**rules: Any) -> Desk:
    desk = Desk(**rules)
    desk.mark(100)
    desk.sell(1, 105, 1, owner=7)
    desk.buy(2, 98, 1, owner=7)
    desk.buy(3, 99, 1, owner=7)
    desk.buy(4, 99, 1, owner=8)
    desk.buy(5, 0, 1, owner=7, type=w.STOP, trigger_price=110, trigger=w.ON_MARK)
    desk.sell(6, 0, 1, owner=7, type=w.STOP, trigger_price=90, trigger=w.ON_MARK)
    desk.sell(7, 0, 1, owner=7, type=w.STOP, trigger_price=90)
    return desk


def test_a_mass_cancel_goes_side_by_side() -> None:  # 28
    desk = many_orders()
    canceled = [(kind, name) for kind, name, *_ in desk.tell(w.CANCEL_ALL, owner=7)]
    assert canceled == [(p.CANCELED, name) for name in (3, 2, 1, 7, 6, 5)]
    assert list(desk.book.orders) == [4]


def test_a_disconnect_cancels_where_the_venue_does_so() -> None:  # 29
    assert many_orders().tell(w.DISCONNECT, owner=7) == []
    reports = many_orders(cancel_on_disconnect=True).tell(w.DISCONNECT, owner=7)
    assert [report[4] for report in reports] == [w.REJECT_DISCONNECTED] * 6


# --- Triggers --------------------------------------------------------------------------------


def test_stops_and_take_profits_wait_for_a_rise_or_a_fall() -> None:  # 30, 33, 35
    desk = Desk()
    desk.mark(100)
    at = {"trigger": w.ON_MARK}
    desk.buy(1, 7, 1, type=w.STOP, trigger_price=110, **at)
    desk.sell(2, 95, 1, type=w.STOP_LIMIT, trigger_price=90, **at)
    desk.buy(3, 85, 1, type=w.TAKE_PROFIT_LIMIT, trigger_price=90, **at)
    desk.sell(4, 7, 1, type=w.TAKE_PROFIT, trigger_price=110, **at)
    assert desk.mark(109) == desk.mark(91) == []
    assert desk.mark(110) == [
        (p.TRIGGERED, 1, 0, 1),
        (p.CANCELED, 1, 0, 1),
        (p.TRIGGERED, 4, 0, 1),
        (p.CANCELED, 4, 0, 1),
    ]
    assert desk.mark(90) == [(p.TRIGGERED, 2, 95, 1), (p.TRIGGERED, 3, 85, 1)]
    assert (desk.book.best_bid, desk.book.best_ask) == (85, 95)


def test_a_waiting_order_is_acknowledged_with_its_trigger_price() -> None:  # 32
    desk = Desk()
    acknowledged = desk.buy(1, 120, 5, type=w.STOP_LIMIT, trigger_price=110)
    assert acknowledged == [(p.ACKNOWLEDGED, 1, 110, 5)]
    assert desk.book.queue(2 + 1, 110) == [(1, 5)]


def test_an_order_that_would_trigger_at_once_is_refused() -> None:  # 32
    desk = Desk()
    desk.mark(100)
    more = {"type": w.STOP, "trigger": w.ON_MARK}
    assert reason(desk.buy(1, 0, 5, trigger_price=100, **more)) == w.REJECT_WOULD_TRIGGER
    assert reason(desk.buy(1, 0, BIG - 1, trigger_price=101, **more)) == 0
    assert reason(desk.buy(2, 0, 1, trigger_price=101, **more)) == w.REJECT_OVERFLOW


def test_trades_of_triggered_orders_trigger_others() -> None:  # 33
    desk = Desk()
    desk.last(100)
    desk.sell(1, 105, 1)
    desk.sell(2, 110, 1)
    desk.buy(3, 0, 1, type=w.STOP, trigger_price=105)
    desk.buy(4, 0, 1, type=w.STOP, trigger_price=110)
    assert desk.buy(5, 105, 1)[2:] == [
        (p.TRIGGERED, 3, 0, 1),
        (p.TRADE, 2, 110, 1),
        (p.TRIGGERED, 4, 0, 1),
        (p.CANCELED, 4, 0, 1),
    ]


def test_the_lowest_and_the_highest_trade_of_a_message_count() -> None:  # 33
    desk = Desk()
    desk.last(100)
    desk.buy(1, 0, 1, type=w.STOP, trigger_price=105)
    desk.sell(2, 0, 1, type=w.STOP, trigger_price=95)
    for order_id, price in ((3, 106), (4, 100), (5, 94)):
        desk.buy(order_id, price, 1)
    fired = [name for kind, name, *_ in desk.sell(6, 94, 3) if kind == p.TRIGGERED]
    assert fired == [1, 2]


def test_a_trailing_stop_follows_the_price_and_goes_to_the_back() -> None:  # 31, 34
    desk = Desk()
    desk.last(100)
    trailing = {"type": w.TRAILING_STOP}
    assert desk.sell(1, 0, 1, trail=5, **trailing) == [(p.ACKNOWLEDGED, 1, 95, 1)]
    desk.sell(2, 0, 1, type=w.STOP, trigger_price=98)
    desk.last(103)
    assert desk.book.queue(2, 98) == [(2, 1), (1, 1)]
    desk.last(99)
    assert desk.book.queue(2, 98) == [(2, 1), (1, 1)]
    assert [name for kind, name, *_ in desk.last(98) if kind == p.TRIGGERED] == [2, 1]


def test_a_trailing_stop_needs_a_trail_and_a_price() -> None:  # 31
    desk = Desk()
    assert reason(desk.sell(1, 0, 1, type=w.TRAILING_STOP)) == w.REJECT_PRICE
    assert reason(desk.sell(1, 0, 1, type=w.TRAILING_STOP, trail=5)) == w.REJECT_NO_PRICE


def test_a_trailing_buyer_waits_above_the_lowest_price() -> None:  # 31
    desk = Desk()
    desk.mark(100)
    desk.buy(1, 0, 1, type=w.TRAILING_STOP, trail=5, trigger=w.ON_MARK)
    desk.mark(90)
    desk.mark(94)
    assert desk.book.queue(2 + 2 + 1, 95) == [(1, 1)]
    assert desk.mark(95)[0] == (p.TRIGGERED, 1, 0, 1)


def test_a_triggered_order_that_breaks_a_rule_is_canceled() -> None:  # 35
    desk = Desk()
    desk.sell(1, 100, 1)
    more = {"type": w.STOP_LIMIT, "trigger": w.ON_MARK, "trigger_price": 100}
    desk.buy(2, 100, 1, tif=w.POST_ONLY, **more)
    desk.buy(3, 99, 1, owner=7, reduce_only=1, **more)
    assert desk.mark(100) == [
        (p.TRIGGERED, 2, 100, 1),
        (p.CANCELED, 2, 100, 1, w.REJECT_WOULD_CROSS),
        (p.TRIGGERED, 3, 99, 1),
        (p.CANCELED, 3, 99, 1, w.REJECT_NOTHING_TO_REDUCE),
    ]


# --- Meeting oneself -------------------------------------------------------------------------

SELF = w.REJECT_SELF_TRADE


def meeting(mode: int, taker: int = 5, **rules: Any) -> list[tuple[int, ...]]:
    """A buyer meets 3 lots of its own, then 4 of another owner."""
    desk = Desk(**rules)
    desk.sell(1, 100, 3, owner=7, display=1)
    desk.sell(2, 101, 4, owner=8)
    return desk.buy(9, 101, taker, owner=7, self_trade=mode)[1:]


def test_each_self_trade_mode_does_what_it_says() -> None:  # 36 to 38, 40
    assert meeting(w.EXPIRE_TAKER) == [(p.CANCELED, 9, 101, 5, SELF)]
    assert meeting(w.EXPIRE_MAKER) == [(p.CANCELED, 1, 100, 3, SELF), (p.TRADE, 2, 101, 4)]
    assert meeting(w.EXPIRE_BOTH) == [(p.CANCELED, 1, 100, 3, SELF), (p.CANCELED, 9, 101, 5, SELF)]
    assert meeting(w.DECREMENT) == [
        (p.CANCELED, 1, 100, 3, SELF),
        (p.REDUCED, 9, 101, 2, SELF),
        (p.TRADE, 2, 101, 2),
    ]
    assert meeting(w.DECREMENT, 2) == [(p.REDUCED, 1, 100, 1, SELF), (p.CANCELED, 9, 101, 2, SELF)]
    assert meeting(w.DECREMENT, 3) == [(p.CANCELED, 1, 100, 3, SELF), (p.CANCELED, 9, 101, 3, SELF)]
    assert meeting(w.UNSET)[0] == (p.TRADE, 1, 100, 1)


def test_the_venue_says_what_and_whose_mode_counts() -> None:  # 36
    assert meeting(w.UNSET, self_trade="expire_taker") == meeting(w.EXPIRE_TAKER)
    assert meeting(w.EXPIRE_TAKER, self_trade_decides="maker") == meeting(w.UNSET)


def test_pro_rata_deals_with_all_own_orders_of_a_price_first() -> None:  # 39
    desk = Desk(matching="pro_rata")
    for order_id, owner in ((1, 8), (2, 7), (3, 8), (4, 7)):
        desk.sell(order_id, 100, 4, owner=owner)
    assert desk.buy(9, 100, 4, owner=7, self_trade=w.EXPIRE_MAKER)[1:] == [
        (p.CANCELED, 2, 100, 4, SELF),
        (p.CANCELED, 4, 100, 4, SELF),
        (p.TRADE, 1, 100, 2),
        (p.TRADE, 3, 100, 2),
    ]


# --- Icebergs, expiry ------------------------------------------------------------------------


def test_an_iceberg_refills_at_the_back_of_the_queue() -> None:  # 41
    desk = Desk()
    desk.sell(1, 100, 5, display=2)
    desk.sell(2, 100, 3)
    assert desk.book.quantity_at(SELL, 100) == 5
    assert desk.buy(9, 100, 6)[1:] == [
        (p.TRADE, 1, 100, 2),
        (p.REFILLED, 1, 100, 2),
        (p.TRADE, 2, 100, 3),
        (p.TRADE, 1, 100, 1),
    ]
    assert desk.book.queue(SELL, 100) == [(1, 1)]
    assert desk.cancel(1) == [(p.CANCELED, 1, 100, 2)]


def test_good_till_time_orders_expire_before_a_message_is_looked_at() -> None:  # 42
    desk = Desk()
    till = {"tif": w.GTT, "owner": 7}
    desk.buy(1, 100, 5, expiry=20, **till)
    desk.buy(2, 90, 5, expiry=10, **till)
    desk.buy(3, 95, 5, expiry=20, type=w.STOP_LIMIT, trigger_price=110, **till)
    assert desk.tell(w.CLOCK, time=9) == []
    ended = desk.cancel(1, time=20)
    assert [report[1:] for report in ended] == [
        (2, 90, 5, w.REJECT_EXPIRED),
        (1, 100, 5, w.REJECT_EXPIRED),
        (3, 110, 5, w.REJECT_EXPIRED),
        (1, 0, 0, w.REJECT_UNKNOWN_ORDER),
    ]


def test_a_message_out_of_sequence_lets_nothing_expire() -> None:  # 42
    desk = Desk()
    desk.buy(1, 100, 5, tif=w.GTT, expiry=20, sequence=5)
    assert len(desk.tell(w.CLOCK, time=30, sequence=4)) == 1
    assert 1 in desk.book.orders


# --- Reduce-only -----------------------------------------------------------------------------

NOTHING = w.REJECT_NOTHING_TO_REDUCE


def test_a_reduce_only_order_is_cut_to_the_position() -> None:  # 18, 44, 45
    desk = Desk()
    only = {"owner": 7, "reduce_only": 1}
    assert desk.sell(1, 100, 5, **only) == [(p.REJECTED, 1, 100, 5, NOTHING)]
    desk.position(7, 3)
    assert reason(desk.buy(1, 90, 5, **only)) == NOTHING
    assert desk.sell(1, 100, 5, **only) == [(p.ACKNOWLEDGED, 1, 100, 3)]
    assert reason(desk.tell(w.TELL_POSITION, quantity=-BIG, owner=7)) == w.REJECT_OVERFLOW


def test_resting_reduce_only_orders_are_cut_in_order_of_priority() -> None:  # 46, 47
    desk = Desk()
    desk.position(7, 10)
    only = {"owner": 7, "reduce_only": 1}
    desk.sell(1, 102, 2, **only)
    desk.sell(2, 101, 5, display=3, **only)
    desk.sell(3, 100, 3, **only)
    assert desk.position(7, 7) == [
        (p.REDUCED, 2, 101, 4, NOTHING),
        (p.CANCELED, 1, 102, 2, NOTHING),
    ]
    assert desk.book.queue(SELL, 101) == [(2, 3)]  # what was hidden went first
    assert desk.position(7, -1) == [
        (p.CANCELED, 3, 100, 3, NOTHING),
        (p.CANCELED, 2, 101, 4, NOTHING),
    ]


def test_trades_count_and_orders_are_cut_when_the_taker_has_come_to_its_end() -> None:  # 43, 47
    desk = Desk()
    desk.position(7, 5)
    desk.sell(1, 105, 5, owner=7, reduce_only=1)
    desk.sell(2, 100, 2, owner=7)
    assert desk.buy(3, 100, 3)[1:] == [(p.TRADE, 2, 100, 2), (p.REDUCED, 1, 105, 3, NOTHING)]
    assert desk.book.positions == {7: 3}
    assert desk.book.best_bid == 100


def test_a_reduce_only_maker_is_cut_before_its_turn() -> None:  # 47
    desk = Desk()
    desk.position(7, 5)
    desk.sell(1, 100, 4, owner=7)
    desk.sell(2, 101, 5, owner=7, reduce_only=1)
    assert desk.buy(3, 101, 9)[1:] == [
        (p.TRADE, 1, 100, 4),
        (p.REDUCED, 2, 101, 1, NOTHING),
        (p.TRADE, 2, 101, 1),
    ]
    assert desk.book.positions == {7: 0}


def test_a_reduce_only_order_that_comes_to_rest_is_looked_at() -> None:  # 47
    desk = Desk()
    desk.position(7, 5)
    desk.sell(1, 101, 5, owner=7, reduce_only=1)
    assert desk.sell(2, 100, 3, owner=7, reduce_only=1) == [
        (p.ACKNOWLEDGED, 2, 100, 3),
        (p.REDUCED, 1, 101, 2, NOTHING),
    ]


# --- The interface ---------------------------------------------------------------------------


def test_arrays_of_messages_and_instructions_give_arrays_of_reports() -> None:
    messages = np.zeros(2, p.MESSAGE)
    messages["order_id"], messages["side"] = [1, 2], [BUY, SELL]
    messages["price"], messages["quantity"], messages["sequence"] = 100, [5, 2], [3, 4]
    reports = ReferenceBook().process(messages)
    assert reports.dtype == p.REPORT
    assert reports.tolist()[2] == (p.TRADE, SELL, 0, 4, 2, 100, 2, 1, 2)
    instructions = np.zeros(1, p.INSTRUCTION)
    instructions["kind"], instructions["quantity"], instructions["owner"] = w.TELL_POSITION, BIG, 3
    assert ReferenceBook().process(instructions)["reason"].tolist() == [w.REJECT_OVERFLOW]
    assert len(ReferenceBook().process(np.zeros(0, p.MESSAGE))) == 0
