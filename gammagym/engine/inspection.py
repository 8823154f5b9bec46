"""Is this book sound? The checker that tests run after what they did to a book."""

from __future__ import annotations

import numpy as np

from gammagym._kernel import kernel
from gammagym.engine.book import find_level
from gammagym.engine.price_index import find_leaf
from gammagym.world import BUY, NO_LEVEL, NO_ORDER, PRICE_CACHE, SELL

SOUND = 0
(
    CROSSED,
    WRONG_ORDER_COUNT,
    WRONG_LEVEL_COUNT,
    WRONG_LEVEL_TOTAL,
    WRONG_ORDER,  # dead, or not of the level it queues at
    WRONG_ARRIVAL,
    WRONG_QUEUE_LINK,
    WRONG_LEVEL,  # dead, empty, or out of order
    WRONG_LEVEL_LINK,
    WRONG_INDEX,
    WRONG_CACHE,
    WRONG_FREE_LIST,
) = range(100, 112)


@kernel
def check_book(orders, levels, head):
    """Return SOUND, or the code of the first rule that the book breaks. Reads: everything."""
    if (
        head.best[BUY] != NO_LEVEL
        and head.best[SELL] != NO_LEVEL
        and levels[head.best[BUY]].price_ticks >= levels[head.best[SELL]].price_ticks
    ):
        return CROSSED
    code = _check_free_lists(orders, levels, head)
    for side in (BUY, SELL):
        if code == SOUND:
            code = _check_side(orders, levels, head, side)
        if code == SOUND:
            code = _check_cache(levels, head, side)
    return code


@kernel
def _check_side(orders, levels, head, side):
    """Check the levels of one side, from the best to the worst. Reads: everything."""
    row, better = np.int64(head.best[side]), np.int64(NO_LEVEL)
    level_count, order_count = 0, 0
    while row != NO_LEVEL:
        level = levels[row]
        level_count += 1
        if level.better != better:
            return WRONG_LEVEL_LINK
        if level.live != 1 or level.first == NO_ORDER or level_count > len(levels):
            return WRONG_LEVEL
        if better != NO_LEVEL and (
            level.price_ticks == levels[better].price_ticks
            or (level.price_ticks < levels[better].price_ticks) != (side == BUY)
        ):
            return WRONG_LEVEL
        found = find_leaf(levels, head, side, level.price_ticks)
        if found != row or find_level(levels, head, side, level.price_ticks) != row:
            return WRONG_INDEX
        queued = _check_queue(orders, level, side, row)
        if queued < 0:
            return -queued
        order_count += queued
        better, row = row, np.int64(level.worse)
    if level_count != head.level_count[side]:
        return WRONG_LEVEL_COUNT
    return SOUND if order_count == head.order_count[side] else WRONG_ORDER_COUNT


@kernel
def _check_queue(orders, level, side, level_row):
    """Return the number of orders of one queue, or minus the code of what is wrong with it."""
    row, previous = np.int64(level.first), np.int64(NO_ORDER)
    count, total = 0, 0
    while row != NO_ORDER:
        order = orders[row]
        count += 1
        if count > len(orders) or order.previous != previous:
            return -WRONG_QUEUE_LINK
        if order.live != 1 or order.side != side or order.level != level_row:
            return -WRONG_ORDER
        if order.price_ticks != level.price_ticks or order.quantity_lots <= 0:
            return -WRONG_ORDER
        if previous != NO_ORDER and orders[previous].arrival >= order.arrival:
            return -WRONG_ARRIVAL
        total += order.quantity_lots
        previous, row = row, np.int64(order.next)
    if level.last != previous:
        return -WRONG_QUEUE_LINK
    return count if total == level.quantity_lots else -WRONG_LEVEL_TOTAL


@kernel
def _check_cache(levels, head, side):
    """Check that every cached row is a live level of its side. Reads: head.cache, levels."""
    for slot in range(PRICE_CACHE):
        row = np.int64(head.cache[side, slot])
        if row == NO_LEVEL:
            continue
        if levels[row].live != 1 or find_leaf(levels, head, side, levels[row].price_ticks) != row:
            return WRONG_CACHE
    return SOUND


@kernel
def _check_free_lists(orders, levels, head):
    """Check that free rows are marked free, which no live row is. Reads: everything."""
    orders_free = free_orders(orders, head)
    levels_free = free_levels(levels, head)
    if orders_free < 0 or levels_free < 0:
        return WRONG_FREE_LIST
    orders_used = np.int64(head.order_count[BUY]) + np.int64(head.order_count[SELL])
    levels_used = np.int64(head.level_count[BUY]) + np.int64(head.level_count[SELL])
    if orders_free + orders_used > len(orders) or levels_free + levels_used > len(levels):
        return WRONG_FREE_LIST
    return SOUND


@kernel
def free_orders(orders, head):
    """Return how many orders still fit into a book, or -1 if its free list is broken."""
    count, row = 0, np.int64(head.free_order)
    while row != NO_ORDER:
        count += 1
        if orders[row].live != 0 or count > len(orders):
            return -1
        row = np.int64(orders[row].next)
    return count


@kernel
def free_levels(levels, head):
    """Return how many levels still fit into a book, or -1 if its free list is broken."""
    count, row = 0, np.int64(head.free_level)
    while row != NO_LEVEL:
        count += 1
        if levels[row].live != 0 or count > len(levels):
            return -1
        row = np.int64(levels[row].worse)
    return count
