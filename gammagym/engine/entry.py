"""Order entry: what is refused, and what becomes of an order that is accepted.

The conditions are numbered in docs/rules/matching; comments here give the numbers. The order is in
`work`. Whoever calls sees to order ids, to money, and to reports.
"""

from __future__ import annotations

import numpy as np

from gammagym._kernel import kernel
from gammagym.engine.book import (
    LARGEST_LOTS,
    best_price,
    crosses,
    has_side,
    is_better,
    open_lots,
    quantity_at,
    rest,
)
from gammagym.engine.feed import publish
from gammagym.engine.matching import start_matching
from gammagym.engine.members import closable, find_member
from gammagym.engine.protocol import ADDED
from gammagym.engine.tables import members_of, orders_of, terms_of
from gammagym.engine.terms import write_terms
from gammagym.engine.waiting import beyond, set_trail, would_trigger, write_names
from gammagym.world.codes import (
    ACCEPTED,
    BUY,
    DECREMENT,
    FOK,
    GTC,
    GTT,
    IOC,
    LIMIT,
    MARKET,
    NO_ORDER,
    NO_TERMS,
    ON_INDEX,
    POST_ONLY,
    REJECT_BAND,
    REJECT_EXPIRED,
    REJECT_LOT,
    REJECT_MAXIMUM_QUANTITY,
    REJECT_MINIMUM_NOTIONAL,
    REJECT_MINIMUM_QUANTITY,
    REJECT_NO_PRICE,
    REJECT_NOTHING_TO_REDUCE,
    REJECT_ORDERS,
    REJECT_OVERFLOW,
    REJECT_PARTS,
    REJECT_PRICE,
    REJECT_QUANTITY,
    REJECT_TICK,
    REJECT_WOULD_CROSS,
    REJECT_WOULD_TRIGGER,
    SELL,
    STOP,
    TAKE_PROFIT,
    TRAILING_STOP,
    UNSET,
)

_LOWEST, _HIGHEST = np.int64(-(2**63)), np.int64(2**63 - 1)


# --- Kinds -----------------------------------------------------------------------------------


@kernel(inline=True)
def has_trigger(work):
    """Return whether an order has to wait for a trigger."""
    return work.kind >= STOP


@kernel(inline=True)
def is_market(kind):
    """Return whether an order of this kind is, or becomes, a market order."""
    return kind in (MARKET, STOP, TAKE_PROFIT, TRAILING_STOP)


@kernel(inline=True)
def may_rest(work):
    """Return whether what is left of an order rests."""
    return work.tif == GTC or work.tif == POST_ONLY or work.tif == GTT


@kernel(inline=True)
def shown_lots(work):
    """Return how much of the order in `work` would be displayed (lots)."""
    if 0 < work.display_lots < work.left_lots:
        return work.display_lots
    return work.left_lots


# --- Refusals --------------------------------------------------------------------------------


@kernel
def is_malformed(work):
    """Return whether the order in `work` contradicts itself (rule 9)."""
    if (
        work.side > SELL
        or work.tif > GTT
        or work.kind > TRAILING_STOP
        or work.trigger > ON_INDEX
        or work.self_trade > DECREMENT
        or work.reduce_only > 1
    ):
        return True
    immediate = work.tif == IOC or work.tif == FOK
    if is_market(work.kind):
        return work.tif == POST_ONLY or work.tif == GTT or work.display_lots != 0
    return immediate and work.display_lots != 0


@kernel(inline=True)
def reason_against_size(book, quantity, display):
    """Return ACCEPTED, or what is wrong with a quantity and what of it is displayed (rule 12)."""
    rules = book.rules
    if quantity <= 0 or display < 0:
        return REJECT_QUANTITY
    if quantity >= LARGEST_LOTS:
        return REJECT_OVERFLOW
    if rules.lot > 1 and quantity % rules.lot != 0:
        return REJECT_LOT
    if quantity < rules.minimum_lots:
        return REJECT_MINIMUM_QUANTITY
    if quantity > rules.maximum_lots:
        return REJECT_MAXIMUM_QUANTITY
    if 0 < display < quantity:
        # Without a limit one order could refill more often than a lifetime allows.
        if (quantity - 1) // display >= rules.iceberg_parts:
            return REJECT_PARTS
    return ACCEPTED


