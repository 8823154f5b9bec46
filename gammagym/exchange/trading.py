"""An order meets the book, and its fills become money.

The matching engine knows prices and queues; here every trade moves positions, cash and fees between
two accounts. What the engine does besides trading, to icebergs, self-trades and reduce-only orders,
costs nobody anything.
"""

from __future__ import annotations

import numpy as np

from gammagym._kernel import kernel
from gammagym.engine.book import best_price, has_side
from gammagym.engine.entry import may_rest, rest_order
from gammagym.engine.matching import match
from gammagym.engine.members import NO_MEMBER
from gammagym.engine.protocol import TRADE
from gammagym.engine.reducing import count_trade, drop_first, enforce, forget_list, list_owner
from gammagym.engine.waiting import any_price_moved
from gammagym.exchange.attribution import (
    attribute_liquidation_fee,
    attribute_maker_fill,
    attribute_taker_fill,
)
from gammagym.exchange.ledger import book_trade, charge_fee, in_quote, mul_div, payer, transfer
from gammagym.exchange.margin import set_margin_aside
from gammagym.world.codes import (
    ACCEPTED,
    BUY,
    FEES_DERIVATIVE,
    FILL_LIQUIDATION,
    FILL_ORDERED,
    MARGIN_ISOLATED,
    NO_ACCOUNT,
    NO_ORDER,
    NOBODY,
    REJECT_FULL,
    SELL,
)
from gammagym.world.sizes import FILLS_AT_ONCE, WATCHED


@kernel
def mid_price(world, instrument):
    """Return the middle of the best quotes (price units), or the mark when a side is empty."""
    book = world.books[instrument]
    contract = world.instruments[instrument]
    if not (has_side(book, BUY) and has_side(book, SELL)):
        return contract.mark_price
    return 0.5 * (best_price(book, BUY) + best_price(book, SELL)) * contract.tick_size


@kernel
def is_closed(world, instrument):
    """Return whether nothing trades: its venue is closed, it has expired, a breaker has tripped."""
    contract = world.instruments[instrument]
    if world.venues[contract.venue].halted or contract.settled:
        return True
    # The market that warms up, at negative times, knows no pause.
    return 0 <= world.time_ns < contract.paused_until_ns


@kernel
def refuse(world, account, reason):
    """Count a refusal, or a cancelation nobody asked for; returns NO_ORDER.

    Writes: rejects or rejected_background and without_room.
    """
    agent = world.accounts[account].agent
    if agent == NO_ACCOUNT:
        world.rejected_background += 1
        if reason == REJECT_FULL:
            world.without_room += 1
    else:
        world.agents[agent].rejects[reason] += 1
    return NO_ORDER


@kernel
def trade_and_rest(world, message):
    """Match the order in `world.work`, let the rest of it rest if it may; returns its row.

    Writes: work, book, cash, positions, rejects; `triggers_due` if a price has moved.
    """
    book, work = world.books[message.instrument], world.work
    forget_list(work)
    take(world, message)
    row = np.int64(NO_ORDER)
    if work.left_lots > 0 and work.stopped == ACCEPTED and may_rest(work):
        row = rest_order(book, work)
        if row == NO_ORDER:
            refuse(world, message.account, REJECT_FULL)
        elif work.reduce_only:
            list_owner(book, work, work.owner)
        if row != NO_ORDER and world.accounts[message.account].agent != NO_ACCOUNT:
            _watch(world, row)
    elif work.stopped != ACCEPTED:
        refuse(world, message.account, work.stopped)
    if work.first_member != NO_MEMBER:
        _enforce_listed(world, book)
    if any_price_moved(book):
        world.triggers_due = 1
    return row


@kernel
def _watch(world, row):
    """Let the crowd have an eye on a competitor's order. Writes: watched_*, watching."""
    order = world.orders[row]
    place = order.order_id % WATCHED
    world.watched_rows[place] = row
    world.watched_ids[place] = order.order_id
    world.watching = 1


@kernel
def take(world, message):
    """Match the order in `world.work` against the book and book its fills.

    Writes: work, book, cash, positions, rejects.
    """
    book, work = world.books[message.instrument], world.work
    mid = mid_price(world, message.instrument)
    while work.left_lots > 0:
        count = match(book, work)
        for index in range(count):
            fill = work.fills[index]
            if fill.kind != TRADE:
                refuse(world, fill.maker_owner, fill.reason)
                continue
            if fill.maker_owner != message.account:
                _book_fill(world, message, fill, mid)
            if book.known_members > 0:
                count_trade(book, work, fill)
        if not work.unfinished:
            return
        if work.look_at != NOBODY and not _enforce(world, book, work.look_at):
            work.cleared = -1


