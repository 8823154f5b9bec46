"""Initial and maintenance margin: cross, isolated, portfolio, by tiers (docs/rules/margin).

Margins of a contract are shares of its marked notional in its own currency; everything is compared
in QUOTE at the fundamental price. An account is below its margin when what counts as margin is less
than the maintenance margin.

In hedge mode an account stands for both its legs, and each of them needs margin of its own. Where a
function looks at one position, `account` is the account that holds it.
"""

from __future__ import annotations

import math

from gammagym._kernel import kernel
from gammagym.exchange.formulas.option_contracts import (
    short_option_initial,
    short_option_maintenance,
)
from gammagym.exchange.ledger import (
    holding,
    in_quote,
    marked_notional,
    mul_div,
    payer,
    shorts_of,
    value_at,
)
from gammagym.exchange.portfolio import portfolio_margin
from gammagym.world.codes import (
    BUY,
    CALL,
    COIN,
    FEES_DERIVATIVE,
    MARGIN_ISOLATED,
    MARGIN_PORTFOLIO,
    NO_ACCOUNT,
    NO_INSTRUMENT,
    PUT,
    QUOTE,
    SPOT,
)
from gammagym.world.sizes import RATE_UNIT


@kernel(inline=True)
def is_option(contract):
    """Return whether an instrument is a call or a put."""
    return contract.kind == CALL or contract.kind == PUT


# --- What counts as margin -------------------------------------------------------------------


@kernel
def marked_gain(world, account, instrument):
    """Return value less entry of a position at the mark (quanta of its currency)."""
    contract = world.instruments[instrument]
    position = world.positions[account, instrument]
    return value_at(contract, contract.mark_quanta, position.quantity_lots) - position.entry_quanta


@kernel
def marked_worth(world, account, currency):
    """Return cash and all that is held in one currency, options too, at the marks (quanta)."""
    total = world.cash[account, currency]
    leg = account
    while leg != NO_ACCOUNT:
        for instrument in range(world.instrument_count):
            contract = world.instruments[instrument]
            if contract.currency == currency and contract.kind != SPOT:
                total += marked_gain(world, leg, instrument)
        leg = shorts_of(world, leg)
    return total


@kernel
def balances(world, account):
    """Return cash and marked positions of an account in QUOTE and in COIN (quanta).

    Options count in a portfolio margin only: elsewhere they are paid for in full.
    """
    quote, coins = world.cash[account, QUOTE], world.cash[account, COIN]
    portfolio = world.accounts[account].margin_mode == MARGIN_PORTFOLIO
    leg = account
    while leg != NO_ACCOUNT:
        for instrument in range(world.instrument_count):
            contract = world.instruments[instrument]
            if contract.kind == SPOT or (is_option(contract) and not portfolio):
                continue
            if contract.currency == COIN:
                coins += marked_gain(world, leg, instrument)
            else:
                quote += marked_gain(world, leg, instrument)
        leg = shorts_of(world, leg)
    return quote, coins


@kernel
def collateral_rate(world, venue, currency):
    """Return which share of a currency counts as margin now, as the timeline has it (1e-9)."""
    rate, shift = (
        world.venues[venue].collateral_e9[currency],
        world.stress.collateral_shift[currency],
    )
    return rate if shift == 0.0 else round(rate * math.exp(shift))


@kernel
def margin_balance(world, account):
    """Return what counts as an account's margin: haircuts taken off, bonus added (QUOTE quanta)."""
    state = world.accounts[account]
    quote, coins = balances(world, account)
    # What is owed counts in full.
    if quote > 0:
        quote = mul_div(quote, collateral_rate(world, state.venue, QUOTE))
    if coins > 0:
        coins = mul_div(coins, collateral_rate(world, state.venue, COIN))
    return quote + in_quote(world, coins, COIN) + state.bonus_quanta


# --- What is needed --------------------------------------------------------------------------


@kernel
def tier_of(world, contract, notional):
    """Return the row of the tier that a notional lies in; exactly at a top it is still in it."""
    row = contract.first_tier
    last = row + contract.tier_count - 1
    while row < last and notional > world.tiers[row].top_quanta:
        row += 1
    return row


@kernel(inline=True)
def tier_margin(tier, notional):
    """Return the maintenance margin of a notional in its tier (quanta)."""
    return mul_div(notional, tier.maintenance_e9) - tier.amount_quanta


