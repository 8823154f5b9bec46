"""Messages in flight: an order matches when it arrives, not when it is sent.

The queue is kept in order of arrival; of two that arrive at once, the one sent first goes first.
What becomes of an instruction is known when its acknowledgement has come back (docs/rules/latency).
"""

from __future__ import annotations

from gammagym._kernel import kernel
from gammagym.exchange.orders import execute, is_shut
from gammagym.exchange.trading import refuse
from gammagym.world.codes import (
    ACKNOWLEDGEMENT,
    CANCEL,
    CANCEL_ALL,
    NEW,
    NO_ACCOUNT,
    NO_ORDER,
    NO_SLOT,
    REJECT_FULL,
)


@kernel
def send(world, latency_ns, acknowledgement_ns):
    """Put the instruction in `world.incoming` on its way; returns whether there was room.

    Writes: messages, message_count, and what its sender knows of the order (`agents.working`).

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
    row = world.accounts[draft.account].agent
    if row != NO_ACCOUNT:
        slot = slot_of(world.agents[row], draft.order_id)
        if slot != NO_SLOT:
            world.agents[row].working[slot].pending += 1
    return True


@kernel
def slot_of(agent, order_id):
    """Return the row of `working` in which a competitor keeps track of an order, or NO_SLOT."""
    for slot in range(agent.slots):
        if agent.working[slot].order_id == order_id:
            return slot
    return NO_SLOT


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


@kernel
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


@kernel
def _carry_out(world, message):
    """Execute an instruction at the venue and keep track of the sender's working order."""
    shut = is_shut(world, message)
    row = execute(world, message)
    agent_row = world.accounts[message.account].agent
    if agent_row == NO_ACCOUNT:
        return
    agent = world.agents[agent_row]
    slot = slot_of(agent, message.order_id)
    if message.kind == CANCEL_ALL and not shut:
        _note_strays(agent, message.account, 0)
    elif message.kind == CANCEL and shut and slot == NO_SLOT:
        # Another order has taken its place, and it may rest still.
        _note_strays(agent, message.account, 1)
    if slot != NO_SLOT:
        working = agent.working[slot]
        # A refused modify or cancel leaves the order where it was.
        if message.kind == NEW or row != NO_ORDER:
            working.row = row
        elif not _rests(world, working):
            working.row = NO_ORDER
        _acknowledge(world, working)


@kernel
def _note_strays(agent, account, strays):
    """Note whether orders may rest that nobody keeps track of: of an account, all are canceled."""
    for slot in range(agent.slots):
        if agent.working[slot].account == account:
            agent.working[slot].strays = strays


@kernel
def _acknowledge(world, working):
    """Answer the instruction in `world.incoming`: at once, or by a message on its way back."""
    message = world.incoming
    if message.acknowledgement_ns == 0:
        working.pending -= 1
        return
    working.unacknowledged += 1
    message.kind = ACKNOWLEDGEMENT
    message.arrival_ns = world.time_ns + message.acknowledgement_ns
    # There is room: the instruction has just left the queue.
    _enqueue(world)


@kernel
def _learn(world, message):
    """Let the sender know that its instruction was carried out. Writes: agents.working."""
    agent = world.agents[world.accounts[message.account].agent]
    slot = slot_of(agent, message.order_id)
    if slot != NO_SLOT:
        agent.working[slot].pending -= 1
        agent.working[slot].unacknowledged -= 1


@kernel
def _rests(world, working):
    if working.row == NO_ORDER:
        return False
    order = world.orders[working.row]
    return order.live == 1 and order.order_id == working.order_id


@kernel
def working_quantity(world, working):
    """Return the open quantity of an order that a competitor keeps track of (lots), or 0."""
    return world.orders[working.row].quantity_lots if _rests(world, working) else 0


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
