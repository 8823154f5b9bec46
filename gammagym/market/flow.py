"""Order flow of a crowd: market orders, limit orders and cancels, and what the crowd makes of them.

Events come from a clock that does not look at the market, and every number an event may need is
drawn by its index: whatever agents do, twin worlds keep meeting the same events. Market orders set
off others: after each one the clock runs faster for a while (Hawkes, 1971; docs/rules/flow).

An event is one action of a trader and what the crowd makes of the book after it: quotes that the
price has left behind go, and an open spread is closed. So a market of 6 events a second keeps up
with the price as one of 1,150 does. A crowd that is not anchored believes in no price: it is of
zero intelligence and looks at the book alone, after Cont, Stoikov and Talreja (2010) and Smith,
Farmer et al. (2003).
"""

from __future__ import annotations

import math

import numpy as np

from gammagym._kernel import kernel
from gammagym.engine.book import best_price, first_order, has_side, is_best, remove
from gammagym.exchange.own_orders import limit_order
from gammagym.exchange.trading import is_closed
from gammagym.market.beliefs import (
    believed_ticks,
    contract_tick,
    half_touch,
    reference_ticks,
    remember_trades,
    storm,
    watch,
)
from gammagym.market.flow_clock import excite, let_pass, wait
from gammagym.market.price import price_now
from gammagym.market.sentiment import believed_price
from gammagym.market.streams import bits, normal, uniform
from gammagym.market.withdrawal import drop, is_away
from gammagym.world.codes import (
    BUY,
    CROWD,
    GTC,
    IOC,
    MAKERS,
    NO_ORDER,
    SELL,
    STREAM_FLOW,
    STREAM_SEEDING,
)
from gammagym.world.sizes import NANOSECONDS

# The draws of one event, by purpose; those of a refill are two, one for each side. 0 and 16 are the
# clock's.
DRAWS = 20
_KIND, _SIDE, _SIZE, _TOUCH, _DISTANCE, _SLOT = 1, 2, 3, 4, 5, 6
_RUN, _RUN_LENGTH, _PICK_OFF, _REFILL, _REFILL_SIZE, _REFILL_SLOT = 7, 8, 9, 10, 11, 13
_INFORMED, _JOIN, _LEAN = 15, 18, 19
_LONGEST_RUN = 100.0
_SEEDED_SHARE = 0.6
# Quotes of one side that one event clears at most.
_LONGEST_SWEEP = 32


@kernel
def open_flow(world, row):
    """Fill an empty book with orders around the fundamental price and start the clock.

    Reads: price, flow parameters. Writes: book, flow.
    """
    flow = world.flows[row]
    key = world.keys[STREAM_SEEDING] + np.uint64(row)
    for slot in range(len(flow.rows)):
        flow.rows[slot] = NO_ORDER
    flow.memory_ns = world.time_ns
    flow.next_ns = world.time_ns
    flow.initial_lots = world.positions[CROWD, flow.instrument].quantity_lots
    flow.initial_lots += world.positions[MAKERS, flow.instrument].quantity_lots
    price = believed_price(world, flow, price_now(world, world.time_ns))
    flow.last_reference = price / contract_tick(world, flow)
    flow.recent_variance = flow.calm_variance
    flow.looked_ns = world.time_ns
    for index in range(int(flow.slots * _SEEDED_SHARE)):
        _add(world, flow, key, index * DRAWS, flow.last_reference)
    _close_spread(world, flow, key, 0, flow.last_reference)


@kernel
def redraw_flow(world, row):
    """Draw the time of a flow's next event anew, from now on. Writes: flow."""
    flow = world.flows[row]
    let_pass(world, flow)
    draw = max(flow.event - 1, 0) * DRAWS
    seconds = wait(flow, world.price.pace, world.keys[STREAM_FLOW + row], draw)
    flow.next_ns = world.time_ns + 1 + int(seconds * NANOSECONDS)


@kernel
def background_event(world, row):
    """Carry out the next event of one flow: an action, then the crowd's answer to it.

    Reads: price, stress. Writes: book, flow, and what trades write.
    """
    flow = world.flows[row]
    key = world.keys[STREAM_FLOW + row]
    draw = flow.event * DRAWS
    flow.event += 1
    kind = uniform(key, draw + _KIND)
    let_pass(world, flow)
    excite(flow, kind < flow.probability_market)
    flow.next_ns += 1 + int(wait(flow, world.price.pace, key, draw) * NANOSECONDS)
    if is_closed(world, flow.instrument):
        return
    believed = believed_ticks(world, flow)
    reference = reference_ticks(flow, believed)
    if kind < flow.probability_market:
        _trade(world, flow, key, draw, reference)
    elif kind < flow.probability_market + flow.probability_add:
        _add(world, flow, key, draw, reference)
    else:
        drop(world, flow, _slot(bits(key, draw + _SLOT), 0, flow.slots))
    if flow.anchored:
        answer(world, flow, key, draw, believed)


