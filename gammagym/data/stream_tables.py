"""Tables of a recorded market: what happened, as exact whole numbers, whoever wrote it down.

Readers of the formats (`exchange_stream`, `tardis`, `lobster`, `binance_csv`) fill `StreamRows`
line by line and get an `ExchangeStream`; what works with one need not know where it came from.
"""

from __future__ import annotations

import gzip
import math
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gammagym.errors import DataError

BUY, SELL = 1, -1  # a side of the book, and the side of who took
SNAPSHOT, DEPTH, TICKER, TRADE = 11, 12, 13, 14
NO_TIME = -1
LARGEST = 2**63 - 1

_DECIMALS = 8  # the exchange writes no more
_ONE = 10**_DECIMALS
_NUMBER = re.compile(r"[0-9]+(\.[0-9]*)?")

_EVENT = ("line", "receive_ns", "event_ns", "transaction_ns")


def _table(*names: str) -> np.dtype[np.void]:
    return np.dtype([(name, np.int64) for name in names])


_LEVEL = _table("side", "price_ticks", "size_lots")
_SNAPSHOT = _table(*_EVENT, "last_id", "level_start", "level_end")
_DEPTH = _table(*_EVENT, "previous_id", "first_id", "last_id", "level_start", "level_end")
_TICKER = _table(*_EVENT, "update_id", "bid_ticks", "bid_lots", "ask_ticks", "ask_lots")
_TRADE = _table(*_EVENT, "trade_id", "price_ticks", "size_lots", "side")


@dataclass(frozen=True)
class ExchangeStream:
    """One recorded stream. Tables are NumPy structured arrays of int64, in the order of the file.

    Every table but `levels` has `line` (of the file, from 1; if it came in several files, the rank
    of the event among those of all), `receive_ns` (the recorder's clock), `event_ns` and
    `transaction_ns` (the exchange's clock; `NO_TIME` where it gives none).

    Attributes:
        file: The file.
        symbol: What is traded.
        tick: Unit of every price.
        lot: Unit of every size.
        line_count: Lines that are not blank.
        other_lines: Lines that are left out: other events, and trades outside the book.
        snapshots: Whole books: `last_id`, `level_start`, `level_end`.
        depth: Changes of the book: `first_id` to `last_id` are the updates it sums up,
            `previous_id` is where the one before has to end, `level_start`, `level_end`.
        levels: Levels of snapshots and depth, one after the other: `side` (`BUY` for bids, `SELL`
            for asks), `price_ticks`, `size_lots` (what rests there now; 0: nothing any more).
        tickers: Best quotes: `update_id`, `bid_ticks`, `bid_lots`, `ask_ticks`, `ask_lots`.
        trades: `trade_id`, `price_ticks`, `size_lots`, `side` of the taker (`BUY` or `SELL`).
    """

    file: Path
    symbol: str
    tick: Decimal
    lot: Decimal
    line_count: int
    other_lines: int
    snapshots: NDArray[np.void]
    depth: NDArray[np.void]
    levels: NDArray[np.void]
    tickers: NDArray[np.void]
    trades: NDArray[np.void]

    def levels_of(self, row: np.void) -> list[tuple[int, int, int]]:
        """Return (side, price in ticks, size in lots) of a row of `snapshots` or `depth`."""
        return self.levels[row["level_start"] : row["level_end"]].tolist()

    def in_order(self) -> NDArray[np.int64]:
        """Return all events in the order of the file: kind and row in its table; shape (n, 2)."""
        tables = (self.snapshots, self.depth, self.tickers, self.trades)
        kinds = np.repeat((SNAPSHOT, DEPTH, TICKER, TRADE), [len(table) for table in tables])
        rows = np.concatenate([np.arange(len(table)) for table in tables])
        order = np.argsort(np.concatenate([table["line"] for table in tables]), kind="stable")
        return np.column_stack((kinds, rows))[order]


def open_lines(file: Path) -> Iterator[str]:
    """Yield the lines of a file, unpacked if need be."""
    try:
        with file.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b" or file.suffix == ".gz"
        with (gzip.open if packed else open)(file, "rt", encoding="utf-8-sig") as lines:
            yield from lines
    except FileNotFoundError as error:
        raise DataError(f"{file}: there is no such file of market data") from error
    except IsADirectoryError as error:
        raise DataError(f"{file}: is a folder, not a file of market data") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{file}: not a file of market data: not UTF-8 text") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{file}: the gzip data is corrupt or cut off: {error}") from error
    except (OSError, ValueError) as error:
        raise DataError(f"{file}: cannot be read: {error}") from error


