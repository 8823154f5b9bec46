"""Liquidation, step by step as the venue does it (docs/rules/liquidation).

When the mark takes an account below its maintenance margin, its orders are canceled and the steps
of the venue follow: reducing in the book, at the prices the book really has; or handing everything
over at the bankruptcy price, which leaves the account with nothing. Who takes over, and who pays
what is missing, is in `exchange/deleveraging.py`. Isolated positions go one by one and at once.
"""

from __future__ import annotations

import math

import numpy as np

from gammagym._kernel import kernel
from gammagym.exchange.attribution import attribute_loss, owner_equity
from gammagym.exchange.deleveraging import hand_over_position, net_legs, share_losses, work_out
from gammagym.exchange.formulas.liquidation import (
    bankruptcy_price,
    inverse_bankruptcy_price,
    quantity_to_restore,
)
from gammagym.exchange.formulas.order_limits import rounded_safe
from gammagym.exchange.ledger import (
    in_quote,
    marked_notional,
    mul_div,
    payer,
    scaled,
    settle_account,
    share_of,
    shorts_of,
    transfer,
)
from gammagym.exchange.margin import (
    check_margin,
    draw_on_margins,
    is_option,
    isolated_equity,
    marked_worth,
    position_maintenance,
    tier_of,
)
from gammagym.exchange.orders import cancel_orders
from gammagym.exchange.own_orders import market_order
from gammagym.world.codes import (
    BACKSTOP_SOCIALISED_LOSS,
    COIN,
    FILL_LIQUIDATION,
    FIRST_AGENT_ACCOUNT,
    MARGIN_ISOLATED,
    NO_ACCOUNT,
    NO_INSTRUMENT,
    PART_LIQUIDATION,
    QUOTE,
    SPOT,
    STEP_CLOSE_IN_BOOK,
    STEP_REDUCE_SLICE,
    STEP_REDUCE_TO_LOWER_TIER,
    STEP_REDUCE_TO_RESTORE,
    STEP_REDUCE_TWO_TIERS,
    STEP_TAKE_OVER,
)
from gammagym.world.sizes import FINE_UNIT, QUANTA, RATE_UNIT

# A bankruptcy price beyond so many times the mark is none.
_HIGHEST = 100.0


@kernel
def check_accounts(world):
    """Check every account's margin and go on with those being liquidated.

    Writes: accounts and, in a liquidation, book, cash, positions.
    """
    for account in range(FIRST_AGENT_ACCOUNT, world.account_count):
        state = world.accounts[account]
        if not state.margined or world.venues[state.venue].halted:
            continue
        below = check_margin(world, account)
        if state.margin_mode == MARGIN_ISOLATED:
            _check_positions(world, account)
        elif below or state.liquidating:
            _liquidate(world, account)
    for row in range(len(world.venues)):
        venue = world.venues[row]
        if venue.halted or venue.step_count == 0:
            continue
        work_out(world, row)
        if venue.backstop == BACKSTOP_SOCIALISED_LOSS:
            share_losses(world, row)


@kernel
def _liquidate(world, account):
    """Take the steps that are due: all that follow each other at once, or one of those that wait.

    Writes: accounts, books, cash, positions.
    """
    state = world.accounts[account]
    venue = world.venues[state.venue]
    if not state.liquidating:
        state.liquidating = 1
        state.liquidations += 1
        state.step = 0
        state.next_step_ns = world.time_ns
        cancel_orders(world, account)
    if net_legs(world, account) > 0 and not check_margin(world, account):
        state.liquidating = 0
        return
    while world.time_ns >= state.next_step_ns:
        step = venue.liquidation_steps[state.step]
        closed = _take_step(world, account, step)
        below = check_margin(world, account)
        left = _open_positions(world, account)
        if left == 0:
            settle_debts(world, account)
        if left == 0 or (not below and step != STEP_CLOSE_IN_BOOK):
            state.liquidating = 0
            return
        # Tiers are gone down one after the other while the book takes it.
        by_tiers = step in (STEP_REDUCE_TO_LOWER_TIER, STEP_REDUCE_TWO_TIERS)
        last = state.step + 1 == venue.step_count
        if not last and not (by_tiers and closed > 0):
            state.step += 1
        state.next_step_ns = world.time_ns + venue.liquidation_interval_ns
        if last:
            # What is repeated waits for the next tick at least.
            return


