"""Where a position is liquidated or bankrupt, and who pays what is missing.

All prices solve one equation: collateral + profit(P) = maintenance(P). What differs between venues
is what counts as collateral and as maintenance:

- isolated: collateral is the position's own margin;
- cross: it is the account's cash plus profit less maintenance of all *other* positions;
- maintenance fixed at entry (Bybit's and MEXC's linear contracts): take it off the collateral and
  let the rate be zero;
- closing fee in the trigger (OKX, Gate): add the fee's rate to the maintenance rate.
"""

from __future__ import annotations

import math

from gammagym._kernel import kernel
from gammagym.exchange.formulas.contracts import linear_notional, linear_pnl
from gammagym.exchange.formulas.margin import maintenance_margin


@kernel
def liquidation_price(quantity, entry, collateral, rate, amount):
    """Return the price at which a linear position's equity equals its maintenance margin.

    Args:
        quantity: signed coins, positive for a long.
        entry: average entry price; or any price, if `collateral` is the equity at that price.
        collateral: what stands behind the position besides its profit since `entry`.
        rate: maintenance margin rate at the liquidation price, with fees where they count.
        amount: maintenance amount of the tier; 0 without tiers.

    Returns:
        The price, unrounded. Zero or less means that no price liquidates the position; nan that
        there is no position, or a rate of 100 % against a long.

    Source: Binance FAQ b3c689c1f50a44cabb3a84e663b81d93; dYdX and Hyperliquid, liquidations.

    >>> liquidation_price(1.0, 20_000.0, 400.0, 0.0, -100.0)  # maintenance of 100, fixed at entry
    19700.0
    """
    slope = abs(quantity) * rate - quantity
    return (collateral + amount - quantity * entry) / slope if slope != 0.0 else math.nan


@kernel
def inverse_liquidation_price(quantity, entry, collateral, rate, amount):
    """Return the price at which an inverse position's equity equals its maintenance margin.

    Args:
        quantity: signed face value in quote currency, positive for a long.
        entry: average entry price.
        collateral: coins that stand behind the position besides its profit.
        rate: maintenance margin rate at the liquidation price, with fees where they count.
        amount: maintenance amount of the tier (coins); 0 without tiers.

    Returns:
        The price, unrounded; infinite if no price liquidates the position, as of a short with
        coins for its whole value; nan without a position.

    Source: Bybit help, liquidation price of inverse contracts; Binance COIN-M.
    """
    if quantity == 0.0:
        return math.nan
    value = quantity / entry + collateral + amount
    face = quantity + abs(quantity) * rate
    return face / value if face * value > 0.0 else math.inf


@kernel
def fixed_liquidation_price(quantity, entry, margin, maintenance):
    """Return the liquidation price of a linear position whose maintenance is fixed at entry.

    Source: Bybit help, isolated margin; MEXC futures calculation guide.
    """
    return liquidation_price(quantity, entry, margin, 0.0, -maintenance)


@kernel
def fixed_inverse_liquidation_price(quantity, entry, margin, maintenance):
    """Return the liquidation price of an inverse position whose maintenance is fixed at entry.

    `maintenance` includes the fee to close where the venue counts it. Source: Bybit, inverse.
    """
    return inverse_liquidation_price(quantity, entry, margin, 0.0, -maintenance)


@kernel
def bankruptcy_price(quantity, entry, collateral, fee_rate):
    """Return the price at which closing a linear position leaves nothing.

    Args:
        quantity: signed coins, positive for a long.
        entry: average entry price.
        collateral: all that stands behind the position.
        fee_rate: rate of the closing fee; 0 where the venue leaves it out.

    Source: Bybit help, bankruptcy price; dYdX, contract loss mechanism.

    >>> bankruptcy_price(1.0, 10_000.0, 200.0, 0.0)
    9800.0
    """
    return liquidation_price(quantity, entry, collateral, fee_rate, 0.0)


@kernel
def inverse_bankruptcy_price(quantity, entry, collateral, fee_rate):
    """Return the price at which closing an inverse position leaves nothing.

    Source: Bybit help 900000031623.
    """
    return inverse_liquidation_price(quantity, entry, collateral, fee_rate, 0.0)


@kernel
def rate_with_fee(rate, fee_rate):
    """Return the maintenance rate of venues that count the fee to close. Source: OKX, Gate."""
    return rate + float(fee_rate)


@kernel
def cross_collateral(balance, other_profit, other_maintenance):
    """Return what stands behind one position of a cross account: the rest of the account.

    Args:
        balance: wallet balance.
        other_profit: unrealised profit of the other positions at their marks.
        other_maintenance: maintenance margin of the other positions at their marks.
    """
    return balance + other_profit - float(other_maintenance)


@kernel
def total_profit(positions):
    """Return the profit of positions: rows (quantity, entry, mark, rate, amount)."""
    total = 0.0
    for row in range(len(positions)):
        total += linear_pnl(positions[row, 0], positions[row, 1], positions[row, 2])
    return total


@kernel
def total_maintenance(positions):
    """Return the maintenance margin of positions: rows (quantity, entry, mark, rate, amount)."""
    total = 0.0
    for row in range(len(positions)):
        notional = linear_notional(positions[row, 0], positions[row, 2])
        total += maintenance_margin(notional, positions[row, 3], positions[row, 4])
    return total


@kernel
def quantity_to_restore(quantity, price, equity, rate, fee_rate):
    """Return how much of a linear position to close so that equity equals maintenance again.

    Args:
        quantity: signed coins.
        price: price at which the part is closed and the rest is marked.
        equity: equity at that price.
        rate: maintenance margin rate.
        fee_rate: rate of the fee on what is closed, below `rate`.

    Returns:
        Coins, from 0 (nothing to do) to the whole position (closing part does not help).
    """
    held = float(abs(quantity))
    missing = held * price * rate - equity
    if missing <= 0.0:
        return 0.0
    freed = price * (rate - fee_rate)
    return min(held, missing / freed) if freed > 0.0 else held


@kernel
def quantity_above(quantity, price, floor):
    """Return how much of a linear position lies above a tier's floor (coins).

    Closing it brings the position down to the tier below. Source: Bybit help 900000167723.
    """
    return max(0.0, abs(quantity) - floor / price)


@kernel
def fillable_price(oracle, quantity, spread, margin_share):
    """Return the worst price at which a liquidation may fill.

    Args:
        oracle: oracle price.
        quantity: signed coins of the position.
        spread: largest discount as a fraction: the venue's multiple times the maintenance rate.
        margin_share: equity over maintenance margin; the discount grows as it falls.

    Source: dYdX, liquidations.
    """
    discount = spread * (1.0 - margin_share)
    return oracle * (1.0 - discount) if quantity > 0.0 else oracle * (1.0 + discount)


@kernel
def insurance_payment(collateral, profit):
    """Return what the insurance fund pays when a closed position has lost more than it had.

    Source: dYdX, contract loss mechanism.
    """
    return max(0.0, -(collateral + profit))
