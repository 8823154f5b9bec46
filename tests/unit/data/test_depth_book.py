"""Rebuilding a book from depth updates, and comparing it with quotes and trades."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gammagym.cli import app
from gammagym.data.depth_book import DepthBook, Replay
from gammagym.data.exchange_stream import (
    BUY,
    DEPTH,
    SELL,
    SNAPSHOT,
    TICKER,
    read_stream,
)
from gammagym.data.stream_check import StreamCheck, check_stream

Levels = dict[int, int]


def texts(levels: Levels) -> list[list[str]]:
    return [[str(price), str(size)] for price, size in levels.items()]


def snapshot(last_id: int, bids: Levels, asks: Levels) -> dict[str, Any]:
    return {"lastUpdateId": last_id, "bids": texts(bids), "asks": texts(asks)}


def update(
    ids: tuple[int, int], bids: Levels, asks: Levels, previous_id: int | None = None
) -> dict[str, Any]:
    """Return a depth update: of futures if it names the one before, else of spot."""
    event = {"e": "depthUpdate", "E": ids[1], "U": ids[0], "u": ids[1]}
    event |= {} if previous_id is None else {"pu": previous_id, "T": ids[1]}
    return event | {"b": texts(bids), "a": texts(asks)}


def quote(update_id: int, bid: tuple[int, int], ask: tuple[int, int]) -> dict[str, Any]:
    names = ("b", "B", "a", "A")
    return {"u": update_id} | dict(zip(names, map(str, (*bid, *ask)), strict=True))


def trade(time_ms: int, price: int, taker_buys: bool) -> dict[str, Any]:
    event = {"e": "trade", "t": time_ms, "T": time_ms, "E": time_ms}
    return event | {"p": str(price), "q": "1", "m": not taker_buys}


def recorded(folder: Path, *events: dict[str, Any]) -> Path:
    file = folder / "stream.txt"
    file.write_text("".join(f"{row} {json.dumps(event)}\n" for row, event in enumerate(events)))
    return file


def replayed(folder: Path, *events: dict[str, Any]) -> tuple[Replay, list[tuple[int, int]]]:
    """Return a replay at its end, and what it yielded on the way."""
    replay = Replay(read_stream(recorded(folder, *events)))
    return replay, [tuple(event) for event in replay]


def checked(folder: Path, *events: dict[str, Any]) -> StreamCheck:
    return check_stream(recorded(folder, *events))


def counts(check: StreamCheck, prefix: str) -> dict[str, int]:
    """Return the counts with a prefix that are not zero."""
    start = prefix + "_"
    figures = vars(check).items()
    return {name.removeprefix(start): n for name, n in figures if n and name.startswith(start)}


BOOK = snapshot(10, {100: 5, 99: 3}, {101: 4, 102: 6})


def loaded() -> DepthBook:
    book = DepthBook()
    book.load([(BUY, 99, 3), (BUY, 100, 5), (SELL, 102, 6), (SELL, 101, 4)], last_id=10)
    return book


def test_an_empty_book_waits_and_has_no_best_prices() -> None:
    book = DepthBook()
    assert (book.status, book.best_bid, book.best_ask) == ("waiting", None, None)
    assert book.depth(3) == ([], [])
    assert not book.apply([(BUY, 1, 1)], 0, 1)
    assert not book.covers(BUY, 5)
    assert not book.covers(SELL, 5)


def test_a_book_shows_the_best_levels_first() -> None:
    book = loaded()
    assert (book.status, book.best_bid, book.best_ask) == ("live", (100, 5), (101, 4))
    assert book.depth(5) == ([(100, 5), (99, 3)], [(101, 4), (102, 6)])
    assert book.depth(1) == ([(100, 5)], [(101, 4)])
    assert (book.size_lots(BUY, 99), book.size_lots(SELL, 99)) == (3, 0)
    assert [book.covers(BUY, price) for price in (98, 99)] == [False, True]
    assert [book.covers(SELL, price) for price in (102, 103)] == [True, False]


def test_a_size_replaces_what_was_there_and_zero_removes_it() -> None:
    book = loaded()
    assert book.apply([(BUY, 100, 0), (BUY, 99, 7), (SELL, 101, 1), (SELL, 100, 2)], 10, 12)
    assert book.depth(5) == ([(99, 7)], [(100, 2), (101, 1), (102, 6)])
    assert book.last_id == 12


def test_removing_an_unknown_level_is_counted_and_harmless() -> None:
    book = loaded()
    assert book.apply([(BUY, 55, 0), (SELL, 100, 0)], 10, 12)
    assert (book.unknown_removals, book.best_bid, book.best_ask) == (2, (100, 5), (101, 4))


def test_an_old_update_is_left_out() -> None:
    book = loaded()
    assert not book.apply([(BUY, 100, 9)], 8, 10)
    assert (book.status, book.best_bid) == ("live", (100, 5))


def test_the_first_update_may_overlap_the_snapshot_and_the_next_may_not() -> None:
    book = loaded()
    assert book.apply([], 7, 12)
    assert not book.apply([], 11, 14)
    assert (book.status, book.gaps) == ("stale", 1)


def test_a_gap_makes_the_book_stale_until_the_next_snapshot() -> None:
    book = loaded()
    assert not book.apply([(BUY, 100, 9)], 11, 14)
    assert (book.status, book.gaps, book.best_bid) == ("stale", 1, (100, 5))
    assert not book.apply([(BUY, 100, 9)], 14, 15)
    book.load([(BUY, 50, 1)], last_id=20)
    assert (book.status, book.depth(2), book.last_id) == ("live", ([(50, 1)], []), 20)


@pytest.mark.parametrize("futures", [False, True])
def test_both_dialects_synchronise(tmp_path: Path, futures: bool) -> None:
    previous = (7, 9, 12) if futures else (None, None, None)
    replay, events = replayed(
        tmp_path,
        update((8, 9), {100: 1}, {}, previous[0]),
        update((10, 12), {100: 6}, {}, previous[1]),
        BOOK,
        update((13, 15), {}, {101: 0}, previous[2]),
    )
    assert events == [(SNAPSHOT, 0), (DEPTH, 1), (DEPTH, 2)]
    assert (replay.book.best_bid, replay.book.best_ask) == ((100, 6), (102, 6))
    assert (replay.old_updates, replay.unused_updates, replay.book.gaps) == (1, 0, 0)


def test_futures_ids_may_jump_as_long_as_each_names_the_one_before(tmp_path: Path) -> None:
    jumps = [update((12, 15), {100: 6}, {}, 8), update((40, 50), {100: 7}, {}, 15)]
    replay, _ = replayed(tmp_path, BOOK, *jumps)
    assert (replay.book.status, replay.book.best_bid) == ("live", (100, 7))
    replay, _ = replayed(tmp_path, BOOK, jumps[0], update((16, 50), {100: 7}, {}, 14))
    assert (replay.book.status, replay.book.gaps) == ("stale", 1)


def test_spot_ids_may_not_jump(tmp_path: Path) -> None:
    steps = [update((11, 12), {100: 6}, {}), update((14, 15), {100: 7}, {})]
    replay, events = replayed(tmp_path, BOOK, *steps)
    assert events == [(SNAPSHOT, 0), (DEPTH, 0)]
    assert (replay.book.status, replay.book.gaps, replay.unused_updates) == ("stale", 1, 1)


def test_a_stale_book_resynchronises_with_what_it_kept(tmp_path: Path) -> None:
    replay, events = replayed(
        tmp_path,
        BOOK,
        update((14, 15), {100: 7}, {}),
        update((16, 18), {100: 8}, {}),
        update((19, 20), {100: 9}, {}),
        quote(20, (100, 9), (101, 1)),
        snapshot(17, {100: 3}, {101: 1}),
    )
    assert events == [(SNAPSHOT, 0), (TICKER, 0), (SNAPSHOT, 1), (DEPTH, 1), (DEPTH, 2)]
    assert (replay.book.status, replay.book.best_bid) == ("live", (100, 9))
    assert (replay.book.gaps, replay.old_updates) == (1, 1)


def test_a_second_gap_among_the_kept_updates_is_found(tmp_path: Path) -> None:
    replay, events = replayed(
        tmp_path, update((9, 12), {}, {}), update((14, 15), {}, {}), BOOK, update((16, 17), {}, {})
    )
    assert events == [(SNAPSHOT, 0), (DEPTH, 0)]
    assert (replay.book.status, replay.book.gaps, replay.unused_updates) == ("stale", 1, 2)


def test_a_snapshot_too_old_for_the_kept_updates_is_not_used(tmp_path: Path) -> None:
    replay, events = replayed(
        tmp_path, update((14, 15), {}, {}), BOOK, snapshot(13, {100: 1}, {101: 1})
    )
    assert events == [(SNAPSHOT, 1), (DEPTH, 0)]
    assert (replay.early_snapshots, replay.book.status) == (1, "live")


def test_a_snapshot_while_the_book_is_live_is_not_needed(tmp_path: Path) -> None:
    replay, events = replayed(tmp_path, BOOK, snapshot(10, {1: 1}, {2: 1}))
    assert events == [(SNAPSHOT, 0)]
    assert (replay.spare_snapshots, replay.book.best_bid) == (1, (100, 5))


def test_a_repeated_update_is_left_out(tmp_path: Path) -> None:
    again = update((11, 12), {100: 6}, {})
    replay, events = replayed(tmp_path, BOOK, again, again)
    assert events == [(SNAPSHOT, 0), (DEPTH, 0)]
    assert (replay.old_updates, replay.book.gaps) == (1, 0)


def test_a_replay_starts_anew_each_time(tmp_path: Path) -> None:
    replay, events = replayed(tmp_path, BOOK, update((11, 12), {100: 6}, {}))
    assert [tuple(event) for event in replay] == events


def test_a_quote_holds_until_the_next_one(tmp_path: Path) -> None:
    check = checked(
        tmp_path,
        quote(9, (100, 5), (101, 4)),
        BOOK,
        update((11, 12), {98: 1}, {}),
        update((13, 15), {100: 6}, {101: 9}),
        quote(15, (100, 6), (101, 9)),
    )
    assert counts(check, "states") == {"equal": 3}
    assert counts(check, "quotes") == {"both_sides": 2, "settled": 2}
    assert counts(check, "sides") == {"equal": 4}
    assert check.passed


def test_quotes_are_matched_by_id_however_late_they_come(tmp_path: Path) -> None:
    events = [BOOK, update((11, 12), {100: 6}, {}), update((13, 14), {100: 7}, {})]
    quotes = [quote(12, (100, 6), (101, 4)), quote(14, (100, 7), (101, 4))]
    for order in ([*events, *quotes], [*quotes, *events], [*events, *quotes[::-1]]):
        check = checked(tmp_path, *order)
        assert (check.quotes_both_sides, check.sides_equal, check.unexplained) == (2, 4, 0)
        assert (check.states_equal, check.states_before_quotes) == (2, 1)


@pytest.mark.parametrize(
    ("bid", "ask", "wrong"),
    [
        ((100, 7), (101, 4), {"equal": 1, "other_size": 1}),
        ((99, 3), (101, 4), {"equal": 1, "other_price": 1}),
        ((100, 6), (102, 6), {"equal": 1, "other_price": 1}),
    ],
)
def test_a_wrong_quote_is_found(
    tmp_path: Path, bid: tuple[int, int], ask: tuple[int, int], wrong: dict[str, int]
) -> None:
    check = checked(tmp_path, BOOK, update((11, 12), {100: 6}, {}), quote(12, bid, ask))
    assert counts(check, "sides") == wrong
    assert (check.states_different, check.unexplained, check.passed) == (1, 2, False)


def superseded(folder: Path, bid: tuple[int, int], ask: tuple[int, int]) -> StreamCheck:
    """Check one quote that a second one supersedes before the update that sums up both ends."""
    event = update((11, 14), {100: 6, 99: 3}, {103: 2})
    return checked(folder, BOOK, event, quote(12, bid, ask), quote(14, (100, 6), (101, 4)))


def test_a_superseded_quote_is_compared_where_the_update_left_its_level(tmp_path: Path) -> None:
    check = superseded(tmp_path, (100, 2), (101, 4))
    assert counts(check, "quotes") == {"both_sides": 1, "one_side": 1, "settled": 1}
    assert counts(check, "sides") == {"equal": 3}
    assert check.passed


@pytest.mark.parametrize(
    ("bid", "ask", "wrong"),
    [
        ((100, 2), (101, 5), "other_size"),
        ((100, 2), (102, 6), "other_price"),
        ((100, 2), (103, 2), "other_price"),  # it changed, but 101 was there all the while
    ],
)
def test_a_superseded_quote_that_cannot_have_been_is_found(
    tmp_path: Path, bid: tuple[int, int], ask: tuple[int, int], wrong: str
) -> None:
    check = superseded(tmp_path, bid, ask)
    assert counts(check, "sides") == {"equal": 2, wrong: 1}
    assert (check.quotes_one_side, check.states_different, check.passed) == (1, 0, False)


def test_a_quote_whose_levels_both_changed_again_is_not_compared(tmp_path: Path) -> None:
    event = update((11, 14), {100: 6}, {101: 4, 103: 2})
    check = checked(
        tmp_path, BOOK, event, quote(12, (100, 2), (101, 9)), quote(14, (100, 6), (101, 4))
    )
    assert counts(check, "quotes") == {"both_sides": 1, "inside_update": 1, "settled": 1}


def test_a_level_the_snapshot_did_not_reach_may_be_missing(tmp_path: Path) -> None:
    event = update((11, 12), {100: 0, 99: 0, 97: 1}, {})
    check = checked(tmp_path, BOOK, event, quote(12, (98, 1), (101, 4)))
    assert counts(check, "states") == {"beyond_snapshot": 1, "before_quotes": 1}
    assert counts(check, "quotes") == {"one_side": 1}
    assert check.passed


def test_a_level_that_is_known_is_compared_wherever_it_is(tmp_path: Path) -> None:
    event = update((11, 12), {100: 0, 99: 0, 97: 1}, {})
    for bid, wrong in (((97, 2), "other_size"), ((96, 1), "other_price")):
        check = checked(tmp_path, BOOK, event, quote(12, bid, (101, 4)))
        assert counts(check, "sides") == {"equal": 1, wrong: 1}


def test_every_quote_that_cannot_be_compared_has_a_reason(tmp_path: Path) -> None:
    touch = ((100, 5), (101, 4))
    ids = (3, 9, 10, 13, 14, 19, 20, 30, 31)
    check = checked(
        tmp_path,
        BOOK,
        update((14, 15), {}, {}),
        snapshot(20, {100: 5}, {101: 4}),
        *(quote(update_id, *touch) for update_id in ids),
    )
    assert counts(check, "quotes") == {
        "both_sides": 2,
        "before_snapshot": 2,
        "after_gap": 3,
        "after_last_update": 2,
        "settled": 2,
    }
    assert (check.quotes, check.gaps, check.gaps_open, check.passed) == (9, 1, 0, True)


def test_a_gap_that_is_never_mended_fails(tmp_path: Path) -> None:
    touches = (quote(each, (100, 5), (101, 4)) for each in (10, 15))
    check = checked(tmp_path, BOOK, update((14, 15), {}, {}), *touches)
    assert (check.gaps, check.gaps_open, check.quotes_after_gap, check.passed) == (1, 1, 1, False)


def test_a_stream_that_allows_no_comparison_does_not_pass(tmp_path: Path) -> None:
    check = checked(tmp_path, update((14, 15), {}, {}), quote(15, (100, 5), (101, 4)))
    assert (check.updates_unused, check.quotes_before_snapshot, check.passed) == (1, 1, False)


def test_a_trade_belongs_to_a_level_that_changed_at_its_time(tmp_path: Path) -> None:
    check = checked(
        tmp_path,
        update((1, 10), {100: 4}, {101: 0}),
        update((11, 20), {99: 4}, {}),
        update((21, 30), {}, {105: 1}),
        trade(5, 101, taker_buys=True),
        trade(10, 100, taker_buys=False),
        trade(10, 99, taker_buys=False),  # shares its millisecond with the update it missed
        trade(5, 101, taker_buys=False),
        trade(5, 105, taker_buys=True),
        trade(31, 105, taker_buys=True),
    )
    assert check.trades == 6
    assert counts(check, "trades") == {
        "at_level": 3,
        "other_side": 1,
        "no_level": 1,
        "after_last_update": 1,
    }


def test_a_stream_without_updates_can_be_checked(tmp_path: Path) -> None:
    check = check_stream(read_stream(recorded(tmp_path, trade(1, 5, True))))
    assert (check.trades_after_last_update, check.updates, check.passed) == (1, 0, False)


def test_the_command_prints_a_table_or_json_and_fails_if_books_differ(tmp_path: Path) -> None:
    good = [BOOK, update((11, 12), {100: 6}, {}), quote(12, (100, 6), (101, 4))]
    result = CliRunner().invoke(app, ["validate", "data", str(recorded(tmp_path, *good))])
    assert result.exit_code == 0
    assert "stream.txt" in result.stdout
    bad = recorded(tmp_path, *good[:2], quote(12, (100, 7), (101, 4)))
    result = CliRunner().invoke(app, ["validate", "data", "--json", str(bad)])
    assert result.exit_code == 1
    (found,) = json.loads(result.stdout)
    assert (found["sides_other_size"], found["unexplained"], found["passed"]) == (1, 2, False)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["data"], "validate data needs recorded streams: gammagym validate data FILE..."),
        (["theory", "some.gz"], "validate theory takes no files, was given 'some.gz'"),
        (["data", "nope.gz"], "nope.gz: there is no such file"),
    ],
)
def test_the_command_refuses_what_it_cannot_check(arguments: list[str], expected: str) -> None:
    result = CliRunner().invoke(app, ["validate", *arguments])
    assert result.exit_code == 2
    assert expected in result.stderr