@kernel
def _take_step(world, account, step):
    """Reduce, close or hand over what an account holds; returns the lots closed in the book.

    Writes: books, cash, positions.
    """
    if step == STEP_TAKE_OVER:
        _hand_over_all(world, account)
        return 0
    closed = 0
    if step == STEP_CLOSE_IN_BOOK:
        leg = account
        while leg != NO_ACCOUNT:
            for instrument in range(world.instrument_count):
                lots = _held(world, leg, instrument)
                closed += _reduce(world, leg, instrument, lots, 0)
            leg = shorts_of(world, leg)
        return closed
    leg, instrument = _largest_position(world, account)
    if instrument != NO_INSTRUMENT:
        lots = _lots_to_close(world, leg, instrument, step)
        state = world.accounts[account]
        # Where no step follows, positions are closed at any price, or they would stay for ever.
        last = state.step + 1 == world.venues[state.venue].step_count
        worst_ticks = 0 if last else bankruptcy_ticks(world, leg, instrument)
        closed = _reduce(world, leg, instrument, lots, worst_ticks)
    return closed


@kernel
def _held(world, account, instrument):
    """Return the absolute position that can be liquidated (lots)."""
    if world.instruments[instrument].kind == SPOT:
        return 0
    return abs(world.positions[account, instrument].quantity_lots)


@kernel
def _open_positions(world, account):
    lots = 0
    leg = account
    while leg != NO_ACCOUNT:
        for instrument in range(world.instrument_count):
            lots += _held(world, leg, instrument)
        leg = shorts_of(world, leg)
    return lots


@kernel
def _reduce(world, account, instrument, lots, worst_ticks):
    """Close lots of a position at no worse a price; returns how many the book took.

    Writes: book, cash, positions.
    """
    if lots <= 0:
        return 0
    held = world.positions[account, instrument].quantity_lots
    signed = -lots if held > 0 else lots
    left = market_order(world, account, instrument, signed, FILL_LIQUIDATION, worst_ticks)
    return lots - abs(left)


@kernel
def bankruptcy_ticks(world, account, instrument):
    """Return the price at which an account's position leaves it nothing (ticks).

    It is rounded to the side of the account's creditors; 1 if no price does.
    """
    contract = world.instruments[instrument]
    lots = world.positions[account, instrument].quantity_lots
    owner = payer(world, account)
    worth = counted_worth(world, owner, QUOTE) + counted_worth(world, owner, COIN)
    mark = contract.mark_price
    if contract.inverse:
        coins = worth / QUANTA / world.price.value
        price = inverse_bankruptcy_price(lots * contract.face, mark, coins, 0.0)
    else:
        value = 1.0 if contract.currency == QUOTE else world.price.value
        price = bankruptcy_price(lots * contract.lot_size, mark, worth / QUANTA / value, 0.0)
    if not 0.0 < price < _HIGHEST * mark:
        return np.int64(1) if lots > 0 else np.int64(0)
    return np.int64(rounded_safe(price / contract.tick_size, 1.0, float(lots)))


@kernel
def _largest_position(world, account):
    """Return account and instrument of the largest maintenance margin, the first of equals."""
    holder, largest, needed = account, NO_INSTRUMENT, 0
    leg = account
    while leg != NO_ACCOUNT:
        for instrument in range(world.instrument_count):
            margin = position_maintenance(world, leg, instrument)
            if margin > needed:
                holder, largest, needed = leg, instrument, margin
        leg = shorts_of(world, leg)
    return holder, largest


@kernel
def _lots_to_close(world, account, instrument, step):
    """Return how much of a position a step closes (lots)."""
    contract = world.instruments[instrument]
    held = _held(world, account, instrument)
    if step == STEP_REDUCE_SLICE:
        venue = world.venues[world.accounts[account].venue]
        return max(mul_div(held, venue.liquidation_slice_e9), 1)
    notional = marked_notional(contract, held)
    row = tier_of(world, contract, notional)
    if step == STEP_REDUCE_TO_RESTORE:
        return _lots_to_restore(world, account, instrument, held)
    row -= 2 if step == STEP_REDUCE_TWO_TIERS else 1
    if row < contract.first_tier:
        # There is no lower tier: the steps after this one are for it.
        return 0
    return held - share_of(held, world.tiers[row].top_quanta, notional)


@kernel
def _lots_to_restore(world, account, instrument, held):
    """Return how much to close until the margin is right, if nothing else changes (lots).

    The margins of the other positions are taken off the equity: closing this one frees its own.
    """
    contract, state = world.instruments[instrument], world.accounts[payer(world, account)]
    notional = held * contract.lot_size * contract.mark_price
    if notional == 0.0:
        return held
    own = position_maintenance(world, account, instrument)
    rate = own / QUANTA / notional
    fee_rate = world.venues[contract.venue].liquidation_fee_e9 / RATE_UNIT
    units = quantity_to_restore(
        held * contract.lot_size,
        contract.mark_price,
        (state.equity_quanta - (state.maintenance_quanta - own)) / QUANTA,
        rate,
        # With a fee above the margin that is freed no part would be enough: it is left out.
        fee_rate if fee_rate < rate else 0.0,
    )
    return min(held, math.ceil(units / contract.lot_size))


# --- Handing over ----------------------------------------------------------------------------


