"""Arbitrageurs: what they trade, what stops them, what they earn, and what it does to the books."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest

import gammagym
from gammagym.api.saving import SavedMarket, write_market
from gammagym.errors import OrderError, ScenarioError
from gammagym.exchange.ledger import conserved, equity
from gammagym.exchange.own_orders import limit_order
from gammagym.exchange.trading import mid_price
from gammagym.world import fingerprint
from gammagym.world.codes import BUY, CROWD, IOC
from gammagym.world.sizes import QUANTA

sys.path.insert(0, str(Path(__file__).resolve().parent))
from basis_markets import ARBITRAGEUR, THIN, books, go, opened, template, traded

# No traders of its own lean: a premium is what a test makes it, and stays.
STEADY = {"mean": 0.0, "deviation": 0.0, "impact": 0.0, "decay": "8760h"}
IDEAL = {"kind": "ideal", "half_spread": 0.0, "size": 100.0}


def steady(**keys):
    """Return the template of books whose premium a test sets, with one arbitrageur."""
    owner = ARBITRAGEUR | {"margin": "0.05%"} | keys
    return template(books(flow=THIN | {"sentiment": STEADY}, arbitrageurs=[owner]))


def set_premium(worlds, premium):
    worlds["flows"]["sentiment"]["premium"][0, 0] = premium


def profit(worlds, row=0):
    """Return what an arbitrageur's two accounts are worth (currency)."""
    accounts = worlds["arbitrageurs"]["accounts"][0, row]
    return sum(int(equity(worlds[0], int(account))) for account in accounts) / QUANTA


# --- What they trade -------------------------------------------------------------------------


@pytest.mark.parametrize("premium", [20e-4, -20e-4])
def test_it_sells_the_dear_book_and_buys_the_cheap_one_up_to_its_capital(premium):
    compiled = steady()
    worlds = opened(compiled)
    set_premium(worlds, premium)
    largest = 0.0
    for _ in range(300):
        go(compiled, worlds, 1.0)
        first, second = traded(worlds)
        largest = max(largest, abs(first))
        assert first + second == pytest.approx(0.0, abs=2.0)
    assert first == pytest.approx(-math.copysign(50.0, premium), abs=1e-9)
    assert second == pytest.approx(-first, abs=1e-3)
    assert largest <= 50.0 + 1e-9


def test_what_does_not_pay_for_fees_in_and_out_is_left_alone():
    # Four fees of 5 bp and a margin of 5 bp.
    compiled = steady(fee="0.05%")
    worlds = opened(compiled)
    assert worlds["arbitrageurs"]["threshold"][0, 0] == pytest.approx(25e-4, rel=1e-12)
    set_premium(worlds, 15e-4)
    go(compiled, worlds, 120.0)
    assert traded(worlds) == (0.0, 0.0)
    set_premium(worlds, 35e-4)
    go(compiled, worlds, 120.0)
    assert traded(worlds)[0] < -10.0


def test_without_a_fee_of_its_own_it_pays_the_venues():
    owner = {key: value for key, value in ARBITRAGEUR.items() if key != "fee"}
    worlds = template(books(arbitrageurs=[owner | {"margin": "0%"}])).template
    assert worlds["arbitrageurs"]["threshold"][0, 0] == pytest.approx(4 * 5e-4, rel=1e-12)


def test_it_unwinds_once_the_premium_is_gone():
    compiled = steady()
    worlds = opened(compiled)
    set_premium(worlds, 20e-4)
    go(compiled, worlds, 200.0)
    assert traded(worlds)[0] == pytest.approx(-50.0)
    before = profit(worlds)
    set_premium(worlds, 0.0)
    go(compiled, worlds, 200.0)
    first, second = traded(worlds)
    assert (first, second) == (pytest.approx(0.0, abs=1e-9), pytest.approx(0.0, abs=1e-9))
    # It sold 50 at 20 bp more than it bought them for, less what the margin is short of it.
    assert profit(worlds) - 2 * 50 * 60_000 - 50 * worlds["price"]["value"][0] > 50 * 60_000 * 5e-4
    assert before > 0


