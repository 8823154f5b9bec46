"""Read a file of real prices, and turn it into the tape that a replay plays."""

from __future__ import annotations

import csv
import gzip
import math
import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gammagym.errors import DataError, nearest

YEAR_NS = 365 * 86_400 * 1_000_000_000
LONGEST_TAPE = 100_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_EPOCH_NUMBER = re.compile(r"[0-9]{1,19}(\.[0-9]+)?")
_LARGEST_NS = 2**63 - 1
# data.binance.vision: files of futures name these columns, those of spot have no header.
KLINE_COLUMNS = (
    *("open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume"),
    *("count", "taker_buy_volume", "taker_buy_quote_volume", "ignore"),
)
_FIRST_KLINE = 1e12  # ms since 1970; no price is as high


@dataclass(frozen=True)
class PriceSeries:
    """Prices in order of time.

    Attributes:
        times_ns: Times since 1970 UTC (ns), int64, strictly increasing; shape (n,), n >= 2.
        prices: Prices, float64, > 0; shape (n,).
        step_ns: Median time between two prices (ns).
    """

    times_ns: NDArray[np.int64]
    prices: NDArray[np.float64]
    step_ns: int


def known_prices(path: str | os.PathLike[str]) -> PriceSeries:
    """Return what `read_prices` reads; the last file is remembered until it changes."""
    file = Path(path).expanduser()
    try:
        state = file.stat()
    except OSError:
        return read_prices(file)  # which says what is wrong
    return _remembered(file, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=1)
def _remembered(file: Path, changed_ns: int, size: int) -> PriceSeries:  # noqa: ARG001
    return read_prices(file)


def read_prices(path: str | os.PathLike[str]) -> PriceSeries:
    """Read a CSV of prices, plain or compressed with gzip.

    The first line names the columns, in any case: `timestamp`, and `price` or `close`; others are
    ignored. A timestamp is ISO text (UTC unless it says otherwise) or a number of seconds,
    milliseconds, microseconds or nanoseconds since 1970, told apart by the size of the first one.
    Public klines of Binance are known with and without their header; their time is `close_time`.

    Args:
        path: The file.

    Raises:
        DataError: If the file is missing, is not such a CSV, or has a bad row (with its line).
    """
    file = Path(path).expanduser()
    times: list[int] = []
    prices: list[float] = []
    unit_ns = 0
    rows = _rows(file, _text(file))
    header = next((names for _, names in rows), [""])
    if is_kline(header):
        rows, header = _rows(file, _text(file)), list(KLINE_COLUMNS)
    time_column, price_column = _columns(file, header)
    for line, row in rows:
        if len(row) != len(header):
            raise DataError(f"{file}, line {line}: {len(header)} fields expected, {len(row)} found")
        if not times and _EPOCH_NUMBER.fullmatch(row[time_column].strip()):
            unit_ns = _epoch_unit_ns(float(row[time_column]))
        time_ns = _time_ns(file, line, row[time_column].strip(), unit_ns)
        if times and time_ns <= times[-1]:
            what = "repeats" if time_ns == times[-1] else "is earlier than"
            raise DataError(
                f"{file}, line {line}: timestamp {row[time_column]!r} {what} the one before; "
                "times must increase"
            )
        times.append(time_ns)
        prices.append(_price(file, line, row[price_column]))
    if len(times) < 2:
        raise DataError(f"{file}: at least 2 rows of prices are needed, {len(times)} found")
    times_ns = np.array(times, np.int64)
    return PriceSeries(times_ns, np.array(prices), int(np.median(np.diff(times_ns))))


def tape(series: PriceSeries, step_ns: int) -> NDArray[np.float64]:
    """Return prices on a regular grid from the first time on; gaps carry the previous price.

    Args:
        series: The prices.
        step_ns: Time between two points of the grid (ns), > 0.

    Returns:
        float64, shape (k,), where point i is the last price at or before first time + i * step.

    Raises:
        DataError: If the step is not positive or the grid would be too long.

    >>> series = PriceSeries(np.array([0, 1, 4]), np.array([10.0, 11.0, 12.0]), 1)
    >>> tape(series, 1).tolist()
    [10.0, 11.0, 11.0, 11.0, 12.0]
    """
    first, last = int(series.times_ns[0]), int(series.times_ns[-1])
    if step_ns <= 0:
        raise DataError(f"the step of a price tape must be > 0 ns, was {step_ns}")
    points = (last - first) // step_ns + 1
    if points > LONGEST_TAPE:
        raise DataError(
            f"a price tape of {points:,} points is too long (at most {LONGEST_TAPE:,}): "
            f"take a step longer than {step_ns} ns or a shorter file"
        )
    grid = first + step_ns * np.arange(points, dtype=np.int64)
    return series.prices[np.searchsorted(series.times_ns, grid, side="right") - 1]


