"""Run a file of exchanges' worked examples: ``python tests/worked_examples.py FILE.json``.

Prints one line per example; the exit code is 1 if one fails. The file is a list of objects with
`id`, `venue`, `kind`, `inputs`, `expected`, `tolerance`. This module only says which function a
kind means and how its inputs are spelled; the formulas are in gammagym.exchange.formulas.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gammagym.exchange.formulas import (
    contracts,
    deleveraging,
    fees,
    funding,
    liquidation,
    margin,
    option_contracts,
    order_limits,
)
from gammagym.world.codes import BUY, CALL, PUT, SELL

Inputs = dict[str, Any]
Values = dict[str, Any]

OK, FAIL, CONTRADICTS = "ok", "FAIL", "CONTRADICTS"

# Money is exact to a quantum; what is not money is compared at the example's own tolerance.
QUANTUM = 1e-8
NOT_MONEY = ("rate", "ratio", "interest", "premium", "funding", "mmr", "pct", "percent", "delta")
NOT_MONEY += ("cap_", "tick", "qty")
# Venues whose contracts are inverse, for kinds whose inputs look the same for both.
INVERSE_VENUES = ("bybit_inverse", "binance_coinm", "deribit")

# Share of the lowest initial margin rate that is maintenance, where only leverage is given.
HALF = 0.5
LEAST_BALANCE = 1.0  # balance assumed at least in the deleveraging rank
EIGHT_HOURS, HOUR = 8.0, 1.0


class Contradiction(NamedTuple):
    """An example that its own venue's rule does not reproduce, at these inputs."""

    inputs: Inputs
    reason: str


CONTRADICTIONS = {
    "bybit_adl_trigger_ex2": Contradiction(
        {
            "pool_max_balance_8h": 2_000_000.0,
            "symbol_pnl_change": -600_000,
            "insurance_pnl_ratio": -0.3,
            "adl_trigger_threshold": 1,
            "balance": 2_000_000.0,
        },
        "the rule begins below the ratio (<), the example at the ratio",
    ),
}


# --- How inputs are spelled ------------------------------------------------------------------


def first(inputs: Inputs, *names: str, default: float | None = None) -> float:
    """Return the first input that is there as a float."""
    for name in names:
        if name in inputs:
            return float(inputs[name])
    if default is None:
        raise KeyError(" or ".join(names))
    return default


def direction(inputs: Inputs) -> float:
    """Return 1 for long or buy (and where no side is given), -1 for short or sell."""
    side = inputs.get("side", "long")
    if isinstance(side, str):
        return {"long": 1.0, "buy": 1.0, "short": -1.0, "sell": -1.0}[side.lower()]
    return float(side)


def size(inputs: Inputs) -> float:
    """Return a signed quantity; one unit, where the example has none."""
    quantity = first(inputs, "qty", "qty_usd", "usd", "notional_usd", "size", default=0.0)
    if "contracts" in inputs or quantity == 0.0:
        number = first(inputs, "contracts", default=1.0)
        unit = first(inputs, "contract_size", "contract_size_usd", "face_usd", "face", default=1.0)
        quantity = contracts.position_quantity(number, unit)
    return contracts.signed_quantity(direction(inputs), quantity) if "side" in inputs else quantity


def entry_price(inputs: Inputs) -> float:
    return first(inputs, "entry", "price")


def later_price(inputs: Inputs) -> float:
    return first(inputs, "exit", "price", "mark")


def option_kind(inputs: Inputs) -> int:
    return {"call": CALL, "put": PUT}[inputs["type"]]


def array(values: Any) -> np.ndarray:
    return np.array(values, dtype=np.float64)


def numbered(name: str, values: Any) -> Values:
    """Return values by name and place, from 1 on."""
    return {f"{name}{place}": value for place, value in enumerate(values, 1)}


# --- Contracts -------------------------------------------------------------------------------


def pnl_linear(inputs: Inputs) -> Values:
    if "positions" in inputs:
        rows = [
            {"side": side, "qty": quantity, "entry": entry, "exit": close}
            for side, quantity, entry, close in inputs["positions"]
        ]
        return numbered("pnl_", [pnl_linear(row)["pnl"] for row in rows])
    return {"pnl": contracts.linear_pnl(size(inputs), entry_price(inputs), later_price(inputs))}


