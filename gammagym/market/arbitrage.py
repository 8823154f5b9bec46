"""Arbitrageurs: they sell the dear one of two books and buy the cheap one, until they are full.

Each looks at its two books at random times of its own. What it could gain now, at prices that stand
in both books, less the carry and the funding it takes for fair, is compared with its threshold:
beyond it the arbitrageur trades, and it unwinds once the way back costs nothing. The second book
follows the first, so a part that was not filled is made up for at the next look
(docs/rules/basis).
"""

from __future__ import annotations

import math

import numpy as np

from gammagym._kernel import kernel
from gammagym.engine.book import best_price, has_side
from gammagym.exchange.funding import NEVER_NS, PERIOD_NS
from gammagym.exchange.ledger import holding
from gammagym.exchange.own_orders import limit_order
from gammagym.exchange.trading import is_closed, mid_price
from gammagym.market.streams import exponential
from gammagym.world.codes import (
    BUY,
    FUNDING_CONTINUOUS,
    FUTURE,
    IOC,
    PERPETUAL,
    SELL,
    STREAM_ARBITRAGE,
)
from gammagym.world.sizes import NANOSECONDS, RATE_UNIT, YEAR_NS

FIRST, SECOND = 0, 1
# Memory of the recent variance (s), and how far through the second book's touch a hedge may go.
_VARIANCE_MEMORY = 60.0
_REACH = 0.005


@kernel
def start_arbitrage(world):
    """Note what every arbitrageur holds, and draw the time of its first look.

    Reads: keys, cash. Writes: arbitrageurs, next_arbitrage_ns.
    """
    for row in range(world.arbitrageur_count):
        owner = world.arbitrageurs[row]
        for leg in (FIRST, SECOND):
            owner.initial_lots[leg] = holding(world, owner.accounts[leg], owner.instruments[leg])
        owner.next_ns = 0
        _draw_next(world, row)
    _schedule(world)


@kernel
def arbitrage(world):
    """Let the arbitrageurs whose time has come look at their books, and trade.

    Reads: books, instruments. Writes: arbitrageurs, next_arbitrage_ns, and what trades write.
    """
    for row in range(world.arbitrageur_count):
        if world.arbitrageurs[row].next_ns <= world.time_ns:
            _draw_next(world, row)
            _look(world, world.arbitrageurs[row])
    _schedule(world)


@kernel
def _draw_next(world, row):
    """Draw the time of the next look; looks do not depend on what is seen. Writes: arbitrageurs."""
    owner = world.arbitrageurs[row]
    key = world.keys[STREAM_ARBITRAGE] + np.uint64(row)
    owner.next_ns += 1 + int(exponential(key, owner.looks) * owner.interval_ns)
    owner.looks += 1


@kernel
def redraw_looks(world):
    """Draw the time of every next look anew, from now on. Writes: arbitrageurs, next_arbitrage_ns.

    Looks come at random, so how long ago the last one was says nothing of the next.
    """
    for row in range(world.arbitrageur_count):
        world.arbitrageurs[row].next_ns = world.time_ns
        world.arbitrageurs[row].looks -= 1
        _draw_next(world, row)
    _schedule(world)


@kernel
def _schedule(world):
    """Write when the next arbitrageur looks. Writes: next_arbitrage_ns."""
    world.next_arbitrage_ns = NEVER_NS
    for row in range(world.arbitrageur_count):
        world.next_arbitrage_ns = min(world.next_arbitrage_ns, world.arbitrageurs[row].next_ns)


@kernel
def _look(world, owner):
    """Trade if there is something in it. Writes: owner, and what trades write.

    A future that was delivered leaves the second leg alone: it follows to zero.
    """
    _watch(world, owner)
    if is_closed(world, owner.instruments[SECOND]):
        return
    if not is_closed(world, owner.instruments[FIRST]):
        units = _wish(world, owner)
        lots = int(abs(units) / world.instruments[owner.instruments[FIRST]].lot_size + 0.5)
        _take(world, owner, FIRST, lots if units > 0.0 else -lots, 0.0)
    _follow(world, owner)


