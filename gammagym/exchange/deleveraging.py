"""Who takes over a bankrupt position: the insurance fund, or those who have won against it.

A position is handed over for a value that leaves its owner nothing. While the insurance fund can
bear it, the fund takes the position and works it out in the book. When it cannot, the position is
closed against the opposite positions of other accounts, in the venue's rank: they lose a profitable
hedge at the bankruptcy price and learn of it as a fill. Or all who have gains pay a share of what
the fund lacks (docs/rules/liquidation).
"""

from __future__ import annotations

import numpy as np

from gammagym._kernel import kernel
from gammagym.exchange.attribution import attribute_loss, owner_equity
from gammagym.exchange.formulas.deleveraging import levered_profit, profit_share, signed_rank
from gammagym.exchange.formulas.margin import margin_ratio
from gammagym.exchange.ledger import (
    change_position,
    in_quote,
    marked_notional,
    mul_div,
    payer,
    settle_funding,
    share_of,
    shorts_of,
    transfer,
    value_at,
)
from gammagym.exchange.margin import (
    is_option,
    maintenance_margin,
    margin_balance,
    marked_gain,
    marked_worth,
)
from gammagym.exchange.orders import cancel_orders
from gammagym.exchange.own_orders import market_order
from gammagym.exchange.trading import log_fill
from gammagym.world.codes import (
    BACKSTOP_DELEVERAGING,
    BUY,
    COIN,
    FILL_DELEVERAGING,
    FILL_LIQUIDATION,
    FIRST_AGENT_ACCOUNT,
    NO_ACCOUNT,
    PART_DELEVERAGING,
    QUOTE,
    RANK_MARGIN_RATIO,
    RANK_SIGNED_LEVERAGE,
    SELL,
    SPOT,
)
from gammagym.world.sizes import QUANTA

# A balance below this does not top the queue (Binance FAQ 360033525471).
LEAST_BALANCE = 1.0
# Accounts that are not margined are last in the queue, in their order: participants, such as the
# leveraged crowd, before the world's own.
_PARTICIPANT, _UNRANKED = -1e299, -1e300


@kernel
def hand_over_position(world, instrument, account, share_quanta):
    """Take a position off an account for its marked value less what the account was worth.

    Args:
        world: one world.
        instrument: what is handed over.
        account: whose it is.
        share_quanta: what the position's owner had left in it, < 0 if it owed (quanta of the
            contract's currency).

    Writes: cash, positions, fills.
    """
    lots = world.positions[account, instrument].quantity_lots
    hand_over_lots(world, instrument, account, lots, share_quanta)


@kernel
def hand_over_lots(world, instrument, account, lots, share_quanta):
    """Take signed lots of a position off an account; all else as in `hand_over_position`.

    Writes: cash, positions, fills.
    """
    contract = world.instruments[instrument]
    value = value_at(contract, contract.mark_quanta, lots) - share_quanta
    change_position(world, instrument, account, -lots, -value)
    log_closing(world, instrument, account, -lots, value, FILL_LIQUIDATION)
    venue = world.venues[contract.venue]
    bears = _fund_bears(world, venue, share_quanta, contract.currency)
    if venue.backstop == BACKSTOP_DELEVERAGING and not bears:
        _deleverage(world, instrument, account, lots, value)
    else:
        change_position(world, instrument, venue.insurance_account, lots, value)


@kernel
def _fund_bears(world, venue, share_quanta, currency):
    """Return whether the insurance fund has enough for a position with this much left in it."""
    fund = venue.insurance_account
    return fund_balance(world, fund) + in_quote(world, min(share_quanta, 0), currency) > 0


@kernel
def fund_balance(world, fund):
    """Return cash and positions of an insurance fund at the marks (quanta of QUOTE)."""
    coins = marked_worth(world, fund, COIN)
    return marked_worth(world, fund, QUOTE) + in_quote(world, coins, COIN)


@kernel
def net_legs(world, account):
    """Close an account's long and short legs against each other at the mark; returns the lots.

    So no account that is liquidated stands on both sides of an instrument. Writes: cash, positions,
    fills.
    """
    shorts, closed = shorts_of(world, account), 0
    if shorts == NO_ACCOUNT:
        return 0
    for instrument in range(world.instrument_count):
        contract = world.instruments[instrument]
        long = world.positions[account, instrument].quantity_lots
        lots = min(long, -world.positions[shorts, instrument].quantity_lots)
        if lots > 0 and not is_option(contract):
            value = value_at(contract, contract.mark_quanta, lots)
            change_position(world, instrument, account, -lots, -value)
            change_position(world, instrument, shorts, lots, value)
            log_closing(world, instrument, account, -lots, value, FILL_LIQUIDATION)
            log_closing(world, instrument, shorts, lots, value, FILL_LIQUIDATION)
            closed += lots
    return closed


@kernel
def work_out(world, row):
    """Sell a slice of what a venue's insurance fund has taken over. Writes: books, cash."""
    venue = world.venues[row]
    fund = venue.insurance_account
    for instrument in range(world.instrument_count):
        contract = world.instruments[instrument]
        lots = world.positions[fund, instrument].quantity_lots
        if lots != 0 and contract.venue == row and not contract.settled:
            part = max(mul_div(abs(lots), venue.liquidation_slice_e9), 1)
            signed = -part if lots > 0 else part
            market_order(world, fund, instrument, signed, FILL_LIQUIDATION, 0)


