"""Read a pair of LOBSTER files: the messages of a Nasdaq stock, and the book after each of them.

The format is documented at lobsterdata.com, "Output Structure". Neither file has a header. Messages
are time (s after midnight), type, order id, size, price (dollars times 10,000), direction of the
order (1 buys, -1 sells). The book has, for each level from the best on, ask price, ask size, bid
price and bid size; levels that are not there have the price 9999999999 or -9999999999.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path

from gammagym.data.csv_fields import choice, csv_rows, read_rows, whole_number
from gammagym.data.stream_tables import BUY, NO_TIME, SELL, ExchangeStream, Scale, StreamRows
from gammagym.errors import DataError

MESSAGE_FIELDS = 6
_EXECUTION = "4"
# Hidden executions, crosses and halts: nothing that rests in the book trades.
_BOOK_TYPES = {"1": 1, "2": 2, "3": 3, _EXECUTION: 4}
_OTHER_TYPES = ("5", "6", "7")
_NO_PRICE = 9_999_999_999
_PRICE_UNIT = 10**4  # of their prices to ours, in 1e-8
_SIZE_UNIT = 10**8
_TIME = re.compile(r"([0-9]{1,5})(?:\.([0-9]{1,9})[0-9]*)?")
_NAME = re.compile(r"(?P<symbol>[^_]+)_(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})_")
_NS = 10**9


def is_message(fields: list[str]) -> bool:
    """Return whether a first line is that of a file of messages."""
    return (
        len(fields) == MESSAGE_FIELDS
        and _TIME.fullmatch(fields[0]) is not None
        and fields[1] in (*_BOOK_TYPES, *_OTHER_TYPES)
        and fields[5] in ("1", "-1")
    )


def is_book(fields: list[str]) -> bool:
    """Return whether a first line is that of a file of books."""
    whole = all(re.fullmatch(r"-?[0-9]+", field) for field in fields)
    prices = fields[::2]
    return whole and len(fields) % 4 == 0 and all(abs(int(each)) <= _NO_PRICE for each in prices)


def read_lobster(messages: str | os.PathLike[str], books: str | os.PathLike[str]) -> ExchangeStream:
    """Read a pair of files, plain or compressed with gzip.

    The book after the first message is the snapshot, each later one a change of it. Levels that
    leave the window of the file are kept as they were last seen: the best levels, as many as the
    file has, are always those of the file. Whenever the touch changes there is a quote. Executions
    of visible orders are the trades; hidden ones, crosses and halts are counted in `other_lines`.
    Times count from midnight of the day in the file's name, as if the exchange were in UTC; without
    one from 1970.

    Args:
        messages: The file of messages.
        books: The file of books, one line for each message.

    Raises:
        DataError: A file is missing or corrupt, has a bad line, or they do not belong together.
    """
    message_file, book_file = Path(messages).expanduser(), Path(books).expanduser()
    named = _NAME.match(message_file.name)
    reader = _Reader(_midnight_ns(named["day"]) if named else 0)
    count = read_rows(message_file, csv_rows(message_file), reader.add_message)
    rows = read_rows(book_file, csv_rows(book_file), reader.add_book)
    if count != rows:
        raise DataError(
            f"{message_file} has {count:,} lines and {book_file} has {rows:,}: a pair has one book "
            "for each message"
        )
    if not count:
        raise DataError(f"{message_file}: holds no messages")
    return reader.stream(message_file, named["symbol"] if named else "", count)


class _Reader(StreamRows):
    """Gathers messages, then the books that belong to them."""

    def __init__(self, midnight_ns: int) -> None:
        super().__init__(Scale("price", "tick", None), Scale("size", "lot", "1"))
        self.midnight_ns = midnight_ns
        self.times: list[int] = []
        self.lines: list[int] = []
        self.book: dict[tuple[int, int], int] = {}
        self.touch: tuple[int, ...] = ()

    def add_message(self, line: int, fields: list[str]) -> None:
        """Add a line of messages."""
        if len(fields) != MESSAGE_FIELDS:
            raise ValueError(f"a message has {MESSAGE_FIELDS} fields, {len(fields)} were found")
        time_ns = self.midnight_ns + _time_ns(fields[0])
        if self.times and time_ns < self.times[-1]:
            raise ValueError(f"time {fields[0]} is earlier than that of the line before")
        self.times.append(time_ns)
        self.lines.append(line)
        if fields[1] in _OTHER_TYPES:
            self.other_lines += 1
            return
        choice("type", fields[1], _BOOK_TYPES)
        order_id, size = whole_number("order id", fields[2]), self._size(fields[3])
        price = self._price(fields[4])
        side = choice("direction", fields[5], {"1": BUY, "-1": SELL})
        if fields[1] == _EXECUTION:
            self.trades.append((*self._event(line, time_ns), order_id, price, size, -side))

    def add_book(self, line: int, fields: list[str]) -> None:
        """Add the book after the message of the same rank."""
        if len(fields) % 4:
            raise ValueError(f"4 fields for each level expected, {len(fields)} found")
        rank = len(self.depth) + len(self.snapshots)
        if rank >= len(self.times):
            raise ValueError("there is no message for this book")
        if self.lines[rank] != line:
            raise ValueError(f"its message is in line {self.lines[rank]} of the other file")
        seen = self._seen(fields)
        event, start = self._event(line, self.times[rank]), len(self.levels)
        self._note_changes(seen, window=len(fields) // 4)
        rows = (start, len(self.levels))
        if rank == 0:
            self.snapshots.append((*event, 1, *rows))
        else:
            self.depth.append((*event, rank, rank + 1, rank + 1, *rows))
        touch = self._touch(seen)
        if touch and touch != self.touch:
            self.tickers.append((*event, rank + 1, *touch))
        self.touch = touch or self.touch

    def _seen(self, fields: list[str]) -> dict[tuple[int, int], int]:
        """Return size by side and price, the best first on each side."""
        seen: dict[tuple[int, int], int] = {}
        for place in range(0, len(fields), 4):
            for side, offset in ((SELL, place), (BUY, place + 2)):
                if fields[offset].lstrip("-") != str(_NO_PRICE):
                    seen[side, self._price(fields[offset])] = self._size(fields[offset + 1])
        return seen

    def _note_changes(self, seen: dict[tuple[int, int], int], window: int) -> None:
        """Write the levels that differ; one that would be seen if it were there, and is not, goes.

        A side with fewer levels than the window is seen to its end.
        """
        for side in (BUY, SELL):
            prices = [price for each, price in seen if each == side]
            for key in [key for key in self.book if key[0] == side and key not in seen]:
                if len(prices) < window or (key[1] - prices[-1]) * side > 0:
                    del self.book[key]
                    self.levels.append((*key, 0))
        for key, size in seen.items():
            if self.book.get(key) != size:
                self.book[key] = size
                self.levels.append((*key, size))

    @staticmethod
    def _touch(seen: dict[tuple[int, int], int]) -> tuple[int, ...]:
        """Return bid, size, ask, size; nothing if a side is empty."""
        bid = next((key for key in seen if key[0] == BUY), None)
        ask = next((key for key in seen if key[0] == SELL), None)
        return (bid[1], seen[bid], ask[1], seen[ask]) if bid and ask else ()

    @staticmethod
    def _event(line: int, time_ns: int) -> tuple[int, ...]:
        return (line, time_ns, time_ns, NO_TIME)

    def _price(self, text: str) -> int:
        number = whole_number("price", text)
        return self.price.read(f"{number // _PRICE_UNIT}.{number % _PRICE_UNIT:04d}")

    def _size(self, text: str) -> int:
        return self.size.read(str(whole_number("size", text)))


def _time_ns(text: str) -> int:
    match = _TIME.fullmatch(text)
    if not match:
        raise ValueError(f"time must be seconds after midnight, was {text!r}")
    return int(match[1]) * _NS + int((match[2] or "").ljust(9, "0"))


def _midnight_ns(day: str) -> int:
    try:
        return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * _NS
    except ValueError:
        return 0
