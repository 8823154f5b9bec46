"""Sentiment: the law of the lean, and the premium that trading opens."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest

from gammagym.exchange.formulas.funding import clamped_funding_rate
from gammagym.market.sentiment import start_sentiments, step_sentiments
from gammagym.market.streams import open_streams
from gammagym.world import LARGE, empty_worlds
from gammagym.world.sizes import NANOSECONDS

sys.path.insert(0, str(Path(__file__).resolve().parent))
from basis_markets import PERP, THIN, books, go, opened, template

HOUR = 3_600 * NANOSECONDS


def leaning(**sentiment):
    """Return the template of a perpetual whose traders lean, beside a spot whose do not."""
    return template(books(venue="binance", flow=THIN | {"sentiment": sentiment}))


def test_the_lean_has_the_moments_of_an_ornstein_uhlenbeck_process():
    world = empty_worlds(1, LARGE)[0]
    world["seed"], world["flow_count"] = 5, 2
    state = world["flows"]["sentiment"]
    state["level"][:2], state["deviation"][:2], state["decay"][:2] = 0.1, 0.05, 3_600.0
    state["reversion"][:2] = math.log(2.0) / (4 * 3_600)
    open_streams(world)
    start_sentiments(world)
    steps, found = 30_000, []
    for _ in range(steps):
        world["price"]["tick"] += 1
        step_sentiments(world, HOUR)
        found.append(world["flows"]["sentiment"]["lean"][:2].copy())
    found, kept = np.array(found), 0.5**0.25
    worth = steps * (1 - kept) / (1 + kept)
    for one in found.T:
        assert one.mean() == pytest.approx(0.1, abs=4 * 0.05 / math.sqrt(worth))
        assert one.std() == pytest.approx(0.05, rel=4 / math.sqrt(2 * worth))
        away = one - one.mean()
        correlation = (away[1:] * away[:-1]).mean() / away.var()
        assert correlation == pytest.approx(kept, abs=4 * math.sqrt((1 - kept**2) / steps))
    assert abs(np.corrcoef(found.T)[0, 1]) < 4 / math.sqrt(worth)


def test_the_premium_is_what_takers_have_bought_and_it_decays():
    compiled = leaning(deviation=0.05, impact=0.01, decay="10min")
    worlds = opened(compiled)
    book, state = worlds["books"][0, PERP], worlds["flows"][0, 0]["sentiment"]
    lot = float(worlds["instruments"]["lot_size"][0, PERP])
    # Between ticks, so that nothing is traded at the moment of a tick.
    go(compiled, worlds, 0.999_999_999)
    premium = float(state["premium"])
    seen = int(state["seen_lots"])
    for _ in range(120):
        net = 2 * int(book["bought_lots"]) - int(book["volume_lots"])
        premium = premium * math.exp(-1.0 / 600.0) + 0.01e-4 * (net - seen) * lot
        seen = net
        go(compiled, worlds, 1.0)
        assert float(state["premium"]) == pytest.approx(premium, rel=1e-9, abs=1e-15)


def test_a_lean_of_one_half_buys_three_of_four_times():
    compiled = leaning(mean=0.5, deviation=0.0, impact=0.0)
    shares = []
    for changes in ({}, {"flow.informed_probability": 0.0, "flow.split_probability": 0.0}):
        scenario = compiled.scenario.model_dump()
        plain = template(scenario, changes)
        worlds = opened(plain)
        worlds["flows"]["market_size_sigma"][0, 0] = 0.0
        go(plain, worlds, 1_200.0)
        book = worlds["books"][0, PERP]
        shares.append(book["bought_lots"] / book["volume_lots"])
    # Some 4,000 market orders; those who know more do not lean.
    assert 0.55 < shares[0] < shares[1]
    assert shares[1] == pytest.approx(0.75, abs=0.04)


def test_a_sentiment_of_nothing_changes_nothing():
    plain, same = (
        template(books()),
        template(books(flow=THIN | {"sentiment": {"deviation": 0.0, "impact": 0.0}})),
    )
    one, other = opened(plain), opened(same)
    go(plain, one, 60.0)
    go(same, other, 60.0)
    for table in ("books", "orders", "levels", "cash"):
        assert one[table].tobytes() == other[table].tobytes()


def test_a_premium_is_paid_for_through_funding():
    compiled = leaning(mean=0.0, deviation=0.0, impact=0.0, decay="8760h")
    worlds = opened(compiled)
    funding = worlds["instruments"]["funding"][0, PERP]
    rates = []
    for premium in (0.0, 20e-4):
        worlds["flows"]["sentiment"]["premium"][0, 0] = premium
        funding["premium_sum"] = funding["premium_weight"] = 0.0
        go(compiled, worlds, 1_800.0)
        rates.append(float(funding["rate_e9"]) / 1e9)
    # A premium within 0.05 % of the interest costs the interest.
    assert rates[0] == pytest.approx(0.0001, abs=1e-9)
    expected = float(clamped_funding_rate(20e-4, 0.0001, -0.0005, 0.0005))
    assert rates[1] == pytest.approx(expected, abs=1.5e-4)
    assert expected == pytest.approx(0.0015)
