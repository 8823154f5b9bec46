"""Messages in, reports out: one book run by a stream of instructions.

A run takes one step after the other: it reads a message, or goes on with what the last one set in
motion. A new or modified order is acknowledged before its trades. Nothing is allocated here: when
rows run out, the kernel returns between two steps what it needs; the caller makes that array larger
and calls again, and the run goes on where it stopped.
"""

from __future__ import annotations

import numpy as np

from gammagym._kernel import DEBUG, kernel
from gammagym.engine.book import EARLIEST, LARGEST_LOTS, shrink
from gammagym.engine.entry import (
    get_ready,
    has_trigger,
    is_malformed,
    keeps_place,
    load_order,
    may_rest,
    reason_against_change,
    reason_against_new,
    reason_against_size,
    rest_order,
)
from gammagym.engine.feed import write_touch
from gammagym.engine.ids import find, forget, look_ahead, remember
from gammagym.engine.inspection import SOUND, check_book
from gammagym.engine.members import allow_message, join, tell_position
from gammagym.engine.protocol import (
    ACKNOWLEDGED,
    CANCEL_REJECTED,
    MODIFIED,
    MODIFY_REJECTED,
    REJECTED,
)
from gammagym.engine.reducing import forget_list, list_owner
from gammagym.engine.reporting import _rejection, refuse, report_order, report_work
from gammagym.engine.run import (
    CANCELING,
    DONE,
    LOOKING,
    MATCHING,
    NEED_LEVELS,
    NEED_MEMBERS,
    NEED_ORDERS,
    NEED_REPORTS,
    NEED_TERMS,
    NEED_UPDATES,
    READING,
    STEP_REPORTS,
    TRIGGERING,
)
from gammagym.engine.steps import (
    begin,
    cancel_row,
    cancel_some,
    look,
    trade,
    trades_at_once,
    trigger,
)
from gammagym.engine.tables import details_of, messages_of, orders_of
from gammagym.engine.terms import next_expired
from gammagym.engine.waiting import note_price, take_out, wait
from gammagym.world.codes import (
    ACCEPTED,
    CANCEL,
    CANCEL_ALL,
    CLOCK,
    DISCONNECT,
    LIMIT,
    MODIFY,
    NEW,
    NO_LEVEL,
    NO_ORDER,
    NO_TERMS,
    NOBODY,
    ON_INDEX,
    ON_LAST,
    POST_ONLY,
    REJECT_DISCONNECTED,
    REJECT_DUPLICATE_ID,
    REJECT_EXPIRED,
    REJECT_MESSAGE,
    REJECT_OVERFLOW,
    REJECT_RATE,
    REJECT_SEQUENCE,
    REJECT_UNKNOWN_ORDER,
    REJECT_WAITING,
    SELL,
    TELL_POSITION,
    TELL_PRICE,
)

# --- The run ---------------------------------------------------------------------------------


@kernel
def run_messages(runs, books):
    """Run messages from the run's position on; return DONE, or which array has to grow first.

    A debug build returns the code of what is wrong with the book as soon as anything is.
    Writes: everything that the run and the book know of, but messages and details.
    """
    run, book = runs[0], books[0]
    work = run.work
    while True:
        if run.written > run.reports_count - STEP_REPORTS:
            return NEED_REPORTS
        if 0 < book.updates_count < book.updates_written + STEP_REPORTS:
            return NEED_UPDATES
        if run.phase == READING:
            if run.touches_written < run.position and run.touches_count > 0:
                write_touch(run, book)
            if DEBUG:
                code = check_book(book) if run.broken == SOUND else run.broken
                if code != SOUND:
                    return code
            if run.position >= run.messages_count:
                return DONE
            need = _missing(book)
            if need != DONE:
                return need
            look_ahead(run, book)
            _read(run, book, work)
        elif run.phase == MATCHING:
            trade(run, book, work)
        elif run.phase == LOOKING:
            look(run, book, work)
        elif run.phase == TRIGGERING:
            trigger(run, book, work)
        else:
            cancel_some(run, book, work)


