"""What venue files can say reaches the money: fees, funding, marks, margins, hours, settlement."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import gammagym
from gammagym.errors import OrderError, ScenarioError
from gammagym.exchange.ledger import coins_held, conserved
from gammagym.exchange.own_orders import empty_book
from gammagym.scenario.load import list_venues
from gammagym.scenario.tasks import Leg, Task
from gammagym.world.codes import COIN, PART_FEES, QUOTE
from gammagym.world.sizes import QUANTA, RATE_UNIT

PERP = "BTC-PERP"
DAY = 86_400.0


def scenario(venue: str, rules: dict[str, Any] | None = None, **keys: Any) -> dict[str, Any]:
    """Return a scenario that stands still at 60,000 unless `keys` say otherwise."""
    return {
        "purpose": "to see one rule at work",
        "venue": venue,
        "rules": rules or {},
        "price": {"model": "gbm", "start": "60000", "volatility": 0.0},
        "options": {"implied_volatility": 0.6},
        "flow": {"kind": "ideal", "half_spread": 0.0001, "size": 1000},
        **keys,
    }


def market(venue: str, rules: dict[str, Any] | None = None, **keys: Any) -> Any:
    seconds = keys.pop("horizon_seconds", DAY)
    cash = keys.pop("cash", 1_000_000.0)
    given = scenario(venue, rules, **keys)
    return gammagym.Market(given, agents=["alice", "bob"], cash=cash, horizon_seconds=seconds)


def assert_nothing_is_lost(market: Any) -> None:
    for currency in (QUOTE, COIN):
        assert conserved(market.world, currency) == market.world["deposits"][currency]
    assert not market.world["positions"]["quantity_lots"].sum(axis=0).any()


# --- Fees ------------------------------------------------------------------------------------


def buy(market: Any, instrument: str = PERP, quantity: float = 1.0) -> Any:
    market.submit("alice", instrument, "buy", quantity, type="market")
    market.advance(1)
    return market.fills("alice").iloc[-1]


def test_the_fee_ladder_goes_by_the_volume_of_thirty_days() -> None:
    tiers = [{"volume": 1_000_000, "maker": "0.01%", "taker": "0.04%"}]
    for volume, rate in ((0, 0.0005), (999_999, 0.0005), (1_000_000, 0.0004)):
        here = market("generic", {"fee_tiers": tiers}, account={"volume": volume})
        fill = buy(here)
        assert fill["fee"] == pytest.approx(fill["price"] * rate, rel=1e-9)


def test_volume_traded_in_the_episode_counts_from_the_next_day_on() -> None:
    tiers = [{"volume": 100_000, "maker": "0.01%", "taker": "0.04%"}]
    here = market("generic", {"fee_tiers": tiers}, horizon_seconds=3 * DAY)
    buy(here, quantity=2.0)
    assert buy(here)["fee"] == pytest.approx(60_006 * 0.0005, rel=1e-6)
    here.advance(DAY)
    assert buy(here)["fee"] == pytest.approx(60_006 * 0.0004, rel=1e-6)


def test_discounts_act_one_after_the_other_and_not_on_rebates() -> None:
    rules = {"discounts": {"token": "10%", "referral": "20%"}, "maker_fee": "-0.01%"}
    here = market("generic", rules, account={"discounts": ["token", "referral"]})
    fill = buy(here)
    assert fill["fee"] == pytest.approx(fill["price"] * 0.0005 * 0.72, rel=1e-9)
    here.submit("alice", PERP, "buy", 1.0, price=59_999.0)
    here.advance(1)
    here.submit("bob", PERP, "sell", 1.0, price=59_999.0)
    here.advance(1)
    assert here.fills("alice").iloc[-1]["fee"] == pytest.approx(-59_999 * 0.0001, rel=1e-9)


def test_an_unknown_discount_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ScenarioError, match=r"no discount 'tokn'.*token"):
        market("binance", account={"discounts": ["tokn"]})


def test_a_fee_credit_pays_fees_until_it_is_used_up() -> None:
    here = market("generic", account={"fee_credit": 40})
    assert buy(here)["fee"] == 0.0
    assert buy(here)["fee"] == pytest.approx(2 * 60_006 * 0.0005 - 40, abs=1e-3)
    assert buy(here)["fee"] == pytest.approx(60_006 * 0.0005, rel=1e-6)
    assert_nothing_is_lost(here)


def test_a_bonus_counts_as_margin_but_is_neither_equity_nor_withdrawable() -> None:
    keys = {"cash": 1_000.0, "book_venue": "generic"}
    poor, rich = market("binance", **keys), market("binance", account={"bonus": 500}, **keys)
    for here, balance in ((poor, 1_000), (rich, 1_500)):
        account = here.account("alice")
        assert (account["equity"], account["margin_balance"]) == (1_000, balance)
        with pytest.raises(OrderError, match="at most 1000 is free"):
            here.transfer("alice", 1_001.0, source="hedge", target="book")


def test_an_option_fee_is_a_share_of_the_underlying_and_capped_by_the_price() -> None:
    rules = {"option.taker_fee": "0.03%", "option.fee_cap": "12.5%"}
    here = market("generic", rules)
    near = buy(here, "BTC-7D-100-C")
    assert near["fee"] == pytest.approx(60_000 * 0.0003, rel=1e-6)
    here = market("generic", rules | {"option.fee_cap": "0.1%"})
    far = buy(here, "BTC-7D-100-C")
    assert far["fee"] == pytest.approx(far["price"] * 0.001, rel=1e-6)


def test_a_fee_that_rises_in_the_middle_of_an_episode() -> None:
    changes = [{"at": "2025-10-06T00:01:00Z", "key": "taker_fee", "value": "0.055%"}]
    here = market("generic", {"changes": changes}, start="2025-10-06T00:00:00Z")
    assert buy(here)["fee"] == pytest.approx(60_006 * 0.0005, rel=1e-6)
    here.advance(60)
    assert buy(here)["fee"] == pytest.approx(60_006 * 0.00055, rel=1e-6)


def test_what_has_changed_before_the_start_is_what_an_agent_is_told() -> None:
    changes = [{"at": "2025-10-01T00:00:00Z", "key": "taker_fee", "value": "0.07%"}]
    rules = {"changes": changes}
    env = gym.make("gammagym/GammaScalp-v0", scenario=scenario("generic", rules))
    assert env.unwrapped.agent_spec().taker_fee == pytest.approx(0.0007)


def test_spot_does_not_count_for_the_ladder_of_derivatives() -> None:
    tiers = [{"volume": 100_000, "maker": "0.01%", "taker": "0.04%"}]
    here = market("generic", {"fee_tiers": tiers}, horizon_seconds=3 * DAY)
    buy(here, "BTC-SPOT", 5.0)
    here.advance(DAY)
    assert buy(here)["fee"] == pytest.approx(60_006 * 0.0005, rel=1e-6)


def test_a_change_of_the_past_holds_from_the_start() -> None:
    changes = [{"at": "2025-10-01T00:00:00Z", "key": "taker_fee", "value": "0.055%"}]
    here = market("generic", {"changes": changes}, start="2025-10-06T00:00:00Z")
    assert buy(here)["fee"] == pytest.approx(60_006 * 0.00055, rel=1e-6)


# --- Funding and marks -----------------------------------------------------------------------


def test_without_a_premium_funding_is_the_interest() -> None:
    here = market("binance", horizon_seconds=DAY)
    here.submit("alice", PERP, "sell", 2.0, type="market")
    here.advance(8 * 3600 + 1)
    assert here.account("alice")["funding"] == pytest.approx(2 * 60_000 * 0.0001, rel=1e-3)
    assert_nothing_is_lost(here)


def test_a_premium_beyond_the_clamp_is_paid_and_capped() -> None:
    """The book at 0.2 % over the index: F = 0.2 % - 0.05 %, and a cap of 0.1 % cuts it."""
    for cap, expected in (("1%", 0.0015), ("0.1%", 0.001)):
        here = market("binance", {"perpetual.funding.cap": cap})
        premium_of(here, 0.002)
        rate = int(here.world["instruments"]["funding"]["rate_e9"][0]) / RATE_UNIT
        assert rate == pytest.approx(expected, rel=0.02)


def premium_of(here: Any, share: float) -> None:
    """Let the perpetual's makers quote so far above the index, and time pass."""
    here.world["instruments"]["maker_size_lots"][0] = 0
    empty_book(here.world, 0)
    price = round(60_000 * (1 + share), 1)
    here.submit("bob", PERP, "buy", 5.0, price=price)
    here.submit("bob", PERP, "sell", 5.0, price=price + 10.0)
    here.advance(1)
    funding = here.world["instruments"]["funding"]
    funding["premium_sum"][0] = funding["premium_weight"][0] = funding["samples"][0] = 0
    here.advance(120)


