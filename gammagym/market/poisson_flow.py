"""Poisson order flow through a bare book, to compare the matching engine with known probabilities.

Cont, Stoikov and Talreja, "A stochastic model for order book dynamics", Operations Research 58
(2010). Every order is of one unit. Limit orders arrive i ticks from the opposite best price at the
rate LIMIT_RATES[i - 1], each of the orders that rest there is canceled at CANCEL_RATES[i - 1], and
market orders take from each side at MARKET_RATE: the rates that the paper fitted to a stock.

A trial starts with a spread of one tick and a queue at each touch, and ends once the mid moves or
our own order, if there is one, fills. Until then no price can change, so the five levels of each
side stay where they are; orders further away come too late to matter. The state is a real book,
changed by the engine's own kernels only. The clock is left out: what happens next depends on the
rates alone. `gammagym validate theory` compares the shares of trials with the published tables.
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
from gammagym.world.codes import BUY, IOC, LIMIT, SELL

LIMIT_RATES = (1.85, 1.51, 1.09, 0.88, 0.77)  # per second, 1 to 5 ticks from the opposite best
CANCEL_RATES = (0.71, 0.81, 0.68, 0.56, 0.47)  # per second and order, at the same distances
MARKET_RATE = 0.94  # per second, on each side

UNDECIDED, BID_EMPTIED, ASK_EMPTIED, OWN_FILLED = 60, 61, 62, 63

_DISTANCES = len(LIMIT_RATES)
# Columns of the rates of one side: limit orders and cancels by distance, then market orders.
_CANCELS, _MARKET, _COLUMNS = _DISTANCES, 2 * _DISTANCES, 2 * _DISTANCES + 1
_BID_TICKS, _ASK_TICKS = 100, 101
_OTHERS, _OWN = 0, 1  # owners
# About 20 orders rest at a time; that more than 100 ever do is out of the question.
_ORDER_ROWS, _LEVEL_ROWS = 128, 2 * _DISTANCES

MARKET = np.dtype(
    [
        ("bids", "i8"),  # orders at the best bid when a trial starts
        ("asks", "i8"),  # orders at the best ask when a trial starts
        ("own", "i8"),  # 1 if the last of these bids is ours, which is never canceled
        ("rates", "f8", (2, _COLUMNS)),  # of each event, by side (1 / s)
        ("filled", "i8"),  # 1 once ours has filled
        ("books", BOOK, (1,)),
        ("orders", ORDER, (_ORDER_ROWS,)),
        ("levels", LEVEL, (_LEVEL_ROWS,)),
        ("nodes", NODE, (_LEVEL_ROWS,)),
        ("terms", TERMS, (1,)),
        ("members", MEMBER, (1,)),
        ("work", WORK),
    ]
)


def probability_mid_up(bids: int, asks: int, trials: int, seed: int) -> float:
    """Return the share of trials in which the ask queue empties before the bid queue.

    Args:
        bids: orders at the best bid at the start.
        asks: orders at the best ask at the start.
        trials: number of independent trials.
        seed: seed of the random numbers.
    """
    return _share(bids, asks, 0, ASK_EMPTIED, trials, seed)


def probability_filled(position: int, asks: int, trials: int, seed: int) -> float:
    """Return the share of trials in which our bid fills before the mid moves.

    Args:
        position: place of our order in the queue at the best bid, 1 for the first; it is the last.
        asks: orders at the best ask at the start.
        trials: number of independent trials.
        seed: seed of the random numbers.
    """
    return _share(position, asks, 1, OWN_FILLED, trials, seed)


def _share(bids: int, asks: int, own: int, outcome: int, trials: int, seed: int) -> float:
    markets = viewed(np.zeros(1, MARKET))
    markets["bids"], markets["asks"], markets["own"] = bids, asks, own
    markets["rates"][:, :, :_CANCELS] = LIMIT_RATES
    markets["rates"][:, :, _MARKET] = MARKET_RATE
    place_in_world(markets, **BOOK_TABLES)
    return count_trials(markets[0], outcome, trials, seed) / trials


@kernel
def count_trials(market, outcome, trials, seed):
    """Run trials and return how many end with an outcome. Writes: market. Cost: O(events)."""
    key = mix(np.uint64(seed))
    count = 0
    for trial in range(trials):
        _open_trial(market)
        if _run_trial(market, bits(key, trial)) == outcome:
            count += 1
    return count


@kernel
def _open_trial(market):
    """Build the two queues at the touch, and put one order at each price behind.

    Reads: bids, asks, own. Writes: book, filled.
    """
    engine.open_book(market.books[0], 0, _ORDER_ROWS, 0, _LEVEL_ROWS, 0, 1)
    market.filled = 0
    for side, queue in ((BUY, market.bids), (SELL, market.asks)):
        for place in range(1, queue + 1):
            ours = market.own and side == BUY and place == queue
            _add(market, side, 1, _OWN if ours else _OTHERS)
        for distance in range(2, _DISTANCES + 1):
            _add(market, side, distance, _OTHERS)


@kernel
def _run_trial(market, key):
    """Let orders come and go until the outcome is known, and return it. Writes: market."""
    event, outcome = 0, UNDECIDED
    while outcome == UNDECIDED:
        _next_event(market, uniform(key, event))
        event, outcome = event + 1, _outcome(market)
    return outcome


@kernel
def _outcome(market):
    """Return what the trial has come to. Reads: filled, book."""
    if market.filled:
        return OWN_FILLED
    book = market.books[0]
    for side in (BUY, SELL):
        before = _price(side, 1)
        if not engine.has_side(book, side) or engine.best_price(book, side) != before:
            return BID_EMPTIED if side == BUY else ASK_EMPTIED
    return UNDECIDED


@kernel
def _next_event(market, draw):
    """Carry out one event, chosen by its rate with a draw from (0, 1). Writes: market."""
    mark = draw * _update_rates(market)
    for side in (BUY, SELL):
        for column in range(_COLUMNS):
            rate = market.rates[side, column]
            if mark < rate:
                _carry_out(market, side, column, mark)
                return
            mark -= rate


@kernel
def _update_rates(market):
    """Update the rates of cancels and return the sum of all rates. Writes: rates."""
    total = 0.0
    for side in (BUY, SELL):
        for distance in range(1, _DISTANCES + 1):
            rate = _cancelable(market, side, distance) * CANCEL_RATES[distance - 1]
            market.rates[side, _CANCELS + distance - 1] = rate
        for column in range(_COLUMNS):
            total += market.rates[side, column]
    return total


@kernel
def _cancelable(market, side, distance):
    """Return how many orders at a distance are not ours. Reads: own, book."""
    ours = market.own if side == BUY and distance == 1 else 0
    return engine.quantity_at(market.books[0], side, _price(side, distance)) - ours


@kernel
def _carry_out(market, side, column, mark):
    """Do what a column of the rates stands for; a market order is of this side. Writes: market."""
    if column < _CANCELS:
        _add(market, side, column + 1, _OTHERS)
    elif column < _MARKET:
        _cancel(market, side, column - _CANCELS + 1, mark)
    else:
        _take(market, side)


@kernel
def _add(market, side, distance, owner):
    """Let one unit rest at a distance. Writes: book."""
    row = engine.rest(market.books[0], side, _price(side, distance), 1)
    market.orders[row].owner = owner


@kernel
def _take(market, side):
    """Let a market order take one unit of the touch. Writes: book, work, filled."""
    work = market.work
    work.side, work.kind, work.tif = side, LIMIT, IOC
    work.price_ticks, work.left_lots = _price(1 - side, 1), 1
    get_ready(market.books[0], work)
    match(market.books[0], work)
    market.filled = 1 if work.fills[0].maker_owner == _OWN else 0


@kernel
def _cancel(market, side, distance, mark):
    """Take an order at a distance out, the one that `mark` points at on the scale of their rates.

    Writes: book. Cost: O(orders before it).
    """
    book, orders = market.books[0], market.orders
    # A quotient that is rounded up may point one past the last.
    last = _cancelable(market, side, distance) - 1
    ahead = min(int(mark / CANCEL_RATES[distance - 1]), last)
    row = market.levels[engine.find_level(book, side, _price(side, distance))].first
    while ahead > 0 or orders[row].owner == _OWN:
        if orders[row].owner != _OWN:
            ahead -= 1
        row = orders[row].next
    engine.remove(book, row)


@kernel
def _price(side, distance):
    """Return the price at a distance from the opposite best (ticks)."""
    return _ASK_TICKS - distance if side == BUY else _BID_TICKS + distance
