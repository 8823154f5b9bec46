"""Dealers who hedge options in the market: their orders, their money, their limits."""

from __future__ import annotations

import math
from typing import Any

import pytest

import gammagym
from gammagym.errors import ScenarioError
from gammagym.exchange.ledger import conserved
from gammagym.exchange.trading import mid_price
from gammagym.loop import advance, open_world
from gammagym.market.looks import LOOK_NS
from gammagym.scenario.compile import compile_world
from gammagym.scenario.load import load_scenario
from gammagym.scenario.tasks import Leg, Task
from gammagym.world import LARGE, SMALL, capacity_of, fingerprint
from gammagym.world.codes import FEE_INCOME, FIRST_AGENT_ACCOUNT
from gammagym.world.sizes import LARGEST_PRESSURE

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
PERP = 0
# After the agent's two accounts and the insurance fund of the second venue.
FIRST = FIRST_AGENT_ACCOUNT + 2


def scenario(*hedgers: dict[str, Any], impact: float = 10.0, **flow: Any) -> dict[str, Any]:
    """Return a small market: thin in events, with a lasting impact of so many bp per unit."""
    return {
        "purpose": "test",
        "funding": "0%",
        "price": {"model": "gbm", "start": "60000", "volatility": 0.6, "tick": "10s"},
        "flow": {"preset": "sparse", "rate": 0.5, "lasting_impact": impact} | flow,
        "hedgers": list(hedgers),
    }


def dealer(gamma: float = -5.0, interval: str = "5min", **keys: Any) -> dict[str, Any]:
    return {"gamma": gamma, "interval": interval} | keys


def open_market(table: dict[str, Any], seed: int = 1, capacity: Any = LARGE) -> tuple[Any, Any]:
    """Return an array of one open world, and its tape."""
    task = Task("test", (Leg("spot", 1.0),), horizon_seconds=86_400.0)
    compiled = compile_world(load_scenario(table), task, capacity=capacity)
    worlds = compiled.template.copy()
    open_world(worlds[0], compiled.tape, seed)
    return worlds, compiled.tape


def positions(worlds: Any) -> Any:
    return worlds["positions"]["quantity_lots"][0, :, PERP]


def mid_of(worlds: Any) -> float:
    return float(mid_price(worlds[0], PERP))


def before_a_hedge(worlds: Any, tape: Any) -> Any:
    """Return a hedger just before it hedges, at a time when the crowd has just been in the book.

    So the crowd does not move the mid any more before the hedger looks at it.
    """
    advance(worlds[0], tape, 3 * HOUR)
    hedger = worlds["hedgers"][0, 0]
    advance(worlds[0], tape, int(hedger["next_ns"]) - 1)
    while int(hedger["next_ns"]) - int(worlds["flows"]["memory_ns"][0, 0]) >= LOOK_NS:
        advance(worlds[0], tape, int(hedger["next_ns"]))
        advance(worlds[0], tape, int(hedger["next_ns"]) - 1)
    return hedger


def assert_money_is_right(worlds: Any) -> None:
    for currency in range(2):
        assert int(conserved(worlds[0], currency)) == int(worlds["deposits"][0, currency])
    assert positions(worlds).sum() == 0


# --- What they do ----------------------------------------------------------------------------


@pytest.mark.parametrize("gamma", [-5.0, 5.0])
def test_a_hedge_is_gamma_times_the_move_of_the_mid_that_the_dealer_saw(gamma):
    """Short of gamma it holds what has risen, long of gamma it is short of it."""
    worlds, tape = open_market(scenario(dealer(gamma), impact=0.0))
    hedger = before_a_hedge(worlds, tape)
    mid = mid_of(worlds)
    advance(worlds[0], tape, int(hedger["next_ns"]))
    wish = -100.0 * gamma * math.log(mid / float(hedger["reference_price"]))
    assert abs(wish) > 0.1
    assert positions(worlds)[hedger["account"]] == round(wish / 0.001)


def test_the_price_moves_for_good_by_what_dealers_hold():
    worlds, tape = open_market(scenario(dealer()))
    advance(worlds[0], tape, 2 * HOUR)
    held = positions(worlds)[FIRST] * 0.001
    advance(worlds[0], tape, 2 * HOUR + 10 * SECOND)
    assert held != 0.0
    assert worlds["price"]["pressure"][0] == pytest.approx(10e-4 * held, rel=1e-12)


def test_dealers_share_the_gamma_and_hedge_at_equal_or_staggered_times():
    together, _ = open_market(scenario(dealer(count=4)))
    turns, tape = open_market(scenario(dealer(count=4, phase="staggered")))
    assert together["hedgers"]["gamma"][0, :4].tolist() == [-125.0] * 4
    assert together["hedger_count"][0] == 4
    assert together["hedgers"]["account"][0, :4].tolist() == [
        FIRST,
        FIRST + 1,
        FIRST + 2,
        FIRST + 3,
    ]
    first = turns["hedgers"]["next_ns"][0, :4] % (5 * MINUTE)
    assert first.tolist() == [0, 75 * SECOND, 150 * SECOND, 225 * SECOND]
    advance(turns[0], tape, HOUR)
    assert (positions(turns)[FIRST : FIRST + 4] != 0).all()
    assert_money_is_right(turns)


