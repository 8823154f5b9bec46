"""What single events of a crowd do, in markets made so that little else happens."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gammagym import Market
from gammagym.exchange.ledger import book_trade
from gammagym.exchange.own_orders import limit_order
from gammagym.loop import advance, open_world
from gammagym.market.looks import LOOK_NS, plan_look
from gammagym.market.price import pressure, price_now
from gammagym.scenario.compile import compile_world
from gammagym.scenario.load import load_scenario
from gammagym.scenario.tasks import get_task
from gammagym.world import viewed
from gammagym.world.codes import BUY, CROWD, GTC, NO_LEVEL, SELL
from gammagym.world.sizes import NANOSECONDS

NEVER = 2**62
STILL = {"price.volatility": 0.0, "options.implied_volatility": 0.6}


def market(preset: str = "thin", seed: int = 1, **changes: Any) -> tuple[Any, Any]:
    """Open a world of `calm` with another flow; returns it and its tape."""
    kinds = {"levels": "zero_intelligence", "santa_fe": "zero_intelligence"}
    kind = kinds.get(preset, "queue_reactive" if preset == "large_tick" else "hawkes")
    overrides = {"flow.kind": kind, "flow.preset": preset} | changes
    compiled = compile_world(load_scenario("calm", overrides), get_task("GammaScalp"))
    worlds = viewed(compiled.template.copy())
    open_world(worlds[0], compiled.tape, np.uint64(seed))
    return worlds[0], compiled.tape


def best(world: Any, side: int) -> int:
    row = world["books"][0]["best"][side]
    assert row != NO_LEVEL
    return int(world["levels"]["price_ticks"][row])


def hedge_account(world: Any) -> int:
    return int(world["agents"]["hedge_account"][0])


# --- Looks -----------------------------------------------------------------------------------


def still_market() -> tuple[Any, Any]:
    """A market in which nothing happens any more, with a competitor's bid at the touch."""
    world, tape = market(**STILL)
    world["flows"]["next_ns"][0] = NEVER
    bid = best(world, BUY)
    limit_order(world, hedge_account(world), 0, BUY, bid, 5, GTC)
    return world, tape


def test_a_quiet_crowd_takes_an_order_that_the_price_has_overtaken():
    world, tape = still_market()
    world["price"]["path"][:] -= 10.0
    advance(world, tape, LOOK_NS - 1)
    assert world["positions"]["quantity_lots"][hedge_account(world), 0] == 0
    advance(world, tape, 4 * LOOK_NS)
    assert world["positions"]["quantity_lots"][hedge_account(world), 0] == 5


def test_looks_end_when_no_order_rests_any_more():
    world, tape = still_market()
    world["orders"]["live"][world["watched_rows"]] = 0
    plan_look(world)
    assert world["next_look_ns"] == NEVER
    assert world["watching"] == 0
    events = int(world["events"])
    advance(world, tape, NANOSECONDS - 1)
    assert world["events"] == events


def test_nobody_looks_while_no_competitor_has_an_order():
    world, tape = market()
    advance(world, tape, 10 * NANOSECONDS)
    assert world["next_look_ns"] == NEVER


def test_an_order_that_the_price_has_not_reached_is_left_alone():
    world, tape = still_market()
    advance(world, tape, NANOSECONDS - 1)
    assert world["positions"]["quantity_lots"][hedge_account(world), 0] == 0