@kernel(inline=True)
def size_rate(contract, quantity_lots):
    """Return what a position's size adds to its margin rates: at most 100 % (1e-9)."""
    rate = abs(quantity_lots) * contract.lot_size * contract.margin_slope_e9
    return int(min(rate, float(RATE_UNIT)))


@kernel
def position_maintenance(world, account, instrument):
    """Return the maintenance margin of one position (quanta of QUOTE)."""
    contract = world.instruments[instrument]
    quantity = world.positions[account, instrument].quantity_lots
    if quantity == 0 or contract.kind == SPOT:
        return 0
    if is_option(contract):
        return _short_option(world, contract, quantity, 0)
    notional = marked_notional(contract, quantity)
    needed = 0
    if contract.tier_count > 0:
        needed = tier_margin(world.tiers[tier_of(world, contract, notional)], notional)
        needed += mul_div(notional, size_rate(contract, quantity))
    state = world.accounts[payer(world, account)]
    if world.venues[state.venue].counts_closing_fee:
        needed += mul_div(notional, state.taker_fee_e9[FEES_DERIVATIVE])
    return in_quote(world, needed, contract.currency)


@kernel
def position_initial(world, account, instrument, quantity_lots):
    """Return the initial margin of a position if it were `quantity_lots` (quanta of QUOTE)."""
    contract = world.instruments[instrument]
    if quantity_lots == 0 or contract.kind == SPOT:
        return 0
    if is_option(contract):
        return _short_option(world, contract, quantity_lots, 1)
    if contract.tier_count == 0:
        return 0
    needed = _initial(world, account, instrument, quantity_lots)
    return in_quote(world, needed, contract.currency)


@kernel
def _initial(world, account, instrument, quantity_lots):
    """Return the initial margin of a position, as its tier and owner have it (its currency)."""
    contract = world.instruments[instrument]
    notional = marked_notional(contract, quantity_lots)
    tier = world.tiers[tier_of(world, contract, notional)]
    rate = max(tier.initial_e9, world.positions[account, instrument].initial_e9)
    return mul_div(notional, rate + size_rate(contract, quantity_lots))


@kernel
def _short_option(world, contract, quantity_lots, initial):
    """Return the margin of an option on its own: nothing if it is long (quanta of QUOTE)."""
    if quantity_lots >= 0:
        return 0
    spot = world.price.value
    if initial:
        share = short_option_initial(
            contract.kind,
            contract.strike,
            spot,
            contract.value,
            contract.short_initial,
            contract.short_minimum,
            contract.short_maintenance,
        )
    else:
        share = short_option_maintenance(
            contract.kind, spot, contract.value, contract.short_maintenance
        )
    coins = -quantity_lots * contract.lot_coin_quanta
    return in_quote(world, mul_div(coins, round(share * RATE_UNIT)), COIN)


@kernel
def maintenance_margin(world, account):
    """Return the maintenance margin of an account (quanta of QUOTE)."""
    if world.accounts[account].margin_mode == MARGIN_PORTFOLIO:
        return portfolio_margin(world, account, 1)
    total = 0
    leg = account
    while leg != NO_ACCOUNT:
        for instrument in range(world.instrument_count):
            total += position_maintenance(world, leg, instrument)
        leg = shorts_of(world, leg)
    return total


@kernel
def initial_margin(world, account, instrument, quantity_lots):
    """Return the initial margin if the position in `instrument` were `quantity_lots`."""
    if world.accounts[account].margin_mode == MARGIN_PORTFOLIO:
        position = world.positions[account, instrument]
        held = position.quantity_lots
        position.quantity_lots = quantity_lots
        needed = portfolio_margin(world, account, 0)
        position.quantity_lots = held
        return needed
    total = _initial_of_legs(world, account, instrument, quantity_lots)
    partner = world.accounts[account].partner
    if partner != NO_ACCOUNT:
        total += _initial_of_legs(world, partner, NO_INSTRUMENT, 0)
    return total


@kernel
def _initial_of_legs(world, account, instrument, quantity_lots):
    total = 0
    for row in range(world.instrument_count):
        held = world.positions[account, row].quantity_lots
        if row == instrument:
            held = quantity_lots
        total += position_initial(world, account, row, held)
    return total


