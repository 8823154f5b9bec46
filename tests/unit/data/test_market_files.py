"""Public trades and klines of Binance, and telling formats apart by their first line."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from gammagym.data.binance_csv import read_trades
from gammagym.data.exchange_stream import BUY, SELL
from gammagym.data.market_files import read_market_files, recognise
from gammagym.data.prices import read_prices
from gammagym.errors import DataError

TRADES_HEADER = "id,price,qty,quote_qty,time,is_buyer_maker\n"
TRADES = "5,100.1,0.5,50.05,1700000000000,true\n6,100.2,1,100.2,1700000000007,false\n"
SPOT = "5,100.1,0.5,50.05,1735689600000000,True,True\n6,100.2,1,100.2,1735689600000007,False,True\n"
KLINES_HEADER = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,"
    "taker_buy_quote_volume,ignore\n"
)
KLINES = (
    "1640995200000,1,2,0.5,1.5,10,1640995259999,15,3,5,7,0\n"
    "1640995260000,1.5,2,0.5,1.75,10,1640995319999,15,3,5,7,0\n"
)
TARDIS = (
    "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n"
    "deribit,BTC,1700000000000000,1700000000000000,1,buy,100,1\n"
)
MESSAGES, BOOKS = "34200.1,1,1,5,990000,1\n", "1010000,5,990000,5\n"
RECORDED = '5 {"u":11,"s":"BTCUSDT","b":"99.90","B":"2.00","a":"100.10","A":"0.20"}\n'
PRICES = "timestamp,price\n2022-01-01,100\n2022-01-02,101\n"


def written(folder: Path, text: str, name: str = "file.csv") -> Path:
    file = folder / name
    file.write_text(text)
    return file


@pytest.mark.parametrize("header", ["", TRADES_HEADER])
def test_trades_have_the_side_of_the_taker(tmp_path: Path, header: str) -> None:
    stream = read_trades(written(tmp_path, header + TRADES, "BTCUSDT-trades-2023-11-14.csv"))
    assert (stream.symbol, stream.tick, stream.lot) == ("BTCUSDT", Decimal("0.1"), Decimal("0.1"))
    columns = ["event_ns", "trade_id", "price_ticks", "size_lots", "side"]
    start = 1_700_000_000 * 10**9
    assert stream.trades[columns].tolist() == [
        (start, 5, 1001, 5, SELL),
        (start + 7_000_000, 6, 1002, 10, BUY),
    ]
    assert not len(stream.depth)


def test_spot_trades_have_microseconds_since_2025(tmp_path: Path) -> None:
    times = read_trades(written(tmp_path, SPOT)).trades["event_ns"]
    assert (times[1] - times[0], times[0]) == (7_000, 1_735_689_600 * 10**9)


@pytest.mark.parametrize("header", ["", KLINES_HEADER])
def test_klines_are_prices_at_their_close(tmp_path: Path, header: str) -> None:
    series = read_prices(written(tmp_path, header + KLINES))
    assert series.prices.tolist() == [1.5, 1.75]
    assert series.times_ns.tolist() == [1_640_995_259_999_000_000, 1_640_995_319_999_000_000]


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        ("7,1,1,1,1699999999999,true\n", "is earlier than that of the line before"),
        ("7,1,1,1,1700000000009,perhaps\n", "is_buyer_maker must be true or false"),
        ("x,1,1,1,1700000000009,true\n", "id must be a whole number"),
        ("7,0,1,1,1700000000009,true\n", "price must be > 0"),
        ("7,1,1,1,1700000000009\n", "6 fields expected, 5 found"),
    ],
)
def test_a_bad_trade_is_named(tmp_path: Path, bad: str, expected: str) -> None:
    with pytest.raises(DataError) as caught:
        read_trades(written(tmp_path, TRADES_HEADER + TRADES + bad))
    assert "line 4: " in str(caught.value)
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (TRADES_HEADER + TRADES, "trades of Binance"),
        (SPOT, "trades of Binance"),
        (KLINES_HEADER + KLINES, "prices"),
        (KLINES, "prices"),
        (PRICES, "prices"),
        (TARDIS, "Tardis"),
        (MESSAGES, "messages of LOBSTER"),
        (BOOKS * 3, "books of LOBSTER"),
        (BOOKS.strip() + "," + BOOKS.strip() + "," + BOOKS, "books of LOBSTER"),
        ("\n" + RECORDED, "a recorded stream"),
    ],
)
def test_formats_are_told_apart_by_their_first_line(
    tmp_path: Path, text: str, expected: str
) -> None:
    assert recognise(written(tmp_path, text)) == expected


def test_a_file_of_no_known_format_is_refused_with_what_is_known(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"first line is 'hello, world'; known are recorded"):
        recognise(written(tmp_path, "hello, world\n"))
    with pytest.raises(DataError, match="no known format"):
        recognise(written(tmp_path, ""))
    with pytest.raises(DataError, match="there is no such file"):
        recognise(tmp_path / "missing.csv")


def test_a_stream_and_prices_may_be_given_together(tmp_path: Path) -> None:
    paths = [written(tmp_path, TARDIS, "a.csv"), written(tmp_path, PRICES, "b.csv")]
    files = read_market_files(paths)
    assert files.stream is not None
    assert len(files.stream.trades) == 1
    assert files.prices is not None
    assert files.prices.prices.tolist() == [100.0, 101.0]
    assert list(files.formats.values()) == ["Tardis", "prices"]


def test_files_of_several_markets_are_refused(tmp_path: Path) -> None:
    one, two = written(tmp_path, PRICES, "a.csv"), written(tmp_path, PRICES, "b.csv")
    with pytest.raises(DataError, match="all are prices; give one"):
        read_market_files([one, two])
    trades, tardis = written(tmp_path, TRADES, "c.csv"), written(tmp_path, TARDIS, "d.csv")
    with pytest.raises(DataError, match="more than one kind"):
        read_market_files([trades, tardis])
    with pytest.raises(DataError, match="the books of LOBSTER are missing"):
        read_market_files([written(tmp_path, MESSAGES, "e.csv")])
    with pytest.raises(DataError, match="no files"):
        read_market_files([])
    pair = [written(tmp_path, MESSAGES, "e.csv"), written(tmp_path, BOOKS, "f.csv")]
    assert read_market_files(pair).stream is not None
