"""Books rebuilt from real depth updates, against the best quotes and trades of the same streams."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gammagym.data.depth_book import Replay
from gammagym.data.exchange_stream import DEPTH, ExchangeStream, read_stream
from gammagym.data.stream_check import check_stream

USDM = "binance_usdm_btcusdt_20240808.gz"
SPOT = "binance_spot_btcusdt_20240808.gz"
COINM = "binance_coinm_btcusd_perp_20240808.gz"

# Counts that are not named here are zero.
EXPECTED: dict[str, dict[str, Any]] = {
    USDM: {
        "symbol": "BTCUSDT",
        "tick": Decimal("0.1"),
        "lot": Decimal("0.001"),
        "updates": 6_551,
        "updates_applied": 6_547,
        "updates_old": 4,
        "unknown_removals": 17_747,
        "states": 6_548,
        "states_equal": 6_548,
        "quotes": 66_089,
        "quotes_both_sides": 5_703,
        "quotes_one_side": 4_374,
        "quotes_inside_update": 55_980,
        "quotes_before_snapshot": 32,
        "quotes_settled": 5_703,
        "sides_equal": 15_780,
        "trades": 21_313,
        "trades_at_level": 21_313,
    },
    SPOT: {
        "symbol": "BTCUSDT",
        "tick": Decimal("0.01"),
        "lot": Decimal("0.000001"),  # a few levels have six decimals
        "updates": 3_451,
        "updates_applied": 3_449,
        "updates_old": 2,
        "unknown_removals": 11_239,
        "states": 3_450,
        "states_equal": 3_450,
        "quotes": 28_040,
        "quotes_both_sides": 2_895,
        "quotes_one_side": 1_424,
        "quotes_inside_update": 23_712,
        "quotes_after_last_update": 9,
        "quotes_settled": 2_895,
        "sides_equal": 7_214,
        "trades": 9_757,
        "trades_at_level": 9_754,
        "trades_after_last_update": 3,
    },
    COINM: {
        "symbol": "BTCUSD_PERP",
        "tick": Decimal("0.1"),
        "lot": Decimal(1),
        "updates": 26_847,
        "updates_applied": 26_824,
        "updates_old": 23,
        "unknown_removals": 40_176,
        "states": 26_825,
        "states_equal": 26_825,
        "quotes": 19_136,
        "quotes_both_sides": 6_576,
        "quotes_one_side": 4_770,
        "quotes_inside_update": 7_781,
        "quotes_before_snapshot": 9,
        "quotes_settled": 6_557,
        "sides_equal": 17_922,
        "trades": 2_286,
        "trades_at_level": 2_286,
    },
}


@pytest.fixture(scope="module")
def streams() -> dict[Path, ExchangeStream]:
    return {}


@pytest.fixture
def stream_of(
    real_data: Callable[[str], Path], streams: dict[Path, ExchangeStream]
) -> Callable[[str], ExchangeStream]:
    """Return a real stream, read once; the test is skipped where there is none."""

    def find(name: str) -> ExchangeStream:
        path = real_data(name)
        if path not in streams:
            streams[path] = read_stream(path)
        return streams[path]

    return find


@pytest.mark.parametrize("name", list(EXPECTED))
def test_the_book_agrees_with_every_quote_that_allows_a_comparison(
    name: str, stream_of: Callable[[str], ExchangeStream]
) -> None:
    check = check_stream(stream_of(name))
    found = {key: value for key, value in vars(check).items() if value and key != "file"}
    assert found == EXPECTED[name]
    assert (check.unexplained, check.passed) == (0, True)


@pytest.mark.parametrize("name", list(EXPECTED))
def test_the_counts_add_up(name: str, stream_of: Callable[[str], ExchangeStream]) -> None:
    check = vars(check_stream(stream_of(name)))
    part = {"updates": "unknown", "states": "", "quotes": "quotes_settled", "trades": ""}
    for whole, left_out in part.items():
        parts = [key for key in check if key.startswith(f"{whole}_") and key != left_out]
        assert sum(check[key] for key in parts) == check[whole]
    sides = check["sides_equal"] + check["sides_other_size"] + check["sides_other_price"]
    assert sides == 2 * check["quotes_both_sides"] + check["quotes_one_side"]


@pytest.mark.parametrize("name", list(EXPECTED))
def test_no_book_is_ever_crossed(name: str, stream_of: Callable[[str], ExchangeStream]) -> None:
    replay = Replay(stream_of(name))
    for event in replay:
        if event.kind == DEPTH:
            bid, ask = replay.book.best_bid, replay.book.best_ask
            assert bid is not None
            assert ask is not None
            assert bid[0] < ask[0]


@pytest.mark.parametrize("name", list(EXPECTED))
def test_a_missing_update_is_found(name: str, stream_of: Callable[[str], ExchangeStream]) -> None:
    stream = stream_of(name)
    depth = stream.depth
    kept = [row for row in range(len(depth)) if row != 1_000]
    check = check_stream(replace(stream, depth=depth[kept]))
    assert (check.gaps, check.gaps_open, check.passed) == (1, 1, False)
    assert check.unexplained == 1
    assert check.updates_unused == len(depth) - 1_001


@pytest.mark.parametrize("name", list(EXPECTED))
def test_a_wrong_level_is_found(name: str, stream_of: Callable[[str], ExchangeStream]) -> None:
    stream = stream_of(name)
    levels = stream.levels.copy()
    levels["size_lots"][levels["size_lots"] > 0] += 1
    check = check_stream(replace(stream, levels=levels))
    assert check.sides_other_size == EXPECTED[name]["sides_equal"]
    assert not check.passed
