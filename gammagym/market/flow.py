"""Zero-intelligence order flow around a fundamental price that the crowd sees late.

Candidate events come from a Poisson clock that does not look at the market; the state only accepts
or rejects them and says what they do, and every number an event may need is drawn by its index. So
twin worlds keep meeting the same events after an agent's trade. After Cont, Stoikov and Talreja
(2010) and Smith, Farmer et al. (2003), with a reference price, refill, stale cancels and an impact
memory (docs/rules/flow).
"""

from __future__ import annotations

import math

import numpy as np

from gammagym._kernel import kernel
from gammagym.engine.book import best_price, has_side, remove
from gammagym.exchange.trading import limit_order
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

# The draws of one event, by purpose.
DRAWS = 16
_ARRIVAL, _ACCEPT, _STALE, _INFORMED, _KIND, _SIDE = 0, 1, 2, 3, 4, 5
_SIZE, _TOUCH, _DISTANCE, _SLOT, _RUN, _RUN_LENGTH = 6, 7, 8, 9, 10, 11
_LONGEST_RUN = 1000.0
_SEEDED_SHARE = 0.6
_STALE_SWEEP = 32


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
    for index in range(int(flow.slots * _SEEDED_SHARE)):
        _add(world, flow, key, index * DRAWS, False)


@kernel
def background_event(world, row):
    """Carry out the next candidate event of one flow. Writes: book, flow."""
    flow = world.flows[row]
    key = world.keys[STREAM_FLOW + row]
    draw = flow.event * DRAWS
    flow.event += 1
    wait = exponential(key, draw + _ARRIVAL) / (flow.rate * flow.burst)
    flow.next_ns += 1 + int(wait * NANOSECONDS)
    wide = _is_wide(world, flow)
    if not wide and uniform(key, draw + _ACCEPT) * flow.burst >= 1.0:
        return
    flow.accepted += 1
    _remember_trades(world, flow)
    if uniform(key, draw + _STALE) < flow.stale_probability and _remove_stale(world, flow):
        return
    if _trade_informed(world, flow, key, draw):
        return
    kind = uniform(key, draw + _KIND)
    if kind < flow.probability_market:
        _trade_noise(world, flow, key, draw)
    elif kind < flow.probability_market + flow.probability_add:
        _add(world, flow, key, draw, wide)
    else:
        _cancel(world, flow, key, draw)


@kernel
def _is_wide(world, flow):
    """Return whether the spread is wider than the market wants it to be now."""
    head = world.heads[flow.instrument]
    if not (has_side(head, BUY) and has_side(head, SELL)):
        return True
    spread = best_price(world.levels, head, SELL) - best_price(world.levels, head, BUY)
    return spread > max(1.0, world.stress.spread_multiple)


@kernel
def _remember_trades(world, flow):
    """Decay the impact memory and add what was traded since, by noise and agents alike."""
    head = world.heads[flow.instrument]
    elapsed = (world.time_ns - flow.memory_ns) / NANOSECONDS
    flow.memory *= math.exp(-elapsed / flow.impact_decay)
    flow.memory_ns = world.time_ns
    bought = 2 * head.bought_lots - head.volume_lots
    net = bought - flow.seen_lots
    flow.seen_lots = bought
    if net != 0:
        lot = world.instruments[flow.instrument].lot_size
        size, scale = abs(net) * lot, flow.impact_scale_lots * lot
        impact = flow.impact_ticks * size**0.3 * size / (size + scale)
        flow.memory += impact if net > 0 else -impact


@kernel
def fundamental_ticks(world, flow):
    """Return the fundamental price in ticks of a flow's instrument."""
    return world.price.value / world.instruments[flow.instrument].tick_size


@kernel
def reference_ticks(world, flow):
    """Return the price the crowd believes in (ticks): late by a price tick, moved by its memory."""
    price = world.price
    share = min((world.time_ns - price.changed_ns) / price.tick_ns, 1.0)
    late = price.previous + (price.value - price.previous) * share
    return late / world.instruments[flow.instrument].tick_size + flow.memory


@kernel
def _remove_stale(world, flow):
    """Cancel best quotes that the reference has passed, several at once; returns whether any were."""
    head = world.heads[flow.instrument]
    reference = reference_ticks(world, flow)
    slack = flow.stale_ticks - 0.5 * (world.stress.spread_multiple - 1.0)
    removed = 0
    while removed < _STALE_SWEEP and has_side(head, BUY):
        row = world.levels[head.best[BUY]].first
        order = world.orders[row]
        if order.owner != CROWD or order.price_ticks <= reference + slack:
            break
        remove(world.orders, world.levels, head, row)
        removed += 1
    while removed < _STALE_SWEEP and has_side(head, SELL):
        row = world.levels[head.best[SELL]].first
        order = world.orders[row]
        if order.owner != CROWD or order.price_ticks >= reference - slack:
            break
        remove(world.orders, world.levels, head, row)
        removed += 1
    return removed > 0


