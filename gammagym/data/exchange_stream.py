"""Read a recorded exchange stream: depth, best quotes and trades, as exact whole numbers.

Each line of such a file is the time of receipt (ns), a space, and the exchange's own JSON: a depth
update, a best quote (`bookTicker`), a trade, or a snapshot of the book. Three markets of Binance
write them in different ways; the differences end in this module.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from gammagym.data.stream_tables import (
    BUY,
    DEPTH,
    LARGEST,
    NO_TIME,
    SELL,
    SNAPSHOT,
    TICKER,
    TRADE,
    ExchangeStream,
    Scale,
    StreamRows,
    exchange_times,
    open_lines,
)
from gammagym.errors import DataError

__all__ = [
    "BUY",
    "DEPTH",
    "NO_TIME",
    "SELL",
    "SNAPSHOT",
    "TICKER",
    "TRADE",
    "ExchangeStream",
    "exchange_times",
    "read_stream",
]

_NS_PER_MS = 1_000_000


def read_stream(
    path: str | os.PathLike[str],
    *,
    tick: Decimal | str | None = None,
    lot: Decimal | str | None = None,
) -> ExchangeStream:
    """Read a recorded stream of one symbol, plain or compressed with gzip.

    Args:
        path: The file.
        tick: Unit of prices. By default the largest of 1, 0.1, 0.01, ... that fits every price of
            the file; give a tick that is no power of ten, such as "0.5".
        lot: Unit of sizes, found in the same way.

    Raises:
        DataError: If the file is missing or corrupt, or has a bad line (which is named).
    """
    file = Path(path).expanduser()
    reader = _Reader(Scale("price", "tick", tick), Scale("size", "lot", lot))
    line_count = 0
    for line, text in enumerate(open_lines(file), 1):
        if not text or text.isspace():
            continue
        line_count += 1
        try:
            reader.add(line, text)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{file}, line {line}: {error}") from error
    if not line_count:
        raise DataError(f"{file}: holds no events; expected lines such as '1723161255030 {{...}}'")
    return reader.stream(file, reader.symbol, line_count)


class _Reader(StreamRows):
    """Gathers the rows of a recorded stream line by line."""

    def __init__(self, price: Scale, size: Scale) -> None:
        super().__init__(price, size)
        self.symbol = ""
        self._by_event: dict[str, Callable[[tuple[int, ...], dict[str, Any]], None]] = {
            "depthUpdate": self._add_depth,
            "bookTicker": self._add_ticker,
            "trade": self._add_trade,
        }

    def add(self, line: int, text: str) -> None:
        """Add one line; ValueError says what is wrong with it."""
        receive, _, body = text.partition(" ")
        if not (receive.isascii() and receive.isdecimal() and int(receive) <= LARGEST):
            raise ValueError(f"must begin with the time of receipt in ns, began with {receive!r}")
        data = _message(body)
        event = (line, int(receive), _time_ns(data, "E"), _time_ns(data, "T"))
        self._check_symbol(data)
        if "lastUpdateId" in data:
            levels = self._add_levels(data, "bids", "asks", zero=False)
            self.snapshots.append((*event, _whole(data, "lastUpdateId"), *levels))
            return
        name = data.get("e", "bookTicker" if "B" in data else None)  # spot quotes have no name
        if not isinstance(name, str):
            raise ValueError("neither an event ('e') nor a snapshot ('lastUpdateId')")
        if name in self._by_event:
            self._by_event[name](event, data)
        else:
            self.other_lines += 1

    def _check_symbol(self, data: dict[str, Any]) -> None:
        symbol = data.get("s", data.get("symbol", self.symbol))
        if self.symbol and symbol != self.symbol:
            raise ValueError(
                f"symbol {symbol!r} in a file of {self.symbol!r}; only one may be there"
            )
        self.symbol = str(symbol)

    def _add_depth(self, event: tuple[int, ...], data: dict[str, Any]) -> None:
        first_id, last_id = _whole(data, "U"), _whole(data, "u")
        # Futures name the update before. Spot numbers the updates of a symbol without holes.
        previous_id = _whole(data, "pu") if "pu" in data else first_id - 1
        if not previous_id < first_id <= last_id:
            ids = f"{previous_id}, {first_id}, {last_id}"
            raise ValueError(f"update ids must be pu < U <= u, were {ids}")
        levels = self._add_levels(data, "b", "a", zero=True)
        self.depth.append((*event, previous_id, first_id, last_id, *levels))

    def _add_levels(
        self, data: dict[str, Any], bids: str, asks: str, *, zero: bool
    ) -> tuple[int, int]:
        start = len(self.levels)
        for side, key in ((BUY, bids), (SELL, asks)):
            rows = data.get(key)
            if not isinstance(rows, list):
                raise ValueError(f"{key!r} must be a list of levels, was {rows!r}")
            for row in rows:
                if not (isinstance(row, list) and len(row) >= 2):
                    raise ValueError(f"a level of {key!r} must be [price, size], was {row!r}")
                size = self.size.read(row[1], zero=zero)
                self.levels.append((side, self.price.read(row[0]), size))
        return start, len(self.levels)

    def _add_ticker(self, event: tuple[int, ...], data: dict[str, Any]) -> None:
        bid = self.price.read(data.get("b")), self.size.read(data.get("B"))
        ask = self.price.read(data.get("a")), self.size.read(data.get("A"))
        self.tickers.append((*event, _whole(data, "u"), *bid, *ask))

    def _add_trade(self, event: tuple[int, ...], data: dict[str, Any]) -> None:
        if data.get("X", "MARKET") != "MARKET":  # insurance fund and the like: not from the book
            self.other_lines += 1
            return
        maker_buys = data.get("m")
        if not isinstance(maker_buys, bool):
            raise ValueError(f"'m' (the maker buys) must be true or false, was {maker_buys!r}")
        price, size = self.price.read(data.get("p")), self.size.read(data.get("q"))
        self.trades.append((*event, _whole(data, "t"), price, size, SELL if maker_buys else BUY))


def _message(body: str) -> dict[str, Any]:
    """Return the exchange's message, taken out of the wrapper of a combined stream."""
    try:
        message: Any = json.loads(body)
    except ValueError as error:
        raise ValueError(f"not JSON after the time of receipt: {error}") from error
    data: Any = message.get("data", message) if isinstance(message, dict) else message
    if not isinstance(data, dict):
        raise ValueError("the message must be a JSON object")
    return data


def _whole(data: dict[str, Any], key: str) -> int:
    value = data.get(key)
    if type(value) is not int or not 0 <= value <= LARGEST:
        raise ValueError(f"{key!r} must be a whole number >= 0, was {value!r}")
    return value


def _time_ns(data: dict[str, Any], key: str) -> int:
    if key not in data:
        return NO_TIME
    time_ns = _whole(data, key) * _NS_PER_MS
    if time_ns > LARGEST:
        raise ValueError(f"{key!r} must be a time in ms, was {data[key]}")
    return time_ns