@kernel(inline=True)
def reason_against_price(book, side, price, quantity):
    """Return ACCEPTED, or what is wrong with the limit price of an order (rule 14)."""
    rules = book.rules
    if rules.tick > 1 and price % rules.tick != 0:
        return REJECT_TICK
    highest, lowest = rules.highest_ticks, rules.lowest_ticks
    if is_better(side, price, highest if side == BUY else lowest):
        return REJECT_BAND
    if rules.minimum_notional > 0 and _is_small(price, quantity, rules.minimum_notional):
        return REJECT_MINIMUM_NOTIONAL
    return ACCEPTED


@kernel
def _is_small(price_ticks, quantity_lots, minimum):
    """Return whether the price, taken positive, times the quantity is below a minimum.

    Divides instead of multiplying, as the product may not fit into 64 bits.
    """
    if price_ticks == _LOWEST:
        return False
    size = abs(price_ticks)
    return size == 0 or quantity_lots < (minimum - 1) // size + 1


@kernel
def reason_against_new(book, work):
    """Return ACCEPTED, or why a new order may not enter, or may not wait (rules 14 to 20, 31, 32).

    Writes: work.{price_ticks, left_lots, trigger_ticks}, as the rules cut and move them.
    """
    if not is_market(work.kind):
        reason = reason_against_price(book, work.side, work.price_ticks, work.left_lots)
        if reason != ACCEPTED:
            return reason
    if work.tif == GTT and work.expiry_ns <= book.time_ns:
        return REJECT_EXPIRED
    if book.members > 0 and _has_too_many(book, work):
        return REJECT_ORDERS
    if has_trigger(work):
        return _reason_against_waiting(book, work)
    return reason_against_entering(book, work)


@kernel
def _has_too_many(book, work):
    """Return whether an owner has as many orders as it may have (rule 16). Reads: members."""
    row = find_member(book, work.owner)
    if row < 0:
        return False
    member, rules = members_of(book)[row], book.rules
    if has_trigger(work):
        return 0 < rules.maximum_waiting <= member.waiting
    if work.kind == MARKET or not may_rest(work):
        return False
    return 0 < rules.maximum_orders <= member.resting


@kernel
def _reason_against_waiting(book, work):
    """Return ACCEPTED, or why an order may not wait for its trigger (rules 31, 32)."""
    if work.kind == TRAILING_STOP:
        if work.trail_ticks <= 0:
            return REJECT_PRICE
        if not book.price_known[work.trigger]:
            return REJECT_NO_PRICE
        set_trail(book, work)
    if would_trigger(book, work):
        return REJECT_WOULD_TRIGGER
    return ACCEPTED


@kernel(inline=True)
def reason_against_entering(book, work):
    """Return ACCEPTED, or why an order may not enter the book now (rules 18 and 19).

    Writes: work.{left_lots, price_ticks}.
    """
    if work.reduce_only:
        work.left_lots = min(work.left_lots, closable(book, work.owner, work.side))
        if work.left_lots == 0:
            return REJECT_NOTHING_TO_REDUCE
    if work.tif == POST_ONLY and crosses(book, work.side, work.price_ticks):
        return _slide(book, work)
    return ACCEPTED


@kernel
def _slide(book, work):
    """Move a post-only order that would trade to the best price at which it does not (rule 19)."""
    rules = book.rules
    if not rules.post_only_slides:
        return REJECT_WOULD_CROSS
    direction = -1 if work.side == BUY else 1
    best = best_price(book, 1 - work.side)
    price = beyond(best, rules.tick, direction)
    if (price - best) * direction != rules.tick:
        return REJECT_WOULD_CROSS  # there is no such price
    work.price_ticks = price
    return ACCEPTED


@kernel
def overflows(book, side, price_ticks, more_lots):
    """Return whether the orders of a price would sum to too much (rule 20)."""
    return quantity_at(book, side, price_ticks) >= LARGEST_LOTS - more_lots


# --- Entry -----------------------------------------------------------------------------------