def pnl_inverse(inputs: Inputs) -> Values:
    pnl = contracts.inverse_pnl(size(inputs), entry_price(inputs), later_price(inputs))
    return {"pnl_base": pnl, "abs_pnl_base": abs(pnl)}


def pnl_linear_fx_converted(inputs: Inputs) -> Values:
    entry, leverage = float(inputs["entry"]), float(inputs["leverage"])
    stake = float(inputs["margin_usdt"])
    quantity = contracts.levered_quantity(stake, leverage, entry, float(inputs["fx_open"]))
    signed = contracts.signed_quantity(direction(inputs), quantity)
    close, rate = float(inputs["price"]), float(inputs["fx_close"])
    return {"pnl_usdt": contracts.converted_pnl(signed, entry, close, rate)}


def average_entry_linear(inputs: Inputs) -> Values:
    quantities, prices = array(inputs["fills"]).T.copy()
    return {
        "avg_entry": contracts.linear_average_entry(quantities, prices),
        "value_quote": contracts.linear_entry_value(quantities, prices),
    }


def average_entry_inverse(inputs: Inputs) -> Values:
    quantities, prices = array(inputs["fills"]).T.copy()
    return {
        "avg_entry": contracts.inverse_average_entry(quantities, prices),
        "value_base": contracts.inverse_entry_value(quantities, prices),
    }


def notional_inverse(inputs: Inputs) -> Values:
    return {"notional_base": contracts.inverse_notional(size(inputs), entry_price(inputs))}


def tick_value(inputs: Inputs) -> Values:
    (contract,) = (float(inputs[name]) for name in inputs if name.startswith("contract"))
    return {"tick_value_usd": contracts.tick_value(contract, float(inputs["tick_usd"]))}


def tick_table(inputs: Inputs) -> Values:
    steps = [[step["above_price"], step["tick_size"]] for step in inputs["tick_size_steps"]]
    table = array(steps).reshape(-1, 2)
    return {"tick": order_limits.tick_at(inputs["price"], inputs["tick_size"], table)}


def min_order(inputs: Inputs) -> Values:
    limits = [float(inputs[name]) for name in ("min_qty", "min_notional", "price", "step")]
    return {"min_qty_effective": order_limits.smallest_quantity(*limits)}


def price_band(inputs: Inputs) -> Values:
    reference, band = first(inputs, "mark", "ltp", "last", "index"), float(inputs["band"])
    low, high = order_limits.band_low(reference, band), order_limits.band_high(reference, band)
    values = {"min_price": low, "max_price": high}
    if "limit_price" in inputs:
        side = BUY if direction(inputs) > 0 else SELL
        limit = float(inputs["limit_price"])
        values["effective_price"] = order_limits.limited_price(side, limit, low, high)
    return values


# --- Fees ------------------------------------------------------------------------------------


def fee_values(inputs: Inputs, notional: Callable[[float, float], float]) -> Values:
    values: Values = {}
    quantity = size(inputs)
    for rate in ("rate", "taker", "maker"):
        for price in ("price", "entry", "exit", "open", "close"):
            if rate in inputs and price in inputs:
                value = notional(quantity, float(inputs[price]))
                fee = fees.trade_fee(value, float(inputs[rate]))
                values[f"{rate}_{price}"] = fee
                if price in ("open", "close"):
                    values.setdefault(f"fee_{price}", fee)
                if price in ("entry", "exit"):
                    values["fee_total"] = values.get("fee_total", 0.0) + fee
                if price == "price":
                    values["fee" if rate == "rate" else f"{rate}_fee"] = fee
    return values | {f"{name}_base": value for name, value in values.items()}


def fee_linear(inputs: Inputs) -> Values:
    return fee_values(inputs, contracts.linear_notional)


def fee_inverse(inputs: Inputs) -> Values:
    return fee_values(inputs, contracts.inverse_notional)


def option_fee_capped(inputs: Inputs) -> Values:
    if "price_btc" in inputs:
        underlying, price = 1.0, float(inputs["price_btc"])
    else:
        underlying = contracts.linear_notional(first(inputs, "unit", default=1.0), inputs["index"])
        price = float(inputs["premium"])
    rate, cap = float(inputs["rate"]), float(inputs["cap"])
    count = first(inputs, "size", "contracts")
    fee = fees.capped_option_fee(rate, underlying, cap, price, count)
    return {"fee": fee, "fee_btc": fee}


