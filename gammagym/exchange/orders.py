"""Instructions carried out at the venue: orders are entered, changed, canceled, triggered, and end.

What is refused is in `admission`, orders that nobody sends are in `own_orders`.
"""

from __future__ import annotations

import numpy as np

from gammagym._kernel import kernel
from gammagym.engine.book import shrink
from gammagym.engine.entry import (
    get_ready,
    has_trigger,
    is_malformed,
    keeps_place,
    load_order,
    reason_against_change,
    reason_against_entering,
)
from gammagym.engine.members import allow_message
from gammagym.engine.terms import next_expired
from gammagym.engine.waiting import leave, next_triggered, take_out, wait
from gammagym.exchange.admission import know_owner, load_message, reason_against, reason_of_exchange
from gammagym.exchange.marks import tell_book
from gammagym.exchange.trading import is_closed, mid_price, refuse, trade_and_rest
from gammagym.world.codes import (
    ACCEPTED,
    BUY,
    CANCEL,
    CANCEL_ALL,
    DISCONNECT,
    FUTURE,
    MODIFY,
    NEW,
    NO_ACCOUNT,
    NO_ORDER,
    NO_TERMS,
    PERPETUAL,
    REJECT_DISCONNECTED,
    REJECT_EXPIRED,
    REJECT_FULL,
    REJECT_HALTED,
    REJECT_MESSAGE,
    REJECT_RATE,
    REJECT_UNKNOWN_ORDER,
    REJECT_WAITING,
    SELL,
    UNSET,
)
from gammagym.world.sizes import WATCHED


@kernel
def next_order_id(world):
    """Return a fresh order id. Writes: next_order_id."""
    world.next_order_id += 1
    return world.next_order_id - 1


@kernel
def find_order(world, instrument, account, order_id):
    """Return the row of an account's order, or NO_ORDER. O(rows of the pool), mostly O(1)."""
    # Competitors' orders are watched, the last of them at least.
    row = np.int64(world.watched_rows[order_id % WATCHED])
    if _is_order(world, row, instrument, account, order_id):
        return row
    for row in range(len(world.orders)):
        if _is_order(world, row, instrument, account, order_id):
            return row
    return NO_ORDER


@kernel(inline=True)
def _is_order(world, row, instrument, account, order_id):
    """Return whether a row holds this order."""
    order = world.orders[row]
    is_named = order.order_id == order_id and order.owner == account
    return is_named and order.live == 1 and order.instrument == instrument


@kernel(inline=True)
def make_plain(message):
    """Leave out of an instruction all that an ordinary order does not say. Writes: message."""
    message.trigger = 0
    message.self_trade = UNSET
    message.display_lots = 0
    message.trigger_ticks = 0
    message.trail_ticks = 0
    message.expiry_ns = 0


# --- Instructions ----------------------------------------------------------------------------


@kernel
def is_shut(world, message):
    """Return whether a venue takes no such instruction now: it is closed, or takes no cancels."""
    venue = world.venues[world.instruments[message.instrument].venue]
    cancels = message.kind == CANCEL or message.kind == MODIFY or message.kind == CANCEL_ALL
    return venue.halted or (venue.cancels_halted and cancels)


@kernel
def execute(world, message):
    """Carry out one instruction that has arrived; returns the row at which its order is then.

    Writes: book, cash, positions, rejects.
    """
    book = world.books[message.instrument]
    open_times(world)
    if is_shut(world, message):
        return refuse(world, message.account, REJECT_HALTED)
    if message.kind == CANCEL_ALL:
        cancel_orders(world, message.account)
        return NO_ORDER
    if message.kind == DISCONNECT:
        return _disconnect(world, message)
    load_message(world.work, message)
    if message.kind == NEW and is_malformed(world.work):
        return refuse(world, message.account, REJECT_MESSAGE)
    if not allow_message(book, message.account, world.time_ns):
        return refuse(world, message.account, REJECT_RATE)
    if message.kind == NEW:
        return enter(world, message)
    row = find_order(world, message.instrument, message.account, message.order_id)
    if row == NO_ORDER:
        return refuse(world, message.account, REJECT_UNKNOWN_ORDER)
    if message.kind == CANCEL:
        take_out(book, row)
        return NO_ORDER
    return _modify(world, message, row)


@kernel
def open_times(world):
    """Tell all books the time, and let the orders end that it has overtaken."""
    for instrument in range(world.instrument_count):
        open_time(world, instrument)


@kernel(inline=True)
def open_time(world, instrument):
    """Tell a book the time, and let the orders end that it has overtaken. Writes: book, rejects."""
    book = world.books[instrument]
    book.time_ns = world.time_ns
    if book.first_expiry != NO_TERMS:
        _end_overtaken(world, book)


