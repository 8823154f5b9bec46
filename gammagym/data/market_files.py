"""Read files of market data of whatever format, told apart by their first line."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gammagym.data import binance_csv, lobster, tardis
from gammagym.data.exchange_stream import ExchangeStream, read_stream
from gammagym.data.prices import PriceSeries, is_kline, read_prices
from gammagym.data.stream_tables import open_lines
from gammagym.errors import DataError

_RECORDED, _TARDIS, _TRADES = "a recorded stream", "Tardis", "trades of Binance"
_MESSAGES, _BOOKS, _PRICES = "messages of LOBSTER", "books of LOBSTER", "prices"
_KNOWN = (
    "known are recorded streams ('1723161255030 {...}'), CSVs of Tardis, pairs of LOBSTER, trades "
    "and klines of Binance, and CSVs of prices with a header such as 'timestamp,price'"
)


@dataclass(frozen=True)
class MarketFiles:
    """What some files hold.

    Attributes:
        stream: Events of one market, or None.
        prices: Prices, or None.
        formats: What each file was taken for, by its path.
    """

    stream: ExchangeStream | None
    prices: PriceSeries | None
    formats: dict[str, str]


def recognise(path: str | os.PathLike[str]) -> str:
    """Return what a file is, by its first line.

    Raises:
        DataError: It is missing or corrupt, or of no known format.
    """
    file = Path(path).expanduser()
    text = next((text for text in open_lines(file) if not text.isspace()), "").strip()
    fields = [field.strip() for field in text.split(",")]
    names = {field.lower() for field in fields}
    if text.partition(" ")[0].isdecimal() and "{" in text:
        return _RECORDED
    if tardis.is_tardis(fields):
        return _TARDIS
    if binance_csv.is_trades(fields):
        return _TRADES
    if is_kline(fields) or names & {"timestamp", "open_time"}:
        return _PRICES
    if lobster.is_message(fields):
        return _MESSAGES
    if lobster.is_book(fields):
        return _BOOKS
    shown = f"{text[:60]}..." if len(text) > 60 else text
    raise DataError(f"{file}: no known format, its first line is {shown!r}; {_KNOWN}")


def read_market_files(paths: Iterable[str | os.PathLike[str]]) -> MarketFiles:
    """Read files of one market: at most one stream, in one file or in several, and one of prices.

    Raises:
        DataError: There are none, one cannot be read, or they are of more than one market.
    """
    formats = {os.fspath(path): recognise(path) for path in paths}
    if not formats:
        raise DataError(f"no files of market data were given; {_KNOWN}")
    of = {name: [path for path in formats if formats[path] == name] for name in formats.values()}
    for name in (_RECORDED, _TRADES, _MESSAGES, _BOOKS, _PRICES):
        if len(of.get(name, ())) > 1:
            raise DataError(f"{', '.join(of[name])}: all are {name}; give one of one market")
    groups = [of[name] for name in (_RECORDED, _TRADES, _TARDIS, _MESSAGES) if name in of]
    if len(groups) > 1:
        both = "; ".join(f"{path}: {formats[path]}" for group in groups for path in group)
        raise DataError(f"these are streams of more than one kind, give one: {both}")
    return MarketFiles(
        stream=_stream(of),
        prices=read_prices(of[_PRICES][0]) if _PRICES in of else None,
        formats=formats,
    )


def _stream(of: dict[str, list[str]]) -> ExchangeStream | None:
    if (_MESSAGES in of) != (_BOOKS in of):
        (have,), lacks = (of[_MESSAGES], _BOOKS) if _MESSAGES in of else (of[_BOOKS], _MESSAGES)
        raise DataError(f"{have}: LOBSTER files come in pairs; the {lacks} are missing")
    if _MESSAGES in of:
        return lobster.read_lobster(of[_MESSAGES][0], of[_BOOKS][0])
    if _TARDIS in of:
        return tardis.read_tardis(of[_TARDIS])
    if _TRADES in of:
        return binance_csv.read_trades(of[_TRADES][0])
    return read_stream(of[_RECORDED][0]) if _RECORDED in of else None
