"""Streams of messages for benchmarks and tests: one function per kind of market."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gammagym.api.order_book import OrderBook
from gammagym.engine.protocol import (
    ACKNOWLEDGED,
    CANCEL_REJECTED,
    CANCELED,
    INSTRUCTION,
    MESSAGE,
    TRADE,
)
from gammagym.engine.rules import BookRules
from gammagym.world.codes import BUY, CANCEL, GTC, IOC, MODIFY, NEW, SELL, TELL_POSITION

Messages = NDArray[Any]

_CHUNK = 500


def messages_of(count: int, **columns: Any) -> Messages:
    """Return messages with these columns, sequence numbers, and zeros elsewhere."""
    messages = np.zeros(count, MESSAGE)
    messages["sequence"] = np.arange(count)
    for name, column in columns.items():
        messages[name] = column
    return messages


def near_touch(count: int, middle: NDArray[Any], seed: int, resting: int = 2_500) -> Messages:
    """55 % adds near a path of middle prices, 35 % cancels, 10 % orders that trade at once.

    A book runs along to name orders that really rest, and larger books are traded against in
    larger sizes, so that about `resting` orders stay.

    Args:
        count: messages.
        middle: price around which message i quotes (ticks).
        seed: of the random numbers.
        resting: how many orders shall rest.
    """
    random = np.random.default_rng(seed)
    book, chunks = OrderBook(), []
    live = np.empty(0, np.int64)
    for start in range(0, count, _CHUNK):
        stop = min(start + _CHUNK, count)
        size = stop - start
        kind = random.choice(3, size, p=[0.55, 0.35, 0.10])
        side = random.integers(0, 2, size)
        away = np.where(side == BUY, -1, 1) * np.where(kind == 2, -500, random.geometric(0.1, size))
        largest = 4 + 60 * len(live) // resting
        chunk = messages_of(
            size,
            side=side,
            tif=np.where(kind == 2, IOC, GTC),
            order_id=np.arange(start, stop) + 1,
            price=middle[start:stop] + away,
            quantity=random.integers(1, np.where(kind == 2, largest, 20)),
            sequence=np.arange(start, stop),
        )
        canceled = np.flatnonzero(kind == 1)[: len(live)]
        chunk["kind"][canceled] = CANCEL
        chunk["order_id"][canceled] = random.choice(live, len(canceled), replace=False)
        chunks.append(chunk)
        live = live_ids(live, book.process(chunk))
    return np.concatenate(chunks)


def live_ids(live: NDArray[Any], reports: NDArray[Any]) -> NDArray[Any]:
    """Return which orders rest after some reports (whether a trade filled its maker is guessed)."""
    entered = reports["order_id"][reports["kind"] == ACKNOWLEDGED]
    gone = reports["order_id"][(reports["kind"] == CANCELED) | (reports["kind"] == CANCEL_REJECTED)]
    traded = reports[reports["kind"] == TRADE]
    gone = np.concatenate([gone, traded["maker_id"], traded["taker_id"]])
    return np.setdiff1d(np.union1d(live, entered), gone)


def mixed(count: int, seed: int = 1) -> Messages:
    """An ordinary market: the price wanders within 50 ticks, 1,500 orders rest."""
    middle = 50_000 + (25 * np.sin(np.arange(count) / 8_000)).astype(np.int64)
    return near_touch(count, middle, seed)


def crash(count: int, seed: int = 2) -> Messages:
    """The same flow while the price falls by 60 %, over 30,000 ticks."""
    return near_touch(count, 50_000 - np.linspace(0, 30_000, count).astype(np.int64), seed)


def standing(count: int, seed: int = 3) -> Messages:
    """40,000 orders rest on 80 levels; then orders are canceled and replaced at random."""
    random = np.random.default_rng(seed)
    return _replaced(
        random,
        count,
        40_000,
        lambda n, side: np.where(side == BUY, -1, 1) * (1 + random.integers(0, 40, n)),
    )


def scattered(count: int, seed: int = 5) -> Messages:
    """100,000 orders rest over 1,000,000 ticks; then orders are canceled and replaced at random."""
    random = np.random.default_rng(seed)
    return _replaced(
        random,
        count,
        100_000,
        lambda n, side: np.where(side == BUY, -1, 1) * (1 + random.integers(0, 500_000, n)),
    )


def _replaced(random: np.random.Generator, count: int, resting: int, prices: Any) -> Messages:
    """Fill a book with `resting` orders, then cancel one at random and enter another, in turns."""
    swaps = max(count - resting, 0) // 2
    news = resting + swaps
    side = random.integers(0, 2, news)
    orders = messages_of(
        news,
        side=side,
        order_id=random.permutation(news) + 1,
        price=prices(news, side),
        quantity=random.integers(1, 20, news),
    )
    # Slot s holds some order; swap k cancels the slot's order and puts order `resting + k` there.
    slot = random.integers(0, resting, swaps)
    holder = np.arange(resting)
    victim = np.empty(swaps, np.int64)
    for swap in range(swaps):
        victim[swap] = holder[slot[swap]]
        holder[slot[swap]] = resting + swap
    stream = np.empty(resting + 2 * swaps, MESSAGE)
    stream[:resting] = orders[:resting]
    stream[resting::2] = orders[victim]
    stream["kind"][resting::2] = CANCEL
    stream[resting + 1 :: 2] = orders[resting:]
    stream["sequence"] = np.arange(len(stream))
    return stream


def sweeps(count: int, seed: int = 4) -> Messages:
    """Build 50 levels of two orders each, then take them all with one order, again and again."""
    random = np.random.default_rng(seed)
    rounds = count // 101 + 1
    stream = messages_of(rounds * 101, order_id=np.arange(rounds * 101) + 1)
    grid = stream.reshape(rounds, 101)
    side = np.arange(rounds) % 2
    sign = np.where(side == BUY, -1, 1)
    grid["side"] = side[:, None]
    grid["side"][:, 100] = 1 - side
    ticks = np.stack([random.permutation(100) // 2 for _ in range(rounds)])
    grid["price"][:, :100] = 1_000 + sign[:, None] * ticks
    grid["price"][:, 100] = 1_000 + sign * 50
    grid["quantity"][:, :100] = random.integers(1, 20, (rounds, 100))
    grid["quantity"][:, 100] = grid["quantity"][:, :100].sum(axis=1)
    return stream[:count]


def wild(
    count: int, prices: NDArray[Any], seed: int, ids: int = 400, largest_lots: int = 30
) -> Messages:
    """Everything at once, mistakes included: a stream that tests use, not a market.

    Args:
        count: messages.
        prices: prices to choose from.
        seed: of the random numbers.
        ids: how many different order ids there are, so that some clash and some are unknown.
        largest_lots: largest quantity.
    """
    random = np.random.default_rng(seed)
    messages = messages_of(
        count,
        kind=random.choice([NEW, CANCEL, MODIFY, 9], count, p=[0.62, 0.2, 0.177, 0.003]),
        side=random.choice([BUY, SELL, 7], count, p=[0.4985, 0.4985, 0.003]),
        tif=random.choice(5, count, p=[0.7, 0.12, 0.08, 0.097, 0.003]),
        owner=random.integers(0, 5, count),
        order_id=random.integers(-ids // 2, ids // 2, count) * 2**40 // 7,
        price=random.choice(prices, count),
        quantity=random.integers(1, largest_lots, count),
    )
    spoilt = random.random(count) < 0.01
    messages["quantity"][spoilt] = random.choice(
        [0, -1, -(2**63), 2**63 - 1, 2**62, 2**62 - 1, 2**61], spoilt.sum()
    )
    messages["sequence"][random.random(count) < 0.005] -= 100
    return messages


def instructions(
    count: int, prices: NDArray[Any], seed: int, ids: int = 300, largest_lots: int = 30
) -> Messages:
    """Every kind of instruction, order and detail, mistakes included: for tests only.

    Args:
        count: messages.
        prices: prices to choose from.
        seed: of the random numbers.
        ids: how many different order ids there are.
        largest_lots: largest quantity.
    """
    random = np.random.default_rng(seed)
    plain = wild(count, prices, seed, ids, largest_lots)
    messages = np.zeros(count, INSTRUCTION)
    for name in MESSAGE.names or ():
        messages[name] = plain[name]
    messages["kind"] = random.choice(
        9, count, p=[0.58, 0.14, 0.12, 0.01, 0.01, 0.07, 0.05, 0.015, 0.005]
    )
    messages["tif"] = random.choice(6, count, p=[0.5, 0.14, 0.08, 0.11, 0.165, 0.005])
    messages["type"] = random.choice(8, count, p=[0.6, 0.1, 0.06, 0.06, 0.06, 0.06, 0.055, 0.005])
    messages["trigger"] = random.choice(4, count, p=[0.45, 0.3, 0.245, 0.005])
    messages["self_trade"] = random.choice(6, count, p=[0.395, 0.15, 0.15, 0.15, 0.15, 0.005])
    messages["reduce_only"] = random.choice(3, count, p=[0.796, 0.2, 0.004])
    # Orders that become market orders may not hide anything: few displays, or most are refused.
    shown = random.random(count) < 0.25
    messages["display"][shown] = random.integers(-1, 8, shown.sum())
    messages["trigger_price"] = random.choice(prices, count)
    messages["trail"] = random.integers(-1, 12, count)
    messages["time"] = np.cumsum(random.integers(0, 3, count))
    messages["expiry"] = messages["time"] + random.integers(-2, 40, count)
    late = random.random(count) < 0.005
    messages["time"][late] -= 50
    told = messages["kind"] == TELL_POSITION
    messages["quantity"][told] = random.integers(-60, 61, told.sum())
    return messages


def rules(seed: int) -> BookRules:
    """Return rules of a venue that may exist nowhere, drawn at random: for tests only."""
    random = np.random.default_rng(seed)

    def often(value: Any, otherwise: Any) -> Any:
        return value if random.random() < 0.4 else otherwise

    return BookRules(
        tick=often(2, 1),
        lot=often(3, 1),
        minimum_quantity=often(4, 0),
        maximum_quantity=often(25, None),
        minimum_notional=often(20, 0),
        iceberg_parts=int(random.integers(1, 12)),
        lowest_price=often(-15, None),
        highest_price=often(15, None),
        protection=often(int(random.integers(0, 6)), None),
        maximum_orders=often(12, 0),
        maximum_waiting=often(5, 0),
        rate_burst=int(random.integers(1, 6)),
        rate_interval=often(3, 0),
        matching=str(random.choice(["price_time", "pro_rata"])),
        top_share=float(random.choice([0.0, 0.4, 1.0])),
        top_maximum=often(6, None),
        pro_rata_minimum=int(random.integers(0, 4)),
        post_only=str(random.choice(["reject", "slide"])),
        amend_keeps_priority=bool(random.integers(2)),
        self_trade=str(
            random.choice(["allow", "expire_taker", "expire_maker", "expire_both", "decrement"])
        ),
        self_trade_decides=str(random.choice(["taker", "maker"])),
        cancel_on_disconnect=bool(random.integers(2)),
    )
