"""The compiled book against the plain one: equal reports, equal touch, always sound."""

from __future__ import annotations

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
from gammagym.reference.book import ReferenceBook
from gammagym.world import BUY, CANCEL, MODIFY, NEW, SELL

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


@pytest.mark.parametrize("prices", PRICES)
@pytest.mark.parametrize("ids", [60, 3_000, 60_000])
def test_wild_streams_give_equal_reports(prices: str, ids: int) -> None:
    fast, plain = OrderBook(), ReferenceBook()
    messages = streams.wild(60_000, PRICES[prices], seed=ids, ids=ids)
    for part in np.array_split(messages, 40):
        assert_same(fast, plain, part)
        assert_same_depth(fast, plain)


@pytest.mark.parametrize(
    "stream", [streams.mixed, streams.crash, streams.standing, streams.sweeps, streams.scattered]
)
def test_market_streams_give_equal_reports(stream) -> None:
    fast, plain = OrderBook(), ReferenceBook()
    for part in np.array_split(stream(150_000), 10):
        assert_same(fast, plain, part)
    assert_same_depth(fast, plain)


def test_the_stop_for_larger_arrays_changes_nothing() -> None:
    messages = streams.wild(20_000, PRICES["many levels"], seed=8, ids=30_000)
    whole = OrderBook().process(messages)
    book = OrderBook()
    one_by_one = [book.process(messages[i : i + 1]) for i in range(len(messages))]
    assert np.array_equal(np.concatenate(one_by_one), whole)


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


@settings(max_examples=300, deadline=None)
@given(st.lists(message, max_size=60))
def test_any_messages_give_equal_reports(rows: list[tuple[int, ...]]) -> None:
    fast, plain = OrderBook(), ReferenceBook()
    assert_same(fast, plain, np.array(rows, MESSAGE))
    assert_same_depth(fast, plain)


class Books(RuleBasedStateMachine):
    """Both books side by side, one message at a time, with questions in between."""

    @initialize()
    def start(self) -> None:
        self.fast, self.plain = OrderBook(), ReferenceBook()

    def send(self, *row: int) -> None:
        assert_same(self.fast, self.plain, np.array([row], MESSAGE))

    @rule(
        side=st.integers(0, 1),
        tif=st.integers(0, 3),
        order_id=st.integers(0, 15),
        price=price,
        lots=quantity,
    )
    def enter(self, side: int, tif: int, order_id: int, price: int, lots: int) -> None:
        self.send(NEW, side, tif, 0, order_id, price, lots, 0)

    @rule(order_id=st.integers(0, 15))
    def cancel(self, order_id: int) -> None:
        self.send(CANCEL, 0, 0, 0, order_id, 0, 0, 0)

    @rule(order_id=st.integers(0, 15), price=price, lots=quantity)
    def modify(self, order_id: int, price: int, lots: int) -> None:
        self.send(MODIFY, 0, 0, 0, order_id, price, lots, 0)

    @invariant()
    def queues_are_equal(self) -> None:
        if not hasattr(self, "fast"):
            return
        assert_same_depth(self.fast, self.plain)
        for order_id in self.plain.resting:
            assert self.fast.queue_ahead(order_id) == self.plain.queue_ahead(order_id)


TestBooks = Books.TestCase
TestBooks.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