@kernel
def _size_lots(median_lots, sigma, key, draw):
    return max(1, int(median_lots * math.exp(sigma * normal(key, draw + _SIZE))))


@kernel
def _trade_informed(world, flow, key, draw):
    """Trade towards the fundamental price, never beyond it; returns whether it did."""
    head = world.heads[flow.instrument]
    if not (has_side(head, BUY) and has_side(head, SELL)):
        return False
    value = fundamental_ticks(world, flow)
    bid = best_price(world.levels, head, BUY)
    ask = best_price(world.levels, head, SELL)
    mispricing = abs(value - 0.5 * (bid + ask)) / flow.informed_scale
    chance = flow.informed_probability * min(1.0, mispricing)
    if uniform(key, draw + _INFORMED) >= chance or bid <= value <= ask:
        return False
    size = _size_lots(flow.informed_size_lots, flow.informed_size_sigma, key, draw)
    side = BUY if value > ask else SELL
    limit = int(math.floor(value)) if side == BUY else int(math.ceil(value))
    limit_order(world, CROWD, flow.instrument, side, limit, size, IOC)
    return True


@kernel
def _trade_noise(world, flow, key, draw):
    """Send a market order; its sign continues a run when a large order is being worked."""
    side = BUY if uniform(key, draw + _SIDE) < 0.5 else SELL
    if flow.run_left > 0:
        flow.run_left -= 1
        side = flow.run_side
    elif uniform(key, draw + _RUN) < flow.split_probability:
        length = uniform(key, draw + _RUN_LENGTH) ** (-1.0 / flow.split_exponent)
        flow.run_left = int(min(length, _LONGEST_RUN))
        flow.run_side = side
    size = _size_lots(flow.market_size_lots, flow.market_size_sigma, key, draw)
    reach = world.instruments[flow.instrument].protection
    centre = reference_ticks(world, flow)
    limit = centre * (1.0 + reach) if side == BUY else centre * (1.0 - reach)
    limit_order(world, CROWD, flow.instrument, side, int(limit), size, IOC)


@kernel
def _add(world, flow, key, draw, wide):
    """Place a limit order at the touch or behind it, in the place of the list it drew."""
    slot = np.int64(bits(key, draw + _SLOT) % np.uint64(flow.slots))
    if _drop(world, flow, slot):
        flow.evictions += 1
    side = BUY if uniform(key, draw + _SIDE) < 0.5 else SELL
    touch = flow.refill_probability if wide else flow.touch_probability
    distance = 0
    median = flow.add_size_lots * world.stress.depth_multiple
    if uniform(key, draw + _TOUCH) < touch:
        median *= flow.touch_multiple
    else:
        distance = _distance(world, flow, key, draw)
    size = _size_lots(median, flow.add_size_sigma, key, draw)
    price = _touch(world, flow, side) + (-distance if side == BUY else distance)
    if price <= 0:
        return
    row = limit_order(world, CROWD, flow.instrument, side, price, size, GTC)
    flow.rows[slot] = row
    if row != NO_ORDER:
        flow.ids[slot] = world.orders[row].order_id


@kernel
def _distance(world, flow, key, draw):
    """Return how far behind the touch an order goes (ticks): a power law, cut off."""
    spread = flow.distance_scale * (
        uniform(key, draw + _DISTANCE) ** (-1.0 / flow.distance_exponent) - 1.0
    )
    return int(min(spread, flow.distance_maximum) * world.stress.spread_multiple)


@kernel
def _touch(world, flow, side):
    """Return the most aggressive price at which the crowd rests without crossing (ticks)."""
    head = world.heads[flow.instrument]
    reference = reference_ticks(world, flow)
    half = 0.5 * max(1.0, world.stress.spread_multiple)
    if side == BUY:
        price = int(math.floor(reference - half))
        if has_side(head, SELL):
            price = min(price, best_price(world.levels, head, SELL) - 1)
        return price
    price = int(math.ceil(reference + half))
    if has_side(head, BUY):
        price = max(price, best_price(world.levels, head, BUY) + 1)
    return price


@kernel
def _cancel(world, flow, key, draw):
    """Cancel the order in the place of the list that was drawn, if one is there."""
    _drop(world, flow, np.int64(bits(key, draw + _SLOT) % np.uint64(flow.slots)))


@kernel
def _drop(world, flow, slot):
    """Cancel the order of one place of the list; returns whether it was still resting."""
    row = flow.rows[slot]
    if row == NO_ORDER:
        return False
    order = world.orders[row]
    flow.rows[slot] = NO_ORDER
    resting = order.live and order.order_id == flow.ids[slot]
    if resting:
        remove(world.orders, world.levels, world.heads[flow.instrument], row)
    return resting
