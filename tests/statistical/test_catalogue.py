"""Each scenario of the catalogue does what its purpose line says: measured, over a few seeds."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numba.core import config

sys.path.insert(0, str(Path(__file__).resolve().parent))
from catalogue_runs import DAY, HOURS_4, IDEAL, Run, follow, play, variance_ratio

import gammagym
from gammagym.scenario.load import load_scenario
from gammagym.world.codes import CALL, FUTURE, PERPETUAL
from gammagym.world.sizes import NANOSECONDS

pytestmark = pytest.mark.skipif(
    getattr(config, "DISABLE_JIT", 0) != 0, reason="takes hours without compilation"
)

MINUTE = 60.0
SEEDS = 3


@cache
def seen(scenario: str) -> Run:
    """Return a run of a scenario as it ships."""
    return play(scenario, SEEDS)


def paired(scenario: str) -> tuple[Run, Run]:
    """Return calm and a scenario: the same seeds, so the same outside world."""
    return seen("calm"), seen(scenario)


def market_at(scenario: str, since: float) -> gammagym.Market:
    """Return a market so long after its first shock has begun (s)."""
    market = gammagym.Market(scenario, seed=0, horizon_seconds=14_400.0)
    starts = int(market.world["shocks"]["start_ns"][0]) / NANOSECONDS
    market.advance(seconds=starts + since)
    return market


# --- Everyday --------------------------------------------------------------------------------


def test_in_the_textbook_nothing_costs_anything():
    run = seen("textbook")
    assert np.nanmax(run.spread) < 0.031  # two or three ticks of 0.0001 in 100
    assert follow("textbook", "fixed_interval").parts["fees"].tolist() == [0.0] * SEEDS


def test_calm_moves_as_its_options_expect_with_a_spread_of_one_tick():
    run = seen("calm")
    assert run.volatility() == pytest.approx(0.6, rel=0.06)
    assert np.mean(run.spread < 0.02) > 0.95


def test_choppy_comes_back_and_stays_in_a_range():
    """The ratio of variances in the range is 0.35 in theory; a free price has 1."""
    run = play("choppy", 20, DAY, 300.0, **IDEAL)
    theory = (1 - 0.5**4) / 4 / (12 * (1 - 0.5 ** (1 / 12)))
    assert variance_ratio(run.price, 48, 1) == pytest.approx(theory, rel=0.25)
    assert np.abs(np.log(run.price / run.price[0])).max() < 0.03
    assert run.volatility() == pytest.approx(0.65, rel=0.06)


def test_trending_moves_further_over_hours_than_over_minutes():
    run = play("trending", 10, DAY, 300.0, **IDEAL)
    assert variance_ratio(run.price, 48, 1) > 1.2
    assert np.median(run.price[-1] / run.price[0]) == pytest.approx(1.05, abs=0.025)


def test_high_volatility_doubles_moves_and_orders_and_halves_depth():
    calm, run = paired("high_volatility")
    assert run.volatility() / calm.volatility() == pytest.approx(2.0, rel=0.15)
    assert run.events[-1].mean() / calm.events[-1].mean() == pytest.approx(2.0, rel=0.15)
    assert np.median(run.depth) / np.median(calm.depth) == pytest.approx(0.5, rel=0.2)


def test_low_liquidity_is_a_calm_price_in_a_poor_book():
    calm, run = paired("low_liquidity")
    assert (run.price == calm.price).all()
    assert np.median(run.depth) / np.median(calm.depth) == pytest.approx(0.46, rel=0.2)
    assert np.nanmean(run.spread[20:]) > 2.5 * np.nanmean(calm.spread[20:])
    assert run.events[-1].mean() / calm.events[-1].mean() == pytest.approx(0.33, rel=0.05)


def test_a_weekend_is_quieter_than_a_weekday():
    calm, run = paired("weekend")
    assert run.events[-1].mean() / calm.events[-1].mean() == pytest.approx(0.56, rel=0.05)
    assert run.volatility() / calm.volatility() == pytest.approx(0.5 / 0.6, rel=0.01)
    assert load_scenario("weekend").start.weekday() == 5


# --- Price and liquidity ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scenario", "furthest", "after", "left"),
    [("flash_crash", -0.09, 300.0, -0.017), ("flash_rally", 0.07, 420.0, 0.005)],
)
def test_a_flash_goes_far_and_comes_back(scenario, furthest, after, left):
    """Against the same seeds without it, so that the ordinary moves of the price cancel."""
    calm, run = paired(scenario)
    effect = run.price / calm.price - 1
    place = np.abs(effect).argmax(axis=0)
    assert effect[place, range(SEEDS)] == pytest.approx([furthest] * SEEDS, rel=0.01)
    assert (run.time[place, range(SEEDS)] <= after).all()
    assert effect[-1] == pytest.approx([left] * SEEDS, abs=1e-6)
    storm = run.between(run.spread, MINUTE, 8 * MINUTE)
    assert np.nanmedian(storm) > 4 * np.nanmedian(run.between(run.spread, -3_600.0, 0.0))


def test_spread_blowout_widens_fifty_times_while_the_price_is_calm():
    calm, run = paired("spread_blowout")
    assert (run.price == calm.price).all()
    blown, before = (run.between(run.spread, *times) for times in ((600.0, 3_600.0), (-3e3, 0.0)))
    assert np.nanmedian(blown) / np.nanmedian(before) == pytest.approx(50.0, rel=0.3)


def test_when_makers_leave_the_spread_opens_by_itself():
    """Not one multiple is in the file; the source has x1,321 and -98 %."""
    calm, run = paired("liquidity_withdrawal")
    assert (run.price == calm.price).all()
    away = (180.0, 40 * MINUTE)
    spread = np.nanmedian(run.between(run.spread, *away)) / np.nanmedian(calm.spread)
    depth = np.median(run.between(run.depth, *away)) / np.median(calm.depth)
    assert 600 < spread < 2_600
    assert depth < 0.05
    assert np.nanmedian(run.between(run.spread, 75 * MINUTE, 90 * MINUTE)) < 0.1


def test_a_large_seller_presses_the_price():
    calm, run = paired("large_seller")
    effect = run.price / calm.price - 1
    assert effect[-1] == pytest.approx([-0.032] * SEEDS, abs=0.002)
    before, during = run.time < 0, (run.time > 300.0) & (run.time < 40 * MINUTE)
    assert effect[before].tolist() == [0.0] * int(before.sum())
    assert np.median((run.mid / run.price)[during]) < 0.99995


# --- Venues ----------------------------------------------------------------------------------


def test_in_the_outage_nothing_trades_and_the_price_goes_on():
    calm, run = paired("exchange_outage")
    closed = run.between(run.trades, 31.0, 24 * MINUTE)
    for seed in range(SEEDS):
        inside = (run.time[:, seed] > 31.0) & (run.time[:, seed] < 24 * MINUTE)
        assert np.ptp(run.trades[inside, seed]) == 0
        assert np.ptp(run.price[inside, seed]) > 50.0
    assert len(closed)
    ratio = run.volatility(0.0, 44 * MINUTE) / calm.volatility()
    assert ratio == pytest.approx(3.0, rel=0.25)
    assert (np.diff(run.trades[run.time[:, 0] > 45 * MINUTE], axis=0) > 0).all()


@pytest.mark.parametrize("scenario", ["exchange_outage", "liquidity_withdrawal", "latency_storm"])
def test_until_it_begins_the_world_is_that_of_calm(scenario):
    calm, run = paired(f"{scenario}")
    for name in ("price", "mid", "spread", "depth", "trades", "events"):
        before = run.time <= 0
        assert (getattr(run, name)[before] == getattr(calm, name)[before]).all(), name


def test_in_the_data_outage_the_agent_sees_nothing_new_while_others_trade():
    agent, run = follow("data_outage"), seen("data_outage")
    returns = agent.field("return_1")
    frozen = (agent.time > 2 * MINUTE) & (agent.time < 29 * MINUTE)
    assert not returns[frozen].any()
    assert np.mean(returns[agent.time < 0] != 0.0) > 0.9
    for seed in range(SEEDS):
        inside = (run.time[:, seed] > 0) & (run.time[:, seed] < 30 * MINUTE)
        assert np.ptp(run.trades[inside, seed]) > 1_000


def test_in_the_cancel_outage_what_rests_stays():
    market = market_at("cancel_outage", -2 * MINUTE)
    price = float(market.book("BTC-PERP")["price"].min()) - 3_000.0
    order = market.submit("agent", "BTC-PERP", "buy", 0.1, price=round(price, 1), post_only=True)
    market.advance(seconds=5 * MINUTE)
    market.cancel(order.id)
    market.advance(seconds=MINUTE)
    assert len(market.orders("agent")) == 1
    market.submit("agent", "BTC-PERP", "sell", 0.1)
    market.advance(seconds=28 * MINUTE)
    assert len(market.fills("agent")) == 1, "new orders work"
    market.cancel(order.id)
    market.advance(seconds=MINUTE)
    assert market.orders("agent").empty


def test_in_the_latency_storm_orders_take_a_hundred_times_as_long():
    calm, run = paired("latency_storm")
    inside = (run.time > 5 * MINUTE) & (run.time < 35 * MINUTE)
    rate = np.diff(run.events, axis=0)[inside[1:]].mean() / 30.0
    assert rate / (np.diff(calm.events, axis=0).mean() / 30.0) == pytest.approx(16.0, rel=0.05)
    market = market_at("latency_storm", 10 * MINUTE)
    market.submit("agent", "BTC-PERP", "buy", 0.1)
    market.advance(seconds=1.9)
    assert market.fills("agent").empty
    market.advance(seconds=0.2)
    assert market.fills("agent")["quantity"].sum() == pytest.approx(0.1)


def test_the_fee_rises_by_half_a_basis_point_in_the_middle():
    agent = follow("fee_hike")
    fee = agent.field("taker_fee")
    assert (fee[agent.time < 0] == 5.0).all()
    assert fee[agent.time > MINUTE] == pytest.approx(5.5, abs=1e-4)
    assert agent.time[0, 0] == pytest.approx(-7_140.0, abs=1.0)


# --- Derivatives -----------------------------------------------------------------------------


def test_funding_goes_to_its_cap_and_shorts_pay():
    run = seen("funding_spike")
    capped = run.between(run.funding, 30 * MINUTE, 80 * MINUTE)
    assert capped.tolist() == pytest.approx([-0.003] * len(capped))
    market = market_at("funding_spike", 0.0)
    market.submit("agent", "BTC-PERP", "sell", 10.0)
    market.advance(seconds=75 * MINUTE)
    assert market.account("agent")["funding"] == pytest.approx(-1_800.0, rel=0.03)


def test_the_perpetual_falls_five_per_cent_below_spot_and_comes_back():
    calm, run = paired("basis_blowout")
    assert (run.price == calm.price).all()
    basis = run.mid / run.price - 1
    assert run.between(basis, 15 * MINUTE, 38 * MINUTE) == pytest.approx(-0.05, abs=0.002)
    assert np.abs(run.between(basis, 105 * MINUTE, 120 * MINUTE)).max() < 0.002
    assert run.between(run.funding, 45 * MINUTE, 60 * MINUTE) == pytest.approx(-0.003)


@pytest.mark.parametrize(("scenario", "sign"), [("contango", 1), ("backwardation", -1)])
def test_future_and_funding_are_on_the_same_side_of_spot_from_the_start(scenario, sign):
    run = play(scenario, 12, DAY / 2, 300.0)
    kinds = run.worlds["instruments"]["kind"][0].tolist()
    assert kinds[0] == PERPETUAL
    carry = run.worlds["instruments"]["fair_price"][:, kinds.index(FUTURE)] / run.price[-1] - 1
    assert (sign * carry > 0.005).all()
    halves = np.split(sign * (run.mid / run.price - 1), 2)
    assert [each.mean() for each in halves] == pytest.approx([6.7e-4] * 2, abs=1e-4)
    # What its page says of a year, three times a day; a seed's mean is uncertain by 1e-4.
    said = {"contango": 0.25, "backwardation": 0.15}[scenario] / (3 * 365)
    assert sign * run.funding.mean() == pytest.approx(said, abs=0.5e-4)


def test_a_crush_costs_the_vega_of_the_book():
    calm, run = paired("volatility_crush")
    assert run.volatility(40 * MINUTE) / calm.volatility() == pytest.approx(2 / 3, rel=0.15)
    parts = follow("volatility_crush").parts
    assert np.median(parts["vega"]) == pytest.approx(-13_200, rel=0.05)


def test_a_spike_pays_owners_of_options_twice_and_passes():
    calm, run = paired("volatility_spike")
    storm = run.volatility(10 * MINUTE, 34 * MINUTE) / calm.volatility()
    assert storm == pytest.approx(2.5, rel=0.2)
    implied = run.worlds["instruments"]["implied_volatility"][:, 1]
    assert (implied < 0.9).all()
    ordinary, parts = follow("calm").parts, follow("volatility_spike").parts
    assert (parts["gamma"] > ordinary["gamma"]).all()
    assert (parts["vega"] >= 0.0).all()


def test_news_becomes_a_cascade():
    """The sizes are in tests/statistical/test_cascade.py."""
    run = play("liquidation_cascade", 1)
    fall = run.price.min() / run.price[run.time[:, 0] <= 0][-1] - 1
    assert fall < -0.08


@pytest.mark.parametrize("task", ["ShortGamma", "SpotHedge"])
def test_deleveraging_takes_a_short_hedge_that_earns(task):
    agent = follow("adl_event", task=task)
    assert (agent.accounts["deleveragings"] >= 1).all()
    before = agent.hedge[(agent.time > 23 * MINUTE) & (agent.time < 25 * MINUTE)]
    assert (before < -3.0).all()


def test_deleveraging_leaves_an_owner_of_straddles_alone():
    agent = follow("adl_event")
    assert not agent.accounts["deleveragings"].any()


def test_a_wrong_index_liquidates_hedges_that_were_sound():
    assert (follow("index_glitch").accounts["liquidations"] > 0).all()
    right = follow("index_glitch", **{"shocks.1.sources": 1})
    assert not right.accounts["liquidations"].any()
    run = seen("index_glitch")
    wrong = run.between(run.mark / run.price - 1, 50 * MINUTE + 1, 50 * MINUTE + 140)
    assert wrong == pytest.approx(-0.16, abs=1e-3)


def test_a_margin_of_65_per_cent_liquidates_what_would_have_lived():
    short = follow("collateral_depeg", seeds=5)
    sound = follow("collateral_depeg", seeds=5, **{"shocks.1.move": "-0.1%"})
    assert short.accounts["liquidations"].sum() >= 1
    assert not sound.accounts["liquidations"].any()
    bottom = (short.time > 36 * MINUTE) & (short.time < 45 * MINUTE)
    bottom &= (np.abs(short.hedge - sound.hedge) < 0.01) & (sound.field("margin_ratio") < 1)
    ratio = short.field("margin_ratio")[bottom] / sound.field("margin_ratio")[bottom]
    assert np.median(ratio) == pytest.approx(1 / 0.65, rel=0.05)


def test_in_a_default_the_money_and_the_hedge_are_gone():
    agent = follow("counterparty_default")
    gone = agent.time > 2 * 3_600 + MINUTE
    assert np.abs(agent.hedge[agent.time < 2 * 3_600]).max(axis=0) > 3.0
    assert not agent.hedge[gone].any()
    assert (agent.parts["liquidation"] < -10_000).all()


# --- Opening and closing ---------------------------------------------------------------------


def test_the_gap_is_in_the_first_price_after_the_opening():
    run = seen("gap_open")
    closed = (0.0, 0.25 * HOURS_4)
    for seed in range(SEEDS):
        inside = (run.time[:, seed] > closed[0] + 31) & (run.time[:, seed] <= closed[1])
        assert np.ptp(run.mid[inside, seed]) == 0.0
        first = int((run.time[:, seed] > closed[1] + 31).argmax())
        gap = run.mid[first, seed] / run.mid[inside, seed][0] - 1
        elsewhere = run.price[first, seed] / run.price[inside, seed][0] - 1
        assert gap == pytest.approx(elsewhere, abs=0.001)
        assert gap < -0.03


def test_the_cme_opens_on_sunday_night_where_the_price_has_gone():
    """Nothing trades for two hours; options elsewhere are quoted all the time."""
    scenario = load_scenario("cme_weekend_gap")
    assert scenario.start.weekday() == 6
    run = play("cme_weekend_gap", SEEDS)
    opening = int(7_200 / 30)
    assert not run.trades[opening - 1].any()
    assert (run.trades[opening + 2] > 0).all()
    # At the opening itself some have begun to quote.
    gap = run.mid[opening + 2] / run.mid[opening - 2] - 1
    assert gap == pytest.approx(run.price[opening + 2] / run.price[0] - 1, abs=0.002)
    assert np.median(gap) == pytest.approx(-0.033, abs=0.008)
    options = run.worlds["instruments"]["kind"][0] == CALL
    assert (run.worlds["instruments"]["venue"][0, options] == 1).all()


def test_dealers_hold_the_price_near_their_strike():
    """In theory 1 / (1 + 1.5) of a move is left, 40 %; without their orders all of it is."""
    seeds = 8
    pinned = play("expiry_pin", seeds, step=300.0)
    free = play("expiry_pin", seeds, step=300.0, hedgers=[])
    move, left = (np.log(run.price[-1] / run.price[0]) for run in (free, pinned))
    assert np.abs(left).mean() < 0.7 * np.abs(move).mean()
    slope = float((left * move).sum() / (move**2).sum())
    assert slope == pytest.approx(0.4, abs=0.12)
