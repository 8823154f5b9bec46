"""Reading files of real prices."""

from __future__ import annotations

import gzip
import math
import os
from pathlib import Path

import numpy as np
import pytest

from gammagym.data.prices import YEAR_NS, PriceSeries, annual_volatility, read_prices, tape
from gammagym.errors import DataError

MINUTE_NS = 60_000_000_000
NEW_YEAR_NS = 1_640_995_200_000_000_000
GOOD = "timestamp,price\n2022-01-01T00:00:00,100\n2022-01-01T00:01:00,101.5\n"

ROOT = Path(__file__).resolve().parents[3]
REAL = Path(os.environ.get("GAMMAGYM_DATA", ROOT / ".." / "shared" / "data"))
REAL_FILE = REAL / "btc_perp_1min_2022-01.csv.gz"


def written(folder: Path, text: str | bytes, name: str = "prices.csv") -> Path:
    """Write a file and return its path."""
    file = folder / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def series(times: list[int], prices: list[float]) -> PriceSeries:
    """Return a series of prices without a file."""
    times_ns = np.array(times, np.int64)
    return PriceSeries(times_ns, np.array(prices), int(np.median(np.diff(times_ns))))


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        "\ufeff" + GOOD.replace("\n", "\r\n") + "\r\n\r\n",
        "Price,extra,TIMESTAMP\n100,x,2022-01-01 00:00:00Z\n101.5,y,2022-01-01 00:01:00+00:00\n",
        "timestamp,open,high,low,CLOSE\n1640995200,1,2,3,100\n1640995260,1,2,3,101.5\n",
        "timestamp,price\n1640995200000,100\n1640995260000,101.5\n",
        "timestamp,price\n1640995200000000,100\n1640995260000000,101.5\n",
        "timestamp,price\n1640995200000000000,100\n1640995260000000000,101.5\n",
        "timestamp,price\n2022-01-01T01:00:00+01:00,100\n2022-01-01T01:01:00+01:00,101.5\n",
    ],
)
def test_all_notations_of_the_same_prices_read_the_same(tmp_path: Path, text: str) -> None:
    result = read_prices(written(tmp_path, text))
    assert result.times_ns.tolist() == [NEW_YEAR_NS, NEW_YEAR_NS + MINUTE_NS]
    assert result.prices.tolist() == [100.0, 101.5]
    assert (result.times_ns.dtype, result.prices.dtype) == (np.int64, np.float64)
    assert result.step_ns == MINUTE_NS


def test_a_compressed_file_reads_like_a_plain_one(tmp_path: Path) -> None:
    file = written(tmp_path, gzip.compress(GOOD.encode()), "prices.csv.gz")
    assert read_prices(file).prices.tolist() == [100.0, 101.5]


def test_fractions_of_seconds_are_kept(tmp_path: Path) -> None:
    text = "timestamp,price\n1640995200.25,1\n1640995200.5,2\n"
    assert read_prices(written(tmp_path, text)).step_ns == 250_000_000


HEAD = "timestamp,price\n1640995200,100\n"
BAD: list[tuple[str, list[str]]] = [
    ("", ["not a CSV of prices", "line 1 must name the columns"]),
    ("hello\nworld\n", ["not a CSV of prices"]),
    ("timestamp,volume\n1,2\n", ["no column price or close", "timestamp, volume"]),
    ("timestmp,price\n1,2\n", ["no column timestamp", "did you mean 'timestmp'?"]),
    ("a,b\n1,2\n", ["no column timestamp and no column price or close"]),
    (HEAD, ["at least 2 rows", "1 found"]),
    (HEAD + "1640995260,abc\n", ["line 3", "price 'abc' is not a number"]),
    (HEAD + "1640995260,\n", ["line 3", "price '' is not a number"]),
    (HEAD + "1640995260,nan\n", ["line 3", "must be finite and > 0, was nan"]),
    (HEAD + "1640995260,inf\n", ["line 3", "was inf"]),
    (HEAD + "1640995260,0\n", ["line 3", "was 0"]),
    (HEAD + "1640995260,-5\n", ["line 3", "was -5"]),
    (HEAD + "\n\n1640995260\n", ["line 5", "2 fields expected, 1 found"]),
    (HEAD + "1640995260,1,2\n", ["line 3", "2 fields expected, 3 found"]),
    (HEAD + "tomorrow,1\n", ["line 3", "timestamp 'tomorrow'", "since 1970"]),
    (HEAD + "1640995200,1\n", ["line 3", "repeats the one before"]),
    (HEAD + "1640995199,1\n", ["line 3", "is earlier than the one before"]),
    (HEAD + '1640995260,"1\n', ["line 3", "not a CSV"]),
    ("timestamp,price\n2022-13-01,1\n", ["line 2", "timestamp '2022-13-01'"]),
    ("timestamp,price\n2400-01-01,1\n", ["line 2", "2262"]),
]


