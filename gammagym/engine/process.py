"""Messages in, reports out: one book run by a stream of instructions.

A run takes one step after the other: it reads a message, or goes on with what the last one set in
motion. A new or modified order is acknowledged before its trades. Nothing is allocated here: when
rows run out, the kernel returns between two steps what it needs; the caller makes that array larger
and calls again, and the run goes on where it stopped.
"""

from __future__ import annotations

import numpy as np

from gammagym._kernel import DEBUG, kernel
from gammagym.engine.book import (
    EARLIEST,
    LARGEST_LOTS,
    crosses,
    first_order,
    next_order,
    open_lots,
    shrink,
)
from gammagym.engine.entry import (
    get_ready,
    has_trigger,
    is_malformed,
    is_market,
    keeps_place,
    load_order,
    may_rest,
    overflows,
    reason_against_change,
    reason_against_entering,
    reason_against_new,
    reason_against_size,
    rest_order,
    shown_lots,
)
from gammagym.engine.feed import write_touch
from gammagym.engine.ids import find, forget, look_ahead, remember
from gammagym.engine.inspection import SOUND, check_book
from gammagym.engine.matching import available, match
from gammagym.engine.members import NO_MEMBER, allow_message, join, tell_position
from gammagym.engine.protocol import (
    ACKNOWLEDGED,
    CANCEL_REJECTED,
    CANCELED,
    MODIFIED,
    MODIFY_REJECTED,
    REDUCED,
    REFILLED,
    REJECTED,
    TRADE,
    TRIGGERED,
)
from gammagym.engine.reducing import count_trade, drop_first, enforce, forget_list, list_owner
from gammagym.engine.tables import (
    details_of,
    members_of,
    messages_of,
    orders_of,
    reports_of,
    terms_of,
)
from gammagym.engine.terms import next_expired
from gammagym.engine.waiting import (
    any_price_moved,
    leave,
    next_triggered,
    note_price,
    take_out,
    wait,
)
from gammagym.world import (
    ACCEPTED,
    CANCEL,
    CANCEL_ALL,
    CLOCK,
    DISCONNECT,
    FILLS_AT_ONCE,
    FOK,
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
    SIDES,
    TELL_POSITION,
    TELL_PRICE,
    WORK,
)

# Where a run stands.
RUN = np.dtype(
    [
        ("messages_at", "i8"),
        ("messages_count", "i8"),
        ("details_at", "i8"),  # as many as messages, or none
        ("details_count", "i8"),
        ("reports_at", "i8"),
        ("reports_count", "i8"),
        ("touches_at", "i8"),  # as many as messages, or none
        ("touches_count", "i8"),
        ("touches_written", "i8"),
        ("buckets_at", "i8"),
        ("buckets_count", "i8"),
        ("position", "i8"),  # messages read
        ("written", "i8"),  # reports written
        ("last_sequence", "i8"),
        ("sequence", "i8"),  # of the message being carried out
        ("phase", "i8"),
        ("is_new", "i8"),  # 1 if what trades is a new order, 0 if a modified one
        ("work", WORK),
    ]
)

READING, MATCHING, LOOKING, TRIGGERING, CANCELING = 220, 221, 222, 223, 224

# What a run needs to go on.
DONE, NEED_REPORTS, NEED_ORDERS, NEED_LEVELS, NEED_TERMS, NEED_MEMBERS = range(200, 206)
NEED_UPDATES = 206

# A step writes at most two reports for each fill, and a few about the order itself; of updates no
# more than that.
STEP_REPORTS = 2 * FILLS_AT_ONCE + 4


# --- The run ---------------------------------------------------------------------------------


@kernel(counted=False)
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
                code = check_book(book)
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
            _trade(run, book, work)
        elif run.phase == LOOKING:
            _look(run, book, work)
        elif run.phase == TRIGGERING:
            _trigger(run, book, work)
        else:
            _cancel_some(run, book, work)


@kernel(inline=True, counted=False)
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