@kernel(inline=True)
def _missing(book):
    """Return which table has no room for what one message may add, or DONE."""
    if book.free_order == NO_ORDER:
        return NEED_ORDERS
    # Trailing stops may all move to prices of their own.
    if book.free_level == NO_LEVEL or (book.trailing and book.levels_count < book.orders_count):
        return NEED_LEVELS
    if book.free_terms == NO_TERMS:
        return NEED_TERMS
    return NEED_MEMBERS if 2 * book.members >= book.members_count else DONE


# --- Reading ---------------------------------------------------------------------------------


@kernel(inline=True)
def _read(run, book, work):
    """Read a message, or first let an order end that its time has overtaken. Writes: all."""
    message = messages_of(run)[run.position]
    kind = np.int64(message.kind)
    plain = run.details_count == 0
    run.sequence = book.sequence = message.sequence
    reason = ACCEPTED
    if plain:
        if kind > MODIFY:
            reason = REJECT_MESSAGE
        elif kind == NEW:
            _load_message(work, message)
            if work.tif > POST_ONLY or work.side > SELL:
                reason = REJECT_MESSAGE
    else:
        reason = _load_instruction(run, work, message)
    if reason == ACCEPTED and _is_late(run, book, message):
        reason = REJECT_SEQUENCE
    if reason == ACCEPTED:
        if book.first_expiry != NO_TERMS and _expire_one(run, book):
            return
        run.last_sequence = message.sequence
        if not plain:
            book.time_ns = details_of(run)[run.position].time
        if book.rules.rate_interval_ns > 0 and kind <= MODIFY:
            if not allow_message(book, np.int64(message.owner), book.time_ns):
                reason = REJECT_RATE
    run.position += 1
    if reason != ACCEPTED:
        refuse(run, message, _rejection(kind), reason)
    elif kind == NEW:
        _enter(run, book, work, message)
    elif kind == CANCEL:
        _cancel(run, book, message)
    elif kind == MODIFY:
        _modify(run, book, work, message)
    else:
        _tell(run, book, work, message, kind)


@kernel(inline=True)
def _load_message(work, message):
    """Write a plain message's order into `work`. Writes: work."""
    work.order_id = message.order_id
    work.owner = message.owner
    work.side = message.side
    work.tif = message.tif
    work.price_ticks = message.price
    work.left_lots = message.quantity
    work.kind = LIMIT
    work.trigger = work.self_trade = work.reduce_only = 0
    work.display_lots = work.expiry_ns = work.trigger_ticks = work.trail_ticks = 0


@kernel
def _load_instruction(run, work, message):
    """Write an instruction's order into `work`; return ACCEPTED, or REJECT_MESSAGE (rule 9)."""
    detail = details_of(run)[run.position]
    kind = np.int64(message.kind)
    if kind > CLOCK:
        return REJECT_MESSAGE
    if kind == TELL_PRICE and (detail.trigger == ON_LAST or detail.trigger > ON_INDEX):
        return REJECT_MESSAGE
    if kind != NEW:
        return ACCEPTED
    _load_message(work, message)
    work.kind = detail.type
    work.trigger = detail.trigger
    work.self_trade = detail.self_trade
    work.reduce_only = detail.reduce_only
    work.display_lots = detail.display
    work.trigger_ticks = detail.trigger_price
    work.trail_ticks = detail.trail
    work.expiry_ns = detail.expiry
    return REJECT_MESSAGE if is_malformed(work) else ACCEPTED


@kernel(inline=True)
def _is_late(run, book, message):
    """Return whether a message comes out of sequence (rule 10)."""
    if message.sequence < run.last_sequence:
        return True
    if run.details_count == 0:
        return False
    time_ns = details_of(run)[run.position].time
    return time_ns < book.time_ns or time_ns > -EARLIEST


@kernel
def _expire_one(run, book):
    """Cancel the first order that has ended by the time of the next message (rule 42)."""
    now = details_of(run)[run.position].time if run.details_count > 0 else book.time_ns
    row = next_expired(book, now)
    if row == NO_ORDER:
        return False
    cancel_row(run, book, row, REJECT_EXPIRED)
    return True