def test_continuous_funding_is_paid_when_a_position_changes() -> None:
    here = market("deribit", {"perpetual.price_band": None}, cash=100_000_000.0)
    here.submit("alice", PERP, "sell", 60_000.0, type="market")
    here.advance(1)
    contract = here.world["instruments"][0]
    contract["maker_size_lots"] = 0
    assert here.account("alice")["funding"] == 0.0
    # A damper of 0.025 %: what the premium is above it is paid, here for an hour.
    contract["funding"]["clamp"] = 0.0
    contract["mean_basis"] = 60.0
    contract["basis_window"] = 1e12
    here.advance(3_600)
    assert here.account("alice")["funding"] == 0.0
    here.submit("alice", PERP, "buy", 1.0, price=70_000.0)
    here.submit("bob", PERP, "sell", 1.0, price=70_000.0)
    here.advance(1)
    face = 600_000.0
    expected = face * 0.001 * (3_601 / (8 * 3_600))
    assert here.account("alice")["funding"] == pytest.approx(expected, rel=0.01)
    assert_nothing_is_lost(here)


def test_one_source_that_is_off_does_not_move_the_index() -> None:
    for move, tolerance in (("6%", 1e-9), ("4%", None)):
        shock = {"kind": "index", "at": "10s", "move": move}
        here = market("generic", shocks=[shock], horizon_seconds=100.0)
        here.advance(20)
        index, fair = (float(here.world["price"][name]) for name in ("index", "value"))
        assert float(here.world["instruments"]["mark_price"][0]) == index
        if tolerance is None:
            assert index == pytest.approx(fair * (1 + 0.04 / 3), rel=1e-9)
        else:
            assert index == pytest.approx(fair, rel=tolerance)


