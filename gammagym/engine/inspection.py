"""Is this book sound? The checker that tests run after what they did to a book.

It is also what stands between a file from elsewhere and the kernels, which trust every row number:
so it follows no number that is no row of its table, and no list longer than the table.
"""

from __future__ import annotations

import numpy as np

from gammagym._kernel import kernel
from gammagym.engine.book import find_level, first_order, next_order, open_lots
from gammagym.engine.members import find_member
from gammagym.engine.price_index import FREE, count_leaves, find_leaf
from gammagym.engine.protocol import TRADE
from gammagym.engine.tables import levels_of, members_of, nodes_of, orders_of, terms_of
from gammagym.world.codes import (
    BUY,
    DECREMENT,
    GTT,
    NO_LEVEL,
    NO_NODE,
    NO_ORDER,
    NO_SIDE,
    NO_TERMS,
    NOBODY,
    NOT_LISTED,
    SELL,
    SIDES,
    STOP,
    TRAILING_STOP,
)
from gammagym.world.sizes import PRICE_CACHE

SOUND = 0
(
    CROSSED,
    WRONG_ORDER_COUNT,
    WRONG_LEVEL_COUNT,
    WRONG_LEVEL_TOTAL,
    WRONG_ORDER,  # dead, not of the level it queues at, or of no kind that there is
    WRONG_ARRIVAL,
    WRONG_QUEUE_LINK,
    WRONG_LEVEL,  # of another side, empty, or out of order
    WRONG_LEVEL_LINK,
    WRONG_INDEX,
    WRONG_CACHE,
    WRONG_FREE_LIST,
    WRONG_TERMS,
    WRONG_EXPIRY_LINE,
    WRONG_MEMBER,
    WRONG_ROW,  # not of its table
    WRONG_TRAILING_COUNT,
    WRONG_QUANTITY,  # matching has made or lost some
) = BROKEN = range(100, 118)


@kernel
def check_book(book):
    """Return SOUND, or the code of the first rule that the book breaks. Reads: everything."""
    if not _starts_at_rows(book):
        return WRONG_ROW
    levels = levels_of(book)
    if (
        book.best[BUY] != NO_LEVEL
        and book.best[SELL] != NO_LEVEL
        and levels[book.best[BUY]].price_ticks >= levels[book.best[SELL]].price_ticks
    ):
        return CROSSED
    code = _check_free_lists(book)
    for side in range(SIDES):
        if code == SOUND:
            code = _check_side(book, side)
    if code == SOUND:
        code = _check_cache(book)
    if code == SOUND:
        code = _check_expiry(book)
    return _check_members(book) if code == SOUND else code


@kernel
def _is_row(table, row):
    """Return whether a number is a row of a table."""
    return 0 <= row < len(table)


@kernel
def _starts_at_rows(book):
    """Return whether everything the book itself points to is a row, or nothing. Reads: book."""
    orders, levels = orders_of(book), levels_of(book)
    for side in range(SIDES):
        if book.best[side] != NO_LEVEL and not _is_row(levels, np.int64(book.best[side])):
            return False
    for side in (BUY, SELL):
        if book.top_order[side] != NO_ORDER and not _is_row(orders, np.int64(book.top_order[side])):
            return False
        for slot in range(PRICE_CACHE):
            row = np.int64(book.cache[side, slot])
            if row != NO_LEVEL and not _is_row(levels, row):
                return False
    return True


@kernel
def _check_side(book, side):
    """Check the levels of one side, from the best to the worst. Reads: everything."""
    leaves = count_leaves(book, side)
    if leaves < 0:
        return WRONG_INDEX
    levels = levels_of(book)
    row, better = np.int64(book.best[side]), np.int64(NO_LEVEL)
    level_count, order_count = 0, 0
    while row != NO_LEVEL:
        if not _is_row(levels, row):
            return WRONG_LEVEL_LINK
        level = levels[row]
        level_count += 1
        if level.better != better:
            return WRONG_LEVEL_LINK
        if level.side != side or level.first == NO_ORDER or level_count > len(levels):
            return WRONG_LEVEL
        if better != NO_LEVEL and (
            level.price_ticks == levels[better].price_ticks
            or (level.price_ticks < levels[better].price_ticks) != (side & 1 == BUY)
        ):
            return WRONG_LEVEL
        found = find_leaf(book, side, level.price_ticks)
        if found != row or find_level(book, side, level.price_ticks) != row:
            return WRONG_INDEX
        queued = _check_queue(book, level, side, row)
        if queued < 0:
            return -queued
        order_count += queued
        better, row = row, np.int64(level.worse)
    if level_count != leaves:
        return WRONG_INDEX
    if level_count != book.level_count[side]:
        return WRONG_LEVEL_COUNT
    return SOUND if order_count == book.order_count[side] else WRONG_ORDER_COUNT


