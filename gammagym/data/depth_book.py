"""Rebuild the order book from a recorded stream, by the exchange's own rules.

`docs/data.md` states the rules as numbered conditions; the comments here name them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from sortedcontainers import SortedDict

from gammagym.data.exchange_stream import BUY, DEPTH, SELL, SNAPSHOT, ExchangeStream

Level = tuple[int, int]
Status = Literal["waiting", "live", "stale"]
_NOWHERE = 2**63  # no price is as high


class DepthBook:
    """Sizes by price, as they were just after the update `last_id`.

    Attributes:
        status: "waiting" for a first snapshot, "live", or "stale" after a gap.
        last_id: The update up to which the book is true.
        gaps: How often an update did not follow on the one before.
        unknown_removals: Removals of levels that were not in the book. They are common: a snapshot
            ends somewhere, and a level can come and go between two updates.

    >>> book = DepthBook()
    >>> book.load([(1, 99, 5), (1, 98, 7), (-1, 101, 4)], last_id=10)
    >>> book.apply([(1, 99, 0), (-1, 101, 6)], previous_id=10, last_id=12)
    True
    >>> book.best_bid, book.best_ask
    ((98, 7), (101, 6))
    """

    def __init__(self) -> None:
        self._bids = SortedDict()
        self._asks = SortedDict()
        self._joined = False
        self._ends = (_NOWHERE, -_NOWHERE)
        self.status: Status = "waiting"
        self.last_id = 0
        self.gaps = 0
        self.unknown_removals = 0

    def load(self, levels: Iterable[tuple[int, int, int]], last_id: int) -> None:
        """Start anew from a snapshot.

        Args:
            levels: (side, price in ticks, size in lots).
            last_id: The last update that the snapshot contains.
        """
        self._bids.clear()
        self._asks.clear()
        for side, price_ticks, size_lots in levels:
            (self._bids if side == BUY else self._asks)[price_ticks] = size_lots
        self._ends = (next(iter(self._bids), _NOWHERE), next(reversed(self._asks), -_NOWHERE))
        self._joined = False
        self.last_id = last_id
        self.status = "live"

    def apply(self, levels: Iterable[tuple[int, int, int]], previous_id: int, last_id: int) -> bool:
        """Apply an update to a live book, unless it is old (rule 2) or leaves a gap (rule 4).

        Args:
            levels: (side, price in ticks, size in lots); the sizes replace what was there.
            previous_id: Where the update before has to end.
            last_id: The last update that this one contains.

        Returns:
            Whether it was applied. After a gap the book is stale.
        """
        if last_id <= self.last_id or self.status != "live":
            return False
        follows = previous_id == self.last_id if self._joined else previous_id <= self.last_id
        if not follows:
            self.gaps += 1
            self.status = "stale"
            return False
        for side, price_ticks, size_lots in levels:
            own = self._bids if side == BUY else self._asks
            if size_lots:
                own[price_ticks] = size_lots
            elif own.pop(price_ticks, None) is None:
                self.unknown_removals += 1
        self._joined = True
        self.last_id = last_id
        return True

    @property
    def best_bid(self) -> Level | None:
        """The highest bid: price (ticks) and size (lots); None if there is none."""
        return next(self.walk(BUY), None)

    @property
    def best_ask(self) -> Level | None:
        """The lowest ask: price (ticks) and size (lots); None if there is none."""
        return next(self.walk(SELL), None)

    def walk(self, side: int) -> Iterator[Level]:
        """Yield the levels of a side (price in ticks, size in lots), the best first."""
        own = self._bids if side == BUY else self._asks
        for price_ticks in reversed(own) if side == BUY else own:
            yield price_ticks, own[price_ticks]

    def depth(self, count: int) -> tuple[list[Level], list[Level]]:
        """Return the best bids and the best asks, at most `count` of each."""
        bids, asks = (
            [level for _, level in zip(range(count), self.walk(side), strict=False)]
            for side in (BUY, SELL)
        )
        return bids, asks

    def size_lots(self, side: int, price_ticks: int) -> int:
        """Return what rests at a price (lots); 0 if nothing is known to."""
        return (self._bids if side == BUY else self._asks).get(price_ticks, 0)

    def covers(self, side: int, price_ticks: int) -> bool:
        """Return whether the snapshot reached to a price; beyond its end levels may be missing."""
        lowest_bid, highest_ask = self._ends
        return price_ticks >= lowest_bid if side == BUY else price_ticks <= highest_ask


class Event(NamedTuple):
    """An event of a replay: its kind (`SNAPSHOT`, `DEPTH`, `TICKER`, `TRADE`) and table row."""

    kind: int
    row: int


class Replay:
    """Walk through a stream in the order of its lines; `book` is what is known at each event.

    Snapshots and depth updates are yielded when the book has taken them in. So updates that came
    before the snapshot follow it, and those that are never used are not yielded.

    Attributes:
        book: The book; look at `book.status` before you trust it.
        old_updates: Updates that a snapshot contained already.
        early_snapshots: Snapshots too old for the updates that were kept (rule 3).
        spare_snapshots: Snapshots that came while the book was live; they are left out.
    """

    def __init__(self, stream: ExchangeStream) -> None:
        self.stream = stream
        self._reset()

    def _reset(self) -> None:
        self.book = DepthBook()
        self._kept: list[int] = []
        self.old_updates = self.early_snapshots = self.spare_snapshots = 0

    @property
    def unused_updates(self) -> int:
        """Updates that no snapshot made usable, so far."""
        return len(self._kept)

    def __iter__(self) -> Iterator[Event]:
        """Walk through the stream from its beginning."""
        self._reset()
        for kind, row in self.stream.in_order().tolist():
            if kind == SNAPSHOT:
                yield from self._snapshot(row)
            elif kind == DEPTH:
                yield from self._depth(row)
            else:
                yield Event(kind, row)

    def _snapshot(self, row: int) -> Iterator[Event]:
        if self.book.status == "live":
            self.spare_snapshots += 1
            return
        snapshot, depth = self.stream.snapshots[row], self.stream.depth
        last_id = int(snapshot["last_id"])
        fresh = [kept for kept in self._kept if depth["last_id"][kept] > last_id]  # rule 2
        if fresh and depth["previous_id"][fresh[0]] > last_id:  # rule 3
            self.early_snapshots += 1
            return
        self.old_updates += len(self._kept) - len(fresh)
        self._kept = []
        self.book.load(self.stream.levels_of(snapshot), last_id)
        yield Event(SNAPSHOT, row)
        for kept in fresh:
            yield from self._depth(kept)

    def _depth(self, row: int) -> Iterator[Event]:
        update = self.stream.depth[row]
        levels = self.stream.levels_of(update) if self.book.status == "live" else []
        if self.book.apply(levels, int(update["previous_id"]), int(update["last_id"])):
            yield Event(DEPTH, row)
        elif self.book.status == "live":
            self.old_updates += 1
        else:
            self._kept.append(row)  # rule 1
