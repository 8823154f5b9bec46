"""Instructions in flight: an order matches when it arrives, not when it is sent.

The queue is kept in order of arrival; of two that arrive at once, the one sent first goes first.
"""

from __future__ import annotations

from gammagym._kernel import kernel
from gammagym.exchange.trading import execute, refuse
from gammagym.world import CANCEL, NEW, NO_ACCOUNT, NO_ORDER, REJECT_FULL


@kernel
def send(world, latency_ns):
    """Put the instruction in `world.incoming` on its way; returns whether there was room.

    Writes: messages, message_count, and the sender's `working_pending`.
    """
    draft = world.incoming
    if world.message_count == len(world.messages):
        refuse(world, draft, REJECT_FULL)
        return False
    draft.arrival_ns = world.time_ns + latency_ns
    place = world.message_count
    while place > 0 and world.messages[place - 1].arrival_ns > draft.arrival_ns:
        _copy(world.messages[place - 1], world.messages[place])
        place -= 1
    _copy(draft, world.messages[place])
    world.message_count += 1
    agent = world.accounts[draft.account].agent
    if agent != NO_ACCOUNT and world.agents[agent].working_id == draft.order_id:
        world.agents[agent].working_pending += 1
    return True


@kernel
def deliver(world):
    """Let the first instruction in flight reach its book. Writes: messages and all it does."""
    message = world.incoming
    _copy(world.messages[0], message)
    for place in range(1, world.message_count):
        _copy(world.messages[place], world.messages[place - 1])
    world.message_count -= 1
    row = execute(world, message)
    agent_row = world.accounts[message.account].agent
    if agent_row == NO_ACCOUNT:
        return
    agent = world.agents[agent_row]
    if agent.working_id == message.order_id:
        agent.working_pending -= 1
        # A refused modify or cancel leaves the order where it was.
        if message.kind == NEW or message.kind == CANCEL or row != NO_ORDER:
            agent.working_row = row
        elif not _rests(world, agent):
            agent.working_row = NO_ORDER


@kernel
def _rests(world, agent):
    if agent.working_row == NO_ORDER:
        return False
    order = world.orders[agent.working_row]
    return order.live == 1 and order.order_id == agent.working_id


@kernel
def working_quantity(world, agent):
    """Return the open quantity of an agent's working order (lots), 0 when there is none."""
    return world.orders[agent.working_row].quantity_lots if _rests(world, agent) else 0


@kernel
def _copy(source, target):
    target.arrival_ns = source.arrival_ns
    target.order_id = source.order_id
    target.price_ticks = source.price_ticks
    target.quantity_lots = source.quantity_lots
    target.decision_mid = source.decision_mid
    target.account = source.account
    target.instrument = source.instrument
    target.kind = source.kind
    target.side = source.side
    target.tif = source.tif
    target.reduce_only = source.reduce_only
    target.liquidation = source.liquidation