def test_in_a_storm_it_opens_nothing_and_still_unwinds():
    compiled = steady(withdraws_above=0.05)
    worlds = opened(compiled)
    set_premium(worlds, 20e-4)
    go(compiled, worlds, 30.0)  # it takes some seconds to notice that 60 % a year is a storm
    opened_by_then = traded(worlds)[0]
    go(compiled, worlds, 120.0)
    assert traded(worlds)[0] == opened_by_then
    set_premium(worlds, 0.0)
    go(compiled, worlds, 120.0)
    assert traded(worlds)[0] == pytest.approx(0.0, abs=1e-9)


def test_its_looks_do_not_depend_on_what_it_sees():
    compiled, poor = steady(), steady(limit=0.0)
    one, other = opened(compiled), opened(poor)
    set_premium(one, 20e-4)
    go(compiled, one, 60.0)
    go(poor, other, 60.0)
    assert one["arbitrageurs"]["looks"][0, 0] == other["arbitrageurs"]["looks"][0, 0] > 200
    assert one["arbitrageurs"]["next_ns"][0, 0] == other["arbitrageurs"]["next_ns"][0, 0]
    assert traded(other) == (0.0, 0.0)


# --- What they earn --------------------------------------------------------------------------


@pytest.mark.parametrize("volatility", [0.0, 0.6])
def test_spot_against_a_short_perpetual_earns_the_funding_and_nothing_else(volatility):
    owner = ARBITRAGEUR | {"limit": 1.0, "margin": "0%", "horizon": "1d"}
    scenario = books(
        price={"model": "gbm", "start": "60000", "volatility": volatility},
        options={"implied_volatility": 0.6},
        funding="0.1%",
        flow=IDEAL,
        markets=[{"kind": "spot", "flow": IDEAL}],
        arbitrageurs=[owner],
    )
    compiled = template(scenario)
    worlds = opened(compiled)
    price = worlds["price"][0]
    start = profit(worlds) - float(price["value"])  # it has one coin, to be able to sell it
    go(compiled, worlds, 10.0)
    assert traded(worlds) == (-1.0, 1.0)
    expected = 0.0
    for _ in range(3):
        go(compiled, worlds, 8 * 3_600 - (10.0 if expected == 0.0 else 0.0))
        expected += 0.001 * float(price["value"])
        assert traded(worlds) == (-1.0, 1.0)
    # Both quotes stand within a tick of the price: 0.1 and 0.01.
    earned = profit(worlds) - start - float(price["value"])
    assert earned == pytest.approx(expected, abs=0.11)
    if volatility == 0.0:
        assert expected == pytest.approx(180.0)


@pytest.mark.parametrize("seed", [1, 2])
def test_cash_and_carry_earns_the_basis_whatever_the_price_does(seed):
    owner = ARBITRAGEUR | {"between": ["BTC-0.0833333D", "BTC-SPOT"], "limit": 1.0, "margin": "0%"}
    scenario = books(
        venue="binance",
        rules={"future.settlement_window": "0s"},
        carry={"mean": "200%"},
        flow=IDEAL,
        markets=[
            {"kind": "spot", "flow": IDEAL},
            {"kind": "future", "expiry": "2h", "flow": IDEAL},
        ],
    )
    names = template(scenario).instruments
    owner["between"] = [names[2], "BTC-SPOT"]
    compiled = template(scenario | {"arbitrageurs": [owner]})
    worlds = opened(compiled, seed)
    price = worlds["price"][0]
    start, first = profit(worlds) - float(price["value"]), float(price["value"])
    basis = first * math.expm1(2.0 * 2 / 8_760)
    go(compiled, worlds, 7_190.0)
    assert abs(float(price["value"]) - first) > 5.0
    go(compiled, worlds, 60.0)
    assert worlds["instruments"]["settled"][0, 2]
    # The second leg follows the delivered one to zero, at a spread of a tick.
    assert traded(worlds) == (0.0, 0.0)
    earned = profit(worlds) - start - float(price["value"])
    # It trades within a second of the start, in which the price moves by some dollars; both legs.
    assert earned == pytest.approx(basis, abs=0.5)
    assert basis == pytest.approx(27.4, abs=0.1)


# --- What it does to the books ---------------------------------------------------------------


