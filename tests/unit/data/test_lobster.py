"""Reading LOBSTER pairs: messages and the books after them, in the documented format."""

from __future__ import annotations

import random
from decimal import Decimal
from pathlib import Path

import pytest

from gammagym.data.depth_book import Replay
from gammagym.data.exchange_stream import BUY, SELL
from gammagym.data.lobster import read_lobster
from gammagym.data.stream_check import check_stream
from gammagym.errors import DataError

NOTHING = 9_999_999_999
WINDOW = 3
NAMES = (f"TICK_2012-06-21_34200000_57600000_{kind}_3.csv" for kind in ("message", "book"))
MESSAGE_NAME, BOOK_NAME = NAMES

Book = dict[int, dict[int, int]]


def book_line(book: Book) -> str:
    asks, bids = sorted(book[SELL]), sorted(book[BUY], reverse=True)
    fields: list[int] = []
    for level in range(WINDOW):
        fields += [asks[level], book[SELL][asks[level]]] if level < len(asks) else [NOTHING, 0]
        fields += [bids[level], book[BUY][bids[level]]] if level < len(bids) else [-NOTHING, 0]
    return ",".join(map(str, fields))


def market(events: int, seed: int) -> tuple[list[str], list[str], list[tuple[int, int, int]]]:
    """Play a market of plain dicts: lines of both files, and trades (price, size, taker's side)."""
    chance = random.Random(seed)
    book: Book = {BUY: {990_000: 5}, SELL: {1_010_000: 5}}
    messages, books = ["34200.000000001,1,1,5,990000,1"], [book_line(book)]
    trades: list[tuple[int, int, int]] = []
    for number in range(events):
        time = f"{34_200 + number}.{chance.randrange(10**9):09d}"
        side = chance.choice((BUY, SELL))
        best = max(book[BUY]) if side == BUY else min(book[SELL])
        draw = chance.random()
        if draw < 0.5:
            opposite = min(book[SELL]) if side == BUY else max(book[BUY])
            price = opposite - side * 100 * chance.randrange(1, 12)
            book[side][price] = book[side].get(price, 0) + (size := chance.randrange(1, 9))
            kind = 1
        else:
            price = best if draw > 0.8 else chance.choice(list(book[side]))
            size = chance.randrange(1, book[side][price] + 1)
            if len(book[side]) == 1 and size == book[side][price]:
                continue
            kind = 4 if draw > 0.8 else 3
            book[side][price] -= size
            if not book[side][price]:
                del book[side][price]
            if kind == 4:
                trades.append((price, size, -side))
        messages.append(f"{time},{kind},{number},{size},{price},{side}")
        books.append(book_line(book))
    return messages, books, trades


def written(folder: Path, messages: list[str], books: list[str]) -> tuple[Path, Path]:
    pair = folder / MESSAGE_NAME, folder / BOOK_NAME
    for file, lines in zip(pair, (messages, books), strict=True):
        file.write_text("\n".join(lines) + "\n")
    return pair


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_best_levels_are_those_of_the_file_after_every_message(
    tmp_path: Path, seed: int
) -> None:
    messages, books, trades = market(2_000, seed)
    stream = read_lobster(*written(tmp_path, messages, books))
    unit = int(stream.tick * 10_000)
    assert (stream.symbol, stream.tick, stream.lot) == ("TICK", Decimal("0.01"), Decimal(1))
    replay = Replay(stream)
    row = 0
    for kind, _ in replay:
        if kind not in (11, 12):
            continue
        bids, asks = replay.book.depth(WINDOW)
        seen: Book = {
            BUY: {price * unit: size for price, size in bids},
            SELL: {price * unit: size for price, size in asks},
        }
        assert book_line(seen) == books[row]
        row += 1
    assert row == len(books)
    assert [
        (price * unit, size, side)
        for price, size, side in stream.trades[["price_ticks", "size_lots", "side"]].tolist()
    ] == trades


def test_quotes_are_those_of_the_book(tmp_path: Path) -> None:
    messages, books, _ = market(500, 4)
    check = check_stream(read_lobster(*written(tmp_path, messages, books)))
    assert check.passed
    assert check.states_equal == check.states


def test_times_are_nanoseconds_of_the_day_in_the_name(tmp_path: Path) -> None:
    messages, books, _ = market(0, 1)
    stream = read_lobster(*written(tmp_path, messages, books))
    midnight_ns = 1_340_236_800 * 10**9  # 2012-06-21
    assert stream.snapshots["event_ns"].tolist() == [midnight_ns + 34_200 * 10**9 + 1]


def test_hidden_executions_crosses_and_halts_are_left_out(tmp_path: Path) -> None:
    messages, books, _ = market(0, 1)
    others = ["34201.0,5,0,10,1000000,1", "34202.0,7,0,0,-1,-1", "34203.0,6,0,10,1000000,1"]
    stream = read_lobster(*written(tmp_path, messages + others, books * 4))
    assert (stream.other_lines, len(stream.trades), stream.line_count) == (3, 0, 4)


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        ("x,1,1,5,990000,1", "time must be seconds after midnight, was 'x'"),
        ("34100.0,1,1,5,990000,1", "is earlier than that of the line before"),
        ("34300.0,9,1,5,990000,1", "type must be 1 or 2 or 3 or 4, was '9'"),
        ("34300.0,1,1,5,990000,2", "direction must be 1 or -1, was '2'"),
        ("34300.0,1,1,5.5,990000,1", "size must be a whole number"),
        ("34300.0,1,1,5,990000", "6 fields expected, 5 found"),
    ],
)
def test_a_bad_message_is_named(tmp_path: Path, bad: str, expected: str) -> None:
    messages, books, _ = market(10, 1)
    with pytest.raises(DataError) as caught:
        read_lobster(*written(tmp_path, [*messages[:4], bad], books[:5]))
    assert f"{MESSAGE_NAME}, line 5: " in str(caught.value)
    assert expected in str(caught.value)
    assert "4 lines were read before it" in str(caught.value)


def test_files_of_different_lengths_are_no_pair(tmp_path: Path) -> None:
    messages, books, _ = market(50, 1)
    with pytest.raises(DataError, match="a pair has one book for each message"):
        read_lobster(*written(tmp_path, messages, books[:-1]))
    with pytest.raises(DataError, match="there is no message for this book"):
        read_lobster(*written(tmp_path, messages[:-1], books))