@kernel
def _end_overtaken(world, book):
    row = next_expired(book, world.time_ns)
    while row != NO_ORDER:
        refuse(world, world.orders[row].owner, REJECT_EXPIRED)
        take_out(book, row)
        row = next_expired(book, world.time_ns)


@kernel
def cancel_orders(world, account):
    """Cancel every order of an account, those of both legs. O(rows of the pool)."""
    partner = world.accounts[account].partner
    for row in range(len(world.orders)):
        order = world.orders[row]
        if order.live and (order.owner == account or order.owner == partner):
            take_out(world.books[order.instrument], row)


@kernel
def _disconnect(world, message):
    """Cancel an account's orders where the venue does so. Writes: books, rejects."""
    partner = world.accounts[message.account].partner
    for row in range(len(world.orders)):
        order = world.orders[row]
        if order.live and (order.owner == message.account or order.owner == partner):
            book = world.books[order.instrument]
            if book.rules.cancel_on_disconnect:
                refuse(world, message.account, REJECT_DISCONNECTED)
                take_out(book, row)
    return NO_ORDER


@kernel
def enter(world, message):
    """Check, match and, if its time in force allows it, rest a new order; returns its row.

    Writes: work, book, cash, positions, rejects; `message` becomes as the venue took it.
    """
    if world.accounts[message.account].partner != NO_ACCOUNT and _closes_leg(world, message):
        # So it never turns a leg, and several of them never close more than there is.
        message.reduce_only = 1
    load_message(world.work, message)
    reason = reason_against(world, message)
    if reason != ACCEPTED:
        return refuse(world, message.account, reason)
    if has_trigger(world.work):
        row = wait(world.books[message.instrument], world.work)
        return refuse(world, message.account, REJECT_FULL) if row == NO_ORDER else row
    return trade_and_rest(world, message)


@kernel
def _closes_leg(world, message):
    """Return whether an order in hedge mode is on the side that closes (docs/rules/margin).

    Spot and options have one position only.
    """
    kind = world.instruments[message.instrument].kind
    closing = BUY if world.accounts[message.account].short_legs else SELL
    return message.side == closing and kind in (PERPETUAL, FUTURE)


@kernel
def _modify(world, message, row):
    """Change price or open quantity of an order that rests; priority as the venue has it."""
    book, work = world.books[message.instrument], world.work
    if world.orders[row].side > SELL:
        refuse(world, message.account, REJECT_WAITING)
        return row
    load_order(book, work, row)
    message.side, message.tif, message.reduce_only = work.side, work.tif, work.reduce_only
    work.price_ticks, work.left_lots = message.price_ticks, message.quantity_lots
    contract = world.instruments[message.instrument]
    reason = REJECT_HALTED
    if not is_closed(world, message.instrument):
        know_owner(world, book, message)
        if contract.price_band > 0.0:
            tell_book(world, message.instrument)
        reason = reason_against_change(book, work, row)
    if reason == ACCEPTED:
        get_ready(book, work)
        # Its own margin must not count against it: margin looks at positions, not at orders.
        reason = reason_of_exchange(world, message)
    if reason != ACCEPTED:
        refuse(world, message.account, reason)
        return row
    if keeps_place(book, work, row):
        shrink(book, row, work.left_lots)
        return row
    take_out(book, row)
    return trade_and_rest(world, message)


# --- Triggers --------------------------------------------------------------------------------


@kernel
def carry_out_triggers(world):
    """Carry out every order whose trigger has been reached, one after the other, in every book.

    Where nothing trades they wait on; what has triggered them meanwhile is remembered.
    Writes: triggers_due, incoming (the work space), books, cash, positions, rejects.
    """
    world.triggers_due = 0
    for instrument in range(world.instrument_count):
        if is_closed(world, instrument):
            continue
        book = world.books[instrument]
        row = next_triggered(book)
        while row != NO_ORDER:
            leave(book, row, world.work)
            _enter_triggered(world, instrument)
            row = next_triggered(book)
    world.triggers_due = 0


@kernel
def _enter_triggered(world, instrument):
    """Let the order in `work`, which has left the waiting room, into its book."""
    book, work, message = world.books[instrument], world.work, world.incoming
    message.kind = NEW
    message.order_id = work.order_id
    message.account = work.owner
    message.instrument = instrument
    message.side = work.side
    message.tif = work.tif
    message.reduce_only = work.reduce_only
    message.liquidation = 0
    message.decision_mid = mid_price(world, instrument)
    know_owner(world, book, message)
    reason = reason_against_entering(book, work)
    if reason == ACCEPTED:
        get_ready(book, work)
        reason = reason_of_exchange(world, message)
    if reason != ACCEPTED:
        refuse(world, message.account, reason)
    else:
        trade_and_rest(world, message)
