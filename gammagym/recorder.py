"""Write down what happens in one book of a world, event by event, into tables of fixed length.

`record` carries out events like `loop.advance` and writes after each of them what it changed:
fills, the touch, sizes of price levels; and on a regular grid what rests near the mid. It stops
when a table has no room for one more event; the caller takes the rows and calls again. Fills come
from the book's feed (`engine/feed.py`), so trades are told from cancels exactly; levels are
compared with those before the event. `sample` only looks, at the end of every interval.
"""

from __future__ import annotations

import numpy as np

from gammagym._kernel import kernel
from gammagym.engine.book import best_price, best_quantity, has_side
from gammagym.engine.tables import updates_of
from gammagym.loop import step
from gammagym.world.codes import BUY, NO_LEVEL, SELL

BANDS = (1e-4, 5e-4, 10e-4, 20e-4, 50e-4)  # distances from the mid, as shares of it
TOP_LEVELS = 10

# One row per fill, with the best quotes before its event; `event` numbers the world's events.
FILL = np.dtype(
    [
        ("time_ns", "i8"),
        ("event", "i8"),
        ("side", "i8"),  # of the taker
        ("price_ticks", "i8"),
        ("size_lots", "i8"),
        ("bid_ticks", "i8"),  # 0: there was none
        ("ask_ticks", "i8"),
    ]
)
# One row per change of the best quotes; a side is empty where its size is 0.
QUOTES = np.dtype(
    [
        ("time_ns", "i8"),
        ("bid_ticks", "i8"),
        ("bid_lots", "i8"),
        ("ask_ticks", "i8"),
        ("ask_lots", "i8"),
    ]
)
# One row per price level that an event has changed; what traded there is not in `change_lots`.
LEVEL_CHANGE = np.dtype(
    [
        ("time_ns", "i8"),
        ("side", "i8"),
        ("price_ticks", "i8"),
        ("change_lots", "i8"),
        ("distance_ticks", "i8"),  # behind the best price of its side before the event
        ("twice_mid_ticks", "i8"),  # best bid plus best ask before the event
    ]
)
# What rests at one moment, by side.
DEPTH = np.dtype(
    [
        ("time_ns", "i8"),
        ("within_lots", "i8", (2, len(BANDS))),
        ("level_lots", "i8", (2, TOP_LEVELS)),
    ]
)
# Where a recording stands.
RECORDING = np.dtype(
    [
        ("instrument", "i8"),
        ("interval_ns", "i8"),  # between two rows of depth
        ("next_depth_ns", "i8"),
        ("fills", "i8"),  # rows written, as the next three
        ("quotes", "i8"),
        ("changes", "i8"),
        ("depths", "i8"),
        ("traded_lots", "i8"),  # of the book, as far as it has been written down
        ("page", "i8"),  # of `ladders`, that holds the book as it was
        ("levels", "i8", (2,)),  # how many levels each side of it has
        ("touch", QUOTES),
        ("overrun", "i8"),  # 1 if one event had more updates than the feed has room for
    ]
)


@kernel
def record(world, tape, until_ns, recording, ladders, fills, quotes, changes, depths):
    """Let events happen until a time and write them down; return whether the time is reached.

    Args:
        world: one world, whose book has a feed.
        tape: as for `advance`.
        until_ns: time to advance to (ns).
        recording: record of dtype `RECORDING`; `open_recording` has got it ready.
        ladders: price (ticks) and size (lots) of levels, best first, now and one event ago, shape
            (2, 2, levels, 2).
        fills: shape (n,), dtype `FILL`; n at least the rows of the feed.
        quotes: shape (n,), dtype `QUOTES`.
        changes: shape (n,), dtype `LEVEL_CHANGE`; n at least four times `levels`.
        depths: shape (n,), dtype `DEPTH`.
    """
    book = world.books[recording.instrument]
    most_changes = 4 * ladders.shape[2]
    while (
        recording.fills + book.updates_count <= len(fills)
        and recording.quotes < len(quotes)
        and recording.changes + most_changes <= len(changes)
        and recording.depths < len(depths)
    ):
        due_ns = min(until_ns, recording.next_depth_ns)
        if step(world, tape, due_ns):
            _write_event(world, book, recording, ladders, fills, quotes, changes)
            continue
        world.time_ns = due_ns
        if due_ns == recording.next_depth_ns:
            _write_depth(world, recording, ladders, depths)
        if due_ns == until_ns:
            return True
    return False


@kernel
def open_recording(world, recording, ladders, quotes):
    """Write down the book as it is. Writes: recording, ladders, quotes."""
    book = world.books[recording.instrument]
    recording.traded_lots = book.volume_lots
    recording.touch.bid_lots = recording.touch.ask_lots = -1  # so that the first quotes are new
    for side in (BUY, SELL):
        row, place = np.int64(book.best[side]), 0
        while row != NO_LEVEL:
            ladders[recording.page, side, place, 0] = world.levels[row].price_ticks
            ladders[recording.page, side, place, 1] = world.levels[row].quantity_lots
            place += 1
            row = np.int64(world.levels[row].worse)
        recording.levels[side] = place
    _write_quotes(world, book, recording, quotes)


