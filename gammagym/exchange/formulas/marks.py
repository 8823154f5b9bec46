"""Index and mark prices as exchanges define them."""

from __future__ import annotations

import math

from gammagym._kernel import kernel


@kernel
def median_of_three(first, second, third):
    """Return the middle one of three numbers."""
    return max(min(first, second), min(max(first, second), third)) * 1.0


@kernel
def median(values):
    """Return the median of a float64 array, without changing or copying it. O(n²)."""
    count = len(values)
    total, middle = 0.0, 0
    for candidate in range(count):
        below, equal = 0, 0
        for other in range(count):
            below += values[other] < values[candidate]
            equal += values[other] == values[candidate]
        lowest, highest = below, below + equal - 1
        # Of equal values each counts, so that every one adds its share of a middle place.
        for place in ((count - 1) // 2, count // 2):
            if lowest <= place <= highest:
                total += values[candidate] / equal
                middle += 1
    return total / 2.0 if middle > 0 else math.nan


@kernel
def index_price(prices, weights, deviation):
    """Return the weighted mean of prices of sources, without one that is off.

    Args:
        prices: float64 array of the sources' prices.
        weights: float64 array of their weights, as long.
        deviation: fraction off the median from which on a source is left out. If several sources
            are that far off, the index is the median.

    Source: Binance FAQ 360033525071.
    """
    centre = median(prices)
    total, weight, outliers = 0.0, 0.0, 0
    for source in range(len(prices)):
        if abs(prices[source] - centre) > deviation * centre:
            outliers += 1
        else:
            total += prices[source] * weights[source]
            weight += weights[source]
    return centre if outliers > 1 or weight == 0.0 else total / weight


@kernel
def funding_basis_price(index, rate, time_left, interval):
    """Return the index with the funding that is still to come: index * (1 + rate * share of time).

    Source: Binance FAQ 360033525071 (Price 1); Bybit; MEXC.
    """
    return index * (1.0 + rate * time_left / interval)


@kernel
def basis_price(index, mean_basis):
    """Return the index plus a moving average of (mid - index). Source: Binance (Price 2)."""
    return index + float(mean_basis)


@kernel
def mark_price(index, rate, time_left, interval, mean_basis, last):
    """Return the median of index with funding, index with basis, and last price.

    Args:
        index: index price.
        rate: funding rate of the current interval.
        time_left: time until the next payment, in any unit.
        interval: time between payments, in the same unit.
        mean_basis: moving average of mid price less index.
        last: price of the last trade.

    Source: Binance FAQ 360033525071; Bybit; MEXC 360044199872.

    >>> mark_price(60_000.0, 0.0001, 4.0, 8.0, 12.0, 60_050.0)
    60012.0
    """
    carried = funding_basis_price(index, rate, time_left, interval)
    return median_of_three(carried, basis_price(index, mean_basis), last)


@kernel
def moving_average(previous, value, elapsed, window):
    """Return an exponential moving average after a time in which `value` held.

    Source: Deribit, mark = index + 30 s average of (price - index).
    """
    return value + (previous - value) * math.exp(-elapsed / window)
