"""What the kernels book in whole quanta is what the published formulas say, to the quantum.

The formulas (`exchange/formulas`) are floats, and pass the exchanges' own worked examples; money is
booked in integers. Here the two meet.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gammagym.exchange.formulas import contracts, fees, funding, margin, option_contracts
from gammagym.exchange.ledger import fee_on, in_quote, mul_div, trade_value, value_at
from gammagym.exchange.margin import position_maintenance, tier_margin, tier_of
from gammagym.exchange.marks import lot_quanta
from gammagym.scenario.load import load_venue
from gammagym.venues.margins import amounts
from gammagym.world import empty_worlds
from gammagym.world.codes import COIN
from gammagym.world.sizes import QUANTA, RATE_UNIT

PRICES = st.integers(10_000, 5_000_000)
LOTS = st.integers(1, 1_000_000)
RATES = st.integers(-100_000, 2_000_000)
QUANTUM = 1.0 / QUANTA
# Floats of this size are exact to a few quanta only.
NOISE = 1e-14


def linear(tick: float = 0.1, lot: float = 0.001) -> Any:
    contract = empty_worlds(1)[0]["instruments"][0]
    contract["tick_size"], contract["lot_size"] = tick, lot
    contract["tick_quanta"] = round(tick * lot * QUANTA)
    return contract


def inverse(face: float = 100.0, tick: float = 0.1) -> Any:
    contract = empty_worlds(1)[0]["instruments"][0]
    contract["tick_size"], contract["face"], contract["inverse"] = tick, face, 1
    contract["tick_quanta"], contract["currency"] = round(face / tick * QUANTA), COIN
    return contract


@given(entry=PRICES, close=PRICES, lots=LOTS, side=st.sampled_from([-1, 1]))
def test_the_profit_of_a_linear_position(entry: int, close: int, lots: int, side: int) -> None:
    contract = linear()
    booked = side * (trade_value(contract, close, lots) - trade_value(contract, entry, lots))
    formula = contracts.linear_pnl(side * lots * 0.001, entry * 0.1, close * 0.1)
    assert abs(booked / QUANTA - formula) <= QUANTUM + NOISE * lots * max(entry, close)


@given(entry=PRICES, close=PRICES, lots=LOTS, side=st.sampled_from([-1, 1]))
def test_the_profit_of_an_inverse_position(entry: int, close: int, lots: int, side: int) -> None:
    contract = inverse()
    booked = side * (trade_value(contract, close, lots) - trade_value(contract, entry, lots))
    formula = contracts.inverse_pnl(side * lots * 100.0, entry * 0.1, close * 0.1)
    assert abs(booked / QUANTA - formula) <= QUANTUM + NOISE * abs(formula) + 1e-9


@given(price=PRICES, lots=LOTS)
def test_a_mark_is_worth_what_a_trade_at_it_is(price: int, lots: int) -> None:
    for contract, precision in ((linear(), 0.0), (inverse(), 1e-7)):
        marked = value_at(contract, lot_quanta(contract, price * contract["tick_size"]), lots)
        traded = trade_value(contract, price, lots)
        assert abs(int(marked) - int(traded)) <= 1 + precision * abs(int(traded))


@given(value=st.integers(0, 10**15), rate=RATES)
def test_a_fee(value: int, rate: int) -> None:
    world = empty_worlds(1)[0]
    booked = fee_on(world, linear(), value, 1, rate)
    formula = fees.trade_fee(value / QUANTA, rate / RATE_UNIT)
    assert abs(booked / QUANTA - formula) <= QUANTUM + NOISE * value / QUANTA


@given(
    lots=st.integers(1, 1000),
    price=st.integers(1, 2000),
    rate=st.integers(0, 10**6),
    cap=st.integers(1, 200_000_000),
)
def test_the_fee_of_an_option_in_coins(lots: int, price: int, rate: int, cap: int) -> None:
    world = empty_worlds(1)[0]
    contract = linear(0.0001, 0.1)
    contract["fee_class"], contract["currency"] = 2, COIN
    contract["lot_coin_quanta"], contract["fee_cap_e9"] = QUANTA // 10, cap
    value = trade_value(contract, price, lots)
    booked = fee_on(world, contract, value, lots, rate)
    formula = fees.capped_option_fee(
        rate / RATE_UNIT, 1.0, cap / RATE_UNIT, price * 0.0001, lots * 0.1
    )
    assert abs(booked / QUANTA - formula) <= QUANTUM + 1e-12


@given(quantity=st.integers(-(10**6), 10**6), price=PRICES, rate=RATES)
def test_funding(quantity: int, price: int, rate: int) -> None:
    contract = linear()
    notional = abs(int(value_at(contract, price * int(contract["tick_quanta"]), quantity)))
    paid = mul_div(notional if quantity > 0 else -notional, rate)
    formula = funding.linear_funding_payment(quantity * 0.001, price * 0.1, rate / RATE_UNIT)
    assert abs(paid / QUANTA + formula) <= QUANTUM + NOISE * notional / QUANTA


@given(notional=st.integers(0, 2 * 10**9))
def test_the_tiers_of_binance(notional: int) -> None:
    """The kernel's tiers are those of the formula, and continuous from one to the next."""
    listing = load_venue("binance").perpetual
    assert listing is not None
    floors = [0.0] + [float(tier.to or 0) for tier in listing.tiers[:-1]]
    rates = [float(tier.maintenance) for tier in listing.tiers]
    off = [float(amount) for amount in amounts(listing.tiers)]
    table = np.array([floors, rates, off]).T.copy()
    world = empty_worlds(1)[0]
    contract = world["instruments"][0]
    contract["tier_count"] = len(listing.tiers)
    for row, tier in enumerate(listing.tiers):
        target = world["tiers"][row]
        target["top_quanta"] = round((tier.to or 10**10) * QUANTA)
        target["maintenance_e9"] = round(tier.maintenance * RATE_UNIT)
        target["amount_quanta"] = round((tier.amount or 0) * QUANTA)
    row = tier_of(world, contract, notional * QUANTA)
    booked = tier_margin(world["tiers"][row], notional * QUANTA) / QUANTA
    formula = margin.tiered_maintenance_margin(table, float(notional))
    assert abs(booked - formula) <= QUANTUM + 1e-13 * notional


@given(coins=st.integers(-(10**13), 10**13), price=st.integers(1, 10**7))
def test_coins_in_quote_currency(coins: int, price: int) -> None:
    world = empty_worlds(1)[0]
    world["price"]["coin_quanta"] = price * 10_000
    assert in_quote(world, coins, COIN) == coins * price


@given(
    price=st.floats(0.5, 1.5),
    mark=st.floats(0.001, 0.2),
    kind=st.sampled_from([13, 14]),
)
def test_the_margin_of_a_short_option(price: float, mark: float, kind: int) -> None:
    world = empty_worlds(1)[0]
    world["price"]["value"], world["price"]["coin_quanta"] = 60_000.0, 60_000 * 10_000
    world["instrument_count"] = 1
    contract = world["instruments"][0]
    contract["kind"], contract["strike"], contract["value"] = kind, 60_000 * price, mark * 60_000
    contract["lot_coin_quanta"], contract["currency"] = QUANTA, COIN
    contract["short_maintenance"] = 0.075
    world["positions"]["quantity_lots"][6, 0] = -3
    booked = position_maintenance(world, 6, 0) / QUANTA
    share = option_contracts.short_option_maintenance(kind, 60_000.0, mark * 60_000, 0.075)
    assert abs(booked - 3 * share * 60_000) <= 1e-3