@kernel(inline=True, counted=False)
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
        _refuse(run, message, _rejection(kind), reason)
    elif kind == NEW:
        _enter(run, book, work, message)
    elif kind == CANCEL:
        _cancel(run, book, message)
    elif kind == MODIFY:
        _modify(run, book, work, message)
    else:
        _tell(run, book, work, message, kind)


@kernel(inline=True, counted=False)
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


@kernel(counted=False)
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


@kernel(inline=True, counted=False)
def _is_late(run, book, message):
    """Return whether a message comes out of sequence (rule 10)."""
    if message.sequence < run.last_sequence:
        return True
    if run.details_count == 0:
        return False
    time_ns = details_of(run)[run.position].time
    return time_ns < book.time_ns or time_ns > -EARLIEST


@kernel(counted=False)
def _expire_one(run, book):
    """Cancel the first order that has ended by the time of the next message (rule 42)."""
    now = details_of(run)[run.position].time if run.details_count > 0 else book.time_ns
    row = next_expired(book, now)
    if row == NO_ORDER:
        return False
    _cancel_row(run, book, row, REJECT_EXPIRED)
    return True


@kernel(counted=False)
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
            _refuse(run, message, REJECTED, REJECT_OVERFLOW)
        elif message.owner != NOBODY:
            owner = np.int64(message.owner)
            tell_position(book, owner, message.quantity)
            forget_list(work)
            list_owner(book, work, owner)
            work.reduce_only = 0
            run.phase = LOOKING


# --- New, cancel, modify ---------------------------------------------------------------------


@kernel(inline=True, counted=False)
def _enter(run, book, work, message):
    """Take in a new order: refuse it, let it rest or wait, or let it trade in the next steps."""
    reason = reason_against_size(book, work)
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
            if may_rest(work) and not _trades(book, work):
                row = rest_order(book, work)
                reason = REJECT_OVERFLOW if row == NO_ORDER else ACCEPTED
    if reason != ACCEPTED:
        _refuse(run, message, REJECTED, reason)
        return
    _report_work(run, work, ACKNOWLEDGED, ACCEPTED)
    if row == NO_ORDER:
        _begin(run, book, work)
        return
    remember(run, book, row)
    if work.reduce_only and not has_trigger(work):
        forget_list(work)
        list_owner(book, work, np.int64(work.owner))
        run.phase = LOOKING


@kernel(inline=True, counted=False)
def _is_limited(book, work):
    """Return whether the book has to know the owner of a new order (`members`)."""
    rules = book.rules
    return work.owner != NOBODY and (rules.maximum_orders > 0 or rules.maximum_waiting > 0)


@kernel(inline=True, counted=False)
def _trades(book, work):
    """Return whether the order in `work` would trade on arrival. Reads: best, levels."""
    return crosses(book, work.side, work.price_ticks)


@kernel(inline=True, counted=False)
def _begin(run, book, work):
    """Let an accepted order trade in the next steps, unless all or nothing is nothing (rule 22)."""
    forget_list(work)
    if work.tif == FOK and available(book, work) < work.left_lots:
        _report_work(run, work, CANCELED, ACCEPTED)
        run.phase = _next_phase(book, work)
    else:
        run.phase = MATCHING


@kernel(inline=True, counted=False)
def _next_phase(book, work):
    """Return what comes after an order has come to its end. Reads: work, book.price_moved."""
    if work.first_member != NO_MEMBER:
        return LOOKING
    return TRIGGERING if any_price_moved(book) else READING


@kernel(inline=True, counted=False)
def _cancel(run, book, message):
    """Take an order out of the book or the waiting room."""
    row = find(run, book, message.order_id)
    if row == NO_ORDER:
        _refuse(run, message, CANCEL_REJECTED, REJECT_UNKNOWN_ORDER)
    else:
        _cancel_row(run, book, row, ACCEPTED)


@kernel(inline=True, counted=False)
def _cancel_row(run, book, row, reason):
    """Report that an order is canceled, and take it out. Writes: reports, id table, book."""
    _report_order(run, book, row, CANCELED, reason)
    forget(run, book, orders_of(book)[row].order_id)
    take_out(book, row)


