"""Reading recorded exchange streams."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gammagym.data.exchange_stream import (
    BUY,
    DEPTH,
    NO_TIME,
    SELL,
    SNAPSHOT,
    TICKER,
    TRADE,
    read_stream,
)
from gammagym.errors import DataError

DEPTH_EVENT: dict[str, Any] = {
    "e": "depthUpdate",
    "E": 1001,
    "T": 1000,
    "s": "BTCUSDT",
    "U": 11,
    "u": 15,
    "pu": 9,
    "b": [["100.10", "2.500"], ["100.00", "0.000"]],
    "a": [["100.30", "1.000"]],
}
SPOT_DEPTH = {key: DEPTH_EVENT[key] for key in ("e", "E", "s", "U", "u", "b", "a")}
QUOTE = {"u": 12, "s": "BTCUSDT", "b": "100.10", "B": "2.500", "a": "100.30", "A": "1.000"}
TRADE_EVENT = {"e": "trade", "E": 1002, "T": 1001, "s": "BTCUSDT", "t": 7, "p": "100.30"} | {
    "q": "0.125",
    "m": False,
}
BOOK = {"lastUpdateId": 10, "bids": [["100.10", "4"], ["100.00", "1"]], "asks": [["100.40", "3"]]}


def line(data: Any, receive_ns: int = 5, stream: str | None = "btcusdt@depth") -> str:
    message = {"stream": stream, "data": data} if stream else data
    return f"{receive_ns} {json.dumps(message)}\n"


def written(folder: Path, *lines: str) -> Path:
    """Write a file and return its path."""
    file = folder / "stream.txt"
    file.write_text("".join(lines))
    return file


def column(table: Any, *names: str) -> list[Any]:
    return table[list(names)].tolist()


def test_every_kind_of_line_becomes_whole_numbers(tmp_path: Path) -> None:
    events = (DEPTH_EVENT, QUOTE | {"e": "bookTicker", "E": 3, "T": 2}, TRADE_EVENT)
    file = written(tmp_path, line(BOOK, 4, None), *(line(event) for event in events))
    stream = read_stream(file)
    assert (stream.symbol, stream.tick, stream.lot) == ("BTCUSDT", Decimal("0.1"), Decimal("0.001"))
    assert (stream.line_count, stream.other_lines) == (4, 0)
    levels = [(BUY, 1001, 4000), (BUY, 1000, 1000), (SELL, 1004, 3000)]
    assert stream.levels_of(stream.snapshots[0]) == levels
    levels = [(BUY, 1001, 2500), (BUY, 1000, 0), (SELL, 1003, 1000)]
    assert stream.levels_of(stream.depth[0]) == levels
    assert column(stream.snapshots, "line", "receive_ns", "last_id") == [(1, 4, 10)]
    assert column(stream.depth, "line", "previous_id", "first_id", "last_id") == [(2, 9, 11, 15)]
    assert column(stream.depth, "event_ns", "transaction_ns") == [(1_001_000_000, 1_000_000_000)]
    assert stream.tickers.tolist() == [(3, 5, 3_000_000, 2_000_000, 12, 1001, 2500, 1003, 1000)]
    assert column(stream.trades, "line", "trade_id", "price_ticks", "size_lots", "side") == [
        (4, 7, 1003, 125, BUY)
    ]


def test_spot_has_fewer_fields_and_numbers_its_updates_without_holes(tmp_path: Path) -> None:
    stream = read_stream(written(tmp_path, line(SPOT_DEPTH), line(QUOTE)))
    assert column(stream.depth, "previous_id", "first_id", "last_id") == [(10, 11, 15)]
    assert column(stream.depth, "event_ns", "transaction_ns") == [(1_001_000_000, NO_TIME)]
    assert column(stream.tickers, "event_ns", "transaction_ns") == [(NO_TIME, NO_TIME)]


def test_a_maker_who_buys_makes_the_taker_a_seller(tmp_path: Path) -> None:
    stream = read_stream(written(tmp_path, line(TRADE_EVENT | {"m": True})))
    assert stream.trades["side"].tolist() == [SELL]


def test_the_order_of_the_lines_is_kept(tmp_path: Path) -> None:
    lines = [line(TRADE_EVENT), line(QUOTE), "\n", line(BOOK, stream=None), line(DEPTH_EVENT)]
    stream = read_stream(written(tmp_path, *lines, line(QUOTE | {"u": 13})))
    kinds = [[TRADE, 0], [TICKER, 0], [SNAPSHOT, 0], [DEPTH, 0], [TICKER, 1]]
    assert stream.in_order().tolist() == kinds
    assert stream.tickers["line"].tolist() == [2, 6]
    assert stream.line_count == 5


def test_a_compressed_file_reads_like_a_plain_one(tmp_path: Path) -> None:
    file = written(tmp_path, line(QUOTE))
    file.write_bytes(gzip.compress(file.read_bytes()))
    assert read_stream(file).tickers["update_id"].tolist() == [12]


def test_other_events_and_trades_outside_the_book_are_counted_and_left_out(tmp_path: Path) -> None:
    others = [{"e": "markPriceUpdate", "s": "BTCUSDT"}, TRADE_EVENT | {"X": "INSURANCE_FUND"}]
    lines = [*(line(each) for each in others), line(TRADE_EVENT | {"X": "MARKET"})]
    stream = read_stream(written(tmp_path, *lines))
    assert (stream.other_lines, len(stream.trades)) == (2, 1)


@pytest.mark.parametrize(
    ("price", "size", "tick", "lot"),
    [
        ("61837.64000000", "1.00000000", "0.01", "1"),
        ("61840", "100", "1", "1"),
        ("0.00000123", "12345678.9", "0.00000001", "0.1"),
    ],
)
def test_units_are_the_decimals_in_use(
    tmp_path: Path, price: str, size: str, tick: str, lot: str
) -> None:
    stream = read_stream(written(tmp_path, line(TRADE_EVENT | {"p": price, "q": size})))
    assert (stream.tick, stream.lot) == (Decimal(tick), Decimal(lot))
    assert int(stream.trades["price_ticks"][0]) * stream.tick == Decimal(price)
    assert int(stream.trades["size_lots"][0]) * stream.lot == Decimal(size)


def test_units_that_are_given_are_used(tmp_path: Path) -> None:
    file = written(tmp_path, line(TRADE_EVENT | {"p": "100.5"}))
    stream = read_stream(file, tick="0.5", lot=Decimal("0.025"))
    assert column(stream.trades, "price_ticks", "size_lots") == [(201, 5)]
    with pytest.raises(DataError, match=r"line 1: price 100.5 is no multiple of the tick 0.2"):
        read_stream(file, tick="0.2")
    with pytest.raises(DataError, match=r"size 0.125 is no multiple of the lot 0.01"):
        read_stream(file, lot="0.01")


@pytest.mark.parametrize("tick", ["0", "-0.1", "abc", "nan", "0.000000001", 0.1, "1e12"])
def test_a_unit_that_is_none_is_refused(tmp_path: Path, tick: Any) -> None:
    with pytest.raises(DataError, match="tick must be"):
        read_stream(written(tmp_path, line(QUOTE)), tick=tick)


BAD: list[tuple[str, str]] = [
    ("hello\n", "must begin with the time of receipt in ns, began with 'hello\\n'"),
    (f"-5 {json.dumps(QUOTE)}\n", "began with '-5'"),
    (f"{2**63} {json.dumps(QUOTE)}\n", "time of receipt"),
    ("5\n", "time of receipt"),
    ("5 \n", "not JSON after the time of receipt"),
    ('5 {"stream":\n', "not JSON"),
    ("5 [1]\n", "must be a JSON object"),
    ('5 {"stream":"x","data":3}\n', "must be a JSON object"),
    ("5 {}\n", "neither an event ('e') nor a snapshot"),
    (line(QUOTE | {"e": 3}), "neither an event"),
    (line(QUOTE | {"u": "12"}), "'u' must be a whole number >= 0, was '12'"),
    (line(QUOTE | {"u": -1}), "'u' must be a whole number"),
    (line(QUOTE | {"u": True}), "was True"),
    (line(QUOTE | {"u": 2**63}), "'u' must be a whole number"),
    (line(QUOTE | {"b": 100.1}), "price must be a decimal number in quotes, was 100.1"),
    (line(QUOTE | {"b": None}), "was None"),
    (line(QUOTE | {"b": "nan"}), "was 'nan'"),
    (line(QUOTE | {"b": "1e5"}), "was '1e5'"),
    (line(QUOTE | {"b": "-1"}), "was '-1'"),
    (line(QUOTE | {"b": "0.0"}), "price must be > 0, was 0.0"),
    (line(QUOTE | {"B": "0"}), "size must be > 0, was 0"),
    (line(QUOTE | {"a": "1.000000001"}), "more than 8 decimals"),
    (line(QUOTE | {"A": "99999999999999"}), "is too large"),
    (line(QUOTE | {"s": "ETHUSDT"}), "symbol 'ETHUSDT' in a file of 'BTCUSDT'"),
    (line(DEPTH_EVENT | {"E": "now"}), "'E' must be a whole number"),
    (line(DEPTH_EVENT | {"E": 10**18}), "'E' must be a time in ms"),
    (line(DEPTH_EVENT | {"U": 16}), "must be pu < U <= u, were 9, 16, 15"),
    (line(DEPTH_EVENT | {"pu": 11}), "must be pu < U <= u"),
    (line(DEPTH_EVENT | {"b": None}), "'b' must be a list of levels, was None"),
    (line(DEPTH_EVENT | {"a": [["1"]]}), "a level of 'a' must be [price, size], was ['1']"),
    (line(DEPTH_EVENT | {"a": [["1", "x"]]}), "size must be a decimal number in quotes, was 'x'"),
    (line(TRADE_EVENT | {"m": 1}), "'m' (the maker buys) must be true or false, was 1"),
    (line(TRADE_EVENT | {"q": "0"}), "size must be > 0"),
    (line(BOOK | {"bids": [["100", "0"]]}), "size must be > 0"),
    (line({"lastUpdateId": 1}), "'bids' must be a list of levels"),
]


@pytest.mark.parametrize(("bad", "expected"), BAD)
def test_a_bad_line_is_refused_in_one_line_that_names_it(
    tmp_path: Path, bad: str, expected: str
) -> None:
    file = written(tmp_path, line(QUOTE), "\n", bad)
    with pytest.raises(DataError) as caught:
        read_stream(file)
    message = str(caught.value)
    assert message.startswith(f"{file}, line 3: ")
    assert expected in message
    assert "\n" not in message


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "stream.gz"
    whole = gzip.compress(line(QUOTE).encode() * 50)
    for raw in (whole[:-12], b"\x1f\x8b\x08garbage garbage", line(QUOTE).encode()):
        file.write_bytes(raw)
        with pytest.raises(DataError, match="corrupt or cut off"):
            read_stream(file)
    file = tmp_path / "picture"
    file.write_bytes(b"\x89PNG\x00\xff\xfe")
    with pytest.raises(DataError, match="not UTF-8 text"):
        read_stream(file)


def test_an_empty_file_a_missing_one_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no events"):
        read_stream(written(tmp_path, "\n"))
    with pytest.raises(DataError, match="there is no such file"):
        read_stream(tmp_path / "nope")
    with pytest.raises(DataError, match="is a folder"):
        read_stream(tmp_path)
    with pytest.raises(DataError, match="cannot be read"):
        read_stream("\0")
