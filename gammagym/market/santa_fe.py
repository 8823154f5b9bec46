"""The zero-intelligence market of Santa Fe in a bare book, to compare its spread with known values.

Smith, Farmer, Gillemot and Krishnamurthy, "Statistical theory of the continuous double auction",
Quantitative Finance 3 (2003). Every order is of one unit. Limit orders arrive at the rate alpha for
each unit of price, anywhere on their own side of the opposite best price; market orders arrive at
the rate mu, half of them on each side; every order that rests is canceled at the rate delta. Prices
are measured in p_c = mu / (2 alpha), the distance over which limit orders arrive as fast as market
orders; what the market is like then depends on epsilon = 2 delta / mu alone.

Prices are whole ticks here, TICKS_PER_UNIT of them to p_c, which makes the spread wider by about
half a tick, 0.01 p_c, than it would be without ticks. Limit orders come at most BAND_UNITS p_c from
the opposite best: those further away come too late. The last order of a side is neither taken nor
canceled. The state is a real book, changed by the engine's own kernels only. `gammagym validate
theory` compares mean spreads.
"""

from __future__ import annotations

import numpy as np

from gammagym._kernel import kernel
from gammagym.engine import book as engine
from gammagym.engine.entry import get_ready
from gammagym.engine.matching import match
from gammagym.engine.tables import BOOK_TABLES, place_in_world
from gammagym.market.streams import bits, mix, uniform
from gammagym.world import BOOK, LEVEL, MEMBER, NODE, ORDER, TERMS, WORK, viewed
from gammagym.world.codes import BUY, IOC, LIMIT, NO_ORDER, SELL

TICKS_PER_UNIT = 50
BAND_UNITS = 6
BATCHES = 32

_BAND_TICKS = TICKS_PER_UNIT * BAND_UNITS
_MIDDLE_TICKS = 1_000_000_000
_LIMIT_RATE = 0.5 / TICKS_PER_UNIT  # alpha per tick, where mu is 1
# Room for three times the orders of the smallest epsilon, 0.01: 100 rest on each p_c of a side.
_ORDER_ROWS, _LEVEL_ROWS = 4096, 4096
# The market forgets its first state in about 1 / delta; it is left alone for a few times as long.
_WARMUP = 6.0
# Streams, by purpose.
_SEEDING, _KIND, _PLACE = 0, 1, 2

MARKET = np.dtype(
    [
        ("cancel_rate", "f8"),  # delta, where mu is 1
        ("count", "i8"),  # orders that rest
        ("rows", "i8", (_ORDER_ROWS,)),  # their rows; an order's id is its place here
        ("books", BOOK, (1,)),
        ("orders", ORDER, (_ORDER_ROWS,)),
        ("levels", LEVEL, (_LEVEL_ROWS,)),
        ("nodes", NODE, (_LEVEL_ROWS,)),
        ("terms", TERMS, (1,)),
        ("members", MEMBER, (1,)),
        ("work", WORK),
    ]
)


