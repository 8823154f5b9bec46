"""Rates, depth and the touch of a book: by hand, and against published figures of real ones."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gammagym.calibration.book_measures import (
    measure_book,
    measure_touch,
    mids_of,
    responses,
)
from gammagym.calibration.orders import marketable_orders
from gammagym.calibration.returns import annual_volatility, returns_of
from gammagym.calibration.signs import measure_signs
from gammagym.data.exchange_stream import ExchangeStream, read_stream
from gammagym.evaluation.facts.estimators import excess_kurtosis

SECOND = 1_000_000_000


def written(folder: Path, *events: tuple[int, dict[str, Any]]) -> ExchangeStream:
    file = folder / "stream.txt"
    file.write_text("".join(f"{time} {json.dumps(event)}\n" for time, event in events))
    return read_stream(file)


def depth(number: int, bids: Any = (), asks: Any = ()) -> dict[str, Any]:
    event = {"e": "depthUpdate", "E": 1, "s": "X", "U": number, "u": number}
    return event | {"b": [list(each) for each in bids], "a": [list(each) for each in asks]}


def trade(price: str, size: str, sells: bool = False) -> dict[str, Any]:
    return {"e": "trade", "E": 1, "T": 1, "s": "X", "t": 1, "p": price, "q": size, "m": sells}


def quote(number: int, bid: str, bids: str, ask: str, asks: str) -> dict[str, Any]:
    return {"u": number, "s": "X", "b": bid, "B": bids, "a": ask, "A": asks}


BOOK = {"lastUpdateId": 1, "bids": [["99.9", "10"], ["99.0", "5"]], "asks": [["100.1", "4"]]}


def test_changes_of_levels_are_told_apart(tmp_path: Path) -> None:
    stream = written(
        tmp_path,
        (0, BOOK),
        (SECOND, depth(2, bids=[("99.8", "3")])),  # an order
        (2 * SECOND, trade("100.1", "1")),
        (2 * SECOND + 1, depth(3, asks=[("100.1", "3")])),  # the trade
        (3 * SECOND, trade("100.1", "1")),
        (3 * SECOND + 1, depth(4, asks=[("100.1", "1")])),  # a trade of 1, and a cancel of 1
        (4 * SECOND, trade("100.1", "1")),
        (4 * SECOND + 1, depth(5, asks=[("100.1", "5")])),  # a trade of 1, and an order of 5
        (5 * SECOND, depth(6, bids=[("99.9", "0"), ("99.0", "6")])),  # a cancel, an order
    )
    book = measure_book(stream)
    assert book.updates == pytest.approx(6 / 4)
    assert book.increases == pytest.approx(3 / 4)
    assert book.cancels == pytest.approx(2 / 4)
    assert book.takes == pytest.approx(1 / 4)


def test_depth_is_what_rests_so_near_to_the_mid(tmp_path: Path) -> None:
    book = {"lastUpdateId": 1}
    book |= {"bids": [["99.99", "1"], ["99.95", "2"], ["99.00", "4"]]}
    book |= {"asks": [["100.01", "3"], ["100.08", "5"]]}
    stream = written(tmp_path, (0, book), (SECOND, depth(2, bids=[("99.99", "1")])))
    bids, asks = measure_book(stream).depth.tolist()
    assert bids == [1.0, 3.0, 3.0, 3.0, 3.0]
    assert asks[:2] == [3.0, 3.0]
    assert all(math.isnan(each) for each in asks[2:])  # the snapshot ends 8 bp away


def test_the_touch_counts_by_how_long_it_stands(tmp_path: Path) -> None:
    stream = written(
        tmp_path,
        (0, quote(1, "99.9", "10", "100.0", "4")),
        (3 * SECOND, quote(2, "99.9", "1", "100.1", "8")),
        (4 * SECOND, quote(3, "99.9", "1", "100.1", "8")),
    )
    touch = measure_touch(stream)
    assert touch.spread_ticks == pytest.approx((3 * 1 + 1 * 2) / 4)
    assert (touch.tight, touch.size, touch.seconds) == (0.75, (10.0, 4.0), 4.0)
    assert mids_of(stream).prices.tolist() == pytest.approx([99.95, 99.95, 99.95, 100.0, 100.0])


# Measured by an independent program; one falling six-minute window.
PUBLISHED: dict[str, dict[str, Any]] = {
    "usdm_btcusdt": {
        "tight": 0.991,
        "updates": 1_286,
        "signs": (0.20, 0.20, 0.16, 0.12, 0.03),
        "bids": (10, 48, 132, 332),
        "asks": (9.5, 164, 301, 676, 1802),
        "responses": (0.10, 0.23, 0.30, 0.37, 0.29),
    },
    "spot_btcusdt": {"tight": 0.993, "updates": 359, "signs": (0.36, 0.32, 0.24, 0.18, 0.08)},
    "coinm_btcusd_perp": {"tight": 0.997, "updates": 861},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", list(PUBLISHED))
def test_real_books_have_the_published_figures(name: str, real_data: Callable[[str], Path]) -> None:
    stream = read_stream(real_data(f"binance_{name}_20240808.gz"))
    known, orders = PUBLISHED[name], marketable_orders(stream)
    book = measure_book(stream)
    assert measure_touch(stream).tight == pytest.approx(known["tight"], abs=0.001)
    assert book.updates == pytest.approx(known["updates"], rel=0.002)
    if "signs" in known:
        acf = measure_signs(orders.signs).autocorrelation[[0, 1, 4, 9, 49]]
        assert acf.tolist() == pytest.approx(known["signs"], abs=0.006)
    for row, side in enumerate(("bids", "asks")):
        for value, expected in zip(book.depth[row].tolist(), known.get(side, ()), strict=False):
            assert value == pytest.approx(expected, rel=0.15)  # looked at at other moments
    if "responses" in known:
        assert responses(stream, orders).tolist() == pytest.approx(known["responses"], abs=0.03)


@pytest.mark.slow
def test_the_real_mid_is_as_volatile_as_published(real_data: Callable[[str], Path]) -> None:
    returns = returns_of(mids_of(read_stream(real_data("binance_usdm_btcusdt_20240808.gz"))))
    assert annual_volatility(returns).value == pytest.approx(0.78, abs=0.01)
    assert excess_kurtosis(returns.values) == pytest.approx(21, abs=1)
