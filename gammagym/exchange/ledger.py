"""The only writer of money: double entry, integers, nothing lost.

Cash is held in quanta (1e-8 of a currency). A position holds its signed quantity and the signed
value at which it was entered, so that equity is ``cash + value - entry`` and the sum over all
accounts of ``cash - entry`` never changes: what a trade adds to one side it takes from the other,
in the same integer. Spot and options are paid for at once, so their entry value stays 0.

In hedge mode an account has a partner that holds its short legs: positions and orders, no money.
Whatever these earn or cost, the account itself gets or pays (`payer`).

A lot of an inverse contract is worth face / price coins *less* to its holder, so its value is
negative and rises with the price; all else is as for linear contracts (docs/rules/contracts).
"""

from __future__ import annotations

from gammagym._kernel import kernel
from gammagym.world.codes import (
    BUY,
    CALL,
    COIN,
    FEES_OPTION,
    FUNDING_CONTINUOUS,
    NO_ACCOUNT,
    PART_FEES,
    PUT,
    QUOTE,
    ROUNDING,
    SPOT,
)
from gammagym.world.sizes import FINE_UNIT, QUANTA, RATE_UNIT

# The product of two numbers below this is a 64-bit number.
_PRODUCT_FITS = 2**31


@kernel(inline=True)
def scaled(amount, factor, unit):
    """Return amount * factor / unit, rounded down, without overflow on the way."""
    return (amount // unit) * factor + (amount % unit) * factor // unit


@kernel(inline=True)
def mul_div(amount, rate_e9):
    """Return amount * rate / 1e9, rounded down, without overflow on the way.

    The only place where money meets a rate: 6e17 quanta times 550 ppm would wrap silently.
    """
    return scaled(amount, rate_e9, RATE_UNIT)


@kernel
def share_of(amount, part, whole):
    """Return amount * part / whole, rounded down, without overflow; 0 < part <= whole < 2**62."""
    rest = amount % whole
    share = rest * part // whole if whole < _PRODUCT_FITS else _long_share(rest, part, whole)
    return (amount // whole) * part + share


@kernel
def _long_share(rest, part, whole):
    """Return rest * part / whole by long multiplication, bit by bit of `part`; rest < whole."""
    share, left = 0, 0
    for bit in range(61, -1, -1):
        share, left = 2 * share, 2 * left
        if left >= whole:
            share, left = share + 1, left - whole
        if (part >> bit) & 1:
            left += rest
            if left >= whole:
                share, left = share + 1, left - whole
    return share


@kernel(inline=True)
def in_quote(world, amount, currency):
    """Return what an amount of QUOTE or COIN is worth at the fundamental price (QUOTE quanta)."""
    return amount if currency == QUOTE else scaled(amount, world.price.coin_quanta, FINE_UNIT)


# --- Values ----------------------------------------------------------------------------------


@kernel(inline=True)
def trade_value(contract, price_ticks, quantity_lots):
    """Return the value that buying some lots at a price adds to a position (quanta)."""
    if contract.inverse:
        return -(quantity_lots * contract.tick_quanta // max(price_ticks, 1))
    return quantity_lots * price_ticks * contract.tick_quanta


@kernel(inline=True)
def value_at(contract, lot_quanta, signed_lots):
    """Return the value of a position whose lot is worth `lot_quanta` (a mark or fair price)."""
    if contract.inverse:
        return -scaled(signed_lots, lot_quanta, FINE_UNIT)
    return signed_lots * lot_quanta


@kernel(inline=True)
def marked_notional(contract, signed_lots):
    """Return the absolute value of a position at the mark (quanta of its currency)."""
    return abs(value_at(contract, contract.mark_quanta, signed_lots))


@kernel(inline=True)
def payer(world, account):
    """Return the account whose money an account trades with: another one for short legs only."""
    state = world.accounts[account]
    return state.partner if state.short_legs else account


@kernel(inline=True)
def shorts_of(world, account):
    """Return the account that holds the short legs of an account in hedge mode, or NO_ACCOUNT."""
    state = world.accounts[account]
    return NO_ACCOUNT if state.short_legs else state.partner


@kernel(inline=True)
def holding(world, account, instrument):
    """Return the signed quantity an account holds (lots); spot is its balance of the coin."""
    contract = world.instruments[instrument]
    if contract.kind == SPOT:
        return world.cash[account, COIN] // contract.lot_coin_quanta
    return world.positions[account, instrument].quantity_lots


# --- Transfers and trades --------------------------------------------------------------------


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
    """Book one trade to both accounts, `side` being the taker's; returns its absolute value.

    One amount, rounded once, goes to both sides. Writes: cash, positions.
    """
    contract = world.instruments[instrument]
    value = trade_value(contract, price_ticks, quantity_lots)
    sign = 1 if side == BUY else -1
    if contract.kind == SPOT:
        _pay_for_coins(world, contract, taker, sign * quantity_lots, sign * value)
        _pay_for_coins(world, contract, maker, -sign * quantity_lots, -sign * value)
    else:
        change_position(world, instrument, taker, sign * quantity_lots, sign * value)
        change_position(world, instrument, maker, -sign * quantity_lots, -sign * value)
    return abs(value)


@kernel(inline=True)
def _pay_for_coins(world, contract, account, signed_lots, value):
    world.cash[account, QUOTE] -= value
    world.cash[account, COIN] += signed_lots * contract.lot_coin_quanta


@kernel
def change_position(world, instrument, account, signed_lots, value):
    """Open, add to, reduce or turn a position by lots worth `value`; what closes is realised.

    Writes: cash, positions.
    """
    contract = world.instruments[instrument]
    position = world.positions[account, instrument]
    purse = payer(world, account)
    if contract.kind == CALL or contract.kind == PUT:
        world.cash[purse, contract.currency] -= value
        position.quantity_lots += signed_lots
        return
    if contract.funding.method == FUNDING_CONTINUOUS:
        settle_funding(world, instrument, account)
    held = position.quantity_lots
    if held != 0 and (held > 0) != (signed_lots > 0):
        closing = min(abs(signed_lots), abs(held))
        released = share_of(position.entry_quanta, closing, abs(held))
        margin = share_of(position.margin_quanta, closing, abs(held))
        paid = share_of(value, closing, abs(signed_lots))
        world.cash[purse, contract.currency] -= paid + released
        position.entry_quanta -= released
        position.margin_quanta -= margin
        value -= paid
    position.quantity_lots += signed_lots
    position.entry_quanta += value


# --- Fees ------------------------------------------------------------------------------------


@kernel
def fee_on(world, contract, value, quantity_lots, rate_e9):
    """Return the fee on a trade (quanta of the contract's currency), < 0 for a rebate.

    Args:
        world: one world.
        contract: what was traded.
        value: absolute value of the trade (quanta).
        quantity_lots: its quantity; fees of options go by the underlying.
        rate_e9: rate of the fee (1e-9).
    """
    if contract.fee_class != FEES_OPTION:
        return mul_div(value, rate_e9)
    coins = quantity_lots * contract.lot_coin_quanta
    underlying = coins if contract.currency == COIN else in_quote(world, coins, COIN)
    fee = mul_div(underlying, rate_e9)
    return min(fee, mul_div(value, contract.fee_cap_e9)) if contract.fee_cap_e9 > 0 else fee


@kernel
def charge_fee(world, instrument, account, value, quantity_lots, rate_e9):
    """Take a fee (or pay a rebate) on a trade; returns what was paid.

    A bonus that pays fees is used up first: that much is not taken. Writes: cash, accounts.
    """
    contract = world.instruments[instrument]
    purse = payer(world, account)
    owner = world.accounts[purse]
    fee = fee_on(world, contract, value, quantity_lots, rate_e9)
    if fee > 0:
        fee -= mul_div(fee, owner.discount_e9)
        if owner.credit_quanta > 0:
            fee -= _use_credit(world, owner, fee, contract.currency)
    fees = world.venues[contract.venue].fee_account
    transfer(world, purse, fees, contract.currency, fee)
    owner.fees_quanta += in_quote(world, fee, contract.currency)
    return fee


@kernel
def _use_credit(world, owner, fee, currency):
    """Pay a fee from an account's credit as far as that goes; returns what it paid.

    Writes: accounts.credit_quanta.
    """
    worth = in_quote(world, fee, currency)
    if worth <= owner.credit_quanta:
        owner.credit_quanta -= worth
        return fee
    paid = share_of(fee, owner.credit_quanta, worth)
    owner.credit_quanta = 0
    return paid


# --- Funding and settlement ------------------------------------------------------------------


@kernel
def pay_funding(world, instrument, rate_e9):
    """Let longs pay shorts (rate > 0) on marked notional; the remainder of rounding is booked too.

    Reads: positions, mark. Writes: cash, accounts. docs/rules/funding.
    """
    contract = world.instruments[instrument]
    for account in range(world.account_count):
        quantity = world.positions[account, instrument].quantity_lots
        if quantity != 0:
            notional = marked_notional(contract, quantity)
            amount = mul_div(notional if quantity > 0 else -notional, rate_e9)
            _pay_funding(world, contract, account, amount)


@kernel
def settle_funding(world, instrument, account):
    """Pay the continuous funding of an account up to now. Writes: cash, accounts, positions."""
    contract = world.instruments[instrument]
    position = world.positions[account, instrument]
    due = contract.funding.index - position.funding_index
    position.funding_index = contract.funding.index
    if due != 0 and position.quantity_lots != 0:
        _pay_funding(world, contract, account, scaled(position.quantity_lots, due, FINE_UNIT))


@kernel
def settle_account(world, account):
    """Pay the continuous funding of all an account holds up to now. Writes: cash, positions."""
    shorts = shorts_of(world, account)
    for instrument in range(world.instrument_count):
        if world.instruments[instrument].funding.method == FUNDING_CONTINUOUS:
            settle_funding(world, instrument, account)
            if shorts != NO_ACCOUNT:
                settle_funding(world, instrument, shorts)


@kernel
def _pay_funding(world, contract, account, amount):
    """Take funding from an account; all payments of an instrument add up to what rounding left."""
    purse = payer(world, account)
    transfer(world, purse, ROUNDING, contract.currency, amount)
    world.accounts[purse].funding_quanta -= in_quote(world, amount, contract.currency)


@kernel
def settle(world, instrument, lot_quanta, fee_quanta):
    """Turn every position of an expired instrument into cash.

    Positions sum to zero; what rounding leaves over is booked. Writes: cash, positions, and fees
    with their part of the profit.

    Args:
        world: one world.
        instrument: what has expired.
        lot_quanta: value of one lot, in the unit of its mark.
        fee_quanta: delivery fee on one lot (1e-4 quanta).
    """
    contract = world.instruments[instrument]
    fees = world.venues[contract.venue].fee_account
    for account in range(world.account_count):
        position = world.positions[account, instrument]
        value = value_at(contract, lot_quanta, position.quantity_lots)
        purse = payer(world, account)
        world.cash[purse, contract.currency] += value - position.entry_quanta
        world.cash[ROUNDING, contract.currency] -= value
        owner = world.accounts[account]
        if owner.agent != NO_ACCOUNT:
            fee = scaled(abs(position.quantity_lots), fee_quanta, FINE_UNIT)
            transfer(world, purse, fees, contract.currency, fee)
            paid = in_quote(world, fee, contract.currency)
            world.accounts[purse].fees_quanta += paid
            world.agents[owner.agent].parts[PART_FEES] -= paid / QUANTA
        position.quantity_lots = 0
        position.entry_quanta = 0
        position.margin_quanta = 0


# --- Equity ----------------------------------------------------------------------------------


@kernel
def gain(world, account, instrument):
    """Return value less entry of a position at the fair price (quanta of its currency)."""
    contract = world.instruments[instrument]
    position = world.positions[account, instrument]
    return value_at(contract, contract.fair_quanta, position.quantity_lots) - position.entry_quanta


@kernel
def coins_held(world, account):
    """Return coins, and gains in coins of all but options: what the coin's price acts on (quanta).

    Options that settle in coins have a delta of their own, net of nothing: their premium is here.
    """
    coins = world.cash[account, COIN]
    leg = account
    while leg != NO_ACCOUNT:
        for instrument in range(world.instrument_count):
            contract = world.instruments[instrument]
            if contract.currency == COIN and contract.kind != CALL and contract.kind != PUT:
                coins += gain(world, leg, instrument)
        leg = shorts_of(world, leg)
    return coins


@kernel
def equity(world, account):
    """Return cash, coins and positions of an account, both legs, at fair prices (QUOTE quanta)."""
    total = world.cash[account, QUOTE]
    coins = world.cash[account, COIN]
    leg = account
    while leg != NO_ACCOUNT:
        for instrument in range(world.instrument_count):
            contract = world.instruments[instrument]
            if world.positions[leg, instrument].quantity_lots != 0:
                if contract.currency == COIN:
                    coins += gain(world, leg, instrument)
                else:
                    total += gain(world, leg, instrument)
        leg = shorts_of(world, leg)
    return total + in_quote(world, coins, COIN)


@kernel
def travelling(world, agent):
    """Return what is on its way to a competitor's accounts (quanta of QUOTE)."""
    total = 0
    for row in range(len(world.transfers)):
        way = world.transfers[row]
        if way.target == agent.book_account or way.target == agent.hedge_account:
            total += in_quote(world, way.amount_quanta, way.currency)
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
