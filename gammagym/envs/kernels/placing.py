"""One wish for one order, reconciled with what is in the market already.

Every competitor keeps track of a few orders (`agents.working`), one in each slot. A wish is a
signed size, and how to place it: +1 crosses the spread now, 0 joins the best price post-only, -1
rests well behind. The order of the slot is turned into the wished one, losing as little queue
priority as it can. As long as an earlier order of the account could not be canceled, all of its
orders are canceled first, and nothing new rests.
"""

from __future__ import annotations

from gammagym._kernel import kernel
from gammagym.envs.kernels.limits import allowed_lots
from gammagym.envs.kernels.observe import seen_mid, seen_touch
from gammagym.exchange.messages import working_quantity
from gammagym.exchange.orders import make_plain, next_order_id
from gammagym.market.latency import instruct, travel_ns
from gammagym.world.codes import (
    BUY,
    CANCEL,
    CANCEL_ALL,
    IOC,
    LIMIT,
    MODIFY,
    NEW,
    NO_ORDER,
    ONLY_REDUCE,
    POST_ONLY,
    SELL,
    WAY_DATA,
)

# From this urgency on an order crosses the spread; below, it rests.
CROSS_URGENCY = 0.5
# How far behind the touch urgency -1 rests (share of the price).
REST_DEPTH = 0.002


@kernel
def clipped(number):
    """Return a number of an action as a float from -1 to 1."""
    return min(max(float(number), -1.0), 1.0)


@kernel
def begin_decision(world, row):
    """Draw how old the market is that a decision looks at. Writes: agents."""
    agent = world.agents[row]
    agent.data_delay_ns = travel_ns(world, row, WAY_DATA, agent.decisions)
    agent.decisions += 1


@kernel
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
    price_ticks = resting_price(world, agent, working, side, urgency)
    rest(world, agent, working, side, price_ticks, lots, POST_ONLY)


@kernel
def cross(world, agent, working, side, lots):
    """Trade now against what is there; what rests of the slot goes."""
    price_ticks = _protected_price(world, agent, working, side)
    replace(world, agent, working, side, price_ticks, lots, IOC)


@kernel
def rest(world, agent, working, side, price_ticks, lots, terms):
    """Let an order rest at a price, or change the one that does on this side."""
    lots = allowed_lots(world, working, side, lots)
    if working.strays or lots == 0:
        cancel_working(world, agent, working)
    elif is_working(world, working) and working.side == side:
        _amend_working(world, agent, working, price_ticks, lots)
    else:
        replace(world, agent, working, side, price_ticks, lots, terms)


@kernel
def replace(world, agent, working, side, price_ticks, lots, terms):
    """Cancel the order of a slot, if there may be one, and send a new one.

    Args:
        world: one world.
        agent: row of agents, the record.
        working: slot, the record.
        side: BUY or SELL.
        price_ticks: limit (ticks).
        lots: quantity (lots).
        terms: time in force, plus ONLY_REDUCE for an order that may only reduce the position.
    """
    cancel_working(world, agent, working)
    lots = allowed_lots(world, working, side, lots)
    if lots > 0:
        send_new(world, agent, working, side, price_ticks, lots, terms)


@kernel
def is_working(world, working):
    """Return whether a slot has an order, as far as its owner knows."""
    return working.pending > 0 or working_quantity(world, working) > 0


@kernel
def standing_price(world, working):
    """Return the price of a slot's order as its owner knows it (ticks).

    What was asked for last may have been refused: where nothing is under way, it is what rests.
    """
    return working.price_ticks if working.pending > 0 else world.orders[working.row].price_ticks


@kernel
def cancel_working(world, agent, working):
    """Cancel the order of a slot, if there may be one."""
    if working.strays:
        _write(world, agent, working, CANCEL_ALL, working.side, 0, 0)
    elif is_working(world, working):
        _write(world, agent, working, CANCEL, working.side, working.price_ticks, 0)
    else:
        working.row = NO_ORDER


@kernel
def _amend_working(world, agent, working, price_ticks, lots):
    """Modify the working order, unless it is close enough to what is wished to keep its place."""
    open_lots = working.quantity_lots
    if working.pending == 0:
        # It may have been filled in part.
        open_lots = working_quantity(world, working)
    slack = agent.dead_zone * working.largest_lots
    if price_ticks == standing_price(world, working) and abs(lots - open_lots) <= slack:
        return
    working.price_ticks = price_ticks
    working.quantity_lots = lots
    _write(world, agent, working, MODIFY, working.side, price_ticks, lots)


@kernel
def send_new(world, agent, working, side, price_ticks, lots, terms):
    """Send the order of an empty slot; arguments as of `replace`."""
    working.order_id = next_order_id(world)
    working.side = side
    working.price_ticks = price_ticks
    working.quantity_lots = lots
    working.row = NO_ORDER
    working.pending = 0
    working.unacknowledged = 0
    working.seen[:] = 0.0
    working.terms = terms
    world.incoming.tif = terms % ONLY_REDUCE
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
    make_plain(message)
    message.reduce_only = working.terms // ONLY_REDUCE
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


@kernel
def resting_price(world, agent, working, side, urgency):
    """Return the price at which an order of this urgency rests (ticks)."""
    touch = seen_touch(world, agent, working.instrument, side)
    far = seen_touch(world, agent, working.instrument, 1 - side)
    if touch == 0:
        touch = price_beside_mid(world, agent, working.instrument, side)
    return price_from_touch(side, touch, far, urgency)


@kernel
def price_beside_mid(world, agent, instrument, side):
    """Return a price of an empty side, one tick from the middle (ticks)."""
    tick = world.instruments[instrument].tick_size
    return int(seen_mid(world, agent, instrument) / tick) + (-1 if side == BUY else 1)


@kernel
def price_from_touch(side, touch, far, urgency):
    """Return the price that an urgency below CROSS_URGENCY stands for (ticks).

    Args:
        side: BUY or SELL.
        touch: best price of this side (ticks).
        far: best price of the other side, 0 for none (ticks).
        urgency: placement, -1 to CROSS_URGENCY.
    """
    sign = 1 if side == BUY else -1
    if urgency < 0.0:
        return touch + int(urgency * REST_DEPTH * touch) * sign
    if far == 0:
        return touch
    room = abs(far - touch) - 1
    return touch + int(urgency / CROSS_URGENCY * room) * sign
