"""An order meets the book: who trades with whom, and for how much (docs/rules/matching).

The order being carried out is in `work`. `match` lets it trade a while, writes what happened into
`work.fills`, and says in `work.unfinished` whether it must be called again. So no array is too
small, and whoever calls can book the trades, and look at reduce-only orders, in between.
"""

from __future__ import annotations

import numpy as np

from gammagym._kernel import kernel
from gammagym.engine.book import (
    NO_ARRIVAL,
    crosses,
    open_lots,
    reaches,
    reduce,
    refill,
    remove,
    shrink,
)
from gammagym.engine.pro_rata import NEW_ROUND, choose_share, had_its_turn, keep_turn
from gammagym.engine.protocol import CANCELED, REDUCED, TRADE
from gammagym.engine.tables import levels_of, orders_of, terms_of
from gammagym.engine.waiting import note_price
from gammagym.world.codes import (
    ACCEPTED,
    BUY,
    EXPIRE_BOTH,
    EXPIRE_MAKER,
    EXPIRE_TAKER,
    NO_LEVEL,
    NO_ORDER,
    NO_TERMS,
    NOBODY,
    ON_LAST,
    REJECT_SELF_TRADE,
    UNSET,
)
from gammagym.world.sizes import FILLS_AT_ONCE


@kernel(inline=True)
def start_matching(work):
    """Get an order in `work` ready to be matched. Writes: work."""
    work.stopped = ACCEPTED
    work.stage = NEW_ROUND
    work.cleared = work.turn_arrival = NO_ARRIVAL


@kernel
def match(book, work):
    """Trade an order against the other side; return how much happened, at most FILLS_AT_ONCE.

    Every trade is at the price of the order that rested. `work.unfinished` says that there may be
    more; `work.look_at` then names an owner whose reduce-only orders must be looked at before.
    Writes: work.{left_lots, stopped, fills, ...}, book. Cost: O(what happened).
    """
    count = 0
    work.unfinished = 0
    work.look_at = NOBODY
    while work.left_lots > 0 and crosses(book, work.side, work.price_ticks):
        if count == FILLS_AT_ONCE:
            work.unfinished = 1
            break
        level = levels_of(book)[book.best[1 - work.side]]
        own = _own_order(book, work, level)
        if own != NO_ORDER:
            count += _prevent(book, work, own, work.fills[count])
            if work.stopped != ACCEPTED:
                break
            continue
        row, quantity = np.int64(level.first), work.left_lots
        if book.rules.pro_rata:
            row, quantity = choose_share(book, work, level)
            if row == NO_ORDER:
                continue
        maker = orders_of(book)[row]
        if maker.reduce_only and work.cleared != maker.arrival:
            work.cleared = maker.arrival
            keep_turn(work, maker, quantity)
            work.look_at = maker.owner
            work.unfinished = 1
            break
        quantity = min(quantity, maker.quantity_lots)
        if book.rules.pro_rata:
            had_its_turn(work, maker, quantity)
        _trade(book, work, row, quantity, work.fills[count])
        count += 1
    return count


@kernel(inline=True)
def _trade(book, work, row, quantity_lots, fill):
    """Let a resting order trade. Writes: fill, work.left_lots, the order, what the book counts."""
    maker = orders_of(book)[row]
    fill.kind, fill.reason = TRADE, ACCEPTED
    fill.side = maker.side
    fill.price_ticks = maker.price_ticks
    fill.quantity_lots = quantity_lots
    fill.maker_id = maker.order_id
    fill.maker_owner = maker.owner
    fill.refill_lots = fill.taker_lost_lots = 0
    fill.gone = 0
    work.left_lots -= quantity_lots
    book.trades += 1
    book.volume_lots += quantity_lots
    if work.side == BUY:
        book.bought_lots += quantity_lots
    note_price(book, ON_LAST, maker.price_ticks)
    if quantity_lots < maker.quantity_lots:
        reduce(book, row, maker.quantity_lots - quantity_lots)
    elif maker.terms != NO_TERMS and terms_of(book)[maker.terms].hidden_lots > 0:
        fill.refill_lots = refill(book, row)
    else:
        fill.gone = 1
        remove(book, row)