@kernel
def _check_queue(book, level, side, level_row):
    """Return the number of orders of one queue, or minus the code of what is wrong with it."""
    orders = orders_of(book)
    row, previous = np.int64(level.first), np.int64(NO_ORDER)
    count, total = 0, 0
    while row != NO_ORDER:
        if not _is_row(orders, row):
            return -WRONG_QUEUE_LINK
        order = orders[row]
        count += 1
        if count > len(orders) or order.previous != previous:
            return -WRONG_QUEUE_LINK
        if order.live != 1 or order.side != side or order.level != level_row:
            return -WRONG_ORDER
        if order.price_ticks != level.price_ticks or order.quantity_lots <= 0:
            return -WRONG_ORDER
        if not _are_codes_known(order):
            return -WRONG_ORDER
        if previous != NO_ORDER and orders[previous].arrival >= order.arrival:
            return -WRONG_ARRIVAL
        if order.arrival >= book.next_arrival:
            return -WRONG_ARRIVAL
        if not _are_terms_sound(book, order, row):
            return -WRONG_TERMS
        total += order.quantity_lots
        previous, row = row, np.int64(order.next)
    if level.last != previous:
        return -WRONG_QUEUE_LINK
    return count if total == level.quantity_lots else -WRONG_LEVEL_TOTAL


@kernel
def _are_codes_known(order):
    """Return whether an order says nothing that there is not. Reads: order."""
    if order.tif > GTT or order.self_trade > DECREMENT or order.kind > TRAILING_STOP:
        return False
    if order.reduce_only > 1 or order.counted > 1:
        return False
    return order.side <= SELL or order.kind >= STOP


@kernel
def _are_terms_sound(book, order, row):
    """Return whether an order has the terms it needs. Reads: terms."""
    if order.terms == NO_TERMS:
        return order.side <= SELL and order.tif != GTT
    if not _is_row(terms_of(book), np.int64(order.terms)):
        return False
    terms = terms_of(book)[order.terms]
    return (
        terms.order == row
        and terms.hidden_lots >= 0
        and (order.side <= SELL or terms.side == BUY or terms.side == SELL)
        and (order.side > SELL or order.tif == GTT or terms.display_lots > 0)
        and (order.side > SELL or terms.hidden_lots == 0 or terms.display_lots > 0)
    )


@kernel
def _check_cache(book):
    """Check that every cached row is a level, and of the slot's half. Reads: cache, levels."""
    for half in (BUY, SELL):
        for slot in range(PRICE_CACHE):
            row = np.int64(book.cache[half, slot])
            if row == NO_LEVEL:
                continue
            level = levels_of(book)[row]
            if not 0 <= level.side < SIDES or level.side & 1 != half:
                return WRONG_CACHE
            if find_leaf(book, np.int64(level.side), level.price_ticks) != row:
                return WRONG_CACHE
    return SOUND


@kernel
def _check_expiry(book):
    """Check that the line of expiry is in order and holds every order that ends at a time."""
    terms, orders = terms_of(book), orders_of(book)
    row, previous, count = np.int64(book.first_expiry), np.int64(NO_TERMS), 0
    while row != NO_TERMS:
        count += 1
        if not _is_row(terms, row) or count > len(terms) or terms[row].previous != previous:
            return WRONG_EXPIRY_LINE
        if not _is_row(orders, np.int64(terms[row].order)):
            return WRONG_EXPIRY_LINE
        order = orders[terms[row].order]
        if order.live != 1 or order.tif != GTT or order.terms != row:
            return WRONG_EXPIRY_LINE
        if previous != NO_TERMS and terms[previous].expiry_ns > terms[row].expiry_ns:
            return WRONG_EXPIRY_LINE
        previous, row = row, np.int64(terms[row].next)
    ending, trailing, _ = _count_special(book)
    if book.last_expiry != previous or count != ending:
        return WRONG_EXPIRY_LINE
    return SOUND if trailing == book.trailing else WRONG_TRAILING_COUNT


@kernel
def _count_special(book):
    """Return how many orders end at a time, how many trail, and how many are counted."""
    ending = trailing = counted = 0
    for side in range(SIDES):
        row = first_order(book, side)
        while row != NO_ORDER:
            order = orders_of(book)[row]
            ending += order.tif == GTT
            trailing += side > SELL and order.kind == TRAILING_STOP
            counted += order.counted == 1
            row = next_order(book, row)
    return ending, trailing, counted