# --- Checks ----------------------------------------------------------------------------------


@kernel
def can_afford(world, message):
    """Return whether an account's margin carries the position an order could lead to.

    An order that only brings the position closer to zero is allowed, whatever the equity; nothing
    is while the liquidation engine holds the account. What is paid at once must be there besides.
    """
    owner = payer(world, message.account)
    account = world.accounts[owner]
    if not account.margined:
        return True
    if account.liquidating:
        return False
    held = holding(world, message.account, message.instrument)
    after = held + message.quantity_lots if message.side == BUY else held - message.quantity_lots
    if abs(after) <= abs(held) and (after == 0 or (after > 0) == (held > 0)):
        return True
    if account.margin_mode == MARGIN_ISOLATED:
        return _can_set_aside(world, message, after)
    needed = initial_margin(world, message.account, message.instrument, after)
    return margin_balance(world, owner) - _price_of(world, message, account) >= needed


@kernel
def _price_of(world, message, account):
    """Return by how much buying an option or spot lowers the margin, at the mark (QUOTE quanta)."""
    contract = world.instruments[message.instrument]
    if message.side != BUY or not (is_option(contract) or contract.kind == SPOT):
        return 0
    if is_option(contract) and account.margin_mode == MARGIN_PORTFOLIO:
        # There it counts with its value, which is what was paid for it.
        return 0
    price = marked_notional(contract, message.quantity_lots)
    if contract.kind == SPOT and account.margin_mode != MARGIN_ISOLATED:
        # The coins count as margin themselves, as far as coins do.
        price -= mul_div(price, collateral_rate(world, account.venue, COIN))
    return in_quote(world, price, contract.currency)


@kernel
def _can_set_aside(world, message, after):
    """Return whether free cash pays for the margin that an isolated position still needs."""
    currency = world.instruments[message.instrument].currency
    needed = position_initial(world, message.account, message.instrument, after)
    position = world.positions[message.account, message.instrument]
    needed -= in_quote(world, position.margin_quanta, currency)
    needed += _price_of(world, message, world.accounts[message.account])
    return in_quote(world, free_cash(world, message.account, currency), currency) >= needed


@kernel
def free_cash(world, account, currency):
    """Return the cash that no isolated position holds (quanta)."""
    leg = payer(world, account)
    free = world.cash[leg, currency]
    while leg != NO_ACCOUNT:
        for instrument in range(world.instrument_count):
            if world.instruments[instrument].currency == currency:
                free -= world.positions[leg, instrument].margin_quanta
        leg = shorts_of(world, leg)
    return free


@kernel
def set_margin_aside(world, account, instrument):
    """Bring an isolated position's margin to what it needs to be opened, if it has less.

    Reads: mark, cash. Writes: positions.margin_quanta.
    """
    contract = world.instruments[instrument]
    position = world.positions[account, instrument]
    if contract.tier_count == 0 or contract.kind == SPOT:
        return
    needed = _initial(world, account, instrument, position.quantity_lots)
    missing = needed - position.margin_quanta
    if missing > 0:
        position.margin_quanta += max(0, min(missing, free_cash(world, account, contract.currency)))


@kernel
def draw_on_margins(world, account):
    """Let what is set aside pay for funding, fees and losses that free cash could not.

    It is part of the cash: what is gone cannot stand behind a position. The first position pays
    first. Writes: positions.margin_quanta.
    """
    leg = account
    while leg != NO_ACCOUNT:
        for instrument in range(world.instrument_count):
            position = world.positions[leg, instrument]
            short = -free_cash(world, leg, world.instruments[instrument].currency)
            if short > 0:
                position.margin_quanta -= min(short, position.margin_quanta)
        leg = shorts_of(world, leg)


@kernel
def isolated_equity(world, account, instrument):
    """Return margin and gain of an isolated position (quanta of its currency)."""
    margin = world.positions[account, instrument].margin_quanta
    return margin + marked_gain(world, account, instrument)


@kernel
def check_margin(world, account):
    """Write an account's margin balance and maintenance margin; returns whether it is below."""
    state = world.accounts[account]
    state.equity_quanta = margin_balance(world, account)
    state.maintenance_quanta = maintenance_margin(world, account)
    return state.margined and state.equity_quanta < state.maintenance_quanta
