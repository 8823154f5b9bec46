"""Action schemes: how the numbers of an action become wishes (docs/environments/actions).

`hedge` has two numbers for each instrument that the competitor hedges with: the signed size of the
one working order it wishes to have there, as a share of the largest, and how to place it.
"""

from __future__ import annotations

from gammagym._kernel import kernel
from gammagym.envs.kernels.limits import is_stopped
from gammagym.envs.kernels.placing import begin_decision, wish
from gammagym.envs.kernels.stop import close_hedges


@kernel(counted=False)
def decide(world, row, action):
    """Carry out one decision of one competitor.

    Args:
        world: one world.
        row: row of agents.
        action: float32, shape (numbers of the scheme,); numbers beyond -1 and 1 are clipped.
    """
    agent = world.agents[row]
    begin_decision(world, row)
    if is_stopped(world, row):
        close_hedges(world, row)
        return
    for hedge in range(agent.hedge_count):
        wish(world, row, hedge, _clipped(action[2 * hedge]), _clipped(action[2 * hedge + 1]))


@kernel
def _clipped(number):
    return min(max(float(number), -1.0), 1.0)