def option_exercise_fee_capped(inputs: Inputs) -> Values:
    unit = first(inputs, "unit", default=1.0)
    strike, settlement = float(inputs["strike"]), float(inputs["settlement"])
    payoff = option_contracts.option_payoff(option_kind(inputs), strike, settlement)
    underlying = contracts.linear_notional(unit, settlement)
    value = contracts.linear_notional(unit, payoff)
    rate, cap = float(inputs["rate"]), float(inputs["cap"])
    return {"fee": fees.capped_option_fee(rate, underlying, cap, value, first(inputs, "size"))}


# --- Funding ---------------------------------------------------------------------------------


def premium(inputs: Inputs) -> float:
    if "premium" in inputs:
        return float(inputs["premium"])
    prices = [float(inputs[name]) for name in ("index", "impact_bid", "impact_ask")]
    return funding.premium_index(*prices)


def premium_index_from_impact_prices(inputs: Inputs) -> Values:
    return {"premium": premium(inputs)}


def funding_rate_from_premium(inputs: Inputs) -> Values:
    over = premium(inputs)
    if "damper" in inputs:
        rate = funding.damped_funding_rate(over, float(inputs["damper"]))
    else:
        band = float(inputs["band"])
        rate = funding.clamped_funding_rate(over, float(inputs["interest_8h"]), -band, band)
    divisor = first(inputs, "divisor", default=EIGHT_HOURS)
    hourly = funding.rescaled_rate(rate, EIGHT_HOURS, HOUR)
    values = {
        "premium": over,
        "funding_8h": rate,
        "funding_hourly": hourly,
        "funding_interval": funding.rescaled_rate(rate, divisor, 1.0),
    }
    if "index" in inputs and "side" in inputs:
        received = funding.linear_funding_payment(size(inputs), float(inputs["index"]), hourly)
        values["payment_hourly"] = -received
    return values


def funding_interest(inputs: Inputs) -> Values:
    if "interest_8h" in inputs:
        rate = float(inputs["interest_8h"])
        return {"interest_1h": funding.rescaled_rate(rate, EIGHT_HOURS, HOUR)}
    names = ("quote_rate_daily", "base_rate_daily", "intervals_per_day")
    return {"interest": funding.interest_rate(*(float(inputs[name]) for name in names))}


def funding_cap(inputs: Inputs) -> Values:
    rates = [float(inputs[name]) for name in ("factor", "imf", "mmf")]
    return {"cap_8h": funding.funding_cap(*rates)}


def funding_payment_linear(inputs: Inputs) -> Values:
    price = first(inputs, "mark", "fair_price", "oracle", "index", "price")
    rate = float(inputs["rate"])
    return {"cashflow": funding.linear_funding_payment(size(inputs), price, rate)}


def funding_payment_series(inputs: Inputs) -> Values:
    marks, rates = array(inputs["marks"]), array(inputs["rates"])
    return {"cashflow_total": funding.linear_funding_total(size(inputs), marks, rates)}


def impact_margin_notional(inputs: Inputs) -> Values:
    stake = first(inputs, "usdc", "margin_usdt", "margin")
    notional = funding.impact_notional(stake, first(inputs, "imf", "imr_at_max_leverage", "imr"))
    return {"impact_notional": notional, "imn": notional}


# --- Margin ----------------------------------------------------------------------------------


def initial_margin_linear(inputs: Inputs) -> Values:
    quantity, leverage = size(inputs), float(inputs["leverage"])
    notional = contracts.linear_notional(quantity, first(inputs, "mark", "price", "entry"))
    base = margin.initial_margin(notional, leverage)
    if "taker" not in inputs:
        return {"initial_margin": base}
    fee = order_cost(inputs)["fee_close"]
    return {
        "initial_margin_ex_fee": base,
        "fee_close": fee,
        "initial_margin": margin.closing_margin(base, fee),
    }


def initial_margin_inverse(inputs: Inputs) -> Values:
    notional = contracts.inverse_notional(size(inputs), entry_price(inputs))
    return {"initial_margin": margin.initial_margin(notional, float(inputs["leverage"]))}


