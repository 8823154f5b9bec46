"""Pro-rata: a price is shared out among those who rest there, in rounds (docs/rules/matching).

A round has three stages: the top order's share, everybody's share, and the remainder by time. How
far it has got is kept in `work`, so that it can be interrupted anywhere.
"""

from __future__ import annotations

import numpy as np

from gammagym._kernel import kernel
from gammagym.engine.book import NO_ARRIVAL
from gammagym.engine.tables import orders_of
from gammagym.world.codes import NO_ORDER

NEW_ROUND, TOP, SHARES, REMAINDER = 210, 211, 212, 213

_BILLION = 1_000_000_000
_SMALL = 2**31


@kernel
def choose_share(book, work, level):
    """Return the order of a level whose turn it is and its share, or NO_ORDER if the round is over.

    Writes: work.{stage, round_*}. Cost: O(1) mostly, O(orders of the level) for a new stage.
    """
    if work.stage == NEW_ROUND or work.round_ticks != level.price_ticks:
        _begin_round(book, work, level)
    if work.stage == TOP:
        row, lots = _top_share(book, work, level)
        if lots > 0:
            return row, lots
        _begin_stage(work, SHARES)
    if work.stage == SHARES:
        row, lots = _next_share(book, work, level)
        if row != NO_ORDER:
            return row, lots
        _begin_stage(work, REMAINDER)
    row = _next_in_round(book, work, level)
    if row == NO_ORDER:
        work.stage = NEW_ROUND
    return row, work.left_lots


@kernel(inline=True)
def keep_turn(work, maker, lots):
    """Keep the share of an order that is cut before it trades; others may be canceled meanwhile.

    Writes: work.{turn_arrival, turn_lots, round_row}.
    """
    work.turn_arrival = maker.arrival
    work.turn_lots = lots
    work.round_row = NO_ORDER


@kernel
def had_its_turn(work, maker, traded_lots):
    """Note that an order trades its share, so that the next one's turn comes. Writes: work."""
    work.cleared = work.turn_arrival = NO_ARRIVAL
    if work.stage == TOP:
        work.round_lots -= traded_lots
        work.round_total -= traded_lots
        _begin_stage(work, SHARES)
    else:
        work.round_arrival = maker.arrival + 1
        work.round_row = maker.next


@kernel
def _begin_round(book, work, level):
    work.round_ticks = level.price_ticks
    work.round_end = book.next_arrival
    work.round_lots = work.left_lots
    work.round_total = level.quantity_lots
    _begin_stage(work, TOP if work.left_lots < level.quantity_lots else REMAINDER)


@kernel(inline=True)
def _begin_stage(work, stage):
    work.stage = stage
    work.round_arrival = 0
    work.round_row = NO_ORDER


@kernel
def _top_share(book, work, level):
    """Return the side's top order and what it gets for it (lots), 0 if it is not at this level."""
    row = np.int64(book.top_order[level.side])
    if row == NO_ORDER:
        return row, np.int64(0)
    order = orders_of(book)[row]
    here = order.live == 1 and order.side == level.side and order.price_ticks == level.price_ticks
    if not here or order.arrival != book.top_arrival[level.side]:
        return row, np.int64(0)
    share, wanted = book.rules.top_share_e9, work.round_lots
    lots = wanted // _BILLION * share + wanted % _BILLION * share // _BILLION
    return row, min(lots, book.rules.top_maximum_lots, order.quantity_lots)


@kernel
def _next_share(book, work, level):
    """Return the next order of the round that has a share, and its share, or NO_ORDER."""
    row = _next_in_round(book, work, level)
    while row != NO_ORDER:
        order = orders_of(book)[row]
        if order.arrival == work.turn_arrival:
            return row, work.turn_lots
        lots = _part(work.round_lots, order.quantity_lots, work.round_total)
        if lots > 0 and lots >= book.rules.pro_rata_minimum_lots:
            return row, lots
        work.round_arrival = order.arrival + 1
        work.round_row = order.next
        row = _next_in_round(book, work, level)
    return row, np.int64(0)


@kernel
def _next_in_round(book, work, level):
    """Return the first order of the round that has not had its turn in this stage, or NO_ORDER."""
    orders = orders_of(book)
    row = np.int64(work.round_row)
    if row == NO_ORDER:
        row = np.int64(level.first)
        while row != NO_ORDER and orders[row].arrival < work.round_arrival:
            row = np.int64(orders[row].next)
    if row != NO_ORDER and orders[row].arrival >= work.round_end:
        row = np.int64(NO_ORDER)
    work.round_row = row
    return row


@kernel
def _part(lots, part, whole):
    """Return lots * part // whole exactly, for lots <= whole < 2^62. Cost: O(1) when small."""
    if lots < _SMALL and part < _SMALL:
        return lots * part // whole
    quotient, rest = np.int64(0), np.int64(0)
    for bit in range(62, -1, -1):
        quotient, rest = 2 * quotient, 2 * rest
        if rest >= whole:
            quotient, rest = quotient + 1, rest - whole
        if (part >> bit) & 1:
            rest += lots
            if rest >= whole:
                quotient, rest = quotient + 1, rest - whole
    return quotient
