"""What becomes of the hedge of a competitor that has lost what its task allows: it is closed."""

from __future__ import annotations

from gammagym._kernel import kernel
from gammagym.envs.kernels.placing import cancel_working, cross
from gammagym.exchange.attribution import is_hedge
from gammagym.world.codes import BUY, SELL


@kernel
def close_hedges(world, row):
    """Cancel all orders and trade every hedge towards nothing, by a largest order a decision.

    Args:
        world: one world.
        row: row of agents.
    """
    agent = world.agents[row]
    for slot in range(agent.slots):
        working = agent.working[slot]
        held = 0
        if is_hedge(agent, working.instrument) and not _is_repeated(agent, slot):
            held = world.positions[working.account, working.instrument].quantity_lots
        if held == 0:
            cancel_working(world, agent, working)
        elif working.pending == 0:
            # What was sent before must be known, or it would be closed twice.
            side = SELL if held > 0 else BUY
            cross(world, agent, working, side, min(abs(held), working.largest_lots))


@kernel
def _is_repeated(agent, slot):
    """Return whether an earlier slot is for the same instrument."""
    for other in range(slot):
        if agent.working[other].instrument == agent.working[slot].instrument:
            return True
    return False