def order_cost(inputs: Inputs) -> Values:
    inverse = "qty_usd" in inputs
    notional = contracts.inverse_notional if inverse else contracts.linear_notional
    bankrupt = liquidation.inverse_bankruptcy_price if inverse else liquidation.bankruptcy_price
    quantity, price = size(inputs), entry_price(inputs)
    rate = float(inputs["taker"])
    initial = margin.initial_margin(notional(quantity, price), float(inputs["leverage"]))
    fee_open = fees.trade_fee(notional(quantity, price), rate)
    fee_close = fees.trade_fee(notional(quantity, bankrupt(quantity, price, initial, 0.0)), rate)
    return {
        "initial_margin": initial,
        "fee_open": fee_open,
        "fee_close": fee_close,
        "order_cost": margin.order_cost(initial, fee_open, fee_close),
    }


def roi(inputs: Inputs) -> Values:
    cost = order_cost(inputs)
    invested = margin.closing_margin(cost["initial_margin"], cost["fee_close"])
    share = margin.return_on_investment(float(inputs["pnl"]), invested)
    return cost | {"roi_pct": margin.as_percent(share)}


def maintenance_margin(inputs: Inputs) -> Values:
    notional = contracts.linear_notional(size(inputs), first(inputs, "mark", "price", "entry"))
    amount = first(inputs, "cum", "deduction", default=0.0)
    return {"maintenance_margin": margin.maintenance_margin(notional, inputs["mmr"], amount)}


def maintenance_margin_rate(inputs: Inputs) -> Values:
    return {"mmr": margin.leverage_maintenance_rate(float(inputs["max_leverage"]), HALF)}


def maintenance_amount_recursion(inputs: Inputs) -> Values:
    if "cum_prev" in inputs:
        (floor,) = (float(inputs[name]) for name in inputs if name.startswith("floor"))
        rates = float(inputs["mmr_n"]), float(inputs["mmr_prev"])
        return {"cum": margin.next_tier_amount(floor, *rates, float(inputs["cum_prev"]))}
    floors = inputs["floors"] if "floors" in inputs else [0.0, *inputs["limits"][:-1]]
    tiers = np.zeros((len(floors), 3))
    tiers[:, margin.FLOOR], tiers[:, margin.RATE] = floors, inputs["mmr"]
    last = margin.fill_tier_amounts(tiers)
    amounts = tiers[:, margin.AMOUNT]
    named = numbered("cum_tier", amounts) | numbered("deduction_tier", amounts)
    return named | {"cum_last": last, "deduction_last": last}


def margin_requirement_sliding(inputs: Inputs) -> Values:
    quantity = size(inputs)
    rate = margin.sliding_margin_rate(quantity, float(inputs["base"]), float(inputs["slope"]))
    values = {"rate": rate, "margin_btc": margin.margin_at_rate(abs(quantity), rate)}
    if "price" in inputs:
        notional = contracts.linear_notional(quantity, float(inputs["price"]))
        values["margin_usdc"] = margin.margin_at_rate(notional, rate)
    return values


def margin_ratio(inputs: Inputs) -> Values:
    stake, profit = float(inputs["position_margin"]), float(inputs["unrealized_pnl"])
    equity = liquidation.cross_collateral(stake, profit, 0.0)
    notional = contracts.linear_notional(size(inputs), float(inputs["mark"]))
    return {"margin_rate": margin.margin_rate(equity, notional)}


def portfolio_margin_scenario(inputs: Inputs) -> Values:
    coins = float(inputs["delta_btc"])
    profits = [margin.inverse_scenario_pnl(coins, float(move)) for move in inputs["moves"]]
    return numbered("pnl_", profits) | {"margin": margin.scenario_margin(array(profits))}


# --- Liquidation -----------------------------------------------------------------------------


