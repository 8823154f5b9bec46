"""Settlement of options: payoffs in dollars and coins, and deltas net of the premium.

`kind` is CALL or PUT of `gammagym.world`.
"""

from __future__ import annotations

from gammagym._kernel import kernel
from gammagym.world.codes import CALL


@kernel
def option_payoff(kind, strike, settlement):
    """Return what one option is worth at settlement (quote currency, per coin).

    Source: Deribit help 25944750999581.
    """
    return max(0.0, settlement - strike) if kind == CALL else max(0.0, strike - settlement)


@kernel
def inverse_option_payoff(kind, strike, settlement):
    """Return what one coin-settled option pays at settlement (coins).

    Source: Deribit help 25944688327069.
    """
    return option_payoff(kind, strike, settlement) / settlement


@kernel
def option_pnl(quantity, payoff, premium):
    """Return the profit of options held from the premium to the payoff.

    Args:
        quantity: signed contracts times multiplier, positive if bought.
        payoff: payoff of one, in the currency of the premium.
        premium: what one cost.
    """
    return quantity * float(payoff - premium)


@kernel
def net_transaction_delta(delta, option_price, quantity):
    """Return the delta of coin-settled options in coins, net of the premium.

    A long option also holds its own value in coins, so that much less is exposed to the dollar.

    Args:
        delta: Black-Scholes delta of one.
        option_price: mark price of one (coins).
        quantity: signed contracts.

    Source: Deribit, delta_total; Lucic and Sepp (2024).
    """
    return quantity * float(delta - option_price)


@kernel
def decayed_delta(delta, elapsed, window):
    """Return a delta, or the price deducted from it, during the averaging before settlement.

    It falls in proportion to the part of the settlement price that is already known.
    Source: Deribit help 25944751433757.
    """
    return delta * (1.0 - min(max(elapsed / window, 0.0), 1.0))


@kernel
def short_option_initial(kind, strike, spot, price, share, minimum, maintenance):
    """Return the initial margin of one short option as a share of the underlying.

    Args:
        kind: CALL or PUT.
        strike: strike price.
        spot: price of the underlying.
        price: price of the option, in the same currency.
        share: initial margin at the money, falling with every step out of the money.
        minimum: least of it.
        maintenance: maintenance margin, below which a put's initial margin never is.

    Source: Deribit, standard margin: max(0.15 - out of the money / underlying, 0.1) + mark price.
    """
    away = max(0.0, strike - spot) if kind == CALL else max(0.0, spot - strike)
    needed = max(share - away / spot, minimum) + price / spot
    if kind == CALL:
        return needed
    return max(needed, short_option_maintenance(kind, spot, price, maintenance))


@kernel
def short_option_maintenance(kind, spot, price, maintenance):
    """Return the maintenance margin of one short option as a share of the underlying.

    Source: Deribit, standard margin: 0.075 + mark price; a put's share grows with its price.
    """
    premium = price / spot
    share = maintenance if kind == CALL else max(maintenance, maintenance * premium)
    return share + premium
