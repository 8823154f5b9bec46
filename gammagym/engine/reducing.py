"""Reduce-only orders: together they may not close more than there is (docs/rules/matching).

The exchange tells what an owner holds; from then on trades are counted here. Owners who have traded
stand in a list in `work` until their reduce-only orders have been looked at.
"""

from __future__ import annotations

import numpy as np

from gammagym._kernel import kernel
from gammagym.engine.book import first_order, next_order, open_lots, remove, shrink
from gammagym.engine.members import NO_MEMBER, closable, find_member, move_position
from gammagym.engine.protocol import CANCELED, REDUCED
from gammagym.engine.tables import members_of, orders_of
from gammagym.world.codes import BUY, NO_ORDER, NOT_LISTED, REJECT_NOTHING_TO_REDUCE, SELL
from gammagym.world.sizes import FILLS_AT_ONCE


@kernel
def count_trade(book, work, fill):
    """Count a trade in the positions of both owners, and list them. Writes: members, work."""
    bought = fill.quantity_lots if work.side == BUY else -fill.quantity_lots
    _list(book, work, move_position(book, fill.maker_owner, -bought))
    _list(book, work, move_position(book, work.owner, bought))


@kernel
def list_owner(book, work, owner):
    """List an owner whose reduce-only orders must be looked at. Writes: members.next, work."""
    _list(book, work, find_member(book, owner))


@kernel
def _list(book, work, row):
    if row == NO_MEMBER:
        return
    members = members_of(book)
    if members[row].next != NOT_LISTED or members[row].reducing == 0:
        return
    members[row].next = NO_MEMBER
    if work.first_member == NO_MEMBER:
        work.first_member = row
    else:
        members[work.last_member].next = row
    work.last_member = row


@kernel
def drop_first(book, work):
    """Take the first owner off the list. Writes: members.next, work.first_member."""
    member = members_of(book)[work.first_member]
    work.first_member = member.next
    member.next = NOT_LISTED


@kernel
def enforce(book, work, owner):
    """Cut an owner's reduce-only orders to what they can close; return how many fills it wrote.

    FILLS_AT_ONCE of them means that there may be more to cut: the caller calls again.
    Writes: work.fills, the orders. Cost: O(orders of the book) if the owner has such orders.
    """
    row = find_member(book, owner)
    if row == NO_MEMBER or members_of(book)[row].reducing == 0:
        return 0
    count = 0
    for side in (BUY, SELL):
        count = _enforce_side(book, work, owner, side, count)
    return count


@kernel
def _enforce_side(book, work, owner, side, count):
    room = closable(book, owner, side)
    row = first_order(book, side)
    while row != NO_ORDER and count < FILLS_AT_ONCE:
        order = orders_of(book)[row]
        behind = next_order(book, row)
        if order.reduce_only and order.owner == owner:
            open_quantity = open_lots(book, order)
            kept = min(open_quantity, room)
            room -= kept
            if kept < open_quantity:
                _cut(book, row, kept, work.fills[count])
                count += 1
        row = behind
    return count


@kernel
def _cut(book, row, kept_lots, fill):
    """Leave an order a smaller open quantity, or none. Writes: fill, the order."""
    order = orders_of(book)[row]
    fill.kind = REDUCED if kept_lots > 0 else CANCELED
    fill.reason = REJECT_NOTHING_TO_REDUCE
    fill.side = order.side
    fill.price_ticks = order.price_ticks
    fill.quantity_lots = kept_lots if kept_lots > 0 else open_lots(book, order)
    fill.maker_id = order.order_id
    fill.maker_owner = order.owner
    fill.refill_lots = fill.taker_lost_lots = 0
    fill.gone = 0 if kept_lots > 0 else 1
    if kept_lots > 0:
        shrink(book, row, kept_lots)
    else:
        remove(book, row)


@kernel
def forget_list(work):
    """Start with an empty list. Writes: work."""
    work.first_member = work.last_member = np.int32(NO_MEMBER)