def liquidation_trigger(inputs: Inputs) -> Values:
    if "net_asset" in inputs:
        initial, adjustment = float(inputs["initial_margin"]), float(inputs["adjustment_factor"])
        now = margin.margin_excess(float(inputs["net_asset"]), initial, adjustment)
        values = {"margin_rate_pct": margin.as_percent(now)}
        if "net_asset_liq" in inputs:
            then = margin.margin_excess(float(inputs["net_asset_liq"]), initial, adjustment)
            values["margin_rate_liq_pct"] = margin.as_percent(then)
        return values
    quantity, entry, mark = size(inputs), float(inputs["entry"]), float(inputs["mark"])
    notional = contracts.linear_notional(quantity, entry)
    initial = margin.initial_margin(notional, float(inputs["leverage"]))
    balance = contracts.linear_equity(initial, quantity, entry, mark)
    return {
        "unrealized_pnl": contracts.linear_pnl(quantity, entry, mark),
        "margin_balance": balance,
        "margin_ratio": margin.margin_ratio(float(inputs["maintenance_margin"]), balance),
    }


def bankruptcy_price(inputs: Inputs) -> Values:
    inverse = "qty_usd" in inputs or inputs["venue"] in INVERSE_VENUES
    quantity, entry = size(inputs), entry_price(inputs)
    notional = contracts.inverse_notional if inverse else contracts.linear_notional
    bankrupt = liquidation.inverse_bankruptcy_price if inverse else liquidation.bankruptcy_price
    if "leverage" in inputs:
        collateral = margin.initial_margin(notional(quantity, entry), float(inputs["leverage"]))
    else:
        stake = first(inputs, "collateral", "position_margin", "equity")
        rest = first(inputs, "wallet_balance", default=0.0)
        collateral = liquidation.cross_collateral(stake, rest, 0.0)
    raw = bankrupt(quantity, entry, collateral, first(inputs, "taker", default=0.0))
    values = {"bankruptcy_price": raw, "bankruptcy_price_raw": raw}
    if "tick" in inputs:
        values["bankruptcy_price"] = order_limits.rounded_safe(raw, inputs["tick"], quantity)
    if "oracle" in inputs:
        equity = contracts.inverse_equity if inverse else contracts.linear_equity
        oracle = float(inputs["oracle"])
        values["equity_at_oracle"] = equity(collateral, quantity, entry, oracle)
    return values


def liquidation_price_isolated_linear(inputs: Inputs) -> Values:
    quantity, entry = size(inputs), entry_price(inputs)
    notional = contracts.linear_notional(quantity, entry)
    if "equity" in inputs:
        price = liquidation.liquidation_price(
            quantity, entry, float(inputs["equity"]), float(inputs["mmf"]), 0.0
        )
        at_price = contracts.linear_equity(float(inputs["equity"]), quantity, entry, price)
        return {"liquidation_price": price, "equity_at_liq": at_price}
    initial = margin.initial_margin(notional, float(inputs["leverage"]))
    stake = first(inputs, "collateral", "position_margin", default=initial)
    values = {"initial_margin": initial, "position_margin": stake}
    if "max_leverage" in inputs:
        rate = margin.leverage_maintenance_rate(float(inputs["max_leverage"]), HALF)
    else:
        rate = float(inputs["mmr"])
    maintenance = margin.maintenance_margin(notional, rate, first(inputs, "cum", default=0.0))
    values["maintenance_margin"] = maintenance
    if not {"cum", "taker", "max_leverage"} & set(inputs):
        price = liquidation.fixed_liquidation_price(quantity, entry, stake, maintenance)
    else:
        rate = liquidation.rate_with_fee(rate, first(inputs, "taker", default=0.0))
        amount = first(inputs, "cum", default=0.0)
        price = liquidation.liquidation_price(quantity, entry, stake, rate, amount)
    return values | {"liquidation_price": price}


def liquidation_price_cross_linear(inputs: Inputs) -> Values:
    names = ("entry", "mark", "mmr", "cum")
    rows = [[size(other), *(other[name] for name in names)] for other in inputs.get("others", [])]
    others = array(rows).reshape(-1, 5)
    maintenance = first(inputs, "mmr_other", default=liquidation.total_maintenance(others))
    balance = first(inputs, "wallet_balance", "equity")
    collateral = liquidation.cross_collateral(
        balance, liquidation.total_profit(others), maintenance
    )
    rate, amount = first(inputs, "mmr", "mmf"), first(inputs, "cum", default=0.0)
    price = liquidation.liquidation_price(
        size(inputs), entry_price(inputs), collateral, rate, amount
    )
    return {"liquidation_price": price}