def exchange_times(table: NDArray[Any]) -> NDArray[np.int64]:
    """Return when events happened (ns); where the exchange does not say so, when it told.

    Args:
        table: one of the event tables of an `ExchangeStream`, shape (n,).
    """
    times = table["transaction_ns"]
    return np.where(times == NO_TIME, table["event_ns"], times)


class Scale:
    """Turns decimal text into whole numbers of 1e-8 without rounding, and finds their unit."""

    def __init__(self, name: str, step_name: str, step: Decimal | str | None) -> None:
        self.name = name
        self.step_name = step_name
        self.given = 0
        self._known: dict[Any, int] = {}  # most texts come again and again
        if step is not None:
            try:
                self.given = self._exact(step_name, f"{Decimal(step):f}")
            except (ArithmeticError, ValueError, TypeError) as error:
                raise DataError(f"{step_name} must be such as '0.01', was {step!r}") from error
            if self.given == 0:
                raise DataError(f"{step_name} must be > 0, was {step}")

    def read(self, text: Any, *, zero: bool = False) -> int:
        """Return a number in units of 1e-8; ValueError if it is not one, or 0 against the rule."""
        found = self._known.get(text) if isinstance(text, str) else None
        if found is None:
            found = self._exact(self.name, text)
            if self.given and found % self.given:
                step = Decimal(self.given) / _ONE
                raise ValueError(
                    f"{self.name} {text} is no multiple of the {self.step_name} {step}"
                )
            self._known[text] = found
        if found == 0 and not zero:
            raise ValueError(f"{self.name} must be > 0, was {text}")
        return found

    def step(self) -> int:
        """Return the unit: the given one, or the largest 1, 0.1, ... that fits every number."""
        common = math.gcd(*self._known.values())
        step = _ONE
        while common % step:
            step //= 10
        return self.given or step

    @staticmethod
    def _exact(name: str, text: Any) -> int:
        if not isinstance(text, str) or not _NUMBER.fullmatch(text):
            raise ValueError(f"{name} must be a decimal number in quotes, was {text!r}")
        whole, _, fraction = text.partition(".")
        fraction = fraction.rstrip("0")
        if len(fraction) > _DECIMALS:
            raise ValueError(f"{name} {text} has more than {_DECIMALS} decimals")
        number = int(whole) * _ONE + int(fraction.ljust(_DECIMALS, "0"))
        if number > LARGEST:
            raise ValueError(f"{name} {text} is too large")
        return number


class StreamRows:
    """Gathers rows line by line; prices and sizes stay in 1e-8 until their units are known."""

    def __init__(self, price: Scale, size: Scale) -> None:
        self.price, self.size = price, size
        self.other_lines = 0
        self.snapshots: list[tuple[int, ...]] = []
        self.depth: list[tuple[int, ...]] = []
        self.levels: list[tuple[int, int, int]] = []
        self.tickers: list[tuple[int, ...]] = []
        self.trades: list[tuple[int, ...]] = []

    def stream(self, file: Path, symbol: str, line_count: int) -> ExchangeStream:
        """Return what was gathered, in ticks and lots."""
        tick, lot = self.price.step(), self.size.step()
        tables = {
            "snapshots": np.array(self.snapshots, _SNAPSHOT),
            "depth": np.array(self.depth, _DEPTH),
            "levels": np.array(self.levels, _LEVEL),
            "tickers": np.array(self.tickers, _TICKER),
            "trades": np.array(self.trades, _TRADE),
        }
        for table in tables.values():
            for name in table.dtype.names or ():
                if name.endswith(("_ticks", "_lots")):
                    table[name] //= tick if name.endswith("_ticks") else lot
        return ExchangeStream(
            file=file,
            symbol=symbol,
            tick=(Decimal(tick) / _ONE).normalize(),
            lot=(Decimal(lot) / _ONE).normalize(),
            line_count=line_count,
            other_lines=self.other_lines,
            **tables,
        )
