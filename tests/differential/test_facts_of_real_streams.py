"""Facts of real streams, against figures that were measured before with other programs.

The figures are of the hftbacktest sample, 2024-08-08 23:54 to 24:00 UTC, three markets at once.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gammagym.errors import DataError
from gammagym.evaluation.facts.measures import measure, response
from gammagym.evaluation.facts.record import BUY, SELL, MarketRecord
from gammagym.evaluation.facts.stream import record_stream
from gammagym.evaluation.facts.targets import load_targets, targets_of

FILES = {
    "usdm": "binance_usdm_btcusdt_20240808.gz",
    "spot": "binance_spot_btcusdt_20240808.gz",
    "coinm": "binance_coinm_btcusd_perp_20240808.gz",
}
# Name: value, and half of its last digit; wider where the comment says why.
PUBLISHED: dict[str, dict[str, tuple[float, float]]] = {
    "usdm": {
        "spread_one_tick_share": (0.991, 0.0005),
        "touch_size_median_bid": (2.68, 0.005),
        "touch_size_median_ask": (2.68, 0.005),
        "trades_per_second": (62.1, 0.3),  # the record begins with the snapshot
        "orders_per_second": (15.8, 0.05),
        "order_size_median": (0.03, 0.001),
        "order_size_mean": (0.447, 0.001),
        "order_size_q90": (0.65, 0.006),
        "order_size_q99": (7.1, 0.05),
        "order_size_q99.9": (49.0, 0.5),
        "sign_acf_1": (0.20, 0.005),
        "sign_acf_2": (0.20, 0.005),
        "sign_acf_5": (0.16, 0.005),
        "sign_acf_10": (0.12, 0.005),
        "sign_acf_50": (0.03, 0.005),
        "trade_sign_acf_1": (0.79, 0.005),
        "trade_sign_acf_10": (0.58, 0.005),
        "trade_sign_acf_50": (0.33, 0.005),
        "level_updates_per_second": (1_286.0, 3.0),
        "depth_1bp_bid": (10.0, 0.5),
        "depth_5bp_bid": (48.0, 0.5),
        "depth_10bp_bid": (132.0, 0.5),
        "depth_20bp_bid": (332.0, 1.0),
        "depth_50bp_bid": (736.0, 1.0),
        "depth_1bp_ask": (9.5, 0.2),
        "depth_5bp_ask": (164.0, 2.0),
        "depth_10bp_ask": (301.0, 1.0),
        "depth_20bp_ask": (676.0, 2.0),
        "depth_50bp_ask": (1_802.0, 3.0),
        # Times are those of receipt here; the exchange's own clock shifts all by about 0.015.
        "impact_10ms": (0.10, 0.02),
        "impact_100ms": (0.23, 0.02),
        "impact_1s": (0.30, 0.015),
        "impact_5s": (0.37, 0.02),
        "impact_30s": (0.29, 0.01),
        "impact_1s_below_0.1": (0.14, 0.015),
        "impact_1s_0.1_to_1": (0.64, 0.04),
        "impact_1s_1_to_5": (0.79, 0.02),
        "impact_1s_above_5": (1.37, 0.01),
        # One grid of seconds then, the mean over ten here: single ones are from 67 to 79 %.
        "volatility_1s": (0.78, 0.08),
        "kurtosis_1s": (21.0, 1.0),
        "abs_return_acf_1s": (0.14, 0.08),
        "abs_return_acf_5s": (0.05, 0.04),
        "branching_ratio": (0.43, 0.01),
    },
    "spot": {
        "spread_one_tick_share": (0.993, 0.0005),
        "touch_size_median_bid": (1.08, 0.005),
        "touch_size_median_ask": (1.29, 0.005),
        "trades_per_second": (28.2, 0.05),
        "orders_per_second": (9.4, 0.05),
        "order_size_median": (0.0035, 0.0001),
        "order_size_mean": (0.065, 0.001),
        "sign_acf_1": (0.36, 0.005),
        "sign_acf_2": (0.32, 0.005),
        "sign_acf_5": (0.24, 0.006),
        "sign_acf_10": (0.18, 0.006),
        "sign_acf_50": (0.08, 0.005),
        "trade_sign_acf_1": (0.78, 0.005),
        "trade_sign_acf_10": (0.60, 0.005),
        "trade_sign_acf_50": (0.31, 0.005),
        "level_updates_per_second": (359.0, 1.0),
        "branching_ratio": (0.50, 0.01),
    },
    "coinm": {
        "spread_one_tick_share": (0.997, 0.0005),
        "touch_size_median_bid": (951 * 100 / 61_725, 0.002),  # contracts of 100 dollars
        "touch_size_median_ask": (1_045 * 100 / 61_725, 0.002),
        "trades_per_second": (6.7, 0.05),
        "orders_per_second": (2.1, 0.05),
        "order_size_median": (15 * 100 / 61_725, 0.0005),
        "order_size_mean": (117 * 100 / 61_725, 0.001),
        "sign_acf_1": (0.57, 0.005),
        "sign_acf_2": (0.43, 0.005),
        "sign_acf_5": (0.17, 0.005),
        "sign_acf_10": (0.12, 0.005),
        "sign_acf_50": (-0.08, 0.005),
        "trade_sign_acf_1": (0.86, 0.005),
        "trade_sign_acf_10": (0.43, 0.005),
        "trade_sign_acf_50": (0.13, 0.005),
        "level_updates_per_second": (861.0, 1.0),
        "branching_ratio": (0.52, 0.01),
    },
}


@pytest.fixture(scope="module")
def records(real_data: Callable[[str], Path]) -> dict[str, MarketRecord]:
    return {market: record_stream(real_data(file)) for market, file in FILES.items()}


@pytest.mark.parametrize("market", FILES)
def test_facts_agree_with_the_figures_measured_before(
    records: dict[str, MarketRecord], market: str
) -> None:
    found = measure(records[market])
    expected = PUBLISHED[market]
    wrong = {
        name: (found[name], value)
        for name, (value, tolerance) in expected.items()
        if not abs(found[name] - value) <= tolerance
    }
    assert wrong == {}


@pytest.mark.parametrize("market", FILES)
def test_the_shipped_ranges_are_those_of_the_sample(
    records: dict[str, MarketRecord], market: str
) -> None:
    measured, shipped = targets_of(records[market]), load_targets(market)
    assert set(measured.facts) == set(shipped.facts)
    for name, each in measured.facts.items():
        kept = shipped.facts[name]
        assert (kept.low, kept.value, kept.high) == pytest.approx(
            (each.low, each.value, each.high), rel=1e-4, abs=1e-6
        )


def test_large_orders_move_the_price_further(records: dict[str, MarketRecord]) -> None:
    record = records["usdm"]
    small, large = response(record, [1.0], (0.0, 0.1)), response(record, [1.0], (5.0, 1e9))
    assert large[0] > 5 * small[0]


# --- A stream written by hand ----------------------------------------------------------------


def line(ms: int, body: str) -> str:
    return f"{ms * 1_000_000} {body}\n"


def ticker(ms: int, update: int, bid: str, ask: str, symbol: str) -> str:
    return line(
        ms,
        f'{{"e":"bookTicker","E":{ms},"T":{ms},"u":{update},"s":"{symbol}","b":"{bid}",'
        f'"B":"2","a":"{ask}","A":"4"}}',
    )


def trade(ms: int, number: int, price: str, size: str, sells: str, symbol: str) -> str:
    return line(
        ms,
        f'{{"e":"trade","E":{ms},"T":{ms},"s":"{symbol}","t":{number},"p":"{price}",'
        f'"q":"{size}","X":"MARKET","m":{sells}}}',
    )


def write_stream(folder: Path, symbol: str = "BTCUSDT") -> Path:
    """20 s: two trades that are one order, an add, a cancel, and a level that partly traded."""
    snapshot = (
        '{"lastUpdateId":10,"bids":[["100","2"],["99","6"]],"asks":[["101","4"],["103","8"]]}'
    )

    def depth(ms: int, last: int, bids: str, asks: str) -> str:
        return line(
            ms,
            f'{{"e":"depthUpdate","E":{ms},"T":{ms},"s":"{symbol}","U":{last},"u":{last},'
            f'"pu":{last - 1},"b":{bids},"a":{asks}}}',
        )

    path = folder / "stream.txt"
    path.write_text(
        line(1_000, snapshot)
        + ticker(1_000, 10, "100", "101", symbol)
        + trade(3_000, 1, "101", "1", "false", symbol)
        + trade(3_000, 2, "101", "2", "false", symbol)
        + depth(3_050, 11, '[["98","5"]]', '[["101","0"]]')
        + ticker(3_060, 11, "100", "103", symbol)
        + trade(9_000, 3, "100", "1", "true", symbol)
        + depth(9_100, 12, '[["100","1"],["99","0"]]', "[]")
        + ticker(21_000, 12, "100", "103", symbol)
    )
    return path


def test_a_stream_written_by_hand_gives_the_record_one_would_write(tmp_path: Path) -> None:
    record = record_stream(write_stream(tmp_path))
    assert (record.duration, record.tick) == (20.0, 1.0)
    assert record.orders.tolist() == [(2.0, BUY, 3.0, 2, 100.5), (8.0, SELL, 1.0, 1, 101.5)]
    assert record.touch["time"].tolist() == [0.0, pytest.approx(2.06)]  # ends before 20
    # Of the four that left 101, three traded and one was canceled; at 100 all that went traded.
    rows: list[Any] = record.changes[["side", "distance_ticks", "change"]].tolist()
    assert rows == [(BUY, 2, 5.0), (SELL, 0, -1.0), (BUY, 0, 0.0), (BUY, 1, -6.0)]
    assert record.depth["ask_levels"][0, :2].tolist() == [8.0, 0.0]


def test_contracts_that_settle_in_coins_are_counted_in_coins(tmp_path: Path) -> None:
    """One contract is 100 dollars of bitcoin: a coin at a price of 100."""
    record = record_stream(write_stream(tmp_path, "BTCUSD_PERP"))
    assert record.trades["size"] == pytest.approx(np.array([1.0, 2.0, 1.01]) * 100 / 101)
    other = record_stream(write_stream(tmp_path, "ETHUSD_240927"))
    assert other.trades["size"] == pytest.approx(np.array([1.0, 2.0, 1.01]) * 10 / 101)


def test_a_stream_without_trades_or_book_is_refused(tmp_path: Path) -> None:
    lines = write_stream(tmp_path).read_text().splitlines(keepends=True)
    path = tmp_path / "part.txt"
    for missing, told in (
        ('"trade"', "has no trades"),
        ("bookTicker", "has no tickers"),
        ("depthUpdate", "has no depth"),
        ("lastUpdateId", "no snapshot fits the depth updates"),
    ):
        path.write_text("".join(each for each in lines if missing not in each))
        with pytest.raises(DataError, match=told):
            record_stream(path)


def test_a_stream_that_is_too_short_is_refused(tmp_path: Path) -> None:
    path = write_stream(tmp_path)
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-2]))
    with pytest.raises(DataError, match=r"known together for 8\.0 s only; at least 10 s"):
        record_stream(path)