@kernel
def _tell(run, book, work, message, kind):
    """Carry out what is neither new, cancel nor modify. Writes: the book, run.phase."""
    if kind == CANCEL_ALL or (kind == DISCONNECT and book.rules.cancel_on_disconnect):
        work.owner = message.owner
        work.stopped = REJECT_DISCONNECTED if kind == DISCONNECT else ACCEPTED
        run.phase = CANCELING
    elif kind == TELL_PRICE:
        note_price(book, np.int64(details_of(run)[run.position - 1].trigger), message.price)
        run.phase = TRIGGERING
    elif kind == TELL_POSITION:
        if abs(message.quantity) >= LARGEST_LOTS or message.quantity == -(2**63):
            refuse(run, message, REJECTED, REJECT_OVERFLOW)
        elif message.owner != NOBODY:
            owner = np.int64(message.owner)
            tell_position(book, owner, message.quantity)
            forget_list(work)
            list_owner(book, work, owner)
            work.reduce_only = 0
            run.phase = LOOKING


# --- New, cancel, modify ---------------------------------------------------------------------


@kernel(inline=True)
def _enter(run, book, work, message):
    """Take in a new order: refuse it, let it rest or wait, or let it trade in the next steps."""
    reason = reason_against_size(book, work.left_lots, work.display_lots)
    if reason == ACCEPTED and find(run, book, work.order_id) != NO_ORDER:
        reason = REJECT_DUPLICATE_ID
    if reason == ACCEPTED:
        if _is_limited(book, work):
            join(book, work.owner)
        reason = reason_against_new(book, work)
    row = np.int64(NO_ORDER)
    if reason == ACCEPTED:
        if has_trigger(work):
            row = wait(book, work)
            work.stated_ticks = work.trigger_ticks
            reason = REJECT_OVERFLOW if row == NO_ORDER else ACCEPTED
        else:
            get_ready(book, work)
            if may_rest(work) and not trades_at_once(book, work):
                row = rest_order(book, work)
                reason = REJECT_OVERFLOW if row == NO_ORDER else ACCEPTED
    if reason != ACCEPTED:
        refuse(run, message, REJECTED, reason)
        return
    report_work(run, work, ACKNOWLEDGED, ACCEPTED)
    if row == NO_ORDER:
        begin(run, book, work)
        return
    remember(run, book, row)
    if work.reduce_only and not has_trigger(work):
        forget_list(work)
        list_owner(book, work, np.int64(work.owner))
        run.phase = LOOKING


@kernel(inline=True)
def _is_limited(book, work):
    """Return whether the book has to know the owner of a new order (`members`)."""
    rules = book.rules
    return work.owner != NOBODY and (rules.maximum_orders > 0 or rules.maximum_waiting > 0)


@kernel(inline=True)
def _cancel(run, book, message):
    """Take an order out of the book or the waiting room."""
    row = find(run, book, message.order_id)
    if row == NO_ORDER:
        refuse(run, message, CANCEL_REJECTED, REJECT_UNKNOWN_ORDER)
    else:
        cancel_row(run, book, row, ACCEPTED)


@kernel(inline=True)
def _modify(run, book, work, message):
    """Give an order a new price and quantity: in its place, or by taking it out and in again."""
    row = find(run, book, message.order_id)
    if row == NO_ORDER:
        refuse(run, message, MODIFY_REJECTED, REJECT_UNKNOWN_ORDER)
        return
    if orders_of(book)[row].side > SELL:
        report_order(run, book, row, MODIFY_REJECTED, REJECT_WAITING)
        return
    load_order(book, work, row)
    work.price_ticks = message.price
    work.left_lots = message.quantity
    reason = reason_against_change(book, work, row)
    if reason != ACCEPTED:
        report_order(run, book, row, MODIFY_REJECTED, reason)
        return
    get_ready(book, work)
    report_work(run, work, MODIFIED, ACCEPTED)
    if keeps_place(book, work, row):
        shrink(book, row, work.left_lots)
        return
    forget(run, book, work.order_id)
    take_out(book, row)
    begin(run, book, work)
