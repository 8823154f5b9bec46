"""The leveraged crowd: where it is liquidated, what its orders do, who pays."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from gammagym.exchange.ledger import book_trade, conserved, deposit
from gammagym.exchange.liquidation import check_accounts
from gammagym.exchange.marks import write_price
from gammagym.exchange.own_orders import limit_order
from gammagym.market.leveraged import agrees, open_leveraged, step_leveraged
from gammagym.market.streams import open_streams
from gammagym.world import viewed
from gammagym.world.codes import (
    BUY,
    COIN,
    CROWD,
    FIRST_AGENT_ACCOUNT,
    GTC,
    INSURANCE,
    MAKERS,
    NO_ACCOUNT,
    QUOTE,
    SELL,
)
from gammagym.world.sizes import QUANTA

PERP = 0
HEDGE, LONGS, SHORTS, BIDDER = (FIRST_AGENT_ACCOUNT + number for number in (1, 2, 3, 4))
SECOND = 1_000_000_000
START = 60_000.0
ONE = [{"leverage": 20.0, "share": "100%"}]
TWO = [{"leverage": 10.0, "share": "60%"}, {"leverage": 40.0, "share": "40%"}]


def crowded(make_exchange: Any, venue: str = "generic", **crowd: Any) -> Any:
    """A bare exchange with a leveraged crowd that has its positions."""
    given = {"longs": 64.0, "leverages": ONE} | crowd
    changes = {f"crowd.{key}": value for key, value in given.items()}
    world = make_exchange(venue=venue, **changes)
    for account in (LONGS, SHORTS):
        world["accounts"]["partner"][account] = NO_ACCOUNT
    open_streams(world)
    open_leveraged(world)
    return world


def buckets(world: Any) -> Any:
    return world["buckets"][: world["bucket_count"]]


def mark(world: Any, price: float) -> None:
    """Move the mark, and let the crowd's price tick happen."""
    write_price(viewed(world["instruments"])[PERP], price)
    world["time_ns"] += SECOND
    step_leveraged(world, SECOND)


def bid(world: Any, price: float, units: float, side: int = BUY) -> None:
    limit_order(world, BIDDER, PERP, side, round(price * 10), round(units * 1_000), GTC)


def held(world: Any, account: int) -> int:
    return int(world["positions"]["quantity_lots"][account, PERP])


def cash(world: Any, account: int, currency: int = QUOTE) -> int:
    return int(world["cash"][account, currency])


def first_to_go(world: Any) -> Any:
    """The bucket of the longs that is liquidated first."""
    rows = buckets(world)
    return rows[np.where(rows["opened_lots"] > 0, rows["liquidation_price"], 0.0).argmax()]


def assert_sound(world: Any) -> None:
    assert agrees(world)
    for currency in (QUOTE, COIN):
        assert conserved(world, currency) == world["deposits"][currency]
    assert world["positions"]["quantity_lots"][: world["account_count"], PERP].sum() == 0


# --- Positions -------------------------------------------------------------------------------


def test_the_crowd_holds_what_the_scenario_says_with_the_shares_of_each_leverage(make_exchange):
    world = crowded(make_exchange, longs=50.0, shorts=20.0, leverages=TWO)
    assert (held(world, LONGS), held(world, SHORTS)) == (50_000, -20_000)
    assert held(world, MAKERS) == -30_000
    for account, whole in ((LONGS, 50_000), (SHORTS, -20_000)):
        own = buckets(world)[buckets(world)["account"] == account]
        tenfold = own[own["initial_e9"] == 10**8]
        assert tenfold["quantity_lots"].sum() == 0.6 * whole
        assert own["quantity_lots"].sum() == whole
    assert_sound(world)


def test_what_accounts_own_is_the_margin_less_the_entry_of_their_buckets(make_exchange):
    world = crowded(make_exchange, shorts=20.0, leverages=TWO)
    for account in (LONGS, SHORTS):
        own = buckets(world)[buckets(world)["account"] == account]
        entry = int(world["positions"]["entry_quanta"][account, PERP])
        assert entry == own["entry_quanta"].sum()
        assert cash(world, account) == own["margin_quanta"].sum()
        notional = np.abs(own["entry_quanta"]).astype(float)
        shares = own["margin_quanta"] / notional
        np.testing.assert_allclose(shares, own["initial_e9"] * 1e-9, rtol=1e-9)


# venue, leverage, maintenance rate with the closing fee where it counts, inverse
VENUES = [
    ("generic", 20.0, 0.01, False),
    ("binance", 20.0, 0.004, False),
    ("binance_coinm", 20.0, 0.004, True),
    ("bingx", 20.0, 0.0038 + 0.0005, False),
]


