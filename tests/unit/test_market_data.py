"""Market data: whoever follows a feed holds the same book."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from gammagym.api.market_data import conflated, level_updates, trade_prints
from gammagym.api.order_book import OrderBook
from gammagym.engine.protocol import ADDED, CHANGED, MESSAGE, REMOVED, TRADE
from gammagym.errors import OrderError
from gammagym.world.codes import BUY, SELL

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks import streams

PARTS = 40


def rounds(seed: int):
    """Yield a book and the reports of each part of a stream that uses every rule."""
    book = OrderBook(streams.rules(seed), feed=True)
    stream = streams.instructions(12_000, np.arange(-20, 21), seed)
    for part in np.array_split(stream, PARTS):
        yield book, part, book.process(part)


def levels_of(book: OrderBook) -> dict[tuple[int, int], int]:
    """Return all prices of a book with their quantities."""
    sides = zip((BUY, SELL), book.depth(1_000), strict=True)
    return {(side, int(row["price"])): int(row["quantity"]) for side, rows in sides for row in rows}


def apply_levels(levels: dict[tuple[int, int], int], updates) -> None:
    """Carry level updates out on a subscriber's book."""
    for _, side, price, quantity in updates.tolist():
        levels[side, price] = quantity
        if quantity == 0:
            del levels[side, price]


@pytest.mark.parametrize("seed", range(6))
def test_order_by_order_gives_the_same_queues(seed: int) -> None:
    queues: dict[tuple[int, int], dict[int, int]] = {}
    for book, _, _ in rounds(seed):
        for action, side, _, order_id, price, quantity, total, _ in book.updates.tolist():
            queue = queues.setdefault((side, price), {})
            assert (order_id in queue) == (action != ADDED)
            if action == REMOVED:
                del queue[order_id]
            else:
                assert action in (ADDED, CHANGED)
                queue[order_id] = quantity
            assert sum(queue.values()) == total
        for side in (BUY, SELL):
            prices = sorted((p for s, p in queues if s == side), reverse=side == BUY)
            held = [item for price in prices for item in queues[side, price].items()]
            assert book.orders(side)[["order_id", "quantity"]].tolist() == held


@pytest.mark.parametrize("seed", range(6))
def test_fills_are_told_from_cancels_by_what_has_traded(seed: int) -> None:
    traded = 0
    for book, _, reports in rounds(seed):
        trades = reports[reports["kind"] == TRADE]
        sizes = np.diff(book.updates["traded"], prepend=traded)
        fills = book.updates[sizes > 0]
        assert sizes[sizes > 0].tolist() == trades["quantity"].tolist()
        assert fills["price"].tolist() == trades["price"].tolist()
        assert fills["order_id"].tolist() == trades["maker_id"].tolist()
        traded += int(trades["quantity"].sum())


@pytest.mark.parametrize("seed", range(6))
def test_level_by_level_gives_the_same_depth(seed: int) -> None:
    levels: dict[tuple[int, int], int] = {}
    for book, _, _ in rounds(seed):
        apply_levels(levels, level_updates(book.updates))
        assert levels == levels_of(book)


@pytest.mark.parametrize("interval", [7, 10_000])
def test_a_conflated_feed_ends_at_the_same_depth(interval: int) -> None:
    levels: dict[tuple[int, int], int] = {}
    sent = full = 0
    for book, _, _ in rounds(3):
        changes = level_updates(book.updates)
        kept = conflated(changes, changes["sequence"], interval)
        for _, side, price, quantity in kept.tolist():
            levels[side, price] = quantity
        full, sent = full + len(changes), sent + len(kept)
        assert {key: held for key, held in levels.items() if held} == levels_of(book)
    assert sent < full


def test_the_touch_is_told_after_every_message() -> None:
    for book, part, _ in rounds(4):
        assert len(book.touches) == len(part)
        last = book.touches[-1]
        assert last["bid_quantity"] == (
            0 if book.best_bid is None else levels_of(book)[0, last["bid"]]
        )
        assert (last["ask"] if last["ask_quantity"] else None) == book.best_ask
        assert len(conflated(book.touches, np.arange(len(part)), 100)) == -(-len(part) // 100)


def test_prints_are_the_trades_as_the_public_sees_them() -> None:
    for _, _, reports in rounds(5):
        prints = trade_prints(reports)
        trades = reports[reports["kind"] == TRADE]
        assert prints.dtype.names == ("sequence", "side", "price", "quantity")
        assert np.array_equal(prints["quantity"], trades["quantity"])


def test_nobody_listens_unless_asked() -> None:
    book = OrderBook()
    messages = np.zeros(1, MESSAGE)
    messages["quantity"] = 1
    book.process(messages)
    assert len(book.updates) == len(book.touches) == 0


def test_what_cannot_be_conflated_is_refused() -> None:
    book = OrderBook(feed=True)
    with pytest.raises(OrderError, match="LEVEL_UPDATE or TOUCH"):
        conflated(book.updates, np.zeros(0), 1)
    with pytest.raises(OrderError, match="interval > 0"):
        conflated(book.touches, np.zeros(0), 0)
    with pytest.raises(OrderError, match="reports must be"):
        trade_prints(book.updates)
