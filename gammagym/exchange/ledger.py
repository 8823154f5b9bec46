"""The only writer of money: double entry, integers, nothing lost.

Cash is held in quanta (1e-8 of a currency). A position holds its signed quantity and the signed
value at which it was entered, so that equity is ``cash + quantity * mark - entry`` and the sum over
all accounts of ``cash - entry`` never changes: what a trade adds to one side it takes from the
other, in the same integer. Spot and options are paid for at once, so their entry value stays 0.
"""

from __future__ import annotations

from gammagym._kernel import kernel
from gammagym.world import BUY, CALL, PUT, RATE_UNIT, ROUNDING, SPOT


@kernel(inline=True)
def mul_div(amount, rate_e9):
    """Return amount * rate / 1e9, rounded down, without overflow on the way.

    The only place where money meets a rate: 6e17 quanta times 550 ppm would wrap silently.
    """
    return (amount // RATE_UNIT) * rate_e9 + (amount % RATE_UNIT) * rate_e9 // RATE_UNIT


@kernel(inline=True)
def share_of(amount, part, whole):
    """Return amount * part / whole, rounded down, without overflow; 0 < part <= whole."""
    return (amount // whole) * part + (amount % whole) * part // whole


@kernel(inline=True)
def holding(world, account, instrument):
    """Return the signed quantity an account holds (lots); spot is its balance of the coin."""
    contract = world.instruments[instrument]
    if contract.kind == SPOT:
        return world.cash[account, contract.base_currency] // contract.lot_coin_quanta
    return world.positions[account, instrument].quantity_lots


@kernel
def deposit(world, account, currency, amount):
    """Bring money into the world. Writes: cash, deposits."""
    world.cash[account, currency] += amount
    world.deposits[currency] += amount


@kernel
def transfer(world, source, target, currency, amount):
    """Move money between two accounts. Writes: cash."""
    world.cash[source, currency] -= amount
    world.cash[target, currency] += amount


@kernel
def book_trade(world, instrument, taker, maker, side, price_ticks, quantity_lots):
    """Book one trade to both accounts, `side` being the taker's.

    Writes: cash, positions.
    """
    signed = quantity_lots if side == BUY else -quantity_lots
    _exchange(world, instrument, taker, signed, price_ticks)
    _exchange(world, instrument, maker, -signed, price_ticks)


@kernel
def _exchange(world, instrument, account, signed_lots, price_ticks):
    contract = world.instruments[instrument]
    unit = price_ticks * contract.tick_quanta
    if contract.kind == SPOT:
        world.cash[account, contract.currency] -= signed_lots * unit
        world.cash[account, contract.base_currency] += signed_lots * contract.lot_coin_quanta
    elif contract.kind == CALL or contract.kind == PUT:
        world.cash[account, contract.currency] -= signed_lots * unit
        world.positions[account, instrument].quantity_lots += signed_lots
    else:
        _change_position(world, instrument, account, signed_lots, unit)


@kernel
def _change_position(world, instrument, account, signed_lots, unit):
    """Open, add to, reduce or turn a position; what closes is realised into cash."""
    position = world.positions[account, instrument]
    held = position.quantity_lots
    opening = signed_lots
    if held != 0 and (held > 0) != (signed_lots > 0):
        closing = min(abs(signed_lots), abs(held))
        signed_closing = closing if held > 0 else -closing
        released = share_of(position.entry_quanta, closing, abs(held))
        currency = world.instruments[instrument].currency
        world.cash[account, currency] += signed_closing * unit - released
        position.entry_quanta -= released
        position.quantity_lots -= signed_closing
        opening = signed_lots + signed_closing
    position.quantity_lots += opening
    position.entry_quanta += opening * unit


@kernel
def charge_fee(world, instrument, account, notional_quanta, rate_e9):
    """Take a fee (or pay a rebate) on a notional; returns what was paid. Writes: cash, accounts."""
    fee = mul_div(notional_quanta, rate_e9)
    contract = world.instruments[instrument]
    transfer(world, account, world.venues[contract.venue].fee_account, contract.currency, fee)
    world.accounts[account].fees_quanta += fee
    return fee


@kernel
def pay_funding(world, instrument, rate_e9):
    """Let longs pay shorts (rate > 0) on marked notional; the remainder of rounding is booked too.

    Reads: positions, mark. Writes: cash, accounts. docs/rules/funding.
    """
    contract = world.instruments[instrument]
    paid = 0
    for account in range(world.account_count):
        quantity = world.positions[account, instrument].quantity_lots
        if quantity != 0:
            amount = mul_div(quantity * contract.mark_quanta, rate_e9)
            world.cash[account, contract.currency] -= amount
            world.accounts[account].funding_quanta -= amount
            paid += amount
    world.cash[ROUNDING, contract.currency] += paid


@kernel
def settle(world, instrument, payoff_quanta):
    """Turn every position of an expired instrument into cash at `payoff_quanta` a lot.

    Positions sum to zero, so the payments do. Writes: cash, positions.
    """
    currency = world.instruments[instrument].currency
    for account in range(world.account_count):
        position = world.positions[account, instrument]
        world.cash[account, currency] += (
            position.quantity_lots * payoff_quanta - position.entry_quanta
        )
        position.quantity_lots = 0
        position.entry_quanta = 0


@kernel
def equity(world, account):
    """Return cash, coins and marked positions of an account in the settlement currency (quanta)."""
    total = world.cash[account, 0]
    for instrument in range(world.instrument_count):
        contract = world.instruments[instrument]
        if contract.kind == SPOT:
            coins = world.cash[account, contract.base_currency]
            if coins != 0:
                total += share_of(contract.mark_quanta, coins, contract.lot_coin_quanta)
        else:
            position = world.positions[account, instrument]
            total += position.quantity_lots * contract.mark_quanta - position.entry_quanta
    return total


@kernel
def conserved(world, currency):
    """Return the sum of cash less entry values: ``deposits[currency]`` at every event."""
    total = 0
    for account in range(world.account_count):
        total += world.cash[account, currency]
        for instrument in range(world.instrument_count):
            if world.instruments[instrument].currency == currency:
                total -= world.positions[account, instrument].entry_quanta
    return total
