"""Initial and maintenance margin, tiers, and the ratios that venues watch.

Margins are in the currency of the notional they are taken of. Tiers are a float64 array of rows
``(floor, rate, amount)``, rising: from notional `floor` on, maintenance margin is notional * rate -
amount. The amounts make it continuous, so that a trade across a floor does not jump.
"""

from __future__ import annotations

import math

from gammagym._kernel import kernel

FLOOR, RATE, AMOUNT = 0, 1, 2


@kernel
def initial_margin(notional, leverage):
    """Return the margin that opening a position takes."""
    return notional / leverage


@kernel
def maintenance_margin(notional, rate, amount):
    """Return the margin that holding a position takes, within one tier.

    Args:
        notional: value of the position, never negative.
        rate: maintenance margin rate of the tier.
        amount: maintenance amount (Binance) or deduction (Bybit) of the tier.

    Source: Binance FAQ b3c689c1f50a44cabb3a84e663b81d93.
    """
    return notional * rate - float(amount)


@kernel
def next_tier_amount(floor, rate, previous_rate, previous_amount):
    """Return a tier's amount from the tier below: floor * (rate - previous rate) + its amount.

    Source: Binance FAQ on COIN-M liquidation; Bybit margin parameters; Hyperliquid margin tiers.
    """
    return floor * (rate - previous_rate) + float(previous_amount)


@kernel
def fill_tier_amounts(tiers):
    """Write the amounts of all tiers into their last column; returns the highest amount.

    The first tier has amount zero.
    """
    tiers[0, AMOUNT] = 0.0
    for tier in range(1, len(tiers)):
        tiers[tier, AMOUNT] = next_tier_amount(
            tiers[tier, FLOOR], tiers[tier, RATE], tiers[tier - 1, RATE], tiers[tier - 1, AMOUNT]
        )
    return tiers[len(tiers) - 1, AMOUNT]


@kernel
def tier_of(tiers, notional):
    """Return the row of the tier that a notional lies in: the last one whose floor is below it.

    A notional exactly at a floor is still in the tier below.
    """
    row = 0
    for tier in range(1, len(tiers)):
        if notional > tiers[tier, FLOOR]:
            row = tier
    return row


@kernel
def tiered_maintenance_margin(tiers, notional):
    """Return the maintenance margin of a position under a table of tiers.

    Args:
        tiers: float64 array of rows (floor, rate, amount).
        notional: value of the position, never negative.

    >>> import numpy as np
    >>> tiers = np.array([[0.0, 0.004, 0.0], [300_000.0, 0.005, 300.0]])
    >>> tiered_maintenance_margin(tiers, 400_000.0)
    1700.0
    """
    row = tier_of(tiers, notional)
    return maintenance_margin(notional, tiers[row, RATE], tiers[row, AMOUNT])


@kernel
def leverage_maintenance_rate(max_leverage, share):
    """Return a maintenance rate that is a share of the lowest initial rate, 1 / max_leverage.

    Source: Hyperliquid, margin tiers (share one half).
    """
    return share / max_leverage


@kernel
def sliding_margin_rate(quantity, base, slope):
    """Return a margin rate that grows with every coin of the position: base + |q| * slope.

    Source: Deribit help 25944738177565.
    """
    return base + abs(quantity) * float(slope)


@kernel
def margin_at_rate(notional, rate):
    """Return margin as a fraction of notional."""
    return notional * float(rate)


@kernel
def margin_ratio(maintenance, equity):
    """Return maintenance margin over equity: 1 and above is liquidated; infinite without equity.

    Where closing fees count, `maintenance` includes them.
    Source: Binance FAQ (margin ratio); BingX risk; Bybit maintenance margin rate.
    """
    return maintenance / equity if equity > 0.0 else math.inf


@kernel
def margin_rate(equity, notional):
    """Return equity as a fraction of the position's value: liquidated at the maintenance rate.

    Infinite without a position. Source: WEEX help 13467494956185.
    """
    return equity / notional if notional > 0.0 else math.inf


@kernel
def margin_excess(equity, initial, adjustment):
    """Return equity over initial margin less an adjustment: liquidated at zero.

    Source: BingX, standard futures.
    """
    return equity / initial - adjustment


@kernel
def closing_margin(initial, closing_fee):
    """Return initial margin with the fee of closing at the bankruptcy price. Source: Bybit."""
    return initial + float(closing_fee)


@kernel
def order_cost(initial, opening_fee, closing_fee):
    """Return what an order binds: margin, the fee to open and the fee to close.

    Source: Bybit help, order cost.
    """
    return closing_margin(initial, closing_fee) + opening_fee


@kernel
def return_on_investment(profit, invested):
    """Return profit as a fraction of the money that was bound for it."""
    return profit / invested


@kernel
def as_percent(fraction):
    """Return a fraction in percent, as venues display it."""
    return fraction * 100.0


@kernel
def inverse_scenario_pnl(coins, move):
    """Return the profit of an inverse position worth `coins` when the index moves by a fraction.

    Args:
        coins: signed value of the position at today's index (its delta in coins).
        move: relative move of the index, above -1.

    Source: Deribit help 25944756247837, portfolio margin.
    """
    return coins * move / (1.0 + move)


@kernel
def scenario_margin(profits):
    """Return the worst loss over scenarios (float64 array of profits), zero if there is none."""
    worst = 0.0
    for scenario in range(len(profits)):
        worst = max(worst, -profits[scenario])
    return worst