def mean_spread(epsilon: float, events: int, seed: int) -> tuple[float, float]:
    """Return the mean spread over time, in units of p_c, and its standard error.

    Args:
        epsilon: 2 delta / mu, at least 0.01.
        events: number of orders and cancels, after the market has forgotten how it began.
        seed: seed of the random numbers.
    """
    markets = viewed(np.zeros(1, MARKET))
    markets["cancel_rate"] = 0.5 * epsilon
    place_in_world(markets, **BOOK_TABLES)
    batches = np.empty(BATCHES)
    measure_spread(markets[0], events // BATCHES, seed, batches)
    units = batches / TICKS_PER_UNIT
    return float(units.mean()), float(units.std(ddof=1) / np.sqrt(BATCHES))


@kernel
def measure_spread(market, events, seed, batches):
    """Write the mean spread (ticks) of one batch of events after another. Writes: market, batches.

    A state counts with the time that it is expected to last. Cost: O(events).
    """
    key = mix(np.uint64(seed))
    _open_market(market, bits(key, _SEEDING))
    kinds, places = bits(key, _KIND), bits(key, _PLACE)
    event = 0
    # Limit orders and cancels make up nearly all events, and balance.
    warmup = int(_WARMUP * 4.0 * _BAND_TICKS * _LIMIT_RATE / market.cancel_rate)
    while event < warmup:
        _next_event(market, uniform(kinds, event), bits(places, event))
        event += 1
    for batch in range(len(batches)):
        total, duration = 0.0, 0.0
        for _ in range(events):
            lasts = 1.0 / _rate(market)
            total += lasts * _spread(market)
            duration += lasts
            _next_event(market, uniform(kinds, event), bits(places, event))
            event += 1
        batches[batch] = total / duration


@kernel
def _open_market(market, key):
    """Fill an empty book with as many orders as would rest there without market orders."""
    engine.open_book(market.books[0], 0, _ORDER_ROWS, 0, _LEVEL_ROWS, 0, 1)
    market.count = 0
    orders = int(_LIMIT_RATE * _BAND_TICKS / market.cancel_rate)
    for order in range(2 * orders):
        distance = 1 + np.int64(bits(key, order) % np.uint64(_BAND_TICKS))
        if order % 2 == 0:
            _add(market, BUY, _MIDDLE_TICKS - distance)
        else:
            _add(market, SELL, _MIDDLE_TICKS + distance)


@kernel(inline=True)
def _rate(market):
    """Return the rate of all events, market orders at the rate 1."""
    return 1.0 + 2.0 * _BAND_TICKS * _LIMIT_RATE + market.count * market.cancel_rate


@kernel(inline=True)
def _spread(market):
    book = market.books[0]
    return engine.best_price(book, SELL) - engine.best_price(book, BUY)


@kernel
def _next_event(market, draw, random_bits):
    """Carry out one event, chosen by its rate with a draw from (0, 1). Writes: market."""
    mark = draw * _rate(market)
    if mark < 1.0:
        _take(market, BUY if mark < 0.5 else SELL)
        return
    mark -= 1.0
    if mark < 2.0 * _BAND_TICKS * _LIMIT_RATE:
        side = BUY if mark < _BAND_TICKS * _LIMIT_RATE else SELL
        distance = 1 + np.int64(random_bits % np.uint64(_BAND_TICKS))
        opposite = engine.best_price(market.books[0], 1 - side)
        _add(market, side, opposite - distance if side == BUY else opposite + distance)
        return
    _cancel(market, np.int64(random_bits % np.uint64(market.count)))


@kernel
def _add(market, side, price_ticks):
    """Let one unit rest at a price, if there is room. Writes: book, rows, count."""
    row = engine.rest(market.books[0], side, price_ticks, 1)
    if row == NO_ORDER:
        return
    market.orders[row].order_id = market.count
    market.rows[market.count] = row
    market.count += 1


@kernel
def _take(market, side):
    """Let a market order take one unit of the opposite best. Writes: book, work, rows, count."""
    book, work = market.books[0], market.work
    if book.order_count[1 - side] == 1:
        return
    work.side, work.kind, work.tif = side, LIMIT, IOC
    work.price_ticks, work.left_lots = engine.best_price(book, 1 - side), 1
    get_ready(book, work)
    match(book, work)
    _forget(market, work.fills[0].maker_id)


@kernel
def _cancel(market, place):
    """Take the order at a place of the list out. Writes: book, rows, count."""
    book, row = market.books[0], market.rows[place]
    if book.order_count[market.orders[row].side] == 1:
        return
    engine.remove(book, row)
    _forget(market, place)


@kernel(inline=True)
def _forget(market, place):
    """Move the last order of the list to a place that has become free. Writes: rows, count."""
    market.count -= 1
    row = market.rows[market.count]
    market.rows[place] = row
    market.orders[row].order_id = place
