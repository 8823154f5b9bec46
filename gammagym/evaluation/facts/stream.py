"""Record a real market from a recorded exchange stream.

All times are those at which the recorder received a line: spot quotes have no others, and what a
reader of the stream knew at a moment is what measures are about. Only the grouping of trades into
orders uses the exchange's own clock.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gammagym.data.depth_book import DepthBook, Replay
from gammagym.data.exchange_stream import (
    DEPTH,
    SNAPSHOT,
    ExchangeStream,
    exchange_times,
    read_stream,
)
from gammagym.errors import DataError
from gammagym.evaluation.facts import record as tables
from gammagym.evaluation.facts.record import (
    BANDS_BP,
    BUY,
    DEPTH_INTERVAL,
    SELL,
    TOP_LEVELS,
    MarketRecord,
    last_known,
)

# Contracts that are margined in coins, by their symbol, and what one is worth (quote currency).
_INVERSE = re.compile(r"([A-Z0-9]+)USD_(PERP|\d{6})")
_FACES = {"BTC": 100.0}
_OTHER_FACE = 10.0
_NS = 1e9

Traded = dict[int, dict[tuple[int, int], int]]


def record_stream(source: str | os.PathLike[str] | ExchangeStream) -> MarketRecord:
    """Read a recorded stream with trades, best quotes and depth as the record of a market.

    It begins once the book and the best quotes are known. Contracts of Binance that are margined in
    coins (such as BTCUSD_PERP: 100 dollars each, 10 of other coins) are counted in coins.

    Args:
        source: a file, or a stream that was read before.

    Raises:
        DataError: the file cannot be read, has no trades, quotes or usable depth, or is too short.
    """
    stream = source if isinstance(source, ExchangeStream) else read_stream(source)
    return _Reader(stream).read()


class _Reader:
    def __init__(self, stream: ExchangeStream) -> None:
        self.stream = stream
        self.tick = float(stream.tick)
        self.lot = float(stream.lot)
        inverse = _INVERSE.fullmatch(stream.symbol)
        self.face = _FACES.get(inverse[1], _OTHER_FACE) if inverse else 0.0
        for name in ("trades", "tickers", "depth"):
            if not len(getattr(stream, name)):
                raise DataError(
                    f"{stream.file}: has no {name}; a record needs the streams trade, bookTicker "
                    "and depth, with a snapshot of the book"
                )

    def read(self) -> MarketRecord:
        """Return the record."""
        depth, changes, start_ns = self._walk_book()
        stream = self.stream
        start_ns = max(start_ns, int(stream.tickers["receive_ns"][0]))
        end_ns = max(int(stream.trades["receive_ns"][-1]), int(stream.tickers["receive_ns"][-1]))
        duration = (end_ns - start_ns) / _NS
        if duration < tables.SHORTEST:
            raise DataError(
                f"{stream.file}: book, quotes and trades are known together for {duration:.1f} s "
                f"only; at least {tables.SHORTEST:g} s are needed"
            )
        touch = self._touch()
        trades = self._trades()
        parts = {
            "touch": touch,
            "trades": trades,
            "orders": self._orders(trades, touch),
            "depth": depth,
            "changes": changes,
        }
        for rows in parts.values():
            rows["time"] -= start_ns / _NS
        whole = MarketRecord(
            stream.file.name, self.tick, duration, **{k: _sorted(v) for k, v in parts.items()}
        )
        return whole.window(0.0, duration)

    def _units(self, lots: Any, price: Any) -> NDArray[np.float64]:
        """Return sizes in units of the underlying; of inverse contracts, coins at a price."""
        sizes = np.asarray(lots) * self.lot
        return sizes * self.face / price if self.face else sizes

    def _trades(self) -> NDArray[Any]:
        rows = self.stream.trades
        trades = np.zeros(len(rows), tables.TRADE)
        trades["time"] = rows["receive_ns"] / _NS
        trades["price"] = rows["price_ticks"] * self.tick
        trades["size"] = self._units(rows["size_lots"], trades["price"])
        trades["side"] = rows["side"]
        return trades

    def _orders(self, trades: NDArray[Any], touch: NDArray[Any]) -> NDArray[Any]:
        """Put trades of one side with one time of the exchange together: they are one order."""
        rows = self.stream.trades
        stamps = exchange_times(rows)
        same = (np.diff(stamps) == 0) & (np.diff(rows["side"]) == 0)
        first = np.flatnonzero(np.append(True, ~same))
        orders = np.zeros(len(first), tables.ORDER)
        orders["time"], orders["side"] = trades["time"][first], trades["side"][first]
        orders["size"] = np.add.reduceat(trades["size"], first)
        orders["fills"] = np.diff(np.append(first, len(rows)))
        orders["mid"] = last_known(touch, np.nextafter(orders["time"], -np.inf))
        return orders

    def _touch(self) -> NDArray[Any]:
        rows = self.stream.tickers
        touch = np.zeros(len(rows), tables.TOUCH)
        touch["time"] = rows["receive_ns"] / _NS
        for side in ("bid", "ask"):
            touch[side] = rows[f"{side}_ticks"] * self.tick
            touch[f"{side}_size"] = self._units(rows[f"{side}_lots"], touch[side])
        return touch

    def _walk_book(self) -> tuple[NDArray[Any], NDArray[Any], int]:
        """Replay the book; return depth on a grid, changes of levels, and when the book began."""
        replay, traded = Replay(self.stream), self._traded_by_update()
        changes: list[tuple[float, int, int, float, float]] = []
        depth: list[tuple[Any, ...]] = []
        start_ns = next_ns = 0
        before: dict[tuple[int, int], int] = {}
        best = _best(replay.book)
        for kind, row in replay:
            book = replay.book
            if kind == SNAPSHOT:
                before = {}
                next_ns = max(next_ns, int(self.stream.snapshots["receive_ns"][row]))
                start_ns = start_ns or next_ns
                for side in (BUY, SELL):
                    before |= {(side, price): size for price, size in book.walk(side)}
                best = _best(book)
            elif kind == DEPTH:
                now_ns = int(self.stream.depth["receive_ns"][row])
                self._add_changes(row, now_ns, before, best, traded[row], changes)
                best = _best(book)
                # The book is known only after an update: the first one at or after the moment.
                while next_ns <= now_ns:
                    depth.append(self._depth_row(book, next_ns))
                    next_ns += round(DEPTH_INTERVAL * _NS)
        if not start_ns:
            raise DataError(
                f"{self.stream.file}: no snapshot fits the depth updates, so there is no book; "
                "record the snapshot some seconds after the stream has begun"
            )
        return np.array(depth, tables.DEPTH), np.array(changes, tables.CHANGE), start_ns

    def _add_changes(
        self,
        row: int,
        now_ns: int,
        before: dict[tuple[int, int], int],
        best: tuple[int, int],
        traded: dict[tuple[int, int], int],
        changes: list[tuple[float, int, int, float, float]],
    ) -> None:
        """Write down what one update changed; `before` becomes the book after it."""
        mid = 0.5 * (best[0] + best[1])
        for side, price, size in self.stream.levels_of(self.stream.depth[row]):
            change = size - before.get((side, price), 0) + traded.get((side, price), 0)
            before[side, price] = size
            distance = side * ((best[0] if side == BUY else best[1]) - price)
            amount = float(self._units(change, price * self.tick))
            changes.append((now_ns / _NS, side, distance, 1e4 * distance / mid, amount))

    def _traded_by_update(self) -> Traded:
        """Return what traded at levels (lots) by the row of the update that tells of it.

        Trades have no number: that is the first update of their time or later, or the next one, if
        only that names the level.
        """
        stream = self.stream
        named = [
            {(side, price) for side, price, _ in stream.levels_of(update)}
            for update in stream.depth
        ]
        ends = np.maximum.accumulate(exchange_times(stream.depth))
        rows = np.searchsorted(ends, exchange_times(stream.trades), side="left").tolist()
        found: Traded = defaultdict(lambda: defaultdict(int))
        for trade, row in zip(stream.trades, rows, strict=True):
            level = (-int(trade["side"]), int(trade["price_ticks"]))
            for near in range(row, min(row + 2, len(named))):
                if level in named[near]:
                    found[near][level] += int(trade["size_lots"])
                    break
        return found

    def _depth_row(self, book: DepthBook, now_ns: int) -> tuple[Any, ...]:
        bid, ask = _best(book)
        mid = 0.5 * (bid + ask)
        within: dict[int, NDArray[Any]] = {}
        levels: dict[int, NDArray[Any]] = {}
        for side in (BUY, SELL):
            sums, tops = np.zeros(len(BANDS_BP)), np.zeros(TOP_LEVELS)
            limit = 1e-4 * BANDS_BP[-1] * mid
            for place, (price, size) in enumerate(book.walk(side)):
                distance = abs(price - mid)
                if distance > limit and place >= TOP_LEVELS:
                    break
                for band, width in enumerate(BANDS_BP):
                    if distance <= 1e-4 * width * mid:
                        sums[band] += size
                if place < TOP_LEVELS:
                    tops[place] = size
            within[side] = self._units(sums, mid * self.tick)
            levels[side] = self._units(tops, mid * self.tick)
        return (now_ns / _NS, within[BUY], within[SELL], levels[BUY], levels[SELL])


def _best(book: DepthBook) -> tuple[int, int]:
    """Return best bid and ask (ticks); an empty side is where the other one is."""
    bid, ask = book.best_bid, book.best_ask
    if bid is None and ask is None:
        return 1, 1
    return (bid or ask or (1, 0))[0], (ask or bid or (1, 0))[0]


def _sorted(rows: NDArray[Any]) -> NDArray[Any]:
    """Return rows in order of time."""
    return rows[np.argsort(rows["time"], kind="stable")]