def test_within_the_band_a_dealer_does_nothing():
    narrow, tape = open_market(scenario(dealer()))
    wide, _ = open_market(scenario(dealer(band=1_000.0)))
    some, _ = open_market(scenario(dealer(band=1.0)))
    for worlds in (narrow, wide, some):
        advance(worlds[0], tape, 6 * HOUR)
    hedges = [int(worlds["hedgers"]["hedges"][0, 0]) for worlds in (narrow, some, wide)]
    assert hedges[0] > hedges[1] > hedges[2] == 0


def test_what_the_book_does_not_take_is_hedged_the_next_time():
    thin = scenario(dealer(-50.0), impact=0.0, touch_size=0.003, add_size=0.003)
    worlds, tape = open_market(thin)
    advance(worlds[0], tape, HOUR)
    hedger = worlds["hedgers"][0, 0]
    move = math.log(mid_of(worlds) / float(hedger["reference_price"]))
    held = positions(worlds)[FIRST] * 0.001
    assert 0.0 < abs(held) < 0.5 * abs(5_000.0 * move)
    assert_money_is_right(worlds)


def test_dealers_pay_fees_like_everybody():
    worlds, tape = open_market(scenario(dealer()))
    before = int(worlds["cash"][0, FEE_INCOME, 0])
    advance(worlds[0], tape, 6 * HOUR)
    account = worlds["accounts"][0, FIRST]
    assert account["taker_fills"] > 0
    assert account["maker_fills"] == 0
    paid = int(account["fees_quanta"])
    # 5 bp of the notional; each fee is rounded down.
    exact = int(account["traded_quanta"]) * 5 // 10_000
    assert exact - int(account["taker_fills"]) <= paid <= exact
    assert int(worlds["cash"][0, FEE_INCOME, 0]) - before >= paid


# --- The world around them -------------------------------------------------------------------


def test_without_hedgers_a_world_is_the_same_to_the_bit_and_as_small_as_before():
    """A row that is never due changes nothing but itself and its account."""
    without, tape = open_market(scenario())
    with_one, _ = open_market(scenario(dealer(band=1e9)))
    for worlds in (without, with_one):
        advance(worlds[0], tape, 2 * HOUR)
    own = {"hedgers", "hedger_count", "account_count", "accounts"}
    # Which memory is read ahead hangs on how many rows are in use, and is no part of the market.
    names = set(without.dtype.names) - own - {"stretches", "stretch_count"}
    for name in sorted(names):
        assert without[name].tobytes() == with_one[name].tobytes(), name
    task = Task("test", (Leg("spot", 1.0),))
    plain = compile_world(load_scenario(scenario()), task)
    assert capacity_of(plain.template) == SMALL
    assert capacity_of(compile_world(load_scenario(scenario(dealer())), task).template) == LARGE


def next_event_ns(worlds: Any) -> int:
    """Return when the next thing happens."""
    world = worlds[0]
    flows = world["flows"]["next_ns"][: world["flow_count"]]
    return int(min(world["price"]["next_tick_ns"], world["next_funding_ns"], *flows))


def test_money_and_positions_are_right_at_every_event():
    worlds, tape = open_market(scenario(dealer(-8.0, count=3, phase="staggered"), dealer(3.0)))
    while worlds["time_ns"][0] < 2 * HOUR:
        events = int(worlds["events"][0])
        advance(worlds[0], tape, next_event_ns(worlds))
        assert worlds["events"][0] > events
        assert_money_is_right(worlds)
    assert (worlds["hedgers"]["hedges"][0, :4] > 0).all()


def test_the_same_seed_gives_the_same_world_however_the_clock_is_advanced():
    table = scenario(dealer(count=2, phase="staggered"))
    whole, tape = open_market(table)
    parts, _ = open_market(table)
    advance(whole[0], tape, HOUR)
    for minute in range(60):
        advance(parts[0], tape, (minute + 1) * MINUTE)
    assert fingerprint(whole) == fingerprint(parts)
    other, _ = open_market(table, seed=2)
    advance(other[0], tape, HOUR)
    assert fingerprint(whole) != fingerprint(other)


def test_a_market_with_hedgers_is_saved_loaded_and_forked(tmp_path):
    market = gammagym.Market(scenario(dealer()), seed=3)
    market.advance(seconds=1_000.0)
    market.save(tmp_path / "market.npz")
    loaded = gammagym.Market.load(tmp_path / "market.npz")
    twin, other = market.fork(), market.fork(reseed=1)
    for each in (market, loaded, twin, other):
        each.advance(seconds=3_600.0)
    assert fingerprint(market.world) == fingerprint(loaded.world) == fingerprint(twin.world)
    assert fingerprint(market.world) != fingerprint(other.world)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("account", 999),
        ("account", 0),
        ("instrument", -1),
        ("interval_ns", 0),
        ("gamma", math.nan),
        ("reference_price", -1.0),
        ("next_ns", -5),
    ],
)
def test_a_saved_market_with_an_impossible_hedger_is_refused(tmp_path, field, value):
    market = gammagym.Market(scenario(dealer()), seed=3)
    market.world["hedgers"][field][0] = value
    market.save(tmp_path / "market.npz")
    with pytest.raises(gammagym.errors.GammagymError, match=rf"hedgers\.{field}"):
        gammagym.Market.load(tmp_path / "market.npz")


