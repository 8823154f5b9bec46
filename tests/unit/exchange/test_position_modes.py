"""Hedge mode: a long and a short position of one contract, side by side (docs/rules/margin)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gammagym
from gammagym.api.soundness import fault_of
from gammagym.envs.single import HedgeEnv
from gammagym.errors import OrderError, ScenarioError
from gammagym.exchange.attribution import agent_equity, close_attribution
from gammagym.exchange.deleveraging import deleveraging_rank
from gammagym.exchange.ledger import conserved
from gammagym.exchange.margin import margin_balance
from gammagym.scenario.load import load_scenario, load_venue
from gammagym.scenario.rules import is_hedge_mode
from gammagym.world.codes import COIN, FIRST_AGENT_ACCOUNT, QUOTE
from gammagym.world.sizes import QUANTA

PERP = "BTC-PERP"
# Alice's and Bob's accounts, and those of their short legs.
ALICE, BOB, ALICES_SHORTS = FIRST_AGENT_ACCOUNT + 1, FIRST_AGENT_ACCOUNT + 3, 10
LOTS_A_COIN = 1_000


def scenario(venue: str = "binance", move: str = "0%", **account: Any) -> dict[str, Any]:
    return {
        "name": "side_by_side",
        "purpose": "a market that stands still, or slides",
        "venue": venue,
        "account": {"position_mode": "hedge"} | account,
        "price": {"model": "gbm", "start": "60000", "volatility": 0.0},
        "options": {"implied_volatility": 0.6},
        "flow": {"kind": "ideal", "half_spread": 0.0001, "size": 1000},
        "funding": "0.1%",
        "shocks": [{"kind": "price", "at": "60s", "ramp": "1h", "move": move}],
    }


def market(*args: Any, cash: float = 60_000, **account: Any) -> gammagym.Market:
    return gammagym.Market(
        scenario(*args, **account), agents=["alice", "bob"], cash=cash, horizon_seconds=2 * 3600
    )


def trade(here: gammagym.Market, side: str, quantity: float, position: str, **terms: Any) -> Any:
    """Send Alice's order and let it arrive."""
    order = here.submit("alice", PERP, side, quantity, position=position, **terms)
    here.advance(1)
    return order


def held(here: gammagym.Market) -> list[float]:
    table = here.positions("alice")
    return [float(quantity) for quantity in table["quantity"]]


def assert_sound(here: gammagym.Market) -> None:
    """Check that money and positions are conserved, and that short legs hold no money."""
    world = here.world
    for currency in (QUOTE, COIN):
        assert conserved(world, currency) == world["deposits"][currency]
    assert not world["positions"]["quantity_lots"].sum(axis=0).any()
    assert not world["cash"][world["accounts"]["short_legs"] == 1].any()
    assert fault_of(here._worlds, here._tape) is None


# --- Side by side ----------------------------------------------------------------------------


def test_a_long_and_a_short_stand_side_by_side():
    here = market()
    trade(here, "buy", 4.0, "long")
    trade(here, "sell", 3.0, "short")
    assert held(here) == [4.0, -3.0]
    account = here.account("alice")
    assert (account[PERP], account[f"{PERP} long"], account[f"{PERP} short"]) == (1.0, 4.0, -3.0)
    fills = here.fills("alice")
    assert list(zip(fills["position"], fills["quantity"], strict=True)) == [
        ("long", 4.0),
        ("short", -3.0),
    ]
    assert_sound(here)


def test_fees_of_both_legs_are_paid_by_the_account():
    here = market()
    trade(here, "buy", 4.0, "long")
    trade(here, "sell", 3.0, "short")
    paid = float(here.fills("alice")["fee"].sum())
    assert float(here.account("alice")["cash"]) == pytest.approx(60_000 - paid)
    assert float(here.account("alice")["fees"]) == pytest.approx(paid)
    world = here.world
    assert world["accounts"]["traded_quanta"][ALICE] > 0
    assert world["accounts"]["traded_quanta"][ALICES_SHORTS] == 0


def test_what_one_leg_gains_the_other_loses():
    here = market(move="-20%")
    trade(here, "buy", 2.0, "long")
    trade(here, "sell", 2.0, "short")
    before = float(here.account("alice")["equity"])
    here.advance(3_700)
    table = here.positions("alice")
    assert float(table["mark_price"].iloc[0]) < 50_000
    assert float(table["unrealised"].iloc[0]) < -20_000
    assert float(here.account("alice")["equity"]) == pytest.approx(before)
    assert held(here) == [2.0, -2.0]
    assert_sound(here)


def test_each_leg_needs_margin_of_its_own():
    """5 and 4.5 coins at ten times: 30,000 and 27,000 of 60,000; for one more short no room."""
    here = market(leverage=10.0)
    trade(here, "buy", 5.0, "long")
    trade(here, "sell", 4.5, "short")
    alone = here.positions("alice")["maintenance_margin"]
    assert float(here.account("alice")["maintenance_margin"]) == pytest.approx(float(alone.sum()))
    trade(here, "sell", 1.0, "short")
    assert held(here) == [5.0, -4.5]
    assert here.rejects("alice").to_dict() == {"insufficient margin": 1}
    # One-way the same sale brings the position closer to zero.
    one_way = market(leverage=10.0, position_mode="one_way")
    one_way.submit("alice", PERP, "buy", 9.5)
    one_way.advance(1)
    one_way.submit("alice", PERP, "sell", 1.0)
    one_way.advance(1)
    assert held(one_way) == [8.5]