@kernel
def answer(world, flow, key, draw, believed):
    """Let the crowd make what it will of the book. Writes: flow, book."""
    remember_trades(world, flow)
    reference = reference_ticks(flow, believed)
    watch(world, flow, reference)
    book, half = world.books[flow.instrument], half_touch(world, flow)
    for side in (BUY, SELL):
        if _is_stale(book, flow, side, reference, half):
            _clear_stale(world, flow, key, draw, side, reference)
    if uniform(key, draw + _REFILL) < flow.refill_probability:
        _close_spread(world, flow, key, draw, reference)


@kernel(inline=True)
def _touch(book, flow, side, reference, half):
    """Return the most aggressive price at which the crowd rests without crossing (ticks).

    Its traders want a spread of twice `half`.
    """
    if not flow.anchored:
        return _inside(book, side, reference)
    if side == BUY:
        price = math.floor(reference - half + 0.5)
        if has_side(book, SELL):
            price = min(price, best_price(book, SELL) - 1)
        return price
    price = math.floor(reference + half + 0.5)
    if has_side(book, BUY):
        price = max(price, best_price(book, BUY) + 1)
    return price


@kernel
def _inside(book, side, reference):
    """Return the price one tick from the opposite best (ticks), or from the last price known."""
    step = -1 if side == BUY else 1
    if has_side(book, 1 - side):
        return best_price(book, 1 - side) + step
    return math.floor(reference) + step


# --- What its traders do ---------------------------------------------------------------------


@kernel
def _trade(world, flow, key, draw, reference):
    """Send a market order, which goes no further than a trader would who looks at the price.

    Its side continues a run when a large order is being worked, unless its trader knows where the
    price is going.
    """
    side = BUY if uniform(key, draw + _SIDE) < 0.5 * (1.0 + flow.sentiment.lean) else SELL
    if flow.run_left > 0:
        flow.run_left -= 1
        side = flow.run_side
    elif uniform(key, draw + _RUN) < flow.split_probability:
        length = uniform(key, draw + _RUN_LENGTH) ** (-1.0 / flow.split_exponent)
        flow.run_left = int(min(length, _LONGEST_RUN))
        flow.run_side = side
    elif flow.imbalance_response > 0.0:
        side = _lean(world, flow, side, uniform(key, draw + _LEAN))
    median, sigma = flow.market_size_lots, flow.market_size_sigma
    if flow.informed_probability > 0.0:
        to_come = _to_come(world, flow)
        knows = flow.informed_probability * min(1.0, abs(to_come) / flow.informed_scale)
        if uniform(key, draw + _INFORMED) < knows:
            side = BUY if to_come > 0.0 else SELL
            median, sigma = flow.informed_size_lots, flow.informed_size_sigma
    size = _size_lots(median, sigma, key, draw + _SIZE)
    reach = flow.market_reach * max(1.0, world.stress.spread_multiple)
    limit = reference + (reach if side == BUY else -reach)
    limit_order(world, CROWD, flow.instrument, side, max(int(limit), 1), size, IOC)


@kernel
def _to_come(world, flow):
    """Return how far the price will move as far as informed traders see (ticks).

    Nobody sees beyond the next price tick.
    """
    later = world.time_ns + np.int64(flow.informed_horizon * NANOSECONDS)
    later = min(later, world.price.changed_ns + world.price.tick_ns)
    move = price_now(world, later) - price_now(world, world.time_ns)
    return move / contract_tick(world, flow)


@kernel
def _lean(world, flow, side, draw):
    """Return the side of an order that would rather take the shorter queue."""
    book = world.books[flow.instrument]
    if not (has_side(book, BUY) and has_side(book, SELL)):
        return side
    bid, ask = _queue_lots(world, book, BUY), _queue_lots(world, book, SELL)
    # A long bid and a short ask: the price is about to rise.
    lean = flow.sentiment.lean
    odds = math.exp(flow.imbalance_response * (bid - ask) / (bid + ask))
    odds *= (1.0 + lean) / (1.0 - lean)
    return BUY if draw * (1.0 + odds) < odds else SELL


@kernel(inline=True)
def _queue_lots(world, book, side):
    return float(world.levels[book.best[side]].quantity_lots)


@kernel
def _add(world, flow, key, draw, reference):
    """Place a limit order at the touch or behind it."""
    side = BUY if uniform(key, draw + _SIDE) < 0.5 else SELL
    touches = uniform(key, draw + _TOUCH) < flow.touch_probability
    first = side * flow.touch_slots if touches else 2 * flow.touch_slots
    end = first + flow.touch_slots if touches else flow.slots
    slot = _slot(bits(key, draw + _SLOT), first, end)
    median = flow.touch_size_lots if touches else flow.add_size_lots
    sigma = flow.touch_size_sigma if touches else flow.add_size_sigma
    size = _size_lots(median, sigma, key, draw + _SIZE)
    book, half = world.books[flow.instrument], half_touch(world, flow)
    price = _touch(book, flow, side, reference, half)
    if touches:
        price = _better(book, flow, side, price, reference, half)
        if flow.queue_response > 0.0 and not _joins(world, flow, side, price, key, draw):
            return
    else:
        distance = _distance(flow, key, draw)
        size = int(size * (1.0 + distance / flow.growth_distance))
        price += -distance if side == BUY else distance
    drop(world, flow, slot)
    _rest(world, flow, slot, side, price, size)


