"""One wish for one order, reconciled with what is in the market already.

Every competitor keeps track of a few orders (`agents.working`), one in each slot. A wish is a
signed size, and how to place it: +1 crosses the spread now, 0 joins the best price post-only, -1
rests well behind. The order of the slot is turned into the wished one, losing as little queue
priority as it can. As long as an earlier order of the slot could not be canceled, all orders of its
account are canceled first, and nothing new rests.
"""

from __future__ import annotations

from gammagym._kernel import kernel
from gammagym.envs.kernels.limits import allowed_lots
from gammagym.envs.kernels.observe import seen_mid, seen_touch
from gammagym.exchange.messages import working_quantity
from gammagym.exchange.orders import next_order_id, plain
from gammagym.market.latency import instruct, travel_ns
from gammagym.world import (
    BUY,
    CANCEL,
    CANCEL_ALL,
    IOC,
    LIMIT,
    MODIFY,
    NEW,
    NO_ORDER,
    POST_ONLY,
    SELL,
    WAY_DATA,
)

# From this urgency on an order crosses the spread; below, it rests.
CROSS_URGENCY = 0.5
# How far behind the touch urgency -1 rests (share of the price).
REST_DEPTH = 0.002


@kernel
def begin_decision(world, row):
    """Draw how old the market is that a decision looks at. Writes: agents."""
    agent = world.agents[row]
    agent.data_delay_ns = travel_ns(world, row, WAY_DATA, agent.decisions)
    agent.decisions += 1


@kernel(counted=False)
def wish(world, row, slot, size, urgency):
    """Send the instructions that turn the order of a slot into the wished one.

    Args:
        world: one world.
        row: row of agents.
        slot: row of the agent's `working`.
        size: signed size, share of the slot's largest order.
        urgency: placement, -1 to 1.
    """
    agent = world.agents[row]
    working = agent.working[slot]
    lots = round(abs(size) * working.largest_lots)
    if abs(size) < agent.dead_zone or lots == 0:
        cancel_working(world, agent, working)
        return
    side = BUY if size > 0.0 else SELL
    if urgency >= CROSS_URGENCY:
        cross(world, agent, working, side, lots)
        return
    rest(world, agent, working, side, resting_price(world, agent, working, side, urgency), lots)


@kernel
def cross(world, agent, working, side, lots):
    """Trade now against what is there; what rests of the slot goes."""
    cancel_working(world, agent, working)
    lots = allowed_lots(world, working, side, lots)
    if lots > 0:
        price_ticks = _protected_price(world, agent, working, side)
        _send_new(world, agent, working, side, IOC, price_ticks, lots)


@kernel(counted=False)
def rest(world, agent, working, side, price_ticks, lots):
    """Let an order rest at a price, post-only, or change the one that does."""
    lots = allowed_lots(world, working, side, lots)
    if working.strays or lots == 0:
        cancel_working(world, agent, working)
        return
    if _is_working(world, working) and working.side == side:
        _amend_working(world, agent, working, price_ticks, lots)
        return
    cancel_working(world, agent, working)
    _send_new(world, agent, working, side, POST_ONLY, price_ticks, lots)


@kernel
def _is_working(world, working):
    return working.pending > 0 or working_quantity(world, working) > 0


@kernel
def cancel_working(world, agent, working):
    """Cancel the order of a slot, if there may be one."""
    if working.strays:
        _write(world, agent, working, CANCEL_ALL, working.side, 0, 0)
    elif _is_working(world, working):
        _write(world, agent, working, CANCEL, working.side, working.price_ticks, 0)
    else:
        working.row = NO_ORDER


@kernel(counted=False)
def _amend_working(world, agent, working, price_ticks, lots):
    """Modify the working order, unless it is close enough to what is wished to keep its place."""
    standing_ticks, open_lots = working.price_ticks, working.quantity_lots
    if working.pending == 0:
        # What was asked for may have been refused, or filled in part: look at what rests.
        standing_ticks = world.orders[working.row].price_ticks
        open_lots = working_quantity(world, working)
    slack = agent.dead_zone * working.largest_lots
    if price_ticks == standing_ticks and abs(lots - open_lots) <= slack:
        return
    working.price_ticks = price_ticks
    working.quantity_lots = lots
    _write(world, agent, working, MODIFY, working.side, price_ticks, lots)


@kernel
def _send_new(world, agent, working, side, tif, price_ticks, lots):
    working.order_id = next_order_id(world)
    working.side = side
    working.price_ticks = price_ticks
    working.quantity_lots = lots
    working.row = NO_ORDER
    working.pending = 0
    working.unacknowledged = 0
    working.seen[:] = 0.0
    world.incoming.tif = tif
    _write(world, agent, working, NEW, side, price_ticks, lots)


@kernel
def _write(world, agent, working, kind, side, price_ticks, lots):
    message = world.incoming
    message.kind = kind
    message.order_id = working.order_id
    message.account = working.account
    message.instrument = working.instrument
    message.side = side
    message.price_ticks = price_ticks
    message.quantity_lots = lots
    message.type = LIMIT
    plain(message)
    message.reduce_only = 0
    message.liquidation = 0
    message.decision_mid = seen_mid(world, agent, working.instrument)
    if not instruct(world, agent.data_delay_ns) and kind == CANCEL:
        working.strays = 1


@kernel
def _protected_price(world, agent, working, side):
    """Return the limit of a market order: the far touch and a protection beyond it."""
    contract = world.instruments[working.instrument]
    touch = float(seen_touch(world, agent, working.instrument, 1 - side))
    if touch == 0.0:
        # The mid of a book with an empty side is the mark.
        touch = seen_mid(world, agent, working.instrument) / contract.tick_size
    reach = contract.protection
    if contract.price_band > 0.0:
        # Within the venue's band even if the mark has moved when it arrives.
        reach = min(reach, 0.5 * contract.price_band)
    return int(touch * (1.0 + reach if side == BUY else 1.0 - reach))


@kernel(counted=False)
def resting_price(world, agent, working, side, urgency):
    """Return the price at which an order of this urgency rests (ticks)."""
    sign = 1 if side == BUY else -1
    touch = seen_touch(world, agent, working.instrument, side)
    far = seen_touch(world, agent, working.instrument, 1 - side)
    if touch == 0:
        tick = world.instruments[working.instrument].tick_size
        touch = int(seen_mid(world, agent, working.instrument) / tick) - sign
    if urgency < 0.0:
        return touch + int(urgency * REST_DEPTH * touch) * sign
    if far == 0:
        return touch
    room = abs(far - touch) - 1
    return touch + int(urgency / CROSS_URGENCY * room) * sign