def liquidation_price_cross_inverse(inputs: Inputs) -> Values:
    quantity, entry = size(inputs), entry_price(inputs)
    balance, rate = first(inputs, "balance_btc", "balance_eth", "balance"), float(inputs["taker"])
    bankrupt = liquidation.inverse_bankruptcy_price(quantity, entry, balance, rate)
    notional = contracts.inverse_notional(quantity, entry)
    fee = fees.trade_fee(contracts.inverse_notional(quantity, bankrupt), rate)
    maintenance = margin.maintenance_margin(notional, float(inputs["mmr"]), 0.0)
    needed = margin.closing_margin(maintenance, fee)
    price = liquidation.fixed_inverse_liquidation_price(quantity, entry, balance, needed)
    values = {"bankruptcy_price": bankrupt, "liquidation_price": price}
    if "tick" in inputs:
        rounded = order_limits.rounded_safe(price, float(inputs["tick"]), quantity)
        values["liquidation_price_rounded"] = rounded
    return values


def insurance_fund(inputs: Inputs) -> Values:
    quantity, entry = size(inputs), entry_price(inputs)
    collateral = float(inputs["collateral"])
    profit = contracts.linear_pnl(quantity, entry, float(inputs["fill"]))
    notional = contracts.linear_notional(quantity, entry)
    return {
        "mm_at_entry": margin.maintenance_margin(notional, float(inputs["mmf"]), 0.0),
        "equity": contracts.linear_equity(collateral, quantity, entry, float(inputs["oracle"])),
        "pnl_at_fill": profit,
        "insurance_payment": liquidation.insurance_payment(collateral, profit),
    }


def adl_rank(inputs: Inputs) -> Values:
    profit, balance = float(inputs["unrealized_pnl"]), float(inputs["wallet_balance"])
    share = deleveraging.profit_share(profit, balance, LEAST_BALANCE)
    rank = deleveraging.levered_profit(share, float(inputs["margin_ratio"]))
    return {"pnl_percent": share, "leverage_pnl": rank}


def adl_trigger(inputs: Inputs) -> Values:
    peak, limit = float(inputs["pool_max_balance_8h"]), float(inputs["insurance_pnl_ratio"])
    drawdown = deleveraging.fund_drawdown(float(inputs["symbol_pnl_change"]), peak)
    balance, least = float(inputs["balance"]), float(inputs["adl_trigger_threshold"])
    return {
        "pnl_ratio": drawdown,
        "triggered": bool(deleveraging.deleveraging_begins(drawdown, limit, balance, least)),
        "adl_notional_loss_to_close": deleveraging.loss_to_close(drawdown, limit, peak),
    }


# --- Options ---------------------------------------------------------------------------------


def option_payoff_inverse(inputs: Inputs) -> Values:
    kind, strike = option_kind(inputs), float(inputs["strike"])
    delivery = float(inputs["delivery"])
    payoff = option_contracts.inverse_option_payoff(kind, strike, delivery)
    paid = first(inputs, "premium_btc", default=0.0)
    return {
        "intrinsic_usd": option_contracts.option_payoff(kind, strike, delivery),
        "payoff_btc": payoff,
        "pnl_btc": option_contracts.option_pnl(size(inputs), payoff, paid),
    }


def option_payoff_linear(inputs: Inputs) -> Values:
    payoff = option_contracts.option_payoff(
        option_kind(inputs), float(inputs["strike"]), float(inputs["delivery"])
    )
    multiplier, paid = float(inputs["multiplier"]), float(inputs["premium_usdc"])
    signed = contracts.signed_quantity(direction(inputs), multiplier)
    return {
        "cost": contracts.linear_notional(multiplier, paid),
        "payoff": contracts.linear_notional(multiplier, payoff),
        "pnl": option_contracts.option_pnl(signed, payoff, paid),
    }


def net_transaction_delta(inputs: Inputs) -> Values:
    delta, price = float(inputs["bs_delta"]), float(inputs["option_price_btc"])
    net = option_contracts.net_transaction_delta(delta, price, size(inputs))
    return {"delta_total_change": net}


def delta_decay_settlement(inputs: Inputs) -> Values:
    elapsed, window = float(inputs["minutes"]), float(inputs["window"])
    delta = option_contracts.decayed_delta(float(inputs["delta_at_0730"]), elapsed, window)
    mark = option_contracts.decayed_delta(float(inputs["mark_at_0730"]), elapsed, window)
    net = option_contracts.net_transaction_delta(delta, mark, 1.0)
    return {"delta": delta, "net_delta": net}