@kernel(inline=True, counted=False)
def _modify(run, book, work, message):
    """Give an order a new price and quantity: in its place, or by taking it out and in again."""
    row = find(run, book, message.order_id)
    if row == NO_ORDER:
        _refuse(run, message, MODIFY_REJECTED, REJECT_UNKNOWN_ORDER)
        return
    if orders_of(book)[row].side > SELL:
        _report_order(run, book, row, MODIFY_REJECTED, REJECT_WAITING)
        return
    load_order(book, work, row)
    work.price_ticks = message.price
    work.left_lots = message.quantity
    reason = reason_against_change(book, work, row)
    if reason != ACCEPTED:
        _report_order(run, book, row, MODIFY_REJECTED, reason)
        return
    get_ready(book, work)
    _report_work(run, work, MODIFIED, ACCEPTED)
    if keeps_place(book, work, row):
        shrink(book, row, work.left_lots)
        return
    forget(run, book, work.order_id)
    take_out(book, row)
    _begin(run, book, work)


# --- What follows ----------------------------------------------------------------------------


@kernel(inline=True, counted=False)
def _trade(run, book, work):
    """Match the order in `work` once; when it has traded out, let it rest or cancel it."""
    left = work.left_lots
    count = match(book, work)
    for number in range(count):
        left = _report_fill(run, book, work, work.fills[number], left)
    if not work.unfinished:
        _finish(run, book, work)
    elif work.look_at != NOBODY and not _enforce(run, book, work, np.int64(work.look_at)):
        work.cleared = -1  # there is more to cut before this maker may trade


@kernel(inline=True, counted=False)
def _finish(run, book, work):
    """Let what is left of an order rest, or cancel it (rule 24). Writes: the book, run.phase."""
    if work.left_lots > 0:
        row = np.int64(NO_ORDER)
        if work.stopped == ACCEPTED and may_rest(work):
            row = rest_order(book, work)
            if row == NO_ORDER:
                work.stopped = REJECT_OVERFLOW
        if row == NO_ORDER:
            _report_work(run, work, CANCELED, work.stopped)
        else:
            remember(run, book, row)
            if work.reduce_only:
                list_owner(book, work, np.int64(work.owner))
    run.phase = _next_phase(book, work)


@kernel(counted=False)
def _look(run, book, work):
    """Look at the reduce-only orders of the next owner on the list (rule 47)."""
    if work.first_member != NO_MEMBER:
        owner = np.int64(members_of(book)[work.first_member].owner)
        if _enforce(run, book, work, owner):
            drop_first(book, work)
    if work.first_member == NO_MEMBER:
        run.phase = _next_phase(book, work)


@kernel(counted=False)
def _enforce(run, book, work, owner):
    """Cut an owner's reduce-only orders, and report it; return whether that was all."""
    count = enforce(book, work, owner)
    for number in range(count):
        fill = work.fills[number]
        _report(run, fill.kind, fill.side, fill.reason, fill.maker_id)
        _fill_in(run, fill.price_ticks, fill.quantity_lots)
        if fill.gone:
            forget(run, book, fill.maker_id)
    return count < FILLS_AT_ONCE


@kernel(counted=False)
def _trigger(run, book, work):
    """Carry out the next order that is triggered (rules 33 to 35), or go on reading."""
    row = next_triggered(book)
    if row == NO_ORDER:
        run.phase = READING
        return
    forget(run, book, orders_of(book)[row].order_id)
    leave(book, row, work)
    if is_market(work.kind):
        work.price_ticks = 0
    work.stated_ticks = work.price_ticks
    _report_work(run, work, TRIGGERED, ACCEPTED)
    quantity = work.left_lots
    reason = reason_against_entering(book, work)
    rests = may_rest(work) and not is_market(work.kind) and not _trades(book, work)
    if reason == ACCEPTED and rests:
        if overflows(book, np.int64(work.side), work.price_ticks, shown_lots(work)):
            reason = REJECT_OVERFLOW
    if reason != ACCEPTED:
        work.stated_ticks = work.price_ticks
        work.left_lots = work.left_lots if work.left_lots > 0 else quantity
        _report_work(run, work, CANCELED, reason)
        return
    get_ready(book, work)
    _begin(run, book, work)


