"""Measures of an event on series made by hand, verdicts, and the sampler on a real world."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from gammagym.errors import GammagymError
from gammagym.evaluation.history import Finding, Run, Series, measure, run_scenario
from gammagym.evaluation.history.results import as_data, told
from gammagym.scenario.load import load_scenario
from gammagym.scenario.record import RecordedFact
from gammagym.world.codes import PERPETUAL, SPOT

BEGIN, END = 4_000, 40_000
HOUR = 3_600


def series(prices: Any = 100.0, **fields: Any) -> Series:
    """Return a quiet market; prices and fields are numbers or arrays of END seconds."""
    quiet: dict[str, Any] = {"spread": 0.001, "volume": 1.0, "trades": 2.0, "funding": 0.0}
    filled = {
        name: np.broadcast_to(np.asarray(value, np.float64), END).copy()
        for name, value in ({"mid": prices, "low": prices, "high": prices} | quiet | fields).items()
        if name not in ("kind", "venue", "depth")
    }
    depth = np.broadcast_to(np.asarray(fields.get("depth", 50.0), np.float64), END).copy()
    return Series(
        kind=fields.get("kind", PERPETUAL),
        venue=fields.get("venue", 0),
        depth={"0.1%": depth / 10.0, "1%": depth, "2%": 2.0 * depth},
        **filled,
    )


def run(*, longs: Any = 0.0, shorts: Any = 0.0, closed: Any = 0.0, **markets: Series) -> Run:
    sides = [np.broadcast_to(np.asarray(each, np.float64), END) for each in (longs, shorts, closed)]
    return Run("by hand", BEGIN, dict(markets), *sides)


def fact(name: str, value: Any = "-10%", **keys: Any) -> RecordedFact:
    given = {"measure": name, "value": value, "role": "outcome", "source": "made up"}
    return RecordedFact.model_validate(given | keys)


def after(second: int, value: float, otherwise: float, until: int = END) -> Any:
    """Return a constant that has another value from a second of the event on, until another."""
    values = np.full(END, otherwise)
    values[BEGIN + second : BEGIN + until if until < END else END] = value
    return values


def test_a_fall_is_the_lowest_trade_against_the_mid_at_the_beginning():
    low = after(60, 80.0, 100.0, until=61)
    market = series(100.0, low=low)
    assert measure(fact("fall"), run(perp=market)) == pytest.approx(-0.2)
    assert measure(fact("fall", within="30s"), run(perp=market)) == pytest.approx(0.0)


def test_what_came_before_the_event_is_no_fall():
    prices = np.full(END, 100.0)
    prices[: BEGIN - 10] = 50.0
    assert measure(fact("fall"), run(perp=series(prices))) == pytest.approx(0.0)


def test_a_rise_is_the_highest_trade():
    market = series(100.0, high=after(60, 130.0, 100.0))
    assert measure(fact("rise", "30%"), run(perp=market)) == pytest.approx(0.3)


def test_the_largest_fall_within_a_window_is_found_wherever_it_is():
    prices = np.full(END, 100.0)
    prices[BEGIN + 100 :] = 99.0
    prices[BEGIN + 500 : BEGIN + 560] = np.linspace(99.0, 89.1, 60)
    prices[BEGIN + 560 :] = 89.1
    found = measure(fact("fall_within", within="1min"), run(perp=series(prices)))
    assert found == pytest.approx(-0.1)
    half = measure(fact("fall_within", within="30s"), run(perp=series(prices)))
    assert -0.06 < half < -0.045


def test_the_time_of_a_fall_goes_from_five_to_ninety_five_per_cent_of_it():
    prices = np.full(END, 100.0)
    prices[BEGIN : BEGIN + 1_000] = 100.0 - np.arange(1_000) * 0.01
    prices[BEGIN + 1_000 :] = 90.0
    found = measure(fact("fall_time", "900s"), run(perp=series(prices)))
    assert found == pytest.approx(900.0, abs=2.0)


def test_a_jump_takes_one_second():
    prices = after(100, 90.0, 100.0)
    assert measure(fact("fall_time", "1s"), run(perp=series(prices))) == 1.0


def test_retracement_is_the_share_regained_so_long_after_the_low():
    prices = np.full(END, 100.0)
    prices[BEGIN + 10 : BEGIN + 610] = 80.0
    prices[BEGIN + 610 :] = 95.0
    market = run(perp=series(prices))
    assert measure(fact("retracement", "75%", within="10min"), market) == pytest.approx(0.75)
    assert measure(fact("retracement", "75%", within="5min"), market) == pytest.approx(0.0)


def test_the_widest_minute_is_told_in_multiples_of_the_hour_before():
    spread = after(100, 0.05, 0.001, until=130)
    found = measure(fact("spread_multiple", 25), run(perp=series(spread=spread)))
    assert found == pytest.approx((30 * 0.05 + 30 * 0.001) / 60 / 0.001)
    found = measure(fact("spread_multiple", 25, within="10s"), run(perp=series(spread=spread)))
    assert found == pytest.approx(50.0)


def test_seconds_without_two_sides_have_no_spread():
    spread = after(100, math.nan, 0.001, until=130)
    spread[BEGIN + 130] = 0.004
    found = measure(fact("spread_multiple", 2, within="31s"), run(perp=series(spread=spread)))
    assert found == pytest.approx(4.0)


def test_the_thinnest_minute_is_told_as_a_share_of_the_hour_before():
    depth = after(100, 1.0, 50.0, until=400)
    market = run(perp=series(depth=depth))
    assert measure(fact("depth_multiple", 0.02), market) == pytest.approx(0.02)
    assert measure(fact("depth_multiple", 0.02, band="0.1%"), market) == pytest.approx(0.02)
    assert measure(fact("depth_multiple", 0.02, within="10min"), market) == pytest.approx(0.51)


def test_the_busiest_minute_is_told_in_multiples_of_the_hour_before():
    volume = after(100, 16.0, 1.0, until=400)
    found = measure(fact("volume_multiple", 16), run(perp=series(volume=volume)))
    assert found == pytest.approx(16.0)


def test_funding_is_the_rate_furthest_from_zero():
    funding = after(100, -0.003, 0.0001, until=200)
    found = measure(fact("funding", "-0.3%"), run(perp=series(funding=funding)))
    assert found == pytest.approx(-0.003)


def test_the_gap_to_spot_keeps_its_sign():
    spot = series(100.0, kind=SPOT)
    found = measure(fact("perp_spot_gap"), run(perp=series(after(100, 95.0, 100.0)), spot=spot))
    assert found == pytest.approx(-0.05)


def test_a_gap_between_venues_needs_a_second_venue():
    here, there = series(after(50, 90.0, 100.0, until=60)), series(100.0, venue=1)
    assert measure(fact("venue_gap"), run(here=here, there=there)) == pytest.approx(-0.1)
    with pytest.raises(GammagymError, match="at a second venue"):
        measure(fact("venue_gap"), run(here=here, spot=series(kind=SPOT)))
    with pytest.raises(GammagymError, match="perp_spot_gap needs a spot market"):
        measure(fact("perp_spot_gap"), run(here=here, there=there))


def test_what_was_liquidated_is_told_as_a_share_of_the_larger_side():
    closed = after(100, 300.0, 100.0)
    market = run(perp=series(), longs=after(100, 800.0, 1_000.0), shorts=500.0, closed=closed)
    assert measure(fact("liquidated_share", "20%"), market) == pytest.approx(0.2)
    assert measure(fact("open_interest_change", "-20%"), market) == pytest.approx(-0.2)


def test_nobody_is_liquidated_where_there_is_no_crowd():
    with pytest.raises(GammagymError, match=r"has no \[crowd\]"):
        measure(fact("liquidated_share", "20%"), run(perp=series()))


def test_an_outage_is_the_longest_time_without_a_trade():
    trades = after(100, 0.0, 2.0, until=400)
    trades[BEGIN + 1_000 : BEGIN + 1_100] = 0.0
    assert measure(fact("outage", "5min"), run(perp=series(trades=trades))) == 300.0
    assert measure(fact("outage", "5min"), run(perp=series())) == 0.0


def test_a_market_is_named_and_an_unknown_one_refused():
    both = run(perp=series(), spot=series(after(9, 90.0, 100.0), kind=SPOT))
    assert measure(fact("fall", market="spot"), both) == pytest.approx(-0.1)
    with pytest.raises(GammagymError, match=r"'spto'.*did you mean 'spot'"):
        measure(fact("fall", market="spto"), both)


# --- Verdicts --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "keys", "verdict"),
    [
        ((-0.1, -0.08, -0.3), {}, "yes"),
        ((-0.1, -0.126, -0.3), {}, "no"),
        ((-0.02, -0.074, -0.08), {}, "no"),
        ((-0.02, -0.02, -0.02), {"miss": "a reason"}, "no, listed"),
        ((-0.1, -0.1, -0.1), {"miss": "a reason"}, "yes, but listed"),
        ((-0.02, -0.02, -0.02), {"role": "imposed"}, "imposed"),
        ((math.nan, math.nan, -0.1), {}, "no"),
        ((math.nan, -0.1, -0.1), {}, "yes"),
    ],
)
def test_the_median_has_to_be_within_a_quarter(values, keys, verdict):
    assert Finding("by hand", fact("fall", **keys), values).verdict == verdict


def test_what_could_not_be_measured_is_a_dash_and_null():
    finding = Finding("by hand", fact("fall"), (math.nan,))
    assert as_data([finding])[0]["median"] is None
    assert told(finding.fact, finding.median) == "\N{EN DASH}"


# --- A world ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cascade() -> Run:
    return run_scenario(load_scenario("liquidation_cascade"), 3)


def test_the_event_begins_with_the_timeline(cascade):
    assert 0.4 * 86_400 - 1 <= cascade.begin <= 0.6 * 86_400


def test_a_run_sees_prices_books_and_the_crowd(cascade):
    market = cascade.hedge
    assert (market.low <= market.high).all()
    assert -0.2 < measure(fact("fall"), cascade) < -0.05
    # A calm market: one tick of 0.1 at 60,000; trades in nearly every second.
    before = slice(cascade.begin - HOUR, cascade.begin)
    assert np.nanmean(market.spread[before]) == pytest.approx(0.1 / 60_000, rel=0.5)
    assert np.mean(market.trades[before] > 0) > 0.5
    assert (market.depth["0.1%"] <= market.depth["1%"]).all()
    assert (market.depth["1%"] <= market.depth["2%"]).all()
    assert cascade.longs[0] == pytest.approx(30_000_000, rel=1e-3)


def test_what_the_crowd_has_lost_was_closed_by_force_or_came_back(cascade):
    held = cascade.longs + cascade.shorts
    assert (np.diff(cascade.closed) >= 0).all()
    gone = cascade.closed - (held[0] - held)
    assert gone.min() >= 0.0
    low = int(cascade.longs.argmin())
    assert cascade.closed[low] >= 0.5 * cascade.longs[0]


def test_the_same_seed_gives_the_same_run(cascade):
    twin = run_scenario(load_scenario("liquidation_cascade"), 3)
    np.testing.assert_array_equal(cascade.hedge.mid, twin.hedge.mid)
    np.testing.assert_array_equal(cascade.closed, twin.closed)


def test_a_scenario_without_a_timeline_has_no_event():
    with pytest.raises(GammagymError, match="has no shocks"):
        run_scenario(load_scenario("calm"), 0)