# --- Inverse contracts and coins -------------------------------------------------------------


def test_the_profit_of_an_inverse_position_is_in_coins() -> None:
    shock = {"kind": "price", "at": "60s", "move": "10%"}
    here = market("binance_coinm", shocks=[shock], horizon_seconds=3600.0)
    fill = buy(here, quantity=600.0)
    coins = here.account("alice")["coins"]
    here.advance(120)
    here.submit("alice", PERP, "sell", 600.0, type="market")
    here.advance(1)
    last = here.fills("alice").iloc[-1]
    earned = here.account("alice")["coins"] - coins + last["fee"]
    expected = gammagym.inverse_pnl(60_000.0, fill["price"], last["price"])
    assert earned == pytest.approx(expected, abs=2e-8)
    assert_nothing_is_lost(here)


def test_coins_that_are_collateral_are_part_of_the_delta() -> None:
    env = gym.make("gammagym/GammaScalp-v0", scenario="calm", overrides={"venue": "deribit"})
    env.reset(seed=1)
    world = env.unwrapped.worlds[0]
    agent = world["agents"][0]
    coins = coins_held(world, agent["hedge_account"]) / QUANTA
    assert coins == pytest.approx(1.0, rel=1e-3)
    assert agent["collateral_delta"] == coins
    # Options that settle in coins: Black-Scholes delta, and the coins paid for them.
    rows = np.arange(1, int(world["instrument_count"]))
    lots = world["positions"]["quantity_lots"][agent["book_account"], rows]
    units = lots * world["instruments"]["lot_size"][rows]
    options = float((units * world["instruments"]["delta"][rows]).sum())
    paid = int(world["cash"][agent["book_account"], COIN]) / QUANTA
    assert paid < -0.5
    assert agent["book_delta"] == pytest.approx(options + paid + coins, rel=1e-9)


def test_a_haircut_on_coins_is_taken_off_the_margin_and_not_off_the_equity() -> None:
    here = market("binance", {"collateral": {"USDT": "100%", "BTC": "90%"}})
    here.submit("alice", "BTC-SPOT", "buy", 1.0, type="market")
    here.advance(1)
    account = here.account("alice")
    assert account["coins"] == 1.0
    assert account["equity"] - account["margin_balance"] == pytest.approx(6_000.0, rel=1e-6)


# --- Settlement ------------------------------------------------------------------------------