def premium_after_ten_minutes(limit):
    """Return the mean of what is left of a premium of 8 bp, and its standard error (bp)."""
    sentiment = {"deviation": 0.0, "impact": 0.004, "decay": "2h"}
    owner = ARBITRAGEUR | {"limit": limit, "size": 5.0}
    compiled = template(books(flow=THIN | {"sentiment": sentiment}, arbitrageurs=[owner]))
    left = []
    for seed in range(12):
        worlds = opened(compiled, seed)
        set_premium(worlds, 8e-4)
        go(compiled, worlds, 600.0)
        left.append(1e4 * worlds["flows"]["sentiment"]["premium"][0, 0])
    return np.mean(left), np.std(left) / math.sqrt(len(left))


def test_capital_closes_a_premium_and_without_it_the_premium_decays_as_it_must():
    poor, error = premium_after_ten_minutes(0.0)
    some, _ = premium_after_ten_minutes(300.0)
    rich, _ = premium_after_ten_minutes(5_000.0)
    assert poor == pytest.approx(8.0 * math.exp(-600 / 7_200), abs=4 * error)
    # 300 units are used up when they have moved it by 1.2 bp.
    assert rich + 1.0 < some < poor - 0.5
    assert rich < 0.5 * poor


def test_a_large_order_at_one_venue_is_felt_at_the_other_through_arbitrageurs():
    moves = {}
    for limit in (0.0, 500.0):
        compiled = template("two_venues", {"arbitrageurs.0.limit": limit})
        there, here = [], []
        for seed in range(24):
            worlds = opened(compiled, seed)
            go(compiled, worlds, 30.0)
            twin = worlds.copy()
            for _ in range(10):
                limit_order(worlds[0], CROWD + 1, 0, BUY, 610_000, 20_000, IOC)
                for each in (worlds, twin):
                    go(compiled, each, 0.2)
            here.append(float(mid_price(worlds[0], 0) - mid_price(twin[0], 0)))
            there.append(float(mid_price(worlds[0], 1) - mid_price(twin[0], 1)))
        assert np.mean(here) > 5.0
        moves[limit] = np.mean(there) / np.mean(here)
    # Nobody else carries a move over: a common price is all that the books share.
    assert abs(moves[0.0]) < 0.02
    assert moves[500.0] > 0.2


def test_arbitrageurs_make_the_noise_between_two_venues_as_short_as_it_was_measured():
    """Measured: sd 0.5 bp, half-life 1.1 s; six minutes of 2024-08-08 (docs/rules/basis).

    The autocorrelation is flat where it passes one half, so that four seeds would be too few.
    """
    deviations, half_lives = [], []
    for limit in (0.0, 500.0):
        changes = {"flow.sentiment": None, "markets.0.flow.sentiment": None}
        compiled = template("two_venues", changes | {"arbitrageurs.0.limit": limit})
        gaps = []
        for seed in range(12):
            worlds = opened(compiled, seed)
            path = np.empty(1_000)
            for look in range(len(path)):
                go(compiled, worlds, 0.2)
                one, other = (float(mid_price(worlds[0], row)) for row in (0, 1))
                path[look] = 1e4 * math.log(one / other)
            gaps.append(path - path.mean())
        away = np.array(gaps)
        deviations.append(away.std())
        kept = [(away[:, lag:] * away[:, :-lag]).mean() / away.var() for lag in range(1, 200)]
        half_lives.append(0.2 * (1 + int(np.argmax(np.array(kept) < 0.5))))
    assert deviations[1] < 0.6 * deviations[0]
    assert 0.4 < deviations[1] < 0.7
    assert 0.4 <= half_lives[1] <= 2.0
    assert half_lives[0] > 5.0


# --- Money, copies, files --------------------------------------------------------------------


@pytest.fixture(scope="module")
def market() -> gammagym.Market:
    """A market of every kind of book in which arbitrageurs have traded."""
    market = gammagym.Market("basis", seed=2)
    market.advance(seconds=120.0)
    assert any(market.world["positions"]["quantity_lots"][row, 0] for row in (8, 9, 10, 11))
    return market


def test_money_is_conserved_at_every_second(market):
    twin = market.fork()
    world = twin.world
    for _ in range(120):
        twin.advance(seconds=1.0)
        for currency in (0, 1):
            assert conserved(world, currency) == world["deposits"][currency]
        assert not world["positions"]["quantity_lots"].sum(axis=0).any()


