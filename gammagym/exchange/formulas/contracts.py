"""Linear and inverse contracts: size, value, profit, average entry.

A *linear* contract is quoted and settled in the same currency; its quantity is in coins. An
*inverse* contract is quoted in dollars and settled in the coin; its quantity is its face value in
dollars, its value quantity / price coins. Quantities are signed: positive is long.
"""

from __future__ import annotations

from gammagym._kernel import kernel


@kernel
def position_quantity(contracts, contract_size):
    """Return the quantity of a number of contracts (coins, or face value if inverse).

    Source: contract specifications of Binance, MEXC, OKX.
    """
    return contracts * float(contract_size)


@kernel
def signed_quantity(direction, quantity):
    """Return a signed quantity: `direction` is 1 for long, -1 for short."""
    return direction * float(abs(quantity))


@kernel
def linear_notional(quantity, price):
    """Return the value of a linear position, never negative (quote currency)."""
    return abs(quantity) * float(price)


@kernel
def inverse_notional(quantity, price):
    """Return the value of an inverse position, never negative (coins).

    Source: Binance FAQ 360033544231.
    """
    return abs(quantity) / price


@kernel
def linear_pnl(quantity, entry, price):
    """Return the profit of a linear position from one price to another (quote currency).

    Args:
        quantity: signed coins, positive for a long.
        entry: average entry price.
        price: price at which it is closed or marked.

    >>> linear_pnl(-0.4, 6000.0, 5000.0)
    400.0
    """
    return quantity * float(price - entry)


@kernel
def inverse_pnl(quantity, entry, price):
    """Return the profit of an inverse position from one price to another (coins).

    Args:
        quantity: signed face value in quote currency, positive for a long.
        entry: average entry price.
        price: price at which it is closed or marked.

    Source: Binance FAQ 360039304272; Deribit, inverse futures.

    >>> inverse_pnl(100.0, 500.0, 1000.0)
    0.1
    """
    return quantity * (1.0 / entry - 1.0 / price)


@kernel
def converted_pnl(quantity, entry, price, exchange_rate):
    """Return a linear profit paid in another currency, at the exchange rate of the close.

    Args:
        quantity: signed quantity of the underlying.
        entry: entry price, in the underlying's currency.
        price: closing price, in the underlying's currency.
        exchange_rate: the underlying's currency for one of the settlement currency.

    Source: BingX, standard futures.
    """
    return linear_pnl(quantity, entry, price) / exchange_rate


@kernel
def levered_quantity(margin, leverage, entry, exchange_rate):
    """Return the quantity that a margin buys with leverage, bought in another currency.

    `exchange_rate` is the underlying's currency for one of the margin's; 1 if they are the same.
    """
    return margin * leverage * exchange_rate / entry


@kernel
def fills_quantity(quantities):
    """Return the sum of the quantities of fills (float64 array)."""
    total = 0.0
    for fill in range(len(quantities)):
        total += quantities[fill]
    return total


@kernel
def linear_entry_value(quantities, prices):
    """Return what fills of a linear contract cost together (quote currency)."""
    value = 0.0
    for fill in range(len(quantities)):
        value += quantities[fill] * prices[fill]
    return value


@kernel
def inverse_entry_value(quantities, prices):
    """Return what fills of an inverse contract are worth together at entry (coins)."""
    value = 0.0
    for fill in range(len(quantities)):
        value += quantities[fill] / prices[fill]
    return value


@kernel
def linear_average_entry(quantities, prices):
    """Return the average entry price of fills on one side: the mean weighted by quantity.

    Args:
        quantities: float64 array of coins.
        prices: float64 array of prices, as long.

    Source: Bybit help 900000630066.

    >>> import numpy as np
    >>> linear_average_entry(np.array([0.5, 0.3]), np.array([5000.0, 6000.0]))
    5375.0
    """
    return linear_entry_value(quantities, prices) / fills_quantity(quantities)


@kernel
def inverse_average_entry(quantities, prices):
    """Return the average entry price of fills on one side: the harmonic mean.

    Args:
        quantities: float64 array of face values.
        prices: float64 array of prices, as long.

    Source: Bybit help, "How to Calculate Average Entry Price".
    """
    return fills_quantity(quantities) / inverse_entry_value(quantities, prices)


@kernel
def tick_value(contract_size, tick_size):
    """Return what one tick is worth for one contract (quote currency). Source: CME."""
    return contract_size * float(tick_size)


@kernel
def linear_equity(collateral, quantity, entry, price):
    """Return collateral with the profit of a linear position (quote currency)."""
    return collateral + linear_pnl(quantity, entry, price)


@kernel
def inverse_equity(collateral, quantity, entry, price):
    """Return collateral with the profit of an inverse position (coins)."""
    return collateral + inverse_pnl(quantity, entry, price)
