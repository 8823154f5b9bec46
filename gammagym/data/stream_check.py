"""Compare the book rebuilt from depth updates with the exchange's own best quotes and trades."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, fields
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

import numpy as np

from gammagym.data.depth_book import DepthBook, Level, Replay
from gammagym.data.exchange_stream import (
    BUY,
    DEPTH,
    SELL,
    SNAPSHOT,
    ExchangeStream,
    exchange_times,
    read_stream,
)

_EQUAL, _OTHER_SIZE, _OTHER_PRICE = "equal", "other_size", "other_price"
_INSIDE, _BEYOND = "inside", "beyond"  # of these nothing can be said
_COMPARED = (_EQUAL, _OTHER_SIZE, _OTHER_PRICE)

_SIDES = ((BUY, 0), (SELL, 2))  # and where their price stands in a quote
Quote = tuple[int, int, int, int]  # bid (ticks), its size (lots), ask, its size


@dataclass(frozen=True)
class StreamCheck:
    """What a comparison found: counts. A quote is one `bookTicker`, a state the book at one id.

    Attributes:
        file: The file.
        symbol: What is traded.
        tick: Unit of prices.
        lot: Unit of sizes.
        updates: Depth updates.
        updates_applied: Of these: the book took them in.
        updates_old: Of these: contained in a snapshot.
        updates_unused: Of these: no snapshot made them usable.
        unknown_removals: Removals of levels that were not in the book.
        gaps: Updates that did not follow on the one before.
        gaps_open: Gaps (0 or 1) that no later snapshot mended.
        states: Books after a snapshot or an update.
        states_equal: Of these: the newest quote has the same prices and sizes.
        states_different: Of these: it has not.
        states_beyond_snapshot: Of these: it is better, where the snapshot did not reach.
        states_before_quotes: Of these: there was no quote yet.
        quotes: Best quotes. Each is in exactly one of the next seven counts.
        quotes_both_sides: Compared in bid and ask.
        quotes_one_side: Compared in one; the other changed again within the same update.
        quotes_inside_update: Not compared: both sides changed again within the same update.
        quotes_beyond_snapshot: Not compared: better, where the snapshot did not reach.
        quotes_before_snapshot: Not compared: before the book began.
        quotes_after_gap: Not compared: the book was stale.
        quotes_after_last_update: Not compared: newer than the book.
        quotes_settled: The newest quote of a state; compared in bid and ask.
        sides_equal: Compared bids and asks with the same price and size.
        sides_other_size: Compared bids and asks with the same price and another size.
        sides_other_price: Compared bids and asks with another price.
        trades: Trades of the book. Each is in exactly one of the next four counts.
        trades_at_level: The update of that time changed the level that the taker traded with.
        trades_other_side: It changed a level at that price on the taker's own side only.
        trades_no_level: It changed no level at that price.
        trades_after_last_update: Later than every update.
    """

    file: Path
    symbol: str
    tick: Decimal
    lot: Decimal
    updates: int
    updates_applied: int
    updates_old: int
    updates_unused: int
    unknown_removals: int
    gaps: int
    gaps_open: int
    states: int
    states_equal: int
    states_different: int
    states_beyond_snapshot: int
    states_before_quotes: int
    quotes: int
    quotes_both_sides: int
    quotes_one_side: int
    quotes_inside_update: int
    quotes_beyond_snapshot: int
    quotes_before_snapshot: int
    quotes_after_gap: int
    quotes_after_last_update: int
    quotes_settled: int
    sides_equal: int
    sides_other_size: int
    sides_other_price: int
    trades: int
    trades_at_level: int
    trades_other_side: int
    trades_no_level: int
    trades_after_last_update: int

    @property
    def unexplained(self) -> int:
        """Comparisons that failed, and a gap that stayed open."""
        sides = self.sides_other_size + self.sides_other_price
        return sides + self.states_different + self.gaps_open

    @property
    def passed(self) -> bool:
        """Whether something was compared and nothing is unexplained."""
        return self.sides_equal > 0 and self.unexplained == 0


def check_stream(source: str | os.PathLike[str] | ExchangeStream) -> StreamCheck:
    """Rebuild the book of a stream and compare it with the stream's own best quotes and trades.

    Books and quotes are matched by update id, not by time of receipt: the two streams race.

    Args:
        source: A file, or a stream that was read before.

    Raises:
        DataError: If the file cannot be read.
    """
    stream = source if isinstance(source, ExchangeStream) else read_stream(source)
    counts: Counter[str] = Counter(
        updates=len(stream.depth), quotes=len(stream.tickers), trades=len(stream.trades)
    )
    replay = Replay(stream)
    _compare_quotes(replay, counts)
    book = replay.book
    counts["updates_old"] = replay.old_updates
    counts["updates_unused"] = replay.unused_updates
    counts["unknown_removals"] = book.unknown_removals
    counts["gaps"] = book.gaps
    counts["gaps_open"] = int(book.status == "stale")
    _compare_trades(stream, counts)
    known = ("file", "symbol", "tick", "lot")
    names = [field.name for field in fields(StreamCheck) if field.name not in known]
    figures = {name: counts[name] for name in names}
    return StreamCheck(stream.file, stream.symbol, stream.tick, stream.lot, **figures)


def _compare_quotes(replay: Replay, counts: Counter[str]) -> None:
    """Count quotes and states; a quote holds from its own id to that of the next."""
    stream = replay.stream
    quotes = stream.tickers[np.argsort(stream.tickers["update_id"], kind="stable")]
    ids: list[int] = quotes["update_id"].tolist()
    touches: list[Quote] = quotes[["bid_ticks", "bid_lots", "ask_ticks", "ask_lots"]].tolist()
    done = 0
    lost = "quotes_before_snapshot"
    for kind, row in replay:
        if kind not in (SNAPSHOT, DEPTH):
            continue
        end = bisect_right(ids, replay.book.last_id)
        superseded = touches[done : max(end - 1, done)]
        if kind == SNAPSHOT:
            counts[lost] += len(superseded)
            lost = "quotes_after_gap"
        else:
            counts["updates_applied"] += 1
            _count_superseded(replay, row, superseded, counts)
        _count_state(replay.book, touches[end - 1] if end else None, end > done, counts)
        done = max(done, end)
    if replay.book.status == "live":
        lost = "quotes_after_last_update"
    counts[lost] += len(ids) - done


def _count_state(book: DepthBook, touch: Quote | None, new: bool, counts: Counter[str]) -> None:
    """Compare the book with the newest quote of its id, which may have been met before."""
    counts["states"] += 1
    if touch is None:
        counts["states_before_quotes"] += 1
        return
    found = [
        _compare(book, side, next(book.walk(side), None), touch[place : place + 2])
        for side, place in _SIDES
    ]
    if _BEYOND in found:
        counts["states_beyond_snapshot"] += 1
    else:
        counts["states_equal" if found == [_EQUAL, _EQUAL] else "states_different"] += 1
    if new:
        counts["quotes_settled"] += _BEYOND not in found
        _count_quote(found, counts)


def _count_superseded(replay: Replay, row: int, touches: list[Quote], counts: Counter[str]) -> None:
    """Compare quotes that were superseded within one update, as far as it left their levels."""
    if not touches:
        return
    changed = _changed_prices(replay.stream, row)
    best = {side: _best_unchanged(replay.book, side, changed[side]) for side, _ in _SIDES}
    for touch in touches:
        found: list[str] = []
        for side, place in _SIDES:
            price_ticks, other = touch[place], best[side]
            if price_ticks in changed[side] and not (other and _better(side, other, price_ticks)):
                found.append(_INSIDE)
            else:
                found.append(_compare(replay.book, side, other, touch[place : place + 2]))
        _count_quote(found, counts)


def _best_unchanged(book: DepthBook, side: int, changed: set[int]) -> Level | None:
    """Return the best level that an update left alone: it was there all the while."""
    return next((level for level in book.walk(side) if level[0] not in changed), None)


def _better(side: int, level: Level, price_ticks: int) -> bool:
    return (level[0] - price_ticks) * side > 0


def _compare(book: DepthBook, side: int, level: Level | None, quoted: tuple[int, ...]) -> str:
    """Compare the best known level with a quote; a better one may be missing from the book."""
    if level == quoted:
        return _EQUAL
    if level and level[0] == quoted[0]:
        return _OTHER_SIZE
    missing = not (level and _better(side, level, quoted[0]))
    return _BEYOND if missing and not book.covers(side, quoted[0]) else _OTHER_PRICE


def _count_quote(found: list[str], counts: Counter[str]) -> None:
    compared = [each for each in found if each in _COMPARED]
    counts.update(f"sides_{each}" for each in compared)
    if len(compared) == 2:
        counts["quotes_both_sides"] += 1
    elif compared:
        counts["quotes_one_side"] += 1
    else:
        counts["quotes_beyond_snapshot" if _BEYOND in found else "quotes_inside_update"] += 1


def _compare_trades(stream: ExchangeStream, counts: Counter[str]) -> None:
    """Look for the level of each trade among the changes of the update of its time.

    Trades have no update id. The next update is looked at too: a trade may have its number of
    milliseconds in common with the end of an update that it just missed.
    """
    ends = np.maximum.accumulate(exchange_times(stream.depth))
    rows = np.searchsorted(ends, exchange_times(stream.trades), side="left")
    changed = lru_cache(maxsize=8)(lambda row: _changed_prices(stream, row))
    for trade, row in zip(stream.trades, rows.tolist(), strict=True):
        side, price_ticks = int(trade["side"]), int(trade["price_ticks"])
        near = [changed(each) for each in range(row, min(row + 2, len(ends)))]
        if any(price_ticks in each[-side] for each in near):
            counts["trades_at_level"] += 1
        elif len(near) < 2:
            counts["trades_after_last_update"] += 1
        elif any(price_ticks in each[side] for each in near):
            counts["trades_other_side"] += 1
        else:
            counts["trades_no_level"] += 1


def _changed_prices(stream: ExchangeStream, row: int) -> dict[int, set[int]]:
    """Return the prices (ticks) that an update mentions, by side."""
    changed: dict[int, set[int]] = {BUY: set(), SELL: set()}
    for side, price_ticks, _ in stream.levels_of(stream.depth[row]):
        changed[side].add(price_ticks)
    return changed
