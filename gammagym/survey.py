"""What anybody can see of all books of a world, and what its leveraged crowd has come to.

The world is advanced by one interval after the other, and looked at at the end of each; only the
lowest and highest trades are kept of what happens in between.
"""

from __future__ import annotations

import numpy as np

from gammagym._kernel import kernel
from gammagym.engine.book import best_price, has_side
from gammagym.loop import step
from gammagym.world.codes import BUY, NO_LEVEL, ON_LAST, SELL

WIDE_BANDS = (1e-3, 1e-2, 2e-2)  # distances from the mid, as shares of it

# What one book has come to at the end of an interval.
LOOK = np.dtype(
    [
        ("bid_ticks", "i8"),  # 0: there is none
        ("ask_ticks", "i8"),
        ("low_ticks", "i8"),  # lowest and highest last price of the interval; 0: nothing traded
        ("high_ticks", "i8"),
        ("trades", "i8"),  # so far, as the next
        ("volume_lots", "i8"),
        ("within_lots", "i8", (2, len(WIDE_BANDS))),
        ("funding_e9", "i8"),  # rate of the interval as the venue shows it
    ]
)
# What the leveraged crowd has come to.
CROWD_LOOK = np.dtype(
    [
        ("long_lots", "i8"),
        ("short_lots", "i8"),
        ("closed_lots", "i8"),  # by force, so far
    ]
)


@kernel
def sample_markets(world, tape, interval_ns, looks, crowd, held):
    """Advance by one interval after the other, and look at every book at the end of each.

    Args:
        world: one world.
        tape: as for `advance`.
        interval_ns: length of an interval (ns).
        looks: shape (n, instruments), dtype `LOOK`, zero.
        crowd: shape (n,), dtype `CROWD_LOOK`, zero.
        held: what each bucket held at the last look (lots), shape (buckets,); read and written.
    """
    count = looks.shape[1]
    for place in range(len(looks)):
        for instrument in range(count):
            looks[place, instrument].trades = world.books[instrument].trades
        until_ns = world.time_ns + interval_ns
        while step(world, tape, until_ns):
            for instrument in range(count):
                _see_trades(world.books[instrument], looks[place, instrument])
        world.time_ns = until_ns
        for instrument in range(count):
            _see_book(world, instrument, looks[place, instrument])
        if place > 0:
            crowd[place].closed_lots = crowd[place - 1].closed_lots
        _see_crowd(world, crowd[place], held)


@kernel
def _see_trades(book, look):
    """Keep the lowest and the highest last price of an interval. Writes: look."""
    if book.trades == look.trades:
        return
    look.trades = book.trades
    last = book.price_ticks[ON_LAST]
    if look.low_ticks == 0 or last < look.low_ticks:
        look.low_ticks = last
    if last > look.high_ticks:
        look.high_ticks = last


@kernel
def _see_book(world, instrument, look):
    """Write down touch, depth, volume and funding of a book. Writes: look."""
    book = world.books[instrument]
    look.volume_lots = book.volume_lots
    look.funding_e9 = world.instruments[instrument].funding.rate_e9
    look.bid_ticks = best_price(book, BUY) if has_side(book, BUY) else 0
    look.ask_ticks = best_price(book, SELL) if has_side(book, SELL) else 0
    if look.bid_ticks == 0 or look.ask_ticks == 0:
        return
    mid = 0.5 * (look.bid_ticks + look.ask_ticks)
    for side in (BUY, SELL):
        row = np.int64(book.best[side])
        while row != NO_LEVEL:
            distance = abs(world.levels[row].price_ticks - mid)
            if distance > WIDE_BANDS[len(WIDE_BANDS) - 1] * mid:
                break
            for band in range(len(WIDE_BANDS)):
                if distance <= WIDE_BANDS[band] * mid:
                    look.within_lots[side, band] += world.levels[row].quantity_lots
            row = np.int64(world.levels[row].worse)


@kernel
def _see_crowd(world, look, held):
    """Write down what the leveraged crowd holds and what was closed by force.

    A bucket that holds less than before was liquidated or deleveraged; nobody leaves otherwise.
    Writes: look, held.
    """
    for row in range(world.bucket_count):
        lots = world.buckets[row].quantity_lots
        look.closed_lots += max(abs(held[row]) - abs(lots), 0)
        held[row] = lots
        if lots > 0:
            look.long_lots += lots
        else:
            look.short_lots -= lots