@pytest.mark.parametrize(("venue", "leverage", "rate", "inverse"), VENUES)
def test_liquidation_prices_are_those_of_the_textbook(
    make_exchange, venue, leverage, rate, inverse
):
    """Linear: margin + q (P - E) = r |q| P; inverse: margin + F (1/E - 1/P) = r |F| / P."""
    world = crowded(
        make_exchange,
        venue,
        shorts=64.0,
        leverages=[{"leverage": leverage, "share": "100%"}],
        position=10_000.0,
    )
    contract = world["instruments"][PERP]
    assert bool(contract["inverse"]) == inverse
    for bucket in buckets(world):
        sign = 1.0 if bucket["quantity_lots"] > 0 else -1.0
        entry = int(bucket["entry_quanta"]) / QUANTA / int(bucket["quantity_lots"])
        if inverse:
            entry = -float(contract["face"]) / entry
            liquidation = entry * (sign + rate) / (sign + 1.0 / leverage)
            bankruptcy = entry * sign / (sign + 1.0 / leverage)
        else:
            entry /= float(contract["lot_size"])
            liquidation = entry * (1.0 - sign / leverage) / (1.0 - sign * rate)
            bankruptcy = entry * (1.0 - sign / leverage)
        assert bucket["liquidation_price"] == pytest.approx(liquidation, rel=1e-6)
        assert bucket["bankruptcy_price"] == pytest.approx(bankruptcy, rel=1e-6)
    assert_sound(world)


def test_positions_of_a_higher_tier_have_its_maintenance_margin_and_amount(make_exchange):
    """Binance, tier to 800,000: maintenance 0.5 % less 300."""
    world = crowded(make_exchange, "binance", position=500_000.0)
    bucket = buckets(world)[0]
    units = int(bucket["quantity_lots"]) / 1_000
    entry = int(bucket["entry_quanta"]) / QUANTA / units
    # Of the group of members with 500,000 each: margin + q (P - E) = 0.005 q P - 300 members.
    members = units * entry / 500_000.0
    price = (units * entry - units * entry / 20.0 - 300.0 * members) / (units * 0.995)
    assert bucket["liquidation_price"] == pytest.approx(price, rel=1e-9)


def test_every_part_of_the_distribution_of_entries_has_one_bucket(make_exchange):
    """Leverage 2 is liquidated so far away that nothing of the lognormal is cut off."""
    world = crowded(
        make_exchange,
        longs=64.0,
        shorts=64.0,
        leverages=[{"leverage": 2.0, "share": "100%"}],
        entry_spread="2%",
    )
    for account in (LONGS, SHORTS):
        own = buckets(world)[buckets(world)["account"] == account]
        entries = own["entry_quanta"] / own["quantity_lots"] / QUANTA * 1_000
        shares = sorted(NormalDist().cdf(math.log(entry / START) / 0.02) for entry in entries)
        assert len(shares) == 64
        assert all(k / 64 - 1e-4 < share < (k + 1) / 64 + 1e-4 for k, share in enumerate(shares))


@pytest.mark.parametrize("swept", ["0%", "3%"])
def test_nobody_is_liquidated_nearer_than_the_price_has_been(make_exchange, swept):
    world = crowded(
        make_exchange,
        shorts=64.0,
        leverages=[{"leverage": 50.0, "share": "100%"}],
        entry_spread="4%",
        swept=swept,
    )
    prices = buckets(world)["liquidation_price"]
    long = buckets(world)["quantity_lots"] > 0
    reach = float(swept[:-1]) / 100
    assert (prices[long] <= START * (1 - reach) * (1 + 1e-5)).all()
    assert (prices[~long] >= START * (1 + reach) * (1 - 1e-5)).all()
    assert prices[long].max() > START * (1 - reach) * 0.99


def test_without_leverage_there_is_no_liquidation_price(make_exchange):
    world = crowded(make_exchange, leverages=[{"leverage": 1.0, "share": "100%"}])
    assert (buckets(world)["liquidation_price"] <= 0.0).all()
    mark(world, 0.1)
    assert held(world, LONGS) == 64_000


# --- Orders ----------------------------------------------------------------------------------


def test_nothing_is_sold_while_the_mark_is_above_the_liquidation_price(make_exchange):
    world = crowded(make_exchange)
    price = float(first_to_go(world)["liquidation_price"])
    bid(world, price - 10.0, 100.0)
    mark(world, price + 1.0)
    assert held(world, LONGS) == 64_000
    mark(world, price - 1e-6)
    assert held(world, LONGS) < 64_000


