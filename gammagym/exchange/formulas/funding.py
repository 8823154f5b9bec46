"""Funding of perpetuals: premium, interest, rate, payment.

Every rate holds for one period, whose length the caller knows; `rescaled_rate` changes it. A
positive rate is paid by longs to shorts.
"""

from __future__ import annotations

from gammagym._kernel import kernel
from gammagym.exchange.formulas.contracts import inverse_notional, linear_notional


@kernel
def clamp(value, low, high):
    """Return `value`, but at least `low` and at most `high`."""
    return min(max(value, low), high) * 1.0


@kernel
def impact_notional(margin, initial_margin_rate):
    """Return the notional that an amount of margin carries at the highest leverage.

    Source: Binance FAQ 360033525031; dYdX, funding.
    """
    return margin / initial_margin_rate


@kernel
def premium_index(index, impact_bid, impact_ask):
    """Return how far the book's impact prices lie beyond the index, as a fraction of it.

    Args:
        index: index (or oracle) price.
        impact_bid: mean price of selling the impact notional.
        impact_ask: mean price of buying the impact notional.

    Source: Binance FAQ 360033525031, Bybit, OKX, Hyperliquid.

    >>> premium_index(10_000.0, 10_100.0, 10_110.0)
    0.01
    """
    return (max(0.0, impact_bid - index) - max(0.0, index - impact_ask)) / index


@kernel
def mean_premium(premiums):
    """Return the plain mean of premium samples (float64 array). Source: Hyperliquid, dYdX."""
    total = 0.0
    for sample in range(len(premiums)):
        total += premiums[sample]
    return total / len(premiums)


@kernel
def weighted_premium(premiums):
    """Return the mean of premium samples with weights 1, 2, 3, ...: the last counts most.

    Source: Binance FAQ 360033525031; Bybit, funding rate.
    """
    total, weights = 0.0, 0.0
    for sample in range(len(premiums)):
        total += premiums[sample] * (sample + 1)
        weights += sample + 1
    return total / weights


@kernel
def interest_rate(quote_rate, base_rate, intervals):
    """Return the interest part of funding of one interval from rates of `intervals` of them.

    Source: Bybit help 360039261114.
    """
    return (quote_rate - base_rate) / intervals


@kernel
def rescaled_rate(rate, period, interval):
    """Return a rate of one period for another length of time, in proportion.

    With the time since the last payment as `interval` this is continuous funding.
    Source: Hyperliquid, Deribit, funding.
    """
    return rate * interval / period


@kernel
def clamped_funding_rate(premium, interest, low, high):
    """Return premium + clamp(interest - premium, low, high), for the period of the premium.

    Source: Binance, Bybit, OKX, WEEX, Hyperliquid.

    >>> clamped_funding_rate(0.01, 0.0001, -0.0005, 0.0005)
    0.0095
    """
    return premium + clamp(interest - premium, low, high)


@kernel
def damped_funding_rate(premium, damper):
    """Return the premium beyond a dead band: max(damper, P) + min(-damper, P).

    Source: Deribit help 31424939178397.
    """
    return max(float(damper), premium) + min(-float(damper), premium)


@kernel
def funding_cap(factor, initial_rate, maintenance_rate):
    """Return a cap in proportion to the gap between initial and maintenance margin.

    Where the cap is in proportion to one margin rate alone, the other is zero.
    Source: dYdX, funding; Binance (with the maintenance rate alone).
    """
    return factor * float(initial_rate - maintenance_rate)


@kernel
def linear_funding_payment(quantity, price, rate):
    """Return what a linear position receives, or pays if negative (quote currency).

    Args:
        quantity: signed coins at the moment of payment.
        price: mark price, or oracle price, as the venue has it.
        rate: funding rate of the interval.

    Source: Binance, Bybit, MEXC.

    >>> linear_funding_payment(10.0, 60_000.0, 0.0001)
    -60.0
    """
    payment = linear_notional(quantity, price) * rate
    return -payment if quantity > 0.0 else payment


@kernel
def inverse_funding_payment(quantity, price, rate):
    """Return what an inverse position receives, or pays if negative (coins)."""
    payment = inverse_notional(quantity, price) * rate
    return -payment if quantity > 0.0 else payment


@kernel
def linear_funding_total(quantity, prices, rates):
    """Return the sum of a linear position's payments at several times (float64 arrays)."""
    total = 0.0
    for stamp in range(len(rates)):
        total += linear_funding_payment(quantity, prices[stamp], rates[stamp])
    return total
