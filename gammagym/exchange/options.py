"""Black-76: value and Greeks of a European option on a forward, undiscounted.

Black, "The pricing of commodity contracts" (1976). Rates are zero: crypto options are margined in
the currency they settle in, and the forward carries the basis.
"""

from __future__ import annotations

import math

from gammagym._kernel import kernel
from gammagym.exchange.formulas.option_contracts import decayed_delta, option_payoff
from gammagym.world.codes import CALL, PUT
from gammagym.world.sizes import YEAR_NS

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

    While the index is averaged for its settlement, part of the price it settles at is known: what
    is left of the forward counts less and less, and its Greeks decay (docs/rules/options).

    Reads: strike, expiry_ns, implied_volatility, kind, settlement. Writes: value, delta, gamma,
    vega, theta (per year), vanna, volga. At or after expiry: the payoff and its slope.
    """
    left = contract.expiry_ns - time_ns
    averaged = contract.settlement_ns > 0 and contract.settlement_samples > 0
    if left >= contract.settlement_ns or not averaged:
        _value(contract, forward, left / YEAR_NS)
        return
    window = float(contract.settlement_ns)
    unknown = decayed_delta(1.0, window - left, window)
    known = contract.settlement_sum / contract.settlement_samples * (1.0 - unknown)
    # An average over the rest of the window has a third of the variance of its end.
    _value(contract, known + forward * unknown, unknown * unknown * left / (3.0 * YEAR_NS))
    contract.delta *= unknown
    contract.gamma *= unknown * unknown
    contract.vanna *= unknown


@kernel
def are_a_pair(call, put, time_ns):
    """Return whether a put follows from a call: of the same terms and volatility, before expiry.

    While the index is averaged for the settlement it does not, since Greeks decay by then.
    """
    if call.kind != CALL or put.kind != PUT or call.settled or call.vega <= 0.0:
        return False
    if call.strike != put.strike or call.implied_volatility != put.implied_volatility:
        return False
    window_ns = max(call.settlement_ns, put.settlement_ns)
    return call.expiry_ns == put.expiry_ns and call.expiry_ns - time_ns >= window_ns


@kernel
def value_put(put, call, forward):
    """Write value and Greeks of a put by put-call parity: what `value_option` writes, to the bit.

    Reads: value and Greeks of its call (`are_a_pair`), just valued at the same forward; strike.
    Writes: value, delta, gamma, vega, theta (per year), vanna, volga.
    """
    put.delta = call.delta - 1.0
    put.value = call.value + (put.strike - forward)
    put.gamma = call.gamma
    put.vega = call.vega
    put.theta = call.theta
    put.vanna = call.vanna
    put.volga = call.volga


@kernel
def _value(contract, forward, years):
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
def black_value(kind, forward, strike, volatility, years):
    """Return the Black-76 value of one unit of a call or put; at expiry: its payoff."""
    deviation = volatility * math.sqrt(years)
    sign = 1.0 if kind == CALL else -1.0
    if years <= _SHORTEST_YEARS or deviation <= 0.0:
        return option_payoff(kind, strike, forward)
    d1 = math.log(forward / strike) / deviation + 0.5 * deviation
    in_forward = forward * normal_distribution(sign * d1)
    return sign * (in_forward - strike * normal_distribution(sign * (d1 - deviation)))


@kernel
def _value_at_expiry(contract, forward):
    in_the_money = forward > contract.strike if contract.kind == CALL else forward < contract.strike
    sign = 1.0 if contract.kind == CALL else -1.0
    contract.value = option_payoff(contract.kind, contract.strike, forward)
    contract.delta = sign if in_the_money else 0.0
    contract.gamma = 0.0
    contract.vega = 0.0
    contract.theta = 0.0
    contract.vanna = 0.0
    contract.volga = 0.0