# --- Where feedback runs away ----------------------------------------------------------------


@pytest.mark.parametrize("gain", [-20.0, -1.5, 1.0, 1.5, 20.0])
@pytest.mark.parametrize("impact", [20.0, 1_000.0])
def test_a_market_that_runs_away_stops_cleanly(gain, impact):
    """Prices stay positive, money stays in range, the clock arrives."""
    for seed in (1, 2):
        worlds, tape = open_market(scenario(dealer(-100.0 * gain / impact), impact=impact), seed)
        lowest, highest = 1e9, 0.0
        for step in range(48):
            advance(worlds[0], tape, (step + 1) * HOUR // 2)
            price = worlds["price"]["value"][0]
            lowest, highest = min(lowest, price), max(highest, price)
            assert_money_is_right(worlds)
        assert worlds["time_ns"][0] == 24 * HOUR
        assert abs(worlds["price"]["pressure"][0]) <= LARGEST_PRESSURE
        assert lowest > 60_000.0 / 20.0
        assert highest < 60_000.0 * 20.0
        assert abs(worlds["positions"]["entry_quanta"][0, :, PERP]).max() < 2**61
        if gain >= 1.5:
            assert worlds["hedgers"]["stopped"][0, 0] == 1


def test_a_dealer_that_has_given_up_trades_no_more():
    worlds, tape = open_market(scenario(dealer(-15.0)))
    while not worlds["hedgers"]["stopped"][0, 0]:
        advance(worlds[0], tape, int(worlds["time_ns"][0]) + HOUR)
        assert worlds["time_ns"][0] < 24 * HOUR
    held, hedges = positions(worlds)[FIRST], int(worlds["hedgers"]["hedges"][0, 0])
    advance(worlds[0], tape, int(worlds["time_ns"][0]) + 2 * HOUR)
    assert positions(worlds)[FIRST] == held
    assert worlds["hedgers"]["hedges"][0, 0] == hedges


# --- What is refused -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hedgers": [dealer(0.0)]}, r"hedgers\.0\.gamma.*must not be 0"),
        ({"hedgers": [dealer(2e6)]}, r"hedgers\.0\.gamma.*<= 1e\+06"),
        ({"hedgers": [dealer(interval="1s")]}, r"hedgers\.0\.interval.*at least price\.tick, 10s"),
        ({"hedgers": [dealer(count=13)]}, r"hedgers\.0\.count.*12"),
        ({"hedgers": [dealer(count=7), dealer(count=6)]}, r"hedgers.*at most 12 together"),
        ({"hedgers": [dealer(phase="random")]}, r"hedgers\.0\.phase.*equal.*staggered"),
        ({"hedgers": [dealer(band=-1.0)]}, r"hedgers\.0\.band"),
        ({"hedgers": [dealer()], "venue": "cme"}, r"venue 'cme' lists no perpetual"),
    ],
)
def test_bad_input_is_refused_with_key_and_reason(change, message):
    with pytest.raises(ScenarioError, match=message):
        load_scenario(scenario() | change)


def test_all_problems_of_hedgers_come_in_one_message():
    with pytest.raises(ScenarioError) as caught:
        load_scenario(scenario(dealer(interval="1s"), dealer(interval="2s")))
    assert "hedgers.0.interval" in str(caught.value)
    assert "hedgers.1.interval" in str(caught.value)


def test_a_gamma_whose_hedge_money_could_not_hold_is_refused():
    task = Task("test", (Leg("spot", 1.0),))
    with pytest.raises(ScenarioError, match=r"hedgers: a gamma of 1000 units.*at most 165"):
        compile_world(load_scenario(scenario(dealer(600.0), dealer(-400.0))), task)
    compile_world(load_scenario(scenario(dealer(160.0))), task)


def test_hedging_an_inverse_perpetual_holds_units_not_contracts():
    table = scenario(dealer(), impact=0.0) | {"venue": "binance_coinm"}
    worlds, tape = open_market(table)
    hedger = before_a_hedge(worlds, tape)
    mid = mid_of(worlds)
    advance(worlds[0], tape, int(hedger["next_ns"]))
    wish = 500.0 * math.log(mid / float(hedger["reference_price"]))
    lot = float(worlds["instruments"]["lot_size"][0, PERP])
    assert positions(worlds)[hedger["account"]] * lot == pytest.approx(wish, abs=lot)
    assert_money_is_right(worlds)
