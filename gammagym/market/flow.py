"""Zero-intelligence order flow around a reference price in which the crowd believes.

Events come from a Poisson clock that does not look at the market, and every number an event may
need is drawn by its index: whatever agents do, twin worlds keep meeting the same events. An event
is one action of a trader (a market order, a limit order, a cancellation) and what the crowd makes
of the book after it: quotes that the price has left behind go, and an open spread is closed. So a
market of 15 events a second keeps up with the price as one of 1,150 does. After Cont, Stoikov and
Talreja (2010) and Smith, Farmer et al. (2003); docs/rules/flow states the conditions.
"""

from __future__ import annotations

import math

import numpy as np

from gammagym._kernel import kernel
from gammagym.engine.book import best_price, has_side, remove
from gammagym.exchange.orders import limit_order
from gammagym.exchange.trading import is_closed
from gammagym.market.streams import bits, exponential, normal, uniform
from gammagym.world import (
    BUY,
    CROWD,
    GTC,
    IOC,
    NANOSECONDS,
    NO_ORDER,
    SELL,
    STREAM_FLOW,
    STREAM_SEEDING,
)

# The draws of one event, by purpose; those of a refill are two, one for each side.
DRAWS = 16
_ARRIVAL, _KIND, _SIDE, _SIZE, _TOUCH, _DISTANCE, _SLOT = 0, 1, 2, 3, 4, 5, 6
_RUN, _RUN_LENGTH, _PICK_OFF, _REFILL, _REFILL_SIZE, _REFILL_SLOT = 7, 8, 9, 10, 11, 13
_INFORMED = 15
_LONGEST_RUN = 100.0
_SEEDED_SHARE = 0.6
# Quotes of one side that one event clears at most.
_LONGEST_SWEEP = 32


@kernel(counted=False)
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
    for index in range(int(flow.slots * _SEEDED_SHARE)):
        _add(world, flow, key, index * DRAWS)
    _refill(world, flow, key, 0, reference_ticks(world, flow))


@kernel(counted=False)
def background_event(world, row):
    """Carry out the next event of one flow: an action, then the crowd's answer to it.

    Reads: price, stress. Writes: book, flow, and what trades write.
    """
    flow = world.flows[row]
    key = world.keys[STREAM_FLOW + row]
    draw = flow.event * DRAWS
    flow.event += 1
    flow.next_ns += 1 + int(exponential(key, draw + _ARRIVAL) / flow.rate * NANOSECONDS)
    if is_closed(world, flow.instrument):
        return
    kind = uniform(key, draw + _KIND)
    if kind < flow.probability_market:
        _trade(world, flow, key, draw)
    elif kind < flow.probability_market + flow.probability_add:
        _add(world, flow, key, draw)
    else:
        _drop(world, flow, _slot(bits(key, draw + _SLOT), 0, flow.slots))
    _remember_trades(world, flow)
    reference = reference_ticks(world, flow)
    _clear_stale(world, flow, key, draw, BUY, reference)
    _clear_stale(world, flow, key, draw, SELL, reference)
    if uniform(key, draw + _REFILL) < flow.refill_probability:
        _refill(world, flow, key, draw, reference)


# --- What the crowd believes -----------------------------------------------------------------


@kernel
def late_ticks(world, flow):
    """Return the fundamental price as the crowd sees it (ticks): late by one price tick."""
    price = world.price
    share = min((world.time_ns - price.changed_ns) / price.tick_ns, 1.0)
    late = price.previous + (price.value - price.previous) * share
    return late / world.instruments[flow.instrument].tick_size


@kernel
def reference_ticks(world, flow):
    """Return the price the crowd believes in (ticks): the late one, moved by its memory."""
    return late_ticks(world, flow) + flow.memory


@kernel
def _remember_trades(world, flow):
    """Decay the impact memory and add what was traded since, by noise and agents alike."""
    book = world.books[flow.instrument]
    elapsed = (world.time_ns - flow.memory_ns) / NANOSECONDS
    flow.memory *= math.exp(-elapsed / flow.impact_decay)
    flow.memory_ns = world.time_ns
    bought = 2 * book.bought_lots - book.volume_lots
    net = bought - flow.seen_lots
    flow.seen_lots = bought
    if net != 0:
        lot = world.instruments[flow.instrument].lot_size
        size, scale = abs(net) * lot, flow.impact_scale_lots * lot
        impact = flow.impact_ticks * size**0.3 * size / (size + scale)
        flow.memory += impact if net > 0 else -impact


@kernel
def _touch(world, flow, side, reference):
    """Return the most aggressive price at which the crowd rests without crossing (ticks)."""
    book = world.books[flow.instrument]
    half = 0.5 * max(1.0, world.stress.spread_multiple)
    if side == BUY:
        price = math.floor(reference - half + 0.5)
        if has_side(book, SELL):
            price = min(price, best_price(book, SELL) - 1)
        return price
    price = math.floor(reference + half + 0.5)
    if has_side(book, BUY):
        price = max(price, best_price(book, BUY) + 1)
    return price


# --- What its traders do ---------------------------------------------------------------------