def test_the_same_seed_gives_the_same_market():
    twins = [gammagym.Market("basis", seed=9) for _ in range(2)]
    for twin in twins:
        twin.advance(seconds=20.0)
    assert fingerprint(twins[0].world) == fingerprint(twins[1].world)


def test_a_fork_and_a_loaded_market_go_on_equally_and_a_reseeded_one_does_not(market, tmp_path):
    market.save(tmp_path / "m.npz")
    copies = [market.fork(), gammagym.Market.load(tmp_path / "m.npz"), market.fork(reseed=3)]
    for copy in copies:
        copy.advance(seconds=30.0)
    one, loaded, other = (fingerprint(copy.world) for copy in copies)
    assert one == loaded != other
    looks = [int(copy.world["arbitrageurs"]["next_ns"][0]) for copy in copies]
    assert looks[0] == looks[1] != looks[2]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("instruments", 16),
        ("accounts", 2),
        ("next_ns", -1),
        ("interval_ns", 0),
        ("order_units", float("nan")),
        ("limit_units", 1e300),
    ],
)
def test_a_file_with_a_broken_arbitrageur_is_refused(market, tmp_path, field, value):
    worlds = market._worlds.copy()
    worlds["arbitrageurs"][field][0, 0] = value
    broken = SavedMarket(worlds, market._tape, market.agents, market._names, {})
    write_market(tmp_path / "m.npz", broken)
    with pytest.raises(OrderError, match=rf"a broken market: .*arbitrageurs\.{field}"):
        gammagym.Market.load(tmp_path / "m.npz")


# --- Scenario files --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("owner", "message"),
    [
        ({"between": ["BTC-PERP", "BTC-SPOTT"]}, "unknown instrument 'BTC-SPOTT': did you mean"),
        ({"between": ["BTC-PERP", "BTC-7D-100-C"]}, "'BTC-7D-100-C' is an option: take spot"),
        ({"between": ["BTC-PERP", "BTC-PERP"]}, "must name two different instruments"),
        ({"between": ["BTC-PERP"]}, r"arbitrageurs\.0\.between"),
        ({"limit": -1.0}, r"arbitrageurs\.0\.limit"),
        ({"interval": "1us"}, r"arbitrageurs\.0\.interval"),
        ({"fee": 0.001}, r"arbitrageurs\.0\.fee"),
        ({"capital": 3}, r"arbitrageurs\.0\.capital"),
        ({"limit": 1e6}, r"arbitrageurs\.limit"),
    ],
)
def test_what_no_arbitrageur_can_be_is_refused(owner, message):
    call = {"kind": "call", "expiry": "7d"}
    markets = [{"kind": "spot", "flow": THIN}, call]
    scenario = books(markets=markets, arbitrageurs=[ARBITRAGEUR | owner])
    with pytest.raises(ScenarioError, match=message):
        template(scenario)


def test_all_wrong_names_are_told_at_once():
    wrong = [ARBITRAGEUR | {"between": [name, "BTC-SPOT"]} for name in ("A", "B")]
    with pytest.raises(ScenarioError, match=r"arbitrageurs\.0.*'A'.*arbitrageurs\.1.*'B'"):
        template(books(arbitrageurs=wrong))


def test_more_arbitrageurs_than_there_is_room_for_are_refused():
    with pytest.raises(ScenarioError, match="arbitrageurs"):
        template(books(arbitrageurs=[ARBITRAGEUR] * 5))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"carry": {"preset": "gold"}}, r"carry\.preset"),
        ({"carry": {"mean": 0.02}}, r"carry\.mean"),
        ({"carry": {"half_life": "0s"}}, r"carry\.half_life"),
        ({"flow": THIN | {"sentiment": {"mean": 1.0}}}, r"flow\.sentiment\.mean"),
        ({"flow": THIN | {"sentiment": {"decay": "0s"}}}, r"flow\.sentiment\.decay"),
        ({"flow": IDEAL | {"sentiment": {}}}, r"flow\.sentiment = \{\}: must not be given"),
    ],
)
def test_what_no_carry_and_no_sentiment_can_be_is_refused(keys, message):
    with pytest.raises(ScenarioError, match=message):
        template(books(**keys))
