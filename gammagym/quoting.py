# ruff: noqa: RUF002  (formulas are written with the letters of the papers)
"""Quoting mathematics: where a market maker puts its bid and its ask. The one place for formulas.

Symbols and units, the same in every function:

* ``mid`` s (currency) and ``inventory`` q (units of the underlying; < 0 is short);
* ``volatility`` σ (currency per root of the unit of time) and ``time`` T-t (units of time): any
  unit of time will do, if both have the same;
* ``risk_aversion`` γ (1 / currency) of constant absolute risk aversion;
* ``fill_decay`` k (1 / currency): a quote at the distance δ from the mid fills at the rate
  A·exp(-k·δ).

Every function works element by element and broadcasts its arguments.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[Any] | float
Result = NDArray[np.float64]


def reservation_price(
    mid: Values, inventory: Values, risk_aversion: Values, volatility: Values, time: Values
) -> Result:
    """Return the price at which one unit more or less is worth the same: r = s - q·γ·σ²·(T-t).

    Source: Avellaneda and Stoikov (2008), High-frequency trading in a limit order book,
    Quantitative Finance 8(3), equation 29.

    Args:
        mid: s.
        inventory: q.
        risk_aversion: γ.
        volatility: σ.
        time: T-t, time that is left.

    >>> round(float(reservation_price(100.0, 2.0, 0.1, 2.0, 0.5)), 10)
    99.6
    """
    return np.subtract(mid, np.multiply(inventory, risk_aversion) * np.square(volatility) * time)


def optimal_spread(
    risk_aversion: Values, volatility: Values, time: Values, fill_decay: Values
) -> Result:
    """Return the distance from bid to ask: γ·σ²·(T-t) + (2/γ)·ln(1 + γ/k).

    The quotes lie around the reservation price, half of it to each side.

    Source: Avellaneda and Stoikov (2008), equation 30.

    Args:
        risk_aversion: γ > 0.
        volatility: σ.
        time: T-t, time that is left.
        fill_decay: k > 0.

    >>> round(float(optimal_spread(0.1, 2.0, 1.0, 1.5)), 6)
    1.69077
    """
    risk = np.multiply(risk_aversion, np.square(volatility)) * time
    return risk + 2.0 / np.asarray(risk_aversion) * np.log1p(np.divide(risk_aversion, fill_decay))