@kernel
def _check_members(book):
    """Check that every owner is found, what is counted of it, and that nobody is on a list."""
    members = members_of(book)
    known, joined, counted = 0, 0, np.int64(0)
    for row in range(len(members)):
        member = members[row]
        if member.owner == NOBODY:
            continue
        joined += 1
        known += member.known
        counted += member.resting + member.waiting
        if member.next != NOT_LISTED or not _is_counted_right(book, member):
            return WRONG_MEMBER
    # A search for somebody unknown ends at a free row: one must be there.
    if joined != book.members or known != book.known_members or joined == len(members):
        return WRONG_MEMBER
    for row in range(len(members)):
        if members[row].owner != NOBODY:
            if members[row].known not in (0, 1):
                return WRONG_MEMBER
            if find_member(book, np.int64(members[row].owner)) != row:
                return WRONG_MEMBER
    _, _, all_counted = _count_special(book)
    return SOUND if counted == all_counted else WRONG_MEMBER


@kernel
def _is_counted_right(book, member):
    """Return whether a member has as many counted orders as it says. O(orders of the book)."""
    resting = waiting = reducing = 0
    for side in range(SIDES):
        row = first_order(book, side)
        while row != NO_ORDER:
            order = orders_of(book)[row]
            if order.counted and order.owner == member.owner:
                waiting += side > SELL
                resting += side <= SELL
                reducing += side <= SELL and order.reduce_only == 1
            row = next_order(book, row)
    return resting == member.resting and waiting == member.waiting and reducing == member.reducing


@kernel
def is_quantity_conserved(book, work, count, open_before, left_before):
    """Return whether makers and taker have lost in a step of matching what its fills say."""
    traded = removed = lost = 0
    for number in range(count):
        fill = work.fills[number]
        if fill.kind == TRADE:
            traded += fill.quantity_lots
        else:
            removed += fill.quantity_lots if fill.gone else fill.taker_lost_lots
            lost += fill.taker_lost_lots
    if work.left_lots != left_before - traded - lost:
        return False
    return open_quantity(book, 1 - work.side) == open_before - traded - removed


@kernel
def open_quantity(book, side):
    """Return the whole open quantity of a side, hidden quantity included (lots)."""
    total = 0
    level_row = np.int64(book.best[side])
    while level_row != NO_LEVEL:
        level = levels_of(book)[level_row]
        row = np.int64(level.first)
        while row != NO_ORDER:
            total += open_lots(book, orders_of(book)[row])
            row = np.int64(orders_of(book)[row].next)
        level_row = np.int64(level.worse)
    return total


@kernel
def _check_free_lists(book):
    """Check that free rows are marked free, which no live row is. Reads: everything."""
    orders_free, levels_free, terms_free = free_orders(book), free_levels(book), free_terms(book)
    if orders_free < 0 or levels_free < 0 or terms_free < 0:
        return WRONG_FREE_LIST
    nodes_free = free_nodes(book)
    if nodes_free < levels_free:
        return WRONG_FREE_LIST
    orders_used, levels_used = 0, 0
    for side in range(SIDES):
        orders_used += np.int64(book.order_count[side])
        levels_used += np.int64(book.level_count[side])
    if orders_free + orders_used > len(orders_of(book)):
        return WRONG_FREE_LIST
    return SOUND if levels_free + levels_used <= len(levels_of(book)) else WRONG_FREE_LIST


@kernel
def free_orders(book):
    """Return how many orders still fit into a book, or -1 if its free list is broken."""
    orders = orders_of(book)
    count, row = 0, np.int64(book.free_order)
    while row != NO_ORDER:
        count += 1
        if count > len(orders) or not _is_row(orders, row) or orders[row].live != 0:
            return -1
        row = np.int64(orders[row].next)
    return count


@kernel
def free_levels(book):
    """Return how many levels still fit into a book, or -1 if its free list is broken."""
    levels = levels_of(book)
    count, row = 0, np.int64(book.free_level)
    while row != NO_LEVEL:
        count += 1
        if count > len(levels) or not _is_row(levels, row) or levels[row].side != NO_SIDE:
            return -1
        row = np.int64(levels[row].worse)
    return count


@kernel
def free_nodes(book):
    """Return how many nodes of the price index are free, or -1 if their list is broken."""
    nodes = nodes_of(book)
    count, row = 0, np.int64(book.free_node)
    while row != NO_NODE:
        count += 1
        if count > len(nodes) or not _is_row(nodes, row) or nodes[row].shift != FREE:
            return -1
        row = np.int64(nodes[row].parent)
    return count


@kernel
def free_terms(book):
    """Return how many rows of terms are free, or -1 if their list is broken."""
    terms = terms_of(book)
    count, row = 0, np.int64(book.free_terms)
    while row != NO_TERMS:
        count += 1
        if count > len(terms) or not _is_row(terms, row) or _is_used(book, row):
            return -1
        row = np.int64(terms[row].next)
    return count


@kernel
def _is_used(book, row):
    """Return whether a row of terms belongs to an order. Reads: terms, orders."""
    order_row = np.int64(terms_of(book)[row].order)
    if not _is_row(orders_of(book), order_row):
        return False
    order = orders_of(book)[order_row]
    return order.live == 1 and order.terms == row