def test_a_fifth_of_what_is_called_is_sold_at_each_tick_at_the_price_of_the_book(make_exchange):
    world = crowded(make_exchange)
    bucket = first_to_go(world)
    price = float(bucket["liquidation_price"])
    bid(world, price - 50.0, 100.0)
    before = int(world["books"]["volume_lots"][PERP])
    mark(world, price)
    assert (held(world, LONGS), held(world, BIDDER)) == (64_000 - 200, 200)
    assert world["books"]["volume_lots"][PERP] - before == 200
    assert world["positions"]["entry_quanta"][BIDDER, PERP] == 200 * round(
        (price - 50.0) * 10
    ) * int(world["instruments"]["tick_quanta"][PERP])
    mark(world, price)
    assert held(world, BIDDER) == 200 + 160
    for _ in range(100):
        mark(world, price)
    assert held(world, BIDDER) == 1_000
    assert bucket["quantity_lots"] == 0
    assert world["accounts"]["liquidations"][LONGS] == 1
    assert_sound(world)


def test_in_a_thin_book_the_same_order_gets_a_worse_price(make_exchange):
    paid = []
    for size in (10.0, 0.02):
        world = crowded(make_exchange)
        price = float(first_to_go(world)["liquidation_price"])
        for level in range(20):
            bid(world, price - 10.0 * level, size)
        mark(world, price)
        assert held(world, BIDDER) == 200
        paid.append(int(world["positions"]["entry_quanta"][BIDDER, PERP]))
    assert paid[1] < paid[0]


def test_no_order_goes_through_more_of_the_book_than_market_orders_may(make_exchange):
    world = crowded(make_exchange)
    price = float(first_to_go(world)["liquidation_price"])
    bid(world, 0.95 * price - 1.0, 100.0)
    mark(world, price)
    assert held(world, BIDDER) == 0
    bid(world, 0.95 * price + 1.0, 100.0)
    mark(world, price)
    assert held(world, BIDDER) == 200


def test_what_the_book_does_not_take_is_tried_again(make_exchange):
    world = crowded(make_exchange)
    price = float(first_to_go(world)["liquidation_price"])
    mark(world, price)
    assert held(world, LONGS) == 64_000
    assert first_to_go(world)["called"] == 1
    bid(world, price, 0.05)
    mark(world, price + 500.0)  # called stays called
    assert held(world, BIDDER) == 50
    assert_sound(world)


def test_who_was_called_first_is_sold_first(make_exchange):
    world = crowded(make_exchange)
    order = np.argsort(buckets(world)["liquidation_price"])[::-1]
    first, second = (buckets(world)[row] for row in order[:2])
    mark(world, float(first["liquidation_price"]))
    mark(world, float(second["liquidation_price"]))
    bid(world, float(second["liquidation_price"]) - 100.0, 0.3)
    mark(world, float(second["liquidation_price"]))
    assert (first["quantity_lots"], second["quantity_lots"]) == (1_000 - 300, 1_000)


def test_a_bucket_that_is_called_and_empty_holds_nobody_up(make_exchange):
    """As it may come from a file."""
    world = crowded(make_exchange)
    order = np.argsort(buckets(world)["liquidation_price"])[::-1]
    first, second = (buckets(world)[row] for row in order[:2])
    first["called"], first["quantity_lots"] = 1, 0
    price = float(second["liquidation_price"])
    bid(world, price, 100.0)
    mark(world, price)
    assert second["quantity_lots"] == 1_000 - 200


def test_nothing_is_liquidated_while_the_venue_is_closed(make_exchange):
    world = crowded(make_exchange)
    bid(world, 50_000.0, 100.0)
    world["venues"]["halted"][0] = 1
    mark(world, 50_000.0)
    assert held(world, LONGS) == 64_000
    world["venues"]["halted"][0] = 0
    mark(world, 50_000.0)
    assert held(world, LONGS) < 64_000


# --- Money -----------------------------------------------------------------------------------


@pytest.mark.parametrize("above", [400.0, -400.0])
def test_the_fund_gets_or_pays_the_difference_to_the_bankruptcy_price(make_exchange, above):
    world = crowded(make_exchange)
    bucket = first_to_go(world)
    entry, margin = int(bucket["entry_quanta"]), int(bucket["margin_quanta"])
    bankrupt = round(float(bucket["bankruptcy_price"]) * 10)
    price = (bankrupt + round(above * 10)) / 10
    bid(world, price, 0.2)
    mark(world, float(bucket["liquidation_price"]))
    fetched = 200 * round(price * 10) * int(world["instruments"]["tick_quanta"][PERP])
    # One fifth of the bucket was sold; the liquidation fee is part of it.
    assert cash(world, INSURANCE) == fetched - entry // 5 + margin // 5
    assert cash(world, INSURANCE) / QUANTA == pytest.approx(0.2 * above, abs=0.2 * 0.1)
    assert_sound(world)