@kernel
def _write_event(world, book, recording, ladders, fills, quotes, changes):
    """Write down what the last event did. Writes: all but the world; empties the feed."""
    first_fill = recording.fills
    if book.updates_written > 0:
        _write_fills(world, book, recording, fills)
        for side in (BUY, SELL):
            _write_changes(world, book, recording, ladders, fills, first_fill, changes, side)
        recording.page = 1 - recording.page
    _write_quotes(world, book, recording, quotes)


@kernel
def _write_quotes(world, book, recording, quotes):
    """Write down the best quotes, if they are not those of before. Writes: recording, quotes."""
    touch = recording.touch
    bid = best_price(book, BUY) if has_side(book, BUY) else 0
    ask = best_price(book, SELL) if has_side(book, SELL) else 0
    bid_lots, ask_lots = best_quantity(book, BUY), best_quantity(book, SELL)
    same = touch.bid_lots == bid_lots and touch.ask_lots == ask_lots
    if same and touch.bid_ticks == bid and touch.ask_ticks == ask:
        return
    touch.time_ns, touch.bid_ticks, touch.ask_ticks = world.time_ns, bid, ask
    touch.bid_lots, touch.ask_lots = bid_lots, ask_lots
    row = quotes[recording.quotes]
    row.time_ns, row.bid_ticks, row.ask_ticks = world.time_ns, bid, ask
    row.bid_lots, row.ask_lots = bid_lots, ask_lots
    recording.quotes += 1


@kernel
def _write_fills(world, book, recording, fills):
    """Write down the updates that are fills: what the book has traded rises with them."""
    if book.updates_written == book.updates_count:
        recording.overrun = 1
    updates = updates_of(book)
    for number in range(book.updates_written):
        update = updates[number]
        size = update.traded - recording.traded_lots
        if size == 0:
            continue
        recording.traded_lots = update.traded
        fill = fills[recording.fills]
        recording.fills += 1
        fill.time_ns, fill.event = world.time_ns, world.events
        fill.side = SELL if update.side == BUY else BUY
        fill.price_ticks, fill.size_lots = update.price, size
        fill.bid_ticks, fill.ask_ticks = recording.touch.bid_ticks, recording.touch.ask_ticks
    book.updates_written = 0


@kernel
def _write_changes(world, book, recording, ladders, fills, first_fill, changes, side):
    """Compare a side's levels with those before the event, and keep them for the next time."""
    page, count = recording.page, recording.levels[side]
    best = ladders[page, side, 0, 0] if count > 0 else 0
    sign = 1 if side == BUY else -1
    row, old, new = np.int64(book.best[side]), 0, 0
    while row != NO_LEVEL or old < count:
        before = after = 0
        price = ladders[page, side, old, 0] if old < count else world.levels[row].price_ticks
        if row != NO_LEVEL and sign * (world.levels[row].price_ticks - price) >= 0:
            price, after = world.levels[row].price_ticks, world.levels[row].quantity_lots
            ladders[1 - page, side, new, 0] = price
            ladders[1 - page, side, new, 1] = after
            new += 1
            row = np.int64(world.levels[row].worse)
        if old < count and ladders[page, side, old, 0] == price:
            before = ladders[page, side, old, 1]
            old += 1
        if before == after and recording.fills == first_fill:
            continue
        traded = 0
        for number in range(first_fill, recording.fills):
            if fills[number].price_ticks == price and fills[number].side != side:
                traded += fills[number].size_lots
        if before == after and traded == 0:
            continue
        change = changes[recording.changes]
        recording.changes += 1
        change.time_ns, change.side, change.price_ticks = world.time_ns, side, price
        change.change_lots = after - before + traded
        change.distance_ticks = sign * (best - price) if count > 0 else 0
        change.twice_mid_ticks = recording.touch.bid_ticks + recording.touch.ask_ticks
    recording.levels[side] = new


@kernel
def _write_depth(world, recording, ladders, depths):
    """Write down what rests near the mid, and set the time of the next look."""
    recording.next_depth_ns += recording.interval_ns
    if recording.levels[BUY] == 0 or recording.levels[SELL] == 0:
        return
    page = recording.page
    mid = 0.5 * (ladders[page, BUY, 0, 0] + ladders[page, SELL, 0, 0])
    depth = depths[recording.depths]
    recording.depths += 1
    depth.time_ns = world.time_ns
    depth.within_lots[:] = 0
    depth.level_lots[:] = 0
    for side in (BUY, SELL):
        for place in range(recording.levels[side]):
            size = ladders[page, side, place, 1]
            distance = abs(ladders[page, side, place, 0] - mid)
            for band in range(len(BANDS)):
                if distance <= BANDS[band] * mid:
                    depth.within_lots[side, band] += size
            if place < TOP_LEVELS:
                depth.level_lots[side, place] = size


@kernel
def two_mids(book, before):
    """Return best bid plus best ask (ticks), or what it was before where a side is empty."""
    if has_side(book, BUY) and has_side(book, SELL):
        return best_price(book, BUY) + best_price(book, SELL)
    return before