def first_overrun(world: Any, side: int, price_ticks: int) -> int:
    """Look at the price every LOOK_NS up to the next event or tick; 2**62: it is not reached."""
    flow, tick = world["flows"][0], float(world["instruments"]["tick_size"][0])
    when = (int(world["time_ns"]) // LOOK_NS + 1) * LOOK_NS
    while when <= min(flow["next_ns"], world["price"]["next_tick_ns"]):
        since = (when - int(flow["memory_ns"])) / NANOSECONDS
        reference = price_now(world, when) / tick
        reference += float(flow["memory"]) * np.exp(-since / float(flow["impact_decay"]))
        reference += float(flow["surprise"]) * np.exp(-since / float(flow["informed_horizon"]))
        passed = price_ticks - reference if side == BUY else reference - price_ticks
        if passed > flow["stale_ticks"] and since * NANOSECONDS >= LOOK_NS:
            return when
        when += LOOK_NS
    return NEVER


@pytest.mark.parametrize("shifts", [(0.0, 0.0), (2e-4, 7e-4), (1e-3, 4e-4), (-3e-4, -3e-4)])
@pytest.mark.parametrize("preset", ["sparse", "thin"])
def test_the_planned_look_is_the_first_of_all_looks_that_finds_an_order_overrun(
    preset: str, shifts: tuple[float, float]
):
    """Also while the timeline moves the price, on top of where it would go."""
    found, sides = set[bool](), (BUY, SELL)
    for seed in range(40):
        world, tape = market(preset, seed, **{"price.tick": "10s", "flow.surprise_ticks": 2.0})
        advance(world, tape, seed * NANOSECONDS // 3)
        side = sides[seed % 2]
        price = best(world, side) + (-30 if side == BUY else 30)
        limit_order(world, hedge_account(world), 0, side, price, 1, GTC)
        world["stress"]["price_shift"], world["stress"]["next_shift"] = shifts
        plan_look(world)
        assert world["next_look_ns"] == first_overrun(world, side, price)
        found.add(world["next_look_ns"] < NEVER)
    assert False in found
    if preset == "sparse":
        assert True in found


def test_where_the_time_is_stopped_between_looks_makes_no_difference():
    ends: list[str] = []
    for stops in (1, 77):
        world, tape = market("sparse", 3)
        account = hedge_account(world)
        for side in (BUY, SELL):
            limit_order(world, account, 0, side, best(world, side) + (60 if side else -60), 1, GTC)
        for stop in range(1, stops + 1):
            advance(world, tape, 30 * NANOSECONDS * stop // stops)
        assert world["fill_count"] > 0
        ends.append(world.tobytes().hex())
    assert ends[0] == ends[1]


def test_an_order_in_the_ideal_market_is_taken_at_the_first_look_at_which_quotes_meet_it():
    ideal = {"flow.kind": "ideal", "flow.half_spread": 1e-4, "flow.size": 1_000.0}
    compiled = compile_world(load_scenario("calm", ideal), get_task("GammaScalp"))
    world = viewed(compiled.template.copy())[0]
    open_world(world, compiled.tape, np.uint64(1))
    bid = best(world, BUY)
    limit_order(world, hedge_account(world), 0, BUY, bid, 5, GTC)
    value = float(world["price"]["value"])
    # It falls along a straight line; the ask is at the bid after 2 half spreads of it, at 0.4 s.
    steps = np.arange(len(world["price"]["path"])) / 10.0
    world["price"]["path"][:] = value * (1.0 - 5.5e-4 * steps)
    advance(world, compiled.tape, 2 * LOOK_NS - 1)
    assert world["positions"]["quantity_lots"][hedge_account(world), 0] == 0
    advance(world, compiled.tape, 2 * LOOK_NS)
    assert world["positions"]["quantity_lots"][hedge_account(world), 0] == 5


def test_a_quiet_crowd_has_followed_the_price_when_a_competitor_is_shown_the_book():
    """At price ticks, when decisions are taken: however rare its events are."""
    gaps: list[float] = []
    for seed in range(20):
        world, tape = market("sparse", seed, **{"flow.rate": 0.001})
        advance(world, tape, 60 * NANOSECONDS)
        mid = 0.5 * (best(world, BUY) + best(world, SELL)) * world["instruments"]["tick_size"][0]
        gaps.append(abs(mid / float(world["price"]["value"]) - 1.0))
    # A minute of the price alone moves it by 8 basis points.
    assert max(gaps) < 0.5e-4


# --- What the crowd believes -----------------------------------------------------------------


def test_the_price_between_two_ticks_is_on_the_straight_line_between_two_steps():
    world, tape = market()
    advance(world, tape, 0)
    path = world["price"]["path"]
    for step in range(10):
        assert price_now(world, step * 10**8) == pytest.approx(path[step], rel=1e-12)
        half = price_now(world, step * 10**8 + 5 * 10**7)
        assert half == pytest.approx((path[step] + path[step + 1]) / 2, rel=1e-12)
    assert price_now(world, NANOSECONDS) == pytest.approx(float(world["price"]["ahead"]), rel=1e-12)


@pytest.mark.parametrize("seconds", [3.0, 3.45])
def test_a_reseeded_fork_draws_the_rest_of_the_way_anew_and_keeps_what_was_walked(seconds: float):
    """The price of the next tick is known to the world already, but not to a planner's copy."""
    here = Market("calm", seed=2)
    here.advance(seconds=seconds)
    same, other = here.fork(), here.fork(reseed=5)
    now = int(here.world["time_ns"])
    assert price_now(same.world, now) == price_now(here.world, now)
    assert price_now(other.world, now) == price_now(here.world, now)
    assert other.world["price"]["ahead"] != here.world["price"]["ahead"]
    assert other.world["price"]["value"] == here.world["price"]["value"]
    assert same.world["price"]["ahead"] == here.world["price"]["ahead"]


def test_in_the_last_step_of_the_way_to_a_tick_nothing_is_left_to_draw():
    here = Market("calm", seed=2)
    here.advance(seconds=3.95)
    other, now = here.fork(reseed=5), int(here.world["time_ns"])
    assert price_now(other.world, now) == price_now(here.world, now)
    assert other.world["price"]["ahead"] == here.world["price"]["ahead"]
    other.advance(seconds=1.05)
    here.advance(seconds=1.05)
    assert other.world["price"]["ahead"] != here.world["price"]["ahead"]


def test_a_price_drawn_anew_goes_on_from_where_it_is():
    """Not back to where it was at the last tick, as a way from there would on average."""
    walked, to_come = [], []
    for seed in range(60):
        here = Market("calm", seed=seed)
        here.advance(seconds=2.5)
        now = price_now(here.world, int(here.world["time_ns"]))
        walked.append(np.log(now / here.world["price"]["value"]))
        to_come.append(np.log(here.fork(reseed=5).world["price"]["ahead"] / now))
    slope, _ = np.polyfit(walked, to_come, 1)
    assert abs(slope) < 0.5  # with a standard error of 0.13; a way from the last tick: -1
    # Half of the tick is walked, and half of it is left.
    assert np.std(to_come) == pytest.approx(np.std(walked), rel=0.5)


def test_a_purchase_surprises_and_is_remembered_and_both_fade():
    world, tape = market("full", **STILL)
    flow = world["flows"][0]
    before = best(world, SELL)
    limit_order(world, hedge_account(world), 0, BUY, before + 200, 2_000, GTC)
    advance(world, tape, int(flow["next_ns"]))
    surprise, memory = float(flow["surprise"]), float(flow["memory"])
    assert surprise > 5.0
    assert memory > 1.0
    flow["probability_market"] = 0.0
    advance(world, tape, world["time_ns"] + 2 * NANOSECONDS)
    assert flow["surprise"] == pytest.approx(0.0, abs=0.02 * surprise)
    assert flow["memory"] == pytest.approx(memory * np.exp(-2 / 12), rel=0.05)


def test_lasting_impact_is_a_function_of_positions_alone():
    world, _tape = market(**{"flow.lasting_impact": 2.0})
    account = hedge_account(world)
    assert pressure(world) == 0.0
    book_trade(world, 0, account, CROWD, BUY, 600_000, 5_000)
    assert pressure(world) == pytest.approx(5 * 2e-4, rel=1e-12)
    value = float(world["price"]["value"])
    now = price_now(world, world["time_ns"])
    assert now == pytest.approx(value * np.exp(1e-3), rel=1e-12)
    book_trade(world, 0, account, CROWD, SELL, 600_000, 5_000)
    assert pressure(world) == 0.0


def test_without_lasting_impact_trading_does_not_move_the_fundamental_price():
    world, _tape = market()
    book_trade(world, 0, hedge_account(world), CROWD, BUY, 600_000, 5_000)
    assert world["price"]["pressed"] == 0
    assert pressure(world) == 0.0


# --- Makers in a storm -----------------------------------------------------------------------


def test_makers_widen_and_pull_their_quotes_in_a_storm():
    jump = {"kind": "price", "at": "20s", "ramp": "10s", "hold": "1h", "move": "-3%"}
    spreads, sizes = [], []
    for storm in (0.0, 5.0):
        changes = {"flow.widening": storm, "flow.pulling": storm, "shocks": [jump]}
        world, tape = market("full", **changes)
        seen = []
        for second in range(21, 30):
            advance(world, tape, second * NANOSECONDS)
            touch = world["books"][0]["best"][BUY]
            size = int(world["levels"]["quantity_lots"][touch])
            seen.append((best(world, SELL) - best(world, BUY), size))
        spreads.append(np.mean([spread for spread, _ in seen]))
        sizes.append(np.mean([size for _, size in seen]))
    assert spreads[1] > 5 * spreads[0]
    assert sizes[1] < 0.5 * sizes[0]


def test_a_calm_market_knows_no_storm():
    calm, tape = market("thin", seed=3)
    ready, _ = market("thin", seed=3, **{"flow.widening": 1.0, "flow.pulling": 1.0})
    for world in (calm, ready):
        advance(world, tape, 60 * NANOSECONDS)
    assert best(calm, BUY) == best(ready, BUY)


# --- Queues, distances, zero intelligence ----------------------------------------------------


def test_a_queue_that_is_long_is_joined_more_seldom():
    sizes = []
    for response in (0.0, 5.0):
        changes = {"flow.queue_response": response, "flow.probability_market": 0.02}
        world, tape = market("large_tick", **STILL, **changes)
        seen = []
        for second in range(1, 120):
            advance(world, tape, second * NANOSECONDS)
            seen.append(int(world["levels"]["quantity_lots"][world["books"][0]["best"][BUY]]))
        sizes.append(np.median(seen))
    assert sizes[1] < 0.7 * sizes[0]


@pytest.mark.parametrize("exponent", [-1.0, 2.0])
def test_orders_go_as_far_behind_the_touch_as_the_law_says(exponent: float):
    """The mean distance of the law, from its density, against that of orders that are placed."""
    scale, maximum = 50.0, 400.0
    grid = np.linspace(0.0, maximum, 100_001)
    density = (1 + grid / scale) ** (-exponent - 1)
    expected = np.sum(grid * density) / np.sum(density)
    changes = {
        "flow.touch_probability": 0.0,
        "flow.probability_market": 0.0,
        "flow.probability_add": 1.0,
        "flow.refill_probability": 0.0,
        "flow.distance_exponent": exponent,
        "flow.distance_scale": scale,
        "flow.distance_maximum": maximum,
        "flow.stale_ticks": 1e6,
    }
    distances = []
    for seed in range(20):
        world, tape = market("thin", seed=seed, **STILL, **changes)
        advance(world, tape, 100 * NANOSECONDS)
        rows = world["flows"][0]["rows"]
        behind = set(rows[2 * world["flows"][0]["touch_slots"] :].tolist())
        for row, order in enumerate(world["orders"]):
            if row in behind and order["live"] == 1:
                distances.append(abs(int(order["price_ticks"]) - 600_000))
    deviation = np.std(distances) / np.sqrt(len(distances))
    assert np.mean(distances) == pytest.approx(expected, abs=4 * deviation + 1.0)


@pytest.mark.parametrize("preset", ["levels", "santa_fe"])
def test_orders_of_zero_intelligence_do_not_look_at_the_fundamental_price(preset: str):
    shock = {"kind": "price", "at": "10s", "hold": "1h", "move": "-5%"}
    world, tape = market(preset, **STILL, shocks=[shock])
    advance(world, tape, 60 * NANOSECONDS)
    assert world["price"]["value"] == pytest.approx(57_000, abs=1)
    assert best(world, BUY) > 599_000
    assert world["rejected_background"] == 0


def test_the_events_of_twin_worlds_come_at_the_same_times_whatever_is_traded():
    here, tape = market("full", seed=5)
    there, _ = market("full", seed=5)
    for second in range(1, 20):
        limit_order(there, hedge_account(there), 0, BUY, best(there, SELL) + 5, 300, GTC)
        for world in (here, there):
            advance(world, tape, second * NANOSECONDS)
        for name in ("event", "next_ns", "excitation"):
            assert here["flows"][name][0] == there["flows"][name][0]
    assert there["books"]["volume_lots"][0] > here["books"]["volume_lots"][0]