def test_all_that_remains_with_the_crowd_is_what_its_buckets_say(make_exchange):
    world = crowded(make_exchange, shorts=64.0)
    for level in range(300):
        bid(world, 59_000.0 - 20.0 * level, 0.3)
    for price in np.linspace(59_500.0, 54_000.0, 60):
        mark(world, float(price))
        assert_sound(world)
        for account in (LONGS, SHORTS):
            own = buckets(world)[buckets(world)["account"] == account]
            entry = int(world["positions"]["entry_quanta"][account, PERP])
            owned = own["margin_quanta"].sum() - own["entry_quanta"].sum()
            assert cash(world, account) - entry == owned
    assert 0 < held(world, LONGS) < 64_000


def test_a_venue_that_takes_over_sells_at_no_worse_than_the_bankruptcy_price(make_exchange):
    world = crowded(make_exchange, "binance")
    deposit(world, INSURANCE, QUOTE, 10**7 * QUANTA)
    bucket = first_to_go(world)
    bankrupt = float(bucket["bankruptcy_price"])
    bid(world, bankrupt - 5.0, 100.0)
    mark(world, float(bucket["liquidation_price"]))
    assert held(world, BIDDER) == 0
    bid(world, bankrupt + 5.0, 100.0)
    mark(world, float(bucket["liquidation_price"]))
    assert held(world, BIDDER) == 200


def test_what_is_bankrupt_at_the_mark_is_the_funds_which_sells_it_in_the_book(make_exchange):
    world = crowded(make_exchange, "binance")
    deposit(world, INSURANCE, QUOTE, 10**7 * QUANTA)
    bucket = first_to_go(world)
    entry, margin = int(bucket["entry_quanta"]), int(bucket["margin_quanta"])
    mark(world, float(bucket["bankruptcy_price"]) - 1.0)
    assert bucket["quantity_lots"] == 0
    fund = world["positions"][INSURANCE, PERP]
    assert (fund["quantity_lots"], fund["entry_quanta"]) == (1_000, entry - margin)
    assert_sound(world)
    bid(world, 55_000.0, 100.0)
    check_accounts(world)
    assert held(world, BIDDER) == 200
    assert_sound(world)


def test_with_an_empty_fund_competitors_then_the_crowds_shorts_are_deleveraged(make_exchange):
    world = crowded(make_exchange, "binance", shorts=64.0)
    world["accounts"]["margined"][HEDGE] = 1
    deposit(world, HEDGE, QUOTE, 10**6 * QUANTA)
    deposit(world, INSURANCE, QUOTE, 1)
    book_trade(world, PERP, HEDGE, CROWD, SELL, 600_000, 300)
    bucket = first_to_go(world)
    shorts = buckets(world)[buckets(world)["quantity_lots"] < 0]
    safest = shorts["liquidation_price"].argmax()
    price = float(bucket["bankruptcy_price"]) - 1.0
    mark(world, price)
    assert held(world, HEDGE) == 0
    assert world["accounts"]["deleveragings"][HEDGE] == 1
    assert held(world, SHORTS) == -64_000 + 700
    mark(world, price)
    shorts = buckets(world)[buckets(world)["opened_lots"] < 0]
    assert shorts["quantity_lots"][safest] == -1_000 + 700
    assert shorts["quantity_lots"].sum() == held(world, SHORTS)
    assert_sound(world)


# --- Coming back -----------------------------------------------------------------------------


def test_new_positions_are_bought_in_the_book_for_those_that_are_gone(make_exchange):
    world = crowded(make_exchange, reopening="10s")
    bucket = first_to_go(world)
    low = float(bucket["liquidation_price"]) - 100.0
    bid(world, low, 100.0)
    while bucket["quantity_lots"] > 0:
        mark(world, low + 100.0)
    gone = 64_000 - held(world, LONGS)
    world["leverage"]["wish_lots"] = 0.0
    bid(world, low + 200.0, 1_000.0, SELL)
    mark(world, low + 200.0)
    back = held(world, LONGS) - (64_000 - gone)
    assert back == pytest.approx(0.1 * gone, abs=1)
    for _ in range(200):
        mark(world, low + 200.0)
    assert held(world, LONGS) >= 64_000 - 10
    entry = int(bucket["entry_quanta"]) / QUANTA / (int(bucket["quantity_lots"]) / 1_000)
    assert entry == pytest.approx(low + 200.0, rel=1e-3)
    assert bucket["liquidation_price"] == pytest.approx(entry * 0.95 / 0.99, rel=1e-4)
    assert_sound(world)