@kernel
def _enforce_listed(world, book):
    """Look at the reduce-only orders of everybody who has traded. Writes: book, rejects."""
    work = world.work
    while work.first_member != NO_MEMBER:
        owner = world.members[work.instrument, work.first_member].owner
        while not _enforce(world, book, owner):
            pass
        drop_first(book, work)


@kernel
def _enforce(world, book, owner):
    """Cut an owner's reduce-only orders; returns whether that was all. Writes: book, rejects."""
    count = enforce(book, world.work, owner)
    for index in range(count):
        refuse(world, owner, world.work.fills[index].reason)
    return count < FILLS_AT_ONCE


@kernel
def _book_fill(world, message, fill, mid):
    """Move position, cash and fees of one trade between two different accounts."""
    instrument, quantity = message.instrument, fill.quantity_lots
    contract = world.instruments[instrument]
    taker = world.accounts[payer(world, message.account)]
    maker = world.accounts[payer(world, fill.maker_owner)]
    value = book_trade(
        world,
        instrument,
        message.account,
        fill.maker_owner,
        message.side,
        fill.price_ticks,
        quantity,
    )
    if message.liquidation:
        taker_fee = _charge_liquidation_fee(world, message.account, contract, value)
    else:
        rate = taker.taker_fee_e9[contract.fee_class]
        taker_fee = charge_fee(world, instrument, message.account, value, quantity, rate)
    rate = maker.maker_fee_e9[contract.fee_class]
    maker_fee = charge_fee(world, instrument, fill.maker_owner, value, quantity, rate)
    notional = in_quote(world, value, contract.currency)
    taker.traded_quanta += notional
    maker.traded_quanta += notional
    if contract.fee_class == FEES_DERIVATIVE:
        taker.volume_quanta += notional
        maker.volume_quanta += notional
    taker.taker_fills += 1
    maker.maker_fills += 1
    cause = FILL_LIQUIDATION if message.liquidation else FILL_ORDERED
    _set_aside(world, message.account, instrument)
    _set_aside(world, fill.maker_owner, instrument)
    if taker.agent != NO_ACCOUNT:
        attribute_taker_fill(world, message, fill, mid, taker_fee)
        line = log_fill(
            world,
            message.account,
            instrument,
            message.side,
            fill.price_ticks,
            quantity,
            taker_fee,
            cause,
        )
        line.order_id = message.order_id
    if maker.agent != NO_ACCOUNT:
        attribute_maker_fill(world, message, fill, mid, maker_fee)
        line = log_fill(
            world,
            fill.maker_owner,
            instrument,
            1 - message.side,
            fill.price_ticks,
            quantity,
            maker_fee,
            FILL_ORDERED,
        )
        line.order_id = fill.maker_id
        line.maker = 1


@kernel(inline=True)
def _set_aside(world, account, instrument):
    if world.accounts[account].margin_mode == MARGIN_ISOLATED:
        set_margin_aside(world, account, instrument)


@kernel
def _charge_liquidation_fee(world, account, contract, value):
    """Take the liquidation fee on a trade for the insurance fund; returns it. Writes: cash."""
    venue = world.venues[contract.venue]
    if account == venue.insurance_account:
        return 0
    fee = mul_div(value, venue.liquidation_fee_e9)
    transfer(world, payer(world, account), venue.insurance_account, contract.currency, fee)
    if world.accounts[account].agent != NO_ACCOUNT:
        quote_fee = in_quote(world, fee, contract.currency)
        attribute_liquidation_fee(world, world.accounts[account].agent, quote_fee)
    return fee


@kernel
def log_fill(world, account, instrument, side, price_ticks, quantity_lots, fee, cause):
    """Write one line of the ring of competitors' trades; returns it. Writes: fills, fill_count."""
    line = world.fills[world.fill_count % len(world.fills)]
    world.fill_count += 1
    line.time_ns = world.time_ns
    line.order_id = 0
    line.price_ticks = price_ticks
    line.quantity_lots = quantity_lots if side == BUY else -quantity_lots
    line.fee_quanta = fee
    line.account = account
    line.instrument = instrument
    line.maker = 0
    line.cause = cause
    return line
