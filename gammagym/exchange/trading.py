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
from gammagym.exchange.attribution import attribute_maker_fill, attribute_taker_fill
from gammagym.exchange.ledger import book_trade, charge_fee
from gammagym.world import (
    ACCEPTED,
    BUY,
    FILLS_AT_ONCE,
    NO_ACCOUNT,
    NO_ORDER,
    NOBODY,
    REJECT_FULL,
    SELL,
)


@kernel
def mid_price(world, instrument):
    """Return the middle of the best quotes (price units), or the mark when a side is empty."""
    book = world.books[instrument]
    contract = world.instruments[instrument]
    if not (has_side(book, BUY) and has_side(book, SELL)):
        return contract.mark_price
    return 0.5 * (best_price(book, BUY) + best_price(book, SELL)) * contract.tick_size


@kernel
def refuse(world, account, reason):
    """Count a refusal, or a cancelation nobody asked for; returns NO_ORDER.

    Writes: rejects or rejected_background.
    """
    agent = world.accounts[account].agent
    if agent == NO_ACCOUNT:
        world.rejected_background += 1
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
    elif work.stopped != ACCEPTED:
        refuse(world, message.account, work.stopped)
    if work.first_member != NO_MEMBER:
        _enforce_listed(world, book)
    if any_price_moved(book):
        world.triggers_due = 1
    return row


@kernel(once=True)
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


@kernel(once=True)
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


@kernel(once=True)
def _book_fill(world, message, fill, mid):
    """Move position, cash and fees of one trade between two different accounts."""
    instrument, quantity = message.instrument, fill.quantity_lots
    taker, maker = world.accounts[message.account], world.accounts[fill.maker_owner]
    book_trade(
        world,
        instrument,
        message.account,
        fill.maker_owner,
        message.side,
        fill.price_ticks,
        quantity,
    )
    notional = abs(fill.price_ticks) * world.instruments[instrument].tick_quanta * quantity
    taker_rate = 0 if message.liquidation else taker.taker_fee_e9
    taker_fee = charge_fee(world, instrument, message.account, notional, taker_rate)
    maker_fee = charge_fee(world, instrument, fill.maker_owner, notional, maker.maker_fee_e9)
    taker.traded_quanta += notional
    maker.traded_quanta += notional
    taker.taker_fills += 1
    maker.maker_fills += 1
    if taker.agent != NO_ACCOUNT:
        attribute_taker_fill(world, message, fill, mid, taker_fee)
        _log_fill(world, message.account, message, fill, taker_fee, 0)
    if maker.agent != NO_ACCOUNT:
        attribute_maker_fill(world, message, fill, mid, maker_fee)
        _log_fill(world, fill.maker_owner, message, fill, maker_fee, 1)


@kernel
def _log_fill(world, account, message, fill, fee, as_maker):
    """Write one line of the ring of competitors' trades. Writes: fills, fill_count."""
    line = world.fills[world.fill_count % len(world.fills)]
    world.fill_count += 1
    bought = (message.side == BUY) != (as_maker == 1)
    line.time_ns = world.time_ns
    line.order_id = fill.maker_id if as_maker else message.order_id
    line.price_ticks = fill.price_ticks
    line.quantity_lots = fill.quantity_lots if bought else -fill.quantity_lots
    line.fee_quanta = fee
    line.account = account
    line.instrument = message.instrument
    line.maker = as_maker
    line.liquidation = 0 if as_maker else message.liquidation