@pytest.mark.parametrize("venue", ["generic", "deribit"])
def test_settlement_is_at_the_average_of_the_index(venue: str) -> None:
    """Half of the window at 60,000, half at 66,000: calls pay 3,000 (in coins: over 63,000)."""
    rules = {"option.settlement_window": "20min", "option.delivery_fee": "0%"}
    shock = {"kind": "price", "at": f"{7 * 86_400 - 600}s", "move": "10%"}
    here = market(venue, rules, shocks=[shock], horizon_seconds=8 * DAY, cash=10_000_000.0)
    here.world["price"]["tick_ns"] = 10 * 10**9
    here.submit("alice", "BTC-7D-100-C", "buy", 1.0, type="market")
    here.advance(7 * DAY - 1_250)
    before = here.account("alice")
    here.advance(600)
    delta = float(here.instruments().loc["BTC-7D-100-C", "delta"])
    here.advance(700)
    after = here.account("alice")
    assert after["BTC-7D-100-C"] == 0.0
    name, payoff = ("cash", 3_000.0) if venue == "generic" else ("coins", 3_000.0 / 63_000.0)
    assert after[name] - before[name] == pytest.approx(payoff, rel=0.02)
    # Its delta falls with the part of the average that is known.
    assert 0.1 < delta < 0.5
    assert_nothing_is_lost(here)


def test_a_dated_future_is_settled_with_its_delivery_fee() -> None:
    here = market("deribit", horizon_seconds=8 * DAY, cash=1_000_000.0)
    here.world["price"]["tick_ns"] = 10 * 10**9
    here.submit("alice", "BTC-7D", "buy", 600.0, type="market")
    here.advance(1)
    before = here.account("alice")
    here.advance(7 * DAY)
    after = here.account("alice")
    assert after["BTC-7D"] == 0.0
    assert after["fees"] - before["fees"] == pytest.approx(6_000 * 0.00025, rel=0.01)
    assert_nothing_is_lost(here)


# --- Hours -----------------------------------------------------------------------------------


def test_a_closed_book_freezes_and_opens_again() -> None:
    """Friday, 16:00 in Chicago is 21:00 UTC in summer and 22:00 in winter."""
    for start, closes in (("2025-07-11T20:00:00Z", 3_600), ("2025-12-12T20:00:00Z", 7_200)):
        here = market("cme", start=start, horizon_seconds=4 * DAY)
        here.advance(closes - 10)
        here.submit("alice", "BTC-FUT", "buy", 1.0, price=59_000.0)
        here.advance(5)
        assert len(here.orders("alice")) == 1
        here.advance(10)
        here.submit("alice", "BTC-FUT", "buy", 1.0, price=58_000.0)
        here.cancel_all("alice")
        here.advance(5)
        assert here.rejects("alice")["halted"] == 2
        assert len(here.orders("alice")) == 1
        # Sunday, 17:00.
        here.advance(49 * 3_600)
        here.cancel_all("alice")
        here.advance(5)
        assert here.orders("alice").empty


def test_a_session_of_one_day_a_week() -> None:
    calendar = {"timezone": "UTC", "open": "Mon 08:00", "close": "Mon 17:00"}
    keys = {"start": "2025-10-06T07:00:00Z", "horizon_seconds": 9 * DAY}
    here = market("generic", {"calendar": calendar}, **keys)
    open_hours = []
    for hour in range(8 * 24):
        here.advance(3_600)
        if not here.world["venues"]["halted"][0]:
            open_hours.append(hour)
    assert open_hours == [*range(9), *range(168, 177)]


def test_margin_is_due_elsewhere_while_a_venue_is_closed() -> None:
    shock = {"kind": "price", "at": "4h", "move": "-20%"}
    keys = {"shocks": [shock], "start": "2025-07-11T20:00:00Z", "horizon_seconds": 3 * DAY}
    closed, open_ = market("cme", **keys, cash=100_000.0), market("generic", **keys, cash=50_000.0)
    closed.submit("alice", "BTC-FUT", "buy", 4.0, type="market")
    open_.submit("alice", PERP, "buy", 4.0, type="market")
    for here in (closed, open_):
        here.advance(5 * 3_600)
    assert open_.world["accounts"]["liquidations"].sum() == 1
    assert closed.world["accounts"]["liquidations"].sum() == 0
    closed.advance(49 * 3_600)
    assert closed.world["accounts"]["liquidations"].sum() == 1


