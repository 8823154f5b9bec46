"""Reading CSV files of Tardis, in the documented format."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gammagym.data.depth_book import Replay
from gammagym.data.exchange_stream import BUY, DEPTH, SELL, ExchangeStream, read_stream
from gammagym.data.stream_check import check_stream
from gammagym.data.tardis import read_tardis
from gammagym.errors import DataError

BOOK = "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount\n"
TRADES = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n"
QUOTES = "exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount\n"
START = 1_700_000_000_000_000


def row(time: int, *fields: Any, market: str = "deribit,BTC-PERPETUAL") -> str:
    return ",".join([market, str(START + time), str(START + time + 5), *map(str, fields)]) + "\n"


def written(folder: Path, header: str, *rows: str, name: str = "book.csv") -> Path:
    file = folder / name
    file.write_text(header + "".join(rows))
    return file


def book_rows() -> list[str]:
    return [
        row(0, "true", "bid", "100.5", "10"),
        row(0, "true", "bid", "100", "30"),
        row(0, "true", "ask", "101", "20"),
        row(0, "true", "ask", "101.5", "0"),
        row(10, "false", "ask", "101", "0"),
        row(10, "false", "ask", "102", "15"),
        row(20, "false", "bid", "100.5", "5"),
    ]


def books(stream: ExchangeStream) -> list[Any]:
    replay = Replay(stream)
    return [replay.book.depth(5) for _ in replay]


def test_rows_of_one_message_are_one_change_of_the_book(tmp_path: Path) -> None:
    stream = read_tardis([written(tmp_path, BOOK, *book_rows())])
    assert (stream.symbol, stream.tick, stream.lot) == (
        "BTC-PERPETUAL",
        Decimal("0.1"),
        Decimal(1),
    )
    assert (len(stream.snapshots), len(stream.depth), stream.line_count) == (1, 2, 7)
    assert stream.snapshots[["receive_ns", "event_ns"]].tolist() == [
        ((START + 5) * 1000, START * 1000)
    ]
    assert books(stream) == [
        ([(1005, 10), (1000, 30)], [(1010, 20)]),
        ([(1005, 10), (1000, 30)], [(1020, 15)]),
        ([(1005, 5), (1000, 30)], [(1020, 15)]),
    ]


def test_a_book_sent_anew_replaces_what_was_there(tmp_path: Path) -> None:
    again = [row(30, "true", "bid", "99", "7"), row(30, "true", "ask", "101", "20")]
    stream = read_tardis([written(tmp_path, BOOK, *book_rows(), *again)])
    assert books(stream)[-1] == ([(990, 7)], [(1010, 20)])
    replay = Replay(stream)
    assert len(list(replay)) == 4
    assert (replay.book.gaps, replay.spare_snapshots) == (0, 0)


def test_files_are_merged_in_order_of_receipt(tmp_path: Path) -> None:
    book = written(tmp_path, BOOK, *book_rows())
    trades = written(
        tmp_path,
        TRADES,
        row(10, "ABC-1", "buy", "101", "20"),
        row(11, "17", "sell", "100.5", "5"),
        row(12, "18", "unknown", "100.5", "5"),
        name="trades.csv",
    )
    quotes = written(
        tmp_path,
        QUOTES,
        row(10, "15", "102", "100.5", "10"),
        row(15, "", "", "100.5", "10"),
        row(20, "15", "102", "100.5", "5"),
        name="quotes.csv",
    )
    stream = read_tardis([trades, quotes, book])
    assert stream.in_order().tolist() == [
        [11, 0],  # the book
        [12, 0],
        [13, 0],  # at the same time: change, quote, trade
        [14, 0],
        [14, 1],
        [12, 1],
        [13, 1],
    ]
    assert stream.trades[["trade_id", "price_ticks", "size_lots", "side"]].tolist() == [
        (1, 1010, 20, BUY),
        (17, 1005, 5, SELL),
    ]
    assert stream.tickers[
        ["update_id", "bid_ticks", "bid_lots", "ask_ticks", "ask_lots"]
    ].tolist() == [(2, 1005, 10, 1020, 15), (3, 1005, 5, 1020, 15)]
    assert (stream.line_count, stream.other_lines) == (13, 2)
    assert check_stream(stream).passed


def test_a_compressed_file_reads_like_a_plain_one(tmp_path: Path) -> None:
    plain = written(tmp_path, BOOK, *book_rows())
    packed = tmp_path / "book.csv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert books(read_tardis([packed])) == books(read_tardis([plain]))


def test_small_amounts_in_scientific_notation_are_exact(tmp_path: Path) -> None:
    stream = read_tardis([written(tmp_path, BOOK, row(0, "true", "bid", "1e2", "2.5e-7"))])
    assert stream.lot == Decimal("0.00000001")
    assert stream.levels_of(stream.snapshots[0]) == [(BUY, 100, 25)]


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        (row(20, "yes", "bid", "100", "1"), "is_snapshot must be true or false, was 'yes'"),
        (row(20, "false", "buy", "100", "1"), "side must be bid or ask, was 'buy'"),
        (row(20, "false", "bid", "-1", "1"), "price must be a decimal number >= 0, was '-1'"),
        (row(20, "false", "bid", "0", "1"), "price must be > 0"),
        (row(20, "false", "bid", "100", "nan"), "amount must be a decimal number >= 0, was 'nan'"),
        (row(20, "false", "bid", "100"), "8 fields expected, 7 found"),
        (row(-50, "false", "bid", "100", "1"), "is earlier than"),
        (row(20, "false", "bid", "100", "1", market="deribit,ETH"), "one only"),
        (row(20 - START, "false", "bid", "100", "1"), "a time in microseconds since 1970"),
        ("deribit,BTC-PERPETUAL,now,1,false,bid,1,1\n", "timestamp must be a whole number"),
    ],
)
def test_a_bad_line_is_named_with_the_lines_before_it(
    tmp_path: Path, bad: str, expected: str
) -> None:
    file = written(tmp_path, BOOK, *book_rows(), bad)
    with pytest.raises(DataError) as caught:
        read_tardis([file])
    message = str(caught.value)
    assert f"{file}, line 9: " in message
    assert expected in message
    assert "7 lines were read before it; none is used" in message


def test_a_header_that_lacks_a_column_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path, BOOK.replace("amount", "size"), *book_rows())
    with pytest.raises(DataError, match="as incremental_book_L2 it lacks amount"):
        read_tardis([file])


def test_files_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    one = written(tmp_path, BOOK, *book_rows())
    two = written(tmp_path, BOOK, *book_rows(), name="again.csv")
    other = row(1, "1", "buy", "100", "1", market="deribit,ETH")
    trades = written(tmp_path, TRADES, other, name="trades.csv")
    with pytest.raises(DataError, match="are both incremental_book_L2"):
        read_tardis([one, two])
    with pytest.raises(DataError, match="give one symbol"):
        read_tardis([one, trades])
    with pytest.raises(DataError, match="holds no rows"):
        read_tardis([written(tmp_path, BOOK, name="empty.csv")])


# --- Real events, written out in this format -------------------------------------------------


def as_tardis(stream: ExchangeStream, folder: Path) -> list[Path]:
    """Write what a replay of a stream yields as files of Tardis."""
    start = int(stream.snapshots["receive_ns"][0])
    files: dict[str, list[str]] = {BOOK: [], TRADES: [], QUOTES: []}
    replay = Replay(stream)
    for kind, number in replay:
        if kind in (DEPTH, 11):
            table = stream.depth if kind == DEPTH else stream.snapshots
            event = table[number]
            flag = "false" if kind == DEPTH else "true"
            fields = [
                (flag, "bid" if side == BUY else "ask", price * stream.tick, size * stream.lot)
                for side, price, size in stream.levels_of(event)
            ]
            header = BOOK
        elif kind == 14:
            event = stream.trades[number]
            side = "buy" if event["side"] == BUY else "sell"
            price, size = int(event["price_ticks"]), int(event["size_lots"])
            fields = [(event["trade_id"], side, price * stream.tick, size * stream.lot)]
            header = TRADES
        else:
            event = stream.tickers[number]
            bid, bids, ask, asks = (
                int(event[name]) for name in ("bid_ticks", "bid_lots", "ask_ticks", "ask_lots")
            )
            ask_, bid_ = ask * stream.tick, bid * stream.tick
            fields = [(asks * stream.lot, ask_, bid_, bids * stream.lot)]
            header = QUOTES
        local = max(int(event["receive_ns"]), start) // 1000
        time = max(int(event["event_ns"]) // 1000, 10**14)
        files[header] += [
            ",".join(["binance-futures", "BTCUSDT", str(time), str(local), *map(str, each)]) + "\n"
            for each in fields
        ]
    names = {BOOK: "incremental_book_L2.csv", TRADES: "trades.csv", QUOTES: "book_ticker.csv"}
    return [written(folder, header, *rows, name=names[header]) for header, rows in files.items()]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["usdm_btcusdt", "coinm_btcusd_perp"])
def test_real_events_written_as_tardis_give_the_same_books_and_trades(
    name: str, tmp_path: Path, real_data: Callable[[str], Path]
) -> None:
    original = read_stream(real_data(f"binance_{name}_20240808.gz"))
    stream = read_tardis(as_tardis(original, tmp_path), tick=original.tick, lot=original.lot)

    def touches(each: ExchangeStream) -> dict[int, Any]:
        replay = Replay(each)
        seen: dict[int, Any] = {}
        for kind, number in replay:
            if kind == DEPTH:
                # Messages of one microsecond are one here: the last counts.
                seen[int(each.depth["receive_ns"][number]) // 1000] = replay.book.depth(20)
        seen[-1] = replay.book.depth(100_000)
        return seen

    expected, found = touches(original), touches(stream)
    common = set(expected) & set(found)
    assert len(common) > 0.99 * len(expected)
    assert all(found[time] == expected[time] for time in common)
    for table, columns in (
        ("trades", ["price_ticks", "size_lots", "side", "trade_id"]),
        ("tickers", ["bid_ticks", "bid_lots", "ask_ticks", "ask_lots"]),
    ):
        for column in columns:
            pair = [getattr(each, table)[column] for each in (original, stream)]
            assert np.array_equal(*pair), column
