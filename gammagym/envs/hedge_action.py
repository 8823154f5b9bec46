"""The action scheme `hedge`: the one working hedge order the agent wishes to have.

The first number is its signed size as a share of the largest order, the second how to place it:
+1 crosses the spread now, 0 joins the best price post-only, -1 rests well behind. What is in the
market already is reconciled with the wish, losing as little queue priority as it can. As long as an
earlier order could not be canceled, all orders are canceled first, and nothing new rests.
"""

from __future__ import annotations

import numpy as np

from gammagym._kernel import kernel
from gammagym.envs.observe import seen_mid, seen_touch
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


@kernel(counted=False)
def wish(world, row, size, urgency):
    """Send the instructions that turn the working order into the wished one.

    Args:
        world: one world.
        row: row of agents.
        size: signed size, share of the largest order.
        urgency: placement, -1 to 1.
    """
    agent = world.agents[row]
    agent.data_delay_ns = travel_ns(world, row, WAY_DATA, agent.decisions)
    agent.decisions += 1
    agent.decision_mid = seen_mid(world, agent)
    lots = round(abs(size) * agent.largest_order_lots)
    if abs(size) < agent.dead_zone or lots == 0:
        _cancel_working(world, agent)
        return
    side = BUY if size > 0.0 else SELL
    if urgency >= CROSS_URGENCY:
        _cancel_working(world, agent)
        _send_new(world, agent, side, IOC, _protected_price(world, agent, side), lots)
        return
    if agent.strays:
        _cancel_working(world, agent)
        return
    price = _resting_price(world, agent, side, urgency)
    if _is_working(world, agent) and agent.working_side == side:
        _amend_working(world, agent, price, lots)
        return
    _cancel_working(world, agent)
    _send_new(world, agent, side, POST_ONLY, price, lots)


@kernel
def _is_working(world, agent):
    return agent.working_pending > 0 or working_quantity(world, agent) > 0


@kernel
def _cancel_working(world, agent):
    if agent.strays:
        _write(world, agent, CANCEL_ALL, agent.working_side, 0, 0)
    elif _is_working(world, agent):
        _write(world, agent, CANCEL, agent.working_side, agent.working_price_ticks, 0)
    else:
        agent.working_row = NO_ORDER


@kernel(counted=False)
def _amend_working(world, agent, price_ticks, lots):
    """Modify the working order, unless it is close enough to what is wished to keep its place."""
    standing_ticks, open_lots = agent.working_price_ticks, agent.working_quantity_lots
    if agent.working_pending == 0:
        # What was asked for may have been refused, or filled in part: look at what rests.
        standing_ticks = world.orders[agent.working_row].price_ticks
        open_lots = working_quantity(world, agent)
    slack = agent.dead_zone * agent.largest_order_lots
    if price_ticks == standing_ticks and abs(lots - open_lots) <= slack:
        return
    agent.working_price_ticks = price_ticks
    agent.working_quantity_lots = lots
    _write(world, agent, MODIFY, agent.working_side, price_ticks, lots)


@kernel
def _send_new(world, agent, side, tif, price_ticks, lots):
    agent.working_id = next_order_id(world)
    agent.working_side = side
    agent.working_price_ticks = price_ticks
    agent.working_quantity_lots = lots
    agent.working_row = NO_ORDER
    agent.working_pending = 0
    agent.working_unacknowledged = 0
    agent.seen_order[:] = 0.0
    world.incoming.tif = tif
    _write(world, agent, NEW, side, price_ticks, lots)


@kernel
def _write(world, agent, kind, side, price_ticks, lots):
    message = world.incoming
    message.kind = kind
    message.order_id = agent.working_id
    message.account = agent.hedge_account
    message.instrument = agent.hedge_instrument
    message.side = side
    message.price_ticks = price_ticks
    message.quantity_lots = lots
    message.type = LIMIT
    plain(message)
    message.reduce_only = 0
    message.liquidation = 0
    message.decision_mid = agent.decision_mid
    if not instruct(world, agent.data_delay_ns) and kind == CANCEL:
        agent.strays = 1


@kernel
def _protected_price(world, agent, side):
    """Return the limit of a market order: the far touch and a protection beyond it."""
    contract = world.instruments[agent.hedge_instrument]
    touch = float(seen_touch(world, agent, 1 - side))
    if touch == 0.0:
        # The mid of a book with an empty side is the mark.
        touch = agent.decision_mid / contract.tick_size
    reach = contract.protection
    if contract.price_band > 0.0:
        # Within the venue's band even if the mark has moved when it arrives.
        reach = min(reach, 0.5 * contract.price_band)
    return int(touch * (1.0 + reach if side == BUY else 1.0 - reach))


@kernel(counted=False)
def _resting_price(world, agent, side, urgency):
    """Return the price at which an order of this urgency rests (ticks)."""
    sign = 1 if side == BUY else -1
    touch, far = seen_touch(world, agent, side), seen_touch(world, agent, 1 - side)
    if touch == 0:
        tick = world.instruments[agent.hedge_instrument].tick_size
        touch = int(agent.decision_mid / tick) - sign
    if urgency < 0.0:
        return touch + int(urgency * REST_DEPTH * touch) * sign
    if far == 0:
        return touch
    room = abs(far - touch) - 1
    return touch + int(urgency / CROSS_URGENCY * room) * sign


@kernel
def is_number(action):
    """Return whether both numbers of an action are finite."""
    return np.isfinite(action[0]) and np.isfinite(action[1])