def test_a_circuit_breaker_pauses_trading_once_for_each_move() -> None:
    rules = {"perpetual.breaker_moves": ["7%"], "perpetual.breaker_pause": "2min"}
    shock = {"kind": "price", "at": "60s", "move": "-8%"}
    here = market("generic", rules, shocks=[shock], horizon_seconds=3_600.0)
    here.advance(65)
    here.submit("alice", PERP, "buy", 1.0, type="market")
    here.advance(1)
    assert here.rejects("alice")["halted"] == 1
    here.advance(120)
    assert buy(here)["price"] == pytest.approx(55_200, rel=1e-3)


# --- Two venues ------------------------------------------------------------------------------


def two_venues(**keys: Any) -> Any:
    return market("binance", book_venue="deribit", cash=60_000.0, **keys)


def test_two_venues_are_two_accounts_that_share_no_margin() -> None:
    shock = {"kind": "price", "at": "60s", "move": "20%"}
    here = two_venues(shocks=[shock], horizon_seconds=3_600.0)
    here.submit("alice", "BTC-7D-100-C", "buy", 5.0, type="market")
    here.submit("alice", PERP, "sell", 5.0, type="market")
    here.advance(59)
    before = here.account("alice", at="book")["equity"]
    here.advance(60)
    assert here.account("alice")[PERP] == 0.0
    assert here.fills("alice").iloc[-1]["cause"] == "liquidation"
    # The options have won what the hedge has lost, and it did not help.
    assert here.account("alice", at="book")["equity"] > before + 30_000
    assert_nothing_is_lost(here)


def test_a_transfer_takes_time_and_can_be_halted() -> None:
    here = two_venues()
    here.advance(1)
    here.transfer("alice", 10_000.0, source="hedge", target="book")
    assert here.account("alice")["cash"] == 50_000.0
    here.advance(300)
    assert here.account("alice", at="book")["cash"] == 0.0
    assert_nothing_is_lost(here)
    here.advance(301)
    assert here.account("alice", at="book")["cash"] == 10_000.0
    halt = two_venues(shocks=[{"kind": "transfers", "at": "10s", "hold": "60s"}])
    halt.advance(20)
    with pytest.raises(OrderError, match="halted"):
        halt.transfer("alice", 10.0, source="hedge", target="book")
    halt.advance(60)
    halt.transfer("alice", 10.0, source="hedge", target="book")


def test_all_orders_are_canceled_at_both_venues() -> None:
    here = two_venues()
    here.submit("alice", PERP, "buy", 0.1, price=50_000.0)
    here.submit("alice", "BTC-7D-100-C", "buy", 0.1, price=0.0105)
    here.advance(1)
    assert len(here.orders("alice")) == 2
    here.cancel_all("alice")
    here.advance(1)
    assert here.orders("alice").empty


def test_money_that_a_position_needs_cannot_be_withdrawn() -> None:
    here = two_venues()
    here.submit("alice", PERP, "buy", 2.0, type="market")
    here.advance(1)
    with pytest.raises(OrderError, match="at most"):
        here.transfer("alice", 59_900.0, source="hedge", target="book")
    here.transfer("alice", 50_000.0, source="hedge", target="book")


def test_one_venue_has_no_account_to_transfer_to() -> None:
    with pytest.raises(OrderError, match="there is no account at 'book' here: it is hedge"):
        market("binance").transfer("alice", 1.0, source="hedge", target="book")


# --- Margin modes ----------------------------------------------------------------------------


def test_portfolio_margin_sees_that_a_hedge_takes_the_risk_away() -> None:
    keys = {"account": {"margin": "portfolio"}, "cash": 500_000.0}
    naked, hedged = market("deribit", **keys), market("deribit", **keys)
    for here in (naked, hedged):
        here.submit("alice", "BTC-7D-100-C", "sell", 0.5, type="market")
        here.advance(1)
    hedged.submit("alice", PERP, "buy", 1_500.0, type="market")
    hedged.advance(1)
    margins = [here.account("alice")["maintenance_margin"] for here in (naked, hedged)]
    assert 0 < margins[1] < 0.75 * margins[0]


def test_portfolio_margin_is_the_worst_scenario_of_the_joint_book() -> None:
    """By hand: of 60,000 dollars in an inverse perpetual; the far moves count above 100,000."""
    here = market("deribit", account={"margin": "portfolio"}, cash=500_000.0)
    here.submit("alice", PERP, "buy", 6_000.0, type="market")
    here.advance(1)
    near = 60_000 * 0.16 / (1 - 0.16)
    far = 60_000 * 0.66 / (1 - 0.66) * (0.16 / 0.66) - 100_000
    assert near == pytest.approx(11_428.57, abs=0.01)
    expected = 0.8 * max(near, far)
    assert here.account("alice")["maintenance_margin"] == pytest.approx(expected, rel=1e-6)


