"""What an order may look like: grids of prices and quantities, smallest orders, price limits."""

from __future__ import annotations

import numpy as np

from gammagym._kernel import kernel
from gammagym.world.codes import BUY

# A multiple of a step that is off by less than this share of a step is on the grid: 0.3 / 0.1 is.
_GRID_NOISE = 1e-9


@kernel
def rounded_down(value, step):
    """Return the highest multiple of `step` that is not above `value`."""
    return np.floor(value / step + _GRID_NOISE) * step


@kernel
def rounded_up(value, step):
    """Return the lowest multiple of `step` that is not below `value`."""
    return np.ceil(value / step - _GRID_NOISE) * step


@kernel
def rounded_nearest(value, step):
    """Return the multiple of `step` nearest to `value`, the higher one of two."""
    return np.floor(value / step + 0.5 + _GRID_NOISE) * step


@kernel
def rounded_safe(price, step, quantity):
    """Return a liquidation or bankruptcy price on the grid, on the side that comes first.

    A long's is rounded up, a short's down. Source: Bybit help 900000031623.
    """
    return rounded_up(price, step) if quantity > 0.0 else rounded_down(price, step)


@kernel
def tick_at(price, tick_size, steps):
    """Return the tick size that holds at a price.

    Args:
        price: the price.
        tick_size: tick size below the first step.
        steps: float64 array of rows (above_price, tick_size), rising.

    Source: Deribit, `tick_size_steps` of get_instruments.
    """
    tick = float(tick_size)
    for step in range(len(steps)):
        if price > steps[step, 0]:
            tick = steps[step, 1]
    return tick


@kernel
def smallest_quantity(least_quantity, least_notional, price, step):
    """Return the smallest linear order that meets a least quantity and a least notional (coins).

    Source: Bybit, `lotSizeFilter`.
    """
    return rounded_up(max(float(least_quantity), least_notional / price), step)


@kernel
def band_low(reference, band):
    """Return the lower end of a band around a price; `band` is a fraction of the price."""
    return reference * (1.0 - band)


@kernel
def band_high(reference, band):
    """Return the upper end of a band around a price. Source: Deribit, trading bandwidths."""
    return reference * (1.0 + band)


@kernel
def limited_price(side, price, low, high):
    """Return the limit an order really has: a buy not above `high`, a sell not below `low`."""
    return float(min(price, high)) if side == BUY else float(max(price, low))


@kernel
def highest_buy_price(mark, index, inner, outer, premium):
    """Return the highest limit of a buy where the limit follows mark, index and premium.

    Args:
        mark: mark price.
        index: index price.
        inner: fraction over the mark that is always allowed.
        outer: fraction over the mark that is never exceeded.
        premium: mean premium of the book over the mark, times its weight (price).

    Source: Bybit, price limits since 2026-05-26.
    """
    reach = max(float(index), mark * (1.0 + inner) + max(0.0, premium))
    return min(mark * (1.0 + outer), reach)


@kernel
def lowest_sell_price(mark, index, inner, outer, premium):
    """Return the lowest limit of a sell; arguments as of `highest_buy_price`."""
    reach = min(float(index), mark * (1.0 - inner) + min(0.0, premium))
    return max(mark * (1.0 - outer), reach)