@kernel
def _watch(world, owner):
    """Add the move since the last look to the recent variance. Writes: owner."""
    mid = mid_price(world, owner.instruments[FIRST])
    if owner.seen_mid > 0.0:
        elapsed = (world.time_ns - owner.seen_ns) / NANOSECONDS
        move = math.log(mid / owner.seen_mid)
        owner.variance *= math.exp(-elapsed / _VARIANCE_MEMORY)
        owner.variance += move * move / _VARIANCE_MEMORY
    owner.seen_mid = mid
    owner.seen_ns = world.time_ns


# --- What is in it ---------------------------------------------------------------------------


@kernel
def _wish(world, owner):
    """Return how much of the first book to buy (units; < 0: to sell), the second the other way."""
    first, second = world.books[owner.instruments[FIRST]], world.books[owner.instruments[SECOND]]
    for side in (BUY, SELL):
        if not (has_side(first, side) and has_side(second, side)):
            return 0.0
    fair = fair_basis(world, owner)
    sale = _gap(world, owner, BUY) - fair
    purchase = fair - _gap(world, owner, SELL)
    lot = world.instruments[owner.instruments[FIRST]].lot_size
    held = _held(world, owner, FIRST) * lot
    if held <= -0.5 * lot and purchase >= 0.0:
        return min(owner.order_units, -held)
    if held >= 0.5 * lot and sale >= 0.0:
        return -min(owner.order_units, held)
    if owner.variance > owner.largest_variance:
        return 0.0
    if sale >= owner.threshold:
        return -min(owner.order_units, max(owner.limit_units + held, 0.0))
    if purchase >= owner.threshold:
        return min(owner.order_units, max(owner.limit_units - held, 0.0))
    return 0.0


@kernel
def _gap(world, owner, side):
    """Return the best price of a side of the first book less the other side's of the second.

    As a share of the fundamental price: what selling the one at its bid and buying the other at its
    ask brings, or the other way round costs.
    """
    first = _best(world, owner.instruments[FIRST], side)
    return (first - _best(world, owner.instruments[SECOND], 1 - side)) / world.price.index


@kernel(inline=True)
def _best(world, instrument, side):
    return best_price(world.books[instrument], side) * world.instruments[instrument].tick_size


@kernel
def fair_basis(world, owner):
    """Return how far the first book may be above the second for carry and funding (share)."""
    fair = 0.0
    for leg in (FIRST, SECOND):
        contract = world.instruments[owner.instruments[leg]]
        worth = 0.0
        if contract.kind == FUTURE:
            worth = owner.financing * max(contract.expiry_ns - world.time_ns, 0) / YEAR_NS
        elif contract.kind == PERPETUAL and contract.funding.interval_ns > 0:
            # Whoever is long pays it for as long as it is counted on.
            worth = -_funding(contract.funding, owner.horizon_ns)
        fair += worth if leg == FIRST else -worth
    return fair


@kernel
def _funding(funding, horizon_ns):
    """Return what longs pay within a time at the rate of now (share of the price)."""
    period = PERIOD_NS if funding.method == FUNDING_CONTINUOUS else funding.interval_ns
    return funding.rate_e9 / RATE_UNIT * horizon_ns / period


# --- What it trades --------------------------------------------------------------------------


@kernel
def _held(world, owner, leg):
    """Return what it has bought net of one leg (lots)."""
    lots = holding(world, owner.accounts[leg], owner.instruments[leg])
    return lots - owner.initial_lots[leg]


@kernel
def _follow(world, owner):
    """Bring the second leg to the opposite of the first. Writes: what trades write."""
    lot = world.instruments[owner.instruments[SECOND]].lot_size
    units = _held(world, owner, FIRST) * world.instruments[owner.instruments[FIRST]].lot_size
    lots = round(-units / lot) - _held(world, owner, SECOND)
    _take(world, owner, SECOND, np.int64(lots), _REACH)


@kernel
def _take(world, owner, leg, signed_lots, reach):
    """Take what stands in a book, no further than `reach` through its touch (share)."""
    instrument = owner.instruments[leg]
    side = BUY if signed_lots > 0 else SELL
    book = world.books[instrument]
    if signed_lots == 0 or not has_side(book, 1 - side):
        return
    price = best_price(book, 1 - side)
    price += round(price * reach) if side == BUY else -round(price * reach)
    limit_order(
        world, owner.accounts[leg], instrument, side, np.int64(price), abs(signed_lots), IOC
    )