@kernel
def _hand_over_all(world, account):
    """Hand over every position at prices that leave the account nothing, and its collateral.

    What the account is still worth, or owes, is shared over its positions by their size.
    """
    settle_account(world, account)
    before = owner_equity(world, account)
    worth = counted_worth(world, account, QUOTE) + counted_worth(world, account, COIN)
    size = 0
    leg = account
    while leg != NO_ACCOUNT:
        for instrument in range(world.instrument_count):
            size += _size(world, leg, instrument)
        leg = shorts_of(world, leg)
    leg = account
    while leg != NO_ACCOUNT:
        for instrument in range(world.instrument_count):
            part = _size(world, leg, instrument)
            # Also what is worth nothing at the mark.
            if _held(world, leg, instrument) > 0:
                share = share_of(worth, part, size) if part < size else worth
                worth -= share
                size -= part
                _hand_over(world, leg, instrument, share)
        leg = shorts_of(world, leg)
    settle_debts(world, account)
    _take_collateral(world, account)
    attribute_loss(world, account, PART_LIQUIDATION, before)


@kernel
def counted_worth(world, account, currency):
    """Return cash and all that is held in a currency that counts as margin (quanta of QUOTE)."""
    if world.venues[world.accounts[account].venue].collateral_e9[currency] == 0:
        return 0
    return in_quote(world, marked_worth(world, account, currency), currency)


@kernel
def _size(world, account, instrument):
    """Return the absolute value of a position that can be liquidated (quanta of QUOTE)."""
    contract = world.instruments[instrument]
    held = _held(world, account, instrument)
    return in_quote(world, marked_notional(contract, held), contract.currency) if held > 0 else 0


@kernel
def _hand_over(world, account, instrument, share_quanta):
    """Hand over one position for its marked value less `share_quanta` (QUOTE)."""
    contract = world.instruments[instrument]
    if share_quanta < 0:
        _cover(world, payer(world, account), -share_quanta)
    if contract.currency == COIN:
        share_quanta = scaled(share_quanta, FINE_UNIT, world.price.coin_quanta)
    hand_over_position(world, instrument, account, share_quanta)


@kernel
def _cover(world, account, amount):
    """Note what others have paid for an account; a bonus that it had is lost to that extent."""
    state = world.accounts[account]
    state.covered_quanta += amount
    state.bonus_quanta -= min(state.bonus_quanta, amount)


@kernel
def settle_debts(world, account):
    """Let the insurance fund take what an account without positions owes, and its collateral.

    Writes: cash, covered_quanta, bonus_quanta.
    """
    venue = world.venues[world.accounts[account].venue]
    quote = world.cash[account, QUOTE] if venue.collateral_e9[QUOTE] > 0 else 0
    coins = world.cash[account, COIN] if venue.collateral_e9[COIN] > 0 else 0
    debt = -(quote + in_quote(world, coins, COIN))
    if debt > 0:
        transfer(world, account, venue.insurance_account, QUOTE, quote)
        transfer(world, account, venue.insurance_account, COIN, coins)
        _cover(world, account, debt)


@kernel
def _take_collateral(world, account):
    """Let the insurance fund have the money of an account that owes as much as it has.

    After everything was handed over that is so: debts in one currency, collateral in the other.
    Writes: cash.
    """
    venue = world.venues[world.accounts[account].venue]
    if venue.collateral_e9[QUOTE] == 0 or venue.collateral_e9[COIN] == 0:
        return
    quote, coins = world.cash[account, QUOTE], world.cash[account, COIN]
    if (quote < 0) != (coins < 0):
        transfer(world, account, venue.insurance_account, QUOTE, quote)
        transfer(world, account, venue.insurance_account, COIN, coins)


# --- Isolated positions ----------------------------------------------------------------------


@kernel
def _check_positions(world, account):
    """Hand over every isolated position whose own margin is not enough. Writes: as liquidation.

    What an account without positions still owes, the insurance fund pays.
    """
    settle_account(world, account)
    draw_on_margins(world, account)
    leg = account
    while leg != NO_ACCOUNT:
        for instrument in range(world.instrument_count):
            contract = world.instruments[instrument]
            if _held(world, leg, instrument) == 0 or is_option(contract):
                continue
            worth = in_quote(world, isolated_equity(world, leg, instrument), contract.currency)
            if worth >= position_maintenance(world, leg, instrument):
                continue
            before = owner_equity(world, account)
            world.accounts[account].liquidations += 1
            cancel_orders(world, account)
            _hand_over(world, leg, instrument, worth)
            attribute_loss(world, account, PART_LIQUIDATION, before)
        leg = shorts_of(world, leg)
    if _open_positions(world, account) == 0:
        before = owner_equity(world, account)
        settle_debts(world, account)
        attribute_loss(world, account, PART_LIQUIDATION, before)
