"""What must hold for formulas of contracts, whatever the numbers."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import gammagym
from gammagym.exchange.formulas import (
    contracts,
    deleveraging,
    fees,
    funding,
    liquidation,
    margin,
    marks,
    option_contracts,
    order_limits,
)
from gammagym.world.codes import BUY, CALL, PUT, SELL

SIGNS = st.sampled_from([-1.0, 1.0])
PRICES = st.floats(0.01, 1e6)
COINS = st.floats(1e-3, 1e4)
RATES = st.floats(0.0, 0.2)
LEVERAGES = st.floats(1.5, 200.0)
FRACTIONS = st.floats(-0.9, 0.9)
PRICE_LISTS = st.lists(PRICES, min_size=1, max_size=9)


def near(value: float, scale: float = 1.0) -> object:
    return pytest.approx(value, rel=1e-9, abs=1e-9 * scale)


# --- Contracts -------------------------------------------------------------------------------


@given(SIGNS, COINS, PRICES, PRICES, PRICES)
def test_profits_add_up_over_prices_in_between(sign, coins, entry, middle, last):
    for pnl in (contracts.linear_pnl, contracts.inverse_pnl):
        parts = pnl(sign * coins, entry, middle) + pnl(sign * coins, middle, last)
        assert parts == near(pnl(sign * coins, entry, last), coins * max(1, entry, middle))


@given(SIGNS, COINS, PRICES, PRICES)
def test_inverse_profit_at_the_closing_price_is_that_of_the_coins_bought(sign, coins, entry, last):
    face = sign * coins * entry
    profit = contracts.inverse_pnl(face, entry, last) * last
    assert profit == near(contracts.linear_pnl(sign * coins, entry, last), coins * (entry + last))


@given(st.lists(st.tuples(COINS, PRICES), min_size=1, max_size=8), PRICES)
def test_the_average_entry_has_the_profit_of_the_fills(fills, last):
    quantities, prices = np.array(fills).T.copy()
    total = quantities.sum()
    linear = contracts.linear_average_entry(quantities, prices)
    each = sum(contracts.linear_pnl(q, p, last) for q, p in zip(quantities, prices, strict=True))
    scale = total * (prices.max() + last)
    assert contracts.linear_pnl(total, linear, last) == near(each, scale)
    inverse = contracts.inverse_average_entry(quantities, prices)
    each = sum(contracts.inverse_pnl(q, p, last) for q, p in zip(quantities, prices, strict=True))
    scale = total / min(prices.min(), last)
    assert contracts.inverse_pnl(total, inverse, last) == near(each, scale)


# --- Grids and limits ------------------------------------------------------------------------


@given(st.integers(1, 10**6), st.sampled_from([0.1, 0.01, 0.5, 0.05, 5.0, 0.001]))
def test_a_price_on_the_grid_stays_where_it_is(ticks, tick):
    for rounded in (
        order_limits.rounded_up,
        order_limits.rounded_down,
        order_limits.rounded_nearest,
    ):
        assert rounded(ticks * tick, tick) == ticks * tick


@given(PRICES, st.sampled_from([0.1, 0.01, 0.5, 5.0]))
def test_rounding_goes_less_than_a_step(price, tick):
    low, high = order_limits.rounded_down(price, tick), order_limits.rounded_up(price, tick)
    noise = 1e-8 * tick
    assert price - tick - noise < low <= price + noise
    assert price - noise <= high < price + tick + noise
    assert order_limits.rounded_safe(price, tick, 1.0) == high
    assert order_limits.rounded_safe(price, tick, -1.0) == low
    assert order_limits.rounded_safe(math.inf, tick, -1.0) == math.inf


@given(PRICES, PRICES, st.floats(-5.0, 5.0))
def test_limits_that_follow_the_premium_stay_in_the_outer_band(mark, index, premium):
    high = order_limits.highest_buy_price(mark, index, 0.01, 0.02, premium)
    low = order_limits.lowest_sell_price(mark, index, 0.01, 0.02, premium)
    assert low <= mark * 1.0000001
    assert high >= mark * 0.9999999
    assert high <= order_limits.band_high(mark, 0.02) * 1.0000001
    assert low >= order_limits.band_low(mark, 0.02) * 0.9999999
    assert order_limits.limited_price(BUY, high + 1.0, low, high) == high
    assert order_limits.limited_price(SELL, low - 1.0, low, high) == low


def test_a_step_begins_above_its_price():
    steps = np.array([[0.005, 0.0005], [0.1, 0.001]])
    ticks = [order_limits.tick_at(price, 0.0001, steps) for price in (0.005, 0.0051, 0.2)]
    assert ticks == [0.0001, 0.0005, 0.001]
    assert order_limits.tick_at(7.0, 0.1, np.zeros((0, 2))) == 0.1


# --- Fees ------------------------------------------------------------------------------------


@given(RATES, PRICES, st.floats(0.0, 1.0), st.floats(0.0, 1e5), COINS)
def test_an_option_fee_exceeds_neither_rate_nor_cap(rate, index, cap, price, count):
    fee = fees.capped_option_fee(rate, index, cap, price, count)
    assert fee <= rate * index * count * 1.0000001
    assert fee <= cap * price * count * 1.0000001


def test_a_ladder_holds_from_its_volume_on_and_discounts_spare_rebates():
    ladder = np.array([[0.0, 0.0002, 0.0005], [1e6, 0.0001, 0.0004]])
    assert [fees.fee_rate(ladder, volume, 2) for volume in (0.0, 999_999.0, 1e6)] == [
        0.0005,
        0.0005,
        0.0004,
    ]
    assert fees.discounted_rate(0.0005, 0.1) == near(0.00045)
    assert fees.discounted_rate(-0.0001, 0.1) == -0.0001


# --- Funding and marks -----------------------------------------------------------------------


@given(COINS, PRICES, st.floats(-0.04, 0.04))
def test_longs_pay_what_shorts_receive(quantity, price, rate):
    for payment in (funding.linear_funding_payment, funding.inverse_funding_payment):
        assert payment(quantity, price, rate) == -payment(-quantity, price, rate)
        assert payment(quantity, price, abs(rate)) <= 0.0
        assert payment(0.0, price, rate) == 0.0


@given(PRICES, FRACTIONS, st.floats(0.0, 0.1))
def test_the_premium_is_zero_while_the_index_lies_between_the_impact_prices(index, shift, spread):
    bid = index * (1.0 + shift * 0.1)
    ask = bid * (1.0 + spread)
    premium = funding.premium_index(index, bid, ask)
    if bid <= index <= ask:
        assert premium == 0.0
    else:
        assert premium == near((bid - index if bid > index else ask - index) / index)


@given(st.floats(-0.02, 0.02), st.floats(0.0, 0.0003), st.floats(0.0, 0.001))
def test_the_rate_is_interest_in_the_band_and_premium_beyond(premium, interest, band):
    rate = funding.clamped_funding_rate(premium, interest, -band, band)
    assert abs(rate - premium) <= band + 1e-15
    if abs(interest - premium) < band:
        assert rate == near(interest)
    damped = funding.damped_funding_rate(premium, band)
    assert damped == near(math.copysign(max(0.0, abs(premium) - band), premium))


@given(st.lists(st.floats(-0.01, 0.01), min_size=1, max_size=30))
def test_averages_of_a_premium_lie_between_its_extremes(premiums):
    samples = np.array(premiums)
    for mean in (funding.mean_premium(samples), funding.weighted_premium(samples)):
        assert samples.min() - 1e-12 <= mean <= samples.max() + 1e-12
    assert funding.weighted_premium(np.array([0.0, 0.3])) == near(0.2)


@given(PRICE_LISTS)
def test_the_median_is_numpys(prices):
    values = np.array(prices + prices[:2])
    assert marks.median(values) == near(float(np.median(values)))
    first, second, third = (prices * 3)[:3]
    assert marks.median_of_three(first, second, third) == sorted((first, second, third))[1]


def test_an_index_leaves_out_one_source_and_turns_to_the_median_for_two():
    weights = np.ones(5)
    one_off = np.array([100.0, 101.0, 102.0, 103.0, 150.0])
    assert marks.index_price(one_off, weights, 0.05) == 101.5
    two_off = np.array([100.0, 101.0, 102.0, 150.0, 150.0])
    assert marks.index_price(two_off, weights, 0.05) == 102.0


@given(PRICES, PRICES, st.floats(0.0, 100.0), st.floats(0.1, 100.0))
def test_a_moving_average_goes_towards_the_value(previous, value, elapsed, window):
    after = marks.moving_average(previous, value, elapsed, window)
    assert abs(after - value) <= abs(previous - value) * 1.0000001
    assert marks.moving_average(previous, value, 0.0, window) == near(previous, value)


# --- Margin ----------------------------------------------------------------------------------


@given(
    st.lists(st.tuples(st.floats(1.0, 1e8), st.floats(1e-4, 0.1)), min_size=1, max_size=20),
    st.floats(0.0, 1e9),
)
def test_tier_amounts_make_margin_continuous_and_convex(steps, notional):
    tiers = np.zeros((len(steps) + 1, 3))
    tiers[1:, margin.FLOOR] = np.cumsum([width for width, _ in steps])
    tiers[:, margin.RATE] = np.cumsum([0.004] + [rise for _, rise in steps])
    assert margin.fill_tier_amounts(tiers) == tiers[-1, margin.AMOUNT]
    for tier in range(1, len(tiers)):
        floor = tiers[tier, margin.FLOOR]
        assert margin.tier_of(tiers, floor) == tier - 1
        here = margin.maintenance_margin(floor, *tiers[tier, 1:])
        assert here == near(margin.maintenance_margin(floor, *tiers[tier - 1, 1:]), floor)
    # With rising rates the margin is the largest that any tier would ask.
    each = [margin.maintenance_margin(notional, rate, amount) for _, rate, amount in tiers]
    assert margin.tiered_maintenance_margin(tiers, notional) == near(max(each), notional)


@given(FRACTIONS, COINS, PRICES)
def test_a_scenario_is_the_profit_of_the_inverse_contract(move, coins, index):
    profit = contracts.inverse_pnl(coins * index, index, index * (1.0 + move))
    assert margin.inverse_scenario_pnl(coins, move) == near(profit, coins)


def test_ratios_without_equity_or_position_are_infinite():
    assert margin.margin_ratio(1.0, 0.0) == math.inf
    assert margin.margin_rate(1.0, 0.0) == math.inf
    assert margin.scenario_margin(np.array([1.0, 2.0])) == 0.0
    assert margin.scenario_margin(np.array([1.0, -2.0])) == 2.0


# --- Liquidation -----------------------------------------------------------------------------


@given(SIGNS, COINS, PRICES, st.floats(-2.0, 2.0), RATES, st.floats(0.0, 0.1))
def test_equity_is_maintenance_at_the_liquidation_price(sign, coins, entry, stake, rate, amount):
    quantity, value = sign * coins, coins * entry
    price = liquidation.liquidation_price(quantity, entry, stake * value, rate, amount * value)
    equity = contracts.linear_equity(stake * value, quantity, entry, price)
    assert equity == near(coins * price * rate - amount * value, value)


@given(SIGNS, COINS, PRICES, st.floats(-0.9, 2.0), RATES, st.floats(0.0, 0.1))
def test_coins_are_maintenance_at_the_inverse_price(sign, coins, entry, stake, rate, amount):
    face, value = sign * coins * entry, coins
    price = liquidation.inverse_liquidation_price(face, entry, stake * value, rate, amount * value)
    if price == math.inf:
        assert sign < 0
        assert stake + amount >= 1.0 - 1e-9
    elif price < 1e9 * entry:
        equity = contracts.inverse_equity(stake * value, face, entry, price)
        needed = contracts.inverse_notional(face, price) * rate - amount * value
        assert equity == near(needed, coins * max(1.0, entry / price))


@given(SIGNS, COINS, PRICES, LEVERAGES, st.floats(0.001, 0.5))
def test_a_levered_position_is_liquidated_before_it_is_bankrupt(sign, coins, entry, leverage, part):
    quantity, face = sign * coins, sign * coins * entry
    rate = part / leverage
    stake = margin.initial_margin(contracts.linear_notional(quantity, entry), leverage)
    first = liquidation.liquidation_price(quantity, entry, stake, rate, 0.0)
    last = liquidation.bankruptcy_price(quantity, entry, stake, 0.0)
    assert sign * entry > sign * first > sign * last
    assert last == near(entry * (1.0 - sign / leverage), entry)
    fixed = liquidation.fixed_liquidation_price(quantity, entry, stake, rate * coins * entry)
    assert sign * entry > sign * fixed > sign * last
    stake = margin.initial_margin(contracts.inverse_notional(face, entry), leverage)
    first = liquidation.inverse_liquidation_price(face, entry, stake, rate, 0.0)
    last = liquidation.inverse_bankruptcy_price(face, entry, stake, 0.0)
    assert sign * entry > sign * first > sign * last
    assert last == near(entry * leverage / (leverage + sign), entry)


@given(SIGNS, COINS, PRICES, LEVERAGES, RATES, PRICES)
def test_the_price_of_entry_may_be_any_price_at_which_equity_is_known(
    sign, coins, entry, leverage, rate, now
):
    quantity, stake = sign * coins, coins * entry / leverage
    equity = contracts.linear_equity(stake, quantity, entry, now)
    price = liquidation.liquidation_price(quantity, entry, stake, rate, 0.0)
    again = liquidation.liquidation_price(quantity, now, equity, rate, 0.0)
    assert again == near(price, entry + now)


@given(SIGNS, COINS, PRICES, st.floats(0.0, 0.3), st.floats(0.01, 0.2), st.floats(0.0, 0.005))
def test_closing_the_restoring_quantity_brings_equity_to_maintenance(
    sign, coins, price, share, rate, fee
):
    equity = share * coins * price
    closed = liquidation.quantity_to_restore(sign * coins, price, equity, rate, fee)
    assert 0.0 <= closed <= coins
    if 0.0 < closed < coins:
        after = equity - fees.trade_fee(closed * price, fee)
        assert after == near((coins - closed) * price * rate, coins * price)
    if closed == 0.0:
        assert equity >= coins * price * rate * 0.9999999


def test_edges_of_liquidation():
    assert math.isnan(liquidation.liquidation_price(0.0, 100.0, 10.0, 0.01, 0.0))
    assert math.isnan(liquidation.inverse_liquidation_price(0.0, 100.0, 10.0, 0.01, 0.0))
    assert liquidation.inverse_bankruptcy_price(-100.0, 100.0, 1.0, 0.0) == math.inf
    assert liquidation.liquidation_price(1.0, 100.0, 150.0, 0.01, 0.0) < 0.0
    assert liquidation.quantity_above(-5.0, 100.0, 300.0) == 2.0
    assert liquidation.quantity_above(2.0, 100.0, 300.0) == 0.0
    assert liquidation.fillable_price(100.0, 1.0, 0.02, 1.0) == 100.0
    assert liquidation.fillable_price(100.0, -1.0, 0.02, 0.5) == 101.0


@given(st.floats(0.0, 1e6), st.floats(-2e6, 1e6))
def test_the_insurance_fund_pays_exactly_what_is_missing(collateral, profit):
    paid = liquidation.insurance_payment(collateral, profit)
    assert paid >= 0.0
    assert collateral + profit + paid == near(max(0.0, collateral + profit), collateral)


# --- Auto-deleveraging -----------------------------------------------------------------------


@given(st.floats(0.01, 10.0), st.floats(1.0, 100.0), st.floats(1.01, 2.0))
def test_more_leverage_comes_first_in_profit_and_last_in_loss(share, leverage, more):
    signed = deleveraging.signed_rank
    assert signed(share, leverage * more) > signed(share, leverage)
    assert signed(-share, leverage * more) > signed(-share, leverage)
    assert signed(share, leverage) > 0.0 > signed(-share, leverage)


@given(SIGNS, COINS, PRICES, st.floats(1.5, 100.0))
def test_effective_leverage_at_entry_is_the_leverage(sign, coins, entry, leverage):
    value = sign * coins * entry
    last = liquidation.bankruptcy_price(sign * coins, entry, coins * entry / leverage, 0.0)
    got = deleveraging.effective_leverage(value, sign * coins * last)
    assert got == pytest.approx(leverage, rel=1e-6)


@given(st.floats(-1.0, 0.0), st.floats(-1.0, -0.01), st.floats(1.0, 1e7))
def test_deleveraging_begins_just_where_a_loss_is_left_to_close(drawdown, limit, peak):
    assume(abs(drawdown - limit) > 1e-12)
    begins = deleveraging.deleveraging_begins(drawdown, limit, peak, 0.0)
    assert begins == (deleveraging.loss_to_close(drawdown, limit, peak) > 0.0)
    assert deleveraging.deleveraging_begins(0.0, limit, 0.0, 0.0)
    assert not deleveraging.deleveraging_begins(limit, limit, peak, 0.0)


def test_losses_and_small_balances_do_not_lead_the_queue():
    assert deleveraging.profit_share(-5.0, 100.0, 1.0) == 0.0
    assert deleveraging.profit_share(5.0, 0.1, 1.0) == 5.0
    assert deleveraging.effective_leverage(100.0, 100.0) == math.inf
    assert deleveraging.rank_quantile(1.0, 4.0) == 0.25
    assert deleveraging.price_rank(110.0, 100.0, 1100.0, 100.0) == near(12.1)


# --- Options ---------------------------------------------------------------------------------


@given(PRICES, PRICES)
def test_payoffs_of_call_and_put_differ_by_the_forward(strike, settlement):
    call = option_contracts.option_payoff(CALL, strike, settlement)
    put = option_contracts.option_payoff(PUT, strike, settlement)
    assert call - put == near(settlement - strike, strike)
    coins = option_contracts.inverse_option_payoff(CALL, strike, settlement)
    assert coins * settlement == near(call, settlement)
    assert coins <= 1.0


def test_a_delta_decays_to_zero_and_no_further():
    decayed = [option_contracts.decayed_delta(0.8, minutes, 30.0) for minutes in (-1.0, 15.0, 45.0)]
    assert decayed == [0.8, 0.4, 0.0]
    assert option_contracts.net_transaction_delta(1.0, 1.0, 3.0) == 0.0


# --- From Python -----------------------------------------------------------------------------


def test_public_names_take_integers_and_keywords_and_return_floats():
    price = gammagym.liquidation_price(
        quantity=1, entry=20_000, collateral=400, rate=0, amount=-100
    )
    assert price == 19_700.0
    numbers = [
        gammagym.linear_pnl(-2, 100, 90),
        gammagym.inverse_pnl(100, 500, 1000),
        gammagym.premium_index(100, 99, 101),
        gammagym.clamped_funding_rate(0, 0, 0, 0),
        gammagym.linear_funding_payment(1, 100, 0),
        gammagym.capped_option_fee(1, 2, 1, 1, 3),
        gammagym.bankruptcy_price(1, 100, 10, 0),
        gammagym.mark_price(100, 0, 4, 8, 1, 102),
        gammagym.tiered_maintenance_margin(np.array([[0.0, 0.01, 0.0]]), 100),
    ]
    assert numbers == [20.0, 0.1, 0.0, 0.0, 0.0, 3.0, 90.0, 101.0, 1.0]


ARRAYS = {
    "ladder": [[0.0, 0.1, 0.2, 0.3]],
    "positions": [[1.0, 2.0, 3.0, 0.1, 0.0]],
    "steps": [[2.0, 1.0]],
    "tiers": [[0.0, 0.1, 0.0], [2.0, 0.2, 0.2]],
}
LISTS = ("premiums", "prices", "profits", "quantities", "rates", "values", "weights")
NOT_FLOAT = {"deleveraging_begins": bool, "tier_of": int}
MODULES = (
    *(contracts, deleveraging, fees, funding, liquidation, margin, marks, option_contracts),
    order_limits,
)
FORMULAS = [
    function
    for module in MODULES
    for function in vars(module).values()
    if getattr(function, "__module__", None) == module.__name__ and callable(function)
]


@pytest.mark.parametrize("formula", FORMULAS, ids=lambda formula: formula.__name__)
def test_a_formula_of_integers_is_a_float(formula):
    values: list[object] = []
    for name in inspect.signature(formula).parameters:
        is_array = name in ARRAYS or name in LISTS
        values.append(np.array(ARRAYS.get(name, [1.0, 2.0, 3.0])) if is_array else 3)
    assert isinstance(formula(*values), NOT_FLOAT.get(formula.__name__, float))
    assert formula.__doc__
