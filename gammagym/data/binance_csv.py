"""Read public trades of Binance (data.binance.vision): a stream that has trades and no book.

The columns are documented in the repository binance/binance-public-data: trade id, price, quantity,
quantity in quote currency, time, whether the buyer was the maker, and for spot whether it was the
best match. Files of futures name them in a header, those of spot do not. Times are milliseconds,
since 2025 microseconds for spot. Klines are read by `prices.read_prices`.
"""

from __future__ import annotations

import os
from decimal import Decimal
from itertools import chain
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
from gammagym.errors import DataError

_COLUMNS = ("id", "price", "qty", "quote_qty", "time", "is_buyer_maker")
_MAKER_BUYS = {"true": SELL, "false": BUY}
_FIRST_US = 10**14  # as a number of milliseconds it would be the year 5138


def is_trades(fields: list[str]) -> bool:
    """Return whether a first line is that of such a file, with or without a header."""
    return _is_header(fields) or (
        len(fields) in (6, 7) and fields[5].lower() in _MAKER_BUYS and fields[0].isdecimal()
    )


def read_trades(
    path: str | os.PathLike[str],
    *,
    tick: Decimal | str | None = None,
    lot: Decimal | str | None = None,
) -> ExchangeStream:
    """Read a file, plain or compressed with gzip.

    Args:
        path: The file; the symbol is what its name begins with.
        tick: Unit of prices, found as by `read_stream`.
        lot: Unit of sizes, found in the same way.

    Raises:
        DataError: If the file is missing or corrupt, or has a bad line.
    """
    file = Path(path).expanduser()
    rows = csv_rows(file)
    first = next(rows, (0, [""]))
    if not is_trades(first[1]):
        raise DataError(f"{file}, line {first[0]}: not trades of Binance: {', '.join(_COLUMNS)}")
    reader = _Reader(Scale("price", "tick", tick), Scale("qty", "lot", lot))
    count = read_rows(file, rows if _is_header(first[1]) else chain([first], rows), reader.add)
    if not count:
        raise DataError(f"{file}: holds no trades, only a header")
    return reader.stream(file, file.name.partition("-")[0], count)


def _is_header(fields: list[str]) -> bool:
    return tuple(fields[: len(_COLUMNS)]) == _COLUMNS


class _Reader(StreamRows):
    def add(self, line: int, fields: list[str]) -> None:
        """Add one trade."""
        time = whole_number("time", fields[4])
        time_ns = time * (1_000 if time >= _FIRST_US else 1_000_000)
        if time_ns > LARGEST:
            raise ValueError(f"time must be in ms or us since 1970, was {fields[4]}")
        if self.trades and time_ns < self.trades[-1][1]:
            raise ValueError(f"time {fields[4]} is earlier than that of the line before")
        price = self.price.read(decimal_text("price", fields[1]))
        size = self.size.read(decimal_text("qty", fields[2]))
        side = choice("is_buyer_maker", fields[5].lower(), _MAKER_BUYS)
        trade_id = whole_number("id", fields[0])
        event = (line, time_ns, time_ns, NO_TIME)
        self.trades.append((*event, trade_id, price, size, side))