def test_a_short_option_needs_the_standard_margin() -> None:
    here = market("generic", cash=500_000.0)
    here.submit("alice", "BTC-7D-100-C", "sell", 2.0, type="market")
    here.advance(1)
    mark = here.instruments().loc["BTC-7D-100-C", "mark_price"]
    expected = 2 * (0.075 * 60_000 + mark)
    assert here.account("alice")["maintenance_margin"] == pytest.approx(expected, rel=1e-4)


def test_leverage_is_bounded_by_what_is_asked_for() -> None:
    for leverage, most in ((2.0, 0.033), (10.0, 0.16)):
        here = market("binance", cash=1_000.0, account={"leverage": leverage})
        here.submit("alice", PERP, "buy", round(most, 3), type="market")
        here.advance(1)
        assert here.fills("alice").iloc[-1]["quantity"] == round(most, 3)
        here.submit("alice", PERP, "buy", round(most, 3), type="market")
        here.advance(1)
        assert here.rejects("alice")["insufficient margin"] == 1


def test_portfolio_margin_wants_one_venue() -> None:
    with pytest.raises(ScenarioError, match="one account is at one venue"):
        market("deribit", book_venue="generic", account={"margin": "portfolio"})


def test_a_future_in_a_joint_book_is_the_books_profit() -> None:
    task = Task("Mine", (Leg("future", 10.0),), horizon_seconds=3_600.0)
    rules = {"future": {"tick": "0.1", "lot": "0.001", "initial_margin": "2%"}}
    rules["future"]["maintenance_margin"] = "1%"
    for joint in (False, True):
        overrides = {"rules": rules, "account.joint": joint}
        env = gym.make(
            "gammagym/GammaScalp-v0",
            task=task,
            scenario="calm",
            overrides=overrides,
            collateral=1.0,
        )
        env.reset(seed=3)
        for _ in range(60):
            env.step(np.zeros(2, np.float32))
        results = env.unwrapped.results()
        moved = 10.0 * (results["final_price"] - 60_000.0)
        assert results["profit"] == pytest.approx(moved, abs=2.0)
        # All that the agent left out is the hedge.
        assert results["relative_cost"] * results["stake"] == pytest.approx(-moved, rel=0.01)


def test_delivery_fees_are_fees() -> None:
    rules = {"option.delivery_fee": "0.015%", "option.delivery_fee_cap": "12.5%"}
    here = market("generic", rules, horizon_seconds=8 * DAY, cash=10_000_000.0)
    here.world["price"]["tick_ns"] = 10 * 10**9
    here.world["instruments"]["strike"][2] = 50_000.0
    here.submit("alice", here.instruments().index[2], "buy", 1.0, type="market")
    here.advance(1)
    before = here.world["agents"]["parts"][0, PART_FEES]
    here.advance(7 * DAY)
    fee = before - here.world["agents"]["parts"][0, PART_FEES]
    assert fee == pytest.approx(60_000 * 0.00015, rel=1e-6)


# --- Anything, anywhere ----------------------------------------------------------------------


VENUES = [name for name in list_venues() if name != "frictionless"]


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.parametrize("task", ["GammaScalp", "ShortGamma", "SpotHedge"])
def test_every_task_runs_on_every_venue(task: str, venue: str) -> None:
    overrides = {"venue": venue}
    env = gym.make(
        f"gammagym/{task}-v0", scenario="calm", overrides=overrides, horizon_seconds=7_200.0
    )
    observation, _ = env.reset(seed=5)
    done = False
    while not done:
        size = float(np.clip(-observation[0] / 0.2, -1.0, 1.0))
        action = np.zeros(env.action_space.shape, np.float32)
        action[:2] = size, 1.0
        observation, _, terminated, truncated, _ = env.step(action)
        done = terminated or truncated
        assert env.observation_space.contains(observation)
    world = env.unwrapped.worlds[0]
    for currency in (QUOTE, COIN):
        assert conserved(world, currency) == world["deposits"][currency]
    results = env.unwrapped.results()
    assert results["liquidations"] == 0
    assert results["taker_fills"] > 0
    assert abs(results["residual"]) < 0.005 * max(abs(results["gamma"]), 100.0)