FUNCTIONS: dict[str, Callable[[Inputs], Values]] = {
    function.__name__: function
    for function in (
        pnl_linear,
        pnl_inverse,
        pnl_linear_fx_converted,
        average_entry_linear,
        average_entry_inverse,
        notional_inverse,
        tick_value,
        tick_table,
        min_order,
        price_band,
        fee_linear,
        fee_inverse,
        option_fee_capped,
        option_exercise_fee_capped,
        premium_index_from_impact_prices,
        funding_rate_from_premium,
        funding_interest,
        funding_cap,
        funding_payment_linear,
        funding_payment_series,
        impact_margin_notional,
        initial_margin_linear,
        initial_margin_inverse,
        order_cost,
        roi,
        maintenance_margin,
        maintenance_margin_rate,
        maintenance_amount_recursion,
        margin_requirement_sliding,
        margin_ratio,
        portfolio_margin_scenario,
        liquidation_trigger,
        bankruptcy_price,
        liquidation_price_isolated_linear,
        liquidation_price_cross_linear,
        liquidation_price_cross_inverse,
        insurance_fund,
        adl_rank,
        adl_trigger,
        option_payoff_inverse,
        option_payoff_linear,
        net_transaction_delta,
        delta_decay_settlement,
    )
}


# --- Running ---------------------------------------------------------------------------------


class Outcome(NamedTuple):
    """What came of one example."""

    status: str
    text: str


def computed(example: dict[str, Any]) -> Values:
    """Return all values that the functions give for an example; KeyError without a function."""
    return FUNCTIONS[example["kind"]](example["inputs"] | {"venue": example["venue"]})


def agrees(name: str, got: Any, expected: Any, tolerance: dict[str, float]) -> bool:
    """Return whether a value is the expected one, money to the quantum."""
    if isinstance(expected, bool) or isinstance(got, bool):
        return got is expected
    allowed = max(tolerance.get("abs", 0.0), tolerance.get("rel", 0.0) * abs(expected))
    if not any(word in name for word in NOT_MONEY):
        allowed = max(allowed, QUANTUM)
    # A tolerance of, say, 0.01 includes 0.01, whose binary form may be a little off.
    return bool(abs(got - expected) <= allowed * (1.0 + 1e-9))


def differences(example: dict[str, Any]) -> list[str]:
    """Return what is wrong with an example, nothing if it is reproduced."""
    if example["kind"] not in FUNCTIONS:
        return [f"no function for kind {example['kind']!r}"]
    try:
        values = computed(example)
    except (KeyError, ValueError, TypeError, ZeroDivisionError) as error:
        return [f"inputs not understood: {type(error).__name__}: {error}"]
    if not example["expected"]:
        return ["nothing is expected"]
    wrong = []
    for name, expected in example["expected"].items():
        if name not in values:
            wrong.append(f"{name}: no value, expected {expected}")
        elif not agrees(name, values[name], expected, example["tolerance"]):
            wrong.append(f"{name}: got {values[name]}, expected {expected}")
    return wrong


def check(example: dict[str, Any]) -> Outcome:
    """Compare an example with the functions, and with the table of contradictions."""
    wrong = differences(example)
    known = CONTRADICTIONS.get(example["id"])
    if known is not None and known.inputs == example["inputs"]:
        if wrong:
            return Outcome(CONTRADICTS, f"{known.reason} ({'; '.join(wrong)})")
        return Outcome(FAIL, "listed as contradicting its rule, but agrees with it")
    return Outcome(FAIL, "; ".join(wrong)) if wrong else Outcome(OK, "")


def main(arguments: list[str]) -> int:
    """Check every example of a file; returns the exit code."""
    if len(arguments) != 1:
        print("usage: python tests/worked_examples.py FILE.json", file=sys.stderr)
        return 2
    examples = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    counts = {OK: 0, FAIL: 0, CONTRADICTS: 0}
    for example in examples:
        outcome = check(example)
        counts[outcome.status] += 1
        print(f"{outcome.status} {example['id']} {outcome.text}".rstrip())
    print(", ".join(f"{count} {status}" for status, count in counts.items()))
    return 1 if counts[FAIL] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