# --- Meeting oneself -------------------------------------------------------------------------


@kernel(inline=True)
def _own_order(book, work, level):
    """Return an order of the taker's owner that may not trade with it now, or NO_ORDER.

    That is the first of the queue; in a pro-rata book the first own one, before a round begins.
    """
    if work.owner == NOBODY:
        return np.int64(NO_ORDER)
    return _own_order_at(book, work, level)


@kernel
def _own_order_at(book, work, level):
    pro_rata = book.rules.pro_rata
    if pro_rata and work.stage != NEW_ROUND and work.round_ticks == level.price_ticks:
        return np.int64(NO_ORDER)
    row = np.int64(level.first)
    while row != NO_ORDER:
        maker = orders_of(book)[row]
        if maker.owner == work.owner and mode_of(book, work, maker) != UNSET:
            return row
        row = np.int64(maker.next) if pro_rata else np.int64(NO_ORDER)
    return row


@kernel(inline=True)
def mode_of(book, work, maker):
    """Return the self-trade mode that counts for a taker and a maker. Reads: rules."""
    return np.int64(maker.self_trade) if book.rules.maker_decides else np.int64(work.self_trade)


@kernel
def _prevent(book, work, row, fill):
    """Do instead of a trade with oneself what the mode says; return how many fills it wrote.

    Writes: fill, work.{stopped, left_lots}, the maker.
    """
    maker = orders_of(book)[row]
    mode = mode_of(book, work, maker)
    if mode in (EXPIRE_TAKER, EXPIRE_BOTH):
        work.stopped = REJECT_SELF_TRADE
    if mode == EXPIRE_TAKER:
        return 0
    open_quantity = open_lots(book, maker)
    fill.reason = REJECT_SELF_TRADE
    fill.side = maker.side
    fill.price_ticks = maker.price_ticks
    fill.maker_id = maker.order_id
    fill.maker_owner = maker.owner
    fill.refill_lots = fill.taker_lost_lots = 0
    lost = open_quantity
    if mode != EXPIRE_MAKER and mode != EXPIRE_BOTH:
        lost = min(open_quantity, work.left_lots)
        work.left_lots -= lost
        fill.taker_lost_lots = lost
    fill.gone = 1 if lost == open_quantity else 0
    fill.kind = CANCELED if fill.gone else REDUCED
    fill.quantity_lots = lost if fill.gone else open_quantity - lost
    if fill.gone:
        remove(book, row)
    else:
        shrink(book, row, open_quantity - lost)
    return 1


# --- Fill or kill ----------------------------------------------------------------------------


@kernel
def available(book, work):
    """Return how much of an order in `work` could surely trade (lots), counting no more than that.

    Reduce-only and own orders do not count, as they may vanish before their turn.
    Reads: orders, levels, terms. Cost: O(orders counted).
    """
    wanted, total = work.left_lots, np.int64(0)
    level_row = np.int64(book.best[1 - work.side])
    while level_row != NO_LEVEL and total < wanted:
        level = levels_of(book)[level_row]
        if not reaches(work.side, work.price_ticks, level.price_ticks):
            break
        counted, stops = _available_at(book, work, level, wanted - total)
        total += counted
        if stops:
            break
        level_row = np.int64(level.worse)
    return min(total, wanted)


@kernel
def _available_at(book, work, level, wanted):
    """Return how much of a level surely trades, and whether the taker is stopped there."""
    row, displayed, hidden = np.int64(level.first), np.int64(0), np.int64(0)
    while row != NO_ORDER:
        maker = orders_of(book)[row]
        if work.owner != NOBODY and maker.owner == work.owner:
            mode = mode_of(book, work, maker)
            if mode != UNSET and mode != EXPIRE_MAKER:
                return (np.int64(0) if book.rules.pro_rata else displayed), True
            own = mode == EXPIRE_MAKER
        else:
            own = False
        if not own and not maker.reduce_only:
            displayed = min(displayed + maker.quantity_lots, wanted)
            if maker.terms != NO_TERMS:
                hidden = min(hidden + terms_of(book)[maker.terms].hidden_lots, wanted)
        row = np.int64(maker.next)
    return displayed + hidden, False