@pytest.mark.parametrize(("text", "expected"), BAD)
def test_a_bad_file_is_refused_in_one_line_that_names_it(
    tmp_path: Path, text: str, expected: list[str]
) -> None:
    file = written(tmp_path, text)
    with pytest.raises(DataError) as caught:
        read_prices(file)
    message = str(caught.value)
    assert "\n" not in message
    for part in [str(file), *expected]:
        assert part in message


@pytest.mark.parametrize(
    ("raw", "name", "expected"),
    [
        # Without a time: it would be part of the test's name, of which each process has its own.
        (gzip.compress(GOOD.encode() * 50, mtime=0)[:-12], "cut.csv.gz", "corrupt or cut off"),
        (b"\x1f\x8b\x08garbage garbage garbage", "bad.csv.gz", "corrupt or cut off"),
        (GOOD.encode(), "plain.csv.gz", "corrupt or cut off"),
        (b"\x89PNG\x00\xff\xfe", "picture.csv", "not a CSV"),
    ],
)
def test_a_file_that_is_no_text_is_refused(
    tmp_path: Path, raw: bytes, name: str, expected: str
) -> None:
    with pytest.raises(DataError, match=expected):
        read_prices(written(tmp_path, raw, name))


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such file"):
        read_prices(tmp_path / "nope.csv")
    with pytest.raises(DataError, match="is a folder"):
        read_prices(tmp_path)


def test_a_tape_carries_the_last_price_over_gaps() -> None:
    given = series([0, 10, 40, 50], [1.0, 2.0, 3.0, 4.0])
    assert tape(given, 10).tolist() == [1.0, 2.0, 2.0, 2.0, 3.0, 4.0]
    assert tape(given, 25).tolist() == [1.0, 2.0, 4.0]


@pytest.mark.parametrize("step_ns", [0, -1])
def test_a_tape_needs_a_positive_step(step_ns: int) -> None:
    with pytest.raises(DataError, match="must be > 0"):
        tape(series([0, 1], [1.0, 2.0]), step_ns)


def test_a_tape_that_would_fill_the_memory_is_refused() -> None:
    with pytest.raises(DataError, match="too long"):
        tape(series([0, YEAR_NS], [1.0, 2.0]), 1)


def test_volatility_is_recovered_from_a_random_walk() -> None:
    generator = np.random.default_rng(5)
    steps = 0.6 * math.sqrt(MINUTE_NS / YEAR_NS) * generator.standard_normal(40_000)
    given = series(
        [index * MINUTE_NS for index in range(40_001)],
        [100.0, *(100 * np.exp(np.cumsum(steps))).tolist()],
    )
    assert annual_volatility(given) == pytest.approx(0.6, rel=0.02)


def test_volatility_counts_a_gap_with_its_length() -> None:
    given = series([0, YEAR_NS // 8, YEAR_NS], [100.0, 100.0, 110.0])
    assert annual_volatility(given) == pytest.approx(math.log(1.1))


@pytest.mark.skipif(not REAL_FILE.is_file(), reason=f"needs real market data: no {REAL_FILE}")
def test_a_month_of_real_minutes_is_read() -> None:
    result = read_prices(REAL_FILE)
    assert len(result.prices) == 45_031
    assert result.step_ns == MINUTE_NS
    assert 0.4 < annual_volatility(result) < 1.2
    assert len(tape(result, MINUTE_NS)) == 45_031
