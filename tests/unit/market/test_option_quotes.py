"""Makers who quote options in volatility points, and the customers who trade with them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from gammagym.engine.book import best_price, has_side
from gammagym.exchange.ledger import book_trade
from gammagym.loop import advance
from gammagym.market.makers import quote
from gammagym.scenario.tasks import Leg
from gammagym.world import viewed
from gammagym.world.codes import BUY, CROWD, FIRST_AGENT_ACCOUNT, MAKERS, SELL
from gammagym.world.sizes import YEAR_NS

SECOND, DAY = 10**9, YEAR_NS // 365
LEGS = (Leg("call", 2.0, 1.0, 5.0), Leg("put", 2.0, 1.0, 20.0), Leg("call", 2.0, 1.0, 200.0))
POINTS = {5.0: 2.8, 20.0: 1.25, 200.0: 0.88}
BANDS: list[dict[str, float]] = [
    {"days": 7, "points": 2.8},
    {"days": 35, "points": 1.25},
    {"days": 100, "points": 0.63},
    {"points": 0.88},
]
SPREADS: dict[str, Any] = {
    "options.half_spread": None,
    "options.spreads": BANDS,
    "options.inventory": 20.0,
    "options.implied_volatility": 0.5,
    "price.start": "60000",
    "price.volatility": 0.5,
    "price.tick": "1s",
    "warmup": "2s",
}


def market(make_worlds: Any, n: int = 1, seed: int = 7, **changes: Any) -> Any:
    keys = SPREADS | {name.replace("__", "."): value for name, value in changes.items()}
    options = {"horizon_seconds": 86_400.0, "decision_interval": 60.0}
    return make_worlds("textbook", n=n, seed=seed, overrides=keys, book=LEGS, **options)


def quotes(world: Any, row: int) -> tuple[float, float]:
    """Return bid and ask of an instrument (price units)."""
    book, tick = viewed(world["books"])[row], float(world["instruments"]["tick_size"][row])
    return best_price(book, BUY) * tick, best_price(book, SELL) * tick


def expected_width(world: Any, row: int) -> float:
    """Return the width of quotes without stress: points of its expiry times vega."""
    return list(POINTS.values())[row - 1] / 100 * float(world["instruments"]["vega"][row])


@pytest.mark.parametrize("row", [1, 2, 3])
def test_spreads_are_volatility_points_times_vega_by_expiry(make_worlds: Any, row: int) -> None:
    world = market(make_worlds).worlds[0]
    bid, ask = quotes(world, row)
    fair, width = float(world["instruments"]["fair_price"][row]), expected_width(world, row)
    tick = float(world["instruments"]["tick_size"][row])
    assert width > 5 * tick
    assert ask - bid == pytest.approx(width, abs=2 * tick)
    assert (bid + ask) / 2 == pytest.approx(fair, abs=tick)


def test_quotes_in_coins_are_as_wide_in_coins(make_worlds: Any) -> None:
    """The options of Deribit settle in bitcoin: the width is vega over the price."""
    run = make_worlds(
        "calm@deribit",
        overrides=SPREADS,
        book=LEGS,
        horizon_seconds=3_600.0,
        decision_interval=60.0,
    )
    world = run.worlds[0]
    for row in (1, 2, 3):
        bid, ask = quotes(world, row)
        tick = float(world["instruments"]["tick_size"][row])
        width = expected_width(world, row) / float(world["price"]["value"])
        assert ask - bid == pytest.approx(width, abs=2 * tick)


def test_an_option_without_vega_is_quoted_a_tick_wide(make_worlds: Any) -> None:
    legs = (Leg("call", 1.0, 3.0, 1.0),)
    run = make_worlds(
        "textbook", overrides=SPREADS, book=legs, horizon_seconds=600.0, decision_interval=60.0
    )
    world = run.worlds[0]
    assert float(world["instruments"]["vega"][1]) < 1e-9
    book = viewed(world["books"])[1]
    assert not has_side(book, BUY)
    assert best_price(book, SELL) == 1


def requote(world: Any, **option_makers: float) -> None:
    """Let makers look again, knowing something else."""
    for name, value in option_makers.items():
        world["option_makers"][name] = value
    quote(world)


@pytest.mark.parametrize(
    ("realised", "factor"), [(0.1, 1.0), (0.5, 1.0), (1.0, 2.0), (1.5, 3.0), (50.0, 5.0)]
)
def test_spreads_widen_as_the_price_moves_more_than_implied(
    make_worlds: Any, realised: float, factor: float
) -> None:
    world = market(make_worlds).worlds[0]
    requote(world, realised_variance=realised**2)
    bid, ask = quotes(world, 2)
    assert ask - bid == pytest.approx(factor * expected_width(world, 2), abs=0.03)


def test_makers_measure_what_the_price_realises(make_worlds: Any) -> None:
    """A price of twice the implied volatility: what they know after two hours is near it."""
    run = market(make_worlds, n=1, price__volatility=1.0)
    world = run.worlds[0]
    assert world["option_makers"]["realised_variance"] == 0.25
    advance(world, run.tape, 7_200 * SECOND)
    assert math.sqrt(world["option_makers"]["realised_variance"]) == pytest.approx(1.0, rel=0.06)


def test_spreads_widen_with_stress(make_worlds: Any) -> None:
    world = market(make_worlds).worlds[0]
    world["stress"]["spread_multiple"] = 4.0
    requote(world)
    bid, ask = quotes(world, 2)
    assert ask - bid == pytest.approx(4.0 * expected_width(world, 2), abs=0.03)


def test_what_makers_sold_to_the_competitor_at_the_start_is_no_inventory(make_worlds: Any) -> None:
    world = market(make_worlds).worlds[0]
    assert (world["positions"]["quantity_lots"][MAKERS, 1:4] < 0).all()
    assert world["option_makers"]["lean"] == 0.0


@pytest.mark.parametrize("side", [BUY, SELL])
def test_quotes_of_all_options_move_against_the_vega_that_makers_hold(
    make_worlds: Any, side: int
) -> None:
    """Ten units are half of the inventory at which quotes have moved by half a spread."""
    world = market(make_worlds).worlds[0]
    lots = round(10.0 / float(world["instruments"]["lot_size"][2]))
    ticks = round(
        float(world["instruments"]["fair_price"][2] / world["instruments"]["tick_size"][2])
    )
    book_trade(world, 2, FIRST_AGENT_ACCOUNT, MAKERS, side, ticks, lots)
    quote(world)
    vega = 10.0 * float(world["instruments"]["vega"][2])
    most = 20.0 * 60_000 * math.sqrt(30 / 365 / (2 * math.pi))
    lean = (-1 if side == BUY else 1) * vega / most
    assert world["option_makers"]["lean"] == pytest.approx(lean, rel=1e-3)
    assert 0.3 < abs(lean) < 0.5
    for row in (1, 2, 3):
        bid, ask = quotes(world, row)
        fair = float(world["instruments"]["fair_price"][row])
        half = expected_width(world, row) / 2
        assert (bid + ask) / 2 - fair == pytest.approx(-lean * half, abs=0.02)


def test_makers_lean_no_further_than_half_a_spread(make_worlds: Any) -> None:
    world = market(make_worlds).worlds[0]
    lots = round(500.0 / float(world["instruments"]["lot_size"][2]))
    book_trade(world, 2, FIRST_AGENT_ACCOUNT, MAKERS, BUY, 100_000, lots)
    quote(world)
    assert world["option_makers"]["lean"] == -1.0
    bid, _ = quotes(world, 2)
    assert bid == pytest.approx(float(world["instruments"]["fair_price"][2]), abs=0.011)


def test_a_half_spread_as_a_share_of_spot_knows_neither_lean_nor_realised_volatility(
    make_worlds: Any,
) -> None:
    changes = {"options__spreads": None, "options__inventory": None}
    world = market(make_worlds, **changes | {"options__half_spread": 0.001}).worlds[0]
    before = [quotes(world, row) for row in (1, 2, 3)]
    book_trade(world, 2, FIRST_AGENT_ACCOUNT, MAKERS, BUY, 100_000, 1_000)
    requote(world, realised_variance=9.0)
    assert [quotes(world, row) for row in (1, 2, 3)] == before
    assert before[0][1] - before[0][0] == pytest.approx(120.0, abs=0.03)


# --- Customers -------------------------------------------------------------------------------

BUSY = {"options__customers": {"rate": 0.2, "size": 0.3, "size_sigma": 0.8}}


def test_without_customers_nobody_trades_options(make_worlds: Any) -> None:
    run = market(make_worlds)
    advance(run.worlds[0], run.tape, 3_600 * SECOND)
    assert run.worlds["customers"]["event"][0] == 0
    assert not run.worlds["books"]["volume_lots"][0, 1:4].any()


def test_customers_come_as_often_as_their_rate_says_to_all_options_alike(make_worlds: Any) -> None:
    run = market(make_worlds, n=4, **BUSY)
    for world in run.worlds:
        advance(world, run.tape, 20_000 * SECOND)
    events = run.worlds["customers"]["event"]
    # Poisson: the deviation is the root of the mean.
    assert np.abs(events - 4_000).max() < 4 * math.sqrt(4_000)
    trades = run.worlds["books"]["trades"][:, 1:4].sum(axis=0)
    assert trades.sum() == pytest.approx(events.sum(), rel=0.02)
    assert np.abs(trades / trades.sum() - 1 / 3).max() < 0.02
    lots = run.worlds["books"]["volume_lots"][:, 1:4].sum()
    mean = 0.3 * math.exp(0.8**2 / 2)
    lot = float(run.worlds["instruments"]["lot_size"][0, 1])
    assert lots * lot / trades.sum() == pytest.approx(mean, rel=0.05)


def test_customers_trade_with_makers_and_give_them_an_inventory(make_worlds: Any) -> None:
    run = market(make_worlds, **BUSY)
    world = run.worlds[0]
    start = world["positions"]["quantity_lots"][MAKERS, 1:4].copy()
    leans = []
    for minute in range(1, 200):
        advance(world, run.tape, minute * 60 * SECOND)
        leans.append(float(world["option_makers"]["lean"]))
        held = world["positions"]["quantity_lots"]
        # Who else is there holds the book he was handed.
        assert (held[CROWD, 1:4] == start - held[MAKERS, 1:4]).all()
    assert max(map(abs, leans)) > 0.05
    assert np.ptp(leans) > 0.05


def test_customers_sell_more_often_to_makers_who_pay_for_it(make_worlds: Any) -> None:
    """Makers who have sold all they want to raise their quotes: then everybody sells."""
    counts = {}
    for lean, volatility in ((-1.0, "sold"), (1.0, "bought")):
        run = market(make_worlds, **BUSY)
        world = run.worlds[0]
        lots = round(-lean * 4_000 / float(world["instruments"]["lot_size"][2]))
        side = BUY if lots > 0 else SELL
        book_trade(world, 2, FIRST_AGENT_ACCOUNT, MAKERS, side, 100_000, abs(lots))
        quote(world)
        assert world["option_makers"]["lean"] == lean
        advance(world, run.tape, 1_000 * SECOND)
        books = world["books"][1:4]
        counts[volatility] = (int(books["bought_lots"].sum()), int(books["volume_lots"].sum()))
    assert counts["sold"][0] == 0 < counts["sold"][1]
    assert counts["bought"][0] == counts["bought"][1] > 0


def test_customers_come_at_the_same_times_whatever_an_agent_does(make_worlds: Any) -> None:
    active, idle = (market(make_worlds, **BUSY) for _ in range(2))
    for step in range(30):
        active.step(np.full((1, 2), [1.0 if step % 2 else -1.0, 1.0]))
        idle.step(np.zeros((1, 2)))
        for field in ("event", "next_ns"):
            assert active.worlds["customers"][field] == idle.worlds["customers"][field]
        for field in ("implied_volatility", "mark_price"):
            marks = active.worlds["instruments"][field] == idle.worlds["instruments"][field]
            assert marks.all()
    assert active.worlds["agents"]["turnover_units"][0, 0] > 0


def test_customers_leave_options_alone_that_have_expired(make_worlds: Any) -> None:
    legs = (Leg("call", 1.0, 1.0, 1 / 24), Leg("put", 1.0, 1.0, 2 / 24))
    keys = SPREADS | {"options.customers": {"rate": 0.5}}
    run = make_worlds(
        "textbook", overrides=keys, book=legs, horizon_seconds=14_400.0, decision_interval=600.0
    )
    world = run.worlds[0]
    advance(world, run.tape, 3_700 * SECOND)
    first = world["books"]["trades"][1:3].copy()
    advance(world, run.tape, 7_100 * SECOND)
    second = world["books"]["trades"][1:3].copy()
    assert second[0] == first[0]
    assert second[1] - first[1] > 1.5 * first[1]  # all of them now
    advance(world, run.tape, 7_300 * SECOND)
    third, customers = world["books"]["trades"][1:3].copy(), int(world["customers"]["event"])
    advance(world, run.tape, 10_000 * SECOND)
    assert (world["books"]["trades"][1:3] == third).all()
    assert world["customers"]["event"] > customers + 1_000
    assert world["positions"]["quantity_lots"][CROWD, 1:3].tolist() == [0, 0]
