"""Liquidation as venues do it: steps, bankruptcy prices, who takes over, who pays."""

from __future__ import annotations

from typing import Any

import pytest

import gammagym
from gammagym.exchange.ledger import conserved
from gammagym.world.codes import COIN, INSURANCE, PART_DELEVERAGING, PART_LIQUIDATION, QUOTE
from gammagym.world.sizes import QUANTA

PERP = "BTC-PERP"


def market(
    venue: str,
    move: str,
    rules: dict[str, Any] | None = None,
    ramp: str = "0s",
    **account: Any,
) -> Any:
    """Return a market without volatility that jumps by `move` after a minute; bob is its victim."""
    return gammagym.Market(
        {
            "purpose": "a jump out of the blue",
            "venue": venue,
            "rules": rules or {},
            "account": account,
            "price": {"model": "gbm", "start": "60000", "volatility": 0.0},
            "options": {"implied_volatility": 0.6},
            "flow": {"kind": "ideal", "half_spread": 0.0001, "size": 1000},
            "shocks": [{"kind": "price", "at": "60s", "ramp": ramp, "move": move}],
        },
        agents=["alice", "bob"],
        cash=60_000,
        horizon_seconds=3600,
    )


def assert_nothing_is_lost(market: Any) -> None:
    world = market.world
    for currency in (QUOTE, COIN):
        assert conserved(world, currency) == world["deposits"][currency]
    assert not world["positions"]["quantity_lots"].sum(axis=0).any()


def equity(market: Any, account: int) -> float:
    return float(gammagym.exchange.ledger.equity(market.world, account)) / QUANTA


def test_a_profitable_hedge_is_deleveraged_away_at_the_bankruptcy_price() -> None:
    here = market("binance", "-15%", {"liquidation.insurance_fund": 0})
    here.submit("alice", PERP, "sell", 5.0, type="market")
    here.submit("bob", PERP, "buy", 8.0, type="market")
    here.advance(59)
    bob = here.account("bob")
    bankruptcy = gammagym.bankruptcy_price(8.0, 60_000.0, bob["equity"], 0.0)
    parts = here.world["agents"]["parts"][0].copy()
    here.advance(2)
    taken, closed = here.fills("alice").iloc[-1], here.fills("bob").iloc[-1]
    assert (taken["cause"], closed["cause"]) == ("deleveraging", "liquidation")
    assert taken["price"] == closed["price"] == pytest.approx(bankruptcy, abs=0.1)
    assert taken["quantity"] == 5.0
    assert taken["fee"] == 0.0
    # Alice is left without a hedge and without what the mark would have given her.
    account = here.account("alice")
    assert account[PERP] == 0.0
    forgone = 5.0 * (taken["price"] - 51_000.0)
    now = here.world["agents"]["parts"][0]
    assert parts[PART_DELEVERAGING] - now[PART_DELEVERAGING] == pytest.approx(forgone, abs=1.0)
    assert here.account("bob")["equity"] == pytest.approx(0.0, abs=1e-6)
    assert_nothing_is_lost(here)


def test_the_orders_of_who_is_deleveraged_are_canceled() -> None:
    here = market("binance", "-15%", {"liquidation.insurance_fund": 0})
    here.submit("alice", PERP, "sell", 5.0, type="market")
    here.submit("alice", PERP, "buy", 1.0, price=30_000.0)
    here.submit("bob", PERP, "buy", 8.0, type="market")
    here.advance(59)
    assert len(here.orders("alice")) == 1
    here.advance(2)
    assert here.orders("alice").empty


def test_while_the_insurance_fund_has_money_it_takes_over_and_nobody_is_deleveraged() -> None:
    here = market("binance", "-15%")
    here.submit("alice", PERP, "sell", 5.0, type="market")
    here.submit("bob", PERP, "buy", 8.0, type="market")
    here.advance(59)
    before = equity(here, INSURANCE)
    here.advance(60)
    assert here.account("alice")[PERP] == -5.0
    assert here.account("bob")[PERP] == 0.0
    # It paid what bob could not: 8 coins bought at 60,006 with 59,760 behind them, now at 51,000.
    assert before - equity(here, INSURANCE) == pytest.approx(8 * 9_006 - 59_760, rel=0.05)
    covered = int(here.world["accounts"]["covered_quanta"].sum()) / QUANTA
    # At the mark, which has the funding to come in it: 0.01 % of the index.
    assert covered == pytest.approx(8 * (60_006 - 51_000 * 1.0001) - 59_760, rel=1e-4)
    assert_nothing_is_lost(here)


def test_a_liquidation_at_a_gap_is_booked_at_the_price_it_really_got() -> None:
    here = market("generic", "-15%")
    here.submit("bob", PERP, "buy", 8.0, type="market")
    here.advance(90)
    fill = here.fills("bob").iloc[-1]
    # Its margin was gone at about 53,000; the book was at 51,000 when the engine came.
    assert fill["cause"] == "liquidation"
    assert fill["price"] == pytest.approx(51_000 * (1 - 0.0001), abs=0.2)
    assert_nothing_is_lost(here)


