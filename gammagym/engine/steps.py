"""What a message sets in motion: matching, cuts, triggers and mass cancels, one step at a time."""

from __future__ import annotations

import numpy as np

from gammagym._kernel import DEBUG, kernel
from gammagym.engine.book import crosses, first_order, next_order
from gammagym.engine.entry import (
    get_ready,
    is_market,
    may_rest,
    overflows,
    reason_against_entering,
    rest_order,
    shown_lots,
)
from gammagym.engine.ids import forget, remember
from gammagym.engine.inspection import WRONG_QUANTITY, is_quantity_conserved, open_quantity
from gammagym.engine.matching import available, match
from gammagym.engine.members import NO_MEMBER
from gammagym.engine.protocol import CANCELED, MODIFIED, TRIGGERED
from gammagym.engine.reducing import drop_first, enforce, forget_list, list_owner
from gammagym.engine.reporting import fill_in, report, report_fill, report_order, report_work
from gammagym.engine.run import LOOKING, MATCHING, READING, TRIGGERING
from gammagym.engine.tables import members_of, orders_of
from gammagym.engine.waiting import any_price_moved, leave, next_triggered, take_out
from gammagym.world.codes import ACCEPTED, FOK, NO_ORDER, NOBODY, REJECT_OVERFLOW, SIDES
from gammagym.world.sizes import FILLS_AT_ONCE

# --- An order is carried out ---------------------------------------------------------------------


@kernel(inline=True)
def trades_at_once(book, work):
    """Return whether the order in `work` would trade on arrival. Reads: best, levels."""
    return crosses(book, work.side, work.price_ticks)


@kernel(inline=True)
def begin(run, book, work):
    """Let an accepted order trade in the next steps, unless all or nothing is nothing (rule 22)."""
    forget_list(work)
    if work.tif == FOK and available(book, work) < work.left_lots:
        report_work(run, work, CANCELED, ACCEPTED)
        run.phase = _next_phase(book, work)
    else:
        run.phase = MATCHING


@kernel(inline=True)
def _next_phase(book, work):
    """Return what comes after an order has come to its end. Reads: work, book.price_moved."""
    if work.first_member != NO_MEMBER:
        return LOOKING
    return TRIGGERING if any_price_moved(book) else READING


@kernel(inline=True)
def trade(run, book, work):
    """Match the order in `work` once; when it has traded out, let it rest or cancel it."""
    left = work.left_lots
    held = open_quantity(book, 1 - work.side) if DEBUG else 0
    count = match(book, work)
    if DEBUG and not is_quantity_conserved(book, work, count, held, left):
        run.broken = WRONG_QUANTITY
    for number in range(count):
        left = report_fill(run, book, work, work.fills[number], left)
    if not work.unfinished:
        _finish(run, book, work)
    elif work.look_at != NOBODY and not _enforce(run, book, work, np.int64(work.look_at)):
        work.cleared = -1  # there is more to cut before this maker may trade


@kernel(inline=True)
def _finish(run, book, work):
    """Let what is left of an order rest, or cancel it (rule 24). Writes: the book, run.phase."""
    if work.left_lots > 0:
        row = np.int64(NO_ORDER)
        if work.stopped == ACCEPTED and may_rest(work):
            row = rest_order(book, work)
            if row == NO_ORDER:
                work.stopped = REJECT_OVERFLOW
        if row == NO_ORDER:
            report_work(run, work, CANCELED, work.stopped)
        else:
            remember(run, book, row)
            if work.reduce_only:
                list_owner(book, work, np.int64(work.owner))
    run.phase = _next_phase(book, work)


@kernel
def look(run, book, work):
    """Look at the reduce-only orders of the next owner on the list (rule 47)."""
    if work.first_member != NO_MEMBER:
        owner = np.int64(members_of(book)[work.first_member].owner)
        if _enforce(run, book, work, owner):
            drop_first(book, work)
    if work.first_member == NO_MEMBER:
        run.phase = _next_phase(book, work)


@kernel
def _enforce(run, book, work, owner):
    """Cut an owner's reduce-only orders, and report it; return whether that was all."""
    count = enforce(book, work, owner)
    for number in range(count):
        fill = work.fills[number]
        report(run, fill.kind, fill.side, fill.reason, fill.maker_id)
        fill_in(run, fill.price_ticks, fill.quantity_lots)
        if fill.gone:
            forget(run, book, fill.maker_id)
    return count < FILLS_AT_ONCE


@kernel
def trigger(run, book, work):
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
    report_work(run, work, TRIGGERED, ACCEPTED)
    price, quantity = work.price_ticks, work.left_lots
    reason = reason_against_entering(book, work)
    rests = may_rest(work) and not is_market(work.kind) and not trades_at_once(book, work)
    if reason == ACCEPTED and rests:
        if overflows(book, np.int64(work.side), work.price_ticks, shown_lots(work)):
            reason = REJECT_OVERFLOW
    if reason != ACCEPTED:
        work.left_lots = quantity
        report_work(run, work, CANCELED, reason)
        return
    if work.left_lots != quantity or work.price_ticks != price:
        work.stated_ticks = work.price_ticks
        report_work(run, work, MODIFIED, ACCEPTED)
    get_ready(book, work)
    begin(run, book, work)


@kernel
def cancel_some(run, book, work):
    """Cancel the next orders of an owner, on all sides in turn (rules 28 and 29)."""
    count = 0
    for side in range(SIDES):
        row = first_order(book, side)
        while row != NO_ORDER:
            behind = next_order(book, row)
            if orders_of(book)[row].owner == work.owner:
                if count == FILLS_AT_ONCE:
                    return  # the next step begins anew
                cancel_row(run, book, row, work.stopped)
                count += 1
            row = behind
    run.phase = READING


# --- Cancel ----------------------------------------------------------------------------------


@kernel(inline=True)
def cancel_row(run, book, row, reason):
    """Report that an order is canceled, and take it out. Writes: reports, id table, book."""
    report_order(run, book, row, CANCELED, reason)
    forget(run, book, orders_of(book)[row].order_id)
    take_out(book, row)
