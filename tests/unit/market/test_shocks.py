"""The timeline: trapezoids in time."""

from __future__ import annotations

import math

import pytest

from gammagym.market.shocks import apply_shocks, strength
from gammagym.world import STANDARD, empty_worlds
from gammagym.world.codes import SHOCK_DEPTH, SHOCK_PRICE, SHOCK_SPREAD


def shock_world(*shocks):
    """Make a world with shocks (kind, start, ramp, hold, recovery, magnitude)."""
    world = empty_worlds(1, STANDARD)[0]
    for row, (kind, start, ramp, hold, recovery, magnitude) in enumerate(shocks):
        target = world["shocks"][row]
        target["kind"], target["start_ns"], target["ramp_ns"] = kind, start, ramp
        target["hold_ns"], target["recovery_ns"], target["magnitude"] = hold, recovery, magnitude
    world["shock_count"] = len(shocks)
    return world


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (0, 0.0),
        (99, 0.0),
        (100, 0.0),
        (105, 0.5),
        (110, 1.0),
        (125, 1.0),
        (130, 1.0),
        (140, 0.75),
        (169, 0.025),
        (170, 0.0),
        (10**15, 0.0),
    ],
)
def test_a_shock_ramps_up_holds_and_recovers(time, expected):
    world = shock_world((SHOCK_PRICE, 100, 10, 20, 40, 1.0))
    assert strength(world["shocks"][0], time) == pytest.approx(expected)


def test_a_shock_without_ramp_is_there_at_once():
    world = shock_world((SHOCK_PRICE, 100, 0, 0, 0, 1.0))
    assert [strength(world["shocks"][0], time) for time in (99, 100, 101)] == [0.0, 1.0, 0.0]


def test_a_shock_that_never_recovers_stays():
    world = shock_world((SHOCK_PRICE, 100, 10, 0, -1, 1.0))
    assert strength(world["shocks"][0], 10**17) == 1.0


def test_shocks_of_one_kind_add_up_and_kinds_do_not_mix():
    world = shock_world(
        (SHOCK_PRICE, 0, 0, 10, -1, math.log(0.9)),
        (SHOCK_PRICE, 0, 0, 10, -1, math.log(0.8)),
        (SHOCK_SPREAD, 0, 0, 10, -1, math.log(30)),
        (SHOCK_DEPTH, 0, 0, 10, -1, math.log(0.05)),
        (SHOCK_DEPTH, 50, 0, 10, -1, math.log(0.01)),
    )
    world["time_ns"] = 5
    apply_shocks(world)
    assert math.exp(world["stress"]["price_shift"]) == pytest.approx(0.72)
    assert world["stress"]["spread_multiple"] == pytest.approx(30)
    assert world["stress"]["depth_multiple"] == pytest.approx(0.05)


def test_a_quiet_timeline_leaves_the_market_as_it_is():
    world = shock_world()
    apply_shocks(world)
    stress = world["stress"]
    for name in ("price_shift", "next_shift", "source_shift", "implied_shift", "premium_shift"):
        assert stress[name] == 0.0
    for name in ("spread_multiple", "depth_multiple", "latency_multiple", "variance_multiple"):
        assert stress[name] == 1.0
    assert stress["sources_off"] == 0
    assert stress["collateral_shift"].tolist() == [0.0, 0.0]


def test_the_flash_crash_falls_by_nine_percent_and_mostly_comes_back(make_worlds):
    """The price moves by the shock alone where there is no volatility."""
    run = make_worlds(
        "flash_crash",
        overrides={"price.volatility": 0.0},
        horizon_seconds=7_200.0,
        decision_interval=15.0,
    )
    prices = []
    while not run.over:
        run.step([[0.0, 0.0]])
        prices.append(float(run.worlds["price"]["value"][0]))
    assert prices[238] == 60_000.0
    assert min(prices) == pytest.approx(60_000 * (1 - 0.074) * (1 - 0.017), rel=1e-9)
    assert prices[-1] == pytest.approx(60_000 * (1 - 0.017), rel=1e-9)