def test_reducing_stops_when_the_margin_is_enough_again() -> None:
    here = market("binance", "-4.75%", {"liquidation_fee": "0.1%"}, ramp="300s", leverage=20)
    here.submit("bob", PERP, "buy", 19.0, type="market")
    here.advance(59)
    assert here.account("bob")[PERP] == 19.0
    here.advance(330)
    account = here.account("bob")
    assert 0.0 < account[PERP] < 19.0
    assert account["margin_balance"] >= account["maintenance_margin"]
    assert here.world["agents"]["parts"][1, PART_LIQUIDATION] < 0.0
    assert_nothing_is_lost(here)


def test_slices_are_closed_one_by_one_with_a_pause() -> None:
    rules = {"liquidation.steps": ["reduce_slice"], "liquidation.slice": "10%"}
    here = market("generic", "-9.2%", rules | {"liquidation.interval": "5s"})
    here.submit("bob", PERP, "buy", 10.0, type="market")
    here.advance(59)
    held = []
    for _ in range(4):
        here.advance(5)
        held.append(here.account("bob")[PERP])
    assert held[0] == 9.0
    assert held == sorted(held, reverse=True)
    assert_nothing_is_lost(here)


def test_tiers_are_gone_down_one_after_the_other() -> None:
    tiers = [
        {"to": 200_000, "maintenance": "1%", "leverage": 50},
        {"to": 400_000, "maintenance": "3%", "leverage": 25},
        {"to": 10_000_000, "maintenance": "8%", "leverage": 10},
    ]
    rules = {"perpetual.initial_margin": None, "perpetual.maintenance_margin": None}
    rules |= {"perpetual.tiers": tiers, "liquidation.steps": ["reduce_to_lower_tier", "take_over"]}
    here = market("generic", "-8.5%", rules)
    here.submit("bob", PERP, "buy", 9.9, type="market")
    here.advance(59)
    assert here.account("bob")[PERP] == 9.9
    here.advance(5)
    left = here.account("bob")
    assert 0.0 < left[PERP] * 54_900 <= 400_000 * 1.001
    assert left["margin_balance"] >= left["maintenance_margin"]


def test_an_isolated_position_loses_its_own_margin_and_no_more() -> None:
    here = market("binance", "-15%", margin="isolated", leverage=20)
    here.submit("bob", PERP, "buy", 2.0, type="market")
    here.advance(59)
    margin = int(here.world["positions"]["margin_quanta"].max()) / QUANTA
    assert margin == pytest.approx(2 * 60_000 / 20, rel=1e-3)
    before = here.account("bob")
    here.advance(30)
    after = here.account("bob")
    assert after[PERP] == 0.0
    assert before["cash"] - after["cash"] == pytest.approx(margin, rel=1e-6)
    assert_nothing_is_lost(here)


def test_a_loss_is_shared_by_those_who_have_gained() -> None:
    rules = {"liquidation.insurance_fund": 0, "liquidation.backstop": "socialised_loss"}
    here = market("generic", "-15%", rules)
    here.submit("alice", PERP, "sell", 5.0, type="market")
    here.submit("bob", PERP, "buy", 8.0, type="market")
    here.advance(59)
    here.advance(30)
    fund = equity(here, INSURANCE)
    assert fund == pytest.approx(0.0, abs=1e-6)
    paid = here.world["accounts"]["socialised_quanta"]
    assert (paid >= 0).all()
    assert int(paid.sum()) / QUANTA > 1_000
    assert here.account("alice")[PERP] == -5.0
    assert here.world["agents"]["parts"][0, PART_DELEVERAGING] < 0.0
    assert_nothing_is_lost(here)


def test_slices_go_on_below_bankruptcy_and_somebody_pays() -> None:
    here = market("deribit", "-40%")
    here.submit("alice", PERP, "sell", 20_000.0, type="market")
    here.submit("bob", PERP, "buy", 20_000.0, type="market")
    here.advance(59)
    here.advance(120)
    bob = here.account("bob")
    assert bob[PERP] == 0.0
    assert bob["equity"] == pytest.approx(0.0, abs=1.0)
    accounts = here.world["accounts"]
    assert int(accounts["covered_quanta"].sum()) > 0
    assert_nothing_is_lost(here)


def test_a_take_over_takes_the_collateral_in_both_currencies() -> None:
    here = market("binance", "-30%")
    here.submit("bob", "BTC-SPOT", "buy", 0.5, type="market")
    here.submit("bob", PERP, "buy", 5.0, type="market")
    here.advance(59)
    assert here.account("bob")["coins"] == 0.5
    here.advance(30)
    account = here.account("bob")
    assert (account["cash"], account["coins"], account[PERP]) == (0.0, 0.0, 0.0)
    assert_nothing_is_lost(here)


def test_an_inverse_position_is_liquidated_in_coins() -> None:
    here = market("binance_coinm", "-30%")
    # 5,000 contracts of 100 dollars, with one bitcoin behind them.
    here.submit("bob", PERP, "buy", 5_000.0, type="market")
    here.advance(59)
    assert here.account("bob")["coins"] == pytest.approx(1.0, abs=0.01)
    here.advance(30)
    account = here.account("bob")
    assert account[PERP] == 0.0
    assert account["coins"] >= 0.0
    assert_nothing_is_lost(here)
