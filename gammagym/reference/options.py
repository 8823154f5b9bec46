"""What an option is worth, in plain Python: Black-76.

An option is the right to trade a forward at a fixed price, the strike, on one day. What it is worth
until then depends on how far the forward may still move. Tests compare the fast kernel in
`gammagym.exchange.options` with this, and this with finite differences and QuantLib.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from gammagym.world.codes import CALL


class Greeks(NamedTuple):
    """Value of one unit of an option, and how it changes."""

    value: float
    delta: float  # per unit of the forward
    gamma: float  # of delta, per unit of the forward
    vega: float  # per unit of volatility
    theta: float  # per year that passes
    vanna: float  # of delta, per unit of volatility
    volga: float  # of vega, per unit of volatility


def black_76(kind: int, forward: float, strike: float, volatility: float, years: float) -> Greeks:
    """Return the value of a European call or put on a forward (Black 1976), undiscounted.

    A call is the chance to own the forward, N(d1), less the strike that is paid when it is
    exercised, N(d2): F N(d1) - K N(d2). A put is a call less the forward contract F - K.

    >>> round(black_76(CALL, 100.0, 100.0, 0.2, 1.0).value, 6)
    7.965567
    """
    sign = 1.0 if kind == CALL else -1.0
    if years <= 0.0 or volatility <= 0.0:
        payoff = max(sign * (forward - strike), 0.0)
        return Greeks(payoff, sign if payoff > 0.0 else 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    deviation = volatility * math.sqrt(years)
    d1 = math.log(forward / strike) / deviation + deviation / 2.0
    d2 = d1 - deviation
    density = math.exp(-(d1**2) / 2.0) / math.sqrt(2.0 * math.pi)
    vega = forward * density * math.sqrt(years)
    return Greeks(
        value=sign * (forward * _normal(sign * d1) - strike * _normal(sign * d2)),
        delta=sign * _normal(sign * d1),
        gamma=density / (forward * deviation),
        vega=vega,
        theta=-vega * volatility / (2.0 * years),
        vanna=-density * d2 / volatility,
        volga=vega * d1 * d2 / volatility,
    )


def _normal(x: float) -> float:
    """Return the standard normal distribution function."""
    return math.erfc(-x / math.sqrt(2.0)) / 2.0
