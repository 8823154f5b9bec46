"""Looks that a quiet crowd takes at the book, when it matters what it makes of it.

A market of few events would be slow to follow the price: half a second or two behind it, there for
the taking. So a crowd that has been quiet for LOOK_NS answers to the price before others act on its
book or are shown it: at price ticks, and when an instruction of a competitor or an arbitrageur
comes. And a competitor's order that rests is overrun as in a market that is looked at every
LOOK_NS: the way of the price to the next tick is known, so the first such moment at which the crowd
would take the order is found by comparing prices, without a look at each (docs/rules/flow).
"""

from __future__ import annotations

import math

from gammagym._kernel import kernel
from gammagym.exchange.funding import NEVER_NS
from gammagym.exchange.trading import is_closed
from gammagym.market.beliefs import believed_ticks, contract_tick
from gammagym.market.flow import DRAWS, answer
from gammagym.market.flow_clock import let_pass
from gammagym.market.makers import quoted_ticks, requote
from gammagym.market.price import furthest_price, price_now
from gammagym.market.sentiment import believed_price
from gammagym.world.codes import BUY, FLOW_IDEAL, SELL, STREAM_FLOW
from gammagym.world.sizes import NANOSECONDS

# How far the looks of a quiet crowd are apart.
LOOK_NS = 200_000_000
# Draws of looks are numbered from here, where no event comes.
_FIRST_LOOK = 2**60
# By so much two ways to one price may differ (ticks).
_ROUNDING = 1e-3


@kernel
def look(world):
    """Let the ideal market and quiet crowds answer to the price, where it overruns an order.

    Reads: price. Writes: what `quote` and `background_event` write.
    """
    requote(world)
    wake(world, False)


@kernel
def wake(world, all_of_them):
    """Let every crowd answer to the price that has been quiet for a while, or all of them.

    Crowds of zero intelligence know no price. Writes: flow, book, and what trades write.
    """
    for row in range(world.flow_count):
        flow = world.flows[row]
        quiet = all_of_them or world.time_ns - flow.memory_ns >= LOOK_NS
        if quiet and flow.anchored and not is_closed(world, flow.instrument):
            # Two looks of a quiet crowd are LOOK_NS apart, so that each has draws of its own.
            draw = _FIRST_LOOK + world.time_ns // LOOK_NS * DRAWS
            let_pass(world, flow)
            key, believed = world.keys[STREAM_FLOW + row], believed_ticks(world, flow)
            answer(world, flow, key, draw, believed)


@kernel
def plan_look(world):
    """Find out when the first of competitors' resting orders is overrun, if nothing else happens.

    Looks come at multiples of LOOK_NS, later than now and up to the next event of the crowd or the
    next price tick; after these it is found out anew. Reads: watched orders, price, flows.
    Writes: next_look_ns, watched_ids, watching.
    """
    world.next_look_ns, world.watching = NEVER_NS, 0
    for place in range(len(world.watched_ids)):
        if world.watched_ids[place] == 0:
            continue
        order = world.orders[world.watched_rows[place]]
        if order.live and order.order_id == world.watched_ids[place]:
            world.watching = 1
            world.next_look_ns = min(world.next_look_ns, _overrun_ns(world, order))
        else:
            world.watched_ids[place] = 0


@kernel
def _overrun_ns(world, order):
    """Return when an order is overrun (ns), or NEVER_NS."""
    if is_closed(world, order.instrument):
        return NEVER_NS
    if world.instruments[order.instrument].flow == FLOW_IDEAL:
        return _met_ns(world, order)
    for row in range(world.flow_count):
        flow = world.flows[row]
        if flow.instrument == order.instrument and flow.anchored:
            return _passed_ns(world, flow, order)
    return NEVER_NS


@kernel
def _next_look(time_ns):
    """Return the first moment of a look that is later than a time (ns)."""
    return (time_ns // LOOK_NS + 1) * LOOK_NS


@kernel
def _met_ns(world, order):
    """Return when quotes of the ideal market would trade with an order (ns), or NEVER_NS."""
    contract = world.instruments[order.instrument]
    when = _next_look(world.time_ns)
    while when <= world.price.next_tick_ns:
        bid, ask = quoted_ticks(world, contract, price_now(world, when) / world.price.value)
        if (ask <= order.price_ticks) if order.side == BUY else (bid >= order.price_ticks):
            return when
        when += LOOK_NS
    return NEVER_NS


@kernel
def _passed_ns(world, flow, order):
    """Return when an order is beyond what a quiet crowd lets stand (ns), or NEVER_NS.

    What the crowd remembers fades by the same factor from one look to the next.
    """
    when = _next_look(max(world.time_ns, flow.memory_ns + LOOK_NS - 1))
    end = min(flow.next_ns, world.price.next_tick_ns)
    if when > end:
        return NEVER_NS
    sign = 1.0 if order.side == SELL else -1.0
    tick = contract_tick(world, flow)
    if not _comes_near(world, flow, order, sign, when, end):
        return NEVER_NS
    step, elapsed = LOOK_NS / NANOSECONDS, (when - flow.memory_ns) / NANOSECONDS
    memory, fading = flow.memory * math.exp(-elapsed / flow.impact_decay), 1.0
    if when + LOOK_NS <= end:
        fading = math.exp(-step / flow.impact_decay)
    surprise, waning = flow.surprise, 1.0
    if surprise != 0.0:
        surprise *= math.exp(-elapsed / flow.informed_horizon)
        waning = math.exp(-step / flow.informed_horizon)
    while when <= end:
        believed = believed_price(world, flow, price_now(world, when)) / tick
        passed = sign * (believed + memory + surprise - order.price_ticks)
        if passed > flow.stale_ticks:
            return when
        memory *= fading
        surprise *= waning
        when += LOOK_NS
    return NEVER_NS


@kernel
def _comes_near(world, flow, order, sign, start_ns, end_ns):
    """Return whether the way of the price between two moments comes near enough for a look at each.

    What the crowd remembers only fades, so it counts for no more than now.
    """
    price = believed_price(world, flow, furthest_price(world, sign, start_ns, end_ns))
    passed = sign * (price / contract_tick(world, flow) - order.price_ticks)
    passed += max(sign * flow.memory, 0.0) + max(sign * flow.surprise, 0.0)
    return passed > flow.stale_ticks - _ROUNDING