@kernel
def _better(book, flow, side, price, reference, half):
    """Return the best price of a side if it is better than one's own and not stale (ticks)."""
    if not has_side(book, side):
        return price
    best = best_price(book, side)
    reach = flow.stale_ticks + 0.5 - half
    if side == BUY:
        return best if price < best <= reference + reach else price
    return best if reference - reach <= best < price else price


@kernel
def _joins(world, flow, side, price, key, draw):
    """Return whether an order joins a queue at the touch: the longer it is, the more seldom."""
    book = world.books[flow.instrument]
    if not has_side(book, side) or best_price(book, side) != price:
        return True
    length = _queue_lots(world, book, side) / flow.touch_size_lots
    return uniform(key, draw + _JOIN) * (1.0 + flow.queue_response * length) < 1.0


@kernel
def _distance(flow, key, draw):
    """Return how far behind the touch an order goes (ticks): a power law, cut off.

    An exponent of -1 is the uniform distribution.
    """
    share = 1.0 - uniform(key, draw + _DISTANCE) * (1.0 - flow.distance_cut)
    return int(flow.distance_scale * (share ** (-1.0 / flow.distance_exponent) - 1.0))


@kernel
def _size_lots(median_lots, sigma, key, draw):
    return max(1, int(median_lots * math.exp(sigma * normal(key, draw))))


# --- What they make of the book --------------------------------------------------------------


@kernel(inline=True)
def _is_stale(book, flow, side, reference, half):
    """Return whether the reference has passed the best quote of a side too far for the crowd."""
    if not has_side(book, side):
        return False
    # The crowd's own quotes are the first to be stale: half a spread is half a tick or more.
    return _passed(book, side, reference) > flow.stale_ticks - (half - 0.5)


@kernel(inline=True)
def _passed(book, side, reference):
    """Return how far the reference has passed the best price of a side (ticks)."""
    price = best_price(book, side)
    return price - reference if side == BUY else reference - price


@kernel
def _clear_stale(world, flow, key, draw, side, reference):
    """Cancel best quotes that the reference has passed; trade with those of other people."""
    book, half = world.books[flow.instrument], half_touch(world, flow)
    for _ in range(_LONGEST_SWEEP):
        if not _is_stale(book, flow, side, reference, half):
            return
        row = first_order(book, side)
        if world.orders[row].owner != CROWD:
            if _passed(book, side, reference) > flow.stale_ticks:
                price = best_price(book, side)
                median, sigma = flow.touch_size_lots, flow.touch_size_sigma
                size = _size_lots(median, sigma, key, draw + _PICK_OFF)
                limit_order(world, CROWD, flow.instrument, 1 - side, price, size, IOC)
            return
        remove(book, row)


@kernel
def _close_spread(world, flow, key, draw, reference):
    """Quote on each side where the best quote is worse than the crowd wants it."""
    book, half = world.books[flow.instrument], half_touch(world, flow)
    for side in (BUY, SELL):
        price = _touch(book, flow, side, reference, half)
        if is_best(book, side, price):
            _quote(world, flow, key, draw, side, price)


@kernel
def _quote(world, flow, key, draw, side, price):
    """Place a new best quote.

    The order whose place a new quote takes is moved, as it were: few are left behind the touch.
    """
    first = side * flow.touch_slots
    slot = _slot(bits(key, draw + _REFILL_SLOT + side), first, first + flow.touch_slots)
    drop(world, flow, slot)
    size = _size_lots(flow.touch_size_lots, flow.touch_size_sigma, key, draw + _REFILL_SIZE + side)
    _rest(world, flow, slot, side, price, size)


# --- The list of the crowd's orders ----------------------------------------------------------


@kernel
def _slot(random_bits, first, end):
    """Return the place of the list, first <= place < end, that random bits stand for."""
    return first + np.int64(random_bits % np.uint64(end - first))


@kernel
def _rest(world, flow, slot, side, price_ticks, size):
    """Enter a limit order and write it into its place of the list; a depth shock shrinks it.

    Whose place it is may have left.
    """
    if price_ticks <= 0 or is_away(world, flow, slot):
        return
    share = world.stress.depth_multiple
    if flow.pulling > 0.0:
        share /= 1.0 + flow.pulling * storm(flow)
    size = max(1, int(size * share))
    row = limit_order(world, CROWD, flow.instrument, side, price_ticks, size, GTC)
    flow.rows[slot] = row
    if row != NO_ORDER:
        flow.ids[slot] = world.orders[row].order_id
