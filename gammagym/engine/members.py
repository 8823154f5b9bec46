"""Owners a book must know: how many orders they have, what they hold, how fast they send.

A table of rows found by owner: the place is the owner's number, or the next that is free. A book
knows nobody until somebody is limited or reduces only; owner 0 is nobody and is never known.
"""

from __future__ import annotations

import numpy as np

from gammagym._kernel import kernel
from gammagym.engine.tables import members_of
from gammagym.world.codes import NOBODY, NOT_LISTED, SELL

NO_MEMBER = np.int64(-1)
# No position is counted beyond this (lots).
LARGEST_POSITION = 2**62


@kernel
def clear_members(book):
    """Forget everybody. Writes: members."""
    members = members_of(book)
    for row in range(len(members)):
        members[row].owner = NOBODY
    book.members = 0
    book.known_members = 0


@kernel
def find_member(book, owner):
    """Return the row of an owner, or NO_MEMBER. Reads: members."""
    if book.members == 0 or owner == NOBODY:
        return NO_MEMBER
    row = _seat(book, owner)
    return NO_MEMBER if members_of(book)[row].owner == NOBODY else row


@kernel
def join(book, owner):
    """Return the row of an owner who is not nobody, made if necessary; one row must be free.

    Writes: members.
    """
    row = _seat(book, owner)
    member = members_of(book)[row]
    if member.owner == NOBODY:
        member.owner = owner
        member.position_lots = 0
        member.allowed_ns = book.time_ns
        member.resting = member.waiting = member.reducing = member.known = 0
        member.next = NOT_LISTED
        book.members += 1
    return row


@kernel
def _seat(book, owner):
    """Return the row that an owner has or would get. Reads: members."""
    members = members_of(book)
    mask = len(members) - 1
    row = np.int64(owner) & mask
    while members[row].owner != NOBODY and members[row].owner != owner:
        row = (row + 1) & mask
    return row


@kernel
def count_order(book, order, change):
    """Count an order that comes (1) or goes (-1) among its owner's. Writes: members."""
    member = members_of(book)[_seat(book, order.owner)]
    if order.side > SELL:
        member.waiting += change
    else:
        member.resting += change
        member.reducing += change * np.int64(order.reduce_only)


@kernel
def allow_message(book, owner, time_ns):
    """Return whether an owner may send a message now (generic cell rate algorithm).

    Reads: rules. Writes: members.allowed_ns.
    """
    rules = book.rules
    if owner == NOBODY or rules.rate_interval_ns == 0:
        return True
    member = members_of(book)[join(book, owner)]
    if time_ns < member.allowed_ns - (rules.rate_burst - 1) * rules.rate_interval_ns:
        return False
    member.allowed_ns = max(member.allowed_ns, time_ns) + rules.rate_interval_ns
    return True


@kernel
def tell_position(book, owner, position_lots):
    """Note what an owner holds; from now on its trades are counted. Writes: members."""
    member = members_of(book)[join(book, owner)]
    book.known_members += 1 - member.known
    member.known = 1
    member.position_lots = position_lots


@kernel
def move_position(book, owner, change_lots):
    """Count a trade of an owner whose position is known; return its row, or NO_MEMBER."""
    row = find_member(book, owner)
    if row == NO_MEMBER or members_of(book)[row].known == 0:
        return NO_MEMBER
    member = members_of(book)[row]
    position = member.position_lots + change_lots
    member.position_lots = min(max(position, -LARGEST_POSITION), LARGEST_POSITION)
    return row


@kernel
def closable(book, owner, side):
    """Return how much an owner could close with an order of this side (lots). Reads: members."""
    row = find_member(book, owner)
    if row == NO_MEMBER or members_of(book)[row].known == 0:
        return np.int64(0)
    position = members_of(book)[row].position_lots
    return max(position, 0) if side == SELL else max(-position, 0)


@kernel
def enlarge_members(book, members):
    """Seat everybody in a new, empty table. Reads: the old one. Writes: members."""
    known = book.known_members
    clear_members(book)
    for row in range(len(members)):
        if members[row].owner != NOBODY:
            seat = members_of(book)[join(book, np.int64(members[row].owner))]
            seat.position_lots = members[row].position_lots
            seat.allowed_ns = members[row].allowed_ns
            seat.resting = members[row].resting
            seat.waiting = members[row].waiting
            seat.reducing = members[row].reducing
            seat.known = members[row].known
    book.known_members = known
