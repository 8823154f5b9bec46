"""Read downloadable CSV files of Tardis: book updates, trades and best quotes of one symbol.

The format is documented at docs.tardis.dev, "Downloadable CSV files": times are microseconds since
1970 UTC, rows are in order of `local_timestamp`, and the rows of one message have that time in
common. Amounts replace what rests at their price; 0 removes it. Rows with `is_snapshot` are a whole
book: after a reconnection, what was there before is to be forgotten.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from gammagym.data.csv_fields import choice, csv_rows, decimal_text, read_rows, whole_number
from gammagym.data.stream_tables import (
    BUY,
    LARGEST,
    NO_TIME,
    SELL,
    ExchangeStream,
    Scale,
    StreamRows,
)
from gammagym.errors import DataError, nearest

_Kind = tuple[str, ...]  # names of its columns
_KEYS = ("exchange", "symbol", "timestamp", "local_timestamp")
_BOOK = (*_KEYS, "is_snapshot", "side", "price", "amount")
_TRADES = (*_KEYS, "id", "side", "price", "amount")
_QUOTES = (*_KEYS, "ask_amount", "ask_price", "bid_price", "bid_amount")
# In this order events of one time of receipt follow each other.
_KINDS: dict[_Kind, str] = {
    _BOOK: "incremental_book_L2",
    _QUOTES: "quotes or book_ticker",
    _TRADES: "trades",
}

_FLAGS = {"true": 1, "false": 0}
_BOOK_SIDES = {"bid": BUY, "ask": SELL}
_TAKERS = {"buy": BUY, "sell": SELL, "unknown": 0}
_NS_PER_US = 1_000
_FIRST_TIME_US, _LAST_TIME_US = 10**14, LARGEST // _NS_PER_US

_Level = tuple[int, int, int]


def is_tardis(header: list[str]) -> bool:
    """Return whether a file with this first line comes from Tardis."""
    return set(_KEYS) <= set(header)


@dataclass
class _Message:
    """What one message of the exchange said; several rows of a file."""

    local_us: int
    time_us: int
    snapshot: bool = False
    levels: list[_Level] = field(default_factory=list[_Level])  # prices and sizes in 1e-8
    row: tuple[int, ...] = ()  # of a trade or a quote


class _File:
    """One file, checked and taken apart."""

    def __init__(self, file: Path, price: Scale, size: Scale) -> None:
        self.file, self.price, self.size = file, price, size
        self.market = ("", "")
        self.messages: list[_Message] = []
        self.other_lines = 0
        rows = csv_rows(file)
        header = next(rows, (0, [""]))[1]
        self.kind: _Kind = next((names for names in _KINDS if set(names) <= set(header)), ())
        if not self.kind:
            raise DataError(f"{file}: not a CSV of Tardis that can be read; {_missing(header)}")
        self.places = [header.index(name) for name in self.kind]
        add: dict[_Kind, Callable[[int, int, list[str]], None]] = {
            _BOOK: self._add_level,
            _TRADES: self._add_trade,
            _QUOTES: self._add_quote,
        }
        self._add = add[self.kind]
        self.line_count = read_rows(file, rows, self._add_row)

    def _add_row(self, _line: int, fields: list[str]) -> None:
        row = [fields[place] for place in self.places]
        market = (row[0], row[1])
        if self.market != ("", "") and market != self.market:
            raise ValueError(f"{' '.join(market)} in a file of {' '.join(self.market)}; one only")
        self.market = market
        time_us, local_us = _time(_KEYS[2], row[2]), _time(_KEYS[3], row[3])
        last_us = self.messages[-1].local_us if self.messages else local_us
        if local_us < last_us:
            raise ValueError(
                f"local_timestamp {local_us} is earlier than {last_us} of a line before: the file "
                "is not in the order in which it was received"
            )
        self._add(time_us, local_us, row[4:])

    def _add_level(self, time_us: int, local_us: int, row: list[str]) -> None:
        snapshot = bool(choice("is_snapshot", row[0], _FLAGS))
        last = self.messages[-1] if self.messages else None
        if last is None or (last.local_us, last.snapshot) != (local_us, snapshot):
            last = _Message(local_us, time_us, snapshot)
            self.messages.append(last)
        side = choice("side", row[1], _BOOK_SIDES)
        last.levels.append((side, self._price(row[2]), self._size(row[3], zero=True)))

    def _add_trade(self, time_us: int, local_us: int, row: list[str]) -> None:
        side = choice("side", row[1], _TAKERS)
        if not side:
            self.other_lines += 1
            return
        # Some exchanges write letters: then trades are numbered.
        known = row[0].isascii() and row[0].isdecimal() and int(row[0]) <= LARGEST
        trade_id = int(row[0]) if known else len(self.messages) + 1
        values = (trade_id, self._price(row[2]), self._size(row[3]), side)
        self.messages.append(_Message(local_us, time_us, row=values))

    def _add_quote(self, time_us: int, local_us: int, row: list[str]) -> None:
        if not all(row):  # one side of the book is empty
            self.other_lines += 1
            return
        ask = self._price(row[1]), self._size(row[0])
        bid = self._price(row[2]), self._size(row[3])
        self.messages.append(_Message(local_us, time_us, row=(*bid, *ask)))

    def _price(self, text: str) -> int:
        return self.price.read(decimal_text("price", text))

    def _size(self, text: str, *, zero: bool = False) -> int:
        return self.size.read(decimal_text("amount", text), zero=zero)


def read_tardis(
    paths: Iterable[str | os.PathLike[str]],
    *,
    tick: Decimal | str | None = None,
    lot: Decimal | str | None = None,
) -> ExchangeStream:
    """Read files of one symbol, plain or compressed with gzip, into one stream.

    Messages are numbered in the order of their receipt, which serves as update id: Tardis has
    already put the book in order. A book that is sent anew, after a reconnection, is written as a
    change that removes what it does not name. A quote has the id of the last change of the book
    that was received by then. Trades whose side is unknown, and quotes of one side only, are left
    out and counted in `other_lines`.

    Args:
        paths: At most one file of each kind: `incremental_book_L2`, `trades`, and `quotes` or
            `book_ticker`.
        tick: Unit of prices, found as by `read_stream`.
        lot: Unit of sizes, found in the same way.

    Raises:
        DataError: A file is missing, corrupt, of another kind or symbol, or has a bad line.
    """
    price, size = Scale("price", "tick", tick), Scale("amount", "lot", lot)
    files = [_File(Path(path).expanduser(), price, size) for path in paths]
    _check(files)
    writer = _Writer(price, size)
    for kind, message in _in_order(files):
        writer.add(kind, message)
    writer.other_lines = sum(file.other_lines for file in files)
    lines = sum(file.line_count for file in files)
    return writer.stream(files[0].file, files[0].market[1], lines)


def _check(files: list[_File]) -> None:
    """Raise DataError unless the files are of different kinds and of one symbol."""
    if not files:
        raise DataError("no files of Tardis were given")
    for place, file in enumerate(files):
        if not file.line_count:
            raise DataError(f"{file.file}: holds no rows, only a header")
        for other in files[:place]:
            if other.kind == file.kind:
                kind = _KINDS[file.kind]
                raise DataError(f"{other.file} and {file.file} are both {kind}: give one of each")
            if other.market != file.market:
                both = f"{' '.join(other.market)} and {' '.join(file.market)}"
                raise DataError(f"{other.file} and {file.file} are of {both}: give one symbol")


def _in_order(files: list[_File]) -> Iterator[tuple[_Kind, _Message]]:
    """Yield kind and message in order of receipt, of all files."""
    kinds: list[_Kind] = list(_KINDS)
    everything = [
        (message.local_us, kinds.index(file.kind), place)
        for file in files
        for place, message in enumerate(file.messages)
    ]
    by_kind = {file.kind: file.messages for file in files}
    for _, kind, place in sorted(everything):
        yield kinds[kind], by_kind[kinds[kind]][place]


class _Writer(StreamRows):
    """Writes messages into tables, and numbers the changes of the book."""

    def __init__(self, price: Scale, size: Scale) -> None:
        super().__init__(price, size)
        self.rank = self.last_id = 0
        self.book: dict[tuple[int, int], int] | None = None

    def add(self, kind: _Kind, message: _Message) -> None:
        """Add one message."""
        self.rank += 1
        local_ns, time_ns = message.local_us * _NS_PER_US, message.time_us * _NS_PER_US
        event = (self.rank, local_ns, time_ns, NO_TIME)
        if kind == _TRADES:
            self.trades.append((*event, *message.row))
        elif kind == _QUOTES:
            self.tickers.append((*event, self.last_id, *message.row))
        else:
            self._add_book(event, message)

    def _add_book(self, event: tuple[int, ...], message: _Message) -> None:
        start, self.last_id = len(self.levels), self.last_id + 1
        levels = message.levels
        if message.snapshot:
            whole = {(side, price): size for side, price, size in levels if size}
            gone = [] if self.book is None else [key for key in self.book if key not in whole]
            levels = [(*key, 0) for key in gone] + [(*key, size) for key, size in whole.items()]
        self.levels += levels
        rows = (start, len(self.levels))
        if message.snapshot and self.book is None:
            self.snapshots.append((*event, self.last_id, *rows))
        else:
            ids = (self.last_id - 1, self.last_id, self.last_id)
            self.depth.append((*event, *ids, *rows))
        if message.snapshot or self.book is not None:
            self.book = {} if self.book is None else self.book
            for side, price, size in levels:
                if size:
                    self.book[side, price] = size
                else:
                    self.book.pop((side, price), None)


def _missing(header: list[str]) -> str:
    """Return what the header lacks of the kind that it is closest to."""
    wanted = min(_KINDS, key=lambda names: len(set(names) - set(header)))
    lacking = [name for name in wanted if name not in header]
    return f"as {_KINDS[wanted]} it lacks {', '.join(lacking)}: {nearest(lacking[0], header)}"


def _time(name: str, text: str) -> int:
    time_us = whole_number(name, text)
    if not _FIRST_TIME_US <= time_us <= _LAST_TIME_US:
        raise ValueError(f"{name} must be a time in microseconds since 1970, was {text}")
    return time_us
