"""Facts of markets that were put together by hand, so that each fact is known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from gammagym.errors import DataError
from gammagym.evaluation.facts import record as tables
from gammagym.evaluation.facts.measures import (
    YEAR,
    measure,
    response,
    signature,
    volume_and_volatility,
)
from gammagym.evaluation.facts.record import MarketRecord

DURATION = 400.0


def make_record(duration: float = DURATION, **parts: Any) -> MarketRecord:
    """Return a record with empty tables but for those given."""
    dtypes = {
        "trades": tables.TRADE,
        "orders": tables.ORDER,
        "touch": tables.TOUCH,
        "depth": tables.DEPTH,
        "changes": tables.CHANGE,
    }
    rows = {name: np.zeros(0, dtype) for name, dtype in dtypes.items()} | parts
    return MarketRecord("made by hand", 0.1, duration, **rows)


def make_touch(times: Any, mids: Any, spread: Any = 0.1, sizes: Any = (1.0, 1.0)) -> Any:
    touch = np.zeros(len(times), tables.TOUCH)
    touch["time"] = times
    touch["bid"], touch["ask"] = np.asarray(mids) - np.divide(spread, 2), 0.0
    touch["ask"] = touch["bid"] + spread
    touch["bid_size"], touch["ask_size"] = sizes
    return touch


def make_orders(times: Any, sides: Any, sizes: Any = 1.0, mids: Any = 100.0) -> Any:
    orders = np.zeros(len(times), tables.ORDER)
    orders["time"], orders["side"], orders["size"], orders["mid"] = times, sides, sizes, mids
    orders["fills"] = 1
    return orders


def make_trades(orders: Any) -> Any:
    trades = np.zeros(len(orders), tables.TRADE)
    for name in ("time", "side", "size"):
        trades[name] = orders[name]
    trades["price"] = 100.0
    return trades


# --- The book --------------------------------------------------------------------------------


def test_spreads_are_weighted_by_the_time_they_held() -> None:
    """One tick for 300 s, five ticks for 100 s: the mean is 2."""
    facts = measure(make_record(touch=make_touch([0.0, 300.0], [100.0, 100.0], [0.1, 0.5])))
    assert facts["spread_ticks_mean"] == pytest.approx(2.0)
    assert facts["spread_one_tick_share"] == pytest.approx(0.75)


def test_the_median_of_the_touch_counts_updates_and_the_other_one_time() -> None:
    touch = make_touch([0.0, 1.0, 2.0], [100.0] * 3, sizes=([1.0, 2.0, 9.0], [4.0, 5.0, 6.0]))
    facts = measure(make_record(touch=touch))
    assert (facts["touch_size_median_bid"], facts["touch_size_median_ask"]) == (2.0, 5.0)
    assert (facts["touch_size_time_median_bid"], facts["touch_size_time_median_ask"]) == (9.0, 6.0)


def test_an_empty_side_is_no_spread() -> None:
    touch = make_touch([0.0, 100.0, 200.0], [100.0] * 3)
    touch["ask"][1] = np.nan
    assert measure(make_record(touch=touch))["spread_ticks_mean"] == pytest.approx(1.0)


def test_depth_is_the_mean_over_the_grid() -> None:
    depth = np.zeros(2, tables.DEPTH)
    depth["time"] = (0.0, 1.0)
    depth["bid"], depth["ask"] = [[1, 2, 3, 4, 5], [3, 4, 5, 6, 7]], 10.0
    facts = measure(make_record(depth=depth))
    assert [facts[f"depth_{width}bp_bid"] for width in (1, 5, 10, 20, 50)] == [2, 3, 4, 5, 6]
    assert facts["depth_50bp_ask"] == 10.0
    assert facts["depth_50bp"] == 8.0


# --- The flow of orders ----------------------------------------------------------------------


def test_rates_and_sizes_are_those_of_the_tables() -> None:
    sizes = np.arange(1.0, 101.0)
    orders = make_orders(np.linspace(0.0, 399.0, 100), 1, sizes)
    facts = measure(make_record(orders=orders, trades=make_trades(orders)))
    assert facts["orders_per_second"] == facts["trades_per_second"] == 0.25
    assert facts["volume_per_second"] == pytest.approx(5_050 / 400)
    assert facts["order_size_median"] == facts["order_size_mean"] == 50.5
    assert facts["order_size_q90"] == pytest.approx(90.1)


def test_regular_orders_have_no_dispersion_and_poisson_orders_one_of_one() -> None:
    regular = make_orders(np.arange(400.0), 1)
    assert measure(make_record(orders=regular))["interarrival_cv"] == pytest.approx(0.0)
    times = np.sort(np.random.default_rng(1).uniform(0.0, DURATION, 20_000))
    facts = measure(make_record(orders=make_orders(times, 1)))
    assert facts["interarrival_cv"] == pytest.approx(1.0, abs=0.02)
    assert facts["branching_ratio"] < 0.05


def test_the_cancel_ratio_is_what_went_over_what_came() -> None:
    changes = np.zeros(5, tables.CHANGE)
    changes["change"] = (4.0, 6.0, -1.0, -4.0, 0.0)  # the last one is a trade
    facts = measure(make_record(changes=changes))
    assert facts["cancel_ratio_size"] == pytest.approx(0.5)
    assert facts["cancel_ratio_count"] == pytest.approx(1.0)
    assert facts["level_updates_per_second"] == pytest.approx(5 / 400)


def test_signs_that_alternate_are_anticorrelated_at_odd_lags() -> None:
    orders = make_orders(np.arange(400.0), np.tile((1, -1), 200))
    facts = measure(make_record(orders=orders, trades=make_trades(orders)))
    assert facts["sign_acf_1"] == facts["sign_acf_5"] == pytest.approx(-1.0)
    assert facts["sign_acf_2"] == facts["trade_sign_acf_10"] == pytest.approx(1.0)


# --- Impact ----------------------------------------------------------------------------------


def impact_record() -> MarketRecord:
    """Every 10 s an order; half a second later the mid is 3 bp further, 20 s later it is back.

    Orders alternate, a buy of 0.05 and a sale of 2, whose move is three times as far.
    """
    times = np.arange(5.0, 395.0, 40.0)
    sides = np.tile((1, -1), 5)
    moves = sides * np.tile((3e-4, 9e-4), 5)
    start = np.stack((times + 0.5, times + 20.0), axis=1).ravel()
    mids = np.stack((100.0 * (1 + moves), np.full(10, 100.0)), axis=1).ravel()
    touch = make_touch(np.append(0.0, start), np.append(100.0, mids))
    orders = make_orders(times, sides, np.tile((0.05, 2.0), 5))
    return make_record(touch=touch, orders=orders, trades=make_trades(orders))


def test_the_response_is_the_move_that_was_made() -> None:
    facts = measure(impact_record())
    assert facts["impact_100ms"] == pytest.approx(0.0, abs=1e-9)
    assert facts["impact_1s"] == facts["impact_5s"] == pytest.approx(6.0)
    assert facts["impact_30s"] == pytest.approx(0.0, abs=1e-9)


def test_the_response_by_size_is_that_of_the_orders_of_that_size() -> None:
    facts = measure(impact_record())
    assert facts["impact_1s_below_0.1"] == pytest.approx(3.0)
    assert facts["impact_1s_1_to_5"] == pytest.approx(9.0)
    assert math.isnan(facts["impact_1s_above_5"])


def test_orders_too_close_to_the_end_or_with_an_unknown_mid_are_left_out() -> None:
    record = impact_record()
    record.orders["mid"][0] = np.nan
    record.orders["mid"][-1] = 50.0  # would show, were it counted at 36 s
    assert response(record, [36.0], (0.0, 1.0)) == [pytest.approx(0.0, abs=1e-9)]


# --- Returns ---------------------------------------------------------------------------------


def random_walk(sigma: float = 0.8, step: float = 0.01, seed: int = 1) -> MarketRecord:
    times = np.arange(0.0, DURATION, step)
    moves = np.random.default_rng(seed).normal(0.0, sigma * math.sqrt(step / YEAR), len(times))
    return make_record(touch=make_touch(times, 60_000 * np.exp(np.cumsum(moves))))


def test_the_signature_of_a_random_walk_is_flat_at_its_volatility() -> None:
    found = signature(random_walk(), [0.1, 1.0, 10.0])
    assert found[0] == pytest.approx(0.8, rel=0.03)
    assert found[1] == pytest.approx(0.8, rel=0.08)
    assert found[2] == pytest.approx(0.8, rel=0.25)


def test_returns_of_a_random_walk_have_no_memory_and_no_tails() -> None:
    facts = measure(random_walk())
    for name in ("return_acf_1s", "abs_return_acf_1s", "abs_return_acf_5s"):
        assert facts[name] == pytest.approx(0.0, abs=0.1)
    assert facts["kurtosis_1s"] == pytest.approx(0.0, abs=0.5)


def test_a_mid_that_bounces_each_second_shows_it_in_the_memory_and_the_signature() -> None:
    bounce = np.where(np.arange(401) % 2, 100.1, 100.0)
    record = make_record(touch=make_touch(np.arange(401.0), bounce))
    assert measure(record)["return_acf_1s"] == pytest.approx(-1.0, abs=0.01)
    second, two_seconds = signature(record, [1.0, 2.0])
    assert second == pytest.approx(math.log(1.001) * math.sqrt(YEAR), rel=1e-3)
    assert two_seconds == pytest.approx(0.0, abs=1e-6)


def test_volume_that_follows_volatility_is_correlated_with_it() -> None:
    """In every second bin the mid bounces by twice as much, and twice as much trades."""
    busy = (np.arange(400) // 10) % 2 == 1
    mids = 100.0 + np.where(np.arange(400) % 2 == 1, 0.1, 0.0) * (1 + busy)
    orders = make_orders(np.arange(400.0) + 0.5, 1, 1.0 + busy)
    record = make_record(touch=make_touch(np.arange(400.0), mids), trades=make_trades(orders))
    volumes, _ = volume_and_volatility(record)
    assert set(volumes) == {10.0, 20.0}
    assert measure(record)["volume_volatility_correlation"] > 0.95


# --- Records ---------------------------------------------------------------------------------


def test_an_empty_market_has_rates_of_zero_and_nothing_else() -> None:
    facts = measure(make_record())
    assert {name for name, value in facts.items() if not math.isnan(value)} == {
        "trades_per_second",
        "orders_per_second",
        "level_updates_per_second",
        "volume_per_second",
    }


def test_a_window_knows_the_quotes_that_hold_when_it_begins() -> None:
    record = make_record(touch=make_touch([0.0, 50.0, 150.0], [100.0, 200.0, 300.0]))
    window = record.window(100.0, 200.0)
    assert window.touch["time"].tolist() == [0.0, 50.0]
    assert window.mids_at([0.0, 49.0, 50.0]).tolist() == [200.0, 200.0, 300.0]
    assert window.duration == 100.0


def test_windows_share_out_what_happened() -> None:
    record = make_record(orders=make_orders(np.arange(400.0), 1))
    assert [len(part.orders) for part in record.windows(8)] == [50] * 8


def test_a_window_that_is_too_short_or_outside_is_refused() -> None:
    for start, end in ((0.0, 5.0), (390.0, 410.0), (-1.0, 20.0), (20.0, 10.0)):
        with pytest.raises(DataError, match="a window must lie in 0 to 400 s"):
            make_record().window(start, end)


def test_a_record_out_of_order_or_without_length_is_refused() -> None:
    with pytest.raises(DataError, match="times of orders must rise"):
        make_record(orders=make_orders([2.0, 1.0], 1))
    with pytest.raises(DataError, match="duration must be > 0, was 0"):
        make_record(duration=0.0)