@kernel(counted=False)
def _trade(world, flow, key, draw):
    """Send a market order, which goes no further than a trader would who looks at the price.

    Its side continues a run when a large order is being worked, unless its trader knows where the
    price is going.
    """
    side = BUY if uniform(key, draw + _SIDE) < 0.5 else SELL
    if flow.run_left > 0:
        flow.run_left -= 1
        side = flow.run_side
    elif uniform(key, draw + _RUN) < flow.split_probability:
        length = uniform(key, draw + _RUN_LENGTH) ** (-1.0 / flow.split_exponent)
        flow.run_left = int(min(length, _LONGEST_RUN))
        flow.run_side = side
    value = world.price.value / world.instruments[flow.instrument].tick_size
    to_come = value - late_ticks(world, flow)
    knows = flow.informed_probability * min(1.0, abs(to_come) / flow.informed_scale)
    if uniform(key, draw + _INFORMED) < knows:
        side = BUY if to_come > 0.0 else SELL
    size = _size_lots(flow.market_size_lots, flow.market_size_sigma, key, draw + _SIZE)
    reach = flow.market_reach * max(1.0, world.stress.spread_multiple)
    limit = reference_ticks(world, flow) + (reach if side == BUY else -reach)
    limit_order(world, CROWD, flow.instrument, side, max(int(limit), 1), size, IOC)


@kernel
def _add(world, flow, key, draw):
    """Place a limit order at the touch or behind it."""
    side = BUY if uniform(key, draw + _SIDE) < 0.5 else SELL
    touches = uniform(key, draw + _TOUCH) < flow.touch_probability
    first = side * flow.touch_slots if touches else 2 * flow.touch_slots
    end = first + flow.touch_slots if touches else flow.slots
    slot = _slot(bits(key, draw + _SLOT), first, end)
    _drop(world, flow, slot)
    price = _touch(world, flow, side, reference_ticks(world, flow))
    if touches:
        size = _size_lots(flow.touch_size_lots, flow.touch_size_sigma, key, draw + _SIZE)
    else:
        size = _size_lots(flow.add_size_lots, flow.add_size_sigma, key, draw + _SIZE)
        distance = _distance(flow, key, draw)
        price += -distance if side == BUY else distance
    _rest(world, flow, slot, side, price, size)


@kernel
def _distance(flow, key, draw):
    """Return how far behind the touch an order goes (ticks): a power law, cut off."""
    power = uniform(key, draw + _DISTANCE) ** (-1.0 / flow.distance_exponent)
    return int(min(flow.distance_scale * (power - 1.0), flow.distance_maximum))


@kernel
def _size_lots(median_lots, sigma, key, draw):
    return max(1, int(median_lots * math.exp(sigma * normal(key, draw))))


# --- What they make of the book --------------------------------------------------------------


@kernel
def _clear_stale(world, flow, key, draw, side, reference):
    """Cancel best quotes that the reference has passed; trade with those of other people."""
    book = world.books[flow.instrument]
    half = 0.5 * max(world.stress.spread_multiple - 1.0, 0.0)
    for _ in range(_LONGEST_SWEEP):
        if not has_side(book, side):
            return
        row = world.levels[book.best[side]].first
        order = world.orders[row]
        passed = order.price_ticks - reference if side == BUY else reference - order.price_ticks
        if order.owner != CROWD:
            if passed > flow.stale_ticks:
                median, sigma = flow.touch_size_lots, flow.touch_size_sigma
                size = _size_lots(median, sigma, key, draw + _PICK_OFF)
                price = order.price_ticks
                limit_order(world, CROWD, flow.instrument, 1 - side, price, size, IOC)
            return
        if passed <= flow.stale_ticks - half:
            return
        remove(book, row)


@kernel
def _refill(world, flow, key, draw, reference):
    """Close the spread: quote on each side where the best is worse than the crowd wants it.

    The order whose place a new quote takes is moved, as it were: few are left behind the touch.
    """
    book = world.books[flow.instrument]
    for side in range(2):
        price = _touch(world, flow, side, reference)
        if has_side(book, side):
            best = best_price(book, side)
            if (price <= best) if side == BUY else (price >= best):
                continue
        first = side * flow.touch_slots
        slot = _slot(bits(key, draw + _REFILL_SLOT + side), first, first + flow.touch_slots)
        _drop(world, flow, slot)
        size = _size_lots(
            flow.touch_size_lots, flow.touch_size_sigma, key, draw + _REFILL_SIZE + side
        )
        _rest(world, flow, slot, side, price, size)


# --- The list of the crowd's orders ----------------------------------------------------------


@kernel
def _slot(random_bits, first, end):
    """Return the place of the list, first <= place < end, that random bits stand for."""
    return first + np.int64(random_bits % np.uint64(end - first))


@kernel
def _drop(world, flow, slot):
    """Cancel the order in one place of the list, if one is there and still rests."""
    row = flow.rows[slot]
    if row == NO_ORDER:
        return
    flow.rows[slot] = NO_ORDER
    order = world.orders[row]
    if order.live and order.order_id == flow.ids[slot]:
        remove(world.books[flow.instrument], row)


@kernel
def _rest(world, flow, slot, side, price_ticks, size):
    """Enter a limit order and write it into its place of the list; a depth shock shrinks it."""
    if price_ticks <= 0:
        return
    size = max(1, int(size * world.stress.depth_multiple))
    row = limit_order(world, CROWD, flow.instrument, side, price_ticks, size, GTC)
    flow.rows[slot] = row
    if row != NO_ORDER:
        flow.ids[slot] = world.orders[row].order_id