@kernel(inline=True)
def get_ready(book, work):
    """Get an accepted order ready to be matched; a market order gets its limit (rule 21).

    Writes: work.
    """
    if work.self_trade == UNSET:
        work.self_trade = book.rules.self_trade
    work.stated_ticks = work.price_ticks
    if is_market(work.kind):
        _set_market_limit(book, work)
    start_matching(work)


@kernel
def _set_market_limit(book, work):
    if work.tif != FOK:
        work.tif = IOC
    direction = 1 if work.side == BUY else -1
    work.price_ticks = _HIGHEST if work.side == BUY else _LOWEST
    reach = book.rules.protection_ticks
    if reach >= 0 and has_side(book, 1 - work.side):
        work.price_ticks = beyond(best_price(book, 1 - work.side), reach, direction)


@kernel
def rest_order(book, work):
    """Let what is left of the order in `work` rest; return its row, or NO_ORDER for want of room.

    Writes: the book, members.
    """
    has_terms = work.display_lots > 0 or work.tif == GTT
    if has_terms and book.free_terms == NO_TERMS:
        return np.int64(NO_ORDER)
    row = rest(book, np.int64(work.side), work.price_ticks, shown_lots(work))
    if row == NO_ORDER:
        return row
    order = orders_of(book)[row]
    write_names(book, order, work)
    if has_terms:
        write_terms(book, order, row, work)
    publish(book, order, ADDED)
    return row


@kernel
def rest_plain(book, side, price_ticks, quantity_lots, order_id, owner, instrument):
    """Let a limit order with nothing special about it rest, which nothing speaks against.

    What `rest_order` would make of it, without `work`; its owner is not limited. Returns its row,
    or NO_ORDER for want of room. Writes: the book.
    """
    row = rest(book, side, price_ticks, quantity_lots)
    if row == NO_ORDER:
        return row
    order = orders_of(book)[row]
    order.order_id = order_id
    order.owner = owner
    order.kind = LIMIT
    order.tif = GTC
    order.self_trade = book.rules.self_trade
    order.reduce_only = 0
    order.instrument = instrument
    publish(book, order, ADDED)
    return row


# --- Changes ---------------------------------------------------------------------------------


@kernel
def load_order(book, work, row):
    """Copy an order that rests, whatever is left of it, into `work`. Writes: work."""
    order = orders_of(book)[row]
    work.order_id = order.order_id
    work.owner = order.owner
    work.side = order.side
    work.kind = LIMIT
    work.tif = order.tif
    work.self_trade = order.self_trade
    work.reduce_only = order.reduce_only
    work.instrument = order.instrument
    work.price_ticks = order.price_ticks
    work.left_lots = open_lots(book, order)
    work.display_lots = work.expiry_ns = 0
    if order.terms >= 0:
        _load_terms(book, work, order)


@kernel
def _load_terms(book, work, order):
    terms = terms_of(book)[order.terms]
    work.display_lots = terms.display_lots
    work.expiry_ns = terms.expiry_ns


@kernel
def reason_against_change(book, work, row):
    """Return ACCEPTED, or why an order may not be changed to what `work` says (rule 26).

    Writes: work.{price_ticks, left_lots}, as the rules cut and move them.
    """
    reason = reason_against_size(book, work.left_lots, work.display_lots)
    if reason == ACCEPTED:
        reason = reason_against_price(book, work.side, work.price_ticks, work.left_lots)
    if reason == ACCEPTED:
        reason = reason_against_entering(book, work)
    if reason != ACCEPTED or not may_rest(work):
        return reason
    order, shown = orders_of(book)[row], shown_lots(work)
    if work.price_ticks == order.price_ticks:
        shown -= order.quantity_lots
    if crosses(book, work.side, work.price_ticks):
        return ACCEPTED
    return REJECT_OVERFLOW if overflows(book, work.side, work.price_ticks, shown) else ACCEPTED


@kernel
def keeps_place(book, work, row):
    """Return whether a change leaves an order its place in the queue (rule 27)."""
    order = orders_of(book)[row]
    return (
        book.rules.amend_keeps_priority == 1
        and work.price_ticks == order.price_ticks
        and work.left_lots <= open_lots(book, order)
    )
