"""Black-76: value and Greeks of a European option on a forward, undiscounted.

Black, "The pricing of commodity contracts" (1976). Rates are zero: crypto options are margined in
the currency they settle in, and the forward carries the basis.
"""

from __future__ import annotations

import math

from gammagym._kernel import kernel
from gammagym.world import CALL, YEAR_NS

_ROOT_2 = math.sqrt(2.0)
_INVERSE_ROOT_2PI = 1.0 / math.sqrt(2.0 * math.pi)
_SHORTEST_YEARS = 1e-12


@kernel(inline=True)
def normal_distribution(x):
    """Return the standard normal distribution function."""
    return 0.5 * math.erfc(-x / _ROOT_2)


@kernel
def value_option(contract, forward, time_ns):
    """Write value and Greeks of one unit of a call or put.

    Reads: strike, expiry_ns, implied_volatility, kind. Writes: value, delta, gamma, vega, theta
    (per year), vanna, volga. At or after expiry: the payoff and its slope.
    """
    years = (contract.expiry_ns - time_ns) / YEAR_NS
    deviation = contract.implied_volatility * math.sqrt(max(years, 0.0))
    if years <= _SHORTEST_YEARS or deviation <= 0.0:
        _value_at_expiry(contract, forward)
        return
    d1 = math.log(forward / contract.strike) / deviation + 0.5 * deviation
    d2 = d1 - deviation
    density = math.exp(-0.5 * d1 * d1) * _INVERSE_ROOT_2PI
    contract.delta = normal_distribution(d1)
    contract.value = forward * contract.delta - contract.strike * normal_distribution(d2)
    if contract.kind != CALL:
        contract.delta -= 1.0
        contract.value += contract.strike - forward
    contract.gamma = density / (forward * deviation)
    contract.vega = forward * density * math.sqrt(years)
    contract.theta = -0.5 * contract.vega * contract.implied_volatility / years
    contract.vanna = -density * d2 / contract.implied_volatility
    contract.volga = contract.vega * d1 * d2 / contract.implied_volatility


@kernel
def _value_at_expiry(contract, forward):
    in_the_money = forward > contract.strike if contract.kind == CALL else forward < contract.strike
    sign = 1.0 if contract.kind == CALL else -1.0
    contract.value = max(sign * (forward - contract.strike), 0.0)
    contract.delta = sign if in_the_money else 0.0
    contract.gamma = 0.0
    contract.vega = 0.0
    contract.theta = 0.0
    contract.vanna = 0.0
    contract.volga = 0.0
