"""Carry of dated futures: its law, its end at expiry, and where it goes in profit and loss."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest

import gammagym
from gammagym.exchange.attribution import close_attribution
from gammagym.exchange.trading import mid_price
from gammagym.market.carry import start_carries, step_carries
from gammagym.market.streams import open_streams
from gammagym.scenario.carry import CarryTerms
from gammagym.world import LARGE, empty_worlds
from gammagym.world.codes import FUTURE, PART_BASIS, PART_RESIDUAL
from gammagym.world.sizes import QUANTA, YEAR_NS

sys.path.insert(0, str(Path(__file__).resolve().parent))
from basis_markets import THIN, books, go, opened, template

HOUR = 3_600 * 10**9
AT_ONCE = {"future.settlement_window": "0s"}
FUTURE_OF_TWO_HOURS = {"kind": "future", "expiry": "2h", "flow": THIN}


def futures_world(seed=1, *, level=0.02, deviation=0.02, half_life_hours=8.5, futures=2):
    """Make a world of which only the carry of futures that expire in a year is used."""
    world = empty_worlds(1, LARGE)[0]
    world["seed"], world["instrument_count"] = seed, futures
    world["price"]["value"] = 60_000.0
    contracts = world["instruments"][:futures]
    contracts["kind"], contracts["expiry_ns"] = FUTURE, YEAR_NS
    contracts["carry"]["level"], contracts["carry"]["deviation"] = level, deviation
    contracts["carry"]["reversion"] = math.log(2.0) / (half_life_hours * 3_600)
    open_streams(world)
    start_carries(world)
    return world


def rates(world, steps, elapsed_ns=HOUR):
    """Step the carry and return the rates of all futures, shape (steps, futures)."""
    found = []
    for _ in range(steps):
        world["price"]["tick"] += 1
        step_carries(world, elapsed_ns)
        found.append(world["instruments"]["carry"]["rate"][: world["instrument_count"]].copy())
    return np.array(found)


@pytest.mark.parametrize(
    ("preset", "days", "expected"),
    [
        ("btc", 10, (0.0211, 0.0206, 8.5)),
        ("btc", 60, (0.0316, 0.0117, 73.0)),
        ("btc", 200, (0.0388, 0.0075, 205.0)),
        ("eth", 10, (0.0225, 0.0182, 4.0)),
        ("eth", 60, (0.0283, 0.0076, 10.0)),
        ("eth", 200, (0.0337, 0.0035, 25.0)),
    ],
)
def test_a_preset_is_what_was_measured_by_time_to_expiry(preset, days, expected):
    mean, deviation, half_life = CarryTerms(preset=preset).at(days / 365)
    assert (mean, deviation, half_life / 3_600) == expected


def test_the_rate_has_the_moments_of_an_ornstein_uhlenbeck_process():
    steps = 40_000
    found = rates(futures_world(), steps)[:, 0]
    kept = 0.5 ** (1 / 8.5)
    # Independent numbers would be fewer by the sum of the autocorrelations.
    worth = steps * (1 - kept) / (1 + kept)
    assert found.mean() == pytest.approx(0.02, abs=4 * 0.02 / math.sqrt(worth))
    assert found.std() == pytest.approx(0.02, rel=4 / math.sqrt(2 * worth))
    away = found - found.mean()
    correlation = (away[1:] * away[:-1]).mean() / away.var()
    assert correlation == pytest.approx(kept, abs=4 * math.sqrt((1 - kept**2) / steps))


def test_the_first_rate_is_drawn_from_the_law_in_the_long_run():
    first = [float(futures_world(seed)["instruments"]["carry"]["rate"][0]) for seed in range(2_000)]
    assert np.mean(first) == pytest.approx(0.02, abs=4 * 0.02 / math.sqrt(2_000))
    assert np.std(first) == pytest.approx(0.02, rel=4 / math.sqrt(4_000))


def test_every_future_has_random_numbers_of_its_own():
    found = rates(futures_world(), 5_000, 1_000 * HOUR)
    assert abs(np.corrcoef(found.T)[0, 1]) < 4 / math.sqrt(5_000)


def test_the_rate_does_not_depend_on_how_often_the_price_is_looked_at():
    step = rates(futures_world(deviation=0.0, level=0.05), 0)
    assert len(step) == 0
    worlds = [futures_world(deviation=0.0) for _ in range(2)]
    for world in worlds:
        world["instruments"]["carry"]["rate"] = 0.10
    once, often = rates(worlds[0], 1, 8 * HOUR)[-1], rates(worlds[1], 8, HOUR)[-1]
    assert once == pytest.approx(often, rel=1e-12)
    assert once[0] == pytest.approx(0.02 + 0.08 * 0.5 ** (8 / 8.5), rel=1e-12)


def test_a_future_meets_the_price_when_it_expires():
    markets = [{"kind": "spot", "flow": THIN}, FUTURE_OF_TWO_HOURS]
    carry = {"mean": "100%", "deviation": "20%"}
    compiled = template(books(venue="binance", rules=AT_ONCE, markets=markets, carry=carry))
    worlds = opened(compiled)
    contract = worlds["instruments"][0, 2]
    price = worlds["price"][0]

    def basis() -> float:
        return (float(contract["fair_price"]) - float(price["value"])) / contract["tick_size"]

    # A carry of 100 % a year is 137 ticks of 0.1 in two hours, give or take 27.
    rate = float(contract["carry"]["rate"])
    assert basis() == pytest.approx(600_000 * rate * 2 / 8_760, rel=1e-3)
    # A book's own noise is 80 ticks, for 12 seconds at a time.
    assert basis() > 120
    distance = []
    for _ in range(600):
        go(compiled, worlds, 1.0)
        distance.append((mid_price(worlds[0], 2) - price["value"]) / contract["tick_size"])
    assert np.mean(distance) == pytest.approx(basis(), abs=60)
    go(compiled, worlds, 7_200 - 600 - 5)
    assert abs(basis()) < 0.2
    last = []
    for _ in range(4):
        go(compiled, worlds, 1.0)
        last.append(basis())
    assert max(np.abs(last)) < 0.2
    assert not contract["settled"]
    go(compiled, worlds, 1.0)
    assert contract["settled"]
    assert contract["fair_price"] == price["value"]


def test_a_carry_changes_no_other_random_number():
    markets = [{"kind": "spot", "flow": THIN}, FUTURE_OF_TWO_HOURS]
    plain, carried = (
        template(books(venue="binance", markets=markets, carry=carry))
        for carry in ({}, {"preset": "btc"})
    )
    one, other = opened(plain), opened(carried)
    go(plain, one, 60.0)
    go(carried, other, 60.0)
    assert one["price"].tobytes() == other["price"].tobytes()
    assert one["books"]["volume_lots"][0, 0] == other["books"]["volume_lots"][0, 0]
    assert one["instruments"]["fair_price"][0, 2] != other["instruments"]["fair_price"][0, 2]


@pytest.mark.parametrize(("venue", "quantity"), [("cme", 5.0), ("binance", 2.0), ("deribit", 900)])
def test_what_a_future_gains_beyond_the_price_is_basis_and_nothing_is_left(venue, quantity):
    """A future that is the hedge, one beside a perpetual, and an inverse one."""
    carry = {"mean": "30%", "deviation": "30%", "half_life": "60s"}
    market = gammagym.Market(books(venue=venue, markets=[], carry=carry), seed=3)
    world, listed = market.world, market.instruments()
    agent, name = world["agents"][0], str(listed.index[listed["kind"] == "future"][0])
    row = list(listed.index).index(name)
    contract = world["instruments"][row]
    close_attribution(world, 0)
    before, paid_in = agent["parts"].copy(), int(agent["equity_quanta"])
    market.submit("agent", name, "sell", quantity)
    market.advance(seconds=5.0)
    account = market._account_for(0, row)
    lots = int(world["positions"]["quantity_lots"][account, row])
    assert lots < 0
    close_attribution(world, 0)
    at_fill = float(agent["parts"][PART_BASIS])
    expected = 0.0
    for _ in range(300):
        fair, lot = float(contract["fair_price"]), float(contract["lot_size"])
        price = float(world["price"]["value"])
        market.advance(seconds=1.0)
        now, value = float(contract["fair_price"]), float(world["price"]["value"])
        gain = (now - fair) * (value / now if contract["inverse"] else 1.0)
        expected += lots * lot * (gain - (value - price))
    close_attribution(world, 0)
    parts = agent["parts"] - before
    change = (int(agent["equity_quanta"]) - paid_in) / QUANTA
    assert agent["parts"][PART_BASIS] - at_fill == pytest.approx(expected, rel=1e-9)
    assert abs(expected) > 1.0
    assert parts.sum() == pytest.approx(change, abs=1e-6)
    assert abs(parts[PART_RESIDUAL]) < 1e-3