# --- Opening and closing ---------------------------------------------------------------------


def test_closing_a_leg_leaves_the_other_as_it_is():
    here = market()
    trade(here, "buy", 4.0, "long")
    trade(here, "sell", 3.0, "short")
    trade(here, "buy", 1.0, "short")
    assert held(here) == [4.0, -2.0]
    trade(here, "sell", 4.0, "long")
    assert held(here) == [-2.0]
    assert_sound(here)


def test_no_order_turns_a_leg():
    here = market()
    trade(here, "buy", 1.0, "long")
    trade(here, "sell", 5.0, "long")
    assert held(here) == []
    trade(here, "sell", 1.0, "long")
    trade(here, "buy", 1.0, "short")
    assert held(here) == []
    assert here.rejects("alice").to_dict() == {"nothing to reduce": 2}


def test_resting_and_waiting_orders_never_close_more_than_there_is():
    here = market(move="3%")
    trade(here, "buy", 2.0, "long")
    trade(here, "sell", 2.0, "long", price=60_500.0)
    trade(here, "sell", 1.5, "long", price=60_400.0)
    orders = here.orders("alice")
    assert sorted(zip(orders["price"], orders["quantity"], strict=True)) == [
        (60_400.0, 1.5),
        (60_500.0, 0.5),
    ]
    trade(here, "sell", 2.0, "long", type="take_profit", trigger_price=60_600.0)
    here.advance(3_700)
    assert held(here) == []
    assert_sound(here)


def test_orders_of_both_legs_can_be_amended_and_canceled():
    here = market()
    long = trade(here, "buy", 1.0, "long", price=50_000.0)
    short = trade(here, "sell", 1.0, "short", price=70_000.0)
    assert list(here.orders("alice")["position"]) == ["long", "short"]
    here.amend(short.id, 71_000.0, 2.0)
    here.cancel(long.id)
    here.advance(1)
    orders = here.orders("alice")
    assert orders[["price", "quantity"]].to_numpy().tolist() == [[71_000.0, 2.0]]
    trade(here, "buy", 1.0, "long", price=50_000.0)
    here.cancel_all("alice")
    here.advance(1)
    assert len(here.orders("alice")) == 0


def test_an_order_says_which_position_it_is_for():
    here = market()
    with pytest.raises(OrderError, match="needs position='long' or position='short'"):
        here.submit("alice", PERP, "buy", 1.0)
    with pytest.raises(OrderError, match="was 'both'"):
        here.submit("alice", PERP, "buy", 1.0, position="both")
    with pytest.raises(OrderError, match="one position here"):
        here.submit("alice", "BTC-SPOT", "buy", 1.0, position="long")
    here.submit("alice", "BTC-SPOT", "buy", 0.5)
    here.advance(1)
    assert float(here.account("alice")["BTC-SPOT"]) == 0.5
    one_way = market(position_mode="one_way")
    with pytest.raises(OrderError, match=r"account\.position_mode = 'hedge'"):
        one_way.submit("alice", PERP, "buy", 1.0, position="long")


# --- Funding, liquidation --------------------------------------------------------------------


def test_funding_of_equal_legs_nets_out():
    here = market()
    trade(here, "buy", 3.0, "long")
    trade(here, "sell", 3.0, "short")
    here.world["instruments"]["funding"]["next_ns"][0] = here.world["time_ns"] + 10**9
    here.world["next_funding_ns"] = here.world["time_ns"] + 10**9
    here.advance(2)
    assert abs(int(here.world["accounts"]["funding_quanta"][ALICE])) <= 1
    assert here.world["accounts"]["funding_quanta"][ALICES_SHORTS] == 0
    assert_sound(here)


@pytest.mark.parametrize(("long", "short", "move"), [(4.0, 0.8, "-45%"), (0.8, 4.0, "45%")])
@pytest.mark.parametrize("venue", ["binance", "bybit"])
def test_a_pair_is_liquidated_together_at_its_liquidation_price(
    venue: str, long: float, short: float, move: str
):
    here = market(venue, move, leverage=5.0)
    trade(here, "buy", long, "long")
    trade(here, "sell", short, "short")
    expected = mark = 60_000.0
    low, high = mark, mark
    for _ in range(400):
        prices = here.positions("alice")["liquidation_price"]
        assert float(prices.iloc[0]) == pytest.approx(float(prices.iloc[1]))
        expected = float(prices.iloc[0])
        here.advance(10)
        low, high = sorted((mark, float(here.world["instruments"]["mark_price"][0])))
        mark = float(here.world["instruments"]["mark_price"][0])
        if here.world["accounts"]["liquidations"].any():
            break
    assert low - 5.0 <= expected <= high + 5.0
    assert here.world["accounts"]["liquidations"][ALICE] == 1
    # Long and short were closed against each other first: one side at the most is left.
    assert len(held(here)) <= 1
    here.advance(600)
    assert held(here) == []
    closed = here.fills("alice")
    assert set(closed["position"][closed["cause"] == "liquidation"]) == {"long", "short"}
    assert_sound(here)
    assert float(here.account("alice")["equity"]) >= 0.0


