"""A look at many worlds at one moment: what a picture of an episode shows of the market.

It does not even let time pass: whoever steps worlds anyway calls it between two steps.
"""

from __future__ import annotations

import numpy as np

from gammagym._kernel import kernel
from gammagym.engine.book import best_price, has_side
from gammagym.engine.tables import levels_of
from gammagym.exchange.margin import is_option
from gammagym.exchange.trading import is_closed
from gammagym.market.surface import SHORTEST_YEARS, at_the_money_volatility
from gammagym.world.codes import BUY, NO_LEVEL, SELL
from gammagym.world.sizes import RATE_UNIT, YEAR_NS

# What does not work at the venue of the hedge, as bits of `LOOK.trouble`.
TROUBLE_CLOSED, TROUBLE_TRANSFERS, TROUBLE_DATA, TROUBLE_CANCELS = 1, 2, 4, 8
WATCH_BAND = 50e-4  # `LOOK` counts what rests so near to the mid (share of it)

# A world at one moment, at the book that competitors hedge in and beyond.
LOOK = np.dtype(
    [
        ("time_ns", "i8"),
        ("bid_ticks", "i8"),  # 0: there is none
        ("ask_ticks", "i8"),
        ("trouble", "i8"),  # TROUBLE_ bits
        ("price", "f8"),  # fundamental price
        ("index", "f8"),
        ("depth_units", "f8", (2,)),  # by side, within `WATCH_BAND` of the mid
        ("funding", "f8"),  # rate of the interval as known
        ("volatility", "f8"),  # implied, at the money, of the first option; 0: there is none
        ("open_units", "f8", (2,)),  # the leveraged crowd: held by longs, by shorts
        ("closed_units", "f8", (2,)),  # closed by force so far: of longs, of shorts
    ]
)


@kernel
def look_around(worlds, row, held_lots, looks, mids):
    """Write down how things are in every world, in one row of the tables.

    It steps nothing, so that it compiles in a second, and whoever steps worlds anyway can call it.

    Args:
        worlds: shape (worlds,).
        row: row of the tables; rows are filled in order, from 0.
        held_lots: what each bucket of the leveraged crowds held at the last look, shape
            (worlds, buckets).
        looks: shape (worlds, n), dtype `LOOK`.
        mids: best bid plus best ask of every book (ticks), shape (worlds, n, instruments); 0 where
            a side is empty.
    """
    for index in range(len(worlds)):
        world, look = worlds[index], looks[index, row]
        _look_at_market(world, look)
        for side in range(len(look.closed_units)):
            look.closed_units[side] = looks[index, row - 1].closed_units[side] if row > 0 else 0.0
        _look_at_crowd(world, held_lots[index], look, row > 0)
        for instrument in range(world.instrument_count):
            book = world.books[instrument]
            if has_side(book, BUY) and has_side(book, SELL):
                both = best_price(book, BUY) + best_price(book, SELL)
                mids[index, row, instrument] = both


@kernel
def _look_at_market(world, look):
    """Write what prices are and what rests in the book of the hedge. Writes: look."""
    instrument = np.int64(world.agents[0].hedge_instrument)
    contract, book = world.instruments[instrument], world.books[instrument]
    look.time_ns = world.time_ns
    look.price, look.index = world.price.value, world.price.index
    look.funding = contract.funding.rate_e9 / RATE_UNIT
    look.volatility = _volatility(world)
    look.trouble = 0
    if is_closed(world, instrument):
        look.trouble |= TROUBLE_CLOSED
    if world.venues[contract.venue].transfers_halted:
        look.trouble |= TROUBLE_TRANSFERS
    if world.venues[contract.venue].data_halted:
        look.trouble |= TROUBLE_DATA
    if world.venues[contract.venue].cancels_halted:
        look.trouble |= TROUBLE_CANCELS
    look.bid_ticks = best_price(book, BUY) if has_side(book, BUY) else 0
    look.ask_ticks = best_price(book, SELL) if has_side(book, SELL) else 0
    middle = contract.mark_price / contract.tick_size
    if look.bid_ticks > 0 and look.ask_ticks > 0:
        middle = 0.5 * (look.bid_ticks + look.ask_ticks)
    levels = levels_of(book)
    for side in (BUY, SELL):
        lots = 0
        row = np.int64(book.best[side])
        while row != NO_LEVEL and abs(levels[row].price_ticks - middle) <= WATCH_BAND * middle:
            lots += levels[row].quantity_lots
            row = np.int64(levels[row].worse)
        look.depth_units[side] = lots * contract.lot_size


@kernel
def _volatility(world):
    """Return the implied volatility at the money of the first option that lives, or 0."""
    for row in range(world.instrument_count):
        contract = world.instruments[row]
        if is_option(contract) and not contract.settled:
            if not world.surface.shaped:
                return contract.implied_volatility
            years = max((contract.expiry_ns - world.time_ns) / YEAR_NS, SHORTEST_YEARS)
            return at_the_money_volatility(world, contract, years)
    return 0.0


@kernel
def _look_at_crowd(world, held_lots, look, again):
    """Write what the leveraged crowd holds; if it was looked at before, add what has been closed.

    Buckets grow by the crowd's own orders and shrink by liquidation and deleveraging alone.
    Writes: held_lots, look.
    """
    look.open_units[:] = 0.0
    for row in range(world.bucket_count):
        bucket = world.buckets[row]
        lot, lots = world.instruments[bucket.instrument].lot_size, abs(bucket.quantity_lots)
        side = BUY if bucket.opened_lots > 0 else SELL
        look.open_units[side] += lots * lot
        if again:
            look.closed_units[side] += max(held_lots[row] - lots, 0) * lot
        held_lots[row] = lots