def mirrored(prices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return prices with their log returns negated, from the same first price on.

    Every price p becomes first^2 / p. The length of every return stays as it is, and so does all
    that volatility is.

    >>> mirrored(np.array([100.0, 50.0, 125.0])).tolist()
    [100.0, 200.0, 80.0]
    """
    return prices[0] ** 2 / prices


def annual_volatility(series: PriceSeries) -> float:
    """Return the realised volatility of a series, annualised over 365 days.

    The sum of squared log returns over the time they span: the mean is taken as zero, and unequal
    steps and gaps count with their true length.

    >>> series = PriceSeries(np.array([0, YEAR_NS // 4]), np.array([100.0, 110.0]), YEAR_NS // 4)
    >>> round(annual_volatility(series), 6)
    0.19062
    """
    returns = np.diff(np.log(series.prices))
    years = int(series.times_ns[-1] - series.times_ns[0]) / YEAR_NS
    return math.sqrt(float(returns @ returns) / years)


def _text(file: Path) -> str:
    """Return the text of a file, unpacked if need be."""
    try:
        raw = file.read_bytes()
    except FileNotFoundError as error:
        raise DataError(f"{file}: there is no such file of prices") from error
    except IsADirectoryError as error:
        raise DataError(f"{file}: is a folder, not a file of prices") from error
    except (OSError, ValueError) as error:
        raise DataError(f"{file}: cannot be read: {error}") from error
    if raw[:2] == b"\x1f\x8b" or file.suffix == ".gz":
        try:
            raw = gzip.decompress(raw)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{file}: the gzip data is corrupt or cut off: {error}") from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{file}: not a CSV: not UTF-8 text (byte {error.start})") from error


def _rows(file: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield line numbers and fields of the lines that are not blank."""
    reader = csv.reader(text.splitlines(), strict=True)
    try:
        for row in reader:
            if row and not (len(row) == 1 and not row[0].strip()):
                yield reader.line_num, row
    except csv.Error as error:
        raise DataError(f"{file}, line {reader.line_num}: not a CSV: {error}") from error


def is_kline(fields: list[str]) -> bool:
    """Return whether a first line is that of Binance's klines without a header."""
    numbers = all(_EPOCH_NUMBER.fullmatch(field.strip()) for field in fields)
    is_time = numbers and float(fields[0]) >= _FIRST_KLINE
    return is_time and len(fields) == len(KLINE_COLUMNS)


def _columns(file: Path, header: list[str]) -> tuple[int, int]:
    """Return the places of the time and the price among the columns."""
    names = [name.strip().lower() for name in header]
    if set(KLINE_COLUMNS[:7]) <= set(names):
        return names.index("close_time"), names.index("close")
    if len(names) < 2:
        raise DataError(
            f"{file}: not a CSV of prices: line 1 must name the columns, such as 'timestamp,price'"
        )
    price = next((name for name in ("price", "close") if name in names), None)
    missing = ["timestamp"] if "timestamp" not in names else []
    missing += ["price or close"] if price is None else []
    if missing or price is None:
        hint = nearest("timestamp", names) if missing == ["timestamp"] else ", ".join(names)
        raise DataError(f"{file}: no column {' and no column '.join(missing)}; line 1 has: {hint}")
    return names.index("timestamp"), names.index(price)


def _epoch_unit_ns(number: float) -> int:
    """Return the unit of a time since 1970: all four mean the years 1973 to 5138."""
    for limit, unit_ns in ((1e11, 1_000_000_000), (1e14, 1_000_000), (1e17, 1_000)):
        if number < limit:
            return unit_ns
    return 1


def _time_ns(file: Path, line: int, text: str, unit_ns: int) -> int:
    """Return a timestamp in nanoseconds; a unit of 0 means ISO text."""
    try:
        if unit_ns:
            if not _EPOCH_NUMBER.fullmatch(text):
                raise ValueError
            whole, _, fraction = text.partition(".")
            time_ns = int(whole) * unit_ns + int(float(f"0.{fraction or 0}") * unit_ns)
        else:
            moment = datetime.fromisoformat(text)
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
            time_ns = (moment - _EPOCH) // _MICROSECOND * 1_000
    except (ValueError, OverflowError) as error:
        raise DataError(
            f"{file}, line {line}: timestamp {text!r} is neither ISO text such as "
            "'2022-01-01T00:00:00' nor a number of s, ms, us or ns since 1970"
        ) from error
    if abs(time_ns) > _LARGEST_NS:
        raise DataError(f"{file}, line {line}: timestamp {text!r} is beyond the year 2262")
    return time_ns


def _price(file: Path, line: int, text: str) -> float:
    try:
        price = float(text)
    except ValueError as error:
        raise DataError(f"{file}, line {line}: price {text!r} is not a number") from error
    if not (math.isfinite(price) and price > 0):
        raise DataError(f"{file}, line {line}: price must be finite and > 0, was {text.strip()}")
    return price