def test_netting_alone_may_set_the_margin_right():
    """4 and 4 coins need 2 x 960; with 1,500 they are netted, and nothing else happens."""
    here = market()
    trade(here, "buy", 4.0, "long")
    trade(here, "sell", 4.0, "short")
    spare = int(margin_balance(here.world, ALICE)) - 1_500 * QUANTA
    here.world["cash"][ALICE, QUOTE] -= spare
    here.world["deposits"][QUOTE] -= spare
    here.advance(2)
    assert held(here) == []
    assert float(here.account("alice")["equity"]) == pytest.approx(1_500.0)
    assert here.world["accounts"]["liquidating"][ALICE] == 0
    assert here.world["accounts"]["covered_quanta"][ALICE] == 0
    assert_sound(here)


def test_isolated_each_leg_is_liquidated_by_itself():
    here = market("binance", "-20%", margin="isolated", leverage=10.0)
    trade(here, "buy", 2.0, "long")
    trade(here, "sell", 1.0, "short")
    margins = here.positions("alice")["isolated_margin"]
    assert margins.tolist() == pytest.approx([12_000.0, 6_000.0], rel=1e-3)
    here.advance(3_700)
    assert held(here) == [-1.0]
    assert here.world["accounts"]["liquidations"][ALICE] == 1
    assert_sound(here)


def test_legs_are_ranked_apart_in_deleveraging():
    here = market(move="10%")
    trade(here, "buy", 2.0, "long")
    trade(here, "sell", 1.0, "short")
    here.advance(3_700)
    winning = deleveraging_rank(here.world, ALICE, 0)
    losing = deleveraging_rank(here.world, ALICES_SHORTS, 0)
    assert winning > losing == 0.0


@pytest.mark.parametrize("move", ["-45%", "10%"])
def test_parts_sum_to_the_change_of_equity(move: str):
    here = market(move=move, leverage=5.0)
    trade(here, "buy", 4.0, "long")
    trade(here, "sell", 0.8, "short")
    here.advance(3_700)
    close_attribution(here.world, 0)
    agent = here.world["agents"][0]
    change = (int(agent_equity(here.world, 0)) - int(agent["initial_equity_quanta"])) / QUANTA
    assert float(agent["parts"].sum()) == pytest.approx(change)
    # The residual is what was paid in, as always in a market by hand.
    assert float(agent["parts"][-1]) == pytest.approx(60_000, abs=1e-4)


# --- Who has it ------------------------------------------------------------------------------


@pytest.mark.parametrize("venue", ["deribit", "cme", "generic"])
def test_a_venue_without_hedge_mode_refuses_it(venue: str):
    with pytest.raises(ScenarioError, match=r"position_mode.*it has one_way"):
        market(venue)


def test_it_does_not_go_with_portfolio_margin():
    rules = {"margin.position_modes": ["one_way", "hedge"]}
    changes = {"venue": "deribit", "rules": rules, "account.margin": "portfolio"}
    loaded = load_scenario("calm", changes | {"account.position_mode": "hedge"})
    with pytest.raises(ScenarioError, match="does not go with margin 'portfolio'"):
        is_hedge_mode(loaded.account, load_venue(loaded.venue, loaded.rules))


def test_environments_refuse_it():
    with pytest.raises(ScenarioError, match=r"position_mode.*gammagym\.Market"):
        HedgeEnv("GammaScalp", scenario="calm@binance:position_mode=hedge")


def test_a_pair_survives_forks_and_files(tmp_path: Path):
    here = market()
    trade(here, "buy", 4.0, "long")
    order = trade(here, "sell", 3.0, "short", price=61_000.0)
    here.save(tmp_path / "pair.npz")
    loaded = gammagym.Market.load(tmp_path / "pair.npz")
    for twin in (here.fork(), loaded):
        twin.cancel(order.id)
        twin.submit("alice", PERP, "sell", 3.0, position="short")
        twin.advance(2)
        assert held(twin) == [4.0, -3.0]
        assert_sound(twin)


@pytest.mark.parametrize(
    ("field", "account", "value"),
    [
        ("partner", ALICE, BOB),
        ("partner", ALICE, ALICE),
        ("partner", ALICE, 99),
        ("partner", ALICES_SHORTS, 0),
        ("short_legs", ALICE, 1),
        ("short_legs", ALICES_SHORTS, 0),
        ("short_legs", BOB - 1, 1),
    ],
)
def test_a_pair_that_contradicts_itself_is_refused(field: str, account: int, value: int):
    here = market()
    assert np.array_equal(here.world["accounts"]["partner"][[ALICE, ALICES_SHORTS]], [10, ALICE])
    here.world["accounts"][field][account] = value
    fault = fault_of(here._worlds, here._tape)
    assert fault is not None
    assert field in fault
