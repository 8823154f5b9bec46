"""Funding: longs pay shorts when the rate is positive."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gammagym.exchange.funding import fund, schedule_funding
from gammagym.exchange.ledger import book_trade, conserved, pay_funding
from gammagym.world.codes import BUY, FIRST_AGENT_ACCOUNT, ROUNDING, SELL
from gammagym.world.sizes import QUANTA

PERP = 0
ONE, TWO, THREE = (FIRST_AGENT_ACCOUNT + number for number in (1, 2, 3))
BASIS_POINT = 100_000  # in 1e-9
HOUR = 3_600_000_000_000
TEN_COINS = 10_000


def short_ten(make_exchange: Any) -> Any:
    """Account ONE is short 10 coins at 60,000, account TWO long."""
    world = make_exchange()
    book_trade(world, PERP, ONE, TWO, SELL, 600_000, TEN_COINS)
    return world


def cash(world: Any, account: int) -> float:
    return int(world["cash"][account, 0]) / QUANTA


def test_positive_funding_is_paid_by_longs(make_exchange):
    world = short_ten(make_exchange)
    pay_funding(world, PERP, BASIS_POINT)
    assert (cash(world, ONE), cash(world, TWO)) == (60.0, -60.0)
    assert world["accounts"]["funding_quanta"][[ONE, TWO]].tolist() == [60 * QUANTA, -60 * QUANTA]


def test_negative_funding_is_paid_by_shorts(make_exchange):
    world = short_ten(make_exchange)
    pay_funding(world, PERP, -BASIS_POINT)
    assert (cash(world, ONE), cash(world, TWO)) == (-60.0, 60.0)


def test_funding_is_paid_on_the_mark_and_not_on_the_entry(make_exchange):
    world = short_ten(make_exchange)
    world["instruments"]["mark_quanta"][PERP] *= 2
    pay_funding(world, PERP, BASIS_POINT)
    assert cash(world, ONE) == 120.0


def test_a_short_of_ten_coins_earns_180_a_day_at_one_basis_point(make_exchange):
    world = short_ten(make_exchange)
    assert world["instruments"]["funding"]["rate_e9"][PERP] == BASIS_POINT
    schedule_funding(world)
    payments = []
    for hour in range(1, 25):
        world["time_ns"] = hour * HOUR
        if world["next_funding_ns"] <= world["time_ns"]:
            fund(world)
            payments.append((hour, cash(world, ONE)))
    assert payments == [(8, 60.0), (16, 120.0), (24, 180.0)]


def test_a_whole_episode_of_a_spot_book_hedged_with_a_short_earns_it(make_worlds):
    """A short hedge in contango receives funding; retail articles say that it costs."""
    run = make_worlds(
        "textbook",
        "SpotHedge",
        overrides={"funding": "0.01%", "price.start": "60000", "price.volatility": 0.0}
        | {"options.implied_volatility": 0.2},
        horizon_seconds=86_400.0,
        decision_interval=3_600.0,
        largest_order=1.0,
    )
    run.step([[-1.0, 1.0]])
    while not run.over:
        run.step([[0.0, 0.0]])
    hedge = int(run.worlds["agents"]["hedge_account"][0, 0])
    assert run.worlds["accounts"]["funding_quanta"][0, hedge] == pytest.approx(180e8, rel=1e-5)


@pytest.mark.parametrize("rate", [1, 7, 99_999, 123_457, -1, -7, -123_457])
def test_what_rounding_leaves_over_is_booked_and_small(make_exchange, rate):
    world = make_exchange()
    random = np.random.default_rng(5)
    traders = range(FIRST_AGENT_ACCOUNT, FIRST_AGENT_ACCOUNT + 6)
    for _ in range(50):
        one, two = random.choice(traders, 2, replace=False)
        ticks, lots = int(random.integers(1, 10**6)), int(random.integers(1, 999))
        book_trade(world, PERP, int(one), int(two), BUY, ticks, lots)
    world["instruments"]["mark_quanta"][PERP] = 5_999_999_937
    before = world["cash"][:, 0].copy()
    pay_funding(world, PERP, rate)
    paid = world["cash"][:, 0] - before
    assert paid.sum() == 0
    assert -len(traders) < paid[ROUNDING] <= 0
    assert paid[ROUNDING] == -paid[list(traders)].sum()
    assert conserved(world, 0) == 0


def test_without_an_interval_nothing_is_ever_paid(make_exchange):
    world = short_ten(make_exchange)
    world["instruments"]["funding"]["interval_ns"][PERP] = 0
    schedule_funding(world)
    assert world["next_funding_ns"] > 10**18


def test_only_perpetuals_pay_funding(make_exchange):
    world = make_exchange()
    book_trade(world, 4, ONE, TWO, SELL, 600_000, TEN_COINS)  # a future
    world["time_ns"] = 8 * HOUR
    fund(world)
    assert cash(world, ONE) == cash(world, TWO) == 0.0