# --- Auto-deleveraging -----------------------------------------------------------------------


@kernel
def _deleverage(world, instrument, owner, lots, value):
    """Close a position of `owner` against those of others, first in rank first, at one price.

    Positions sum to zero, so there are enough of them. Writes: cash, positions, fills, orders.
    """
    while lots != 0:
        account = _first_in_rank(world, instrument, lots)
        held = world.positions[account, instrument].quantity_lots
        taken = min(abs(lots), abs(held))
        amount = share_of(value, taken, abs(lots))
        signed = taken if lots > 0 else -taken
        deleverage(world, instrument, account, signed, amount, owner)
        lots -= signed
        value -= amount


@kernel
def deleverage(world, instrument, account, signed_lots, value, owner):
    """Change a position by lots worth `value` for the sake of `owner`; its orders are canceled.

    The other side is the caller's to book. Writes: cash, positions, fills, orders, accounts.
    """
    settle_funding(world, instrument, account)
    before = owner_equity(world, account)
    if world.accounts[account].agent != NO_ACCOUNT:
        cancel_orders(world, account)
        world.accounts[payer(world, account)].deleveragings += 1
    change_position(world, instrument, account, signed_lots, value)
    if world.accounts[owner].partner != account:
        # Else it is part of what its owner loses by the liquidation.
        attribute_loss(world, account, PART_DELEVERAGING, before)
    log_closing(world, instrument, account, signed_lots, value, FILL_DELEVERAGING)


@kernel
def _first_in_rank(world, instrument, lots):
    """Return the account whose opposite position is closed first."""
    first, highest = NO_ACCOUNT, -np.inf
    for account in range(world.account_count):
        held = world.positions[account, instrument].quantity_lots
        if held != 0 and (held > 0) != (lots > 0):
            rank = deleveraging_rank(world, account, instrument)
            if rank > highest:
                first, highest = account, rank
    return first


@kernel
def deleveraging_rank(world, account, instrument):
    """Return an account's place in the queue of an instrument: the highest goes first."""
    owner, contract = payer(world, account), world.instruments[instrument]
    if not world.accounts[owner].margined:
        return _PARTICIPANT if account >= FIRST_AGENT_ACCOUNT else _UNRANKED
    cash = in_quote(world, world.cash[owner, contract.currency], contract.currency) / QUANTA
    gain = in_quote(world, marked_gain(world, account, instrument), contract.currency) / QUANTA
    venue = world.venues[contract.venue]
    equity = margin_balance(world, owner) / QUANTA
    held = world.positions[account, instrument].quantity_lots
    size = in_quote(world, marked_notional(contract, held), contract.currency) / QUANTA
    if venue.rank == RANK_MARGIN_RATIO:
        ratio = margin_ratio(maintenance_margin(world, owner) / QUANTA, equity)
        return levered_profit(profit_share(gain, cash, LEAST_BALANCE), min(ratio, 1e9))
    if size == 0.0:
        return 0.0
    leverage = min(size / equity, 1e9) if equity > 0.0 else 1e9
    if venue.rank == RANK_SIGNED_LEVERAGE:
        return signed_rank(gain / size, leverage)
    return levered_profit(profit_share(gain, cash, LEAST_BALANCE), leverage)


@kernel
def log_closing(world, instrument, account, signed_lots, value, cause):
    """Tell a competitor of a position that was closed for it, at the price it was closed at."""
    if world.accounts[account].agent == NO_ACCOUNT:
        return
    contract, lots = world.instruments[instrument], abs(signed_lots)
    if contract.inverse:
        ticks = contract.tick_quanta * lots / max(abs(value), 1)
    else:
        ticks = abs(value) / (contract.tick_quanta * lots)
    side = BUY if signed_lots > 0 else SELL
    log_fill(world, account, instrument, side, np.int64(round(ticks)), lots, 0, cause)


# --- Socialised loss -------------------------------------------------------------------------


@kernel
def share_losses(world, row):
    """Let all who have gains pay what a venue's fund lacks, in proportion to their gains.

    Writes: cash, socialised_quanta.
    """
    fund = world.venues[row].insurance_account
    for currency in (QUOTE, COIN):
        lacking = -marked_worth(world, fund, currency)
        if lacking <= 0:
            continue
        total = 0
        for account in range(world.account_count):
            total += _gains(world, account, row, currency)
        lacking = min(lacking, total)
        for account in range(world.account_count):
            gains = _gains(world, account, row, currency)
            if lacking > 0 and gains > 0:
                before = owner_equity(world, account)
                paid = share_of(lacking, gains, total)
                transfer(world, account, fund, currency, paid)
                lacking -= paid
                total -= gains
                world.accounts[account].socialised_quanta += in_quote(world, paid, currency)
                attribute_loss(world, account, PART_DELEVERAGING, before)


@kernel
def _gains(world, account, row, currency):
    """Return an account's marked gains on a venue in one currency, 0 if it has lost (quanta).

    What an option cost, which was paid for at once, is not kept: options have no part in this.
    """
    total = 0
    if account == world.venues[row].insurance_account or world.accounts[account].short_legs:
        return 0
    leg = account
    while leg != NO_ACCOUNT:
        for instrument in range(world.instrument_count):
            contract = world.instruments[instrument]
            listed = contract.venue == row and contract.currency == currency
            if listed and contract.kind != SPOT and not is_option(contract):
                total += marked_gain(world, leg, instrument)
        leg = shorts_of(world, leg)
    return max(total, 0)
