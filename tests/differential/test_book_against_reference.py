"""The compiled book against the plain one: equal reports, equal touch, always sound."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from numpy.typing import NDArray

from gammagym.api.order_book import MESSAGE, OrderBook
from gammagym.engine.inspection import SOUND
from gammagym.engine.protocol import INSTRUCTION
from gammagym.engine.rules import SELF_TRADE, BookRules
from gammagym.reference.book import ReferenceBook
from gammagym.world.codes import (
    BUY,
    CANCEL,
    CANCEL_ALL,
    CLOCK,
    DISCONNECT,
    GTC,
    GTT,
    LIMIT,
    MODIFY,
    NEW,
    ON_LAST,
    SELL,
    STOP,
    STOP_LIMIT,
    TAKE_PROFIT,
    TAKE_PROFIT_LIMIT,
    TELL_POSITION,
    TELL_PRICE,
    TRAILING_STOP,
)

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks import streams

EXTREMES = [-(2**63), -(2**63) + 1, -(2**62), -1, 0, 1, 2**62, 2**63 - 2, 2**63 - 1]
PRICES = {
    "few levels": np.arange(-12, 12),
    "many levels": np.arange(-2_000, 2_000),
    "extremes": np.array(EXTREMES),
    "powers of two": np.concatenate([2 ** np.arange(62), -(2 ** np.arange(62))]),
}


def assert_same(fast: OrderBook, plain: ReferenceBook, messages: NDArray) -> None:
    """Give both books the messages; compare all reports and the touch, and check the fast book."""
    assert np.array_equal(fast.process(messages), plain.process(messages))
    assert (fast.best_bid, fast.best_ask) == (plain.best_bid, plain.best_ask)
    assert fast.check() == SOUND


def assert_same_depth(fast: OrderBook, plain: ReferenceBook) -> None:
    """Compare every level of both books."""
    bids, asks = fast.depth(1_000_000)
    assert bids.tolist() == plain.depth(BUY)
    assert asks.tolist() == plain.depth(SELL)


def assert_same_queues(fast: OrderBook, plain: ReferenceBook) -> None:
    """Compare what stands before each resting order."""
    for order in plain.orders.values():
        if order.place <= SELL:
            assert fast.queue_ahead(order.order_id) == plain.queue_ahead(order.order_id)


@pytest.mark.parametrize("prices", PRICES)
@pytest.mark.parametrize("ids", [60, 3_000, 60_000])
def test_wild_streams_give_equal_reports(prices: str, ids: int) -> None:
    fast, plain = OrderBook(), ReferenceBook()
    messages = streams.wild(30_000, PRICES[prices], seed=ids, ids=ids)
    for part in np.array_split(messages, 20):
        assert_same(fast, plain, part)
        assert_same_depth(fast, plain)


@pytest.mark.parametrize(
    ("stream", "count"),
    [
        (streams.mixed, 75_000),
        (streams.crash, 75_000),
        (streams.standing, 60_000),
        (streams.sweeps, 75_000),
        (streams.scattered, 75_000),
    ],
)
def test_market_streams_give_equal_reports(stream, count: int) -> None:
    fast, plain = OrderBook(), ReferenceBook()
    for part in np.array_split(stream(count), 10):
        assert_same(fast, plain, part)
    assert_same_depth(fast, plain)


@pytest.mark.parametrize("seed", range(30))
def test_instructions_under_random_rules_give_equal_reports(seed: int) -> None:
    rules = streams.rules(seed)
    fast, plain = OrderBook(rules), ReferenceBook(rules)
    widest = 5 + 5 * (seed % 3)
    messages = streams.instructions(4_000, np.arange(-widest, widest), seed, ids=80)
    for part in np.array_split(messages, 40):
        assert_same(fast, plain, part)
        assert_same_depth(fast, plain)
    assert_same_queues(fast, plain)


@pytest.mark.parametrize("seed", range(100, 110))
def test_instructions_at_extreme_prices_give_equal_reports(seed: int) -> None:
    rules = dataclasses.replace(streams.rules(seed), lowest_price=None, highest_price=None)
    fast, plain = OrderBook(rules), ReferenceBook(rules)
    messages = streams.instructions(3_000, np.array(EXTREMES), seed, ids=60)
    far = np.random.default_rng(seed).random(len(messages)) < 0.1
    messages["trail"][far] = 2**63 - 1
    for part in np.array_split(messages, 30):
        assert_same(fast, plain, part)
        assert_same_depth(fast, plain)
    assert_same_queues(fast, plain)


def test_plain_messages_keep_to_the_venues_rules() -> None:
    for seed in range(10):
        rules = streams.rules(seed)
        fast, plain = OrderBook(rules), ReferenceBook(rules)
        messages = streams.wild(2_000, np.arange(-10, 10), seed, ids=60)
        for part in np.array_split(messages, 10):
            assert_same(fast, plain, part)


def one_by_one(book: OrderBook, messages: NDArray) -> NDArray:
    """Give a book one message at a time."""
    return np.concatenate([book.process(messages[i : i + 1]) for i in range(len(messages))])


def test_the_stop_for_larger_arrays_changes_nothing() -> None:
    messages = streams.wild(20_000, PRICES["many levels"], seed=8, ids=30_000)
    whole = OrderBook().process(messages)
    assert np.array_equal(one_by_one(OrderBook(), messages), whole)


@pytest.mark.parametrize("seed", range(8))
def test_a_stream_of_instructions_at_once_is_the_same_as_one_by_one(seed: int) -> None:
    rules = streams.rules(seed)
    messages = streams.instructions(4_000, np.arange(-15, 15), seed, ids=3_000)
    whole = OrderBook(rules).process(messages)
    assert np.array_equal(one_by_one(OrderBook(rules), messages), whole)


price = st.one_of(st.integers(-4, 4), st.sampled_from(EXTREMES), st.integers(-(2**63), 2**63 - 1))
quantity = st.one_of(
    st.integers(1, 20), st.integers(1, 20), st.sampled_from([0, -1, 2**61, 2**62 - 1, 2**62])
)
message = st.tuples(
    st.sampled_from([NEW, NEW, NEW, CANCEL, MODIFY, 3]),
    st.sampled_from([BUY, SELL, BUY, SELL, 2]),
    st.sampled_from([0, 0, 0, 1, 2, 3, 4]),
    st.integers(-(2**31), 2**31 - 1),
    st.integers(-3, 8) | st.sampled_from(EXTREMES),
    price,
    quantity,
    st.integers(0, 2),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(message, max_size=60))
def test_any_messages_give_equal_reports(rows: list[tuple[int, ...]]) -> None:
    fast, plain = OrderBook(), ReferenceBook()
    assert_same(fast, plain, np.array(rows, MESSAGE))
    assert_same_depth(fast, plain)


def sometimes(value: st.SearchStrategy, otherwise: object) -> st.SearchStrategy:
    return st.one_of(st.just(otherwise), st.just(otherwise), value)


venue_rules = st.builds(
    BookRules,
    tick=sometimes(st.integers(2, 3), 1),
    lot=sometimes(st.integers(2, 3), 1),
    minimum_quantity=sometimes(st.integers(0, 5), 0),
    maximum_quantity=sometimes(st.integers(5, 30), None),
    iceberg_parts=st.integers(1, 12),
    minimum_notional=sometimes(st.integers(1, 30), 0),
    lowest_price=sometimes(st.integers(-4, 0), None),
    highest_price=sometimes(st.integers(0, 4), None),
    protection=sometimes(st.integers(0, 4), None),
    maximum_orders=sometimes(st.integers(1, 6), 0),
    maximum_waiting=sometimes(st.integers(1, 3), 0),
    rate_burst=st.integers(1, 4),
    rate_interval=sometimes(st.integers(1, 4), 0),
    matching=st.sampled_from(["price_time", "pro_rata"]),
    top_share=st.sampled_from([0.0, 0.4, 1.0]),
    top_maximum=sometimes(st.integers(1, 6), None),
    pro_rata_minimum=st.integers(0, 3),
    post_only=st.sampled_from(["reject", "slide"]),
    amend_keeps_priority=st.booleans(),
    self_trade=st.sampled_from(list(SELF_TRADE)),
    self_trade_decides=st.sampled_from(["taker", "maker"]),
    cancel_on_disconnect=st.booleans(),
)
instruction = st.tuples(
    st.sampled_from([*[NEW] * 9, CANCEL, MODIFY, MODIFY, *range(3, 9)]),
    st.sampled_from([*[BUY, SELL] * 4, 2]),
    st.sampled_from([0, 0, 0, 1, 2, 3, 4, 4, 5]),
    st.integers(0, 3) | st.integers(-(2**31), 2**31 - 1),
    st.integers(1, 9) | st.sampled_from(EXTREMES),
    price,
    quantity | st.integers(-20, 20),
    st.sampled_from([0, 0, 0, 0, 1, -1]),
    st.sampled_from([*[LIMIT] * 6, *range(1, 8)]),
    st.sampled_from([0, 0, 1, 1, 2, 2, 3]),
    st.sampled_from([0, 0, 0, 1, 2, 3, 4, 5]),
    st.sampled_from([0, 0, 0, 1, 1, 2]),
    st.sampled_from([0, 0, 0, 1, 2, 5, -1]) | quantity,
    price,
    st.integers(-1, 5) | st.sampled_from(EXTREMES),
    st.integers(0, 40) | st.sampled_from(EXTREMES),
    st.sampled_from([0, 0, 1, 1, 5, -3]),
)


@settings(max_examples=300, deadline=None)
@given(venue_rules, st.lists(instruction, max_size=60))
def test_any_instructions_give_equal_reports(rules: BookRules, rows: list[tuple[int, ...]]) -> None:
    fast, plain = OrderBook(rules), ReferenceBook(rules)
    messages = np.array(rows, INSTRUCTION)
    for name in ("sequence", "time"):
        messages[name] = np.maximum(np.cumsum(messages[name]), 0)
    assert_same(fast, plain, messages)
    assert_same_depth(fast, plain)
    assert_same_queues(fast, plain)


sides = st.sampled_from([BUY, SELL])
owners = st.integers(0, 3)
ids = st.integers(0, 15)
near = st.integers(-4, 4)
lots = st.integers(1, 20)


class Books(RuleBasedStateMachine):
    """Both books side by side, one instruction at a time, with questions in between."""

    @initialize(rules=venue_rules)
    def start(self, rules: BookRules) -> None:
        self.fast, self.plain = OrderBook(rules), ReferenceBook(rules)
        self.time = 0

    def send(self, kind: int, **fields: int) -> None:
        row = np.zeros(1, INSTRUCTION)
        row["kind"], row["time"] = kind, self.time
        for name, value in fields.items():
            row[name] = value
        assert_same(self.fast, self.plain, row)

    @rule(
        side=sides,
        tif=st.integers(0, 3),
        owner=owners,
        order_id=ids,
        price=price,
        quantity=quantity,
        type=st.sampled_from([0, 0, 0, 1]),
    )
    def enter(self, **order: int) -> None:
        self.send(NEW, **order)

    @rule(side=sides, tif=st.integers(0, 3), order_id=ids, price=near, quantity=lots)
    def enter_without_details(self, **order: int) -> None:
        row = np.zeros(1, MESSAGE)
        for name, value in order.items():
            row[name] = value
        assert_same(self.fast, self.plain, row)

    @rule(
        side=sides,
        tif=st.sampled_from([GTC, GTT]),
        order_id=ids,
        owner=owners,
        price=near,
        quantity=lots,
        display=st.integers(1, 6),
    )
    def enter_iceberg(self, **order: int) -> None:
        self.send(NEW, expiry=self.time + 9, **order)

    @rule(
        side=sides, order_id=ids, owner=owners, price=near, quantity=lots, wait=st.integers(-1, 6)
    )
    def enter_good_till_time(self, wait: int, **order: int) -> None:
        self.send(NEW, tif=GTT, expiry=self.time + wait, **order)

    @rule(
        side=sides,
        order_id=ids,
        owner=owners,
        price=near,
        quantity=lots,
        type=st.sampled_from([STOP, STOP_LIMIT, TAKE_PROFIT, TAKE_PROFIT_LIMIT]),
        trigger=st.integers(0, 2),
        trigger_price=near,
        reduce_only=st.integers(0, 1),
    )
    def enter_stop_or_take_profit(self, **order: int) -> None:
        self.send(NEW, **order)

    @rule(
        side=sides,
        order_id=ids,
        owner=owners,
        quantity=lots,
        trigger=st.integers(0, 2),
        trail=st.integers(0, 4) | st.just(2**63 - 1),
    )
    def enter_trailing_stop(self, **order: int) -> None:
        self.send(NEW, type=TRAILING_STOP, **order)

    @rule(side=sides, order_id=ids, price=near, quantity=lots, mode=st.integers(0, 4))
    def enter_with_self_trade_mode(self, mode: int, **order: int) -> None:
        self.send(NEW, owner=1, self_trade=mode, **order)

    @rule(
        side=sides,
        tif=st.integers(0, 3),
        order_id=ids,
        owner=owners,
        price=near,
        quantity=lots,
    )
    def enter_reduce_only(self, **order: int) -> None:
        self.send(NEW, reduce_only=1, **order)

    @rule(owner=owners, quantity=st.integers(-30, 30) | st.sampled_from([2**62, -(2**62) + 1]))
    def tell_position(self, owner: int, quantity: int) -> None:
        self.send(TELL_POSITION, owner=owner, quantity=quantity)

    @rule(trigger=st.integers(ON_LAST, 2), price=near | st.sampled_from(EXTREMES))
    def tell_price(self, trigger: int, price: int) -> None:
        self.send(TELL_PRICE, trigger=trigger, price=price)

    @rule(passed=st.integers(0, 5))
    def let_time_pass(self, passed: int) -> None:
        self.time += passed
        self.send(CLOCK)

    @rule(order_id=ids, owner=owners)
    def cancel(self, order_id: int, owner: int) -> None:
        self.send(CANCEL, order_id=order_id, owner=owner)

    @rule(order_id=ids, price=price, quantity=quantity)
    def modify(self, **change: int) -> None:
        self.send(MODIFY, **change)

    @rule(owner=owners, kind=st.sampled_from([CANCEL_ALL, DISCONNECT]))
    def cancel_everything(self, owner: int, kind: int) -> None:
        self.send(kind, owner=owner)

    @invariant()
    def books_are_equal(self) -> None:
        if hasattr(self, "fast"):
            assert_same_depth(self.fast, self.plain)
            assert_same_queues(self.fast, self.plain)
            assert self.fast.check() == SOUND


TestBooks = Books.TestCase
TestBooks.settings = settings(max_examples=250, stateful_step_count=50, deadline=None)