@kernel(counted=False)
def _cancel_some(run, book, work):
    """Cancel the next orders of an owner, on all sides in turn (rules 28 and 29)."""
    count = 0
    for side in range(SIDES):
        row = first_order(book, side)
        while row != NO_ORDER:
            behind = next_order(book, row)
            if orders_of(book)[row].owner == work.owner:
                if count == FILLS_AT_ONCE:
                    return  # the next step begins anew
                _cancel_row(run, book, row, work.stopped)
                count += 1
            row = behind
    run.phase = READING


# --- Reports ---------------------------------------------------------------------------------


@kernel(inline=True, counted=False)
def _report(run, kind, side, reason, order_id):
    """Begin a report; `_fill_in` completes it. Writes: reports."""
    report = reports_of(run)[run.written]
    report.kind, report.side, report.reason = kind, side, reason
    report.sequence = run.sequence
    report.order_id = order_id
    report.maker_id, report.taker_id = 0, 0


@kernel(inline=True, counted=False)
def _fill_in(run, price, quantity):
    """Complete a report. Writes: reports, run.written."""
    report = reports_of(run)[run.written]
    report.price, report.quantity = price, quantity
    run.written += 1


@kernel(inline=True, counted=False)
def _report_work(run, work, kind, reason):
    """Report something about the order in `work`. Writes: reports, run.written."""
    _report(run, kind, work.side, reason, work.order_id)
    _fill_in(run, work.stated_ticks, work.left_lots)


@kernel(inline=True, counted=False)
def _report_order(run, book, row, kind, reason):
    """Report something about an order in the book. Writes: reports, run.written."""
    order = orders_of(book)[row]
    side = np.int64(order.side)
    if side > SELL:
        side = np.int64(terms_of(book)[order.terms].side)
    _report(run, kind, side, reason, order.order_id)
    _fill_in(run, order.price_ticks, open_lots(book, order))


@kernel(inline=True, counted=False)
def _report_fill(run, book, work, fill, left):
    """Report what happened in one fill; return what the taker had left after it.

    Writes: reports, the id table; positions, if any is known.
    """
    if fill.gone:
        forget(run, book, fill.maker_id)
    if fill.kind == TRADE:
        _report(run, TRADE, work.side, ACCEPTED, work.order_id)
        reports_of(run)[run.written].maker_id = fill.maker_id
        reports_of(run)[run.written].taker_id = work.order_id
        _fill_in(run, fill.price_ticks, fill.quantity_lots)
        if fill.refill_lots > 0:
            _report(run, REFILLED, fill.side, ACCEPTED, fill.maker_id)
            _fill_in(run, fill.price_ticks, fill.refill_lots)
        if book.known_members > 0:
            count_trade(book, work, fill)
        return left - fill.quantity_lots
    _report(run, fill.kind, fill.side, fill.reason, fill.maker_id)
    _fill_in(run, fill.price_ticks, fill.quantity_lots)
    lost = fill.taker_lost_lots
    if lost > 0:
        left -= lost
        _report(run, REDUCED if left > 0 else CANCELED, work.side, fill.reason, work.order_id)
        _fill_in(run, work.stated_ticks, left if left > 0 else lost)
    return left


@kernel(inline=True, counted=False)
def _rejection(kind):
    """Return the kind of the report that refuses a message of some kind."""
    if kind == CANCEL:
        return CANCEL_REJECTED
    return MODIFY_REJECTED if kind == MODIFY else REJECTED


@kernel(inline=True, counted=False)
def _refuse(run, message, kind, reason):
    """Reject a message; the report repeats what it said. Writes: reports, run.written."""
    _report(run, kind, message.side, reason, message.order_id)
    _fill_in(run, message.price, message.quantity)
