"""Messages in flight: an order matches when it arrives, not when it is sent.

The queue is kept in order of arrival; of two that arrive at once, the one sent first goes first.
What becomes of an instruction is known when its acknowledgement has come back (docs/rules/latency).
"""

from __future__ import annotations

from gammagym._kernel import kernel
from gammagym.exchange.orders import execute, is_shut
from gammagym.exchange.trading import refuse
from gammagym.world import (
    ACKNOWLEDGEMENT,
    CANCEL,
    CANCEL_ALL,
    NEW,
    NO_ACCOUNT,
    NO_ORDER,
    REJECT_FULL,
)


@kernel
def send(world, latency_ns, acknowledgement_ns):
    """Put the instruction in `world.incoming` on its way; returns whether there was room.

    Writes: messages, message_count, and the sender's `working_pending`.

    Args:
        world: one world.
        latency_ns: how long it takes to the matching engine (ns).
        acknowledgement_ns: how long its acknowledgement takes longer than market data (ns).
    """
    draft = world.incoming
    if world.message_count == len(world.messages):
        refuse(world, draft.account, REJECT_FULL)
        return False
    draft.arrival_ns = max(world.time_ns + latency_ns, _last_about(world, draft))
    draft.acknowledgement_ns = acknowledgement_ns
    _enqueue(world)
    agent = world.accounts[draft.account].agent
    if agent != NO_ACCOUNT and world.agents[agent].working_id == draft.order_id:
        world.agents[agent].working_pending += 1
    return True


@kernel
def _last_about(world, draft):
    """Return the arrival of the last instruction in flight about the same order, else now."""
    last_ns = world.time_ns
    for place in range(world.message_count):
        message = world.messages[place]
        if message.order_id == draft.order_id and message.account == draft.account:
            if message.kind != ACKNOWLEDGEMENT:
                last_ns = message.arrival_ns
    return last_ns


@kernel
def _enqueue(world):
    """Put `world.incoming` at its place in the queue. Writes: messages, message_count."""
    draft = world.incoming
    place = world.message_count
    while place > 0 and world.messages[place - 1].arrival_ns > draft.arrival_ns:
        _copy(world.messages[place - 1], world.messages[place])
        place -= 1
    _copy(draft, world.messages[place])
    world.message_count += 1


@kernel(counted=False)
def deliver(world):
    """Let the first message in flight reach its goal. Writes: messages and all it does."""
    message = world.incoming
    _copy(world.messages[0], message)
    for place in range(1, world.message_count):
        _copy(world.messages[place], world.messages[place - 1])
    world.message_count -= 1
    if message.kind == ACKNOWLEDGEMENT:
        _learn(world, message)
    else:
        _carry_out(world, message)


@kernel(counted=False)
def _carry_out(world, message):
    """Execute an instruction at the venue and keep track of the sender's working order."""
    shut = is_shut(world, message)
    row = execute(world, message)
    agent_row = world.accounts[message.account].agent
    if agent_row == NO_ACCOUNT:
        return
    agent = world.agents[agent_row]
    if message.kind == CANCEL_ALL and not shut:
        agent.strays = 0
    elif message.kind == CANCEL and shut and agent.working_id != message.order_id:
        # Another order has taken its place, and it may rest still.
        agent.strays = 1
    if agent.working_id == message.order_id:
        # A refused modify or cancel leaves the order where it was.
        if message.kind == NEW or row != NO_ORDER:
            agent.working_row = row
        elif not _rests(world, agent):
            agent.working_row = NO_ORDER
        _acknowledge(world, agent)


@kernel
def _acknowledge(world, agent):
    """Answer the instruction in `world.incoming`: at once, or by a message on its way back."""
    message = world.incoming
    if message.acknowledgement_ns == 0:
        agent.working_pending -= 1
        return
    agent.working_unacknowledged += 1
    message.kind = ACKNOWLEDGEMENT
    message.arrival_ns = world.time_ns + message.acknowledgement_ns
    # There is room: the instruction has just left the queue.
    _enqueue(world)


@kernel
def _learn(world, message):
    """Let the sender know that its instruction was carried out. Writes: agents.working_*."""
    agent = world.agents[world.accounts[message.account].agent]
    if agent.working_id == message.order_id:
        agent.working_pending -= 1
        agent.working_unacknowledged -= 1


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
    target.acknowledgement_ns = source.acknowledgement_ns
    target.order_id = source.order_id
    target.price_ticks = source.price_ticks
    target.quantity_lots = source.quantity_lots
    target.decision_mid = source.decision_mid
    target.account = source.account
    target.instrument = source.instrument
    target.kind = source.kind
    target.type = source.type
    target.side = source.side
    target.tif = source.tif
    target.trigger = source.trigger
    target.self_trade = source.self_trade
    target.display_lots = source.display_lots
    target.trigger_ticks = source.trigger_ticks
    target.trail_ticks = source.trail_ticks
    target.expiry_ns = source.expiry_ns
    target.reduce_only = source.reduce_only
    target.liquidation = source.liquidation
