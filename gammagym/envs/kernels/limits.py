"""Limits on risk that a task sets: how far net delta may go, and what may be lost.

They act on orders before these are sent, by what a competitor holds, has resting and has on its way
at that moment; the delta of options may still move beyond. Both are off unless a task sets them.
"""

from __future__ import annotations

from gammagym._kernel import kernel
from gammagym.exchange.attribution import hedge_units, is_hedge
from gammagym.exchange.messages import working_quantity
from gammagym.world.codes import BUY
from gammagym.world.sizes import QUANTA


@kernel
def allowed_lots(world, working, side, lots):
    """Return how much of an order may be sent (lots): nothing in what has expired.

    Args:
        world: one world.
        working: the slot that the order is for.
        side: BUY or SELL.
        lots: wished quantity.
    """
    contract = world.instruments[working.instrument]
    if contract.settled:
        return 0
    row = world.accounts[working.account].agent
    agent = world.agents[row]
    sign = 1 if side == BUY else -1
    hedges = is_hedge(agent, working.instrument)
    if agent.stopped:
        held = world.positions[working.account, working.instrument].quantity_lots
        return min(lots, max(-sign * held, 0)) if hedges else 0
    if agent.delta_limit > 0.0 and hedges:
        room = agent.delta_limit - sign * (agent.book_delta + hedge_units(world, row))
        room -= _on_its_way(world, agent, working, side)
        return min(lots, max(int(room / contract.lot_size), 0))
    return lots


@kernel
def _on_its_way(world, agent, working, side):
    """Return what other slots may still trade on a side, and orders in flight (units)."""
    units = 0.0
    for slot in range(agent.slots):
        other = agent.working[slot]
        if other.side != side or not is_hedge(agent, other.instrument):
            continue
        lots = 0
        if other.pending > 0:
            lots = other.quantity_lots
        elif other.order_id != working.order_id or other.instrument != working.instrument:
            lots = working_quantity(world, other)
        units += lots * world.instruments[other.instrument].lot_size
    return units


@kernel
def is_stopped(world, row):
    """Return whether a competitor has lost what it may. Writes: agents.stopped."""
    agent = world.agents[row]
    if agent.loss_limit > 0.0:
        lost = (agent.initial_equity_quanta - agent.equity_quanta) / QUANTA
        if lost > agent.loss_limit * agent.stake:
            agent.stopped = 1
    return agent.stopped != 0
